"""Read recordings as mono float32: any format that libsndfile knows, whole or in blocks.

`blocks` reads a recording of any length in constant memory, and the formats that PyAV knows, too.
"""

import io
import warnings
from pathlib import Path

import numpy as np
import soundfile

from ser_helpers.audio.signal import FRAME, StreamResampler, check, resample
from ser_helpers.errors import AudioError


def load(path, sr=16000, start=None, end=None):
    """Read a recording, or a part of one, as mono samples at the sample rate wanted. Lesson 01.

    Channels are averaged. Digital silence is allowed. The sound of a video is read with PyAV. Raises AudioError, which
    names the file, if it is missing, a folder, empty, not audio, shorter than one frame (25 ms) or contains NaN, or if
    `start` and `end` are not inside it.

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

    Examples
    --------
    >>> load("recording.wav")
    Traceback (most recent call last):
    ser_helpers.errors.AudioError: Cannot use recording.wav: there is no such file; check the path.
    """
    with _open_any(path) as file:
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
    """Length of a recording in seconds; AudioError if it is missing or not audio. Lesson 03.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/half.wav", np.zeros(8000), 16000)
    ...     duration(f"{folder}/half.wav")
    0.5
    """
    with _open_any(path) as file:
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


def _open_any(path):
    """As `_open`, but what only PyAV can read is decoded to a file in memory."""
    try:
        return _open(path)
    except AudioError as error:
        if not isinstance(error.__cause__, soundfile.LibsndfileError):
            raise
        sr, chunks = _with_av(path, error)
        memory = io.BytesIO()
        soundfile.write(memory, np.concatenate([np.zeros(0, np.float32), *chunks]), sr, "FLOAT", format="WAV")
        memory.seek(0)
        return soundfile.SoundFile(memory)


def _damaged(path, error):
    reason = str(getattr(error, "error_string", error)).rstrip(".")
    if "does not exist" in reason:  # libsndfile's message for an mp3 without a single frame; `_open` saw the file
        reason = "it contains no sound"
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
    """Yield a recording as mono blocks of equal length, at the sample rate wanted, one in memory at a time.

    Concatenated they are, bit for bit, what ``load`` returns (mp3: up to rounding), whatever `seconds` is. Formats
    that libsndfile does not know (m4a, webm, the sound of a video) are read with PyAV where that is installed. NaN and
    infinite samples become silence, with one warning. Lesson 11.

    Raises AudioError, before anything is yielded, if the file is missing, a folder, empty, not audio or shorter than
    one frame (25 ms). A recording with a damaged end yields all that can be read before it, then raises.

    Parameters
    ----------
    path : str or Path
        The file.
    sr : int, None or tuple of int
        Sample rate in Hz to resample to; None keeps the file's own. With several rates the file is decoded once, and
        each item is a tuple with the same block at every rate.
    seconds : float
        Length of a block; the last one is shorter.

    Yields
    ------
    array (sr * seconds,), float32

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/long.wav", np.zeros(8000 * 70), 8000)
    ...     [len(block) / 16000 for block in blocks(f"{folder}/long.wav")]
    [30.0, 30.0, 10.0]
    """
    if not seconds >= FRAME:
        raise ValueError(f"A block of {seconds!r} seconds is shorter than one frame (25 ms): make it longer.")
    file_sr, chunks = _decoder(path)
    rates = sr if isinstance(sr, tuple) else (sr or file_sr,)
    found = _blocks(path, file_sr, chunks, rates, seconds)
    return found if isinstance(sr, tuple) else (block for (block,) in found)


def _blocks(path, file_sr, chunks, rates, seconds):
    """Tuples of blocks, one at each rate; then a warning or an error about what could not be read."""
    streams, sizes = [StreamResampler(file_sr, rate) for rate in rates], [int(seconds * rate) for rate in rates]
    buffers = [np.zeros(0, np.float32)] * len(rates)
    samples, broken, problem = 0, 0, None
    try:
        for chunk in chunks:
            samples += len(chunk)
            finite = np.isfinite(chunk)
            broken += np.count_nonzero(~finite)
            chunk = np.where(finite, chunk, np.float32(0))
            parts = [stream.feed(chunk) for stream in streams]
            buffers = [np.concatenate(pair) for pair in zip(buffers, parts, strict=True)]
            # The filters of two rates are late by different times: a block is ready when all of them have it.
            while all(len(y) >= size for y, size in zip(buffers, sizes, strict=True)):
                yield tuple(y[:size] for y, size in zip(buffers, sizes, strict=True))
                buffers = [y[size:] for y, size in zip(buffers, sizes, strict=True)]
    except AudioError as error:  # a damaged end: what comes before is used
        problem = error
    if samples < int(FRAME * file_sr):
        reason = f"it lasts {1000 * samples / file_sr:.3g} ms, less than one frame of 25 ms; leave it out"
        raise AudioError(f"Cannot use {path}: {problem or reason}.")
    buffers = [np.concatenate([y, stream.finish()]) for y, stream in zip(buffers, streams, strict=True)]
    while any(map(len, buffers)):
        yield tuple(y[:size] for y, size in zip(buffers, sizes, strict=True))
        buffers = [y[size:] for y, size in zip(buffers, sizes, strict=True)]
    if broken:
        warnings.warn(f"{path}: NaN or infinite samples were taken as silence: {broken}.", stacklevel=3)
    if problem:
        raise AudioError(
            f"{path} is damaged after {samples / file_sr:.1f} s ({problem}): what comes before was read;"
            " get the file again."
        )


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
    """Chunks by libsndfile; a damaged end shows as an error, or as fewer samples than the header announces."""
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
    """The same by PyAV, or libsndfile's AudioError if PyAV is missing or cannot read the file either."""
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
        raise AudioError(f"Cannot use {path}: it contains no sound; give a recording.") from error
    stream = container.streams.audio[0]
    return stream.rate, _frames(av, container, stream)


def _frames(av, container, stream):
    with container:
        planar = av.AudioResampler(format="fltp", rate=stream.rate)  # any sample format to (channels, n) floats
        try:
            for frame in container.decode(stream):
                for part in planar.resample(frame):
                    yield part.to_ndarray().mean(axis=0, dtype=np.float32)
        except av.FFmpegError as error:
            raise AudioError(error.strerror or type(error).__name__) from error
