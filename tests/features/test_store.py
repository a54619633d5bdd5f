import contextlib
import multiprocessing
import sqlite3

import numpy as np
import pytest

from ser_helpers.features.store import Store


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "store.sqlite"


def warned_once(caught, words=""):
    messages = [str(warning.message) for warning in caught]
    return len(messages) == 1 and messages[0].startswith("Going on without the cache") and words in messages[0]


@pytest.mark.parametrize(
    "array", [np.arange(3.0), np.ones((5, 2), np.float32), np.zeros((0, 4)), np.array([np.nan, -0.0])]
)
def test_what_is_put_comes_back_the_same(path, array):
    with Store(path) as store:
        store.put("key", array)
        assert store.get("key") is array
    with Store(path) as store:
        found = store.get("key")
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)
        assert store.get("other") is None


def test_what_is_put_is_written_even_when_the_work_is_interrupted(path):
    def work():
        with Store(path) as store:
            store.put("key", np.ones(1))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    with Store(path) as store:
        assert store.get("key") == 1


def test_what_is_put_is_written_within_a_second(path, monkeypatch):
    clock = iter([0.0, 0.5, 1.5, 1.5, 2.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    with Store(path) as store:
        store.put("first", np.ones(1))
        store.put("second", np.ones(1))
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            assert database.execute("SELECT count(*) FROM arrays").fetchone() == (2,)


def fill(path, worker):
    with Store(path) as store:
        for item in range(50):
            store.put(f"{worker}-{item}", np.full(100, worker))


def test_processes_share_a_store(path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=fill, args=(path, worker)) for worker in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    with Store(path) as store:
        for worker in range(2):
            for item in range(50):
                assert (store.get(f"{worker}-{item}") == worker).all()


def test_without_a_path_it_holds_nothing(recwarn):
    with Store(None) as store:
        assert store.get("key") is None
        store.put("key", np.ones(1))
    assert not recwarn


def test_a_damaged_file_is_reported_once(path, recwarn):
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    with Store(path) as store:
        store.put("key", np.ones(1))
        assert store.get("other") is None
    assert warned_once(recwarn)


@pytest.mark.parametrize("length", [0, 5, 200])
def test_a_damaged_array_is_reported_once(path, recwarn, length):
    with Store(path) as store:
        store.put("key", np.ones(100))
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE arrays SET array = substr(array, 1, ?)", (length,))
    with Store(path) as store:
        assert store.get("key") is None
        assert store.get("key") is None
    assert warned_once(recwarn)


def test_a_folder_that_cannot_be_made_is_reported_once(path, recwarn):
    path.parent.write_text("a file where the folder should be")
    with Store(path) as store:
        store.put("key", np.ones(1))
        assert store.get("other") is None
    assert warned_once(recwarn)


def test_a_full_disk_is_reported_once(path, monkeypatch, recwarn):
    connect = sqlite3.connect

    def small(*args, **options):
        database = connect(*args, **options)
        database.execute("PRAGMA max_page_count = 4")
        return database

    monkeypatch.setattr(sqlite3, "connect", small)
    with Store(path) as store:
        store.put("key", np.ones(100_000))
    assert warned_once(recwarn, "full")
    monkeypatch.undo()
    with Store(path) as store:
        assert store.get("key") is None
    assert len(recwarn) == 1


def test_a_read_only_file_still_serves_what_it_holds(path, monkeypatch, recwarn):
    with Store(path) as store:
        store.put("old", np.ones(1))
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda path, **options: connect(f"file:{path}?mode=ro", uri=True, **options)
    )
    with Store(path) as store:
        assert store.get("old") == 1
        store.put("new", np.ones(1))
    assert warned_once(recwarn, "readonly")
