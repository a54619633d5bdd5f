"""Checkers of lesson 08, self-supervised encoders."""

import numpy as np
import pandas as pd

from ser_helpers.course.checks import Hint, exercise

FRAMES = np.array([[[1.0, 0.0], [3.0, 4.0], [9.0, 9.0]], [[2.0, 2.0], [2.0, 6.0], [5.0, 1.0]]])
COUNTS = np.array([2, 3])
POOLED = np.array([[2.0, 2.0, 1.0, 2.0], [3.0, 3.0, np.sqrt(2.0), np.sqrt(14 / 3)]])


def _zeroed(frames, counts):
    return np.where(np.arange(frames.shape[1])[None, :, None] < counts[:, None, None], frames, 0.0)


@exercise(
    "08.1",
    wrong=[
        lambda frames, counts: np.concatenate([frames.mean(axis=1), frames.std(axis=1)], axis=1),
        lambda frames, counts: np.concatenate(
            [_zeroed(frames, counts).sum(axis=1) / counts[:, None], _zeroed(frames, counts).std(axis=1)], axis=1
        ),
        lambda frames, counts: np.stack([row[:count].mean(axis=0) for row, count in zip(frames, counts, strict=True)]),
        lambda frames, counts: np.stack(
            [
                np.r_[row[:count].std(axis=0), row[:count].mean(axis=0)]
                for row, count in zip(frames, counts, strict=True)
            ]
        ),
        lambda frames, counts: np.stack(
            [
                np.r_[row[:count].mean(axis=0), row[:count].std(axis=0, ddof=1)]
                for row, count in zip(frames, counts, strict=True)
            ]
        ),
        lambda frames, counts: frames[:, 0].repeat(2, axis=1),
        lambda frames, counts: frames.reshape(-1, 2).mean(axis=0),
    ],
)
def pool(answer):
    """Mean and deviation over the frames that are real."""
    found = np.asarray(answer(FRAMES.copy(), COUNTS.copy()), dtype=float)
    if found.shape == (2, 2):
        raise Hint("Only one statistic came out: put mean and standard deviation side by side, shape (2, 4).")
    if found.shape != (2, 4):
        raise Hint(f"Two utterances with two dims give the shape (2, 4), mean beside deviation, not {found.shape}.")
    if np.allclose(found, np.c_[FRAMES.mean(axis=1), FRAMES.std(axis=1)]):
        raise Hint("The first utterance has 2 frames; the third row is padding, and you still count it.")
    if np.allclose(found, POOLED[:, [2, 3, 0, 1]]):
        raise Hint("Right numbers in another order: first the means, then the deviations.")
    if np.allclose(found, POOLED):
        return
    if np.allclose(found[:, :2], POOLED[:, :2]):
        if np.allclose(found[1, 2:], FRAMES[1].std(axis=0, ddof=1)):
            raise Hint("Divide by the number of frames, not by one less: numpy's std does so by itself.")
        raise Hint("The means are right; the deviations count padding in. A frame set to 0 is still a frame to std.")
    raise Hint("The first utterance has the frames (1, 0) and (3, 4): mean (2, 2), deviation (1, 2).")


LAYERS = np.array([[1.0, 0.0], [0.0, 1.0], [4.0, 4.0]])


def _softmax(scores):
    powers = np.exp(scores - np.max(scores))
    return powers / powers.sum()


@exercise(
    "08.2",
    wrong=[
        lambda layers, scores: scores @ layers,
        lambda layers, scores: (scores / scores.sum()) @ layers,
        lambda layers, scores: layers.mean(axis=0),
        lambda layers, scores: _softmax(scores)[:, None] * layers,
        lambda layers, scores: layers[np.argmax(scores)],
        lambda layers, scores: np.exp(scores) @ layers,
        lambda layers, scores: np.exp(scores) @ layers / len(scores),
    ],
)
def mix(answer):
    """One vector from many layers, by softmax weights."""
    scores = np.log([1.0, 2.0, 5.0])
    found = np.asarray(answer(LAYERS.copy(), scores.copy()), dtype=float)
    if found.shape == LAYERS.shape:
        raise Hint("The layers are weighted, but not added up: sum over the layers, so that 2 numbers come out.")
    if found.shape != (2,):
        raise Hint(f"Three layers of 2 numbers become one vector of 2 numbers, not of shape {found.shape}.")
    if np.allclose(found, scores @ LAYERS):
        raise Hint("These are the scores themselves as weights, and one may be negative: softmax first.")
    if np.allclose(found, scores @ LAYERS / scores.sum()):
        raise Hint("Dividing by the sum fails for negative scores: exp first, then divide by the sum.")
    if np.allclose(found, LAYERS.mean(axis=0)):
        raise Hint("All layers weigh the same here; the scores say that the third should weigh most.")
    if np.allclose(found, LAYERS[2]):
        raise Hint("Only the layer with the largest score is left; the others count too, with smaller weights.")
    if np.allclose(found, 8 * (np.array([0.125, 0.25, 0.625]) @ LAYERS)):
        raise Hint("exp is there, but the weights must add up to 1: divide by their sum.")
    if not np.allclose(found, [0.125 + 2.5, 0.25 + 2.5]):
        raise Hint("The scores log 1, log 2, log 5 have the weights 1/8, 2/8, 5/8: the result is (2.625, 2.75).")


X = np.array([[1.0, 2.0, 3.0]])
W = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0]])
A = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 2.0]])
B = np.array([[1.0, 1.0], [0.0, 3.0], [2.0, 0.0]])


@exercise(
    "08.3",
    wrong=[
        lambda x, W, A, B, alpha: x @ W.T,
        lambda x, W, A, B, alpha: x @ (B @ A).T * alpha / len(A),
        lambda x, W, A, B, alpha: x @ (W + B @ A).T,
        lambda x, W, A, B, alpha: x @ (W + alpha * B @ A).T,
        lambda x, W, A, B, alpha: x @ (W + alpha / len(B) * B @ A).T,
        lambda x, W, A, B, alpha: (x @ (W + alpha / len(A) * B @ A).T) * alpha / len(A),
    ],
)
def adapted(answer):
    """A layer with a low-rank correction."""
    found = np.asarray(answer(X, W, A, B, 6.0), dtype=float)
    if found.shape != (1, 3):
        raise Hint(f"One row of numbers stays one row, (1, 3), not shape {found.shape}: W is (outputs, inputs).")
    plain, change = X @ W.T, X @ (B @ A).T
    if np.allclose(found, plain):
        raise Hint("That is the frozen layer alone: add the correction B A.")
    if np.allclose(found, 3 * change):
        raise Hint("That is the correction alone: the frozen weights W stay in the sum.")
    if np.allclose(found, plain + change):
        raise Hint("The correction is scaled by alpha divided by the rank.")
    if np.allclose(found, plain + 6 * change):
        raise Hint("alpha is divided by the rank, here 2: the number of rows of A.")
    if np.allclose(found, plain + 2 * change):
        raise Hint("You divide alpha by the number of inputs or outputs; the rank is the number of rows of A.")
    if not np.allclose(found, plain + 3 * change):
        raise Hint("The new weights are W + alpha / rank · B A; multiply the input by their transpose.")


def _table():
    names = [f"toy/{speaker}-{number}" for speaker in "abcdefghij" for number in range(6)]
    emotions = ["angry", "sad", "calm"] * 20
    return pd.DataFrame({"speaker": [name[4] for name in names], "emotion": emotions}, pd.Index(names))


@exercise(
    "08.4",
    wrong=[
        lambda table, train, test: (train, test),
        lambda table, train, test: (train[:-8], train[-8:]),
        lambda table, train, test: (train[::2], train[1::2]),
        lambda table, train, test: (train, train[:6]),
        lambda table, train, test: (train[6:], train[:6].append(test[:6])),
        lambda table, train, test: (train[:0], train),
        lambda table, train, test: (train[:6], train[6:]),
        lambda table, train, test: (table.speaker[train], table.speaker[test]),
        lambda table, train, test: (train[6:12], train[:6]),
        lambda table, train, test: None,
    ],
)
def hold_out(answer):
    """Speakers for validation that neither train nor test."""
    table = _table()
    test = table.index[table.speaker.isin(["i", "j"])]
    train = table.index.difference(test)
    given = answer(table.copy(), train, test)
    if given is None or len(given) != 2:
        raise Hint("Give two lists of names back: (fit, validate).")
    fit, validate = (pd.Index(list(part)) for part in given)
    if not set(fit) | set(validate) <= set(table.index):
        raise Hint("Give names of utterances back, from the index of the table.")
    if not len(fit) or not len(validate):
        raise Hint("One of the two lists is empty.")
    if set(validate) & set(test):
        raise Hint("Test utterances choose the epoch: then the test score is no longer a test. Leave them out.")
    if set(fit) & set(validate):
        raise Hint("Some utterances are in both lists: what validates must not be trained on.")
    both = sorted(set(table.speaker[fit]) & set(table.speaker[validate]))
    if both:
        raise Hint(
            f"Speaker {both[0]} trains and validates: the network is praised for knowing voices. Whole speakers."
        )
    if len(validate) >= len(fit):
        raise Hint("Most speakers should train: give back (fit, validate), in this order.")
    if set(fit) | set(validate) != set(train):
        raise Hint("Some training utterances are in neither list: each trains or validates.")
