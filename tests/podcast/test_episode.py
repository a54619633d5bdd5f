"""An episode is the same after it was stored, a show is its episodes in order, means look back."""

import numpy as np
import pandas as pd
import pytest

from ser_helpers.errors import ArchiveError
from ser_helpers.podcast import Episode, Show


def make_episode(name, seconds=60.0, transcribed=True, laughs=True, seed=0):
    rng = np.random.default_rng(seed)
    starts = np.arange(0, seconds, 3.0)
    table = pd.DataFrame({"start": starts, "end": starts + 3, "speech": rng.uniform(size=len(starts))})
    table["happy"] = rng.uniform(size=len(starts))
    table["sad"] = 1 - table["happy"]
    table["emotion"] = pd.Series(np.where(table["happy"] > 0.5, "happy", "sad"), dtype=object)
    table.loc[1, ["happy", "sad"]] = np.nan
    table.loc[1, "emotion"] = None
    table["gap"] = False
    sentences = laughter = None
    if transcribed:
        begin = np.arange(0, seconds, 10.0)
        sentences = pd.DataFrame({"start": begin, "end": begin + 4})
        sentences["speaker"] = pd.Series(["Ana", None] * (len(begin) // 2), dtype=object)
        sentences["text"] = pd.Series(['He said "well, no"', "NA"] * (len(begin) // 2), dtype=object)
        sentences = sentences.assign(**{name: rng.uniform(1, 5, len(begin)) for name in DIMENSIONS})
    if laughs:
        laughter = pd.DataFrame({"start": [1.5], "end": [2.25], "probability": [0.1 + 0.2]})
    return Episode(name, seconds, table, sentences, laughter, ["A note."])


DIMENSIONS = ["valence", "arousal", "dominance"]


@pytest.mark.parametrize("options", [{}, {"transcribed": False}, {"laughs": False}])
def test_what_was_stored_comes_back_to_the_bit(tmp_path, options):
    episode = make_episode("talk", **options)
    episode.models, episode.hashes = ["a model"], ["model", "recording", None]
    episode.card, episode.recording = {"score": 0.1 + 0.2}, "../talk.mp3"
    episode.save(tmp_path / "talk")
    again = Episode.load(tmp_path / "talk")
    assert (again.name, again.seconds, again.notes) == ("talk", 60.0, ["A note."])
    assert (again.models, again.hashes) == (episode.models, episode.hashes)
    assert (again.card, again.recording) == (episode.card, episode.recording)
    for name in ("timeline", "sentences", "laughter"):
        before, after = getattr(episode, name), getattr(again, name)
        if before is None:
            assert after is None
        else:
            pd.testing.assert_frame_equal(after, before, check_exact=True)


def test_tables_without_rows_come_back(tmp_path):
    episode = make_episode("talk")
    episode.laughter = episode.laughter.iloc[:0]
    episode.save(tmp_path / "talk")
    assert Episode.load(tmp_path / "talk").laughs_per_10_minutes == 0


def test_an_episode_is_replaced_as_a_whole(tmp_path):
    make_episode("talk").save(tmp_path / "talk")
    make_episode("talk", transcribed=False).save(tmp_path / "talk")
    assert sorted(path.name for path in (tmp_path / "talk").iterdir()) == [
        "episode.json",
        "laughter.csv",
        "timeline.csv",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["talk"]


@pytest.fixture
def show():
    return Show("Two talks", [make_episode("b", 30.0, seed=1), make_episode("a"), make_episode("c", transcribed=False)])


def test_a_show_counts_time_through_its_episodes(show):
    assert [episode.name for episode in show.episodes] == ["a", "b", "c"]
    rated = show.sentences
    assert rated.episode.tolist() == ["a"] * 6 + ["b"] * 3
    assert rated.clock.tolist() == [*(10.0 * np.arange(6) + 4), *(60 + 10.0 * np.arange(3) + 4)]


def test_means_look_back_within_an_episode_or_across_the_show(show):
    rated = show.sentences
    within, across = show.means(25.0), show.means(25.0, across=True)
    for row in range(len(rated)):
        recent = rated[(rated.clock <= rated.clock[row]) & (rated.clock > rated.clock[row] - 25)]
        np.testing.assert_allclose(across.loc[row], recent[DIMENSIONS].mean())
        own = recent[recent.episode == rated.episode[row]]
        np.testing.assert_allclose(within.loc[row], own[DIMENSIONS].mean())
    assert not np.allclose(within, across)


def test_sentences_without_numbers_are_left_out_of_the_means(show):
    show.episodes[0].sentences.loc[1, DIMENSIONS] = np.nan
    means = show.means(100.0)
    np.testing.assert_allclose(means.loc[1], show.sentences.loc[0, DIMENSIONS].astype(float))


def test_windows_under_laughter_do_not_count_in_the_shares(show):
    episode = show.episodes[0]
    episode.laughter = pd.DataFrame({"start": [6.5, 12.0], "end": [8.0, 15.5], "probability": 0.9})
    assert episode.spoken["emotion"].isna()[[1, 2, 4, 5]].all()  # 1 had no emotion
    kept = episode.timeline["emotion"].drop([2, 4, 5]).dropna()
    np.testing.assert_allclose(episode.shares["happy"], (kept == "happy").mean())
    assert episode.timeline["emotion"].notna().sum() == 19


@pytest.mark.parametrize(
    ("changed", "doubt"),
    [
        ({}, None),
        ({"low": 0.5}, None),
        ({"low": 0.49}, "the model's score of 0.64 is too close to chance, 0.25"),
        ({"low": float("nan")}, "the model's score of 0.64 is too close to chance, 0.25"),
        ({"corpora": ["synthetic", "synthetic-emodb"]}, "the model was only tested on synthetic speech"),
    ],
)
def test_only_a_good_score_on_real_voices_carries_a_claim(show, card, changed, doubt):
    episode = show.episodes[0]
    assert episode.doubt == "the model's score on real voices is unknown"
    episode.card = card | changed
    assert episode.doubt == doubt


def test_chapters_begin_where_another_emotion_prevails(card):
    episode = make_episode("talk", 600.0)
    half = episode.timeline["start"] < 300
    episode.timeline["happy"], episode.timeline["sad"] = np.where(half, 0.8, 0.3), np.where(half, 0.2, 0.7)
    first, second = episode.chapters()
    assert first == {"startTime": 0.0, "title": 'uncertain · “He said "well, no"”'}
    assert second["startTime"] == pytest.approx(300, abs=12)  # a mean turns a little later
    episode.card, episode.sentences = card, None
    assert [one["title"] for one in episode.chapters()] == ["mostly happy", "mostly sad"]
    assert len(episode.chapters(400)) == 1
    episode.timeline["emotion"] = None
    assert episode.chapters() == []


def test_the_summary_has_a_row_per_episode(show):
    table = show.summary
    assert table.index.tolist() == ["a", "b", "c"]
    assert table.minutes.tolist() == [1.0, 0.5, 1.0]
    np.testing.assert_allclose(table.happy + table.sad, 1)
    np.testing.assert_allclose(table.loc["a", "valence"], show.episodes[0].sentences.valence.mean())
    assert np.isnan(table.loc["c", "valence"])
    assert table["laughs per 10 min"].tolist() == [10.0, 20.0, 10.0]


def test_a_show_without_transcripts_has_no_sentences():
    show = Show("Silent", [make_episode("a", transcribed=False)])
    assert len(show.sentences) == len(show.means()) == 0
    assert "valence" not in show.summary


def test_what_a_killed_process_left_behind_is_no_episode(tmp_path):
    make_episode("talk").save(tmp_path / "episodes" / "talk")
    make_episode("talk").save(tmp_path / "episodes" / ".talk-half")
    assert len(Show.load(tmp_path).episodes) == 1


def test_a_folder_without_episodes_is_an_empty_show(tmp_path):
    assert Show.load(tmp_path).episodes == []
    assert Show.load(tmp_path / "none", "Nothing").name == "Nothing"


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "timeline.csv").unlink(),
        lambda folder: (folder / "timeline.csv").write_text("start,end\n0,1\n"),
        lambda folder: (folder / "sentences.csv").write_bytes((folder / "sentences.csv").read_bytes()[:-20]),
        lambda folder: (folder / "episode.json").write_text("[]"),
        lambda folder: (folder / "episode.json").write_bytes(b"\xff\x00"),
        lambda folder: (folder / "episode.json").write_text(
            (folder / "episode.json").read_text().replace("60.0", "61.0")
        ),
        lambda folder: (folder / "episode.json").unlink(),
    ],
)
def test_a_damaged_episode_is_refused(tmp_path, damage):
    make_episode("talk").save(tmp_path / "talk")
    damage(tmp_path / "talk")
    with pytest.raises(
        ArchiveError, match="talk is not an episode, or was changed after it was written: analyse it again"
    ):
        Episode.load(tmp_path / "talk")
