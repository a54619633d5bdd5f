"""Laughter detection with the residual network of Gillick et al. (2021): network, training, stand-in, detector.

Gillick, J., Deng, W., Ryokai, K., & Bamman, D. (2021). Robust laughter detection in noisy environments. Interspeech,
doi:10.21437/Interspeech.2021-353. The network sees one second of sound and gives the probability that someone laughs in
the middle of it. The published weights were trained on AudioSet; the attributes below have the names of the published
checkpoint. Where it is not on this machine, a narrower stand-in is trained on embedded laughter.
"""

import functools
import numbers
import warnings
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
from ser_helpers.pretrained.hub import choose_device
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
    """Four stages of two residual blocks on a log-mel window, then two linear layers: the logit of laughter. Lesson 11.

    `filters` are the channels of the four stages, `bands` the mel bands after pooling: 32, 64 or 128, which is all of
    them. The defaults are those of the published network.

    >>> network = LaughterNetwork().eval()
    >>> network(torch.zeros(2, 1, FRAMES, MELS)).shape, sum(part.numel() for part in network.parameters())
    (torch.Size([2]), 221761)
    """

    def __init__(self, filters=FILTERS, bands=MELS):
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
        self.dropout = nn.Dropout(0.5)

    def forward(self, x):
        """(n, 1, 44, 128) log-mel windows to (n,) logits."""
        x = nn.functional.avg_pool2d(x, (1, MELS // self.bands))  # (n, 1, 44 frames, bands)
        x = torch.relu(self.bn1(self.conv1(x)))  # (n, filters[0], 44, bands)
        x = self.block4(self.block3(self.block2(self.block1(x))))  # (n, filters[3], 6, bands / 8)
        x = self.bn2(nn.functional.avg_pool2d(x, POOL).flatten(1))  # (n, filters[3] * bands / 32)
        x = torch.relu(self.dropout(self.bn3(self.linear1(self.dropout(x)))))
        return self.linear2(x)[:, 0]


class _Residual(nn.Module):
    """Two convolutions with a shortcut around them."""

    def __init__(self, before, after, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, after, 3, stride, padding=1), nn.BatchNorm2d(after)
        self.conv2, self.bn2 = nn.Conv2d(after, after, 3, padding=1), nn.BatchNorm2d(after)
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        residual = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(residual + self.shortcut(x))


def _stage(before, after, stride):
    return nn.Sequential(_Residual(before, after, stride), _Residual(after, after, 1))


def mel_power(y):
    """Power in 128 mel bands, (frames, 128), of samples (n,) at 8 kHz: 2048 for a frame, 186 from one to the next."""
    frames = np.lib.stride_tricks.sliding_window_view(y, N_FFT)[::HOP]  # a view (frames, 2048)
    power = np.abs(np.fft.rfft(frames * _hann())) ** 2
    return (power @ _filters()).astype(np.float32)


def log_windows(power, every=1):
    """Windows of 44 frames, one every so many frames, as the network was trained on them: (n, 1, 44, 128) float32.

    A window is in decibels below its own loudest band, so the distance from the microphone does not matter. Like the
    published code it takes the decibels of a power as if it were an amplitude: twice as many.
    """
    level = 20 * np.log10(np.maximum(power, 1e-5))
    windows = np.lib.stride_tricks.sliding_window_view(level, FRAMES, axis=0)[::every].transpose(0, 2, 1)
    below = windows - windows.max((1, 2), keepdims=True)
    return np.maximum(below, -RANGE_DB)[:, None].astype(np.float32)


class WindowCutter:
    """Cuts mono sound at 8 kHz into batches of windows (n, 1, 44, 128), one window around every so many frames.

    No more than a batch is in memory, and how the samples are divided makes no difference. Silence is assumed before
    and after the recording.
    """

    def __init__(self, every=4, batch=32):
        self._every, self._batch = every, batch
        self._size = N_FFT + HOP * (every * (batch - 1) + FRAMES - 1)  # samples that a batch needs
        # Half a frame and half a window of silence put the first window's middle at the first sample.
        self._waiting = np.zeros(N_FFT // 2 + HOP * (FRAMES // 2), np.float32)
        self._samples = self._done = 0

    def feed(self, y):
        """Take samples (n,); yield the batches that they complete."""
        self._samples += len(y)
        self._waiting = np.concatenate([self._waiting, np.asarray(y, np.float32)])
        while len(self._waiting) >= self._size:
            yield self._next()

    def finish(self):
        """Yield the last batches, padded with silence."""
        wanted = -(-(self._samples // HOP + 1) // self._every) if self._samples else 0
        while self._done < wanted:
            left = wanted - self._done
            self._waiting = np.pad(self._waiting, (0, max(self._size - len(self._waiting), 0)))
            yield self._next()[:left]

    def _next(self):
        windows = log_windows(mel_power(self._waiting[: self._size]), self._every)
        self._waiting = self._waiting[HOP * self._every * self._batch :]
        self._done += self._batch
        return windows


@functools.cache
def _hann():
    return librosa.filters.get_window("hann", N_FFT).astype(np.float32)


@functools.cache
def _filters():
    return np.ascontiguousarray(librosa.filters.mel(sr=SAMPLE_RATE, n_fft=N_FFT, n_mels=MELS).T)


def load_network(path):
    """The network with the weights of a published checkpoint, or of one that `save_network` wrote.

    Only tensors and numbers are loaded: a file with anything else, which could run code, is refused. Raises ModelError
    when the file is not such a checkpoint.
    """
    scalar = np.float64(0).__reduce__()[0]  # the published file stores its validation loss as a NumPy number
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
            f"{path} does not contain the weights of a laughter network: get them again with"
            " `ser download laughter-resnet`, or give the path of the published best.pth.tar."
        ) from error
    return network.eval()


def save_network(network, path):
    """Write the weights of a network in the format of the published checkpoint."""
    torch.save({"state_dict": network.state_dict()}, path)


SHIPPED = Path(__file__).with_name("laughter_stand_in.pt")
STAND_IN_FILTERS, STAND_IN_BANDS = (4, 8, 8, 16), 32
STAND_IN_EPISODES, STAND_IN_SECONDS, STAND_IN_SEED = range(1, 7), 90, 1
EVERY = 6  # frames from one window to the next in training
EPOCHS, BATCH, LEARNING_RATE = 6, 32, 5e-3


def examples(y, laughs, every=EVERY):
    """Windows (n, 1, 44, 128) of samples at 8 kHz, and whether someone laughs in the middle of each (n,).

    `laughs` is a table with a row per laugh: ``start`` and ``end`` in seconds.
    """
    cutter = WindowCutter(every)
    windows = np.concatenate([*cutter.feed(y), *cutter.finish()])
    middle = np.arange(len(windows)) * every * HOP / SAMPLE_RATE
    laughing = [(laughs["start"].to_numpy() <= now) & (now < laughs["end"].to_numpy()) for now in middle]
    return windows, np.array([row.any() for row in laughing], dtype=bool)


def train(windows, laughter, filters=STAND_IN_FILTERS, bands=STAND_IN_BANDS, epochs=EPOCHS, seed=0):
    """A network trained to tell windows with laughter (n,) from those without; ModelError when either is missing."""
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
    """The stand-in, part of the package: trained on episodes of the embedded podcast with other speakers.

    They have the same jingle as the show, but other voices, laughs and dialogues.
    """
    path = paths.cache_home() / "checkpoints" / f"laughter-{version(__name__, STAND_IN_SEED)}.pt"
    return cached(path, _make, load_network, shipped=SHIPPED)


def _make(path):
    with threadpool_limits(1):  # the same examples to the bit, so the same network
        network = train(*_embedded_examples())
    save_network(network, path)


def _embedded_examples():
    """Every window with laughter, and every second one without."""
    pairs = []
    for number in STAND_IN_EPISODES:
        stereo, rows = shows.recording(number, STAND_IN_SECONDS, STAND_IN_SEED)
        truth = pd.DataFrame(rows)
        y = audio.resample(stereo.mean(1), vocoder.SAMPLE_RATE, SAMPLE_RATE)
        pairs.append(examples(y, truth[truth["kind"] == "laughter"]))
    windows, laughter = map(np.concatenate, zip(*pairs, strict=True))
    chosen = laughter | (np.arange(len(laughter)) % 2 == 0)
    return windows[chosen], laughter[chosen]


PUBLISHED = "laughter-resnet"
STAND_IN = "stand-in"
CHECKPOINT = "best.pth.tar"
SMOOTHING = 0.01 * SAMPLE_RATE / HOP / 2
"""Hz: the published code filters with ``butter(2, 0.01)``, a hundredth of half its 43 windows a second."""

STAND_IN_SMOOTHING = 0.5
"""Hz: the embedded laughs are too short for the publishers' filter."""


class LaughterDetector:
    """Finds laughter with the network of Gillick et al. (2021), doi:10.21437/Interspeech.2021-353 (Lesson 11).

    Raises WeightsMissing if the published weights are asked for and not on this machine; ModelError if the checkpoint
    is not one, or a setting is out of range.

    Parameters
    ----------
    weights : str or Path
        ``"laughter-resnet"``, the published weights, in ``SER_MODELS_HOME``; ``"stand-in"``, a narrower network that is
        trained here, once, on embedded laughter; ``"auto"``, the first if it is on this machine, else the second; or
        the path of a checkpoint, or of the folder that contains it as ``best.pth.tar``.
    threshold : float
        The probability above which it is laughter.
    min_length : float
        Seconds of the shortest laugh.
    smoothing : float, "auto" or None
        Cut-off in Hz of a zero-phase low-pass filter on the probabilities. None: no filter. "auto": the publishers'
        0.2 with weights from a file, and 0.5 with the stand-in, see the notes.
    every : int
        Frames of 23 ms from one window to the next: fewer is finer and slower.
    device : str
        As for ``Encoder``; ValueError if this machine does not have it.

    Attributes
    ----------
    label : str
        A name for tables and figures, which says when this is the stand-in.
    checkpoint : Path or None
        The file of the weights; None for the stand-in.
    network : torch.nn.Module
        Loaded, or trained, when first needed.

    Notes
    -----
    False alarms per 10 minutes on RAVDESS, where nobody laughs (recordings of an actor one after another, with their
    pauses; 95 % interval over actors), and the share of the time that they cover:

    ========================================  ============  ============  ============
    weights, threshold                        0.5 Hz        0.3 Hz        0.2 Hz
    ========================================  ============  ============  ============
    published, 0.5 (12 actors, 9 min)         94 [75, 113]  64 [51, 80]   47 [40, 56]
    published, 0.8                            36 [13, 66]   27 [8, 51]    16 [4, 31]
    stand-in, 0.5 (24 actors, 89 min)         70 [56, 83]   33 [25, 42]   11 [8, 15]
    stand-in, 0.8                             10 [6, 14]    1 [0, 1]      1 [0, 1]
    ========================================  ============  ============  ============

    With the published weights they cover 40 % of the time at threshold 0.5, whatever the smoothing, which only joins
    them; at 0.8 and 0.2 Hz it is 3 %. So raise the threshold for speech as lively as that of actors. Of the laughs of
    the embedded show, which last one to two seconds, the stand-in finds 75 % at 0.5 Hz, 63 % at 0.3 and 42 % at 0.2:
    that is why its default differs.

    Examples
    --------
    >>> detector = LaughterDetector("stand-in", smoothing=None)
    >>> detector.label
    'laughter ResNet (stand-in)'

    `segments` takes a recording, or known probabilities:

    >>> detector.segments(pd.Series([0.1, 0.9, 0.8, 0.7, 0.2])).round(2)
       start   end  probability
    0   0.09  0.37          0.8
    """

    def __init__(self, weights="auto", threshold=0.5, min_length=0.2, smoothing="auto", every=4, device="auto"):
        if not isinstance(every, numbers.Integral) or every < 1:
            raise ModelError(f"every is a number of frames from 1, not {every!r}.")
        checkpoint = _find(weights)
        if isinstance(smoothing, str) and smoothing == "auto":
            smoothing = STAND_IN_SMOOTHING if checkpoint is None else SMOOTHING
        settings = [threshold, min_length, *([] if smoothing is None else [smoothing])]
        if not all(isinstance(value, numbers.Real) for value in settings):
            raise ModelError(f"threshold, min_length and smoothing are numbers, not {settings!r}.")
        if not 0 < threshold < 1 or not min_length >= 0:
            raise ModelError("The threshold lies between 0 and 1, and the shortest laugh is 0 s or more.")
        highest = SAMPLE_RATE / HOP / every / 2  # half the rate of the probabilities
        if smoothing is not None and not 0 < smoothing < highest:
            raise ModelError(f"smoothing is above 0 and below {highest:.1f} Hz, or None, not {smoothing!r}.")
        self.weights, self.threshold, self.min_length = weights, threshold, min_length
        self.smoothing, self.every, self.device = smoothing, every, device
        self.checkpoint = checkpoint

    @property
    def label(self):
        """What to call it in tables and figures."""
        return "laughter ResNet (stand-in)" if self.checkpoint is None else "laughter ResNet"

    @property
    def network(self):
        """The network, on its device, shared by all detectors with these weights."""
        return _network(self.checkpoint, choose_device(self.device))

    def stream(self):
        """A `LaughterStream`: feed it a recording in blocks, and get its probabilities at the end."""
        return LaughterStream(self.network, self.every)

    def probabilities(self, recording):
        """How probable laughter is: a Series by ``time`` in seconds, not smoothed.

        `recording` is a file (str or Path), read block by block, or mono samples (n,) at 8 kHz. Raises AudioError if it
        cannot be used. When only its end is damaged, the rest is analysed, with a warning.
        """
        stream = self.stream()
        if not isinstance(recording, str | Path):
            stream.feed(audio.check(recording, SAMPLE_RATE))
            return stream.finish()
        try:
            for block in audio.blocks(recording, SAMPLE_RATE):
                stream.feed(block)
        except AudioError as error:
            if not stream.samples:
                raise
            warnings.warn(str(error), stacklevel=2)
        return stream.finish()

    def smooth(self, probability):
        """The low-pass filtered probabilities, from 0 to 1."""
        padding = 9  # the least that the filter needs before and after
        if self.smoothing is None or len(probability) <= padding:
            return probability
        low = butter(2, self.smoothing, fs=SAMPLE_RATE / HOP / self.every, output="sos")
        smoothed = sosfiltfilt(low, probability, padlen=padding)  # forwards and backwards: no delay
        return pd.Series(np.clip(smoothed, 0, 1), probability.index, name=probability.name)

    def segments(self, recording):
        """The laughs: a DataFrame of ``start``, ``end`` (s) and mean ``probability``, in the order of time.

        `recording` is what `probabilities` takes, or what it returned.
        """
        probability = recording if isinstance(recording, pd.Series) else self.probabilities(recording)
        smoothed = self.smooth(probability).to_numpy()
        step = self.every * HOP / SAMPLE_RATE
        edges = np.flatnonzero(np.diff(smoothed > self.threshold, prepend=False, append=False)).reshape(-1, 2)
        rows = [(first * step, last * step, smoothed[first:last].mean()) for first, last in edges]
        laughs = pd.DataFrame(rows, columns=["start", "end", "probability"], dtype=float)
        long_enough = laughs["end"] - laughs["start"] >= self.min_length
        return laughs[long_enough].reset_index(drop=True)


class LaughterStream:
    """One recording as it arrives in blocks at ``sr`` Hz; made by `LaughterDetector.stream`."""

    sr = SAMPLE_RATE

    def __init__(self, network, every):
        self._network, self._every = network, every
        self._cutter, self._parts = WindowCutter(every), []
        self.samples = 0

    def feed(self, y):
        """Take mono samples (n,) at 8 kHz."""
        self.samples += len(y)
        self._predict(self._cutter.feed(y))

    def finish(self):
        """The probabilities of the whole recording: a Series by ``time`` in seconds."""
        self._predict(self._cutter.finish())
        probability = np.concatenate([np.zeros(0), *self._parts])
        time = pd.Index(np.arange(len(probability)) * self._every * HOP / SAMPLE_RATE, name="time")
        return pd.Series(probability, time, name="laughter")

    def _predict(self, batches):
        device = next(self._network.parameters()).device
        with torch.inference_mode(), one_core(), threadpool_limits(1):  # sums in the same order on any machine
            for windows in batches:
                logits = self._network(torch.from_numpy(windows).to(device)).double()
                # A flat window is digital silence, which the network was not trained on: its probability is 0.
                self._parts.append(torch.sigmoid(logits).cpu().numpy() * (np.ptp(windows, (1, 2, 3)) > 0))


@functools.lru_cache(maxsize=4)
def _network(checkpoint, device):
    return (stand_in() if checkpoint is None else load_network(checkpoint)).to(device)


def _find(weights):
    """The file of the weights; None for the stand-in."""
    if weights == STAND_IN:
        return None
    if weights in ("auto", PUBLISHED):
        try:
            return published.weights_folder(PUBLISHED) / CHECKPOINT
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
