"""The pictures of Lesson 08 say what their data say."""

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from ser_helpers import corpora
from ser_helpers.course.exercises_08 import LAYERS
from ser_helpers.course.figures import lesson08_encoders
from ser_helpers.evaluation import cross_validate

LESSON = (Path(__file__).resolve().parents[2] / "notebooks" / "src" / "08_encoders.py").read_text(encoding="utf-8")


def title(fig):
    return " ".join(fig.get_suptitle().split())


@pytest.fixture(scope="module")
def results():
    table = corpora.load("synthetic-small")
    noise = np.random.default_rng(0).normal(size=(len(table), 2))
    return [
        cross_validate(LogisticRegression(), table[["valence", "arousal"]] + size * noise, table, n_splits=4)
        for size in (2, 0, 5)
    ]


def test_the_hidden_piece_is_hidden_and_offered_once():
    y = np.random.default_rng(0).normal(size=48000)
    fig = lesson08_encoders.guessing(y, 16000)
    hidden = np.isnan(fig.axes[-1].lines[0].get_ydata())
    pieces = [ax.lines[0].get_ydata() for ax in fig.axes[:-1]]
    assert [np.array_equal(piece, y[hidden]) for piece in pieces] == [False, False, True, False, False]
    assert np.flatnonzero(hidden)[0] / 48000 == pytest.approx(0.4, abs=0.02)
    assert fig.axes[-1].get_xlabel() == "time (s)"


def test_frames_are_most_like_themselves():
    rows = np.random.default_rng(0).normal(size=(40, 16))
    fig = lesson08_encoders.likeness(np.zeros(16000), 16000, [rows, rows], ["layer 0", "layer 6"])
    picture = fig.axes[2].images[0].get_array()
    np.testing.assert_allclose(np.diag(picture), 1)
    assert "layer 0 and layer 6" in fig.get_label()


def test_the_best_layer_is_named_with_its_score(results):
    fig = lesson08_encoders.by_layer({"as it is": results, "normalised": results[::-1]}, "synthetic")
    best, last = results[1].uar, results[2].uar
    assert title(fig) == f"Layer 1 knows most about the emotion (UAR {best:.2f}), the last layer {last:.2f}"
    assert fig.axes[0].get_xlabel().startswith("layer")
    assert "normalised" in fig.get_label()


def test_the_mean_weight_over_folds_decides():
    fig = lesson08_encoders.layer_weights([[0.5, 0.2, 0.3], [0.1, 0.2, 0.7]])
    assert title(fig) == "Left to itself, the sum listens to layer 2 most (0.50 of the weight)"


def test_low_rank_counts_weights():
    fig = lesson08_encoders.low_rank(100, 50, 2)
    texts = [text.get_text() for text in fig.axes[0].texts]
    assert "trained: 300 weights" in texts
    assert title(fig).endswith("6.0 % of the weights of the square")


def test_trained_weights_names_most_and_best():
    fig = lesson08_encoders.trained_weights(
        {"head": 0.6, "LoRA": 0.7, "all": 0.5}, {"head": 10, "LoRA": 100, "all": 1000}
    )
    assert title(fig) == "Best: LoRA, UAR 0.70; most weights: all, 0.50"
    assert "LoRA 100 weights" in fig.get_label()


def test_who_is_where_counts_the_voices_that_cross():
    table = corpora.load("synthetic-small")
    names = table.index
    apart = {"trains": names[:120], "chooses": names[120:180], "tests": names[180:]}
    mixed = {"trains": names[::2], "chooses": names[1::4], "tests": names[3::4]}
    fig = lesson08_encoders.who_is_where(table, {"by session": apart, "at random": mixed})
    assert title(fig) == "Voices on more than one side: by session 0 of 4, at random 4 of 4"


def test_the_weighted_sum_of_the_exercise_is_that_of_the_package():
    """The solution, run as it stands in the lesson, mixes as EncoderClassifier does."""
    torch = pytest.importorskip("torch")
    from ser_helpers.pretrained.heads import LayerMix

    source = re.findall(r"^def mix\(.*?\n\n\n", LESSON, flags=re.DOTALL | re.MULTILINE)[1]
    scope = {"np": np}
    exec(source, scope)
    scores = np.log([1.0, 2.0, 5.0])
    layer = LayerMix(3)
    layer.logits.data = torch.as_tensor(scores)
    mixed = layer([torch.as_tensor(row) for row in LAYERS]).detach().numpy()
    np.testing.assert_allclose(mixed, scope["mix"](LAYERS, scores))
