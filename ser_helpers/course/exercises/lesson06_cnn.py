"""Checkers of lesson 06, a CNN on spectrograms."""

import numpy as np
import pandas as pd

from ser_helpers.course.checks import Hint, exercise


@exercise(
    "06.2",
    wrong=[
        lambda y, noise, snr: y + noise,
        lambda y, noise, snr: y + noise / np.std(noise) * np.std(y) * 10 ** (-snr / 10),
        lambda y, noise, snr: y + noise / np.std(noise) * np.std(y) * 10 ** (snr / 20),
        lambda y, noise, snr: y + noise * np.std(y) * 10 ** (-snr / 20),
        lambda y, noise, snr: y + noise / np.std(noise) * 10 ** (-snr / 20),
        lambda y, noise, snr: noise / np.std(noise) * np.std(y) * 10 ** (-snr / 20),
    ],
)
def add_noise(answer):
    """Noise at a signal-to-noise ratio in dB."""
    rng = np.random.default_rng(0)
    y, noise = 0.1 * np.sin(np.arange(16000)), 0.5 * rng.standard_normal(16000)

    def measured(snr, level=1, noisiness=1):
        added = np.asarray(answer(level * y, noisiness * noise, snr)) - level * y
        return 10 * np.log10(np.mean((level * y) ** 2) / np.mean(added**2))

    if np.isclose(measured(10), measured(20)):
        raise Hint("Your noise is as loud at 10 dB as at 20 dB: scale it by a factor that depends on snr.")
    if measured(20) < measured(10):
        raise Hint("A higher SNR means less noise: mind the sign of the exponent.")
    if np.corrcoef(answer(y, noise, 60), y)[0, 1] < 0.9:
        raise Hint("At 60 dB the speech is hardly to be heard: return y plus the scaled noise, not the noise alone.")
    if np.isclose(measured(20) - measured(10), 20, atol=0.1):
        raise Hint("The SNR is a ratio of powers; a factor on samples is its square root: snr / 20, not snr / 10.")
    if not np.isclose(measured(10), measured(10, noisiness=3)):
        raise Hint("Louder noise came out louder: first divide the noise by its own RMS.")
    if not np.isclose(measured(10), measured(10, level=3)):
        raise Hint("For louder speech the noise must be louder too: multiply it by the RMS of the speech.")
    if not np.isclose(measured(10), 10, atol=0.1):
        raise Hint(f"At snr=10 the measured ratio is {measured(10):.1f} dB: check the factor on paper.")


def _pad(spectrogram, width, level=-100.0):
    return np.pad(spectrogram, ((0, max(0, width - len(spectrogram))), (0, 0)), constant_values=level)


@exercise(
    "06.1",
    wrong=[
        lambda spectrogram, width: spectrogram if len(spectrogram) > width else _pad(spectrogram, width),
        lambda spectrogram, width: spectrogram[:width],
        lambda spectrogram, width: _pad(spectrogram, width, level=0.0)[:width],
        lambda spectrogram, width: _pad(spectrogram, width)[:width].T,
        lambda spectrogram, width: _pad(spectrogram, width)[-width:],
        lambda spectrogram, width: np.resize(spectrogram, (width, spectrogram.shape[1])),
    ],
)
def same_width(answer):
    """Spectrograms of one width: cut when long, padded with silence when short."""
    rng = np.random.default_rng(0)
    long, short = rng.uniform(-90, 0, (50, 8)), rng.uniform(-90, 0, (20, 8))
    cut, padded, whole = (np.asarray(answer(array, 30)) for array in (long, short, long[:30]))
    if cut.shape == (8, 30):
        raise Hint("Frames are rows and bands are columns, before and after: do not transpose.")
    if len(cut) == 50:
        raise Hint("A spectrogram of 50 frames came back with all 50: cut in the branch of the long ones, too.")
    if len(padded) == 20:
        raise Hint("A spectrogram of 20 frames came back with 20: pad the short ones.")
    if cut.shape != (30, 8) or padded.shape != (30, 8):
        raise Hint(f"For width 30 and 8 bands the shapes are {cut.shape} and {padded.shape}; both must be (30, 8).")
    if not np.array_equal(whole, long[:30]):
        raise Hint("A spectrogram that has the right width already must come back as it is.")
    if not np.array_equal(cut, long[:30]):
        raise Hint("Of a long spectrogram keep the first frames.")
    if np.all(padded[20:] == 0):
        raise Hint("You padded with 0, and 0 dB is the loudest there is: silence is -100 dB here.")
    if not np.array_equal(padded[:20], short) or not np.all(padded[20:] == -100):
        raise Hint("A short spectrogram comes first, and only silence, -100 dB, after it.")


def _random_rows(X, copy, test):
    everything = pd.concat([X, copy])
    return everything.iloc[: -len(test)], everything.iloc[-len(test) :]


@exercise(
    "06.3",
    wrong=[
        _random_rows,
        lambda X, copy, test: (pd.concat([X.drop(test), copy]), X.loc[test]),
        lambda X, copy, test: (pd.concat([X.drop(test), copy.drop(test)]), pd.concat([X.loc[test], copy.loc[test]])),
        lambda X, copy, test: (X.drop(test), X.loc[test]),
        lambda X, copy, test: (pd.concat([X, copy.drop(test)]), X.loc[test]),
        lambda X, copy, test: (copy.drop(test), X.loc[test]),
        lambda X, copy, test: pd.concat([X.drop(test), copy.drop(test)]),
    ],
)
def training_and_test(answer):
    """Copies of the training utterances only."""
    names = pd.Index([f"toy/{number}" for number in range(6)], name="utterance")
    X = pd.DataFrame({"level": np.arange(6.0)}, names)
    copy, test = X + 0.5, names[[1, 4]]
    parts = answer(X, copy, test)
    if not isinstance(parts, tuple) or len(parts) != 2:
        raise Hint("Return two tables, training and test, in this order.")
    training, tested = parts
    if not set(tested.index) <= set(test):
        raise Hint("There are utterances in your test set that are not in `test`: split first, by name, then augment.")
    if len(tested) > len(test):
        raise Hint("Your test set holds copies: nobody will speak twice with noise added; test on X.loc[test] alone.")
    heard = training.index.intersection(test)
    if any(training.loc[heard, "level"] % 1 == 0):
        raise Hint("Test utterances are in your training set: drop them from X.")
    if len(heard):
        raise Hint("Copies of test utterances are in your training set: the same words by the same voice; drop them.")
    levels = set(training["level"])
    if not any(level % 1 for level in levels):
        raise Hint("Your training set has no copies at all: add those of the training utterances.")
    if levels != {0, 2, 3, 5, 0.5, 2.5, 3.5, 5.5} or len(training) != 8:
        raise Hint("The training set holds each training utterance twice: as recorded, and its copy.")
    if sorted(tested["level"]) != [1, 4]:
        raise Hint("The test set holds the test utterances as recorded: X.loc[test].")


def _recalls(truth, predicted, labels):
    return [np.mean(predicted[truth == label] == label) for label in labels]


@exercise(
    "06.4",
    wrong=[
        lambda truth, predicted: np.mean(truth == predicted),
        lambda truth, predicted: np.mean(_recalls(predicted, truth, np.unique(predicted))),
        lambda truth, predicted: np.sum(_recalls(truth, predicted, np.unique(truth))),
        lambda truth, predicted: np.mean(_recalls(truth, predicted, np.unique(truth))[:2]),
        lambda truth, predicted: np.mean(_recalls(truth, predicted, np.unique(truth))) * 100,
    ],
)
def score(answer):
    """The mean of the recalls, whatever the classes' sizes."""
    truth = np.array(["neutral"] * 8 + ["angry", "sad"] * 2)
    lazy = np.full(12, "neutral")
    half = np.array(["neutral"] * 4 + ["angry"] * 4 + ["angry", "sad", "sad", "sad"])
    if np.isclose(answer(truth, half), np.mean([1, 1 / 5, 2 / 3])):
        raise Hint("You took the shares of what was predicted, which is precision; recall shares out the truth.")
    given = answer(truth, lazy)
    if np.isclose(given, 8 / 12):
        raise Hint("Whoever always says neutral still scores 0.67: first the recall of each emotion, then their mean.")
    if np.isclose(given, 1):
        raise Hint("You add the recalls up; their mean is wanted.")
    if np.isclose(given, 100 / 3):
        raise Hint("A share lies between 0 and 1: do not multiply by 100.")
    if not np.isclose(given, 1 / 3):
        raise Hint(f"Three emotions, one of them always right, makes 1/3; yours is {given:.3g}.")
    if not np.isclose(answer(truth, half), np.mean([0.5, 0.5, 1])):
        raise Hint("Right for one answer to all; now check a mixed one: recalls of 0.5, 0.5 and 1 make 0.67.")
