"""The network that is trained in fine-tuning: the upper blocks of an encoder and the heads on them."""

import torch

from ser_helpers.models.encoder_networks import batch, build
from ser_helpers.models.heads import AttentivePooling, LayerMix, MeanPooling

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

    def groups(self, lr, encoder_lr, decay):
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

    def learnt(self):
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
