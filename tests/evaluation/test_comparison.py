import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeRegressor

from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation import compare, cross_validate
from ser_helpers.evaluation.comparison import mcnemar


def run(model, data, **kw):
    return cross_validate(model, *data, **({"n_splits": 3, "progress": False} | kw))


@pytest.mark.parametrize(("b", "c", "p"), [(1, 9, 0.0117), (0, 0, 1.0), (5, 5, 1.0), (3, 7, 0.2266), (0, 5, 0.03125)])
def test_mcnemar_mid_p_by_hand(b, c, p):
    assert mcnemar(b, c) == pytest.approx(p, abs=5e-4) == mcnemar(c, b)


@pytest.mark.parametrize(("b", "c"), [(2, 7), (0, 12), (30, 41)])
def test_mid_p_is_the_exact_p_less_half_of_what_was_seen(b, c):
    exact = binomtest(b, b + c, 0.5).pvalue
    seen = math.comb(b + c, b) * 0.5 ** (b + c)
    assert mcnemar(b, c) == pytest.approx(exact - seen)


def test_a_better_model_is_found_better_both_ways(toy):
    data = toy(speakers=10, noise=1.0)
    good, bad = run(LogisticRegression(), data), run(DummyClassifier(strategy="uniform"), data)
    there, back = compare(good, bad), compare(bad, good)
    assert there.difference == pytest.approx(good.uar - bad.uar) == pytest.approx(-back.difference)
    assert there.interval == pytest.approx(tuple(-end for end in reversed(back.interval)))
    assert there.interval[0] < there.difference < there.interval[1]
    assert there.interval[0] > 0
    assert there.p_value == back.p_value < 1e-6
    assert (there.only_a, there.only_b) == (back.only_b, back.only_a)
    for verdict in (there.verdict, back.verdict):
        assert verdict.startswith(f"LogisticRegression: {there.difference:.2f} UAR above DummyClassifier")
        assert "on 160 utterances (95 % interval +" in verdict
    assert there.verdict in repr(there)
    assert "McNemar" in there._repr_html_()


def test_the_interval_of_a_difference_is_narrower_than_the_two_results_suggest(toy):
    data = toy(speakers=10, noise=1.5, voice=1.5)
    one, two = run(LogisticRegression(), data), run(LogisticRegression(C=0.5), data)
    width = np.ptp(compare(one, two).interval)
    assert width < 0.5 * np.ptp(one.interval)


def test_a_result_does_not_differ_from_itself(toy):
    result = run(LogisticRegression(), toy(noise=1.5))
    same = compare(result, result)
    assert (same.difference, same.interval, same.p_value) == (0, (0, 0), 1)
    assert same.verdict.startswith("No clear difference")


def test_only_shared_utterances_count(toy):
    data = toy(speakers=8, noise=1.5)
    folds = run(LogisticRegression(), data)
    once = run(LogisticRegression(), data, protocol="random", n_splits=1)
    outcome = compare(once, folds)
    shared = once.predictions.index
    assert outcome.utterances == len(shared) == outcome.of_a < outcome.of_b == 128
    assert "on the 39 utterances they share (of 39 and 128)" in outcome.verdict
    by_hand = folds.predictions.loc[shared]
    recalls = [(part["predicted"] == label).mean() for label, part in by_hand.groupby("truth")]
    assert outcome.score_b == pytest.approx(np.mean(recalls))
    assert (outcome.a, outcome.b) == ("random split", "unseen speakers")


def test_a_repeated_split_counts_the_first_prediction(toy):
    data = toy(speakers=8, noise=1.5)
    repeated = run(LogisticRegression(), data, protocol="random", n_splits=5)
    first = repeated.predictions[~repeated.predictions.index.duplicated()]
    outcome = compare(repeated, run(KNeighborsClassifier(), data))
    assert outcome.utterances == outcome.of_a == len(first)
    assert outcome.score_a == pytest.approx(
        np.mean([(part["predicted"] == label).mean() for label, part in first.groupby("truth")])
    )


def test_few_shared_utterances_cannot_decide(toy):
    X, table = toy(speakers=8)
    good = run(LogisticRegression(), (X, table.iloc[:64]))
    bad = run(DummyClassifier(strategy="constant", constant="sad"), (X, table.iloc[48:]))
    assert "too few to decide" not in compare(good, good).verdict
    assert compare(good, bad).utterances == 16
    assert "one speaker there is no interval" in compare(good, bad).verdict
    wider = run(DummyClassifier(strategy="constant", constant="sad"), (X, table.iloc[40:]))
    assert "too few to decide" in compare(good, wider).verdict


def test_regressions_are_compared_by_ccc(toy):
    data = toy(speakers=8)
    outcome = compare(
        run(LinearRegression(), data, target="arousal"), run(DecisionTreeRegressor(max_depth=1), data, target="arousal")
    )
    assert outcome.metric == "ccc"
    assert outcome.interval[0] > 0
    assert np.isnan(outcome.p_value)
    assert "McNemar" not in outcome._repr_html_()


def test_what_cannot_be_compared_gets_a_sentence(toy):
    X, table = toy()
    result = run(LogisticRegression(), (X, table))
    with pytest.raises(EvaluationError, match="like with like"):
        compare(result, run(LinearRegression(), (X, table), target="arousal"))
    moved = pd.Index("other/" + table.index, name="utterance")
    elsewhere = run(LogisticRegression(), (X.set_axis(moved), table.set_axis(moved)))
    with pytest.raises(EvaluationError, match="share no utterance"):
        compare(result, elsewhere)
    with pytest.raises(EvaluationError, match="4 labels and the other among 3"):
        compare(result, run(LogisticRegression(), (X, table[table["emotion"] != "sad"])))
    swapped = table.assign(emotion=table["emotion"].map(dict(zip(result.labels, reversed(result.labels), strict=True))))
    with pytest.raises(EvaluationError, match="disagree about the true labels"):
        compare(result, run(LogisticRegression(), (X, swapped)))
