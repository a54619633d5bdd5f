"""Train on one corpus, test on another: labels that both have, one direction, the test speakers' interval."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_helpers import corpora, evaluation, features
from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation import leaderboard, metrics

MODEL = make_pipeline(StandardScaler(), LogisticRegression())


@pytest.fixture(scope="module")
def acted():
    return corpora.load("synthetic-small")


@pytest.fixture(scope="module")
def talked():
    return corpora.load("synthetic-iemocap-small")


@pytest.fixture(scope="module")
def X(acted, talked):
    return features.extract(corpora.combine([acted, talked]), "quick", progress=False)


def test_the_score_is_scikit_learns_by_hand(acted, talked, X):
    result = evaluation.transfer(MODEL, X, acted, talked, scheme="iemocap4")
    train, test = corpora.harmonise(acted, "iemocap4"), corpora.harmonise(talked, "iemocap4")
    predicted = MODEL.fit(X.loc[train.index], train.emotion).predict(X.loc[test.index])
    assert result.uar == pytest.approx(metrics.uar(test.emotion, predicted))
    assert (result.predictions.predicted.to_numpy() == predicted).all()
    assert set(result.table.corpus) == {"synthetic-iemocap"}
    assert result.protocol_words == "trained on synthetic"
    assert result.corpus == "synthetic-iemocap"


def test_the_other_direction_is_another_result(acted, talked, X):
    there, back = (
        evaluation.transfer(MODEL, X, a, b, scheme="iemocap4") for a, b in [(acted, talked), (talked, acted)]
    )
    assert there.corpus != back.corpus
    assert len(there.predictions) != len(back.predictions)


def test_labels_that_one_corpus_lacks_are_left_out(acted, X):
    women, men = acted[acted.gender == "female"], acted[acted.gender == "male"]
    result = evaluation.transfer(MODEL, X, women[women.emotion != "calm"], men[men.emotion != "sad"])
    assert set(result.labels) == set(acted.emotion) - {"calm", "sad"}
    with pytest.raises(EvaluationError, match=r"share 1 labels .* scheme='shared'"):
        evaluation.transfer(
            MODEL, X, women[women.emotion.isin(["sad", "calm"])], men[men.emotion.isin(["sad", "happy"])]
        )


def test_numbers_are_regressed(acted, talked, X):
    result = evaluation.transfer(Ridge(), X.dropna(), acted, talked, target="arousal")
    assert result.metric == "ccc"


def test_a_speaker_on_both_sides_is_named_by_the_audit(acted, X):
    result = evaluation.transfer(MODEL, X, acted[::2], acted[1::2])
    assert result.verdict.startswith("Speakers cross")


def test_each_corpus_is_left_out_in_turn(acted, talked, X):
    table = corpora.combine([acted, talked])
    results = evaluation.leave_one_corpus_out(MODEL, X, table, scheme="iemocap4")
    one = evaluation.transfer(MODEL, X, acted, talked, scheme="iemocap4")
    assert results["synthetic-iemocap"].uar == one.uar
    assert set(results) == {"synthetic", "synthetic-iemocap"}
    with pytest.raises(EvaluationError, match="only one corpus, synthetic"):
        evaluation.leave_one_corpus_out(MODEL, X, acted)


def test_the_leaderboard_tells_directions_apart(acted, talked, X, tmp_path):
    for a, b in [(acted, talked), (talked, acted)]:
        leaderboard.add(evaluation.transfer(MODEL, X, a, b, scheme="iemocap4"), "11", tmp_path / "leaderboard.csv")
    rows = leaderboard.read(tmp_path / "leaderboard.csv").set_index("corpus")
    assert rows.protocol.to_dict() == {
        "synthetic": "trained on synthetic-iemocap",
        "synthetic-iemocap": "trained on synthetic",
    }
    assert rows.speakers.to_dict() == {part.corpus.iloc[0]: part.speaker.nunique() for part in (acted, talked)}
    assert "trained on synthetic-iemocap" in str(leaderboard.show(tmp_path / "leaderboard.csv"))


@pytest.fixture
def judged():
    """A made-up result: women are always right, men in half of the cases; 12 speakers, two labels."""
    speakers = [f"s{i:02}" for i in range(12) for _ in range(8)]
    index = pd.Index([f"u{i}" for i in range(96)], name="utterance")
    gender = np.where(np.arange(96) // 8 % 2, "male", "female")
    truth = np.tile(["sad", "sad", "happy", "happy"], 24)
    wrong = (gender == "male") & (np.arange(96) % 2 == 0)
    predicted = np.where(wrong, np.where(truth == "sad", "happy", "sad"), truth)
    table = pd.DataFrame({"corpus": "toy", "speaker": speakers, "gender": gender, "take": np.arange(96) % 2}, index)
    return evaluation.Result(
        folds=pd.DataFrame({"uar": [0.75]}),
        predictions=pd.DataFrame({"fold": 1, "truth": truth, "predicted": predicted}, index),
        table=table,
        labels=["happy", "sad"],
        audits=[],
        protocol="speaker",
        target="emotion",
        name="toy",
        features="none",
    )


def test_a_gap_has_its_scores_interval_and_p_value(judged):
    (row,) = judged.gaps("gender").to_dict("records")
    assert (row["first"], row["second"]) == ("female", "male")
    assert (row["first_score"], row["second_score"], row["difference"]) == (1.0, 0.5, 0.5)
    assert row["low"] == row["high"] == 0.5  # every woman and every man scores the same
    # 2 of the 924 ways to deal 12 speakers to two groups of 6 give so large a difference
    assert row["p_value"] == pytest.approx(2 / 924, abs=0.004)


def test_summary_and_leaderboard_show_the_largest_gap(judged, tmp_path):
    words = "female 1.00, male 0.50, difference +0.50 (95 % interval +0.50 to +0.50, p = 0.00"
    assert f"Gap by gender: {words}" in judged.summary()
    leaderboard.add(judged, "04", tmp_path / "board.csv")
    row = leaderboard.read(tmp_path / "board.csv").iloc[0]
    assert row[leaderboard.GAP].tolist() == [0.5, "female − male", 0.5, 0.5]
    assert "| female − male +0.50 |" in str(leaderboard.show(tmp_path / "board.csv", gaps=True))
    assert "female" not in str(leaderboard.show(tmp_path / "board.csv"))


@pytest.mark.parametrize("gender", [None, "female"])
def test_without_two_genders_there_is_no_gap(gender, judged, tmp_path):
    alike = dataclasses.replace(judged, table=judged.table.assign(gender=gender))
    assert alike.largest_gap is None
    assert "Gap" not in alike.summary()
    leaderboard.add(alike, "04", tmp_path / "board.csv")
    row = leaderboard.read(tmp_path / "board.csv").iloc[0]
    assert row["gap_groups"] == ""
    assert row[["gap", "gap_low", "gap_high"]].isna().all()


def test_groups_without_a_common_label_have_no_gap(judged):
    gender = judged.table.gender
    by_gender = dataclasses.replace(
        judged,
        predictions=judged.predictions.assign(truth=gender, predicted=gender),
        labels=["female", "male"],
        target="gender",
    )
    assert by_gender.largest_gap is None
    with pytest.raises(EvaluationError, match="No two groups by gender have a label"):
        by_gender.gaps("gender")


def test_a_group_of_one_speaker_has_a_gap_without_an_interval(judged):
    table = judged.table.assign(gender=np.where(judged.table.speaker == "s01", "male", "female"))
    assert "(no interval, p = " in dataclasses.replace(judged, table=table).summary()


def test_no_gap_is_no_evidence(judged):
    table = judged.table.assign(gender=np.where(np.arange(96) // 8 < 6, "male", "female"))
    (row,) = dataclasses.replace(judged, table=table).gaps("gender").to_dict("records")
    assert row["difference"] == pytest.approx(0)
    assert row["p_value"] == 1
    assert row["low"] < 0 < row["high"]


def test_gaps_are_between_groups_of_speakers(judged):
    with pytest.raises(EvaluationError, match=r"take differs among the utterances of a speaker.* by\('take'\)"):
        judged.gaps("take")
    with pytest.raises(EvaluationError, match="no 'age'"):
        judged.gaps("age")
    with pytest.raises(EvaluationError, match="nothing to compare"):
        judged.gaps("corpus")


def test_an_interval_from_few_speakers_carries_a_caution(acted, X):
    result = evaluation.cross_validate(MODEL, X, acted[acted.speaker.isin(acted.speaker.unique()[:2])], n_splits=2)
    assert "rough: 2 speakers only" in result.summary()
