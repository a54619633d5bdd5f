import pickle

import keras
import numpy as np
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_helpers import corpora, models, pretrained
from ser_helpers.errors import ModelError
from ser_helpers.models import compression, export, ready_models

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 150, 40)).astype(np.float32)
Y = np.array(["angry", "happy", "neutral", "sad"] * 10)
WINDOWS = (0.1 * np.random.default_rng(1).normal(size=(6, 48000))).astype(np.float32)


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution = torch.nn.Conv1d(40, 32, 5, stride=2)
        self.first, self.last = torch.nn.Linear(32, 64), torch.nn.Linear(64, 4)

    def forward(self, x):
        x = self.convolution(x.transpose(1, 2)).relu()
        x = self.first(x.transpose(1, 2)).relu()
        return self.last(x.mean(dim=1)).softmax(dim=-1)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Network().eval()


@pytest.fixture(scope="module")
def onnx(network):
    return models.to_onnx(network, X, classes=np.unique(Y))


def outputs(network):
    with torch.inference_mode():
        return network(torch.as_tensor(X)).numpy()


@pytest.fixture(scope="module")
def keras_model():
    return models.KerasClassifier(ready_models.build_cnn, epochs=1, batch_size=8).fit(X, Y)


def test_keras_and_onnx_agree(keras_model):
    exported = models.to_onnx(keras_model, X)
    np.testing.assert_allclose(exported.predict_proba(X), keras_model.predict_proba(X), atol=1e-5)
    assert exported.classes_.tolist() == keras_model.classes_.tolist()
    assert exported.predict(X).tolist() == keras_model.predict(X).tolist()


def test_pruning_keras_zeroes_the_smallest_and_leaves_the_original(keras_model):
    before = keras_model.predict_proba(X)
    pruned = models.prune(keras_model, 0.5)
    for ours, theirs in zip(pruned.model_.layers, keras_model.model_.layers, strict=True):
        if hasattr(theirs, "kernel"):
            kept, whole = (keras.ops.convert_to_numpy(layer.kernel).ravel() for layer in (ours, theirs))
            assert (kept == 0).mean() == pytest.approx(0.5, abs=0.01)
            assert np.abs(whole[kept == 0]).max() <= np.abs(whole[kept != 0]).min()
    np.testing.assert_array_equal(keras_model.predict_proba(X), before)


def test_torch_onnx_and_torchscript_agree(network, onnx, tmp_path):
    np.testing.assert_allclose(onnx.predict_proba(X), outputs(network), atol=1e-6)
    models.to_torchscript(network, X).save(tmp_path / "network.pt")
    np.testing.assert_array_equal(outputs(torch.jit.load(tmp_path / "network.pt")), outputs(network))


def test_an_encoder_and_its_classifier_are_exported():
    encoder = pretrained.Encoder("facebook/no-such-wav2vec2", layers=[1, 2], pooling="mean+std", device="cpu")
    fitted = models.WindowClassifier(encoder, LogisticRegression()).fit(WINDOWS, ["angry", "sad"] * 3)
    exported = models.to_onnx(fitted, WINDOWS)
    np.testing.assert_allclose(exported.features(WINDOWS), fitted.features(WINDOWS), atol=1e-4)
    np.testing.assert_allclose(exported.predict_proba(WINDOWS), fitted.predict_proba(WINDOWS), atol=1e-4)
    scripted = models.to_torchscript(encoder, WINDOWS)
    np.testing.assert_allclose(scripted(torch.as_tensor(WINDOWS[:1])).numpy(), fitted.features(WINDOWS[:1]), atol=1e-5)
    small = models.quantise(exported.feature_extractor)
    assert len(small.content) < 0.7 * len(exported.feature_extractor.content)
    ours, theirs = small(WINDOWS[0]), exported.feature_extractor(WINDOWS[0])
    assert np.corrcoef(ours, theirs)[0, 1] > 0.99


def test_a_saved_window_model_is_exported_by_its_path(tmp_path):
    path = tmp_path / "voice.ser"
    fitted = models.window_model("linear")
    models.save(fitted, path, X=fitted.features(WINDOWS), table=corpora.load("synthetic-small")[:6])
    exported = models.to_onnx(path, WINDOWS)
    assert isinstance(exported.classifier_, models.OnnxModel)
    assert exported.classes_.tolist() == fitted.classes_.tolist()
    np.testing.assert_allclose(exported.predict_proba(WINDOWS), fitted.predict_proba(WINDOWS), atol=1e-6)
    # onnx.reference computes the graph with NumPy: ONNX Runtime is not asked whether ONNX Runtime is right
    features = fitted.features(WINDOWS)
    reference = ReferenceEvaluator(exported.classifier_.content).run(None, {"x": features})[-1]
    np.testing.assert_allclose(reference, fitted.predict_features(features), atol=1e-6)


def test_a_regressor_of_windows_is_exported():
    fitted = models.WindowRegressor("quick", Ridge(), ("valence", "arousal")).fit(WINDOWS, RNG.normal(size=(6, 2)))
    np.testing.assert_allclose(models.to_onnx(fitted, WINDOWS).predict(WINDOWS), fitted.predict(WINDOWS), atol=1e-4)


def test_a_keras_regressor_keeps_the_scale_of_its_targets():
    def build(input_shape, n_outputs):
        layers = [keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(n_outputs)]
        network = keras.Sequential(layers)
        network.compile(loss="mse")
        return network

    targets = 3 + RNG.normal(size=(40, 2)) * [1, 10]
    fitted = models.KerasRegressor(build, epochs=1).fit(X, targets)
    np.testing.assert_allclose(models.to_onnx(fitted, X).predict(X), fitted.predict(X), rtol=1e-4, atol=1e-4)


def test_in_a_pipeline_the_network_at_its_end_is_exported(keras_model):
    pipeline = Pipeline([("scaler", models.FrameScaler().fit(X)), ("network", keras_model)])
    exported = models.to_onnx(pipeline, X)
    assert isinstance(exported[-1], models.OnnxModel)
    np.testing.assert_allclose(exported.predict_proba(X), pipeline.predict_proba(X), atol=1e-5)


def test_a_file_is_read_back(onnx, tmp_path):
    onnx.save(tmp_path / "model.onnx")
    for copy in (models.OnnxModel.load(tmp_path / "model.onnx"), pickle.loads(pickle.dumps(onnx))):
        np.testing.assert_array_equal(copy.predict_proba(X), onnx.predict_proba(X))
        assert copy.classes_.tolist() == onnx.classes_.tolist()


@pytest.mark.parametrize(
    ("compressed", "smaller", "change"),
    [(compression.quantise, 0.9, 0.02), (compression.to_float16, 0.6, 0.002)],
    ids=["INT8", "half"],
)
def test_compressed_is_smaller_and_nearly_the_same(network, compressed, smaller, change):
    wide = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(6000, 16), torch.nn.Linear(16, 4), torch.nn.Softmax(-1)
    )
    whole = models.to_onnx(wide, X, classes=np.unique(Y))
    small = compressed(whole)
    assert len(small.content) < smaller * len(whole.content)
    np.testing.assert_allclose(small.predict_proba(X), whole.predict_proba(X), atol=change)
    assert small.classes_.tolist() == whole.classes_.tolist()


def test_only_matrix_products_are_quantised(onnx):
    import onnx as library

    nodes = [node.op_type for node in library.load_from_string(models.quantise(onnx).content).graph.node]
    assert "Conv" in nodes
    assert any("MatMulInteger" in node for node in nodes)
    assert "MatMul" not in nodes


def test_nothing_to_quantise_is_said(onnx):
    with pytest.raises(ModelError, match="no LSTM"):
        models.quantise(onnx, ("LSTM",))


def test_pruning_torch_leaves_the_original(network):
    pruned = models.prune(network, 0.8)
    assert float((pruned.first.weight == 0).float().mean()) == pytest.approx(0.8, abs=0.01)
    assert not (network.first.weight == 0).any()
    assert len(models.to_onnx(pruned, X).content) == pytest.approx(len(models.to_onnx(network, X).content), rel=0.01)


def test_the_table_compares(onnx, monkeypatch):
    monkeypatch.setattr(compression, "SECONDS", 0.02)
    table = models.compare_sizes({"whole": onnx, "half": models.to_float16(onnx)}, X, onnx.predict(X))
    assert table.loc["whole", ["times_faster", "UAR", "largest_change"]].tolist() == [1, 1, 0]
    assert table.loc["half", "kB"] < table.loc["whole", "kB"]
    assert 0 < table.loc["half", "largest_change"] < 0.01


def test_wrong_shapes_files_and_shares_get_a_sentence(onnx, tmp_path):
    with pytest.raises(ModelError, match=r"takes arrays of the shape \('n', 150, 40\), not \(2, 3\)"):
        onnx.predict_proba(np.zeros((2, 3)))
    with pytest.raises(ModelError, match="no ONNX network"):
        models.OnnxModel(b"not a network")
    with pytest.raises(ModelError, match="give the path of an ONNX file"):
        models.OnnxModel.load(tmp_path / "absent.onnx")
    with pytest.raises(ValueError, match="less than 1"):
        models.prune(torch.nn.Linear(1, 1), 1)


def test_what_no_exporter_knows_gets_a_sentence():
    class Unknown(torch.nn.Module):
        def forward(self, x):
            raise RuntimeError("no such layer")

    for exporter in (models.to_onnx, models.to_torchscript):
        with pytest.raises(ModelError, match=r"cannot be exported \(no such layer\)"):
            exporter(Unknown(), X)


def test_whisper_is_not_exported():
    with pytest.raises(ModelError, match="not Whisper"):
        export._encoder_module(pretrained.Encoder("openai/no-such-whisper", device="cpu"))


def test_labels_that_are_numbers_stay_numbers():
    exported = models.to_onnx(torch.nn.Softmax(-1), [[0.0, 1.0]], classes=[1, 2])
    assert exported.predict([[9.0, 0.0], [0.0, 9.0]]).tolist() == [1, 2]


@pytest.mark.parametrize("classes", [["a"], ["a", "b", "c"]])
def test_every_output_of_a_module_has_its_label(classes):
    with pytest.raises(ModelError, match="name a class for each of its outputs"):
        models.to_onnx(torch.nn.Linear(3, 2), np.zeros((1, 3)), classes=classes)


def test_a_network_without_labels_gives_its_output():
    exported = models.to_onnx(torch.nn.Identity(), np.zeros((1, 3)))
    assert exported.predict([[1.0, 2.0, 3.0]]).tolist() == [[1.0, 2.0, 3.0]]


@pytest.mark.parametrize(
    "unfitted",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        models.KerasClassifier(ready_models.build_cnn),
        models.WindowClassifier("quick", LogisticRegression()),
    ],
    ids=lambda model: type(model).__name__,
)
def test_what_is_not_fitted_is_not_exported_pruned_or_compared(unfitted):
    kind = type(unfitted).__name__
    with pytest.raises(ModelError, match=f"This {kind} is not fitted yet: fit it before exporting it"):
        models.to_onnx(unfitted, X)
    with pytest.raises(ModelError, match=f"This {kind} is not fitted yet: fit it before pruning it"):
        models.prune(unfitted, 0.5)
    with pytest.raises(ModelError, match="not fitted yet: fit it before comparing it"):
        models.compare_sizes({"one": unfitted}, X, Y)
    for smaller in (models.quantise, models.to_float16):
        with pytest.raises(ModelError, match=f"A {kind} is no OnnxModel: export it with to_onnx first"):
            smaller(unfitted)


@pytest.mark.parametrize("model", [LogisticRegression, None, "model.onnx", models.GaussianMixtureClassifier(1)])
def test_what_is_no_network_is_refused(model):
    if isinstance(model, models.GaussianMixtureClassifier):
        model.fit(X[:, 0], Y)
    with pytest.raises(ModelError, match=r"cannot be exported|There is no file model\.onnx: check the path"):
        models.to_onnx(model, X)
    with pytest.raises(ModelError, match="cannot be exported so: give a torch module or Encoder"):
        models.to_torchscript(model, X)
    with pytest.raises(ModelError, match="cannot be pruned: give a KerasClassifier or a torch module"):
        models.prune(model, 0.5)


@pytest.mark.parametrize("example", [X[:0], np.float32(1), X[0, 0], [["a"]], None, [[1], [1, 2]]])
def test_an_example_that_is_none_is_refused(network, example):
    for exporter in (models.to_onnx, models.to_torchscript):
        with pytest.raises(ModelError, match=r"example is an array \(n, \.\.\.\) of numbers with one row or more"):
            exporter(network, example)


def test_nan_words_and_ragged_rows_have_no_answer(onnx):
    with pytest.raises(ModelError, match="gives NaN or infinity"):
        onnx.predict(np.full_like(X, np.nan))
    for rows in ([["a"]], [[1], [1, 2]]):
        with pytest.raises(ModelError, match="array of numbers"):
            onnx.predict(rows)


def test_a_place_that_cannot_be_written_gets_a_sentence(onnx, tmp_path):
    with pytest.raises(ModelError, match="cannot be written"):
        onnx.save(tmp_path)


def test_models_with_other_labels_are_not_compared(onnx, network):
    others = models.to_onnx(network, X, classes=list("abcd"))
    with pytest.raises(ModelError, match="must have the same labels"):
        models.compare_sizes({"onnx": onnx, "others": others}, X, Y)
