"""An episode: windows of 3 s, shares of its speech, rated sentences, notes on what is missing or damaged."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers import audio, models
from ser_helpers.errors import AudioError, ModelError, TranscriptError
from ser_helpers.podcast import analyse_episode, dimension_model, dimensions, emotions_over_time, transcripts
from ser_helpers.pretrained import LaughterDetector
from ser_helpers.streaming import detect, emotion_shares

RATE = 16000


class Level:
    """Loud is angry, quiet is sad: what a window sounds like can be worked out by hand."""

    classes_ = np.array(["angry", "sad"])

    def predict_proba(self, windows):
        loud = (np.abs(windows).mean(axis=1) > 0.2).astype(float)
        return np.stack([loud, 1 - loud], axis=1)


class Echo:
    """Says how long a voice is, how loud, and how many letters its words have."""

    def predict(self, voices, texts):
        return np.array([[len(y) / RATE, np.abs(y).max(), len(text)] for y, text in zip(voices, texts, strict=True)])


def steps(*levels, seconds=3.0, sr=RATE):
    return np.repeat(np.array(levels, np.float32), int(seconds * sr))


@pytest.fixture
def write(tmp_path):
    def write(y, sr=RATE, name="talk.wav", **options):
        path = tmp_path / name
        soundfile.write(path, y, sr, **({"subtype": "FLOAT"} | options if name.endswith("wav") else options))
        return path

    return write


def predicted(path, **settings):
    return emotions_over_time(path, Level(), **({"vad": False, "weight": 1.0} | settings))


def test_windows_follow_one_another_and_name_the_louder_emotion(write):
    table = predicted(write(steps(0.5, 0.1, 0.5, 0.5)))
    assert table.start.tolist() == [0, 3, 6, 9]
    assert table.end.tolist() == [3, 6, 9, 12]
    assert table.emotion.tolist() == ["angry", "sad", "angry", "angry"]
    assert table.angry.tolist() == [1, 0, 1, 1]


@pytest.mark.parametrize(("seconds", "starts"), [(3.0, [0]), (4.4, [0]), (4.6, [0, 3]), (1.0, [0]), (0.03, [0])])
def test_the_last_window_counts_for_what_is_left(write, seconds, starts):
    table = predicted(write(steps(0.5, seconds=seconds)))
    assert table.start.tolist() == starts
    assert table.attrs["seconds"] == pytest.approx(seconds)
    assert (table.start.iloc[1:].to_numpy() == table.end.iloc[:-1].to_numpy()).all()


@pytest.mark.parametrize("sr", [8000, 44100, 48000])
def test_rate_and_channels_do_not_matter(write, sr):
    y = steps(0.5, 0.1, 0.5, sr=sr)
    table = predicted(write(np.stack([y, y], axis=1), sr))
    assert table.emotion.tolist() == ["angry", "sad", "angry"]


def test_it_is_the_live_detector_on_a_whole_recording(write):
    y = np.random.default_rng(0).normal(0, 0.2, RATE * 9).astype(np.float32)
    live = detect(y, Level(), window=3.0, hop=3.0, weight=0.8, margin=0.05)
    pd.testing.assert_frame_equal(emotions_over_time(write(y), Level()), live, check_exact=True)


def test_silence_has_no_emotion(write):
    table = emotions_over_time(write(np.zeros(RATE * 7)), Level())
    assert table.emotion.tolist() == [None, None]
    assert table[["angry", "sad"]].isna().all(axis=None)
    assert emotion_shares(table).to_dict() == {"angry": 0, "sad": 0}


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0.1, 9), st.sampled_from(["a", "b", "c", None])), min_size=1, max_size=20))
def test_shares_are_shares_of_time(rows):
    ends = np.cumsum([length for length, _ in rows])
    table = pd.DataFrame({"start": ends - [length for length, _ in rows], "end": ends, "speech": 1.0})
    table = table.assign(a=0.0, b=0.0, c=0.0, emotion=pd.Series([name for _, name in rows], dtype=object))
    shares = emotion_shares(table)
    spoken = sum(length for length, name in rows if name)
    assert list(shares.index) == ["a", "b", "c"]
    for name in "abc":
        expected = sum(length for length, word in rows if word == name) / spoken if spoken else 0
        assert shares[name] == pytest.approx(expected)


def sentences(*rows):
    return pd.DataFrame(
        [[start, end, None, text] for start, end, text in rows], columns=["start", "end", "speaker", "text"]
    )


def test_each_sentence_is_rated_on_its_own_stretch(write):
    path = write(steps(0.1, 0.2, 0.3, 0.4, seconds=15.0))
    rows = sentences((1, 2, "a"), (14, 16, "bc"), (15.5, 15.75, "d"), (40, 41, "efg"))
    table = dimensions(path, rows, Echo())
    np.testing.assert_allclose(table.valence, [1, 2, 0.25, 1])
    np.testing.assert_allclose(table.arousal, [0.1, 0.2, 0.2, 0.3], rtol=1e-6)
    assert table.dominance.tolist() == [1, 2, 1, 3]
    assert table.text.tolist() == ["a", "bc", "d", "efg"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 70), st.floats(0, 40)), max_size=8))
def test_any_sentences_are_cut_as_from_the_whole_recording(tmp_path_factory, spans):
    y = (np.arange(RATE * 65) % 30011 / 60022).astype(np.float32)
    path = tmp_path_factory.getbasetemp() / "long.wav"
    if not path.exists():
        soundfile.write(path, y, RATE, subtype="FLOAT")
    rows = sentences(*sorted((start, start + length, "x") for start, length in spans))

    class Keep:
        def predict(self, voices, texts):
            cuts.append(voices[0])
            return np.ones((1, 3))

    cuts = []
    table = dimensions(path, rows, Keep())
    expected = [y[round(row.start * RATE) : round(min(row.end, row.start + 30) * RATE)] for row in rows.itertuples()]
    assert table.valence.notna().tolist() == [len(part) >= 400 for part in expected]
    for part, found in zip([part for part in expected if len(part) >= 400], cuts, strict=True):
        np.testing.assert_array_equal(found, part)


def test_sentences_outside_the_recording_stay_without_numbers(write):
    table = dimensions(write(steps(0.5)), sentences((1, 1.01, "x"), (2, 9, "cut"), (50, 51, "gone")), Echo())
    assert table.valence.isna().tolist() == [True, False, True]
    assert table.valence[1] == 1.0


def test_an_hour_of_sentences_takes_little_memory(write):
    path = write(np.zeros(0), 8000, subtype="PCM_U8")
    with soundfile.SoundFile(path, "w", 8000, 1, "PCM_U8") as file:
        for _ in range(60):
            file.write(np.zeros(8000 * 60, np.float32))
    rows = sentences(*((10.0 * k, 10.0 * k + 8, "x") for k in range(350)))
    tracemalloc.start()
    assert dimensions(path, rows, Echo()).valence.eq(8).all()
    assert len(predicted(path)) == 1200
    assert tracemalloc.get_traced_memory()[1] < 25e6
    tracemalloc.stop()


TRANSCRIPT = "1\n00:00:00,500 --> 00:00:02,000\nAna: Hello.\n"


class Laughs:
    """A detector that reports how many samples it was given as the end of its only laugh."""

    sr = 8000

    def stream(self):
        self.samples = 0
        return self

    def feed(self, y):
        self.samples += len(y)

    def finish(self):
        return self.samples

    def segments(self, samples):
        return pd.DataFrame({"start": [0.0], "end": [samples / self.sr], "probability": [0.9]})


def analyse(path, **settings):
    return analyse_episode(path, **({"model": Level(), "dimension_model": Echo(), "vad": False} | settings))


def test_an_episode_contains_all_results(write, tmp_path):
    path, transcript = write(steps(0.5, 0.1)), tmp_path / "talk.srt"
    transcript.write_text(TRANSCRIPT)
    episode = analyse(path, transcript=transcript, laughter=Laughs())
    assert (episode.name, episode.seconds, episode.notes) == ("talk", 6.0, [])
    assert episode.sentences[["speaker", "valence"]].to_numpy().tolist() == [["Ana", 1.5]]
    assert episode.laughs_per_10_minutes == 100
    assert episode.laughter["end"].tolist() == [6.0]
    assert len(episode.timeline) == 2


def test_an_episode_names_its_models_and_what_they_were_trained_on(write, tmp_path):
    path, transcript = write(steps(0.1)), tmp_path / "talk.srt"
    transcript.write_text(TRANSCRIPT)
    own = analyse(path, transcript=transcript, laughter=Laughs())
    assert own.models == ["Level", "Echo", "Laughs"]
    assert analyse(path).models == ["Level"]
    ready = [models.window_model(), dimension_model(), LaughterDetector("stand-in")]
    episode = analyse_episode(path, ready[0], ready[1], transcript, ready[2], vad=False)
    assert episode.models == [
        "window model linear, trained on synthetic speech",
        "valence-arousal-dominance model, trained on synthetic speech",
        "laughter ResNet (stand-in), trained on synthetic speech",
    ]


def test_a_transcript_of_something_else_is_noticed(write, tmp_path):
    path, transcript = write(steps(0.5, 0.1)), tmp_path / "talk.srt"
    cue = "1\n0:00:{0},0 --> 0:00:{1},0\nHello.\n\n"
    transcript.write_text(cue.format(10, 12) + cue.format(20, 22))
    episode = analyse(path, transcript=transcript)
    assert episode.sentences is None
    ends = "the recording ends at 6.0 s: check that it is of this recording."
    assert episode.problems == [f"Sentences were not rated. The transcript begins at 10.0 s, and {ends}"]
    transcript.write_text(cue.format(2, 4) + cue.format(20, 22))
    episode = analyse(path, transcript=transcript)
    assert episode.sentences["valence"].notna().tolist() == [True, False]
    assert episode.problems[0].startswith("1 of 2 sentences of the transcript begin after the end of the recording")


def test_an_episode_without_a_transcript_says_so(write):
    episode = analyse(write(steps(0.5)))
    assert episode.sentences is None
    assert episode.laughter is None
    assert episode.laughs_per_10_minutes is None
    assert episode.notes == ["There is no transcript: sentences were not rated."]
    assert episode.problems == []


def test_a_broken_transcript_costs_the_sentences_alone(write, tmp_path):
    transcript = tmp_path / "talk.json"
    transcript.write_text("{")
    episode = analyse(write(steps(0.5)), transcript=transcript)
    assert len(episode.timeline) == 1
    assert episode.notes[0].startswith("Sentences were not rated. Cannot read talk.json: it has no list")
    assert episode.problems == episode.notes


def test_a_recording_is_decoded_once(write, tmp_path):
    path, transcript = write(steps(0.5, 0.1, sr=44100), 44100), tmp_path / "talk.srt"
    transcript.write_text(TRANSCRIPT)
    decoded = []

    def decode(path, *given, **options):
        decoded.append(path)
        return audio.blocks(path, *given, **options)

    episode = analyse(path, transcript=transcript, laughter=Laughs(), decode=decode)
    assert decoded == [path]
    pd.testing.assert_frame_equal(episode.timeline, emotions_over_time(path, Level(), vad=False), check_exact=True)
    pd.testing.assert_frame_equal(
        episode.sentences, dimensions(path, transcripts.sentences(transcripts.read(transcript)), Echo())
    )


def test_a_damaged_end_costs_the_end_alone_and_is_noted_once(write, tmp_path):
    path = write(np.random.default_rng(0).normal(0, 0.1, 44100 * 12), 44100, name="talk.flac")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    transcript = tmp_path / "talk.srt"
    transcript.write_text(TRANSCRIPT)
    episode = analyse(path, transcript=transcript, laughter=Laughs())
    assert 4 < episode.seconds < 7
    assert len(episode.notes) == 1
    assert episode.notes[0].startswith("talk.flac is damaged after")
    assert episode.problems == episode.notes


def test_sentences_before_and_after_the_damage_are_told_apart(write):
    path = write(np.random.default_rng(0).normal(0, 0.1, 44100 * 12), 44100, name="talk.flac")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert dimensions(path, sentences((1, 2, "x"), (10, 11, "y")), Echo()).valence.notna().tolist() == [True, False]
    late = dimensions(path, sentences((10, 11, "y")), Echo())
    assert late.valence.isna().all()
    assert "is damaged after" in late.attrs["problem"]


def test_broken_samples_and_silence_are_noted(write):
    y = np.zeros(RATE * 4)
    y[5] = np.nan
    episode = analyse(write(y), vad=True)
    assert episode.problems == ["talk.wav: NaN or infinite samples were taken as silence: 1."]
    assert episode.notes[1:] == [*episode.problems, "No speech was detected."]


def test_what_cannot_be_read_at_all_is_an_error(write, tmp_path):
    with pytest.raises(AudioError, match="there is no such file"):
        analyse(tmp_path / "none.mp3")
    with pytest.raises(AudioError, match="it lasts 10 ms"):
        analyse(write(np.zeros(160)))
    with pytest.raises(AudioError, match="it lasts 0 ms"):
        dimensions(write(np.zeros(0)), sentences((0, 1, "x")), Echo())


SENTENCES = pd.DataFrame({"start": [0.0, 3.0], "end": [1.0, 4.0], "speaker": [None, "Ana"], "text": ["Yes.", "No."]})


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (SENTENCES[["start", "text"]], "a table with the columns start, end, speaker, text"),
        (SENTENCES[::-1], "not in the order of time: sort them by start"),
        (SENTENCES.assign(end=np.nan), "a time is missing, or no number"),
    ],
)
def test_unusable_sentences_are_refused(rows, words, write):
    with pytest.raises(TranscriptError, match=words):
        dimensions(write(steps(0.5, 0.5)), rows, Echo())


def test_unusable_models_are_refused_before_the_work(write, tmp_path):
    with pytest.raises(ModelError, match="rates no sentences: give a DimensionModel"):
        dimensions(tmp_path / "absent.wav", SENTENCES, Level())
    with pytest.raises(ModelError, match="detects no laughter: give a LaughterDetector"):
        analyse_episode(tmp_path / "absent.wav", Level(), laughter="auto")


class Recogniser:
    label, sr = "Stand-in recogniser", 16000

    def stream(self):
        return self

    def feed(self, y):
        pass

    def finish(self):
        rows = [[0.5, 1.0, None, "Good"], [1.0, 1.5, None, "morning."], [2.0, 3.0, None, "Really?"]]
        return pd.DataFrame(rows, columns=transcripts.COLUMNS)


def test_words_are_recognised_behind_the_same_decoder(tmp_path):
    soundfile.write(tmp_path / "talk.wav", np.full(16000, 0.1), 16000)
    decoded = []

    def decode(path, *given, **options):
        decoded.append(path)
        return audio.blocks(path, *given, **options)

    analyse(tmp_path / "talk.wav", recogniser=Recogniser(), decode=decode)
    assert decoded == [tmp_path / "talk.wav"] * 2  # for the words, and for all else


def test_words_are_recognised_where_there_is_no_transcript(tmp_path):
    path = tmp_path / "talk.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 16000 * 4), 16000)
    settings = {"dimension_model": Echo(), "recogniser": Recogniser(), "vad": False}
    episode = analyse_episode(path, Level(), **settings)
    assert episode.sentences.text.tolist() == ["Good morning.", "Really?"]
    assert episode.sentences.valence.notna().all()
    assert "the words were recognised by Stand-in recogniser." in " ".join(episode.notes)
    assert episode.problems == []
    assert "Stand-in recogniser" in episode.models
    path.with_suffix(".vtt").write_text("WEBVTT\n\n00:01.000 --> 00:03.000\nHello.\n")
    episode = analyse_episode(path, Level(), transcript=path.with_suffix(".vtt"), **settings)
    assert episode.sentences.text.tolist() == ["Hello."]
    assert "Stand-in recogniser" not in episode.models
