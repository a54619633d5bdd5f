"""Where a corpus is on this machine."""

import os
from pathlib import Path

from ser_helpers import home
from ser_helpers.corpora.registry import card, key
from ser_helpers.errors import CorpusMissing


def find(name, root=None):
    """The folder of a corpus on this machine.

    Parameters
    ----------
    name : str
        The corpus, such as ``"crema-d"``.
    root : path, optional
        Its folder, or the folder that holds it; by default the folder of all corpora (``SER_DATA_HOME``). A folder
        called ``CREMA-D``, ``crema_d`` or as the publisher's archive names it (``AudioWAV``) is found too.

    Returns
    -------
    Path
        An absolute path.

    Raises
    ------
    CorpusMissing
        There is no such folder; the message says how to get the corpus.

    Used in Lesson 03.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (Path(folder) / "CREMA_D").mkdir()
    ...     find("crema-d", folder).name
    'CREMA_D'
    """
    known = card(name)
    top = Path(os.path.abspath(Path(root or home.data_home()).expanduser()))
    inside = _named(top, [known.name, *known.folders])
    if inside or (root and _holds_something(top)):
        return inside or top
    raise CorpusMissing(f"There is no {known.title} in {top}: {how_to_get(known)}")


def how_to_get(known):
    """One sentence: the command that fetches a corpus, or whom to ask for it."""
    return f"get it with `ser download {known.name}`." if known.files else known.how


def _named(top, names):
    """The sub-folder of `top` with the first of `names` that one has, or None."""
    if not top.is_dir():
        return None
    folders = {key(path.name): path for path in sorted(top.iterdir(), reverse=True) if path.is_dir()}
    return next((folders[key(name)] for name in names if key(name) in folders), None)


def _holds_something(top):
    return top.is_dir() and any(top.iterdir())
