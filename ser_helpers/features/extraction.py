"""From an utterance table to a feature table on the same index: in parallel, cached, resumable.

Features from a network that takes many recordings at once: what `extract` asks of it, and how it is fed.
"""

import contextlib
import functools
import hashlib
import os
import warnings
from typing import Protocol, runtime_checkable

import joblib
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from ser_helpers import audio, cache, paths
from ser_helpers.cache import Store, version
from ser_helpers.errors import AudioError, CorpusError
from ser_helpers.features import registry


def extract(table, kind, jobs=None, progress=True, cache=True, augment=None, copy=0, **parameters):
    """Compute one kind of feature for every utterance of a table.

    What has been computed is kept, keyed by the file's content, the part of it, the parameters and the code: a second
    call only reads it, and a call after Ctrl-C goes on where the first one stopped. Under
    ``joblib.parallel_config(backend="dask")`` the same call runs on a Dask cluster.

    Parameters
    ----------
    table : DataFrame
        An utterance table; the columns used are ``path``, ``start`` and ``end``.
    kind : str or encoder
        One of `kinds()`, or an `Embedder` such as ``pretrained.Encoder("openai/whisper-base")``.
    jobs : int or None
        Processes to use; None is one per processor, 1 stays in this process. An encoder computes in this process, and
        `jobs` threads read the files.
    progress : bool
        Show a progress bar when it takes longer than a second.
    cache : bool
        Read and write the cache under ``paths.cache_home()``, except for an augmentation of your own.
    augment : audio.Augmentation or None
        Change the samples first, as ``audio.Noise()`` does. Each utterance has a seed of its own, made from its content
        and `copy`.
    copy : int
        Which of the many augmented copies: another number, another draw.
    **parameters
        Passed to the kind's function, as ``deltas=True`` for "mfcc". An encoder has its own.

    Returns
    -------
    DataFrame (utterances, dims) of float64, with ``names(kind)`` as columns
        Or, for the sequences "logmel" and "mfcc" and for an encoder that does not pool, a Series of (frames, dims)
        float32 arrays. Either has the table's index, and says in ``attrs`` its kind and parameters. A recording that
        cannot be used is named in a warning at the end and has NaN (or None) in its row; all other numbers are finite.

    Raises
    ------
    ValueError
        If there is no such kind, it takes no such parameter, or `augment` is no augmentation.
    CorpusError
        If columns are missing or an utterance occurs twice in the index.
    WeightsMissing
        If the kind needs pretrained weights that are not on this machine; nothing is downloaded unasked.
    AudioError
        If no recording can be used, or a parameter has a value that cannot be.

    Examples
    --------
    Lesson 02.

    >>> from ser_helpers import corpora
    >>> extract(corpora.load("synthetic-small")[:2], "egemaps", jobs=1).shape
    (2, 88)
    """
    source = _source(kind, parameters)
    _check(table)
    _check_augmentation(augment, copy)
    clips = [(row.path, _seconds(row.start), _seconds(row.end)) for row in table.itertuples()]
    problems = {}
    cache = cache and _is_ours(augment)
    with Store(paths.cache_home() / "features" / f"{source.store}.sqlite" if cache else None) as store:
        contents = _contents(clips)
        keys = _keys(contents, source.made, augment, copy)
        rows = [store.get(key) for key in keys]
        missing = [row for row, value in enumerate(rows) if value is None]
        done = len(rows) - len(missing)
        bar = tqdm(desc=source.label, total=len(rows), initial=done, delay=1, leave=False, disable=not progress)
        changes = [augment and functools.partial(augment, seed=_seed(content, copy)) for content in contents]
        with bar, contextlib.closing(source.results(clips, changes, missing, jobs)) as results:
            for row, value, problem in results:
                if problem:
                    problems[row] = problem
                else:
                    rows[row] = value
                    store.put(keys[row], value)
                bar.update()
    _report([problems[row] for row in sorted(problems)], len(rows))
    rows = [None if value is None else source.select(value) for value in rows]
    about = {"kind": source.label, "parameters": source.parameters}  # evaluation and models.save read it
    if source.columns is None:
        series = pd.Series(rows, index=table.index, name=source.label, dtype=object)
        series.attrs = about
        return series
    columns = list(source.columns)
    empty = np.full(len(columns), np.nan)
    values = np.array([empty if value is None else value for value in rows], dtype=np.float64)
    frame = pd.DataFrame(values.reshape(-1, len(columns)), index=table.index, columns=columns)
    frame.attrs = about
    return frame


def _source(kind, parameters):
    if isinstance(kind, str):
        return _Kind(kind, parameters)
    if not isinstance(kind, Embedder):
        raise ValueError(f"kind is one of {', '.join(registry.kinds())}, or an encoder, not {kind!r}.")
    if parameters:
        raise ValueError(f"{', '.join(parameters)}: give an encoder its parameters when you make it.")
    return Batches(kind)


class _Kind:
    """A kind of feature by name, computed recording by recording in several processes."""

    def __init__(self, kind, parameters):
        self.label, self.parameters = kind, parameters
        self.columns = None if registry.find(kind).sequence else registry.names(kind)
        registry.check_parameters(kind, parameters)
        registry.check_weights(kind)
        if parameters:  # a second of silence tells whether their values can be
            registry.compute(kind, np.zeros(registry.find(kind).sr), registry.find(kind).sr, **parameters)
        self.store = kind
        self.made = (sorted(parameters.items()), registry.version(kind))

    def results(self, clips, changes, missing, jobs):
        """Yield (row, value, None) or (row, None, problem) for each row in `missing`, in any order."""
        tasks = (
            joblib.delayed(_compute)(row, *clips[row], self.label, self.parameters, changes[row]) for row in missing
        )
        return joblib.Parallel(n_jobs=-1 if jobs is None else jobs, return_as="generator_unordered")(tasks)

    def select(self, value):
        return value


def _check(table):
    absent = [column for column in ("path", "start", "end") if column not in table]
    if absent:
        raise CorpusError(f"The table has no column {' and no column '.join(absent)}; use one made by corpora.load.")
    if not table.index.is_unique:
        twice = table.index[table.index.duplicated()][0]
        raise CorpusError(f"The utterance {twice} is in the table more than once; keep one row of it.")


def _seconds(value):
    return None if pd.isna(value) else float(value)


def _check_augmentation(augment, copy):
    if augment is not None and not isinstance(augment, audio.Augmentation):
        raise ValueError(f"augment is an augmentation such as audio.Noise(), not {augment!r}.")
    if augment is None and copy:
        raise ValueError("Without augment= there is no other copy of an utterance; leave copy out.")


def _is_ours(augment):
    if isinstance(augment, audio.Chain):
        return all(map(_is_ours, augment.parts))
    return augment is None or type(augment).__module__ == audio.Augmentation.__module__


def _contents(clips):
    """What tells a clip from others: its file's content and the part of it; None if it cannot be read."""

    @functools.cache
    def content(path):
        try:
            with open(path, "rb") as file:
                return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
        except (OSError, TypeError, ValueError):  # extraction will say what is wrong with the file or its path
            return None

    return [content(path) and (content(path), start, end) for path, start, end in clips]


def _keys(contents, made, augment, copy):
    """One text per clip that changes with its samples, how it is `made` and the augmentation; None if unreadable."""
    if augment is not None:
        made += (augment, copy, _augmentation_version())
    return [content and repr((*content, *made)) for content in contents]


def _seed(content, copy):
    digest = hashlib.blake2b(repr((content, copy)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


@functools.cache
def _augmentation_version():
    return version("ser_helpers.audio.augmentation", libraries=("audiomentations", "python-stretch"))


def _compute(row, path, start, end, kind, parameters, change):
    """In a worker: `row`, its features or None, and what was wrong or None."""
    try:
        sr = registry.find(kind).sr
        with threadpool_limits(1):
            y = audio.load(path, sr, start, end)
            value = registry.compute(kind, change(y, sr) if change else y, sr, **parameters)
    except AudioError as error:
        return row, None, str(error)
    except Exception as error:
        return row, None, f"Cannot use {path}: {type(error).__name__}: {error}."
    if not np.isfinite(value).all():
        return row, None, f"Cannot use {path}: its {kind} features are not finite."
    return row, value, None


def _report(problems, total):
    if not problems:
        return
    lines = "\n".join(problems[:10] + [f"... and {len(problems) - 10} more."] * (len(problems) > 10))
    if len(problems) == total:
        raise AudioError(f"None of the {total} recordings can be used:\n{lines}")
    warnings.warn(f"{len(problems)} of {total} recordings cannot be used and have empty rows:\n{lines}", stacklevel=3)


@runtime_checkable
class Embedder(Protocol):
    """What `extract` takes in place of the name of a kind, as ``pretrained.Encoder`` is one.

    Attributes
    ----------
    label : str
        What to call the features in titles and tables.
    parameters : dict
        What else to keep with them.
    columns : list of str, or None
        Names of the features; None for sequences, an array (frames, dims) per recording.
    sample_rate : int
        Of the samples it takes, in Hz.
    version : str
        Changes with everything its numbers depend on beside the samples: weights, parameters, code.
    batch_seconds : float
        How much audio to give to `compute` at once.

    Notes
    -----
    Lesson 08.
    """

    label: str
    parameters: dict
    columns: list | None
    sample_rate: int
    version: str
    batch_seconds: float

    def compute(self, waveforms):
        """What to keep of each of the recordings (list of arrays of samples): a list of arrays."""

    def select(self, kept):
        """The features of a recording, (dims,) or (frames, dims), in what `compute` gave for it."""


class Batches:
    """An `Embedder` as `extract` uses it: recordings of like length are read ahead and computed together."""

    def __init__(self, embedder):
        self.embedder = embedder
        self.label, self.parameters, self.columns = embedder.label, embedder.parameters, embedder.columns
        self.select = embedder.select
        self.store = "embeddings"
        self.made = (embedder.version, cache.version("ser_helpers.audio.io", libraries=("soundfile", "soxr")))

    def results(self, clips, changes, missing, jobs):
        """Yield (row, what to keep, None) or (row, None, problem) for each row in `missing`, long recordings first.

        `clips` are (path, start, end), `changes` augmentations or None, both by row. When a batch fails, its recordings
        are tried one by one, so that only the one at fault is lost.
        """
        order = sorted(missing, key=lambda row: -_clip_seconds(*clips[row]))
        sr = self.embedder.sample_rate
        tasks = (joblib.delayed(_read)(row, *clips[row], sr, changes[row]) for row in order)
        loaded = joblib.Parallel(
            n_jobs=jobs or max(1, os.cpu_count() // 2), backend="threading", return_as="generator"
        )(tasks)
        with contextlib.closing(loaded):
            batch = {}
            for row, y, problem in loaded:
                if problem:
                    yield row, None, problem
                    continue
                longest = max(len(y), *map(len, batch.values())) if batch else 0
                if batch and (len(batch) + 1) * longest > self.embedder.batch_seconds * sr:
                    yield from self._computed(batch, clips)
                    batch = {}
                batch[row] = y
            if batch:
                yield from self._computed(batch, clips)

    def _computed(self, batch, clips):
        try:
            results = self.embedder.compute(list(batch.values()))
        except Exception as error:
            if len(batch) > 1:
                for row, y in batch.items():
                    yield from self._computed({row: y}, clips)
            else:
                (row,) = batch
                yield row, None, f"Cannot use {clips[row][0]}: {_sentence(error)}"
            return
        for row, kept in zip(batch, results, strict=True):
            if np.isfinite(kept).all():
                yield row, kept, None
            else:
                yield row, None, f"Cannot use {clips[row][0]}: its {self.label} features are not finite."


def _clip_seconds(path, start, end):
    try:
        return (audio.duration(path) if end is None else end) - (start or 0.0)
    except (AudioError, TypeError, ValueError):  # reading will say what is wrong with it
        return 0.0


def _read(row, path, start, end, sr, change):
    """`row`, its samples or None, and what was wrong or None."""
    try:
        y = audio.load(path, sr, start, end)
        return row, change(y, sr) if change else y, None
    except AudioError as error:
        return row, None, str(error)
    except Exception as error:
        return row, None, f"Cannot use {path}: {type(error).__name__}: {error}."


def _sentence(error):
    text = str(error).partition("\n")[0].rstrip(".")
    return f"{text}." if isinstance(error, AudioError) else f"{type(error).__name__}: {text}."
