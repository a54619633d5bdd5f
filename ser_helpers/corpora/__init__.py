"""Corpora of emotional speech: each becomes the same table, one row per utterance.

>>> from ser_helpers import corpora
>>> corpora.card("ravdess").utterances
1440

``load`` reads a corpus, ``harmonise`` and ``combine`` make several comparable, ``split`` cuts a table into training and
test sets, and ``audit`` reports what is in both. ``card`` describes a corpus and ``find`` locates it; ``load_text``
reads the labels and text of MELD or CMU-MOSEI without recordings, ``ratings`` lists IEMOCAP's raters one by one, and
``truth`` reads the labels behind the embedded conversations. The columns of a table are defined in ``schema``.
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
