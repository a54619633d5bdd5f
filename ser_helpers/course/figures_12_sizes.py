"""More pictures of Lesson 12: smaller and faster networks, and many calls on one device."""

import time

import numpy as np
from matplotlib.ticker import LogLocator

from ser_helpers import audio
from ser_helpers.course.figures_12 import FOUR
from ser_helpers.evaluation.style import ACCENT, ACCENT_2, QUIET, finish, new_figure


def around(turns):
    """Windows of 3 s around turns, (n, 48000) at 16 kHz: silence beside short ones, the middle of long ones; emotions.

    >>> from ser_helpers import corpora
    >>> windows, emotions = around(corpora.load("synthetic-iemocap-small")[:2])
    >>> windows.shape, len(emotions)
    ((2, 48000), 2)
    """
    windows = []
    for turn in turns.itertuples():
        y = audio.load(turn.path, start=turn.start, end=turn.end)
        y = y[max(len(y) - 48000, 0) // 2 :][:48000]
        windows.append(np.pad(y, (spare := (48000 - len(y)) // 2, 48000 - len(y) - spare)))
    return np.array(windows), turns.emotion.map(FOUR).to_numpy()


def rounding(weights, bits=(8, 3)):
    """How weights become whole numbers of so many bits: each before and after.

    >>> fig = rounding(np.linspace(-1, 1, 100))
    >>> fig.get_suptitle().strip()
    '8 bits move a weight by at most 0.4 % of the largest, 3 bits by 17 %'
    """
    before = np.linspace(np.min(weights), np.max(weights), 2000)
    fig, axes = new_figure(1, len(bits), sharey=True)
    worst = []
    for ax, wide in zip(axes, bits, strict=True):
        steps = 2 ** (wide - 1) - 1
        scale = np.abs(before).max() / steps
        worst.append(50 / steps)
        ax.plot(before, before, color=QUIET, linewidth=1)
        ax.plot(before, np.round(before / scale) * scale, color=ACCENT, linewidth=1.8)
        ax.set_title(f"{wide} bits: {2 * steps + 1} values", size=12, loc="left")
        ax.set_xlabel("weight")
    axes[0].set_ylabel("weight after rounding")
    title = (
        f"{bits[0]} bits move a weight by at most {worst[0]:.1f} % of the largest, {bits[1]} bits by {worst[1]:.0f} %"
    )
    alt = "Weights after rounding over weights before: a line with 8 bits, a coarse staircase with 3 bits."
    return finish(fig, title, alt)


def trade(sizes, corpus):
    """Time, size and UAR of the versions of one model, side by side: the table of ``models.compare_sizes``.

    >>> row = {"kB": 100.0, "zipped_kB": 90.0, "ms": 2.0, "times_faster": 1.0, "UAR": 0.5, "largest_change": 0.0}
    >>> import pandas as pd
    >>> fig = trade(pd.DataFrame([row, {**row, "ms": 0.5, "UAR": 0.4}], index=["Keras", "ONNX"]), "synthetic")
    >>> fig.get_suptitle().strip()
    'ONNX is 4 times as fast as Keras; ONNX loses 10 points'
    """
    fig, axes = new_figure(1, 3, sharey=True)
    rows = np.arange(len(sizes))[::-1]
    shown = {
        "ms": ("time of a window (ms)", "{:.2f}"),
        "zipped_kB": ("zipped file (kB)", "{:.0f}"),
        "UAR": ("UAR", "{:.2f}"),
    }
    for ax, (column, (name, form)) in zip(axes, shown.items(), strict=True):
        values = sizes[column].to_numpy(float)
        ax.barh(rows, np.nan_to_num(values), height=0.65, color=ACCENT)
        for row, value in zip(rows, values, strict=True):
            text = "–" if np.isnan(value) else form.format(value)
            ax.annotate(text, (np.nan_to_num(value), row), (4, 0), textcoords="offset points", size=11, va="center")
        ax.set(xlabel=name, xlim=(0, 1.25 * np.nanmax(values)))
        if column == "ms":
            ax.set(xscale="log", xlim=(0.5 * values.min(), 8 * values.max()))
            ax.minorticks_off()
            ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.grid(axis="y", visible=False)
    axes[0].set_yticks(rows, sizes.index)
    axes[2].axvline(0.25, color=ACCENT_2, linewidth=1.5)
    axes[2].text(0.25, 1.01, "chance", color=ACCENT_2, size=11, ha="center", transform=axes[2].get_xaxis_transform())
    first, second = sizes.index[:2]
    times, lost = sizes.ms.iloc[0] / sizes.ms.iloc[1], 100 * (sizes.UAR.iloc[0] - sizes.UAR)
    title = f"{second} is {times:.0f} times as fast as {first}; {lost.idxmax()} loses {lost.max():.0f} points"
    listed = "; ".join(f"{name}: {row.ms:.2f} ms, UAR {row.UAR:.2f}" for name, row in sizes.iterrows())
    return finish(fig, title, f"Bars of time, size and UAR. {listed}.", f"{corpus}, one window at a time")


def batch_cost(classifier, X, sizes=(1, 2, 4, 8, 16, 32, 64), repeats=15):
    """Milliseconds that one call with so many rows of `X` takes: the fastest of some calls, by number of rows.

    >>> class Still:
    ...     def predict_proba(self, X):
    ...         return X
    >>> sorted(batch_cost(Still(), np.zeros((9, 2)), sizes=(1, 2)))
    [1, 2]
    """
    times = {size: [] for size in sizes}
    for _ in range(repeats):
        for size in sizes:
            batch = np.resize(X, (size, *X.shape[1:]))
            start = time.perf_counter()
            classifier.predict_proba(batch)
            times[size].append(1000 * (time.perf_counter() - start))
    return {size: min(values) for size, values in times.items()}


def batches(cost):
    """What a call costs, and what each of its windows costs, by the size of the batch (see `batch_cost`).

    >>> batches({1: 5.0, 32: 10.0}).get_suptitle().strip()
    '32 windows take 2.0 times as long as one: each costs 16 times less'
    """
    fig, ax = new_figure()
    sizes, ms = np.array(list(cost)), np.array(list(cost.values()))
    for values, name, ink in ((ms, "the call", ACCENT_2), (ms / sizes, "each window", ACCENT)):
        ax.plot(sizes, values, "o-", color=ink, linewidth=2.5)
        ax.annotate(name, (sizes[-1], values[-1]), (10, 0), textcoords="offset points", color=ink, size=12, va="center")
    ax.set(xscale="log", yscale="log", xlabel="windows in one call", ylabel="time (ms)", xlim=(0.9, 2.2 * sizes[-1]))
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.minorticks_off()
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    many = 32 if 32 in cost else sizes[-1]
    title = f"{many} windows take {cost[many] / cost[1]:.1f} times as long as one: "
    title += f"each costs {cost[1] * many / cost[many]:.0f} times less"
    return finish(fig, title, f"Time over batch size. {cost[1]:.1f} ms for one window, {cost[many]:.1f} ms for {many}.")


def rush(submit, X):
    """Hand in all rows at once; the milliseconds until each answer comes, in the order of coming."""
    start, done = time.perf_counter(), []
    futures = [submit(row) for row in X]
    for future in futures:
        future.add_done_callback(lambda _: done.append(1000 * (time.perf_counter() - start)))
    for future in futures:
        future.result()
    return np.sort(done)


def rush_one_by_one(classifier, X):
    """The same without batches: each row waits for those before it."""
    start, done = time.perf_counter(), []
    for row in X:
        classifier.predict_proba(row[None])
        done.append(1000 * (time.perf_counter() - start))
    return np.array(done)


def waiting(runs):
    """How long each caller waits: `runs` maps a name to milliseconds, sorted.

    >>> waiting({"one by one": np.arange(1, 101) * 5.0, "in batches": np.full(100, 25.0)}).get_suptitle().strip()
    'The slowest of 100 waits 500 ms one by one, and 25 ms in batches'
    """
    fig, ax = new_figure()
    for (name, ms), ink in zip(runs.items(), (ACCENT_2, ACCENT), strict=True):
        ax.step(np.arange(1, len(ms) + 1), ms, where="mid", color=ink, linewidth=2.5)
        ax.annotate(name, (len(ms), ms[-1]), (8, 0), textcoords="offset points", color=ink, size=12, va="center")
    calls = len(ms)
    ax.set(xlabel="calls, in the order of their answers", ylabel="time until the answer (ms)", ylim=(0, None))
    ax.set(xlim=(0, 1.2 * calls), xticks=np.linspace(0, calls, 5).round())
    parts = ", and ".join(f"{ms[-1]:.0f} ms {name}" for name, ms in runs.items())
    title = f"The slowest of {calls} waits {parts}"
    return finish(fig, title, f"Waiting time per call. {title}.")
