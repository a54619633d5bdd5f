"""A full run of the lessons on the embedded corpus gives the stored scores: `make test-all` makes one, and says where.

``SER_FULL_RUN`` is the build folder of ``ser run``. The reference is stored by ``make notebooks``.
"""

import os
import re
from pathlib import Path

import nbformat
import pytest

from ser_helpers.course import notebooks
from ser_helpers.course.runner import reference_folder
from ser_helpers.evaluation import leaderboard

FULL_RUN = Path(os.environ.get("SER_FULL_RUN", "no full run"))
STEMS = [source.stem for source in notebooks.sources()]
NOTHING_TRAINED = ("01", "03")  # sampling, and corpora
SCORES = {"12": (["UAR"], 0.05), "13": (["precision", "recall", "f1"], 0.1)}  # of cells tagged "score", and tolerance

full = pytest.mark.skipif(not FULL_RUN.is_dir(), reason="no full run: make test-all")


def cells(folder, stem, tag):
    notebook = nbformat.read(folder / f"{stem}.ipynb", as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code" and notebooks.has_tag(cell, tag)]


def text_of(cell):
    text = "".join(output.get("text", "") or output["data"]["text/plain"] for output in cell.outputs)
    return re.sub(r"\d+(\.\d+)? ?(s|ms|seconds)\b", "DURATION", text)  # as in sanitize.cfg


def scores_of(cell, columns):
    """Numbers of some columns of the DataFrame that `cell` shows."""
    header, _, *rows = text_of(cell).splitlines()
    names = header.split()
    values = [dict(zip(names, row.split()[-len(names) :], strict=True)) for row in rows]
    return [float(row[column]) for row in values for column in columns]


@full
@pytest.mark.parametrize("stem", STEMS)
def test_compared_cells_are_those_of_the_reference(stem):
    here, there = (cells(folder, stem, "nbval-check-output") for folder in (FULL_RUN / "notebooks", reference_folder()))
    assert list(map(text_of, here)) == list(map(text_of, there))


@full
def test_every_score_is_within_its_stored_interval():
    stored, found = (
        leaderboard.read(folder / "leaderboard.csv").set_index(leaderboard.KEY)
        for folder in (reference_folder(), FULL_RUN)
    )
    assert sorted(found.index) == sorted(stored.index), "run `make notebooks`"
    for key, row in found.iterrows():
        metric = "uar" if row.classes else "ccc"
        low, high = stored.loc[key, [f"{metric}_low", f"{metric}_high"]]
        assert low <= row[metric] <= high, key


@full
@pytest.mark.parametrize("number", SCORES)
def test_scores_that_no_leaderboard_holds_are_near_the_stored_ones(number):
    columns, tolerance = SCORES[number]
    (stem,) = (stem for stem in STEMS if stem.startswith(number))
    (here,), (there,) = (cells(folder, stem, "score") for folder in (FULL_RUN / "notebooks", reference_folder()))
    assert scores_of(here, columns) == pytest.approx(scores_of(there, columns), abs=tolerance)


def test_every_lesson_that_trains_has_a_stored_score():
    listed = set(leaderboard.read(reference_folder() / "leaderboard.csv")["lesson"])
    assert listed.isdisjoint(NOTHING_TRAINED)
    assert listed | {*SCORES, *NOTHING_TRAINED} == {stem[:2] for stem in STEMS}
    for number in SCORES:
        (stem,) = (stem for stem in STEMS if stem.startswith(number))
        (cell,) = cells(reference_folder(), stem, "score")
        assert len(scores_of(cell, SCORES[number][0])) > 1
