"""The embedded calls: customers and agents on the telephone, made once per machine.

``calls/call_001.wav`` has two channels at 8 kHz in mu-law, the agent left and the customer right.
``truth/call_001.csv`` has a row per turn: party, start, end, text, emotion (angry, happy, neutral or sad), and valence,
arousal and dominance from -1 to 1. ``calls.csv`` lists the calls: who speaks, how noisy it is around the customer, when
an alert is due.

A call follows a story of `calls.toml`. An alert is due by rule: as soon as the customer has spoken for `ALERT_AFTER`
seconds in consecutive turns that are all angry or frustrated. A short flare is not enough.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ser_helpers.synthesis.corpus_files import corpus_folder, in_parallel
from ser_helpers.synthesis.dialogue import WORDS, drift, nearest_emotions
from ser_helpers.synthesis.rng import make_rng
from ser_helpers.synthesis.sounds import BACKGROUNDS, ECHO, ECHO_DELAY, HISS, PHONE_RATE, background, mu_law, narrow
from ser_helpers.synthesis.vocoder import SAMPLE_RATE
from ser_helpers.synthesis.voices import speak, speaker

PARTIES = ("agent", "customer")  # left and right
#: Calls 101 to 140 have different customers: a threshold chosen on them can be tested on the first hundred.
VARIANTS = {"full": range(1, 101), "small": range(1, 7), "tuning": range(101, 141)}
AGENTS = range(25, 31)  # numbers of `speaker`
CUSTOMERS, TUNING_CUSTOMERS = range(73, 100), range(61, 73)
LEAD = 1.0  # seconds before the first turn and after the last
GAP, GAP_SPREAD, LEAST_GAP = 0.45, 0.3, -0.3  # seconds between turns
SNR = {"customer": (5, 25), "agent": (18, 28)}  # dB, least and most
#: Names of the emotions of `dialogue.CENTRES` in calls; the others get the name of the nearest of these.
FOUR = {"ang": "angry", "fru": "angry", "hap": "happy", "exc": "happy", "neu": "neutral", "sad": "sad"}
#: The stories of twenty consecutive calls: in half of them the anger persists.
STORIES = (
    *("rising", "calm", "flare", "calmed", "glad", "rising", "calm", "calmed", "sad", "rising"),
    *("soothed", "rising", "calm", "flare", "calmed", "rising", "glad", "calmed", "rising", "sad"),
)
ALERT_AFTER = 8.0  # seconds of angry speech
MOST_SENTENCES = {"agent": 2, "customer": 3}  # in a turn
CALLS_TOML = Path(__file__).with_name("calls.toml")


def ensure_calls(variant="full", seed=0, jobs=2, progress=True):
    """The folder of the embedded calls, made first if this machine does not have them yet (Lesson 13).

    `variant` is ``"full"`` (calls 1 to 100), ``"small"`` (the first six) or ``"tuning"`` (forty calls of different
    customers, for choosing thresholds). The rest is as for `ensure_corpus`.

    >>> sorted(path.name for path in ensure_calls("small", progress=False).iterdir())
    ['calls', 'calls.csv', 'truth']
    """
    return corpus_folder(__name__, build_calls, VARIANTS, variant, seed, jobs, progress)


def build_calls(root, numbers=VARIANTS["full"], seed=0, jobs=2, progress=True):
    """Write the calls into `root`, and calls.csv; returns that table, one row per call.

    Columns: ``call``; ``path`` and ``truth``, relative to `root`; ``seconds``; ``story``; ``customer``, ``agent``, the
    speakers; ``customer_gender``, ``agent_gender``; ``background``, the noise around the customer, and ``snr``, the
    level of their quieter turns relative to it in dB; ``anger_start``, ``alert``, ``anger_end``, the times of `alert`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     build_calls(folder, [1], jobs=1, progress=False)["story"].tolist()
    ['rising']
    """
    root = Path(root)
    for kind in ("calls", "truth"):
        (root / kind).mkdir(parents=True, exist_ok=True)
    tasks = [(number,) for number in numbers]
    table = pd.DataFrame(in_parallel(_write, root, tasks, seed, jobs, progress, "Making calls", "call"))
    table.to_csv(root / "calls.csv", index=False, lineterminator="\n")
    return table


def _write(root, number, seed):
    """Write one call and its truth; returns its row of calls.csv, in a list."""
    name, rng = f"call_{number:03d}", make_rng("line", number, seed)
    customers = CUSTOMERS if number <= VARIANTS["full"][-1] else TUNING_CUSTOMERS
    actors = {"agent": AGENTS[number // 3 % len(AGENTS)], "customer": customers[number % len(customers)]}
    turns = plan(number, seed)
    voices = [
        speak(turn.lines, actors[turn.party], turn.vad, False, make_rng("turn", number, k, seed), seed)
        for k, turn in enumerate(turns)
    ]
    starts = _schedule(voices, rng)
    noise, snr = str(rng.choice(BACKGROUNDS)), round(float(rng.uniform(*SNR["customer"])), 1)
    noises = {"customer": (noise, snr), "agent": ("babble", rng.uniform(*SNR["agent"]))}
    signal = _record(turns, voices, starts, noises, rng)
    (root / "calls" / f"{name}.wav").write_bytes(mu_law(signal))
    truth = pd.DataFrame(
        [_truth(turn, start, len(voice)) for turn, voice, start in zip(turns, voices, starts, strict=True)]
    )
    truth.to_csv(root / "truth" / f"{name}.csv", index=False, lineterminator="\n")
    begin, onset, end = alert(truth[["party", "start", "end", "emotion"]].itertuples(index=False))
    row = {
        "call": name,
        "path": f"calls/{name}.wav",
        "truth": f"truth/{name}.csv",
        "seconds": len(signal) / PHONE_RATE,
        "story": story(number),
        **{party: f"calls-{actor:02d}" for party, actor in actors.items()},
        **{f"{party}_gender": speaker(actor, seed).gender for party, actor in actors.items()},
        "background": noise,
        "snr": snr,
        "anger_start": begin,
        "alert": onset if np.isnan(onset) else round(onset, 3),
        "anger_end": end,
    }
    return [row]


def _schedule(voices, rng):
    """First sample of each turn."""
    starts, now = [], LEAD
    for voice in voices:
        starts.append(int(now * SAMPLE_RATE))
        now += len(voice) / SAMPLE_RATE + max(rng.normal(GAP, GAP_SPREAD), LEAST_GAP)
    return starts


def _record(turns, voices, starts, noises, rng):
    """(n, 2) float32 at 8 kHz: the agent's and the customer's line; `noises` are (kind, SNR in dB) by party."""
    clean = np.zeros((starts[-1] + len(voices[-1]) + int(LEAD * SAMPLE_RATE), 2), np.float32)
    for turn, voice, start in zip(turns, voices, starts, strict=True):
        clean[start : start + len(voice), PARTIES.index(turn.party)] += voice
    lines = []
    for channel, party in enumerate(PARTIES):
        kind, snr = noises[party]
        levels = [_rms(voice) for turn, voice in zip(turns, voices, strict=True) if turn.party == party]
        level = np.quantile(levels, 0.25)  # of a quiet turn: anger is louder than any noise
        noise = narrow(background(kind, len(clean), rng))
        lines.append(narrow(np.tanh(clean[:, channel])) + level * 10 ** (-snr / 20) * noise / _rms(noise))
    signal = np.stack(lines, 1)
    delay = int(ECHO_DELAY * PHONE_RATE)
    signal[delay:] += ECHO * signal[:-delay, ::-1]  # each channel gets an echo of the other
    return np.tanh(signal + HISS * rng.standard_normal(signal.shape)).astype(np.float32)


def _rms(y):
    return np.sqrt(np.mean(np.square(y)))


def _truth(turn, start, samples):
    return {
        "party": turn.party,
        "start": round(start / SAMPLE_RATE, 3),
        "end": round((start + samples) / SAMPLE_RATE, 3),
        "text": " ".join(turn.lines),
        "emotion": turn.emotion,
        **dict(zip(("valence", "arousal", "dominance"), turn.vad, strict=True)),
    }


class CallTurn(NamedTuple):
    """One turn of a call, before it is spoken."""

    party: str
    lines: list
    vad: tuple

    @property
    def emotion(self):
        """Angry, happy, neutral or sad."""
        return next(FOUR[name] for name in nearest_emotions(self.vad)[0] if name in FOUR)


@cache
def book():
    """The tables of `calls.toml`: ``acts`` and ``stories``."""
    return tomllib.loads(CALLS_TOML.read_text(encoding="utf-8"))


def every_sentence():
    """Every sentence that a call may contain, once, in the order of the file."""
    return list(dict.fromkeys(line for act in book()["acts"].values() for line in act["lines"]))


def story(number):
    """The story of call `number`, 1 and up."""
    return STORIES[(number - 1) % len(STORIES)]


def plan(number, seed=0):
    """The turns of call `number`."""
    rng, turns, used = make_rng("call", number, seed), [], set()
    vad = {"agent": np.zeros(3), "customer": np.zeros(3)}
    for act in _acts(book()["stories"][story(number)], rng):
        party, goal, lines = (book()["acts"][act][key] for key in ("party", "feels", "lines"))
        other = "agent" if party == "customer" else "customer"
        vad[party] = drift(vad[party], WORDS[goal], vad[other], rng)
        fresh = [line for line in lines if line not in used] or lines
        wanted = 1 if len(turns) < 2 else rng.integers(2 if party == "customer" else 1, MOST_SENTENCES[party] + 1)
        chosen = [str(line) for line in rng.permutation(fresh)[:wanted]]
        used.update(chosen)
        turns.append(CallTurn(party, chosen, tuple(vad[party].round(3).tolist())))
    return turns


def _acts(stages, rng):
    for least, most, *acts in stages:
        yield from acts * int(rng.integers(least, most + 1))


def alert(turns):
    """Start, onset and end in seconds of the customer's first lasting anger; three NaN if there is none.

    `turns` are rows of (party, start, end, emotion). It starts with the first angry turn, its onset, when the alert is
    due, comes after `ALERT_AFTER` seconds of angry speech, and it ends with the last angry turn.

    >>> alert([("customer", 0, 5, "angry"), ("agent", 5, 7, "neutral"), ("customer", 7, 12, "angry")])
    (0, 10.0, 12)
    """
    start = onset = end = np.nan
    angry = 0.0  # seconds of angry speech so far
    for party, first, last, emotion in turns:
        if party != "customer":
            continue
        if emotion != "angry":
            if not np.isnan(onset):
                break
            angry = 0.0
            continue
        start = first if angry == 0 else start
        if angry < ALERT_AFTER <= angry + last - first:
            onset = first + ALERT_AFTER - angry
        angry, end = angry + last - first, last
    return (start, onset, end) if not np.isnan(onset) else (np.nan,) * 3
