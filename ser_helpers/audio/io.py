"""Read recordings: any format libsndfile knows (wav, flac, ogg, mp3, ...) becomes mono float32."""

from pathlib import Path

import numpy as np
import soundfile

from ser_helpers.audio.signal import FRAME, check, resample
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
