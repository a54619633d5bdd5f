"""Run the service: `serve` until Ctrl-C, `running` for the length of a ``with`` block."""

import asyncio
import contextlib
import logging
import socket
import threading
import warnings

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ser_helpers import models, paths
from ser_helpers.errors import StreamError
from ser_helpers.service.app import create_app
from ser_helpers.service.security import peer
from ser_helpers.service.settings import Settings
from ser_helpers.service.webhook import Webhook
from ser_helpers.service.websockets import dismiss
from ser_helpers.streaming.predictions import as_dimension_model, as_window_model

LOCAL = ("127.0.0.1", "localhost", "::1")
"""Addresses that only this machine can reach."""
UPLOAD_GRACE = 1
"""Seconds that the analysis of an upload may still take when the service stops."""
_ABOUT_CLIENTS = (
    "ASGI callable returned without completing handshake.",  # of each WebSocket refused with an HTTP response
    "Invalid HTTP request received.",
    "Exceeded concurrency limit.",
    "Unsupported upgrade request.",
)


def serve(host="127.0.0.1", port=8000, settings=None, tell=lambda sentence: None, model=None, **options):
    """Serve until Ctrl-C. Lesson 13.

    `tell` is called with the sentences to print at the start; `model` and `options` go to `create_app`. Raises
    StreamError if other machines could reach it without a token, the port is taken, ended calls cannot be stored or the
    webhook has no secret; ModelError if the model cannot be loaded, or is none of windows.
    """
    settings = settings or Settings()
    if settings.webhook is not None:
        Webhook(settings.webhook, settings.webhook_secret)  # its sentence comes before the model is loaded
    if host not in LOCAL and settings.token is None:
        raise StreamError(f"Anyone who reaches {host} would have access: set a token (--token, or SER_TOKEN).")
    if settings.token == "":
        raise StreamError("The token is empty: choose one that nobody can guess, or none at all.")
    if settings.token is not None and not (settings.token.isascii() and settings.token.isprintable()):
        raise StreamError("A token may contain only printable ASCII characters: choose another.")
    if settings.store is not None:
        try:
            paths.check_writable(settings.store)
        except OSError as error:
            reason = error.strerror or error
            raise StreamError(
                f"No call can be stored in {settings.store} ({reason}): choose another --store."
            ) from error
    sock = _bind(host, port)
    shown = f"[{host}]" if ":" in host else host
    warnings.filterwarnings("ignore", "The stream contains NaN")  # the page shows such samples as a gap
    tell("Loading the model; the first start may take a few minutes …")
    model = as_window_model(
        models.window_model(settings.model, band="phone") if model is None else model, classifier=True
    )
    tell(f"Model: {getattr(model, 'card', None) or getattr(model, 'label', type(model).__name__)}.")
    if settings.dimensions != "none":
        options["dimensions"] = as_dimension_model(
            options.get("dimensions") or models.window_dimensions(settings.dimensions, band="phone")
        )
    server = _server(create_app(settings, model, **options), settings)
    server.on_started = lambda: tell(f"The page is on http://{shown}:{port}; Ctrl-C stops the service.")
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[sock])


@contextlib.contextmanager
def running(settings=None, port=0, **options):
    """Serve on this machine during the ``with`` block; yields the address. Port 0 is any free one. Lesson 13.

    `options` go to `create_app`.

    >>> from urllib.request import urlopen
    >>> with running(calls=[]) as address:  # doctest: +SKIP
    ...     urlopen(address + "/healthz").status
    200
    """
    settings = settings or Settings()
    server, sock = _server(create_app(settings, **options), settings), _bind("127.0.0.1", port)
    thread = threading.Thread(target=_run, args=(server, sock), name="service")
    thread.start()
    try:
        while not server.started and thread.is_alive():
            thread.join(0.02)
        if not server.started:
            raise StreamError("The service did not start; its log says why.")
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


class _Connection(H11Protocol):
    """A connection that is closed if a request does not come in time, or its address has too many.

    uvicorn itself limits the time between two requests, and all connections together.
    """

    late, since = None, 0.0  # the timer of a connection without a request, and when it began

    @property
    def settings(self):
        return self.config.app.state.settings

    def connection_made(self, transport):
        super().connection_made(transport)
        clients = [other.client[0] for other in self.connections if other.client]
        host = self.client[0] if self.client else None
        same = sum(peer(other) == peer(host) for other in clients)
        if same > self.settings.connections_per_address and host not in self.settings.proxies:
            transport.write(b"HTTP/1.1 429 Too Many Requests\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            transport.close()
            return
        if len(self.connections) >= self.settings.connections:  # the one that has been idle longest makes room
            idle = [other for other in self.connections if getattr(other, "late", None)]
            if idle:
                longest = min(idle, key=lambda other: other.since)
                longest._unwatch()  # another new connection must not choose the same one
                longest.transport.abort()
        self._watch()

    def connection_lost(self, exc):
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data):
        super().data_received(data)
        self._watch()

    def on_response_complete(self):
        super().on_response_complete()
        self._watch()

    def _watch(self):
        """Wait for a request only so long; bytes that are none do not begin the wait anew."""
        answering = self.cycle is not None and not self.cycle.response_complete
        if answering or self.transport.get_protocol() is not self:  # the latter: it is a WebSocket now
            self._unwatch()
        elif self.late is None and not self.transport.is_closing():
            self.since = self.loop.time()
            self.late = self.loop.call_later(self.settings.first_seconds, self.transport.abort)

    def _unwatch(self):
        if self.late is not None:
            self.late.cancel()
            self.late = None


class _Server(uvicorn.Server):
    """A server that calls `on_started` once it accepts connections, and says on every stream that it stops."""

    on_started = staticmethod(lambda: None)

    async def startup(self, sockets=None):
        await super().startup(sockets)
        if self.started:
            self.on_started()

    async def shutdown(self, sockets=None):
        state = self.config.app.state
        asyncio.get_running_loop().call_later(UPLOAD_GRACE, state.engine.stop)
        await dismiss(state.manager)
        await super().shutdown(sockets)


def _worth_logging(record):
    """Whether a line of uvicorn's log is about the service, not about what some client did."""
    return not record.getMessage().startswith(_ABOUT_CLIENTS)


def _server(app, settings):
    config = uvicorn.Config(
        app,
        http=_Connection,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),
        ws_max_size=2 * settings.chunk_bytes,
        ws_max_queue=4,
        ws_ping_timeout=None,  # while a sender is slowed down, its answer to a ping waits behind its samples
        ws_per_message_deflate=False,
        limit_concurrency=settings.connections,
        timeout_graceful_shutdown=UPLOAD_GRACE + 1,
    )
    logging.getLogger("uvicorn.error").addFilter(_worth_logging)
    return _Server(config)


def _run(server, sock):
    with contextlib.suppress(SystemExit):  # raised by uvicorn if it cannot start
        server.run(sockets=[sock])


def _bind(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        reason = error.strerror or error
        raise StreamError(f"Cannot serve on {host}:{port} ({reason}): choose another --port.") from error
    return sock
