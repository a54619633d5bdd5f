"""What `models.load` gives back: a model that knows which features it was trained on, and refuses others."""

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from ser_helpers import audio
from ser_helpers.errors import ModelError
from ser_helpers.features import registry
from ser_helpers.models.fusion import LateFusion
from ser_helpers.models.neural import KerasClassifier
from ser_helpers.models.pretrained import Encoder
from ser_helpers.models.regression import KerasRegressor
from ser_helpers.models.speaker_norm import SpeakerNormaliser
from ser_helpers.models.voices import VoiceNormaliser


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
