"""Fine-tuning in torch: heads on the upper blocks of an encoder, their losses, learning rates and batches."""

import contextlib
import math

import torch

from ser_helpers.errors import CorpusError
from ser_helpers.pretrained.networks import build, pad

WARM_UP = 0.1  # of all steps
LORA_TARGETS = {"wavlm": "intermediate_dense|output_dense"}
"""WavLM's attention reads the weights of its projections directly, so an adapter around them would have no effect."""


class WeightedLayerSum(torch.nn.Module):
    """A weighted sum of layers with learnt weights, which are positive and add up to 1.

    After SUPERB, arXiv:2105.01051. Used by ``EncoderClassifier``, Lesson 08.
    """

    def __init__(self, layers):
        super().__init__()
        self.logits = torch.nn.Parameter(torch.zeros(layers))  # equal weights to begin with

    def forward(self, layers):
        """`layers`, a list of tensors of one shape, as one tensor of that shape."""
        return sum(weight * layer for weight, layer in zip(self.logits.softmax(0), layers, strict=True))


class MeanPooling(torch.nn.Module):
    """The mean over frames. Used by ``EncoderClassifier``, Lesson 08."""

    def forward(self, x, mask):
        """`x` (utterances, frames, dims) with `mask` (utterances, frames) as (utterances, dims)."""
        return (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


class AttentivePooling(torch.nn.Module):
    """A weighted mean over frames; each frame's weight is learnt from the frame. Used in Lesson 08."""

    def __init__(self, dims, hidden=64):
        super().__init__()
        self.score = torch.nn.Sequential(
            torch.nn.LayerNorm(dims), torch.nn.Linear(dims, hidden), torch.nn.Tanh(), torch.nn.Linear(hidden, 1)
        )

    def forward(self, x, mask):
        """`x` (utterances, frames, dims) with `mask` (utterances, frames) as (utterances, dims)."""
        weights = self.score(x)[..., 0].masked_fill(~mask, float("-inf")).softmax(1)  # padding gets 0
        return (x * weights[..., None]).sum(1)


class TranscriptCTC(torch.nn.Module):
    """An auxiliary loss: spell the utterance's ``text`` from its frames, by connectionist temporal classification.

    It keeps the encoder from forgetting words while it learns emotions. Pass the class itself as ``extra_loss`` of
    ``EncoderClassifier``, or one of your own like it: made from the number of dimensions and called with frames
    (utterances, frames, dims), their mask and the rows of the utterance table, it returns one number. Utterances
    without text do not count. Graves et al., ICML 2006, doi:10.1145/1143844.1143891. Lesson 08.

    >>> import pandas as pd
    >>> frames, mask = torch.zeros(1, 20, 4), torch.ones(1, 20, dtype=torch.bool)
    >>> TranscriptCTC(4)(frames, mask, pd.DataFrame({"text": ["hello"]})).item() > 0
    True
    """

    LETTERS = " 'abcdefghijklmnopqrstuvwxyz"

    def __init__(self, dims):
        super().__init__()
        self.letters = torch.nn.Linear(dims, len(self.LETTERS) + 1)  # output 0 is CTC's blank

    def forward(self, x, mask, rows):
        """The mean loss of the utterances with text; 0 if there are none. CorpusError without a column ``text``."""
        if "text" not in rows:
            raise CorpusError("The table has no column 'text', which TranscriptCTC needs: use another extra_loss.")
        texts = [self._spell(text) for text in rows["text"]]
        with_text = [row for row, text in enumerate(texts) if text]
        if not with_text:
            return x.new_zeros(())
        # ctc_loss wants log-probabilities (frames, utterances, letters), all targets in one row, and their lengths;
        # it sums over every alignment of letters to frames. Texts with more letters than frames have none: zero.
        logs = self.letters(x[with_text]).float().log_softmax(-1).transpose(0, 1)
        targets = torch.tensor([letter for row in with_text for letter in texts[row]], device=x.device)
        lengths = torch.tensor([len(texts[row]) for row in with_text])
        return torch.nn.functional.ctc_loss(logs, targets, mask[with_text].sum(1).cpu(), lengths, zero_infinity=True)

    def _spell(self, text):
        letters = text.lower() if isinstance(text, str) else ""
        return [1 + self.LETTERS.index(letter) for letter in letters if letter in self.LETTERS]


def ccc_loss(predicted, truth):
    """1 minus the concordance correlation coefficient, population moments, mean over the columns of (n, targets).

    As in ``evaluation.ccc``. Used by ``EncoderRegressor``; see Lesson 09.
    """
    if predicted.shape != truth.shape:  # they would broadcast to a wrong loss without an error
        raise ValueError(f"The predictions have the shape {tuple(predicted.shape)}, the truth {tuple(truth.shape)}.")
    gap = predicted.mean(0) - truth.mean(0)
    covariance = ((predicted - predicted.mean(0)) * (truth - truth.mean(0))).mean(0)
    spread = predicted.var(0, unbiased=False) + truth.var(0, unbiased=False) + gap**2
    return (1 - 2 * covariance / spread.clamp_min(1e-8)).mean()


class FineTunedNetwork(torch.nn.Module):
    """The trained part: from the input of block `first` to embeddings, with a linear `head` on them.

    `layers` are those in the weighted sum; if no block is trained (`first` is ``encoder.blocks``), those that `forward`
    gets. `gender` adds a second head. The other parameters are those of ``EncoderClassifier``. Lesson 08.
    """

    def __init__(self, encoder, first, layers, outputs, pooling, dropout, lora_rank, gender, extra_loss, checkpointing):
        super().__init__()
        self.first, self.layers, self.dims, self.blocks = first, layers, encoder.dims, encoder.blocks
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
        self.layer_sum = WeightedLayerSum(len(layers))
        self.pooling = AttentivePooling(self.dims) if pooling == "attentive" else MeanPooling()
        # An encoder's dimensions differ a hundredfold in size: standardise them by running statistics.
        self.norm = torch.nn.BatchNorm1d(self.dims, affine=False)
        self.dropout = torch.nn.Dropout(dropout)
        self.head = torch.nn.Linear(self.dims, outputs)
        self.gender = torch.nn.Linear(self.dims, 2) if gender else None
        self.extra = extra_loss(self.dims) if extra_loss else None

    def forward(self, x, mask):
        """Frames (utterances, frames, dims) of the layer sum, and standardised embeddings (utterances, dims).

        `x` is the output of block `first` - 1, or, if no block is trained, all layers of the sum side by side.
        """
        if self.network is None:
            layers = x.unflatten(-1, (len(self.layers), self.dims)).unbind(-2)  # (..., layers * dims) -> (..., dims)
        else:
            states = enumerate(self.network.hidden_states(x, mask, self.first), self.first)
            layers = [state for number, state in states if number in self.layers]
        frames = self.layer_sum(layers)
        # Statistics over a batch need single precision, whatever autocast made of the blocks.
        return frames, self.dropout(self.norm(self.pooling(frames, mask).float()))

    def collate(self, inputs, device):
        """A list of arrays (frames, dims) as one padded tensor and its mask, on a device."""
        x, mask = pad([torch.tensor(array) for array in inputs])
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
        """A copy of what training changes, by name: trained weights and running statistics."""
        trained = {name for name, parameter in self.named_parameters() if parameter.requires_grad}
        return {
            name: value.detach().clone()
            for name, value in self.state_dict().items()
            if name in trained or name.startswith("norm.")
        }


def _add_adapters(model, kind, blocks, rank):
    """LoRA: beside each chosen matrix W a product B A of `rank`; B starts at 0, so the model starts as it was."""
    import peft

    targets = LORA_TARGETS.get(kind, "q_proj|v_proj")  # queries and values, as in the paper
    modules = rf"(.*\.)?layers\.({'|'.join(map(str, blocks))})\..*({targets})"
    # W + alpha / rank * B A: alpha = 2 * rank makes the scale 2 for every rank.
    peft.inject_adapter_in_model(peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=modules), model)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_" in name)


def autocast(device, mixed):
    """Mixed precision in a ``with`` block, or nothing: products in bfloat16, weights and sums in float32."""
    kind = torch.device(device).type
    return torch.autocast(kind, dtype=torch.bfloat16) if mixed else contextlib.nullcontext()


def learning_rate(step, steps):
    """The share of the highest rate: it rises over the first tenth of the steps and falls along half a cosine to 0."""
    warm = max(1, round(WARM_UP * steps))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, steps - warm))))


def random_batches(positions, size, generator):
    """Random batches of nearly equal size, none of a single example, which batch normalisation cannot standardise."""
    order = torch.randperm(len(positions), generator=generator).tolist()
    count = max(1, min(round(len(positions) / size), len(positions) // 2))
    return [[positions[number] for number in order[start::count]] for start in range(count)]
