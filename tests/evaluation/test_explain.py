"""Explanations against networks whose reasons are known because they were built by hand."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

keras = pytest.importorskip("keras")

from ser_helpers.errors import EvaluationError  # noqa: E402
from ser_helpers.evaluation import explain  # noqa: E402
from ser_helpers.models import AttentionPooling, FrameScaler, KerasClassifier  # noqa: E402

LABELS = ["calm", "angry"] * 4


def frozen(layers, X, weights=None, scaler=None):
    """A "fitted" classifier whose weights stay what they are: a learning rate of 0, or weights given by hand."""

    def build(input_shape, n_classes):
        model = keras.Sequential([keras.Input(input_shape)])
        for layer in layers():
            model.add(layer)
        model.compile(keras.optimizers.SGD(0.0), "categorical_crossentropy")
        return model

    classifier = KerasClassifier(build, epochs=1)
    model = make_pipeline(scaler, classifier) if scaler else classifier
    model.fit(X, LABELS)
    if weights is not None:
        classifier.model_.set_weights(weights)
    return model


@pytest.fixture
def vectors():
    return np.random.default_rng(0).normal(size=(8, 3)).astype("float32")


@pytest.fixture
def spectrograms():
    return pd.Series(list(np.random.default_rng(0).normal(size=(8, 12, 6)).astype("float32")))


@pytest.fixture
def linear(vectors):
    """Outputs 0.1 x1 - 0.2 x2 + 0.3 for "angry" (column 0) and its opposite for "calm"; the third input is unused."""
    w = np.array([[0.1, -0.1], [-0.2, 0.2], [0, 0]], dtype="float32")
    return frozen(lambda: [keras.layers.Dense(2)], vectors, [w, np.array([0.3, -0.3], dtype="float32")])


def recurrent():
    layers = keras.layers
    return [layers.Masking(0.0), layers.LSTM(4, return_sequences=True), AttentionPooling(3), layers.Dense(2, "softmax")]


def convolutional():
    layers = keras.layers
    return [
        layers.Reshape((12, 6, 1)),
        layers.Conv2D(4, 3, activation="relu", padding="same"),
        layers.MaxPooling2D(2),
        layers.GlobalAveragePooling2D(),
        layers.Dense(2, "softmax"),
    ]


class TestIntegratedGradients:
    def test_a_linear_network_gives_weight_times_way(self, linear, vectors):
        found = explain.integrated_gradients(linear, vectors[0], "angry", baseline=[1, 2, 3])
        np.testing.assert_allclose(found, [0.1, -0.2, 0] * (vectors[0] - [1, 2, 3]), atol=1e-6)

    @pytest.mark.parametrize("layers", [convolutional, recurrent])
    def test_attributions_add_up_to_the_change_of_the_probability(self, layers, spectrograms):
        keras.utils.set_random_seed(1)
        model = frozen(layers, spectrograms)
        baseline = np.full((12, 6), 0.5)
        found = explain.integrated_gradients(model, spectrograms[0], "calm", baseline=baseline, steps=100)
        p = model.predict_proba(pd.Series([spectrograms[0], baseline]))[:, 1]
        assert found.sum() == pytest.approx(p[0] - p[1], abs=1e-3)

    def test_what_the_scaler_does_is_part_of_the_model(self, vectors):
        model = frozen(lambda: [keras.layers.Dense(2, "softmax")], 5 * vectors + 3, scaler=StandardScaler())
        found = explain.integrated_gradients(model, 5 * vectors[0] + 3, "calm")
        p = model.predict_proba(np.array([5 * vectors[0] + 3, (5 * vectors + 3).mean(axis=0)]))[:, 1]
        assert found.sum() == pytest.approx(p[0] - p[1], abs=1e-3)

    def test_too_few_steps_are_warned_of(self, vectors):
        steep = np.array([[50, -50], [0, 0], [0, 0]], dtype="float32")
        model = frozen(lambda: [keras.layers.Dense(2, "softmax")], vectors, [steep, np.zeros(2, "float32")])
        with pytest.warns(UserWarning, match="take more steps"):
            explain.integrated_gradients(model, [1.0, 0, 0], steps=1)
        with pytest.raises(EvaluationError, match="at least one step"):
            explain.integrated_gradients(model, [1.0, 0, 0], steps=0)


class TestGradCam:
    def test_one_convolution_by_hand(self, spectrograms):
        """Two 1 × 1 filters pass x and -x on; "angry" likes the first twice as much as it dislikes the second."""

        def layers():
            L = keras.layers
            return [
                L.Reshape((12, 6, 1)),
                L.Conv2D(2, 1, use_bias=False),
                L.GlobalAveragePooling2D(),
                L.Dense(2, "softmax", use_bias=False),
            ]

        weights = [np.array([[[[1, -1]]]]), np.array([[2, 0], [-1, 0]])]
        model = frozen(layers, spectrograms, weights)
        slopes = np.array([2, -1]) / (12 * 6)  # of the score before the softmax, by every place of each map
        expected = np.maximum(slopes[0] * spectrograms[0] - slopes[1] * spectrograms[0], 0)
        np.testing.assert_allclose(explain.grad_cam(model, spectrograms[0], "angry"), expected, atol=1e-6)
        assert (explain.grad_cam(model, spectrograms[0], "calm") == 0).all()
        assert model.model_.layers[-1].activation is keras.activations.softmax

    def test_a_small_map_is_stretched_over_the_input(self, spectrograms):
        model = frozen(convolutional, spectrograms)
        named = model.model_.layers[2].name
        for found in (
            explain.grad_cam(model, spectrograms[0]),
            explain.grad_cam(model, spectrograms[0], "calm", layer=named),
        ):
            assert found.shape == (12, 6)
            assert (found >= 0).all()

    def test_a_network_without_maps_is_refused(self, linear, vectors):
        with pytest.raises(EvaluationError, match="needs a layer that gives maps"):
            explain.grad_cam(linear, vectors[0])


class TestAttention:
    def test_it_is_what_the_layer_computes(self, spectrograms):
        model = frozen(recurrent, spectrograms, scaler=FrameScaler())
        found = explain.attention(model, spectrograms[0][:9])
        network = model[-1].model_
        states = keras.Model(network.inputs[0], network.layers[-3].output)(
            explain.network_input(model, spectrograms[0][:9])[None]
        )
        np.testing.assert_allclose(found, network.layers[-2].weights_over_time(states)[0], atol=1e-6)
        assert found.shape == (9,)
        assert found.sum() == pytest.approx(1, abs=1e-5)

    def test_masked_frames_get_none(self, spectrograms):
        model = frozen(recurrent, spectrograms)
        padded = np.pad(spectrograms[0], ((0, 5), (0, 0)))
        found = explain.attention(model, padded)
        np.testing.assert_allclose(found[:12], explain.attention(model, spectrograms[0]), atol=1e-5)
        assert (found[12:] == 0).all()

    def test_a_network_without_attention_is_refused(self, linear, vectors):
        with pytest.raises(EvaluationError, match="no AttentionPooling"):
            explain.attention(linear, vectors[0])


class OneBand:
    """Says "angry" the more, the louder bands 2 and 3 of 6 are in the last third of 12 frames."""

    classes_ = np.array(["angry", "calm"])

    def predict_proba(self, X):
        p = np.array([levels[8:, 2:4].mean() for levels in X])
        return np.column_stack([p, 1 - p])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class TestBandOcclusion:
    def test_it_finds_the_one_cell_that_counts(self):
        found = explain.band_occlusion(OneBand(), np.ones((12, 6)), "angry", bands=3, segments=3, fill=0.0)
        expected = np.zeros((3, 3))
        expected[2, 1] = 1
        np.testing.assert_allclose(found, expected, atol=0.02)
        assert found.index.tolist() == [0, 4, 8]
        assert found.columns.tolist() == [0, 2, 4]
        assert found.attrs["r2"] > 0.99

    def test_the_other_label_gets_the_opposite(self):
        found = explain.band_occlusion(OneBand(), np.ones((12, 6)), "calm", bands=3, segments=3, fill=0.0)
        assert found.loc[8, 2] == pytest.approx(-1, abs=0.02)

    def test_a_cell_that_is_off_holds_its_bands_mean(self):
        levels = np.zeros((12, 6))
        levels[8:, 2:4] = 1
        found = explain.band_occlusion(OneBand(), levels, "angry", bands=3, segments=3, off=0.5)
        assert found.loc[8, 2] == pytest.approx(1 - 1 / 3, abs=0.02)

    def test_what_cannot_be_cut_or_asked_is_refused(self):
        with pytest.raises(EvaluationError, match="cannot be cut into 6 segments × 4 bands"):
            explain.band_occlusion(OneBand(), np.ones((12, 3)))
        with pytest.raises(EvaluationError, match="no probabilities"):
            explain.band_occlusion(object(), np.ones((12, 6)), bands=2)


class TestSanity:
    def test_an_explanation_of_the_input_alone_is_found_out(self, linear, vectors):
        same = explain.sanity(lambda model, example: example, linear, vectors[0])
        assert same.tolist() == [1.0] * 5

    def test_an_explanation_of_the_weights_changes_and_the_weights_come_back(self, spectrograms):
        keras.utils.set_random_seed(0)
        model = frozen(convolutional, spectrograms)
        before = [weight.copy() for weight in model.model_.get_weights()]
        found = explain.sanity(explain.integrated_gradients, model, spectrograms[0], seeds=range(8))
        assert abs(found.mean()) < 0.6
        assert found.index.tolist() == list(range(8))
        for old, new in zip(before, model.model_.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)

    def test_the_weights_come_back_after_an_error(self, linear, vectors):
        calls = []

        def fails_later(model, example):
            calls.append(1)
            if len(calls) > 1:
                raise RuntimeError
            return example

        before = linear.model_.get_weights()
        with pytest.raises(RuntimeError):
            explain.sanity(fails_later, linear, vectors[0])
        np.testing.assert_array_equal(before[0], linear.model_.get_weights()[0])

    def test_a_map_that_is_the_same_everywhere_says_nothing(self, linear, vectors):
        assert explain.sanity(lambda model, example: np.ones(3), linear, vectors[0], seeds=[4]).to_dict() == {4: 0.0}

    def test_the_label_stays_what_the_model_said_before(self, linear, vectors):
        labels = []

        def note(model, example, label=None):
            labels.append(label)
            return example

        explain.sanity(note, linear, vectors[0])
        assert set(labels) == set(linear.predict(vectors[:1]))


@pytest.mark.parametrize(("layers", "ask"), [(convolutional, explain.grad_cam), (recurrent, explain.attention)])
def test_a_functional_network_is_explained_like_a_sequential_one(layers, ask, spectrograms):
    model = frozen(layers, spectrograms)
    expected = ask(model, spectrograms[0])
    tensor = begin = keras.Input(model.model_.inputs[0].shape[1:])
    for layer in layers():
        tensor = layer(tensor)
    functional = keras.Model(begin, tensor)
    functional.set_weights(model.model_.get_weights())
    model.model_ = functional
    np.testing.assert_allclose(ask(model, spectrograms[0]), expected, atol=1e-6)


def test_a_model_without_a_network_and_an_unknown_label_are_named(linear, vectors):
    with pytest.raises(EvaluationError, match="fitted KerasClassifier"):
        explain.network_input(StandardScaler(), vectors[0])
    with pytest.raises(EvaluationError, match="does not know 'bored'; it knows angry, calm"):
        explain.integrated_gradients(linear, vectors[0], "bored")
    with pytest.raises(EvaluationError, match="one example at a time"):
        explain.network_input(linear, pd.DataFrame(vectors))


def test_a_row_of_a_table_is_an_example(linear, vectors):
    table = pd.DataFrame(vectors)
    for example in (table.iloc[0], table.iloc[[0]], vectors[0]):
        np.testing.assert_array_equal(explain.network_input(linear, example), vectors[0])


def test_explaining_warns_of_nothing_when_all_is_well(linear, vectors):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        explain.integrated_gradients(linear, vectors[0])


@pytest.mark.slow
def test_gradients_are_the_same_on_both_backends(on_both_backends, spectrograms):
    snippet = """
import pandas as pd
from ser_helpers.evaluation import explain
class Model:
    classes_ = np.array(["angry", "calm"])
L = keras.layers
model = Model()
model.model_ = keras.Sequential([
    keras.Input((12, 6)), L.Reshape((12, 6, 1)), L.Conv2D(2, 3, activation="relu"),
    L.GlobalAveragePooling2D(), L.Dense(2, "softmax")])
model.model_.set_weights([w, b, v, c])
results["ig"] = explain.integrated_gradients(model, x, "calm")
results["cam"] = explain.grad_cam(model, x, "calm")
"""
    rng = np.random.default_rng(0)
    shapes = {"w": (3, 3, 1, 2), "b": (2,), "v": (2, 2), "c": (2,)}
    arrays = {name: rng.normal(size=shape).astype("float32") for name, shape in shapes.items()}
    tensorflow, torch = on_both_backends(snippet, x=spectrograms[0], **arrays)
    for name, value in tensorflow.items():
        np.testing.assert_allclose(value, torch[name], atol=1e-5, err_msg=name)
        assert np.ptp(value) > 0
