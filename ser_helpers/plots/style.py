"""How every figure of the course looks: one colour per emotion, a clean page, a sentence as the title.

The emotions' colours were chosen by a search: any two of the eight differ by more than 20 CIELAB units for people with
and without a colour vision deficiency (simulated after Machado, Oliveira and Fernandes 2009,
https://doi.org/10.1109/TVCG.2009.113), and by more than 6 units of lightness when printed in grey. A test holds this.
"""

import base64
import io
import textwrap

import matplotlib as mpl
import seaborn as sns
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from PIL import Image

EMOTION_COLOURS = {
    "neutral": "#9da9a2",
    "calm": "#63cbf0",
    "happy": "#edd05e",
    "sad": "#1858ba",
    "angry": "#da0b3a",
    "fearful": "#550172",
    "disgust": "#3f4c0b",
    "surprised": "#bb5ea6",
    "excited": "#e78949",
    "frustrated": "#592529",
    "boredom": "#3b2a1a",
    "positive": "#edd05e",
    "negative": "#1858ba",
    "other": "#d7d6d7",
}
"""One colour per label, in the order in which labels are listed: the eight RAVDESS emotions, then other corpora's."""

INK, QUIET, GRID = "#222222", "#666666", "#e4e4e4"
ACCENT, ACCENT_2 = "#1858ba", "#c2560c"
LINES = (ACCENT, ACCENT_2, "#4d9f57", "#550172", QUIET)
HEAT = LinearSegmentedColormap.from_list("heat", ["#ffffff", "#a9c4ec", ACCENT, "#0a2a5e"])
"""From white to dark blue: shares and weights."""

_RC = {
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.edgecolor": QUIET,
    "axes.facecolor": "white",
    "axes.labelcolor": INK,
    "axes.labelsize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "text.color": INK,
}


class _NotebookFigure(Figure):
    """A figure that a notebook shows once, when it is the last expression of a cell: a light PNG with its alt text."""

    def _repr_mimebundle_(self, include=None, exclude=None):
        drawn, small = io.BytesIO(), io.BytesIO()
        self.savefig(drawn, format="png")
        image = Image.open(drawn).convert("RGB")
        few_colours = image.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few_colours.save(small, format="png", optimize=True)
        png = base64.b64encode(small.getvalue()).decode("ascii")
        return {"image/png": png}, {"image/png": {"alt": self.get_label()}}


def colour(label):
    """The colour of a label; labels that have none of their own share the colour of "other". Lessons 02 to 04.

    >>> colour("angry")
    '#da0b3a'
    """
    return EMOTION_COLOURS.get(label, EMOTION_COLOURS["other"])


def new_figure(nrows=1, ncols=1, **kw):
    """A clean figure of 10 × 5 inches and its axes, styled without touching matplotlib's global settings. Lesson 01.

    Further keywords go to ``Figure.subplots`` (``sharex``, ``width_ratios``, …), except ``figsize`` in inches. The
    figure is not registered with pyplot, so a notebook draws it once and it needs no closing.

    >>> fig, ax = new_figure()
    >>> fig.get_size_inches().tolist()
    [10.0, 5.0]
    """
    figsize = kw.pop("figsize", (10, 5))
    with mpl.rc_context(_RC):
        fig = _NotebookFigure(figsize=figsize, dpi=100, layout="constrained")
        axes = fig.subplots(nrows, ncols, **kw)
    for ax in fig.axes:
        ax.tick_params(labelsize=11, labelcolor=INK, color=QUIET, length=0)
        ax.grid(True, color=GRID, linewidth=0.8)
        ax.set_axisbelow(True)
    return fig, axes


def page_size(rows, fit):
    """10 × 5 inches, and taller only if more rows than `fit` would overlap."""
    return 10, 5 + 0.26 * max(0, rows - fit)


def bars(ax, values):
    """Horizontal bars of a Series, one per label, from top to bottom in its order and in the labels' colours."""
    palette = {label: colour(label) for label in values.index}
    look = {"hue": values.index, "palette": palette, "legend": False, "width": 0.7, "saturation": 1}
    sns.barplot(x=values.to_numpy(), y=values.index, order=values.index, ax=ax, **look)


def percent(share):
    """A share in words, such as "12 %"."""
    return f"{100 * share:.0f} %"


def text_on(background):
    """Black or white, whichever is readable on a colour such as "#da0b3a"."""
    red, green, blue = (int(background[k : k + 2], 16) for k in (1, 3, 5))
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 120 else "white"


def capitalised(words):
    """A sentence with a capital letter at its beginning; the rest stays as it is."""
    return words[:1].upper() + words[1:]


def short(name, letters=40):
    """A name that fits into a figure; matplotlib would take dollars for formulas."""
    return (name if len(name) <= letters else f"{name[: letters - 1]}…").replace("$", r"\$")


def finish(fig, title, alt, subtitle=None):
    """Give a figure its title (a sentence, wrapped, at the left), a quiet subtitle and its alt text; return it.

    `alt` says in words what the picture shows; it is kept as the figure's label, and notebooks publish it. Lesson 01.

    >>> fig, ax = new_figure()
    >>> finish(fig, "Anger is loud.", "Bars of mean level per emotion; anger is highest.").get_label()
    'Bars of mean level per emotion; anger is highest.'
    """
    width, height = fig.get_size_inches()
    size, spacing, pad = 15, 1.25, 0.12
    lines = textwrap.wrap(title, width=int(width * 6.8)) or [""]
    quiet = textwrap.wrap(subtitle, width=int(width * 11.5)) if subtitle else []
    fig.get_layout_engine().set(w_pad=pad, h_pad=pad)
    room = "\n".join(lines + [" "] * len(quiet))
    fig.suptitle(room, x=pad / width, ha="left", va="top", size=size, weight="bold", color=INK, linespacing=spacing)
    if quiet:
        below = 1 - (pad + len(lines) * size * spacing * 1.2 / 72) / height
        fig.text(pad / width, below, "\n".join(quiet), ha="left", va="top", size=11, color=QUIET)
    fig.set_label(alt)
    return fig
