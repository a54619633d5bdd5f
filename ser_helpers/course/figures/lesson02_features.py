"""Figures of Lesson 02: the five blocks of the 193-d vector, prosody, formants, and the cycles of the voice."""

from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.fft import idct

from ser_helpers.plots.sound import draw_levels, level_spectrogram
from ser_helpers.plots.style import ACCENT, ACCENT_2, INK, QUIET, colour, finish, new_figure

NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
BANDS = ("0–0.2", "0.2–0.4", "0.4–0.8", "0.8–1.6", "1.6–3.2", "3.2–6.4", "6.4–11")
CHORDS = ("fifths x", "fifths y", "minor thirds x", "minor thirds y", "major thirds x", "major thirds y")
BLOCKS = {"MFCC": 40, "chroma": 12, "mel": 128, "contrast": 7, "tonnetz": 6}
FLOOR = -80
"""dB below the loudest at which mel power is drawn black."""


def mel(values, seconds, subtitle=None):
    """Power in mel bands over time, and its mean: `values` is (128, frames), from 0 to 11,025 Hz."""
    import librosa

    hz = librosa.mel_frequencies(len(values) + 2, fmax=11025)[1:-1]
    marks = (250, 500, 1000, 2000, 4000, 8000)
    ticks = np.interp(marks, hz, np.arange(len(hz))), [f"{mark:,}" for mark in marks]
    loudest = max(values.max(), 1e-20)
    decibels, means = (
        10 * np.log10(np.maximum(power / loudest, 10 ** (FLOOR / 10))) for power in (values, values.mean(axis=1))
    )
    axes = {"ylabel": "centre of the band (Hz)", "unit": "dB", "ticks": ticks, "limits": (FLOOR, 0)}
    return _over_time(decibels, means, seconds, "Mel: 128 bands, narrow where the ear is fine", subtitle, **axes)


def mfcc(values, seconds, subtitle=None):
    """MFCC over time, and their means: `values` is (40, frames). The first is not drawn: it would drown the others."""
    shown = values[1:]
    numbers = (2, 10, 20, 30, 40)
    top = np.percentile(np.abs(shown), 99)
    title = "MFCC 2 to 40 draw the spectrum's shape; the first is its level"
    axes = {"ylabel": "coefficient", "unit": "no unit", "limits": (-top, top)}
    ticks = [number - 2 for number in numbers], numbers
    return _over_time(shown, shown.mean(axis=1), seconds, title, subtitle, ticks=ticks, colours="RdBu_r", **axes)


def chroma(values, seconds, subtitle=None):
    """Strength of the twelve notes over time, and the means: `values` is (12, frames), from 0 to 1."""
    means = values.mean(axis=1)
    title = "Chroma: twelve notes in one octave, and hiss counts as much as a voice"
    axes = {"ylabel": "note", "unit": "0 to 1", "ticks": (range(12), NOTES), "limits": (0, 1)}
    return _over_time(values, means, seconds, title, subtitle, **axes)


def contrast(values, seconds, subtitle=None):
    """Peaks over valleys in seven bands, and the means: `values` is (7, frames), in dB; colours suit the lower six."""
    title = "Spectral contrast: how far peaks rise above valleys"
    limits = np.percentile(values[:6], [1, 99])
    axes = {"ylabel": "band (kHz)", "unit": "dB", "ticks": (range(7), BANDS), "limits": limits}
    return _over_time(values, values.mean(axis=1), seconds, title, subtitle, **axes)


def tonnetz(values, seconds, subtitle=None):
    """Coordinates on the map of chords over time, and the means: `values` is (6, frames)."""
    top, means = np.abs(values).max(), values.mean(axis=1)
    title = f"Tonnetz: on its map of chords, the mean stays within {np.abs(means).max():.2f} of 0"
    axes = {"ylabel": "coordinate", "unit": "no unit", "ticks": (range(6), CHORDS), "limits": (-top, top)}
    return _over_time(values, means, seconds, title, subtitle, colours="RdBu_r", **axes)


def _over_time(values, means, seconds, title, subtitle, ylabel, unit, ticks, limits, colours="magma"):
    """A picture of `values` (rows, frames), and beside it, on the same rows, their `means` over time."""
    import matplotlib as mpl

    fig, (left, right) = new_figure(1, 2, width_ratios=(3, 1))
    rows, (low, high) = len(values), limits
    style = {"cmap": mpl.colormaps[colours].resampled(35), "aspect": "auto", "interpolation": "nearest"}
    extent = (0, seconds, -0.5, rows - 0.5)
    image = left.imshow(values, vmin=low, vmax=high, origin="lower", extent=extent, **style)
    left.grid(False)
    left.set(xlabel="time (s)", ylabel=ylabel)
    left.set_yticks(*ticks)
    fig.colorbar(image, ax=left, label=unit, pad=0.01)
    baseline = low if high == 0 else 0
    right.stairs(means, np.arange(rows + 1) - 0.5, baseline=baseline, orientation="horizontal", fill=True, color=ACCENT)
    right.set_yticks(ticks[0], [])
    right.set(xlabel=f"mean ({unit})", ylim=(-0.5, rows - 0.5))
    right.locator_params(axis="x", nbins=3)
    right.grid(False, axis="y")
    alt = f"Left: {rows} rows of colours over {seconds:.1f} seconds. Right: one bar per row, its mean. {title}."
    return finish(fig, title, alt, subtitle)


def cepstrum(frame, keep=40, subtitle=None):
    """One frame of a log-mel spectrum (128,), in dB, and what its first `keep` MFCC say of it."""
    import librosa

    coefficients = librosa.feature.mfcc(S=frame[:, np.newaxis], n_mfcc=128)[:, 0]
    few, most = (idct(np.where(np.arange(128) < count, coefficients, 0), norm="ortho") for count in (3, keep))
    fig, ax = new_figure()
    ax.plot(frame, color="#b9c4d6", linewidth=4)
    ax.plot(few, color=ACCENT_2, linewidth=2, linestyle="--")
    ax.plot(most, color=ACCENT, linewidth=2)
    lines = {"the frame": "#7d8aa0", f"{keep} coefficients": ACCENT, "3 coefficients": ACCENT_2}
    for place, (words, ink) in enumerate(lines.items()):
        ax.text(
            0.99, 0.97 - 0.085 * place, words, color=ink, weight="bold", ha="right", va="top", transform=ax.transAxes
        )
    ax.set(xlabel="mel band", ylabel="level (dB)", xlim=(0, 127))
    kept = 1 - np.var(frame - most) / np.var(frame)
    title = f"{keep} numbers for {len(frame)}: they keep {100 * kept:.0f} % of the ups and downs"
    alt = f"A jagged spectrum; the curve of {keep} coefficients follows it closely, that of 3 is one broad hill."
    return finish(fig, title, alt, subtitle)


def changes(before, after, spread, subtitle=None):
    """How far each of the 193 numbers moves, in standard deviations; bars are cut at 3.

    `before` (193,) is the vector of a recording, `after` maps each change to the vector it then has, and `spread`
    (193,) are the standard deviations over a corpus. Numbers that stand still there, as mel bands above half the
    recordings' sample rate do, are left out.
    """
    moves = movement(before, after, spread)
    fig, axes = new_figure(len(after), sharex=True, sharey=True, squeeze=False)
    edges = np.cumsum([0, *BLOCKS.values()])
    for ax, (what, row) in zip(axes.flat, moves.items(), strict=True):
        ax.vlines(np.arange(len(row)), 0, row.clip(-3, 3), color=ACCENT, linewidth=1.6)
        ax.vlines(edges[1:-1] - 0.5, -3.2, 3.2, color=QUIET, linewidth=0.8)
        ax.set_title(f"{what}: {row.abs().mean():.2f} on average", loc="left", fontsize=12)
        ax.set(ylim=(-3.2, 3.2), yticks=(-2, 0, 2), xlim=(-2, 200))
        ax.grid(False, axis="x")
    axes[len(after) // 2, 0].set_ylabel("movement (standard deviations)")
    axes[-1, 0].set_xticks((edges[:-1] + edges[1:]) / 2 + (0, 0, 0, -7, 4), list(BLOCKS))
    axes[-1, 0].set_xlabel("number in the vector, block by block")
    means = moves.abs().mean()
    title = f"{moves.columns[0].capitalize()}, the vector moves by {means.iloc[0]:.2f} standard deviations"
    alt = "How far each of 193 numbers moves. " + "; ".join(f"{what}: {m:.2f}" for what, m in means.items()) + "."
    return finish(fig, title, alt, subtitle)


def movement(before, after, spread):
    """The differences that `changes` draws, as a DataFrame (193, changes) in standard deviations."""
    before, spread = np.asarray(before), pd.Series(np.asarray(spread))
    largest = spread.groupby(np.repeat(list(BLOCKS), list(BLOCKS.values()))).transform("max")
    spread = spread.where(spread > 1e-6 * largest)
    return pd.DataFrame({what: (np.asarray(vector) - before) / spread for what, vector in after.items()})


def contours(curves, subtitle=None):
    """Pitch and energy over time, of two emotions, the lower first: ``{emotion: (times, f0, times, energy)}``.

    Times are in seconds, `f0` in Hz (0 where unvoiced), `energy` in dB.
    """
    fig, (top, bottom) = new_figure(2, sharex=True, height_ratios=(3, 2))
    pitches, peaks = [], []
    for place, (emotion, (pitch_times, f0, energy_times, energy)) in enumerate(curves.items()):
        ink = QUIET if emotion == "neutral" else colour(emotion)
        top.plot(pitch_times, np.where(f0 > 0, f0, np.nan), color=ink, linewidth=2.5)
        bottom.plot(energy_times, energy, color=ink, linewidth=2)
        style = {"color": ink, "weight": "bold", "size": 13, "ha": "right", "transform": top.transAxes}
        top.text(0.99, 0.65 + 0.18 * place, emotion, **style)
        pitches.append(np.mean(12 * np.log2(f0[f0 > 0])))
        peaks.append(energy.max())
    top.set_yscale("log", base=2)
    top.set_yticks([100, 200, 400], ["100", "200", "400"])
    top.set(ylabel="F0 (Hz)", ylim=(75, 600))
    bottom.set(xlabel="time (s)", ylabel="energy (dB)", ylim=(0, None), xlim=(0, None))
    low, high = curves
    above, louder = np.diff(pitches)[0], np.diff(peaks)[0]
    title = f"{high.capitalize()} lies {above:.0f} semitones above {low}, and peaks {louder:.0f} dB higher"
    alt = f"Two panels over time, pitch in Hz and energy in dB, with a line for {low} and one for {high}. {title}."
    return finish(fig, title, alt, subtitle)


def deltas(values, number=2, hop=0.010, subtitle=None):
    """One MFCC over time, and its delta below: `values` is (frames, 120), 40 coefficients and their two derivatives."""
    fig, (top, bottom) = new_figure(2, sharex=True)
    time = np.arange(len(values)) * hop
    curve, slope = values[:, number - 1], values[:, 40 + number - 1]
    top.plot(time, curve, color=ACCENT_2, linewidth=2)
    top.plot(time, np.where(slope > 0, curve, np.nan), color=ACCENT, linewidth=2)
    bottom.fill_between(time, 0, slope, where=slope > 0, color=ACCENT, linewidth=0)
    bottom.fill_between(time, 0, slope, where=slope <= 0, color=ACCENT_2, linewidth=0)
    top.set(ylabel=f"MFCC {number}", xlim=(0, time[-1]))
    bottom.set(xlabel="time (s)", ylabel=f"delta of MFCC {number}")
    alt = f"Above, coefficient {number} over time; below, its delta, which is positive where the curve above rises."
    return finish(fig, "A delta is the slope: above 0 where the curve rises", alt, subtitle)


def formants(y, sr, times, tracks, subtitle=None):
    """The first formants as dots on the spectrogram: `tracks` is a list of (times,) in Hz."""
    fig, ax = new_figure()
    image = draw_levels(ax, level_spectrogram(y, sr, 0.006, columns=300), len(y) / sr, sr / 2000)
    for number, track in enumerate(tracks, start=1):
        khz = np.asarray(track, dtype=float) / 1000
        ax.plot(times, khz, "o", color="#63cbf0", markeredgecolor="white", markeredgewidth=0.6, markersize=5)
        ax.text(len(y) / sr * 1.01, np.nanmedian(khz), f"F{number}", color=INK, weight="bold", va="center", size=13)
    ax.set(xlabel="time (s)", ylabel="frequency (kHz)", ylim=(0, 5))
    fig.colorbar(image, ax=ax, label="level (dB below the loudest)", pad=0.05)
    alt = f"A spectrogram up to 5 kHz with rows of dots along its bright bands: the first {len(tracks)} formants."
    return finish(fig, "Formants follow the mouth: bright bands bend from vowel to vowel", alt, subtitle)


def cycles(y, sr, pulses, subtitle=None):
    """A few cycles of a voice, with the length and the height of each: `pulses` are seconds, one per cycle."""
    lengths = np.diff(pulses)
    heights = np.array([np.abs(y[round(start * sr) : round(end * sr)]).max() for start, end in pairwise(pulses)])
    jitter, shimmer = (100 * np.abs(np.diff(sizes)).mean() / sizes.mean() for sizes in (lengths, heights))
    first = max(0, int((pulses[0] - 0.002) * sr))
    piece = y[first : int((pulses[-1] + 0.002) * sr)]
    size = np.abs(piece).max()
    fig, ax = new_figure()
    ax.plot(1000 * (first + np.arange(len(piece))) / sr, piece / size, color=ACCENT, linewidth=2)
    for start, length, height in zip(1000 * pulses, 1000 * lengths, heights / size, strict=False):
        ax.plot([start, start + length], [height, height], color=ACCENT_2, linewidth=2)
        ax.text(start + length / 2, 1.12, f"{length:.2f}", ha="center", size=11)
        ax.text(start + length / 2, -1.22, f"{height:.2f}", ha="center", size=11, color=ACCENT_2)
    ax.vlines(1000 * pulses, -1.1, 1.1, color=QUIET, linestyle=":")
    ax.text(1000 * pulses[0] - 0.3, 1.12, "ms", ha="right", size=11)
    ax.text(1000 * pulses[0] - 0.3, -1.22, "height", ha="right", size=11, color=ACCENT_2)
    ax.set(xlabel="time (ms)", ylabel="amplitude (largest = 1)", ylim=(-1.35, 1.3))
    title = f"{len(lengths)} cycles: neighbours differ by {jitter:.1f} % in length, {shimmer:.1f} % in height"
    alt = f"A waveform of {len(lengths)} similar cycles, parted by dotted lines, with the length and height of each."
    return finish(fig, title, alt, subtitle)
