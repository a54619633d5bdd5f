"""Who is in training and who is tested; the same with several seeds."""

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_sampling_pipeline
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from ser_helpers import corpora
from ser_helpers.errors import CorpusError, EvaluationError
from ser_helpers.evaluation import cross_validate, repeat
from ser_helpers.evaluation.bootstrap import student_interval

QUIET = {"progress": False}
LOGISTIC = make_pipeline(StandardScaler(), LogisticRegression())


class Backwards(ClassifierMixin, BaseEstimator):
    """A classifier whose classes_ are in reverse alphabetical order, columns of predict_proba with them."""

    def fit(self, X, y):
        self.inner_ = LogisticRegression().fit(X, y)
        self.classes_ = self.inner_.classes_[::-1]
        return self

    def predict(self, X):
        return self.inner_.predict(X)

    def predict_proba(self, X):
        return self.inner_.predict_proba(X)[:, ::-1]


class MeanOfSequence(ClassifierMixin, BaseEstimator):
    """A classifier of sequences, for arrays of one shape and for ragged ones."""

    def fit(self, X, y):
        assert X.index.str.startswith("toy/").all()
        self.inner_ = LogisticRegression().fit([x.mean(axis=0) for x in X], y)
        self.classes_ = self.inner_.classes_
        return self

    def predict(self, X):
        return self.inner_.predict([x.mean(axis=0) for x in X])


def test_each_utterance_is_predicted_once_by_a_model_that_never_heard_its_speaker(toy):
    X, table = toy()
    result = cross_validate(LOGISTIC, X, table, n_splits=3, **QUIET)
    assert sorted(result.predictions.index) == sorted(table.index)
    assert result.predictions.index.name == "utterance"
    assert (result.predictions["truth"] == table.loc[result.predictions.index, "emotion"]).all()
    folds = result.predictions.groupby(table.loc[result.predictions.index, "speaker"].to_numpy())["fold"].nunique()
    assert (folds == 1).all()
    assert all(audit.ok for audit in result.audits)
    assert result.verdict == "No speaker crosses between training and test."


def test_folds_and_predictions_match_a_plain_loop(toy):
    X, table = toy(noise=1.5)
    result = cross_validate(LOGISTIC, X, table, n_splits=3, seed=1, return_train=True, **QUIET)
    for number, (train, test) in enumerate(corpora.split(table, "speaker", n_splits=3, seed=1), start=1):
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X.loc[train], table.emotion[train])
        assert result.predictions.loc[test, "predicted"].tolist() == model.predict(X.loc[test]).tolist()
        fold = result.folds.loc[number]
        assert fold["uar"] == pytest.approx(balanced_accuracy_score(table.emotion[test], model.predict(X.loc[test])))
        assert fold["train_uar"] == pytest.approx(
            balanced_accuracy_score(table.emotion[train], model.predict(X.loc[train]))
        )
        assert (fold["n_train"], fold["n_test"]) == (len(train), len(test))
        assert fold["test_speakers"] == ", ".join(sorted(set(table.speaker[test])))


def test_knowing_the_voice_is_no_use_on_new_voices(toy):
    """Every speaker has one emotion, so the voice gives the label away: only an honest split shows it."""
    labels = ("neutral", "happy", "sad", "angry")
    X, table = toy(speakers=32, per_speaker=10)
    speaker = table["speaker"].str[-2:].astype(int)
    table["emotion"] = np.array(labels, dtype=object)[np.random.default_rng(0).permutation(np.arange(32) % 4)[speaker]]
    voice = np.random.default_rng(1).standard_normal((32, 8))[speaker]
    X = pd.DataFrame(voice + 0.1 * np.random.default_rng(2).standard_normal(voice.shape), table.index)
    nearest = make_pipeline(StandardScaler(), KNeighborsClassifier(3))
    leaky = cross_validate(nearest, X, table, protocol="random-kfold", **QUIET)
    honest = cross_validate(nearest, X, table, protocol="speaker", **QUIET)
    assert leaky.uar > 0.98
    assert abs(honest.uar - honest.chance_level) < 0.15
    assert "Speakers cross" in leaky.verdict
    assert "in 5 of 5 folds" in leaky.verdict
    assert not leaky.audits[0].ok
    assert "No speaker crosses" in honest.verdict
    assert leaky.interval[0] > honest.interval[1]


def test_scalers_are_fitted_on_the_training_part_only(toy):
    heard = []

    class Spy(StandardScaler):
        def fit(self, X, y=None, sample_weight=None):
            heard.append(set(X.index))
            return super().fit(X, y)

    X, table = toy()
    result = cross_validate(make_pipeline(Spy(), LogisticRegression()), X, table, n_splits=3, **QUIET)
    for number, utterances in enumerate(heard, start=1):
        assert not utterances & set(result.predictions.index[result.predictions["fold"] == number])


@pytest.mark.parametrize("model", [LogisticRegression(), Backwards(), RandomForestClassifier(10), SVC()])
def test_probabilities_follow_the_label_order_and_sum_to_one(toy, model):
    X, table = toy(noise=1.0)
    result = cross_validate(model, X, table, n_splits=3, **QUIET)
    columns = [column for column in result.predictions if column.startswith("p_")]
    if not hasattr(model, "predict_proba"):
        assert columns == []
        return
    assert result.labels == ["neutral", "happy", "sad", "angry"]
    assert columns == ["p_neutral", "p_happy", "p_sad", "p_angry"]
    probabilities = result.predictions[columns]
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (probabilities.idxmax(axis=1).str[2:] == result.predictions["predicted"]).mean() > 0.95


def test_classes_in_another_order_change_nothing(toy):
    X, table = toy(noise=1.0)
    forwards = cross_validate(LogisticRegression(), X, table, n_splits=3, **QUIET)
    backwards = cross_validate(Backwards(), X, table, n_splits=3, **QUIET)
    pd.testing.assert_frame_equal(forwards.predictions, backwards.predictions)


def test_a_label_that_a_fold_never_heard_gets_probability_zero(toy):
    X, table = toy(speakers=3)
    table.loc[table["speaker"] == "toy-00", "emotion"] = "fearful"
    table.loc[table["speaker"] != "toy-00", "emotion"] = ["happy", "sad"] * 16
    result = cross_validate(LogisticRegression(), X, table, protocol="leave-one-speaker-out", **QUIET)
    alone = result.predictions[result.predictions["truth"] == "fearful"]
    assert result.labels == ["happy", "sad", "fearful"]
    assert (alone["p_fearful"] == 0).all()
    assert result.folds.loc[alone["fold"].iloc[0], "uar"] == 0
    assert not result.predictions.isna().any().any()
    assert result.uar == pytest.approx(result.recall()["recall"].mean())


def test_two_processes_give_the_same_as_one(toy):
    X, table = toy(noise=1.5)
    model = RandomForestClassifier(5)
    one, two = (cross_validate(model, X, table, n_splits=3, jobs=jobs, **QUIET) for jobs in (1, 2))
    pd.testing.assert_frame_equal(one.predictions, two.predictions)


def test_open_seeds_are_fixed_and_given_ones_kept(toy):
    X, table = toy(noise=2.0)
    model = make_pipeline(StandardScaler(), RandomForestClassifier(3))
    runs = [cross_validate(model, X, table, n_splits=3, seed=seed, **QUIET).predictions for seed in (0, 0)]
    pd.testing.assert_frame_equal(*runs)
    assert model.get_params()["randomforestclassifier__random_state"] is None
    given = [
        cross_validate(RandomForestClassifier(3, random_state=r), X, table, protocol="leave-one-speaker-out", **QUIET)
        for r in (1, 2)
    ]
    assert not given[0].predictions.equals(given[1].predictions)


def test_repeated_random_splits_keep_every_prediction(toy):
    X, table = toy(per_speaker=20)
    result = cross_validate(LOGISTIC, X, table, protocol="random", n_splits=4, **QUIET)
    assert len(result.predictions) == 4 * 36
    assert result.predictions.index.has_duplicates
    assert result.by("speaker")["n"].sum() == 4 * 36
    assert result.interval[0] <= result.uar <= result.interval[1]


@pytest.mark.parametrize("ragged", [False, True])
def test_sequences_are_fed_with_their_index(toy, ragged):
    X, table = toy()
    lengths = np.arange(len(X)) % 3 + 2 if ragged else np.full(len(X), 3)
    arrays = [np.tile(row, (length, 1)) for row, length in zip(X.to_numpy(), lengths, strict=True)]
    sequences = pd.Series(arrays, X.index)
    result = cross_validate(MeanOfSequence(), sequences, table, n_splits=3, **QUIET)
    assert result.uar == cross_validate(LogisticRegression(), X, table, n_splits=3, **QUIET).uar
    assert result.features == "sequences"
    sequences.iloc[3] = None
    with pytest.warns(UserWarning, match="toy/003"):
        assert len(cross_validate(MeanOfSequence(), sequences, table, n_splits=3, **QUIET).predictions) == len(X) - 1


def test_numbers_are_regressed(toy):
    X, table = toy()
    result = cross_validate(LinearRegression(), X, table, target="arousal", n_splits=3, **QUIET)
    assert result.labels == []
    assert result.folds.columns.tolist() == ["ccc", "mse", "mae", "n_train", "n_test", "test_speakers"]
    assert result.score == result.ccc > 0.9
    assert result.interval[0] < result.ccc < result.interval[1]
    assert result.by("speaker").columns.tolist() == ["ccc", "mae", "n"]
    assert "CCC" in result.summary()
    with pytest.raises(EvaluationError, match="ask for"):
        _ = result.uar
    with pytest.raises(EvaluationError, match="predicts numbers"):
        result.confusion()


def test_utterances_without_features_or_label_are_left_out_by_name(toy):
    X, table = toy()
    X.iloc[7] = np.nan
    table.loc["toy/009", "emotion"] = None
    with (
        pytest.warns(UserWarning, match="no features.*toy/007"),
        pytest.warns(UserWarning, match="no emotion.*toy/009"),
    ):
        result = cross_validate(LOGISTIC, X, table, n_splits=3, **QUIET)
    assert set(table.index) - set(result.predictions.index) == {"toy/007", "toy/009"}


def test_the_order_of_rows_in_x_does_not_matter_and_surplus_rows_are_ignored(toy):
    X, table = toy(noise=1.5)
    part = table[table["emotion"] != "angry"]
    shuffled = X.sample(frac=1, random_state=0)
    first = cross_validate(LOGISTIC, shuffled, part, n_splits=3, **QUIET)
    pd.testing.assert_frame_equal(
        first.predictions, cross_validate(LOGISTIC, X.loc[part.index], part, n_splits=3, **QUIET).predictions
    )
    assert first.labels == ["neutral", "happy", "sad"]


def test_one_speaker_gets_a_sentence_or_a_score_without_interval(toy):
    X, table = toy(speakers=1, per_speaker=40)
    with pytest.raises(CorpusError, match="speakers or more"):
        cross_validate(LOGISTIC, X, table, **QUIET)
    result = cross_validate(LOGISTIC, X, table, protocol="random-kfold", **QUIET)
    assert np.isnan(result.interval).all()
    assert "no interval from one speaker" in result.summary()


BAD = {
    "share no utterance": lambda X, table: (X.reset_index(drop=True), table),
    "X lacks 2 of 96": lambda X, table: (X.iloc[2:], table),
    "more than once": lambda X, table: (pd.concat([X, X.iloc[:1]]), table),
    "DataFrame or Series": lambda X, table: (X.to_numpy(), table),
    "'toy/005' contain NaN": lambda X, table: (X.assign(f1=X["f1"].where(X.index != "toy/005")), table),
    "'toy/006' contain NaN": lambda X, table: (X.assign(f1=X["f1"].where(X.index != "toy/006", np.inf)), table),
    "'word' are not numbers": lambda X, table: (X.assign(word="loud"), table),
    "lacks 'path', 'emotion'": lambda X, table: (X, table.drop(columns=["emotion", "path"])),
    "No utterance has both": lambda X, table: (X * np.nan, table),
    "Every utterance is 'sad'": lambda X, table: (X, table.assign(emotion="sad")),
    "The utterance table is a NoneType": lambda X, table: (X, None),
    "The utterance table is empty": lambda X, table: (X, table[:0]),
    "X is empty": lambda X, table: (X[:0], table),
    "The speaker of 'toy/000'": lambda X, table: (X, table.assign(speaker=table["speaker"].where(X.index > "toy/000"))),
    "The speaker of 'toy/000' is 7, which is no text: use": lambda X, table: (X, table.assign(speaker=7)),
    "'toy/000' is 'sad' and that of 'toy/001' is 3": lambda X, table: (X, table.assign(emotion=["sad", 3] * 48)),
    r"'toy/000' is \['sad'\]: give every": lambda X, table: (X, table.assign(emotion=[["sad"], ["angry"]] * 48)),
    "The corpus of 'toy/000'": lambda X, table: (X, table.assign(corpus=table["corpus"].where(X.index > "toy/000"))),
}


@pytest.mark.filterwarnings("ignore:.*left out")
@pytest.mark.parametrize("words", BAD)
def test_bad_tables_get_a_sentence(toy, words):
    X, table = BAD[words](*toy())
    with pytest.raises(EvaluationError, match=words):
        cross_validate(LOGISTIC, X, table, n_splits=3, **QUIET)


@pytest.mark.parametrize(
    ("model", "target", "words"),
    [
        (SVC, "emotion", "with its parentheses"),
        (SVC(), "mood", "no column 'mood'"),
        (LinearRegression(), ["valence", "arousal"], r"no column \['valence', 'arousal'\]"),
        ("svm", "emotion", "not a scikit-learn estimator"),
        (LinearSVC(), "arousal", "use a regressor"),
        (LinearRegression(), "emotion", "use a classifier"),
    ],
)
def test_bad_models_get_a_sentence(toy, model, target, words):
    X, table = toy()
    with pytest.raises(EvaluationError, match=words):
        cross_validate(model, X, table, target=target, n_splits=3, **QUIET)


def test_copies_of_a_recording_across_the_split_are_told(toy):
    X, table = toy()
    table.loc["toy/000", ["start", "end"]] = table.loc["toy/095", ["start", "end"]]
    result = cross_validate(LOGISTIC, X, table, n_splits=3, **QUIET)
    assert result.verdict.endswith("2 utterances share a recording across the split.")


def test_a_fold_that_trains_on_one_label_gets_a_sentence(toy):
    X, table = toy(speakers=2, labels=("happy", "sad"))
    table["emotion"] = np.where(table["speaker"] == "toy-00", "happy", "sad")
    with pytest.raises(EvaluationError, match=r"trains on .(happy|sad). alone"):
        cross_validate(LOGISTIC, X, table, n_splits=2, **QUIET)


def test_a_later_fold_that_cannot_be_trained_is_told_before_the_first_is(toy):
    class Never(LogisticRegression):
        def fit(self, X, y):
            raise AssertionError("a fold was trained")

    X, table = toy(speakers=3, labels=("happy", "sad"))
    table["emotion"] = np.where(table["speaker"] == "toy-02", "happy", "sad")
    with pytest.raises(EvaluationError, match="Fold 3 trains on 'sad' alone"):
        cross_validate(Never(), X, table, protocol="leave-one-speaker-out", **QUIET)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda X: np.zeros(len(X), dtype=int), "predicts '0', which is not one of the labels"),
        (lambda X: np.full(len(X) - 1, "sad"), "31 predictions for 32 utterances"),
        (lambda X: np.full((len(X), 4), 0.25), "128 predictions for 32 utterances"),
    ],
)
def test_a_model_that_predicts_no_labels_gets_a_sentence(toy, answer, words):
    class Odd(DummyClassifier):
        def predict(self, X):
            return answer(X)

    X, table = toy()
    with pytest.raises(EvaluationError, match=words):
        cross_validate(Odd(), X, table, n_splits=3, **QUIET)


def test_a_number_that_never_changes_cannot_be_predicted(toy):
    X, table = toy()
    with pytest.raises(EvaluationError, match=r"The arousal of every utterance is 0\.5: there is nothing to predict"):
        cross_validate(LinearRegression(), X, table.assign(arousal=0.5), target="arousal", n_splits=3, **QUIET)


def test_a_model_that_diverges_gets_a_sentence(toy):
    class Diverged(DummyClassifier):
        def predict_proba(self, X):
            return super().predict_proba(X) * np.nan

    X, table = toy()
    with pytest.raises(EvaluationError, match="In fold 1 the model predicts NaN"):
        cross_validate(Diverged(), X, table, n_splits=3, **QUIET)


def test_a_regression_that_diverges_gets_a_sentence(toy):
    class Diverged(LinearRegression):
        def predict(self, X):
            return super().predict(X) * np.nan

    X, table = toy()
    with pytest.raises(EvaluationError, match="In fold 1 the model predicts NaN"):
        cross_validate(Diverged(), X, table, target="arousal", n_splits=3, **QUIET)


def test_the_model_is_left_unfitted_and_named_by_its_last_step(toy):
    X, table = toy()
    X.attrs["kind"] = "egemaps"
    model = make_pipeline(StandardScaler(), SVC())
    result = cross_validate(model, X, table, n_splits=3, **QUIET)
    assert not hasattr(model[-1], "classes_")
    assert (result.name, result.features) == ("SVC", "egemaps")
    assert cross_validate(model, X, table, n_splits=3, name="SVM", features="88", **QUIET).name == "SVM"


def test_words_and_modalities_are_features_too(toy):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from ser_helpers.models import Modality

    X, table = toy()
    words = pd.Series("I am " + table["emotion"], table.index)
    bag = TfidfVectorizer()
    said = cross_validate(make_pipeline(bag, LogisticRegression()), words, table, n_splits=2, progress=False)
    assert said.accuracy == 1
    both = pd.concat({"audio": X, "text": words.where(words.index != words.index[0])}, axis=1)
    model = make_pipeline(Modality("text"), bag, LogisticRegression())
    heard = cross_validate(model, both, table, n_splits=2, progress=False)
    assert len(heard.predictions) == len(table)
    assert heard.accuracy >= 1 - 1 / len(table)
    both.iloc[1, 0] = np.nan
    with pytest.raises(EvaluationError, match=r"toy/001.*contain NaN"):
        cross_validate(model, both, table, n_splits=2, progress=False)


def test_an_utterance_without_words_is_left_out(toy):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    _, table = toy()
    words = ("I am " + table["emotion"]).where(table.index != table.index[0], " ")
    with pytest.warns(UserWarning, match="1 utterance.s. have no features"):
        result = cross_validate(
            make_pipeline(TfidfVectorizer(), LogisticRegression()), words, table, n_splits=2, progress=False
        )
    assert len(result.predictions) == len(table) - 1


THREE_FOLDS = {"progress": False, "n_splits": 3}


class SeedTeller(ClassifierMixin, BaseEstimator):
    """Guesses at random, from its seed alone, and notes each seed it was given."""

    seen = ()

    def __init__(self, seed=0, random_state=3):
        self.seed = seed
        self.random_state = random_state

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.seen.append((self.seed, self.random_state))
        return self

    def predict(self, X):
        return np.random.default_rng(self.seed).choice(self.classes_, len(X))


@pytest.fixture
def seen(monkeypatch):
    monkeypatch.setattr(SeedTeller, "seen", [])
    return SeedTeller.seen


@pytest.fixture(scope="module")
def unbalanced(toy):
    """Two emotions that overlap, one of them rare."""
    X, table = toy(speakers=6, per_speaker=40, labels=("neutral", "sad"), noise=2.5)
    table = corpora.subsample(table, {"sad": 0.15})
    return X, table


def test_each_row_is_a_cross_validation_with_that_seed(toy):
    X, table = toy(noise=2)
    model = make_pipeline(StandardScaler(), RandomForestClassifier(10, random_state=9))
    frame = repeat(model, X, table, seeds=[4, 2], **THREE_FOLDS)
    assert list(frame.index) == [4, 2]
    assert frame.index.name == "seed"
    for seed in (4, 2):
        fixed = make_pipeline(StandardScaler(), RandomForestClassifier(10, random_state=seed))
        result = cross_validate(fixed, X, table, seed=seed, **THREE_FOLDS)
        assert frame.loc[seed].to_dict() == {
            "uar": result.uar,
            "accuracy": result.accuracy,
            "weighted_f1": result.weighted_f1,
        }
    assert model[-1].random_state == 9
    assert frame.attrs == {"corpus": "toy", "protocol": "3 folds, no speaker in both", "chance": 0.25}


def test_every_seed_of_the_model_changes(toy, seen):
    model = make_pipeline(StandardScaler(), SeedTeller())
    frame = repeat(model, *toy(), seeds=range(3), **THREE_FOLDS)
    assert seen == [(0, 0)] * 3 + [(1, 1)] * 3 + [(2, 2)] * 3
    assert frame["uar"].nunique() == 3


def test_numbers_are_scored_as_numbers(toy):
    frame = repeat(LinearRegression(), *toy(), seeds=[0], target="arousal", **THREE_FOLDS)
    assert list(frame.columns) == ["ccc", "mse", "mae"]


def test_what_does_not_fit_is_refused_in_a_sentence(toy):
    X, table = toy()
    with pytest.raises(EvaluationError, match="at least one"):
        repeat(SVC(), X, table, seeds=[])
    with pytest.raises(EvaluationError, match=r"several numbers, not 3: range\(5\)"):
        repeat(SVC(), X, table, seeds=3)
    with pytest.raises(EvaluationError, match="different numbers"):
        repeat(SVC(), X, table, seeds=[1, 1])
    with pytest.raises(EvaluationError, match="with its parentheses"):
        repeat(SVC, X, table)


def test_the_interval_is_students(toy):
    values = np.random.default_rng(0).normal(size=7)
    mean, low, high = student_interval(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    np.testing.assert_allclose((mean, low, high), (values.mean(), expected.low, expected.high))
    assert np.isnan(student_interval([0.5])[1:]).all()


def test_oversampling_in_a_pipeline_balances_the_training_set_only(unbalanced):
    X, table = unbalanced
    fitted_on = []

    class Counter(LogisticRegression):
        def fit(self, X, y):
            fitted_on.append(pd.Series(y).value_counts())
            return super().fit(X, y)

    model = make_sampling_pipeline(StandardScaler(), RandomOverSampler(), Counter())
    result = cross_validate(model, X, table, **THREE_FOLDS)
    assert all(counts.min() == counts.max() for counts in fitted_on)
    assert sorted(result.predictions.index) == sorted(table.index)
    assert result.name == "Counter"
    assert result.predictions[["p_neutral", "p_sad"]].sum(axis=1).to_numpy() == pytest.approx(1)


def test_oversampling_lifts_the_recall_of_the_rare_and_lowers_accuracy(unbalanced):
    X, table = unbalanced
    plain = repeat(LogisticRegression(), X, table, seeds=range(3), **THREE_FOLDS)
    sampled = make_sampling_pipeline(RandomOverSampler(), LogisticRegression())
    balanced = repeat(sampled, X, table, seeds=range(3), **THREE_FOLDS)
    assert (balanced["uar"] > plain["uar"]).all()
    assert (balanced["accuracy"] < plain["accuracy"]).all()
    assert balanced.equals(repeat(sampled, X, table, seeds=range(3), **THREE_FOLDS))
