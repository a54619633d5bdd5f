"""The Hugging Face hub: what of it is on this machine, and how more gets here when somebody asks for it."""

from pathlib import Path

from ser_helpers import home
from ser_helpers.errors import DownloadError


def cached(name):
    """Folders of the Hugging Face caches that hold something of a name: ``SER_MODELS_HOME``'s, then the usual one.

    Nothing is downloaded.

    >>> list(cached("nobody/no-such-model"))
    []
    """
    import huggingface_hub

    for cache in (home.models_home(), None):
        try:
            yield Path(huggingface_hub.snapshot_download(name, cache_dir=cache, local_files_only=True))
        except (huggingface_hub.errors.LocalEntryNotFoundError, OSError, ValueError):
            continue


def fetch(name, patterns):
    """Get the files of a name that match `patterns` into ``home.models_home()``; returns their folder.

    What is there already is not fetched again. Raises DownloadError when the hub has no such name or cannot be reached.

    >>> fetch("no name", ["*.json"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ser_helpers.errors.DownloadError: no name could not be downloaded (...): check the name and the connection, ...
    """
    import huggingface_hub

    try:
        return Path(
            huggingface_hub.snapshot_download(name, cache_dir=home.models_home(), allow_patterns=list(patterns))
        )
    except Exception as error:
        raise DownloadError(
            f"{name} could not be downloaded ({reason(error)}): check the name and the connection, then try again."
        ) from error


def reason(error):
    """The first line of an error, without its full stop, to be put into a sentence.

    >>> reason(OSError("No space left. Sorry.")), reason(KeyError())
    ('No space left. Sorry', 'KeyError')
    """
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
