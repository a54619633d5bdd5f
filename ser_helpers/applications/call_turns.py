"""The turns of a call: who speaks when, what was felt in each, and one channel made into one for each party."""

import numpy as np
import pandas as pd

from ser_helpers import audio
from ser_helpers.applications.diarisation import diarise, name_parties


def turns(y, sr, parties):
    """Who speaks when in a call (n, channels): ``party``, ``start``, ``end`` in seconds, by start. Lesson 13.

    Each of `parties` has a channel, or agent and customer share one.

    >>> turns(np.zeros((8000, 2)), 8000, ("agent", "customer")).columns.tolist()
    ['party', 'start', 'end']
    """
    if y.shape[1] < len(parties):
        found = name_parties(diarise(y, sr, n_speakers=len(parties)))
    elif len(parties) > 1:
        found = diarise(y, sr, parties=parties).rename(columns={"speaker": "party"})
    else:
        found = audio.find_speech(y[:, 0], sr, min_silence=0.5).assign(party=parties[0])
    return found[["party", "start", "end"]]


def felt(turns, windows, classes):
    """Turns with a column per emotion, the mean of the windows over each turn by overlap, and ``emotion``, the largest.

    `turns` has ``party``, ``start`` and ``end``; `windows` is a timeline with a column ``party``. A turn without a
    judged window has NaN and None. Lesson 13.

    >>> turns = pd.DataFrame({"party": ["customer"], "start": [0.0], "end": [2.0]})
    >>> windows = turns.assign(angry=0.8, sad=0.2, emotion="angry")
    >>> felt(turns, windows, ["angry", "sad"])["angry"].round(2).tolist()
    [0.8]
    """
    judged = windows[windows["emotion"].notna()]
    rows = []
    for turn in turns.itertuples():
        own = judged[judged["party"] == turn.party]
        overlap = (np.minimum(own["end"], turn.end) - np.maximum(own["start"], turn.start)).clip(lower=0)
        shares = own[list(classes)].to_numpy(float)
        rows.append(np.average(shares, axis=0, weights=overlap) if overlap.sum() > 0 else np.full(len(classes), np.nan))
    rows = np.reshape(rows, (-1, len(classes)))
    emotion = [None if np.isnan(row).any() else str(classes[row.argmax()]) for row in rows]
    return turns.assign(**dict(zip(classes, rows.T, strict=True)), emotion=pd.Series(emotion, turns.index, object))


def separate(y, sr, turns, parties):
    """{party: samples (n,)}: the one channel `y` (n,), silent where the party has no turn. Lesson 13.

    >>> turns = pd.DataFrame({"party": ["customer"], "start": [0.5], "end": [1.0]})
    >>> separate(np.ones(4), 4, turns, ["customer"])["customer"].tolist()
    [0.0, 0.0, 1.0, 1.0]
    """
    channels = {party: np.zeros_like(y) for party in parties}
    for party, start, end in turns[["party", "start", "end"]].itertuples(index=False):
        part = slice(int(start * sr), int(end * sr))
        channels[party][part] = y[part]
    return channels
