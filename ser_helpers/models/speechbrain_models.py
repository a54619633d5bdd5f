"""SpeechBrain's published emotion model as a scikit-learn estimator.

The folder ``speechbrain/emotion-recognition-wav2vec2-IEMOCAP`` holds ``hyperparams.yaml`` (which modules there are),
``custom_interface.py`` (how they are called), ``label_encoder.txt`` and two files of weights. SpeechBrain's
``foreign_class`` reads the first, imports the second, and loads the rest.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin

from ser_helpers import audio, home
from ser_helpers.errors import CorpusError, ModelError, WeightsMissing
from ser_helpers.models import encoder_files, hub
from ser_helpers.models.quiet import quiet_libraries
from ser_helpers.models.speechbrain_folder import FILES
from ser_helpers.models.torchaudio_shim import ensure_torchaudio

PUBLISHED = "speechbrain/emotion-recognition-wav2vec2-IEMOCAP"

#: The encoder whose configuration the published folder asks for.
ENCODER = "facebook/wav2vec2-base"

#: The published model's labels, in its own order, and the course's words for them.
WORDS = {"neu": "neutral", "ang": "angry", "hap": "happy", "sad": "sad"}


class SpeechBrainClassifier(ClassifierMixin, BaseEstimator):
    """The emotion classifier that SpeechBrain published, with its four labels in the course's words.

    It is pretrained: ``fit`` only loads it, and learns nothing from what it is given. Each recording is classified
    alone, so no other recording can change its answer.

    Parameters
    ----------
    source : str or path
        A folder, or the name on the Hugging Face hub of a folder that ``ser download`` has put on this machine. The
        folder's own Python file is run when it is loaded: name only folders whose authors you trust.
    device : str
        Where to compute: ``"auto"`` takes a GPU when there is one.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels in the model's own order, which is the order of the columns of ``predict_proba``; for the published
        model neutral, angry, happy, sad.
    label : str
        What the model is, for titles and the leaderboard; a stand-in says so.

    Raises
    ------
    WeightsMissing
        The folder is not on this machine.
    ModelError
        The folder lacks a file or holds a damaged one, or speechbrain or torchaudio is not installed.

    Notes
    -----
    Used in Lesson 08. The published model was fine-tuned on IEMOCAP: do not evaluate it on IEMOCAP again.

    Examples
    --------
    >>> import tempfile
    >>> from ser_helpers import corpora
    >>> from ser_helpers.models import make_speechbrain_stand_in
    >>> table = corpora.load("synthetic-small")[:2]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model = SpeechBrainClassifier(make_speechbrain_stand_in(folder)).fit()
    ...     model.predict_proba(table).shape, model.classes_.tolist()
    ((2, 4), ['neutral', 'angry', 'happy', 'sad'])
    """

    def __init__(self, source=PUBLISHED, device="auto"):
        self.source = source
        self.device = device

    def fit(self, X=None, y=None):
        """Load the model; `X` and `y` are there for scikit-learn and are not looked at."""
        import torch

        device = "cuda" if self.device == "auto" and torch.cuda.is_available() else self.device
        self.model_ = load_speechbrain(self.source, "cpu" if device == "auto" else device)
        labels = self.model_.hparams.label_encoder.ind2lab
        own = [labels[number] for number in range(len(labels))]
        if len(own) != getattr(self.model_.hparams, "out_n_neurons", len(own) or 1):
            raise ModelError(f"label_encoder.txt in {self.source} names {len(own)} labels: delete it and get it again.")
        self.classes_ = np.array([WORDS.get(label, label) for label in own])
        name = Path(self.source).name
        stand_in = getattr(self.model_.hparams, "stand_in", False)
        self.label = f"tiny untrained stand-in for {Path(PUBLISHED).name}" if stand_in else name
        return self

    def predict_proba(self, X):
        """Probabilities of shape (n, n_classes) for the recordings of an utterance table, in the order of `classes_`.

        Each is read at 16 kHz, from ``start`` to ``end`` where the table says so.
        """
        if not hasattr(self, "model_"):
            self.fit()
        rows = [self._one(row) for row in clips(X).itertuples()]
        return np.array(rows).reshape(len(rows), len(self.classes_))

    def predict(self, X):
        """The most probable label of each recording, shape (n,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def _one(self, row):
        import torch

        waveform = torch.from_numpy(audio.load(row.path, sr=16000, start=row.start, end=row.end))
        with torch.random.fork_rng(), torch.no_grad():  # SpeechBrain's pooling adds a little noise
            torch.manual_seed(0)
            probabilities = self.model_.classify_batch(waveform[None])[0]
        return probabilities.reshape(-1).double().cpu().numpy()

    def __sklearn_is_fitted__(self):
        return True


def load_speechbrain(source=PUBLISHED, device="cpu"):
    """SpeechBrain's own interface object, from a folder on this machine; no network is asked.

    Takes what :class:`SpeechBrainClassifier` takes, and raises the same errors. Lesson 08 writes out the call of
    ``foreign_class`` that is inside.
    """
    ensure_torchaudio(required=True)
    folder, encoder = find_speechbrain(source)
    try:
        from speechbrain.inference.interfaces import foreign_class
    except ModuleNotFoundError as error:
        raise ModelError(f"{error.name} is not installed: run `pip install ser-helpers[course]`.") from error
    try:
        with quiet_libraries():
            return foreign_class(
                source=str(folder),
                pymodule_file="custom_interface.py",
                classname="CustomEncoderWav2vec2Classifier",
                overrides={"pretrained_path": str(folder), "wav2vec2_hub": str(encoder)},
                overrides_must_match=False,
                run_opts={"device": device},
            )
    except Exception as error:  # a damaged file raises whatever its bytes lead to
        reason = hub.reason(error)
        raise ModelError(
            f"{folder} cannot be loaded to {device!r} ({reason}): delete it and get it again, or name another device."
        ) from error


def clips(X, *others):
    """The columns path, start, end and `others` of an utterance table; CorpusError if they are not there. Lesson 08."""
    columns = ["path", "start", "end", *others]
    if not isinstance(X, pd.DataFrame) or not set(columns) <= set(X.columns):
        raise CorpusError(f"X is an utterance table of corpora.load, with the columns {', '.join(columns)}.")
    return X[columns]


def download_speechbrain(name=PUBLISHED):
    """Get a published emotion model, and the encoder its folder names, from the Hugging Face hub.

    ``ser download speechbrain/emotion-recognition-wav2vec2-IEMOCAP`` is the same from the command line. Downloaded code
    is not run before you load the model.

    Returns
    -------
    pathlib.Path
        The folder, in ``home.models_home()``.

    Raises
    ------
    DownloadError
        If the hub cannot be reached, or has no such folder.

    Notes
    -----
    Lesson 08.

    >>> download_speechbrain("no name")
    Traceback (most recent call last):
    ser_helpers.errors.DownloadError: no name could not be downloaded (...): check the name and the connection, then
    try again.
    """
    folder = hub.fetch(name, FILES)
    encoder_files.download_encoder(ENCODER)
    return folder


def find_speechbrain(source=PUBLISHED):
    """The folder of a published emotion model on this machine, and that of its encoder's configuration.

    Takes what :class:`SpeechBrainClassifier` takes, and raises the same errors; nothing is downloaded. Our own folders
    bring the encoder's configuration along, the published one names ``facebook/wav2vec2-base``. Lesson 08.

    >>> find_speechbrain("nobody/nothing")
    Traceback (most recent call last):
    ser_helpers.errors.WeightsMissing: nobody/nothing is not on this machine: get it with `ser download nobody/nothing`,
    or give a folder.
    """
    folder = Path(source) if Path(source).is_dir() else _find(str(source))
    if folder is None:
        raise WeightsMissing(f"{source} is not on this machine: get it with `ser download {source}`, or give a folder.")
    lacking = [name for name in FILES if not (folder / name).is_file()]
    if lacking:
        raise ModelError(f"{folder} lacks {lacking[0]}: it is no folder as SpeechBrain publishes its emotion model.")
    if (folder / "wav2vec2").is_dir():
        return folder, folder / "wav2vec2"
    encoder = encoder_files.find(ENCODER)
    if encoder is None:
        raise WeightsMissing(f"{source} needs {ENCODER}, which is not on this machine: `ser download {ENCODER}`.")
    return folder, encoder


def _find(name):
    """The folder of a name on the Hugging Face hub, if it has been downloaded."""
    plain = home.models_home() / name.rpartition("/")[2]
    return plain if plain.is_dir() else next(hub.cached(name), None)
