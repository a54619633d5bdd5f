"""Noise reduction by spectral gating, of a whole recording or of a stream, with the same result.

The quietest parts of the last 20 s are taken as noise. Their mean and deviation in each frequency give a threshold, and
time-frequency bins below it are attenuated. The gate is that of the package noisereduce by Tim Sainburg: Sainburg,
Thielk and Gentner (2020), doi:10.1371/journal.pcbi.1008228.
"""

from collections import deque

import numpy as np

from ser_helpers.audio.signal import check
from ser_helpers.errors import AudioError

FRAME = 0.032
"""Approximate seconds of a frame; frames start a quarter of this apart."""
BLOCK, CONTEXT = 32, 12  # hops that are cleaned together, and hops before and after them that the gate also sees
HISTORY = 80  # blocks, about 20 s, among which the noise is looked for
SMOOTH = 250  # Hz over which the gate is smoothed: wider, and it would attenuate the lowest voices
QUIET, FEWEST = 8, 4  # blocks: the 8 quietest are taken as noise, once there are 4


class NoiseReducer:
    """Reduces the noise of a stream of mono chunks; how they are cut does not matter (Lesson 13).

    The noise is estimated from the quietest tenth of the last 20 s, so it may change slowly. The first second and
    missing (NaN or infinite) samples pass unchanged. The output is as long as the input, 0.35 s late.

    Parameters
    ----------
    sr : int
        Sample rate in Hz, from 4000.
    strength : float
        How far noise is attenuated, from 0 (not at all) to 1 (to silence).
    deviations : float
        A bin passes if it is that many standard deviations above the mean of the noise, in dB.

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
        self._frame = 2 ** round(np.log2(FRAME * sr))  # a power of two, for the FFT
        self._block, self._context = BLOCK * self._frame // 4, CONTEXT * self._frame // 4
        self._waiting = np.zeros(self._context, np.float32)  # the context before, then what is not cleaned yet
        self._blocks = deque(maxlen=HISTORY)  # (loudness, samples)

    def feed(self, y):
        """Take samples (n,), float; return the cleaned ones that they complete, float32. AudioError for other types."""
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
        """The stream has ended: return the rest. The next chunk begins a new one, with the same noise."""
        left = len(self._waiting) - self._context
        # Silence fills the last block and its context, so that `feed` gives all that is left.
        rest = self.feed(np.zeros(-left % self._block + self._context, np.float32))[:left]
        self._waiting = np.zeros(self._context, np.float32)
        return rest

    def _clean(self, y, length):
        """The middle `length` samples of `y`, their noise attenuated."""
        inside = slice(self._context, self._context + length)
        finite = np.isfinite(y)
        sound = np.where(finite, y, 0)
        # Digital silence and gaps say nothing about the noise.
        if finite[inside].all() and sound[inside].any():
            self._blocks.append((float(np.mean(np.square(sound[inside]))), sound[inside]))
        if len(self._blocks) >= FEWEST:
            quiet = [block for _, block in sorted(self._blocks, key=lambda pair: pair[0])[:QUIET]]
            sound = self._gate(
                sound,
                self._sr,
                y_noise=np.concatenate(quiet),
                stationary=True,  # one threshold per frequency, from `y_noise`
                prop_decrease=self._strength,
                n_std_thresh_stationary=self._deviations,
                freq_mask_smooth_hz=SMOOTH,
                n_fft=self._frame,
                chunk_size=QUIET * self._block,
                padding=0,
            )
        return np.where(finite, sound, y)[inside].astype(np.float32)


def reduce_noise(y, sr, strength=0.5, deviations=1.5):
    """A mono recording `y` (n,) after a `NoiseReducer`, float32; AudioError if `audio.check` refuses it (Lesson 13).

    >>> hiss = 0.01 * np.random.default_rng(0).standard_normal(80000)
    >>> bool(np.std(reduce_noise(hiss, 8000)[40000:]) < 0.6 * np.std(hiss))
    True
    """
    y, reducer = check(y, sr), NoiseReducer(sr, strength, deviations)
    return np.concatenate([reducer.feed(y), reducer.finish()])
