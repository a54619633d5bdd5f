"""Who spoke when: by channel where each speaker has one, by voice where all share one; and the turns of a call."""

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.ndimage import uniform_filter1d

from ser_helpers import audio
from ser_helpers.call_centre.alerts import PARTIES
from ser_helpers.errors import AudioError
from ser_helpers.pretrained import SpeakerEncoder

RATE = 16000
WINDOW, HOP = 1.0, 0.25  # seconds of speech per speaker embedding, and from one to the next
SWITCH_COST = 0.05  # cosine by which another speaker must be closer before the speaker changes; half after a pause
ROUNDS = 3  # of reassigning embeddings to the speakers' centroids
MAX_SPEAKERS = 6
MAX_CLUSTERED = 4000  # embeddings compared pair by pair: over 15 minutes of speech, in 64 MB
FRAME = 0.02  # seconds in which the levels of channels are compared, smoothed over SMOOTH
SMOOTH, ECHO = 0.3, 15.0
"""A channel this many dB below another one contains that one's echo."""
SHORTEST = 0.2
"""Seconds: speech between echoes that is shorter is dropped."""


def diarise(y, sr, speech=None, n_speakers=None, encoder=None, parties=PARTIES, pause=0.5):
    """Who spoke when in a recording. Lesson 13.

    With several channels, each has one speaker, and the echo of the others is left out. With one channel, each second
    of speech becomes a speaker embedding, embeddings are clustered (Ward's method), and Viterbi smoothing keeps the
    speaker from changing too often. Of more than 4000 embeddings (about 15 minutes of speech), 4000 evenly spaced ones
    are clustered, and every embedding joins the nearest cluster.

    Parameters
    ----------
    y, sr : array (n,) or (n, channels), and int
        Samples within ±1 and their rate in Hz.
    speech : DataFrame, or list of one per channel
        Segments with ``start`` and ``end`` in seconds; by default those of `audio.find_speech`.
    n_speakers : int, optional
        How many people speak on the one channel: 2 in a telephone call. Estimated when None, up to 6: clusters are
        split until the mean cosine within each reaches the encoder's ``same_speaker_threshold``.
    encoder, parties : SpeakerEncoder and sequence of str
        What embeds the voices of one channel, and who is on which of several.
    pause : float
        A silence up to this many seconds between two segments of one speaker belongs to the turn.

    Returns
    -------
    DataFrame
        ``start``, ``end`` (seconds) and ``speaker`` of each turn, by start. Speakers of one channel are called
        "speaker 1", "speaker 2" in the order in which they first speak; `name_parties` tells which is the customer.
        AudioError if the recording has more channels than parties, or `speech` or `n_speakers` does not fit it.

    Examples
    --------
    >>> left, right = np.random.default_rng(0).normal(size=(2, 16000)) * [[0.1], [0]]
    >>> talk = pd.DataFrame({"start": [0.2], "end": [0.8]})
    >>> diarise(np.stack([left, right], axis=1), 16000, [talk, talk])
       start  end speaker
    0    0.2  0.8   agent
    """
    y = np.asarray(y)
    if y.ndim not in (1, 2) or 0 in y.shape:
        raise AudioError(f"A recording is samples (n,) or (n, channels), not an array of shape {y.shape}.")
    if n_speakers is not None and (n_speakers < 1 or n_speakers != int(n_speakers)):
        raise AudioError(f"n_speakers must be a whole number from 1, or None to estimate it, not {n_speakers!r}.")
    if y.ndim == 1 or y.shape[1] == 1:
        turns = _by_voice(y.reshape(-1), sr, speech, n_speakers, encoder)
    else:
        turns = _by_channel(y, sr, speech, parties)
    return _merge(turns, pause)


def name_parties(turns, customer=None):
    """The turns with a column ``party``: "customer" or "agent". Lesson 13.

    `customer` is the speaker who is the customer; all others are agents. By default the first to speak is the agent,
    who answers the call, and everyone else is a customer.

    >>> turns = pd.DataFrame({"start": [0, 2], "end": [1, 3], "speaker": ["speaker 1", "speaker 2"]})
    >>> name_parties(turns)["party"].tolist(), name_parties(turns, customer="speaker 1")["party"].tolist()
    (['agent', 'customer'], ['customer', 'agent'])
    """
    if turns.empty:
        return turns.assign(party=pd.Series(dtype=object))
    if customer is None:
        is_customer = turns["speaker"] != turns["speaker"].loc[turns["start"].idxmin()]
    else:
        is_customer = turns["speaker"] == customer
    return turns.assign(party=np.where(is_customer, "customer", "agent"))


def _by_voice(y, sr, speech, n_speakers, encoder):
    """Turns on one channel, as (start, end, speaker)."""
    y = audio.resample(audio.check(y, sr), sr, RATE)
    speech = audio.find_speech(y, RATE) if speech is None else _checked(speech, len(y))
    spans = _spans(speech)
    if not len(spans):
        return []
    encoder = encoder or SpeakerEncoder()
    embeddings = encoder.embed(y, spans[:, :2])  # (n, dims), each of length 1
    labels = _cluster(embeddings, n_speakers, encoder.same_speaker_threshold)
    after_pause = np.append(True, spans[1:, 2] > spans[:-1, 3] + 1e-6)
    for _ in range(ROUNDS):
        cosines = embeddings @ _centroids(embeddings, labels).T  # (n, speakers)
        labels = _viterbi(cosines, np.where(after_pause, SWITCH_COST / 2, SWITCH_COST))
    names = {label: f"speaker {k + 1}" for k, label in enumerate(dict.fromkeys(labels.tolist()))}
    return [(start, end, names[label]) for (start, end), label in zip(spans[:, 2:], labels.tolist(), strict=True)]


def _checked(speech, length):
    """Segments of speech, if they lie in a recording of `length` samples; ends may overshoot by a window."""
    start, end, seconds = speech["start"], speech["end"], length / RATE
    if not ((start >= 0) & (start <= end) & (end <= seconds + WINDOW)).all():
        raise AudioError(f"A segment of speech does not lie between 0 s and {seconds:.3f} s: correct start and end.")
    return speech


def _spans(speech):
    """Rows (start and end of an embedded window; start and end of the part it labels) that cover all speech, (n, 4)."""
    rows = []
    for start, end in speech[["start", "end"]].sort_values("start").itertuples(index=False):
        steps = max(int(np.ceil((end - start - WINDOW) / HOP)), 0)
        first = np.linspace(start, max(end - WINDOW, start), steps + 1)
        edges = [start, *((first[1:] + first[:-1] + WINDOW) / 2), end]  # halfway between the centres of windows
        rows += zip(first, np.minimum(first + WINDOW, end), edges[:-1], edges[1:], strict=True)
    return np.array(rows).reshape(-1, 4)


def _cluster(embeddings, n_speakers, threshold):
    """A label from 0 for each embedding, (n,)."""
    if len(embeddings) < 2:
        return np.zeros(len(embeddings), int)
    if len(embeddings) > MAX_CLUSTERED:
        chosen = embeddings[np.linspace(0, len(embeddings) - 1, MAX_CLUSTERED).astype(int)]
        return (embeddings @ _centroids(chosen, _cluster(chosen, n_speakers, threshold)).T).argmax(axis=1)
    tree = linkage(embeddings, "ward")
    for k in [n_speakers] if n_speakers else range(1, MAX_SPEAKERS + 1):
        labels = fcluster(tree, k, "maxclust") - 1
        if all(_mean_cosine(embeddings[labels == label]) >= threshold for label in set(labels.tolist())):
            break
    return labels


def _mean_cosine(embeddings):
    """Mean over all pairs: the squared length of the sum is the sum of all n² cosines, n of them of pairs (i, i)."""
    n = len(embeddings)
    return (np.square(embeddings.sum(axis=0)).sum() - n) / (n * (n - 1)) if n > 1 else 1.0


def _centroids(embeddings, labels):
    means = np.array([embeddings[labels == label].mean(axis=0) for label in np.unique(labels)])
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def _viterbi(scores, cost):
    """The path of columns with the highest sum of `scores` (n, k) minus the `cost` (n,) of each change, (n,)."""
    change = 1 - np.eye(scores.shape[1])
    best, back = scores[0], []
    for row, price in zip(scores[1:], cost[1:], strict=True):
        reached = best[:, None] - price * change  # from each column (rows) to each column
        back.append(reached.argmax(axis=0))
        best = reached.max(axis=0) + row
    path = [int(best.argmax())]
    for before in reversed(back):
        path.append(int(before[path[-1]]))
    return np.array(path[::-1])


def _by_channel(y, sr, speech, parties):
    """Turns of several channels, as (start, end, party)."""
    if y.shape[1] > len(parties):
        raise AudioError(f"The recording has {y.shape[1]} channels and {len(parties)} parties: name one for each.")
    channels = [audio.resample(audio.check(part, sr), sr, RATE) for part in y.T]
    speech = [audio.find_speech(part, RATE) for part in channels] if speech is None else speech
    if len(speech) != len(channels):
        raise AudioError(f"The recording has {len(channels)} channels and speech for {len(speech)}: give it for each.")
    speech = [_checked(segments, len(channels[0])) for segments in speech]
    levels = np.array([_levels(part) for part in channels])
    own = levels >= levels.max(axis=0) - ECHO
    turns = []
    for party, segments, loud in zip(parties, speech, own, strict=False):
        for start, end in segments[["start", "end"]].itertuples(index=False):
            turns += [(a, b, party) for a, b in _runs(loud, start, end)]
    return turns


def _levels(y):
    """Level in dB, smoothed, in frames of 20 ms."""
    size = int(FRAME * RATE)
    power = np.square(y[: len(y) // size * size].reshape(-1, size), dtype=float).mean(axis=1)
    return 10 * np.log10(uniform_filter1d(power, round(SMOOTH / FRAME)) + 1e-9)


def _runs(mask, start, end):
    """The parts of a segment in which `mask` (per frame of 20 ms) is true for `SHORTEST` or longer, as (start, end)."""
    first, last = int(start / FRAME), min(int(np.ceil(end / FRAME)), len(mask))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask[first:last].astype(int), [0]])))  # up, down, up, ...
    pairs = (first + edges.reshape(-1, 2)) * FRAME
    return [(max(a, start), min(b, end)) for a, b in pairs.tolist() if b - a >= SHORTEST]


def _merge(segments, pause):
    """Turns: segments of one speaker are merged if at most `pause` lies between them and nobody else speaks there."""
    last_turns, turns = {}, []
    for start, end, speaker in sorted(segments):
        last = last_turns.get(speaker)
        alone = last and not any(a < start and b > last[1] for s, (a, b) in last_turns.items() if s != speaker)
        if last and start - last[1] <= pause and alone:
            last[1] = max(last[1], end)
        else:
            last_turns[speaker] = [start, end]
            turns.append((last_turns[speaker], speaker))
    rows = [(start, end, speaker) for (start, end), speaker in turns]
    return pd.DataFrame(rows, columns=["start", "end", "speaker"]).sort_values("start", ignore_index=True)


def call_turns(y, sr, parties):
    """Who speaks when in a call (n, channels), a channel for each of `parties` or one for all, by start. Lesson 13.

    >>> call_turns(np.zeros((8000, 2)), 8000, ("agent", "customer")).columns.tolist()
    ['party', 'start', 'end']
    """
    if y.shape[1] < len(parties):
        turns = name_parties(diarise(y, sr, n_speakers=len(parties)))
    elif len(parties) > 1:
        turns = diarise(y, sr, parties=parties).rename(columns={"speaker": "party"})
    else:
        turns = audio.find_speech(y[:, 0], sr, min_silence=0.5).assign(party=parties[0])
    return turns[["party", "start", "end"]]


def turn_emotions(turns, windows, classes):
    """Turns with a column per emotion, the mean of the windows over each turn by overlap, and ``emotion``, the largest.

    `turns` has ``party``, ``start`` and ``end``; `windows` is a timeline with a column ``party``. A turn without a
    window with speech has NaN and None. Lesson 13.
    """
    windows = windows[windows["emotion"].notna()]
    rows = []
    for turn in turns.itertuples():
        own = windows[windows["party"] == turn.party]
        overlap = (np.minimum(own["end"], turn.end) - np.maximum(own["start"], turn.start)).clip(lower=0)
        values = own[list(classes)].to_numpy(float)
        rows.append(np.average(values, axis=0, weights=overlap) if overlap.sum() else np.full(len(classes), np.nan))
    rows = np.reshape(rows, (-1, len(classes)))
    emotion = [None if np.isnan(row).any() else str(classes[row.argmax()]) for row in rows]
    return turns.assign(**dict(zip(classes, rows.T, strict=True)), emotion=pd.Series(emotion, turns.index, object))


def separate(y, sr, turns, parties):
    """One channel `y` (n,) as one per party, (n, parties), silent where the party has no turn. Lesson 13."""
    channels = np.zeros((len(y), len(parties)), y.dtype)
    for party, start, end in turns[["party", "start", "end"]].itertuples(index=False):
        part = slice(int(start * sr), int(end * sr))
        channels[part, parties.index(party)] = y[part]
    return channels
