"""Access to the service: origin, token, request rate, upload size and time, and the headers of every response."""

import asyncio
import base64
import binascii
import functools
import hmac
import ipaddress
import math
import re
import time
from collections import Counter, OrderedDict

from fastapi import HTTPException
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders

OPEN_PATHS = ("/", "/healthz", "/openapi.json")
SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=(self)",
    "cross-origin-opener-policy": "same-origin",
}
_HOST = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?"
_ORIGIN = rf"null|[A-Za-z][A-Za-z0-9+.-]*://{_HOST}"


@functools.lru_cache(1024)
def peer(host):
    """Whose limits apply to an address: its own if it is IPv4, or those of the /64 network that an IPv6 customer has.

    >>> peer("192.0.2.7"), peer("2001:db8:1:2:3:4:5:6")
    ('192.0.2.7', '2001:db8:1:2::')
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return host if address.version == 4 else str(ipaddress.ip_address(int(address) >> 64 << 64))


class RateLimit:
    """A token bucket per address: `per_minute` requests on average, and as many at once.

    Only the last `addresses` are remembered. slowapi would not do: it limits neither WebSockets nor unknown paths, so a
    token could be guessed there without limit.
    """

    def __init__(self, per_minute, addresses=10_000, clock=time.monotonic):
        self.per_minute, self.addresses, self.clock = per_minute, addresses, clock
        self.buckets = OrderedDict()

    def wait(self, address):
        """Seconds until `address` may send a request; 0 counts this one."""
        now = self.clock()
        left, since = self.buckets.pop(address, (float(self.per_minute), now))
        left = min(float(self.per_minute), left + (now - since) * self.per_minute / 60)
        allowed = left >= 1
        self.buckets[address] = (left - allowed, now)
        if len(self.buckets) > self.addresses:
            self.buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) * 60 / self.per_minute


class AccessControl:
    """ASGI middleware around every request and WebSocket: origin, rate, token, size, headers. Lesson 13.

    A refusal is JSON with one sentence, ``{"error": "…"}``; a WebSocket is refused before it opens. The token comes as
    ``Authorization: Bearer TOKEN`` or, from a browser's WebSocket, as the subprotocol ``token.<base64url of TOKEN>``.
    """

    def __init__(self, app, settings, metrics):
        self.app, self.settings, self.metrics = app, settings, metrics
        self.rate, self.uploading = RateLimit(settings.requests_per_minute), Counter()

    async def __call__(self, scope, receive, send):
        """Pass the request on, or refuse it."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        send, address = _with_headers(send, self.metrics), peer((scope.get("client") or ["unknown"])[0])
        refusal = self._refusal(scope, Headers(scope=scope), address)
        if refusal is not None:
            self.metrics.refused.labels(reason=str(refusal.status_code)).inc()
            return await refusal(scope, receive, send)
        if scope["type"] == "http":
            receive = self._limited(receive)
        if scope["path"] != "/predict":
            return await self.app(scope, receive, send)
        self.uploading[address] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.uploading -= Counter([address])  # drops what has come to 0

    def _refusal(self, scope, headers, address):
        wait = math.ceil(self.rate.wait(address))  # first: refusals count too
        if wait:
            return _refuse(429, f"Too many requests: wait {wait} s.", {"retry-after": str(wait)})
        origin, host = headers.get("origin"), headers.get("host")
        for name, value, form in (
            ("Host", host or "", _HOST),
            ("Origin", "null" if origin is None else origin, _ORIGIN),
        ):
            if not re.fullmatch(form, value):
                return _refuse(400, f"The header {name} is malformed: send one as browsers do.")
        if origin is not None and origin.partition("://")[2] != host:
            return _refuse(403, "Requests from pages of other websites are refused.")
        path = scope["path"]
        if not path.startswith("/page/") and path not in OPEN_PATHS and not self._authorised(headers):
            sentence = "A token is needed: send it as Authorization: Bearer TOKEN."
            return _refuse(401, sentence, {"www-authenticate": "Bearer"})
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self.settings.upload_bytes:
            return _refuse(413, self._too_large())
        if path == "/predict" and self.uploading[address] >= self.settings.uploads_per_address:
            sentence = f"Your address is sending {self.uploading[address]} recordings already: wait for an answer."
            return _refuse(429, sentence, {"retry-after": "2"})
        if path == "/predict" and self.uploading.total() >= self.settings.bodies:
            sentence = f"{self.settings.bodies} recordings are being sent already: try again in a moment."
            return _refuse(503, sentence, {"retry-after": "2"})
        return None

    def _authorised(self, headers):
        token = self.settings.token
        if token is None:
            return True
        scheme, _, credentials = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return hmac.compare_digest(credentials.strip().encode(), token.encode())  # takes as long for any guess
        for protocol in headers.get("sec-websocket-protocol", "").split(","):
            name, _, encoded = protocol.strip().partition(".")
            if name == "token":
                return hmac.compare_digest(_decoded(encoded), token.encode())
        return False

    def _limited(self, receive):
        """`receive`, which stops a body that takes too long, or grows beyond the limit whatever its length claims."""
        size, arrived, begun = 0, False, time.monotonic()

        async def limited():
            nonlocal size, arrived
            patience = None if arrived else begun + self.settings.body_seconds - time.monotonic()
            try:
                message = await asyncio.wait_for(receive(), patience)
            except TimeoutError:
                sentence = f"The request did not arrive within {self.settings.body_seconds:g} s: send it again."
                raise HTTPException(408, sentence) from None
            arrived = not message.get("more_body", False)
            size += len(message.get("body", b""))
            if size > self.settings.upload_bytes:
                raise HTTPException(413, self._too_large())
            return message

        return limited

    def _too_large(self):
        limit = self.settings.upload_bytes / 1e6
        return f"The upload is larger than {limit:g} MB: send a shorter or compressed recording."


def _refuse(status, sentence, headers=None):
    return JSONResponse({"error": sentence}, status, headers)


def _decoded(encoded):
    try:
        return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except (binascii.Error, ValueError):
        return b""


def _with_headers(send, metrics):
    async def send_with_headers(message):
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            MutableHeaders(scope=message).update(SECURITY_HEADERS)
            metrics.responses.labels(code=str(message["status"])).inc()
        await send(message)

    return send_with_headers
