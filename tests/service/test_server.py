import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import numpy as np
import pytest
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


def test_the_service_runs_until_ctrl_c_and_logs_nothing_about_clients_that_do_wrong():
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(port)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
                health = json.load(answer)
            break
        except urllib.error.URLError:
            assert process.poll() is None
            time.sleep(0.1)
    say_nonsense(port)
    process.send_signal(signal.SIGINT)
    said, complaint = process.communicate(timeout=30)
    assert health["emotions"] == ["angry", "neutral"]
    assert (process.returncode, complaint) == (0, b"")
    loading, model, ready = said.decode().splitlines()
    assert loading.startswith("Loading the model")
    assert model.startswith("Model: Even")
    assert ready == f"The page is on http://127.0.0.1:{port}; Ctrl-C stops the service."


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--host", "0.0.0.0"], "Anyone who reaches 0.0.0.0 would have access: set a token"),
        (["--token", "né"], "printable ASCII"),
        (["--token", ""], "The token is empty"),
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
    flags += ["--allow-host", "calls.local", "--dimensions", "audeering"]
    assert CliRunner().invoke(cli.app, ["serve", *flags], env={"SER_TOKEN": "secret"}).exit_code == 0
    assert (given["demo"], given["speed"], given["port"], given["store"]) == (3, 4.0, 8001, tmp_path)
    assert given["hosts"] == ("127.0.0.1", "localhost", "::1", "calls.local")
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
