"""audEERING's published model of arousal, dominance and valence, as an estimator with named columns."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from ser_helpers import features
from ser_helpers.corpora.schema import DIMENSIONS
from ser_helpers.errors import ModelError
from ser_helpers.pretrained.encoder import Encoder
from ser_helpers.pretrained.hub import read_config, unreadable

PUBLISHED = "audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim"
_HEAD = ("classifier.dense.weight", "classifier.dense.bias", "classifier.out_proj.weight", "classifier.out_proj.bias")


class DimensionalModel(BaseEstimator):
    """A wav2vec 2.0 with a regression head for arousal, dominance and valence, fine-tuned on MSP-Podcast.

    The network returns three unnamed numbers in the order arousal, dominance, valence, about 0 to 1. `predict` returns
    a table with named columns; the order is read from the network's configuration (``id2label``).

    It is a ``streaming.WindowModel`` too: detectors, podcasts and the service take it as a model of dimensions, with
    ``scale=(-1, 1)``.

    The model is pretrained: ``fit`` only loads it. MSP-Podcast's raters chose 1 to 7, which training mapped to 0 to 1.
    On its test set the CCC is .745 for arousal, .655 for dominance and .638 for valence: Wagner et al. (2023),
    doi:10.1109/TPAMI.2023.3263585. Licence of the weights: CC BY-NC-SA 4.0, for research and teaching, not for
    products. Raises ModelError if the configuration does not name the outputs, or the weights do not fit it. Lesson 09.

    Parameters
    ----------
    name : str or Path
        The name on the Hugging Face hub, or a folder of the same layout. Nothing is downloaded (see `find_encoder`):
        if the weights are not on this machine, a tiny untrained network replaces them, and `label` says so.
    scale : (float, float)
        Ends of the scale of the predictions: (0, 1) is the network's own, (1, 5) that of IEMOCAP, (-1, 1) that of
        detectors.
    device : str
        As for ``Encoder``.

    Attributes
    ----------
    label : str
        The model's name for titles and the leaderboard.
    stand_in : bool
        Whether the weights are random.
    order_ : list of str
        The dimensions in the order of the network's outputs.

    Examples
    --------
    >>> from ser_helpers import corpora
    >>> table = corpora.load("synthetic-small")[:2]
    >>> model = DimensionalModel("nobody/wav2vec2-msp-dim", device="cpu")
    >>> model.fit().label
    'tiny untrained stand-in for wav2vec2-msp-dim'
    >>> model.predict(table).columns.tolist()
    ['valence', 'arousal', 'dominance']
    """

    output_names = DIMENSIONS
    regression = True

    def __init__(self, name=PUBLISHED, scale=(0, 1), device="auto"):
        self.name = name
        self.scale = scale
        self.device = device

    def fit(self, X=None, y=None):
        """Load the model; `X` and `y` are ignored."""
        whole = Encoder(self.name, pooling="mean", device=self.device)
        self.encoder_ = Encoder(self.name, layers=whole.blocks, pooling="mean", device=self.device)
        self.stand_in = self.encoder_.stand_in
        self.label = whole.label
        if self.stand_in:
            self.order_ = sorted(DIMENSIONS)
            self.head_ = _random_head(self.encoder_.dims, self.encoder_.seed)
        else:
            self.order_ = _output_names(self.encoder_.folder)
            self.head_ = _read_head(self.encoder_.folder, self.encoder_.dims)
        return self

    def predict(self, X, progress=True):
        """Valence, arousal and dominance of the recordings of an utterance table.

        `X` needs the columns ``path``, ``start`` and ``end``. The result is a DataFrame on its index with the columns
        ``valence``, ``arousal`` and ``dominance``; NaN if a recording cannot be read. Embeddings are cached on disk, as
        by ``features.extract``; `progress` shows a bar.
        """
        self._load()
        embeddings = features.extract(X, self.encoder_, progress=progress)
        table = pd.DataFrame(self.predict_features(embeddings), X.index, DIMENSIONS)
        table.attrs = {"kind": self.label}
        return table

    def features(self, windows):
        """The last layer's mean over time of windows (n, samples) at 16 kHz: (n, dims), one window at a time."""
        self._load()
        return np.concatenate([self.encoder_.embed([window]) for window in windows])

    def predict_features(self, X):
        """Valence, arousal and dominance (n, 3) of `features` (n, dims)."""
        self._load()
        W, b, V, c = self.head_
        outputs = np.tanh(np.asarray(X) @ W.T + b) @ V.T + c
        low, high = self.scale
        return low + (high - low) * outputs[:, [self.order_.index(name) for name in DIMENSIONS]].astype(float)

    def _load(self):
        if not hasattr(self, "head_"):
            self.fit()


def _output_names(folder):
    labels = read_config(folder).get("id2label")
    try:
        order = [labels[key].lower() for key in sorted(labels, key=int)]
    except (AttributeError, TypeError, ValueError):
        order = []
    if sorted(order) != sorted(DIMENSIONS):
        raise ModelError(
            f"The config.json in {folder} does not say which output is arousal, dominance or valence (id2label:"
            f" {labels}): use a model whose configuration does, because a guess would mix them up."
        )
    return order


def _read_head(folder, dims):
    """Weights and biases of the two layers behind the encoder, as float32 arrays."""
    from ser_helpers.pretrained.networks import read_tensors

    try:
        tensors = read_tensors(folder, _HEAD)
        head = tuple(tensors[name].float().numpy() for name in _HEAD)
        shapes = [array.shape for array in head]
        if shapes != [(dims, dims), (dims,), (len(DIMENSIONS), dims), (len(DIMENSIONS),)]:
            raise ValueError(f"the head has the shapes {shapes}")
    except Exception as error:  # a damaged file raises whatever its bytes lead to
        raise unreadable(folder, error) from error
    return head


def _random_head(dims, seed):
    rng = np.random.default_rng(seed)
    outputs = len(DIMENSIONS)
    W, V = (rng.normal(0, 0.2 * dims**-0.5, (rows, dims)).astype("float32") for rows in (dims, outputs))
    return W, np.zeros(dims, "float32"), V, np.full(outputs, 0.5, "float32")
