"""Who spoke when: by channel where everybody has one, by voice where one microphone heard them all.

The turns of a call: who speaks when, what was felt in each, and one channel made into one for each party.
"""

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.ndimage import uniform_filter1d

from ser_helpers import audio
from ser_helpers.errors import AudioError
from ser_helpers.pretrained import SpeakerEncoder

RATE = 16000
PARTIES = ("agent", "customer")
WINDOW, HOP = 1.0, 0.25  # seconds of speech that get one vector, and from one to the next
SWITCH = 0.05  # how much more alike another voice must be before the speaker changes; half of it after a pause
ROUNDS = 3
MOST_SPEAKERS = 6
MOST_COMPARED = 4000  # windows that are clustered pair by pair: over 15 minutes of speech, in 64 MB
FRAME = 0.02  # seconds in which the levels of channels are compared, smoothed over SMOOTH
SMOOTH, ECHO = 0.3, 15.0
"""A channel that is so many dB softer than another one hears that one's echo."""
SHORTEST = 0.2
"""Seconds: what is left of a channel's speech between echoes is none if it is shorter."""


def diarise(y, sr, speech=None, n_speakers=None, encoder=None, parties=PARTIES, pause=0.5):
    """Who spoke when in a recording. Lesson 13.

    With several channels there is nothing to guess: each has one speaker, and what it hears of the others (the echo of
    a telephone line) is left out. With one channel, every second of speech becomes a vector, vectors that are alike are
    clustered (Ward's method), and the speaker changes only where that pays. Of more than 4000 vectors (a quarter of an
    hour of speech or more), 4000 evenly chosen ones are clustered, and every vector joins the nearest cluster.

    Parameters
    ----------
    y : array (n,) or (n, channels)
        Samples within ±1.
    sr : int
        Their rate in Hz.
    speech : DataFrame, or list of one per channel
        Stretches with ``start`` and ``end`` in seconds; by default what `audio.find_speech` finds.
    n_speakers : int, optional
        How many people speak on the one channel: 2 in a telephone call. Estimated when None, up to 6: clusters are
        split until the mean cosine within each reaches the encoder's ``alike``.
    encoder : SpeakerEncoder, optional
        For one channel.
    parties : sequence of str
        Who is on which channel.
    pause : float
        A silence up to so many seconds between two stretches of one speaker belongs to the turn.

    Returns
    -------
    DataFrame
        ``start``, ``end`` (seconds) and ``speaker`` of each turn, by start. Speakers of one channel are called
        "speaker 1", "speaker 2" in the order in which they first speak; `name_parties` tells which is the customer.

    Raises
    ------
    AudioError
        The recording cannot be used, has more channels than parties, or `speech` or `n_speakers` does not fit it.

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
        raise AudioError(f"n_speakers is a whole number from 1, or None to estimate it, not {n_speakers!r}.")
    if y.ndim == 1 or y.shape[1] == 1:
        turns = _by_voice(y.reshape(-1), sr, speech, n_speakers, encoder)
    else:
        turns = _by_channel(y, sr, speech, parties)
    return _joined(turns, pause)


def name_parties(turns, customer=None):
    """The turns with a column ``party``: "customer" or "agent". Lesson 13.

    Somebody has to say which voice is which. Where `customer` names a speaker, that is the customer and all others are
    agents. By default the first to speak is the agent, who answers the call; everybody else is a customer.

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
    vectors = encoder.spans(y, spans[:, :2])
    who = _cluster(vectors, n_speakers, encoder.alike)
    after_pause = np.append(True, spans[1:, 2] > spans[:-1, 3] + 1e-6)
    for _ in range(ROUNDS):
        who = _smooth(vectors @ _centres(vectors, who).T, np.where(after_pause, SWITCH / 2, SWITCH))
    names = {number: f"speaker {k + 1}" for k, number in enumerate(dict.fromkeys(who.tolist()))}
    return [(start, end, names[number]) for (start, end), number in zip(spans[:, 2:], who.tolist(), strict=True)]


def _checked(speech, length):
    """Stretches of speech, if they lie in a recording of so many samples; their ends may overshoot by a window."""
    start, end, seconds = speech["start"], speech["end"], length / RATE
    if not ((start >= 0) & (start <= end) & (end <= seconds + WINDOW)).all():
        raise AudioError(f"A stretch of speech does not lie between 0 s and {seconds:.3f} s: correct start and end.")
    return speech


def _spans(speech):
    """Rows (start, end of the window heard; start, end of the part it decides about) that cover all speech."""
    rows = []
    for start, end in speech[["start", "end"]].sort_values("start").itertuples(index=False):
        steps = max(int(np.ceil((end - start - WINDOW) / HOP)), 0)
        first = np.linspace(start, max(end - WINDOW, start), steps + 1)
        edges = [start, *((first[1:] + first[:-1] + WINDOW) / 2), end]
        rows += zip(first, np.minimum(first + WINDOW, end), edges[:-1], edges[1:], strict=True)
    return np.array(rows).reshape(-1, 4)


def _cluster(vectors, n_speakers, alike):
    """A number from 0 up for each vector."""
    if len(vectors) < 2:
        return np.zeros(len(vectors), int)
    if len(vectors) > MOST_COMPARED:
        chosen = vectors[np.linspace(0, len(vectors) - 1, MOST_COMPARED).astype(int)]
        return (vectors @ _centres(chosen, _cluster(chosen, n_speakers, alike)).T).argmax(axis=1)
    tree = linkage(vectors, "ward")
    for k in [n_speakers] if n_speakers else range(1, MOST_SPEAKERS + 1):
        who = fcluster(tree, k, "maxclust") - 1
        if all(_mean_cosine(vectors[who == number]) >= alike for number in set(who.tolist())):
            break
    return who


def _mean_cosine(vectors):
    """Between different vectors of length 1."""
    n = len(vectors)
    return (np.square(vectors.sum(axis=0)).sum() - n) / (n * (n - 1)) if n > 1 else 1.0


def _centres(vectors, who):
    means = np.array([vectors[who == number].mean(axis=0) for number in np.unique(who)])
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def _smooth(scores, cost):
    """The sequence of columns with the highest sum of `scores` less the `cost` of each change (Viterbi)."""
    stay = np.eye(scores.shape[1])
    best, came_from = scores[0], []
    for row, price in zip(scores[1:], cost[1:], strict=True):
        reached = best[:, None] - price * (1 - stay)
        came_from.append(reached.argmax(axis=0))
        best = reached.max(axis=0) + row
    path = [int(best.argmax())]
    for before in reversed(came_from):
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
    speech = [_checked(found, len(channels[0])) for found in speech]
    levels = np.array([_levels(part) for part in channels])
    own = levels >= levels.max(axis=0) - ECHO
    turns = []
    for party, found, loud in zip(parties, speech, own, strict=False):
        for start, end in found[["start", "end"]].itertuples(index=False):
            turns += [(a, b, party) for a, b in _runs(loud, start, end)]
    return turns


def _levels(y):
    """Level in dB, smoothed, in frames of 20 ms."""
    size = int(FRAME * RATE)
    power = np.square(y[: len(y) // size * size].reshape(-1, size), dtype=float).mean(axis=1)
    return 10 * np.log10(uniform_filter1d(power, round(SMOOTH / FRAME)) + 1e-9)


def _runs(on, start, end):
    """The parts of a stretch in which `on` (per frame of 20 ms) holds for `SHORTEST` or longer, as (start, end)."""
    first, last = int(start / FRAME), min(int(np.ceil(end / FRAME)), len(on))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on[first:last].astype(int), [0]])))
    pairs = (first + edges.reshape(-1, 2)) * FRAME
    return [(max(a, start), min(b, end)) for a, b in pairs.tolist() if b - a >= SHORTEST]


def _joined(turns, pause):
    """Stretches of one speaker with at most `pause` between them become one turn."""
    open_turns, done = {}, []
    for start, end, speaker in sorted(turns):
        last = open_turns.get(speaker)
        alone = last and not any(a < start and b > last[1] for s, (a, b) in open_turns.items() if s != speaker)
        if last and start - last[1] <= pause and alone:
            last[1] = max(last[1], end)
        else:
            open_turns[speaker] = [start, end]
            done.append((open_turns[speaker], speaker))
    rows = [(start, end, speaker) for (start, end), speaker in done]
    return pd.DataFrame(rows, columns=["start", "end", "speaker"]).sort_values("start", ignore_index=True)


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


def turn_emotions(turns, windows, classes):
    """Turns with a column per emotion, the mean of the windows over each turn by overlap, and ``emotion``, the largest.

    `turns` has ``party``, ``start`` and ``end``; `windows` is a timeline with a column ``party``. A turn without a
    judged window has NaN and None. Lesson 13.

    >>> turns = pd.DataFrame({"party": ["customer"], "start": [0.0], "end": [2.0]})
    >>> windows = turns.assign(angry=0.8, sad=0.2, emotion="angry")
    >>> turn_emotions(turns, windows, ["angry", "sad"])["angry"].round(2).tolist()
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
