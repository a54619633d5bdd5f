"""Smaller networks: INT8 quantisation, half precision, pruning; and what each costs."""

import copy
import tempfile
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import recall_score

from ser_helpers.errors import ModelError
from ser_helpers.models.export import OnnxModel, check_fitted
from ser_helpers.models.keras_estimators import KerasEstimator

SECONDS = 0.5  # time for the measurement of one model, which has at least three turns
CALLS = 5  # calls of a model in its turn


def quantise(model, operators=("MatMul",)):
    """Weights as whole numbers of 8 bits, and integer arithmetic: a quarter of the size.

    Takes and returns an OnnxModel; ModelError if `model` is none, or has none of the ONNX `operators` to change. Matrix
    products gain; convolutions ("Conv") get slower on a CPU, so they are left out. The scales of the inputs are
    computed in every call (dynamic quantisation), so no data is needed. Lesson 12. After Jacob et al., "Quantization
    and training of neural networks for efficient integer-arithmetic-only inference", CVPR 2018,
    doi:10.1109/CVPR.2018.00286.

    >>> import torch
    >>> from ser_helpers.models.export import to_onnx
    >>> layers = [torch.nn.Linear(64, 64, bias=False) for _ in range(4)]
    >>> model = to_onnx(torch.nn.Sequential(*layers), np.zeros((1, 64)))
    >>> len(quantise(model).content) < 0.5 * len(model.content)
    True
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    _check_onnx(model)
    kinds = [*operators, *(["Gemm"] if "MatMul" in operators else [])]  # a dense layer with bias is a Gemm
    known = {node.op_type for node in onnx.load_from_string(model.content).graph.node}
    if not known & set(kinds):
        raise ModelError(f"The network has no {' or '.join(operators)}, only {', '.join(sorted(known))}.")
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source, prepared, small = (Path(folder) / f"{name}.onnx" for name in ("source", "prepared", "small"))
        model.save(source)
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        quantize_dynamic(prepared, small, op_types_to_quantize=kinds, weight_type=QuantType.QInt8)
        return OnnxModel(small.read_bytes(), model.threads)


def to_float16(model):
    """Weights and arithmetic in half precision (16 bits): half the size; inputs and outputs stay in single precision.

    A CPU converts back and forth; a GPU computes twice as fast or more. Takes and returns an OnnxModel; ModelError if
    `model` is none, or is compressed already. Lesson 12.
    """
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    _check_onnx(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        proto = convert_float_to_float16(onnx.load_from_string(model.content), keep_io_types=True)
    return OnnxModel(proto.SerializeToString(), model.threads)


def prune(model, share):
    """A copy of a network whose smallest weights are zero: magnitude pruning, layer by layer.

    `model` is a fitted KerasClassifier or a torch.nn.Module, `share` that of the weights of each dense or convolutional
    layer, 0 to 1. Zeros are stored and multiplied like other numbers: the file is smaller only when it is zipped, and a
    call is no faster. Raises ModelError if the model is another one, or not fitted; ValueError if there is no such
    share. Lesson 12. After Han et al., "Learning both weights and connections for efficient neural networks", NeurIPS
    2015, arXiv:1506.02626.

    >>> import torch
    >>> pruned = prune(torch.nn.Linear(10, 10), 0.7)
    >>> int((pruned.weight == 0).sum())
    70
    """
    if not 0 <= share < 1:
        raise ValueError(f"share is at least 0 and less than 1, not {share!r}.")
    check_fitted(model, "pruning it")
    return _prune_keras(model, share) if isinstance(model, KerasEstimator) else _prune_torch(model, share)


def compare_sizes(models, X, y):
    """Size, speed and quality of several versions of one model, one row each.

    The models take turns, so that a busy moment of the machine affects all of them. Raises ModelError if a model is not
    fitted, or their labels differ. Lesson 12.

    Parameters
    ----------
    models : dict of str to classifier
        Each with ``predict_proba`` and ``classes_``; the first is what the others are compared with.
    X : array (n, ...)
        Features of n windows that none was trained on.
    y : array (n,)
        Their labels.

    Returns
    -------
    DataFrame
        ``kB``, the size of the ONNX file, and ``zipped_kB`` (NaN for a model that is none); ``ms``, the median time of
        a window alone; ``times_faster`` than the first; ``UAR``; ``largest_change`` of a probability from the first.
    """
    X, y = np.asarray(X), np.asarray(y)
    for model in models.values():
        check_fitted(model, "comparing it")
    first, labels = next(iter(models)), {tuple(model.classes_) for model in models.values()}
    if len(labels) > 1:
        raise ModelError(f"The models must have the same labels, and have {', '.join(map(str, labels))}.")
    probabilities = {
        name: np.concatenate([model.predict_proba(row[None]) for row in X]) for name, model in models.items()
    }
    ms = _median_ms(models, X)
    rows = {
        name: {
            **_sizes(model),
            "ms": ms[name],
            "times_faster": ms[first] / ms[name],
            "UAR": recall_score(y, model.classes_[probabilities[name].argmax(axis=1)], average="macro"),
            "largest_change": np.abs(probabilities[name] - probabilities[first]).max(),
        }
        for name, model in models.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def _check_onnx(model):
    if not isinstance(model, OnnxModel):
        raise ModelError(
            f"A {type(model).__name__} is no OnnxModel: export it with to_onnx first, and give the classifier_ or the"
            " feature_extractor of a WindowClassifier."
        )


def _median_ms(models, X):
    """The median time of each model. The first call of a turn does not count: its predecessor filled the caches."""
    times = {name: [] for name in models}
    end = time.perf_counter() + SECONDS * len(models)
    turn = 0
    while time.perf_counter() < end or turn < 3:
        row, turn = X[turn % len(X)][None], turn + 1
        for name, model in models.items():
            model.predict_proba(row)
            for _ in range(CALLS):
                start = time.perf_counter()
                model.predict_proba(row)
                times[name].append(1000 * (time.perf_counter() - start))
    return {name: float(np.median(values)) for name, values in times.items()}


def _sizes(model):
    if not isinstance(model, OnnxModel):
        return {"kB": np.nan, "zipped_kB": np.nan}
    return {"kB": len(model.content) / 1000, "zipped_kB": len(zlib.compress(model.content, 9)) / 1000}


def _prune_keras(model, share):
    import keras

    pruned = copy.copy(model)
    pruned.model_ = keras.models.clone_model(model.model_)
    pruned.model_.set_weights(model.model_.get_weights())
    for layer in pruned.model_.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is not None:
            weights = keras.ops.convert_to_numpy(kernel)
            kernel.assign(np.where(np.abs(weights) > np.quantile(np.abs(weights), share), weights, 0))
    return pruned


def _prune_torch(module, share):
    import torch
    from torch.nn.utils import prune as pruning

    if not isinstance(module, torch.nn.Module):
        raise ModelError(f"A {type(module).__name__} cannot be pruned: give a KerasClassifier or a torch module.")
    pruned = copy.deepcopy(module)
    for layer in pruned.modules():
        if isinstance(layer, torch.nn.Linear | torch.nn.Conv1d | torch.nn.Conv2d):
            pruning.l1_unstructured(layer, "weight", share)
            pruning.remove(layer, "weight")
    return pruned
