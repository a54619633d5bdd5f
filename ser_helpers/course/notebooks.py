"""Lessons as files: the text that is edited, the notebook that is run, the copy a student gets, the page a reader sees.

``notebooks/src/NN_name.py`` (py:percent) is the source. ``notebooks/NN_name.ipynb`` is the same lesson with outputs.
Cells carry tags: ``exercise`` for a stub, ``solution`` for its folded solution, ``nbval-check-output`` for an output
that must be the same on every run on the embedded corpus, ``score`` for a table of scores that a run in full must meet
within a tolerance.
"""

import re
from pathlib import Path

import jupytext
import nbformat

from ser_helpers import paths
from ser_helpers.errors import SerError

FOLDED = {"jupyter": {"source_hidden": True}}
AUDIO_NOTE = "Run this cell to listen: players are left out of the stored notebook."
HTML_TEMPLATE = """{% extends 'lab/index.html.j2' %}
{% block input_group %}
{% if 'solution' in cell.metadata.get('tags', []) %}
<details class="solution"><summary>Solution</summary>{{ super() }}</details>
{% else %}{{ super() }}{% endif %}
{% endblock input_group %}
{% block data_png scoped %}
<div class="jp-RenderedImage jp-OutputArea-output">
<img src="data:image/png;base64,{{ output.data['image/png'] }}"
 alt="{{ (output | get_metadata('alt', 'image/png')) or '' | escape_html }}">
</div>
{% endblock data_png %}"""


def folder():
    """The project's ``notebooks`` folder."""
    path = paths.project_root() / "notebooks"
    if not (path / "src").is_dir():
        raise SerError("No notebooks/src here: run this inside a clone of the course's repository.")
    return path


def sources(numbers=None):
    """Paths of the lessons' sources in order; `numbers` such as ``["04"]`` selects some, SerError if one is unknown."""
    found = {path.name[:2]: path for path in sorted((folder() / "src").glob("[0-9][0-9]_*.py"))}
    if not numbers:
        return list(found.values())
    wanted = [f"{int(number):02d}" if str(number).isdecimal() else repr(number) for number in numbers]
    unknown = [number for number in wanted if number not in found]
    if unknown:
        raise SerError(f"There is no lesson {', '.join(unknown)}; the lessons are {', '.join(found)}.")
    return [found[number] for number in wanted]


def stored(source):
    """Path of the executed notebook that belongs to `source`."""
    return source.parent.parent / f"{source.stem}.ipynb"


def title(source):
    """The lesson's title: its first Markdown heading, such as ``"04 · The DNN baseline"``."""
    return re.search(r"^# # (.+)$", Path(source).read_text(encoding="utf-8"), re.MULTILINE)[1]


def read(source):
    """The lesson as a notebook without outputs, solutions folded, cell ids the same on every call."""
    notebook = jupytext.read(source)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{Path(source).stem[:2]}-{number:03d}"
        if has_tag(cell, "solution"):
            cell.metadata.update(FOLDED)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def has_tag(cell, tag):
    """Whether `cell` carries `tag`."""
    return tag in cell.metadata.get("tags", [])


def content(notebook):
    """What must agree between a source and its notebook: kind, text and tags of every cell."""
    return [(cell.cell_type, cell.source.strip(), cell.metadata.get("tags", [])) for cell in notebook.cells]


def quiet(notebook):
    """Drop progress bars and library messages, which is all that goes to the error stream. Returns the notebook."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def silence(notebook):
    """Replace audio players by a line of text, and forget what the kernel said of itself. Returns the notebook."""
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "<audio" in output.get("data", {}).get("text/html", ""):
                output.data = {"text/plain": AUDIO_NOTE}
    return notebook


def text_only(notebook):
    """Keep only outputs that another run is compared with: of cells tagged ``nbval-check-output`` or ``score``."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and not (has_tag(cell, "nbval-check-output") or has_tag(cell, "score")):
            cell.outputs = []
    return notebook


def write(notebook, path):
    """Write `notebook` whole or not at all."""
    with paths.atomic_file(path) as aside:
        nbformat.write(notebook, aside)
    return Path(path)


def write_html(notebook, path):
    """The notebook as one HTML page, each solution folded behind a click."""
    from nbconvert import HTMLExporter

    page, _ = HTMLExporter(raw_template=HTML_TEMPLATE, embed_images=True).from_notebook_node(notebook)
    with paths.atomic_file(path) as aside:
        aside.write_text(page, encoding="utf-8")
    return Path(path)


def student_copy(source):
    """The lesson without solutions and without outputs; every exercise stub raises ``NotImplementedError``."""
    notebook = read(source)
    notebook.cells = [cell for cell in notebook.cells if not has_tag(cell, "solution")]
    return notebook


def write_student_copies(target=None):
    """Write every lesson's student copy to `target` (default ``build/student``); returns the paths."""
    target = Path(target) if target else paths.build_home() / "student"
    return [write(student_copy(source), target / f"{source.stem}.ipynb") for source in sources()]
