"""Lesson 01's figures say in their titles what was measured."""

import numpy as np
import pandas as pd
import pytest

from ser_helpers.course.figures import lesson01_sampling

SR = 16_000
Y = np.sin(2 * np.pi * 200 * np.arange(2 * SR) / SR)


def mel(hz):
    return 2595 * np.log10(1 + hz / 700)


FIGURES = {
    "zoom": lambda: lesson01_sampling.zoom(Y, SR, "a tone"),
    "alias": lambda: lesson01_sampling.alias(5000, 3000, 8000),
    "kept": lambda: lesson01_sampling.kept(Y, SR),
    "stairs": lambda: lesson01_sampling.stairs(Y, np.round(Y), SR, 1),
    "one_frame": lambda: lesson01_sampling.one_frame(Y[:400], np.hanning(400), SR),
    "mel_scale": lambda: lesson01_sampling.mel_scale(mel),
    "two_views": lambda: lesson01_sampling.two_views(np.zeros((201, 50)), np.zeros((40, 50)), 1, 8000),
}


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_every_figure_has_a_title_an_alt_text_and_labelled_axes(draw):
    fig = draw()
    assert len(fig.get_suptitle()) > 20
    assert len(fig.get_label()) > 20
    assert all(ax.get_xlabel() or ax.get_label() == "<colorbar>" for ax in fig.axes)
    assert fig.axes[0].get_ylabel()


def test_the_last_panel_of_zoom_draws_every_sample():
    fig = lesson01_sampling.zoom(Y, SR)
    dots = fig.axes[2].lines[1].get_xdata()
    assert len(dots) == 32
    assert np.allclose(np.diff(dots), 1000 / SR)


@pytest.mark.parametrize(("hz", "share"), [(1000, "a telephone 100%"), (6000, "a telephone 0%")])
def test_kept_counts_the_energy_below_each_limit(hz, share):
    y = np.sin(2 * np.pi * hz * np.arange(SR) / SR)
    assert share in lesson01_sampling.kept(y, SR).get_suptitle()
    assert "16 kHz keeps 100%" in lesson01_sampling.kept(y, SR).get_suptitle()


def test_kept_greys_what_a_file_cannot_hold():
    noise = np.random.default_rng(0).normal(size=48_000)
    assert "not in this file" in [text.get_text() for text in lesson01_sampling.kept(noise, 16_000).axes[0].texts]
    assert "not in this file" not in [text.get_text() for text in lesson01_sampling.kept(noise, 48_000).axes[0].texts]


def test_levels_counts_the_actors_who_are_louder_in_anger():
    table = pd.DataFrame(
        {
            "speaker": ["toy-1", "toy-1", "toy-2", "toy-2"],
            "emotion": ["neutral", "angry"] * 2,
            "level": [-40.0, -20, -30, -34],
        }
    )
    assert (
        "Strong anger is louder for 1 of 2 actors, by 8 dB on average" in lesson01_sampling.levels(table).get_suptitle()
    )


def test_the_mel_figure_measures_its_narrowest_and_widest_band():
    inverse = [700 * (10 ** (edge / 2595) - 1) for edge in np.linspace(0, mel(8000), 11)]
    title = lesson01_sampling.mel_scale(mel).get_suptitle()
    assert f"from {inverse[1]:.0f} Hz to {8000 - inverse[-2]:.0f} Hz" in title
