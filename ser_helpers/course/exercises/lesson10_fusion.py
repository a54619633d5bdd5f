"""Checkers of Lesson 10, fusion."""

import numpy as np
import pandas as pd

from ser_helpers.course.checks import Hint, exercise


def _by_position(A, T):
    return pd.concat({"audio": A.reset_index(drop=True), "text": T.reset_index(drop=True)}, axis=1).set_index(A.index)


def _position_of_the_words(A, T):
    return pd.concat({"audio": A.set_axis(T.index[: len(A)]), "text": T[: len(A)]}, axis=1)


def _as_array(A, T):
    return np.hstack([A, T[: len(A)]])


def _with_gaps(A, T):
    return pd.concat({"audio": A, "text": T}, axis=1)


def _flat(A, T):
    return A.join(T, how="inner")


@exercise(
    "10.1",
    wrong=[_by_position, _position_of_the_words, _as_array, _with_gaps, _flat, lambda A, T: None],
)
def side_by_side(answer):
    """Rows joined by the names of utterances; columns of two levels."""
    A = pd.DataFrame({"pitch": [1.0, 2.0, 3.0, 4.0], "level": [5.0, 6.0, 7.0, 8.0]}, index=["a", "b", "c", "d"])
    T = pd.DataFrame({"valence": [40.0, 30.0, 10.0, 50.0]}, index=["d", "c", "a", "e"])
    given = _something(answer(A.copy(), T.copy()))
    if not isinstance(given, pd.DataFrame):
        raise Hint("An array has lost the names of the utterances, and with them every way to check it: keep a table.")
    names = [str(name) for name in given.index]
    if given.columns.nlevels != 2:
        raise Hint("The columns need two levels, (modality, feature): pd.concat of a dict gives them.")
    if set(names) == set("abcde") or given.isna().to_numpy().any():
        raise Hint("Some rows lack one side and are filled with NaN: keep utterances that are in both, join='inner'.")
    lonely = next((name for name in names if name in "be"), None)
    if lonely:
        raise Hint(f"Utterance {lonely!r} is in one table only, yet it got both sides: join by name, not by position.")
    if set(names) != set("acd"):
        raise Hint(f"The rows are {', '.join(names)}; both tables hold a, c and d: join them by name.")
    if list(given.columns.unique(0)) != ["audio", "text"]:
        raise Hint("Name the two modalities 'audio' and 'text', in this order.")
    values = given.loc[list("acd")].to_numpy(dtype=float)
    if not np.array_equal(values[:, :2], A.loc[list("acd")]):
        raise Hint("An utterance got the voice of another one: pandas joins by index if you let it.")
    if not np.array_equal(values[:, 2], [10.0, 30.0, 40.0]):
        raise Hint("Utterance 'a' got the words of another one: the second table is in another order.")


def _plain_mean(voice, words):
    return (voice + words) / 2


def _zero_for_silence(voice, words):
    return (np.nan_to_num(voice) + np.nan_to_num(words)) / 2


def _guess_for_silence(voice, words):
    even = 1 / voice.shape[1]
    return (np.where(np.isnan(voice), even, voice) + np.where(np.isnan(words), even, words)) / 2


def _voice_first(voice, words):
    return np.where(np.isnan(voice), words, voice)


@exercise(
    "10.2",
    wrong=[
        _plain_mean,
        _zero_for_silence,
        _guess_for_silence,
        _voice_first,
        lambda voice, words: np.nansum([voice, words], axis=0),
        lambda voice, words: np.nanmean([voice, words]),
        lambda voice, words: np.nanmean([voice, words], axis=0).argmax(axis=1),
        lambda voice, words: None,
    ],
)
def vote(answer):
    """The mean of two branches; where one is silent, the other alone."""
    voice = np.array([[0.6, 0.3, 0.1], [np.nan] * 3, [0.2, 0.2, 0.6]])
    words = np.array([[0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [np.nan] * 3])
    given = np.asarray(_something(answer(voice.copy(), words.copy())), dtype=float)
    if given.shape != voice.shape:
        raise Hint(f"3 utterances and 3 labels need probabilities of the shape (3, 3), and yours have {given.shape}.")
    if np.isnan(given).any():
        raise Hint("NaN plus anything is NaN: where one branch is silent, the vote is silent too. See np.nanmean.")
    if np.allclose(given[0], voice[0]):
        raise Hint("Where both branches speak, both must count: the first row is the voice alone.")
    if not np.allclose(given[0], [0.4, 0.5, 0.1]):
        raise Hint("The first row, where both speak, must be the mean of the two: divide the sum by 2.")
    if np.allclose(given[1], words[1] / 2):
        raise Hint(
            "The second row adds up to 0.5: a silent branch is no branch that says 0. Divide by those who spoke."
        )
    if not np.allclose(given[1], words[1]) or not np.allclose(given[2], voice[2]):
        raise Hint("Where one branch is silent, the other's probabilities must come out unchanged: it decides alone.")


_LABELS = ("happy", "sad")


def _probabilities(right, truth):
    """Probabilities that give 0.9 to the right label where `right`, and 0.1 where not."""
    happy = np.where((truth == "happy") == np.array(right), 0.9, 0.1)
    return pd.DataFrame({"happy": happy, "sad": 1 - happy}, index=truth.index)


def _score(weight, voice, words, truth, rows):
    mixed = weight * voice.loc[rows] + (1 - weight) * words.loc[rows]
    return (mixed.idxmax(axis=1) == truth.loc[rows]).mean()


def _chosen_on(rows_of):
    def answer(voice, words, truth, train, test):
        rows = rows_of(voice, train, test)
        return max(np.linspace(0, 1, 11), key=lambda weight: _score(weight, voice, words, truth, rows))

    return answer


@exercise(
    "10.3",
    wrong=[
        _chosen_on(lambda voice, train, test: test),
        _chosen_on(lambda voice, train, test: voice.index),
        lambda voice, words, truth, train, test: max(
            _score(weight, voice, words, truth, train) for weight in np.linspace(0, 1, 11)
        ),
        lambda voice, words, truth, train, test: 0.5,
        lambda voice, words, truth, train, test: None,
    ],
)
def choose_weight(answer):
    """The weight of the voice that is right most often on training utterances."""
    for better, other in (("voice", "words"), ("words", "voice")):
        names = [f"u{number:02}" for number in range(40)]
        train, test = names[:10], names[10:]
        truth = pd.Series([_LABELS[number % 2] for number in range(40)], names)
        mostly, never = [name in train[:8] for name in names], [name in test for name in names]
        found = {better: _probabilities(mostly, truth), other: _probabilities(never, truth)}
        parts = found["voice"], found["words"], truth
        weight = float(_something(answer(*(part.copy() for part in parts), list(train), list(test))))
        if not 0 <= weight <= 1:
            raise Hint(f"A weight lies between 0 and 1, and yours is {weight:.2f}.")
        if weight == 0.5:
            raise Hint("Half and half is no choice: try weights from 0 to 1 and keep the best on the training rows.")
        if better == "words" and weight == 0.8:
            raise Hint("This is the best score, the share that is right; return the weight that reaches it.")
        if (weight > 0.5) != (better == "voice"):
            raise Hint("Your weight fits the test utterances: they have chosen it. Only the rows in `train` may.")


def _softmax(scores, axis=-1):
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def _attended(Q, K, V, mask, scale=True, axis=-1, hide="before"):
    scores = Q @ K.T / (np.sqrt(Q.shape[1]) if scale else 1)
    if hide == "before":
        scores = np.where(mask, scores, -1e9)
    weights = _softmax(scores, axis)
    return (weights * mask if hide == "after" else weights) @ V


@exercise(
    "10.4",
    wrong=[
        lambda Q, K, V, mask: _attended(Q, K, V, mask, scale=False),
        lambda Q, K, V, mask: _attended(Q, K, V, mask, axis=0),
        lambda Q, K, V, mask: _attended(Q, K, V, mask, hide="never"),
        lambda Q, K, V, mask: _attended(Q, K, V, mask, hide="after"),
        lambda Q, K, V, mask: _softmax(np.where(mask, Q @ K.T / np.sqrt(Q.shape[1]), -1e9)),
        lambda Q, K, V, mask: _attended(K, Q, Q, np.ones(len(Q))),
        lambda Q, K, V, mask: None,
    ],
)
def cross_attention(answer):
    """For each query, the weighted sum of the values whose mask is True."""
    random = np.random.default_rng(0)
    Q, K, V = (random.normal(size=shape) for shape in ((3, 4), (6, 4), (6, 5)))
    mask = np.array([True, True, True, True, False, False])
    given = np.asarray(_something(answer(Q.copy(), K.copy(), V.copy(), mask.copy())), dtype=float)
    if given.shape == (3, 6):
        raise Hint("These are the weights; the output is their sum over the values: weights @ V.")
    if given.shape != (3, 5):
        raise Hint(f"3 words and values of length 5 need the shape (3, 5), and yours is {given.shape}: words ask.")
    if np.allclose(given, _attended(Q, K, V, mask)):
        return
    typical = [
        ({"hide": "never"}, "The two frames whose mask is False got weight: give them the score -inf before softmax."),
        ({"hide": "after"}, "You hid frames after softmax, so the weights no longer add up to 1: hide them before."),
        ({"scale": False}, "Divide the scores by the root of the length of a query, here 2: np.sqrt(Q.shape[1])."),
        ({"axis": 0}, "Softmax runs over the frames, so that the weights of each *word* add up to 1: axis=1."),
    ]
    for mistake, hint in typical:
        if np.allclose(given, _attended(Q, K, V, mask, **mistake)):
            raise Hint(hint)
    raise Hint("Scores Q @ K.T / √length, -inf where the mask is False, softmax over frames, then weights @ V.")


def _something(given):
    """What the student's function gives back, if anything."""
    if given is None:
        raise Hint("Your function gives nothing back: end it with `return`.")
    return given
