"""Pictures of lesson 06: spectrograms side by side, what a block of a CNN sees, and the curves behind its tricks."""

from itertools import product

import numpy as np

from ser_helpers import features
from ser_helpers.corpora import EMOTIONS
from ser_helpers.plots.style import ACCENT, ACCENT_2, INK, QUIET, colour, finish, new_figure

HOP = 0.01
"""Seconds from one frame of a log-mel spectrogram to the next."""
FLOOR = -60
"""dB below the loudest point at which a picture is black."""


def pictures(spectrograms, title, subtitle=None):
    """Log-mel spectrograms, ``{label: array (frames, bands)}`` in dB, three in a row with one scale of colours."""
    rows = -(-len(spectrograms) // 3)
    fig, axes = new_figure(rows, min(3, len(spectrograms)), sharex=True, sharey=True, squeeze=False)
    loudest = max(np.max(array) for array in spectrograms.values())
    for ax, (label, array) in zip(axes.flat, spectrograms.items(), strict=False):
        image = _draw(ax, array, loudest)
        ax.set_title(label, loc="left", fontsize=12)
    for ax in axes.flat[len(spectrograms) :]:
        ax.set_axis_off()
    for ax in axes[:, 0]:
        ax.set_ylabel("mel band")
    for ax in axes.flat[max(0, len(spectrograms) - axes.shape[1]) : len(spectrograms)]:  # the lowest of each column
        ax.set_xlabel("time (s)")
        ax.tick_params(labelbottom=True)
    axes[0, 0].set_xlim(0, max(len(array) for array in spectrograms.values()) * HOP)
    fig.colorbar(image, ax=axes, label="level (dB below the loudest)", pad=0.01, fraction=0.05)
    labels = ", ".join(map(str, spectrograms))
    return finish(fig, title, f"Log-mel spectrograms: {labels}. {title}.", subtitle)


def augmented(y, sr, augmentations, seed=0, subtitle=None):
    """The log-mel spectrogram of a recording, and after each of ``{label: augmentation}``."""
    sounds = {"as recorded": y} | {label: augment(y, sr, seed) for label, augment in augmentations.items()}
    title = "The same words and the same feeling, heard in other ways"
    return pictures({label: features.logmel(sound, sr) for label, sound in sounds.items()}, title, subtitle)


def seen(blocks, convolutions=1, kernel=3, pool=2):
    """How many neighbouring frames (or bands) one unit sees after each block of convolutions and a pooling.

    Each convolution adds ``kernel - 1`` steps, a pooling ``pool - 1``; every pooling makes a step `pool` times longer.
    """
    widths, width, step = [], 1, 1
    for _ in range(blocks):
        width += convolutions * (kernel - 1) * step + (pool - 1) * step
        step *= pool
        widths.append(width)
    return widths


def receptive_field(spectrogram, blocks=3, subtitle=None):
    """What one unit after each block sees of a log-mel spectrogram (frames, bands), as nested boxes."""
    from matplotlib.patches import Rectangle

    fig, ax = new_figure()
    image = _draw(ax, spectrogram, np.max(spectrogram), grey=True)
    centre, bands = 0.4 * len(spectrogram), spectrogram.shape[1]
    widths = seen(blocks)
    for block, width in enumerate(widths, start=1):
        left, low, high = centre - width / 2, max(0, bands / 2 - width / 2), min(bands, bands / 2 + width / 2)
        box = {"edgecolor": ACCENT_2, "facecolor": "none", "linewidth": 2.5}
        ax.add_patch(Rectangle((left * HOP, low), width * HOP, high - low, **box))
        words = f"after block {block}: {1000 * HOP * width:.0f} ms × {min(width, bands)} bands"
        where = {"xytext": (0.66 * len(spectrogram) * HOP, bands * (0.3 + 0.6 * block / blocks)), "va": "center"}
        line = {"arrowstyle": "-", "color": ACCENT_2, "relpos": (0, 0.5)}
        corner = ((left + width) * HOP, high)
        ax.annotate(words, corner, color=ACCENT_2, size=12, weight="bold", arrowprops=line, **where)
    ax.set(xlabel="time (s)", ylabel="mel band")
    fig.colorbar(image, ax=ax, label="level (dB below the loudest)", pad=0.01, fraction=0.05)
    sizes = ", ".join(f"{1000 * HOP * width:.0f} ms" for width in widths)
    title = f"After {blocks} blocks one unit sees {1000 * HOP * widths[-1]:.0f} ms, not one frame of 10 ms"
    alt = f"A log-mel spectrogram with {blocks} nested boxes, what one unit sees after each block: {sizes}."
    return finish(fig, title, alt, subtitle)


def shrinking(spectrogram, blocks=3, subtitle=None):
    """A log-mel spectrogram (frames, bands) after each of several 2 × 2 max poolings."""
    fig, axes = new_figure(1, blocks + 1)
    picture = np.asarray(spectrogram)
    for block, ax in enumerate(axes):
        if block:
            frames, bands = picture.shape[0] // 2, picture.shape[1] // 2
            picture = picture[: 2 * frames, : 2 * bands].reshape(frames, 2, bands, 2).max(axis=(1, 3))
        _draw(ax, picture, np.max(spectrogram), hop=1)
        ax.set_title(f"{picture.shape[0]} × {picture.shape[1]}", loc="left", fontsize=12)
        ax.set_xlabel("frame" if not block else f"after pooling {block}")
    axes[0].set_ylabel("mel band")
    alt = f"A log-mel spectrogram and its {blocks} poolings, each half as wide and half as high, and coarser."
    return finish(fig, "Each pooling keeps the loudest of four points", alt, subtitle)


def focal_curves(gammas=(0, 1, 2, 3)):
    """The focal loss -(1 - p)^gamma log p for the probability p of the true label; gamma 0: cross-entropy.

    Lin, Goyal, Girshick, He and Dollár, "Focal loss for dense object detection", ICCV 2017, doi:10.1109/ICCV.2017.324.
    """
    fig, ax = new_figure()
    p = np.linspace(0.01, 0.9, 90)
    for gamma, shade in zip(gammas, np.linspace(1, 0.4, len(gammas)), strict=True):
        loss = -((1 - p) ** gamma) * np.log(p)
        ax.plot(p, loss, color=ACCENT, alpha=shade, linewidth=3)
        words = "γ = 0: cross-entropy" if gamma == 0 else f"γ = {gamma:g}"
        ax.text(0.91, loss[-1], words, va="center", size=12, color=INK)
    ax.set_yscale("log")
    ax.set(xlim=(0, 1.15), xlabel="probability given to the true label", ylabel="loss of one utterance")
    ax.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 0.9])
    alt = f"Falling curves of the loss for gamma {', '.join(f'{gamma:g}' for gamma in gammas)}; larger is lower."
    return finish(fig, "Focal loss forgets the easy: at 0.9, γ = 2 leaves 1 % of the loss", alt)


def smoothed_targets(epsilon=0.1, true="sad"):
    """What a network shall answer for one utterance: one-hot, and with label smoothing."""
    onehot = np.array([emotion == true for emotion in EMOTIONS], dtype=float)
    smoothed = (1 - epsilon) * onehot + epsilon / len(EMOTIONS)
    fig, axes = new_figure(1, 2, sharey=True)
    for ax, target, name in zip(axes, (onehot, smoothed), ("one-hot", f"smoothed, ε = {epsilon:g}"), strict=True):
        ax.bar(range(len(EMOTIONS)), target, color=[colour(emotion) for emotion in EMOTIONS])
        for place, value in enumerate(target):
            ax.text(place, value + 0.01, f"{value:.2f}", ha="center", va="bottom", size=10.5)
        ax.set_xticks(range(len(EMOTIONS)), EMOTIONS, rotation=90)
        ax.set_title(name, loc="left", fontsize=12)
        ax.set(xlabel="emotion", ylim=(0, 1.1))
        ax.grid(False, axis="x")
    axes[0].set_ylabel("probability asked for")
    title = f"Label smoothing asks for {smoothed.max():.2f} instead of certainty"
    alt = f"Two bar charts: 1 for {true} and 0 elsewhere; {smoothed.max():.4g} for {true} and {smoothed.min():.4g}."
    return finish(fig, title, alt)


def dropout(rate=0.5, seed=0, title=None):
    """A small network as it predicts, and in one training step with a share of its hidden units silenced."""
    sizes = (4, 8, 8, 3)
    rng = np.random.default_rng(seed)
    hidden = [rng.permutation(size) >= round(rate * size) for size in sizes[1:-1]]
    alive = [np.ones(sizes[0], bool), *hidden, np.ones(sizes[-1], bool)]
    fig, axes = new_figure(1, 2, sharey=True)
    names = ("in prediction", "in one training step")
    for ax, units, name in zip(axes, ([np.ones(size, bool) for size in sizes], alive), names, strict=True):
        heights = [np.linspace(-1, 1, size + 2)[1:-1] for size in sizes]
        for layer in range(len(sizes) - 1):
            for ends in product(heights[layer][units[layer]], heights[layer + 1][units[layer + 1]]):
                ax.plot([layer, layer + 1], ends, color=QUIET, linewidth=0.7, zorder=1)
        for layer, (places, on) in enumerate(zip(heights, units, strict=True)):
            ax.plot(np.full(on.sum(), layer), places[on], "o", color=ACCENT, markersize=15)
            ax.plot(np.full((~on).sum(), layer), places[~on], "o", color="white", markeredgecolor=QUIET, markersize=15)
        ax.set_title(name, loc="left", fontsize=12)
        ax.set_xticks(range(4), ["input", "hidden", "hidden", "output"])
        ax.set_xlabel("layer")
        ax.set_yticks([])
        ax.grid(False)
    axes[0].set_ylabel("units")
    silent = sum(int((~on).sum()) for on in hidden)
    title = title or f"Dropout {rate:g}: in each step, other units are silent and none may rely on a neighbour"
    alt = f"A network drawn twice: with all units, and with {silent} of {sum(sizes[1:-1])} hidden units silent."
    return finish(fig, title, alt)


def _draw(ax, spectrogram, loudest, hop=HOP, grey=False):
    ax.grid(False)
    frames, bands = np.shape(spectrogram)
    style = {"cmap": "Greys" if grey else "magma", "aspect": "auto", "interpolation": "nearest", "origin": "lower"}
    levels = np.maximum(np.asarray(spectrogram).T - loudest, FLOOR)
    return ax.imshow(levels, vmin=FLOOR, vmax=0, extent=(0, frames * hop, 0, bands), **style)
