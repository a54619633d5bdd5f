"""What fine-tuned encoders share: their data, their network, how they are trained and asked."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.model_selection import GroupShuffleSplit
from sklearn.utils.validation import check_is_fitted

from ser_helpers import quick_mode
from ser_helpers.errors import AudioError, CorpusError
from ser_helpers.features import extract
from ser_helpers.models.batches import by_length, one_core
from ser_helpers.models.pretrained import Encoder

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

        from ser_helpers.models.training import train

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
                groups=self.network_.groups(self.lr, self._encoder_lr(), self.layer_decay),
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
        from ser_helpers.models.tuned_network import TunedNetwork

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
        if self.network_.learnt().keys() != weights.keys():
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

        from ser_helpers.models.training import autocast

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
