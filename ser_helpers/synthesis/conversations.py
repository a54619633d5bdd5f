"""The embedded conversations: ten actors in five sessions, in IEMOCAP's layout and names, made once per machine.

The layout is that of Busso et al. (2008), doi:10.1007/s10579-008-9076-6: ``SessionN/dialog`` holds ``wav`` (16 kHz, the
woman left, the man right), ``transcriptions`` and ``EmoEvaluation``, ``SessionN/sentences/wav`` a recording of each
turn. ``truth.csv`` adds what IEMOCAP cannot know: what was felt, before anybody rated it, and what sort of words it was
put into.
"""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.signal import lfilter
from tqdm import tqdm

from ser_helpers.synthesis.dialogue import HEAD, RATERS, dialogue, evaluation, names, rate, rate_oneself, titles
from ser_helpers.synthesis.folders import corpus_folder, wav
from ser_helpers.synthesis.rng import make_rng
from ser_helpers.synthesis.vocoder import SAMPLE_RATE
from ser_helpers.synthesis.voices import speak, speaker

VARIANTS = {"full": range(1, 6), "small": range(1, 3)}
LEAD = 0.5  # seconds before the first turn and after the last
GAP, GAP_SPREAD = 0.2, 0.25  # seconds between turns: some overlap
LEAST_GAP, MOST_GAP = -0.25, 0.8
MILLISECOND = SAMPLE_RATE // 1000
CROSSTALK = 0.03  # of a voice reaches the partner's microphone


def ensure_conversations(variant="full", seed=0, jobs=2, progress=True):
    """The folder of the embedded conversations, made first if this machine does not have them (Lessons 08 to 10).

    `variant` is ``"full"`` (five sessions, 920 turns, about 150 MB, made in about 10 s on 2 cores) or ``"small"`` (the
    first two, for tests). The folder lies under ``cache_home()/synthesis``; the rest is as for `ensure_corpus`.

    >>> sorted(path.name for path in ensure_conversations("small", progress=False).iterdir())
    ['Session1', 'Session2', 'truth.csv']
    """

    def build(root, sessions):
        build_conversations(root, sessions, seed, jobs, progress)

    return corpus_folder(__name__, VARIANTS, variant, build, seed)


def build_conversations(root, sessions=VARIANTS["full"], seed=0, jobs=2, progress=True):
    """Write the sessions into `root`, and truth.csv; returns the truth, one row per turn.

    Columns: ``turn``; ``emotion``, ``valence``, ``arousal`` and ``dominance`` as felt, from 1 to 5; ``words``, the mood
    of the line (a table of `lines.toml`); ``ironic``, whether it is praise meant as blame.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     len(build_conversations(folder, sessions=[1], jobs=1, progress=False)) > 100
    True
    """
    tasks = list(product(sessions, "FM", titles()))
    made = Parallel(jobs, return_as="generator")(delayed(_write)(Path(root), *task, seed) for task in tasks)
    bar = tqdm(made, "Making conversations", len(tasks), unit="dialogue", leave=False, disable=not progress)
    truth = pd.DataFrame([row for rows in bar for row in rows])
    truth.to_csv(Path(root) / "truth.csv", index=False, lineterminator="\n")
    return truth


def actor(session, sex):
    """The number of the actor, 31–40, as `speaker` knows it."""
    return 29 + 2 * session + (sex == "F")


def _write(root, session, marked, title, seed):
    """Write one dialogue and its turns; returns their rows of the truth."""
    turns = list(dialogue(session, marked, title, seed))
    voices = [_voice(turn, session, seed) for turn in turns]
    name = turns[0].name.rpartition("_")[0]
    spans = _schedule(voices, make_rng("gaps", name, seed))
    pcm = _record(turns, voices, spans, session, name, seed)
    folder = root / f"Session{session}"
    for kind in ("wav", "transcriptions", "EmoEvaluation"):
        (folder / "dialog" / kind).mkdir(parents=True, exist_ok=True)
    (folder / "sentences" / "wav" / name).mkdir(parents=True, exist_ok=True)
    (folder / "dialog" / "wav" / f"{name}.wav").write_bytes(wav(pcm))
    blocks, texts, rows = [], [], []
    for turn, (first, last) in zip(turns, spans, strict=True):
        path = folder / "sentences" / "wav" / name / f"{turn.name}.wav"
        path.write_bytes(wav(pcm[first:last, "FM".index(turn.sex)]))
        start, end = first / SAMPLE_RATE, last / SAMPLE_RATE
        given = [rate(turn.feeling, rater, turn.name, seed) for rater in range(1, RATERS + 1)]
        own = rate_oneself(turn.feeling, turn.name, seed)
        blocks.append(evaluation(turn.name, start, end, given, own, turn.sex))
        texts.append(f"{turn.name} [{start:08.4f}-{end:08.4f}]: {' '.join(turn.lines)}\n")
        rows.append(_truth(turn))
    (folder / "dialog" / "EmoEvaluation" / f"{name}.txt").write_text("\n".join([HEAD, *blocks]), "utf-8")
    (folder / "dialog" / "transcriptions" / f"{name}.txt").write_text("".join(texts), "utf-8")
    return rows


def _voice(turn, session, seed):
    return speak(
        turn.lines, actor(session, turn.sex), turn.feeling, turn.ironic, make_rng("voice", turn.name, seed), seed
    )


def _schedule(voices, rng):
    """First and last sample of each turn, in whole milliseconds."""
    spans, now = [], LEAD
    for voice in voices:
        first = int(now * 1000) * MILLISECOND
        last = first + -(-len(voice) // MILLISECOND) * MILLISECOND
        spans.append((first, last))
        now = last / SAMPLE_RATE + np.clip(rng.normal(GAP, GAP_SPREAD), LEAST_GAP, MOST_GAP)
    return spans


def _record(turns, voices, spans, session, name, seed):
    """(n, 2) int16: what the two microphones hear, the woman's and the man's."""
    heard = np.zeros((spans[-1][1] + int(LEAD * SAMPLE_RATE), 2), np.float32)
    for turn, voice, (first, _) in zip(turns, voices, spans, strict=True):
        heard[first : first + len(voice), "FM".index(turn.sex)] += voice
    heard += CROSSTALK * heard[:, ::-1]
    for channel, sex in enumerate("FM"):
        room = lfilter([1], [1, -0.9], make_rng("room", name, sex, seed).normal(size=len(heard)))
        heard[:, channel] += 0.43 * 10 ** (speaker(actor(session, sex), seed).room_noise / 20) * room
    return np.rint(np.tanh(heard) * 32767).astype(np.int16)


def _truth(turn):
    valence, arousal, dominance = (round(3 + 2 * value, 3) for value in turn.feeling)
    emotion = names(turn.feeling)[0][0]
    return {
        "turn": turn.name,
        "emotion": emotion,
        "valence": valence,
        "arousal": arousal,
        "dominance": dominance,
        "words": turn.mood,
        "ironic": turn.ironic,
    }
