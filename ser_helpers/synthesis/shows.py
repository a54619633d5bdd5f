"""The embedded podcast: a show of six episodes as it might be published, made once per machine.

``feed.xml`` is the RSS feed, ``episodes`` holds the recordings in the formats that podcasts come in (MP3, Ogg Vorbis,
FLAC, WAV; mono and stereo; 44.1 and 48 kHz), ``transcripts`` what is said in them (SubRip, WebVTT, Podcasting 2.0's
JSON). ``truth.csv`` adds what no publisher knows: who felt what when, and every laugh.

A transcript in the formats that podcasts are published with: SubRip, WebVTT, and Podcasting 2.0's JSON.

The course of a podcast's episode: who says what and when, what each feels meanwhile, and who laughs about it.
"""

import html
import json
import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import soundfile as sf
import soxr
from joblib import Parallel, delayed
from scipy.signal import lfilter
from tqdm import tqdm

from ser_helpers.errors import CorpusMissing
from ser_helpers.synthesis.dialogue import WORDS, drift, mood_of, names, stock
from ser_helpers.synthesis.folders import corpus_folder
from ser_helpers.synthesis.rng import make_rng
from ser_helpers.synthesis.sounds import jingle, laughter
from ser_helpers.synthesis.vocoder import SAMPLE_RATE
from ser_helpers.synthesis.voices import MARGIN, speak, speaker


def srt(sentences):
    """SubRip; the speaker stands before the words. A sentence is a dict: start, end (s), speaker, text.

    >>> print(srt([{"start": 0.5, "end": 2, "speaker": "Ben", "text": "Really?"}]))
    1
    00:00:00,500 --> 00:00:02,000
    Ben: Really?
    <BLANKLINE>
    """
    blocks = (
        f"{number}\n{_clock(s['start'], ',')} --> {_clock(s['end'], ',')}\n{s['speaker']}: {s['text']}\n"
        for number, s in enumerate(sentences, 1)
    )
    return "\n".join(blocks)


def vtt(sentences):
    """WebVTT, the speaker in a voice tag: https://www.w3.org/TR/webvtt1/.

    >>> print(vtt([{"start": 0.5, "end": 2, "speaker": "Ben", "text": "Really?"}]))
    WEBVTT
    <BLANKLINE>
    00:00:00.500 --> 00:00:02.000
    <v Ben>Really?
    <BLANKLINE>
    """
    blocks = (
        f"{_clock(s['start'], '.')} --> {_clock(s['end'], '.')}\n<v {s['speaker']}>{html.escape(s['text'], False)}\n"
        for s in sentences
    )
    return "\n".join(["WEBVTT\n", *blocks])


def podcast_json(sentences):
    """The JSON of Podcasting 2.0's transcript tag: a segment per sentence.

    >>> podcast_json([{"start": 0.5, "end": 2, "speaker": "Ben", "text": "Really?"}])[:19]
    '{"version": "1.0.0"'
    """
    segments = [
        {"speaker": s["speaker"], "startTime": s["start"], "endTime": s["end"], "body": s["text"]} for s in sentences
    ]
    return json.dumps({"version": "1.0.0", "segments": segments}, ensure_ascii=False)


def _clock(seconds, point):
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"


#: Format -> (its media type, what writes it).
FORMATS = {
    "srt": ("application/x-subrip", srt),
    "vtt": ("text/vtt", vtt),
    "json": ("application/json", podcast_json),
}


PROGRAMME = Path(__file__).with_name("shows.toml")
HOSTS = (41, 42)
GROUPS = {"neu": "neutral", "hap": "happy", "exc": "happy", "sad": "sad", "ang": "angry", "fru": "angry"}
BEFORE = 0.5  # seconds of quiet before the first jingle, around each, and after the last
JINGLE_NOTES = {"first": 8, "between": 4, "last": 8}
HELD = 0.65  # share of sentences after which somebody else speaks
GAP, GAP_SPREAD, LEAST_GAP, MOST_GAP = 0.3, 0.2, 0.02, 0.9  # seconds between sentences
FUNNY = 0.45  # share of happy sentences that somebody laughs about
SHARED, JOINING = 0.4, 0.75  # share of laughs that others may join, and of the others who do
OVER = 0.5  # share of laughs over which the talk goes on
LAUGHS, LAUGHS_SPREAD, SHORTEST, LONGEST = 1.2, 0.7, 0.35, 6  # seconds: median, and spread of the logarithm
DELAY = 0.25  # seconds by which the others join later, at most
UNDER = 0.4  # x amplitude of a laugh that goes on under somebody's words


class Sound(NamedTuple):
    """Something to be heard in an episode, at 16 kHz."""

    start: float  # seconds
    y: np.ndarray
    kind: str  # "speech", "laughter" or "jingle"
    actor: int | None = None
    text: str | None = None
    feeling: tuple | None = None


@cache
def programme():
    """The tables of `shows.toml`: ``title``, ``description``, ``people`` and ``episodes``."""
    return tomllib.loads(PROGRAMME.read_text(encoding="utf-8"))


def name(actor):
    """What an actor of the show is called.

    >>> name(41)
    'Ben'
    """
    return programme()["people"][str(actor)]


def group(feeling):
    """Which of angry, happy, neutral and sad a feeling is nearest to; frustration counts as anger.

    >>> group((-0.5, 0.1, 0.1))
    'angry'
    """
    return next(GROUPS[code] for code in names(feeling)[0] if code in GROUPS)


def episode(number, seconds, seed=0):
    """The sounds of episode 1–6 in the order of their starts, and its length; about so many seconds of talk.

    >>> sounds, length = episode(1, 10)
    >>> sounds[0].kind, length > 10
    ('jingle', True)
    """
    plan = programme()["episodes"][number - 1]
    return _Recording(number, (*HOSTS, plan["guest"]), seed).run(plan["parts"], seconds)


class _Recording:
    """An episode in the making: the clock, what has been heard, and how everybody feels."""

    def __init__(self, number, actors, seed):
        self.number, self.actors, self.seed = number, actors, seed
        self.rng = make_rng("episode", number, seed)
        self.now, self.sounds, self.said = 0.0, [], set()
        self.feels = {actor: np.zeros(3) for actor in actors}
        self.speaking = actors[0]

    def run(self, parts, seconds):
        self.play("first")
        for k, acts in enumerate(parts):
            if k:
                self.play("between")
            for goals in acts:
                self.act(dict(zip(self.actors, goals, strict=True)), seconds / len(parts) / len(acts))
        self.play("last")
        return sorted(self.sounds, key=lambda sound: sound.start), float(self.now)

    def play(self, where):
        tune = jingle(JINGLE_NOTES[where])
        self.now = max([self.now, *(sound.start + len(sound.y) / SAMPLE_RATE for sound in self.sounds)]) + BEFORE
        self.sounds.append(Sound(float(self.now), tune, "jingle"))
        self.now += len(tune) / SAMPLE_RATE + BEFORE

    def act(self, goals, seconds):
        end = self.now + seconds
        while self.now < end:
            feeling = self.sentence(goals)
            if group(feeling) == "happy" and self.rng.random() < FUNNY:
                self.amuse()
            if self.rng.random() < HELD:
                self.speaking = int(self.rng.choice([actor for actor in self.actors if actor != self.speaking]))

    def sentence(self, goals):
        """One sentence of who is speaking; returns the feeling it was said with."""
        actor, others = self.speaking, [self.feels[a] for a in self.actors if a != self.speaking]
        self.feels[actor] = drift(self.feels[actor], WORDS[goals[actor]], np.mean(others, 0), self.rng)
        feeling = tuple(self.feels[actor].round(3).tolist())
        mood = mood_of(self.rng, names(feeling)[0][0])
        line = self.line(mood)
        ironic = mood == "praise" and feeling[0] < 0
        rng = make_rng("sentence", self.number, len(self.sounds), self.seed)
        y = speak([line], actor, feeling, ironic, rng, self.seed)[MARGIN:-MARGIN]
        self.sounds.append(Sound(float(self.now), y, "speech", actor, line, feeling))
        self.now += len(y) / SAMPLE_RATE + np.clip(self.rng.normal(GAP, GAP_SPREAD), LEAST_GAP, MOST_GAP)
        return feeling

    def line(self, mood):
        """A line of this mood, if possible one that this episode has not heard."""
        lines = stock()["open"] if mood == "open" else stock()["improvised"][mood]
        line = str(self.rng.choice([line for line in lines if line not in self.said] or lines))
        self.said.add(line)
        return line

    def amuse(self):
        """Somebody laughs, others may join, and the talk waits for them or goes on."""
        willing = [actor for actor in self.actors if group(self.feels[actor]) != "angry"]
        first = int(self.rng.choice(willing))
        together = [first]
        if self.rng.random() < SHARED:
            together += [actor for actor in willing if actor != first and self.rng.random() < JOINING]
        over = self.rng.random() < OVER
        seconds = np.clip(LAUGHS * np.exp(self.rng.normal(0, LAUGHS_SPREAD)), SHORTEST, LONGEST)
        for k, actor in enumerate(together):
            rng = make_rng("laughter", self.number, len(self.sounds), self.seed)
            y = laughter(speaker(actor, self.seed), seconds * (1 if k == 0 else rng.uniform(0.6, 1)), rng)
            start = self.now + (rng.uniform(0.05, DELAY) if k else 0)
            self.sounds.append(Sound(float(start), (UNDER if over else 1) * y, "laughter", actor))
        longest = max(sound.start + len(sound.y) / SAMPLE_RATE for sound in self.sounds[-len(together) :])
        self.now += (longest - self.now) * (self.rng.uniform(0.1, 0.5) if over else 1) + 0.1


#: Number of episodes, and seconds of talk in each.
VARIANTS = {"full": (6, 165), "small": (2, 30)}
PLACES = {HOSTS[0]: 0.85, HOSTS[1]: 1.15}  # x amplitude in the right channel; the guest sits in the middle
ROOM_DB = -80
QUIET = 0.3  # seconds without a sound that count as silence
SUBTYPES = {"mp3": "MPEG_LAYER_III", "ogg": "VORBIS", "flac": "PCM_16", "wav": "PCM_16"}
PODCAST = "https://podcastindex.org/namespace/1.0"


def ensure_show(variant="full", seed=0, jobs=2, progress=True):
    """The folder of the embedded podcast, made first if this machine does not have it (Lesson 11).

    `variant` is ``"full"`` (six episodes of about three minutes) or ``"small"`` (two of about forty seconds, for
    tests). The folder lies under ``cache_home()/synthesis``; the rest is as for `ensure_corpus`.

    >>> sorted(path.name for path in ensure_show("small", progress=False).iterdir())
    ['episodes', 'feed.xml', 'transcripts', 'truth.csv']
    """

    def build(root, size):
        build_show(root, *size, seed, jobs, progress)

    return corpus_folder(__name__, VARIANTS, variant, build, seed)


def build_show(root, episodes=6, seconds=165, seed=0, jobs=2, progress=True):
    """Write the first episodes, each with about so many seconds of talk, into `root`; returns the truth.

    One row per sentence, laugh, jingle and silence: ``episode``; ``start``, ``end`` in seconds; ``kind``; ``speaker``;
    ``text``; ``emotion`` (angry, happy, neutral or sad; frustration counts as anger), ``valence``, ``arousal`` and
    ``dominance`` from 1 to 5, as felt while speaking. Rows overlap where people do.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     truth = build_show(folder, episodes=1, seconds=10, jobs=1, progress=False)
    >>> sorted(truth["kind"].unique())[:2]
    ['jingle', 'laughter']
    """
    root = Path(root)
    for folder in ("episodes", "transcripts"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    numbers = range(1, episodes + 1)
    made = Parallel(jobs, return_as="generator")(delayed(_write)(root, number, seconds, seed) for number in numbers)
    bar = tqdm(made, "Making a podcast", episodes, unit="episode", leave=False, disable=not progress)
    truth = pd.DataFrame([row for rows in bar for row in rows])
    truth.to_csv(root / "truth.csv", index=False, lineterminator="\n")
    _feed(numbers).write(root / "feed.xml", encoding="utf-8", xml_declaration=True)
    return truth


def show_episodes(root):
    """The episodes in the feed of a show: a table of ``title``, ``path`` and ``transcript`` by episode (Lesson 11).

    Raises CorpusMissing when there is no show in the folder.

    >>> list(show_episodes(ensure_show("small", progress=False))["title"])
    ['A wedding', 'The lost suitcase']
    """
    root = Path(root)
    if not (root / "feed.xml").is_file():
        raise CorpusMissing(f"There is no podcast in {root}, for it has no feed.xml: give the folder of ensure_show().")
    items = ElementTree.parse(root / "feed.xml").iter("item")
    rows = {
        item.findtext("guid"): {
            "title": item.findtext("title"),
            "path": str(root / item.find("enclosure").get("url")),
            "transcript": str(root / item.find(f"{{{PODCAST}}}transcript").get("url")),
        }
        for item in items
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("episode")


def recording(number, seconds, seed=0):
    """Episode 1–6 before it is written: `(heard, rows)`, (n, 2) float32 at 16 kHz and its truth, a list of dicts.

    >>> heard, rows = recording(1, 5)
    >>> heard.shape[1], rows[1]["kind"]
    (2, 'jingle')
    """
    sounds, length = episode(number, seconds, seed)
    rows = [_truth(sound) for sound in sounds]
    return _mix(sounds, length, number, seed), sorted(rows + _silences(rows, length), key=lambda row: row["start"])


def _write(root, number, seconds, seed):
    """Write one episode and its transcript; returns its rows of the truth."""
    heard, rows = recording(number, seconds, seed)
    files, (suffix, rate, channels) = _files(number), programme()["episodes"][number - 1]["sound"]
    heard = soxr.resample(heard if channels == 2 else heard.mean(1), SAMPLE_RATE, rate)
    with sf.SoundFile(root / files["enclosure"], "w", rate, channels, SUBTYPES[suffix]) as file:
        for first in range(0, len(heard), rate):  # libsndfile's Vorbis encoder crashes on minutes at a time
            file.write(heard[first : first + rate])
    spoken = [row for row in rows if row["kind"] == "speech"]
    (root / files["transcript"]).write_text(files["format"](spoken), encoding="utf-8")
    return [{"episode": files["episode"], **row} for row in rows]


def _files(number):
    plan = programme()["episodes"][number - 1]
    stem = f"episode-{number:02d}"
    media, write = FORMATS[plan["transcript"]]
    return {
        "episode": stem,
        "enclosure": f"episodes/{stem}.{plan['sound'][0]}",
        "transcript": f"transcripts/{stem}.{plan['transcript']}",
        "media": media,
        "format": write,
    }


def _mix(sounds, length, number, seed):
    """(n, 2) float32: all sounds in their places, in the quiet of the studio."""
    room = make_rng("studio", number, seed).normal(size=(int(length * SAMPLE_RATE), 2))
    heard = 0.43 * 10 ** (ROOM_DB / 20) * lfilter([1], [1, -0.9], room, axis=0)
    for sound in sounds:
        first, right = int(sound.start * SAMPLE_RATE), PLACES.get(sound.actor, 1)
        heard[first : first + len(sound.y)] += sound.y[:, None] * [2 - right, right]
    return np.tanh(heard).astype(np.float32)


def _truth(sound):
    felt = sound.feeling is not None
    valence, arousal, dominance = (round(3 + 2 * value, 3) for value in sound.feeling) if felt else (None,) * 3
    return {
        "start": round(sound.start, 3),
        "end": round(sound.start + len(sound.y) / SAMPLE_RATE, 3),
        "kind": sound.kind,
        "speaker": name(sound.actor) if sound.actor else None,
        "text": sound.text,
        "emotion": group(sound.feeling) if felt else None,
        "valence": valence,
        "arousal": arousal,
        "dominance": dominance,
    }


def _silences(rows, length):
    """The stretches in which nothing is heard, as rows."""
    silences, quiet_from = [], 0.0
    for start, end in [*((row["start"], row["end"]) for row in rows), (round(length, 3), length)]:
        if start - quiet_from >= QUIET:
            silences.append({"start": quiet_from, "end": start, "kind": "silence"})
        quiet_from = max(quiet_from, end)
    return silences


def _feed(numbers):
    """The RSS feed of the show (https://www.rssboard.org/rss-specification)."""
    ElementTree.register_namespace("podcast", PODCAST)
    rss = ElementTree.Element("rss", version="2.0")
    channel = ElementTree.SubElement(rss, "channel")
    for tag in ("title", "description"):
        ElementTree.SubElement(channel, tag).text = programme()[tag]
    for number in numbers:
        files, item = _files(number), ElementTree.SubElement(channel, "item")
        ElementTree.SubElement(item, "title").text = programme()["episodes"][number - 1]["title"]
        ElementTree.SubElement(item, "guid", isPermaLink="false").text = files["episode"]
        ElementTree.SubElement(item, "enclosure", url=files["enclosure"])
        ElementTree.SubElement(item, f"{{{PODCAST}}}transcript", url=files["transcript"], type=files["media"])
    return ElementTree.ElementTree(rss)
