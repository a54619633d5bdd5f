"""The report on a folder of calls: complete, escaped, and claiming no more than the model's score carries."""

import html
import json
import re

import numpy as np
import pandas as pd
import pytest

from ser_helpers.call_centre import AlertRule, CallFolder, calls_page, write_calls_page
from ser_helpers.models import ModelCard

HOSTILE = '$5 {title} <script>alert(1)</script> "onerror="alert(1) Über'
CARD = {
    "estimator": "LogisticRegression",
    "features": "quick",
    "target": "emotion",
    "labels": ("angry", "sad"),
    "corpora": ("ravdess",),
    "speakers": ("ravdess-01", "ravdess-02"),
    "examples": 100,
    "seconds": 3.0,
    "protocol": "2 folds, no speaker in both",
    "metric": "uar",
    "score": 0.84,
    "low": 0.78,
    "high": 0.9,
    "chance": 0.5,
    "gaps": (),
    "licences": {"ravdess": "CC BY-NC-SA 4.0"},
    "synthetic": False,
    "date": "2026-11-21",
}


def call(alerts):
    told = "The customer has sounded angry for 5 s of speech since 0:01 (level 0.60; the rule asks for 0.50 over 5 s)."
    alert = {"time": 6.0, "party": "customer", "emotion": "angry", "start": 1.0, "speech": 5.0, "level": 0.6}
    windows = {"start": [0, 1, 2], "end": [3, 4, 5], "speech": [1, 0.5, 0], "level": [0.7, 0.25, None]}
    return {
        "seconds": 12.0,
        "notes": [],
        "recording": "../calls/a.wav",
        "windows": windows,
        "alerts": [alert | {"explanation": told}] * alerts,
    }


def folder(alerts, agents, hours=None, listed=True, card=None):
    """A `CallFolder` with so many alerts in each call."""
    files = [f"call-{k:03d}.wav" for k in range(len(alerts))]
    about = {"agent": agents, "queue": None, "start": None, "hour": hours}
    table = pd.DataFrame(about, index=pd.Index(files, name="file")).astype(object)
    table = table.assign(minutes=0.2, speech=0.1, alerts=alerts, first=np.where(alerts, 6.0, np.nan))
    table["frustrated"] = table["alerts"] > 0
    calls = {file: call(count) for file, count in zip(files, alerts, strict=True)}
    failed = {"bad.wav": "Cannot use bad.wav: the file is empty."}
    return CallFolder("Monday", table, calls, failed, listed, AlertRule(), "Loud", card)


@pytest.fixture
def twelve():
    return folder([1, 0, 2, 0] * 3, ["Ana"] * 10 + ["Ben"] * 2, ["09:00", "14:00"] * 6)


def write(found, tmp_path, **words):
    return write_calls_page(found, tmp_path / "report.html", **words).read_text(encoding="utf-8")


def test_the_page_has_shares_groups_calls_and_what_is_missing(twelve, tmp_path):
    text = write(twelve, tmp_path, subtitle="synthetic speech")
    for expected in (
        "<h1>Monday</h1><p>synthetic speech · 12 calls · 2 minutes</p>",
        "6 of 12 calls, or 50 %, are frustrated (95 % interval 25 % to 75 %).",
        "the customer sounds angry at a level of 0.5 or more for 5 s of speech",
        "Intervals from fewer than 10 calls are rough",
        "<td>Ana</td>\n      <td>10</td>\n      <td>5</td>\n      <td>50 %</td>\n      <td>20 % to 80 %</td>",
        "<b>bad.wav</b>: Cannot use bad.wav: the file is empty.",
        "does not say how well they work",
    ):
        assert expected in text
    assert re.findall(r"<h2>(.*?)</h2>", text)[1:4] == ["By agent", "By hour", "Not analysed"]  # no queue is known
    assert re.findall(r"<h2>(call.*?)</h2>", text)[:2] == ["call-000.wav", "call-002.wav"]  # those with alerts first
    assert text.count('data-start="1.00"') == 9
    addresses = re.findall(r'(?:src|href)="(.*?)"', re.sub("<script.*?</script>", "", text, flags=re.S))
    assert {one for one in addresses if not one.startswith("data:")} == {
        "./../calls/a.wav",
        "report.csv",
        "report.json",
    }


def test_the_title_claims_no_more_than_the_card(twelve, tmp_path):
    text = write(twelve, tmp_path)
    assert "<h2>Frustrated calls: uncertain</h2>" in text
    assert "Uncertain: the model&#x27;s score on real voices is unknown." in text
    twelve.card = ModelCard.from_dict(CARD).to_dict()
    text = write(twelve, tmp_path)
    assert "<h2>Frustrated calls</h2>" in text
    assert "ncertain" not in re.sub("<script.*?</script>", "", text, flags=re.S)
    assert "ravdess: CC BY-NC-SA 4.0" in text


def test_without_a_list_the_page_says_why_there_are_no_agents(tmp_path):
    text = write(folder([1] * 10, None, listed=False), tmp_path)
    assert "There is no calls.csv beside the recordings, so agents and hours are unknown. The times of files" in text
    assert "By agent" not in text
    assert "are rough" not in text


def test_the_numbers_are_beside_the_page(twelve, tmp_path):
    twelve.table.loc["call-001.wav", "agent"] = "=HYPERLINK(1)"
    write(twelve, tmp_path)
    table = pd.read_csv(tmp_path / "report.csv", index_col="file")
    assert table["agent"]["call-001.wav"] == "'=HYPERLINK(1)"
    assert table["frustrated"].tolist() == twelve.table["frustrated"].tolist()
    stored = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert stored["shares"]["hour"]["09:00"]["share"] == 1
    assert stored["calls"][2]["alerts"] == twelve.calls["call-002.wav"]["alerts"]
    assert stored["rule"]["threshold"] == 0.5


def test_many_calls_and_agents_leave_the_page_light(tmp_path):
    found = folder([0] * 149 + [1], [f"agent {k % 50}" for k in range(150)])
    text = write(found, tmp_path)
    assert text.count("<audio") == calls_page.MOST_CALLS
    assert "<h2>call-149.wav</h2>" in text
    assert "Below are 100 calls, those with alerts first; the others are in the files beside this page." in text
    fig = calls_page.draw_shares(found.shares("agent"))
    assert len(fig.axes[0].get_yticks()) == calls_page.MOST_ROWS
    assert len(pd.read_csv(tmp_path / "report.csv")) == 150


def test_names_are_escaped(twelve, tmp_path):
    twelve.table["agent"] = twelve.name = twelve.model = HOSTILE
    twelve.failed = {HOSTILE: HOSTILE}
    twelve.table.index = [f"{HOSTILE}-{k}" for k in range(12)]
    twelve.calls = dict(zip(twelve.table.index, twelve.calls.values(), strict=True))
    twelve.table = twelve.table.rename_axis("file")
    for one in twelve.calls.values():
        one["recording"] = f"{HOSTILE}.wav"
    text = write(twelve, tmp_path, title=HOSTILE, subtitle=HOSTILE)
    assert text.count("<script") == text.count("</script") == 2
    assert html.escape(HOSTILE) in text
    assert not re.search(r"<[^<>]*\sonerror=", re.sub("<script.*?</script>", "", text, flags=re.S))
