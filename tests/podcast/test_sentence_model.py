"""The model of dimensions: arousal from the voice, valence from the words, fitted once."""

import numpy as np
import pytest

from ser_helpers import corpora, paths
from ser_helpers.audio import load
from ser_helpers.evaluation import ccc
from ser_helpers.podcast import DimensionModel, dimension_model, sentence_model


@pytest.fixture(scope="module")
def table():
    return corpora.load("synthetic-iemocap")


@pytest.fixture(scope="module")
def model(table):
    return DimensionModel.fit(table[table.session != "synthetic-iemocap-5"])


@pytest.mark.slow
def test_it_generalises_to_unseen_speakers(model, table):
    unseen = table[table.session == "synthetic-iemocap-5"]
    predicted = model.predict([load(path) for path in unseen.path], unseen.text)
    assert predicted.shape == (len(unseen), 3)
    assert ccc(unseen.arousal.to_numpy(), predicted[:, 1]) > 0.5
    assert ccc(unseen.valence.to_numpy(), predicted[:, 0]) > 0.2
    assert predicted.min() >= 1
    assert predicted.max() <= 5


def test_words_move_the_valence_alone_where_the_voice_is_the_same(model):
    voice = np.random.default_rng(0).normal(0, 0.05, 16000)
    good, bad, none, empty = model.predict([voice] * 4, ["I love this, it's great!", "I hate it.", None, ""])
    assert good[0] > none[0] > bad[0]
    np.testing.assert_array_equal(none, empty)


def test_a_sentence_does_not_depend_on_what_else_is_asked(model):
    rng = np.random.default_rng(0)
    voices, texts = list(rng.normal(0, 0.1, (3, 16000))), ["One.", "Two!", None]
    together = model.predict(voices, texts)
    apart = [model.predict([voice], [text])[0] for voice, text in zip(voices, texts, strict=True)]
    np.testing.assert_array_equal(together, apart)


def test_the_courses_model_is_fitted_once(tmp_path, monkeypatch, table):
    monkeypatch.setattr(paths, "cache_home", lambda: tmp_path)
    monkeypatch.setattr(sentence_model, "SHIPPED", None)
    monkeypatch.setattr(sentence_model.corpora, "load", lambda name: table[::10])
    first = dimension_model()
    monkeypatch.setattr(sentence_model.corpora, "load", lambda name: pytest.fail("fitted again"))
    again = dimension_model()
    np.testing.assert_array_equal(again.pipeline[-1].coef_, first.pipeline[-1].coef_)


@pytest.mark.parametrize("damage", [b"", b"no archive"])
def test_a_damaged_model_is_fitted_again(tmp_path, monkeypatch, table, damage):
    monkeypatch.setattr(paths, "cache_home", lambda: tmp_path)
    monkeypatch.setattr(sentence_model, "SHIPPED", None)
    monkeypatch.setattr(sentence_model.corpora, "load", lambda name: table[::10])
    first = dimension_model()
    (path,) = (tmp_path / "checkpoints").glob("*.skops")
    path.write_bytes(damage)
    again = dimension_model()
    np.testing.assert_array_equal(again.pipeline[-1].coef_, first.pipeline[-1].coef_)
    assert path.read_bytes() != damage
