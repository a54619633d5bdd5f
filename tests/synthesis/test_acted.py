import errno
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from sklearn.metrics import recall_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ser_helpers import corpora, features, synthesis
from ser_helpers.errors import CacheError, CorpusError
from ser_helpers.synthesis import acted

ONE_ACTOR = "from ser_helpers.synthesis import acted; acted.VARIANTS['small'] = [1]\n"


def test_every_actor_has_ravdess_counts(small_corpus):
    root, metadata = small_corpus
    names = [path.name for path in root.glob("Actor_*/*.wav")]
    assert len(names) == 240
    parts = pd.DataFrame([name.removesuffix(".wav").split("-") for name in names], columns=list("mceisra"))
    assert (parts.m == "03").all()
    assert (parts.c == "01").all()
    assert parts.groupby("a").size().eq(60).all()
    counts = pd.crosstab(parts.a, parts.e)
    assert counts["01"].eq(4).all()
    assert counts.drop(columns="01").eq(8).all(axis=None)
    assert set(parts[parts.e == "01"].i) == {"01"}
    assert len(metadata) == 240


def test_the_full_corpus_is_ravdess_size():
    assert len(acted.VARIANTS["full"]) * len(acted.PROSODY) * 4 == 1440


def test_clips_are_short_quiet_at_both_ends_and_never_clipped(small_corpus):
    root, _ = small_corpus
    for path in root.glob("Actor_*/03-01-*-01-01-*.wav"):
        info = sf.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (16_000, 1, "PCM_16")
        y, _ = sf.read(path)
        assert 1.5 < len(y) / 16_000 < 6
        assert np.abs(y).max() < 1
        assert 0 < np.abs(y[:3200]).max() < 0.01 > np.abs(y[-3200:]).max()


def test_metadata_names_every_file_and_says_what_its_name_says(small_corpus):
    root, made = small_corpus
    stored = pd.read_csv(root / "metadata.csv")
    pd.testing.assert_frame_equal(stored, made)
    assert set(stored.path) == {path.relative_to(root).as_posix() for path in root.glob("Actor_*/*.wav")}
    for row in stored.itertuples():
        code = f"{synthesis.EMOTIONS.index(row.emotion) + 1:02d}-{row.intensity:02d}-{row.statement:02d}"
        assert row.path == f"Actor_{row.actor:02d}/03-01-{code}-{row.repetition:02d}-{row.actor:02d}.wav"
    assert stored[["valence", "arousal", "dominance"]].abs().max(axis=None) <= 1
    assert stored.groupby("emotion").valence.mean().idxmax() == "happy"


def test_a_clip_does_not_depend_on_who_else_is_made(small_corpus, tmp_path):
    root, _ = small_corpus
    synthesis.build_corpus(tmp_path, actors=[3], jobs=1, progress=False)
    for path in tmp_path.glob("Actor_03/*.wav"):
        assert path.read_bytes() == (root / "Actor_03" / path.name).read_bytes()


def test_another_seed_makes_other_voices(small_corpus):
    name = "Actor_01/03-01-01-01-01-01-01.wav"
    pcm, _ = acted.clip(1, "neutral", 1, 1, 1, seed=1)
    assert not np.array_equal(sf.read(small_corpus[0] / name, dtype="int16")[0], pcm)


@pytest.mark.slow
def test_a_plain_script_makes_it_once_and_finds_it_again(cache, start_python, monkeypatch):
    process = start_python("from ser_helpers import synthesis; print(synthesis.ensure_corpus('small', progress=False))")
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    folder = Path(output.strip())
    assert folder.parent == cache
    monkeypatch.setattr(acted, "build_corpus", lambda *_: pytest.fail("made twice"))
    assert synthesis.ensure_corpus("small") == folder


@pytest.mark.slow
def test_two_processes_that_start_together_make_it_once(cache, start_python):
    code = (
        f"{ONE_ACTOR}"
        "build = acted.build_corpus\n"
        "acted.build_corpus = lambda *arguments: (print('made'), build(*arguments))\n"
        "print(acted.ensure_corpus('small', jobs=1, progress=False))"
    )
    processes = [start_python(code) for _ in range(2)]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    lines = [line for output, _ in outputs for line in output.splitlines()]
    assert lines.count("made") == 1
    (folder,) = {line for line in lines if line != "made"}
    assert len(list(Path(folder).glob("Actor_*/*.wav"))) == 60


def test_a_killed_build_leaves_nothing_that_looks_done(cache, start_python, monkeypatch):
    dies_at_the_second_clip = (
        "import itertools, os\n"
        "clip, count = acted.clip, itertools.count()\n"
        "acted.clip = lambda *arguments: os._exit(9) if next(count) else clip(*arguments)\n"
    )
    process = start_python(f"{ONE_ACTOR}{dies_at_the_second_clip}acted.ensure_corpus('small', jobs=1)")
    output = process.communicate(timeout=120)
    assert process.returncode == 9, output
    assert len(list(cache.glob(".*-small-*/Actor_01/*.wav"))) == 1
    assert not [path for path in cache.glob("[a-z]*-small-*") if path.is_dir()]
    monkeypatch.setitem(acted.VARIANTS, "small", [1])
    folder = synthesis.ensure_corpus("small", jobs=1, progress=False)
    assert len(list(folder.glob("Actor_*/*.wav"))) == 60
    assert not list(cache.glob(".*-small-*"))


def test_ctrl_c_leaves_nothing(cache, monkeypatch):
    write = acted._write_actor

    def interrupted(root, actor, seed):
        if actor == 2:
            raise KeyboardInterrupt
        return write(root, actor, seed)

    monkeypatch.setattr(acted, "_write_actor", interrupted)
    with pytest.raises(KeyboardInterrupt):
        synthesis.ensure_corpus("small", jobs=1, progress=False)
    assert not [path for path in cache.iterdir() if path.is_dir()]


def test_a_full_disk_is_one_clear_sentence(cache, monkeypatch):
    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CacheError, match=re.escape("(No space left on device): make room there")) as refused:
        synthesis.ensure_corpus("small", jobs=1, progress=False)
    assert "\n" not in str(refused.value)
    assert not [path for path in cache.iterdir() if path.is_dir()]


def test_a_cache_that_cannot_be_written_is_one_clear_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(CacheError, match="set SER_CACHE_HOME to another folder"):
        synthesis.ensure_corpus("small", progress=False)


def test_an_unknown_variant_is_refused():
    with pytest.raises(CorpusError, match="no variant 'tiny' of the embedded corpus: choose full or small"):
        synthesis.ensure_corpus("tiny")


@pytest.mark.slow
def test_emotions_of_unseen_actors_are_recognised_but_not_too_well():
    """UAR of eGeMAPS + SVM, 5 folds of actors: real RAVDESS has .49, chance is .125."""
    table = corpora.load("synthetic")
    assert len(table) == 1440
    egemaps = features.extract(table, "egemaps", jobs=2, progress=False)
    predicted = cross_val_predict(
        make_pipeline(StandardScaler(), SVC()), egemaps, table.emotion, groups=table.speaker, cv=GroupKFold(5)
    )
    assert 0.55 < recall_score(table.emotion, predicted, average="macro") < 0.80
