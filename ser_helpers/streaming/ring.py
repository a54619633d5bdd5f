"""A ring buffer: the last samples of an endless stream, in memory that is allocated once."""

import numbers

import numpy as np

from ser_helpers.errors import StreamError


class RingBuffer:
    """The last `capacity` values of a stream. Nothing is allocated when values are written (Lesson 12).

    >>> ring = RingBuffer(4)
    >>> ring.write([1, 2, 3]); ring.write([4, 5])
    >>> ring.last(3)
    array([3., 4., 5.], dtype=float32)
    """

    def __init__(self, capacity, dtype=np.float32):
        if not isinstance(capacity, numbers.Integral) or capacity < 1:
            raise ValueError(f"The capacity is at least one value, not {capacity!r}.")
        self._values = np.zeros(capacity, dtype)
        self._next = 0  # where the next value is written
        self._filled = 0

    def __len__(self):
        """How many values there are: at most the capacity."""
        return self._filled

    def write(self, values):
        """Take values (n,), of which the last `capacity` stay."""
        capacity = len(self._values)
        values = np.asarray(values)[-capacity:]
        first = values[: capacity - self._next]  # up to the end of the array; the rest goes on at its beginning
        self._values[self._next : self._next + len(first)] = first
        self._values[: len(values) - len(first)] = values[len(first) :]
        self._next = (self._next + len(values)) % capacity
        self._filled = min(self._filled + len(values), capacity)

    def last(self, n):
        """A copy of the last `n` values, oldest first; StreamError if there are fewer."""
        if not 0 <= n <= self._filled:
            raise StreamError(f"The ring buffer contains {self._filled} values: ask for at most so many, not {n}.")
        start = self._next - n
        if start >= 0:
            return self._values[start : self._next].copy()
        return np.concatenate([self._values[start:], self._values[: self._next]])
