"""Starts the service: `serve` until Ctrl-C, `running` for as long as a ``with`` block lasts."""

import contextlib
import logging
import socket
import threading
import warnings

import uvicorn

from ser_helpers.errors import StreamError
from ser_helpers.service.app import create_app
from ser_helpers.service.settings import Settings

LOCAL = ("127.0.0.1", "localhost", "::1")
"""Names of this machine, which no other can reach."""


def serve(host="127.0.0.1", port=8000, settings=None, tell=lambda sentence: None, **options):
    """Serve until Ctrl-C; `tell` is given what to say at the start, `create_app` the `options`. Lesson 13.

    Raises
    ------
    StreamError
        If other machines could reach it without a token, or the port is taken.
    """
    settings = settings or Settings()
    if host not in LOCAL and settings.token is None:
        raise StreamError(f"Whoever reaches {host} could listen: give the service a token (--token, or SER_TOKEN).")
    if settings.token == "":
        raise StreamError("The token is empty: give one that nobody guesses, or none at all.")
    if settings.token is not None and not (settings.token.isascii() and settings.token.isprintable()):
        raise StreamError("A token is made of printable ASCII characters: choose another.")
    sock = _bind(host, port)
    shown = f"[{host}]" if ":" in host else host
    warnings.filterwarnings("ignore", "The stream holds NaN")  # the page shows such samples as a gap
    tell("Preparing what listens; the first start may take some minutes …")
    server = _server(create_app(settings, **options), settings)
    server.started_up = lambda: tell(f"The page is on http://{shown}:{port}; Ctrl-C stops the service.")
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[sock])


@contextlib.contextmanager
def running(settings=None, port=0, **options):
    """Serve on this machine while the ``with`` block lasts; yields the address. Port 0 is any free one. Lesson 13.

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
    """A server that calls `started_up` once it listens."""

    started_up = staticmethod(lambda: None)

    async def startup(self, sockets=None):
        await super().startup(sockets)
        if self.started:
            self.started_up()


def _not_a_refusal(record):
    """Whether a line belongs in the log: uvicorn takes each WebSocket refused with an HTTP answer for a mistake."""
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
    with contextlib.suppress(SystemExit):  # how uvicorn says that it could not start
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
        raise StreamError(f"{host}:{port} cannot be served on ({reason}): choose another --port.") from error
    return sock
