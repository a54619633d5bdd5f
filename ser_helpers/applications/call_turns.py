"""Who speaks when in a call: turns of each party, one channel each; and one channel made into two."""

import numpy as np
import pandas as pd

from ser_helpers import audio

PAUSE = 1.0
"""Seconds: a party that goes on after a shorter pause goes on with the same turn, unless another spoke."""
ECHO = 15
"""dB: what is so much softer than the other channel at the same time is its echo."""


def turns(channels, sr):
    """The turns of a call as a table: ``party``, ``start``, ``end`` (seconds), in order of their start (Lesson 13).

    `channels` is {party: mono samples (n,)} at `sr` Hz. What one microphone hears of the other party is left out.

    >>> turns({"agent": np.zeros(8000), "customer": np.zeros(8000)}, 8000).columns.tolist()
    ['party', 'start', 'end']
    """
    found = []
    for party, y in channels.items():
        others = [other for name, other in channels.items() if name != party]
        for start, end in audio.find_speech(y, sr, min_silence=0.3).itertuples(index=False):
            part = slice(int(start * sr), int(end * sr))
            if all(_level(y[part]) > _level(other[part]) - ECHO for other in others):
                found.append((party, start, end))
    joined = []
    for party, start, end in sorted(found, key=lambda turn: turn[1:]):
        if joined and joined[-1][0] == party and start - joined[-1][2] < PAUSE:
            joined[-1][2] = max(end, joined[-1][2])
        else:
            joined.append([party, start, end])
    return pd.DataFrame(joined, columns=["party", "start", "end"]).astype({"start": float, "end": float})


def felt(table, windows, classes):
    """Turns with a column per emotion, the mean of the windows over each turn by overlap, and ``emotion``, the largest.

    `windows` is a timeline with a column ``party``. A turn without a judged window has NaN and None.
    """
    judged = windows[windows["emotion"].notna()]
    rows = []
    for turn in table.itertuples():
        own = judged[judged["party"] == turn.party]
        overlap = np.minimum(own["end"], turn.end) - np.maximum(own["start"], turn.start)
        weights = overlap.clip(lower=0).to_numpy()
        if weights.sum() > 0:
            rows.append(np.average(own[list(classes)].to_numpy(float), axis=0, weights=weights))
        else:
            rows.append(np.full(len(classes), np.nan))
    shares = np.reshape(rows, (-1, len(classes)))
    emotion = [None if np.isnan(row).any() else str(classes[row.argmax()]) for row in shares]
    return table.assign(**dict(zip(classes, shares.T, strict=True)), emotion=pd.Series(emotion, table.index, object))


def separate(y, spoken, sr, parties):
    """Two channels out of one: {party: samples (n,)}, silent where the party does not speak (Lesson 13).

    `spoken` is a diarisation: ``start``, ``end``, ``speaker``. Who speaks first is the first of `parties`, as an agent
    who takes a call does; who speaks most of those left is the second.
    """
    spoken = spoken.sort_values("start")
    seconds = (spoken["end"] - spoken["start"]).groupby(spoken["speaker"], sort=False).sum()
    order = [*seconds.index[:1], *seconds.iloc[1:].sort_values(ascending=False).index]
    channels = {party: np.zeros_like(y) for party in parties}
    for party, speaker in zip(parties, order, strict=False):
        for start, end in spoken.loc[spoken["speaker"] == speaker, ["start", "end"]].itertuples(index=False):
            part = slice(int(start * sr), int(end * sr))
            channels[party][part] = y[part]
    return channels


def _level(y):
    return 10 * np.log10(np.mean(np.square(y)) + 1e-12)
