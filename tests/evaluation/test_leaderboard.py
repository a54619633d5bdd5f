import csv
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from ser_helpers import paths
from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation import cross_validate, leaderboard


@pytest.fixture(scope="module")
def result(toy):
    X, table = toy(noise=1.5)
    return cross_validate(LogisticRegression(), X, table, n_splits=3, features="toy|5", progress=False)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "boards" / "leaderboard.csv"


def renamed(result, **new):
    fields = {field: getattr(result, field) for field in result.__dataclass_fields__}
    return type(result)(**fields | new)


def test_a_line_says_what_the_result_says(result, path):
    leaderboard.add(result, "04", path)
    row = leaderboard.read(path).iloc[0]
    assert row[["lesson", "corpus", "model", "protocol", "target"]].tolist() == [
        *("04", "toy", "LogisticRegression", "speaker", "emotion")
    ]
    assert row["uar"] == pytest.approx(result.uar, abs=1e-4)
    assert (row["uar_low"], row["uar_high"]) == pytest.approx(result.interval, abs=1e-4)
    assert row["accuracy"] == pytest.approx(result.accuracy, abs=1e-4)
    assert row["weighted_f1"] == pytest.approx(result.weighted_f1, abs=1e-4)
    assert (row["chance"], row["classes"], row["utterances"], row["speakers"]) == (0.25, 4, 96, 6)
    assert row["audit"] == "no speaker crosses"
    assert not row["synthetic"]
    assert np.isnan(row["ccc"])
    assert leaderboard.read(path).columns.tolist() == leaderboard.COLUMNS


def test_running_a_lesson_twice_changes_nothing(result, path):
    leaderboard.add(result, "04", path)
    leaderboard.add(renamed(result, name="SVM"), "04", path)
    before = path.read_bytes()
    leaderboard.add(result, "04", path)
    assert path.read_bytes() == before
    assert len(leaderboard.read(path)) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"name": "SVM"},
        {"name": "NA"},
        {"features": "egemaps"},
        {"protocol": "random"},
        {"labels": ["happy", "sad", "angry"]},
    ],
)
def test_another_model_features_protocol_or_label_set_is_another_line(result, path, change):
    leaderboard.add(result, "04", path)
    leaderboard.add(renamed(result, **change), "04", path)
    leaderboard.add(renamed(result, **change), "04", path)
    assert len(leaderboard.read(path)) == 2


def test_lines_are_sorted_by_corpus_protocol_and_score(toy, result, path):
    X, table = toy(noise=0.1)
    better = cross_validate(LogisticRegression(), X, table, n_splits=3, name="Better", progress=False)
    other = renamed(better, table=table.assign(corpus="synthetic"))
    for entry in (other, result, better):
        leaderboard.add(entry, "04", path)
    rows = leaderboard.read(path)
    assert rows["corpus"].tolist() == ["synthetic", "toy", "toy"]
    assert rows.loc[rows["corpus"] == "toy", "uar"].is_monotonic_decreasing
    assert rows["synthetic"].tolist() == [True, False, False]


def test_regressions_fill_the_ccc_columns(toy, path):
    X, table = toy()
    leaderboard.add(cross_validate(LinearRegression(), X, table, target="arousal", progress=False), "09", path)
    row = leaderboard.read(path).iloc[0]
    assert row["ccc_low"] < row["ccc"] < row["ccc_high"]
    assert np.isnan(row["uar"])
    assert f"CCC {row['ccc']:.2f}" in repr(leaderboard.show(path))


def test_the_table_reads_as_text_html_and_markdown(result, path):
    leaderboard.add(result, "04", path)
    text = str(leaderboard.show(path))
    header, line, row = text.splitlines()
    assert len(header) == len(line) == len(row)
    assert f"UAR {result.uar:.2f}" in row
    assert "toy\\|5" in row
    assert text == leaderboard.to_markdown(leaderboard.read(path))
    assert "<table" in leaderboard.show(path)._repr_html_()


def test_the_default_file_follows_the_environment(monkeypatch, tmp_path, result):
    monkeypatch.setenv("SER_BUILD_HOME", str(tmp_path / "build"))
    monkeypatch.delenv("SER_LEADERBOARD", raising=False)
    assert leaderboard.default_path() == tmp_path / "build" / "leaderboard.csv"
    monkeypatch.setenv("SER_LEADERBOARD", str(tmp_path / "mine.csv"))
    leaderboard.add(result, "04")
    assert len(leaderboard.read()) == 1
    assert (tmp_path / "mine.csv").exists()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00garbage", b"a,b\n1,2,3,4\n", b"lesson,corpus\n04,toy\n", None])
def test_a_broken_file_is_kept_aside_and_named(result, path, content):
    leaderboard.add(result, "03", path)
    if content is None:
        content = path.read_bytes().replace(b"0.25", b"a quarter")
    path.write_bytes(content)
    with pytest.raises(EvaluationError, match=r"leaderboard\.csv cannot be read"):
        leaderboard.read(path)
    with pytest.warns(UserWarning, match=r"renamed to leaderboard\.csv\.bak"):
        leaderboard.add(result, "04", path)
    assert leaderboard.read(path)["lesson"].tolist() == ["04"]
    assert path.with_name("leaderboard.csv.bak").read_bytes() == content


def test_a_file_from_before_the_gaps_is_read_and_gets_their_columns(result, path):
    leaderboard.add(result, "04", path)
    rows = pd.read_csv(path).drop(columns=leaderboard.GAP)
    rows.assign(lesson="04").to_csv(path, index=False)
    old = leaderboard.read(path)
    assert old.columns.tolist() == leaderboard.COLUMNS
    assert old["gap"].isna().all()
    assert old["gap_groups"].tolist() == [""]
    assert "UAR" in str(leaderboard.show(path))
    leaderboard.add(renamed(result, name="SVM"), "04", path)
    both = leaderboard.read(path).set_index("model")
    assert both["gap"].isna().to_dict() == {"LogisticRegression": True, "SVM": False}


def test_a_line_cut_short_is_a_broken_file(result, path):
    leaderboard.add(result, "03", path)
    path.write_text(path.read_text(encoding="utf-8").rsplit(",", 3)[0] + "\n", encoding="utf-8")
    with pytest.raises(EvaluationError, match="a line of it is incomplete"):
        leaderboard.read(path)


def test_a_file_that_holds_only_the_header_is_an_empty_leaderboard(result, path):
    leaderboard.add(result, "04", path)
    path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    assert len(leaderboard.read(path)) == 0
    leaderboard.add(result, "04", path)
    assert len(leaderboard.read(path)) == 1


def test_a_folder_in_the_leaderboard_s_place_is_left_alone(result, path):
    (path / "mine").mkdir(parents=True)
    with pytest.raises(EvaluationError, match="cannot be read"):
        leaderboard.add(result, "04", path)
    assert (path / "mine").is_dir()


def test_a_place_that_cannot_be_written_is_named(result, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EvaluationError, match=r"cannot be written \(File exists\).*SER_LEADERBOARD"):
        leaderboard.add(result, "04", tmp_path / "file" / "leaderboard.csv")


def test_lessons_that_write_at_once_lose_nothing(result, path):
    entries = [(renamed(result, name=name), lesson) for lesson in ("04", "05", "06", "07") for name in "ABC"]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda entry: leaderboard.add(*entry, path), entries))
    assert len(leaderboard.read(path)) == 12
    with open(path, newline="", encoding="utf-8") as file:
        assert {len(row) for row in csv.reader(file)} == {len(leaderboard.COLUMNS)}


def test_a_failed_write_leaves_the_old_file(result, path, monkeypatch):
    leaderboard.add(result, "04", path)
    before = path.read_bytes()

    def full_disk(*args, **kwargs):
        raise OSError("No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full_disk)
    with pytest.raises(EvaluationError, match=r"cannot be written \(No space left on device\): make room"):
        leaderboard.add(result, "05", path)
    assert path.read_bytes() == before
    with paths.lock(path):
        assert [entry.name for entry in path.parent.iterdir() if "lock" not in entry.name] == ["leaderboard.csv"]
