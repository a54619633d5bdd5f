"""What stands on an encoder when it is fine-tuned: a mix of layers, pooling over time, losses."""

import torch

from ser_helpers.errors import CorpusError


class LayerMix(torch.nn.Module):
    """A weighted sum of layers, whose weights are learnt; they are positive and add up to 1.

    As in SUPERB, arXiv:2105.01051. Used by ``EncoderClassifier``, Lesson 08.

    Examples
    --------
    >>> LayerMix(2)([torch.zeros(1, 3, 4), torch.ones(1, 3, 4)])[0, 0]
    tensor([0.5000, 0.5000, 0.5000, 0.5000], grad_fn=<SelectBackward0>)
    """

    def __init__(self, layers):
        super().__init__()
        self.logits = torch.nn.Parameter(torch.zeros(layers))

    def forward(self, layers):
        """`layers`, a list of tensors of one shape, as one tensor of that shape."""
        return sum(weight * layer for weight, layer in zip(self.logits.softmax(0), layers, strict=True))


class MeanPooling(torch.nn.Module):
    """The mean over frames. Used by ``EncoderClassifier``, Lesson 08."""

    def forward(self, x, mask):
        """`x` (utterances, frames, dims) with `mask` (utterances, frames) as (utterances, dims)."""
        return (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


class AttentivePooling(torch.nn.Module):
    """A weighted mean over frames, the weight of a frame learnt from the frame. Used in Lesson 08.

    Examples
    --------
    >>> pooling = AttentivePooling(4)
    >>> pooling(torch.ones(2, 3, 4), torch.ones(2, 3, dtype=torch.bool)).shape
    torch.Size([2, 4])
    """

    def __init__(self, dims, hidden=64):
        super().__init__()
        self.score = torch.nn.Sequential(
            torch.nn.LayerNorm(dims), torch.nn.Linear(dims, hidden), torch.nn.Tanh(), torch.nn.Linear(hidden, 1)
        )

    def forward(self, x, mask):
        """`x` (utterances, frames, dims) with `mask` (utterances, frames) as (utterances, dims)."""
        weights = self.score(x)[..., 0].masked_fill(~mask, float("-inf")).softmax(1)
        return (x * weights[..., None]).sum(1)


class TranscriptCTC(torch.nn.Module):
    """An auxiliary loss: spell the utterance's ``text`` from its frames, by connectionist temporal classification.

    An encoder that must still know the words does not forget them for the emotion. Give the class itself as
    ``extra_loss`` of ``EncoderClassifier``, or write your own of this form: made from the number of dimensions, called
    with frames (utterances, frames, dims), their mask and the rows of the utterance table, it returns one number.

    Notes
    -----
    Graves et al., ICML 2006, doi:10.1145/1143844.1143891. Utterances without text do not count. Used in Lesson 08.

    Examples
    --------
    >>> import pandas as pd
    >>> frames, mask = torch.zeros(1, 20, 4), torch.ones(1, 20, dtype=torch.bool)
    >>> TranscriptCTC(4)(frames, mask, pd.DataFrame({"text": ["hello"]})).item() > 0
    True
    """

    LETTERS = " 'abcdefghijklmnopqrstuvwxyz"

    def __init__(self, dims):
        super().__init__()
        self.letters = torch.nn.Linear(dims, len(self.LETTERS) + 1)

    def forward(self, x, mask, rows):
        """The mean loss of the utterances with a text; zero if there is none. CorpusError without a column of texts."""
        if "text" not in rows:
            raise CorpusError("The table has no column 'text', which TranscriptCTC needs: use another extra_loss.")
        texts = [[1 + self.LETTERS.index(letter) for letter in self._spelt(text)] for text in rows["text"]]
        told = [number for number, text in enumerate(texts) if text]
        if not told:
            return x.new_zeros(())
        scores = self.letters(x[told]).float().log_softmax(-1).transpose(0, 1)
        targets = torch.tensor([letter for number in told for letter in texts[number]], device=x.device)
        lengths = torch.tensor([len(texts[number]) for number in told])
        return torch.nn.functional.ctc_loss(scores, targets, mask[told].sum(1).cpu(), lengths, zero_infinity=True)

    def _spelt(self, text):
        return [letter for letter in text.lower() if letter in self.LETTERS] if isinstance(text, str) else []


def ccc_loss(predicted, truth):
    """1 minus the concordance correlation coefficient, population moments, mean over the columns of (n, targets).

    Lin, Biometrics 45(1), 1989, doi:10.2307/2532051. Used by ``EncoderRegressor``; see Lesson 09.

    Examples
    --------
    >>> truth = torch.tensor([[0.0], [1.0], [2.0]])
    >>> ccc_loss(truth, truth).item(), ccc_loss(truth + 1, truth).item()
    (0.0, 0.42857...)
    """
    if predicted.shape != truth.shape:
        raise ValueError(f"The predictions have the shape {tuple(predicted.shape)}, the truth {tuple(truth.shape)}.")
    gap = predicted.mean(0) - truth.mean(0)
    covariance = ((predicted - predicted.mean(0)) * (truth - truth.mean(0))).mean(0)
    spread = predicted.var(0, unbiased=False) + truth.var(0, unbiased=False) + gap**2
    return (1 - 2 * covariance / spread.clamp_min(1e-8)).mean()
