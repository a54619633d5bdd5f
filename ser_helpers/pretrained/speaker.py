"""Whose voice is it? One vector per stretch of speech, near to the others of the same speaker.

The speaker encoder's network and its published weights: three LSTM layers that end in one vector per window.

What the speaker encoder hears: mel frames of speech, and the windows they are cut into.

What takes the speaker encoder's place where its weights are not: what its spectrum is like.
"""

import importlib.util
from pathlib import Path

import numpy as np
import torch
from joblib import Parallel, delayed
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import nn

from ser_helpers import audio, paths
from ser_helpers.cache import cached, version
from ser_helpers.errors import ModelError
from ser_helpers.pretrained.encoder import one_core
from ser_helpers.synthesis import EMOTIONS, say, sentences
from ser_helpers.synthesis.rng import make_rng

ALIKE = {"Resemblyzer": 0.685, "stand-in": 0.29}
"""Mean cosine between seconds of one speaker, at the least: measured on the embedded conversations, which are clean."""

_BATCH = 64


class SpeakerEncoder:
    """Resemblyzer's speaker encoder: a voice as 256 numbers of length 1; the cosine says how alike two voices are.

    The network is written here (see `SpeakerNetwork`); its weights come with the package Resemblyzer. Where they are
    missing, statistics of the spectrum and a linear discriminant, learnt from the embedded actors 1 to 24, take their
    place; `label` says so.

    Parameters
    ----------
    weights : "auto", "stand-in" or path
        "auto" takes Resemblyzer's weights if they are on this machine, in ``SER_MODELS_HOME/resemblyzer`` or installed.
    device : str
        "cuda", "mps", "cpu", or "auto" for the first of these there is.

    Attributes
    ----------
    label : str
        As "Resemblyzer" or "stand-in for Resemblyzer".
    stand_in : bool
        Whether this is the stand-in.
    alike : float
        Mean cosine between seconds of speech from which on they are taken for one speaker's.

    Raises
    ------
    ModelError
        The file named is not there, or holds other weights.

    Notes
    -----
    Used in Lesson 13. Wan, Wang, Papir and Moreno (2018), "Generalized end-to-end loss for speaker verification",
    https://doi.org/10.1109/ICASSP.2018.8462665.

    Examples
    --------
    >>> from ser_helpers.synthesis import say
    >>> encoder = SpeakerEncoder(device="cpu")
    >>> first, again, other = encoder.embed([say(1, actor)[0] for actor in (1, 1, 2)])
    >>> bool(first @ again > first @ other)
    True
    """

    def __init__(self, weights="auto", device="auto"):
        self.weights, self.device = weights, device
        self._network = self._found()
        self.stand_in = self._network is None
        self.label = "stand-in for Resemblyzer" if self.stand_in else "Resemblyzer"
        self.alike = ALIKE["stand-in" if self.stand_in else "Resemblyzer"]
        self._actors = StandIn.ready() if self.stand_in else None

    def embed(self, waveforms):
        """One vector per recording: the mean over windows of 1.6 s, brought to length 1.

        Parameters
        ----------
        waveforms : list of array (n,)
            Mono speech at 16 kHz, at least 25 ms each, one speaker each.

        Returns
        -------
        array (recordings, numbers), float32

        Raises
        ------
        AudioError
            If a recording is not mono, not finite or too short; the message says which.
        """
        rows = []
        for i, y in enumerate(waveforms):
            y = loud(audio.check(y, SAMPLE_RATE, f"recording {i}"))
            starts = partials(len(y))
            mels = mel_frames(np.pad(y, (0, max((starts[-1] + WINDOW) * HOP - len(y), 0))))
            rows.append(unit(self._vectors([mels[s : s + WINDOW] for s in starts]).mean(axis=0)))
        return np.array(rows, np.float32)

    def spans(self, y, spans):
        """A vector for each of some short stretches of one recording.

        Parameters
        ----------
        y : array (n,)
            Mono samples at 16 kHz.
        spans : list of (float, float)
            Start and end in seconds. The network was trained on 1.6 s; shorter stretches follow quicker turns.

        Returns
        -------
        array (spans, numbers), float32

        Raises
        ------
        AudioError
            If the recording is not mono, not finite or too short.
        """
        mels = mel_frames(loud(audio.check(y, SAMPLE_RATE)))
        first, last = (np.rint(100 * np.reshape(spans, (-1, 2))).astype(int)).T
        first = np.clip(first, 0, len(mels) - 1)
        sizes = np.clip(last, first + 1, len(mels)) - first
        vectors = [None] * len(first)
        for size in np.unique(sizes):
            which = np.flatnonzero(sizes == size)
            for i, vector in zip(which, self._vectors([mels[k : k + size] for k in first[which]]), strict=True):
                vectors[i] = vector
        return np.array(vectors, np.float32)

    def _found(self):
        """The network with Resemblyzer's weights, or None."""
        if self.weights == "stand-in":
            return None

        path = find_weights() if self.weights == "auto" else self.weights
        return path and load_network(path, self.device)

    def _vectors(self, mels):
        """(windows, numbers) of a list of mel spectrograms of one length, which are put together batch by batch."""
        return np.concatenate([self._batch(np.array(mels[k : k + _BATCH])) for k in range(0, len(mels), _BATCH)])

    def _batch(self, mels):
        if self.stand_in:
            return self._actors.vectors(mels)
        import torch

        with one_core(), torch.inference_mode():
            return self._network(torch.from_numpy(mels)).cpu().numpy()


HIDDEN, LAYERS = 256, 3
WEIGHTS = "pretrained.pt"


class SpeakerNetwork(nn.Module):
    """Three LSTM layers of 256, a linear layer and ReLU; the output has length 1. Wan et al. (2018), Lesson 13.

    Trained with the GE2E loss, which draws windows of one speaker together and others away:
    https://doi.org/10.1109/ICASSP.2018.8462665.

    >>> SpeakerNetwork()(torch.ones(2, 160, 40)).norm(dim=1).round().tolist()
    [1.0, 1.0]
    """

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(MELS, HIDDEN, LAYERS, batch_first=True)
        self.linear = nn.Linear(HIDDEN, HIDDEN)

    def forward(self, mels):
        """Vectors (windows, 256) of mel spectrograms (windows, frames, 40)."""
        _, (hidden, _) = self.lstm(mels.to(self.linear.weight.device))
        return nn.functional.normalize(torch.relu(self.linear(hidden[-1])), eps=1e-12)


def find_weights():
    """Path of Resemblyzer's weights: ``models_home()/resemblyzer``, else in the installed package; None if neither.

    The package itself is not imported.

    >>> path = find_weights()
    >>> path is None or path.name
    'pretrained.pt'
    """
    spec = importlib.util.find_spec("resemblyzer")
    installed = spec.submodule_search_locations or () if spec else ()
    folders = [paths.models_home() / "resemblyzer", *map(Path, installed)]
    return next((folder / WEIGHTS for folder in folders if (folder / WEIGHTS).is_file()), None)


def load_network(path, device="auto"):
    """The network with the weights in `path`, ready to be used; ModelError if the file holds something else."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
        network = SpeakerNetwork()
        network.load_state_dict({name: state[name] for name in network.state_dict()})
    except Exception as error:
        raise ModelError(f"{path} does not hold Resemblyzer's weights: install Resemblyzer again.") from error
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    return network.eval().to(device)


SAMPLE_RATE, FFT, HOP, MELS = 16000, 400, 160, 40
WINDOW = 160
"""Frames of 10 ms that the network hears at once: 1.6 s, as in its training."""

AT_ONCE = 60000
"""Frames whose spectra are held together: 10 minutes."""

RATE, COVERAGE = 1.3, 0.75
LOUDNESS = -30.0
"""dBFS to which quieter recordings are raised."""


def mel_frames(y):
    """Mel power spectrogram (frames, 40), float32, of samples at 16 kHz: 25 ms windows, 10 ms hop, not in dB.

    >>> mel_frames(np.zeros(16000)).shape
    (101, 40)
    """
    import librosa

    frames, heard = 1 + len(y) // HOP, np.pad(y, FFT // 2)
    parts = []
    for first in range(0, frames, AT_ONCE):
        part = heard[first * HOP : (min(first + AT_ONCE, frames) - 1) * HOP + FFT]
        mels = librosa.feature.melspectrogram(
            y=part, sr=SAMPLE_RATE, n_fft=FFT, hop_length=HOP, n_mels=MELS, center=False
        )
        parts.append(mels.T.astype("f4"))
    return np.concatenate(parts)


def loud(y):
    """`y` at -30 dBFS if it is quieter than that.

    >>> round(float(np.std(loud(0.001 * np.sin(np.arange(1000))))), 3)
    0.032
    """
    level = np.sqrt(np.mean(np.square(y, dtype=float)))
    wanted = 10 ** (LOUDNESS / 20)
    return y * np.float32(wanted / level) if 0 < level < wanted else y


def partials(n):
    """First frames of the windows of 1.6 s that cover `n` samples, 1.3 a second; the last holds 0.75 of a window.

    >>> partials(16000 * 4).tolist()
    [0, 77, 154, 231]
    """
    frames, step = -(-(n + 1) // HOP), round(SAMPLE_RATE / RATE / HOP)
    starts = np.arange(0, max(1, frames - WINDOW + step + 1), step)
    covered = (n / HOP - starts[-1]) / WINDOW
    return starts[:-1] if covered < COVERAGE and len(starts) > 1 else starts


def unit(vectors):
    """Vectors at length 1.

    >>> unit(np.array([3.0, 4.0])).tolist()
    [0.6, 0.8]
    """
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


ACTORS = range(1, 25)
BAND = slice(4, 29)
"""Mel bands from 300 to 3400 Hz: what a telephone leaves."""

WINDOWS = (80, 120, 160)
"""Frames of the training windows."""

SNR = (5, 30)  # dB, least and most
TEXTS = 48


class StandIn:
    """A linear discriminant on the mean and deviation of log-mel bands: the same speaker near, others far. Lesson 13.

    >>> StandIn.ready().vectors([np.ones((160, 40), np.float32)]).shape
    (1, 23)
    """

    def __init__(self, mean, axes):
        self.mean, self.axes = mean, axes

    @classmethod
    def ready(cls):
        """The stand-in learnt from the embedded actors; the first time on a machine that takes a few seconds."""
        path = paths.cache_home() / "checkpoints" / f"speakers-{version(__name__)}.npz"
        return cached(path, cls._make, cls._read)

    @classmethod
    def _make(cls, path):
        learnt = cls.fit()
        np.savez(path, mean=learnt.mean, axes=learnt.axes)

    @classmethod
    def _read(cls, path):
        with np.load(path, allow_pickle=False) as kept:
            return cls(kept["mean"], kept["axes"])

    @classmethod
    def fit(cls, actors=ACTORS, jobs=2):
        """Learn which directions tell the actors apart, whatever they feel and say."""
        heard = Parallel(jobs)(delayed(_heard)(actor) for actor in actors)
        X = np.concatenate(heard)
        who = np.repeat(list(actors), [len(rows) for rows in heard])
        lda = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto").fit(X, who)
        return cls(X.mean(axis=0), lda.scalings_[:, : len(lda.classes_) - 1])

    def vectors(self, mels):
        """Vectors (windows, 23) of length 1, float32, of mel spectrograms (windows, frames, 40)."""
        projected = (statistics(np.asarray(mels)) - self.mean) @ self.axes
        lengths = np.linalg.norm(projected, axis=1, keepdims=True)
        return (projected / np.maximum(lengths, 1e-12)).astype(np.float32)


def statistics(mels):
    """Mean and deviation over time of the log-mel bands of a telephone, (windows, 50), whatever the level.

    >>> statistics(np.ones((2, 160, 40))).shape
    (2, 50)
    """
    levels = np.log(mels[:, :, BAND] + 1e-3 * mels[:, :, BAND].mean(axis=(1, 2), keepdims=True) + 1e-12)
    levels -= levels.mean(axis=(1, 2), keepdims=True)
    return np.concatenate([levels.mean(axis=1), levels.std(axis=1)], axis=1)


def _heard(actor):
    """Statistics of windows of one actor, each emotion in another sentence, with noise."""
    rows, texts = [], sentences()[:TEXTS]
    for k, emotion in enumerate(EMOTIONS):
        rng = make_rng("stand-in", actor, emotion)
        y, _ = say(texts[rng.integers(len(texts))], actor, emotion)
        noise = rng.normal(size=len(y)) * np.std(y) * 10 ** (-rng.uniform(*SNR) / 20)
        mels = mel_frames((y + noise).astype(np.float32))
        size = min(WINDOWS[k % len(WINDOWS)], len(mels))
        rows += [mels[s : s + size] for s in range(0, len(mels) - size + 1, 40)]
    return np.concatenate([statistics(row[None]) for row in rows])
