"""Checkers of lesson 02: statistics over frames, pitch, direction, a speaker's neutral voice."""

import numpy as np
import pandas as pd

from ser_helpers.course.checks import Hint, as_array, exercise, expect


@exercise("02.1")
def mean_and_deviation(answer):
    """Mean and standard deviation of every row."""
    frames = np.tile([[1.0, 1], [0, 6], [2, 4]], 100)
    found = as_array(
        answer(frames),
        (6,),
        "Three features in 200 frames give six numbers.",
        ((3,), "That is one number per feature: append the standard deviations to the means."),
        ((400,), "That is two numbers per frame instead of per feature: time runs along axis 1."),
        ((2, 3), "Join the means and the standard deviations into one array: np.concatenate([..., ...])."),
    )
    expect(
        found,
        [1, 3, 3, 0, 3, 1],
        "Rows with means of 1, 3, 3 and standard deviations of 0, 3, 1 give [1, 3, 3, 0, 3, 1].",
        ([0, 3, 1, 1, 3, 3], "The numbers are right, but the means come first, then the standard deviations."),
        ([1, 3, 3, 0, 9, 1], "The second half contains variances; the standard deviation is the root of the variance."),
        rtol=0.01,  # a division by n - 1 is as good
    )


@exercise("02.2")
def mean_pitch(answer):
    """Mean pitch of the voiced frames."""
    expect(
        answer(np.array([0, 0, 100.0, 110, 120, 0, 150, 0])),
        120,
        "Voiced frames of 100, 110, 120 and 150 Hz have a mean of 120 Hz.",
        (60, "That is the mean of all frames, but a 0 means that there is no pitch: leave those frames out."),
        (115, "That is the median of the voiced frames; the task asks for their mean."),
    )
    with np.errstate(all="ignore"):
        silent = answer(np.zeros(5))
    if not np.isnan(silent):
        raise Hint(f"A recording without voice has no pitch: return np.nan for it, not {silent}.")


@exercise("02.3")
def direction(answer):
    """A number that depends on the direction of time."""
    rising = 100 + np.array([0.0, 3, 9, 10, 14, 13, 20, 26, 27, 31, 33, 40])
    curves = (rising, rising[::-1], np.full(12, 100.0))
    forward, backward, level = (float(as_array(answer(curve), (), "Return one number.")) for curve in curves)
    if np.isclose(forward, backward):
        raise Hint(f"Reversed, the curve still gives {forward:.3g}: mean and deviation ignore order. Compare its ends.")
    if forward <= 0:
        raise Hint(f"A rising curve must give a positive number, not {forward:.3g}: subtract the start from the end.")
    if abs(level) > 1e-6:
        raise Hint(f"A level curve has no direction and must give 0, not {level:.3g}: take a difference or a slope.")
    if not np.isclose(forward, -backward):
        raise Hint(f"Reversing the curve must only change the sign, but {forward:.3g} became {backward:.3g}.")


@exercise("02.4")
def relative_to_neutral(answer):
    """Values minus the same speaker's neutral mean."""
    index = pd.Index([f"toy/{number}" for number in range(8)], name="utterance")
    emotions = ["neutral", "neutral", "happy", "sad"] * 2
    table = pd.DataFrame({"speaker": [*"aaaabbbb"], "emotion": emotions}, index)
    values = pd.Series([9.0, 11, 15, 8, 19, 21, 30, 12], index)
    for order, hint in (
        (range(8), "Speaker a is neutral at 9 and 11, so 15 becomes 15 - 10 = 5: only subtract."),
        ([6, 0, 3, 5, 1, 7, 2, 4], "The table may be in another order: let pandas align by index, not by position."),
    ):
        found = pd.Series(answer(values, table.iloc[order]))
        if set(found.index) != set(index):
            raise Hint("Return a Series with one value per utterance, on the same index as `values`.")
        expect(
            found[index],
            [-1, 1, 5, -2, -1, 1, 10, -8],
            hint,
            (values, "Nothing was subtracted yet."),
            (values - 15, "You subtracted one mean for all. Speaker a is neutral at 10, b at 20: group by speaker."),
            (
                values - values.groupby(table.speaker).transform("mean"),
                "You subtracted the speaker's mean over all emotions: take it over the neutral utterances only.",
            ),
        )
