"""Figures of explanations say in their alt text and title what they show."""

import numpy as np
import pandas as pd
import pytest

from ser_helpers import plots
from ser_helpers.errors import EvaluationError

SR = 8000
Y = np.sin(np.arange(2 * SR) / 5)


def test_attention_is_laid_over_the_waveform():
    weights = np.ones(100)
    weights[80:90] = 20
    fig = plots.attention_over_waveform(weights / weights.sum(), Y, SR, subtitle="synthetic")
    assert fig.get_suptitle().strip().startswith("A tenth of the time gets 69 % of the attention")
    assert "highest at 1.6 s" in fig.get_label()
    assert [ax.get_ylabel() for ax in fig.axes] == ["amplitude", "× even share"]
    shade = fig.axes[0].collections[0].get_array()
    assert shade[len(shade) * 85 // 100] == shade.max()


def test_maps_share_their_axes_and_are_named():
    shapes = {"Grad-CAM": (20, 8), "integrated gradients": (20, 8), "band occlusion": (4, 4)}
    found = {name: np.zeros(shape) for name, shape in shapes.items()}
    found["Grad-CAM"][5, 7] = 1
    found["integrated gradients"][10, 0] = -1
    fig = plots.maps(np.random.default_rng(0).normal(size=(20, 8)), found, 2.0, "Where it looked")
    titles = [ax.get_title(loc="left") for ax in fig.axes]
    assert titles[1:] == ["Grad-CAM", "integrated gradients: orange for, blue against", "band occlusion"]
    assert "Grad-CAM is strongest at 0.6 s and 6.6 kHz" in fig.get_label()
    assert all(ax.get_images()[0].get_extent() == [0, 2.0, 0, 1] for ax in fig.axes)


def test_beeswarm_lists_the_strongest_features_first():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(200, 3)), columns=["loudness_sma3_amean", "b", "c"])
    fig = plots.beeswarm(X * [3, 1, 0.1], X, top=2)
    assert [tick.get_text() for tick in fig.axes[0].get_yticklabels()] == ["b", "loudness, mean"]
    assert "loudness, mean" in fig.get_suptitle()
    highest, first = X.b.to_numpy().argmax(), fig.axes[0].collections[0]
    assert first.get_array()[highest] == 1
    assert first.get_offsets()[highest, 0] == pytest.approx(X.b.max())
    assert np.ptp(first.get_offsets()[:, 1]) < 1


def test_one_extreme_dot_does_not_squeeze_the_others():
    values = pd.DataFrame({"a": [*np.linspace(-1, 1, 1999), 500.0]})
    places = plots.beeswarm(values, values).axes[0].collections[0].get_offsets()[:, 0]
    np.testing.assert_allclose(places[:1999], values.a[:1999])
    assert places[1999] < 2


def test_wrong_shapes_are_named():
    with pytest.raises(EvaluationError, match="One weight per frame"):
        plots.attention_over_waveform(np.ones((3, 2)), Y, SR)
    with pytest.raises(EvaluationError, match="one to three explanations, not 0"):
        plots.maps(np.zeros((4, 4)), {}, 1.0, "")
    with pytest.raises(EvaluationError, match="the same rows and columns"):
        plots.beeswarm(pd.DataFrame({"a": [1.0]}), pd.DataFrame({"b": [1.0]}))
