import numpy as np
import pytest

from ser_helpers.errors import CorpusError
from ser_helpers.synthesis import speaker


def test_odd_actors_are_men_and_even_ones_women():
    men, women = [speaker(a) for a in range(1, 25, 2)], [speaker(a) for a in range(2, 25, 2)]
    assert {s.gender for s in men} == {"male"}
    assert {s.gender for s in women} == {"female"}
    assert max(s.hz for s in men) < min(s.hz for s in women)
    assert np.mean([s.formants for s in men]) < np.mean([s.formants for s in women])


def test_voices_differ_between_actors_and_seeds():
    assert len({speaker(actor, seed).hz for actor in range(1, 25) for seed in range(3)}) == 72


@pytest.mark.parametrize("actor", [0, -1, 100, 1.5, "1", None])
def test_an_actor_without_a_number_is_refused(actor):
    with pytest.raises(CorpusError, match="whole number from 1 to 99"):
        speaker(actor)
