"""Load a corpus by name."""

import importlib
import warnings

from ser_helpers.corpora.corpus_cards import card, find, how_to_get
from ser_helpers.corpora.files import CorpusWarning

#: The corpora made on this machine: whose layout they have, the function that makes them, and its variant.
EMBEDDED = {
    "synthetic": ("ravdess", "ensure_corpus", "full"),
    "synthetic-small": ("ravdess", "ensure_corpus", "small"),
    "synthetic-iemocap": ("iemocap", "ensure_conversations", "full"),
    "synthetic-iemocap-small": ("iemocap", "ensure_conversations", "small"),
    "synthetic-emodb": ("emodb", "ensure_german", "full"),
}
LOADERS = ("ravdess", "crema-d", "tess", "savee", "emodb", "iemocap")
LOADERS += ("meld", "msp-podcast", "cmu-mosei", "ravdess-song", *EMBEDDED)


def available():
    """The names that `load` knows, whether or not the corpus is on this machine (Lesson 03).

    >>> available()[:3]
    ['ravdess', 'crema-d', 'tess']
    """
    return list(LOADERS)


def load(name, root=None):
    """Read a corpus in its publisher's own layout: an utterance table (see ``schema``), sorted by speaker and name.

    Raises CorpusError if there is no corpus of that name or the file with its labels is damaged; CorpusMissing, which
    says how to get the corpus, if it is not on this machine. Warns with a CorpusWarning for each kind of oddity, naming
    the files, and if the corpus is not complete.

    Parameters
    ----------
    name : str
        One of `available()`. ``"synthetic"``, ``"synthetic-iemocap"`` and ``"synthetic-emodb"`` are made on this
        machine when they are first loaded, in seconds; ``"synthetic-small"`` is the first four actors of the first,
        ``"synthetic-iemocap-small"`` the first two sessions of the second.
    root : path, optional
        Where the corpus is; see `find`. The recordings may be ``.wav`` or ``.flac``, in any sub-folder; only their
        headers are read.

    Examples
    --------
    >>> load("synthetic-small").emotion.value_counts().head(2)
    emotion
    calm     32
    happy    32
    Name: count, dtype: int64
    """
    corpus = card(name)
    layout, make, variant = EMBEDDED.get(corpus.name, (None, None, None))
    module = importlib.import_module(
        f"ser_helpers.corpora.datasets.{'synthetic' if layout else corpus.name.replace('-', '_')}"
    )
    if layout and root is None:
        from ser_helpers import synthesis

        folder = getattr(synthesis, make)(variant)
    else:
        folder = find(corpus.name, root)
    table, notes = module.load(folder, layout) if layout else module.load(folder)
    speakers = module.SPEAKERS[layout] if layout else getattr(module, "SPEAKERS", ())
    for note in [*notes, *_missing(corpus, speakers, table)]:
        warnings.warn(note, CorpusWarning, stacklevel=2)
    return table


def _missing(corpus, speakers, table):
    """One sentence on what a partial corpus lacks; nothing if it is complete. `speakers` is empty if unlisted."""
    if len(table) >= corpus.utterances:
        return
    counts = table["speaker"].value_counts()
    absent = [speaker for speaker in speakers[: corpus.speakers] if speaker not in counts]
    usual, uneven = divmod(corpus.utterances, corpus.speakers or 1)
    even = speakers and not uneven and "dialogue" not in table  # in a conversation the number of turns varies
    short = [f"{name} ({count})" for name, count in counts.sort_index().items() if count < usual and even]
    text = f"{corpus.name}: only {len(table)} of {corpus.utterances} utterances are here"
    if absent:
        text += f"; none by {', '.join(absent)}"
    if short:
        text += f"; fewer than {usual} by {', '.join(short)}"
    yield f"{text}. {how_to_get(corpus)}"
