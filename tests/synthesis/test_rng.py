import numpy as np
import pytest

from ser_helpers.synthesis.rng import make_rng, slow_noise


def test_a_key_is_the_same_for_numpys_integers():
    assert make_rng("clip", np.int64(3)).random() == make_rng("clip", 3).random()


def test_keys_are_independent():
    draws = [make_rng("clip", actor, seed).random() for actor in range(30) for seed in range(30)]
    assert len(set(draws)) == 900
    assert np.mean(draws) == pytest.approx(0.5, abs=0.05)


def test_a_key_of_fractions_is_refused():
    with pytest.raises(TypeError):
        make_rng("clip", 0.5)


def test_slow_noise_is_of_unit_size_and_slow():
    noise = slow_noise(100_000, 20, make_rng("test"))
    assert noise.std() == pytest.approx(1, abs=0.1)
    assert np.corrcoef(noise[:-1], noise[1:])[0, 1] > 0.99
    assert abs(np.corrcoef(noise[:-60], noise[60:])[0, 1]) < 0.1
