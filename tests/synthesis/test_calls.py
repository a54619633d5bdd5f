"""The embedded calls: their plans, the rule of who should be told, and one call as it lies on the disk."""

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from ser_helpers import synthesis
from ser_helpers.errors import CorpusError
from ser_helpers.synthesis import calls
from ser_helpers.synthesis.calls import HELD, alert, book, plan, story

COLUMNS = ["party", "start", "end", "text", "emotion", "valence", "arousal", "dominance"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("calls")
    return root, calls.build_calls(root, [1, 3], jobs=1, progress=False)


def truth(root, number):
    return pd.read_csv(root / "truth" / f"call_{number:03d}.csv")


def test_every_sentence_of_a_call_can_be_spoken():
    assert set(calls.every_sentence()) <= set(synthesis.sentences())


def test_half_of_the_customers_stay_angry():
    stories = [story(number) for number in calls.VARIANTS["full"]]
    assert set(stories) == set(book()["stories"])
    assert sum(name in ("rising", "calmed") for name in stories) == 50


def test_the_thresholds_are_chosen_on_other_customers_than_the_test():
    assert not set(calls.CUSTOMERS) & set(calls.TUNING_CUSTOMERS)
    assert not set(calls.VARIANTS["full"]) & set(calls.VARIANTS["tuning"])


def test_men_and_women_speak_with_both_from_the_first_calls_on():
    table = pd.read_csv(synthesis.ensure_calls("small", progress=False) / "calls.csv")
    assert {("male", "male"), ("female", "female"), ("female", "male")} <= set(
        zip(table["agent_gender"], table["customer_gender"], strict=True)
    )


def test_parties_take_turns_and_feel_what_the_story_asks():
    turns = plan(1)
    assert [turn.party for turn in turns[:4]] == ["agent", "customer", "agent", "customer"]
    felt = [turn.emotion for turn in turns if turn.party == "customer"]
    assert felt[0] != "angry"
    assert felt[-2:] == ["angry", "angry"]


def turns_of(*customer):
    """Turns of five seconds of the customer, each after five of the agent."""
    for k, emotion in enumerate(customer):
        yield ("agent", 10 * k, 10 * k + 5, "angry")
        yield ("customer", 10 * k + 5, 10 * k + 10, emotion)


def test_an_alert_is_due_after_eight_seconds_of_angry_speech():
    assert alert(turns_of("neutral", "angry", "angry", "angry", "neutral", "angry")) == (15, 25 + HELD - 5, 40)


@pytest.mark.parametrize("felt", [(), ("neutral",), ("angry",), ("angry", "neutral", "angry"), ("happy", "angry")])
def test_a_flare_is_no_alert(felt):
    assert np.isnan(alert(turns_of(*felt))).all()


def test_anger_before_a_calm_turn_does_not_count():
    assert alert(turns_of("angry", "sad", "angry", "angry"))[0] == 25


def test_a_call_is_a_stereo_telephone_recording(made):
    root, table = made
    for row in table.itertuples():
        info = sf.info(root / row.path)
        assert (info.samplerate, info.channels, info.subtype) == (8000, 2, "ULAW")
        assert info.duration == pytest.approx(row.seconds)
        assert 55 < row.seconds < 125
        y, _ = sf.read(root / row.path)
        power = np.abs(np.fft.rfft(y, axis=0)) ** 2
        hz = np.fft.rfftfreq(len(y), 1 / 8000)
        assert (power[(hz > 200) & (hz < 3600)].sum(0) > 0.98 * power.sum(0)).all()


def test_each_party_is_loudest_in_its_own_channel(made):
    root, table = made
    y, sr = sf.read(root / table.path[0])
    for turn in truth(root, 1).itertuples():
        level = np.sqrt(np.mean(y[int(turn.start * sr) : int(turn.end * sr)] ** 2, 0))
        assert level.argmax() == calls.PARTIES.index(turn.party)


def test_the_truth_says_who_spoke_when_and_felt_what(made):
    root, table = made
    for number, row in zip([1, 3], table.itertuples(), strict=True):
        turns = truth(root, number)
        assert list(turns) == COLUMNS
        assert set(turns.party) == set(calls.PARTIES)
        assert set(turns.emotion) <= {"angry", "happy", "neutral", "sad"}
        assert (turns.start < turns.end).all()
        assert turns.end.max() < row.seconds
        assert turns[["valence", "arousal", "dominance"]].abs().to_numpy().max() <= 1
    angry, flare = table.itertuples()
    assert angry.anger_start < angry.alert < angry.anger_end < angry.seconds
    assert np.isnan(flare.alert)
    assert (truth(root, 3).emotion == "angry").any()


def test_the_same_seed_gives_the_same_bytes_whatever_else_is_made(made, tmp_path):
    root, table = made
    again = calls.build_calls(tmp_path, [3], jobs=1, progress=False)
    for path in (again.path[0], again.truth[0]):
        assert (tmp_path / path).read_bytes() == (root / path).read_bytes()
    pd.testing.assert_series_equal(again.loc[0], table.loc[1], check_names=False)


def test_calls_are_made_once(monkeypatch, tmp_path):
    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(calls.VARIANTS, "small", [3])
    root = synthesis.ensure_calls("small", jobs=1, progress=False)
    before = (root / "calls.csv").stat().st_mtime_ns
    assert synthesis.ensure_calls("small", jobs=1, progress=False) == root
    assert (root / "calls.csv").stat().st_mtime_ns == before
    assert pd.read_csv(root / "calls.csv").call.tolist() == ["call_003"]


def test_an_unknown_variant_gets_a_sentence():
    with pytest.raises(CorpusError, match="choose full or small or tuning"):
        synthesis.ensure_calls("huge")
