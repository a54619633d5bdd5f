"""Networks leave the library that trained them: ONNX from Keras and torch, TorchScript from torch; ONNX Runtime."""

import copy
import json
import tempfile
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from ser_helpers import paths
from ser_helpers.errors import ModelError
from ser_helpers.models.keras_estimators import KerasEstimator
from ser_helpers.models.windows import WindowClassifier
from ser_helpers.pretrained.encoder import Encoder

OPSET = 17
CLASSES = "ser_classes"  # the key of the labels in the file's metadata


def to_onnx(model, example, classes=None):
    """A fitted network as an OnnxModel, which gives the same numbers to about six digits.

    Of a WindowClassifier, the result is a WindowClassifier that contains it. Raises ModelError if the model is not
    fitted or cannot be exported (the message gives the exporter's reason), or the example is none. Lesson 12.

    Parameters
    ----------
    model : KerasClassifier, torch.nn.Module, Encoder or WindowClassifier
        An ``Encoder`` needs pooling, and takes one window at a time. Of a ``WindowClassifier``, the feature extractor
        is exported if it is an Encoder, and the classifier if it is a Keras network.
    example : array (n, ...)
        What it is fed: features, or windows (n, 48000) for an Encoder and a WindowClassifier.
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
    check_fitted(model, "exporting it")
    if isinstance(model, WindowClassifier):
        return _window_classifier(model, example)
    example = _example(example)
    if isinstance(model, Encoder):
        return _guarded(_torch, _encoder_module(model), example, None, False)
    if isinstance(model, KerasEstimator):
        return _guarded(_keras, model.model_, example, model.classes_)
    _check_module(model, "KerasClassifier, WindowClassifier")
    exported = _guarded(_torch, model, example, classes, True)
    if classes is not None and exported.run(example).shape[1:] != (len(classes),):
        raise ModelError(
            f"This module does not give {len(classes)} probabilities: name a class for each of its outputs."
        )
    return exported


class OnnxModel(ClassifierMixin, BaseEstimator):
    """A fitted classifier, or any function of arrays, in ONNX: it predicts, and cannot be trained again.

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
        """The most probable label of each row, shape (n,)."""
        if not len(self.classes_):
            raise ModelError("This network knows no labels: export it with classes, or ask for predict_proba.")
        return self.classes_[self.run(X).argmax(axis=1)]

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


def _window_classifier(model, windows):
    exported = copy.copy(model)
    if isinstance(model.feature_extractor, Encoder):
        exported.feature_extractor = to_onnx(model.feature_extractor, windows)
    if isinstance(model.classifier_, KerasEstimator):
        exported.classifier_ = to_onnx(model.classifier_, model.features(windows[:1]))
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


def _keras(network, example, classes):
    import keras

    network(example)  # Keras exports the shapes that it was called with
    if keras.backend.backend() == "torch":
        return _torch(network, example, classes, True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        network.export(path, format="onnx", verbose=False)
        return _labelled(path, classes)


def _torch(module, example, classes, any_number):
    """The ONNX network; with `any_number` it takes any number of rows at once, else as many as the example has."""
    import torch

    axes = {"x": {0: "n"}, "y": {0: "n"}} if any_number else None
    options = {"input_names": ["x"], "output_names": ["y"], "dynamic_axes": axes, "opset_version": OPSET}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        # dynamo=False is the old exporter, which is ten times as fast
        torch.onnx.export(module.eval(), (torch.as_tensor(example),), path, **options, dynamo=False)
        return _labelled(path, classes)


def _labelled(path, classes):
    """The network in the file, with its labels in the metadata."""
    import onnx

    proto = onnx.load(path)
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
