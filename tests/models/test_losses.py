"""The losses of Lesson 06 are Keras's own; here they meet the formulas the lesson writes out, on both backends."""

import numpy as np
import pytest

FOCAL = """
loss = keras.losses.CategoricalFocalCrossentropy(alpha=0.25, gamma=2.0, reduction=None)
results["keras"] = loss(y, p)
right = ops.sum(y * p, axis=-1)
results["formula"] = -0.25 * (1 - right) ** 2 * ops.log(right)
"""
SMOOTHED = """
loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1, reduction=None)
results["keras"] = loss(y, p)
y = ops.convert_to_tensor(y)
softened = 0.9 * y + 0.1 / y.shape[-1]
results["formula"] = -ops.sum(softened * ops.log(p), axis=-1)
"""


@pytest.fixture
def targets_and_probabilities():
    rng = np.random.default_rng(0)
    return np.eye(8, dtype="float32")[rng.integers(0, 8, 100)], rng.dirichlet(np.ones(8), 100).astype("float32")


@pytest.mark.parametrize(
    ("snippet", "wanted"),
    [
        (FOCAL, lambda y, p: -0.25 * ((1 - p) ** 2 * np.log(p))[y == 1]),
        (SMOOTHED, lambda y, p: -((0.9 * y + 0.0125) * np.log(np.clip(p, 1e-7, 1))).sum(axis=1)),
    ],
    ids=["focal", "label smoothing"],
)
def test_keras_and_the_formula_give_the_same_loss_on_both_backends(
    on_both_backends, targets_and_probabilities, snippet, wanted
):
    y, p = targets_and_probabilities
    for found in on_both_backends(snippet, y=y, p=p):
        np.testing.assert_allclose(found["keras"], wanted(y, p), atol=1e-5)
        np.testing.assert_allclose(found["formula"], wanted(y, p), atol=1e-5)
