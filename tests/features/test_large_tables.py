"""Tables of features on disk, and on a cluster whose workers die: the bytes of one machine."""

import itertools
import os
import signal
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from ser_helpers import audio, features
from ser_helpers.errors import ClusterError

UTTERANCES, DIMS = 300, 2000


def make_embedder(**changes):
    """A cheap embedder of 2000 numbers; its class is made here, so that worker processes get it with the task."""

    class Spectrum:
        label, parameters, sample_rate, batch_seconds = "spectrum", {}, 16000, 1.0
        columns = [f"level{number}" for number in range(DIMS)]  # noqa: RUF012
        version, kills, limit, computed = "1", None, None, 0

        def __init__(self, **changes):
            vars(self).update(changes)

        def compute(self, waveforms):
            self.computed += len(waveforms)
            if self.limit and self.computed > self.limit:
                raise KeyboardInterrupt
            if self.kills and any(len(y) == self.kills[1] for y in waveforms):
                flag = Path(self.kills[0])
                if not flag.exists():
                    flag.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
            return [np.abs(np.fft.rfft(y, 2 * DIMS)[1:]).astype(np.float32) for y in waveforms]

        def select(self, cached):
            return cached

    return Spectrum(**changes)


@pytest.fixture
def table(tmp_path, monkeypatch):
    """300 utterances of 25 to 62 ms, all of them parts of one recording; the cache is empty."""
    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "noise.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).normal(size=16000 * 4), 16000)
    starts = np.arange(UTTERANCES) / 100
    ends = starts + (400 + 2 * np.arange(UTTERANCES)) / 16000
    index = pd.Index([f"toy/{row}" for row in range(UTTERANCES)], name="utterance")
    return pd.DataFrame({"path": str(path), "start": starts, "end": ends}, index)


def tables(cache):
    return sorted((cache / "features" / "tables").glob("*.npy"))


def extract(table, embedder=None, **options):
    return features.extract(table, embedder or make_embedder(), jobs=1, progress=False, **{"on_disk": True, **options})


@pytest.fixture
def cluster():
    distributed = pytest.importorskip("distributed")
    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with distributed.LocalCluster(**settings, silence_logs=60) as cluster:
        yield cluster


def test_a_cluster_whose_worker_dies_gives_the_bytes_of_one_machine(table, cluster, tmp_path, monkeypatch):
    flag = tmp_path / "died"
    X = extract(table, make_embedder(kills=(str(flag), 700)), scheduler=cluster.scheduler_address)
    assert flag.exists()
    assert not any(np.isnan(row).any() for row in X)
    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path / "other"))
    extract(table)
    (one,), (other,) = tables(tmp_path / "cache"), tables(tmp_path / "other")
    assert one.name == other.name
    assert one.read_bytes() == other.read_bytes()


def test_of_recordings_that_share_a_task_only_the_one_that_kills_workers_is_lost(table, monkeypatch):
    """The cluster is played: a task dies if it has a recording of 700 samples."""

    def on_cluster(work, tasks, address, died):
        for rows, clips, changes in tasks:
            deadly = any(round((end - start) * 16000) == 700 for _, start, end in clips)
            yield died((rows, clips, changes)) if deadly else work((rows, clips, changes))

    monkeypatch.setattr("ser_helpers.features.extraction.on_cluster", on_cluster)
    with pytest.warns(UserWarning, match="1 of 300 recordings cannot be used") as caught:
        X = extract(table, scheduler="tcp://", on_disk=False)
    assert "noise.wav: its worker process died several times" in str(caught[0].message)
    assert X.index[X.isna().any(axis=1)].tolist() == ["toy/150"]


def test_a_worker_that_would_compute_other_numbers_is_refused(table, monkeypatch):
    embedder = make_embedder()

    def on_cluster(work, tasks, address, died):
        embedder.version = "2"
        return map(work, tasks)

    monkeypatch.setattr("ser_helpers.features.extraction.on_cluster", on_cluster)
    with pytest.raises(ClusterError, match="install the same versions"):
        extract(table, embedder, scheduler="tcp://")


def test_rows_on_disk_are_those_in_memory(table):
    X, expected = extract(table), extract(table, on_disk=False)
    assert X.index.equals(expected.index)
    assert X.attrs == expected.attrs == {"kind": "spectrum", "parameters": {}}
    np.testing.assert_array_equal(np.stack(list(X)), expected.to_numpy(np.float32))
    assert not X.iloc[0].flags.owndata
    assert not X.iloc[0].flags.writeable


def test_a_complete_file_is_found_again_and_a_damaged_one_made_again(table, tmp_path):
    expected = np.stack(list(extract(table)))
    (file,) = tables(tmp_path / "cache")
    content, modified = file.read_bytes(), file.stat().st_mtime_ns
    never = make_embedder(limit=1)
    np.testing.assert_array_equal(np.stack(list(extract(table, never))), expected)
    assert file.stat().st_mtime_ns == modified
    file.write_bytes(content[:-1])
    np.testing.assert_array_equal(np.stack(list(extract(table, never))), expected)
    assert file.read_bytes() == content
    extract(table[::2], never)
    assert len(tables(tmp_path / "cache")) == 2


def test_what_was_computed_before_a_crash_is_not_computed_again(table, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        extract(table, make_embedder(limit=200))
    assert list((tmp_path / "cache" / "features" / "tables").glob("*npy*")) == list(
        (tmp_path / "cache" / "features" / "tables").glob("*.lock")
    )
    again = make_embedder()
    extract(table, again)
    assert 0 < again.computed < UTTERANCES


def test_an_unusable_recording_has_an_empty_row_and_is_tried_again(table, tmp_path):
    (tmp_path / "later.wav").write_text("no audio")
    table.loc["toy/3", ["path", "start", "end"]] = [str(tmp_path / "later.wav"), np.nan, np.nan]
    for _ in range(2):
        with pytest.warns(UserWarning, match="1 of 300 recordings cannot be used"):
            X = extract(table)
        assert X.index[[np.isnan(row).all() for row in X]].tolist() == ["toy/3"]
    soundfile.write(tmp_path / "later.wav", np.ones(800) / 2, 16000)
    assert not any(np.isnan(row).any() for row in extract(table))


def test_memory_holds_some_rows_however_many_there_are(table, monkeypatch):
    """300 rows of 2000 numbers: 4.8 MB as a table in memory, less than half of it while a file is written."""
    monkeypatch.setattr("ser_helpers.cache.time.monotonic", itertools.count(step=2).__next__)  # write every row at once
    extract(table[:2])
    peaks = {}
    for on_disk in (True, False):
        tracemalloc.start()
        extract(table, on_disk=on_disk)
        peaks[on_disk] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peaks[True] < 2.4e6 < 4.8e6 < peaks[False]


def test_an_empty_table_is_an_empty_file(table):
    assert len(extract(table[:0])) == 0


@pytest.mark.parametrize("options", [{"cache": False}, {"augment": audio.Noise}])
def test_what_is_never_cached_cannot_be_on_disk(table, options):
    class Louder(audio.Noise):
        pass

    options = {name: Louder() if name == "augment" else value for name, value in options.items()}
    with pytest.raises(ValueError, match="on_disk=True keeps the table in the cache"):
        extract(table, **options)


def test_sequences_cannot_be_on_disk(table):
    with pytest.raises(ValueError, match="'logmel' is a sequence"):
        extract(table, "logmel")
