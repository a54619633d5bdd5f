"""Smaller and faster: one model in several versions, each with its size, time of a window and quality.

The small network is judged on turns of the embedded conversations, whose speakers it has never heard. The encoder has
the size of wav2vec2-base and random weights: they cost what trained ones cost, and have no quality to lose, so its
embeddings are compared instead. INT8 is wanted at a quarter of the encoder's size and no slower than ONNX.
"""

import tempfile
import time

import numpy as np
import pandas as pd

from ser_helpers import corpora, models, pretrained
from ser_helpers.course.figures import lesson12_streaming

THREADS = 2


def bench():
    """One row per version, first of the small network and then of the encoder."""
    return pd.concat({"cnn": _small(), "wav2vec2-base, random weights": _large()}).round(3)


def _small():
    table = corpora.load("synthetic-iemocap")
    turns = table[table["emotion"].isin(lesson12_streaming.FOUR)].sample(300, random_state=0)
    windows, emotions = lesson12_streaming.around(turns)
    cnn = models.window_model("cnn")
    X, network = cnn.features(windows), cnn.classifier_
    onnx = models.to_onnx(network, X)
    versions = {
        "Keras": network,
        "ONNX": onnx,
        "INT8, products": models.quantise(onnx),
        "INT8, convolutions too": models.quantise(onnx, ("MatMul", "Conv")),
        "half precision": models.to_float16(onnx),
        "20 % pruned": models.to_onnx(models.prune(network, 0.2), X),
        "50 % pruned": models.to_onnx(models.prune(network, 0.5), X),
    }
    return models.compare_sizes(versions, X, emotions)


def _large():
    window = (0.1 * np.random.default_rng(0).normal(size=48000)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        encoder = _encoder(folder)
        onnx = models.OnnxModel(models.to_onnx(encoder, window[None]).content, THREADS)
        versions = {"torch": lambda y: encoder.embed([y])[0], "ONNX": onnx, "INT8, products": models.quantise(onnx)}
        embeddings = {name: version(window) for name, version in versions.items()}
        ms = {name: _median_ms(version, window) for name, version in versions.items()}
    rows = {
        name: {
            "kB": len(version.content) / 1000 if isinstance(version, models.OnnxModel) else np.nan,
            "ms": ms[name],
            "times_faster": ms["torch"] / ms[name],
            "correlation": np.corrcoef(embeddings[name], embeddings["torch"])[0, 1],
        }
        for name, version in versions.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def _encoder(folder):
    """Of wav2vec2-base's size: all of its twelve blocks."""
    pretrained.ensure_torchaudio()
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model
    from transformers.utils import logging

    logging.disable_progress_bar()
    Wav2Vec2Model(Wav2Vec2Config()).save_pretrained(folder)
    Wav2Vec2FeatureExtractor().save_pretrained(folder)
    return pretrained.Encoder(folder, layers=12, pooling="mean", device="cpu")


def _median_ms(version, window, calls=7):
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        version(window)
        times.append(1000 * (time.perf_counter() - start))
    return float(np.median(times))
