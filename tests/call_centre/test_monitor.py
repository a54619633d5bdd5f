"""Calls, live and recorded, with a model that takes loud for angry."""

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers import audio, synthesis
from ser_helpers.call_centre import monitor
from ser_helpers.call_centre.alerts import Alert, AlertRule
from ser_helpers.call_centre.diarisation import separate, turn_emotions
from ser_helpers.call_centre.monitor import CallMonitor, WindowEvent, analyse, window_table
from ser_helpers.errors import AudioError, CorpusError, ModelError, StreamError

SR = 8000
RULE = AlertRule(threshold=0.5, persistence_s=2.5, cool_down_s=30, baseline_s=0)


class Loud:
    """The louder, the angrier."""

    classes_ = np.array(["angry", "happy", "neutral", "sad"])

    def predict_proba(self, windows):
        angry = [np.clip(20 * np.sqrt(np.mean(np.square(window))), 0, 1) for window in windows]
        return np.array([[p, 0, 1 - p, 0] for p in angry])


@pytest.fixture(scope="module")
def call():
    """(n, 2): the agent speaks calmly, then the customer, who shouts from second 7.5 on."""
    words = [audio.resample(synthesis.say(2, actor, "neutral")[0], 16000, SR) for actor in (25, 74)]
    agent, customer = (0.1 * audio.normalise(word) for word in words)
    y = np.zeros((20 * SR, 2), np.float32)
    for second in range(0, 20, 5):
        y[second * SR : second * SR + len(agent), 0] += agent
        begin = (second + 2) * SR + SR // 2
        y[begin : begin + len(customer), 1] += customer * (6 if second >= 5 else 1)
    return y + 0.001 * np.random.default_rng(0).standard_normal(y.shape).astype(np.float32)


@pytest.fixture(scope="module")
def report(call):
    return analyse(call, Loud(), RULE, sr=SR)


def fed(monitor, *chunks):
    return [event for chunk in chunks for event in monitor.feed(chunk)] + monitor.finish()


def alerts_of(events):
    return [event for event in events if isinstance(event, Alert)]


def plain(events):
    return [repr(event) for event in events]


def test_the_alert_comes_after_the_customer_began_to_shout(report):
    (alert,) = report.alerts
    assert (alert.party, alert.emotion) == ("customer", "angry")
    assert 7 <= alert.start < alert.time < 17
    assert alert.explanation.startswith("The customer has sounded angry for")


def test_the_agents_emotion_is_not_inferred(report):
    assert report.trajectory("agent")["emotion"].isna().all()
    assert report.trajectory("agent")["angry"].isna().all()
    assert report.trajectory("agent")["speech"].max() > 0.3
    assert report.turns.query("party == 'agent'")["emotion"].isna().all()
    assert "angry" in set(report.trajectory("customer")["emotion"])


def test_it_is_inferred_where_that_is_asked_for(call):
    report = analyse(call[: 10 * SR], Loud(), sr=SR, inferred=("agent", "customer"))
    assert report.trajectory("agent")["emotion"].notna().any()


def test_turns_are_those_that_were_spoken(report):
    agent, customer = (report.turns.query("party == @party")["start"].to_numpy() for party in ("agent", "customer"))
    np.testing.assert_allclose(agent, np.arange(0, 20, 5), atol=0.3)
    np.testing.assert_allclose(customer, np.arange(2.5, 20, 5), atol=0.3)
    said = report.turns.query("party == 'customer'")["emotion"].tolist()
    assert said[0] == "neutral"
    assert said[-1] == "angry"


@pytest.fixture(scope="module")
def whole(call):
    """The events of the first eight seconds fed at once, with noise reduction and without."""
    return {denoise: fed(CallMonitor(Loud(), RULE, denoise=denoise), call[: 8 * SR]) for denoise in (True, False)}


@settings(max_examples=6, deadline=None)
@given(st.lists(st.integers(0, 8 * SR), max_size=10), st.booleans())
def test_live_and_recorded_agree_exactly_however_the_call_is_cut(call, whole, cuts, denoise):
    cut = fed(CallMonitor(Loud(), RULE, denoise=denoise), *np.split(call[: 8 * SR], sorted(cuts)))
    assert plain(cut) == plain(whole[denoise])


def test_a_recording_gives_the_alerts_and_windows_of_the_live_call(call, report):
    events = fed(CallMonitor(Loud(), RULE), *np.array_split(call, 77))
    assert alerts_of(events) == report.alerts
    pd.testing.assert_frame_equal(window_table(events, Loud.classes_), report.windows, check_exact=True)


def test_the_level_is_told_of_every_judged_window_of_the_customer(report):
    customer = report.trajectory("customer")
    assert (customer["level"].notna() == customer["emotion"].notna()).all()
    assert report.trajectory("agent")["level"].isna().all()
    assert customer["level"].max() >= RULE.threshold


def test_an_alert_follows_its_window(call):
    events = fed(CallMonitor(Loud(), RULE), call)
    (place,) = [k for k, event in enumerate(events) if isinstance(event, Alert)]
    assert isinstance(events[place - 1], WindowEvent)
    assert (events[place - 1].party, events[place - 1].prediction.end) == ("customer", events[place].time)


def test_a_file_is_as_good_as_its_samples(call, report, tmp_path):
    sf.write(tmp_path / "call.wav", call, SR, subtype="FLOAT")
    pd.testing.assert_frame_equal(analyse(tmp_path / "call.wav", Loud(), RULE).windows, report.windows)


def test_sixteen_kilohertz_and_whole_numbers(call):
    wide = np.stack([audio.resample(channel, SR, 16000) for channel in call.T], axis=1)
    whole = np.rint(np.clip(wide, -1, 1) * 32767).astype(np.int16)
    events = fed(CallMonitor(Loud(), RULE, sr=16000), whole)
    assert len(alerts_of(events)) == 1


def test_silence_has_no_turns_and_no_alerts():
    report = analyse(np.zeros((10 * SR, 2)), Loud(), RULE, sr=SR)
    assert (len(report.turns), report.alerts) == (0, [])
    assert report.windows["emotion"].isna().all()


def test_a_mute_party_does_not_disturb_the_other(call, report):
    call = call.copy()
    call[:, 0] = 0
    mute = analyse(call, Loud(), RULE, sr=SR)
    assert mute.alerts == report.alerts
    assert set(mute.turns["party"]) == {"customer"}


def test_missing_samples_are_a_gap(call):
    call = call.copy()
    call[int(5.2 * SR) : 6 * SR] = np.nan
    with pytest.warns(UserWarning, match="missing"):
        events = fed(CallMonitor(Loud(), RULE), call)
    assert any(event.prediction.gap for event in events if isinstance(event, WindowEvent))
    assert len(alerts_of(events)) == 1
    with pytest.raises(AudioError, match="NaN"):
        analyse(call, Loud(), RULE, sr=SR)


def test_a_lost_connection_clears_what_was_felt(call):
    monitor = CallMonitor(Loud(), RULE)
    events = monitor.feed(call[: 10 * SR]) + monitor.lost(5) + monitor.feed(call[10 * SR : 15 * SR])
    assert not alerts_of(events)
    assert max(event.prediction.end for event in events) == pytest.approx(20, abs=1.5)


def test_a_call_of_ten_milliseconds_gets_a_sentence():
    with pytest.raises(AudioError, match="lasts 10 ms"):
        analyse(np.zeros((80, 2)), Loud(), sr=SR)
    monitor = CallMonitor(Loud())
    assert monitor.feed(np.zeros((80, 2))) + monitor.finish() == []


def test_one_party_on_one_channel(call):
    events = fed(CallMonitor(Loud(), RULE, parties=["customer"]), call[:, 1])
    assert {event.party for event in events} == {"customer"}
    assert analyse(call[:, 1], Loud(), RULE, sr=SR, parties=["customer"]).alerts[0] in events


def test_two_parties_on_one_channel_are_told_apart(call, report):
    mixed = analyse(call.sum(axis=1), Loud(), RULE, sr=SR)
    assert mixed.parties == ("agent", "customer")
    assert set(mixed.turns["party"]) == {"agent", "customer"}
    assert mixed.turns["start"].iloc[0] == pytest.approx(report.turns["start"].iloc[0], abs=0.1)
    assert mixed.trajectory("agent")["emotion"].isna().all()
    assert mixed.trajectory("customer")["emotion"].notna().any()


def test_each_party_of_one_channel_keeps_its_turns_only():
    y = np.arange(1, 11, dtype=np.float32)
    turns = pd.DataFrame({"start": [0, 4, 9], "end": [1, 8, 10], "party": ["agent", "customer", "agent"]})
    channels = separate(y, 1, turns, ("agent", "customer"))
    assert np.flatnonzero(channels[:, 0]).tolist() == [0, 9]
    assert np.flatnonzero(channels[:, 1]).tolist() == [4, 5, 6, 7]


def test_a_turn_has_the_mean_of_its_windows_by_overlap():
    windows = pd.DataFrame(
        {"party": "a", "start": [0, 2], "end": [3, 5], "angry": [1.0, 0.0], "sad": [0.0, 1.0], "emotion": "sad"}
    )
    found = turn_emotions(
        pd.DataFrame({"party": ["a", "a"], "start": [1.0, 8], "end": [4.0, 9]}), windows, ["angry", "sad"]
    )
    assert found["angry"].tolist()[0] == 0.5
    assert found["emotion"].tolist() == ["angry", None]


@pytest.mark.parametrize("chunk", [np.zeros(100), np.zeros((100, 3)), np.zeros((2, 2, 2))])
def test_chunks_that_are_no_call(chunk):
    with pytest.raises(StreamError, match="agent, customer"):
        CallMonitor(Loud()).feed(chunk)


def test_a_bad_chunk_is_as_if_it_had_not_come(call):
    monitor, calm = CallMonitor(Loud(), RULE), CallMonitor(Loud(), RULE)
    events = monitor.feed(call[: 5 * SR])
    for wrong in (np.array([["a", "b"]]), 1e6 * call):
        with pytest.raises(StreamError):
            monitor.feed(wrong)
    assert plain(events + fed(monitor, call[5 * SR : 9 * SR])) == plain(fed(calm, call[: 9 * SR]))


def test_after_the_end_there_is_nothing_to_feed():
    monitor = CallMonitor(Loud())
    monitor.finish()
    with pytest.raises(StreamError, match="ended"):
        monitor.feed(np.zeros((10, 2)))


def test_each_party_has_a_name_of_its_own():
    with pytest.raises(StreamError, match="once"):
        CallMonitor(Loud(), parties=["a", "a"])


def test_three_channels_are_no_call():
    with pytest.raises(AudioError, match="one channel, or one for each"):
        analyse(np.zeros((SR, 3)), Loud(), sr=SR)
    with pytest.raises(AudioError, match="rate"):
        analyse(np.zeros((SR, 2)), Loud())
    with pytest.raises(AudioError, match="no such file"):
        analyse("missing.wav", Loud())


def test_the_demo_calls_come_with_their_truth():
    paths = monitor.demo_calls()
    assert len(paths) == 6
    assert set(monitor.truth(paths[0])["party"]) == {"agent", "customer"}


@pytest.mark.parametrize(
    "settings", [{"parties": ["agent", "caller"]}, {"watched": "agent"}, {"inferred": ["custmer"]}]
)
def test_a_rule_that_could_never_speak_is_refused(settings):
    with pytest.raises(StreamError, match="There would be no alerts"):
        CallMonitor(Loud(), **settings)


def test_a_call_without_inferred_emotions_has_no_alerts(call):
    assert not alerts_of(fed(CallMonitor(Loud(), parties=["agent"]), call[: 8 * SR, 0]))


def test_a_bad_gap_is_as_if_it_had_not_come(call):
    monitor, calm = CallMonitor(Loud(), RULE), CallMonitor(Loud(), RULE)
    events = monitor.feed(call[: 3 * SR])
    with pytest.raises(StreamError, match="A gap lasts"):
        monitor.lost(-1)
    assert plain(events + fed(monitor, call[3 * SR : 5 * SR])) == plain(fed(calm, call[: 5 * SR]))


def test_one_party_may_come_as_a_word():
    assert CallMonitor(Loud(), parties="customer").parties == ("customer",)


@pytest.mark.parametrize("wrong", [None, Loud])
def test_a_model_must_be_fitted(wrong):
    with pytest.raises(ModelError, match="needs a fitted model"):
        CallMonitor(wrong)


def test_only_embedded_calls_have_truth(tmp_path):
    with pytest.raises(CorpusError, match=r"The emotions in .* are unknown: give one of demo_calls"):
        monitor.truth(tmp_path / "mine.wav")
