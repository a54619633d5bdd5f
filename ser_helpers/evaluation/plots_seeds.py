"""The figure of scores over seeds; use it through ``evaluation.plots``."""

import numpy as np

from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation.bootstrap import student_interval
from ser_helpers.evaluation.style import ACCENT, INK, finish, new_figure

WORDS = {"uar": "UAR", "weighted_f1": "weighted F1", "ccc": "CCC", "mse": "mean squared error", "mae": "mean error"}


def over_seeds(runs, metrics=("uar", "weighted_f1"), title=None):
    """Scores of several models over seeds: a dot per seed, and the mean with its 95 % interval. Lesson 06.

    Parameters
    ----------
    runs : dict of DataFrame
        ``{name: evaluation.repeat(...)}``, in the order of the rows from top to bottom.
    metrics : str, or sequence of str
        Columns of the tables, one panel each.
    title : str, optional
        A sentence; by default, which model is first in the first metric.
    """
    metrics = [metrics] if isinstance(metrics, str) else list(metrics)
    _check(runs, metrics)
    fig, axes = new_figure(
        1, len(metrics), sharex=True, sharey=True, squeeze=False, figsize=(10, 5 + 0.5 * max(0, len(runs) - 6))
    )
    rows = np.arange(len(runs))[::-1]
    alts = []
    for ax, metric in zip(axes.flat, metrics, strict=True):
        summaries = [student_interval(frame[metric]) for frame in runs.values()]
        for row, frame, (mean, low, high) in zip(rows, runs.values(), summaries, strict=True):
            ax.plot(frame[metric], np.full(len(frame), row - 0.22), "o", color="#a9c4ec", markersize=6)
            ax.hlines(row, low, high, color=ACCENT, linewidth=3)
            ax.plot(mean, row, "o", color=ACCENT, markersize=10)
            ax.text(mean, row + 0.16, f"{mean:.2f}", ha="center", va="bottom", size=12, color=INK)
        ax.set_xlabel(WORDS.get(metric, metric))
        ax.margins(x=0.12)
        ax.set_ylim(-0.5, len(runs) - 0.4)
        ax.grid(False, axis="y")
        alts += [f"{WORDS.get(metric, metric)}: {_list(runs, summaries)}."]
    axes[0, 0].set_yticks(rows, runs)
    axes[0, 0].set_ylabel("model")
    return finish(fig, title or _sentence(runs, metrics[0]), f"Scores over seeds. {' '.join(alts)}", _subtitle(runs))


def _check(runs, metrics):
    if not isinstance(runs, dict) or not runs:
        raise EvaluationError("There is nothing to draw: give {name: evaluation.repeat(...)}.")
    for name, frame in runs.items():
        missing = [metric for metric in metrics if metric not in frame]
        if missing:
            raise EvaluationError(f"The runs of {name!r} have no {missing[0]}; they have {', '.join(frame.columns)}.")
    corpora = {frame.attrs.get("corpus") for frame in runs.values()}
    if len(corpora) > 1:
        raise EvaluationError(f"These runs are on different speech ({', '.join(map(str, corpora))}): plot them apart.")


def _list(runs, summaries):
    return ", ".join(
        f"{name} {mean:.2f}" + ("" if np.isnan(low) else f" ({low:.2f} to {high:.2f})")
        for name, (mean, low, high) in zip(runs, summaries, strict=True)
    )


def _sentence(runs, metric):
    means = {name: frame[metric].mean() for name, frame in runs.items()}
    best, worst = max(means, key=means.get), min(means, key=means.get)
    word = WORDS.get(metric, metric)
    if best == worst:
        return f"The {word} is {means[best]:.2f} with {best}"
    return f"The highest {word} is {means[best]:.2f} with {best}, the lowest {means[worst]:.2f} with {worst}"


def _subtitle(runs):
    frames = list(runs.values())
    seeds = sorted({len(frame) for frame in frames})
    counted = f"{' or '.join(map(str, seeds))} seed{'s' if seeds != [1] else ''}, means with 95 % intervals over them"
    known = frames[0].attrs
    chance = [f"chance UAR {known['chance']:.3g}"] if known.get("chance") else []
    return " · ".join([*filter(None, [known.get("corpus"), known.get("protocol")]), counted, *chance])
