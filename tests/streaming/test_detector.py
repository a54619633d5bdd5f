"""Any chunks give the predictions of the whole recording, in constant memory, whatever is lost, late or broken."""

import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ser_helpers.errors import AudioError, ModelError, StreamError
from ser_helpers.streaming import Detector, WindowModel, detect, to_timeline

FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def stream(detector, y, cuts, **given):
    """The timeline of `y` fed in the chunks between `cuts`."""
    predictions = [prediction for chunk in np.split(y, cuts) for prediction in detector.feed(chunk, **given)]
    return to_timeline([*predictions, *detector.finish()], detector.classes_)


def same(a, b):
    pd.testing.assert_frame_equal(a, b, check_exact=True)


def cut_at(length, seed, chunks):
    return np.sort(np.random.default_rng(seed).integers(0, length + 1, chunks))


@FEW
@given(
    sr=st.sampled_from([8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000]),
    channels=st.sampled_from([None, 1, 2, 3, 9]),
    dtype=st.sampled_from([np.int16, np.int32, np.uint8, np.float32, np.float64]),
    seconds=st.floats(0.03, 9),
    seed=st.integers(0, 99),
    chunks=st.integers(0, 60),
)
def test_any_chunks_of_any_kind_equal_the_whole_to_the_bit(
    model, vad, speechlike, sr, channels, dtype, seconds, seed, chunks
):
    y = speechlike(sr, seconds, channels, seed)
    if np.issubdtype(dtype, np.integer):
        full = np.iinfo(dtype).max // 2
        y = y * full + (full if dtype == np.uint8 else 0)
    y = y.astype(dtype)
    live = stream(Detector(model, sr=sr, vad=vad), y, cut_at(len(y), seed, chunks))
    same(live, detect(y, model, sr=sr, vad=vad))


@FEW
@given(
    window=st.sampled_from([0.4, 1.0, 2.5, 3.0]),
    hop=st.sampled_from([0.25, 1.0, 1.3, 4.0]),
    weight=st.sampled_from([0.2, 1.0]),
    margin=st.sampled_from([0.0, 0.3]),
    min_speech=st.sampled_from([0.0, 0.5, 1.0]),
    seed=st.integers(0, 99),
)
def test_any_settings_equal_the_whole_to_the_bit(model, vad, speechlike, window, hop, weight, margin, min_speech, seed):
    y = speechlike(16000, seed=seed)
    given = {"window": window, "hop": hop, "weight": weight, "margin": margin, "min_speech": min_speech}
    live = stream(Detector(model, vad=vad, **given), y, cut_at(len(y), seed, 30))
    same(live, detect(y, model, vad=vad, **given))


@pytest.mark.parametrize("sr", [16000, 44100])
def test_single_samples_with_the_real_vad_equal_the_whole(model, speechlike, sr):
    y = speechlike(sr, 0.7)
    live = stream(Detector(model, sr=sr, window=0.3, hop=0.1, min_speech=0), y, np.arange(1, len(y)))
    same(live, detect(y, model, sr=sr, window=0.3, hop=0.1, min_speech=0))
    assert len(live) == 5


@pytest.mark.parametrize("file", ["stereo.wav", "mono.flac"])
def test_a_file_equals_its_stream(model, vad, speechlike, tmp_path, file):
    y = np.round(speechlike(44100, 7.7, 2 if "stereo" in file else None) * 32767).astype(np.int16)
    soundfile.write(tmp_path / file, y, 44100)
    live = stream(Detector(model, sr=44100, vad=vad), y, cut_at(len(y), 1, 20))
    same(live, detect(tmp_path / file, model, vad=vad))


def test_windows_stand_where_they_should(model, speechlike):
    table = detect(speechlike(16000, 6.6), model, vad=False)
    assert table.start.tolist() == [0, 1, 2, 3, 3.6]
    assert table.end.tolist() == [3, 4, 5, 6, 6.6]
    assert detect(speechlike(16000, 6.4), model, vad=False).end.tolist() == [3, 4, 5, 6]
    assert detect(speechlike(16000, 1.5), model, vad=False)[["start", "end"]].to_numpy().tolist() == [[0, 1.5]]
    assert Detector(model).finish() == []


def test_a_window_gets_the_very_samples_of_its_seconds(speechlike):
    seen = []

    class Listener:
        classes_ = ("a", "b")

        def predict_proba(self, windows):
            seen.append(windows.copy())
            return np.array([[0.5, 0.5]])

    y = speechlike(16000, 5)
    Detector(Listener(), vad=False).feed(y)
    assert [window.shape for window in seen] == [(1, 48000)] * 3
    for second, window in enumerate(seen):
        np.testing.assert_array_equal(window[0], y[second * 16000 : second * 16000 + 48000])


def test_the_rate_and_the_channels_may_change(model, speechlike):
    detector = Detector(model, vad=False)
    predictions = [
        *detector.feed(speechlike(16000, 2)),
        *detector.feed(speechlike(48000, 2, 2), sr=48000),
        *detector.feed((speechlike(8000, 2) * 9000).astype(np.int16), sr=8000),
        *detector.finish(),
    ]
    assert [prediction.end for prediction in predictions] == [3, 4, 5, 6]
    assert detector.health["seconds"] == 6


def test_windows_without_speech_get_no_emotion(model, vad):
    y = np.concatenate([np.full(64000, 0.1), np.zeros(64000)]).astype(np.float32)
    table = detect(y, model, vad=vad)
    assert table.speech.tolist() == pytest.approx([1, 1, 2 / 3, 1 / 3, 0, 0], abs=0.02)
    assert table.emotion.notna().tolist() == [True] * 4 + [False] * 2
    assert table.loc[4:, list(model.classes_)].isna().all(axis=None)


def test_a_lost_connection_is_marked_and_what_was_shown_is_forgotten(vad):
    said = iter([[0.9, 0.1], [0.9, 0.1], [0.45, 0.55], [0.45, 0.55]])

    class Script:
        classes_ = ("angry", "sad")

        def predict_proba(self, windows):
            return np.array([next(said)])

    y = np.full(16000, 0.1, np.float32)
    detector = Detector(Script(), vad=vad, margin=0.2)
    before = detector.feed(np.tile(y, 4))
    during = detector.lost(10)
    after = detector.feed(np.tile(y, 4))
    assert [prediction.emotion for prediction in before] == ["angry", "angry"]
    assert [(prediction.end, prediction.gap, prediction.emotion) for prediction in during] == [
        (5.0 + k, True, None) for k in range(10)
    ]
    assert [(prediction.end, prediction.gap, prediction.emotion) for prediction in after] == [
        (15, True, None),
        (16, True, None),
        (17, False, "sad"),
        (18, False, "sad"),
    ]
    assert detector.health == {"seconds": 18, "missing": 10, "dropped": 0, "resyncs": 0}


def test_a_loss_equals_silence(model, vad, speechlike):
    y = speechlike(16000, 3.2)
    detector = Detector(model, vad=vad, weight=1)
    live = [*detector.feed(y), *detector.lost(0.25), *detector.feed(y), *detector.finish()]
    whole = detect(np.concatenate([y, np.zeros(4000, np.float32), y]), model, vad=vad, weight=1)
    np.testing.assert_array_equal(to_timeline(live, model.classes_)[model.classes_], whole[model.classes_])


@FEW
@given(seed=st.integers(0, 999), chunks=st.integers(0, 40), sr=st.sampled_from([11025, 16000, 44100]))
def test_missing_samples_make_a_gap_wherever_the_chunks_end(model, vad, speechlike, seed, chunks, sr):
    y = speechlike(sr, 8)
    rng = np.random.default_rng(seed)
    for start in rng.integers(0, len(y), 4):
        y[start : start + rng.choice([1, 2, 700, sr])] = rng.choice([np.nan, np.inf, -np.inf])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        whole = stream(Detector(model, sr=sr, vad=vad), y, [])
    assert len(said) == 1
    detector = Detector(model, sr=sr, vad=vad)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same(stream(detector, y, cut_at(len(y), seed, chunks)), whole)
    assert detector.health["missing"] == pytest.approx(np.mean(~np.isfinite(y)) * 8)
    assert detector.health["seconds"] == pytest.approx(len(y) / sr)
    for row in whole.itertuples():
        part = y[round(row.start * sr) : round(row.end * sr)]
        if np.mean(~np.isfinite(part)) > 0.11:
            assert row.gap
            assert row.emotion is None


def test_a_stream_of_nothing_but_nan_goes_on(model):
    detector = Detector(model)
    with pytest.warns(UserWarning, match="NaN"):
        predictions = detector.feed(np.full(80000, np.nan))
    assert [prediction.end for prediction in predictions] == [3, 4, 5]
    assert all(prediction.gap and prediction.emotion is None for prediction in predictions)


def test_the_clock_shows_what_never_came_and_what_came_twice(model):
    second = np.full(16000, 0.1, np.float32)
    detector = Detector(model, vad=False)
    for at in (1000.0, 1001.0, 1002.1, 1003.05):  # jitter is not drift
        detector.feed(second, at=at)
    assert detector.health == {"seconds": 4, "missing": 0, "dropped": 0, "resyncs": 0}
    gap = detector.feed(second, at=1006.0)  # two seconds never came
    assert [(prediction.end, prediction.gap) for prediction in gap] == [(5, True), (6, True), (7, True)]
    assert detector.health == {"seconds": 7, "missing": 2, "dropped": 0, "resyncs": 1}
    detector.feed(second, at=1006.0)  # came twice
    detector.feed(second, at=1007.0)
    assert detector.health == {"seconds": 8, "missing": 2, "dropped": 1, "resyncs": 2}
    assert [type(value) for value in detector.health.values()] == [float, float, float, int]


def test_a_clock_that_was_set_back_does_not_deafen(model):
    detector = Detector(model, vad=False)
    for at in (5000.0, 5001.0, 5002.0, 1402.5, 1403.5, 1404.5):
        detector.feed(np.full(16000, 0.1, np.float32), at=np.float32(at))
    assert detector.health == {"seconds": 6, "missing": 0, "dropped": 0, "resyncs": 1}


@pytest.mark.parametrize("ppm", [-400, 400])
def test_a_slow_drift_is_mended_now_and_then(model, ppm):
    true = 3600
    detector = Detector(model, vad=False, hop=20)
    for chunk in range(true // 10):
        detector.feed(np.zeros(int(160000 * (1 + ppm / 1e6)), np.float32), at=chunk * 10.0)
    health = detector.health
    assert abs(health["seconds"] - true) <= 0.21
    assert health["resyncs"] == 7
    assert health["dropped" if ppm > 0 else "missing"] == pytest.approx(7 * 0.204, abs=0.01)


def test_memory_does_not_grow():
    class Cheap:
        classes_ = ("a", "b")

        def predict_proba(self, windows):
            return np.array([[0.4, 0.6]])

    detector, hour = Detector(Cheap(), hop=5, vad=False), np.zeros((120, 30 * 16000), np.float32)
    count, used = 0, []
    tracemalloc.start()
    for passed in range(6):
        for chunk in hour:
            count += len(detector.feed(chunk))
        if passed in (0, 3):
            count += len(detector.lost(3600))
        used.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert detector.health["seconds"] == 8 * 3600
    assert count == 8 * 3600 // 5
    assert max(used) - used[0] < 20_000


def test_latency_has_a_row_for_each_stage(speechlike):
    class Parts:
        output_names = ("a", "b")

        def features(self, windows):
            return windows.mean(axis=1, keepdims=True)

        def predict_features(self, X):
            return np.hstack([X * 0 + 0.3, X * 0 + 0.7])

    assert isinstance(Parts(), WindowModel)
    detector = Detector(Parts(), min_speech=0)
    assert detector.latency.isna().all(axis=None)
    detector.feed(speechlike(16000))
    table = detector.latency
    assert table.index.tolist() == ["read", "vad", "features", "model", "total"]
    assert (table.loc[["vad", "features", "model"]] > 0).all(axis=None)
    assert (table.p50 <= table.p99).all()


def test_a_model_that_fails_costs_one_window(vad):
    class Flaky:
        classes_ = ("a", "b")
        calls = 0

        def predict_proba(self, windows):
            self.calls += 1
            if self.calls == 2:
                raise RuntimeError("the device is gone")
            return np.array([[0.5, 0.5]])

    detector = Detector(Flaky(), vad=vad)
    with pytest.raises(RuntimeError, match="device"):
        detector.feed(np.full(16000 * 6, 0.1, np.float32))
    assert [prediction.end for prediction in detector.feed(np.zeros(0))] == [3, 5, 6]


@pytest.mark.parametrize(
    ("chunk", "words"),
    [
        (np.zeros((4, 4, 4)), "shape"),
        (np.zeros((2, 4000)), "shape"),
        (np.zeros(5, complex), "complex128"),
        (["a"], "not <U1"),
        (np.full(5, 20000.0), "divide them first"),
        ([12000, -12000], "int16 or int32"),
        ([[1, 2], [3]], "unequal rows"),
    ],
)
def test_what_is_no_chunk_is_refused_and_changes_nothing(model, speechlike, chunk, words):
    detector = Detector(model, vad=False)
    detector.feed(speechlike(16000, 2))
    with pytest.raises(StreamError, match=words):
        detector.feed(chunk)
    assert [prediction.end for prediction in detector.feed(speechlike(16000, 1))] == [3]


def test_a_few_wild_samples_are_missing_and_the_rest_is_heard(model, speechlike):
    y = speechlike(16000, 6)
    wild = y.copy()
    wild[[8000, 8001]] = 250, -1e30
    with pytest.warns(UserWarning, match="they count as missing"):
        heard = stream(Detector(model, vad=False), wild, [100])
    assert heard.gap.tolist() == [True, False, False, False]
    expected = stream(Detector(model, vad=False), y, [100])
    pd.testing.assert_series_equal(heard.iloc[-1, 3:-2], expected.iloc[-1, 3:-2], atol=1e-6)


def test_what_cannot_be_is_refused_in_a_sentence(model):
    detector = Detector(model)
    for wrong in (-1, np.nan, 86401):
        with pytest.raises(StreamError, match="A gap lasts"):
            detector.lost(wrong)
    for wrong in (0, 44100.5, -16000, "16000", 1j):
        with pytest.raises(StreamError, match="whole number"):
            detector.feed(np.zeros(3), sr=wrong)
    for wrong in (np.nan, "1"):
        with pytest.raises(StreamError, match="time in seconds"):
            detector.feed(np.zeros(3), at=wrong)
    with pytest.raises(StreamError, match="tolerance"):
        Detector(model, tolerance=np.nan)
    with pytest.raises(StreamError, match="window is a time"):
        Detector(model, window=0)
    with pytest.raises(StreamError, match="min_speech"):
        Detector(model, min_speech=2)
    with pytest.raises(ModelError, match="fitted model"):
        Detector(object())
    with pytest.raises(AudioError, match="NaN"):
        detect(np.full(16000, np.nan), model)
    detector.finish()
    for call in (lambda: detector.feed(np.zeros(3)), detector.finish, lambda: detector.lost(1)):
        with pytest.raises(StreamError, match="has ended"):
            call()


@pytest.mark.parametrize("said", [[[0.5, np.nan]], [[0.5, 0.3, 0.2]], [0.5, 0.5]])
def test_a_model_that_gives_no_probabilities_is_named(said):
    class Broken:
        classes_ = ("a", "b")

        def predict_proba(self, windows):
            return np.array(said)

    with pytest.raises(ModelError, match="2 finite numbers for each window"):
        Detector(Broken(), vad=False).feed(np.zeros(48000))


@pytest.mark.parametrize("wrong", [{"hop": "1"}, {"min_speech": None}, {"vad": "yes"}, {"sr": "8000"}])
def test_settings_of_another_type_are_refused(model, wrong):
    (name,) = wrong
    with pytest.raises(StreamError, match=name if name != "sr" else "sample rate"):
        Detector(model, **wrong)


@pytest.mark.parametrize("seconds", ["1", -1, np.inf])
def test_a_gap_that_is_none_changes_nothing(model, seconds):
    detector = Detector(model, vad=False)
    with pytest.raises(StreamError, match="A gap lasts from 0 s to a day"):
        detector.lost(seconds)
    assert detector.health["seconds"] == 0


def test_a_class_is_no_fitted_model(model):
    with pytest.raises(ModelError, match="needs a fitted model"):
        Detector(type(model))
