"""The pictures of Lesson 12 say what they show, and what is computed in them is right."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ser_helpers import corpora
from ser_helpers.course.exercises_12 import _List, _Round
from ser_helpers.course.figures import lesson12_streaming
from ser_helpers.streaming import Stopwatch


def shown(fig):
    FigureCanvasAgg(fig).draw()
    assert len(fig.get_label()) > 30
    assert fig.axes[-1].get_xlabel()
    return " ".join([fig.get_suptitle(), *(text.get_text() for text in fig.texts), fig.get_label()])


def test_the_windows_end_every_second():
    fig = lesson12_streaming.windows()
    assert "6 overlapping windows" in shown(fig)
    assert [text.get_text() for text in fig.axes[0].get_yticklabels()] == [
        "chunks",
        *(f"window {number}" for number in range(1, 7)),
    ]


def test_turns_are_joined_where_the_table_says():
    turns = corpora.load("synthetic-iemocap-small").iloc[:3].assign(emotion=["fru", "xxx", "exc"])
    y, rated = lesson12_streaming.join(turns, pause=0.5)
    assert rated.emotion.dropna().tolist() == ["angry", "happy"]
    assert rated.emotion.isna().tolist() == [False, True, False]
    assert len(y) / 16000 == rated.end.iloc[-1] + 0.5
    for row in rated.itertuples():
        assert np.any(y[round(row.start * 16000) : round(row.end * 16000)])
        assert not np.any(y[round(row.end * 16000) : round((row.end + 0.5) * 16000)])


def test_a_list_grows_and_a_ring_does_not():
    (small, large), _ = lesson12_streaming.cost(_List, (3, 6))
    assert large == pytest.approx(2 * small, rel=0.3)
    (small, large), _ = lesson12_streaming.cost(_Round, (1, 2))
    assert large == pytest.approx(small, rel=0.01)
    words = shown(lesson12_streaming.growth({"list": _List, "ring": _List}, seconds=(1, 2)))
    assert "After 2 s" in words
    assert "list:" in words


def test_the_backlog_is_told_in_numbers():
    words = shown(lesson12_streaming.backlog({"small": ([1, 2], [0, 0]), "large": ([1, 2], [3, 7])}))
    assert "7 s behind after 2 s" in words
    assert "small: 0 s; large: 7 s" in words


def test_the_gate_says_how_much_is_speech():
    found = pd.DataFrame({"start": [0.0, 2.0], "end": [1.0, 2.5]})
    words = shown(lesson12_streaming.gate(np.zeros(64000), 16000, np.zeros(125), found, "synthetic"))
    assert "38 %" in words
    assert "2 stretches" in words
    assert "synthetic" in words


def test_changes_are_counted_over_silence():
    assert lesson12_streaming.changes(["sad", None, "sad", "angry", "angry", None, "sad"]) == 2
    assert lesson12_streaming.changes([None, np.nan]) == 0
    table = pd.DataFrame({"start": range(4), "end": range(1, 5), "emotion": ["sad", "angry", None, "sad"]})
    words = shown(lesson12_streaming.strips({"rated": table[:1], "raw": table, "calm": table[2:]}, "synthetic"))
    assert "2 changes raw, 0 calm" in words
    assert "synthetic" in words


@pytest.mark.parametrize(("ms", "words"), [(40, "40 ms of the 100 ms"), (140, "140 ms and breaks the 100 ms")])
def test_the_budget_says_whether_it_is_kept(ms, words):
    watch = Stopwatch()
    for _ in range(5):
        watch._running["model"] = ms / 1000
        watch.lap()
    assert words in shown(lesson12_streaming.budget({"linear": watch.table()}, ("a game", 100)))
