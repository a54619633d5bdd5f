"""From a folder of recordings to rows: find the files, leave out what is not speech, and note what is odd."""

import hashlib
import os
from collections import defaultdict
from pathlib import Path

import soundfile as sf

from ser_helpers.corpora.corpus_cards import card, how_to_get
from ser_helpers.corpora.schema import make_table
from ser_helpers.errors import CorpusMissing

AUDIO = (".wav", ".flac")


class CorpusWarning(UserWarning):
    """A corpus holds something odd: the message names the files and says what was done with them."""


def read(root, corpus, parse, suffixes=AUDIO):
    """Read a corpus whose file names say everything.

    Parameters
    ----------
    root : Path
        The folder of the corpus; its sub-folders are searched too.
    corpus : str
        Its name, which begins the name of each utterance.
    parse : callable
        Takes the path of a recording; returns its row of the table as a dict, a text saying why it is left out, or
        None when it is none of the corpus's utterances. A row may name its ``utterance``, otherwise the file's stem.
    suffixes : tuple of str
        Which files are looked at.

    Returns
    -------
    table : pandas.DataFrame
        The utterance table, sorted by speaker and utterance: the same for the same files on every machine.
    notes : list of str
        One sentence for each kind of oddity, naming the files.
    """
    root = Path(os.path.abspath(root))
    oddities = defaultdict(list)
    rows = {}
    for path in recordings(root, oddities, suffixes):
        row = parse(path)
        if row is None:
            continue
        if isinstance(row, str):
            oddities[row].append(path)
            continue
        sound = _open(path)
        if sound is None:
            oddities["left out because they cannot be read or hold no sound"].append(path)
            continue
        row = {"utterance": path.stem, **row, "path": str(path), "corpus": corpus}
        row["utterance"] = f"{corpus}/{row['utterance']}"
        if row["utterance"] in rows:
            oddities["ignored because another file holds the same utterance"].append(path)
            continue
        rows[row["utterance"]] = row
        if sound.channels > 1:
            oddities["stereo; mixed down to mono when they are read as samples"].append(path)
    if not rows:
        seen = [_note(corpus, root, kind, paths) for kind, paths in oddities.items()]
        nothing = f"There is no recording of {card(corpus).title} in {root}."
        raise CorpusMissing(" ".join([nothing, *seen, how_to_get(card(corpus))]))
    for same in byte_identical([Path(row["path"]) for row in rows.values()]):
        oddities["byte-identical, though their names differ"].extend(same)
    table = make_table(rows[name] for name in sorted(rows, key=lambda name: (rows[name]["speaker"], name)))
    return table, [_note(corpus, root, kind, paths) for kind, paths in oddities.items()]


def recordings(root, oddities, suffixes=AUDIO):
    """The files under `root` that end in `suffixes`, shallow ones and ``.wav`` first; leftovers go to `oddities`."""
    found, seen, closed = [], set(), []
    for folder, folders, files in os.walk(root, onerror=lambda error: closed.append(error.filename), followlinks=True):
        here = Path(folder)
        if here.resolve() in seen:
            folders.clear()
            continue
        seen.add(here.resolve())
        leftovers = [here / name for name in folders if name == "__MACOSX"]
        folders[:] = sorted(name for name in folders if name != "__MACOSX" and not name.startswith("."))
        for name in files:
            if not name.lower().endswith(suffixes):
                continue
            if name.startswith("._"):
                leftovers.append(here / name)
            elif not name.startswith("."):
                found.append(here / name)
        if leftovers:
            oddities.setdefault("ignored as leftovers of macOS", []).extend(sorted(leftovers))
    if closed:
        oddities["left out because they may not be opened"] = sorted(map(Path, closed))
    return sorted(found, key=lambda path: (len(path.parts), suffixes.index(path.suffix.lower()), path.as_posix()))


def byte_identical(paths):
    """Groups of two or more of `paths` with the same bytes: equal sizes first, then equal middles, then all of it."""
    groups = [list(paths)]
    for key in (lambda path: path.stat().st_size, _middle, _digest):
        finer = []
        for group in groups:
            parts = defaultdict(list)
            for path in group:
                parts[key(path)].append(path)
            finer.extend(part for part in parts.values() if len(part) > 1)
        groups = finer
    return groups


def _middle(path):
    with path.open("rb") as file:
        file.seek(path.stat().st_size // 2)
        return file.read(4096)


def _digest(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _open(path):
    try:
        sound = sf.info(path)
    except (sf.SoundFileError, OSError):
        return None
    return sound if sound.frames else None


def _note(corpus, root, kind, paths, most=10):
    names = [path.relative_to(root).as_posix() for path in paths[:most]]
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    count = f"{len(paths)} file{'s' if len(paths) > 1 else ''}"
    return f"{corpus}: {count} {kind}: {', '.join(names)}{more}."
