"""The command `ser`: what it prints, and that its errors are one sentence."""

import re

import pytest
from typer.testing import CliRunner

from ser_helpers.cli import app


@pytest.fixture
def ser(tmp_path, monkeypatch):
    monkeypatch.setenv("SER_BUILD_HOME", str(tmp_path / "build"))
    monkeypatch.setenv("SER_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "160")
    return lambda *arguments: CliRunner().invoke(app, arguments)


def test_without_arguments_it_lists_its_commands(ser):
    printed = ser().output
    for command in ("run", "notebooks", "student", "leaderboard", "corpora", "download"):
        assert re.search(rf"\b{command}\b", printed)


def test_corpora_lists_every_card_and_what_is_here(ser):
    done = ser("corpora")
    assert done.exit_code == 0
    for name in ("ravdess", "crema-d", "tess", "savee", "emodb", "iemocap", "msp-podcast", "meld"):
        assert name in done.output
    assert re.search(r"synthetic .*yes", done.output)
    assert re.search(r"ravdess .*no", done.output)


def test_a_known_problem_is_one_sentence_and_exit_status_2(ser):
    done = ser("run", "77")
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: There is no lesson 77; the lessons are 00")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("number", ["abc", "04.1", ""])
def test_a_lesson_that_is_no_number_is_named(ser, number):
    done = ser("run", number)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"Error: There is no lesson {number!r}; the lessons are 00")


def test_an_encoder_is_fetched_by_owner_and_name(ser, tmp_path, monkeypatch):
    import huggingface_hub

    def fetch(name, **options):
        assert name == "somebody/hubert"
        (tmp_path / "hubert").mkdir()
        for file in ("config.json", "model.safetensors"):
            (tmp_path / "hubert" / file).write_text("{}")
        return str(tmp_path / "hubert")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    done = ser("download", "somebody/hubert")
    assert done.exit_code == 0
    assert done.stdout.startswith("somebody/hubert is at ")

    def unreachable(name, **options):
        raise ConnectionError("no route\nand more")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    done = ser("download", "somebody/hubert")
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: somebody/hubert could not be downloaded (no route): check the name")
    assert done.stderr.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_one_sentence(ser, tmp_path):
    (tmp_path / "build").write_text("")
    for command in ("student", "run"):
        done = ser(command)
        assert done.exit_code == 2
        assert done.stderr.startswith(f"Error: {tmp_path / 'build'}")
        assert done.stderr.count("\n") == 1


def test_ctrl_c_is_one_word(ser, monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr("ser_helpers.course.notebooks.write_student_copies", interrupted)
    done = ser("student")
    assert (done.exit_code, done.stderr) == (130, "Stopped.\n")


def test_a_licensed_corpus_cannot_be_downloaded_and_whom_to_ask_is_said(ser):
    done = ser("download", "iemocap")
    assert done.exit_code == 2
    assert "Ask the University of Southern California" in done.stderr
    assert "sail.usc.edu" in done.stderr


def test_the_leaderboard_is_printed(ser, tmp_path):
    assert "empty" in ser("leaderboard").output


def test_student_copies_are_written(ser, tmp_path):
    done = ser("student")
    assert done.exit_code == 0
    assert len(list((tmp_path / "build" / "student").glob("*.ipynb"))) == len(done.output.splitlines())


def test_the_cache_is_listed_and_cleared_and_nothing_else_is_touched(ser, tmp_path, monkeypatch):
    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "a.npz").write_bytes(b"0" * 2_000_000)
    (tmp_path / "synthesis" / "conversations-small").mkdir(parents=True)
    (tmp_path / "elsewhere" / "calls").mkdir(parents=True)
    (tmp_path / "elsewhere" / "calls" / "a.wav").touch()
    (tmp_path / "calls").symlink_to(tmp_path / "elsewhere" / "calls")
    (tmp_path / "mine.txt").write_text("keep")
    assert "2.0 MB  checkpoints" in ser("cache").output
    assert (tmp_path / "checkpoints").exists()
    assert "Deleted" in ser("cache", "--clear").output
    assert {path.name for path in tmp_path.iterdir()} == {"calls", "elsewhere", "mine.txt"}
    assert list((tmp_path / "calls").iterdir()) == []
