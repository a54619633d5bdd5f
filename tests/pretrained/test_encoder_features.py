"""Encoders in `features.extract`: cached by content, resumed after Ctrl-C, no recording lost to another."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import soundfile
from sklearn.linear_model import LogisticRegression

from ser_helpers import audio, features, models
from ser_helpers.errors import ModelError
from ser_helpers.pretrained import Encoder

SR = 16000
pytestmark = pytest.mark.usefixtures("no_weights")


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
    computed = []
    compute = Encoder.compute
    monkeypatch.setattr(Encoder, "compute", lambda self, ys: computed.extend(ys) or compute(self, ys))
    return computed


def test_extract_gives_each_utterance_its_embedding(table):
    table, hubert = table(), encoder("hubert", batch_seconds=1)
    X = features.extract(table, hubert)
    assert X.index.equals(table.index)
    assert list(X.columns) == hubert.columns
    parameters = {"name": hubert.name, "layers": "all", "pooling": "mean+std", "seed": 0}
    assert X.attrs == {"kind": hubert.label, "parameters": parameters}
    np.testing.assert_allclose(X, hubert.embed([audio.load(path) for path in table["path"]]), atol=1e-5)
    part = hubert.layer(X, [0, 3])
    pd.testing.assert_frame_equal(part, features.extract(table, encoder("hubert", layers=[0, 3])))
    with pytest.raises(ValueError, match=r"does not contain layers \[1\]"):
        hubert.layer(part, 1)


def test_correlations_are_numpys_between_evenly_spaced_channels(table, monkeypatch):
    monkeypatch.setattr("ser_helpers.pretrained.encoder.CHANNELS", 3)
    table, hubert = table(3), encoder("hubert", layers=[1, 4], pooling="correlation")
    X = features.extract(table, hubert)
    assert X.attrs["kind"] == "tiny untrained stand-in for hubert, layers 1 and 4, correlations"
    frames = features.extract(table, encoder("hubert", layers=[1, 4], pooling=None))
    middle, last = round((hubert.dims - 1) / 2), hubert.dims - 1
    for name in table.index:
        for layer, states in zip([1, 4], np.split(frames[name], 2, axis=1), strict=True):
            expected = np.corrcoef(states[:, [0, middle, last]].T)[[0, 0, 1], [1, 2, 2]]
            np.testing.assert_allclose(
                X.loc[name, [c for c in X if c.startswith(f"layer{layer}_")]], expected, atol=1e-3
            )
    names = [f"layer1_corr_{a + 1:02}_{b + 1:02}" for a, b in [(0, middle), (0, last), (middle, last)]]
    assert list(hubert.layer(X, 1)) == names


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


def test_the_cache_knows_weights_by_their_content(tmp_path, table, count, save_encoder):
    folder = save_encoder(tmp_path / "hubert", "hubert")
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


def test_a_saved_model_uses_the_same_encoder(table, tmp_path, monkeypatch, save_encoder):
    table = table(4).assign(corpus="toy")
    X = features.extract(table, encoder("hubert", layers=[1, 3]))
    model = LogisticRegression().fit(X, ["sad", "calm", "sad", "calm"])
    models.save(model, tmp_path / "model.ser", X=X, table=table)
    loaded = models.load(tmp_path / "model.ser")
    for path, label in zip(table["path"], model.predict(X), strict=True):
        assert loaded.predict_audio(path) == label
    assert loaded.predict_audio(audio.load(table["path"].iloc[0]), SR) == model.predict(X)[0]
    monkeypatch.setenv("SER_MODELS_HOME", str(save_encoder(tmp_path / "real" / "hubert", "hubert").parent))
    with pytest.raises(
        ModelError, match="needs features of tiny untrained stand-in for hubert, layers 1 and 3, and on"
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
from ser_helpers.pretrained import Encoder
table = pd.read_pickle(sys.argv[1])
features.extract(table, Encoder("nobody/wavlm", device="cpu", batch_seconds=1), progress=False)
"""


def start(table, tmp_path):
    table.to_pickle(tmp_path / "table.pickle")
    (tmp_path / "script.py").write_text(SCRIPT)
    return subprocess.Popen([sys.executable, tmp_path / "script.py", tmp_path / "table.pickle"])


def test_after_ctrl_c_a_second_call_goes_on(table, count, monkeypatch):
    table, compute = table(10), Encoder.compute

    def interrupted(self, waveforms):
        if len(count) >= 4:
            raise KeyboardInterrupt
        return compute(self, waveforms)

    monkeypatch.setattr(Encoder, "compute", interrupted)
    with pytest.raises(KeyboardInterrupt):
        features.extract(table, encoder("wavlm", batch_seconds=1))
    computed = len(count)
    monkeypatch.setattr(Encoder, "compute", compute)
    features.extract(table, encoder("wavlm"))
    assert 4 <= computed < len(table)
    assert len(count) == len(table)


@pytest.mark.slow
def test_two_processes_at_once_are_safe(table, tmp_path, count):
    processes = [start(table(8), tmp_path) for _ in range(2)]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    features.extract(table(8), encoder("wavlm"))
    assert not count


def test_what_is_cached_is_read_without_the_network(table, tmp_path):
    features.extract(table(2), encoder("wavlm", batch_seconds=1))
    table(2).to_pickle(tmp_path / "table.pickle")
    code = SCRIPT + "assert 'transformers' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, tmp_path / "table.pickle"], check=True)
