"""The pictures of Lesson 10 say what their data say, and the lesson's own answers pass its exercises."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from ser_helpers import corpora
from ser_helpers.course.figures import lesson10_fusion
from ser_helpers.evaluation import cross_validate


def title(fig):
    return " ".join(fig.get_suptitle().split())


def texts(ax):
    return [text.get_text() for text in ax.texts]


@pytest.fixture(scope="module")
def results():
    table = corpora.load("synthetic-small")
    parts = {"words": table[["valence"]], "voice": table[["arousal"]]}
    return {
        name: cross_validate(LogisticRegression(), X, table, n_splits=4, progress=False, name=name)
        for name, X in parts.items()
    }


def test_votes_name_what_each_panel_says():
    table = pd.DataFrame({"sad": [0.4, 0.9], "happy": [0.6, 0.1]}, index=["voice", "words"])
    fig = lesson10_fusion.votes(table, "They disagree", "synthetic")
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["voice: happy", "words: sad"]
    assert [label.get_text() for label in fig.axes[0].get_yticklabels()] == ["happy", "sad"]
    assert [bar.get_width() for bar in fig.axes[0].patches] == [0.6, 0.4]
    assert fig.get_label() == "Bars of probabilities: voice says happy with 0.60; words says sad with 0.90."


def test_kinds_of_turns_have_the_share_that_is_right(results):
    kind = results["words"].table.emotion.map(lambda word: "calm" if word in ("calm", "neutral") else "moved")
    fig = lesson10_fusion.by_kind(results, kind)
    p = results["voice"].predictions
    share = (p.predicted == p.truth)[kind == "calm"].mean()
    assert f"voice {share:.2f}" in texts(fig.axes[0])
    assert len(texts(fig.axes[0])) == 4
    assert [label.get_text() for label in fig.axes[0].get_yticklabels()] == ["moved\n(192 turns)", "calm\n(48 turns)"]
    assert "right in" in title(fig)
    assert f"{share:.2f}" in fig.get_label()


def test_missing_has_a_panel_for_each_modality():
    curve = pd.DataFrame({"late": [0.7, 0.5], "early": [0.7, 0.3]}, index=[0, 1])
    fig = lesson10_fusion.missing({"audio": curve, "text": curve + 0.1}, "It falls")
    assert [ax.get_xlabel() for ax in fig.axes] == ["turns without audio (%)", "turns without text (%)"]
    assert set(texts(fig.axes[0])) == {"late", "early"}
    assert "without text late falls from 0.80 to 0.60" in fig.get_label()


def test_the_map_has_a_row_for_each_word():
    weights = np.array([[0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])
    fig = lesson10_fusion.attention_map(weights, ["oh", "really"], np.zeros(9000), 9000, "Moments")
    assert [label.get_text() for label in fig.axes[1].get_yticklabels()] == ["oh", "really"]
    np.testing.assert_allclose(fig.axes[1].images[0].get_array(), weights * 3)
    assert "“oh” at 0.5 s, “really” at 0.8 s" in fig.get_label()
