"""Fine-tuned encoders: what learns and how fast, who decides when to stop, and scikit-learn's contract."""

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from ser_helpers import audio, corpora, evaluation
from ser_helpers.errors import AudioError, CorpusError, ModelError
from ser_helpers.pretrained import EncoderClassifier, EncoderRegressor, TranscriptCTC
from ser_helpers.pretrained.heads import (
    AttentivePooling,
    MeanPooling,
    WeightedLayerSum,
    ccc_loss,
    learning_rate,
    random_batches,
)
from ser_helpers.pretrained.networks import build

NAME = "nobody/no-such-hubert"


@pytest.fixture(scope="module", autouse=True)
def offline():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


@pytest.fixture(scope="module")
def table():
    """48 synthetic utterances of 4 speakers."""
    return corpora.load("synthetic-small").query("statement == statement.iloc[0]")[::2]


def classifier(**options):
    return EncoderClassifier(NAME, device="cpu", **{"epochs": 2, **options})


def learning(model):
    """How many numbers of the encoder, and of all, are trained."""
    counts = {name: part.numel() for name, part in model.network_.named_parameters() if part.requires_grad}
    return sum(count for name, count in counts.items() if name.startswith("network.")), sum(counts.values())


@pytest.mark.parametrize(
    "options", [{}, {"pooling": "attentive", "layers": [2, 3]}, {"trainable": 1}, {"trainable": "all", "lora_rank": 2}]
)
def test_it_is_a_classifier_whose_input_is_the_table(table, options):
    model = clone(classifier(**options)).fit(table, table["emotion"])
    probabilities = model.predict_proba(table[:5])
    assert probabilities.shape == (5, len(model.classes_))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (model.predict(table[:5]) == model.classes_[probabilities.argmax(axis=1)]).all()
    assert model.history_.index.tolist() == [1, 2]
    assert set(model.history_) == {"loss", "val_uar", "val_loss", "seconds"}
    assert model.label_ == "tiny untrained stand-in for no-such-hubert"


def test_cross_validation_takes_the_table_as_features(table):
    result = evaluation.cross_validate(classifier(), table, table, n_splits=2, progress=False)
    assert len(result.predictions) == len(table)
    result = evaluation.cross_validate(
        EncoderRegressor(NAME, epochs=2, device="cpu"), table, table, n_splits=2, target="arousal", progress=False
    )
    assert result.folds["ccc"].notna().all()


@pytest.mark.parametrize("options", [{"epochs": 40}, {"epochs": 15, "trainable": 1, "encoder_lr": 1e-3}])
def test_it_learns_its_training_set(table, options):
    table = table[:24]
    model = classifier(validation=0, dropout=0, lr=2e-2, batch_size=8, **options).fit(table, table["emotion"])
    assert (model.predict(table) == table["emotion"]).mean() > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("trainable", ["head", 2])
def test_the_same_fit_gives_the_same_predictions(table, trainable):
    first, second = (classifier(trainable=trainable).fit(table, table["emotion"]) for _ in range(2))
    np.testing.assert_array_equal(first.predict_proba(table), second.predict_proba(table))
    other = classifier(trainable=trainable, seed=1).fit(table, table["emotion"])
    assert not np.allclose(first.predict_proba(table), other.predict_proba(table))


def test_a_fit_leaves_the_random_numbers_of_others_alone(table):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    classifier().fit(table, table["emotion"])
    assert torch.rand(1) == expected


def test_a_prediction_does_not_depend_on_the_batch(table):
    model = classifier(trainable=2, pooling="attentive").fit(table, table["emotion"])
    together = model.predict_proba(table)
    alone = np.concatenate([model.predict_proba(table.iloc[[row]]) for row in range(4)])
    np.testing.assert_allclose(together[:4], alone, atol=1e-5)


def test_only_the_chosen_blocks_learn(table):
    before = build(classifier().fit(table, table["emotion"])._encoder.config).model.state_dict()
    model = classifier(trainable=2, encoder_lr=1e-3).fit(table, table["emotion"])
    after = model.network_.network.model.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith(("encoder.layers.2.", "encoder.layers.3.")) for name in changed)
    head, _ = learning(classifier().fit(table, table["emotion"]))
    assert head == 0


@pytest.mark.parametrize("name", ["nobody/whisper", "nobody/wavlm", "nobody/wav2vec2", "nobody/data2vec-audio"])
def test_adapters_are_few_and_the_weights_stay(table, name):
    table = table[::4]
    full = EncoderClassifier(name, "all", epochs=1, validation=0, device="cpu").fit(table, table["emotion"])
    small = EncoderClassifier(name, "all", lora_rank=2, epochs=2, validation=0, encoder_lr=0.05, device="cpu")
    small.fit(table, table["emotion"])
    assert 0 < learning(small)[0] < 0.05 * learning(full)[0]
    adapters = {n: p for n, p in small.network_.network.model.named_parameters() if "lora_B" in n}
    assert all(part.abs().max() > 0 for part in adapters.values())  # they begin at zero
    original = build(small._encoder.config).model.state_dict()
    for key, value in small.network_.network.model.state_dict().items():
        if "lora_" not in key:
            assert torch.equal(value, original[key.replace(".base_layer", "")])


@pytest.mark.parametrize("name", ["nobody/whisper", "nobody/wavlm", "nobody/wav2vec2-large", "nobody/data2vec-audio"])
def test_mixed_precision_is_close_to_single(table, name):
    half, single = (
        EncoderClassifier(name, 2, precision=precision, epochs=2, dropout=0, device="cpu", pooling="attentive")
        for precision in ("bfloat16", "float32")
    )
    half.fit(table[::4], table["emotion"][::4])
    single.fit(table[::4], table["emotion"][::4])
    assert half._mixed
    assert {part.dtype for part in half.network_.parameters()} == {torch.float32}
    np.testing.assert_allclose(half.history_["loss"], single.history_["loss"], rtol=0.1)
    np.testing.assert_allclose(half.predict_proba(table[:4]), single.predict_proba(table[:4]), atol=0.1)


def test_blocks_further_down_learn_more_slowly(table):
    model = classifier(trainable=3, lr=0.01, encoder_lr=0.001, layer_decay=0.5).fit(table, table["emotion"])
    groups = model.network_.param_groups(0.01, 0.001, 0.5)
    rates = {group["name"]: group["lr"] for group in groups}
    assert rates == {"heads": 0.01, "block 2": 0.00025, "block 3": 0.0005, "block 4": 0.001}
    parameters = [id(part) for group in groups for part in group["params"]]
    trained = [id(part) for part in model.network_.parameters() if part.requires_grad]
    assert sorted(parameters) == sorted(trained)


def test_rates_rise_and_fall():
    rates = [learning_rate(step, 100) for step in range(100)]
    assert np.argmax(rates) in (9, 10)
    assert rates[0] == pytest.approx(0.1)
    assert rates[-1] < 0.01
    assert max(rates) == pytest.approx(1)


@pytest.mark.parametrize(("examples", "size"), [(33, 16), (17, 16), (5, 16), (100, 7), (3, 2)])
def test_no_batch_is_a_single_example(examples, size):
    batches = random_batches(list(range(examples)), size, torch.Generator())
    assert sorted(number for batch in batches for number in batch) == list(range(examples))
    assert min(map(len, batches)) > 1


def test_speakers_that_are_not_trained_on_decide_when_to_stop(table, monkeypatch):
    trained, asked = [], []
    model = classifier(epochs=12, patience=2, lr=0.03)
    loss, validate = EncoderClassifier._loss, EncoderClassifier._validate

    def recording(self, X, targets, rows):
        inner = loss(self, X, targets, rows)
        return lambda *batch: trained.extend(batch[-1]) or inner(*batch)

    def validating(self, targets, inputs, validation):
        asked.append((validation.tolist(), validate(self, targets, inputs, validation)["val_uar"]))
        scores = [0.1, 0.5, 0.3, 0.4, 0.9]
        return {"val_uar": scores[len(asked) - 1], "weights": self.network_.head.weight.sum().item()}

    monkeypatch.setattr(EncoderClassifier, "_loss", recording)
    monkeypatch.setattr(EncoderClassifier, "_validate", validating)
    model.fit(table, table["emotion"])
    training = set(table["speaker"].iloc[sorted(set(trained))])
    validation = set(table["speaker"].iloc[asked[0][0]])
    assert validation == set(model.validation_speakers_)
    assert training | validation == set(table["speaker"])
    assert not training & validation
    assert len(model.history_) == 4  # the best is epoch 2, and two more gain nothing
    assert model.network_.head.weight.sum().item() == pytest.approx(model.history_["weights"][2])


def test_a_fit_that_is_stopped_leaves_it_unfitted(table, monkeypatch):
    model = classifier().fit(table, table["emotion"])

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(EncoderClassifier, "_task_loss", stop)
    with pytest.raises(KeyboardInterrupt):
        model.fit(table, table["emotion"])
    with pytest.raises(NotFittedError):
        model.predict(table)


def test_without_validation_everyone_is_trained_on(table):
    lonely = table[table["speaker"] == table["speaker"].iloc[0]]
    model = classifier(validation=0, epochs=3).fit(lonely, lonely["emotion"])
    assert model.validation_speakers_ == []
    assert list(model.history_) == ["loss", "seconds"]
    with pytest.raises(ValueError, match="The training set has only one speaker: set validation=0"):
        classifier().fit(lonely, lonely["emotion"])


def test_further_tasks_are_learnt_with_it(table):
    table = table.assign(
        text="kids are talking", gender=table["gender"].where(table["speaker"] != table["speaker"].iloc[0])
    )
    options = {"gender_weight": 1.0, "extra_loss": TranscriptCTC, "extra_weight": 1.0, "pooling": "attentive"}
    model = classifier(trainable=1, epochs=6, validation=0, lr=0.01, **options).fit(table, table["emotion"])
    plain = classifier(trainable=1, epochs=6, validation=0, lr=0.01, pooling="attentive").fit(table, table["emotion"])
    assert model.history_["loss"].iloc[0] > plain.history_["loss"].iloc[0] + 1
    assert model.history_["loss"].iloc[-1] < model.history_["loss"].iloc[0] - 1
    assert model.network_.gender.weight.grad.abs().max() > 0
    with pytest.raises(CorpusError, match="no column 'gender', which gender_weight needs"):
        classifier(gender_weight=1).fit(table.drop(columns="gender"), table["emotion"])


def test_augmented_copies_are_trained_on_with_their_labels(table, monkeypatch):
    parts = []
    loss = EncoderClassifier._task_loss

    def counting(self, logits, targets):
        if torch.is_grad_enabled():
            parts.append(len(targets))
        return loss(self, logits, targets)

    monkeypatch.setattr(EncoderClassifier, "_task_loss", counting)
    model = classifier(epochs=1, augment=audio.Noise(), copies=2).fit(table, table["emotion"])
    trained = (~table["speaker"].isin(model.validation_speakers_)).sum()
    assert sum(parts) == 3 * trained


def test_rare_classes_count_more_where_wanted(table):
    model = classifier(class_weight="balanced").fit(table, table["emotion"])
    counts = table["emotion"].value_counts()[model.classes_].to_numpy()
    np.testing.assert_allclose(model._weights, len(table) / (len(counts) * counts), rtol=1e-6)


def test_checkpointing_changes_memory_and_not_the_numbers(table):
    plain, checkpointed = (
        classifier(trainable=2, dropout=0, checkpointing=value).fit(table, table["emotion"]) for value in (False, True)
    )
    np.testing.assert_allclose(plain.history_["loss"], checkpointed.history_["loss"], rtol=1e-4)


@pytest.mark.parametrize("loss", ["ccc", "mse"])
def test_regression_in_the_shape_and_scale_of_the_targets(table, loss):
    y = table[["arousal", "valence"]] * 2 + 3
    model = EncoderRegressor(NAME, loss=loss, epochs=30, validation=0, lr=0.01, dropout=0, device="cpu").fit(table, y)
    predicted = model.predict(table)
    assert predicted.shape == y.shape
    assert evaluation.ccc(y["arousal"], predicted[:, 0]) > 0.6
    one = EncoderRegressor(NAME, loss=loss, epochs=2, device="cpu").fit(table, table["arousal"])
    assert one.predict(table).shape == (len(table),)
    assert list(one.history_) == ["loss", "val_ccc", "val_loss", "seconds"]


def test_the_loss_is_the_published_coefficient():
    rng = np.random.default_rng(0)
    truth, noise = rng.normal(size=(2, 50, 3))
    predicted = truth + 0.5 * noise + 0.2
    expected = 1 - np.mean([evaluation.ccc(truth[:, k], predicted[:, k]) for k in range(3)])
    assert ccc_loss(torch.tensor(predicted), torch.tensor(truth)).item() == pytest.approx(expected)


def test_the_loss_compares_equal_shapes():
    with pytest.raises(ValueError, match=r"predictions have the shape \(4, 1\), the truth \(4,\)"):
        ccc_loss(torch.zeros(4, 1), torch.zeros(4))


def test_pooling_leaves_out_padding():
    x, mask = torch.randn(2, 5, 8), torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    for pooling in (MeanPooling(), AttentivePooling(8)):
        whole = pooling(x, mask)
        np.testing.assert_allclose(whole[1].detach(), pooling(x[1:, :3], mask[1:, :3])[0].detach(), atol=1e-6)
    np.testing.assert_allclose(MeanPooling()(x, mask)[0], x[0].mean(0), atol=1e-6)
    layer_sum = WeightedLayerSum(2)
    layer_sum.logits.data = torch.tensor([0.0, np.log(3.0)])
    np.testing.assert_allclose(layer_sum([x, 5 * x]).detach(), 4 * x, rtol=1e-5)


@pytest.mark.parametrize("options", [{}, {"trainable": 2, "lora_rank": 2, "extra_loss": TranscriptCTC}])
def test_a_model_that_joblib_saved_predicts_the_same(table, tmp_path, options):
    model = classifier(**options).fit(table, table["emotion"])
    joblib.dump(model, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(loaded.predict_proba(table), model.predict_proba(table))
    pd.testing.assert_frame_equal(loaded.history_, model.history_)
    assert (tmp_path / "model.joblib").stat().st_size < 300_000  # the encoder is not in it


def test_a_model_needs_the_encoder_it_was_trained_on(table, tmp_path, monkeypatch, save_encoder):
    joblib.dump(classifier().fit(table, table["emotion"]), tmp_path / "model.joblib")
    monkeypatch.setenv("SER_MODELS_HOME", str(save_encoder(tmp_path / "no-such-hubert", "hubert").parent))
    with pytest.raises(ModelError, match=r"trained on top of tiny untrained stand-in.* is no-such-hubert with"):
        joblib.load(tmp_path / "model.joblib")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"trainable": 9}, "trainable is 'head', 'all' or a number of blocks up to 4, not 9"),
        ({"trainable": "last"}, "trainable is 'head', 'all' or a number"),
        (
            {"trainable": 1, "layers": 2},
            r"The layers \[2\] lie below the blocks that are trained, whose input is layer 3",
        ),
        ({"lora_rank": 4}, "LoRA adapts blocks: set trainable"),
        ({"pooling": "max"}, "pooling is 'mean' or 'attentive', not 'max'"),
        ({"loss": "ccc"}, "loss is 'cross-entropy' for a classifier"),
        ({"epochs": 0}, "epochs must be at least 1"),
    ],
)
def test_bad_parameters_are_one_sentence(table, options, problem):
    with pytest.raises(ValueError, match=problem):
        classifier(**options).fit(table, table["emotion"])


def test_bad_input_is_one_sentence(table, tmp_path):
    with pytest.raises(CorpusError, match="EncoderClassifier reads recordings: X is the utterance table"):
        classifier().fit(np.zeros((4, 2)), [0, 1, 0, 1])
    with pytest.raises(CorpusError, match="no column 'speaker', which validation needs; or set validation=0"):
        classifier().fit(table.drop(columns="speaker"), table["emotion"])
    with pytest.raises(ValueError, match="one value for each of the"):
        classifier().fit(table, table["emotion"][:-1])
    with pytest.raises(ValueError, match="at least two classes"):
        classifier().fit(table, ["sad"] * len(table))
    for targets in (table["valence"].replace(table["valence"].iloc[0], np.inf), np.zeros((len(table), 2, 2))):
        with pytest.raises(ValueError, match=r"finite and have the shape \(n,\) or \(n, targets\)"):
            EncoderRegressor(NAME, device="cpu").fit(table, targets)
    with pytest.raises(ValueError, match="use an EncoderClassifier for words"):
        EncoderRegressor(NAME, device="cpu").fit(table, table["emotion"])
    with pytest.raises(ValueError, match="same for every utterance"):
        EncoderRegressor(NAME, device="cpu").fit(table, np.ones(len(table)))
    with pytest.raises(ValueError, match="one value for each of the"):
        classifier().fit(table, None)
    with pytest.raises(CorpusError, match="no speaker: leave them out, or set validation=0"):
        classifier().fit(table.assign(speaker=table["speaker"].where(table["emotion"] != "sad")), table["emotion"])
    with pytest.raises(CorpusError, match="no column 'text', which TranscriptCTC needs"):
        classifier(extra_loss=TranscriptCTC).fit(table.drop(columns="text"), table["emotion"])
    with pytest.raises(NotFittedError):
        classifier().predict(table)
    broken = table.copy()
    broken.iloc[0, broken.columns.get_loc("path")] = str(tmp_path / "gone.wav")
    with pytest.warns(UserWarning, match=r"gone\.wav: there is no such file"):
        model = classifier().fit(broken, broken["emotion"])
    with pytest.warns(UserWarning, match="cannot be used"), pytest.raises(AudioError, match=r"1 of \d+ .*gone\.wav"):
        model.predict(broken)
    validation = table["speaker"].isin(model.validation_speakers_)
    gone = table.assign(path=table["path"].where(validation, str(tmp_path / "gone.wav")))
    with pytest.warns(UserWarning, match="cannot be used"), pytest.raises(AudioError, match="needs two usable"):
        classifier().fit(gone, gone["emotion"])
