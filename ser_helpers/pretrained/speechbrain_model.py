"""SpeechBrain's published emotion model as a scikit-learn estimator, and a tiny stand-in of the same layout.

The folder ``speechbrain/emotion-recognition-wav2vec2-IEMOCAP`` contains ``hyperparams.yaml`` (its modules),
``custom_interface.py`` (how they are called), ``label_encoder.txt`` (what each output means), and two files of weights,
``wav2vec2.ckpt`` and ``model.ckpt``. SpeechBrain's ``foreign_class`` reads the first, imports the second, and loads the
rest. The published folder takes its encoder's configuration from ``facebook/wav2vec2-base``; ours has it in
``wav2vec2/``.
"""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin

from ser_helpers import audio, paths
from ser_helpers.errors import CorpusError, ModelError, WeightsMissing
from ser_helpers.pretrained import hub
from ser_helpers.pretrained.imports import ensure_torchaudio, quiet_libraries

PUBLISHED = "speechbrain/emotion-recognition-wav2vec2-IEMOCAP"
ENCODER = "facebook/wav2vec2-base"
FILES = ("hyperparams.yaml", "custom_interface.py", "label_encoder.txt", "wav2vec2.ckpt", "model.ckpt")
WORDS = {"neu": "neutral", "ang": "angry", "hap": "happy", "sad": "sad"}
"""The published model's labels, in its own order, and the course's names for them."""


class SpeechBrainClassifier(ClassifierMixin, BaseEstimator):
    """The emotion classifier that SpeechBrain published, with the course's names for its four labels.

    It is pretrained: ``fit`` only loads it. Recordings are classified one by one, so none changes another's result. The
    published model was fine-tuned on IEMOCAP: do not evaluate it on IEMOCAP again. Raises WeightsMissing if the folder
    is not on this machine; ModelError if a file of the folder is missing or damaged, or speechbrain or torchaudio is
    not installed. Lesson 08.

    Parameters
    ----------
    source : str or path
        A folder, or the name on the Hugging Face hub of a folder that ``ser download`` has put on this machine. Loading
        runs the folder's Python file: use only folders whose authors you trust.
    device : str
        As for ``Encoder``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels in the model's own order, which is the order of the columns of ``predict_proba``; for the published
        model neutral, angry, happy, sad.
    label : str
        The model's name for titles and the leaderboard; a stand-in says so.

    Examples
    --------
    >>> import tempfile
    >>> from ser_helpers import corpora
    >>> from ser_helpers.pretrained import make_speechbrain_stand_in
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
        """Load the model; `X` and `y` are ignored."""
        self.model_ = load_speechbrain(self.source, self.device)
        labels = self.model_.hparams.label_encoder.ind2lab
        own = [labels[number] for number in range(len(labels))]
        if len(own) != getattr(self.model_.hparams, "out_n_neurons", len(own) or 1):
            raise ModelError(
                f"label_encoder.txt in {self.source} is damaged ({len(own)} labels): delete it and get it again."
            )
        self.classes_ = np.array([WORDS.get(label, label) for label in own])
        stand_in = getattr(self.model_.hparams, "stand_in", False)
        self.label = f"tiny untrained stand-in for {Path(PUBLISHED).name}" if stand_in else Path(self.source).name
        return self

    def predict_proba(self, X):
        """Probabilities of shape (n, n_classes) for the recordings of an utterance table, in the order of `classes_`.

        Each is read at 16 kHz, from ``start`` to ``end`` where the table gives them.
        """
        if not hasattr(self, "model_"):
            self.fit()
        rows = [self._probabilities(row) for row in clips(X).itertuples()]
        return np.array(rows).reshape(len(rows), len(self.classes_))

    def predict(self, X):
        """The most probable label of each recording, shape (n,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def _probabilities(self, row):
        import torch

        waveform = torch.from_numpy(audio.load(row.path, sr=16000, start=row.start, end=row.end))
        with torch.random.fork_rng(), torch.no_grad():  # SpeechBrain's pooling adds a little noise
            torch.manual_seed(0)
            probabilities = self.model_.classify_batch(waveform[None])[0]
        return probabilities.reshape(-1).cpu().double().numpy()

    def __sklearn_is_fitted__(self):
        return True


def load_speechbrain(source=PUBLISHED, device="cpu"):
    """SpeechBrain's own interface object, from a folder on this machine; nothing is downloaded.

    Parameters and errors are those of :class:`SpeechBrainClassifier`. Lesson 08 shows the call of ``foreign_class``.
    """
    ensure_torchaudio()
    folder, encoder = find_speechbrain(source)
    device = hub.choose_device(device)
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
                overrides_must_match=False,  # a folder may lack one of the two
                run_opts={"device": device},
            )
    except Exception as error:  # a damaged file raises whatever its bytes lead to
        raise ModelError(f"{folder} cannot be loaded ({hub.reason(error)}): delete it and get it again.") from error


def clips(X, *others):
    """The columns path, start, end and `others` of an utterance table; CorpusError if one is missing. Lesson 08."""
    columns = ["path", "start", "end", *others]
    if not isinstance(X, pd.DataFrame) or not set(columns) <= set(X.columns):
        raise CorpusError(f"X is an utterance table of corpora.load, with the columns {', '.join(columns)}.")
    return X[columns]


def download_speechbrain(name=PUBLISHED):
    """Download a published emotion model, and the encoder that its folder names, from the Hugging Face hub.

    ``ser download speechbrain/emotion-recognition-wav2vec2-IEMOCAP`` is the same from the command line. Returns the
    folder, in ``paths.models_home()``. The downloaded code does not run until you load the model. Raises DownloadError
    if the hub cannot be reached, or has no such folder. Lesson 08.
    """
    folder = hub.fetch(name, FILES)
    hub.download_encoder(ENCODER)
    return folder


def find_speechbrain(source=PUBLISHED):
    """The folder of a published emotion model on this machine, and that of its encoder's configuration.

    Parameters and errors are those of :class:`SpeechBrainClassifier`; nothing is downloaded. Lesson 08.

    >>> find_speechbrain("nobody/nothing")
    Traceback (most recent call last):
    ser_helpers.errors.WeightsMissing: nobody/nothing is not on this machine: get it with `ser download nobody/nothing`,
    or give a folder.
    """
    folder = Path(source) if Path(source).is_dir() else hub.locate(source, Path.is_dir)
    if folder is None:
        raise WeightsMissing(f"{source} is not on this machine: get it with `ser download {source}`, or give a folder.")
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise ModelError(f"{folder} has no {missing[0]}, which SpeechBrain's emotion models have: give another folder.")
    if (folder / "wav2vec2").is_dir():
        return folder, folder / "wav2vec2"
    encoder = hub.find_encoder(ENCODER)
    if encoder is None:
        raise WeightsMissing(f"{source} needs {ENCODER}, which is not on this machine: `ser download {ENCODER}`.")
    return folder, encoder


INTERFACE = '''\
"""How the modules of hyperparams.yaml are called. SpeechBrain's foreign_class imports and runs this file."""

import torch
from speechbrain.inference.interfaces import Pretrained


class CustomEncoderWav2vec2Classifier(Pretrained):
    def encode_batch(self, wavs, wav_lens=None):
        """One vector for each waveform: (batch, samples) at 16 kHz become (batch, dims)."""
        if wav_lens is None:
            wav_lens = torch.ones(len(wavs))
        frames = self.mods.wav2vec2(wavs.to(self.device).float())
        return self.mods.avg_pool(frames, wav_lens.to(self.device)).flatten(1)

    def classify_batch(self, wavs, wav_lens=None):
        """Probabilities (batch, labels), the largest, its index, and its label."""
        probabilities = self.hparams.softmax(self.mods.output_mlp(self.encode_batch(wavs, wav_lens)))
        score, index = probabilities.max(dim=-1)
        return probabilities, score, index, self.hparams.label_encoder.decode_torch(index)

    def classify_file(self, path):
        """The same for one recording."""
        return self.classify_batch(self.load_audio(path)[None])
'''


def make_speechbrain_stand_in(folder, seed=0):
    """Write a tiny untrained network into `folder`, in the layout of the published emotion model; returns its path.

    It has the same files, calls and shapes, and replaces the published model where that cannot be downloaded. Its
    predictions are chance, and its ``hyperparams.yaml`` says so. The folder is created, or replaced; `seed` is for the
    random weights. Lesson 08.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as base:
    ...     sorted(path.name for path in make_speechbrain_stand_in(f"{base}/stand-in").iterdir() if path.is_file())
    ['custom_interface.py', 'hyperparams.yaml', 'label_encoder.txt', 'model.ckpt', 'wav2vec2.ckpt']
    """
    ensure_torchaudio()
    import torch
    from speechbrain.dataio.encoder import CategoricalEncoder
    from speechbrain.integrations.huggingface.wav2vec2 import Wav2Vec2
    from speechbrain.nnet.linear import Linear

    labels = CategoricalEncoder()
    labels.update_from_iterable(WORDS)
    with paths.atomic_folder(folder) as aside, quiet_libraries(), torch.random.fork_rng():
        encoder = make_tiny_wav2vec2(aside / "wav2vec2", seed)
        torch.manual_seed(seed)
        lobe = Wav2Vec2(str(encoder), save_path=str(aside), output_norm=True, freeze=True)
        head = torch.nn.ModuleList([Linear(input_size=32, n_neurons=len(WORDS), bias=False)])
        shutil.copy(Path(__file__).with_name("speechbrain_stand_in.yaml"), aside / "hyperparams.yaml")
        (aside / "custom_interface.py").write_text(INTERFACE, encoding="utf-8")
        labels.save(aside / "label_encoder.txt")
        torch.save(lobe.state_dict(), aside / "wav2vec2.ckpt")
        torch.save(head.state_dict(), aside / "model.ckpt")
    return Path(folder)


def make_tiny_wav2vec2(folder, seed=0, dims=32, layers=2):
    """Write an untrained wav2vec 2.0 of `layers` layers into `folder`, as transformers saves one; returns the folder.

    It reads samples at 16 kHz and returns a frame every 20 ms, like the published ones.
    """
    ensure_torchaudio()
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

    config = Wav2Vec2Config(
        hidden_size=dims,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=2 * dims,
        conv_dim=(dims,) * 3,
        conv_kernel=(20, 8, 4),
        conv_stride=(20, 4, 4),
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        layerdrop=0.0,
    )
    with quiet_libraries(), torch.random.fork_rng():
        torch.manual_seed(seed)
        Wav2Vec2Model(config).save_pretrained(folder)
        Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    return Path(folder)
