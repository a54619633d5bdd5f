"""The report of a show is one page: complete, escaped, and without requests."""

import base64
import dataclasses
import hashlib
import html
import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import scipy.stats

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
        if self.open[-1:] not in (["script"], ["style"]):
            self.words.append(data)


def test_the_page_is_complete_and_makes_no_request(show, tmp_path):
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
        "not of what the people feel",
    ):
        assert expected in words
    quoted = show.episodes[0].sentences.sort_values("valence").text
    assert quoted.iloc[0] in words
    assert quoted.iloc[-1] in words
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == 2
    assert all(len(attrs["alt"]) > 30 for attrs in images)
    links = [attrs.get(name) for _, attrs in page.tags for name in ("src", "srcset", "href") if name in attrs]
    assert {link for link in links if not link.startswith("data:")} == {"report.csv", "report.json"}
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|WebSocket", text)
    assert [attrs.get("data-curves") for _, attrs in page.tags].count("emotions") == 3
    assert "Copyright (c) 2022 Leon Sorokin" in text


def test_the_policy_allows_only_the_scripts_and_styles_of_the_page(show, tmp_path):
    text = write_report(show, tmp_path / "report.html").read_text(encoding="utf-8")
    for tag, policy in (("script", "script-src"), ("style", "style-src")):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.S)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{policy} 'sha256-{digest}'" in text
    assert "default-src 'none'" in text
    assert ' style="' not in text


def test_the_header_has_the_card_and_titles_claim_no_more_than_it_says(show, tmp_path, card):
    page = " ".join(Page(write_report(show, tmp_path / "report.html").read_text(encoding="utf-8")).words)
    assert "Uncertain: the model's score on real voices is unknown." in page
    assert "Emotions over time: uncertain" in page
    assert "mostly" not in page
    for episode in show.episodes:
        episode.card = card
    page = " ".join(Page(write_report(show, tmp_path / "report.html").read_text(encoding="utf-8")).words)
    for expected in (
        "LogisticRegression on quick, trained on ravdess (2 speakers)",
        "UAR 0.64 on windows of 3 s of unseen speakers (95 % interval 0.58 to 0.70, chance 0.25",
        "ravdess: CC BY-NC-SA 4.0",
        "Emotions over time: mostly",
    ):
        assert expected in page
    assert "ncertain" not in page


def test_the_numbers_are_beside_the_page(show, tmp_path):
    show.episodes[0].title = "=HYPERLINK(1)"
    write_report(show, tmp_path / "report.html")
    table = pd.read_csv(tmp_path / "report.csv", index_col="episode")
    assert table["title"].tolist() == ["'=HYPERLINK(1)", "talk-2", "talk-3"]
    np.testing.assert_allclose(table.drop(columns="title"), show.summary)
    stored = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert stored["show"] == "Talks & <tales>"
    first, last = stored["episodes"][0], stored["episodes"][2]
    assert [row["emotion"] for row in first["timeline"]] == show.episodes[0].timeline["emotion"].tolist()
    assert (len(first["sentences"]), last["sentences"]) == (10, None)


def test_two_shows_are_compared_with_intervals_over_episodes(show, tmp_path):
    other = Show("Others <b>", show.episodes[:2])
    text = write_report(show, tmp_path / "report.html", other=other).read_text(encoding="utf-8")
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr.*?</tr>", text, re.S)]
    cells = {row[0]: row[1:] for row in rows if row}
    angry = [100 * one.summary["angry"] for one in (show, other)]
    assert cells["angry"][:2] == [f"{one.mean():.1f} %" for one in angry]
    interval = scipy.stats.ttest_ind(*angry, equal_var=False).confidence_interval()
    assert cells["angry"][3] == "{:+.1f} to {:+.1f}".format(*interval)
    assert cells["laughs per 10 min"][2:] == ["+0.0", "–"]  # the same in every episode
    assert "Others &lt;b&gt; (2 episodes)" in text
    assert "different models" not in text
    other.episodes = [dataclasses.replace(other.episodes[0], hashes=["another", None, None])]
    text = write_report(show, tmp_path / "report.html", other=other).read_text(encoding="utf-8")
    assert "analysed with different models" in text


def test_titles_come_from_the_feed_or_the_tags(show, tmp_path):
    av = pytest.importorskip("av")
    out = tmp_path / "out"
    for episode in show.episodes[:2]:
        episode.recording = f"../{episode.name}.mp3"
        episode.save(out / "episodes" / episode.name)
        with av.open(tmp_path / f"{episode.name}.mp3", "w") as file:
            file.metadata.update({"title": f"A <b>tag</b>\u202e of {episode.name}", "album": "An album"})
            stream = file.add_stream("mp3", 16000)
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1152), np.int16), "s16p", "mono")
            frame.sample_rate = 16000
            file.mux([*stream.encode(frame), *stream.encode(None)])
    enclosure = '<enclosure url="https://example.org/a/talk-1.mp3?x=1"/>'
    item = f"<item><title>From the\n feed</title>{enclosure}</item><item><title>None</title></item>"
    (tmp_path / "feed.xml").write_text(f"<rss><channel><title>A feed</title>{item}</channel></rss>")
    results = pd.DataFrame({"state": "done", "reason": "", "path": str(tmp_path / "talk-2.mp3")}, index=["talk-2"])
    text = report_of(out, results).read_text(encoding="utf-8")
    for expected in ("<h1>An album</h1>", "A &lt;b&gt;tag&lt;/b&gt; of talk-1</h2>", 'src="./../talk-1.mp3"'):
        assert expected in text
    assert [path.name for path in (out / "chapters").iterdir()] == ["talk-2.json"]
    assert json.loads((out / "chapters" / "talk-2.json").read_text())["version"] == "1.2.0"
    text = report_of(out, results, feed=tmp_path / "feed.xml").read_text(encoding="utf-8")
    for expected in ("<h1>A feed</h1>", "<h2>From the feed</h2>", "of talk-2</h2>"):
        assert expected in text
    assert "<h1>Mine</h1>" in report_of(out, results, "Mine").read_text(encoding="utf-8")
    (tmp_path / "feed.xml").write_text("<rss>")
    with pytest.raises(ArchiveError, match=r"Cannot read .*feed\.xml"):
        report_of(out, results, feed=tmp_path / "feed.xml")
    with pytest.raises(ArchiveError, match="no analysed episode"):
        report_of(out, results, compare=tmp_path)


def test_it_names_the_models_once(show, tmp_path):
    assert "Models:" not in write_report(show, tmp_path / "report.html").read_text(encoding="utf-8")
    for episode in show.episodes:
        episode.models = ["window model linear, trained on synthetic speech", "laughs <by ear>"]
    text = write_report(show, tmp_path / "report.html").read_text(encoding="utf-8")
    models = "Models: window model linear, trained on synthetic speech; laughs &lt;by ear&gt;."
    assert text.count("Models:") == text.count(models) == 1


def test_one_silent_episode_is_a_report_too(show, tmp_path):
    episode = show.episodes[2]
    episode.timeline[["angry", "happy", "neutral", "sad"]] = np.nan
    episode.timeline["emotion"] = None
    episode.laughter = None
    path = write_report(Show("Alone", [episode]), tmp_path / "report.html")
    page = Page(path.read_text(encoding="utf-8"))
    assert len([tag for tag, _ in page.tags if tag == "img"]) == 1
    assert not [tag for tag, _ in page.tags if tag in ("audio", "button")]
    assert "1 episode · 1 minute" in " ".join(page.words)
    assert "nobody speaks" in " ".join(page.words)
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
    with pytest.raises(ArchiveError, match="No episode could be analysed"):
        write_report(Show("Empty", []), tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_the_report_of_a_folder_lists_failures_and_calls_embedded_speech_synthetic(show, tmp_path):
    show.episodes[2].save(tmp_path / "out" / "episodes" / "talk-3")
    rows = {
        "talk-3": ("done", "", str(paths.cache_home() / "shows" / "talk-3.mp3")),
        "bad": ("failed", "it is a folder", "/somewhere/bad"),
    }
    results = pd.DataFrame.from_dict(rows, orient="index", columns=["state", "reason", "path"])
    text = report_of(tmp_path / "out", results).read_text(encoding="utf-8")
    assert "synthetic speech" in text
    assert "<b>bad</b>: it is a folder" in text
    assert "<h1>out</h1>" in text
    assert "synthetic" not in report_of(tmp_path / "out", results.loc[["bad"]], "Mine").read_text(encoding="utf-8")


def test_results_of_another_model_are_not_mixed_in(show, tmp_path):
    for episode, model in zip(show.episodes, ["new", "new", "old"], strict=True):
        episode.hashes = [model, "recording", None]
        episode.save(tmp_path / "episodes" / episode.name)
    columns = ["state", "reason", "path"]
    rows = [["done", "", "talk-1.mp3"], ["failed", "It is broken now.", "talk-2.mp3"]]
    results = pd.DataFrame(rows, index=["talk-1", "talk-2"], columns=columns)
    page = report_of(tmp_path, results).read_text(encoding="utf-8")
    assert "<h2>talk-1</h2>" in page
    assert "<h2>talk-2</h2>" not in page
    assert "<h2>talk-3</h2>" not in page
    assert "<b>talk-2</b>: It is broken now." in page
    assert "<b>talk-3</b>: It was analysed earlier with another model or other settings: analyse it again." in page


def test_a_damaged_older_episode_and_a_stray_folder_are_named_and_cost_no_report(show, tmp_path):
    for episode in show.episodes[:2]:
        episode.save(tmp_path / "episodes" / episode.name)
    table = tmp_path / "episodes" / "talk-1" / "timeline.csv"
    table.write_bytes(table.read_bytes()[:500])
    (tmp_path / "episodes" / "stray").mkdir()
    (tmp_path / "episodes" / "stray" / "episode.json").write_text("{}")
    results = pd.DataFrame({"state": ["done"], "reason": [""], "path": ["/talk-2.mp3"]}, ["talk-2"])
    page = report_of(tmp_path, results, compare=tmp_path).read_text(encoding="utf-8")
    for name in ("talk-1", "stray"):
        assert f"<b>{name}</b>: Its results are damaged: analyse it again." in page
    assert "because their results are damaged: stray, talk-1." in page
    assert "<h2>talk-2</h2>" in page


def test_names_and_words_are_escaped(show, tmp_path, card):
    name = r"$5 $\foo{$ {title} 100% %s <script>alert(1)</script> Über"
    for episode in show.episodes:
        episode.name = f"{name} {episode.name}"
        if episode.sentences is not None:
            episode.sentences["text"] = episode.sentences["speaker"] = name
        episode.notes = [name]
        episode.title, episode.recording = f'{name} " onerror="alert(1)', 'javascript:"</script>.mp3'
        episode.models, episode.card = [name], card | {"estimator": name, "licences": {name: name}}
    shows = Show(name, show.episodes), Show(name, show.episodes)
    text = write_report(shows[0], tmp_path / "report.html", {name: name}, name, shows[1]).read_text(encoding="utf-8")
    page = Page(text)
    assert text.count("<script") == text.count("</script") == 2
    assert html.escape(name) in text
    assert not [attr for _, attrs in page.tags for attr in attrs if attr.startswith("on")]
    addresses = {attrs["src"] for tag, attrs in page.tags if tag == "audio"}
    assert addresses == {"./javascript%3A%22%3C/script%3E.mp3"}
