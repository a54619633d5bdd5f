"""The runner goes on after a failing lesson, names the cell, exits non-zero and touches no stored notebook."""

import io

import nbformat
import pytest
from rich.console import Console

from ser_helpers.course import notebooks, runner
from ser_helpers.errors import CorpusError
from ser_helpers.evaluation import leaderboard

GOOD = "# %% [markdown]\n# # 01 · Good\n\n# %%\nimport os\nprint(os.environ['SER_CORPUS'])\n"
BAD = "# %% [markdown]\n# # 00 · Bad\n\n# %%\nx = 1\n\n# %%\n# divide\nx / 0\n\n# %%\nprint('never')\n"


@pytest.fixture
def course(tmp_path, monkeypatch):
    src = tmp_path / "notebooks" / "src"
    src.mkdir(parents=True)
    (src / "00_bad.py").write_text(BAD, encoding="utf-8")
    (src / "01_good.py").write_text(GOOD, encoding="utf-8")
    monkeypatch.setattr(notebooks, "folder", lambda: src.parent)
    monkeypatch.setenv("SER_BUILD_HOME", str(tmp_path / "build"))
    return tmp_path


@pytest.fixture
def run(course):
    console, kept = Console(file=io.StringIO(), width=120), []
    outcomes = runner.run_lessons(corpus="synthetic", console=console, keep=lambda source, nb: kept.append(source.name))
    status = runner.report(outcomes, console)
    return outcomes, status, console.file.getvalue(), kept


def test_a_failing_lesson_does_not_stop_the_next_and_is_named_at_the_end(run, course):
    outcomes, status, printed, kept = run
    assert status == 1
    assert [bool(outcome.error) for outcome in outcomes] == [True, False]
    assert "1 of 2 lessons ran to the end" in printed
    assert "code cell 2 of 3, which begins with `# divide`" in printed
    assert "ZeroDivisionError: division by zero" in printed
    assert kept == ["01_good.py"]
    assert not list((course / "notebooks").glob("*.ipynb"))
    executed = nbformat.read(course / "build" / "notebooks" / "01_good.ipynb", as_version=4)
    assert executed.cells[1].outputs[0].text == "synthetic\n"
    assert "ZeroDivisionError" in (course / "build" / "html" / "00_bad.html").read_text(encoding="utf-8")


def test_a_kept_lesson_sees_the_lines_of_earlier_lessons_and_replaces_its_own(course, monkeypatch):
    stored = course / "leaderboard.csv"
    monkeypatch.setenv("SER_LEADERBOARD", str(stored))
    rows = leaderboard.read(runner.leaderboard_file("synthetic"))[:4].assign(lesson=["00", "01", "01", "02"])
    for lesson in ("00", "01", "02"):
        leaderboard.replace(lesson, rows[rows["lesson"] == lesson], stored)
    (course / "notebooks" / "src" / "01_good.py").write_text(
        "# %% [markdown]\n# # 01 · Good\n\n# %%\nimport os\nfrom ser_helpers.evaluation import leaderboard\n"
        "rows = leaderboard.read()\nprint(rows.lesson.tolist())\n"
        "leaderboard.replace('01', rows.assign(lesson='01', model='new'), os.environ['SER_LEADERBOARD'])\n",
        encoding="utf-8",
    )
    shown = []
    keep = lambda source, notebook: shown.append(notebook.cells[1].outputs[0].text)  # noqa: E731
    runner.run_lessons(["01"], console=Console(file=io.StringIO()), keep=keep)
    assert shown == ["['00']\n"]
    after = leaderboard.read(stored)
    assert sorted(after["lesson"]) == ["00", "01", "02"]
    assert after.set_index("lesson").model["01"] == "new"


def test_ctrl_c_stops_the_course_and_writes_nothing_of_the_interrupted_lesson(course):
    source = course / "notebooks" / "src" / "00_bad.py"
    source.write_text(
        "# %% [markdown]\n# # 00 · Long\n\n# %%\nimport os, signal, time\n"
        "os.kill(os.getppid(), signal.SIGINT)\ntime.sleep(60)\n",
        encoding="utf-8",
    )
    with pytest.raises(KeyboardInterrupt):
        runner.run_lessons(console=Console(file=io.StringIO()))
    assert list((course / "build").iterdir()) == []
    assert [outcome.error for outcome in runner.run_lessons(["01"], console=Console(file=io.StringIO()))] == [None]


@pytest.mark.parametrize(
    ("corpus", "words"), [("nope", "no corpus called 'nope'"), ("ravdess", "ser download ravdess")]
)
def test_a_corpus_that_is_not_there_is_told_before_any_lesson_is_run(course, monkeypatch, corpus, words):
    monkeypatch.setenv("SER_DATA_HOME", str(course / "data"))
    with pytest.raises(CorpusError, match=words):
        runner.run_lessons(corpus=corpus, console=Console(file=io.StringIO()))
    assert not (course / "build").exists()


def test_all_lessons_good_means_exit_status_zero():
    assert runner.report([runner.Outcome("00 · Fine", 1.0)], Console(file=io.StringIO())) == 0
