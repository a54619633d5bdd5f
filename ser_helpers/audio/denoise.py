"""Noise reduction by spectral gating, of a whole recording or of a stream, with the same result.

What is quiet in all of the last seconds is taken for noise; where a frequency is hardly louder than that, it is turned
down. The gate is that of the package noisereduce by Tim Sainburg: Sainburg, Thielk and Gentner (2020),
doi:10.1371/journal.pcbi.1008228.
"""

from collections import deque

import numpy as np

from ser_helpers.audio.signal import check
from ser_helpers.errors import AudioError

FRAME = 0.032
"""Seconds of a frame, about; frames are a quarter of this apart."""
BLOCK, CONTEXT = 32, 12  # frames that are cleaned together, and heard before and after them
HISTORY = 80  # blocks, about 20 s, in which to look for noise
SMOOTH = 250  # Hz over which the gate is smoothed: more would take from the lowest voices
QUIET, FEWEST = 8, 4  # blocks: so many of the quietest are the noise; with fewer there is nothing to go by


class NoiseReducer:
    """Reduces the noise of a stream of mono chunks; how they are cut does not matter (Lesson 13).

    The noise is learned from the quietest tenth of the last 20 s, so it may change slowly. The first second passes as
    it is, and so do missing (NaN or infinite) samples. What comes out is as long as what went in, 0.35 s late.

    Parameters
    ----------
    sr : int
        Sample rate in Hz, from 4000.
    strength : float
        By how much noise is turned down, from 0 (not at all) to 1 (to silence).
    deviations : float
        By how many standard deviations above the mean of the noise in dB a sound must be to pass.

    Examples
    --------
    >>> reducer = NoiseReducer(8000)
    >>> chunks = [reducer.feed(chunk) for chunk in np.split(np.zeros(24000, np.float32), 100)]
    >>> len(np.concatenate([*chunks, reducer.finish()]))
    24000
    """

    def __init__(self, sr, strength=0.5, deviations=1.5):
        import noisereduce

        if not 4000 <= sr < np.inf:
            raise ValueError(f"sr is a sample rate from 4000 Hz, not {sr!r}.")
        if not 0 <= strength <= 1:
            raise ValueError(f"strength is a share from 0 to 1, not {strength!r}.")
        self._gate, self._sr, self._strength, self._deviations = noisereduce.reduce_noise, sr, strength, deviations
        self._frame = 2 ** round(np.log2(FRAME * sr))
        self._block, self._context = BLOCK * self._frame // 4, CONTEXT * self._frame // 4
        self._waiting = np.zeros(self._context, np.float32)  # what was before, then what is not cleaned yet
        self._blocks = deque(maxlen=HISTORY)  # (loudness, samples)

    def feed(self, y):
        """Take samples (n,), float; return the cleaned ones that they complete, float32. AudioError for others."""
        y = np.asarray(y)
        if y.ndim != 1 or y.dtype.kind != "f":
            raise AudioError(f"Noise is reduced in float samples (n,), not in {y.dtype} of shape {y.shape}.")
        self._waiting = np.concatenate([self._waiting, y.astype(np.float32, copy=False)])
        ready = []
        while len(self._waiting) >= self._block + 2 * self._context:
            ready.append(self._clean(self._waiting[: self._block + 2 * self._context], self._block))
            self._waiting = self._waiting[self._block :]
        return np.concatenate(ready) if ready else np.zeros(0, np.float32)

    def finish(self):
        """The stream has ended: return the rest. The next chunk begins a new one, in the same noise."""
        left = len(self._waiting) - self._context
        rest = self.feed(np.zeros(-left % self._block + self._context, np.float32))[:left]
        self._waiting = np.zeros(self._context, np.float32)
        return rest

    def _clean(self, heard, length):
        """The middle of `heard`, its noise turned down."""
        inside = slice(self._context, self._context + length)
        finite = np.isfinite(heard)
        sound = np.where(finite, heard, 0)
        if finite[inside].all() and sound[inside].any():
            self._blocks.append((float(np.mean(np.square(sound[inside]))), sound[inside]))
        if len(self._blocks) >= FEWEST:
            quiet = [block for _, block in sorted(self._blocks, key=lambda pair: pair[0])[:QUIET]]
            sound = self._gate(
                sound,
                self._sr,
                y_noise=np.concatenate(quiet),
                stationary=True,
                prop_decrease=self._strength,
                n_std_thresh_stationary=self._deviations,
                freq_mask_smooth_hz=SMOOTH,
                n_fft=self._frame,
                chunk_size=QUIET * self._block,
                padding=0,
            )
        return np.where(finite, sound, heard)[inside].astype(np.float32)


def reduce_noise(y, sr, strength=0.5, deviations=1.5):
    """A recording with its noise turned down: what `NoiseReducer` makes of it, (n,) float32 (Lesson 13).

    Parameters
    ----------
    y : array (n,)
        Mono samples.
    sr, strength, deviations
        As for `NoiseReducer`.

    Raises
    ------
    AudioError
        If `y` is no recording (see :func:`ser_helpers.audio.check`).

    Examples
    --------
    >>> hiss = 0.01 * np.random.default_rng(0).standard_normal(80000)
    >>> bool(np.std(reduce_noise(hiss, 8000)[40000:]) < 0.6 * np.std(hiss))
    True
    """
    y, reducer = check(y, sr), NoiseReducer(sr, strength, deviations)
    return np.concatenate([reducer.feed(y), reducer.finish()])
