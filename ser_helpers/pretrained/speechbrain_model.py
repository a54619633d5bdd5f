"""SpeechBrain's published emotion model as a scikit-learn estimator.

The folder ``speechbrain/emotion-recognition-wav2vec2-IEMOCAP`` holds ``hyperparams.yaml`` (which modules there are),
``custom_interface.py`` (how they are called), ``label_encoder.txt`` and two files of weights. SpeechBrain's
``foreign_class`` reads the first, imports the second, and loads the rest.

A folder in the layout SpeechBrain publishes its emotion model in, and a tiny wav2vec 2.0 to put into it.

The layout: ``hyperparams.yaml`` says which modules there are, ``custom_interface.py`` how they are called,
``label_encoder.txt`` what each output means, ``wav2vec2.ckpt`` and ``model.ckpt`` hold the weights. Ours also brings
the configuration of its encoder along, in ``wav2vec2/``; the published one names ``facebook/wav2vec2-base``.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin

from ser_helpers import audio, paths
from ser_helpers.errors import CorpusError, ModelError, WeightsMissing
from ser_helpers.pretrained import hub
from ser_helpers.pretrained.imports import ensure_torchaudio, quiet_libraries

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
        The folder, in ``paths.models_home()``.

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
    hub.download_encoder(ENCODER)
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
    encoder = hub.find(ENCODER)
    if encoder is None:
        raise WeightsMissing(f"{source} needs {ENCODER}, which is not on this machine: `ser download {ENCODER}`.")
    return folder, encoder


def _find(name):
    """The folder of a name on the Hugging Face hub, if it has been downloaded."""
    plain = paths.models_home() / name.rpartition("/")[2]
    return plain if plain.is_dir() else next(hub.cached(name), None)


#: What a published folder holds.
FILES = ("hyperparams.yaml", "custom_interface.py", "label_encoder.txt", "wav2vec2.ckpt", "model.ckpt")

LABELS = ("neu", "ang", "hap", "sad")

HYPERPARAMS = """\
# {note}
stand_in: {stand_in}

wav2vec2_hub: !PLACEHOLDER
pretrained_path: !PLACEHOLDER
encoder_dim: {encoder_dim}
out_n_neurons: {n_labels}

wav2vec2: !new:speechbrain.integrations.huggingface.wav2vec2.Wav2Vec2
    source: !ref <wav2vec2_hub>
    output_norm: True
    freeze: True
    save_path: wav2vec2_checkpoints

avg_pool: !new:speechbrain.nnet.pooling.StatisticsPooling
    return_std: False

output_mlp: !new:speechbrain.nnet.linear.Linear
    input_size: !ref <encoder_dim>
    n_neurons: !ref <out_n_neurons>
    bias: False

model: !new:torch.nn.ModuleList
    - [!ref <output_mlp>]

modules:
    wav2vec2: !ref <wav2vec2>
    output_mlp: !ref <output_mlp>
    avg_pool: !ref <avg_pool>

softmax: !new:speechbrain.nnet.activations.Softmax

label_encoder: !new:speechbrain.dataio.encoder.CategoricalEncoder

pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
    loadables:
        wav2vec2: !ref <wav2vec2>
        model: !ref <model>
        label_encoder: !ref <label_encoder>
    paths:
        wav2vec2: !ref <pretrained_path>/wav2vec2.ckpt
        model: !ref <pretrained_path>/model.ckpt
        label_encoder: !ref <pretrained_path>/label_encoder.txt
"""

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
        """Probabilities (batch, labels), the largest, its place, and its label."""
        probabilities = self.hparams.softmax(self.mods.output_mlp(self.encode_batch(wavs, wav_lens)))
        score, index = probabilities.max(dim=-1)
        return probabilities, score, index, self.hparams.label_encoder.decode_torch(index)

    def classify_file(self, path):
        """The same for one recording."""
        return self.classify_batch(self.load_audio(path)[None])
'''


def make_speechbrain_stand_in(folder, seed=0):
    """Write a tiny untrained network into `folder`, in the layout of the published emotion model.

    It runs where the real one cannot be fetched: the same files, calls and shapes. Its answers are chance, and its
    ``hyperparams.yaml`` says so.

    Parameters
    ----------
    folder : str or path
        Made if need be; replaced if it is there.
    seed : int
        For the random weights.

    Returns
    -------
    pathlib.Path
        The folder.

    Notes
    -----
    Lesson 08.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as base:
    ...     sorted(path.name for path in make_speechbrain_stand_in(f"{base}/stand-in").iterdir() if path.is_file())
    ['custom_interface.py', 'hyperparams.yaml', 'label_encoder.txt', 'model.ckpt', 'wav2vec2.ckpt']
    """
    ensure_torchaudio(required=True)
    import torch
    from speechbrain.dataio.encoder import CategoricalEncoder
    from speechbrain.integrations.huggingface.wav2vec2 import Wav2Vec2
    from speechbrain.nnet.linear import Linear

    labels = CategoricalEncoder()
    labels.update_from_iterable(LABELS)
    with paths.atomic_folder(folder) as aside, quiet_libraries(), torch.random.fork_rng():
        encoder = make_tiny_wav2vec2(aside / "wav2vec2", seed)
        torch.manual_seed(seed)
        lobe = Wav2Vec2(str(encoder), save_path=str(aside), output_norm=True, freeze=True)
        dims = lobe.model.config.hidden_size
        head = torch.nn.ModuleList([Linear(input_size=dims, n_neurons=len(LABELS), bias=False)])
        _write(aside, lobe, head, labels, "A tiny untrained stand-in: it has learnt nothing, its answers are chance.")
    return Path(folder)


def make_tiny_wav2vec2(folder, seed=0, dims=32, layers=2):
    """Write an untrained wav2vec 2.0 of `layers` layers into `folder`, as transformers saves one; give the folder back.

    Like the real one it reads raw samples at 16 kHz and gives a frame every 20 ms.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as base:
    ...     sorted(path.name for path in make_tiny_wav2vec2(f"{base}/tiny").iterdir())
    ['config.json', 'model.safetensors', 'preprocessor_config.json']
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


def _write(folder, lobe, head, labels, note=""):
    """The five files of a published folder, for a Wav2Vec2 lobe, a list with one linear layer, and a label encoder."""
    import torch

    text = HYPERPARAMS.format(
        note=note, stand_in=bool(note), encoder_dim=lobe.model.config.hidden_size, n_labels=len(labels)
    )
    (folder / "hyperparams.yaml").write_text(text, encoding="utf-8")
    (folder / "custom_interface.py").write_text(INTERFACE, encoding="utf-8")
    labels.save(folder / "label_encoder.txt")
    torch.save(lobe.state_dict(), folder / "wav2vec2.ckpt")
    torch.save(head.state_dict(), folder / "model.ckpt")
