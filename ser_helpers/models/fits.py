"""Fits of Keras networks on disk, by configuration: a finished one is read, a stopped one goes on where it stopped."""

import functools
import hashlib
import importlib.metadata
import importlib.resources
import io
import json
import platform
import sys
import sysconfig
import time
import warnings
import zipfile
from pathlib import Path

import numpy as np

from ser_helpers import home

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
        if self._path is None or not self._path.exists():
            return None
        try:
            with np.load(self._path, allow_pickle=False) as stored:
                arrays = [stored[f"variable_{i:04}"] for i in range(len(stored.files) - 1)]
                about = json.loads(stored["about"].item())
            variables = _variables(model)
            if [array.shape for array in arrays] != [tuple(variable.shape) for variable in variables]:
                return None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
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
    digest = hashlib.blake2b(digest_size=16)
    for part in (_versions(), _network(model), *_code(build, set()), repr(settings)):
        digest.update(part.encode() if isinstance(part, str) else part)
    for array in arrays:
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


@functools.cache
def _versions():
    """Backend, libraries, and the source of this room."""
    import keras

    backend = keras.backend.backend()
    libraries = {
        distribution.metadata["Name"]: distribution.version for distribution in importlib.metadata.distributions()
    }
    used = [f"{name} {version}" for name, version in libraries.items() if name.startswith(("keras", "numpy", backend))]
    room = sorted(importlib.resources.files("ser_helpers.models").iterdir(), key=lambda file: file.name)
    sources = [file.read_text(encoding="utf-8") for file in room if file.name.endswith(".py")]
    return "\n".join([backend, platform.python_version(), *sorted(used), *sources])


def _network(model):
    """Layers, loss and optimizer as text, the same in every session: Keras numbers its layers anew in each."""
    import keras

    loss = getattr(model.loss, "__name__", None) or keras.saving.serialize_keras_object(model.loss)
    config = [json.loads(model.to_json()), keras.saving.serialize_keras_object(model.optimizer), loss]
    names = {}
    _collect_names(config, names)
    return json.dumps(_renamed(config, names), sort_keys=True, default=str)


def _collect_names(config, names):
    if isinstance(config, dict):
        if isinstance(config.get("name"), str):
            names.setdefault(config["name"], f"name {len(names)}")
        for value in config.values():
            _collect_names(value, names)
    elif isinstance(config, list | tuple):
        for value in config:
            _collect_names(value, names)


def _renamed(config, names):
    if isinstance(config, dict):
        return {key: _renamed(value, names) for key, value in config.items() if key != "shared_object_id"}
    if isinstance(config, list | tuple):
        return [_renamed(value, names) for value in config]
    return names.get(config, config) if isinstance(config, str) else config


def _code(thing, seen):
    """The compiled code of a function or class, and of what it calls in the lesson."""
    if isinstance(thing, functools.partial):
        yield repr((thing.args, sorted(thing.keywords.items())))
        thing = thing.func
    if id(thing) in seen or not _ours(thing):
        return
    seen.add(id(thing))
    if isinstance(thing, type):
        for name, member in sorted(vars(thing).items()):
            yield name
            yield from _code(getattr(member, "__func__", member), seen)
    elif hasattr(thing, "__code__"):
        yield repr((thing.__defaults__, thing.__kwdefaults__))
        reachable = dict(thing.__globals__)
        reachable |= zip(
            thing.__code__.co_freevars, (cell.cell_contents for cell in thing.__closure__ or ()), strict=True
        )
        for code in _nested(thing.__code__):
            yield code.co_code
            for constant in code.co_consts:
                if not hasattr(constant, "co_code"):
                    yield repr(sorted(constant, key=repr) if isinstance(constant, frozenset) else constant)
            for name in (*code.co_names, *code.co_freevars):
                yield name
                value = reachable.get(name)
                if isinstance(value, int | float | str | tuple | list | dict):
                    yield repr(value)
                else:
                    yield from _code(value, seen)


def _nested(code):
    yield code
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            yield from _nested(constant)


def _ours(thing):
    """Whether `thing` is code of a lesson: libraries and this package are known by `_versions`."""
    if hasattr(thing, "__code__"):
        file = thing.__code__.co_filename
    elif isinstance(thing, type):
        file = getattr(sys.modules.get(thing.__module__), "__file__", None) or ""
    else:
        return False
    libraries = (
        *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
        str(Path(__file__).parents[1]),
    )
    return not file.startswith(libraries)
