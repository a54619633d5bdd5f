"""The pictures of Lesson 05: borders that models draw, many scores at once, nested folds, a voice against itself."""

import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from ser_helpers import corpora
from ser_helpers.corpora.labels import label_order
from ser_helpers.models import SpeakerFolds, SpeakerNormaliser
from ser_helpers.plots.style import ACCENT, ACCENT_2, GRID, INK, QUIET, colour, finish, new_figure


def borders(models, X, table, units=("", "")):
    """Where each of up to five models (by name) draws the borders between emotions, with the two features of `X` only.

    Each is fitted on all of `X`, so the picture shows how a model decides, not how well. `units` are those of the two
    features, `table` is the utterance table.
    """
    emotions = table.emotion[X.index]
    labels = label_order(emotions)
    place = {label: number for number, label in enumerate(labels)}
    low, high = X.quantile(0.005), X.quantile(0.995)
    across, up = (np.linspace(low.iloc[k], high.iloc[k], 150) for k in (0, 1))
    plane = pd.DataFrame(np.array(np.meshgrid(across, up)).reshape(2, -1).T, columns=X.columns)
    extent = (across[0], across[-1], up[0], up[-1])
    paint = {"origin": "lower", "aspect": "auto", "alpha": 0.35, "vmin": -0.5, "vmax": len(labels) - 0.5}
    fig, axes = new_figure(2, 3, sharex=True, sharey=True)
    for ax, (name, model) in zip(axes.flat, models.items(), strict=False):
        said = clone(model).fit(X, emotions.to_numpy()).predict(plane)
        areas = np.array([place[label] for label in said]).reshape(150, 150)
        ax.imshow(areas, extent=extent, cmap=ListedColormap([colour(label) for label in labels]), **paint)
        ax.scatter(*X.to_numpy().T, c=[colour(label) for label in emotions], s=5, linewidth=0)
        ax.set_title(name, loc="left", size=12, color=INK)
        ax.grid(False)
        ax.set(xlim=extent[:2], ylim=extent[2:])
    for ax in axes.flat[len(models) :]:
        ax.set_axis_off()
    for row, label in enumerate(labels):
        style = {"size": 15, "weight": "bold", "transform": axes[1, 2].transAxes}
        axes[1, 2].text(0.1, 0.75 - 0.2 * row, label, color=colour(label), **style)
    names = [f"{column} ({unit})" if unit else column for column, unit in zip(X.columns, units, strict=True)]
    fig.supxlabel(names[0], size=12)
    fig.supylabel(names[1], size=12)
    alt = f"{len(models)} panels with the same dots; each model, {', '.join(models)}, paints other areas behind them."
    subtitle = f"{_corpora(table.loc[X.index])} · trained on all dots shown"
    return finish(fig, "Every model draws its own kind of border", alt, subtitle)


def scores(results, title=None):
    """The UAR of many results as dots with their 95 % intervals over speakers, the best at the top."""
    results = sorted(results, key=lambda result: result.uar)
    fig, ax = new_figure(figsize=(10, max(5, 1.6 + 0.36 * len(results))))
    for row, result in enumerate(results):
        ink = ACCENT_2 if "speaker-normalised" in result.name else ACCENT
        ax.hlines(row, *np.nan_to_num(result.interval, nan=result.uar), color=ink, linewidth=3, alpha=0.5)
        ax.plot(result.uar, row, "o", color=ink, markersize=9)
        ax.text(result.interval[1] + 0.012, row, f"{result.uar:.2f}", va="center", size=11, color=ink)
    ax.set_yticks(range(len(results)), [f"{result.name} · {result.features}" for result in results])
    ax.set(xlim=(0, max(result.interval[1] for result in results) + 0.08), ylim=(-0.6, len(results) - 0.3))
    ax.set_xlabel("UAR with 95 % interval over speakers")
    ax.set_ylabel("model · features")
    ax.grid(False, axis="y")
    chance = results[0].chance_level
    ax.axvline(chance, color=QUIET, linewidth=1.2, linestyle=(0, (4, 3)))
    ax.text(chance, 1.01, f"chance {chance:.3g}", transform=ax.get_xaxis_transform(), ha="center", size=10, color=QUIET)
    best = results[-1]
    sentence = f"Best of {len(results)}: {best.name} on {best.features}, UAR {best.uar:.2f}"
    listed = ", ".join(f"{result.name} on {result.features} {result.uar:.2f}" for result in reversed(results))
    subtitle = f"{best.corpus} · {best.protocol_words}"
    if any("speaker-normalised" in result.name for result in results):
        subtitle += " · orange: with unlabelled speech of the test speakers"
    return finish(fig, title or sentence, f"Dots with intervals, the best at the top: {listed}.", subtitle)


def nested(table, n_splits=5, inner=3, seed=0):
    """Which speakers train, choose and test in the first fold of a nested search."""
    train, test = corpora.split(table, "speaker", n_splits, seed)[0]
    speakers = sorted(table.speaker.unique())
    tested = set(table.speaker[test])
    rows = []
    known = table.loc[train]
    for _, validation in SpeakerFolds(known, inner, seed).split(known):
        choosing = set(known.speaker.iloc[validation])
        rows.append({s: "" if s in tested else "choose" if s in choosing else "train" for s in speakers})
    rows.append({speaker: "test" if speaker in tested else "train" for speaker in speakers})
    fig, ax = new_figure()
    looks = {"train": (ACCENT, "white"), "choose": ("#edd05e", INK), "test": (ACCENT_2, "white"), "": (GRID, INK)}
    letters = 2 if len(speakers) > 12 else 6
    for row, parts in enumerate(rows):
        for column, part in enumerate(parts.values()):
            paper, ink = looks[part]
            ax.barh(row, 0.94, left=column - 0.47, height=0.8, color=paper)
            ax.text(column, row, part[:letters], color=ink, ha="center", va="center", size=10)
    steps = [*(f"inner fold {number}" for number in range(1, inner + 1)), "then, with the\nbest setting"]
    ax.set_yticks(range(inner + 1), steps)
    ax.set_xticks(range(len(speakers)), [speaker.rpartition("-")[2] for speaker in speakers])
    ax.set(xlabel="speaker", ylabel="step", xlim=(-0.6, len(speakers) - 0.4))
    ax.invert_yaxis()
    ax.grid(False)
    others, asked = _number(len(speakers) - len(tested)), _number(len(tested)).lower()
    title = f"{others} speakers choose and train; {asked} {'is' if len(tested) == 1 else 'are'} asked once, at the end"
    alt = f"A grid of {inner + 1} rows and {len(speakers)} speakers; those who test are grey in all inner rows."
    key = "tr = trains, ch = chooses the setting, te = tests, grey = unused"
    return finish(fig, title, alt, f"{_corpora(table)} · fold 1 of {n_splits}: {key}")


def against_itself(X, table, column, name, unit, pair=("calm", "happy"), speakers=8):
    """One feature of two emotions, speaker by speaker: as measured, and against each speaker's own mean and spread."""
    first = sorted(table.speaker.unique())[:speakers]
    rows = table[table.speaker.isin(first)]
    raw = X.loc[rows.index, [column]]
    shares = []
    fig, axes = new_figure(1, 2)
    for ax, values in zip(axes, (raw, SpeakerNormaliser(table.speaker).fit_transform(raw)), strict=True):
        sides = [values[column][rows.emotion == emotion] for emotion in pair]
        for emotion, side, shift in zip(pair, sides, (-0.15, 0.15), strict=True):
            places = rows.speaker[side.index].map(first.index) + shift
            ax.plot(places, side, "o", color=colour(emotion), markersize=6, alpha=0.8)
        shares.append(auc(*sides))
        ax.set_xticks(range(len(first)), [speaker.rpartition("-")[2] for speaker in first])
        ax.set_xlabel("speaker")
        ax.grid(False, axis="x")
    axes[0].set_ylabel(f"{name} ({unit})")
    axes[1].set_ylabel(f"{name} (own standard deviations)")
    for ax, words in zip(axes, ("as measured", "against the speaker's own mean and spread"), strict=True):
        ax.set_title(words, loc="left", size=12, color=INK)
    low, high = pair
    for emotion, height in zip(pair, (0.88, 0.94), strict=True):
        style = {"color": colour(emotion), "weight": "bold", "size": 13, "transform": axes[0].transAxes}
        axes[0].text(0.02, height, emotion, **style)
    raw_share, own_share = (f"{100 * share:.0f} %" for share in shares)
    title = f"{high.capitalize()} is above {low} in {raw_share} of pairs; once normalised, in {own_share}"
    alt = f"Dots of {name} for {len(first)} speakers, {low} and {high}, as measured and normalised. {title}."
    subtitle = f"{_corpora(table)} · {name}, all pairs of a {high} and a {low} utterance of these {len(first)} speakers"
    return finish(fig, title, alt, subtitle)


def auc(low, high):
    """The share of pairs in which the value of `high` is above that of `low`; 0.5 is chance."""
    return float(roc_auc_score(np.repeat([0, 1], [len(low), len(high)]), np.concatenate([low, high])))


def _corpora(table):
    return " + ".join(sorted(table.corpus.unique()))


def _number(n):
    words = "Zero One Two Three Four Five Six Seven Eight Nine Ten Eleven Twelve".split()
    return words[n] if n < len(words) else str(n)
