"""Who spoke when: by channel, by voice, and which of them is the customer."""

import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from ser_helpers import audio, corpora
from ser_helpers.call_centre import diarisation, diarise, name_parties
from ser_helpers.errors import AudioError
from ser_helpers.evaluation import diarisation_error
from ser_helpers.pretrained import SpeakerEncoder
from ser_helpers.synthesis import ensure_calls

SR = 16000


class TwoTones:
    """An encoder for tests: low and high frequencies are two voices."""

    alike = 0.9

    def spans(self, y, spans):
        rows = []
        for start, end in spans:
            spectrum = np.abs(np.fft.rfft(y[int(start * SR) : int(end * SR)], 1024))
            rows.append([spectrum[:40].sum(), spectrum[40:].sum()])
        return np.array(rows) / np.linalg.norm(rows, axis=1, keepdims=True)


def tones(*turns):
    """Samples and truth of turns (start, end, hertz)."""
    y = np.zeros(int(SR * (turns[-1][1] + 0.5)), np.float32)
    for start, end, hertz in turns:
        part = slice(int(start * SR), int(end * SR))
        y[part] = 0.3 * np.sin(2 * np.pi * hertz * np.arange(part.stop - part.start) / SR)
    return y, pd.DataFrame([(a, b, f"{hertz} Hz") for a, b, hertz in turns], columns=["start", "end", "speaker"])


def test_two_voices_on_one_channel_are_told_apart_and_named_in_order():
    y, truth = tones((0.5, 3, 2000), (3, 6, 200), (6.5, 9, 2000), (9.4, 12, 200))
    speech = pd.DataFrame({"start": [0.5, 6.5, 9.4], "end": [6.0, 9.0, 12.0]})
    for n_speakers in (2, None):
        turns = diarise(y, SR, speech, n_speakers, TwoTones())
        assert turns.speaker.tolist() == ["speaker 1", "speaker 2"] * 2
        assert diarisation_error(truth, turns).rate < 0.06


def test_one_voice_is_one_speaker_and_a_short_pause_belongs_to_the_turn():
    y, truth = tones((0.5, 3, 200), (3.4, 6, 200), (8, 9, 200))
    turns = diarise(y, SR, truth, None, TwoTones())
    assert turns.to_numpy().tolist() == [[0.5, 6.0, "speaker 1"], [8.0, 9.0, "speaker 1"]]
    assert len(diarise(y, SR, truth, None, TwoTones(), pause=0.1)) == 3


def test_a_pause_in_which_another_speaks_ends_the_turn():
    y, truth = tones((0.5, 2, 200), (2, 2.4, 2000), (2.4, 4, 200))
    sides = np.stack([np.where(np.abs(y) > 0, y, 0)] * 2, axis=1)
    agent, customer = truth[truth.speaker == "200 Hz"], truth[truth.speaker == "2000 Hz"]
    assert diarise(sides, SR, [agent, customer]).speaker.tolist() == ["agent", "customer", "agent"]


def test_silence_has_no_speaker():
    for y in (np.zeros(SR, np.float32), np.zeros((SR, 2), np.float32)):
        assert diarise(y, SR).columns.tolist() == ["start", "end", "speaker"]
        assert len(diarise(y, SR)) == 0
    assert name_parties(diarise(np.zeros(SR), SR)).columns.tolist() == ["start", "end", "speaker", "party"]


def test_the_echo_of_the_other_side_is_nobodys_turn():
    y, truth = tones((0.5, 3, 200), (3.5, 6, 2000))
    left, right = (np.where(np.arange(len(y)) < 3.2 * SR, 0, y), np.where(np.arange(len(y)) < 3.2 * SR, y, 0))
    sides = np.stack([right + 0.05 * left, left + 0.05 * right], axis=1)
    both = truth[["start", "end"]]
    turns = diarise(sides, SR, [both, both], parties=["first", "second"])
    assert turns.speaker.tolist() == ["first", "second"]
    assert np.allclose(turns[["start", "end"]], both, atol=0.2)


def test_both_at_once_are_two_turns():
    y, _ = tones((0.5, 3, 200))
    both = pd.DataFrame({"start": [0.5], "end": [3.0]})
    assert diarise(np.stack([y, y], axis=1), SR, [both, both]).speaker.tolist() == ["agent", "customer"]


def test_the_rate_does_not_matter():
    y, truth = tones((0.5, 3, 1000), (3.5, 6, 200))
    slow = audio.resample(y, SR, 8000)
    a, b = diarise(y, SR, truth, 2, TwoTones()), diarise(slow, 8000, truth, 2, TwoTones())
    assert a.speaker.tolist() == b.speaker.tolist()


def test_more_channels_than_parties_are_named():
    with pytest.raises(AudioError, match="3 channels and 2 parties"):
        diarise(np.zeros((SR, 3)), SR)
    with pytest.raises(AudioError, match="NaN"):
        diarise(np.full(SR, np.nan), SR)


def test_viterbi_follows_the_scores_when_changing_is_free_and_stays_when_it_is_dear():
    scores = np.array([[1, 0], [0.4, 0.6], [1, 0], [0, 1], [0, 1]])
    assert diarisation._smooth(scores, np.zeros(5)).tolist() == [0, 1, 0, 1, 1]
    assert diarisation._smooth(scores, np.full(5, 0.5)).tolist() == [0, 0, 0, 1, 1]
    assert diarisation._smooth(scores, np.full(5, 9.0)).tolist() == [1] * 5


@pytest.mark.parametrize("weights", ["auto", "stand-in"])
def test_embedded_dialogues_are_diarised_with_few_errors(weights):
    table = corpora.load("synthetic-iemocap-small")
    names, wrong, speech = table.dialogue.unique()[::16], 0.0, 0.0
    encoder = SpeakerEncoder(weights, device="cpu")
    for name in names:
        rows = table[table.dialogue == name]
        y, sr = soundfile.read(Path(rows.path.iloc[0]).parents[3] / "dialog" / "wav" / f"{name}.wav")
        truth = rows[["turn_start", "turn_end", "speaker"]].set_axis(["start", "end", "speaker"], axis=1)
        found = diarisation_error(truth, diarise(y.mean(axis=1), sr, truth, 2, encoder), collar=0.25)
        wrong, speech = wrong + found.rate * found.speech, speech + found.speech
    assert wrong / speech < 0.2


@pytest.mark.parametrize("count", [0, -1, 2.5])
def test_a_number_of_speakers_that_cannot_be(count):
    with pytest.raises(AudioError, match="n_speakers is a whole number from 1"):
        diarise(np.zeros(16000), 16000, n_speakers=count)


@pytest.mark.parametrize(("start", "end"), [(-5, 1), (2, 1), (50, 51), (np.nan, 1)])
@pytest.mark.parametrize("channels", [1, 2])
def test_speech_outside_the_recording_is_refused(start, end, channels):
    speech = pd.DataFrame({"start": [start], "end": [end]}, dtype=float)
    with pytest.raises(AudioError, match=r"between 0 s and 3\.000 s"):
        diarise(np.zeros((48000, channels)), 16000, speech if channels == 1 else [speech] * 2)


def test_no_channel_goes_without_speech_by_mistake():
    with pytest.raises(AudioError, match="2 channels and speech for 1"):
        diarise(np.zeros((16000, 2)), 16000, [pd.DataFrame({"start": [0.0], "end": [1.0]})])


@pytest.mark.parametrize("y", [np.float64(1), np.zeros((1000, 0)), np.zeros((10, 2, 2))])
def test_what_is_no_recording(y):
    with pytest.raises(AudioError, match="not an array of shape"):
        diarise(y, 16000)


def test_a_long_talk_is_told_apart_by_a_part_of_its_windows(monkeypatch):
    turns = [(k, k + 1.6, (200, 2000)[k // 2 % 2]) for k in range(0, 60, 2)]
    y, truth = tones(*turns)
    expected = diarise(y, SR, truth, 2, TwoTones())
    monkeypatch.setattr(diarisation, "MOST_COMPARED", 40)
    compared, linkage = [], diarisation.linkage
    monkeypatch.setattr(
        diarisation, "linkage", lambda points, way: compared.append(len(points)) or linkage(points, way)
    )
    for n_speakers in (2, None):
        pd.testing.assert_frame_equal(diarise(y, SR, truth, n_speakers, TwoTones()), expected)
    assert compared == [40, 40]


def test_hours_of_speech_take_no_more_memory_than_a_quarter_of_an_hour(monkeypatch):
    monkeypatch.setattr(diarisation, "MOST_COMPARED", 400)
    rng = np.random.default_rng(0)
    who = rng.integers(0, 2, 14400)
    vectors = np.eye(4)[who] + 0.05 * rng.normal(size=(14400, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    tracemalloc.start()
    found = diarisation._cluster(vectors, None, 0.9)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6
    assert (found == who).all() or (found == 1 - who).all()


def test_embedded_calls_are_clustered_whole():
    for path in sorted((ensure_calls("small") / "calls").glob("*.wav")):
        assert soundfile.info(path).duration / diarisation.HOP < diarisation.MOST_COMPARED / 4
