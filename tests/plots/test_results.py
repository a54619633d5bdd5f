from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from ser_helpers import plots
from ser_helpers.corpora import EMOTIONS
from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation import cross_validate
from ser_helpers.plots.style import colour


def run(data, model=None, **kw):
    kw = {"n_splits": 3, "progress": False} | kw
    return cross_validate(model or LogisticRegression(), *data, **kw)


@pytest.fixture(scope="module")
def data(toy):
    return toy(speakers=6, per_speaker=24, labels=EMOTIONS, noise=1.0)


@pytest.fixture(scope="module")
def result(data):
    return run(data)


def history(epochs=30, level=1.0):
    t = np.arange(epochs)
    rising, falling = level * (1 - 0.8 * np.exp(-t / 5)), 2 * np.exp(-t / 8)
    return {"loss": falling, "val_loss": falling + 0.5, "accuracy": rising, "val_accuracy": rising / 2}


def tick_labels(axis):
    """The tick labels that are drawn: matplotlib keeps some beyond the ends of the axis."""
    low, high = sorted(axis.get_view_interval())
    ticks = [tick for tick in axis.get_major_ticks() if low - 1e-9 <= tick.get_loc() <= high + 1e-9]
    return [tick.label1 for tick in ticks if tick.label1.get_visible() and tick.label1.get_text()]


def check(fig, *words):
    """Every figure is titled, described, labelled and readable; nothing is cut off and no tick labels overlap."""
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    width, height = canvas.get_width_height()
    assert width == 1000
    assert len(fig.get_label()) > 30
    assert fig._suptitle.get_text()[0].isupper()
    shown = " ".join(text.get_text() for text in fig.texts)
    for word in words:
        assert word in shown

    texts = [*fig.texts, fig._suptitle]
    for ax in fig.axes:
        assert ax.get_xlabel()
        texts += [*ax.texts, ax.title, ax.xaxis.label, ax.yaxis.label]
        for axis in (ax.xaxis, ax.yaxis):
            labels = tick_labels(axis)
            boxes = [label.get_window_extent() for label in labels]
            assert not any(one.overlaps(two) for one, two in combinations(boxes, 2)), [t.get_text() for t in labels]
            texts += labels
    assert any(ax.get_ylabel() for ax in fig.axes)
    for text in texts:
        box = text.get_window_extent()
        assert text.get_fontsize() >= 10
        if text.get_text():
            assert -1 <= box.x0 < box.x1 <= width + 1, text
            assert -1 <= box.y0 < box.y1 <= height + 1, text
    return fig


FIGURES = {
    "confusion": lambda r: plots.confusion(r),
    "per_class_recall": lambda r: plots.per_class_recall(r),
    "speakers": lambda r: plots.speakers(r),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_a_result_say_corpus_protocol_and_score(result, name):
    fig = check(FIGURES[name](result), "toy", "3 folds, no speaker in both", "LogisticRegression", "chance 0.125")
    assert fig.get_size_inches().tolist() == [10, 5]


def test_synthetic_speech_is_called_so(data):
    X, table = data
    result = run((X, table.assign(corpus="synthetic")))
    for fig in (
        plots.confusion(result),
        plots.per_class_recall(result),
        plots.against(result, result),
        plots.counts(result.table),
    ):
        check(fig, "synthetic")


@pytest.mark.parametrize("labels", [2, 12, 24])
def test_few_and_many_labels_stay_readable(toy, labels):
    names = [f"speaker-{k:02d}" for k in range(labels)]
    result = run(toy(speakers=5, per_speaker=2 * labels, labels=names, noise=1.0), target="emotion")
    for figure in FIGURES.values():
        check(figure(result))
    check(plots.against(result, result))
    check(plots.counts(result.table))


@pytest.mark.parametrize("speakers", [1, 30, 60])
def test_few_and_many_speakers_stay_readable(toy, speakers):
    result = run(toy(speakers=speakers, per_speaker=12, noise=1.0), protocol="random-kfold")
    fig = check(plots.speakers(result))
    dots = fig.axes[0].lines[0].get_ydata()
    assert sorted(dots) == list(dots) == pytest.approx(result.by("speaker")["uar"].sort_values().tolist())
    check(plots.per_class_recall(result))


def test_speakers_of_two_corpora_keep_their_full_names(data):
    X, table = data
    both = table.assign(speaker=table["speaker"].replace({"toy-00": "other-01", "toy-02": "other-03"}))
    fig = check(plots.speakers(run((X, both))))
    assert {label.get_text() for label in fig.axes[0].get_xticklabels()} == set(both["speaker"])


def test_speakers_too_short_for_a_ccc_get_a_sentence(toy):
    numbers = run(toy(speakers=12, per_speaker=1), LinearRegression(), target="arousal", protocol="random-kfold")
    with pytest.raises(EvaluationError, match="enough utterances for a CCC"):
        plots.speakers(numbers)


def test_the_confusion_figure_shows_shares_and_counts(result):
    fig = plots.confusion(result)
    share, counts = result.confusion(normalise=True), result.confusion()
    np.testing.assert_allclose(fig.axes[0].collections[0].get_array(), share)
    texts = [text for text in fig.axes[0].texts if text.get_text()]
    cells = {(int(t.get_position()[1]), int(t.get_position()[0])): t.get_text() for t in texts}
    assert cells[0, 0] == f"{100 * share.iloc[0, 0]:.0f} % · {counts.iloc[0, 0]}"
    assert len(cells) == (counts > 0).to_numpy().sum()
    truth, predicted = np.unravel_index(np.argmax(share.to_numpy() * (1 - np.eye(8))), share.shape)
    assert f"{EMOTIONS[truth]} predicted as {EMOTIONS[predicted]}" in fig._suptitle.get_text()


def test_recall_bars_have_the_emotions_colours(result):
    from matplotlib.colors import to_hex

    bars = plots.per_class_recall(result).axes[0].patches
    assert [to_hex(bar.get_facecolor()) for bar in bars] == [colour(label) for label in EMOTIONS]
    assert [bar.get_width() for bar in bars] == pytest.approx(result.recall()["recall"].tolist())


def test_a_perfect_result_has_titles_too(toy):
    perfect = run(toy(noise=0.01))
    assert "No label is mistaken" in check(plots.confusion(perfect))._suptitle.get_text()
    assert "equally well" in check(plots.per_class_recall(perfect))._suptitle.get_text()


def test_two_results_side_by_side(data, result):
    other = run(data, KNeighborsClassifier(), protocol="random")
    fig = check(plots.against(result, other), "3 folds, no speaker in both", "random 70/30", "KNeighborsClassifier")
    assert f"{result.uar:.2f}" in fig._suptitle.get_text()
    check(plots.confusion_pair(result, other), "toy", "random 70/30")
    assert check(plots.against(result, other, title="A sentence"))._suptitle.get_text().strip() == "A sentence"
    X, table = data
    three = run((X, table[table["emotion"].isin(["happy", "sad", "angry"])]))
    fig = check(plots.against(result, three))
    assert {"chance 0.125", "chance 0.333"} <= {text.get_text() for text in fig.axes[0].texts}
    with pytest.raises(EvaluationError, match="one by one"):
        plots.confusion_pair(result, three)


def test_regressions_can_be_plotted(data):
    numbers = run(data, LinearRegression(), target="arousal")
    check(plots.speakers(numbers), "CCC", "arousal")
    check(plots.against(numbers, numbers), "toy")
    with pytest.raises(EvaluationError, match="predicts numbers"):
        plots.confusion(numbers)
    with pytest.raises(EvaluationError, match="like with like"):
        plots.against(numbers, run(data))


@pytest.mark.parametrize("wrap", [dict, pd.DataFrame, lambda h: type("History", (), {"history": h})()])
def test_learning_curves_of_one_fit(wrap):
    fig = check(plots.learning_curves(wrap(history()), "synthetic", "five actors held out"), "synthetic", "five actors")
    assert "1.00, validation at 0.50" in fig._suptitle.get_text()
    assert [text.get_text() for text in fig.axes[0].texts] == ["validation", "training"]
    np.testing.assert_allclose(fig.axes[0].lines[1].get_ydata(), history()["val_accuracy"])


def test_learning_curves_of_several_fits_and_without_validation():
    runs = {"no dropout": history(), "dropout 0.2": history(level=0.98)}
    fig = check(plots.learning_curves(runs, "toy", "speakers held out"))
    assert {text.get_text() for text in fig.axes[0].texts} >= {"no dropout training", "dropout 0.2 validation"}
    check(plots.learning_curves({"loss": [3.0, 2.0, 1.0]}, "toy", "all speakers"), "toy")
    with pytest.raises(EvaluationError, match="neither 'loss' nor 'accuracy'"):
        plots.learning_curves({"lr": [0.1]}, "toy", "all speakers")


def test_a_feature_by_emotion(data):
    X, table = data
    X = X.rename(columns={"f0": "F0semitoneFrom27.5Hz_sma3nz_percentile20.0"})
    name = X.columns[0]
    fig = check(plots.feature_by_emotion(X.sample(frac=1, random_state=0), table, name, unit="semitones"), "toy")
    medians = X[name].groupby(table["emotion"]).median()
    assert fig._suptitle.get_text().replace("\n", " ").startswith(f"{medians.idxmax().capitalize()} has the highest")
    drawn = [line.get_ydata()[0] for line in fig.axes[0].lines if len(set(line.get_ydata())) == 1]
    assert all(any(np.isclose(median, y) for y in drawn) for median in medians)
    check(plots.feature_by_emotion(X, table, name, relative_to_neutral=True), "toy")


def test_relative_to_neutral_removes_the_speaker(data):
    X, table = data
    voice = table["speaker"].str[-2:].astype(float) * 1000
    shifted = X.assign(f1=X["f1"] + voice)
    one, two = (plots.feature_by_emotion(x, table, "f1", relative_to_neutral=True) for x in (X, shifted))
    assert one.get_label() == two.get_label()
    without = table[~((table["speaker"] == "toy-01") & (table["emotion"] == "neutral"))]
    with pytest.warns(UserWarning, match="toy-01"):
        plots.feature_by_emotion(X, without, "f1", relative_to_neutral=True)
    with pytest.raises(EvaluationError, match="neutral utterance"):
        plots.feature_by_emotion(X, table[table["emotion"] != "neutral"], "f1", relative_to_neutral=True)


def test_a_misspelt_feature_gets_a_suggestion(data):
    X, table = data
    with pytest.raises(EvaluationError, match="did you mean f1"):
        plots.feature_by_emotion(X, table, "f11")
    with pytest.raises(EvaluationError, match="join X and table"):
        plots.feature_by_emotion(X.reset_index(drop=True), table, "f1")


def test_counts_name_the_rarest(data):
    _, table = data
    assert "Every emotion has 18" in check(plots.counts(table), "toy")._suptitle.get_text()
    assert "Neutral has only 9" in check(plots.counts(table.drop(table.index[::16])))._suptitle.get_text()


def seeds(mean, count=5, corpus="toy"):
    scores = mean + 0.02 * np.random.default_rng(int(100 * mean)).standard_normal((count, 2))
    frame = pd.DataFrame(scores, columns=["uar", "weighted_f1"]).rename_axis("seed")
    frame.attrs = {"corpus": corpus, "protocol": "5 folds, no speaker in both", "chance": 0.125}
    return frame


def test_scores_over_seeds_show_each_run_mean_and_interval():
    from ser_helpers.evaluation.bootstrap import student_interval

    runs = {"nothing": seeds(0.4), "oversampling": seeds(0.5)}
    fig = check(plots.over_seeds(runs), "toy", "no speaker in both", "5 seeds", "95 %", "chance UAR 0.125")
    mean, low, high = student_interval(runs["oversampling"]["uar"])
    assert f"The highest UAR is {mean:.2f} with oversampling" in fig._suptitle.get_text()
    for ax, metric in zip(fig.axes, ("uar", "weighted_f1"), strict=True):
        for row, (dots, frame) in enumerate(zip(ax.collections, runs.values(), strict=True)):
            np.testing.assert_allclose(np.sort(dots.get_offsets()[:, 0]), np.sort(frame[metric]))
            np.testing.assert_allclose(dots.get_offsets()[:, 1], row)
    spans = [line.get_xdata() for line in fig.axes[0].lines if len(line.get_xdata()) == 2]
    assert any(np.allclose(sorted(span), (low, high)) for span in spans)
    assert f"oversampling {mean:.2f} ({low:.2f} to {high:.2f})" in fig.get_label()


def test_scores_over_seeds_stay_readable():
    check(plots.over_seeds({"one": seeds(0.5, count=1, corpus="synthetic")}, ["uar"]), "synthetic", "1 seed,")
    check(plots.over_seeds({f"model {k}": seeds(0.3 + k / 50) for k in range(12)}))
    unnamed = seeds(0.5)
    unnamed.attrs = {}
    check(plots.over_seeds({"a": unnamed}, title="A sentence"))


def test_scores_over_seeds_that_do_not_fit_are_refused():
    with pytest.raises(EvaluationError, match="nothing to draw"):
        plots.over_seeds({})
    with pytest.raises(EvaluationError, match="'a' have no ccc; they have uar, weighted_f1"):
        plots.over_seeds({"a": seeds(0.4)}, "ccc")
    with pytest.raises(EvaluationError, match="nothing to draw: give"):
        plots.over_seeds(seeds(0.4))
    with pytest.raises(EvaluationError, match=r"different speech \(.*\): plot them apart"):
        plots.over_seeds({"a": seeds(0.4), "b": seeds(0.4, corpus="synthetic")})
