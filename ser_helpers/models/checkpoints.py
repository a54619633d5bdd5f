"""Fits of Keras networks on disk, by configuration: a finished one is read, a stopped one goes on where it stopped.

What decides a fit, as text that is the same in every process: the code of a lesson, the network, the versions.
"""

import dis
import functools
import hashlib
import importlib.metadata
import importlib.resources
import inspect
import io
import json
import platform
import re
import sys
import sysconfig
import textwrap
import time
import types
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ser_helpers import paths
from ser_helpers.cache import version

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
            with paths.atomic_file(self._path) as path:
                path.write_bytes(_npz(self._unwritten))
        except OSError as error:
            warnings.warn(f"The fit is not kept in {self._path.parent} ({error}): make room there.", stacklevel=2)
        self._unwritten = None
        self._written_at = time.monotonic()


def find_checkpoint(build, model, arrays, settings):
    """The `Checkpoint` of the fit of `model`, made by `build`, on these arrays with these settings."""
    try:
        described = network(model)
    except (NotImplementedError, TypeError) as error:
        reason = textwrap.shorten(str(error), 120, placeholder=" ...")
        warnings.warn(f"This fit is not kept: give every part of the network a get_config. {reason}", stacklevel=3)
        return Checkpoint(None)
    digest = hashlib.blake2b(digest_size=16)
    for text in (versions(model), described, code(build), repr(settings)):
        digest.update(text.encode())
    for array in [*arrays, *(variable.numpy() for variable in model.variables)]:
        digest.update(repr((array.shape, array.dtype)).encode())
        digest.update(np.ascontiguousarray(array).data)
    return Checkpoint(paths.cache_home() / "fits" / f"{digest.hexdigest()}.npz")


def _variables(model):
    model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


def _npz(arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def versions(model):
    """Backend, libraries, and the source of this room's modules that train `model` or are part of it."""
    import keras

    backend = keras.backend.backend()
    used = [f"{name} {version}" for name, version in _libraries() if name.startswith(("keras", "numpy", backend))]
    described = f"{model.to_json()} {getattr(model.loss, '__module__', '')}"
    own = {module for module in re.findall(r"ser_helpers(?:\.\w+)+", described) if find_spec(module)}
    code = version(*sorted({"ser_helpers.models.keras_estimators", *own}))
    return "\n".join([backend, platform.python_version(), *sorted(used), code])


@functools.cache
def _libraries():
    return [(found.metadata["Name"] or "", found.version) for found in importlib.metadata.distributions()]


def network(model):
    """Layers, loss and optimizer of a compiled Keras model; Keras numbers its layers anew in each session.

    Raises NotImplementedError or TypeError when a part of it has no ``get_config``.
    """
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
        if config.get("class_name") == "__lambda__":
            return "lambda"  # its bytes name the notebook's temporary file; `code` reads what it does
        return {key: _renamed(value, names) for key, value in config.items() if key != "shared_object_id"}
    if isinstance(config, list | tuple):
        return [_renamed(value, names) for value in config]
    return names.get(config, config) if isinstance(config, str) else config


def code(thing):
    """A function or class of a lesson, with all it calls and reads there: its compiled code and the values."""
    return "\n".join(_described(thing, {}))


def _described(thing, seen):
    """`seen` holds, by id, what is described already: functions may call one another in circles."""
    if thing is None or isinstance(thing, bool | int | float | complex | str | bytes):
        yield repr(thing)
    elif isinstance(thing, set | frozenset):
        yield from sorted("\n".join(_described(item, {})) for item in thing)
    elif isinstance(thing, tuple):
        for item in thing:
            yield from _described(item, seen)
    elif id(thing) not in seen:
        seen[id(thing)] = thing
        yield type(thing).__name__
        for part in _parts(thing):
            yield from _described(part, seen)


def _parts(thing):
    """What tells `thing` from others of its type."""
    if isinstance(thing, list):
        return thing
    if isinstance(thing, dict):
        return thing.items()
    if isinstance(thing, functools.partial):
        return thing.func, thing.args, thing.keywords
    if isinstance(thing, types.MethodType):
        return thing.__func__, thing.__self__
    if isinstance(thing, property):
        return thing.fget, thing.fset
    if isinstance(thing, type):
        return thing.__qualname__, *(_class(thing) if _ours(thing) else ())
    if isinstance(thing, types.FunctionType):
        return thing.__qualname__, *(_function(thing) if _ours(thing) else ())
    if hasattr(thing, "__wrapped__"):
        return (thing.__wrapped__,)
    if hasattr(thing, "__array__"):
        return _array(np.asarray(thing))
    if _ours(type(thing)):  # Keras numbers the names of objects
        public = {name: value for name, value in vars(thing).items() if name != "name" and not name.startswith("_")}
        return type(thing), public
    return ()


def _class(thing):
    yield from thing.__bases__
    for name, member in sorted(vars(thing).items()):
        member = getattr(member, "__func__", member)
        if isinstance(member, types.FunctionType) or not name.startswith("__"):
            yield name, member


def _function(thing):
    yield thing.__defaults__, thing.__kwdefaults__
    reads = inspect.getclosurevars(thing).nonlocals
    for part in _nested(thing.__code__):
        yield part.co_code, part.co_names, part.co_varnames, part.co_freevars
        yield tuple(constant for constant in part.co_consts if not isinstance(constant, types.CodeType))
        for step in dis.get_instructions(part):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and step.argval in thing.__globals__:
                reads[step.argval] = thing.__globals__[step.argval]
            elif step.opname == "IMPORT_NAME" and step.argval in sys.modules:
                reads[step.argval] = sys.modules[step.argval]
        for module in list(reads.values()):
            if isinstance(module, types.ModuleType) and _ours(module):
                reads |= {name: vars(module)[name] for name in part.co_names if name in vars(module)}
    yield from sorted(reads.items(), key=lambda item: item[0])


def _nested(part):
    yield part
    for constant in part.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _nested(constant)


def _array(array):
    if array.dtype == object:
        return array.shape, array.tolist()
    return str(array.dtype), array.shape, hashlib.blake2b(np.ascontiguousarray(array).tobytes()).digest()


def _ours(thing):
    """Whether a function, class or module is the lesson's: `versions` knows the libraries and this package."""
    if isinstance(thing, types.FunctionType):
        file = thing.__code__.co_filename
    else:
        name = thing.__module__ if isinstance(thing, type) else thing.__name__
        if name == "__main__":  # in a notebook and in a worker it has the file of a library
            return True
        if name.partition(".")[0] in sys.stdlib_module_names:
            return False
        file = getattr(sys.modules.get(name), "__file__", None) or ""
    libraries = (
        *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
        str(Path(__file__).parents[1]),
    )
    return not file.startswith(libraries)
