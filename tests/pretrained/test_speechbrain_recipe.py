"""The SpeechBrain recipe: who validates, what resuming changes, and that padding changes nothing."""

from importlib.util import find_spec

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from ser_helpers import corpora
from ser_helpers.errors import CorpusError, ModelError, WeightsMissing

if not find_spec("speechbrain"):
    pytest.skip("speechbrain is not installed", allow_module_level=True)

from ser_helpers.pretrained import speechbrain_recipe
from ser_helpers.pretrained.speechbrain_model import make_tiny_wav2vec2
from ser_helpers.pretrained.speechbrain_recipe import SpeechBrainRecipe

QUICK = {
    "number_of_epochs": 3,
    "batch_size": 8,
    "lr": 0.01,
    "lr_wav2vec2": 0.002,
    "freeze_wav2vec2_conv": False,
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return make_tiny_wav2vec2(tmp_path_factory.mktemp("encoder") / "tiny", dims=16, layers=1)


@pytest.fixture(scope="module")
def table():
    """Two emotions, and each pair of speakers as a session."""
    table = corpora.load("synthetic-small").query("emotion in ('angry', 'sad') and repetition == 1")
    return table.assign(session=table.speaker.map(lambda speaker: f"session {(int(speaker[-2:]) + 1) // 2}"))


@pytest.fixture(scope="module")
def trained(tiny, table):
    return SpeechBrainRecipe(tiny, "speaker", overrides=QUICK).fit(table, table.emotion)


@pytest.mark.parametrize("validation", ["speaker", "session"])
def test_validation_speakers_are_not_trained_on(tiny, table, validation):
    recipe = SpeechBrainRecipe(tiny, validation, overrides=QUICK | {"number_of_epochs": 1}).fit(table, table.emotion)
    trained, validating = (set(table.speaker[part]) for part in (recipe.train_, recipe.validation_))
    assert trained.isdisjoint(validating)
    assert trained | validating == set(table.speaker)


def test_the_public_default_validates_on_voices_it_trains_on(tiny, table):
    recipe = SpeechBrainRecipe(tiny, "random-kfold", overrides=QUICK | {"number_of_epochs": 1})
    recipe.fit(table, table.emotion)
    assert set(table.speaker[recipe.validation_]) <= set(table.speaker[recipe.train_])
    assert set(recipe.train_).isdisjoint(recipe.validation_)


def test_learns(trained, table):
    losses = [float(line.partition("train loss: ")[2].partition(" ")[0]) for line in trained.log_]
    assert losses == sorted(losses, reverse=True)
    assert (trained.predict(table) == table.emotion).mean() > 0.7


def test_an_interrupted_training_goes_on_and_ends_the_same(trained, tiny, table, tmp_path, monkeypatch):
    recipe = SpeechBrainRecipe(tiny, "speaker", tmp_path, QUICK)
    begin = speechbrain_recipe.EmotionBrain.on_stage_start
    epochs = []

    def power_cut(brain, stage, epoch=None):
        if stage.name == "TRAIN":
            epochs.append(epoch)
            if epochs == [1, 2, 3]:
                raise KeyboardInterrupt
        begin(brain, stage, epoch)

    monkeypatch.setattr(speechbrain_recipe.EmotionBrain, "on_stage_start", power_cut)
    with pytest.raises(KeyboardInterrupt):
        recipe.fit(table, table.emotion)
    with pytest.raises(NotFittedError):
        recipe.predict(table)
    recipe.fit(table, table.emotion)
    assert epochs == [1, 2, 3, 3]
    assert recipe.log_ == trained.log_
    np.testing.assert_array_equal(recipe.predict_proba(table), trained.predict_proba(table))
    clone(recipe).fit(table, table.emotion)
    assert epochs == [1, 2, 3, 3]  # finished: only loaded


def test_other_data_or_settings_do_not_continue_from_there(tiny, table, tmp_path):
    one = QUICK | {"number_of_epochs": 1}
    SpeechBrainRecipe(tiny, "speaker", tmp_path, one).fit(table, table.emotion)
    SpeechBrainRecipe(tiny, "speaker", tmp_path, one).fit(table[1:], table.emotion[1:])
    SpeechBrainRecipe(tiny, "speaker", tmp_path, one | {"lr": 0.02}).fit(table, table.emotion)
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 3


def test_an_answer_does_not_depend_on_the_company(trained, table):
    together = trained.predict_proba(table[:6])
    np.testing.assert_array_equal(together[[4]], trained.predict_proba(table[4:5]))
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-5)


def test_two_learning_rates_reach_their_own_weights(trained):
    rates = {name: opt.param_groups[0]["lr"] for name, opt in trained.brain_.optimizers_dict.items()}
    assert rates["head"] > rates["wav2vec2"] > 0


def test_leaves_the_random_numbers_of_others_alone(tiny, table):
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    SpeechBrainRecipe(tiny, "speaker", overrides=QUICK | {"number_of_epochs": 1}).fit(table, table.emotion)
    assert torch.equal(torch.rand(3), expected)


def test_mistakes_are_one_sentence(tiny, table, monkeypatch, tmp_path):
    monkeypatch.setenv("SER_MODELS_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WeightsMissing, match=r"^facebook/wav2vec2-base is not on this machine"):
        SpeechBrainRecipe().fit(table, table.emotion)
    with pytest.raises(ModelError, match=r"no setting 'epochs' in speechbrain_recipe\.yaml"):
        SpeechBrainRecipe(tiny, "speaker", overrides={"epochs": 3}).fit(table, table.emotion)
    with pytest.raises(ModelError, match="number_of_epochs must be at least 1"):
        SpeechBrainRecipe(tiny, "speaker", overrides={"number_of_epochs": 0}).fit(table, table.emotion)
    recipe = SpeechBrainRecipe(tiny, "speaker")
    with pytest.raises(CorpusError, match="with the columns path, start, end, speaker"):
        recipe.fit(table.drop(columns="speaker"), table.emotion)
    for labels in (None, table.emotion[1:], table.emotion.where(table.emotion == "sad")):
        with pytest.raises(ValueError, match="one label for each of the"):
            recipe.fit(table, labels)
    with pytest.raises(NotFittedError):
        recipe.predict(table)
    rare = table.emotion.where(table.session == "session 1", "rare")
    with pytest.raises(ModelError, match="A label is left to validation alone"):
        SpeechBrainRecipe(tiny, "session").fit(table, rare)
