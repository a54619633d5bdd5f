import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from ser_helpers import models, pretrained
from ser_helpers.errors import ModelError
from ser_helpers.models import ready_models
from ser_helpers.streaming import WindowModel

WINDOW = 48000


def noise(n, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, WINDOW)) * rng.uniform(0.01, 0.1, (n, 1))).astype(np.float32)


def loudness(window):
    return np.log([np.std(window), np.abs(window).max()])


@pytest.fixture(scope="module")
def fitted():
    windows = noise(20)
    loud = windows.std(axis=1) > np.median(windows.std(axis=1))
    classifier = make_pipeline(StandardScaler(), LogisticRegression())
    return models.WindowClassifier(loudness, classifier).fit(windows, np.where(loud, "loud", "soft"))


def test_a_window_does_not_depend_on_its_company(fitted):
    windows = noise(7, seed=1)
    alone = np.concatenate([fitted.predict_proba(window[None]) for window in windows])
    np.testing.assert_array_equal(fitted.predict_proba(windows), alone)
    assert alone.dtype == np.float64
    np.testing.assert_allclose(alone.sum(axis=1), 1)


def test_batched_gives_nearly_the_same(fitted):
    batched = clone(fitted).set_params(batched=True)
    batched.classifier_ = fitted.classifier_
    np.testing.assert_allclose(batched.predict_proba(noise(5)), fitted.predict_proba(noise(5)), atol=1e-9)


def test_stages_apart_are_the_whole(fitted):
    assert isinstance(fitted, WindowModel)
    windows = noise(3)
    np.testing.assert_array_equal(fitted.predict_features(fitted.features(windows)), fitted.predict_proba(windows))


@pytest.mark.parametrize("kind", ["quick", "logmel"])
def test_a_kind_is_a_feature_extractor(kind):
    X = models.WindowClassifier(kind, None).features(noise(2))
    assert X.dtype == np.float32
    assert X.shape == {"quick": (2, 95), "logmel": (2, 301, 64)}[kind]


def test_an_encoder_is_a_feature_extractor():
    encoder = pretrained.Encoder("facebook/no-such-wav2vec2", layers=[1], pooling="mean", device="cpu")
    alone = models.WindowClassifier(encoder, None).features(noise(2))
    together = models.WindowClassifier(encoder, None, batched=True).features(noise(2))
    assert alone.shape == (2, 96)
    np.testing.assert_allclose(alone, together, atol=1e-4)


@pytest.mark.parametrize(
    ("windows", "sentence"),
    [
        (np.zeros((1, 16000)), "shape"),
        ([[0.1], [0.1, 0.2]], "unequal rows"),
        (np.zeros((0, WINDOW)), "at least one"),
        (np.zeros((1, WINDOW), np.int16), "divide integers"),
        (np.full((1, WINDOW), np.nan), "NaN"),
    ],
)
def test_what_is_no_window_gets_a_sentence(fitted, windows, sentence):
    with pytest.raises(ModelError, match=sentence):
        fitted.predict_proba(windows)


def growing():
    sizes = iter(range(1, 9))
    return lambda window: np.zeros(next(sizes))


@pytest.mark.parametrize(
    ("extractor", "sentence"),
    [
        (pretrained.Encoder, "feature_extractor is a kind of feature, an Encoder or a function"),
        (growing(), "same shape for every window"),
        (lambda window: "loud", "The feature extractor must give numbers"),
    ],
)
def test_what_is_no_feature_extractor_is_refused(extractor, sentence):
    with pytest.raises(ModelError, match=sentence):
        models.WindowClassifier(extractor, LogisticRegression()).fit(noise(2), ["a", "b"])


def test_an_encoder_needs_pooling():
    encoder = pretrained.Encoder("facebook/no-such-wav2vec2", pooling=None, device="cpu")
    with pytest.raises(ModelError, match="give it pooling='mean'"):
        models.WindowClassifier(encoder, None).features(noise(1))


@pytest.mark.parametrize("classifier", [LinearSVC(), LogisticRegression])
def test_a_classifier_without_probabilities_is_not_trained(classifier):
    with pytest.raises(ModelError, match="gives no probabilities: give a classifier"):
        models.WindowClassifier(np.std, classifier).fit(noise(2), ["a", "b"])


def test_unfitted_is_said():
    with pytest.raises(NotFittedError):
        models.WindowClassifier("quick", LogisticRegression()).predict(noise(1))


def test_it_can_be_pickled_and_cloned(fitted):
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.predict_proba(noise(2)), fitted.predict_proba(noise(2)))
    assert clone(fitted).get_params()["feature_extractor"] is not None


@pytest.mark.parametrize("band", ready_models.BANDS)
def test_voices_are_the_same_every_time(band, monkeypatch):
    monkeypatch.setattr(ready_models, "TURNS", 3)
    once, again = (list(ready_models.windows_of(2, band)) for _ in range(2))
    for (window, emotion), (other, other_emotion) in zip(once, again, strict=True):
        np.testing.assert_array_equal(window, other)
        assert emotion == other_emotion
        assert window.shape == (WINDOW,)
        assert window.dtype == np.float32


def test_a_telephone_passes_no_bass_and_no_treble(monkeypatch):
    monkeypatch.setattr(ready_models, "TURNS", 2)
    windows = np.array([window for window, _ in ready_models.windows_of(3, "phone")])
    power = (np.abs(np.fft.rfft(windows)) ** 2).sum(axis=0)
    hertz = np.fft.rfftfreq(WINDOW, 1 / 16000)
    inside = power[(hertz > 300) & (hertz < 3400)].mean()
    assert power[hertz < 150].mean() < 0.03 * inside
    assert power[hertz > 4200].mean() < 1e-3 * inside


def test_what_models_are_trained_on_is_the_same_on_any_number_of_cores(monkeypatch):
    monkeypatch.setattr(ready_models, "TURNS", 6)
    model = models.WindowClassifier("quick", None)
    with threadpool_limits(2):
        X, emotions = ready_models._voice(model, 1, "wide")
    with threadpool_limits(1):
        again, _ = ready_models._voice(model, 1, "wide")
    np.testing.assert_array_equal(X, again)
    assert len(X) == len(emotions)


@pytest.fixture
def few_voices(tmp_path, monkeypatch):
    """A cache of its own, and a training set of a few seconds."""
    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(ready_models, "SHIPPED", tmp_path / "nothing")
    monkeypatch.setattr(ready_models, "JOBS", 1)
    monkeypatch.setattr(ready_models, "VOICES", range(1, 3))
    monkeypatch.setattr(ready_models, "TURNS", 16)
    return tmp_path


def test_the_ready_model_is_trained_once(few_voices):
    model = models.window_model("linear")
    assert model.classes_.tolist() == ["angry", "happy", "neutral", "sad"]
    assert model.label == "window model linear, trained on synthetic speech"
    said = model.predict_proba(noise(2))
    ready_models._load.cache_clear()
    ready_models.VOICES = None  # a second training would fail
    np.testing.assert_array_equal(models.window_model("linear").predict_proba(noise(2)), said)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "file", "damage"),
    [
        ("linear", "model.skops", b""),
        ("linear", "model.skops", b"garbage"),
        ("linear", "model.skops", "half"),
        ("linear", "model.skops", "gone"),
        ("cnn", "model.keras", "half"),
    ],
)
def test_a_damaged_ready_model_is_trained_again_and_replaced(name, file, damage, few_voices, monkeypatch):
    trained = []
    X = np.random.default_rng(0).normal(size=(16, *((150, 40) if name == "cnn" else (95,))))
    y = np.array(["angry", "happy", "neutral", "sad"] * 4)
    monkeypatch.setattr(ready_models, "training_set", lambda *_: trained.append(name) or (X, y))
    said = models.window_model(name).predict_proba(noise(2))
    (path,) = (few_voices / "checkpoints").glob(f"window-*/{file}")
    whole = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(whole[: len(whole) // 2] if damage == "half" else damage)
    for _ in range(2):
        ready_models._load.cache_clear()
        np.testing.assert_array_equal(models.window_model(name).predict_proba(noise(2)), said)
    assert trained == [name] * 2


def test_the_ready_model_knows_strangers_at_any_loudness():
    pairs = [pair for voice in range(60, 64) for pair in ready_models.windows_of(voice, "wide")]
    windows, emotions = zip(*pairs, strict=True)
    windows = np.array(windows)
    model = models.window_model("linear")
    assert recall_score(emotions, model.predict(windows), average="macro") > 0.38
    softer = model.predict_proba(0.5 * windows[:4])
    np.testing.assert_allclose(softer, model.predict_proba(windows[:4]), atol=0.02)


@pytest.mark.parametrize(("name", "band"), [("forest", "wide"), ("linear", "radio")])
def test_unknown_models_are_refused(name, band):
    with pytest.raises(ValueError, match=r"choose best, real, linear, cnn, encoder for wide or phone"):
        models.window_model(name, band)


@pytest.mark.parametrize(("name", "band"), [("linear", "wide"), ("linear", "phone"), ("cnn", "wide")])
def test_ready_models_come_with_the_package(name, band, tmp_path, monkeypatch):
    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path))
    ready_models._load.cache_clear()
    model = models.window_model(name, band)
    assert model.classes_.tolist() == ["angry", "happy", "neutral", "sad"]
    assert not list(tmp_path.iterdir())
