"""Precision, recall and delay: of outcomes made by hand, and of calls heard by a model that takes loud for angry."""

import numpy as np
import pandas as pd
import pytest

from ser_helpers import paths
from ser_helpers.call_centre import alert_evaluation
from ser_helpers.call_centre.alert_evaluation import GRACE, calls, choose_rule, hear, outcomes, score
from ser_helpers.call_centre.alerts import AlertRule
from ser_helpers.synthesis.calls import VARIANTS

NAN = np.nan


class Loud:
    """The louder, the angrier."""

    classes_ = np.array(["angry", "neutral"])

    def predict_proba(self, windows):
        angry = [np.clip(15 * np.sqrt(np.mean(np.square(window))), 0, 1) for window in windows]
        return np.array([[p, 1 - p] for p in angry])


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """One call to test on and one to choose on, both of angry customers; a list of the models that were asked for."""
    asked = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SER_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setitem(VARIANTS, "full", [4])
        patch.setitem(VARIANTS, "tuning", [104])
        patch.setattr(
            alert_evaluation.models, "window_model", lambda *args, **more: asked.append((args, more)) or Loud()
        )
        yield asked


def table(**columns):
    return pd.DataFrame(columns, index=pd.Index(["a", "b"][: len(columns["customer"])], name="call"))


def heard(call, *levels):
    ends = np.arange(3.0, 3 + len(levels))
    return pd.DataFrame(
        {"call": call, "start": ends - 3, "end": ends, "speech": 1.0, "angry": np.array(levels, float), "gap": False}
    )


def test_an_alert_is_right_inside_the_anger_and_shortly_after_it():
    rule = AlertRule(threshold=0.5, persistence_s=3, cool_down_s=0, baseline_s=0)
    for start, end, right in ((0, 8, 1), (4, 8, 0), (0, 3, 1)):
        truth = table(customer=["x"], anger_start=[start], alert=[5.0], anger_end=[end])
        found = outcomes(heard("a", 0.9), rule, truth).loc["a"]
        assert (found.alerts, found.right) == (1, right)
        assert found.delay == (-2 if right else pytest.approx(NAN, nan_ok=True))
    late = outcomes(
        heard("a", *[NAN] * 20, 0.9, 0.9, 0.9),
        rule,
        table(customer=["x"], anger_start=[0], alert=[1.0], anger_end=[2.0]),
    )
    assert late["right"].tolist() == [0]
    assert GRACE < 20


def test_an_alert_in_a_calm_call_is_false():
    truth = table(customer=["x"], anger_start=[NAN], alert=[NAN], anger_end=[NAN])
    found = outcomes(heard("a", 0.9, 0.9), AlertRule(persistence_s=3, baseline_s=0), truth).loc["a"]
    assert (found.alerts, found.right) == (1, 0)


def test_precision_counts_alerts_and_recall_counts_calls():
    found = pd.DataFrame(
        {"due": [9, 9, NAN, 9], "alerts": [2, 1, 1, 0], "right": [2, 1, 0, 0], "delay": [1.0, 4.0, NAN, NAN]}
    )
    measured = score(found, intervals=False)
    assert measured == {"precision": 0.75, "recall": pytest.approx(2 / 3), "f1": pytest.approx(12 / 17), "delay": 2.5}


def test_no_alert_at_all_has_no_precision():
    measured = score(pd.DataFrame({"due": [9.0], "alerts": [0], "right": [0], "delay": [NAN]}), intervals=False)
    assert np.isnan(measured["precision"])
    assert (measured["recall"], measured["f1"]) == (0, 0)


def test_intervals_hold_the_measure_and_resample_customers():
    rng = np.random.default_rng(0)
    right = rng.integers(0, 2, 60)
    found = pd.DataFrame(
        {
            "customer": np.repeat(np.arange(20), 3),
            "due": 9.0,
            "alerts": 1,
            "right": right,
            "delay": rng.normal(3, 1, 60),
        }
    )
    measured = score(found)
    for name in ("precision", "recall", "f1", "delay"):
        assert measured[f"{name}_low"] < measured[name] < measured[f"{name}_high"]
    alike = found.assign(right=np.repeat(right[:20], 3))
    assert np.diff([score(alike)[f"recall_{end}"] for end in ("low", "high")]) > 0.2


def test_the_hundred_calls_are_scored_with_a_rule_from_others(asked):
    row = alert_evaluation.score_calls(denoise=[False], jobs=1, progress=False).loc["no"]
    assert (row.precision, row.recall, row.precision_low, row.recall_high) == (1, 1, 1, 1)
    assert row.delay_low <= row.delay <= row.delay_high
    rule = choose_rule("linear", False, 1, False)
    assert (rule.threshold, rule.persistence_s) == (row.threshold, row.persistence_s)


def test_the_rule_that_does_best_is_chosen(asked):
    windows = hear("tuning", "linear", False, jobs=1, progress=False)
    best = score(outcomes(windows, choose_rule("linear", False, 1, False), calls("tuning")), intervals=False)
    for threshold in (0.3, 0.85):
        other = outcomes(windows, AlertRule(threshold=threshold, persistence_s=10.0), calls("tuning"))
        assert best["f1"] >= score(other, intervals=False)["f1"]


def test_what_was_heard_by_a_model_of_that_name_is_kept(asked):
    kept = hear("full", "linear", False, jobs=1, progress=False)
    assert set(map(repr, asked)) == {"(('linear',), {'band': 'phone'})"}
    assert len(asked) <= 2
    pd.testing.assert_frame_equal(kept, hear("full", Loud(), False, jobs=1, progress=False), check_exact=True)


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_what_is_kept_and_damaged_is_heard_again(asked, share):
    kept = hear("full", "linear", False, jobs=1, progress=False)
    (path,) = (paths.cache_home() / "calls").glob("heard-full-linear-0-*.zip")
    whole, before = path.read_bytes(), len(asked)
    path.write_bytes(whole[: int(share * len(whole))])
    pd.testing.assert_frame_equal(kept, hear("full", "linear", False, jobs=1, progress=False), check_exact=True)
    assert len(path.read_bytes()) == len(whole)
    assert len(asked) == before + 1
    asked.pop()


def test_every_call_is_heard_to_its_end(asked):
    ends = hear("full", "linear", False, jobs=1, progress=False).groupby("call")["end"].max()
    seconds = calls("full")["seconds"]
    assert set(ends.index) == set(seconds.index) == {"call_004"}
    assert (abs(ends - seconds) < 0.6).all()
