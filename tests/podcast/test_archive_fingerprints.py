"""Another model, setting or file has another fingerprint; what is only kept at hand changes nothing."""

import functools

import pytest

from ser_helpers.errors import ArchiveError
from ser_helpers.podcast.archive import content, version


class Tool:
    def __init__(self, weights):
        self.weights = weights

    @functools.cached_property
    def network(self):
        return object()


def test_another_value_is_another_version():
    assert version({"model": Tool(1.0)}) == version({"model": Tool(1.0)})
    assert version({"model": Tool(1.0)}) != version({"model": Tool(2.0)})
    assert version({"model": Tool(1.0), "weight": 0.5}) != version({"model": Tool(1.0), "weight": 0.8})


def test_what_is_at_hand_is_no_other_version():
    tool = Tool(1.0)
    before = version({"model": tool})
    assert tool.network is not None
    assert version({"model": tool}) == before


def test_another_file_under_the_same_name_is_another_version(tmp_path):
    path = tmp_path / "best.pth.tar"
    path.write_bytes(b"one")
    before = version({"laughter": Tool(path)})
    path.write_bytes(b"two")
    assert version({"laughter": Tool(path)}) != before


def test_a_model_without_a_fingerprint_gets_one_sentence():
    with pytest.raises(ArchiveError, match="define its functions in a module"):
        version({"model": Tool(lambda y: y)})


def test_a_file_that_is_not_there_has_none(tmp_path):
    assert content(tmp_path / "lost.wav") is None
    assert content(None) is None
