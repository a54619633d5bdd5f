"""A report as one HTML page with players, curves and figures inside, readable offline and on a phone.

The page loads nothing but the recordings beside it, and its policy allows no other script or style than its own. The
curves are drawn by uPlot (https://github.com/leeoniya/uPlot). Used by ``ser podcast`` and ``ser calls``.
"""

import base64
import hashlib
import html
import json
import os
import string
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from ser_helpers import paths
from ser_helpers.evaluation.result import html as html_table
from ser_helpers.models.model_card import ModelCard

ASSETS = Path(__file__).with_name("page")
PAGE, PHONE = (10, 5), (5, 5)
"""Inches of a figure on a page and on a phone."""


def write_page(path, title, line, header, body, recordings, exports):
    """Write a report to the file `path`, with `exports` beside it; each replaces its file as a whole. Returns the path.

    Parameters
    ----------
    title, line : str
        The title, and the line below it.
    header, body : str and list of str
        HTML.
    recordings : list of dict
        What the page draws of each section with a number (see `section`): ``seconds``, ``bands`` (pairs of seconds,
        drawn grey), and a dict of `curves` by the name that `chart` was given.
    exports : dict
        The text of each file beside the page, by its ending, such as ".csv".
    """
    path = Path(path)
    read = {file.name: file.read_text(encoding="utf-8") for file in ASSETS.iterdir()}
    licence = f"/*\n{read['uPlot.LICENSE']}\n*/\n"
    script, style = licence + read["uPlot.iife.min.js"] + read["report.js"], read["uPlot.min.css"] + read["report.css"]
    files = {path.with_suffix(ending): text for ending, text in exports.items()}
    links = [f'<a href="{quote(file.name)}">{file.suffix[1:].upper()}</a>' for file in files]
    page = string.Template(read["report.html"]).substitute(
        title=html.escape(title),
        line=html.escape(line),
        header=header,
        body="\n".join(body),
        exports=f"The numbers are beside this page: {', '.join(links)}.",
        data=json.dumps(recordings).replace("<", "\\u003c"),
        script=script,
        script_hash=_hash(script),
        style=style,
        style_hash=_hash(style),
    )
    for file, text in (files | {path: page}).items():
        with paths.atomic_file(file) as aside:
            aside.write_text(text, encoding="utf-8", errors="replace")
    return path


def about_models(names, cards, doubts, consequence):
    """HTML of the names of the models, their `ModelCard`s as dicts, and the doubts about them with what follows."""
    text = f"<p>Models: {html.escape('; '.join(dict.fromkeys(names)))}.</p>" if names else ""
    for card in {json.dumps(card): card for card in cards}.values():
        card = ModelCard.from_dict(card)
        licences = "; ".join(f"{corpus}: {licence}" for corpus, licence in card.licences.items())
        rows = {"Model": card.title, "Score": card.verdict, "Licence of its data": licences, "Trained on": card.date}
        rows |= {"Note": " ".join(card.notes)} if card.notes else {}
        text += f"<dl>{''.join(f'<dt>{k}</dt><dd>{html.escape(str(v))}</dd>' for k, v in rows.items())}</dl>"
    return text + (note(f"Uncertain: {'; '.join(dict.fromkeys(doubts))}. {consequence}") if doubts else "")


def note(words):
    """HTML of a highlighted sentence."""
    return f'<p class="note">{html.escape(words)}</p>'


def section(number, title, *parts):
    """HTML of a section with one player and the curves of ``recordings[number]``; `parts` are HTML."""
    return f'<section data-recording="{number}"><h2>{html.escape(title)}</h2>{"".join(parts)}</section>'


def player(recording):
    """HTML of a player of the file `recording`, a path relative to the page; nothing if it is None."""
    if recording is None:
        return ""
    address = "./" + quote(os.fsencode(recording))  # neither "javascript:" nor "//host" is an address then
    missing = "The recording is not at its place beside this page, or this browser cannot play it."
    return f'<audio controls preload="none" src="{address}"></audio><p class="note missing" hidden>{missing}</p>'


def chart(name, title, words, numbers):
    """HTML of the `curves` of this name; `words` say what they are, and `numbers` what a reader who sees none needs."""
    title, words, numbers = map(html.escape, (title, words, numbers))
    box = f'<div class="chart" data-curves="{name}" role="img" aria-label="{words}. {numbers}"></div>'
    return f"<h3>{title}</h3><p><small>{words}. Click to listen.</small></p>{box}"


def curves(times, values, colours, span):
    """Curves as the page draws them: seconds (n,), a DataFrame (n, k), k colours, and the lowest and highest value."""
    values = {name: [None if pd.isna(one) else round(float(one), 3) for one in values[name]] for name in values}
    style = {"names": list(values), "colours": list(colours)[: len(values)], "range": span}
    return style | {"times": [round(float(time), 2) for time in times], "values": list(values.values())}


def button(start, end, words, recording, number=""):
    """HTML of a line of a list that plays the recording from `start` (s), until `end` if that is given."""
    times = f'data-start="{start:.2f}"' + ("" if end is None else f' data-end="{end:.2f}"')
    clock = f"<time>{start // 60:.0f}:{start % 60:02.0f}</time>"
    off = "" if recording else " disabled"
    return f'<li><button type="button" {times}{off}>{clock}<b>{number}</b> {html.escape(words)}</button></li>'


def figure(draw, *results, **settings):
    """HTML of ``draw(*results, figsize=..., **settings)`` in two shapes, for a page and for a phone, with alt text."""
    page, phone = (draw(*results, figsize=size, **settings) for size in (PAGE, PHONE))
    alt = html.escape(page.get_label(), quote=True)
    small = f'<source media="(max-width: 640px)" srcset="{_uri(phone)}">'
    return f'<picture>{small}<img src="{_uri(page)}" alt="{alt}"></picture>'


def table(rows, label):
    """HTML of a DataFrame without its index, which scrolls sideways where it must."""
    shown = html_table(rows, index=False, border=0, justify="unset").replace(' style="text-align: unset;"', "")
    return f'<div class="wide" tabindex="0" role="group" aria-label="{label}">{shown}</div>'


def not_analysed(failed):
    """HTML of a list of {name: reason}; nothing if it is empty."""
    if not failed:
        return ""
    rows = "".join(f"<li><b>{html.escape(name)}</b>: {html.escape(reason)}</li>" for name, reason in failed.items())
    return f'<section class="failed"><h2>Not analysed</h2><ul>{rows}</ul></section>'


def csv_text(rows, names):
    """A DataFrame as CSV. In the columns `names`, an apostrophe keeps spreadsheets from taking text for a formula."""
    safe = {name: rows[name].str.replace(r"^(?=[=+\-@\t\r])", "'", regex=True) for name in names}
    return rows.assign(**safe).to_csv(index=False, lineterminator="\n")


def count(number, word):
    """A number with its noun, such as "2 calls"."""
    return f"{number} {word}{'s' if number != 1 else ''}"


def _uri(fig):
    fig.set_dpi(140)
    return f"data:image/png;base64,{fig._repr_mimebundle_()[0]['image/png']}"


def _hash(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
