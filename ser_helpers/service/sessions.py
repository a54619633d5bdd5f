"""The calls that the service hears: opened, fed in threads, shown to every open page, ended and forgotten.

One call as the service knows it: who speaks, its last windows, its alerts, and who holds its line.
"""

import asyncio
import contextlib
import functools
import hmac
import json
import logging
import math
import secrets
import time
from collections import OrderedDict, deque
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial

from ser_helpers import paths
from ser_helpers.call_centre.monitor import AlertEvent
from ser_helpers.errors import StreamError


def _to_its_end(method):
    """A method that is carried out to its end even when nobody waits for it any more: no call is left half heard."""

    @functools.wraps(method)
    async def shielded(*args, **kwargs):
        return await asyncio.shield(method(*args, **kwargs))

    return shielded


class CallManager:
    """All calls and all open pages. Every method but the monitors' work runs on the event loop, so nothing is locked.

    Only its `Session.line`, any object with `cancel()`, may feed a call. Whether a line lets go, another takes over or
    the call ends is settled between two awaits; `Session.turn` keeps the monitor's work in order.

    `monitor(parties, sr)` makes what listens to one call (`call_centre.CallMonitor`), `emotions` are those it tells
    apart, `rule` is the `AlertRule` it follows. Lesson 13.
    """

    def __init__(self, settings, metrics, monitor, emotions, rule):
        self.settings, self.metrics, self.make_monitor, self.emotions = settings, metrics, monitor, list(emotions)
        self.rule = {"emotion": rule.emotion, "threshold": rule.threshold}
        self.pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="listen")
        self.sessions = OrderedDict()
        self.alerts = OrderedDict()
        self.pages = set()
        self.endings = set()

    @property
    def live(self):
        """The calls that have not ended."""
        return [session for session in self.sessions.values() if session.ended_at is None]

    async def in_thread(self, work, *args):
        """Run `work(*args)` in a listening thread and time how long it waited and ran."""
        asked = time.perf_counter()

        def timed():
            begun = time.perf_counter()
            try:
                return work(*args)
            finally:
                self.metrics.time("queue", begun - asked)
                self.metrics.time("work", time.perf_counter() - begun)

        return await asyncio.get_running_loop().run_in_executor(self.pool, timed)

    async def open(self, name, source, sr, parties, form=None, line=None, truth=None):
        """Begin a call, which only `line` may feed; StreamError when the service has as many as it takes.

        `truth` is what is known to be felt in it, a list of `messages.Turn`.
        """
        if len(self.live) >= self.settings.calls:
            raise StreamError(f"The service already hears {self.settings.calls} calls: try again when one has ended.")
        session = CallSession(name, source, sr, parties, self.settings, form, line, truth)
        self.sessions[session.id] = session
        self._tidy()
        try:
            async with session.turn:  # who removes the call meanwhile waits for its monitor
                session.monitor = await self.in_thread(partial(self.make_monitor, parties=tuple(parties), sr=sr))
        except BaseException:
            self._drop(session)
            raise
        self.metrics.opened.labels(source=source).inc()
        self._show(session)
        return session

    def resume(self, key, sr, parties, form, line):
        """Give the call of this `resume` key to `line`, and cancel the line that still held it.

        What was being heard is heard to its end: wait for `Session.turn` before you ask how much that is. StreamError
        when there is no such call, it has ended, or its samples came in another form.
        """
        known = (s for s in self.sessions.values() if hmac.compare_digest(s.resume.encode(), key.encode()))
        session = next(known, None)
        if session is None:
            raise StreamError("The call that should go on is not known here: begin a new one.")
        if session.ended_at is not None:
            raise StreamError(f"The call has ended: {session.why}")
        if (sr, parties, form) != (session.sr, session.parties, session.form):
            begun = f"{session.sr} samples per second, {session.form}, {' and '.join(session.parties)}"
            raise StreamError(f"A call goes on as it began, with {begun}: send that, or begin a new one.")
        before, session.line = session.line, line
        self._wait_no_more(session)
        if before is not None:
            before.cancel()
        self.metrics.resumed.inc()
        self._show(session)
        return session

    @_to_its_end
    async def feed(self, session, chunk, line=None):
        """Let the call's monitor hear `chunk` ((n,) or (n, channels)); the messages that come of it, already shown."""
        arrived = time.perf_counter()
        async with session.turn:
            self._check(session, line)
            if session.seconds > self.settings.call_seconds:
                raise StreamError(f"A call may last {self.settings.call_seconds / 3600:g} h.")
            events = await self.in_thread(session.monitor.feed, chunk)
            session.seconds += len(chunk) / session.sr
            self.metrics.audio.inc(len(chunk) / session.sr)
            found = self._take(session, events)
        if found:
            self.metrics.time("total", time.perf_counter() - arrived)
        return found

    @_to_its_end
    async def lost(self, session, seconds, line=None):
        """Say that `seconds` of audio are missing; the messages that come of it, already shown."""
        async with session.turn:
            self._check(session, line)
            events = await self.in_thread(session.monitor.lost, seconds)
            session.seconds += seconds
            return self._take(session, events)

    async def let_go(self, session, line, why):
        """`line` feeds the call no more: where it was lost the call waits for its caller, otherwise it ends.

        Nothing happens when the call has ended, or another line has taken it over.
        """
        if session.line is not line or session.ended_at is not None:
            return
        if why != LOST or not self.settings.resume_seconds:
            await self.close(session, why)
            return
        session.line, session.patience = None, asyncio.create_task(self._give_up(session))
        self.endings.add(session.patience)
        session.patience.add_done_callback(self.endings.discard)
        self._show(session)

    async def close(self, session, why, line=None):
        """End a call once; what the monitor still had to say is shown.

        With `line`, StreamError when another one has taken the call over.
        """
        if line is not None and session.line is not line:
            raise StreamError(TAKEN)
        first = session.ended_at is None
        if first:
            session.why, session.ended_at = why, time.monotonic()  # from now on nobody else feeds, ends or resumes it
            self._wait_no_more(session)
        return await self._finish(session, first)

    @_to_its_end
    async def _finish(self, session, first):
        async with session.turn:
            if not first:
                return []
            found = []
            monitor, session.monitor = session.monitor, None
            try:
                found = self._take(session, await self.in_thread(monitor.finish))
            except Exception:
                LOG.exception("The end of call %s", session.id)
        self._show(session)
        if self.settings.store is not None:
            await asyncio.to_thread(self._store, session)
        self._tidy()
        return found

    async def forget(self, session):
        """End a call if it is live, and remove every trace of it from memory."""
        await self.close(session, "It was removed.")
        self._drop(session)

    async def shut(self):
        """End everything."""
        for session in self.live:
            await self.close(session, "The service stopped.")
        await asyncio.gather(*self.endings, return_exceptions=True)
        self.pool.shutdown(wait=False, cancel_futures=True)

    def acknowledge(self, alert_id):
        """Mark an alert as seen; KeyError when there is none of that name."""
        alert = self.alerts[alert_id]
        if not alert["acknowledged"]:
            alert["acknowledged"] = True
            self.publish({"type": "alert", **alert})
        return alert

    def snapshot(self):
        """Everything a page needs to begin, or to catch up, in JSON: the last 90 windows of live calls, the alerts."""
        self._tidy()
        head = {
            "type": "snapshot",
            "emotions": self.emotions,
            "inferred": list(self.settings.inferred),
            "rule": self.rule,
            "alerts": list(self.alerts.values()),
        }
        calls = [session.text(last=90 if session.ended_at is None else 0) for session in self.sessions.values()]
        return f'{json.dumps(head)[:-1]}, "calls": [{", ".join(calls)}]}}'

    def publish(self, message):
        """Give a message to every page; one whose queue is full gets a fresh snapshot instead of all that waits."""
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
        """A queue of messages for one page, the first of them None: `snapshot` stands for it."""
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

    async def _give_up(self, session):
        await asyncio.sleep(self.settings.resume_seconds)
        session.patience = None
        await self.close(session, LOST)

    def _wait_no_more(self, session):
        if session.patience is not None:
            session.patience.cancel()
            session.patience = None

    def _check(self, session, line):
        if session.ended_at is not None:
            raise StreamError(f"The call has ended: {session.why}")
        if session.line is not line:
            raise StreamError(TAKEN)

    def _show(self, session):
        live = self.live
        self.metrics.calls.set(len(live))
        self.metrics.waiting.set(sum(session.waiting for session in live))
        self.publish({"type": "call", **session.summary()})

    def _take(self, session, events):
        found = []
        for event in events:
            if isinstance(event, AlertEvent):
                alert = session.alarm(event)
                self.alerts[alert["id"]] = alert
                self.metrics.alerts.inc()
                message = {"type": "alert", **alert}
            else:
                window = window_message(*event[:2], self.emotions, event.party in session.inferred, event.level)
                session.windows.append(json.dumps(window))
                self.metrics.windows.labels(party=event.party).inc()
                message = {"type": "window", "call": session.id, "seconds": round(session.seconds, 2), **window}
            found.append(message)
            self.publish(message)
        return found

    def _tidy(self):
        ended = [s for s in self.sessions.values() if s.ended_at is not None and s.monitor is None]
        old = [s for s in ended if time.monotonic() - s.ended_at > self.settings.forget_seconds]
        for session in old + [s for s in ended if s not in old][: -self.settings.finished or None]:
            self._drop(session)

    def _drop(self, session):
        if self.sessions.pop(session.id, None) is not None:
            for alert in session.alerts:
                self.alerts.pop(alert["id"], None)
            self.publish({"type": "forgotten", "id": session.id})

    def _store(self, session):
        path = self.settings.store / f"{session.started.replace(':', '')}-{session.id}.json"
        self.settings.store.mkdir(parents=True, exist_ok=True)
        with paths.atomic_file(path) as partial_file:
            partial_file.write_text(session.text(alerts=session.alerts), encoding="utf-8")


FAILED = "The service failed at this call; its log says how."
LOST = "The line was lost."
TAKEN = "Another connection has taken this call over."
LOG = logging.getLogger("uvicorn.error")


def now():
    """The wall clock as ISO 8601 in UTC, to the second. Lesson 13."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class CallSession:
    """One call: its monitor, its last windows, its alerts. Made by `CallManager.open`. Lesson 13.

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
