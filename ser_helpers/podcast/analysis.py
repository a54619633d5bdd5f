"""One episode of a podcast: emotions over time, valence, arousal and dominance of every sentence, laughter."""

import functools
import inspect
import warnings
from pathlib import Path

import numpy as np

from ser_helpers import audio
from ser_helpers.audio.signal import FRAME
from ser_helpers.corpora.schema import DIMENSIONS
from ser_helpers.errors import AudioError, ModelError, TranscriptError
from ser_helpers.models.windows import WindowClassifier
from ser_helpers.podcast import transcripts
from ser_helpers.podcast.episode import NO_SPEECH, NO_TRANSCRIPT, Episode
from ser_helpers.streaming import Detector
from ser_helpers.streaming.samples import between
from ser_helpers.streaming.timeline import to_timeline

WINDOW = 3.0
RATE = 16000
SYNTHETIC = "trained on synthetic speech"


def emotions_over_time(path, model, gate=True, weight=0.8, margin=0.05, **settings):
    """The emotions of an episode in consecutive windows of 3 s, read block by block and never held as a whole.

    Parameters
    ----------
    path : str or Path
        A recording of any length, in any format that :func:`ser_helpers.audio.blocks` reads.
    model : object
        ``classes_`` and ``predict_proba(windows)``, such as ``models.window_model()``.
    gate : bool or object
        Whether windows without speech are left out; see :class:`ser_helpers.streaming.Detector`, which also takes the
        other `settings`.
    weight, margin : float
        Of the smoothing and hysteresis: less than live, because these windows do not overlap.

    Returns
    -------
    DataFrame
        A row per window: ``start`` and ``end`` (s), ``speech`` (share), a column per emotion (probability, NaN without
        speech), ``emotion`` (after smoothing and hysteresis, None without speech) and ``gap``. The last window counts
        for what is left, and hears the last 3 s. ``attrs["seconds"]`` is how long the recording lasts; where its end is
        damaged, ``attrs["problem"]`` says so.

    Raises
    ------
    AudioError
        If nothing of the recording can be read.

    Examples
    --------
    Lesson 11.

    >>> from ser_helpers import corpora, models
    >>> path = corpora.load("synthetic-small").path.iloc[0]
    >>> emotions_over_time(path, models.window_model()).columns.tolist()
    ['start', 'end', 'speech', 'angry', 'happy', 'neutral', 'sad', 'emotion', 'gap']
    """
    detector = Detector(model, window=WINDOW, hop=WINDOW, gate=gate, weight=weight, margin=margin, **settings)
    estimates, problem = [], {}
    for block in _readable(path, problem):
        estimates += detector.feed(block)
    estimates += detector.finish()
    table = to_timeline(estimates, detector.classes_)
    table["start"] = np.maximum(table["start"], table["end"].shift(fill_value=0.0))
    table.attrs = {"seconds": detector.health["seconds"], **problem}
    return table


def dimensions(path, sentences, model, longest=30.0):
    """Valence, arousal and dominance of each sentence, from its voice and its words.

    The recording is read once, block by block; what lies between sentences is passed over.

    Parameters
    ----------
    path : str or Path
        The episode.
    sentences : DataFrame
        ``start``, ``end`` (s), ``speaker`` and ``text``, in the order of time, such as from
        :func:`ser_helpers.podcast.transcripts.sentences`.
    model : object
        ``predict(voices, texts)`` for lists of 16 kHz samples and strings, giving (n, 3), such as
        :func:`ser_helpers.podcast.dimension_model`.
    longest : float
        Seconds; of a longer sentence only the beginning is heard.

    Returns
    -------
    DataFrame
        The sentences with ``valence``, ``arousal`` and ``dominance`` on the model's scale; NaN where a sentence lies
        outside the recording, or lasts less than one frame (25 ms). ``attrs["problem"]`` as for `emotions_over_time`.

    Raises
    ------
    AudioError
        If nothing of the recording can be read.
    TranscriptError
        If the sentences are no such table, or not in the order of time.
    ModelError
        If the model cannot rate sentences, or `longest` is no number of seconds.

    Examples
    --------
    Lesson 11.

    >>> import pandas as pd
    >>> from ser_helpers import corpora, podcast
    >>> table = corpora.load("synthetic-small")[:1]
    >>> said = pd.DataFrame({"start": [0.0], "end": [1.0], "speaker": [None], "text": ["Kids are talking."]})
    >>> rated = dimensions(table.path.iloc[0], said, podcast.dimension_model())
    >>> bool(rated["arousal"].between(1, 5).all())
    True
    """
    transcripts.check(sentences)
    if not sentences["start"].is_monotonic_increasing:
        raise TranscriptError("The sentences are not in the order of time: sort them by start.")
    if not between(longest, 0) or not hasattr(model, "predict"):
        raise ModelError("longest is a number of seconds from 0, and the model has predict(voices, texts).")
    found, problem = np.full((len(sentences), len(DIMENSIONS)), np.nan), {}
    for row, voice in _cuts(_readable(path, problem), sentences, longest):
        if len(voice) >= FRAME * RATE:
            found[row] = model.predict([voice], [sentences["text"].iloc[row]])[0]
    table = sentences.assign(**dict(zip(DIMENSIONS, found.T, strict=True)))
    table.attrs = problem
    return table


def _readable(path, problem):
    """The blocks of a recording; where its end is damaged, `problem` gets to know why it ends earlier."""
    heard = False
    try:
        for block in audio.blocks(path, RATE):
            heard = True
            yield block
    except AudioError as error:
        if not heard:
            raise
        problem["problem"] = str(error)


def _cuts(blocks, sentences, longest):
    """(row, samples) of each sentence, holding no more than a block and the longest sentence."""
    starts = np.round(sentences["start"].to_numpy() * RATE).astype(int)
    ends = np.round(np.minimum(sentences["end"], sentences["start"] + longest).to_numpy() * RATE).astype(int)
    held, first, row = np.zeros(0, np.float32), 0, 0
    for block in blocks:
        held = np.concatenate([held, block])
        while row < len(starts) and ends[row] <= first + len(held):
            yield row, held[max(0, starts[row] - first) : ends[row] - first]
            row += 1
        keep = min(starts[row] - first, len(held)) if row < len(starts) else len(held)
        held, first = held[keep:], first + keep
    for late in range(row, len(starts)):
        yield late, held[max(0, starts[late] - first) : max(0, ends[late] - first)]


def analyse_episode(path, model, dimension_model=None, transcript=None, laughter=None, name=None, **settings):
    """Everything about one episode, as an :class:`Episode`; what is missing or odd stands in its ``notes``.

    Parameters
    ----------
    path : str or Path
        The recording.
    model : object
        For :func:`emotions_over_time`, which also takes `settings`.
    dimension_model : object or None
        For :func:`dimensions`; None leaves the sentences without them.
    transcript : str, Path or None
        What :func:`ser_helpers.podcast.transcripts.read` reads; without one there are no sentences.
    laughter : object or None
        ``segments(path)``, such as a ``LaughterDetector``; None looks for no laughter.
    name : str or None
        What to call the episode; its file name without the ending by default.

    Raises
    ------
    AudioError
        If nothing of the recording can be read.
    ModelError
        If a model is none.

    Used in Lesson 11.
    """
    for given, wanted in ((dimension_model, "predict"), (laughter, "segments")):
        if given is not None and not hasattr(given, wanted):
            raise ModelError(f"A {type(given).__name__} has no {wanted}: give a DimensionModel and a LaughterDetector.")
    said, notes = _said(transcript)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = emotions_over_time(path, model, **settings)
        if said is not None and dimension_model is not None:
            said = dimensions(path, said, dimension_model)
        laughs = None if laughter is None else laughter.segments(path)
    notes += [table.attrs["problem"]] if "problem" in table.attrs else []
    notes += [str(warning.message) for warning in caught if warning.category is UserWarning]
    notes += [] if (table["speech"] > 0).any() else [NO_SPEECH]
    notes = list(dict.fromkeys(note.replace(str(path), Path(path).name) for note in notes))
    hearing = [model, dimension_model if said is not None else None, laughter]
    heard_by = [_called(one) for one in hearing if one is not None]
    return Episode(name or _stem(path), table.attrs["seconds"], table, said, laughs, notes, heard_by)


def _called(model):
    """What a model is called in a report; the course's own say what they were trained on."""
    label = getattr(model, "label", type(model).__name__)
    if not isinstance(model, WindowClassifier) or model.classifier is not None:  # only a ready one has none to train
        return f"{label}, {SYNTHETIC}" if label.endswith("(stand-in)") else label
    if isinstance(model.front, str | functools.partial):
        return f"window model linear, {SYNTHETIC}"
    if inspect.isfunction(model.front):
        return f"window model cnn, {SYNTHETIC}"
    return f"window model encoder ({getattr(model.front, 'label', 'exported')}), {SYNTHETIC}"


def _said(transcript):
    """The sentences of a transcript or None, and notes on why there are none."""
    if transcript is None:
        return None, [NO_TRANSCRIPT]
    try:
        return transcripts.sentences(transcripts.read(transcript)), []
    except TranscriptError as error:
        reason = str(error).replace(str(transcript), Path(transcript).name)
        return None, [f"Sentences were not rated. {reason}"]


def _stem(path):
    return str(path).replace("\\", "/").rpartition("/")[2].rpartition(".")[0] or str(path)
