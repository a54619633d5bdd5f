"""Figures of an episode and of a show: emotions over time, their shares, valence, arousal and dominance, laughter.

Each is made for a notebook's page and, with ``figsize=PHONE``, for a phone.
"""

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, MultipleLocator

from ser_helpers.corpora.labels import label_order
from ser_helpers.corpora.schema import DIMENSIONS
from ser_helpers.errors import EvaluationError
from ser_helpers.plots.report_page import PAGE, PHONE
from ser_helpers.plots.style import ACCENT_2, INK, QUIET, colour, finish, new_figure, percent, short, text_on
from ser_helpers.streaming.timeline import emotions

COLUMNS = 120
"""Longer timelines are drawn as means over so many intervals."""

STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800)
"""Seconds between the ticks of a time axis."""

ENDS = {"valence": "pleasant", "arousal": "excited", "dominance": "strong"}


def draw_timeline(episode, truth=None, title=None, subtitle=None, figsize=PAGE):
    """The probabilities of the emotions over an episode; below: predicted and true emotions, laughs (Lesson 11).

    `truth` are the rows of the embedded show's ``truth.csv`` for this episode: ``start``, ``end``, ``kind`` and
    ``emotion``. By default, `title` is a sentence about the episode. `figsize` is in inches.
    """
    table, names = episode.timeline, label_order(emotions(episode.timeline))
    strips = {"predicted": table}
    laughs = {} if episode.laughter is None else {"laughs": episode.laughter}
    if truth is not None:
        strips["true"] = truth[truth["kind"] == "speech"]
        if (truth["kind"] == "laughter").any():
            laughs["true laughs"] = truth[truth["kind"] == "laughter"]
    ratios = [8, *[1] * len(strips), *[0.8] * len(laughs)]
    look = {"figsize": figsize, "height_ratios": ratios, "gridspec_kw": {"hspace": 0}}
    fig, axes = new_figure(len(ratios), sharex=True, **look)
    _stack(axes[0], table, names)
    _legend(axes[0], label_order(np.concatenate([names, *(rows["emotion"].dropna() for rows in strips.values())])))
    for ax, (word, rows) in zip(axes[1:], strips.items(), strict=False):
        for name in label_order(rows["emotion"]):
            _bars(ax, rows[rows["emotion"] == name], colour(name))
        _strip(ax, word)
    for ax, (word, rows) in zip(axes[1 + len(strips) :], laughs.items(), strict=True):
        _bars(ax, rows, INK)
        _strip(ax, word)
    _time_axis(axes[-1], episode.seconds)
    shares = episode.shares
    sentence, shares_text = "nobody speaks", "Nobody speaks."
    if shares.any():
        sentence = f"mostly {shares.idxmax()}, {percent(shares.max())} of the speech"
        shares_text = f"Share of the speech: {', '.join(f'{name} {percent(shares[name])}' for name in names)}."
    alt = f"Probabilities of emotions over {episode.seconds / 60:.1f} minutes. {shares_text}"
    return finish(fig, title or f"{short(episode.name)}: {sentence}", alt, subtitle)


def draw_pie(episode, title=None, subtitle=None, figsize=PAGE):
    """The share of each emotion in the speech of an episode, as a ring (Lesson 11)."""
    shares = episode.shares
    shares = shares[label_order(shares.index)]
    if not shares.any():
        raise EvaluationError(f"Nobody speaks in {episode.name}: there are no shares to draw.")
    shares = shares[shares > 0]
    fig, ax = new_figure(figsize=figsize)
    words = [f"{name}\n{percent(share)}" for name, share in shares.items()]
    look = {"startangle": 90, "counterclock": False, "labeldistance": 1.12}
    ring = {"width": 0.42, "edgecolor": "white", "linewidth": 2}
    ax.pie(shares, labels=words, colors=map(colour, shares.index), wedgeprops=ring, textprops={"size": 12}, **look)
    minutes = (episode.timeline["speech"] * (episode.timeline["end"] - episode.timeline["start"])).sum() / 60
    ax.text(0, 0, f"{minutes:.1f} min\nof speech", ha="center", va="center", size=13, color=INK)
    alt = f"A ring of shares: {', '.join(f'{name} {percent(share)}' for name, share in shares.items())}."
    sentence = f"{short(episode.name)} sounds {shares.idxmax()} for {percent(shares.max())} of its speech"
    return finish(fig, title or sentence, alt, subtitle)


def draw_shares(show, title=None, subtitle=None, figsize=PAGE):
    """The share of each emotion in the speech of all episodes, a stacked bar each (Lesson 11)."""
    table = pd.DataFrame({episode.name: episode.shares for episode in show.episodes}).T
    labels = [episode.title or episode.name for episode in show.episodes]
    names = label_order(table.columns)
    fig, ax = new_figure(figsize=(figsize[0], max(figsize[1] * 0.7, 1.8 + 0.42 * len(table))))
    rows, left = np.arange(len(table)), np.zeros(len(table))
    for name in names:
        ax.barh(rows, table[name], left=left, color=colour(name), edgecolor="white", height=0.72)
        for row, (start, share) in enumerate(zip(left, table[name], strict=True)):
            if share >= 0.09:
                look = {"ha": "center", "va": "center", "size": 11, "color": text_on(colour(name))}
                ax.text(start + share / 2, row, f"{100 * share:.0f}", **look)
        left += table[name].to_numpy()
    ax.set_yticks(rows, [short(name, 12 if figsize == PHONE else 30) for name in labels])
    ax.invert_yaxis()
    ax.grid(False)
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.set(xticks=[], xlim=(0, 1), xlabel="share of the speech (%)", ylabel="episode" if figsize != PHONE else "")
    _legend(ax, names)
    spoken = table[table.any(axis=1)]
    for row in np.flatnonzero(~table.any(axis=1)):
        ax.text(0.01, row, "no speech", va="center", size=11, color=QUIET)
    if spoken.empty:
        return finish(fig, title or f"{short(show.name)}: nobody speaks", "No episode has any speech in it.", subtitle)
    mean = spoken.mean()
    listed = ", ".join(f"{name} {percent(mean[name])}" for name in names)
    alt = f"A bar per episode, split into emotions. Means of those with speech: {listed}."
    leading = f"{(spoken.idxmax(axis=1) == mean.idxmax()).sum()} of {len(spoken)} episodes"
    return finish(fig, title or f"{short(show.name)}: mostly {mean.idxmax()} in {leading}", alt, subtitle)


def draw_dimensions(show, seconds=60.0, across=False, truth=None, title=None, subtitle=None, figsize=PAGE):
    """Valence, arousal and dominance over a show: a dot per sentence, and the mean over the last `seconds` (Lesson 11).

    `seconds` and `across` are those of :meth:`Show.means`; `truth` are true means on the rows of ``show.sentences``,
    drawn dashed.
    """
    rated = show.sentences
    if rated[list(DIMENSIONS)].isna().all(axis=None):
        raise EvaluationError(f"No sentence of {show.name} is rated: give its transcripts.")
    means = show.means(seconds, across)
    values = rated[list(DIMENSIONS)].to_numpy(float)
    low, high = np.floor(2 * np.nanmin(values)) / 2, np.ceil(2 * np.nanmax(values)) / 2
    fig, axes = new_figure(3, 1, sharex=True, sharey=True, figsize=figsize)
    starts = rated.groupby("episode", sort=False)["clock"].min()
    for ax, name in zip(axes, DIMENSIONS, strict=True):
        ax.plot(rated["clock"], rated[name], "o", color=QUIET, alpha=0.35, markersize=4, markeredgewidth=0)
        for episode in starts.index:
            rows = rated["episode"] == episode
            ax.plot(rated["clock"][rows], means[name][rows], color=ACCENT_2, linewidth=2.5)
            if truth is not None:
                ax.plot(rated["clock"][rows], truth[name][rows], color=INK, linewidth=1.8, linestyle=(0, (4, 2)))
        ax.set(ylim=(low, high), yticks=np.arange(np.ceil(low + 0.1), high))
        ax.set_ylabel(f"{name}\n(1 to 5)" if figsize != PHONE else name)
        ax.text(1.0, 1.02, f"up: {ENDS[name]}", transform=ax.transAxes, ha="right", size=10, color=QUIET)
        for start in starts.iloc[1:]:
            ax.axvline(start, color=QUIET, linewidth=0.8)
    _time_axis(axes[-1], max(sum(episode.seconds for episode in show.episodes), rated["clock"].max()))
    moved = (means.groupby(rated["episode"]).max() - means.groupby(rated["episode"]).min()).mean().idxmax()
    lines = "orange: predicted" + ("; dashed: true" if truth is not None else f", mean of {seconds:g} s")
    alt = f"Three panels over time with {len(rated)} dots, one per sentence, and rolling means; {lines}."
    sentence = f"{short(show.name)}: {moved} moves most within an episode"
    return finish(fig, title or sentence, alt, " · ".join(filter(None, (subtitle, lines))))


def _stack(ax, table, names):
    """Probabilities as stacked bars; empty where nobody speaks."""
    intervals = table.groupby(np.arange(len(table)) // -(-len(table) // COLUMNS))
    mean, starts, ends = intervals[names].mean(), intervals["start"].min(), intervals["end"].max()
    bottom = np.zeros(len(mean))
    for name in names:
        look = {"color": colour(name), "linewidth": 0, "antialiased": False}
        ax.bar(starts, mean[name], ends - starts, bottom, align="edge", **look)
        bottom += mean[name].to_numpy()
    ax.set(ylim=(0, 1), yticks=[0, 0.5, 1], ylabel="probability")
    ax.grid(False)


def _legend(ax, names):
    """A legend of emotions in one line above the axes."""
    handles = [ax.plot([], [], "s", color=colour(name), markersize=11, label=name)[0] for name in names]
    spacing = {"borderaxespad": 0.2, "handletextpad": 0.2, "columnspacing": 1.1, "fontsize": 11}
    ax.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(names), frameon=False, **spacing)


def _bars(ax, rows, ink):
    ax.broken_barh(list(zip(rows["start"], rows["end"] - rows["start"], strict=True)), (0, 1), color=ink)


def _strip(ax, word):
    ax.set(ylim=(0, 1), yticks=[])
    ax.set_ylabel(word, rotation=0, ha="right", va="center")
    ax.grid(False)
    ax.spines[["left", "bottom"]].set_visible(False)


def _time_axis(ax, seconds):
    """A time axis in minutes and seconds."""
    ax.set_xlim(0, seconds)
    step = next((step for step in STEPS if seconds / step <= 6), 3600)
    ax.xaxis.set_major_locator(MultipleLocator(step))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{int(x // 60)}:{int(x % 60):02d}"))
    ax.set_xlabel("time (min:s)")
