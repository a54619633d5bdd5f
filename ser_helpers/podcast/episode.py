"""The results of an episode and of a show, as tables, and how they are stored in a folder."""

import dataclasses
import hashlib
import json
from pathlib import Path

import pandas as pd

from ser_helpers import paths
from ser_helpers.corpora.schema import DIMENSIONS
from ser_helpers.errors import ArchiveError
from ser_helpers.podcast.transcripts import COLUMNS
from ser_helpers.streaming.timeline import emotion_shares, rolling_mean

TABLES = ("timeline", "sentences", "laughter")
NO_TRANSCRIPT = "There is no transcript: sentences were not rated."
NO_SPEECH = "No speech was detected."
RECOGNISED = "There is no transcript: the words were recognised by "


@dataclasses.dataclass
class Episode:
    """The results of one episode (Lesson 11)."""

    name: str
    seconds: float
    """How much of it was analysed."""
    timeline: pd.DataFrame
    """See :func:`ser_helpers.podcast.emotions_over_time`."""
    sentences: pd.DataFrame | None = None
    """``start``, ``end``, ``speaker``, ``text``, ``valence``, ``arousal``, ``dominance``; None without words."""
    laughter: pd.DataFrame | None = None
    """``start``, ``end``, ``probability``; None if laughter was not looked for."""
    notes: list = dataclasses.field(default_factory=list)
    """For the reader: no transcript, who recognised the words, a damaged end, no speech."""
    models: list = dataclasses.field(default_factory=list)
    """The labels of the models, and what the course's own were trained on."""
    hashes: list | None = None
    """Of models and settings, of the recording and of the transcript."""

    @property
    def problems(self):
        """The notes on what could not be read: a damaged end, broken samples, a broken transcript."""
        return [note for note in self.notes if not note.startswith((NO_TRANSCRIPT, NO_SPEECH, RECOGNISED))]

    @property
    def laughs_per_10_minutes(self):
        """None if laughter was not looked for."""
        return None if self.laughter is None else len(self.laughter) * 600 / self.seconds

    def save(self, folder):
        """Write the tables as CSV and the rest as ``episode.json``: all of it or nothing.

        Numbers keep every digit, so the same episode gives the same bytes.
        """
        with paths.atomic_folder(folder) as aside:
            for name in TABLES:
                table = getattr(self, name)
                if table is not None:
                    table.to_csv(aside / f"{name}.csv", index=False, lineterminator="\n")
            about = {name: getattr(self, name) for name in ("name", "seconds", "notes", "models", "hashes")}
            text = json.dumps(about | {"digest": _digest(aside, about)}, indent=1)
            (aside / "episode.json").write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder):
        """The episode that `save` wrote to `folder`; ArchiveError if it is not there or was changed."""
        folder = Path(folder)
        try:
            about = json.loads((folder / "episode.json").read_text(encoding="utf-8"))
            if about.pop("digest") == _digest(folder, about):
                return cls(**about, **{name: _table(folder / f"{name}.csv") for name in TABLES})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass  # as if the digest were wrong
        raise ArchiveError(f"{folder} is not an episode, or was changed after it was written: analyse it again.")


@dataclasses.dataclass
class Show:
    """Several episodes in the order of their names (Lesson 11)."""

    name: str
    episodes: list

    def __post_init__(self):
        self.episodes = sorted(self.episodes, key=lambda episode: episode.name)

    @classmethod
    def load(cls, out, name=None):
        """All episodes that :func:`ser_helpers.podcast.process` has finished in the folder `out`."""
        folders = sorted(path.parent for path in Path(out).glob("episodes/[!.]*/episode.json"))
        return cls(name or Path(out).resolve().name, [Episode.load(folder) for folder in folders])

    @property
    def sentences(self):
        """The rated sentences of all episodes, with ``episode`` and ``clock``: seconds from the start of the show."""
        parts, before = [], 0.0
        for episode in self.episodes:
            if episode.sentences is not None and "valence" in episode.sentences:
                parts.append(episode.sentences.assign(episode=episode.name, clock=before + episode.sentences["end"]))
            before += episode.seconds
        columns = [*COLUMNS, *DIMENSIONS, "episode", "clock"]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)

    def means(self, seconds=60.0, across=False):
        """Rolling means of valence, arousal and dominance over the sentences of the last `seconds`.

        Within each episode, or with `across` over the show as if its episodes followed one another without a pause.
        The rows are those of ``sentences``.
        """
        rated = self.sentences
        turns = rated.assign(dialogue="the show" if across else rated["episode"], speaker="everyone")
        turns = turns.assign(turn_start=rated["clock"] - (rated["end"] - rated["start"]), turn_end=rated["clock"])
        values = rated[list(DIMENSIONS)].astype(float)
        return rolling_mean(values, turns, seconds=seconds) if len(rated) else values

    @property
    def summary(self):
        """A row per episode: minutes, share of speech, the shares of the emotions, mean dimensions, laughs."""
        rows = {}
        for episode in self.episodes:
            lengths = episode.timeline["end"] - episode.timeline["start"]
            speech = (episode.timeline["speech"] * lengths).sum() / lengths.sum()
            row = {"minutes": episode.seconds / 60, "speech": speech, **emotion_shares(episode.timeline)}
            if episode.sentences is not None and "valence" in episode.sentences:
                row |= episode.sentences[list(DIMENSIONS)].mean()
            if episode.laughter is not None:
                row["laughs per 10 min"] = episode.laughs_per_10_minutes
            rows[episode.name] = row
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("episode")


def _digest(folder, about):
    """A hash of all that is stored of an episode."""
    digest = hashlib.blake2b(json.dumps(about, sort_keys=True).encode(), digest_size=16)
    for name in TABLES:
        path = folder / f"{name}.csv"
        digest.update(name.encode() + (path.read_bytes() if path.is_file() else b""))
    return digest.hexdigest()


def _table(path):
    """A table as it was before `save`, or None if it was None."""
    if not path.is_file():
        return None
    text = dict.fromkeys(("emotion", "speaker", "text"), object)
    table = pd.read_csv(path, dtype=text, keep_default_na=False, na_values=[""])  # "NA" may be a word of a sentence
    for column in table.columns.intersection(list(text)):
        table[column] = table[column].astype(object).where(table[column].notna(), None)
    return table
