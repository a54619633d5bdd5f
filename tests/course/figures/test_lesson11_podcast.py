"""The figures of Lesson 11: what they compute, and that they say it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier

from ser_helpers import corpora
from ser_helpers.course.figures import lesson11_podcast
from ser_helpers.evaluation import cross_validate
from ser_helpers.podcast import Episode, Show
from ser_helpers.pretrained import LaughterDetector


@pytest.fixture
def truth():
    rows = {
        "episode": ["a", "a", "a", "b"],
        "kind": ["speech", "laughter", "speech", "speech"],
        "start": [0.0, 1, 2, 0],
        "end": [1.0, 2, 5, 4],
        "emotion": ["sad", None, "happy", "sad"],
        "valence": [1.0, np.nan, 5, 2],
        "arousal": [2.0, np.nan, 4, 2],
        "dominance": [3.0, np.nan, 3, 2],
    }
    return pd.DataFrame(rows)


@pytest.fixture
def show():
    windows = pd.DataFrame({"start": [0.0, 3], "end": [3.0, 6], "speech": 1.0, "happy": 0.9, "sad": 0.1})
    said = pd.DataFrame({"start": [0.0, 2.0], "end": [1.0, 5.0], "speaker": "Ana", "text": "Yes."})
    said = said.assign(valence=3.0, arousal=3.0, dominance=3.0)
    a = Episode("a", 6.0, windows.assign(emotion=["happy", None]), said)
    b = Episode("b", 6.0, windows.assign(emotion=["sad", "happy"]), said[:1])
    return Show("the show", [a, b])


def test_shares_are_of_seconds_with_speech(show, truth):
    table = lesson11_podcast.shares(show, truth).set_index(["episode", "emotion"])
    assert table.felt.tolist() == [75, 25, 0, 100]
    assert table.predicted.tolist() == [100, 0, 50, 50]


def test_felt_and_heard_says_how_wrong_the_slices_are(show, truth):
    fig = lesson11_podcast.felt_and_heard(show, truth)
    assert fig.get_suptitle().startswith("The slices of the pies are wrong by 38 points on average")
    assert "happy +38 points" in fig.get_label()
    assert any("synthetic" in text.get_text() for text in fig.texts)
    assert all(ax.get_xlabel() == "share (%)" for ax in fig.axes)


def test_sentences_get_the_feeling_they_were_said_with(show, truth):
    felt = lesson11_podcast.as_felt(show, truth)
    assert felt.sentences.valence.tolist() == [1, 5, 2]
    assert felt.sentences.arousal.tolist() == [2, 4, 2]
    assert show.sentences.valence.tolist() == [3, 3, 3]


@pytest.fixture(scope="module")
def results():
    table = corpora.load("synthetic-small")
    table["language"] = table.speaker.map(lambda speaker: "de" if speaker.endswith(("1", "3")) else "en")
    table["session"] = table.language
    settings = {"progress": False, "features": "V-A"}

    def run(model, protocol):
        return [cross_validate(model, table[["valence"]], table, protocol=protocol, n_splits=2, **settings)]

    deaf, guess = DummyClassifier(), DummyClassifier(strategy="uniform", random_state=0)
    return {
        ("the same", "as recorded"): run(guess, "speaker"),
        ("the other", "as recorded"): run(deaf, "session"),
        ("the same", "normalised"): run(guess, "speaker"),
        ("the other", "normalised"): run(guess, "session"),
    }


def test_scores_are_one_row_per_language_with_intervals(results):
    table = lesson11_podcast.scores(results)
    assert table["tested on"].tolist() == ["English"] * 4 + ["German"] * 4
    assert (table.low <= table.UAR).all()
    assert (table.high >= table.UAR).all()
    deaf = table[(table["trained on"] == "the other") & (table.voices == "as recorded")]
    assert deaf.UAR.tolist() == [0.125, 0.125]


def test_abroad_says_what_is_lost_and_won(results):
    fig = lesson11_podcast.abroad(results)
    means = lesson11_podcast.scores(results).groupby(["trained on", "voices"]).UAR.mean()
    lost = 100 * (means["the same", "as recorded"] - means["the other", "as recorded"])
    won = 100 * (means["the other", "normalised"] - means["the other", "as recorded"])
    title = " ".join(fig.get_suptitle().split())
    assert title == f"Abroad {lost:.0f} points of UAR are lost; a voice measured against itself wins back {won:.0f}"
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["tested on English", "tested on German"]
    assert "on English, trained on the same, as recorded:" in fig.get_label()


@pytest.fixture
def curve():
    """Two laughs of two seconds, the second of them timid, and a detector that has to learn nothing."""
    time = pd.Index(np.arange(0, 30, 0.1), name="time")
    probability = 0.9 * ((time > 5) & (time < 7)) + 0.4 * ((time > 15) & (time < 17))
    return LaughterDetector("stand-in", every=4), pd.Series(probability, time)


@pytest.fixture
def laughs():
    return pd.DataFrame({"kind": ["laughter", "laughter", "speech"], "start": [4.8, 14.6, 0], "end": [6.6, 16.2, 4]})


def test_the_curve_of_laughter_counts_what_is_found_and_what_is_there(curve, laughs):
    fig = lesson11_podcast.laughter_curve(*curve, laughs, seconds=30)
    assert fig.get_suptitle().startswith("In this minute there are 2 stretches of laughter, and 1 are found")
    assert [ax.get_ylabel() for ax in fig.axes] == ["probability", "found", "true"]
    assert fig.axes[-1].get_xlabel() == "time (s)"
    assert "stand-in" in " ".join(text.get_text() for text in fig.texts)


def test_a_lower_threshold_finds_the_timid_laugh_too(curve, laughs):
    fig = lesson11_podcast.thresholds(*curve, laughs)
    precision, recall = (line.get_ydata() for line in fig.axes[0].lines)
    assert recall[0] == 1
    assert recall[4] == 0.5
    assert precision[4] == 1
    assert "0.5: 1.00 and 0.50" in fig.get_label()


def test_costs_are_added_up():
    fig = lesson11_podcast.costs({"emotions": 20.0, "laughter": 30.0})
    assert fig.get_suptitle().startswith("An hour of audio takes one core 50 s, the most for laughter")
    assert "emotions 20, laughter 30" in fig.get_label()
