"""Encoders that learnt from hours of speech: wav2vec 2.0, HuBERT, WavLM, data2vec and Whisper.

How recordings are computed: which together, and on how many cores.
"""

import contextlib
import functools
import json

import numpy as np
import pandas as pd

from ser_helpers import audio
from ser_helpers.cache import version
from ser_helpers.pretrained import hub
from ser_helpers.pretrained.hub import content, find, read_config, size

POOLINGS = {"mean": ("mean",), "mean+std": ("mean", "std"), None: ()}
PRECISIONS = ("auto", "float32", "float16", "bfloat16")
_LIBRARIES = ("torch", "transformers")


class Encoder:
    """A pretrained network that turns an utterance into frames of numbers, and frames into one row of features.

    ``features.extract(table, Encoder("openai/whisper-base"))`` is a feature table like others. Nothing is downloaded:
    where the weights are not on this machine (see `find`), a tiny network of the same class with random weights takes
    their place, so that everything still runs; its `label` says so wherever its numbers go.

    Parameters
    ----------
    name : str or Path
        On the Hugging Face hub, as "facebook/wav2vec2-base", "facebook/hubert-base-ls960", "microsoft/wavlm-base-plus",
        "facebook/data2vec-audio-base" or "openai/whisper-base"; or a folder.
    layers : "all", int or list of int
        Which layers to give, side by side: 0 is the input of the first attention block, ``blocks`` the output of the
        last (with the network's final normalisation, where it has one).
    pooling : "mean+std", "mean" or None
        Mean, and population standard deviation, over the frames of the utterance; None gives the frames themselves.
    device : str
        "cuda", "mps", "cpu", or "auto" for the first of these there is.
    precision : str
        "float32", "float16", "bfloat16", or "auto": half precision on a GPU by CUDA, single elsewhere.
    batch_seconds : float or None
        Seconds of audio, padding included, that are computed together; None is 30, or 600 on a GPU.
    seed : int
        For the random weights of a stand-in.

    Attributes
    ----------
    label : str
        As "whisper-base" or "tiny untrained stand-in for whisper-base".
    stand_in : bool
        Whether this is a stand-in.
    folder : Path or None
        Where the weights are.
    blocks, dims : int
        Number of attention blocks, and of dimensions of each layer.
    columns : list of str, or None
        Names of the features, as ``layer3_mean_017`` and ``layer3_std_017``; None without pooling.

    Raises
    ------
    ModelError
        If the folder is damaged or holds another kind of network, or the name tells of none.
    ValueError
        If there is no such layer, pooling or precision.

    Notes
    -----
    Used in Lesson 08. An utterance's embedding does not depend on the others in its batch. Utterances over 30 s are
    heard in equal pieces of at most 30 s. Whisper hears the utterance as it is, not filled up to 30 s with silence as
    for transcription: for a short one that takes a fifteenth of the time. Papers: wav2vec 2.0, arXiv:2006.11477;
    HuBERT, arXiv:2106.07447; WavLM, arXiv:2110.13900; data2vec, arXiv:2202.03555; Whisper, arXiv:2212.04356.

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
            raise ValueError(f"pooling is 'mean+std', 'mean' or None, not {pooling!r}.")
        if precision not in PRECISIONS:
            raise ValueError(f"precision is one of {', '.join(PRECISIONS)}, not {precision!r}.")
        self.name, self.layers, self.pooling = str(name), layers, pooling
        self.device, self.precision, self.seed = device, precision, seed
        self.folder = find(name)
        self.stand_in = self.folder is None
        self.config = hub.config_for(self.name) if self.stand_in else read_config(self.folder)
        self.blocks, self.dims = size(self.config)
        self.selected = self._checked(layers)
        self.columns = [column for layer in self.selected for column in self._columns(layer)] if pooling else None
        self._batch_seconds = batch_seconds

    def __repr__(self):
        return f"Encoder({self.name!r}, layers={self.layers!r}, pooling={self.pooling!r})"

    @property
    def label(self):
        """What titles and tables call the features."""
        return self._label(self.selected)

    def embed(self, waveforms):
        """Features of recordings at 16 kHz.

        Parameters
        ----------
        waveforms : list of array (n,)
            Mono samples at 16 kHz, at least 25 ms each.

        Returns
        -------
        array (recordings, features), float32
            Columns as ``columns``; without pooling a list of arrays (frames, layers * dims), 50 frames a second.

        Raises
        ------
        AudioError
            If a recording is not mono, not finite or too short; the message says which.
        """
        rows = [self.select(array) for array in self.compute(waveforms)]
        return rows if self.pooling is None else np.array(rows, np.float32).reshape(-1, len(self.columns))

    def layer(self, X, layers):
        """The columns of some layers in a feature table of all: another layer costs no second extraction.

        Parameters
        ----------
        X : DataFrame
            As from ``features.extract(table, Encoder(name))``.
        layers : int or list of int

        Returns
        -------
        DataFrame
            Named in its ``attrs`` after these layers.
        """
        chosen = self._checked(layers)
        if not isinstance(X, pd.DataFrame):
            raise ValueError(f"X is a table as features.extract makes it with pooling, not a {type(X).__name__}.")
        names = tuple(f"layer{layer}_" for layer in chosen)
        columns = [column for name in names for column in X.columns if column.startswith(name)]
        if len({column.partition("_")[0] for column in columns}) < len(chosen):
            raise ValueError(f"The table does not hold layers {chosen}: extract it with layers='all'.")
        part = X[columns]
        part.attrs = {"kind": self._label(chosen), "parameters": self._parameters(chosen)}
        return part

    # What `features.extract` asks of an encoder, beside label, columns and sample_rate; see features.extraction.

    @property
    def parameters(self):
        """What was asked for, to be kept with the features: ``Encoder(**parameters)`` gives the same."""
        return self._parameters(self.selected)

    @property
    def version(self):
        """A text that changes with whatever the numbers depend on: weights, precision, code, libraries."""
        frames = self.selected if self.pooling is None else "pooled"
        return repr([self.weights, frames, self.place[1], _code()])

    @property
    def weights(self):
        """A fingerprint of the weights; of a stand-in, what they are made from."""
        return f"random {json.dumps(self.config)} {self.seed}" if self.stand_in else content(self.folder)

    @property
    def batch_seconds(self):
        """Seconds of audio to be computed together."""
        return self._batch_seconds or (600.0 if self.place[0] == "cuda" else 30.0)

    def compute(self, waveforms):
        """What the cache keeps of each recording: mean and deviation of all layers, or the frames of those wanted.

        Arrays of float32, (blocks + 1, 2, dims) or (layers, frames, dims); `select` makes features of them.
        """
        waveforms = [audio.check(y, self.sample_rate, f"recording {i}") for i, y in enumerate(waveforms)]
        return [self._kept(states) for states in self._states(waveforms)]

    def select(self, kept):
        """The features asked for of what `compute` gave for one recording: (features,) or (frames, layers * dims)."""
        if self.pooling is None:
            return np.concatenate(kept, axis=1)
        return kept[self.selected, : len(POOLINGS[self.pooling])].ravel()

    @property
    def network(self):
        """The ``Network`` itself, in torch, shared by all encoders of the same weights, device and precision."""
        return _network(json.dumps(self.config), self.folder, self.weights, self.seed, *self.place)

    def _states(self, waveforms):
        """For each recording all layers of all its frames, as a tensor (blocks + 1, frames, dims)."""
        import torch

        from ser_helpers.pretrained.networks import batch

        network = self.network
        with one_core(self.stand_in), torch.inference_mode():
            pieces = [(owner, piece) for owner, y in enumerate(waveforms) for piece in network.pieces(y)]
            done = [None] * len(pieces)
            for numbers in by_length([len(piece) for _, piece in pieces], self.batch_seconds * self.sample_rate):
                x, mask = batch([network.front(pieces[number][1]) for number in numbers])
                states = torch.stack([layer.float() for layer in network.blocks(x, mask)], dim=1)
                for row, number in enumerate(numbers):
                    done[number] = states[row][:, mask[row]]
            parts = [[] for _ in waveforms]
            for (owner, _), states in zip(pieces, done, strict=True):
                parts[owner].append(states)
            return [torch.cat(part, dim=1) for part in parts]

    def _kept(self, states):
        from ser_helpers.pretrained.networks import pool

        return (states[self.selected] if self.pooling is None else pool(states)).cpu().numpy()

    @property
    def place(self):
        """Device and precision, by name."""
        import torch

        device = self.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        try:
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError) as error:
            raise ValueError(f"There is no device {device!r} on this machine: use 'auto' or 'cpu'.") from error
        precision = self.precision
        if precision == "auto":
            precision = "float16" if device.startswith("cuda") else "float32"
        return device, precision

    def _checked(self, layers):
        """Numbers of layers as a list."""
        if isinstance(layers, str) and layers == "all":
            return list(range(self.blocks + 1))
        chosen = list(layers) if np.iterable(layers) else [layers]
        if not chosen or not all(isinstance(layer, int | np.integer) and 0 <= layer <= self.blocks for layer in chosen):
            raise ValueError(f"{self._label()} has the layers 0 to {self.blocks}, or 'all', and not {layers!r}.")
        return [int(layer) for layer in chosen]

    def _label(self, layers=None):
        last = self.name.rstrip("/").rsplit("/", 1)[-1]
        label = f"tiny untrained stand-in for {last}" if self.stand_in else last
        if layers is None or layers == list(range(self.blocks + 1)):
            return label
        *others, end = map(str, layers)
        return f"{label}, layer{'s' if others else ''} {' and '.join([', '.join(others), end] if others else [end])}"

    def _parameters(self, layers):
        everything = layers == list(range(self.blocks + 1))
        chosen = "all" if everything else layers
        return {"name": self.name, "layers": chosen, "pooling": self.pooling, "seed": self.seed}

    def _columns(self, layer):
        width = len(str(self.dims))
        parts = POOLINGS[self.pooling]
        return [f"layer{layer}_{part}_{number:0{width}}" for part in parts for number in range(1, self.dims + 1)]


def _code():
    """A hash of the code that computes, and of the libraries under it."""
    return version("ser_helpers.pretrained.networks", libraries=_LIBRARIES)


@functools.lru_cache(maxsize=2)
def _network(config, folder, weights, seed, device, precision):
    import torch

    from ser_helpers.pretrained.networks import build

    return build(json.loads(config), folder, seed).to(device, getattr(torch, precision))


def by_length(lengths, budget):
    """Group recordings of like length, so that little of a batch is padding.

    Parameters
    ----------
    lengths : list of int
        Samples, or frames, of each recording.
    budget : float
        How much a batch may hold, padding included. A recording that alone holds more is a batch by itself.

    Returns
    -------
    list of list of int
        Positions in `lengths`, each once, from the longest recording to the shortest.

    Examples
    --------
    Behind ``Encoder``, Lesson 08.

    >>> by_length([10, 90, 12, 80], budget=180)
    [[1, 3], [2, 0]]
    """
    batches = []
    for number in sorted(range(len(lengths)), key=lambda number: -lengths[number]):
        if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= budget:
            batches[-1].append(number)
        else:
            batches.append([number])
    return batches


@contextlib.contextmanager
def one_core(wanted=True):
    """In the ``with`` block torch computes on one core, where `wanted`: more make a tiny network slower, up to tenfold.

    Behind ``Encoder``, Lesson 08.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1 if wanted else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
