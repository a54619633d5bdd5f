"""A call outlives its line: it waits for its caller, who comes back over another one."""

import asyncio
import json
import threading
import time

import numpy as np
import pytest
import soundfile as sf
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from ser_helpers.call_centre import AlertRule, monitor
from ser_helpers.errors import StreamError
from ser_helpers.service.app import create_app
from ser_helpers.service.metrics import Metrics
from ser_helpers.service.sessions import LOST, TAKEN, CallManager
from ser_helpers.service.settings import Settings

RULE = AlertRule(threshold=0.5, persistence_s=2)
HELLO = {"rate": 8000, "format": "float32", "channels": 2, "name": "Line 1"}
LONG = 3600.0


class Loud:
    """The louder a window, the angrier."""

    classes_ = np.array(["angry", "neutral"])

    def predict_proba(self, windows):
        level = 20 * np.log10(np.sqrt(np.mean(np.square(windows), axis=1)) + 1e-6)
        angry = 1 / (1 + np.exp(-(level + 30) / 2))
        return np.column_stack([angry, 1 - angry]).astype(float)


class Held(Loud):
    """The same, as soon as it may go on; `thinking` tells that it was asked."""

    def __init__(self):
        self.thinking, self.go_on = threading.Event(), threading.Event()

    def predict_proba(self, windows):
        self.thinking.set()
        assert self.go_on.wait(20)
        return super().predict_proba(windows)


@pytest.fixture(scope="module")
def recording():
    """The first 20 s of a call, 8 kHz, agent and customer."""
    return sf.read(monitor.demo_calls()[0], frames=8000 * 20, dtype="float32")[0]


@pytest.fixture
def client():
    """client(resume_seconds=…, …): a client of a service with these settings."""
    clients = []

    def make(model=None, **chosen):
        settings = Settings(**{"denoise": False, "workers": 2, "resume_seconds": LONG} | chosen)
        app = create_app(settings, model or Loud(), RULE, calls=[])
        clients.append(TestClient(app, base_url="http://127.0.0.1", headers={"host": "127.0.0.1"}))
        return clients[-1].__enter__()

    yield make
    for made in clients:
        made.__exit__(None, None, None)


@pytest.fixture
def page(client):
    """page(served): what a page of this service is told, from now on."""
    opened = []

    def open_page(served):
        opened.append(served.websocket_connect("/events"))
        socket = opened[-1].__enter__()
        until(socket, lambda message: message["type"] == "snapshot")
        return socket

    yield open_page
    for socket in opened:
        socket.__exit__(None, None, None)


def until(socket, wanted):
    """The first message that is wanted."""
    while not wanted(message := socket.receive_json()):
        pass
    return message


def kind(name):
    return lambda message: message["type"] == name


def waits(message):
    return message.get("waiting") is True


def begin(socket, **more):
    """Say hello; the answer."""
    socket.send_json(HELLO | more)
    return until(socket, kind("ready"))


def speak(socket, y):
    for part in np.array_split(y, max(1, len(y) // 8000)):
        socket.send_bytes(part.tobytes())


def hang_up(socket):
    socket.send_json({"type": "end"})
    return until(socket, kind("ended"))


def lose(served, y):
    """Begin a call and lose its line when `y` has been heard; what `ready` said."""

    def look():
        return served.get(f"/calls/{ready['call']}").json()

    with served.websocket_connect("/stream") as socket:
        ready = begin(socket)
        speak(socket, y)
        while look()["seconds"] < round(len(y) / 8000, 2):
            time.sleep(0.01)
    while look()["state"] == "live" and not look()["waiting"]:
        time.sleep(0.01)
    return ready


def refusal(socket):
    """The sentence with which the service closes a stream."""
    said = until(socket, kind("error"))["error"]
    with pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_json()
    assert closed.value.code == 1008
    return said


# --- the caller comes back ----------------------------------------------------------------------


def test_a_call_goes_on_as_if_its_line_had_only_had_a_gap(client, recording):
    served = client()
    first = lose(served, recording[:61000])
    assert [call["state"] for call in served.get("/calls").json()] == ["live"]
    with served.websocket_connect("/stream") as socket:
        again = begin(socket, resume=first["resume"])
        assert (again["call"], again["seconds"], again["resume"]) == (first["call"], 61000 / 8000, first["resume"])
        socket.send_json({"type": "gap", "seconds": 3})
        speak(socket, recording[61000 + 24000 :])
        ended = hang_up(socket)
    with served.websocket_connect("/stream") as socket:
        other = begin(socket)["call"]
        speak(socket, recording[:61000])
        socket.send_json({"type": "gap", "seconds": 3})
        speak(socket, recording[61000 + 24000 :])
        assert hang_up(socket)["seconds"] == ended["seconds"] == 20
    resumed, whole = (served.get(f"/calls/{name}").json() for name in (first["call"], other))
    assert resumed["windows"] == whole["windows"]
    assert any(window["gap"] for window in resumed["windows"])
    assert any(window["emotion"] for window in resumed["windows"][-8:])
    assert (resumed["waiting"], resumed["why"], resumed["alerts"]) == (False, "The caller hung up.", whole["alerts"])
    assert len(served.get("/calls").json()) == 2
    assert "ser_calls_resumed_total 1.0" in served.get("/metrics").text


def test_who_sends_again_what_was_not_heard_misses_nothing(client, recording):
    served, heard_offline = client(), monitor.CallMonitor(Loud(), RULE, sr=8000, denoise=False)
    heard_offline.feed(recording)
    heard_offline.finish()
    at, key = 0, {}
    for until_here in (30000, 90001, len(recording)):  # each line is dropped while sound is still on its way
        with served.websocket_connect("/stream") as socket:
            ready = begin(socket, **key)
            at, key = round(ready["seconds"] * 8000), {"resume": ready["resume"]}
            speak(socket, recording[at:until_here])
            if until_here == len(recording):
                hang_up(socket)
    (call,) = served.get("/calls").json()
    found = served.get(f"/calls/{call['id']}").json()["windows"]
    customer = [window for window in found if window["party"] == "customer"]
    expected = heard_offline.trajectory("customer")
    assert [window["end"] for window in customer] == expected["end"].tolist()
    shown = expected["emotion"].astype(object).where(expected["emotion"].notna(), None)
    assert [window["emotion"] for window in customer] == shown.tolist()


def test_what_is_found_while_nobody_listens_is_shown_all_the_same(client, page, recording):
    model = Held()
    served = client(model, chunk_bytes=1 << 21)
    shown = page(served)
    with served.websocket_connect("/stream") as socket:
        name = begin(socket)["call"]
        socket.send_bytes(recording[:120000].tobytes())
        assert model.thinking.wait(20)
    until(shown, waits)
    model.go_on.set()
    assert until(shown, lambda message: message["type"] == "window" and message["emotion"])["call"] == name
    assert len(served.get(f"/calls/{name}").json()["windows"]) >= 24


def test_a_page_sees_that_a_call_waits_and_that_it_goes_on(client, page, recording):
    served = client()
    shown = page(served)
    ready = lose(served, recording[:16000])
    until(shown, waits)
    (call,) = served.get("/calls", params={"state": "live"}).json()
    assert (call["waiting"], call["why"], call["seconds"]) == (True, None, 2)
    text = served.get("/metrics").text
    assert "ser_calls_live 1.0" in text
    assert "ser_calls_waiting 1.0" in text
    with served.websocket_connect("/stream") as socket:
        begin(socket, resume=ready["resume"])
        assert until(shown, kind("call"))["waiting"] is False
        assert "ser_calls_waiting 0.0" in served.get("/metrics").text


# --- two lines at once --------------------------------------------------------------------------


def test_a_second_line_takes_over_from_one_that_is_half_dead(client, recording):
    served = client()
    with served.websocket_connect("/stream") as old, served.websocket_connect("/stream") as new:
        ready = begin(old)
        speak(old, recording[:32000])
        until(old, kind("window"))
        again = begin(new, resume=ready["resume"])
        assert refusal(old) == TAKEN
        speak(new, recording[round(8000 * again["seconds"]) : 64000])
        assert hang_up(new)["seconds"] == 8
    (call,) = served.get("/calls").json()
    assert (call["id"], call["why"]) == (ready["call"], "The caller hung up.")


def test_what_the_old_line_sent_last_is_heard_to_its_end_before_the_new_one_begins(client, recording):
    model = Held()
    served = client(model, chunk_bytes=1 << 21)
    with served.websocket_connect("/stream") as old, served.websocket_connect("/stream") as new:
        ready = begin(old)
        old.send_bytes(recording[:120000].tobytes())
        old.send_bytes(recording[:8000].tobytes())  # never heard: the line is taken over first
        assert model.thinking.wait(20)
        new.send_json(HELLO | {"resume": ready["resume"]})
        assert refusal(old) == TAKEN
        model.go_on.set()
        assert until(new, kind("ready"))["seconds"] == 15
        speak(new, recording[120000:])
        assert hang_up(new)["seconds"] == 20
    found = served.get(f"/calls/{ready['call']}").json()["windows"]
    assert [window["end"] for window in found if window["party"] == "customer"] == list(range(3, 21))


class Line:
    """Who may feed a call."""

    cancelled = False

    def cancel(self):
        self.cancelled = True


class Deaf:
    """A monitor that finds nothing."""

    def feed(self, chunk):
        return []

    def lost(self, seconds):
        return []

    def finish(self):
        return []


@pytest.fixture
def board():
    """A switchboard without a service around it."""
    return CallManager(Settings(resume_seconds=LONG), Metrics(), lambda parties, sr: Deaf(), ["angry"], RULE)


def test_an_old_line_can_neither_feed_nor_end_what_another_has_taken_over(board):
    async def play():
        old, new = Line(), Line()
        session = await board.open(None, "stream", 8000, ["customer"], "int16", old)
        board.resume(session.resume, 8000, ["customer"], "int16", new)
        for late in (board.feed(session, np.zeros(8), old), board.lost(session, 1, old), board.close(session, "", old)):
            with pytest.raises(StreamError, match=TAKEN):
                await late
        await board.let_go(session, old, LOST)
        await board.let_go(session, old, "It failed.")
        state = old.cancelled, new.cancelled, session.waiting, session.ended_at
        await board.feed(session, np.zeros(8000), new)
        await board.shut()
        return state, session.seconds, session.why

    assert asyncio.run(play()) == ((True, False, False, None), 1, "The service stopped.")


def test_who_gives_up_and_who_comes_back_at_the_same_moment_do_not_both_win(board, monkeypatch):
    own = asyncio.sleep
    monkeypatch.setattr("asyncio.sleep", lambda seconds: own(0))  # every wait lasts one turn of the event loop

    async def play(steps):
        line = Line()
        session = await board.open(None, "stream", 8000, ["customer"], "int16", line)
        await board.let_go(session, line, LOST)
        for _ in range(steps):
            await asyncio.sleep(0)
        if session.ended_at is not None:
            with pytest.raises(StreamError, match="The call has ended: The line was lost"):
                board.resume(session.resume, 8000, ["customer"], "int16", line)
            return "ended"
        board.resume(session.resume, 8000, ["customer"], "int16", line)
        for _ in range(8):
            await asyncio.sleep(0)
        await board.feed(session, np.zeros(8000), line)
        return "live" if session.ended_at is None and not session.waiting else "confused"

    async def play_all():
        found = [await play(steps) for steps in range(8)]
        await board.shut()
        return found

    found = asyncio.run(play_all())
    assert found[0] == "live"
    assert found[-1] == "ended"
    assert set(found) == {"live", "ended"}


def test_a_call_that_is_removed_before_it_has_begun_is_forgotten_for_good(caplog):
    making, made = threading.Event(), threading.Event()

    def monitor(parties, sr):
        making.set()
        assert made.wait(20)
        return Deaf()

    async def play():
        board = CallManager(Settings(), Metrics(), monitor, ["angry"], RULE)
        with board.page() as shown:
            opening = asyncio.create_task(board.open(None, "stream", 8000, ["customer"], "int16", Line()))
            while not making.is_set():
                await asyncio.sleep(0.01)
            (session,) = board.live
            removing = asyncio.create_task(board.forget(session))
            await asyncio.sleep(0)
            made.set()
            await asyncio.gather(opening, removing)
            told = [json.loads(shown.get_nowait() or "{}").get("type") for _ in range(shown.qsize())]
        await board.shut()
        return told, list(board.sessions)

    told, known = asyncio.run(play())
    assert (told[-1], known, caplog.records) == ("forgotten", [], [])


def test_a_call_whose_monitor_cannot_be_made_leaves_nothing():
    def broken(parties, sr):
        raise StreamError("No.")

    async def play():
        board = CallManager(Settings(), Metrics(), broken, ["angry"], RULE)
        with pytest.raises(StreamError, match="No"):
            await board.open(None, "stream", 8000, ["customer"], "int16", Line())
        await board.shut()
        return list(board.sessions)

    assert asyncio.run(play()) == []


# --- nobody, or somebody else -------------------------------------------------------------------


def test_nobody_returning_in_time_ends_the_call(client, page, recording):
    served = client(resume_seconds=0.05)
    shown = page(served)
    ready = lose(served, recording[:32000])
    ended = until(shown, lambda message: message.get("state") == "ended")
    assert (ended["why"], ended["seconds"], ended["waiting"]) == (LOST, 4, False)
    with served.websocket_connect("/stream") as socket:
        socket.send_json(HELLO | {"resume": ready["resume"]})
        assert refusal(socket) == f"The call has ended: {LOST}"
    text = served.get("/metrics").text
    assert "ser_calls_live 0.0" in text
    assert "ser_calls_waiting 0.0" in text


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"resume": "guessed"}, "The call that should go on is not known here: begin a new one."),
        ({"resume": "gueßt"}, "The call that should go on is not known here: begin a new one."),
        ({"resume": ""}, "The call that should go on is not known here: begin a new one."),
        ({"rate": 16000}, "with 8000 samples per second, float32, agent and customer"),
        ({"format": "int16"}, "with 8000 samples per second, float32, agent and customer"),
        ({"channels": 1}, "with 8000 samples per second, float32, agent and customer"),
        ({"parties": ["customer", "agent"]}, "with 8000 samples per second, float32, agent and customer"),
    ],
)
def test_a_caller_who_is_not_the_one_before_is_told_so_and_the_call_goes_on(client, recording, more, sentence):
    served = client()
    with served.websocket_connect("/stream") as socket, served.websocket_connect("/stream") as other:
        ready = begin(socket)
        other.send_json(HELLO | {"resume": ready["resume"]} | more)
        assert sentence in refusal(other)
        speak(socket, recording[:8000])
        assert hang_up(socket)["seconds"] == 1


def test_a_waiting_call_has_a_place_and_can_be_removed(client, recording):
    served = client(calls=1)
    ready = lose(served, recording[:8000])
    with served.websocket_connect("/stream") as socket:
        socket.send_json(HELLO)
        assert "already hears 1 calls" in until(socket, kind("error"))["error"]
    assert served.delete(f"/calls/{ready['call']}").status_code == 204
    with served.websocket_connect("/stream") as socket:
        socket.send_json(HELLO | {"resume": ready["resume"]})
        assert "not known here" in refusal(socket)
    with served.websocket_connect("/stream") as socket:
        begin(socket)


def test_the_service_stops_without_waiting_for_a_caller(recording):
    settings = Settings(denoise=False, resume_seconds=LONG)
    app = create_app(settings, Loud(), RULE, calls=[])
    with TestClient(app, base_url="http://127.0.0.1", headers={"host": "127.0.0.1"}) as served:
        lose(served, recording[:8000])
        board = served.app.state.board
        (session,) = board.live
    assert (session.why, session.waiting, board.live) == ("The service stopped.", False, [])


def test_the_key_is_told_to_the_caller_only(client, page, recording, tmp_path):
    served = client(store=tmp_path)
    shown = page(served)
    ready = lose(served, recording[:32000])
    name, told = ready["call"], []
    with served.websocket_connect("/stream") as socket:
        begin(socket, resume=ready["resume"])
        told.append(hang_up(socket))
    while not (told and told[-1].get("state") == "ended" and told[-1]["type"] == "call"):
        told.append(shown.receive_json())
    with served.websocket_connect("/events") as late:
        told.append(until(late, kind("snapshot")))
    told += [served.get(path).text for path in ("/calls", f"/calls/{name}", "/alerts", "/metrics", "/openapi.json")]
    told += [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()]
    assert len(ready["resume"]) >= 32
    assert name in str(told)
    assert ready["resume"] not in str(told)
