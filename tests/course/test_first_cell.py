"""The first cell of every lesson: it must never leave in doubt whether the voices are real."""

from pathlib import Path

import pytest

from ser_helpers import corpora, synthesis
from ser_helpers.course import banner, first_cell
from ser_helpers.errors import CorpusError, CorpusMissing
from ser_helpers.synthesis import ensure_calls, ensure_show


@pytest.fixture
def nothing_real(tmp_path, monkeypatch):
    monkeypatch.setenv("SER_DATA_HOME", str(tmp_path))


@pytest.mark.usefixtures("nothing_real")
def test_without_the_real_corpus_it_takes_the_synthetic_one_and_says_so(monkeypatch, capsys):
    monkeypatch.setenv("SER_CORPUS", "auto")
    table = banner("04")
    printed = capsys.readouterr().out
    assert set(table.corpus) == {"synthetic"}
    assert "SYNTHETIC speech" in printed
    assert "1440 utterances, 24 speakers" in printed
    assert "ser download ravdess" in printed
    assert "/" not in printed, "no machine paths"


@pytest.mark.usefixtures("nothing_real")
def test_a_chosen_corpus_that_is_missing_is_an_error_not_a_silent_swap(monkeypatch):
    monkeypatch.setenv("SER_CORPUS", "ravdess")
    with pytest.raises(CorpusMissing, match="ser download ravdess"):
        banner("04")


def test_a_chosen_synthetic_corpus_is_taken(monkeypatch, capsys):
    monkeypatch.setenv("SER_CORPUS", "synthetic-small")
    assert len(banner("04")) == len(corpora.load("synthetic-small"))
    assert "SER_CORPUS=synthetic-small" in capsys.readouterr().out


def test_a_long_lesson_takes_fewer_embedded_speakers_and_says_so(monkeypatch, capsys):
    monkeypatch.setenv("SER_CORPUS", "synthetic-small")
    table = banner("06", embedded_speakers=2)
    assert sorted(table.speaker.unique()) == ["synthetic-01", "synthetic-02"]
    printed = capsys.readouterr().out
    assert "120 utterances, 2 speakers" in printed
    assert "2 of its 4 speakers are enough here; real speech gets all." in printed
    assert len(banner("06", embedded_speakers=9)) == len(corpora.load("synthetic-small"))


@pytest.mark.usefixtures("nothing_real")
def test_an_empty_choice_is_no_choice(monkeypatch):
    monkeypatch.setenv("SER_CORPUS", "")
    assert set(banner("04").corpus) == {"synthetic"}


@pytest.mark.usefixtures("nothing_real")
@pytest.mark.parametrize(("choice", "says"), [("auto", "release form"), ("synthetic", ""), ("ravdess", "holds none")])
def test_a_lesson_about_conversations_runs_on_conversations(monkeypatch, capsys, choice, says):
    monkeypatch.setenv("SER_CORPUS", choice)
    assert set(banner("09", corpus="iemocap").corpus) == {"synthetic-iemocap"}
    assert says in capsys.readouterr().out


def test_an_unknown_corpus_is_named(monkeypatch):
    monkeypatch.setenv("SER_CORPUS", "ravdes")
    with pytest.raises(CorpusError, match="ravdes"):
        banner("04")


def test_the_device_is_said_in_words(monkeypatch):
    monkeypatch.setattr(first_cell.shutil, "which", lambda name: None)
    assert first_cell.device().startswith("CPU, ")


def test_an_idle_gpu_is_pointed_out(monkeypatch):
    monkeypatch.setattr(first_cell.shutil, "which", lambda name: name)
    answer = type("Done", (), {"stdout": "NVIDIA H200\n"})
    monkeypatch.setattr(first_cell.subprocess, "run", lambda *args, **kwargs: answer)
    monkeypatch.setattr(first_cell, "_installed", lambda package: "2.21")
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    assert "make env GPU=1" in first_cell.device()
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert first_cell.device() == "GPU, NVIDIA H200"


def test_a_lesson_about_a_podcast_gets_its_episodes(monkeypatch, capsys):
    monkeypatch.setattr(synthesis, "ensure_show", lambda: ensure_show("small", progress=False))
    table = banner("11", corpus="show")
    printed = capsys.readouterr().out
    assert table.index.tolist() == ["episode-01", "episode-02"]
    assert table.format.tolist() == ["MP3", "OGG"]
    assert table.channels.tolist() == [2, 1]
    assert table.seconds.between(30, 60).all()
    assert table[["path", "transcript"]].map(lambda path: Path(path).is_file()).all(axis=None)
    assert "Embedded podcast: SYNTHETIC speech" in printed
    assert "2 episodes" in printed
    assert "ser podcast EPISODE" in printed
    assert "/" not in printed, "no machine paths"


def test_a_lesson_about_calls_gets_its_calls(monkeypatch, capsys):
    monkeypatch.setattr(synthesis, "ensure_calls", lambda: ensure_calls("small", progress=False))
    table = banner("13", corpus="calls")
    printed = capsys.readouterr().out
    assert len(table) == 6
    assert table[["path", "truth"]].map(lambda path: Path(path).is_file()).all(axis=None)
    assert "Embedded call centre: SYNTHETIC speech" in printed
    assert f"6 calls, {table.seconds.sum() / 60:.0f} minutes" in printed
    assert "ser podcast" not in printed
