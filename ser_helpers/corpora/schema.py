"""The utterance table: one row per utterance, the same columns for every corpus.

==========================================  ===========================================================================
column                                      contents
==========================================  ===========================================================================
``utterance`` (the index)                   unique name, ``"<corpus>/<file stem>"``
``path``                                    the recording, an absolute path
``start``, ``end``                          seconds within the recording; NaN: from its beginning, to its end
``corpus``, ``speaker``, ``session``        who spoke, named so that two corpora share a name only for the same person
``gender``                                  ``"female"`` or ``"male"``
``statement``, ``text``                     the sentence's name (shared only where the words are the same) and its words
``language``                                a BCP-47 tag, such as ``"en"``
``emotion``                                 the corpus's own word
``valence``, ``arousal``, ``dominance``     on the corpus's own scale
==========================================  ===========================================================================

Unknown values are missing (NaN), also speakers: `split` and ``evaluation`` then ask to drop these rows. Columns of a
single corpus, such as ``intensity``, follow these. Soft labels are columns ``votes_<emotion>``, the share of the raters
who chose the corpus's word: they add up to 1 in each row, or are missing in all of them.
"""

import os

import pandas as pd

from ser_helpers.errors import CorpusError

DIMENSIONS = ("valence", "arousal", "dominance")
#: The emotions of the course, in the order of every table and figure.
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")

#: The columns of an utterance table, in order, and the type of each.
COLUMNS = {
    "path": "str",
    "start": "float",
    "end": "float",
    "corpus": "str",
    "speaker": "str",
    "gender": "str",
    "session": "str",
    "statement": "str",
    "text": "str",
    "language": "str",
    "emotion": "str",
    "valence": "float",
    "arousal": "float",
    "dominance": "float",
}

_NEVER_MISSING = ("path", "corpus", "language", "emotion")


def make_table(rows):
    """The utterance table of `rows`, dicts with the key ``utterance`` and any columns; missing ones are filled in."""
    table = pd.DataFrame(list(rows)).set_index("utterance")
    extras = [column for column in table.columns if column not in COLUMNS]
    table = table.reindex(columns=[*COLUMNS, *extras])
    table.index = table.index.astype("str")
    return check_table(table.astype(COLUMNS))


def check_table(table):
    """Return `table` unchanged if it is an utterance table, with the columns of ``COLUMNS`` first and in order.

    Otherwise raises a CorpusError: it is no DataFrame, a column is missing, out of order or of the wrong type, a value
    is missing or invalid, or two rows have the same name.

    >>> from ser_helpers import corpora
    >>> table = corpora.load("synthetic-small")
    >>> corpora.check_table(table) is table
    True
    """
    if not isinstance(table, pd.DataFrame):
        raise CorpusError(f"An utterance table is a DataFrame, not {type(table).__name__}: load it with corpora.load.")
    if list(table.columns[: len(COLUMNS)]) != list(COLUMNS):
        missing = [column for column in COLUMNS if column not in table.columns]
        wrong = f"has no column {', '.join(missing)}" if missing else "has its columns in another order"
        raise CorpusError(f"The utterance table {wrong}; its first columns must be {', '.join(COLUMNS)}.")
    _check_index(table.index)
    for column, kind in COLUMNS.items():
        _check_column(table[column], kind)
    _check_values(table)
    return table


def _check_index(index):
    if index.name != "utterance":
        raise CorpusError(f"The index of an utterance table is called 'utterance', not {index.name!r}.")
    duplicates = index[index.duplicated()]
    if len(duplicates):
        raise CorpusError(f"Utterance names must be unique, but {duplicates[0]!r} is there more than once.")
    for name in index:
        if not isinstance(name, str):
            raise CorpusError(f"Utterance names must be text, but {name!r} is not.")


def _check_column(values, kind):
    if kind == "float" and not pd.api.types.is_float_dtype(values):
        raise CorpusError(f"Column '{values.name}' must contain floats (NaN where unknown), not {values.dtype}.")
    if kind == "str":
        for value in values.dropna().unique():
            if not isinstance(value, str):
                raise CorpusError(f"Column '{values.name}' must contain text, but {value!r} is not.")
    if values.name in _NEVER_MISSING and values.isna().any():
        raise CorpusError(f"Column '{values.name}' is missing for utterance {values.index[values.isna()][0]!r}.")


def _check_values(table):
    unknown = set(table["gender"].dropna()) - {"female", "male"}
    if unknown:
        raise CorpusError(f"Column 'gender' must be 'female', 'male' or missing, not {unknown.pop()!r}.")
    for path in table["path"]:
        if not os.path.isabs(path):
            raise CorpusError(f"Column 'path' must contain absolute paths, but {path!r} is not.")
    backwards = (table["start"] < 0) | (table["end"] <= table["start"].fillna(0))
    if backwards.any():
        raise CorpusError(f"Utterance {table.index[backwards][0]!r} ends before it starts.")
