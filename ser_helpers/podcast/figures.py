"""Figures of an episode and of a show: emotions over time, their shares, valence, arousal and dominance, laughter.

Each works in the page of a notebook and, with ``figsize=PHONE``, on a telephone.
"""

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, MultipleLocator

from ser_helpers.corpora.labels import label_order
from ser_helpers.corpora.schema import DIMENSIONS
from ser_helpers.errors import EvaluationError
from ser_helpers.plots.style import ACCENT_2, INK, QUIET, colour, finish, new_figure
from ser_helpers.streaming.timeline import emotion_shares, emotions

PAGE, PHONE = (10, 5), (5, 5)
COLUMNS = 120
"""Longer timelines are drawn as means over so many stretches of time."""

STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800)
"""Seconds between the marks of a time axis."""

ENDS = {"valence": "pleasant", "arousal": "excited", "dominance": "strong"}


def draw_timeline(episode, truth=None, title=None, subtitle=None, figsize=PAGE):
    """The probabilities of the emotions over an episode; under them what was shown, felt and laughed at (Lesson 11).

    Parameters
    ----------
    episode : Episode
    truth : DataFrame or None
        Rows of the embedded show's ``truth.csv`` for this episode: ``start``, ``end``, ``kind`` and ``emotion``.
    title, subtitle : str or None
        A sentence of your own, and a quiet line under it.
    figsize : (float, float)
        Inches.

    Returns
    -------
    Figure
    """
    table, names = episode.timeline, label_order(emotions(episode.timeline))
    strips = {"heard": table.rename(columns={"emotion": "what"})}
    if truth is not None:
        strips["felt"] = truth[truth["kind"] == "speech"].rename(columns={"emotion": "what"})
    laughs = _laughs(episode, truth)
    ratios = [8, *[1] * len(strips), *[0.8] * len(laughs)]
    fig, axes = new_figure(
        len(ratios), 1, sharex=True, figsize=figsize, height_ratios=ratios, gridspec_kw={"hspace": 0}, squeeze=False
    )
    _stack(axes[0, 0], table, names)
    _key(axes[0, 0], label_order(np.concatenate([names, *(rows["what"].dropna() for rows in strips.values())])))
    for ax, (word, rows) in zip(axes[1:, 0], strips.items(), strict=False):
        for name in label_order(rows["what"]):
            here = rows[rows["what"] == name]
            ax.broken_barh(
                list(zip(here["start"], here["end"] - here["start"], strict=True)), (0, 1), color=colour(name)
            )
        _strip(ax, word)
    for ax, (word, rows) in zip(axes[1 + len(strips) :, 0], laughs.items(), strict=True):
        ax.broken_barh(list(zip(rows["start"], rows["end"] - rows["start"], strict=True)), (0, 1), color=INK)
        _strip(ax, word)
    _clock(axes[-1, 0], episode.seconds)
    shares = emotion_shares(table)
    most = shares.idxmax()
    heard = f"mostly {most}, {_percent(shares[most])} of the speech" if shares.any() else "nobody speaks"
    listed = ", ".join(f"{name} {_percent(shares[name])}" for name in names)
    told = f"Share of the speech: {listed}." if shares.any() else "Nobody speaks."
    alt = f"Probabilities of emotions over {episode.seconds / 60:.1f} minutes. {told}"
    return finish(fig, title or f"{_short(episode.name)}: {heard}", alt, subtitle)


def draw_pie(episode, title=None, subtitle=None, figsize=PAGE):
    """The pie of an episode: which share of the speech sounds like which emotion (Lesson 11)."""
    shares = emotion_shares(episode.timeline)
    shares = shares[label_order(shares.index)]
    if not shares.any():
        raise EvaluationError(f"Nobody speaks in {episode.name}: there is no pie to draw.")
    shares = shares[shares > 0]
    fig, ax = new_figure(figsize=figsize)
    words = [f"{name}\n{_percent(share)}" for name, share in shares.items()]
    look = {"startangle": 90, "counterclock": False, "labeldistance": 1.12}
    ring = {"width": 0.42, "edgecolor": "white", "linewidth": 2}
    ax.pie(shares, labels=words, colors=map(colour, shares.index), wedgeprops=ring, textprops={"size": 12}, **look)
    minutes = (episode.timeline["speech"] * (episode.timeline["end"] - episode.timeline["start"])).sum() / 60
    ax.text(0, 0, f"{minutes:.1f} min\nof speech", ha="center", va="center", size=13, color=INK)
    alt = f"A ring of shares: {', '.join(f'{name} {_percent(share)}' for name, share in shares.items())}."
    sentence = f"{_short(episode.name)} sounds {shares.idxmax()} for {_percent(shares.max())} of its speech"
    return finish(fig, title or sentence, alt, subtitle)


def draw_shares(show, title=None, subtitle=None, figsize=PAGE):
    """The pies of all episodes unrolled, one bar each; an episode without speech has none (Lesson 11)."""
    table = pd.DataFrame({episode.name: emotion_shares(episode.timeline) for episode in show.episodes}).T
    names = label_order(table.columns)
    fig, ax = new_figure(figsize=(figsize[0], max(figsize[1] * 0.7, 1.8 + 0.42 * len(table))))
    rows, left = np.arange(len(table)), np.zeros(len(table))
    for name in names:
        ax.barh(rows, table[name], left=left, color=colour(name), edgecolor="white", height=0.72)
        for row, (start, share) in enumerate(zip(left, table[name], strict=True)):
            if share >= 0.09:
                look = {"ha": "center", "va": "center", "size": 11, "color": _on(name)}
                ax.text(start + share / 2, row, f"{100 * share:.0f}", **look)
        left += table[name].to_numpy()
    ax.set_yticks(rows, [_short(name, 12 if figsize == PHONE else 30) for name in table.index])
    ax.invert_yaxis()
    ax.grid(False)
    ax.spines["bottom"].set_visible(False)
    ax.spines["left"].set_visible(False)
    ax.set(xticks=[], xlim=(0, 1), xlabel="share of the speech (%)", ylabel="episode" if figsize != PHONE else "")
    _key(ax, names)
    spoken = table[table.any(axis=1)]
    for row in np.flatnonzero(~table.any(axis=1)):
        ax.text(0.01, row, "no speech", va="center", size=11, color=QUIET)
    if spoken.empty:
        return finish(fig, title or f"{_short(show.name)}: nobody speaks", "No episode has any speech in it.", subtitle)
    mean = spoken.mean()
    listed = ", ".join(f"{name} {_percent(mean[name])}" for name in names)
    alt = f"A bar per episode, split into emotions. Means of those with speech: {listed}."
    return finish(fig, title or f"{_short(show.name)}: mostly {mean.idxmax()} in {_most(spoken)}", alt, subtitle)


def draw_dimensions(show, seconds=60.0, across=False, truth=None, title=None, subtitle=None, figsize=PAGE):
    """Valence, arousal and dominance over a show: a dot per sentence, and the mean over the last `seconds` (Lesson 11).

    Parameters
    ----------
    show : Show
        With one episode for a figure of that.
    seconds, across : float, bool
        See :meth:`Show.means`.
    truth : DataFrame or None
        Another ``Show.sentences``-like table on the same rows, such as what was felt: drawn as dashed means.
    title, subtitle, figsize
        As for :func:`draw_timeline`.
    """
    said = show.sentences
    if said[list(DIMENSIONS)].isna().all(axis=None):
        raise EvaluationError(f"No sentence of {show.name} is rated: give its transcripts.")
    means = show.means(seconds, across)
    values = said[list(DIMENSIONS)].to_numpy(float)
    low, high = np.floor(2 * np.nanmin(values)) / 2, np.ceil(2 * np.nanmax(values)) / 2
    fig, axes = new_figure(3, 1, sharex=True, sharey=True, figsize=figsize)
    starts = said.groupby("episode", sort=False)["clock"].min()
    for ax, name in zip(axes, DIMENSIONS, strict=True):
        ax.plot(said["clock"], said[name], "o", color=QUIET, alpha=0.35, markersize=4, markeredgewidth=0)
        for episode in starts.index:
            rows = said["episode"] == episode
            ax.plot(said["clock"][rows], means[name][rows], color=ACCENT_2, linewidth=2.5)
            if truth is not None:
                ax.plot(said["clock"][rows], truth[name][rows], color=INK, linewidth=1.8, linestyle=(0, (4, 2)))
        ax.set(ylim=(low, high), yticks=np.arange(np.ceil(low + 0.1), high))
        ax.set_ylabel(f"{name}\n(1 to 5)" if figsize != PHONE else name)
        ax.text(1.0, 1.02, f"up: {ENDS[name]}", transform=ax.transAxes, ha="right", size=10, color=QUIET)
    for ax in axes:
        for start in starts.iloc[1:]:
            ax.axvline(start, color=QUIET, linewidth=0.8)
    _clock(axes[-1], max(sum(episode.seconds for episode in show.episodes), said["clock"].max()))
    moved = (means.groupby(said["episode"]).max() - means.groupby(said["episode"]).min()).mean().idxmax()
    lines = "orange: as heard" + ("; dashed: as felt" if truth is not None else f", mean of {seconds:g} s")
    alt = f"Three panels over time with {len(said)} dots, one per sentence, and rolling means; {lines}."
    sentence = f"{_short(show.name)}: {moved} moves most within an episode"
    return finish(fig, title or sentence, alt, " · ".join(filter(None, (subtitle, lines))))


def _laughs(episode, truth):
    found = {} if episode.laughter is None else {"laughs": episode.laughter}
    if truth is not None and (truth["kind"] == "laughter").any():
        found["true laughs"] = truth[truth["kind"] == "laughter"]
    return found


def _stack(ax, table, names):
    """Probabilities as stacked steps; where nobody speaks there is nothing."""
    stretch = np.arange(len(table)) // -(-len(table) // COLUMNS)
    mean = table.groupby(stretch)[names].mean()
    starts, ends = table.groupby(stretch)["start"].min(), table.groupby(stretch)["end"].max()
    bottom = np.zeros(len(mean))
    for name in names:
        ax.bar(
            starts, mean[name], ends - starts, bottom, align="edge", color=colour(name), linewidth=0, antialiased=False
        )
        bottom += mean[name].to_numpy()
    ax.set(ylim=(0, 1), yticks=[0, 0.5, 1], ylabel="probability")
    ax.grid(False)


def _key(ax, names):
    """The emotions by name, each after a square of its colour, over the axes."""
    handles = [ax.plot([], [], "s", color=colour(name), markersize=11, label=name)[0] for name in names]
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=len(names),
        frameon=False,
        borderaxespad=0.2,
        handletextpad=0.2,
        columnspacing=1.1,
        fontsize=11,
    )


def _strip(ax, word):
    ax.set(ylim=(0, 1), yticks=[])
    ax.set_ylabel(word, rotation=0, ha="right", va="center")
    ax.grid(False)
    for spine in ("left", "bottom"):
        ax.spines[spine].set_visible(False)


def _clock(ax, seconds):
    """A time axis in minutes and seconds."""
    ax.set_xlim(0, seconds)
    step = next((step for step in STEPS if seconds / step <= 6), 3600)
    ax.xaxis.set_major_locator(MultipleLocator(step))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{int(x // 60)}:{int(x % 60):02d}"))
    ax.set_xlabel("time (min:s)")


def _most(table):
    """In how many of the episodes with speech the emotion leads that leads on average."""
    leading = table.idxmax(axis=1) == table.mean().idxmax()
    return f"{leading.sum()} of {len(table)} episodes"


def _short(name, letters=40):
    """A name that fits, its dollars not taken for formulas."""
    return (name if len(name) <= letters else f"{name[: letters - 1]}…").replace("$", r"\$")


def _percent(share):
    return f"{100 * share:.0f} %"


def _on(name):
    """Black or white, whichever can be read on an emotion's colour."""
    red, green, blue = (int(colour(name)[i : i + 2], 16) for i in (1, 3, 5))
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 140 else INK
