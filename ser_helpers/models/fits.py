"""Fits of Keras networks on disk, by configuration: a finished one is read, a stopped one goes on where it stopped."""

import hashlib
import io
import json
import textwrap
import time
import warnings

import numpy as np

from ser_helpers import home
from ser_helpers.models import fingerprint

SECONDS_BETWEEN_WRITES = 30


class Checkpoint:
    """The state of one fit: every variable of network and optimizer, and the history so far.

    Parameters
    ----------
    path : Path or None
        The file; None keeps nothing.

    Notes
    -----
    The file is a NumPy archive without pickles, replaced as a whole, so a reader never meets half of one. A file that
    cannot be read counts as absent; a folder that cannot be written is reported in one warning. Used by
    ``KerasClassifier``, Lesson 06.
    """

    def __init__(self, path):
        self._path = path
        self._unwritten = None
        self._written_at = time.monotonic()

    def restore(self, model):
        """Put the stored state into `model`; returns (history, seconds) or None."""
        if self._path is None:
            return None
        try:
            with np.load(self._path, allow_pickle=False) as stored:
                arrays = [stored[f"variable_{i:04}"] for i in range(len(stored.files) - 1)]
                about = json.loads(stored["about"].item())
            variables = _variables(model)
            if [array.shape for array in arrays] != [tuple(variable.shape) for variable in variables]:
                return None
        except Exception:  # a damaged archive raises whatever its bytes lead to
            return None
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)
        return about["history"], about["seconds"]

    def keep(self, model, history, seconds):
        """Take note of the state now; it is on disk within half a minute and when `write` is called."""
        if self._path is None:
            return
        about = json.dumps({"history": history, "seconds": seconds})
        arrays = {f"variable_{i:04}": np.array(variable.numpy()) for i, variable in enumerate(_variables(model))}
        self._unwritten = {"about": about, **arrays}
        if time.monotonic() - self._written_at > SECONDS_BETWEEN_WRITES:
            self.write()

    def write(self):
        """Write what was kept last, if that is not on disk yet."""
        if self._unwritten is None:
            return
        try:
            with home.atomic_file(self._path) as path:
                path.write_bytes(_npz(self._unwritten))
        except OSError as error:
            warnings.warn(f"The fit is not kept in {self._path.parent} ({error}): make room there.", stacklevel=2)
        self._unwritten = None
        self._written_at = time.monotonic()


def find_checkpoint(build, model, arrays, settings):
    """The `Checkpoint` of the fit of `model`, made by `build`, on these arrays with these settings."""
    try:
        described = fingerprint.network(model)
    except (NotImplementedError, TypeError) as error:
        reason = textwrap.shorten(str(error), 120, placeholder=" ...")
        warnings.warn(f"This fit is not kept: give every part of the network a get_config. {reason}", stacklevel=3)
        return Checkpoint(None)
    digest = hashlib.blake2b(digest_size=16)
    for text in (fingerprint.versions(model), described, fingerprint.code(build), repr(settings)):
        digest.update(text.encode())
    for array in [*arrays, *(variable.numpy() for variable in model.variables)]:
        digest.update(repr((array.shape, array.dtype)).encode())
        digest.update(np.ascontiguousarray(array).data)
    return Checkpoint(home.cache_home() / "fits" / f"{digest.hexdigest()}.npz")


def _variables(model):
    model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


def _npz(arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()
