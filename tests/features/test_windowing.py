"""Utterances are cut as the live detector cuts a stream."""

import numpy as np
import pytest
import soundfile as sf

from ser_helpers import audio, corpora, features, streaming
from ser_helpers.audio.vad import VoiceActivityDetector
from ser_helpers.errors import CorpusError


@pytest.fixture(scope="module")
def table():
    return corpora.load("synthetic-small")[:4]


class Counting:
    """Keeps every window that a detector asks it about."""

    classes_ = np.array(["a", "b"])

    def __init__(self):
        self.windows = []

    def predict_proba(self, windows):
        self.windows += list(windows)
        return np.full((len(windows), 2), 0.5)


@pytest.mark.parametrize(("hop", "seconds"), [(1.0, 3.0), (0.4, 1.0)])
def test_the_windows_are_those_the_detector_asks_its_model_about(table, hop, seconds):
    windows = features.cut_windows(table, seconds, hop, jobs=1)
    for name, row in table.iterrows():
        model = Counting()
        streaming.detect(row.path, model, window=seconds, hop=hop)
        mine = windows[windows.window_of == name]
        cut = [
            audio.pad(audio.load(w.path, start=w.start, end=w.end), round(seconds * 16000)) for w in mine.itertuples()
        ]
        assert len(cut) == len(model.windows)
        for ours, theirs in zip(cut, model.windows, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_table_of_windows_is_an_utterance_table(table):
    windows = features.cut_windows(table, jobs=1)
    assert corpora.check_table(windows) is windows
    assert windows.index[0] == f"{table.index[0]}#0"
    assert (windows.emotion == table.emotion[windows.window_of].to_numpy()).all()
    assert (windows.end - windows.start <= 3.0).all()


def test_extract_pads_a_short_window_as_the_detector_does(table, tmp_path):
    y = audio.load(table.path.iloc[0])[:20000]
    sf.write(tmp_path / "short.wav", y, 16000, subtype="FLOAT")
    short = table[:1].assign(path=str(tmp_path / "short.wav"))
    padded = features.extract(short, "quick", jobs=1, seconds=3)
    np.testing.assert_allclose(padded.iloc[0], features.quick(audio.pad(y, 48000), 16000))
    assert not np.allclose(padded.iloc[0], features.extract(short, "quick", jobs=1).iloc[0])


def test_part_of_a_recording_is_cut_within_its_own_bounds(table, tmp_path):
    y = np.concatenate([audio.load(path) for path in table.path])
    sf.write(tmp_path / "long.wav", y, 16000)
    part = table[:1].assign(path=str(tmp_path / "long.wav"), start=0.5, end=6.0)
    windows = features.cut_windows(part, jobs=1)
    assert windows.start.min() >= 0.5
    assert windows.end.max() <= 6.0


def test_a_table_without_speech_is_refused_and_a_silent_utterance_is_named(table, tmp_path):
    sf.write(tmp_path / "silence.wav", np.zeros(64000), 16000)
    silent = table[:1].rename(index=lambda name: "silence").assign(path=str(tmp_path / "silence.wav"))
    with pytest.raises(CorpusError, match="No window contains enough speech"):
        features.cut_windows(silent, jobs=1)
    both = corpora.combine([silent, table[1:2]])
    with pytest.warns(UserWarning, match="1 of 2 utterances have no window with enough speech .* 'silence' first"):
        windows = features.cut_windows(both, jobs=1)
    assert set(windows.window_of) == {table.index[1]}


def test_settings_out_of_range_are_refused(table):
    for wrong in ({"seconds": 0}, {"hop": 0}, {"min_speech": 1.5}):
        with pytest.raises(ValueError, match="Windows last from"):
            features.cut_windows(table, **wrong)


def test_probability_of_speech_is_the_detectors(table):
    y = audio.load(table.path.iloc[0])
    np.testing.assert_array_equal(
        features.extract(table[:1], "speech", jobs=1).iloc[0][:, 0], VoiceActivityDetector().feed(y)
    )
