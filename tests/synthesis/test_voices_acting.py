import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers.synthesis.rng import make_rng
from ser_helpers.synthesis.voices import MARGIN, PAUSE, mixture, speak


@settings(deadline=None)
@given(st.floats(-1, 1), st.floats(-1, 1))
def test_a_voice_is_a_mixture_of_rows(valence, arousal):
    weights = mixture(valence, arousal)
    assert sum(weights.values()) == pytest.approx(1)
    assert min(weights.values()) >= 0


def level(feeling, ironic=False):
    sounds = [speak(["Well done."], actor, feeling, ironic, make_rng("test", actor)) for actor in range(31, 41)]
    return np.mean([10 * np.log10(np.mean(sound**2)) for sound in sounds])


def test_arousal_is_loud_and_valence_hardly_heard():
    excited, furious, calm, sad = (level((v, a, 0)) for v, a in ((0.7, 0.7), (-0.7, 0.7), (0.7, -0.5), (-0.7, -0.5)))
    assert min(excited, furious) > max(calm, sad) + 8
    assert abs(excited - furious) < 6


def test_irony_is_slower():
    plain, ironic = (len(speak(["Well done."], 31, (-0.5, 0.3, 0), irony, make_rng("test"))) for irony in (False, True))
    assert ironic > plain * 1.1


def test_two_sentences_have_a_pause_between_them():
    one, two = (speak(lines, 32, (0, 0, 0), False, make_rng("test")) for lines in (["Okay."], ["Okay.", "Really?"]))
    assert len(two) > len(one) + PAUSE
    assert not one[:MARGIN].any()
