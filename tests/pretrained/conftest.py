"""What several tests of encoders need: a machine without weights, and weights in the hub's layout."""

import json

import pytest


@pytest.fixture
def no_weights(tmp_path, monkeypatch):
    """No weights on this machine, no connection, an empty cache."""
    monkeypatch.setenv("SER_MODELS_HOME", str(tmp_path / "models"))
    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture
def save_encoder():
    """Writes a tiny network, with random weights from seed 7, as the hub would lay it out."""
    import safetensors.torch
    import torch

    from ser_helpers.pretrained.hub import config_for
    from ser_helpers.pretrained.networks import build

    def write(folder, name, prefix="", dtype=torch.float32, old_names=False, extra=()):
        folder.mkdir(parents=True)
        config = config_for(name)
        (folder / "config.json").write_text(json.dumps({**config, "dtype": str(dtype).removeprefix("torch.")}))
        (folder / "preprocessor_config.json").write_text(json.dumps({"do_normalize": True}))
        weights = {key: torch.ones(2) for key in extra}
        for key, value in build(config, seed=7).model.state_dict().items():
            if old_names:
                key = key.replace("parametrizations.weight.original0", "weight_g")
                key = key.replace("parametrizations.weight.original1", "weight_v")
            weights[prefix + key] = value.to(dtype).contiguous()
        safetensors.torch.save_file(weights, folder / "model.safetensors")
        return folder

    return write
