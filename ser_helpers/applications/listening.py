"""What the service listens with: one model for all calls, windows of several calls judged together, uploads read."""

import copy
import re
import shutil
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import soundfile as sf

from ser_helpers import audio, models, streaming
from ser_helpers.applications import call_centre
from ser_helpers.applications.alerts import AlertRule
from ser_helpers.applications.sessions import window_message
from ser_helpers.errors import AudioError


class Timed:
    """A window model that tells the service's metrics how long its features and its classifier take. Lesson 13."""

    def __init__(self, model, metrics, batched=False):
        if batched and hasattr(model, "batched"):
            model = copy.copy(model)
            model.batched = True
        self.model, self.metrics, self.classes_ = model, metrics, model.classes_

    def predict_proba(self, windows):
        """(n, samples) to (n, k), as the model gives it."""
        self.metrics.batch.observe(len(windows))
        begun = time.perf_counter()
        if hasattr(self.model, "features"):
            windows, classify = self.model.features(windows), self.model.classify
            self.metrics.time("features", time.perf_counter() - begun)
            begun = time.perf_counter()
        else:
            classify = self.model.predict_proba
        found = classify(windows)
        self.metrics.time("model", time.perf_counter() - begun)
        return found


class Ear:
    """Makes monitors for calls, and hears uploaded files. Lesson 13.

    `model` and `rule` as in `create_app`.
    """

    def __init__(self, settings, metrics, model=None, rule=None):
        self.settings, self.metrics, self.rule = settings, metrics, rule or AlertRule()
        model = models.window_model(settings.model, band="phone") if model is None else model
        self.alone = Timed(model, metrics)
        self.batcher = streaming.Batcher(Timed(model, metrics, batched=True)) if settings.batch else None
        self.emotions = [str(emotion) for emotion in model.classes_]

    def monitor(self, parties, sr):
        """What listens to one call of these parties, one per channel."""
        settings = {"denoise": self.settings.denoise, "inferred": self.settings.inferred}
        return call_centre.CallMonitor(self.batcher or self.alone, self.rule, parties, sr, **settings)

    def hear_file(self, file, name, channel=None):
        """Seconds and windows (`messages.Window`) of an uploaded recording, of which only a temporary copy is made."""
        suffix = re.fullmatch(r"\.\w{1,8}", Path(name).suffix)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"upload{suffix[0] if suffix else ''}"
            with path.open("wb") as kept:
                shutil.copyfileobj(file, kept)
            try:
                y = self._samples(path, channel)
            except AudioError as error:
                raise AudioError(str(error).replace(str(path), "this recording")) from None
        detector = streaming.Detector(self.alone, sr=16000)
        estimates = [*detector.feed(y), *detector.finish()]
        return len(y) / 16000, [window_message("customer", estimate, self.emotions) for estimate in estimates]

    def close(self):
        """Stop the thread that puts windows together."""
        if self.batcher:
            self.batcher.close()

    def _samples(self, path, channel):
        most = self.settings.upload_seconds
        if channel is not None:
            return _one_channel(path, channel, most)
        held, seconds = [], 0.0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            for block in audio.blocks(path, seconds=10.0):
                held.append(block)
                seconds += len(block) / 16000
                if seconds > most:
                    raise AudioError(_too_long(most))
        return np.concatenate(held)


def demo_paths():
    """The embedded calls, made once. Lesson 13."""
    return [Path(path) for path in call_centre.demo_calls()]


def _one_channel(path, channel, most):
    try:
        info = sf.info(path)
        if channel >= info.channels:
            raise AudioError(f"The recording has {info.channels} channels, counted from 0: there is no {channel}.")
        if info.duration > most:
            raise AudioError(_too_long(most))
        y, sr = sf.read(path, dtype="float32", always_2d=True)
    except sf.LibsndfileError as error:
        raise AudioError("One channel can be read of wav, flac, ogg or mp3 only: convert the recording.") from error
    return audio.resample(np.nan_to_num(y[:, channel]), sr, 16000)


def _too_long(most):
    return f"The recording is longer than {most:g} s: send it in parts."
