"""What decides a fit, as text that is the same in every process: the code of a lesson, the network, the versions."""

import dis
import functools
import hashlib
import importlib.metadata
import importlib.resources
import inspect
import json
import platform
import re
import sys
import sysconfig
import types
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ser_helpers.cache import version


def versions(model):
    """Backend, libraries, and the source of this room's modules that train `model` or are part of it."""
    import keras

    backend = keras.backend.backend()
    used = [f"{name} {version}" for name, version in _libraries() if name.startswith(("keras", "numpy", backend))]
    described = f"{model.to_json()} {getattr(model.loss, '__module__', '')}"
    own = {module for module in re.findall(r"ser_helpers(?:\.\w+)+", described) if find_spec(module)}
    code = version(*sorted({"ser_helpers.models.neural", *own}))
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
