import hashlib
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers.audio import Chain, Level, Noise, Pitch, Reverb, Shift, Speed, Telephone
from ser_helpers.errors import AudioError

SR = 16000
RANDOM = [Noise(), Reverb(), Speed(), Pitch(), Shift(), Level()]
RANDOM += [Chain(Noise(), Reverb(), Speed(), Pitch(), Shift(), Level(), Telephone(), p=0.5)]
ALL = [*RANDOM, Telephone()]
each = pytest.mark.parametrize("augment", ALL, ids=lambda augment: type(augment).__name__)


def noise(seconds=1.0, level=0.1):
    return level * np.random.default_rng(0).standard_normal(int(seconds * SR)).astype(np.float32)


def voice(f0, seconds=2.0):
    """A buzz at `f0` Hz: ten harmonics."""
    t = np.arange(int(seconds * SR)) / SR
    return sum(np.sin(2 * np.pi * f0 * k * t) / k for k in range(1, 11)) / 6


def measured_f0(y):
    """Median pitch in Hz by Praat."""
    import parselmouth

    pitch = parselmouth.Sound(y.astype(float), SR).to_pitch(pitch_floor=60, pitch_ceiling=500)
    f0 = pitch.selected_array["frequency"]
    return np.median(f0[f0 > 0])


def decay_time(y):
    """RT60 by Schroeder's backward integration, from the slope between -5 and -35 dB."""
    energy = np.cumsum(np.square(y[::-1], dtype=np.float64))[::-1]
    level = 10 * np.log10(np.maximum(energy / energy[0], 1e-12))
    first, last = np.argmax(level < -5), np.argmax(level < -35)
    return -60 / np.polyfit(np.arange(first, last) / SR, level[first:last], 1)[0]


@given(st.floats(-5, 40), st.integers(0, 2**40))
@settings(max_examples=20, deadline=None)
def test_noise_has_the_snr_asked_for(snr, seed):
    y = noise(level=0.01)
    added = Noise(snr=snr)(y, SR, seed).astype(float) - y
    assert 10 * np.log10(np.mean(y.astype(float) ** 2) / np.mean(added**2)) == pytest.approx(snr, abs=0.5)


def test_the_snr_is_drawn_from_the_whole_range():
    y = noise(level=0.01)
    levels = [10 * np.log10(np.mean(y**2) / np.mean((Noise()(y, SR, seed) - y) ** 2)) for seed in range(100)]
    assert 4.5 < min(levels) < 6
    assert 19 < max(levels) < 20.5
    assert np.mean(levels) == pytest.approx(12.5, abs=1.5)


@pytest.mark.parametrize("seconds", [0.2, 0.5, 0.8])
def test_reverberation_decays_in_the_time_asked_for(seconds):
    click = np.zeros(2 * SR)
    click[0] = 1
    heard = Reverb(seconds=seconds)(click, SR, seed=1)
    assert decay_time(heard) == pytest.approx(seconds, rel=0.1)
    assert heard[0] ** 2 / np.sum(heard[1:] ** 2) == pytest.approx(1, rel=1e-3)


def test_reverberation_keeps_the_level():
    y = noise()
    assert np.std(Reverb()(y, SR, seed=3)) == pytest.approx(np.std(y), rel=1e-3)


@pytest.mark.parametrize("rate", [0.8, 0.9, 1.1, 1.5])
def test_speed_changes_the_duration_and_not_the_pitch(rate):
    y = 0.5 * voice(150)
    faster = Speed(rate=rate)(y, SR)
    assert len(faster) / len(y) == pytest.approx(1 / rate, rel=1e-3)
    assert measured_f0(faster) == pytest.approx(150, rel=0.01)


@pytest.mark.parametrize("semitones", [-4, -2, 1, 2, 7])
def test_pitch_moves_f0_and_not_the_duration(semitones):
    y = 0.5 * voice(150)
    higher = Pitch(semitones=semitones)(y, SR)
    assert len(higher) == len(y)
    assert measured_f0(higher) / measured_f0(y) == pytest.approx(2 ** (semitones / 12), rel=0.01)


@given(st.floats(-0.4, 0.4))
@settings(max_examples=20, deadline=None)
def test_shift_moves_every_sample_by_as_much(seconds):
    y = noise()
    moved = Shift(seconds=seconds)(y, SR)
    places, fade = round(seconds * SR), SR // 100
    heard, said = (moved[places:], y[: SR - places]) if places >= 0 else (moved[:places], y[-places:])
    np.testing.assert_array_equal(heard[fade:-fade], said[fade:-fade])
    silent = moved[:places] if places > 0 else moved[SR + places :]
    assert not np.any(silent)


def test_shift_leaves_half_of_a_short_recording():
    y = noise(0.1)
    assert np.count_nonzero(Shift(seconds=5)(y, SR)) >= len(y) // 2 - 1
    assert np.count_nonzero(Shift(seconds=-5)(y, SR)) >= len(y) // 2 - 1


@each
@given(seed=st.integers(0, 2**64 - 1), level=st.sampled_from([1e-6, 0.1, 1.0]), seconds=st.floats(0.025, 0.6))
@settings(max_examples=15, deadline=None)
def test_every_augmentation_gives_finite_float32_within_one(augment, seed, level, seconds):
    y = np.clip(noise(seconds, level), -1, 1)
    before = y.copy()
    changed = augment(y, SR, seed)
    assert changed.dtype == np.float32
    assert changed.ndim == 1
    assert np.isfinite(changed).all()
    assert np.abs(changed).max() <= 1
    np.testing.assert_array_equal(y, before)
    np.testing.assert_array_equal(augment(y, SR, seed), changed)


@pytest.mark.parametrize("augment", RANDOM, ids=lambda augment: type(augment).__name__)
def test_another_seed_gives_other_samples(augment):
    y = noise()
    results = {augment(y, SR, seed).tobytes() for seed in range(8)}
    assert len(results) == 8


@each
def test_no_seed_is_set_for_others(augment):
    y = noise()
    for seed in (0, 1):
        random.seed(5)
        np.random.seed(5)  # noqa: NPY002
        augment(y, SR, seed)
        assert random.random() == random.Random(5).random()
        assert np.random.random() == np.random.RandomState(5).random()  # noqa: NPY002


def test_generators_are_restored_after_a_failure(monkeypatch):
    from audiomentations import AddGaussianSNR

    monkeypatch.setattr(AddGaussianSNR, "apply", lambda *args: 1 / 0)
    random.seed(5)
    with pytest.raises(ZeroDivisionError):
        Noise()(noise(), SR)
    assert random.random() == random.Random(5).random()


def test_threads_and_processes_give_the_same_samples():
    augment, y = ALL[-1], np.sin(np.arange(SR)).astype(np.float32)
    alone = [augment(y, SR, seed).tobytes() for seed in range(30)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda seed: augment(y, SR, seed).tobytes(), range(30))) == alone
    code = (
        "import hashlib, numpy as np\n"
        "from ser_helpers.audio import *\n"
        f"y = np.sin(np.arange({SR})).astype(np.float32)\n"
        f"print(*[hashlib.md5({augment!r}(y, {SR}, seed).tobytes()).hexdigest() for seed in range(3)])"
    )
    here = [hashlib.md5(augment(y, SR, seed).tobytes()).hexdigest() for seed in range(3)]
    elsewhere = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert elsewhere.split() == here


def test_what_speed_makes_is_still_a_recording():
    assert len(Chain(Speed(rate=2), Pitch())(noise(0.03), SR)) == SR // 40


def test_a_chain_is_its_parts_in_order():
    y = noise(level=0.01)
    assert len(Chain(Speed(rate=2), Shift())(y, SR)) == len(y) // 2
    assert not np.any(Chain(Noise(), p=0)(y, SR) - y)
    changed = [not np.array_equal(Chain(Noise(), p=0.3)(y, SR, seed), y) for seed in range(200)]
    assert np.mean(changed) == pytest.approx(0.3, abs=0.1)


@pytest.mark.parametrize(("hertz", "passes"), [(100, False), (1000, True), (3000, True), (3900, False), (5000, False)])
def test_a_telephone_passes_its_band_alone_with_the_noise_of_8_bits(hertz, passes):
    t = np.arange(SR) / SR
    y = (0.3 * np.sin(2 * np.pi * hertz * t)).astype(np.float32)
    inner = slice(SR // 4, 3 * SR // 4)
    power = np.abs(np.fft.rfft(Telephone()(y, SR)[inner] * np.hanning(SR // 2))) ** 2
    original = (np.abs(np.fft.rfft(y[inner] * np.hanning(SR // 2))) ** 2).max()
    if not passes:
        assert power.max() < 0.02 * original
        return
    tone = np.abs(np.fft.rfftfreq(SR // 2, 1 / SR) - hertz) < 20
    assert power.max() == pytest.approx(original, rel=0.3)
    assert 30 < 10 * np.log10(power[tone].sum() / power[~tone].sum()) < 45  # G.711: about 38 dB


def test_a_level_is_a_gain_that_clips():
    y = noise(level=0.1)
    np.testing.assert_allclose(Level(decibels=-20)(y, SR), 0.1 * y, rtol=1e-5)
    assert (np.abs(Level(decibels=20)(y, SR)) == 1).mean() > 0.2


@each
def test_silence_stays_silent(augment):
    assert not np.any(augment(np.zeros(SR), SR, seed=1))


@each
@pytest.mark.parametrize(
    ("y", "problem"),
    [
        (np.zeros(SR // 100), "lasts 10 ms"),
        (np.full(SR, np.nan), "contains NaN"),
        (np.zeros((2, SR)), "shape is"),
        (np.zeros(SR, dtype=int), "are integers"),
    ],
)
def test_what_is_no_recording_is_refused_in_a_sentence(augment, y, problem):
    with pytest.raises(AudioError, match=problem):
        augment(y, SR)


def test_the_repr_says_all_there_is():
    assert {repr(augment) for augment in (Noise(snr=[5, 20]), Noise(snr=(np.float64(5), 20)))} == {repr(Noise())}
    for augment in ALL:
        assert eval(repr(augment)) == augment
        assert hash(eval(repr(augment))) == hash(augment)
    assert Chain(Noise(), p=0.5) != Chain(Noise(), p=0.4)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Noise(snr=(20, 5)), r"Noise takes snr=\(low, high\) in dB"),
        (lambda: Noise(snr="loud"), "not 'loud'"),
        (lambda: Speed(rate=0), "between 0.5 and 2"),
        (lambda: Pitch(semitones=(1, 2, 3)), "semitones"),
        (lambda: Reverb(seconds=(0, np.nan)), "seconds"),
        (lambda: Chain(Noise), "Chain takes augmentations such as Noise()"),
        (lambda: Chain(), "not 'nothing'"),
        (lambda: Chain(Noise(), p=2), "between 0 and 1"),
    ],
)
def test_impossible_settings_are_refused_in_a_sentence(make, words):
    with pytest.raises(ValueError, match=words):
        make()
