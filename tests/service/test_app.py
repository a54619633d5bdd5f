import asyncio
import base64
import contextlib
import io
import json
import tempfile
import threading

import numpy as np
import pandas as pd
import pytest
import schemathesis
import soundfile as sf
import websockets
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from starlette.websockets import WebSocketDisconnect

from ser_helpers.call_centre import AlertRule, monitor
from ser_helpers.errors import StreamError
from ser_helpers.service import server
from ser_helpers.service.app import create_app
from ser_helpers.service.feedback import read_feedback
from ser_helpers.service.security import RateLimit
from ser_helpers.service.settings import Settings
from ser_helpers.service.webhook import Webhook
from ser_helpers.service.websockets import SampleDecoder

HERE = "http://127.0.0.1"
RULE = AlertRule(threshold=0.5, persistence_s=2)


class Loud:
    """The louder a window, the angrier."""

    classes_ = np.array(["angry", "neutral"])

    def predict_proba(self, windows):
        level = 20 * np.log10(np.sqrt(np.mean(np.square(windows), axis=1)) + 1e-6)
        angry = 1 / (1 + np.exp(-(level + 30) / 2))
        return np.column_stack([angry, 1 - angry]).astype(float)


@pytest.fixture(scope="session")
def calls():
    return monitor.demo_calls()


@pytest.fixture(scope="session")
def recording(calls):
    """The first seconds of a call, 8 kHz, agent and customer."""
    return sf.read(calls[0], frames=8000 * 20, dtype="float32")[0]


@pytest.fixture
def client(calls):
    """client(token="…", …): a client of a service with these settings."""
    clients = []

    def make(model=None, **chosen):
        chosen = {"denoise": False, "workers": 2} | chosen
        made = TestClient(
            create_app(Settings(**chosen), model or Loud(), RULE, calls), base_url=HERE, headers={"host": "127.0.0.1"}
        )
        clients.append(made)
        return made.__enter__()

    yield make
    for made in clients:
        made.__exit__(None, None, None)


@pytest.fixture
def pages():
    with contextlib.ExitStack() as stack:
        yield stack


def wav(y, sr=8000):
    file = io.BytesIO()
    sf.write(file, y, sr, format="wav")
    return {"file": ("a call.wav", file.getvalue(), "audio/wav")}


def until(socket, kind):
    """All messages up to the first of this type."""
    messages = [socket.receive_json()]
    while messages[-1]["type"] != kind:
        messages.append(socket.receive_json())
    return messages


def send(client, y, sizes=(8000,), **hello):
    """Stream samples in chunks of these sizes (bytes' worth of frames), and hang up; every message that came back."""
    hello = {"rate": 8000, "format": "float32", "channels": y.ndim, "name": "Line 1"} | hello
    with client.websocket_connect("/stream") as socket:
        socket.send_json(hello)
        messages = until(socket, "ready")
        data, at = y.astype("<f4").tobytes(), 0
        for i in range(10**6):
            size = sizes[i % len(sizes)]
            if at >= len(data):
                break
            socket.send_bytes(data[at : at + size])
            at += size
        socket.send_json({"type": "end"})
        return messages + until(socket, "ended")


def windows(messages, party="customer"):
    return [message for message in messages if message["type"] == "window" and message["party"] == party]


# --- recordings ---------------------------------------------------------------------------------


def test_a_recording_is_predicted_and_nothing_of_it_is_left(client, recording, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    answer = client().post("/predict", files=wav(recording), params={"channel": 1})
    assert answer.status_code == 200
    found = answer.json()
    assert found["seconds"] == 20
    assert found["emotion"] in ("angry", "neutral")
    assert sum(found["shares"].values()) == pytest.approx(1)
    assert [window["end"] for window in found["windows"]] == list(range(3, 21))
    assert list(tmp_path.iterdir()) == []


def test_silence_has_no_emotion(client):
    found = client().post("/predict", files=wav(np.zeros(40000))).json()
    assert found["emotion"] is None
    assert found["shares"] == {"angry": 0, "neutral": 0}


@pytest.mark.parametrize(
    ("files", "query", "sentence"),
    [
        ({"file": ("a.wav", b"no sound at all", "audio/wav")}, {}, "this recording"),
        ({"file": ("a.wav", b"", "audio/wav")}, {}, "this recording"),
        (wav(np.zeros(8000 * 11)), {}, "longer than 10 s"),
        (wav(np.zeros(8000 * 11)), {"channel": 0}, "longer than 10 s"),
        (wav(np.zeros(8000)), {"channel": 1}, "it has 1 channels, counted from 0, and no channel 1."),
        (wav(np.zeros(80)), {"channel": 0}, "it lasts 10 ms"),
        (wav(np.zeros((8000, 2))), {}, "The recording has 2 channels: say which one is the customer's, as ?channel=1."),
        ({"file": ("a.raw", b"no sound", "audio/wav")}, {"channel": 0}, "convert"),
        ({"file": ("a.wav", b"no sound", "audio/wav")}, {"channel": 0}, "convert"),
        ({}, {}, "file is not right"),
    ],
)
def test_an_upload_that_is_no_recording_gets_one_sentence(client, files, query, sentence):
    answer = client(upload_seconds=10).post("/predict", files=files, params=query)
    assert answer.status_code == 422
    assert sentence in answer.json()["error"]
    assert tempfile.gettempdir() not in answer.text


def test_channels_are_mixed_only_where_the_agents_emotions_may_be_inferred_too(client, recording):
    answer = client(agent_emotions=True).post("/predict", files=wav(recording))
    assert (answer.status_code, answer.json()["seconds"]) == (200, 20)


def test_channels_are_counted_in_formats_that_libsndfile_does_not_know(client):
    av = pytest.importorskip("av")
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 16000), np.float32), format="fltp", layout="stereo")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    answer = client().post("/predict", files={"file": ("a.m4a", file.getvalue(), "audio/mp4")})
    assert answer.status_code == 422
    assert "2 channels" in answer.json()["error"]


def test_absurd_sample_rates_are_refused(client):
    file = io.BytesIO()
    sf.write(file, np.zeros((1000, 2), np.float32), 384_000, format="wav")
    answer = client().post("/predict?channel=1", files={"file": ("a.wav", file.getvalue(), "audio/wav")})
    assert answer.status_code == 422
    assert "it has 384000 samples per second; convert it to 4000 to 192000." in answer.json()["error"]


@pytest.mark.parametrize("query", [{}, {"channel": 0}])
def test_a_damaged_recording_is_analysed_as_far_as_it_can_be_read(client, recording, query):
    file = io.BytesIO()
    sf.write(file, recording[:, 1], 8000, format="flac")
    whole = file.getvalue()
    served = client()
    answers = [
        served.post("/predict", files={"file": ("a.flac", data, "audio/flac")}, params=query).json()
        for data in (whole, whole[: len(whole) // 2])
    ]
    assert answers[0]["problem"] is None
    found = answers[1]
    assert 5 < found["seconds"] < 15
    assert found["windows"]
    assert found["problem"].startswith("This recording is damaged after ")
    assert "what comes before was read" in found["problem"]


def test_an_upload_that_is_too_large_is_refused_whatever_size_it_claims(client):
    small = client(upload_bytes=10_000)
    assert small.post("/predict", files=wav(np.zeros(8000))).status_code == 413
    sent = []

    def body():
        for _ in range(100):
            sent.append(1)
            yield b"x" * 1000

    answer = small.post("/predict", content=body(), headers={"content-type": "multipart/form-data; boundary=x"})
    assert answer.status_code == 413
    assert "0.01 MB" in answer.json()["error"]


def test_more_uploads_at_once_than_allowed_are_asked_to_wait(client):
    answer = client(bodies=0).post("/predict", files=wav(np.zeros(8000)))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    served = client()
    served.app.state.analysing = 4
    answer = served.post("/predict", files=wav(np.zeros(8000)))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()["error"] == "4 recordings are being analysed already: try again in a moment."


# --- live calls ---------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [False, True])
def test_a_stream_gives_what_the_monitor_gives_however_it_is_cut(client, recording, batch):
    offline = monitor.CallMonitor(Loud(), RULE, sr=8000, denoise=False)
    events = [*offline.feed(recording), *offline.finish()]
    expected = [event for event in events if isinstance(event, monitor.WindowEvent)]
    messages = send(client(batch=batch), recording, sizes=(1, 30001, 7, 4096))
    for party in ("agent", "customer"):
        found = windows(messages, party)
        own = [event.prediction for event in expected if event.party == party]
        assert [window["end"] for window in found] == [estimate.end for estimate in own]
        assert [window["emotion"] for window in found] == [estimate.emotion for estimate in own]
        for window, estimate in zip(found, own, strict=True):
            assert (window["probabilities"] is None) == (estimate.probabilities is None)
            if estimate.probabilities is not None:
                np.testing.assert_allclose(list(window["probabilities"].values()), estimate.probabilities, atol=1e-4)


def test_integers_are_analysed_like_floats(client, recording):
    served, whole = client(), np.round(recording * 32767).astype("<i2")
    messages = []
    with served.websocket_connect("/stream") as socket:
        socket.send_json({"rate": 8000, "channels": 2})
        for half in np.split(whole, 4):
            socket.send_bytes(half.tobytes())
        socket.send_json({"type": "end"})
        messages = until(socket, "ended")
    floats = windows(send(served, whole / np.float32(32768)))
    assert [window["probabilities"] for window in windows(messages)] == [window["probabilities"] for window in floats]


def test_by_default_the_agents_emotions_are_not_inferred(client, recording):
    messages = send(client(), recording)
    agent = windows(messages, "agent")
    assert max(window["speech"] for window in agent) > 0.5
    assert all(window["probabilities"] is window["smoothed"] is window["emotion"] is None for window in agent)
    assert any(window["emotion"] for window in windows(messages))
    asked = windows(send(client(agent_emotions=True), recording), "agent")
    assert any(window["emotion"] for window in asked)


def test_the_agents_windows_never_reach_the_model(client, recording):
    class Counting(Loud):
        count = 0

        def predict_proba(self, windows):
            Counting.count += len(windows)
            return super().predict_proba(windows)

    found = windows(send(client(model=Counting()), recording))
    assert Counting.count == sum(window["probabilities"] is not None for window in found) > 0


def test_windows_say_valence_and_arousal_of_the_customer_alone(client, recording):
    served = client()
    messages = send(served, recording)
    about = served.get("/healthz").json()["dimensions"]
    assert about["names"] == ["valence", "arousal", "dominance"]
    assert "trained on synthetic voices" in about["model"]
    assert until_ready(messages)["dimensions"] == about
    for window in windows(messages):
        assert (window["dimensions"] is None) == (window["probabilities"] is None)
        assert window["dimensions"] is None or list(window["dimensions"]) == about["names"]
    assert any(window["dimensions"] for window in windows(messages))
    assert all(window["dimensions"] is None for window in windows(messages, "agent"))
    answer = served.post("/predict", files=wav(recording[:, 1])).json()
    assert answer["dimensions"] == about
    assert any(window["dimensions"] for window in answer["windows"])
    with served.websocket_connect("/events") as page:
        assert until(page, "snapshot")[-1]["dimensions"] == about


def test_without_a_model_of_dimensions_nothing_is_said_of_them(client, recording):
    served = client(dimensions="none")
    assert served.get("/healthz").json()["dimensions"] is None
    messages = send(served, recording[: 8000 * 5])
    assert until_ready(messages)["dimensions"] is None
    assert all(window["dimensions"] is None for window in windows(messages))


def until_ready(messages):
    return next(message for message in messages if message["type"] == "ready")


def test_a_call_is_remembered_alerts_and_is_acknowledged_then_forgotten(client, recording):
    served = client()
    messages = send(served, np.clip(recording * 20, -1, 1))
    (alert, *_) = [message for message in messages if message["type"] == "alert"]
    assert "The customer has sounded angry" in alert["explanation"]
    name = messages[0]["call"]
    (call,) = served.get("/calls").json()
    assert (call["name"], call["state"], call["why"], call["seconds"]) == ("Line 1", "ended", "The caller hung up.", 20)
    assert served.get("/calls", params={"state": "live"}).json() == []
    assert len(served.get(f"/calls/{name}").json()["windows"]) == 36
    assert not served.get("/alerts").json()[-1]["acknowledged"]
    assert served.post(f"/alerts/{alert['id']}/acknowledge").json()["acknowledged"]
    assert served.get("/alerts", params={"acknowledged": True}).json()[-1]["id"] == alert["id"]
    assert served.delete(f"/calls/{name}").status_code == 204
    assert served.get("/calls").json() == served.get("/alerts").json() == []
    for answer in (served.get(f"/calls/{name}"), served.delete(f"/calls/{name}"), served.post("/alerts/x/acknowledge")):
        assert answer.status_code == 404
        assert answer.json()["error"].startswith("There is no")


def test_several_alerts_are_acknowledged_at_once_and_forgotten_ones_passed_over(client, recording):
    served = client()
    for i in range(2):
        send(served, np.clip(recording * 20, -1, 1), name=f"Line {i}")
    later, *_, first = [alert["id"] for alert in served.get("/alerts").json()]
    seen = served.post("/alerts/acknowledge", json={"alerts": [first, "forgotten", later]}).json()
    assert [(alert["id"], alert["acknowledged"]) for alert in seen] == [(first, True), (later, True)]
    waiting = served.get("/alerts", params={"acknowledged": False}).json()
    assert not {first, later} & {alert["id"] for alert in waiting}


def test_a_gap_is_shown_and_counts_as_time(client, recording):
    with client().websocket_connect("/stream") as socket:
        socket.send_json({"rate": 8000, "format": "float32", "channels": 2})
        socket.send_bytes(recording[: 8000 * 4].tobytes())
        socket.send_json({"type": "gap", "seconds": 4})
        socket.send_json({"type": "end"})
        messages = until(socket, "ended")
    assert messages[-1]["seconds"] == 8
    assert [window["end"] for window in windows(messages) if window["gap"]] == [5, 6, 7, 8]


@pytest.mark.parametrize(
    ("hello", "sentence"),
    [
        ("hello", "Invalid JSON"),
        ('{"rate": 10}', "rate is not right"),
        ('{"rate": 8000, "channels": 3}', "channels is not right"),
        ('{"rate": 8000, "channels": 2, "parties": ["agent", "agent"]}', "each channel once"),
        ('{"rate": 8000, "colour": "red"}', "colour is not right"),
    ],
)
def test_a_wrong_hello_is_explained(client, hello, sentence):
    with client().websocket_connect("/stream") as socket:
        socket.send_text(hello)
        assert sentence in until(socket, "error")[-1]["error"]
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    assert closed.value.code == 1008


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ({"bytes": b"0" * 2000}, "shorter chunks"),
        ({"text": '{"type": "sing"}'}, "type is not right"),
        ({"text": "{"}, "not right"),
        ({"bytes": np.full(10, 1e9, "<f4").tobytes()}, "-1 to 1"),
    ],
)
def test_a_wrong_message_ends_the_call_with_the_reason(client, message, sentence):
    served = client(chunk_bytes=1000)
    with served.websocket_connect("/stream") as socket:
        socket.send_json({"rate": 8000, "format": "float32"})
        socket.send({"type": "websocket.receive", **message})
        assert sentence in until(socket, "error")[-1]["error"]
    assert served.get("/calls").json()[0]["state"] == "ended"


def test_a_client_that_vanishes_leaves_no_live_call(client, recording, pages):
    served = client()
    with served.websocket_connect("/stream") as socket:
        socket.send_json({"rate": 8000, "format": "float32", "channels": 2})
        socket.send_bytes(recording[: 8000 * 4].tobytes())
        until(socket, "window")
        page = pages.enter_context(served.websocket_connect("/events"))
        until(page, "snapshot")
    while (call := until(page, "call")[-1])["state"] == "live":
        pass
    assert call["why"] == "The connection was lost."
    assert "ser_calls_live 0.0" in served.get("/metrics").text


def test_silence_on_the_wire_ends_the_stream(client):
    with client(idle_seconds=0.05).websocket_connect("/stream") as socket:
        assert "Nothing came for 0.05 s" in until(socket, "error")[-1]["error"]


def test_more_calls_than_allowed_are_asked_to_come_later(client):
    served = client(calls=1)
    with served.websocket_connect("/stream") as first, served.websocket_connect("/stream") as second:
        first.send_json({"rate": 8000})
        until(first, "ready")
        second.send_json({"rate": 8000})
        assert "already has 1 calls" in until(second, "error")[-1]["error"]
        assert served.post("/replay", json={}).status_code == 503


def test_the_length_of_a_call_is_limited(client):
    with client(call_seconds=1).websocket_connect("/stream") as socket:
        socket.send_json({"rate": 8000})
        for _ in range(3):
            socket.send_bytes(bytes(16000))
        assert "may last" in until(socket, "error")[-1]["error"]


def test_a_removed_call_ends_its_stream(client):
    served = client()
    with served.websocket_connect("/stream") as socket:
        socket.send_json({"rate": 8000})
        name = until(socket, "ready")[-1]["call"]
        assert served.delete(f"/calls/{name}").status_code == 204
        socket.send_bytes(bytes(16000))
        assert "It was removed." in until(socket, "error")[-1]["error"]


def test_a_sender_that_is_too_fast_is_slowed_down_and_nothing_piles_up(recording):
    thinking, go_on = threading.Event(), threading.Event()

    class Slow(Loud):
        def predict_proba(self, windows):
            thinking.set()
            assert go_on.wait(20)
            raise StreamError("Enough.")

    async def pour(address):
        async with websockets.connect(address.replace("http", "ws") + "/stream") as socket:
            await socket.send('{"rate": 8000, "channels": 2, "format": "float32"}')
            for taken, part in enumerate(40 * np.split(recording, 5)):
                try:
                    await asyncio.wait_for(socket.send(part.tobytes()), 5)
                except TimeoutError:
                    go_on.set()
                    return taken

    with server.running(Settings(denoise=False), model=Slow(), rule=RULE, calls=[]) as address:
        taken = asyncio.run(pour(address))
    assert thinking.is_set()
    assert 4 < taken < 200  # chunks of 256 kB: what the sockets between them hold


def test_the_service_answers_while_a_model_thinks(client, recording):
    thinking, go_on = threading.Event(), threading.Event()

    class Slow(Loud):
        def predict_proba(self, windows):
            thinking.set()
            assert go_on.wait(20)
            return super().predict_proba(windows)

    served = client(model=Slow())
    with served.websocket_connect("/stream") as socket:
        socket.send_json({"rate": 8000, "format": "float32", "channels": 2})
        for part in np.split(recording, 5):
            socket.send_bytes(part.tobytes())
        assert thinking.wait(20)
        assert served.get("/healthz").json()["calls"] == 1
        go_on.set()
        assert until(socket, "window")


def test_nothing_is_stored_unless_asked_and_never_sound(client, recording, tmp_path):
    folder = tmp_path / "calls"
    send(client(store=folder), recording)
    (path,) = folder.iterdir()
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert (kept["name"], len(kept["windows"]), kept["why"]) == ("Line 1", 36, "The caller hung up.")
    assert path.stat().st_size < 20_000


def test_what_a_supervisor_says_of_an_alert_is_stored_and_exported(client, recording, tmp_path):
    served = client(store=tmp_path)
    messages = send(served, np.clip(recording * 20, -1, 1), agent="Kim", queue="Bills")
    first, *_ = [message for message in messages if message["type"] == "alert"]
    call = messages[0]["call"]
    noted = served.patch(f"/calls/{call}", json={"note": "Laughs, she says."}).json()
    assert (noted["agent"], noted["queue"], noted["note"]) == ("Kim", "Bills", "Laughs, she says.")
    said = served.post(f"/alerts/{first['id']}/feedback", json={"feedback": "wrong"}).json()
    assert (said["feedback"], said["acknowledged"]) == ("wrong", True)
    (row,) = served.get("/feedback").json()
    wanted = {"call": call, "agent": "Kim", "note": "Laughs, she says.", "emotion": "angry", "feedback": "wrong"}
    assert wanted.items() <= row.items()
    assert (row["start"], row["end"]) == (first["start"], first["time"])
    assert 0 <= row["start"] < row["end"] <= 20
    text = served.get("/feedback", params={"format": "csv"}).text
    assert pd.read_csv(io.StringIO(text)).to_dict("records") == [row]
    assert read_feedback(tmp_path).to_dict("records") == [row]
    (tmp_path / "broken.json").write_text("[1", encoding="utf-8")
    assert client(store=tmp_path).get("/feedback").json() == [row]  # another service, which has only the folder
    served.post(f"/alerts/{first['id']}/feedback", json={"feedback": None})
    assert served.get("/feedback").json() == []
    assert read_feedback(tmp_path).empty
    assert served.post("/alerts/x/feedback", json={"feedback": "right"}).status_code == 404


def test_each_alert_goes_to_the_webhook(client, recording, monkeypatch):
    posted = []
    monkeypatch.setattr(Webhook, "_post", lambda self, name, body: posted.append(json.loads(body)["data"]))
    messages = send(client(webhook="https://example.org", webhook_secret="s"), np.clip(recording * 20, -1, 1))
    alerts = [message for message in messages if message["type"] == "alert"]
    assert alerts
    assert [{"type": "alert", **alert} for alert in posted] == alerts


def test_a_new_threshold_holds_for_calls_that_are_live_and_for_no_other_service(client, recording):
    served, other = client(), client()
    with served.websocket_connect("/events") as page:
        assert served.put("/rule", json={"threshold": 0.99}).json() == {"emotion": "angry", "threshold": 0.99}
        assert until(page, "rule")[-1]["threshold"] == 0.99
    with served.websocket_connect("/stream") as socket:
        socket.send_json({"rate": 8000, "format": "float32", "channels": 2})
        until(socket, "ready")
        served.put("/rule", json={"threshold": 0.4})
        for part in np.split(np.clip(recording * 20, -1, 1).astype("<f4"), 10):
            socket.send_bytes(part.tobytes())
        assert "asks for 0.40" in until(socket, "alert")[-1]["explanation"]
    assert other.get("/rule").json()["threshold"] == RULE.threshold == 0.5
    assert served.put("/rule", json={"threshold": 1}).status_code == 422


def test_the_number_of_finished_calls_in_memory_is_limited(client):
    served = client(finished=2)
    for i in range(4):
        send(served, np.zeros(800), name=f"Line {i}")
    assert [call["name"] for call in served.get("/calls").json()] == ["Line 3", "Line 2"]
    assert client(forget_seconds=0).get("/calls").json() == []


def test_an_embedded_call_is_replayed_with_its_story_and_truth(client, calls):
    served = client()
    offered = served.get("/replay").json()
    names = offered["calls"]
    assert (names, offered["speed"]) == ([path.stem for path in calls], 1)
    with served.websocket_connect("/events") as page:
        assert until(page, "snapshot")[-1]["rule"] == {"emotion": "angry", "threshold": 0.5}
        call = served.post("/replay", json={"call": "call_004", "speed": 50}).json()
        assert call["name"] == "Call 004 · calmed, synthetic"
        truth = monitor.truth(calls[3]).query("party == 'customer'")
        assert [turn["emotion"] for turn in call["truth"]] == truth.emotion.tolist()
        assert [turn["start"] for turn in call["truth"]] == truth.start.tolist()
        messages = until(page, "window")
    assert messages[0]["state"] == "live"
    heard = served.get(f"/replay/{call['recording']}")
    assert (heard.content, heard.headers["content-type"]) == (calls[3].read_bytes(), "audio/wav")
    for missing in (served.post("/replay", json={"call": "call_999"}), served.get("/replay/call_999")):
        assert (missing.status_code, missing.json()["error"][:16]) == (404, "There is no such")


# --- pages --------------------------------------------------------------------------------------


def test_a_page_that_does_not_read_is_dropped(client):
    served = client(slow_seconds=0.05)
    app = served.app
    sent = []

    async def stuck():
        async def receive():
            await asyncio.sleep(0 if not sent else 60)
            return {"type": "websocket.connect"}

        async def send(message):
            sent.append(message["type"])
            if message["type"] == "websocket.send":
                await asyncio.sleep(60)

        scope = {"type": "websocket", "path": "/events", "headers": [(b"host", b"127.0.0.1")], "query_string": b""}
        await app(scope | {"subprotocols": [], "client": ("127.0.0.1", 1)}, receive, send)

    served.portal.call(stuck)
    assert sent == ["websocket.accept", "websocket.send", "websocket.close"]
    assert "ser_clients_dropped_total 1.0" in served.get("/metrics").text


def test_every_open_page_sees_the_same_call(client, recording):
    served = client()
    with served.websocket_connect("/events") as one, served.websocket_connect("/events") as other:
        for page in (one, other):
            assert until(page, "snapshot")[-1]["calls"] == []
        send(served, recording)
        shown = [until(page, "window") for page in (one, other)]
    assert shown[0] == shown[1]


# --- access -----------------------------------------------------------------------------------


def test_the_page_and_its_parts_are_served_with_safe_headers(client):
    served = client(token="secret")
    page = served.get("/")
    assert "<title>Calls</title>" in page.text
    for answer in (page, served.get("/page/app.js"), served.get("/page/style.css"), served.get("/nothing")):
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert served.get("/page/%2e%2e/service.py").status_code in (401, 404)


def test_nothing_but_the_page_is_shown_without_the_token(client):
    served = client(token="secret")
    for method, path in [
        ("get", "/calls"),
        ("get", "/metrics"),
        ("get", "/alerts"),
        ("post", "/predict"),
        ("get", "/x"),
    ]:
        for headers in (
            {},
            {"authorization": "Bearer secre"},
            {"authorization": "secret"},
            {"authorization": "Bearer "},
        ):
            answer = served.request(method, path, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "token" in answer.json()["error"]
    for path in ("/calls", "/metrics"):
        assert served.get(path, headers={"authorization": "Bearer secret"}).status_code == 200


@pytest.mark.parametrize("path", ["/stream", "/events"])
def test_a_websocket_asks_for_the_token_too(client, path):
    served = client(token="secret")
    wrong = base64.urlsafe_b64encode(b"wrong").decode().rstrip("=")
    for protocols in ([], ["ser"], ["ser", f"token.{wrong}"], ["ser", "token.?"]):
        with pytest.raises(WebSocketDisconnect) as refused, served.websocket_connect(path, protocols):
            pass
        assert refused.value.status_code == 401
    right = base64.urlsafe_b64encode(b"secret").decode().rstrip("=")
    with served.websocket_connect(path, ["ser", f"token.{right}"]) as socket:
        assert socket.accepted_subprotocol == "ser"
    with served.websocket_connect(path, headers={"authorization": "Bearer secret"}):
        pass


def test_other_websites_and_other_names_are_refused(client):
    served = client()
    assert served.get("/calls", headers={"origin": HERE}).status_code == 200
    assert served.get("/calls", headers={"origin": "http://evil.example"}).status_code == 403
    assert served.get("/calls", headers={"host": "evil.example"}).status_code == 400
    assert served.get("/calls", headers={"host": "[::1"}).status_code == 400
    assert served.get("/calls", headers={"host": "[::1]:8000"}).status_code == 200
    with (
        pytest.raises(WebSocketDisconnect),
        served.websocket_connect("/events", headers={"origin": "http://evil.example"}),
    ):
        pass
    assert client(hosts=("*",)).get("/calls", headers={"host": "calls.example"}).status_code == 200


def test_too_many_requests_are_asked_to_wait(client):
    served = client(requests_per_minute=3)
    answers = [served.get("/healthz") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    seconds = int(answers[-1].headers["retry-after"])
    assert seconds >= 1
    assert answers[-1].json()["error"] == f"Too many requests: wait {seconds} s."


def test_a_wait_is_rounded_up_to_whole_seconds(client, monkeypatch):
    monkeypatch.setattr(RateLimit, "wait", lambda self, address: 0.2)
    answer = client().get("/healthz")
    assert (answer.headers["retry-after"], answer.json()["error"]) == ("1", "Too many requests: wait 1 s.")


def test_a_bucket_fills_again_and_only_so_many_addresses_are_remembered():
    now = [0.0]
    limit = RateLimit(per_minute=2, addresses=2, clock=lambda: now[0])
    assert [limit.wait("a") for _ in range(3)] == [0, 0, 30]
    now[0] = 30
    assert limit.wait("a") == 0
    for address in "bcd":
        limit.wait(address)
    assert list(limit.buckets) == ["c", "d"]


def test_a_failure_inside_is_one_sentence(calls):
    class Broken(Loud):
        def predict_proba(self, windows):
            raise RuntimeError("inner secrets")

    app = create_app(Settings(denoise=False), Broken(), RULE, calls)
    with TestClient(app, base_url=HERE, raise_server_exceptions=False) as served:
        y = sf.read(calls[0], frames=80000)[0]
        answer = served.post("/predict", files=wav(y), params={"channel": 1})
    assert answer.status_code == 500
    assert answer.json() == {"error": "The service failed at this request; its log says why."}
    assert answer.headers["cache-control"] == "no-store"


def test_a_model_that_fails_ends_its_call_and_no_other(client, recording):
    class Broken(Loud):
        def predict_proba(self, windows):
            raise RuntimeError("inner secrets")

    served = client(model=Broken())
    with served.websocket_connect("/stream") as socket:
        socket.send_json({"rate": 8000, "format": "float32", "channels": 2})
        for part in np.split(recording, 5):
            socket.send_bytes(part.tobytes())
        assert until(socket, "error")[-1]["error"] == "The service failed during this call; its log says why."
    with served.websocket_connect("/events") as page:
        until(page, "snapshot")
        name = served.post("/replay", json={"speed": 50}).json()["id"]
        while (call := until(page, "call")[-1])["id"] != name or call["state"] == "live":
            pass
    assert call["why"] == "The service failed during this call; its log says why."
    assert served.get("/healthz").status_code == 200


def test_metrics_count_audio_and_windows(client, recording):
    served = client()
    send(served, recording)
    text = served.get("/metrics").text
    assert "ser_audio_seconds_total 20.0" in text
    assert 'ser_windows_total{party="customer"} 18.0' in text
    assert 'ser_stage_seconds_count{stage="total"}' in text


def test_samples_cut_anywhere_are_put_together_again():
    y = np.linspace(-1, 1, 12, dtype="<f4").reshape(6, 2)
    decode = SampleDecoder("float32", channels=2)
    parts = [decode(y.tobytes()[i : i + 5]) for i in range(0, y.nbytes, 5)]
    np.testing.assert_array_equal(np.concatenate(parts), y)


# --- the schema ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    short = tmp_path_factory.mktemp("calls") / "short.wav"
    sf.write(short, np.zeros((800, 2)), 8000)
    chosen = Settings(denoise=False, requests_per_minute=10**6, token="secret")
    with server.running(chosen, model=Loud(), rule=RULE, calls=[short]) as address:
        yield schemathesis.openapi.from_url(f"{address}/openapi.json")


def excluded(case):
    """Checks that do not apply: random bytes are no recording; unknown names in a query do no harm."""
    wrong = [part for part, about in case.meta.components.items() if about.mode is schemathesis.GenerationMode.NEGATIVE]
    harmless = not any(part.value in ("path", "body") for part in wrong)
    return [positive_data_acceptance] * (case.path == "/predict") + [negative_data_rejection] * harmless


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_the_service_keeps_to_its_schema(schema, mode):
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) == 17
    for operation in operations:

        @settings(
            max_examples=8, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case):
            case.call_and_validate(headers={"Authorization": "Bearer secret"}, excluded_checks=excluded(case))

        with contextlib.suppress(Unsatisfiable):  # nothing can be wrong where nothing is asked for
            check()
