"""What is made once is read, made when missing or damaged; keys follow the code; the store never stands in the way."""

import contextlib
import multiprocessing
import os
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ser_helpers import cache as cache_module
from ser_helpers.cache import Store, cached, content_hash, hash_of, imported_modules, version
from ser_helpers.errors import ArchiveError, CacheError, WeightsMissing


def read(path):
    return int(path.read_text())


def count_and_make(path):
    with open(path.parent / "made", "a") as made:
        made.write("x")
    path.write_text("42")


@pytest.mark.parametrize("damage", [None, b"", b"\xff\x00", b"4x"])
def test_what_is_missing_or_damaged_is_made_once_and_replaced(damage, tmp_path):
    path = tmp_path / "checkpoints" / "answer"
    if damage is not None:
        path.parent.mkdir()
        path.write_bytes(damage)
    assert [cached(path, count_and_make, read) for _ in range(3)] == [42] * 3
    assert (path.parent / "made").read_text() == "x"
    assert path.read_text() == "42"


def test_what_is_there_is_only_read(tmp_path):
    (tmp_path / "answer").write_text("7")
    assert cached(tmp_path / "answer", None, read) == 7
    assert os.listdir(tmp_path) == ["answer"]


def test_a_folder_with_a_part_missing_is_made_again(tmp_path):
    (tmp_path / "both").mkdir()
    (tmp_path / "both" / "old").touch()

    def make(folder):
        (folder / "part").write_text("1")

    assert cached(tmp_path / "both", make, lambda folder: read(folder / "part"), folder=True) == 1
    assert os.listdir(tmp_path / "both") == ["part"]


def test_who_asks_at_the_same_time_has_it_mended_once(tmp_path):
    path = tmp_path / "answer"
    path.write_text("garbage")
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: cached(path, count_and_make, read), range(4))) == [42] * 4
    assert (tmp_path / "made").read_text() == "x"


def test_no_room_is_one_sentence_and_other_errors_stay_what_they_are(tmp_path):
    def full(path):
        raise OSError(28, os.strerror(28))

    def without_weights(path):
        raise WeightsMissing("run: ser download it")

    with pytest.raises(CacheError, match=r"No space left on device\): make room there or set SER_CACHE_HOME"):
        cached(tmp_path / "answer", full, read)
    with pytest.raises(WeightsMissing, match="ser download it"):
        cached(tmp_path / "answer", without_weights, read)
    with pytest.raises(ValueError, match="invalid literal"):
        cached(tmp_path / "answer", lambda path: path.write_text("x"), read)


@pytest.fixture
def fits(tmp_path, monkeypatch):
    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path))
    return tmp_path / "checkpoints"


@pytest.mark.parametrize("keep", [0, 100, -100])
def test_a_damaged_speaker_stand_in_is_learnt_again(keep, fits, monkeypatch):
    from ser_helpers.pretrained import speaker  # not above: the processes of this test file must start quickly

    learnt = speaker.StandIn(np.arange(50.0), np.ones((50, 23)))
    monkeypatch.setattr(speaker.StandIn, "fit", lambda: learnt)
    speaker.StandIn.load()
    (path,) = fits.glob("speakers-*.npz")
    whole = path.read_bytes()
    path.write_bytes(whole[:keep])
    np.testing.assert_array_equal(speaker.StandIn.load().axes, learnt.axes)
    assert len(path.read_bytes()) == len(whole)


@pytest.mark.parametrize("keep", [0, 100, -100])
def test_a_damaged_laughter_stand_in_is_trained_again(keep, fits, monkeypatch):
    from ser_helpers.pretrained import laughter

    networks = [laughter.LaughterNetwork((2, 2, 2, 2), bands=32) for _ in range(2)]
    monkeypatch.setattr(laughter, "SHIPPED", None)
    monkeypatch.setattr(laughter, "_embedded_examples", lambda: ())
    monkeypatch.setattr(laughter, "train", networks.pop)
    laughter.stand_in()
    (path,) = fits.glob("laughter-*.pt")
    path.write_bytes(path.read_bytes()[:keep])
    again = laughter.stand_in().state_dict()
    assert networks == []
    for name, value in laughter.stand_in().state_dict().items():
        assert value.equal(again[name])


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


def test_a_version_follows_imports_at_any_depth_and_through_the_lazy_packages():
    found = imported_modules("ser_helpers.models.ready_models")
    assert {"ser_helpers.features.quick95", "ser_helpers.synthesis.vocoder", "ser_helpers.audio.signal"} <= found
    assert "ser_helpers.audio.denoise" not in found
    assert not [name for name in found if name.startswith(("ser_helpers.course", "ser_helpers.evaluation"))]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of what a version of ``synthesis.acted`` depends on, to change."""
    monkeypatch.setattr(cache_module, "_ROOT", tmp_path)
    folder = tmp_path / "synthesis"
    shutil.copytree(Path(cache_module.__file__).parent / "synthesis", folder)
    for file in ("cache", "errors", "paths"):
        (tmp_path / f"{file}.py").touch()
    forget()
    yield folder
    monkeypatch.undo()
    forget()


def forget():
    for function in (cache_module._code_version, cache_module._parsed, cache_module._file, cache_module._exports):
        function.cache_clear()


def changed(path, old, new):
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    forget()


def test_code_and_data_change_a_version_and_prose_does_not(package):
    versions = [version("ser_helpers.synthesis.acted", 0), version("ser_helpers.synthesis.acted", 1)]
    changed(package / "vocoder.py", b"import numpy as np", b"import numpy as np  # for speed")
    changed(package / "vocoder.py", b'"""The vocoder', b'"""Prose, the vocoder')
    assert version("ser_helpers.synthesis.acted", 0) == versions[0]
    changed(package / "vocoder.py", b"import numpy as np", b"import numpy as np, os")
    versions.append(version("ser_helpers.synthesis.acted", 0))
    with open(package / "frames.npz", "ab") as file:
        file.write(b"x")
    forget()
    versions.append(version("ser_helpers.synthesis.acted", 0))
    changed(package / "german.py", b"import numpy as np", b"import numpy as np, os")
    assert version("ser_helpers.synthesis.acted", 0) == versions[-1]
    assert len(set(versions)) == 4
    assert version(1, libraries=["numpy"]) != version(1, libraries=["scipy"])


class Tool:
    def __init__(self, weights):
        self.weights = weights


def test_another_model_or_setting_has_another_hash(tmp_path):
    path = tmp_path / "best.pth.tar"
    tools = [Tool(1.0), Tool(1.0), Tool(2.0), Tool(path), Tool(path)]
    hashes = []
    for tool in tools:
        path.write_text(str(len(hashes)))
        hashes.append(hash_of({"model": tool, "laughter": None}, {}))
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 4
    assert hash_of({"model": tools[0], "laughter": None}, {"weight": 0.5}) not in hashes
    with pytest.raises(ArchiveError, match="define its functions in a module"):
        hash_of({"model": Tool(lambda y: y)}, {})


def test_a_missing_file_has_no_hash(tmp_path):
    assert content_hash(tmp_path / "lost.wav") is content_hash(None) is None
