"""Throughput: hours of audio per core hour of `predict` and `podcast`, by model, beside a loop over transformers.

20 s of an embedded episode, windows of 3 s every second, by processor time: the fastest of three interleaved runs. The
podcast is without laughter detection and transcript. Whisper-base is measured where its weights are: with a classifier
of its embedding, and as most tutorials use it, window by window through transformers' audio-classification pipeline,
which pads each to 30 s. Windows without speech cost `predict` and `podcast` little; "times the pipeline" compares the
windows alone.
"""

import tempfile
import time
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from benchmarks.timing import fastest
from ser_helpers import audio, models, podcast, synthesis, workflow
from ser_helpers.models.windows import SAMPLE_RATE, WINDOW
from ser_helpers.pretrained import Encoder, ensure_torchaudio
from ser_helpers.pretrained.encoder import one_core

SECONDS, WHISPER, FEW = 20, "openai/whisper-base", 2


def bench():
    """One row per model: hours of audio per core hour, and windows per core second."""
    episode = min((synthesis.ensure_show("small", progress=False) / "episodes").iterdir())
    sound = audio.load(episode)[: SECONDS * SAMPLE_RATE]
    windows = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::SAMPLE_RATE]
    tools = {"linear": models.window_model("linear"), "small CNN": models.window_model("cnn")}
    encoder = Encoder(WHISPER, layers=[3], pooling="mean", device="cpu")
    pipeline = None if encoder.stand_in else _pipeline(encoder.folder)
    if pipeline:
        rng, labels = np.random.default_rng(0), ["angry", "happy", "neutral", "sad"]
        whisper = models.WindowClassifier(encoder, LogisticRegression())
        tools["Whisper-base"] = whisper.fit_features(rng.normal(size=(8, encoder.dims)), labels * 2)
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1), one_core():
        path = Path(folder) / "episode.wav"
        soundfile.write(path, sound, SAMPLE_RATE)
        works = [work for model in tools.values() for work in _works(path, windows, model)]
        if pipeline:
            works.append(lambda: [pipeline(window) for window in windows[:FEW]])
        times = iter(fastest(*works, clock=time.process_time))
    rows = {name: [SECONDS / next(times), SECONDS / next(times), len(windows) / next(times)] for name in tools}
    if pipeline:
        rate = FEW / next(times)
        rows["transformers' pipeline, Whisper-base"] = [SECONDS * rate / len(windows), np.nan, rate]
        for row in rows.values():
            row.append(row[2] / rate)
    columns = ["predict: h per core h", "podcast: h per core h", "windows per core s", "times the pipeline"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns[: len(rows["linear"])]).rename_axis("model")
    return table.map(lambda number: "" if np.isnan(number) else f"{number:.3g}")


def _works(path, windows, model):
    """What is timed of a model: prediction of the file, its analysis as a podcast, and its windows alone."""
    fresh = count()
    settings = {"jobs": 1, "progress": False}
    return (
        lambda: workflow.predict([path], model, progress=False),
        lambda: podcast.process([path], path.with_name(f"{id(model)}-{next(fresh)}"), model, **settings),
        lambda: model.predict_proba(windows),
    )


def _pipeline(folder):
    ensure_torchaudio()
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    network = transformers.AutoModelForAudioClassification.from_pretrained(folder)
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    return transformers.pipeline("audio-classification", model=network.float(), feature_extractor=extractor)
