"""The ready models of windows of 3 s, and what they are trained on.

"real" is trained by ``ser_helpers.recipe`` on RAVDESS and synthetic voices; the others are trained on synthetic voices
that are in none of the embedded corpora. "real", "linear" and "cnn" are part of the package (``python
tools/ready_models.py`` trains them again); "encoder" depends on a machine's weights and is trained there.
"""

import functools
import io
import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import skops.io
import soundfile as sf
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from ser_helpers import audio, paths
from ser_helpers.cache import cached, version
from ser_helpers.errors import ModelError
from ser_helpers.features import quick95, registry
from ser_helpers.models.saving import LoadedNetwork, load
from ser_helpers.models.windows import SAMPLE_RATE, WINDOW, WindowClassifier
from ser_helpers.pretrained.audeering import PUBLISHED, DimensionalModel
from ser_helpers.pretrained.encoder import Encoder
from ser_helpers.synthesis.dialogue import CENTRES, every_line, nearest_emotions
from ser_helpers.synthesis.rng import make_rng
from ser_helpers.synthesis.sounds import BACKGROUNDS, PHONE_RATE, background, mu_law, narrow
from ser_helpers.synthesis.voices import speak

NAMES = ("best", "real", "linear", "cnn", "encoder")
ENCODER = "facebook/wav2vec2-base"
PHONE_BAND = {"lowest": 300, "highest": 3400}
JOBS = 2
SHIPPED = Path(__file__).parent / "ready"
REAL = SHIPPED / "real.ser"
LOUDEST, RANGE = 99, 50  # percentile of a spectrogram that counts as its maximum, and dB below it that are kept


def window_model(name="linear", band="wide", progress=False):
    """A fitted model of windows: a ready one of angry, happy, neutral and sad, or one from a file of yours.

    "real", "linear" and "cnn" come with the package; "encoder" is trained on first use, in about 20 s on 2 cores, and
    cached in ``cache_home()/checkpoints``; a damaged file is made again. Raises ModelError if there is no such model or
    band, the model cannot be kept there, or the file cannot be loaded. Lessons 11 to 13.

    Parameters
    ----------
    name : "best", "real", "linear", "cnn", "encoder", or str or Path
        "real" is trained on the actors of RAVDESS and on synthetic voices, measures each voice against itself and says
        "uncertain"; the next three are trained on synthetic voices alone that are in no corpus of the course: logistic
        regression on the feature kind "quick"; a small convolutional network on log-mel spectrograms; logistic
        regression on the embedding of wav2vec 2.0, or of its tiny untrained stand-in where that is not on this machine.
        "best" is the model that ``ser train --recipe`` trained on this machine, else "real", else "linear". Or the path
        of a file that `save` wrote, such as "voice.ser".
    band : "wide" or "phone"
        Which sound the synthetic ones are for: 16 kHz, or a telephone's 300–3400 Hz with noise behind. "real" and what
        the recipe trained are for both.
    progress : bool
        Show a progress bar during training.

    Examples
    --------
    >>> model = window_model("linear")
    >>> model.classes_.tolist(), model.predict_proba(np.zeros((1, 48000), np.float32)).shape
    (['angry', 'happy', 'neutral', 'sad'], (1, 4))
    """
    if isinstance(name, Path) or Path(name).suffix or Path(name).is_file():
        return load(name)
    if name not in NAMES or band not in BANDS:
        raise ModelError(
            f"There is no window model {name!r} for {band!r}: choose {', '.join(NAMES)} for {' or '.join(BANDS)}, or"
            " give the path of a model file."
        )
    if name == "best":
        return _best(band, progress)
    if name == "real":
        return load(REAL)
    return _load(name, band, paths.cache_home(), progress)


def window_dimensions(name="linear", band="wide"):
    """A model of valence, arousal and dominance of windows, from -1 to 1, for ``dimensions`` of detectors. Lesson 12.

    Nothing is trained or downloaded. Raises ModelError if there is no such model, the published one's weights are not
    on this machine, or the file cannot be loaded.

    Parameters
    ----------
    name : "linear", "audeering", or str or Path
        Ridge regression on the feature kind "quick", which comes with the package, trained on synthetic voices that are
        in no corpus of the course; ``pretrained.DimensionalModel``, fine-tuned on MSP-Podcast; or the path of a file
        that `save` wrote.
    band : "wide" or "phone"
        As for `window_model`; of "linear" only.

    Examples
    --------
    >>> model = window_dimensions()
    >>> model.output_names, model.predict(np.zeros((1, 48000), np.float32)).shape
    (('valence', 'arousal', 'dominance'), (1, 3))
    """
    if isinstance(name, Path) or Path(name).suffix or Path(name).is_file():
        return load(name)
    if name == "audeering":
        model = DimensionalModel(scale=(-1, 1)).fit()
        if model.stand_in:
            raise ModelError(f"The weights of {PUBLISHED} are not on this machine: ser download {PUBLISHED}")
        return model
    if name != "linear" or band not in BANDS:
        raise ModelError(
            f"There is no model of dimensions {name!r} for {band!r}: choose linear or audeering for"
            f" {' or '.join(BANDS)}, or give the path of a model file."
        )
    return load(SHIPPED / f"dimensions-{band}.ser")


def recipe_file():
    """Where ``ser train --recipe`` writes its model by default, and "best" looks for it."""
    return paths.cache_home() / "models" / "recipe.ser"


def _best(band, progress):
    """A damaged file, or an encoder that is not here, must not keep a program from starting."""
    for path in filter(Path.is_file, (recipe_file(), REAL)):
        try:
            return load(path)
        except ModelError as error:
            warnings.warn(f"{error} Another model is taken.", stacklevel=3)
    return _load("linear", band, paths.cache_home(), progress)


@functools.lru_cache(maxsize=8)
def _load(name, band, cache, progress):
    model = _unfitted(name, band)
    extractor = model.feature_extractor
    folder = cache / "checkpoints" / f"window-{name}-{band}-{_version(extractor)}"

    def make(aside):
        with threadpool_limits(1):  # sums in the same order, so the same model on any number of cores
            _WRITE[name](aside, *training_set(model, band, progress))

    shipped = SHIPPED / f"{name}-{band}"
    model.classifier_ = cached(folder, make, _READ[name], folder=True, shipped=shipped)
    variant = f"{name} ({extractor.label})" if isinstance(extractor, Encoder) else name
    model._label = f"window model {variant}, trained on synthetic speech"
    return model


def training_set(model, band, progress=False):
    """What the ready models are trained on: the features X (n, ...) that `model` computes, and emotions y (n,)."""
    parts = voices(model, band, progress)
    return np.concatenate([X for X, _ in parts]), np.concatenate([y for _, y in parts])


def voices(model, band, progress=False):
    """The features X (n, ...) that `model` computes of the windows of each voice, and their emotions: a list of (X, y).

    `model` is a model of windows, `band` as for `window_model`.
    """
    jobs = 1 if isinstance(model.feature_extractor, Encoder) else JOBS
    parts = Parallel(jobs, return_as="generator")(delayed(_voice)(model, voice, band) for voice in VOICES)
    return list(tqdm(parts, "Synthetic voices", len(VOICES), unit="voice", leave=False, disable=not progress))


def spectrogram(window):
    """Log-mel spectrogram (150, 40) of a window at 16 kHz, 50 frames a second, normalised by its own level.

    >>> spectrogram(np.zeros(48000)).shape
    (150, 40)
    """
    levels = 10 * np.log10(quick95.powers(window)[:300] @ quick95.mel(100, 7600) + 1e-10)  # (300 frames, 40 bands)
    levels = levels.reshape(150, 2, -1).mean(axis=1)  # pairs of frames
    return np.maximum((levels - np.percentile(levels, LOUDEST)) / RANGE, -1) + 0.5


def build_cnn(input_shape, n_classes):
    """A small convolutional network, compiled: three convolutions over time, mean and maximum, one layer."""
    import keras
    from keras import layers

    x = inputs = keras.Input(input_shape)  # (150 frames, 40 bands)
    for filters, width, stride in ((48, 5, 2), (64, 5, 2), (64, 3, 1)):  # to (75, 48), (38, 64), (38, 64)
        x = layers.Conv1D(filters, width, strides=stride, padding="same", use_bias=False)(x)
        x = layers.Activation("relu")(layers.BatchNormalization()(x))
    x = layers.Concatenate()([layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x)])  # (128,)
    model = keras.Model(inputs, layers.Dense(n_classes, "softmax")(layers.Dropout(0.4)(x)))
    model.compile(keras.optimizers.Adam(0.002), "categorical_crossentropy")
    return model


def _voice(model, voice, band):
    with threadpool_limits(1):
        windows, emotions = zip(*windows_of(voice, band), strict=True)
        return model.features(np.array(windows)), emotions


def _unfitted(name, band):
    if name == "cnn":
        return WindowClassifier(spectrogram, None)
    if name == "encoder":
        middle = Encoder(ENCODER, device="cpu").blocks // 2  # the layers above it are about words
        return WindowClassifier(Encoder(ENCODER, pooling="mean+std", layers=[middle], device="cpu"), None)
    return WindowClassifier("quick", None, parameters=PHONE_BAND if band == "phone" else None)


def _version(extractor):
    computed = extractor.version if isinstance(extractor, Encoder) else None
    libraries = ["scikit-learn", *([] if isinstance(extractor, Encoder) else ["keras"])]
    return version(__name__, registry.version("quick"), computed, libraries=libraries)


def _write_linear(folder, X, y):
    classifier = LogisticRegression(C=0.1, class_weight="balanced", max_iter=3000)
    skops.io.dump(make_pipeline(StandardScaler(), classifier).fit(X, y), folder / "model.skops")


def _read_linear(folder):
    return skops.io.load(folder / "model.skops")


def _write_cnn(folder, X, y):
    from ser_helpers.models.keras_estimators import KerasClassifier

    fitted = KerasClassifier(build_cnn, epochs=10, batch_size=32, class_weight="balanced").fit(X, y)
    fitted.model_.save(folder / "model.keras")
    (folder / "about.json").write_text(json.dumps({"classes": fitted.classes_.tolist(), "shape": fitted.input_shape_}))


def _read_cnn(folder):
    import keras

    about = json.loads((folder / "about.json").read_text())
    network = LoadedNetwork(build_cnn)
    network.classes_, network.input_shape_ = np.array(about["classes"]), tuple(about["shape"])
    network.model_, network.history_ = keras.saving.load_model(folder / "model.keras", compile=False), None
    return network


_WRITE = {"linear": _write_linear, "encoder": _write_linear, "cnn": _write_cnn}
_READ = {"linear": _read_linear, "encoder": _read_linear, "cnn": _read_cnn}


BANDS = ("wide", "phone")
VOICES = range(1, 51)
CAST = 1  # the embedded corpora are of cast 0: these are other people
TURNS = 40
GOALS = ("ang", "hap", "neu", "sad", "fru", "exc", "neu", "sad")
SPREAD = 0.17  # standard deviation of valence, arousal and dominance around the centre of an emotion
EMOTIONS = {"ang": "angry", "fru": "angry", "hap": "happy", "exc": "happy", "neu": "neutral", "sad": "sad"}
ROOM_SNR, PHONE_SNR = (25, 60), (5, 25)  # dB, least and most


def windows_of(voice, band) -> Iterator[tuple[np.ndarray, str]]:
    """Yield windows (48000,) float32 at 16 kHz of one voice, each with its emotion.

    `band` is "wide", or "phone" for 300–3400 Hz through mu-law with a street, a car, other people or hiss behind.
    """
    for y, dimensions in turns_of(voice, band):
        name = nearest_emotions(dimensions)[0][0]
        if name in EMOTIONS:
            yield y, EMOTIONS[name]


def turns_of(voice, band) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield as `windows_of`, each with its valence, arousal and dominance (3,) from -1 to 1 instead."""
    rng, lines = make_rng("window voices", voice), every_line()
    for turn in range(TURNS):
        dimensions = np.clip(CENTRES[GOALS[turn % len(GOALS)]] + rng.normal(0, SPREAD, 3), -1, 1)
        sentences = [str(line) for line in rng.choice(lines, rng.integers(1, 3), replace=False)]
        y = _placed(np.tanh(speak(sentences, voice, dimensions, False, rng, CAST)), rng)
        yield _telephoned(y, rng) if band == "phone" else _with_noise(y, "hiss", ROOM_SNR, rng), dimensions


def _placed(y, rng):
    """A window (48000,) with as much of the speech `y` as there is room for, at a random position."""
    start = int(rng.integers(min(WINDOW - len(y), 0), max(WINDOW - len(y), 0) + 1))
    return audio.pad(np.pad(y, (max(start, 0), 0))[max(-start, 0) :], WINDOW)[:WINDOW]


def _with_noise(y, kind, snr, rng):
    """`y` with noise at an SNR drawn from `snr`; half of a window is taken as silent, hence twice its mean power."""
    noise = background(kind, len(y), rng)
    level = np.sqrt(2 * np.mean(np.square(y)))
    return (y + level * 10 ** (-rng.uniform(*snr) / 20) * noise).astype(np.float32)


def _telephoned(y, rng):
    """`y` after a telephone line: noise, the band of 300–3400 Hz at 8 kHz, 8 bits on mu-law's logarithmic scale."""
    noisy = _with_noise(y, str(rng.choice(BACKGROUNDS)), PHONE_SNR, rng)
    coded, _ = sf.read(io.BytesIO(mu_law(np.tanh(narrow(noisy)))), dtype="float32")
    return audio.pad(audio.resample(coded, PHONE_RATE, SAMPLE_RATE), WINDOW)[:WINDOW]
