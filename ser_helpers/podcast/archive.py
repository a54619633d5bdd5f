"""A whole archive: one task per episode, on one machine or on a Dask cluster, resumed where it stopped."""

import functools
import math
import os
import threading
from pathlib import Path
from typing import NamedTuple

import joblib
import pandas as pd
from joblib.externals.loky.process_executor import TerminatedWorkerError
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from ser_helpers import audio, models, paths, podcast
from ser_helpers.cache import content_hash, hash_of
from ser_helpers.errors import ArchiveError, SerError
from ser_helpers.podcast import transcripts
from ser_helpers.podcast.analysis import analyse_episode
from ser_helpers.podcast.episode import Episode
from ser_helpers.scheduler import on_cluster, processes
from ser_helpers.streaming.predictions import as_dimension_model, as_window_model

LONGEST_NAME = 200
"""Bytes: file systems allow 255, and temporary names are longer."""

_ONE_PER_PROCESS = threading.Lock()  # a Dask worker may have several threads


class Outcome(NamedTuple):
    """The state of one episode, a row of what `process` returns."""

    episode: str
    state: str
    minutes: float = math.nan
    reason: str = ""
    path: str = ""


class Task(NamedTuple):
    """One episode to analyse."""

    episode: str
    path: str
    transcript: str | None
    out: str


def process(
    episodes,
    out,
    model=None,
    dimension_model=None,
    laughter=None,
    transcript=None,
    recogniser=None,
    scheduler=None,
    jobs=2,
    progress=True,
    dimensions=None,
    **settings,
):
    """Analyse many episodes and write the results to the folder `out`; the same bytes wherever it runs. Lesson 11.

    Each finished episode is written as a whole to ``out/episodes``, so a run that was stopped goes on where it stopped,
    and two runs on the same folder share the work. An episode is analysed again when it, its transcript, a model or a
    setting has changed. A broken episode is reported, and so is one whose worker process dies; the others are done.
    Raises ArchiveError if there is no episode, or two have the same name; ClusterError if no Dask worker answers;
    OSError if `out` cannot be written to, or its disk is full; finished episodes stay.

    Parameters
    ----------
    episodes : list of str or Path
        Recordings; no two may have the same name, which is that of the file without its ending.
    out : str or Path
        The folder; the workers of a cluster must see it and the episodes under the same paths.
    model, dimension_model, laughter : object or None
        For :func:`ser_helpers.podcast.analyse_episode`; the first two are by default ``models.window_model("best")``
        and, where there are words, ``podcast.dimension_model()``. `model` may be the path of a model file.
    transcript : str, Path or None
        The folder of transcripts with the names of the episodes, or the transcript of a single episode; by default they
        are looked for beside the episodes, and in a folder ``transcripts`` there or one level up.
    recogniser : pretrained.Recogniser or None
        Recognises the words of episodes without a transcript; None leaves them without sentences.
    scheduler : str or None
        The address of a Dask scheduler, such as ``"tcp://10.0.0.5:8786"``; None uses processes of this machine.
    jobs : int
        Number of processes on this machine; 1 works in this one.
    dimensions : object, str or None
        A model of valence and arousal of the windows, as for a detector, or what ``models.window_dimensions`` takes,
        such as "linear"; by default there is none.
    **settings
        For :func:`ser_helpers.podcast.emotions_over_time`.

    Returns
    -------
    DataFrame
        In the order of `episodes`, indexed by their names: ``state`` ("done", "cached" or "failed"), ``minutes``,
        ``reason`` (why it failed, or what of it could not be read), ``path``.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as out:
    ...     process(["lost.mp3"], out, jobs=1, progress=False).reason["lost"]
    'Cannot use ...lost.mp3: there is no such file; check the path.'
    """
    tasks = _tasks(episodes, Path(out), transcript)
    paths.check_writable(Path(out) / "episodes")
    if model is None or isinstance(model, str | Path):
        model = models.window_model(model or "best")
    as_window_model(model, classifier=True)  # refuses what cannot work, before the first episode
    has_words = recogniser or any(task.transcript for task in tasks)
    if dimension_model is None and has_words:  # else there is no sentence to rate
        dimension_model = podcast.dimension_model()
    tools = {"model": model, "dimension_model": dimension_model, "laughter": laughter, "recogniser": recogniser}
    if dimensions is not None:
        known = models.window_dimensions(dimensions) if isinstance(dimensions, str | Path) else dimensions
        tools["dimensions"] = as_dimension_model(known)
    work = functools.partial(_analyse, tools=tools, settings=settings, tools_hash=hash_of(tools, settings))
    if scheduler:
        outcomes = on_cluster(work, tasks, scheduler, _died)
    elif jobs == 1:
        outcomes = map(work, tasks)
    else:
        outcomes = _on_machine(work, tasks, jobs)
    bar = tqdm(outcomes, "episodes", len(tasks), disable=None if progress else True, delay=1)
    by_name = {outcome.episode: outcome for outcome in bar}
    rows = [by_name[task.episode]._replace(path=task.path) for task in tasks]
    return pd.DataFrame(rows, columns=Outcome._fields).set_index("episode")


def estimate_cost(hours, seconds_per_hour, cores=16, price=0.7, days=7):
    """What the analysis of an archive costs: core hours, machines and money.

    `hours` of audio take one core `seconds_per_hour` each, as measured; a machine has so many `cores` and costs `price`
    an hour; the result must be ready in `days`. Lesson 11. If an hour takes a core 36 s:

    >>> estimate_cost(100_000, 36).to_dict()
    {'core hours': 1000.0, 'machine hours': 62.5, 'machines': 1.0, 'price': 43.75}
    """
    core_hours = hours * seconds_per_hour / 3600
    machine_hours = core_hours / cores
    machines = float(math.ceil(machine_hours / (24 * days)))
    costs = {"core hours": core_hours, "machine hours": machine_hours, "machines": machines}
    return pd.Series(costs | {"price": machine_hours * price})


def _tasks(episodes, out, transcript):
    if isinstance(episodes, str | Path):
        raise ArchiveError(f"Episodes are a list of paths: put {episodes} into one.")
    recordings = [Path(path).resolve() for path in episodes]
    if not recordings:
        raise ArchiveError("There is no episode to analyse: give the paths of recordings.")
    names = [path.stem for path in recordings]
    for name in names:
        plain = name == name.encode(errors="ignore").decode()  # the name of a file need not be valid text
        if name.startswith(".") or len(os.fsencode(name)) > LONGEST_NAME or not plain:
            problem = f"a name is text of at most {LONGEST_NAME} bytes that does not begin with a dot"
            raise ArchiveError(f"An episode cannot be called {name!r}: {problem}; rename it.")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ArchiveError(f"Two episodes are called {twice[0]}: rename one, because results are stored by this name.")
    if transcript is not None and Path(transcript).is_file() and len(recordings) == 1:
        texts = [Path(transcript)]
    elif transcript is not None and not Path(transcript).is_dir():
        kind, wanted = ("file or folder", "the transcript, or ") if len(recordings) == 1 else ("folder", "")
        raise ArchiveError(f"There is no {kind} {transcript}: give {wanted}the folder that contains the transcripts.")
    else:
        texts = [transcripts.find(path, transcript) for path in recordings]
    return [
        Task(path.stem, str(path), str(text.resolve()) if text else None, str(out.resolve()))
        for path, text in zip(recordings, texts, strict=True)
    ]


def _analyse(task, tools, settings, tools_hash):
    """Analyse one episode and store the result, unless it is there; runs in a worker.

    The lock makes two runs share the work; one thread per library keeps the numbers the same on any number of cores.
    """
    folder = Path(task.out, "episodes", task.episode)
    with _ONE_PER_PROCESS, paths.lock(Path(task.out, ".locks", task.episode)), threadpool_limits(1):
        paths.sweep(folder)
        try:
            audio.check_file(task.path, header=False)
            hashes = [tools_hash, content_hash(task.path), content_hash(task.transcript)]
            finished = _finished(folder, hashes)
            if finished:
                return Outcome(task.episode, "cached", finished.seconds / 60, " ".join(finished.problems))
            tools = {**tools, "transcript": task.transcript, "name": task.episode}
            episode = analyse_episode(task.path, decode=audio.guarded_blocks, **tools, **settings)
        except SerError as error:
            return Outcome(task.episode, "failed", reason=str(error))
        except Exception as error:  # one episode must not stop the others
            return Outcome(task.episode, "failed", reason=f"{type(error).__name__}: {error}")
        episode.hashes, episode.recording = hashes, paths.relative(task.path, task.out)
        episode.save(folder)
    return Outcome(task.episode, "done", episode.seconds / 60, " ".join(episode.problems))


def _finished(folder, hashes):
    """The finished episode in `folder`, if it is complete and was made from the same models and files."""
    try:
        episode = Episode.load(folder)
    except ArchiveError:
        return None
    return episode if episode.hashes == hashes and hashes[1] is not None else None


def _on_machine(work, tasks, jobs):
    """Outcomes as they come from processes of this machine."""
    waiting = {task.episode: task for task in tasks}
    try:
        for outcome in processes(jobs, return_as="generator_unordered")(map(joblib.delayed(work), tasks)):
            del waiting[outcome.episode]
            yield outcome
    except TerminatedWorkerError:  # it does not say for which episode: the rest is analysed one at a time
        for task in waiting.values():
            try:
                yield from processes(2)([joblib.delayed(work)(task)])
            except TerminatedWorkerError:
                yield _died(task)


def _died(task):
    reason = "its worker process died several times: it may need more memory, or the file crashes its decoder"
    return Outcome(task.episode, "failed", reason=f"{reason}.")
