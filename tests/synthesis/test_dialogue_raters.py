import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers.synthesis import dialogue
from ser_helpers.synthesis.dialogue import Rating, consensus, evaluation, rate, rate_oneself

axis = st.floats(-1, 1)


def rating(*emotions):
    return Rating(list(emotions), [3, 3, 3])


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ([["sad"], ["sad"], ["neu"]], "sad"),
        ([["sad"], ["ang"], ["neu"]], "xxx"),
        ([["sad"], ["ang", "sad"], ["neu"]], "sad"),
        ([["sad", "ang"], ["ang", "sad"], ["neu"]], "xxx"),
        ([["hap", "exc"], ["exc"], ["exc", "hap"]], "exc"),
    ],
)
def test_the_label_is_what_more_than_half_of_the_raters_named(chosen, expected):
    assert consensus([rating(*emotions) for emotions in chosen]) == expected


@settings(deadline=None)
@given(axis, axis, axis, st.integers(1, 3))
def test_a_rating_is_an_emotion_or_two_and_whole_scores(valence, arousal, dominance, rater):
    point = (valence, arousal, dominance)
    given_ = rate(point, rater, "turn")
    assert given_ == rate(point, rater, "turn")
    assert len(given_.emotions) in (1, 2)
    assert set(given_.emotions) <= set(dialogue.CENTRES)
    assert set(given_.scores) <= {1, 2, 3, 4, 5}


def test_the_centre_of_an_emotion_is_called_by_its_name():
    for name, centre in dialogue.CENTRES.items():
        assert dialogue.names(centre)[0][0] == name or name in dialogue.RARE


def test_the_block_of_a_turn_is_the_published_one():
    ratings = [Rating(["ang"], [1, 4, 4]), Rating(["ang", "fru"], [2, 4, 3]), Rating(["fru"], [2, 3, 3])]
    assert evaluation("Ses01F_impro01_F000", 6.29, 8.236, ratings, rating("ang"), "F") == (
        "[6.2900 - 8.2360]\tSes01F_impro01_F000\txxx\t[1.6667, 3.6667, 3.3333]\n"
        "C-E1:\tAnger;\t()\nC-E2:\tAnger; Frustration;\t()\nC-E3:\tFrustration;\t()\nC-F1:\tAnger;\t()\n"
        "A-E1:\tval 1; act 4; dom  4;\t()\nA-E2:\tval 2; act 4; dom  3;\t()\nA-E3:\tval 2; act 3; dom  3;\t()\n"
        "A-F1:\tval 3; act 3; dom  3;\t()\n"
    )


def fleiss(counts):
    """Fleiss's kappa of an array of items × categories."""
    raters = counts.sum(1)[0]
    agreement = ((counts**2).sum(1) - raters).mean() / (raters * (raters - 1))
    chance = ((counts.sum(0) / counts.sum()) ** 2).sum()
    return (agreement - chance) / (1 - chance)


def test_raters_disagree_about_as_people_do():
    """Fleiss's kappa for spontaneous emotions is usually between .3 and .5; a sixth of the turns has no majority."""
    turns = [
        turn
        for session in range(1, 6)
        for marked in "FM"
        for title in dialogue.titles()
        for turn in dialogue.dialogue(session, marked, title)
    ]
    given_ = [[rate(turn.feeling, rater, turn.name) for rater in (1, 2, 3)] for turn in turns]
    labels = np.array([consensus(ratings) for ratings in given_])
    counts = np.array(
        [[sum(one.emotions[0] == name for one in ratings) for name in dialogue.CENTRES] for ratings in given_]
    )
    assert 0.25 < fleiss(counts) < 0.45
    assert 0.35 < fleiss(counts[labels != "xxx"]) < 0.55
    assert 0.1 < np.mean(labels == "xxx") < 0.3
    own = np.array([rate_oneself(turn.feeling, turn.name).scores for turn in turns])
    others = np.array([np.mean([one.scores for one in ratings], axis=0) for ratings in given_])
    assert np.corrcoef(own[:, 0], others[:, 0])[0, 1] > 0.8
