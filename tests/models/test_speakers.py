"""Normalisation within speakers and voices, and folds of whole speakers."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from ser_helpers import corpora, evaluation, features, models
from ser_helpers.errors import CorpusError, EvaluationError
from ser_helpers.evaluation import cross_validate
from ser_helpers.models import SpeakerFolds, SpeakerNormaliser

NAMES = pd.Index([f"toy/{number}" for number in range(6)], name="utterance")
SPEAKERS = pd.Series(["a", "a", "a", "b", "b", "b"], NAMES)
X = pd.DataFrame({"pitch": [100.0, 110, 120, 200, 230, 260], "level": [1.0, 5, 3, 2, 2, 2]}, NAMES)
TRANSDUCTIVE = {"check_methods_subset_invariance": "a row's result depends on the other rows, on purpose"}


@pytest.mark.filterwarnings("ignore:.* have fewer than 8 utterances")
@parametrize_with_checks([SpeakerNormaliser()], expected_failed_checks=lambda estimator: TRANSDUCTIVE)
def test_it_keeps_the_contract_of_scikit_learn(estimator, check):
    check(estimator)


def test_each_speaker_has_mean_0_and_deviation_1_and_a_constant_becomes_0():
    normalised = SpeakerNormaliser(SPEAKERS, min_utterances=3).fit_transform(X)
    pd.testing.assert_index_equal(normalised.index, X.index)
    pd.testing.assert_index_equal(normalised.columns, X.columns)
    np.testing.assert_allclose(normalised[:3], scale(X[:3]))
    np.testing.assert_allclose(normalised.pitch[3:], scale(X.pitch[3:]))
    assert normalised.level[3:].eq(0).all()


@settings(deadline=None)
@given(st.permutations(range(6)), st.floats(0.1, 10), st.floats(-100, 100))
def test_order_scale_and_offset_of_a_voice_do_not_matter(order, stretch, offset):
    shuffled = X.iloc[order].copy()
    shuffled.loc[SPEAKERS[shuffled.index] == "b", "pitch"] *= stretch
    shuffled.loc[SPEAKERS[shuffled.index] == "b", "pitch"] += offset
    normaliser = SpeakerNormaliser(SPEAKERS, min_utterances=3)
    pd.testing.assert_frame_equal(normaliser.fit_transform(shuffled).loc[NAMES], normaliser.fit_transform(X), atol=1e-6)


def test_without_speakers_all_rows_are_one():
    with pytest.warns(UserWarning, match="1 of 1 speakers"):
        np.testing.assert_allclose(SpeakerNormaliser().fit_transform(X), scale(X))
    assert isinstance(SpeakerNormaliser(min_utterances=6).fit_transform(X.to_numpy()), np.ndarray)


def test_training_rows_do_not_enter_a_test_speaker():
    normaliser = SpeakerNormaliser(SPEAKERS, min_utterances=3).fit(X[:3])
    np.testing.assert_allclose(normaliser.transform(X[3:]).pitch, scale(X.pitch[3:]))


@pytest.mark.parametrize("n", [1, 2, 7])
def test_missing_utterances_of_a_speaker_count_as_average_ones_of_the_training(n):
    """The same by hand: mean and mean square of n own and 8 - n average utterances."""
    rng = np.random.default_rng(0)
    train = pd.DataFrame(rng.normal(5, 3, (40, 2))).rename("old{}".format)
    own = pd.DataFrame(rng.normal(9, 1, (n, 2))).rename("new{}".format)
    speakers = pd.concat([pd.Series("train", train.index), pd.Series("test", own.index)])
    normaliser = SpeakerNormaliser(speakers).fit(train)
    weight = n / 8
    mean = weight * own.mean() + (1 - weight) * train.mean()
    square = weight * (own**2).mean() + (1 - weight) * (train**2).mean()
    with pytest.warns(UserWarning, match="1 of 1 speakers have fewer than 8 utterances"):
        np.testing.assert_allclose(normaliser.transform(own), (own - mean) / np.sqrt(square - mean**2))
    np.testing.assert_array_equal(normaliser.transform(train), SpeakerNormaliser().fit_transform(train))


def test_few_utterances_are_told_once_for_all_speakers():
    X, speakers = utterances(5, each=8)
    some = X[(speakers < "s02") | ~speakers.duplicated()]  # three speakers with one utterance
    with pytest.warns(UserWarning, match="3 of 5") as told:
        SpeakerNormaliser(speakers).fit(X).transform(some)
    assert len(told) == 1


def test_enough_utterances_are_normalised_by_themselves_without_a_warning(recwarn):
    X, speakers = utterances(3, each=8)
    expected = X.groupby(speakers).transform(lambda column: scale(column))
    np.testing.assert_allclose(SpeakerNormaliser(speakers).fit(X + 100).transform(X), expected)
    assert not recwarn.list


def test_one_utterance_of_each_speaker_does_not_hide_the_emotion():
    """Where each speaker has one utterance, its own mean says all about it: normalised by that alone, it is 0."""
    X, speakers = utterances(60, each=1, spread=1.0)
    emotion = np.tile(["calm", "angry"], 30)
    X[0] += np.where(emotion == "angry", 6.0, 0.0)
    model = make_pipeline(SpeakerNormaliser(speakers), LinearSVC(random_state=0)).fit(X[:30], emotion[:30])
    assert evaluation.uar(emotion[30:], model.predict(X[30:])) > 0.9


def test_an_unknown_utterance_or_an_unnamed_row_is_refused():
    stranger = X.rename({"toy/5": "toy/99"})
    with pytest.raises(EvaluationError, match="speaker of 'toy/99' is not known"):
        SpeakerNormaliser(SPEAKERS).fit_transform(stranger)
    with pytest.raises(EvaluationError, match="ndarray without utterance names"):
        SpeakerNormaliser(SPEAKERS).fit_transform(X.to_numpy())
    with pytest.raises(EvaluationError, match="speaker of 'toy/0' is not known"):
        SpeakerNormaliser(SPEAKERS.replace("a", None)).fit_transform(X)
    with pytest.raises(EvaluationError, match=r"speakers is a list: give the normaliser the column"):
        SpeakerNormaliser(list(SPEAKERS)).fit_transform(X)
    with pytest.raises(EvaluationError, match="An utterance has two speakers"):
        SpeakerNormaliser(pd.concat([SPEAKERS, SPEAKERS])).fit_transform(X)


def test_rows_drawn_twice_are_counted_twice():
    twice = pd.concat([X, X[:3]])
    normaliser = SpeakerNormaliser(SPEAKERS, min_utterances=3)
    np.testing.assert_allclose(normaliser.fit_transform(twice)[:3], scale(X[:3]))


def test_it_is_cloned_with_its_speakers_and_follows_set_output():
    copy = clone(SpeakerNormaliser(SPEAKERS))
    pd.testing.assert_series_equal(copy.speakers, SPEAKERS)
    chain = make_pipeline(copy, StandardScaler()).set_output(transform="pandas").fit(X)
    assert chain.transform(X).index.equals(NAMES)
    assert copy.get_feature_names_out().tolist() == ["pitch", "level"]


def test_it_works_first_in_a_cross_validated_pipeline():
    table = corpora.load("synthetic-small")
    model = make_pipeline(SpeakerNormaliser(table.speaker), StandardScaler(), LogisticRegression())
    loud = table[["arousal"]].mul(table.speaker.str[-2:].astype(int), axis=0) + 7
    plain = cross_validate(model, table[["arousal"]], table, n_splits=4, progress=False)
    shifted = cross_validate(model, loud, table, n_splits=4, progress=False)
    assert plain.predictions.predicted.equals(shifted.predictions.predicted)


def utterances(n_speakers, each=20, spread=8.0, dims=6, seed=0):
    rng = np.random.default_rng(seed)
    names = np.repeat([f"s{k:02}" for k in range(n_speakers)], each)
    voices = rng.normal(0, spread, (n_speakers, dims)).repeat(each, axis=0)
    index = pd.Index([f"u{k}" for k in range(len(names))], name="utterance")
    return pd.DataFrame(voices + rng.normal(size=voices.shape), index), pd.Series(names, index)


@pytest.fixture(scope="module")
def heard():
    X, speakers = utterances(14)
    train = speakers < "s10"
    return X[train], X[~train], speakers


def test_clear_voices_are_found_without_their_names(heard):
    train, test, speakers = heard
    normaliser = models.VoiceNormaliser(speakers[train.index]).fit(train)  # it does not even know the test speakers
    found = normaliser.voices(test)
    assert adjusted_rand_score(speakers[test.index], found) > 0.95
    by_name = models.SpeakerNormaliser(found).fit_transform(test)
    pd.testing.assert_frame_equal(normaliser.transform(test), by_name)


def test_training_utterances_go_by_their_true_speakers(heard):
    train, _, speakers = heard
    expected = models.SpeakerNormaliser(speakers).fit_transform(train)
    pd.testing.assert_frame_equal(models.VoiceNormaliser(speakers).fit_transform(train), expected)


def test_the_order_of_rows_and_a_second_fit_change_nothing(heard):
    train, test, speakers = heard
    first = models.VoiceNormaliser(speakers).fit(train).transform(test)
    again = models.VoiceNormaliser(speakers).fit(train).transform(test[::-1])
    pd.testing.assert_frame_equal(first, again.loc[test.index])


def test_it_mends_a_pipeline_whose_voices_hide_the_emotion():
    X, speakers = utterances(12, each=24, spread=20)
    emotion = np.tile(["calm", "angry"], len(X) // 2)
    X[0] += np.where(emotion == "angry", 4.0, 0.0)
    train = (speakers < "s08").to_numpy()

    def score(*steps):
        model = make_pipeline(*steps, LinearSVC(random_state=0)).fit(X[train], emotion[train])
        return evaluation.uar(emotion[~train], model.predict(X[~train]))

    assert score(models.VoiceNormaliser(speakers[train])) > score() + 0.1


def test_a_lone_utterance_is_told_of(heard):
    train, test, speakers = heard
    with pytest.warns(UserWarning, match="1 of 1 speakers have fewer than 8"):
        models.VoiceNormaliser(speakers).fit(train).transform(test[:1])


def test_too_few_speakers_strangers_and_arrays_are_refused_in_a_sentence(heard):
    train, test, speakers = heard
    with pytest.raises(EvaluationError, match="four training speakers"):
        models.VoiceNormaliser(speakers).fit(train[speakers[train.index] < "s03"])
    with pytest.raises(EvaluationError, match="at least two of each"):
        models.VoiceNormaliser(speakers).fit(train[~speakers[train.index].duplicated()])
    for options in ({"groups": 1}, {"dims": 0}):
        with pytest.raises(ValueError, match="groups must be at least 2 and dims at least 1"):
            models.VoiceNormaliser(speakers, **options).fit(train)
    with pytest.raises(EvaluationError, match="not known"):
        models.VoiceNormaliser(speakers[train.index]).fit(test)
    with pytest.raises(EvaluationError, match="feature table"):
        models.VoiceNormaliser(speakers).fit(train).transform(test.to_numpy())


def test_a_constant_column_changes_no_voice_and_becomes_0(heard):
    train, test, speakers = (part.rename(columns=str) if part.ndim == 2 else part for part in heard)
    plain = models.VoiceNormaliser(speakers).fit(train)
    normaliser = models.VoiceNormaliser(speakers).fit(train.assign(constant=3.0))
    assert adjusted_rand_score(plain.voices(test), normaliser.voices(test.assign(constant=3.0))) == 1
    assert normaliser.transform(test.assign(constant=3.0))["constant"].eq(0).all()
    assert np.isfinite(normaliser.transform(test.assign(constant=np.arange(len(test)))).to_numpy()).all()


@pytest.mark.parametrize("varying", [0, 20])
def test_without_a_feature_that_varies_there_are_no_voices(varying, heard):
    train, _, speakers = heard
    flat = train.copy()
    flat[varying:] = 1.0  # 20 utterances are those of one speaker
    with pytest.raises(EvaluationError, match=r"No feature varies among [78] of the training speakers"):
        models.VoiceNormaliser(speakers).fit(flat)


def test_features_that_are_constant_within_each_speaker_tell_them_apart(heard):
    train, test, speakers = heard
    own = pd.concat([train, test]).groupby(speakers).transform("mean")
    normaliser = models.VoiceNormaliser(speakers).fit(own.loc[train.index])
    assert adjusted_rand_score(speakers[test.index], normaliser.voices(own.loc[test.index])) == 1
    assert np.isfinite(normaliser.transform(own.loc[test.index]).to_numpy()).all()


def test_two_utterances_of_each_are_enough_for_many_features():
    X, speakers = utterances(9, each=2, dims=20)
    train = (speakers < "s07").to_numpy()
    found = models.VoiceNormaliser(speakers).fit(X[train]).voices(X[~train])
    assert adjusted_rand_score(speakers[~train], found) == 1


def test_on_another_corpus_the_number_of_voices_is_plausible_and_a_warning_says_so(heard):
    """Columns in other units: cut at the learned height alone, every utterance would be a voice."""
    train, test, speakers = heard
    normaliser = models.VoiceNormaliser(speakers[train.index]).fit(train)
    with pytest.warns(UserWarning, match=r"another corpus: do not rely on the [2-9] voices"):
        found = normaliser.voices(test * 1000)
    assert adjusted_rand_score(speakers[test.index], found) > 0.9


def test_voices_of_an_embedded_corpus_from_another_one():
    german, talked = corpora.load("synthetic-emodb"), corpora.load("synthetic-iemocap-small")
    X = features.extract(corpora.combine([german, talked]), "vector193", progress=False).dropna()
    own = X[X.index.isin(german.index)]
    normaliser = models.VoiceNormaliser(german.speaker).fit(own)
    with pytest.warns(UserWarning, match="do not rely on the"):
        found = normaliser.voices(X.drop(own.index))
    assert found.nunique() <= 3 * talked.speaker.nunique()


TABLE = corpora.load("synthetic-small")
RATINGS = TABLE[["valence", "arousal"]]


def test_no_speaker_is_on_both_sides_and_every_row_is_tested_once():
    shuffled = RATINGS.sample(frac=0.8, random_state=0)
    folds = list(SpeakerFolds(TABLE, n_splits=4).split(shuffled))
    speakers = TABLE.speaker[shuffled.index].to_numpy()
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(shuffled)))
    for train, test in folds:
        assert not set(speakers[train]) & set(speakers[test])
        assert sorted([*train, *test]) == list(range(len(shuffled)))


def test_it_gives_the_folds_of_corpora_split():
    positions = SpeakerFolds(TABLE, n_splits=2, seed=3).split(RATINGS)
    for (train, test), (train_names, test_names) in zip(
        positions, corpora.split(TABLE, n_splits=2, seed=3), strict=True
    ):
        assert RATINGS.index[train].equals(train_names)
        assert RATINGS.index[test].equals(test_names)


def test_sequences_are_split_by_their_index():
    series = pd.Series([np.zeros((2, 3))] * len(RATINGS), RATINGS.index)
    assert len(list(SpeakerFolds(TABLE, n_splits=2).split(series))) == 2


def test_a_nested_search_runs_inside_cross_validate():
    search = GridSearchCV(
        LogisticRegression(), {"C": [1e-6, 1]}, cv=SpeakerFolds(TABLE, n_splits=3), scoring="recall_macro"
    )
    result = cross_validate(search, RATINGS, TABLE, n_splits=4, progress=False)
    unsearched = cross_validate(LogisticRegression(C=1e-6), RATINGS, TABLE, n_splits=4, progress=False)
    assert result.uar > unsearched.uar + 0.05
    assert clone(search).cv.get_n_splits() == 3
    assert len(cross_val_score(LogisticRegression(), RATINGS, TABLE.emotion, cv=SpeakerFolds(TABLE, n_splits=2))) == 2


@pytest.mark.parametrize(
    ("rows", "n_splits", "error", "words"),
    [
        (RATINGS.to_numpy(), 2, EvaluationError, "ndarray without utterance names"),
        (RATINGS.rename({RATINGS.index[3]: "stranger"}), 2, EvaluationError, "knows no 'stranger'"),
        (RATINGS, 5, CorpusError, "needs 5 speakers or more"),
    ],
)
def test_rows_it_cannot_split_are_refused(rows, n_splits, error, words):
    with pytest.raises(error, match=words):
        list(SpeakerFolds(TABLE, n_splits=n_splits).split(rows))


def test_its_name_is_one_line():
    assert repr(SpeakerFolds(TABLE)) == "SpeakerFolds(4 speakers, n_splits=3, seed=0)"
