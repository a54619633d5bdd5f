import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from ser_helpers import corpora
from ser_helpers.corpora import EMOTIONS, subsample
from ser_helpers.corpora.schema import make_table
from ser_helpers.errors import CorpusError

HONEST = {"speaker": "speaker", "leave-one-speaker-out": "speaker", "session": "session", "statement": "statement"}


@st.composite
def tables(draw):
    """Tables of two to nine speakers with unequal numbers of utterances, in any order."""
    sizes = draw(st.lists(st.integers(1, 6), min_size=2, max_size=9))
    rows = [
        {
            "utterance": f"made/{speaker}-{number}",
            "path": f"/{speaker}-{number}.wav",
            "corpus": "made",
            "speaker": f"made-{speaker}",
            "session": f"made-{speaker % 2}",
            "statement": f"made-{(speaker + number) % 3}",
            "language": "en",
            "emotion": "sad",
        }
        for speaker, size in enumerate(sizes)
        for number in range(size)
    ]
    return make_table(draw(st.permutations(rows)))


@settings(max_examples=60, deadline=None)
@given(tables(), st.sampled_from(sorted(HONEST)), st.integers(0, 5), st.data())
def test_honest_protocols_keep_groups_apart_and_test_everything_once(table, protocol, seed, data):
    column = HONEST[protocol]
    if table[column].nunique() < 2:
        return
    n_splits = data.draw(st.integers(2, table[column].nunique()))
    folds = corpora.split(table, protocol, n_splits, seed)
    for train, test in folds:
        assert len(test) > 0
        assert not set(table[column][train]) & set(table[column][test])
        assert set(train) | set(test) == set(table.index)
    assert sorted(name for _, test in folds for name in test) == sorted(table.index)
    shuffled = corpora.split(table[::-1], protocol, n_splits, seed)
    assert [set(test) for _, test in folds] == [set(test) for _, test in shuffled]


@settings(max_examples=30, deadline=None)
@given(tables(), st.integers(0, 5))
def test_random_kfold_tests_everything_once(table, seed):
    folds = corpora.split(table, "random-kfold", 2, seed)
    assert sorted(name for _, test in folds for name in test) == sorted(table.index)
    assert all(not set(train) & set(test) for train, test in folds)


def test_random_is_the_classic_70_30(table):
    made = table(speakers=8)
    (train, test), *more = corpora.split(made, "random", n_splits=3, seed=42)
    classic = train_test_split(list(made.index), test_size=0.3, random_state=42)
    assert [list(train), list(test)] == classic
    assert len(more) == 2
    assert set(more[0][1]) != set(test)


def test_the_seed_decides(table):
    made = table(speakers=12)
    one, same, other = (corpora.split(made, seed=seed) for seed in (0, 0, 1))
    assert [list(test) for _, test in one] == [list(test) for _, test in same]
    assert [list(test) for _, test in one] != [list(test) for _, test in other]


def test_folds_of_speakers_are_of_equal_size(table):
    sizes = [len(test) for _, test in corpora.split(table(speakers=24, repetitions=1), n_splits=5)]
    assert sorted(sizes) == [8, 10, 10, 10, 10]


def test_leave_one_out_ignores_the_number_of_folds(table):
    assert len(corpora.split(table(speakers=7), "leave-one-speaker-out")) == 7
    assert len(corpora.split(table(speakers=6), "session")) == 3


def test_statement_has_at_most_as_many_folds_as_sentences(table):
    assert len(corpora.split(table(statements=2), "statement")) == 2
    assert len(corpora.split(table(statements=9), "statement")) == 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"protocol": "sentence"}, "choose one of speaker, leave-one-speaker-out"),
        ({"n_splits": 5}, "needs 5 speakers or more, and this table has 4"),
        ({"n_splits": 1}, "at least two folds"),
        ({"protocol": "random", "n_splits": 0}, "one split"),
        ({"protocol": "random-kfold", "n_splits": 99}, "needs 99 utterances"),
    ],
)
def test_what_cannot_be_split_is_said_in_words(table, arguments, words):
    with pytest.raises(CorpusError, match=words):
        corpora.split(table(), **arguments)


def test_unknown_groups_and_double_names_are_refused(table):
    made = table()
    with pytest.raises(CorpusError, match="session of every utterance"):
        corpora.split(made.assign(session=None), "session")
    with pytest.raises(CorpusError, match="needs the statement"):
        corpora.split(made.drop(columns="statement"), "statement")
    with pytest.raises(CorpusError, match="2 sessions"):
        corpora.split(made.assign(session="made-1"), "session")
    with pytest.raises(CorpusError, match="unique"):
        corpora.split(made.rename(index=lambda name: "made/same"))


@pytest.fixture(scope="module")
def balanced():
    """Three speakers with ten utterances of each emotion."""
    speaker = [f"s-{number}" for number in range(3) for _ in range(80)]
    return pd.DataFrame({"speaker": speaker, "emotion": EMOTIONS * 30}, index=[f"u/{row}" for row in range(240)])


@settings(deadline=None)
@given(share=st.floats(0.001, 1), seed=st.integers(0, 1000))
def test_each_speaker_keeps_the_share_and_at_least_one(share, seed, balanced):
    subset = subsample(balanced, {"angry": share}, seed)
    counts = pd.crosstab(subset["speaker"], subset["emotion"])
    assert (counts["angry"] == max(1, round(10 * share))).all()
    assert (counts.drop(columns="angry") == 10).all(axis=None)


def test_the_order_of_rows_decides_nothing(balanced):
    subset = subsample(balanced, dict.fromkeys(["angry", "sad"], 0.3))
    shuffled = subsample(balanced.sample(frac=1, random_state=1), dict.fromkeys(["sad", "angry"], 0.3))
    assert subset.index.equals(balanced.index[balanced.index.isin(subset.index)])
    pd.testing.assert_frame_equal(shuffled.loc[subset.index], subset)
    assert len(shuffled) == len(subset)


def test_another_seed_keeps_others(balanced):
    kept = {tuple(subsample(balanced, {"sad": 0.2}, seed).index) for seed in range(10)}
    assert len(kept) == 10


def test_speakers_lose_different_sentences():
    subset = subsample(corpora.load("synthetic-small"), {"sad": 0.125})
    sad = subset[subset["emotion"] == "sad"]
    assert len(sad) == 4
    assert sad[["statement", "intensity", "repetition"]].drop_duplicates().shape[0] > 1


@pytest.mark.parametrize(
    ("shares", "words"), [({"zeal": 0.5}, "'zeal'; it has neutral"), ({"sad": 0}, "not 0"), ({"sad": 2}, "not 2")]
)
def test_what_cannot_be_kept_is_named(balanced, shares, words):
    with pytest.raises(CorpusError, match=words):
        subsample(balanced, shares)
