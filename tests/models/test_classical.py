"""The scores that the course promises for classical models, on real speech."""

import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from ser_helpers import corpora, features
from ser_helpers.errors import CorpusMissing
from ser_helpers.evaluation import cross_validate
from ser_helpers.models import SpeakerNormaliser


@pytest.mark.real
@pytest.mark.slow
def test_compare_and_a_linear_svm_reach_what_lesson_05_says():
    try:
        table = corpora.load("ravdess")
    except CorpusMissing as missing:
        pytest.skip(str(missing))
    X = features.extract(table, "compare", progress=False)
    steps = StandardScaler(), LinearSVC(C=1e-4)
    plain = cross_validate(make_pipeline(*steps), X, table, jobs=2, progress=False)
    own = cross_validate(make_pipeline(SpeakerNormaliser(table.speaker), *steps), X, table, jobs=2, progress=False)
    assert plain.uar >= 0.57
    assert own.uar >= 0.65
    assert plain.verdict == own.verdict == "No speaker crosses between training and test."
