import os
from pathlib import Path

import pytest
import soundfile as sf

from ser_helpers import corpora
from ser_helpers.corpora import leaks
from ser_helpers.errors import CorpusError


@pytest.fixture
def recorded(table, wav, tmp_path):
    """A table of four speakers, two statements and one recording each."""
    made = table(repetitions=1)
    for number, name in enumerate(made.index):
        made.loc[name, "path"] = str(wav(tmp_path / f"{name.replace('/', '-')}.wav", seed=number))
    return made


def test_a_speaker_split_is_clean_but_for_sentences(recorded):
    audit = corpora.audit(recorded, recorded.index[:4], recorded.index[4:])
    assert audit.ok
    assert audit.statements == ["made-0", "made-1"]
    assert audit.verdict == "Clean: no speaker and no recording on both sides (2 sentences shared)."


def test_crossing_speakers_are_named(recorded):
    audit = corpora.audit(recorded, recorded.index[::2], recorded.index[1::2])
    assert not audit.ok
    assert audit.speakers == ["made-0", "made-1", "made-2", "made-3"]
    assert audit.statements == []
    assert audit.verdict == "Leaky: 4 speakers on both sides."
    assert "made-0, made-1, made-2, made-3" in repr(audit)


def test_an_utterance_on_both_sides_is_a_duplicate(recorded):
    audit = corpora.audit(recorded, recorded.index[:5], recorded.index[4:])
    assert audit.duplicates == [(recorded.index[4], recorded.index[4])]


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_the_same_samples_are_a_duplicate_in_any_format(recorded, tmp_path, suffix):
    samples, sr = sf.read(recorded["path"].iloc[0])
    copy = tmp_path / f"copy{suffix}"
    sf.write(copy, samples, sr, subtype="PCM_24" if suffix == ".flac" else None)
    recorded.loc[recorded.index[7], "path"] = str(copy)
    audit = corpora.audit(recorded, recorded.index[:4], recorded.index[4:])
    assert audit.duplicates == [(recorded.index[0], recorded.index[7])]
    assert audit.verdict.startswith("Leaky: 1 recording on both sides")
    assert not audit.ok


def test_equal_length_and_equal_middle_are_not_enough(recorded, tmp_path):
    samples, sr = sf.read(recorded["path"].iloc[0])
    samples[0] += 0.1
    sf.write(tmp_path / "near.wav", samples, sr)
    recorded.loc[recorded.index[7], "path"] = str(tmp_path / "near.wav")
    assert corpora.audit(recorded, recorded.index[:4], recorded.index[4:]).ok


def test_segments_of_one_recording_are_compared_as_segments(recorded, wav, tmp_path):
    long = str(wav(tmp_path / "long.wav", frames=1600))
    samples, sr = sf.read(long)
    sf.write(tmp_path / "cut.wav", samples[800:1200], sr)
    recorded["path"] = long
    recorded["start"] = [0.0, 0.0125, 0.025, 0.0375, 0.05, 0.0625, 0.075, 0.0875]
    recorded["end"] = recorded["start"] + 0.0125
    train, test = recorded.index[:4], recorded.index[4:]
    assert corpora.audit(recorded, train, test).duplicates == []
    recorded.loc[train[0], ["path", "start", "end"]] = [str(tmp_path / "cut.wav"), None, None]
    recorded.loc[test[0], ["start", "end"]] = [0.05, 0.075]
    assert corpora.audit(recorded, train, test).duplicates == [(train[0], test[0])]


def test_a_changed_file_is_looked_at_anew(recorded, wav):
    train, test = recorded.index[:4], recorded.index[4:]
    assert corpora.audit(recorded, train, test).ok
    path = wav(Path(recorded["path"].iloc[4]), seed=0)
    os.utime(path, ns=(1, 1))
    assert corpora.audit(recorded, train, test).duplicates == [(train[0], test[0])]


def test_recordings_that_cannot_be_read_are_named(table):
    made = table()
    audit = corpora.audit(made, made.index[:6], made.index[6:])
    assert audit.unread == sorted(made.index)
    assert audit.verdict.endswith("; 24 recordings could not be compared.")


def test_fingerprints_are_remembered(recorded, monkeypatch):
    train, test = recorded.index[:4], recorded.index[4:]
    corpora.audit(recorded, train, test)
    monkeypatch.setattr(leaks.sf, "read", lambda *_: pytest.fail("read again"))
    monkeypatch.setattr(leaks.sf, "info", lambda *_: pytest.fail("opened again"))
    assert corpora.audit(recorded, test, train).ok


def test_a_name_that_is_not_in_the_table_is_named(recorded):
    with pytest.raises(CorpusError, match="'made/9'"):
        corpora.audit(recorded, recorded.index[:4], ["made/9"])


def test_lists_and_empty_sides_will_do(recorded):
    assert corpora.audit(recorded, list(recorded.index), []).ok
