"""Who said what, and how: every corpus becomes one utterance table, one row per utterance.

>>> from ser_helpers import corpora
>>> corpora.card("ravdess").utterances
1440

``load`` reads a corpus, ``harmonise`` and ``combine`` make several comparable, ``split`` cuts a table into training and
test sets, and ``audit`` says what crosses between them. ``find``, ``download`` and ``card`` tell where a corpus is, get
it, and describe it; ``load_text`` reads MELD's text, ``ratings`` takes IEMOCAP's raters apart, and ``truth`` tells what
the embedded conversations' speakers felt. The columns of a table are defined in ``schema``.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "corpus_cards": ["Card", "card", "cards", "find"],
        "datasets.iemocap": ["ratings"],
        "datasets.meld": ["load_text"],
        "datasets.synthetic": ["truth"],
        "labels": ["SCHEMES", "WORDS", "combine", "harmonise"],
        "leaks": ["Audit", "audit"],
        "files": ["CorpusWarning"],
        "loaders": ["available", "load"],
        "schema": ["COLUMNS", "EMOTIONS", "check_table"],
        "splits": ["PROTOCOLS", "split", "subsample"],
    },
)
