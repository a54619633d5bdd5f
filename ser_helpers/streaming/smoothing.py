"""What is shown: probabilities that move slowly, and an emotion that changes only when another is clearly ahead."""

import numpy as np

from ser_helpers.errors import StreamError
from ser_helpers.streaming.samples import between


class Smoother:
    """Exponential smoothing of probabilities, then hysteresis on the emotion that is shown (Lesson 12).

    Parameters
    ----------
    classes : sequence of str
        The emotions, in the order of the probabilities.
    weight : float
        The share of the newest window in the smoothed probabilities, above 0; 1 means no smoothing.
    margin : float
        How far another emotion's smoothed probability must be ahead before it is shown; 0 means no hysteresis.
    patience : int
        After so many windows without speech in a row everything is forgotten.

    Examples
    --------
    >>> smoother = Smoother(["angry", "sad"], weight=0.5, margin=0.2)
    >>> [smoother.update(p)[1] for p in ([0.9, 0.1], [0.1, 0.9], [0.1, 0.9])]
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
        """Forget what was heard and shown."""
        self._smoothed = self._shown = None
        self._silent = 0

    def update(self, probabilities):
        """Take the probabilities (k,) of a window; return the smoothed ones (k,) and the emotion to show.

        Raises StreamError, and forgets nothing, when they are not k finite numbers.
        """
        new = np.asarray(probabilities, float)
        if new.shape != (len(self._classes),) or not np.isfinite(new).all():
            raise StreamError(f"A window has {len(self._classes)} finite probabilities, not {probabilities!r}.")
        old = new if self._smoothed is None else self._smoothed
        self._smoothed = old + self._weight * (new - old)
        self._silent = 0
        ahead = int(np.argmax(self._smoothed))
        if self._shown is None or self._smoothed[ahead] - self._smoothed[self._shown] > self._margin:
            self._shown = ahead
        return self._smoothed, self._classes[self._shown]

    def skip(self):
        """A window without speech: what was heard before is remembered, for a while."""
        self._silent += 1
        if self._silent >= self._patience:
            self.reset()
