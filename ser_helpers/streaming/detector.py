"""The live detector: chunks of any size, type and rate in, an estimate for every window out, the same as offline."""

import math
import numbers
import warnings
from collections import deque
from fractions import Fraction

import numpy as np

from ser_helpers.audio.signal import FRAME as SHORTEST
from ser_helpers.audio.vad import FRAME, RATE
from ser_helpers.errors import StreamError
from ser_helpers.streaming.estimates import WindowAnalyser
from ser_helpers.streaming.ring import RingBuffer
from ser_helpers.streaming.samples import StreamResampler, between, check_rate, mono

LONGEST_GAP = 86400
"""Seconds; who was away for longer begins a new stream."""
LONGEST_REPEAT = 60  # seconds; a clock that goes back by more was set back, and its samples are new


class Detector:
    """Feed it sound as it comes; it gives an estimate whenever a window is complete (Lesson 12).

    The estimates do not depend on how the sound was cut into chunks: they are those of :func:`detect` on the whole
    recording, to the bit. Memory does not grow. A detector serves one stream, in one thread at a time.

    Parameters
    ----------
    model : object
        ``classes_`` and ``predict_proba(windows)``, such as ``models.window_model()``; see `WindowAnalyser`.
    sr : int
        Rate in Hz of chunks that come without one.
    window, hop : float
        Seconds in a window, and from the end of one to the end of the next.
    gate : bool or object
        Whether to ask for speech first: a window without it is not judged. Or a gate like `audio.SpeechGate`.
    min_speech : float
        A window with a smaller share of speech is not judged.
    weight, margin : float
        Share of the newest window in the smoothed probabilities, and by how much another emotion must be ahead before
        it is shown; see `Smoother`.
    tolerance : float
        How many seconds the sender's clock may be off before samples are dropped or silence is put in.

    Attributes
    ----------
    classes_ : array (k,)
        The emotions, in the order of an estimate's probabilities.

    Examples
    --------
    >>> class Coin:
    ...     classes_ = ["angry", "sad"]
    ...     def predict_proba(self, windows):
    ...         return np.full((len(windows), 2), 0.5)
    >>> detector = Detector(Coin(), sr=8000, gate=False)
    >>> chunks = np.split(np.zeros((40000, 2), np.int16), 100)
    >>> [estimate.end for chunk in chunks for estimate in detector.feed(chunk)]
    [3.0, 4.0]
    >>> [estimate.end for estimate in detector.finish()]
    [5.0]
    """

    def __init__(
        self,
        model,
        sr=RATE,
        window=3.0,
        hop=1.0,
        gate=True,
        min_speech=0.2,
        weight=0.5,
        margin=0.1,
        tolerance=0.2,
    ):
        self._judge = WindowAnalyser(model, window, hop, gate, min_speech, weight, margin)
        self.classes_ = self._judge.classes_
        self._sr = check_rate(sr)
        if not between(tolerance, 0):
            raise StreamError(f"tolerance is a number of seconds from 0, not {tolerance!r}.")
        self._tolerance = tolerance
        self._samples = RingBuffer(self._judge.window + FRAME)
        self._missing = RingBuffer(self._judge.window + FRAME, bool)
        self._speech = RingBuffer(self._judge.window // FRAME + 1, bool)
        self._position = 0  # samples at 16 kHz written to the ring
        self._frames = 0  # frames the gate has heard
        self._end = self._judge.window  # where the next window ends
        self._stretch = None
        self._elapsed = Fraction(0)  # seconds of the stream before the stretch
        self._queued = 0  # samples at 16 kHz sent on to the queue
        self._queue = deque()
        self._ready = []
        self._resume = 0  # first sample after the last gap
        self._origin = None
        self._surplus = 0
        self._counts = {"missing": Fraction(0), "dropped": Fraction(0), "resyncs": 0}
        self._warned = self._finished = False

    @property
    def latency(self):
        """Milliseconds of work per window as a table: ``read``, ``vad``, ``features``, ``model``, ``total``.

        It holds the last 1000 windows. A stage counts all its work since the window before.
        """
        return self._judge.watch.table()

    @property
    def health(self):
        """What the stream met: ``seconds`` in all, of them ``missing``, seconds ``dropped``, number of ``resyncs``."""
        seconds = {name: float(self._counts[name]) for name in ("missing", "dropped")}
        return {"seconds": float(self._now()), **seconds, "resyncs": self._counts["resyncs"]}

    def feed(self, chunk, sr=None, at=None):
        """Take a chunk; return the estimates it completes.

        Parameters
        ----------
        chunk : array (n,) or (n, channels)
            Integers, or floats on the scale from -1 to 1; n may be anything from 0. NaN and infinite samples count as
            missing.
        sr : int
            Its rate in Hz, if it is not the detector's; it may change from chunk to chunk.
        at : float
            When its first sample was recorded, in seconds of the sender's clock. With it, samples that never came are
            replaced by silence and marked as a gap, and samples that came twice are dropped. A clock that goes back by
            more than a minute counts anew.

        Returns
        -------
        list of WindowPrediction

        Raises
        ------
        StreamError
            If these are no samples, or the stream has ended. The detector goes on as if the chunk had not come.
        """
        self._check_open()
        sr = self._sr if sr is None else check_rate(sr)
        with self._judge.watch("read"):
            y = mono(chunk)
            if at is not None:
                self._keep_time(at)
            for part in _runs(self._drop(y, sr)):
                self._take(part, sr)
        return self._work()

    def lost(self, seconds):
        """The connection was lost for so many seconds: silence takes their place; returns the estimates it completes.

        Windows with more than a tenth missing are not judged, and what was shown before is forgotten.
        """
        self._check_open()
        self._skip(check_gap(seconds))
        return self._work()

    def finish(self):
        """The stream has ended: return the last estimates.

        If at least half a hop is left, a last window ends where the stream ends. A stream shorter than a window gets
        one estimate, with silence after it.
        """
        self._check_open()
        self._close()
        ready = self._work()
        self._finished = True
        last = last_end(self._position, self._judge)
        return ready if last is None else [*ready, self._estimate(last)]

    def _check_open(self):
        if self._finished:
            raise StreamError("This stream has ended: begin a new Detector.")

    def _now(self):
        """Seconds of the stream so far, exactly."""
        return self._elapsed + (Fraction(self._stretch.taken, self._stretch.sr) if self._stretch else 0)

    def _keep_time(self, at):
        """Compare the sender's clock with the samples that came; put in silence or drop samples when it is off."""
        if not isinstance(at, numbers.Real) or not math.isfinite(at):
            raise StreamError(f"`at` is a time in seconds, not {at!r}.")
        ahead = Fraction(float(at)) - self._now()
        self._origin = ahead if self._origin is None else self._origin
        off = ahead - self._origin
        if off > self._tolerance:
            self._skip(check_gap(off))
            self._counts["resyncs"] += 1
            self._surplus = 0
        elif off < -LONGEST_REPEAT:
            self._origin += off
            self._counts["resyncs"] += 1
            self._surplus = 0
        elif off < -self._tolerance:
            self._counts["resyncs"] += not self._surplus
            self._surplus = -off

    def _drop(self, y, sr):
        """`y` without the samples that came too much."""
        dropped = min(len(y), round(self._surplus * sr))
        self._counts["dropped"] += Fraction(dropped, sr)
        left = self._surplus - Fraction(dropped, sr)
        self._surplus = left if round(left * sr) > 0 else 0
        return y[dropped:]

    def _take(self, y, sr):
        """Samples that are all there, or all missing."""
        if np.isfinite(y[0]):
            if self._stretch is None or self._stretch.sr != sr:
                self._close()
                self._stretch = StreamResampler(sr)
            self._send(self._stretch.feed(y), missing=False)
            return
        if not self._warned:
            warnings.warn("The stream holds NaN or infinite samples: they count as missing.", stacklevel=3)
            self._warned = True
        self._skip(Fraction(len(y), sr))

    def _skip(self, seconds):
        """Put in a gap."""
        self._close()
        self._elapsed += seconds
        self._counts["missing"] += seconds
        silence = np.broadcast_to(np.float32(0), math.ceil(self._elapsed * RATE) - self._queued)
        self._send(silence, missing=True)

    def _close(self):
        """End the stretch: let its resampler give what it holds back."""
        if self._stretch is not None:
            before = self._queued - self._stretch.given
            self._elapsed = self._now()
            self._send(self._stretch.close(math.ceil(self._elapsed * RATE) - before), missing=False)
            self._stretch = None

    def _send(self, y, missing):
        self._queued += len(y)
        self._queue.append((y, missing))

    def _work(self):
        """Write what is in the queue, and judge each window that it completes."""
        while self._queue:
            y, missing = self._queue.popleft()
            n = min(len(y), self._end - self._position, self._judge.window)
            if n < len(y):
                self._queue.appendleft((y[n:], missing))
            self._write(y[:n], missing)
            if self._position == self._end:
                self._end += self._judge.hop
                self._ready.append(self._estimate(self._position))
        ready, self._ready = self._ready, []
        return ready

    def _write(self, y, missing):
        with self._judge.watch("read"):
            self._samples.write(y)
            self._missing.write(np.broadcast_to(missing, len(y)))
            self._position += len(y)
        if self._judge.gate is not None:
            with self._judge.watch("vad"):
                self._listen(missing)

    def _listen(self, missing):
        """Ask the gate about the frames that the last samples completed; a frame with a gap in it is no speech."""
        first, self._frames = self._frames, self._position // FRAME
        if missing:
            self._resume = self._position
            self._judge.gate.reset()
        deaf = min(max(-(-self._resume // FRAME), first), self._frames)
        self._speech.write(np.zeros(deaf - first, bool))
        if deaf < self._frames:
            frames = self._samples.last(self._position - deaf * FRAME)[: (self._frames - deaf) * FRAME]
            self._speech.write(self._judge.gate.feed(frames) >= self._judge.gate.threshold)

    def _estimate(self, end):
        length = min(self._judge.window, end)
        heard = self._speech.last(end // FRAME - -(-(end - length) // FRAME) if self._judge.gate else 0)
        return self._judge(end, self._samples.last(length), heard, self._missing.last(length).mean())


def last_end(position, judge):
    """Where the window ends that closes a stream of `position` samples; None if the windows before are enough."""
    if position < judge.window:
        return position if position >= SHORTEST * RATE else None
    return position if 2 * ((position - judge.window) % judge.hop) >= judge.hop else None


def check_gap(seconds):
    """A gap in whole samples at 16 kHz, as an exact number of seconds."""
    if not between(seconds, 0, LONGEST_GAP):
        shown = f"{float(seconds):g} s" if isinstance(seconds, numbers.Real) else repr(seconds)
        raise StreamError(f"A gap lasts from 0 s to a day ({LONGEST_GAP} s), not {shown}: begin a new Detector.")
    return Fraction(round(seconds * RATE), RATE)


def _runs(y):
    """Parts of `y` in which all samples are finite, or none is."""
    finite = np.isfinite(y)
    if finite.all():
        return [y] if len(y) else []
    return np.split(y, np.flatnonzero(finite[1:] != finite[:-1]) + 1)
