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
from ser_helpers.cache import Store, cached, version
from ser_helpers.errors import AudioError, ClusterError, CorpusError
from ser_helpers.features import registry
from ser_helpers.scheduler import on_cluster

GROUP = 32  # recordings in one task of a cluster: a task costs the scheduler about a millisecond


def extract(
    table,
    kind,
    jobs=None,
    progress=True,
    cache=True,
    augment=None,
    copy=0,
    seconds=None,
    scheduler=None,
    on_disk=False,
    **parameters,
):
    """Compute one kind of feature for every utterance of a table (Lesson 02).

    Results are cached by the file's content, the part of it, the parameters and the code: a second call only reads
    them, and a call after Ctrl-C resumes where the first one stopped. Raises ValueError if there is no such kind, it
    has no such parameter, or `augment` is no augmentation; CorpusError if columns are missing or an utterance occurs
    twice in the index; WeightsMissing if the kind needs pretrained weights that are not on this machine; nothing is
    downloaded; AudioError if no recording can be used, or a parameter has an invalid value; ClusterError if no Dask
    worker answers, or one has other versions; CacheError if the file for `on_disk` cannot be written.

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
    seconds : float or None
        Length of a window: shorter clips are padded with silence at the end, as a detector does. See `cut_windows`.
    scheduler : str or None
        The address of a Dask scheduler, such as ``"tcp://10.0.0.5:8786"``, whose workers compute instead of this
        machine; they must see the recordings under the same paths. The numbers are the same; those of an encoder up to
        rounding, if a worker has other hardware.
    on_disk : bool
        For a table larger than memory: write it to a file in the cache and return rows that are read from there when
        they are used, as `models.InBatches` does. Not for sequences.
    **parameters
        Passed to the kind's function, such as ``deltas=True`` for "mfcc". An encoder gets its parameters when it is
        made.

    Returns
    -------
    DataFrame (utterances, dims) of float64, with ``names(kind)`` as columns
        Or, for the sequences "logmel" and "mfcc" and for an encoder that does not pool, a Series of (frames, dims)
        float32 arrays; with `on_disk`, a Series of read-only (dims,) float32 arrays. Each has the table's index;
        ``attrs`` contains its kind and parameters. A recording that cannot be used is named in a warning at the end and
        has NaN (or None) in its row; all other numbers are finite.

    Examples
    --------
    >>> from ser_helpers import corpora
    >>> extract(corpora.load("synthetic-small")[:2], "egemaps", jobs=1).shape
    (2, 88)
    """
    source = _source(kind, parameters)
    _check(table, augment, copy)
    if on_disk and source.columns is None:
        raise ValueError(f"{source.label!r} is a sequence, and on_disk=True stores one row of numbers per utterance.")
    if on_disk and not (cache and _is_ours(augment)):
        raise ValueError("on_disk=True keeps the table in the cache: leave cache on, and augment as this package does.")
    clips = [(row.path, _seconds(row.start), _seconds(row.end)) for row in table.itertuples()]
    contents = _contents(clips)
    keys = _keys(contents, source.made, augment, copy, seconds)
    changes = [functools.partial(_change, augment, _seed(content, copy), seconds) for content in contents]
    store = paths.cache_home() / "features" / f"{source.store}.sqlite" if cache and _is_ours(augment) else None
    fill = functools.partial(_fill, source, clips, changes, keys, store, jobs, scheduler, progress)
    if on_disk:
        values, problems = _file_of_rows(source, keys, fill)
    elif source.columns is None:
        values = np.empty(len(clips), object)
        problems = fill(values.__setitem__)
    else:
        values = np.empty((len(clips), len(source.columns)))
        problems = fill(values.__setitem__)
        values[list(problems)] = np.nan
    if problems:
        warnings.warn(_sentence(problems, len(clips)), stacklevel=2)
    if on_disk or source.columns is None:
        features = pd.Series(list(values), index=table.index, name=source.label, dtype=object)
    else:
        features = pd.DataFrame(values, index=table.index, columns=list(source.columns), copy=False)
    features.attrs = {"kind": source.label, "parameters": source.parameters}  # evaluation and models.save read it
    return features


def _fill(source, clips, changes, keys, store, jobs, scheduler, progress, put):
    """``put(row, values)`` the features of each clip, from the cache or computed; {row: why it cannot be used}."""
    problems = {}
    with Store(store) as store:
        missing = []
        for row, key in enumerate(keys):
            value = store.get(key)
            if value is None:
                missing.append(row)
            else:
                put(row, source.select(value))
        if scheduler and missing:
            results = _on_cluster(source, clips, changes, missing, scheduler)
        else:
            results = source.results(clips, changes, missing, jobs)
        done = len(clips) - len(missing)
        bar = tqdm(desc=source.label, total=len(clips), initial=done, delay=1, leave=False, disable=not progress)
        with bar, contextlib.closing(results):
            for row, value, problem in results:
                if problem:
                    problems[row] = problem
                else:
                    put(row, source.select(value))
                    store.put(keys[row], value)
                bar.update()
    if clips and len(problems) == len(clips):
        raise AudioError(_sentence(problems, len(clips)))
    return problems


def _file_of_rows(source, keys, fill):
    """The features in a file of float32, mapped into memory (utterances, dims), and the problems.

    The file's name is a hash of the keys, so a complete one is found again. One with empty rows is only for this
    process: the next call tries their recordings again.
    """
    problems, dims = {}, len(source.columns)
    name = hashlib.blake2b(repr((source.label, source.parameters, keys)).encode(), digest_size=16).hexdigest()
    path = paths.cache_home() / "features" / "tables" / f"{name}.npy"

    def make(temporary):
        header = {"descr": "<f4", "fortran_order": False, "shape": (len(keys), dims)}
        with open(temporary, "wb") as file:  # a full disk is an error here; in a memory map it would end the process
            np.lib.format.write_array_header_1_0(file, header)
            start = file.tell()

            def put(row, value):
                file.seek(start + row * 4 * dims)
                file.write(np.asarray(value, "<f4").tobytes())

            problems.update(fill(put))
            for row in problems:
                put(row, np.full(dims, np.nan))
            file.flush()
            os.fsync(file.fileno())

    values = cached(path, make, lambda path: np.asarray(np.load(path, mmap_mode="r")))
    if problems:
        with contextlib.suppress(PermissionError):  # on Windows a file that is in use stays
            path.unlink()
    return values, problems


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


def _keys(contents, made, augment, copy, seconds):
    """A cache key per clip, from its content, how it is `made`, augmentation and length; None if it is unreadable."""
    if seconds is not None:
        made += (f"padded to {seconds} s",)
    if augment is not None:
        made += (augment, copy, _augmentation_version())
    return [content and repr((*content, *made)) for content in contents]


def _seed(content, copy):
    digest = hashlib.blake2b(repr((content, copy)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


@functools.cache
def _augmentation_version():
    return version("ser_helpers.audio.augmentation", libraries=("audiomentations", "python-stretch"))


def _sentence(problems, total):
    """A sentence with the first ten of the problems, {row: sentence}."""
    lines = [problems[row] for row in sorted(problems)]
    lines = "\n".join(lines[:10] + [f"... and {len(lines) - 10} more."] * (len(lines) > 10))
    if len(problems) == total:
        return f"None of the {total} recordings can be used:\n{lines}"
    return f"{len(problems)} of {total} recordings cannot be used and have empty rows:\n{lines}"


def _samples(path, start, end, sr, change):
    return change(audio.load(path, sr, start, end), sr)


def _change(augment, seed, seconds, y, sr):
    """The samples `y`, augmented and padded to a window of some `seconds`."""
    if augment is not None:
        y = augment(y, sr, seed=seed)
    return y if seconds is None else audio.pad(y, round(seconds * sr))


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


def _on_cluster(source, clips, changes, missing, scheduler):
    """As `source.results`, from the workers of a Dask cluster; of recordings that kill them, only the bad one is lost.

    Yields (row, value, None) or (row, None, problem) for each row in `missing`.
    """
    work, lost = functools.partial(_on_worker, source, source.made), []

    def tasks(groups):
        return ((rows, [clips[row] for row in rows], [changes[row] for row in rows]) for rows in groups)

    def note(task):
        lost.extend(task[0])
        return []

    def give_up(task):
        return [(row, None, f"Cannot use {clips[row][0]}: its worker process died several times.") for row in task[0]]

    for results in on_cluster(work, tasks(source.groups(clips, missing)), scheduler, note):
        yield from results
    if lost:
        for results in on_cluster(work, tasks([row] for row in lost), scheduler, give_up):
            yield from results


def _on_worker(source, made, task):
    rows, clips, changes = task
    if source.made != made:
        raise ClusterError(
            f"A worker would compute other {source.label} features than this machine: install the same versions of the"
            " libraries and of this package on both, and the same weights."
        )
    results = source.results(clips, changes, range(len(rows)), jobs=1)
    return [(rows[number], value, problem) for number, value, problem in results]


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

    @property
    def made(self):
        """What else the numbers depend on, beside the samples."""
        return sorted(self.parameters.items()), registry.version(self.label)

    def groups(self, clips, missing):
        """The rows in `missing` as lists, the tasks of a cluster."""
        return (missing[start : start + GROUP] for start in range(0, len(missing), GROUP))

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

    @property
    def made(self):
        """As `_Kind.made`."""
        return self.embedder.version, version("ser_helpers.audio.io", libraries=("soundfile", "soxr"))

    def groups(self, clips, missing):
        """As `_Kind.groups`: each is a batch, long recordings first."""
        seconds = {row: _clip_seconds(*clips[row]) for row in missing}
        group = []
        for row in sorted(missing, key=lambda row: -seconds[row]):
            if group and (len(group) + 1) * seconds[group[0]] > self.embedder.batch_seconds:
                yield group
                group = []
            group.append(row)
        if group:
            yield group

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
