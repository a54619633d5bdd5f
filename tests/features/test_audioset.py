"""VGGish on random weights of the published names and shapes, against the same network in torch; and its patches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers import features, paths
from ser_helpers.errors import DownloadError, WeightsMissing
from ser_helpers.features import audioset

SR = 16000
VGGISH = {
    "conv1": (3, 3, 1, 64),
    "conv2": (3, 3, 64, 128),
    "conv3/conv3_1": (3, 3, 128, 256),
    "conv3/conv3_2": (3, 3, 256, 256),
    "conv4/conv4_1": (3, 3, 256, 512),
    "conv4/conv4_2": (3, 3, 512, 512),
    "fc1/fc1_1": (12288, 4096),
    "fc1/fc1_2": (4096, 4096),
    "fc2": (4096, 128),
}


def noise(samples=40_000, seed=1):
    return (0.1 * np.random.default_rng(seed).normal(size=samples)).astype(np.float32)


def random(rng, shape):
    """Weights that keep the size of what passes through them."""
    return (rng.random(shape, dtype=np.float32) - 0.5) * np.float32(np.sqrt(24 / np.prod(shape[:-1])))


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder of random weights, and {variable: array}."""
    tf = pytest.importorskip("tensorflow").compat.v1
    folder, rng = tmp_path_factory.mktemp("models"), np.random.default_rng(0)
    (folder / "vggish").mkdir()
    made = {}
    for name, shape in VGGISH.items():
        made[f"vggish/{name}/weights"] = random(rng, shape)
        made[f"vggish/{name}/biases"] = 0.1 * rng.random(shape[-1], dtype=np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        empty = {name: tf.get_variable(name, array.shape, use_resource=False) for name, array in made.items()}
        for name, array in made.items():
            empty[name].load(array, session)
        saver = tf.train.Saver(empty, write_version=tf.train.SaverDef.V1)  # one file, as the published one
        saver.save(session, str(folder / "vggish" / "vggish_model.ckpt"), write_meta_graph=False, write_state=False)
    pca = {"pca_eigen_vectors": 0.05 * rng.normal(size=(128, 128)), "pca_means": rng.normal(size=(128, 1))}
    np.savez(folder / "vggish" / "vggish_pca_params.npz", **pca)
    return folder, made | pca


@pytest.fixture
def weights(models, monkeypatch):
    monkeypatch.setenv("SER_MODELS_HOME", str(models[0]))
    return models[1]


def vggish_in_torch(weights, examples):
    torch = pytest.importorskip("torch")
    x = torch.tensor(examples)[:, None]
    for name in VGGISH:
        kernel, bias = (torch.tensor(weights[f"vggish/{name}/{part}"]) for part in ("weights", "biases"))
        if kernel.ndim == 4:
            x = torch.relu(torch.nn.functional.conv2d(x, kernel.permute(3, 2, 0, 1), bias, padding=1))
            if name in ("conv1", "conv2", "conv3/conv3_2", "conv4/conv4_2"):
                x = torch.nn.functional.max_pool2d(x, 2)
        else:
            x = x.permute(0, 2, 3, 1).flatten(1) if x.ndim == 4 else x
            x = x @ kernel + bias
            x = x if name == "fc2" else torch.relu(x)
    return x.numpy()


@pytest.mark.slow
def test_vggish_computes_what_its_layers_say(weights):
    y = noise()
    expected = vggish_in_torch(weights, audioset.log_mel_patches(y))
    found = audioset.vggish_patches(y, SR, postprocess=False)
    assert found.shape == (2, 128)
    assert np.ptp(expected, axis=0).max() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-3)
    np.testing.assert_allclose(features.vggish(y, SR, postprocess=False), expected.mean(axis=0), atol=1e-3)


def test_vggish_is_whitened_and_quantised_as_published(weights):
    y = noise()
    vectors, means = weights["pca_eigen_vectors"], weights["pca_means"]
    raw = audioset.vggish_patches(y, SR, postprocess=False)
    expected = np.clip((vectors @ (raw.T - means)).T, -2.0, 2.0)
    expected = ((expected + 2.0) * (255.0 / 4.0)).astype(np.uint8)
    assert len(np.unique(expected)) > 20
    np.testing.assert_array_equal(audioset.vggish_patches(y, SR), expected)
    np.testing.assert_array_equal(features.vggish(y, SR), expected.mean(axis=0))


def test_extract_reads_the_weights_once(weights, table):
    audioset._vggish.cache_clear()
    X = features.extract(table(3), "vggish", jobs=1, cache=False)
    assert X.columns.tolist() == features.names("vggish")
    assert np.isfinite(X.to_numpy()).all()
    assert audioset._vggish.cache_info().misses == 1


def test_without_weights_nothing_is_downloaded_and_the_command_is_named(table, tmp_path, monkeypatch):
    monkeypatch.setenv("SER_MODELS_HOME", str(tmp_path / "nothing"))
    assert not features.available("vggish")
    for call in (lambda: features.extract(table(1), "vggish"), lambda: features.vggish(noise(), SR)):
        with pytest.raises(WeightsMissing, match=r"are not in .*get them with `ser download vggish`\.$"):
            call()
    assert not (tmp_path / "nothing").exists()


def test_damaged_weights_are_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("SER_MODELS_HOME", str(tmp_path))
    (tmp_path / "vggish").mkdir()
    for name in ("vggish_model.ckpt", "vggish_pca_params.npz"):
        (tmp_path / "vggish" / name).write_bytes(b"<html>Please log in</html>")
    assert features.available("vggish")
    with pytest.raises(DownloadError, match=r"cannot be read: delete that folder and call `ser download vggish`\.$"):
        features.vggish(noise(), SR)


@pytest.mark.skipif(not (paths.models_home() / "vggish" / "vggish_model.ckpt").exists(), reason="no published weights")
def test_the_published_weights_give_the_publishers_figures():
    """The figures of vggish_smoke_test.py, which allows 10 %."""
    tone = np.sin(2 * np.pi * 1000 * np.arange(3 * SR) / SR)
    raw = audioset.vggish_patches(tone, SR, postprocess=False)
    assert raw.std() == pytest.approx(0.343, rel=0.1)
    assert raw.mean() == pytest.approx(0.000657, rel=0.1)
    published = audioset.vggish_patches(tone, SR)
    assert published.mean() == pytest.approx(126, rel=0.1)
    assert published.std() == pytest.approx(89.3, rel=0.1)


def test_patches_are_those_that_tensorflow_computes():
    tf = pytest.importorskip("tensorflow")
    y = noise(50_000) + np.sin(2 * np.pi * 440 * np.arange(50_000) / SR).astype(np.float32)
    mel = tf.signal.linear_to_mel_weight_matrix(64, 257, SR, 125.0, 7500.0)
    logmel = tf.math.log(tf.abs(tf.signal.stft(y, 400, 160, 512)) @ mel + 0.01)
    expected = tf.signal.frame(logmel, 96, 96, axis=0).numpy()
    np.testing.assert_allclose(audioset.log_mel_patches(y), expected, atol=2e-3)
    np.testing.assert_allclose(audioset.mel_matrix(), mel.numpy(), atol=1e-4)


def test_a_spectrum_is_log_of_bands_of_magnitudes():
    y, frame = noise(20_000), 30
    window = 0.5 * (1 - np.cos(2 * np.pi * np.arange(400) / 400))
    magnitude = np.abs(np.fft.rfft(y[160 * frame :][:400] * window, 512))
    mel = 1127 * np.log(1 + np.arange(257) * SR / 512 / 700)
    edges = np.linspace(1127 * np.log(1 + 125 / 700), 1127 * np.log(1 + 7500 / 700), 66)
    bands = [np.interp(mel, edges[band : band + 3], [0, 1, 0], left=0, right=0) @ magnitude for band in range(64)]
    np.testing.assert_allclose(audioset.log_mel_patches(y)[0, frame], np.log(np.array(bands) + 0.01), atol=1e-4)


@pytest.mark.parametrize(("samples", "count"), [(400, 1), (15_600, 1), (48_000, 3)])
def test_recordings_are_cut_into_whole_patches_and_short_ones_padded(samples, count):
    assert audioset.log_mel_patches(noise(samples)).shape == (count, 96, 64)


def test_silence_is_the_offset():
    np.testing.assert_allclose(audioset.log_mel_patches(np.zeros(SR)), np.log(0.01), rtol=1e-6)


def test_the_embedding_is_the_mean_of_cosine_sums_over_patches():
    y = noise(3 * SR)
    time, mel = (np.arange(size) + 0.5 for size in (96, 64))
    found = dict(zip(features.names("patchdct"), audioset.patchdct(y, SR), strict=True))
    for t, m in [(0, 0), (0, 5), (3, 0), (7, 15)]:
        basis = np.outer(np.cos(np.pi * t * time / 96), np.cos(np.pi * m * mel / 64))
        scale = np.sqrt((1 if t == 0 else 2) / 96 * (1 if m == 0 else 2) / 64)
        sums = [scale * np.sum(basis * patch) for patch in audioset.log_mel_patches(y)]
        assert found[f"dct_time{t}_mel{m:02}"] == pytest.approx(np.mean(sums), abs=1e-3)


@settings(deadline=None, max_examples=20)
@given(gain=st.floats(2, 8), seed=st.integers(0, 100))
def test_a_louder_recording_differs_in_the_first_number_only(gain, seed):
    y = noise(SR, seed)
    change = audioset.patchdct(gain * y, SR) - audioset.patchdct(y, SR)
    assert change[0] == pytest.approx(np.log(gain) * np.sqrt(96 * 64), rel=0.05)
    assert np.abs(change[1:]).max() < 0.02 * change[0]


def test_every_difficult_recording_gives_finite_numbers(difficult):
    y, sr = difficult
    assert np.isfinite(features.patchdct(y, sr)).all()
    np.testing.assert_array_equal(features.patchdct(y, sr), features.patchdct(y, sr))


def test_clips_of_emotions_differ(table):
    found = features.extract(table(3), "patchdct", jobs=1)
    assert found.columns.tolist() == features.names("patchdct")
    assert not np.allclose(found.iloc[0], found.iloc[1])
