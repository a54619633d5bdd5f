"""The checkers of Lesson 00's exercises."""

import numpy as np
import pandas as pd

from ser_helpers.course.checks import Hint, exercise


def _table(**speakers):
    """An utterance table with these utterances and speakers."""
    return pd.DataFrame({"speaker": list(speakers.values())}, index=pd.Index(speakers, name="utterance"))


@exercise(
    "00.1",
    wrong=[
        lambda V, W: V.index.intersection(W.index).empty,
        lambda V, W: set(V.speaker) & set(W.speaker),
        lambda V, W: True,
        lambda V, W: not set(V.speaker).isdisjoint(W.speaker),
        lambda V, W: V.speaker.nunique() != W.speaker.nunique(),
    ],
)
def fair(answer):
    """No utterance and no speaker in both tables."""
    strangers = answer(_table(a="Ann", b="Ann", c="Ben"), _table(d="Eve"))
    if not isinstance(strangers, (bool, np.bool_)):
        raise Hint(f"Return True or False, not a {type(strangers).__name__}.")
    if not strangers:
        raise Hint("Ann and Ben in training, Eve in the test: that is fair, and you said it is not.")
    if answer(_table(a="Ann", b="Ben"), _table(b="Ben", c="Eve")):
        raise Hint("The utterance b is in both tables, so the model may know it by heart: not fair.")
    if answer(_table(a="Ann", b="Ben"), _table(c="Ben", d="Eve")):
        raise Hint("No utterance is in both tables, but Ben is: the model has heard his voice. Compare speakers.")
    if not answer(_table(a="Ann", b="Ben"), _table(c="Eve", d="Joe")):
        raise Hint("Ann and Ben in training, Eve and Joe in the test: that is fair, however many there are.")


def _accuracy(truth, predicted):
    return np.mean(np.asarray(truth) == np.asarray(predicted))


def _mean_precision(truth, predicted):
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    return np.mean([np.mean(truth[predicted == label] == label) for label in np.unique(predicted)])


def _recall_of_predicted(truth, predicted):
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    return np.mean([np.mean(predicted[truth == label] == label) for label in np.unique(predicted)])


def _sum_of_recalls(truth, predicted):
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    return sum(np.mean(predicted[truth == label] == label) for label in np.unique(truth))


@exercise("00.2", wrong=[_accuracy, _mean_precision, _recall_of_predicted, _sum_of_recalls])
def uar(answer):
    """Unweighted average recall."""
    truth = ["neutral"] * 6 + ["angry"] * 2
    given = answer(truth, ["neutral"] * 6 + ["angry", "neutral"])
    if np.isclose(given, 7 / 8):
        raise Hint("That is accuracy: 7 of 8. UAR first asks each label on its own: 6 of 6 neutral, 1 of 2 angry.")
    if np.isclose(given, (6 / 7 + 1) / 2):
        raise Hint(
            "You asked of each *predicted* label how often it is true (precision). Recall starts from the truth."
        )
    if np.isclose(given, 1.5):
        raise Hint("You added the recalls; divide by the number of labels.")
    if not np.isclose(given, 0.75):
        raise Hint(f"6 of 6 neutral and 1 of 2 angry make (1 + 0.5) / 2 = 0.75; yours is {given:.3g}.")
    if not np.isclose(answer(truth, ["neutral"] * 8), 0.5):
        raise Hint(
            "A model that always says neutral has recall 1 and 0, so UAR 0.5: go through the labels of the truth."
        )


@exercise(
    "00.3",
    wrong=[
        lambda right, group: right.groupby(group).mean().min() - right.groupby(group).mean().max(),
        lambda right, group: right.groupby(group).sum().max() - right.groupby(group).sum().min(),
        lambda right, group: abs(right.groupby(group).mean().diff().iloc[1]),
        lambda right, group: (
            right.groupby(group.to_numpy()).mean().max() - right.groupby(group.to_numpy()).mean().min()
        ),
        lambda right, group: right.groupby(group).mean().max(),
    ],
)
def gap(answer):
    """Best minus worst share of right answers over groups."""
    right = pd.Series([True, True, True, False, True, False, False, False], index=list("abcdefgh"))
    group = pd.Series(["x", "x", "y", "y", "y", "y", "z", "z"], index=list("abcdefgh"))
    given = answer(right, group)  # shares: x 1, y 0.5, z 0
    if np.isclose(given, 2):
        raise Hint("You subtracted counts; groups differ in size, so compare shares: the mean of True and False.")
    if np.isclose(given, 0.5):
        raise Hint("There may be more than two groups: take the best and the worst of them.")
    if given < 0:
        raise Hint("Best minus worst is never negative.")
    if np.isclose(answer(right[:6], group[:6]), 1):
        raise Hint("x is right always and y half the time: the gap is 0.5. Subtract the worst from the best.")
    if not np.isclose(given, 1):
        raise Hint(f"Group x is right always and z never, so the gap is 1; yours is {given:.3g}.")
    if not np.isclose(answer(right, pd.concat([group[2:], group[:2]])), 1):
        raise Hint("The two tables may be in different order: let pandas join them by index, never by position.")
