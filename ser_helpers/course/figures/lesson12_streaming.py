"""The pictures of Lesson 12: chunks and windows, what two bugs cost, smaller networks, many calls on one device."""

import time
import tracemalloc

import numpy as np
import pandas as pd
from matplotlib.ticker import LogLocator

from ser_helpers import audio
from ser_helpers.plots.style import ACCENT, ACCENT_2, INK, QUIET, colour, finish, new_figure


def windows(seconds=8, seed=3):
    """Uneven chunks that arrive one after the other, and the windows of 3 s that end every second."""
    cuts = np.cumsum(np.random.default_rng(seed).gamma(1.2, 0.5, 60))
    cuts = [0, *cuts[cuts < seconds], seconds]
    fig, ax = new_figure()
    for number, (start, end) in enumerate(zip(cuts, cuts[1:], strict=False)):
        ax.barh(0, end - start, left=start, height=0.7, color=QUIET, alpha=0.75 if number % 2 else 0.4)
    for row, end in enumerate(range(3, seconds + 1)):
        ax.barh(-1.2 - row, 3, left=end - 3, height=0.7, color=ACCENT, alpha=0.85)
        ax.text(end + 0.08, -1.2 - row, "answer", size=11, va="center", color=ACCENT)
    names = ["chunks", *(f"window {row + 1}" for row in range(seconds - 2))]
    ax.set_yticks([0, *(-1.2 - row for row in range(seconds - 2))], names)
    ax.set(xlabel="time (s)", ylabel="", xlim=(0, seconds + 0.8), xticks=range(seconds + 1))
    ax.grid(axis="y", visible=False)
    alt = f"{len(cuts) - 1} chunks of uneven length in {seconds} s, and under them {seconds - 2} overlapping windows."
    return finish(fig, "Chunks end anywhere; a window of 3 s ends every second", alt, "invented chunks")


FOUR = {"ang": "angry", "fru": "angry", "hap": "happy", "exc": "happy", "neu": "neutral", "sad": "sad"}
"""IEMOCAP's words as the four emotions of the window models."""


def join(turns, pause=0.6):
    """Turns one after the other, with silence between them, at 16 kHz; and when which of four emotions was rated."""
    parts, rows, now = [], [], 0
    for turn in turns.itertuples():
        y = audio.load(turn.path, start=turn.start, end=turn.end)
        rows.append((now / 16000, (now + len(y)) / 16000, FOUR.get(turn.emotion)))
        parts += [y, np.zeros(round(pause * 16000), np.float32)]
        now += len(y) + len(parts[-1])
    return np.concatenate(parts), pd.DataFrame(rows, columns=["start", "end", "emotion"])


def backlog(runs):
    """How many seconds of sound wait in the buffer, over time: `runs` maps a name to (times, seconds waiting)."""
    fig, ax = new_figure()
    for (name, (times, waiting)), ink in zip(runs.items(), (ACCENT, ACCENT_2), strict=True):
        ax.step([0, *times], [0, *waiting], where="post", color=ink, linewidth=2.5)
        ax.annotate(name, (times[-1], waiting[-1]), (8, 0), textcoords="offset points", color=ink, size=12, va="center")
    late, end = waiting[-1], times[-1]
    ax.set(xlim=(0, 1.25 * end), ylim=(0, None), xlabel="time (s)", ylabel="sound that waits unheard (s)")
    title = f"With larger chunks the answers are {late:.0f} s behind after {end:.0f} s"
    listed = "; ".join(f"{name}: {waiting[-1]:.0f} s" for name, (_, waiting) in runs.items())
    return finish(fig, title, f"Waiting sound over time. At the end {listed}.")


def growth(buffers, seconds=(15, 30, 45, 60)):
    """What a buffer costs as a call goes on: `buffers` maps a name to a class with write(chunk) and last()."""
    fig, axes = new_figure(1, 2)
    ends = {}
    for (name, kind), ink in zip(buffers.items(), (ACCENT_2, ACCENT), strict=True):
        costs = ends[name] = cost(kind, seconds)
        for ax, values in zip(axes, costs, strict=True):
            ax.plot(seconds, values, "o-", color=ink, linewidth=2.5, markersize=7)
            end = (seconds[-1], values[-1])
            ax.annotate(name, end, (-6, 8), textcoords="offset points", color=ink, size=12, weight="bold", ha="right")
    for ax, label in zip(axes, ("memory (MB)", "time for one window (ms)"), strict=True):
        ax.set(xlabel="time into the call (s)", ylabel=label, xlim=(0, None), ylim=(0, 1.15 * ax.get_ylim()[1]))
    worst = max(ends.values(), key=lambda costs: costs[0][-1])
    title = f"After {seconds[-1]} s: {worst[0][-1]:.0f} MB, and {worst[1][-1]:.0f} ms to find the last 3 s"
    listed = "; ".join(f"{name}: {m[-1]:.1f} MB, {t[-1]:.1f} ms" for name, (m, t) in ends.items())
    return finish(fig, title, f"Memory and time over the length of the call. At the end {listed}.", "16 kHz, float32")


def cost(kind, seconds, sr=16000):
    """Memory in MB and milliseconds for a window, of a buffer of 3 s after so many seconds of sound."""
    second, written = np.zeros(sr, np.float32), 0
    memory, milliseconds = [], []
    tracemalloc.start()
    try:
        buffer = kind(3 * sr)
        for end in seconds:
            while written < end:
                buffer.write(second)
                written += 1
            memory.append(tracemalloc.get_traced_memory()[0] / 1e6)
            start = time.perf_counter()
            buffer.last()
            milliseconds.append(1000 * (time.perf_counter() - start))
    finally:
        tracemalloc.stop()
    return memory, milliseconds


def gate(y, sr, probabilities, found, corpus, threshold=0.5):
    """A recording over the probability of speech, with the stretches that were found."""
    fig, axes = new_figure(2, 1, sharex=True)
    seconds = np.arange(len(y)) / sr
    axes[0].plot(seconds, y, color=INK, linewidth=0.5)
    axes[1].plot((np.arange(len(probabilities)) + 0.5) * 512 / 16000, probabilities, color=ACCENT, linewidth=1.5)
    axes[1].axhline(threshold, color=QUIET, linestyle=(0, (4, 3)), linewidth=1.2)
    for ax in axes:
        for row in found.itertuples():
            ax.axvspan(row.start, row.end, color=ACCENT, alpha=0.12, linewidth=0)
    axes[0].set_ylabel("amplitude")
    axes[1].set(xlabel="time (s)", ylabel="P(speech)", ylim=(-0.03, 1.05), xlim=(0, len(y) / sr))
    share = (found.end - found.start).sum() / (len(y) / sr)
    alt = f"A waveform and the probability of speech every 32 ms; {len(found)} stretches are shaded."
    return finish(fig, f"Somebody speaks in {100 * share:.0f} % of the time", alt, f"{corpus} · Silero VAD")


def strips(rows, corpus):
    """Emotions over time, a strip for each of several tables by name, with ``start``, ``end`` and ``emotion``."""
    fig, ax = new_figure()
    for line, table in enumerate(rows.values()):
        for row in table.dropna(subset=["emotion"]).itertuples():
            box = {"left": row.start, "height": 0.75, "color": colour(row.emotion), "linewidth": 0}
            ax.barh(-line, row.end - row.start, **box)
    shown = {name for table in rows.values() for name in table.emotion.dropna()}
    for name in sorted(shown):
        ax.barh(0, 0, color=colour(name), label=name)
    ax.legend(ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.2), frameon=False, fontsize=12)
    ax.set_yticks(-np.arange(len(rows)), list(rows))
    ax.set(xlabel="time (s)", ylabel="")
    ax.grid(axis="y", visible=False)
    counts = {name: changes(table.emotion) for name, table in rows.items()}
    names = [name for name in counts if name != "rated"]
    first, last = names[0], names[-1]
    unit = "change" if counts[first] == 1 else "changes"
    title = f"What is shown: {counts[first]} {unit} {first}, {counts[last]} {last}"
    alt = "Strips of emotions over time; changes: " + "; ".join(f"{name}: {count}" for name, count in counts.items())
    return finish(fig, title, f"{alt}.", corpus)


def changes(emotions):
    """How often the emotion differs from the one before, silence left out."""
    said = [emotion for emotion in emotions if isinstance(emotion, str)]
    return sum(a != b for a, b in zip(said, said[1:], strict=False))


def budget(latencies, allowed):
    """Median milliseconds per stage, stacked, with the 95th percentile of their sum, against a limit.

    `latencies` maps a model to its table, `allowed` is a pair such as ``("a game", 100)``.
    """
    inks = {"read": QUIET, "vad": "#63cbf0", "features": ACCENT, "model": ACCENT_2}
    who, limit = allowed
    fig, ax = new_figure()
    for line, table in enumerate(latencies.values()):
        left = np.cumsum([0, *table.p50[list(inks)]])
        for (stage, ink), start in zip(inks.items(), left, strict=False):
            ax.barh(-line, table.p50[stage], left=start, height=0.45, color=ink, label=stage if line == 0 else None)
        slow = table.p95["total"]
        ax.plot([slow, slow], [-line - 0.3, -line + 0.3], color=INK, linewidth=2.5)
        label = {"backgroundcolor": "white", "textcoords": "offset points", "va": "center", "size": 12}
        ax.annotate(f"p95: {slow:.0f} ms", (slow, -line), (8, 0), **label)
    ax.axvline(limit, color=INK, linestyle=(0, (4, 3)), linewidth=1.2)
    ax.annotate(f"{who}: {limit} ms", (limit, 0.6), (-6, 0), textcoords="offset points", ha="right", size=12)
    ax.legend(ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.2), frameon=False, fontsize=12)
    ax.set_yticks(-np.arange(len(latencies)), list(latencies))
    totals = {name: table.p95["total"] for name, table in latencies.items()}
    worst = max(totals.values())
    ax.set(xlabel="work per window (ms; bars: median of each stage)", ylim=(-len(latencies) + 0.4, 0.9))
    ax.set_xlim(0, 1.2 * max(limit, worst))
    ax.grid(axis="y", visible=False)
    kept = "of the" if worst < limit else "and breaks the"
    title = f"The slowest takes {worst:.0f} ms {kept} {limit} ms that {who} allows"
    listed = "; ".join(f"{name} {total:.0f} ms" for name, total in totals.items())
    alt = f"Stacked bars of milliseconds per stage; 95th percentiles: {listed}."
    return finish(fig, title, alt, "measured on this machine, just now")


def around(turns):
    """Windows of 3 s at 16 kHz, (n, 48000), padded around short turns, the middle of long ones; and their emotions."""
    windows = []
    for turn in turns.itertuples():
        y = audio.load(turn.path, start=turn.start, end=turn.end)
        y = y[max(len(y) - 48000, 0) // 2 :][:48000]
        windows.append(np.pad(y, (spare := (48000 - len(y)) // 2, 48000 - len(y) - spare)))
    return np.array(windows), turns.emotion.map(FOUR).to_numpy()


def rounding(weights, bits=(8, 3)):
    """How weights become whole numbers of so many bits: each before and after."""
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
    first, second = (f"{wide} bits" for wide in bits)
    title = f"{first} move a weight by at most {worst[0]:.1f} % of the largest, {second} by {worst[1]:.0f} %"
    alt = "Weights after rounding over weights before: a line with 8 bits, a coarse staircase with 3 bits."
    return finish(fig, title, alt)


def trade(sizes, corpus):
    """Time, size and UAR of the versions of one model, side by side: the table of ``models.compare_sizes``."""
    fig, axes = new_figure(1, 3, sharey=True)
    rows = np.arange(len(sizes))[::-1]
    shown = (("ms", "time of a window (ms)", 2), ("zipped_kB", "zipped file (kB)", 0), ("UAR", "UAR", 2))
    for ax, (column, name, digits) in zip(axes, shown, strict=True):
        values = sizes[column].to_numpy(float)
        ax.barh(rows, np.nan_to_num(values), height=0.65, color=ACCENT)
        for row, value in zip(rows, values, strict=True):
            text = "–" if np.isnan(value) else f"{value:.{digits}f}"
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
    """Milliseconds that one call with so many rows of `X` takes: the fastest of some calls, by number of rows."""
    times = {size: [] for size in sizes}
    for _ in range(repeats):
        for size in sizes:
            batch = np.resize(X, (size, *X.shape[1:]))
            start = time.perf_counter()
            classifier.predict_proba(batch)
            times[size].append(1000 * (time.perf_counter() - start))
    return {size: min(values) for size, values in times.items()}


def batches(cost):
    """What a call costs, and what each of its windows costs, by the size of the batch (see `batch_cost`)."""
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
    """How long each caller waits: `runs` maps a name to milliseconds, sorted."""
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
