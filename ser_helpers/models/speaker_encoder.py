"""Whose voice is it? One vector per stretch of speech, near to the others of the same speaker."""

import numpy as np

from ser_helpers import audio
from ser_helpers.models.batches import one_core
from ser_helpers.models.speaker_mels import HOP, SAMPLE_RATE, WINDOW, loud, mel_frames, partials, unit
from ser_helpers.models.speaker_stand_in import StandIn

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
        from ser_helpers.models import speaker_network

        path = speaker_network.find_weights() if self.weights == "auto" else self.weights
        return path and speaker_network.load_network(path, self.device)

    def _vectors(self, mels):
        """(windows, numbers) of a list of mel spectrograms of one length, which are put together batch by batch."""
        return np.concatenate([self._batch(np.array(mels[k : k + _BATCH])) for k in range(0, len(mels), _BATCH)])

    def _batch(self, mels):
        if self.stand_in:
            return self._actors.vectors(mels)
        import torch

        with one_core(), torch.inference_mode():
            return self._network(torch.from_numpy(mels)).cpu().numpy()
