"""Calls and pages without a service around them."""

import asyncio
import json
import threading

import numpy as np
import pytest

from ser_helpers import paths
from ser_helpers.call_centre import AlertRule
from ser_helpers.call_centre.alerts import Alert
from ser_helpers.errors import StreamError
from ser_helpers.service.prometheus import Metrics
from ser_helpers.service.sessions import CallManager, CallSession
from ser_helpers.service.settings import Settings


class Idle:
    """A monitor without events."""

    def feed(self, chunk):
        return []

    def finish(self):
        return []


def manager(make_monitor=lambda parties, sr: Idle(), **chosen):
    return CallManager(Settings(**chosen), Metrics(), make_monitor, ["angry", "neutral"], AlertRule())


@pytest.mark.parametrize(
    ("anger", "times", "verdicts", "missed"),
    [
        ((20, 40), [27, 49.9, 50.1], ["right", "right", "wrong"], False),
        ((20, 40), [19.9], ["wrong"], True),
        ((20, 22), [24], ["wrong"], False),  # too short for an alert to be due
        (None, [24], [None], False),
    ],
)
def test_where_the_truth_is_known_alerts_are_right_or_false_and_missed(anger, times, verdicts, missed):
    turns = [(0, 20, "neutral"), (*(anger or (20, 22)), "angry")]
    truth = [dict(zip(("start", "end", "emotion"), turn, strict=True)) for turn in turns]
    session = CallSession("Call", "replay", 8000, ["customer"], Settings(), anger and truth)
    for time in times:
        session.add_alert(Alert(time, "customer", "angry", time - 9, 5.0, 0.7, "Angry."))
    assert [alert["truth"] for alert in session.alerts] == verdicts
    assert not session.summary()["missed"]  # the call has only begun
    session.seconds = 60
    assert session.summary()["missed"] == missed


def test_a_slow_page_gets_one_snapshot_instead_of_its_backlog():
    calls = manager(backlog=3)
    with calls.page() as queue:
        assert queue.get_nowait() is None  # the first snapshot
        for i in range(3):
            calls.publish({"type": "window", "i": i})
        assert queue.qsize() == 3
        calls.publish({"type": "window", "i": 3})
        assert [queue.get_nowait() for _ in range(queue.qsize())] == [None]
    assert calls.pages == set()
    assert "ser_dashboards_behind_total 1.0" in calls.metrics.text().decode()


def test_the_number_of_pages_is_limited():
    calls = manager(dashboards=1)
    with calls.page(), pytest.raises(StreamError, match="1 pages are open"), calls.page():
        pass


def test_a_call_that_is_removed_while_it_opens_leaves_nothing(caplog):
    making, made = threading.Event(), threading.Event()

    def slow_monitor(parties, sr):
        making.set()
        assert made.wait(20)
        return Idle()

    async def play():
        calls = manager(slow_monitor)
        with calls.page() as page:
            opening = asyncio.create_task(calls.open(None, "stream", 8000, ["customer"]))
            while not making.is_set():
                await asyncio.sleep(0.01)
            (session,) = calls.live
            removing = asyncio.create_task(calls.forget(session))
            await asyncio.sleep(0)
            made.set()
            await asyncio.gather(opening, removing)
            types = [json.loads(page.get_nowait() or "{}").get("type") for _ in range(page.qsize())]
        await calls.shut()
        return types, list(calls.sessions)

    types, known = asyncio.run(play())
    assert (types[-1], known, caplog.records) == ("forgotten", [], [])


def test_a_call_whose_monitor_cannot_be_made_leaves_nothing():
    def broken(parties, sr):
        raise StreamError("No.")

    async def play():
        calls = manager(broken)
        with pytest.raises(StreamError, match="No"):
            await calls.open(None, "stream", 8000, ["customer"])
        await calls.shut()
        return list(calls.sessions)

    assert asyncio.run(play()) == []


def test_a_call_is_closed_after_the_chunk_that_is_being_analysed_and_once():
    thinking, go_on, order = threading.Event(), threading.Event(), []

    class Slow(Idle):
        def feed(self, chunk):
            thinking.set()
            assert go_on.wait(20)
            order.append("feed")
            return []

        def finish(self):
            order.append("finish")
            return []

    async def play():
        calls = manager(lambda parties, sr: Slow())
        session = await calls.open(None, "stream", 8000, ["customer"])
        feeding = asyncio.create_task(calls.feed(session, np.zeros(8000)))
        while not thinking.is_set():
            await asyncio.sleep(0.01)
        feeding.cancel()  # the client has gone; its chunk is analysed all the same
        closing = [asyncio.create_task(calls.close(session, why)) for why in ("first", "second")]
        await asyncio.sleep(0.01)
        go_on.set()
        await asyncio.gather(*closing)
        with pytest.raises(StreamError, match="The call has ended: first"):
            await calls.feed(session, np.zeros(8000))
        await calls.shut()
        return session.seconds

    assert asyncio.run(play()) == 1
    assert order == ["feed", "finish"]


def test_the_service_stops_with_a_live_call():
    async def play():
        calls = manager()
        session = await calls.open(None, "stream", 8000, ["customer"])
        await calls.shut()
        return session.why, calls.live

    assert asyncio.run(play()) == ("The service stopped.", [])


def test_a_full_disk_ends_neither_the_service_nor_the_other_calls(tmp_path, monkeypatch, caplog):
    def full(path):
        raise OSError(28, "No space left on device", str(path))

    async def play():
        calls = manager(store=tmp_path)
        for name in ("one", "two", "three"):
            await calls.open(name, "stream", 8000, ["customer"])
        one, two, three = calls.live
        monkeypatch.setattr(paths, "atomic_file", full)
        with calls.page() as page:
            await calls.close(one, "The caller hung up.")
            await calls.forget(two)
            messages = [json.loads(page.get_nowait() or "{}") for _ in range(page.qsize())]
        monkeypatch.undo()
        await calls.shut()
        return messages, three.id

    messages, stored = asyncio.run(play())
    why = "The caller hung up. It could not be stored: No space left on device."
    assert why in [message.get("why") for message in messages]
    assert len([record for record in caplog.records if "could not be stored" in record.getMessage()]) == 2
    assert [path.name.endswith(f"{stored}.json") for path in tmp_path.iterdir()] == [True]


def test_a_call_that_is_ending_when_the_service_stops_is_stored(tmp_path):
    ending, go_on = threading.Event(), threading.Event()

    class Slow(Idle):
        def finish(self):
            ending.set()
            assert go_on.wait(20)
            return []

    async def play():
        calls = manager(lambda parties, sr: Slow(), store=tmp_path)
        session = await calls.open(None, "stream", 8000, ["customer"])
        closing = asyncio.create_task(calls.close(session, "The caller hung up."))
        await asyncio.to_thread(ending.wait)
        asyncio.get_running_loop().call_later(0.1, go_on.set)
        await calls.shut()
        return len(list(tmp_path.iterdir())), await closing

    assert asyncio.run(play()) == (1, [])
