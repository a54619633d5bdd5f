"""Small recordings and tables for the tests of this room."""

import warnings

import numpy as np
import pytest
import soundfile as sf

from ser_helpers import corpora
from ser_helpers.corpora.schema import make_table


@pytest.fixture
def wav():
    """Write a recording of noise that differs with the seed."""

    def write(path, seed=0, channels=1, frames=400):
        path.parent.mkdir(parents=True, exist_ok=True)
        sf.write(path, np.random.default_rng(seed).uniform(-0.5, 0.5, (frames, channels)), 16000)
        return path

    return write


@pytest.fixture
def load():
    """Load a corpus; return its table and the texts of its warnings."""

    def read(name, root):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            table = corpora.load(name, root)
        return table, [str(w.message) for w in caught]

    return read


@pytest.fixture
def table():
    """Make an utterance table of as many speakers, statements and repetitions as asked for, without recordings."""

    def make(speakers=4, statements=2, repetitions=3, **columns):
        return make_table(
            {
                "utterance": f"made/{s}-{t}-{r}",
                "path": f"/nowhere/{s}-{t}-{r}.wav",
                "corpus": "made",
                "speaker": f"made-{s}",
                "session": f"made-{s // 2}",
                "statement": f"made-{t}",
                "language": "en",
                "emotion": ("happy", "sad")[r % 2],
                **columns,
            }
            for s in range(speakers)
            for t in range(statements)
            for r in range(repetitions)
        )

    return make
