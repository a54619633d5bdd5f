from concurrent.futures import Future

import numpy as np
import pandas as pd
import pytest

from ser_helpers import corpora
from ser_helpers.course.figures import lesson12_streaming as figures

ROW = {"kB": 150.0, "zipped_kB": 140.0, "ms": 4.0, "times_faster": 1.0, "UAR": 0.5, "largest_change": 0.0}


class Doubling:
    def predict_proba(self, X):
        return 2 * X


def test_a_window_holds_the_middle_of_a_long_turn_and_all_of_a_short_one():
    table = corpora.load("synthetic-iemocap-small")[:3]
    windows, emotions = figures.around(table)
    assert windows.shape == (3, 48000)
    assert len(emotions) == 3
    spoken = np.flatnonzero(windows[0])
    assert abs(spoken[0] - (47999 - spoken[-1])) <= 16
    long = table[:1].assign(start=0.0, end=0.5)
    assert np.count_nonzero(figures.around(long)[0]) <= 8000


def test_rounding_draws_a_staircase():
    fig = figures.rounding(np.linspace(-2, 0.9, 500))
    fine, coarse = (len(np.unique(ax.lines[1].get_ydata().round(9))) for ax in fig.axes)
    assert (fine, coarse) == (185, 5)
    assert "3 bits" in fig.get_label()


def test_trade_names_every_version_and_what_is_unknown():
    table = pd.DataFrame([{**ROW, "zipped_kB": np.nan}, {**ROW, "ms": 0.5}], index=["Keras", "ONNX"])
    fig = figures.trade(table, "synthetic-iemocap")
    assert "8 times as fast" in fig.get_suptitle()
    assert "synthetic-iemocap" in "".join(text.get_text() for text in fig.texts)
    assert "–" in [text.get_text() for text in fig.axes[1].texts]
    assert [ax.get_xlabel() for ax in fig.axes] == ["time of a window (ms)", "zipped file (kB)", "UAR"]


def test_batches_are_timed_and_drawn():
    cost = figures.batch_cost(Doubling(), np.zeros((3, 5)), sizes=(1, 8), repeats=2)
    assert min(cost.values()) > 0
    fig = figures.batches(cost)
    assert fig.axes[0].get_xlabel() == "windows in one call"
    assert fig.get_label()


def test_a_rush_waits_for_everyone():
    def submit(row):
        future = Future()
        future.set_result(row)
        return future

    together = figures.rush(submit, np.zeros((20, 3)))
    alone = figures.rush_one_by_one(Doubling(), np.zeros((20, 3)))
    for ms in (together, alone):
        assert len(ms) == 20
        assert (np.diff(ms) >= 0).all()
    assert (
        figures.waiting({"one by one": alone, "in batches": together})
        .get_suptitle()
        .strip()
        .startswith("The slowest of 20")
    )


@pytest.mark.parametrize("many", [16, 32])
def test_the_title_counts(many):
    assert f"{many} windows take 2.0 times" in figures.batches({1: 1.0, many: 2.0}).get_suptitle()
