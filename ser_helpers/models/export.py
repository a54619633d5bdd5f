"""Models leave the library that trained them: ONNX from Keras, torch and scikit-learn, TorchScript; ONNX Runtime."""

import copy
import json
import tempfile
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ser_helpers import paths
from ser_helpers.errors import ModelError
from ser_helpers.models.keras_estimators import KerasEstimator
from ser_helpers.models.saving import LoadedModel, load
from ser_helpers.models.windows import WindowClassifier, WindowRegressor
from ser_helpers.pretrained.encoder import Encoder

OPSET = 17
CLASSES = "ser_classes"  # the key of the labels in the file's metadata


def to_onnx(model, example, classes=None):
    """A fitted model as an OnnxModel, which gives the same numbers to about six digits.

    Of a window model, the result is a window model that contains it. Raises ModelError if the model is not fitted or
    cannot be exported (the message gives the exporter's reason), or the example is none. Lesson 12.

    Parameters
    ----------
    model : scikit-learn or Keras estimator, torch.nn.Module, Encoder, WindowClassifier, WindowRegressor, str or Path
        A path is of a file that ``models.save`` wrote. An ``Encoder`` needs pooling, and takes one window at a time. Of
        a window model, its estimator is exported, and its feature extractor if that is an Encoder; other features stay
        functions. Of a pipeline that ends in a Keras network, only the network is exported, and stays in the pipeline.
    example : array (n, ...)
        What it is fed: features, or windows (n, 48000) for an Encoder and a window model.
    classes : list of str
        The labels, for a torch module whose outputs are probabilities.

    Examples
    --------
    >>> import torch
    >>> network = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Softmax(-1))
    >>> model = to_onnx(network, np.zeros((1, 3)), classes=["angry", "calm"])
    >>> model.predict_proba(np.zeros((5, 3))).shape, model.classes_.tolist()
    ((5, 2), ['angry', 'calm'])
    """
    model = load(model) if isinstance(model, str | Path) else model
    model = model.model if isinstance(model, LoadedModel) else model
    check_fitted(model, "exporting it")
    if isinstance(model, WindowClassifier | WindowRegressor):
        return _window_model(model, example)
    example = _example(example)
    if isinstance(model, Encoder):
        return _guarded(_torch, _encoder_module(model), example, None, False)
    if isinstance(model, KerasEstimator):
        return _guarded(_keras, _with_scale(model), example, getattr(model, "classes_", None))
    if isinstance(model, Pipeline) and isinstance(model[-1], KerasEstimator):
        network = to_onnx(model[-1], model[:-1].transform(example))
        return Pipeline([*model.steps[:-1], (model.steps[-1][0], network)])
    if isinstance(model, BaseEstimator):
        return _guarded(_sklearn, model, example)
    _check_module(model, "scikit-learn or Keras estimator, window model")
    exported = _guarded(_torch, model, example, classes, True)
    if classes is not None and exported.run(example).shape[1:] != (len(classes),):
        raise ModelError(
            f"This module does not give {len(classes)} probabilities: name a class for each of its outputs."
        )
    return exported


class OnnxModel(ClassifierMixin, BaseEstimator):
    """A fitted estimator, or any function of arrays, in ONNX: it predicts, and cannot be trained again.

    It can be pickled, and used as the feature extractor or the classifier of a ``WindowClassifier``. Raises ModelError
    when ONNX Runtime cannot run the content, the array has another shape, or the output is not finite. Lesson 12.

    Parameters
    ----------
    content : bytes
        The ONNX file, as from ``to_onnx`` or `OnnxModel.load`.
    threads : int
        Processor cores that one call may use. With 1, the result does not depend on how busy the machine is.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, from the file's metadata; empty when there are none.

    Examples
    --------
    >>> import torch
    >>> model = to_onnx(torch.nn.Softmax(-1), np.zeros((1, 2)), classes=["angry", "calm"])
    >>> model.predict(np.array([[2.0, 1.0], [0.0, 3.0]])).tolist(), len(model.content) < 1000
    (['angry', 'calm'], True)
    """

    def __init__(self, content, threads=1):
        self.content = content
        self.threads = threads
        self._open()

    @classmethod
    def load(cls, path, threads=1):
        """The model in a file that `save`, or another exporter, wrote."""
        try:
            return cls(Path(path).read_bytes(), threads)
        except OSError as error:
            raise ModelError(f"Cannot read {path} ({error.strerror}): give the path of an ONNX file.") from error

    def fit(self, X, y=None):
        """Raise a ModelError."""
        raise ModelError("An ONNX network cannot be trained: fit the model it was exported from, and export that.")

    def save(self, path):
        """Write the ONNX file; an existing one is replaced at once, or not at all."""
        try:
            with paths.atomic_file(path) as temporary:
                temporary.write_bytes(self.content)
        except OSError as error:
            raise ModelError(f"{path} cannot be written ({error.strerror}): choose another place.") from error

    def run(self, X):
        """The last output of the network for `X` (n, ...), float32."""
        try:
            X = np.asarray(X, np.float32)
        except (TypeError, ValueError) as error:
            raise ModelError(
                "A network takes an array of numbers: leave out words and rows of different lengths."
            ) from error
        try:
            output = self._session.run([self._output], {self._input: X})[0]
        except Exception as error:  # ONNX Runtime's errors have no common class
            raise ModelError(
                f"The network takes arrays of the shape {self._shape}, not {X.shape}: give it the features "
                "that it was exported with."
            ) from error
        if output.dtype.kind == "f" and not np.isfinite(output).all():
            raise ModelError("The network gives NaN or infinity: leave out rows with NaN or very large numbers.")
        return output

    def predict_proba(self, X):
        """Probabilities of shape (n, n_classes), columns in the order of ``classes_``."""
        return self.run(X).astype(np.float64)

    def predict(self, X):
        """The most probable label of each row, shape (n,); without labels the output itself, as of a regressor."""
        output = self.run(X)
        return self.classes_[output.argmax(axis=1)] if len(self.classes_) else output

    def __call__(self, row):
        """The output for one row: a ``WindowClassifier`` calls its feature extractor so."""
        return self.run(np.asarray(row)[None])[0]

    def __repr__(self):
        return f"OnnxModel({len(self.content) / 1000:.0f} kB, classes_={self.classes_.tolist()})"

    def __sklearn_is_fitted__(self):
        return True

    def __getstate__(self):
        return {"content": self.content, "threads": self.threads}

    def __setstate__(self, state):
        vars(self).update(state)
        self._open()

    def _open(self):
        import onnxruntime

        onnxruntime.set_default_logger_severity(3)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = int(self.threads), 1
        try:
            session = onnxruntime.InferenceSession(self.content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's errors have no common class
            reason = str(error).splitlines()[0][:120]
            raise ModelError(f"This is no ONNX network that can be run here ({reason}): export it again.") from error
        self._session = session
        self._input, self._output = session.get_inputs()[0].name, session.get_outputs()[-1].name
        self._shape = tuple(size if isinstance(size, int) else "n" for size in session.get_inputs()[0].shape)
        stored = session.get_modelmeta().custom_metadata_map.get(CLASSES, "[]")
        self.classes_ = np.array(json.loads(stored))


def to_torchscript(module, example):
    """A torch module as TorchScript: it runs without Python's code for it, also in C++.

    `module` is a torch.nn.Module or an Encoder, `example` an array (n, ...) of what it is fed; what depends on the
    values of its input, as an ``if``, stays as it was for the example. The result is a torch.jit.ScriptModule: it has
    ``save(path)``, and ``torch.jit.load`` reads the file. torch recommends ``torch.export`` for what is new. Raises
    ModelError if the module cannot be traced. Lesson 12.

    >>> import torch
    >>> scripted = to_torchscript(torch.nn.Linear(3, 2), np.zeros((1, 3)))
    >>> scripted(torch.zeros(5, 3)).shape
    torch.Size([5, 2])
    """
    module = _encoder_module(module) if isinstance(module, Encoder) else module
    _check_module(module)
    return _guarded(_trace, module, _example(example))


def check_fitted(model, purpose):
    """Raise a ModelError if `model` is an estimator and not fitted; `purpose` is such as "exporting it"."""
    try:
        if isinstance(model, BaseEstimator) and hasattr(model, "fit"):
            check_is_fitted(model)
    except NotFittedError:
        raise ModelError(f"This {type(model).__name__} is not fitted yet: fit it before {purpose}.") from None


def _check_module(model, *others):
    import torch

    if not isinstance(model, torch.nn.Module):
        choice = ", ".join([*others, "torch module or Encoder"])
        raise ModelError(f"A {type(model).__name__} cannot be exported so: give a {choice}.")


def _example(example):
    """The first row of the example, (1, ...) float32, or a ModelError."""
    try:
        rows = np.asarray(example, np.float32)
    except (TypeError, ValueError):
        rows = np.empty(0)
    if rows.ndim < 2 or not len(rows):
        raise ModelError(
            "The example is an array (n, ...) of numbers with one row or more: give what the model is fed."
        )
    return rows[:1]


def _window_model(model, windows):
    exported = copy.copy(model)
    if isinstance(model.feature_extractor, Encoder):
        exported.feature_extractor = to_onnx(model.feature_extractor, windows)
    fitted = "regressor_" if model.regression else "classifier_"
    setattr(exported, fitted, to_onnx(getattr(model, fitted), model.features(windows[:1])))
    return exported


def _guarded(exporter, *args):
    """The exporter's result, without its warnings; its errors as a ModelError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return exporter(*args)
    except ModelError:
        raise
    except Exception as error:  # an exporter raises whatever the layer it does not know leads to
        reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
        raise ModelError(f"This model cannot be exported ({reason}): build it of layers that ONNX knows.") from error


def _with_scale(model):
    """The Keras network of an estimator; a regressor's also brings its outputs back to the targets' scale."""
    import keras

    if is_classifier(model):
        return model.model_
    return keras.Sequential([model.model_, keras.layers.Rescaling(model.target_scale_, model.target_mean_)])


def _keras(network, example, classes):
    import keras
    import onnx

    network(example)  # Keras exports the shapes that it was called with
    if keras.backend.backend() == "torch":
        return _torch(network, example, classes, True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        network.export(path, format="onnx", verbose=False)
        return _labelled(onnx.load(path), classes)


def _sklearn(estimator, example):
    """Of a classifier the probabilities are the last output, as in the networks: no table of labels in each row."""
    import skl2onnx

    # a shape without the number of rows: any number of them at once
    inputs = [("x", skl2onnx.common.data_types.FloatTensorType([None, *example.shape[1:]]))]
    options = {"zipmap": False} if is_classifier(estimator) else None
    proto = skl2onnx.to_onnx(estimator, initial_types=inputs, options=options, target_opset=OPSET)
    return _labelled(proto, getattr(estimator, "classes_", None))


def _torch(module, example, classes, any_number):
    """The ONNX network; with `any_number` it takes any number of rows at once, else as many as the example has."""
    import onnx
    import torch

    axes = {"x": {0: "n"}, "y": {0: "n"}} if any_number else None
    options = {"input_names": ["x"], "output_names": ["y"], "dynamic_axes": axes, "opset_version": OPSET}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        # dynamo=False is the old exporter, which is ten times as fast
        torch.onnx.export(module.eval(), (torch.as_tensor(example),), path, **options, dynamo=False)
        return _labelled(onnx.load(path), classes)


def _labelled(proto, classes):
    """The network, with its labels in the metadata."""
    if classes is not None:
        stored = proto.metadata_props.add()
        stored.key, stored.value = CLASSES, json.dumps(np.asarray(classes).tolist())
    return OnnxModel(proto.SerializeToString())


def _trace(module, example):
    import torch

    with torch.inference_mode():
        return torch.jit.trace(module.eval(), torch.as_tensor(example), check_trace=False)


def _encoder_module(encoder):
    """An ``Encoder`` as a torch module: a window (1, samples) to pooled features (1, features), on the CPU."""
    import torch

    from ser_helpers.pretrained.encoder import POOLINGS
    from ser_helpers.pretrained.networks import pool

    if not POOLINGS[encoder.pooling] or encoder.config["model_type"] == "whisper":
        raise ModelError(
            "Only encoders with pooling 'mean' or 'mean+std' that take the samples themselves can be exported: wav2vec "
            "2.0, HuBERT, WavLM or data2vec, not Whisper."
        )
    poolings = len(POOLINGS[encoder.pooling])

    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = copy.deepcopy(encoder.network).cpu().float()

        def forward(self, windows):
            x = self.network.embed_input(self.network.normalise(windows[0]))[None]  # (1, frames, dims)
            mask = torch.ones(x.shape[:2], dtype=torch.bool)
            states = list(self.network.hidden_states(x, mask))
            pooled = pool(torch.cat([states[layer] for layer in encoder.selected]))  # (layers, poolings, dims)
            return pooled[:, :poolings].reshape(1, -1)

    return Module().eval().requires_grad_(False)
