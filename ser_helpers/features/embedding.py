"""Features from a network that takes many recordings at once: what `extract` asks of it, and how it is fed."""

import contextlib
import os
from typing import Protocol, runtime_checkable

import joblib
import numpy as np

from ser_helpers import audio, cache
from ser_helpers.errors import AudioError


@runtime_checkable
class Embedder(Protocol):
    """What `extract` takes in place of the name of a kind, as ``models.Encoder`` is one.

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
        order = sorted(missing, key=lambda row: -_seconds(*clips[row]))
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


def _seconds(path, start, end):
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
