"""Words and their times: PocketSphinx on embedded speech, and a stand-in for faster-whisper."""

import numpy as np
import pytest
import soundfile

from ser_helpers import audio, corpora, features, quick_mode
from ser_helpers.errors import AudioError, DownloadError, ModelError, WeightsMissing
from ser_helpers.evaluation import word_error_rate
from ser_helpers.podcast import transcripts
from ser_helpers.pretrained import Recogniser, download_recogniser, transcribe, transcribe_utterances
from ser_helpers.synthesis import vocoder
from ser_helpers.synthesis.voices import speak

TEXTS = ["Kids are talking by the door.", "Dogs are sitting by the door."]
FAKE = """
class Word:
    def __init__(self, start, end, word):
        self.start, self.end, self.word = start, end, word

class Segment:
    words = [Word(0.1, 0.4, " Good"), Word(0.4, 99.0, " morning!"), Word(0.5, 0.6, " ")]

class WhisperModel:
    def __init__(self, folder, device, compute_type):
        if b"damaged" in open(folder + "/model.bin", "rb").read():
            raise RuntimeError("unsupported model")

    def transcribe(self, y, language, word_timestamps, condition_on_previous_text, vad_filter):
        assert y.dtype == "float32" and word_timestamps and language == "en" and len(y) <= 30 * 16000
        return iter([Segment()]), None
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
    """A folder with the files of a model, and a module in place of faster-whisper."""
    folder = tmp_path / "models" / "faster-whisper-tiny"
    folder.mkdir(parents=True)
    for name in ("config.json", "model.bin", "tokenizer.json"):
        (folder / name).write_text("{}")
    package = tmp_path / "site"
    (package / "faster_whisper-9.0.dist-info").mkdir(parents=True)
    (package / "faster_whisper-9.0.dist-info" / "METADATA").write_text("Name: faster-whisper\nVersion: 9.0\n")
    (package / "faster_whisper.py").write_text(FAKE)
    monkeypatch.syspath_prepend(package)
    monkeypatch.delitem(__import__("sys").modules, "faster_whisper", raising=False)
    monkeypatch.setenv("SER_MODELS_HOME", str(folder.parent))
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
    from ser_helpers.pretrained.transcription import _Stream

    y = np.tile(audio.load(talk[0]), 2)
    tables = []
    for size in (len(y), 16000, 1234):
        stream = _Stream(Spans())
        for k in range(0, len(y), size):
            stream.feed(y[k : k + size])
        tables.append(stream.finish())
    assert len(tables[0]) == 4
    for other in tables[1:]:
        assert other.equals(tables[0])


def test_speech_without_a_pause_is_cut_at_28_s(talk, monkeypatch):
    from ser_helpers.pretrained import transcription

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


def test_utterances_are_cached_and_quick_mode_recognises_some(tmp_path, monkeypatch, whisper):
    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path / "cache"))
    table = corpora.load("synthetic-small")[:6]
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
    assert recogniser.label == "faster-whisper-tiny"
    assert Recogniser(whisper).version == recogniser.version
    words = transcribe(talk[0], recogniser)
    assert words.text.tolist()[:2] == ["Good", "morning!"]
    assert words.end.iloc[-1] <= audio.duration(talk[0]) + 1
    assert transcripts.sentences(words).text.iloc[0] == "Good morning!"


def test_what_is_missing_or_damaged_is_one_sentence(whisper, tmp_path, monkeypatch):
    with pytest.raises(WeightsMissing, match=r"ser download Systran/faster-whisper-base"):
        Recogniser("Systran/faster-whisper-base")
    with pytest.raises(ModelError, match=r"no model\.bin"):
        Recogniser(tmp_path)
    (whisper / "model.bin").write_text("damaged")
    with pytest.raises(ModelError, match=r"cannot be read \(unsupported model\)"):
        Recogniser(whisper, device="cpu").words(np.zeros(16000, np.float32))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WeightsMissing, match=r"pip install 'ser-helpers\[whisper\]'"):
        Recogniser(whisper)
    with pytest.raises(WeightsMissing, match=r"pip install 'ser-helpers\[transcription\]'"):
        Recogniser("pocketsphinx")


def test_a_download_fetches_what_faster_whisper_needs(whisper, tmp_path, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    asked = {}

    def act(name, cache_dir, allow_patterns):
        asked[name] = allow_patterns
        return str(whisper)

    monkeypatch.setattr(hub, "snapshot_download", act)
    assert download_recogniser("Systran/faster-whisper-tiny") == whisper
    assert {"model.bin", "tokenizer.json", "vocabulary.*"} <= set(asked["Systran/faster-whisper-tiny"])
    (whisper / "model.bin").unlink()
    with pytest.raises(DownloadError, match="not a Whisper model of faster-whisper"):
        download_recogniser("Systran/faster-whisper-tiny")
