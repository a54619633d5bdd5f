import warnings

import audmetric
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation import metrics

LABELS = ["neutral", "calm", "happy", "sad"]
pairs = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1, max_size=60)
values = st.floats(-100, 100).map(lambda value: round(value, 3))
number_pairs = st.lists(st.tuples(values, values), min_size=2, max_size=40)


def by_hand_ccc(truth, predicted):
    n = len(truth)
    mt, mp = sum(truth) / n, sum(predicted) / n
    cov = sum((t - mt) * (p - mp) for t, p in zip(truth, predicted, strict=True)) / n
    vt, vp = sum((t - mt) ** 2 for t in truth) / n, sum((p - mp) ** 2 for p in predicted) / n
    return 2 * cov / (vt + vp + (mt - mp) ** 2)


@settings(deadline=None, max_examples=50)
@given(pairs)
def test_labels_agree_with_scikit_learn(pairs):
    truth, predicted = zip(*pairs, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert metrics.uar(truth, predicted) == pytest.approx(sk.balanced_accuracy_score(truth, predicted))
        assert metrics.weighted_f1(truth, predicted) == pytest.approx(
            sk.f1_score(truth, predicted, average="weighted", zero_division=0)
        )
    assert metrics.accuracy(truth, predicted) == pytest.approx(sk.accuracy_score(truth, predicted))
    np.testing.assert_array_equal(
        metrics.confusion(truth, predicted, LABELS), sk.confusion_matrix(truth, predicted, labels=LABELS)
    )


@settings(deadline=None, max_examples=50)
@given(pairs)
def test_uar_agrees_with_audmetric_over_the_classes_of_the_truth(pairs):
    truth, predicted = zip(*pairs, strict=True)
    recalls = audmetric.recall_per_class(truth, predicted)
    assert metrics.uar(truth, predicted) == pytest.approx(np.mean([recalls[label] for label in set(truth)]))


@settings(deadline=None, max_examples=50)
@given(pairs)
def test_uar_is_the_mean_of_the_normalised_diagonal(pairs):
    truth, predicted = zip(*pairs, strict=True)
    recall = metrics.per_class_recall(truth, predicted, LABELS)
    assert recall.mean() == pytest.approx(metrics.uar(truth, predicted))
    share = metrics.confusion(truth, predicted, LABELS, normalise=True)
    np.testing.assert_allclose(np.diag(share), recall)
    assert set(share.index[share.isna().all(axis=1)]) == set(LABELS) - set(truth)


@settings(deadline=None, max_examples=50)
@given(pairs, st.permutations(LABELS))
def test_renaming_the_classes_changes_nothing(pairs, renamed):
    truth, predicted = zip(*pairs, strict=True)
    new = dict(zip(LABELS, renamed, strict=True))
    moved = [new[t] for t in truth], [new[p] for p in predicted]
    assert metrics.uar(*moved) == pytest.approx(metrics.uar(truth, predicted))
    assert metrics.weighted_f1(*moved) == pytest.approx(metrics.weighted_f1(truth, predicted))


def test_uar_by_hand():
    truth = ["sad"] * 8 + ["happy"] * 2
    predicted = ["sad"] * 6 + ["happy"] * 2 + ["happy", "calm"]
    assert metrics.uar(truth, predicted) == pytest.approx((6 / 8 + 1 / 2) / 2)
    assert metrics.accuracy(truth, predicted) == pytest.approx(0.7)
    assert metrics.weighted_f1(truth, predicted) == pytest.approx(0.8 * 12 / 14 + 0.2 * 2 / 5)


def test_confusion_rows_are_the_truth_in_canonical_order():
    counts = metrics.confusion(["sad", "neutral", "sad"], ["neutral", "neutral", "sad"])
    assert counts.index.tolist() == counts.columns.tolist() == ["neutral", "sad"]
    assert counts.loc["sad", "neutral"] == 1
    assert counts.index.name == "truth"
    assert counts.columns.name == "predicted"


@settings(deadline=None, max_examples=50)
@given(number_pairs)
def test_numbers_agree_with_scikit_learn_and_audmetric(pairs):
    truth, predicted = (np.array(side) for side in zip(*pairs, strict=True))
    assert metrics.mse(truth, predicted) == pytest.approx(sk.mean_squared_error(truth, predicted))
    assert metrics.mae(truth, predicted) == pytest.approx(sk.mean_absolute_error(truth, predicted))
    if np.ptp([truth, predicted]) > 0:  # where all are equal, audmetric may divide one rounding error by another
        assert metrics.ccc(truth, predicted) == pytest.approx(audmetric.concordance_cc(truth, predicted), abs=1e-9)


@settings(deadline=None, max_examples=50)
@given(number_pairs, values)
def test_ccc_is_symmetric_bounded_and_blind_to_a_common_shift(pairs, shift):
    truth, predicted = (np.array(side) for side in zip(*pairs, strict=True))
    score = metrics.ccc(truth, predicted)
    assert score == pytest.approx(metrics.ccc(predicted, truth), nan_ok=True)
    assert np.isnan(score) or -1 - 1e-9 <= score <= 1 + 1e-9
    if truth.std() > 0.1:
        assert metrics.ccc(truth + shift, predicted + shift) == pytest.approx(score, abs=1e-6)
        assert metrics.ccc(truth, -truth + 2 * truth.mean()) == pytest.approx(-1)


def test_ccc_by_hand_and_not_with_sample_variances():
    truth, predicted = [0.0, 1.0, 2.0, 5.0], [0.5, 1.0, 1.0, 4.0]
    assert metrics.ccc(truth, predicted) == pytest.approx(by_hand_ccc(truth, predicted))
    assert metrics.ccc([0, 1, 2], [0, 1, 1]) == pytest.approx(2 / 3)
    assert metrics.ccc([0, 1, 2], [1, 2, 3]) == pytest.approx(2 * (2 / 3) / (4 / 3 + 1))


@pytest.mark.parametrize(("truth", "predicted"), [([1.0, 1.0], [1.0, 1.0]), ([0.1] * 3, [0.1] * 3), ([1.0], [2.0])])
def test_ccc_is_nan_where_it_is_undefined(truth, predicted):
    assert np.isnan(metrics.ccc(truth, predicted))


@pytest.mark.parametrize("metric", [metrics.uar, metrics.accuracy, metrics.weighted_f1, metrics.ccc, metrics.mse])
@pytest.mark.parametrize(
    ("truth", "predicted", "words"),
    [
        ([1, 2], [1], "2 utterances and prediction 1"),
        ([], [], "no utterance to score"),
        ([1, 2], [[0.1, 0.9], [0.5, 0.5]], "one value per utterance"),
        ([1, None], [1, 2], "truth has 1"),
        ([1, 2], [np.nan, np.nan], "prediction has 2"),
    ],
)
def test_bad_input_gets_a_sentence(metric, truth, predicted, words):
    with pytest.raises(EvaluationError, match=words):
        metric(truth, predicted)


def test_words_are_not_numbers_and_labels_must_be_complete():
    with pytest.raises(EvaluationError, match="did you mean uar"):
        metrics.ccc(["sad"], ["happy"])
    for metric in (metrics.uar, metrics.accuracy, metrics.weighted_f1):
        with pytest.raises(EvaluationError, match="mix words and numbers"):
            metric(["sad", "happy"], [0, 1])
    with pytest.raises(EvaluationError, match="'sad'"):
        metrics.confusion(["sad", "happy"], ["happy", "happy"], labels=["happy"])


def test_pandas_strings_and_categories_are_labels_too():
    truth = pd.Series(["sad", "happy", "sad"], index=["a", "b", "c"])
    assert metrics.uar(truth, truth.astype("category")) == 1
    assert metrics.uar(truth, truth.astype("string")) == 1


def test_word_errors_are_replaced_missing_and_added_words():
    spoken = ["Kids are talking by the door.", "I don’t know!"]
    assert metrics.word_error_rate(spoken, ["kids are talking by the door", "I don't know"]) == 0
    assert metrics.word_error_rate(spoken, ["kid talking by by the door", ""]) == pytest.approx(6 / 9)
    assert metrics.word_error_rate(["Really?"], ["oh really no no"]) == 3
    with pytest.raises(EvaluationError, match="No word was spoken"):
        metrics.word_error_rate(["..."], ["yes"])
    with pytest.raises(EvaluationError, match="1 recognised texts for 2"):
        metrics.word_error_rate(spoken, ["yes"])
