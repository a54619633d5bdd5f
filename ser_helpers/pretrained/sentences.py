"""Sentences as vectors of a pretrained language model, through sentence-transformers."""

import functools
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from ser_helpers.errors import DownloadError, ModelError, WeightsMissing
from ser_helpers.features.text import listed
from ser_helpers.pretrained import hub
from ser_helpers.pretrained.imports import ensure_torchaudio

FILES = ("*.json", "*.txt", "*.model", "model.safetensors")
"""The files of a repository that sentence-transformers needs."""


class SentenceEncoder(TransformerMixin, BaseEstimator):
    """A pretrained language model that turns each sentence into one vector; the first step of a text branch.

    Sentences of similar meaning lie close together even if they share no word, which a bag of words cannot know. The
    weights must be on this machine: nothing is downloaded, and no stand-in replaces them.

    `transform` takes a Series or list of sentences and returns an array (n, dims), or a DataFrame on the index of the
    Series, float32. A missing or empty sentence becomes a row of NaN. Nothing is learnt. Both methods raise
    WeightsMissing, which says how to get the weights, if they are missing; ModelError if sentence-transformers cannot
    read the folder. Reimers and Gurevych, "Sentence-BERT", EMNLP 2019, doi:10.18653/v1/D19-1410. Lesson 10.

    Parameters
    ----------
    name : str or Path
        A name on the Hugging Face hub, or the folder of a model.
    device : str
        As for ``Encoder``.
    batch_size : int
        Sentences encoded together.

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
        """The model's folder on this machine, or None. ModelError if `name` is a folder without a model."""
        if not Path(self.name).is_dir():
            return hub.locate(self.name, _is_model)
        if not _is_model(Path(self.name)):
            raise ModelError(f"The folder {self.name} has no modules.json of sentence-transformers: give another.")
        return Path(self.name)

    def fit(self, X, y=None):
        """Look for the weights; nothing is learnt."""
        self._model()
        return self

    def transform(self, X):
        """One vector for each sentence."""
        sentences = pd.Series([text.strip() for text in listed(X)], dtype=object)
        model = self._model()
        present = sentences != ""
        rows = np.full((len(sentences), model.get_embedding_dimension()), np.nan, dtype=np.float32)
        if present.any():
            texts = sentences[present].tolist()
            rows[present] = model.encode(texts, batch_size=self.batch_size, show_progress_bar=False)
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
        return _load(folder, hub.choose_device(self.device))

    def __sklearn_is_fitted__(self):
        return True


def download_sentence_encoder(name):
    """Download a sentence-transformers model into ``paths.models_home()``; returns its folder.

    The same as ``ser download sentence-transformers/all-MiniLM-L6-v2``. Files that are there are not downloaded again.
    Raises DownloadError if the hub has no such model or cannot be reached. Lesson 10.
    """
    folder = hub.fetch(name, FILES)
    if not _is_model(folder):
        raise DownloadError(f"{name} is not a model of sentence-transformers: choose another.")
    return folder


def _is_model(folder):
    return (folder / "modules.json").is_file()


@functools.lru_cache(maxsize=2)
def _load(folder, device):
    ensure_torchaudio()
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(str(folder), device=device, local_files_only=True)
    except Exception as error:
        raise ModelError(
            f"The model in {folder} cannot be read ({hub.reason(error)}): delete that folder and get it again."
        ) from error
