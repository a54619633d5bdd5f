"""What is particular to each corpus; what is common to all is in tests/contract/test_corpora.py."""

import shutil

import pandas as pd
import pytest

from ser_helpers import corpora, paths, synthesis
from ser_helpers.errors import CorpusMissing


def test_ravdess_reads_every_part_of_a_name(wav, load, tmp_path):
    wav(tmp_path / "Actor_12" / "03-01-06-02-01-02-12.wav")
    row = load("ravdess", tmp_path)[0].loc["ravdess/03-01-06-02-01-02-12"]
    expected = {
        "speaker": "ravdess-12",
        "gender": "female",
        "statement": "ravdess-1",
        "text": "Kids are talking by the door.",
        "emotion": "fearful",
        "intensity": "strong",
        "repetition": 2,
    }
    assert row[list(expected)].to_dict() == expected
    assert row[["session", "start", "end", "valence"]].isna().all()


def test_ravdess_leaves_out_songs_videos_and_wrong_numbers(wav, load, tmp_path):
    wav(tmp_path / "03-01-06-02-01-02-12.wav")
    wav(tmp_path / "03-02-06-02-01-02-12.wav")
    wav(tmp_path / "03-01-09-02-01-02-12.wav")
    (tmp_path / "01-01-06-02-01-02-12.mp4").write_bytes(b"video")
    table, notes = load("ravdess", tmp_path)
    assert len(table) == 1
    song = next(note for note in notes if "song or video" in note)
    assert "03-02-06-02-01-02-12.wav" in song
    assert "01-01-06-02-01-02-12.mp4" in song
    assert "03-01-09-02-01-02-12.wav" in next(note for note in notes if "does not use" in note)


def test_ravdess_from_kaggle_has_a_second_copy_inside(wav, load, tmp_path):
    for top in ("", "audio_speech_actors_01-24"):
        wav(tmp_path / "ravdess" / top / "Actor_01" / "03-01-01-01-01-01-01.wav")
    for root in (tmp_path, tmp_path / "ravdess"):
        table, notes = load("ravdess", root)
        assert table["path"].tolist() == [str(tmp_path / "ravdess" / "Actor_01" / "03-01-01-01-01-01-01.wav")]
        assert any("audio_speech_actors_01-24/Actor_01/03-01-01-01-01-01-01.wav" in note for note in notes)


def test_crema_d_reads_every_part_of_a_name(wav, load, tmp_path):
    for name in ("1001_IEO_ANG_HI", "1002_DFA_DIS_XX", "1040_ITH_SAD_X"):
        wav(tmp_path / f"{name}.wav", seed=len(name))
    table, _ = load("crema-d", tmp_path)
    assert table["speaker"].tolist() == ["crema-d-1001", "crema-d-1002", "crema-d-1040"]
    assert table["gender"].tolist() == ["male", "female", "male"]
    assert table["emotion"].tolist() == ["anger", "disgust", "sad"]
    assert table["statement"].tolist() == ["crema-d-IEO", "crema-d-DFA", "crema-d-ITH"]
    assert table["text"].iloc[0] == "It's eleven o'clock."
    assert table["intensity"].fillna("").tolist() == ["high", "", ""]


def test_crema_d_leaves_out_codes_it_does_not_know(wav, load, tmp_path):
    for number, name in enumerate(("1001_IEO_ANG_HI", "1092_IEO_ANG_HI", "1001_XYZ_ANG_HI", "1001_IEO_XYZ_HI")):
        wav(tmp_path / f"{name}.wav", seed=number)
    table, notes = load("crema-d", tmp_path)
    assert table.index.tolist() == ["crema-d/1001_IEO_ANG_HI"]
    assert "3 files left out because their names hold a code" in notes[0]


def test_tess_reads_the_odd_file_and_every_spelling_of_surprise(wav, load, tmp_path):
    wav(tmp_path / "OAF_neutral" / "OA_bite_neutral.wav", seed=1)
    wav(tmp_path / "YAF_pleasant_surprised" / "YAF_back_ps.wav", seed=2)
    wav(tmp_path / "oaf_Pleasant_surprise" / "oaf_back_Pleasant_Surprise.wav", seed=3)
    table, _ = load("tess", tmp_path)
    assert table["speaker"].tolist() == ["tess-oaf", "tess-oaf", "tess-yaf"]
    assert table["emotion"].tolist() == ["neutral", "pleasant surprise", "pleasant surprise"]
    assert table["statement"].tolist() == ["tess-bite", "tess-back", "tess-back"]
    assert table["text"].iloc[0] == "Say the word bite."


def test_savee_is_the_same_table_in_folders_and_flat(wav, load, tmp_path):
    for number, (speaker, name) in enumerate([("DC", "a01"), ("DC", "sa15"), ("KL", "su02"), ("JE", "n30")]):
        wav(tmp_path / "folders" / "AudioData" / speaker / f"{name}.wav", seed=number)
        wav(tmp_path / "flat" / "ALL" / f"{speaker}_{name}.wav", seed=number)
    folders, flat = (load("savee", tmp_path / kind)[0].drop(columns="path") for kind in ("folders", "flat"))
    pd.testing.assert_frame_equal(folders, flat)
    assert folders["emotion"].to_dict() == {
        "savee/DC_a01": "anger",
        "savee/DC_sa15": "sadness",
        "savee/JE_n30": "neutral",
        "savee/KL_su02": "surprise",
    }


def test_savee_needs_to_know_the_speaker(wav, load, tmp_path):
    wav(tmp_path / "a01.wav")
    with pytest.raises(CorpusMissing):
        load("savee", tmp_path)


def test_emodb_reads_every_part_of_a_name(wav, load, tmp_path):
    for name in ("03a01Fa", "16b10Lb", "08a02W"):
        wav(tmp_path / "wav" / f"{name}.wav", seed=int(name[:2]))
    table, _ = load("emodb", tmp_path)
    assert table["emotion"].tolist() == ["happiness", "anger", "boredom"]
    assert table["gender"].tolist() == ["male", "female", "female"]
    assert table["text"].iloc[0] == "Der Lappen liegt auf dem Eisschrank."
    assert table["version"].fillna("").tolist() == ["a", "", "b"]


IEMOCAP = """% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 3.0000, 3.5000]
C-E2:\tNeutral;\t()
C-E3:\tNeutral; Anger;\t()
C-E4:\tOther;\t(curious)
C-F1:\tAnger;\t(curious)
A-E3:\tval 3; act 2; dom  2;\t()

[10.0100 - 11.3925]\tSes01F_impro01_M000\txxx\t[1.0000, 5.0000, 4.5000]
C-E2:\tFrustration;\t()
"""


@pytest.fixture
def iemocap(wav, tmp_path):
    """One dialogue, with a turn that nobody rated."""
    session = tmp_path / "IEMOCAP_full_release" / "Session1"
    for folder, text in {
        "EmoEvaluation": IEMOCAP,
        "transcriptions": "Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.\nM: What?\n",
    }.items():
        (session / "dialog" / folder).mkdir(parents=True)
        (session / "dialog" / folder / "Ses01F_impro01.txt").write_text(text)
        (session / "dialog" / folder / "._Ses01F_impro01.txt").write_bytes(b"\x00\xff")
    wav(session / "dialog" / "wav" / "Ses01F_impro01.wav")
    for number, turn in enumerate(("F000", "M000", "M001")):
        wav(session / "sentences" / "wav" / "Ses01F_impro01" / f"Ses01F_impro01_{turn}.wav", seed=number)
    return tmp_path


def test_iemocap_reads_labels_votes_and_words(iemocap, load):
    table, notes = load("iemocap", iemocap)
    assert table.index.tolist() == ["iemocap/Ses01F_impro01_F000", "iemocap/Ses01F_impro01_M000"]
    assert table["speaker"].tolist() == ["iemocap-1F", "iemocap-1M"]
    assert table["gender"].tolist() == ["female", "male"]
    assert table["session"].tolist() == ["iemocap-1"] * 2
    assert table["emotion"].tolist() == ["neu", "xxx"]
    assert table[["valence", "arousal", "dominance"]].to_numpy().tolist() == [[2.5, 3.0, 3.5], [1.0, 5.0, 4.5]]
    assert table["votes"].tolist() == ["Neutral|Neutral+Anger|Other", "Frustration"]
    assert table["text"].fillna("").tolist() == ["Excuse me.", ""]
    assert not table["scripted"].any()
    assert any("no rating" in note and "M001" in note for note in notes)


def test_iemocap_without_labels_says_so(iemocap, load):
    for path in iemocap.rglob("Ses01F_impro01.txt"):
        path.unlink()
    with pytest.raises(CorpusMissing, match="EmoEvaluation"):
        load("iemocap", iemocap)


def test_the_embedded_corpus_is_complete_and_has_dimensions(load):
    table, notes = load("synthetic-small", None)
    assert notes == []
    assert table["emotion"].value_counts().to_dict() == corpora.card("synthetic-small").counts
    assert (table["corpus"] == "synthetic").all()
    assert table.groupby("gender")["speaker"].nunique().to_dict() == {"female": 2, "male": 2}
    dimensions = table[["valence", "arousal", "dominance"]]
    assert dimensions.abs().max().max() <= 1
    means = dimensions.groupby(table["emotion"]).mean()
    assert means["arousal"]["angry"] > means["arousal"]["sad"]
    assert means["valence"]["happy"] > means["valence"]["sad"]


def test_the_embedded_corpus_needs_its_metadata(wav, load, tmp_path):
    wav(tmp_path / "Actor_01" / "03-01-01-01-01-01-01.wav")
    with pytest.raises(CorpusMissing, match=r"metadata\.csv"):
        load("synthetic", tmp_path)


@pytest.mark.real
@pytest.mark.skipif(not (paths.data_home() / "ravdess").is_dir(), reason="SER_DATA_HOME holds no RAVDESS")
def test_real_ravdess_is_what_its_card_says(load):
    table, notes = load("ravdess", None)
    known = corpora.card("ravdess")
    assert len(table) == known.utterances
    assert table["emotion"].value_counts().to_dict() == known.counts
    assert table.groupby("gender")["speaker"].nunique().to_dict() == {"female": known.female, "male": known.male}
    stereo, identical = notes
    assert "5 files stereo" in stereo
    assert "Actor_20/03-01-06-01-01-02-20" in stereo
    assert "2 files byte-identical" in identical
    assert "Actor_07/03-01-03-01-02-01-07" in identical
    assert "Actor_07/03-01-03-01-02-02-07" in identical
    pair = ["ravdess/03-01-03-01-02-01-07", "ravdess/03-01-03-01-02-02-07"]
    assert corpora.audit(table, table.index.difference(pair[1:]), pair[1:]).duplicates == [tuple(pair)]
    for train, test in corpora.split(table):
        assert corpora.audit(table, train, test).ok


def test_a_speaker_with_too_few_utterances_is_named_with_the_count(load, tmp_path):
    shutil.copytree(synthesis.ensure_corpus("small", progress=False), tmp_path / "synthetic-small")
    (tmp_path / "synthetic-small" / "Actor_03" / "03-01-06-02-01-02-03.wav").unlink()
    _, (note,) = load("synthetic-small", tmp_path)
    assert "only 239 of 240 utterances are here; fewer than 60 by synthetic-03 (59)." in note
