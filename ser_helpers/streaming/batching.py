"""Many calls on one device: their windows are computed together, and none waits for more than a moment."""

import copy
import queue
import threading
import time
from concurrent.futures import Future

import numpy as np

from ser_helpers.errors import ModelError, StreamError
from ser_helpers.streaming.estimates import check_model
from ser_helpers.streaming.samples import between


class Batcher:
    """Collects windows from many threads and computes them together.

    A window waits until `most` are there, or until the oldest of them has waited for `wait` seconds. While a batch is
    computed the next one gathers. A Batcher is itself a window model: detectors of several calls can share one.

    Parameters
    ----------
    model : window model
        With ``classes_`` and ``predict_proba(windows)``. A ``WindowClassifier`` is used with ``batched=True``.
    most : int
        Windows in a batch.
    wait : float
        Seconds that a window may wait for others; 0 takes what is there.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    windows, batches : int
        Computed so far.

    Raises
    ------
    ValueError
        If `most` is less than 1, or `wait` not from 0 to 60.
    ModelError
        If the model is none, or not fitted.

    Notes
    -----
    Lesson 12. Use it in a ``with`` statement, or call `close`. Together, a window's probabilities may differ from those
    computed alone in the last digits.

    Examples
    --------
    >>> from ser_helpers.models import window_model
    >>> with Batcher(window_model("linear"), wait=0.01) as batcher:
    ...     answers = [batcher.submit(window) for window in np.zeros((3, 48000), np.float32)]
    ...     answers[0].result().shape, batcher.classes_.tolist()
    ((4,), ['angry', 'happy', 'neutral', 'sad'])
    """

    def __init__(self, model, most=32, wait=0.02):
        if not between(most, 1) or not between(wait, 0, 60):
            raise ValueError(f"most is at least 1 and wait from 0 to 60 s, not {most!r} and {wait!r}.")
        self.classes_ = check_model(model)
        if hasattr(model, "batched"):
            model = copy.copy(model)
            model.batched = True
        self._model, self._most, self._wait = model, most, wait
        self.windows = self.batches = 0
        self._waiting = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="batcher", daemon=True)
        self._thread.start()

    def submit(self, window):
        """Hand in one window (samples,); returns a Future of its probabilities (n_classes,).

        What is wrong with this window is raised by the Future's ``result()``, and touches no other window. Raises
        StreamError after `close`.
        """
        future = Future()
        with self._closing:
            if self._closed:
                raise StreamError("This Batcher is closed: make a new one.")
            self._waiting.put((time.monotonic(), np.array(window), future))
        return future

    def predict_proba(self, windows):
        """Probabilities (n, n_classes) of windows (n, samples), computed with whatever else has been handed in."""
        futures = [self.submit(window) for window in windows]
        return np.array([future.result() for future in futures]).reshape(-1, len(self.classes_))

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
            batch = [(window, future) for window, future in batch if future.set_running_or_notify_cancel()]
            if batch:
                self._compute(batch)

    def _gather(self):
        """The next batch, and whether it is the last one."""
        batch, due = [], None
        while len(batch) < self._most:
            try:
                timeout = None if due is None else max(due - time.monotonic(), 0)
                item = self._waiting.get(timeout=timeout) if timeout != 0 else self._waiting.get_nowait()
            except queue.Empty:
                break
            if item is None:
                return batch, True
            handed_in, window, future = item
            due = due or handed_in + self._wait
            batch.append((window, future))
        return batch, False

    def _compute(self, batch):
        self.batches += 1
        self.windows += len(batch)
        try:
            rows = self._predict(np.stack([window for window, _ in batch], casting="no"))
        except BaseException as error:
            self._apart(batch, error)
            return
        for row, (_, future) in zip(rows, batch, strict=True):
            future.set_result(np.array(row))

    def _predict(self, windows):
        rows = np.asarray(self._model.predict_proba(windows), float)
        if rows.shape != (len(windows), len(self.classes_)):
            raise ModelError(
                f"The model must give {len(self.classes_)} probabilities for each window: the shape"
                f" {(len(windows), len(self.classes_))}, not {rows.shape}."
            )
        return rows

    def _apart(self, batch, error):
        """Compute each window of a batch that failed alone, so that the error reaches only whom it concerns."""
        for window, future in batch:
            if len(batch) > 1:
                try:
                    future.set_result(self._predict(window[None])[0])
                    continue
                except BaseException as own:
                    error = own
            future.set_exception(error)
