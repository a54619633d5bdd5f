"""The recipe: pooled, augmented, adapted, calibrated, abstaining; and which model the programs take."""

import numpy as np
import pytest
from sklearn.metrics import log_loss
from typer.testing import CliRunner

from ser_helpers import audio, corpora, models, recipe, workflow
from ser_helpers.cli import app
from ser_helpers.errors import CorpusError, ModelError
from ser_helpers.models import ready_models
from ser_helpers.service import Settings
from ser_helpers.service.inference import InferenceEngine


@pytest.fixture(scope="module", autouse=True)
def few():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ready_models, "VOICES", range(1, 3))
        patch.setattr(ready_models, "TURNS", 8)
        patch.setattr(ready_models, "JOBS", 1)
        patch.setattr(recipe, "COPIES", 1)
        patch.setattr(recipe, "MOST", 64)
        patch.setattr(recipe, "CHANNELS", audio.Chain(audio.Level(), audio.Telephone(), p=0.7))
        yield


@pytest.fixture(scope="module")
def trained():
    return recipe.train(["synthetic-small"], jobs=1, progress=False)


@pytest.fixture(scope="module")
def path(trained, tmp_path_factory):
    model, result, X = trained
    path = tmp_path_factory.mktemp("models") / "recipe.ser"
    models.save(model, path, X=X, table=result.table, card=model.card)
    return path


def test_every_speaker_was_judged_without_having_been_in_training(trained):
    model, result, X = trained
    assert model.classes_.tolist() == ["angry", "happy", "neutral", "sad"]
    assert result.predictions.index.equals(result.table.index)
    assert sorted(", ".join(result.folds["test_speakers"]).split(", ")) == sorted(result.table["speaker"].unique())
    assert result.uar > 0.35
    np.testing.assert_allclose(result.predictions.filter(like="p_").sum(axis=1), 1)
    assert X.index.equals(result.table.index)


def test_the_card_says_whose_voices_how_well_and_what_it_is_not_for(trained):
    model, result, _ = trained
    card = model.card
    assert card.corpora == ("synthetic",)
    assert {"synthetic-01", "synthetic voice 1", "synthetic voice 2"} <= set(card.speakers)
    assert card.score == pytest.approx(result.uar, abs=1e-4)
    assert "each voice heard live" in card.protocol
    assert "4 speakers of synthetic corpus" in card.notes[0]
    assert "Below a probability of 0.4 it says uncertain" in card.notes[1]
    assert "must not be used to judge a person" in card.notes[2]
    assert models.ModelCard.from_dict(card.to_dict()) == card


def test_the_temperature_divides_the_logits_alone(trained):
    _, result, X = trained
    streams = recipe._streams(result.table, [X])
    (_, plain), (_, cooler) = recipe.fit(streams), recipe.fit(streams, 2.0)
    rows = np.random.default_rng(0).normal(size=(5, 95))
    logits = plain.decision_function(rows) / 2
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(cooler.predict_proba(rows), p)


def test_no_other_temperature_is_better_on_the_speakers_left_out(trained):
    _, result, _ = trained
    labels = sorted(result.labels)
    p, truth = result.predictions[[f"p_{label}" for label in labels]].to_numpy(), result.predictions["truth"]
    weights = 1 / truth.map(truth.value_counts())

    def loss(temperature):
        q = p ** (1 / temperature)
        return log_loss(truth, q / q.sum(axis=1, keepdims=True), sample_weight=weights)

    assert loss(1.0) <= min(loss(0.9), loss(1.1))


def test_corpora_weigh_the_same_whatever_their_size():
    rng = np.random.default_rng(0)

    def stream(corpus, n, shift):
        y = np.array(["a", "b"] * (n // 2))
        return recipe.Stream(corpus, f"{corpus}{n}", rng.normal(size=(n, 1)) + shift * (y == "a")[:, None], y)

    _, alone = recipe.fit([stream("x", 100, 2)])
    _, both = recipe.fit([stream("x", 2000, 2), stream("y", 100, -2)])
    assert abs(both.coef_[0, 0]) < 0.3 * abs(alone.coef_[0, 0])


def test_it_is_judged_abroad_as_it_is_used(trained):
    model, result, X = trained
    judged = workflow._judged(model, X, result.table, model.card)
    order = workflow.spoken_order(result.table)
    rows, speakers = X.iloc[order].to_numpy(np.float32), result.table["speaker"].iloc[order]
    expected = model.classes_[model.predict_features(model.normaliser_.by_speaker(rows, speakers)).argmax(axis=1)]
    assert judged.predictions["predicted"].loc[X.index[order]].tolist() == expected.tolist()


def test_what_cannot_be_trained_is_one_sentence(monkeypatch):
    with pytest.raises(ModelError, match="needs a row of numbers per window: choose quick"):
        recipe.train(["synthetic-small"], "logmel", jobs=1, progress=False)
    monkeypatch.setattr(recipe, "here", list)
    with pytest.raises(CorpusError, match=r"no real corpus .* `ser download ravdess`"):
        recipe.train(progress=False)
    done = CliRunner().invoke(app, ["train", "--recipe", "--scheme", "shared"])
    assert done.exit_code == 2
    assert "--recipe has its own labels" in " ".join(done.output.replace("│", " ").split())
    assert CliRunner().invoke(app, ["train", "synthetic-small"]).exit_code == 2  # neither --out nor --recipe
    done = CliRunner().invoke(app, ["train", "--recipe", "--on-disk"])
    assert done.exit_code == 2
    assert "computes in the memory of this machine" in " ".join(done.output.replace("│", " ").split())


def test_a_corpus_that_cannot_be_used_is_left_out_with_a_warning(monkeypatch):
    monkeypatch.setattr(recipe, "here", lambda: ["synthetic-small", "tess"])
    monkeypatch.setenv("SER_DATA_HOME", "nowhere")
    with pytest.warns(corpora.CorpusWarning, match="tess is left out: There is no TESS"):
        assert set(recipe._windows(None, 1, False)["corpus"]) == {"synthetic"}


def test_the_command_writes_the_model_that_the_programs_take(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "train", lambda names, kind, jobs: trained)
    monkeypatch.setattr(ready_models, "recipe_file", lambda: tmp_path / "models" / "recipe.ser")
    done = CliRunner().invoke(app, ["train", "--recipe"])
    assert done.exit_code == 0, done.output
    assert "it says uncertain" in done.output
    assert models.window_model("best").card == trained[0].card


def test_the_best_model_is_that_of_the_recipe_else_the_shipped_one_else_a_synthetic_one(path, tmp_path, monkeypatch):
    monkeypatch.setattr(ready_models, "recipe_file", lambda: path)
    assert models.window_model("best").card.speakers[0] == "synthetic-01"
    monkeypatch.setattr(ready_models, "recipe_file", lambda: tmp_path / "none.ser")
    assert models.window_model("best", band="phone").card == models.window_model("real").card
    (tmp_path / "bad.ser").write_bytes(b"bad")
    monkeypatch.setattr(ready_models, "REAL", tmp_path / "bad.ser")
    with pytest.warns(UserWarning, match=r"bad\.ser is damaged.* Another model is taken"):
        assert models.window_model("best").label == "window model linear, trained on synthetic speech"


def test_the_service_names_it_with_its_score():
    from ser_helpers.service.prometheus import Metrics

    engine = InferenceEngine(Settings(), Metrics(), models.window_model("real"))
    assert engine.label.startswith("logistic regression of adapted windows on quick, trained on ravdess + synthetic")
    assert "UAR 0." in engine.label


def test_the_shipped_model_says_under_which_licence_and_on_whose_voices():
    model = models.window_model("real")
    assert ready_models.REAL.stat().st_size < 40_000
    assert model.card.licences["ravdess"] == "CC BY-NC-SA 4.0"
    assert "24 speakers of RAVDESS" in model.card.notes[0]
    assert model.card.score > 0.55
    assert model.threshold_ == recipe.THRESHOLD
