"""Sentences as vectors of a pretrained language model, through sentence-transformers."""

import functools
import itertools
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from ser_helpers import paths
from ser_helpers.errors import DownloadError, ModelError, WeightsMissing
from ser_helpers.features.text import listed
from ser_helpers.pretrained import hub

FILES = ("*.json", "*.txt", "*.model", "model.safetensors")
"""What a sentence-transformers model needs of its repository."""


class SentenceEncoder(TransformerMixin, BaseEstimator):
    """A pretrained language model that turns each sentence into one vector; the first step of a text branch.

    Sentences that mean nearly the same lie near each other, even when they share no word: what a bag of words cannot
    know. The weights must be on this machine: nothing is downloaded, and nothing takes their place.

    Parameters
    ----------
    name : str or Path
        A name on the Hugging Face hub, or the folder of a model. A name is looked for in ``paths.models_home()``, as a
        folder called like its last part, and in the Hugging Face cache.
    device : str
        "cuda", "mps", "cpu", or "auto" for the best there is.
    batch_size : int
        Sentences encoded together.

    Attributes
    ----------
    folder : Path or None
        Where the model is on this machine.

    Raises
    ------
    WeightsMissing
        When fitting or transforming without the weights; the message says how to get them.
    ModelError
        When the folder holds no model that sentence-transformers can read.

    Notes
    -----
    `transform` takes a Series or list of sentences and returns an array (n, dims), for a Series a DataFrame on its
    index, float32. A missing or empty sentence gets a row of NaN. Nothing is learnt. Reimers and Gurevych,
    "Sentence-BERT", EMNLP 2019, doi:10.18653/v1/D19-1410. Used in Lesson 10.

    Examples
    --------
    >>> SentenceEncoder("nobody/no-such-model").folder is None
    True
    """

    def __init__(self, name="sentence-transformers/all-MiniLM-L6-v2", device="auto", batch_size=32):
        self.name = name
        self.device = device
        self.batch_size = batch_size

    @property
    def folder(self):
        """Where the model is, or None."""
        return find(self.name)

    def fit(self, X, y=None):
        """Look for the weights; nothing is learnt."""
        self._model()
        return self

    def transform(self, X):
        """One vector for each sentence."""
        sentences = [text.strip() for text in listed(X)]
        model = self._model()
        said = [text for text in sentences if text]
        rows = np.full((len(sentences), model.get_embedding_dimension()), np.nan, dtype=np.float32)
        if said:
            vectors = model.encode(said, batch_size=self.batch_size, show_progress_bar=False, convert_to_numpy=True)
            rows[[bool(text) for text in sentences]] = vectors
        if not isinstance(X, pd.Series):
            return rows
        table = pd.DataFrame(rows, index=X.index, columns=[f"sentence_{k:03}" for k in range(rows.shape[1])])
        table.attrs["kind"] = Path(str(self.name)).name
        return table

    def _model(self):
        folder = self.folder
        if folder is None:
            raise WeightsMissing(
                f"The weights of {self.name} are not on this machine: run `ser download {self.name}`, or use a bag of"
                " words, TfidfVectorizer()."
            )
        return _load(folder, self.device)

    def __sklearn_is_fitted__(self):
        return True


def find(name):
    """The folder of a sentence-transformers model on this machine, or None; nothing is downloaded. Lesson 10.

    Raises ModelError when `name` is a folder that holds none.

    >>> find("nobody/no-such-model") is None
    True
    """
    if Path(name).is_dir():
        if not _is_model(Path(name)):
            raise ModelError(f"The folder {name} holds no modules.json of sentence-transformers: give the right one.")
        return Path(name)
    place = paths.models_home() / Path(str(name)).name
    return next((folder for folder in itertools.chain([place], hub.cached(str(name))) if _is_model(folder)), None)


def download_sentence_encoder(name):
    """Get a sentence-transformers model from the Hugging Face hub into ``paths.models_home()``; returns its folder.

    The same as ``ser download sentence-transformers/all-MiniLM-L6-v2``. What is there already is not fetched again.
    Raises DownloadError when the hub has no such model or cannot be reached. Lesson 10.
    """
    folder = hub.fetch(name, FILES)
    if not _is_model(folder):
        raise DownloadError(f"{name} is no model of sentence-transformers: choose another.")
    return folder


def _is_model(folder):
    return (folder / "modules.json").is_file()


@functools.lru_cache(maxsize=2)
def _load(folder, device):
    from ser_helpers.pretrained.imports import ensure_torchaudio

    ensure_torchaudio()
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(str(folder), device=None if device == "auto" else device, local_files_only=True)
    except Exception as error:
        raise ModelError(
            f"The model in {folder} cannot be read ({hub.reason(error)}): delete that folder and get it again."
        ) from error
