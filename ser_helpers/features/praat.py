"""Prosody: how pitch, energy and tempo move over an utterance, measured with Praat.

Voice quality: how regular the vocal folds swing and where the vocal tract resonates, measured with Praat.
"""

import numpy as np
import parselmouth
from parselmouth.praat import call
from scipy.signal import find_peaks

from ser_helpers import audio

SAMPLE_RATE = 16000
STEP = 0.01
LOWEST, HIGHEST = 75, 600
"""Where the voice's pitch is looked for, in Hz."""
FAINTEST = 0
"""A recording whose loudest frame is below this, in dB, is silent: a full-scale sine has 91 dB."""
SILENCE = 25
"""A frame this far below the loudest, in dB, is silent."""
DEPTH = 60
"""No frame counts as further below the loudest than this, in dB; digital silence would be infinitely far."""
DIP = 2
"""Energy falls at least this far between two syllables, in dB."""
PAUSE = 0.3
"""A silence this long, in seconds, is a pause."""
SHORTEST = 0.15
"""A clip shorter than this, in seconds, is padded with zeros to it."""

NAMES = {
    "prosody": (
        *("f0_mean_hz", "f0_sd_hz", "f0_range_hz", "f0_slope_hz_per_s"),
        *("f0_mean_semitones", "f0_sd_semitones", "f0_range_semitones", "f0_slope_semitones_per_s"),
        *("energy_mean_db", "energy_sd_db", "energy_range_db", "energy_slope_db_per_s"),
        *("speech_rate_per_s", "articulation_rate_per_s", "pause_ratio", "voiced_fraction"),
    )
}


def prosody(y, sr):
    """Pitch, energy, speaking rate and pauses of an utterance: 16 numbers.

    All are taken between the first and the last sound, so silence around the utterance does not count.

    - **f0**: pitch by Praat's autocorrelation, 75-600 Hz, every 10 ms where voiced: mean, standard deviation, range
      (5th to 95th percentile) and slope of a straight line; in Hz, and in semitones above 100 Hz.
    - **energy**: the same four of Praat's intensity, in dB above 2e-5 (a full-scale sine has 91 dB).
    - **speech_rate**: syllable nuclei per second, which are voiced peaks of intensity, at most 25 dB below the loudest
      frame, with dips of 2 dB between them; **articulation_rate**: the same without the pauses.
    - **pause_ratio**: share of the time that is silent for at least 0.3 s; **voiced_fraction**: share that is voiced.

    Parameters
    ----------
    y : array (n,)
        Mono samples, at least 25 ms; a clip under 150 ms is padded with zeros to 150 ms.
    sr : int
        Sample rate in Hz; resampled to 16 kHz.

    Returns
    -------
    array (16,), float64
        In the order of ``names("prosody")``. Always finite: without voice the F0 values are 0, and all values of
        a silent clip are 0.

    Raises
    ------
    AudioError
        If `y` is not mono, shorter than 25 ms or not finite.

    Notes
    -----
    Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a sampled
    sound", IFA Proceedings 17, 1993. Syllables after de Jong and Wempe, "Praat script to detect syllable nuclei and
    measure speech rate automatically", Behavior Research Methods 41(2), 2009, doi:10.3758/BRM.41.2.385.

    Examples
    --------
    Lesson 02. A tone of 200 Hz:

    >>> values = prosody(np.sin(2 * np.pi * 200 * np.arange(16000) / 16000), 16000)
    >>> dict(zip(NAMES["prosody"], values.round(2).tolist()))["f0_mean_hz"]
    200.0
    """
    sound = to_sound(y, sr)
    times, energy = _energy(sound)
    if energy.max() < FAINTEST:
        return np.zeros(len(NAMES["prosody"]))
    loud = np.flatnonzero(energy > energy.max() - SILENCE)
    pitch = sound.to_pitch_ac(time_step=STEP, pitch_floor=LOWEST, pitch_ceiling=HIGHEST)
    f0, f0_times = pitch.selected_array["frequency"], pitch.xs()
    voiced = np.interp(times, f0_times, f0 > 0) >= 0.5
    f0, f0_times = f0[f0 > 0], f0_times[f0 > 0]

    spoken = slice(loud[0], loud[-1] + 1)
    gaps = (np.diff(loud) - 1) * STEP
    seconds, pauses = len(times[spoken]) * STEP, gaps[gaps >= PAUSE].sum()
    peaks, _ = find_peaks(energy, height=energy[loud].min(), prominence=DIP)
    syllables = voiced[peaks].sum()
    return np.array(
        [
            *_statistics(f0_times, f0),
            *_statistics(f0_times, 12 * np.log2(f0 / 100)),
            *_statistics(times[spoken], energy[spoken]),
            syllables / seconds,
            syllables / (seconds - pauses),
            pauses / seconds,
            voiced[spoken].mean(),
        ]
    )


def to_sound(y, sr):
    """Checked samples as a Praat sound at 16 kHz, padded with zeros to the 150 ms that its analyses need."""
    y = audio.resample(audio.check(y, sr), sr, SAMPLE_RATE)
    return parselmouth.Sound(audio.pad(y, int(SHORTEST * SAMPLE_RATE)).astype(np.float64), SAMPLE_RATE)


def _energy(sound):
    """Times in s and intensity in dB of frames from the first sample to the last, limited to `DEPTH`."""
    samples = sound.values[0] - sound.values.mean()
    padded = parselmouth.Sound(np.pad(samples, SAMPLE_RATE // 10), SAMPLE_RATE, start_time=-0.1)
    intensity = padded.to_intensity(minimum_pitch=50, time_step=STEP)
    inside = (intensity.xs() >= 0) & (intensity.xs() <= sound.duration)
    energy = intensity.values[0][inside]
    return intensity.xs()[inside], np.maximum(energy, energy.max() - DEPTH)


def _statistics(times, values):
    """Mean, standard deviation, range from the 5th to the 95th percentile, slope per second."""
    if len(values) < 2:
        return (*values, 0, 0, 0) if len(values) else (0, 0, 0, 0)
    low, high = np.percentile(values, [5, 95])
    return values.mean(), values.std(), high - low, np.polyfit(times, values, 1)[0]


VOICE_STEP = 0.02
FORMANT_CEILING = 5500
"""Praat looks for five formants below this frequency in Hz (its setting for women's voices, used for all)."""
_PERIODS = (0, 0, 0.0001, 0.02, 1.3)
_AMPLITUDES = (*_PERIODS, 1.6)
_JITTERS = ("local", "rap", "ppq5")
_SHIMMERS = ("local", "local_dB", "apq3", "apq5", "apq11")

NAMES["voice"] = (
    *(f"jitter_{measure}" for measure in _JITTERS),
    *(f"shimmer_{measure.lower()}" for measure in _SHIMMERS),
    *("hnr_mean_db", "hnr_sd_db"),
    *(f"f{number}_{statistic}_hz" for number in (1, 2, 3) for statistic in ("mean", "sd")),
)


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
    harmonicity = sound.to_harmonicity_cc(time_step=VOICE_STEP, minimum_pitch=LOWEST).values[0]
    hnr = harmonicity[harmonicity > -200]  # Praat's mark of an unvoiced frame
    return np.nan_to_num([*jitter, *shimmer, *_mean_and_sd(hnr), *_formants(sound, pitch)])


def _formants(sound, pitch):
    tracks = sound.to_formant_burg(time_step=VOICE_STEP, maximum_formant=FORMANT_CEILING)
    times = [time for time in tracks.xs() if pitch.get_value_at_time(time) > 0]
    for number in (1, 2, 3):
        track = np.array([tracks.get_value_at_time(number, time) for time in times])
        yield from _mean_and_sd(track[np.isfinite(track)])


def _mean_and_sd(values):
    return (values.mean(), values.std()) if values.size else (0, 0)
