"""Inference: one model for all calls, windows of several calls in one batch, uploaded recordings."""

import copy
import math
import shutil
import tempfile
import time
import warnings
from pathlib import Path

from ser_helpers import audio, models, streaming
from ser_helpers.call_centre.alerts import AlertRule
from ser_helpers.call_centre.monitor import CallMonitor, WindowEvent
from ser_helpers.errors import AudioError, LimitError, StreamError
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
        self.settings, self.metrics = settings, metrics
        self.rule = copy.copy(rule or AlertRule())  # a page may change it
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
        self.limits = audio.Limits(
            seconds=settings.upload_seconds,
            decoded_bytes=settings.decoded_bytes,
            block_wait=settings.decoding_seconds,
            total_wait=settings.decoding_seconds,
            cpu_seconds=math.ceil(settings.decoding_seconds),
            memory_bytes=1 << 29,
        )
        self._decoders, self._stopping = set(), False

    def make_monitor(self, parties, sr):
        """A `CallMonitor` for one call of these parties, one per channel."""
        settings = {"denoise": self.settings.denoise, "inferred": self.settings.inferred}
        settings["dimensions"] = self.dimension_model
        return CallMonitor(self.batcher or self.model, self.rule, parties, sr, **settings)

    def analyse_upload(self, file, channel=None):
        """Seconds, windows (as `schemas.Window`) and problem of an uploaded recording, which is deleted afterwards.

        The problem is a sentence if the recording is damaged and only what comes before was analysed, else None.
        AudioError if it cannot be used; StreamError if the service stops meanwhile.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "upload"  # nothing of the client's name: FFmpeg would take its ending as a hint
            with path.open("wb") as copied:
                shutil.copyfileobj(file, copied)
            try:
                blocks, problem = self._read(path, channel)
            except AudioError as error:
                self._check_running()
                raise AudioError(_without_path(error, path)) from None
        detector, windows = streaming.Detector(self.model, sr=16000, dimensions=self.dimension_model), []
        try:
            for block in blocks:
                self._check_running()
                windows += detector.feed(block)
        except StreamError as error:
            self._check_running()
            raise AudioError(str(error)) from None  # samples that the detector refuses; trying again would not help
        windows += detector.finish()
        seconds = sum(map(len, blocks)) / 16000
        windows = [WindowEvent("customer", window) for window in windows]
        return seconds, [window_message(one, self.emotions, detector.dimensions_) for one in windows], problem

    def stop(self):
        """End the uploads that are being analysed."""
        self._stopping = True
        for decoder in list(self._decoders):
            decoder.close()

    def close(self):
        """End the uploads, and the batching thread."""
        self.stop()
        if self.batcher:
            self.batcher.close()

    def _check_running(self):
        if self._stopping:
            raise StreamError("The service is stopping: send the recording again in a moment.")

    def _read(self, path, channel):
        """Blocks of mono samples at 16 kHz, and what is wrong with the recording, or None."""
        blocks, problem = [], None
        with warnings.catch_warnings(), audio.GuardedDecoder(path, 16000, 10.0, channel, self.limits) as decoder:
            warnings.simplefilter("ignore", UserWarning)
            self._decoders.add(decoder)
            try:
                self._check_running()  # `stop` may have come before the decoder was in the set
                if decoder.channels > 1 and channel is None and not self.settings.agent_emotions:
                    which = "say which one is the customer's, as ?channel=1"
                    raise AudioError(f"The recording has {decoder.channels} channels: {which}.")
                blocks.extend(decoder)
            except AudioError as error:
                if not blocks or isinstance(error, LimitError):
                    raise
                problem = _without_path(error, path)
            finally:
                self._decoders.discard(decoder)
        return blocks, problem


def _label(model):
    """What a model is called, with how well it does where that is known."""
    return str(getattr(model, "card", None) or getattr(model, "label", type(model).__name__))


def _without_path(error, path):
    """The sentence of an error, without the path."""
    sentence = str(error).replace(str(path), "this recording")
    return sentence[0].upper() + sentence[1:]
