"""The report on a folder of calls in a real browser: it fits, complains of nothing, and plays where it is clicked."""

import numpy as np
import pandas as pd
import pytest
import soundfile

from ser_helpers.call_centre import AlertRule, CallFolder, write_calls_page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    home, ends = tmp_path_factory.mktemp("calls"), 3.0 + np.arange(58)
    soundfile.write(home / "first.wav", np.random.default_rng(0).normal(0, 0.01, (60 * 8000, 2)), 8000)
    level = [None if k % 10 == 9 else level for k, level in enumerate(np.abs(np.sin(ends / 9)))]
    windows = {"start": list(ends - 3), "end": list(ends), "speech": [1.0] * 58, "level": level}
    alert = {"time": 30.0, "start": 20.0, "explanation": "The customer has sounded angry for 5 s."}
    long = "a-call-with-a-name-that-is-longer-than-any-telephone-is-wide-" * 2
    calls = {
        "first.wav": {"alerts": [alert], "recording": "../first.wav"},
        f"{long}.wav": {"alerts": [], "recording": "../gone.wav"},
    }
    calls = {file: {"seconds": 60.0, "notes": [], "windows": windows, **call} for file, call in calls.items()}
    table = pd.DataFrame({"agent": ["Ana", long], "queue": "billing", "start": "2026-11-22 09:00", "hour": "09:00"})
    table = table.assign(minutes=1.0, speech=0.5, alerts=[1, 0], first=[30.0, np.nan], frustrated=[True, False])
    table.index = pd.Index(calls, name="file")
    found = CallFolder("Monday", table, calls, {}, True, AlertRule(), "linear", None)
    return write_calls_page(found, home / "out" / "report.html")


@pytest.fixture
def page(report_page):
    return report_page


def test_it_fits_and_nothing_is_fetched_or_complains(page):
    assert [url for url in page.asked if not url.startswith(("file:", "data:"))] == []
    assert page.said == []
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    assert page.locator(".u-over").count() == 2


def test_alerts_and_curves_play_the_call(page):
    section = page.locator("section[data-recording='0']")
    audio = section.locator("audio")
    section.locator("button[data-start='20.00']").click()
    page.wait_for_function("audio => audio.currentTime > 20", arg=audio.element_handle())
    assert audio.evaluate("audio => [audio.paused, audio.currentTime < 28]") == [False, True]
    curve = section.locator(".u-over")
    curve.scroll_into_view_if_needed()
    at = {"x": curve.bounding_box()["width"] * 0.8, "y": 40}
    curve.hover(position=at)
    shown = section.locator(".u-legend").inner_text()
    assert "0:48" in shown or "0:49" in shown
    assert "0.50" in shown  # the threshold
    curve.click(position=at)
    page.wait_for_function("audio => audio.currentTime > 46", arg=audio.element_handle())
