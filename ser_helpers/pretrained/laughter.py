"""The residual network of Gillick et al. (2021), which hears in one second of sound whether somebody laughs.

Gillick, J., Deng, W., Ryokai, K., & Bamman, D. (2021). Robust laughter detection in noisy environments. Interspeech,
doi:10.21437/Interspeech.2021-353. The published weights were trained on AudioSet; the parts below have the names of the
published file.

Training of laughter networks, and the one that stands in where the published weights are not at hand.

Where people laugh in a recording of any length, how often, and for how long.
"""

import functools
import numbers
import warnings
from collections.abc import Iterable
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import torch
from scipy.signal import butter, sosfiltfilt
from threadpoolctl import threadpool_limits
from torch import nn

from ser_helpers import audio, paths
from ser_helpers import download as published
from ser_helpers.cache import cached, version
from ser_helpers.errors import AudioError, ModelError, WeightsMissing
from ser_helpers.pretrained.encoder import one_core
from ser_helpers.streaming.samples import between
from ser_helpers.synthesis import shows, vocoder

SAMPLE_RATE = 8000
HOP = 186  # samples between frames: 43 in a second
N_FFT = 2048
MELS = 128
FRAMES = 44  # of a window: one second
FILTERS = (64, 32, 16, 16)
HIDDEN = 32
POOL = 4
BANDS_PER_FEATURE = 8 * POOL  # three stages halve the bands, then four are averaged
RANGE_DB = 80


class LaughterNetwork(nn.Module):
    """Four stages of two residual blocks on a log-mel window, then two linear layers: the logit of laughter.

    Parameters
    ----------
    filters : sequence of int
        Channels of the four stages; the published network has ``(64, 32, 16, 16)``.
    bands : int
        Mel bands that it sees, 32, 64 or 128: with fewer, neighbours are averaged first. The published one sees all.
    dropout : float
        Share of activations dropped before each linear layer while training.

    Examples
    --------
    Lesson 11.

    >>> network = LaughterNetwork().eval()
    >>> network(torch.zeros(2, 1, FRAMES, MELS)).shape, sum(part.numel() for part in network.parameters())
    (torch.Size([2]), 221761)
    """

    def __init__(self, filters=FILTERS, bands=MELS, dropout=0.5):
        super().__init__()
        first, *others = filters
        self.bands, pooled = bands, filters[-1] * (bands // BANDS_PER_FEATURE)
        self.conv1, self.bn1 = nn.Conv2d(1, first, 3, padding=1, bias=False), nn.BatchNorm2d(first)
        self.block1 = _stage(first, first, stride=1)
        self.block2, self.block3, self.block4 = (
            _stage(before, after, stride=2) for before, after in zip(filters, others, strict=False)
        )
        self.bn2, self.linear1 = nn.BatchNorm1d(pooled), nn.Linear(pooled, HIDDEN)
        self.bn3, self.linear2 = nn.BatchNorm1d(HIDDEN), nn.Linear(HIDDEN, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        """(n, 1, 44, 128) log-mel windows to (n,) logits."""
        x = nn.functional.avg_pool2d(x, (1, MELS // self.bands))
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.block4(self.block3(self.block2(self.block1(x))))
        x = self.bn2(nn.functional.avg_pool2d(x, POOL).flatten(1))
        x = torch.relu(self.dropout(self.bn3(self.linear1(self.dropout(x)))))
        return self.linear2(x)[:, 0]


class _Residual(nn.Module):
    """Two convolutions and the way around them."""

    def __init__(self, before, after, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, after, 3, stride, padding=1), nn.BatchNorm2d(after)
        self.conv2, self.bn2 = nn.Conv2d(after, after, 3, padding=1), nn.BatchNorm2d(after)
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        around = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(around + self.shortcut(x))


def _stage(before, after, stride):
    return nn.Sequential(_Residual(before, after, stride), _Residual(after, after, 1))


def mel_power(y):
    """Power in 128 mel bands, (frames, 128), of samples (n,) at 8 kHz; a frame needs 2048 samples, the next 186 more.

    >>> mel_power(np.zeros(N_FFT + 2 * HOP, np.float32)).shape
    (3, 128)
    """
    pieces = np.lib.stride_tricks.sliding_window_view(y, N_FFT)[::HOP]
    power = np.abs(np.fft.rfft(pieces * _hann())) ** 2
    return (power @ _filters()).astype(np.float32)


def log_windows(power, every=1):
    """Windows of 44 frames, every so many frames, as the network was trained on them: (n, 1, 44, 128) float32.

    A window is in decibels below its own loudest band, so that it does not matter how far away somebody laughs. As the
    published code does, it takes the decibels of a power as if it were an amplitude: twice as many.

    >>> log_windows(np.ones((50, 128), np.float32)).shape
    (7, 1, 44, 128)
    """
    level = 20 * np.log10(np.maximum(power, 1e-5))
    windows = np.lib.stride_tricks.sliding_window_view(level, FRAMES, axis=0)[::every].transpose(0, 2, 1)
    below = windows - windows.max((1, 2), keepdims=True)
    return np.maximum(below, -RANGE_DB)[:, None].astype(np.float32)


def windows(blocks, every=4, batch=32):
    """Batches of windows of mono sound at 8 kHz, one around every so many frames: yields (n, 1, 44, 128) float32.

    `blocks` are arrays of samples of any lengths; no more than a batch is held, and how the samples are divided makes
    no difference. Before and after the recording is silence. A window of nothing but zeros is flat.

    >>> sum(len(some) for some in windows([np.ones(SAMPLE_RATE)], every=1))
    44
    """
    size = N_FFT + HOP * (every * (batch - 1) + FRAMES - 1)
    held, samples, done = np.zeros(N_FFT // 2 + HOP * (FRAMES // 2), np.float32), 0, 0
    for block in blocks:
        samples += len(block)
        held = np.concatenate([held, np.asarray(block, np.float32)])
        while len(held) >= size:
            yield log_windows(mel_power(held[:size]), every)
            held, done = held[HOP * every * batch :], done + batch
    wanted = -(-(samples // HOP + 1) // every) if samples else 0
    while done < wanted:
        held = np.pad(held, (0, max(size - len(held), 0)))
        yield log_windows(mel_power(held[:size]), every)[: wanted - done]
        held, done = held[HOP * every * batch :], done + batch


@functools.cache
def _hann():
    return librosa.filters.get_window("hann", N_FFT).astype(np.float32)


@functools.cache
def _filters():
    return np.ascontiguousarray(librosa.filters.mel(sr=SAMPLE_RATE, n_fft=N_FFT, n_mels=MELS).T)


def load_laughter_network(path):
    """The network with the weights of a published checkpoint, or of one that `save_laughter_network` wrote.

    Only tensors and numbers are loaded: a file that holds anything else, and could run code, is refused. Raises
    ModelError when the file is not such a checkpoint.
    """
    scalar = np.float64(0).__reduce__()[0]  # the published file keeps its validation loss as a NumPy number
    known = [(scalar, "numpy.core.multiarray.scalar"), np.dtype, type(np.dtype(np.float64))]
    try:
        with torch.serialization.safe_globals(known):
            state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
        filters = [state[f"block{k}.0.conv1.weight"].shape[0] for k in range(1, 5)]
        bands = state["linear1.weight"].shape[1] // filters[-1] * BANDS_PER_FEATURE
        network = LaughterNetwork(filters, bands)
        network.load_state_dict(state)
    except Exception as error:  # a damaged file raises whatever its bytes lead to
        raise ModelError(
            f"{path} does not hold the weights of a laughter network: get them again with"
            " `ser download laughter-resnet`, or give the path of the published best.pth.tar."
        ) from error
    return network.eval()


def save_laughter_network(network, path):
    """Write the weights of a network in the format of the published checkpoint."""
    torch.save({"state_dict": network.state_dict()}, path)


STAND_IN_FILTERS, STAND_IN_BANDS = (4, 8, 8, 16), 32
STAND_IN_EPISODES, STAND_IN_SECONDS, STAND_IN_SEED = range(1, 7), 90, 1
EVERY = 6  # frames from one window to the next in training
EPOCHS, BATCH, LEARNING_RATE = 6, 32, 5e-3


def examples(blocks, laughs, every=EVERY):
    """Windows (n, 1, 44, 128) of mono blocks at 8 kHz, and whether somebody laughs in the middle of each (n,).

    `laughs` is a table with a row per laugh: ``start`` and ``end`` in seconds.
    """
    none = np.zeros((0, 1, FRAMES, MELS), np.float32)
    cut = np.concatenate([none, *windows(blocks, every)])
    middle = np.arange(len(cut)) * every * HOP / SAMPLE_RATE
    laughing = [(laughs["start"].to_numpy() <= now) & (now < laughs["end"].to_numpy()) for now in middle]
    return cut, np.array([some.any() for some in laughing], dtype=bool)


def train(windows, laughter, filters=STAND_IN_FILTERS, bands=STAND_IN_BANDS, epochs=EPOCHS, seed=0):
    """A network trained to tell windows with laughter from the others (Lesson 11).

    Raises ModelError when one of the kinds is missing.

    >>> windows = np.random.default_rng(0).normal(size=(64, 1, 44, 128)).astype(np.float32)
    >>> train(windows, windows.mean((1, 2, 3)) > 0, filters=(2, 2, 2, 2), epochs=1).training
    False
    """
    laughter = np.asarray(laughter, bool)
    if laughter.all() or not laughter.any():
        raise ModelError("A laughter network needs windows with laughter and windows without: give recordings of both.")
    x, y = torch.from_numpy(windows), torch.from_numpy(laughter).float()
    with torch.random.fork_rng(devices=[]), one_core():  # sums in the same order, so the same network
        torch.manual_seed(seed)
        network = LaughterNetwork(filters, bands).train()
        optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE)
        steps = epochs * (len(x) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, max(steps, 2))
        for _ in range(epochs):
            for chosen in torch.randperm(len(x))[: len(x) // BATCH * BATCH].split(BATCH):
                loss = torch.nn.functional.binary_cross_entropy_with_logits(network(x[chosen]), y[chosen])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
    return network.eval()


def stand_in():
    """The stand-in: trained once on episodes of the embedded podcast with other people in them, then kept.

    It takes about half a minute the first time. The tune of the jingle is the one it will meet; the voices, the laughs
    and the course of the talk are not.
    """
    path = paths.cache_home() / "checkpoints" / f"laughter-{version(__name__, STAND_IN_SEED)}.pt"
    return cached(path, _make, load_laughter_network)


def _make(path):
    with threadpool_limits(1):  # the same examples to the bit, so the same network
        network = train(*_embedded_examples())
    save_laughter_network(network, path)


def _embedded_examples():
    """Every window with laughter, and every second one without."""
    found = []
    for number in STAND_IN_EPISODES:
        heard, rows = shows.recording(number, STAND_IN_SECONDS, STAND_IN_SEED)
        truth = pd.DataFrame(rows)
        y = audio.resample(heard.mean(1), vocoder.SAMPLE_RATE, SAMPLE_RATE)
        found.append(examples([y], truth[truth["kind"] == "laughter"]))
    windows, laughter = map(np.concatenate, zip(*found, strict=True))
    chosen = laughter | (np.arange(len(laughter)) % 2 == 0)
    return windows[chosen], laughter[chosen]


PUBLISHED = "laughter-resnet"
STAND_IN = "stand-in"
CHECKPOINT = "best.pth.tar"


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

        network = self.fitted
        if network is None and self.checkpoint is None:
            network = stand_in()
        elif network is None:
            network = load_laughter_network(self.checkpoint)
        device = "cuda" if self.device == "auto" and torch.cuda.is_available() else self.device
        try:
            return network.to("cpu" if device == "auto" else device)
        except (RuntimeError, AssertionError) as error:
            raise ModelError(f"There is no device {device!r} on this machine: choose 'cpu' or 'auto'.") from error

    def fit(self, recordings, laughs, **settings):
        """Train a network of one's own instead: a path or blocks (as for `probabilities`) and a table of laughs each.

        The tables have the columns ``start`` and ``end`` in seconds; `settings` go to ``laughter_training.train``.
        """
        if not len(recordings) or len(recordings) != len(laughs):
            raise ModelError("A laughter network is trained on recordings, with a table of laughs for each: give both.")
        if not all({"start", "end"} <= set(truth) for truth in laughs):
            raise ModelError("A table of laughs has the columns start and end, in seconds: add them.")
        pairs = zip(recordings, laughs, strict=True)
        found = [examples(_blocks(recording), truth) for recording, truth in pairs]
        windows, laughter = zip(*found, strict=True)
        self.fitted = train(np.concatenate(windows), np.concatenate(laughter), **settings)
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

        from ser_helpers.pretrained.encoder import one_core

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
