"""Finished fits of Keras networks on disk: the same fit is read instead of trained."""

import importlib.metadata
import inspect
import io
import json
import platform
import re
import sys
import textwrap
import types
import warnings
from importlib.util import find_spec

import joblib
import numpy as np

from ser_helpers import paths
from ser_helpers.cache import version


def find(model, arrays, settings):
    """Where the fit of a network is stored, or None (with a warning) if it cannot be told from other fits.

    `model` is built and compiled, with its initial weights; `arrays` are what it is trained on, `settings` what else
    decides the fit, such as epochs and seed. The file, which need not exist, is in ``cache_home()/checkpoints``. Its
    name is a hash of the network's configuration with optimizer and loss, the source of the layers and losses that a
    lesson defines, initial weights, arrays, settings, versions of the libraries, and the code of this package that
    trains the network or is part of it. Used by ``KerasClassifier(cache=True)``, Lesson 06.
    """
    try:
        config = model.to_json()
        custom = list(_custom_code(model, json.loads(config)))
        weights = [variable.numpy() for variable in model.variables]
        key = joblib.hash([_renamed(config), custom, _versions(f"{config} {custom}"), weights, arrays, settings])
    except Exception as error:  # a `get_config` or a value of the lesson's raises whatever it likes
        reason = textwrap.shorten(str(error), 120, placeholder=" ...")
        warnings.warn(f"This fit is not cached, because its network cannot be described: {reason}", stacklevel=3)
        return None
    return paths.cache_home() / "checkpoints" / f"{key}.npz"


def read(path, model):
    """Put the stored weights into `model` and return the stored ``about``; None if there is no readable file."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            weights = [stored[f"variable_{i:04}"] for i in range(len(stored.files) - 1)]
            about = json.loads(stored["about"].item())
        if [array.shape for array in weights] != [tuple(variable.shape) for variable in model.variables]:
            return None
    except Exception:  # a damaged archive raises whatever its bytes lead to
        return None
    for variable, array in zip(model.variables, weights, strict=True):
        variable.assign(array)
    return about


def write(path, model, about):
    """Store the weights of `model` and `about`, a dict for JSON; a disk that is full is one warning."""
    buffer = io.BytesIO()
    weights = {f"variable_{i:04}": variable.numpy() for i, variable in enumerate(model.variables)}
    np.savez(buffer, about=json.dumps(about), **weights)
    try:
        with paths.atomic_file(path) as temporary:
            temporary.write_bytes(buffer.getvalue())
    except OSError as error:
        warnings.warn(f"The fit is not cached in {path.parent} ({error}): make room there.", stacklevel=3)


def _renamed(config):
    """The configuration with its objects numbered: Keras calls the second network's first layer ``dense_1``."""
    names = {name: f"name {i}" for i, name in enumerate(dict.fromkeys(re.findall(r'"name": "([^"]*)"', config)))}
    config = re.sub(r', "shared_object_id": \d+', "", config)
    return re.sub(r'"([^"]*)"', lambda match: f'"{names.get(match[1], match[1])}"', config)


def _versions(text):
    """Versions of the libraries, and the code of this package that trains networks or is named in `text`."""
    import keras

    backend = keras.backend.backend()
    libraries = {found.metadata["Name"]: found.version for found in importlib.metadata.distributions()}
    used = {name: v for name, v in libraries.items() if name and name.startswith(("keras", "numpy", backend))}
    modules = {name for name in re.findall(r"ser_helpers(?:\.\w+)+", text) if find_spec(name)}
    code = version(*sorted({"ser_helpers.models.keras_estimators", "ser_helpers.models.keras_layers", *modules}))
    return backend, platform.python_version(), sorted(used.items()), code


def _custom_code(model, config):
    """The code of what a lesson or script defines for its network: layers, losses, schedules, activations."""
    layers = model._flatten_layers()
    things = [
        model.loss,
        *layers,
        *vars(model.optimizer).values(),
        *(x for layer in layers for x in vars(layer).values()),
    ]
    known = {}
    for thing in things:
        thing = thing if isinstance(thing, types.FunctionType | type) else type(thing)
        known[thing.__name__] = thing
    for name in sorted({_name(part) for part in serialised_objects(config) if not _is_library_object(part)}):
        if name not in known:
            raise ValueError(f"the source of {name} is not known.")
        yield from code(known[name])


def serialised_objects(config):
    """Yield each object in a Keras configuration: a dict with ``class_name``, ``module`` and ``registered_name``.

    >>> config = {"class_name": "Dense", "config": {"activation": {"class_name": "function", "config": "relu"}}}
    >>> [part["class_name"] for part in serialised_objects(config)]
    ['Dense', 'function']
    """
    if isinstance(config, dict):
        if "class_name" in config:
            yield config
        config = list(config.values())
    if isinstance(config, list):
        for part in config:
            yield from serialised_objects(part)


def _name(part):
    return str(part["config"] if part["class_name"] == "function" else part["class_name"])


def _is_library_object(part):
    """Whether Keras or this package defines a serialised object."""
    if part["class_name"] == "function":
        return str(part["config"]).startswith("ser_helpers>")
    structure = part["class_name"].startswith("__") and part["class_name"] != "__lambda__"  # such as __keras_tensor__
    module, registered = str(part.get("module")), str(part.get("registered_name"))
    return structure or f"{module}.".startswith("keras.") or registered.startswith("ser_helpers>")


def code(thing, seen=None):
    """Yield the source of a function or class, and of all it uses that is defined outside of libraries.

    Names of values, such as constants of a notebook, come as pairs (name, value). A class counts by its methods, whose
    source notebooks know, its attributes and its bases. Raises OSError where there is no source.
    """
    seen = set() if seen is None else seen
    package = thing.__module__.partition(".")[0]
    if package == "ser_helpers":
        yield thing.__module__
    if thing in seen or package == "ser_helpers" or _is_library(package):
        return
    seen.add(thing)
    if isinstance(thing, types.FunctionType):
        yield textwrap.dedent(inspect.getsource(thing))
        variables = inspect.getclosurevars(thing)
        used = {**variables.globals, **variables.nonlocals, "defaults": (thing.__defaults__, thing.__kwdefaults__)}
        used.pop("__class__", None)  # where a method calls super()
    else:
        members = {name: _function_of(member) for name, member in vars(thing).items()}
        used = {name: m for name, m in members.items() if isinstance(m, types.FunctionType) or name[0] != "_"}
        used |= {f"base {i}": base for i, base in enumerate(thing.__bases__)}
    for name, value in sorted(used.items()):
        if isinstance(value, types.FunctionType | type):
            yield from code(value, seen)
        elif not isinstance(value, types.ModuleType):
            yield name, value


def _is_library(package):
    file = getattr(sys.modules.get(package), "__file__", None) or ""
    return package != "__main__" and (package in sys.stdlib_module_names or "-packages" in file)


def _function_of(member):
    """The function in a static method, class method or property; anything else as it is."""
    return getattr(member, "fget", getattr(member, "__func__", member))
