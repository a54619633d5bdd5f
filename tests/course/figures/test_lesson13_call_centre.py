"""The pictures of Lesson 13 say what they show, and what is computed in them is right."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ser_helpers.call_centre import AlertRule
from ser_helpers.course.figures import lesson13_call_centre


def shown(fig):
    FigureCanvasAgg(fig).draw()
    assert len(fig.get_label()) > 30
    assert fig.axes[0].get_ylabel()
    assert fig.axes[-1].get_xlabel()
    words = [fig.get_suptitle(), *(text.get_text() for text in fig.texts), fig.get_label()]
    return " ".join(" ".join(words).split())


TRUTH = pd.DataFrame(
    [
        ("agent", 0, 2, "neutral"),
        ("customer", 2, 5, "neutral"),
        ("agent", 5, 6, "neutral"),
        ("customer", 6, 10, "angry"),
    ],
    columns=["party", "start", "end", "emotion"],
)


def test_a_call_counts_the_customers_seconds_and_shows_no_emotion_of_the_agent():
    y = np.random.default_rng(0).normal(0, 0.1, (80000, 2))
    fig = lesson13_call_centre.call(y, 8000, TRUTH, "call 1")
    words = shown(fig)
    assert "speaks for 7 seconds, and is angry in 4 of them" in words
    assert "synthetic" in words
    assert not fig.axes[0].texts
    assert [text.get_text() for text in fig.axes[1].texts] == ["neutral", "angry"]


def test_strips_name_each_answer_and_both_parties():
    turns = TRUTH.rename(columns={"party": "speaker"})
    fig = lesson13_call_centre.who_speaks({"truth": turns, "one channel": turns.iloc[:2]}, "Who speaks", "call 1")
    words = shown(fig)
    assert "truth; one channel" in words
    assert {text.get_text() for text in fig.axes[0].texts} >= {"agent", "customer"}


def test_the_trajectory_says_when_it_alerts():
    windows = pd.DataFrame({"end": [3.0, 4, 5, 6], "level": [0.2, np.nan, 0.7, 0.9]})
    assert "No alert" in shown(lesson13_call_centre.trajectory(windows, TRUTH, AlertRule(), []))
    alerts = [SimpleNamespace(time=5.0), SimpleNamespace(time=70.4)]
    assert "Alerts at 5 s, 70 s" in shown(lesson13_call_centre.trajectory(windows, TRUTH, AlertRule(), alerts))
    assert "70 s, due at 4 s" in shown(lesson13_call_centre.trajectory(windows, TRUTH, AlertRule(), alerts, due=4.2))


@pytest.fixture
def tuning():
    """Three calls: anger that lasts from second 20, a flare of two seconds, and nothing."""
    seconds = np.arange(60)
    levels = {"lasting": seconds >= 20, "flare": (seconds >= 20) & (seconds < 22), "calm": seconds < 0}
    rows = [
        pd.DataFrame({"call": name, "start": seconds - 3.0, "end": seconds * 1.0, "angry": 0.1 + 0.8 * on})
        for name, on in levels.items()
    ]
    table = pd.DataFrame(
        {"customer": ["a", "b", "c"], "alert": [24, np.nan, np.nan], "anger_start": [20, np.nan, np.nan]}, list(levels)
    )
    return pd.concat(rows).assign(speech=1.0, gap=False), table.assign(anger_end=[60, np.nan, np.nan])


def test_overhead_silences_the_flare(tuning):
    fig = lesson13_call_centre.persistence(*tuning, threshold=0.5, seconds=(0, 4, 8))
    assert "lifts precision from 0.50 to 1.00" in shown(fig)


def test_scores_say_what_is_found_and_whether_that_is_a_difference():
    values = {"calls": 20, "precision": 0.8, "precision_low": 0.7, "precision_high": 0.9}
    values |= {"recall": 0.6, "recall_low": 0.4, "recall_high": 0.7}
    words = shown(lesson13_call_centre.scores(pd.DataFrame([values, values], ["yes", "no"])))
    assert "Angry calls found: 0.60 with noise reduction, 0.60 without" in words
    assert "which overlap" in words
    better = values | {"recall": 0.9, "recall_low": 0.8, "recall_high": 1.0}
    assert "which lie apart" in shown(lesson13_call_centre.scores(pd.DataFrame([values, better], ["yes", "no"])))


def test_an_idle_machine_waits_for_the_work_alone_and_a_full_one_falls_behind():
    assert np.allclose(lesson13_call_centre.waiting([0.1], calls=1, workers=2), 0.1)
    half, full = (lesson13_call_centre.waiting([0.1], calls, workers=1).mean() for calls in (5, 12))
    assert half < 0.4
    assert full > 5


def test_a_second_core_carries_more():
    one, two = (lesson13_call_centre.waiting([0.1], 12, workers).mean() for workers in (1, 2))
    assert two < one / 5


def test_the_load_says_how_many_calls_go_well():
    words = shown(lesson13_call_centre.load([0.1], workers=1))
    carried = int(words.split("about ")[1].split(" calls")[0])
    assert 7 <= carried <= 10
    assert "simulated" in words
