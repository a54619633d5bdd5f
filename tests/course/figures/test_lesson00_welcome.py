"""Lesson 00's figures say in their titles what was measured."""

import pandas as pd
import pytest

from ser_helpers.course.figures import lesson00_welcome


@pytest.fixture
def fig():
    emotion = pd.Series(["sad", "sad", "neutral", "angry"], index=list("abcd"))
    pitch = pd.Series([2.0, 3.0, 0.0, 9.0], index=list("abcd"))
    return lesson00_welcome.words_and_voice(0 * pitch, pitch, emotion, "toy voices")


def test_the_title_tells_how_far_the_voice_moves(fig):
    assert "the words move 0, the voice 9 semitones" in fig.get_suptitle()
    assert "neutral +0.0, sad +2.5, angry +9.0" in fig.get_label()


def test_emotions_stand_in_the_course_order_from_the_top(fig):
    assert [label.get_text() for label in fig.axes[0].get_yticklabels()] == ["angry", "sad", "neutral"]
    assert "sentiment" in fig.axes[0].get_xlabel()
    assert "semitones" in fig.axes[1].get_xlabel()


def test_the_timeline_names_every_event_and_describes_it():
    fig = lesson00_welcome.timeline()
    drawn = " ".join(text.get_text() for text in fig.axes[0].texts)
    events = [event for lane in lesson00_welcome.TIMELINE.values() for event in lane]
    assert all(event in drawn and str(year) in fig.get_label() for year, event in events)
    assert all(2004 < year < 2026 for year, event in events)
    assert fig.axes[0].get_xlabel() == "year"
