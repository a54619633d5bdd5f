"""A call: noise reduction, voice activity, emotion window by window, and an alert when a customer's anger persists.

`CallMonitor` follows a call while it goes on; `analyse` feeds it a recording, so both give the same windows and alerts.
Only the customer's emotion is inferred: the EU's AI Act, Regulation (EU) 2024/1689, article 5(1)(f), prohibits
inferring the emotions of people at their workplace. For the agent, only the share of speech is reported.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import soundfile

from ser_helpers import audio, models, streaming, synthesis
from ser_helpers.call_centre.alerts import PARTIES, Alert, AlertRule, AlertState
from ser_helpers.call_centre.diarisation import call_turns, separate, turn_emotions
from ser_helpers.errors import AudioError, CorpusError, StreamError
from ser_helpers.streaming.detector import check_gap
from ser_helpers.streaming.predictions import as_dimension_model, as_window_model
from ser_helpers.streaming.samples import mono


class WindowEvent(NamedTuple):
    """A window of one party is complete (Lesson 13)."""

    party: str
    prediction: streaming.WindowPrediction
    level: float = math.nan
    """What the rule compares with its threshold; NaN for parties it does not watch and for windows without speech."""


@dataclass(frozen=True)
class CallReport:
    """The result of `analyse` (Lesson 13)."""

    seconds: float
    parties: tuple
    turns: pd.DataFrame
    """``party``, ``start``, ``end``, a column per emotion, ``emotion``."""
    windows: pd.DataFrame
    """As from `window_table`."""
    alerts: list
    """`Alert` in order."""

    def trajectory(self, party):
        """The windows of one party."""
        if party not in self.parties:
            raise StreamError(f"The call has no party {party!r}: choose {' or '.join(self.parties)}.")
        return self.windows[self.windows["party"] == party].drop(columns="party").reset_index(drop=True)


class CallMonitor:
    """Follows a call while it goes on; feed it chunks of any size (Lesson 13).

    It keeps only the last seconds of sound, and no events: collect those you need.

    Parameters
    ----------
    model : object
        ``classes_`` and ``predict_proba(windows)``, such as ``models.window_model("linear", band="phone")``.
    rule : AlertRule
        When to raise an alert; by default ``AlertRule()``.
    parties, sr : sequence of str and int
        Who speaks on each channel; sample rate in Hz.
    denoise : bool
        Whether to reduce the noise of each channel first, which delays everything by 0.35 s.
    inferred : sequence of str
        Whose emotion is inferred; for the others only the share of speech is reported. By default all but the agent.
    watched : str
        The party that the rule is about.
    settings
        More for `streaming.Detector`: ``hop``, ``vad``, ``weight``, ``dimensions``, ...

    Attributes
    ----------
    classes_ : array (k,)
        The emotions, in the order of a window's probabilities.
    dimensions_ : tuple of str
        The names of a window's ``dimensions``; () without a model of them.

    Examples
    --------
    >>> monitor = CallMonitor(models.window_model("linear", band="phone"), sr=16000, denoise=False)
    >>> [(event.party, event.prediction.end) for event in monitor.feed(np.zeros((64000, 2)))]
    [('agent', 3.0), ('customer', 3.0), ('agent', 4.0), ('customer', 4.0)]
    """

    def __init__(
        self, model, rule=None, parties=PARTIES, sr=8000, denoise=True, inferred=None, watched="customer", **settings
    ):
        self.parties = _names(parties)
        if not self.parties or len(set(self.parties)) < len(self.parties):
            raise StreamError(f"parties must name each channel once, not {self.parties}.")
        inferred = [party for party in self.parties if party != "agent"] if inferred is None else _names(inferred)
        if inferred and watched not in inferred:
            raise StreamError(f"There would be no alerts, because the emotion of {watched!r} is not inferred.")
        self.rule = rule or AlertRule()
        self.classes_ = np.asarray(as_window_model(model, classifier=True).output_names)
        self.dimensions_ = ()
        if settings.get("dimensions") is not None:
            settings["dimensions"] = as_dimension_model(settings["dimensions"])
            self.dimensions_ = tuple(map(str, settings["dimensions"].output_names))
        self._channels = [_Channel(model, sr, denoise, party in inferred, settings) for party in self.parties]
        self._watched, self._state = watched, AlertState(self.rule, self.classes_, watched)

    def feed(self, chunk):
        """Take samples (n, channels), or (n,) if there is one party; return the events that they complete.

        Events are `WindowEvent` and, after the window that meets the rule, `Alert`. Samples are integers, or floats
        from -1 to 1; NaN and infinity count as missing. Anything else raises StreamError and changes nothing.
        """
        chunk = np.asarray(chunk)
        columns = chunk[:, None] if chunk.ndim == 1 else chunk
        if columns.ndim != 2 or columns.shape[1] != len(self.parties):
            wanted = f"(n, {len(self.parties)}) for {', '.join(self.parties)}"
            raise StreamError(f"A chunk has the shape {wanted}, not {chunk.shape}.")
        columns = [mono(column) for column in columns.T]  # all are checked before the first is used
        return self._events([channel.feed(y) for channel, y in zip(self._channels, columns, strict=True)])

    def lost(self, seconds):
        """The connection was lost for so many seconds; return the events that this completes."""
        check_gap(seconds)
        return self._events([channel.lost(seconds) for channel in self._channels])

    def finish(self):
        """The call has ended: return the last events."""
        return self._events([channel.finish() for channel in self._channels])

    def _events(self, predictions):
        """Events of all parties, by the end of their windows; `predictions` has one list per party."""
        windows = [(party, window) for party, found in zip(self.parties, predictions, strict=True) for window in found]
        events = []
        for party, window in sorted(windows, key=lambda pair: pair[1].end):
            if party != self._watched:
                events.append(WindowEvent(party, window))
                continue
            alert = self._state.update(window)
            events.append(WindowEvent(party, window, self._state.level))
            events += [alert] if alert else []
        return events


class _Channel:
    """One channel: noise reduction, then a detector."""

    def __init__(self, model, sr, denoise, inferred, settings):
        self._inferred = inferred
        if not inferred:
            model, settings = _NoModel(model), settings | {"dimensions": None}
        self._detector = streaming.Detector(model, sr, **settings)
        self._reducer = audio.NoiseReducer(sr) if denoise else None

    def feed(self, y):
        return self._detect(y if self._reducer is None else self._reducer.feed(y))

    def lost(self, seconds):
        return self._flush() + self._blank(self._detector.lost(seconds))

    def finish(self):
        return self._flush() + self._blank(self._detector.finish())

    def _flush(self):
        """Windows completed by the 0.35 s that noise reduction holds back."""
        return [] if self._reducer is None else self._detect(self._reducer.finish())

    def _detect(self, y):
        return self._blank(self._detector.feed(y))

    def _blank(self, windows):
        if self._inferred:
            return windows
        return [window._replace(probabilities=None, smoothed=None, emotion=None) for window in windows]


class _NoModel:
    """Replaces the model where no emotion may be inferred, so that this channel never reaches it."""

    def __init__(self, model):
        self.classes_ = as_window_model(model).output_names

    def predict_proba(self, windows):
        return np.full((len(windows), len(self.classes_)), 1 / len(self.classes_))


def analyse(recording, model=None, rule=None, sr=None, parties=PARTIES, denoise=True, **settings):
    """Turns, windows and alerts of a recorded call, as a `CallReport` (Lesson 13).

    Parameters
    ----------
    recording : str, Path or array
        A file, or samples (n,) or (n, channels) from -1 to 1. Of two channels each is one party. In a single channel
        the speakers are told apart by their voices first (`call_centre.diarise`), unless `parties` names only one.
        AudioError if it is missing, not audio, shorter than 25 ms, contains NaN, or has three or more channels.
    sr : int
        Rate in Hz of an array.
    model, rule, parties, denoise, settings
        As for `CallMonitor`; the model is by default ``models.window_model("linear", band="phone")``.

    Examples
    --------
    >>> report = analyse(np.zeros((40000, 2)), sr=8000)
    >>> report.seconds, len(report.turns), report.alerts
    (5.0, 0, [])
    """
    y, sr = _read(recording, sr)
    parties = _names(parties)
    if y.shape[1] != len(parties) and (y.shape[1], parties) != (1, PARTIES):
        raise AudioError(f"A call has one channel, or one for each of {', '.join(parties)}, not {y.shape[1]}.")
    clean = np.stack([audio.reduce_noise(column, sr) for column in y.T], axis=1) if denoise else y
    turns = call_turns(clean, sr, parties)
    if y.shape[1] == len(parties):
        y, denoise = clean, False
    else:
        y = separate(y[:, 0], sr, turns, parties)
    model = models.window_model("linear", band="phone") if model is None else model
    monitor = CallMonitor(model, rule, parties, sr, denoise, **settings)
    events = monitor.feed(y) + monitor.finish()
    windows = window_table(events, monitor.classes_, monitor.dimensions_)
    alerts = [event for event in events if isinstance(event, Alert)]
    return CallReport(len(y) / sr, parties, turn_emotions(turns, windows, monitor.classes_), windows, alerts)


def window_table(events, classes, dimensions=()):
    """The windows among a monitor's events: ``party``, then as `streaming.to_timeline`, then ``level`` (Lesson 13)."""
    windows = [event for event in events if isinstance(event, WindowEvent)]
    table = streaming.to_timeline([event.prediction for event in windows], classes, dimensions)
    table.insert(0, "party", pd.Series([event.party for event in windows], dtype=object))
    return table.assign(level=np.array([event.level for event in windows], float))


def demo_calls():
    """The paths of six embedded calls, made on first use; `truth` gives the emotions in them (Lesson 13).

    >>> [path.name for path in demo_calls()][:2]
    ['call_001.wav', 'call_002.wav']
    """
    return sorted((synthesis.ensure_calls("small", progress=False) / "calls").glob("*.wav"))


def truth(path):
    """The turns of an embedded call, by the path of its recording (Lesson 13).

    >>> truth(demo_calls()[0]).columns[:5].tolist()
    ['party', 'start', 'end', 'text', 'emotion']
    """
    path = Path(path)
    table = path.parent.parent / "truth" / f"{path.stem}.csv"
    if not table.is_file():
        raise CorpusError(f"The emotions in {path} are unknown: give one of demo_calls().")
    return pd.read_csv(table)


def _read(recording, sr):
    """A file, or an array at `sr` Hz, as samples (n, channels) and their rate."""
    if isinstance(recording, np.ndarray | list):
        name, y = "this recording", np.asarray(recording)
        y = y[:, None] if y.ndim == 1 else y
    else:
        audio.duration(name := recording)  # raises AudioError with what is wrong with the file
        y, sr = soundfile.read(recording, dtype="float32", always_2d=True)
    if sr is None:
        raise AudioError("An array of samples needs its rate: give sr in Hz.")
    if y.ndim != 2:
        raise AudioError(f"A call is samples (n,) or (n, channels), not an array of shape {y.shape}.")
    return np.stack([audio.check(column, sr, name) for column in y.T], axis=1), sr


def _names(parties):
    return (parties,) if isinstance(parties, str) else tuple(parties)
