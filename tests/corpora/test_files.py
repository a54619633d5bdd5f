import os

import pytest

from ser_helpers.corpora import files
from ser_helpers.errors import CorpusMissing


def parse(path):
    return {"speaker": "made-1", "language": "en", "emotion": "sad"}


def test_byte_identical_compares_all_bytes(tmp_path):
    content = bytearray(20_000)
    for name, change in {"a": None, "b": None, "c": 19_999, "d": 10_000, "e": 0}.items():
        data = content.copy()
        if change is not None:
            data[change] = 1
        (tmp_path / name).write_bytes(data)
    (tmp_path / "f").write_bytes(b"short")
    assert files.equal_groups(sorted(tmp_path.iterdir()), files._middle, files._digest) == [
        [tmp_path / "a", tmp_path / "b"]
    ]


def test_long_lists_of_files_are_cut(wav, tmp_path):
    for i in range(15):
        wav(tmp_path / f"{i}.wav", seed=i, channels=2)
    _, notes = files.read(tmp_path, "ravdess", parse)
    assert len(notes) == 1
    assert "15 files stereo" in notes[0]
    assert "and 5 more" in notes[0]


def test_the_shallower_and_the_readable_copy_wins(wav, tmp_path):
    wav(tmp_path / "deep" / "er" / "a.wav")
    (tmp_path / "a.wav").write_bytes(b"")
    wav(tmp_path / "deep" / "b.wav")
    wav(tmp_path / "b.wav", seed=1)
    table, _ = files.read(tmp_path, "ravdess", parse)
    assert table["path"].tolist() == [str(tmp_path / "deep" / "er" / "a.wav"), str(tmp_path / "b.wav")]


def test_capitals_in_suffixes_and_links_to_folders(wav, tmp_path):
    wav(tmp_path / "elsewhere" / "a.WAV")
    (tmp_path / "corpus").mkdir()
    os.symlink(tmp_path / "elsewhere", tmp_path / "corpus" / "linked")
    os.symlink(tmp_path / "corpus", tmp_path / "corpus" / "circle")
    table, notes = files.read(tmp_path / "corpus", "ravdess", parse)
    assert table.index.tolist() == ["ravdess/a"]
    assert notes == []


def test_a_folder_that_may_not_be_opened_is_named(wav, tmp_path, monkeypatch):
    walk = os.walk

    def denied(top, onerror, followlinks):
        onerror(PermissionError(13, "Permission denied", str(tmp_path / "Actor_01")))
        return walk(top, followlinks=followlinks)

    monkeypatch.setattr(os, "walk", denied)
    with pytest.raises(CorpusMissing, match=r"may not be opened: Actor_01\. Get it with `ser download ravdess`"):
        files.read(tmp_path, "ravdess", parse)
    wav(tmp_path / "Actor_02" / "a.wav")
    assert files.read(tmp_path, "ravdess", parse)[1] == [
        "ravdess: 1 file left out because they may not be opened: Actor_01."
    ]


def test_where_nothing_can_be_used_the_reasons_are_told(wav, tmp_path):
    wav(tmp_path / "a.wav")
    with pytest.raises(CorpusMissing, match=r"no recording of RAVDESS .* left out by name: a\.wav\. Get it"):
        files.read(tmp_path, "ravdess", lambda path: "left out by name")


def test_hidden_folders_are_not_searched(wav, tmp_path):
    wav(tmp_path / ".cache" / "a.wav")
    wav(tmp_path / "b.wav")
    assert files.read(tmp_path, "ravdess", parse)[0].index.tolist() == ["ravdess/b"]
