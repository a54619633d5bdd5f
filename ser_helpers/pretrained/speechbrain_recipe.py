"""SpeechBrain's IEMOCAP recipe as an estimator: a Brain, its YAML file, and validation on unseen speakers.

The public recipe draws training, validation and test sets at random by default, so every speaker is in all three. Here
the protocol of ``corpora.split`` that draws the validation set is a parameter, by default a whole session.
"""

import hashlib
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from tqdm import tqdm

from ser_helpers import audio, corpora, paths
from ser_helpers.errors import ModelError, WeightsMissing
from ser_helpers.pretrained import hub
from ser_helpers.pretrained.imports import ensure_torchaudio, quiet_libraries
from ser_helpers.pretrained.speechbrain_model import clips

ensure_torchaudio()

import speechbrain as sb  # noqa: E402

YAML = Path(__file__).with_suffix(".yaml")


class EmotionBrain(sb.Brain):
    """The training code that SpeechBrain calls: forward pass, loss, optimisers, ends of epochs. Lesson 08 shows it."""

    def compute_forward(self, batch, stage):
        """Log-probabilities (batch, labels) of a padded batch."""
        waveforms, lengths = batch.to(self.device).waveform  # lengths are shares of the longest
        frames = self.modules.wav2vec2(waveforms, lengths)
        pooled = self.hparams.avg_pool(frames, lengths).flatten(1)
        return self.hparams.log_softmax(self.modules.output_mlp(pooled))

    def compute_objectives(self, predictions, batch, stage):
        """The negative log-likelihood; outside training it also counts errors."""
        truth = torch.as_tensor(batch.label, device=predictions.device)
        if stage != sb.Stage.TRAIN:
            self.wrong += (predictions.argmax(dim=-1) != truth).tolist()
        return torch.nn.functional.nll_loss(predictions, truth)

    def init_optimizers(self):
        """One optimiser for the linear layer, one with a smaller rate for the encoder; checkpoints hold both."""
        encoder = self.hparams.wav2vec2_opt_class(self.modules.wav2vec2.parameters())
        head = self.hparams.opt_class(self.hparams.model.parameters())
        self.optimizers_dict = {"wav2vec2": encoder, "head": head}
        for name, optimizer in self.optimizers_dict.items():
            self.checkpointer.add_recoverable(f"{name}_optimizer", optimizer)

    def on_stage_start(self, stage, epoch=None):
        """Start counting errors. The seed depends only on the epoch's number: a resumed training ends the same."""
        self.wrong = []
        if stage == sb.Stage.TRAIN:
            torch.manual_seed(self.hparams.seed + epoch)

    def on_stage_end(self, stage, stage_loss, epoch=None):
        """After validation: adapt the learning rates, write the log, keep the newest and the best checkpoint."""
        if stage == sb.Stage.TRAIN:
            self.train_loss = stage_loss
            return
        error = float(np.mean(self.wrong))
        schedules = {"head": self.hparams.lr_annealing, "wav2vec2": self.hparams.lr_annealing_wav2vec2}
        for name, schedule in schedules.items():
            _, rate = schedule(error)
            sb.nnet.schedulers.update_learning_rate(self.optimizers_dict[name], rate)
        stats = {"loss": stage_loss, "error_rate": error}
        self.hparams.train_logger.log_stats({"epoch": epoch}, {"loss": self.train_loss}, stats)
        self.checkpointer.save_and_keep_only(meta=stats, min_keys=["error_rate"], importance_keys=[])


class SpeechBrainRecipe(ClassifierMixin, BaseEstimator):
    """Fine-tune a wav2vec 2.0 encoder as SpeechBrain's recipe for IEMOCAP does.

    `X` is an utterance table. Part of it becomes the validation set, which sets the learning rates and chooses the best
    epoch; the rest trains. Recordings are classified one by one, so none changes another's result. The mean over frames
    leaves out the padding of a batch, and each waveform is normalised before it is padded (SpeechBrain's encoder would
    include the padding). Lesson 08.

    Parameters
    ----------
    encoder : str or path
        A folder, or the hub name of a wav2vec 2.0 (HuBERT, WavLM) that is on this machine.
    validation : str
        The protocol of ``corpora.split`` that draws the validation set, its last fold: ``"session"`` or ``"speaker"``
        for unseen speakers; ``"random-kfold"`` for the public recipe's default.
    folder : str or path, optional
        For checkpoints and the log, in a subfolder for these settings and data. Interrupted training resumes from the
        last checkpoint and ends the same; finished training is only loaded. Without it, nothing is stored.
    overrides : dict, optional
        Values of ``speechbrain_recipe.yaml`` to change, such as ``{"number_of_epochs": 3}``.
    device : str
        As for ``Encoder``.
    progress : bool
        Show a bar of epochs.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    train_, validation_ : Index
        Names of the utterances in the two sets.
    log_ : list of str
        A line for each epoch, with losses and the validation error.

    Examples
    --------
    >>> from ser_helpers.pretrained.speechbrain_model import make_tiny_wav2vec2
    >>> table = corpora.load("synthetic-small")[::20]
    >>> with tempfile.TemporaryDirectory() as base:
    ...     tiny = make_tiny_wav2vec2(f"{base}/tiny")
    ...     recipe = SpeechBrainRecipe(tiny, "speaker", overrides={"number_of_epochs": 1}).fit(table, table.gender)
    >>> recipe.classes_.tolist(), sorted(set(table.speaker[recipe.train_]) & set(table.speaker[recipe.validation_]))
    (['female', 'male'], [])
    """

    def __init__(
        self,
        encoder="facebook/wav2vec2-base",
        validation="session",
        folder=None,
        overrides=None,
        device="auto",
        progress=False,
    ):
        self.encoder = encoder
        self.validation = validation
        self.folder = folder
        self.overrides = overrides
        self.device = device
        self.progress = progress

    def fit(self, X, y):
        """Train on the recordings of the utterance table `X` with labels `y`, shape (n,)."""
        encoder = hub.find_encoder(self.encoder)
        if encoder is None:
            raise WeightsMissing(
                f"{self.encoder} is not on this machine: get it with `ser download {self.encoder}`, or give a folder."
            )
        clips(X, "speaker")
        if np.shape(y) != (len(X),) or pd.isna(np.asarray(y)).any():
            raise ValueError(f"y must have one label for each of the {len(X)} utterances, none missing.")
        vars(self).pop("brain_", None)
        self.classes_, numbers = np.unique(np.asarray(y), return_inverse=True)
        folds = min(5, X["speaker"].nunique())
        self.train_, self.validation_ = corpora.split(X, self.validation, folds)[-1]
        if len(set(numbers[X.index.get_indexer(self.train_)])) < len(self.classes_):
            raise ModelError("A label is only in the validation set: give more utterances, or another `validation`.")
        with tempfile.TemporaryDirectory() as base:
            folder = Path(self.folder or base).resolve() / self._key(X, numbers)
            with paths.lock(folder), quiet_libraries(), torch.random.fork_rng():
                self._train(X, numbers, encoder, folder)
        return self

    def predict_proba(self, X):
        """Probabilities of shape (n, n_classes) for the recordings of an utterance table."""
        check_is_fitted(self, "brain_")
        hparams = self.brain_.hparams
        self.brain_.modules.eval()
        rows = []
        with torch.random.fork_rng(), torch.no_grad():
            for row in clips(X).itertuples():
                torch.manual_seed(hparams.seed)  # SpeechBrain's pooling adds a little noise
                batch = sb.dataio.batch.PaddedBatch([{"waveform": _waveform(row.path, row.start, row.end)}])
                rows.append(self.brain_.compute_forward(batch, sb.Stage.TEST)[0].exp().cpu().double().numpy())
        return np.array(rows).reshape(len(rows), len(self.classes_))

    def predict(self, X):
        """The most probable label of each recording, shape (n,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def _train(self, X, numbers, encoder, folder):
        brain = _brain(encoder, folder, len(self.classes_), self.overrides or {}, self.device)
        hparams = brain.hparams
        train, valid = (_dataset(X, numbers, part) for part in (self.train_, self.validation_))
        epochs = hparams.epoch_counter
        bar = {"desc": "training", "unit": "epoch", "leave": False, "disable": not self.progress}
        brain.fit(
            tqdm(epochs, total=epochs.limit, **bar),
            train,
            valid,
            progressbar=False,
            train_loader_kwargs={"batch_size": hparams.batch_size, "shuffle": True},
            valid_loader_kwargs={"batch_size": 1},
        )
        brain.checkpointer.recover_if_possible(min_key="error_rate")
        self.log_ = (folder / "train_log.txt").read_text().splitlines()
        self.brain_ = brain

    def _key(self, X, numbers):
        """A folder name for these settings and data."""
        parts = [YAML.read_text(), str(self.encoder), self.validation, self.overrides, list(X.index), numbers.tolist()]
        return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:16]


def _brain(encoder, folder, n_labels, overrides, device):
    from hyperpyyaml import load_hyperpyyaml

    folder.mkdir(parents=True, exist_ok=True)
    dims = json.loads((Path(encoder) / "config.json").read_text())["hidden_size"]
    values = {"folder": str(folder), "wav2vec2_hub": str(encoder), "encoder_dim": dims, "n_labels": n_labels}
    text = YAML.read_text()
    unknown = [name for name in overrides if f"\n{name}:" not in text]
    if unknown:
        raise ModelError(f"There is no setting {unknown[0]!r} in {YAML.name}, which lists them.")
    hparams = load_hyperpyyaml(text, {**values, **overrides})
    if hparams["epoch_counter"].limit < 1:
        raise ModelError("number_of_epochs must be at least 1.")
    hparams["wav2vec2"].normalize_wav = False  # _waveform does it, before padding
    run = {"device": hub.choose_device(device)}
    return EmotionBrain(hparams["modules"], hparams=hparams, run_opts=run, checkpointer=hparams["checkpointer"])


def _dataset(X, numbers, part):
    """SpeechBrain's dataset of the utterances in `part`, read when they are needed."""
    labels = dict(zip(X.index, numbers.tolist(), strict=True))
    rows = {name: {**row, "label": labels[name]} for name, row in X.loc[part, ["path", "start", "end"]].T.items()}
    read = {"func": _waveform, "takes": ["path", "start", "end"], "provides": "waveform"}
    return sb.dataio.dataset.DynamicItemDataset(rows, [read], ["id", "waveform", "label"])


def _waveform(path, start, end):
    """Samples at 16 kHz with mean 0 and standard deviation 1."""
    y = audio.load(path, sr=16000, start=start, end=end)
    return torch.from_numpy((y - y.mean()) / np.sqrt(y.var() + 1e-5))
