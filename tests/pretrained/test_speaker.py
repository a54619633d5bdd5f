"""The speaker encoder is Resemblyzer's, to 1e-5; where its weights are not, a stand-in says so."""

import librosa
import numpy as np
import pytest

from ser_helpers import pretrained
from ser_helpers.errors import AudioError, ModelError
from ser_helpers.pretrained import speaker
from ser_helpers.synthesis import say

torch = pytest.importorskip("torch")

needs_weights = pytest.mark.skipif(speaker.find_weights() is None, reason="Resemblyzer is not installed")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_hand(mels, state):
    """The network on one window (frames, 40), written out: input, forget, cell and output gate; three layers."""
    sequence = mels.astype(float)
    for layer in range(3):
        w, u = state[f"lstm.weight_ih_l{layer}"], state[f"lstm.weight_hh_l{layer}"]
        bias = state[f"lstm.bias_ih_l{layer}"] + state[f"lstm.bias_hh_l{layer}"]
        hidden, cell, outputs = np.zeros(256), np.zeros(256), []
        for frame in sequence:
            i, f, g, o = np.split(w @ frame + u @ hidden + bias, 4)
            cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
            hidden = sigmoid(o) * np.tanh(cell)
            outputs.append(hidden)
        sequence = np.array(outputs)
    raw = np.maximum(state["linear.weight"] @ hidden + state["linear.bias"], 0)
    return raw / np.linalg.norm(raw)


def utterance_by_hand(y, state):
    """Resemblyzer's embed_utterance, with its defaults: partials of 160 frames, 77 apart, mean, length 1."""
    level = 20 * np.log10(np.sqrt(np.mean(y.astype(float) ** 2)))
    if level < -30:
        y = y * 10 ** ((-30 - level) / 20)
    frames = int(np.ceil((len(y) + 1) / 160))
    starts = list(range(0, max(1, frames - 160 + 77 + 1), 77))
    if (len(y) - starts[-1] * 160) / (160 * 160) < 0.75 and len(starts) > 1:
        starts.pop()
    y = np.pad(y, (0, max(0, (starts[-1] + 160) * 160 - len(y))))
    mels = librosa.feature.melspectrogram(y=y, sr=16000, n_fft=400, hop_length=160, n_mels=40).T
    mean = np.mean([by_hand(mels[start : start + 160], state) for start in starts], axis=0)
    return mean / np.linalg.norm(mean)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Weights of Resemblyzer's shapes, from a seed, in its checkpoint's form."""
    torch.manual_seed(0)
    state = speaker.SpeakerNetwork().state_dict()
    state |= {"similarity_weight": torch.ones(1), "similarity_bias": torch.ones(1)}
    path = tmp_path_factory.mktemp("weights") / "pretrained.pt"
    torch.save({"step": 1, "model_state": state, "optimizer_state": {}}, path)
    return path


@pytest.mark.parametrize("seconds", [0.4, 1.6, 2.9])
def test_the_network_is_the_one_written_out(weights, seconds):
    y = 0.01 * np.random.default_rng(0).normal(size=int(seconds * 16000)).astype(np.float32)
    state = {name: part.numpy() for name, part in torch.load(weights)["model_state"].items()}
    encoder = pretrained.SpeakerEncoder(weights, device="cpu")
    np.testing.assert_allclose(encoder.embed([y])[0], utterance_by_hand(y, state), atol=1e-5)


@needs_weights
def test_the_published_weights_give_what_is_written_out_and_tell_voices_apart():
    y = np.concatenate([say(k, 3)[0] for k in (1, 2)])
    state = torch.load(speaker.find_weights(), "cpu", weights_only=True)["model_state"]
    encoder = pretrained.SpeakerEncoder(device="cpu")
    assert (encoder.label, encoder.stand_in) == ("Resemblyzer", False)
    written_out = utterance_by_hand(y, {name: part.numpy() for name, part in state.items()})
    np.testing.assert_allclose(encoder.embed([y])[0], written_out, atol=1e-5)
    man, again, woman = encoder.embed([say(k, actor)[0] for k, actor in ((1, 3), (2, 3), (1, 4))])
    assert man @ again > man @ woman + 0.1


@pytest.mark.parametrize("n", [1, 25600, 25601, 30000, 44000, 16000 * 7])
def test_partials_cover_a_recording_and_drop_a_last_one_that_is_nearly_empty(n):
    starts = speaker.partials(n)
    assert starts[0] == 0
    assert (np.diff(starts) == 77).all()
    assert starts[-1] == 0 or (n / 160 - starts[-1]) / 160 >= 0.75
    assert starts[-1] + 160 > n / 160 - 77


@pytest.mark.parametrize("samples", [1, 399, 16000, 16160, 50001])
def test_mel_frames_are_librosas_however_many_are_held_together(samples, monkeypatch):
    y = np.random.default_rng(0).normal(size=samples).astype(np.float32)
    whole = speaker.mel_frames(y)
    reference = librosa.feature.melspectrogram(y=y, sr=16000, n_fft=400, hop_length=160, n_mels=40)
    np.testing.assert_array_equal(whole, reference.T.astype("f4"))
    monkeypatch.setattr(speaker, "AT_ONCE", 7)
    np.testing.assert_allclose(speaker.mel_frames(y), whole, rtol=1e-5, atol=1e-6 * whole.max())
    assert whole.shape == (1 + samples // 160, 40)


def test_spans_are_windows_of_the_whole(weights):
    y = np.random.default_rng(0).normal(size=32000).astype(np.float32)
    encoder = pretrained.SpeakerEncoder(weights, device="cpu")
    found = encoder.spans(y, [(0.5, 1.5), (0, 9), (0.2, 1.2)])
    assert found.shape == (3, 256)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert np.allclose(encoder.spans(y, [(0.2, 1.2)])[0], found[2], atol=1e-6)
    assert encoder.spans(y, []).shape[0] == 0


def test_without_weights_the_stand_in_says_what_it_is(monkeypatch):
    monkeypatch.setattr(speaker, "find_weights", lambda: None)
    encoder = pretrained.SpeakerEncoder()
    assert (encoder.label, encoder.stand_in) == ("stand-in for Resemblyzer", True)


def test_the_stand_in_tells_voices_apart_that_it_has_not_learnt_from():
    encoder = pretrained.SpeakerEncoder("stand-in")
    man, again, woman = encoder.embed([say(k, actor)[0] for k, actor in ((1, 41), (2, 41), (1, 42))])
    assert man @ again > man @ woman + 0.2


def test_the_stand_in_does_not_hear_the_level():
    mels = np.random.default_rng(0).uniform(0.1, 1, (1, 160, 40))
    assert np.allclose(speaker.statistics(mels), speaker.statistics(100 * mels), atol=1e-6)


def test_the_stand_in_is_learnt_the_same_twice():
    first, again = (speaker.StandIn.fit(range(1, 4), jobs=1) for _ in range(2))
    assert np.array_equal(first.axes, again.axes)
    assert first.axes.shape == (50, 2)


def test_a_file_with_something_else_is_named(tmp_path):
    path = tmp_path / "other.pt"
    torch.save({"weights": torch.ones(3)}, path)
    for wrong in (path, tmp_path / "none.pt"):
        with pytest.raises(ModelError, match=rf"{wrong.name} does not hold Resemblyzer's weights"):
            pretrained.SpeakerEncoder(wrong)


def test_a_recording_that_is_none_is_named(weights):
    encoder = pretrained.SpeakerEncoder(weights, device="cpu")
    with pytest.raises(AudioError, match="recording 1"):
        encoder.embed([np.zeros(16000, np.float32), np.full(16000, np.nan, np.float32)])
