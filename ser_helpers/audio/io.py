"""Read recordings: any format libsndfile knows (wav, flac, ogg, mp3, ...) becomes mono float32.

Read recordings of any length block by block: an hour takes no more memory than a minute.
"""

import dataclasses
import warnings
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ser_helpers.audio.signal import FRAME, check, pad, resample
from ser_helpers.errors import AudioError


def load(path, sr=16000, start=None, end=None):
    """Read a recording, or a part of one, as mono samples at the sample rate wanted.

    Channels are averaged. Digital silence is allowed.

    Parameters
    ----------
    path : str or Path
        The file.
    sr : int or None
        Sample rate in Hz to resample to; None keeps the file's own.
    start, end : float or None
        Part to read, in seconds; None or NaN means from the beginning, to the end. `end` may overshoot the file by
        less than a frame (25 ms), as rounded annotations do.

    Returns
    -------
    array (n,), float32

    Raises
    ------
    AudioError
        If the file is missing, a folder, empty, not audio, shorter than one frame (25 ms) or holds NaN, or if `start`
        and `end` are not inside it. The message names the file.

    Examples
    --------
    Lesson 01.

    >>> load("recording.wav")
    Traceback (most recent call last):
    ser_helpers.errors.AudioError: Cannot use recording.wav: there is no such file; check the path.
    """
    with _open(path) as file:
        first, last = _part(file, path, start, end)
        try:
            file.seek(first)
            samples = file.read(last - first, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise _damaged(path, error) from error
        file_sr = file.samplerate
    y = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    y = check(y, file_sr, path)
    return y if sr is None else resample(y, file_sr, sr)


def duration(path):
    """Length of a recording in seconds, read from its header.

    Raises
    ------
    AudioError
        If the file is missing, a folder, empty or not audio.

    Examples
    --------
    Lesson 03.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/half.wav", np.zeros(8000), 16000)
    ...     duration(f"{folder}/half.wav")
    0.5
    """
    with _open(path) as file:
        return file.frames / file.samplerate


def _open(path):
    path = Path(path)
    if path.is_dir():
        raise AudioError(f"Cannot use {path}: it is a folder; give the path of a recording in it.")
    if not path.exists():
        raise AudioError(f"Cannot use {path}: there is no such file; check the path.")
    if path.stat().st_size == 0:
        raise AudioError(f"Cannot use {path}: the file is empty; copy or download it again.")
    try:
        return soundfile.SoundFile(path)
    except soundfile.LibsndfileError as error:
        raise _damaged(path, error) from error
    except TypeError as error:  # soundfile's answer to headerless .raw files
        raise _damaged(path, "it has no header") from error


def _damaged(path, error):
    reason = str(getattr(error, "error_string", error)).rstrip(".")
    if "does not exist" in reason:  # what libsndfile says of an mp3 without a single frame: `_open` has seen the file
        reason = "it holds no sound"
    return AudioError(f"Cannot use {path}: libsndfile cannot read it as audio ({reason}); convert it or get it again.")


def _part(file, path, start, end):
    """First and last sample of the part of an open file between `start` and `end` seconds."""
    seconds = file.frames / file.samplerate
    start = 0.0 if start is None or np.isnan(start) else start
    end = seconds if end is None or np.isnan(end) else end
    if not 0 <= start <= end < seconds + FRAME:
        raise AudioError(
            f"Cannot use {path} from {start:g} s to {end:g} s: it lasts {seconds:.3f} s; correct start and end."
        )
    return min(round(start * file.samplerate), file.frames), min(round(end * file.samplerate), file.frames)


def blocks(path, sr=16000, seconds=30.0):
    """Yield a recording as mono blocks of equal length, at the sample rate wanted, never holding more than one.

    Put together they are, bit for bit, what ``load`` returns (mp3: but for rounding), whatever `seconds` is. Formats
    that libsndfile does not know (m4a, webm, the sound of a video) are read with PyAV where that is installed. Samples
    that are NaN or infinite become silence, with one warning.

    Parameters
    ----------
    path : str or Path
        The file.
    sr : int or None
        Sample rate in Hz to resample to; None keeps the file's own.
    seconds : float
        Length of a block; the last one is as long as what is left.

    Yields
    ------
    array (sr * seconds,), float32

    Raises
    ------
    AudioError
        If the file is missing, a folder, empty, not audio or shorter than one frame (25 ms); raised before anything is
        yielded. A recording with a damaged end yields all that can be read before it, then raises.

    Examples
    --------
    Lesson 11.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/long.wav", np.zeros(8000 * 70), 8000)
    ...     [len(block) / 16000 for block in blocks(f"{folder}/long.wav")]
    [30.0, 30.0, 10.0]
    """
    if not seconds >= FRAME:
        raise ValueError(f"A block of {seconds!r} seconds is shorter than one frame (25 ms): make it longer.")
    file_sr, chunks = _decoder(path)
    sr, heard = sr or file_sr, _Heard()
    return _blocks(
        path, _resampled(path, _finite(chunks, heard), file_sr, sr, heard), file_sr, int(seconds * sr), heard
    )


@dataclasses.dataclass
class _Heard:
    """What is known at the end: samples read, how many of them were no numbers, and the error that ended it."""

    read: int = 0
    broken: int = 0
    problem: AudioError | None = None


def _blocks(path, chunks, file_sr, size, heard):
    """Chunks of any length as blocks of `size` samples, then what there is to say about the recording."""
    held = np.zeros(0, np.float32)
    for chunk in chunks:
        held = np.concatenate([held, chunk])
        whole = len(held) - len(held) % size
        yield from np.split(held[:whole], range(size, whole, size)) if whole else ()
        held = held[whole:]
    if len(held):
        yield held
    if heard.broken:
        warnings.warn(f"{path}: NaN or infinite samples were taken as silence: {heard.broken}.", stacklevel=2)
    if heard.problem:
        raise AudioError(
            f"{path} is damaged after {heard.read / file_sr:.1f} s ({heard.problem}): what comes before was read;"
            " get the file again."
        )


def _resampled(path, chunks, file_sr, sr, heard):
    """Chunks at the rate `sr`: all together as many samples as ``resample`` gives."""
    stream = soxr.ResampleStream(file_sr, sr, 1, dtype="float32", quality="HQ") if sr != file_sr else None
    given = 0
    for chunk in chunks:
        part = stream.resample_chunk(chunk) if stream else chunk
        given += len(part)
        yield part
    if heard.read < int(FRAME * file_sr):
        reason = f"it lasts {1000 * heard.read / file_sr:.3g} ms, less than one frame of 25 ms; leave it out"
        raise AudioError(f"Cannot use {path}: {heard.problem or reason}.")
    if stream:
        rest = int(np.ceil(heard.read * (sr / file_sr))) - given
        yield pad(stream.resample_chunk(np.zeros(0, np.float32), last=True), rest)[:rest]


def _finite(chunks, heard):
    """The chunks with silence for what is no number; an error ends them as the file's end would."""
    try:
        for chunk in chunks:
            heard.read += len(chunk)
            numbers = np.isfinite(chunk)
            heard.broken += np.count_nonzero(~numbers)
            yield np.where(numbers, chunk, np.float32(0))
    except AudioError as error:
        heard.problem = error


def _decoder(path):
    """Sample rate in Hz, and an iterator over mono float32 chunks of about one second."""
    try:
        file = _open(path)
    except AudioError as error:
        if not isinstance(error.__cause__, soundfile.LibsndfileError | TypeError):
            raise
        return _with_av(path, error)
    return file.samplerate, _with_soundfile(file)


def _with_soundfile(file):
    """Chunks by libsndfile; the damaged end of a compressed file shows in an error, or in fewer samples than told."""
    with file:
        read = 0
        while True:
            try:
                samples = file.read(file.samplerate, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError as error:
                raise AudioError(error.error_string.rstrip(".")) from error
            if len(samples) == 0:
                break
            read += len(samples)
            yield samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
        if file.frames - read > file.samplerate / 2:
            raise AudioError(f"it should last {file.frames / file.samplerate:.1f} s")


def _with_av(path, error):
    """The same by PyAV, or the AudioError of libsndfile if PyAV is not there or knows no better."""
    try:
        import av
    except ImportError:
        raise AudioError(f"{error} To read m4a, webm and video: pip install av.") from error
    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError):
        raise error from None
    if not container.streams.audio:
        container.close()
        raise AudioError(f"Cannot use {path}: there is no sound in it; give a recording.") from error
    stream = container.streams.audio[0]
    return stream.rate, _frames(av, container, stream)


def _frames(av, container, stream):
    with container:
        planar = av.AudioResampler(format="fltp", rate=stream.rate)
        try:
            for frame in container.decode(stream):
                for part in planar.resample(frame):
                    yield part.to_ndarray().mean(axis=0, dtype=np.float32)
        except av.FFmpegError as error:
            raise AudioError(error.strerror or type(error).__name__) from error
