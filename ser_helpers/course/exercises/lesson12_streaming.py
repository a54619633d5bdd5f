"""Checkers of Lesson 12: a detector that forgets windows, and a buffer that forgets nothing."""

import collections
import tracemalloc

import numpy as np

from ser_helpers.course.checks import Hint, exercise

WINDOW, HOP = 6, 2


class _Popular:
    """The popular streaming class, bug included, for the wrong answers to vary."""

    def __init__(self, model, window, hop):
        self.model, self.window, self.hop = model, window, hop
        self.buffer = np.zeros(0, np.float32)

    def process_chunk(self, chunk):
        self.buffer = np.concatenate([self.buffer, chunk])
        while len(self.buffer) >= self.window:
            window = self.buffer[: self.window]
            self.buffer = self.buffer[self.hop :]
            return self.model(window)
        return None


class _OneInAList(_Popular):
    def process_chunk(self, chunk):
        found = super().process_chunk(chunk)
        return [] if found is None else [found]


class _All(_Popular):
    """As it should be."""

    def process_chunk(self, chunk):
        self.buffer, answers = np.concatenate([self.buffer, chunk]), []
        while len(self.buffer) >= self.window:
            answers.append(self.model(self.buffer[: self.window]))
            self.buffer = self._rest()
        return answers

    def _rest(self):
        return self.buffer[self.hop :]


class _NoneWhenEmpty(_All):
    def process_chunk(self, chunk):
        return super().process_chunk(chunk) or None


class _ByTheWindow(_All):
    def _rest(self):
        return self.buffer[self.window :]


class _Forgetful(_All):
    def process_chunk(self, chunk):
        answers = super().process_chunk(chunk)
        self.buffer = np.zeros(0, np.float32)
        return answers


class _LastOnly(_All):
    def process_chunk(self, chunk):
        return super().process_chunk(chunk)[-1:]


class _NoLoop(_All):
    def process_chunk(self, chunk):
        self.buffer, answers = np.concatenate([self.buffer, chunk]), []
        if len(self.buffer) >= self.window:
            answers.append(self.model(self.buffer[: self.window]))
            self.buffer = self._rest()
        return answers


class _TooLate(_All):
    def process_chunk(self, chunk):
        self.buffer, answers = np.concatenate([self.buffer, chunk]), []
        while len(self.buffer) > self.window:
            answers.append(self.model(self.buffer[: self.window]))
            self.buffer = self._rest()
        return answers


class _Newest(_All):
    def process_chunk(self, chunk):
        self.buffer, answers = np.concatenate([self.buffer, chunk]), []
        for _ in range((len(self.buffer) - self.window) // self.hop + 1):
            answers.append(self.model(self.buffer[-self.window :]))
            self.buffer = self._rest()
        return answers


@exercise(
    "12.1",
    wrong=[
        _Popular,
        _OneInAList,
        _NoneWhenEmpty,
        _ByTheWindow,
        _Forgetful,
        _LastOnly,
        _NoLoop,
        _TooLate,
        _Newest,
        lambda model, window, hop: None,
    ],
)
def mended(answer):
    """Every window of every chunk, however the sound is cut."""
    _feed(answer, [WINDOW - 1], "a chunk that is too short for a window")
    _feed(answer, [WINDOW], "a chunk of exactly one window")
    _feed(answer, [WINDOW + 3 * HOP], "a chunk that completes four windows")
    _feed(answer, [1] * (WINDOW + HOP), "chunks of one sample")
    _feed(answer, [0, 3, 17, 0, 1, 9], "uneven chunks")


def _feed(answer, sizes, what):
    seen = []

    def model(window):
        seen.append(np.asarray(window).tolist())
        return len(seen)

    detector = answer(model, WINDOW, HOP)
    if not hasattr(detector, "process_chunk"):
        raise Hint("Give the class itself: it is called with a model, a window and a hop, and has process_chunk.")
    stream = np.arange(sum(sizes), dtype=np.float32)
    said = [detector.process_chunk(chunk) for chunk in np.split(stream, np.cumsum(sizes))[: len(sizes)]]
    wanted = [stream[start : start + WINDOW].tolist() for start in range(0, len(stream) - WINDOW + 1, HOP)]
    if any(given is None for given in said):
        raise Hint(f"For {what}, it gives None: a chunk that completes no window gets an empty list.")
    if not all(isinstance(given, list) for given in said):
        other = next(given for given in said if not isinstance(given, list))
        raise Hint(f"For {what}, it gives {other!r}: return a list, since a chunk may complete many windows.")
    if seen != wanted:
        if max(sizes) < WINDOW and not seen:
            raise Hint(f"For {what}, no window is heard: what is left over must wait in the buffer for the next chunk.")
        raise Hint(_difference(seen, wanted, what))
    if [one for given in said for one in given] != list(range(1, len(seen) + 1)):
        raise Hint(f"For {what}, the model heard every window, but not every answer is in the list, in order.")


def _difference(seen, wanted, what):
    if seen and seen == wanted[: len(seen)] and len(wanted) > len(seen):
        if len(seen) == 1:
            return f"For {what}, only the first window is heard: is there a `return` inside the loop, or no loop?"
        return f"For {what}, the model hears {len(seen)} windows of {len(wanted)}: what stops it?"
    if seen == wanted[: len(seen)]:
        return f"For {what}, no window is heard: a window is complete when there are as many samples, not more."
    number = next((k for k, (a, b) in enumerate(zip(seen, wanted, strict=False)) if a != b), len(wanted))
    if number >= len(wanted):
        return f"For {what}, the model hears {len(seen)} windows instead of {len(wanted)}: the same one twice?"
    return (
        f"For {what}, window {number + 1} should be samples {wanted[number][0]:.0f} to {wanted[number][-1]:.0f}, and it"
        f" is {seen[number][0]:.0f} to {seen[number][-1]:.0f}: move on by a hop, and keep the rest for the next chunk."
    )


class _List:
    def __init__(self, capacity):
        self.capacity, self.values = capacity, []

    def write(self, chunk):
        self.values.extend(chunk)

    def last(self):
        return np.array(self.values)[-self.capacity :]


class _Joined:
    def __init__(self, capacity):
        self.values = np.zeros(capacity, np.float32)

    def write(self, chunk):
        self.values = np.concatenate([self.values, chunk])[-len(self.values) :]

    def last(self):
        return self.values


class _Round:
    """As it should be, but for the parts that the wrong answers change."""

    def __init__(self, capacity):
        self.values, self.next = np.zeros(capacity, np.float32), 0

    def write(self, chunk):
        for value in chunk:
            self.values[self.next] = value
            self.next = (self.next + 1) % len(self.values)

    def last(self):
        return np.concatenate([self.values[self.next :], self.values[: self.next]])


class _Unrolled(_Round):
    def last(self):
        return self.values.copy()


class _Backwards(_Round):
    def last(self):
        return super().last()[::-1]


class _NoWrap(_Round):
    def write(self, chunk):
        self.values[self.next : self.next + len(chunk)] = chunk
        self.next += len(chunk)


class _View(_Round):
    def last(self):
        self.values[:], self.next = super().last(), 0
        return self.values


class _NoModulo(_Round):
    def write(self, chunk):
        for value in chunk:
            self.values[self.next] = value
            self.next += 1


class _Silent(_Round):
    def last(self):
        pass


class _Deque:
    def __init__(self, capacity):
        self.values = collections.deque(maxlen=capacity)

    def write(self, chunk):
        self.values.extend(chunk)

    def last(self):
        return np.array(self.values)


class _Stuck(_Round):
    def write(self, chunk):
        self.values[: len(chunk)] = chunk


@exercise(
    "12.2",
    wrong=[
        _List,
        _Joined,
        _Unrolled,
        _Backwards,
        _NoWrap,
        _NoModulo,
        _View,
        _Silent,
        _Deque,
        _Stuck,
        lambda capacity: None,
    ],
)
def ring(answer):
    """The last values of a stream, in memory that is taken once."""
    for sizes in ([8], [3, 5, 3], [5, 5, 5], [1] * 19, [0, 8, 0, 2], [21], [2, 30, 1]):
        _write(answer, sizes)
    buffer = answer(8)
    buffer.write(np.ones(8, np.float32))
    before = buffer.last()
    buffer.write(np.zeros(3, np.float32))
    if not np.all(np.asarray(before) == 1):
        raise Hint("What `last` gave a moment ago has changed with the next chunk: give a copy, not the memory itself.")
    _check_memory(answer)


def _write(answer, sizes):
    buffer, stream = answer(8), np.arange(1, sum(sizes) + 1, dtype=np.float32)
    if not (hasattr(buffer, "write") and hasattr(buffer, "last")):
        raise Hint("Give the class itself: it is called with a capacity, and has write(chunk) and last().")
    what = f"After chunks of {', '.join(map(str, sizes))} samples into a ring of 8"
    try:
        for chunk in np.split(stream, np.cumsum(sizes))[: len(sizes)]:
            buffer.write(chunk)
    except (ValueError, IndexError) as error:
        raise Hint(f"{what} it fails ({error}): go on at the beginning when the end is reached.") from error
    found, wanted = np.asarray(buffer.last()), stream[-8:]
    if found.ndim != 1:
        raise Hint(f"{what}, last() should give {len(wanted)} samples: end it with `return`, and an array (n,).")
    if np.array_equal(found, wanted):
        return
    if sorted(found) == sorted(wanted):
        raise Hint(f"{what}, these are the right values in the wrong order: {found.tolist()}, and the oldest is first.")
    raise Hint(f"{what}, last() should be {wanted.tolist()}, and it is {found.tolist()}.")


def _check_memory(answer):
    buffer, chunk, held = answer(48000), np.ones(480, np.float32), []
    tracemalloc.start()
    try:
        for _ in range(2):
            for _ in range(200):
                buffer.write(chunk)
            held.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.reset_peak()
        buffer.write(chunk)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    if held[1] - held[0] > 100_000:
        more = (held[1] - held[0]) / 1e6
        raise Hint(f"It is right, but 6 s of sound more make it {more:.1f} MB larger: a day will not fit.")
    if held[0] > 16 * 48000:
        raise Hint(f"It is right, but each sample takes {held[0] / 48000:.0f} bytes: keep them in an array of numbers.")
    if peak - held[1] > 100_000:
        raise Hint("It is right, but each chunk copies the whole buffer: write the chunk into place, and move `next`.")
