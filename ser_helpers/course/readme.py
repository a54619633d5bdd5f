"""The results in README.md, taken from the stored leaderboard and lesson, so that they cannot disagree."""

import base64
import re

import nbformat

from ser_helpers import home
from ser_helpers.course import notebooks
from ser_helpers.course.runner import leaderboard_file
from ser_helpers.errors import SerError
from ser_helpers.evaluation import leaderboard

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
    """Put the current results table into README.md (or `path`), between its two markers, and renew its picture.

    Raises
    ------
    SerError
        If the markers are missing.
    """
    path = path or home.project_root() / "README.md"
    text = path.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise SerError(f"{path.name} has lost its result markers; put these two lines back: {BEGIN} and {END}")
    table = f"{BEGIN}\n{results()}\n{END}"
    new = re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: table, text, flags=re.DOTALL)
    with home.atomic_file(path) as aside:
        aside.write_text(new, encoding="utf-8")
    with home.atomic_file(path.parent / PICTURE) as aside:
        aside.write_bytes(picture())
