"""The embedded corpora: recordings in the layouts of RAVDESS, EmoDB and IEMOCAP, read by those corpora's own loaders.

They are made on this machine by ``ser_helpers.synthesis``, and their corpus column begins with ``synthetic``, so every
title does too. Valence, arousal and dominance go from -1 to 1 in RAVDESS's layout and from 1 to 5 in IEMOCAP's. The
German recordings have five of EmoDB's ten sentences. As in IEMOCAP, every session says the same words in the scripted
dialogues: a model of words that is tested on a session it was not trained on has read those, so judge it on the
improvised ones as well. `truth` reads what the speakers felt, which the raters had to guess.
"""

from pathlib import Path

import pandas as pd

from ser_helpers.corpora.datasets import emodb, iemocap, ravdess
from ser_helpers.corpora.schema import DIMENSIONS, check_table
from ser_helpers.errors import CorpusMissing

#: The speakers of each embedded corpus, by the corpus whose layout it has.
SPEAKERS = {
    "ravdess": tuple(f"synthetic-{actor:02d}" for actor in range(1, 25)),
    "emodb": tuple(f"synthetic-{speaker}" for speaker in emodb.SPEAKERS),
    "iemocap": tuple(f"synthetic-{speaker}" for speaker in iemocap.SPEAKERS),
}


def load(root, layout):
    """The utterance table of an embedded corpus written under `root` in a corpus's layout, and notes on oddities."""
    if layout == "emodb":
        return emodb.load(root, corpus="synthetic-emodb")
    if layout == "iemocap":
        return iemocap.load(root, corpus="synthetic-iemocap")
    table, notes = ravdess.load(root, corpus="synthetic")
    if not (root / "metadata.csv").is_file():
        raise CorpusMissing(
            f"There is no metadata.csv in {root}: it contains valence, arousal and dominance of each clip."
        )
    dimensions = pd.read_csv(root / "metadata.csv", index_col="path")
    dimensions.index = "synthetic/" + dimensions.index.str.extract(r"([^/]+)\.\w+$")[0]
    for dimension in DIMENSIONS:
        table[dimension] = dimensions[dimension].reindex(table.index).astype(float)
    return check_table(table), notes


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
