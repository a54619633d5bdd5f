"""The pages that the runner writes, in a real browser: solutions fold, figures show, nothing is wider than the page."""

from pathlib import Path

import nbformat
import pytest

from ser_helpers.course import notebooks

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")), ids=lambda path: path.stem)
def page(request, browser, tmp_path):
    notebook = nbformat.read(request.param, as_version=4)
    path = notebooks.write_html(notebook, tmp_path / "lesson.html")
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    page.goto(path.as_uri(), wait_until="domcontentloaded")
    yield page
    page.close()


def test_solutions_are_folded_until_clicked(page):
    solution = page.locator("details.solution").first
    code = solution.locator(".jp-InputArea")
    assert not code.is_visible()
    solution.locator("summary").click()
    assert code.is_visible()


def test_figures_are_drawn_and_described(page):
    images = page.locator(".jp-RenderedImage img")
    assert images.count() >= 1
    drawn = "all => all.every(img => img.complete && img.naturalWidth > 300 && img.alt.length > 20)"
    assert images.evaluate_all(drawn)


@pytest.mark.slow
def test_nothing_is_wider_than_the_page(page):
    assert page.evaluate("document.documentElement.scrollWidth") <= 1100
