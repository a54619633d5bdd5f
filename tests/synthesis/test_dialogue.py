import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers.synthesis import dialogue
from ser_helpers.synthesis.dialogue import (
    MOODS,
    SHARED,
    Rating,
    consensus,
    evaluation,
    every_line,
    rate,
    rate_oneself,
    stock,
)
from ser_helpers.synthesis.vocoder import carrier


@pytest.fixture(scope="module")
def everything():
    """All turns of all dialogues, which need no sound: {dialogue: turns}."""
    return {
        (session, marked, title): list(dialogue.dialogue(session, marked, title))
        for session in range(1, 6)
        for marked in "FM"
        for title in dialogue.titles()
    }


def test_scripts_are_the_same_words_in_every_session(everything):
    for title, script in stock()["scripts"].items():
        spoken = {
            tuple(line for turn in turns for line in turn.lines)
            for (_, _, other), turns in everything.items()
            if other == title
        }
        assert spoken == {tuple(line for _, _, line in script)}


def test_improvised_words_are_a_sessions_own_but_for_short_replies(everything):
    shared = {line for line in stock()["open"]} | set(stock()["improvised"]["praise"])
    own = {session: set() for session in range(1, 6)}
    for (session, _, title), turns in everything.items():
        if title.startswith("impro"):
            own[session] |= {line for turn in turns for line in turn.lines} - shared
    assert all(len(said) > 25 for said in own.values())
    assert sum(map(len, own.values())) == len(set().union(*own.values()))


def test_the_marked_actor_plays_the_same_part(everything):
    for (_, marked, title), turns in everything.items():
        assert turns[0].sex == marked
        assert len(turns) == (14 if title in stock()["scripts"] else dialogue.TURNS)


def test_emotions_persist(everything):
    now, later = [], []
    for turns in everything.values():
        for sex in "FM":
            vad = np.array([turn.vad for turn in turns if turn.sex == sex])
            now.append(vad[:-1])
            later.append(vad[1:])
    now, later = np.concatenate(now), np.concatenate(later)
    for axis in (0, 1):
        assert np.corrcoef(now[:, axis], later[:, axis])[0, 1] > 0.4


def test_scenes_go_where_they_should(everything):
    def mean(title, axis, part):
        chosen = [turns for (_, _, other), turns in everything.items() if other == title]
        return np.mean([turn.vad[axis] for turns in chosen for turn in turns[part]])

    half = dialogue.TURNS // 2
    assert mean("impro01", 1, slice(half, None)) > mean("impro01", 1, slice(half)) + 0.2
    assert mean("impro05", 0, slice(half, None)) > mean("impro05", 0, slice(half)) + 0.4
    assert mean("impro02", 0, slice(None)) < -0.3 < 0.3 < mean("impro03", 0, slice(None))


def test_every_mood_has_words_and_every_word_has_frames():
    for moods in MOODS.values():
        assert sum(moods.values()) == pytest.approx(1)
        assert set(moods) <= {"open", *stock()["improvised"]}
    assert len(every_line()) == len(set(every_line())) > 200
    for mood in stock()["improvised"]:
        assert mood in SHARED or len(stock()["improvised"][mood]) >= 25
    assert carrier(every_line()[-1]).f0.max() > 100


def test_a_line_is_not_said_twice_while_there_are_others():
    rng, said = np.random.default_rng(0), set()
    for _ in range(len(stock()["improvised"]["sad"]) // 5):
        line = dialogue.improvise(rng, "sad", 2, said)
        assert line not in said
        said.add(line)
    assert dialogue.improvise(rng, "sad", 2, said) in said


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
    answer = rate(point, rater, "turn")
    assert answer == rate(point, rater, "turn")
    assert len(answer.emotions) in (1, 2)
    assert set(answer.emotions) <= set(dialogue.CENTRES)
    assert set(answer.scores) <= {1, 2, 3, 4, 5}


def test_the_centre_of_an_emotion_is_called_by_its_name():
    for name, centre in dialogue.CENTRES.items():
        assert dialogue.nearest_emotions(centre)[0][0] == name or name in dialogue.RARE


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


def test_raters_disagree_about_as_people_do(everything):
    """Fleiss's kappa for spontaneous emotions is usually between .3 and .5; a sixth of the turns has no majority."""
    turns = [turn for turns in everything.values() for turn in turns]
    answers = [[rate(turn.vad, rater, turn.name) for rater in (1, 2, 3)] for turn in turns]
    labels = np.array([consensus(ratings) for ratings in answers])
    counts = np.array(
        [[sum(one.emotions[0] == name for one in ratings) for name in dialogue.CENTRES] for ratings in answers]
    )
    assert 0.25 < fleiss(counts) < 0.45
    assert 0.35 < fleiss(counts[labels != "xxx"]) < 0.55
    assert 0.1 < np.mean(labels == "xxx") < 0.3
    own = np.array([rate_oneself(turn.vad, turn.name).scores for turn in turns])
    others = np.array([np.mean([one.scores for one in ratings], axis=0) for ratings in answers])
    assert np.corrcoef(own[:, 0], others[:, 0])[0, 1] > 0.8
