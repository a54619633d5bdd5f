"""The pictures of Lesson 07 say what their data say, and its exercises are those of the lesson."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from ser_helpers.course.exercises_07 import FRAMES, MASK
from ser_helpers.course.figures import lesson07_attention

LESSON = (Path(__file__).resolve().parents[2] / "notebooks" / "src" / "07_attention.py").read_text(encoding="utf-8")


def title(fig):
    return " ".join(fig.get_suptitle().split())


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_the_weights_in_the_unrolled_network_add_up_to_one():
    fig = lesson07_attention.unrolled()
    weights = [float(text[2:]) for text in texts(fig.axes[0]) if text.startswith("×")]
    assert len(weights) == 5
    assert round(sum(weights), 10) == 1
    assert "attention weights" in fig.get_label()


def test_a_batch_is_as_long_as_its_longest_row():
    lengths = [75, 50, 100]
    fig = lesson07_attention.batch(lengths, "synthetic")
    bars = fig.axes[0].patches
    assert [bar.get_width() for bar in bars] == [*lengths, 25, 50, 0]
    assert title(fig) == "Of the frames in this batch, 25 % are padding"
    assert fig.axes[0].get_xlabel() == "frame"


def test_a_batch_without_padding_says_so():
    fig = lesson07_attention.batch([8, 8])
    assert title(fig) == "Of the frames in this batch, 0 % are padding"
    assert not any("zeros" in text for text in texts(fig.axes[0]))


def test_under_padding_names_the_largest_move():
    curves = pd.DataFrame({"with mask": [0.8, 0.8, 0.8], "without mask": [0.8, 0.1, 0.6]}, index=[0, 10, 20])
    fig = lesson07_attention.under_padding(curves, "angry")
    assert title(fig) == "20 empty rows move “angry” by 0.00 with mask, by 0.70 without mask"
    assert fig.axes[0].get_ylabel() == "probability of “angry”"


def test_sanity_names_what_stays_and_what_changes_most():
    found = {"a": pd.Series([0.5, 0.3]), "b": pd.Series([0.1, -0.1]), "c": pd.Series([1.0, 1.0])}
    fig = lesson07_attention.sanity(found, "synthetic")
    assert title(fig) == "Shuffled weights leave c unchanged (1.00) and change b most (0.00)"
    assert texts(fig.axes[0]) == ["0.40", "0.00", "1.00"]
    assert "a 0.40, b 0.00, c 1.00" in fig.get_label()


def test_attention_written_in_the_lesson_is_that_of_the_package():
    """The five lines, run as they stand in the lesson, on frames that are all real."""
    from keras import ops

    from ser_helpers.models import AttentionPooling

    source = re.search(r"^def attend\(.*?\n\n", LESSON, flags=re.DOTALL | re.MULTILINE)[0]
    scope = {"ops": ops}
    exec(source, scope)
    layer = AttentionPooling(4)
    frames = FRAMES.astype("float32")
    pooled = ops.convert_to_numpy(layer(frames))
    np.testing.assert_allclose(ops.convert_to_numpy(scope["attend"](frames, *layer.get_weights())), pooled, atol=1e-6)
    assert not np.allclose(ops.convert_to_numpy(layer(frames, mask=MASK)), pooled)
