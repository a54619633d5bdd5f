"""Figures of explanations: attention over a waveform, maps beside a spectrogram, SHAP values."""

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap

from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation.explain import feature_words
from ser_helpers.plots.style import ACCENT, ACCENT_2, HEAT, INK, QUIET, finish, new_figure, percent

MORE = LinearSegmentedColormap.from_list("more", ["#a9c4ec", ACCENT, "#0a2a5e"])
FOR_AND_AGAINST = LinearSegmentedColormap.from_list("for and against", [ACCENT, "#ffffff", ACCENT_2])
KHZ = (0.5, 1, 2, 4)


def attention_over_waveform(weights, y, sr, title=None, subtitle=None):
    """A waveform, darker where the attention is, and the attention's curve below it. Lesson 07.

    `weights` (frames,) are those of `attention`, for frames that are equally far apart and cover the sound `y` (n,). By
    default the title says how much of the attention is on the tenth of the sound that gets most.

    >>> attention_over_waveform(np.ones(10) / 10, np.zeros(8000), 8000).get_suptitle()
    'A tenth of the time gets 10 % of the attention'
    """
    weights, y = np.asarray(weights, dtype=float), np.asarray(y, dtype=float)
    if weights.ndim != 1 or y.ndim != 1 or not len(weights) or len(y) < len(weights):
        raise EvaluationError(f"One weight per frame is needed, and a sound: not {weights.shape} and {y.shape}.")
    seconds = len(y) / sr
    times = (np.arange(len(weights)) + 0.5) * seconds / len(weights)
    even = weights * len(weights)  # 1 where a frame gets what it would get if all got the same
    fig, (above, below) = new_figure(2, sharex=True, height_ratios=(3, 2))
    step = max(1, len(y) // 4000)
    points = np.column_stack([np.arange(0, len(y), step) / sr, y[::step]])
    lines = LineCollection(np.stack([points[:-1], points[1:]], axis=1), cmap=MORE, linewidth=0.9)
    lines.set_array(np.interp(points[:-1, 0], times, even))
    above.add_collection(lines)
    above.set(ylabel="amplitude", ylim=np.array([-1.05, 1.05]) * max(np.abs(y).max(), 1e-6))
    below.fill_between(times, even, color=ACCENT, alpha=0.25, linewidth=0)
    below.plot(times, even, color=ACCENT, linewidth=1.6)
    below.axhline(1, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    below.text(seconds, 1, " even", va="center", size=10, color=QUIET)
    below.set(xlabel="time (s)", ylabel="× even share", xlim=(0, seconds), ylim=(0, max(1.2, even.max() * 1.08)))
    most = max(1, round(len(weights) / 10))
    share = np.sort(weights)[-most:].sum() / weights.sum()
    peak = times[weights.argmax()]
    alt = f"A waveform of {seconds:.1f} s and the attention below it, which is highest at {peak:.1f} s."
    return finish(fig, title or f"A tenth of the time gets {percent(share)} of the attention", alt, subtitle)


def maps(levels, explanations, seconds, title, subtitle=None, top=8000):
    """A log-mel spectrogram and what explanations say about it, side by side on the same axes. Lesson 07.

    `levels` (frames, mel bands) are what the network got, as from `network_input`; they last `seconds`, and the highest
    band ends at `top` Hz. `explanations` are up to three maps by name, time in rows and bands in columns, in any
    resolution. Maps with negative numbers are drawn with orange for what speaks for the label and blue for what speaks
    against it, the others in darker blue for more.

    >>> maps(np.zeros((9, 4)), {"one": np.ones((3, 2))}, seconds=1.0, title="Nothing").axes[1].get_title(loc="left")
    'one'
    """
    import librosa

    if not 1 <= len(explanations) <= 3:
        raise EvaluationError(f"One figure holds one to three explanations, not {len(explanations)}.")
    fig, axes = new_figure(*((1, 2) if len(explanations) == 1 else (2, 2)), sharex=True, sharey=True)
    axes = axes.ravel()
    pictures = {"what the network gets": np.asarray(levels)} | {k: np.asarray(v) for k, v in explanations.items()}
    marks = librosa.hz_to_mel(1000 * np.array(KHZ)) / librosa.hz_to_mel(top)
    for ax, (name, values) in zip(axes, pictures.items(), strict=False):
        signed = ax is not axes[0] and values.min() < 0
        style = {"cmap": "magma"} if ax is axes[0] else {"cmap": HEAT, "vmin": 0}
        if signed:
            limit = np.quantile(np.abs(values), 0.999) or 1
            style = {"cmap": FOR_AND_AGAINST, "vmin": -limit, "vmax": limit}
            name += ": orange for, blue against"
        ax.imshow(values.T, aspect="auto", origin="lower", extent=(0, seconds, 0, 1), interpolation="nearest", **style)
        ax.set_title(name, loc="left", size=12, color=INK)
        ax.set_yticks(marks, [f"{khz:g}" for khz in KHZ])
        ax.grid(False)
    for ax in axes[len(pictures) :]:
        ax.set_visible(False)
    fig.supxlabel("time (s)", size=12)
    fig.supylabel("frequency (kHz, mel scale)", size=12)
    strongest = []
    for name, values in list(pictures.items())[1:]:
        row, column = np.unravel_index(np.abs(values).argmax(), values.shape)
        hertz = librosa.mel_to_hz((column + 0.5) / values.shape[1] * librosa.hz_to_mel(top))
        time = (row + 0.5) / len(values) * seconds
        strongest.append(f"{name} is strongest at {time:.1f} s and {hertz / 1000:.1f} kHz")
    alt = "A log-mel spectrogram and maps of what mattered in it: " + "; ".join(strongest) + "."
    return finish(fig, title, alt, subtitle)


def beeswarm(values, X, title=None, subtitle=None, top=10):
    """SHAP values of the features that matter most: one dot per utterance, darker where the feature is high. Lesson 07.

    `values` (utterances, features) are those of `shap_values`, `X` the features themselves: each utterance's rank
    within its column is its colour. The thousandth part of the dots that lies farthest out is drawn at the edge, so
    that the others can be told apart. By default the title names the feature with the largest mean absolute value.

    >>> import pandas as pd
    >>> X = pd.DataFrame({"pitch": [1.0, 2.0, 3.0], "level": [0.0, 0.0, 1.0]})
    >>> beeswarm(X - 2, X).get_suptitle()
    'The feature that moves the score most is level'
    """
    if not (values.index.equals(X.index) and values.columns.equals(X.columns)):
        raise EvaluationError("SHAP values and features must have the same rows and columns: pass the X they explain.")
    strength = values.abs().mean().sort_values(ascending=False)[:top]
    edge = np.quantile(values[strength.index].abs(), 0.999)
    fig, ax = new_figure()
    for row, name in enumerate(strength.index[::-1]):
        pushed = values[name].clip(-edge, edge).to_numpy()
        ax.scatter(pushed, row + _swarm(pushed), c=X[name].rank(pct=True), cmap=MORE, s=9, linewidths=0)
    ax.axvline(0, color=QUIET, linewidth=1)
    ax.set_yticks(range(len(strength)), [feature_words(name) for name in strength.index[::-1]])
    ax.set(xlabel="SHAP value: push on the score (left: against, right: for)", ylim=(-0.6, len(strength) - 0.4))
    ax.grid(False, axis="y")
    for place, word, ink in ((0.9, "low", MORE(0.0)), (1.0, "high", MORE(1.0))):
        ax.text(place, 1.01, f"● {word}", transform=ax.transAxes, ha="right", va="bottom", size=11, color=ink)
    ax.text(0.81, 1.01, "the feature is", transform=ax.transAxes, ha="right", va="bottom", size=11, color=QUIET)
    first = feature_words(strength.index[0])
    listed = "; ".join(f"{feature_words(name)} {value:.2f}" for name, value in strength.items())
    alt = f"Dots of SHAP values per feature, strongest first, with the mean absolute value: {listed}."
    return finish(fig, title or f"The feature that moves the score most is {first}", alt, subtitle)


def _swarm(values, bins=80, height=0.38):
    """Vertical places for dots at `values`, so that dots in the same place stand above and below one another."""
    edges = np.linspace(values.min(), values.max() + 1e-12, bins + 1)
    group = np.digitize(values, edges)
    places, fullest = np.zeros(len(values)), np.bincount(group).max()
    for number in np.unique(group):
        members = np.flatnonzero(group == number)
        places[members] = (np.arange(len(members)) - (len(members) - 1) / 2) / max(fullest, 12)
    return 2 * height * places
