"""The report of a show: one HTML page with its figures inside, readable offline and on a phone."""

import html
import string
from pathlib import Path

from ser_helpers import paths
from ser_helpers.corpora.schema import DIMENSIONS
from ser_helpers.errors import ArchiveError
from ser_helpers.evaluation.result import html as html_table
from ser_helpers.podcast import figures
from ser_helpers.podcast.episode import Show

QUOTES = 3
"""How many sentences are quoted from each end of the valence."""


def write_report(show, path, failed=None, subtitle=None):
    """Write the page of a `Show` to the file `path`, which is replaced as a whole, and return its path (Lesson 11).

    `failed` is {episode: reason} of those that could not be analysed; `subtitle` a line under the title and the
    figures' titles, such as "synthetic speech". Raises ArchiveError if the show has no episode.
    """
    if not show.episodes:
        raise ArchiveError("No episode could be analysed: there is nothing to report.")
    sections = [_section(episode, subtitle) for episode in show.episodes]
    body = "\n".join([_overview(show, subtitle), _failed(failed or {}), *sections])
    title = html.escape(show.name)
    minutes = sum(episode.seconds for episode in show.episodes) / 60
    line = " · ".join(filter(None, (subtitle, _count(len(show.episodes), "episode"), _count(round(minutes), "minute"))))
    models = dict.fromkeys(name for episode in show.episodes for name in episode.models)
    body = (f"<p>Models: {html.escape('; '.join(models))}.</p>\n" if models else "") + body
    template = string.Template(Path(__file__).with_name("report.html").read_text(encoding="utf-8"))
    page = template.substitute(title=title, line=html.escape(line), body=body)
    with paths.atomic_file(path) as aside:
        aside.write_text(page, encoding="utf-8")
    return Path(path)


def report_of(out, results, name=None):
    """Write ``out/report.html`` about all that :func:`process` has finished in `out`; returns its path (Lesson 11).

    `results` is what it returned. Failed episodes are listed with their reason, and so are those that an earlier run
    analysed with another model or other settings. Embedded episodes are called synthetic.
    """
    show, failed = Show.load(out, name), results[results["state"] == "failed"]["reason"].to_dict()
    tools = {episode.name: (episode.hashes or [None])[0] for episode in show.episodes}
    current = {tools[episode] for episode in results.index.difference(list(failed)).intersection(list(tools))}
    earlier = [episode for episode in tools if current and tools[episode] not in current and episode not in failed]
    failed |= dict.fromkeys(earlier, "It was analysed earlier with another model or other settings: analyse it again.")
    show.episodes = [episode for episode in show.episodes if episode.name not in failed]
    embedded = results["path"].map(lambda path: Path(path).is_relative_to(paths.cache_home())).any()
    subtitle = "synthetic speech" if embedded else None
    return write_report(show, Path(out) / "report.html", failed, subtitle)


def _overview(show, subtitle):
    table = show.summary
    emotions = table.columns.difference(["minutes", "speech", *DIMENSIONS, "laughs per 10 min"])
    silent = ~table[emotions].any(axis=1)
    table["minutes"] = table["minutes"].map("{:.1f}".format)
    table["speech"] = table["speech"].map("{:.0%}".format)
    for name in emotions:
        table[name] = table[name].map("{:.0%}".format).mask(silent, "–")
    for name in table.columns.intersection([*DIMENSIONS, "laughs per 10 min"]):
        table[name] = table[name].map("{:.1f}".format).replace("nan", "–")
    shown = html_table(table.reset_index(), index=False, border=0, justify="right")
    images = [_figure(figures.draw_shares, show, subtitle)] if len(show.episodes) > 1 else []
    if len(show.episodes) > 1 and show.sentences["valence"].notna().any():
        images.append(_figure(figures.draw_dimensions, show, subtitle, across=True, seconds=300))
    scrolls = 'class="wide" tabindex="0" role="group" aria-label="Numbers by episode"'
    return f"<section><div {scrolls}>{shown}</div>{''.join(images)}</section>"


def _section(episode, subtitle):
    images = [_figure(figures.draw_timeline, episode, subtitle)]
    if episode.timeline["emotion"].notna().any():
        images.append(_figure(figures.draw_pie, episode, subtitle))
    single = Show(episode.name, [episode])
    rated = single.sentences
    if rated["valence"].notna().any():
        images += [_figure(figures.draw_dimensions, single, subtitle), _quotes(rated)]
    notes = "".join(f'<p class="note">{html.escape(note)}</p>' for note in episode.notes)
    laughs = ""
    if episode.laughter is not None:
        rate = episode.laughs_per_10_minutes
        length = (episode.laughter["end"] - episode.laughter["start"]).sum()
        laughs = f"<p>{_count(len(episode.laughter), 'laugh')}, {rate:.1f} per 10 minutes, {length:.1f} s in all.</p>"
    return f"<section><h2>{html.escape(episode.name)}</h2>{notes}{laughs}{''.join(images)}</section>"


def _quotes(rated):
    """The sentences with the lowest and the highest valence."""
    ordered = rated.dropna(subset="valence").sort_values("valence", kind="stable")
    count = min(QUOTES, len(ordered) // 2)
    ends = {"most unpleasant": ordered.head(count), "most pleasant": ordered.tail(count)[::-1]}
    if not count:
        return ""
    lists = [f"<h3>The {name}</h3><ul>{''.join(map(_quote, rows.itertuples()))}</ul>" for name, rows in ends.items()]
    return f"<details><summary>Sentences with the lowest and the highest valence</summary>{''.join(lists)}</details>"


def _quote(row):
    speaker = f"{row.speaker}: " if isinstance(row.speaker, str) else ""
    quote = html.escape(f"{speaker}{row.text}")
    return f"<li><b>{row.valence:.1f}</b> {quote} <small>{row.start // 60:.0f}:{row.start % 60:02.0f}</small></li>"


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


def _count(number, word):
    return f"{number} {word}{'s' if number != 1 else ''}"
