"""Voice quality: how regular the vocal folds swing and where the vocal tract resonates, measured with Praat."""

import numpy as np
from parselmouth.praat import call

from ser_helpers.features.prosodic import HIGHEST, LOWEST, to_sound

STEP = 0.02
FORMANT_CEILING = 5500
"""Praat looks for five formants below this frequency in Hz (its setting for women's voices, used for all)."""
_PERIODS = (0, 0, 0.0001, 0.02, 1.3)
_AMPLITUDES = (*_PERIODS, 1.6)
_JITTERS = ("local", "rap", "ppq5")
_SHIMMERS = ("local", "local_dB", "apq3", "apq5", "apq11")

NAMES = {
    "voice": (
        *(f"jitter_{measure}" for measure in _JITTERS),
        *(f"shimmer_{measure.lower()}" for measure in _SHIMMERS),
        *("hnr_mean_db", "hnr_sd_db"),
        *(f"f{number}_{statistic}_hz" for number in (1, 2, 3) for statistic in ("mean", "sd")),
    )
}


def voice_quality(y, sr):
    """Jitter, shimmer, harmonics-to-noise ratio and formants of the voiced parts of an utterance: 16 numbers.

    - **jitter**: how much a period differs from its neighbours (local, rap: over 3, ppq5: over 5), as a fraction.
    - **shimmer**: the same for the periods' amplitudes (local, apq3, apq5, apq11), as a fraction, and local in dB.
    - **hnr**: harmonics-to-noise ratio by cross-correlation, in dB: mean and standard deviation over voiced frames.
    - **f1, f2, f3**: formants by Burg's method, in Hz: mean and standard deviation over voiced frames.

    Praat's standard settings, with pitch between 75 and 600 Hz and a frame every 20 ms.

    Parameters
    ----------
    y : array (n,)
        Mono samples, at least 25 ms; a clip under 150 ms is padded with zeros to 150 ms.
    sr : int
        Sample rate in Hz; resampled to 16 kHz.

    Returns
    -------
    array (16,), float64
        In the order of ``names("voice")``. Always finite: what cannot be measured, for want of voice, is 0.

    Raises
    ------
    AudioError
        If `y` is not mono, shorter than 25 ms or not finite.

    Notes
    -----
    Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a sampled
    sound", IFA Proceedings 17, 1993; through Jadoul, Thompson and de Boer, "Introducing Parselmouth: A Python interface
    to Praat", Journal of Phonetics 71, 2018, doi:10.1016/j.wocn.2018.07.001.

    Examples
    --------
    Lesson 02. A steady tone has no jitter:

    >>> values = voice_quality(np.sin(2 * np.pi * 200 * np.arange(16000) / 16000), 16000)
    >>> dict(zip(NAMES["voice"], values.round(3).tolist()))["jitter_local"]
    0.0
    """
    sound = to_sound(y, sr)
    pitch = sound.to_pitch_ac(pitch_floor=LOWEST, pitch_ceiling=HIGHEST)
    pulses = call([sound, pitch], "To PointProcess (cc)")
    jitter = [call(pulses, f"Get jitter ({measure})", *_PERIODS) for measure in _JITTERS]
    shimmer = [call([sound, pulses], f"Get shimmer ({measure})", *_AMPLITUDES) for measure in _SHIMMERS]
    harmonicity = sound.to_harmonicity_cc(time_step=STEP, minimum_pitch=LOWEST).values[0]
    hnr = harmonicity[harmonicity > -200]  # Praat's mark of an unvoiced frame
    return np.nan_to_num([*jitter, *shimmer, *_mean_and_sd(hnr), *_formants(sound, pitch)])


def _formants(sound, pitch):
    tracks = sound.to_formant_burg(time_step=STEP, maximum_formant=FORMANT_CEILING)
    times = [time for time in tracks.xs() if pitch.get_value_at_time(time) > 0]
    for number in (1, 2, 3):
        track = np.array([tracks.get_value_at_time(number, time) for time in times])
        yield from _mean_and_sd(track[np.isfinite(track)])


def _mean_and_sd(values):
    return (values.mean(), values.std()) if values.size else (0, 0)
