"""Run the service: `serve` until Ctrl-C, `running` for the length of a ``with`` block."""

import contextlib
import logging
import socket
import threading
import warnings

import uvicorn

from ser_helpers import models
from ser_helpers.errors import StreamError
from ser_helpers.service.app import create_app
from ser_helpers.service.settings import Settings
from ser_helpers.streaming.predictions import as_dimension_model, as_window_model

LOCAL = ("127.0.0.1", "localhost", "::1")
"""Addresses that only this machine can reach."""


def serve(host="127.0.0.1", port=8000, settings=None, tell=lambda sentence: None, model=None, **options):
    """Serve until Ctrl-C. Lesson 13.

    `tell` is called with the sentences to print at the start; `model` and `options` go to `create_app`. Raises
    StreamError if other machines could reach it without a token, or the port is taken; ModelError if the model cannot
    be loaded, or is none of windows.
    """
    settings = settings or Settings()
    if host not in LOCAL and settings.token is None:
        raise StreamError(f"Anyone who reaches {host} would have access: set a token (--token, or SER_TOKEN).")
    if settings.token == "":
        raise StreamError("The token is empty: choose one that nobody can guess, or none at all.")
    if settings.token is not None and not (settings.token.isascii() and settings.token.isprintable()):
        raise StreamError("A token may contain only printable ASCII characters: choose another.")
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


class _Server(uvicorn.Server):
    """A server that calls `on_started` once it accepts connections."""

    on_started = staticmethod(lambda: None)

    async def startup(self, sockets=None):
        await super().startup(sockets)
        if self.started:
            self.on_started()


def _not_a_refusal(record):
    """Keep a line out of the log that uvicorn writes about each WebSocket that was refused with an HTTP response."""
    return record.getMessage() != "ASGI callable returned without completing handshake."


def _server(app, settings):
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws_max_size=2 * settings.chunk_bytes,
        ws_max_queue=4,
        ws_per_message_deflate=False,
        limit_concurrency=settings.connections,
        timeout_graceful_shutdown=5,
    )
    logging.getLogger("uvicorn.error").addFilter(_not_a_refusal)
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
