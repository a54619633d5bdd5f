"""Networks leave the library they were trained in: ONNX from Keras, torch and scikit-learn, TorchScript from torch.

A network as one ONNX file, run by ONNX Runtime: no training library needed, and the same on every machine.
"""

import copy
import json
import numbers
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
AGREEMENT = 1e-3  # mean difference of probabilities from which on an export of scikit-learn's is wrong


def to_onnx(model, example, classes=None):
    """A fitted model in ONNX, which gives the same numbers to about six digits.

    Parameters
    ----------
    model : fitted estimator, torch.nn.Module, Encoder or WindowClassifier
        A ``KerasClassifier``; a scikit-learn classifier or pipeline; a torch module whose output are probabilities, or
        anything; an ``Encoder`` with pooling, of which one window at a time can be asked. Of a ``WindowClassifier`` the
        classifier is exported, and the front too if it is an Encoder.
    example : array (n, ...)
        What it is fed: features, or windows (n, 48000) for an Encoder and a WindowClassifier.
    classes : list of str
        The labels, for a torch module; estimators know theirs.

    Returns
    -------
    OnnxModel
        Or, of a WindowClassifier, a WindowClassifier that holds it.

    Raises
    ------
    ModelError
        If the model is not fitted or cannot be exported (the message gives the exporter's reason), the example is none,
        or what was exported of a scikit-learn classifier gives other probabilities for it.

    Notes
    -----
    Lesson 12.

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
        return _guarded(_torch, encoder_module(model), example[:1], None, False)
    if isinstance(model, BaseEstimator) and not hasattr(model, "predict_proba"):
        raise ModelError(f"A {type(model).__name__} gives no probabilities: export a classifier with predict_proba.")
    if isinstance(model, KerasEstimator):
        return _guarded(_keras, model.model_, example[:1], model.classes_)
    if type(model).__module__.startswith(("sklearn.", "xgboost.")):
        return _guarded(_sklearn, model, example, model.classes_)
    _check_module(model, "fitted classifier of scikit-learn, KerasClassifier, WindowClassifier")
    if classes is not None and (np.ndim(classes) != 1 or len(set(classes)) != len(classes)):
        raise ModelError(f"classes lists a label for each output of the module, each once, and is {classes!r}.")
    exported = _guarded(_torch, model, example[:1], classes, True)
    if classes is not None and exported.run(example[:1]).shape[1:] != (len(classes),):
        raise ModelError(
            f"This module does not give {len(classes)} probabilities: name a class for each of its outputs."
        )
    return exported


def to_torchscript(module, example):
    """A torch module as TorchScript: it runs without Python's code for it, also in C++.

    Parameters
    ----------
    module : torch.nn.Module or Encoder
        What depends on the values of its input, as an ``if``, stays as it was for the example.
    example : array (n, ...)
        What it is fed.

    Returns
    -------
    torch.jit.ScriptModule
        With ``save(path)``; ``torch.jit.load`` reads it.

    Raises
    ------
    ModelError
        If it cannot be traced.

    Notes
    -----
    Lesson 12. torch keeps TorchScript for what already runs on it and recommends ``torch.export`` for what is new.

    Examples
    --------
    >>> import torch
    >>> scripted = to_torchscript(torch.nn.Linear(3, 2), np.zeros((1, 3)))
    >>> scripted(torch.zeros(5, 3)).shape
    torch.Size([5, 2])
    """
    module = encoder_module(module) if isinstance(module, Encoder) else module
    _check_module(module)
    return _guarded(_trace, module, _example(example)[:1])


def check_fitted(model, doing):
    """Raise a ModelError if `model` is an estimator and not fitted; `doing` says what it has to be fitted for."""
    try:
        if isinstance(model, BaseEstimator) and hasattr(model, "fit"):
            check_is_fitted(model)
    except NotFittedError:
        raise ModelError(f"This {type(model).__name__} is not fitted yet: fit it before {doing}.") from None


def encoder_module(encoder):
    """An ``Encoder`` as a torch module: windows (1, samples) to pooled features (1, features), on the CPU."""
    import torch

    from ser_helpers.pretrained.encoder import POOLINGS
    from ser_helpers.pretrained.networks import pool

    if encoder.pooling is None or encoder.config["model_type"] == "whisper":
        raise ModelError(
            "Only encoders with pooling that hear the samples themselves can be exported: wav2vec 2.0, HuBERT, WavLM "
            "or data2vec, not Whisper."
        )
    kept = len(POOLINGS[encoder.pooling])

    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = copy.deepcopy(encoder.network).cpu().float()

        def forward(self, windows):
            x = self.network.front(self.network._scaled(windows[0]))[None]
            mask = torch.ones(x.shape[:2], dtype=torch.bool)
            states = list(self.network.blocks(x, mask))
            pooled = pool(torch.cat([states[layer] for layer in encoder.selected]))
            return pooled[:, :kept].reshape(1, -1)

    return Module().eval().requires_grad_(False)


def _check_module(model, *others):
    import torch

    if not isinstance(model, torch.nn.Module):
        choice = ", ".join([*others, "torch module or Encoder"])
        raise ModelError(f"A {type(model).__name__} cannot be exported so: give a {choice}.")


def _example(example):
    """Rows of numbers, float32, or a ModelError."""
    try:
        rows = np.asarray(example, np.float32)
    except (TypeError, ValueError):
        rows = np.empty(0)
    if rows.ndim < 2 or not len(rows):
        raise ModelError(
            "The example is an array (n, ...) of numbers with one row or more: give what the model is fed."
        )
    return rows


def _window_classifier(model, windows):
    X = model.features(windows[:1])
    front = to_onnx(model.front, windows) if isinstance(model.front, Encoder) else model.front
    exported = WindowClassifier(front, model.classifier, model.batched)
    exported.classifier_ = to_onnx(model.classifier_, X)
    return exported


def _guarded(exporter, *args):
    """What the exporter gives, without its warnings; its errors as a ModelError."""
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

    network(example)  # Keras exports what was called before
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        if keras.backend.backend() == "torch":
            _write_torch(network.eval(), example, path, True)
        else:
            network.export(path, format="onnx", verbose=False)
        return _labelled(path, classes)


def _sklearn(model, example, classes):
    from skl2onnx import to_onnx as convert

    options = {id(model): {"zipmap": False}}
    proto = convert(model, example[:1], options=options, target_opset=OPSET)
    exported = OnnxModel(_with_classes(proto, classes))
    if np.abs(exported.predict_proba(example) - model.predict_proba(example)).mean() > AGREEMENT:
        raise ModelError(
            f"The exported {type(model).__name__} would give other probabilities: choose another classifier."
        )
    return exported


def _torch(module, example, classes, any_number):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        _write_torch(module.eval(), example, path, any_number)
        return _labelled(path, classes)


def _write_torch(module, example, path, any_number):
    import torch

    axes = {"x": {0: "n"}, "y": {0: "n"}} if any_number else None
    torch.onnx.export(
        module,
        (torch.as_tensor(example),),
        path,
        input_names=["x"],
        output_names=["y"],
        dynamic_axes=axes,
        opset_version=OPSET,
        dynamo=False,  # ten times as fast as the new exporter
    )


def _trace(module, example):
    import torch

    with torch.inference_mode():
        return torch.jit.trace(module.eval(), torch.as_tensor(example), check_trace=False)


def _labelled(path, classes):
    import onnx

    return OnnxModel(_with_classes(onnx.load(path), classes))


def _with_classes(proto, classes):
    if classes is not None:
        stored = proto.metadata_props.add()
        stored.key, stored.value = CLASSES, json.dumps(np.asarray(classes).tolist())
    return proto.SerializeToString()


CLASSES = "ser_classes"  # the key of the labels in the file's metadata


class OnnxModel(ClassifierMixin, BaseEstimator):
    """A fitted classifier, or any function of arrays, in ONNX: it predicts, and cannot be trained again.

    Parameters
    ----------
    content : bytes
        The ONNX file, as from ``to_onnx`` or `OnnxModel.load`.
    threads : int
        Processor cores that one call may use. With 1, the result does not depend on how busy the machine is.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, from the file's metadata; empty when it holds none.

    Raises
    ------
    ModelError
        When the content is no ONNX network that ONNX Runtime can run, or it is fed arrays of another shape, or
        what it has no finite answer to.

    Notes
    -----
    Lesson 12. It can be pickled, and used as the `front` or the classifier of a ``WindowClassifier``.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from ser_helpers.models.export import to_onnx
    >>> X = np.array([[0.0], [1.0]], np.float32)
    >>> model = to_onnx(LogisticRegression().fit(X, ["calm", "angry"]), X)
    >>> model.predict(X).tolist(), len(model.content) < 1000
    (['calm', 'angry'], True)
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
            with paths.atomic_file(path) as aside:
                aside.write_bytes(self.content)
        except OSError as error:
            raise ModelError(f"{path} cannot be written ({error.strerror}): choose another place.") from error

    def run(self, X):
        """What the network gives for `X` (n, ...), as float32: the last of its outputs."""
        try:
            X = np.asarray(X, np.float32)
        except (TypeError, ValueError) as error:
            raise ModelError(
                "A network takes an array of numbers: leave out words and rows of other lengths."
            ) from error
        try:
            found = self._session.run([self._output], {self._input: X})[0]
        except Exception as error:  # ONNX Runtime's errors have no common class
            raise ModelError(
                f"The network takes arrays of the shape {self._shape} and was fed {X.shape}: give it the features "
                "that it was exported with."
            ) from error
        if found.dtype.kind == "f" and not np.isfinite(found).all():
            raise ModelError("The network gives NaN or infinity: leave out the rows that hold such, or are too large.")
        return found

    def predict_proba(self, X):
        """Probabilities of shape (n, n_classes), columns in the order of ``classes_``."""
        return self.run(X).astype(np.float64)

    def predict(self, X):
        """The most probable label of each row, shape (n,)."""
        if not len(self.classes_):
            raise ModelError("This network knows no labels: export it with classes, or ask for predict_proba.")
        return self.classes_[self.run(X).argmax(axis=1)]

    def __call__(self, row):
        """What the network gives for one row: how a ``WindowClassifier`` asks its front."""
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
        if not isinstance(self.threads, numbers.Integral) or self.threads < 1:
            raise ModelError(f"threads is a whole number from 1, not {self.threads!r}.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self.threads, 1
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
