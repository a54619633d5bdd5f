"""Checkers of lesson 03, corpora."""

import numpy as np
import pandas as pd

from ser_helpers import corpora
from ser_helpers.course.checks import Hint, exercise

SIDES = {"joy": "positive", "neutral": "neutral", **dict.fromkeys(("anger", "sadness", "fear", "disgust"), "negative")}


@exercise(
    "03.1",
    wrong=[
        lambda word: "positive" if word == "joy" else "negative",
        lambda word: SIDES.get(word, "neutral"),
        lambda word: SIDES.get(word, "positive"),
        lambda word: SIDES.get(word, "unknown"),
        lambda word: {**SIDES, "fear": "neutral"}.get(word),
        lambda word: word,
    ],
)
def polarity(answer):
    """Positive, negative, neutral, or None, for each of MELD's words."""
    if answer("joy") != "positive":
        raise Hint("The word 'joy' should come out as 'positive'.")
    if answer("neutral") != "neutral":
        raise Hint("MELD has the word 'neutral' itself: it stays 'neutral'.")
    for word in ("anger", "sadness", "fear", "disgust"):
        if answer(word) != "negative":
            raise Hint(f"On the plane above, '{word}' belongs to the unpleasant side: 'negative'.")
    if answer("surprise") in ("positive", "negative", "neutral"):
        raise Hint("A surprise may be good or bad, and the word alone does not say which: return None.")
    if answer("surprise") is not None:
        raise Hint("Return None, and not a word of your own, for what is left out.")


#: Ten items, fourteen raters, five labels, kappa 0.210: https://en.wikipedia.org/wiki/Fleiss%27_kappa
PUBLISHED = np.array(
    [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ]
)


def _observed(counts):
    n = counts.sum(axis=1)[0]
    return ((counts * (counts - 1)).sum(axis=1) / (n * (n - 1))).mean()


def _with_self_pairs(counts):
    n = counts.sum(axis=1)[0]
    chance = ((counts.sum(axis=0) / counts.sum()) ** 2).sum()
    return ((counts**2).sum(axis=1).mean() / n**2 - chance) / (1 - chance)


def _equal_chance(counts):
    chance = 1 / counts.shape[1]
    return (_observed(counts) - chance) / (1 - chance)


def _three_raters(counts):
    chance = ((counts.sum(axis=0) / counts.sum()) ** 2).sum()
    return ((counts * (counts - 1)).sum(axis=1).mean() / 6 - chance) / (1 - chance)


@exercise(
    "03.2",
    wrong=[
        _observed,
        _with_self_pairs,
        _equal_chance,
        _three_raters,
        lambda counts: _observed(counts) - ((counts.sum(axis=0) / counts.sum()) ** 2).sum(),
        lambda counts: 0.21,
    ],
)
def fleiss_kappa(answer):
    """Agreement beyond chance, from a table of counts."""
    right = 0.20993
    found = answer(PUBLISHED)
    for mistake, hint in (
        (_observed, "This is the observed agreement; what chance would give is still in it. See the formula."),
        (_with_self_pairs, "You let a rater agree with himself: of n raters there are n (n - 1) pairs, not n²."),
        (_equal_chance, "Chance is not 1 / (number of labels): a label that is used often is hit more often."),
        (_three_raters, "Right for three raters only: take n from the table, the sum of any row."),
    ):
        if np.isclose(found, mistake(PUBLISHED), atol=1e-4):
            raise Hint(hint)
    if not np.isclose(found, right, atol=0.0005):
        raise Hint(f"A published table with kappa 0.210 gives {found:.3f} with your function; divide by 1 - chance?")
    if not np.isclose(answer(np.diag([3, 3, 3])), 1):
        raise Hint("Raters who agree on every clip must get 1.")


def _toy():
    """Seven speakers with different numbers of utterances, in mixed order."""
    names = [f"toy-{number}" for number in range(7) for _ in range(3 + number)]
    index = pd.Index([f"toy/{number:03d}" for number in range(len(names))], name="utterance")
    return pd.DataFrame({"speaker": names}, index).sample(frac=1, random_state=0)


def _by_speaker(table, chosen):
    tested = table.speaker.isin(chosen)
    return table.index[~tested], table.index[tested]


def _draw(table, n_test, seed):
    return np.random.default_rng(seed).permutation(table.speaker.unique())[:n_test]


@exercise(
    "03.3",
    wrong=[
        lambda table, n_test, seed: tuple(corpora.split(table, "random", 1, seed)[0]),
        lambda table, n_test, seed: _by_speaker(table, sorted(table.speaker.unique())[:n_test]),
        lambda table, n_test, seed: _by_speaker(table, _draw(table, n_test, None)),
        lambda table, n_test, seed: _by_speaker(table, _draw(table, n_test, seed))[::-1],
        lambda table, n_test, seed: _by_speaker(table, _draw(table, 1, seed)),
        lambda table, n_test, seed: tuple(part[::2] for part in _by_speaker(table, _draw(table, n_test, seed))),
        lambda table, n_test, seed: (_draw(table, 7, seed)[n_test:], _draw(table, n_test, seed)),
        lambda table, n_test, seed: _by_speaker(table, table.speaker.sample(n_test, random_state=seed)),
    ],
)
def speaker_split(answer):
    """Whole speakers in the test set."""
    table = _toy()

    def draw_all():
        return [[list(part) for part in answer(table, 2, seed)] for seed in range(20)]

    draws = draw_all()
    for train, test in draws:
        if not set(train) | set(test) <= set(table.index):
            raise Hint("Return the names of utterances (`table.index[...]`), not of speakers.")
        if set(table.speaker[train]) & set(table.speaker[test]):
            raise Hint("Some speakers are on both sides: draw speakers first, then take all their utterances.")
        if sorted([*train, *test]) != sorted(table.index):
            raise Hint("Every utterance must be in training or in test, exactly once.")
        if table.speaker[test].nunique() == 5:
            raise Hint("Five of seven speakers are in your test set: return training first, then test.")
        if table.speaker[test].nunique() != 2:
            raise Hint("Draw `n_test` different speakers: from `table.speaker.unique()`, without putting one back.")
    if len({tuple(sorted(test)) for _, test in draws}) == 1:
        raise Hint("Every seed gives the same speakers: draw them with `np.random.default_rng(seed)`.")
    if draw_all() != draws:
        raise Hint("The same seed gives other speakers the second time: pass `seed` to the generator.")
