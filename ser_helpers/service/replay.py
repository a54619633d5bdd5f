"""Replays recorded calls as if they came in now."""

import asyncio
import itertools
import time

import pandas as pd
import soundfile as sf

from ser_helpers.call_centre import PARTIES, monitor
from ser_helpers.errors import AudioError, CorpusError, SerError
from ser_helpers.service.sessions import FAILED, LOG

BLOCK = 0.25
"""Seconds of audio that are sent at once."""
ENDED = "The recording ended."


class Player:
    """Replays wav files as calls, each in a task of its own; embedded calls with their story and truth. Lesson 13."""

    def __init__(self, manager, paths):
        self.manager = manager
        self.paths = {path.stem: path for path in paths}
        self.next = itertools.cycle(self.paths)
        self.tasks = set()

    async def start(self, name=None, speed=None, repeat=False):
        """Begin to replay a call (the next one by default) and return its session; KeyError if there is no such call.

        With `repeat`, the next call follows when it has ended, and so on.
        """
        name = name or next(self.next, None)
        path = self.paths[name]
        info = await asyncio.to_thread(_info, path)
        story, truth = await asyncio.to_thread(_truth, path)
        title = name.replace("_", " ").capitalize() + (f" · {story}, synthetic" if story else "")
        session = await self.manager.open(
            title, "replay", info.samplerate, PARTIES[-info.channels :], truth=truth, recording=name
        )
        task = asyncio.create_task(self._play(session, path, speed or self.manager.settings.speed, repeat))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return session

    async def stop(self):
        """Stop all replays."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _play(self, session, path, speed, repeat):
        begun, why = time.monotonic(), ENDED
        try:
            with sf.SoundFile(path) as file:
                step = int(BLOCK * file.samplerate)
                for position in itertools.count(step, step):
                    chunk = await asyncio.to_thread(file.read, step, "float32")
                    if not len(chunk):
                        break
                    await asyncio.sleep(begun + position / file.samplerate / speed - time.monotonic())
                    await self.manager.feed(session, chunk)
        except SerError as error:
            why = str(error)
        except Exception:
            LOG.exception("The replay of %s", path.name)
            why = FAILED
        finally:
            await self.manager.close(session, why)
        if repeat and session.why == ENDED:
            await self.start(speed=speed, repeat=True)


def _truth(path):
    """The story and the customer's emotions of an embedded call, turn by turn; None, None for other recordings."""
    try:
        turns = monitor.truth(path)
        story = pd.read_csv(path.parent.parent / "calls.csv", index_col="call").story[path.stem]
    except (CorpusError, OSError, KeyError):
        return None, None
    return story, turns.loc[turns.party == "customer", ["start", "end", "emotion"]].to_dict("records")


def _info(path):
    try:
        return sf.info(path)
    except sf.LibsndfileError as error:
        raise AudioError(f"{path.name} cannot be replayed: {error}.") from error
