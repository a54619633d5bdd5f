"""Checkers of lesson 03: polarity, Fleiss' kappa, a speaker-independent split."""

import numpy as np
import pandas as pd

from ser_helpers.course.checks import Hint, as_utterances, exercise, expect, speakers_apart


@exercise("03.1", may_return_none=True)
def polarity(answer):
    """Positive, negative, neutral, or None, for each of MELD's words."""
    expect(answer("joy"), "positive", "On the plane above, 'joy' is on the pleasant side: 'positive'.")
    expect(answer("neutral"), "neutral", "MELD has the word 'neutral' itself: it stays 'neutral'.")
    for word in ("anger", "sadness", "fear", "disgust"):
        expect(answer(word), "negative", f"On the plane above, '{word}' is on the unpleasant side: 'negative'.")
    either = "A surprise may be good or bad, and the word alone does not say which: return None."
    mistakes = [(side, either) for side in ("positive", "negative", "neutral")]
    expect(answer("surprise"), None, "Return None, not a word of your own, for 'surprise'.", *mistakes)


# Ten items, fourteen raters, five labels, kappa 0.210: https://en.wikipedia.org/wiki/Fleiss%27_kappa
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


@exercise("03.2")
def fleiss_kappa(answer):
    """Agreement beyond chance, from a table of counts."""
    expect(
        answer(PUBLISHED),
        0.20993,
        "For a published table of ten clips and fourteen raters, kappa is 0.210: did you divide by 1 - chance?",
        (0.378022, "That is the observed agreement, with the agreement by chance still in it: see the formula."),
        (0.266364, "You let raters agree with themselves: n raters make n (n - 1) pairs, not n²."),
        (0.222527, "Chance is not 1 / (number of labels): frequent labels agree by chance more often."),
        (14.295312, "That is right for three raters only: take n from the table, the sum of any row."),
        rtol=2e-3,
    )
    expect(answer(np.diag([3, 3, 3])), 1, "Raters who agree on every clip have a kappa of 1.")


def _toy_table():
    """Seven speakers with different numbers of utterances, in mixed order."""
    speakers = [f"toy-{number}" for number in range(7) for _ in range(3 + number)]
    index = pd.Index([f"toy/{number:03d}" for number in range(len(speakers))], name="utterance")
    return pd.DataFrame({"speaker": speakers}, index).sample(frac=1, random_state=0)


@exercise("03.3")
def speaker_split(answer):
    """Whole speakers in the test set."""
    table, drawn = _toy_table(), []
    for seed in range(20):
        train, test = as_utterances(answer(table, 2, seed), table, "(train, test)")
        speakers_apart(table, train, test)
        if len(train) + len(test) != len(table):
            raise Hint(f"Your sides have {len(train) + len(test)} of {len(table)} utterances: put each on one.")
        number = table.speaker[test].nunique()
        if number == 5:
            raise Hint("Five of seven speakers are in your test set: return training first, then test.")
        if number != 2:
            raise Hint(f"Speakers in your test set with n_test=2: {number}. Draw `n_test` *different* speakers.")
        drawn.append(sorted(test))
    if all(test == drawn[0] for test in drawn):
        raise Hint("Every seed gives the same speakers: draw them with `np.random.default_rng(seed)`.")
    if [sorted(answer(table, 2, seed)[1]) for seed in range(20)] != drawn:
        raise Hint("The same seed gives different speakers the second time: pass `seed` to the generator.")
