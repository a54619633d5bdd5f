"""Figures of results: confusions, recalls, comparisons, speakers, seeds."""

import numpy as np
import pandas as pd
import seaborn as sns

from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation.bootstrap import student_interval
from ser_helpers.evaluation.comparison import distinct_names
from ser_helpers.plots.style import (
    ACCENT,
    ACCENT_2,
    HEAT,
    INK,
    QUIET,
    bars,
    capitalised,
    finish,
    new_figure,
    page_size,
    percent,
)


def confusion(result, title=None):
    """Which label is predicted as which: each row is a true label and adds up to 100 %; counts too. Lesson 04.

    The title names the most frequent mistake. Up to ten labels, cells hold their share and count.
    """
    share = result.confusion(normalise=True)
    fig, ax = new_figure(figsize=page_size(len(share), 12))
    _draw_confusion(ax, share, result.confusion())
    return finish(fig, title or _worst_mistake(share), _confusion_alt(result, share), score_line(result))


def confusion_pair(a, b, title=None):
    """Two confusion matrices side by side, for results with the same labels. Lesson 04."""
    if a.labels != b.labels:
        raise EvaluationError(f"One result has the labels {a.labels} and the other {b.labels}: plot them one by one.")
    shares = [result.confusion(normalise=True) for result in (a, b)]
    fig, axes = new_figure(1, 2, sharey=True)
    for ax, name, share in zip(axes, distinct_names(a, b), shares, strict=True):
        _draw_confusion(ax, share)
        ax.set_title(name, loc="left", size=12, color=INK)
    axes[1].set_ylabel("")
    alt = " ".join(_confusion_alt(result, share) for result, share in zip((a, b), shares, strict=True))
    return finish(fig, title or _both_scores(a, b), alt, _pair_subtitle(a, b))


def per_class_recall(result, title=None):
    """How often each label is recognised, with 95 % intervals over speakers, and chance. Lesson 04."""
    recall = result.recall().dropna(subset="recall")
    fig, ax = new_figure(figsize=page_size(len(recall), 12))
    rows = np.arange(len(recall))
    bars(ax, recall["recall"])
    ends = recall["recall"] if recall["high"].isna().all() else recall["high"]
    if not recall["low"].isna().all():
        ax.hlines(rows, recall["low"], recall["high"], color="white", linewidth=5)
        ax.hlines(rows, recall["low"], recall["high"], color=INK, linewidth=2)
    for row, end, value in zip(rows, ends, recall["recall"], strict=True):
        ax.text(end + 0.012, row, f"{value:.2f}", va="center", size=11)
    ax.set(xlim=(0, max(1, ends.max() + 0.07)), xlabel="recall (share of the true label that is recognised)")
    ax.set_ylabel(result.target)
    ax.grid(False, axis="y")
    _chance(ax, result)
    best, worst = recall["recall"].idxmax(), recall["recall"].idxmin()
    high, low = recall["recall"].max(), recall["recall"].min()
    sentence = f"{capitalised(best)} is recognised best ({high:.2f}), {worst} worst ({low:.2f})"
    if high == low:
        sentence = f"Every {result.target} is recognised equally well"
    values = ", ".join(f"{label} {value:.2f}" for label, value in recall["recall"].items())
    alt = f"Bars of recall per {result.target}, with intervals: {values}. Chance is {result.chance_level:.3g}."
    return finish(fig, title or sentence, alt, score_line(result))


def against(a, b, title=None):
    """Two results side by side: the score of each with its interval, then the recall of each label. Lesson 04."""
    if a.metric != b.metric:
        raise EvaluationError(
            f"One result is scored by {a.metric} and the other by {b.metric}: compare like with like."
        )
    names, labels = distinct_names(a, b), [label for label in a.labels if label in b.labels]
    fig, ax = new_figure(figsize=page_size(len(labels) + 2, 14))
    for result, name, ink, row in zip((a, b), names, (ACCENT, ACCENT_2), (2, 1.1), strict=True):
        low, high = np.nan_to_num(result.interval, nan=result.score)
        ax.hlines(row, low, high, color=ink, linewidth=3)
        ax.plot(result.score, row, "o", color=ink, markersize=11)
        right = high < 0.6
        place = {"x": high + 0.015, "ha": "left"} if right else {"x": low - 0.015, "ha": "right"}
        ax.text(s=f"{name}: {result.score:.2f}", y=row, va="center", size=12, color=ink, weight="bold", **place)
        if labels:
            recall = result.recall().loc[labels, "recall"]
            ax.plot(recall, -np.arange(len(labels)), "o", color=ink, markersize=9, zorder=3)
    _chance(ax, a, b)
    if labels:
        recalls = np.array([result.recall().loc[labels, "recall"] for result in (a, b)])
        ax.hlines(-np.arange(len(labels)), recalls.min(axis=0), recalls.max(axis=0), color="#c4c4c4", linewidth=3)
    ax.set_yticks([1.55, *-np.arange(len(labels))], [a.metric.upper(), *labels])
    ax.set(xlim=(min(0, a.interval[0], b.interval[0]), 1.02), ylim=(-len(labels) + 0.3, 2.6))
    ax.set_xlabel(f"{a.metric.upper()} with 95 % interval over speakers{'; recall of each label' if labels else ''}")
    ax.set_ylabel(a.target)
    ax.grid(False, axis="y")
    alt = f"{names[0]}: {a.metric.upper()} {a.score:.2f}; {names[1]}: {b.score:.2f}. Below, dots show recall per label."
    return finish(fig, title or _both_scores(a, b), alt, _pair_subtitle(a, b))


def speakers(result, title=None):
    """The score of every speaker, sorted, with the score over all of them. Lesson 04."""
    scores = result.by("speaker")[result.metric].dropna().sort_values()
    if len(scores) == 0:
        raise EvaluationError(f"No speaker has enough utterances for a {result.metric.upper()} of their own.")
    names = [str(name).rpartition("-")[2] for name in scores.index]
    if len(set(names)) < len(names):
        names = list(scores.index)
    fig, ax = new_figure()
    places = np.arange(len(scores))
    ax.vlines(places, result.chance_level, scores, color="#c4c4c4", linewidth=2)
    ax.plot(places, scores, "o", color=ACCENT, markersize=9)
    ax.axhline(result.score, color=INK, linewidth=1.2)
    ax.axhline(result.chance_level, color=QUIET, linewidth=1.2, linestyle=(0, (4, 3)))
    edge = len(scores) - 0.3
    ax.text(edge, result.score, f" all: {result.score:.2f}", va="center", size=11)
    ax.text(edge, result.chance_level, f" chance: {result.chance_level:.3g}", va="center", size=11, color=QUIET)
    fits = len(scores) <= 30
    shown = places if fits else places[[0, -1]]
    ax.set_xticks(shown, [names[k] for k in shown], rotation=90 if max(map(len, names)) > 3 else 0)
    ax.set(xlim=(-0.7, edge), ylim=(min(0, scores.min() - 0.05), 1))
    ax.set_xlabel("speaker, from lowest to highest score" + ("" if fits else " (the first and the last are named)"))
    ax.set_ylabel(f"{result.metric.upper()} of the speaker")
    ax.grid(False, axis="x")
    ends = f"{scores.iloc[0]:.2f} (speaker {names[0]}) to {scores.iloc[-1]:.2f} (speaker {names[-1]})"
    sentence = f"Speakers differ: {result.metric.upper()} from {ends}"
    alt = f"One dot for each of {len(scores)} speakers, sorted, from {ends}; all together {result.score:.2f}."
    return finish(fig, title or sentence, alt, score_line(result))


def _draw_confusion(ax, share, counts=None):
    small = len(share) <= 10
    words = share.map(percent) if counts is None else share.map(percent) + " · " + counts.astype(str)
    words = words.where(share > 0, "") if small else None
    text = {"size": 10.5}
    sns.heatmap(share.fillna(0), cmap=HEAT, vmin=0, vmax=1, cbar=False, annot=words, fmt="", annot_kws=text, ax=ax)
    ax.tick_params(axis="x", labelrotation=0 if small and counts is not None else 90)
    ax.tick_params(axis="y", labelrotation=0)
    ax.set(xlabel="predicted", ylabel="truth")
    ax.grid(False)


def _worst_mistake(share):
    mistakes = np.nan_to_num(share.to_numpy() * (1 - np.eye(len(share))))
    if mistakes.max() == 0:
        return "No label is mistaken for another"
    truth, predicted = np.unravel_index(mistakes.argmax(), mistakes.shape)
    words = f"{share.index[truth]} predicted as {share.index[predicted]}, {percent(mistakes.max())} of the time"
    return f"The most frequent mistake: {words}"


def _confusion_alt(result, share):
    right = ", ".join(f"{label} {percent(value)}" for label, value in zip(share.index, np.diag(share), strict=True))
    return f"Confusion matrix of {result.name} on {result.corpus}. Recognised: {right}. {_worst_mistake(share)}."


def _chance(ax, *results):
    """A dashed line at each chance level, labelled above the axes."""
    levels = sorted({result.chance_level for result in results})
    for level, side in zip(levels, ("right", "left") if len(levels) > 1 else ("center",), strict=True):
        ax.axvline(level, color=QUIET, linewidth=1.2, linestyle=(0, (4, 3)))
        words, where = f"chance {level:.3g}", ax.get_xaxis_transform()
        ax.text(level, 1.01, words, transform=where, ha=side, va="bottom", size=10, color=QUIET)


def score_line(result):
    """The subtitle of a figure of one result: corpus, model, protocol, score with its interval, chance."""
    low, high = result.interval
    interval = "" if np.isnan(low) else f" ({low:.2f} to {high:.2f})"
    return f"{result.caption} · {result.metric.upper()} {result.score:.2f}{interval}, chance {result.chance_level:.3g}"


def _both_scores(a, b):
    first, second = distinct_names(a, b)
    return f"{a.metric.upper()} is {a.score:.2f} with {first} and {b.score:.2f} with {second}"


def _pair_subtitle(a, b):
    parts = [(r.corpus, f"{r.name} on {r.features}", r.protocol_words) for r in (a, b)]
    return " · ".join(x if x == y else f"{x} against {y}" for x, y in zip(*parts, strict=True))


WORDS = {"uar": "UAR", "weighted_f1": "weighted F1", "ccc": "CCC", "mse": "mean squared error", "mae": "mean error"}


def over_seeds(runs, metrics=("uar", "weighted_f1"), title=None):
    """Scores of several models over seeds: a dot per seed, and the mean with its 95 % interval. Lesson 06.

    `runs` is ``{name: evaluation.repeat(...)}``, from top to bottom; `metrics` are columns of these tables, a panel
    each. The title says by default which model is first in the first metric.
    """
    metrics = [metrics] if isinstance(metrics, str) else list(metrics)
    _check(runs, metrics)
    size = (10, 5 + 0.5 * max(0, len(runs) - 6))
    fig, axes = new_figure(1, len(metrics), sharex=True, sharey=True, squeeze=False, figsize=size)
    alts = []
    scores = pd.concat(runs, names=["model", "seed"]).reset_index()
    for ax, metric in zip(axes.flat, metrics, strict=True):
        look = {"data": scores, "x": metric, "y": "model", "ax": ax}
        sns.stripplot(**look, color="#a9c4ec", size=6, jitter=False)
        spread = {"errorbar": lambda values: student_interval(values)[1:], "err_kws": {"linewidth": 3}}
        sns.pointplot(**look, **spread, color=ACCENT, linestyle="none", markersize=8)
        summaries = [student_interval(frame[metric]) for frame in runs.values()]
        for row, (mean, _, _) in enumerate(summaries):
            ax.text(mean, row - 0.16, f"{mean:.2f}", ha="center", va="bottom", size=12, color=INK)
        ax.set_xlabel(WORDS.get(metric, metric))
        ax.margins(x=0.12)
        ax.set_ylim(len(runs) - 0.5, -0.6)
        ax.set_ylabel("")
        ax.grid(False, axis="y")
        alts += [f"{WORDS.get(metric, metric)}: {_list(runs, summaries)}."]
    axes[0, 0].set_ylabel("model")
    alt = f"Scores over seeds. {' '.join(alts)}"
    return finish(fig, title or _sentence(runs, metrics[0]), alt, _runs_subtitle(runs))


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


def _runs_subtitle(runs):
    frames = list(runs.values())
    seeds = sorted({len(frame) for frame in frames})
    counted = f"{' or '.join(map(str, seeds))} seed{'s' if seeds != [1] else ''}, means with 95 % intervals over them"
    known = frames[0].attrs
    chance = [f"chance UAR {known['chance']:.3g}"] if known.get("chance") else []
    return " · ".join([*filter(None, [known.get("corpus"), known.get("protocol")]), counted, *chance])
