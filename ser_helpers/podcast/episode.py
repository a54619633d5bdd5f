"""The results of an episode and of a show, as tables, and how they are stored in a folder."""

import dataclasses
import hashlib
import json
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd

from ser_helpers import paths
from ser_helpers.corpora.schema import DIMENSIONS
from ser_helpers.errors import ArchiveError
from ser_helpers.models.model_card import doubt
from ser_helpers.podcast.transcripts import COLUMNS
from ser_helpers.streaming.timeline import emotion_shares, emotions, rolling_mean

TABLES = ("timeline", "sentences", "laughter")
ABOUT = ("name", "seconds", "notes", "models", "hashes", "card", "recording")
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
    """See :func:`ser_helpers.podcast.emotions_over_time`; without ``valence`` and so on if no model predicted them."""
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
    card: dict | None = None
    """The :class:`ser_helpers.models.ModelCard` of the emotion model, as a dict; None if the model has none."""
    recording: str | None = None
    """The path of the recording, relative to the folder of the results."""
    title: str | None = None
    """From the tags of the recording or from a feed; reports find it, it is not saved."""

    @property
    def problems(self):
        """The notes on what could not be read: a damaged end, broken samples, a broken transcript."""
        return [note for note in self.notes if not note.startswith((NO_TRANSCRIPT, NO_SPEECH, RECOGNISED))]

    @property
    def laughs_per_10_minutes(self):
        """None if laughter was not looked for."""
        return None if self.laughter is None else len(self.laughter) * 600 / self.seconds

    @property
    def dimensions(self):
        """The dimensions that the timeline has a column for."""
        return [name for name in DIMENSIONS if name in self.timeline]

    @property
    def spoken(self):
        """The timeline with no emotion in windows under laughter, which models of speech take for anger or joy."""
        if self.laughter is None:
            return self.timeline
        start, end = (self.timeline[name].to_numpy()[:, None] for name in ("start", "end"))
        laughing = (self.laughter["start"].to_numpy() < end) & (self.laughter["end"].to_numpy() > start)
        return self.timeline.assign(emotion=self.timeline["emotion"].mask(laughing.any(axis=1), None))

    @property
    def shares(self):
        """The share of each emotion in the speech that is not under laughter; all 0 if there is none."""
        return emotion_shares(self.spoken)

    @property
    def doubt(self):
        """Why the model's score carries no statement about the speakers' emotions; None if it carries one."""
        return doubt(self.card)

    def chapters(self, shortest=60.0):
        """Chapters of at least `shortest` seconds, as Podcasting 2.0 writes them: ``startTime`` and ``title``.

        A new one begins where another emotion prevails, in means over `shortest` seconds. Its title is this emotion, or
        "uncertain" if there is a `doubt`, and its first sentence. The format is that of
        https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/examples/chapters/jsonChapters.md
        """
        table, names = self.spoken, emotions(self.timeline)
        values = table[names].where(table["emotion"].notna())
        width = max(1, round(shortest / max((table["end"] - table["start"]).median(), 1e-9)))
        smooth = values.rolling(width, center=True, min_periods=1).mean()
        rows = np.flatnonzero(smooth.notna().all(axis=1))
        marks = []
        for start, name in zip(table["start"].iloc[rows], smooth.iloc[rows].idxmax(axis=1), strict=True):
            if not marks:
                marks = [(0.0, name)]
            elif name != marks[-1][1] and start - marks[-1][0] >= shortest and self.seconds - start >= shortest:
                marks.append((float(start), name))
        chapters = []
        for start, name in marks:
            words = [f"mostly {name}" if self.doubt is None else "uncertain"]
            if self.sentences is not None and len(later := self.sentences[self.sentences["start"] >= start]):
                words.append(f"“{textwrap.shorten(later['text'].iloc[0], 60, placeholder=' …')}”")
            chapters.append({"startTime": round(start, 1), "title": " · ".join(words)})
        return chapters

    def save(self, folder):
        """Write the tables as CSV and the rest as ``episode.json``: all of it or nothing.

        Numbers keep every digit, so the same episode gives the same bytes.
        """
        with paths.atomic_folder(folder) as aside:
            for name in TABLES:
                table = getattr(self, name)
                if table is not None:
                    table.to_csv(aside / f"{name}.csv", index=False, lineterminator="\n")
            about = {name: getattr(self, name) for name in ABOUT}
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
    damaged: dict = dataclasses.field(default_factory=dict)
    """{episode: reason} of those that `load` left out."""

    def __post_init__(self):
        self.episodes = sorted(self.episodes, key=lambda episode: episode.name)

    @classmethod
    def load(cls, out, name=None):
        """All episodes that :func:`ser_helpers.podcast.process` has finished in the folder `out`.

        Those that cannot be read are in ``damaged``.
        """
        episodes, damaged = [], {}
        for path in sorted(Path(out).glob("episodes/[!.]*/episode.json")):
            try:
                episodes.append(Episode.load(path.parent))
            except ArchiveError:
                damaged[path.parent.name] = "Its results are damaged: analyse it again."
        return cls(name or Path(out).resolve().name, episodes, damaged)

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
            row = {"minutes": episode.seconds / 60, "speech": speech, **episode.shares}
            row |= episode.timeline[episode.dimensions].mean()
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
