"""Alerts that go to another program: signed, tried again, and not in the way of calls."""

import asyncio
import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ser_helpers.errors import StreamError
from ser_helpers.service.webhook import PENDING, Webhook

ALERT = {"id": "a-1", "raised": "2030-01-01T10:15:00+00:00", "emotion": "angry"}
SECRET = b"a long secret of 24 byte"


@pytest.fixture
def receiver():
    """receiver(*codes): the address of a server that answers so, then 204, and the requests that it gets."""
    servers = []

    def start(*codes):
        answers, requests = iter(codes), []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                requests.append((self.headers, self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(next(answers, 204))
                self.send_header("location", "/elsewhere")
                self.end_headers()

            def log_message(self, *args):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        return f"http://127.0.0.1:{server.server_port}/alerts", requests

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def deliver(url, waits, alerts=(ALERT,)):
    """Send the alerts and wait; the seconds that `send` took."""
    secret = "whsec_" + base64.b64encode(SECRET).decode()

    async def play():
        webhook = Webhook(url, secret, waits)
        begun = time.perf_counter()
        for alert in alerts:
            webhook.send(alert)
        taken = time.perf_counter() - begun
        await webhook.close(patience=5)
        return taken

    return asyncio.run(play())


def test_an_alert_is_signed_and_sent_until_it_is_taken(receiver, caplog):
    url, requests = receiver(500, 302)
    deliver(url, (0, 0, 0))
    assert len(requests) == 3
    assert {headers["webhook-id"] for headers, _ in requests} == {"alert_a-1"}
    headers, body = requests[-1]
    assert json.loads(body) == {"type": "alert", "timestamp": ALERT["raised"], "data": ALERT}
    signed = b".".join([b"alert_a-1", headers["webhook-timestamp"].encode(), body])
    digest = hmac.digest(SECRET, signed, hashlib.sha256)
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    assert caplog.messages == []


def test_an_alert_that_nobody_takes_is_given_up_and_logged(receiver, caplog):
    url, requests = receiver(*[410] * 9)
    deliver(url, (0, 0))
    assert len(requests) == 3
    assert caplog.messages == ["The webhook did not take alert a-1 in 3 tries: HTTP Error 410: Gone"]


def test_a_dead_receiver_holds_up_nobody_and_only_so_many_alerts_wait(caplog):
    alerts = [{**ALERT, "id": f"a-{i}"} for i in range(PENDING + 1)]
    assert deliver("http://127.0.0.1:9/", (0,), alerts) < 1
    assert caplog.messages[0] == f"The webhook is too slow: alert a-{PENDING} is not sent."


@pytest.mark.parametrize(
    ("url", "secret", "sentence"),
    [
        ("example.org/alerts", "secret", "needs an address such as https"),
        ("https://example.org", None, "needs a secret"),
        ("https://example.org", "whsec_?", "not base64"),
    ],
)
def test_a_webhook_that_cannot_work_is_refused_at_once(url, secret, sentence):
    with pytest.raises(StreamError, match=sentence):
        Webhook(url, secret)
