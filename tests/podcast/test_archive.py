"""An archive: the same bytes on one machine and on a cluster, resumed, shared, and finished when workers die."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_helpers import paths, scheduler
from ser_helpers.errors import ArchiveError, AudioError, ClusterError, TranscriptError
from ser_helpers.podcast import Show, archive, emotions_over_time, estimate_cost, process, transcripts

RATE = 16000


def make_model(**changes):
    """A small model; its class is made here, so that worker processes get it with the task."""

    class Level:
        classes_ = np.array(["angry", "sad"])

        def __init__(self, kills=None, hates=None, scale=1.0):
            self.kills, self.hates, self.scale = kills, hates, scale

        def predict_proba(self, windows):
            loud = np.abs(windows).mean(axis=1, dtype=float) * self.scale
            if self.hates and loud[0] > self.hates:
                raise ZeroDivisionError("too loud")
            if self.kills and loud[0] > self.kills[1]:
                try:
                    Path(self.kills[0]).touch(exist_ok=False)
                except FileExistsError:
                    pass
                else:
                    os.kill(os.getpid(), signal.SIGKILL)
            return np.stack([np.minimum(loud, 1), 1 - np.minimum(loud, 1)], axis=1)

    return Level(**changes)


def make_dimensions():
    class Loudness:
        def predict(self, voices, texts):
            return np.array([[np.sqrt(np.mean(np.square(y, dtype=float))), len(y) / 7, np.pi] for y in voices])

    return Loudness()


@pytest.fixture
def episodes(tmp_path):
    """Six short episodes, louder and louder, in four formats; every second one has a transcript."""
    rng, paths = np.random.default_rng(0), []
    for number, ending in enumerate(["wav", "flac", "ogg", "mp3", "wav", "flac"]):
        path = tmp_path / f"e{number}.{ending}"
        soundfile.write(path, rng.uniform(-1, 1, 44100 * 7) * (0.1 + 0.15 * number), 44100)
        if number % 2:
            path.with_suffix(".srt").write_text("1\n0:00:01,0 --> 0:00:04,0\nAna: Hello you.\n")
        paths.append(path)
    return paths


def run(episodes, out, model=None, **settings):
    settings = {"dimension_model": make_dimensions(), "vad": False, "jobs": 1, "progress": False} | settings
    return process(episodes, out, model or make_model(), **settings)


def contents(out):
    """Every file of results, and a hash of its bytes."""
    files = sorted(path for path in (out / "episodes").rglob("*") if path.is_file())
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with distributed.LocalCluster(**settings, silence_logs=60) as cluster:
        yield cluster


def test_one_process_joblib_and_dask_give_the_same_bytes(episodes, tmp_path, cluster):
    tables = [
        run(episodes, tmp_path / "one"),
        run(episodes, tmp_path / "two", jobs=2),
        run(episodes, tmp_path / "dask", scheduler=cluster.scheduler_address),
    ]
    for table in tables:
        assert table.index.tolist() == [f"e{number}" for number in range(6)]
        assert set(table.state) == {"done"}
        np.testing.assert_allclose(table.minutes, 7 / 60, atol=1e-3)
    first = contents(tmp_path / "one")
    assert len(first) == 6 * 2 + 3
    assert contents(tmp_path / "two") == first
    assert contents(tmp_path / "dask") == first


def test_a_playlist_is_not_followed_and_one_wild_sample_costs_itself_alone(episodes, tmp_path):
    y = np.random.default_rng(0).normal(0, 0.1, RATE * 7).astype(np.float32)
    y[RATE] = 250
    soundfile.write(tmp_path / "wild.wav", y, RATE, "FLOAT")
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:7\n#EXTINF:7,\n{episodes[3].as_uri()}\n#EXT-X-ENDLIST\n")
    table = run([playlist, tmp_path / "wild.wav"], tmp_path / "out")
    assert table.state.tolist() == ["failed", "done"]
    assert "libsndfile cannot read it as audio" in table.reason["list"]
    assert table.reason["wild"] == "wild.wav: NaN or infinite samples were taken as silence: 1."
    assert table.minutes["wild"] == pytest.approx(7 / 60)


def test_a_cluster_survives_the_death_of_a_worker(episodes, tmp_path, cluster):
    """The worker that analyses the loudest episode kills itself in the middle of it, once."""
    flag = tmp_path / "died"
    model = make_model(kills=(str(flag), 0.215))
    table = run(episodes, tmp_path / "out", model, scheduler=cluster.scheduler_address)
    assert flag.exists()
    assert table.state.isin(["done", "cached"]).all()  # a result that died with its worker is found in its folder
    calm = make_model(kills=(str(flag), 0.215))
    run(episodes, tmp_path / "calm", calm)
    assert contents(tmp_path / "out") == contents(tmp_path / "calm")


@pytest.mark.slow
def test_joblib_survives_the_death_of_a_worker(episodes, tmp_path):
    flag = tmp_path / "died"
    table = run(episodes, tmp_path / "out", make_model(kills=(str(flag), 0.215)), jobs=2)
    assert flag.exists()
    assert table.state.isin(["done", "cached"]).all()
    assert len(Show.load(tmp_path / "out").episodes) == 6


ORPHANS = """
import os, pathlib, sys, time
import joblib
from ser_helpers.scheduler import processes

def work(folder):
    pathlib.Path(folder, str(os.getpid())).touch()
    time.sleep(60)

processes(2)(joblib.delayed(work)(sys.argv[1]) for _ in range(2))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no parent to ask for")
def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    psutil = pytest.importorskip("psutil")
    parent = subprocess.Popen([sys.executable, "-c", ORPHANS, str(tmp_path)])
    end = time.monotonic() + 60
    while len(os.listdir(tmp_path)) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    workers = [psutil.Process(int(name)) for name in os.listdir(tmp_path)]
    parent.kill()
    parent.wait()
    assert len(workers) == 2
    while time.monotonic() < end and any(map(alive, workers)):
        time.sleep(0.05)
    assert not any(map(alive, workers))


def alive(process):
    return process.is_running() and process.status() != "zombie"


def test_an_episode_that_always_kills_its_worker_is_reported(episodes, tmp_path):
    class Deadly:
        classes_ = np.array(["angry", "sad"])

        def predict_proba(self, windows):
            if np.abs(windows).mean() > 0.215:
                os.kill(os.getpid(), signal.SIGKILL)
            return np.array([[0.5, 0.5]])

    table = run(episodes, tmp_path / "out", Deadly(), jobs=2)
    assert table.state.eq("failed").tolist() == [False] * 5 + [True]
    assert table.reason["e5"].startswith("its worker process died several times")


def test_broken_episodes_are_reported_and_the_rest_is_done(episodes, tmp_path, cluster):
    episodes[0].write_bytes(b"")
    episodes[1].unlink()
    soundfile.write(episodes[2], np.zeros(100), 44100)
    episodes[3].write_bytes(b"not sound at all" * 99)
    for name, settings in {"two": {"jobs": 2}, "dask": {"scheduler": cluster.scheduler_address}}.items():
        table = run(episodes, tmp_path / name, make_model(hates=0.215), **settings)
        assert table.state.tolist() == ["failed"] * 4 + ["done", "failed"]
        for reason, sentence in zip(
            table.reason.drop("e4"),
            ["the file is empty", "there is no such file", "it lasts 2.27 ms", "cannot read it as audio", "too loud"],
            strict=True,
        ):
            assert sentence in reason
            assert "\n" not in reason
        assert list(contents(tmp_path / name)) == [f"episodes/e4/{file}" for file in ("episode.json", "timeline.csv")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe_and_an_impossible_rate_are_named_at_once(episodes, tmp_path):
    episodes[0].unlink()
    os.mkfifo(episodes[0])
    soundfile.write(episodes[4], np.zeros(100), 1)
    os.mkfifo(episodes[2].with_suffix(".vtt"))  # is not taken for its transcript
    table = run([episodes[number] for number in (0, 2, 4)], tmp_path / "out")
    assert table.state.tolist() == ["failed", "done", "failed"]
    assert "it is a pipe or device" in table.reason["e0"]
    assert "1 samples per second" in table.reason["e4"]
    with pytest.raises(AudioError, match="its rate is 1 instead of 4000"):
        emotions_over_time(episodes[4], make_model())
    with pytest.raises(TranscriptError, match="it is a pipe or device"):
        transcripts.read(episodes[2].with_suffix(".vtt"))


def test_damage_is_reported_of_a_finished_episode_too(episodes, tmp_path):
    episodes[1].write_bytes(episodes[1].read_bytes()[: episodes[1].stat().st_size // 2])
    for state in ("done", "cached"):
        table = run(episodes[:3], tmp_path / "out")
        assert table.state.tolist() == [state] * 3
        assert table.reason["e1"].startswith("e1.flac is damaged after 3")
        assert table.reason[["e0", "e2"]].tolist() == ["", ""]


def test_it_resumes_where_it_stopped(episodes, tmp_path):
    out = tmp_path / "out"

    class Stops(type(make_model())):
        def predict_proba(self, windows):
            if np.abs(windows).mean() > 0.13:
                raise KeyboardInterrupt
            return super().predict_proba(windows)

    Stops.__qualname__ = type(make_model()).__qualname__
    with pytest.raises(KeyboardInterrupt):
        run(episodes, out, Stops())
    before = contents(out)
    assert 0 < len({name.split("/")[1] for name in before}) < 6
    table = run(episodes, out)
    assert table.state[:3].tolist() == ["cached"] * 3
    assert table.state[3:].tolist() == ["done"] * 3
    assert before.items() <= contents(out).items()
    assert run(episodes, out).state.tolist() == ["cached"] * 6


def test_what_changed_is_analysed_again(episodes, tmp_path):
    out = tmp_path / "out"
    run(episodes, out)
    soundfile.write(episodes[0], np.zeros(RATE * 4), RATE)
    episodes[1].with_suffix(".srt").write_text("1\n0:00:01,0 --> 0:00:02,0\nBen: Oh.\n")
    episodes[2].with_suffix(".srt").write_text("1\n0:00:01,0 --> 0:00:02,0\nBen: Oh.\n")
    assert run(episodes, out).state.tolist() == ["done"] * 3 + ["cached"] * 3
    assert run(episodes, out, make_model(scale=0.5)).state.tolist() == ["done"] * 6
    assert run(episodes, out, make_model(scale=0.5), min_speech=0.1).state.tolist() == ["done"] * 6


def test_a_damaged_result_is_made_again(episodes, tmp_path):
    out = tmp_path / "out"
    run(episodes[:2], out)
    (out / "episodes" / "e0" / "episode.json").write_text("{")
    (out / "episodes" / "e1" / "timeline.csv").write_text("")
    assert run(episodes[:2], out).state.tolist() == ["done", "done"]


def test_what_a_killed_run_left_is_removed(episodes, tmp_path):
    folder = tmp_path / "out" / "episodes"
    for left in (".e0-abcd_123", ".e0-12-abcd1234"):  # the second one is of an episode e0-12, perhaps being written
        (folder / left).mkdir(parents=True)
        (folder / left / "timeline.csv").touch()
    run(episodes[:1], tmp_path / "out")
    assert sorted(os.listdir(folder)) == [".e0-12-abcd1234", "e0"]


@pytest.mark.skipif(sys.platform != "linux", reason="the exchange is Linux's")
def test_an_episode_is_replaced_without_a_moment_in_which_there_is_none(tmp_path, monkeypatch):
    (tmp_path / "e0").mkdir()
    (tmp_path / "e0" / "old").touch()
    monkeypatch.setattr(Path, "rename", None)  # what would need the old one to be gone
    removed = []
    monkeypatch.setattr(paths.shutil, "rmtree", lambda path, **_: removed.append(os.listdir(path)))
    with paths.atomic_folder(tmp_path / "e0") as aside:
        (aside / "new").touch()
    assert os.listdir(tmp_path / "e0") == ["new"]
    assert removed == [["old"]]


def test_two_runs_at_once_share_the_work(episodes, tmp_path):
    """The first run is inside an episode, holding its lock, when the processes of the second one begin."""
    out, inside, go = tmp_path / "out", threading.Event(), threading.Event()

    class Waits(type(make_model())):
        def predict_proba(self, windows):
            inside.set()
            assert go.wait(60)
            return super().predict_proba(windows)

    Waits.__qualname__ = type(make_model()).__qualname__
    tables = {}
    first = threading.Thread(target=lambda: tables.update(first=run(episodes[:1], out, Waits())))
    first.start()
    assert inside.wait(60)
    lock = paths.lock(out / ".locks" / "e0")
    with pytest.raises(TimeoutError):
        lock.acquire(timeout=0)
    second = threading.Thread(target=lambda: tables.update(second=run(episodes[:2], out, jobs=2)))
    second.start()
    go.set()
    first.join()
    second.join()
    assert tables["first"].state.tolist() == ["done"]
    assert tables["second"].state.tolist() == ["cached", "done"]


def test_a_full_disk_stops_it_and_keeps_what_is_finished(episodes, tmp_path, monkeypatch):
    out, save = tmp_path / "out", archive.Episode.save

    def full(self, folder, **about):
        if self.name == "e2":
            raise OSError(28, "No space left on device", str(folder))
        save(self, folder, **about)

    monkeypatch.setattr(archive.Episode, "save", full)
    with pytest.raises(OSError, match="No space left on device"):
        run(episodes, out)
    assert [episode.name for episode in Show.load(out).episodes] == ["e0", "e1"]


def test_a_folder_that_cannot_be_written_is_named_before_the_work(episodes, tmp_path):
    (tmp_path / "file").touch()

    class Never:
        classes_ = np.array(["sad"])

        def predict_proba(self, windows):
            raise AssertionError("worked in vain")

    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        run(episodes, tmp_path / "file", Never())


def test_impossible_orders_get_one_sentence(episodes, tmp_path):
    with pytest.raises(ArchiveError, match="There is no episode to analyse"):
        run([], tmp_path / "out")
    with pytest.raises(ArchiveError, match="Two episodes are called e0: rename one"):
        run([episodes[0], tmp_path / "other" / "e0.mp3"], tmp_path / "out")
    with pytest.raises(ArchiveError, match=r"There is no folder .*nowhere"):
        run(episodes, tmp_path / "out", transcript=tmp_path / "nowhere")
    with pytest.raises(ArchiveError, match=r"There is no file or folder .*nowhere\.srt: give"):
        run(episodes[:1], tmp_path / "out", transcript=tmp_path / "nowhere.srt")


def test_a_cluster_that_is_not_there_gets_one_sentence(episodes, tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(scheduler, "PATIENCE", 1)
    for address in ("nonsense://1", "tcp://127.0.0.1:1"):
        with pytest.raises(ClusterError, match=f"No Dask scheduler answers at {address}: start one"):
            run(episodes, tmp_path / "out", scheduler=address)


def test_a_cluster_without_workers_gets_one_sentence(episodes, tmp_path, cluster, monkeypatch):
    client = pytest.importorskip("distributed").Client
    wait, more_than_there_are = client.wait_for_workers, 99
    monkeypatch.setattr(client, "wait_for_workers", lambda self, n, timeout: wait(self, more_than_there_are, 0.1))
    with pytest.raises(ClusterError, match="has no worker: start some with `dask worker tcp://"):
        run(episodes, tmp_path / "out", scheduler=cluster.scheduler_address)


def test_transcripts_may_lie_elsewhere(episodes, tmp_path):
    (tmp_path / "texts").mkdir()
    text = tmp_path / "texts" / "e0.vtt"
    text.write_text("WEBVTT\n\n00:01.0 --> 00:02.0\n<v Eve>Hi.\n")
    run(episodes[:2], tmp_path / "folder", transcript=tmp_path / "texts")
    run(episodes[:1], tmp_path / "file", transcript=text)
    for out in ("folder", "file"):
        episode = Show.load(tmp_path / out).episodes[0]
        assert episode.sentences.speaker.tolist() == ["Eve"]
    assert Show.load(tmp_path / "folder").episodes[1].sentences is None


def test_the_cost_adds_up():
    cost = estimate_cost(100_000, 90, cores=32, price=1.5, days=1)
    assert cost["core hours"] == 2500
    assert cost["machine hours"] == 78.125
    assert cost["machines"] == 4
    assert cost["price"] == pytest.approx(117.1875)


def test_an_episode_that_lost_rows_is_analysed_again(episodes, tmp_path):
    out = tmp_path / "out"
    run(episodes[:1], out)
    first, table = contents(out), out / "episodes" / "e0" / "timeline.csv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:2]))
    assert run(episodes[:1], out).state["e0"] == "done"
    assert contents(out) == first


def test_an_episode_may_be_called_as_a_file_of_ours(episodes, tmp_path):
    path = episodes[0].rename(tmp_path / "writable.wav")
    assert run([path], tmp_path / "out").state["writable"] == "done"
    assert run([path], tmp_path / "out").state["writable"] == "cached"


@pytest.mark.parametrize("name", [".hidden", "é" * 101, os.fsdecode(b"caf\xe9")])
def test_an_impossible_name_is_refused_before_the_work(episodes, tmp_path, name):
    with pytest.raises(ArchiveError, match=r"An episode cannot be called .* rename it"):
        run([episodes[1], tmp_path / f"{name}.wav"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_single_path_is_refused(episodes, tmp_path):
    with pytest.raises(ArchiveError, match=r"Episodes are a list of paths: put .*e0\.wav into one"):
        run(str(episodes[0]), tmp_path / "out")
