"""One call as the service knows it: who speaks, its last windows, its alerts, and who holds its line."""

import asyncio
import json
import logging
import math
import secrets
from collections import deque
from datetime import UTC, datetime

FAILED = "The service failed at this call; its log says how."
LOST = "The line was lost."
TAKEN = "Another connection has taken this call over."
LOG = logging.getLogger("uvicorn.error")


def now():
    """The wall clock as ISO 8601 in UTC, to the second. Lesson 13."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Session:
    """One call: its monitor, its last windows, its alerts. Made by `Switchboard.open`. Lesson 13.

    `line` is whatever may feed the call now; without one it waits for its caller, and `patience` is the task that ends
    it when nobody comes. `resume` is the caller's secret: it is told to nobody else, and never stored. `truth` is what
    is known to be felt, as a list of `messages.Turn`, or None.
    """

    def __init__(self, name, source, sr, parties, settings, form=None, line=None, truth=None):
        self.id = secrets.token_hex(5)
        self.name, self.source, self.sr, self.parties = name or f"Call {self.id[:4]}", source, sr, list(parties)
        self.form, self.line, self.patience, self.resume = form, line, None, secrets.token_urlsafe()
        self.inferred = [party for party in parties if party in settings.inferred]
        self.started, self.ended_at, self.why, self.seconds = now(), None, None, 0.0
        self.windows = deque(maxlen=settings.points * len(parties))  # as JSON: small to keep, quick to send
        self.alerts, self.truth = [], truth
        self.monitor = None
        self.turn = asyncio.Lock()

    @property
    def waiting(self):
        """Whether the line was lost and the caller may still come back."""
        return self.patience is not None

    def summary(self):
        """The call as `messages.Call`."""
        return {
            "id": self.id,
            "name": self.name,
            "source": self.source,
            "state": "live" if self.ended_at is None else "ended",
            "waiting": self.waiting,
            "why": self.why,
            "started": self.started,
            "seconds": round(self.seconds, 2),
            "parties": self.parties,
            "inferred": self.inferred,
            "alerts": len(self.alerts),
            "truth": self.truth,
        }

    def alarm(self, event):
        """Keep an `AlertEvent`, raised now, as `messages.Alert`."""
        alert = {
            "id": f"{self.id}-{len(self.alerts) + 1}",
            "call": self.id,
            "name": self.name,
            "time": round(event.time, 2),
            "party": event.party,
            "emotion": event.emotion,
            "explanation": event.explanation,
            "raised": now(),
            "acknowledged": False,
        }
        self.alerts.append(alert)
        return alert

    def text(self, last=None, **more):
        """The call as `messages.CallWindows` in JSON, with its `last` windows per party, and what is added to it."""
        windows = list(self.windows)
        if last is not None:
            windows = windows[max(0, len(windows) - last * len(self.parties)) :]
        return f'{json.dumps({**self.summary(), **more})[:-1]}, "windows": [{", ".join(windows)}]}}'


def window_message(party, estimate, emotions, inferred=True, level=math.nan):
    """An estimate as `messages.Window`; without `inferred` only who speaks is told. Lesson 13."""

    def named(values):
        return None if values is None or not inferred else dict(zip(emotions, map(_round, values), strict=True))

    return {
        "party": party,
        "start": _round(estimate.start),
        "end": _round(estimate.end),
        "speech": _round(estimate.speech),
        "emotion": estimate.emotion if inferred else None,
        "probabilities": named(estimate.probabilities),
        "smoothed": named(estimate.smoothed),
        "level": None if math.isnan(level) or not inferred else _round(level),
        "gap": bool(estimate.gap),
    }


def _round(value):
    return round(float(value), 4)
