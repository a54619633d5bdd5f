"""A whole archive: one task per episode, on one machine or on a Dask cluster, resumed where it stopped.

What a result was made from, as fingerprints: another model or another file has another one.
"""

import functools
import hashlib
import math
import os
import pickle
import threading
from pathlib import Path
from typing import NamedTuple

import joblib
import pandas as pd
from joblib.externals.loky.process_executor import TerminatedWorkerError
from threadpoolctl import threadpool_limits
from tqdm import tqdm

import ser_helpers
from ser_helpers import models, paths, podcast
from ser_helpers.errors import ArchiveError, SerError
from ser_helpers.podcast import transcripts
from ser_helpers.podcast.analysis import analyse_episode
from ser_helpers.podcast.episode import Episode

PATIENCE = 30
"""Seconds to wait for a scheduler, and for its first worker."""

LONGEST_NAME = 200
"""Bytes: file systems take 255, and some are needed for what is written beside."""

_ONE_PER_PROCESS = threading.Lock()  # a worker with several threads hears one episode at a time


class Outcome(NamedTuple):
    """What became of one episode: "done", "kept" (finished by an earlier or another run) or "failed".

    `reason` says why it failed, or what of it could not be read.
    """

    episode: str
    state: str
    minutes: float = math.nan
    reason: str = ""
    path: str = ""


class Task(NamedTuple):
    """One episode to hear."""

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
    scheduler=None,
    jobs=2,
    progress=True,
    **settings,
):
    """Hear every episode and keep what was heard in the folder `out`; the same numbers, bit for bit, wherever it runs.

    Each finished episode is written at once and as a whole to ``out/episodes``, so a run that was stopped goes on where
    it stopped, and two runs on the same folder share the work. An episode is heard again when it, its transcript or a
    model has changed. A broken episode is reported, and the rest is done; so is one whose worker process died with it.

    Parameters
    ----------
    episodes : list of str or Path
        Recordings; no two may have the same name, which is that of the file without its ending.
    out : str or Path
        The folder; a cluster's workers must see it and the episodes under the same names.
    model, dimension_model : object or None
        For :func:`ser_helpers.podcast.analyse_episode`; by default ``models.window_model()`` and
        ``podcast.dimension_model()``.
    laughter : object or None
        A ``LaughterDetector``; None looks for no laughter.
    transcript : str, Path or None
        The folder of transcripts with the names of the episodes, or the transcript of a single episode; by default they
        are looked for beside the episodes, and in a folder ``transcripts`` there or one level up.
    scheduler : str or None
        The address of a Dask scheduler, such as ``"tcp://10.0.0.5:8786"``; None uses processes of this machine.
    jobs : int
        How many processes of this machine; 1 stays in this one.
    progress : bool
        Show a progress bar.
    **settings
        For :func:`ser_helpers.podcast.emotions_over_time`.

    Returns
    -------
    DataFrame
        In the order of `episodes`, on their names: ``state`` ("done", "kept" or "failed"), ``minutes``, ``reason``
        (why it failed, or what of it could not be read), ``path``.

    Raises
    ------
    ArchiveError
        If there is no episode, two have the same name, or no Dask worker answers.
    OSError
        If `out` cannot be written to, or its disk is full; what is finished stays.

    Examples
    --------
    Lesson 11.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as out:
    ...     process(["lost.mp3"], out, jobs=1, progress=False).reason["lost"]
    'Cannot use ...lost.mp3: there is no such file; check the path.'
    """
    tasks = _tasks(episodes, Path(out), transcript)
    if jobs == 0:
        raise ArchiveError("jobs is how many processes work: at least 1, not 0.")
    _check_writable(Path(out) / "episodes")
    tools = {"model": model or models.window_model(), "laughter": laughter, **settings}
    tools["dimension_model"] = dimension_model or podcast.dimension_model()
    hear = functools.partial(_hear, tools=tools, made_by=version(tools))
    if scheduler:
        outcomes = _on_cluster(hear, tasks, scheduler)
    elif jobs == 1:
        outcomes = map(hear, tasks)
    else:
        outcomes = _on_machine(hear, tasks, jobs)
    bar = tqdm(outcomes, "episodes", len(tasks), disable=None if progress else True, delay=1)
    found = {outcome.episode: outcome for outcome in bar}
    rows = [found[task.episode]._replace(path=task.path) for task in tasks]
    return pd.DataFrame(rows, columns=Outcome._fields).set_index("episode")


def estimate_cost(hours, seconds_per_hour, cores=16, price=0.7, days=7):
    """What an archive costs: core hours, machines and money.

    Parameters
    ----------
    hours : float
        Hours of audio.
    seconds_per_hour : float
        Seconds that one core works on an hour of audio, as measured.
    cores : int
        Cores of one machine.
    price : float
        Of one machine for one hour, in your currency.
    days : float
        When it must be ready.

    Returns
    -------
    Series
        ``core hours``, ``machine hours``, ``machines`` and ``price``.

    Examples
    --------
    Lesson 11. An hour takes a core 36 s:

    >>> estimate_cost(100_000, 36).to_dict()
    {'core hours': 1000.0, 'machine hours': 62.5, 'machines': 1.0, 'price': 43.75}
    """
    core_hours = hours * seconds_per_hour / 3600
    machine_hours = core_hours / cores
    machines = math.ceil(machine_hours / (24 * days))
    return pd.Series(
        {
            "core hours": core_hours,
            "machine hours": machine_hours,
            "machines": float(machines),
            "price": machine_hours * price,
        }
    )


def _tasks(episodes, out, transcript):
    if isinstance(episodes, str | Path):
        raise ArchiveError(f"Episodes are a list of paths: put {episodes} into one.")
    paths = [Path(path).resolve() for path in episodes]
    if not paths:
        raise ArchiveError("There is no episode to hear: give the paths of recordings.")
    names = [path.stem for path in paths]
    for name in names:
        if (
            name.startswith(".")
            or len(os.fsencode(name)) > LONGEST_NAME
            or name != name.encode(errors="ignore").decode()
        ):
            problem = f"a name is text of at most {LONGEST_NAME} bytes that begins without a dot"
            raise ArchiveError(f"An episode cannot be called {name!r}: {problem}; rename it.")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ArchiveError(f"Two episodes are called {twice[0]}: rename one, because results are kept by this name.")
    if transcript is not None and Path(transcript).is_file() and len(paths) == 1:
        told = [Path(transcript)]
    elif transcript is not None and not Path(transcript).is_dir():
        kind, wanted = ("file or folder", "the transcript, or ") if len(paths) == 1 else ("folder", "")
        raise ArchiveError(f"There is no {kind} {transcript}: give {wanted}the folder that holds the transcripts.")
    else:
        told = [transcripts.find(path, transcript) for path in paths]
    return [
        Task(path.stem, str(path), str(text.resolve()) if text else None, str(out.resolve()))
        for path, text in zip(paths, told, strict=True)
    ]


def _check_writable(folder):
    """Raise OSError now, not after the first hour of work."""
    with paths.atomic_file(folder / ".writable") as aside:
        aside.touch()
    (folder / ".writable").unlink(missing_ok=True)


def _hear(task, tools, made_by):
    """Hear one episode, unless it is done, and keep what was heard; runs in a worker."""
    folder = Path(task.out, "episodes", task.episode)
    with _ONE_PER_PROCESS, paths.lock(Path(task.out, ".locks", task.episode)), threadpool_limits(1):
        try:
            made = [made_by, content(task.path), content(task.transcript)]
            kept = _kept(folder, made)
            if kept:
                return Outcome(task.episode, "kept", kept.seconds / 60, " ".join(kept.lost))
            episode = analyse_episode(task.path, transcript=task.transcript, name=task.episode, **tools)
        except SerError as error:
            return Outcome(task.episode, "failed", reason=str(error))
        except Exception as error:  # whatever one episode leads to, the others are done
            return Outcome(task.episode, "failed", reason=f"{type(error).__name__}: {error}")
        episode.made = made
        episode.save(folder)
    return Outcome(task.episode, "done", episode.seconds / 60, " ".join(episode.lost))


def _kept(folder, made):
    """The finished episode in `folder`, if it is whole and was made from the same things."""
    try:
        episode = Episode.load(folder)
    except ArchiveError:
        return None
    return episode if episode.made == made and None not in made[:2] else None


def _on_machine(hear, tasks, jobs):
    """Outcomes as they come from processes of this machine."""
    waiting = {task.episode: task for task in tasks}
    try:
        for outcome in joblib.Parallel(jobs, return_as="generator_unordered")(map(joblib.delayed(hear), tasks)):
            del waiting[outcome.episode]
            yield outcome
    except TerminatedWorkerError:  # nobody knows which episode it was: the rest is heard one at a time
        for task in waiting.values():
            try:
                yield from joblib.Parallel(2)([joblib.delayed(hear)(task)])
            except TerminatedWorkerError:
                yield _died(task)


def _on_cluster(hear, tasks, scheduler):
    """Outcomes as they come from a Dask cluster, which hands the work of a lost worker to another one."""
    from distributed import Client, KilledWorker, as_completed

    try:
        client = Client(scheduler, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise ArchiveError(
            f"No Dask scheduler answers at {scheduler}: start one with `dask scheduler` ({error})."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise ArchiveError(
                f"The Dask scheduler at {scheduler} has no worker: start some with `dask worker {scheduler}`."
            ) from None
        futures = {client.submit(hear, task, pure=False): task for task in tasks}
        for future in as_completed(futures):
            try:
                yield future.result()
            except KilledWorker:
                yield _died(futures[future])


def _died(task):
    reason = "its worker process died again and again: it may need more memory, or the file crashes its decoder"
    return Outcome(task.episode, "failed", reason=f"{reason}.")


def version(tools):
    """A fingerprint of what hears: the settings and what was fitted, without what is only kept at hand."""
    described = {
        name: (
            type(tool).__qualname__,
            {key: _told(value) for key, value in vars(tool).items() if not _at_hand(tool, key)},
        )
        if hasattr(tool, "__dict__")
        else tool
        for name, tool in tools.items()
    }
    try:
        return joblib.hash((ser_helpers.__version__, described))
    except pickle.PicklingError as error:
        reason = str(error.args[0] if error.args else error)
        raise ArchiveError(
            f"A model cannot be told from another one ({reason}): define its functions in a module."
        ) from error


def _told(value):
    return content(value) if isinstance(value, Path) else value


def _at_hand(tool, key):
    return isinstance(getattr(type(tool), key, None), functools.cached_property)


def content(path):
    """A fingerprint of a file; one that cannot be read is named when it is heard."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()[:32]
    except (OSError, TypeError):
        return None
