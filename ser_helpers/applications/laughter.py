"""Where people laugh in a recording of any length, how often, and for how long."""

import functools
import numbers
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.signal import butter, sosfiltfilt
from threadpoolctl import threadpool_limits

from ser_helpers import audio
from ser_helpers.errors import AudioError, ModelError, WeightsMissing
from ser_helpers.features import weights as published
from ser_helpers.streaming.intake import between

PUBLISHED = "laughter-resnet"
STAND_IN = "stand-in"
CHECKPOINT = "best.pth.tar"
SAMPLE_RATE, HOP = 8000, 186


class LaughterDetector:
    """Finds laughter with the network of Gillick et al. (2021), doi:10.21437/Interspeech.2021-353 (Lesson 11).

    Parameters
    ----------
    weights : str or Path
        ``"laughter-resnet"``, the published weights, in ``SER_MODELS_HOME``; ``"stand-in"``, a narrower network that is
        trained here, once, on embedded laughter; ``"auto"``, the first if it is on this machine, else the second; or
        the path of a checkpoint, or of the folder that holds it as ``best.pth.tar``.
    threshold : float
        The probability above which it is laughter.
    min_length : float
        Seconds; a shorter stretch is no laugh.
    smoothing : float or None
        Hz: faster changes of the probability are taken away, by a low-pass filter without delay; the publishers chose
        0.2. None leaves all.
    every : int
        The network looks at the second around every so many frames of 23 ms: fewer is finer and slower.
    device : str
        Where to compute; ``"auto"`` takes a GPU when there is one.

    Attributes
    ----------
    label : str
        A name for tables and figures; it says when this is the stand-in.
    checkpoint : Path or None
        The file of the weights; None when they come from elsewhere.
    network : torch.nn.Module
        Loaded, or trained, when first needed.

    Raises
    ------
    WeightsMissing
        The published weights are asked for and not on this machine.
    ModelError
        The checkpoint is none, or a setting is out of range.

    Examples
    --------
    >>> detector = LaughterDetector("stand-in", smoothing=None)
    >>> detector.label
    'laughter ResNet (stand-in)'

    `segments` takes a recording, or probabilities that are known already:

    >>> detector.segments(pd.Series([0.1, 0.9, 0.8, 0.7, 0.2])).round(2)
       start   end  probability
    0   0.09  0.37          0.8
    """

    def __init__(self, weights="auto", threshold=0.5, min_length=0.2, smoothing=0.5, every=4, device="auto"):
        if not isinstance(every, numbers.Integral) or every < 1:
            raise ModelError(f"every={every!r} frames cannot be: choose a whole number from 1.")
        if not between(threshold, 0, 1) or threshold in (0, 1) or not between(min_length, 0):
            raise ModelError("The threshold lies between 0 and 1, and the shortest laugh is 0 s or more.")
        highest = SAMPLE_RATE / HOP / every / 2
        if smoothing is not None and (not between(smoothing, 0, highest) or smoothing in (0, highest)):
            raise ModelError(f"smoothing={smoothing!r} Hz cannot be: choose above 0 and below {highest:.1f}, or None.")
        self.weights, self.threshold, self.min_length = weights, threshold, min_length
        self.smoothing, self.every, self.device = smoothing, every, device
        self.checkpoint, self.fitted = _find(weights), None

    @property
    def label(self):
        """What to call it: it says when it is the stand-in."""
        if self.fitted is not None:
            return "laughter ResNet (trained here)"
        return "laughter ResNet (stand-in)" if self.checkpoint is None else "laughter ResNet"

    @functools.cached_property
    def network(self):
        """The network, on its device."""
        import torch

        from ser_helpers.models import laughter_network, laughter_training

        network = self.fitted
        if network is None and self.checkpoint is None:
            network = laughter_training.stand_in()
        elif network is None:
            network = laughter_network.load_laughter_network(self.checkpoint)
        device = "cuda" if self.device == "auto" and torch.cuda.is_available() else self.device
        try:
            return network.to("cpu" if device == "auto" else device)
        except (RuntimeError, AssertionError) as error:
            raise ModelError(f"There is no device {device!r} on this machine: choose 'cpu' or 'auto'.") from error

    def fit(self, recordings, laughs, **settings):
        """Train a network of one's own instead: a path or blocks (as for `probabilities`) and a table of laughs each.

        The tables have the columns ``start`` and ``end`` in seconds; `settings` go to ``laughter_training.train``.
        """
        from ser_helpers.models import laughter_training

        if not len(recordings) or len(recordings) != len(laughs):
            raise ModelError("A laughter network is trained on recordings, with a table of laughs for each: give both.")
        if not all({"start", "end"} <= set(truth) for truth in laughs):
            raise ModelError("A table of laughs has the columns start and end, in seconds: add them.")
        pairs = zip(recordings, laughs, strict=True)
        found = [laughter_training.examples(_blocks(recording), truth) for recording, truth in pairs]
        windows, laughter = zip(*found, strict=True)
        self.fitted = laughter_training.train(np.concatenate(windows), np.concatenate(laughter), **settings)
        vars(self).pop("network", None)
        return self

    def probabilities(self, recording):
        """How probable laughter is, frame by frame: a Series by ``time`` in seconds, not smoothed.

        Parameters
        ----------
        recording : str, Path or iterable of arrays
            A file, read block by block, or mono blocks of samples at 8 kHz. However long they are, the probabilities
            are the same, and no more than a few seconds are held at a time.

        Raises
        ------
        AudioError
            The file cannot be read, or there are no samples. When its end is damaged, what was found before is
            returned, with a warning.
        """
        import torch

        from ser_helpers.models.batches import one_core
        from ser_helpers.models.laughter_network import windows

        device, found = next(self.network.parameters()).device, []
        try:
            with torch.inference_mode(), one_core(), threadpool_limits(1):  # sums keep their order
                for some in windows(_blocks(recording), self.every):
                    logits = self.network(torch.from_numpy(some).to(device)).double()
                    found.append(torch.sigmoid(logits).cpu().numpy() * (np.ptp(some, (1, 2, 3)) > 0))
        except AudioError as error:
            if not found:
                raise
            warnings.warn(str(error), stacklevel=2)
        if not found:
            raise AudioError("There are no samples in which to look for laughter: give a recording that is not empty.")
        probability = np.concatenate(found)
        time = pd.Index(np.arange(len(probability)) * self.every * HOP / SAMPLE_RATE, name="time")
        return pd.Series(probability, time, name="laughter")

    def smooth(self, probability):
        """The probabilities without changes faster than `smoothing`, from 0 to 1."""
        padding = 9  # what the filter needs before and after
        if self.smoothing is None or len(probability) <= padding:
            return probability
        low = butter(2, self.smoothing, fs=SAMPLE_RATE / HOP / self.every, output="sos")
        smoothed = sosfiltfilt(low, probability, padlen=padding)
        return pd.Series(np.clip(smoothed, 0, 1), probability.index, name=probability.name)

    def segments(self, recording):
        """The laughs: a DataFrame of ``start``, ``end`` (s) and mean ``probability``, in the order of time.

        `recording` is what `probabilities` takes, or what it returned.
        """
        known = isinstance(recording, pd.Series)
        if known and not (pd.api.types.is_numeric_dtype(recording) and recording.between(0, 1).all()):
            raise ModelError("Probabilities of laughter lie between 0 and 1, none missing: give what was found before.")
        probability = recording if known else self.probabilities(recording)
        smoothed = self.smooth(probability).to_numpy()
        step = self.every * HOP / SAMPLE_RATE
        edges = np.flatnonzero(np.diff(smoothed > self.threshold, prepend=False, append=False)).reshape(-1, 2)
        rows = [(first * step, last * step, smoothed[first:last].mean()) for first, last in edges]
        laughs = pd.DataFrame(rows, columns=["start", "end", "probability"], dtype=float)
        long_enough = laughs["end"] - laughs["start"] >= self.min_length
        return laughs[long_enough].reset_index(drop=True)


def _find(weights):
    """The file of the weights; None for the stand-in."""
    if weights == STAND_IN:
        return None
    if weights in ("auto", PUBLISHED):
        try:
            return published.folder(PUBLISHED) / CHECKPOINT
        except WeightsMissing:
            if weights == "auto":
                return None
            raise
    if not isinstance(weights, str | Path):
        raise ModelError(f"weights is 'auto', {PUBLISHED!r}, {STAND_IN!r} or a path, not {weights!r}.")
    path = Path(weights) / CHECKPOINT if Path(weights).is_dir() else Path(weights)
    if not path.is_file():
        raise WeightsMissing(
            f"There are no laughter weights at {path}: give the path of a checkpoint, or choose {PUBLISHED!r} or"
            f" {STAND_IN!r}."
        )
    return path


def laughter_summary(laughs, seconds):
    """Laughs per 10 minutes, their mean length, and the share of the time: a Series (Lesson 11).

    `laughs` are rows of `LaughterDetector.segments`, of a recording that is so many seconds long.

    >>> laughs = pd.DataFrame({"start": [10.0, 100.0], "end": [11.0, 103.0]})
    >>> laughter_summary(laughs, seconds=300)
    laughs              2.000000
    per_10_minutes      4.000000
    mean_seconds        2.000000
    longest_seconds     3.000000
    share               0.013333
    dtype: float64
    """
    often = laughs_per_10_minutes(laughs, seconds)
    lengths = laughs["end"] - laughs["start"]
    return pd.Series(
        {
            "laughs": len(laughs),
            "per_10_minutes": often,
            "mean_seconds": lengths.mean(),
            "longest_seconds": lengths.max(),
            "share": lengths.sum() / seconds,
        },
        dtype=float,
    )


def laughs_per_10_minutes(laughs, seconds):
    """How many laughs 10 minutes hold at this rate (Lesson 11).

    >>> laughs_per_10_minutes(pd.DataFrame({"start": [10.0], "end": [11.0]}), seconds=120)
    5.0
    """
    if not between(seconds, 0) or seconds == 0:
        raise AudioError(f"A recording of {seconds!r} s has no laughs per 10 minutes: give its length in seconds.")
    return len(laughs) * 600 / seconds


def _blocks(recording):
    if isinstance(recording, str | Path):
        return audio.blocks(recording, SAMPLE_RATE)
    if not isinstance(recording, Iterable):
        raise ModelError(f"A recording is a path, or blocks of samples, not {recording!r}.")
    return map(_checked, recording)


def _checked(block):
    """A block, if it is mono samples: one that is not a number would silence a whole recording's laughs."""
    block = np.asarray(block)
    if block.ndim != 1 or block.dtype.kind not in "iuf" or not np.isfinite(block).all():
        raise ModelError("A recording is a path, or a list of blocks of finite mono samples (n,) at 8 kHz.")
    return block
