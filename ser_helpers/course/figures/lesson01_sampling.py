"""The pictures of Lesson 01: samples, folded frequencies, steps, levels, frames and mels."""

import numpy as np
from scipy.signal import welch

from ser_helpers.plots.sound import draw_levels
from ser_helpers.plots.style import ACCENT, ACCENT_2, GRID, INK, QUIET, colour, finish, new_figure


def zoom(y, sr, subtitle=None):
    """One recording at three magnifications; in the last, every sample is a dot."""
    fig, axes = new_figure(1, 3, sharey=True)
    loudest, spans = int(np.argmax(np.abs(y))), (len(y) / sr, 0.030, 0.002)
    for ax, seconds in zip(axes, spans, strict=True):
        count = round(seconds * sr)
        first = int(np.clip(loudest - count // 2, 0, len(y) - count))
        piece, time = y[first : first + count], np.arange(count) / sr
        ax.plot(time if seconds > 1 else 1000 * time, piece, color=ACCENT, linewidth=0.8)
        ax.set_xlabel("time (s)" if seconds > 1 else "time (ms)")
    ax.plot(1000 * time, piece, "o", color=ACCENT_2, markersize=5)
    for ax, label in zip(axes, (f"all of it: {spans[0]:.1f} s", "30 ms", f"2 ms: {count} samples"), strict=True):
        ax.set_title(label, loc="left", fontsize=12)
    axes[0].set_ylabel("amplitude (full scale = 1)")
    alt = f"The same recording three times: all of it, 30 ms of it, and 2 ms of it, where {count} separate dots show."
    return finish(fig, "Zoom in far enough, and sound is a list of numbers", alt, subtitle)


def alias(high, low, sr):
    """Two cosines of `high` and `low` Hz over one millisecond, and the samples at `sr` Hz they share."""
    fig, ax = new_figure()
    fine, dots = np.linspace(0, 0.001, 1000), np.arange(0.001 * sr + 1) / sr
    for hz, line in ((high, ACCENT), (low, ACCENT_2)):
        ax.plot(1000 * fine, np.cos(2 * np.pi * hz * fine), color=line, linewidth=2)
    ax.plot(1000 * dots, np.cos(2 * np.pi * high * dots), "o", color=INK, markersize=9)
    ax.set(xlabel="time (ms)", ylabel="amplitude", xlim=(-0.01, 1.19), xticks=np.linspace(0, 1, 6))
    for hz, line, height in ((high, ACCENT, 0.95), (low, ACCENT_2, 0.7)):
        ax.text(1.03, height, f"{hz / 1000:g} kHz", color=line, weight="bold", fontsize=13)
    ax.text(1.03, 0.45, f"● {sr / 1000:g} kHz\n   sampling", color=INK, fontsize=13, va="top")
    title = f"Sampled at {sr / 1000:g} kHz, {high / 1000:g} kHz and {low / 1000:g} kHz are the same dots"
    alt = f"A fast and a slow wave cross at every sampling point, so the samples of {high} Hz and {low} Hz are equal."
    return finish(fig, title, alt)


def kept(y, sr, subtitle=None):
    """Average spectrum of `y`, and the highest frequency that each common sample rate keeps."""
    fig, ax = new_figure()
    hz, power = welch(y, sr, nperseg=2048)
    level = 10 * np.log10(np.maximum(power / power.max(), 1e-12))
    ax.plot(hz / 1000, level, color=ACCENT)
    ax.set(xlabel="frequency (kHz)", ylabel="level (dB below the strongest)", xlim=(0, 24.5), ylim=(-100, 25))
    ax.set_yticks(range(-100, 1, 20))
    if sr < 47_000:
        ax.axvspan(sr / 2000, 24.5, color=GRID, linewidth=0)
        ax.text(sr / 4000 + 12, -40, "not in this file", color=QUIET, fontsize=12, ha="center")
    for rate, name in ((8000, "8 kHz\ntelephone"), (16000, "16 kHz"), (22050, "22.05 kHz"), (48000, "48 kHz")):
        ax.axvline(rate / 2000, color=QUIET, linestyle=":")
        ax.text(rate / 2000 - 0.15, 24, name, ha="right", va="top", fontsize=11, color=QUIET)
    share = {rate: power[hz < rate / 2].sum() / power.sum() for rate in (16000, 8000)}
    title = f"16 kHz keeps {share[16000]:.0%} of this voice's energy, a telephone {share[8000]:.0%}"
    alt = "Level over frequency, falling steeply; vertical lines mark half of four sample rates. " + title
    return finish(fig, title, alt, subtitle)


def levels(table, subtitle=None):
    """Each actor's mean level (dBFS), neutral and in strong anger, from the columns speaker, emotion and level."""
    wide = table.pivot_table(index="speaker", columns="emotion", values="level").sort_values("neutral")
    louder = wide.angry - wide.neutral
    fig, ax = new_figure()
    x = np.arange(len(wide))
    ax.vlines(x, wide.neutral, wide.angry, color=QUIET, linewidth=1)
    for emotion in ("neutral", "angry"):
        ax.plot(x, wide[emotion], "o", color=colour(emotion), markersize=9)
        ax.text(len(wide) - 0.4, wide[emotion].iloc[-1], emotion, va="center", weight="bold", color=INK)
    ax.set(xlabel="actor", ylabel="level (dBFS)", xlim=(-0.7, len(wide) + 1.4))
    ax.set_xticks(x, [name.split("-")[-1] for name in wide.index])
    whom = "every actor" if (louder > 0).all() else f"{(louder > 0).sum()} of {len(wide)} actors"
    alt = f"One pair of dots per actor, neutral below and angry above; the mean distance is {louder.mean():.0f} dB."
    return finish(fig, f"Strong anger is louder for {whom}, by {louder.mean():.0f} dB on average", alt, subtitle)


def stairs(y, coarse, sr, bits, subtitle=None):
    """The 10 ms around the loudest sample of `y`, and the same samples in `bits` bits."""
    fig, ax = new_figure()
    count, loudest = round(0.010 * sr), int(np.argmax(np.abs(y)))
    first = int(np.clip(loudest - count // 2, 0, len(y) - count))
    time = 1000 * np.arange(count) / sr
    ax.step(time, coarse[first : first + count], where="mid", color=ACCENT_2, linewidth=2)
    ax.plot(time, y[first : first + count], color=ACCENT, linewidth=2)
    ax.set(xlabel="time (ms)", ylabel="amplitude (full scale = 1)", ylim=(-1.05, 1.05), xlim=(0, 11.8))
    ax.text(10.1, 0.9, "as recorded", color=ACCENT, weight="bold", fontsize=12)
    ax.text(10.1, 0.75, f"{bits} bits", color=ACCENT_2, weight="bold", fontsize=12)
    alt = f"A smooth waveform and its copy in {2**bits} steps: the copy is a staircase around the original."
    return finish(fig, f"{bits} bits make {2**bits} steps: what is between them is lost", alt, subtitle)


def one_frame(frame, window, sr, subtitle=None):
    """A frame and its `window`, both (n,), at the left; at the right the level of each of its frequencies."""
    fig, (left, right) = new_figure(1, 2)
    time, size = 1000 * np.arange(len(frame)) / sr, np.abs(frame).max()
    left.plot(time, frame, color="#b9c4d6")
    left.plot(time, frame * window, color=ACCENT)
    left.plot(time, size * window, color=ACCENT_2, linestyle="--")
    left.text(time[-1], 0.95 * size, "window", color=ACCENT_2, weight="bold", ha="right")
    left.text(time[-1], -1.02 * size, "frame × window", color=ACCENT, weight="bold", ha="right")
    left.set(xlabel="time (ms)", ylabel="amplitude", ylim=(-1.1 * size, 1.1 * size))
    level = 20 * np.log10(np.abs(np.fft.rfft(frame * window)) + 1e-9)
    right.plot(np.fft.rfftfreq(len(frame), 1 / sr) / 1000, level - level.max(), color=ACCENT)
    right.set(xlabel="frequency (kHz)", ylabel="level (dB below the strongest)", ylim=(-80, 3), xlim=(0, sr / 2000))
    alt = "Left: a moment of a voice, faded in and out by a window. Right: its spectrum, a comb of peaks that falls."
    return finish(fig, f"{1000 * len(frame) / sr:.0f} ms of a voice hold a comb of frequencies", alt, subtitle)


def mel_scale(mel, count=10):
    """The function `mel` from Hz to mel, with `count` bands of equal width in mel marked on the frequency axis."""
    fig, ax = new_figure()
    hz = np.linspace(0, 8000, 2000)
    edges = np.linspace(0, mel(8000), count + 1)
    ax.plot(hz / 1000, mel(hz), color=ACCENT, linewidth=2.5)
    corners = np.interp(edges, mel(hz), hz)
    ax.vlines(corners / 1000, 0, edges, color=QUIET, linestyle=":")
    ax.hlines(edges, 0, corners / 1000, color=QUIET, linestyle=":")
    for low in (0, count - 1):
        ax.axvspan(*corners[low : low + 2] / 1000, color=ACCENT_2, alpha=0.4, linewidth=0)
    ax.set(xlabel="frequency (kHz)", ylabel="pitch (mel)", xlim=(0, 8), ylim=(0, mel(8000)))
    width = np.diff(corners)
    title = f"{count} equal steps for the ear: from {width[0]:.0f} Hz to {width[-1]:.0f} Hz wide"
    alt = f"A curve from 0 to 8 kHz that rises ever more slowly. Dotted lines cut it into {count} equal steps of pitch."
    return finish(fig, title, alt)


def two_views(linear, mels, seconds, highest, subtitle=None):
    """The same sound as a spectrogram, (bins, frames) in dB, and as a mel spectrogram, (bands, frames) in dB."""
    fig, (left, right) = new_figure(1, 2)
    draw_levels(left, linear, seconds, highest / 1000)
    image = draw_levels(right, mels, seconds, len(mels))
    left.set(xlabel="time (s)", ylabel="frequency (kHz)")
    right.set(xlabel="time (s)", ylabel="mel band")
    left.set_title(f"{len(linear)} frequencies", loc="left", fontsize=12)
    right.set_title(f"{len(mels)} mel bands", loc="left", fontsize=12)
    fig.colorbar(image, ax=right, label="level (dB below the loudest)", pad=0.01)
    alt = "Left: a spectrogram, where speech fills the lower part. Right: the same in mel bands, filled evenly."
    return finish(fig, "Mel bands give the room to the frequencies that carry speech", alt, subtitle)
