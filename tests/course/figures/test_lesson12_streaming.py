"""The pictures of Lesson 12 say what they show, and what is computed in them is right."""

from concurrent.futures import Future

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ser_helpers import corpora
from ser_helpers.course.figures import lesson12_streaming
from ser_helpers.streaming import RingBuffer, Stopwatch


class GrowingList:
    """A buffer that keeps every sample."""

    def __init__(self, capacity):
        self.capacity, self.values = capacity, []

    def write(self, chunk):
        self.values.extend(chunk)

    def last(self):
        return np.array(self.values)[-self.capacity :]


class Ring(RingBuffer):
    def last(self):
        return super().last(len(self))


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


@pytest.mark.slow
def test_a_list_grows_and_a_ring_does_not():
    (small, large), _ = lesson12_streaming.cost(GrowingList, (3, 6))
    assert large == pytest.approx(2 * small, rel=0.3)
    (small, large), _ = lesson12_streaming.cost(Ring, (1, 2))
    assert large == pytest.approx(small, rel=0.01)
    words = shown(lesson12_streaming.growth({"list": GrowingList, "ring": GrowingList}, seconds=(1, 2)))
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


ROW = {"kB": 150.0, "zipped_kB": 140.0, "ms": 4.0, "times_faster": 1.0, "UAR": 0.5, "largest_change": 0.0}


class Doubling:
    def predict_proba(self, X):
        return 2 * X


def test_a_window_holds_the_middle_of_a_long_turn_and_all_of_a_short_one():
    table = corpora.load("synthetic-iemocap-small")[:3]
    windows, emotions = lesson12_streaming.around(table)
    assert windows.shape == (3, 48000)
    assert len(emotions) == 3
    spoken = np.flatnonzero(windows[0])
    assert abs(spoken[0] - (47999 - spoken[-1])) <= 16
    long = table[:1].assign(start=0.0, end=0.5)
    assert np.count_nonzero(lesson12_streaming.around(long)[0]) <= 8000


def test_rounding_draws_a_staircase():
    fig = lesson12_streaming.rounding(np.linspace(-2, 0.9, 500))
    fine, coarse = (len(np.unique(ax.lines[1].get_ydata().round(9))) for ax in fig.axes)
    assert (fine, coarse) == (185, 5)
    assert "3 bits" in fig.get_label()


def test_trade_names_every_version_and_what_is_unknown():
    table = pd.DataFrame([{**ROW, "zipped_kB": np.nan}, {**ROW, "ms": 0.5}], index=["Keras", "ONNX"])
    fig = lesson12_streaming.trade(table, "synthetic-iemocap")
    assert "8 times as fast" in fig.get_suptitle()
    assert "synthetic-iemocap" in "".join(text.get_text() for text in fig.texts)
    assert "–" in [text.get_text() for text in fig.axes[1].texts]
    assert [ax.get_xlabel() for ax in fig.axes] == ["time of a window (ms)", "zipped file (kB)", "UAR"]


def test_batches_are_timed_and_drawn():
    cost = lesson12_streaming.batch_cost(Doubling(), np.zeros((3, 5)), sizes=(1, 8), repeats=2)
    assert min(cost.values()) > 0
    fig = lesson12_streaming.batches(cost)
    assert fig.axes[0].get_xlabel() == "windows in one call"
    assert fig.get_label()


def test_a_rush_waits_for_everyone():
    def submit(row):
        future = Future()
        future.set_result(row)
        return future

    together = lesson12_streaming.rush(submit, np.zeros((20, 3)))
    alone = lesson12_streaming.rush_one_by_one(Doubling(), np.zeros((20, 3)))
    for ms in (together, alone):
        assert len(ms) == 20
        assert (np.diff(ms) >= 0).all()
    assert (
        lesson12_streaming.waiting({"one by one": alone, "in batches": together})
        .get_suptitle()
        .strip()
        .startswith("The slowest of 20")
    )


@pytest.mark.parametrize("many", [16, 32])
def test_the_title_counts(many):
    assert f"{many} windows take 2.0 times" in lesson12_streaming.batches({1: 1.0, many: 2.0}).get_suptitle()
