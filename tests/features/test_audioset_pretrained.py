"""VGGish and YAMNet on made-up weights of the true names and shapes, against the same networks written in torch."""

import h5py
import numpy as np
import pytest

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
STRIDES = [2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]
FILTERS = [32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024]


def noise(samples=40_000, seed=1):
    return (0.1 * np.random.default_rng(seed).normal(size=samples)).astype(np.float32)


def random(rng, shape):
    """Weights that keep the size of what passes through them."""
    return (rng.random(shape, dtype=np.float32) - 0.5) * np.float32(np.sqrt(24 / np.prod(shape[:-1])))


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder of made-up weights, and what is in it: {network: {variable: array}}."""
    tf = pytest.importorskip("tensorflow").compat.v1
    folder, rng = tmp_path_factory.mktemp("models"), np.random.default_rng(0)
    (folder / "vggish").mkdir()
    (folder / "yamnet").mkdir()
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
    with h5py.File(folder / "yamnet" / "yamnet.h5", "w") as file:
        channels, layers = 1, {}
        for number, filters in enumerate(FILTERS, 1):
            if number == 1:
                layers["layer1/conv"] = {"kernel": (3, 3, 1, filters)}
                layers["layer1/conv/bn"] = filters
            else:
                layers[f"layer{number}/depthwise_conv"] = {"depthwise_kernel": (3, 3, channels, 1)}
                layers[f"layer{number}/depthwise_conv/bn"] = channels
                layers[f"layer{number}/pointwise_conv"] = {"kernel": (1, 1, channels, filters)}
                layers[f"layer{number}/pointwise_conv/bn"] = filters
            channels = filters
        yamnet = {}
        for name, shapes in layers.items():
            if isinstance(shapes, int):
                arrays = {"beta": rng.normal(size=shapes), "moving_mean": rng.normal(size=shapes)}
                arrays["moving_variance"] = rng.uniform(0.5, 2, size=shapes)
            else:
                arrays = {part: 2 * random(rng, shape) for part, shape in shapes.items()}
            for part, array in arrays.items():
                file[f"{name}/{name}/{part}:0"] = array.astype(np.float32)
                yamnet[f"{name}/{part}"] = array.astype(np.float32)
    return folder, {"vggish": made | pca, "yamnet": yamnet}


@pytest.fixture
def weights(models, monkeypatch):
    monkeypatch.setenv("SER_MODELS_HOME", str(models[0]))
    return models[1]


def same(size, kernel, stride):
    """Zeros that TensorFlow's "same" puts before and after."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def convolve(x, kernel, stride=1, groups=1):
    import torch

    kernel = torch.tensor(kernel)
    kernel = kernel.permute(2, 3, 0, 1) if groups > 1 else kernel.permute(3, 2, 0, 1)
    before = [same(size, kernel.shape[-1], stride) for size in x.shape[2:]]
    x = torch.nn.functional.pad(x, (*before[1], *before[0]))
    return torch.nn.functional.conv2d(x, kernel, stride=stride, groups=groups)


def vggish_in_torch(weights, examples):
    torch = pytest.importorskip("torch")
    x = torch.tensor(examples)[:, None]
    for name in VGGISH:
        kernel, bias = (torch.tensor(weights[f"vggish/{name}/{part}"]) for part in ("weights", "biases"))
        if kernel.ndim == 4:
            x = torch.relu(convolve(x, kernel.numpy()) + bias[:, None, None])
            if name in ("conv1", "conv2", "conv3/conv3_2", "conv4/conv4_2"):
                x = torch.nn.functional.max_pool2d(x, 2)
        else:
            x = x.permute(0, 2, 3, 1).flatten(1) if x.ndim == 4 else x
            x = x @ kernel + bias
            x = x if name == "fc2" else torch.relu(x)
    return x.numpy()


def yamnet_in_torch(weights, examples):
    torch = pytest.importorskip("torch")

    def step(x, name, part, stride=1, groups=1):
        x = convolve(x, weights[f"{name}/{part}"], stride, groups)
        beta, mean, variance = (
            torch.tensor(weights[f"{name}/bn/{statistic}"])[:, None, None]
            for statistic in ("beta", "moving_mean", "moving_variance")
        )
        return torch.relu((x - mean) / torch.sqrt(variance + 1e-4) + beta)

    x = step(torch.tensor(examples)[:, None], "layer1/conv", "kernel", 2)
    for number, stride in enumerate(STRIDES[1:], 2):
        x = step(x, f"layer{number}/depthwise_conv", "depthwise_kernel", stride, x.shape[1])
        x = step(x, f"layer{number}/pointwise_conv", "kernel")
    return x.mean(dim=(2, 3)).numpy()


def test_vggish_computes_what_its_layers_say(weights):
    y = noise()
    expected = vggish_in_torch(weights["vggish"], audioset.log_mel_patches(y))
    found = audioset.vggish_patches(y, SR, postprocess=False)
    assert found.shape == (2, 128)
    assert np.ptp(expected, axis=0).max() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-3)
    np.testing.assert_allclose(features.vggish(y, SR, postprocess=False), expected.mean(axis=0), atol=1e-3)


def test_vggish_is_whitened_and_quantised_as_published(weights):
    y = noise()
    vectors, means = weights["vggish"]["pca_eigen_vectors"], weights["vggish"]["pca_means"]
    raw = audioset.vggish_patches(y, SR, postprocess=False)
    expected = np.clip((vectors @ (raw.T - means)).T, -2.0, 2.0)
    expected = ((expected + 2.0) * (255.0 / 4.0)).astype(np.uint8)
    assert len(np.unique(expected)) > 20
    np.testing.assert_array_equal(audioset.vggish_patches(y, SR), expected)
    np.testing.assert_array_equal(features.vggish(y, SR), expected.mean(axis=0))


def test_yamnet_computes_what_its_layers_say(weights):
    y = noise(15_600 + 2 * 7680)
    expected = yamnet_in_torch(weights["yamnet"], audioset.log_mel_patches(y, 0.001, 48))
    found = features.yamnet(y, SR)
    assert expected.shape == (3, 1024)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(found, expected.mean(axis=0), atol=1e-3)


def test_yamnet_fills_the_last_patch_up(weights):
    padded = np.pad(noise(20_000), (0, 15_600 + 7680 - 20_000))
    np.testing.assert_array_equal(features.yamnet(noise(20_000), SR), features.yamnet(padded, SR))


@pytest.mark.parametrize("kind", ["vggish", "yamnet"])
def test_extract_reads_the_weights_once(weights, table, kind):
    audioset._vggish.cache_clear()
    audioset._yamnet.cache_clear()
    found = features.extract(table(3), kind, jobs=1, cache=False)
    assert found.columns.tolist() == features.names(kind)
    assert np.isfinite(found.to_numpy()).all()
    assert audioset._vggish.cache_info().misses + audioset._yamnet.cache_info().misses == 1


@pytest.mark.parametrize("kind", ["vggish", "yamnet"])
def test_without_weights_nothing_is_downloaded_and_the_command_is_named(kind, table, tmp_path, monkeypatch):
    monkeypatch.setenv("SER_MODELS_HOME", str(tmp_path / "nothing"))
    assert not features.available(kind)
    for call in (lambda: features.extract(table(1), kind), lambda: getattr(features, kind)(noise(), SR)):
        with pytest.raises(WeightsMissing, match=rf"are not in .*get them with `ser download {kind}`\.$"):
            call()
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("kind", ["vggish", "yamnet"])
def test_damaged_weights_are_one_sentence(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("SER_MODELS_HOME", str(tmp_path))
    (tmp_path / kind).mkdir()
    for name in ("vggish_model.ckpt", "vggish_pca_params.npz", "yamnet.h5"):
        (tmp_path / kind / name).write_bytes(b"<html>Please log in</html>")
    assert features.available(kind)
    with pytest.raises(DownloadError, match=rf"cannot be read: delete that folder and call `ser download {kind}`\.$"):
        getattr(features, kind)(noise(), SR)


def test_networks_have_the_published_number_of_weights():
    assert audioset.vggish_network().count_params() == sum(np.prod(s) + s[-1] for s in VGGISH.values())
    assert audioset.yamnet_network().output_shape == (None, 1024)


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
