"""A loaded model says what it wants, and takes nothing else."""

import os

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from ser_helpers import audio, corpora, features, models
from ser_helpers.errors import AudioError, ModelError


@pytest.fixture(scope="module")
def table():
    return corpora.load("synthetic-small")[:24]


@pytest.fixture(scope="module")
def X(table):
    return features.extract(table, "patchdct", jobs=1, progress=False)


@pytest.fixture(scope="module")
def sequences(table):
    return features.extract(table, "mfcc", jobs=1, progress=False, n_mfcc=13)


def saved(model, X, table, folder):
    path = folder / "model.ser"
    models.save(model.fit(X, table["emotion"]), path, X=X, table=table)
    return models.load(path)


@pytest.fixture(scope="module")
def loaded(X, table, tmp_path_factory):
    return saved(LogisticRegression(), X, table, tmp_path_factory.mktemp("loaded"))


def network(input_shape, n_classes):
    import keras

    pooled = [keras.Input(input_shape), keras.layers.Masking(), keras.layers.GlobalAveragePooling1D()]
    model = keras.Sequential([*pooled, keras.layers.Dense(n_classes, "softmax")])
    model.compile("adam", "categorical_crossentropy")
    return model


@pytest.fixture(scope="module")
def loaded_network(sequences, table, tmp_path_factory):
    model = make_pipeline(models.FrameScaler(), models.KerasClassifier(network, epochs=1))
    return saved(model, sequences, table, tmp_path_factory.mktemp("loaded"))


def test_it_says_what_it_is(loaded):
    assert repr(loaded) == "LoadedModel(LogisticRegression on patchdct of synthetic)"
    assert loaded.classes_.tolist() == loaded.about["labels"]


def test_a_recording_is_measured_as_extract_measures_it(loaded, X, table):
    for utterance, path in table["path"].iloc[:3].items():
        pd.testing.assert_series_equal(loaded.features_of(path).iloc[0], X.loc[utterance], check_names=False)
        assert loaded.predict_audio(path) == loaded.predict(X.loc[[utterance]])[0]


def test_parameters_reach_the_features_of_a_recording(loaded_network, sequences, table):
    path = table["path"].iloc[0]
    np.testing.assert_array_equal(loaded_network.features_of(path).iloc[0], sequences.iloc[0])
    assert loaded_network.predict_audio(path) == loaded_network.predict(sequences[:1])[0]


def test_samples_of_another_rate_are_resampled(loaded, table, tmp_path):
    y = audio.load(table["path"].iloc[0], sr=16000)
    doubled = audio.resample(y, 16000, 32000)
    soundfile.write(tmp_path / "doubled.wav", doubled, 32000, subtype="FLOAT")
    found = loaded.features_of(doubled, 32000)
    pd.testing.assert_frame_equal(found, loaded.features_of(tmp_path / "doubled.wav"))
    np.testing.assert_allclose(found, loaded.features_of(y, 16000), atol=1)
    with pytest.raises(ModelError, match="Samples need their sample rate"):
        loaded.predict_audio(y)
    with pytest.raises(AudioError, match="no such file"):
        loaded.predict_audio(tmp_path / "nothing.wav")


def test_impossible_rates_and_samples_and_pipes_are_refused_in_one_sentence(loaded, table, tmp_path):
    y = audio.load(table["path"].iloc[0], sr=16000)
    for sr in (0, -1, np.nan, "16000"):
        with pytest.raises(AudioError, match=r"its rate is .* instead of 4000 to 384000 Hz"):
            loaded.predict_audio(y, sr)
    with pytest.raises(AudioError, match="on the scale from -1 to 1"):
        loaded.predict_audio(y * 1e30, 16000)
    soundfile.write(tmp_path / "slow.wav", y, 1)
    with pytest.raises(AudioError, match=r"slow.wav: its rate is 1 instead"):
        loaded.predict_audio(tmp_path / "slow.wav")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.wav")
        with pytest.raises(AudioError, match=r"pipe.wav: it is a pipe or device"):
            loaded.predict_audio(tmp_path / "pipe.wav")


def change(X, **attrs):
    X = X.copy()
    X.attrs = {**X.attrs, **attrs}
    return X


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (
            lambda X: change(X, kind="egemaps"),
            "^X contains 'egemaps' features, and the model needs 'patchdct' .*: 128 col",
        ),
        (lambda X: change(X, parameters={"a": 1}), r"^X was extracted with \{'a': 1\}, and the model needs"),
        (lambda X: X[X.columns[::-1]], "^X has its columns in another order"),
        (lambda X: X.drop(columns="dct_time0_mel03"), "^X has no column 'dct_time0_mel03', and the model needs"),
        (lambda X: X.assign(extra=1.0), "^X has a column 'extra' too many, and the model needs"),
        (lambda X: X.rename(columns={"dct_time0_mel03": "b"}), "^X has no column 'dct_time0_mel03'"),
        (lambda X: X.to_numpy()[:, :5], r"^An example in X has the shape \(5,\), and the model needs"),
        (lambda X: X.to_numpy()[0], r"^An example in X has the shape \(\), and the model needs"),
        (lambda X: pd.Series([X.to_numpy()]), r"^An example in X has the shape \(None, 128\), and the model needs"),
    ],
)
def test_other_features_are_refused_in_one_sentence(loaded, X, other, words):
    for method in (loaded.predict, loaded.predict_proba):
        with pytest.raises(ModelError, match=words):
            method(other(X))


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (
            lambda X: change(X, kind="logmel"),
            "^X contains 'logmel' features, and the model needs 'mfcc' features extr",
        ),
        (lambda X: change(X, parameters={}), "^X was extracted with no parameters, and the model needs"),
        (lambda X: X.map(lambda frames: frames[:, :5]), r"shape \(None, 5\), .* one array of shape \(frames, 13\) per"),
        (lambda X: X.map(lambda frames: 0.0), "^X needs one array"),
        (lambda X: np.zeros((2, 13)), r"shape \(13,\)"),
        (lambda X: pd.DataFrame(np.zeros((2, 13))), r"shape \(13,\)"),
    ],
)
def test_other_sequences_are_refused_in_one_sentence(loaded_network, sequences, other, words):
    with pytest.raises(ModelError, match=words):
        loaded_network.predict(other(sequences))


def test_sequences_of_any_length_and_arrays_of_them_are_taken(loaded_network, sequences):
    short = sequences.map(lambda frames: frames[:7])
    expected = loaded_network.predict_proba(short)
    np.testing.assert_allclose(loaded_network.predict_proba(np.stack(list(short))), expected, atol=1e-6)


def test_arrays_and_tables_without_a_kind_are_taken_for_what_they_are(loaded, X):
    bare = change(X)
    bare.attrs = {}
    assert loaded.predict(bare).tolist() == loaded.predict(X).tolist()


def test_a_model_without_probabilities_says_so(X, table, tmp_path):
    loaded = saved(LinearSVC(), X, table, tmp_path)
    with pytest.raises(ModelError, match="LinearSVC gives no probabilities: use predict"):
        loaded.predict_proba(X)


def test_one_recording_says_nothing_to_a_model_that_compares_utterances(X, table, tmp_path):
    model = make_pipeline(models.SpeakerNormaliser(table["speaker"]), LinearSVC())
    loaded = saved(model, X, table, tmp_path)
    with pytest.raises(ModelError, match="compares a speaker's utterances with each other"):
        loaded.predict_audio(table["path"].iloc[0])
    one = table[table["speaker"] == table["speaker"].iloc[0]].index
    assert loaded.predict(X.loc[one]).tolist() == model.predict(X.loc[one]).tolist()


def test_features_of_ones_own_cannot_be_computed_from_a_recording(X, table, tmp_path):
    loaded = saved(LinearSVC(), X.to_numpy(), table, tmp_path)
    with pytest.raises(ModelError, match="not known which features"):
        loaded.predict_audio(table["path"].iloc[0])
    assert repr(loaded) == "LoadedModel(LinearSVC on features of synthetic)"
