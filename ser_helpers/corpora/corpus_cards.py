"""One card per corpus: where it comes from, under which licence, who speaks, and what its labels are.

The cards are the TOML files of ``data/registry``. They are the one source for downloads, Lesson 03 and the README.

Where a corpus is on this machine.
"""

import dataclasses
import functools
import os
import re
import tomllib
from pathlib import Path

import pandas as pd

from ser_helpers import paths
from ser_helpers.errors import CorpusError, CorpusMissing


@dataclasses.dataclass(frozen=True)
class Card:
    """What is known about a corpus; None where its publisher does not say.

    ``labels`` are the corpus's own words and ``counts`` the utterances of each in the complete corpus. ``folders`` are
    the names its publisher gives to the folder it unpacks to, ``files`` what ``download`` fetches (``url``, ``size`` in
    bytes and, where the publisher gives one, ``checksum`` as ``"md5:..."``), and ``how`` says how to get it by hand.
    """

    name: str
    title: str
    url: str
    licence: str
    citation: str
    doi: str | None
    utterances: int
    speakers: int | None
    female: int | None
    male: int | None
    hours: float | None
    language: str
    speech: str
    labels: list[str]
    how: str
    counts: dict[str, int] = dataclasses.field(default_factory=dict)
    dimensions: str | None = None
    folders: list[str] = dataclasses.field(default_factory=list)
    files: list[dict] = dataclasses.field(default_factory=list)
    licensed: bool = False
    synthetic: bool = False


def card(name):
    """The card of a corpus, whichever way its name is written (Lesson 03).

    >>> card("RAVDESS").speakers
    24

    Raises CorpusError when there is no card of that name.
    """
    by_key = {key(found): found for found in _cards()}
    if key(name) not in by_key:
        raise CorpusError(f"There is no corpus called {name!r}; choose one of {', '.join(_cards())}.")
    return _cards()[by_key[key(name)]]


def cards():
    """All cards as a table, one row per corpus, one column per field of `Card` (Lesson 03).

    >>> cards()["language"]["emodb"]
    'de'
    """
    table = pd.DataFrame([dataclasses.asdict(found) for found in _cards().values()]).set_index("name")
    return table.astype({"speakers": "Int64", "female": "Int64", "male": "Int64"})


def key(name):
    """The letters and digits of a name, in lower case: ``"CREMA_D"`` and ``"crema-d"`` are the same corpus."""
    return re.sub(r"[\W_]", "", str(name).lower())


@functools.cache
def _cards():
    files = sorted(paths.registry().glob("*.toml"), key=lambda path: path.stem)
    if not files:
        raise CorpusError(f"There is no corpus card in {paths.registry()}; reinstall ser-helpers.")
    return {path.stem: Card(name=path.stem, **_fields(path)) for path in files}


def _fields(path):
    optional = dict.fromkeys(("doi", "speakers", "female", "male", "hours"))
    return optional | tomllib.loads(path.read_text(encoding="utf-8"))


def find(name, root=None):
    """The folder of a corpus on this machine.

    Parameters
    ----------
    name : str
        The corpus, such as ``"crema-d"``.
    root : path, optional
        Its folder, or one that holds it under its own name. By default it is looked for in the folder of all corpora
        (``SER_DATA_HOME``), under its own name or as its publisher's archive calls it (``AudioWAV``). Capitals, dashes
        and underscores do not matter.

    Returns
    -------
    Path
        An absolute path.

    Raises
    ------
    CorpusMissing
        There is no such folder; the message says how to get the corpus.
    CorpusError
        The folder may not be read.

    Used in Lesson 03.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (Path(folder) / "CREMA_D").mkdir()
    ...     find("crema-d", folder).name
    'CREMA_D'
    """
    known = card(name)
    top = Path(os.path.abspath(Path(root or paths.data_home()).expanduser()))
    if root and top.is_file():
        raise CorpusMissing(f"{top} is a file: give the folder that holds {known.title}.")
    try:
        inside = _named(top, [known.name, *(() if root else known.folders)])
    except OSError as error:
        raise CorpusError(f"{top} cannot be opened ({error.strerror}): check who may read it.") from error
    if inside or (root and top.is_dir()):
        return inside or top
    raise CorpusMissing(f"There is no {known.title} in {top}. {how_to_get(known)}")


def how_to_get(known):
    """One sentence: the command that fetches a corpus, or whom to ask for it."""
    return f"Get it with `ser download {known.name}`." if known.files else known.how


def _named(top, names):
    """The sub-folder of `top` with the first of `names` that one has, or None."""
    if not top.is_dir():
        return None
    folders = {key(path.name): path for path in sorted(top.iterdir(), reverse=True) if path.is_dir()}
    return next((folders[key(name)] for name in names if key(name) in folders), None)
