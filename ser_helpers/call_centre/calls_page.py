"""The report on a folder of recorded calls: shares of frustrated calls with intervals, and each call with its alerts.

One page like that of a podcast, with a table and everything as JSON beside it.
"""

import html
import json

import numpy as np
import pandas as pd

from ser_helpers.call_centre.call_folder import ABOUT, FEW, LIST
from ser_helpers.errors import ArchiveError
from ser_helpers.models.model_card import doubt
from ser_helpers.plots import report_page
from ser_helpers.plots.report_page import button, chart, count, note
from ser_helpers.plots.style import ACCENT, INK, QUIET, colour, finish, new_figure, percent, short

GROUPS = ("agent", "hour", "queue")
MOST_CALLS, MOST_ROWS = 100, 30
"""How many calls the page shows, those with alerts first, and how many groups a figure shows, the largest."""

BY_AGENT = (
    "Calls are not assigned to agents at random: queues, hours and the callers' problems differ. So a difference"
    " between agents does not say how well they work."
)


def write_calls_page(folder, path, title=None, subtitle=None):
    """Write the page of a `CallFolder` to the file `path`, which is replaced as a whole; returns its path (Lesson 13).

    Beside it, with the same name, are a CSV file with a row per call and a JSON file with everything. The page has the
    curves of at most 100 calls. `title` is by default the folder's name, and `subtitle` a line under it, such as
    "synthetic speech". Raises ArchiveError if no call could be analysed.
    """
    if folder.table.empty:
        raise ArchiveError("No call could be analysed: there is nothing to report.")
    shown = folder.table.sort_values("frustrated", ascending=False, kind="stable").head(MOST_CALLS)
    minutes = count(round(folder.table["minutes"].sum()), "minute")
    line = " · ".join(filter(None, (subtitle, count(len(folder.table), "call"), minutes)))
    doubts = [reason for reason in [doubt(folder.card)] if reason]
    consequence = "So the shares show how the program works, not how many callers were frustrated."
    header = report_page.about_models([folder.model], [folder.card] if folder.card else [], doubts, consequence)
    body = [_overview(folder), *(_group(folder, by, subtitle) for by in GROUPS)]
    body += [report_page.not_analysed(folder.failed), _left_out(folder, shown)]
    body += [_section(number, folder, file) for number, file in enumerate(shown.index)]
    drawn = [_curves(folder, file) for file in shown.index]
    exports = {".csv": report_page.csv_text(folder.table.reset_index(), ["file", *ABOUT]), ".json": _json(folder)}
    return report_page.write_page(path, title or folder.name, line, header, body, drawn, exports)


def draw_shares(shares, title=None, subtitle=None, figsize=report_page.PAGE):
    """The share of frustrated calls in each group, with its interval; groups with few calls are grey (Lesson 13).

    `shares` is what `CallFolder.shares` gives for a column; of more than 30 groups, those with the most calls are
    drawn.
    """
    largest = shares["calls"].nlargest(MOST_ROWS).index
    table = shares[shares.index.isin(largest)]
    fig, ax = new_figure(figsize=(figsize[0], max(figsize[1] * 0.6, 1.9 + 0.36 * len(table))))
    rows = np.arange(len(table))
    ink = np.where(table["calls"] < FEW, QUIET, ACCENT)
    ax.hlines(rows, 100 * table["low"], 100 * table["high"], color=ink, linewidth=2.5)
    ax.scatter(100 * table["share"], rows, c=ink, s=70, zorder=3)
    ax.set_yticks(rows, [f"{short(name, 24)} ({n})" for name, n in table["calls"].items()])
    ax.grid(False, axis="y")
    ax.set(
        xlim=(-2, 102),
        ylim=(len(table) - 0.5, -0.5),
        xlabel="frustrated calls (%)",
        ylabel=f"{shares.index.name} (calls)",
    )
    listed = "; ".join(
        f"{row.Index}: {percent(row.share)} of {count(row.calls, 'call')}, {percent(row.low)} to {percent(row.high)}"
        for row in table.itertuples()
    )
    alt = f"Share of frustrated calls by {shares.index.name}, with 95 % intervals. {listed}."
    quiet = f"95 % intervals over calls; grey: fewer than {FEW} calls"
    words = " · ".join(filter(None, (subtitle, quiet)))
    return finish(fig, title or f"Frustrated calls by {shares.index.name}", alt, words)


def _overview(folder):
    row, rule = folder.shares().iloc[0], folder.rule
    words = (
        f"{row.frustrated:.0f} of {count(len(folder.table), 'call')}, or {percent(row.share)}, are frustrated (95 %"
        f" interval {percent(row.low)} to {percent(row.high)})."
    )
    told = (
        "A call counts as frustrated if the live monitor would have raised an alert: the customer sounds"
        f" {rule.emotion} at a level of {rule.threshold:g} or more for {rule.persistence_s:g} s of speech. Only the"
        " customer's emotion is inferred. The intervals are over calls: they say how much the share depends on which"
        " calls there happened to be, not how often the rule is wrong."
    )
    few = any((folder.shares(by)["calls"] < FEW).any() for by in (None, *GROUPS))
    rough = note(f"Intervals from fewer than {FEW} calls are rough; in the figures they are grey.") if few else ""
    unlisted = ""
    if not folder.listed:
        missing = f"There is no {LIST} beside the recordings, so agents and hours are unknown."
        unlisted = note(f"{missing} The times of files are not used, because copying changes them.")
    title = "Frustrated calls: uncertain" if doubt(folder.card) else "Frustrated calls"
    return f"<section><h2>{title}</h2><p><b>{words}</b> {told}</p>{rough}{unlisted}</section>"


def _group(folder, by, subtitle):
    """The shares by agent, hour or queue; nothing if none is known."""
    shares = folder.shares(by)
    if shares.empty:
        return ""
    table = shares.reset_index()
    ends = zip(table.pop("low"), table.pop("high"), strict=True)
    table["95 % interval"] = [f"{percent(low)} to {percent(high)}" for low, high in ends]
    table["share"] = table["share"].map(percent)
    words = note(BY_AGENT) if by == "agent" else ""
    unknown = len(folder.table) - shares["calls"].sum()
    left_out = f"<p><small>{count(unknown, 'call')} without {by} left out.</small></p>" if unknown else ""
    picture = report_page.figure(draw_shares, shares, subtitle=subtitle)
    shown = report_page.table(table, f"Frustrated calls by {by}")
    return f"<section><h2>By {by}</h2>{words}{picture}{shown}{left_out}</section>"


def _left_out(folder, shown):
    words = f"Below are {len(shown)} calls, those with alerts first; the others are in the files beside this page."
    return f"<p>{words}</p>" if len(shown) < len(folder.table) else ""


def _section(number, folder, file):
    call, row = folder.calls[file], folder.table.loc[file]
    about = " · ".join(str(row[name]) for name in ABOUT if row[name])
    words = f"Level of “{folder.rule.emotion}” in the customer's voice, which the rule compares with its threshold"
    bands = "; grey: from where it began to the alert" if call["alerts"] else ""
    told = count(len(call["alerts"]), "alert") if call["alerts"] else "No alert"
    lines = [button(alert["start"], None, alert["explanation"], call["recording"]) for alert in call["alerts"]]
    listed = f'<ul class="list">{"".join(lines)}</ul>' if lines else ""
    head = [f"<p>{html.escape(about)}</p>" if about else "", *map(note, call["notes"])]
    curve = chart("level", told, f"{words}{bands}", f"{told}.")
    return report_page.section(number, file, *head, report_page.player(call["recording"]), curve, listed)


def _curves(folder, file):
    """What the page draws of a call: the level and the threshold at the end of each window, and the alerts."""
    call = folder.calls[file]
    level = pd.DataFrame({"level": pd.to_numeric(pd.Series(call["windows"]["level"], dtype=object))})
    level["threshold"] = folder.rule.threshold
    inks = [colour(folder.rule.emotion), INK]
    return {
        "seconds": round(call["seconds"], 2),
        "bands": [[round(alert["start"], 2), round(alert["time"], 2)] for alert in call["alerts"]],
        "level": report_page.curves(call["windows"]["end"], level, inks, [0, 1]),
    }


def _json(folder):
    """All results: the rule, the model, the shares and the calls with their windows."""
    shares = {by or "all": json.loads(folder.shares(by).to_json(orient="index")) for by in (None, *GROUPS)}
    rows = json.loads(folder.table.to_json(orient="index"))
    calls = [{"file": file, **rows[file], **folder.calls[file]} for file in folder.table.index]
    about = {"model": folder.model, "card": folder.card, "doubt": doubt(folder.card), "rule": vars(folder.rule)}
    return (
        json.dumps({"folder": folder.name, **about, "shares": shares, "failed": folder.failed, "calls": calls}) + "\n"
    )
