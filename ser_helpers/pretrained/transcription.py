"""Speech to words: by Whisper where it is on this machine, else by PocketSphinx, whose package contains its model.

A recording of any length is cut at its pauses, and each piece is recognised on its own, so memory stays constant.
"""

import functools
import importlib.metadata
import importlib.util
import math
import shutil
from pathlib import Path

import joblib
import numpy as np
import pandas as pd

from ser_helpers import audio, features, paths, quick_mode
from ser_helpers.audio.vad import FRAME, RATE
from ser_helpers.cache import version
from ser_helpers.errors import ModelError, WeightsMissing
from ser_helpers.pretrained import hub
from ser_helpers.pretrained.imports import ensure_torchaudio, quiet_libraries

POCKETSPHINX = "pocketsphinx"
WHISPER = tuple(f"openai/whisper-{size}" for size in ("large-v3", "medium", "small", "base", "tiny"))
"""Names on the Hugging Face hub, the best first."""

COLUMNS = ["start", "end", "speaker", "text"]  # as podcast.transcripts
LONGEST = 28.0  # seconds of a piece; Whisper takes 30
SHORTEST = 0.25  # seconds with speech
THRESHOLD = 0.5  # probability from which a frame is speech


class Recogniser:
    """Recognises the words of English speech, and when each is spoken.

    Whisper writes capitals and punctuation. PocketSphinx writes neither; a full stop is added where a piece ends, at a
    pause of 0.3 s. Nothing is downloaded.

    Word error rates on 96 utterances of RAVDESS, four an actor: 0.01 by Whisper base (95 % interval over actors 0.00 to
    0.02), and 0.44 (0.34 to 0.55) by PocketSphinx 5.1.1: 0.28 for men and 0.60 for women, 0.50 for anger and 0.25 for
    sadness. On the embedded podcast, with laughter and jingles between the words: 0.04 by Whisper base (two episodes,
    964 words) and 0.26 by PocketSphinx (six, 2,852 words). On the embedded conversations, cut into utterances: 0.13 by
    PocketSphinx. An hour of the podcast takes about 16 minutes of a core with Whisper base and 13 with PocketSphinx; a
    short utterance alone takes Whisper 1.7 s, since it always computes 30 s.

    PocketSphinx: Huggins-Daines et al., ICASSP 2006, doi:10.1109/ICASSP.2006.1659988. Whisper: arXiv:2212.04356.
    Lessons 10 and 11.

    ``features.extract(table, Recogniser())`` gives the words of each utterance, cached, as a Series of str; see also
    `transcribe` and `transcribe_utterances`.

    Parameters
    ----------
    name : str, Path or None
        "pocketsphinx"; a Whisper model, as a name on the Hugging Face hub ("openai/whisper-base") or a folder; None is
        the first of ``WHISPER`` that is on this machine, if faster-whisper is installed to run it, else PocketSphinx.
    device : str
        "cpu", "cuda" or "auto", for Whisper.

    Raises
    ------
    WeightsMissing
        If the weights are not on this machine, or the package that runs them is not installed.
    ModelError
        If `name` is a folder without a model, or its files cannot be read.

    Examples
    --------
    >>> Recogniser("openai/whisper-none")
    Traceback (most recent call last):
    ser_helpers.errors.WeightsMissing: The weights of openai/whisper-none are not on this machine: run ...
    """

    parameters = {}  # noqa: RUF012  from here on as `features.Embedder` has it
    columns = None
    sample_rate = RATE
    batch_seconds = 300.0  # recognised by all processors together

    def __init__(self, name=None, device="auto"):
        if name is None:
            here = filter(find_recogniser, WHISPER if importlib.util.find_spec("faster_whisper") else ())
            name = next(here, POCKETSPHINX)
        folder = None if name == POCKETSPHINX else find_recogniser(name)
        if folder is None and name != POCKETSPHINX:
            raise WeightsMissing(f"The weights of {name} are not on this machine: run `ser download {name}`.")
        package, extra = ("faster_whisper", "whisper") if folder else ("pocketsphinx", "transcription")
        if importlib.util.find_spec(package) is None:
            raise WeightsMissing(f"{package}, which recognises words, is missing: pip install 'ser-helpers[{extra}]'.")
        self.name, self.device = Path(name).name, device
        self.weights = folder and hub.weight_files(folder)[0]  # podcast.process hashes its content

    @property
    def label(self):
        """What reports and tables call it, such as "whisper-base"."""
        return self.name if self.weights else f"PocketSphinx {_installed('pocketsphinx')}"

    @property
    def version(self):
        """Changes with the package that recognises, its weights and this module."""
        weights = hub.content_hash(self.weights.parent) if self.weights else None
        package = "faster-whisper" if self.weights else "pocketsphinx"
        return version(__name__, self.name, weights, libraries=(package,))

    @property
    def pause(self):
        """Seconds without speech that end a piece: Whisper needs context, PocketSphinx an end of each sentence."""
        return 1.0 if self.weights else 0.3

    def words(self, y):
        """The words of a piece of at most 30 s, (n,) at 16 kHz: a list of (start, end, word), in seconds."""
        return _with_whisper(str(self.weights.parent), self.device, y) if self.weights else _with_pocketsphinx(y)

    def _text(self, y):
        """The words of an utterance; one that is not too long is not cut at its pauses."""
        if len(y) > LONGEST * RATE:
            return " ".join(_transcribe([y], self)["text"])
        return " ".join(word for _, _, word in self.words(y))

    def stream(self):
        """Recognises a recording that comes in blocks: ``feed(y)``, then ``finish()``, which returns the words."""
        return _Stream(self)

    def compute(self, waveforms):
        """The words of each recording as UTF-8 bytes, an array that `features.extract` can cache."""
        # Whisper uses several threads itself; for a few utterances processes take longer to start than to listen.
        jobs = 1 if self.weights or len(waveforms) <= 12 else -1
        texts = joblib.Parallel(jobs)(joblib.delayed(self._text)(y) for y in waveforms)
        return [np.frombuffer(text.encode(), np.uint8) for text in texts]

    def select(self, cached):
        """The words as text."""
        return cached.tobytes().decode()


def transcribe(path, recogniser=None):
    """The words of a recording of any length, and when each is spoken. Lesson 11.

    Parameters
    ----------
    path : str or Path
        As for :func:`ser_helpers.audio.blocks`, which also says what is raised.
    recogniser : Recogniser or None
        None is ``Recogniser()``.

    Returns
    -------
    DataFrame
        A row per word: ``start``, ``end`` (s), ``speaker`` (None) and ``text``. :func:`podcast.transcripts.sentences`
        joins them into sentences. ``attrs["recogniser"]`` is the recogniser's label.

    Examples
    --------
    >>> from ser_helpers import corpora
    >>> path = corpora.load("synthetic-small").path.iloc[0]
    >>> transcribe(path, Recogniser("pocketsphinx")).columns.tolist()
    ['start', 'end', 'speaker', 'text']
    """
    return _transcribe(audio.blocks(path, RATE), recogniser or Recogniser())


def transcribe_utterances(table, recogniser=None, progress=True):
    """The recognised words of each utterance, a Series of str on the table's index; cached. Lesson 10.

    A text is empty if no word was recognised. In quick mode only some utterances are recognised; the rest have no text.
    `recogniser` is as for `transcribe`, `table` and the errors as for :func:`features.extract`.

    >>> from ser_helpers import corpora
    >>> type(transcribe_utterances(corpora.load("synthetic-small")[:1], Recogniser("pocketsphinx")).iloc[0])
    <class 'str'>
    """
    every = math.ceil(len(table) / max(quick_mode.limited("transcribed utterances", len(table)), 1))
    texts = features.extract(table[:: max(every, 1)], recogniser or Recogniser(), progress=progress)
    return texts.fillna("").reindex(table.index, fill_value="").rename("text")


def _transcribe(blocks, recogniser):
    stream = recogniser.stream()
    for block in blocks:
        stream.feed(block)
    return stream.finish()


class _Stream:
    """Cuts a recording at its pauses and recognises each piece as soon as its end has come.

    The buffer begins at a frame, and `_speech` has one probability for each of its whole frames. Where it is cut does
    not depend on the blocks in which it came.
    """

    sr = RATE

    def __init__(self, recogniser):
        self._recogniser = recogniser
        self._pause = math.ceil(recogniser.pause * RATE / FRAME)  # frames, as all numbers here
        self._longest = int(LONGEST * RATE / FRAME)
        self._vad = audio.VoiceActivityDetector(THRESHOLD)
        self._buffer, self._speech, self._first = np.zeros(0, np.float32), np.zeros(0, np.float32), 0
        self._rows = []

    def feed(self, y):
        self._buffer = np.concatenate([self._buffer, y])
        self._speech = np.concatenate([self._speech, self._vad.feed(y)])
        while self._cut():
            pass

    def finish(self):
        self.feed(np.zeros((self._pause + 10) * FRAME, np.float32))  # a pause, which ends the last piece
        table = pd.DataFrame(self._rows, columns=COLUMNS).astype({"start": float, "end": float, "speaker": object})
        table.attrs["recogniser"] = self._recogniser.label
        return table

    def _cut(self):
        """Recognise and drop the first piece of the buffer, or its silent beginning; False if there is none yet."""
        margin = self._pause // 2  # half of each pause belongs to the piece before, half to the one after
        frames = np.flatnonzero(self._speech >= THRESHOLD)
        if not len(frames):
            self._drop(len(self._speech) - margin)
            return False
        begin = frames[0]
        gaps = np.flatnonzero(np.diff(frames, append=len(self._speech)) > self._pause)
        end = frames[gaps[0]] + 1 if len(gaps) else None
        if end is not None and end - begin <= self._longest:
            self._recognise(max(begin - margin, 0), end + margin, np.sum(frames < end))
            self._drop(end + margin)
            return True
        if len(self._speech) - begin <= self._longest:
            return False
        half = self._longest // 2  # no pause: cut where speech is least likely
        end = begin + half + np.argmin(self._speech[begin + half : begin + self._longest])
        self._recognise(max(begin - margin, 0), end, np.sum(frames < end))
        self._drop(end)
        return True

    def _recognise(self, begin, end, with_speech):
        if with_speech * FRAME < SHORTEST * RATE:
            return
        y = self._buffer[begin * FRAME : end * FRAME]
        offset, seconds = (self._first + begin) * FRAME / RATE, len(y) / RATE
        words = self._recogniser.words(y)
        self._rows += [(offset + start, offset + min(end, seconds), None, word) for start, end, word in words]

    def _drop(self, frames):
        if frames > 0:
            self._buffer, self._speech = self._buffer[frames * FRAME :], self._speech[frames:]
            self._first += frames


def _with_pocketsphinx(y):
    """Words by PocketSphinx; the last one gets a full stop."""
    decoder = _pocketsphinx()
    decoder.reinit_feat()  # else it subtracts the noise of the pieces before, and the words depend on them
    decoder.start_utt()
    decoder.process_raw((np.clip(y, -1, 1) * 32767).astype(np.int16).tobytes(), no_search=False, full_utt=True)
    decoder.end_utt()
    rate = decoder.config["frate"]
    segments = [(s.start_frame / rate, (s.end_frame + 1) / rate, s.word.partition("(")[0]) for s in decoder.seg() or ()]
    words = [segment for segment in segments if segment[2][:1] not in ("<", "[", "")]  # <sil>, [NOISE]
    return [*words[:-1], (*words[-1][:2], f"{words[-1][2]}.")] if words else []


@functools.cache
def _pocketsphinx():
    import pocketsphinx

    # Fewer hypotheses than by default (30,000 states) take a third less time and cost about one word in a hundred.
    return pocketsphinx.Decoder(samprate=RATE, maxhmmpf=3000, maxwpf=10, loglevel="FATAL")


def _with_whisper(folder, device, y):
    segments, _ = _whisper(folder, device).transcribe(
        y, language="en", word_timestamps=True, condition_on_previous_text=False, vad_filter=False
    )
    return [(word.start, word.end, word.word.strip()) for part in segments for word in part.words if word.word.strip()]


@functools.lru_cache(maxsize=1)
def _whisper(folder, device):
    import faster_whisper

    try:
        return faster_whisper.WhisperModel(str(_converted(Path(folder))), device=device, compute_type="int8")
    except Exception as error:
        raise ModelError(
            f"The Whisper model in {folder} cannot be read ({hub.reason(error)}): delete that folder and get it again."
        ) from error


def _converted(folder):
    """The weights as 8-bit integers in the format of faster-whisper; converted once, into the cache."""
    target = paths.cache_home() / "whisper" / hub.content_hash(folder)
    with paths.lock(target):
        if not target.is_dir():
            ensure_torchaudio()
            from ctranslate2.converters import TransformersConverter

            with paths.atomic_folder(target) as temporary, quiet_libraries():
                converter = TransformersConverter(str(folder))
                converter.convert(temporary, quantization="int8", force=True)
                for name in ("preprocessor_config.json", "tokenizer.json"):
                    shutil.copy(folder / name, temporary)
    return target


def find_recogniser(name):
    """The folder of a whole Whisper model, by its name on the Hugging Face hub, or None; or its path.

    An encoder alone, without the decoder that writes, is not enough. Nothing is downloaded. ModelError if `name` is a
    folder without such a model. Lesson 10.

    >>> find_recogniser("openai/whisper-none") is None
    True
    """
    if Path(name).is_dir():
        if not _is_whisper(Path(name)):
            raise ModelError(f"The folder {name} has no whole Whisper model with its tokenizer.json: give another.")
        return Path(name)
    # Without the Hugging Face library nobody has downloaded weights.
    return hub.locate(name, _is_whisper) if importlib.util.find_spec("huggingface_hub") else None


def _is_whisper(folder):
    return bool(hub.weight_files(folder)) and all((folder / name).is_file() for name in hub.WRITING)


def _installed(package):
    return importlib.metadata.version(package)
