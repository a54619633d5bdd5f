"""Utterances cut into windows, as the detector cuts a stream: what a model of windows is trained on."""

import warnings

import numpy as np
import pandas as pd

from ser_helpers import audio
from ser_helpers.audio.vad import FRAME, RATE
from ser_helpers.corpora.schema import check_table
from ser_helpers.errors import CorpusError
from ser_helpers.features.extraction import extract

SHORTEST = 0.5  # seconds: the detector predicts nothing for a shorter stream


def cut_windows(table, seconds=3.0, hop=1.0, min_speech=0.2, threshold=0.5, jobs=None, progress=True, scheduler=None):
    """Cut every utterance as a `streaming.Detector` would cut it; windows without speech are left out.

    Parameters
    ----------
    table : DataFrame
        An utterance table.
    seconds, hop : float
        Length of a window, and time from one to the next. An utterance shorter than a window is one window, which
        ``extract(windows, kind, seconds=seconds)`` pads with silence.
    min_speech : float
        Share of a window that must be speech, 0 to 1.
    threshold : float
        Probability from which a frame counts as speech.
    jobs, progress, scheduler
        As for `extract`, which computes the probability of speech and caches it.

    Returns
    -------
    DataFrame
        An utterance table with a row per window, called ``<utterance>#<number>``; ``start`` and ``end`` are those of
        the window, and the column ``window_of`` has the utterance it was cut from. A warning counts the utterances
        without any window with enough speech.

    Raises
    ------
    CorpusError
        If the table is no utterance table, or no window of it contains enough speech.
    ValueError
        If a setting is out of range.

    Examples
    --------
    >>> from ser_helpers import corpora
    >>> windows = cut_windows(corpora.load("synthetic-small")[:2], jobs=1)
    >>> windows[["window_of", "start"]].to_numpy().tolist()[0]
    ['synthetic/03-01-01-01-01-01-01', 0.0]
    """
    if not (hop >= 0.05 and 0.05 <= seconds <= 60 and 0 <= min_speech <= 1):
        raise ValueError("Windows last from 0.05 s to 60 s, hop is at least 0.05 s, and min_speech is a share, 0 to 1.")
    probabilities = extract(check_table(table), "speech", jobs, progress, scheduler=scheduler)
    rows, silent = [], []
    for (name, row), frames in zip(table.iterrows(), probabilities, strict=True):
        if frames is None:  # `extract` has named it in a warning
            continue
        begin = 0.0 if pd.isna(row.start) else row.start
        length = (audio.duration(row.path) if pd.isna(row.end) else row.end) - begin
        is_speech = frames[:, 0] >= threshold
        windows = [
            (start, end)
            for start, end in _windows(length, seconds, hop)
            if _share(is_speech, start, end) >= max(min_speech, 1e-9)
        ]
        silent += [] if windows else [name]
        for number, (start, end) in enumerate(windows):
            times = {"utterance": f"{name}#{number}", "start": begin + start, "end": begin + end, "window_of": name}
            rows.append({**row.to_dict(), **times})
    if not rows:
        raise CorpusError("No window contains enough speech: give utterances with speech, or a smaller min_speech.")
    if silent:
        warnings.warn(
            f"{len(silent)} of {len(table)} utterances have no window with enough speech and are left out, "
            f"{silent[0]!r} first.",
            stacklevel=2,
        )
    windows = pd.DataFrame(rows).set_index("utterance")
    return check_table(windows.astype({column: table[column].dtype for column in table.columns}))


def _windows(length, seconds, hop):
    """(start, end) in seconds of the windows of an utterance, as the detector makes them of a stream of this length."""
    if length < seconds:
        return [(0.0, length)] if length >= SHORTEST else []
    starts = np.arange(0, length - seconds + 1e-6, hop)
    windows = [(float(start), float(start) + seconds) for start in starts]
    left_over = length - windows[-1][1]
    return [*windows, (length - seconds, length)] if 2 * left_over >= hop else windows


def _share(is_speech, start, end):
    """The share of the frames inside a window that are speech."""
    frames = is_speech[int(np.ceil(start * RATE / FRAME)) : int(end * RATE // FRAME)]
    return frames.mean() if len(frames) else 0.0
