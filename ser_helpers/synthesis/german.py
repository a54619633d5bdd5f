"""The embedded second language: ten people say five German sentences in seven emotions, in EmoDB's layout and names.

The layout is that of Burkhardt et al. (2005), doi:10.21437/Interspeech.2005-446: ``wav/03a01Fa.wav`` for the speaker,
the sentence, the German initial of the emotion and the version. The sounds are the nearest ones of an English voice
(`german.toml`), so the accent is strong; the emotions are what matters here.

The people of this language have habits of their own: they speak lower, flatter, brighter and faster than the English
voices of `prosody` even when they feel nothing, and tell some emotions otherwise. Their anger is in the tension of the
voice more than in its pitch, their joy in pace and melody more than in loudness, their sorrow is always quiet, and
their fear is fast. None of this is a finding about German: it is a table, made so that a model has something to trip
over when it goes abroad.
"""

import tomllib
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from scipy.signal import lfilter
from tqdm import tqdm

from ser_helpers.synthesis.folders import corpus_folder, wav
from ser_helpers.synthesis.prosody import CHANCE, CUES, Cues, Performance, departure
from ser_helpers.synthesis.rng import make_rng
from ser_helpers.synthesis.vocoder import SAMPLE_RATE, carrier, render
from ser_helpers.synthesis.voices import speaker

#: EmoDB's speakers, and the number of the voice of each: odd numbers are men, even ones women.
VOICES = {"03": 1, "08": 2, "09": 4, "10": 3, "11": 5, "12": 7, "13": 6, "14": 8, "15": 9, "16": 10}
VARIANTS = {"full": tuple(VOICES)}
OTHERS = 2005  # added to the seed, so that voice 1 here is not actor 1 of the English corpus

# What everybody does in this language, on top of each row below, and rows as in `prosody.PROSODY`.
# fmt: off
HABITS =             ( -1, -.15,  0,    0,    1, -.1,  3,  .7,   -1, -1,   0,   0,  0, .1, -.01,  .03,   0,   0,   0)
#                      f0   rng  acc  slo   fin   dur  db  tlt    h1  br  jit  shi  tr  cr  form   art  nar  whi  pau
PROSODY = {
    "N": ("neutral",  ( 0,    1,  0,   0,    0,    1,  0,   0,    0,  0,   0,   0,  0,  0,    1,    1,   0, .02, .04)),
    "F": ("happy",    ( 4,  1.6, 1.3, .8,    1,  .88,  4,  .5,   .5,  0,  .4,  .2,  0,  0, 1.04,    1,   0, .01,   0)),
    "T": ("sad",      (-1,  .55, -.1, -1,   -1, 1.42, -6,  -1,  2.5,  4,  .3,  .4, .1,  0,    1,  .92,   0, .18, .25)),
    "W": ("angry",    ( 3,  1.1, 1.8, .5, -2.5,  .96, 11,   2, -2.5,  0,  .3,  .4,  0, .2, 1.03, 1.12,   3, .01, .01)),
    "A": ("fearful",  ( 7,   .7, .2,   2,  1.5,  .84,  2,  .3,    1,  3,  .9,  .8, .5,  0, 1.06,  .98,   0,  .1, .03)),
    "E": ("disgust",  ( 0,  1.4, .9, -.5,   -1, 1.25,  4,  .6, -1.5,  2,  .3,  .2,  0, .5,  .98, 1.05, 4.5, .15,  .1)),
    "L": ("calm",     (-2,   .5, -.2,  0,    1, 1.35, -3, -.3,   .5,  0,   0,   0,  0, .2,    1,  .88,   0, .05, .12)),
}
# fmt: on

SCRIPT = Path(__file__).with_name("german.toml")


def ensure_german(variant="full", seed=0, jobs=2, progress=True):
    """The folder of the embedded German corpus, made first if this machine does not have it (Lesson 11).

    There is one variant, ``"full"``: 350 recordings, about 35 MB, made in about 3 s on 2 cores. The folder lies under
    ``cache_home()/synthesis``; the rest is as for `ensure_corpus`.

    >>> len(list(ensure_german(progress=False).glob("wav/03*.wav")))
    35
    """

    def build(root, speakers):
        build_german(root, speakers, seed, jobs, progress)

    return corpus_folder(__name__, VARIANTS, variant, build, seed)


def build_german(root, speakers=VARIANTS["full"], seed=0, jobs=2, progress=True):
    """Write the recordings of these speakers into `root`, 35 each; returns their paths.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     build_german(folder, ["03"], jobs=1, progress=False)[0].name
    '03a01Na.wav'
    """
    (Path(root) / "wav").mkdir(parents=True, exist_ok=True)
    speakers = list(speakers)
    made = Parallel(jobs, return_as="generator")(delayed(_write)(Path(root), number, seed) for number in speakers)
    bar = tqdm(made, "Making German speech", len(speakers), unit="speaker", leave=False, disable=not progress)
    return [path for paths in bar for path in paths]


@cache
def sentences():
    """EmoDB's codes of the sentences, and their texts.

    >>> sentences()["a01"]
    'Der Lappen liegt auf dem Eisschrank.'
    """
    stored = tomllib.loads(SCRIPT.read_text(encoding="utf-8"))
    return {code: line["text"] for code, line in stored.items()}


def recording(number, code, initial, seed=0):
    """One file: (n,) int16 at 16 kHz, by the speaker `number`, of the sentence `code` in the emotion `initial`.

    >>> recording("03", "a01", "W").dtype
    dtype('int16')
    """
    voice, rng = speaker(VOICES[number], OTHERS + seed), make_rng("german", number, code, initial, seed)
    y = render(carrier(sentences()[code]), voice, _performance(voice, initial, rng), rng)
    y = np.pad(y, (rng.uniform(0.05, 0.2, 2) * SAMPLE_RATE).astype(int))
    y = y + 0.43 * 10 ** (voice.room_noise / 20) * lfilter([1], [1, -0.9], rng.normal(size=len(y)))
    return np.rint(np.tanh(y) * 32767).astype(np.int16)


def _performance(voice, initial, rng):
    """As `prosody.performance`, from the tables above."""
    like, row = PROSODY[initial]
    neutral = np.array(PROSODY["N"][1])
    acted = voice.expressiveness[like] * rng.normal(1, 0.1) * (np.array(row) - neutral)
    cues = neutral + HABITS + acted + voice.habit[like] + CHANCE * departure(rng)
    cues = np.clip(cues, [cue.lowest for cue in CUES.values()], [cue.highest for cue in CUES.values()])
    colour = voice.colour + voice.habit_colour[like] + rng.normal(0, 0.4, len(voice.colour))
    return Performance(Cues(*cues.tolist()), colour, (np.nan,) * 3)


def _write(root, number, seed):
    """Write the 35 recordings of one speaker; returns their paths."""
    paths = []
    for code, initial in product(sentences(), PROSODY):
        paths.append(root / "wav" / f"{number}{code}{initial}a.wav")
        paths[-1].write_bytes(wav(recording(number, code, initial, seed)))
    return paths
