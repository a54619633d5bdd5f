"""Fine-tuned encoders: a classifier and a regressor that take the utterance table itself as X."""

import time

import numpy as np
import pandas as pd
import torch
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import recall_score
from sklearn.model_selection import GroupShuffleSplit
from sklearn.utils import compute_class_weight
from sklearn.utils.validation import check_is_fitted
from tqdm import tqdm

from ser_helpers import quick_mode
from ser_helpers.errors import AudioError, CorpusError, ModelError
from ser_helpers.features import extract
from ser_helpers.pretrained.encoder import Encoder, batches_by_length, one_core
from ser_helpers.pretrained.heads import FineTunedNetwork, autocast, ccc_loss, learning_rate, random_batches

GENDERS = ("female", "male")
FRAMES_PER_BATCH = 20_000  # in prediction
MAX_GRADIENT_NORM = 1.0


class FineTunedEncoder(BaseEstimator):
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
        vars(self).pop("history_", None)
        self._check(X, y)
        self._prepare()
        targets, outputs = self._targets(y)
        training, validation = self._split(X)
        inputs = self._frozen_outputs(X)
        usable = np.array([array is not None for array in inputs])
        training, validation = training[usable[training]], validation[usable[validation]]
        if len(training) < 2:
            raise AudioError(f"Training needs two usable recordings, and its speakers have {len(training)}.")
        rows, originals = np.arange(len(X)), training  # rows: where in X each input comes from
        for number in range(self.copies if self.augment is not None else 0):
            copies = self._frozen_outputs(X.iloc[originals], self.augment, number)
            training = np.append(training, len(rows) + np.flatnonzero([array is not None for array in copies]))
            rows = np.append(rows, originals)
            inputs += copies
        with one_core(self._encoder.stand_in), torch.random.fork_rng():
            torch.manual_seed(self.seed)
            self.network_ = self._build(outputs)
            validate = (lambda: self._validate(targets, inputs, validation)) if len(validation) else dict
            history = self._train(inputs, training.tolist(), self._loss(X, targets, rows), validate)
        self.history_ = pd.DataFrame(history, index=pd.RangeIndex(1, len(history) + 1, name="epoch"))
        return self

    def _train(self, inputs, training, loss, validate):
        """Train until the first score of `validate()` stops rising, and keep the best epoch; one dict per epoch."""
        network, shuffle = self.network_, torch.Generator().manual_seed(self.seed)
        encoder_lr = (5e-4 if self.lora_rank else 5e-5) if self.encoder_lr is None else self.encoder_lr
        groups = network.param_groups(self.lr, encoder_lr, self.layer_decay)
        parameters = [parameter for group in groups for parameter in group["params"]]
        optimizer = torch.optim.AdamW(groups, weight_decay=self.weight_decay)
        epochs = quick_mode.limited("epochs", self.epochs)
        steps = epochs * max(1, round(len(training) / self.batch_size))
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: learning_rate(step, steps))
        history, best, best_score = [], None, None
        bar = {"desc": "fine-tuning", "unit": "epoch", "delay": 1, "leave": False, "disable": not self.progress}
        with tqdm(total=epochs, **bar) as bar:
            for epoch in range(epochs):
                started, total = time.perf_counter(), 0.0
                network.train()
                for positions in random_batches(training, self.batch_size, shuffle):
                    x, mask = network.collate([inputs[position] for position in positions], self._device)
                    with autocast(self._device, self._mixed):
                        value = loss(*network(x, mask), mask, positions)
                    optimizer.zero_grad()
                    value.backward()  # bfloat16 has the range of float32, so the loss needs no scaling
                    torch.nn.utils.clip_grad_norm_(parameters, MAX_GRADIENT_NORM)
                    optimizer.step()
                    schedule.step()
                    total += value.item() * len(positions)
                scores = validate()
                history.append({"loss": total / len(training), **scores, "seconds": time.perf_counter() - started})
                bar.update()
                bar.set_postfix({name: f"{value:.3f}" for name, value in scores.items()})
                if not scores:
                    continue
                score = next(iter(scores.values()))
                if best is None or score > best_score:
                    best, best_score, best_epoch = network.trainable_state_dict(), score, epoch
                elif epoch - best_epoch >= self.patience:
                    break
        if best:
            network.load_state_dict(best, strict=False)
        return history

    def _build(self, outputs):
        return FineTunedNetwork(
            self._encoder,
            self._first,
            self._layers,
            outputs,
            self.pooling,
            self.dropout,
            self.lora_rank,
            bool(self.gender_weight),
            self.extra_loss,
            self.checkpointing,
        ).to(self._device)

    def __getstate__(self):
        """What pickle and joblib store: of the network its trained weights alone, on the CPU."""
        state = dict(super().__getstate__())
        if "network_" in state:
            state["network_"] = {name: x.cpu() for name, x in self.network_.trainable_state_dict().items()}
        return state

    def __setstate__(self, state):
        """Put the trained weights on top of the encoder on this machine; ModelError if that is a different one."""
        super().__setstate__(state)
        if "network_" not in state:
            return
        self._prepare()
        if self.encoder_weights_ != state["encoder_weights_"]:
            raise ModelError(
                f"This model was trained on top of {state['label_']}, and {self.encoder} on this machine is"
                f" {self.label_} with different weights: get the same."
            )
        with torch.random.fork_rng():
            self.network_ = self._build(len(state["network_"]["head.bias"]))
        self.network_.load_state_dict(state["network_"], strict=False)

    def _check(self, X, y):
        if not isinstance(X, pd.DataFrame) or "path" not in X:
            raise CorpusError(
                f"{type(self).__name__} reads recordings: X is the utterance table of corpora.load, with the"
                " columns path, start and end."
            )
        if np.shape(y)[:1] != (len(X),) or pd.isna(np.asarray(y)).any():
            raise ValueError(f"y must have one value for each of the {len(X)} utterances, none missing.")
        needed = [("speaker", self.validation, "validation"), ("gender", self.gender_weight, "gender_weight")]
        for column, wanted, parameter in needed:
            if wanted and column not in X:
                raise CorpusError(f"The table has no column {column!r}, which {parameter} needs; or set {parameter}=0.")
        if self.validation and X["speaker"].isna().any():
            raise CorpusError("Some utterances have no speaker: leave them out, or set validation=0.")
        if self.epochs < 1 or self.batch_size < 2:
            raise ValueError("epochs must be at least 1 and batch_size at least 2.")

    def _prepare(self):
        """The encoder, the first block that is trained, and the layers in the weighted sum."""
        encoder = Encoder(self.encoder, self.layers, device=self.device, precision=self.precision)
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
        self._layers = [layer for layer in encoder.selected if not depth or layer >= self._first]
        if not self._layers:
            raise ValueError(
                f"The layers {encoder.selected} lie below the blocks that are trained, whose input is layer"
                f" {self._first}: choose higher layers, or train more blocks."
            )
        self._encoder, self.encoder_weights_ = encoder, encoder.weights
        self.label_ = Encoder(self.encoder).label

    @property
    def _device(self):
        return self._encoder.device_and_dtype[0]

    @property
    def _mixed(self):
        return self._encoder.device_and_dtype[1] != "float32"

    def _split(self, X):
        """Positions of the utterances to train on, and of those of the validation speakers."""
        everyone = np.arange(len(X))
        self.validation_speakers_ = []
        if not self.validation:
            return everyone, everyone[:0]
        speakers = X["speaker"].to_numpy()
        if len(set(speakers)) < 2:
            raise ValueError("The training set has only one speaker: set validation=0 to train without stopping early.")
        splitter = GroupShuffleSplit(1, test_size=self.validation, random_state=self.seed)
        training, validation = next(splitter.split(everyone, groups=speakers))
        self.validation_speakers_ = sorted(set(speakers[validation]))
        return training, validation

    def _frozen_outputs(self, X, augment=None, copy=0):
        """What the frozen part of the encoder computes from each recording, (frames, dims), or None; cached on disk."""
        frozen = self._first == self._encoder.blocks
        # The mean of a weighted sum is the weighted sum of means: without trained blocks, one frame per recording does.
        mean = frozen and self.pooling == "mean"
        layers = self._layers if frozen else self._first
        source = Encoder(self.encoder, layers, "mean" if mean else None, self.device, self.precision)
        features = extract(X, source, progress=self.progress, augment=augment, copy=copy)
        if not mean:
            return list(features)
        values = features.to_numpy(dtype=np.float32)
        return [None if np.isnan(row).any() else row[None] for row in values]

    def _loss(self, X, targets, rows):
        """The loss of a batch: the task's own, and those of the further tasks."""
        network = self.network_
        targets = torch.as_tensor(targets, device=self._device)
        genders = torch.tensor([GENDERS.index(g) if g in GENDERS else -1 for g in X.get("gender", [None] * len(X))])
        genders = genders.to(self._device)

        def loss(frames, embeddings, mask, positions):
            part = rows[positions]
            value = self._task_loss(network.head(embeddings), targets[part])
            known = genders[part] >= 0
            if network.gender is not None and known.any():
                gender = torch.nn.functional.cross_entropy(network.gender(embeddings[known]), genders[part][known])
                value = value + self.gender_weight * gender
            if network.extra is not None:
                value = value + self.extra_weight * network.extra(frames, mask, X.iloc[part])
            return value

        return loss

    def _outputs(self, inputs):
        """The head's outputs for the frozen outputs of recordings, (recordings, outputs)."""
        outputs = np.empty((len(inputs), self.network_.head.out_features), np.float32)
        self.network_.eval()
        with one_core(self._encoder.stand_in), torch.inference_mode(), autocast(self._device, self._mixed):
            for batch in batches_by_length([len(array) for array in inputs], FRAMES_PER_BATCH):
                x, mask = self.network_.collate([inputs[number] for number in batch], self._device)
                outputs[batch] = self.network_.head(self.network_(x, mask)[1]).float().cpu().numpy()
        return outputs

    def _outputs_of(self, X):
        check_is_fitted(self, "history_")
        inputs = self._frozen_outputs(X)
        bad = [str(path) for path, array in zip(X["path"], inputs, strict=True) if array is None]
        if bad:
            raise AudioError(
                f"{len(bad)} of {len(X)} recordings cannot be used, the first is {bad[0]}: leave them out."
            )
        return self._outputs(inputs)


class EncoderClassifier(ClassifierMixin, FineTunedEncoder):
    """A pretrained encoder with a classification head, trained on recordings.

    The input `X` is the utterance table itself: ``evaluation.cross_validate(EncoderClassifier(), table, table)``. The
    outputs of frozen blocks are computed once and cached on disk (see ``features.extract``); the convolutions below
    the blocks always stay frozen.

    ``joblib.dump`` saves a fitted model without its encoder, which must be on the machine that loads it. Load only
    files whose authors you trust. Training is by AdamW (arXiv:1711.05101), of everything but the convolutions as in
    Wagner et al., "Dawn of the transformer era in speech emotion recognition", IEEE TPAMI 45(9), 2023,
    doi:10.1109/TPAMI.2023.3263585.

    Raises CorpusError if `X` is not an utterance table, or lacks a column that is needed; ValueError if a parameter has
    a wrong value, or there is only one speaker and `validation` is not 0; ModelError if the encoder's weights are not
    those that a loaded model was trained on. Lesson 08.

    Parameters
    ----------
    encoder : str or Path
        Name or folder, as for ``Encoder``. If it is not on this machine, a tiny untrained stand-in replaces it, and
        ``label_`` says so.
    trainable : "head", int or "all"
        Train the head only, or also so many of the last attention blocks, or all of them.
    layers : "all", int or list of int
        Layers in the weighted sum, whose weights are learnt. With trained blocks, layers below their input are left
        out.
    pooling : "mean" or "attentive"
        Over time: all frames alike, or with learnt weights.
    lora_rank : int
        Train adapters of this rank beside the blocks' weights, which stay frozen; 0 trains the weights. Adapters are
        at queries and values (Hu et al., arXiv:2106.09685), in WavLM at the feed-forward layers.
    loss : str or None
        Classifier: "cross-entropy" (the default). Regressor: "ccc" (the default) or "mse".
    class_weight : None, "balanced" or dict
        How much each class counts; for the classifier.
    gender_weight : float
        Weight of a second task, the speaker's gender from the same embedding; 0 for none.
    extra_loss : callable or None
        A further task on the frames, for instance ``TranscriptCTC``, which spells the column ``text``.
    extra_weight : float
        Its weight.
    epochs, batch_size : int
    patience : int
        Stop after so many epochs without a better score of the validation speakers; the best epoch's weights are kept.
    validation : float
        Share of the *training speakers* who do not train but decide when to stop; 0 trains all epochs on everyone.
    lr, encoder_lr : float
        Highest learning rate of the heads and of the last block; None is 5e-5, or 5e-4 for LoRA.
    layer_decay : float
        The factor from each block's learning rate to that of the block below.
    weight_decay, dropout : float
    augment : audio.Augmentation or None
        Train on augmented copies too.
    copies : int
        How many of each utterance.
    checkpointing : bool
        Compute the blocks again on the way back: less memory, more time.
    device, precision : str
        As for ``Encoder``; half precision trains in bfloat16, with weights in single precision.
    seed : int
        For weights, order, dropout and the validation speakers: on the CPU, the same fit gives the same predictions.
    progress : bool
        Show a bar with the epoch and the validation score.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    label_ : str
        The encoder's name for titles and the leaderboard.
    validation_speakers_ : list of str
    history_ : DataFrame
        By epoch: ``loss``, ``val_uar`` (regressor: ``val_ccc``), ``val_loss``, ``seconds``.
    network_ : torch.nn.Module
        ``network_.layer_sum.logits.softmax(0)`` are the weights of the layers.

    Examples
    --------
    >>> from ser_helpers import corpora
    >>> table = corpora.load("synthetic-small")[::8]
    >>> model = EncoderClassifier("nobody/no-such-hubert", epochs=2, device="cpu").fit(table, table["emotion"])
    >>> model.label_, model.predict_proba(table[:3]).shape
    ('tiny untrained stand-in for no-such-hubert', (3, 8))
    """

    def _targets(self, y):
        y = np.asarray(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"A classifier needs at least two classes, and y contains only {self.classes_.tolist()}.")
        if self.loss not in (None, "cross-entropy"):
            raise ValueError(f"loss is 'cross-entropy' for a classifier, not {self.loss!r}.")
        self._weights = compute_class_weight(self.class_weight, classes=self.classes_, y=y).astype(np.float32)
        return numbers, len(self.classes_)

    def _task_loss(self, logits, targets):
        weights = torch.as_tensor(self._weights, device=logits.device)
        return torch.nn.functional.cross_entropy(logits.float(), targets, weights)

    def _validate(self, targets, inputs, validation):
        logits, truth = self._outputs([inputs[number] for number in validation]), targets[validation]
        loss = torch.nn.functional.cross_entropy(torch.as_tensor(logits), torch.as_tensor(truth)).item()
        uar = recall_score(truth, logits.argmax(1), labels=np.unique(truth), average="macro", zero_division=0)
        return {"val_uar": float(uar), "val_loss": loss}

    def predict_proba(self, X):
        """Probabilities of shape (n, n_classes), columns in the order of ``classes_``."""
        return softmax(self._outputs_of(X).astype(np.float64), axis=1)

    def predict(self, X):
        """The most probable label of each utterance, shape (n,). AudioError if a recording cannot be used."""
        best = self._outputs_of(X).argmax(axis=1)
        return self.classes_[best]


class EncoderRegressor(RegressorMixin, FineTunedEncoder):
    """A pretrained encoder with a regression head, for one number per utterance or several, such as V, A and D.

    Parameters and attributes are those of `EncoderClassifier`; `loss` is "ccc" or "mse", and there are no ``classes_``.
    `y` has the shape (n,) or (n, targets), and so have predictions. Lesson 09.

    >>> from ser_helpers import corpora
    >>> table = corpora.load("synthetic-small")[::8]
    >>> model = EncoderRegressor("nobody/no-such-hubert", epochs=2, device="cpu")
    >>> model.fit(table, table[["valence", "arousal", "dominance"]]).predict(table[:5]).shape
    (5, 3)
    """

    def _targets(self, y):
        try:
            y = np.asarray(y, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError("y must contain numbers: use an EncoderClassifier for words.") from error
        if y.ndim > 2 or not np.isfinite(y).all():
            raise ValueError(f"y must be finite and have the shape (n,) or (n, targets), not {y.shape}.")
        if self.loss not in (None, "ccc", "mse"):
            raise ValueError(f"loss is 'ccc' or 'mse' for a regressor, not {self.loss!r}.")
        if self.class_weight is not None:
            raise ValueError("class_weight is for classes: leave it out for a regressor.")
        self.mean_, self.scale_ = y.mean(axis=0), y.std(axis=0)
        if not np.all(self.scale_ > 0):
            raise ValueError("A column of y is the same for every utterance: there is nothing to learn.")
        scaled = ((y - self.mean_) / self.scale_).reshape(len(y), -1).astype(np.float32)
        return scaled, scaled.shape[1]

    def _task_loss(self, predicted, targets):
        measure = torch.nn.functional.mse_loss if self.loss == "mse" else ccc_loss
        return measure(predicted.float(), targets)

    def _validate(self, targets, inputs, validation):
        predicted = torch.as_tensor(self._outputs([inputs[number] for number in validation]))
        truth = torch.as_tensor(targets[validation])
        return {"val_ccc": 1 - ccc_loss(predicted, truth).item(), "val_loss": self._task_loss(predicted, truth).item()}

    def predict(self, X):
        """The numbers of each utterance, in the shape of `y`. AudioError if a recording cannot be used."""
        outputs = self._outputs_of(X)
        return (outputs if np.ndim(self.mean_) else outputs[:, 0]) * self.scale_ + self.mean_
