"""What is particular to each corpus; what is common to all is in tests/contract/test_corpora.py."""

import shutil

import h5py
import numpy as np
import pandas as pd
import pytest

from ser_helpers import audio, corpora, paths, synthesis, workflow
from ser_helpers.errors import CorpusError, CorpusMissing


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


@pytest.mark.parametrize(("name", "channel"), [("ravdess", "01"), ("ravdess-song", "02")])
def test_an_actor_whom_ravdess_does_not_have_is_left_out(wav, load, tmp_path, name, channel):
    for seed, actor in enumerate(("00", "24", "25")):
        wav(tmp_path / f"03-{channel}-06-02-01-02-{actor}.wav", seed=seed)
    table, notes = load(name, tmp_path)
    assert table["speaker"].tolist() == ["ravdess-24"]
    assert "2 files left out because their names contain a number that RAVDESS does not use" in notes[0]


def test_speech_and_song_share_a_folder_and_the_speakers(wav, load, tmp_path):
    for seed, channel in enumerate(("01", "02")):
        wav(tmp_path / "Actor_12" / f"03-{channel}-06-02-01-02-12.wav", seed=seed)
    speech, song = (load(name, tmp_path)[0] for name in ("ravdess", "ravdess-song"))
    assert song.index.tolist() == ["ravdess-song/03-02-06-02-01-02-12"]
    assert not corpora.audit(corpora.combine([speech, song]), speech.index, song.index).ok
    assert any("speech or video" in note for note in load("ravdess-song", tmp_path)[1])


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


@pytest.mark.parametrize("root", ["crema-d", "crema-d/AudioWAV"])
def test_crema_d_has_the_votes_of_those_who_only_listened(wav, load, tmp_path, root):
    folder = tmp_path / "crema-d"
    for seed, name in enumerate(("1001_IEO_ANG_HI", "1002_DFA_DIS_XX")):
        wav(folder / "AudioWAV" / f"{name}.wav", seed=seed)
    (folder / "VideoDemographics.csv").write_text(
        '"ActorID","Age","Sex","Race","Ethnicity"\n1001,51,"Male","Caucasian","Not Hispanic"\n'
    )
    (folder / "processedResults").mkdir()
    (folder / "processedResults" / "tabulatedVotes.csv").write_text(
        '"","A","D","F","H","N","S","fileName","numResponses"\n"100010",2,6,0,0,2,0,"1001_IEO_ANG_HI",10\n'
        '"200010",9,0,0,0,0,0,"1001_IEO_ANG_HI",9\n"300010",8,1,0,0,0,0,"1001_IEO_ANG_HI",9\n'
    )
    table, _ = load("crema-d", tmp_path / root)
    first = table.loc["crema-d/1001_IEO_ANG_HI"]
    assert first[["age", "race", "ethnicity"]].tolist() == [51, "Caucasian", "Not Hispanic"]
    assert first.filter(like="votes_").to_dict() == {
        "votes_anger": 0.2,
        "votes_disgust": 0.6,
        "votes_fear": 0,
        "votes_happy": 0,
        "votes_neutral": 0.2,
        "votes_sad": 0,
    }
    assert table.loc["crema-d/1002_DFA_DIS_XX"].filter(regex="^(votes_|age|race)").isna().all()
    (folder / "processedResults" / "tabulatedVotes.csv").write_text("version https://git-lfs.github.com/spec/v1")
    with pytest.raises(CorpusError, match=r"tabulatedVotes\.csv is damaged"):
        load("crema-d", tmp_path / root)


def test_crema_d_leaves_out_codes_it_does_not_know(wav, load, tmp_path):
    for number, name in enumerate(("1001_IEO_ANG_HI", "1092_IEO_ANG_HI", "1001_XYZ_ANG_HI", "1001_IEO_XYZ_HI")):
        wav(tmp_path / f"{name}.wav", seed=number)
    table, notes = load("crema-d", tmp_path)
    assert table.index.tolist() == ["crema-d/1001_IEO_ANG_HI"]
    assert "3 files left out because their names contain a code" in notes[0]


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


@pytest.fixture
def written_msp(wav, tmp_path):
    """MSP-Podcast with a known speaker, an unknown one, and a turn without label."""
    folder = tmp_path / "msp-podcast"
    names = [f"MSP-PODCAST_0023_000{number}" for number in range(3)]
    for seed, name in enumerate(names):
        wav(folder / "Audios" / f"{name}.wav", seed=seed)
    (folder / "Labels").mkdir()
    (folder / "Labels" / "labels_concensus.csv").write_text(
        "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set\n"
        f"{names[0]}.wav,C,5.2,2.4,4.6,127,Female,Test1\n{names[1]}.wav,X,3,4,5,Unknown,Unknown,Train\n"
    )
    (folder / "Transcripts").mkdir()
    (folder / "Transcripts" / f"{names[0]}.txt").write_text("Oh, come on.\n")
    return tmp_path


def test_msp_podcast_reads_labels_speakers_and_words(written_msp, load):
    table, notes = load("msp-podcast", written_msp)
    second, first = table.to_dict("records")
    expected = {"speaker": "msp-podcast-127", "gender": "female", "session": "msp-podcast-0023", "text": "Oh, come on."}
    expected |= {"emotion": "contempt", "valence": 2.4, "arousal": 5.2, "dominance": 4.6, "split": "Test1"}
    assert {key: first[key] for key in expected} == expected
    assert second["emotion"] == "no agreement"
    assert pd.isna([second[key] for key in ("speaker", "gender", "text")]).all()
    assert any("no label" in note and "MSP-PODCAST_0023_0002.wav" in note for note in notes)


def test_a_model_is_trained_on_known_speakers_alone(written_msp, monkeypatch):
    monkeypatch.setenv("SER_DATA_HOME", str(written_msp))
    with pytest.warns(
        corpora.CorpusWarning, match="msp-podcast: utterances left out because their speakers are not known: 1"
    ):
        table = workflow.load_corpora(["msp-podcast"])
    assert table["speaker"].tolist() == ["msp-podcast-127"]


def test_cmu_mosei_cuts_a_video_into_its_segments(wav, load, tmp_path):
    wav(tmp_path / "Raw" / "Audio" / "Full" / "WAV_16000" / "-3nNc_dvU.wav", frames=16000 * 5)
    with h5py.File(tmp_path / "CMU_MOSEI_Labels.csd", "w") as file:
        for video in ("-3nNc_dvU", "not-here"):
            data = file.create_group(f"All Labels/data/{video}")
            data["intervals"] = [[2.0, 3.5], [0.5, 2.0], [3.5, 6.0], [7.0, 8.0]]
            data["features"] = [[-2, 0, 1, 1 / 3, 0, 0, 0], [1, 1, 0, 1, 0, 0, 0], [0] * 7, [0] * 7]
    words = tmp_path / "Raw" / "Transcript" / "Segmented" / "Combined" / "-3nNc_dvU.txt"
    words.parent.mkdir(parents=True)
    words.write_text("-3nNc_dvU___0___0.5___2.0___It is___what it is.\n-3nNc_dvU___7___2.0___3.5___It was dull.\n")
    table, notes = load("cmu-mosei", tmp_path)
    assert table.index.tolist() == [f"cmu-mosei/-3nNc_dvU[{number}]" for number in range(3)]
    assert table["emotion"].tolist() == ["sadness", "no agreement", "none"]
    assert table["text"].fillna("").tolist() == ["It was dull.", "It is___what it is.", ""]
    assert table[["start", "end"]].to_numpy().tolist() == [[2.0, 3.5], [0.5, 2.0], [3.5, 5.0]]
    assert table["valence"].tolist() == [-2, 1, 0]
    assert table["intensity_anger"].tolist() == pytest.approx([1 / 3, 1, 0])
    assert table["speaker"].isna().all()
    assert set(table["session"]) == {"cmu-mosei--3nNc_dvU"}
    assert any("1 file shorter than their labels say" in note for note in notes)
    labels = corpora.load_text("cmu-mosei", tmp_path)
    assert len(labels) == 8
    assert labels["text"].equals(table["text"].reindex(labels.index))


def test_meld_reads_the_publishers_videos(load, tmp_path):
    av = pytest.importorskip("av")
    folder = tmp_path / "MELD.Raw" / "output_repeated_splits_test"
    folder.mkdir(parents=True)
    for split, emotion in (("train", "joy"), ("dev", "fear"), ("test", "anger")):
        (tmp_path / "MELD.Raw" / f"{split}_sent_emo.csv").write_text(
            "Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID\n" + f"Well,Ross,{emotion},neutral,0,1\n"
        )
    with av.open(str(folder / "dia0_utt1.mp4"), "w") as video:
        stream = video.add_stream("aac", rate=16000)
        stream.layout = "mono"
        samples = np.sin(np.arange(16000) / 10, dtype=np.float32)[None]
        for frame in (av.AudioFrame.from_ndarray(samples, "fltp", "mono"), None):
            if frame:
                frame.sample_rate = 16000
            video.mux(stream.encode(frame))
    shutil.copy(folder / "dia0_utt1.mp4", folder / "final_videos_testdia0_utt1.mp4")
    (folder / "dia125_utt3.mp4").write_bytes(b"damaged")
    (folder / "dia0_utt1.txt").write_text("not audio")
    table, notes = load("meld", tmp_path)
    (row,) = table.reset_index().to_dict("records")
    expected = {"utterance": "meld/test/dia0_utt1", "speaker": "meld-Ross", "text": "Well", "emotion": "anger"}
    assert {key: row[key] for key in expected} == expected
    assert any("same utterance" in note and "final_videos_testdia0_utt1.mp4" in note for note in notes)
    assert audio.duration(row["path"]) == pytest.approx(1, abs=0.15)
    assert np.abs(audio.load(row["path"])).max() == pytest.approx(1, abs=0.2)


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


def test_a_corpus_of_unknown_speakers_is_not_trained_on(table, monkeypatch):
    monkeypatch.setattr(corpora, "load", lambda name: table(speaker=None))
    with pytest.raises(CorpusError, match="The publisher of made does not say who speaks"):
        workflow.load_corpora(["made"])
