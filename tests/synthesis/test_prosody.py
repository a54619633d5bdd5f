import numpy as np
import pytest

from ser_helpers import synthesis
from ser_helpers.errors import CorpusError
from ser_helpers.synthesis.prosody import CUES, PROSODY, Cues, adjust, performance
from ser_helpers.synthesis.rng import make_rng
from ser_helpers.synthesis.voices import speaker

LOWEST = np.array([cue.lowest for cue in CUES.values()])
HIGHEST = np.array([cue.highest for cue in CUES.values()])


def test_the_table_has_a_row_per_emotion_and_intensity():
    table = synthesis.prosody_table()
    assert list(table.columns) == list(CUES)
    assert len(table) == 15
    assert ("neutral", "strong") not in table.index
    assert list(table.index.unique("emotion")) == list(synthesis.EMOTIONS) == list(synthesis.vad_table().index)


def test_every_row_is_within_the_limits():
    rows = np.array(list(PROSODY.values()))
    assert ((rows >= LOWEST) & (rows <= HIGHEST)).all()


def test_directions_are_those_of_the_literature():
    table, neutral = synthesis.prosody_table(), synthesis.prosody_table().loc[("neutral", "normal")]
    strong = table.xs("strong", level="intensity")
    assert strong.f0.nlargest(2).index.tolist() == ["fearful", "angry"]
    assert strong.db.idxmax() == strong.tilt.idxmax() == "angry"
    assert strong.tremor.idxmax() == "fearful"
    assert strong.final.idxmax() == strong.range.idxmax() == "surprised"
    calmer = ["f0", "range", "db", "jitter"]
    assert (strong.loc["calm", calmer] < neutral[calmer]).all()
    assert table.loc[("sad", "normal"), "h1"] == table.h1.max()


def test_performances_scatter_around_the_table():
    drawn = np.mean(
        [performance(speaker(a), "happy", 1, make_rng("test", a, k)).cues for a in range(1, 60) for k in range(20)],
        axis=0,
    )
    spread = np.array([cue.spread for cue in CUES.values()])
    away = np.abs(drawn - PROSODY["happy", 1]) / spread
    unclipped = (PROSODY["happy", 1] > LOWEST + 2 * spread) & (PROSODY["happy", 1] < HIGHEST - 2 * spread)
    assert unclipped.sum() > 14
    assert away[unclipped].max() < 1


def test_a_performance_stays_within_the_limits():
    for emotion, intensity in PROSODY:
        for actor in range(1, 25):
            cues = np.array(performance(speaker(actor), emotion, intensity, make_rng("test", actor)).cues)
            assert ((cues >= LOWEST) & (cues <= HIGHEST)).all()


def test_feelings_follow_the_emotion_and_grow_with_intensity():
    def mean(emotion, intensity):
        return np.mean(
            [performance(speaker(a), emotion, intensity, make_rng("v", a)).vad for a in range(1, 60)], axis=0
        )

    for emotion, expected in synthesis.vad_table().drop("neutral").iterrows():
        np.testing.assert_allclose(mean(emotion, 2), expected, atol=0.1)
        assert np.linalg.norm(mean(emotion, 1)) < 0.75 * np.linalg.norm(mean(emotion, 2))


@pytest.mark.parametrize(
    ("emotion", "intensity", "message"),
    [
        ("joy", 1, "no emotion 'joy'.*neutral, calm, happy, sad, angry, fearful, disgust, surprised"),
        ("neutral", 2, "neutral has no strong intensity"),
        ("angry", 3, r"no intensity 3 of angry: choose 1 \(normal\) or 2 \(strong\)"),
        ("angry", "strong", "no intensity 'strong' of angry"),
    ],
)
def test_what_is_not_in_the_table_is_refused(emotion, intensity, message):
    with pytest.raises(CorpusError, match=message):
        performance(speaker(1), emotion, intensity, make_rng("test"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pitch": 3}, "no cue 'pitch': choose among f0, range"),
        ({"dur": 9}, r"cue dur \(× duration\) cannot be 9: choose from 0.55 to 3"),
        ({"f0": float("nan")}, "cue f0 .* cannot be nan"),
    ],
)
def test_cues_that_no_voice_has_are_refused(changes, message):
    with pytest.raises(CorpusError, match=message):
        adjust(Cues(*PROSODY["neutral", 1]), changes)
