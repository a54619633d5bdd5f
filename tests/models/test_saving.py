"""Every model of the package comes back from its file with the same predictions."""

import json
import os
import warnings
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC

from ser_helpers import models
from ser_helpers.errors import ModelError
from ser_helpers.models import saving
from ser_helpers.models.saving import normalises_speakers

LABELS = np.array(["angry", "calm", "sad"])
ROWS = 48


@pytest.fixture(scope="module")
def table():
    index = pd.Index([f"toy/{row:02}" for row in range(ROWS)], name="utterance")
    speakers = [f"toy-{row % 4}" for row in range(ROWS)]
    emotion = LABELS[np.arange(ROWS) % 3]
    return pd.DataFrame({"corpus": "toy", "speaker": speakers, "emotion": emotion}, index=index)


@pytest.fixture(scope="module")
def X(table):
    """A feature table as of `features.extract`."""
    codes = np.arange(ROWS) % 3
    values = np.random.default_rng(0).normal(size=(ROWS, 6)) + np.eye(3, 6)[codes] * 3
    frame = pd.DataFrame(values, index=table.index, columns=[f"feature_{i}" for i in range(6)])
    frame.attrs = {"kind": "egemaps", "parameters": {}}
    return frame


@pytest.fixture(scope="module")
def frames(table):
    """Sequences as of `features.extract`."""
    rng = np.random.default_rng(1)
    arrays = [rng.normal(row % 3, 1, size=(5 + row % 4, 4)).astype(np.float32) for row in range(ROWS)]
    series = pd.Series(arrays, index=table.index, dtype=object)
    series.attrs = {"kind": "mfcc", "parameters": {"n_mfcc": 4}}
    return series


def dense(input_shape, n_classes):
    import keras

    model = keras.Sequential([keras.Input(input_shape), keras.layers.Dense(n_classes, "softmax")])
    model.compile(keras.optimizers.Adam(0.05), keras.losses.CategoricalFocalCrossentropy())
    return model


def attention(input_shape, n_classes):
    import keras

    inputs = keras.Input(input_shape)
    x = keras.layers.Masking(0.0)(inputs)
    x = keras.layers.Bidirectional(keras.layers.LSTM(3, return_sequences=True))(x)
    x = models.AttentionPooling(4)(x)
    model = keras.Model(inputs, keras.layers.Dense(n_classes, "softmax")(x))
    model.compile("adam", "categorical_crossentropy")
    return model


def convolutional(input_shape, n_classes):
    import keras

    stack = [models.SpecAugment(1, 1), keras.layers.Reshape((*input_shape, 1)), keras.layers.Conv2D(4, 3)]
    stack += [keras.layers.BatchNormalization(), keras.layers.GlobalAveragePooling2D()]
    model = keras.Sequential([keras.Input(input_shape), *stack, keras.layers.Dense(n_classes, "softmax")])
    model.compile("adam", "categorical_crossentropy")
    return model


def classical(table):
    xgboost = pytest.importorskip("xgboost")
    imblearn = pytest.importorskip("imblearn")
    from imblearn.over_sampling import SMOTE, RandomOverSampler
    from imblearn.under_sampling import RandomUnderSampler

    forest = RandomForestClassifier(5, random_state=0)
    return {
        "rbf": make_pipeline(StandardScaler(), SVC(probability=True)),
        "linear": make_pipeline(StandardScaler(), LinearSVC()),
        "logistic": LogisticRegression(),
        "forest": forest,
        "boosting": GradientBoostingClassifier(n_estimators=3, max_leaf_nodes=3),
        "xgboost": models.LabelEncoded(xgboost.XGBClassifier(n_estimators=3)),
        "mixtures": make_pipeline(StandardScaler(), models.GaussianMixtureClassifier(2, random_state=0)),
        "speakers": make_pipeline(models.SpeakerNormaliser(), LinearSVC()),
        "voices": make_pipeline(models.VoiceNormaliser(table["speaker"]), LinearSVC()),
        "selection": make_pipeline(SimpleImputer(), SelectKBest(k=3), LinearDiscriminantAnalysis()),
        "perceptron": make_pipeline(StandardScaler(), MLPClassifier(max_iter=5, random_state=0)),
        "calibrated": CalibratedClassifierCV(LinearSVC()),
        "vote": VotingClassifier([("forest", forest), ("svc", make_pipeline(SelectKBest(k=2), forest))]),
        "oversampled": imblearn.pipeline.make_pipeline(RandomOverSampler(random_state=0), forest),
        "smote": imblearn.pipeline.make_pipeline(SMOTE(random_state=0), forest),
        "undersampled": imblearn.pipeline.make_pipeline(RandomUnderSampler(random_state=0), LinearSVC()),
        "search": GridSearchCV(
            make_pipeline(models.SpeakerNormaliser(table["speaker"]), LinearSVC()),
            {"linearsvc__C": [0.1, 1]},
            cv=models.SpeakerFolds(table, 2),
        ),
    }


NETWORKS = {
    "dense": lambda: make_pipeline(StandardScaler(), models.KerasClassifier(dense, epochs=2)),
    "alone": lambda: models.KerasClassifier(dense, epochs=1, class_weight="balanced"),
}
SEQUENCE_NETWORKS = {
    "attention": lambda: make_pipeline(models.FrameScaler(), models.KerasClassifier(attention, epochs=1)),
    "convolutional": lambda: make_pipeline(
        models.FrameScaler(), models.FixedFrames(6), models.KerasClassifier(convolutional, epochs=1)
    ),
}
CLASSICAL = """rbf linear logistic forest boosting xgboost mixtures speakers voices selection perceptron calibrated vote
oversampled smote undersampled search""".split()


def check_round_trip(model, X, table, path):
    """Save, load, and compare on one speaker's rows, so that normalising by speaker is the same before and after."""
    models.save(model, path, X=X, table=table)
    loaded = models.load(path)
    rows = X[table["speaker"] == "toy-1"]
    assert loaded.predict(rows).tolist() == np.asarray(model.predict(rows)).tolist()
    assert loaded.classes_.tolist() == LABELS.tolist()
    if hasattr(model, "predict_proba"):
        np.testing.assert_allclose(loaded.predict_proba(rows), model.predict_proba(rows), atol=1e-6)
    again = path.with_name("again.ser")
    models.save(loaded.model, again, X=X, table=table)
    assert models.load(again).predict(rows).tolist() == loaded.predict(rows).tolist()
    return loaded


@pytest.mark.parametrize("name", CLASSICAL)
def test_classical_models_come_back(name, X, table, tmp_path):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(converge|Maximum iterations|probability).*")
        model = classical(table)[name].fit(X, table["emotion"])
    loaded = check_round_trip(model, X, table, tmp_path / "model.ser")
    assert loaded.about["kind"] == "egemaps"
    assert loaded.about["columns"] == X.columns.tolist()
    assert loaded.about["corpus"] == ["toy"]
    assert loaded.about["sample_rate"] == 16000


def test_there_is_a_round_trip_for_every_kind_of_model(table):
    assert set(classical(table)) == set(CLASSICAL)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_come_back(name, X, table, tmp_path):
    model = NETWORKS[name]().fit(X, table["emotion"])
    loaded = check_round_trip(model, X, table, tmp_path / "model.ser")
    network = model[-1] if name == "dense" else model
    restored = loaded.model[-1] if name == "dense" else loaded.model
    pd.testing.assert_frame_equal(restored.history_, network.history_)
    assert restored.get_params() == network.get_params() | {"build": None}
    with pytest.raises(ModelError, match="cannot be fitted again, because its build function is not in the file"):
        loaded.model.fit(X, table["emotion"])
    assert loaded.predict(X).tolist() == model.predict(X).tolist()


@pytest.mark.parametrize("name", SEQUENCE_NETWORKS)
def test_sequence_networks_come_back(name, frames, table, tmp_path):
    model = SEQUENCE_NETWORKS[name]().fit(frames, table["emotion"])
    loaded = check_round_trip(model, frames, table, tmp_path / "model.ser")
    assert loaded.about["shape"] == [None, 4]
    assert loaded.about["parameters"] == {"n_mfcc": 4}


def regression(input_shape, n_targets):
    import keras

    def loss_of_the_lesson(y_true, y_pred):
        return 2 * models.ccc_loss(y_true, y_pred)

    model = keras.Sequential([keras.Input(input_shape), keras.layers.Dense(n_targets)])
    model.compile("adam", loss_of_the_lesson)
    return model


@pytest.mark.parametrize("targets", [1, 3])
def test_networks_for_numbers_come_back_with_their_scale(targets, X, table, tmp_path):
    y = 3 + X.to_numpy()[:, :targets]
    model = make_pipeline(StandardScaler(), models.KerasRegressor(regression, epochs=1)).fit(
        X, y if targets > 1 else y[:, 0]
    )
    models.save(model, tmp_path / "model.ser", X=X, table=table)
    loaded = models.load(tmp_path / "model.ser")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.classes_ is None
    assert loaded.model[-1].get_params() == model[-1].get_params() | {"build": None}
    with pytest.raises(ModelError, match="cannot be fitted again"):
        loaded.model.fit(X, y)


def two_inputs(input_shape, n_classes):
    import keras

    inputs = {name: keras.Input(shape, name=name) for name, shape in input_shape.items()}
    model = keras.Model(
        inputs, keras.layers.Dense(n_classes, "softmax")(keras.layers.concatenate(list(inputs.values())))
    )
    model.compile("adam", "categorical_crossentropy")
    return model


@pytest.mark.parametrize("columns", ["arrays", "groups"])
def test_networks_with_two_inputs_come_back(columns, X, table, tmp_path):
    if columns == "groups":
        both = pd.concat({"voice": X, "text": X.iloc[:, :2]}, axis=1)
    else:
        both = pd.DataFrame({"voice": list(X.to_numpy()), "text": list(X.to_numpy()[:, :2])}, X.index)
    model = models.KerasClassifier(two_inputs, epochs=1).fit(both, table["emotion"])
    loaded = check_round_trip(model, both, table, tmp_path / "model.ser")
    assert loaded.model.input_shape_ == model.input_shape_ == {"voice": (X.shape[1],), "text": (2,)}
    with pytest.raises(ModelError, match="X has no column"):
        loaded.predict(both[["voice"]])


@pytest.mark.slow
def test_a_network_saved_on_one_backend_predicts_the_same_on_both(frames, table, tmp_path, on_both_backends):
    model = SEQUENCE_NETWORKS["attention"]().fit(frames, table["emotion"])
    models.save(model, tmp_path / "model.ser", X=frames, table=table)
    snippet = """
from ser_helpers import models
results["found"] = models.load(str(path)).predict_proba(x)
"""
    x = np.stack([array[:5] for array in frames])
    for found in on_both_backends(snippet, path=np.array(str(tmp_path / "model.ser")), x=x):
        np.testing.assert_allclose(found["found"], model.predict_proba(x), atol=1e-5)


@pytest.fixture(scope="module")
def both(X, table):
    """A table of modalities, some of them missing."""
    said = np.array(["No, stop it!", "All right then.", "I miss you.", None], dtype=object)
    text = pd.Series(said[np.where(np.arange(ROWS) % 7 == 6, 3, np.arange(ROWS) % 3)], table.index)
    return pd.concat({"audio": X.mask(pd.Series(np.arange(ROWS) % 11 == 10, X.index)), "text": text}, axis=1)


def modal(table):
    def voice(*before):
        return make_pipeline(*before, SimpleImputer(), StandardScaler(), LogisticRegression())

    words, cv = make_pipeline(TfidfVectorizer(), LogisticRegression()), models.SpeakerFolds(table, 2)
    branches = {"audio": voice(), "text": words}
    parts = [
        ("audio", voice(models.Modality("audio"))[:-1]),
        ("text", make_pipeline(models.Modality("text"), words[0])),
    ]
    searched = GridSearchCV(voice(), {"logisticregression__C": [0.1, 1]}, cv=cv)
    return {
        "picked": voice(models.Modality("audio")),
        "early": make_pipeline(FeatureUnion(parts), LogisticRegression()),
        "late": models.LateFusion(branches),
        "learned": models.LateFusion(branches, weights="learned", calibrate=True, cv=cv),
        "stacked": models.LateFusion(branches, weights="stacked", rule="product", cv=cv),
        "step": make_pipeline("passthrough", models.LateFusion(branches)),
        "voices": models.LateFusion(
            {
                "audio": make_pipeline(
                    SimpleImputer().set_output(transform="pandas"),
                    models.VoiceNormaliser(table["speaker"]),
                    LogisticRegression(),
                ),
                "text": words,
            }
        ),
        "searched branch": models.LateFusion({"audio": searched, "text": words}),
        "search": GridSearchCV(models.LateFusion(branches, cv=cv), {"rule": ["mean", "product"]}, cv=cv),
    }


@pytest.mark.parametrize("name", "picked early late learned stacked step voices searched_branch search".split())
def test_models_of_modalities_come_back(name, both, table, tmp_path):
    model = modal(table)[name.replace("_", " ")].fit(both, table["emotion"])
    loaded = check_round_trip(model, both, table, tmp_path / "model.ser")
    assert b"toy-1" not in (tmp_path / "model.ser").read_bytes()
    assert loaded.about["columns"][0] == ["audio", "feature_0"]
    assert normalises_speakers(loaded.model) is (name == "voices")


def test_saving_a_late_fusion_leaves_it_as_it_was(both, table, tmp_path):
    model = modal(table)["learned"].fit(both, table["emotion"])
    models.save(model, tmp_path / "model.ser", X=both, table=table)
    assert isinstance(model.cv, models.SpeakerFolds)
    assert not hasattr(model.branches["audio"][-1], "coef_")
    with pytest.raises(ValueError, match="give the folds"):
        models.load(tmp_path / "model.ser").model.fit(both, table["emotion"])


def joined(input_shape, n_classes):
    import keras

    inputs = {name: keras.Input(shape, name=name) for name, shape in input_shape.items()}
    pooled = [keras.layers.GlobalAveragePooling1D()(one) if one.ndim > 2 else one for one in inputs.values()]
    model = keras.Model(inputs, keras.layers.Dense(n_classes, "softmax")(keras.layers.concatenate(pooled)))
    model.compile("adam", "categorical_crossentropy")
    return model


def test_a_network_behind_a_transformer_per_modality_comes_back(both, table, tmp_path):
    first = models.PerModality({"audio": StandardScaler(), "text": models.Vocabulary(min_count=1)})
    model = make_pipeline(first, models.KerasClassifier(joined, epochs=1)).fit(both, table["emotion"])
    check_round_trip(model, both, table, tmp_path / "model.ser")


def test_an_augmented_model_is_saved_without_its_copies(X, table, tmp_path):
    model = models.Augmented(LogisticRegression(), [X + 0.1]).fit(X, table["emotion"])
    loaded = check_round_trip(model, X, table, tmp_path / "model.ser")
    assert loaded.about["model"] == "LogisticRegression"


@pytest.mark.parametrize("normaliser", [models.SpeakerNormaliser, models.VoiceNormaliser])
def test_one_recording_says_nothing_to_a_model_that_compares(normaliser, X, table, tmp_path):
    model = make_pipeline(normaliser(table["speaker"]), LinearSVC()).fit(X, table["emotion"])
    models.save(model, tmp_path / "model.ser", X=X, table=table)
    with pytest.raises(ModelError, match="one recording says nothing"):
        models.load(tmp_path / "model.ser").predict_audio(np.zeros(16000), 16000)


def test_a_speaker_normaliser_forgets_its_speakers_in_the_file_only(X, table, tmp_path):
    model = make_pipeline(models.SpeakerNormaliser(table["speaker"]), LinearSVC()).fit(X, table["emotion"])
    loaded = check_round_trip(model, X, table, tmp_path / "model.ser")
    assert model[0].speakers.equals(table["speaker"])
    assert loaded.model[0].speakers is None
    assert b"toy-1" not in (tmp_path / "model.ser").read_bytes()


def test_regressors_and_arrays_come_back(table, tmp_path):
    X = np.arange(float(2 * ROWS)).reshape(ROWS, 2)
    models.save(Ridge().fit(X, X[:, 0]), tmp_path / "ridge.ser", X=X, table=table)
    loaded = models.load(tmp_path / "ridge.ser")
    assert loaded.classes_ is None
    assert loaded.about["kind"] is None
    assert loaded.predict(X)[5] == pytest.approx(10, abs=0.1)


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_any_labels_and_columns_survive(data, tmp_path_factory):
    text = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
    labels = data.draw(st.lists(text, min_size=2, max_size=4, unique=True) | st.just([0, 1, 2]))
    columns = data.draw(st.lists(text, min_size=1, max_size=4, unique=True))
    rows = 3 * len(labels)
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(rows, len(columns))), columns=columns)
    table = pd.DataFrame({"corpus": ["b", "a"] * (rows // 2) + ["a"] * (rows % 2)}, index=X.index)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, np.tile(np.array(labels), 3))
    path = tmp_path_factory.mktemp("any") / "model.ser"
    models.save(model, path, X=X, table=table)
    loaded = models.load(path)
    assert loaded.classes_.tolist() == sorted(labels)
    assert loaded.about["columns"] == columns
    assert loaded.about["corpus"] == ["a", "b"]
    assert loaded.predict(X).tolist() == model.predict(X).tolist()


def test_the_file_says_what_is_in_it_and_nothing_of_when(X, table, tmp_path):
    model = make_pipeline(StandardScaler(), LinearSVC()).fit(X, table["emotion"])
    for name in ("a", "b"):
        models.save(model, tmp_path / f"{name}.ser", X=X, table=table)
    with zipfile.ZipFile(tmp_path / "a.ser") as archive, zipfile.ZipFile(tmp_path / "b.ser") as other:
        assert archive.namelist() == ["about.json", "model.skops"]
        assert archive.read("about.json") == other.read("about.json")
        about = json.loads(archive.read("about.json"))
    assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert about["model"] == "StandardScaler + LinearSVC"
    assert about["labels"] == LABELS.tolist()
    assert about["utterances"] == ROWS
    assert set(about["versions"]) == {"ser_helpers", "python", "numpy", "scikit-learn", "skops"}


def test_another_version_is_a_warning(X, table, tmp_path, monkeypatch):
    models.save(LinearSVC().fit(X, table["emotion"]), tmp_path / "model.ser", X=X, table=table)
    monkeypatch.setattr(saving.importlib.metadata, "version", lambda library: "99.0")
    with pytest.warns(UserWarning, match=r"was saved with scikit-learn \S+ and is loaded with 99.0: check its"):
        models.load(tmp_path / "model.ser")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (models.LateFusion({}), "LateFusion is not fitted yet: fit it before saving it"),
        (GridSearchCV(LinearSVC(), {"C": [1]}), "GridSearchCV is not fitted yet: fit it before saving it"),
        (models.KerasClassifier(dense), "KerasClassifier is not fitted yet"),
        (make_pipeline(StandardScaler(), models.KerasClassifier(dense)), "KerasClassifier is not fitted yet"),
        (LinearSVC, "A type is no scikit-learn estimator: save the fitted model itself"),
        (LinearSVC(), "does not predict on X .*: give what it was fitted on"),
    ],
)
def test_what_is_not_fitted_is_not_saved(model, words, X, table, tmp_path):
    with pytest.raises(ModelError, match=words):
        models.save(model, tmp_path / "model.ser", X=X, table=table)
    assert not list(tmp_path.iterdir())


SPEAKERS = pd.Series("toy-1", index=[f"toy/{row:02}" for row in range(ROWS)])


def double(values):
    return 2 * values


def lambda_network(input_shape, n_classes):
    import keras

    layers = [keras.Input(input_shape), keras.layers.Lambda(lambda x: 2 * x), keras.layers.Dense(n_classes, "softmax")]
    model = keras.Sequential(layers)
    model.compile("adam", "categorical_crossentropy")
    return model


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (make_pipeline(FunctionTransformer(double), LinearSVC()), r"double.*not known to be safe to load"),
        (
            make_pipeline(FeatureUnion([("a", models.SpeakerNormaliser(SPEAKERS))]), LinearSVC()),
            "no tables or functions",
        ),
        (KNeighborsClassifier(), r"KDTree.*not known to be safe to load"),
        (models.KerasClassifier(lambda_network, epochs=1), "contains a Lambda, which is not known to be safe"),
        (models.LabelEncoded(models.KerasClassifier(dense, epochs=1)), "alone or as the last step of a pipeline"),
    ],
)
def test_what_could_not_be_loaded_is_not_saved(model, words, X, table, tmp_path):
    model.fit(X, table["emotion"].to_numpy())
    with pytest.raises(ModelError, match=words) as error:
        models.save(model, tmp_path / "model.ser", X=X, table=table)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_features_and_table_must_belong_to_the_model(X, table, tmp_path):
    model = LinearSVC().fit(X, table["emotion"])
    with pytest.raises(ModelError, match="does not predict on X"):
        models.save(model, tmp_path / "model.ser", X=X.iloc[:, :3], table=table)
    with pytest.raises(ModelError, match="table lacks utterances of X"):
        models.save(model, tmp_path / "model.ser", X=X, table=table.iloc[:5])


def test_a_place_that_cannot_be_written_is_one_sentence(X, table, tmp_path, monkeypatch):
    model = LinearSVC().fit(X, table["emotion"])
    with pytest.raises(ModelError, match=r"There is no folder .*nowhere: make it first"):
        models.save(model, tmp_path / "nowhere" / "model.ser", X=X, table=table)
    (tmp_path / "folder").mkdir()
    with pytest.raises(ModelError, match=r"folder cannot be written \(Is a directory\)"):
        models.save(model, tmp_path / "folder", X=X, table=table)

    def full(*args):
        raise OSError(28, os.strerror(28))

    path = tmp_path / "model.ser"
    models.save(model, path, X=X, table=table)
    before = path.read_bytes()
    monkeypatch.setattr(saving.Path, "write_bytes", full)
    with pytest.raises(ModelError, match=r"cannot be written \(No space left on device\): make room"):
        models.save(model, path, X=X, table=table)
    assert path.read_bytes() == before
    assert sorted(item.name for item in tmp_path.iterdir()) == ["folder", "model.ser"]


def test_every_class_of_ours_that_is_trusted_exists():
    for name in saving.TYPES:
        module, _, kind = name.rpartition(".")
        if module.startswith("ser_helpers"):
            assert getattr(models, kind).__module__ == module
