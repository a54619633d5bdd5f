"""The embedded German corpus: EmoDB's layout, read by EmoDB's loader, with five of its ten sentences.

It is made on this machine by ``ser_helpers.synthesis``; the corpus column says ``synthetic-emodb``, so every title does
too.
"""

from ser_helpers.corpora import emodb

SPEAKERS = tuple(f"synthetic-{speaker}" for speaker in emodb.SPEAKERS)


def load(root):
    """The utterance table of embedded German speech written under `root`, and notes on what is odd there."""
    return emodb.load(root, corpus="synthetic-emodb")
