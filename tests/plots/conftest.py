import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from ser_helpers import corpora


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    """Makes (X, table): emotions shift the features, each speaker adds an offset, the rest is noise.

    All utterances are parts of one recording, no two of them alike.
    """
    path = tmp_path_factory.mktemp("toy") / "toy.wav"
    sf.write(path, np.arange(20_000, dtype=np.int16), 1000)

    def make(speakers=6, per_speaker=16, labels=("neutral", "happy", "sad", "angry"), noise=0.5, voice=0.2, seed=0):
        rng = np.random.default_rng(seed)
        n = speakers * per_speaker
        speaker = np.repeat(np.arange(speakers), per_speaker)
        emotion = np.tile(np.arange(len(labels)), n)[:n]
        centres = 2 * rng.standard_normal((len(labels), 5))
        X = centres[emotion] + voice * rng.standard_normal((speakers, 5))[speaker] + noise * rng.standard_normal((n, 5))
        index = pd.Index([f"toy/{k:03d}" for k in range(n)], name="utterance")
        columns = {
            "path": str(path),
            "start": np.arange(n) / 100,
            "end": np.arange(n) / 100 + 0.01,
            "corpus": "toy",
            "speaker": [f"toy-{s:02d}" for s in speaker],
            "gender": np.where(speaker % 2, "female", "male"),
            "statement": [f"toy-{k % 2}" for k in range(n)],
            "language": "en",
            "emotion": np.array(labels, dtype=object)[emotion],
            "arousal": X[:, 0] + 0.1 * rng.standard_normal(n),
        }
        table = pd.DataFrame(columns, index).reindex(columns=[*corpora.COLUMNS]).astype(corpora.COLUMNS)
        return pd.DataFrame(X, index, [f"f{k}" for k in range(5)]), table

    return make
