"""What the embedded corpora share: a folder made once, in several processes; the noise of a room; 16-bit wav files."""

import io
from pathlib import Path

import numpy as np
import soundfile as sf
from joblib import Parallel, delayed
from scipy.signal import lfilter
from tqdm import tqdm

from ser_helpers.cache import cached, existing, version
from ser_helpers.errors import CorpusError
from ser_helpers.paths import cache_home
from ser_helpers.synthesis.vocoder import SAMPLE_RATE


def corpus_folder(module, build, variants, variant, seed, jobs, progress):
    """The folder of a corpus; if missing, `build(folder, variants[variant], seed, jobs, progress)` makes it.

    It lies in ``cache_home()/synthesis``, and its name contains the version of `module`, which makes it, and the seed.
    Raises CorpusError if there is no such variant, CacheError if the cache cannot be written.
    """
    if variant not in variants:
        raise CorpusError(f"There is no variant {variant!r} of the embedded corpus: choose {' or '.join(variants)}.")
    name = f"{module.rpartition('.')[2]}-{variant}-{version(module, seed)}"

    def make(folder):
        build(folder, variants[variant], seed, jobs, progress)

    return cached(cache_home() / "synthesis" / name, make, existing, folder=True)


def in_parallel(write, root, tasks, seed, jobs, progress, description, unit):
    """The rows that `write(root, *task, seed)` returns for each task: `jobs` processes, and a progress bar."""
    results = Parallel(jobs, return_as="generator")(delayed(write)(Path(root), *task, seed) for task in tasks)
    bar = tqdm(results, description, len(tasks), unit=unit, leave=False, disable=not progress)
    return [row for rows in bar for row in rows]


def room_noise(db, shape, rng):
    """Noise of `shape`, samples first, with an RMS of `db` dBFS; it falls by 6 dB per octave, as in a quiet room."""
    return 0.43 * 10 ** (db / 20) * lfilter([1], [1, -0.9], rng.normal(size=shape), axis=0)


def to_int16(y):
    """Samples as 16-bit integers, their peaks softly limited."""
    return np.rint(np.tanh(y) * 32767).astype(np.int16)


def wav(pcm):
    """The bytes of a wav file at 16 kHz: `pcm` is int16, (n,) or (n, channels)."""
    buffer = io.BytesIO()
    sf.write(buffer, pcm, SAMPLE_RATE, format="WAV")
    return buffer.getvalue()
