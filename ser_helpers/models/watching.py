"""What watches a network while it trains: a clock and a progress bar."""

import time

import keras
import numpy as np
from tqdm import tqdm


class EpochSeed(keras.callbacks.Callback):
    """Seeds a stretch of epochs, and on other backends than TensorFlow each epoch, whatever was done before it."""

    def __init__(self, seed):
        super().__init__()
        self._seed = seed

    def set(self, epoch):
        """Seed Python, NumPy, Keras and its backend for `epoch`."""
        keras.utils.set_random_seed(int(np.random.SeedSequence([self._seed, epoch]).generate_state(1)[0]))

    def on_epoch_begin(self, epoch, logs=None):
        """Seed this epoch; TensorFlow needs no such help within a stretch, and would lose its compiled kernels."""
        if keras.backend.backend() != "tensorflow":
            self.set(epoch)


class TrainingClock(keras.callbacks.Callback):
    """Counts the seconds spent in training steps."""

    def __init__(self):
        super().__init__()
        self._seconds = 0.0

    def on_train_batch_begin(self, batch, logs=None):
        """Start the clock."""
        self._begun = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        """Stop it."""
        self._seconds += time.perf_counter() - self._begun

    def take(self):
        """The seconds since the last call."""
        seconds, self._seconds = self._seconds, 0.0
        return seconds


class TrainingBar(keras.callbacks.Callback):
    """A bar that counts epochs and shows the loss and UAR or CCC, those of the validation data where there are some."""

    def __init__(self, epochs, done, disable):
        super().__init__()
        self._bar = tqdm(desc="training", total=epochs, initial=done, unit="epoch", leave=False, disable=disable)

    def on_epoch_end(self, epoch, logs=None):
        """Move the bar on."""
        shown = {
            name.replace("val_", "unseen "): logs[name]
            for name in ("loss", "uar", "ccc", "val_loss", "val_uar", "val_ccc")
            if name in logs
        }
        self._bar.set_postfix({name: f"{value:.2f}" for name, value in shown.items()}, refresh=False)
        self._bar.update()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._bar.close()
