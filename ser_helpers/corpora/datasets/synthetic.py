"""The embedded corpora: recordings in the layouts of RAVDESS, EmoDB and IEMOCAP, read by those corpora's own loaders.

They are made on this machine by ``ser_helpers.synthesis``; their column ``corpus`` begins with ``synthetic``, and so
does every title. Valence, arousal and dominance range from -1 to 1 in RAVDESS's layout and from 1 to 5 in IEMOCAP's.
The German recordings have five of EmoDB's ten sentences. As in IEMOCAP, the scripted dialogues have the same words in
every session: a text model has seen them in training even if the test session is new, so test it on the improvised ones
as well.
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
    """The labels behind each turn of embedded conversations, before raters perceived it (Lesson 10).

    `table` is from ``corpora.load("synthetic-iemocap")``, or rows of it. The result has the same index, and the columns
    ``emotion``, ``valence``, ``arousal`` and ``dominance`` (1 to 5) of the speaker; ``words``, the mood of the line:
    positive, negative, sad, angry, neutral, praise, bitter, or open if only the voice tells; and ``ironic``, whether it
    is praise meant as blame. Raises CorpusMissing if the recordings are not of the embedded conversations.

    >>> from ser_helpers import corpora
    >>> table = corpora.load("synthetic-iemocap-small")
    >>> corpora.truth(table).index.equals(table.index)
    True
    """
    roots = {path.parents[4] for path in map(Path, table["path"])}
    missing = [root for root in roots if not (root / "truth.csv").is_file()]
    if missing or not roots:
        raise CorpusMissing(
            "The true labels are known of embedded conversations alone: give rows of corpora.load('synthetic-iemocap')."
        )
    labels = pd.concat([pd.read_csv(root / "truth.csv", index_col="turn") for root in sorted(roots)])
    turns = table.index.str.rpartition("/").get_level_values(2)
    if not set(turns) <= set(labels.index):
        raise CorpusMissing(f"truth.csv in {min(roots)} lacks some turns: delete the folder, and it is made again.")
    return labels.loc[turns].set_index(table.index)
