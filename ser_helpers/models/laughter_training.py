"""Training of laughter networks, and the one that stands in where the published weights are not at hand."""

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from ser_helpers import audio, home
from ser_helpers.cache import cached, version
from ser_helpers.errors import ModelError
from ser_helpers.models import laughter_network
from ser_helpers.models.batches import one_core
from ser_helpers.models.laughter_network import FRAMES, HOP, MELS, SAMPLE_RATE, LaughterNetwork
from ser_helpers.synthesis import frames, shows

STAND_IN_FILTERS, STAND_IN_BANDS = (4, 8, 8, 16), 32
STAND_IN_EPISODES, STAND_IN_SECONDS, STAND_IN_SEED = range(1, 7), 90, 1
EVERY = 6  # frames from one window to the next in training
EPOCHS, BATCH, LEARNING_RATE = 6, 32, 5e-3


def examples(blocks, laughs, every=EVERY):
    """Windows (n, 1, 44, 128) of mono blocks at 8 kHz, and whether somebody laughs in the middle of each (n,).

    `laughs` is a table with a row per laugh: ``start`` and ``end`` in seconds.
    """
    none = np.zeros((0, 1, FRAMES, MELS), np.float32)
    cut = np.concatenate([none, *laughter_network.windows(blocks, every)])
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
    path = home.cache_home() / "fits" / f"laughter-{version(__name__, STAND_IN_SEED)}.pt"
    return cached(path, _make, laughter_network.load_laughter_network)


def _make(path):
    with threadpool_limits(1):  # the same examples to the bit, so the same network
        network = train(*_embedded_examples())
    laughter_network.save_laughter_network(network, path)


def _embedded_examples():
    """Every window with laughter, and every second one without."""
    found = []
    for number in STAND_IN_EPISODES:
        heard, rows = shows.recording(number, STAND_IN_SECONDS, STAND_IN_SEED)
        truth = pd.DataFrame(rows)
        y = audio.resample(heard.mean(1), frames.SAMPLE_RATE, SAMPLE_RATE)
        found.append(examples([y], truth[truth["kind"] == "laughter"]))
    windows, laughter = map(np.concatenate, zip(*found, strict=True))
    chosen = laughter | (np.arange(len(laughter)) % 2 == 0)
    return windows[chosen], laughter[chosen]
