"""What is shown moves slowly, changes only for good reason, and is forgotten after a silence."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ser_helpers.streaming.smoothing import Smoother

PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(PROBABILITIES, st.floats(0.05, 1))
@example([1.0, 1e-100], 1.0)
def test_the_smoothing_is_pandas_exponential_mean(probabilities, weight):
    smoother = Smoother(["a", "b"], weight)
    found = [smoother.update(np.array([p, 1 - p]))[0][0] for p in probabilities]
    expected = pd.Series(probabilities).ewm(alpha=weight, adjust=False).mean()
    np.testing.assert_allclose(found, expected, atol=1e-13)  # near 1, numbers are rounded by 1e-16


@settings(max_examples=60, deadline=None)
@given(PROBABILITIES)
def test_a_margin_never_makes_it_change_more_often(probabilities):
    def changes(margin):
        smoother = Smoother(["a", "b"], 0.5, margin)
        shown = [smoother.update(np.array([p, 1 - p]))[1] for p in probabilities]
        return sum(a != b for a, b in zip(shown, shown[1:], strict=False))

    assert changes(0.3) <= changes(0.0)


def test_without_smoothing_and_margin_it_shows_the_most_probable():
    smoother = Smoother(["a", "b", "c"], weight=1, margin=0)
    rows = np.random.default_rng(0).dirichlet([1, 1, 1], 50)
    assert [smoother.update(row)[1] for row in rows] == [["a", "b", "c"][k] for k in rows.argmax(axis=1)]


def test_a_short_silence_is_bridged_and_a_long_one_forgets():
    smoother = Smoother(["a", "b"], weight=0.5, margin=0.2, patience=3)
    smoother.update(np.array([1.0, 0.0]))
    smoother.skip()
    smoother.skip()
    assert smoother.update(np.array([0.2, 0.8]))[1] == "a"
    for _ in range(3):
        smoother.skip()
    smoothed, shown = smoother.update(np.array([0.2, 0.8]))
    assert smoothed.tolist() == [0.2, 0.8]
    assert shown == "b"


@pytest.mark.parametrize("wrong", [{"weight": 0}, {"weight": "0.5"}, {"margin": -0.1}, {"margin": 1}])
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Smoother(["a"], **wrong)
