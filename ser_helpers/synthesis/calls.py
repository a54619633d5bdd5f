"""The embedded calls: customers and agents on the telephone, made once per machine.

``calls/call_001.wav`` has two channels at 8 kHz in mu-law, the agent left and the customer right.
``truth/call_001.csv`` has a row per turn: party, start, end, text, emotion (angry, happy, neutral or sad), and valence,
arousal and dominance from -1 to 1. ``calls.csv`` lists the calls: who speaks, how loud it is around the customer, when
a supervisor should be told.

The course of a call: who says what to whom, and what each feels, along a story of `calls.toml`.

When a supervisor should be told is a written rule on what the customer feels: as soon as they have spoken for `HELD`
seconds in turns that are all angry or frustrated, no other turn of theirs between. A short flare is not enough.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from tqdm import tqdm

from ser_helpers.synthesis.dialogue import WORDS, drift, names
from ser_helpers.synthesis.folders import corpus_folder
from ser_helpers.synthesis.rng import make_rng
from ser_helpers.synthesis.sounds import BACKGROUNDS, ECHO, ECHO_DELAY, HISS, PHONE_RATE, background, mu_law, narrow
from ser_helpers.synthesis.vocoder import SAMPLE_RATE
from ser_helpers.synthesis.voices import speak, speaker

PARTIES = ("agent", "customer")  # left and right
#: Calls 101 to 140 have other customers than the first hundred: what is chosen on them is fair to those.
VARIANTS = {"full": range(1, 101), "small": range(1, 7), "tuning": range(101, 141)}
AGENTS = range(25, 31)  # numbers of `speaker`
CUSTOMERS, TUNING_CUSTOMERS = range(73, 100), range(61, 73)
LEAD = 1.0  # seconds before the first turn and after the last
GAP, GAP_SPREAD, LEAST_GAP = 0.45, 0.3, -0.3  # seconds between turns
SNR = {"customer": (5, 25), "agent": (18, 28)}  # dB, least and most


def ensure_calls(variant="full", seed=0, jobs=2, progress=True):
    """The folder of the embedded calls, made first if this machine does not have them (Lesson 13).

    `variant` is ``"full"`` (calls 1 to 100), ``"small"`` (the first six) or ``"tuning"`` (forty calls of other
    customers, for choosing thresholds). The folder lies under ``cache_home()/synthesis``; the rest is as for
    `ensure_corpus`.

    >>> sorted(path.name for path in ensure_calls("small", progress=False).iterdir())
    ['calls', 'calls.csv', 'truth']
    """

    def build(root, numbers):
        build_calls(root, numbers, seed, jobs, progress)

    return corpus_folder(__name__, VARIANTS, variant, build, seed)


def build_calls(root, numbers=VARIANTS["full"], seed=0, jobs=2, progress=True):
    """Write the calls into `root`, and calls.csv; returns that table, one row per call.

    Columns: ``call``; ``path`` and ``truth``, relative to `root`; ``seconds``; ``story``; ``customer``, ``agent``, the
    speakers; ``customer_gender``, ``agent_gender``; ``background``, what is heard around the customer, and ``snr``, the
    dB of their quieter turns over it; ``anger_start``, ``alert``, ``anger_end``, seconds of `call_plans.alert`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     build_calls(folder, [1], jobs=1, progress=False)["story"].tolist()
    ['rising']
    """
    root = Path(root)
    for kind in ("calls", "truth"):
        (root / kind).mkdir(parents=True, exist_ok=True)
    made = Parallel(jobs, return_as="generator")(delayed(_write)(root, number, seed) for number in numbers)
    bar = tqdm(made, "Making calls", len(numbers), unit="call", leave=False, disable=not progress)
    table = pd.DataFrame(list(bar))
    table.to_csv(root / "calls.csv", index=False, lineterminator="\n")
    return table


def _write(root, number, seed):
    """Write one call and its truth; returns its row of calls.csv."""
    name, rng = f"call_{number:03d}", make_rng("line", number, seed)
    customers = CUSTOMERS if number <= VARIANTS["full"][-1] else TUNING_CUSTOMERS
    actors = {"agent": AGENTS[number // 3 % len(AGENTS)], "customer": customers[number % len(customers)]}
    turns = plan(number, seed)
    voices = [
        speak(turn.lines, actors[turn.party], turn.feeling, False, make_rng("turn", number, k, seed), seed)
        for k, turn in enumerate(turns)
    ]
    starts = _schedule(voices, rng)
    around, snr = str(rng.choice(BACKGROUNDS)), round(float(rng.uniform(*SNR["customer"])), 1)
    sound = {"customer": (around, snr), "agent": ("babble", rng.uniform(*SNR["agent"]))}
    heard = _record(turns, voices, starts, sound, rng)
    (root / "calls" / f"{name}.wav").write_bytes(mu_law(heard))
    truth = pd.DataFrame(
        [_truth(turn, start, len(voice)) for turn, voice, start in zip(turns, voices, starts, strict=True)]
    )
    truth.to_csv(root / "truth" / f"{name}.csv", index=False, lineterminator="\n")
    begin, due, end = alert(truth[["party", "start", "end", "emotion"]].itertuples(index=False))
    return {
        "call": name,
        "path": f"calls/{name}.wav",
        "truth": f"truth/{name}.csv",
        "seconds": len(heard) / PHONE_RATE,
        "story": story(number),
        **{party: f"calls-{actor:02d}" for party, actor in actors.items()},
        **{f"{party}_gender": speaker(actor, seed).gender for party, actor in actors.items()},
        "background": around,
        "snr": snr,
        "anger_start": begin,
        "alert": due if np.isnan(due) else round(due, 3),
        "anger_end": end,
    }


def _schedule(voices, rng):
    """First sample of each turn."""
    starts, now = [], LEAD
    for voice in voices:
        starts.append(int(now * SAMPLE_RATE))
        now += len(voice) / SAMPLE_RATE + max(rng.normal(GAP, GAP_SPREAD), LEAST_GAP)
    return starts


def _record(turns, voices, starts, sound, rng):
    """(n, 2) float32 at 8 kHz: what is recorded of the agent and of the customer."""
    clean = np.zeros((starts[-1] + len(voices[-1]) + int(LEAD * SAMPLE_RATE), 2), np.float32)
    for turn, voice, start in zip(turns, voices, starts, strict=True):
        clean[start : start + len(voice), PARTIES.index(turn.party)] += voice
    lines = []
    for channel, party in enumerate(PARTIES):
        kind, snr = sound[party]
        own = [_rms(voice) for turn, voice in zip(turns, voices, strict=True) if turn.party == party]
        level = np.quantile(own, 0.25)  # of a quiet turn: anger is loud, and drowns any noise
        noise = narrow(background(kind, len(clean), rng))
        lines.append(narrow(np.tanh(clean[:, channel])) + level * 10 ** (-snr / 20) * noise / _rms(noise))
    heard = np.stack(lines, 1)
    delay = int(ECHO_DELAY * PHONE_RATE)
    heard[delay:] += ECHO * heard[:-delay, ::-1]
    return np.tanh(heard + HISS * rng.standard_normal(heard.shape)).astype(np.float32)


def _rms(y):
    return np.sqrt(np.mean(np.square(y)))


def _truth(turn, start, samples):
    return {
        "party": turn.party,
        "start": round(start / SAMPLE_RATE, 3),
        "end": round((start + samples) / SAMPLE_RATE, 3),
        "text": " ".join(turn.lines),
        "emotion": turn.emotion,
        **dict(zip(("valence", "arousal", "dominance"), turn.feeling, strict=True)),
    }


#: The emotions of `feelings.CENTRES` by the four names of Part 4; the rest have the name of the nearest of these.
FOUR = {"ang": "angry", "fru": "angry", "hap": "happy", "exc": "happy", "neu": "neutral", "sad": "sad"}
#: The stories of twenty calls in a row: in half of them the anger persists.
STORIES = (
    *("rising", "calm", "flare", "calmed", "glad", "rising", "calm", "calmed", "sad", "rising"),
    *("soothed", "rising", "calm", "flare", "calmed", "rising", "glad", "calmed", "rising", "sad"),
)
HELD = 8.0  # seconds
MOST = {"agent": 2, "customer": 3}  # sentences in a turn
CALLS_TOML = Path(__file__).with_name("calls.toml")


class CallTurn(NamedTuple):
    """One turn of a call, before it is spoken."""

    party: str
    lines: list
    feeling: tuple

    @property
    def emotion(self):
        """Angry, happy, neutral or sad."""
        return next(FOUR[name] for name in names(self.feeling)[0] if name in FOUR)


@cache
def book():
    """The tables of `calls.toml`: ``acts`` and ``stories``."""
    return tomllib.loads(CALLS_TOML.read_text(encoding="utf-8"))


def every_sentence():
    """Every sentence that a call may hold, once, in the order of the file.

    >>> every_sentence()[0]
    'Thank you for calling, how can I help?'
    """
    return list(dict.fromkeys(line for act in book()["acts"].values() for line in act["lines"]))


def story(number):
    """The story of call `number`, 1 and up.

    >>> story(1)
    'rising'
    """
    return STORIES[(number - 1) % len(STORIES)]


def plan(number, seed=0):
    """The turns of call `number`.

    >>> [turn.party for turn in plan(1)[:2]]
    ['agent', 'customer']
    """
    rng, turns, said = make_rng("call", number, seed), [], set()
    feels = {"agent": np.zeros(3), "customer": np.zeros(3)}
    for act in _acts(book()["stories"][story(number)], rng):
        party, goal, lines = (book()["acts"][act][key] for key in ("party", "feels", "lines"))
        other = "agent" if party == "customer" else "customer"
        feels[party] = drift(feels[party], WORDS[goal], feels[other], rng)
        fresh = [line for line in lines if line not in said] or lines
        wanted = 1 if len(turns) < 2 else rng.integers(2 if party == "customer" else 1, MOST[party] + 1)
        chosen = [str(line) for line in rng.permutation(fresh)[:wanted]]
        said.update(chosen)
        turns.append(CallTurn(party, chosen, tuple(feels[party].round(3).tolist())))
    return turns


def _acts(stages, rng):
    for least, most, *acts in stages:
        yield from acts * int(rng.integers(least, most + 1))


def alert(turns):
    """Start, onset and end in seconds of the customer's first lasting anger; NaN three times where there is none.

    `turns` are rows of (party, start, end, emotion). It starts with the first angry turn, is due after `HELD` seconds
    of angry speech, and ends with the last angry turn.

    >>> alert([("customer", 0, 5, "angry"), ("agent", 5, 7, "neutral"), ("customer", 7, 12, "angry")])
    (0, 10.0, 12)
    """
    start = onset = end = np.nan
    held = 0.0
    for party, first, last, emotion in turns:
        if party != "customer":
            continue
        if emotion != "angry":
            if not np.isnan(onset):
                break
            held = 0.0
            continue
        start = first if held == 0 else start
        if held < HELD <= held + last - first:
            onset = first + HELD - held
        held, end = held + last - first, last
    return (start, onset, end) if not np.isnan(onset) else (np.nan,) * 3
