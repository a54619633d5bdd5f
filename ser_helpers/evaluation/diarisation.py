"""How much of the speech was given to the wrong person, missed, or invented: the diarisation error rate."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from ser_helpers.errors import EvaluationError

COLUMNS = ["start", "end", "speaker"]


class DiarisationError(NamedTuple):
    """What `diarisation_error` found; all but ``rate`` and ``mapping`` in seconds.

    ``rate`` is (missed + false_alarm + confusion) / speech, NaN where the truth holds no speech; it can exceed 1.
    ``mapping`` says which predicted speaker was taken for which true one.
    """

    rate: float
    missed: float
    false_alarm: float
    confusion: float
    speech: float
    mapping: dict


def diarisation_error(truth, predicted, collar=0.0, overlap=True):
    """The diarisation error rate, DER, and its three parts. Lesson 13.

    Names do not matter: predicted speakers are matched one to one with true ones so that they share the most time (the
    Hungarian algorithm). Where several people speak at once, each second counts once for each of them.

    Parameters
    ----------
    truth, predicted : DataFrame
        Turns with ``start``, ``end`` (seconds) and ``speaker``; further columns are ignored.
    collar : float
        Seconds that do not count on *each* side of each true start and end, where annotators differ; 0.25 in NIST's
        evaluations. (pyannote.metrics counts both sides together: its collar is twice this.)
    overlap : bool
        With False, moments at which two or more people truly speak do not count.

    Returns
    -------
    DiarisationError

    Raises
    ------
    EvaluationError
        A table lacks a column, a turn ends before it starts, or the collar is negative.

    Examples
    --------
    The measure of NIST's Rich Transcription evaluations. pyannote.metrics gives the same: Bredin (2017),
    https://doi.org/10.21437/Interspeech.2017-411.

    >>> import pandas as pd
    >>> truth = pd.DataFrame({"start": [0.0, 5.0], "end": [5.0, 10.0], "speaker": ["anna", "ben"]})
    >>> heard = pd.DataFrame({"start": [0.0, 6.0], "end": [6.0, 9.0], "speaker": ["1", "2"]})
    >>> found = diarisation_error(truth, heard)
    >>> found.rate, found.missed, found.confusion, found.mapping
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
    heard_names, heard_on = _active(predicted, middle)
    counted = np.ones(len(middle), bool)
    if collar:
        counted &= ~((zones[:, :1] < middle) & (middle < zones[:, 1:])).any(axis=0)
    if not overlap:
        counted &= true_on.sum(axis=0) < 2
    weight = length * counted
    shared = (true_on * weight) @ heard_on.T
    rows, columns = linear_sum_assignment(-shared)
    pairs = [(i, j) for i, j in zip(rows, columns, strict=True) if shared[i, j] > 0]
    right = sum((true_on[i] & heard_on[j] for i, j in pairs), np.zeros(len(middle), int))
    n_true, n_heard = true_on.sum(axis=0), heard_on.sum(axis=0)
    missed = float(np.maximum(n_true - n_heard, 0) @ weight)
    false_alarm = float(np.maximum(n_heard - n_true, 0) @ weight)
    confusion = float((np.minimum(n_true, n_heard) - right) @ weight)
    speech = float(n_true @ weight)
    rate = (missed + false_alarm + confusion) / speech if speech else float("nan")
    mapping = {heard_names[j]: true_names[i] for i, j in pairs}
    return DiarisationError(rate, missed, false_alarm, confusion, speech, mapping)


def _turns(table, name):
    lacking = [column for column in COLUMNS if column not in table]
    if lacking:
        raise EvaluationError(f"The {name} has no {', '.join(lacking)}: turns need start, end and speaker.")
    turns = table[COLUMNS]
    if turns.isna().any(axis=None) or (turns["end"] < turns["start"]).any():
        raise EvaluationError(f"A turn of the {name} ends before it starts, or lacks a time or speaker: mend it first.")
    return turns


def _active(turns, moments):
    """Names of the speakers, and whether each speaks (rows) at each moment (columns)."""
    names = sorted(set(turns["speaker"]), key=str)
    on = np.zeros((len(names), len(moments)), bool)
    for start, end, speaker in turns.itertuples(index=False):
        on[names.index(speaker)] |= (start <= moments) & (moments < end)
    return names, on
