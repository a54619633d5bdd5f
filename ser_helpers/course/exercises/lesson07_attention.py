"""Checkers of lesson 07, sequences and attention."""

import numpy as np
import pandas as pd

from ser_helpers.course.checks import Hint, exercise

FRAMES = np.array([[[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]], [[6.0, 6.0], [0.0, 0.0], [0.0, 0.0]]])
MASK = np.array([[True, True, False], [True, False, False]])


@exercise(
    "07.1",
    wrong=[
        lambda frames, mask: frames.mean(axis=1),
        lambda frames, mask: frames[mask].mean(axis=0),
        lambda frames, mask: (frames * mask[..., None]).sum(axis=1),
        lambda frames, mask: (frames * mask[..., None]).sum(axis=2) / mask.sum(axis=1, keepdims=True),
        lambda frames, mask: frames.sum(axis=1) / mask.sum(axis=1, keepdims=True),
    ],
)
def masked_mean(answer):
    """Means over the frames that count."""
    found = np.asarray(answer(FRAMES, MASK))
    if found.shape != (2, 2):
        raise Hint(
            f"Two utterances of two numbers each should come out, shape (2, 2), not {found.shape}: sum over axis 1."
        )
    if np.allclose(found, FRAMES.mean(axis=1)):
        raise Hint("You divide by the number of all frames; divide by the number of those that count.")
    if np.allclose(found, FRAMES.sum(axis=1)):
        raise Hint("That is the sum: divide it by the number of frames that count.")
    if not np.allclose(found, [[2, 3], [6, 6]]):
        raise Hint("The first utterance has the frames (1, 2) and (3, 4): its mean is (2, 3).")
    if not np.allclose(answer(np.where(MASK[..., None], FRAMES, 9.0), MASK), [[2, 3], [6, 6]]):
        raise Hint("Right as long as hidden frames are zero; multiply by the mask, so that they may hold anything.")


SCORES = np.array([[0.0, np.log(3.0), 5.0]])
HEARD = np.array([[True, True, False]])


def _softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@exercise(
    "07.2",
    wrong=[
        lambda scores, mask: _softmax(scores),
        lambda scores, mask: _softmax(scores * mask),
        lambda scores, mask: _softmax(scores) * mask,
        lambda scores, mask: scores * mask / (scores * mask).sum(axis=1, keepdims=True),
        lambda scores, mask: np.exp(scores) * mask / (np.exp(scores) * mask).sum(),
    ],
)
def attention_weights(answer):
    """Softmax over the frames that count."""
    found = np.asarray(answer(SCORES, HEARD))
    if np.allclose(found, _softmax(SCORES)):
        raise Hint("The third frame is hidden by the mask, but gets the largest weight: the mask is not used yet.")
    if np.allclose(found, _softmax(SCORES * HEARD)):
        raise Hint("A score of 0 is not a weight of 0, for exp(0) is 1: the hidden score must be minus infinity.")
    if np.allclose(found, _softmax(SCORES) * HEARD):
        raise Hint(
            "Hidden frames get nothing, but the others no longer add up to 1: hide before you divide by the sum."
        )
    if not np.allclose(found, [[0.25, 0.75, 0]]):
        raise Hint(
            "The scores 0 and log 3 have the powers 1 and 3: their weights are 0.25 and 0.75, the hidden one's is 0."
        )
    both = np.asarray(answer(np.repeat(SCORES, 2, axis=0), np.repeat(HEARD, 2, axis=0)))
    if not np.allclose(both, [[0.25, 0.75, 0]] * 2):
        raise Hint("Right for one utterance; with two, each row must add up to 1: sum over axis 1.")


def _loud_middle(levels):
    """A model that looks at frames 4 and 5 of the second band only."""
    return float(levels[4:6, 1].mean())


def _example():
    levels = np.full((9, 3), 0.2)
    levels[0, 1] = 0.0
    levels[2:7] = 0.8
    return levels


def _drops(probability, levels, width, fill=None, sign=1, ends=False):
    quiet = levels.min(axis=0) if fill is None else fill
    drops = []
    for start in range(0, len(levels) if ends else len(levels) - width + 1, width):
        changed = levels.copy()
        changed[start : start + width] = quiet
        drops.append(sign * (probability(levels) - probability(changed)))
    return drops


@exercise(
    "07.3",
    wrong=[
        lambda probability, levels, width: _drops(probability, levels, width),
        lambda probability, levels, width: _drops(probability, levels, width, fill=0.5, ends=True),
        lambda probability, levels, width: _drops(probability, levels, width, fill=levels.min() - 1, ends=True),
        lambda probability, levels, width: _drops(probability, levels, width, sign=-1, ends=True),
        lambda probability, levels, width: _drops(probability, levels, 1, ends=True),
        lambda probability, levels, width: levels.__setitem__(slice(0, width), 0),
    ],
)
def time_occlusion(answer):
    """How much the probability falls when a stretch of time is silenced."""
    levels = _example()
    found = answer(_loud_middle, levels, 2)
    if not np.array_equal(levels, _example()):
        raise Hint("The spectrogram itself was changed: silence a copy of it (`levels.copy()`).")
    found = np.asarray(found, dtype=float)
    if found.shape != (5,):
        raise Hint("Nine frames in steps of two make five stretches, the last of one frame; return a number for each.")
    if np.allclose(found, [0, 0, -0.8, 0, 0]):
        raise Hint(
            "The sign is turned round: a stretch that matters makes the probability fall, which counts positive."
        )
    if not np.allclose(found, [0, 0, 0.8, 0, 0]):
        raise Hint(
            "Silence means each band's quietest level, `levels.min(axis=0)`: only frames 4 and 5 count, for 0.8."
        )
    if not np.allclose(answer(_loud_middle, _example(), 3), [0, 0.8, 0]):
        raise Hint("Right for a width of 2; try a width of 3, where the second stretch is frames 3 to 5.")


VALUES = pd.DataFrame(
    {"pitch": [1.0, 1.0, 1.0], "loudness": [-4.0, 4.0, 0.0], "jitter": [0.1, 0.1, -0.1], "F1": [-2.0] * 3}
)


@exercise(
    "07.4",
    wrong=[
        lambda values, n: values.mean().nlargest(n).index.tolist(),
        lambda values, n: values.mean().abs().nlargest(n).index.tolist(),
        lambda values, n: values.abs().mean().nsmallest(n).index.tolist(),
        lambda values, n: values.abs().mean().nlargest(n),
        lambda values, n: values.abs().mean().nlargest(2).index.tolist(),
    ],
)
def strongest(answer):
    """Features by mean absolute SHAP value."""
    found = answer(VALUES, 2)
    if not isinstance(found, list):
        raise Hint("Return a plain list of names: `.index.tolist()` makes one from a Series.")
    if "loudness" not in found:
        raise Hint("Loudness pushes hard in both directions, and its mean is 0: take absolute values before the mean.")
    if found != ["loudness", "F1"]:
        raise Hint("The mean absolute values are pitch 1, loudness 2.7, jitter 0.1 and F1 2: the largest come first.")
    if answer(VALUES, 3) != ["loudness", "F1", "pitch"]:
        raise Hint("Return `n` names, not always two.")
