"""Figures of corpora, features and training."""

import difflib
import textwrap
import warnings
from itertools import cycle

import numpy as np
import pandas as pd
import seaborn as sns

from ser_helpers.corpora.labels import label_order
from ser_helpers.errors import EvaluationError
from ser_helpers.plots.style import (
    ACCENT_2,
    INK,
    LINES,
    QUIET,
    bars,
    capitalised,
    colour,
    finish,
    new_figure,
    page_size,
    text_on,
)


def counts(table, title=None, column="emotion"):
    """How many utterances each emotion has, with its share. Lesson 03."""
    n = table[column].value_counts()
    n = n.loc[label_order(n.index)]
    fig, ax = new_figure(figsize=page_size(len(n), 12))
    bars(ax, n)
    for row, count in enumerate(n):
        ax.text(count, row, f"  {count}  ({100 * count / n.sum():.0f} %)", va="center", size=11)
    ax.set(xlabel="utterances", ylabel=column, xlim=(0, n.max() * 1.15))
    ax.grid(False, axis="y")
    if n.max() == n.min():
        sentence = f"Every {column} has {n.max()} utterances"
    else:
        sentence = f"{capitalised(n.idxmin())} has only {n.min()} utterances, others up to {n.max()}"
    alt = f"Bars of utterances per {column}: " + ", ".join(f"{label} {count}" for label, count in n.items()) + "."
    return finish(fig, title or sentence, alt, describe(table))


def feature_by_emotion(X, table, feature, relative_to_neutral=False, unit=None, title=None):
    """How one feature is distributed in each emotion. Lesson 02.

    Boxes contain the middle half of the utterances, the line is the median, whiskers reach 1.5 box heights at most.
    `feature` is a column of `X`, which is joined to `table` by utterance; `unit` is written beside its name. With
    `relative_to_neutral`, the mean of the same speaker's neutral utterances is subtracted, so that what is left is
    emotion rather than voice; speakers without a neutral utterance are left out, with a warning.
    """
    if feature not in X:
        near = difflib.get_close_matches(str(feature), list(map(str, X.columns)), n=3)
        raise EvaluationError(
            f"There is no feature {feature!r}" + (f": did you mean {' or '.join(near)}?" if near else ".")
        )
    values = X[feature].reindex(table.index)
    if relative_to_neutral:
        values = values - _own_neutral(values, table)
    values = values.dropna()
    if len(values) == 0:
        raise EvaluationError(f"No utterance of this table has a value of {feature!r}: join X and table by utterance.")
    emotions = table.loc[values.index, "emotion"]
    labels = label_order(emotions)
    fig, ax = new_figure()
    look = {"order": labels, "hue": emotions, "palette": {label: colour(label) for label in labels}, "saturation": 1}
    sns.boxplot(x=emotions, y=values, width=0.62, showfliers=False, legend=False, linecolor=INK, ax=ax, **look)
    for label, median in zip(labels, ax.lines[4::5], strict=True):  # each box has four lines for its whiskers before
        median.set(color=text_on(colour(label)), linewidth=2)
    ax.tick_params(axis="x", labelrotation=0 if len(labels) <= 10 else 90)
    below = f"{unit or 'difference'} from the speaker's own neutral" if relative_to_neutral else unit
    ax.set_ylabel("\n".join([*textwrap.wrap(feature, 40), *([below] if below else [])]), size=11)
    ax.set_xlabel("emotion")
    ax.grid(False, axis="x")
    if relative_to_neutral:
        ax.axhline(0, color=QUIET, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
    medians = values.groupby(emotions).median()[labels].round(9) + 0.0
    sentence = f"{capitalised(medians.idxmax())} has the highest {feature}, {medians.idxmin()} the lowest"
    alt = f"Boxes of {feature} per emotion; medians: " + ", ".join(f"{k} {v:.3g}" for k, v in medians.items()) + "."
    return finish(fig, title or sentence, alt, describe(table.loc[values.index]))


def learning_curves(history, corpus, protocol, title=None):
    """Training and validation curves of one or several fits. Lesson 04.

    `history` is a DataFrame, dict or Keras History with ``loss``, ``accuracy`` and, where there is validation data,
    ``val_loss``, ``val_accuracy``; or a dict of several by name. `corpus` and `protocol` are written below the title.
    """
    runs = _histories(history)
    kinds = [kind for kind in ("accuracy", "loss") if any(kind in run for run in runs.values())]
    if not kinds:
        raise EvaluationError(
            "The history holds neither 'loss' nor 'accuracy': pass model.history_ of a fitted network."
        )
    fig, axes = new_figure(1, len(kinds), squeeze=False)
    for ax, kind in zip(axes[0], kinds, strict=True):
        ends = []
        for (name, run), ink in zip(runs.items(), cycle(LINES[:4]), strict=False):
            for key, words, style in (
                (kind, "training", "--" if len(runs) > 1 else "-"),
                (f"val_{kind}", "validation", "-"),
            ):
                if key in run:
                    line_ink = ink if len(runs) > 1 or words == "training" else ACCENT_2
                    ax.plot(run.index, run[key], style, color=line_ink, linewidth=2)
                    ends.append((run.index[-1], run[key].iloc[-1], f"{name} {words}".strip(), line_ink))
        _label_ends(ax, ends)
        ax.set(xlabel="epoch", ylabel="loss (cross-entropy)" if kind == "loss" else kind)
        if kind == "accuracy":
            ax.set_ylim(0, 1.02)
    kind = kinds[0]
    last = {name: run.iloc[-1] for name, run in runs.items()}
    told = [f"{name} ends at {kind} {row.get('val_' + kind, row[kind]):.2f}".strip() for name, row in last.items()]
    sentence = "; ".join(told)
    if len(runs) == 1:
        row = next(iter(last.values()))
        sentence = f"Training ends at {kind} {row[kind]:.2f}"
        if f"val_{kind}" in row:
            sentence += f", validation at {row['val_' + kind]:.2f}"
    sentence = capitalised(sentence)
    alt = f"Curves of {' and '.join(kinds)} over {max(len(run) for run in runs.values())} epochs. {sentence}."
    return finish(fig, title or sentence, alt, f"{corpus} · {protocol}")


def describe(table):
    """Corpus, utterances and speakers of a table in one line. Lesson 03.

    >>> describe(pd.DataFrame({"corpus": ["toy"] * 2, "speaker": ["a", "b"]}))
    'toy · 2 utterances of 2 speakers'
    """
    corpora = " + ".join(sorted(table["corpus"].unique()))
    return f"{corpora} · {len(table)} utterances of {table['speaker'].nunique()} speakers"


def _own_neutral(values, table):
    neutral = values[table["emotion"] == "neutral"].groupby(table["speaker"]).mean()
    without = sorted(set(table["speaker"]) - set(neutral.index))
    if len(neutral) == 0:
        raise EvaluationError("No speaker has a neutral utterance to compare with: use relative_to_neutral=False.")
    if without:
        warnings.warn(f"Left out, for want of a neutral utterance: {', '.join(without)}.", stacklevel=3)
    return table["speaker"].map(neutral)


def _histories(history):
    if isinstance(history, dict) and not any(
        isinstance(value, list | tuple | np.ndarray) for value in history.values()
    ):
        return {name: _frame(run) for name, run in history.items()}
    return {"": _frame(history)}


def _frame(history):
    history = getattr(history, "history", history)
    if isinstance(history, pd.DataFrame):
        return history
    return pd.DataFrame(history).rename(index=lambda epoch: epoch + 1)


def _label_ends(ax, ends):
    """Name each line at its right end, pushed apart where two end at the same height."""
    ax.margins(x=0)
    low, high = ax.get_ylim()
    gap, previous = 0.06 * (high - low), -np.inf
    for x, y, words, ink in sorted(ends, key=lambda end: end[1]):
        previous = max(y, previous + gap)
        ax.annotate(words, (x, previous), (6, 0), textcoords="offset points", va="center", size=11, color=ink)
