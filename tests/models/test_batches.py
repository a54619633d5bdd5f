"""Training in batches: what it learns, from which rows, and how much of a table it holds in memory."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier, SGDRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_helpers import evaluation
from ser_helpers.evaluation.cross_validation import join
from ser_helpers.models import InBatches, WindowClassifier, load, save


@pytest.fixture
def classifier():
    return InBatches(SGDClassifier(loss="log_loss", alpha=0.01, average=True), batch_size=7, random_state=0)


def as_rows(X):
    """A table as `features.extract` gives one that is on disk."""
    return pd.Series(list(X.to_numpy(np.float32)), X.index, dtype=object)


def test_it_learns_what_the_estimator_in_memory_learns(toy):
    X, table = toy(noise=1.5)
    n = len(X)
    memory = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced"))
    settings = {"learning_rate": "invscaling", "eta0": 0.1, "average": True, "random_state": 0}
    batches = InBatches(SGDClassifier(loss="log_loss", alpha=10 / n, **settings), 100, 10, random_state=0)
    same = memory.fit(X, table.emotion).predict(X) == batches.fit(as_rows(X), table.emotion).predict(as_rows(X))
    assert same.mean() > 0.9
    ridge = make_pipeline(StandardScaler(), Ridge(alpha=10)).fit(X, table.arousal).predict(X)
    batches = InBatches(SGDRegressor(alpha=10 / n, **settings | {"eta0": 0.02}), 200, 50, random_state=0)
    np.testing.assert_allclose(batches.fit(as_rows(X), table.arousal).predict(as_rows(X)), ridge, atol=0.1)


def test_rows_arrays_and_tables_are_the_same(toy, classifier):
    X, table = toy()
    classifier.estimator.set_params(random_state=0)
    results = [classifier.fit(x, table.emotion).predict_proba(x) for x in (as_rows(X), X, X.to_numpy(np.float32))]
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_rare_classes_count_as_much_unless_told_otherwise():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(600, 1)).astype(np.float32), np.array(["rare", *["often"] * 5] * 100)
    X[y == "rare"] += 1
    found = {}
    for weight in ("balanced", None):
        model = InBatches(SGDClassifier(loss="log_loss", random_state=0), class_weight=weight, random_state=0)
        found[weight] = (model.fit(X, y).predict(X) == "rare")[y == "rare"].mean()
    assert found["balanced"] > 0.5 > found[None]


def test_the_scaler_sees_training_rows_only(toy, classifier, monkeypatch):
    """Every fold's scaler has the mean and deviation of the fold's training rows, however large the test rows are."""
    X, table = toy()
    fitted, fit = [], InBatches.fit
    monkeypatch.setattr(InBatches, "fit", lambda self, X, y: fitted.append((self, X.index)) or fit(self, X, y))
    evaluation.cross_validate(classifier, as_rows(X), table, n_splits=3, progress=False)
    assert len(fitted) == 3
    for model, rows in fitted:
        assert set(table.speaker[rows]) < set(table.speaker)
        np.testing.assert_allclose(model.scaler_.mean_, X.loc[rows].mean(), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(model.scaler_.scale_, X.loc[rows].std(ddof=0), rtol=1e-4)


def test_memory_holds_a_batch_however_large_the_file_is(toy, tmp_path):
    """240 rows of 40,000 numbers, 38 MB on disk, are checked, joined, trained on and predicted in 12 MB."""
    _, table = toy(speakers=6, per_speaker=40)
    file = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", np.float32, (len(table), 40_000))
    file[:] = np.random.default_rng(0).random(40_000)
    file[:, 0] = np.arange(len(table)) % 4
    file[7] = np.nan
    file.flush()
    X = pd.Series(list(np.asarray(np.load(tmp_path / "X.npy", mmap_mode="r"))), table.index, dtype=object)
    model = InBatches(SGDClassifier(loss="log_loss"), epochs=1, batch_size=5)
    tracemalloc.start()
    with pytest.warns(UserWarning, match=r"1 utterance\(s\) have no features"):
        result = evaluation.cross_validate(model, X, table, n_splits=2, progress=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(result.predictions) == len(table) - 1
    assert peak < 12e6


def test_a_model_of_windows_and_one_of_utterances_are_saved_and_loaded(toy, classifier, tmp_path):
    X, table = toy()
    rows = as_rows(X)
    windows = WindowClassifier("quick", classifier).fit_features(rows, table.emotion)
    for model in (windows, classifier.fit(rows, table.emotion)):
        save(model, tmp_path / "model.ser", X=rows, table=table)
        loaded = load(tmp_path / "model.ser")
        if model is windows:
            np.testing.assert_array_equal(loaded.predict_features(rows), windows.predict_features(rows))
        else:
            np.testing.assert_array_equal(loaded.predict_proba(rows), model.predict_proba(rows))


def test_an_empty_row_is_found_among_others(toy):
    X, table = toy()
    X.iloc[3] = np.nan
    with pytest.warns(UserWarning, match="have no features and are left out: 'toy/003'"):
        kept, _ = join(as_rows(X), table, "emotion")
    assert kept.index.equals(X.index.delete(3))
