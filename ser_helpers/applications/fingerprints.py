"""What a result was made from, as fingerprints: another model or another file has another one."""

import functools
import hashlib
import pickle
from pathlib import Path

import joblib

import ser_helpers
from ser_helpers.errors import ArchiveError


def version(tools):
    """A fingerprint of what hears: the settings and what was fitted, without what is only kept at hand."""
    described = {
        name: (
            type(tool).__qualname__,
            {key: _told(value) for key, value in vars(tool).items() if not _at_hand(tool, key)},
        )
        if hasattr(tool, "__dict__")
        else tool
        for name, tool in tools.items()
    }
    try:
        return joblib.hash((ser_helpers.__version__, described))
    except pickle.PicklingError as error:
        reason = str(error.args[0] if error.args else error)
        raise ArchiveError(
            f"A model cannot be told from another one ({reason}): define its functions in a module."
        ) from error


def _told(value):
    return content(value) if isinstance(value, Path) else value


def _at_hand(tool, key):
    return isinstance(getattr(type(tool), key, None), functools.cached_property)


def content(path):
    """A fingerprint of a file; one that cannot be read is named when it is heard."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()[:32]
    except (OSError, TypeError):
        return None
