"""Models on disk: one file with the model and what it needs to know, which cannot run code when it is loaded.

What `models.load` gives back: a model that knows which features it was trained on, and refuses others.

What a saved model may hold: nothing that could run code when it is loaded.
"""

import contextlib
import copy
import importlib.metadata
import io
import json
import platform
import tempfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import skops.io
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.tree import BaseDecisionTree
from sklearn.tree._tree import Tree
from threadpoolctl import threadpool_limits

import ser_helpers
from ser_helpers import audio, paths
from ser_helpers.errors import ModelError
from ser_helpers.features import registry
from ser_helpers.models.augmented import Augmented
from ser_helpers.models.fusion import LateFusion
from ser_helpers.models.keras_estimators import KerasClassifier, KerasEstimator, KerasRegressor
from ser_helpers.models.speakers import SpeakerNormaliser, VoiceNormaliser
from ser_helpers.pretrained.encoder import Encoder

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
        parts["model.skops"] = dump_estimator(estimator)
    if network is not None:
        parts["network.keras"] = dump_network(network.model_)
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
    with damage_in(name):
        about = json.loads(parts["about.json"])
        if about["format"] != FORMAT:
            raise ModelError(
                f"{name} has the format {about['format']}, and this version of ser_helpers reads {FORMAT}: update it."
            )
        if not set(about) >= FIELDS:
            raise ValueError("fields are missing")
        model = load_estimator(parts["model.skops"], name) if "model.skops" in parts else None
        if "network.keras" in parts:
            network = network_from(load_network(parts["network.keras"], name), about)
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
            problem = one_line(error)
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
        with paths.atomic_file(path) as aside:
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
    with damage_in(path):
        names = names_in(data)
        if len(set(names)) != len(names) or not {"about.json"} < set(names) <= PARTS:
            raise ValueError("other parts")
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: archive.read(name) for name in names}


class LoadedNetwork(KerasClassifier):
    """A Keras network from a file: it predicts, but cannot be trained again, because `build` is not in the file."""

    def fit(self, X, y, validation_data=None):
        """Raise a ModelError."""
        raise ModelError(
            "A network that was loaded cannot be fitted again, because its build function is not in the file: fit a"
            " new one."
        )


class LoadedRegressor(KerasRegressor):
    """A Keras network for numbers from a file, which cannot be trained again either."""

    fit = LoadedNetwork.fit


def network_from(keras_model, about):
    """The Keras estimator that a file describes: `about` is what `models.save` wrote."""
    known, labels = about["network"], about["labels"]
    network = (LoadedRegressor if labels is None else LoadedNetwork)(None, **known["settings"])
    if labels is None:
        network.target_mean_, network.target_scale_ = map(np.array, known["targets"])
    else:
        network.classes_ = np.array(labels)
    shape = known["input_shape"]
    network.input_shape_ = {name: tuple(shape[name]) for name in shape} if isinstance(shape, dict) else tuple(shape)
    network.model_ = keras_model
    network.history_ = pd.DataFrame(about["history"]).rename_axis("epoch").rename(index=lambda epoch: epoch + 1)
    return network


class LoadedModel:
    """A saved model, ready to predict on the features it was trained on or on a recording.

    Parameters
    ----------
    model : scikit-learn estimator
        What was saved.
    about : dict
        What was saved with it, see `models.save`.

    Attributes
    ----------
    model, about
        As given.
    classes_ : ndarray of shape (n_classes,), or None for a regressor
        The labels; column ``k`` of ``predict_proba`` is the probability of ``classes_[k]``.

    Examples
    --------
    Used by `models.load`, see there.
    """

    def __init__(self, model, about):
        self.model = model
        self.about = about
        self.classes_ = getattr(model, "classes_", None)

    def __repr__(self):
        about = self.about
        return f"LoadedModel({about['model']} on {about['kind'] or 'features'} of {', '.join(about['corpus'])})"

    def predict(self, X):
        """The label of each row of `X`, shape (n,).

        Raises ModelError when `X` is another kind of feature than the model was trained on, or has other columns, the
        same in another order, or other dimensions. A model with a ``SpeakerNormaliser`` takes all rows of one call for
        one speaker.
        """
        return self.model.predict(self._checked(X))

    def predict_proba(self, X):
        """The probability of each label, shape (n, n_classes), in the order of ``classes_``; raises as `predict`."""
        if not hasattr(self.model, "predict_proba"):
            raise ModelError(f"{self.about['model']} gives no probabilities: use predict.")
        return self.model.predict_proba(self._checked(X))

    def predict_audio(self, recording, sr=None):
        """The label of one recording.

        Parameters
        ----------
        recording : str, Path or array (n,)
            A file, or mono samples.
        sr : int, optional
            Sample rate of the samples in Hz.

        Raises
        ------
        ModelError
            If the model was trained on features this package cannot compute, or on features normalised by speaker.
        AudioError
            If the recording cannot be used.
        """
        if normalises_speakers(self.model):
            raise ModelError(
                "This model compares a speaker's utterances with each other, so one recording says nothing: give"
                " predict the features of several utterances of one speaker."
            )
        return self.predict(self.features_of(recording, sr))[0]

    def features_of(self, recording, sr=None):
        """The features the model wants, of one recording (see `predict_audio`), as a table or Series of one row."""
        kind, parameters = self.about["kind"], self.about["parameters"]
        if kind is None:
            raise ModelError("It is not known which features this model was trained on: compute them and use predict.")
        if kind not in registry.kinds():
            return self._embedding_of(recording, sr)
        spec = registry.find(kind)
        registry.check_parameters(kind, parameters)
        y = _samples(recording, sr, spec.sr)
        with threadpool_limits(1):  # as in extract: sums in the same order, so the same numbers
            values = registry.compute(kind, y, spec.sr, **parameters)
        if spec.sequence:
            row = pd.Series([values], index=["recording"], dtype=object)
        else:
            row = pd.DataFrame([values], index=["recording"], columns=registry.names(kind), dtype=float)
        row.attrs = {"kind": kind, "parameters": parameters}
        return row

    def _embedding_of(self, recording, sr):
        kind, parameters = self.about["kind"], self.about["parameters"]
        try:
            encoder = Encoder(**parameters)
        except TypeError:
            raise ModelError(
                f"{kind!r} is no kind of feature known here: compute it yourself and use predict."
            ) from None
        if encoder.label != kind:
            raise ModelError(f"The model wants features of {kind}, and on this machine there is {encoder.label}.")
        values = encoder.embed([_samples(recording, sr, encoder.sample_rate)])
        if encoder.columns is None:
            row = pd.Series(values, index=["recording"], dtype=object)
        else:
            row = pd.DataFrame(values, index=["recording"], columns=encoder.columns, dtype=float)
        row.attrs = {"kind": kind, "parameters": parameters}
        return row

    def _checked(self, X):
        """`X`, or a ModelError that says what the model wants instead."""
        kind, parameters = self.about["kind"], self.about["parameters"]
        columns, shape = self.about["columns"], self.about["shape"]
        wanted = f"the model wants {_described(self.about)}"
        given = getattr(X, "attrs", {})
        if kind and given.get("kind", kind) != kind:
            raise ModelError(f"X holds {given['kind']!r} features, and {wanted}.")
        if kind and given.get("parameters", parameters) != parameters:
            raise ModelError(f"X was extracted with {given['parameters'] or 'no parameters'}, and {wanted}.")
        found = shape_of(X)
        given = columns_of(X)
        if given and columns and given != columns:
            unknown = [str(name) for name in given if name not in columns]
            missing = [name for name in columns if name not in given]
            if not unknown and not missing:
                raise ModelError("X has its columns in another order: use X[model.about['columns']].")
            problem = f"has no column {missing[0]!r}" if missing else f"has a column {unknown[0]!r} too many"
            raise ModelError(f"X {problem}, and {wanted}.")
        frames_are_free = shape[0] is None and len(found) == 2
        if found != shape and not (frames_are_free and found[1:] == shape[1:]):
            raise ModelError(f"An example in X has the shape {tuple(found)}, and {wanted}.")
        return X


def columns_of(X):
    """The names of a table's columns, those of two levels as lists; None for anything but a table."""
    if not isinstance(X, pd.DataFrame):
        return None
    return [list(name) if isinstance(name, tuple) else name for name in X.columns]


def _samples(recording, sr, wanted):
    """A file or samples as mono samples at the rate wanted."""
    if not isinstance(recording, np.ndarray | list):
        return audio.load(recording, wanted)
    if sr is None:
        raise ModelError("Samples need their sample rate: give sr in Hz.")
    return audio.resample(audio.check(recording, sr), sr, wanted)


def shape_of(X):
    """The shape of one example as a list; the number of frames is None where arrays of frames are listed."""
    if not isinstance(X, pd.Series):
        return list(np.shape(X)[1:])
    shapes = {np.shape(frames)[1:] for frames in X}
    if len(shapes) != 1 or shapes == {()}:
        raise ModelError("X needs one array (frames, dims) per utterance, all with the same dims: drop the others.")
    return [None, *shapes.pop()]


def normalises_speakers(model):
    """Whether a model, or a part of it, compares utterances with others of their speaker or voice."""
    if isinstance(model, LateFusion):
        return any(map(normalises_speakers, model.branches_.values()))
    steps = [step for _, step in model.steps] if isinstance(model, Pipeline) else []
    return isinstance(model, SpeakerNormaliser | VoiceNormaliser) or any(map(normalises_speakers, steps))


def _described(about):
    kind = f"{about['kind']!r} features" if about["kind"] else "features"
    parameters = f" extracted with {about['parameters']}" if about["parameters"] else ""
    if about["columns"]:
        first, last = about["columns"][0], about["columns"][-1]
        return f"{kind}{parameters}: {len(about['columns'])} columns, {first!r} to {last!r}"
    shape = ", ".join("frames" if size is None else str(size) for size in about["shape"])
    return f"{kind}{parameters}: one array of shape ({shape}) per example"


TYPES = (
    "ser_helpers.models.classical.LabelEncoded",
    "ser_helpers.models.sequence_transformers.FixedFrames",
    "ser_helpers.models.sequence_transformers.FrameScaler",
    "ser_helpers.models.fusion.LateFusion",
    "ser_helpers.models.classical.GaussianMixtureClassifier",
    "ser_helpers.models.fusion.Modality",
    "ser_helpers.models.fusion.PerModality",
    "ser_helpers.models.speakers.SpeakerNormaliser",
    "ser_helpers.models.speakers.VoiceNormaliser",
    "ser_helpers.models.sequence_transformers.Vocabulary",
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

    from ser_helpers.models import keras_layers  # noqa: F401  they register our layers

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
