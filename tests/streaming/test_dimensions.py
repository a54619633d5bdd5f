"""A second model of the same windows, of valence and arousal: its numbers, its smoothing, and who may be asked."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from ser_helpers import models
from ser_helpers.call_centre.monitor import CallMonitor, window_table
from ser_helpers.errors import ModelError
from ser_helpers.pretrained import DimensionalModel
from ser_helpers.streaming import Batcher, Detector, detect, to_timeline
from ser_helpers.streaming.predictions import as_dimension_model

NAMES = ("valence", "arousal", "dominance")


class Level:
    """Arousal is ten times the level; valence lies outside the scale."""

    output_names = NAMES
    asked = 0

    def features(self, windows):
        self.asked += len(windows)
        return windows

    def predict_features(self, X):
        level = np.sqrt(np.mean(np.square(X, dtype=float), axis=1))
        return np.stack([np.full(len(X), -3.0), level * 10 - 1, np.zeros(len(X))], axis=1)


@pytest.fixture
def swelling():
    """Seven seconds of noise that gets louder, at 16 kHz."""
    return np.random.default_rng(0).normal(0, np.linspace(0.01, 0.15, 112000)).astype(np.float32)


def test_the_numbers_are_those_of_the_model_smoothed_like_the_emotions_and_kept_on_the_scale(model, swelling):
    timeline = detect(swelling, model, vad=False, weight=0.5, dimensions=Level())
    raw = [Level().predict_features(swelling[None, end - 48000 : end])[0, 1] for end in range(48000, 112001, 16000)]
    expected = [raw[0]]
    for value in raw[1:]:
        expected.append(0.5 * expected[-1] + 0.5 * value)
    np.testing.assert_allclose(timeline["arousal"], expected, atol=1e-6)
    assert (timeline["valence"] == -1).all()
    assert timeline.columns[-4:].tolist() == ["gap", *NAMES]


def test_the_emotions_are_what_they_are_without_it(model, swelling):
    alone, beside = (detect(swelling, model, vad=False, dimensions=one) for one in (None, Level()))
    assert beside[alone.columns].equals(alone)


def test_live_and_offline_agree(model, speechlike, vad):
    y = speechlike(16000)
    detector = Detector(model, vad=vad, dimensions=Level())
    predictions = [one for chunk in np.array_split(y, 13) for one in detector.feed(chunk)] + detector.finish()
    live = to_timeline(predictions, detector.classes_, detector.dimensions_)
    whole = detect(y, model, vad=vad, dimensions=Level())
    assert live.equals(whole)
    assert whole["arousal"].isna().equals(whole["emotion"].isna())


def test_a_gap_has_no_numbers_and_starts_them_afresh(model, swelling):
    detector = Detector(model, vad=False, dimensions=Level())
    before = detector.feed(swelling)
    gap = detector.lost(5)
    assert {one.dimensions is None for one in gap} == {True}
    (again, *_) = detector.feed(np.concatenate([np.zeros(16000, np.float32), swelling]))[3:]
    assert again.dimensions is not None
    assert again.dimensions[1] < before[-1].dimensions[1]


def test_features_that_both_models_take_are_computed_once(swelling, monkeypatch):
    asked = []
    real = models.WindowClassifier.features
    for kind in (models.WindowClassifier, models.WindowRegressor):
        monkeypatch.setattr(kind, "features", lambda self, windows: asked.append(type(self)) or real(self, windows))
    for band, computed in [("wide", 1), ("phone", 2)]:
        asked.clear()
        list(detect(swelling[:48000], models.window_model(), vad=False, dimensions=models.window_dimensions(band=band)))
        assert len(asked) == computed


def test_the_agents_voice_never_reaches_the_model(model):
    y = np.random.default_rng(0).normal(0, 0.1, (64000, 2))
    dimensions = Level()
    monitor = CallMonitor(model, sr=16000, denoise=False, vad=False, dimensions=dimensions)
    table = window_table(monitor.feed(y), monitor.classes_, monitor.dimensions_)
    assert table[table.party == "agent"]["arousal"].isna().all()
    assert table[table.party == "customer"]["arousal"].notna().all()
    assert dimensions.asked == 2


def test_a_batcher_hands_the_numbers_on(model, swelling):
    with Batcher(Level(), max_wait=0) as batcher:
        found = detect(swelling, model, vad=False, dimensions=batcher)
    assert found.equals(detect(swelling, model, vad=False, dimensions=Level()))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: models.window_model(), "predicts angry, happy, neutral, sad, and here it must predict valence and"),
        (lambda: models.WindowRegressor("quick", Ridge()), "predicts arousal, and here .* --target valence,arousal"),
        (lambda: DimensionalModel("nobody/wav2vec2-dim"), r"from 0 to 1: give it scale=\(-1, 1\)"),
    ],
)
def test_other_models_are_refused_with_what_to_do(model, make, sentence):
    with pytest.raises(ModelError, match=sentence):
        Detector(model, dimensions=make())


@pytest.mark.parametrize("band", ["wide", "phone"])
def test_the_ready_models_say_that_their_voices_are_synthetic(band):
    ready = models.window_dimensions(band=band)
    assert as_dimension_model(ready) is ready
    assert ready.card.synthetic
    assert ready.card.targets == ready.output_names == NAMES
    assert ready.label == "ridge regression on quick, trained on synthetic voices (synthetic speech)"
    assert ready.card.verdict.startswith("CCC on windows of 3 s of unseen speakers, with 95 % intervals: valence 0.")
    assert [one["score"] > 0.1 for one in ready.card.scores] == [True] * 3


def test_unknown_models_and_missing_weights_are_said_in_a_sentence(tmp_path, monkeypatch):
    with pytest.raises(ModelError, match="no model of dimensions 'oracle' for 'wide': choose linear or audeering"):
        models.window_dimensions("oracle")
    monkeypatch.setenv("SER_MODELS_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="not on this machine: ser download audeering/wav2vec2-large"):
        models.window_dimensions("audeering")
