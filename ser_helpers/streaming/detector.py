"""The live detector: chunks of any size, type and rate in, a prediction for every window out, the same as offline."""

import math
import numbers
import warnings
from collections import deque
from fractions import Fraction

import numpy as np

from ser_helpers.audio.signal import FRAME as SHORTEST
from ser_helpers.audio.signal import StreamResampler
from ser_helpers.audio.vad import FRAME, RATE
from ser_helpers.errors import StreamError
from ser_helpers.streaming.predictions import WindowAnalyser
from ser_helpers.streaming.ring import RingBuffer
from ser_helpers.streaming.samples import between, check_rate, mono, runs

MAX_GAP = 86400
"""Seconds; after a longer gap a new stream begins."""
MAX_REPEAT = 60  # seconds; a clock that goes back by more was set back, and its samples are new


class Detector:
    """Feed it sound as it arrives; it returns a prediction whenever a window is complete (Lesson 12).

    The predictions do not depend on how the sound was cut into chunks: they are those of :func:`detect` on the whole
    recording, to the bit. Memory does not grow. A detector serves one stream, in one thread at a time.

    Parameters
    ----------
    model : WindowModel or classifier
        Such as ``models.window_model()``, or anything with ``classes_`` and ``predict_proba(windows)``.
    sr : int
        Rate in Hz of chunks that come without one.
    window, hop : float
        Seconds in a window, and from the end of one to the end of the next.
    vad : bool or object
        True: windows without speech get no emotion; False: everything counts as speech; or an object with the
        ``feed``, ``reset`` and ``threshold`` of an ``audio.VoiceActivityDetector``.
    min_speech : float
        The least share of speech for which an emotion is predicted.
    weight, margin : float
        Share of the newest window in the smoothed probabilities, and by how much another emotion must be ahead before
        it is shown; see `smoothing.Smoother`.
    tolerance : float
        How many seconds the sender's clock may be off before samples are dropped or silence is inserted.
    dimensions : WindowModel, str or Path, optional
        A second model of the same windows, of valence and arousal from -1 to 1, such as ``models.window_dimensions()``.
    voice : models.Voice, optional
        For a model that measures each voice against itself: the ``voice`` of an earlier detector of the same speaker,
        to go on from there. By default a new one.

    Attributes
    ----------
    classes_ : array (k,)
        The emotions, in the order of a prediction's probabilities.
    dimensions_ : tuple of str
        The names of a prediction's ``dimensions``; () without a model of them.
    voice : models.Voice or None
        What the model knows of this voice; None if it does not measure voices against themselves.

    Examples
    --------
    >>> class Even:
    ...     classes_ = ["angry", "sad"]
    ...     def predict_proba(self, windows):
    ...         return np.full((len(windows), 2), 0.5)
    >>> detector = Detector(Even(), sr=8000, vad=False)
    >>> chunks = np.split(np.zeros((40000, 2), np.int16), 100)
    >>> [prediction.end for chunk in chunks for prediction in detector.feed(chunk)]
    [3.0, 4.0]
    >>> [prediction.end for prediction in detector.finish()]
    [5.0]
    """

    def __init__(
        self,
        model,
        sr=RATE,
        window=3.0,
        hop=1.0,
        vad=True,
        min_speech=0.2,
        weight=0.5,
        margin=0.1,
        tolerance=0.2,
        dimensions=None,
        voice=None,
    ):
        self._analyser = WindowAnalyser(model, window, hop, vad, min_speech, weight, margin, dimensions, voice)
        self.voice = self._analyser.voice
        self.classes_, self.dimensions_ = self._analyser.classes_, self._analyser.dimensions_
        self._sr = check_rate(sr)
        if not between(tolerance, 0):
            raise StreamError(f"tolerance is a number of seconds from 0, not {tolerance!r}.")
        self._tolerance = tolerance
        # Three rings in step: the samples, which of them are missing, and which frames of 32 ms are speech. They are a
        # frame longer than a window, because frames do not end where windows do.
        self._samples = RingBuffer(self._analyser.window + FRAME)
        self._missing = RingBuffer(self._analyser.window + FRAME, bool)
        self._speech = RingBuffer(self._analyser.window // FRAME + 1, bool)
        self._position = 0  # samples at 16 kHz written to the rings
        self._frames = 0  # frames that were checked for speech
        self._end = self._analyser.window  # where the next window ends
        self._resampler = None  # of the unbroken part of the stream that is coming in
        self._elapsed = Fraction(0)  # seconds of the stream before that part, exact for any sequence of rates
        self._queued = 0  # samples at 16 kHz sent to the queue
        self._queue = deque()
        self._ready = []  # predictions; they survive a model that raises an error
        self._resume = 0  # first sample after the last gap
        self._origin = None  # the sender's clock when the stream began
        self._surplus = 0  # seconds to drop, which came twice
        self._counts = {"missing": Fraction(0), "dropped": Fraction(0), "resyncs": 0}
        self._warned = self._finished = False

    @property
    def latency(self):
        """Milliseconds of work per window as a table: ``read``, ``vad``, ``features``, ``model``, ``total``.

        It covers the last 1000 windows. A stage counts all its work since the window before.
        """
        return self._analyser.stopwatch.table()

    @property
    def health(self):
        """``seconds`` of the stream in all, of them ``missing``, seconds ``dropped``, number of ``resyncs``."""
        seconds = {name: float(self._counts[name]) for name in ("missing", "dropped")}
        return {"seconds": float(self._now()), **seconds, "resyncs": self._counts["resyncs"]}

    def feed(self, chunk, sr=None, at=None):
        """Take a chunk; return the predictions it completes, a list of `WindowPrediction`.

        Raises StreamError if these are not samples, or the stream has ended; the detector goes on as if the chunk had
        not come.

        Parameters
        ----------
        chunk : array (n,) or (n, channels)
            Integers, or floats on the scale from -1 to 1; n may be anything from 0. NaN and infinite samples count as
            missing.
        sr : int
            Its rate in Hz, if it is not the detector's; it may change from chunk to chunk.
        at : float
            When its first sample was recorded, in seconds of the sender's clock. With it, samples that never came are
            replaced by silence and marked as a gap, and samples that came twice are dropped. After a clock goes back by
            more than a minute, its time is taken as new.
        """
        self._check_open()
        sr = self._sr if sr is None else check_rate(sr)
        with self._analyser.stopwatch("read"):
            y = mono(chunk)
            if at is not None:
                self._synchronise(at)
            for part, missing in runs(self._drop(y, sr)):
                self._take(part, sr, missing)
        return self._work()

    def lost(self, seconds):
        """The connection was lost for so many seconds: silence takes their place; returns the completed predictions.

        Windows with more than a tenth missing get no emotion, and the smoothed state is reset.
        """
        self._check_open()
        self._skip(check_gap(seconds))
        return self._work()

    def finish(self):
        """The stream has ended: return the last predictions.

        If at least half a hop is left, a last window ends where the stream ends. A stream shorter than a window gets
        one prediction, padded with silence.
        """
        self._check_open()
        self._close()
        ready = self._work()
        self._finished = True
        last = last_end(self._position, self._analyser)
        return ready if last is None else [*ready, self._predict(last)]

    def revise(self, predictions):
        """All `predictions` of this stream once more, now that it is known how this voice sounds throughout.

        Live, each window is measured against what came before; here, against everything. It needs
        ``voice=model.normaliser_.voice(keep=True)``, and changes nothing for a model without a normaliser. Raises
        EvaluationError if the voice kept nothing.
        """
        return self._analyser.revise(predictions)

    def _check_open(self):
        if self._finished:
            raise StreamError("This stream has ended: begin a new Detector.")

    def _now(self):
        """Seconds of the stream so far, exactly."""
        part = self._resampler
        return self._elapsed + (Fraction(part.taken, part.orig_sr) if part else 0)

    def _synchronise(self, at):
        """Compare the sender's clock with the samples that came; insert silence or drop samples when it is off."""
        if not isinstance(at, numbers.Real) or not math.isfinite(at):
            raise StreamError(f"`at` is a time in seconds, not {at!r}.")
        ahead = Fraction(float(at)) - self._now()
        self._origin = ahead if self._origin is None else self._origin
        off = ahead - self._origin
        if off > self._tolerance:
            self._skip(check_gap(off))
            self._counts["resyncs"] += 1
            self._surplus = 0
        elif off < -MAX_REPEAT:
            self._origin += off
            self._counts["resyncs"] += 1
            self._surplus = 0
        elif off < -self._tolerance:
            self._counts["resyncs"] += not self._surplus
            self._surplus = -off

    def _drop(self, y, sr):
        """`y` without the samples that came twice."""
        dropped = min(len(y), round(self._surplus * sr))
        self._counts["dropped"] += Fraction(dropped, sr)
        left = self._surplus - Fraction(dropped, sr)
        self._surplus = left if round(left * sr) > 0 else 0
        return y[dropped:]

    def _take(self, y, sr, missing):
        """Samples that are all there, or all missing."""
        if not missing:
            if self._resampler is None or self._resampler.orig_sr != sr:
                self._close()
                self._resampler = StreamResampler(sr, RATE)
            self._send(self._resampler.feed(y), missing=False)
            return
        if not self._warned:
            warnings.warn("The stream contains NaN or infinite samples: they count as missing.", stacklevel=3)
            self._warned = True
        self._skip(Fraction(len(y), sr))

    def _skip(self, seconds):
        """Insert a gap."""
        self._close()
        self._elapsed += seconds
        self._counts["missing"] += seconds
        silence = np.broadcast_to(np.float32(0), math.ceil(self._elapsed * RATE) - self._queued)  # takes no memory
        self._send(silence, missing=True)

    def _close(self):
        """End the unbroken part: send what its resampler still holds, so that its length is exact."""
        if self._resampler is not None:
            before = self._queued - self._resampler.given
            self._elapsed = self._now()
            self._send(self._resampler.finish(math.ceil(self._elapsed * RATE) - before), missing=False)
            self._resampler = None

    def _send(self, y, missing):
        self._queued += len(y)
        self._queue.append((y, missing))

    def _work(self):
        """Write the queue to the rings, stopping at the end of each window for its prediction."""
        while self._queue:
            y, missing = self._queue.popleft()
            n = min(len(y), self._end - self._position, self._analyser.window)
            if n < len(y):
                self._queue.appendleft((y[n:], missing))
            self._write(y[:n], missing)
            if self._position == self._end:
                self._end += self._analyser.hop
                self._ready.append(self._predict(self._position))
        ready, self._ready = self._ready, []
        return ready

    def _write(self, y, missing):
        with self._analyser.stopwatch("read"):
            self._samples.write(y)
            self._missing.write(np.broadcast_to(missing, len(y)))
            self._position += len(y)
        if self._analyser.vad is not None:
            with self._analyser.stopwatch("vad"):
                self._detect_speech(missing)

    def _detect_speech(self, missing):
        """Look for speech in the frames that the last samples completed; a frame with a gap in it has none."""
        vad, first = self._analyser.vad, self._frames
        self._frames = self._position // FRAME
        if missing:
            self._resume = self._position
            vad.reset()
        # Frames from `first` to `whole` touch the gap; those from `whole` on lie after it.
        whole = min(max(-(-self._resume // FRAME), first), self._frames)
        self._speech.write(np.zeros(whole - first, bool))
        if whole < self._frames:
            frames = self._samples.last(self._position - whole * FRAME)[: (self._frames - whole) * FRAME]
            self._speech.write(vad.feed(frames) >= vad.threshold)

    def _predict(self, end):
        length = min(self._analyser.window, end)
        # The frames that lie inside the window: from the first that starts in it to the last that ends in it.
        count = end // FRAME - -(-(end - length) // FRAME) if self._analyser.vad else 0
        samples, missing = self._samples.last(length), self._missing.last(length).mean()
        return self._analyser(end, samples, self._speech.last(count), missing)


def last_end(position, analyser):
    """Where the last window of a stream of `position` samples ends; None if the windows before are enough."""
    if position < analyser.window:
        return position if position >= SHORTEST * RATE else None
    return position if 2 * ((position - analyser.window) % analyser.hop) >= analyser.hop else None


def check_gap(seconds):
    """A gap in whole samples at 16 kHz, as an exact number of seconds."""
    if not between(seconds, 0, MAX_GAP):
        shown = f"{float(seconds):g} s" if isinstance(seconds, numbers.Real) else repr(seconds)
        raise StreamError(f"A gap lasts from 0 s to a day ({MAX_GAP} s), not {shown}: begin a new Detector.")
    return Fraction(round(seconds * RATE), RATE)
