"""The pictures of Lesson 11: true and predicted shares, the threshold of a laugh, a model abroad, and the bill."""

import dataclasses

import numpy as np
import pandas as pd

from ser_helpers.corpora.labels import label_order
from ser_helpers.corpora.schema import DIMENSIONS
from ser_helpers.evaluation import bootstrap, uar
from ser_helpers.evaluation.segments import event_scores, merge_events
from ser_helpers.plots.style import ACCENT, ACCENT_2, INK, QUIET, colour, finish, new_figure
from ser_helpers.podcast import Show
from ser_helpers.streaming import emotion_shares

LANGUAGES = {"en": "English", "de": "German"}


def shares(show, truth):
    """The share (%) of each emotion in the speech of each episode, ``felt`` and ``predicted``: a row for each of both.

    `truth` is the ``truth.csv`` of an embedded show.
    """
    rows = []
    for episode in show.episodes:
        spoken = truth[(truth.episode == episode.name) & (truth.kind == "speech")]
        seconds = (spoken.end - spoken.start).groupby(spoken.emotion).sum()
        for emotion, share in emotion_shares(episode.timeline).items():
            felt = seconds.get(emotion, 0) / seconds.sum()
            rows.append({"episode": episode.name, "emotion": emotion, "felt": 100 * felt, "predicted": 100 * share})
    return pd.DataFrame(rows)


def felt_and_heard(show, truth, what="The slices of the pies"):
    """What was felt and what the model predicts: a line from one share to the other, for each emotion and episode.

    `show` and `truth` are as for `shares`; `what` begins the title.
    """
    table = shares(show, truth)
    names = label_order(table.emotion)
    fig, axes = new_figure(1, len(names), sharey=True, sharex=True)
    for ax, name in zip(axes, names, strict=True):
        rows = table[table.emotion == name]
        ax.hlines(rows.episode, rows.felt, rows.predicted, color=QUIET, linewidth=1.5)
        ax.plot(rows.felt, rows.episode, "o", color="white", markeredgecolor=INK, markersize=9, markeredgewidth=1.5)
        ax.plot(rows.predicted, rows.episode, "o", color=colour(name), markeredgecolor=INK, markersize=9)
        ax.set_title(name, loc="left", size=12, color=INK)
        ax.set(xlabel="share (%)", xlim=(-6, 106))
    axes[0].invert_yaxis()
    too_much = table.predicted - table.felt
    wrong, too_much = too_much.abs().mean(), too_much.groupby(table.emotion).mean()
    listed = ", ".join(f"{name} {too_much[name]:+.0f} points" for name in names)
    alt = f"Shares of each emotion, felt and predicted, in each episode. Predicted less felt, on average: {listed}."
    title = f"{what} are wrong by {wrong:.0f} points on average"
    return finish(fig, title, alt, "synthetic show · share of the speech: white as felt, coloured as predicted")


def as_felt(show, truth):
    """The same show, with the valence, arousal and dominance of its sentences as they were felt."""
    episodes = []
    for episode in show.episodes:
        spoken = truth[(truth.episode == episode.name) & (truth.kind == "speech")].sort_values("start")
        last = np.searchsorted(spoken.start, episode.sentences.start + 0.01, side="right") - 1
        known = {name: spoken[name].to_numpy()[last] for name in DIMENSIONS}
        episodes.append(dataclasses.replace(episode, sentences=episode.sentences.assign(**known)))
    return Show(show.name, episodes)


def laughter_curve(detector, curve, truth, start=0.0, seconds=60.0):
    """A stretch of an episode: the probability of laughter, the threshold, what is found, and who laughed when.

    `curve` is what ``detector.probabilities`` gives, `truth` the rows of the embedded show for this episode.
    """
    end = start + seconds
    fig, axes = new_figure(3, 1, sharex=True, height_ratios=[6, 1, 1])
    axes[0].plot(curve.index, curve, color=QUIET, linewidth=1)
    axes[0].plot(curve.index, detector.smooth(curve), color=ACCENT_2, linewidth=2.5)
    axes[0].axhline(detector.threshold, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
    axes[0].set(ylabel="probability", ylim=(0, 1.02), xlim=(start, end))
    laughs = truth[(truth.kind == "laughter") & (truth.end > start) & (truth.start < end)]
    found = detector.segments(curve)
    found = found[(found.end > start) & (found.start < end)]
    for ax, rows, word, ink in ((axes[1], found, "found", ACCENT_2), (axes[2], laughs, "true", INK)):
        ax.broken_barh(list(zip(rows.start, rows.end - rows.start, strict=True)), (0, 1), color=ink, alpha=0.6)
        ax.set(ylim=(-0.2, 1.2), yticks=[])
        ax.set_ylabel(word, rotation=0, ha="right", va="center")
        ax.grid(False)
    axes[2].set_xlabel("time (s)")
    together = len(merge_events(laughs))
    title = f"In this minute there are {together} stretches of laughter, and {len(found)} are found"
    counts = f"{len(found)} stretches found and {together} true ones"
    alt = f"Probability of laughter over {seconds:.0f} s; below it {counts}."
    return finish(fig, title, alt, f"synthetic show · {detector.label} · grey: as it comes; orange: smoothed")


def thresholds(detector, curve, truth):
    """Precision and recall of the laughs of an episode for several thresholds; arguments as for `laughter_curve`."""
    laughs = merge_events(truth[truth.kind == "laughter"])
    values, found = np.arange(1, 10) / 10, []
    for value in values:
        other = type(detector)(detector.weights, value, detector.min_length, detector.smoothing, detector.every)
        found.append(event_scores(other.segments(curve), laughs))
    table = pd.DataFrame(found, index=values)
    fig, ax = new_figure()
    for name, ink in (("precision", ACCENT), ("recall", ACCENT_2)):
        ax.plot(table.index, table[name], "o-", color=ink, linewidth=2.5, markersize=8)
        first = (table.index[0], table[name].iloc[0])
        ax.annotate(name, first, (-12, 0), textcoords="offset points", color=ink, size=12, weight="bold", ha="right")
    ax.set(xlabel="threshold", ylabel="share", ylim=(0, 1.05), xlim=(-0.06, 0.95))
    best = table.f1.idxmax()
    listed = "; ".join(f"{value:.1f}: {row.precision:.2f} and {row.recall:.2f}" for value, row in table.iterrows())
    title = f"The threshold decides between missed and invented laughs; F1 is best at {best:.1f}"
    return finish(fig, title, f"Precision and recall by threshold. {listed}.", f"synthetic show · {detector.label}")


def scores(results):
    """UAR of each result on each language, with its 95 % interval over speakers, as a table.

    `results` maps (what it was trained on, how the voices were measured) to a list of Results, one or more for each
    language.
    """
    rows = []
    for (trained, voices), found in results.items():
        for result in found:
            for language, said in result.predictions.groupby(result.table.language[result.predictions.index]):
                codes, weights = bootstrap.draw(result.table.speaker[said.index])
                draws = bootstrap.recalls(said.truth, said.predicted, result.labels, codes, weights)
                low, high = bootstrap.interval(np.nanmean(draws, axis=1))
                row = {"tested on": LANGUAGES[language], "trained on": trained, "voices": voices}
                rows.append(row | {"UAR": uar(said.truth, said.predicted), "low": float(low), "high": float(high)})
    return pd.DataFrame(rows).sort_values("tested on", kind="stable", ignore_index=True)


def abroad(results):
    """UAR at home, abroad and after training on both languages, for two ways to measure the voices; see `scores`.

    The first two keys of `results` by what it was trained on are home and abroad, in this order.
    """
    table = scores(results)
    (home, away, *_), (raw, own) = table["trained on"].unique(), table.voices.unique()
    fig, axes = new_figure(1, 2, sharex=True, sharey=True)
    for ax, (language, rows) in zip(axes, table.groupby("tested on"), strict=True):
        _scores(ax, rows[rows.voices == raw], QUIET, -0.16)
        _scores(ax, rows[rows.voices == own], ACCENT_2, 0.16)
        chance = next(iter(results.values()))[0].chance_level
        ax.axvline(chance, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
        ax.text(chance - 0.015, 1, "chance", rotation=90, ha="right", va="center", size=10, color=INK)
        ax.set_title(f"tested on {language}", loc="left", size=12, color=INK)
        ax.set(xlabel="UAR, unseen speakers", xlim=(0, 1.08), xticks=[0, 0.25, 0.5, 0.75, 1])
    trained = table["trained on"].unique()
    axes[0].set(ylabel="trained on", ylim=(len(trained) - 0.4, -0.6))
    axes[0].set_yticks(range(len(trained)), [name.replace(" ", "\n") for name in trained])
    means = table.groupby(["trained on", "voices"]).UAR.mean()
    lost, won = 100 * (means[home, raw] - means[away, raw]), 100 * (means[away, own] - means[away, raw])
    title = f"Abroad {lost:.0f} points of UAR are lost; a voice measured against itself wins back {won:.0f}"
    listed = "; ".join(f"on {r[0]}, trained on {r[1]}, {r[2]}: {r[3]:.2f}" for r in table.itertuples(index=False))
    corpora = " + ".join(sorted({result.corpus for result in results[away, raw]}))
    return finish(fig, title, f"UAR with 95 % intervals over speakers. Tested {listed}.", corpora)


def _scores(ax, rows, ink, shift):
    """Dots with intervals, one row per training; the name of the voices stands beside the first."""
    height = np.arange(len(rows)) + shift
    ax.hlines(height, rows.low, rows.high, color=ink, linewidth=3)
    ax.plot(rows.UAR, height, "o", color=ink, markersize=9)
    for y, score, high in zip(height, rows.UAR, rows.high, strict=True):
        ax.text(high + 0.02, y, f"{score:.2f}", va="center", color=ink, size=11)
    ax.text(rows.low.iloc[0] - 0.02, height[0], rows.voices.iloc[0], ha="right", va="center", color=ink, size=11)


def costs(rates):
    """What each step costs: seconds of one core for an hour of audio, by name."""
    steps = pd.Series(rates)
    fig, ax = new_figure(figsize=(10, 3.5))
    ax.barh(steps.index, steps, color=ACCENT, height=0.6)
    for row, value in enumerate(steps):
        ax.annotate(f"{value:.0f} s", (value, row), (6, 0), textcoords="offset points", va="center", size=12)
    ax.invert_yaxis()
    ax.set(xlabel="seconds of one core for an hour of audio", ylabel="step", xlim=(0, 1.12 * steps.max()))
    title = f"An hour of audio takes one core {steps.sum():.0f} s, the most for {steps.idxmax()}"
    alt = "Bars of seconds per hour of audio: " + ", ".join(f"{name} {value:.0f}" for name, value in steps.items())
    return finish(fig, title, alt, "measured on this machine, in the cell above")
