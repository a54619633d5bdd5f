"""Train the ready models that are part of the package again, for maintainers.

``python tools/ready_models.py`` trains them in a temporary folder, in a few minutes, and says how far their outputs are
from those of the stored ones; it fails if that is more than rounding. ``--store`` replaces the stored ones. "real"
needs RAVDESS in ``SER_DATA_HOME``; without it, it stays as it is.
"""

import dataclasses
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from ser_helpers import audio, models, recipe, workflow
from ser_helpers.corpora.schema import DIMENSIONS, make_table
from ser_helpers.evaluation import cross_validate
from ser_helpers.models import ready_models
from ser_helpers.podcast import sentence_model
from ser_helpers.pretrained import laughter
from ser_helpers.synthesis.voices import say, speaker

READY = (("linear", "wide"), ("linear", "phone"), ("cnn", "wide"))
FILES = {sentence_model: "dimensions-*.skops", laughter: "laughter-*.pt"}
TOLERANCE = 1e-3  # of a probability, or of a scale from 1 to 5
VOICES = "synthetic voices"


def outputs():
    """What each model says of the same sound: {name: array}."""
    y, sr = say(actor=3, emotion="angry")
    window = np.resize(y, 48000).astype(np.float32)
    said = {"-".join(one): ready_models.window_model(*one).predict_proba(window[None]) for one in READY}
    for band in ready_models.BANDS:
        said[f"dimensions-{band}"] = ready_models.window_dimensions(band=band).predict(window[None])
    if "ravdess" in recipe.here():
        said["real"] = models.window_model("real").predict_proba(window[None])
    said["dimensions"] = sentence_model.dimension_model().predict([window], ["How nice to see you."])
    detector = laughter.LaughterDetector("stand-in", smoothing=None)
    said["laughter"] = detector.probabilities(audio.resample(y, sr, laughter.SAMPLE_RATE)).to_numpy()
    return said


def write_dimensions(band, path):
    """Judge ridge regression of valence, arousal and dominance by voice, fit it on all voices, and write it to `path`.

    The windows are those of the emotion models, and those of other emotions too.
    """
    parts = Parallel(ready_models.JOBS)(delayed(_voice)(voice, band) for voice in ready_models.VOICES)
    rows = [row for _, rows in parts for row in rows]
    table = make_table(rows)
    X = pd.DataFrame(np.concatenate([X for X, _ in parts]), table.index)
    ridge = make_pipeline(StandardScaler(), Ridge(alpha=10))
    about = {"name": "ridge regression", "features": "quick", "progress": False}
    with threadpool_limits(1):
        results = [cross_validate(ridge, X, table, target=name, **about) for name in DIMENSIONS]
        model = _regressor(band, ridge).fit_features(X, table[list(DIMENSIONS)])
    card = models.ModelCard.of(results, workflow.SECONDS, date="2026-11-22")
    card = dataclasses.replace(card, licences={VOICES: "MIT"})
    models.save(model, path, X=X.to_numpy(), table=table, card=card)


def _voice(voice, band):
    """The features of the windows of one voice, and their rows of an utterance table."""
    with threadpool_limits(1):
        windows, dimensions = zip(*ready_models.turns_of(voice, band), strict=True)
        X = _regressor(band, None).features(np.array(windows))
    about = {"path": os.devnull, "corpus": VOICES, "language": "en", "emotion": "none", "speaker": f"voice {voice}"}
    about["gender"] = speaker(voice, ready_models.CAST).gender
    rows = [
        {"utterance": f"voice {voice}/{turn}", **about, **dict(zip(DIMENSIONS, values, strict=True))}
        for turn, values in enumerate(dimensions)
    ]
    return X, rows


def _regressor(band, ridge):
    parameters = ready_models.PHONE_BAND if band == "phone" else None
    return models.WindowRegressor("quick", ridge, DIMENSIONS, parameters=parameters)


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
        ready_models.SHIPPED.mkdir()
        for band in ready_models.BANDS:
            write_dimensions(band, ready_models.SHIPPED / f"dimensions-{band}.ser")
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
            for path in ready_models.SHIPPED.glob("*.ser"):
                shutil.copy(path, places[ready_models])
            for module, pattern in FILES.items():
                (trained,) = checkpoints.glob(pattern)
                shutil.copy(trained, places[module])


if __name__ == "__main__":
    main()
