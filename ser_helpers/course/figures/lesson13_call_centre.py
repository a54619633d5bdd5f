"""The pictures of Lesson 13: a call, who speaks in it, the curve that a supervisor sees, rules, scores and load."""

from pathlib import Path

import numpy as np

from ser_helpers.call_centre.alert_evaluation import outcomes, score
from ser_helpers.call_centre.alerts import AlertRule
from ser_helpers.plots.style import ACCENT, ACCENT_2, INK, QUIET, colour, finish, new_figure

SYNTHETIC = "synthetic call centre"
PAGE = Path(__file__).with_name("dashboard.png")  # taken by book/dashboard.py


def page():
    """A picture of the supervisor's page while it replays four calls.

    >>> page().alt[:37]
    "The supervisor's page: four synthetic"
    """
    from IPython.display import Image

    alt = (
        "The supervisor's page: four synthetic calls, each with the level of anger over time, who speaks, and the truth"
        " below, and valence and arousal on a plane beside it; above them an alert that says why it is there, with a"
        " button Acknowledge."
    )
    return Image(PAGE, width=960, alt=alt)


def call(y, sr, truth, name="a call"):
    """Both channels of a call over time: the agent in grey, behind the customer what was felt.

    `y` is (n, 2), `truth` the turns with ``party``, ``start``, ``end`` and ``emotion``.
    """
    fig, axes = new_figure(2, sharex=True, sharey=True)
    step = max(1, len(y) // 4000)
    for ax, samples, party in zip(axes, y.T, ("agent", "customer"), strict=True):
        blocks = samples[: len(samples) // step * step].reshape(-1, step)
        times = np.arange(len(blocks)) * step / sr
        ax.fill_between(times, blocks.min(axis=1), blocks.max(axis=1), color=QUIET if party == "agent" else INK, lw=0.3)
        ax.set_title(party, loc="left", size=12)
        ax.set_ylabel("amplitude")
    felt = truth[truth["party"] == "customer"]
    top = float(np.abs(y).max()) or 1.0
    changed = (felt["emotion"] != felt["emotion"].shift()).cumsum()
    for _, turns in felt.groupby(changed):
        emotion = turns["emotion"].iloc[0]
        for turn in turns.itertuples():
            axes[1].axvspan(turn.start, turn.end, color=colour(emotion), alpha=0.55, linewidth=0)
        axes[1].text(turns["start"].iloc[0], 1.02 * top, emotion, size=10, va="bottom", color=INK)
    axes[1].set_ylim(-top, 1.35 * top)
    axes[1].set_xlabel("time (s)")
    axes[1].set_xlim(0, len(y) / sr)
    seconds = (felt["end"] - felt["start"]).sum()
    angry = (felt["end"] - felt["start"])[felt["emotion"] == "angry"].sum()
    title = f"The customer speaks for {seconds:.0f} seconds, and is angry in {angry:.0f} of them"
    alt = f"Waveforms of agent and customer over {len(y) / sr:.0f} s; the customer's turns are coloured by emotion."
    return finish(fig, title, alt, f"{SYNTHETIC} · {name} · colours: what was felt")


def who_speaks(tables, title, name="a call"):
    """Who speaks when, a strip for each of several answers: ``{label: turns}`` with ``start``, ``end``, ``speaker``."""
    fig, ax = new_figure()
    labels = list(tables)
    for row, turns in enumerate(reversed(tables.values())):
        for turn in turns.itertuples():
            agent = turn.speaker == "agent"
            place, ink = (row + 0.02, QUIET) if agent else (row - 0.38, ACCENT)
            ax.broken_barh([(turn.start, turn.end - turn.start)], (place, 0.36), color=ink)
    end = max(turns["end"].max() for turns in tables.values() if len(turns))
    for text, offset, ink in (("agent", 0.2, QUIET), ("customer", -0.2, ACCENT)):
        ax.text(1.01 * end, len(labels) - 1 + offset, text, color=ink, size=12, weight="bold", va="center")
    ax.set_yticks(range(len(labels)), labels[::-1])
    ax.set_ylim(-0.6, len(labels) - 0.4)
    ax.set(xlabel="time (s)", xlim=(0, 1.12 * end), ylabel="answer")
    ax.grid(axis="y", visible=False)
    alt = f"Strips of who speaks when, from the top: {'; '.join(label.replace(chr(10), ', ') for label in labels)}."
    return finish(fig, title, alt, f"{SYNTHETIC} · {name}")


def trajectory(windows, truth, rule, alerts, name="a call", due=None):
    """How angry the customer sounds, second by second, with the rule's threshold, its alerts and what was felt.

    `windows` as from `CallReport.trajectory`, with ``level``; `truth` the turns; `alerts` with ``time`` each; `due` is
    the second at which one should come.
    """
    fig, ax = new_figure()
    angry = truth[(truth["party"] == "customer") & (truth["emotion"] == "angry")]
    for turn in angry.itertuples():
        ax.axvspan(turn.start, turn.end, color=colour("angry"), alpha=0.2, linewidth=0)
    if len(angry):
        ax.text(angry["start"].iloc[0], 1.02, "angry in truth", color=colour("angry"), size=11)
    ax.plot(windows["end"], windows["level"], "o-", color=INK, linewidth=1.5, markersize=4)
    ax.axhline(rule.threshold, color=ACCENT, linewidth=1.5, linestyle=(0, (4, 3)))
    ax.text(0.3, rule.threshold + 0.02, f"threshold {rule.threshold:.2f}", color=ACCENT, size=11)
    for alert in alerts:
        ax.axvline(alert.time, color=ACCENT_2, linewidth=2.5)
        ax.annotate("alert", (alert.time, 0.02), (5, 0), textcoords="offset points", color=ACCENT_2, weight="bold")
    ax.set(xlabel="time (s)", ylabel=f"level of “{rule.emotion}”", ylim=(0, 1.1), xlim=(0, windows["end"].max()))
    times = [f"{alert.time:.0f} s" for alert in alerts]
    title = f"{'Alert' if len(times) == 1 else 'Alerts'} at {', '.join(times)}" if times else "No alert"
    if due is not None:
        ax.axvline(due, color=ACCENT_2, linewidth=1.5, linestyle=(0, (1, 2)))
        ax.annotate("due", (due, 0.02), (-5, 0), textcoords="offset points", color=ACCENT_2, ha="right")
        title += f", due at {due:.0f} s"
    alt = f"Level of {rule.emotion} over time for the customer, shaded where they were angry. {title}."
    return finish(fig, title, alt, f"{SYNTHETIC} · {name} · the curve lags: each point hears the 3 s before it")


def persistence(windows, table, threshold, seconds=(0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15)):
    """Precision and recall of the alerts as the rule asks for longer anger, at one threshold.

    `windows` as from `alert_evaluation.customer_windows`, `table` as from `alert_evaluation.call_table`.
    """
    found = {}
    for wait in seconds:
        rule = AlertRule(threshold=threshold, persistence_s=wait)
        found[wait] = score(outcomes(windows, rule, table), intervals=False)
    fig, ax = new_figure()
    for measure, ink in (("precision", ACCENT), ("recall", ACCENT_2)):
        values = [found[wait][measure] for wait in seconds]
        ax.plot(seconds, values, "o-", color=ink, linewidth=2.5, markersize=7)
        end, look = (seconds[-1], np.nan_to_num(values[-1])), {"color": ink, "size": 12, "weight": "bold"}
        ax.annotate(measure, end, (10, 0), textcoords="offset points", **look)
    first, best = found[seconds[0]], max(seconds, key=lambda wait: found[wait]["f1"])
    ax.set(xlabel="seconds of angry speech that the rule asks for", ylabel="share", ylim=(0, 1.05))
    ax.set(xlim=(-0.3, 1.2 * seconds[-1]), xticks=seconds)
    low, high = first["precision"], found[best]["precision"]
    title = f"Asking for {best} s instead of none lifts precision from {low:.2f} to {high:.2f}"
    listed = "; ".join(f"{wait} s: {found[wait]['precision']:.2f} and {found[wait]['recall']:.2f}" for wait in seconds)
    alt = f"Precision and recall over the seconds that the rule asks for: {listed}."
    return finish(fig, title, alt, f"{SYNTHETIC} · {len(table)} tuning calls · threshold {threshold:.2f}")


def scores(table):
    """Precision and recall with and without noise reduction, with their intervals: `table` as from `score_calls`."""
    fig, axes = new_figure(1, 2, sharey=True)
    rows = range(len(table))
    for ax, measure in zip(axes, ("precision", "recall"), strict=True):
        for row, (_, found) in zip(rows, table.iterrows(), strict=True):
            ax.plot([found[f"{measure}_low"], found[f"{measure}_high"]], [row, row], color=ACCENT, linewidth=3)
            ax.plot(found[measure], row, "o", color=ACCENT, markersize=11)
            value = found[measure]
            ax.annotate(f"{value:.2f}", (value, row), (0, 12), textcoords="offset points", ha="center")
        ax.set(xlabel=measure, xlim=(0, 1.02))
    axes[0].set_yticks(rows, [f"noise reduction: {name}" for name in table.index])
    calls = int(table["calls"].iloc[0])
    axes[0].set_ylabel(f"the same {calls} calls")
    axes[0].set_ylim(-0.6, len(table) - 0.4)
    both = [row for _, row in table.iterrows()]
    apart = any(a[f"{m}_low"] > b[f"{m}_high"] for m in ("precision", "recall") for a in both for b in both)
    recalls = dict(zip(table.index, table["recall"], strict=True))
    title = f"Angry calls found: {recalls['yes']:.2f} with noise reduction, {recalls['no']:.2f} without"
    lines = "95 % intervals over customers, which " + ("lie apart" if apart else "overlap")
    listed = [f"{name}: precision {row.precision:.2f}, recall {row.recall:.2f}" for name, row in table.iterrows()]
    alt = f"Precision and recall with 95 % intervals, noise reduction {'; '.join(listed)}."
    return finish(fig, title, alt, f"{SYNTHETIC} · {calls} calls · {lines}")


def waiting(times, calls, workers, seconds=120, seed=0):
    """Seconds from the end of each window to its estimate, when `calls` calls share `workers` cores (a simulation).

    Each call completes a window a second; the time that one takes is drawn from `times`, which were measured.
    """
    rng = np.random.default_rng(seed)
    phase = rng.uniform(0, 1, calls)
    arrivals = np.sort((phase[:, None] + np.arange(seconds)).ravel())
    work = rng.choice(times, len(arrivals))
    free, delays = np.zeros(workers), []
    for arrival, needed in zip(arrivals, work, strict=True):
        first = free.argmin()
        free[first] = max(free[first], arrival) + needed
        delays.append(free[first] - arrival)
    return np.array(delays)


def load(times, workers, limit=0.5):
    """The wait that 95 of 100 windows stay below, over the number of calls at once, simulated from measured `times`."""
    most = workers / np.mean(times)
    calls = np.unique(np.maximum(1, np.rint(most * np.array([0.05, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 1, 1.05, 1.1]))))
    waits = np.array([np.percentile(waiting(times, int(n), workers), 95) for n in calls])
    carried = int(calls[waits <= limit].max(initial=0))
    fig, ax = new_figure()
    ax.plot(calls, 1000 * waits, "o-", color=ACCENT, linewidth=2.5, markersize=7)
    ax.axhline(1000 * limit, color=ACCENT_2, linewidth=1.5, linestyle=(0, (4, 3)))
    ax.text(calls[0], 1000 * limit * 1.1, f"{1000 * limit:.0f} ms: too late", color=ACCENT_2, size=11)
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.set(xlabel="calls at once", ylabel="wait (ms), 95 of 100 are shorter", xlim=(0, None))
    title = f"The model alone carries about {carried} calls; a few more, and all wait"
    alt = f"Wait over the number of calls, flat up to {carried} calls, then steep."
    return finish(fig, title, alt, f"simulated from {len(times)} windows measured here · {workers} cores")
