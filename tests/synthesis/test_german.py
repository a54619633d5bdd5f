"""The embedded German corpus: EmoDB's names, other voices, other habits."""

import re

import numpy as np
import pytest
import soundfile as sf

from ser_helpers import corpora, synthesis
from ser_helpers.corpora.datasets import emodb
from ser_helpers.synthesis import german
from ser_helpers.synthesis.voices import speaker


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("german")
    return root, synthesis.build_german(root, ["03", "16"], jobs=1, progress=False)


def test_names_are_emodbs(made):
    root, paths = made
    assert sorted(root.rglob("*.wav")) == sorted(paths)
    assert len(paths) == 2 * 5 * 7
    assert all(re.fullmatch(r"(03|16)(a01|a02|a04|a07|b10)[WLEAFTN]a\.wav", path.name) for path in paths)


def test_texts_emotions_and_voices_are_those_the_loader_knows():
    assert german.sentences().items() <= emodb.TEXTS.items()
    assert set(german.PROSODY) == set(emodb.EMOTIONS)
    assert {number: speaker(voice).gender for number, voice in german.VOICES.items()} == emodb.GENDERS
    assert len(set(german.VOICES.values())) == len(german.VOICES)


def test_a_recording_is_short_sound_at_16_khz(made):
    for path in made[1]:
        y, sr = sf.read(path)
        assert sr == 16_000
        assert 1 < len(y) / sr < 8
        assert 0.01 < np.abs(y).max() < 1, path.name


def test_the_same_seed_says_the_same():
    one, again, other = (german.recording("08", "a04", "F", seed) for seed in (0, 0, 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_the_voices_are_not_those_of_the_english_corpus():
    assert german.speaker(1, german.OTHERS).hz != speaker(1).hz


def test_anger_is_loud_fear_is_fast_sorrow_is_quiet_and_slow(made):
    level, length = {}, {}
    for path in made[1]:
        y, sr = sf.read(path)
        level.setdefault(path.stem[5], []).append(20 * np.log10(np.sqrt(np.mean(y**2))))
        length.setdefault(path.stem[5], []).append(len(y) / sr)
    level, length = ({k: np.mean(v) for k, v in values.items()} for values in (level, length))
    assert max(level, key=level.get) == "W"
    assert min(level, key=level.get) == "T"
    assert length["A"] < length["N"] < length["T"]


def test_it_is_kept_and_complete(recwarn):
    table = corpora.load("synthetic-emodb")
    assert not recwarn
    known = corpora.card("synthetic-emodb")
    assert table.emotion.value_counts().to_dict() == known.counts
    assert set(table.language) == {"de"}
    assert set(table.corpus) == {"synthetic-emodb"}
    assert table.groupby("gender").speaker.nunique().to_dict() == {"female": known.female, "male": known.male}
