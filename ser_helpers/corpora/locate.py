"""Where a corpus is on this machine."""

import os
from pathlib import Path

from ser_helpers import home
from ser_helpers.corpora.registry import card, key
from ser_helpers.errors import CorpusError, CorpusMissing


def find(name, root=None):
    """The folder of a corpus on this machine.

    Parameters
    ----------
    name : str
        The corpus, such as ``"crema-d"``.
    root : path, optional
        Its folder, or one that holds it under its own name. By default it is looked for in the folder of all corpora
        (``SER_DATA_HOME``), under its own name or as its publisher's archive calls it (``AudioWAV``). Capitals, dashes
        and underscores do not matter.

    Returns
    -------
    Path
        An absolute path.

    Raises
    ------
    CorpusMissing
        There is no such folder; the message says how to get the corpus.
    CorpusError
        The folder may not be read.

    Used in Lesson 03.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (Path(folder) / "CREMA_D").mkdir()
    ...     find("crema-d", folder).name
    'CREMA_D'
    """
    known = card(name)
    top = Path(os.path.abspath(Path(root or home.data_home()).expanduser()))
    if root and top.is_file():
        raise CorpusMissing(f"{top} is a file: give the folder that holds {known.title}.")
    try:
        inside = _named(top, [known.name, *(() if root else known.folders)])
    except OSError as error:
        raise CorpusError(f"{top} cannot be opened ({error.strerror}): check who may read it.") from error
    if inside or (root and top.is_dir()):
        return inside or top
    raise CorpusMissing(f"There is no {known.title} in {top}. {how_to_get(known)}")


def how_to_get(known):
    """One sentence: the command that fetches a corpus, or whom to ask for it."""
    return f"Get it with `ser download {known.name}`." if known.files else known.how


def _named(top, names):
    """The sub-folder of `top` with the first of `names` that one has, or None."""
    if not top.is_dir():
        return None
    folders = {key(path.name): path for path in sorted(top.iterdir(), reverse=True) if path.is_dir()}
    return next((folders[key(name)] for name in names if key(name) in folders), None)
