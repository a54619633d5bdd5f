"""Words and their times: PocketSphinx on embedded speech, and a stand-in for faster-whisper."""

import importlib.util
import sys

import numpy as np
import pytest
import soundfile

from ser_helpers import audio, corpora, features, quick_mode
from ser_helpers.errors import AudioError, ModelError, WeightsMissing
from ser_helpers.evaluation import word_error_rate
from ser_helpers.podcast import transcripts
from ser_helpers.pretrained import Recogniser, find_recogniser, hub, transcribe, transcribe_utterances, transcription
from ser_helpers.synthesis import vocoder
from ser_helpers.synthesis.voices import speak

TEXTS = ["Kids are talking by the door.", "Dogs are sitting by the door."]
FASTER_WHISPER = """
import os

class Word:
    def __init__(self, start, end, word):
        self.start, self.end, self.word = start, end, word

class Segment:
    words = [Word(0.1, 0.4, " Good"), Word(0.4, 99.0, " morning!"), Word(0.5, 0.6, " ")]

class WhisperModel:
    def __init__(self, folder, device, compute_type):
        files = sorted(os.listdir(folder))
        assert files == ["model.bin", "preprocessor_config.json", "tokenizer.json"], files

    def transcribe(self, y, language, word_timestamps, condition_on_previous_text, vad_filter):
        assert y.dtype == "float32" and word_timestamps and language == "en" and len(y) <= 30 * 16000
        return iter([Segment()]), None
"""
CONVERTERS = """
import pathlib

class TransformersConverter:
    def __init__(self, folder):
        self.weights = (pathlib.Path(folder) / "model.safetensors").read_bytes()

    def convert(self, target, quantization, force):
        if b"damaged" in self.weights:
            raise RuntimeError("unsupported model")
        (pathlib.Path(target) / "model.bin").write_bytes(self.weights)
"""


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    """Two sentences with a second of silence before, between and after them."""
    rng = np.random.default_rng(0)
    silence = rng.normal(0, 1e-4, 16000)
    spoken = [speak([text], 41, (0.0, 0.0, 0.0), False, rng) for text in TEXTS]
    path = tmp_path_factory.mktemp("talk") / "talk.wav"
    soundfile.write(path, np.concatenate([silence, spoken[0], silence, spoken[1], silence]), vocoder.SAMPLE_RATE)
    return path, len(spoken[0]) / vocoder.SAMPLE_RATE


@pytest.fixture
def sphinx():
    pytest.importorskip("pocketsphinx")
    return Recogniser("pocketsphinx")


@pytest.fixture
def whisper(tmp_path, monkeypatch):
    """A folder with the files of a model, and modules in place of faster-whisper and CTranslate2."""
    folder = tmp_path / "models" / "whisper-tiny"
    folder.mkdir(parents=True)
    for name in ("config.json", "preprocessor_config.json", "model.safetensors", *hub.WRITING):
        (folder / name).write_text("{}")
    package = tmp_path / "site"
    (package / "faster_whisper-9.0.dist-info").mkdir(parents=True)
    (package / "faster_whisper-9.0.dist-info" / "METADATA").write_text("Name: faster-whisper\nVersion: 9.0\n")
    (package / "faster_whisper.py").write_text(FASTER_WHISPER)
    (package / "ctranslate2").mkdir()
    (package / "ctranslate2" / "__init__.py").write_text("")
    (package / "ctranslate2" / "converters.py").write_text(CONVERTERS)
    monkeypatch.syspath_prepend(package)
    for name in ("faster_whisper", "ctranslate2", "ctranslate2.converters"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setenv("SER_MODELS_HOME", str(folder.parent))
    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def test_words_have_times_and_become_sentences(talk, sphinx):
    path, first = talk
    words = transcribe(path, sphinx)
    assert words.attrs["recogniser"].startswith("PocketSphinx 5")
    assert words.start.is_monotonic_increasing
    assert (words.start <= words.end).all()
    assert words.start.iloc[0] == pytest.approx(1.0, abs=0.4)
    sentences = transcripts.sentences(words)
    assert len(sentences) == 2
    assert sentences.start[1] == pytest.approx(2 + first, abs=0.5)
    assert word_error_rate(TEXTS, sentences.text) < 0.5


class Spans:
    """Stands for a recogniser: a word for each piece, which says how long it is."""

    label, pause = "Spans", 0.3

    def words(self, y):
        return [(0.0, len(y) / 16000, f"{len(y)}.")]


def test_where_it_is_cut_does_not_depend_on_the_blocks(talk):
    y = np.tile(audio.load(talk[0]), 2)
    tables = []
    for size in (len(y), 16000, 1234):
        stream = transcription._Stream(Spans())
        for k in range(0, len(y), size):
            stream.feed(y[k : k + size])
        tables.append(stream.finish())
    assert len(tables[0]) == 4
    for other in tables[1:]:
        assert other.equals(tables[0])


def test_speech_without_a_pause_is_cut_at_28_s(talk, monkeypatch):
    monkeypatch.setattr(audio.VoiceActivityDetector, "feed", lambda self, y: np.ones(len(y) // 512, np.float32))
    stream = transcription._Stream(Spans())
    for _ in range(70):
        stream.feed(np.zeros(16 * 1024, np.float32))
    stream.finish()
    pieces = [int(row[3].rstrip(".")) for row in stream._rows]
    assert len(pieces) > 2
    assert max(pieces) <= 30 * 16000


def test_silence_has_no_words(tmp_path, sphinx):
    soundfile.write(tmp_path / "silence.wav", np.zeros(32000), 16000)
    words = transcribe(tmp_path / "silence.wav", sphinx)
    assert len(words) == 0
    assert transcripts.sentences(words).empty
    with pytest.raises(AudioError, match="no such file"):
        transcribe(tmp_path / "absent.wav", sphinx)


def test_an_utterance_is_recognised_as_if_it_were_alone(sphinx):
    y = audio.load(corpora.load("synthetic-small").path.iloc[0])
    alone = sphinx.words(y)
    sphinx.words(0.3 * y[::-1].copy())
    assert sphinx.words(y) == alone


@pytest.fixture(scope="module")
def table():
    """Before `whisper` empties the cache, which contains the corpus."""
    return corpora.load("synthetic-small")[:6]


def test_utterances_are_cached_and_quick_mode_recognises_some(table, monkeypatch, whisper):
    recogniser = Recogniser()
    with quick_mode.off():
        texts = transcribe_utterances(table, recogniser, progress=False)
    assert texts.equals(features.extract(table, recogniser, progress=False).rename("text"))
    assert texts.index.equals(table.index)
    assert (texts == "Good morning!").all()
    monkeypatch.setattr(Recogniser, "words", None)  # now from the cache
    monkeypatch.setenv("SER_QUICK", "1")
    monkeypatch.setitem(quick_mode.LIMITS, "transcribed utterances", 3)
    assert transcribe_utterances(table, recogniser, progress=False).tolist() == ["Good morning!", ""] * 3


def test_whisper_is_taken_where_its_weights_are(talk, whisper):
    recogniser = Recogniser()
    assert recogniser.label == "whisper-tiny"
    assert Recogniser(whisper).version == recogniser.version
    words = transcribe(talk[0], recogniser)
    assert words.text.tolist()[:2] == ["Good", "morning!"]
    assert words.end.iloc[-1] <= audio.duration(talk[0]) + 1
    assert transcripts.sentences(words).text.iloc[0] == "Good morning!"


def test_whisper_is_converted_once(whisper, monkeypatch):
    folder = transcription._converted(whisper)
    monkeypatch.setattr("ctranslate2.converters.TransformersConverter", None)
    assert transcription._converted(whisper) == folder


def test_whisper_needs_its_decoder_and_the_package_that_runs_it(whisper, monkeypatch):
    (whisper / "generation_config.json").unlink()  # as where `ser` downloaded only the encoder
    assert find_recogniser("openai/whisper-tiny") is None
    (whisper / "generation_config.json").write_text("{}")
    assert find_recogniser("openai/whisper-tiny") == whisper
    found = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "faster_whisper" else found(name))
    pytest.importorskip("pocketsphinx")
    assert Recogniser().label.startswith("PocketSphinx")
    with pytest.raises(WeightsMissing, match=r"pip install 'ser-helpers\[whisper\]'"):
        Recogniser("openai/whisper-tiny")


def test_what_is_missing_or_damaged_is_one_sentence(whisper, tmp_path, monkeypatch):
    with pytest.raises(WeightsMissing, match=r"ser download openai/whisper-base"):
        Recogniser("openai/whisper-base")
    with pytest.raises(ModelError, match="no whole Whisper model"):
        Recogniser(tmp_path)
    (whisper / "model.safetensors").write_text("damaged")
    with pytest.raises(ModelError, match=r"cannot be read \(unsupported model\)"):
        Recogniser(whisper).words(np.zeros(16000, np.float32))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WeightsMissing, match=r"pip install 'ser-helpers\[transcription\]'"):
        Recogniser("pocketsphinx")
