"""Every lesson, as stored: agrees with its source, has run without errors, is light, and keeps the house's rules."""

import ast
import inspect
import json
import re
import tomllib
from pathlib import Path

import nbformat
import numpy as np
import pytest

from ser_helpers.course import checks, notebooks

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "notebooks" / "src").glob("[0-9][0-9]_*.py"))
ABOUT_CONVERSATIONS = ("09", "10", "11", "12", "13")  # embedded, or only for licensees: their outputs are synthetic
lesson = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)


def stored(source):
    return nbformat.read(notebooks.stored(source), as_version=4)


def reference(source):
    return nbformat.read(ROOT / "tests" / "notebooks" / "reference" / f"{source.stem}.ipynb", as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text_of(cell):
    return "".join(output.get("text", "") for output in cell.outputs)


def test_there_are_lessons():
    assert [source.name[:2] for source in SOURCES] == [f"{number:02}" for number in range(14)]


@lesson
@pytest.mark.parametrize("version", [stored, reference])
def test_source_and_notebook_agree(source, version):
    assert notebooks.content(notebooks.read(source)) == notebooks.content(version(source)), "run `make notebooks`"


@lesson
def test_every_cell_was_run_in_order_and_none_failed(source):
    cells = code_cells(stored(source))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]


@lesson
def test_the_stored_notebook_is_light_silent_and_says_whose_speech_it_shows(source):
    text = notebooks.stored(source).read_text(encoding="utf-8")
    assert len(text) < 1_000_000
    assert "<audio" not in text
    says = "SYNTHETIC speech" if source.name.startswith(ABOUT_CONVERSATIONS) else "real speech"
    assert says in text_of(code_cells(stored(source))[1])


@lesson
def test_every_figure_is_described(source):
    for cell in code_cells(stored(source)):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                assert len(output.metadata["image/png"]["alt"]) > 20


@lesson
def test_enough_outputs_are_held_to_their_reference(source):
    marked = [cell for cell in code_cells(reference(source)) if notebooks.has_tag(cell, "nbval-check-output")]
    assert len(marked) >= 3
    assert all(text_of(cell) or cell.outputs for cell in marked)


@lesson
def test_no_compared_cell_shows_a_progress_bar(source):
    for cell in code_cells(notebooks.read(source)):
        if notebooks.has_tag(cell, "nbval-check-output"):
            slow = re.findall(r"\b(?:features\.extract|cross_validate|ensure_corpus|banner)\(", cell.source)
            assert not slow, "on a fresh machine its error stream would differ from the reference"


@lesson
def test_every_solution_passes_its_check(source):
    solved = [cell for cell in code_cells(reference(source)) if notebooks.has_tag(cell, "solution")]
    assert solved
    for cell in solved:
        assert notebooks.has_tag(cell, "nbval-check-output"), "make test must compare it"
        for number in re.findall(r'check\(\s*"(\d\d\.\d)"', cell.source):
            assert f"✓ {number} correct" in text_of(cell)


@lesson
def test_every_exercise_has_a_stub_a_solution_and_a_checker(source):
    def ids(tag):
        cells = [cell for cell in code_cells(notebooks.read(source)) if notebooks.has_tag(cell, tag)]
        return [number for cell in cells for number in re.findall(r'check\(\s*"(\d\d\.\d)"', cell.source)]

    known = list(checks.exercises(source.name[:2]))
    assert ids("exercise") == ids("solution") == known
    assert 2 <= len(known) <= 4


def defines_only(code):
    """Whether a cell holds classes and functions, and nothing that is run."""
    body = ast.parse(code).body
    return bool(body) and all(isinstance(part, ast.ClassDef | ast.FunctionDef) for part in body)


def unfinished(stub):
    """The functions that a stub leaves to the student: itself, or the unfinished methods of a class."""
    if inspect.isfunction(stub):
        return [stub]
    methods = filter(inspect.isfunction, vars(stub).values())
    return [method for method in methods if "NotImplementedError" in method.__code__.co_names]


@lesson
def test_every_stub_in_the_student_copy_raises_with_the_task(source):
    space = {"check": lambda number, answer: None, "np": np}
    for cell in code_cells(notebooks.student_copy(source)):
        if notebooks.has_tag(cell, "exercise"):
            before = dict(space)
            exec(cell.source, space)
            (stub,) = [item for name, item in space.items() if before.get(name) is not item and name != "__builtins__"]
            functions = unfinished(stub)
            assert functions
            for function in functions:
                arguments = [None] * function.__code__.co_argcount
                with pytest.raises(NotImplementedError, match=r"\w+ \w+ \w+"):
                    function(*arguments)
        elif defines_only(cell.source):
            exec(cell.source, space)  # a stub may build on it


@lesson
def test_the_parts_every_lesson_has(source):
    text = source.read_text(encoding="utf-8")
    repository = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Repository"]
    slug = repository.removeprefix("https://github.com/")
    assert f"colab.research.google.com/github/{slug}/blob/main/notebooks/{source.stem}.ipynb" in text
    assert f"git+{repository}" in text
    for part in (
        "For the instructor",
        "Common mistakes",
        "What you can now do",
        "<details>",
        f'banner("{source.name[:2]}"',
    ):
        assert part in text, part


@lesson
def test_relative_links_lead_somewhere(source):
    anchors = set(
        re.findall(r"^## (.+)$", (ROOT / "notebooks" / "GLOSSARY.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    anchors = {re.sub(r"[^\w\- ]", "", anchor.lower()).replace(" ", "-") for anchor in anchors}
    for target in re.findall(r"\]\((?!https?:|#)([^)\s]+)\)", source.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        assert (ROOT / "notebooks" / path).exists(), target
        if path == "GLOSSARY.md" and anchor:
            assert anchor in anchors, target


@lesson
def test_cells_are_short(source):
    for cell in code_cells(notebooks.read(source)):
        lines = [line for line in cell.source.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        assert len(lines) <= 15, cell.source


def test_notebooks_are_valid_json_with_stable_ids():
    for source in SOURCES:
        cells = json.loads(notebooks.stored(source).read_text(encoding="utf-8"))["cells"]
        assert [cell["id"] for cell in cells] == [cell.id for cell in notebooks.read(source).cells]
