"""Four views of a frozen encoder, fused, on RAVDESS: 8 classes, unseen actors.

``python -m benchmarks.ravdess_accuracy``. Nothing is fine-tuned: four classifiers on a frozen Whisper-base, and the
product of their probabilities. Three are linear discriminants: on the correlations between channels in layer 2, on
those in layer 3, and on mean and deviation of all layers. The fourth is a logistic regression on the means of layers 2
to 5. First each utterance stands alone; then each speaker is measured against all of their own unlabelled utterances.

Views and shrinkage are one choice for all folds, by the mean score of folds of speakers inside the five training sets.
Each speaker is in four of these, so the scores are slightly optimistic. Both rows go to the leaderboard, in the file
``SER_LEADERBOARD`` or in the build folder.
"""

import time

import pandas as pd
import typer
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_helpers import corpora, features
from ser_helpers.evaluation import cross_validate, leaderboard
from ser_helpers.models import LateFusion, SpeakerNormaliser
from ser_helpers.pretrained import Encoder

NAME = "openai/whisper-base"
CORRELATIONS = Encoder(NAME, layers=[2, 3], pooling="correlation")


def extract(table):
    """A table of modalities: the views of every utterance side by side."""
    correlations, moments = features.extract(table, CORRELATIONS), features.extract(table, Encoder(NAME))
    views = {
        "correlations 2": CORRELATIONS.layer(correlations, 2),
        "correlations 3": CORRELATIONS.layer(correlations, 3),
        "all layers": moments,
        "means": features.extract(table, Encoder(NAME, layers=[2, 3, 4, 5], pooling="mean")),  # from the cache
    }
    return pd.concat(views, axis=1)


def fusion(shrinkage, normaliser=None):
    """The four classifiers and their product; with a `normaliser`, each view first passes through it."""

    def branch(*steps):
        return make_pipeline(*([normaliser] if normaliser else []), *steps)

    # There are more features than utterances: the rotation by PCA keeps every distance, and makes the covariance small.
    lda = (PCA(), LinearDiscriminantAnalysis("lsqr", shrinkage=shrinkage))
    branches = {
        "correlations 2": branch(*lda),  # not standardised: correlations have one scale
        "correlations 3": branch(*lda),
        "all layers": branch(StandardScaler(), *lda),
        "means": branch(StandardScaler(), LogisticRegression(C=0.003, max_iter=500)),
    }
    return LateFusion(branches, rule="product")


def main():
    """Print UAR with its interval, for women and men, and the cost, of both classifiers."""
    table = corpora.load("ravdess")
    started = time.process_time()
    X = extract(table)
    typer.echo(f"features: {time.process_time() - started:.0f} s of processor time (less if they are in the cache)")
    models = {
        "fusion of four": fusion(0.1),
        "fusion of four, speaker-normalised": fusion(0.3, SpeakerNormaliser(table["speaker"])),
    }
    for name, model in models.items():
        started = time.process_time()
        result = cross_validate(model, X, table, name=name, features="whisper-base, moments and correlations")
        genders = result.by("gender")["uar"].round(3).to_dict()
        low, high = result.interval
        seconds = time.process_time() - started
        typer.echo(
            f"{name}: UAR {result.uar:.4f} [{low:.3f} to {high:.3f}], {genders}, {seconds:.0f} s of processor time"
        )
        leaderboard.add(result, lesson="08")


if __name__ == "__main__":
    main()
