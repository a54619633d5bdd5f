"""Checkers of lesson 04: weights of a dense network, the hardest speakers, a score above chance."""

import pandas as pd

from ser_helpers.course.checks import Hint, exercise, expect


@exercise("04.1")
def count_weights(answer):
    """Weights and biases of dense layers."""
    expect(
        answer([3, 2]),
        8,
        "3 inputs and 2 outputs have 3 × 2 weights and 2 biases, which makes 8.",
        (6, "You counted 3 × 2 weights; each of the 2 units also has a bias."),
    )
    hint = "One layer is right; now add up all pairs of neighbouring layers: 193, 386, 193, 97, 8 have 169177."
    expect(answer([193, 386, 193, 97, 8]), 169_177, hint)


class _FourActors:
    """A result of cross-validation with four speakers, the hardest of them not in alphabetical order."""

    def by(self, column):
        return pd.DataFrame({"uar": [0.1, 0.5, 0.3, 0.9]}, index=pd.Index(list("abcd"), name=column))


@exercise("04.2")
def hardest_actors(answer):
    """The three speakers with the lowest UAR."""
    found = answer(_FourActors())
    if not isinstance(found, list):
        raise Hint(f"Return a plain list of ids, not a {type(found).__name__}: `.index.tolist()` gives one.")
    expect(
        found,
        ["a", "c", "b"],
        "Sort the actors by the column `uar` and take three: `nsmallest` does both.",
        (["d", "b", "c"], "These are the three best; the hardest actors have the lowest UAR."),
        (["b", "c", "a"], "These are the right three in the wrong order: the hardest comes first."),
    )


@exercise("04.3")
def above_chance(answer):
    """A UAR on the scale from chance to perfect."""
    expect(answer(0.125, 8), 0, "Guessing among 8 must give 0: subtract the chance level, 1 / n_classes, first.")
    expect(answer(1.0, 8), 1, "A perfect score must give 1: divide by the whole way, from chance to 1.")
    expect(answer(0.0, 2), -1, "A score below chance is negative, here -1: do not cut it off at 0.")
