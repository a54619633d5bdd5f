"""The ring keeps the last values, wherever the writes end, in memory that is allocated once."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers.errors import StreamError
from ser_helpers.streaming import RingBuffer


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 20), st.lists(st.integers(0, 45), max_size=12))
def test_it_holds_the_last_values_of_any_writes(capacity, sizes):
    ring, stream = RingBuffer(capacity), np.arange(sum(sizes), dtype=np.float32)
    for chunk in np.split(stream, np.cumsum(sizes))[: len(sizes)]:
        ring.write(chunk)
    assert len(ring) == min(capacity, len(stream))
    for n in range(len(ring) + 1):
        np.testing.assert_array_equal(ring.last(n), stream[len(stream) - n :])


def test_what_it_gave_does_not_change_when_more_is_written():
    ring = RingBuffer(4)
    ring.write(np.ones(4))
    given = ring.last(4)
    ring.write(np.zeros(3))
    assert given.tolist() == [1, 1, 1, 1]


def test_writing_takes_no_memory():
    ring, chunk = RingBuffer(480_000), np.ones(100_000, np.float32)
    ring.write(chunk)
    tracemalloc.start()
    for _ in range(100):
        ring.write(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < chunk.nbytes / 4


def test_more_than_it_holds_is_refused():
    ring = RingBuffer(4)
    ring.write([1, 2])
    for n in (3, -1):
        with pytest.raises(StreamError, match="contains 2 values"):
            ring.last(n)
    for capacity in (0, 2.5):
        with pytest.raises(ValueError, match="at least one value"):
            RingBuffer(capacity)
