"""A network as one ONNX file, run by ONNX Runtime: no training library needed, and the same on every machine."""

import json
import numbers
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from ser_helpers import home
from ser_helpers.errors import ModelError

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
            with home.atomic_file(path) as aside:
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
