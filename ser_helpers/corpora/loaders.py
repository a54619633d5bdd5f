"""`load` a corpus by name."""

import importlib
import warnings

from ser_helpers.corpora.corpus_cards import card, find, how_to_get
from ser_helpers.corpora.files import CorpusWarning
from ser_helpers.errors import CorpusError

#: The corpora that are made on this machine: the layout they are written in, what makes them, and how much of it.
EMBEDDED = {
    "synthetic": ("ravdess", "ensure_corpus", "full"),
    "synthetic-small": ("ravdess", "ensure_corpus", "small"),
    "synthetic-iemocap": ("iemocap", "ensure_conversations", "full"),
    "synthetic-iemocap-small": ("iemocap", "ensure_conversations", "small"),
    "synthetic-emodb": ("emodb", "ensure_german", "full"),
}
LOADERS = ("ravdess", "crema-d", "tess", "savee", "emodb", "iemocap", *EMBEDDED)


def available():
    """The names that `load` knows, whether or not the corpus is on this machine (Lesson 03).

    >>> available()[:3]
    ['ravdess', 'crema-d', 'tess']
    """
    return list(LOADERS)


def load(name, root=None):
    """Read a corpus in its publisher's own layout: one row per utterance.

    Parameters
    ----------
    name : str
        One of `available()`. ``"synthetic"``, ``"synthetic-iemocap"`` and ``"synthetic-emodb"`` are made on this
        machine when they are first asked for, in seconds; ``"synthetic-small"`` is the first four actors of the first,
        ``"synthetic-iemocap-small"`` the first two sessions of the second.
    root : path, optional
        Where the corpus is; see `find`. The recordings may be ``.wav`` or ``.flac``, in any sub-folder.

    Returns
    -------
    pandas.DataFrame
        The utterance table (see ``schema``), sorted by speaker and utterance. Only file headers are read.

    Raises
    ------
    CorpusError
        There is no corpus of that name, or no loader for it.
    CorpusMissing
        It is not on this machine; the message says how to get it.

    Warns
    -----
    CorpusWarning
        Once for each kind of oddity, naming the files, and when the corpus is not complete.

    Used in every lesson.

    >>> load("synthetic-small").emotion.value_counts().head(2)
    emotion
    calm     32
    happy    32
    Name: count, dtype: int64
    """
    known = card(name)
    if known.name not in LOADERS:
        raise CorpusError(f"There is no loader of {known.title} here. {known.how}")
    table, notes = _read(known, _folder(known, root))
    for note in [*notes, *_missing(known, table)]:
        warnings.warn(note, CorpusWarning, stacklevel=2)
    return table


def _module(name):
    return importlib.import_module(f"ser_helpers.corpora.datasets.{name.replace('-', '_')}")


def _read(known, folder):
    if known.synthetic:
        return _module("synthetic").load(folder, EMBEDDED[known.name][0])
    return _module(known.name).load(folder)


def _speakers(known):
    return _module("synthetic").SPEAKERS[EMBEDDED[known.name][0]] if known.synthetic else _module(known.name).SPEAKERS


def _folder(known, root):
    if root is None and known.name in EMBEDDED:
        from ser_helpers import synthesis

        _, make, variant = EMBEDDED[known.name]
        return getattr(synthesis, make)(variant)
    return find(known.name, root)


def _missing(known, table):
    """One sentence on what a partial corpus lacks, or nothing when it is complete."""
    if len(table) >= known.utterances:
        return
    counts = table["speaker"].value_counts()
    absent = [speaker for speaker in _speakers(known)[: known.speakers] if speaker not in counts]
    usual, uneven = divmod(known.utterances, known.speakers)
    even = not uneven and "dialogue" not in table  # in conversation, nobody has a fixed number of turns
    short = [f"{name} ({count})" for name, count in counts.sort_index().items() if count < usual and even]
    text = f"{known.name}: only {len(table)} of {known.utterances} utterances are here"
    if absent:
        text += f"; none by {', '.join(absent)}"
    if short:
        text += f"; fewer than {usual} by {', '.join(short)}"
    yield f"{text}. {how_to_get(known)}"
