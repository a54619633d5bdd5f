"""Listen and look: a player, waveforms and spectrograms for any array of samples."""

import matplotlib as mpl
import numpy as np
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from ser_helpers.plots.style import ACCENT, GRID, finish, new_figure

FLOOR = -70
"""dB below the loudest point at which a spectrogram is black."""


def play(y, sr, normalise=True):
    """A player for `y`, as the last expression of a cell. Every lesson.

    `y` are mono samples (n,) at `sr` Hz; browsers play 3000 Hz and more. With `normalise` the loudest sample is played
    at full scale; without, samples must be within ±1 and quiet sounds stay quiet.

    >>> "<audio" in play(np.zeros(800), 8000)._repr_html_()
    True
    """
    from IPython.display import Audio

    return Audio(np.asarray(y), rate=int(sr), normalize=normalise and bool(np.any(y)))


def caption(utterance):
    """Who says what and how, for a figure's subtitle: `utterance` is one row of an utterance table. Lessons 00 and 01.

    >>> from ser_helpers import corpora
    >>> caption(corpora.load("synthetic-small").iloc[0])
    'synthetic speech: synthetic-01, neutral, “Kids are talking by the door.”'
    """
    kind = "synthetic speech" if utterance.corpus.startswith("synthetic") else "real speech"
    return f"{kind}: {utterance.speaker}, {utterance.emotion}, “{utterance.text}”"


def waveform(y, sr, title, subtitle=None, alt=None, colour=ACCENT):
    """Amplitude over time of mono samples `y` (n,) at `sr` Hz. Lesson 01.

    `title` is a sentence, `subtitle` says where the sound comes from, as by `caption`, and `alt` what the picture
    shows. `colour` is an emotion's where there is an emotion.

    >>> waveform(np.sin(np.arange(800)), 8000, "A tone").axes[0].get_xlabel()
    'time (s)'
    """
    return waveforms({"": (y, sr)}, title, subtitle, alt, [colour])


def waveforms(sounds, title, subtitle=None, alt=None, colours=None):
    """Several waveforms, one above the other, on the same axes: `sounds` is ``{label: (y, sr)}``. Lessons 00 and 01.

    >>> tone = np.sin(np.arange(800))
    >>> len(waveforms({"loud": (tone, 8000), "soft": (tone / 2, 8000)}, "Two tones").axes)
    2
    """
    fig, axes = new_figure(len(sounds), sharex=True, sharey=True, squeeze=False)
    for ax, (label, (y, sr)), colour in zip(axes.flat, sounds.items(), colours or [ACCENT] * len(sounds), strict=True):
        ax.plot(np.arange(len(y)) / sr, y, color=colour, linewidth=0.7)
        ax.set_ylabel("amplitude")
        _name(ax, label)
    axes[-1, 0].set_xlabel("time (s)")
    axes[-1, 0].set_xlim(0, max(len(y) / sr for y, sr in sounds.values()))
    return finish(fig, title, alt or f"Waveform: {title}", subtitle)


def spectrogram(y, sr, title, subtitle=None, alt=None, window=0.025, top=None):
    """Which frequencies sound when: brightness is level in dB below the loudest point. Lesson 01.

    A frame lasts `window` seconds (Hann); frequencies are drawn up to `top` Hz, half the sample rate by default. The
    other parameters are those of `waveform`.

    >>> spectrogram(np.sin(np.arange(8000)), 8000, "A tone").axes[0].get_ylabel()
    'frequency (kHz)'
    """
    return spectrograms({"": (y, sr)}, title, subtitle, alt, window, top)


def spectrograms(sounds, title, subtitle=None, alt=None, window=0.025, top=None):
    """Several spectrograms side by side on one frequency axis: `sounds` is ``{label: (y, sr)}``. Lesson 01.

    `window` is one length in seconds for all, or a list with one for each.

    >>> tone = np.sin(np.arange(8000))
    >>> len(spectrograms({"once": (tone, 8000), "again": (tone, 8000)}, "Two tones").axes)
    3
    """
    fig, axes = new_figure(1, len(sounds), sharey=True, squeeze=False)
    top = top or max(sr for _, sr in sounds.values()) / 2
    windows = np.broadcast_to(window, len(sounds))
    for ax, (label, (y, sr)), seconds in zip(axes.flat, sounds.items(), windows, strict=True):
        levels = level_spectrogram(y, sr, seconds, columns=450 // len(sounds))
        image = draw_levels(ax, levels, len(y) / sr, sr / 2000)
        ax.set(xlabel="time (s)", ylim=(0, top / 1000), facecolor=GRID)
        _name(ax, label)
    axes[0, 0].set_ylabel("frequency (kHz)")
    fig.colorbar(image, ax=axes, label="level (dB below the loudest)", pad=0.01, fraction=0.05)
    return finish(fig, title, alt or f"Spectrogram: {title}", subtitle)


def draw_levels(ax, levels, right, top):
    """Draw levels (rows, columns) in dB below the loudest into `ax`, whose axes end at `right` and `top`; an image."""
    colours = mpl.colormaps["magma"].resampled(35)  # brighter is louder, in grey too; few colours keep the file small
    style = {"cmap": colours, "aspect": "auto", "interpolation": "nearest", "origin": "lower"}
    ax.grid(False)
    return ax.imshow(levels, vmin=FLOOR, vmax=0, extent=(0, right, 0, top), **style)


def level_spectrogram(y, sr, window, columns):
    """Level of each frequency (rows) in about `columns` frames of `window` seconds, in dB below the loudest."""
    size, hop = round(window * sr), max(1, len(y) // columns)
    stft = ShortTimeFFT(hann(size, sym=False), hop, sr, mfft=max(512, size))
    power = stft.spectrogram(np.asarray(y, dtype=float), p0=0, p1=len(y) // hop)
    return 10 * np.log10(np.maximum(power / max(power.max(), 1e-20), 10 ** (FLOOR / 10)))


def _name(ax, label):
    if label:
        ax.set_title(label, loc="left", fontsize=12)
