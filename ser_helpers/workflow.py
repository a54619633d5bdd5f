"""From corpora to a model file, and from that to predictions: ``ser train``, ``ser evaluate``, ``ser predict``."""

from ser_helpers import corpora
from ser_helpers.corpora.schema import DIMENSIONS
from ser_helpers.errors import CorpusError

FOLDS = 5
SECONDS = 3.0
ENCODERS = {"whisper-base": "openai/whisper-base", "wav2vec2-base": "facebook/wav2vec2-base"}


def load_corpora(names, target="emotion", scheme=None):
    """One utterance table of several corpora, with labels that all of them share.

    Parameters
    ----------
    names : list of str
        As for ``corpora.load``.
    target : str
        "emotion", or one of valence, arousal and dominance.
    scheme : str, optional
        A scheme of ``corpora.harmonise``; by default "shared" for several corpora, and the corpus's own labels for one.

    Raises CorpusError if a corpus is unknown or not on this machine, or no utterance has the target.

    >>> load_corpora(["synthetic-small"]).corpus.unique().tolist()
    ['synthetic']
    """
    table = corpora.combine([corpora.load(name) for name in dict.fromkeys(names)])
    if target not in ("emotion", *DIMENSIONS):
        raise CorpusError(f"The target is emotion, {', '.join(DIMENSIONS)}, not {target!r}.")
    if target != "emotion":
        table = table[table[target].notna()]
    elif scheme or table["corpus"].nunique() > 1:
        table = corpora.harmonise(table, scheme or "shared")
    if not len(table):
        raise CorpusError(f"No utterance of {', '.join(names)} has a {target}: choose other corpora.")
    return table
