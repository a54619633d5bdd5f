"""The networks under an encoder: convolutions on one utterance at a time, then attention on masked batches.

Utterances of a batch are padded to the length of the longest. A convolution at the end of an utterance, or a
normalisation over its time, would mix that padding into real frames. So everything below the first attention block
runs on each utterance alone, and attention gets a mask: an utterance's embedding does not depend on its batch.
"""

import warnings

import safetensors
import torch
from torch.nn.utils.rnn import pad_sequence

from ser_helpers.pretrained.hub import unreadable, weight_files
from ser_helpers.pretrained.imports import ensure_torchaudio

SAMPLE_RATE = 16000
LONGEST = 30 * SAMPLE_RATE  # Whisper has positions for 30 s; attention's memory grows with the square of the length


class Network(torch.nn.Module):
    """An encoder of transformers in two parts: `embed_input` for one utterance, `hidden_states` for a batch.

    Behind ``Encoder``, ``EncoderClassifier`` and ``EncoderRegressor``, Lesson 08. `model` is a module of transformers,
    whose modules and their names stay as they are, as published checkpoints must fit; `layers` are its attention
    blocks, and `norm_last` is applied to the output of the last.
    """

    def __init__(self, model, layers, norm_last):
        super().__init__()
        self.model, self.layers, self.norm_last = model, layers, norm_last

    def split(self, y):
        """Samples (n,), normalised as the model expects, in equal parts of at most 30 s: a list of tensors."""
        return self.normalise(torch.as_tensor(y)).chunk(-(-len(y) // LONGEST))  # rounds up

    def normalise(self, y):
        """Samples (n,) as the model expects them."""
        return y

    def hidden_states(self, x, mask, first=0):
        """Yield `x` (utterances, frames, dims) and the output of every block from number `first` on.

        `mask` (utterances, frames) is False at padding.
        """
        yield x
        arguments = self._block_arguments(x, mask)
        for number, layer in enumerate(self.layers[first:], first + 1):
            x = self._run_block(layer, x, arguments)
            yield self.norm_last(x) if number == len(self.layers) else x

    def _block_arguments(self, x, mask):
        # Added to the attention scores: the lowest number of the type makes the softmax give padding a weight of 0.
        # Its shape (utterances, 1, 1, frames) is broadcast over heads and queries.
        additive = torch.zeros(mask.shape, dtype=x.dtype, device=x.device).masked_fill(~mask, torch.finfo(x.dtype).min)
        return {"attention_mask": additive[:, None, None, :]}

    def _run_block(self, layer, x, arguments):
        return layer(x, **arguments)

    def _device_and_dtype(self):
        weight = next(self.model.parameters())
        return {"device": weight.device, "dtype": weight.dtype}


class WaveNetwork(Network):
    """wav2vec 2.0, HuBERT and data2vec: convolutions on the samples themselves."""

    def __init__(self, model, normalise):
        norm, nothing = model.encoder.layer_norm, torch.nn.Identity()
        # "Stable" models normalise inside each block and once more after the last; the others before the first block.
        stable = getattr(model.config, "do_stable_layer_norm", False)
        super().__init__(model, model.encoder.layers, norm if stable else nothing)
        self.norm_first = nothing if stable else norm
        self.do_normalise = normalise

    def embed_input(self, y):
        """Samples of one utterance (n,) as the input of the first block (frames, dims), a frame every 20 ms."""
        # Base models normalise the first convolution over the utterance's time (group norm): padding would change it.
        features = self.model.feature_extractor(y.to(**self._device_and_dtype())[None]).transpose(1, 2)
        x = self.model.feature_projection(features)
        x = x[0] if isinstance(x, tuple) else x  # wav2vec 2.0 also returns the features before the projection
        # Positions come from a convolution over neighbouring frames, so they too would see padding.
        x = self.norm_first(x + self.model.encoder.pos_conv_embed(x))
        return self.model.encoder.dropout(x)[0]

    def normalise(self, y):
        """Mean 0 and variance 1 over the utterance, where the model was trained so."""
        return (y - y.mean()) / torch.sqrt(y.var(unbiased=False) + 1e-7) if self.do_normalise else y


class WavLMNetwork(WaveNetwork):
    """WavLM: its attention also weighs the distance between two frames, by a table in the first block."""

    def _block_arguments(self, x, mask):
        attention, frames = self.layers[0].attention, x.shape[1]
        bias = attention.compute_bias(frames, frames).repeat(len(x), 1, 1)  # (utterances * heads, frames, frames)
        return {"attention_mask": mask, "position_bias": bias}

    def _run_block(self, layer, x, arguments):
        with warnings.catch_warnings():  # the mask is boolean, the bias is not
            warnings.filterwarnings("ignore", "Support for mismatched key_padding_mask")
            return layer(x, **arguments)[0]


class WhisperNetwork(Network):
    """Whisper's encoder: convolutions on the utterance's log-mel spectrogram, without the usual padding to 30 s."""

    def __init__(self, model):
        from transformers import WhisperFeatureExtractor

        super().__init__(model, model.layers, model.layer_norm)
        self.log_mel = WhisperFeatureExtractor(feature_size=model.config.num_mel_bins)

    def embed_input(self, y):
        """Samples of one utterance (n,) as the input of the first block (frames, dims), a frame every 20 ms."""
        mel = self.log_mel(y.cpu().numpy(), sampling_rate=SAMPLE_RATE, padding="do_not_pad", return_tensors="pt")
        # (1, mels, frames of 10 ms) -> (1, dims, frames of 10 ms) -> the second convolution's stride makes it 20 ms
        x = torch.nn.functional.gelu(self.model.conv1(mel["input_features"].to(**self._device_and_dtype())))
        x = torch.nn.functional.gelu(self.model.conv2(x))[0].T
        x = x + self.model.embed_positions.weight[: len(x)]  # a shorter utterance takes the first positions
        return torch.nn.functional.dropout(x, self.model.config.dropout, self.training)


def pad(inputs):
    """Inputs of blocks (frames, dims) as one (utterances, frames, dims), with zeros at the ends, and the mask."""
    lengths = torch.tensor([len(x) for x in inputs])
    mask = torch.arange(int(lengths.max()))[None] < lengths[:, None]
    return pad_sequence(inputs, batch_first=True), mask.to(inputs[0].device)


def pool(states):
    """Mean and standard deviation over the frames of (layers, frames, dims), as (layers, 2, dims)."""
    return torch.stack([states.mean(dim=1), states.std(dim=1, unbiased=False)], dim=1)


def build(config, folder=None, seed=0):
    """A `Network` from a configuration (dict), with the weights in `folder` or random ones from `seed`.

    It is in evaluation mode, on the CPU, in single precision whatever the precision on disk. Raises ModelError if the
    weights do not fit the configuration or cannot be read.
    """
    ensure_torchaudio()
    from transformers import AutoConfig, AutoModel
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    settings = {name: value for name, value in config.items() if name not in ("model_type", "dtype", "torch_dtype")}
    settings = AutoConfig.for_model(config["model_type"], **settings)
    whisper = config["model_type"] == "whisper"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = WhisperEncoder(settings) if whisper else AutoModel.from_config(settings, dtype=torch.float32)
    if folder is not None:
        _load_weights(model, folder)
    if whisper:
        return WhisperNetwork(model).eval()
    kind = WavLMNetwork if config["model_type"] == "wavlm" else WaveNetwork
    return kind(model, config.get("do_normalize", True)).eval()


def _load_weights(model, folder):
    """Load a checkpoint that may also contain a decoder or a head, and name the encoder's weights with a prefix."""
    try:
        stored = read_tensors(folder)
        needed = model.state_dict()
        # Every encoder has one of these weights: what stands before it in the checkpoint is the prefix ("wav2vec2.").
        mark = "conv1.weight" if "conv1.weight" in needed else "feature_projection.projection.weight"
        prefix = next((name.removesuffix(mark) for name in stored if name.endswith(mark)), "")
        own = {_current_name(name.removeprefix(prefix)): x for name, x in stored.items() if name.startswith(prefix)}
        missing = sorted(needed.keys() - own.keys() - {"masked_spec_embed"})  # only pretraining needs that one
        if missing:
            raise ValueError(f"{missing[0]} is missing")
        model.load_state_dict({name: value for name, value in own.items() if name in needed}, strict=False)
    except Exception as error:  # a damaged file raises whatever its bytes lead to
        raise unreadable(folder, error) from error


def read_tensors(folder, names=None):
    """The tensors in a folder's weight files by name, all or only those in `names`; nothing in them runs as code."""
    tensors = {}
    for file in weight_files(folder):
        if file.suffix == ".safetensors":
            with safetensors.safe_open(file, "pt") as stored:  # reads no tensor that is not asked for
                tensors |= {name: stored.get_tensor(name) for name in stored.keys() if not names or name in names}  # noqa: SIM118
        else:
            tensors |= torch.load(file, map_location="cpu", weights_only=True)
    return tensors


def _current_name(name):
    """Versions of torch before 2.0 called the direction and length of a normalised weight weight_v and weight_g."""
    for old, new in ((".weight_g", "original0"), (".weight_v", "original1")):
        if name.endswith(old):
            return f"{name.removesuffix(old)}.parametrizations.weight.{new}"
    return name
