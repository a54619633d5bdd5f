"""Emotions over time as tables: the timeline of a detector, the share of each emotion, rolling means over turns."""

import numpy as np
import pandas as pd

from ser_helpers.errors import EvaluationError

NEEDED = ["dialogue", "speaker", "turn_start", "turn_end"]


def to_timeline(predictions, classes, dimensions=()):
    """The predictions of a detector and its ``classes_`` as a table, one row per window (Lesson 12).

    Columns: ``start`` and ``end`` (seconds), ``speech`` (share), one per emotion (its probability before smoothing, or
    NaN), ``emotion`` (or None) and ``gap``; then one per name in `dimensions`, a detector's ``dimensions_``, such as
    ``valence`` (from -1 to 1, smoothed, or NaN).

    >>> from ser_helpers.streaming import WindowPrediction
    >>> silence = WindowPrediction(0.0, 3.0, 0.0, None, None, None, False)
    >>> to_timeline([silence], ["angry", "sad"]).columns.tolist()
    ['start', 'end', 'speech', 'angry', 'sad', 'emotion', 'gap']
    """
    table = pd.DataFrame([one[:3] for one in predictions], columns=["start", "end", "speech"], dtype=float)
    table[list(classes)] = _rows([one.probabilities for one in predictions], len(classes))
    table["emotion"] = pd.Series([one.emotion for one in predictions], dtype=object)
    table["gap"] = np.array([one.gap for one in predictions], bool)
    if dimensions:
        table[list(dimensions)] = _rows([one.dimensions for one in predictions], len(dimensions))
    return table


def _rows(values, width):
    """(n, width) of n arrays (width,), some of them None, which become NaN."""
    unknown = np.full(width, np.nan)
    return np.reshape([unknown if row is None else row for row in values], (len(values), width))


def emotion_shares(timeline):
    """The share of each emotion in the time with speech, as a Series that adds up to 1 (Lesson 11).

    Every window counts with its length and its one emotion, uncertain ones not at all; without any speech all shares
    are 0.

    >>> table = pd.DataFrame({"start": [0, 3, 6], "end": [3, 6, 9], "sad": 0.5, "emotion": ["sad", "sad", None]})
    >>> emotion_shares(table).to_dict()
    {'sad': 1.0}
    """
    seconds = (timeline["end"] - timeline["start"]).groupby(timeline["emotion"]).sum()
    seconds = seconds.reindex(emotions(timeline), fill_value=0.0).astype(float)
    return (seconds / max(seconds.sum(), 1e-9)).rename("share")


def emotions(timeline):
    """The emotions that a timeline has a column for."""
    columns = list(timeline.columns)
    return [name for name in columns[: columns.index("emotion")] if name not in ("start", "end", "speech")]


def rolling_mean(values, table, turns=None, seconds=None):
    """For each turn the mean over it and the same speaker's turns before it, within the conversation. Lesson 09.

    The result is like `values`, on the same index. The window looks back only, as it must in a live system; so the mean
    is late by about half the window. Every turn has the same weight, however long it is. Raises EvaluationError if the
    table has no times and speakers, an utterance is not in it, or the window is not positive.

    Parameters
    ----------
    values : Series or DataFrame
        Numbers by utterance, such as ``table["arousal"]`` or predictions. Missing ones are left out of the mean.
    table : DataFrame
        Utterance table with the columns ``dialogue``, ``speaker``, ``turn_start`` and ``turn_end`` (seconds).
    turns : int
        The window as a number of the speaker's own turns, this one included; the first turns have fewer.
    seconds : float
        Or the window as time: turns that ended less than so many seconds before this one did.

    Examples
    --------
    >>> names = pd.Index(["a1", "b1", "a2", "a3"], name="utterance")
    >>> turns = {"dialogue": "x", "speaker": [*"abaa"], "turn_start": [0, 2, 4, 60], "turn_end": [1, 3, 5, 61]}
    >>> arousal = pd.Series([1.0, 5.0, 3.0, 4.0], names)
    >>> rolling_mean(arousal, pd.DataFrame(turns, names), turns=2).tolist()
    [1.0, 5.0, 2.0, 3.5]
    >>> rolling_mean(arousal, pd.DataFrame(turns, names), seconds=10).tolist()
    [1.0, 5.0, 2.0, 4.0]
    """
    if (turns is None) == (seconds is None):
        raise EvaluationError("Say how long the window is: either turns=3, or seconds=20.")
    window = turns if seconds is None else seconds
    if not window > 0:
        raise EvaluationError(f"A window of {window} is empty: make it longer.")
    lacking = [column for column in NEEDED if column not in table]
    if lacking:
        raise EvaluationError(f"The utterance table has no {', '.join(lacking)}: conversations need them.")
    unknown = values.index.difference(table.index)
    if len(unknown):
        raise EvaluationError(f"{unknown[0]!r} is not in the utterance table: give the table of these values.")
    ordered = table.loc[values.index].sort_values("turn_end", kind="stable")
    parts = [
        _rolling_of_speaker(values.loc[rows.index], rows, turns, seconds)
        for _, rows in ordered.groupby(NEEDED[:2], sort=False)
    ]
    return pd.concat(parts).loc[values.index]


def _rolling_of_speaker(values, rows, turns, seconds):
    """The same for one speaker in one conversation, in the order of time."""
    if turns is not None:
        return values.rolling(turns, min_periods=1).mean()
    clock = values.set_axis(pd.to_timedelta(rows["turn_end"], unit="s"))
    return clock.rolling(pd.Timedelta(seconds=seconds)).mean().set_axis(values.index)
