import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest
import soundfile
import websockets
from fastapi.testclient import TestClient
from typer.testing import CliRunner
from websockets.sync.client import connect

from ser_helpers import cli
from ser_helpers.errors import StreamError
from ser_helpers.service import Settings, create_app, server

PROGRAM = """
import sys
import numpy as np
from ser_helpers.service import server

class Even:
    classes_ = np.array(["angry", "neutral"])
    def predict_proba(self, windows):
        return np.full((len(windows), 2), 0.5)

server.serve("127.0.0.1", int(sys.argv[1]), server.Settings(), tell=print, model=Even(), calls=[])
"""


class Even:
    """A model without a preference."""

    classes_ = np.array(["angry", "neutral"])

    def predict_proba(self, windows):
        return np.full((len(windows), 2), 0.5)


class Never:
    """A model that cannot be used."""

    @property
    def classes_(self):
        raise StreamError("no classes")


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def say_nonsense(port):
    """Open a WebSocket as another website's page, which is refused, and stream what is no number, which is not."""
    address = f"ws://127.0.0.1:{port}/stream"
    with pytest.raises(websockets.InvalidStatus, match="403"):
        connect(address, origin="http://evil.example")
    with connect(address) as line:
        line.send(json.dumps({"rate": 16000, "format": "float32"}))
        assert json.loads(line.recv())["type"] == "ready"
        line.send(np.full(64000, np.nan, "<f4").tobytes())
        line.send('{"type": "end"}')
        found = [json.loads(message) for message in line]
    assert [message["type"] for message in found] == ["window", "window", "ended"]
    assert all(window["gap"] for window in found[:-1])


def started(program, port, *arguments):
    """A process that serves at this port, and what /healthz says."""
    command = [sys.executable, "-c", program, str(port), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
                return process, json.load(answer)
        except urllib.error.URLError:
            assert process.poll() is None
            time.sleep(0.1)
    pytest.fail("The service did not start within a minute.")


def upload(port, content, address="127.0.0.1"):
    """Status and answer of an upload from an address."""
    head = b'--x\r\ncontent-disposition: form-data; name="file"; filename="a.flac"\r\n\r\n'
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300, source_address=(address, 0))
    with contextlib.closing(connection):
        form = {"content-type": "multipart/form-data; boundary=x"}
        connection.request("POST", "/predict?channel=0", head + content + b"\r\n--x--\r\n", form)
        answer = connection.getresponse()
        return answer.status, json.load(answer)


def test_the_service_runs_until_ctrl_c_and_logs_nothing_about_clients_that_do_wrong():
    port = free_port()
    process, health = started(PROGRAM, port)
    say_nonsense(port)
    process.send_signal(signal.SIGINT)
    said, complaint = process.communicate(timeout=30)
    assert health["emotions"] == ["angry", "neutral"]
    assert (process.returncode, complaint) == (0, b"")
    loading, model, ready = said.decode().splitlines()
    assert loading.startswith("Loading the model")
    assert model.startswith("Model: Even")
    assert ready == f"The page is on http://127.0.0.1:{port}; Ctrl-C stops the service."


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell script")
def test_ctrl_c_ends_the_service_within_5_s_while_a_decoder_hangs(tmp_path):
    hangs = tmp_path / "decoder"
    hangs.write_text("#!/bin/sh\nexec sleep 100\n")
    hangs.chmod(0o755)
    program = (
        PROGRAM.replace("import sys", "import sys, time; sys.executable = sys.argv[2]") + "print(time.monotonic())"
    )
    port = free_port()
    process, _ = started(program, port, str(hangs))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(upload, port, b"anything")
        while not (decoders := psutil.Process(process.pid).children()):
            time.sleep(0.05)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        said, complaint = process.communicate(timeout=60)
    assert float(said.split()[-1]) - begun < 5
    stopping = {"error": "The service is stopping: send the recording again in a moment."}
    assert answer.result() == (503, stopping)
    assert (process.returncode, complaint) == (0, b"")
    assert not any(decoder.is_running() for decoder in decoders)


def silence(path, seconds, rate, channels):
    """The bytes of a FLAC file that is small and decodes to much."""
    with soundfile.SoundFile(path, "w", rate, channels, "PCM_16", format="FLAC") as file:
        for _ in range(seconds):
            file.write(np.zeros((rate, channels), np.int16))
    return path.read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="an address may send three at once, and only Linux has 127.0.0.2")
def test_four_hostile_uploads_at_once_take_less_than_a_gigabyte(tmp_path):
    """The first kind would be 3.7 GB when decoded, and is refused; the second is as much as is analysed."""
    bomb = silence(tmp_path / "bomb", seconds=84, rate=192_000, channels=8)
    largest = silence(tmp_path / "largest", seconds=600, rate=96_000, channels=1)
    port = free_port()
    process, _ = started(PROGRAM.replace("model=Even()", "model=None"), port)
    service, peak = psutil.Process(process.pid), 0
    try:
        with ThreadPoolExecutor(4) as pool:
            contents = [bomb, largest, bomb, bomb]
            answers = [pool.submit(upload, port, contents[n], f"127.0.0.{1 + n}") for n in range(4)]
            while not all(answer.done() for answer in answers):
                with contextlib.suppress(psutil.NoSuchProcess):
                    own = sum(decoder.memory_full_info().uss for decoder in service.children())
                    peak = max(peak, service.memory_info().rss + own)
                time.sleep(0.02)
    finally:
        process.kill()
        process.communicate()
    assert [answer.result()[0] for answer in answers] == [422, 200, 422, 422]
    assert peak < 1e9, f"{peak / 1e6:.0f} MB"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--host", "0.0.0.0"], "Anyone who reaches 0.0.0.0 would have access: set a token"),
        (["--token", "né"], "printable ASCII"),
        (["--token", ""], "The token is empty"),
        (["--store", __file__], f"No call can be stored in {__file__}"),
    ],
)
def test_what_would_be_unsafe_is_refused_in_one_sentence(arguments, sentence):
    done = CliRunner().invoke(cli.app, ["serve", *arguments])
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_taken_port_is_one_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StreamError, match=f"Cannot serve on 127.0.0.1:{port} .*: choose another --port"):
            server.serve(port=port)


def test_a_service_that_cannot_start_says_so():
    with (
        pytest.raises(StreamError, match="did not start"),
        server.running(Settings(), model=Never(), calls=[]),
    ):
        pass


def test_the_command_hands_on_what_it_was_given(monkeypatch, tmp_path):
    given = {}
    monkeypatch.setattr(server, "serve", lambda host, port, settings, tell: given.update(vars(settings), port=port))
    flags = ["--demo", "--speed", "4", "--model", "cnn", "--port", "8001", "--store", str(tmp_path)]
    flags += ["--allow-host", "calls.local", "--dimensions", "audeering", "--proxy", "10.0.0.2"]
    assert CliRunner().invoke(cli.app, ["serve", *flags], env={"SER_TOKEN": "secret"}).exit_code == 0
    assert (given["demo"], given["speed"], given["port"], given["store"]) == (3, 4.0, 8001, tmp_path)
    assert given["hosts"] == ("127.0.0.1", "localhost", "::1", "calls.local")
    assert given["proxies"] == ("10.0.0.2",)
    assert (given["token"], given["agent_emotions"], given["model"]) == ("secret", False, "cnn")
    assert given["dimensions"] == "audeering"
    CliRunner().invoke(cli.app, ["serve", "--host", "0.0.0.0", "--agent-emotions"], env={"SER_TOKEN": "secret"})
    assert (given["hosts"], given["agent_emotions"], given["model"]) == (("*",), True, "best")


def test_the_chosen_model_is_used(monkeypatch):
    asked = []
    monkeypatch.setattr("ser_helpers.models.window_model", lambda name, band: asked.append((name, band)) or Even())
    with TestClient(create_app(Settings(model="encoder"), calls=[]), base_url="http://127.0.0.1") as served:
        assert served.get("/healthz").json()["emotions"] == ["angry", "neutral"]
    assert asked == [("encoder", "phone")]


def test_a_model_of_dimensions_that_does_not_exist_is_refused_before_the_service_starts():
    done = CliRunner().invoke(cli.app, ["serve", "--dimensions", "oracle", "--port", "8003"])
    assert done.exit_code == 2
    assert "There is no model of dimensions 'oracle' for 'phone': choose linear or audeering" in done.stderr


def test_a_model_that_does_not_exist_is_refused_with_those_that_do():
    done = CliRunner().invoke(cli.app, ["serve", "--model", "oracle", "--port", "8002"])
    assert done.exit_code == 2
    assert "There is no window model 'oracle' for 'phone': choose best, real, linear, cnn, encoder" in done.stderr
