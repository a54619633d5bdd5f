"""Laughter: calls of breath and voice, "ha ha ha", several in a second, falling in loudness and pitch.

A call is some 0.2 s long, breath and then a vowel, at about twice the pitch of speech (Bachorowski, Smoski & Owren
2001, doi:10.1121/1.1391244). The breath and the vowel are frames of the stored sentence "Ha ha ha ha ha."; the voice is
the actor's, in the same vocoder as speech.

The show's jingle: a short tune of plucked notes, so that an episode is not speech alone.

A telephone line: the band, the noise around the caller, the echo of the other side, the codec.

The band is 300–3400 Hz at 8 kHz, the codec the mu-law of ITU-T Recommendation G.711.
"""

import io
from functools import cache

import numpy as np
import soundfile as sf
from scipy.signal import butter, lfilter, resample_poly, sosfilt

from ser_helpers.errors import CorpusError
from ser_helpers.synthesis.prosody import NEUTRAL, PROSODY, Cues, Performance, performance
from ser_helpers.synthesis.rng import make_rng, slow_noise
from ser_helpers.synthesis.vocoder import DB, HOP, SAMPLE_RATE, Frames, carrier, render
from ser_helpers.synthesis.voices import speaker

SHORTEST, LONGEST = 0.3, 20  # seconds
FRAMES_PER_SECOND = SAMPLE_RATE // HOP
HA = "Ha ha ha ha ha."
BREATH, VOWEL = np.arange(18, 25), np.arange(25, 34)  # its frames: one h, one a
CALL, CALL_SPREAD = 0.19, 0.03  # seconds from one call to the next
VOICED = 0.4  # of a call is vowel
FADE = 9  # dB that the last call is softer than the first
FALL = 4  # semitones that it is lower
SIGH = 0.25  # seconds of breath drawn in after a laugh of a second or more
SIGH_DB = -8
BREATHY = 0.3  # share of laughs with little voice
LEVEL, LEVEL_SPREAD = 6, 4  # dB above neutral speech


def laugh(actor=1, seconds=1.5, seed=0):
    """One laugh: `(y, sr)`, y (n,) float32 within ±1, sr 16000, about so many seconds long (Lesson 11).

    `actor` is 1–99, as for `say`; another `seed` is another laugh of the same actor. Raises CorpusError for an actor
    that is none and for less than 0.3 or more than 20 s.

    >>> y, sr = laugh(actor=42, seconds=2)
    >>> sr, 1.5 < len(y) / sr < 2.5
    (16000, True)
    """
    if not SHORTEST <= seconds <= LONGEST:
        raise CorpusError(f"A laugh cannot last {seconds} s: choose from {SHORTEST} to {LONGEST} s.")
    return np.tanh(laughter(speaker(actor), seconds, make_rng("laugh", actor, seed))), SAMPLE_RATE


def laughter(voice, seconds, rng):
    """`laugh` in the voice of a `speakers.Speaker`, before its peaks are softly limited: (n,) float32 at 16 kHz."""
    breathy = rng.random() < BREATHY
    cues = Cues(*PROSODY[NEUTRAL])._replace(
        f0=rng.normal(11, 2.5),
        range=rng.normal(1.6, 0.2),
        dur=1 / voice.rate,
        db=rng.normal(LEVEL, LEVEL_SPREAD) - 4 * breathy,
        tilt=rng.normal(0.5, 0.4),
        breath=rng.normal(5, 2),
        jitter=rng.uniform(0.8, 2.5),
        shimmer=rng.uniform(0.2, 1),
        whisper=rng.uniform(0.35, 0.5) if breathy else 0.02,
        pause=0,
    )
    colour = voice.colour + rng.normal(0, 0.8, len(voice.colour))
    return render(_frames(seconds, rng), voice, Performance(cues, colour, (0.7, 0.6, 0.2)), rng)


def _frames(seconds, rng):
    """The calls of one laugh, and the breath after it, as `Frames` of the stored voice."""
    said = carrier(HA)
    sigh = SIGH if seconds >= 1 else 0
    lengths = _calls(seconds - sigh, rng)
    taken, melody, level = [], [], []
    for k, length in enumerate(lengths):
        vowel = max(int(VOICED * length), 3)
        taken += [_stretched(BREATH, length - vowel), _stretched(VOWEL, vowel)]
        along = k / max(len(lengths) - 1, 1)
        arch = np.sin(np.pi * (np.arange(vowel) + 0.5) / vowel)
        melody += [np.zeros(length - vowel), 2 ** ((rng.normal(0, 1) - FALL * along + 1.5 * arch) / 12)]
        level.append(np.full(length, rng.normal(0, 1.5) - FADE * along))
    if sigh:
        taken.append(_stretched(BREATH, int(sigh * FRAMES_PER_SECOND)))
        melody.append(np.zeros(len(taken[-1])))
        level.append(np.full(len(taken[-1]), SIGH_DB))
    taken, hz, louder = np.concatenate(taken), np.median(said.f0) * np.concatenate(melody), np.concatenate(level)
    return Frames(
        hz.astype(np.float32),
        (said.harmonics[taken] + DB * louder[:, None]).astype(np.float32),
        (said.noise[taken] + DB * louder[:, None]).astype(np.float32),
    )


def _calls(seconds, rng):
    """The length in frames of each call; they grow a little longer towards the end."""
    count = max(round(seconds / CALL), 1)
    growing = np.linspace(0.9, 1.1, count) * rng.normal(1, CALL_SPREAD / CALL, count).clip(0.7, 1.4)
    return np.maximum(np.rint(growing / growing.sum() * seconds * FRAMES_PER_SECOND), 8).astype(int)


def _stretched(frames, length):
    return frames[np.arange(length) * len(frames) // length]


TUNE = (0, 4, 7, 12, 7, 9, 5, 12)  # semitones above the first note
BASS = (0, 0, 0, 0, 5, 5, 7, 0)
FIRST_HZ = 261.63  # middle C
BEAT = 0.25  # seconds from note to note
RING = 0.35  # seconds until a note has died away to a third
PARTIALS = 6
JINGLE_LEVEL = 0.05


def jingle(notes=8):
    """The first notes of the tune: (n,) float32 at 16 kHz; the last one rings for a second (Lesson 11).

    >>> len(jingle(4)) / SAMPLE_RATE
    2.0
    """
    y = np.zeros(int((notes * BEAT + 1) * SAMPLE_RATE))
    for k in range(notes):
        start = int(k * BEAT * SAMPLE_RATE)
        for semitones, loudness in ((TUNE[k % len(TUNE)], 1), (BASS[k % len(BASS)] - 12, 0.7)):
            y[start:] += loudness * _note(FIRST_HZ * 2 ** (semitones / 12), len(y) - start)
    fade = np.minimum(np.arange(len(y))[::-1] / (0.1 * SAMPLE_RATE), 1)
    return (JINGLE_LEVEL * y * fade).astype(np.float32)


def _note(hz, samples):
    """A plucked string: partials that fade, the higher the sooner."""
    time = np.arange(samples) / SAMPLE_RATE
    partials = (np.sin(2 * np.pi * k * hz * time) * np.exp(-time * k**0.5 / RING) / k for k in range(1, PARTIALS + 1))
    return sum(partials) * np.minimum(time / 0.004, 1)


PHONE_RATE = 8_000
LOWEST, HIGHEST = 300, 3400  # Hz
ECHO, ECHO_DELAY = 0.03, 0.06  # of the other side's voice, after so many seconds
HISS = 10 ** (-62 / 20)  # line noise, RMS of full scale
BACKGROUNDS = ("street", "car", "babble", "hiss")
BABBLE = ("Have a nice day.", "What does the screen say?", "I paid by card.", "One moment, let me look.")
_BAND = butter(4, [LOWEST, HIGHEST], "bandpass", fs=PHONE_RATE, output="sos")


def narrow(y):
    """(n,) at 16 kHz as the telephone passes it on: (ceil(n/2),) float32 at 8 kHz.

    >>> narrow(np.zeros(16_000)).shape
    (8000,)
    """
    return sosfilt(_BAND, resample_poly(y, 1, 2)).astype(np.float32)


def background(kind, n, rng):
    """(n,) float32 of noise at 16 kHz, RMS about 1 before the telephone: street, car, babble or hiss.

    >>> background("car", 100, make_rng("example")).dtype
    dtype('float32')
    """
    if kind == "babble":
        y = sum(np.roll(np.resize(_murmur(voice), n), int(rng.integers(n))) for voice in range(6))
    else:
        pole = {"street": 0.9, "car": 0.98, "hiss": 0}[kind]
        y = lfilter([1], [1, -pole], rng.standard_normal(n))
        y *= 10 ** (0.15 * slow_noise(n, SAMPLE_RATE, rng)) if kind == "street" else 1
    return (y / np.sqrt(np.mean(np.square(y)) + 1e-12)).astype(np.float32)


def mu_law(pcm):
    """The bytes of a wav file at 8 kHz in G.711 mu-law: `pcm` is float within ±1, (n,) or (n, channels)."""
    buffer = io.BytesIO()
    sf.write(buffer, pcm, PHONE_RATE, format="WAV", subtype="ULAW")
    return buffer.getvalue()


@cache
def _murmur(voice):
    """One voice of the babble, talking without end."""
    rng, actor = make_rng("babble", voice), speaker(25 + voice)
    said = [render(carrier(text), actor, performance(actor, "neutral", 1, rng), rng) for text in BABBLE]
    return np.concatenate(said) / np.std(np.concatenate(said))
