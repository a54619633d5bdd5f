"""What is in both training and test set: speakers, sentences, and equal recordings under two names."""

import functools
import hashlib
import os
from dataclasses import dataclass

import numpy as np
import soundfile as sf

from ser_helpers.corpora.files import equal_groups
from ser_helpers.errors import CorpusError


@dataclass(frozen=True)
class Audit:
    """What is on both sides of a split. Printing it shows the verdict and the names.

    ``speakers`` and ``statements`` are names; ``duplicates`` are pairs (training utterance, test utterance) of equal
    recordings; ``unread`` are utterances whose recording could not be read, and so not compared; ``unknown`` are those
    whose speaker is not known.
    """

    speakers: list[str]
    statements: list[str]
    duplicates: list[tuple[str, str]]
    unread: list[str]
    unknown: list[str]

    @property
    def ok(self):
        """Whether all speakers are known, and no speaker or recording is on both sides.

        Sentences may be: acted corpora repeat them.
        """
        return not (self.speakers or self.duplicates or self.unknown)

    @property
    def verdict(self):
        """One sentence for a figure's title or a table's note."""
        leaks = " and ".join(filter(None, [_count(self.speakers, "speaker"), _count(self.duplicates, "recording")]))
        text = f"Leaky: {leaks} on both sides" if leaks else "Clean: no speaker and no recording on both sides"
        if self.unknown and not leaks:
            text = "Unclear: the speakers of some utterances are not known"
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
            "by unknown speakers": self.unknown,
        }
        lines = [f"  {kind}: {_some(listed)}" for kind, listed in names.items() if listed]
        return "\n".join([self.verdict, *lines])

    __repr__ = __str__


def audit(table, train, test):
    """An `Audit` of everything that is in both a training and a test set (Lessons 03 and 04).

    `train` and `test` are names of utterances in `table`, such as one pair from `split`; CorpusError if one is not in
    it. Recordings are equal if their samples are, whatever the file format, from ``start`` to ``end`` if the table has
    them. Hashes are cached, so auditing every fold costs little more than one.

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
        [*train_rows.index[train_rows["speaker"].isna()], *test_rows.index[test_rows["speaker"].isna()]],
    )


def _shared(train, test):
    return sorted(set(train.dropna()) & set(test.dropna()))


def _duplicates(train, test):
    """Pairs of equal recordings, and names of unreadable ones: lengths are compared first, then a part, then all."""
    unread = set()

    def readable(key):
        def attempt(recording):
            try:
                return key(*recording[2:])
            except (sf.SoundFileError, OSError):
                unread.add(recording[1])
                return recording  # equal to nothing else

        return attempt

    recordings = [(side, *recording) for side, rows in enumerate((train, test)) for recording in _recordings(rows)]
    groups = equal_groups(recordings, *map(readable, (_length, _middle, _samples)))
    sides = [[[name for other, name, *_ in group if other == side] for side in (0, 1)] for group in groups]
    return sorted((left, right) for lefts, rights in sides for left in lefts for right in rights), sorted(unread)


def _recordings(rows):
    """(utterance, path, version, start, end) of each row; the version is that of the file, for the cached hashes."""
    for name, path, start, end in rows[["path", "start", "end"]].itertuples():
        try:
            status = os.stat(path)
            version = (status.st_size, status.st_mtime_ns)
        except OSError:
            version = None
        yield name, path, version, None if np.isnan(start) else start, None if np.isnan(end) else end


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


def _count(names, noun):
    return f"{len(names)} {noun}{'s' if len(names) > 1 else ''}" if names else ""


def _some(names, most=8):
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
