"""Embedded calls, replayed to the switchboard as if they came in now."""

import asyncio
import itertools
import time

import pandas as pd
import soundfile as sf

from ser_helpers.call_centre import monitor
from ser_helpers.errors import AudioError, CorpusError, SerError
from ser_helpers.service.sessions import FAILED, LOG

BLOCK = 0.25
"""Seconds of audio that are sent at once."""


class Player:
    """Replays calls from wav files, each as a task of its own; embedded ones with their story and truth. Lesson 13."""

    def __init__(self, board, paths):
        self.board = board
        self.paths = {path.stem: path for path in paths}
        self.next = itertools.cycle(self.paths)
        self.tasks = set()

    async def start(self, name=None, speed=None, again=False):
        """Begin to replay a call (the next one by default); its session. `again` plays others after it, for ever."""
        name = name or next(self.next, None)
        if name not in self.paths:
            raise KeyError(name)
        path = self.paths[name]
        info = await asyncio.to_thread(_info, path)
        parties = ["agent", "customer"][-info.channels :]
        story, truth = await asyncio.to_thread(_known, path)
        shown = name.replace("_", " ").capitalize() + (f" · {story}, synthetic" if story else "")
        session = await self.board.open(shown, "replay", info.samplerate, parties, truth=truth)
        task = asyncio.create_task(self._play(session, path, speed or self.board.settings.speed, again))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return session

    async def stop(self):
        """Stop all replays."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _play(self, session, path, speed, again):
        begun, why = time.monotonic(), "The recording ended."
        try:
            with sf.SoundFile(path) as file:
                step = int(BLOCK * file.samplerate)
                for heard in itertools.count(step, step):
                    chunk = await asyncio.to_thread(file.read, step, "float32")
                    if not len(chunk):
                        break
                    await asyncio.sleep(begun + heard / file.samplerate / speed - time.monotonic())
                    await self.board.feed(session, chunk)
        except SerError as error:
            why = str(error)
        except Exception:
            LOG.exception("The replay of %s", path.name)
            why = FAILED
        finally:
            await self.board.close(session, why)
        if again and session.why == "The recording ended.":
            await self.start(speed=speed, again=True)


def _known(path):
    """The story of an embedded call and what its customer feels, turn by turn; of any other recording None, None."""
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
