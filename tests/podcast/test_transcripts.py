"""Transcripts in three formats say the same, however untidy they are, and a broken one gets one sentence."""

import json
import time

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers.errors import TranscriptError
from ser_helpers.podcast import transcripts
from ser_helpers.podcast.transcripts import COLUMNS

SRT = """1
00:00:01,000 --> 00:00:02,500
Ana: Good <i>morning</i>!

2
01:02:03,250 --> 01:02:04,000
Ben: Tea &amp; cake?
Yes.
"""
VTT = """WEBVTT - A show

NOTE nobody reads this

STYLE
::cue { color: red }

first
00:01.000 --> 00:02.500 align:start
<v.loud Ana>Good <00:01.500><c.big>morning</c>!</v>

01:02:03.250 --> 01:02:04.000
<v Ben>Tea &amp; cake?
Yes.
"""
JSON = {
    "version": "1.0.0",
    "segments": [
        {"speaker": "Ana", "startTime": 1, "endTime": 2.5, "body": "Good morning!"},
        {"speaker": "Ben", "startTime": 3723.25, "endTime": 3724.0, "body": "Tea & cake?\nYes."},
    ],
}
ROWS = [[1.0, 2.5, "Ana", "Good morning!"], [3723.25, 3724.0, "Ben", "Tea & cake? Yes."]]


@pytest.fixture
def write(tmp_path):
    def write(content, name="episode.srt", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content.encode(encoding))
        return path

    return write


@pytest.mark.parametrize("name", ["a.srt", "a.VTT", "a.json"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_every_format_reads_the_same(write, name, ends, encoding):
    content = {"a.srt": SRT, "a.VTT": VTT, "a.json": json.dumps(JSON, indent=1)}[name].replace("\n", ends)
    assert transcripts.read(write(content, name, encoding)).to_numpy().tolist() == ROWS


def test_cues_may_overlap_come_late_and_lack_a_speaker(write):
    path = write("00:00:05,0 --> 00:00:06,0\nlater\n\n\n0:04 --> 0:07\nfirst\n\n0:08 --> 0:09\n \n")
    table = transcripts.read(path)
    assert table[["start", "end", "text"]].to_numpy().tolist() == [[4.0, 7.0, "first"], [5.0, 6.0, "later"]]
    assert table.speaker.tolist() == [None, None]


def test_json_without_end_times_ends_with_the_next_segment(write):
    segments = [{"startTime": 1.0, "body": "One."}, {"startTime": 4.5, "body": "Two."}]
    table = transcripts.read(write(json.dumps({"segments": segments}), "a.json"))
    assert table.end.tolist() == [4.5, 5.5]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.txt", "words", "a transcript ends in .srt, .vtt, .json"),
        ("a.srt", "", "there is no cue with words in it"),
        ("a.srt", "just some text", "there is no cue with words in it"),
        ("a.srt", "1\n00:00:01 -> 00:00:02\nHi\n", "there is no cue"),
        ("a.srt", "1\n0:a1 --> 0:02\nHi\n", "line 2 has no times such as 00:01:02.500: '0:a1 --> 0:02'"),
        ("a.srt", "1\n0:05 --> 0:02\nHi\n", "the cue in line 2 lasts from 5 s to 2 s; correct its times"),
        ("a.srt", "0:01 --> 0:02\nHi\n0:03 --> 0:04\nHo\n", "an empty line is missing before the cue of line 3"),
        ("a.json", "{", "it has no list of segments"),
        ("a.json", "[]", "it has no list of segments"),
        ("a.json", '{"segments": [{"startTime": "soon", "body": "x"}]}', "it has no list of segments"),
        ("a.json", '{"segments": []}', "there is no cue with words in it"),
        (
            "a.json",
            '{"segments": [{"startTime": NaN, "endTime": 3, "body": "x"}]}',
            "segment 1 lasts from nan s to 3 s",
        ),
    ],
)
def test_what_cannot_be_read_gets_one_sentence(write, name, content, sentence):
    with pytest.raises(TranscriptError) as error:
        transcripts.read(write(content, name))
    assert sentence in str(error.value)
    assert str(error.value).startswith("Cannot read ")
    assert "\n" not in str(error.value)


def test_missing_folders_and_other_encodings_are_named(tmp_path, write):
    with pytest.raises(TranscriptError, match="there is no such file"):
        transcripts.read(tmp_path / "none.srt")
    (tmp_path / "folder.srt").mkdir()
    with pytest.raises(TranscriptError, match="Is a directory; give the path of a transcript"):
        transcripts.read(tmp_path / "folder.srt")
    with pytest.raises(TranscriptError, match="it is not UTF-8 text"):
        transcripts.read(write("0:01 --> 0:02\nCafé\n", encoding="latin-1"))


@settings(deadline=None)
@given(st.text() | st.lists(st.sampled_from(["\n", "\n\n", "0:01 --> 0:02", "<v A>", "&lt;", "A: b"])).map("".join))
def test_any_text_is_a_table_or_one_sentence(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "a.vtt"
    path.write_text(content, encoding="utf-8", errors="surrogatepass")
    try:
        table = transcripts.read(path)
    except TranscriptError:
        return
    assert table.columns.tolist() == transcripts.COLUMNS
    assert (table.start <= table.end).all()
    assert table.text.str.len().gt(0).all()


def cues(*rows):
    return pd.DataFrame(rows, columns=transcripts.COLUMNS)


def test_a_cue_inside_another_does_not_shorten_the_sentence():
    said = transcripts.sentences(cues([0.0, 9.0, None, "over"], [1.0, 2.0, None, "all."]))
    assert said[["start", "end", "text"]].to_numpy().tolist() == [[0.0, 9.0, "over all."]]


def test_cues_are_cut_and_joined_into_sentences():
    said = transcripts.sentences(
        cues(
            [0.0, 10.0, "Ana", "One two. Three"],
            [10.0, 11.0, "Ana", "four!"],
            [11.0, 12.0, "Ben", "And then"],
            [12.0, 13.0, "Ana", "“Stop.” Now?"],
        )
    )
    assert said.text.tolist() == ["One two.", "Three four!", "And then", "“Stop.”", "Now?"]
    assert said.speaker.tolist() == ["Ana", "Ana", "Ben", "Ana", "Ana"]
    assert said.start[1] == said.end[0] == pytest.approx(10 * 8 / 13)
    assert (said.end[1], said.start[2], said.end[4]) == (11.0, 11.0, pytest.approx(13.0))


def test_a_sentence_without_an_end_is_cut_after_half_a_minute():
    said = transcripts.sentences(cues(*([10.0 * k, 10.0 * k + 10, None, f"part {k}"] for k in range(7))))
    assert (said.end - said.start).max() == 30
    assert " ".join(said.text) == " ".join(f"part {k}" for k in range(7))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.floats(0, 100), st.floats(0, 9), st.sampled_from([None, "A", "B"]), st.text("ab.! ”", min_size=1))
    )
)
def test_no_word_is_lost_and_times_stay_within_the_cues(rows):
    rows = [[start, start + length, who, " ".join(text.split())] for start, length, who, text in rows if text.strip()]
    table = cues(*sorted(rows, key=lambda row: row[:2]))
    said = transcripts.sentences(table)
    assert sorted("".join(said.text).replace(" ", "")) == sorted("".join(table.text).replace(" ", ""))
    assert (said.start <= said.end + 1e-9).all()
    if len(table):
        assert said.start.min() == table.start.min()
        assert said.end.max() == pytest.approx(table.end.max())


def test_the_transcript_is_found_by_the_episodes_name(tmp_path):
    (tmp_path / "episodes").mkdir()
    (tmp_path / "transcripts").mkdir()
    episode = tmp_path / "episodes" / "01.first.mp3"
    assert transcripts.find(episode) is None
    above = tmp_path / "transcripts" / "01.first.json"
    above.touch()
    assert transcripts.find(episode) == above
    beside = tmp_path / "episodes" / "01.first.srt"
    beside.touch()
    assert transcripts.find(episode) == beside
    assert transcripts.find(episode, tmp_path / "transcripts") == above


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.srt", f"1\n{'9' * 400}:00:00,0 --> {'9' * 401}:00:00,0\nHi.\n", "has no times such as"),
        ("a.json", '{"segments": [{"startTime": 1e300, "endTime": 1e301, "body": "Hi."}]}', "correct its times"),
        ("a.json", '{"segments": [{"startTime": NaN, "endTime": 1, "body": "Hi."}]}', "correct its times"),
        ("a.json", '{"segments": [{"startTime": -1, "endTime": 1, "body": "Hi."}]}', "correct its times"),
        ("a.json", f'{{"segments": [{{"startTime": {"9" * 400}, "body": "Hi."}}]}}', "it has no list of segments"),
        ("a.json", '{"segments": [{"startTime": 0, "endTime": 1, "body": null}]}', "it has no list of segments"),
        ("a.json", "[" * 100_000, "it has no list of segments"),
    ],
    ids=["hours", "late", "NaN", "early", "digits", "no words", "deep"],
)
def test_hostile_numbers_get_one_sentence(tmp_path, name, text, says):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(TranscriptError, match=says):
        transcripts.read(path)


@pytest.mark.parametrize("words", ["<" * 200_000, "{\\" * 100_000, "<v" + " " * 200_000, "<v " * 70_000])
def test_brackets_that_never_close_take_no_time(tmp_path, words):
    path = tmp_path / "a.srt"
    path.write_text(f"1\n00:00:00,0 --> 00:00:01,0\n{words}\n")
    begin = time.thread_time()
    assert len(transcripts.read(path)) == 1
    assert time.thread_time() - begin < 2


def test_cues_without_words_have_no_sentences():
    cues = pd.DataFrame([[0.0, 1.0, None, ""], [1.0, 2.0, "Ana", " "], [2.0, 3.0, "Ana", None]], columns=COLUMNS)
    assert transcripts.sentences(cues).empty
    assert transcripts.sentences(pd.DataFrame(columns=COLUMNS)).empty


@pytest.mark.parametrize("table", [None, [], pd.DataFrame({"start": [0.0]}), pd.DataFrame()])
def test_what_is_no_table_of_cues_gets_a_sentence(table):
    with pytest.raises(TranscriptError, match="a table with the columns start, end, speaker, text"):
        transcripts.sentences(table)


@pytest.mark.parametrize(
    ("speaker", "name"), [('["Ana"]', None), ('{"name": "Ana"}', None), ("3", "3"), ('"Ana"', "Ana")]
)
def test_a_speaker_is_a_name_or_nobody(tmp_path, speaker, name):
    path = tmp_path / "a.json"
    path.write_text(f'{{"segments": [{{"startTime": 0, "endTime": 1, "body": "Hi.", "speaker": {speaker}}}]}}')
    assert transcripts.read(path)["speaker"].tolist() == [name]
