"""Batches of recordings of like length."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers.pretrained.encoder import by_length


@settings(deadline=None)
@given(st.lists(st.integers(1, 100), max_size=30), st.integers(1, 300))
def test_batches_hold_every_recording_once_and_no_more_than_the_budget(lengths, budget):
    batches = by_length(lengths, budget)
    assert sorted(number for batch in batches for number in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[number] for number in batch) <= budget
