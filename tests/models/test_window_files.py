"""A model of windows is one file: saved with its card, and taken by every program, as an object or a path."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_helpers import audio, corpora, evaluation, features, models, podcast, streaming
from ser_helpers.call_centre import CallMonitor, analyse, demo_calls
from ser_helpers.errors import ModelError
from ser_helpers.pretrained import Encoder
from ser_helpers.service import Settings
from ser_helpers.service.inference import InferenceEngine


@pytest.fixture(scope="module")
def table():
    return corpora.harmonise(corpora.load("synthetic-small"), "iemocap4")


@pytest.fixture(scope="module")
def windows(table):
    return features.cut_windows(table, progress=False)


def classifier():
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))


@pytest.fixture(scope="module")
def card(windows):
    X = features.extract(windows, "quick", seconds=3, progress=False)
    result = evaluation.cross_validate(classifier(), X, windows, n_splits=2, name="logistic", progress=False)
    return models.ModelCard.of(result, seconds=3.0, gaps=result.gaps("gender").to_dict("records"), date="2026-11-21")


@pytest.fixture(scope="module")
def fitted(windows):
    X = features.extract(windows, "quick", seconds=3, progress=False)
    return models.WindowClassifier("quick", classifier()).fit_features(X, windows.emotion)


@pytest.fixture(scope="module")
def path(fitted, windows, card, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "voice.ser"
    X = features.extract(windows, "quick", seconds=3, progress=False)
    models.save(fitted, path, X=X, table=windows, card=card)
    return path


@pytest.fixture(scope="module")
def utterance_model(table, tmp_path_factory):
    X = features.extract(table, "egemaps", progress=False)
    path = tmp_path_factory.mktemp("models") / "utterances.ser"
    models.save(classifier().fit(X, table.emotion), path, X=X, table=table)
    return path


@pytest.fixture(scope="module")
def call():
    return audio.load(demo_calls()[0])[: 10 * 16000]


def test_it_comes_back_the_same(fitted, path, windows, card):
    loaded = models.load(path)
    some = [audio.pad(audio.load(w.path, start=w.start, end=w.end), 48000) for w in windows[:5].itertuples()]
    np.testing.assert_array_equal(loaded.predict_proba(np.array(some)), fitted.predict_proba(np.array(some)))
    assert loaded.card == card
    assert loaded.label == "logistic on quick, trained on synthetic (synthetic speech)"
    assert loaded.card.verdict.startswith("UAR 0.")
    assert isinstance(loaded, streaming.WindowModel)


@pytest.mark.parametrize("kind", ["egemaps", "logmel", "mfcc with deltas", "encoder"])
def test_any_features_can_be_saved(kind, windows, tmp_path):
    some = windows.groupby("emotion").head(4)
    parameters = None
    if kind == "encoder":
        kind = Encoder("facebook/no-such-wav2vec2", layers=[1], device="cpu")
    elif kind == "mfcc with deltas":
        kind, parameters = "mfcc", {"deltas": True}
    X = features.extract(some, kind, seconds=3, progress=False, **(parameters or {}))
    network = make_pipeline(models.FixedFrames(50), models.KerasClassifier(tiny, epochs=1))
    inner = network if isinstance(X, pd.Series) else classifier()
    model = models.WindowClassifier(kind, inner, parameters=parameters).fit_features(X, some.emotion)
    models.save(model, tmp_path / "any.ser", X=X, table=some)
    y = audio.pad(audio.load(some.path.iloc[0])[:48000], 48000)[None]
    loaded = models.load(tmp_path / "any.ser")
    np.testing.assert_allclose(loaded.predict_proba(y), model.predict_proba(y), atol=1e-6)


def tiny(input_shape, n_classes):
    import keras

    model = keras.Sequential([keras.Input(input_shape), keras.layers.GlobalAveragePooling1D()])
    model.add(keras.layers.Dense(n_classes, activation="softmax"))
    model.compile("adam", "categorical_crossentropy")
    return model


def test_every_program_takes_the_path(fitted, path, call, table):
    timeline = streaming.detect(call, path)
    pd.testing.assert_frame_equal(timeline, streaming.detect(call, fitted))
    assert [window.end for window in streaming.Detector(path).feed(call)] == timeline.end.tolist()
    assert CallMonitor(path, sr=16000).classes_.tolist() == fitted.classes_.tolist()
    assert set(fitted.classes_) < set(analyse(demo_calls()[0], path, denoise=False).windows)
    assert "angry" in podcast.emotions_over_time(table.path.iloc[0], path)


def test_the_service_takes_the_path_and_names_the_model(path):
    engine = InferenceEngine(Settings(model=str(path), denoise=False), metrics=None)
    assert engine.emotions == ["angry", "happy", "neutral", "sad"]
    assert engine.label == str(models.window_model(str(path)).card)
    assert engine.label.startswith("logistic on quick, trained on synthetic (synthetic speech), UAR 0.")


def test_an_utterance_model_is_refused_at_once_with_what_to_do(utterance_model, call):
    for use in (streaming.Detector, CallMonitor, streaming.Batcher):
        for model in (utterance_model, models.load(utterance_model)):
            with pytest.raises(ModelError, match=r"trained on whole utterances.* `ser train`"):
                use(model)


def test_a_function_of_your_own_cannot_be_saved(windows, tmp_path):
    model = models.WindowClassifier(np.std, LogisticRegression())
    model.fit(np.random.default_rng(0).normal(size=(4, 48000)), ["sad", "happy"] * 2)
    with pytest.raises(ModelError, match="function of your own"):
        models.save(model, tmp_path / "own.ser", X=np.ones((4, 1)), table=windows[:4])


def test_other_features_are_refused(fitted, windows, tmp_path):
    X = features.extract(windows[:4], "prosody", seconds=3, progress=False)
    with pytest.raises(ModelError, match="X contains 'prosody' features, and this model computes 'quick' features"):
        models.save(fitted, tmp_path / "x.ser", X=X, table=windows)


def test_a_damaged_card_is_refused(card):
    values = card.to_dict()
    assert models.ModelCard.from_dict(values) == card
    for damaged in ({**values, "surplus": 1}, {key: values[key] for key in values if key != "labels"}):
        with pytest.raises(ModelError, match="card is damaged"):
            models.ModelCard.from_dict(damaged)
