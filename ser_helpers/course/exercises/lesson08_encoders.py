"""Checkers of lesson 08: pooling without padding, a mix of layers, LoRA, speakers for validation."""

import numpy as np
import pandas as pd

from ser_helpers.course.checks import Hint, as_array, as_utterances, exercise, expect, speakers_apart

FRAMES = np.array([[[1.0, 0.0], [3.0, 4.0], [9.0, 9.0]], [[2.0, 2.0], [2.0, 6.0], [5.0, 1.0]]])
COUNTS = np.array([2, 3])


@exercise("08.1")
def pool(answer):
    """Mean and deviation over the frames that are not padding."""
    found = as_array(
        answer(FRAMES, COUNTS),
        (2, 4),
        "Two utterances of two dimensions give two rows of four, means beside deviations.",
        ((2, 2), "That is only one statistic: put mean and standard deviation side by side."),
    )
    means, deviations = np.array([[2, 2], [3, 3]]), np.array([[1, 2], [np.sqrt(2), np.sqrt(14 / 3)]])
    parts = np.split(found, 2, axis=1)
    expect(
        parts[0],
        means,
        "The first utterance has the frames (1, 0) and (3, 4): mean (2, 2), deviation (1, 2).",
        (FRAMES.mean(axis=1), "The first utterance has 2 frames; the third row is padding, and you still count it."),
        (deviations, "The means come first, then the deviations."),
    )
    expect(
        parts[1],
        deviations,
        "The means are right; the deviations include padding. A frame set to 0 is still a frame for std.",
        (deviations * np.sqrt([[2], [3 / 2]]), "Divide by the number of frames, not by one less: ddof=0."),
    )


LAYERS = np.array([[1.0, 0.0], [0.0, 1.0], [4.0, 4.0]])


@exercise("08.2")
def mix(answer):
    """One vector from many layers, weighted by softmax."""
    scores, weights = np.log([1.0, 2.0, 5.0]), np.array([1, 2, 5]) / 8
    found = as_array(
        answer(LAYERS, scores),
        (2,),
        "Three layers of two numbers become one vector of two.",
        ((3, 2), "The layers are weighted, but not added up: sum over the layers."),
    )
    expect(
        found,
        weights @ LAYERS,
        "The scores log 1, log 2, log 5 have the weights 1/8, 2/8, 5/8: the result is (2.625, 2.75).",
        (scores @ LAYERS, "You used the scores themselves as weights, and one may be negative: softmax first."),
        (scores @ LAYERS / scores.sum(), "Dividing by the sum fails for negative scores: exp first, then divide."),
        (LAYERS.mean(axis=0), "All layers have equal weights here; by the scores, the third should have the largest."),
        (LAYERS[2], "Only the layer with the largest score is left; the others count too, with smaller weights."),
        (8 * weights @ LAYERS, "exp is there, but the weights must add up to 1: divide by their sum."),
    )


@exercise("08.3")
def adapted(answer):
    """A layer with a low-rank correction."""
    x, W = np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0]])
    A, B = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 2.0]]), np.array([[1.0, 1.0], [0.0, 3.0], [2.0, 0.0]])
    frozen, correction = x @ W.T, x @ (B @ A).T
    expect(
        as_array(answer(x, W, A, B, 6.0), (1, 3), "One row of inputs gives one of outputs: W is (outputs, inputs)."),
        frozen + 3 * correction,
        "The new weights are W + alpha / rank · B A; multiply the input by their transpose.",
        (frozen, "That is the frozen layer alone: add the correction B A."),
        (3 * correction, "That is the correction alone: add the frozen weights W."),
        (frozen + correction, "Scale the correction by alpha / rank."),
        (frozen + 6 * correction, "Divide alpha by the rank, here 2: the number of rows of A."),
        (frozen + 2 * correction, "You divide alpha by the number of inputs or outputs; the rank is the rows of A."),
    )


@exercise("08.4")
def hold_out(answer):
    """Speakers for validation that are neither trained on nor tested."""
    names = [f"toy/{speaker}-{number}" for speaker in "abcdefghij" for number in range(6)]
    table = pd.DataFrame({"speaker": [name[4] for name in names], "emotion": ["angry", "sad", "calm"] * 20}, names)
    test = table.index[table.speaker.isin(["i", "j"])]
    train = table.index.difference(test)
    fit, validate = as_utterances(answer(table, train, test), table, "(fit, validate)")
    if not len(fit) or not len(validate):
        raise Hint("One of the two lists is empty.")
    if (set(fit) | set(validate)) & set(test):
        raise Hint("Your lists contain test utterances, so the test score is no longer a test: leave them out.")
    speakers_apart(table, fit, validate)
    if len(validate) >= len(fit):
        raise Hint("Train on most speakers: return (fit, validate), in this order.")
    if len(fit) + len(validate) != len(train):
        raise Hint(f"Your lists have {len(fit) + len(validate)} of {len(train)} training utterances: put each in one.")
