"""The report of a show is one page: it says and shows all, escapes what strangers wrote, and asks nobody."""

import html
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from ser_helpers import paths
from ser_helpers.errors import ArchiveError
from ser_helpers.podcast import Show, report_of, write_report


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "source", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_it_holds_everything_and_asks_nobody(show, tmp_path):
    path = write_report(show, tmp_path / "report.html", {"lost & <gone>": "there is no such file"}, "synthetic speech")
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    words = " ".join(page.words)
    for expected in (
        "Talks & <tales>",
        "synthetic speech · 3 episodes · 3 minutes",
        "lost & <gone>",
        "there is no such file",
        "There is no <transcript>.",
        "2 laughs, 20.0 per 10 minutes, 3.5 s in all.",
        "It is not what the people feel",
    ):
        assert expected in words
    quoted = show.episodes[0].sentences.sort_values("valence").text
    assert quoted.iloc[0] in words
    assert quoted.iloc[-1] in words
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == 2 + 3 + 3 + 2
    assert all(len(attrs["alt"]) > 30 for attrs in images)
    links = [attrs.get(name) for _, attrs in page.tags for name in ("src", "srcset", "href") if name in attrs]
    assert all(link.startswith("data:") for link in links)
    assert not re.search(r"https?://|@import|url\(", text)
    assert "script" not in {tag for tag, _ in page.tags}


def test_it_names_once_what_heard_the_show(show, tmp_path):
    assert "Heard by" not in write_report(show, tmp_path / "report.html").read_text(encoding="utf-8")
    for episode in show.episodes:
        episode.heard_by = ["window model linear, trained on synthetic speech", "laughs <by ear>"]
    text = write_report(show, tmp_path / "report.html").read_text(encoding="utf-8")
    heard = "Heard by: window model linear, trained on synthetic speech; laughs &lt;by ear&gt;."
    assert text.count("Heard by") == text.count(heard) == 1


def test_one_silent_episode_is_a_report_too(show, tmp_path):
    episode = show.episodes[2]
    episode.timeline[["angry", "happy", "neutral", "sad"]] = np.nan
    episode.timeline["emotion"] = None
    episode.laughter = None
    path = write_report(Show("Alone", [episode]), tmp_path / "report.html")
    page = Page(path.read_text(encoding="utf-8"))
    assert len([tag for tag, _ in page.tags if tag == "img"]) == 1
    assert "1 episode · 1 minute" in " ".join(page.words)
    assert "nan" not in " ".join(page.words)


def test_a_silent_episode_has_no_shares_in_the_overview(show, tmp_path):
    episode = show.episodes[1]
    episode.timeline[["angry", "happy", "neutral", "sad"]] = np.nan
    episode.timeline["speech"], episode.timeline["emotion"] = 0.0, None
    text = write_report(show, tmp_path / "report.html").read_text(encoding="utf-8")
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr.*?</tr>", text, re.S)]
    cells = {row[0]: row[1:] for row in rows if row}
    assert cells["talk-2"][:6] == ["1.0", "0%", "–", "–", "–", "–"]
    assert "–" not in cells["talk-1"]


def test_sentences_without_numbers_are_not_drawn(show, tmp_path):
    for episode in show.episodes[:2]:
        episode.sentences[["valence", "arousal", "dominance"]] = np.nan
    assert write_report(show, tmp_path / "report.html").is_file()


def test_no_episode_is_no_report(tmp_path):
    with pytest.raises(ArchiveError, match="No episode could be heard"):
        write_report(Show("Empty", []), tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_the_report_of_a_folder_lists_failures_and_calls_embedded_speech_synthetic(show, tmp_path):
    show.episodes[2].save(tmp_path / "out" / "episodes" / "talk-3")
    rows = {
        "talk-3": ("done", "", str(paths.cache_home() / "shows" / "talk-3.mp3")),
        "bad": ("failed", "it is a folder", "/somewhere/bad"),
    }
    heard = pd.DataFrame.from_dict(rows, orient="index", columns=["state", "reason", "path"])
    text = report_of(tmp_path / "out", heard).read_text(encoding="utf-8")
    assert "synthetic speech" in text
    assert "<b>bad</b>: it is a folder" in text
    assert "<h1>out</h1>" in text
    assert "synthetic" not in report_of(tmp_path / "out", heard.loc[["bad"]], "Mine").read_text(encoding="utf-8")


def test_what_another_model_heard_earlier_is_not_mixed_in(show, tmp_path):
    for episode, model in zip(show.episodes, ["new", "new", "old"], strict=True):
        episode.made = [model, "recording", None]
        episode.save(tmp_path / "episodes" / episode.name)
    columns = ["state", "reason", "path"]
    rows = [["done", "", "talk-1.mp3"], ["failed", "It is broken now.", "talk-2.mp3"]]
    heard = pd.DataFrame(rows, index=["talk-1", "talk-2"], columns=columns)
    page = report_of(tmp_path, heard).read_text(encoding="utf-8")
    assert "<h2>talk-1</h2>" in page
    assert "<h2>talk-2</h2>" not in page
    assert "<h2>talk-3</h2>" not in page
    assert "<b>talk-2</b>: It is broken now." in page
    assert "<b>talk-3</b>: An earlier run heard it with another model or other settings: hear it again." in page


def test_names_and_words_are_only_that(show, tmp_path):
    name = r"From $5 to $6 $\foo{$ {title} 100% %s <script>alert(1)</script> Über – Жук"
    for episode in show.episodes:
        episode.name = f"{name} {episode.name}"
        if episode.sentences is not None:
            episode.sentences["text"] = episode.sentences["speaker"] = name
        episode.notes = [name]
    page = write_report(Show(name, show.episodes), tmp_path / "report.html", {name: name}).read_text(encoding="utf-8")
    assert "<script" not in page
    assert html.escape(name) in page
