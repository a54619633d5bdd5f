"""The embedded corpus: RAVDESS's layout, read by RAVDESS's loader, with valence, arousal and dominance from -1 to 1.

It is made on this machine by ``ser_helpers.synthesis``; the corpus column says ``synthetic``, so every title does too.
"""

import pandas as pd

from ser_helpers.corpora import ravdess
from ser_helpers.corpora.schema import check_table
from ser_helpers.errors import CorpusMissing

SPEAKERS = tuple(f"synthetic-{actor:02d}" for actor in range(1, 25))


def load(root):
    """The utterance table of an embedded corpus written under `root`, and notes on what is odd there."""
    table, notes = ravdess.load(root, corpus="synthetic")
    if not (root / "metadata.csv").is_file():
        raise CorpusMissing(
            f"There is no metadata.csv in {root}: it holds valence, arousal and dominance of each clip."
        )
    feelings = pd.read_csv(root / "metadata.csv", index_col="path")
    feelings.index = "synthetic/" + feelings.index.str.extract(r"([^/]+)\.\w+$")[0]
    for dimension in ("valence", "arousal", "dominance"):
        table[dimension] = feelings[dimension].reindex(table.index).astype(float)
    return check_table(table), notes
