"""Wrong answers to the exercises of lesson 06."""

import numpy as np
import pandas as pd


def _pad(spectrogram, width, level=-100.0, before=0):
    missing = max(0, width - len(spectrogram))
    padding = (min(before, missing), missing - min(before, missing))
    return np.pad(spectrogram, (padding, (0, 0)), constant_values=level)


def _noisy(y, noise, snr, noise_rms=None, speech_rms=None, factor=1.0):
    noise_rms = np.std(noise) if noise_rms is None else noise_rms
    speech_rms = np.std(y) if speech_rms is None else speech_rms
    return y + factor * noise / noise_rms * speech_rms * 10 ** (-snr / 20)


def _random_rows(X, copy, test):
    everything = pd.concat([X, copy])
    return everything.iloc[: -len(test)], everything.iloc[-len(test) :]


def _recalls(truth, predicted, labels):
    return np.array([np.mean(predicted[truth == label] == label) for label in np.unique(labels)])


WRONG = {
    "06.1": [
        lambda spectrogram, width: spectrogram if len(spectrogram) > width else _pad(spectrogram, width),
        lambda spectrogram, width: spectrogram[:width],
        lambda spectrogram, width: _pad(spectrogram, width, level=0.0)[:width],
        lambda spectrogram, width: _pad(spectrogram, width)[:width].T,
        lambda spectrogram, width: _pad(spectrogram, width)[-width:],
        lambda spectrogram, width: np.resize(spectrogram, (width, spectrogram.shape[1])),
        lambda spectrogram, width: _pad(spectrogram, width, before=5)[:width],
        lambda spectrogram, width: _pad(spectrogram, width)[:width] - (len(spectrogram) == width),
        lambda spectrogram, width: spectrogram[:1],
    ],
    "06.2": [
        lambda y, noise, snr: y + noise,
        lambda y, noise, snr: _noisy(y, noise, 2 * snr),
        lambda y, noise, snr: _noisy(y, noise, -snr),
        lambda y, noise, snr: _noisy(y, noise, snr, noise_rms=1),
        lambda y, noise, snr: _noisy(y, noise, snr, speech_rms=1),
        lambda y, noise, snr: _noisy(y, noise, snr) - y,
        lambda y, noise, snr: _noisy(y, noise, snr, factor=2),
        lambda y, noise, snr: np.concatenate([y, noise]),
    ],
    "06.3": [
        _random_rows,
        lambda X, copy, test: (pd.concat([X.drop(test), copy]), X.loc[test]),
        lambda X, copy, test: (pd.concat([X.drop(test), copy.drop(test)]), pd.concat([X.loc[test], copy.loc[test]])),
        lambda X, copy, test: (X.drop(test), X.loc[test]),
        lambda X, copy, test: (pd.concat([X, copy.drop(test)]), X.loc[test]),
        lambda X, copy, test: (copy.drop(test), X.loc[test]),
        lambda X, copy, test: (pd.concat([X.drop(test), copy.drop(test)]), copy.loc[test]),
        lambda X, copy, test: pd.concat([X.drop(test), copy.drop(test)]),
    ],
    "06.4": [
        lambda truth, predicted: np.mean(truth == predicted),
        lambda truth, predicted: np.mean(_recalls(predicted, truth, labels=predicted)),
        lambda truth, predicted: np.sum(_recalls(truth, predicted, labels=truth)),
        lambda truth, predicted: np.mean(_recalls(truth, predicted, labels=truth)[:2]),
        lambda truth, predicted: np.mean(_recalls(truth, predicted, labels=truth)) * 100,
        lambda truth, predicted: np.mean(_recalls(truth, predicted, labels=predicted)),
    ],
}
