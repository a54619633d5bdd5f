"""A call: noise reduction, speech, emotion window by window, and an alert when a customer's anger persists.

`CallMonitor` hears a call while it goes on, `analyse` a recording of one; the second feeds the first, so both say the
same. Only the customer's emotion is inferred: the EU's AI Act, Regulation (EU) 2024/1689, article 5(1)(f), prohibits
inferring the emotions of people at their workplace; of the agent only that they speak is told.

What a call is heard from and with: recordings, parties and rules, or one sentence about what is wrong with them.
"""

import math
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import soundfile

from ser_helpers import audio, models, streaming, synthesis
from ser_helpers.call_centre.alerts import AlertRule
from ser_helpers.call_centre.diarisation import separate, turn_emotions, turns
from ser_helpers.errors import AudioError, CorpusError, StreamError
from ser_helpers.streaming.detector import check_gap
from ser_helpers.streaming.estimates import check_model
from ser_helpers.streaming.samples import check_rate, mono

PARTIES = ("agent", "customer")
KEPT = 4 * 3600
"""Windows of each party that a monitor remembers: four hours."""


class WindowEvent(NamedTuple):
    """A window of one party is complete (Lesson 13)."""

    party: str
    estimate: streaming.WindowPrediction
    level: float = math.nan
    """What the rule compares with its threshold; NaN where it does not watch, or nothing was judged."""


class AlertEvent(NamedTuple):
    """A supervisor should be told (Lesson 13)."""

    time: float
    """Seconds from the beginning of the call."""
    party: str
    emotion: str
    start: float
    """Seconds: where the emotion began."""
    speech: float
    """Seconds of speech with it since then."""
    level: float
    """The mean of what the rule compares, since then."""
    explanation: str
    """One sentence for the screen."""


@dataclass(frozen=True)
class CallReport:
    """What a call was like (Lesson 13)."""

    seconds: float
    parties: tuple
    turns: pd.DataFrame
    """``party``, ``start``, ``end``, a column per emotion, ``emotion``."""
    windows: pd.DataFrame
    """``party``, the timeline of `streaming.to_timeline`, and ``level``, what the rule compares with its threshold."""
    alerts: list
    """`AlertEvent` in order."""

    def trajectory(self, party):
        """The timeline of one party."""
        return _of(self.windows, party, self.parties)


class CallMonitor:
    """Hears a call while it goes on; feed it chunks of any size (Lesson 13).

    Parameters
    ----------
    model : object
        ``classes_`` and ``predict_proba(windows)``, such as ``models.window_model("linear", band="phone")``.
    rule : AlertRule
        When to speak up; by default ``AlertRule()``.
    parties : sequence of str
        Who speaks on each channel.
    sr : int
        Rate in Hz of chunks that come without one.
    denoise : bool
        Whether to reduce the noise of each channel first; everything is 0.35 s later then.
    inferred : sequence of str
        Whose emotion is inferred; of others only the share of speech is told. By default all but the agent.
    watched : str
        The party that the rule is about.
    settings
        More for `streaming.Detector`: ``hop``, ``gate``, ``weight``, ...

    Attributes
    ----------
    classes_ : array (k,)
        The emotions, in the order of an estimate's probabilities.
    alerts : list of AlertEvent
        Those so far.

    Examples
    --------
    >>> class Coin:
    ...     classes_ = ["angry", "neutral"]
    ...     def predict_proba(self, windows):
    ...         return np.full((len(windows), 2), 0.5)
    >>> monitor = CallMonitor(Coin(), sr=16000, denoise=False, gate=False)
    >>> [(event.party, event.estimate.end) for event in monitor.feed(np.zeros((64000, 2)))]
    [('agent', 3.0), ('customer', 3.0), ('agent', 4.0), ('customer', 4.0)]
    """

    def __init__(
        self, model, rule=None, parties=PARTIES, sr=8000, denoise=True, inferred=None, watched="customer", **settings
    ):
        self.parties = named(parties)
        if not self.parties or len(set(self.parties)) < len(self.parties):
            raise StreamError(f"parties names each channel once, not {', '.join(self.parties) or 'nobody'}.")
        inferred = [party for party in self.parties if party != "agent"] if inferred is None else named(inferred)
        if inferred and watched not in inferred:
            raise StreamError(f"No emotion of {watched} is inferred, so there would be no alert: say who is watched.")
        self.rule = checked_rule(AlertRule() if rule is None else rule)
        self.classes_ = check_model(model)
        self.alerts = []
        self._sr = check_rate(sr)
        self._lines = [_Line(model, self._sr, denoise, party in inferred, settings) for party in self.parties]
        self._watched, self._watch = watched, self.rule.watch(self.classes_)
        self._kept = {party: deque(maxlen=KEPT) for party in self.parties}

    def feed(self, chunk, sr=None):
        """Take samples (n, channels), or (n,) if there is one party; return the events that they complete.

        Integers, or floats from -1 to 1, at `sr` Hz; NaN and infinite samples count as missing. Raises StreamError for
        anything else, and goes on as if the chunk had not come.
        """
        chunk, sr = samples(chunk, StreamError), self._sr if sr is None else check_rate(sr)
        channels = chunk[:, None] if chunk.ndim == 1 else chunk
        if channels.ndim != 2 or channels.shape[1] != len(self.parties):
            wanted = f"{', '.join(self.parties)}: (n, {len(self.parties)})"
            raise StreamError(f"A chunk has a channel for each of {wanted}, not {chunk.shape}.")
        ready = [mono(channel) for channel in channels.T]
        return self._tell([line.feed(y, sr) for line, y in zip(self._lines, ready, strict=True)])

    def lost(self, seconds):
        """The connection was lost for so many seconds; returns the events that this completes."""
        check_gap(seconds)
        return self._tell([line.lost(seconds) for line in self._lines])

    def finish(self):
        """The call has ended: return the last events."""
        return self._tell([line.finish() for line in self._lines])

    def trajectory(self, party):
        """The timeline of one party, its last four hours, as a table."""
        return _of(self.windows(), party, self.parties)

    def windows(self):
        """The timelines of all parties as one table: ``party``, then as `streaming.to_timeline`, then ``level``."""
        tables = []
        for party, kept in self._kept.items():
            table = streaming.to_timeline([estimate for estimate, _ in kept], self.classes_)
            table.insert(0, "party", party)
            tables.append(table.assign(level=np.array([level for _, level in kept], float)))
        table = pd.concat([table for table in tables if len(table)] or tables)
        return table.sort_values("end", kind="stable", ignore_index=True)

    def _tell(self, estimates):
        heard = [(party, estimate) for party, found in zip(self.parties, estimates, strict=True) for estimate in found]
        events = []
        for party, estimate in sorted(heard, key=lambda event: event[1].end):
            alert = self._watch.update(estimate) if party == self._watched else None
            level = self._watch.level if party == self._watched else math.nan
            self._kept[party].append((estimate, level))
            events.append(WindowEvent(party, estimate, level))
            if alert is not None:
                why = self.rule.explain(alert, party)
                event = AlertEvent(alert.time, party, alert.emotion, alert.start, alert.speech, alert.level, why)
                events.append(event)
                self.alerts.append(event)
        return events


class _Line:
    """One channel: noise reduction, then a detector."""

    def __init__(self, model, sr, denoise, inferred, settings):
        self.detector = streaming.Detector(model if inferred else _Unheard(model), sr, **settings)
        self._sr, self._inferred, self._denoise = sr, inferred, denoise
        self._reducer = audio.NoiseReducer(sr) if denoise else None

    def feed(self, y, sr):
        if not self._denoise:
            return self._keep(self.detector.feed(y, sr))
        found = self._rest(audio.NoiseReducer(sr)) if sr != self._sr else []
        self._sr = sr
        return found + self._keep(self.detector.feed(self._reducer.feed(y), sr))

    def lost(self, seconds):
        return self._rest(self._reducer) + self._keep(self.detector.lost(seconds))

    def finish(self):
        return self._rest(self._reducer) + self._keep(self.detector.finish())

    def _rest(self, following):
        """Estimates from what noise reduction still held back; the reducer `following` takes over."""
        found = self._keep(self.detector.feed(self._reducer.finish(), self._sr)) if self._denoise else []
        self._reducer = following
        return found

    def _keep(self, estimates):
        if self._inferred:
            return estimates
        return [estimate._replace(probabilities=None, smoothed=None, emotion=None) for estimate in estimates]


class _Unheard:
    """Stands in for the model where no emotion is to be inferred."""

    def __init__(self, model):
        self.classes_ = model.classes_

    def predict_proba(self, windows):
        return np.full((len(windows), len(self.classes_)), 1 / len(self.classes_))


def analyse(recording, model=None, rule=None, sr=None, parties=None, denoise=True, **settings):
    """Turns, windows, trajectories and alerts of a recorded call, as a `CallReport` (Lesson 13).

    Parameters
    ----------
    recording : str, Path or array
        A file, or samples (n,) or (n, channels) from -1 to 1. Of two channels each is one party. In a single channel
        the speakers are told apart by their voices first (`call_centre.diarise`), unless `parties` names only one.
    model : object
        As for `CallMonitor`; by default ``models.window_model("linear", band="phone")``.
    rule, denoise, settings
        As for `CallMonitor`.
    sr : int
        Rate in Hz of an array.
    parties : sequence of str
        By default the agent, then the customer.

    Raises
    ------
    AudioError
        If the recording is missing, not audio, shorter than 25 ms, holds NaN, or has other than one or two channels.
    """
    y, sr = read(recording, sr)
    rule = checked_rule(AlertRule() if rule is None else rule)
    parties = PARTIES if parties is None else named(parties)
    if y.shape[1] != len(parties) and (y.shape[1], parties) != (1, PARTIES):
        raise AudioError(f"A call has one channel, or one for each of {', '.join(parties)}, not {y.shape[1]}.")
    clean = np.stack([audio.reduce_noise(channel, sr) for channel in y.T], axis=1) if denoise else y
    spoken = turns(clean, sr, parties)
    if y.shape[1] < len(parties):
        y = np.stack(list(separate(y[:, 0], sr, spoken, parties).values()), axis=1)
    model = models.window_model("linear", band="phone") if model is None else model
    monitor = CallMonitor(model, rule, parties, sr, denoise, **settings)
    monitor.feed(y)
    monitor.finish()
    windows = monitor.windows()
    return CallReport(len(y) / sr, parties, turn_emotions(spoken, windows, monitor.classes_), windows, monitor.alerts)


def demo_calls():
    """The paths of six embedded calls, made first if they are not there; `truth` tells what is felt in them.

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
    known = path.parent.parent / "truth" / f"{path.stem}.csv"
    if not known.is_file():
        raise CorpusError(f"Nobody knows what is felt in {path}: give one of demo_calls().")
    return pd.read_csv(known)


def _of(windows, party, parties):
    if party not in parties:
        raise StreamError(f"Nobody is called {party!r} here: choose {' or '.join(parties)}.")
    return windows[windows["party"] == party].drop(columns="party").reset_index(drop=True)


def read(recording, sr):
    """A file, or an array at `sr` Hz, as samples (n, channels) and their rate; AudioError if they are none. Lesson 13.

    >>> read(np.zeros(8000), 8000)[0].shape
    (8000, 1)
    """
    if isinstance(recording, np.ndarray | list):
        name, y = "this recording", samples(recording, AudioError)
        y = y[:, None] if y.ndim == 1 else y
    else:
        audio.duration(name := recording)  # says what is wrong with the file
        y, sr = soundfile.read(recording, dtype="float32", always_2d=True)
    if sr is None:
        raise AudioError("Samples need their rate: give sr in Hz.")
    if y.ndim != 2:
        raise AudioError(f"A call is samples (n,) or (n, channels), not an array of shape {y.shape}.")
    sr = check_rate(sr)
    return np.stack([audio.check(channel, sr, name) for channel in y.T], axis=1), sr


def samples(chunk, error=StreamError):
    """`chunk` as an array; an `error` if its rows are of unequal lengths. Lesson 13.

    >>> samples([0, 1]).shape
    (2,)
    """
    try:
        return np.asarray(chunk)
    except ValueError:
        raise error("Samples are an array (n,) or (n, channels), not a list of unequal rows.") from None


def named(parties):
    """The names of parties as a tuple; one name may come alone. StreamError if they are no names. Lesson 13.

    >>> named("customer"), named(["agent", "customer"])
    (('customer',), ('agent', 'customer'))
    """
    try:
        names = (parties,) if isinstance(parties, str) else tuple(parties)
    except TypeError:
        names = (parties,)
    if not all(isinstance(name, str) for name in names):
        raise StreamError(f"Parties are a list of names such as 'customer', not {parties!r}.")
    return names


def checked_rule(rule):
    """`rule`, if it is one; StreamError otherwise. Lesson 13."""
    if not hasattr(rule, "watch"):
        raise StreamError(f"rule is an AlertRule, or None for the default, not {rule!r}.")
    return rule
