import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers import corpora
from ser_helpers.corpora import EMOTIONS, subsample
from ser_helpers.errors import CorpusError


@pytest.fixture(scope="module")
def table():
    speaker = [f"s-{number}" for number in range(3) for _ in range(80)]
    return pd.DataFrame({"speaker": speaker, "emotion": EMOTIONS * 30}, index=[f"u/{row}" for row in range(240)])


@settings(deadline=None)
@given(share=st.floats(0.001, 1), seed=st.integers(0, 1000))
def test_each_speaker_keeps_the_share_and_at_least_one(share, seed, table):
    few = subsample(table, {"angry": share}, seed)
    counts = pd.crosstab(few["speaker"], few["emotion"])
    assert (counts["angry"] == max(1, round(10 * share))).all()
    assert (counts.drop(columns="angry") == 10).all(axis=None)


def test_the_order_of_rows_decides_nothing(table):
    few = subsample(table, dict.fromkeys(["angry", "sad"], 0.3))
    shuffled = subsample(table.sample(frac=1, random_state=1), dict.fromkeys(["sad", "angry"], 0.3))
    assert few.index.equals(table.index[table.index.isin(few.index)])
    pd.testing.assert_frame_equal(shuffled.loc[few.index], few)
    assert len(shuffled) == len(few)


def test_another_seed_keeps_others(table):
    kept = {tuple(subsample(table, {"sad": 0.2}, seed).index) for seed in range(10)}
    assert len(kept) == 10


def test_speakers_lose_different_sentences():
    few = subsample(corpora.load("synthetic-small"), {"sad": 0.125})
    sad = few[few["emotion"] == "sad"]
    assert len(sad) == 4
    assert sad[["statement", "intensity", "repetition"]].drop_duplicates().shape[0] > 1


@pytest.mark.parametrize(
    ("shares", "words"), [({"zeal": 0.5}, "'zeal'; it has neutral"), ({"sad": 0}, "not 0"), ({"sad": 2}, "not 2")]
)
def test_what_cannot_be_kept_is_named(table, shares, words):
    with pytest.raises(CorpusError, match=words):
        subsample(table, shares)
