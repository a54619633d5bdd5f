"""What is made once per machine is read, made when it is missing or damaged, and a full disk is one sentence."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ser_helpers import home
from ser_helpers.errors import ModelError, WeightsMissing
from ser_helpers.models import laughter_training, speaker_stand_in
from ser_helpers.models.laughter_network import LaughterNetwork
from ser_helpers.models.ready import ready


def read(path):
    return int(path.read_text())


def count_and_make(path):
    with open(path.parent / "made", "a") as made:
        made.write("x")
    path.write_text("42")


@pytest.mark.parametrize("damage", [None, b"", b"\xff\x00", b"4x"])
def test_what_is_missing_or_damaged_is_made_once_and_replaced(damage, tmp_path):
    path = tmp_path / "fits" / "answer"
    if damage is not None:
        path.parent.mkdir()
        path.write_bytes(damage)
    assert [ready(path, count_and_make, read) for _ in range(3)] == [42] * 3
    assert (path.parent / "made").read_text() == "x"
    assert path.read_text() == "42"


def test_what_is_there_is_only_read(tmp_path):
    (tmp_path / "answer").write_text("7")
    assert ready(tmp_path / "answer", None, read) == 7
    assert os.listdir(tmp_path) == ["answer"]


def test_a_folder_with_a_part_missing_is_made_again(tmp_path):
    (tmp_path / "both").mkdir()
    (tmp_path / "both" / "old").touch()

    def make(folder):
        (folder / "part").write_text("1")

    assert ready(tmp_path / "both", make, lambda folder: read(folder / "part"), home.atomic_folder) == 1
    assert os.listdir(tmp_path / "both") == ["part"]


def test_who_asks_at_the_same_time_has_it_mended_once(tmp_path):
    path = tmp_path / "answer"
    path.write_text("garbage")
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: ready(path, count_and_make, read), range(4))) == [42] * 4
    assert (tmp_path / "made").read_text() == "x"


def test_no_room_is_one_sentence_and_other_errors_stay_what_they_are(tmp_path):
    def full(path):
        raise OSError(28, os.strerror(28))

    def without_weights(path):
        raise WeightsMissing("run: ser download it")

    with pytest.raises(ModelError, match=r"No space left on device\): make room there or set SER_CACHE_HOME"):
        ready(tmp_path / "answer", full, read)
    with pytest.raises(WeightsMissing, match="ser download it"):
        ready(tmp_path / "answer", without_weights, read)
    with pytest.raises(ValueError, match="invalid literal"):
        ready(tmp_path / "answer", lambda path: path.write_text("x"), read)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path))
    return tmp_path / "fits"


@pytest.mark.parametrize("keep", [0, 100, -100])
def test_a_damaged_speaker_stand_in_is_learnt_again(keep, cache, monkeypatch):
    learnt = speaker_stand_in.StandIn(np.arange(50.0), np.ones((50, 23)))
    monkeypatch.setattr(speaker_stand_in.StandIn, "fit", lambda: learnt)
    speaker_stand_in.StandIn.ready()
    (path,) = cache.glob("speakers-*.npz")
    whole = path.read_bytes()
    path.write_bytes(whole[:keep])
    np.testing.assert_array_equal(speaker_stand_in.StandIn.ready().axes, learnt.axes)
    assert len(path.read_bytes()) == len(whole)


@pytest.mark.parametrize("keep", [0, 100, -100])
def test_a_damaged_laughter_stand_in_is_trained_again(keep, cache, monkeypatch):
    networks = [LaughterNetwork((2, 2, 2, 2), bands=32) for _ in range(2)]
    monkeypatch.setattr(laughter_training, "_embedded_examples", lambda: ())
    monkeypatch.setattr(laughter_training, "train", networks.pop)
    laughter_training.stand_in()
    (path,) = cache.glob("laughter-*.pt")
    path.write_bytes(path.read_bytes()[:keep])
    again = laughter_training.stand_in().state_dict()
    assert networks == []
    for name, value in laughter_training.stand_in().state_dict().items():
        assert value.equal(again[name])
