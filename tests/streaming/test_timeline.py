import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers.errors import EvaluationError
from ser_helpers.streaming import rolling_mean


def conversation(n=40, seed=0):
    """Two dialogues of two speakers, their rows in no order."""
    rng = np.random.default_rng(seed)
    start = np.concatenate([np.sort(rng.uniform(0, 100, n // 2)) for _ in range(2)])
    table = pd.DataFrame(
        {
            "dialogue": np.repeat(["a", "b"], n // 2),
            "speaker": rng.choice(["s1", "s2"], n),
            "turn_start": start,
            "turn_end": start + 1,
        },
        index=[f"u{k}" for k in range(n)],
    )
    table = table.iloc[rng.permutation(n)]
    return pd.Series(rng.normal(size=n), table.index, name="arousal"), table


def slow(values, table, name, turns=None, seconds=None):
    """The mean of one turn, by looking at all others."""
    here = table.loc[name]
    own = table[(table.dialogue == here.dialogue) & (table.speaker == here.speaker)].sort_values("turn_end")
    own = own[own.turn_end <= here.turn_end]
    window = own.iloc[-turns:] if turns else own[own.turn_end > here.turn_end - seconds]
    return values[window.index].mean()


@pytest.mark.parametrize("window", [{"turns": 1}, {"turns": 3}, {"seconds": 15}, {"seconds": 0.5}])
def test_it_is_the_mean_of_the_speakers_own_last_turns(window):
    values, table = conversation()
    found = rolling_mean(values, table, **window)
    assert found.index.equals(values.index)
    wanted = [slow(values, table, name, **window) for name in values.index]
    np.testing.assert_allclose(found, wanted)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 1000), turns=st.integers(1, 8))
def test_the_future_and_other_people_change_nothing(seed, turns):
    values, table = conversation(seed=seed)
    name = table.index[seed % len(table)]
    here = table.loc[name]
    before = rolling_mean(values, table, turns=turns)[name]
    later = table.turn_end > here.turn_end
    others = (table.speaker != here.speaker) | (table.dialogue != here.dialogue)
    changed = values.mask(later | others, 1e6)
    assert rolling_mean(changed, table, turns=turns)[name] == pytest.approx(before)


def test_several_columns_at_once_and_missing_values():
    values, table = conversation()
    both = pd.DataFrame({"arousal": values, "valence": -values})
    found = rolling_mean(both, table, turns=3)
    np.testing.assert_allclose(found.valence, -found.arousal)
    first = table[(table.dialogue == "a") & (table.speaker == "s1")].turn_end.idxmin()
    values[first] = np.nan
    assert rolling_mean(values, table, turns=3).isna().sum() == 1


@pytest.mark.parametrize(
    ("window", "change", "words"),
    [
        ({}, lambda t: t, "either turns=3, or seconds=20"),
        ({"turns": 2, "seconds": 2}, lambda t: t, "either turns=3, or seconds=20"),
        ({"turns": 0}, lambda t: t, "A window of 0 holds nothing"),
        ({"seconds": -1}, lambda t: t, "A window of -1 holds nothing"),
        ({"turns": 2}, lambda t: t.drop(columns="dialogue"), "has no dialogue: conversations need them"),
        ({"turns": 2}, lambda t: t.drop(index="u3"), "'u3' is not in the utterance table"),
    ],
)
def test_a_window_or_a_table_that_is_none_is_refused(window, change, words):
    values, table = conversation()
    with pytest.raises(EvaluationError, match=words):
        rolling_mean(values, change(table), **window)
