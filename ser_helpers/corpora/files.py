"""From a folder of recordings to an utterance table: find the files, leave out what is not speech, note oddities."""

import hashlib
import os
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import soundfile as sf

from ser_helpers.corpora.corpus_cards import card, how_to_get
from ser_helpers.corpora.schema import make_table
from ser_helpers.errors import CorpusError, CorpusMissing

AUDIO = (".wav", ".flac")


class CorpusWarning(UserWarning):
    """A corpus contains something odd: the message names the files and says what was done with them."""


def read(root, corpus, parse, suffixes=AUDIO):
    """Read a corpus whose labels are in its file names: the utterance table, and a sentence for each kind of oddity.

    The folder `root` is searched with its sub-folders for files that end in `suffixes`; `corpus` is the prefix of each
    utterance's name. ``parse(path)`` gives a recording's row as a dict, or a list of them, or a text saying why it is
    left out, or None if it is not one of the corpus's utterances. A row may name its ``utterance``; the default is the
    file's stem. An utterance that ends after its recording is cut at the end, and left out if it begins there. The
    table is sorted by speaker and utterance: the same for the same files on every machine.
    """
    root = Path(os.path.abspath(root))
    oddities = defaultdict(list)
    rows = {}
    for path in recordings(root, oddities, suffixes):
        parsed = parse(path)
        if parsed is None:
            continue
        if isinstance(parsed, str):
            oddities[parsed].append(path)
            continue
        sound = _open(path)
        if sound is None:
            oddities["left out because they cannot be read or contain no sound"].append(path)
            continue
        found = {}
        for row in parsed if isinstance(parsed, list) else [parsed]:
            if "end" in row:
                row = {**row, "end": min(row["end"], sound.duration)}
                if row["end"] <= row["start"]:
                    oddities["shorter than their labels say; some utterances are left out"].append(path)
                    continue
            name = f"{corpus}/{row.get('utterance', path.stem)}"
            found[name] = {**row, "utterance": name, "path": str(path), "corpus": corpus}
        if rows.keys() & found.keys():
            oddities["ignored because another file contains the same utterance"].append(path)
            continue
        rows |= found
        if sound.channels > 1:
            oddities["stereo; mixed down to mono when they are read as samples"].append(path)
    if not rows:
        notes = [_note(corpus, root, kind, [*dict.fromkeys(paths)]) for kind, paths in oddities.items()]
        nothing = f"There is no recording of {card(corpus).title} in {root}."
        raise CorpusMissing(" ".join([nothing, *notes, how_to_get(card(corpus))]))
    recorded = map(Path, dict.fromkeys(row["path"] for row in rows.values()))
    for identical in equal_groups(recorded, lambda path: path.stat().st_size, _middle, _digest):
        oddities["byte-identical, though their names differ"].extend(identical)
    table = make_table(rows[name] for name in sorted(rows, key=lambda name: (rows[name]["speaker"] or "", name)))
    return table, [_note(corpus, root, kind, [*dict.fromkeys(paths)]) for kind, paths in oddities.items()]


def shallowest(root, name):
    """The file called `name` in `root` or its sub-folders, the one nearest to `root`; None if there is none."""
    found = filter(Path.is_file, Path(root).rglob(name))
    return min(found, key=lambda path: (len(path.parts), path), default=None)


def read_labels(path, corpus, columns, **options):
    """`columns` of a publisher's csv file, by ``pandas.read_csv``; CorpusError, which names it, if it is damaged."""
    try:
        return pd.read_csv(path, **options)[columns]
    except (ValueError, KeyError, OSError) as error:
        why = " ".join(str(error).split())
        raise CorpusError(f"{path} is damaged ({why}): get it again from {card(corpus).url}.") from error


def recordings(root, oddities, suffixes=AUDIO):
    """The files under `root` that end in `suffixes`, shallow ones and ``.wav`` first; leftovers go to `oddities`."""
    found, visited, closed = [], set(), []
    for top, folders, files in os.walk(root, onerror=lambda error: closed.append(error.filename), followlinks=True):
        folder = Path(top)
        if folder.resolve() in visited:  # a link to a parent
            folders.clear()
            continue
        visited.add(folder.resolve())
        leftovers = [folder / name for name in folders if name == "__MACOSX"]
        folders[:] = sorted(name for name in folders if name != "__MACOSX" and not name.startswith("."))
        for name in files:
            if not name.lower().endswith(suffixes):
                continue
            if name.startswith("._"):
                leftovers.append(folder / name)
            elif not name.startswith("."):
                found.append(folder / name)
        if leftovers:
            oddities.setdefault("ignored as leftovers of macOS", []).extend(sorted(leftovers))
    if closed:
        oddities["left out because they may not be opened"] = sorted(map(Path, closed))
    return sorted(found, key=lambda path: (len(path.parts), suffixes.index(path.suffix.lower()), path.as_posix()))


def equal_groups(items, *keys):
    """Groups of two or more items with equal keys; a later key is computed only for items whose earlier ones agree."""
    groups = [list(items)]
    for key in keys:
        finer = []
        for group in groups:
            parts = defaultdict(list)
            for item in group:
                parts[key(item)].append(item)
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
    """The header of a recording; None if it has no sound, or is a pipe or socket: to open one may wait for ever."""
    if not path.is_file():
        return None
    try:
        sound = sf.info(path)
    except (sf.SoundFileError, OSError):
        return _open_video(path) if path.suffix.lower() == ".mp4" else None
    return sound if sound.frames else None


def _open_video(path):
    try:
        import av
    except ImportError as error:
        raise CorpusError(f"{path} is a video, and to read its sound PyAV is needed: pip install av.") from error
    try:
        with av.open(str(path)) as video:
            return SimpleNamespace(channels=video.streams.audio[0].channels, duration=video.duration / av.time_base)
    except (av.FFmpegError, OSError, IndexError, TypeError):  # damaged, no sound, no duration
        return None


def _note(corpus, root, kind, paths, most=10):
    names = [path.relative_to(root).as_posix() for path in paths[:most]]
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    count = f"{len(paths)} file{'s' if len(paths) > 1 else ''}"
    return f"{corpus}: {count} {kind}: {', '.join(names)}{more}."
