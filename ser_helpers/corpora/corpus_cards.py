"""One card per corpus: source, licence, speakers, labels; and where the corpus is on this machine.

The cards are the TOML files of ``data/registry``, the one source for downloads, Lesson 03 and the README.
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
    """What is known about a corpus; None if its publisher does not say.

    ``labels`` are the corpus's own words and ``counts`` the utterances of each in the complete corpus. ``folders`` are
    the names its publisher gives to the unpacked folder, ``files`` what ``download`` fetches (``url``, ``size`` in
    bytes and, if the publisher gives one, ``checksum`` as ``"md5:..."``), and ``how`` says how to get it by hand.
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

    @property
    def scale(self):
        """Lowest and highest rating of valence, arousal and dominance, as `dimensions` says it; None if it does not."""
        found = re.search(r"from (-?\d+) to (-?\d+)", self.dimensions or "")
        return tuple(map(int, found.groups())) if found else None


def card(name):
    """The card of a corpus; "CREMA_D" is "crema-d". Raises CorpusError if there is none of that name (Lesson 03).

    >>> card("RAVDESS").speakers
    24
    """
    by_key = {_key(known): known for known in _cards()}
    if _key(name) not in by_key:
        raise CorpusError(f"There is no corpus called {name!r}; choose one of {', '.join(_cards())}.")
    return _cards()[by_key[_key(name)]]


def cards():
    """All cards as a table, one row per corpus, one column per field of `Card` (Lesson 03).

    >>> cards()["language"]["emodb"]
    'de'
    """
    table = pd.DataFrame([dataclasses.asdict(corpus) for corpus in _cards().values()]).set_index("name")
    return table.astype({"speakers": "Int64", "female": "Int64", "male": "Int64"})


def _key(name):
    """The letters and digits of a name, in lower case."""
    return re.sub(r"[\W_]", "", str(name).lower())


@functools.cache
def _cards():
    files = sorted(paths.registry().glob("*.toml"), key=lambda path: path.stem)
    if not files:
        raise CorpusError(f"There is no corpus card in {paths.registry()}; reinstall ser-helpers.")
    unknown = dict.fromkeys(("doi", "speakers", "female", "male", "hours"))
    return {
        path.stem: Card(name=path.stem, **unknown | tomllib.loads(path.read_text(encoding="utf-8"))) for path in files
    }


def find(name, root=None):
    """The folder of a corpus on this machine, an absolute path (Lesson 03).

    `root` is the folder itself, or one that contains it under its own name. By default it is ``SER_DATA_HOME``, and the
    folder may also have the name in its publisher's archive (``AudioWAV``). Capitals, dashes and underscores do not
    matter. Raises CorpusMissing, which says how to get the corpus, if there is no such folder, and CorpusError if it is
    not readable.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (Path(folder) / "CREMA_D").mkdir()
    ...     find("crema-d", folder).name
    'CREMA_D'
    """
    corpus = card(name)
    top = Path(os.path.abspath(Path(root or paths.data_home()).expanduser()))
    if root and top.is_file():
        raise CorpusMissing(f"{top} is a file: give the folder that contains {corpus.title}.")
    try:
        entries = sorted(top.iterdir(), reverse=True) if top.is_dir() else []
    except OSError as error:
        raise CorpusError(f"{top} cannot be opened ({error.strerror}): check who may read it.") from error
    folders = {_key(path.name): path for path in entries if path.is_dir()}
    for known in (corpus.name, *(() if root else corpus.folders)):
        if _key(known) in folders:
            return folders[_key(known)]
    if root and top.is_dir():
        return top
    raise CorpusMissing(f"There is no {corpus.title} in {top}. {how_to_get(corpus)}")


def how_to_get(corpus):
    """One sentence: the command that fetches a corpus, or whom to ask for it."""
    return f"Get it with `ser download {corpus.name}`." if corpus.files else corpus.how
