"""An archive of 1, 2 and 4 times as many episodes: joblib and Dask, two processes each.

One run each, after one that starts the processes and loads what they need. Windows by the linear model behind the
speech gate, and sentences with valence, arousal and dominance; copies of one embedded episode of 45 s. The cost is
proportional when "times the first" says 1, 2, 4.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pandas as pd

from benchmarks.timing import seconds
from ser_helpers import audio, models, podcast, synthesis

WORKERS, EPISODES = 2, 2


def bench():
    """Seconds, seconds of one core per hour of audio, and how many times the first line's seconds."""
    from distributed import LocalCluster

    os.environ.setdefault("TQDM_DISABLE", "1")
    show = synthesis.ensure_show("small", progress=False)
    model, dimension_model = models.window_model(), podcast.dimension_model()
    settings = {"model": model, "dimension_model": dimension_model, "progress": False, "jobs": WORKERS}
    with tempfile.TemporaryDirectory() as folder, LocalCluster(WORKERS, threads_per_worker=1, **_QUIET) as cluster:
        episodes = _copies(show, Path(folder), 4 * EPISODES)
        minutes = audio.duration(episodes[0]) / 60
        rows = []
        for name, scheduler in (("joblib", None), ("Dask", cluster.scheduler_address)):
            took = []
            for times in (1, 1, 2, 4):
                out = Path(folder) / f"{name}-{len(took)}"
                work = _work(episodes[: times * EPISODES], out, settings | {"scheduler": scheduler})
                took.append((times, seconds(work)))
            rows += [_row(name, times, spent, minutes, took[1][1]) for times, spent in took[1:]]
    return pd.DataFrame(rows, columns=["what", "seconds", "core s per hour of audio", "times the first"]).set_index(
        "what"
    )


_QUIET = {"processes": True, "dashboard_address": ":0", "silence_logs": 50}


def _work(episodes, out, settings):
    return lambda: podcast.process(episodes, out, **settings)


def _copies(show, folder, count):
    episode, transcript = (min((show / kind).iterdir()) for kind in ("episodes", "transcripts"))
    for number in range(count):
        for path in (episode, transcript):
            shutil.copy(path, folder / f"{number:03}{path.suffix}")
    return [folder / f"{number:03}{episode.suffix}" for number in range(count)]


def _row(name, times, spent, minutes, first):
    rate = spent * WORKERS / (times * EPISODES * minutes / 60)
    return f"{name}, {times * EPISODES} episodes", f"{spent:.1f}", f"{rate:.0f}", f"{spent / first:.2f}"
