"""What the words of an utterance say by themselves: the scores of a sentiment lexicon."""

import functools

import numpy as np
import pandas as pd

NAMES = ("negative", "neutral", "positive", "compound")


def lexicon(table):
    """How negative, neutral and positive the words of each utterance are: VADER's lexicon and rules.

    VADER adds up the valence of about 7500 English words and smileys, turned round by "not", strengthened by "very" and
    by exclamation marks. It knows no context: "great" is positive, whoever says it and however.

    Parameters
    ----------
    table : DataFrame or Series
        An utterance table, or its column ``text`` alone, as a pipeline gets it: ``FunctionTransformer(lexicon)``.

    Returns
    -------
    DataFrame
        On the same index, the columns ``negative``, ``neutral``, ``positive`` (shares of the sentence, 0 to 1) and
        ``compound`` (the whole, -1 to 1). An utterance without words has NaN in all of them, as one whose recording
        cannot be read has in every feature table.

    Raises
    ------
    ValueError
        If the table has no column ``text``.

    Notes
    -----
    Hutto and Gilbert, "VADER: A parsimonious rule-based model for sentiment analysis of social media text", ICWSM 2014,
    doi:10.1609/icwsm.v8i1.14550. Used in Lesson 10.

    Examples
    --------
    >>> lexicon(pd.DataFrame({"text": ["This is great!", "This isn't great.", "Really?", None]})).compound.tolist()
    [0.6588, -0.5096, 0.0, nan]
    """
    if isinstance(table, pd.DataFrame) and "text" not in table:
        raise ValueError("The table has no column 'text': the lexicon needs the words of each utterance.")
    text = table["text"] if isinstance(table, pd.DataFrame) else pd.Series(table)
    rows = [_scores(sentence) for sentence in text]
    scores = pd.DataFrame(rows, index=text.index, columns=list(NAMES), dtype=float)
    scores.attrs["kind"] = "VADER"
    return scores


def _scores(text):
    if not isinstance(text, str) or not text.strip():
        return [np.nan] * len(NAMES)
    found = _analyser().polarity_scores(text.replace("’", "'"))  # the lexicon knows "isn't" with a straight apostrophe
    return [found[name] for name in ("neg", "neu", "pos", "compound")]


@functools.cache
def _analyser():
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


def listed(X):
    """The sentences of `X` as a list, empty ones for what is missing; ValueError where `X` lists anything else."""
    if isinstance(X, str | pd.DataFrame) or not all(isinstance(text, str) or pd.isna(text) is True for text in X):
        raise ValueError("X must list sentences, such as table['text']: one string for each utterance.")
    return [text if isinstance(text, str) else "" for text in X]
