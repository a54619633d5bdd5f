"""The pictures of Lesson 08: guessing a hidden piece, what layers know, small corrections, who is on which side."""

import numpy as np
from matplotlib.patches import Rectangle

from ser_helpers.plots.style import ACCENT, ACCENT_2, GRID, INK, QUIET, finish, new_figure

PARTS = {"trains": ACCENT, "chooses": "#edd05e", "tests": ACCENT_2}


def guessing(y, sr, subtitle=None):
    """A recording (n,) with 0.2 s hidden, and below it five pieces of the same length, one of which belongs there.

    Hidden is what follows the first two fifths of the recording's energy; the wrong pieces come from elsewhere in it.
    """
    energy = np.cumsum(np.square(y, dtype=float))
    piece = int(0.2 * sr)
    start = min(int(np.searchsorted(energy, 0.4 * energy[-1])), len(y) - piece)
    end = start + piece
    places = np.arange(sr // 4, len(y) - piece - sr // 4, piece)
    loud = np.array([np.abs(y[place : place + piece]).mean() for place in places])
    far = np.abs(places - start) > piece
    loudest = places[far][np.argsort(-loud[far])][:4]
    starts = np.insert(np.random.default_rng(0).permutation(loudest), 2, start)
    limit = np.abs(y).max()
    fig, axes = new_figure(2, 5, height_ratios=[1.3, 1], sharey=True)
    grid = axes[0, 0].get_gridspec()
    for ax in axes[0]:
        ax.remove()
    whole = fig.add_subplot(grid[0, :])
    shown = np.where((np.arange(len(y)) >= start) & (np.arange(len(y)) < end), np.nan, y)
    whole.plot(np.arange(len(y)) / sr, shown, color=ACCENT, linewidth=0.6)
    whole.axvspan(start / sr, end / sr, color=GRID)
    whole.text((start + end) / 2 / sr, 0, "?", ha="center", va="center", size=26, weight="bold", color=INK)
    whole.set(xlim=(0, len(y) / sr), ylim=(-limit, limit), xlabel="time (s)", yticks=[])
    whole.spines[["top", "right", "left"]].set_visible(False)
    for letter, ax, place in zip("ABCDE", axes[1], starts, strict=True):
        ax.plot(np.arange(piece) / sr * 1000, y[place : place + piece], color=ACCENT, linewidth=0.8)
        ax.set_title(letter, loc="left", size=12, color=INK)
        ax.set(yticks=[], xticks=[0, round(piece / sr * 1000)])
        ax.set_xlabel("time (ms)")
        ax.grid(False)
    alt = "A waveform with a hidden stretch; below it 5 pieces, C is the one that was hidden."
    return finish(fig, "Which of the five pieces belongs in the gap?", alt, subtitle)


def likeness(y, sr, frames, names, subtitle=None):
    """How alike the frames of one utterance are to each other, for a few layers side by side.

    `frames` has an array (frames, dims) for each layer; the mean over the utterance is taken off first, so that
    differences show.
    """
    fig, axes = new_figure(2, len(frames), height_ratios=[1, 4], sharex=True, figsize=(10, 6.2))
    seconds = len(y) / sr
    for column, (rows, name) in enumerate(zip(frames, names, strict=True)):
        centred = rows - rows.mean(axis=0)
        unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
        wave, ax = axes[:, column]
        wave.plot(np.arange(len(y)) / sr, y, color=ACCENT, linewidth=0.5)
        wave.set_axis_off()
        wave.set_title(name, loc="left", size=12, color=INK)
        look = {"aspect": "auto", "cmap": "cividis", "vmin": -0.5, "vmax": 1}
        drawn = ax.imshow(unit @ unit.T, extent=(0, seconds, seconds, 0), **look)
        ax.set(xlabel="time (s)", xlim=(0, seconds))
        ax.grid(False)
    axes[1, 0].set_ylabel("time (s)")
    bar = fig.colorbar(drawn, ax=axes[1, :], pad=0.02)
    bar.set_label("cosine of the angle between two frames")
    bar.outline.set_visible(False)
    alt = f"For {' and '.join(names)}: a square picture of time against time, bright where two frames are alike."
    return finish(fig, "Bright: two moments that the encoder hears alike", alt, subtitle)


def by_layer(curves, subtitle=None):
    """UAR of a probe on each layer, with 95 % intervals over speakers.

    `curves` is ``{name: list of Result}``, one Result for each layer from 0 on; the first name decides the title.
    """
    fig, ax = new_figure()
    highest = max(curves, key=lambda name: curves[name][-1].uar)
    for (name, results), ink, shift in zip(curves.items(), (ACCENT, ACCENT_2), (-0.06, 0.06), strict=False):
        places = np.arange(len(results)) + shift
        low, high = np.array([result.interval for result in results]).T
        ax.vlines(places, low, high, color=ink, linewidth=3, alpha=0.4)
        ax.plot(places, [result.uar for result in results], "o-", color=ink, markersize=8, linewidth=2)
        side = "bottom" if name == highest else "top"
        ax.text(places[-1] + 0.15, results[-1].uar, name, color=ink, size=12, weight="bold", va=side)
    first = next(iter(curves.values()))
    scores = [result.uar for result in first]
    ax.axhline(first[0].chance_level, color=QUIET, linewidth=1.2, linestyle=(0, (4, 3)))
    ax.text(0, first[0].chance_level, f"chance {first[0].chance_level:.3g} ", color=QUIET, size=11, va="bottom")
    ax.set_xticks(range(len(first)), [f"{layer}" for layer in range(len(first))])
    ax.set(xlabel="layer (0 is the input of the first block)", ylabel="UAR with 95 % interval over speakers")
    ax.set(ylim=(0, 1), xlim=(-0.3, len(first) - 1 + 0.26 * len(first)))
    ax.grid(False, axis="x")
    best = int(np.argmax(scores))
    title = f"Layer {best} knows most about the emotion (UAR {scores[best]:.2f}), the last layer {scores[-1]:.2f}"
    listed = "; ".join(
        f"{name}: " + ", ".join(f"{result.uar:.2f}" for result in results) for name, results in curves.items()
    )
    return finish(fig, title, f"UAR by layer, from 0 on. {listed}.", subtitle)


def layer_weights(weights, subtitle=None):
    """The weight of each layer in a learned sum; `weights` has the shape (folds, layers), each row with sum 1."""
    weights = np.asarray(weights)
    mean = weights.mean(axis=0)
    fig, ax = new_figure()
    ax.bar(np.arange(len(mean)), mean, color=ACCENT, width=0.7, alpha=0.55)
    for fold in weights if len(weights) > 1 else []:
        ax.plot(np.arange(len(mean)), fold, "_", color=INK, markersize=22, markeredgewidth=2)
    ax.axhline(1 / len(mean), color=QUIET, linewidth=1.2, linestyle=(0, (4, 3)))
    ax.text(len(mean) + 0.2, 1 / len(mean), "all equal", color=QUIET, size=11, va="bottom", ha="right")
    ax.set_xticks(range(len(mean)))
    ax.set(xlabel="layer", ylabel="weight in the sum", xlim=(-0.6, len(mean) + 0.2), ylim=(0, None))
    ax.grid(False, axis="x")
    best = int(mean.argmax())
    title = f"Left to itself, the sum listens to layer {best} most ({mean[best]:.2f} of the weight)"
    alt = "Bars of mean weight by layer: " + ", ".join(f"{value:.2f}" for value in mean) + "."
    return finish(fig, title, alt, subtitle)


def low_rank(inputs=512, outputs=512, rank=8):
    """A frozen matrix beside the two thin ones that LoRA trains, drawn to scale."""
    share = rank * (inputs + outputs) / (inputs * outputs)
    fig, ax = new_figure(figsize=(10, 4.4))
    side = 4.0
    thin = max(side * rank / inputs, 0.06)
    flat = 6.6 + thin  # where A begins
    ax.add_patch(Rectangle((0, 0), side, side, facecolor=GRID, edgecolor="none"))
    ax.add_patch(Rectangle((6.2, 0), thin, side, facecolor=ACCENT, edgecolor="none"))
    ax.add_patch(Rectangle((flat, side - thin), side, thin, facecolor=ACCENT_2, edgecolor="none"))
    words = {"ha": "center", "va": "center", "size": 13}
    ax.text(side / 2, side / 2, f"W, frozen\n{outputs} × {inputs} = {outputs * inputs:,}", color=INK, **words)
    ax.text(4.35, side / 2, "+", color=INK, ha="center", va="center", size=26)
    ax.text(6.15, side / 2, f"B: {outputs} × {rank}", color=ACCENT, ha="right", va="center", size=13)
    ax.text(flat - 0.12, side / 2, "·", color=INK, ha="center", va="center", size=26)
    ax.text(flat + side / 2, side - thin - 0.4, f"A: {rank} × {inputs}", color=ACCENT_2, **words)
    ax.text(flat + side / 2, 0.7, f"trained: {rank * (inputs + outputs):,} weights", color=INK, **words)
    ax.set(xlim=(-0.1, 11.1), ylim=(-0.1, 4.3), aspect="equal")
    ax.set_axis_off()
    title = f"LoRA trains two thin matrices: {100 * share:.1f} % of the weights of the square"
    alt = f"A grey square W of {outputs} by {inputs}, plus a thin upright matrix B times a thin flat matrix A."
    return finish(fig, title, alt)


def trained_weights(results, counts, subtitle=None):
    """UAR against the number of weights that were trained: `results` and `counts` by name."""
    fig, ax = new_figure()
    for name, score in results.items():
        ax.plot(counts[name], score, "o", color=ACCENT, markersize=12)
        place = {"xytext": (0, 14), "textcoords": "offset points", "ha": "center"}
        ax.annotate(f"{name}\n{score:.2f}", (counts[name], score), size=11, **place)
    ax.set_xscale("log")
    low, high = min(counts.values()), max(counts.values())
    ax.set(xlim=(low / 4, high * 4), ylim=(0, 1), xlabel="weights that were trained", ylabel="UAR on unseen speakers")
    most, best = max(counts, key=counts.get), max(results, key=lambda name: (round(results[name], 2), -counts[name]))
    title = f"Best: {best}, UAR {results[best]:.2f}; most weights: {most}, {results[most]:.2f}"
    alt = "Dots: " + ", ".join(f"{name} {counts[name]:,} weights, UAR {score:.2f}" for name, score in results.items())
    return finish(fig, title, alt, subtitle)


def who_is_where(table, splits, subtitle=None):
    """How many utterances of each speaker train, choose (validate) and test, for each of several splits.

    `splits` is ``{name: {"trains": names, "chooses": names, "tests": names}}``.
    """
    speakers = sorted(table.speaker.unique())
    fig, axes = new_figure(len(splits), 1, sharex=True, squeeze=False)
    told = []
    for ax, (name, parts) in zip(axes[:, 0], splits.items(), strict=True):
        below = np.zeros(len(speakers))
        sides = np.zeros(len(speakers), dtype=int)
        for part, ink in PARTS.items():
            counts = table.speaker[parts[part]].value_counts().reindex(speakers, fill_value=0).to_numpy()
            ax.bar(range(len(speakers)), counts, bottom=below, color=ink, width=0.75, label=part)
            below += counts
            sides += counts > 0
        told.append(f"{name} {(sides > 1).sum()} of {len(speakers)}")
        ax.set_title(name, loc="left", size=12, color=INK)
        ax.set_ylabel("utterances")
        ax.grid(False, axis="x")
    for number, (part, ink) in enumerate(PARTS.items()):
        style = {"size": 12, "weight": "bold", "transform": axes[0, 0].transAxes, "ha": "right"}
        axes[0, 0].text(0.76 + 0.12 * number, 1.04, part, color=ink if part != "chooses" else "#9a8200", **style)
    axes[-1, 0].set_xticks(range(len(speakers)), [speaker.rpartition("-")[2] for speaker in speakers])
    axes[-1, 0].set_xlabel("speaker")
    title = f"Voices on more than one side: {', '.join(told)}"
    return finish(fig, title, f"For each speaker a bar of utterances that train, choose and test. {title}.", subtitle)
