"""What can be said of a recording before its samples are read: that it is a file, of a possible sample rate.

These checks stand apart from `io` so that features cached before stay valid.
"""

import contextlib
import numbers
from pathlib import Path

import soundfile

from ser_helpers.errors import AudioError

RATES = (4000, 384_000)
"""Lowest and highest sample rate, in Hz."""


def check_file(path, header=True):
    """Raise AudioError if `path` is a pipe or device, or the header of the recording has an impossible sample rate.

    To open a pipe may take for ever. Anything else that is wrong with a recording is told when it is read. With
    `header` False only the kind of file is checked.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/slow.wav", [0.0], 1)
    ...     check_file(f"{folder}/slow.wav")
    Traceback (most recent call last):
    ser_helpers.errors.AudioError: Cannot use ...slow.wav: its rate is 1 instead of 4000 to 384000 Hz; correct it.
    """
    path = Path(path)
    if path.exists() and not path.is_file() and not path.is_dir():
        raise AudioError(f"Cannot use {path}: it is a pipe or device; give the path of a file.")
    if header:
        with contextlib.suppress(soundfile.LibsndfileError, TypeError):  # told when it is read
            check_rate(soundfile.info(path).samplerate, path)


def check_rate(sr, name="this recording"):
    """Raise AudioError unless `sr` is a sample rate in Hz that a recording can have.

    >>> check_rate(0)
    Traceback (most recent call last):
    ser_helpers.errors.AudioError: Cannot use this recording: its rate is 0 instead of 4000 to 384000 Hz; correct it.
    """
    if not (isinstance(sr, numbers.Real) and RATES[0] <= sr <= RATES[1]):
        problem = f"its rate is {sr!r} instead of {RATES[0]} to {RATES[1]} Hz; correct it"
        raise AudioError(f"Cannot use {name}: {problem}.")
