"""The report of a show: one HTML page with player, curves and figures inside, readable offline and on a phone."""

import json
from pathlib import Path

import pandas as pd
from scipy.stats import ttest_ind

from ser_helpers import paths
from ser_helpers.corpora.labels import label_order
from ser_helpers.corpora.schema import DIMENSIONS
from ser_helpers.errors import ArchiveError
from ser_helpers.plots import report_page
from ser_helpers.plots.report_page import button, chart, count, note
from ser_helpers.plots.style import LINES, colour, percent, short
from ser_helpers.podcast import figures, titles
from ser_helpers.podcast.analysis import WINDOW
from ser_helpers.podcast.episode import TABLES, Show
from ser_helpers.streaming.timeline import emotions

QUOTES = 3
"""How many sentences are quoted from each end of the valence."""

SECONDS = 60
"""The rolling means of valence, arousal and dominance."""


def write_report(show, path, failed=None, subtitle=None, other=None):
    """Write the page of a `Show` to the file `path`, which is replaced as a whole, and return its path (Lesson 11).

    Beside it, with the same name, are a CSV file with a row per episode and a JSON file with everything. `failed` is
    {episode: reason} of those that could not be analysed; `subtitle` a line under the title and the figures' titles,
    such as "synthetic speech"; `other` a Show to compare with. Raises ArchiveError if the show has no episode.
    """
    if not show.episodes:
        raise ArchiveError("No episode could be analysed: there is nothing to report.")
    compared = "" if other is None else _comparison(show, other)
    sections = [_section(number, episode) for number, episode in enumerate(show.episodes)]
    minutes = sum(episode.seconds for episode in show.episodes) / 60
    line = (subtitle, count(len(show.episodes), "episode"), count(round(minutes), "minute"))
    return report_page.write_page(
        path,
        show.name,
        " · ".join(filter(None, line)),
        _models(show),
        [_overview(show, subtitle), compared, report_page.not_analysed(show.damaged | (failed or {})), *sections],
        [_curves(episode) for episode in show.episodes],
        {".csv": _csv(show), ".json": _json(show)},
    )


def report_of(out, results, name=None, feed=None, compare=None):
    """Write ``out/report.html`` about all that :func:`process` has finished in `out`; returns its path (Lesson 11).

    `results` is what it returned. Failed episodes are listed with their reason, and so are those of earlier runs whose
    results are damaged, or were made with another model or other settings. Embedded episodes are called synthetic.
    `name` is the show's, by default that in the RSS feed `feed` (a file), in the tags of the recordings or of the
    folder; titles of episodes are from the feed or the tags. `compare` is the folder of another show. The chapters of
    each episode are written to ``out/chapters`` in the JSON of Podcasting 2.0.
    """
    show, failed = Show.load(out), results[results["state"] == "failed"]["reason"].to_dict()
    tools = {episode.name: (episode.hashes or [None])[0] for episode in show.episodes}
    current = {tools[episode] for episode in results.index.difference(list(failed)).intersection(list(tools))}
    earlier = [episode for episode in tools if current and tools[episode] not in current and episode not in failed]
    failed |= dict.fromkeys(earlier, "It was analysed earlier with another model or other settings: analyse it again.")
    show.episodes = [episode for episode in show.episodes if episode.name not in failed]
    embedded = results["path"].map(lambda path: Path(path).is_relative_to(paths.cache_home())).any()
    show_title, feed_titles = titles.from_feed(feed) if feed else (None, {})
    albums = set()
    for episode in show.episodes:
        if episode.name in results.index:
            episode.recording = paths.relative(results["path"][episode.name], Path(out).resolve())
        tagged, album = titles.from_tags(Path(out) / episode.recording) if episode.recording else (None, None)
        episode.title = feed_titles.get(episode.name, tagged)
        albums.add(album)
    show.name = name or show_title or (albums.pop() if len(albums) == 1 else None) or show.name
    other = None if compare is None else Show.load(compare)
    if other is not None and not other.episodes:
        raise ArchiveError(f"There is no analysed episode in {compare}: give the --out folder of another show.")
    page = write_report(show, Path(out) / "report.html", failed, "synthetic speech" if embedded else None, other)
    for episode in show.episodes:
        if episode.name in results.index:  # so it is the name of a file
            chapters = {"version": "1.2.0", "chapters": episode.chapters()}
            with paths.atomic_file(Path(out) / "chapters" / f"{episode.name}.json") as aside:
                aside.write_text(json.dumps(chapters, indent=1) + "\n", encoding="utf-8")
    return page


def _models(show):
    """The names of the models, and the card of each emotion model."""
    names = [name for episode in show.episodes for name in episode.models]
    cards = [episode.card for episode in show.episodes if episode.card]
    doubts = [episode.doubt for episode in show.episodes if episode.doubt]
    return report_page.about_models(names, cards, doubts, "So no title says which emotion prevails.")


def _overview(show, subtitle):
    table = show.summary
    measured = table.columns.intersection([*DIMENSIONS, "laughs per 10 min"])
    names = table.columns.difference(["minutes", "speech", *measured])
    silent = ~table[names].any(axis=1)
    table["minutes"] = table["minutes"].map("{:.1f}".format)
    table["speech"] = table["speech"].map("{:.0%}".format)
    for name in names:
        table[name] = table[name].map("{:.0%}".format).mask(silent, "–")
    for name in measured:
        table[name] = table[name].map("{:.1f}".format).replace("nan", "–")
    table.index = pd.Index([_title(episode) for episode in show.episodes], name="episode")
    titled = {} if not any(episode.doubt for episode in show.episodes) else {"title": f"{short(show.name)}: uncertain"}
    images = [report_page.figure(figures.draw_shares, show, subtitle=subtitle, **titled)]
    if len(show.episodes) > 1 and show.sentences["valence"].notna().any():
        title = f"{short(show.name)}: valence, arousal and dominance"
        look = {"subtitle": subtitle, "across": True, "seconds": 300, "title": title}
        images.append(report_page.figure(figures.draw_dimensions, show, **look))
    laughter = any(episode.laughter is not None for episode in show.episodes)
    small = "<p><small>Windows in which someone laughs are left out of the shares.</small></p>" if laughter else ""
    numbers = report_page.table(table.reset_index(), "Numbers by episode")
    return f"<section>{numbers}{small}{''.join(images)}</section>"


def _comparison(show, other):
    """Means over the episodes of two shows, and their differences with 95 % intervals (Welch's t)."""
    tables = [show.summary, other.summary]
    rows = {}
    for name in tables[0].columns.intersection(tables[1].columns).drop("minutes"):
        values = [table[name].dropna() for table in tables]
        if not all(map(len, values)):
            continue
        scale, unit = (1, "") if name in (*DIMENSIONS, "laughs per 10 min") else (100, " %")
        means = [scale * value.mean() for value in values]
        row = [*(f"{mean:.1f}{unit}" for mean in means), f"{means[0] - means[1]:+.1f}", "–"]
        if min(map(len, values)) > 1 and max(value.std() for value in values) > 1e-9:
            low, high = ttest_ind(*values, equal_var=False).confidence_interval()
            row[-1] = f"{scale * low:+.1f} to {scale * high:+.1f}"
        rows[name] = row
    heads = [f"{one.name} ({count(len(one.episodes), 'episode')})" for one in (show, other)]
    columns = [*heads, "difference", "95 % interval"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("mean of the episodes")
    hashes = {(episode.hashes or [None])[0] for one in (show, other) for episode in one.episodes}
    words = "The two shows were analysed with different models or settings: the differences may come from these."
    notes = note(words) if len(hashes) > 1 else ""
    if min(len(show.episodes), len(other.episodes)) < 5:
        notes += note("Intervals from fewer than five episodes are rough.")
    if other.damaged:
        notes += note(f"Left out of {other.name}, because their results are damaged: {', '.join(other.damaged)}.")
    shown = report_page.table(table.reset_index(), "Comparison of two shows")
    return f"<section><h2>Comparison</h2>{notes}{shown}</section>"


def _section(number, episode):
    head = [*map(note, episode.notes), report_page.player(episode.recording)]
    laughs = ""
    if episode.laughter is not None:
        rate = episode.laughs_per_10_minutes
        length = (episode.laughter["end"] - episode.laughter["start"]).sum()
        laughs = f"<p>{count(len(episode.laughter), 'laugh')}, {rate:.1f} per 10 minutes, {length:.1f} s in all.</p>"
    names, shares = label_order(emotions(episode.timeline)), episode.shares
    listed = ", ".join(f"{name} {percent(shares[name])}" for name in names)
    claim = "nobody speaks"
    if shares.any():
        claim = "uncertain" if episode.doubt else f"mostly {shares.idxmax()}, {percent(shares.max())} of the speech"
    words = f"Probabilities of the emotions, mean of {_width(episode) * WINDOW:g} s"
    words += "" if episode.laughter is None else "; grey: laughter"
    charts = [chart("emotions", f"Emotions over time: {claim}", words, f"Shares of the speech: {listed}.")]
    rated = Show(episode.name, [episode]).sentences
    if episode.dimensions:
        means = episode.timeline[episode.dimensions].mean()
        known = ", ".join(f"{name} {value:.1f}" for name, value in means.dropna().items())
        words = f"{', '.join(episode.dimensions).capitalize()} of the voice from 1 to 5, mean of"
        words += f" {_width(episode) * WINDOW:g} s"
        charts.append(chart("windows", "Dimensions over time", words, f"Means: {known or 'nobody speaks'}."))
    if rated["valence"].notna().any():
        words = f"Valence, arousal and dominance from 1 to 5, mean of {SECONDS} s"
        charts.append(chart("dimensions", "Sentences over time", words, f"{len(rated)} sentences."))
    lists = [_chapters(episode), _sentences(episode), _quotes(rated, episode)]
    return report_page.section(number, _title(episode), *head, laughs, *charts, *lists)


def _width(episode):
    """How many windows are averaged for the curves: single ones are too often wrong."""
    return max(5, -(-len(episode.timeline) // figures.COLUMNS))


def _curves(episode):
    """What the page draws of an episode: times (s), a list of values for each curve, and the laughs."""
    table, names = episode.timeline, label_order(emotions(episode.timeline))
    both = [*names, *episode.dimensions]
    smooth = table[both].rolling(_width(episode), center=True, min_periods=1).mean().where(table[both].notna())
    middle = (table["start"] + table["end"]) / 2
    drawn = {"seconds": round(episode.seconds, 2), "bands": []}
    if episode.laughter is not None:
        drawn["bands"] = episode.laughter[["start", "end"]].round(2).to_numpy().tolist()
    drawn["emotions"] = report_page.curves(middle, smooth[names], map(colour, names), [0, 1])
    drawn["windows"] = report_page.curves(middle, smooth[episode.dimensions], LINES, [1, 5])
    single = Show(episode.name, [episode])
    drawn["dimensions"] = report_page.curves(single.sentences["clock"], single.means(SECONDS), LINES, [1, 5])
    return drawn


def _chapters(episode):
    chapters = episode.chapters()
    if len(chapters) < 2:
        return ""
    rows = [button(one["startTime"], None, one["title"], episode.recording) for one in chapters]
    return f'<h3>Chapters</h3><ul class="list">{"".join(rows)}</ul>'


def _sentences(episode):
    if episode.sentences is None:
        return ""
    rows = "".join(_quote(row, episode) for row in episode.sentences.itertuples())
    return f'<details><summary>Sentences: click one to play it</summary><ul class="list">{rows}</ul></details>'


def _quotes(rated, episode):
    """The sentences with the lowest and the highest valence."""
    ordered = rated.dropna(subset="valence").sort_values("valence", kind="stable")
    most = min(QUOTES, len(ordered) // 2)
    ends = {"lowest": ordered.head(most), "highest": ordered.tail(most)[::-1]}
    if not most:
        return ""
    lists = [
        f'<h3>The {end} valence</h3><ul class="list">{"".join(_quote(row, episode) for row in rows.itertuples())}</ul>'
        for end, rows in ends.items()
    ]
    return f"<details><summary>Sentences with the lowest and the highest valence</summary>{''.join(lists)}</details>"


def _quote(row, episode):
    speaker = f"{row.speaker}: " if isinstance(row.speaker, str) else ""
    valence = getattr(row, "valence", float("nan"))
    number = "" if pd.isna(valence) else f"{valence:.1f}"
    return button(row.start, row.end, f"{speaker}{row.text}", episode.recording, number)


def _csv(show):
    """A row per episode."""
    table = show.summary.reset_index()
    table.insert(1, "title", [_title(episode) for episode in show.episodes])
    return report_page.csv_text(table, ["episode", "title"])


def _json(show):
    """All results, with tables as lists of rows."""
    episodes = []
    for episode in show.episodes:
        about = {name: getattr(episode, name) for name in ("name", "title", "recording", "seconds", "notes", "models")}
        tables = {name: getattr(episode, name) for name in TABLES}
        rows = {
            name: None if table is None else json.loads(table.to_json(orient="records", double_precision=4))
            for name, table in tables.items()
        }
        shares = episode.shares.round(4).to_dict()
        episodes.append(about | {"doubt": episode.doubt, "shares": shares, "chapters": episode.chapters()} | rows)
    return json.dumps({"show": show.name, "episodes": episodes}) + "\n"


def _title(episode):
    return episode.title or episode.name
