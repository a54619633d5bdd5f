"""The embedded podcast: a show of six episodes as it might be published, made once per machine.

``feed.xml`` is the RSS feed, ``episodes`` holds the recordings in the formats that podcasts come in (MP3, Ogg Vorbis,
FLAC, WAV; mono and stereo; 44.1 and 48 kHz), ``transcripts`` what is said in them (SubRip, WebVTT, Podcasting 2.0's
JSON). ``truth.csv`` adds what no publisher knows: who felt what when, and every laugh.
"""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import soundfile as sf
import soxr
from joblib import Parallel, delayed
from scipy.signal import lfilter
from tqdm import tqdm

from ..errors import CorpusMissing
from .captions import FORMATS
from .chance import stream
from .episodes import HOSTS, episode, group, name, programme
from .folders import corpus_folder
from .frames import SAMPLE_RATE

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
    room = stream("studio", number, seed).normal(size=(int(length * SAMPLE_RATE), 2))
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
