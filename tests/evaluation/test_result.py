import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation import bootstrap, cross_validate, metrics


@pytest.fixture(scope="module")
def data(toy):
    return toy(speakers=8, per_speaker=20, noise=2.0)


@pytest.fixture(scope="module")
def result(data):
    return cross_validate(LogisticRegression(), *data, n_splits=4, features="toy features", progress=False)


def test_scores_are_those_of_all_predictions_together(result):
    truth, predicted = result.predictions["truth"], result.predictions["predicted"]
    assert 0.4 < result.uar == metrics.uar(truth, predicted) < 0.95
    assert result.accuracy == metrics.accuracy(truth, predicted)
    assert result.weighted_f1 == metrics.weighted_f1(truth, predicted)
    assert result.confusion().to_numpy().sum() == 160
    assert np.diag(result.confusion(normalise=True)).mean() == pytest.approx(result.uar)
    assert result.recall()["recall"].mean() == pytest.approx(result.uar)


def test_the_interval_is_a_bootstrap_over_speakers(data, result):
    """The same by the slow road: copy whole speakers into a new corpus, and score it."""
    _, table = data
    codes, weights = bootstrap.draw(table.loc[result.predictions.index, "speaker"], n=20)
    parts = [result.predictions[codes == speaker] for speaker in range(8)]
    fast = np.nanmean(
        bootstrap.recalls(result.predictions["truth"], result.predictions["predicted"], result.labels, codes, weights),
        axis=1,
    )
    for row, quick in zip(weights, fast, strict=True):
        drawn = pd.concat([part for part, times in zip(parts, row, strict=True) for _ in range(times)])
        assert quick == pytest.approx(metrics.uar(drawn["truth"], drawn["predicted"]))
    low, high = result.interval
    assert low < result.uar < high
    assert high - low < 0.4
    assert result.interval == (low, high)


def test_ccc_draws_match_the_slow_road(data):
    X, table = data
    numbers = cross_validate(LinearRegression(), X, table, target="arousal", progress=False).predictions
    codes, weights = bootstrap.draw(table.loc[numbers.index, "speaker"], n=20)
    fast = bootstrap.cccs(numbers["truth"] + 50, numbers["predicted"] + 50, codes, weights)
    for row, quick in zip(weights, fast, strict=True):
        drawn = np.repeat(np.arange(len(codes)), row[codes])
        assert quick == pytest.approx(metrics.ccc(numbers["truth"].iloc[drawn], numbers["predicted"].iloc[drawn]))


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """Speakers of different difficulty around a known mean accuracy of 0.6: 95 % intervals should hold it."""
    rng, hits = np.random.default_rng(0), 0
    for _ in range(200):
        skill = rng.beta(6, 4, size=24)
        truth = np.tile(["happy", "sad"], 24 * 20)
        speakers = np.repeat(np.arange(24), 40)
        right = rng.random(len(truth)) < skill[speakers]
        predicted = np.where(right, truth, np.where(truth == "happy", "sad", "happy"))
        codes, weights = bootstrap.draw(speakers, n=400)
        low, high = bootstrap.interval(
            bootstrap.recalls(truth, predicted, ["happy", "sad"], codes, weights).mean(axis=1)
        )
        hits += low <= 0.6 <= high
    assert 0.88 <= hits / 200 <= 0.98


def test_recall_has_intervals_and_counts(result):
    recall = result.recall()
    assert recall.index.tolist() == result.labels
    assert (recall["low"] <= recall["recall"]).all()
    assert (recall["recall"] <= recall["high"]).all()
    assert recall["n"].tolist() == [40, 40, 40, 40]


@pytest.mark.parametrize(("column", "values"), [("speaker", 8), ("gender", 2), ("statement", 2), ("emotion", 4)])
def test_by_scores_each_group(data, result, column, values):
    _, table = data
    groups = result.by(column)
    assert groups.index.name == column
    assert len(groups) == values
    assert groups["n"].sum() == 160
    assert (groups["n"] * groups["accuracy"]).sum() / 160 == pytest.approx(result.accuracy)
    first = result.predictions[(table[column] == groups.index[0]).loc[result.predictions.index]]
    assert groups["uar"].iloc[0] == pytest.approx(metrics.uar(first["truth"], first["predicted"]))


def test_by_emotion_is_in_canonical_order(result):
    assert result.by("emotion").index.tolist() == ["neutral", "happy", "sad", "angry"]


def test_by_several_columns_scores_each_combination(data, result):
    groups = result.by(["gender", "emotion"])
    assert groups.index.names == ["gender", "emotion"]
    assert groups["n"].sum() == 160
    emotions = groups.loc["female"].index.tolist()
    assert emotions == ["neutral", "happy", "sad", "angry"]
    _, table = data
    rows = result.predictions[((table.gender == "male") & (table.emotion == "sad")).loc[result.predictions.index]]
    assert groups.loc[("male", "sad"), "accuracy"] == (rows["predicted"] == "sad").mean()
    pd.testing.assert_frame_equal(result.by(["gender"]), result.by("gender"))


def test_by_needs_columns_with_values(result):
    for column in ("mood", ["gender", "mood"]):
        with pytest.raises(EvaluationError, match="no 'mood'"):
            result.by(column)
    with pytest.raises(EvaluationError, match="has a session"):
        result.by("session")
    with pytest.raises(EvaluationError, match="has a gender and a session"):
        result.by(["gender", "session"])
    with pytest.raises(EvaluationError, match="list of columns is empty"):
        result.by([])


def test_it_says_what_it_is_and_on_whose_voices(data, result):
    X, table = data
    for text in (repr(result), result._repr_html_()):
        for words in ("toy", "LogisticRegression on toy features", "no speaker in both", f"{result.uar:.2f}"):
            assert words in text
        assert "chance" in text
        assert "95 % interval {:.2f} to {:.2f}".format(*result.interval) in text
        assert "No speaker crosses" in text
    assert not result.synthetic
    made = cross_validate(LogisticRegression(), X, table.assign(corpus="synthetic"), progress=False)
    assert made.synthetic
    assert "synthetic" in made.summary()
    assert "synthetic" in made._repr_html_()


def test_a_long_verdict_is_shown_in_full(data):
    leaky = cross_validate(LogisticRegression(), *data, protocol="random", progress=False)
    assert leaky.verdict.startswith("Speakers cross between training and test in 5 of 5 folds")
    assert leaky.verdict in leaky._repr_html_()


def test_several_corpora_are_all_named(data):
    X, table = data
    mixed = table.assign(corpus=np.where(table["speaker"] < "toy-04", "savee", "ravdess"))
    assert cross_validate(LogisticRegression(), X, mixed, progress=False).corpus == "ravdess + savee"


def test_a_label_result_has_no_ccc(result):
    with pytest.raises(EvaluationError, match="ask for"):
        _ = result.ccc
