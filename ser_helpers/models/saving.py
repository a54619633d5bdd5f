"""Models on disk: one file with the model and what it needs to know, which cannot run code when it is loaded."""

import copy
import importlib.metadata
import io
import json
import platform
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline

import ser_helpers
from ser_helpers import home
from ser_helpers.errors import ModelError
from ser_helpers.features import registry
from ser_helpers.models import trusted
from ser_helpers.models.augmented import Augmented
from ser_helpers.models.fusion import LateFusion
from ser_helpers.models.loaded import LoadedModel, columns_of, network_from, shape_of
from ser_helpers.models.neural import KerasEstimator
from ser_helpers.models.regression import KerasRegressor
from ser_helpers.models.speaker_norm import SpeakerNormaliser
from ser_helpers.models.voices import VoiceNormaliser

FORMAT = 1
PARTS = {"about.json", "model.skops", "network.keras"}
FIELDS = {"format", "model", "labels", "kind", "parameters", "sample_rate", "columns", "shape", "corpus", "versions"}


def save(model, path, *, X, table):
    """Write a fitted model to one file, together with what is needed to use it.

    The file is a zip archive without compression: ``about.json`` holds the labels, the kind of feature with its
    parameters, columns and sample rate, the corpora and the versions; the scikit-learn part is stored by skops, a Keras
    network as ``.keras``. There is no pickle in it, and no date.

    Parameters
    ----------
    model : fitted scikit-learn estimator
        Any of scikit-learn, XGBoost and this package, also in a pipeline; a ``KerasClassifier`` or ``KerasRegressor``
        alone or as the last step of a ``Pipeline``, without its `build` function. Of a hyper-parameter search the best
        estimator is kept, of an ``Augmented`` its fitted estimator, of a ``LateFusion`` its fitted branches without the
        folds; a ``SpeakerNormaliser`` and a ``VoiceNormaliser`` forget their speakers.
    path : str or Path
        The file, such as ``"svm.ser"``; an existing one is replaced at once, or not at all.
    X : DataFrame, Series of arrays, or array
        The features it was trained on, as from ``features.extract``.
    table : DataFrame
        Their utterance table.

    Raises
    ------
    ModelError
        If the model holds what `load` would refuse (functions of one's own, for example), does not predict on `X`, or
        the file cannot be written.

    Examples
    --------
    Lesson 05.

    >>> import tempfile
    >>> from sklearn.linear_model import LogisticRegression
    >>> from ser_helpers import corpora, features
    >>> table = corpora.load("synthetic-small")[:8]
    >>> X = features.extract(table, "egemaps", jobs=1)
    >>> model = LogisticRegression().fit(X, table["emotion"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, f"{folder}/emotions.ser", X=X, table=table)
    ...     loaded = load(f"{folder}/emotions.ser")
    >>> loaded
    LoadedModel(LogisticRegression on egemaps of synthetic)
    >>> loaded.predict_audio(table["path"].iloc[0]) == loaded.predict(X)[0]
    True
    """
    if not isinstance(model, BaseEstimator):
        raise ModelError(f"A {type(model).__name__} is no scikit-learn estimator: save the fitted model itself.")
    path = Path(path)
    model = _portable(model)
    estimator, network = _split(model)
    about = _about(model, network, X, table)
    parts = {"about.json": json.dumps(about, indent=1, ensure_ascii=False, default=_plain).encode()}
    if estimator is not None:
        parts["model.skops"] = trusted.dump_estimator(estimator)
    if network is not None:
        parts["network.keras"] = trusted.dump_network(network.model_)
    _check_predictions(model, _restored(parts, "The model"), X)
    _write(parts, path)


def load(path):
    """Read a model that `save` wrote.

    Such a file cannot run code: it holds no pickle, only types known to be safe, and Keras layers without functions of
    their own. That protects from a file of unknown origin as far as these types do; one that was tampered with may at
    worst give wrong answers or stop the process.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    LoadedModel
        With `predict`, `predict_proba`, `predict_audio`, ``classes_`` and ``about``.

    Raises
    ------
    ModelError
        If there is no such file, it is damaged, was written by a newer version, or holds anything not known to be safe.

    Notes
    -----
    A ``SpeakerNormaliser`` comes back without speakers: all rows of one call to `predict` are taken for one speaker. A
    ``VoiceNormaliser`` tells voices apart as before, but cannot be fitted again without speakers.

    Examples
    --------
    See `save`.

    >>> load("nothing.ser")
    Traceback (most recent call last):
    ser_helpers.errors.ModelError: There is no file nothing.ser: check the path.
    """
    loaded = _restored(_read(Path(path)), str(path))
    _warn_of_versions(loaded.about["versions"], path)
    return loaded


def _portable(model):
    """The part of a model that predicts, without tables of utterances."""
    if isinstance(model, GridSearchCV | RandomizedSearchCV):
        return _portable(_fitted(model, "best_estimator_"))
    if isinstance(model, Augmented):
        return _portable(_fitted(model, "estimator_"))
    if isinstance(model, Pipeline):
        portable = copy.copy(model)
        portable.steps = [(name, _portable(step)) for name, step in model.steps]
        return portable
    if isinstance(model, LateFusion):
        portable = copy.copy(model)
        branches = {name: _portable(branch) for name, branch in _fitted(model, "branches_").items()}
        portable.branches, portable.branches_, portable.cv = branches, branches, None
        return portable
    if isinstance(model, SpeakerNormaliser | VoiceNormaliser):
        portable = copy.copy(model)
        portable.speakers = None
        return portable
    return model


def _fitted(model, attribute):
    if not hasattr(model, attribute):
        raise ModelError(f"{type(model).__name__} is not fitted yet: fit it before saving it.")
    return getattr(model, attribute)


def _split(model):
    """The scikit-learn part of a model and its Keras network, either may be None."""
    if isinstance(model, KerasEstimator):
        _fitted(model, "model_")
        return None, model
    if isinstance(model, Pipeline) and isinstance(model.steps[-1][1], KerasEstimator):
        _fitted(model.steps[-1][1], "model_")
        without = copy.copy(model)
        without.steps = [*model.steps[:-1], (model.steps[-1][0], "passthrough")]
        return without, model.steps[-1][1]
    if any(isinstance(part, KerasEstimator) for part in model.get_params().values()):
        raise ModelError("A Keras network can be saved alone or as the last step of a pipeline, not inside of others.")
    return model, None


def _about(model, network, X, table):
    """What the file says about the model."""
    attrs = getattr(X, "attrs", {})
    kind = attrs.get("kind")
    index = X.index if isinstance(X, pd.DataFrame | pd.Series) else table.index
    if not index.isin(table.index).all():
        raise ModelError("The table does not hold every utterance of X: give the one its features were extracted from.")
    steps = [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]
    about = {
        "format": FORMAT,
        "model": " + ".join(type(step).__name__ for step in steps if not isinstance(step, str)),
        "labels": [_plain(label) for label in model.classes_] if hasattr(model, "classes_") else None,
        "kind": kind,
        "parameters": attrs.get("parameters", {}),
        "sample_rate": registry.find(kind).sr if kind in registry.kinds() else None,
        "columns": columns_of(X),
        "shape": shape_of(X),
        "corpus": sorted(table.loc[index, "corpus"].unique()),
        "utterances": len(X),
        "versions": _versions(network),
    }
    if network is not None:
        unsaved = ("build", "cache", "progress")
        settings = {name: value for name, value in network.get_params().items() if name not in unsaved}
        about["network"] = {"input_shape": network.input_shape_, "settings": settings}
        if isinstance(network, KerasRegressor):
            about["network"]["targets"] = [np.array(x).tolist() for x in (network.target_mean_, network.target_scale_)]
        about["history"] = network.history_.to_dict("list")
    return about


def _versions(network):
    libraries = ["numpy", "scikit-learn", "skops", *(["keras"] if network is not None else [])]
    found = {library: importlib.metadata.version(library) for library in libraries}
    return {"ser_helpers": ser_helpers.__version__, "python": platform.python_version(), **found}


def _warn_of_versions(saved, path):
    for library in ("scikit-learn", "keras"):
        here = importlib.metadata.version(library) if library in saved else ""
        if library in saved and saved[library].split(".")[:2] != here.split(".")[:2]:
            warnings.warn(
                f"{path} was saved with {library} {saved[library]} and is loaded with {here}: check its predictions.",
                stacklevel=3,
            )


def _plain(value):
    """A NumPy number or text as Python's own."""
    return value.item() if isinstance(value, np.generic) else value


def _restored(parts, name):
    """The LoadedModel in the parts of a file."""
    with trusted.damage_in(name):
        about = json.loads(parts["about.json"])
        if about["format"] != FORMAT:
            raise ModelError(
                f"{name} has the format {about['format']}, and this version of ser_helpers reads {FORMAT}: update it."
            )
        if not set(about) >= FIELDS:
            raise ValueError("fields are missing")
        model = trusted.load_estimator(parts["model.skops"], name) if "model.skops" in parts else None
        if "network.keras" in parts:
            network = network_from(trusted.load_network(parts["network.keras"], name), about)
            if model is None:
                model = network
            else:
                model.steps[-1] = (model.steps[-1][0], network)
        labels = getattr(model, "classes_", None)
        if about["labels"] != (None if labels is None else [_plain(label) for label in labels]):
            raise ValueError("other labels")
        return LoadedModel(model, about)


def _check_predictions(model, loaded, X):
    """Raise a ModelError unless the model predicts on X, and what will be in the file predicts the same."""
    few = X[:5]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = model.predict(few)
        except Exception as error:
            problem = trusted.one_line(error)
            raise ModelError(f"The model does not predict on X ({problem}): give what it was fitted on.") from error
        if not np.array_equal(loaded.predict(few), expected):
            raise ModelError("The model would predict otherwise after loading, so it is not saved: report this.")


def _write(parts, path):
    if not path.parent.is_dir():
        raise ModelError(f"There is no folder {path.parent}: make it first.")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    try:
        with home.atomic_file(path) as aside:
            aside.write_bytes(buffer.getvalue())
    except OSError as error:
        raise ModelError(f"{path} cannot be written ({error.strerror}): make room, or choose another place.") from error


def _read(path):
    """The parts of a file, {name: bytes}."""
    if not path.is_file():
        raise ModelError(f"There is no file {path}: check the path.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}): check who may read it.") from error
    with trusted.damage_in(path):
        names = trusted.names_in(data)
        if len(set(names)) != len(names) or not {"about.json"} < set(names) <= PARTS:
            raise ValueError("other parts")
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: archive.read(name) for name in names}
