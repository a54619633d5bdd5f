"""Models on disk: one file with a model and what is needed to use it, which cannot run code when it is loaded."""

import contextlib
import copy
import importlib.metadata
import io
import json
import operator
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
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.tree import BaseDecisionTree
from sklearn.tree._tree import Tree
from threadpoolctl import threadpool_limits

import ser_helpers
from ser_helpers import audio, paths
from ser_helpers.errors import AudioError, ModelError
from ser_helpers.features import registry
from ser_helpers.models.augmented import Augmented
from ser_helpers.models.checkpoints import serialised_objects
from ser_helpers.models.fusion import LateFusion
from ser_helpers.models.keras_estimators import KerasClassifier, KerasEstimator, KerasRegressor
from ser_helpers.models.model_card import ModelCard
from ser_helpers.models.speakers import RunningNormaliser, SpeakerNormaliser, VoiceNormaliser
from ser_helpers.models.windows import SAMPLE_RATE, WINDOW, WindowClassifier, WindowRegressor, as_trained
from ser_helpers.pretrained.encoder import Encoder

FORMAT = 2  # 1 had the module names of an earlier layout of this package
PARTS = {"about.json", "model.skops", "network.keras"}
NETWORK_FILES = {"metadata.json", "config.json", "model.weights.h5"}
FIELDS = {
    "format": int,
    "model": str,
    "labels": list | None,
    "kind": str | None,
    "parameters": dict,
    "sample_rate": int | float | None,
    "columns": list | None,
    "shape": list,
    "corpus": list,
    "versions": dict,
}
LATER_FIELDS = {"seconds": int | float | None, "outputs": list, "threshold": int | float}
LOUDEST = 100  # samples beyond this are no floats from -1 to 1

TYPES = (
    "ser_helpers.models.batches.InBatches",
    "ser_helpers.models.classical.LabelEncoded",
    "ser_helpers.models.sequence_transformers.FixedFrames",
    "ser_helpers.models.sequence_transformers.FrameScaler",
    "ser_helpers.models.fusion.LateFusion",
    "ser_helpers.models.classical.GaussianMixtureClassifier",
    "ser_helpers.models.fusion.Modality",
    "ser_helpers.models.fusion.PerModality",
    "ser_helpers.models.speakers.RunningNormaliser",
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

UNSAFE_LAYERS = {"Lambda", "__lambda__", "__typespec__"}  # code of their own
UNSAFE_LAYERS |= {"TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}  # networks of other libraries
UNSAFE_LAYERS |= {"StringLookup", "IntegerLookup", "TextVectorization"}  # they read files


def save(model, path, *, X, table, card=None):
    """Write a fitted model to one file, together with what is needed to use it.

    The file is a zip archive without compression: ``about.json`` has the labels, the kind of feature with its
    parameters, columns and sample rate, the corpora and the versions; the scikit-learn part is stored by skops, a Keras
    network as ``.keras``. It contains no pickle and no date. Raises ModelError if the model contains what `load` would
    refuse (such as functions of your own), does not predict on `X`, or the file cannot be written. Lesson 05.

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
    card : ModelCard, optional
        On whom it was trained and how it was judged, as from ``ModelCard.of(result)``.

    Examples
    --------
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
    path, windows = Path(path), None
    if isinstance(model, WindowClassifier | WindowRegressor):
        windows, model = model, _fitted(model, "regressor_" if model.regression else "classifier_")
        X = _features_of(windows, model, X)
        model = model if windows.normaliser_ is None else make_pipeline(windows.normaliser_, model)
    model = _portable(model)
    estimator, network = _split(model)
    about = _about(model, network, X, table) | {"card": card.to_dict() if card else None}
    if windows is not None:
        outputs = [str(name) for name in windows.output_names]
        about |= {"seconds": WINDOW / SAMPLE_RATE, "outputs": outputs, **_extraction(windows)}
        about |= {"threshold": float(windows.threshold_)}
    about = json.dumps(about, indent=1, ensure_ascii=False, default=np.generic.item)
    parts = {"about.json": about.encode()}
    if estimator is not None:
        parts["model.skops"] = _dump_estimator(estimator)
    if network is not None:
        parts["network.keras"] = _dump_network(network.model_)
    _check_predictions(model, _restored(parts, "The model"), X)
    if not path.parent.is_dir():
        raise ModelError(f"There is no folder {path.parent}: make it first.")
    try:
        with paths.atomic_file(path) as temporary:
            temporary.write_bytes(_zip(parts))
    except OSError as error:
        raise ModelError(f"{path} cannot be written ({error.strerror}): make room, or choose another place.") from error


def load(path):
    """Read a model that `save` wrote: a `LoadedModel`, or the `WindowClassifier` or `WindowRegressor` that it is.

    Such a file cannot run code: it contains no pickle, only types known to be safe and Keras layers without functions
    of their own. A file that someone tampered with may at worst give wrong answers or stop the process. A
    ``SpeakerNormaliser`` comes back without speakers: all rows of one call to `predict` are taken for one speaker. A
    ``VoiceNormaliser`` tells voices apart as before, but cannot be fitted again without speakers. Raises ModelError if
    the file is missing, damaged or of another format, or contains anything not known to be safe.

    >>> load("nothing.ser")
    Traceback (most recent call last):
    ser_helpers.errors.ModelError: There is no file nothing.ser: check the path.
    """
    loaded = _restored(_read(Path(path)), str(path))
    _warn_of_versions(loaded.about["versions"], path)
    if loaded.about.get("seconds") is None:
        return loaded
    kind, parameters = loaded.about["kind"], loaded.about["parameters"]
    extractor = kind if kind in registry.kinds() else loaded.encoder()
    settings = {"parameters": parameters if isinstance(extractor, str) else None}
    normaliser, fitted = None, loaded.model
    if isinstance(fitted, Pipeline) and isinstance(fitted.steps[0][1], RunningNormaliser):
        normaliser, fitted = (step for _, step in fitted.steps)
    if loaded.classes_ is not None:
        model = WindowClassifier(extractor, None, **settings)
        model.classifier_ = fitted
    else:
        model = WindowRegressor(extractor, None, tuple(loaded.about["outputs"]), **settings)
        model.regressor_ = fitted
    model.normaliser_, model.threshold_ = normaliser, loaded.about.get("threshold", 0.0)
    model.card = loaded.card
    return model


def read_card(path):
    """The `ModelCard` in a model file, or None if it was saved without; the model itself is not loaded.

    Raises ModelError as `load` does.

    >>> read_card("nothing.ser")
    Traceback (most recent call last):
    ser_helpers.errors.ModelError: There is no file nothing.ser: check the path.
    """
    with _damage_in(path):
        card = json.loads(_read(Path(path))["about.json"]).get("card")
        return ModelCard.from_dict(card) if card else None


class LoadedModel:
    """A saved model, ready to predict on the features it was trained on or on a recording. See `models.load`.

    Attributes
    ----------
    model : scikit-learn estimator
    about : dict
        What was saved with it: ``labels``, ``kind`` of feature with its ``parameters``, ``columns`` and ``shape``,
        ``corpus``, ``versions``.
    classes_ : ndarray of shape (n_classes,), or None for a regressor
        The labels; column ``k`` of ``predict_proba`` is the probability of ``classes_[k]``.
    """

    unit = "utterance"

    def __init__(self, model, about):
        self.model = model
        self.about = about
        self.card = ModelCard.from_dict(about["card"]) if about.get("card") else None
        self.classes_ = getattr(model, "classes_", None)

    def __repr__(self):
        about = self.about
        return f"LoadedModel({about['model']} on {about['kind'] or 'features'} of {', '.join(about['corpus'])})"

    @property
    def label(self):
        """The name for reports and pages, with what it was trained on where that is known."""
        return self.card.title if self.card else repr(self)

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
        """The label of one recording: a file (str or Path), or mono samples (n,) with their rate `sr` in Hz.

        Raises ModelError if the model was trained on features this package cannot compute, or on features normalised by
        speaker; AudioError if the recording cannot be used.
        """
        if normalises_speakers(self.model):
            raise ModelError(
                "This model compares a speaker's utterances with each other, so one recording says nothing: give"
                " predict the features of several utterances of one speaker."
            )
        return self.predict(self.features_of(recording, sr))[0]

    def features_of(self, recording, sr=None):
        """The features the model was trained on, of one recording (see `predict_audio`): a table or Series of 1 row."""
        kind, parameters = self.about["kind"], self.about["parameters"]
        if kind is None:
            raise ModelError("It is not known which features this model was trained on: compute them and use predict.")
        if kind in registry.kinds():
            registry.check_parameters(kind, parameters)
            columns = None if registry.find(kind).sequence else registry.names(kind)
            y = _samples(recording, sr, registry.find(kind).sr)
            with threadpool_limits(1):  # as in extract: sums in the same order, so the same numbers
                values = registry.compute(kind, y, registry.find(kind).sr, **parameters)
        else:
            encoder = self.encoder()
            columns, values = encoder.columns, encoder.embed([_samples(recording, sr, encoder.sample_rate)])[0]
        if columns is None:
            row = pd.Series([values], index=["recording"], dtype=object)
        else:
            row = pd.DataFrame([values], index=["recording"], columns=columns, dtype=float)
        row.attrs = {"kind": kind, "parameters": parameters}
        return row

    def encoder(self):
        """The `Encoder` whose embeddings it was trained on; ModelError if that is not on this machine."""
        kind = self.about["kind"]
        try:
            encoder = Encoder(**self.about["parameters"])
        except TypeError:
            raise ModelError(
                f"{kind!r} is no kind of feature known here: compute it yourself and use predict."
            ) from None
        if encoder.label != kind:
            raise ModelError(f"The model needs features of {kind}, and on this machine there is {encoder.label}.")
        return encoder

    def _checked(self, X):
        """`X`, or a ModelError that says what the model needs instead."""
        kind, parameters = self.about["kind"], self.about["parameters"]
        columns, shape = self.about["columns"], self.about["shape"]
        needed = f"the model needs {_described(self.about)}"
        attrs = getattr(X, "attrs", {})
        if kind and attrs.get("kind", kind) != kind:
            raise ModelError(f"X contains {attrs['kind']!r} features, and {needed}.")
        if kind and attrs.get("parameters", parameters) != parameters:
            raise ModelError(f"X was extracted with {attrs['parameters'] or 'no parameters'}, and {needed}.")
        given, given_shape = _columns(X), _shape(X)
        if given and columns and given != columns:
            surplus = [name for name in given if name not in columns]
            missing = [name for name in columns if name not in given]
            if not surplus and not missing:
                raise ModelError("X has its columns in another order: use X[model.about['columns']].")
            problem = f"has no column {missing[0]!r}" if missing else f"has a column {surplus[0]!r} too many"
            raise ModelError(f"X {problem}, and {needed}.")
        any_frames = shape[0] is None and len(given_shape) == 2
        if given_shape != shape and not (any_frames and given_shape[1:] == shape[1:]):
            raise ModelError(f"An example in X has the shape {tuple(given_shape)}, and {needed}.")
        return X


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


def normalises_speakers(model):
    """Whether a model, or a part of it, compares utterances with others of their speaker or voice."""
    if isinstance(model, LateFusion):
        return any(map(normalises_speakers, model.branches_.values()))
    if isinstance(model, Pipeline):
        return any(normalises_speakers(step) for _, step in model.steps)
    return isinstance(model, SpeakerNormaliser | VoiceNormaliser)


def _extraction(model):
    """What the file says about the features of a model of windows."""
    extractor = model.feature_extractor
    if isinstance(extractor, Encoder):
        return {"kind": extractor.label, "parameters": extractor.parameters, "sample_rate": extractor.sample_rate}
    if not isinstance(extractor, str):
        raise ModelError(
            "A model of windows with a function of your own as its feature extractor cannot be saved: give it a kind of"
            " feature or an Encoder."
        )
    return {"kind": extractor, "parameters": model.parameters or {}, "sample_rate": registry.find(extractor).sr}


def _features_of(model, estimator, X):
    """The features as the estimator in a model of windows gets them."""
    kind, parameters = operator.itemgetter("kind", "parameters")(_extraction(model))
    attrs = getattr(X, "attrs", {})
    if attrs and (attrs["kind"], attrs["parameters"]) != (kind, parameters):
        raise ModelError(f"X contains {attrs['kind']!r} features, and this model computes {kind!r} features.")
    return as_trained(estimator, X)


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
        raise ModelError("The table lacks utterances of X: give the one its features were extracted from.")
    steps = [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]
    libraries = ["numpy", "scikit-learn", "skops", *(["keras"] if network is not None else [])]
    versions = {library: importlib.metadata.version(library) for library in libraries}
    about = {
        "format": FORMAT,
        "model": " + ".join(type(step).__name__ for step in steps if not isinstance(step, str)),
        "labels": np.asarray(model.classes_).tolist() if hasattr(model, "classes_") else None,
        "kind": kind,
        "parameters": attrs.get("parameters", {}),
        "sample_rate": registry.find(kind).sr if kind in registry.kinds() else None,
        "columns": _columns(X),
        "shape": _shape(X),
        "corpus": sorted(table.loc[index, "corpus"].unique()),
        "utterances": len(X),
        "versions": {"ser_helpers": ser_helpers.__version__, "python": platform.python_version(), **versions},
    }
    if network is not None:
        settings = network.get_params()
        settings = {name: settings[name] for name in settings if name not in ("build", "cache", "progress")}
        about["network"] = {"input_shape": network.input_shape_, "settings": settings}
        if isinstance(network, KerasRegressor):
            about["network"]["targets"] = [np.array(x).tolist() for x in (network.target_mean_, network.target_scale_)]
        about["history"] = network.history_.to_dict("list")
    return about


def _columns(X):
    """The names of a table's columns, those of two levels as lists; None for anything but a table."""
    if not isinstance(X, pd.DataFrame):
        return None
    return [list(name) if isinstance(name, tuple) else name for name in X.columns]


def _shape(X):
    """The shape of one example as a list; the number of frames is None in a Series of arrays (frames, dims)."""
    if not isinstance(X, pd.Series):
        return list(np.shape(X)[1:])
    if len(X) and np.ndim(X.iloc[0]) == 1:  # rows of a table on disk
        return list(np.shape(X.iloc[0]))
    shapes = {np.shape(frames)[1:] for frames in X}
    if len(shapes) != 1 or shapes == {()}:
        raise ModelError("X needs one array (frames, dims) per utterance, all with the same dims: drop the others.")
    return [None, *shapes.pop()]


def _described(about):
    kind = f"{about['kind']!r} features" if about["kind"] else "features"
    parameters = f" extracted with {about['parameters']}" if about["parameters"] else ""
    if about["columns"]:
        first, last = about["columns"][0], about["columns"][-1]
        return f"{kind}{parameters}: {len(about['columns'])} columns, {first!r} to {last!r}"
    shape = ", ".join("frames" if size is None else str(size) for size in about["shape"])
    return f"{kind}{parameters}: one array of shape ({shape}) per example"


def _samples(recording, sr, wanted):
    """A file or samples as mono samples at the rate `wanted`."""
    if not isinstance(recording, np.ndarray | list):
        audio.check_file(recording)
        y = audio.load(recording, wanted)
    elif sr is None:
        raise ModelError("Samples need their sample rate: give sr in Hz.")
    else:
        audio.check_rate(sr)
        y = audio.resample(audio.check(recording, sr), sr, wanted)
    if np.abs(y).max() > LOUDEST:
        raise AudioError(
            "Floats are samples on the scale from -1 to 1, and these are far beyond it: divide them first."
        )
    return y


def _check_predictions(model, loaded, X):
    """Raise a ModelError unless the model predicts on X, and the loaded one predicts the same."""
    few = X[:5]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = model.predict(few)
        except Exception as error:
            problem = _one_line(error)
            raise ModelError(f"The model does not predict on X ({problem}): give what it was fitted on.") from error
        if not np.array_equal(loaded.predict(few), expected):
            raise ModelError("The model would predict otherwise after loading, so it is not saved: report this.")


def _read(path):
    """The parts of a file, {name: bytes}."""
    if not path.is_file():
        raise ModelError(f"There is no file {path}: check the path.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}): check who may read it.") from error
    with _damage_in(path):
        parts = _unzip(data)
        if not {"about.json"} < set(parts) <= PARTS:
            raise ValueError("other parts")
        return parts


def _restored(parts, name):
    """The LoadedModel in the parts of a file."""
    with _damage_in(name):
        about = json.loads(parts["about.json"])
        if about["format"] == 1:
            raise ModelError(f"{name} was saved by an earlier version of ser_helpers: fit and save the model again.")
        if about["format"] != FORMAT:
            raise ModelError(
                f"{name} has the format {about['format']}, and this version of ser_helpers reads {FORMAT}: update it."
            )
        _check_about(about)
        model = _load_estimator(parts["model.skops"], name) if "model.skops" in parts else None
        if "network.keras" in parts:
            network = _keras_estimator(_load_network(parts["network.keras"], name), about)
            if model is None:
                model = network
            else:
                model.steps[-1] = (model.steps[-1][0], network)
        labels = getattr(model, "classes_", None)
        if about["labels"] != (None if labels is None else np.asarray(labels).tolist()):
            raise ValueError("other labels")
        return LoadedModel(model, about)


def _check_about(about):
    """Raise an exception unless the fields of ``about.json`` are there and of their types."""
    later = {name: kind for name, kind in LATER_FIELDS.items() if name in about}
    for name, kind in (FIELDS | later).items():
        if not isinstance(about[name], kind):
            raise ValueError(f"{name} is no {kind}")
    texts = [*about["corpus"], *about["versions"].values(), *about.get("outputs", ())]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("an entry of a list is no text")
    if not all(isinstance(size, int | None) for size in about["shape"]):
        raise ValueError("a size is no number")
    if about.get("seconds") is not None and not (about["kind"] and (about["labels"] or about["outputs"])):
        raise ValueError("it is not said what the model of windows takes or predicts")


def _keras_estimator(network, about):
    """The Keras estimator with this network that `about` describes."""
    described, labels = about["network"], about["labels"]
    estimator = (LoadedRegressor if labels is None else LoadedNetwork)(None, **described["settings"])
    if labels is None:
        estimator.target_mean_, estimator.target_scale_ = map(np.array, described["targets"])
    else:
        estimator.classes_ = np.array(labels)
    shape = described["input_shape"]
    estimator.input_shape_ = {name: tuple(shape[name]) for name in shape} if isinstance(shape, dict) else tuple(shape)
    estimator.model_ = network
    estimator.history_ = pd.DataFrame(about["history"]).rename_axis("epoch").rename(index=lambda epoch: epoch + 1)
    return estimator


def _warn_of_versions(saved, path):
    for library in ("scikit-learn", "keras"):
        here = importlib.metadata.version(library) if library in saved else ""
        if library in saved and saved[library].split(".")[:2] != here.split(".")[:2]:
            warnings.warn(
                f"{path} was saved with {library} {saved[library]} and is loaded with {here}: check its predictions.",
                stacklevel=3,
            )


def _dump_estimator(estimator):
    """A fitted scikit-learn estimator as bytes; a ModelError says what in it could not be loaded again."""
    try:
        data = skops.io.dumps(estimator)
    except Exception as error:
        raise ModelError(
            f"This {type(estimator).__name__} cannot be saved ({_one_line(error)}): it may contain estimators and"
            " arrays, no tables or functions of your own."
        ) from error
    _check_types(data, "The model")
    return data


def _load_estimator(data, name):
    _unzip(data)
    _check_types(data, name)
    estimator = skops.io.loads(data, trusted=list(TYPES))
    if not isinstance(estimator, BaseEstimator):
        raise TypeError("no estimator")
    _check_trees(estimator, np.inf)
    return estimator


def _check_types(data, name):
    with _damage_in(name):
        unknown = set(skops.io.get_untrusted_types(data=data)) - set(TYPES)
    if unknown:
        raise ModelError(
            f"{name} contains {', '.join(sorted(unknown))}, which is not known to be safe to load: use other classes"
            " of scikit-learn, XGBoost or ser_helpers, and no functions of your own."
        )


def _check_trees(thing, dims):
    """Raise ValueError if a tree points to features or nodes that do not exist: its C code would read past its arrays.

    `dims` is the number of features of the estimator around `thing`.
    """
    if isinstance(thing, Tree):
        inner = thing.children_left != -1
        nodes = np.arange(thing.node_count)[inner]
        children = np.stack([thing.children_left[inner], thing.children_right[inner]])
        if not 0 < thing.node_count <= thing.capacity or (children <= nodes).any() or (children >= len(inner)).any():
            raise ValueError("nodes that do not exist")
        if (thing.feature[inner] < 0).any() or (thing.feature[inner] >= dims).any():
            raise ValueError("features that do not exist")
    if isinstance(thing, BaseEstimator):
        dims = min(dims, getattr(thing, "n_features_in_", np.inf))
    if isinstance(thing, np.ndarray):
        parts = list(thing.ravel()) if thing.dtype == object else []
    elif isinstance(thing, list | tuple):
        parts = thing
    else:
        parts = list(thing.values() if isinstance(thing, dict) else getattr(thing, "__dict__", {}).values())
    trees = [part for part in parts if isinstance(part, BaseDecisionTree) and hasattr(part, "tree_")]
    if len({tree.n_features_in_ for tree in trees}) > 1:
        raise ValueError("trees of different sizes")
    for part in parts:
        _check_trees(part, dims)


def _dump_network(network):
    """A Keras network as the bytes of a ``.keras`` file, without its loss, which only training needs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.keras"
        try:
            network.save(path)
        except Exception as error:
            raise ModelError(f"The network cannot be saved: {_one_line(error)}.") from error
        parts = _unzip(path.read_bytes())
    config = json.loads(parts["config.json"])
    config.pop("compile_config", None)
    _check_layers(config, "The network")
    return _zip({**parts, "config.json": json.dumps(config).encode()})


def _load_network(data, name):
    """The Keras network in `data`, uncompiled."""
    import keras

    from ser_helpers.models import keras_layers  # noqa: F401  it registers our layers

    parts = _unzip(data)
    if set(parts) != NETWORK_FILES:
        raise ValueError("other files")
    _check_layers(json.loads(parts["config.json"]), name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.keras"
        path.write_bytes(data)
        return keras.saving.load_model(path, compile=False, safe_mode=True)


def _check_layers(config, name):
    """Raise a ModelError unless every object of a network is one of Keras's or of this package's, and safe."""
    for part in serialised_objects(config):
        kind = str(part["class_name"])
        ours = str(part.get("registered_name")).startswith("ser_helpers>")
        known = ours or f"{part.get('module')}.".startswith("keras.") or kind.startswith("__")
        if not known or kind in UNSAFE_LAYERS:
            raise ModelError(
                f"{name} contains a {kind}, which is not known to be safe to load: build networks from Keras's layers,"
                " no Lambda among them, and from those of ser_helpers."
            )


def _zip(parts):
    """Files as one archive, without compression and without dates."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def _unzip(data):
    """The files of an archive, {name: bytes}; ValueError if one is compressed, as it could grow, or is there twice."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        if len(set(names)) < len(names) or any(entry.compress_type for entry in archive.infolist()):
            raise ValueError("compressed, or twice")
        return {name: archive.read(name) for name in names}


@contextlib.contextmanager
def _damage_in(name):
    """Turn whatever goes wrong while a file is read into one sentence."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"{name} is damaged, or no model saved by models.save: get it again.") from error


def _one_line(error):
    """The message of an error without its line breaks and final full stop."""
    return " ".join(str(error).split()).rstrip(".")
