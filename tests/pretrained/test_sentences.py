"""Sentences through a language model: a tiny random one, built here, stands for the real ones."""

import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from ser_helpers.errors import DownloadError, ModelError, WeightsMissing
from ser_helpers.pretrained import SentenceEncoder, download_sentence_encoder
from ser_helpers.pretrained.imports import ensure_torchaudio

TEXT = pd.Series(["I am fine.", None, "You are not fine at all!", " "], index=list("abcd"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("torch")
    ensure_torchaudio()
    pytest.importorskip("sentence_transformers")
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizer

    place = tmp_path_factory.mktemp("models")
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "i",
        "am",
        "you",
        "are",
        "not",
        "fine",
        "at",
        "all",
        ".",
        "!",
    ]
    (place / "vocab.txt").write_text("\n".join(words))
    size = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(words), **size)).save_pretrained(place / "bert")
    BertTokenizer(str(place / "vocab.txt")).save_pretrained(place / "bert")
    network = Transformer(str(place / "bert"))
    SentenceTransformer(modules=[network, Pooling(16)], device="cpu").save(str(place / "tiny-sentences"))
    shutil.rmtree(place / "bert")
    return place / "tiny-sentences"


def test_a_sentence_is_a_row_on_the_index_and_none_is_nan(folder):
    found = SentenceEncoder(folder, device="cpu").fit_transform(TEXT)
    assert found.index.tolist() == list("abcd")
    assert found.shape == (4, 16)
    assert found.isna().all(axis=1).tolist() == [False, True, False, True]
    assert found.attrs["kind"] == "tiny-sentences"


def test_without_any_words_all_is_nan_and_what_lists_no_sentences_is_refused(folder):
    encoder = SentenceEncoder(folder, device="cpu")
    assert np.isnan(encoder.transform([None, ""])).all()
    assert encoder.transform(TEXT[:0]).shape == (0, 16)
    for other in ("I am fine.", TEXT.to_frame("text"), [1.0]):
        with pytest.raises(ValueError, match="must list sentences"):
            encoder.transform(other)


def test_the_vectors_are_those_of_sentence_transformers_and_batches_change_nothing(folder):
    from sentence_transformers import SentenceTransformer

    said = TEXT.iloc[[0, 2]]
    expected = SentenceTransformer(str(folder), device="cpu").encode(said.tolist())
    np.testing.assert_allclose(SentenceEncoder(folder, device="cpu").transform(said.tolist()), expected, atol=1e-5)
    one_by_one = SentenceEncoder(folder, device="cpu", batch_size=1).transform(said.tolist())
    np.testing.assert_allclose(one_by_one, expected, atol=1e-5)


def test_a_name_is_found_in_the_models_folder(folder, monkeypatch):
    monkeypatch.setenv("SER_MODELS_HOME", str(folder.parent))
    assert SentenceEncoder("somebody/tiny-sentences").folder == folder


def test_it_stands_in_a_pipeline_and_clones(folder):
    X, y = ["I am fine.", "You are not fine!"] * 4, ["happy", "angry"] * 4
    model = make_pipeline(SentenceEncoder(folder, device="cpu"), LogisticRegression())
    assert clone(model).fit(X, y).predict(X).shape == (8,)


def test_without_weights_a_sentence_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("SER_MODELS_HOME", str(tmp_path))
    encoder = SentenceEncoder("somebody/not-here")
    assert encoder.folder is None
    with pytest.raises(WeightsMissing, match=r"ser download somebody/not-here.*bag of words"):
        encoder.fit(TEXT)


def test_a_folder_without_a_model_gets_a_sentence(tmp_path):
    with pytest.raises(ModelError, match=r"no modules.json"):
        SentenceEncoder(tmp_path).fit(TEXT)
    (tmp_path / "modules.json").write_text("[]]")
    with pytest.raises(ModelError, match="cannot be read"):
        SentenceEncoder(tmp_path).fit(TEXT)


def test_a_download_fetches_what_the_encoder_needs(folder, tmp_path, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    asked = {}

    def act(name, cache_dir, allow_patterns):
        asked[name] = (
            cache_dir,
            {path for path in folder.rglob("*") if any(path.match(kind) for kind in allow_patterns)},
        )
        return str(folder)

    monkeypatch.setenv("SER_MODELS_HOME", str(tmp_path))
    monkeypatch.setattr(hub, "snapshot_download", act)
    assert download_sentence_encoder("sentence-transformers/tiny") == folder
    place, files = asked["sentence-transformers/tiny"]
    assert place == tmp_path
    needed = {path for path in folder.rglob("*") if path.is_file() and path.name not in ("README.md", "vocab.txt")}
    assert needed <= files


def test_a_download_that_fails_gets_a_sentence(tmp_path, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")

    def fail(name, **_):
        raise OSError("no connection")

    monkeypatch.setattr(hub, "snapshot_download", fail)
    with pytest.raises(DownloadError, match=r"no connection.*check the name"):
        download_sentence_encoder("sentence-transformers/tiny")
    monkeypatch.setattr(hub, "snapshot_download", lambda name, **_: str(tmp_path))
    with pytest.raises(DownloadError, match=r"no model of sentence-transformers"):
        download_sentence_encoder("sentence-transformers/tiny")
