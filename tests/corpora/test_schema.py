import pandas as pd
import pytest

from ser_helpers import corpora
from ser_helpers.corpora.schema import make_table
from ser_helpers.errors import CorpusError


def test_make_table_fills_in_what_is_missing(table):
    made = table()
    assert list(made.columns) == list(corpora.COLUMNS)
    assert made["gender"].isna().all()
    assert made["valence"].dtype == float


def test_extra_columns_follow(table):
    assert list(table(intensity="strong").columns) == [*corpora.COLUMNS, "intensity"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda t: None, "a DataFrame, not NoneType"),
        (lambda t: t.to_dict(), "a DataFrame, not dict"),
        (lambda t: t.drop(columns="text"), "has no column text"),
        (lambda t: t[[*t.columns[::-1]]], "another order"),
        (lambda t: t.rename_axis("name"), "called 'utterance'"),
        (lambda t: pd.concat([t, t]), "more than once"),
        (lambda t: t.set_axis(pd.RangeIndex(len(t), name="utterance")), "must be text"),
        (lambda t: t.assign(start=1), "'start' must contain floats"),
        (lambda t: t.assign(text=1), "'text' must contain text"),
        (lambda t: t.assign(emotion=t["emotion"].where(t["emotion"] != "sad")), "'emotion' is missing"),
        (lambda t: t.assign(gender="f"), "'female', 'male' or missing"),
        (lambda t: t.assign(path="a.wav"), "absolute"),
        (lambda t: t.assign(start=2.0, end=1.0), "ends before it starts"),
        (lambda t: t.assign(end=0.0), "ends before it starts"),
        (lambda t: t.assign(start=-1.0), "ends before it starts"),
    ],
)
def test_check_table_says_what_is_wrong(table, spoil, words):
    with pytest.raises(CorpusError, match=words):
        corpora.check_table(spoil(table()))


def test_check_table_accepts_segments_and_nothing_else_changes(table):
    made = table(start=0.5, end=1.0)
    assert corpora.check_table(made) is made


def test_an_empty_table_keeps_its_columns(table):
    assert list(corpora.check_table(table().head(0)).columns) == list(corpora.COLUMNS)


def test_make_table_needs_the_required_columns():
    with pytest.raises(CorpusError, match="missing"):
        make_table([{"utterance": "a/b", "path": "/a/b.wav"}])
