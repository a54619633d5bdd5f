"""The pictures of Lesson 12: chunks and windows, what two bugs cost, the gate, what is shown, and the time it takes."""

import time
import tracemalloc

import numpy as np
import pandas as pd

from ser_helpers import audio
from ser_helpers.evaluation.style import ACCENT, ACCENT_2, INK, QUIET, colour, finish, new_figure


def windows(seconds=8, seed=3):
    """Uneven chunks that arrive one after the other, and the windows of 3 s that end every second.

    >>> windows().get_suptitle().strip()
    'Chunks end anywhere; a window of 3 s ends every second'
    """
    cuts = np.cumsum(np.random.default_rng(seed).gamma(1.2, 0.5, 60))
    cuts = [0, *cuts[cuts < seconds], seconds]
    fig, ax = new_figure()
    for number, (start, end) in enumerate(zip(cuts, cuts[1:], strict=False)):
        ax.barh(0, end - start, left=start, height=0.7, color=QUIET, alpha=0.75 if number % 2 else 0.4)
    for row, end in enumerate(range(3, seconds + 1)):
        ax.barh(-1.2 - row, 3, left=end - 3, height=0.7, color=ACCENT, alpha=0.85)
        ax.text(end + 0.08, -1.2 - row, "answer", size=11, va="center", color=ACCENT)
    ax.set_yticks([0, *(-1.2 - row for row in range(seconds - 2))])
    ax.set_yticklabels(["chunks", *(f"window {row + 1}" for row in range(seconds - 2))])
    ax.set(xlabel="time (s)", ylabel="", xlim=(0, seconds + 0.8), xticks=range(seconds + 1))
    ax.grid(axis="y", visible=False)
    alt = f"{len(cuts) - 1} chunks of uneven length in {seconds} s, and under them {seconds - 2} overlapping windows."
    return finish(fig, "Chunks end anywhere; a window of 3 s ends every second", alt, "invented chunks")


FOUR = {"ang": "angry", "fru": "angry", "hap": "happy", "exc": "happy", "neu": "neutral", "sad": "sad"}
"""IEMOCAP's words as the four emotions of the window models."""


def join(turns, pause=0.6):
    """Turns one after the other, with silence between them, at 16 kHz; and when which of four emotions was rated.

    >>> from ser_helpers import corpora
    >>> y, rated = join(corpora.load("synthetic-iemocap-small")[:2])
    >>> rated.columns.tolist(), bool(rated.end.iloc[1] == len(y) / 16000 - 0.6)
    (['start', 'end', 'emotion'], True)
    """
    parts, rows, now = [], [], 0
    for turn in turns.itertuples():
        y = audio.load(turn.path, start=turn.start, end=turn.end)
        rows.append((now / 16000, (now + len(y)) / 16000, FOUR.get(turn.emotion)))
        parts += [y, np.zeros(round(pause * 16000), np.float32)]
        now += len(y) + len(parts[-1])
    return np.concatenate(parts), pd.DataFrame(rows, columns=["start", "end", "emotion"])


def backlog(runs):
    """How many seconds of sound wait in the buffer, over time: `runs` maps a name to (times, seconds waiting).

    >>> fig = backlog({"chunks of 1 s": ([1, 2, 3], [1, 2, 2]), "chunks of 5 s": ([5, 10, 15], [4, 8, 12])})
    >>> fig.get_suptitle().strip()
    'With larger chunks the answers are 12 s behind after 15 s'
    """
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
    """What a buffer costs as a call goes on: `buffers` maps a name to a class with write(chunk) and last().

    >>> from ser_helpers.streaming import RingBuffer
    >>> class Ring(RingBuffer):
    ...     def last(self):
    ...         return super().last(len(self))
    >>> growth({"ring": Ring, "another": Ring}, seconds=(6, 9)).axes[0].get_ylabel()
    'memory (MB)'
    """
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
    """Memory in MB and milliseconds for a window, of a buffer of 3 s after so many seconds of sound.

    >>> from ser_helpers.streaming import RingBuffer
    >>> class Ring(RingBuffer):
    ...     def last(self):
    ...         return super().last(len(self))
    >>> memory, milliseconds = cost(Ring, (6, 9))
    >>> round(memory[0], 1) == round(memory[1], 1)
    True
    """
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
    """A recording over the probability of speech, with the stretches that were found.

    >>> import pandas as pd
    >>> found = pd.DataFrame({"start": [0.5], "end": [1.0]})
    >>> gate(np.zeros(32000), 16000, np.zeros(62), found, "toy").get_suptitle().strip()
    'Somebody speaks in 25 % of the time'
    """
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
    """Emotions over time, one strip per way to choose what is shown; each maps a name to a table start, end, emotion.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"start": [0, 1, 2], "end": [1, 2, 3], "emotion": ["sad", "angry", None]})
    >>> strips({"window by window": table, "smoothed": table}, "toy").get_suptitle().strip()
    'What is shown: 1 change window by window, 1 smoothed'
    """
    fig, ax = new_figure()
    for line, table in enumerate(rows.values()):
        for row in table.dropna(subset=["emotion"]).itertuples():
            box = {"left": row.start, "height": 0.75, "color": colour(row.emotion), "linewidth": 0}
            ax.barh(-line, row.end - row.start, **box)
    shown = {name for table in rows.values() for name in table.emotion.dropna()}
    for name in sorted(shown):
        ax.barh(0, 0, color=colour(name), label=name)
    ax.legend(ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.2), frameon=False, fontsize=12)
    ax.set_yticks([-line for line in range(len(rows))])
    ax.set_yticklabels(list(rows))
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
    """How often the emotion differs from the one before, silence left out.

    >>> changes(["sad", None, "sad", "angry"])
    1
    """
    said = [emotion for emotion in emotions if isinstance(emotion, str)]
    return sum(a != b for a, b in zip(said, said[1:], strict=False))


def budget(latencies, allowed):
    """Median milliseconds per stage, stacked, with the 95th percentile of their sum, against a limit.

    `latencies` maps a model to its table, `allowed` is a pair such as ``("a game", 100)``.

    >>> from ser_helpers.streaming import Stopwatch
    >>> watch = Stopwatch()
    >>> watch.lap()
    >>> budget({"linear": watch.table()}, ("a game", 100)).get_suptitle().strip()
    'The slowest takes 0 ms of the 100 ms that a game allows'
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
    ax.set_yticks([-line for line in range(len(latencies))])
    ax.set_yticklabels(list(latencies))
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
