"""The embedded corpus: 24 actors × 60 utterances in RAVDESS's layout and names, made once per machine.

The layout is that of Livingstone & Russo (2018), doi:10.1371/journal.pone.0196391:
``Actor_NN/03-01-EE-II-SS-RR-NN.wav`` for emotion, intensity, statement, repetition and actor. ``metadata.csv`` adds
what RAVDESS lacks: valence, arousal and dominance.
"""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.signal import lfilter
from tqdm import tqdm

from ser_helpers.synthesis.folders import corpus_folder, wav
from ser_helpers.synthesis.prosody import EMOTIONS, PROSODY
from ser_helpers.synthesis.rng import make_rng
from ser_helpers.synthesis.vocoder import SAMPLE_RATE, STATEMENTS
from ser_helpers.synthesis.voices import perform, speaker

VARIANTS = {"full": range(1, 25), "small": range(1, 5)}
REPETITIONS = (1, 2)


def ensure_corpus(variant="full", seed=0, jobs=2, progress=True):
    """The folder of the embedded corpus, made first if this machine does not have it yet (every lesson).

    `variant` is ``"full"`` (24 actors, 1440 clips, about 140 MB) or ``"small"`` (its first 4 actors, for tests). The
    folder lies under ``cache_home()/synthesis`` and its name carries a hash of the code that made it, so a new version
    of the code makes a new corpus; older folders may be deleted. Processes that start together make it once, and an
    interrupted build leaves nothing half-done. Raises CorpusError when there is no such variant, or no room to write.

    >>> len(list(ensure_corpus("small", progress=False).glob("Actor_01/*.wav")))
    60
    """

    def build(root, actors):
        build_corpus(root, actors, seed, jobs, progress)

    return corpus_folder(__name__, VARIANTS, variant, build, seed)


def build_corpus(root, actors=VARIANTS["full"], seed=0, jobs=2, progress=True):
    """Write the clips of these actors and metadata.csv into `root`; returns the metadata, one row per clip (Lesson 03).

    `jobs` processes share the work, which takes about 7 s for 24 actors on 2 cores. For a copy that is made once and
    kept, use `ensure_corpus`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     len(build_corpus(folder, actors=[1], jobs=1, progress=False))
    60
    """
    actors = list(actors)
    made = Parallel(jobs, return_as="generator")(delayed(_write_actor)(Path(root), actor, seed) for actor in actors)
    bar = tqdm(made, "Making synthetic speech", len(actors), unit="actor", leave=False, disable=not progress)
    metadata = pd.DataFrame([row for rows in bar for row in rows])
    metadata.to_csv(Path(root) / "metadata.csv", index=False, lineterminator="\n")
    return metadata


def clip(actor, emotion, intensity, statement, repetition, seed=0):
    """One file of the corpus: `(pcm, vad)`, the utterance in the quiet of the actor's room as (n,) int16 at 16 kHz.

    >>> clip(1, "neutral", 1, statement=1, repetition=1)[0].dtype
    dtype('int16')
    """
    y, played = perform(statement, actor, emotion, intensity, repetition, seed)
    rng = make_rng("room", actor, emotion, intensity, statement, repetition, seed)
    y = np.pad(y, (rng.uniform(0.3, 0.7, 2) * SAMPLE_RATE).astype(int))
    room = lfilter([1], [1, -0.9], rng.normal(size=len(y)))
    y = y + 0.43 * 10 ** (speaker(actor, seed).room_noise / 20) * room
    return np.rint(np.tanh(y) * 32767).astype(np.int16), played.vad


def _write_actor(root, actor, seed):
    """Write the 60 clips of one actor; returns their rows of metadata."""
    folder, rows = root / f"Actor_{actor:02d}", []
    folder.mkdir(parents=True, exist_ok=True)
    for (emotion, intensity), statement, repetition in product(PROSODY, STATEMENTS, REPETITIONS):
        pcm, vad = clip(actor, emotion, intensity, statement, repetition, seed)
        code = EMOTIONS.index(emotion) + 1
        name = f"03-01-{code:02d}-{intensity:02d}-{statement:02d}-{repetition:02d}-{actor:02d}.wav"
        (folder / name).write_bytes(wav(pcm))
        rows.append(
            {
                "path": f"{folder.name}/{name}",
                "actor": actor,
                "gender": speaker(actor, seed).gender,
                "emotion": emotion,
                "intensity": intensity,
                "statement": statement,
                "repetition": repetition,
                **dict(zip(("valence", "arousal", "dominance"), vad, strict=True)),
            }
        )
    return rows
