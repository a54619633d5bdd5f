"""The CCC loss must be the published formula, on both backends, with its gradient, and survive a strange batch."""

import numpy as np
import pytest

from ser_helpers.evaluation import ccc
from ser_helpers.models import CCC, ccc_loss

SNIPPET = """
from ser_helpers.models import CCC, ccc_loss

results["loss"] = ccc_loss(ops.convert_to_tensor(t), ops.convert_to_tensor(p))
metric = CCC(3)
for start in range(0, 40, 16):
    metric.update_state(ops.convert_to_tensor(t[start : start + 16]), ops.convert_to_tensor(p[start : start + 16]))
results["metric"] = metric.result()

weights = keras.Variable(p)
if keras.backend.backend() == "tensorflow":
    import tensorflow

    with tensorflow.GradientTape() as tape:
        loss = ccc_loss(t, weights.value)
    results["gradient"] = tape.gradient(loss, weights.value)
else:
    ccc_loss(ops.convert_to_tensor(t), weights.value).backward()
    results["gradient"] = weights.value.grad
"""


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    t = rng.normal(3, 1, (40, 3)).astype("float32")
    return t, (0.5 * t + rng.normal(1, 0.5, t.shape)).astype("float32")


def slow_gradient(t, p, step=1e-5):
    """By moving one prediction at a time, in double precision."""

    def loss(p):
        return 1 - np.mean([ccc(t[:, k], p[:, k]) for k in range(t.shape[1])])

    gradient = np.zeros(p.shape)
    for place in np.ndindex(*p.shape):
        up, down = p.astype(float), p.astype(float)
        up[place] += step
        down[place] -= step
        gradient[place] = (loss(up) - loss(down)) / (2 * step)
    return gradient


def test_loss_metric_and_gradient_are_the_formula_on_both_backends(on_both_backends, batch):
    t, p = batch
    wanted = np.mean([ccc(t[:, k], p[:, k]) for k in range(3)])
    for found in on_both_backends(SNIPPET, t=t, p=p):
        assert found["loss"] == pytest.approx(1 - wanted, abs=1e-5)
        assert found["metric"] == pytest.approx(wanted, abs=1e-5)
        np.testing.assert_allclose(found["gradient"], slow_gradient(t, p), atol=1e-5)


def test_one_column_may_be_flat(batch):
    t, p = batch
    assert float(ccc_loss(t[:, 0], p[:, 0])) == pytest.approx(1 - ccc(t[:, 0], p[:, 0]), abs=1e-6)


def test_a_flat_truth_and_a_column_of_predictions_are_refused(batch):
    t, p = batch
    with pytest.raises(ValueError, match=r"The truth has the shape \(\d+,\), and the prediction \(\d+, 1\)"):
        ccc_loss(t[:, 0], p[:, :1])


def test_moments_are_those_of_a_population():
    two = np.array([0.0, 1.0])  # with n - 1 in the variances, a perfect batch of two would lose 0.5
    assert float(ccc_loss(two, two)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("truth", "predicted"),
    [([2.0], [3.0]), ([2.0], [2.0]), ([2.1, 2.1, 2.1], [2.1, 2.1, 2.1]), ([1.0, 2.0], [5.0, 5.0])],
)
def test_a_batch_without_a_ccc_gives_no_nan_and_its_gradient_is_finite(truth, predicted):
    import keras
    import tensorflow

    if keras.backend.backend() != "tensorflow":
        pytest.skip("the gradient is taken by TensorFlow's tape")
    predicted = tensorflow.Variable(np.array(predicted, "float32"))
    with tensorflow.GradientTape() as tape:
        loss = ccc_loss(np.array(truth, "float32"), predicted)
    assert float(loss) == pytest.approx(1)
    assert np.isfinite(tape.gradient(loss, predicted).numpy()).all()


def test_a_metric_that_has_seen_only_one_value_is_zero():
    metric = CCC(1)
    metric.update_state(np.full((3, 1), 0.1, "float32"), np.full((3, 1), 0.1, "float32"))
    assert float(metric.result()) == 0
    metric.reset_state()
    assert float(metric.result()) == 0


def test_both_are_known_when_a_network_is_loaded(tmp_path):
    import keras

    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    network.compile("sgd", ccc_loss, metrics=[CCC(1)])
    network.save(tmp_path / "network.keras")
    assert keras.saving.load_model(tmp_path / "network.keras").loss is ccc_loss
