"""Voices told apart without names: found where they are clear, learned on training speakers only."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from ser_helpers import evaluation, models
from ser_helpers.errors import EvaluationError


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
    with pytest.warns(UserWarning, match="one utterance only"):
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
