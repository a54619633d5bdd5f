"""A user's five lines: train, evaluate, predict, and the programs with the same file."""

import contextlib
import importlib.metadata
import itertools
import json
import sys

import numpy as np
import pandas as pd
import pytest
import requests
import soundfile as sf
from typer.testing import CliRunner

from ser_helpers import audio, corpora, models, paths, workflow
from ser_helpers.audio import capture
from ser_helpers.cli import app
from ser_helpers.errors import EvaluationError, ModelError
from ser_helpers.service import Settings, server
from ser_helpers.streaming import detect

RUN = CliRunner()


def ser(*words):
    return RUN.invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The output of ``ser train`` and its model file."""
    out = tmp_path_factory.mktemp("models") / "voice.ser"
    result = ser("train", "synthetic-small", "--scheme", "iemocap4", "--out", out, "--jobs", 1)
    assert result.exit_code == 0, result.output
    return result.output, out


@pytest.fixture(scope="module")
def recordings():
    return (
        corpora.load("synthetic-iemocap-small").path.unique()[:1].tolist()
        + corpora.load("synthetic-small").path[:2].tolist()
    )


def test_training_prints_score_interval_gap_and_audit(trained):
    output, path = trained
    assert "logistic regression on quick" in output
    assert "95 % interval" in output
    assert "No speaker crosses" in output
    assert "Gap by gender: female 0." in output
    assert models.load(path).card.corpora == ("synthetic",)


def test_a_model_is_judged_abroad_on_the_labels_both_have(trained):
    result = ser("evaluate", trained[1], "synthetic-iemocap-small")
    assert result.exit_code == 0, result.output
    assert "synthetic-iemocap · logistic regression on quick · trained on synthetic: UAR 0." in result.output
    judged = workflow.evaluate(trained[1], ["synthetic-iemocap-small"], progress=False)
    assert judged.labels == ["neutral", "happy", "sad", "angry"]
    assert judged.metric == "uar"


def test_speakers_of_the_training_are_refused(trained):
    result = ser("evaluate", trained[1], "synthetic-small")
    assert result.exit_code == 2
    assert "4 speakers of synthetic-small were in training" in result.output
    with pytest.raises(EvaluationError, match="fewer than two of them"):
        workflow.evaluate(trained[1], ["synthetic-iemocap-small"], scheme="polarity")


@pytest.mark.parametrize("style", ["table", "csv", "json"])
def test_predictions_are_a_table_csv_or_json(trained, recordings, style, tmp_path):
    result = RUN.invoke(
        app, ["predict", *recordings, str(tmp_path / "lost.wav"), "--model", str(trained[1]), "--format", style]
    )
    assert result.exit_code == 1  # one file is lost
    assert "lost.wav: there is no such file" in result.stderr
    assert "Model: logistic regression on quick, trained on synthetic" in result.stderr
    if style == "json":
        rows = json.loads(result.stdout)
        assert len(rows) == 4
        assert rows[0]["emotion"] in {"angry", "happy", "neutral", "sad"}
        assert sum(rows[0][name] for name in ("angry", "happy", "neutral", "sad")) == pytest.approx(1, abs=0.001)
    if style == "csv":
        assert result.stdout.splitlines()[0] == "file,speech,angry,happy,neutral,sad,emotion,problem"


@pytest.mark.slow
@pytest.mark.parametrize("corpus", ["synthetic-small", pytest.param("ravdess", marks=pytest.mark.real)])
def test_one_file_goes_through_all_programs(corpus, recordings, tmp_path):
    if corpus == "ravdess" and not (paths.data_home() / corpus).is_dir():
        pytest.skip("RAVDESS is not on this machine")
    file, report = tmp_path / "voice.ser", tmp_path / "report"
    for line in (
        ("train", corpus, "--scheme", "iemocap4", "--out", file),
        ("evaluate", file, "synthetic-iemocap-small"),
        ("predict", *recordings, "--model", file),
        ("podcast", recordings[0], "--model", file, "--out", report),
    ):
        result = ser(*line)
        assert result.exit_code == 0, result.output
    title = models.load(file).card.title
    assert title in (report / "report.html").read_text("utf-8")
    with server.running(Settings(model=str(file))) as address, open(recordings[0], "rb") as recording:
        answer = requests.post(f"{address}/predict", files={"file": recording}, timeout=60).json()
    assert answer["model"].startswith(title)
    assert answer["emotion"] in {"angry", "happy", "neutral", "sad"}


def test_windows_of_a_file_are_those_of_the_podcast(trained, recordings):
    from ser_helpers import podcast

    rows = workflow.predict(recordings[:1], trained[1], "window", progress=False)
    expected = podcast.emotions_over_time(recordings[0], trained[1], weight=1.0, margin=0.0)
    pd.testing.assert_frame_equal(rows[["start", "end", "angry"]], expected[["start", "end", "angry"]])
    per_file = workflow.predict(recordings[:1], trained[1], progress=False)
    assert per_file.angry[0] == pytest.approx(expected.angry.mean())


def test_a_model_of_utterances_predicts_whole_files(recordings, tmp_path):
    table = workflow.load_corpora(["synthetic-small"], "iemocap4")
    model, result, X = workflow.train(table, "quick", seconds=None, progress=False)
    workflow.save(model, tmp_path / "utterances.ser", result, X, seconds=None)
    rows = workflow.predict(recordings[1:], models.load(tmp_path / "utterances.ser"), progress=False)
    assert rows.emotion.notna().all()
    assert rows.angry[0] == pytest.approx(model.predict_proba(X.loc[table.index[table.path == recordings[1]]])[0, 0])
    with pytest.raises(ValueError, match="predict per file"):
        workflow.predict(recordings[1:], models.load(tmp_path / "utterances.ser"), "window")
    judged = workflow.evaluate(tmp_path / "utterances.ser", ["synthetic-iemocap-small"], progress=False)
    assert judged.protocol_words == "trained on synthetic"


def test_a_model_is_trained_in_batches_on_features_on_disk(recordings, tmp_path):
    path = tmp_path / "batches.ser"
    result = ser("train", "synthetic-small", "--scheme", "iemocap4", "--on-disk", "--out", path, "--jobs", 1)
    assert result.exit_code == 0, result.output
    assert "logistic regression in batches on quick" in result.output
    assert workflow.predict(recordings, path, progress=False).emotion.notna().all()


def test_numbers_are_trained_judged_and_predicted_and_programs_of_emotions_refuse_them(recordings, tmp_path):
    path = tmp_path / "arousal.ser"
    result = ser("train", "synthetic-small", "--target", "arousal", "--out", path, "--jobs", 1)
    assert result.exit_code == 0, result.output
    assert "ridge on quick" in result.output
    assert "CCC" in result.output
    model = models.load(path)
    assert list(model.output_names) == ["arousal"]
    assert workflow.evaluate(path, ["synthetic-iemocap-small"], progress=False).metric == "ccc"
    table = workflow.predict(recordings, path, progress=False)
    assert table.columns.tolist() == ["file", "speech", "arousal", "emotion", "problem"]
    assert table["arousal"].notna().all()
    assert table["emotion"].isna().all()
    timeline = detect(recordings[0], model)
    assert timeline["arousal"].notna().any()
    assert timeline["emotion"].isna().all()
    result = ser("podcast", recordings[0], "--out", tmp_path / "report", "--model", path)
    assert result.exit_code == 2
    assert "This model predicts arousal, and here it must predict emotions" in result.output


@pytest.fixture(scope="module")
def dimensions(tmp_path_factory):
    """The output of ``ser train`` for three targets, and its model file."""
    out = tmp_path_factory.mktemp("models") / "dimensions.ser"
    result = ser("train", "synthetic-small", "--target", "valence,arousal,dominance", "--out", out, "--jobs", 1)
    assert result.exit_code == 0, result.output
    return result.output, out


def test_valence_arousal_and_dominance_are_one_file(dimensions, recordings):
    output, path = dimensions
    scores = [line.split(" · ")[1] for line in output.splitlines() if "CCC" in line]
    assert scores == ["valence", "arousal", "dominance"]
    card = models.read_card(path)
    assert card.targets == models.load(path).output_names == ("valence", "arousal", "dominance")
    assert card.score == min(one["score"] for one in card.scores)
    assert {gap["target"] for gap in card.gaps} == set(card.targets)
    assert "arousal 0." in card.verdict
    table = workflow.predict(recordings, path, progress=False)
    assert table.columns.tolist() == ["file", "speech", "valence", "arousal", "dominance", "emotion", "problem"]
    timeline = detect(recordings[0], models.window_model(), dimensions=path)
    assert timeline["arousal"].notna().any()


def test_each_of_several_targets_is_judged_abroad_on_one_scale(dimensions):
    judged = workflow.evaluate(dimensions[1], ["synthetic-iemocap-small"], progress=False)
    assert [one.target for one in judged] == ["valence", "arousal", "dominance"]
    rated = corpora.load("synthetic-iemocap-small").arousal  # from 1 to 5
    truth = judged[1].predictions.truth
    np.testing.assert_allclose([truth.min(), truth.max()], [(rated.min() - 3) / 2, (rated.max() - 3) / 2])
    assert ser("evaluate", dimensions[1], "synthetic-iemocap-small").output.count("CCC") == 3


def test_a_model_of_utterances_predicts_several_numbers(recordings, tmp_path):
    table = workflow.load_corpora(["synthetic-small"])
    model, results, X = workflow.train(table, seconds=None, target=("valence", "arousal"), progress=False)
    workflow.save(model, tmp_path / "two.ser", results, X, seconds=None)
    row = workflow.predict(recordings[1:2], models.load(tmp_path / "two.ser"), progress=False).iloc[0]
    wanted = model.predict(X.loc[table.index[table.path == recordings[1]]])[0]
    np.testing.assert_allclose(row[["valence", "arousal"]].astype(float), wanted)


@pytest.mark.parametrize(
    ("target", "change", "sentence"),
    [
        (("valence", "emotion"), {}, "Several targets must all be numbers"),
        (("valence", "charm"), {}, "has a value of 'charm'"),
        ("arousal", {"corpus": "mine", "arousal": 4.0}, "The scale of mine's arousal is not known"),
    ],
)
def test_targets_that_cannot_be_trained_are_refused(target, change, sentence):
    table = corpora.load("synthetic-small").assign(**change)
    with pytest.raises(EvaluationError, match=sentence):
        workflow.train(table, target=target, progress=False)


def test_silence_has_no_emotion(trained, tmp_path):
    sf.write(tmp_path / "silence.wav", [0.0] * 80000, 16000)
    row = workflow.predict([tmp_path / "silence.wav"], trained[1], progress=False).iloc[0]
    assert row.emotion is None
    assert row.speech == 0
    assert row.problem == ""


def test_a_file_on_another_scale_costs_no_other_file(tmp_path):
    for name, scale in {"quiet": 0.0, "scaled": 20000.0}.items():
        sf.write(tmp_path / f"{name}.wav", [scale] * 80000, 16000, subtype="FLOAT")
    paths = [tmp_path / "scaled.wav", tmp_path / "quiet.wav"]
    problems = workflow.predict(paths, models.window_model(), progress=False).problem
    assert problems[0].startswith("Floats are samples on the scale from -1 to 1: divide them first")
    assert problems[1] == ""


def test_unknown_features_are_refused_with_a_choice():
    with pytest.raises(ModelError, match="no features called 'mfccs' here: choose vector193"):
        workflow.find_features("mfccs")
    with pytest.raises(ModelError, match="ser download openai/whisper-enormous"):
        workflow.find_features("whisper-enormous")


def test_the_version_is_printed():
    assert ser("--version").output.startswith("ser-helpers ")


def test_models_are_listed_with_their_cards(trained, tmp_path):
    (tmp_path / "damaged.ser").write_bytes(b"nonsense")
    (tmp_path / "voice.ser").write_bytes(trained[1].read_bytes())
    listed = " ".join(RUN.invoke(app, ["models", str(tmp_path)], env={"COLUMNS": "300"}).output.split())
    assert "logistic regression on quick, trained on synthetic (synthetic speech)" in listed
    assert "MIT" in listed
    assert "damaged.ser is damaged" in listed
    assert "openai/whisper-base" in listed
    assert models.read_card(trained[1]).speakers[0] == "synthetic-01"


def test_the_doctor_names_what_is_missing(monkeypatch):
    assert ser("doctor").output.splitlines()[1] == "All packages are installed."
    real = importlib.metadata.version

    def version(name):
        if name == "skops":
            raise importlib.metadata.PackageNotFoundError
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    result = ser("doctor")
    assert result.exit_code == 1
    assert "Missing: skops: pip install 'ser-helpers[models]'" in result.output


def test_a_missing_package_is_one_sentence(monkeypatch):
    def fail(names, scheme):
        raise ModuleNotFoundError("No module named 'skops'", name="skops")

    monkeypatch.setattr(workflow, "load_corpora", fail)
    result = ser("train", "synthetic-small", "--out", "x.ser")
    assert result.exit_code == 2
    assert result.stderr == "Error: this needs skops: pip install 'ser-helpers[course]'.\n"


class Microphone:
    """What sounddevice gives, with a recording instead of a microphone."""

    PortAudioError = OSError

    def __init__(self, y):
        self.y = y

    def InputStream(self, sr, size, device, channels, dtype, callback):
        assert (sr, channels, dtype) == (16000, 1, "float32")
        for start in range(0, len(self.y), size):
            callback(self.y[start : start + size, None], size, None, None)
        return contextlib.nullcontext()


def test_the_microphone_gives_a_row_a_second_until_ctrl_c(trained, recordings, monkeypatch):
    y = np.resize(audio.load(recordings[0], 16000), 16000 * 6)
    monkeypatch.setitem(sys.modules, "sounddevice", Microphone(y))

    def ended_by_ctrl_c(blocks, model):
        yield from workflow_predict_live(itertools.islice(blocks, 24), model)
        raise KeyboardInterrupt

    workflow_predict_live = workflow.predict_live
    monkeypatch.setattr(workflow, "predict_live", ended_by_ctrl_c)
    result = ser("predict", "--microphone", "--model", trained[1], "--format", "csv")
    assert result.exit_code == 0, result.output
    rows = result.stdout.splitlines()
    assert rows[0] == "start,end,speech,angry,happy,neutral,sad,emotion"
    assert [row.split(",")[1] for row in rows[1:]] == ["3.0000", "4.0000", "5.0000", "6.0000"]


def test_without_a_microphone_one_sentence_says_what_to_install(trained, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    result = ser("predict", "--microphone", "--model", trained[1])
    assert result.exit_code == 2
    assert "pip install 'ser-helpers[microphone]'" in result.output
    assert ser("predict").exit_code == 2  # neither files nor microphone


def test_a_microphone_that_stops_is_said(trained, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", Microphone(np.zeros(16000, np.float32)))
    monkeypatch.setattr(capture, "PATIENCE", 0.01)
    result = ser("predict", "--microphone", "--model", trained[1])
    assert result.exit_code == 2
    assert "The microphone has given no sound" in result.output
