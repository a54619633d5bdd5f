"""Each voice is measured against itself: the running normaliser, alone and in streams, files and programs."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from ser_helpers import corpora, features, models, podcast, workflow
from ser_helpers.errors import EvaluationError
from ser_helpers.models import RunningNormaliser, WindowClassifier
from ser_helpers.streaming import Batcher, Detector, detect

RNG = np.random.default_rng(0)
SPEAKERS = np.repeat(["a", "b", "c"], [10, 30, 5])
X = RNG.normal(size=(45, 3)) * [1, 5, 0.1] + RNG.normal(0, 10, (3, 3))[[*[0] * 10, *[1] * 30, *[2] * 5]]


@pytest.fixture(scope="module")
def normaliser():
    return RunningNormaliser(weight=4).fit(X, SPEAKERS)


def offline(normaliser, rows, wanted):
    """`wanted` by scikit-learn, from `rows` and two that stand for the prior: its mean plus and minus its deviation."""
    prior = normaliser.mean_ + np.outer([-1, 1], normaliser.deviation_)
    weights = np.r_[np.ones(len(rows)), [normaliser.weight / 2] * 2]
    return StandardScaler().fit(np.vstack([rows, prior]), sample_weight=weights).transform(wanted)


def test_each_row_is_normalised_as_offline_with_the_rows_up_to_it(normaliser):
    rows = RNG.normal(3, 2, (12, 3))
    live = normaliser.transform(rows)
    for last in range(1, len(rows) + 1):
        np.testing.assert_allclose(live[last - 1 : last], offline(normaliser, rows[:last], rows[last - 1 : last]))


def test_however_the_rows_come_and_in_the_end_all_of_them(normaliser):
    rows = RNG.normal(3, 2, (12, 3))
    voice = normaliser.voice(keep=True)
    parts = np.concatenate([voice.update(part) for part in np.split(rows, [1, 1, 5])])
    np.testing.assert_array_equal(parts, normaliser.transform(rows))
    np.testing.assert_allclose(voice.whole(), offline(normaliser, rows, rows), rtol=1e-5)
    np.testing.assert_array_equal(voice.whole(2), voice.whole()[-2:])


def test_the_prior_is_that_of_speakers_who_count_alike(normaliser):
    own = [X[name == SPEAKERS] for name in "abc"]
    np.testing.assert_allclose(normaliser.mean_, np.mean([rows.mean(0) for rows in own], axis=0))
    np.testing.assert_allclose(normaliser.deviation_**2, np.mean([rows.var(0) for rows in own], axis=0))


def test_speakers_stay_apart_in_any_order(normaliser):
    order = RNG.permutation(len(X))
    mixed = normaliser.by_speaker(X[order], SPEAKERS[order])
    for name in "abc":
        rows = X[order][SPEAKERS[order] == name]
        np.testing.assert_array_equal(mixed[SPEAKERS[order] == name], normaliser.transform(rows))


def test_a_constant_feature_stays_finite():
    normaliser = RunningNormaliser().fit(np.ones((4, 1)), list("aabb"))
    assert np.isfinite(normaliser.transform([[1.0], [2.0]])).all()


def test_what_cannot_work_is_one_sentence(normaliser):
    with pytest.raises(ValueError, match="weight is a number of rows above 0, not 0"):
        RunningNormaliser(weight=0).fit(X, SPEAKERS)
    with pytest.raises(EvaluationError, match=r"X has 45 rows, and speakers the shape \(1,\)"):
        RunningNormaliser().fit(X, ["a"])
    with pytest.raises(EvaluationError, match=r"rows of 3 features, not an array of shape \(1, 2\)"):
        normaliser.voice().update([[1.0, 2.0]])
    with pytest.raises(EvaluationError, match=r"keeps no rows: make it with normaliser.voice\(keep=True\)"):
        normaliser.voice().whole()


def sound(seconds, seed=0):
    rng = np.random.default_rng(seed)
    return (np.repeat(rng.uniform(0.01, 0.2, seconds), 16000) * rng.normal(size=16000 * seconds)).astype(np.float32)


def loudness(window):
    return np.log([np.std(window), np.abs(window).max()])


@pytest.fixture(scope="module")
def adaptive():
    windows = np.stack([sound(3, seed) for seed in range(24)])
    model = WindowClassifier(loudness, LogisticRegression())
    rows = model.features(windows)
    model.normaliser_ = RunningNormaliser(weight=3).fit(rows, np.repeat(["a", "b"], 12))
    return model.fit_features(rows, np.where(rows[:, 0] > np.median(rows[:, 0]), "angry", "sad"))


def probabilities(predictions):
    return np.array([one.probabilities for one in predictions])


def test_chunks_batches_and_the_offline_detector_give_the_same(adaptive):
    y = sound(9)
    whole = detect(y, adaptive, vad=False)[["angry", "sad"]].to_numpy()
    rows = adaptive.features(np.stack([y[start : start + 48000] for start in range(0, 96001, 16000)]))
    np.testing.assert_array_equal(whole, adaptive.predict_features(adaptive.normaliser_.transform(rows)))
    with Batcher(adaptive) as batcher:
        for model, size in ((adaptive, 1000), (adaptive, 48000), (batcher, 16000)):
            detector, other = Detector(model, vad=False), Detector(model, vad=False)
            found = []
            for start in range(0, len(y), size):
                found += detector.feed(y[start : start + size])
                other.feed(0.1 * y[start : start + size])  # another voice at the same time changes nothing
            np.testing.assert_allclose(probabilities(found + detector.finish()), whole, rtol=0, atol=1e-12)


def test_a_voice_goes_on_in_another_stream(adaptive):
    first, y = Detector(adaptive, vad=False), sound(6)
    first.feed(y[:48000])
    second = Detector(adaptive, vad=False, voice=first.voice)
    expected = detect(np.concatenate([y[:48000], y[48000:]]), adaptive, vad=False, hop=3)[["angry", "sad"]]
    np.testing.assert_allclose(probabilities(second.feed(y[48000:])), expected.to_numpy()[1:])
    assert second.voice.count == 2


def test_below_its_threshold_it_is_uncertain(adaptive):
    adaptive.threshold_ = 1.01
    try:
        timeline = detect(sound(5), adaptive, vad=False)
    finally:
        adaptive.threshold_ = 0.0
    assert set(timeline["emotion"]) == {"uncertain"}
    assert timeline["angry"].notna().all()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model of quick features with its file, and a recording."""
    table = corpora.harmonise(corpora.load("synthetic-small"), "iemocap4")[::7]
    windows = features.cut_windows(table, jobs=1, progress=False)
    quick = features.extract(windows, "quick", 1, False, seconds=3)
    model = WindowClassifier("quick", LogisticRegression(C=0.1, max_iter=1000))
    model.normaliser_ = RunningNormaliser().fit(quick, windows["speaker"])
    model.fit_features(model.normaliser_.by_speaker(quick, windows["speaker"]), windows["emotion"])
    model.threshold_ = 0.4
    path = tmp_path_factory.mktemp("models") / "voice.ser"
    models.save(model, path, X=quick, table=windows)
    return model, path, table["path"].iloc[0]


def test_the_file_carries_the_prior_and_the_threshold(saved):
    model, path, recording = saved
    loaded = models.load(path)
    np.testing.assert_array_equal(loaded.normaliser_.mean_, model.normaliser_.mean_)
    assert (loaded.normaliser_.weight, loaded.threshold_) == (8.0, 0.4)
    assert detect(recording, loaded).equals(detect(recording, model))
    window = np.resize(sound(3), (1, 48000))
    alone = model.predict_features(model.normaliser_.transform(model.features(window)))
    np.testing.assert_array_equal(loaded.predict_proba(window), alone)


def test_a_recording_is_measured_against_the_whole_of_it(saved, tmp_path):
    import soundfile

    model, _, recording = saved
    y = np.concatenate([soundfile.read(recording)[0]] * 3 + [sound(3) * 0.1])
    soundfile.write(tmp_path / "long.wav", y, 16000)
    timeline = podcast.emotions_over_time(tmp_path / "long.wav", model, vad=False, weight=1.0, margin=0.0)
    windows = [y[start : start + 48000] for start in range(0, len(y) - 47999, 48000)]
    voice = model.normaliser_.voice(keep=True)
    voice.update(model.features(np.array(windows)))
    if len(timeline) > len(windows):  # the last window ends where the recording does
        voice.update(model.features(y[None, -48000:]))
    np.testing.assert_allclose(timeline[model.classes_], model.predict_features(voice.whole()), atol=0.01)
    assert timeline["emotion"].isin([*model.classes_, "uncertain"]).all()


def test_files_of_one_speaker_are_one_voice(saved):
    model, _, recording = saved
    alone = workflow.predict([recording] * 2, model, progress=False)
    together = workflow.predict([recording] * 2, model, progress=False, same_speaker=True)
    names = list(model.classes_)
    np.testing.assert_array_equal(together[names].iloc[0], alone[names].iloc[0])
    assert (together[names].iloc[1] != alone[names].iloc[1]).all()


def test_a_file_without_a_likely_emotion_is_uncertain(saved, monkeypatch):
    model, _, recording = saved
    monkeypatch.setattr(model, "threshold_", 1.01)
    assert workflow.predict([recording], model, progress=False).emotion.tolist() == ["uncertain"]
