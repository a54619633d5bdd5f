"""What stands on an encoder when it is fine-tuned: a mix of layers, pooling over time, losses.

The network that is trained in fine-tuning: the upper blocks of an encoder and the heads on them.

The training loop of fine-tuning: warm-up, rates by layer, mixed precision, a stop when strangers gain nothing.
"""

import contextlib
import math
import time

import pandas as pd
import torch
from tqdm import tqdm

from ser_helpers.errors import CorpusError
from ser_helpers.pretrained.networks import batch, build


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


POOLINGS = {"mean": lambda dims: MeanPooling(), "attentive": AttentivePooling}
LORA_TARGETS = {"wavlm": "intermediate_dense|output_dense"}
"""WavLM's attention reads the weights of its projections itself, past any adapter."""


class TunedNetwork(torch.nn.Module):
    """From the input of block `first` to outputs.

    Parameters
    ----------
    encoder : Encoder
    first : int
        The first block that is trained; ``encoder.blocks`` if none is.
    mix : list of int
        The layers whose weighted sum is pooled, none below `first`; with no trained block, those that are given.
    outputs : int
        Number of classes or targets.
    pooling : str
        "mean" or "attentive".
    dropout : float
    lora_rank : int
        Rank of the adapters that are trained in place of the blocks' weights; 0 trains the weights.
    gender : bool
        Add a second head for the speaker's gender.
    extra_loss : callable or None
        Makes a module from the number of dimensions, as ``TranscriptCTC``.
    checkpointing : bool
        Compute the blocks twice rather than keep all they compute: less memory, more time.

    Notes
    -----
    Behind ``EncoderClassifier`` and ``EncoderRegressor``, Lesson 08. The pooled numbers are standardised by running
    statistics of the training set (batch normalisation): an encoder's dimensions differ a hundredfold in size.
    """

    def __init__(self, encoder, first, mix, outputs, pooling, dropout, lora_rank, gender, extra_loss, checkpointing):
        super().__init__()
        self.first, self.layers, self.dims, self.blocks = first, mix, encoder.dims, encoder.blocks
        self.network = None
        if first < encoder.blocks:
            self.network = build(encoder.config, encoder.folder, encoder.seed).requires_grad_(False)
            if lora_rank:
                _add_adapters(self.network.model, encoder.config["model_type"], range(first, self.blocks), lora_rank)
            else:
                self.network.layers[first:].requires_grad_(True)
                self.network.norm_last.requires_grad_(True)
            if checkpointing:
                self.network.model.activation_checkpointing_enable({"use_reentrant": False})
        self.mix = LayerMix(len(mix))
        self.pooling = POOLINGS[pooling](self.dims)
        self.norm = torch.nn.BatchNorm1d(self.dims, affine=False)
        self.dropout = torch.nn.Dropout(dropout)
        self.head = torch.nn.Linear(self.dims, outputs)
        self.gender = torch.nn.Linear(self.dims, 2) if gender else None
        self.extra = extra_loss(self.dims) if extra_loss else None

    def forward(self, x, mask):
        """Mixed frames (utterances, frames, dims) and standardised embeddings (utterances, dims).

        `x` is the output of block `first` - 1, or, where no block is trained, all layers of the mix side by side.
        """
        if self.network is None:
            layers = x.unflatten(-1, (len(self.layers), self.dims)).unbind(-2)
        else:
            states = enumerate(self.network.blocks(x, mask, self.first), self.first)
            layers = [state for number, state in states if number in self.layers]
        frames = self.mix(layers)
        return frames, self.dropout(self.norm(self.pooling(frames, mask).float()))

    def collate(self, arrays, device):
        """A list of arrays (frames, dims) as one tensor and its mask, on a device."""
        x, mask = batch([torch.tensor(array) for array in arrays])
        return x.to(device), mask.to(device)

    def param_groups(self, lr, encoder_lr, decay):
        """What the optimizer trains: heads at `lr`, blocks at `encoder_lr` times `decay` per block further down."""
        heads = [parameter for name, parameter in self.named_parameters() if not name.startswith("network.")]
        groups = [{"name": "heads", "params": heads, "lr": lr}]
        if self.network is not None:
            groups.append({"name": "norm", "params": list(self.network.norm_last.parameters()), "lr": encoder_lr})
            for number in range(self.first, self.blocks):
                rate = encoder_lr * decay ** (self.blocks - 1 - number)
                parameters = list(self.network.layers[number].parameters())
                groups.append({"name": f"block {number + 1}", "params": parameters, "lr": rate})
        for group in groups:
            group["params"] = [parameter for parameter in group["params"] if parameter.requires_grad]
        return [group for group in groups if group["params"]]

    def trainable_state_dict(self):
        """What training changes, by name: trained weights and running statistics."""
        trained = {name for name, parameter in self.named_parameters() if parameter.requires_grad}
        return {
            name: value.detach().clone()
            for name, value in self.state_dict().items()
            if name in trained or name.startswith("norm.")
        }


def _add_adapters(model, kind, blocks, rank):
    import peft

    targets = LORA_TARGETS.get(kind, "q_proj|v_proj")
    places = rf"(.*\.)?layers\.({'|'.join(map(str, blocks))})\..*({targets})"
    peft.inject_adapter_in_model(peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=places), model)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_" in name)


WARM_UP = 0.1
CLIP = 1.0


def train(
    network,
    arrays,
    numbers,
    loss,
    watch,
    *,
    groups,
    epochs,
    batch_size,
    patience,
    weight_decay,
    device,
    mixed,
    seed,
    progress,
):
    """Train a `TunedNetwork` in place and leave it with the weights of its best epoch; returns the history.

    Parameters
    ----------
    network : TunedNetwork
    arrays : list of array (frames, dims)
        Input of every utterance.
    numbers : list of int
        Which of them to train on.
    loss : callable
        ``loss(frames, embeddings, mask, numbers)`` of a batch, one number.
    watch : callable or None
        ``watch()`` after each epoch: a dict of scores on utterances that are not trained on, the first of them the one
        that decides (more is better).
    groups : list of dict
        As from ``TunedNetwork.groups``.
    patience : int
        Stop after so many epochs without a better score.
    device : str
    mixed : bool
        Compute in bfloat16 where that is safe.
    epochs, batch_size, weight_decay, seed, progress
        As in ``EncoderClassifier``.

    Returns
    -------
    DataFrame
        One row per epoch: ``loss``, what `watch` gives, ``seconds``.

    Notes
    -----
    AdamW (arXiv:1711.05101); rates rise over the first tenth of the steps and fall along half a cosine to 0. Behind
    ``EncoderClassifier``, Lesson 08.
    """
    shuffle = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(groups, weight_decay=weight_decay)
    steps = epochs * max(1, round(len(numbers) / batch_size))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    trained = [parameter for group in groups for parameter in group["params"]]
    history, best = [], None
    with tqdm(total=epochs, desc="fine-tuning", unit="epoch", delay=1, leave=False, disable=not progress) as bar:
        for _ in range(epochs):
            begun = time.perf_counter()
            network.train()
            total = 0.0
            for part in _batches(numbers, batch_size, shuffle):
                x, mask = network.collate([arrays[number] for number in part], device)
                with autocast(device, mixed):
                    value = loss(*network(x, mask), mask, part)
                optimizer.zero_grad()
                value.backward()
                torch.nn.utils.clip_grad_norm_(trained, CLIP)
                optimizer.step()
                schedule.step()
                total += value.item() * len(part)
            network.eval()
            scores = watch() if watch else {}
            history.append({"loss": total / len(numbers), **scores, "seconds": time.perf_counter() - begun})
            bar.update()
            bar.set_postfix({name: f"{value:.3f}" for name, value in scores.items()})
            if scores:
                score = next(iter(scores.values()))
                if best is None or score > best[0]:
                    best = score, len(history), network.trainable_state_dict()
                elif len(history) - best[1] >= patience:
                    break
    if best:
        network.load_state_dict(best[2], strict=False)
    return pd.DataFrame(history, index=pd.RangeIndex(1, len(history) + 1, name="epoch"))


def autocast(device, mixed):
    """Mixed precision in a ``with`` block, or nothing."""
    kind = torch.device(device).type
    return torch.autocast(kind, dtype=torch.bfloat16) if mixed else contextlib.nullcontext()


def _rate(step, steps):
    warm = max(1, round(WARM_UP * steps))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, steps - warm))))


def _batches(numbers, size, generator):
    """Random batches of nearly equal size, none of a single example, which has no deviation to standardise by."""
    order = torch.randperm(len(numbers), generator=generator).tolist()
    count = max(1, min(round(len(numbers) / size), len(numbers) // 2))
    return [[numbers[place] for place in order[start::count]] for start in range(count)]
