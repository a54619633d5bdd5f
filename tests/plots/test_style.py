import base64
import io
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from ser_helpers.corpora.labels import label_order
from ser_helpers.plots import style

CANONICAL = ["neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"]
TOGETHER = [
    CANONICAL,
    [*CANONICAL[:1], *CANONICAL[2:], "excited", "frustrated", "other"],
    ["neutral", "happy", "sad", "angry", "fearful", "disgust", "boredom"],
    ["neutral", "positive", "negative"],
]
# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
VISION = {
    "full": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.119192, 0.9503041]]
)


def linear(colour):
    rgb = np.array(mpl.colors.to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(linear_rgb):
    x, y, z = TO_XYZ @ np.clip(linear_rgb, 0, 1) / TO_XYZ.sum(axis=1)
    fx, fy, fz = (np.cbrt(t) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("labels", TOGETHER, ids=lambda labels: labels[-1])
def test_emotions_can_be_told_apart_with_every_kind_of_colour_vision(vision, labels):
    seen = {label: lab(np.array(VISION[vision]) @ linear(style.colour(label))) for label in labels}
    distance, pair = min((np.linalg.norm(seen[a] - seen[b]), (a, b)) for a, b in combinations(labels, 2))
    assert distance > 17, pair


def test_the_eight_emotions_can_be_told_apart_in_grey():
    lightness = sorted(lab(linear(style.colour(label)))[0] for label in CANONICAL)
    assert np.diff(lightness).min() > 6


def test_white_is_lab_100():
    assert lab(linear("white")) == pytest.approx([100, 0, 0], abs=1e-3)


def test_label_order_is_canonical_then_alphabetical_and_drops_missing():
    assert label_order([*reversed(CANONICAL), "zeal", "awe", None, float("nan")]) == [*CANONICAL, "awe", "zeal"]


def test_figures_leave_global_settings_and_pyplot_alone():
    import matplotlib.pyplot as plt

    before = dict(mpl.rcParams)
    style.finish(style.new_figure(1, 2, sharey=True)[0], "A title.", "alt")
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == []


def test_a_notebook_gets_a_png_with_alt_text():
    data, metadata = style.finish(style.new_figure()[0], "A title.", "Words.")._repr_mimebundle_()
    assert data["image/png"].startswith("iVBOR")
    assert metadata == {"image/png": {"alt": "Words."}}


@pytest.mark.parametrize("panels", [1, 2])
def test_long_titles_wrap_and_stay_clear_of_subtitle_and_axes(panels):
    fig, axes = style.new_figure(1, panels, squeeze=False)
    axes[0, 0].set_title("panel")
    style.finish(fig, "A sentence that goes on and on about emotions in speech " * 3, "alt", "corpus · protocol " * 9)
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    renderer = canvas.get_renderer()
    title, subtitle = fig._suptitle.get_window_extent(renderer), fig.texts[-1].get_window_extent(renderer)
    width, height = canvas.get_width_height()
    assert "\n" in fig._suptitle.get_text().strip()
    assert title.x1 < width
    assert title.y1 < height
    assert subtitle.x1 < width
    assert max(ax.get_tightbbox(renderer).y1 for ax in axes.flat) < subtitle.y0 + 3


def test_the_stored_picture_is_light_and_keeps_every_colour():
    fig, axes = style.new_figure(1, 2)
    for k, label in enumerate(style.EMOTION_COLOURS):
        axes[0].plot(k, k, "o", color=style.colour(label))
    axes[1].imshow(np.random.default_rng(0).random((40, 40)), cmap="magma")
    full = io.BytesIO()
    fig.savefig(full, format="png")
    stored = io.BytesIO(base64.b64decode(fig._repr_mimebundle_()[0]["image/png"]))
    pixels = [np.asarray(Image.open(file).convert("RGB"), int) for file in (full, stored)]
    assert np.abs(pixels[0] - pixels[1]).max() < 20
    assert stored.getbuffer().nbytes < full.getbuffer().nbytes / 2
