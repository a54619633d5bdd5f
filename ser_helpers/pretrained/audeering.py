"""audEERING's published model of arousal, dominance and valence, as an estimator that names what it returns."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ser_helpers import features
from ser_helpers.corpora.schema import DIMENSIONS
from ser_helpers.errors import ModelError
from ser_helpers.pretrained.encoder import Encoder
from ser_helpers.pretrained.hub import damaged, read_config, weight_files

PUBLISHED = "audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim"

#: The columns of every answer, by name; no caller needs to know the order inside the network.

_HEAD = ("classifier.dense.weight", "classifier.dense.bias", "classifier.out_proj.weight", "classifier.out_proj.bias")


class DimensionalModel(BaseEstimator):
    """A wav2vec 2.0 with a regression head for arousal, dominance and valence, fine-tuned on MSP-Podcast.

    The network gives three bare numbers in the order arousal, dominance, valence, about 0 to 1. Here an answer is a
    table with named columns, and the order is read from the network's own configuration (``id2label``).

    It is pretrained: ``fit`` only loads it, and learns nothing from what it is given.

    Parameters
    ----------
    name : str or Path
        The name on the Hugging Face hub, or a folder of the same layout. Nothing is downloaded (see `find`): where the
        weights are not on this machine, a tiny untrained network takes their place, and `label` says so.
    scale : (float, float)
        Ends of the scale of the answers: (0, 1) is the network's own, (1, 5) that of IEMOCAP.
    device : str
        As for ``Encoder``.

    Attributes
    ----------
    label : str
        What the model is, for titles and the leaderboard; a stand-in says so.
    stand_in : bool
        Whether it is one.
    order_ : list of str
        The order of the network's outputs, as its configuration has it.

    Raises
    ------
    ModelError
        If the configuration does not say which output is which, or the weights do not fit it.

    Notes
    -----
    Used in Lesson 09. MSP-Podcast's raters chose 1 to 7, which training mapped to 0 to 1. On its test set the CCC is
    .745 for arousal, .655 for dominance and .638 for valence: Wagner et al. (2023), doi:10.1109/TPAMI.2023.3263585.
    Licence of the weights: CC BY-NC-SA 4.0, so for research and teaching, not for products.

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

    def __init__(self, name=PUBLISHED, scale=(0, 1), device="auto"):
        self.name = name
        self.scale = scale
        self.device = device

    def fit(self, X=None, y=None):
        """Load the model; `X` and `y` are there for scikit-learn and are not looked at."""
        whole = Encoder(self.name, pooling="mean", device=self.device)
        self.encoder_ = Encoder(self.name, layers=whole.blocks, pooling="mean", device=self.device)
        self.stand_in = self.encoder_.stand_in
        self.label = whole.label
        if self.stand_in:
            self.order_ = sorted(DIMENSIONS)
            self.head_ = _random_head(self.encoder_.dims, self.encoder_.seed)
        else:
            self.order_ = _order(self.encoder_.folder)
            self.head_ = _head(self.encoder_.folder, self.encoder_.dims)
        return self

    def predict(self, X, progress=True):
        """Valence, arousal and dominance of the recordings of an utterance table.

        Parameters
        ----------
        X : DataFrame
            Its ``path``, ``start`` and ``end`` say what to read.
        progress : bool
            Show a bar. What was heard once is kept on disk, as by ``features.extract``.

        Returns
        -------
        DataFrame
            On the index of `X`, columns ``valence``, ``arousal``, ``dominance``; NaN where a recording cannot be read.
        """
        if not hasattr(self, "head_"):
            self.fit()
        return self.answers(features.extract(X, self.encoder_, progress=progress))

    def answers(self, pooled):
        """The head alone, on means over time of the last layer (n, dims), as ``Encoder`` gives them."""
        check_is_fitted(self, "head_")
        W, b, V, c = self.head_
        outputs = np.tanh(np.asarray(pooled) @ W.T + b) @ V.T + c
        table = pd.DataFrame(outputs, index=getattr(pooled, "index", None), columns=self.order_, dtype=float)
        answers = rescale(table[list(DIMENSIONS)], (0, 1), self.scale)
        answers.attrs = {"kind": self.label}
        return answers


def rescale(values, old=(0, 1), new=(1, 5)):
    """Numbers on one scale as numbers on another: ``old[0]`` becomes ``new[0]``, ``old[1]`` becomes ``new[1]``.

    The ends that count are those of the questionnaire, not the smallest and largest number at hand: MSP-Podcast asks
    for 1 to 7, IEMOCAP for 1 to 5. Lesson 09.

    >>> rescale(np.array([0.0, 0.5, 1.0])).tolist()
    [1.0, 3.0, 5.0]
    >>> rescale(7, old=(1, 7), new=(0, 1))
    1.0
    """
    (a, b), (c, d) = old, new
    if a == b or c == d:
        raise ValueError(f"A scale needs two different ends, not {old} and {new}.")
    return (values - a) / (b - a) * (d - c) + c


def _order(folder):
    """What each output of the network in a folder is, or a ModelError when nobody can know."""
    labels = read_config(folder).get("id2label")
    try:
        order = [labels[key].lower() for key in sorted(labels, key=int)]
    except (AttributeError, TypeError, ValueError):
        order = []
    if sorted(order) != sorted(DIMENSIONS):
        raise ModelError(
            f"The config.json in {folder} does not say which output is arousal, dominance or valence (id2label:"
            f" {labels}): take a model whose configuration does, because a guess would mix them up."
        )
    return order


def _head(folder, dims):
    """Weights and biases of the two layers behind the encoder, as float32 arrays."""
    try:
        found = {}
        for file in weight_files(folder):
            found |= _read(file)
        head = tuple(found[name] for name in _HEAD)
        shapes = [array.shape for array in head]
        if shapes != [(dims, dims), (dims,), (len(DIMENSIONS), dims), (len(DIMENSIONS),)]:
            raise ValueError(f"the head has the shapes {shapes}")
    except Exception as error:  # a damaged file raises whatever its bytes lead to
        raise damaged(folder, error) from error
    return head


def _read(file):
    """The head's arrays in one file of weights; the encoder's stay on disk."""
    import torch
    from safetensors import safe_open

    if file.suffix == ".safetensors":
        with safe_open(file, "pt") as stored:
            found = {name: stored.get_tensor(name) for name in stored.keys() if name in _HEAD}  # noqa: SIM118
    else:
        found = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    return {name: found[name].float().numpy() for name in _HEAD if name in found}


def _random_head(dims, seed):
    rng = np.random.default_rng(seed)
    outputs = len(DIMENSIONS)
    W, V = (rng.normal(0, 0.2 * dims**-0.5, (rows, dims)).astype("float32") for rows in (dims, outputs))
    return W, np.zeros(dims, "float32"), V, np.full(outputs, 0.5, "float32")
