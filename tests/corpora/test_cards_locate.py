from pathlib import Path

import pytest

from ser_helpers import corpora
from ser_helpers.errors import CorpusError, CorpusMissing


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("SER_DATA_HOME", str(tmp_path))
    return tmp_path


def test_the_corpus_s_own_name_comes_before_its_publisher_s(data):
    (data / "AudioWAV").mkdir()
    assert corpora.find("crema-d") == data / "AudioWAV"
    (data / "CREMA_D").mkdir()
    assert corpora.find("crema-d") == data / "CREMA_D"


def test_a_root_is_taken_as_it_is_or_for_the_folder_that_holds_the_corpus(tmp_path, monkeypatch):
    (tmp_path / "anything" / "Ravdess").mkdir(parents=True)
    assert corpora.find("ravdess", tmp_path) == tmp_path
    assert corpora.find("ravdess", tmp_path / "anything") == tmp_path / "anything" / "Ravdess"
    monkeypatch.chdir(tmp_path)
    assert corpora.find("ravdess", "anything") == tmp_path / "anything" / "Ravdess"
    assert corpora.find("ravdess", Path("anything") / "Ravdess") == tmp_path / "anything" / "Ravdess"


def test_files_are_no_folders(data):
    (data / "ravdess").write_text("")
    with pytest.raises(CorpusMissing):
        corpora.find("ravdess")


@pytest.mark.parametrize("root", [None, "elsewhere"])
def test_a_folder_that_is_not_there_is_named(data, monkeypatch, root):
    monkeypatch.setenv("SER_DATA_HOME", str(data / "elsewhere"))
    monkeypatch.chdir(data)
    with pytest.raises(CorpusMissing, match=r"elsewhere.*`ser download ravdess`"):
        corpora.find("ravdess", root)


def test_a_root_that_is_a_file_is_told_so(tmp_path):
    (tmp_path / "ravdess.zip").write_text("")
    with pytest.raises(CorpusMissing, match=r"ravdess\.zip is a file: give the folder that holds RAVDESS"):
        corpora.find("ravdess", tmp_path / "ravdess.zip")


def test_a_folder_that_may_not_be_read_is_named(data, monkeypatch):
    def closed(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", closed)
    with pytest.raises(CorpusError, match=r"cannot be opened \(Permission denied\): check who may read it"):
        corpora.find("ravdess")


def test_a_licensed_corpus_says_whom_to_ask(data):
    with pytest.raises(CorpusMissing, match="University of Southern California"):
        corpora.find("iemocap")
