"""Explanations: what a fitted model looked at when it decided. They are about the model, not about the person.

`attention`, `cross_attention`, `grad_cam` and `integrated_gradients` ask a Keras network about one example;
`band_occlusion` asks any model by switching parts of a spectrogram off; `shap_values` shares the score of a linear or
tree model out among features; `sanity` checks that an explanation depends on what was learnt. ``plots`` draws them.

>>> import numpy as np, pandas as pd
>>> levels = pd.Series([np.eye(8), np.ones((8, 8))] * 4)
>>> from sklearn.linear_model import LogisticRegression
>>> from sklearn.pipeline import make_pipeline
>>> from sklearn.preprocessing import FunctionTransformer
>>> flat = FunctionTransformer(lambda X: np.array([levels.ravel() for levels in X]))
>>> model = make_pipeline(flat, LogisticRegression()).fit(levels, ["sad", "happy"] * 4)
>>> band_occlusion(model, levels[1], bands=2, segments=2, samples=50, fill=0.0).shape
(2, 2)
"""

from ser_helpers.evaluation.explain_cross import cross_attention
from ser_helpers.evaluation.explain_features import feature_words, shap_values
from ser_helpers.evaluation.explain_networks import attention, grad_cam, integrated_gradients, network_input
from ser_helpers.evaluation.explain_perturbation import band_occlusion, sanity

__all__ = [
    "attention",
    "band_occlusion",
    "cross_attention",
    "feature_words",
    "grad_cam",
    "integrated_gradients",
    "network_input",
    "sanity",
    "shap_values",
]
