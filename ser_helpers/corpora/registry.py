"""One card per corpus: where it comes from, under which licence, who speaks, and what its labels are.

The cards are the TOML files of ``data/registry``. They are the one source for downloads, Lesson 03 and the README.
"""

import dataclasses
import functools
import re
import tomllib

import pandas as pd

from ser_helpers import home
from ser_helpers.errors import CorpusError


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
    files = sorted(home.registry().glob("*.toml"), key=lambda path: path.stem)
    if not files:
        raise CorpusError(f"There is no corpus card in {home.registry()}; reinstall ser-helpers.")
    return {path.stem: Card(name=path.stem, **_fields(path)) for path in files}


def _fields(path):
    optional = dict.fromkeys(("doi", "speakers", "female", "male", "hours"))
    return optional | tomllib.loads(path.read_text(encoding="utf-8"))
