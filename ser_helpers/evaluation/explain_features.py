"""Which features of a table decided; use it through ``evaluation.explain``."""

import re

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation.explain_networks import column_of
from ser_helpers.models import LabelEncoded

_CURVES = {
    "F0semitoneFrom27.5Hz": "pitch",
    "loudness": "loudness",
    "spectralFlux": "spectral flux",
    "jitterLocal": "jitter",
    "shimmerLocaldB": "shimmer",
    "HNRdBACF": "harmonics-to-noise",
    "logRelF0-H1-H2": "harmonics H1-H2",
    "logRelF0-H1-A3": "harmonics H1-A3",
    "alphaRatio": "alpha ratio",
    "hammarbergIndex": "Hammarberg index",
    "slope0-500": "slope 0-500 Hz",
    "slope500-1500": "slope 500-1500 Hz",
}
_FUNCTIONALS = {
    "amean": "mean",
    "stddevNorm": "variation",
    "percentile20.0": "20th percentile",
    "percentile50.0": "median",
    "percentile80.0": "80th percentile",
    "pctlrange0-2": "range",
    "meanRisingSlope": "rising slope",
    "stddevRisingSlope": "rising slope, variation",
    "meanFallingSlope": "falling slope",
    "stddevFallingSlope": "falling slope, variation",
}
_WHOLE = {
    "loudnessPeaksPerSec": "loudness peaks per second",
    "VoicedSegmentsPerSec": "voiced segments per second",
    "MeanVoicedSegmentLengthSec": "voiced segments, mean length",
    "StddevVoicedSegmentLengthSec": "voiced segments, variation of length",
    "MeanUnvoicedSegmentLength": "unvoiced segments, mean length",
    "StddevUnvoicedSegmentLength": "unvoiced segments, variation of length",
    "equivalentSoundLevel_dBp": "sound level",
}


def feature_words(name):
    """An eGeMAPS feature's name in words; any other name as it is. Lesson 07.

    >>> feature_words("F0semitoneFrom27.5Hz_sma3nz_amean"), feature_words("slopeV0-500_sma3nz_amean")
    ('pitch, mean', 'slope 0-500 Hz (voiced), mean')
    """
    parts = re.fullmatch(r"(.+)_sma3(?:nz)?_(.+)", name)
    if not parts:
        return _WHOLE.get(name, name)
    curve, functional = parts.groups()
    where = ""
    voicing = re.match(r"(alphaRatio|hammarbergIndex|slope|spectralFlux|mfcc\d)(U?V)", curve)
    if voicing:
        where = " (voiced)" if voicing[2] == "V" else " (unvoiced)"
        curve = curve.replace(voicing[2], "", 1)
    formant = re.fullmatch(r"(F\d)(frequency|bandwidth|amplitude)(?:LogRelF0)?", curve)
    curve = f"{formant[1]} {formant[2]}" if formant else _CURVES.get(curve, curve.replace("mfcc", "MFCC "))
    return f"{curve}{where}, {_FUNCTIONALS.get(functional, functional)}"


def shap_values(model, X, label, background=None):
    """How much each feature of each utterance pushed the score of `label` up or down (SHAP values).

    The values of one utterance add up to its score minus the mean score over the background.

    Parameters
    ----------
    model : fitted scikit-learn classifier, or a Pipeline that ends in one
        A linear model (``LogisticRegression``, ``LinearSVC``) or trees (``XGBClassifier`` in ``models.LabelEncoded``,
        ``RandomForestClassifier``). Scalers before it must keep the columns.
    X : DataFrame (utterances, features)
    label : str
        One of the model's classes.
    background : DataFrame, optional
        What "no information" means for a linear model: the training set, by default `X`. Trees remember theirs.

    Returns
    -------
    DataFrame like `X`
        In units of the model's score before any softmax or sigmoid (log-odds); for a random forest, probability.

    Raises
    ------
    EvaluationError
        If the model is of another kind, or does not know the label.

    Notes
    -----
    Lundberg and Lee, "A unified approach to interpreting model predictions", NeurIPS 2017, arXiv:1705.07874; computed
    by the library shap. For a linear model the value is weight × (feature - its mean in the background). Lesson 07.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = pd.DataFrame({"pitch": [0.0, 1.0, 2.0, 3.0], "noise": [1.0, 0.0, 1.0, 0.0]})
    >>> model = LogisticRegression().fit(X, ["calm", "calm", "angry", "angry"])
    >>> np.allclose(shap_values(model, X, "calm").pitch, model.coef_[0, 0] * (X.pitch - 1.5))
    True
    """
    check_is_fitted(model)
    column = column_of(model, None, label)
    final = model[-1] if isinstance(model, Pipeline) else model
    final = final.estimator_ if isinstance(final, LabelEncoded) else final
    scaled, background = _scaled(model, X), _scaled(model, X if background is None else background)
    if scaled.shape != X.shape:
        raise EvaluationError(
            f"The pipeline turns {X.shape[1]} features into {scaled.shape[1]}: SHAP needs the same ones."
        )
    values = _explained(final, scaled, background)
    if values.ndim == 3:
        values = values[:, :, column]
    elif column == 0:
        values = -values  # with two classes, shap explains the second
    return pd.DataFrame(values, index=X.index, columns=X.columns)


def _scaled(model, X):
    """`X` as the last step of the model gets it."""
    if isinstance(model, Pipeline) and len(model) > 1:
        X = model[:-1].transform(X)
    return np.asarray(X, dtype=float)


def _explained(model, X, background):
    """SHAP values (utterances, features), with one more axis for classes where there are more than two."""
    import shap

    if hasattr(model, "coef_") and len(model.coef_) in (1, len(model.classes_)):
        masker = shap.maskers.Independent(background, max_samples=len(background))
        return np.asarray(shap.LinearExplainer(model, masker).shap_values(X))
    if hasattr(model, "tree_") or hasattr(model, "estimators_") or hasattr(model, "get_booster"):
        return np.asarray(shap.TreeExplainer(model).shap_values(X))
    raise EvaluationError(
        f"SHAP is computed for linear models and for trees, not for {type(model).__name__}: try LogisticRegression."
    )
