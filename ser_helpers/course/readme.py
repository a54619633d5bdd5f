"""The results table in README.md, written from the stored leaderboard so that the two cannot disagree."""

import re

from ser_helpers import home
from ser_helpers.course.runner import leaderboard_file
from ser_helpers.errors import SerError
from ser_helpers.evaluation import leaderboard

BEGIN, END = "<!-- results: written by `ser leaderboard --readme` -->", "<!-- end of results -->"


def results():
    """The README's results table in Markdown: rows on real speech only, in the order of the leaderboard."""
    rows = leaderboard.read(leaderboard_file("real"))
    return leaderboard.to_markdown(rows[~rows.synthetic.astype(bool)])


def update(path=None):
    """Put the current results table into README.md (or `path`), between its two markers.

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
