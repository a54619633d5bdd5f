"""The pictures of Lesson 10: two ways to vote, where each modality fails, where words listen, and what is missing."""

import numpy as np
import pandas as pd

from ser_helpers.corpora.labels import label_order
from ser_helpers.course.figures.lesson05_classical import scores
from ser_helpers.plots.style import HEAT, INK, LINES, capitalised, colour, finish, new_figure

__all__ = ["attention_map", "by_kind", "missing", "scores", "votes"]


def votes(probabilities, title, subtitle=None):
    """One utterance's `probabilities`, a row per panel and a column per label: the branches, then what joins them."""
    labels = label_order(probabilities.columns)
    fig, axes = new_figure(1, len(probabilities), sharey=True, squeeze=False)
    places = np.arange(len(labels))[::-1]
    for ax, (name, row) in zip(axes[0], probabilities[labels].iterrows(), strict=True):
        ax.barh(places, row, color=[colour(label) for label in labels])
        for place, value in zip(places, row, strict=True):
            ax.text(value + 0.02, place, f"{value:.2f}", va="center", size=10)
        ax.set_title(f"{name}: {row.idxmax()}", loc="left", size=12, color=INK)
        ax.set(xlim=(0, 1.15), xlabel="probability", yticks=places, yticklabels=labels)
        ax.grid(False, axis="y")
    axes[0, 0].set_ylabel("emotion")
    told = "; ".join(f"{name} says {row.idxmax()} with {row.max():.2f}" for name, row in probabilities.iterrows())
    return finish(fig, title, f"Bars of probabilities: {told}.", subtitle)


def by_kind(results, kind, title=None):
    """The share of turns that each result has right, one row per kind of turn.

    `results` are at most five by name, on the same utterances; `kind` is a word for each utterance.
    """
    right = pd.DataFrame({name: r.predictions.predicted == r.predictions.truth for name, r in results.items()})
    counts = kind[right.index].value_counts()
    shares = right.groupby(kind[right.index]).mean().loc[counts.index]
    fig, ax = new_figure()
    middle = -0.1 * (len(results) - 1)
    for row, name in enumerate(shares.index):
        for place, (method, ink) in enumerate(zip(shares.columns, LINES, strict=False)):
            value, height = shares.loc[name, method], -row - 0.2 * place
            ax.hlines(height, 0, value, color=ink, linewidth=3, alpha=0.35)
            ax.plot(value, height, "o", color=ink, markersize=9)
            ax.text(value + 0.015, height, f"{method} {value:.2f}", va="center", size=11, color=ink)
    ax.set_yticks(middle - np.arange(len(shares)), [f"{name}\n({counts[name]} turns)" for name in shares.index])
    ax.set(xlim=(0, 1.12), ylim=(2 * middle - len(shares) + 0.75, 0.25), xticks=np.arange(0, 1.1, 0.2))
    ax.set(xlabel="share of turns that are right", ylabel="kind of turn")
    ax.grid(False, axis="y")
    told = [
        f"{name}: {', '.join(f'{method} {share:.2f}' for method, share in row.items())}"
        for name, row in shares.iterrows()
    ]
    alt = "Dots of the share of turns that are right. " + "; ".join(told)
    widest = (shares.max(axis=1) - shares.min(axis=1)).idxmax()
    best, worst = shares.loc[widest].idxmax(), shares.loc[widest].idxmin()
    high, low = (100 * shares.loc[widest, method] for method in (best, worst))
    sentence = capitalised(f"{widest}: {best} right in {high:.0f} %, {worst} in {low:.0f} %")
    result = next(iter(results.values()))
    return finish(fig, title or sentence, f"{alt}.", f"{result.corpus} · {result.protocol_words}")


def missing(curves, title, subtitle=None):
    """The score of several models as more and more turns lack a modality; one panel per modality.

    `curves` has a table per modality, as from ``evaluation.without_modality``.
    """
    fig, axes = new_figure(1, len(curves), sharey=True, squeeze=False)
    every = pd.concat(curves)
    low, high = every.min(axis=None), every.max(axis=None)
    for ax, (modality, table) in zip(axes[0], curves.items(), strict=True):
        ends = table.iloc[-1].sort_values()
        gap, previous = 0.07 * (high - low + 0.05), -np.inf
        inks = dict(zip(table.columns, LINES, strict=False))
        for name, end in ends.items():
            ax.plot(100 * table.index, table[name], "o-", color=inks[name], linewidth=2.2, markersize=6)
            previous = max(end, previous + gap)
            look = {"va": "center", "size": 11, "color": inks[name]}
            ax.annotate(name, (100, previous), (8, 0), textcoords="offset points", **look)
        ax.set(xlabel=f"turns without {modality} (%)", xlim=(-3, 190), ylim=(low - 0.05, high + 0.05))
        ax.set_xticks(range(0, 101, 25))
    axes[0, 0].set_ylabel("UAR")
    told = "; ".join(
        f"without {modality} "
        + ", ".join(f"{name} falls from {line.iloc[0]:.2f} to {line.iloc[-1]:.2f}" for name, line in table.items())
        for modality, table in curves.items()
    )
    return finish(fig, title, f"Lines of UAR: {told}.", subtitle)


def attention_map(weights, words, y, sr, title, subtitle=None):
    """A waveform, and below it, for every word of the sentence, the frames that it looks at.

    `weights` (words, frames) are those of ``explain.cross_attention``, for frames that cover the sound.
    """
    seconds = len(y) / sr
    fig, (above, below) = new_figure(2, sharex=True, height_ratios=(1, 2))
    step = max(1, len(y) // 4000)
    above.plot(np.arange(0, len(y), step) / sr, y[::step], color=INK, linewidth=0.6)
    above.set(ylabel="amplitude", ylim=np.array([-1.05, 1.05]) * max(np.abs(y).max(), 1e-6))
    even = weights * weights.shape[1]
    extent = (0, seconds, len(words) - 0.5, -0.5)
    image = below.imshow(even, aspect="auto", extent=extent, cmap=HEAT, vmin=0, vmax=max(2.0, even.max()))
    below.set_yticks(range(len(words)), words)
    below.set(xlabel="time (s)", ylabel="word", xlim=(0, seconds))
    below.grid(False)
    fig.colorbar(image, ax=below, label="× even share", pad=0.01)
    peaks = (weights.argmax(axis=1) + 0.5) * seconds / weights.shape[1]
    told = ", ".join(f"“{word}” at {peak:.1f} s" for word, peak in zip(words, peaks, strict=True))
    return finish(fig, title, f"A waveform, and a map of words by time; each word looks most at: {told}.", subtitle)
