"""The alert rule: an emotion that persists in someone's speech raises an alert that explains itself."""

import math
from typing import NamedTuple

from ser_helpers.errors import StreamError
from ser_helpers.streaming.samples import between

PARTIES = ("agent", "customer")
"""Who speaks on the two channels of a call, left and right."""
BASELINE_WEIGHT = 0.5
"""Share of a voice's usual log-odds that is subtracted: some voices always sound angry to the model."""
MAX_PROBABILITY = 0.99
"""Probabilities are clipped to this and to 1 less this, so that their log-odds stay finite."""


class Alert(NamedTuple):
    """When and why a rule was met (Lesson 13)."""

    time: float
    """Seconds from the beginning of the call: the end of the window that met the rule."""
    party: str
    emotion: str
    start: float
    """Seconds: where the emotion began."""
    speech: float
    """Seconds of speech with the emotion since then, minus those without."""
    level: float
    """Mean level of the emotion since then, 0 to 1."""
    explanation: str
    """One sentence for the screen: who, what, for how long, since when, and what the rule asks for."""


class AlertRule:
    """An emotion persists: its level stays above a threshold for several seconds of speech (Lesson 13).

    The level of a window is the smoothed probability of the emotion, its log-odds lowered by half of this voice's
    baseline: the mean log-odds of its first seconds of speech. Speech at or above the threshold is added up; speech
    below it is subtracted, down to 0, so a calm word does not undo a quarrel and a calm minute does. Silence changes
    nothing. After an alert the rule pauses.

    Parameters
    ----------
    emotion, threshold : str and float
        One of the model's ``classes_``, and the level, between 0 and 1.
    persistence_s : float
        Seconds of speech.
    cool_down_s : float
        Seconds after an alert in which nothing counts towards the next one.
    forget_s : float
        After this many seconds without speech, or after a gap, counting starts again.
    baseline_s : float
        Seconds of speech from which the baseline is learned; with 0 the level is the probability itself.

    The defaults are round numbers near those that `alert_evaluation.choose_rule` finds on the forty tuning calls.

    Examples
    --------
    >>> from ser_helpers.streaming import WindowPrediction
    >>> windows = [WindowPrediction(k, k + 3, 1.0, [0.9, 0.1], [0.9, 0.1], "angry", False) for k in range(30, 36)]
    >>> (alert,) = AlertRule(persistence_s=8, baseline_s=0).apply(windows, ["angry", "sad"])
    >>> alert.explanation
    'The customer has sounded angry for 8 s of speech since 0:30 (level 0.90; the rule asks for 0.50 over 8 s).'
    """

    def __init__(
        self, emotion="angry", threshold=0.5, persistence_s=5.0, cool_down_s=60.0, forget_s=30.0, baseline_s=12.0
    ):
        self.emotion, self.threshold = emotion, threshold
        self.persistence_s, self.cool_down_s = persistence_s, cool_down_s
        self.forget_s, self.baseline_s = forget_s, baseline_s
        if not between(threshold, 0, 1) or threshold in (0, 1):
            raise ValueError(f"threshold must lie between 0 and 1, not be {threshold!r}.")
        for name in ("persistence_s", "cool_down_s", "forget_s", "baseline_s"):
            if not between(getattr(self, name), 0) or math.isinf(getattr(self, name)):
                raise ValueError(f"{name} must be a number of seconds, 0 or more, not {getattr(self, name)!r}.")

    def __repr__(self):
        settings = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"AlertRule({settings})"

    def apply(self, predictions, classes, party="customer"):
        """The alerts in a list of `WindowPrediction` of one party, in order; `classes` are the model's."""
        state = AlertState(self, classes, party)
        return [alert for alert in map(state.update, predictions) if alert is not None]


class AlertState:
    """An `AlertRule` applied to one party's window predictions as they come (Lesson 13).

    `classes` are the model's; StreamError if the rule's emotion is not among them. ``level`` is that of the last
    window, NaN if the window has no probabilities.

    Examples
    --------
    >>> from ser_helpers.streaming import WindowPrediction
    >>> state = AlertState(AlertRule(persistence_s=4, baseline_s=0), ["angry", "sad"])
    >>> windows = [WindowPrediction(k, k + 3, 1.0, [0.9, 0.1], [0.9, 0.1], "angry", False) for k in range(5)]
    >>> [alert.time for alert in map(state.update, windows) if alert]
    [4]
    """

    def __init__(self, rule, classes, party="customer"):
        classes = list(classes)
        if rule.emotion not in classes:
            raise StreamError(f"The rule is about {rule.emotion!r}, but the model knows only {', '.join(classes)}.")
        self.rule, self.party, self._column = rule, party, classes.index(rule.emotion)
        self._end, self.level = None, math.nan
        self._paused_until = self._baseline_seconds = self._baseline = 0.0
        self._reset()

    def update(self, prediction):
        """Take the next prediction; return an `Alert` if it meets the rule, else None."""
        begin = prediction.start if self._end is None else self._end  # windows overlap: only the new part counts
        self._end, self.level = prediction.end, math.nan
        if prediction.smoothed is not None:
            speech = (prediction.end - begin) * prediction.speech
            self.level = self._relative_level(float(prediction.smoothed[self._column]), speech)
            return self._count(speech, begin) if prediction.end > self._paused_until else None
        self._silence += prediction.end - begin
        if prediction.gap or self._silence >= self.rule.forget_s:
            self._reset()
        return None

    def _relative_level(self, probability, speech):
        """The probability, with part of this voice's baseline taken off its log-odds."""
        probability = min(max(probability, 1 - MAX_PROBABILITY), MAX_PROBABILITY)
        log_odds = math.log(probability / (1 - probability))
        if self._baseline_seconds < self.rule.baseline_s:  # running mean, weighted by seconds of speech
            self._baseline_seconds += speech
            self._baseline += (log_odds - self._baseline) * speech / self._baseline_seconds
        return 1 / (1 + math.exp(BASELINE_WEIGHT * self._baseline - log_odds))

    def _count(self, speech, begin):
        rule = self.rule
        self._silence = 0.0
        if self.level < rule.threshold:
            self._speech -= speech
            if self._speech <= 0:
                self._reset()
            return None
        if self._windows == 0:
            self._start = begin
        self._speech += speech
        self._levels += self.level
        self._windows += 1
        if self._speech < rule.persistence_s:
            return None
        level, (minutes, seconds) = self._levels / self._windows, divmod(int(self._start), 60)
        explanation = (
            f"The {self.party} has sounded {rule.emotion} for {self._speech:.0f} s of speech since"
            f" {minutes}:{seconds:02d} (level {level:.2f}; the rule asks for {rule.threshold:.2f} over"
            f" {rule.persistence_s:g} s)."
        )
        alert = Alert(self._end, self.party, rule.emotion, self._start, self._speech, level, explanation)
        self._paused_until = self._end + rule.cool_down_s
        self._reset()
        return alert

    def _reset(self):
        self._speech = self._silence = self._levels = 0.0
        self._windows = 0
