"""SHAP values against their formulas, and features in words."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from ser_helpers import features
from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation import explain
from ser_helpers.models import LabelEncoded

pytest.importorskip("shap")


@pytest.fixture(params=[2, 3])
def data(request):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(60, 4)), columns=list("abcd")).rename(index="u{}".format)
    y = np.array(["calm", "angry", "sad"])[pd.qcut(X.a + X.b / 2, request.param, labels=False)]
    return X, y


def test_a_linear_models_values_are_weight_times_distance_from_the_mean(data):
    X, y = data
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    found = explain.shap_values(model, X[:5], "calm", background=X)
    scaled = (X - X.mean()) / X.std(ddof=0)
    calm = list(model.classes_).index("calm")
    weights = model[-1].coef_[calm] if len(model.classes_) == 3 else model[-1].coef_[0] * (1 if calm else -1)
    np.testing.assert_allclose(found, scaled[:5] * weights, atol=1e-6)
    assert found.columns.tolist() == list("abcd")
    assert found.index.tolist() == X.index[:5].tolist()


def test_a_forests_values_add_up_to_its_probability(data):
    X, y = data
    model = RandomForestClassifier(20, max_depth=3, random_state=0).fit(X, y)
    found = explain.shap_values(model, X, "angry")
    moved = model.predict_proba(X)[:, list(model.classes_).index("angry")] - found.sum(axis=1)
    assert np.ptp(moved) < 1e-6
    assert found.abs().mean().idxmax() == "a"


def test_boosted_trees_values_add_up_to_their_margin(data):
    xgboost = pytest.importorskip("xgboost")
    X, y = data
    model = LabelEncoded(xgboost.XGBClassifier(n_estimators=5, max_depth=2)).fit(X, y)
    found = explain.shap_values(model, X, "calm")
    margin = model.estimator_.predict(X, output_margin=True)
    calm = list(model.classes_).index("calm")
    margin = margin[:, calm] if margin.ndim == 2 else margin * (1 if calm else -1)
    assert np.ptp(margin - found.sum(axis=1)) < 1e-3


def test_models_of_other_kinds_are_refused(data):
    X, y = data
    with pytest.raises(EvaluationError, match="not for GaussianNB"):
        explain.shap_values(GaussianNB().fit(X, y), X, "calm")
    with pytest.raises(EvaluationError, match="does not know 'bored'"):
        explain.shap_values(LogisticRegression().fit(X, y), X, "bored")
    with pytest.raises(EvaluationError, match="needs the same ones"):
        explain.shap_values(make_pipeline(PolynomialFeatures(), LogisticRegression()).fit(X, y), X, "calm")


def test_every_egemaps_feature_has_words_of_its_own():
    words = [explain.feature_words(name) for name in features.names("egemaps")]
    assert len(set(words)) == 88
    assert not [text for text in words if "_" in text or "sma3" in text or "stddev" in text]


def test_other_names_stay_as_they_are():
    assert explain.feature_words("chroma_C#") == "chroma_C#"
