import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from ser_helpers import audio, paths, pretrained, synthesis
from ser_helpers.errors import AudioError, ModelError, WeightsMissing
from ser_helpers.evaluation import merge_events
from ser_helpers.pretrained import LaughterDetector
from ser_helpers.pretrained import laughter as laughter_module
from ser_helpers.pretrained.laughter import HOP, SAMPLE_RATE, LaughterNetwork
from ser_helpers.synthesis import shows

REAL = paths.models_home() / "laughter-resnet" / "best.pth.tar"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A narrow network with random weights, in the published format."""
    path = tmp_path_factory.mktemp("weights") / "best.pth.tar"
    torch.manual_seed(0)
    laughter_module.save_laughter_network(LaughterNetwork((2, 2, 2, 2), bands=32), path)
    return path


@pytest.fixture(scope="module")
def trained():
    """A detector trained on two short episodes, and a third that it has not heard."""
    heard = [shows.recording(number, 20, seed=5) for number in (1, 6)]
    y, laughs = zip(*((at_8k(y), laughter(rows)) for y, rows in heard), strict=True)
    detector = LaughterDetector(weights="stand-in").fit([[some] for some in y], laughs, epochs=6)
    y, rows = shows.recording(2, 30, seed=6)
    return detector, at_8k(y), laughter(rows)


def at_8k(y):
    return audio.resample(y.mean(1), 16000, SAMPLE_RATE)


def laughter(rows):
    truth = pd.DataFrame(rows)
    return truth[truth["kind"] == "laughter"]


def series(*values):
    return pd.Series(values, np.arange(len(values)) * 4 * HOP / SAMPLE_RATE, dtype=float)


def test_a_network_trained_on_laughter_hears_it_in_an_episode_it_has_not_heard(trained):
    detector, y, laughs = trained
    probability = detector.probabilities([y])
    merged = merge_events(laughs)
    laughing = [((merged["start"] <= now) & (now < merged["end"])).any() for now in probability.index]
    assert probability[laughing].mean() > probability[np.logical_not(laughing)].mean() + 0.3
    assert detector.label == "laughter ResNet (trained here)"


def test_probabilities_do_not_depend_on_how_the_samples_come(checkpoint, tmp_path):
    detector = LaughterDetector(checkpoint)
    y = np.random.default_rng(0).normal(0, 0.1, 9 * SAMPLE_RATE).astype(np.float32)
    whole = detector.probabilities([y])
    pd.testing.assert_series_equal(detector.probabilities(np.split(y, [1, 700, 30_001])), whole, check_exact=True)
    assert len(whole) == -(-(len(y) // HOP + 1) // detector.every)
    assert whole.index[1] == pytest.approx(4 * 186 / 8000)
    path = tmp_path / "episode.wav"
    soundfile.write(path, y, SAMPLE_RATE, subtype="FLOAT")
    np.testing.assert_allclose(detector.probabilities(path), whole, atol=1e-6)
    assert detector.segments(path).equals(detector.segments(detector.probabilities(path)))


def test_memory_does_not_grow_with_the_recording(checkpoint):
    detector = LaughterDetector(checkpoint, every=40, smoothing=None)

    def peak(minutes):
        blocks = (np.full(SAMPLE_RATE * 10, 0.1, np.float32) for _ in range(minutes * 6))
        tracemalloc.start()
        detector.probabilities(blocks)
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


def test_silence_is_no_laughter(checkpoint):
    assert (LaughterDetector(checkpoint).probabilities([np.zeros(3 * SAMPLE_RATE)]) == 0).all()


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
    monkeypatch.setattr(laughter_module, "STAND_IN_EPISODES", [6])
    monkeypatch.setattr(laughter_module, "STAND_IN_SECONDS", 12)
    first = laughter_module.stand_in()
    monkeypatch.setattr(laughter_module, "train", None)
    again = laughter_module.stand_in()
    assert all(torch.equal(one, two) for one, two in zip(first.parameters(), again.parameters(), strict=True))
    assert first.conv1.out_channels < 64


def test_a_detector_travels_to_another_process(trained):
    detector, y, _ = trained
    copy = pickle.loads(pickle.dumps(detector))
    assert copy.probabilities([y]).equals(detector.probabilities([y]))


def test_what_cannot_be_heard_gets_a_sentence(checkpoint, tmp_path):
    detector = LaughterDetector(checkpoint)
    with pytest.raises(AudioError, match="no samples"):
        detector.probabilities([])
    with pytest.raises(AudioError, match="no such file"):
        detector.probabilities(tmp_path / "lost.wav")


def test_what_was_heard_before_a_damage_is_kept(checkpoint):
    def broken():
        yield np.random.default_rng(0).normal(size=20 * SAMPLE_RATE)
        raise AudioError("The rest cannot be read.")

    with pytest.warns(UserWarning, match="The rest cannot be read"):
        found = LaughterDetector(checkpoint).probabilities(broken())
    assert 15 < found.index[-1] < 20


@pytest.mark.parametrize(
    "settings",
    [
        {"threshold": 1},
        {"threshold": 0},
        {"min_length": -1},
        {"smoothing": 6},
        {"smoothing": 0},
        {"threshold": "0.5"},
        {"min_length": None},
        {"smoothing": "1"},
        {"weights": None},
        {"weights": 3},
    ],
)
def test_settings_out_of_range_get_a_sentence(settings):
    with pytest.raises(ModelError):
        LaughterDetector(**({"weights": "stand-in"} | settings))


def test_summary():
    laughs = pd.DataFrame({"start": [1.0, 5.0, 9.0], "end": [2.0, 7.0, 9.5]})
    summary = pretrained.laughter_summary(laughs, 90)
    assert summary["per_10_minutes"] == pytest.approx(20)
    assert summary["mean_seconds"] == pytest.approx(3.5 / 3)
    assert summary["share"] == pytest.approx(3.5 / 90)
    assert pretrained.laughter_summary(laughs[:0], 90)["laughs"] == 0
    with pytest.raises(AudioError, match="length in seconds"):
        pretrained.laughter_summary(laughs, 0)


@pytest.mark.parametrize("settings", [{"every": 0}, {"every": 2.5}, {"min_length": np.nan}])
def test_settings_that_would_find_nothing_get_a_sentence(settings):
    with pytest.raises(ModelError):
        LaughterDetector("stand-in", **settings)


def test_a_device_that_is_not_there_gets_a_sentence():
    with pytest.raises(ModelError, match="no device 'tpu' on this machine: choose 'cpu' or 'auto'"):
        LaughterDetector("stand-in", device="tpu").probabilities([np.zeros(8000)])


@pytest.mark.parametrize("probability", [[0.5, np.nan], ["a", "b"], [0.5, 80.0]])
def test_what_are_no_probabilities_gets_a_sentence(probability):
    with pytest.raises(ModelError, match="lie between 0 and 1, none missing"):
        LaughterDetector("stand-in").segments(pd.Series(probability))


@pytest.mark.parametrize("recording", [None, 3, [None], ["a"]])
def test_what_is_no_recording_gets_a_sentence(recording):
    with pytest.raises(ModelError, match="A recording is a path, or"):
        LaughterDetector("stand-in").segments(recording)


def test_training_needs_recordings_and_their_laughs():
    detector, table = LaughterDetector("stand-in"), pd.DataFrame({"start": [0.0], "end": [1.0]})
    for recordings, laughs in (([], []), ([[np.zeros(8000)]], []), ([], [table])):
        with pytest.raises(ModelError, match="a table of laughs for each"):
            detector.fit(recordings, laughs)
    with pytest.raises(ModelError, match="columns start and end"):
        detector.fit([[np.zeros(8000)]], [table[["start"]]])


@pytest.mark.parametrize("seconds", [0, -1, None, "90", np.nan])
def test_a_length_that_is_none(seconds):
    for count in (pretrained.laughs_per_10_minutes, pretrained.laughter_summary):
        with pytest.raises(AudioError, match="give its length in seconds"):
            count(pd.DataFrame({"start": [1.0], "end": [2.0]}), seconds)


@pytest.mark.parametrize("blocks", [[np.full(8000, np.nan)], [np.zeros((8000, 2))], np.zeros(8000)])
def test_blocks_that_are_none_do_not_silence_the_laughs(blocks):
    detector = LaughterDetector("stand-in")
    with pytest.raises(ModelError, match="blocks of finite mono samples"):
        detector.segments([np.zeros(16000), *blocks])


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_file(), reason="the published weights are not in SER_MODELS_HOME")
def test_the_published_network_tells_embedded_laughs_from_embedded_speech():
    detector = LaughterDetector(REAL, every=20, smoothing=None)
    assert sum(part.numel() for part in detector.network.parameters()) == 221_761

    def median(y):
        return detector.probabilities([audio.resample(y, 16000, SAMPLE_RATE)])[0.3:].median()

    laughs = [median(synthesis.laugh(actor, 3)[0]) for actor in range(61, 69)]
    speech = [median(synthesis.say("It was standing there the whole time.", actor)[0]) for actor in range(61, 69)]
    jingle = median(synthesis.sounds.jingle(8))
    assert np.mean(laughs) > np.mean(speech) + 0.15
    assert jingle < 0.1
