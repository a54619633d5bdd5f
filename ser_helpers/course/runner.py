"""Running lessons, for ``make run``, ``make notebooks`` and ``make lesson``; and the results in README.md."""

import asyncio
import base64
import os
import re
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ser_helpers import corpora, paths, quick_mode
from ser_helpers.course import notebooks
from ser_helpers.errors import SerError
from ser_helpers.evaluation import leaderboard

CELL_TIMEOUT = 1800
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Outcome:
    """How one lesson went. `error` is None, or a sentence that names the failing cell."""

    title: str
    seconds: float
    error: str | None = None


def run_lessons(numbers=None, corpus="synthetic", keep=None, console=None):
    """Execute lessons on `corpus`, showing progress; goes on after a lesson that fails.

    `numbers` are lessons such as ``["04"]``, all by default; `corpus` is what ``SER_CORPUS`` is set to. With every
    lesson that ran to its end, ``keep(source, notebook)`` is called; such a lesson shows the leaderboard as a first run
    of the whole course would, without lines of later lessons or of its own earlier runs. Returned is a list of Outcome
    in order; the executed notebooks lie in ``build/notebooks``, as pages in ``build/html``.

    SerError is raised before any lesson is run: there is no such lesson or corpus, the corpus is not on this machine,
    or quick mode is on and `keep` would store what it computes. After Ctrl-C, a KeyboardInterrupt, what earlier lessons
    wrote stays; of the interrupted one nothing is written.
    """
    console = console or Console()
    if keep and quick_mode.is_on():
        raise SerError("Scores of quick mode are never stored: unset SER_QUICK.")
    lessons = notebooks.sources(numbers)
    if corpus != "auto" and not corpora.card(corpus).synthetic:
        corpora.find(corpus)
    paths.build_home().mkdir(parents=True, exist_ok=True)
    outcomes = []
    with _progress(console) as progress:
        course = progress.add_task("The course", total=len(lessons))
        for source in lessons:
            notebook = notebooks.read(source)
            task = progress.add_task(notebooks.title(source), total=len(notebook.cells))
            board = _board_before(source) if keep else leaderboard.default_path()
            outcome = _execute(notebook, source, corpus, board, lambda task=task: progress.advance(task))
            progress.remove_task(task)
            progress.advance(course)
            mark = "[red]✗" if outcome.error else "[green]✓"
            console.print(f"{mark}[/] {outcome.title:<44} {outcome.seconds:6.1f} s")
            outcomes.append(outcome)
            notebooks.quiet(notebook)
            notebooks.write(notebook, paths.build_home() / "notebooks" / f"{source.stem}.ipynb")
            notebooks.write_html(notebook, paths.build_home() / "html" / f"{source.stem}.html")
            if keep and not outcome.error:
                keep(source, notebook)
                new = leaderboard.read(board).query("lesson == @source.stem[:2]")
                leaderboard.replace(source.stem[:2], new, leaderboard.default_path())
    return outcomes


def _board_before(source):
    """A leaderboard in the build folder with the lines of earlier lessons."""
    path = paths.build_home() / "leaderboard-of-the-lesson.csv"
    path.unlink(missing_ok=True)
    rows = leaderboard.read()
    for lesson in sorted(set(rows["lesson"])):
        if lesson < source.stem[:2]:
            leaderboard.replace(lesson, rows[rows["lesson"] == lesson], path)
    return path


def report(outcomes, console=None):
    """Print the total time and every failure; returns the exit status, 0 when all lessons ran."""
    console = console or Console()
    failed = [outcome for outcome in outcomes if outcome.error]
    total = sum(outcome.seconds for outcome in outcomes)
    console.print(f"{len(outcomes) - len(failed)} of {len(outcomes)} lessons ran to the end, in {total:.0f} s.")
    for outcome in failed:
        console.print(f"\n✗ {outcome.title}\n{outcome.error}", style="red", markup=False, highlight=False)
    return 1 if failed else 0


def _execute(notebook, source, corpus, board, on_cell):
    """Run `notebook` in a fresh kernel; outputs are stored in it up to a failing cell."""
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--IPKernelApp.log_level=40"],
        resources={"metadata": {"path": str(source.parent.parent)}},
        on_cell_complete=lambda cell, cell_index: on_cell(),
    )
    started, error = time.perf_counter(), None
    try:
        environment = {**os.environ, "SER_CORPUS": corpus, "SER_LEADERBOARD": str(board.absolute())}
        client.execute(env=environment, stderr=subprocess.DEVNULL)  # C++ libraries talk there, past the notebook
    except CellExecutionError as failure:
        error = _describe(notebook, f"{failure.ename}: {ANSI.sub('', failure.evalue)}")
    except CellTimeoutError:
        error = _describe(notebook, f"the cell took longer than {CELL_TIMEOUT // 60} minutes")
    except DeadKernelError:
        error = _describe(notebook, "the kernel died, most often for want of memory")
    finally:
        if _was_interrupted(client):
            raise KeyboardInterrupt
    return Outcome(notebooks.title(source), time.perf_counter() - started, error)


def _was_interrupted(client):
    """Whether Ctrl-C was pressed: nbclient then ends the kernel in a task of its own, whatever comes of it."""
    ending = getattr(client, "_async_cleanup_kernel_future", None)
    if ending:
        with suppress(asyncio.CancelledError, asyncio.InvalidStateError):
            ending.exception()  # asked for, so that asyncio does not print it
    return ending is not None


def _describe(notebook, what):
    """The last cell that was started, its first line, and what happened there."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    last = max((k for k, cell in enumerate(code) if cell.execution_count or cell.outputs), default=0)
    first_line = next((line for line in code[last].source.splitlines() if line.strip()), "")
    return f"code cell {last + 1} of {len(code)}, which begins with `{first_line}`\n{what}"


def _progress(console):
    columns = TextColumn("{task.description:<44}"), BarColumn(), TextColumn("{task.completed:.0f}/{task.total:.0f}")
    return Progress(*columns, TimeElapsedColumn(), console=console, transient=True)


def store(source, notebook):
    """Keep an executed lesson as the notebook that readers see."""
    notebooks.write(notebooks.silence(notebook), notebooks.stored(source))


def store_reference(source, notebook):
    """Keep the marked outputs of a lesson run on the embedded corpus: what ``make test`` compares with."""
    notebooks.write(notebooks.text_only(notebooks.silence(notebook)), reference_folder() / f"{source.stem}.ipynb")


def reference_folder():
    """What tests compare runs on the embedded corpus with: outputs of lessons, and their leaderboard."""
    return paths.project_root() / "tests" / "notebooks" / "reference"


def leaderboard_file(corpus):
    """The project's stored leaderboard for real corpora, the tests' reference for the embedded one."""
    if corpus.startswith("synthetic"):
        return reference_folder() / "leaderboard.csv"
    return Path(paths.project_root() / "data" / "leaderboard.csv")


BEGIN, END = "<!-- results: written by `ser leaderboard --readme` -->", "<!-- end of results -->"
PICTURE = "book/unseen_actors.png"


def results():
    """The README's results table in Markdown: rows on real speech only, in the order of the leaderboard."""
    rows = leaderboard.read(leaderboard_file("real"))
    return leaderboard.to_markdown(rows[~rows.synthetic.astype(bool)])


def picture():
    """The README's picture as PNG bytes: lesson 04's comparison of the two protocols, as stored."""
    lesson = nbformat.read(notebooks.stored(*notebooks.sources(["04"])), as_version=4)
    cell = next(cell for cell in lesson.cells if "plots.against(" in cell.source and cell.get("outputs"))
    return base64.b64decode(cell.outputs[0].data["image/png"])


def update(path=None):
    """Put the current results table into README.md (or `path`), and renew its picture; SerError without the markers."""
    path = path or paths.project_root() / "README.md"
    text = path.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise SerError(f"{path.name} has lost its result markers; put these two lines back: {BEGIN} and {END}")
    table = f"{BEGIN}\n{results()}\n{END}"
    new = re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: table, text, flags=re.DOTALL)
    with paths.atomic_file(path) as aside:
        aside.write_text(new, encoding="utf-8")
    with paths.atomic_file(path.parent / PICTURE) as aside:
        aside.write_bytes(picture())
