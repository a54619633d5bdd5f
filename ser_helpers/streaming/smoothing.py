"""Which emotion is shown: smoothed probabilities, and a change only when another emotion is clearly ahead."""

import numpy as np

from ser_helpers.streaming.samples import between


class Smoother:
    """Exponential smoothing of probabilities, then hysteresis on the emotion that is shown (Lesson 12).

    `weight` is the share of the newest window in the smoothed probabilities, above 0; 1 means no smoothing. Another
    emotion is shown when its smoothed probability is ahead by more than `margin`; 0 means no hysteresis. After
    `patience` windows without speech in a row the state is reset.

    >>> smoother = Smoother(["angry", "sad"], weight=0.5, margin=0.2)
    >>> [smoother.update(np.array(p))[1] for p in ([0.9, 0.1], [0.1, 0.9], [0.1, 0.9])]
    ['angry', 'angry', 'sad']
    """

    def __init__(self, classes, weight=0.5, margin=0.1, patience=5):
        if not between(weight, 0, 1) or weight == 0:
            raise ValueError(f"weight is a share above 0 and up to 1, not {weight!r}.")
        if not between(margin, 0, 1) or margin == 1:
            raise ValueError(f"margin is a difference of probabilities from 0 to below 1, not {margin!r}.")
        self._classes = list(classes)
        self._weight, self._margin, self._patience = weight, margin, patience
        self.reset()

    def reset(self):
        """Forget all windows so far."""
        self._smoothed = self._shown = None
        self._silent = 0

    def update(self, probabilities):
        """Take the probabilities (k,) of a window; return the smoothed ones (k,) and the emotion to show."""
        old = probabilities if self._smoothed is None else self._smoothed
        self._smoothed = old + self._weight * (probabilities - old)
        self._silent = 0
        ahead = int(np.argmax(self._smoothed))
        if self._shown is None or self._smoothed[ahead] - self._smoothed[self._shown] > self._margin:
            self._shown = ahead
        return self._smoothed, self._classes[self._shown]

    def skip(self):
        """A window without speech: the state is kept for `patience` of them."""
        self._silent += 1
        if self._silent >= self._patience:
            self.reset()
