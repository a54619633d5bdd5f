"""The concept figures of lesson 07: reading in order, padding, and whether an explanation explains."""

import numpy as np

from ser_helpers.plots.style import ACCENT, ACCENT_2, GRID, INK, QUIET, finish, new_figure


def unrolled():
    """A bidirectional recurrent network with attention, unrolled over five frames."""
    fig, ax = new_figure()
    weights = [0.08, 0.15, 0.42, 0.25, 0.10]
    for frame, weight in enumerate(weights):
        x = 2 * frame
        _box(ax, x, 0, f"frame {frame + 1}", GRID, INK)
        _box(ax, x - 0.2, 1.2, "forward", ACCENT, "white", half=0.55)
        _box(ax, x + 0.2, 2.2, "backward", ACCENT_2, "white", half=0.55)
        _arrow(ax, (x - 0.2, 0.3), (x - 0.2, 0.9), QUIET)
        _arrow(ax, (x + 0.55, 0.3), (x + 0.55, 1.9), QUIET)
        if frame < len(weights) - 1:
            _arrow(ax, (x + 0.37, 1.2), (x + 1.23, 1.2), ACCENT)
            _arrow(ax, (x + 1.63, 2.2), (x + 0.77, 2.2), ACCENT_2)
        _arrow(ax, (x + 0.2, 2.5), (4 + (x - 4) * 0.12, 3.72), INK, width=0.8 + 9 * weight)
        ax.text(x + 0.15 + (4 - x) * 0.25, 2.86, f"× {weight:.2f}", ha="center", size=12, backgroundcolor="white")
    _box(ax, 4, 4, "weighted sum", INK, "white", half=1.0)
    ax.set(xlim=(-1, 9), ylim=(-0.4, 4.4))
    ax.axis("off")
    alt = (
        "Five frames from left to right. A forward row of boxes passes its state on to the right, a backward row to the"
        " left; both read every frame. Arrows of different width, the attention weights, lead to a weighted sum."
    )
    return finish(fig, "Two readers walk through the frames, attention weighs their notes", alt)


def batch(lengths, subtitle=None):
    """A batch as the network gets it: one row per utterance, real frames dark, zero rows added at the end light.

    `lengths` is the number of frames of each utterance.
    """
    lengths = np.asarray(lengths)
    longest, rows = lengths.max(), np.arange(len(lengths))[::-1]
    fig, ax = new_figure()
    ax.barh(rows, lengths, height=0.75, color=ACCENT)
    look = {"color": GRID, "hatch": "//", "edgecolor": "#b5b5b5", "linewidth": 0}
    ax.barh(rows, longest - lengths, left=lengths, height=0.75, **look)
    for row, length in zip(rows, lengths, strict=True):
        ax.text(length / 2, row, f"{length} frames", ha="center", va="center", color="white", size=11)
    shortest = lengths.argmin()
    if lengths[shortest] < longest:
        middle = (lengths[shortest] + longest) / 2
        box = {"facecolor": "white", "edgecolor": "none", "pad": 2}
        ax.text(middle, rows[shortest], "zeros: mask is False", ha="center", va="center", size=11, color=INK, bbox=box)
    ax.set(xlabel="frame", ylabel="utterance", xlim=(0, longest))
    ax.set_yticks(rows, np.arange(1, len(lengths) + 1))
    ax.grid(False)
    share = 1 - lengths.sum() / (longest * len(lengths))
    alt = f"Bars of {', '.join(map(str, lengths))} frames, each filled up with zeros to {longest}."
    return finish(fig, f"Of the frames in this batch, {100 * share:.0f} % are padding", alt, subtitle)


def under_padding(curves, label, subtitle=None):
    """The probability of `label` as zero rows are added: `curves` is a DataFrame, one column per network."""
    fig, ax = new_figure()
    highest = curves.iloc[-1].idxmax()
    for (name, values), ink, style in zip(curves.items(), (ACCENT, ACCENT_2), ("-", (0, (5, 2))), strict=True):
        ax.plot(curves.index, values, color=ink, linewidth=2.5, linestyle=style)
        side = "bottom" if name == highest else "top"
        ax.text(curves.index[-1], values.iloc[-1], f" {name}", color=ink, size=12, weight="bold", va=side)
    ax.set(xlabel="rows of zeros added at the end", ylabel=f"probability of “{label}”", ylim=(-0.03, 1.03))
    ax.set_xlim(curves.index[0], curves.index[-1])
    moved = (curves - curves.iloc[0]).abs().max()
    words = ", ".join(f"by {value:.2f} {name}" for name, value in moved.items())
    alt = f"The probability of {label} over 0 to {curves.index[-1]} added rows; it moves {words}."
    return finish(fig, f"{curves.index[-1]} empty rows move “{label}” {words}", alt, subtitle)


def sanity(correlations, subtitle=None):
    """Rank correlations of explanations before and after the weights are shuffled: ``{name: Series by seed}``."""
    means = {name: round(values.mean(), 2) + 0.0 for name, values in correlations.items()}  # no -0.00
    fig, ax = new_figure()
    rows = np.arange(len(means))[::-1]
    for row, (name, values) in zip(rows, correlations.items(), strict=True):
        ax.plot(values, np.full(len(values), row), "o", color=ACCENT, alpha=0.45, markersize=10, markeredgewidth=0)
        ax.plot(means[name], row, "|", color=INK, markersize=34, markeredgewidth=3)
        ax.text(means[name], row + 0.3, f"{means[name]:.2f}", ha="center", size=12, weight="bold")
    ax.axvline(0, color=QUIET, linewidth=1)
    ax.set_yticks(rows, list(means))
    ax.set(xlim=(-1.05, 1.05), ylim=(-0.5, len(means) - 0.3))
    ax.set_xlabel("rank correlation with the explanation of the trained network (1: the weights do not matter)")
    ax.grid(False, axis="y")
    stays, changes = max(means, key=means.get), min(means, key=lambda name: abs(means[name]))
    kept, lost = f"leave {stays} unchanged ({means[stays]:.2f})", f"change {changes} most ({means[changes]:.2f})"
    alt = "Dots, one per shuffling, with the mean: " + ", ".join(f"{name} {mean:.2f}" for name, mean in means.items())
    return finish(fig, f"Shuffled weights {kept} and {lost}", alt, subtitle)


def _box(ax, x, y, words, face, ink, half=0.7):
    from matplotlib.patches import FancyBboxPatch

    style = "round,pad=0,rounding_size=0.1"
    ax.add_patch(FancyBboxPatch((x - half, y - 0.28), 2 * half, 0.56, boxstyle=style, facecolor=face, edgecolor="none"))
    ax.text(x, y, words, ha="center", va="center", color=ink, size=12)


def _arrow(ax, start, end, ink, width=1.6):
    arrow = {"arrowstyle": "-|>", "color": ink, "linewidth": width, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 14}
    ax.annotate("", end, start, arrowprops=arrow)
