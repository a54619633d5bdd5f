"""The embedded podcast: two short episodes, written once here."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from ser_helpers import synthesis
from ser_helpers.errors import CorpusError, CorpusMissing
from ser_helpers.synthesis import shows, sounds

SECONDS = 25


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("show")
    return root, synthesis.build_show(root, episodes=3, seconds=SECONDS, jobs=1, progress=False)


def heard(root, episode):
    path = next((root / "episodes").glob(f"{episode}.*"))
    y, sr = sf.read(path, always_2d=True)
    return y.mean(1), sr


def test_files_are_in_the_formats_of_the_programme_and_in_the_feed(made):
    root, _ = made
    table = synthesis.show_episodes(root)
    assert list(table.index) == ["episode-01", "episode-02", "episode-03"]
    for plan, row in zip(shows.programme()["episodes"], table.itertuples(), strict=False):
        suffix, rate, channels = plan["sound"]
        info = sf.info(row.path)
        assert (row.path.rpartition(".")[2], info.samplerate, info.channels) == (suffix, rate, channels)
        assert row.transcript.endswith(plan["transcript"])
        assert row.title == plan["title"]


def test_a_folder_without_a_show_gets_a_sentence(tmp_path):
    with pytest.raises(CorpusMissing, match="no feed"):
        synthesis.show_episodes(tmp_path)


def test_every_kind_of_sound_is_where_the_truth_says(made):
    root, truth = made
    assert set(truth["kind"]) == {"speech", "laughter", "jingle", "silence"}
    for episode, rows in truth.groupby("episode"):
        y, sr = heard(root, episode)
        assert len(y) / sr == pytest.approx(rows["end"].max(), abs=0.1)
        level = {
            kind: np.sqrt(np.mean(np.concatenate([y[int((r.start + 0.05) * sr) : int((r.end - 0.05) * sr)] ** 2
                                                  for r in some.itertuples()])))
            for kind, some in rows.groupby("kind")
        }  # fmt: skip
        assert all(level[kind] > 10 * level["silence"] for kind in level if kind != "silence")


def test_silence_is_where_nothing_else_is(made):
    _, truth = made
    for _, rows in truth.groupby("episode"):
        silent, sounding = rows[rows["kind"] == "silence"], rows[rows["kind"] != "silence"]
        for row in silent.itertuples():
            assert row.end - row.start >= shows.QUIET
            assert not ((sounding["start"] < row.end - 1e-6) & (sounding["end"] > row.start + 1e-6)).any()
        edges = np.sort(np.r_[0, rows["end"].cummax()])
        assert np.diff(edges).max() < 10


def test_truth_csv_is_the_truth_and_has_words_and_feelings_for_speech_only(made):
    root, truth = made
    written = pd.read_csv(root / "truth.csv")
    pd.testing.assert_frame_equal(written, truth, check_dtype=False)
    speech = truth[truth["kind"] == "speech"]
    assert speech["text"].notna().all()
    assert speech["emotion"].isin(["angry", "happy", "neutral", "sad"]).all()
    assert all(speech[name].between(1, 5).all() for name in ("valence", "arousal", "dominance"))
    others = truth[truth["kind"] != "speech"]
    assert others[["text", "emotion", "valence"]].isna().all(axis=None)
    assert truth.loc[truth["kind"] == "laughter", "speaker"].notna().all()
    guests = speech.groupby("episode")["speaker"].unique()
    assert set(guests["episode-01"]) <= {"Ben", "Clara", "Omar"}


def test_a_transcript_says_what_is_said_in_its_format(made):
    root, truth = made
    speech = truth[truth["kind"] == "speech"]
    clock = r"(\d\d):(\d\d):(\d\d)[,.](\d{3})"
    for episode, mark in (("episode-01", r"^(\w+): (.+)$"), ("episode-02", r"^<v (\w+)>(.+)$")):
        text = next((root / "transcripts").glob(f"{episode}.*")).read_text(encoding="utf-8")
        said = speech[speech["episode"] == episode]
        assert re.findall(mark, text, re.MULTILINE) == list(zip(said["speaker"], said["text"], strict=True))
        times = [int(h) * 3600 + int(m) * 60 + int(s) + int(ms) / 1000 for h, m, s, ms in re.findall(clock, text)]
        np.testing.assert_allclose(times, said[["start", "end"]].to_numpy().ravel(), atol=1e-9)
    segments = json.loads((root / "transcripts" / "episode-03.json").read_text(encoding="utf-8"))["segments"]
    said = speech[speech["episode"] == "episode-03"]
    assert [segment["body"] for segment in segments] == list(said["text"])
    assert [segment["startTime"] for segment in segments] == list(said["start"])


@pytest.mark.slow
def test_the_show_is_the_same_each_time_but_with_another_seed(made, tmp_path):
    root, truth = made
    again = synthesis.build_show(tmp_path / "again", episodes=1, seconds=SECONDS, jobs=1, progress=False)
    first = truth[truth["episode"] == "episode-01"]
    pd.testing.assert_frame_equal(again, first, check_dtype=False)
    assert np.array_equal(heard(tmp_path / "again", "episode-01")[0], heard(root, "episode-01")[0])
    other = synthesis.build_show(tmp_path / "other", 1, SECONDS, seed=1, jobs=1, progress=False)
    assert list(other["text"].dropna()) != list(first["text"].dropna())


def test_moods_follow_the_programme():
    def share(number, emotion):
        sounds, _ = shows.episode(number, 60)
        said = [shows.group(sound.vad) for sound in sounds if sound.kind == "speech"]
        return np.mean([name == emotion for name in said])

    assert share(4, "angry") > 0.3 > share(1, "angry")
    assert share(1, "happy") > 0.3 > share(4, "happy")


def test_people_laugh_alone_together_and_over_words():
    sounds, _ = shows.episode(6, 120)
    laughs = [(sound.start, sound.end) for sound in sounds if sound.kind == "laughter"]
    speech = [(sound.start, sound.end) for sound in sounds if sound.kind == "speech"]

    def over(one, two):
        return min(one[1], two[1]) - max(one[0], two[0]) > 0.1

    together = [sum(over(one, two) for two in laughs) > 1 for one in laughs]
    assert any(together)
    assert not all(together)
    assert any(over(one, two) for one in laughs for two in speech)
    assert max(end - start for start, end in laughs) > 2 * min(end - start for start, end in laughs)


def test_two_speakers_do_not_talk_at_once():
    sounds, _ = shows.episode(2, 60)
    speech = [sound for sound in sounds if sound.kind == "speech"]
    assert all(b.start >= a.end for a, b in zip(speech, speech[1:], strict=False))


def test_voices_are_those_of_no_other_corpus():
    used = {*shows.HOSTS, *(plan["guest"] for plan in shows.programme()["episodes"])}
    assert used <= set(range(41, 61))
    assert len(used) == 8


def test_the_small_show_is_made_once(monkeypatch, tmp_path):
    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(shows, "VARIANTS", {"small": (1, 3)})
    root = synthesis.ensure_show("small", jobs=1, progress=False)
    assert root.parent == tmp_path / "synthesis"
    before = (root / "truth.csv").stat().st_mtime_ns
    assert synthesis.ensure_show("small", progress=False) == root
    assert (root / "truth.csv").stat().st_mtime_ns == before
    with pytest.raises(CorpusError, match="no variant 'large'"):
        synthesis.ensure_show("large")


def test_captions_escape_what_their_format_reserves():
    said = [{"start": 3661.5, "end": 3662.0, "speaker": "Ben", "text": "Fish & chips < £5"}]
    assert "<v Ben>Fish &amp; chips &lt; £5" in shows.vtt(said)
    assert "01:01:01,500 --> 01:01:02,000" in shows.srt(said)
    assert json.loads(shows.podcast_json(said))["segments"][0]["body"] == "Fish & chips < £5"


def test_a_jingle_ends_in_silence():
    tune = sounds.jingle(4)
    assert tune.dtype == np.float32
    assert np.abs(tune[-200:]).max() < 0.01 * np.abs(tune).max()
    assert 0.03 < np.abs(tune).max() < 0.9
