import pytest

from ser_helpers import corpora, paths
from ser_helpers.errors import CorpusError, CorpusMissing

HEAD = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"
LINE = '1,"{}",{},{},neutral,{},{},8,21,"00:16:16,059","00:16:21,731"\n'


@pytest.fixture
def meld(tmp_path):
    """Write MELD's three files into a folder; `lines` are (text, speaker, emotion, dialogue, turn)."""

    def write(folder="meld", lines=(("Well, I see.", "Ross", "neutral", 0, 0),), encoding="utf-8"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for split in ("train", "dev", "test"):
            text = HEAD + "".join(LINE.format(*line) for line in lines)
            (tmp_path / folder / f"{split}_sent_emo.csv").write_bytes(text.encode(encoding))
        return tmp_path / folder

    return write


def test_every_column_is_read_and_splits_do_not_mix(meld):
    lines = [("Hey, you!", "Joey", "joy", 3, 0), ("None", "Chandler Bing", "anger", 3, 1)]
    table = corpora.load_text("meld", meld(lines=lines))
    assert table.index.tolist() == [
        f"meld/{split}/dia3_utt{turn}" for split in ("train", "dev", "test") for turn in (0, 1)
    ]
    assert table.index.name == "utterance"
    assert table.loc["meld/dev/dia3_utt1"].to_dict() == {
        "split": "dev",
        "dialogue": "meld-dev-3",
        "turn": 1,
        "speaker": "meld-Chandler Bing",
        "text": "None",
        "emotion": "anger",
        "sentiment": "neutral",
    }


@pytest.mark.parametrize(
    ("stored", "encoding"),
    [
        ("It\x92s\xa0\x91odd\x92\x85 isn\x92t  it\x97", "utf-8"),
        ("It\u2019s \u2018odd\u2019\u2026 isn\u2019t it\u2014", "utf-8"),
        ("It\u2019s \u2018odd\u2019\u2026 isn\u2019t it\u2014", "utf-8-sig"),
        ("It\u2019s \u2018odd\u2019\u2026 isn\u2019t it\u2014", "cp1252"),
    ],
)
def test_quotation_marks_of_windows_are_put_right(meld, stored, encoding):
    table = corpora.load_text("meld", meld(lines=[(stored, "Ross", "neutral", 0, 0)], encoding=encoding))
    assert set(table["text"]) == {"It\u2019s \u2018odd\u2019\u2026 isn\u2019t it\u2014"}


@pytest.mark.parametrize("folder", ["meld", "MELD", "MELD.Raw", "MELD.Raw/csv"])
def test_it_is_found_where_the_publisher_puts_it(meld, tmp_path, monkeypatch, folder):
    meld(folder)
    monkeypatch.setenv("SER_DATA_HOME", str(tmp_path))
    assert len(corpora.load_text()) == 3


def test_what_is_missing_is_said_in_one_sentence(meld, tmp_path, monkeypatch):
    monkeypatch.setenv("SER_DATA_HOME", str(tmp_path / "empty"))
    with pytest.raises(CorpusMissing, match=r"no MELD in .*empty.*folder called meld"):
        corpora.load_text()
    (meld() / "dev_sent_emo.csv").unlink()
    with pytest.raises(CorpusMissing, match=r"no dev_sent_emo\.csv in .*folder called meld"):
        corpora.load_text("meld", tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "No columns"),
        ("Utterance,Speaker\nHello,Ross\n", "Usecols"),
        (HEAD, "contains no utterance"),
        (HEAD + LINE.format("Hi", "Ross", "neutral", "zero", 0), "invalid literal"),
        (HEAD + LINE.format("Hi", "Ross", "cheerful", 0, 0), "the emotion 'cheerful'"),
    ],
)
def test_a_damaged_file_is_said_in_one_sentence(meld, content, message):
    folder = meld()
    (folder / "train_sent_emo.csv").write_text(content)
    with pytest.raises(CorpusError, match=rf"train_sent_emo\.csv is damaged.*{message}.*get it again") as refused:
        corpora.load_text("meld", folder)
    assert "\n" not in str(refused.value)


def test_an_utterance_that_occurs_twice_is_named(meld):
    lines = [("Hey, you!", "Joey", "joy", 3, 1), ("No.", "Ross", "anger", 3, 1)]
    with pytest.raises(CorpusError, match=r"contains utterance 1 of dialogue 3 more than once; get it again"):
        corpora.load_text("meld", meld(lines=lines))


def test_a_folder_of_a_files_name_is_no_file(meld):
    folder = meld()
    (folder / "train_sent_emo.csv").unlink()
    (folder / "train_sent_emo.csv").mkdir()
    with pytest.raises(CorpusMissing, match=r"There is no train_sent_emo\.csv"):
        corpora.load_text("meld", folder)


def test_other_corpora_are_read_with_their_recordings():
    with pytest.raises(CorpusError, match=r"load 'iemocap' with corpora\.load"):
        corpora.load_text("iemocap")


@pytest.mark.real
@pytest.mark.skipif(not (paths.data_home() / "meld").is_dir(), reason="SER_DATA_HOME holds no MELD")
def test_real_meld_is_what_its_card_says():
    table = corpora.load_text("meld")
    known = corpora.card("meld")
    assert len(table) == known.utterances
    assert table["emotion"].value_counts().to_dict() == known.counts
    assert table["speaker"].nunique() == known.speakers
    assert table["split"].value_counts().to_dict() == {"train": 9989, "test": 2610, "dev": 1109}
    assert table.index.is_unique
    assert not table["text"].str.contains("[\x80-\xa0]").any()
