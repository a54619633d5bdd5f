"""Another checker of Lesson 12: weights as whole numbers."""

import numpy as np

from ser_helpers.course.checks import Hint, exercise


def _whole(weights):
    """As it should be."""
    scale = np.abs(weights).max() / 127 or 1.0
    return np.round(weights / scale).astype(np.int8), scale


def _cut(weights):
    scale = np.abs(weights).max() / 127 or 1.0
    return (weights / scale).astype(np.int8), scale


def _no_zero(weights):
    scale = np.abs(weights).max() / 127
    return np.round(weights / scale).astype(np.int8), scale


def _too_far(weights):
    scale = np.abs(weights).max() / 128 or 1.0
    return np.round(weights / scale).astype(np.int64).astype(np.int8), scale


def _positive_only(weights):
    scale = weights.max() / 127 or 1.0
    return np.clip(np.round(weights / scale), -127, 127).astype(np.int8), scale


def _coarse(weights):
    scale = np.abs(weights).max() or 1.0
    return np.round(weights / scale).astype(np.int8), scale


@exercise(
    "12.3",
    wrong=[
        _cut,
        _no_zero,
        _too_far,
        _positive_only,
        _coarse,
        lambda weights: _whole(weights)[0],
        lambda weights: (_whole(weights)[0].astype(float), _whole(weights)[1]),
        lambda weights: (_whole(weights)[0].ravel(), _whole(weights)[1]),
        lambda weights: _whole(weights)[::-1],
    ],
)
def quantised(answer):
    """Weights as whole numbers of 8 bits and a scale."""
    rng = np.random.default_rng(5)
    cases = {
        "weights around zero": rng.normal(size=(6, 7)),
        "weights with one large negative one": np.append(rng.normal(size=20), -9.0),
        "small weights": 1e-4 * rng.normal(size=30),
    }
    for what, weights in cases.items():
        _check_quantised(answer, weights.astype(np.float32), what)
    with np.errstate(all="ignore"):
        _, scale = _pair(answer(np.zeros(4, np.float32)), np.zeros(4), "a layer of zeros")
    if not np.isfinite(scale) or scale <= 0:
        raise Hint(f"For a layer of zeros the scale is {scale}, and dividing by it fails: choose 1 there.")


def _pair(given, weights, what):
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise Hint("Return two things: the whole numbers, and the scale.")
    whole, scale = given
    if np.ndim(scale) != 0:
        raise Hint("The scale is one number for the whole layer, and it comes second.")
    if np.asarray(whole).dtype != np.int8:
        raise Hint(f"The whole numbers are {np.asarray(whole).dtype}: only np.int8 takes 8 bits.")
    if np.shape(whole) != np.shape(weights):
        raise Hint(f"For {what} of the shape {np.shape(weights)}, the whole numbers have {np.shape(whole)}.")
    return np.asarray(whole, float), float(scale)


def _check_quantised(answer, weights, what):
    whole, scale = _pair(answer(weights), weights, what)
    best = np.abs(weights).max() / 127
    back = scale * whole
    if scale > 1.01 * best:
        raise Hint(f"For {what} the scale is {scale:.2g}: the largest weight should become 127, so it is {best:.2g}.")
    if np.any(np.sign(back) * np.sign(weights) < 0):
        raise Hint(f"For {what} a weight changes its sign: 128 does not fit into an int8, so divide by 127.")
    if np.abs(back - weights).max() > 0.9 * best:
        if np.abs(back).max() < 0.95 * np.abs(weights).max():
            raise Hint(f"For {what} the largest weight is cut off: the scale must reach the largest *absolute* value.")
        raise Hint(f"For {what} a weight moves by more than half a step: round before you convert, astype cuts off.")
