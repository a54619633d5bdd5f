"""Train the ready models that are part of the package again, for maintainers.

``python tools/ready_models.py`` trains them in a temporary folder, in a few minutes, and says how far their outputs are
from those of the stored ones; it fails if that is more than rounding. ``--store`` replaces the stored ones. "real"
needs RAVDESS in ``SER_DATA_HOME``; without it, it stays as it is.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from ser_helpers import audio, models, recipe
from ser_helpers.models import ready_models
from ser_helpers.podcast import sentence_model
from ser_helpers.pretrained import laughter
from ser_helpers.synthesis.voices import say

READY = (("linear", "wide"), ("linear", "phone"), ("cnn", "wide"))
FILES = {sentence_model: "dimensions-*.skops", laughter: "laughter-*.pt"}
TOLERANCE = 1e-3  # of a probability, or of a scale from 1 to 5


def outputs():
    """What each model says of the same sound: {name: array}."""
    y, sr = say(actor=3, emotion="angry")
    window = np.resize(y, 48000).astype(np.float32)
    said = {"-".join(one): ready_models.window_model(*one).predict_proba(window[None]) for one in READY}
    if "ravdess" in recipe.here():
        said["real"] = models.window_model("real").predict_proba(window[None])
    said["dimensions"] = sentence_model.dimension_model().predict([window], ["How nice to see you."])
    detector = laughter.LaughterDetector("stand-in", smoothing=None)
    said["laughter"] = detector.probabilities(audio.resample(y, sr, laughter.SAMPLE_RATE)).to_numpy()
    return said


def main():
    """Train, compare, and store if that was asked for."""
    stored = outputs() if "--store" not in sys.argv else {}
    places = {ready_models: ready_models.SHIPPED, sentence_model: sentence_model.SHIPPED, laughter: laughter.SHIPPED}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SER_CACHE_HOME"] = folder
        ready_models._load.cache_clear()
        laughter._network.cache_clear()
        for module in places:
            module.SHIPPED = Path(folder) / "nothing"
        real, ready_models.REAL = ready_models.REAL, Path(folder) / "real.ser"
        if "ravdess" in recipe.here():
            model, result, X = recipe.train(["ravdess"])
            models.save(model, ready_models.REAL, X=X, table=result.table, card=model.card)
        fresh = outputs()
        for name, said in stored.items():
            difference = np.abs(said - fresh[name]).max()
            print(f"{name}: outputs differ by {difference:.2g}")
            if difference > TOLERANCE:
                sys.exit(f"The stored {name} is not what this code trains: python tools/ready_models.py --store")
        if "--store" in sys.argv:
            checkpoints = Path(folder) / "checkpoints"
            if ready_models.REAL.is_file():
                shutil.copy(ready_models.REAL, real)
            for name, band in READY:
                (trained,) = (path for path in checkpoints.glob(f"window-{name}-{band}-*") if path.is_dir())
                shutil.copytree(trained, places[ready_models] / f"{name}-{band}", dirs_exist_ok=True)
            for module, pattern in FILES.items():
                (trained,) = checkpoints.glob(pattern)
                shutil.copy(trained, places[module])


if __name__ == "__main__":
    main()
