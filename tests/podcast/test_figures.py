"""The figures of a podcast draw the data, and their titles and alt texts say what it shows."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ser_helpers.errors import EvaluationError
from ser_helpers.plots.style import colour
from ser_helpers.podcast import Show
from ser_helpers.podcast.figures import PHONE, draw_dimensions, draw_pie, draw_shares, draw_timeline


def words(fig):
    """All that can be read in a figure; it has a title and an alt text."""
    FigureCanvasAgg(fig).draw()
    assert len(fig.get_label()) > 30
    assert fig.get_suptitle()
    found = [fig.get_suptitle(), *(text.get_text() for text in fig.texts)]
    for ax in fig.axes:
        found += [ax.get_xlabel(), ax.get_ylabel(), *(text.get_text() for text in ax.texts)]
        if ax.get_legend():
            found += [text.get_text() for text in ax.get_legend().get_texts()]
    return " ".join(found)


@pytest.mark.parametrize("figsize", [(10, 5), PHONE])
def test_the_timeline_shows_probabilities_emotions_and_laughs(show, figsize):
    truth = pd.DataFrame({"start": [0.0, 9.0, 4.0], "end": [4.0, 12.0, 5.5], "kind": ["speech", "speech", "laughter"]})
    truth["emotion"] = ["happy", "excited", None]
    episode = show.episodes[0]
    fig = draw_timeline(episode, truth, subtitle="synthetic", figsize=figsize)
    text = words(fig)
    for word in ("predicted", "true", "laughs", "true laughs", "angry", "excited"):
        assert word in text
    assert text.startswith("talk-1: mostly ")
    heights = np.array([[bar.get_height() for bar in bars] for bars in fig.axes[0].containers])
    drawn = episode.timeline[["neutral", "happy", "sad", "angry"]].to_numpy().T
    np.testing.assert_allclose(heights, drawn)
    assert np.isnan(heights[:, 2:4]).all()
    laughs = fig.axes[3].collections[0].get_paths()
    assert [path.get_extents().x0 for path in laughs] == [4.0, 12.0]


def test_a_long_timeline_is_drawn_as_means(show):
    episode = show.episodes[0]
    episode.timeline = pd.concat([episode.timeline] * 60, ignore_index=True)
    episode.timeline["start"] = 3.0 * np.arange(1200)
    episode.timeline["end"] = episode.timeline["start"] + 3
    fig = draw_timeline(episode)
    bars = fig.axes[0].containers[0]
    assert len(bars) == 120
    assert bars[0].get_height() == pytest.approx(episode.timeline["neutral"][:10].mean())


def test_the_pie_has_the_shares_of_the_speech(show):
    episode = show.episodes[0]
    fig = draw_pie(episode)
    text = words(fig)
    counts = episode.timeline["emotion"].drop([1, 4]).value_counts(normalize=True)  # someone laughs in these
    for name, share in counts.items():
        assert f"{name}\n{100 * share:.0f} %" in text
    wedges = fig.axes[0].patches
    assert sorted((wedge.theta2 - wedge.theta1) / 360 for wedge in wedges) == pytest.approx(sorted(counts), abs=1e-4)
    episode.timeline["emotion"] = None
    with pytest.raises(EvaluationError, match="Nobody speaks in talk-1"):
        draw_pie(episode)
    assert "nobody speaks" in words(draw_timeline(episode))


@pytest.mark.parametrize("figsize", [(10, 5), PHONE])
def test_the_bars_of_all_episodes_fill_the_width(show, figsize):
    fig = draw_shares(show, figsize=figsize)
    text = words(fig)
    assert text.startswith("Talks & <tales>: mostly ")
    ends = np.array([[bar.get_x() + bar.get_width() for bar in bars] for bars in fig.axes[0].containers])
    np.testing.assert_allclose(ends[-1], 1)
    assert fig.axes[0].patches[0].get_facecolor()[:3] == pytest.approx(
        tuple(int(colour("neutral")[i : i + 2], 16) / 255 for i in (1, 3, 5))
    )


def silence(episode):
    episode.timeline["speech"], episode.timeline["emotion"] = 0.0, None
    episode.timeline[["angry", "happy", "neutral", "sad"]] = np.nan


def test_silent_episodes_do_not_count_for_the_mean(show):
    spoken = draw_shares(Show(show.name, show.episodes[:1]))
    silence(show.episodes[1])
    silence(show.episodes[2])
    fig = draw_shares(show)
    assert words(fig).count("no speech") == 2
    assert fig.get_label() == spoken.get_label()
    assert fig.get_suptitle() == spoken.get_suptitle()
    assert fig.get_suptitle().endswith("in 1 of 1 episodes")
    silence(show.episodes[0])
    assert "nobody speaks" in words(draw_shares(show))
    assert draw_timeline(show.episodes[0]).get_label().endswith("Nobody speaks.")


@pytest.mark.parametrize("figsize", [(10, 5), PHONE])
def test_dimensions_are_dots_and_means(show, figsize):
    fig = draw_dimensions(show, 20, truth=show.means(40), figsize=figsize)
    text = words(fig)
    for word in ("valence", "arousal", "dominance", "orange: predicted; dashed: true"):
        assert word in text
    dots, predicted, true = fig.axes[1].lines[:3]
    np.testing.assert_array_equal(dots.get_ydata(), show.sentences["arousal"])
    np.testing.assert_array_equal(predicted.get_ydata(), show.means(20)["arousal"][:10])
    np.testing.assert_array_equal(true.get_ydata(), show.means(40)["arousal"][:10])
    with pytest.raises(EvaluationError, match="No sentence of talk-3 is rated"):
        draw_dimensions(Show("talk-3", show.episodes[2:]))
