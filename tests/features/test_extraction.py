import os
import shutil
import signal
import subprocess
import sys
import time
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ser_helpers import audio, features
from ser_helpers.errors import AudioError, CorpusError
from ser_helpers.features import registry

FUNCTIONS = {
    "vector193": features.vector193,
    "prosody": features.prosody,
    "voice_quality": features.voice_quality,
    "egemaps": features.egemaps,
    "compare": features.compare2016,
    "logmel": features.logmel,
    "mfcc": features.mfcc,
}


@pytest.fixture
def count(monkeypatch):
    """Counts the recordings whose features are computed in this process."""
    calls = []
    compute = registry.compute
    monkeypatch.setattr(registry, "compute", lambda *args, **kw: calls.append(args) or compute(*args, **kw))
    return calls


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_each_row_holds_the_features_of_its_recording(table, kind):
    table = table(3)
    X = features.extract(table, kind, jobs=1)
    assert X.index.equals(table.index)
    for utterance, path in table["path"].items():
        expected = FUNCTIONS[kind](audio.load(path, registry.find(kind).sr), registry.find(kind).sr)
        np.testing.assert_allclose(X.loc[utterance], expected, rtol=1e-5)
    if kind in ("logmel", "mfcc"):
        assert X.name == kind
        assert X.iloc[0].dtype == np.float32
    else:
        assert list(X.columns) == features.names(kind)
        assert (X.dtypes == np.float64).all()
        assert np.isfinite(X).all(axis=None)


def test_every_recording_that_loads_gives_finite_features(tmp_path, cache, difficult):
    y, sr = difficult
    soundfile.write(tmp_path / "mono.wav", y, sr, subtype="FLOAT")
    soundfile.write(tmp_path / "stereo.wav", np.stack([y, -0.5 * y], axis=1), sr, subtype="FLOAT")
    paths = [str(tmp_path / "mono.wav"), str(tmp_path / "stereo.wav")]
    table = pd.DataFrame({"path": paths, "start": np.nan, "end": np.nan}, index=["mono", "stereo"])
    for kind in FUNCTIONS:
        X = features.extract(table, kind, jobs=1)
        assert all(np.isfinite(value).all() for value in (X if X.ndim == 1 else X.to_numpy()))


def test_processes_give_the_same_as_one(table):
    table = table(6)
    one = features.extract(table, "egemaps", jobs=1, cache=False)
    pd.testing.assert_frame_equal(features.extract(table, "egemaps", jobs=2, cache=False), one)
    pd.testing.assert_frame_equal(features.extract(table, "egemaps", cache=False), one)


@pytest.mark.parametrize("options", [{"processes": False, "threads_per_worker": 2}, {"threads_per_worker": 1}])
def test_a_dask_cluster_gives_the_same(table, options, count):
    distributed = pytest.importorskip("distributed")
    table = table(6)
    one = features.extract(table, "egemaps", jobs=1, cache=False)
    with (
        distributed.LocalCluster(n_workers=1, dashboard_address=None, **options) as cluster,
    ):
        X = features.extract(table, "egemaps", scheduler=cluster.scheduler_address)
    pd.testing.assert_frame_equal(X, one)
    del count[:]
    pd.testing.assert_frame_equal(features.extract(table, "egemaps", jobs=1), one)
    assert not count


def test_start_and_end_cut_a_part(table):
    whole = table(1)
    parts = pd.concat([whole, whole]).set_axis(["first", "second"])
    parts["start"], parts["end"] = [np.nan, 0.1], [0.1, np.nan]
    X = features.extract(parts, "mfcc", jobs=1)
    y = audio.load(whole["path"].iloc[0])
    np.testing.assert_array_equal(X["first"], features.mfcc(y[:1600], 16000))
    np.testing.assert_array_equal(X["second"], features.mfcc(y[1600:], 16000))


def test_parameters_reach_the_function_and_the_cache(table):
    table = table(2)
    assert features.extract(table, "mfcc", jobs=1).iloc[0].shape[1] == 40
    assert features.extract(table, "mfcc", jobs=1, deltas=True).iloc[0].shape[1] == 120
    assert features.extract(table, "mfcc", jobs=1).iloc[0].shape[1] == 40


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(5)), st.integers(0, 5))
def test_order_and_concatenation_do_not_matter(table, order, cut):
    table = table(5)
    X = features.extract(table, "prosody", jobs=1)
    shuffled = table.iloc[order]
    pd.testing.assert_frame_equal(features.extract(shuffled, "prosody", jobs=1), X.iloc[order])
    parts = [features.extract(part, "prosody", jobs=1) for part in (table[:cut], table[cut:])]
    pd.testing.assert_frame_equal(pd.concat(parts), X)


@pytest.mark.parametrize("kind", ["prosody", "logmel"])
def test_an_empty_table_gives_an_empty_one(table, kind):
    X = features.extract(table(2)[:0], kind)
    assert len(X) == 0
    assert X.index.name == "utterance"


def test_a_second_call_computes_nothing(table, count):
    table = table()
    first = features.extract(table, "egemaps", jobs=1)
    assert len(count) == 4
    pd.testing.assert_frame_equal(features.extract(table, "egemaps", jobs=1), first)
    assert len(count) == 4


def test_the_cache_knows_a_part_in_whatever_table_it_is(table, count):
    mixed = table(3).assign(start=[np.nan, 0.1, np.nan], end=[0.2, np.nan, np.nan])
    features.extract(mixed, "prosody", jobs=1)
    for row in range(3):
        features.extract(mixed.iloc[[row]], "prosody", jobs=1)
    features.extract(mixed.astype({"start": object, "end": object}).replace(np.nan, None), "prosody", jobs=1)
    assert len(count) == 3


def test_the_cache_knows_a_recording_by_its_content(table, tmp_path, count):
    table = table(2)
    features.extract(table, "prosody", jobs=1)
    moved = table.assign(
        path=[shutil.copy(path, tmp_path / f"copy{row}.wav") for row, path in enumerate(table["path"])]
    )
    features.extract(moved, "prosody", jobs=1)
    assert len(count) == 2
    shutil.copy(table["path"].iloc[1], table["path"].iloc[0])
    X = features.extract(table, "prosody", jobs=1)
    assert len(count) == 2
    np.testing.assert_array_equal(X.iloc[0], X.iloc[1])


def test_the_cache_forgets_what_other_code_computed(table, count, monkeypatch):
    features.extract(table(2), "prosody", jobs=1)
    monkeypatch.setattr(registry, "version", lambda kind: "newer")
    features.extract(table(2), "prosody", jobs=1)
    assert len(count) == 4


@pytest.mark.parametrize("kind", ["egemaps", "logmel"])
def test_augmented_features_are_those_of_augmented_samples(table, kind, monkeypatch):
    changed = []
    compute = registry.compute
    monkeypatch.setattr(registry, "compute", lambda kind, y, sr: changed.append(y) or compute(kind, y, sr))
    table = table(2)
    X = features.extract(table, kind, jobs=1, augment=audio.Noise(snr=10))
    plain = features.extract(table, kind, jobs=1)
    assert X.index.equals(plain.index)
    assert type(X) is type(plain)
    for row, (utterance, path) in enumerate(table["path"].items()):
        clean = audio.load(path).astype(float)
        snr = 10 * np.log10(np.mean(clean**2) / np.mean((changed[row] - clean) ** 2))
        assert snr == pytest.approx(10, abs=0.5)
        assert not np.array_equal(X.loc[utterance], plain.loc[utterance])


def test_an_augmented_copy_is_the_same_wherever_it_is_made(table, count):
    table, chain = table(6), audio.Chain(audio.Noise(), audio.Pitch(), audio.Shift(), p=0.5)
    one = features.extract(table, "egemaps", jobs=1, augment=chain)
    for other in ({"jobs": 2}, {"jobs": 1}):
        X = features.extract(table, "egemaps", cache=False, augment=chain, **other)
        pd.testing.assert_frame_equal(X, one)
    with joblib.parallel_config("threading", n_jobs=4):
        X = features.extract(table.iloc[::-1], "egemaps", jobs=4, cache=False, augment=chain)
    pd.testing.assert_frame_equal(X.iloc[::-1], one)
    del count[:]
    pd.testing.assert_frame_equal(features.extract(table[2:], "egemaps", jobs=1, augment=chain), one[2:])
    assert not count


def test_each_copy_and_each_utterance_has_noise_of_its_own(table):
    first, second = (features.extract(table(2), "prosody", jobs=1, augment=audio.Noise(), copy=copy) for copy in (0, 1))
    assert not np.isclose(first, second).all(axis=1).any()
    halves = pd.concat([table(1)] * 2).set_axis(["first", "second"]).assign(start=[0, 0.1], end=[0.2, 0.3])
    changed = features.extract(halves, "logmel", jobs=1, augment=audio.Noise(snr=0))
    assert not np.allclose(changed["first"][10:], changed["second"][:-10], atol=1)


def test_the_cache_tells_augmentations_apart(table, count):
    table = table(1)
    versions = [None, audio.Noise(), audio.Noise(snr=(5, 10)), audio.Reverb(), audio.Chain(audio.Noise(), p=0.9)]
    results = [features.extract(table, "prosody", jobs=1, augment=augment) for augment in versions]
    assert len(count) == len(versions)
    again = [features.extract(table, "prosody", jobs=1, augment=augment) for augment in versions]
    assert len(count) == len(versions)
    for X, Y in zip(results, again, strict=True):
        pd.testing.assert_frame_equal(X, Y)


def test_the_cache_forgets_what_another_augmentation_made(table, count, monkeypatch):
    features.extract(table(1), "prosody", jobs=1, augment=audio.Noise())
    monkeypatch.setattr(features.extraction, "_augmentation_version", lambda: "newer")
    features.extract(table(1), "prosody", jobs=1, augment=audio.Noise())
    assert len(count) == 2
    features.extract(table(1), "prosody", jobs=1)
    features.extract(table(1), "prosody", jobs=1)
    assert len(count) == 3


def test_what_is_no_augmentation_is_refused(table):
    with pytest.raises(ValueError, match=r"augment is an augmentation such as audio\.Noise\(\), not 'noise'"):
        features.extract(table(), "prosody", augment="noise")
    with pytest.raises(ValueError, match="leave copy out"):
        features.extract(table(), "prosody", copy=1)


def test_without_cache_nothing_is_kept(table, cache, count):
    for _ in range(2):
        features.extract(table(2), "prosody", jobs=1, cache=False)
    assert len(count) == 4
    assert not cache.exists()


def test_an_unusable_cache_is_reported_once_and_costs_nothing(table, cache, recwarn):
    cache.mkdir(parents=True)
    (cache / "prosody.sqlite").write_bytes(b"no database" * 1000)
    X = features.extract(table(), "prosody", jobs=1)
    assert np.isfinite(X).all(axis=None)
    assert [str(warning.message)[:27] for warning in recwarn] == ["Going on without the cache "]


SCRIPT = """
import signal
import sys
import pandas as pd
from ser_helpers import features
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell starts processes that ignore it
    table = pd.read_pickle(sys.argv[1])
    features.extract(table, "compare", jobs=int(sys.argv[2]), progress=False)
"""


def start(table, tmp_path, jobs):
    table.to_pickle(tmp_path / "table.pickle")
    (tmp_path / "script.py").write_text(SCRIPT)
    return subprocess.Popen(
        [sys.executable, tmp_path / "script.py", tmp_path / "table.pickle", str(jobs)], start_new_session=True
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a POSIX signal")
@pytest.mark.parametrize("jobs", [1, 2])
def test_after_ctrl_c_a_second_call_goes_on(table, tmp_path, cache, count, jobs):
    table = pd.concat([table(10)] * 25, ignore_index=True)
    table["end"] = np.linspace(0.2, 0.3, len(table))
    process = start(table, tmp_path, jobs)
    store = cache / "compare.sqlite"
    deadline = time.monotonic() + 120
    while not (store.exists() and store.stat().st_size > 100_000) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) != 0
    features.extract(table, "compare", jobs=1)
    assert 0 < len(count) < len(table)


@pytest.mark.slow
def test_two_processes_at_once_are_safe(table, tmp_path, count):
    table = table(8)
    processes = [start(table, tmp_path, jobs=1) for _ in range(2)]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    features.extract(table, "compare", jobs=1)
    assert not count


def test_bad_recordings_are_named_and_the_others_kept(table, tmp_path):
    table = table()
    table.loc["toy/0", "path"] = str(tmp_path / "gone.wav")
    (tmp_path / "2.wav").write_text("no audio")
    with pytest.warns(UserWarning, match="2 of 4 recordings cannot be used") as caught:
        X = features.extract(table, "prosody", jobs=1)
    message = str(caught[0].message)
    assert len(caught) == 1
    assert "gone.wav: there is no such file" in message
    assert "2.wav: libsndfile cannot read it" in message
    assert caught[0].filename == __file__
    assert X.isna().all(axis=1).tolist() == [True, False, True, False]
    with pytest.warns(UserWarning, match="2 of 4"):
        sequences = features.extract(table, "logmel", jobs=1)
    assert [value is None for value in sequences] == [True, False, True, False]


@pytest.mark.parametrize("path", [None, np.nan, "a\0b"])
def test_a_row_whose_path_is_no_path_costs_only_itself(table, path):
    table = table(2).astype(object)
    table.loc["toy/0", "path"] = path
    with pytest.warns(UserWarning, match="1 of 2 recordings cannot be used"):
        X = features.extract(table, "prosody", jobs=1)
    assert X.isna().all(axis=1).tolist() == [True, False]


def test_a_repaired_recording_is_computed(table, tmp_path):
    table = table(2)
    good = (tmp_path / "0.wav").read_bytes()
    (tmp_path / "0.wav").write_text("no audio")
    with pytest.warns(UserWarning, match="1 of 2"):
        features.extract(table, "prosody", jobs=1)
    (tmp_path / "0.wav").write_bytes(good)
    assert np.isfinite(features.extract(table, "prosody", jobs=1)).all(axis=None)


def test_only_ten_bad_recordings_are_listed(table):
    table = table(14)
    table.loc[table.index[:12], "end"] = 99.0
    with pytest.warns(UserWarning, match=r"12 of 14 .*(\n.*){10}\n\.\.\. and 2 more\.$"):
        features.extract(table, "prosody", jobs=1)


def test_features_that_are_not_finite_are_reported(table, monkeypatch):
    monkeypatch.setattr(registry, "compute", lambda kind, y, sr: np.full(16, np.nan))
    with pytest.raises(AudioError, match=r"0\.wav: its prosody features are not finite"):
        features.extract(table(), "prosody", jobs=1)


def test_an_unforeseen_failure_is_reported_and_not_fatal(table, monkeypatch):
    compute = registry.compute
    monkeypatch.setattr(registry, "compute", lambda kind, y, sr: compute(kind, y, sr) if y[1] < 0.03 else [][0])
    with pytest.warns(UserWarning, match=r"wav: IndexError: list index out of range"):
        X = features.extract(table(), "prosody", jobs=1)
    assert 0 < X.isna().all(axis=1).sum() < 4


def test_no_usable_recording_is_an_error(table):
    with pytest.raises(AudioError, match=r"None of the 2 recordings can be used:\n.*0\.wav: there is no such file"):
        features.extract(table(2).assign(path="0.wav"), "prosody", jobs=1)


def test_bad_tables_and_kinds_are_refused(table):
    table = table()
    with pytest.raises(CorpusError, match="no column start and no column end"):
        features.extract(table[["path"]], "prosody")
    with pytest.raises(CorpusError, match="toy/0 is in the table more than once"):
        features.extract(pd.concat([table, table[:1]]), "prosody")
    with pytest.raises(ValueError, match="no kind of feature called 'prosodie'; choose one of"):
        features.extract(table, "prosodie")
    with pytest.raises(ValueError, match="'mfcc' has no parameter n_mels; it takes n_mfcc, deltas"):
        features.extract(table, "mfcc", n_mels=40)
    with pytest.raises(ValueError, match="'prosody' has no parameter sr; it takes none"):
        features.extract(table, "prosody", sr=16000)
    with pytest.raises(AudioError, match=r"^n_mfcc is a whole number from 1 to 64, not 100\.$"):
        features.extract(table, "mfcc", n_mfcc=100)


def test_progress_is_shown_only_when_wanted(table, capsys, monkeypatch):
    compute = registry.compute
    monkeypatch.setattr(registry, "compute", lambda *args: time.sleep(0.6) or compute(*args))
    features.extract(table(3), "prosody", jobs=1, cache=False, progress=False)
    assert capsys.readouterr().err == ""
    features.extract(table(3), "prosody", jobs=1, cache=False)
    assert "prosody:  " in capsys.readouterr().err


def test_it_warns_of_nothing_by_itself(table):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        features.extract(table(2), "vector193", jobs=1)


def test_an_augmentation_of_ones_own_is_computed_anew_since_its_code_may_change(table):
    class Gain(audio.Augmentation):
        factor = 0.5

        def _change(self, y, sr, seed):
            return self.factor * y

        def __repr__(self):
            return "Gain()"

    for augment in (Gain(), audio.Chain(Gain())):
        Gain.factor = 0.5
        first = features.extract(table(1), "logmel", jobs=1, augment=augment).iloc[0]
        Gain.factor = 0.25
        second = features.extract(table(1), "logmel", jobs=1, augment=augment).iloc[0]
        assert second.mean() < first.mean()
