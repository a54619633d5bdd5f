"""The report of a podcast in a real browser: no network, no sideways scroll, readable in the dark and on a phone."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
import soundfile

from ser_helpers.podcast import Episode, Show, write_report

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    rng, starts = np.random.default_rng(0), 3.0 * np.arange(40)
    table = pd.DataFrame({"start": starts, "end": starts + 3, "speech": 1.0})
    table[["angry", "happy"]] = rng.dirichlet([1, 1], 40)
    table[["neutral", "sad"]] = 0.0
    table["emotion"] = pd.Series(np.where(table.angry > 0.5, "angry", "happy"), dtype=object)
    said = pd.DataFrame({"start": starts, "end": starts + 2, "speaker": "Ana", "text": "A sentence."})
    said[["valence", "arousal", "dominance"]] = rng.uniform(1, 5, (40, 3))
    long = "an-episode-with-a-name-that-is-longer-than-any-telephone-is-wide-" * 2
    laughs = pd.DataFrame({"start": [3.0], "end": [5.0], "probability": [0.9]})
    folder = tmp_path_factory.mktemp("report")
    soundfile.write(folder / "short <b>.wav", rng.normal(0, 0.01, 120 * 8000), 8000)
    show = Show("A show", [Episode(name, 120.0, table, said, laughs) for name in ("short", long)])
    show.episodes[1].recording, show.episodes[0].recording = "../short <b>.wav", "../gone.wav"
    failed = {"lost": "Cannot use lost.mp3: there is no such file; check the path."}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return write_report(show, folder / "out" / "report.html", failed)


@pytest.fixture
def page(report_page):
    return report_page


def test_nothing_is_fetched_and_nothing_complains(page):
    assert [url for url in page.asked if not url.startswith(("file:", "data:"))] == []
    assert page.said == []


def test_nothing_is_wider_than_the_window(page):
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("img").evaluate_all("(all, width) => all.every(one => one.clientWidth <= width)", width)


def test_all_columns_are_in_sight_at_900_pixels(browser, report):
    page = browser.new_page(viewport={"width": 900, "height": 900})
    page.goto(report.as_uri(), wait_until="load")
    table = page.locator(".wide")
    assert "laughs per 10 min" in table.inner_text()
    assert table.evaluate("box => box.scrollWidth <= box.clientWidth")
    page.close()


def test_a_phone_gets_figures_of_its_own_shape(page):
    shapes = page.locator("img").evaluate_all("all => all.map(one => one.naturalWidth / one.naturalHeight)")
    assert len(shapes) == 2
    if page.viewport_size["width"] == 390:
        assert max(shapes) < 1.6
    else:
        assert min(shapes) > 1.6


def test_the_words_stand_out_from_the_page(page):
    light = """element => { const parts = getComputedStyle(element)['color'].match(/[0-9.]+/g).map(Number);
      return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]; }"""
    ink = page.locator("body").evaluate(light)
    paper = page.locator("body").evaluate(light.replace("'color'", "'backgroundColor'"))
    assert abs(ink - paper) > 150
    assert (paper < 60) == (page.viewport_size["width"] == 390)


def test_sentences_unfold_by_keyboard(page):
    details = page.locator("details").first
    assert not details.locator("li").first.is_visible()
    details.locator("summary").focus()
    page.keyboard.press("Enter")
    assert details.locator("li").first.is_visible()


def test_a_curve_shows_its_values_and_plays_where_it_is_clicked(page):
    section = page.locator("section", has=page.get_by_role("heading", name="short", exact=True))
    audio, curve = section.locator("audio"), section.locator(".u-over").first
    curve.scroll_into_view_if_needed()
    half = {"x": curve.bounding_box()["width"] / 2, "y": 40}
    curve.hover(position=half)
    shown = dict(re.findall(r"([a-z]+)\s*([\d.:]+)", section.locator(".u-legend").first.inner_text()))
    minutes, seconds = shown["time"].split(":")
    assert 57 <= 60 * int(minutes) + int(seconds) <= 63
    assert float(shown["angry"]) + float(shown["happy"]) == pytest.approx(1, abs=0.011)
    curve.click(position=half)
    page.wait_for_function("audio => audio.currentTime > 57", arg=audio.element_handle())
    assert audio.evaluate("audio => [audio.paused, audio.currentTime < 70]") == [False, True]


def test_a_sentence_plays_until_its_end_and_a_lost_recording_is_named(page):
    section = page.locator("section", has=page.get_by_role("heading", name="short", exact=True))
    audio = section.locator("audio")
    section.locator("summary").first.click()
    section.locator("button[data-start='15.00']").first.click()
    stopped = "audio => audio.paused && audio.currentTime >= 17 && audio.currentTime < 18"
    page.wait_for_function(stopped, arg=audio.element_handle())
    lost = page.locator("section[data-recording='0']")
    assert lost.locator(".missing").is_hidden()
    lost.locator(".u-over").first.click()
    lost.locator(".missing").wait_for(state="visible")
