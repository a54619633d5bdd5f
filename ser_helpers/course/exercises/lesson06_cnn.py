"""Checkers of lesson 06: spectrograms of one width, noise in dB, augmentation without a leak, the UAR."""

import numpy as np
import pandas as pd

from ser_helpers.course.checks import Hint, as_array, as_pair, exercise, expect


@exercise("06.1")
def same_width(answer):
    """Spectrograms of one width: long ones cut, short ones padded with silence."""
    rng = np.random.default_rng(0)
    long, short = rng.uniform(-90, 0, (50, 8)), rng.uniform(-90, 0, (20, 8))
    cut, padded, whole = (
        as_array(
            answer(spectrogram, 30),
            (30, 8),
            f"A spectrogram of {len(spectrogram)} frames and 8 bands must become 30 frames of 8 bands.",
            ((8, 30), "Frames are rows and bands are columns, before and after: do not transpose."),
            ((50, 8), "A spectrogram of 50 frames kept all 50: cut in the branch for long ones, too."),
            ((20, 8), "A spectrogram of 20 frames still has 20: pad the short ones."),
        )
        for spectrogram in (long, short, long[:30])
    )
    expect(whole, long[:30], "A spectrogram that already has the right width must not change.")
    expect(cut, long[:30], "Of a long spectrogram, keep the first frames.")
    if np.all(padded[20:] == 0):
        raise Hint("You padded with 0, but 0 dB is the loudest level here: silence is -100 dB.")
    expect(padded[:20], short, "Of a short spectrogram, all frames come first, then the padding.")
    expect(padded[20:], np.full((10, 8), -100), "Behind a short spectrogram comes silence only: -100 dB.")


@exercise("06.2")
def add_noise(answer):
    """Noise at a signal-to-noise ratio in dB."""
    rng = np.random.default_rng(0)
    speech, noise = 0.1 * np.sin(np.arange(16000)), 0.5 * rng.standard_normal(16000)

    def measured(snr, y=speech, noise=noise):
        noisy = as_array(answer(y, noise, snr), y.shape, "The recording keeps its length.")
        return 10 * np.log10(np.mean(y**2) / np.mean((noisy - y) ** 2))

    at_10, at_20 = measured(10), measured(20)
    if np.isclose(at_10, at_20):
        raise Hint(f"Your SNR is {at_10:.1f} dB for snr=10 and 20: scale the noise by a factor that depends on snr.")
    if at_20 < at_10:
        raise Hint(f"Your SNR is {at_10:.1f} dB at snr=10 and {at_20:.1f} dB at 20: check the sign of the exponent.")
    if np.corrcoef(answer(speech, noise, 60), speech)[0, 1] < 0.9:
        raise Hint("At 60 dB the speech is barely there: return y plus the scaled noise, not the noise alone.")
    if abs(at_20 - at_10 - 20) < 0.1:
        raise Hint("The SNR is a ratio of powers; a factor on samples is its square root: snr / 20, not snr / 10.")
    if not np.isclose(at_10, measured(10, noise=3 * noise)):
        raise Hint("Louder noise came out louder: first divide the noise by its own RMS.")
    if not np.isclose(at_10, measured(10, y=3 * speech)):
        raise Hint("Louder speech needs louder noise: multiply the noise by the RMS of the speech.")
    if abs(at_10 - 10) > 0.1:
        raise Hint(f"At snr=10 the measured SNR is {at_10:.1f} dB: check the factor on paper.")


@exercise("06.3")
def training_and_test(answer):
    """Copies of the training utterances only."""
    names = pd.Index([f"toy/{number}" for number in range(6)], name="utterance")
    X = pd.DataFrame({"level": np.arange(6.0)}, names)  # recordings have whole levels, copies halves
    test = names[[1, 4]]
    training, tested = as_pair(answer(X, X + 0.5, test), "(training table, test table)")
    if not set(tested.index) <= set(test):
        raise Hint("Your test set contains utterances that are not in `test`: split by name first, then augment.")
    if len(tested) > len(test):
        raise Hint("Your test set contains copies, but nobody speaks twice with noise added: test on X.loc[test] only.")
    leaked = training.loc[training.index.isin(test), "level"]
    if any(leaked % 1 == 0):
        raise Hint("Test utterances are in your training set: drop them from X.")
    if len(leaked):
        raise Hint("Copies of test utterances are in your training set, the same words in the same voice: drop them.")
    levels = sorted(training["level"])
    if not any(level % 1 for level in levels):
        raise Hint("Your training set contains no copies: add those of the training utterances.")
    if levels != [0, 0.5, 2, 2.5, 3, 3.5, 5, 5.5]:
        raise Hint("The training set must contain each training utterance twice: as recorded and as a copy.")
    expect(sorted(tested["level"]), [1, 4], "The test set contains the test utterances as recorded: X.loc[test].")


@exercise("06.4")
def uar(answer):
    """The mean of the recalls, whatever the sizes of the classes."""
    truth = np.array(["neutral"] * 8 + ["angry", "sad"] * 2)
    mixed = np.array(["neutral"] * 4 + ["angry"] * 4 + ["angry", "sad", "sad", "sad"])
    expect(
        answer(truth, mixed),
        2 / 3,
        "Three emotions with recalls of 0.5, 0.5 and 1 have a mean of 0.67.",
        (7 / 12, "That is the accuracy, where neutral counts most: first the recall of each emotion, then their mean."),
        (28 / 45, "That is precision: how often each *predicted* label is true. Recall starts from the truth."),
        (2, "You added the recalls; divide by their number."),
        (200 / 3, "A share is between 0 and 1: do not multiply by 100."),
    )
    hint = "Always saying neutral gives recalls of 1, 0 and 0, so a score of 0.33: average over the labels in truth."
    expect(answer(truth, np.full(12, "neutral")), 1 / 3, hint)
