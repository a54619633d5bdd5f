"""The residual network of Gillick et al. (2021), which hears in one second of sound whether somebody laughs.

Gillick, J., Deng, W., Ryokai, K., & Bamman, D. (2021). Robust laughter detection in noisy environments. Interspeech,
doi:10.21437/Interspeech.2021-353. The published weights were trained on AudioSet; the parts below have the names of the
published file.
"""

import functools

import librosa
import numpy as np
import torch
from torch import nn

from ser_helpers.errors import ModelError

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
