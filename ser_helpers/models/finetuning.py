"""Pretrained encoders that learn on: a classifier and a regressor whose X is the utterance table itself."""

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import recall_score
from sklearn.utils import compute_class_weight

from ser_helpers.models.tuned_encoder import TunedEncoder


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

        from ser_helpers.models.heads import ccc_loss

        measure = torch.nn.functional.mse_loss if self.loss == "mse" else ccc_loss
        return measure(said.float(), targets)

    def _watch(self, targets, arrays, held):
        import torch

        from ser_helpers.models.heads import ccc_loss

        said, truth = (
            torch.as_tensor(self._outputs([arrays[number] for number in held])),
            torch.as_tensor(targets[held]),
        )
        return {"val_ccc": 1 - ccc_loss(said, truth).item(), "val_loss": self._task_loss(said, truth).item()}

    def predict(self, X):
        """The numbers of each utterance, in the shape of `y`. AudioError if a recording cannot be used."""
        said = self._said_of(X)
        return (said if np.ndim(self.mean_) else said[:, 0]) * self.scale_ + self.mean_
