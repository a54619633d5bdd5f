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
        lambda densities, counts: (densities + counts / counts.sum()).argmax(axis=1),
        lambda densities, counts: (densities * counts).argmax(axis=1),
        lambda densities, counts: (densities * np.log(counts)).argmax(axis=1),
        lambda densities, counts: (densities - np.log(counts)).argmax(axis=1),
        lambda densities, counts: (densities + np.log(counts)).argmin(axis=1),
        lambda densities, counts: (densities + np.log(counts)).max(axis=1),
        lambda densities, counts: (densities + np.log(counts)).argmax(axis=0),
        lambda densities, counts: (densities + np.log(counts)).argmax(),
        lambda densities, counts: densities + np.log(counts),
        lambda densities, counts: None,
    ],
)
def bayes(answer):
    """The class with the largest prior times density."""
    chances = [[0.002, 0.05, 0.1], [0.3, 0.2, 0.001], [0.002, 0.3, 0.001], [0.3, 0.01, 0.2], [0.01, 0.2, 0.1]]
    densities, counts = np.log(np.array(chances)), np.array([20, 100, 10])
    given = np.asarray(_something(answer(densities.copy(), counts.copy())))
    right = (densities + np.log(counts)).argmax(axis=1)
    if given.shape == densities.shape:
        raise Hint("You gave back the whole table: take the column of each row's largest value, argmax(axis=1).")
    if given.shape != (5,):
        raise Hint(f"5 utterances need 5 answers, and the shape of yours is {given.shape}: compare along axis 1.")
    if given.dtype.kind == "f" and not np.allclose(given % 1, 0):
        raise Hint("These are the largest values; the task asks for their columns: argmax instead of max.")
    if np.array_equal(given, right):
        return
    typical = [
        (densities, "You left the counts out: of two clouds equally dense, the more frequent class must win."),
        (densities - np.log(counts), "You subtracted the prior: frequent classes must become more probable, not less."),
        (-densities - np.log(counts), "These are the least probable classes: argmax instead of argmin."),
        (densities + counts, "You added the counts themselves; the densities are logarithms: add log(counts)."),
        (
            densities + counts / counts.sum(),
            "You added the share itself; all terms are logarithms: add log(share).",
        ),
        (densities * counts, "You multiplied; the densities are logarithms already, and a product becomes a sum."),
        (densities * np.log(counts), "You multiplied two logarithms: the logarithm of a product is the *sum* of both."),
    ]
    for score, hint in typical:
        if np.array_equal(given, score.argmax(axis=1)):
            raise Hint(hint)
    raise Hint("The densities are logarithms already: log(prior x density) = log(prior) + log(density).")


def _scaled(X, train, test, mean, deviation):
    return (X.loc[train] - mean) / deviation, (X.loc[test] - mean) / deviation


def _with_test_mean(X, train, test):
    return tuple((X.loc[rows] - X.loc[rows].mean()) / X.loc[rows].std() for rows in (train, test))


def _with_test_deviation(X, train, test):
    heard, _ = _scaled(X, train, test, X.loc[train].mean(), X.loc[train].std())
    return heard, (X.loc[test] - X.loc[train].mean()) / X.loc[test].std()


def _mean_only(X, train, test):
    return _scaled(X, train, test, X.loc[train].mean(), 1)


def _before_the_split(X, train, test):
    return _scaled(X, train, test, X.mean(), X.std())


def _deviation_of_all(X, train, test):
    return _scaled(X, train, test, X.loc[train].mean(), X.std())


def _by_variance(X, train, test):
    return _scaled(X, train, test, X.loc[train].mean(), X.loc[train].var())


def _train_alone(X, train, test):
    return (X.loc[train] - X.loc[train].mean()) / X.loc[train].std(), X.loc[test]


def _test_by_all(X, train, test):
    return _train_alone(X, train, test)[0], _before_the_split(X, train, test)[1]


def _one_table(X, train, test):
    return _train_alone(X, train, test)[0]


@exercise(
    "05.2",
    wrong=[
        _before_the_split,
        _with_test_mean,
        _with_test_deviation,
        _mean_only,
        _deviation_of_all,
        _by_variance,
        _train_alone,
        _test_by_all,
        _one_table,
        lambda X, train, test: None,
    ],
)
def scale(answer):
    """Scaling by the training rows alone."""
    names = pd.Index([f"toy/{number}" for number in range(6)], name="utterance")
    X = pd.DataFrame({"pitch": [100.0, 110, 130, 120, 300, 340], "level": [0.0, 2, 4, 6, 3, 1]}, names)
    train, test = names[:4], names[4:]
    given = _something(answer(X.copy(), train, test))
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise Hint("Return two tables: the scaled training rows, then the scaled test rows.")
    heard, tested = (np.asarray(part, dtype=float) for part in given)
    if heard.shape != (4, 2) or tested.shape != (2, 2):
        raise Hint("Return two tables: the scaled training rows, then the scaled test rows.")
    leaky = _before_the_split(X, train, test)[0]
    if any(np.allclose(heard, leaky * factor) for factor in (1, np.sqrt(6 / 5))):
        raise Hint("Mean and deviation still come from all rows: take those of X.loc[train], for both parts.")
    if np.allclose(tested, X.loc[test]):
        raise Hint("The test rows are not scaled: the model would meet them in another unit.")
    if np.allclose(tested.mean(axis=0), 0):
        raise Hint("The test rows have a mean of their own: subtract the training mean from them, too.")
    if not np.allclose(heard.mean(axis=0), 0):
        raise Hint("The training rows do not have mean 0: subtract the mean of the training rows.")
    rows = X.loc[train]
    if not any(np.allclose(heard.std(axis=0, ddof=ddof), 1) for ddof in (0, 1)):
        raise Hint("The training rows do not have deviation 1: divide by the standard deviation of the training rows.")
    if not any(np.allclose(tested, (X.loc[test] - rows.mean()) / rows.std(ddof=ddof)) for ddof in (0, 1)):
        raise Hint("The training rows are right. Use the same mean and deviation for the test rows.")


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


def _speakers_themselves(table):
    names = sorted(table.speaker.unique())
    return names[:5], names[5:]


def _positions(table):
    last = (table.speaker == "toy-06").to_numpy()
    return np.flatnonzero(~last), np.flatnonzero(last)


def _tables(table):
    return table[table.speaker != "toy-06"], table[table.speaker == "toy-06"]


def _all_folds(table):
    return corpora.split(table, "speaker", n_splits=5)


@exercise(
    "05.3",
    wrong=[
        _by_order,
        _as_listed,
        _shuffled,
        _all_heard,
        _nearly_all_tested,
        _speakers_themselves,
        _positions,
        _tables,
        _all_folds,
        lambda table: None,
    ],
)
def hold_out(answer):
    """Whole speakers in the test set, every emotion on both sides."""
    rows = [
        (f"toy/03-01-0{e}-01-01-01-0{s}", f"toy-0{s}", corpora.EMOTIONS[e - 1])
        for s in range(1, 7)
        for e in range(1, 9)
    ]
    table = pd.DataFrame(rows, columns=["utterance", "speaker", "emotion"]).set_index("utterance")
    given = _something(answer(table.copy()))
    if len(given) != 2:
        raise Hint(f"Return two lists, (train, test), and not {len(given)}: of several folds, take one.")
    if any(isinstance(part, pd.DataFrame) for part in given):
        raise Hint("These are tables; the task asks for names of utterances: the `index` of each.")
    train, test = (pd.Index(list(part)) for part in given)
    if len(train.intersection(test)):
        raise Hint(f"{len(train.intersection(test))} utterances are on both sides: the test set must be new.")
    strange = [name for name in (*train, *test) if name not in table.index]
    if strange:
        raise Hint(f"{strange[0]!r} is no name of an utterance: give back names from the index of the table.")
    if set(train) | set(test) != set(table.index):
        raise Hint("Some utterances are on neither side: each belongs to the training or to the test set.")
    never = sorted(set(table.emotion[test]) - set(table.emotion[train]))
    if never:
        raise Hint(f"The test set asks for {' and '.join(never)}, which no training utterance is: do not cut by order.")
    both = sorted(set(table.speaker[train]) & set(table.speaker[test]))
    if both:
        raise Hint(f"Of 6 speakers, {len(both)} stand on both sides, {both[0]} for one: hold out whole speakers.")
    if not 0.1 <= len(test) / len(table) <= 0.4:
        raise Hint(f"{len(test)} of {len(table)} utterances are a test set; about a fifth would do.")


class _Fitted:
    """A fitted classifier that knows three labels, in the alphabet's order as scikit-learn keeps them."""

    def __init__(self, *labels):
        self.classes_ = np.array(labels)

    def predict_proba(self, X):
        return np.array([[0.1, 0.2, 0.7], [0.8, 0.1, 0.1], [0.3, 0.6, 0.1]])[: len(X)]

    def predict(self, X):
        raise Hint("`predict` would say it, but here you are to name the columns of `predict_proba` yourself.")


@exercise(
    "05.4",
    wrong=[
        lambda model, X: np.array(corpora.EMOTIONS)[model.predict_proba(X).argmax(axis=1)],
        lambda model, X: np.array(sorted(corpora.EMOTIONS))[model.predict_proba(X).argmax(axis=1)],
        lambda model, X: np.array(["angry", "happy", "neutral"])[model.predict_proba(X).argmax(axis=1)],
        lambda model, X: model.predict_proba(X).argmax(axis=1),
        lambda model, X: model.classes_[model.predict_proba(X).argmin(axis=1)],
        lambda model, X: model.classes_[model.predict_proba(X).argmax(axis=0)],
        lambda model, X: model.predict_proba(X).max(axis=1),
        lambda model, X: model.predict(X),
        lambda model, X: None,
    ],
)
def name_them(answer):
    """Words for probabilities, by the model's own order."""
    X = np.zeros((3, 5))
    given = [str(word) for word in _something(answer(_Fitted("angry", "happy", "neutral"), X))]
    if given == ["neutral", "angry", "happy"]:
        others = [str(word) for word in answer(_Fitted("negative", "neutral", "positive"), X)]
        if others != ["positive", "negative", "neutral"]:
            raise Hint("Right for one model, wrong for one with other labels: do not write the words down yourself.")
        return
    if given == ["happy", "neutral", "calm"]:
        raise Hint("Column 0 is not neutral: this model's columns are angry, happy, neutral. It says so in `classes_`.")
    if given == ["disgust", "angry", "calm"]:
        raise Hint("Right only for a model that knows all eight; this one knows three. Ask the model: `classes_`.")
    if given == ["2", "0", "1"]:
        raise Hint("These are column numbers: look the words up in `model.classes_`.")
    if given == ["0.7", "0.8", "0.6"]:
        raise Hint("These are the largest probabilities; find their columns (argmax), then the words of these columns.")
    if given == ["happy", "neutral", "angry"]:
        raise Hint("You took the best utterance of each column; take the best column of each row: axis=1.")
    if given == ["angry", "happy", "neutral"]:
        raise Hint("These are the least probable words of each row: argmax instead of argmin.")
    raise Hint("The largest probability of a row names its emotion: argmax, then `model.classes_`.")


def _something(given):
    """What the student's function gives back, if anything."""
    if given is None:
        raise Hint("Your function gives nothing back: end it with `return`.")
    return given
