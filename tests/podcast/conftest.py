import numpy as np
import pandas as pd
import pytest

from ser_helpers.models.model_card import ModelCard
from ser_helpers.podcast import Episode, Show

CARD = ModelCard(
    estimator="LogisticRegression",
    features="quick",
    target="emotion",
    labels=("angry", "happy", "neutral", "sad"),
    corpora=("ravdess",),
    speakers=("ravdess-01", "ravdess-02"),
    examples=100,
    seconds=3.0,
    protocol="2 folds, no speaker in both",
    metric="uar",
    score=0.64,
    low=0.58,
    high=0.7,
    chance=0.25,
    gaps=(),
    licences={"ravdess": "CC BY-NC-SA 4.0"},
    synthetic=False,
    date="2026-11-21",
).to_dict()
EMOTIONS = ["angry", "happy", "neutral", "sad"]


def _episode(name, windows, said, seed):
    rng = np.random.default_rng(seed)
    starts = 3.0 * np.arange(windows)
    table = pd.DataFrame({"start": starts, "end": starts + 3, "speech": 0.8})
    table[EMOTIONS] = rng.dirichlet(np.ones(4), windows)
    table["emotion"] = pd.Series(np.array(EMOTIONS)[table[EMOTIONS].to_numpy().argmax(axis=1)], dtype=object)
    table.loc[2:3, EMOTIONS] = np.nan
    table.loc[2:3, "emotion"] = pd.Series([None, None], index=[2, 3], dtype=object)
    table["gap"] = False
    sentences = None
    if said:
        count = windows // 2
        sentences = pd.DataFrame({"start": 6.0 * np.arange(count), "end": 6.0 * np.arange(count) + 4})
        sentences["speaker"] = pd.Series(["Ana", None] * count, dtype=object)[:count]
        sentences["text"] = [f"Sentence <{number}> & more." for number in range(count)]
        sentences[["valence", "arousal", "dominance"]] = rng.uniform(1.5, 4.5, (count, 3))
    laughs = pd.DataFrame({"start": [4.0, 12.0], "end": [5.0, 14.5], "probability": 0.9})
    return Episode(name, 3.0 * windows, table, sentences, laughs, [] if said else ["There is no <transcript>."])


@pytest.fixture
def card():
    """The card of a model of windows that was tested on real voices."""
    return dict(CARD)


@pytest.fixture
def show():
    """A small show: three episodes, the last one without a transcript."""
    return Show("Talks & <tales>", [_episode(f"talk-{k}", 20, k < 3, seed=k) for k in (1, 2, 3)])
