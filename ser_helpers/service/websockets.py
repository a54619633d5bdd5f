"""The two WebSockets: /stream carries one call to the service, /events shows all calls on a page."""

import asyncio
import contextlib
import json
import math
import time

import anyio
import numpy as np
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import ValidationError

from ser_helpers.errors import SerError, StreamError
from ser_helpers.service.schemas import Control, Hello, Ready
from ser_helpers.service.sessions import FAILED, LOG, STOPPED

router = APIRouter()
LOST = "The connection was lost."
SLOW = "The client read too slowly."
POLICY, FAULT, RESTART, TRY_LATER = 1008, 1011, 1012, 1013  # close codes, RFC 6455 and the IANA registry
_TYPES = {"int16": np.dtype("<i2"), "float32": np.dtype("<f4")}


class SampleDecoder:
    """Turns bytes of any length into samples; a sample split between two messages waits for its rest. Lesson 13."""

    def __init__(self, sample_format, channels):
        self.type, self.channels, self.rest = _TYPES[sample_format], channels, b""

    def __call__(self, data):
        """The samples that `data` completes: (n,) or (n, channels), float32."""
        data = self.rest + data
        whole = len(data) - len(data) % (self.type.itemsize * self.channels)
        self.rest = data[whole:]
        y = np.frombuffer(data[:whole], self.type).astype(np.float32)
        y = y / np.float32(32768) if self.type.kind == "i" else y
        return y if self.channels == 1 else y.reshape(-1, self.channels)


class Client:
    """A WebSocket with time limits: it is closed when the other side neither sends nor reads. Lesson 13."""

    def __init__(self, socket, settings, metrics):
        self.socket, self.settings, self.metrics = socket, settings, metrics

    async def accept(self):
        """Open it, with the subprotocol ``ser`` if the browser offers it."""
        offered = self.socket.scope.get("subprotocols", [])
        await self.socket.accept(subprotocol="ser" if "ser" in offered else None)

    async def send(self, text):
        """Send a text; WebSocketDisconnect when the other side has gone or is too slow."""
        begun = time.perf_counter()
        try:
            await asyncio.wait_for(self.socket.send_text(text), self.settings.slow_seconds)
        except TimeoutError:
            self.metrics.dropped.inc()
            raise WebSocketDisconnect(TRY_LATER, SLOW) from None
        except RuntimeError as error:  # raised by Starlette if the socket has closed meanwhile
            raise WebSocketDisconnect from error
        self.metrics.time("send", time.perf_counter() - begun)

    async def receive(self, patience=math.inf):
        """The next message, text or bytes; StreamError when none comes (for `patience` s), or one that is too large."""
        patience = min(patience, self.settings.idle_seconds)
        try:
            message = await asyncio.wait_for(self.socket.receive(), patience)
        except TimeoutError:
            raise StreamError(f"Nothing came for {patience:g} s, so the stream was ended.") from None
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        content = message.get("bytes") if message.get("bytes") is not None else message.get("text", "")
        if len(content) > self.settings.chunk_bytes:
            raise StreamError(f"A message may have {self.settings.chunk_bytes} bytes: send shorter chunks.")
        return content

    async def refuse(self, sentence, code=POLICY):
        """Give the reason in one sentence, and close."""
        with contextlib.suppress(WebSocketDisconnect):
            await self.send(json.dumps({"type": "error", "error": sentence}))
        await self.close(code, sentence[:120])

    async def close(self, code=1000, reason=""):
        """Close it, whether or not the other side is still there."""
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
            await asyncio.wait_for(self.socket.close(code, reason), self.settings.slow_seconds)


@router.websocket("/stream")
async def stream(socket: WebSocket):
    """Receive one call: a JSON `Hello`, then raw samples; windows and alerts are sent back as they arise.

    The next chunk is read only when the last one has been analysed, so TCP slows down a sender that is too fast, and no
    backlog builds up here. A `Control` message reports lost audio or hangs up. A lost connection ends the call.
    """
    manager = socket.app.state.manager
    client = Client(socket, manager.settings, manager.metrics)
    await client.accept()
    hello, session, why = None, None, LOST
    try:
        hello = Hello.model_validate_json(await client.receive(manager.settings.first_seconds))
        session = await manager.open(
            hello.name, "stream", hello.rate, hello.parties, agent=hello.agent, queue=hello.queue
        )
        manager.streams[session] = client
        about = {"emotions": manager.emotions, "inferred": session.inferred, "dimensions": manager.dimensions}
        ready = Ready(call=session.id, **about)
        await client.send(ready.model_dump_json())
        await _receive_call(client, manager, session, SampleDecoder(hello.format, hello.channels))
        why = "The caller hung up."
        for message in await manager.close(session, why):
            await client.send(json.dumps(message))
        await client.send(json.dumps({"type": "ended", **session.summary()}))
        await client.close()
    except ValidationError as error:
        why = sentence(error)
        await client.refuse(why)
    except SerError as error:
        why = str(error)
        await client.refuse(why, TRY_LATER if hello and not session else POLICY)
    except WebSocketDisconnect as gone:
        if gone.reason == SLOW:
            why = SLOW
            await client.close(TRY_LATER, SLOW)
    except Exception:
        LOG.exception("A stream")
        why = FAILED
        await client.refuse(why, FAULT)
    finally:
        if session is not None:
            manager.streams.pop(session, None)
            await manager.close(session, why)


async def dismiss(manager, patience=1.0):
    """End the calls of all clients and tell each of them why, within `patience` seconds: the service stops."""

    async def end(session, client):
        await manager.close(session, STOPPED)
        await client.refuse(STOPPED, RESTART)

    ends = [asyncio.ensure_future(end(*stream)) for stream in manager.streams.items()]
    if ends:
        await asyncio.wait(ends, timeout=patience)


async def _receive_call(client, manager, session, decode):
    """Feed the call until the caller hangs up."""
    while True:
        content = await client.receive()
        if isinstance(content, bytes):
            messages = await manager.feed(session, decode(content))
        else:
            control = Control.model_validate_json(content)
            if control.type == "end":
                return
            messages = await manager.lost(session, control.seconds)
        for message in messages:
            await client.send(json.dumps(message))


@router.websocket("/events")
async def events(socket: WebSocket):
    """Show everything on one page: a snapshot, then calls, windows and alerts as they happen.

    A page that reads too slowly gets a new snapshot instead of the backlog; one that does not read at all is dropped.
    """
    manager = socket.app.state.manager
    client = Client(socket, manager.settings, manager.metrics)
    await client.accept()
    try:
        with manager.page() as queue:
            # Two tasks, and either ends the other: one sends, one waits for the page to go.
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_show, client, manager, queue, tasks.cancel_scope)
                while (await socket.receive())["type"] != "websocket.disconnect":
                    pass
                tasks.cancel_scope.cancel()
    except StreamError as error:
        await client.refuse(str(error), TRY_LATER)
    else:
        await client.close(TRY_LATER)


async def _show(client, manager, queue, scope):
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            text = await queue.get()
            await client.send(json.dumps(manager.snapshot()) if text is None else text)
    scope.cancel()


def sentence(error):
    """The first complaint of a pydantic error, as one sentence. Lesson 13."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    return f"{where or 'The message'} is not right: {first['msg']}."
