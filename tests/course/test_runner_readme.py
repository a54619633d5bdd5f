"""The README tells the truth about results, lessons and commands."""

import re
from pathlib import Path

import pandas as pd
import pytest

from ser_helpers.course import runner
from ser_helpers.errors import SerError
from ser_helpers.evaluation import leaderboard

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_results_table_is_the_stored_leaderboard():
    assert runner.results() in README
    rows = leaderboard.read(ROOT / "data" / "leaderboard.csv")
    lesson_4 = rows[(rows.lesson == "04") & (rows.corpus == "ravdess")]
    assert {"random", "speaker"} <= set(lesson_4.protocol)


def test_the_picture_is_the_one_in_lesson_04():
    assert (ROOT / runner.PICTURE).read_bytes() == runner.picture()
    assert f"]({runner.PICTURE})" in README


def test_only_real_speech_is_in_the_results_table():
    assert "synthetic" not in runner.results()


def test_updating_replaces_the_table_and_nothing_else(tmp_path):
    page = tmp_path / "README.md"
    page.write_text(f"before\n{runner.BEGIN}\nold\n{runner.END}\nafter\n", encoding="utf-8")
    runner.update(page)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert runner.results() in text
    assert (tmp_path / runner.PICTURE).read_bytes() == runner.picture()


def test_lost_markers_are_said(tmp_path):
    page = tmp_path / "README.md"
    page.write_text("no markers here", encoding="utf-8")
    with pytest.raises(SerError, match="lost its result markers"):
        runner.update(page)


def test_every_lesson_and_every_linked_file_exists():
    for target in re.findall(r"\]\((?!https?:|#)([^)\s]+)\)", README):
        assert (ROOT / target).exists(), target
    lessons = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert lessons == re.findall(r"\(notebooks/(\d\d_\w+\.ipynb)\)", README)


def test_every_make_target_in_the_readme_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`?make (\w+)", README)) - {"prints", "writes"}:
        assert re.search(rf"^{target}:.*##", makefile, re.MULTILINE), target


def test_the_test_command_is_the_same_for_make_ci_and_windows():
    command = "-m pytest -n 2 --dist loadfile --nbval-lax"
    for name in ("README.md", "Makefile", ".github/workflows/test.yml"):
        assert command in (ROOT / name).read_text(encoding="utf-8"), name
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_an_empty_leaderboard_is_still_a_table(monkeypatch):
    monkeypatch.setattr(leaderboard, "read", lambda path: pd.DataFrame(columns=leaderboard.COLUMNS))
    assert "empty" in runner.results()
