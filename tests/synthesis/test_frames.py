import numpy as np
import pytest

from ser_helpers.errors import CorpusError
from ser_helpers.synthesis.frames import FREQUENCIES, STATEMENTS, carrier, sentences


def test_ravdess_statements_come_first():
    assert (
        sentences()[:2]
        == list(STATEMENTS.values())
        == ["Kids are talking by the door.", "Dogs are sitting by the door."]
    )
    assert len(sentences()) == 11


@pytest.mark.parametrize("text", sentences())
def test_frames_are_speech(text):
    frames = carrier(text)
    n = len(frames.f0)
    assert frames.harmonics.shape == frames.noise.shape == (n, len(FREQUENCIES))
    assert 1 < n * 0.0125 < 2
    voiced = frames.f0 > 0
    assert 0.8 < voiced.mean() < 0.97
    assert frames.f0[voiced].min() > 60
    assert frames.f0[voiced].max() < 400
    assert frames.harmonics[voiced][:, :50].mean() > frames.harmonics[voiced][:, 200:].mean() + 2


def test_a_statement_is_a_number_or_its_text():
    assert carrier(2) is carrier("Dogs are sitting by the door.")


@pytest.mark.parametrize("unknown", [0, 3, "Cats are walking by the door.", None])
def test_an_unknown_statement_is_answered_with_the_known_ones(unknown):
    with pytest.raises(CorpusError, match=r"1 \('Kids are talking by the door.'\).*after lunch"):
        carrier(unknown)


def test_frequencies_reach_half_the_sample_rate():
    np.testing.assert_allclose(FREQUENCIES[[0, 1, -1]], [0, 20, 8000])
