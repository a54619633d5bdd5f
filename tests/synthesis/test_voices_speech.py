import hashlib

import numpy as np
import pandas as pd
import parselmouth
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers import synthesis
from ser_helpers.errors import CorpusError
from ser_helpers.synthesis import say
from ser_helpers.synthesis.prosody import CUES, NEUTRAL, PROSODY

ACTORS = (1, 2, 7, 8)
actors, statements = st.integers(1, 99), st.sampled_from(synthesis.sentences())
rows = st.sampled_from(list(PROSODY))


@settings(max_examples=25, deadline=None)
@given(statements, actors, rows, st.integers(1, 4), st.integers(0, 2**31), st.data())
def test_speech_is_finite_audible_and_within_range_whatever_the_cues(statement, actor, row, repetition, seed, data):
    names = data.draw(st.sets(st.sampled_from(list(CUES)), max_size=4))
    cues = {name: data.draw(st.floats(CUES[name].lowest, CUES[name].highest), label=name) for name in sorted(names)}
    y, sr = say(statement, actor, *row, repetition, seed, cues)
    assert sr == 16_000
    assert y.dtype == np.float32
    assert np.isfinite(y).all()
    assert np.abs(y).max() <= 1
    assert np.sqrt(np.mean(y**2)) > 1e-4
    again, _ = say(statement, actor, *row, repetition, seed, cues)
    np.testing.assert_array_equal(y, again)


@settings(max_examples=15, deadline=None)
@given(statements, actors, rows, st.floats(0.55, 1.5), st.floats(1.1, 2))
def test_a_longer_duration_is_longer(statement, actor, row, dur, factor):
    short, _ = say(statement, actor, *row, cues={"dur": dur, "pause": 0})
    long, _ = say(statement, actor, *row, cues={"dur": dur * factor, "pause": 0})
    assert len(long) > len(short)
    assert len(long) / len(short) < factor * 1.05


@settings(max_examples=10, deadline=None)
@given(actors, rows)
def test_repetitions_and_actors_differ(actor, row):
    first = say(1, actor, *row)[0]
    for other in (say(1, actor, *row, repetition=2)[0], say(1, actor % 99 + 1, *row)[0]):
        assert first.shape != other.shape or not np.array_equal(first, other)


def test_a_number_and_its_text_are_the_same_speech():
    np.testing.assert_array_equal(say(1, 5, "happy")[0], say("Kids are talking by the door.", 5, "happy")[0])


def test_another_process_makes_the_same_bits(start_python):
    arguments = [(1, 1, "neutral", 1), (2, 4, "angry", 2), (1, 9, "sad", 2)]
    code = (
        "import hashlib; from ser_helpers.synthesis import say\n"
        f"clips = [say(*a)[0].tobytes() for a in {arguments}]\n"
        "print(hashlib.sha256(b''.join(clips)).hexdigest())"
    )
    others = [start_python(code, PYTHONHASHSEED=seed) for seed in ("1", "2")]
    expected = hashlib.sha256(b"".join(say(*a)[0].tobytes() for a in arguments)).hexdigest()
    assert [process.communicate()[0].strip() for process in others] == [expected, expected]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"statement": 3}, "no frames for the statement 3"),
        ({"actor": 0}, "no actor 0"),
        ({"emotion": "bored"}, "no emotion 'bored'"),
        ({"intensity": 2}, "no intensity 2 of neutral"),
        ({"cues": {"loudness": 2}}, "no cue 'loudness'"),
    ],
)
def test_what_cannot_be_spoken_is_refused_in_one_sentence(arguments, message):
    with pytest.raises(CorpusError, match=message) as refused:
        say(**arguments)
    assert "\n" not in str(refused.value)


def pitch_track(y, sr, gender):
    low, high = (60, 450) if gender == "male" else (75, 600)
    return parselmouth.Sound(y.astype(np.float64), sr).to_pitch(0.01, low, high).selected_array["frequency"]


def measure(y, sr, gender):
    """Cues of one clip by Praat, which shares no code with the synthesiser."""
    hz = pitch_track(y, sr, gender)
    semitones = 12 * np.log2(hz[hz > 0])
    spectrum = np.abs(np.fft.rfft(y)) ** 2
    frequency = np.fft.rfftfreq(len(y), 1 / sr)
    bands = [spectrum[(frequency > low) & (frequency < high)].sum() for low, high in ((50, 1000), (1000, 5000))]
    harmonicity = parselmouth.Sound(y.astype(np.float64), sr).to_harmonicity_cc(0.01, 75).as_array()
    return {
        "pitch": np.median(semitones),
        "spread": np.subtract(*np.percentile(semitones, [90, 10])),
        "rise": np.median(semitones[-15:]) - np.median(semitones),
        "level": 10 * np.log10(np.mean(y**2)),
        "brightness": 10 * np.log10(bands[1] / bands[0]),
        "duration": len(y) / sr,
        "harmonicity": harmonicity[harmonicity > -100].mean(),
    }


@pytest.fixture(scope="module")
def cues():
    """Mean of each measured cue per emotion and intensity, relative to the same actor's neutral voice."""
    measured = {(a, row): measure(*say(1, a, *row), synthesis.speaker(a).gender) for a in ACTORS for row in PROSODY}
    relative = {key: pd.Series(clip) - pd.Series(measured[key[0], NEUTRAL]) for key, clip in measured.items()}
    return {row: sum(relative[actor, row] for actor in ACTORS) / len(ACTORS) for row in PROSODY}


@pytest.mark.parametrize(
    ("cue", "higher", "lower", "by"),
    [
        ("pitch", ("angry", 2), ("neutral", 1), 6),
        ("pitch", ("fearful", 2), ("sad", 1), 6),
        ("pitch", ("happy", 2), ("happy", 1), 3),
        ("level", ("angry", 2), ("neutral", 1), 12),
        ("level", ("neutral", 1), ("calm", 2), 1),
        ("level", ("angry", 2), ("fearful", 2), 3),
        ("brightness", ("angry", 2), ("neutral", 1), 6),
        ("brightness", ("happy", 2), ("sad", 1), 3),
        ("duration", ("calm", 2), ("neutral", 1), 0.3),
        ("duration", ("disgust", 2), ("surprised", 2), 0.4),
        ("spread", ("surprised", 2), ("calm", 1), 2),
        ("rise", ("surprised", 2), ("neutral", 1), 2),
        ("harmonicity", ("calm", 1), ("sad", 2), 0.5),
    ],
)
def test_emotions_sound_as_the_table_says(cues, cue, higher, lower, by):
    assert cues[higher][cue] - cues[lower][cue] > by


def test_neutral_speech_has_the_actors_pitch():
    for actor in (1, 2, 3, 4, 11, 12):
        voice = synthesis.speaker(actor)
        _, played = synthesis.perform(1, actor, "neutral", 1)
        measured = 2 ** (measure(*say(1, actor), voice.gender)["pitch"] / 12)
        assert measured == pytest.approx(voice.hz * 2 ** (played.cues.f0 / 12), rel=0.08)


@pytest.mark.parametrize("actor", ACTORS)
def test_six_semitones_are_six_semitones(actor):
    low, high = (pitch_track(*say(2, actor, cues={"f0": f0}), synthesis.speaker(actor).gender) for f0 in (0, 6))
    voiced = (low > 0) & (high > 0)
    assert voiced.sum() > 50
    assert np.median(12 * np.log2(high[voiced] / low[voiced])) == pytest.approx(6, abs=0.1)


@pytest.mark.parametrize("actor", ACTORS)
def test_cues_set_by_hand_are_measured_in_the_sound(actor):
    gender = synthesis.speaker(actor).gender

    def change(cue, low, high):
        low, high = (measure(*say(2, actor, cues={cue: value}), gender) for value in (low, high))
        return {name: high[name] - low[name] for name in low}

    assert change("db", -5, 5)["level"] == pytest.approx(10, abs=1.5)
    assert change("tilt", 0, 3)["brightness"] > 2
    assert change("breath", -5, 12)["harmonicity"] < -1
    assert change("jitter", 0, 3)["harmonicity"] < -0.5
    assert change("pause", 0, 0.5)["duration"] == pytest.approx(0.5, abs=0.0125)
    assert change("range", 0.5, 2)["spread"] > 1
    assert change("final", 0, 8)["rise"] > 2


def test_formants_move_with_the_vocal_tract():
    def second_and_third(actor, scale):
        sound = parselmouth.Sound(say(1, actor, cues={"formants": scale})[0].astype(np.float64), 16_000)
        formants = sound.to_formant_burg(0.01, 5, (5000 if actor % 2 else 5500) * scale)
        pitch = sound.to_pitch(0.01, 60, 500)
        voiced = pitch.xs()[pitch.selected_array["frequency"] > 0]
        return np.nanmedian([[formants.get_value_at_time(k, t) for t in voiced] for k in (2, 3)], axis=1)

    ratios = [second_and_third(actor, 1.15) / second_and_third(actor, 1.0) for actor in range(1, 9)]
    np.testing.assert_allclose(np.mean(ratios), 1.15, atol=0.03)
