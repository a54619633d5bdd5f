import os
import pickle
import tracemalloc
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import pytest
import scipy.signal
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers import audio, paths, synthesis
from ser_helpers.errors import AudioError, ModelError, WeightsMissing
from ser_helpers.evaluation import merge_events
from ser_helpers.pretrained import LaughterDetector, laughter
from ser_helpers.pretrained.laughter import FRAMES, HOP, MELS, N_FFT, SAMPLE_RATE, LaughterNetwork, WindowCutter
from ser_helpers.synthesis import shows

REAL = paths.models_home() / "laughter-resnet" / "best.pth.tar"


@pytest.fixture
def noise():
    return np.random.default_rng(0).normal(0, 0.1, 4 * SAMPLE_RATE).astype(np.float32)


def cut(parts, every, batch=32):
    cutter = WindowCutter(every, batch)
    return [*(windows for part in parts for windows in cutter.feed(part)), *cutter.finish()]


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
    whole = cut([y], every, batch=4)
    parts = cut(np.split(y, sorted(cuts)), every, batch=4)
    assert np.array_equal(np.concatenate(whole), np.concatenate(parts))
    assert sum(map(len, whole)) == -(-(len(y) // HOP + 1) // every)


def test_a_window_is_centred_on_its_frame():
    """A click at 2 s is in the middle of the window whose time is 2 s."""
    y = np.zeros(4 * SAMPLE_RATE, np.float32)
    y[2 * SAMPLE_RATE] = 1
    windows = np.concatenate(cut([y], every=1))
    window = windows[round(2 * SAMPLE_RATE / HOP), 0]
    loud = np.flatnonzero(window.max(1) > -60)
    assert loud.mean() == pytest.approx(FRAMES // 2, abs=1)


def test_no_more_than_a_batch_is_in_memory():
    assert max(map(len, cut(np.zeros((600, SAMPLE_RATE)), every=43, batch=8))) == 8
    assert cut([], every=1) == []


def test_a_network_survives_saving_with_its_width(tmp_path):
    network = LaughterNetwork((2, 3, 4, 5), bands=64).eval()
    path = tmp_path / "network.pt"
    laughter.save_network(network, path)
    again = laughter.load_network(path)
    x = torch.randn(3, 1, FRAMES, MELS)
    assert not again.training
    assert torch.equal(again(x), network(x))


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("harm",)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", {"weights": 1}, {"state_dict": Harmful()}])
def test_what_is_not_a_checkpoint_is_refused_and_runs_nothing(content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path("best.pth.tar")
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(ModelError, match="does not contain the weights of a laughter network"):
        laughter.load_network(path)
    assert not Path("harm").exists()


@pytest.mark.slow
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
    windows, laughing = laughter.examples(y, laughs, every=1)
    assert len(windows) == len(laughing)
    times = np.flatnonzero(laughing) * HOP / SAMPLE_RATE
    assert times.min() == pytest.approx(1, abs=HOP / SAMPLE_RATE)
    assert times.max() == pytest.approx(2, abs=HOP / SAMPLE_RATE)
    assert N_FFT / SAMPLE_RATE < 0.3


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A narrow network with random weights, in the published format."""
    path = tmp_path_factory.mktemp("weights") / "best.pth.tar"
    torch.manual_seed(0)
    laughter.save_network(LaughterNetwork((2, 2, 2, 2), bands=32), path)
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A detector trained on two short episodes, and a third one."""
    examples = []
    for number in (1, 6):
        y, rows = shows.recording(number, 20, seed=5)
        examples.append(laughter.examples(at_8k(y), laughs_in(rows)))
    windows, laughing = map(np.concatenate, zip(*examples, strict=True))
    path = tmp_path_factory.mktemp("trained") / "best.pth.tar"
    laughter.save_network(laughter.train(windows, laughing, epochs=6), path)
    y, rows = shows.recording(2, 30, seed=6)
    return LaughterDetector(path), at_8k(y), laughs_in(rows)


def at_8k(y):
    return audio.resample(y.mean(1), 16000, SAMPLE_RATE)


def laughs_in(rows):
    truth = pd.DataFrame(rows)
    return truth[truth["kind"] == "laughter"]


def series(*values):
    return pd.Series(values, np.arange(len(values)) * 4 * HOP / SAMPLE_RATE, dtype=float)


@pytest.mark.slow
def test_a_trained_network_finds_laughter_in_an_unseen_episode(trained):
    detector, y, laughs = trained
    probability = detector.probabilities(y)
    merged = merge_events(laughs)
    laughing = [((merged["start"] <= now) & (now < merged["end"])).any() for now in probability.index]
    assert probability[laughing].mean() > probability[np.logical_not(laughing)].mean() + 0.3


def test_probabilities_do_not_depend_on_how_the_samples_come(checkpoint, tmp_path):
    detector = LaughterDetector(checkpoint)
    y = np.random.default_rng(0).normal(0, 0.1, 9 * SAMPLE_RATE).astype(np.float32)
    whole = detector.probabilities(y)
    stream = detector.stream()
    for part in np.split(y, [1, 700, 30_001]):
        stream.feed(part)
    pd.testing.assert_series_equal(stream.finish(), whole, check_exact=True)
    assert len(whole) == -(-(len(y) // HOP + 1) // detector.every)
    assert whole.index[1] == pytest.approx(4 * 186 / 8000)
    path = tmp_path / "episode.wav"
    soundfile.write(path, y, SAMPLE_RATE, subtype="FLOAT")
    np.testing.assert_allclose(detector.probabilities(path), whole, atol=1e-6)
    assert detector.segments(path).equals(detector.segments(detector.probabilities(path)))


def test_memory_does_not_grow_with_the_recording(checkpoint):
    detector = LaughterDetector(checkpoint, every=40, smoothing=None)

    def peak(minutes):
        stream = detector.stream()
        tracemalloc.start()
        for _ in range(minutes * 6):
            stream.feed(np.full(SAMPLE_RATE * 10, 0.1, np.float32))
        stream.finish()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak(1)
    assert peak(12) < 1.2 * peak(3)


def test_segments_by_hand():
    detector = LaughterDetector("stand-in", threshold=0.5, min_length=0.2, smoothing=None)
    found = detector.segments(series(0, 0.9, 0.7, 0.8, 0.1, 0.9, 0, 0, 0.6, 0.6, 0.6))
    step = 4 * HOP / SAMPLE_RATE
    assert found["start"].to_numpy() == pytest.approx([step, 8 * step])
    assert found["end"].to_numpy() == pytest.approx([4 * step, 11 * step])
    assert found["probability"].to_numpy() == pytest.approx([0.8, 0.6])
    assert list(detector.segments(series(0, 0, 0)).columns) == ["start", "end", "probability"]


def test_smoothing_bridges_flicker_without_delay():
    detector = LaughterDetector("stand-in", smoothing=1.0)
    steady = np.r_[np.zeros(40), np.ones(30), np.zeros(40)]
    flicker = steady.copy()
    flicker[50] = 0
    flicker[10] = 1
    found = detector.segments(series(*flicker))
    assert len(found) == 1
    middle = (found["start"] + found["end"])[0] / 2
    assert middle == pytest.approx(55 * 4 * HOP / SAMPLE_RATE, abs=0.1)
    smoothed = detector.smooth(series(*steady))
    assert smoothed.between(0, 1).all()
    assert detector.smooth(series(0, 1)).tolist() == [0, 1]


def test_the_smoothing_of_a_file_is_the_publishers(checkpoint):
    """They filter 43 probabilities a second with butter(2, 0.01); the stand-in's laughs are too short for that."""
    detector = LaughterDetector(checkpoint, every=1)
    probability = np.random.default_rng(0).uniform(size=430)
    expected = scipy.signal.filtfilt(*scipy.signal.butter(2, 0.01), probability, padlen=9)
    np.testing.assert_allclose(detector.smooth(pd.Series(probability)), expected, atol=1e-9)
    assert LaughterDetector("stand-in").smoothing == 0.5
    assert LaughterDetector(checkpoint, smoothing=1.0).smoothing == 1.0


def test_silence_is_no_laughter(checkpoint):
    assert (LaughterDetector(checkpoint).probabilities(np.zeros(3 * SAMPLE_RATE)) == 0).all()


def test_the_weights_are_those_asked_for(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setenv("SER_MODELS_HOME", str(tmp_path))
    assert LaughterDetector().label == "laughter ResNet (stand-in)"
    with pytest.raises(WeightsMissing, match="ser download laughter-resnet"):
        LaughterDetector("laughter-resnet")
    with pytest.raises(WeightsMissing, match="no laughter weights at nowhere"):
        LaughterDetector("nowhere")
    with pytest.raises(WeightsMissing, match=r"no laughter weights at .*best\.pth\.tar"):
        LaughterDetector(tmp_path)
    assert LaughterDetector(checkpoint.parent).checkpoint == checkpoint
    (tmp_path / "laughter-resnet").mkdir()
    (tmp_path / "laughter-resnet" / "best.pth.tar").write_bytes(checkpoint.read_bytes())
    for weights in ("auto", "laughter-resnet"):
        detector = LaughterDetector(weights)
        assert detector.label == "laughter ResNet"
        assert detector.network.linear2.out_features == 1
    assert LaughterDetector("stand-in").checkpoint is None


def test_the_stand_in_is_trained_once(tmp_path, monkeypatch):
    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(laughter, "SHIPPED", None)
    monkeypatch.setattr(laughter, "STAND_IN_EPISODES", [6])
    monkeypatch.setattr(laughter, "STAND_IN_SECONDS", 12)
    first = laughter.stand_in()
    monkeypatch.setattr(laughter, "train", None)
    again = laughter.stand_in()
    assert all(torch.equal(one, two) for one, two in zip(first.parameters(), again.parameters(), strict=True))
    assert first.conv1.out_channels < 64


def test_a_detector_travels_to_another_process(trained):
    detector, y, _ = trained
    copy = pickle.loads(pickle.dumps(detector))
    assert copy.probabilities(y).equals(detector.probabilities(y))


@pytest.mark.parametrize("recording", ["lost.wav", np.full(8000, np.nan), np.zeros((8000, 2))])
def test_an_unusable_recording_is_refused(checkpoint, recording):
    with pytest.raises(AudioError, match="Cannot use"):
        LaughterDetector(checkpoint).segments(recording)


def test_what_comes_before_a_damage_is_analysed(checkpoint, tmp_path):
    path = tmp_path / "talk.flac"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 12 * SAMPLE_RATE), SAMPLE_RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.warns(UserWarning, match="is damaged after"):
        probability = LaughterDetector(checkpoint).probabilities(path)
    assert 4 < probability.index[-1] < 7


@pytest.mark.parametrize(
    "settings",
    [{"threshold": 1}, {"min_length": np.nan}, {"smoothing": 6}, {"smoothing": "1"}, {"weights": 3}, {"every": 2.5}],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ModelError):
        LaughterDetector(**({"weights": "stand-in"} | settings))


def test_an_unknown_device_is_refused():
    with pytest.raises(ValueError, match="This machine has no device 'tpu': use 'auto' or 'cpu'"):
        LaughterDetector("stand-in", device="tpu").probabilities(np.zeros(8000))


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_file(), reason="the published weights are not in SER_MODELS_HOME")
def test_the_published_network_tells_embedded_laughs_from_embedded_speech():
    detector = LaughterDetector(REAL, every=20, smoothing=None)
    assert sum(part.numel() for part in detector.network.parameters()) == 221_761

    def median(y):
        return detector.probabilities(audio.resample(y, 16000, SAMPLE_RATE))[0.3:].median()

    laughs = [median(synthesis.laugh(actor, 3)[0]) for actor in range(61, 69)]
    speech = [median(synthesis.say("It was standing there the whole time.", actor)[0]) for actor in range(61, 69)]
    jingle = median(synthesis.sounds.jingle(8))
    assert np.mean(laughs) > np.mean(speech) + 0.15
    assert jingle < 0.1
