"""The report of a show: one HTML page with player, curves and figures inside, readable offline and on a phone."""

import base64
import hashlib
import html
import json
import os
import string
from pathlib import Path
from urllib.parse import quote

import pandas as pd
from scipy.stats import ttest_ind

from ser_helpers import paths
from ser_helpers.corpora.labels import label_order
from ser_helpers.corpora.schema import DIMENSIONS
from ser_helpers.errors import ArchiveError
from ser_helpers.evaluation.result import html as html_table
from ser_helpers.models.model_card import ModelCard
from ser_helpers.plots.style import LINES, colour, percent
from ser_helpers.podcast import figures, titles
from ser_helpers.podcast.analysis import WINDOW
from ser_helpers.podcast.archive import relative
from ser_helpers.podcast.episode import TABLES, Show
from ser_helpers.streaming.timeline import emotions

PAGE = Path(__file__).with_name("page")
QUOTES = 3
"""How many sentences are quoted from each end of the valence."""

SECONDS = 60
"""The rolling means of valence, arousal and dominance."""


def write_report(show, path, failed=None, subtitle=None, other=None):
    """Write the page of a `Show` to the file `path`, which is replaced as a whole, and return its path (Lesson 11).

    Beside it, with the same name, are a CSV file with a row per episode and a JSON file with everything. `failed` is
    {episode: reason} of those that could not be analysed; `subtitle` a line under the title and the figures' titles,
    such as "synthetic speech"; `other` a Show to compare with. The curves are drawn by uPlot
    (https://github.com/leeoniya/uPlot). Raises ArchiveError if the show has no episode.
    """
    if not show.episodes:
        raise ArchiveError("No episode could be analysed: there is nothing to report.")
    path = Path(path)
    sections = [_section(number, episode) for number, episode in enumerate(show.episodes)]
    compared = "" if other is None else _comparison(show, other)
    minutes = sum(episode.seconds for episode in show.episodes) / 60
    line = " · ".join(filter(None, (subtitle, _count(len(show.episodes), "episode"), _count(round(minutes), "minute"))))
    read = {file.name: file.read_text(encoding="utf-8") for file in PAGE.iterdir()}
    licence = f"/*\n{read['uPlot.LICENSE']}\n*/\n"
    script, style = licence + read["uPlot.iife.min.js"] + read["report.js"], read["uPlot.min.css"] + read["report.css"]
    exports = {path.with_suffix(".csv"): _csv(show), path.with_suffix(".json"): _json(show)}
    links = [f'<a href="{quote(file.name)}">{file.suffix[1:].upper()}</a>' for file in exports]
    page = string.Template(read["report.html"]).substitute(
        title=html.escape(show.name),
        line=html.escape(line),
        models=_models(show),
        body="\n".join([_overview(show, subtitle), compared, _failed(failed or {}), *sections]),
        exports=f"The numbers are beside this page: {', '.join(links)}.",
        data=json.dumps([_curves(episode) for episode in show.episodes]).replace("<", "\\u003c"),
        script=script,
        script_hash=_hash(script),
        style=style,
        style_hash=_hash(style),
    )
    for file, text in (exports | {path: page}).items():
        with paths.atomic_file(file) as aside:
            aside.write_text(text, encoding="utf-8", errors="replace")
    return path


def report_of(out, results, name=None, feed=None, compare=None):
    """Write ``out/report.html`` about all that :func:`process` has finished in `out`; returns its path (Lesson 11).

    `results` is what it returned. Failed episodes are listed with their reason, and so are those that an earlier run
    analysed with another model or other settings. Embedded episodes are called synthetic. `name` is the show's, by
    default that in the RSS feed `feed` (a file), in the tags of the recordings or of the folder; titles of episodes are
    from the feed or the tags. `compare` is the folder of another show. The chapters of each episode are written to
    ``out/chapters`` in the JSON of Podcasting 2.0.
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
            episode.recording = relative(results["path"][episode.name], Path(out).resolve())
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
    names = dict.fromkeys(name for episode in show.episodes for name in episode.models)
    text = f"<p>Models: {html.escape('; '.join(names))}.</p>" if names else ""
    for card in {json.dumps(episode.card): episode.card for episode in show.episodes if episode.card}.values():
        card = ModelCard.from_dict(card)
        licences = "; ".join(f"{corpus}: {licence}" for corpus, licence in card.licences.items())
        rows = {"Model": card.title, "Score": card.verdict, "Licence of its data": licences, "Trained on": card.date}
        rows |= {"Note": " ".join(card.notes)} if card.notes else {}
        text += f"<dl>{''.join(f'<dt>{k}</dt><dd>{html.escape(str(v))}</dd>' for k, v in rows.items())}</dl>"
    doubts = dict.fromkeys(episode.doubt for episode in show.episodes if episode.doubt)
    words = f"Uncertain: {html.escape('; '.join(doubts))}. So no title says which emotion prevails."
    return text + (f'<p class="note">{words}</p>' if doubts else "")


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
    titled = {} if not any(episode.doubt for episode in show.episodes) else {"title": f"{_plain(show)}: uncertain"}
    images = [_figure(figures.draw_shares, show, subtitle, **titled)]
    if len(show.episodes) > 1 and show.sentences["valence"].notna().any():
        title = f"{_plain(show)}: valence, arousal and dominance"
        images.append(_figure(figures.draw_dimensions, show, subtitle, across=True, seconds=300, title=title))
    laughter = any(episode.laughter is not None for episode in show.episodes)
    note = "<p><small>Windows in which someone laughs are left out of the shares.</small></p>" if laughter else ""
    return f"<section>{_table(table.reset_index(), 'Numbers by episode')}{note}{''.join(images)}</section>"


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
    heads = [f"{one.name} ({_count(len(one.episodes), 'episode')})" for one in (show, other)]
    columns = [*heads, "difference", "95 % interval"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("mean of the episodes")
    hashes = {(episode.hashes or [None])[0] for one in (show, other) for episode in one.episodes}
    note = "The two shows were analysed with different models or settings: the differences may come from these."
    note = f'<p class="note">{note}</p>' if len(hashes) > 1 else ""
    if min(len(show.episodes), len(other.episodes)) < 5:
        note += '<p class="note">Intervals from fewer than five episodes are rough.</p>'
    return f"<section><h2>Comparison</h2>{note}{_table(table.reset_index(), 'Comparison of two shows')}</section>"


def _section(number, episode):
    notes = "".join(f'<p class="note">{html.escape(note)}</p>' for note in episode.notes)
    audio = ""
    if episode.recording:
        address = "./" + quote(os.fsencode(episode.recording))  # neither "javascript:" nor "//host" is an address then
        missing = "The recording is not at its place beside this page, or this browser cannot play it."
        audio = f'<audio controls preload="none" src="{address}"></audio><p class="note missing" hidden>{missing}</p>'
    laughs = ""
    if episode.laughter is not None:
        rate = episode.laughs_per_10_minutes
        length = (episode.laughter["end"] - episode.laughter["start"]).sum()
        laughs = f"<p>{_count(len(episode.laughter), 'laugh')}, {rate:.1f} per 10 minutes, {length:.1f} s in all.</p>"
    names, shares = label_order(emotions(episode.timeline)), episode.shares
    listed = ", ".join(f"{name} {percent(shares[name])}" for name in names)
    claim = "nobody speaks"
    if shares.any():
        claim = "uncertain" if episode.doubt else f"mostly {shares.idxmax()}, {percent(shares.max())} of the speech"
    words = f"Probabilities of the emotions, mean of {_width(episode) * WINDOW:g} s"
    words += "" if episode.laughter is None else "; grey: laughter"
    charts = [_chart("emotions", f"Emotions over time: {claim}", words, f"Shares of the speech: {listed}.")]
    rated = Show(episode.name, [episode]).sentences
    if rated["valence"].notna().any():
        words = f"Valence, arousal and dominance from 1 to 5, mean of {SECONDS} s"
        charts.append(_chart("dimensions", "Sentences over time", words, f"{len(rated)} sentences."))
    lists = [_chapters(episode), _sentences(episode), _quotes(rated, episode)]
    content = "".join([notes, audio, laughs, *charts, *lists])
    return f'<section data-episode="{number}"><h2>{html.escape(_title(episode))}</h2>{content}</section>'


def _chart(curves, title, words, numbers):
    title, words, numbers = map(html.escape, (title, words, numbers))
    box = f'<div class="chart" data-curves="{curves}" role="img" aria-label="{words}. {numbers}"></div>'
    return f"<h3>{title}</h3><p><small>{words}. Click to listen.</small></p>{box}"


def _width(episode):
    """How many windows are averaged for the curves: single ones are too often wrong."""
    return max(5, -(-len(episode.timeline) // figures.COLUMNS))


def _curves(episode):
    """What the page draws of an episode: times (s), a list of values for each curve, and the laughs."""
    table, names = episode.timeline, label_order(emotions(episode.timeline))
    smooth = table[names].rolling(_width(episode), center=True, min_periods=1).mean().where(table[names].notna())
    drawn = {"seconds": round(episode.seconds, 2), "laughs": []}
    if episode.laughter is not None:
        drawn["laughs"] = episode.laughter[["start", "end"]].round(2).to_numpy().tolist()
    drawn["emotions"] = _lines((table["start"] + table["end"]) / 2, smooth, map(colour, names), [0, 1])
    single = Show(episode.name, [episode])
    drawn["dimensions"] = _lines(single.sentences["clock"], single.means(SECONDS), LINES, [1, 5])
    return drawn


def _lines(times, values, colours, span):
    values = {name: [None if pd.isna(one) else round(float(one), 3) for one in values[name]] for name in values}
    style = {"names": list(values), "colours": list(colours)[: len(values)], "range": span}
    return style | {"times": [round(float(time), 2) for time in times], "values": list(values.values())}


def _chapters(episode):
    chapters = episode.chapters()
    if len(chapters) < 2:
        return ""
    rows = [_button(one["startTime"], None, one["title"], episode) for one in chapters]
    return f'<h3>Chapters</h3><ul class="list">{"".join(rows)}</ul>'


def _sentences(episode):
    if episode.sentences is None:
        return ""
    rows = "".join(_quote(row, episode) for row in episode.sentences.itertuples())
    return f'<details><summary>Sentences: click one to play it</summary><ul class="list">{rows}</ul></details>'


def _quotes(rated, episode):
    """The sentences with the lowest and the highest valence."""
    ordered = rated.dropna(subset="valence").sort_values("valence", kind="stable")
    count = min(QUOTES, len(ordered) // 2)
    ends = {"lowest": ordered.head(count), "highest": ordered.tail(count)[::-1]}
    if not count:
        return ""
    lists = [
        f'<h3>The {end} valence</h3><ul class="list">{"".join(_quote(row, episode) for row in rows.itertuples())}</ul>'
        for end, rows in ends.items()
    ]
    return f"<details><summary>Sentences with the lowest and the highest valence</summary>{''.join(lists)}</details>"


def _quote(row, episode):
    speaker = f"{row.speaker}: " if isinstance(row.speaker, str) else ""
    valence = getattr(row, "valence", float("nan"))
    return _button(row.start, row.end, f"{speaker}{row.text}", episode, "" if pd.isna(valence) else f"{valence:.1f}")


def _button(start, end, words, episode, number=""):
    """A line of a list that plays the recording from `start` (s), until `end` if that is given."""
    times = f'data-start="{start:.2f}"' + ("" if end is None else f' data-end="{end:.2f}"')
    clock = f"<time>{start // 60:.0f}:{start % 60:02.0f}</time>"
    off = "" if episode.recording else " disabled"
    return f'<li><button type="button" {times}{off}>{clock}<b>{number}</b> {html.escape(words)}</button></li>'


def _failed(failed):
    if not failed:
        return ""
    rows = "".join(f"<li><b>{html.escape(name)}</b>: {html.escape(reason)}</li>" for name, reason in failed.items())
    return f'<section class="failed"><h2>Not analysed</h2><ul>{rows}</ul></section>'


def _figure(draw, results, subtitle, **settings):
    """A figure in two shapes, for a page and for a phone, with one alt text."""
    page, phone = (draw(results, subtitle=subtitle, figsize=size, **settings) for size in (figures.PAGE, figures.PHONE))
    alt = html.escape(page.get_label(), quote=True)
    small = f'<source media="(max-width: 640px)" srcset="{_uri(phone)}">'
    return f'<picture>{small}<img src="{_uri(page)}" alt="{alt}"></picture>'


def _uri(fig):
    fig.set_dpi(140)
    return f"data:image/png;base64,{fig._repr_mimebundle_()[0]['image/png']}"


def _table(table, label):
    shown = html_table(table, index=False, border=0, justify="unset").replace(' style="text-align: unset;"', "")
    return f'<div class="wide" tabindex="0" role="group" aria-label="{label}">{shown}</div>'


def _csv(show):
    """A row per episode. A leading apostrophe keeps spreadsheets from taking a name for a formula."""
    table = show.summary.reset_index()
    table.insert(1, "title", [_title(episode) for episode in show.episodes])
    for name in ("episode", "title"):
        table[name] = table[name].str.replace(r"^(?=[=+\-@\t\r])", "'", regex=True)
    return table.to_csv(index=False, lineterminator="\n")


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


def _hash(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _title(episode):
    return episode.title or episode.name


def _plain(show):
    return figures.short(show.name)


def _count(number, word):
    return f"{number} {word}{'s' if number != 1 else ''}"
