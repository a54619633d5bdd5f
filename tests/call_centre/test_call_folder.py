"""A folder of recorded calls has the alerts of the live monitor; broken calls are named, finished ones used again."""

import numpy as np
import pandas as pd
import pytest
import soundfile
from typer.testing import CliRunner

from ser_helpers import audio, models, synthesis
from ser_helpers.call_centre import AlertRule, CallFolder, CallMonitor, analyse_folder, call_folder, write_calls_page
from ser_helpers.call_centre.alerts import Alert
from ser_helpers.cli import app
from ser_helpers.errors import ArchiveError, StreamError
from ser_helpers.evaluation import bootstrap

SR = 8000
RULE = AlertRule(persistence_s=2.5, baseline_s=0)
LIST = "file,agent,queue,start\nloud.wav,Ana,billing,2026-11-22 14:05\nsub/calm.wav,Ben,,2026-11-22T09:59+01:00\n"


class Loud:
    """The louder, the angrier."""

    classes_ = np.array(["angry", "neutral"])

    def predict_proba(self, windows):
        angry = np.clip(20 * np.sqrt(np.mean(np.square(windows), axis=1, dtype=float)), 0, 1)
        return np.stack([angry, 1 - angry], axis=1)


@pytest.fixture(scope="module")
def voice():
    return 0.1 * audio.normalise(audio.resample(synthesis.say(2, 74, "neutral")[0], 16000, SR))


@pytest.fixture
def folder(voice, tmp_path):
    """Two calls, in one of which the customer (right) shouts, and two files that are none."""
    y = np.random.default_rng(0).normal(0, 0.001, (12 * SR, 2)).astype(np.float32)
    for second in (0, 4, 8):
        y[second * SR : second * SR + len(voice), 1] += voice
    folder = tmp_path / "calls"
    (folder / "sub").mkdir(parents=True)
    soundfile.write(folder / "sub" / "calm.wav", y, SR, subtype="FLOAT")
    soundfile.write(folder / "loud.wav", y * [1, 6], SR, subtype="FLOAT")
    (folder / "broken.wav").write_bytes(b"RIFF")
    (folder / "readme.txt").touch()
    return folder


def analysed(folder, **settings):
    return analyse_folder(folder, folder.parent / "out", Loud(), RULE, jobs=1, progress=False, **settings)


def live(path):
    """The alerts, and the levels of the customer's windows, of a call that comes in chunks of 0.3 s."""
    y, sr = soundfile.read(path, dtype="float32")
    monitor = CallMonitor(Loud(), RULE, sr=sr)
    events = [event for chunk in np.split(y, range(2400, len(y), 2400)) for event in monitor.feed(chunk)]
    events += monitor.finish()
    alerts = [event for event in events if isinstance(event, Alert)]
    return alerts, [event.level for event in events if event not in alerts and event.party == "customer"]


def test_recorded_calls_have_the_alerts_and_levels_of_live_ones(folder):
    found, alerts = analysed(folder), {}
    for file, call in found.calls.items():
        alerts[file], levels = live(folder / file)
        assert [Alert(**alert) for alert in call["alerts"]] == alerts[file]
        np.testing.assert_allclose(np.array(call["windows"]["level"], float), levels, atol=5e-5)
    assert {file: len(found) for file, found in alerts.items()} == {"loud.wav": 1, "sub/calm.wav": 0}
    assert found.table["frustrated"].to_dict() == {"loud.wav": True, "sub/calm.wav": False}
    assert found.table["first"]["loud.wav"] == alerts["loud.wav"][0].time
    assert found.table["speech"].between(0.03, 0.2).all()


def test_the_list_says_agent_queue_and_hour_and_damaged_calls_are_named(folder):
    unlisted = analysed(folder)
    assert not unlisted.listed
    assert unlisted.table[["agent", "queue", "start", "hour"]].isna().all(axis=None)
    assert list(unlisted.failed) == ["broken.wav"]
    assert "libsndfile cannot read it as audio" in unlisted.failed["broken.wav"]
    (folder / "calls.csv").write_text(LIST + "gone.wav,Ana,billing,\n")
    found = analysed(folder)
    assert found.listed
    assert found.table["hour"].tolist() == ["14:00", "09:00"]
    assert found.table.loc["sub/calm.wav", ["agent", "queue"]].tolist() == ["Ben", None]
    assert "there is no such file" in found.failed["gone.wav"]
    assert found.shares("hour")["frustrated"].to_dict() == {"09:00": 0, "14:00": 1}
    assert found.shares("queue").index.tolist() == ["billing"]


def test_a_second_run_analyses_only_what_changed(folder, monkeypatch):
    seen, analyse = [], call_folder.analyse
    monkeypatch.setattr(call_folder, "analyse", lambda *settings: seen.append(settings) or analyse(*settings))
    first = analysed(folder)
    assert len(seen) == 2
    again = analysed(folder)
    pd.testing.assert_frame_equal(first.table, again.table)
    assert len(seen) == 2
    (folder / "sub" / "calm.wav").rename(folder / "renamed.wav")
    soundfile.write(folder / "loud.wav", np.zeros((SR, 2)), SR)
    assert analysed(folder).table["frustrated"].to_dict() == {"loud.wav": False, "renamed.wav": False}
    assert len(seen) == 3
    assert analysed(folder, customer="left").table["alerts"].sum() == 0
    assert len(seen) == 5


def test_the_customer_may_be_on_the_left(folder):
    y, sr = soundfile.read(folder / "loud.wav", dtype="float32")
    soundfile.write(folder / "loud.wav", y[:, ::-1], sr, subtype="FLOAT")
    assert not analysed(folder).table["frustrated"].any()
    assert analysed(folder, customer="left").table["frustrated"]["loud.wav"]


def test_voices_that_share_a_channel_are_told_apart_and_that_is_said(folder):
    y, sr = soundfile.read(folder / "sub" / "calm.wav", dtype="float32")
    for name, channels in (("loud.wav", 1), ("sub/calm.wav", 2)):  # the second has one voice on both
        soundfile.write(folder / name, np.repeat(y[: 6 * sr, 1:], channels, axis=1), sr)
    found = analysed(folder, customer="left")
    assert [call["notes"] for call in found.calls.values()] == [[call_folder.ONE_CHANNEL]] * 2


def test_a_damaged_end_leaves_the_call_out(folder):
    y, sr = soundfile.read(folder / "loud.wav", dtype="float32")
    soundfile.write(folder / "half.flac", y, sr)
    (folder / "half.flac").write_bytes((folder / "half.flac").read_bytes()[:40_000])
    assert "half.flac: it is damaged" in analysed(folder).failed["half.flac"]


def shares(frustrated):
    table = pd.DataFrame({"frustrated": frustrated, "agent": "Ana"})
    return CallFolder("calls", table, {}, {}, True, RULE, "Loud", None).shares("agent").loc["Ana"]


def test_the_interval_is_that_of_resampled_calls():
    frustrated = np.arange(40) < 9
    row = shares(frustrated)
    _, weights = bootstrap.draw(np.arange(40), n=20_000)
    low, high = bootstrap.interval(weights @ frustrated / 40)
    assert (row.calls, row.frustrated, row.share) == (40, 9, 9 / 40)
    assert row.low == pytest.approx(low, abs=0.026)  # a call
    assert row.high == pytest.approx(high, abs=0.026)


def test_no_frustrated_call_among_a_few_does_not_make_the_share_certain():
    assert shares(np.zeros(7, bool)).high == pytest.approx(1 - 0.025 ** (1 / 7))
    assert shares(np.ones(7, bool)).low == pytest.approx(0.025 ** (1 / 7))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("agent\nAna\n", "has no column 'file': write a row per call with the columns file, agent, queue, start"),
        (LIST + "loud.wav,,,\n", "lists loud.wav twice"),
        (LIST.replace("2026-11-22 14:05", "14:05"), "gives '14:05' as the start of loud.wav: write it like"),
        ("", "Cannot read .*calls.csv"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused_before_the_work(folder, content, problem):
    (folder / "calls.csv").write_text(content)
    with pytest.raises(ArchiveError, match=problem):
        analysed(folder)
    assert not (folder.parent / "out").exists()


def test_what_cannot_work_is_refused(folder, tmp_path):
    with pytest.raises(ArchiveError, match="There is no folder"):
        analysed(tmp_path / "lost")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArchiveError, match="There is no recording in"):
        analysed(tmp_path / "empty")
    with pytest.raises(StreamError, match="the model knows only angry, neutral"):
        analyse_folder(folder, tmp_path / "out", Loud(), AlertRule("sad"), jobs=1)
    with pytest.raises(ArchiveError, match="'left' or 'right', not 'both'"):
        analysed(folder, customer="both")


def test_the_command_writes_a_report_and_goes_on_with_the_broken_ones(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "window_model", lambda name, band: {("best", "phone"): Loud()}[name, band])
    (folder / "calls.csv").write_text(LIST)
    command = ["calls", str(folder), "--out", str(tmp_path / "out"), "--jobs", "1", "--title", "Monday"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1, done.output
    assert done.stderr.startswith("Not analysed: broken.wav. Cannot use broken.wav: libsndfile cannot read it")
    assert done.stdout.startswith("The report is at ")
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    for word in ("<h1>Monday</h1>", "of 2 calls", "<h2>By agent</h2>", "<b>broken.wav</b>"):
        assert word in text
    (folder / "loud.wav").unlink()
    (folder / "sub" / "calm.wav").unlink()
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == "Error: No call could be analysed: there is nothing to report."


def test_a_folder_without_calls_has_no_page(tmp_path):
    table = pd.DataFrame(columns=["frustrated"])
    with pytest.raises(ArchiveError, match="No call could be analysed"):
        write_calls_page(CallFolder("calls", table, {}, {}, True, RULE, "Loud", None), tmp_path / "report.html")
