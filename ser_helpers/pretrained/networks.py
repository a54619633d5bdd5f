"""What an encoder computes: convolutions on one utterance at a time, then attention on batches with masks.

A convolution at the end of an utterance, or a normalisation over its time, would hear the padding of a batch. So
everything up to the first attention block runs without any padding, and attention itself is told what is padding: an
utterance's embedding does not depend on what else is in its batch.
"""

import warnings

import safetensors.torch
import torch
from torch.nn.utils.rnn import pad_sequence

from ser_helpers.pretrained.hub import damaged, weight_files
from ser_helpers.pretrained.imports import ensure_torchaudio

SAMPLE_RATE = 16000
LONGEST = 30 * SAMPLE_RATE  # Whisper has positions for 30 s, and attention over much more would not fit into memory


class Network(torch.nn.Module):
    """An encoder of transformers cut in two: `front` for one utterance, `blocks` for a batch.

    Parameters
    ----------
    model : torch.nn.Module
        Of transformers.

    Attributes
    ----------
    layers : ModuleList
        The attention blocks.
    norm_last : torch.nn.Module
        What is applied to the output of the last block.

    Notes
    -----
    Behind ``Encoder``, ``EncoderClassifier`` and ``EncoderRegressor``, Lesson 08.
    """

    def __init__(self, model, layers, norm_last):
        super().__init__()
        self.model, self.layers, self.norm_last = model, layers, norm_last

    def pieces(self, y):
        """Samples (n,) as equal pieces of at most 30 s, each a tensor ready for `front`."""
        return self._scaled(torch.as_tensor(y)).chunk(-(-len(y) // LONGEST))

    def blocks(self, x, mask, first=0):
        """Yield `x` (utterances, frames, dims) and the output of every block from number `first` on.

        `mask` (utterances, frames) is True where there are frames and False where there is padding.
        """
        yield x
        states = self._states(x, mask)
        for number, layer in enumerate(self.layers[first:], first + 1):
            x = self._through(layer, x, states)
            yield self.norm_last(x) if number == len(self.layers) else x

    def _scaled(self, y):
        return y

    def _states(self, x, mask):
        """What each block is told beside its input."""
        hidden = torch.zeros(mask.shape, dtype=x.dtype, device=x.device).masked_fill(~mask, torch.finfo(x.dtype).min)
        return {"attention_mask": hidden[:, None, None, :]}

    def _through(self, layer, x, states):
        return layer(x, **states)

    def _place(self):
        """Device and number type of the weights."""
        weight = next(self.model.parameters())
        return {"device": weight.device, "dtype": weight.dtype}


class WaveNetwork(Network):
    """wav2vec 2.0, HuBERT and data2vec: convolutions on the samples themselves."""

    def __init__(self, model, normalise):
        norm, nothing = model.encoder.layer_norm, torch.nn.Identity()
        self_normed = getattr(model.config, "do_stable_layer_norm", False)
        super().__init__(model, model.encoder.layers, norm if self_normed else nothing)
        self.norm_first = nothing if self_normed else norm
        self.normalise = normalise

    def front(self, y):
        """Samples of one utterance (n,) as the input of the first block (frames, dims)."""
        features = self.model.feature_extractor(y.to(**self._place())[None]).transpose(1, 2)
        x = self.model.feature_projection(features)
        x = x[0] if isinstance(x, tuple) else x
        x = self.norm_first(x + self.model.encoder.pos_conv_embed(x))
        return self.model.encoder.dropout(x)[0]

    def _scaled(self, y):
        return (y - y.mean()) / torch.sqrt(y.var(unbiased=False) + 1e-7) if self.normalise else y


class WavLMNetwork(WaveNetwork):
    """WavLM: its attention also weighs how far apart two frames are, by a table that the first block holds."""

    def _states(self, x, mask):
        attention, frames = self.layers[0].attention, x.shape[1]
        bias = attention.compute_bias(frames, frames).repeat(len(x), 1, 1)
        return {"attention_mask": mask, "position_bias": bias}

    def _through(self, layer, x, states):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Support for mismatched key_padding_mask")
            return layer(x, **states)[0]


class WhisperNetwork(Network):
    """Whisper's encoder: convolutions on the log-mel spectrogram of the utterance as it is, not filled up to 30 s."""

    def __init__(self, model):
        from transformers import WhisperFeatureExtractor

        super().__init__(model, model.layers, model.layer_norm)
        self.log_mel = WhisperFeatureExtractor(feature_size=model.config.num_mel_bins)

    def front(self, y):
        """Samples of one utterance (n,) as the input of the first block (frames, dims)."""
        mel = self.log_mel(y.cpu().numpy(), sampling_rate=SAMPLE_RATE, padding="do_not_pad", return_tensors="pt")
        x = torch.nn.functional.gelu(self.model.conv1(mel["input_features"].to(**self._place())))
        x = torch.nn.functional.gelu(self.model.conv2(x))[0].T
        x = x + self.model.embed_positions.weight[: len(x)]
        return torch.nn.functional.dropout(x, self.model.config.dropout, self.training)


def batch(fronts):
    """Outputs of `front` as one (utterances, frames, dims), zeros at the end of the shorter, and its mask."""
    lengths = torch.tensor([len(front) for front in fronts])
    mask = torch.arange(int(lengths.max()))[None] < lengths[:, None]
    return pad_sequence(fronts, batch_first=True), mask.to(fronts[0].device)


def pool(states):
    """Mean and standard deviation over the frames of (layers, frames, dims), as (layers, 2, dims)."""
    return torch.stack([states.mean(dim=1), states.std(dim=1, unbiased=False)], dim=1)


def build(config, folder=None, seed=0):
    """A `Network` from a configuration (dict) with the weights in `folder`, or with random ones from `seed`.

    It is in evaluation mode, on the CPU, in single precision whatever the precision on disk. Raises ModelError when the
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
        read_weights(model, folder)
    if whisper:
        network = WhisperNetwork(model)
    elif config["model_type"] == "wavlm":
        network = WavLMNetwork(model, config.get("do_normalize", True))
    else:
        network = WaveNetwork(model, config.get("do_normalize", True))
    return network.eval()


def read_weights(model, folder):
    """Put the weights in `folder` into `model`, a bare encoder of transformers.

    The checkpoint may hold more: a decoder, a head, a prefix such as ``wav2vec2.``. Half precision becomes the model's.
    """
    try:
        stored = {}
        for file in weight_files(folder):
            stored |= _tensors(file)
        wanted = model.state_dict()
        mark = "conv1.weight" if "conv1.weight" in wanted else "feature_projection.projection.weight"
        prefix = next((name.removesuffix(mark) for name in stored if name.endswith(mark)), "")
        ours = {_modern(name.removeprefix(prefix)): value for name, value in stored.items() if name.startswith(prefix)}
        lacking = sorted(wanted.keys() - ours.keys() - {"masked_spec_embed"})
        if lacking:
            raise ValueError(f"{lacking[0]} is missing")
        model.load_state_dict({name: value for name, value in ours.items() if name in wanted}, strict=False)
    except Exception as error:  # a damaged file raises whatever its bytes lead to
        raise damaged(folder, error) from error


def _tensors(file):
    if file.suffix == ".safetensors":
        return safetensors.torch.load_file(file)
    return torch.load(file, map_location="cpu", weights_only=True)


def _modern(name):
    """Older versions of torch call the two parts of a normalised weight otherwise."""
    for old, new in ((".weight_g", "original0"), (".weight_v", "original1")):
        if name.endswith(old):
            return f"{name.removesuffix(old)}.parametrizations.weight.{new}"
    return name
