import re
from pathlib import Path

import pytest

from ser_helpers import corpora, paths
from ser_helpers.corpora import corpus_cards
from ser_helpers.errors import CorpusError, CorpusMissing

NAMES = sorted(path.stem for path in paths.registry().glob("*.toml"))


def test_every_loader_has_a_card():
    assert set(corpora.available()) <= set(NAMES)
    assert {"msp-podcast", "cmu-mosei", "meld"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_card_is_whole(name):
    card = corpora.card(name)
    assert card.name == name
    assert card.url.startswith("http")
    assert card.doi is None or card.doi.startswith("10.")
    assert card.speech in ("acted", "natural", "synthetic")
    assert card.synthetic == (card.speech == "synthetic")
    assert card.how.endswith(".")
    assert set(card.counts) <= set(card.labels)
    if card.counts:
        assert sum(card.counts.values()) == card.utterances
    if card.female is not None:
        assert card.female + card.male == card.speakers
    for file in card.files:
        assert file["url"].startswith("https://")
        assert set(file) in ({"url", "checksum", "size"}, {"url"})
        assert re.fullmatch(r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", file.get("checksum", "md5:" + 32 * "0"))


@pytest.mark.parametrize("spelling", ["crema-d", "CREMA-D", "crema_d", "CremaD", "crema d"])
def test_a_name_may_be_written_in_many_ways(spelling):
    assert corpora.card(spelling).name == "crema-d"


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(CorpusError, match="ravdess"):
        corpora.card("ravdes")


def test_cards_are_one_table():
    table = corpora.cards()
    assert table.index.tolist() == NAMES
    assert table.loc[["tess", "savee", "ravdess", "crema-d"], "utterances"].sum() == 12162
    assert table["female"].isna()["msp-podcast"]


def test_a_missing_registry_is_said_in_words(monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "registry", lambda: tmp_path)
    corpus_cards._cards.cache_clear()
    with pytest.raises(CorpusError, match="reinstall"):
        corpora.card("ravdess")
    corpus_cards._cards.cache_clear()


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
    with pytest.raises(CorpusMissing, match=r"ravdess\.zip is a file: give the folder that contains RAVDESS"):
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
