"""Encoders: the numbers of plain transformers, whatever else is in the batch; honest names; nothing downloaded."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from ser_helpers import audio, corpora, evaluation, features, home, models
from ser_helpers.errors import AudioError, DownloadError, ModelError
from ser_helpers.models import Encoder, SpeakerNormaliser, download_encoder, find
from ser_helpers.models.batches import by_length
from ser_helpers.models.encoder_networks import build
from ser_helpers.models.stand_ins import config_for

WAVE = ["wav2vec2-base", "wav2vec2-large", "hubert-base", "hubert-large", "wavlm-base", "wavlm-large", "data2vec-audio"]
NAMES = [*WAVE, "whisper-base"]
SR = 16000


@pytest.fixture(autouse=True)
def nothing_here(tmp_path, monkeypatch):
    """No weights on this machine, no connection, an empty cache."""
    monkeypatch.setenv("SER_MODELS_HOME", str(tmp_path / "models"))
    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def noise(samples, seed=0):
    return (0.1 * np.random.default_rng(seed).normal(size=samples) + 0.02).astype(np.float32)


def encoder(name, **options):
    return Encoder(f"nobody/{name}", device="cpu", **options)


@pytest.fixture
def table(tmp_path):
    """Makes an utterance table of so many noises, each a little longer than the last."""

    def make(rows=6, longer=800):
        paths = [str(tmp_path / f"{row}.wav") for row in range(rows)]
        for row, path in enumerate(paths):
            soundfile.write(path, noise(4000 + longer * row, row), SR)
        index = pd.Index([f"toy/{row}" for row in range(rows)], name="utterance")
        return pd.DataFrame({"path": paths, "start": np.nan, "end": np.nan}, index=index)

    return make


@pytest.fixture
def count(monkeypatch):
    """Counts the recordings that an encoder computes in this process."""
    heard = []
    compute = Encoder.compute
    monkeypatch.setattr(Encoder, "compute", lambda self, ys: heard.extend(ys) or compute(self, ys))
    return heard


def plain_transformers(name, model, y):
    """All layers of one recording without padding, as the library itself computes them: (layers, frames, dims)."""
    from transformers import Wav2Vec2FeatureExtractor, WhisperFeatureExtractor

    if name.startswith("whisper"):
        given = WhisperFeatureExtractor()(y, sampling_rate=SR, return_tensors="pt").input_features
    else:
        given = Wav2Vec2FeatureExtractor(do_normalize=True)(y, sampling_rate=SR, return_tensors="pt").input_values
    with torch.no_grad():
        found = model(given, output_hidden_states=True)
    return torch.cat([*found.hidden_states[:-1], found.last_hidden_state]).numpy()


@pytest.mark.parametrize("name", NAMES)
def test_frames_are_those_of_plain_transformers(name):
    y = noise(30 * SR if name.startswith("whisper") else 23456)  # the library gives Whisper 30 s and no other length
    frames = encoder(name, pooling=None)
    expected = plain_transformers(name, frames.network.model, y)
    found = frames.embed([noise(SR, 1), y])[1].reshape(expected.shape[1], 5, 96).transpose(1, 0, 2)
    assert expected.std() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-4)
    pooled = np.concatenate([expected.mean(axis=1), expected.std(axis=1)], axis=1).ravel()
    np.testing.assert_allclose(encoder(name).embed([y])[0], pooled, atol=1e-4)


def test_whisper_hears_a_short_recording_with_the_first_positions_only():
    from transformers import WhisperFeatureExtractor

    y = noise(19_840)
    frames = encoder("whisper-tiny", pooling=None)
    model = frames.network.model
    mel = WhisperFeatureExtractor()(y, sampling_rate=SR, padding="do_not_pad", return_tensors="pt").input_features
    assert mel.shape[-1] == 124
    model.config.max_source_positions = 62  # the library asks for this length exactly
    positions = model.embed_positions
    model.embed_positions = torch.nn.Embedding.from_pretrained(positions.weight[:62])
    try:
        with torch.no_grad():
            expected = model(mel, output_hidden_states=True)
    finally:
        model.embed_positions, model.config.max_source_positions = positions, 1500
    layers = [*expected.hidden_states[:-1], expected.last_hidden_state]
    np.testing.assert_allclose(frames.embed([y])[0], torch.cat(layers, dim=-1)[0].numpy(), atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=4, deadline=None)
@given(lengths=st.lists(st.integers(400, 40_000), min_size=2, max_size=5), budget=st.floats(0.1, 20))
def test_neither_padding_nor_company_changes_an_embedding(name, lengths, budget):
    recordings = [noise(length, seed) for seed, length in enumerate(lengths)]
    alone = np.concatenate([encoder(name).embed([y]) for y in recordings])
    together = encoder(name, batch_seconds=budget).embed(recordings)
    np.testing.assert_allclose(together, alone, atol=1e-4)


@given(st.lists(st.integers(1, 100), max_size=30), st.integers(1, 300))
def test_batches_hold_every_recording_once_and_no_more_than_the_budget(lengths, budget):
    batches = by_length(lengths, budget)
    assert sorted(number for batch in batches for number in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[number] for number in batch) <= budget


@pytest.mark.parametrize("name", ["whisper-base", "wav2vec2-base"])
def test_a_long_recording_is_heard_in_pieces(name):
    y = noise(31 * SR)
    frames = encoder(name, layers=4, pooling=None).embed([y])[0]
    assert len(frames) == pytest.approx(31 * 50, abs=3)
    if name == "whisper-base":
        halves = encoder(name, layers=4, pooling=None).embed(list(np.split(y, 2)))
        np.testing.assert_allclose(frames, np.concatenate(halves), atol=1e-4)


def test_layers_and_pooling_choose_columns():
    ys = [noise(8000), noise(9000, 1)]
    everything = encoder("hubert").embed(ys)
    names = encoder("hubert").columns
    assert everything.shape == (2, len(names)) == (2, 5 * 2 * 96)
    for options in ({"layers": 2}, {"layers": [4, 0]}, {"pooling": "mean"}, {"layers": 1, "pooling": "mean"}):
        chosen = encoder("hubert", **options)
        np.testing.assert_array_equal(chosen.embed(ys), everything[:, [names.index(name) for name in chosen.columns]])
    assert encoder("hubert", layers=3, pooling="mean").columns[16] == "layer3_mean_17"
    assert encoder("hubert", layers=[4, 0]).columns[0] == "layer4_mean_01"
    frames = encoder("hubert", layers=[4, 0], pooling=None).embed(ys)[0]
    np.testing.assert_allclose(
        frames[:, :96].mean(axis=0), everything[0, names.index("layer4_mean_01") :][:96], atol=1e-5
    )


@pytest.mark.parametrize(
    "options", [{"layers": 5}, {"layers": -1}, {"layers": []}, {"layers": "last"}, {"layers": [1.5]}]
)
def test_a_layer_that_is_not_there_is_one_sentence(options):
    with pytest.raises(ValueError, match=r"stand-in for hubert has the layers 0 to 4, or 'all', and not "):
        encoder("hubert", **options)


def test_other_parameters_are_checked_at_once():
    with pytest.raises(ValueError, match="pooling is 'mean\\+std', 'mean' or None, not 'max'"):
        encoder("hubert", pooling="max")
    with pytest.raises(ValueError, match="precision is one of auto, float32, float16, bfloat16, not 'half'"):
        encoder("hubert", precision="half")


def test_bad_recordings_are_named():
    for y, problem in [
        (np.zeros(0, np.float32), "it lasts 0 ms, less than one frame"),
        (np.zeros(399, np.float32), "less than one frame of 25 ms"),
        (np.full(8000, np.nan, np.float32), "it holds NaN"),
        (np.zeros((2, 8000), np.float32), "average the channels"),
    ]:
        with pytest.raises(AudioError, match=f"^Cannot use recording 1: .*{problem}"):
            encoder("wavlm-base").embed([noise(8000), y])


@pytest.mark.parametrize("name", NAMES)
def test_silence_and_the_shortest_recording_have_an_embedding(name):
    X = encoder(name).embed([np.zeros(SR, np.float32), noise(400)])
    assert np.isfinite(X).all()


def test_a_stand_in_says_so_wherever_it_appears(table):
    stand_in = encoder("whisper-base")
    assert stand_in.stand_in
    assert stand_in.folder is None
    assert stand_in.label == "tiny untrained stand-in for whisper-base"
    X = features.extract(table(2), stand_in)
    assert X.attrs["kind"] == stand_in.label
    assert stand_in.layer(X, 3).attrs["kind"] == "tiny untrained stand-in for whisper-base, layer 3"
    assert encoder("whisper-base", layers=[1, 2, 3]).label.endswith(", layers 1, 2 and 3")


def test_stand_ins_follow_their_seed_and_leave_the_others_alone():
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    first = encoder("hubert").embed([noise(4000)])
    assert torch.rand(1) == expected
    np.testing.assert_array_equal(encoder("hubert").embed([noise(4000)]), first)
    assert not np.allclose(encoder("hubert", seed=1).embed([noise(4000)]), first, atol=1e-2)


def test_a_name_that_tells_nothing_is_one_sentence():
    with pytest.raises(ModelError, match=r"'nobody/thing' is not on this machine.*`ser download nobody/thing`"):
        Encoder("nobody/thing")


def save(folder, name, prefix="", dtype=torch.float32, old_names=False, extra=()):
    """Write a tiny network in the layout of the hub."""
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


@pytest.mark.parametrize(
    ("name", "prefix", "old_names"),
    [
        ("whisper-x", "model.encoder.", False),
        ("whisper-x", "encoder.", False),
        ("wav2vec2-x", "wav2vec2.", True),
        ("wavlm-x", "", True),
    ],
)
def test_weights_are_read_whatever_stands_around_them(tmp_path, name, prefix, old_names):
    folder = save(
        tmp_path / "models" / name, name, prefix, old_names=old_names, extra=["classifier.weight", "model.decoder.conv"]
    )
    real = Encoder(f"somebody/{name}", device="cpu")
    assert (real.folder, real.stand_in, real.label) == (folder, False, name)
    expected = Encoder(f"nobody/{name}-other", device="cpu", seed=7).embed([noise(9000)])
    np.testing.assert_allclose(real.embed([noise(9000)]), expected, atol=1e-5)
    np.testing.assert_array_equal(Encoder(folder, device="cpu").embed([noise(9000)]), real.embed([noise(9000)]))


def test_half_precision_on_disk_is_single_on_the_processor(tmp_path):
    folder = save(tmp_path / "half-wavlm", "wavlm", dtype=torch.float16)
    half = Encoder(folder, device="cpu")
    assert {weight.dtype for weight in half.network.parameters()} == {torch.float32}
    expected = encoder("wavlm", seed=7).embed([noise(9000)])
    np.testing.assert_allclose(half.embed([noise(9000)]), expected, atol=0.02)


def test_old_torch_checkpoints_are_read_without_pickles(tmp_path):
    folder = save(tmp_path / "hubert", "hubert")
    weights = safetensors.torch.load_file(folder / "model.safetensors")
    expected = Encoder(folder, device="cpu").embed([noise(9000)])
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    np.testing.assert_array_equal(Encoder(folder, device="cpu").embed([noise(9000)]), expected)
    torch.save({"a": os.getcwd}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="hubert cannot be read"):
        Encoder(folder, device="cpu").embed([noise(9000)])


def test_names_are_found_in_the_models_folder_and_the_hub_cache(tmp_path, monkeypatch):
    assert find("somebody/hubert-x") is None
    snapshot = tmp_path / "models" / "models--somebody--hubert-x" / "snapshots" / "0123"
    save(snapshot, "hubert")
    (snapshot.parent.parent / "refs").mkdir()
    (snapshot.parent.parent / "refs" / "main").write_text("0123")
    assert find("somebody/hubert-x") == snapshot
    nearer = save(tmp_path / "models" / "hubert-x-encoder", "hubert")
    assert find("somebody/hubert-x") == nearer
    assert find(nearer) == nearer
    with pytest.raises(ModelError, match=r"holds no config\.json with weights"):
        find(tmp_path)


def test_damaged_folders_are_one_sentence(tmp_path):
    folder = save(tmp_path / "hubert", "hubert")
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
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        Encoder(folder)
    (folder / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ModelError, match="holds a network of type 'bert', not one of data2vec-audio, hubert"):
        Encoder(folder)


def test_extract_gives_each_utterance_its_embedding(table):
    table, hubert = table(), encoder("hubert", batch_seconds=1)
    X = features.extract(table, hubert)
    assert X.index.equals(table.index)
    assert list(X.columns) == hubert.columns
    assert X.attrs == {
        "kind": hubert.label,
        "parameters": {"name": hubert.name, "layers": "all", "pooling": "mean+std"},
    }
    np.testing.assert_allclose(X, hubert.embed([audio.load(path) for path in table["path"]]), atol=1e-5)
    part = hubert.layer(X, [0, 3])
    pd.testing.assert_frame_equal(part, features.extract(table, encoder("hubert", layers=[0, 3])))
    with pytest.raises(ValueError, match=r"does not hold layers \[1\]"):
        hubert.layer(part, 1)


def test_extract_gives_frames_where_nothing_is_pooled(table):
    table, hubert = table(3), encoder("hubert", layers=[1, 4], pooling=None)
    X = features.extract(table, hubert)
    assert X.name == hubert.label
    for y, frames in zip([audio.load(path) for path in table["path"]], X, strict=True):
        np.testing.assert_allclose(frames, hubert.embed([y])[0], atol=1e-5)


def test_all_layers_and_poolings_share_one_computation(table, count):
    for options in ({}, {"layers": 2}, {"layers": [1, 3], "pooling": "mean"}):
        features.extract(table(3), encoder("hubert", **options))
    assert len(count) == 3
    features.extract(table(3), encoder("hubert", seed=1))
    features.extract(table(3), encoder("wavlm"))
    assert len(count) == 9


def test_the_cache_knows_weights_by_their_content(tmp_path, table, count):
    folder = save(tmp_path / "hubert", "hubert")
    X = features.extract(table(2), Encoder(folder))
    moved = folder.rename(tmp_path / "hubert-moved")
    pd.testing.assert_frame_equal(features.extract(table(2), Encoder(moved)), X)
    weights = safetensors.torch.load_file(moved / "model.safetensors")
    safetensors.torch.save_file({key: value * 1.5 for key, value in weights.items()}, moved / "model.safetensors")
    assert not np.allclose(features.extract(table(2), Encoder(moved)), X)
    assert len(count) == 4


def test_augmented_speech_is_embedded_and_cached(table, count):
    plain, noisy, again = (
        features.extract(table(2), encoder("hubert"), augment=augment)
        for augment in (None, audio.Noise(), audio.Noise())
    )
    assert not np.isclose(plain, noisy).all(axis=1).any()
    pd.testing.assert_frame_equal(noisy, again)
    assert len(count) == 4


def test_a_saved_model_hears_with_the_same_encoder(table, tmp_path, monkeypatch):
    table = table(4).assign(corpus="toy")
    X = features.extract(table, encoder("hubert", layers=[1, 3]))
    model = LogisticRegression().fit(X, ["sad", "calm", "sad", "calm"])
    models.save(model, tmp_path / "model.ser", X=X, table=table)
    loaded = models.load(tmp_path / "model.ser")
    for path, label in zip(table["path"], model.predict(X), strict=True):
        assert loaded.predict_audio(path) == label
    assert loaded.predict_audio(audio.load(table["path"].iloc[0]), SR) == model.predict(X)[0]
    monkeypatch.setenv("SER_MODELS_HOME", str(save(tmp_path / "real" / "hubert", "hubert").parent))
    with pytest.raises(
        ModelError, match="wants features of tiny untrained stand-in for hubert, layers 1 and 3, and on"
    ):
        loaded.predict_audio(table["path"].iloc[0])


def test_bad_recordings_cost_only_themselves(table, tmp_path, monkeypatch):
    table = table(5)
    table.loc["toy/0", "path"] = str(tmp_path / "gone.wav")
    soundfile.write(tmp_path / "1.wav", np.zeros(100), SR)
    compute = Encoder.compute

    def failing(self, ys):
        if any(len(y) == 5600 for y in ys):
            raise RuntimeError("out of memory\nand much more")
        return compute(self, ys)

    monkeypatch.setattr(Encoder, "compute", failing)
    with pytest.warns(UserWarning, match="3 of 5 recordings cannot be used") as caught:
        X = features.extract(table, encoder("hubert"))
    message = str(caught[0].message)
    assert "gone.wav: there is no such file" in message
    assert "1.wav: it lasts" in message
    assert "2.wav: RuntimeError: out of memory." in message
    assert X.isna().all(axis=1).tolist() == [True, True, True, False, False]


def test_what_is_no_encoder_is_refused(table):
    with pytest.raises(ValueError, match=r"kind is one of vector193, .*, or an encoder, not 3\."):
        features.extract(table(1), 3)
    with pytest.raises(ValueError, match="layers: give an encoder its parameters when you make it"):
        features.extract(table(1), encoder("hubert"), layers=3)


SCRIPT = """
import sys
import pandas as pd
from ser_helpers import features
from ser_helpers.models import Encoder
table = pd.read_pickle(sys.argv[1])
features.extract(table, Encoder("nobody/wavlm", device="cpu", batch_seconds=1), progress=False)
"""


def start(table, tmp_path):
    table.to_pickle(tmp_path / "table.pickle")
    (tmp_path / "script.py").write_text(SCRIPT)
    return subprocess.Popen([sys.executable, tmp_path / "script.py", tmp_path / "table.pickle"], start_new_session=True)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a POSIX signal")
def test_after_ctrl_c_a_second_call_goes_on(table, tmp_path, count):
    table = pd.concat([table(10)] * 60, ignore_index=True)
    table["end"] = np.linspace(0.2, 0.25, len(table))
    process = start(table, tmp_path)
    store = home.cache_home() / "features" / "embeddings.sqlite"
    deadline = time.monotonic() + 60
    while not (store.exists() and store.stat().st_size > 50_000) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) != 0
    features.extract(table, encoder("wavlm"))
    assert 0 < len(count) < len(table)


def test_two_processes_at_once_are_safe(table, tmp_path, count):
    processes = [start(table(8), tmp_path) for _ in range(2)]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    features.extract(table(8), encoder("wavlm"))
    assert not count


def test_the_libraries_keep_quiet(capfd):
    code = (
        "import numpy as np\nfrom ser_helpers.models import Encoder\n"
        f"for name in {NAMES}: Encoder('nobody/' + name).embed([np.zeros(8000), np.zeros(9000)])"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_is_cached_is_read_without_the_network(table, tmp_path):
    features.extract(table(2), encoder("wavlm", batch_seconds=1))
    table(2).to_pickle(tmp_path / "table.pickle")
    code = SCRIPT + "assert 'transformers' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, tmp_path / "table.pickle"], check=True)


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


def test_download_fetches_only_what_is_needed(tmp_path, hub):
    asked = hub(lambda name, **options: str(save(tmp_path / "snapshot", "hubert")))
    assert download_encoder("somebody/hubert") == tmp_path / "snapshot"
    (options,) = asked
    assert options["cache_dir"] == home.models_home()
    assert set(options["allow_patterns"]) == {
        "config.json",
        "preprocessor_config.json",
        "model.safetensors",
        "model-*.safetensors",
    }


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
    with pytest.raises(DownloadError, match="holds no encoder's configuration and weights"):
        download_encoder("somebody/hubert")


@pytest.mark.real
def test_whisper_hears_the_emotions_of_actors_it_has_not_heard(monkeypatch):
    """The figures of the reference: layer 3 .74, layers 1 to 6 .76, with each speaker's z-normalisation .82 to .84."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    monkeypatch.undo()
    whisper = Encoder("openai/whisper-base")
    try:
        table = corpora.load("ravdess")
    except corpora.CorpusMissing:
        pytest.skip("SER_DATA_HOME holds no RAVDESS")
    if whisper.stand_in:
        pytest.skip("SER_MODELS_HOME holds no Whisper-base")
    X = features.extract(table, whisper, progress=False)

    def uar(X, C, *first):
        model = make_pipeline(*first, StandardScaler(), LogisticRegression(C=C, max_iter=1000))
        return evaluation.cross_validate(model, X, table, progress=False).folds["uar"].mean()

    assert uar(whisper.layer(X, 3), 0.01) > 0.73
    assert uar(whisper.layer(X, range(1, 7)), 0.003) >= 0.74
    assert uar(whisper.layer(X, range(1, 7)), 0.003, SpeakerNormaliser(table["speaker"])) >= 0.82
