"""What is made once per machine, such as a ready model, is kept in the cache, and made again when it is damaged."""

import contextlib

from ser_helpers import home, quick_mode
from ser_helpers.errors import ModelError, SerError


def ready(path, make, read, place=home.atomic_file):
    """What `read(path)` gives; where it is missing or damaged, `make(aside)` makes it first.

    Processes that ask together make it once. Lesson 11.

    Parameters
    ----------
    path : Path
        A file, or a folder where `place` is ``home.atomic_folder``.
    make : callable
        Writes to the path it is given, which takes the place of `path` when it is done.
    read : callable
        Raises whatever the bytes lead to when they are damaged.

    Raises
    ------
    ModelError
        If nothing can be written there.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "answer"
    ...     _ = path.write_bytes(b"garbage")
    ...     ready(path, lambda aside: aside.write_text("42"), lambda path: int(path.read_text()))
    42
    """
    with contextlib.suppress(Exception):
        return read(path)
    try:
        with home.lock(path):
            with contextlib.suppress(Exception):  # another process was quicker
                return read(path)
            with place(path) as aside, quick_mode.off():
                make(aside)
    except SerError:
        raise
    except OSError as error:
        raise ModelError(
            f"Nothing can be kept in {path.parent} ({error.strerror or error}): make room there or set"
            " SER_CACHE_HOME to another folder."
        ) from error
    return read(path)
