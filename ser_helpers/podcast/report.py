"""The report of a show: one HTML page that holds its figures, opens without a network, and can be read on a phone."""

import html
from pathlib import Path

from ser_helpers import paths
from ser_helpers.corpora.schema import DIMENSIONS
from ser_helpers.errors import ArchiveError
from ser_helpers.evaluation.result import html as html_table
from ser_helpers.podcast import figures
from ser_helpers.podcast.episode import Show

QUOTES = 3
"""How many sentences are quoted from each end of the valence."""

CAUTION = (
    "What stands here is a model's guess at how the voices and words sound. It is not what the people feel, and it is "
    "wrong often: read the curves, not single windows."
)


def write_report(show, path, failed=None, subtitle=None):
    """Write the page of a show and return its path.

    Parameters
    ----------
    show : Show
        At least one episode.
    path : str or Path
        The HTML file; it is replaced as a whole.
    failed : dict or None
        Episode -> why it could not be heard, for those that are not in the show.
    subtitle : str or None
        A line under the title and the figures' titles, such as "synthetic speech".

    Raises
    ------
    ArchiveError
        If the show has no episode.

    Used in Lesson 11.
    """
    if not show.episodes:
        raise ArchiveError("No episode could be heard: there is nothing to report.")
    sections = [_section(episode, subtitle) for episode in show.episodes]
    body = "\n".join([_overview(show, subtitle), _failed(failed or {}), *sections])
    title = html.escape(show.name)
    minutes = sum(episode.seconds for episode in show.episodes) / 60
    line = " · ".join(filter(None, (subtitle, _count(len(show.episodes), "episode"), _count(round(minutes), "minute"))))
    models = dict.fromkeys(name for episode in show.episodes for name in episode.heard_by)
    body = (f"<p>Heard by: {html.escape('; '.join(models))}.</p>\n" if models else "") + body
    page = _PAGE.format(title=title, line=html.escape(line), style=_STYLE, caution=CAUTION, body=body)
    with paths.atomic_file(path) as aside:
        aside.write_text(page, encoding="utf-8")
    return Path(path)


def report_of(out, heard, name=None):
    """Write ``out/report.html`` about all that :func:`process` has finished in `out`; returns its path (Lesson 11).

    `heard` is what it returned: what failed is listed with its reason, and so is what an earlier run heard with another
    model or other settings; embedded episodes are called synthetic.
    """
    show, failed = Show.load(out, name), heard[heard["state"] == "failed"]["reason"].to_dict()
    made = {episode.name: (episode.made or [None])[0] for episode in show.episodes}
    now = {made[episode] for episode in heard.index.difference(list(failed)).intersection(list(made))}
    earlier = [episode for episode in made if now and made[episode] not in now and episode not in failed]
    failed |= dict.fromkeys(earlier, "An earlier run heard it with another model or other settings: hear it again.")
    show.episodes = [episode for episode in show.episodes if episode.name not in failed]
    embedded = heard["path"].map(lambda path: Path(path).is_relative_to(paths.cache_home())).any()
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
    drawn = [_figure(figures.draw_shares, show, subtitle)] if len(show.episodes) > 1 else []
    if len(show.episodes) > 1 and show.sentences["valence"].notna().any():
        drawn.append(_figure(figures.draw_dimensions, show, subtitle, across=True, seconds=300))
    scrolls = 'class="wide" tabindex="0" role="group" aria-label="Numbers by episode"'
    return f"<section><div {scrolls}>{shown}</div>{''.join(drawn)}</section>"


def _section(episode, subtitle):
    drawn = [_figure(figures.draw_timeline, episode, subtitle)]
    if episode.timeline["emotion"].notna().any():
        drawn.append(_figure(figures.draw_pie, episode, subtitle))
    single = Show(episode.name, [episode])
    said = single.sentences
    if said["valence"].notna().any():
        drawn += [_figure(figures.draw_dimensions, single, subtitle), _quotes(said)]
    notes = "".join(f'<p class="note">{html.escape(note)}</p>' for note in episode.notes)
    laughs = ""
    if episode.laughter is not None:
        rate = episode.laughs_per_10_minutes
        length = (episode.laughter["end"] - episode.laughter["start"]).sum()
        laughs = f"<p>{_count(len(episode.laughter), 'laugh')}, {rate:.1f} per 10 minutes, {length:.1f} s in all.</p>"
    return f"<section><h2>{html.escape(episode.name)}</h2>{notes}{laughs}{''.join(drawn)}</section>"


def _quotes(said):
    """The sentences at both ends of the valence."""
    ordered = said.dropna(subset="valence").sort_values("valence", kind="stable")
    count = min(QUOTES, len(ordered) // 2)
    ends = {"most unpleasant": ordered.head(count), "most pleasant": ordered.tail(count)[::-1]}
    if not count:
        return ""
    lists = [f"<h3>The {name}</h3><ul>{''.join(map(_quote, rows.itertuples()))}</ul>" for name, rows in ends.items()]
    return f"<details><summary>Sentences at both ends of the valence</summary>{''.join(lists)}</details>"


def _quote(row):
    who = f"{row.speaker}: " if isinstance(row.speaker, str) else ""
    words = html.escape(f"{who}{row.text}")
    return f"<li><b>{row.valence:.1f}</b> {words} <small>{row.start // 60:.0f}:{row.start % 60:02.0f}</small></li>"


def _failed(failed):
    if not failed:
        return ""
    rows = "".join(f"<li><b>{html.escape(name)}</b>: {html.escape(reason)}</li>" for name, reason in failed.items())
    return f'<section class="failed"><h2>Not heard</h2><ul>{rows}</ul></section>'


def _figure(draw, thing, subtitle, **settings):
    """A figure in two shapes, for a page and for a phone, with one alt text."""
    page, phone = (draw(thing, subtitle=subtitle, figsize=size, **settings) for size in (figures.PAGE, figures.PHONE))
    alt = html.escape(page.get_label(), quote=True)
    return (
        f'<picture><source media="(max-width: 640px)" srcset="{_uri(phone)}">'
        f'<img src="{_uri(page)}" alt="{alt}"></picture>'
    )


def _uri(fig):
    fig.set_dpi(140)
    return f"data:image/png;base64,{fig._repr_mimebundle_()[0]['image/png']}"


def _count(number, word):
    return f"{number} {word}{'s' if number != 1 else ''}"


_STYLE = """
:root { color-scheme: light dark; --ink: #222; --paper: #f6f6f4; --card: #fff; --quiet: #5c5c5c; --line: #d9d9d6;
  --note: #fff4d6; --bad: #fde4e4; }
@media (prefers-color-scheme: dark) { :root { --ink: #eee; --paper: #16181b; --card: #1f2226; --quiet: #b0b0b0;
  --line: #3a3e44; --note: #4a3d12; --bad: #51262a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 64rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { margin: 0.5rem 0 0; line-height: 1.2; } h2 { margin: 0 0 0.5rem; }
header p, small { color: var(--quiet); }
section { margin: 1.25rem 0; padding: 1rem;
  background: var(--card); border: 1px solid var(--line); border-radius: 0.6rem; }
img { display: block; width: 100%; height: auto; margin: 0.75rem 0;
  padding: 0.25rem; background: #fff; border-radius: 0.4rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.35rem 0.4rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { white-space: normal; overflow-wrap: normal; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
td:first-child { white-space: normal; min-width: 7rem; }
.note, .failed { background: var(--note); } .note { padding: 0.4rem 0.7rem; border-radius: 0.4rem; }
.failed { background: var(--bad); }
summary { cursor: pointer; padding: 0.3rem 0; } li { margin: 0.25rem 0; }
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<header><h1>{title}</h1><p>{line}</p></header>
<main>
<p>{caution}</p>
{body}
</main>
</body>
</html>
"""
