"""Checkers of lesson 04, the DNN baseline."""

import numpy as np
import pandas as pd

from ser_helpers.course.checks import Hint, exercise


@exercise(
    "04.1",
    wrong=[
        lambda sizes: sum(a * b for a, b in zip(sizes, sizes[1:], strict=False)),
        lambda sizes: sum(sizes),
        lambda sizes: 170_175,
    ],
)
def count_weights(answer):
    """Weights and biases of dense layers."""
    if answer([3, 2]) == 6:
        raise Hint("You counted 3 x 2 weights; each of the 2 units also has a bias.")
    if answer([3, 2]) != 8:
        raise Hint("Try 3 inputs and 2 outputs on paper: 3 x 2 weights and 2 biases make 8.")
    if answer([193, 386, 193, 97, 8]) != 169_177:
        raise Hint("Right for one layer; now add up over all pairs of neighbouring layers.")


@exercise(
    "04.2",
    wrong=[
        lambda result: result.by("speaker").uar.nlargest(3).index.tolist(),
        lambda result: result.by("speaker").uar.index.tolist()[:3],
        lambda result: result.by("speaker").uar.nsmallest(3).index.tolist()[::-1],
        lambda result: result.by("speaker").uar.nsmallest(3),
    ],
)
def hardest_actors(answer):
    """The three speakers with the lowest UAR."""
    found = answer(_FourActors())
    if not isinstance(found, list):
        raise Hint("Return a plain list of ids: `.index.tolist()` makes one from a table.")
    if found == ["d", "c", "b"]:
        raise Hint("These are the three best; the hardest actors have the lowest UAR.")
    if found == ["b", "c", "a"]:
        raise Hint("The right three, in the wrong order: the hardest comes first.")
    if found != ["a", "c", "b"]:
        raise Hint("Sort the actors by the column `uar`, and take three: `nsmallest` does both.")


class _FourActors:
    """A result with four actors, the hardest not first in the alphabet's order of the rest."""

    def by(self, column):
        return pd.DataFrame({"uar": [0.1, 0.5, 0.3, 0.9]}, index=pd.Index(list("abcd"), name=column))


@exercise(
    "04.3",
    wrong=[
        lambda uar, n_classes: uar - 1 / n_classes,
        lambda uar, n_classes: uar * n_classes,
        lambda uar, n_classes: max(0, (uar - 1 / n_classes) / (1 - 1 / n_classes)),
    ],
)
def above_chance(answer):
    """A UAR on the scale from chance to perfect."""
    if not np.isclose(answer(0.125, 8), 0):
        raise Hint("Guessing must give 0: subtract the chance level, 1 / n_classes, first.")
    if not np.isclose(answer(1.0, 8), 1):
        raise Hint("A perfect score must give 1: divide by the whole way, from chance to 1.")
    if not np.isclose(answer(0.0, 2), -1):
        raise Hint("A score below chance should be negative: do not cut it off at 0.")
