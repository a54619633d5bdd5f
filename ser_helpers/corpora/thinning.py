"""A corpus made unbalanced on purpose, to see what imbalance does."""

import hashlib

from ser_helpers.errors import CorpusError


def thin(table, shares, seed=0):
    """Keep only a share of each speaker's utterances of some emotions.

    Parameters
    ----------
    table : DataFrame
        Utterance table; the columns used are ``speaker`` and ``emotion``.
    shares : dict
        What share to keep, above 0 and at most 1, by emotion, as ``{"angry": 0.1}``; other emotions stay whole.
    seed : int
        Decides which utterances stay. The order of the rows does not.

    Returns
    -------
    DataFrame
        The rows kept, in their order: of each speaker and emotion the share rounded, and at least one.

    Raises
    ------
    CorpusError
        The table has no such emotion, or a share is not above 0 and at most 1.

    Examples
    --------
    Lesson 06.

    >>> from ser_helpers import corpora
    >>> table = corpora.load("synthetic-small")
    >>> thin(table, {"angry": 0.1, "sad": 0.5}).emotion.value_counts()[["happy", "sad", "angry"]].tolist()
    [32, 16, 4]
    """
    absent = [emotion for emotion in shares if not (table["emotion"] == emotion).any()]
    if absent:
        there = ", ".join(table["emotion"].dropna().unique())
        raise CorpusError(f"No utterance of this table is {absent[0]!r}; it has {there}.")
    wrong = [share for share in shares.values() if not 0 < share <= 1]
    if wrong:
        raise CorpusError(f"A share to keep is above 0 and at most 1, not {wrong[0]}.")
    lot = table.index.to_series().map(lambda name: hashlib.blake2b(f"{seed} {name}".encode()).hexdigest())
    groups = lot.groupby([table["speaker"], table["emotion"]])
    wanted = (groups.transform("size") * table["emotion"].map(shares).fillna(1)).round().clip(lower=1)
    return table[groups.rank() <= wanted]
