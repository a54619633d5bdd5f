"""The losses of Lesson 06 are Keras's own; here they meet the formulas the lesson writes out, on both backends."""

import numpy as np

SNIPPET = """
y, p = ops.convert_to_tensor(y), ops.convert_to_tensor(p)
focal = keras.losses.CategoricalFocalCrossentropy(alpha=0.25, gamma=2.0, reduction=None)
results["focal, by Keras"] = focal(y, p)
right = ops.sum(y * p, axis=-1)
results["focal, by hand"] = -0.25 * (1 - right) ** 2 * ops.log(right)
smoothed = keras.losses.CategoricalCrossentropy(label_smoothing=0.1, reduction=None)
results["smoothed, by Keras"] = smoothed(y, p)
softer = 0.9 * y + 0.1 / y.shape[-1]
results["smoothed, by hand"] = -ops.sum(softer * ops.log(p), axis=-1)
"""


def test_keras_and_the_formula_give_the_same_loss_on_both_backends(on_both_backends):
    rng = np.random.default_rng(0)
    y = np.eye(8, dtype="float32")[rng.integers(0, 8, 100)]
    p = (0.99 * rng.dirichlet(np.ones(8), 100) + 0.01 / 8).astype("float32")
    right = p[y == 1]
    wanted = {
        "focal": -0.25 * (1 - right) ** 2 * np.log(right),
        "smoothed": -((0.9 * y + 0.0125) * np.log(p)).sum(axis=1),
    }
    for found in on_both_backends(SNIPPET, y=y, p=p):
        for name, losses in found.items():
            np.testing.assert_allclose(losses, wanted[name.split(",")[0]], atol=1e-5)
