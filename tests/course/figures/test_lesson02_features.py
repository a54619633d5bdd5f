"""Lesson 02's figures say in their titles what was measured."""

import numpy as np
import pytest

from ser_helpers import features
from ser_helpers.course.figures import lesson02_features

SR = 16_000
Y = np.sin(2 * np.pi * 200 * np.arange(SR) / SR)
STEPS = np.arange(50) / 50


def curve(hz, db):
    return STEPS, np.full(50, hz), STEPS, np.full(50, db)


FIGURES = {
    "mel": lambda: lesson02_features.mel(np.ones((128, 9)), 1.0, "a tone"),
    "mfcc": lambda: lesson02_features.mfcc(np.ones((40, 9)), 1.0),
    "chroma": lambda: lesson02_features.chroma(np.ones((12, 9)), 1.0),
    "contrast": lambda: lesson02_features.contrast(np.ones((7, 9)), 1.0),
    "tonnetz": lambda: lesson02_features.tonnetz(np.ones((6, 9)), 1.0),
    "cepstrum": lambda: lesson02_features.cepstrum(np.sin(np.arange(128.0))),
    "changes": lambda: lesson02_features.changes(np.zeros(193), {"louder": np.ones(193)}, np.ones(193)),
    "contours": lambda: lesson02_features.contours({"calm": curve(100.0, 50.0), "angry": curve(200.0, 70.0)}),
    "deltas": lambda: lesson02_features.deltas(features.mfcc(Y, SR, deltas=True)),
    "formants": lambda: lesson02_features.formants(Y, SR, [0.1, 0.2], [[500, 520], [1500, 1480]]),
    "cycles": lambda: lesson02_features.cycles(Y, SR, np.arange(0.1, 0.14, 0.005)),
}


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_every_figure_has_a_title_an_alt_text_and_labelled_axes(draw):
    fig = draw()
    assert len(fig.get_suptitle().strip()) > 20
    assert len(fig.get_label()) > 20
    panels = [ax for ax in fig.axes if ax.get_label() != "<colorbar>"]
    assert panels[-1].get_xlabel()
    assert panels[len(panels) // 2 - 1].get_ylabel()


@pytest.mark.parametrize("block", ["chroma", "contrast", "tonnetz"])
def test_the_bars_are_the_means_over_time(block):
    rows = lesson02_features.BLOCKS[block]
    values = np.random.default_rng(0).uniform(size=(rows, 30))
    bars = getattr(lesson02_features, block)(values, 1.0).axes[1].patches[0].get_data().values
    assert np.allclose(bars, values.mean(axis=1))


def test_mel_bars_are_decibels_of_the_mean_power():
    values = np.ones((128, 10))
    values[5] = np.r_[np.zeros(9), 1]
    bars = lesson02_features.mel(values, 1.0).axes[1].patches[0].get_data().values
    assert bars[4] == pytest.approx(0)
    assert bars[5] == pytest.approx(-10)


def test_all_128_coefficients_redraw_the_frame_whole():
    frame = np.random.default_rng(0).normal(size=128)
    assert "they keep 100 % of the ups and downs" in lesson02_features.cepstrum(frame, keep=128).get_suptitle()
    assert "they keep 100 %" not in lesson02_features.cepstrum(frame, keep=40).get_suptitle()


def test_movement_is_in_standard_deviations_and_leaves_out_numbers_that_stand_still():
    spread = np.full(193, 2.0)
    spread[179] = 1e-9
    moves = lesson02_features.movement(np.zeros(193), {"up": np.ones(193)}, spread)["up"]
    assert moves.drop(179).eq(0.5).all()
    assert np.isnan(moves[179])


def test_contours_compares_voiced_frames_only():
    low, high = curve(100.0, 50.0), curve(200.0, 74.0)
    high[1][:20] = 0
    title = lesson02_features.contours({"neutral": low, "happy": high}).get_suptitle()
    assert title.strip() == "Happy lies 12 semitones above neutral, and peaks 24 dB higher"


def test_cycles_measures_length_and_height():
    pulses = np.cumsum([0.1, 0.004, 0.006, 0.004, 0.006])
    loud = np.full(SR, 0.5)
    loud[round(pulses[1] * SR) : round(pulses[2] * SR)] = 1
    title = lesson02_features.cycles(loud, SR, pulses).get_suptitle()
    assert "4 cycles: neighbours differ by 40.0 % in length" in title
    assert f"{100 * (1 / 3) / 0.625:.1f} % in height" in title
