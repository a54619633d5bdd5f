"""Embeddings of networks that learnt from millions of sound tracks: VGGish and YAMNet, in Keras.

Log-mel patches of 0.96 s, the input of VGGish and YAMNet, and an embedding made from them without any network.
"""

import functools

import numpy as np
import scipy.fft

from ser_helpers import audio, download
from ser_helpers.errors import DownloadError

NAMES = {
    "patchdct": tuple(f"dct_time{t}_mel{m:02}" for t in range(8) for m in range(16)),
    "vggish": tuple(f"vggish_{i:03}" for i in range(1, 129)),
    "yamnet": tuple(f"yamnet_{i:04}" for i in range(1, 1025)),
}
_YAMNET = ((2, 32), (1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), *[(1, 512)] * 5, (2, 1024), (1, 1024))
"""Stride and filters of its 14 layers."""


def vggish(y, sr, postprocess=True):
    """The VGGish embedding of a recording: the average over its patches of 0.96 s.

    Parameters
    ----------
    y : array (n,)
        Mono samples, at least 25 ms.
    sr : int
        Sample rate in Hz; resampled to 16 kHz.
    postprocess : bool
        Whiten by PCA, clip to -2 ... 2 and round down to the numbers 0 ... 255, as AudioSet's published embeddings are;
        False gives what the network gives.

    Returns
    -------
    array (128,)
        A recording shorter than a patch is filled up with silence; a rest that fills no patch is left out.

    Raises
    ------
    AudioError
        If `y` is not mono, shorter than 25 ms or not finite.
    WeightsMissing
        If the weights are not on this machine; ``ser download vggish`` gets them (about 290 MB).
    DownloadError
        If the weights are damaged, or are to be read without TensorFlow.

    Notes
    -----
    Hershey et al., "CNN architectures for large-scale audio classification", ICASSP 2017,
    doi:10.1109/ICASSP.2017.7952132. Written from the publisher's description and checked on random weights of the same
    names and shapes; a test compares it with the publisher's figures where the published weights are on the machine.

    Examples
    --------
    Lesson 05.

    >>> vggish(np.zeros(16000), 16000)  # doctest: +SKIP
    array([...])
    """
    return vggish_patches(y, sr, postprocess).mean(axis=0)


def vggish_patches(y, sr, postprocess=True):
    """The embedding of each patch of 0.96 s, shape (patches, 128); parameters as `vggish`."""
    network, vectors, means = _vggish(download.folder("vggish"))
    y = audio.resample(audio.check(y, sr), sr, SAMPLE_RATE)
    embeddings = _apply(network, log_mel_patches(y))
    if not postprocess:
        return embeddings
    whitened = np.clip((embeddings - means) @ vectors.T, -2, 2)
    return np.floor((whitened + 2) * (255 / 4))


def yamnet(y, sr):
    """The YAMNet embedding of a recording: the average over its patches, 0.96 s every 0.48 s.

    Parameters
    ----------
    y : array (n,)
        Mono samples, at least 25 ms.
    sr : int
        Sample rate in Hz; resampled to 16 kHz.

    Returns
    -------
    array (1024,)
        The input of YAMNet's classifier, never negative. The end is filled up with silence to whole patches.

    Raises
    ------
    AudioError
        If `y` is not mono, shorter than 25 ms or not finite.
    WeightsMissing
        If the weights are not on this machine; ``ser download yamnet`` gets them (15 MB).
    DownloadError
        If the weights are damaged.

    Notes
    -----
    Layers after Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications",
    arXiv:1704.04861. Written from the publisher's description and checked on random weights of the same names and
    shapes, not on the published ones.

    Examples
    --------
    Lesson 05.

    >>> yamnet(np.zeros(16000), 16000)  # doctest: +SKIP
    array([...])
    """
    network = _yamnet(download.folder("yamnet"))
    y = audio.resample(audio.check(y, sr), sr, SAMPLE_RATE)
    hop = FRAMES // 2
    hops = max(0, -(-(len(y) - PATCH) // (hop * HOP)))
    y = audio.pad(y, PATCH + hops * hop * HOP)
    return _apply(network, log_mel_patches(y, 0.001, hop)).mean(axis=0)


def _apply(network, examples):
    import keras

    return keras.ops.convert_to_numpy(network(examples[..., None], training=False))


@functools.cache
def _vggish(folder):
    """The network with its weights, and the vectors and means of the PCA: read once in each process."""
    checkpoint = _checkpoint(folder / "vggish_model.ckpt")
    try:
        network = vggish_network()
        for layer in network.layers:
            if layer.weights:
                name = "vggish/" + layer.name.replace("-", "/")
                layer.set_weights([checkpoint.get_tensor(f"{name}/{part}") for part in ("weights", "biases")])
        with np.load(folder / "vggish_pca_params.npz", allow_pickle=False) as pca:
            vectors, means = pca["pca_eigen_vectors"].reshape(128, 128), pca["pca_means"].reshape(128)
    except Exception as error:
        raise _damaged("vggish", folder) from error
    return network, vectors, means


def _checkpoint(path):
    try:
        import tensorflow as tf
    except ImportError as error:
        raise DownloadError(f"{path} can be read with TensorFlow only: install tensorflow.") from error
    try:
        return tf.train.load_checkpoint(str(path))
    except Exception as error:
        raise _damaged("vggish", path.parent) from error


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
            layers.MaxPooling2D(padding="same"),
            convolution("conv2", 128),
            layers.MaxPooling2D(padding="same"),
            convolution("conv3-conv3_1", 256),
            convolution("conv3-conv3_2", 256),
            layers.MaxPooling2D(padding="same"),
            convolution("conv4-conv4_1", 512),
            convolution("conv4-conv4_2", 512),
            layers.MaxPooling2D(padding="same"),
            layers.Flatten(),
            dense("fc1-fc1_1", 4096),
            dense("fc1-fc1_2", 4096),
            dense("fc2", 128, None),
        ]
    )


@functools.cache
def _yamnet(folder):
    """The network with its weights, read once in each process."""
    import h5py

    parts = {"conv": ["kernel"], "depthwise_conv": ["depthwise_kernel"], "pointwise_conv": ["kernel"]}
    parts["bn"] = ["beta", "moving_mean", "moving_variance"]
    network = yamnet_network()
    try:
        with h5py.File(folder / "yamnet.h5") as file:
            for layer in network.layers:
                if layer.weights:
                    name = layer.name.replace("-", "/")
                    layer.set_weights([file[f"{name}/{name}/{part}:0"][()] for part in parts[name.split("/")[-1]]])
    except Exception as error:
        raise _damaged("yamnet", folder) from error
    return network


def yamnet_network():
    """YAMNet without weights and classifier: a Keras model from patches (n, 96, 64, 1) to embeddings (n, 1024)."""
    import keras
    from keras import layers

    def step(name, layer_class, *sizes, **options):
        convolution = layer_class(*sizes, padding="same", use_bias=False, name=name, **options)
        return [convolution, layers.BatchNormalization(scale=False, epsilon=1e-4, name=f"{name}-bn"), layers.ReLU()]

    (stride, filters), *separable = _YAMNET
    stack = step("layer1-conv", layers.Conv2D, filters, 3, strides=stride)
    for number, (stride, filters) in enumerate(separable, 2):
        stack += step(f"layer{number}-depthwise_conv", layers.DepthwiseConv2D, 3, strides=stride)
        stack += step(f"layer{number}-pointwise_conv", layers.Conv2D, filters, 1)
    shape = (FRAMES, BANDS, 1)
    return keras.Sequential([keras.Input(shape), *stack, layers.GlobalAveragePooling2D()])


def _damaged(name, folder):
    return DownloadError(f"The weights in {folder} cannot be read: delete that folder and call `ser download {name}`.")


SAMPLE_RATE = 16000
WINDOW, HOP, FFT = 400, 160, 512
BANDS, FRAMES = 64, 96
PATCH = WINDOW + (FRAMES - 1) * HOP
"""Samples that one patch needs: 0.975 s."""


def patchdct(y, sr):
    """128 numbers that sum up a recording's log-mel patches: an embedding that needs no download.

    The patches are those of VGGish (0.96 s, 96 frames x 64 bands). Of each, the two-dimensional DCT keeps the 8 slowest
    changes in time times the 16 broadest shapes over frequency; the numbers of all patches are averaged. PCA of such
    smooth patches comes close to the DCT, so this is VGGish's pipeline with the network left out.

    Parameters
    ----------
    y : array (n,)
        Mono samples, at least 25 ms.
    sr : int
        Sample rate in Hz; resampled to 16 kHz.

    Returns
    -------
    array (128,)
        In the order of ``names("patchdct")``: all 16 coefficients over frequency of the mean over time come first. A
        recording shorter than a patch is filled up with silence; a rest that fills no patch is left out.

    Raises
    ------
    AudioError
        If `y` is not mono, shorter than 25 ms or not finite.

    Notes
    -----
    Ahmed, Natarajan and Rao, "Discrete cosine transform", IEEE Transactions on Computers C-23(1), 1974,
    doi:10.1109/T-C.1974.223784.

    Examples
    --------
    Lesson 05.

    >>> patchdct(np.sin(np.arange(16000)), 16000).shape
    (128,)
    """
    y = audio.resample(audio.check(y, sr), sr, SAMPLE_RATE)
    mean = log_mel_patches(y).mean(axis=0)  # the DCT of the mean is the mean of the DCTs
    return scipy.fft.dctn(mean, norm="ortho")[:8, :16].ravel()


def log_mel_patches(y, offset=0.01, hop=FRAMES):
    """Log-mel patches as VGGish and YAMNet take them.

    The magnitude of the spectrum (25 ms every 10 ms, periodic Hann window) in 64 HTK mel bands from 125 to 7500 Hz,
    ``log(mel + offset)``, in patches of 96 frames.

    Parameters
    ----------
    y : array (n,)
        Samples at 16 kHz; shorter ones than a patch are filled up with silence.
    offset : float
        Keeps silence finite: 0.01 for VGGish, 0.001 for YAMNet.
    hop : int
        Frames from one patch to the next: 96 for VGGish, 48 for YAMNet.

    Returns
    -------
    array (patches, 96, 64), float32

    Examples
    --------
    >>> log_mel_patches(np.zeros(48000)).shape
    (3, 96, 64)
    """
    windows = np.lib.stride_tricks.sliding_window_view(audio.pad(y, PATCH), WINDOW)[::HOP]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    magnitude = np.abs(scipy.fft.rfft(windows * hann.astype(np.float32), FFT))
    logmel = np.log(magnitude @ mel_matrix() + np.float32(offset))
    return np.lib.stride_tricks.sliding_window_view(logmel, FRAMES, axis=0)[::hop].transpose(0, 2, 1)


@functools.cache
def mel_matrix():
    """Weights of the 257 frequencies in the 64 bands, shape (257, 64): triangles on the mel scale, edges in mel.

    >>> mel_matrix().shape
    (257, 64)
    """
    frequencies = _mel(np.arange(FFT // 2 + 1) * SAMPLE_RATE / FFT)[:, None]
    edges = np.linspace(_mel(125), _mel(7500), BANDS + 2)
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (frequencies - lower) / (centre - lower), (upper - frequencies) / (upper - centre)
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def _mel(hertz):
    """The mel scale of HTK."""
    return 1127 * np.log1p(np.asarray(hertz) / 700)
