import numpy as np
import pytest

from ser_helpers.synthesis import dialogue
from ser_helpers.synthesis.dialogue import MOODS, SHARED, every_line, stock
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


def test_feelings_persist(everything):
    now, later = [], []
    for turns in everything.values():
        for sex in "FM":
            felt = np.array([turn.feeling for turn in turns if turn.sex == sex])
            now.append(felt[:-1])
            later.append(felt[1:])
    now, later = np.concatenate(now), np.concatenate(later)
    for axis in (0, 1):
        assert np.corrcoef(now[:, axis], later[:, axis])[0, 1] > 0.4


def test_scenes_go_where_they_should(everything):
    def mean(title, axis, part):
        chosen = [turns for (_, _, other), turns in everything.items() if other == title]
        return np.mean([turn.feeling[axis] for turns in chosen for turn in turns[part]])

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
