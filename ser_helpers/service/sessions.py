"""The calls that the service follows: opened, fed in threads, shown on every open page, ended and forgotten."""

import asyncio
import contextlib
import functools
import json
import logging
import math
import secrets
import time
from collections import OrderedDict, deque
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from ser_helpers import paths
from ser_helpers.call_centre.alert_evaluation import GRACE
from ser_helpers.call_centre.alerts import Alert
from ser_helpers.errors import StreamError
from ser_helpers.synthesis import calls

FAILED = "The service failed during this call; its log says why."
STOPPED = "The service stopped."
LOG = logging.getLogger("uvicorn.error")


def _uncancelled(method):
    """A method that runs to its end even if its caller is cancelled: its thread cannot be stopped half-way."""

    @functools.wraps(method)
    async def shielded(*args, **kwargs):
        return await asyncio.shield(method(*args, **kwargs))

    return shielded


class CallManager:
    """All calls and all open pages. Lesson 13.

    Everything but the monitors' work runs on the event loop, so state needs no locks. The monitor of a call works in
    one thread at a time, in order: `CallSession.lock`.

    `make_monitor(parties, sr)` makes the `call_centre.CallMonitor` of a call, `emotions` are its classes, `rule` is the
    `AlertRule` that all of them follow, `model` the name of its model, and `dimensions` a `schemas.Dimensions` as a
    dict, or None. `on_alert`, if given, is called with each alert, a `schemas.Alert` as a dict.
    """

    def __init__(self, settings, metrics, make_monitor, emotions, rule, model="", dimensions=None, on_alert=None):
        self.settings, self.metrics, self.make_monitor, self.emotions = settings, metrics, make_monitor, list(emotions)
        self.model, self.dimensions, self.on_alert = model, dimensions, on_alert
        self.rule = rule
        self.pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="analyse")
        self.sessions = OrderedDict()
        self.alerts = OrderedDict()
        self.streams = {}  # the live calls that come from a client, and the client
        self.pages = set()

    @property
    def live(self):
        """The calls that have not ended."""
        return [session for session in self.sessions.values() if session.ended_at is None]

    async def open(self, name, source, sr, parties, **about):
        """Begin a call and return its `CallSession`; StreamError when the service has as many as it accepts.

        `about` is what else is known of it, as `CallSession` takes it.
        """
        if len(self.live) >= self.settings.calls:
            raise StreamError(f"The service already has {self.settings.calls} calls: try again when one has ended.")
        session = CallSession(name, source, sr, parties, self.settings, **about)
        self.sessions[session.id] = session
        self._tidy()
        try:
            async with session.lock:  # a task that removes the call meanwhile waits for its monitor
                session.monitor = await self._in_thread(self.make_monitor, tuple(parties), sr)
        except BaseException:
            self._drop(session)
            raise
        self.metrics.opened.labels(source=source).inc()
        self._show(session)
        return session

    @_uncancelled
    async def feed(self, session, chunk):
        """Feed samples (n,) or (n, channels) to the call; return the messages that result, which pages have too."""
        arrived = time.perf_counter()
        async with session.lock:
            session.check_live()
            self._check_length(session.seconds)
            events = await self._in_thread(session.monitor.feed, chunk)
            session.seconds += len(chunk) / session.sr
            self.metrics.audio.inc(len(chunk) / session.sr)
            messages = self._publish_events(session, events)
        if messages:
            self.metrics.time("total", time.perf_counter() - arrived)
        return messages

    @_uncancelled
    async def lost(self, session, seconds):
        """Tell the call that `seconds` of audio are missing; return the messages that result."""
        async with session.lock:
            session.check_live()
            self._check_length(session.seconds + seconds)
            events = await self._in_thread(session.monitor.lost, seconds)
            session.seconds += seconds
            return self._publish_events(session, events)

    @_uncancelled
    async def close(self, session, why):
        """End a call, once; return the messages of its last windows."""
        if session.ended_at is None:  # no await between this and the next line: one task wins
            session.why, session.ended_at, session.ended = why, time.monotonic(), now()
        async with session.lock:
            monitor, session.monitor = session.monitor, None
            if monitor is None:
                return []
            messages = []
            try:
                messages = self._publish_events(session, await self._in_thread(monitor.finish))
            except Exception:
                LOG.exception("The end of call %s", session.id)
            self._show(session)
            if self.settings.store is not None:
                await self._try_to_store(session)
        self._tidy()
        return messages

    async def judge(self, alert_id, feedback):
        """Keep what a supervisor said of an alert, which is then seen, and return it; KeyError if there is none."""
        alert = self.alerts[alert_id]
        alert.update(feedback=feedback, acknowledged=True)
        self.publish({"type": "alert", **alert})
        await self._store_again(self.sessions[alert["call"]])
        return alert

    async def label(self, session, **labels):
        """Change the ``agent``, ``queue`` or ``note`` of a call."""
        vars(session).update(labels)
        self.publish({"type": "call", **session.summary()})
        await self._store_again(session)

    def set_threshold(self, threshold):
        """Let the rule ask for another level, in all calls, from their next window on."""
        self.rule.threshold = threshold
        self.publish({"type": "rule", **self.rule_summary()})

    def rule_summary(self):
        """The rule as `schemas.Rule`."""
        return {"emotion": self.rule.emotion, "threshold": self.rule.threshold}

    async def forget(self, session):
        """End a call if it is live, and remove every trace of it from memory."""
        await self.close(session, "It was removed.")
        self._drop(session)

    async def shut(self):
        """End all calls, and wait for those that are ending already."""
        for session in list(self.sessions.values()):
            await self.close(session, STOPPED)
        self.pool.shutdown(wait=False, cancel_futures=True)

    def acknowledge(self, alert_id):
        """Mark an alert as seen and return it; KeyError if there is no alert with this id."""
        alert = self.alerts[alert_id]
        if not alert["acknowledged"]:
            alert["acknowledged"] = True
            self.publish({"type": "alert", **alert})
        return alert

    def details(self, session, last=None):
        """A call as `schemas.CallWindows`, with all of its windows or the `last` of each party."""
        first = 0 if last is None else max(0, len(session.windows) - last * len(session.parties))
        windows = [self._message(event) for event in list(session.windows)[first:]]
        return {**session.summary(), "windows": windows}

    def snapshot(self):
        """All a page needs to begin or catch up; live calls have their last 90 windows per party, ended ones none."""
        self._tidy()
        calls = [self.details(s, last=90 if s.ended_at is None else 0) for s in self.sessions.values()]
        return {
            "type": "snapshot",
            "emotions": self.emotions,
            "inferred": list(self.settings.inferred),
            "rule": self.rule_summary(),
            "model": self.model,
            "dimensions": self.dimensions,
            "alerts": list(self.alerts.values()),
            "calls": calls,
        }

    def publish(self, message):
        """Queue a message for every page; a page whose queue is full gets one new snapshot instead of the backlog."""
        text = json.dumps(message)
        for queue in self.pages:
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)
                self.metrics.behind.inc()
            else:
                queue.put_nowait(text)

    @contextlib.contextmanager
    def page(self):
        """A queue of JSON texts for one page; None, the first of them, stands for `snapshot` at the time of sending."""
        if len(self.pages) >= self.settings.dashboards:
            raise StreamError(f"{self.settings.dashboards} pages are open already: close one.")
        queue = asyncio.Queue(self.settings.backlog)
        queue.put_nowait(None)
        self.pages.add(queue)
        self.metrics.dashboards.set(len(self.pages))
        try:
            yield queue
        finally:
            self.pages.discard(queue)
            self.metrics.dashboards.set(len(self.pages))

    async def _in_thread(self, work, *args):
        """Run `work(*args)` in the pool and time how long it waited and ran."""
        asked = time.perf_counter()

        def timed():
            begun = time.perf_counter()
            try:
                return work(*args)
            finally:
                self.metrics.time("queue", begun - asked)
                self.metrics.time("work", time.perf_counter() - begun)

        return await asyncio.get_running_loop().run_in_executor(self.pool, timed)

    async def _store_again(self, session):
        """Store a call that was stored when it ended, with what was said of it since."""
        if self.settings.store is not None and session.ended_at is not None:
            async with session.lock:
                await self._try_to_store(session)

    def _check_length(self, seconds):
        if seconds > self.settings.call_seconds:
            raise StreamError(f"A call may last {self.settings.call_seconds / 3600:g} h.")

    def _show(self, session):
        self.metrics.live.set(len(self.live))
        self.publish({"type": "call", **session.summary()})

    def _publish_events(self, session, events):
        messages = []
        for event in events:
            if isinstance(event, Alert):
                alert = session.add_alert(event)
                self.alerts[alert["id"]] = alert
                self.metrics.alerts.inc()
                if self.on_alert:
                    self.on_alert(alert)
                message = {"type": "alert", **alert}
            else:
                session.windows.append(event)
                self.metrics.windows.labels(party=event.party).inc()
                message = {"type": "window", "call": session.id, "seconds": round(session.seconds, 2)}
                message |= self._message(event)
            messages.append(message)
            self.publish(message)
        return messages

    def _message(self, event):
        return window_message(event, self.emotions, self.dimensions and self.dimensions["names"])

    def _tidy(self):
        """Drop ended calls that are too old or too many."""
        ended = [s for s in self.sessions.values() if s.ended_at is not None and s.monitor is None]
        old = [s for s in ended if time.monotonic() - s.ended_at > self.settings.forget_seconds]
        for session in old + [s for s in ended if s not in old][: -self.settings.finished or None]:
            self._drop(session)

    def _drop(self, session):
        if self.sessions.pop(session.id, None) is not None:
            for alert in session.alerts:
                self.alerts.pop(alert["id"], None)
            self.publish({"type": "forgotten", "id": session.id})

    async def _try_to_store(self, session):
        try:
            await asyncio.to_thread(self._store, session)
        except OSError as error:  # such as a full disk: the service goes on
            LOG.error("Call %s could not be stored: %s", session.id, error)
            session.why += f" It could not be stored: {error.strerror or error}."
            self._show(session)

    def _store(self, session):
        path = self.settings.store / f"{session.started.replace(':', '')}-{session.id}.json"
        self.settings.store.mkdir(parents=True, exist_ok=True)
        with paths.atomic_file(path) as temporary:
            text = json.dumps({**self.details(session), "alerts": session.alerts})
            temporary.write_text(text, encoding="utf-8")


class CallSession:
    """One call: its monitor, its last windows, its alerts. Made by `CallManager.open`. Lesson 13.

    `truth` are the customer's true emotions, where they are known: dicts as `schemas.Turn`; `recording` is the name of
    the recording that is replayed; `agent` and `queue` are names.
    """

    def __init__(self, name, source, sr, parties, settings, truth=None, recording=None, agent=None, queue=None):
        self.id = secrets.token_hex(5)
        self.name, self.source, self.sr, self.parties = name or f"Call {self.id[:4]}", source, sr, list(parties)
        self.inferred = [party for party in parties if party in settings.inferred]
        self.started, self.ended_at, self.why, self.seconds = now(), None, None, 0.0
        self.windows = deque(maxlen=settings.points * len(parties))  # WindowEvent
        self.alerts, self.truth, self.recording = [], truth, recording
        self.agent, self.queue, self.note, self.ended = agent, queue, "", None
        self.anger = calls.alert([("customer", turn["start"], turn["end"], turn["emotion"]) for turn in truth or []])
        self.monitor = None
        self.lock = asyncio.Lock()

    def check_live(self):
        """StreamError if the call has ended."""
        if self.ended_at is not None:
            raise StreamError(f"The call has ended: {self.why}")

    def summary(self):
        """The call as `schemas.Call`."""
        return {
            "id": self.id,
            "name": self.name,
            "source": self.source,
            "state": "live" if self.ended_at is None else "ended",
            "why": self.why,
            "started": self.started,
            "seconds": round(self.seconds, 2),
            "parties": self.parties,
            "inferred": self.inferred,
            "alerts": len(self.alerts),
            "truth": self.truth,
            "ended": self.ended,
            "agent": self.agent,
            "queue": self.queue,
            "note": self.note,
            "recording": self.recording,
            "missed": self._missed(),
        }

    def verdict(self, event):
        """Whether an `alerts.Alert` is "right" or "wrong", as `alert_evaluation` counts; None if nobody knows."""
        if self.truth is None or (event.party, event.emotion) != ("customer", "angry"):
            return None
        begin, _, end = self.anger  # NaN if no alert is due
        return "right" if begin <= event.time <= end + GRACE else "wrong"

    def _missed(self):
        """Whether an alert was due in a call whose truth is known, and none came while it was."""
        _, due, end = self.anger
        over = self.seconds > end + GRACE or (self.ended_at is not None and self.seconds > due)
        return over and not any(alert["truth"] == "right" for alert in self.alerts)

    def add_alert(self, event):
        """Keep an `alerts.Alert` as `schemas.Alert`, and return it."""
        alert = {"id": f"{self.id}-{len(self.alerts) + 1}", "call": self.id, "name": self.name}
        alert |= {
            "start": round(event.start, 2),
            "time": round(event.time, 2),
            "party": event.party,
            "emotion": event.emotion,
        }
        alert |= {"explanation": event.explanation, "raised": now(), "acknowledged": False}
        alert |= {"level": _round(event.level), "truth": self.verdict(event), "feedback": None}
        self.alerts.append(alert)
        return alert


def now():
    """The wall clock as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def window_message(event, emotions, dimensions=None):
    """A `WindowEvent` as `schemas.Window`; `emotions` and `dimensions` name its numbers. Lesson 13."""
    party, window, level = event

    def named(values, names=emotions):
        return None if values is None else dict(zip(names, map(_round, values), strict=True))

    return {
        "party": party,
        "start": _round(window.start),
        "end": _round(window.end),
        "speech": _round(window.speech),
        "emotion": window.emotion,
        "probabilities": named(window.probabilities),
        "smoothed": named(window.smoothed),
        "level": None if math.isnan(level) else _round(level),
        "dimensions": named(window.dimensions, dimensions),
        "gap": bool(window.gap),
    }


def _round(value):
    return round(float(value), 4)
