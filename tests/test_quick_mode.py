"""Quick mode caps training in one place, and what it computes is stored nowhere."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from ser_helpers import corpora, evaluation, quick_mode
from ser_helpers.course import banner, runner
from ser_helpers.errors import SerError
from ser_helpers.evaluation import leaderboard


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setenv("SER_QUICK", "1")


@pytest.mark.parametrize(("value", "on"), [(None, False), ("", False), ("0", False), ("1", True)])
def test_the_environment_decides(monkeypatch, value, on):
    monkeypatch.delenv("SER_QUICK", raising=False)
    if value is not None:
        monkeypatch.setenv("SER_QUICK", value)
    assert quick_mode.is_on() is on
    assert quick_mode.limited("epochs", 100) == (quick_mode.LIMITS["epochs"] if on else 100)
    with quick_mode.off():
        assert quick_mode.limited("epochs", 100) == 100
    assert quick_mode.is_on() is on


@pytest.mark.usefixtures("quick")
def test_folds_and_seeds_are_few_and_no_leaderboard_is_written(tmp_path):
    table = corpora.load("synthetic-small")
    X = table[["valence", "arousal"]]
    result = evaluation.cross_validate(LogisticRegression(), X, table, n_splits=4, progress=False)
    assert len(result.folds) == 2
    assert len(evaluation.repeat(LogisticRegression(), X, table, seeds=range(5), progress=False)) == 2
    assert leaderboard.add(result, "04", tmp_path / "leaderboard.csv")["lesson"] == "04"
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("quick")
def test_networks_train_little_and_their_fits_are_kept_apart(tmp_path, monkeypatch):
    keras = pytest.importorskip("keras")
    from ser_helpers.models import KerasClassifier

    def build(shape, n_classes):
        network = keras.Sequential([keras.Input(shape), keras.layers.Dense(n_classes, "softmax")])
        network.compile("adam", "categorical_crossentropy")
        return network

    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path))
    X, y = np.eye(4, dtype="float32"), ["sad", "calm"] * 2
    model = KerasClassifier(build, epochs=5, cache=True)
    assert len(model.fit(X, y).history_) == quick_mode.LIMITS["epochs"]
    with quick_mode.off():
        assert len(model.fit(X, y).history_) == 5
    assert len(list(tmp_path.glob("checkpoints/*.npz"))) == 2


@pytest.mark.usefixtures("quick")
def test_the_banner_says_so_and_nothing_is_stored(monkeypatch, capsys):
    monkeypatch.setenv("SER_CORPUS", "synthetic-small")
    banner("04")
    expected = "QUICK MODE (SER_QUICK): at most 2 epochs, 2 folds, 2 seeds, 8 speakers, 6 transcribed utterances."
    assert capsys.readouterr().out.startswith(expected)
    with pytest.raises(SerError, match="unset SER_QUICK"):
        runner.run_lessons(keep=runner.store)
