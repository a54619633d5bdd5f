"""One episode of a podcast: emotions over time, valence, arousal and dominance of each sentence, laughter.

The recording is decoded block by block, and every block is fed to all streams of the analysis. Where the words must be
recognised it is decoded twice, because a stream that rates sentences must know them before it begins.
"""

import warnings
from pathlib import Path

import numpy as np

from ser_helpers import audio
from ser_helpers.audio.signal import FRAME
from ser_helpers.corpora.schema import DIMENSIONS
from ser_helpers.errors import AudioError, ModelError, TranscriptError
from ser_helpers.podcast import transcripts
from ser_helpers.podcast.episode import NO_SPEECH, NO_TRANSCRIPT, RECOGNISED, Episode
from ser_helpers.streaming import Detector
from ser_helpers.streaming.predictions import as_window_model
from ser_helpers.streaming.timeline import to_timeline

WINDOW = 3.0
RATE = 16000
LONGEST = 30.0  # seconds; a longer sentence is rated by its beginning
SYNTHETIC = "trained on synthetic speech"


def emotions_over_time(path, model, **settings):
    """The emotions of an episode in consecutive windows of 3 s, without the samples in memory. Lesson 11.

    A model that measures voices against themselves measures each window against the whole recording.

    Parameters
    ----------
    path : str or Path
        A recording of any length, in any format that :func:`ser_helpers.audio.blocks` reads; AudioError if nothing of
        it can be read.
    model : object
        A window model, such as ``models.window_model()``.
    **settings
        More for :class:`ser_helpers.streaming.Detector`: ``vad``, ``min_speech``, ``dimensions``, ``voice``, ``weight``
        and ``margin``. The last two are 0.8 and 0.05 by default: less smoothing than live, because these windows do not
        overlap.

    Returns
    -------
    DataFrame
        A row per window: ``start`` and ``end`` (s), ``speech`` (share), a column per emotion (probability, NaN without
        speech), ``emotion`` (after smoothing and hysteresis, None without speech) and ``gap``; with a model of
        `dimensions`, ``valence``, ``arousal`` and so on from 1 to 5, as sentences are rated. The last window is
        predicted from the last 3 s, and its times are those of what is left. ``attrs["seconds"]`` is how long the
        recording lasts; where its end is damaged, ``attrs["problem"]`` says so.

    Examples
    --------
    >>> from ser_helpers import corpora, models
    >>> path = corpora.load("synthetic-small").path.iloc[0]
    >>> emotions_over_time(path, models.window_model()).columns.tolist()
    ['start', 'end', 'speech', 'angry', 'happy', 'neutral', 'sad', 'emotion', 'gap']
    """
    stream = _EmotionStream(model, **settings)
    problem = _feed(path, stream)
    table = stream.finish()
    table.attrs |= problem
    return table


def dimensions(path, sentences, model):
    """Valence, arousal and dominance of each sentence, from its voice and its words. Lesson 11.

    Parameters
    ----------
    path : str or Path
        The episode; AudioError as in `emotions_over_time`.
    sentences : DataFrame
        ``start``, ``end`` (s), ``speaker`` and ``text``, in the order of time, such as from
        :func:`ser_helpers.podcast.transcripts.sentences`; TranscriptError if not. Of a sentence over 30 s only the
        beginning is used.
    model : object
        ``predict(voices, texts)`` for lists of 16 kHz samples and strings, giving (n, 3), such as
        :func:`ser_helpers.podcast.dimension_model`; ModelError without one.

    Returns
    -------
    DataFrame
        The sentences with ``valence``, ``arousal`` and ``dominance`` on the model's scale; NaN where a sentence lies
        outside the recording, or lasts less than one frame (25 ms). ``attrs["problem"]`` as for `emotions_over_time`.

    Examples
    --------
    >>> import pandas as pd
    >>> from ser_helpers import corpora, podcast
    >>> table = corpora.load("synthetic-small")[:1]
    >>> sentences = pd.DataFrame({"start": [0.0], "end": [1.0], "speaker": [None], "text": ["Kids are talking."]})
    >>> rated = dimensions(table.path.iloc[0], sentences, podcast.dimension_model())
    >>> bool(rated["arousal"].between(1, 5).all())
    True
    """
    stream = _DimensionStream(sentences, model)
    problem = _feed(path, stream)
    table = stream.finish()
    table.attrs = problem
    return table


def analyse_episode(
    path,
    model,
    dimension_model=None,
    transcript=None,
    laughter=None,
    name=None,
    recogniser=None,
    decode=audio.blocks,
    **settings,
):
    """The whole analysis of one episode, as an :class:`Episode`; what is missing or damaged is in its ``notes``.

    `path`, `model` and `settings` are those of :func:`emotions_over_time`, which also says what is raised, and
    `dimension_model` is that of :func:`dimensions`; None leaves the sentences without them. `transcript` is the path of
    what :func:`ser_helpers.podcast.transcripts.read` reads; without one, `recogniser` recognises the words, such as
    ``pretrained.Recogniser()``, and without either there are no sentences. `laughter` is a LaughterDetector, or has its
    ``stream()`` and ``segments(probabilities)``; None looks for no laughter. `name` is by default the file name without
    its ending. `decode` reads the recording: ``audio.guarded_blocks`` suits those of strangers. Used in Lesson 11.
    """
    model = as_window_model(model, classifier=True)
    recognise = recogniser and not transcript
    sentences, notes = _recognised(path, recogniser, decode) if recognise else _sentences(transcript)
    rated = None if dimension_model is None or sentences is None else _DimensionStream(sentences, dimension_model)
    if laughter is not None and not hasattr(laughter, "stream"):
        raise ModelError(f"A {type(laughter).__name__} detects no laughter: give a LaughterDetector.")
    laughs = None if laughter is None else laughter.stream()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        emotions = _EmotionStream(model, **settings)
        problem = _feed(path, *filter(None, (emotions, rated, laughs)), decode=decode)
        table = emotions.finish()
        sentences = rated.finish() if rated else sentences
        laughs = laughter.segments(laughs.finish()) if laughs else None
    if not problem:  # which would explain why sentences come later
        sentences, late = _within(sentences, table.attrs["seconds"])
        notes += late
    notes += problem.values()
    notes += [str(warning.message) for warning in caught if warning.category is UserWarning]
    notes += [] if (table["speech"] > 0).any() else [NO_SPEECH]
    notes = list(dict.fromkeys(note.replace(str(path), Path(path).name) for note in notes))
    words = None if transcript else recogniser
    rating = dimension_model if sentences is not None else None
    used = [model, settings.get("dimensions"), rating, words, laughter]
    labels = [_label(one) for one in used if one is not None]
    card = getattr(model, "card", None)
    about = {"notes": notes, "models": labels, "card": card and card.to_dict()}
    return Episode(name or Path(path).stem, table.attrs["seconds"], table, sentences, laughs, **about)


class _EmotionStream:
    """The windows of a recording that arrives in blocks."""

    sr = RATE

    def __init__(self, model, weight=0.8, margin=0.05, voice=None, **settings):
        model = as_window_model(model)
        if voice is None and getattr(model, "normaliser_", None) is not None:
            voice = model.normaliser_.voice(keep=True)
        settings |= {"weight": weight, "margin": margin, "voice": voice}
        self._detector = Detector(model, window=WINDOW, hop=WINDOW, **settings)
        self._predictions = []

    def feed(self, y):
        self._predictions += self._detector.feed(y)

    def finish(self):
        self._predictions += self._detector.finish()
        names = list(self._detector.dimensions_)
        table = to_timeline(self._detector.revise(self._predictions), self._detector.classes_, names)
        table[names] = 3 + 2 * table[names]  # from -1 ... 1 to 1 ... 5
        table["start"] = np.maximum(table["start"], table["end"].shift(fill_value=0.0))  # the last window overlaps
        table.attrs = {"seconds": self._detector.health["seconds"]}
        return table


class _DimensionStream:
    """Rates each sentence once its end has arrived; at most a block and the longest sentence are in memory."""

    sr = RATE

    def __init__(self, sentences, model):
        transcripts.check(sentences)
        if not sentences["start"].is_monotonic_increasing:
            raise TranscriptError("The sentences are not in the order of time: sort them by start.")
        if not hasattr(model, "predict"):
            raise ModelError(f"A {type(model).__name__} rates no sentences: give a DimensionModel.")
        self._sentences, self._model = sentences, model
        self._starts = np.round(sentences["start"].to_numpy() * RATE).astype(int)
        ends = np.minimum(sentences["end"], sentences["start"] + LONGEST)
        self._ends = np.round(ends.to_numpy() * RATE).astype(int)
        self._values = np.full((len(sentences), len(DIMENSIONS)), np.nan)
        self._row = 0  # the next sentence
        self._buffer, self._first = np.zeros(0, np.float32), 0  # samples, and the number of the first one

    def feed(self, y):
        self._buffer = np.concatenate([self._buffer, y])
        while self._row < len(self._starts) and self._ends[self._row] <= self._first + len(self._buffer):
            self._rate()
        done = len(self._buffer)
        if self._row < len(self._starts):
            done = min(self._starts[self._row] - self._first, done)
        self._buffer, self._first = self._buffer[done:], self._first + done

    def finish(self):
        while self._row < len(self._starts):  # they end after the recording does
            self._rate()
        return self._sentences.assign(**dict(zip(DIMENSIONS, self._values.T, strict=True)))

    def _rate(self):
        start, end = (max(0, times[self._row] - self._first) for times in (self._starts, self._ends))
        if len(voice := self._buffer[start:end]) >= FRAME * RATE:
            self._values[self._row] = self._model.predict([voice], [self._sentences["text"].iloc[self._row]])[0]
        self._row += 1


def _feed(path, *streams, decode=audio.blocks):
    """Decode a recording once and feed it to all streams; {"problem": why} where its end is damaged, else {}."""
    audio.check_file(path, header=decode is audio.blocks)  # other decoders check it themselves
    problem, rates = {}, tuple({stream.sr for stream in streams})
    for parts in _readable(decode(path, rates), problem):
        block = dict(zip(rates, parts, strict=True))
        for stream in streams:
            stream.feed(block[stream.sr])
    return problem


def _readable(blocks, problem):
    """The blocks of a recording; `problem` receives why they end early."""
    started = False
    try:
        for parts in blocks:
            started = True
            yield parts
    except AudioError as error:
        if not started:
            raise
        problem["problem"] = str(error)


def _label(model):
    """What a model is called in a report, with what it was trained on and, where that is known, how well it does."""
    label = str(getattr(model, "card", None) or getattr(model, "label", type(model).__name__))
    return f"{label}, {SYNTHETIC}" if label.endswith("(stand-in)") else label


def _sentences(transcript):
    """The sentences of a transcript or None, and notes on why there are none."""
    if transcript is None:
        return None, [NO_TRANSCRIPT]
    try:
        return transcripts.sentences(transcripts.read(transcript)), []
    except TranscriptError as error:
        reason = str(error).replace(str(transcript), Path(transcript).name)
        return None, [f"Sentences were not rated. {reason}"]


def _within(sentences, seconds):
    """The sentences, or None if all of them begin after the recording has ended; and a note if some do."""
    if sentences is None or not len(late := sentences[sentences["start"] >= seconds]):
        return sentences, []
    start, check = late["start"].iloc[0], "check that it is of this recording"
    if len(late) == len(sentences):
        problem = f"The transcript begins at {start:.1f} s, and the recording ends at {seconds:.1f} s: {check}."
        return None, [f"Sentences were not rated. {problem}"]
    count = f"{len(late)} of {len(sentences)} sentences"
    return sentences, [f"{count} of the transcript begin after the end of the recording at {seconds:.1f} s: {check}."]


def _recognised(path, recogniser, decode):
    """The sentences of the words that were recognised, and a note on who recognised them.

    What cannot be read of the recording is reported when it is decoded for the other streams.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stream = recogniser.stream()
        _feed(path, stream, decode=decode)
    return transcripts.sentences(stream.finish()), [f"{RECOGNISED}{recogniser.label}."]
