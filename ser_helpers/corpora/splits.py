"""Training and test sets by protocol, and unbalanced subsets of a table."""

import hashlib

import pandas as pd
from sklearn.model_selection import GroupKFold, KFold, LeaveOneGroupOut, ShuffleSplit

from ser_helpers.errors import CorpusError

#: What each protocol keeps apart. Only the first four measure performance on new speakers or new sentences.
PROTOCOLS = {
    "speaker": "no speaker is in both training and test; folds of whole speakers",
    "leave-one-speaker-out": "each speaker in turn is the test set",
    "session": "each recording session in turn is the test set",
    "statement": "no sentence is in both training and test; speakers are",
    "random": "30 % of the utterances, drawn at random, are the test set; speakers are on both sides",
    "random-kfold": "folds of utterances drawn at random; speakers are on both sides",
}

#: Each protocol in the words of captions and titles.
PROTOCOL_WORDS = {
    "speaker": "{n} folds, no speaker in both",
    "leave-one-speaker-out": "each of {n} speakers left out in turn",
    "session": "each of {n} sessions left out in turn",
    "statement": "{n} folds, no sentence in both",
    "random": "{n} × random 70/30",
    "random-kfold": "{n} random folds",
}
PROTOCOL_NAMES = {
    "speaker": "unseen speakers",
    "leave-one-speaker-out": "unseen speakers, one by one",
    "session": "unseen sessions",
    "statement": "unseen sentences",
    "random": "random split",
    "random-kfold": "random folds",
}

_GROUPS = {"speaker": "speaker", "leave-one-speaker-out": "speaker", "session": "session", "statement": "statement"}


def split(table, protocol="speaker", n_splits=5, seed=0):
    """Cut an utterance table into training and test sets (Lessons 03 and 04).

    Raises CorpusError if there is no such protocol, the table lacks what it needs, or there are fewer speakers than
    folds.

    Parameters
    ----------
    table : pandas.DataFrame
        An utterance table, or any table with its index and the column that the protocol needs.
    protocol : str
        A key of ``PROTOCOLS``. ``"random"`` is scikit-learn's ``train_test_split(test_size=0.3)``, as in most
        tutorials.
    n_splits : int
        Number of folds; of repetitions for ``"random"``; at most that many for ``"statement"``, since RAVDESS has only
        two sentences. The protocols that leave one out ignore it.
    seed : int
        Decides the folds. The order of the rows does not matter, except with the two random protocols.

    Returns
    -------
    list of (pandas.Index, pandas.Index)
        Names of the training and of the test utterances, for each fold. In k-fold and leave-one-out protocols every
        utterance is in exactly one test set.

    Examples
    --------
    >>> from ser_helpers import corpora
    >>> table = corpora.load("synthetic-small")
    >>> for train, test in corpora.split(table, "speaker", n_splits=2):
    ...     print(sorted(table.speaker[test].unique()))
    ['synthetic-03', 'synthetic-04']
    ['synthetic-01', 'synthetic-02']
    """
    if protocol not in PROTOCOLS:
        raise CorpusError(f"There is no protocol {protocol!r}; choose one of {', '.join(PROTOCOLS)}.")
    if table.index.has_duplicates:
        raise CorpusError("Utterance names must be unique before a table is split.")
    column, groups = _GROUPS.get(protocol), None
    if column:
        if column not in table or table[column].isna().any():
            raise CorpusError(
                f"Protocol {protocol!r} needs the {column} of every utterance, and some have none: drop them with"
                f" table.dropna(subset={column!r})."
            )
        groups = pd.Series(table[column].to_numpy(dtype=object))
    splitter = _splitter(protocol, n_splits, seed, len(table) if groups is None else groups.nunique())
    folds = splitter.split(table.index, groups=groups)
    return [(table.index[train], table.index[test]) for train, test in folds]


def _splitter(protocol, n_splits, seed, count):
    """scikit-learn's splitter for `count` groups, or utterances if the protocol has no groups."""
    units = f"{_GROUPS.get(protocol, 'utterance')}s"
    if protocol == "random":
        if count < 2 or n_splits < 1:
            raise CorpusError("Protocol 'random' needs at least two utterances and one split.")
        return ShuffleSplit(n_splits, test_size=0.3, random_state=seed)
    if protocol in ("session", "leave-one-speaker-out"):
        n_splits = 2
    if protocol == "statement":
        n_splits = min(n_splits, max(count, 2))
    if n_splits < 2:
        raise CorpusError(f"Protocol {protocol!r} needs at least two folds, not {n_splits}.")
    if count < n_splits:
        raise CorpusError(f"Protocol {protocol!r} needs {n_splits} {units} or more, and this table has {count}.")
    if protocol in ("session", "leave-one-speaker-out"):
        return LeaveOneGroupOut()
    if protocol == "random-kfold":
        return KFold(n_splits, shuffle=True, random_state=seed)
    return GroupKFold(n_splits, shuffle=True, random_state=seed)


def subsample(table, shares, seed=0):
    """A subset of an utterance table, with only a share of each speaker's utterances of some emotions (Lesson 06).

    `shares` are above 0 and at most 1, by emotion, such as ``{"angry": 0.1}``; other emotions stay complete. Of each
    speaker and emotion the rounded share is drawn, at least one utterance; `seed` decides which, the order of the rows
    does not. Raises CorpusError if the table has no such emotion, or a share is invalid.

    >>> from ser_helpers import corpora
    >>> table = corpora.load("synthetic-small")
    >>> subsample(table, {"angry": 0.1, "sad": 0.5}).emotion.value_counts()[["happy", "sad", "angry"]].tolist()
    [32, 16, 4]
    """
    absent = [emotion for emotion in shares if not (table["emotion"] == emotion).any()]
    if absent:
        there = ", ".join(table["emotion"].dropna().unique())
        raise CorpusError(f"No utterance of this table is {absent[0]!r}; it has {there}.")
    wrong = [share for share in shares.values() if not 0 < share <= 1]
    if wrong:
        raise CorpusError(f"A share to keep is above 0 and at most 1, not {wrong[0]}.")
    hashes = table.index.to_series().map(lambda name: hashlib.blake2b(f"{seed} {name}".encode()).hexdigest())
    groups = hashes.groupby([table["speaker"], table["emotion"]])
    wanted = (groups.transform("size") * table["emotion"].map(shares).fillna(1)).round().clip(lower=1)
    return table[groups.rank() <= wanted]
