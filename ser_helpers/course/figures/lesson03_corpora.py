"""The pictures of Lesson 03: the corpora side by side, maps of feeling, raters' votes, and who is on both sides."""

import textwrap

import numpy as np
import pandas as pd

from ser_helpers import corpora
from ser_helpers.corpora.labels import label_order
from ser_helpers.plots.style import ACCENT, ACCENT_2, GRID, INK, QUIET, colour, finish, new_figure

#: Plutchik's eight families, neighbours next to each other and opposites across: mild, middle, intense; and the label
#: that corpora have for the family.
FAMILIES = (
    ("serenity", "joy", "ecstasy", "happy"),
    ("acceptance", "trust", "admiration", None),
    ("apprehension", "fear", "terror", "fearful"),
    ("distraction", "surprise", "amazement", "surprised"),
    ("pensiveness", "sadness", "grief", "sad"),
    ("boredom", "disgust", "loathing", "disgust"),
    ("annoyance", "anger", "rage", "angry"),
    ("interest", "anticipation", "vigilance", None),
)

#: About where Russell's raters put the labels on the circle, in degrees: 0 is pleasure, 90 is arousal.
ANGLES = {"happy": 8, "excited": 49, "surprised": 70, "angry": 100, "fearful": 116, "sad": 208, "calm": 316}

#: The eight words with which Russell names the directions, 45 degrees apart.
DIRECTIONS = ("pleasure", "excitement", "arousal", "distress", "displeasure", "depression", "sleepiness", "relaxation")


def sizes(cards):
    """How large each corpus is, acted and natural ones apart; `cards` as from ``corpora.cards()``."""
    cards = cards.sort_values(["speech", "utterances"], ascending=[False, True])
    colours = cards.speech.map({"natural": ACCENT_2}).fillna(ACCENT)
    fig, ax = new_figure()
    rows = np.arange(len(cards))
    ax.hlines(rows, 100, cards.utterances, color=colours, linewidth=2)
    ax.scatter(cards.utterances, rows, color=colours, s=90, zorder=3)
    for row, card in zip(rows, cards.itertuples(), strict=True):
        ax.text(card.utterances * 1.25, row, _size(card), va="center", fontsize=11, color=INK)
    ax.set(xscale="log", xlim=(100, 4e6), ylim=(len(cards) - 0.5, -0.5))
    ax.set_xlabel("utterances (each step is ten times as many)")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.minorticks_off()
    ax.set_yticks(rows, [f"{card.title} · {card.speech}" for card in cards.itertuples()])
    ax.grid(False, axis="y")
    natural = cards.speech == "natural"
    share = cards.utterances[natural].sum() / cards.utterances.sum()
    title = f"{natural.sum()} of {len(cards)} corpora are natural speech; they hold {share:.0%} of the utterances"
    listed = "; ".join(f"{card.title}: {card.speech}, {_size(card)}" for card in cards.itertuples())
    return finish(fig, title, f"One line per corpus, as long as it has utterances. {listed}.")


def _size(card):
    speakers = "" if pd.isna(card.speakers) else f" · {card.speakers:,} speakers"
    return f"{card.utterances:,}{speakers}"


def words(cards, scheme="common"):
    """Which words each corpus uses for each label of `scheme`; the last column holds what the scheme drops."""
    meaning = {word: found for found, known in corpora.WORDS.items() for word in known}
    labels = {word: corpora.SCHEMES[scheme].get(meaning.get(word)) for used in cards.labels for word in used}
    columns = [*label_order(labels.values()), "(dropped)"]
    fig, ax = new_figure()
    for row, used in enumerate(cards.labels):
        for column, label in enumerate(columns):
            here = [word for word in used if labels[word] == (label if label != "(dropped)" else None)]
            if here:
                face = {"color": colour(label), "alpha": 0.3, "linewidth": 0}
                ax.fill_between([column - 0.47, column + 0.47], row - 0.45, row + 0.45, **face)
                place = {"ha": "center", "va": "center_baseline", "linespacing": 0.95}
                ax.text(column, row, textwrap.fill(" ".join(here), 9), fontsize=9, color=INK, **place)
    ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(cards) - 0.5, -0.5))
    ax.set_xticks(range(len(columns)), columns, weight="bold")
    ax.set_yticks(range(len(cards)), cards.title)
    ax.grid(False)
    ax.xaxis.tick_top()
    ax.spines[:].set_visible(False)
    dropped = sum(label is None for label in labels.values())
    kept, falls = len(labels) - dropped, "falls" if dropped == 1 else "fall"
    title = f"Of {len(labels)} words, {kept} become {len(columns) - 1} labels and {dropped} {falls} away"
    listed = "; ".join(f"{card.title}: {', '.join(card.labels)}" for card in cards.itertuples())
    return finish(fig, title, f"A table of each corpus's own words under the common labels. {listed}.")


def feelings():
    """Two maps of feeling: Plutchik's wheel, and the circle of pleasure and arousal after Russell."""
    fig, (left, right) = new_figure(1, 2, figsize=(10, 5.6))
    _wheel(left)
    _circle(right)
    for ax in (left, right):
        ax.set(aspect="equal", xticks=[], yticks=[])
        ax.grid(False)
        ax.spines[:].set_visible(False)
    left.set_title("A wheel: families and strengths", loc="left", fontsize=12)
    right.set_title("A plane: pleasant or not, excited or not", loc="left", fontsize=12)
    families = "; ".join(", ".join(family[:3]) for family in FAMILIES)
    places = ", ".join(f"{label} {angle}" for label, angle in ANGLES.items())
    alt = (
        f"Left: a wheel of eight families, mild at the rim and intense at the centre: {families}. Families without a "
        f"label are grey. Right: a circle, pleasure to the right and arousal above; the labels, in degrees: {places}."
    )
    named = sum(label is not None for *_, label in FAMILIES)
    title = f"{named} of {len(FAMILIES)} families have a label; anger and fear are neighbours"
    return finish(fig, title, alt, "left: after Plutchik (2001); right: after Russell (1980), who left out disgust")


def _wheel(ax):
    from matplotlib.patches import Wedge

    for number, (*strengths, label) in enumerate(FAMILIES):
        middle = 90 - 45 * number
        for radius, word, alpha in zip((3, 2.2, 1.4), strengths, (0.2, 0.4, 0.6), strict=True):
            face = colour(label) if label else GRID
            edges = middle - 22.5, middle + 22.5
            ax.add_patch(Wedge((0, 0), radius, *edges, width=0.8, facecolor=face, alpha=alpha))
            ax.add_patch(Wedge((0, 0), radius, *edges, width=0.8, fill=False, edgecolor="white"))
            along = (middle % 180) - 90
            ax.text(*_place(middle, radius - 0.4), word, ha="center", va="center", fontsize=8.5, rotation=along)
    ax.set(xlim=(-3.05, 3.05), ylim=(-3.05, 3.05))


def _circle(ax):
    from matplotlib.patches import Circle

    ax.add_patch(Circle((0, 0), 1, fill=False, edgecolor=QUIET, linewidth=1))
    for number, word in enumerate(DIRECTIONS):
        x, y = _place(45 * number, 0.7)
        ax.text(x, y, word, ha="center", va="center", fontsize=10, color=QUIET, style="italic")
    for label, angle in ANGLES.items():
        x, y = _place(angle, 1)
        side = "center" if abs(x) < 0.2 else "left" if x > 0 else "right"
        ax.scatter(x, y, s=110, color=colour(label), edgecolor="white", zorder=3)
        ax.text(1.1 * x, 1.12 * y, label, ha=side, va="center", fontsize=11, weight="bold", color=INK)
    ax.scatter(0, 0, s=110, color=colour("neutral"))
    ax.text(0, -0.14, "neutral", ha="center", va="center", fontsize=11, weight="bold", color=INK)
    ax.set(xlim=(-1.55, 1.55), ylim=(-1.3, 1.3))


def _place(degrees, radius):
    return radius * np.cos(np.radians(degrees)), radius * np.sin(np.radians(degrees))


def votes(ratings):
    """What the raters said of each clip: `ratings` has a row per clip, a column per rater, words in it."""
    shares = ratings.apply(lambda row: row.value_counts(normalize=True), axis=1).fillna(0)
    shares = shares[label_order(shares.columns)]
    ends = shares.cumsum(axis=1)
    fig, ax = new_figure()
    rows = np.arange(len(shares))
    for label in shares:
        look = {"color": colour(label), "edgecolor": "white", "height": 0.8}
        ax.barh(rows, shares[label], left=ends[label] - shares[label], **look)
        for row in rows[shares[label] > 0]:
            middle = ends[label].iloc[row] - shares[label].iloc[row] / 2
            box = {"facecolor": "white", "edgecolor": "none", "boxstyle": "round,pad=0.2", "alpha": 0.85}
            ax.text(middle, row, f"{label} {shares[label].iloc[row]:.2f}", ha="center", va="center", bbox=box)
    ax.set(xlim=(0, 1), ylim=(len(rows) - 0.5, -0.5), xlabel="share of the raters")
    ax.set_yticks(rows, [f"clip {name}" for name in ratings.index])
    ax.grid(False)
    most = shares.max(axis=1)
    whole, part = (most == 1).sum(), most.between(0.5, 1, "neither").sum()
    title = f"All raters agree on {whole} of {len(most)} clips, most of them on {part} more"
    listed = "; ".join(f"clip {clip}: {', '.join(row)}" for clip, row in ratings.iterrows())
    return finish(fig, title, f"A bar per clip, divided by what its raters said. {listed}.")


def sides(table, splits):
    """How much of each speaker is in training and in test: `splits` is ``{name: (train, test)}``, utterance names."""
    fig, axes = new_figure(len(splits), 1, sharex=True, squeeze=False)
    speakers = sorted(table.speaker.unique())
    found = []
    for ax, (name, (train, test)) in zip(axes.flat, splits.items(), strict=True):
        trained, tested = (table.speaker[part].value_counts().reindex(speakers, fill_value=0) for part in (train, test))
        both = int(((trained > 0) & (tested > 0)).sum())
        found.append(f"{name}: {both} of {len(speakers)} speakers on both sides")
        ax.bar(speakers, trained, color=ACCENT, width=0.75)
        ax.bar(speakers, tested, bottom=trained, color=ACCENT_2, width=0.75)
        ax.set_title(found[-1], loc="left", fontsize=12)
        ax.set_ylabel("utterances")
        ax.grid(False, axis="x")
        ax.text(1.01, 0.35, "training", color=ACCENT, weight="bold", transform=ax.transAxes)
        ax.text(1.01, 0.75, "test", color=ACCENT_2, weight="bold", transform=ax.transAxes)
    axes[-1, 0].set_xticks(range(len(speakers)), [name.rpartition("-")[2] for name in speakers])
    axes[-1, 0].set_xlabel("speaker")
    alt = "A bar per speaker, divided into training and test. " + "; ".join(found) + "."
    subtitle = f"{', '.join(sorted(table.corpus.unique()))}: how each speaker's utterances are divided"
    return finish(fig, "A random split tests on voices it has heard", alt, subtitle)
