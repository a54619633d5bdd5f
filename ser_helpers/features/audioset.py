"""VGGish, a network trained on millions of sound tracks, and an embedding made from its input without the network."""

import functools

import numpy as np
import scipy.fft

from ser_helpers import audio, download
from ser_helpers.errors import DownloadError

NAMES = {
    "patchdct": tuple(f"dct_time{t}_mel{m:02}" for t in range(8) for m in range(16)),
    "vggish": tuple(f"vggish_{i:03}" for i in range(1, 129)),
}
SAMPLE_RATE = 16000
WINDOW, HOP, FFT = 400, 160, 512
BANDS, FRAMES = 64, 96
PATCH = WINDOW + (FRAMES - 1) * HOP  # samples in one patch: 0.975 s


def vggish(y, sr, postprocess=True):
    """The VGGish embedding of a recording, the average over its patches of 0.96 s: (128,) (Lesson 05).

    `y` are mono samples, (n,), at `sr` Hz, of at least 25 ms, resampled to 16 kHz. A recording shorter than a patch is
    padded with zeros; a remainder that fills no patch is left out. `postprocess` whitens by PCA, clips to -2 ... 2 and
    rounds down to 0 ... 255, as in AudioSet's published embeddings; False returns the output of the network.

    Raises AudioError if `y` is not mono, too short or not finite; WeightsMissing if the weights are not on this machine
    (``ser download vggish`` gets them, about 290 MB); DownloadError if they are damaged, or TensorFlow is missing.

    Hershey et al., "CNN architectures for large-scale audio classification", ICASSP 2017,
    doi:10.1109/ICASSP.2017.7952132. Written from the publisher's description and checked on random weights of the same
    names and shapes; a test compares it with the publisher's figures if the published weights are on the machine.

    >>> vggish(np.zeros(16000), 16000)  # doctest: +SKIP
    array([...])
    """
    return vggish_patches(y, sr, postprocess).mean(axis=0)


def vggish_patches(y, sr, postprocess=True):
    """The embedding of each patch of 0.96 s, shape (patches, 128); parameters as `vggish`."""
    import keras

    network, eigenvectors, means = _vggish(download.weights_folder("vggish"))
    y = audio.resample(audio.check(y, sr), sr, SAMPLE_RATE)
    patches = log_mel_patches(y)[..., None]  # (patches, 96, 64, 1): one channel
    embeddings = keras.ops.convert_to_numpy(network(patches, training=False))
    if not postprocess:
        return embeddings
    whitened = np.clip((embeddings - means) @ eigenvectors.T, -2, 2)
    return np.floor((whitened + 2) * (255 / 4))


@functools.cache
def _vggish(folder):
    """The network with its weights, and the eigenvectors and means of the PCA: read once in each process."""
    try:
        import tensorflow as tf
    except ImportError as error:
        raise DownloadError(f"The weights in {folder} need TensorFlow to be read: install tensorflow.") from error
    try:
        checkpoint = tf.train.load_checkpoint(str(folder / "vggish_model.ckpt"))
        network = vggish_network()
        for layer in network.layers:
            if layer.weights:
                name = "vggish/" + layer.name.replace("-", "/")  # Keras allows no "/" in a layer's name
                layer.set_weights([checkpoint.get_tensor(f"{name}/{part}") for part in ("weights", "biases")])
        with np.load(folder / "vggish_pca_params.npz", allow_pickle=False) as pca:
            eigenvectors, means = pca["pca_eigen_vectors"].reshape(128, 128), pca["pca_means"].reshape(128)
    except Exception as error:
        raise DownloadError(
            f"The weights in {folder} cannot be read: delete that folder and call `ser download vggish`."
        ) from error
    return network, eigenvectors, means


def vggish_network():
    """VGGish without weights: a Keras model from patches (n, 96, 64, 1) to embeddings (n, 128)."""
    import keras
    from keras import layers

    def convolution(name, filters):
        return layers.Conv2D(filters, 3, padding="same", activation="relu", kernel_initializer="zeros", name=name)

    def dense(name, units, activation="relu"):
        return layers.Dense(units, activation, kernel_initializer="zeros", name=name)

    return keras.Sequential(
        [
            keras.Input((FRAMES, BANDS, 1)),
            convolution("conv1", 64),
            layers.MaxPooling2D(padding="same"),  # (48, 32, 64)
            convolution("conv2", 128),
            layers.MaxPooling2D(padding="same"),  # (24, 16, 128)
            convolution("conv3-conv3_1", 256),
            convolution("conv3-conv3_2", 256),
            layers.MaxPooling2D(padding="same"),  # (12, 8, 256)
            convolution("conv4-conv4_1", 512),
            convolution("conv4-conv4_2", 512),
            layers.MaxPooling2D(padding="same"),  # (6, 4, 512)
            layers.Flatten(),
            dense("fc1-fc1_1", 4096),
            dense("fc1-fc1_2", 4096),
            dense("fc2", 128, None),
        ]
    )


def patchdct(y, sr):
    """128 numbers that summarise a recording's log-mel patches, (128,): an embedding without a download (Lesson 05).

    The patches are those of VGGish (0.96 s, 96 frames x 64 bands). Of each, the two-dimensional DCT keeps the 8 slowest
    changes in time times the 16 broadest shapes over frequency; the numbers of all patches are averaged. PCA of such
    smooth patches comes close to the DCT, so this is VGGish's pipeline without the network. Samples and patches as in
    `vggish`; raises AudioError if `y` is not mono, shorter than 25 ms or not finite. The numbers are in the order of
    ``names("patchdct")``: all 16 coefficients over frequency of the mean over time come first.

    Ahmed, Natarajan and Rao, "Discrete cosine transform", IEEE Transactions on Computers C-23(1), 1974,
    doi:10.1109/T-C.1974.223784.

    >>> patchdct(np.sin(np.arange(16000)), 16000).shape
    (128,)
    """
    y = audio.resample(audio.check(y, sr), sr, SAMPLE_RATE)
    mean = log_mel_patches(y).mean(axis=0)  # the DCT is linear: the DCT of the mean is the mean of the DCTs
    return scipy.fft.dctn(mean, norm="ortho")[:8, :16].ravel()


def log_mel_patches(y):
    """The input of VGGish: log-mel patches of 96 frames, (patches, 96, 64) float32, from samples at 16 kHz.

    The magnitude of the spectrum (25 ms every 10 ms, periodic Hann window) in 64 HTK mel bands from 125 to 7500 Hz,
    ``log(mel + 0.01)``. A recording shorter than a patch is padded with zeros.
    """
    windows = np.lib.stride_tricks.sliding_window_view(audio.pad(y, PATCH), WINDOW)[::HOP]  # (frames, 400), a view
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    magnitude = np.abs(scipy.fft.rfft(windows * hann.astype(np.float32), FFT))  # (frames, 257)
    logmel = np.log(magnitude @ mel_matrix() + np.float32(0.01))
    return np.lib.stride_tricks.sliding_window_view(logmel, FRAMES, axis=0)[::FRAMES].transpose(0, 2, 1)


@functools.cache
def mel_matrix():
    """Weights of the 257 frequencies in the 64 bands, shape (257, 64): triangles on the mel scale, edges in mel."""
    frequencies = _mel(np.arange(FFT // 2 + 1) * SAMPLE_RATE / FFT)[:, None]
    edges = np.linspace(_mel(125), _mel(7500), BANDS + 2)
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (frequencies - lower) / (centre - lower), (upper - frequencies) / (upper - centre)
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def _mel(hertz):
    """HTK's mel scale."""
    return 1127 * np.log1p(np.asarray(hertz) / 700)
