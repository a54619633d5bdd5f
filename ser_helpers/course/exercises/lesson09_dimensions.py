"""Checkers of lesson 09: scales, the CCC, the order of a network's outputs, means over turns."""

import numpy as np
import pandas as pd

from ser_helpers.course.checks import Hint, exercise, expect, same
from ser_helpers.evaluation import ccc


@exercise("09.1")
def to_plane(answer):
    """Ratings from 1 to 5 as numbers from -1 to 1."""
    expect(
        answer(np.array([1.0, 3.0, 5.0])),
        [-1, 0, 1],
        "1, 3 and 5 must become -1, 0 and 1.",
        ([0, 0.5, 1], "That is 0 to 1. The plane goes from -1 to 1, so its middle is 0."),
        ([-0.5, 0, 0.5], "The middle is right, the ends are not: 5 is two steps above 3, and must become 1."),
        ([1, 0, -1], "That is upside down: 1 is the low end and must become -1, 5 is the high end and must become 1."),
        ([1, 3, 5], "Nothing has changed: 1 must become -1, 3 must become 0, and 5 must become 1."),
        (np.sqrt(1.5) * np.array([-1, 0, 1]), "That standardises, so it depends on the data: map the ends, 1 and 5."),
    )
    hint = "Your ends are those of the data; the ends of the questionnaire are always 1 and 5."
    expect(answer(np.array([2.0, 3.0, 3.5])), [-0.5, 0, 0.25], hint)


@exercise("09.2")
def population_ccc(answer):
    """The CCC with one kind of moments."""
    truth, guess = np.array([1.0, 2.0, 4.0]), np.array([1.5, 1.0, 5.0])
    expect(
        answer(truth, truth),
        1,
        "A perfect prediction must score 1: does every mean and variance divide by n?",
        (2 / 3, "A perfect prediction must score 1: your variances still divide by n - 1."),
        (0.5, "A perfect prediction must score 1: the numerator is *twice* the covariance."),
        (1.5, "A perfect prediction must score 1: np.cov divides by n - 1 unless you ask for ddof=0."),
        (0, "A perfect prediction must score 1: yours is the loss, 1 - CCC."),
        (truth.std(), "A perfect prediction must score 1: use variances, not standard deviations."),
    )
    shifted = answer(truth, truth + 1)
    if same(shifted, 1):
        if same(answer(truth, 3 * truth), 1):
            raise Hint("That is the correlation: it forgives a prediction that is always 1 too high.")
        raise Hint("A prediction that is always 1 too high scores 1: add the squared difference of the means.")
    c = np.cov(truth, guess)
    expect(
        answer(truth, guess),
        ccc(truth, guess),
        f"For the truth [1, 2, 4] and the predictions [1.5, 1, 5] it should be {ccc(truth, guess):.4f}.",
        (
            2 * c[0, 1] / (c[0, 0] + c[1, 1] + (truth.mean() - guess.mean()) ** 2),
            "All your parts divide by n - 1, but (difference of means)² has no n - 1, so a biased prediction scores too"
            " high: divide by n.",
        ),
    )


@exercise("09.3")
def named_outputs(answer):
    """Outputs as a table with the names in the network's configuration."""
    outputs = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    _check_names(answer, outputs, {"0": "arousal", "1": "dominance", "2": "valence"}, "For the published labels")
    first = "For a network whose first output is valence"
    _check_names(answer, outputs, {"0": "valence", "1": "dominance", "2": "arousal"}, first)
    mixed = "If the configuration lists output 2 first"
    _check_names(answer, outputs, {"2": "valence", "0": "arousal", "1": "dominance"}, mixed)
    eleven = {str(number): "abcdefghijk"[number] for number in (10, *range(10))}
    _check_names(answer, np.arange(11.0)[None], eleven, "With eleven outputs, where '10' sorts before '2' as text")


def _check_names(answer, outputs, labels, where):
    try:
        found = answer(outputs, labels)
    except KeyError as error:
        if not isinstance(error.args[0], int):
            raise
        raise Hint(f"The keys of `labels` are text, and {error} is a number: use labels[str(k)].") from error
    except ValueError as error:
        if len(labels) == 3:
            raise
        raise Hint(f"{where}, it fails: take as many names as `labels` has, not three.") from error
    if not isinstance(found, pd.DataFrame):
        raise Hint(f"Return a table, pd.DataFrame(..., columns=...); yours is of type {type(found).__name__}.")
    if set(found.columns) != set(labels.values()):
        raise Hint(f"{where}, your columns are {list(found.columns)}: they should be the words in `labels`.")
    for key, name in labels.items():
        if not np.allclose(found[name], outputs[:, int(key)]):
            raise Hint(f"{where}, output {key} is {name}, but your column {name!r} is a different output.")


@exercise("09.4")
def rolling_over_turns(answer):
    """Rolling means within one speaker and one dialogue, looking back only."""
    turns = {"dialogue": [*"xxxxxxyyyy"], "speaker": [*"ababababab"], "turn_end": [9.0, 2, 1, 4, 5, 6, 3.5, 4.5, 8, 9]}
    table = pd.DataFrame(turns, [f"u{k}" for k in range(10)])
    table["turn_start"] = table.turn_end - 0.9
    values = pd.Series([5.0, 1, 2, 4, 3, 2, 10, 20, 40, 80], table.index)
    found = answer(table, values, 3)
    if not isinstance(found, pd.Series) or set(found.index) != set(values.index):
        raise Hint("Return a Series with one number for each turn, on the index of `values`.")
    found = found[values.index]
    if found.isna().any():
        raise Hint("The first turns have fewer turns before them: take the mean of those that exist (min_periods=1).")
    wanted = _rolling(table, values)
    off = [name for name in values.index if not np.isclose(found[name], wanted[name])]
    if off:
        expect(
            found,
            wanted,
            f"Turn {off[0]} should be {wanted[off[0]]:.2f}: take the mean of the last three turns of the same speaker"
            " in the same dialogue, by turn_end.",
            (values, "Nothing has changed: take the mean over each speaker's last `turns` turns."),
            (values.rolling(3, 1).mean(), "The turns of all people are mixed: group by dialogue and speaker."),
            (_rolling(table, values, keys=["dialogue"]), "Two people are mixed: group by the speaker, too."),
            (_rolling(table, values, keys=["speaker"]), "A speaker's dialogues are mixed: group by the dialogue, too."),
            (_rolling(table, values, order=None), "The rows are not in order of time: sort by turn_end first."),
            (_rolling(table, values, center=True), "A later turn changes the mean: look back only (no center=True)."),
        )
    hint = "That is right with turns=3, but not with turns=2: let `turns` be the length of the window."
    expect(answer(table, values, 2)[values.index], _rolling(table, values, turns=2), hint)


def _rolling(table, values, turns=3, keys=("dialogue", "speaker"), order="turn_end", center=False):
    """Rolling means over turns, with the options that make the typical mistakes."""
    ordered = table.sort_values(order) if order else table
    groups = values[ordered.index].groupby([ordered[key] for key in keys])
    means = groups.rolling(turns, min_periods=1, center=center).mean()
    return means.droplevel(list(range(len(keys))))[values.index]
