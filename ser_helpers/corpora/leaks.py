"""What crosses from training to test: speakers, sentences, and recordings that are the same under two names."""

import functools
import hashlib
import os
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import soundfile as sf

from ser_helpers.errors import CorpusError


@dataclass(frozen=True)
class Audit:
    """What is on both sides of a split. Printing it shows the verdict and the names.

    ``speakers`` and ``statements`` are names; ``duplicates`` are pairs (training utterance, test utterance) of the same
    recording; ``unread`` are utterances whose recording could not be read, and so not compared.
    """

    speakers: list[str]
    statements: list[str]
    duplicates: list[tuple[str, str]]
    unread: list[str]

    @property
    def ok(self):
        """Whether no speaker and no recording crosses. Sentences may: acted corpora repeat them on purpose."""
        return not self.speakers and not self.duplicates

    @property
    def verdict(self):
        """One sentence for a figure's title or a table's note."""
        found = [_count(self.speakers, "speaker"), _count(self.duplicates, "recording")]
        crossing = " and ".join(filter(None, found))
        text = f"Leaky: {crossing} on both sides" if crossing else "Clean: no speaker and no recording on both sides"
        if self.statements:
            text += f" ({_count(self.statements, 'sentence')} shared)"
        if self.unread:
            text += f"; {_count(self.unread, 'recording')} could not be compared"
        return f"{text}."

    def __str__(self):
        names = {
            "speakers": self.speakers,
            "sentences": self.statements,
            "recordings": [" = ".join(pair) for pair in self.duplicates],
            "not compared": self.unread,
        }
        lines = [f"  {kind}: {_some(found)}" for kind, found in names.items() if found]
        return "\n".join([self.verdict, *lines])

    __repr__ = __str__


def audit(table, train, test):
    """Name everything that crosses between a training and a test set.

    Parameters
    ----------
    table : pandas.DataFrame
        An utterance table.
    train, test : sequences of utterance names
        For instance one pair from `split`.

    Returns
    -------
    Audit
        With ``ok``, ``verdict``, ``speakers``, ``statements``, ``duplicates`` and ``unread``. Two utterances are the
        same recording when their samples are equal, whatever the file format and between ``start`` and ``end`` where
        the table has them. Fingerprints are remembered, so auditing every fold costs little more than one.

    Raises
    ------
    CorpusError
        A name is not in the table.

    Used in Lessons 03 and 04.

    >>> from ser_helpers import corpora
    >>> table = corpora.load("synthetic-small")
    >>> train, test = corpora.split(table, "speaker", n_splits=2)[0]
    >>> corpora.audit(table, train, test)
    Clean: no speaker and no recording on both sides (2 sentences shared).
      sentences: ravdess-1, ravdess-2
    """
    for name in (*train, *test):
        if name not in table.index:
            raise CorpusError(f"Utterance {name!r} is not in the table: split and audit the same one.")
    train_rows, test_rows = table.loc[train], table.loc[test]
    duplicates, unread = _duplicates(train_rows, test_rows)
    return Audit(
        _shared(train_rows["speaker"], test_rows["speaker"]),
        _shared(train_rows["statement"], test_rows["statement"]),
        duplicates,
        unread,
    )


def _shared(train, test):
    return sorted(set(train.dropna()) & set(test.dropna()))


def _duplicates(train, test):
    """Pairs of equal recordings and names of unreadable ones: compare lengths first, then a little, then all."""
    groups, unread = [(_recordings(train), _recordings(test))], []
    for fingerprint in (_length, _middle, _samples):
        finer = []
        for sides in groups:
            parts = defaultdict(lambda: ([], []))
            for side, recordings in enumerate(sides):
                for name, *key in recordings:
                    try:
                        parts[fingerprint(*key)][side].append((name, *key))
                    except (sf.SoundFileError, OSError):
                        unread.append(name)
            finer.extend(part for part in parts.values() if part[0] and part[1])
        groups = finer
    pairs = [(left[0], right[0]) for lefts, rights in groups for left in lefts for right in rights]
    return sorted(pairs), sorted(set(unread))


def _recordings(rows):
    """(utterance, path, size, time of change, start, end) of each row: a changed file is looked at anew."""
    found = []
    for name, path, start, end in rows[["path", "start", "end"]].itertuples():
        try:
            status = os.stat(path)
            version = (status.st_size, status.st_mtime_ns)
        except OSError:
            version = None
        found.append((name, path, version, None if np.isnan(start) else start, None if np.isnan(end) else end))
    return found


@functools.lru_cache(maxsize=100_000)
def _span(path, version, start, end):
    """First frame, number of frames, and sample rate of an utterance."""
    sound = sf.info(path)
    first = round((start or 0) * sound.samplerate)
    last = sound.frames if end is None else min(round(end * sound.samplerate), sound.frames)
    return first, max(last - first, 0), sound.samplerate


def _length(path, version, start, end):
    return _span(path, version, start, end)[1:]


@functools.lru_cache(maxsize=100_000)
def _middle(path, version, start, end, frames=256):
    first, length, _ = _span(path, version, start, end)
    frames = min(frames, length)
    return _digest(path, frames, first + (length - frames) // 2)


@functools.lru_cache(maxsize=100_000)
def _samples(path, version, start, end):
    first, length, _ = _span(path, version, start, end)
    return _digest(path, length, first)


def _digest(path, frames, start):
    return hashlib.sha256(sf.read(path, frames, start)[0].tobytes()).digest()


def _count(found, noun):
    return f"{len(found)} {noun}{'s' if len(found) > 1 else ''}" if found else ""


def _some(names, most=8):
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
