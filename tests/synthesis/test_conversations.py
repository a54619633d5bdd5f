"""The embedded conversations, written once here: two dialogues of one session, and the cached small variant."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from ser_helpers import synthesis
from ser_helpers.errors import CorpusError
from ser_helpers.synthesis import conversations

TITLES = ["script01_1", "impro02"]
BLOCK = re.compile(
    r"\[(?P<start>\d+\.\d{4}) - (?P<end>\d+\.\d{4})\]\t(?P<turn>Ses01[FM]_\w+_[FM]\d{3})\t[a-z]{3}"
    r"\t\[[1-5]\.\d{4}(, [1-5]\.\d{4}){2}\]\n"
    r"(C-E[123]:\t([A-Z][a-z]+; ?){1,2}\t\(\)\n){3}C-[FM]1:\t([A-Z][a-z]+; ?){1,2}\t\(\)\n"
    r"(A-E[123]:\tval [1-5]; act [1-5]; dom  [1-5];\t\(\)\n){3}A-[FM]1:\tval [1-5]; act [1-5]; dom  [1-5];\t\(\)\n"
)
SPOKEN = re.compile(r"(Ses01[FM]_\w+_[FM]\d{3}) \[(\d{3}\.\d{4})-(\d{3}\.\d{4})\]: \S.*[.!?]")


@pytest.fixture(scope="module", autouse=True)
def two_titles():
    """Only two dialogues are made for each marked actor."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conversations, "titles", lambda: TITLES)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("made")
    return root, conversations.build_conversations(root, sessions=[1], jobs=1, progress=False)


def everything(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.*") if path.is_file()}


def test_the_folders_are_iemocaps(made):
    root, _ = made
    for marked in "FM":
        for title in TITLES:
            name = f"Ses01{marked}_{title}"
            assert (root / "Session1" / "dialog" / "wav" / f"{name}.wav").is_file()
            assert (root / "Session1" / "dialog" / "transcriptions" / f"{name}.txt").is_file()
            assert (root / "Session1" / "dialog" / "EmoEvaluation" / f"{name}.txt").is_file()
            turns = sorted(path.stem for path in (root / "Session1" / "sentences" / "wav" / name).iterdir())
            assert {turn.rpartition("_")[0] for turn in turns} == {name}
            for sex in "FM":
                numbers = [turn[-3:] for turn in turns if turn[-4] == sex]
                assert numbers == [f"{number:03d}" for number in range(len(numbers))]


def test_evaluations_and_transcriptions_are_in_the_published_format(made):
    root, truth = made
    turns = []
    for path in sorted(root.glob("Session1/dialog/EmoEvaluation/*.txt")):
        head, *blocks = path.read_text(encoding="utf-8").split("\n\n")
        assert head == "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]"
        matches = [BLOCK.fullmatch(block.rstrip("\n") + "\n") for block in blocks]
        assert all(matches), blocks
        times = [(float(match["start"]), float(match["end"])) for match in matches]
        words = path.parents[1].joinpath("transcriptions", path.name).read_text(encoding="utf-8").splitlines()
        spoken = [SPOKEN.fullmatch(line) for line in words]
        assert [match[1] for match in spoken] == [match["turn"] for match in matches]
        assert [(float(match[2]), float(match[3])) for match in spoken] == times
        turns += [match[1] for match in spoken]
    assert sorted(turns) == sorted(truth["turn"])


def test_a_sentence_is_cut_from_its_speakers_channel(made):
    root, truth = made
    times = {}
    for path in root.glob("Session1/dialog/transcriptions/*.txt"):
        times |= {match[1]: match for match in map(SPOKEN.fullmatch, path.read_text(encoding="utf-8").splitlines())}
    for turn in truth["turn"]:
        name = turn.rpartition("_")[0]
        whole, sr = sf.read(root / "Session1" / "dialog" / "wav" / f"{name}.wav", dtype="int16")
        cut, _ = sf.read(root / "Session1" / "sentences" / "wav" / name / f"{turn}.wav", dtype="int16")
        first, last = (round(float(times[turn][k]) * sr) for k in (2, 3))
        assert sr == 16_000
        assert whole.shape[1] == 2
        np.testing.assert_array_equal(cut, whole[first:last, "FM".index(turn[-4])])
        assert np.abs(cut.astype(int)).max() < 32_767
        other = whole[first:last, "MF".index(turn[-4])].astype(float)
        assert np.mean(cut.astype(float) ** 2) > np.mean(other**2)


def test_people_take_turns_and_sometimes_overlap(made):
    root, _ = made
    gaps = []
    for path in root.glob("Session1/dialog/transcriptions/*.txt"):
        times = np.array([SPOKEN.fullmatch(line).groups()[1:] for line in path.read_text().splitlines()], dtype=float)
        gaps += (times[1:, 0] - times[:-1, 1]).tolist()
    assert min(gaps) < 0 < np.median(gaps) < max(gaps) <= 1
    assert min(gaps) > -0.3


def test_the_same_seed_makes_the_same_bytes_in_any_company(made, tmp_path):
    root, truth = made
    again = conversations.build_conversations(tmp_path / "again", sessions=[1], jobs=2, progress=False)
    pd.testing.assert_frame_equal(again, truth)
    assert everything(tmp_path / "again") == everything(root)


def test_another_seed_makes_other_feelings(made, tmp_path, monkeypatch):
    _, truth = made
    monkeypatch.setattr(conversations, "titles", lambda: TITLES[:1])
    other = conversations.build_conversations(tmp_path, sessions=[1], seed=1, jobs=1, progress=False)
    assert set(other["turn"]) < set(truth["turn"])
    assert not np.isin(other["valence"], truth["valence"]).all()


def test_the_truth_names_every_turn_and_irony(made):
    root, truth = made
    pd.testing.assert_frame_equal(pd.read_csv(root / "truth.csv"), truth)
    assert truth["turn"].is_unique
    assert ((truth[["valence", "arousal", "dominance"]] - 3).abs() <= 2).all(axis=None)
    assert (truth.loc[truth["ironic"], "words"] == "praise").all()
    assert (truth.loc[truth["ironic"], "valence"] < 3).all()


@pytest.mark.slow
def test_two_processes_that_start_together_make_it_once(cache, start_python):
    code = (
        "from ser_helpers.synthesis import conversations as c\n"
        "c.titles = lambda: ['impro02']; c.VARIANTS['small'] = [1]\n"
        "build = c.build_conversations\n"
        "c.build_conversations = lambda *arguments: (print('made'), build(*arguments))\n"
        "print(c.ensure_conversations('small', jobs=1, progress=False))"
    )
    processes = [start_python(code) for _ in range(2)]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    lines = [line for output, _ in outputs for line in output.splitlines()]
    assert lines.count("made") == 1
    (folder,) = {line for line in lines if line != "made"}
    assert Path(folder).parent == cache
    assert len(list(Path(folder).rglob("Ses*_impro02_*.wav"))) == 20


def test_an_unknown_variant_is_refused():
    with pytest.raises(CorpusError, match="no variant 'tiny' of the embedded corpus: choose full or small"):
        synthesis.ensure_conversations("tiny")


def test_the_ten_actors_are_not_those_of_the_clips():
    numbers = [conversations.actor(session, sex) for session in range(1, 6) for sex in "FM"]
    assert sorted(numbers) == list(range(31, 41))
    for session in range(1, 6):
        assert synthesis.speaker(conversations.actor(session, "F")).gender == "female"
        assert synthesis.speaker(conversations.actor(session, "M")).gender == "male"
