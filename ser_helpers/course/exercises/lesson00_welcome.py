"""Checkers of lesson 00: a fair split, the UAR, the gap between groups."""

import numpy as np
import pandas as pd

from ser_helpers.course.checks import Hint, exercise, expect


@exercise("00.1")
def fair_split(answer):
    """No utterance and no speaker in both tables."""
    for training, test, wanted, hint in [
        (
            {"a": "Ann", "b": "Ann", "c": "Ben"},
            {"d": "Eve"},
            True,
            "With Ann and Ben in training, Eve in the test, the split is fair.",
        ),
        (
            {"a": "Ann", "b": "Ben"},
            {"b": "Ben", "c": "Eve"},
            False,
            "Utterance b is in both tables, so the model may have memorised it: the split is not fair.",
        ),
        (
            {"a": "Ann", "b": "Ben"},
            {"c": "Ben", "d": "Eve"},
            False,
            "No utterance is in both tables, but Ben is, and the model knows his voice: compare speakers.",
        ),
        (
            {"a": "Ann", "b": "Ben"},
            {"c": "Eve", "d": "Joe"},
            True,
            "With Ann and Ben in training, Eve and Joe in the test, the split is fair: compare names, not counts.",
        ),
    ]:
        tables = [pd.DataFrame({"speaker": speakers}).rename_axis("utterance") for speakers in (training, test)]
        found = answer(*tables)
        if not isinstance(found, bool | np.bool_):
            raise Hint(f"Return True or False, not a {type(found).__name__}.")
        expect(found, wanted, hint)


@exercise("00.2")
def uar(answer):
    """Unweighted average recall."""
    truth = ["neutral"] * 6 + ["angry"] * 2
    expect(
        answer(truth, ["neutral"] * 6 + ["angry", "neutral"]),
        0.75,
        "6 of 6 neutral and 1 of 2 angry make (1 + 0.5) / 2 = 0.75.",
        (7 / 8, "That is the accuracy, 7 of 8. UAR takes each label by itself: 6 of 6 neutral, 1 of 2 angry."),
        ((6 / 7 + 1) / 2, "That is precision: how often each *predicted* label is true. Recall starts from the truth."),
        (1.5, "You added the recalls; divide by the number of labels."),
    )
    hint = "A model that always says neutral has recalls of 1 and 0, so a UAR of 0.5: average over the labels in truth."
    expect(answer(truth, ["neutral"] * 8), 0.5, hint)


@exercise("00.3")
def group_gap(answer):
    """Highest minus lowest share of correct answers over groups."""
    right = pd.Series([True, True, True, False, True, False, False, False], index=list("abcdefgh"))
    group = pd.Series([*"xxyyyyzz"], index=right.index)
    expect(
        answer(right, group),  # shares: x 1, y 0.5, z 0
        1,
        "Group x is always right and z never, so the gap is 1.",
        (2, "You subtracted counts; groups differ in size, so compare shares: the mean of True and False."),
        (0.5, "There may be more than two groups: take the best and the worst of them."),
        (-1, "The best minus the worst is never negative."),
    )
    hint = "Group x is always right and y half the time, so the gap is 0.5: subtract the worst share from the best."
    expect(answer(right[:6], group[:6]), 0.5, hint)
    hint = "The two Series may be in different orders: let pandas align them by index, not by position."
    expect(answer(right, pd.concat([group[2:], group[:2]])), 1, hint)
