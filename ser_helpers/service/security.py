"""The door of the service: who may come in, how often, with how much; and the headers on everything that goes out."""

import base64
import binascii
import hmac
import json
import math
import time
from collections import OrderedDict
from urllib.parse import urlsplit

from fastapi import HTTPException

OPEN_PATHS = ("/", "/healthz", "/openapi.json")
SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=(self)",
    "cross-origin-opener-policy": "same-origin",
}


class RateLimit:
    """A bucket of tokens per address: `per_minute` requests on average, as many at once; the oldest are forgotten.

    >>> limit = RateLimit(per_minute=1, clock=lambda: 0.0)
    >>> limit.wait("a"), limit.wait("a")
    (0.0, 60.0)
    """

    def __init__(self, per_minute, most=10_000, clock=time.monotonic):
        self.per_minute, self.most, self.clock = per_minute, most, clock
        self.buckets = OrderedDict()

    def wait(self, address):
        """Seconds until `address` may ask; 0 counts the request."""
        now = self.clock()
        left, since = self.buckets.pop(address, (float(self.per_minute), now))
        left = min(float(self.per_minute), left + (now - since) * self.per_minute / 60)
        allowed = left >= 1
        self.buckets[address] = (left - allowed, now)
        if len(self.buckets) > self.most:
            self.buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) * 60 / self.per_minute


class AccessControl:
    """ASGI middleware in front of every request and WebSocket: host, origin, token, rate, size, headers. Lesson 13.

    A refusal is JSON with one sentence, ``{"error": "…"}``; a WebSocket is refused before it opens. A token comes as
    ``Authorization: Bearer TOKEN`` or, from a browser's WebSocket, as the subprotocol ``token.<base64url of TOKEN>``.
    """

    def __init__(self, app, settings, metrics):
        self.app, self.settings, self.metrics = app, settings, metrics
        self.rate, self.uploading = RateLimit(settings.requests_per_minute), 0

    async def __call__(self, scope, receive, send):
        """Let it through, or refuse it."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        send = _with_headers(send, self.metrics)
        refusal = self._refusal(scope, headers)
        if refusal is None and scope["path"] == "/predict":
            return await self._upload(scope, receive, send)
        if refusal is None:
            return await self.app(scope, self._counted(receive), send)
        self.metrics.refused.labels(reason=str(refusal[0])).inc()
        return await _refuse(scope, receive, send, *refusal)

    async def _upload(self, scope, receive, send):
        if self.uploading >= self.settings.uploads:
            self.metrics.refused.labels(reason="503").inc()
            busy = f"{self.settings.uploads} recordings are being heard already: try again in a moment."
            return await _refuse(scope, receive, send, 503, busy, {"retry-after": "2"})
        self.uploading += 1
        try:
            await self.app(scope, self._counted(receive), send)
        finally:
            self.uploading -= 1

    def _refusal(self, scope, headers):
        host = headers.get("host", "")
        if "*" not in self.settings.hosts and _hostname(host) not in self.settings.hosts:
            return 421, "This service does not answer to that host name; start it with --allow-host to add one.", {}
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return 403, "Requests from other websites' pages are refused.", {}
        address = (scope.get("client") or ("unknown", 0))[0]
        wait = self.rate.wait(address)
        if wait:
            seconds = math.ceil(wait)
            return 429, f"Too many requests: wait {seconds} s.", {"retry-after": str(seconds)}
        if not scope["path"].startswith("/page/") and scope["path"] not in OPEN_PATHS and not self._known(headers):
            return 401, "A token is needed: send it as Authorization: Bearer TOKEN.", {"www-authenticate": "Bearer"}
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self.settings.upload_bytes:
            return 413, _too_large(self.settings), {}
        return None

    def _known(self, headers):
        token = self.settings.token
        if token is None:
            return True
        given = headers.get("authorization", "")
        if given[:7].lower() == "bearer ":
            return hmac.compare_digest(given[7:].strip().encode(), token.encode())
        for protocol in headers.get("sec-websocket-protocol", "").split(","):
            name, _, coded = protocol.strip().partition(".")
            if name == "token":
                return hmac.compare_digest(_decoded(coded), token.encode())
        return False

    def _counted(self, receive):
        """`receive`, which stops a body that grows beyond the limit, whatever its Content-Length said."""
        taken = 0

        async def counted():
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b"")) if message["type"] == "http.request" else 0
            if taken > self.settings.upload_bytes:
                raise HTTPException(413, _too_large(self.settings))
            return message

        return counted


def _too_large(settings):
    return f"The upload is larger than {settings.upload_bytes / 1e6:g} MB: send a shorter or compressed recording."


def _hostname(host):
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _decoded(coded):
    try:
        return base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4))
    except (binascii.Error, ValueError):
        return b""


def _with_headers(send, metrics):
    extra = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]

    async def sent(message):
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            message = {**message, "headers": [*message.get("headers", []), *extra]}
            metrics.requests.labels(code=str(message["status"])).inc()
        await send(message)

    return sent


async def _refuse(scope, receive, send, status, sentence, headers):
    body = json.dumps({"error": sentence}).encode()
    lines = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    lines += [(name.encode(), value.encode()) for name, value in headers.items()]
    kind = "http"
    if scope["type"] == "websocket":
        await receive()  # the handshake
        kind = "websocket.http"
    await send({"type": f"{kind}.response.start", "status": status, "headers": lines})
    await send({"type": f"{kind}.response.body", "body": body})
