"""How many live calls the service carries on this machine before windows come too late: one by one and in batches.

The service runs in a process of its own and receives N telephone calls at once over WebSockets, each in real time, a
quarter of a second at a time. A window's delay runs from when its last samples were due to be sent (so that a service
which falls behind cannot hide it) to when it arrives. N grows until the 95th percentile of the delays passes 0.5 s. The
calls' senders share the cores with the service, so fewer cores or more load carry fewer calls.
"""

import asyncio
import contextlib
import json
import multiprocessing
import time

import numpy as np
import pandas as pd
import soundfile as sf
import websockets

from ser_helpers import models
from ser_helpers.call_centre import monitor
from ser_helpers.service import Settings, server

STEPS = (12, 24, 36, 48)
SECONDS, CHUNK, LATEST = 7.0, 0.25, 0.5


def bench():
    """Delays in milliseconds per number of calls, and how many windows they are measured on."""
    clips = [sf.read(path, dtype="int16") for path in monitor.demo_calls()]
    rows = []
    for name in ("linear", "cnn"):
        models.window_model(name, band="phone")  # fitted once, outside the clock
        for batch in (False, True):
            with _served(name, batch) as address:
                for calls in STEPS:
                    delays = 1000 * np.array(asyncio.run(_call_together(address, calls, clips)))
                    p50, p95 = np.percentile(delays, [50, 95])
                    rows.append((name, "batches" if batch else "one by one", calls, p50, p95, len(delays)))
                    if p95 > 1000 * LATEST:
                        break
    table = pd.DataFrame(rows, columns=["model", "windows", "calls", "p50 ms", "p95 ms", "measured"])
    return table.set_index(["model", "windows", "calls"]).round(0).astype(int)


@contextlib.contextmanager
def _served(name, batch):
    """The service in a process of its own; its address."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, name, batch))
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("stop")
        process.join()


def _serve(pipe, name, batch):
    settings, model = Settings(batch=batch, calls=max(STEPS)), models.window_model(name, band="phone")
    model.predict_proba(np.zeros((1, 48000), np.float32))  # the first window loads libraries
    with server.running(settings, model=model, calls=[]) as address:
        pipe.send(address)
        pipe.recv()


async def _call_together(address, calls, clips):
    """Delays of all windows, in seconds; the calls begin spread over one second."""
    running = [_call(address, clips[i % len(clips)], i / calls) for i in range(calls)]
    return [delay for delays in await asyncio.gather(*running) for delay in delays]


async def _call(address, clip, offset):
    y, rate = clip
    step, delays, due = int(CHUNK * rate), [], {}

    async def listen(socket):
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "ended":
                return
            if message["type"] == "window" and message["party"] == "customer":
                delays.append(time.perf_counter() - due[round(message["seconds"] / CHUNK)])

    async with websockets.connect(address.replace("http", "ws") + "/stream", open_timeout=60) as socket:
        await socket.send(json.dumps({"rate": rate, "channels": 2}))
        json.loads(await socket.recv())
        await asyncio.sleep(1 + offset)
        listening, begun = asyncio.create_task(listen(socket)), time.perf_counter()
        for i in range(1, int(SECONDS / CHUNK) + 1):
            due[i] = begun + i * CHUNK
            await asyncio.sleep(due[i] - time.perf_counter())
            await socket.send(y[(i - 1) * step : i * step].tobytes())
        await socket.send('{"type": "end"}')
        await listening
    return delays
