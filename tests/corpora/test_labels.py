import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers import corpora
from ser_helpers.corpora.schema import make_table
from ser_helpers.errors import CorpusError

WORDS = sorted(word for words in corpora.WORDS.values() for word in words)


def of(words):
    """A table with these words as emotions."""
    return make_table(
        {
            "utterance": f"made/{number}",
            "path": f"/{number}.wav",
            "corpus": "made",
            "speaker": "made-1",
            "language": "en",
            "emotion": word,
        }
        for number, word in enumerate(words)
    )


@pytest.mark.parametrize("name", corpora.cards().index)
@pytest.mark.parametrize("scheme", corpora.SCHEMES)
def test_every_word_of_every_card_is_known(name, scheme):
    labels = corpora.card(name).labels
    assert len(corpora.harmonise(of(labels), scheme)) > 0


def test_common_follows_the_eight_emotions():
    table = corpora.harmonise(of(["anger", "fear", "happiness", "sadness", "pleasant surprise", "neu"]))
    assert table["emotion"].tolist() == ["angry", "fearful", "happy", "sad", "surprised", "neutral"]
    assert set(corpora.SCHEMES["common"].values()) == set(corpora.EMOTIONS)


def test_shared_is_what_the_four_english_corpora_all_have():
    names = ("ravdess", "crema-d", "tess", "savee")
    tables = [corpora.harmonise(of(corpora.card(name).labels), "common") for name in names]
    assert set.intersection(*(set(table["emotion"]) for table in tables)) == set(corpora.SCHEMES["shared"].values())


def test_polarity_splits_pleasant_from_plain_surprise():
    table = corpora.harmonise(of(["pleasant surprise", "surprise", "calm", "boredom"]), "polarity")
    assert table["emotion"].tolist() == ["positive", "neutral", "negative"]
    assert table.attrs["dropped"] == {"surprise": 1}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=30), st.sampled_from(sorted(corpora.SCHEMES)))
def test_nothing_is_lost_uncounted_and_twice_is_once(words, scheme):
    table = of(words)
    once = corpora.harmonise(table, scheme)
    assert len(once) + sum(once.attrs["dropped"].values()) == len(table)
    assert once.index.isin(table.index).all()
    assert (once["emotion_original"] == table["emotion"][once.index]).all()
    assert table["emotion"].tolist() == words
    twice = corpora.harmonise(once, scheme)
    assert twice["emotion"].tolist() == once["emotion"].tolist()
    assert twice["emotion_original"].tolist() == once["emotion_original"].tolist()


def test_soft_labels_become_those_of_the_scheme():
    votes = {"votes_anger": [0.5, 0, None], "votes_exc": [0.1, 0, None], "votes_happy": [0.2, 0, None]}
    table = of(["anger", "happy", "sad"]).assign(**votes, votes_other=[0.2, 1, None])
    new = corpora.harmonise(table, "iemocap4")
    assert new.filter(like="votes_").columns.tolist() == ["votes_angry", "votes_happy"]
    assert new["votes_angry"].fillna(-1).tolist() == pytest.approx([0.625, -1, -1])
    assert new["votes_happy"].fillna(-1).tolist() == pytest.approx([0.375, -1, -1])
    pd.testing.assert_frame_equal(corpora.harmonise(new, "iemocap4"), new)


def test_an_unknown_word_is_named():
    with pytest.raises(CorpusError, match="'bliss', 'envy'"):
        corpora.harmonise(of(["sad", "envy", "bliss"]))


def test_an_unknown_scheme_lists_the_known_ones():
    with pytest.raises(CorpusError, match="iemocap4"):
        corpora.harmonise(of(["sad"]), "iemocap5")


def test_harmonise_takes_any_table_with_an_emotion_in_every_row():
    table = of(["sad", "neu"])
    assert corpora.harmonise(table[["emotion"]])["emotion"].tolist() == ["sad", "neutral"]
    with pytest.raises(CorpusError, match="needs a column 'emotion'"):
        corpora.harmonise(table.assign(emotion=table["emotion"].where(table["emotion"] == "sad")))
    with pytest.raises(CorpusError, match="needs a column 'emotion'"):
        corpora.harmonise(table.drop(columns="emotion"))


def test_combine_keeps_every_row_and_column(table):
    first = table(speakers=2, intensity="strong")
    second = table(speakers=2).rename(index=lambda name: f"other/{name}", level=None).assign(valence=0.5)
    whole = corpora.combine([first, second])
    assert whole.index.tolist() == [*first.index, *second.index]
    assert list(whole.columns) == [*corpora.COLUMNS, "intensity"]
    assert whole["intensity"].isna().sum() == len(second)
    assert whole["valence"].isna().sum() == len(first)
    assert "intensity" not in second


def test_combine_refuses_the_same_utterance_twice_and_nothing(table):
    with pytest.raises(CorpusError, match="more than once"):
        corpora.combine([table(), table()])
    with pytest.raises(CorpusError, match="nothing to combine"):
        corpora.combine([])
