"""Encoders on disk: found by name, read whatever the checkpoint contains besides, downloaded without surplus."""

import os
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from ser_helpers import paths
from ser_helpers.errors import DownloadError, ModelError
from ser_helpers.pretrained import Encoder, download_encoder, find_encoder

pytestmark = pytest.mark.usefixtures("no_weights")


def noise(samples, seed=0):
    return (0.1 * np.random.default_rng(seed).normal(size=samples) + 0.02).astype(np.float32)


def encoder(name, **options):
    return Encoder(f"nobody/{name}", device="cpu", **options)


@pytest.mark.parametrize(
    ("name", "prefix", "old_names"),
    [
        ("whisper-x", "model.encoder.", False),
        ("whisper-x", "encoder.", False),
        ("wav2vec2-x", "wav2vec2.", True),
        ("wavlm-x", "", True),
    ],
)
def test_weights_are_read_whatever_the_checkpoint_contains_besides(tmp_path, name, prefix, old_names, save_encoder):
    folder = save_encoder(
        tmp_path / "models" / name, name, prefix, old_names=old_names, extra=["classifier.weight", "model.decoder.conv"]
    )
    real = Encoder(f"somebody/{name}", device="cpu")
    assert (real.folder, real.stand_in, real.label) == (folder, False, name)
    expected = Encoder(f"nobody/{name}-other", device="cpu", seed=7).embed([noise(9000)])
    np.testing.assert_allclose(real.embed([noise(9000)]), expected, atol=1e-5)
    np.testing.assert_array_equal(Encoder(folder, device="cpu").embed([noise(9000)]), real.embed([noise(9000)]))


def test_half_precision_on_disk_is_single_on_the_processor(tmp_path, save_encoder):
    folder = save_encoder(tmp_path / "half-wavlm", "wavlm", dtype=torch.float16)
    half = Encoder(folder, device="cpu")
    assert {weight.dtype for weight in half.network.parameters()} == {torch.float32}
    expected = encoder("wavlm", seed=7).embed([noise(9000)])
    np.testing.assert_allclose(half.embed([noise(9000)]), expected, atol=0.02)


def test_old_torch_checkpoints_are_read_without_pickles(tmp_path, save_encoder):
    folder = save_encoder(tmp_path / "hubert", "hubert")
    weights = safetensors.torch.load_file(folder / "model.safetensors")
    expected = Encoder(folder, device="cpu").embed([noise(9000)])
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    np.testing.assert_array_equal(Encoder(folder, device="cpu").embed([noise(9000)]), expected)
    torch.save({"a": os.getcwd}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="hubert cannot be read"):
        Encoder(folder, device="cpu").embed([noise(9000)])


def test_names_are_found_in_the_models_folder_and_the_hub_cache(tmp_path, monkeypatch, save_encoder):
    assert find_encoder("somebody/hubert-x") is None
    snapshot = tmp_path / "models" / "models--somebody--hubert-x" / "snapshots" / "0123"
    save_encoder(snapshot, "hubert")
    (snapshot.parent.parent / "refs").mkdir()
    (snapshot.parent.parent / "refs" / "main").write_text("0123")
    assert find_encoder("somebody/hubert-x") == snapshot
    nearer = save_encoder(tmp_path / "models" / "hubert-x-encoder", "hubert")
    assert find_encoder("somebody/hubert-x") == nearer
    assert find_encoder(nearer) == nearer
    with pytest.raises(ModelError, match=r"has no config\.json with weights"):
        find_encoder(tmp_path)


def test_damaged_folders_are_one_sentence(tmp_path, save_encoder):
    folder = save_encoder(tmp_path / "hubert", "hubert")
    whole = (folder / "model.safetensors").read_bytes()
    config = (folder / "config.json").read_text()
    for damage in (whole[: len(whole) // 2], b"<html>Please log in</html>", b""):
        (folder / "model.safetensors").write_bytes(damage)
        with pytest.raises(
            ModelError, match=r"^The encoder in .*hubert cannot be read \(.*\): delete that folder and get it again\.$"
        ):
            Encoder(folder, device="cpu").embed([noise(4000)])
    (folder / "model.safetensors").write_bytes(whole)
    (folder / "config.json").write_text(config.replace('"hidden_size": 96', '"hidden_size": 64'))
    with pytest.raises(ModelError, match="cannot be read"):
        Encoder(folder, device="cpu").embed([noise(4000)])
    (folder / "config.json").write_text(config.replace('"hidden_size": 96', '"hidden_size": "96"'))
    with pytest.raises(ModelError, match=r"config\.json is damaged .*'96'.*get it again"):
        Encoder(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        Encoder(folder)
    (folder / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ModelError, match="contains a network of type 'bert', not one of data2vec-audio, hubert"):
        Encoder(folder)


@pytest.fixture
def hub(monkeypatch):
    """Stands for huggingface_hub.snapshot_download; what it does is put into the list it gives."""
    import huggingface_hub

    asked = []

    def give(act):
        def snapshot_download(name, **options):
            asked.append(options)
            return act(name, **options)

        monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
        return asked

    return give


def test_download_fetches_only_what_is_needed(tmp_path, hub, save_encoder):
    asked = hub(lambda name, **options: str(save_encoder(tmp_path / "snapshot", "hubert")))
    assert download_encoder("somebody/hubert") == tmp_path / "snapshot"
    (options,) = asked
    assert options["cache_dir"] == paths.models_home()
    assert set(options["allow_patterns"]) == {
        "config.json",
        "preprocessor_config.json",
        "model.safetensors",
        "model-*.safetensors",
    }


def test_whisper_comes_with_what_a_recogniser_needs(tmp_path, hub, save_encoder):
    asked = hub(lambda name, **options: str(save_encoder(tmp_path / "snapshot", "whisper")))
    download_encoder("openai/whisper-base")
    assert {"generation_config.json", "tokenizer.json"} <= set(asked[0]["allow_patterns"])


def test_download_takes_an_old_checkpoint_where_there_is_no_other(tmp_path, hub):
    def act(name, allow_patterns, **options):
        folder = tmp_path / "snapshot"
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text("{}")
        if "pytorch_model.bin" in allow_patterns:
            (folder / "pytorch_model.bin").write_bytes(b"weights")
        return str(folder)

    asked = hub(act)
    assert download_encoder("somebody/hubert") == tmp_path / "snapshot"
    assert len(asked) == 2


def test_download_says_what_went_wrong_in_one_sentence(tmp_path, hub):
    def fail(name, **options):
        raise OSError("We couldn't connect to the hub.\nTrace and much more")

    hub(fail)
    with pytest.raises(
        DownloadError, match=r"^somebody/hubert could not be downloaded \(We couldn't connect to the hub\): check"
    ):
        download_encoder("somebody/hubert")
    (tmp_path / "empty").mkdir()
    hub(lambda name, **options: str(tmp_path / "empty"))
    with pytest.raises(DownloadError, match="has no encoder's configuration and weights"):
        download_encoder("somebody/hubert")


@pytest.mark.parametrize("name", ["/no/such/folder", "./nothing", "a/b/c", Path("nothing")])
def test_a_path_where_there_is_no_folder_is_no_name(name):
    with pytest.raises(ModelError, match="There is no folder"):
        find_encoder(name)
