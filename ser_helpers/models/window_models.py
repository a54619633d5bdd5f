"""The course's ready window models: trained once per machine on voices made here, and kept."""

import functools
import json

import numpy as np
import skops.io
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from ser_helpers import features, home
from ser_helpers.cache import cached, version
from ser_helpers.features import fast, registry
from ser_helpers.models import window_voices
from ser_helpers.models.pretrained import Encoder
from ser_helpers.models.windows import SAMPLE_RATE, WindowClassifier

NAMES = ("linear", "cnn", "encoder")
ENCODER = "facebook/wav2vec2-base"
PHONE_BAND = {"lowest": 300, "highest": 3400}
JOBS = 2
LOUDEST, RANGE = 99, 50  # percentile of a spectrogram, and dB below it that are kept


def window_model(name="linear", band="wide", progress=False):
    """A ready model of windows: angry, happy, neutral or sad.

    It is trained on first use, in about 20 s on 2 cores, on voices that no corpus of the course holds, and then kept in
    ``cache_home()/fits``; what is damaged there is trained again.

    Parameters
    ----------
    name : "linear", "cnn" or "encoder"
        Logistic regression on the feature kind "quick"; a small convolutional network on log-mel spectrograms; logistic
        regression on the embedding of wav2vec 2.0, or of its tiny untrained stand-in where that is not on this machine.
    band : "wide" or "phone"
        Which sound it is for: 16 kHz, or a telephone's 300–3400 Hz with noise behind.
    progress : bool
        Show a bar while it is trained.

    Returns
    -------
    WindowClassifier
        Fitted; ``classes_`` are the four emotions.

    Raises
    ------
    ValueError
        If there is no such model or band.
    ModelError
        If the model cannot be kept there.

    Examples
    --------
    Lessons 11 to 13.

    >>> model = window_model("linear")
    >>> model.classes_.tolist(), model.predict_proba(np.zeros((1, 48000), np.float32)).shape
    (['angry', 'happy', 'neutral', 'sad'], (1, 4))
    """
    if name not in NAMES or band not in window_voices.BANDS:
        raise ValueError(
            f"There is no window model {name!r} for {band!r}: choose {', '.join(NAMES)} for "
            f"{' or '.join(window_voices.BANDS)}."
        )
    return _kept(name, band, home.cache_home(), progress)


@functools.lru_cache(maxsize=8)
def _kept(name, band, cache, progress):
    front = _front(name, band)
    folder = cache / "fits" / f"window-{name}-{band}-{_version(front)}"

    def make(aside):
        with threadpool_limits(1):  # sums in the same order, so the same model on any number of cores
            _WRITE[name](aside, *training_set(front, band, progress))

    model = WindowClassifier(front, None)
    model.classifier_ = cached(folder, make, _READ[name], folder=True)
    return model


def training_set(front, band, progress=False):
    """What the ready models are trained on, as a `front` gives it: X (n, ...) and the emotions y (n,)."""
    jobs = 1 if isinstance(front, Encoder) else JOBS
    made = Parallel(jobs, return_as="generator")(delayed(_voice)(front, voice, band) for voice in window_voices.VOICES)
    voices = len(window_voices.VOICES)
    parts = list(tqdm(made, "Voices for the window model", voices, unit="voice", leave=False, disable=not progress))
    return np.concatenate([X for X, _ in parts]), np.concatenate([y for _, y in parts])


def spectrogram(window):
    """What the network sees of a window at 16 kHz: (150, 40) log-mel, 50 frames a second, loudness taken out.

    >>> spectrogram(np.zeros(48000)).shape
    (150, 40)
    """
    levels = 10 * np.log10(fast.powers(window)[:300] @ fast.mel(100, 7600) + 1e-10)
    levels = levels.reshape(150, 2, -1).mean(axis=1)
    return np.maximum((levels - np.percentile(levels, LOUDEST)) / RANGE, -1) + 0.5


def build_cnn(input_shape, n_classes):
    """A small convolutional network, compiled: three convolutions over time, mean and maximum, one layer."""
    import keras
    from keras import layers

    x = inputs = keras.Input(input_shape)
    for filters, width, stride in ((48, 5, 2), (64, 5, 2), (64, 3, 1)):
        x = layers.Conv1D(filters, width, strides=stride, padding="same", use_bias=False)(x)
        x = layers.Activation("relu")(layers.BatchNormalization()(x))
    x = layers.Concatenate()([layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x)])
    model = keras.Model(inputs, layers.Dense(n_classes, "softmax")(layers.Dropout(0.4)(x)))
    model.compile(keras.optimizers.Adam(0.002), "categorical_crossentropy")
    return model


def _voice(front, voice, band):
    with threadpool_limits(1):
        windows, emotions = zip(*window_voices.windows_of(voice, band), strict=True)
        return WindowClassifier(front, None).features(np.array(windows)), emotions


def _front(name, band):
    if name == "cnn":
        return spectrogram
    if name == "encoder":
        return Encoder(ENCODER, pooling="mean+std", layers=_layers(), device="cpu")
    return functools.partial(features.quick, sr=SAMPLE_RATE, **PHONE_BAND) if band == "phone" else "quick"


def _layers():
    """The middle of the network: what is highest up is about words."""
    blocks = Encoder(ENCODER, device="cpu").blocks
    return [blocks // 2]


def _version(front):
    computed = front.version if isinstance(front, Encoder) else None
    libraries = ["scikit-learn", *([] if isinstance(front, Encoder) else ["keras"])]
    return version(__name__, registry.version("quick"), computed, libraries=libraries)


def _write_linear(folder, X, y):
    fitted = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=3000)).fit(
        X, y
    )
    skops.io.dump(fitted, folder / "model.skops")


def _read_linear(folder):
    return skops.io.load(folder / "model.skops")


def _write_cnn(folder, X, y):
    from ser_helpers.models.neural import KerasClassifier

    fitted = KerasClassifier(build_cnn, epochs=10, batch_size=32, class_weight="balanced").fit(X, y)
    fitted.model_.save(folder / "model.keras")
    (folder / "about.json").write_text(json.dumps({"classes": fitted.classes_.tolist(), "shape": fitted.input_shape_}))


def _read_cnn(folder):
    import keras

    from ser_helpers.models.loaded import LoadedNetwork

    about = json.loads((folder / "about.json").read_text())
    network = LoadedNetwork(build_cnn)
    network.classes_, network.input_shape_ = np.array(about["classes"]), tuple(about["shape"])
    network.model_, network.history_ = keras.saving.load_model(folder / "model.keras", compile=False), None
    return network


_WRITE = {"linear": _write_linear, "encoder": _write_linear, "cnn": _write_cnn}
_READ = {"linear": _read_linear, "encoder": _read_linear, "cnn": _read_cnn}
