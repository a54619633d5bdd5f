"""Latency: milliseconds of work per window of the live detector, stage by stage, p50 / p95 / p99.

Synthetic speech comes in chunks of 20 ms at 44.1 kHz in stereo, as from a sound card; a window of 3 s ends every
second. A stage counts all its work since the window before, so "total" is more than what a listener waits for. The
encoder has the size of wav2vec2-base and random weights: they cost what trained ones cost. Wanted: less than 20 ms for
the small network, less than 500 ms for the encoder.
"""

import tempfile

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from ser_helpers import audio, corpora, models, pretrained
from ser_helpers.streaming import Detector

RATE, CHUNK = 44100, 882
WINDOWS = np.zeros((1, 48000), np.float32)


def bench():
    """One row per model, one column per stage."""
    speech = np.concatenate([audio.load(path, RATE) for path in corpora.load("synthetic-small")["path"][:40]])
    cnn = models.window_model("cnn")
    rows = {
        "linear": _row(models.window_model("linear"), speech, 120),
        "small CNN, Keras": _row(cnn, speech, 120),
        "small CNN, ONNX": _row(models.to_onnx(cnn, WINDOWS), speech, 120),
    }
    with tempfile.TemporaryDirectory() as folder:
        large = _encoder(folder)
        rows["wav2vec2-base, torch"] = _row(large, speech, 20)
        large.front = models.quantise(models.OnnxModel(models.to_onnx(large.front, WINDOWS).content, threads=2))
        rows["wav2vec2-base, ONNX INT8"] = _row(large, speech, 20)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("ms per window")


def _row(model, speech, seconds):
    model.predict_proba(WINDOWS)
    detector = Detector(model, sr=RATE, min_speech=0)
    sound = np.resize(speech, seconds * RATE)
    for chunk in np.split(np.stack([sound, sound], axis=1), range(CHUNK, len(sound), CHUNK)):
        detector.feed(chunk)
    return {stage: " / ".join(f"{ms:.1f}" for ms in row) for stage, row in detector.latency.iterrows()}


def _encoder(folder):
    """A window model on an encoder of wav2vec2-base's size."""
    pretrained.ensure_torchaudio()
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model
    from transformers.utils import logging

    logging.disable_progress_bar()
    Wav2Vec2Model(Wav2Vec2Config()).save_pretrained(folder)
    Wav2Vec2FeatureExtractor().save_pretrained(folder)
    encoder = pretrained.Encoder(folder, layers=12, pooling="mean", device="cpu")
    model = models.WindowClassifier(encoder, LogisticRegression())
    rng = np.random.default_rng(0)
    return model.fit_features(rng.normal(size=(8, encoder.dims)), ["angry", "happy", "neutral", "sad"] * 2)
