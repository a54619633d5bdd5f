"""Checkers of Lesson 05, classical models."""

import numpy as np
import pandas as pd

from ser_helpers import corpora
from ser_helpers.course.checks import Hint, exercise


@exercise(
    "05.1",
    wrong=[
        lambda densities, counts: densities.argmax(axis=1),
        lambda densities, counts: (densities + counts).argmax(axis=1),
        lambda densities, counts: (densities * counts).argmax(axis=1),
        lambda densities, counts: (densities - np.log(counts)).argmax(axis=1),
        lambda densities, counts: (densities + np.log(counts)).max(axis=1),
        lambda densities, counts: (densities + np.log(counts)).argmax(axis=0),
    ],
)
def bayes(answer):
    """The class with the largest prior times density."""
    densities = np.log(np.array([[0.02, 0.01, 0.005], [0.001, 0.009, 0.002], [1e-9, 1e-9, 1e-7], [0.3, 0.2, 0.01]]))
    counts = np.array([20, 100, 10])
    given = np.asarray(answer(densities, counts))
    if given.shape != (4,):
        raise Hint(f"4 utterances need 4 answers, and the shape of yours is {given.shape}: compare along axis 1.")
    if given.dtype.kind == "f" and not np.allclose(given % 1, 0):
        raise Hint("These are the largest values; the task asks for their columns: argmax instead of max.")
    if np.array_equal(given, densities.argmax(axis=1)):
        raise Hint("You left the counts out: a class that is five times as frequent is five times as probable before.")
    if np.array_equal(given, (densities - np.log(counts)).argmax(axis=1)):
        raise Hint("You subtracted the prior: frequent classes must become more probable, not less.")
    if not np.array_equal(given, (densities + np.log(counts)).argmax(axis=1)):
        raise Hint("The densities are logarithms already: log(prior x density) = log(prior) + log(density).")


def _with_test_mean(X, train, test):
    return (X.loc[train] - X.loc[train].mean()) / X.loc[train].std(), (X.loc[test] - X.loc[test].mean()) / X.loc[
        test
    ].std()


def _mean_only(X, train, test):
    return X.loc[train] - X.loc[train].mean(), X.loc[test] - X.loc[train].mean()


def _before_the_split(X, train, test):
    scaled = (X - X.mean()) / X.std()
    return scaled.loc[train], scaled.loc[test]


def _train_alone(X, train, test):
    return (X.loc[train] - X.loc[train].mean()) / X.loc[train].std(), X.loc[test]


@exercise("05.2", wrong=[_before_the_split, _with_test_mean, _mean_only, _train_alone])
def scale(answer):
    """Scaling by the training rows alone."""
    names = pd.Index([f"toy/{number}" for number in range(6)], name="utterance")
    X = pd.DataFrame({"pitch": [100.0, 110, 130, 120, 300, 340], "level": [0.0, 2, 4, 6, 3, 1]}, names)
    train, test = names[:4], names[4:]
    heard, tested = (pd.DataFrame(part) for part in answer(X, train, test))
    if heard.shape != (4, 2) or tested.shape != (2, 2):
        raise Hint("Return two tables: the scaled training rows, then the scaled test rows.")
    if not np.allclose(heard.mean(), 0):
        raise Hint("The training rows do not have mean 0: mean and deviation still come from all rows.")
    if np.allclose(tested, X.loc[test]):
        raise Hint("The test rows are not scaled: the model would meet them in another unit.")
    if np.allclose(tested.mean(), 0):
        raise Hint("The test rows have a mean of their own: subtract the training mean from them, too.")
    deviations = [np.sqrt(((X.loc[train] - X.loc[train].mean()) ** 2).sum() / n) for n in (3, 4)]
    if not any(np.allclose(tested, (X.loc[test] - X.loc[train].mean()) / deviation) for deviation in deviations):
        raise Hint("Subtract the training mean, then divide by the training standard deviation; both parts alike.")


def _by_order(table):
    names = sorted(table.index)
    cut = int(0.8 * len(names))
    return names[:cut], names[cut:]


def _as_listed(table):
    cut = int(0.8 * len(table))
    return table.index[:cut], table.index[cut:]


def _shuffled(table):
    test = table.sample(frac=0.2, random_state=0).index
    return table.index.difference(test), test


def _all_heard(table):
    return table.index, table.index[table.speaker == "toy-06"]


def _nearly_all_tested(table):
    known = table.speaker == "toy-01"
    return table.index[known], table.index[~known]


@exercise("05.3", wrong=[_by_order, _as_listed, _shuffled, _all_heard, _nearly_all_tested])
def hold_out(answer):
    """Whole speakers in the test set, every emotion on both sides."""
    rows = [
        (f"toy/03-01-0{e}-01-01-01-0{s}", f"toy-0{s}", corpora.EMOTIONS[e - 1])
        for s in range(1, 7)
        for e in range(1, 9)
    ]
    table = pd.DataFrame(rows, columns=["utterance", "speaker", "emotion"]).set_index("utterance")
    train, test = (pd.Index(list(part)) for part in answer(table))
    if len(train.intersection(test)):
        raise Hint(f"{len(train.intersection(test))} utterances are on both sides: the test set must be new.")
    if set(train.union(test)) != set(table.index):
        raise Hint("Every utterance of the table belongs to one side: give back names from its index, all of them.")
    never = sorted(set(table.emotion[test]) - set(table.emotion[train]))
    if never:
        raise Hint(f"The test set asks for {' and '.join(never)}, which no training utterance is: do not cut by order.")
    both = sorted(set(table.speaker[train]) & set(table.speaker[test]))
    if both:
        raise Hint(f"{len(both)} of 6 speakers are on both sides, {both[0]} for one: hold out whole speakers.")
    if not 0.1 <= len(test) / len(table) <= 0.4:
        raise Hint(f"{len(test)} of {len(table)} utterances are a test set; about a fifth would do.")


class _ThreeEmotions:
    """A fitted classifier that knows three emotions, in the alphabet's order as scikit-learn keeps them."""

    classes_ = np.array(["angry", "happy", "neutral"])

    def predict_proba(self, X):
        return np.array([[0.1, 0.2, 0.7], [0.8, 0.1, 0.1], [0.3, 0.6, 0.1]])[: len(X)]

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


@exercise(
    "05.4",
    wrong=[
        lambda model, X: np.array(corpora.EMOTIONS)[model.predict_proba(X).argmax(axis=1)],
        lambda model, X: np.array(sorted(corpora.EMOTIONS))[model.predict_proba(X).argmax(axis=1)],
        lambda model, X: model.predict_proba(X).argmax(axis=1),
        lambda model, X: model.classes_[model.predict_proba(X).argmin(axis=1)],
        lambda model, X: model.classes_[model.predict_proba(X).argmax(axis=0)],
    ],
)
def name_them(answer):
    """Words for probabilities, by the model's own order."""
    given = [str(word) for word in answer(_ThreeEmotions(), np.zeros((3, 5)))]
    if given == ["neutral", "angry", "happy"]:
        return
    if given == ["happy", "neutral", "calm"]:
        raise Hint("Column 0 is not neutral: this model's columns are angry, happy, neutral. It says so in `classes_`.")
    if given == ["disgust", "angry", "calm"]:
        raise Hint("Right only for a model that knows all eight; this one knows three. Ask the model: `classes_`.")
    if given == ["2", "0", "1"]:
        raise Hint("These are column numbers: look the words up in `model.classes_`.")
    if given == ["angry", "happy", "neutral"]:
        raise Hint("You took the best utterance of each column; take the best column of each row: axis=1.")
    raise Hint("The largest probability of a row names its emotion: argmax, then `model.classes_`.")
