"""Quick mode (``SER_QUICK=1``): lessons run to their end with as little training as possible, as in ``make test``.

Every cap stands here; that of speakers is for the embedded corpora of lessons that train. What is trained under them
says nothing: it is refused by the leaderboard and by ``ser notebooks``, and what the package keeps once per machine is
still made in full.
"""

import contextlib
import os

LIMITS = {"epochs": 2, "folds": 2, "seeds": 2, "speakers": 8, "transcribed utterances": 6}


def is_on():
    """Whether ``SER_QUICK`` is set, to anything but 0."""
    return os.environ.get("SER_QUICK", "0") not in ("", "0")


def limited(what, number):
    """`number`, or the limit for `what` (a key of ``LIMITS``) where quick mode is on and the limit is lower.

    >>> with off():
    ...     limited("epochs", 100)
    100
    """
    return min(number, LIMITS[what]) if is_on() else number


def variant(name):
    """The variant of an embedded corpus to compute on: ``"small"`` in quick mode.

    >>> with off():
    ...     variant("full")
    'full'
    """
    return "small" if is_on() else name


@contextlib.contextmanager
def off():
    """Compute in full until the end of the ``with`` block, for what outlives this run."""
    before = os.environ.pop("SER_QUICK", None)
    try:
        yield
    finally:
        if before is not None:
            os.environ["SER_QUICK"] = before
