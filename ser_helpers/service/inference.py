"""Inference: one model for all calls, windows of several calls in one batch, uploaded recordings."""

import contextlib
import re
import shutil
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import soundfile as sf

from ser_helpers import audio, models, streaming
from ser_helpers.call_centre.alerts import AlertRule
from ser_helpers.call_centre.monitor import CallMonitor, WindowEvent
from ser_helpers.errors import AudioError
from ser_helpers.service.schemas import MAX_RATE
from ser_helpers.service.sessions import window_message
from ser_helpers.streaming.predictions import as_dimension_model, as_window_model, batched


class TimedModel:
    """A window model that reports the time of its features and its classifier to the service's metrics. Lesson 13."""

    def __init__(self, model, metrics):
        self.model, self.metrics, self.output_names = model, metrics, model.output_names
        self.feature_extractor = getattr(model, "feature_extractor", None)
        self.parameters = getattr(model, "parameters", None)
        self.normaliser_ = getattr(model, "normaliser_", None)
        self.threshold_ = getattr(model, "threshold_", 0.0)

    def features(self, windows):
        """(n, samples) to n rows of features."""
        self.metrics.batch.observe(len(windows))
        return self._timed("features", self.model.features, windows)

    def predict_features(self, X):
        """Rows of features to (n, k), as the model gives it."""
        return self._timed("model", self.model.predict_features, X)

    def _timed(self, stage, compute, values):
        begun = time.perf_counter()
        values = compute(values)
        self.metrics.time(stage, time.perf_counter() - begun)
        return values


class InferenceEngine:
    """Makes monitors for calls, and analyses uploaded files; the models and the rule as in `create_app`. Lesson 13."""

    def __init__(self, settings, metrics, model=None, rule=None, dimensions=None):
        self.settings, self.metrics, self.rule = settings, metrics, rule or AlertRule()
        model = as_window_model(
            models.window_model(settings.model, band="phone") if model is None else model, classifier=True
        )
        self.label = _label(model)
        self.model = TimedModel(model, metrics)
        self.batcher = streaming.Batcher(TimedModel(batched(model), metrics)) if settings.batch else None
        self.emotions = [str(emotion) for emotion in model.output_names]
        if dimensions is None and settings.dimensions != "none":
            dimensions = models.window_dimensions(settings.dimensions, band="phone")
        self.dimension_model = None if dimensions is None else as_dimension_model(dimensions)
        self.dimensions = None
        if dimensions is not None:
            names = [str(name) for name in self.dimension_model.output_names]
            self.dimensions = {"names": names, "model": _label(self.dimension_model)}

    def make_monitor(self, parties, sr):
        """A `CallMonitor` for one call of these parties, one per channel."""
        settings = {"denoise": self.settings.denoise, "inferred": self.settings.inferred}
        settings["dimensions"] = self.dimension_model
        return CallMonitor(self.batcher or self.model, self.rule, parties, sr, **settings)

    def analyse_upload(self, file, name, channel=None):
        """Seconds, windows (as `schemas.Window`) and problem of an uploaded recording, which is deleted afterwards.

        The problem is a sentence if the recording is damaged and only what comes before was analysed, else None.
        """
        suffix = re.fullmatch(r"\.\w{1,8}", Path(name).suffix)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"upload{suffix[0] if suffix else ''}"
            with path.open("wb") as copied:
                shutil.copyfileobj(file, copied)
            try:
                y, problem = self._read(path, channel)
            except AudioError as error:
                raise AudioError(_without_path(error, path)) from None
        detector = streaming.Detector(self.model, sr=16000, dimensions=self.dimension_model)
        windows = [WindowEvent("customer", window) for window in [*detector.feed(y), *detector.finish()]]
        messages = [window_message(window, self.emotions, detector.dimensions_) for window in windows]
        return len(y) / 16000, messages, problem

    def close(self):
        """Stop the batching thread."""
        if self.batcher:
            self.batcher.close()

    def _read(self, path, channel):
        """Mono samples at 16 kHz, and what is wrong with the recording, or None."""
        limit = self.settings.upload_seconds
        if channel is not None:
            return _read_channel(path, channel, limit)
        count = _count_channels(path)
        if count > 1 and not self.settings.agent_emotions:
            raise AudioError(f"The recording has {count} channels: say which one is the customer's, as ?channel=1.")
        parts, problem = [np.zeros(0, np.float32)], None
        blocks = audio.blocks(path, seconds=10.0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            while sum(map(len, parts)) <= limit * 16000:
                try:
                    parts.append(next(blocks))
                except StopIteration:
                    return np.concatenate(parts), problem
                except AudioError as error:
                    if len(parts) == 1:
                        raise
                    problem = _without_path(error, path)
        raise AudioError(_too_long(limit))


def _label(model):
    """What a model is called, with how well it does where that is known."""
    return str(getattr(model, "card", None) or getattr(model, "label", type(model).__name__))


def _read_channel(path, channel, limit):
    parts, problem = [], None
    try:
        with sf.SoundFile(path) as file:
            if channel >= file.channels:
                raise AudioError(f"The recording has {file.channels} channels, counted from 0: there is no {channel}.")
            sr, frames = file.samplerate, file.frames
            if sr > MAX_RATE:
                raise AudioError(f"The recording has {sr} samples per second: convert it to at most {MAX_RATE}.")
            if frames > limit * sr:
                raise AudioError(_too_long(limit))
            with contextlib.suppress(sf.LibsndfileError):  # damaged: fewer samples than the header says
                while len(part := file.read(sr, "float32", always_2d=True)):
                    parts.append(part[:, channel].copy())  # not a view, which would keep the other channels
    except (sf.LibsndfileError, TypeError) as error:
        raise AudioError("A single channel is read from wav, flac, ogg or mp3 only: convert the recording.") from error
    seconds = sum(map(len, parts)) / sr
    if not seconds:
        raise AudioError("There is no sound in this recording: get the file again.")
    if frames / sr - seconds > 0.5:
        problem = f"This recording is damaged after {seconds:.1f} s: what comes before was read; get the file again."
    return audio.resample(np.nan_to_num(np.concatenate(parts)), sr, 16000), problem


def _count_channels(path):
    """How many channels a recording has; 1 if it cannot be opened, because reading it will say why."""
    with contextlib.suppress(sf.LibsndfileError, TypeError):
        return sf.info(path).channels
    try:
        import av
    except ImportError:
        return 1
    try:
        with av.open(str(path)) as container:
            return container.streams.audio[0].channels
    except (av.FFmpegError, OSError, IndexError):
        return 1


def _without_path(error, path):
    """The sentence of an error, without the path."""
    sentence = str(error).replace(str(path), "this recording")
    return sentence[0].upper() + sentence[1:]


def _too_long(limit):
    return f"The recording is longer than {limit:g} s: send it in parts."
