"""The figures of valence and arousal say what they show, for every scale, and refuse what they cannot draw."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from sklearn.linear_model import LinearRegression, LogisticRegression

from ser_helpers import plots
from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation import cross_validate, rater_ceiling
from ser_helpers.plots.dimensions import scale_of


@pytest.fixture(scope="module")
def data(toy):
    X, table = toy(noise=1.0)
    rng = np.random.default_rng(0)
    n = len(table)
    words = {"neutral": "neu", "happy": "hap", "sad": "sad", "angry": "ang"}
    dialogue = np.repeat(["d1", "d2"], n // 2)
    start = np.arange(n) * 3.0
    change = {"valence": rng.uniform(1, 5, n), "arousal": np.clip(3 + table.arousal / 3, 1, 5)}
    table = table.assign(emotion=table.emotion.map(words), **change, corpus="synthetic-toy")
    return X, table.assign(dialogue=dialogue, turn_start=start, turn_end=start + 2)


@pytest.fixture(scope="module")
def result(data):
    return cross_validate(LinearRegression(), *data, n_splits=3, target="arousal", progress=False)


def shown(fig):
    FigureCanvasAgg(fig).draw()
    assert len(fig.get_label()) > 30
    assert fig.get_suptitle()[0].isupper()
    assert all(ax.get_ylabel() for ax in fig.axes)
    assert fig.axes[-1].get_xlabel()
    texts = [text for ax in fig.axes for text in [*ax.texts, ax.title]] + fig.texts
    return " ".join([fig.get_suptitle(), *(text.get_text() for text in texts)])


def test_the_plane_names_emotions_in_words_and_the_corpus(data):
    fig = plots.plane(data[1])
    words = shown(fig)
    for word in ("happy", "angry", "sad", "neutral", "synthetic-toy"):
        assert word in words
    assert fig.axes[0].get_xlabel() == "valence (1 unpleasant to 5 pleasant)"
    assert fig.axes[0].get_ylabel() == "arousal (1 calm to 5 excited)"
    other = plots.plane(data[1].assign(valence=0.5, arousal=-0.5), y="arousal", title="Given")
    assert other.axes[0].get_xlabel() == "valence (-1 unpleasant to 1 pleasant)"
    assert "Given" in shown(other)


def test_scales_are_the_usual_ones():
    assert scale_of([0.2, 1.0]) == (0, 1)
    assert scale_of([np.nan, 6.0, 1.0]) == (1, 7)
    with pytest.raises(EvaluationError, match=r"lie on no usual scale: give it as scale=\(low, high\)"):
        scale_of([0, 100])


def test_predictions_are_shown_against_the_truth(result):
    words = shown(plots.predicted(result))
    assert f"CCC {result.ccc:.2f}" in words
    assert "synthetic-toy" in words
    assert "slope" in words


def test_a_trajectory_has_a_panel_per_speaker(data, result):
    table = data[1][data[1].dialogue == "d1"]
    curves = {"rated": data[1].arousal, "predicted": result.predictions.predicted}
    fig = plots.trajectory(curves, table, "arousal", turns=4)
    words = shown(fig)
    assert len(fig.axes) == table.speaker.nunique()
    assert "mean of the speaker's last 4 turns" in words
    assert {"rated", "predicted"} <= {text.get_text() for text in fig.axes[0].texts}


def test_raters_and_models_stand_side_by_side(data, result):
    rng = np.random.default_rng(0)
    rows = [(name, f"E{k}", value + rng.normal()) for name, value in data[1].arousal.items() for k in range(3)]
    ratings = pd.DataFrame(rows, columns=["utterance", "rater", "arousal"])
    raters = rater_ceiling(ratings, data[1], ["arousal"])
    words = shown(plots.ceiling(raters, [result]))
    assert f"{result.ccc:.2f}" in words
    assert f"{raters.ccc['arousal']:.2f}" in words
    assert "raters only" in shown(plots.ceiling(raters, []))


def test_what_cannot_be_drawn_is_refused(data):
    X, table = data
    with pytest.raises(EvaluationError, match="No utterance of the table has both"):
        plots.plane(table.assign(valence=np.nan))
    labels = cross_validate(LogisticRegression(), X, table, n_splits=3, progress=False)
    with pytest.raises(EvaluationError, match="predicts labels"):
        plots.predicted(labels)
    with pytest.raises(EvaluationError, match="holds 2 dialogues"):
        plots.trajectory({"rated": table.arousal}, table, "arousal")
