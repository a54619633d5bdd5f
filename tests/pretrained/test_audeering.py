"""The published dimensional model: the numbers of the published network, each under its own name."""

import json

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import soundfile
import torch

from ser_helpers import audio, models
from ser_helpers.errors import ModelError
from ser_helpers.pretrained import DimensionalModel
from ser_helpers.pretrained.imports import ensure_torchaudio
from ser_helpers.streaming import WindowModel, detect

ensure_torchaudio()

from transformers import Wav2Vec2Config, Wav2Vec2Model  # noqa: E402

# What the published config.json says beside the sizes, odd values included.
CONFIG = {
    "model_type": "wav2vec2",
    "architectures": ["Wav2Vec2ForSpeechClassification"],
    "do_stable_layer_norm": True,
    "feat_extract_norm": "layer",
    "conv_bias": True,
    "conv_dim": [16] * 7,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "final_dropout": 0.1,
    "pooling_mode": "mean",
    "problem_type": "regression",
    "finetuning_task": "wav2vec2_reg",
    "torch_dtype": "float32",
    "vocab_size": None,
    "id2label": {"0": "arousal", "1": "dominance", "2": "valence"},
    "label2id": {"arousal": 0, "dominance": 1, "valence": 2},
}
PREPROCESSOR = {"do_normalize": True, "feature_extractor_type": "Wav2Vec2FeatureExtractor", "sampling_rate": 16000}


class Published(torch.nn.Module):
    """What the model's page on the hub says it is: encoder, mean over time, dense, tanh, three outputs."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        settings = {name: value for name, value in CONFIG.items() if value is not None and name != "model_type"}
        self.wav2vec2 = Wav2Vec2Model(Wav2Vec2Config(**settings))
        self.classifier = torch.nn.ModuleDict({"dense": torch.nn.Linear(24, 24), "out_proj": torch.nn.Linear(24, 3)})
        self.eval()

    @torch.no_grad()
    def forward(self, y):
        y = (y - y.mean()) / np.sqrt(y.var() + 1e-7)
        states = self.wav2vec2(torch.as_tensor(y)[None]).last_hidden_state.mean(dim=1)
        return self.classifier.out_proj(torch.tanh(self.classifier.dense(states)))[0].numpy()


@pytest.fixture(scope="module")
def network():
    return Published()


@pytest.fixture
def folder(tmp_path, network, monkeypatch):
    """Writes the network as published; `config` changes what config.json says, `names` those of the weights."""
    monkeypatch.setenv("SER_MODELS_HOME", str(tmp_path / "nothing"))
    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def write(file="model.safetensors", lacking=None, **config):
        (tmp_path / "config.json").write_text(json.dumps(CONFIG | config), encoding="utf-8")
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR), encoding="utf-8")
        modern = "parametrizations.weight.original"  # torch's name today; the checkpoint has the old one
        old = {"0": "weight_g", "1": "weight_v"}
        weights = {
            name if modern not in name else name.replace(modern + name[-1], old[name[-1]]): value.contiguous()
            for name, value in network.state_dict().items()
            if name != lacking
        }
        if file.endswith("bin"):
            torch.save(weights, tmp_path / file)
        else:
            safetensors.torch.save_file(weights, tmp_path / file)
        return tmp_path

    return write


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    paths = [str(tmp_path / f"{row}.wav") for row in range(4)]
    for row, path in enumerate(paths):
        soundfile.write(path, 0.1 * rng.normal(size=4000 + 3000 * row), 16000)
    index = pd.Index([f"toy/{row}" for row in range(4)], name="utterance")
    return pd.DataFrame({"path": paths, "start": np.nan, "end": np.nan}, index=index)


@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin"])
def test_the_numbers_are_those_of_the_published_network_each_under_its_name(folder, table, network, file):
    model = DimensionalModel(folder(file), device="cpu")
    predictions = model.predict(table, progress=False)
    wanted = np.stack([network(audio.load(path, 16000)) for path in table.path])
    assert predictions.columns.tolist() == ["valence", "arousal", "dominance"]
    assert predictions.index.equals(table.index)
    np.testing.assert_allclose(predictions[["arousal", "dominance", "valence"]], wanted, atol=1e-4)
    assert not model.stand_in
    assert model.order_ == ["arousal", "dominance", "valence"]


def test_another_order_in_the_network_gives_the_same_names(folder, table):
    published = DimensionalModel(folder(), device="cpu").predict(table, progress=False)
    turned = folder(id2label={"0": "Valence", "1": "Arousal", "2": "Dominance"})
    predictions = DimensionalModel(turned, device="cpu").predict(table, progress=False)
    np.testing.assert_allclose(predictions.valence, published.arousal, atol=1e-6)


@pytest.mark.parametrize(
    "labels",
    [
        None,
        {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"},
        {"0": "arousal", "1": "arousal", "2": "valence"},
        {"first": "arousal", "second": "dominance", "third": "valence"},
    ],
)
def test_a_configuration_that_does_not_name_its_outputs_is_refused(folder, labels):
    with pytest.raises(ModelError, match="does not say which output is arousal, dominance or valence"):
        DimensionalModel(folder(id2label=labels), device="cpu").fit()


def test_a_checkpoint_without_its_head_is_refused(folder):
    with pytest.raises(ModelError, match=r"cannot be read.*out_proj\.weight"):
        DimensionalModel(folder(lacking="classifier.out_proj.weight"), device="cpu").fit()


def test_predictions_are_on_the_chosen_scale(folder, table):
    path = folder()
    own = DimensionalModel(path, device="cpu").predict(table, progress=False)
    stretched = DimensionalModel(path, scale=(1, 5), device="cpu").predict(table, progress=False)
    np.testing.assert_allclose(stretched, 1 + 4 * own, atol=1e-6)


def test_windows_of_a_stream_get_the_numbers_of_the_published_network(folder, network):
    model = DimensionalModel(folder(), scale=(-1, 1), device="cpu")
    y = np.random.default_rng(0).normal(0, 0.1, 16000 * 4).astype(np.float32)
    found = detect(y, models.window_model(), vad=False, weight=1.0, dimensions=model)
    wanted = 2 * np.stack([network(y[:48000]), network(y[16000:])]) - 1
    np.testing.assert_allclose(found[["arousal", "dominance", "valence"]], np.clip(wanted, -1, 1), atol=1e-4)
    assert isinstance(model, WindowModel)


def test_a_stand_in_says_so(folder, table):
    model = DimensionalModel("nobody/wav2vec2-large-dim", device="cpu")
    predictions = model.predict(table, progress=False)
    assert model.stand_in
    assert predictions.attrs["kind"] == "tiny untrained stand-in for wav2vec2-large-dim"
    assert np.isfinite(predictions.to_numpy()).all()
