"""Figures of valence, arousal and dominance."""

import numpy as np
import seaborn as sns

from ser_helpers import corpora
from ser_helpers.corpora.labels import label_order
from ser_helpers.errors import EvaluationError
from ser_helpers.plots.results import score_line
from ser_helpers.plots.style import ACCENT, ACCENT_2, INK, QUIET, colour, finish, new_figure, page_size, percent
from ser_helpers.streaming.timeline import rolling_mean

SCALES = ((0, 1), (-1, 1), (1, 5), (1, 7))
"""The scales that corpora and models use."""

ENDS = {"valence": ("unpleasant", "pleasant"), "arousal": ("calm", "excited"), "dominance": ("weak", "strong")}
"""What the two ends of a dimension mean."""


def scale_of(values):
    """The narrowest of the usual scales that holds all `values`: 0 to 1, -1 to 1, 1 to 5 or 1 to 7. Lesson 09.

    >>> scale_of([2.3, 4.9]), scale_of([-0.2, 0.5])
    ((1, 5), (-1, 1))
    """
    low, high = np.nanmin(values), np.nanmax(values)
    for scale in SCALES:
        if scale[0] <= low and high <= scale[1]:
            return scale
    raise EvaluationError(f"Values from {low:.3g} to {high:.3g} lie on no usual scale: give it as scale=(low, high).")


def plane(table, x="valence", y="arousal", scale=None, title=None):
    """The plane of emotions: a dot per utterance, and the mean of each emotion by name. Lesson 09.

    `scale` is the (low, high) of both axes; by default the narrowest usual one that holds all values. Ratings are whole
    numbers or thirds, so dots that would hide one another are shifted a little.
    """
    meaning = {word: name for name, words in corpora.WORDS.items() for word in words}
    rated = table.dropna(subset=[x, y])
    if len(rated) == 0:
        raise EvaluationError(f"No utterance of the table has both {x} and {y}: there is nothing to draw.")
    emotions = rated["emotion"].map(lambda word: meaning.get(word, word))
    scale = scale or scale_of(rated[[x, y]].to_numpy())
    shift = np.random.default_rng(0).uniform(-1, 1, (len(rated), 2)) * (scale[1] - scale[0]) * 0.018
    fig, ax = new_figure()
    look = {"hue": emotions, "palette": {label: _ink(label) for label in emotions.unique()}, "legend": False}
    sns.scatterplot(x=rated[x] + shift[:, 0], y=rated[y] + shift[:, 1], s=16, alpha=0.45, linewidth=0, ax=ax, **look)
    middle, counts = rated.groupby(emotions)[[x, y]].mean(), emotions.value_counts()
    named = [label for label in label_order(emotions) if counts[label] >= max(5, 0.01 * len(rated))]
    for label in named:
        place = tuple(middle.loc[label, [x, y]])
        ax.plot(*place, "o", color=_ink(label), markersize=13, markeredgecolor="white", markeredgewidth=1.5)
        left = place[0] < scale[0] + 0.4 * (scale[1] - scale[0])  # of the middle: the label points outwards
        box = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.0}
        words = {"ha": "right" if left else "left", "va": "center", "size": 12, "weight": "bold", "bbox": box}
        ax.annotate(label, place, (-10 if left else 10, 0), textcoords="offset points", **words)
    _cross(ax, scale, x, y)
    corpus = " + ".join(sorted(rated["corpus"].unique()))
    listed = "; ".join(f"{name} {middle.loc[name, x]:.1f}, {middle.loc[name, y]:.1f}" for name in named)
    alt = f"A plane of {x} and {y} with a dot for each of {len(rated)} utterances. Means of {x} and {y}: {listed}."
    sentence = f"Each word has its region of {x} and {y}, and they overlap"
    return finish(fig, title or sentence, alt, f"{corpus} · {len(rated)} utterances")


def _ink(label):
    """The label's colour; where people could not agree, a grey that can be seen on white."""
    return QUIET if label == "no agreement" else colour(label)


def predicted(result, title=None):
    """What a regression predicts against the truth, with the line it should lie on. Lesson 09."""
    if result.labels:
        raise EvaluationError("This result predicts labels: plot its confusion matrix instead.")
    truth, guess = result.predictions["truth"], result.predictions["predicted"]
    ends = (min(truth.min(), guess.min()), max(truth.max(), guess.max()))
    jitter = np.random.default_rng(0).uniform(-1, 1, len(truth)) * 0.01 * (ends[1] - ends[0])
    fig, ax = new_figure()
    ax.plot(ends, ends, color=QUIET, linewidth=1.2, linestyle=(0, (4, 3)))
    sns.scatterplot(x=truth + jitter, y=guess, color=ACCENT, s=20, alpha=0.45, linewidth=0, ax=ax)
    sns.regplot(x=truth, y=guess, scatter=False, ci=None, line_kws={"color": ACCENT_2, "linewidth": 3}, ax=ax)
    slope = np.polyfit(truth, guess, 1)[0]
    box = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.5}
    style = {"ha": "right", "size": 12, "transform": ax.transAxes, "bbox": box}
    ax.text(0.99, 0.10, "dashed: a perfect model", color=QUIET, va="bottom", **style)
    ax.text(0.99, 0.03, f"this model: slope {slope:.2f}", color=ACCENT_2, va="bottom", weight="bold", **style)
    ax.set(xlabel=f"{result.target}, as rated", ylabel=f"{result.target}, as predicted")
    spread = guess.std(ddof=0) / truth.std(ddof=0)
    sentence = f"CCC {result.ccc:.2f}: the predictions spread {percent(spread)} as widely as the ratings"
    alt = f"A cloud of {len(truth)} dots, rated against predicted {result.target}; its line has slope {slope:.2f}."
    return finish(fig, title or sentence, alt, score_line(result))


def trajectory(values, table, dimension, turns=3, scale=None, title=None):
    """One dimension through one conversation: a panel per speaker, raw turns as dots and rolling means as lines.

    `values` names one or two curves, such as ``{"rated": table.arousal, "predicted": predictions.arousal}``, numbers by
    utterance; `table` holds the turns of one dialogue, `turns` is the window of :func:`rolling_mean`. Lesson 09.
    """
    dialogues = table["dialogue"].unique()
    if len(dialogues) != 1:
        raise EvaluationError(f"The table holds {len(dialogues)} dialogues: choose one, table[table.dialogue == ...].")
    speakers = sorted(table["speaker"].unique())
    values = {name: series.loc[table.index] for name, series in values.items()}
    scale = scale or scale_of(np.concatenate(list(values.values())))
    fig, axes = new_figure(len(speakers), 1, sharex=True, sharey=True, squeeze=False)
    looks = ((QUIET, "--"), (ACCENT_2, "-"))
    room = 0.06 * (scale[1] - scale[0])
    for ax, speaker in zip(axes[:, 0], speakers, strict=True):
        rows = table[table["speaker"] == speaker].sort_values("turn_end")
        middle = (rows["turn_start"] + rows["turn_end"]) / 2
        for series, (ink, dash) in zip(values.values(), looks, strict=False):
            mean = rolling_mean(series, table, turns=turns)[rows.index]
            ax.plot(middle, series[rows.index], "o", color=ink, markersize=6, alpha=0.5, markeredgewidth=0)
            ax.plot(middle, mean, dash, color=ink, linewidth=2.5)
            ax.set_title(f"speaker {speaker.rpartition('-')[2]}", loc="left", size=12, color=INK)
        ax.set_yticks(range(int(scale[0]), int(scale[1]) + 1))
        ax.set(ylim=(scale[0] - room, scale[1] + room), ylabel=f"{dimension}\n({scale[0]} to {scale[1]})")
    for place, (name, (ink, _)) in enumerate(zip(list(values)[::-1], looks[: len(values)][::-1], strict=True)):
        style = {"ha": "right", "va": "bottom", "size": 12, "weight": "bold", "transform": axes[0, 0].transAxes}
        axes[0, 0].text(1 - 0.08 * place, 1.03, name, color=ink, **style)
    axes[-1, 0].set_xlabel("time in the conversation (s)")
    sentence = f"Turns jump; the mean of {turns} turns shows where the {dimension} goes"
    alt = f"{len(speakers)} panels, one per speaker: dots of {dimension} per turn, lines of means of {turns} turns."
    subtitle = f"{table['corpus'].iloc[0]} · {dialogues[0]} · lines: mean of the speaker's last {turns} turns"
    return finish(fig, title or sentence, alt, subtitle)


def ceiling(raters, results, title=None):
    """The CCC of models beside what one rater reaches against the others, per dimension. Lesson 09.

    `raters` is the table of :func:`rater_ceiling`; `results` are results of regressions.
    """
    bars = [
        (name, "one rater, against the others", *raters.loc[name, ["ccc", "low", "high"]], INK) for name in raters.index
    ]
    bars += [(r.target, f"{r.name} on {r.features}", r.ccc, *r.interval, ACCENT) for r in results]
    place = {name: number for number, name in enumerate(raters.index)}
    bars = sorted((bar for bar in bars if bar[0] in place), key=lambda bar: (-place[bar[0]], bar[2]))
    fig, ax = new_figure(figsize=page_size(len(bars), 11))
    rows = np.arange(len(bars)) + np.array([0.6 * (len(place) - 1 - place[bar[0]]) for bar in bars])
    for row, (_, _, ccc, low, high, ink) in zip(rows, bars, strict=True):
        ax.hlines(row, *np.nan_to_num((low, high), nan=ccc), color=ink, linewidth=3, alpha=0.5)
        ax.plot(ccc, row, "o", color=ink, markersize=9)
        ax.text(np.nanmax([high, ccc]) + 0.012, row, f"{ccc:.2f}", va="center", size=11, color=ink)
    ax.set_yticks(rows, [f"{target}: {name}" for target, name, *_ in bars])
    top = max(np.nanmax([bar[2], bar[4]]) for bar in bars)
    ax.set(xlim=(min(0, *(np.nanmin([bar[2], bar[3]]) for bar in bars)), top + 0.09), ylim=(-0.7, rows[-1] + 0.7))
    ax.set(xlabel="CCC with 95 % interval over speakers", ylabel="dimension: by whom")
    ax.grid(False, axis="y")
    least = raters["ccc"].idxmin()
    sentence = f"People agree least about {least}: one rater's CCC is {raters.loc[least, 'ccc']:.2f}"
    listed = ", ".join(f"{target} by {name} {ccc:.2f}" for target, name, ccc, *_ in reversed(bars))
    corpus = " · ".join(sorted({result.corpus for result in results})) + " · " if results else ""
    protocol = results[0].protocol_words if results else "raters only"
    return finish(fig, title or sentence, f"Dots of CCC with intervals: {listed}.", corpus + protocol)


def _cross(ax, scale, x, y):
    """Axes through the middle of the scale, and words at their ends."""
    middle = sum(scale) / 2
    ax.axhline(middle, color=QUIET, linewidth=1)
    ax.axvline(middle, color=QUIET, linewidth=1)
    room = 0.04 * (scale[1] - scale[0])
    ax.set(xlim=(scale[0] - room, scale[1] + room), ylim=(scale[0] - room, scale[1] + room))
    for axis, name in ((ax.set_xlabel, x), (ax.set_ylabel, y)):
        low, high = ENDS.get(name, ("low", "high"))
        axis(f"{name} ({scale[0]} {low} to {scale[1]} {high})")
