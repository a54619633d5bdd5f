"""Each voice is measured against itself, and a voice that nobody knows is named."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.utils.estimator_checks import parametrize_with_checks

from ser_helpers import corpora
from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation import cross_validate
from ser_helpers.models import SpeakerNormaliser

NAMES = pd.Index([f"toy/{number}" for number in range(6)], name="utterance")
SPEAKERS = pd.Series(["a", "a", "a", "b", "b", "b"], NAMES)
X = pd.DataFrame({"pitch": [100.0, 110, 120, 200, 230, 260], "level": [1.0, 5, 3, 2, 2, 2]}, NAMES)
TRANSDUCTIVE = {"check_methods_subset_invariance": "a row's result depends on the other rows, on purpose"}


@pytest.mark.filterwarnings("ignore:Speaker unknown has one utterance")
@parametrize_with_checks([SpeakerNormaliser()], expected_failed_checks=lambda estimator: TRANSDUCTIVE)
def test_it_keeps_the_contract_of_scikit_learn(estimator, check):
    check(estimator)


def test_each_speaker_has_mean_0_and_deviation_1_and_a_constant_becomes_0():
    normalised = SpeakerNormaliser(SPEAKERS).fit_transform(X)
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
    normaliser = SpeakerNormaliser(SPEAKERS)
    pd.testing.assert_frame_equal(normaliser.fit_transform(shuffled).loc[NAMES], normaliser.fit_transform(X), atol=1e-6)


def test_without_speakers_all_rows_are_one():
    np.testing.assert_allclose(SpeakerNormaliser().fit_transform(X), scale(X))
    assert isinstance(SpeakerNormaliser().fit_transform(X.to_numpy()), np.ndarray)


def test_training_rows_do_not_enter_a_test_speaker():
    normaliser = SpeakerNormaliser(SPEAKERS).fit(X[:3])
    np.testing.assert_allclose(normaliser.transform(X[3:]).pitch, scale(X.pitch[3:]))


def test_the_only_row_of_a_speaker_becomes_0_with_a_warning():
    with pytest.warns(UserWarning, match="Speaker b has one utterance only"):
        assert SpeakerNormaliser(SPEAKERS).fit_transform(X[:4]).iloc[3].eq(0).all()


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
    np.testing.assert_allclose(SpeakerNormaliser(SPEAKERS).fit_transform(twice)[:3], scale(X[:3]))


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
