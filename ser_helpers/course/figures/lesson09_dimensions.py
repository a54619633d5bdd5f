"""The pictures of Lesson 09: what the CCC punishes, two losses side by side, and what a longer window trades."""

import numpy as np
import pandas as pd

from ser_helpers.evaluation import ccc, mse
from ser_helpers.plots.style import ACCENT, ACCENT_2, INK, QUIET, finish, new_figure
from ser_helpers.streaming import rolling_mean


def concordance(seed=0):
    """Four models of the same 60 ratings: right, too high, too timid, and random; with r, MSE and CCC of each."""
    rng = np.random.default_rng(seed)
    truth = np.clip(rng.normal(3, 0.9, 60), 1, 5)
    noisy = truth + rng.normal(0, 0.4, 60)
    timid = truth.mean() + 0.3 * (noisy - truth.mean())
    models = {"noisy": noisy, "always 1 too high": noisy + 1, "too timid": timid}
    models["says the mean"] = np.full(60, truth.mean()) + rng.normal(0, 1e-3, 60)
    fig, axes = new_figure(1, 4, sharex=True, sharey=True)
    scores = []
    for ax, (name, guess) in zip(axes, models.items(), strict=True):
        r = "–" if name == "says the mean" else f"{np.corrcoef(truth, guess)[0, 1]:.2f}"
        scores.append(f"{name}: r {r}, MSE {mse(truth, guess):.2f}, CCC {abs(ccc(truth, guess)):.2f}")
        ax.plot([1, 6], [1, 6], color=QUIET, linewidth=1.2, linestyle=(0, (4, 3)))
        ax.plot(truth, guess, "o", color=ACCENT, markersize=5, alpha=0.6, markeredgewidth=0)
        first, rest = scores[-1].split(": ")
        ax.set_title(f"{first}\n" + rest.replace(", ", "\n"), loc="left", size=12, color=INK)
        ax.set(xlabel="rated (1 to 5)", xlim=(0.8, 5.2), ylim=(0.8, 6.2))
    axes[0].set_ylabel("predicted")
    alt = f"Four clouds of predicted against rated arousal. {'; '.join(scores)}."
    return finish(fig, "Correlation forgives what is too high or too timid; the CCC does not", alt, "invented numbers")


def two_losses(a, b):
    """Two regressions of the same target side by side: predicted against rated, and how widely each spreads."""
    fig, axes = new_figure(1, 2, sharex=True, sharey=True)
    spreads = []
    for ax, result, ink in zip(axes, (a, b), (ACCENT, ACCENT_2), strict=True):
        truth, guess = result.predictions.truth, result.predictions.predicted
        spreads.append(guess.std() / truth.std())
        jitter = np.random.default_rng(0).uniform(-1, 1, len(truth)) * 0.01 * np.ptp(truth)
        ends = [truth.min(), truth.max()]
        ax.plot(ends, ends, color=QUIET, linewidth=1.2, linestyle=(0, (4, 3)))
        ax.plot(truth + jitter, guess, "o", color=ink, markersize=4, alpha=0.4, markeredgewidth=0)
        words = f"{result.name}\nMSE {mse(truth, guess):.2f}, CCC {result.ccc:.2f}"
        ax.set_title(words, loc="left", size=12, color=ink)
        ax.set_xlabel(f"{a.target}, as rated")
    axes[0].set_ylabel(f"{a.target}, as predicted")
    said = [f"{100 * spread:.0f} %" for spread in spreads]
    title = f"Of the spread of the ratings, one loss keeps {said[0]}, the other {said[1]}"
    alt = f"Two clouds of predicted against rated {a.target}: {a.name}, {said[0]} of the spread; {b.name}, {said[1]}."
    return finish(fig, title, alt, f"{a.corpus} · {a.features} · {a.protocol_words}")


def window(values, truth, table, turns=(1, 2, 3, 4, 5)):
    """What a longer window trades: how much the curve jumps, against how far it is from the latest turn."""
    curves = trade(values, truth, table, turns)
    fig, ax = new_figure()
    for column, ink in zip(curves, (ACCENT, ACCENT_2), strict=True):
        ax.plot(curves.index, curves[column], "o-", color=ink, linewidth=2.5, markersize=8)
        end = (curves.index[-1], curves[column].iloc[-1])
        ax.annotate(column, end, (10, 0), textcoords="offset points", color=ink, size=12, weight="bold", va="center")
    ax.set_xticks(curves.index)
    ax.set(xlim=(turns[0] - 0.2, turns[-1] + 1.5), ylim=(0, None))
    ax.set(xlabel="window (turns of the speaker, this one included)", ylabel="steps of the scale")
    listed = "; ".join(f"{n} turns: {row.iloc[0]:.2f} and {row.iloc[1]:.2f}" for n, row in curves.iterrows())
    alt = f"Two curves over the length of the window, jump and error: {listed}."
    title = "A longer window is calmer, and further from what was just said"
    return finish(fig, title, alt, f"{table.corpus.iloc[0]} · {table.dialogue.nunique()} conversations")


def trade(values, truth, table, turns):
    """The two curves of `window` as a table: mean jump from turn to turn, and root mean squared error per turn."""
    spoken = table.sort_values("turn_end")
    rows = {}
    for n in turns:
        mean = rolling_mean(values, table, turns=n).loc[spoken.index]
        jump = mean.groupby([spoken.dialogue, spoken.speaker]).diff().abs().mean()
        rows[n] = {"jump from turn to turn": jump, "error for the turn": mse(truth[spoken.index], mean) ** 0.5}
    return pd.DataFrame.from_dict(rows, orient="index")
