"""The pictures of Lesson 05 say what was measured."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from ser_helpers import corpora
from ser_helpers.course.figures import lesson05_classical
from ser_helpers.evaluation import cross_validate
from ser_helpers.plots.style import ACCENT, ACCENT_2

TABLE = corpora.load("synthetic-small")
X = TABLE[["valence", "arousal"]]


@pytest.fixture(scope="module")
def results():
    common = {"n_splits": 4, "features": "V-A", "progress": False}
    return [
        cross_validate(LogisticRegression(C=1e-9), X, TABLE, name="weak", **common),
        cross_validate(LogisticRegression(), X, TABLE, name="strong, speaker-normalised", **common),
    ]


@pytest.fixture(scope="module")
def figures(results):
    return {
        "borders": lesson05_classical.borders({"line": LogisticRegression()}, X, TABLE, ("no unit", "no unit")),
        "scores": lesson05_classical.scores(results),
        "nested": lesson05_classical.nested(TABLE, n_splits=4),
        "against_itself": lesson05_classical.against_itself(X, TABLE, "arousal", "arousal", "-1 to 1"),
    }


@pytest.mark.parametrize("name", ["borders", "scores", "nested", "against_itself"])
def test_every_figure_has_a_title_an_alt_text_and_says_synthetic(figures, name):
    fig = figures[name]
    assert len(fig.get_suptitle().strip()) > 20
    assert len(fig.get_label()) > 40
    assert any("synthetic" in text.get_text() for text in fig.texts)
    named = [text for ax in fig.axes for text in (ax.get_xlabel(), ax.get_ylabel())] + [
        text.get_text() for text in fig.texts
    ]
    assert sum(bool(text) for text in named) >= 3


def test_borders_paints_what_the_model_says(figures):
    ax = figures["borders"].axes[0]
    image = ax.images[0].get_array()
    model = LogisticRegression().fit(X, TABLE.emotion)
    _, right, _, top = ax.images[0].get_extent()
    corner = model.predict(pd.DataFrame([[right, top]], columns=X.columns))[0]
    assert corpora.EMOTIONS[int(image[-1, -1])] == corner


def test_scores_puts_the_best_at_the_top_and_marks_the_normalised(figures, results):
    ax = figures["scores"].axes[0]
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["weak · V-A", "strong, speaker-normalised · V-A"]
    assert f"UAR {results[1].uar:.2f}" in figures["scores"].get_suptitle()
    assert [line.get_color() for line in ax.lines[:2]] == [ACCENT, ACCENT_2]
    assert [line.get_xdata()[0] for line in ax.lines[:2]] == [results[0].uar, results[1].uar]


def test_nested_never_lets_a_test_speaker_choose(figures):
    ax = figures["nested"].axes[0]
    said = pd.DataFrame(
        [(*text.get_position(), text.get_text()) for text in ax.texts], columns=["speaker", "row", "part"]
    )
    grid = said.pivot_table("part", "row", "speaker", "first")
    tested = grid.columns[grid.loc[3] == "test"]
    assert len(tested) == 1
    assert (grid.loc[:2, tested] == "").all(axis=None)
    assert ((grid.loc[:2] == "choose").sum().drop(tested) == 1).all()


def test_against_itself_counts_pairs():
    voices = pd.DataFrame({"pitch": TABLE.arousal + 100 * TABLE.speaker.str[-2:].astype(int)}, TABLE.index)
    fig = lesson05_classical.against_itself(voices, TABLE, "pitch", "pitch", "Hz")
    raw, own = (float(share) for share in re.findall(r"(\d+)\s%", fig.get_suptitle()))
    assert 55 < raw < 70
    assert own > 95


def test_auc_counts_ties_as_half():
    assert lesson05_classical.auc([0, 1], [1]) == 0.75
    assert lesson05_classical.auc(np.zeros(3), np.ones(3)) == 1
