"""`ser podcast` writes a report, names broken episodes in a sentence each, and goes on."""

import re

import numpy as np
import pandas as pd
import pytest
import soundfile
from typer.testing import CliRunner

from ser_helpers import models, podcast, pretrained
from ser_helpers.cli import app


class Level:
    classes_ = np.array(["angry", "sad"])

    def predict_proba(self, windows):
        loud = np.minimum(np.abs(windows).mean(axis=1, dtype=float), 1)
        return np.stack([loud, 1 - loud], axis=1)


class Words:
    def predict(self, voices, texts):
        return np.array([[3.0, 2.0, len(text) % 5] for text in texts])


class Laughs:
    label, sr = "stand-in", 8000

    def stream(self):
        return self

    def feed(self, y):
        pass

    def finish(self):
        return podcast.Show("", []).sentences[["start", "end"]].assign(probability=0.5)

    def segments(self, laughs):
        return laughs


@pytest.fixture
def ser(monkeypatch):
    monkeypatch.setattr(models, "window_model", lambda name: {"best": Level()}[name])
    monkeypatch.setattr(podcast, "dimension_model", Words)
    monkeypatch.setattr(pretrained, "LaughterDetector", Laughs)
    return lambda *arguments: CliRunner().invoke(app, ["podcast", *map(str, arguments)])


@pytest.fixture
def talk(tmp_path):
    path = tmp_path / "talk.wav"
    rng = np.random.default_rng(0)
    soundfile.write(path, rng.normal(0, 0.1, (8000 * 7, 2)), 8000)
    path.with_suffix(".vtt").write_text("WEBVTT\n\n00:01.000 --> 00:03.000\n<v Ana>Good morning.\n")
    return path


def test_it_writes_a_report_and_goes_on_with_the_broken_ones(ser, talk, tmp_path):
    out = tmp_path / "out"
    (tmp_path / "empty.mp3").touch()
    done = ser(talk, tmp_path / "empty.mp3", tmp_path / "gone.ogg", "--out", out, "--jobs", "1", "--title", "My show")
    assert done.exit_code == 1, done.output
    assert re.search(r"The report is at .*report\.html\n$", done.stdout)
    assert re.search(r"^Not analysed: empty\. Cannot use .*: the file is empty", done.stderr, re.M)
    assert re.search(r"^Not analysed: gone\. Cannot use .*: there is no such file", done.stderr, re.M)
    text = (out / "report.html").read_text(encoding="utf-8")
    for word in ("<h1>My show</h1>", "<b>gone</b>", "0 laughs", "<p>Models: Level; Words; stand-in.</p>"):
        assert word in text
    before = (out / "episodes" / "talk" / "episode.json").stat().st_mtime_ns
    again = ser(talk, "--out", out, "--jobs", "1")
    assert again.exit_code == 0
    assert (out / "episodes" / "talk" / "episode.json").stat().st_mtime_ns == before


class Place:
    """A model of valence and arousal of windows."""

    output_names, label = ("valence", "arousal"), "a model of places"

    def features(self, windows):
        return windows

    def predict_features(self, X):
        return np.tile([-0.5, 0.25], (len(X), 1))


def test_dimensions_are_drawn_where_they_are_asked_for(ser, talk, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "window_dimensions", lambda name: {"linear": Place()}[name])
    monkeypatch.setattr("ser_helpers.streaming.predictions.VoiceActivityDetector", Always)
    out = tmp_path / "out"
    done = ser(talk, "--out", out, "--jobs", "1", "--dimensions", "linear")
    assert done.exit_code == 0, done.output
    (episode,) = podcast.Show.load(out).episodes
    spoken = episode.timeline.dropna(subset="emotion")
    assert len(spoken) == 2
    assert spoken[["valence", "arousal"]].drop_duplicates().to_numpy().tolist() == [[2.0, 3.5]]  # from 1 to 5
    text = (out / "report.html").read_text(encoding="utf-8")
    assert "Valence, arousal of the voice from 1 to 5, mean of 15 s. Means: valence 2.0, arousal 3.5." in text
    assert '"names": ["valence", "arousal"]' in text
    assert "a model of places" in text
    stamp = (out / "episodes" / "talk" / "episode.json").stat().st_mtime_ns
    ser(talk, "--out", out, "--jobs", "1", "--dimensions", "linear")
    assert (out / "episodes" / "talk" / "episode.json").stat().st_mtime_ns == stamp
    ser(talk, "--out", out, "--jobs", "1")
    assert podcast.Show.load(out).episodes[0].dimensions == []


class Always:
    """Everything is speech."""

    threshold = 0.5

    def reset(self):
        pass

    def feed(self, y):
        return np.ones(len(y) // 512)


def test_without_a_transcript_no_model_of_dimensions_is_loaded_or_trained(ser, talk, tmp_path, monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("nothing needs this model")

    monkeypatch.setattr(podcast, "dimension_model", never)
    monkeypatch.setattr(models, "window_dimensions", never)
    monkeypatch.setattr("ser_helpers.podcast.sentence_model._make", never)
    talk.with_suffix(".vtt").unlink()
    done = ser(talk, "--out", tmp_path / "out", "--jobs", "1")
    assert done.exit_code == 0, done.output
    assert (
        podcast.Show.load(tmp_path / "out").episodes[0].notes[0] == "There is no transcript: sentences were not rated."
    )


def test_an_incomplete_episode_is_named(ser, tmp_path):
    path = tmp_path / "half.flac"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 8000 * 20), 8000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for _ in ("done", "cached"):
        done = ser(path, "--out", tmp_path / "out", "--jobs", "1")
        assert done.exit_code == 0
        assert re.search(r"^Analysed in part: half\. half\.flac is damaged after \d+\.\d s .*\.$", done.stderr, re.M)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count("is damaged after") == 1
    assert str(tmp_path) not in page


def test_without_laughter_it_looks_for_none(ser, talk, tmp_path):
    assert ser(talk, "--out", tmp_path / "out", "--jobs", "1", "--no-laughter").exit_code == 0
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "laugh" not in re.sub("<script.*?</script>", "", text, flags=re.DOTALL)


class Recogniser:
    label, sr = "stand-in for a recogniser", 16000

    def stream(self):
        return self

    def feed(self, y):
        pass

    def finish(self):
        return pd.DataFrame([[1.0, 2.0, None, "Recognised."]], columns=["start", "end", "speaker", "text"])


def test_words_are_recognised_where_there_is_no_transcript(ser, talk, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "Recogniser", Recogniser)
    other = talk.with_name("other.wav")
    other.write_bytes(talk.read_bytes())
    assert ser(talk, other, "--out", tmp_path / "out", "--jobs", "1", "--transcribe").exit_code == 0
    texts = {e.name: e.sentences.text.tolist() for e in podcast.Show.load(tmp_path / "out").episodes}
    assert texts == {"talk": ["Good morning."], "other": ["Recognised."]}
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count("the words were recognised by stand-in for a recogniser.") == 1


def test_the_help_says_what_laughter_costs(ser):
    words = " ".join(ser("--help").output.replace("│", " ").split())
    assert "about 15 s of a core for an hour of audio" in words
    assert "about 1,100 s" in words


def test_nothing_to_analyse_is_one_sentence(ser, tmp_path):
    done = ser(tmp_path / "gone.ogg", "--out", tmp_path / "out", "--jobs", "1")
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == "Error: No episode could be analysed: there is nothing to report."
    assert not (tmp_path / "out" / "report.html").exists()


def test_a_folder_that_cannot_be_written_is_one_sentence(ser, talk, tmp_path):
    (tmp_path / "file").touch()
    done = ser(talk, "--out", tmp_path / "file", "--jobs", "1")
    assert done.exit_code == 2
    assert re.fullmatch(
        r"Error: .*file.*Check that the folder may be written and that the disk has room\.\n", done.stderr
    )


def test_a_full_disk_is_one_sentence(ser, talk, tmp_path, monkeypatch):
    def full(self, folder, **about):
        raise OSError(28, "No space left on device", str(folder))

    monkeypatch.setattr(podcast.Episode, "save", full)
    done = ser(talk, "--out", tmp_path / "out", "--jobs", "1")
    assert done.exit_code == 2
    assert "No space left on device. Check that the folder may be written" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_unknown_model_is_refused_by_name(talk, tmp_path):
    arguments = ["podcast", str(talk), "--out", str(tmp_path / "out"), "--model", "bigger"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "There is no window model 'bigger' for 'wide': choose best, real, linear, cnn, encoder" in result.output
    assert not (tmp_path / "out").exists()
