import numpy as np
import pytest

from ser_helpers import synthesis
from ser_helpers.errors import CorpusError
from ser_helpers.synthesis import sounds
from ser_helpers.synthesis.rng import make_rng
from ser_helpers.synthesis.vocoder import carrier


def loudness(y, sr):
    """RMS of each 10 ms."""
    return np.sqrt((y[: len(y) // (sr // 100) * (sr // 100)].reshape(-1, sr // 100) ** 2).mean(1))


@pytest.mark.parametrize("seconds", [0.5, 2, 6])
def test_a_laugh_is_about_as_long_as_asked(seconds):
    for seed in range(4):
        y, sr = synthesis.laugh(actor=7, seconds=seconds, seed=seed)
        assert y.dtype == np.float32
        assert np.abs(y).max() < 1
        assert len(y) / sr == pytest.approx(seconds, rel=0.3, abs=0.15)


def test_the_same_arguments_give_the_same_laugh_and_others_another():
    first, again = (synthesis.laugh(actor=7, seed=3)[0] for _ in range(2))
    assert np.array_equal(first, again)
    other, _ = synthesis.laugh(actor=7, seed=4)
    assert len(other) != len(first) or not np.array_equal(other, first)


def test_calls_come_about_five_times_a_second():
    rhythms = []
    for seed in range(6):
        y, sr = synthesis.laugh(actor=8, seconds=4, seed=seed)
        level = np.log(loudness(y, sr) + 1e-4)[:350]
        spectrum = np.abs(np.fft.rfft((level - level.mean()) * np.hanning(350), 3500)) ** 2
        hz = np.fft.rfftfreq(3500, 0.01)
        some = (hz > 2) & (hz < 12)
        rhythms.append(hz[some][spectrum[some].argmax()])
    assert 4 < np.median(rhythms) < 6.5


def test_laughter_is_higher_than_speech_and_softer_at_its_end():
    frames = sounds._frames(3, make_rng("example"))
    voiced = frames.f0[frames.f0 > 0]
    assert np.median(voiced[-20:]) < np.median(voiced[:20])
    falls = []
    for seed in range(6):
        y, sr = synthesis.laugh(actor=9, seconds=3, seed=seed)
        level = loudness(y, sr)
        falls.append(20 * np.log10(level[: len(level) // 3].max() / level[len(level) // 3 * 2 :].max()))
    assert np.mean(falls) > 3


def test_a_long_laugh_ends_with_a_breath_without_voice():
    frames = sounds._frames(2, make_rng("example"))
    assert (frames.f0[-15:] == 0).all()
    assert (sounds._frames(0.6, make_rng("example")).f0[-3:] > 0).any()
    assert (carrier(sounds.HA).f0[sounds.VOWEL] > 100).all()


@pytest.mark.parametrize("seconds", [0, 0.2, 21, float("nan")])
def test_a_length_that_no_laugh_has_gets_a_sentence(seconds):
    with pytest.raises(CorpusError, match="A laugh cannot last"):
        synthesis.laugh(seconds=seconds)
    with pytest.raises(CorpusError, match="no actor 0"):
        synthesis.laugh(actor=0)
