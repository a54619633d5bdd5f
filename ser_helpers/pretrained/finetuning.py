"""Pretrained encoders that learn on: a classifier and a regressor whose X is the utterance table itself.

What fine-tuned encoders share: their data, their network, how they are trained and asked.

Fine-tuned encoders on disk: a folder with what was learnt, and what it was learnt on top of; no pickles.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import recall_score
from sklearn.model_selection import GroupShuffleSplit
from sklearn.utils import compute_class_weight
from sklearn.utils.validation import check_is_fitted

from ser_helpers import paths, quick_mode
from ser_helpers.errors import AudioError, CorpusError, ModelError
from ser_helpers.features import extract
from ser_helpers.pretrained.encoder import Encoder, by_length, one_core

GENDERS = ("female", "male")
FRAMES_AT_ONCE = 20_000


class TunedEncoder(BaseEstimator):
    """What `EncoderClassifier` and `EncoderRegressor` share; see there. Lesson 08."""

    def __init__(
        self,
        encoder="openai/whisper-base",
        trainable="head",
        layers="all",
        pooling="mean",
        lora_rank=0,
        loss=None,
        class_weight=None,
        gender_weight=0.0,
        extra_loss=None,
        extra_weight=0.1,
        epochs=30,
        patience=5,
        validation=0.2,
        batch_size=16,
        lr=1e-3,
        encoder_lr=None,
        layer_decay=0.9,
        weight_decay=0.01,
        dropout=0.2,
        augment=None,
        copies=1,
        checkpointing=False,
        device="auto",
        precision="auto",
        seed=0,
        progress=False,
    ):
        self.encoder = encoder
        self.trainable = trainable
        self.layers = layers
        self.pooling = pooling
        self.lora_rank = lora_rank
        self.loss = loss
        self.class_weight = class_weight
        self.gender_weight = gender_weight
        self.extra_loss = extra_loss
        self.extra_weight = extra_weight
        self.epochs = epochs
        self.patience = patience
        self.validation = validation
        self.batch_size = batch_size
        self.lr = lr
        self.encoder_lr = encoder_lr
        self.layer_decay = layer_decay
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.augment = augment
        self.copies = copies
        self.checkpointing = checkpointing
        self.device = device
        self.precision = precision
        self.seed = seed
        self.progress = progress

    def fit(self, X, y):
        """Train on the utterances of `X`, a table of ``corpora.load``, and their labels or numbers `y`.

        Recordings that cannot be used are named in a warning and left out.
        """
        import torch

        from ser_helpers.pretrained.heads import train

        vars(self).pop("history_", None)
        self._check(X, y)
        targets, outputs = self._targets(y)
        training, held = self._split(X)
        arrays = self._heard(X)
        usable = np.array([array is not None for array in arrays])
        training, held = training[usable[training]], held[usable[held]]
        if len(training) < 2:
            raise AudioError(f"Training needs two usable recordings, and of its speakers there are {len(training)}.")
        rows, originals = np.arange(len(X)), training
        for copy in range(self.copies if self.augment is not None else 0):
            more = self._heard(X.iloc[originals], self.augment, copy)
            training = np.append(training, len(rows) + np.flatnonzero([array is not None for array in more]))
            rows = np.append(rows, originals)
            arrays += more
        with one_core(self._encoder.stand_in), torch.random.fork_rng():
            torch.manual_seed(self.seed)
            self._build(outputs)
            self.history_ = train(
                self.network_,
                arrays,
                training.tolist(),
                self._loss(X, targets, rows),
                (lambda: self._watch(targets, arrays, held)) if len(held) else None,
                groups=self.network_.param_groups(self.lr, self._encoder_lr(), self.layer_decay),
                epochs=quick_mode.limited("epochs", self.epochs),
                batch_size=self.batch_size,
                patience=self.patience,
                weight_decay=self.weight_decay,
                device=self._device,
                mixed=self._mixed,
                seed=self.seed,
                progress=self.progress,
            )
        return self

    def _check(self, X, y):
        if not isinstance(X, pd.DataFrame) or "path" not in X:
            raise CorpusError(
                f"{type(self).__name__} listens to recordings: X is the utterance table of corpora.load, with the"
                " columns path, start and end."
            )
        if np.shape(y)[:1] != (len(X),) or pd.isna(np.asarray(y)).any():
            raise ValueError(f"y must hold one value for each of the {len(X)} utterances, none missing.")
        needed = [("speaker", self.validation, "validation"), ("gender", self.gender_weight, "gender_weight")]
        for column, wanted, parameter in needed:
            if wanted and column not in X:
                raise CorpusError(f"The table has no column {column!r}, which {parameter} needs; or set {parameter}=0.")
        if self.validation and X["speaker"].isna().any():
            raise CorpusError("Some utterances have no speaker: leave them out, or set validation=0.")
        if self.epochs < 1 or self.batch_size < 2:
            raise ValueError("epochs must be at least 1 and batch_size at least 2.")
        self._prepare()

    def _prepare(self):
        """The encoder, which blocks learn, and which layers are mixed."""
        encoder = Encoder(self.encoder, device=self.device, precision=self.precision)
        depth = {"head": 0, "all": encoder.blocks}.get(self.trainable, self.trainable)
        if not isinstance(depth, int) or not 0 <= depth <= encoder.blocks:
            raise ValueError(
                f"trainable is 'head', 'all' or a number of blocks up to {encoder.blocks}, not {self.trainable!r}."
            )
        if self.pooling not in ("mean", "attentive"):
            raise ValueError(f"pooling is 'mean' or 'attentive', not {self.pooling!r}.")
        if self.lora_rank and not depth:
            raise ValueError("LoRA adapts blocks: set trainable to 'all' or to a number of blocks.")
        self._first = encoder.blocks - depth
        chosen = Encoder(self.encoder, self.layers).selected
        self._mix = [layer for layer in chosen if not depth or layer >= self._first]
        if not self._mix:
            raise ValueError(
                f"The layers {chosen} lie below the blocks that are trained, whose input is layer {self._first}: choose"
                " higher layers, or train more blocks."
            )
        self.label_, self.encoder_weights_ = encoder.label, encoder.weights
        self._device, precision = encoder.place
        self._mixed = precision != "float32"
        self._encoder = encoder

    def _split(self, X):
        """Positions of the utterances to train on, and of those of speakers held out from them."""
        everyone = np.arange(len(X))
        self.held_out_ = []
        if not self.validation:
            return everyone, everyone[:0]
        speakers = X["speaker"].to_numpy()
        if len(set(speakers)) < 2:
            raise ValueError(
                "Only one speaker is in the training set: set validation=0 to train without stopping early."
            )
        splitter = GroupShuffleSplit(1, test_size=self.validation, random_state=self.seed)
        training, held = next(splitter.split(everyone, groups=speakers))
        self.held_out_ = sorted(set(speakers[held]))
        return training, held

    def _heard(self, X, augment=None, copy=0):
        """What the frozen part of the encoder makes of each recording, (frames, dims), or None; cached on disk."""
        frozen_mean = self._first == self._encoder.blocks and self.pooling == "mean"
        layers = self._mix if self._first == self._encoder.blocks else self._first
        source = Encoder(
            self.encoder,
            layers,
            "mean" if frozen_mean else None,
            self.device,
            self.precision,
        )
        found = extract(X, source, progress=self.progress, augment=augment, copy=copy)
        if not frozen_mean:
            return list(found)
        values = found.to_numpy(dtype=np.float32)
        return [None if np.isnan(row).any() else row[None] for row in values]

    def _build(self, outputs):
        from ser_helpers.pretrained.heads import TunedNetwork

        self.outputs_ = outputs
        self.network_ = TunedNetwork(
            self._encoder,
            self._first,
            self._mix,
            outputs,
            self.pooling,
            self.dropout,
            self.lora_rank,
            bool(self.gender_weight),
            self.extra_loss,
            self.checkpointing,
        ).to(self._device)

    def restore(self, outputs, learnt, weights):
        """Take the place of the model that was saved with these (see ``save_tuned``)."""
        import torch

        self._prepare()
        for name, value in learnt.items():
            setattr(self, name, value)
        with torch.random.fork_rng():
            self._build(outputs)
        if self.network_.trainable_state_dict().keys() != weights.keys():
            raise ValueError("other weights")
        self.network_.load_state_dict(weights, strict=False)

    def _encoder_lr(self):
        return (5e-4 if self.lora_rank else 5e-5) if self.encoder_lr is None else self.encoder_lr

    def _loss(self, X, targets, rows):
        """The loss of a batch: the task's own, and what helps it."""
        import torch

        targets = torch.as_tensor(targets, device=self._device)
        genders = torch.tensor([GENDERS.index(g) if g in GENDERS else -1 for g in X.get("gender", [None] * len(X))])
        genders = genders.to(self._device)
        network = self.network_

        def loss(frames, embeddings, mask, numbers):
            part = rows[numbers]
            value = self._task_loss(network.head(embeddings), targets[part])
            known = genders[part] >= 0
            if network.gender is not None and known.any():
                gender = torch.nn.functional.cross_entropy(network.gender(embeddings[known]), genders[part][known])
                value = value + self.gender_weight * gender
            if network.extra is not None:
                value = value + self.extra_weight * network.extra(frames, mask, X.iloc[part])
            return value

        return loss

    def _outputs(self, arrays):
        """What the head says of each recording, (recordings, outputs)."""
        import torch

        from ser_helpers.pretrained.heads import autocast

        found = np.empty((len(arrays), self.outputs_), np.float32)
        self.network_.eval()
        with one_core(self._encoder.stand_in), torch.inference_mode(), autocast(self._device, self._mixed):
            for numbers in by_length([len(array) for array in arrays], FRAMES_AT_ONCE):
                x, mask = self.network_.collate([arrays[number] for number in numbers], self._device)
                found[numbers] = self.network_.head(self.network_(x, mask)[1]).float().cpu().numpy()
        return found

    def _said_of(self, X):
        check_is_fitted(self, "history_")
        arrays = self._heard(X)
        bad = [str(path) for path, array in zip(X["path"], arrays, strict=True) if array is None]
        if bad:
            raise AudioError(
                f"{len(bad)} of {len(X)} recordings cannot be used, the first is {bad[0]}: leave them out."
            )
        return self._outputs(arrays)


class EncoderClassifier(ClassifierMixin, TunedEncoder):
    """A pretrained encoder with a classification head, trained on recordings.

    The input `X` is the utterance table itself, so ``evaluation.cross_validate(EncoderClassifier(), table, table)`` is
    all it takes. Blocks that do not learn are computed once, on disk, and never again (see ``features.extract``); the
    convolutions below the blocks never learn, as is usual.

    Parameters
    ----------
    encoder : str or Path
        Name or folder, as for ``Encoder``. Where it is not on this machine, a tiny untrained stand-in is used, and
        ``label_`` says so.
    trainable : "head", int or "all"
        Train the head only, or so many of the last attention blocks too, or all of them.
    layers : "all", int or list of int
        Layers whose weighted sum is classified; the weights are learnt. With trained blocks only those from their input
        up can be mixed, and the others are left out.
    pooling : "mean" or "attentive"
        Over time: every frame alike, or by learnt weights.
    lora_rank : int
        Train adapters of this rank beside the blocks' weights and leave these as they are; 0 trains the weights.
        Adapters stand at queries and values (Hu et al., arXiv:2106.09685), in WavLM at the feed-forward layers.
    loss : str or None
        Classifier: "cross-entropy" (the default). Regressor: "ccc" (the default) or "mse".
    class_weight : None, "balanced" or dict
        How much each class counts; for the classifier.
    gender_weight : float
        Weight of a second task, telling the speaker's gender from the same embedding; 0 for none.
    extra_loss : callable or None
        A further task on the frames, for instance ``TranscriptCTC``, which spells the column ``text``.
    extra_weight : float
        Its weight.
    epochs, batch_size : int
    patience : int
        Stop after so many epochs in which the held-out speakers gain nothing; the best epoch's weights are kept.
    validation : float
        Share of the *training speakers* held out to decide when to stop; 0 trains all epochs on everyone.
    lr, encoder_lr : float
        Highest learning rate of the heads and of the last block; None is 5e-5, or 5e-4 for LoRA.
    layer_decay : float
        Each block further down learns this many times slower.
    weight_decay, dropout : float
    augment : audio.Augmentation or None
        Train on augmented copies too.
    copies : int
        How many of each utterance.
    checkpointing : bool
        Save memory at the cost of time: compute the blocks again on the way back.
    device, precision : str
        As for ``Encoder``; half precision means bfloat16 in training, with weights in single precision.
    seed : int
        Fixes weights, order, dropout and the held-out speakers: on the CPU the same fit gives the same predictions.
    progress : bool
        Show a bar with the epoch and the held-out score.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    label_ : str
        What to call the encoder in titles and on the leaderboard.
    held_out_ : list of str
        The speakers that decided when to stop.
    history_ : DataFrame
        By epoch: ``loss``, ``val_uar`` (regressor: ``val_ccc``), ``val_loss``, ``seconds``.
    network_ : torch.nn.Module
        ``network_.mix.logits.softmax(0)`` are the weights of the layers.

    Raises
    ------
    CorpusError
        If `X` is no utterance table, or lacks a column that is needed.
    ValueError
        If a parameter cannot be, or there is only one speaker and `validation` wants to hold one out.

    Notes
    -----
    Used in Lesson 08. Freezing the convolutions, and learning the rest, after Wagner et al., "Dawn of the transformer
    era in speech emotion recognition", IEEE TPAMI 45(9), 2023, doi:10.1109/TPAMI.2023.3263585.

    Examples
    --------
    >>> from ser_helpers import corpora
    >>> table = corpora.load("synthetic-small")[::8]
    >>> model = EncoderClassifier("nobody/no-such-hubert", epochs=2, device="cpu").fit(table, table["emotion"])
    >>> model.label_, model.predict_proba(table[:3]).shape
    ('tiny untrained stand-in for no-such-hubert', (3, 8))
    """

    learnt_names = ("classes_",)

    def _targets(self, y):
        y = np.asarray(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"A classifier needs at least two classes, and y holds only {self.classes_.tolist()}.")
        if self.loss not in (None, "cross-entropy"):
            raise ValueError(f"loss is 'cross-entropy' for a classifier, not {self.loss!r}.")
        self._weights = compute_class_weight(self.class_weight, classes=self.classes_, y=y).astype(np.float32)
        return numbers, len(self.classes_)

    def _task_loss(self, said, targets):
        import torch

        weights = torch.as_tensor(self._weights, device=said.device)
        return torch.nn.functional.cross_entropy(said.float(), targets, weights)

    def _watch(self, targets, arrays, held):
        import torch

        said = self._outputs([arrays[number] for number in held])
        loss = torch.nn.functional.cross_entropy(torch.as_tensor(said), torch.as_tensor(targets[held])).item()
        there = np.unique(targets[held])
        uar = recall_score(targets[held], said.argmax(1), labels=there, average="macro", zero_division=0)
        return {"val_uar": float(uar), "val_loss": loss}

    def predict_proba(self, X):
        """Probabilities of shape (n, n_classes), columns in the order of ``classes_``."""
        said = self._said_of(X).astype(np.float64)
        powers = np.exp(said - said.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def predict(self, X):
        """The most probable label of each utterance, shape (n,). AudioError if a recording cannot be used."""
        best = self._said_of(X).argmax(axis=1)
        return self.classes_[best]


class EncoderRegressor(RegressorMixin, TunedEncoder):
    """A pretrained encoder with a regression head, for one number per utterance or several, such as V, A and D.

    Parameters and attributes are those of `EncoderClassifier`; `loss` is "ccc" or "mse", and there are no
    ``classes_``. `y` has the shape (n,) or (n, targets), and so have predictions.

    Notes
    -----
    Used in Lesson 09.

    Examples
    --------
    >>> from ser_helpers import corpora
    >>> table = corpora.load("synthetic-small")[::8]
    >>> model = EncoderRegressor("nobody/no-such-hubert", epochs=2, device="cpu")
    >>> model.fit(table, table[["valence", "arousal", "dominance"]]).predict(table[:5]).shape
    (5, 3)
    """

    learnt_names = ("mean_", "scale_")

    def _targets(self, y):
        try:
            y = np.asarray(y, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError("y must hold numbers: for words take an EncoderClassifier.") from error
        if y.ndim > 2 or not np.isfinite(y).all():
            raise ValueError(f"y must have the shape (n,) or (n, targets) and be finite, and its shape is {y.shape}.")
        if self.loss not in (None, "ccc", "mse"):
            raise ValueError(f"loss is 'ccc' or 'mse' for a regressor, not {self.loss!r}.")
        if self.class_weight is not None:
            raise ValueError("class_weight is for classes: leave it out for a regressor.")
        self.mean_, self.scale_ = y.mean(axis=0), y.std(axis=0)
        if not np.all(self.scale_ > 0):
            raise ValueError("A column of y is the same for every utterance: there is nothing to learn.")
        scaled = ((y - self.mean_) / self.scale_).reshape(len(y), -1).astype(np.float32)
        return scaled, scaled.shape[1]

    def _task_loss(self, said, targets):
        import torch

        from ser_helpers.pretrained.heads import ccc_loss

        measure = torch.nn.functional.mse_loss if self.loss == "mse" else ccc_loss
        return measure(said.float(), targets)

    def _watch(self, targets, arrays, held):
        import torch

        from ser_helpers.pretrained.heads import ccc_loss

        said, truth = (
            torch.as_tensor(self._outputs([arrays[number] for number in held])),
            torch.as_tensor(targets[held]),
        )
        return {"val_ccc": 1 - ccc_loss(said, truth).item(), "val_loss": self._task_loss(said, truth).item()}

    def predict(self, X):
        """The numbers of each utterance, in the shape of `y`. AudioError if a recording cannot be used."""
        said = self._said_of(X)
        return (said if np.ndim(self.mean_) else said[:, 0]) * self.scale_ + self.mean_


FORMAT = 1
KINDS = {kind.__name__: kind for kind in (EncoderClassifier, EncoderRegressor)}
_NOT_KEPT = ("augment", "extra_loss", "device", "progress")


def save_tuned(model, folder):
    """Write a fitted `EncoderClassifier` or `EncoderRegressor` to a folder.

    ``weights.safetensors`` holds only what was trained, which for a head or LoRA is small: the encoder under it must be
    on the machine where the model is read. ``model.json`` holds the rest, without augmentation and ``extra_loss``.

    Parameters
    ----------
    model : EncoderClassifier or EncoderRegressor
    folder : str or Path
        It is made, or replaced as a whole.

    Raises
    ------
    ModelError
        If the model is not fitted.

    Examples
    --------
    Lesson 08.

    >>> save_tuned(EncoderClassifier("nobody/no-such-hubert"), "folder")
    Traceback (most recent call last):
    ser_helpers.errors.ModelError: This EncoderClassifier is not fitted yet: fit it before saving it.
    """
    import safetensors.torch

    kind = type(model).__name__
    if KINDS.get(kind) is not type(model):
        raise ModelError(f"A {kind} is no fine-tuned encoder: use models.save.")
    if not hasattr(model, "history_"):
        raise ModelError(f"This {kind} is not fitted yet: fit it before saving it.")
    about = {
        "format": FORMAT,
        "kind": kind,
        "parameters": {name: value for name, value in model.get_params().items() if name not in _NOT_KEPT},
        "encoder": {"label": model.label_, "weights": model.encoder_weights_},
        "outputs": model.outputs_,
        "learnt": {name: np.asarray(getattr(model, name)).tolist() for name in model.learnt_names},
        "history": model.history_.to_dict("list"),
    }
    learnt = model.network_.trainable_state_dict().items()
    weights = {name: value.cpu().contiguous() for name, value in learnt if not name.startswith("extra.")}
    with paths.atomic_folder(folder) as aside:
        safetensors.torch.save_file(weights, aside / "weights.safetensors")
        (aside / "model.json").write_text(json.dumps(about, indent=1, default=str), encoding="utf-8")


def load_tuned(folder, device="auto"):
    """Read a model that `save_tuned` wrote; it predicts as before, and nothing in the folder can run code.

    Parameters
    ----------
    folder : str or Path
    device : str
        As for ``Encoder``.

    Raises
    ------
    ModelError
        If the folder is damaged, was written by a newer version, or the encoder under the model is not on this machine
        as it was.

    Examples
    --------
    Lesson 08.

    >>> load_tuned("nowhere")
    Traceback (most recent call last):
    ser_helpers.errors.ModelError: nowhere holds no fine-tuned encoder that can be read: save it again with save_tuned.
    """
    import safetensors.torch

    folder = Path(folder)
    try:
        about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        weights = safetensors.torch.load_file(folder / "weights.safetensors")
        if about["format"] != FORMAT:
            raise ModelError(f"{folder} has the format {about['format']}, and this version reads {FORMAT}: update it.")
        model = KINDS[about["kind"]](**about["parameters"], device=device)
        model.restore(about["outputs"], {name: np.array(value) for name, value in about["learnt"].items()}, weights)
        model.history_ = pd.DataFrame(about["history"]).rename_axis("epoch").rename(index=lambda epoch: epoch + 1)
        expected = about["encoder"]
    except ModelError:
        raise
    except Exception as error:  # a damaged file raises whatever its bytes lead to
        raise ModelError(
            f"{folder} holds no fine-tuned encoder that can be read: save it again with save_tuned."
        ) from error
    if model.encoder_weights_ != expected["weights"]:
        raise ModelError(
            f"{folder} was trained on top of {expected['label']}, and here {model.encoder!r} is {model.label_} with"
            " other weights: get the same."
        )
    return model
