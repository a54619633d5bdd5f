"""The embedded conversations and IEMOCAP's raters, as the loaders give them."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from ser_helpers import corpora, features
from ser_helpers.errors import CorpusError, CorpusMissing
from ser_helpers.evaluation import ccc, uar

SCALES = ["valence", "arousal", "dominance"]
FOUR = ["angry", "happy", "neutral", "sad"]


@pytest.fixture(scope="module")
def table():
    return corpora.load("synthetic-iemocap-small")


def test_the_small_conversations_are_what_their_card_says(load):
    table, notes = load("synthetic-iemocap-small", None)
    known = corpora.card("synthetic-iemocap-small")
    assert notes == []
    assert len(table) == known.utterances
    assert table["emotion"].value_counts().to_dict() == known.counts
    assert (table["corpus"] == "synthetic-iemocap").all()
    assert table["session"].unique().tolist() == ["synthetic-iemocap-1", "synthetic-iemocap-2"]
    assert sorted(table["speaker"].unique()) == [f"synthetic-iemocap-{speaker}" for speaker in ("1F", "1M", "2F", "2M")]
    assert ((table[SCALES] - 3).abs() <= 2).all(axis=None)
    assert table["text"].notna().all()


def test_a_turn_is_as_long_as_its_times_say(table):
    for path, start, end in table[["path", "turn_start", "turn_end"]][::20].itertuples(index=False):
        assert sf.info(path).duration == pytest.approx(end - start)


def test_mean_and_label_are_what_the_raters_said(table):
    given = corpora.ratings(table)
    assert given["rater"].tolist() == ["E1", "E2", "E3"] * len(table)
    assert given["emotion"].isin(["neu", "hap", "exc", "sad", "ang", "fru", "fea", "dis", "sur"]).all()
    means = given.groupby("utterance")[SCALES].mean().loc[table.index]
    np.testing.assert_allclose(means, table[SCALES], atol=1e-4)
    for utterance, votes in given.groupby("utterance")["emotions"]:
        named = pd.Series("+".join(votes).split("+")).value_counts()
        label = table.loc[utterance, "emotion"]
        assert label == ("xxx" if named.iloc[0] < 2 or (named == named.iloc[0]).sum() > 1 else named.index[0])


def test_the_truth_is_near_what_raters_heard(table):
    truth = corpora.truth(table)
    assert truth.index.equals(table.index)
    assert corpora.truth(table[5:9]).equals(truth[5:9])
    for scale in ("valence", "arousal"):
        assert ccc(truth[scale], table[scale]) > 0.85


def test_the_truth_is_known_of_embedded_conversations_alone(table, tmp_path):
    for other in (corpora.load("synthetic-small"), table[:0]):
        with pytest.raises(CorpusMissing, match="embedded conversations alone"):
            corpora.truth(other)
    root = Path(table["path"].iloc[0]).parents[4]
    for name in ("Session1/dialog", "Session1/sentences/wav/Ses01F_impro01"):
        shutil.copytree(root / name, tmp_path / name)
    (tmp_path / "truth.csv").write_text((root / "truth.csv").read_text(encoding="utf-8")[:500])
    with pytest.warns(corpora.CorpusWarning, match=r"only 10 of 368 utterances are here; none by [\w, -]+\. There is"):
        moved = corpora.load("synthetic-iemocap-small", tmp_path)
    with pytest.raises(CorpusMissing, match=r"truth\.csv in .* lacks some turns"):
        corpora.truth(moved)


def test_a_table_without_raters_has_no_ratings():
    with pytest.raises(CorpusError, match=r"no column raters, votes, .* load 'iemocap'"):
        corpora.ratings(corpora.load("synthetic-small"))


def test_a_row_without_raters_is_named(table):
    both = corpora.combine([table[:2], corpora.load("synthetic-small")[:2]])
    with pytest.raises(CorpusError, match=r"^synthetic/03-01-01-01-01-01-01 names no raters: give the rows of"):
        corpora.ratings(both)


def test_the_voice_tells_arousal_the_words_valence_and_both_together_most(table):
    """On two sessions, each tested with a model trained on the other."""
    egemaps = features.extract(table, "egemaps", jobs=2, progress=False)
    folds = {"groups": table["session"], "cv": LeaveOneGroupOut()}
    voice, words = (
        {scale: ccc(table[scale], cross_val_predict(model, X, table[scale], **folds)) for scale in SCALES}
        for model, X in (
            (make_pipeline(StandardScaler(), SVR()), egemaps),
            (make_pipeline(TfidfVectorizer(), Ridge()), table["text"]),
        )
    )
    assert voice["arousal"] > words["arousal"] + 0.15
    assert words["valence"] > voice["valence"] + 0.15

    four = corpora.harmonise(table, "iemocap4")
    folds = {"groups": four["session"], "cv": LeaveOneGroupOut(), "method": "predict_proba"}
    chances = [
        cross_val_predict(model, X, four["emotion"], **folds)
        for model, X in (
            (make_pipeline(StandardScaler(), CalibratedClassifierCV(SVC(), ensemble=False)), egemaps.loc[four.index]),
            (make_pipeline(TfidfVectorizer(), LogisticRegression(C=3, class_weight="balanced")), four["text"]),
        )
    ]
    heard, read, fused = (uar(four["emotion"], np.array(FOUR)[p.argmax(1)]) for p in (*chances, sum(chances)))
    assert 0.4 < heard < 0.75
    assert 0.4 < read < 0.75
    assert fused > max(heard, read)


def test_raters_of_the_real_corpus_may_differ_between_words_and_scores(wav, load, tmp_path):
    folder = tmp_path / "Session1"
    (folder / "dialog" / "EmoEvaluation").mkdir(parents=True)
    (folder / "dialog" / "EmoEvaluation" / "Ses01F_impro01.txt").write_text(
        "[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]\n"
        "C-E2:\tNeutral;\t()\nC-E3:\tNeutral; Anger;\t()\nC-E4:\tOther;\t(curious)\nC-F1:\tAnger;\t()\n"
        "A-E3:\tval 3; act 2; dom  2;\t()\nA-E4:\tval 2; act 3; dom ;\t()\nA-E6:\tval 2; act 3; dom  3;\t()\n"
        "A-F1:\tval 1; act 5; dom  5;\t()\n"
        "[9.0 - 1..2]\tSes01F_impro01_F001\tneu\t[2.5000, 2.5000, 2.5000]\n"
        "C-E2:\tAnger;\t()\nA-E3:\tval 1; act 5; dom  5;\t()\n"
    )
    for number in (0, 1):
        wav(folder / "sentences" / "wav" / "Ses01F_impro01" / f"Ses01F_impro01_F00{number}.wav", seed=number)
    table, notes = load("iemocap", tmp_path)
    assert any("no rating" in note and "F001" in note for note in notes)
    (row,) = table.itertuples()
    assert (row.turn_start, row.turn_end) == (6.2901, 8.2357)
    assert (row.raters, row.votes) == ("E2|E3|E4|E6", "Neutral|Neutral+Anger|Other")
    assert (row.ratings_valence, row.ratings_dominance) == ("|3|2|2", "|2||3")
    given = corpora.ratings(table).set_index("rater")
    assert given["emotion"].fillna("").to_dict() == {"E2": "neu", "E3": "neu", "E4": "oth", "E6": ""}
    assert given["emotions"]["E3"] == "neu+ang"
    assert given["valence"].fillna(0).tolist() == [0, 3, 2, 2]
    assert given["dominance"].isna().tolist() == [True, False, True, False]
