"""The alert rule, on hand-made predictions."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers.call_centre.alerts import Alert, AlertRule
from ser_helpers.errors import StreamError
from ser_helpers.streaming import WindowPrediction

CLASSES = ["angry", "neutral"]


def windows(*levels, speech=1.0):
    """Windows of 3 s, one per second: the smoothed probability of anger, None for silence, "gap" for a gap."""
    for k, level in enumerate(levels):
        if level is None or level == "gap":
            yield WindowPrediction(k, k + 3, 0.0, None, None, None, level == "gap")
        else:
            yield WindowPrediction(k, k + 3, speech, [level, 1 - level], [level, 1 - level], None, False)


def times(rule, *levels, **more):
    return [alert.time for alert in rule.apply(windows(*levels, **more), CLASSES)]


RULE = AlertRule(threshold=0.5, persistence_s=6, cool_down_s=10, baseline_s=0)


def test_an_alert_comes_when_the_emotion_has_persisted():
    assert times(RULE, 0.1, 0.9, 0.9, 0.9, 0.9, 0.9) == []
    assert times(RULE, 0.1, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9) == [9]


def test_the_threshold_itself_counts():
    assert times(RULE, *[0.5] * 4) == [6]
    assert times(RULE, *[0.499] * 20) == []


def test_half_of_the_speech_takes_twice_as_long():
    assert times(RULE, *[0.9] * 10, speech=0.5) == [12]


def test_silence_counts_neither_way():
    assert times(RULE, 0.9, 0.9, 0.9, None, None, None, None, 0.9) == [10]


def test_long_silence_and_gaps_are_forgotten():
    rule = AlertRule(persistence_s=6, forget_s=4, baseline_s=0)
    assert times(rule, 0.9, 0.9, 0.9, *[None] * 4, 0.9, 0.9) == []
    assert times(rule, 0.9, 0.9, 0.9, "gap", 0.9, 0.9) == []


def test_a_calm_word_delays_and_a_calm_minute_undoes():
    assert times(RULE, 0.1, 0.9, 0.9, 0.9, 0.9, 0.1, 0.9, 0.9, 0.9) == [11]
    assert times(RULE, 0.1, 0.9, 0.9, 0.9, *[0.1] * 3, *[0.9] * 5) == []


def test_after_an_alert_there_is_none_for_a_while():
    assert times(RULE, *[0.9] * 30) == [6, 22]


def test_a_voice_that_always_sounds_angry_is_compared_with_itself():
    rule = AlertRule(threshold=0.7, persistence_s=4, baseline_s=5)
    assert times(rule, *[0.75] * 30) == []
    assert times(rule, *[0.75] * 10, *[0.95] * 6) == [16]
    assert times(rule, *[0.3] * 10, *[0.75] * 6) == [16]


def test_what_is_usual_is_learned_from_the_first_speech_only():
    rule = AlertRule(threshold=0.7, persistence_s=4, baseline_s=5)
    assert times(rule, None, None, *[0.3] * 10, *[0.75] * 6) == [18]
    assert times(rule, *[0.3] * 10, *[0.5] * 60, *[0.75] * 6) == [76]


def test_certainty_is_no_error():
    assert times(AlertRule(persistence_s=4), *[1.0] * 5) == [4]
    assert times(AlertRule(persistence_s=4), *[0.0] * 5) == []


def test_an_alert_explains_itself():
    (alert,) = RULE.apply(windows(0.1, *[0.8, 0.6] * 3), CLASSES, "caller")
    assert alert[:-1] == Alert(9, "caller", "angry", 3, 6.0, pytest.approx(0.7), "")[:-1]
    assert alert.explanation.startswith("The caller has sounded angry for 6 s of speech since 0:03 (level 0.70;")


@settings(deadline=None)
@given(st.lists(st.one_of(st.floats(0, 1), st.none(), st.just("gap")), max_size=60))
def test_a_stricter_rule_never_speaks_earlier(levels):
    mild = times(AlertRule(threshold=0.4, persistence_s=5), *levels)
    strict = times(AlertRule(threshold=0.6, persistence_s=8), *levels)
    assert not strict or (mild and mild[0] <= strict[0])


@settings(deadline=None)
@given(st.lists(st.floats(0, 0.49), max_size=60))
def test_below_the_threshold_there_is_no_alert(levels):
    assert times(RULE, *levels) == []


def test_an_emotion_the_model_does_not_know_gets_a_sentence():
    with pytest.raises(StreamError, match="only angry, neutral"):
        AlertRule(emotion="bored").apply([], CLASSES)


@pytest.mark.parametrize(
    "settings",
    [
        {"threshold": 1},
        {"persistence_s": -1},
        {"cool_down_s": float("nan")},
    ],
)
def test_impossible_settings(settings):
    with pytest.raises(ValueError, match="must"):
        AlertRule(**settings)


def test_the_rule_shows_its_settings():
    assert repr(RULE) == (
        "AlertRule(emotion='angry', threshold=0.5, persistence_s=6, cool_down_s=10, forget_s=30.0, baseline_s=0)"
    )
