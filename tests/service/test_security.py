"""What strangers may try: hostile uploads, slow or idle connections, malformed headers. Each had an effect once."""

import asyncio
import contextlib
import http.client
import io
import json
import select
import socket
import sys
import time

import numpy as np
import pytest
import soundfile as sf
import websockets
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from websockets.sync.client import connect

from ser_helpers.service import Settings, create_app, server
from ser_helpers.service.sessions import CallManager

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers on all of 127.0.0.0/8")


class Even:
    """A model without a preference."""

    classes_ = np.array(["angry", "neutral"])

    def predict_proba(self, windows):
        return np.full((len(windows), 2), 0.5)


@pytest.fixture
def client():
    """client(token="…", …): a client of a service with these settings."""
    with contextlib.ExitStack() as stack:

        def make(**chosen):
            app = create_app(Settings(**{"denoise": False} | chosen), Even(), calls=[])
            headers = {"host": "127.0.0.1"}
            return stack.enter_context(TestClient(app, base_url="http://127.0.0.1", headers=headers))

        yield make


@pytest.fixture
def serve():
    """serve(token="…", …): the port of a service on this machine with these settings."""
    with contextlib.ExitStack() as stack:

        def make(model=None, **chosen):
            settings = Settings(**{"denoise": False} | chosen)
            address = stack.enter_context(server.running(settings, model=model or Even(), calls=[]))
            return int(address.rpartition(":")[2])

        yield make


def wav(y, sr=16000):
    file = io.BytesIO()
    sf.write(file, y, sr, format="wav", subtype="FLOAT")
    return file.getvalue()


def upload(client, content, name="a.wav"):
    return client.post("/predict", files={"file": (name, content, "audio/wav")})


def health(port, address="127.0.0.1"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20, source_address=(address, 0))
    with contextlib.closing(connection):
        connection.request("GET", "/healthz")
        return connection.getresponse().status


def lines(port, count, data=b""):
    """So many connections, of which each has sent this."""
    found = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    for line in found:
        line.sendall(data)
    return found


def closed(line, within=10.0):
    """What came before the other side closed the connection, or None if it did not."""
    received, end = b"", time.monotonic() + within
    while select.select([line], [], [], max(0, end - time.monotonic()))[0]:
        try:
            part = line.recv(4096)
        except ConnectionResetError:
            return received
        if not part:
            return received
        received += part
    return None


# --- uploads ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.m3u8", "a.wav"])
@pytest.mark.parametrize("ending", ["#EXT-X-ENDLIST\n", ""])  # without it FFmpeg waits for more
def test_a_playlist_reads_no_file_of_the_server(client, tmp_path, name, ending):
    local = tmp_path / "local.mp3"
    sf.write(local, np.zeros(16000), 16000)
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{local.as_uri()}\n{ending}"
    answer = upload(client(decoding_seconds=10), playlist.encode(), name)
    assert (answer.status_code, answer.json()["error"].count("\n")) == (422, 0)
    assert "libsndfile cannot read it as audio" in answer.json()["error"]


def test_what_decodes_to_too_much_is_refused_before_it_is_decoded_whole(client):
    file = io.BytesIO()
    sf.write(file, np.zeros((192_000 * 3, 8), np.int16), 192_000, format="flac")
    answer = client(decoded_bytes=10e6).post("/predict?channel=0", files={"file": ("a.flac", file.getvalue())})
    assert answer.status_code == 422
    assert "its 8 channels at 192000 Hz are more than 10 MB when decoded" in answer.json()["error"]


def test_an_upload_that_takes_too_long_is_refused(client):
    answer = upload(client(decoding_seconds=0.01), wav(np.zeros(16000)))
    assert (answer.status_code, "decoding took longer than 0.01 s" in answer.json()["error"]) == (422, True)


def test_wild_samples_cost_themselves_alone_and_a_wrong_scale_is_the_clients_fault(client):
    served, y = client(), np.random.default_rng(0).normal(0, 0.1, 16000 * 4).astype(np.float32)
    scaled = upload(served, wav(32768 * y))
    assert (scaled.status_code, "scale from -1 to 1" in scaled.json()["error"]) == (422, True)
    y[16000] = 250
    assert (upload(served, wav(y)).status_code, upload(served, wav(y)).json()["seconds"]) == (200, 4)


@linux
def test_uploads_that_trickle_in_take_no_slot_and_have_a_deadline(serve):
    port = serve(body_seconds=3, uploads_per_address=2)
    begin = b"POST /predict HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 40000\r\n"
    begin += b'content-type: multipart/form-data; boundary=x\r\n\r\n--x\r\ncontent-disposition: form-data; name="file"'
    slow = lines(port, 3, begin)
    assert b" 429 " in slow[2].recv(4096).splitlines()[0] + b" "  # an address may send two at once
    file = b'--x\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\n' + wav(np.zeros(16000))
    other = http.client.HTTPConnection("127.0.0.1", port, timeout=20, source_address=("127.0.0.2", 0))
    other.request("POST", "/predict", file + b"\r\n--x--\r\n", {"content-type": "multipart/form-data; boundary=x"})
    assert other.getresponse().status == 200
    answers = [line.recv(4096) for line in slow[:2]]
    assert [answer.split(b"\r\n")[0] for answer in answers] == [b"HTTP/1.1 408 Request Timeout"] * 2
    assert all(
        b"did not arrive within 3 s" in answer + line.recv(4096) for answer, line in zip(answers, slow[:2], strict=True)
    )
    for line in (*slow, other):
        line.close()


# --- connections --------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"GET / HTTP/1.1\r\nhost: 127.0"])
def test_a_connection_without_a_request_is_closed(serve, data):
    port = serve(first_seconds=0.5)
    (line,) = lines(port, 1, data)
    assert closed(line) == b""
    assert health(port) == 200


def test_an_answered_connection_is_closed_whatever_trickles_in(serve):
    port = serve(first_seconds=1.0)
    (line,) = lines(port, 1, b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000\r\n\r\n")
    assert b" 200 " in line.recv(4096)
    begun = time.monotonic()
    with contextlib.suppress(OSError):
        while time.monotonic() < begun + 15:
            line.sendall(b"x")
            if closed(line, within=0.2) is not None:
                break
    assert time.monotonic() < begun + 10


@linux
def test_an_address_has_only_so_many_connections_and_takes_none_from_others(serve):
    port = serve(connections_per_address=5, first_seconds=60)
    idle = lines(port, 8)
    answers = [closed(line, within=0.1 if n < 5 else 10.0) for n, line in enumerate(idle)]
    assert answers[:5] == [None] * 5
    assert all(answer.startswith(b"HTTP/1.1 429 ") for answer in answers[5:])
    assert health(port, "127.0.0.2") == 200
    for line in idle:
        line.close()
    assert health(port) == 200


def test_idle_connections_make_room_for_those_that_ask(serve):
    port = serve(connections=6, first_seconds=60)
    idle = lines(port, 20)
    assert [health(port) for _ in range(3)] == [200] * 3
    assert closed(idle[0]) == b""
    for line in idle:
        line.close()


def test_a_websocket_without_a_first_message_is_closed(client):
    with client(first_seconds=0.05).websocket_connect("/stream") as line:
        assert "Nothing came for 0.05 s" in line.receive_json()["error"]


def test_a_trusted_proxy_says_whose_requests_they_are(serve):
    for trusted, expected in (((), [200, 429]), (("127.0.0.1",), [200, 200])):
        port = serve(proxies=trusted, requests_per_minute=1)
        found = []
        for client in ("192.0.2.1", "192.0.2.2"):
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
                connection.request("GET", "/healthz", headers={"x-forwarded-for": client})
                found.append(connection.getresponse().status)
        assert found == expected


# --- headers and rates --------------------------------------------------------------------------

MALFORMED = [
    {"origin": "http://["},
    {"origin": "http://a b"},
    {"origin": "127.0.0.1"},
    {"origin": ""},
    {"host": "[::1"},
    {"host": "127.0.0.1:port"},
    {"host": "a/b"},
    {"host": ""},
]


@pytest.mark.parametrize("headers", MALFORMED)
def test_malformed_headers_are_400(client, headers):
    served = client(hosts=("*",))
    answer = served.get("/calls", headers=headers)
    assert (answer.status_code, "is malformed" in answer.json()["error"]) == (400, True)
    with pytest.raises(WebSocketDisconnect) as refused, served.websocket_connect("/events", headers=headers):
        pass
    assert refused.value.status_code == 400


@pytest.mark.parametrize("origin", ["null", "chrome-extension://abc", "https://xn--bcher-kva.example:8443"])
def test_origins_of_other_pages_are_403(client, origin):
    assert client().get("/calls", headers={"origin": origin}).status_code == 403


@pytest.mark.parametrize(
    "headers", [{"origin": "http://["}, {"origin": "http://evil.example"}, {"host": "evil.example"}]
)
def test_refusals_count_against_the_rate(client, headers):
    served = client(requests_per_minute=2)
    found = [served.get("/calls", headers=headers).status_code for _ in range(3)]
    assert found[0] == found[1] in (400, 403)
    assert found[2] == 429


# --- calls --------------------------------------------------------------------------------------


def test_gaps_count_against_the_length_of_a_call(client):
    with client(call_seconds=360.0).websocket_connect("/stream") as line:
        line.send_json({"rate": 8000})
        assert line.receive_json()["type"] == "ready"
        line.send_json({"type": "gap", "seconds": 180})
        line.send_json({"type": "gap", "seconds": 181})
        while (message := line.receive_json())["type"] == "window":
            pass
    assert message == {"type": "error", "error": "A call may last 0.1 h."}


def test_a_call_is_told_that_the_service_stops():
    with contextlib.ExitStack() as service:
        address = service.enter_context(server.running(Settings(denoise=False), model=Even(), calls=[]))
        with connect(address.replace("http", "ws") + "/stream") as line:
            line.send('{"rate": 8000}')
            assert json.loads(line.recv())["type"] == "ready"
            begun = time.monotonic()
            service.close()
            assert time.monotonic() < begun + 5
            assert json.loads(line.recv()) == {"type": "error", "error": "The service stopped."}
            with pytest.raises(websockets.ConnectionClosed) as end:
                line.recv()
    assert (end.value.rcvd.code, end.value.rcvd.reason) == (1012, "The service stopped.")


def test_a_sender_that_is_slowed_down_does_not_lose_its_call(serve, monkeypatch):
    """Its answer to a ping waits behind its samples, so a deadline for the answer would end the call."""

    async def slow(self, session, chunk):
        await asyncio.sleep(0.5)
        return []

    def hurried(app, settings, make=server._server):
        made = make(app, settings)
        made.config.ws_ping_interval = 0.1
        made.config.ws_ping_timeout = made.config.ws_ping_timeout and 0.3
        return made

    monkeypatch.setattr(server, "_server", hurried)
    monkeypatch.setattr(CallManager, "feed", slow)
    port = serve()

    async def call():
        async with websockets.connect(f"ws://127.0.0.1:{port}/stream") as line:
            await line.send('{"rate": 8000, "format": "float32"}')
            for _ in range(4):
                await line.send(bytes(16000))
            await line.send('{"type": "end"}')
            return [json.loads(message)["type"] async for message in line]

    assert asyncio.run(call())[-1] == "ended"


def test_a_caller_that_does_not_read_is_told_why(client):
    served, sent = client(slow_seconds=0.05), []

    async def stuck():
        async def receive():
            if not sent:
                return {"type": "websocket.connect"}
            return {"type": "websocket.receive", "text": '{"rate": 8000}'}

        async def send(message):
            sent.append(message)
            if message["type"] == "websocket.send":
                await asyncio.sleep(60)

        scope = {"type": "websocket", "path": "/stream", "headers": [(b"host", b"127.0.0.1")], "query_string": b""}
        await served.app(scope | {"subprotocols": [], "client": ("127.0.0.1", 1)}, receive, send)

    served.portal.call(stuck)
    assert (sent[-1]["type"], sent[-1]["code"]) == ("websocket.close", 1013)
    assert sent[-1]["reason"] == served.get("/calls").json()[0]["why"] == "The client read too slowly."
