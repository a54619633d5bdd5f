"""Lessons as files: sources, stored notebooks, student copies and pages."""

import nbformat
import pytest

from ser_helpers.course import notebooks
from ser_helpers.errors import SerError

LESSON = """# %% [markdown]
# # 07 · A tiny lesson

# %% tags=["exercise"]
def double(x):
    raise NotImplementedError("Return twice x.")

# %% tags=["solution", "nbval-check-output"]
def double(x):
    return 2 * x
print(double(21))
"""


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "notebooks" / "src" / "07_tiny.py"
    path.parent.mkdir(parents=True)
    path.write_text(LESSON, encoding="utf-8")
    return path


def with_outputs(notebook):
    audio = nbformat.v4.new_output(
        "display_data", {"text/html": "<audio src='data:'></audio>", "text/plain": "<Audio>"}
    )
    bar = nbformat.v4.new_output("stream", name="stderr", text="\r 50%")
    text = nbformat.v4.new_output("stream", name="stdout", text="42\n")
    notebook.cells[1].outputs = [audio, bar]
    notebook.cells[2].outputs = [text]
    return notebook


def test_reading_folds_solutions_and_gives_the_same_ids_every_time(source):
    first, second = notebooks.read(source), notebooks.read(source)
    assert [cell.id for cell in first.cells] == [cell.id for cell in second.cells] == ["07-000", "07-001", "07-002"]
    assert [cell.metadata.get("jupyter") for cell in first.cells] == [None, None, {"source_hidden": True}]
    assert notebooks.title(source) == "07 · A tiny lesson"
    nbformat.validate(first)


def test_players_and_progress_bars_go_and_the_rest_stays(source):
    notebook = notebooks.silence(notebooks.quiet(with_outputs(notebooks.read(source))))
    assert notebook.cells[1].outputs == [
        {"output_type": "display_data", "metadata": {}, "data": {"text/plain": notebooks.AUDIO_NOTE}}
    ]
    assert notebook.cells[2].outputs[0].text == "42\n"


def test_a_reference_keeps_only_the_marked_outputs(source):
    notebook = notebooks.text_only(with_outputs(notebooks.read(source)))
    assert [len(cell.get("outputs", [])) for cell in notebook.cells] == [0, 0, 1]


def test_a_student_copy_has_no_solution_and_no_output(source):
    notebook = notebooks.student_copy(source)
    text = "\n".join(cell.source for cell in notebook.cells)
    assert "return 2 * x" not in text
    assert "NotImplementedError" in text
    assert not any(cell.get("outputs") for cell in notebook.cells)


def test_the_page_folds_solutions_and_describes_images(source, tmp_path):
    notebook = with_outputs(notebooks.read(source))
    image = nbformat.v4.new_output(
        "display_data", {"image/png": "iVBORw0KGgo="}, metadata={"image/png": {"alt": "A dot"}}
    )
    notebook.cells[1].outputs = [image]
    page = notebooks.write_html(notebook, tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count('<details class="solution">') == 1
    assert 'alt="A dot"' in page


def test_lessons_are_selected_by_number(source, monkeypatch):
    monkeypatch.setattr(notebooks, "folder", lambda: source.parent.parent)
    assert notebooks.sources(["7"]) == notebooks.sources(["07"]) == notebooks.sources() == [source]
    with pytest.raises(SerError, match="no lesson 42; the lessons are 07"):
        notebooks.sources(["42"])


def test_outside_a_clone_the_reason_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(notebooks.paths, "project_root", lambda: tmp_path)
    with pytest.raises(SerError, match="clone of the course"):
        notebooks.sources()
