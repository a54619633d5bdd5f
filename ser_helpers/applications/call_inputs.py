"""What a call is heard from and with: recordings, parties and rules, or one sentence about what is wrong with them."""

import numpy as np
import soundfile

from ser_helpers import audio
from ser_helpers.errors import AudioError, StreamError
from ser_helpers.streaming.intake import check_rate


def read(recording, sr):
    """A file, or an array at `sr` Hz, as samples (n, channels) and their rate; AudioError if they are none. Lesson 13.

    >>> read(np.zeros(8000), 8000)[0].shape
    (8000, 1)
    """
    if isinstance(recording, np.ndarray | list):
        name, y = "this recording", samples(recording, AudioError)
        y = y[:, None] if y.ndim == 1 else y
    else:
        audio.duration(name := recording)  # says what is wrong with the file
        y, sr = soundfile.read(recording, dtype="float32", always_2d=True)
    if sr is None:
        raise AudioError("Samples need their rate: give sr in Hz.")
    if y.ndim != 2:
        raise AudioError(f"A call is samples (n,) or (n, channels), not an array of shape {y.shape}.")
    sr = check_rate(sr)
    return np.stack([audio.check(channel, sr, name) for channel in y.T], axis=1), sr


def samples(chunk, error=StreamError):
    """`chunk` as an array; an `error` if its rows are of unequal lengths. Lesson 13.

    >>> samples([0, 1]).shape
    (2,)
    """
    try:
        return np.asarray(chunk)
    except ValueError:
        raise error("Samples are an array (n,) or (n, channels), not a list of unequal rows.") from None


def named(parties):
    """The names of parties as a tuple; one name may come alone. StreamError if they are no names. Lesson 13.

    >>> named("customer"), named(["agent", "customer"])
    (('customer',), ('agent', 'customer'))
    """
    try:
        names = (parties,) if isinstance(parties, str) else tuple(parties)
    except TypeError:
        names = (parties,)
    if not all(isinstance(name, str) for name in names):
        raise StreamError(f"Parties are a list of names such as 'customer', not {parties!r}.")
    return names


def checked_rule(rule):
    """`rule`, if it is one; StreamError otherwise. Lesson 13."""
    if not hasattr(rule, "watch"):
        raise StreamError(f"rule is an AlertRule, or None for the default, not {rule!r}.")
    return rule
