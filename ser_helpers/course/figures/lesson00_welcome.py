"""The pictures of Lesson 00: words against voice, and two decades of the field."""

import numpy as np

from ser_helpers.corpora.labels import label_order
from ser_helpers.plots.style import ACCENT, ACCENT_2, GRID, INK, colour, finish, new_figure

TIMELINE = {
    "corpora": [
        (2005, "EmoDB: 10 actors,\nfree for all"),
        (2008, "IEMOCAP: actors\nin dialogue"),
        (2018, "RAVDESS: 24 actors,\n8 emotions"),
        (2019, "MSP-Podcast: real\nconversations"),
    ],
    "features and models": [
        (2010, "openSMILE: thousands\nof measurements"),
        (2014, "deep networks"),
        (2016, "eGeMAPS: 88\nmeasurements"),
        (2017, "attention"),
        (2020, "wav2vec 2.0: learning\nfrom unlabelled speech"),
        (2023, "transformers judge\nvalence from sound"),
    ],
    "rules": [
        (2009, "first open challenge:\nunseen speakers, UAR"),
        (2024, "EU AI Act: not at work,\nnot at school"),
    ],
}
"""Year and event by lane; the papers are in the lesson's references."""


def words_and_voice(sentiment, pitch, emotion, subtitle=None):
    """What the words say and what the voice says, emotion by emotion.

    `sentiment` and `pitch` are Series by utterance, pitch in semitones above the speaker's own neutral; `emotion` is
    the label of each. Dots are medians, lines the middle half of the utterances.
    """
    fig, (left, right) = new_figure(1, 2, sharey=True, width_ratios=(2, 3))
    emotions = label_order(emotion)[::-1]
    for row, label in enumerate(emotions):
        for ax, values in ((left, sentiment), (right, pitch)):
            low, middle, high = np.nanquantile(values[emotion == label], (0.25, 0.5, 0.75))
            ax.hlines(row, low, high, color=colour(label), linewidth=6, alpha=0.6)
            ax.plot(middle, row, "o", color=colour(label), markersize=12)
    left.set_yticks(range(len(emotions)), emotions)
    left.set(xlim=(-1.1, 1.1), xlabel="sentiment of the words (-1 to 1)", ylabel="emotion")
    right.set(xlabel="pitch of the voice (semitones above the speaker's neutral)")
    words, voice = (values.groupby(emotion).median() for values in (sentiment, pitch))
    moves = [middles.max() - middles.min() for middles in (words, voice)]
    title = f"From emotion to emotion the words move {moves[0]:.0f}, the voice {moves[1]:.0f} semitones"
    alt = f"Left, the sentiment of the words, which moves by {moves[0]:.1f}. Right, median pitch: " + ", ".join(
        f"{label} {voice[label]:+.1f}" for label in emotions[::-1]
    )
    return finish(fig, title, alt, subtitle)


def timeline():
    """Two decades of the field in three lanes: corpora, features and models, rules."""
    fig, ax = new_figure()
    lanes = dict(zip(TIMELINE, (2, 1, 0), strict=True))
    colours = dict(zip(TIMELINE, (ACCENT, ACCENT_2, INK), strict=True))
    for lane, events in TIMELINE.items():
        ax.axhline(lanes[lane], color=GRID, linewidth=6, zorder=0)
        ax.text(2003.2, lanes[lane] + 0.08, lane, weight="bold", color=colours[lane], fontsize=12)
        for number, (year, event) in enumerate(events):
            above = number % 2 == 1
            ax.plot(year, lanes[lane], "o", color=colours[lane], markersize=9)
            height = lanes[lane] + (0.12 if above else -0.12)
            ax.text(year, height, event, ha="center", va="bottom" if above else "top", fontsize=10, linespacing=1.1)
    ax.set(xlim=(2003, 2026), ylim=(-0.6, 2.5), xlabel="year", yticks=[], xticks=range(2004, 2026, 2))
    ax.grid(False)
    ax.spines["left"].set_visible(False)
    alt = "A timeline from 2005 to 2024: " + "; ".join(
        f"{year} {event}".replace("\n", " ") for events in TIMELINE.values() for year, event in events
    )
    return finish(fig, "Two decades: from ten actors in a studio to a law", alt)
