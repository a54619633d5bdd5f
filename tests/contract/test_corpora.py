"""What every loader must hold, checked on files written here in each publisher's own layout."""

import os
import shutil
import stat
import struct
import warnings
from itertools import product
from pathlib import Path
from string import ascii_lowercase

import h5py
import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from ser_helpers import corpora
from ser_helpers.errors import CorpusError, CorpusMissing


def wav(path, text=None, channels=1):
    """A wav of a few samples, which differ from file to file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = ((text or path.as_posix()[-32:]).encode() * 2)[:64].ljust(64, b"-")
    head = struct.pack(
        "<4sI4s4sIHHIIHH", b"RIFF", 100, b"WAVE", b"fmt ", 16, 1, channels, 16000, 32000, 2 * channels, 16
    )
    path.write_bytes(head + struct.pack("<4sI", b"data", len(samples)) + samples)


def ravdess_names():
    for actor, emotion, intensity, statement, repetition in product(range(1, 25), range(1, 9), (1, 2), (1, 2), (1, 2)):
        if (emotion, intensity) != (1, 2):
            codes = (3, 1, emotion, intensity, statement, repetition, actor)
            yield f"Actor_{actor:02d}/{'-'.join(f'{code:02d}' for code in codes)}.wav"


def crema_d_names():
    """Every actor has 82 clips but for 20 that the publisher left out; which ones does not matter here."""
    left_out = dict.fromkeys(("ANG", "DIS", "FEA", "HAP", "SAD"), 3) | {"NEU": 5}
    sentences = ("IEO", "TIE", "IOM", "IWW", "TAI", "MTI", "IWL", "ITH", "DFA", "ITS", "TSI", "WSI")
    for actor, sentence, emotion in product(range(1001, 1092), sentences, left_out):
        for intensity in ("LO", "MD", "HI") if sentence == "IEO" and emotion != "NEU" else ("XX",):
            if left_out[emotion] and actor > 1050:
                left_out[emotion] -= 1
            else:
                last = "X" if (actor, sentence, emotion) == (1040, "ITH", "SAD") else intensity
                yield f"AudioWAV/{actor}_{sentence}_{emotion}_{last}.wav"


def tess_names():
    emotions = ("angry", "disgust", "fear", "happy", "neutral", "ps", "sad")
    folders = {
        "OAF": ("angry", "disgust", "Fear", "happy", "neutral", "Pleasant_surprise", "Sad"),
        "YAF": ("angry", "disgust", "fear", "happy", "neutral", "pleasant_surprised", "sad"),
    }
    words = ("bite", *("word" + first + second for first, second in list(product(ascii_lowercase, repeat=2))[:199]))
    for actress, word in product(folders, words):
        for folder, emotion in zip(folders[actress], emotions, strict=True):
            name = "OA" if (actress, word, emotion) == ("OAF", "bite", "neutral") else actress
            yield f"TESS Toronto emotional speech set data/{actress}_{folder}/{name}_{word}_{emotion}.wav"


def savee_names():
    for speaker, emotion in product(("DC", "JE", "JK", "KL"), ("a", "d", "f", "h", "n", "sa", "su")):
        for sentence in range(1, 31 if emotion == "n" else 16):
            yield f"AudioData/{speaker}/{emotion}{sentence:02d}.wav"


def emodb_names():
    counts = {"N": 79, "F": 71, "T": 62, "W": 127, "A": 69, "E": 46, "L": 81}
    texts = ("a01", "a02", "a04", "a05", "a07", "b01", "b02", "b03", "b09", "b10")
    speakers = ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16")
    for emotion, count in counts.items():
        versions = product("ab", texts, speakers)
        for _, (version, text, speaker) in zip(range(count), versions, strict=False):
            yield f"wav/{speaker}{text}{emotion}{version}.wav"


def iemocap_names():
    counts = {"neu": 1708, "hap": 595, "exc": 1041, "sad": 1084, "ang": 1103, "fru": 1849}
    counts |= {"fea": 40, "dis": 2, "sur": 107, "oth": 3, "xxx": 2507}
    turns = ((emotion, i) for emotion, count in counts.items() for i in range(count))
    for number, (emotion, _) in enumerate(turns):
        session, sex, dialogue = number % 5 + 1, "FM"[number // 5 % 2], f"impro{number // 600 + 1:02d}"
        name = f"Ses0{session}F_{dialogue}"
        yield f"Session{session}/sentences/wav/{name}/{name}_{sex}{number:05d}.wav", emotion


def write_iemocap(root, every, labels):
    blocks = {}
    for path, emotion in list(iemocap_names())[::every]:
        if emotion not in labels:
            continue
        wav(root / path)
        session, turn = Path(path).parts[0], Path(path).stem
        file = root / session / "dialog" / "EmoEvaluation" / f"{turn.rpartition('_')[0]}.txt"
        blocks.setdefault(file, ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n"]).append(
            f"[6.2901 - 8.2357]\t{turn}\t{emotion}\t[2.5000, 3.0000, 3.5000]\nC-E2:\tNeutral;\t()\n"
            f"C-E3:\tNeutral; Anger;\t()\nC-E4:\tOther;\t(curious)\nC-F1:\tAnger;\t()\n"
            f"A-E3:\tval 3; act 2; dom  2;\t()\n"
        )
    for file, lines in blocks.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines))
        words = Path(str(file).replace("EmoEvaluation", "transcriptions"))
        words.parent.mkdir(parents=True, exist_ok=True)
        words.write_text("\n".join(f"{line.split()[3]} [006.2901-008.2357]: Excuse me." for line in lines[1:]))
        wav(root / file.relative_to(root).parts[0] / "dialog" / "wav" / f"{file.stem}.wav")


def ravdess_song_names():
    for name in ravdess_names():
        if name[15:17] <= "06" and "Actor_18" not in name:
            yield name.replace("/03-01", "/03-02")


def write_meld(root):
    folders = {"train": "train_splits", "dev": "dev_splits_complete", "test": "output_repeated_splits_test"}
    for split, folder in folders.items():
        lines = ["Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID"]
        for number in range(14):
            dialogue, turn = divmod(number, 5)
            emotion = corpora.card("meld").labels[number % 7]
            lines.append(f'{number},"Well, no.",{("Ross", "Monica")[number % 2]},{emotion},neutral,{dialogue},{turn}')
            wav(root / folder / f"dia{dialogue}_utt{turn}.wav", f"{split} {number}")
        (root / f"{split}_sent_emo.csv").write_text("\n".join(lines))


def write_msp_podcast(root):
    lines = ["FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set"]
    for number in range(40):
        name = f"MSP-PODCAST_{number // 4:04d}_{number:04d}"
        who = "Unknown,Unknown" if number % 5 == 0 else f"{number // 4 + 1},{('Female', 'Male')[number // 4 % 2]}"
        split = ("Train", "Development", "Test1", "Test2")[number // 12]
        lines.append(f"{name}.wav,{'NHSAFDUCOX'[number % 10]},3.4,4.2,4.0,{who},{split}")
        wav(root / "Audios" / f"{name}.wav")
    (root / "Labels").mkdir()
    (root / "Labels" / "labels_consensus.csv").write_text("\n".join(lines))


def write_cmu_mosei(root):
    root.mkdir(parents=True)
    with h5py.File(root / "CMU_MOSEI_Labels.csd", "w") as file:
        for number in range(40):
            video = file.create_group(f"All Labels/data/-{number:02d}xYz_9")
            video["intervals"] = [[0.0001, 0.0009]]
            video["features"] = np.roll([[-1.5, *[2 / 3, 0, 0, 0, 0, 0]]], number % 7)
            wav(root / "Raw" / "Audio" / "Full" / "WAV_16000" / f"-{number:02d}xYz_9.wav")


NAMES = {
    "ravdess": ravdess_names,
    "ravdess-song": ravdess_song_names,
    "crema-d": crema_d_names,
    "tess": tess_names,
    "savee": savee_names,
    "emodb": emodb_names,
}
EVERY = {"ravdess": 31, "crema-d": 161, "tess": 59, "savee": 11, "emodb": 13, "iemocap": 211, "synthetic": 31}
EVERY |= {"synthetic-iemocap": 211, "synthetic-emodb": 13, "ravdess-song": 31}
LABEL_FILES = {"meld": write_meld, "msp-podcast": write_msp_podcast, "cmu-mosei": write_cmu_mosei}
EVERY |= dict.fromkeys(LABEL_FILES)


def write(name, root, every=1):
    """Write each `every`-th file of a corpus under `root`; 1 writes the complete corpus."""
    if name in ("iemocap", "synthetic-iemocap"):
        return write_iemocap(root, every, corpora.card(name).labels)
    if name in LABEL_FILES:
        return LABEL_FILES[name](root)
    for path in list(NAMES.get(name.removeprefix("synthetic-"), ravdess_names)())[::every]:
        wav(root / path)
    if name == "synthetic":
        paths = [path.relative_to(root).as_posix() for path in sorted(root.rglob("*.wav"))]
        vad = dict.fromkeys(("valence", "arousal", "dominance"), np.linspace(-1, 1, len(paths)))
        pd.DataFrame({"path": paths, **vad}).to_csv(root / "metadata.csv", index=False)


def load(name, root):
    """The table and the warnings of a corpus."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = corpora.load(name, root)
    assert all(issubclass(w.category, corpora.CorpusWarning) for w in caught)
    return table, [str(w.message) for w in caught]


def same(table, other):
    pd.testing.assert_frame_equal(table.drop(columns="path"), other.drop(columns="path"))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Folders of partial corpora, each written once."""
    top = tmp_path_factory.mktemp("partial")
    for name, every in EVERY.items():
        write(name, top / name, every)
    return top


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """Tables and warnings of complete corpora, each written and read once."""
    top = tmp_path_factory.mktemp("complete")
    for name in (*NAMES, "iemocap"):
        write(name, top / name)
    return {name: load(name, top / name) for name in (*NAMES, "iemocap")}


@pytest.fixture
def copy(written, tmp_path):
    """Copy a partial corpus to a folder where a test may spoil it."""
    return lambda name: Path(shutil.copytree(written / name, tmp_path / "elsewhere" / name))


every_corpus = pytest.mark.parametrize("name", EVERY)


@every_corpus
def test_a_table_keeps_to_the_schema(name, written):
    table, _ = load(name, written / name)
    assert corpora.check_table(table) is table
    assert len(table) > 30
    assert table.index.str.startswith(f"{name}/").all()
    assert (table["corpus"] == name).all()
    assert table["speaker"].dropna().str.startswith(f"{name.removesuffix('-song')}-").all()
    assert table["speaker"].notna().all() or name in ("msp-podcast", "cmu-mosei")
    assert table["path"].map(lambda path: Path(path).is_file()).all()
    assert list(table.index) == [name for _, name in sorted(zip(table["speaker"].fillna(""), table.index, strict=True))]
    assert set(table["emotion"]) <= set(corpora.card(name).labels)


@every_corpus
@pytest.mark.parametrize("scheme", corpora.SCHEMES)
def test_every_scheme_fits(name, scheme, written):
    table, _ = load(name, written / name)
    harmonised = corpora.harmonise(table, scheme)
    assert set(harmonised["emotion"]) <= set(corpora.SCHEMES[scheme].values())
    assert len(harmonised) + sum(harmonised.attrs["dropped"].values()) == len(table)
    assert (harmonised["emotion_original"] == table["emotion"][harmonised.index]).all()
    corpora.check_table(harmonised)


@every_corpus
def test_no_speaker_crosses_a_speaker_split(name, written):
    table, _ = load(name, written / name)
    known = table.dropna(subset="speaker")
    if len(known) < len(table):
        with pytest.raises(CorpusError, match=r"dropna\(subset='speaker'\)"):
            corpora.split(table, "speaker", n_splits=2)
        assert not corpora.audit(table, table.index[:20], table.index[20:]).ok
    for train, test in corpora.split(known, "speaker", n_splits=2) if len(known) else []:
        assert corpora.audit(known, train, test).ok


@every_corpus
def test_the_folder_may_move_and_the_order_of_writing_does_not_matter(name, written, tmp_path):
    table, _ = load(name, written / name)
    paths = sorted((path for path in (written / name).rglob("*") if path.is_file()), reverse=True)
    for path in paths:
        new = tmp_path / name / path.relative_to(written / name)
        new.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, new)
    moved, _ = load(name, tmp_path / name)
    same(table, moved)
    assert moved["path"].str.startswith(str(tmp_path)).all()


@every_corpus
def test_flac_is_as_good_as_wav(name, written, copy):
    folder = copy(name)
    for path in list(folder.rglob("*.wav")):
        sf.write(path.with_suffix(".flac"), *sf.read(path))
        path.unlink()
    table, _ = load(name, folder)
    assert table["path"].str.endswith(".flac").all()
    same(table, load(name, written / name)[0])


@every_corpus
def test_wav_and_flac_of_one_utterance_count_once(name, written, copy):
    folder = copy(name)
    path = sorted(folder.rglob("*.wav"))[-1]
    sf.write(path.with_suffix(".flac"), *sf.read(path))
    table, notes = load(name, folder)
    same(table, load(name, written / name)[0])
    assert table["path"].str.endswith(".wav").all()
    assert any("same utterance" in note and f"{path.stem}.flac" in note for note in notes)


@every_corpus
def test_dirt_is_survived_and_named(name, written, copy):
    folder = copy(name)
    clean, clean_notes = load(name, written / name)
    first = Path(clean["path"].iloc[0])
    where = (folder / first.relative_to(written / name)).parent
    shutil.copytree(written / name, folder / "copy" / name)
    (where / "__MACOSX").mkdir()
    for leftover in (where / "__MACOSX" / first.name, where / f"._{first.name}"):
        leftover.write_bytes(b"Mac OS X")
    (where / f"{first.stem} (1).wav").write_bytes(first.read_bytes())
    (where / "notes.txt").write_text("not audio")
    table, notes = load(name, folder)
    same(table, clean)
    assert f"._{first.name}" in next(note for note in notes if "macOS" in note)
    assert "__MACOSX" in next(note for note in notes if "macOS" in note)
    assert f"{first.stem} (1).wav" in next(note for note in notes if "not named like" in note)
    assert "copy/" in next(note for note in notes if "same utterance" in note)
    assert len(notes) == len(clean_notes) + 3


@every_corpus
@pytest.mark.parametrize("content", [b"", b"RIFF", b"version https://git-lfs.github.com/spec/v1\n", "pipe", "socket"])
def test_an_unreadable_file_is_left_out_and_named(name, written, copy, content):
    folder = copy(name)
    clean, _ = load(name, written / name)
    victim = folder / Path(clean["path"].iloc[3]).relative_to(written / name)
    if content == "pipe":
        victim.unlink()
        os.mkfifo(victim)
    elif content == "socket":
        victim.unlink()
        os.mknod(victim, stat.S_IFSOCK | 0o600)
    else:
        victim.write_bytes(content)
    table, notes = load(name, folder)
    same(table, clean.drop(clean.index[3]))
    assert any("cannot be read" in note and victim.name in note for note in notes)


@every_corpus
def test_pipes_named_like_label_files_are_passed_over(name, written, copy):
    folder = copy(name)
    texts = {path.relative_to(folder) for path in folder.rglob("*") if path.suffix in (".txt", ".csv", ".csd")}
    for path in (*texts, Path("tabulatedVotes.csv"), Path("VideoDemographics.csv")):
        (folder / "pipes" / path).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(folder / "pipes" / path)
    same(load(name, folder)[0], load(name, written / name)[0])


@every_corpus
def test_stereo_and_byte_identical_files_are_kept_and_named(name, written, copy):
    folder = copy(name)
    clean, _ = load(name, written / name)
    first, second, third = (folder / Path(path).relative_to(written / name) for path in clean["path"].iloc[:3])
    second.write_bytes(first.read_bytes())
    wav(third, channels=2)
    table, notes = load(name, folder)
    same(table, clean)
    identical = next(note for note in notes if "byte-identical" in note)
    assert first.name in identical
    assert second.name in identical
    assert third.name in next(note for note in notes if "stereo" in note)


@every_corpus
def test_a_partial_corpus_says_what_is_missing(name, written):
    table, notes = load(name, written / name)
    known = corpora.card(name)
    assert any(f"only {len(table)} of {known.utterances} utterances" in note for note in notes)


@pytest.mark.parametrize("name", [*NAMES, "iemocap"])
def test_a_missing_speaker_is_named(name, written, copy):
    folder = copy(name)
    table, _ = load(name, folder)
    absent = table["speaker"].iloc[0]
    for path in table["path"][table["speaker"] == absent]:
        Path(path).unlink()
    assert any(f"none by {absent}" in note for note in load(name, folder)[1])


@pytest.mark.parametrize("name", [*NAMES, *LABEL_FILES, "iemocap"])
def test_a_missing_corpus_says_where_it_was_looked_for_and_how_to_get_it(name, tmp_path, monkeypatch):
    monkeypatch.setenv("SER_DATA_HOME", str(tmp_path))
    with pytest.raises(CorpusMissing) as error:
        corpora.load(name)
    known = corpora.card(name)
    assert str(tmp_path) in str(error.value)
    assert (f"`ser download {name}`" if known.files else known.how) in str(error.value)


@every_corpus
def test_an_empty_folder_is_a_missing_corpus(name, tmp_path):
    with pytest.raises(CorpusMissing, match=str(tmp_path)):
        corpora.load(name, tmp_path)
    (tmp_path / "readme.txt").write_text("nothing here")
    with pytest.raises(CorpusMissing):
        corpora.load(name, tmp_path)


@every_corpus
def test_folder_names_may_vary(name, written, tmp_path, monkeypatch):
    expected, _ = load(name, written / name)
    known = corpora.card(name)
    for folder in (name.upper(), name.replace("-", "_"), *known.folders):
        shutil.copytree(written / name, tmp_path / folder)
        same(load(name, tmp_path)[0], expected)
        if not known.synthetic:
            monkeypatch.setenv("SER_DATA_HOME", str(tmp_path))
            same(load(name, None)[0], expected)
        shutil.rmtree(tmp_path / folder)


@pytest.mark.parametrize("name", [*NAMES, "iemocap"])
def test_a_complete_corpus_is_what_its_card_says(name, complete):
    table, notes = complete[name]
    known = corpora.card(name)
    assert notes == []
    assert len(table) == known.utterances
    assert table["emotion"].value_counts().to_dict() == known.counts
    assert sum(known.counts.values()) == known.utterances
    assert set(known.labels) == set(known.counts)
    genders = table.groupby("speaker")["gender"].unique().map(lambda found: "".join(found)).value_counts()
    assert genders.get("female", 0) == known.female
    assert genders.get("male", 0) == known.male
    assert table["speaker"].nunique() == known.speakers
    assert (table["language"] == known.language).all()


def test_the_four_english_corpora_have_12162_utterances(complete):
    table = corpora.combine(complete[name][0] for name in ("tess", "savee", "ravdess", "crema-d"))
    assert len(table) == 12162
    assert len(corpora.harmonise(table, "common")) == 12162
    shared = corpora.harmonise(table, "shared")
    assert shared.groupby("corpus")["emotion"].unique().map(set).map(len).eq(6).all()


def test_iemocap_has_5531_utterances_in_four_classes(complete):
    table = corpora.harmonise(complete["iemocap"][0], "iemocap4")
    assert table["emotion"].value_counts().to_dict() == {"neutral": 1708, "happy": 1636, "angry": 1103, "sad": 1084}


@pytest.mark.parametrize("name", corpora.cards().index)
def test_every_corpus_has_a_loader(name):
    assert name in corpora.available()


@pytest.mark.parametrize("name", LABEL_FILES)
def test_a_damaged_label_file_is_named(name, copy):
    folder = copy(name)
    path = next(path for path in sorted(folder.rglob("*")) if path.suffix in (".csv", ".csd"))
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(CorpusError, match=rf"{path.name} is damaged"):
        corpora.load(name, folder)


def test_an_unknown_corpus_lists_the_known_ones():
    with pytest.raises(CorpusError, match="ravdess"):
        corpora.load("ravdes")
