import hashlib

import numpy as np
import pytest

from ser_helpers.errors import CorpusError
from ser_helpers.synthesis.calls import every_sentence
from ser_helpers.synthesis.dialogue import every_line
from ser_helpers.synthesis.vocoder import FREQUENCIES, HOP, SAMPLE_RATE, STATEMENTS, STORE, carrier, sentences


def test_ravdess_statements_come_first():
    assert (
        sentences()[:2]
        == list(STATEMENTS.values())
        == ["Kids are talking by the door.", "Dogs are sitting by the door."]
    )
    assert sentences()[10] == "Ha ha ha ha ha."
    english = list(dict.fromkeys([*every_line(), *every_sentence()]))
    assert sentences()[11 : 11 + len(english)] == english


def test_frames_are_speech():
    for text in sentences():
        frames = carrier(text)
        n = len(frames.f0)
        assert frames.harmonics.shape == frames.noise.shape == (n, len(FREQUENCIES))
        assert 0.4 < n * HOP / SAMPLE_RATE < 3.5, text
        voiced = frames.f0 > 0
        assert 0.6 < voiced.mean() < 0.99, text
        assert frames.f0[voiced].min() > 60
        assert frames.f0[voiced].max() < 400
        assert frames.harmonics[voiced][:, :50].mean() > frames.harmonics[voiced][:, 200:].mean() + 2, text


def test_a_statement_is_a_number_or_its_text():
    assert carrier(2) is carrier("Dogs are sitting by the door.")


@pytest.mark.parametrize("unknown", [0, 3, "Cats are walking by the door.", None])
def test_an_unknown_statement_is_answered_with_the_known_ones(unknown):
    with pytest.raises(CorpusError, match=r"1 \('Kids are talking by the door.'\); 2 .*synthesis\.sentences\(\)"):
        carrier(unknown)


def test_frequencies_reach_half_the_sample_rate():
    np.testing.assert_allclose(FREQUENCIES[[0, 1, -1]], [0, 20, 8000])


def test_the_eleven_sentences_are_what_they_always_were():
    assert hashlib.sha256(STORE.read_bytes()).hexdigest().startswith("1d712bf68655a967")
