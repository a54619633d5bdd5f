import re

import pytest

from ser_helpers import corpora, paths
from ser_helpers.corpora import corpus_cards
from ser_helpers.errors import CorpusError

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
