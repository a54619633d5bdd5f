"""How well events in time were found: laughs in an episode, alerts in a call."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from ser_helpers.errors import EvaluationError


class EventScores(NamedTuple):
    """What `event_scores` returns."""

    precision: float  # share of the found events that are true ones
    recall: float  # share of the true events that were found
    f1: float  # harmonic mean of the two
    hits: int


def event_scores(found, truth, least_overlap=0.5):
    """Precision, recall and F1 of found events, each paired with one true event at most. Lesson 11.

    A pair counts when the time they share is at least `least_overlap` of the time that either takes (intersection over
    union); the pairs are chosen so that most count. Where there is nothing to be found, and nothing was, all are 1.

    Parameters
    ----------
    found, truth : DataFrame
        A row per event: ``start`` and ``end`` in seconds. More rows of `truth` at a time, of people who laugh together,
        are for `merge_events` first.
    least_overlap : float
        Above 0, at most 1.

    Returns
    -------
    EventScores
        ``precision``, ``recall``, ``f1`` and the number of ``hits``.

    Raises
    ------
    EvaluationError
        A table lacks a column, holds NaN or an event that ends before it starts, or `least_overlap` is out of range.

    Examples
    --------
    >>> import pandas as pd
    >>> truth = pd.DataFrame({"start": [1.0, 5.0], "end": [2.0, 7.0]})
    >>> found = pd.DataFrame({"start": [1.1, 6.0, 9.0], "end": [2.0, 7.0, 9.5]})
    >>> event_scores(found, truth)
    EventScores(precision=0.6666666666666666, recall=1.0, f1=0.8, hits=2)
    """
    if not 0 < least_overlap <= 1:
        raise EvaluationError(f"The overlap cannot be {least_overlap!r}: choose a share above 0, at most 1.")
    ours, theirs = _spans(found, "found"), _spans(truth, "truth")
    shared = np.minimum(ours[:, None, 1], theirs[None, :, 1]) - np.maximum(ours[:, None, 0], theirs[None, :, 0])
    shared = np.maximum(shared, 0)
    either = (ours[:, 1] - ours[:, 0])[:, None] + (theirs[:, 1] - theirs[:, 0])[None] - shared
    counts = shared >= least_overlap * either * (1 - 1e-9)
    hits = int(counts[linear_sum_assignment(counts, maximize=True)].sum())
    if not len(ours) and not len(theirs):
        return EventScores(1.0, 1.0, 1.0, 0)
    return EventScores(hits / max(len(ours), 1), hits / max(len(theirs), 1), 2 * hits / (len(ours) + len(theirs)), hits)


def merge_events(events, gap=0.0):
    """Events that overlap, or that no more than `gap` seconds lie between, as one: a table of ``start`` and ``end``.

    >>> import pandas as pd
    >>> merge_events(pd.DataFrame({"start": [0.0, 0.5, 3.0], "end": [1.0, 2.0, 4.0]}))
       start  end
    0    0.0  2.0
    1    3.0  4.0
    """
    merged = []
    for start, end in sorted(_spans(events, "events").tolist()):
        if merged and start - merged[-1][1] <= gap:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return pd.DataFrame(merged, columns=["start", "end"], dtype=float)


def _spans(events, name):
    """(n, 2) starts and ends."""
    lacking = [column for column in ("start", "end") if column not in events]
    if lacking:
        raise EvaluationError(f"The table of events `{name}` needs a column {lacking[0]!r} in seconds.")
    spans = events[["start", "end"]].to_numpy(float).reshape(-1, 2)
    if not (spans[:, 1] >= spans[:, 0]).all():
        raise EvaluationError(
            f"An event in the table `{name}` ends before it starts, or lacks a time: mend or drop it."
        )
    return spans
