"""From an utterance table to a feature table on the same index: in parallel, cached, resumable."""

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

from ser_helpers import audio, paths
from ser_helpers.cache import Store, version
from ser_helpers.errors import AudioError, CorpusError
from ser_helpers.features import registry


def extract(table, kind, jobs=None, progress=True, cache=True, augment=None, copy=0, **parameters):
    """Compute one kind of feature for every utterance of a table (Lesson 02).

    Results are cached by the file's content, the part of it, the parameters and the code: a second call only reads
    them, and a call after Ctrl-C resumes where the first one stopped. Under ``joblib.parallel_config(backend="dask")``
    the same call runs on a Dask cluster. Raises ValueError if there is no such kind, it has no such parameter, or
    `augment` is no augmentation; CorpusError if columns are missing or an utterance occurs twice in the index;
    WeightsMissing if the kind needs pretrained weights that are not on this machine; nothing is downloaded; AudioError
    if no recording can be used, or a parameter has an invalid value.

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
        Show a progress bar if it takes longer than a second.
    cache : bool
        Read and write the cache under ``paths.cache_home()``. Augmentations defined outside this package are never
        cached: their code may change.
    augment : audio.Augmentation or None
        Change the samples first, as ``audio.Noise()`` does. Each utterance has its own seed, made from its content and
        `copy`.
    copy : int
        Number of the augmented copy: each is a different draw.
    **parameters
        Passed to the kind's function, such as ``deltas=True`` for "mfcc". An encoder gets its parameters when it is
        made.

    Returns
    -------
    DataFrame (utterances, dims) of float64, with ``names(kind)`` as columns
        Or, for the sequences "logmel" and "mfcc" and for an encoder that does not pool, a Series of (frames, dims)
        float32 arrays. Either has the table's index; ``attrs`` contains its kind and parameters. A recording that
        cannot be used is named in a warning at the end and has NaN (or None) in its row; all other numbers are finite.

    Examples
    --------
    >>> from ser_helpers import corpora
    >>> extract(corpora.load("synthetic-small")[:2], "egemaps", jobs=1).shape
    (2, 88)
    """
    source = _source(kind, parameters)
    _check(table, augment, copy)
    clips = [(row.path, _seconds(row.start), _seconds(row.end)) for row in table.itertuples()]
    contents = _contents(clips)
    keys = _keys(contents, source.made, augment, copy)
    changes = [augment and functools.partial(augment, seed=_seed(content, copy)) for content in contents]
    problems = {}
    path = paths.cache_home() / "features" / f"{source.store}.sqlite"
    with Store(path if cache and _is_ours(augment) else None) as store:
        rows = [store.get(key) for key in keys]
        missing = [row for row, value in enumerate(rows) if value is None]
        done = len(rows) - len(missing)
        bar = tqdm(desc=source.label, total=len(rows), initial=done, delay=1, leave=False, disable=not progress)
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
    if source.columns is None:
        features = pd.Series(rows, index=table.index, name=source.label, dtype=object)
    else:
        empty = np.full(len(source.columns), np.nan)
        values = np.array([empty if value is None else value for value in rows], dtype=np.float64)
        values = values.reshape(-1, len(source.columns))  # an empty table, too, has columns
        features = pd.DataFrame(values, index=table.index, columns=list(source.columns))
    features.attrs = {"kind": source.label, "parameters": source.parameters}  # evaluation and models.save read it
    return features


def _source(kind, parameters):
    if isinstance(kind, str):
        return _Kind(kind, parameters)
    if not isinstance(kind, Embedder):
        raise ValueError(f"kind is one of {', '.join(registry.kinds())}, or an encoder, not {kind!r}.")
    if parameters:
        raise ValueError(f"{', '.join(parameters)}: give an encoder its parameters when you make it.")
    return _Batches(kind)


def _check(table, augment, copy):
    absent = [column for column in ("path", "start", "end") if column not in table]
    if absent:
        raise CorpusError(f"The table has no column {' and no column '.join(absent)}; use one made by corpora.load.")
    if not table.index.is_unique:
        duplicate = table.index[table.index.duplicated()][0]
        raise CorpusError(f"The utterance {duplicate} is in the table more than once; keep one row of it.")
    if augment is not None and not isinstance(augment, audio.Augmentation):
        raise ValueError(f"augment is an augmentation such as audio.Noise(), not {augment!r}.")
    if augment is None and copy:
        raise ValueError("Without augment= all copies of an utterance are the same; leave copy out.")


def _seconds(value):
    return None if pd.isna(value) else float(value)


def _is_ours(augment):
    if isinstance(augment, audio.Chain):
        return all(map(_is_ours, augment.parts))
    return augment is None or type(augment).__module__ == audio.Augmentation.__module__


def _contents(clips):
    """Per clip, the hash of its file and the part of it: equal for equal samples; None if the file cannot be read."""

    @functools.cache
    def content(path):
        try:
            with open(path, "rb") as file:
                return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
        except (OSError, TypeError, ValueError):  # reading the samples will report the problem
            return None

    return [content(path) and (content(path), start, end) for path, start, end in clips]


def _keys(contents, made, augment, copy):
    """A cache key per clip, from its content, how it is `made` and the augmentation; None if it is unreadable."""
    if augment is not None:
        made += (augment, copy, _augmentation_version())
    return [content and repr((*content, *made)) for content in contents]


def _seed(content, copy):
    digest = hashlib.blake2b(repr((content, copy)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


@functools.cache
def _augmentation_version():
    return version("ser_helpers.audio.augmentation", libraries=("audiomentations", "python-stretch"))


def _report(problems, total):
    if not problems:
        return
    lines = "\n".join(problems[:10] + [f"... and {len(problems) - 10} more."] * (len(problems) > 10))
    if len(problems) == total:
        raise AudioError(f"None of the {total} recordings can be used:\n{lines}")
    warnings.warn(f"{len(problems)} of {total} recordings cannot be used and have empty rows:\n{lines}", stacklevel=3)


def _samples(path, start, end, sr, change):
    y = audio.load(path, sr, start, end)
    return change(y, sr) if change else y


def _attempt(row, path, name, function, *arguments):
    """`(row, value, None)`, or `(row, None, problem)`: one bad recording does not end the extraction."""
    try:
        value = function(*arguments)
    except AudioError as error:
        return row, None, str(error)
    except Exception as error:
        return row, None, f"Cannot use {path}: {type(error).__name__}: {error}."
    if not np.isfinite(value).all():
        return row, None, f"Cannot use {path}: its {name} are not finite."
    return row, value, None


class _Kind:
    """A kind of feature by name, computed recording by recording in several processes."""

    def __init__(self, kind, parameters):
        self.label, self.parameters = kind, parameters
        self.columns = None if registry.find(kind).sequence else registry.names(kind)
        registry.check_parameters(kind, parameters)
        registry.check_weights(kind)
        if parameters:  # a second of silence shows whether their values are valid
            registry.compute(kind, np.zeros(registry.find(kind).sr), registry.find(kind).sr, **parameters)
        self.store = kind
        self.made = (sorted(parameters.items()), registry.version(kind))

    def results(self, clips, changes, missing, jobs):
        """Yield (row, value, None) or (row, None, problem) for each row in `missing`, in any order."""
        tasks = (
            joblib.delayed(_attempt)(
                row,
                clips[row][0],
                f"{self.label} features",
                _compute,
                clips[row],
                changes[row],
                self.label,
                self.parameters,
            )
            for row in missing
        )
        return joblib.Parallel(n_jobs=-1 if jobs is None else jobs, return_as="generator_unordered")(tasks)

    def select(self, value):
        return value


def _compute(clip, change, kind, parameters):
    sr = registry.find(kind).sr
    with threadpool_limits(1):
        return registry.compute(kind, _samples(*clip, sr, change), sr, **parameters)


@runtime_checkable
class Embedder(Protocol):
    """A network that `extract` accepts in place of the name of a kind, as ``pretrained.Encoder`` is one (Lesson 08).

    Attributes
    ----------
    label : str
        Name of the features in titles and tables.
    parameters : dict
        What else to store with them.
    columns : list of str, or None
        Names of the features; None for sequences, an array (frames, dims) per recording.
    sample_rate : int
        Of the samples it takes, in Hz.
    version : str
        Changes with everything its numbers depend on beside the samples: weights, parameters, code.
    batch_seconds : float
        How much audio to give to `compute` at once.
    """

    label: str
    parameters: dict
    columns: list | None
    sample_rate: int
    version: str
    batch_seconds: float

    def compute(self, waveforms):
        """What to cache of each recording (a list of arrays), from a list of arrays of samples."""

    def select(self, cached):
        """The features of a recording, (dims,) or (frames, dims), from what `compute` returned for it."""


class _Batches:
    """An `Embedder`, run on batches of recordings of similar length, which threads read ahead."""

    def __init__(self, embedder):
        self.embedder = embedder
        self.label, self.parameters, self.columns = embedder.label, embedder.parameters, embedder.columns
        self.select = embedder.select
        self.store = "embeddings"
        self.made = (embedder.version, version("ser_helpers.audio.io", libraries=("soundfile", "soxr")))

    def results(self, clips, changes, missing, jobs):
        """As `_Kind.results`, long recordings first: if memory does not suffice, the first batch shows it."""
        sr, longest_first = self.embedder.sample_rate, sorted(missing, key=lambda row: -_clip_seconds(*clips[row]))
        tasks = (
            joblib.delayed(_attempt)(row, clips[row][0], "samples", _samples, *clips[row], sr, changes[row])
            for row in longest_first
        )
        threads = jobs or max(1, os.cpu_count() // 2)
        with contextlib.closing(joblib.Parallel(threads, backend="threading", return_as="generator")(tasks)) as loaded:
            batch = {}
            for row, y, problem in loaded:
                if problem:
                    yield row, None, problem
                    continue
                longest = max(map(len, [y, *batch.values()]))  # a batch is padded to its longest recording
                if batch and (len(batch) + 1) * longest > self.embedder.batch_seconds * sr:
                    yield from self._computed(batch, clips)
                    batch = {}
                batch[row] = y
            if batch:
                yield from self._computed(batch, clips)

    def _computed(self, batch, clips):
        """The results of a batch; if it fails, its recordings are tried one by one: only the bad one is lost."""
        try:
            values = self.embedder.compute(list(batch.values()))
        except Exception as error:
            if len(batch) > 1:
                for row, y in batch.items():
                    yield from self._computed({row: y}, clips)
            else:
                (row,) = batch
                reason = str(error).partition("\n")[0].rstrip(".")
                reason = reason if isinstance(error, AudioError) else f"{type(error).__name__}: {reason}"
                yield row, None, f"Cannot use {clips[row][0]}: {reason}."
            return
        for row, value in zip(batch, values, strict=True):
            yield _attempt(row, clips[row][0], f"{self.label} features", lambda value=value: value)


def _clip_seconds(path, start, end):
    try:
        return (audio.duration(path) if end is None else end) - (start or 0.0)
    except (AudioError, TypeError, ValueError):  # reading the samples will report the problem
        return 0.0
