"""Checkers of Lesson 09: from one scale to another, the CCC, the order of a network's outputs, means over turns."""

import numpy as np
import pandas as pd

from ser_helpers.course.checks import Hint, exercise
from ser_helpers.evaluation import ccc as reference
from ser_helpers.streaming import rolling_mean


@exercise(
    "09.1",
    wrong=[
        lambda x: x,
        lambda x: 2 * (x - x.min()) / (x.max() - x.min()) - 1,
        lambda x: (x - 1) / 4,
        lambda x: (x - 3) / 4,
        lambda x: x / 2 - 1,
        lambda x: (x - x.mean()) / x.std(),
        lambda x: (3 - x) / 2,
        lambda x: None,
    ],
)
def to_plane(answer):
    """Ratings from 1 to 5 as numbers from -1 to 1."""
    found = _something(answer(np.array([1.0, 3.0, 5.0])))
    some = _something(answer(np.array([2.0, 3.0, 3.5])))
    if np.allclose(found, [-1, 0, 1]) and np.allclose(some, [-0.5, 0, 0.25]):
        return
    if np.allclose(found, [0, 0.5, 1]):
        raise Hint("That is 0 to 1. The plane goes from -1 to 1: its middle is 0.")
    if np.allclose(found, [-1, 0, 1]):
        raise Hint(
            "Your ends are the smallest and largest number at hand; the questionnaire's ends are always 1 and 5."
        )
    if np.allclose(found, [-0.5, 0, 0.5]):
        raise Hint("The middle is right, the ends are not: 5 is two steps above 3, and must become 1.")
    if np.allclose(found, [1, 0, -1]):
        raise Hint("That is upside down: 1 is the low end and must become -1, 5 is the high end and must become 1.")
    if np.allclose(found, [1, 3, 5]):
        raise Hint("Nothing has changed: 1 must become -1, 3 must become 0, and 5 must become 1.")
    if abs(np.mean(found)) < 1e-6:
        raise Hint("That is standardising: it depends on who else was rated. Map the ends of the scale, 1 and 5.")
    raise Hint(f"1, 3 and 5 become {np.round(found, 2).tolist()}, and should become -1, 0 and 1.")


def _popular(truth, predicted):
    covariance = np.mean((truth - truth.mean()) * (predicted - predicted.mean()))
    return 2 * covariance / (np.var(truth, ddof=1) + np.var(predicted, ddof=1) + (truth.mean() - predicted.mean()) ** 2)


def _all_sample(truth, predicted):
    c = np.cov(truth, predicted)
    return 2 * c[0, 1] / (c[0, 0] + c[1, 1] + (truth.mean() - predicted.mean()) ** 2)


@exercise(
    "09.2",
    wrong=[
        _popular,
        _all_sample,
        lambda t, p: np.corrcoef(t, p)[0, 1],
        lambda t, p: np.mean((t - t.mean()) * (p - p.mean())) / (t.var() + p.var() + (t.mean() - p.mean()) ** 2),
        lambda t, p: 2 * np.mean((t - t.mean()) * (p - p.mean())) / (t.var() + p.var()),
        lambda t, p: 2 * np.mean((t - t.mean()) * (p - p.mean())) / (t.std() + p.std() + (t.mean() - p.mean()) ** 2),
        lambda t, p: 2 * np.cov(t, p)[0, 1] / (t.var() + p.var() + (t.mean() - p.mean()) ** 2),
        lambda t, p: 1 - reference(t, p),
        lambda t, p: None,
    ],
)
def mended(answer):
    """The CCC with one kind of moments."""
    truth = np.array([1.0, 2.0, 4.0])
    perfect = float(_something(answer(truth, truth.copy())))
    if np.isclose(perfect, 2 / 3):
        raise Hint("A perfect prediction of three turns scores 0.67: the variances still divide by n - 1.")
    if np.isclose(perfect, 0.5):
        raise Hint("A perfect prediction scores 0.5: above the line stands twice the covariance.")
    if np.isclose(perfect, 1.5):
        raise Hint("A perfect prediction scores 1.5: np.cov divides by n - 1 unless you ask for ddof=0.")
    if np.isclose(perfect, 0):
        raise Hint("A perfect prediction scores 0: that is the loss, 1 - CCC. Return the CCC.")
    if np.isclose(perfect, truth.std()):
        raise Hint(f"A perfect prediction scores {perfect:.2f}, and must score 1: variances, not standard deviations.")
    if not np.isclose(perfect, 1):
        raise Hint(f"A perfect prediction scores {perfect:.2f}, and must score 1: is every mean and variance over n?")
    moved, stretched = float(answer(truth, truth + 1)), float(answer(truth, 3 * truth))
    if np.isclose(moved, 1) and np.isclose(stretched, 1):
        raise Hint("That is the correlation: it forgives a prediction that is always 1 too high.")
    if np.isclose(moved, 1):
        raise Hint("A prediction that is always 1 too high scores 1: add the square of the difference of the means.")
    rng = np.random.default_rng(0)
    guess = truth + rng.normal(size=3)
    if np.isclose(answer(truth, guess), _all_sample(truth, guess)):
        raise Hint(
            "Your parts fit together, all divided by n - 1; but (difference of means)² has no n - 1, so a biased"
            " prediction scores too high. Divide all by n."
        )
    if not np.isclose(answer(truth, guess), reference(truth, guess)):
        raise Hint(
            f"For {truth.tolist()} against {guess.round(2).tolist()} it should be {reference(truth, guess):.3f}."
        )


PUBLISHED = {"0": "arousal", "1": "dominance", "2": "valence"}
MANY = {"10": "k", "0": "a", "1": "b", "2": "c", "3": "d", "4": "e", "5": "f", "6": "g", "7": "h", "8": "i", "9": "j"}


@exercise(
    "09.3",
    wrong=[
        lambda outputs, labels: pd.DataFrame(outputs, columns=["valence", "arousal", "dominance"]),
        lambda outputs, labels: pd.DataFrame(outputs, columns=["arousal", "dominance", "valence"]),
        lambda outputs, labels: pd.DataFrame(outputs, columns=sorted(labels.values())),
        lambda outputs, labels: pd.DataFrame(outputs, columns=list(labels.values())),
        lambda outputs, labels: pd.DataFrame(outputs, columns=[labels[key] for key in sorted(labels)]),
        lambda outputs, labels: pd.DataFrame(outputs, columns=list(labels)),
        lambda outputs, labels: pd.DataFrame(outputs, columns=[labels[k] for k in range(3)]),
        lambda outputs, labels: pd.DataFrame(outputs, columns=[labels[k] for k in "012"]),
        lambda outputs, labels: outputs,
        lambda outputs, labels: None,
    ],
)
def named(answer):
    """Outputs as a table with the names that the network's configuration gives them."""
    outputs = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    _check_names(answer, outputs, PUBLISHED, "For the published labels")
    turned = {"0": "valence", "1": "dominance", "2": "arousal"}
    _check_names(answer, outputs, turned, "For a network whose first output is valence")
    mixed = {"2": "valence", "0": "arousal", "1": "dominance"}
    _check_names(answer, outputs, mixed, "When the configuration lists output 2 first")
    _check_names(answer, np.arange(11.0)[None], MANY, "With eleven outputs, where '10' sorts before '2' as text")


def _check_names(answer, outputs, labels, where):
    try:
        found = _something(answer(outputs.copy(), dict(labels)))
    except KeyError as error:
        if not isinstance(error.args[0], int):
            raise
        raise Hint(f"`labels` has no key {error}: its keys are text, so ask for labels[str(k)].") from error
    except ValueError as error:
        if len(labels) == 3:
            raise
        raise Hint(f"{where}, it fails: take as many names as `labels` has, not three.") from error
    if not isinstance(found, pd.DataFrame):
        raise Hint(
            f"Return a table, pd.DataFrame(..., columns=...), not a {type(found).__name__}: names are the point."
        )
    if set(found.columns) != set(labels.values()):
        raise Hint(f"{where}, the columns are {list(found.columns)}: they should be the words in `labels`.")
    for key, name in labels.items():
        if not np.allclose(found[name], outputs[:, int(key)]):
            raise Hint(f"{where}, output {key} is {name}, and your column {name!r} holds another.")


def _per_dialogue(table, values, turns):
    spoken = table.sort_values("turn_end")
    parts = values[spoken.index].groupby(spoken.dialogue).rolling(turns, min_periods=1).mean()
    return parts.droplevel(0)[values.index]


def _per_speaker(table, values, turns):
    spoken = table.sort_values("turn_end")
    parts = values[spoken.index].groupby(spoken.speaker).rolling(turns, min_periods=1).mean()
    return parts.droplevel(0)[values.index]


def _in_row_order(table, values, turns):
    keys = [table.dialogue, table.speaker]
    return values.groupby(keys).rolling(turns, min_periods=1).mean().droplevel([0, 1])[values.index]


def _centred(table, values, turns):
    spoken = table.sort_values("turn_end")
    groups = values[spoken.index].groupby([spoken.dialogue, spoken.speaker])
    return groups.rolling(turns, min_periods=1, center=True).mean().droplevel([0, 1])[values.index]


def _from_the_beginning(table, values, turns):
    spoken = table.sort_values("turn_end")
    groups = values[spoken.index].groupby([spoken.dialogue, spoken.speaker])
    return groups.expanding().mean().droplevel([0, 1])[values.index]


def _always_three(table, values, turns):
    return rolling_mean(values, table, turns=3)


def _full_windows_only(table, values, turns):
    spoken = table.sort_values("turn_end")
    groups = values[spoken.index].groupby([spoken.dialogue, spoken.speaker])
    return groups.rolling(turns).mean().droplevel([0, 1])[values.index]


@exercise(
    "09.4",
    wrong=[
        lambda table, values, turns: values,
        lambda table, values, turns: values.rolling(turns, min_periods=1).mean(),
        _per_dialogue,
        _per_speaker,
        _in_row_order,
        _centred,
        _full_windows_only,
        _from_the_beginning,
        _always_three,
        lambda table, values, turns: None,
    ],
)
def over_turns(answer):
    """Rolling means that stay with one speaker, in one conversation, and in the past."""
    rows = {
        "dialogue": [*"xxxxxxyyyy"],
        "speaker": [*"ababababab"],
        "turn_end": [9.0, 2, 1, 4, 5, 6, 3.5, 4.5, 8, 9],
    }
    table = pd.DataFrame(rows, [f"u{k}" for k in range(10)])
    table["turn_start"] = table.turn_end - 0.9
    values = pd.Series([5.0, 1, 2, 4, 3, 2, 10, 20, 40, 80], table.index)
    found = _something(answer(table.copy(), values.copy(), 3))
    if not isinstance(found, pd.Series) or set(found.index) != set(values.index):
        raise Hint("Return a Series with one number for each turn, on the index of `values`.")
    found = found[values.index]
    wanted = rolling_mean(values, table, turns=3)
    if found.isna().any():
        raise Hint("The first turns have fewer turns before them: take the mean of those there are (min_periods=1).")
    if np.allclose(found, wanted):
        shorter = _something(answer(table.copy(), values.copy(), 2))
        if not np.allclose(shorter[values.index], rolling_mean(values, table, turns=2)):
            raise Hint("With turns=3 it is right, with turns=2 it is not: let `turns` be the length of the window.")
        return
    for strange, hint in {
        _per_dialogue: "Two people are mixed: group by the speaker, too.",
        _per_speaker: "A speaker's other conversation is mixed in: group by the dialogue, too.",
        _in_row_order: "The rows are in no order of time: sort by turn_end first.",
        _centred: "A turn that is still to come changes the mean: look back only (no center=True).",
    }.items():
        if np.allclose(found, strange(table, values, 3)):
            raise Hint(hint)
    if np.allclose(found, values):
        raise Hint("Nothing has changed: take the mean over each speaker's last `turns` turns.")
    if np.allclose(found, values.rolling(3, min_periods=1).mean()):
        raise Hint("All turns of all people are mixed, in the order of the rows: group by dialogue and speaker.")
    first = found.index[~np.isclose(found, wanted)][0]
    own = table[(table.dialogue == table.dialogue[first]) & (table.speaker == table.speaker[first])]
    window = own[own.turn_end <= own.turn_end[first]].sort_values("turn_end").index[-3:]
    raise Hint(
        f"Turn {first} should be {wanted[first]:.2f}, the mean over {', '.join(window)} (each speaker's turns in the"
        f" order of turn_end), and yours is {found[first]:.2f}."
    )


def _something(given):
    """What the student's function gives back, if anything."""
    if given is None:
        raise Hint("Your function gives nothing back: end it with `return`.")
    return given
