"""The published model as an estimator, on a stand-in folder of the same layout."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from ser_helpers import audio, corpora, pretrained
from ser_helpers.errors import CorpusError, ModelError, WeightsMissing
from ser_helpers.pretrained import speechbrain_model

pytestmark = pytest.mark.skipif(not find_spec("speechbrain"), reason="speechbrain is not installed")


@pytest.fixture(scope="module")
def table():
    return corpora.load("synthetic-small")[:5]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return pretrained.make_speechbrain_stand_in(tmp_path_factory.mktemp("speechbrain") / "stand-in")


@pytest.fixture(scope="module")
def model(folder):
    return pretrained.SpeechBrainClassifier(folder).fit()


def test_classes_are_in_the_order_of_the_columns(model, table):
    probabilities = model.predict_proba(table)
    assert model.classes_.tolist() == ["neutral", "angry", "happy", "sad"]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    _, _, index, own = model.model_.classify_batch(_batch(table, 0))
    assert speechbrain_model.WORDS[own[0]] == model.predict(table[:1])[0] == model.classes_[int(index)]


def test_another_order_of_labels_is_followed(folder, table, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    encoder = (other / "label_encoder.txt").read_text()
    swapped = encoder.replace("'neu' => 0", "'sad' => 0").replace("'sad' => 3", "'neu' => 3")
    (other / "label_encoder.txt").write_text(swapped)
    here, there = (pretrained.SpeechBrainClassifier(place).fit() for place in (folder, other))
    assert there.classes_.tolist() == ["sad", "angry", "happy", "neutral"]
    np.testing.assert_allclose(here.predict_proba(table), there.predict_proba(table), atol=1e-6)


def test_agrees_with_the_published_way_of_asking(model, table):
    expected = [model.model_.classify_batch(_batch(table, row))[0][0].numpy() for row in range(len(table))]
    np.testing.assert_allclose(model.predict_proba(table), expected, atol=1e-3)  # its pooling adds noise


def test_a_result_depends_on_no_other_recording_and_not_on_the_time(model, table):
    together = model.predict_proba(table)
    np.testing.assert_array_equal(together[[3]], model.predict_proba(table[3:4]))
    np.testing.assert_array_equal(together, model.predict_proba(table))


def test_reads_the_part_that_the_table_names(model, table):
    part = table[:1].assign(start=0.5, end=1.5)
    assert not np.allclose(model.predict_proba(part), model.predict_proba(table[:1]), atol=1e-4)


def test_is_a_scikit_learn_estimator(model, folder):
    copy = clone(model)
    assert copy.source == folder
    assert not hasattr(copy, "model_")
    assert copy.set_params(device="cpu").get_params() == {"device": "cpu", "source": folder}


def test_predicts_without_fit(folder, table):
    assert len(pretrained.SpeechBrainClassifier(folder).predict(table)) == len(table)


def test_fit_learns_nothing(folder, table):
    fitted = pretrained.SpeechBrainClassifier(folder).fit(table, ["sad"] * len(table))
    untouched = pretrained.SpeechBrainClassifier(folder)
    np.testing.assert_array_equal(fitted.predict_proba(table), untouched.predict_proba(table))


def test_a_stand_in_is_named_as_one(model, folder):
    assert model.label == "tiny untrained stand-in for emotion-recognition-wav2vec2-IEMOCAP"
    assert "untrained stand-in" in (folder / "hyperparams.yaml").read_text().splitlines()[0]


def test_the_same_seed_makes_the_same_stand_in(model, table, tmp_path):
    again, other = (
        pretrained.SpeechBrainClassifier(pretrained.make_speechbrain_stand_in(tmp_path / str(s), s)) for s in (0, 1)
    )
    np.testing.assert_array_equal(again.predict_proba(table), model.predict_proba(table))
    assert not np.allclose(other.predict_proba(table), model.predict_proba(table), atol=1e-3)


def test_a_download_fetches_the_published_files_and_the_encoder(folder, monkeypatch, tmp_path):
    import huggingface_hub

    asked = {}

    def hub(name, cache_dir, allow_patterns, **_):
        asked[name] = set(allow_patterns)
        place = tmp_path / name.replace("/", "--")
        shutil.copytree(folder / "wav2vec2" if "facebook" in name else folder, place)
        return str(place)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", hub)
    assert (pretrained.download_speechbrain() / "custom_interface.py").is_file()
    assert asked["speechbrain/emotion-recognition-wav2vec2-IEMOCAP"] == set(speechbrain_model.FILES)
    assert "config.json" in asked["facebook/wav2vec2-base"]


def test_a_model_that_is_not_here_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("SER_MODELS_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WeightsMissing, match=r"^speechbrain/emotion-\S+ is not on this machine: .*ser download speech"):
        pretrained.SpeechBrainClassifier().fit()


def test_a_model_without_its_encoder_names_the_encoder(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("SER_MODELS_HOME", str(tmp_path))
    place = tmp_path / "emotion-recognition-wav2vec2-IEMOCAP"
    shutil.copytree(folder, place, ignore=lambda *_: ["wav2vec2"])
    with pytest.raises(WeightsMissing, match="ser download facebook/wav2vec2-base"):
        pretrained.SpeechBrainClassifier().fit()
    shutil.copytree(folder / "wav2vec2", tmp_path / "wav2vec2-base")
    assert pretrained.SpeechBrainClassifier().fit().classes_[0] == "neutral"


def test_a_folder_that_lacks_a_file_is_one_sentence(folder, tmp_path):
    place = tmp_path / "half"
    shutil.copytree(folder, place, ignore=lambda *_: ["model.ckpt"])
    with pytest.raises(ModelError, match=r"has no model\.ckpt"):
        pretrained.SpeechBrainClassifier(place).fit()


@pytest.mark.parametrize("file", speechbrain_model.FILES)
def test_a_damaged_file_is_one_sentence(folder, tmp_path, file):
    place = tmp_path / "damaged"
    shutil.copytree(folder, place)
    whole = (place / file).read_bytes()
    for damage in (whole[: len(whole) // 2], b""):
        (place / file).write_bytes(damage)
        with pytest.raises(ModelError, match=r"damaged.*: delete it and get it again"):
            pretrained.SpeechBrainClassifier(place).fit()


def test_other_devices_and_tables_are_one_sentence(model, folder, table):
    with pytest.raises(ValueError, match="This machine has no device 'abacus'"):
        pretrained.SpeechBrainClassifier(folder, device="abacus").fit()
    for other in (np.zeros((2, 3)), table[["path"]]):
        with pytest.raises(CorpusError, match=r"utterance table of corpora\.load, with the columns path, start, end"):
            model.predict(other)
    assert model.predict_proba(table[:0]).shape == (0, 4)


def test_the_old_name_of_the_encoder_class_works(folder, table, tmp_path):
    place = tmp_path / "old"
    shutil.copytree(folder, place)
    text = (place / "hyperparams.yaml").read_text()
    old = text.replace("integrations.huggingface", "lobes.models.huggingface_transformers")
    assert old != text
    (place / "hyperparams.yaml").write_text(old)
    both = [pretrained.SpeechBrainClassifier(where).predict_proba(table) for where in (folder, place)]
    np.testing.assert_array_equal(*both)


@pytest.mark.slow
def test_loads_in_silence_and_without_a_network(folder):
    code = f"from ser_helpers import pretrained; pretrained.SpeechBrainClassifier({str(folder)!r}).fit()"
    environment = {**os.environ, "https_proxy": "http://127.0.0.1:9", "HF_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=300)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def _batch(table: pd.DataFrame, row: int):
    import torch

    return torch.from_numpy(audio.load(table.path.iloc[row]))[None]
