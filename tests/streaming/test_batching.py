import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from ser_helpers.errors import ModelError, StreamError
from ser_helpers.models import WindowClassifier
from ser_helpers.streaming import Batcher


class Loudness:
    """A window model that notes the size of each batch, refuses NaN, and can be held up."""

    classes_ = np.array(["loud", "soft"])

    def __init__(self):
        self.sizes, self.may_run = [], threading.Event()
        self.may_run.set()

    def predict_proba(self, windows):
        self.may_run.wait()
        self.sizes.append(len(windows))
        if np.isnan(windows).any():
            raise ValueError("a window of NaN")
        loud = np.abs(windows).mean(axis=1)
        return np.stack([loud, 1 - loud], axis=1)


@pytest.fixture
def model():
    return Loudness()


def windows(n):
    return np.linspace(0, 1, n)[:, None] * np.ones(10)


def test_each_caller_gets_their_own_answer(model):
    with Batcher(model, max_size=8, max_wait=0.01) as batcher, ThreadPoolExecutor(16) as callers:
        answers = list(callers.map(lambda window: batcher.submit(window).result(30), windows(64)))
    np.testing.assert_allclose([answer[0] for answer in answers], np.linspace(0, 1, 64))
    assert batcher.windows == sum(model.sizes) == 64
    assert batcher.batches == len(model.sizes)
    assert max(model.sizes) <= 8


def test_what_gathers_during_a_batch_is_the_next_one(model):
    model.may_run.clear()
    with Batcher(model, max_size=32, max_wait=0) as batcher:
        first = batcher.submit(windows(1)[0])
        while not first.running():
            time.sleep(0.001)
        futures = [batcher.submit(window) for window in windows(20)]
        model.may_run.set()
        assert len([future.result(30) for future in futures]) == 20
    assert model.sizes == [1, 20]


def test_a_full_batch_does_not_wait(model):
    with Batcher(model, max_size=4, max_wait=60) as batcher:
        assert batcher.predict_features(windows(8)).shape == (8, 2)
    assert model.sizes == [4, 4]


def test_one_window_waits_no_longer_than_it_may(model):
    with Batcher(model, max_size=32, max_wait=0.05) as batcher:
        start = time.monotonic()
        batcher.submit(windows(1)[0]).result(30)
        assert time.monotonic() - start > 0.045


@pytest.mark.parametrize("bad", [np.full(10, np.nan), np.ones(7)], ids=["NaN", "another length"])
def test_an_error_reaches_only_its_own_caller(model, bad):
    with Batcher(model, max_size=3, max_wait=60) as batcher:
        good, wrong, other = (batcher.submit(window) for window in (np.ones(10), bad, np.zeros(10)))
        assert good.result(30)[0] == 1
        assert other.result(30)[0] == 0
        if np.isnan(bad).any():
            with pytest.raises(ValueError, match="a window of NaN"):
                wrong.result(30)
        else:
            assert wrong.result(30)[0] == 1


def test_closing_finishes_what_was_handed_in_and_takes_no_more(model):
    batcher = Batcher(model, max_size=32, max_wait=60)
    futures = [batcher.submit(window) for window in windows(5)]
    batcher.close()
    batcher.close()
    assert all(future.done() for future in futures)
    with pytest.raises(StreamError, match="make a new one"):
        batcher.submit(np.ones(10))


def test_a_cancelled_window_is_not_computed(model):
    batcher = Batcher(model, max_size=32, max_wait=60)
    kept, given_up = (batcher.submit(np.ones(10)) for _ in range(2))
    assert given_up.cancel()
    batcher.close()
    assert kept.result()[0] == 1
    assert model.sizes == [1]


def test_a_window_classifier_is_computed_in_batches():
    class Fitted:
        classes_ = np.array(["a", "b"])

        def predict_proba(self, X):
            sizes.append(len(X))
            return np.full((len(X), 2), 0.5)

    sizes = []
    alone = WindowClassifier(np.std, None)
    alone.classifier_ = Fitted()
    with Batcher(alone, max_size=4, max_wait=60) as batcher:
        assert batcher.predict_features(np.zeros((4, 48000), np.float32)).shape == (4, 2)
    assert sizes == [4]
    assert not alone.batched


@pytest.mark.parametrize(
    "settings",
    [{"max_size": 0}, {"max_size": "8"}, {"max_wait": -1}, {"max_wait": np.inf}],
)
def test_senseless_settings_are_refused(model, settings):
    with pytest.raises(ValueError, match="at least"):
        Batcher(model, **settings)


@pytest.mark.parametrize(
    "rows", [None, np.zeros((5, 2)), np.zeros((1, 3))], ids=["nothing", "five rows", "three columns"]
)
def test_a_model_that_answers_something_else_leaves_nobody_waiting(model, rows):
    model.predict_proba = lambda windows: rows
    with Batcher(model, max_size=3, max_wait=60) as batcher:
        for future in [batcher.submit(window) for window in windows(3)]:
            with pytest.raises(ModelError, match="must give 2 finite numbers for each window"):
                future.result(30)


def test_a_model_that_ends_its_thread_leaves_nobody_waiting(model):
    def leave(windows):
        raise SystemExit(1)

    model.predict_proba = leave
    with Batcher(model, max_size=2, max_wait=60) as batcher:
        for future in [batcher.submit(window) for window in windows(2)]:
            with pytest.raises(SystemExit):
                future.result(30)


def test_integers_are_not_taken_for_floats_because_others_in_the_batch_are():
    alone = WindowClassifier(np.std, None)
    alone.classifier_ = Loudness()
    with Batcher(alone, max_size=2, max_wait=60) as batcher:
        good = batcher.submit(np.zeros(48000, np.float32))
        wrong = batcher.submit(np.full(48000, 3000, np.int16))
        assert good.result(30).shape == (2,)
        with pytest.raises(ModelError, match="divide integers by 32768"):
            wrong.result(30)


def test_the_caller_may_reuse_an_array_at_once(model):
    window = np.ones(10)
    with Batcher(model, max_size=2, max_wait=60) as batcher:
        first = batcher.submit(window)
        window[:] = 0
        batcher.submit(window)
        assert first.result(30)[0] == 1


@pytest.mark.parametrize("model", [LogisticRegression, LogisticRegression(), WindowClassifier("quick", None)])
def test_what_is_not_a_fitted_model_is_refused(model):
    with pytest.raises(ModelError, match="needs a fitted model"):
        Batcher(model)
