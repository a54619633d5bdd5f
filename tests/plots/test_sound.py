"""Players, waveforms and spectrograms: what is drawn is what is in the samples."""

import numpy as np
import pytest

from ser_helpers import corpora
from ser_helpers.plots import sound

SR = 8000


@pytest.fixture
def tone():
    return 0.1 * np.sin(2 * np.pi * 1000 * np.arange(SR) / SR)


def test_a_player_is_made_for_sound_and_for_silence(tone):
    for y in (tone, np.zeros(100)):
        assert "<audio" in sound.play(y, SR)._repr_html_()


def test_a_quiet_sound_stays_quiet_when_asked(tone):
    loud, quiet = sound.play(tone, SR).data, sound.play(tone, SR, normalise=False).data
    peaks = [np.abs(np.frombuffer(wav[44:], dtype="<i2")).max() for wav in (loud, quiet)]
    assert peaks == [32767, pytest.approx(3277, abs=2)]


def test_the_caption_names_corpus_speaker_and_emotion():
    utterance = corpora.load("synthetic-small").iloc[-1]
    assert sound.caption(utterance).startswith("synthetic speech: synthetic-04, surprised")
    assert sound.caption(utterance.replace({"synthetic": "ravdess"})).startswith("real speech")


@pytest.mark.parametrize("draw", [sound.waveform, sound.spectrogram])
def test_figures_have_title_axes_and_alt_text(draw, tone):
    fig = draw(tone, SR, "A tone of 1 kHz", subtitle="made here", alt="One tone, drawn.")
    assert "A tone of 1 kHz" in fig.get_suptitle()
    assert fig.get_label() == "One tone, drawn."
    assert fig.axes[0].get_xlabel() == "time (s)"
    assert fig.axes[0].get_ylabel() in ("amplitude", "frequency (kHz)")
    assert draw(tone, SR, "A tone").get_label().endswith("A tone")


def test_the_brightest_row_is_the_tone(tone):
    levels = sound.level_spectrogram(tone, SR, window=0.05, columns=50)
    hz = np.linspace(0, SR / 2, len(levels))
    assert levels.shape[1] == 50
    assert hz[levels[:, 25].argmax()] == pytest.approx(1000, abs=SR / 512)
    assert levels.max() == 0
    assert levels.min() >= sound.FLOOR


def test_silence_is_drawn_dark():
    assert np.all(sound.level_spectrogram(np.zeros(SR), SR, 0.025, 10) == sound.FLOOR)


def test_each_panel_has_its_own_window_and_all_one_scale(tone):
    fig = sound.spectrograms({"short": (tone, SR), "long": (tone, SR)}, "Windows", window=[0.005, 0.1], top=2000)
    short, long = (ax.images[0].get_array() for ax in fig.axes[:2])
    spread = [(panel[:, panel.shape[1] // 2] > -20).sum() / len(panel) for panel in (short, long)]
    assert spread[0] > 5 * spread[1]
    assert [ax.get_ylim() for ax in fig.axes[:2]] == [(0, 2), (0, 2)]
    assert fig.axes[2].get_ylabel() == "level (dB below the loudest)"
