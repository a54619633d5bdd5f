"""What a saved model may hold: nothing that could run code when it is loaded."""

import contextlib
import io
import json
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import skops.io
from sklearn.base import BaseEstimator
from sklearn.tree import BaseDecisionTree
from sklearn.tree._tree import Tree

from ser_helpers.errors import ModelError

TYPES = (
    "ser_helpers.models.encoded.LabelEncoded",
    "ser_helpers.models.frames.FixedFrames",
    "ser_helpers.models.frames.FrameScaler",
    "ser_helpers.models.fusion.LateFusion",
    "ser_helpers.models.mixture.GaussianMixtureClassifier",
    "ser_helpers.models.modalities.Modality",
    "ser_helpers.models.modalities.PerModality",
    "ser_helpers.models.speaker_norm.SpeakerNormaliser",
    "ser_helpers.models.voices.VoiceNormaliser",
    "ser_helpers.models.words.WordIds",
    "imblearn.over_sampling._random_over_sampler.RandomOverSampler",
    "imblearn.over_sampling._smote.base.SMOTE",
    "imblearn.pipeline.Pipeline",
    "imblearn.under_sampling._prototype_selection._random_under_sampler.RandomUnderSampler",
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.feature_selection._univariate_selection.f_classif",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
)
"""Types beside those skops trusts by itself (most of scikit-learn, NumPy, SciPy): add a new class of ours here."""

NOT_LAYERS = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "__lambda__", "__typespec__"}
NOT_LAYERS |= {"StringLookup", "IntegerLookup", "TextVectorization"}  # they read files
NETWORK_FILES = {"metadata.json", "config.json", "model.weights.h5"}


def dump_estimator(estimator):
    """A fitted scikit-learn estimator as bytes; a ModelError says what in it could not be loaded again."""
    try:
        data = skops.io.dumps(estimator)
    except Exception as error:
        raise ModelError(
            f"This {type(estimator).__name__} cannot be saved ({one_line(error)}): it may hold estimators and arrays,"
            " no tables or functions of your own."
        ) from error
    _check_types(data, "The model")
    return data


def load_estimator(data, name):
    """The estimator in `data`; `name` is the file, for the message of the ModelError."""
    with damage_in(name):
        names_in(data)
        _check_types(data, name)
        estimator = skops.io.loads(data, trusted=list(TYPES))
        if not isinstance(estimator, BaseEstimator):
            raise TypeError("no estimator")
        _check_trees(estimator, np.inf)
    return estimator


def dump_network(network):
    """A Keras network as the bytes of a ``.keras`` file, without its loss, which only training needs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.keras"
        try:
            network.save(path)
        except Exception as error:
            raise ModelError(f"The network cannot be saved: {one_line(error)}.") from error
        data = _without_loss(path.read_bytes())
    _check_layers(_config(data), "The network")
    return data


def load_network(data, name):
    """The Keras network in `data`, uncompiled; `name` is the file, for the message of the ModelError."""
    import keras

    from ser_helpers.models import attention, cross_attention, masks  # noqa: F401  they register our layers

    with damage_in(name), tempfile.TemporaryDirectory() as folder:
        if set(names_in(data)) != NETWORK_FILES:
            raise ValueError("other files")
        _check_layers(_config(data), name)
        path = Path(folder) / "network.keras"
        path.write_bytes(data)
        return keras.saving.load_model(path, compile=False, safe_mode=True)


@contextlib.contextmanager
def damage_in(name):
    """Turn whatever goes wrong while a file is read into one sentence."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"{name} is damaged, or no model saved by models.save: get it again.") from error


def _check_types(data, name):
    with damage_in(name):
        unknown = set(skops.io.get_untrusted_types(data=data)) - set(TYPES)
    if unknown:
        raise ModelError(
            f"{name} holds {', '.join(sorted(unknown))}, which is not known to be safe to load: use other classes"
            " of scikit-learn, XGBoost or ser_helpers, and no functions of your own."
        )


def names_in(data):
    """Names in a zip archive, or a ValueError if any part is compressed and could grow while it is read."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ValueError("compressed")
        return archive.namelist()


def _without_loss(data):
    slim = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(slim, "w") as copy:
        for entry in archive.infolist():
            part = archive.read(entry)
            if entry.filename == "config.json":
                config = json.loads(part)
                config.pop("compile_config", None)
                part = json.dumps(config)
            copy.writestr(zipfile.ZipInfo(entry.filename), part)
    return slim.getvalue()


def _config(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return json.loads(archive.read("config.json"))


def _check_layers(config, name):
    """Raise a ModelError unless every object a network is made of comes from Keras or from this package."""
    if isinstance(config, list):
        for part in config:
            _check_layers(part, name)
    if not isinstance(config, dict):
        return
    if "class_name" in config:
        module, kind = str(config.get("module")), str(config["class_name"])
        ours = str(config.get("registered_name")).startswith("ser_helpers>")
        known = ours or f"{module}.".startswith("keras.") or kind.startswith("__")
        if not known or kind in NOT_LAYERS:
            raise ModelError(
                f"{name} holds a {kind}, which is not known to be safe to load: build networks from Keras's layers, no"
                " Lambda among them, and from those of ser_helpers."
            )
    for part in config.values():
        _check_layers(part, name)


def _check_trees(thing, dims):
    """Raise ValueError if a tree would look at features, or go to nodes, that are not there: its C code does not ask.

    `dims` is the number of features that the estimator around `thing` takes.
    """
    if isinstance(thing, Tree):
        _check_tree(thing, dims)
    if isinstance(thing, BaseEstimator):
        dims = min(dims, getattr(thing, "n_features_in_", np.inf))
    if isinstance(thing, np.ndarray):
        parts = list(thing.ravel()) if thing.dtype == object else []
    elif isinstance(thing, list | tuple):
        parts = thing
    else:
        parts = list(thing.values() if isinstance(thing, dict) else getattr(thing, "__dict__", {}).values())
    grown = [part for part in parts if isinstance(part, BaseDecisionTree) and hasattr(part, "tree_")]
    if len({tree.n_features_in_ for tree in grown}) > 1:
        raise ValueError("trees of different sizes")
    for part in parts:
        _check_trees(part, dims)


def _check_tree(tree, dims):
    if not 0 < tree.node_count <= tree.capacity:
        raise ValueError("no nodes")
    inner = tree.children_left != -1
    numbers = np.arange(tree.node_count)[inner]
    for children in (tree.children_left[inner], tree.children_right[inner]):
        if (children <= numbers).any() or (children >= tree.node_count).any():
            raise ValueError("nodes that are not there")
    if (tree.feature[inner] < 0).any() or (tree.feature[inner] >= dims).any():
        raise ValueError("features that are not there")


def one_line(error):
    """The message of an error without its line breaks and final full stop."""
    return " ".join(str(error).split()).rstrip(".")
