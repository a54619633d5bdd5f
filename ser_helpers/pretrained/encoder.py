"""Encoders pretrained on hours of speech: wav2vec 2.0, HuBERT, WavLM, data2vec and Whisper."""

import contextlib
import functools
import itertools
import json

import numpy as np
import pandas as pd

from ser_helpers import audio
from ser_helpers.cache import version
from ser_helpers.pretrained.hub import choose_device, content_hash, encoder_size, find_encoder, read_config, tiny_config

POOLINGS = {"mean": ("mean",), "mean+std": ("mean", "std"), "correlation": (), None: ()}
CHANNELS = 192  # correlated with each other: of 512 all together there would be 130,816 pairs per layer
PRECISIONS = ("auto", "float32", "float16", "bfloat16")


class Encoder:
    """A pretrained network that turns an utterance into embeddings of its frames, and these into one row of features.

    ``features.extract(table, Encoder("openai/whisper-base"))`` gives a feature table. Nothing is downloaded: if the
    weights are not on this machine (see `find_encoder`), a tiny network of the same class with random weights replaces
    them, so that everything still runs; `label` says so wherever its numbers go.

    An utterance's embedding does not depend on the others in its batch. An utterance over 30 s is cut into equal parts
    of at most 30 s. Whisper gets the utterance without padding to 30 s, which takes a fifteenth of the time for a short
    one. Papers: wav2vec 2.0, arXiv:2006.11477; HuBERT, arXiv:2106.07447; WavLM, arXiv:2110.13900; data2vec,
    arXiv:2202.03555; Whisper, arXiv:2212.04356.

    Raises ModelError if the folder is damaged or contains another kind of network, or the name is not on this machine
    and does not say which kind it is; ValueError if there is no such layer, pooling, precision or device. Lesson 08.

    Parameters
    ----------
    name : str or Path
        On the Hugging Face hub, such as "facebook/wav2vec2-base", "facebook/hubert-base-ls960",
        "microsoft/wavlm-base-plus", "facebook/data2vec-audio-base" or "openai/whisper-base"; or a folder.
    layers : "all", int or list of int
        Which layers to give, side by side: 0 is the input of the first attention block, ``blocks`` the output of the
        last (with the network's final normalisation, if it has one).
    pooling : "mean+std", "mean", "correlation" or None
        Mean, and population standard deviation, over the frames of the utterance; or the correlations between channels
        over its frames, of 192 evenly spaced channels of each layer (Stafylakis et al., "Extracting speaker and emotion
        information from self-supervised speech models via channel-wise correlations", SLT 2022, arXiv:2210.09513);
        None gives the frames themselves.
    device : str
        "cuda", "mps", "cpu", or "auto" for the first of these that the machine has.
    precision : str
        "float32", "float16", "bfloat16", or "auto": float16 with CUDA, float32 elsewhere.
    batch_seconds : float or None
        Seconds of audio in a batch, padding included; None is 30, or 600 with CUDA.
    seed : int
        For the random weights of a stand-in.

    Attributes
    ----------
    label : str
        Such as "whisper-base" or "tiny untrained stand-in for whisper-base".
    stand_in : bool
        Whether the weights are random.
    folder : Path or None
        Where the weights are.
    blocks, dims : int
        Number of attention blocks, and of dimensions of each layer.
    columns : list of str, or None
        Names of the features, such as ``layer3_mean_017`` and ``layer3_std_017``; None without pooling.

    Examples
    --------
    >>> encoder = Encoder("facebook/no-such-wav2vec2", layers=[0, 4], pooling="mean", device="cpu")
    >>> encoder.label
    'tiny untrained stand-in for no-such-wav2vec2, layers 0 and 4'
    >>> encoder.embed([np.zeros(16000)]).shape, encoder.columns[-1]
    ((1, 192), 'layer4_mean_96')
    """

    sample_rate = 16000

    def __init__(
        self,
        name="openai/whisper-base",
        layers="all",
        pooling="mean+std",
        device="auto",
        precision="auto",
        batch_seconds=None,
        seed=0,
    ):
        if pooling not in list(POOLINGS):
            raise ValueError(f"pooling is 'mean+std', 'mean', 'correlation' or None, not {pooling!r}.")
        if precision not in PRECISIONS:
            raise ValueError(f"precision is one of {', '.join(PRECISIONS)}, not {precision!r}.")
        self.name, self.layers, self.pooling = str(name), layers, pooling
        self.device, self.precision, self.seed = device, precision, seed
        self.folder = find_encoder(name)
        self.stand_in = self.folder is None
        self.config = tiny_config(self.name) if self.stand_in else read_config(self.folder)
        self.blocks, self.dims = encoder_size(self.config)
        self.selected = self._layer_numbers(layers)
        self.columns = [column for layer in self.selected for column in self._columns(layer)] if pooling else None
        self._batch_seconds = batch_seconds

    def __repr__(self):
        return f"Encoder({self.name!r}, layers={self.layers!r}, pooling={self.pooling!r})"

    @property
    def label(self):
        """What titles and tables call the features."""
        return self._label(self.selected)

    def embed(self, waveforms):
        """Features of recordings: an array (recordings, features), float32, named by ``columns``.

        Without pooling it is a list of arrays (frames, layers * dims), 50 frames a second. `waveforms` is a list of
        mono samples (n,) at 16 kHz, at least 25 ms each; AudioError says which is not, or is not finite.
        """
        rows = [self.select(array) for array in self.compute(waveforms)]
        return rows if self.pooling is None else np.array(rows, np.float32).reshape(-1, len(self.columns))

    def layer(self, X, layers):
        """The columns of some layers in a feature table of all: another layer needs no second extraction.

        `X` is from ``features.extract(table, Encoder(name))``, `layers` an int or a list; the ``attrs`` of the result,
        a DataFrame, name these layers.
        """
        chosen = self._layer_numbers(layers)
        if not isinstance(X, pd.DataFrame):
            raise ValueError(f"X is a table from features.extract with pooling, not a {type(X).__name__}.")
        names = tuple(f"layer{layer}_" for layer in chosen)
        columns = [column for name in names for column in X.columns if column.startswith(name)]
        if len({column.partition("_")[0] for column in columns}) < len(chosen):
            raise ValueError(f"The table does not contain layers {chosen}: extract it with layers='all'.")
        part = X[columns]
        part.attrs = {"kind": self._label(chosen), "parameters": self._parameters(chosen)}
        return part

    # The interface that `features.extract` expects, with label, columns and sample_rate: features.extraction.Embedder.

    @property
    def parameters(self):
        """What the features depend on: ``Encoder(**parameters)`` computes the same."""
        return self._parameters(self.selected)

    @property
    def version(self):
        """A text that changes with everything the numbers depend on: weights, precision, code, libraries."""
        what = "pooled" if POOLINGS[self.pooling] else self.selected
        code = version("ser_helpers.pretrained.networks", libraries=("torch", "transformers"))
        if self.pooling == "correlation":
            code += version("ser_helpers.pretrained.correlations", CHANNELS)
        return repr([self.weights, what, self.device_and_dtype[1], code])

    @property
    def weights(self):
        """A hash of the weights; for a stand-in, what they are made from."""
        return f"random {json.dumps(self.config)} {self.seed}" if self.stand_in else content_hash(self.folder)

    @property
    def batch_seconds(self):
        """Seconds of audio in a batch."""
        return self._batch_seconds or (600.0 if self.device_and_dtype[0] == "cuda" else 30.0)

    def compute(self, waveforms):
        """What is cached of each recording: mean and deviation of all layers, or the frames of the chosen ones.

        Arrays of float32, (blocks + 1, 2, dims), (layers, pairs of channels) or (layers, frames, dims); `select` makes
        features of them. Means and deviations of all layers are small enough to be cached together, so another choice
        of layers costs nothing.
        """
        from ser_helpers.pretrained.correlations import correlate
        from ser_helpers.pretrained.networks import pool

        waveforms = [audio.check(y, self.sample_rate, f"recording {i}") for i, y in enumerate(waveforms)]
        rows = self._hidden_states(waveforms)
        if POOLINGS[self.pooling]:
            rows = map(pool, rows)
        else:
            rows = (states[self.selected] for states in rows)
        if self.pooling == "correlation":
            rows = (correlate(states[..., self._channels]) for states in rows)
        return [states.cpu().numpy() for states in rows]

    def select(self, computed):
        """The features in what `compute` gave for one recording: (features,) or (frames, layers * dims)."""
        if self.pooling is None:
            return np.concatenate(computed, axis=1)
        if self.pooling == "correlation":
            return computed.ravel()
        return computed[self.selected, : len(POOLINGS[self.pooling])].ravel()

    @property
    def network(self):
        """The ``Network`` in torch, shared by all encoders of the same weights, device and precision."""
        return _network(json.dumps(self.config), self.folder, self.weights, self.seed, *self.device_and_dtype)

    @property
    def device_and_dtype(self):
        """Names of the device and of the number type of the weights."""
        device = choose_device(self.device)
        if self.precision != "auto":
            return device, self.precision
        return device, "float16" if device.startswith("cuda") else "float32"

    def _hidden_states(self, waveforms):
        """For each recording all layers of all its frames, a tensor (blocks + 1, frames, dims)."""
        import torch

        from ser_helpers.pretrained.networks import pad

        network = self.network
        with one_core(self.stand_in), torch.inference_mode():
            parts = [(owner, part) for owner, y in enumerate(waveforms) for part in network.split(y)]
            states_of = [[] for _ in parts]
            for batch in batches_by_length([len(part) for _, part in parts], self.batch_seconds * self.sample_rate):
                x, mask = pad([network.embed_input(parts[number][1]) for number in batch])
                # (utterances, blocks + 1, frames, dims)
                states = torch.stack([layer.float() for layer in network.hidden_states(x, mask)], dim=1)
                for row, number in enumerate(batch):
                    states_of[number] = states[row][:, mask[row]]
            joined = [[] for _ in waveforms]
            for (owner, _), states in zip(parts, states_of, strict=True):
                joined[owner].append(states)
            return [torch.cat(states, dim=1) for states in joined]

    def _layer_numbers(self, layers):
        if isinstance(layers, str) and layers == "all":
            return list(range(self.blocks + 1))
        chosen = list(layers) if np.iterable(layers) else [layers]
        if not chosen or not all(isinstance(layer, int | np.integer) and 0 <= layer <= self.blocks for layer in chosen):
            raise ValueError(f"{self._label()} has the layers 0 to {self.blocks}, or 'all', and not {layers!r}.")
        return [int(layer) for layer in chosen]

    def _label(self, layers=None):
        last = self.name.rstrip("/").rsplit("/", 1)[-1]
        label = f"tiny untrained stand-in for {last}" if self.stand_in else last
        if layers is None:
            return label
        what = ", correlations" if self.pooling == "correlation" else ""
        if layers == list(range(self.blocks + 1)):
            return label + what
        *others, end = map(str, layers)
        numbers = " and ".join([", ".join(others), end] if others else [end])
        return f"{label}, layer{'s' if others else ''} {numbers}{what}"

    def _parameters(self, layers):
        chosen = "all" if layers == list(range(self.blocks + 1)) else layers
        return {"name": self.name, "layers": chosen, "pooling": self.pooling, "seed": self.seed}

    @property
    def _channels(self):
        """Numbers of the channels that are correlated, evenly spaced."""
        return np.linspace(0, self.dims - 1, min(CHANNELS, self.dims)).round().astype(int)

    def _columns(self, layer):
        width = len(str(self.dims))
        if self.pooling == "correlation":  # in the order of torch.triu_indices
            pairs = itertools.combinations(self._channels + 1, 2)
            return [f"layer{layer}_corr_{a:0{width}}_{b:0{width}}" for a, b in pairs]
        parts = POOLINGS[self.pooling]
        return [f"layer{layer}_{part}_{number:0{width}}" for part in parts for number in range(1, self.dims + 1)]


@functools.lru_cache(maxsize=2)
def _network(config, folder, weights, seed, device, dtype):
    import torch

    from ser_helpers.pretrained.networks import build

    return build(json.loads(config), folder, seed).to(device, getattr(torch, dtype))


def batches_by_length(lengths, budget):
    """Group recordings of similar length, so that little of a batch is padding: lists of positions in `lengths`.

    `lengths` are samples, or frames, of each recording, `budget` the most that a batch may contain, padding included. A
    longer recording is a batch by itself. Behind ``Encoder``, Lesson 08.
    """
    batches = []
    for number in sorted(range(len(lengths)), key=lambda number: -lengths[number]):
        if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= budget:  # the first is the longest
            batches[-1].append(number)
        else:
            batches.append([number])
    return batches


@contextlib.contextmanager
def one_core(wanted=True):
    """In the ``with`` block torch uses one thread if `wanted`: more make a tiny network up to ten times slower."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1 if wanted else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
