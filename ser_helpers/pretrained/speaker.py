"""Whose voice is it? Resemblyzer's speaker encoder, and a linear discriminant that replaces it without its weights."""

import importlib.util
from pathlib import Path

import numpy as np
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import nn

from ser_helpers import audio, paths
from ser_helpers.cache import cached, version
from ser_helpers.errors import ModelError
from ser_helpers.pretrained.encoder import one_core
from ser_helpers.pretrained.hub import choose_device
from ser_helpers.synthesis import EMOTIONS, say, sentences
from ser_helpers.synthesis.rng import make_rng

SAMPLE_RATE, FFT, HOP, MELS = 16000, 400, 160, 40
LOUDNESS = -30.0  # dBFS
FRAMES_AT_ONCE = 60_000  # 10 minutes: bounds the memory for spectra
HIDDEN, LAYERS = 256, 3
WEIGHTS = "pretrained.pt"
BATCH = 64


class SpeakerEncoder:
    """Resemblyzer's speaker encoder: a voice as 256 numbers of length 1; the cosine measures how similar two are.

    The network is written here (see `SpeakerNetwork`); its weights come with the package Resemblyzer. If they are
    missing, statistics of the spectrum and a linear discriminant, learnt from the embedded actors 1 to 24, replace it;
    `label` says so. Raises ModelError if the file does not exist or contains different weights. Lesson 13. Wan, Wang,
    Papir and Moreno (2018), "Generalized end-to-end loss for speaker verification", doi:10.1109/ICASSP.2018.8462665.

    Parameters
    ----------
    weights : "auto", "stand-in" or path
        "auto" takes Resemblyzer's weights if they are on this machine, in ``SER_MODELS_HOME/resemblyzer`` or installed.
    device : str
        As for ``Encoder``.

    Attributes
    ----------
    label : str
        "Resemblyzer" or "stand-in for Resemblyzer".
    stand_in : bool
    same_speaker_threshold : float
        Windows are taken for one speaker's if the mean cosine between them is at least this. Measured on seconds of
        the embedded conversations, which are clean.

    Examples
    --------
    >>> from ser_helpers.synthesis import say
    >>> encoder = SpeakerEncoder(device="cpu")
    >>> y = np.concatenate([say(k, actor)[0][:24000] for k, actor in ((1, 1), (2, 1), (1, 2))])
    >>> first, again, other = encoder.embed(y, [(0, 1.5), (1.5, 3), (3, 4.5)])
    >>> bool(first @ again > first @ other)
    True
    """

    def __init__(self, weights="auto", device="auto"):
        path = find_weights() if weights == "auto" else None if weights == "stand-in" else weights
        self.stand_in = path is None
        self.label = "stand-in for Resemblyzer" if self.stand_in else "Resemblyzer"
        self.same_speaker_threshold = 0.29 if self.stand_in else 0.685
        self._network = StandIn.load() if self.stand_in else load_network(path, device)

    def embed(self, y, spans):
        """One vector for each span of a recording: an array (spans, dims), float32.

        `y` (n,) is mono at 16 kHz; AudioError if not, or if it is not finite or too short. `spans` are pairs of start
        and end in seconds. The network was trained on 1.6 s; shorter spans follow faster turns.
        """
        mels = mel_frames(amplify(audio.check(y, SAMPLE_RATE)))
        first, last = (np.rint(100 * np.reshape(spans, (-1, 2))).astype(int)).T
        first = np.clip(first, 0, len(mels) - 1)
        sizes = np.clip(last, first + 1, len(mels)) - first
        vectors = [None] * len(first)
        for size in np.unique(sizes):  # spans of one length make batches without padding
            chosen = np.flatnonzero(sizes == size)
            for i, vector in zip(chosen, self._vectors([mels[k : k + size] for k in first[chosen]]), strict=True):
                vectors[i] = vector
        return np.array(vectors, np.float32)

    def _vectors(self, mels):
        """Vectors (windows, dims) of mel spectrograms (frames, 40) of one length."""
        batches = (torch.from_numpy(np.array(mels[k : k + BATCH])) for k in range(0, len(mels), BATCH))
        with one_core(), torch.inference_mode():
            return np.concatenate([self._network(batch).cpu().numpy() for batch in batches])


class SpeakerNetwork(nn.Module):
    """Three LSTM layers of 256, a linear layer and ReLU; the output has length 1. Lesson 13.

    Trained with the GE2E loss, which moves a speaker's windows together and those of different speakers apart; see
    `SpeakerEncoder` for the paper.
    """

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(MELS, HIDDEN, LAYERS, batch_first=True)
        self.linear = nn.Linear(HIDDEN, HIDDEN)

    def forward(self, mels):
        """Vectors (windows, 256) of mel spectrograms (windows, frames, 40)."""
        _, (hidden, _) = self.lstm(mels.to(self.linear.weight.device))  # (layers, windows, 256) after the last frame
        return nn.functional.normalize(torch.relu(self.linear(hidden[-1])), eps=1e-12)


def find_weights():
    """Path of Resemblyzer's weights: ``models_home()/resemblyzer``, else in the installed package; None if neither.

    The package itself is not imported.
    """
    spec = importlib.util.find_spec("resemblyzer")
    installed = spec.submodule_search_locations or () if spec else ()
    folders = [paths.models_home() / "resemblyzer", *map(Path, installed)]
    return next((folder / WEIGHTS for folder in folders if (folder / WEIGHTS).is_file()), None)


def load_network(path, device="auto"):
    """The network with the weights in `path`, in evaluation mode; ModelError if the file contains something else."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
        network = SpeakerNetwork()
        network.load_state_dict({name: state[name] for name in network.state_dict()})  # the rest belongs to the loss
    except Exception as error:
        raise ModelError(f"{path} does not contain Resemblyzer's weights: install Resemblyzer again.") from error
    return network.eval().to(choose_device(device))


def mel_frames(y):
    """Mel power spectrogram (frames, 40), float32, of samples at 16 kHz: 25 ms windows, 10 ms hop, not in dB."""
    import librosa

    frames, padded = 1 + len(y) // HOP, np.pad(y, FFT // 2)  # librosa's center=True, so that parts can be joined
    parts = []
    for first in range(0, frames, FRAMES_AT_ONCE):
        part = padded[first * HOP : (min(first + FRAMES_AT_ONCE, frames) - 1) * HOP + FFT]
        mels = librosa.feature.melspectrogram(
            y=part, sr=SAMPLE_RATE, n_fft=FFT, hop_length=HOP, n_mels=MELS, center=False
        )
        parts.append(mels.T.astype("f4"))
    return np.concatenate(parts)


def amplify(y):
    """`y` at -30 dBFS if it is quieter than that.

    >>> round(float(np.std(amplify(0.001 * np.sin(np.arange(1000))))), 3)
    0.032
    """
    level = np.sqrt(np.mean(np.square(y, dtype=float)))
    target = 10 ** (LOUDNESS / 20)
    return y * np.float32(target / level) if 0 < level < target else y


ACTORS = range(1, 25)
BAND = slice(4, 29)  # mel bands from 300 to 3400 Hz: those that a telephone transmits
WINDOWS = (80, 120, 160)  # frames of the training windows
SNR = (5, 30)  # dB
SENTENCES = 48


class StandIn:
    """A linear discriminant on the mean and deviation of log-mel bands: it separates unseen speakers too. Lesson 13."""

    def __init__(self, mean, axes):
        self.mean, self.axes = mean, axes

    @classmethod
    def load(cls):
        """The stand-in learnt from the embedded actors; the first time on a machine that takes a few seconds."""
        path = paths.cache_home() / "checkpoints" / f"speakers-{version(__name__)}.npz"
        return cached(path, cls._save_fit, cls._read)

    @classmethod
    def _save_fit(cls, path):
        fitted = cls.fit()
        np.savez(path, mean=fitted.mean, axes=fitted.axes)

    @classmethod
    def _read(cls, path):
        with np.load(path, allow_pickle=False) as stored:
            return cls(stored["mean"], stored["axes"])

    @classmethod
    def fit(cls, actors=ACTORS):
        """Learn the directions that separate the actors, whatever their emotion and sentence."""
        rows = [_actor_statistics(actor) for actor in actors]
        X, y = np.concatenate(rows), np.repeat(list(actors), [len(part) for part in rows])
        lda = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto").fit(X, y)
        return cls(X.mean(axis=0), lda.scalings_[:, : len(lda.classes_) - 1])

    def __call__(self, mels):
        """Vectors (windows, 23) of length 1, float32, of mel spectrograms (windows, frames, 40), as tensors."""
        projected = (statistics(mels.numpy()) - self.mean) @ self.axes
        lengths = np.linalg.norm(projected, axis=1, keepdims=True)
        return torch.from_numpy((projected / np.maximum(lengths, 1e-12)).astype(np.float32))


def statistics(mels):
    """Mean and deviation over time of the log-mel bands of a telephone, (windows, 50), independent of the level."""
    levels = np.log(mels[:, :, BAND] + 1e-3 * mels[:, :, BAND].mean(axis=(1, 2), keepdims=True) + 1e-12)
    levels -= levels.mean(axis=(1, 2), keepdims=True)
    return np.concatenate([levels.mean(axis=1), levels.std(axis=1)], axis=1)


def _actor_statistics(actor):
    """Statistics of windows of one actor, each emotion in a different sentence, with noise."""
    rows, texts = [], sentences()[:SENTENCES]
    for k, emotion in enumerate(EMOTIONS):
        rng = make_rng("stand-in", actor, emotion)
        y, _ = say(texts[rng.integers(len(texts))], actor, emotion)
        noise = rng.normal(size=len(y)) * np.std(y) * 10 ** (-rng.uniform(*SNR) / 20)
        mels = mel_frames((y + noise).astype(np.float32))
        size = min(WINDOWS[k % len(WINDOWS)], len(mels))
        rows += [mels[s : s + size] for s in range(0, len(mels) - size + 1, 40)]
    return np.concatenate([statistics(row[None]) for row in rows])
