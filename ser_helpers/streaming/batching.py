"""Windows of many calls computed together, with a bound on how long one waits for the others."""

import queue
import threading
import time
from concurrent.futures import Future

import numpy as np

from ser_helpers.errors import StreamError
from ser_helpers.streaming.predictions import as_window_model, batched, predict
from ser_helpers.streaming.samples import between


class Batcher:
    """Collects windows from many threads and computes them together.

    A batch starts when it has `max_size` windows, or when its oldest window has waited for `max_wait` seconds. While a
    batch is computed the next one gathers. A Batcher is itself a `WindowModel`: detectors of several calls can share
    one. Use it in a ``with`` statement, or call `close`. Together, a window's probabilities may differ from those
    computed alone in the last digits. Raises ValueError if `max_size` is less than 1, or `max_wait` not from 0 to 60;
    ModelError if the model is not a fitted model of windows. Lesson 12.

    Parameters
    ----------
    model : WindowModel or classifier
        See `Detector`. A ``models.WindowClassifier`` is used with ``batched=True``.
    max_size : int
        Windows in a batch.
    max_wait : float
        Seconds that a window may wait for others; with 0 a batch is what is there.

    Attributes
    ----------
    output_names, classes_ : ndarray of shape (k,)
    windows, batches : int
        Computed so far.

    Examples
    --------
    >>> from ser_helpers.models import window_model
    >>> with Batcher(window_model("linear"), max_wait=0.01) as batcher:
    ...     answers = [batcher.submit(window) for window in np.zeros((3, 48000), np.float32)]
    ...     answers[0].result().shape, batcher.classes_.tolist()
    ((4,), ['angry', 'happy', 'neutral', 'sad'])
    """

    def __init__(self, model, max_size=32, max_wait=0.02):
        if not between(max_size, 1) or not between(max_wait, 0, 60):
            raise ValueError(f"max_size is at least 1 and max_wait from 0 to 60 s, not {max_size!r} and {max_wait!r}.")
        self._model, self._max_size, self._max_wait = batched(as_window_model(model)), max_size, max_wait
        self.output_names = self.classes_ = np.asarray(self._model.output_names)
        self.normaliser_ = getattr(self._model, "normaliser_", None)  # of each voice, so between the two stages
        self.threshold_ = getattr(self._model, "threshold_", 0.0)
        self.windows = self.batches = 0
        self._waiting = queue.SimpleQueue()  # (time, window, future); None after the last
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="batcher", daemon=True)
        self._thread.start()

    def submit(self, window):
        """Hand in one window (samples,); returns a Future of its outputs (k,).

        Of a model that measures each voice against itself, the outputs are its features: `predict_features` follows.
        An error about this window is raised by the Future's ``result()``, and affects no other window. Raises
        StreamError after `close`.
        """
        future = Future()
        with self._closing:  # so that nothing is put into the queue behind the None of `close`
            if self._closed:
                raise StreamError("This Batcher is closed: make a new one.")
            self._waiting.put((time.monotonic(), np.array(window), future))
        return future

    def features(self, windows):
        """The windows themselves, as both stages are computed in the batch; with a ``normaliser_``, their features."""
        return windows if self.normaliser_ is None else np.array(self._together(windows))

    def predict_features(self, X):
        """Outputs (n, k) of windows (n, samples), computed with those of other threads; or of features X."""
        if self.normaliser_ is not None:
            return predict(self._model, X)
        return np.array(self._together(X)).reshape(-1, len(self.output_names))

    def _together(self, windows):
        futures = [self.submit(window) for window in windows]
        return [future.result() for future in futures]

    def close(self):
        """Finish what has been handed in, and take no more; calling it again does nothing."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
        self._thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def _work(self):
        last = False
        while not last:
            batch, last = self._gather()
            # A future that was cancelled while it waited is dropped; from here on it cannot be cancelled.
            batch = [(window, future) for window, future in batch if future.set_running_or_notify_cancel()]
            if batch:
                self._compute(batch)

    def _gather(self):
        """The next batch, and whether it is the last one."""
        batch, due = [], None
        while len(batch) < self._max_size:
            try:
                timeout = None if due is None else max(due - time.monotonic(), 0)
                item = self._waiting.get(timeout=timeout) if timeout != 0 else self._waiting.get_nowait()
            except queue.Empty:
                break
            if item is None:
                return batch, True
            handed_in, window, future = item
            due = due or handed_in + self._max_wait  # of the oldest window, also while the last batch was computed
            batch.append((window, future))
        return batch, False

    def _compute(self, batch):
        self.batches += 1
        self.windows += len(batch)
        try:
            # casting="no": an integer window would silently become float beside others.
            rows = self._predict(np.stack([window for window, _ in batch], casting="no"))
        except BaseException as error:  # SystemExit too: a future without an answer would block its caller for ever
            self._compute_apart(batch, error)
            return
        for row, (_, future) in zip(rows, batch, strict=True):
            future.set_result(np.array(row))

    def _predict(self, windows):
        X = self._model.features(windows)
        return predict(self._model, X) if self.normaliser_ is None else X

    def _compute_apart(self, batch, error):
        """Compute each window of a failed batch alone, so that the error reaches only the caller it concerns."""
        for window, future in batch:
            if len(batch) > 1:
                try:
                    future.set_result(self._predict(window[None])[0])
                    continue
                except BaseException as own:
                    error = own
            future.set_exception(error)
