"""The pictures of Lesson 09 say what they show, and what is computed in them is right."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from sklearn.linear_model import Ridge

from ser_helpers import corpora
from ser_helpers.course.figures import lesson09_dimensions
from ser_helpers.evaluation import cross_validate


def shown(fig):
    FigureCanvasAgg(fig).draw()
    assert len(fig.get_label()) > 30
    assert fig.axes[0].get_ylabel()
    assert fig.axes[-1].get_xlabel()
    return " ".join([fig.get_suptitle(), *(text.get_text() for text in fig.texts), fig.get_label()])


def test_the_four_models_show_what_the_ccc_punishes():
    words = shown(lesson09_dimensions.concordance())
    scores = {part.split(":")[0]: part.split("CCC ")[1][:4] for part in words.split("arousal. ")[1].split("; ")}
    assert float(scores["noisy"]) > 0.85
    assert float(scores["always 1 too high"]) < 0.65
    assert float(scores["too timid"]) < 0.6
    assert scores["says the mean"] == "0.00"
    assert "invented" in words


@pytest.fixture(scope="module")
def table():
    table = corpora.load("synthetic-small")
    start = np.arange(len(table)) * 2.0
    return table.assign(dialogue=table.speaker, turn_start=start, turn_end=start + 1)


def test_two_losses_name_their_spread_and_the_corpus(table):
    settings = {"n_splits": 2, "target": "valence", "progress": False}
    a, b = (cross_validate(Ridge(k), table[["arousal"]], table, name=f"ridge {k}", **settings) for k in (1, 1000))
    words = shown(lesson09_dimensions.two_losses(a, b))
    spread = a.predictions.predicted.std() / a.predictions.truth.std()
    assert f"{100 * spread:.0f} %" in words
    assert "synthetic" in words


def test_a_longer_window_jumps_less_and_lags_behind():
    n = 60
    level = np.repeat([2.0, 4.0, 2.0], 20)
    noisy = pd.Series(level + np.random.default_rng(0).normal(0, 0.1, n), [f"u{k}" for k in range(n)])
    start = np.arange(n) * 2.0
    rows = {"corpus": "toy", "dialogue": "x", "speaker": "a", "turn_start": start, "turn_end": start + 1}
    table = pd.DataFrame(rows, noisy.index)
    curves = lesson09_dimensions.trade(noisy, noisy, table.iloc[::-1], (1, 3, 9))
    assert curves["jump from turn to turn"].is_monotonic_decreasing
    assert curves["error for the turn"].is_monotonic_increasing
    assert curves["error for the turn"].iloc[0] == 0
    assert "1 conversations" in shown(lesson09_dimensions.window(noisy, noisy, table, (1, 3, 9)))
