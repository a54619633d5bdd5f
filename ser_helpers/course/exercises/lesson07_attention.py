"""Checkers of lesson 07: means and attention under a mask, occlusion, SHAP values."""

import numpy as np
import pandas as pd

from ser_helpers.course.checks import Hint, as_array, exercise, expect

FRAMES = np.array([[[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]], [[6.0, 6.0], [0.0, 0.0], [0.0, 0.0]]])
MASK = np.array([[True, True, False], [True, False, False]])


@exercise("07.1")
def masked_mean(answer):
    """Means over the frames that count."""
    expect(
        as_array(answer(FRAMES, MASK), (2, 2), "Two utterances of two dimensions give two means: sum over axis 1."),
        [[2, 3], [6, 6]],
        "The first utterance has the frames (1, 2) and (3, 4), so its mean is (2, 3).",
        (FRAMES.mean(axis=1), "You divide by the number of all frames; divide by the number of those that count."),
        (FRAMES.sum(axis=1), "That is the sum: divide it by the number of frames that count."),
    )
    hint = "That is right only while hidden frames are zero; multiply by the mask, so that they may contain anything."
    expect(answer(np.where(MASK[..., None], FRAMES, 9.0), MASK), [[2, 3], [6, 6]], hint)


@exercise("07.2")
def attention_weights(answer):
    """Softmax over the frames that count."""
    scores, mask = np.array([[0.0, np.log(3.0), 5.0]]), np.array([[True, True, False]])
    powers = np.exp(scores)
    expect(
        answer(scores, mask),
        [[0.25, 0.75, 0]],
        "exp of the scores 0 and log 3 is 1 and 3, so their weights are 0.25 and 0.75; the hidden frame's is 0.",
        (powers / powers.sum(), "The third frame is hidden, but gets the largest weight: the mask is not used yet."),
        ([[0.2, 0.6, 0.2]], "A score of 0 is not a weight of 0, since exp(0) is 1: the hidden score must be -inf."),
        (powers * mask / powers.sum(), "The weights no longer add up to 1: hide frames before you divide by the sum."),
    )
    hint = "That is right for one utterance; with two, each row must add up to 1: sum over axis 1."
    expect(answer(np.repeat(scores, 2, axis=0), np.repeat(mask, 2, axis=0)), [[0.25, 0.75, 0]] * 2, hint)


@exercise("07.3")
def time_occlusion(answer):
    """How much the probability falls when a segment is silenced."""
    levels = np.full((9, 3), 0.2)
    levels[0, 1] = 0.0
    levels[2:7] = 0.8

    def model(levels):
        """The probability of a model that looks at frames 4 and 5 of the second band only."""
        return float(levels[4:6, 1].mean())

    copies = "What is silenced stays silenced in the next segment: change a copy, `levels.copy()`."
    expect(
        as_array(answer(model, levels, 2), (5,), "Nine frames in steps of two are five segments, the last of one."),
        [0, 0, 0.8, 0, 0],
        "Silence is each band's quietest level, `levels.min(axis=0)`: only frames 4 and 5 matter, by 0.8.",
        ([0, 0, -0.8, 0, 0], "The sign is wrong: a fall of the probability counts as positive."),
        ([0, 0, 0.8, 0.8, 0.8], copies),
        (np.zeros(5), copies),
    )
    expect(answer(model, levels, 3), [0, 0.8, 0], "With a width of 3, the second segment is frames 3 to 5.")


@exercise("07.4")
def strongest(answer):
    """Features by mean absolute SHAP value."""
    columns = {"pitch": [1.0, 1.0, 1.0], "loudness": [-4.0, 4.0, 0.0], "jitter": [0.1, 0.1, -0.1], "F1": [-2.0] * 3}
    found = answer(pd.DataFrame(columns), 2)
    if not isinstance(found, list):
        raise Hint(f"Return a plain list of names, not a {type(found).__name__}: `.index.tolist()` gives one.")
    if "loudness" not in found:
        raise Hint("Loudness pushes hard in both directions, so its mean is 0: take absolute values before the mean.")
    hint = "The mean absolute values are pitch 1, loudness 2.7, jitter 0.1 and F1 2: the largest come first."
    expect(found, ["loudness", "F1"], hint)
    expect(answer(pd.DataFrame(columns), 3), ["loudness", "F1", "pitch"], "Return `n` names, not always two.")
