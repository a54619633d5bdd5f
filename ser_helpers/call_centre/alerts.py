"""When to tell a supervisor: a rule on what a detector hears, that can say why it spoke."""

import math
from typing import NamedTuple

from ser_helpers.errors import StreamError
from ser_helpers.streaming.samples import between

TAKEN = 0.5
"""How much of a party's usual log-odds is taken off: some voices always sound angry to the model, some callers are."""
SUREST = 0.99
"""A probability counts as no larger than this, and no smaller than 1 less this."""


class Alert(NamedTuple):
    """A rule was met (Lesson 13)."""

    time: float
    """Seconds from the beginning of the call: the end of the window that met the rule."""
    start: float
    """Seconds: where the emotion began."""
    speech: float
    """Seconds of speech with the emotion since then, less those without."""
    level: float
    """Mean level of the emotion since then, 0 to 1."""
    emotion: str


class AlertRule:
    """An emotion persists: it is heard, above a threshold, in so many seconds of speech (Lesson 13).

    The level of a window is the smoothed probability, its log-odds lowered by half of what is usual for this voice, the
    mean of its first seconds of speech. Speech in windows at or above the threshold is added up, speech in windows
    below it is taken off, down to nothing: a calm word does not undo a quarrel, a calm minute does. Silence counts
    neither way. After an alert there is none for a while.

    Parameters
    ----------
    emotion : str
        One of the model's ``classes_``.
    threshold : float
        Level, 0 to 1.
    persistence_s : float
        Seconds of speech.
    cool_down_s : float
        Seconds from one alert to when the next one may begin to build up.
    forget_s : float
        After so many seconds without speech, what was heard before is forgotten; so it is after a gap.
    baseline_s : float
        Seconds of speech that tell what is usual; 0: the level is the probability itself.

    Notes
    -----
    The defaults are round numbers near those that did best on forty embedded calls, see ``call_scores.choose_rule``.

    Examples
    --------
    >>> rule = AlertRule(persistence_s=8)
    >>> rule.explain(Alert(41, 30, 8.2, 0.74, "angry"), "customer")
    'The customer has sounded angry for 8 s of speech since 0:30 (level 0.74; the rule asks for 0.50 over 8 s).'
    """

    def __init__(
        self, emotion="angry", threshold=0.5, persistence_s=5.0, cool_down_s=60.0, forget_s=30.0, baseline_s=12.0
    ):
        self.emotion, self.threshold = emotion, threshold
        self.persistence_s, self.cool_down_s = persistence_s, cool_down_s
        self.forget_s, self.baseline_s = forget_s, baseline_s
        if not between(threshold, 0, 1) or threshold in (0, 1):
            raise ValueError(f"threshold is a level between 0 and 1, not {threshold!r}.")
        for name in ("persistence_s", "cool_down_s", "forget_s", "baseline_s"):
            if not between(getattr(self, name), 0) or math.isinf(getattr(self, name)):
                raise ValueError(f"{name} is a number of seconds from 0, not {getattr(self, name)!r}.")

    def __repr__(self):
        settings = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"AlertRule({settings})"

    def watch(self, classes):
        """A `Watch` that applies this rule to one party's estimates, as they come; `classes` are the model's."""
        return AlertState(self, classes)

    def apply(self, estimates, classes):
        """The alerts in a list of estimates, in order."""
        watch = self.watch(classes)
        found = (watch.update(estimate) for estimate in estimates)
        return [alert for alert in found if alert is not None]

    def explain(self, alert, party="customer"):
        """One sentence for the screen: who, what, for how long, since when, and what the rule asks for."""
        minutes, seconds = divmod(int(alert.start), 60)
        return (
            f"The {party} has sounded {alert.emotion} for {alert.speech:.0f} s of speech since {minutes}:{seconds:02d}"
            f" (level {alert.level:.2f}; the rule asks for {self.threshold:.2f} over {self.persistence_s:g} s)."
        )


class AlertState:
    """The state of an `AlertRule` for one party: feed it estimates (Lesson 13).

    Examples
    --------
    >>> from ser_helpers.streaming import WindowPrediction
    >>> watch = AlertRule(persistence_s=4, baseline_s=0).watch(["angry", "sad"])
    >>> windows = [WindowPrediction(k, k + 3, 1.0, [0.9, 0.1], [0.9, 0.1], "angry", False) for k in range(5)]
    >>> [alert.time for alert in map(watch.update, windows) if alert]
    [4]

    Attributes
    ----------
    level : float
        Of the last window; NaN where it was not judged.
    """

    def __init__(self, rule, classes):
        classes = list(classes)
        if rule.emotion not in classes:
            raise StreamError(f"The rule is about {rule.emotion!r}, but the model tells only {', '.join(classes)}.")
        self.rule, self._which = rule, classes.index(rule.emotion)
        self._end, self.level = None, math.nan
        self._silent_until = self._learned = self._usual = 0.0
        self._forget()

    def update(self, estimate):
        """Take the next estimate; return an `Alert` if it meets the rule, else None."""
        begin = estimate.start if self._end is None else self._end
        self._end, self.level = estimate.end, math.nan
        if estimate.smoothed is not None:
            speech = (estimate.end - begin) * estimate.speech
            self.level = self._compared(float(estimate.smoothed[self._which]), speech)
            return self._hear(self.level, speech, begin, estimate.end) if estimate.end > self._silent_until else None
        self._quiet += estimate.end - begin
        if estimate.gap or self._quiet >= self.rule.forget_s:
            self._forget()
        return None

    def _compared(self, probability, speech):
        """The probability, less a part of what is usual for this voice."""
        probability = min(max(probability, 1 - SUREST), SUREST)
        odds = math.log(probability / (1 - probability))
        if self._learned < self.rule.baseline_s:
            self._learned += speech
            self._usual += (odds - self._usual) * speech / self._learned
        return 1 / (1 + math.exp(TAKEN * self._usual - odds))

    def _hear(self, level, speech, begin, end):
        rule = self.rule
        self._quiet = 0.0
        if level < rule.threshold:
            self._speech -= speech
            if self._speech <= 0:
                self._forget()
            return None
        if self._windows == 0:
            self._start = begin
        self._speech += speech
        self._levels += level
        self._windows += 1
        if self._speech < rule.persistence_s:
            return None
        alert = Alert(end, self._start, self._speech, self._levels / self._windows, rule.emotion)
        self._silent_until = end + rule.cool_down_s
        self._forget()
        return alert

    def _forget(self):
        self._speech = self._quiet = self._levels = 0.0
        self._windows = 0
