"""What the service listens with: one model for all calls, windows of several calls judged together, uploads read."""

import contextlib
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
from ser_helpers.call_centre import monitor
from ser_helpers.call_centre.alerts import AlertRule
from ser_helpers.errors import AudioError
from ser_helpers.service.schemas import FASTEST
from ser_helpers.service.sessions import window_message


class TimedModel:
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


class InferenceEngine:
    """Makes monitors for calls, and hears uploaded files. Lesson 13.

    `model` and `rule` as in `create_app`.
    """

    def __init__(self, settings, metrics, model=None, rule=None):
        self.settings, self.metrics, self.rule = settings, metrics, rule or AlertRule()
        model = models.window_model(settings.model, band="phone") if model is None else model
        self.alone = TimedModel(model, metrics)
        self.batcher = streaming.Batcher(TimedModel(model, metrics, batched=True)) if settings.batch else None
        self.emotions = [str(emotion) for emotion in model.classes_]

    def monitor(self, parties, sr):
        """What listens to one call of these parties, one per channel."""
        settings = {"denoise": self.settings.denoise, "inferred": self.settings.inferred}
        return monitor.CallMonitor(self.batcher or self.alone, self.rule, parties, sr, **settings)

    def hear_file(self, file, name, channel=None):
        """Seconds, windows (`messages.Window`) and problem of an uploaded recording, kept only while it is heard.

        The problem is a sentence where the recording is damaged and only what comes before was heard, else None.
        """
        suffix = re.fullmatch(r"\.\w{1,8}", Path(name).suffix)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"upload{suffix[0] if suffix else ''}"
            with path.open("wb") as kept:
                shutil.copyfileobj(file, kept)
            try:
                y, problem = self._samples(path, channel)
            except AudioError as error:
                raise AudioError(_without(path, error)) from None
        detector = streaming.Detector(self.alone, sr=16000)
        estimates = [*detector.feed(y), *detector.finish()]
        windows = [window_message("customer", estimate, self.emotions) for estimate in estimates]
        return len(y) / 16000, windows, problem

    def close(self):
        """Stop the thread that puts windows together."""
        if self.batcher:
            self.batcher.close()

    def _samples(self, path, channel):
        most = self.settings.upload_seconds
        if channel is not None:
            return _one_channel(path, channel, most)
        count = _channels(path)
        if count > 1 and not self.settings.agent_emotions:
            raise AudioError(f"The recording has {count} channels: say which one is the customer's, as ?channel=1.")
        held, problem = [np.zeros(0, np.float32)], None
        blocks = audio.blocks(path, seconds=10.0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            while sum(map(len, held)) <= most * 16000:
                try:
                    held.append(next(blocks))
                except StopIteration:
                    return np.concatenate(held), problem
                except AudioError as error:
                    if len(held) == 1:
                        raise
                    problem = _without(path, error)
        raise AudioError(_too_long(most))


def demo_paths():
    """The embedded calls, made once. Lesson 13."""
    return [Path(path) for path in monitor.demo_calls()]


def _one_channel(path, channel, most):
    parts, problem = [], None
    try:
        with sf.SoundFile(path) as file:
            if channel >= file.channels:
                raise AudioError(f"The recording has {file.channels} channels, counted from 0: there is no {channel}.")
            sr, told = file.samplerate, file.frames
            if sr > FASTEST:
                raise AudioError(f"The recording has {sr} samples a second: convert it to at most {FASTEST}.")
            if told > most * sr:
                raise AudioError(_too_long(most))
            with contextlib.suppress(sf.LibsndfileError):  # a damaged end: there are fewer samples than were told
                while len(part := file.read(sr, "float32", always_2d=True)):
                    parts.append(part[:, channel].copy())  # not a view: the others may go
    except (sf.LibsndfileError, TypeError) as error:
        raise AudioError("One channel can be read of wav, flac, ogg or mp3 only: convert the recording.") from error
    heard = sum(map(len, parts)) / sr
    if not heard:
        raise AudioError("There is no sound in this recording: get the file again.")
    if told / sr - heard > 0.5:
        problem = f"This recording is damaged after {heard:.1f} s: what comes before was read; get the file again."
    return audio.resample(np.nan_to_num(np.concatenate(parts)), sr, 16000), problem


def _channels(path):
    """How many channels a recording has; 1 of what cannot be opened: who reads it says why."""
    try:
        return sf.info(path).channels
    except (sf.LibsndfileError, TypeError):
        pass
    try:
        import av
    except ImportError:
        return 1
    try:
        with av.open(str(path)) as container:
            return container.streams.audio[0].channels
    except (av.FFmpegError, OSError, IndexError):
        return 1


def _without(path, error):
    """What an error says, as a sentence without the path."""
    said = str(error).replace(str(path), "this recording")
    return said[0].upper() + said[1:]


def _too_long(most):
    return f"The recording is longer than {most:g} s: send it in parts."
