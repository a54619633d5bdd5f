from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from ser_helpers import audio, corpora, features
from ser_helpers.course.figures import lesson06_cnn


@pytest.fixture(scope="module")
def recording():
    return audio.load(corpora.load("synthetic-small").path.iloc[60]), 16000


@pytest.fixture(scope="module")
def spectrogram(recording):
    return features.logmel(*recording)


FIGURES = {
    "pictures": lambda y, sr, S: lesson06_cnn.pictures({"before": S, "after": S[:100]}, "Two pictures"),
    "augmented": lambda y, sr, S: lesson06_cnn.augmented(
        y, sr, {"noise": audio.Noise(), "faster": audio.Speed(1.5), "later": audio.Shift(0.3)}
    ),
    "receptive_field": lambda y, sr, S: lesson06_cnn.receptive_field(S),
    "shrinking": lambda y, sr, S: lesson06_cnn.shrinking(S),
    "focal_curves": lambda y, sr, S: lesson06_cnn.focal_curves(),
    "smoothed_targets": lambda y, sr, S: lesson06_cnn.smoothed_targets(),
    "dropout": lambda y, sr, S: lesson06_cnn.dropout(),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_titled_described_labelled_and_nothing_is_cut_off(name, recording, spectrogram):
    fig = FIGURES[name](*recording, spectrogram)
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    assert fig.get_size_inches().tolist() == [10, 5]
    assert fig._suptitle.get_text()[0].isupper()
    assert len(fig.get_label()) > 30
    assert any(ax.get_xlabel() for ax in fig.axes)
    assert any(ax.get_ylabel() for ax in fig.axes)
    width, height = canvas.get_width_height()
    for ax in fig.axes:
        boxes = [Text.get_window_extent(text) for text in ax.texts]  # of an annotation, without its line
        assert not any(one.overlaps(two) for one, two in combinations(boxes, 2))
        for box in boxes:
            assert -1 <= box.x0 < box.x1 <= width + 1
            assert -1 <= box.y0 < box.y1 <= height + 1


def test_what_a_unit_sees_is_what_moves_it():
    """Against a chain of convolutions and poolings made of scipy and numpy: which inputs reach the first output."""
    for blocks, convolutions, kernel, pool in [(1, 1, 3, 2), (3, 1, 3, 2), (3, 2, 3, 2), (2, 2, 5, 3)]:
        width = 400
        reached = np.eye(width)
        for _ in range(blocks):
            for _ in range(convolutions):
                reached = np.array([reached[k : k + kernel].max(axis=0) for k in range(len(reached) - kernel + 1)])
            full = len(reached) // pool * pool
            reached = reached[:full].reshape(-1, pool, width).max(axis=1)
        assert lesson06_cnn.seen(blocks, convolutions, kernel, pool)[-1] == reached[0].sum()


def test_each_augmentation_is_drawn_as_it_sounds(recording, spectrogram):
    augment = audio.Noise(snr=0)
    fig = lesson06_cnn.augmented(*recording, {"noise": augment}, seed=3)
    drawn = [ax.images[0].get_array() for ax in fig.axes[:2]]
    expected = [spectrogram, features.logmel(augment(*recording, 3), 16000)]
    loudest = max(array.max() for array in expected)
    for image, array in zip(drawn, expected, strict=True):
        np.testing.assert_allclose(image, np.maximum(array.T - loudest, -60), atol=1e-4)


def test_poolings_keep_the_loudest(spectrogram):
    images = [ax.images[0].get_array() for ax in lesson06_cnn.shrinking(spectrogram).axes]
    assert [image.shape[0] for image in images] == [64, 32, 16, 8]
    assert all(image.max() == pytest.approx(0, abs=20) for image in images)
    np.testing.assert_array_equal(images[1][0, 0], images[0][:2, :2].max())


def test_focal_curves_are_keras_focal_loss():
    import keras

    lines = lesson06_cnn.focal_curves((0, 2)).axes[0].lines
    for line, gamma in zip(lines, (0, 2), strict=True):
        p = line.get_xdata()
        both = np.stack([p, 1 - p], axis=1)
        loss = keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=gamma, reduction=None)
        target = np.tile([1.0, 0.0], (len(p), 1))
        np.testing.assert_allclose(line.get_ydata(), keras.ops.convert_to_numpy(loss(target, both)), rtol=1e-4)


@pytest.mark.parametrize("epsilon", [0.1, 0.3])
def test_smoothed_targets_are_probabilities(epsilon):
    import keras

    heights = [bar.get_height() for bar in lesson06_cnn.smoothed_targets(epsilon).axes[1].patches]
    assert sum(heights) == pytest.approx(1)
    p = np.full((1, 8), 0.05)
    p[0, 3] = 0.65
    smoothed = keras.losses.CategoricalCrossentropy(label_smoothing=epsilon)(np.eye(8)[[3]], p)
    assert -np.sum(heights * np.log(p)) == pytest.approx(float(smoothed), rel=1e-5)


def test_dropout_silences_the_share_asked_for():
    assert "4 of 16 hidden units silent" in lesson06_cnn.dropout(rate=0.25).get_label()
