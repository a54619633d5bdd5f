"""RAVDESS, song: the actors of RAVDESS but one sing its two sentences in six emotions (Livingstone & Russo 2018).

The files are named as those of speech, with 02 for the vocal channel; there is no song by actor 18. The speakers and
the statements have the names they have in RAVDESS, so that nobody is on both sides of a split of speech and song.
"""

from ser_helpers.corpora.datasets import ravdess

SPEAKERS = tuple(speaker for speaker in ravdess.SPEAKERS if speaker != "ravdess-18")


def load(root):
    """The utterance table of the songs under `root`, and notes on what is odd there; columns as in RAVDESS."""
    return ravdess.load(root, "ravdess-song", channel="02")
