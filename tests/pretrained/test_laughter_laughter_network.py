import os
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers.errors import ModelError
from ser_helpers.pretrained import laughter
from ser_helpers.pretrained.laughter import FRAMES, HOP, MELS, N_FFT, SAMPLE_RATE, LaughterNetwork


@pytest.fixture
def noise():
    return np.random.default_rng(0).normal(0, 0.1, 4 * SAMPLE_RATE).astype(np.float32)


def test_mel_power_is_librosas(noise):
    reference = librosa.feature.melspectrogram(y=noise, sr=SAMPLE_RATE, hop_length=HOP, center=False).T
    np.testing.assert_allclose(laughter.mel_power(noise), reference, rtol=1e-4)


def test_a_window_is_the_published_front_end_of_its_second(noise):
    """As the published code has it for one second alone: librosa's mel power, taken for an amplitude."""
    power = laughter.mel_power(noise)[:FRAMES]
    reference = librosa.amplitude_to_db(power, ref=np.max)
    np.testing.assert_allclose(laughter.log_windows(power)[0, 0], reference, atol=1e-3)


def test_a_window_does_not_depend_on_how_loud_the_recording_is(noise):
    power = laughter.mel_power(noise)
    far = laughter.log_windows(power * 0.01)
    np.testing.assert_allclose(far, laughter.log_windows(power), atol=0.1)


@settings(max_examples=12, deadline=None)
@given(cuts=st.lists(st.integers(0, 4 * SAMPLE_RATE), max_size=6), every=st.integers(1, 20))
def test_windows_are_the_same_however_the_samples_come(cuts, every):
    y = np.random.default_rng(1).normal(size=4 * SAMPLE_RATE).astype(np.float32)
    whole = list(laughter.windows([y], every, batch=4))
    parts = list(laughter.windows(np.split(y, sorted(cuts)), every, batch=4))
    assert np.array_equal(np.concatenate(whole), np.concatenate(parts))
    assert sum(map(len, whole)) == -(-(len(y) // HOP + 1) // every)


def test_a_window_is_centred_on_its_frame():
    """A click at 2 s is in the middle of the window whose time is 2 s."""
    y = np.zeros(4 * SAMPLE_RATE, np.float32)
    y[2 * SAMPLE_RATE] = 1
    found = np.concatenate(list(laughter.windows([y], every=1)))
    window = found[round(2 * SAMPLE_RATE / HOP), 0]
    loud = np.flatnonzero(window.max(1) > -60)
    assert loud.mean() == pytest.approx(FRAMES // 2, abs=1)


def test_few_windows_are_held_of_many_blocks():
    def blocks():
        for _ in range(600):
            yield np.zeros(SAMPLE_RATE, np.float32)

    assert max(map(len, laughter.windows(blocks(), every=43, batch=8))) == 8
    assert list(laughter.windows([])) == []


def test_a_network_survives_saving_with_its_width(tmp_path):
    network = LaughterNetwork((2, 3, 4, 5), bands=64).eval()
    path = tmp_path / "network.pt"
    laughter.save_laughter_network(network, path)
    again = laughter.load_laughter_network(path)
    x = torch.randn(3, 1, FRAMES, MELS)
    assert not again.training
    assert torch.equal(again(x), network(x))


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("harm",)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", {"weights": 1}, {"state_dict": Harmful()}])
def test_what_is_no_checkpoint_gets_a_sentence_and_runs_nothing(content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path("best.pth.tar")
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(ModelError, match="does not hold the weights of a laughter network"):
        laughter.load_laughter_network(path)
    assert not Path("harm").exists()


def test_training_learns_and_gives_the_same_network_again():
    rng = np.random.default_rng(0)
    windows = rng.normal(-40, 5, (64, 1, FRAMES, MELS)).astype(np.float32)
    laughing = np.arange(64) % 2 == 0
    windows[laughing, :, :, :64] += 20
    state = torch.get_rng_state()
    one, two = (laughter.train(windows, laughing, epochs=14) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    with torch.inference_mode():
        x = torch.from_numpy(windows)
        assert torch.equal(one(x), two(x))
        assert ((one(x) > 0).numpy() == laughing).mean() > 0.9
    with pytest.raises(ModelError, match="windows with laughter and windows without"):
        laughter.train(windows, np.ones(64, bool))


def test_examples_are_labelled_by_what_is_in_their_middle():
    laughs = pd.DataFrame({"start": [1.0], "end": [2.0]})
    y = np.random.default_rng(0).normal(size=4 * SAMPLE_RATE)
    windows, laughing = laughter.examples([y], laughs, every=1)
    assert len(windows) == len(laughing)
    times = np.flatnonzero(laughing) * HOP / SAMPLE_RATE
    assert times.min() == pytest.approx(1, abs=HOP / SAMPLE_RATE)
    assert times.max() == pytest.approx(2, abs=HOP / SAMPLE_RATE)
    assert N_FFT / SAMPLE_RATE < 0.3
