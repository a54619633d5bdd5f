"""Checkers of Lesson 02, features."""

import numpy as np
import pandas as pd

from ser_helpers.course.checks import Hint, exercise


@exercise(
    "02.1",
    wrong=[
        lambda frames: frames.mean(axis=1),
        lambda frames: np.concatenate([frames.mean(axis=0), frames.std(axis=0)]),
        lambda frames: np.concatenate([frames.std(axis=1), frames.mean(axis=1)]),
        lambda frames: np.concatenate([frames.mean(axis=1), frames.var(axis=1)]),
        lambda frames: np.array([frames.mean(axis=1), frames.std(axis=1)]),
    ],
)
def mean_and_spread(answer):
    """Mean and standard deviation of every row."""
    frames = np.array([[1.0, 1, 1, 1, 1], [0, 6, 0, 6, 3], [2, 4, 2, 4, 3]])
    mean, spread = frames.mean(axis=1), frames.std(axis=1)
    given = np.asarray(answer(frames), dtype=float)
    if given.ndim == 2:
        raise Hint("Two rows: join the means and the standard deviations to one array, np.concatenate([..., ...]).")
    if given.shape == mean.shape:
        raise Hint("One number per feature: after the means, add the standard deviations.")
    if given.shape == (10,):
        raise Hint("Two numbers per frame instead of per feature: time runs along axis 1.")
    if given.shape != (6,):
        raise Hint(f"3 features in 5 frames must give 6 numbers; the shape of yours is {given.shape}.")
    if np.allclose(given, [*spread, *mean]):
        raise Hint("All numbers are there: the means come first, then the standard deviations.")
    if np.allclose(given, [*mean, *spread**2]):
        raise Hint("The second half holds variances; the standard deviation is the root of the variance.")
    if not np.allclose(given, [*mean, *spread], rtol=0.2):
        raise Hint("Three rows with the means 1, 3, 3 must give 1, 3, 3 and then their standard deviations.")


@exercise(
    "02.2",
    wrong=[
        lambda f0: f0.mean(),
        lambda f0: np.median(f0[f0 > 0]),
        lambda f0: f0[f0 > 0].mean() if f0.any() else 0.0,
        lambda f0: f0[f0 > 100].mean(),
    ],
)
def mean_pitch(answer):
    """Mean pitch of the voiced frames."""
    f0 = np.array([0, 0, 100.0, 110, 120, 0, 150, 0])
    given = answer(f0)
    if np.isclose(given, f0.mean()):
        raise Hint("Still 60 Hz for frames of 100 to 150 Hz: a 0 says that there is no pitch; leave those frames out.")
    if np.isclose(given, 115):
        raise Hint("That is the median of the voiced frames; the task asks for their mean.")
    if not np.isclose(given, 120):
        raise Hint(f"Voiced frames of 100, 110, 120 and 150 Hz have a mean of 120 Hz, not {given:.0f}.")
    with np.errstate(all="ignore"):
        silent = answer(np.zeros(5))
    if not np.isnan(silent):
        raise Hint(f"A recording without voice has no pitch: return np.nan for it, not {silent}.")


@exercise(
    "02.3",
    wrong=[
        lambda curve: curve.mean(),
        lambda curve: curve.std(),
        lambda curve: curve[-1],
        lambda curve: curve[0] - curve[-1],
        lambda curve: np.diff(curve),
        lambda curve: np.argmax(curve) / len(curve),
    ],
)
def direction(answer):
    """A number that knows the direction of time."""
    rising = 100 + np.array([0.0, 3, 9, 10, 14, 13, 20, 26, 27, 31, 33, 40])
    if np.ndim(answer(rising)) != 0:
        raise Hint(f"Return one number; yours is an array of shape {np.shape(answer(rising))}.")
    there, back, level = (float(answer(curve)) for curve in (rising, rising[::-1].copy(), np.full(12, 100.0)))
    if np.isclose(there, back):
        raise Hint("Reversed, the curve gives the same number: mean and spread have no order. Compare end and start.")
    if there <= 0:
        raise Hint("A rising curve must give a positive number: take the end minus the beginning.")
    if not np.isclose(level, 0, atol=1e-6):
        raise Hint(f"A level curve has no direction and must give 0, not {level:g}: take a difference or a slope.")
    if not np.isclose(there, -back):
        raise Hint(f"Reversing must only change the sign, but {there:.3g} became {back:.3g}.")


def _global_neutral(values, table):
    return values - values[table.emotion == "neutral"].mean()


def _own_mean(values, table):
    return values - table.speaker.map(values.groupby(table.speaker).mean())


def _by_position(values, table):
    own = pd.Series(values.to_numpy(), table.index)[table.emotion == "neutral"].groupby(table.speaker).mean()
    return pd.Series(values.to_numpy() - table.speaker.map(own).to_numpy(), values.index)


def _ratio(values, table):
    own = values[table.emotion == "neutral"].groupby(table.speaker).mean()
    return values / table.speaker.map(own)


@exercise("02.4", wrong=[_global_neutral, _own_mean, _by_position, _ratio, lambda values, table: values])
def relative_to_neutral(answer):
    """Values minus the same speaker's neutral mean."""
    speakers, emotions = ["a"] * 4 + ["b"] * 4, ["neutral", "neutral", "happy", "sad"] * 2
    index = pd.Index([f"toy/{number}" for number in range(8)], name="utterance")
    table = pd.DataFrame({"speaker": speakers, "emotion": emotions}, index)
    values = pd.Series([9.0, 11, 15, 8, 19, 21, 30, 12], index)
    wanted = pd.Series([-1.0, 1, 5, -2, -1, 1, 10, -8], index)
    for shuffled in (table, table.iloc[[6, 0, 3, 5, 1, 7, 2, 4]]):
        given = pd.Series(answer(values, shuffled))
        if set(given.index) != set(index):
            raise Hint("Return a Series with one value per utterance, on the same index as `values`.")
        off = given[index] - wanted
        if np.allclose(off, 0):
            continue
        if shuffled is not table:
            raise Hint("Right, until the table comes in another order: let pandas join by index, without .to_numpy().")
        if np.allclose(given[index], values):
            raise Hint("Nothing was subtracted yet.")
        if off.groupby(table.speaker).std().max() > 0.01:
            raise Hint("Speaker a is neutral at 9 and 11, so 15 becomes 15 - 10 = 5: only subtract.")
        if np.isclose(off["toy/0"] - off["toy/4"], -10):
            raise Hint("You subtracted one mean for all. Speaker a is neutral at 10, b at 20: group by speaker.")
        raise Hint("You subtracted a speaker's mean over all emotions: take it over the neutral utterances only.")
