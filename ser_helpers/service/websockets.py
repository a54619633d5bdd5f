"""The two WebSockets: /stream hears one call, /events shows all of them to a page."""

import asyncio
import contextlib
import json
import time

import anyio
import numpy as np
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, Field, ValidationError

from ser_helpers.errors import SerError, StreamError
from ser_helpers.service.schemas import Hello, Ready
from ser_helpers.service.sessions import FAILED, LOG, LOST, TAKEN

router = APIRouter()
POLICY, FAULT, TRY_LATER = 1008, 1011, 1013
_TYPES = {"int16": np.dtype("<i2"), "float32": np.dtype("<f4")}


class Gap(BaseModel):
    """Audio that the sender could not send: `seconds` of it are missing here. Lesson 13."""

    type: str
    seconds: float = Field(0.0, ge=0, le=3600)


class Samples:
    r"""Bytes of any length to samples; a sample cut in two by a message's end waits for its other half. Lesson 13.

    >>> samples = Samples("int16", channels=1)
    >>> samples(b"\x00\x40\x00"), samples(b"\xc0")
    (array([0.5], dtype=float32), array([-0.5], dtype=float32))
    """

    def __init__(self, form, channels):
        self.type, self.channels, self.rest = _TYPES[form], channels, b""

    def __call__(self, data):
        """The samples that `data` completes: (n,) or (n, channels), float32."""
        data = self.rest + data
        whole = len(data) - len(data) % (self.type.itemsize * self.channels)
        self.rest = data[whole:]
        found = np.frombuffer(data[:whole], self.type).astype(np.float32)
        found = found / np.float32(32768) if self.type.kind == "i" else found
        return found if self.channels == 1 else found.reshape(-1, self.channels)


class Client:
    """A WebSocket whose sends are timed and end it when nobody takes them. Lesson 13."""

    def __init__(self, socket, settings, metrics):
        self.socket, self.settings, self.metrics = socket, settings, metrics

    async def accept(self):
        """Open it, with the subprotocol ``ser`` when the browser offers it."""
        offered = self.socket.scope.get("subprotocols", [])
        await self.socket.accept(subprotocol="ser" if "ser" in offered else None)

    async def text(self, text):
        """Send a text; WebSocketDisconnect when the other side has gone or is too slow."""
        begun = time.perf_counter()
        try:
            await asyncio.wait_for(self.socket.send_text(text), self.settings.slow_seconds)
        except TimeoutError:
            self.metrics.dropped.inc()
            raise WebSocketDisconnect(TRY_LATER, "too slow") from None
        except RuntimeError as error:  # what Starlette says of a socket that has closed meanwhile
            raise WebSocketDisconnect from error
        self.metrics.time("send", time.perf_counter() - begun)

    async def json(self, message):
        """Send a message as JSON."""
        await self.text(json.dumps(message))

    async def receive(self):
        """The next message, text or bytes; StreamError when none comes, or one that is too large."""
        try:
            message = await asyncio.wait_for(self.socket.receive(), self.settings.idle_seconds)
        except TimeoutError:
            raise StreamError(f"Nothing came for {self.settings.idle_seconds:g} s, so the stream was ended.") from None
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        content = message.get("bytes") if message.get("bytes") is not None else message.get("text", "")
        if len(content) > self.settings.chunk_bytes:
            raise StreamError(f"A message may hold {self.settings.chunk_bytes} bytes: send shorter chunks.")
        return content

    async def refuse(self, sentence, code=POLICY):
        """Say why in one sentence, and close."""
        with contextlib.suppress(WebSocketDisconnect):
            await self.json({"type": "error", "error": sentence})
        await self.close(code, sentence[:120])

    async def close(self, code=1000, reason=""):
        """Close it, whether or not the other side is still there."""
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
            await asyncio.wait_for(self.socket.close(code, reason), self.settings.slow_seconds)


@router.websocket("/stream")
async def stream(socket: WebSocket):
    """Hear one call: a JSON `Hello`, then raw samples; estimates and alerts come back as they arise.

    The next chunk is read only when the last one has been heard, so a sender that is too fast is slowed down by TCP and
    nothing piles up here. ``{"type": "gap", "seconds": 1.5}`` says that audio was lost, ``{"type": "end"}`` hangs up. A
    line that is lost may be followed by another one, whose `Hello` holds the `resume` key of `Ready`.
    """
    board = socket.app.state.board
    client = Client(socket, board.settings, board.metrics)
    await client.accept()
    session, why, code, line = None, LOST, POLICY, anyio.CancelScope()
    try:
        hello = Hello.model_validate_json(await client.receive())
        if hello.resume is None:
            code = TRY_LATER
            session = await board.open(hello.name, "stream", hello.rate, hello.parties, hello.format, line)
            code = POLICY
        else:
            session = board.resume(hello.resume, hello.rate, hello.parties, hello.format, line)
        with line:  # cancelled by whoever takes the call over
            why = await _listen(client, board, session, line, Samples(hello.format, hello.channels))
            for message in await board.close(session, why, line):
                await client.json(message)
            await client.json({"type": "ended", **session.summary()})
            await client.close()
        if line.cancelled_caught:
            await client.refuse(TAKEN)
    except ValidationError as error:
        why = sentence(error)
        await client.refuse(why)
    except SerError as error:
        why = str(error)
        await client.refuse(why, code)
    except WebSocketDisconnect:
        pass
    except Exception:
        LOG.exception("A stream")
        why = FAILED
        await client.refuse(why, FAULT)
    finally:
        if session is not None:
            await board.let_go(session, line, why)


async def _listen(client, board, session, line, samples):
    async with session.turn:  # of the line before, what was on its way is heard
        heard = {"call": session.id, "seconds": round(session.seconds, 9), "resume": session.resume}
    ready = Ready(
        emotions=board.emotions, inferred=session.inferred, resume_seconds=board.settings.resume_seconds, **heard
    )
    await client.json(ready.model_dump())
    while True:
        content = await client.receive()
        if isinstance(content, str):
            order = Gap.model_validate_json(content)
            if order.type == "end":
                return "The caller hung up."
            if order.type != "gap":
                raise StreamError(f"A message of type {order.type!r} is not known: send gap or end, or bytes.")
            found = await board.lost(session, order.seconds, line)
        else:
            found = await board.feed(session, samples(content), line)
        for message in found:
            await client.json(message)


@router.websocket("/events")
async def events(socket: WebSocket):
    """Show everything to one page: a snapshot, then calls, windows and alerts as they happen.

    A page that reads too slowly gets a fresh snapshot instead of what has piled up; one that reads nothing is dropped.
    """
    board = socket.app.state.board
    client = Client(socket, board.settings, board.metrics)
    await client.accept()
    try:
        with board.page() as queue:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_show, client, board, queue, tasks.cancel_scope)
                await _until_gone(socket)
                tasks.cancel_scope.cancel()
    except StreamError as error:
        await client.refuse(str(error), TRY_LATER)
    else:
        await client.close(TRY_LATER)


async def _show(client, board, queue, scope):
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            message = await queue.get()
            await client.text(board.snapshot() if message is None else message)
    scope.cancel()


async def _until_gone(socket):
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def sentence(error):
    """A pydantic error, of which only the first complaint is told, as one sentence. Lesson 13."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    return f"{where or 'The message'} is not right: {first['msg']}."
