"""The embedded conversations: IEMOCAP's layout, read by IEMOCAP's loader, valence, arousal and dominance from 1 to 5.

They are made on this machine by ``ser_helpers.synthesis``; the corpus column says ``synthetic-iemocap``, so every title
does too. `truth` reads what the speakers felt, which the raters had to guess.

As in IEMOCAP, every session says the same words in the scripted dialogues: a model of words that is tested on a session
it has not heard has read those, so judge it on the improvised ones as well.
"""

from pathlib import Path

import pandas as pd

from ser_helpers.corpora import iemocap
from ser_helpers.errors import CorpusMissing

SPEAKERS = tuple(f"synthetic-{speaker}" for speaker in iemocap.SPEAKERS)


def load(root):
    """The utterance table of embedded conversations written under `root`, and notes on what is odd there."""
    return iemocap.load(root, corpus="synthetic-iemocap")


def truth(table):
    """What was felt in each turn of embedded conversations, and what sort of words it was put into (Lesson 10).

    Parameters
    ----------
    table : pandas.DataFrame
        An utterance table, or rows of one, from ``corpora.load("synthetic-iemocap")``.

    Returns
    -------
    pandas.DataFrame
        On the same index: ``emotion``, ``valence``, ``arousal`` and ``dominance`` (1 to 5) as felt; ``words``, the mood
        of the line: positive, negative, sad, angry, neutral, praise, bitter, or open where only the voice tells; and
        ``ironic``, whether it is praise meant as blame.

    Raises
    ------
    CorpusMissing
        The recordings are not of the embedded conversations.

    >>> from ser_helpers import corpora
    >>> table = corpora.load("synthetic-iemocap-small")
    >>> corpora.truth(table).index.equals(table.index)
    True
    """
    roots = {path.parents[4] for path in map(Path, table["path"])}
    missing = [root for root in roots if not (root / "truth.csv").is_file()]
    if missing or not roots:
        raise CorpusMissing(
            "What was felt is known of embedded conversations alone: give rows of corpora.load('synthetic-iemocap')."
        )
    known = pd.concat([pd.read_csv(root / "truth.csv", index_col="turn") for root in sorted(roots)])
    turns = table.index.str.rpartition("/").get_level_values(2)
    if not set(turns) <= set(known.index):
        raise CorpusMissing(f"truth.csv in {min(roots)} lacks some turns: delete the folder, and it is made again.")
    return known.loc[turns].set_index(table.index)
