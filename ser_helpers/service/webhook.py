"""Alerts sent to another program over HTTP: signed, tried again, and never waited for by a call. Lesson 13."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from ser_helpers.errors import StreamError
from ser_helpers.service.sessions import LOG

WAITS = (1, 4, 16, 64, 256)
"""Seconds before the second try, the third, and so on."""
PATIENCE = 3
"""Seconds that the receiver may take to connect, and again to answer."""
PENDING = 200
"""Alerts that may wait to be sent; later ones are dropped, and the log says so."""


class Webhook:
    """Posts alerts to `url` as Standard Webhooks describes it (https://www.standardwebhooks.com). Lesson 13.

    The body is ``{"type": "alert", "timestamp": ..., "data": ...}`` with a `schemas.Alert`. Its headers are
    ``webhook-id``, the same at each try, ``webhook-timestamp``, seconds since 1970, and ``webhook-signature``, see
    `sign`. Any answer but 2xx counts as a failure; a redirection is not followed. After a failure the alert is sent
    again, after each of `waits` seconds; then it is given up, and the log says so.

    `secret` is text, or ``whsec_`` and base64. StreamError if there is none, or `url` is no http(s) address.
    """

    def __init__(self, url, secret, waits=WAITS):
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise StreamError(f"A webhook needs an address such as https://example.org/alerts, not {url!r}.")
        if not secret:
            raise StreamError("A webhook needs a secret to sign with (SER_WEBHOOK_SECRET): choose a long one.")
        self.url, self.waits, self.key = url, waits, _key(secret)
        self.pool = ThreadPoolExecutor(4, thread_name_prefix="webhook")  # a receiver that hangs holds only these
        self.opener = urllib.request.build_opener(_NoRedirection)
        self.tasks = set()

    def send(self, alert):
        """Send an alert, a dict, in the background; to be called on the event loop."""
        if len(self.tasks) >= PENDING:
            LOG.warning("The webhook is too slow: alert %s is not sent.", alert["id"])
            return
        task = asyncio.get_running_loop().create_task(self._deliver(dict(alert)))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def close(self, patience=1.0):
        """Wait up to `patience` seconds for alerts that are being sent, and give up the others."""
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=patience)
        if self.tasks:
            LOG.warning("The service stops: %d alerts were not delivered to the webhook.", len(self.tasks))
        for task in self.tasks:
            task.cancel()
        self.pool.shutdown(wait=False, cancel_futures=True)

    async def _deliver(self, alert):
        name = f"alert_{alert['id']}"
        body = json.dumps({"type": "alert", "timestamp": alert["raised"], "data": alert}).encode()
        for wait in (*self.waits, None):
            try:
                return await asyncio.get_running_loop().run_in_executor(self.pool, self._post, name, body)
            except (OSError, ValueError) as error:  # URLError and HTTPException's kin, or an answer that is no HTTP
                problem = error
            if wait is not None:
                await asyncio.sleep(wait)
        LOG.warning("The webhook did not take alert %s in %d tries: %s", alert["id"], len(self.waits) + 1, problem)

    def _post(self, name, body):
        stamp = str(int(time.time()))
        headers = {"content-type": "application/json", "webhook-id": name, "webhook-timestamp": stamp}
        headers["webhook-signature"] = sign(self.key, name, stamp, body)
        request = urllib.request.Request(self.url, body, headers, method="POST")
        with self.opener.open(request, timeout=PATIENCE):
            pass


def sign(key, name, stamp, body):
    """The header ``webhook-signature``: "v1," and the base64 of HMAC-SHA256 of "name.stamp.body". Lesson 13.

    `key` and `body` are bytes, `name` and `stamp` the other two headers. The example is that of the specification.

    >>> key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    >>> sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    digest = hmac.new(key, f"{name}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret):
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise StreamError("The webhook's secret begins with whsec_, but the rest is not base64.") from None


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None
