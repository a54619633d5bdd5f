"""The pictures of Lesson 03 say what their data say, and the lesson's prose says what the cards say."""

import re
from pathlib import Path

import pandas as pd
import pytest

from ser_helpers import corpora
from ser_helpers.course.figures import lesson03_corpora

LESSON = Path(__file__).resolve().parents[3] / "notebooks" / "src" / "03_corpora.py"


@pytest.fixture(scope="module")
def cards():
    cards = corpora.cards()
    return cards[~cards.synthetic]


def title(fig):
    return " ".join(fig.get_suptitle().split())


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_sizes_shows_every_card_and_computes_its_title(cards):
    fig = lesson03_corpora.sizes(cards)
    ax = fig.axes[0]
    natural = cards[cards.speech == "natural"].utterances.sum() / cards.utterances.sum()
    assert f"{natural:.0%}" in title(fig)
    assert len(ax.get_yticks()) == len(cards)
    assert all(f"{n:,}" in fig.get_label() for n in cards.utterances)
    assert "utterances" in ax.get_xlabel()


def test_sizes_leaves_out_speakers_that_nobody_counted(cards):
    unknown = lesson03_corpora.sizes(cards[cards.speakers.isna()])
    assert len(unknown.axes[0].texts) == cards.speakers.isna().sum()
    assert not any("speakers" in text for text in texts(unknown.axes[0]))


def test_words_places_every_word_of_every_corpus_once(cards):
    fig = lesson03_corpora.words(cards)
    shown = " ".join(" ".join(texts(fig.axes[0])).split())
    assert len(shown.split()) == sum(len(" ".join(labels).split()) for labels in cards.labels)
    words = {word for labels in cards.labels for word in labels}
    assert title(fig).startswith(f"Of {len(words)} words, ")
    assert " become 8 labels and " in title(fig)


def test_words_agrees_with_harmonise(cards):
    fig = lesson03_corpora.words(cards.loc[["iemocap"]], "iemocap4")
    table = pd.DataFrame({"emotion": cards.labels["iemocap"]})
    kept = corpora.harmonise(table, "iemocap4")
    labels, dropped = kept.emotion.nunique(), len(table) - len(kept)
    assert title(fig) == f"Of {len(table)} words, {len(kept)} become {labels} labels and {dropped} fall away"


def test_the_wheel_has_eight_families_with_opposites_across():
    opposites = {("joy", "sadness"), ("trust", "disgust"), ("fear", "anger"), ("surprise", "anticipation")}
    middles = [family[1] for family in lesson03_corpora.FAMILIES]
    assert set(zip(middles[:4], middles[4:], strict=True)) == opposites
    wheel = lesson03_corpora.feelings().axes[0]
    assert sorted(texts(wheel)) == sorted(word for family in lesson03_corpora.FAMILIES for word in family[:3])


def test_the_circle_puts_pleasant_right_and_aroused_above():
    circle = lesson03_corpora.feelings().axes[1]
    at = {text.get_text(): text.get_position() for text in circle.texts}
    assert at["happy"][0] > 0 > at["sad"][0]
    assert at["angry"][1] > 0 > at["calm"][1]
    assert at["pleasure"] == pytest.approx((0.7, 0))
    assert at["arousal"] == pytest.approx((0, 0.7))


def test_labels_of_the_wheel_and_the_circle_are_emotions_of_the_course():
    assert {family[3] for family in lesson03_corpora.FAMILIES} - {None} <= set(corpora.EMOTIONS)
    assert set(lesson03_corpora.ANGLES) <= {*corpora.EMOTIONS, "excited"}


def test_votes_gives_every_bar_its_share():
    ratings = pd.DataFrame({"A": ["sad", "sad", "sad"], "B": ["sad", "sad", "angry"], "C": ["sad", "angry", "happy"]})
    fig = lesson03_corpora.votes(ratings)
    ax = fig.axes[0]
    assert title(fig) == "All raters agree on 1 of 3 clips, most of them on 1 more"
    assert sorted(texts(ax)) == ["angry 0.33", "angry 0.33", "happy 0.33", "sad 0.33", "sad 0.67", "sad 1.00"]
    widths = {}
    for bar in ax.patches:
        widths[round(bar.get_y(), 1)] = widths.get(round(bar.get_y(), 1), 0) + bar.get_width()
    assert list(widths.values()) == pytest.approx([1, 1, 1])
    assert ax.get_xlabel() == "share of the raters"


def test_sides_counts_speakers_on_both_sides_and_names_the_corpus():
    table = corpora.load("synthetic-small")
    splits = {name: corpora.split(table, name, n_splits=2)[0] for name in ("random", "speaker")}
    fig = lesson03_corpora.sides(table, splits)
    assert [ax.get_title(loc="left") for ax in fig.axes] == [
        "random: 4 of 4 speakers on both sides",
        "speaker: 0 of 4 speakers on both sides",
    ]
    assert any("synthetic" in text.get_text() for text in fig.texts)
    assert "4 of 4" in fig.get_label()
    heights = sum(bar.get_height() for bar in fig.axes[0].patches)
    assert heights == len(table)


def test_the_prose_quotes_the_cards(cards):
    prose = re.sub(r"\s+#?\s*", " ", LESSON.read_text(encoding="utf-8"))
    four = cards.loc[["tess", "savee", "ravdess", "crema-d"]]
    assert f"{cards.utterances['tess']:,} of the {four.utterances.sum():,} utterances" in prose
    assert f"{cards.counts['iemocap']['xxx']:,} of {cards.utterances['iemocap']:,} turns" in prose
    negative = sum(cards.counts["ravdess"][word] for word in ("sad", "angry", "fearful", "disgust"))
    kept = cards.utterances["ravdess"] - cards.counts["ravdess"]["surprised"]
    assert f"{negative} of {kept:,} cases, {negative / kept:.0%}".replace("%", " %") in prose
