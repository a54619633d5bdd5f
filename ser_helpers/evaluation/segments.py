"""Scores of events in time: the diarisation error rate; precision and recall of events such as laughs."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from ser_helpers.errors import EvaluationError

COLUMNS = ["start", "end", "speaker"]


class DiarisationError(NamedTuple):
    """The result of `diarisation_error`; all but ``rate`` and ``mapping`` in seconds.

    ``rate`` is (missed + false_alarm + confusion) / speech, NaN if the truth contains no speech; it can exceed 1.
    ``mapping`` gives the true speaker of each predicted one.
    """

    rate: float
    missed: float
    false_alarm: float
    confusion: float
    speech: float
    mapping: dict


def diarisation_error(truth, predicted, collar=0.0, overlap=True):
    """The diarisation error rate, DER, and its three parts: a `DiarisationError`. Lesson 13.

    Names do not matter: predicted speakers are matched one to one with true ones so that they share the most time (the
    Hungarian algorithm). Where several people speak at once, each second counts once for each of them. Raises
    EvaluationError if a table lacks a column, a turn ends before it starts, or the collar is negative.

    Parameters
    ----------
    truth, predicted : DataFrame
        Turns with ``start``, ``end`` (seconds) and ``speaker``; further columns are ignored.
    collar : float
        Seconds that do not count on *each* side of each true start and end, because annotators differ; 0.25 in NIST's
        evaluations. (pyannote.metrics counts both sides together: its collar is twice this.)
    overlap : bool
        With False, moments at which two or more people truly speak do not count.

    Examples
    --------
    The measure of NIST's Rich Transcription evaluations. pyannote.metrics gives the same: Bredin (2017),
    https://doi.org/10.21437/Interspeech.2017-411.

    >>> import pandas as pd
    >>> truth = pd.DataFrame({"start": [0.0, 5.0], "end": [5.0, 10.0], "speaker": ["anna", "ben"]})
    >>> predicted = pd.DataFrame({"start": [0.0, 6.0], "end": [6.0, 9.0], "speaker": ["1", "2"]})
    >>> error = diarisation_error(truth, predicted)
    >>> error.rate, error.missed, error.confusion, error.mapping
    (0.2, 1.0, 1.0, {'1': 'anna', '2': 'ben'})
    """
    truth, predicted = _turns(truth, "truth"), _turns(predicted, "prediction")
    if not collar >= 0:
        raise EvaluationError(f"The collar is {collar}: give seconds from 0 up, such as 0.25.")
    edges = truth[["start", "end"]].to_numpy(float).ravel()
    zones = np.stack([edges - collar, edges + collar], axis=1)
    times = np.concatenate([edges, predicted[["start", "end"]].to_numpy(float).ravel(), zones.ravel()])
    cuts = np.unique(times)
    middle, length = (cuts[:-1] + cuts[1:]) / 2, np.diff(cuts)
    true_names, true_on = _active(truth, middle)
    predicted_names, predicted_on = _active(predicted, middle)
    counted = np.ones(len(middle), bool)
    if collar:
        counted &= ~((zones[:, :1] < middle) & (middle < zones[:, 1:])).any(axis=0)
    if not overlap:
        counted &= true_on.sum(axis=0) < 2
    weight = length * counted
    shared = (true_on * weight) @ predicted_on.T
    rows, columns = linear_sum_assignment(-shared)
    pairs = [(i, j) for i, j in zip(rows, columns, strict=True) if shared[i, j] > 0]
    right = sum((true_on[i] & predicted_on[j] for i, j in pairs), np.zeros(len(middle), int))
    n_true, n_predicted = true_on.sum(axis=0), predicted_on.sum(axis=0)
    missed = float(np.maximum(n_true - n_predicted, 0) @ weight)
    false_alarm = float(np.maximum(n_predicted - n_true, 0) @ weight)
    confusion = float((np.minimum(n_true, n_predicted) - right) @ weight)
    speech = float(n_true @ weight)
    rate = (missed + false_alarm + confusion) / speech if speech else float("nan")
    mapping = {predicted_names[j]: true_names[i] for i, j in pairs}
    return DiarisationError(rate, missed, false_alarm, confusion, speech, mapping)


def _turns(table, name):
    lacking = [column for column in COLUMNS if column not in table]
    if lacking:
        raise EvaluationError(f"The {name} has no {', '.join(lacking)}: turns need start, end and speaker.")
    turns = table[COLUMNS]
    if turns.isna().any(axis=None) or (turns["end"] < turns["start"]).any():
        raise EvaluationError(
            f"A turn of the {name} ends before it starts, or lacks a time or speaker: correct it first."
        )
    return turns


def _active(turns, moments):
    """Names of the speakers, and whether each speaks (rows) at each moment (columns)."""
    names = sorted(set(turns["speaker"]), key=str)
    on = np.zeros((len(names), len(moments)), bool)
    for start, end, speaker in turns.itertuples(index=False):
        on[names.index(speaker)] |= (start <= moments) & (moments < end)
    return names, on


class EventScores(NamedTuple):
    """The result of `event_scores`."""

    precision: float  # share of the found events that are true ones
    recall: float  # share of the true events that were found
    f1: float  # harmonic mean of the two
    hits: int


def event_scores(found, truth, least_overlap=0.5):
    """`EventScores` of found events, each paired with at most one true event. Lesson 11.

    A pair counts if its intersection over union is at least `least_overlap`; the pairs are chosen so that most count.
    If both tables are empty, all three are 1. Raises EvaluationError if a table lacks a column or has an event with NaN
    or an end before its start, or `least_overlap` is out of range.

    Parameters
    ----------
    found, truth : DataFrame
        A row per event: ``start`` and ``end`` in seconds. If true events overlap, as when people laugh together, call
        `merge_events` first.
    least_overlap : float
        Above 0, at most 1.

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
    ours, theirs = _spans(found, "found"), _spans(truth, "truth")  # (n, 2) and (m, 2)
    shared = np.minimum(ours[:, None, 1], theirs[None, :, 1]) - np.maximum(ours[:, None, 0], theirs[None, :, 0])
    shared = np.maximum(shared, 0)  # seconds in common, (n, m)
    either = (ours[:, 1] - ours[:, 0])[:, None] + (theirs[:, 1] - theirs[:, 0])[None] - shared
    counts = shared >= least_overlap * either * (1 - 1e-9)
    hits = int(counts[linear_sum_assignment(counts, maximize=True)].sum())
    if not len(ours) and not len(theirs):
        return EventScores(1.0, 1.0, 1.0, 0)
    return EventScores(hits / max(len(ours), 1), hits / max(len(theirs), 1), 2 * hits / (len(ours) + len(theirs)), hits)


def merge_events(events, gap=0.0):
    """Join events that overlap or are at most `gap` seconds apart: a table of ``start`` and ``end``. Lesson 11.

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
            f"An event in the table `{name}` ends before it starts, or lacks a time: correct or drop it."
        )
    return spans
