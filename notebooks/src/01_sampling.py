# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 01 · Sampling
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/ser-course/ser-course/blob/main/notebooks/01_sampling.ipynb)
#
# You will turn a voice into numbers, and the numbers into the pictures that every later lesson uses.
# You will hear a tone that only ever rises, and yet goes up, down, up and down; and you will understand a sentence in which every number is one of two.
#
# *50 minutes · builds on nothing but Python and numpy · skip sections 2 to 5 if you have taken a course in signal processing*
#
# > **For the instructor.** 25 minutes to the end of section 4, 25 for the rest. Bring one loudspeaker: headphones make the sweeps unpleasant. Students mix up "20 log" and "10 log": stop there until everyone has it.

# %% [markdown]
# **What you will learn**
#
# - what sample rate and bit depth throw away, and how to hear it;
# - how to change a sample rate without inventing sounds that were never there;
# - how to measure loudness in decibels, and why anger fills more bits than a neutral voice;
# - how to compute a spectrogram in three lines, choose its window, and bend it to the ear's own scale, the mel.

# %% tags=["colab"]
# On Colab this installs the course; elsewhere it does nothing.
try:
    import ser_helpers
except ImportError:
    get_ipython().run_line_magic("pip", "install -q 'ser-helpers[course] @ git+https://github.com/ser-course/ser-course'")

# %%
from ser_helpers.course import banner, check

utterances = banner("01", corpus="ravdess")

# %% [markdown]
# ## 1. What is a voice, to a computer?
#
# A voice moves the air. A microphone turns the pressure of the air into a voltage, and a converter measures this voltage thousands of times a second.
# Each measurement is a [sample](GLOSSARY.md#sample). How many there are per second is the [sample rate](GLOSSARY.md#sample-rate), in hertz (Hz).
#
# We take one [utterance](GLOSSARY.md#utterance): actor 04, a woman, says "Dogs are sitting by the door", very angrily.

# %%
import numpy as np
import soundfile

from ser_helpers import audio

corpus = utterances.corpus.iloc[0]
angry = utterances.loc[f"{corpus}/03-01-05-02-02-01-04"]
sr = soundfile.info(angry.path).samplerate
y = audio.load(angry.path, sr=None)  # None: keep the file's own rate

# %% tags=["nbval-check-output"]
print(f"{len(y)} numbers of type {y.dtype}, {sr} of them a second: {len(y) / sr:.2f} seconds")

# %% [markdown]
# That is all there is: a list of numbers between -1 and 1, and the rate. Lose the rate, and you have lost the sound. Run this cell to listen.

# %%
from ser_helpers.plots import sound

sound.play(y, sr)

# %%
from ser_helpers.course.figures import lesson01_sampling

lesson01_sampling.zoom(y, sr, sound.caption(angry))

# %% [markdown]
# Left: the [waveform](GLOSSARY.md#waveform), where you see syllables and pauses. Middle: the voice repeats itself, once per opening and closing of the vocal folds.
# Right: the samples. Between two dots nothing is stored. Is anything lost there?

# %% [markdown]
# ## 2. How often must we measure?
#
# Here are two pure tones, 5000 Hz and 3000 Hz, each measured 8000 times a second.
# **Before you run the cell:** in what do the two lists of numbers differ?

# %% tags=["nbval-check-output"]
n = np.arange(16)  # the first 16 samples
fast = np.cos(2 * np.pi * 5000 * n / 8000)
slow = np.cos(2 * np.pi * 3000 * n / 8000)
print("the same numbers:", np.allclose(fast, slow))

# %% [markdown]
# In nothing. They are the same numbers, so no program can tell them apart afterwards.

# %%
lesson01_sampling.alias(5000, 3000, 8000)

# %% [markdown]
# The 5 kHz tone has come back as 3 kHz. A false frequency like this is an [alias](GLOSSARY.md#alias).
#
# **The sampling theorem** (Shannon 1949, after Nyquist 1928): if all frequencies of a sound lie below *half* the sample rate, its samples determine it exactly, between the dots too.
# Half the sample rate is the [Nyquist frequency](GLOSSARY.md#nyquist-frequency). What lies above it is folded back below it.

# %% [markdown]
# You can hear the folding. This tone slides from 0 to 16 kHz in six seconds. Sampled 8000 times a second, no frequency above 4 kHz can come back.
# **Before you listen:** what will you hear from second 1.5 on, when the tone passes 4 kHz?

# %%
from scipy.signal import chirp


def sweep(sr, seconds=6, top=16_000):
    return chirp(np.arange(seconds * sr) / sr, f0=0, t1=seconds, f1=top)


sound.play(sweep(8000), 8000)

# %%
slides = {"sampled at 40 kHz": (sweep(40_000), 40_000), "sampled at 8 kHz": (sweep(8000), 8000)}
sound.spectrograms(slides, "A tone that only rises is heard to rise, fall, rise and fall")

# %% [markdown]
# Each picture is a [spectrogram](GLOSSARY.md#spectrogram): time to the right, frequency upwards, loud is bright (section 6 builds one).
# Left, the truth. Right, what 8000 samples a second make of it: the tone is reflected at 4 kHz and at 0 Hz, like a ball between two walls.


# %% tags=["exercise"]
# * A pure tone of `hz` is sampled at `sr`. At which frequency is it heard? It is a ball between two walls, 0 and sr / 2.
def heard_frequency(hz, sr):
    raise NotImplementedError("Return the frequency, between 0 and sr / 2, at which the tone is heard.")


check("01.1", heard_frequency)


# %% tags=["solution", "nbval-check-output"]
# The pattern repeats every sr; in the upper half of each repetition the tone comes back down.
def heard_frequency(hz, sr):
    folded = hz % sr
    return min(folded, sr - folded)


check("01.1", heard_frequency)

# %% [markdown]
# **A bug that circulates.** To bring 48 kHz down to 16 kHz, this function keeps every third sample. It runs, and the length is right.


# %% tags=["nbval-check-output"]
def to_16k_with_a_bug(y):
    """Samples at 48 kHz in, samples at 16 kHz out."""
    return y[::3]


whistle = np.sin(2 * np.pi * 10_000 * np.arange(48_000) / 48_000)  # one second
strongest = np.argmax(np.abs(np.fft.rfft(to_16k_with_a_bug(whistle))))
print(f"a whistle of 10000 Hz comes out as {strongest} Hz")

# %% [markdown]
# Whatever a recording holds between 8 and 24 kHz (hiss, *s*, a ringing screen) is now an alias in the middle of the speech.


# %% tags=["exercise"]
# ** Bug hunt. Repair it: tones below 8 kHz must come through, tones above 8 kHz must not come back as something else.
# `audio.resample(y, from_rate, to_rate)`, `scipy.signal` and `librosa` all have what you need; know what they do for you.
def to_16k(y):
    raise NotImplementedError("Return one second of 48 kHz samples as 16000 samples without aliases.")


check("01.2", to_16k)


# %% tags=["solution", "nbval-check-output"]
# First remove everything above the new Nyquist frequency, then keep every third sample. A resampler does both.
def to_16k(y):
    return audio.resample(y, 48_000, 16_000)


check("01.2", to_16k)

# %% [markdown]
# ## 3. What is lost from 48 to 22.05 to 16 kHz?
#
# Four rates are everywhere in this field: 48 kHz (video; RAVDESS as published, though the copy behind the outputs stored here has 24 kHz), 22.05 kHz (half a CD; what `librosa.load` gives unless told otherwise),
# 16 kHz (most speech models, and this course) and 8 kHz (the telephone).

# %% tags=["nbval-check-output"]
rates = 48_000, 22_050, 16_000, 8_000
for rate in rates:
    megabytes = rate * 60 * 2 / 1e6  # a minute, two bytes a sample
    print(f"{rate:6} Hz keeps what is below {rate / 2000:6.3f} kHz and takes {megabytes:.2f} MB a minute")

# %% [markdown]
# Is anything of the voice up there? This is the average spectrum of our angry sentence, with the limit of each rate.

# %%
lesson01_sampling.kept(y, sr, sound.caption(angry))

# %% [markdown]
# Almost all energy lies below 4 kHz: vowels, and the pitch. Energy is not information, though: what makes *s* differ from *f* lies above, and so does part of what makes a voice sharp.
# On real RAVDESS the curve goes on above 8 kHz, about 30 dB down: that is the *s*. The synthetic voices were made at 16 kHz, so theirs ends there.
#
# Listen: first 16 kHz, then the telephone. The words survive; the *s* of "sitting" turns dull; you still hear that she is angry.

# %%
wide = audio.resample(y, sr, 16_000)
sound.play(wide, 16_000)

# %%
narrow = audio.resample(wide, 16_000, 8_000)
sound.play(narrow, 8_000)

# %% [markdown]
# And the commonest accident of all: the right samples, played (or analysed) at the wrong rate. Twice the rate is twice the pitch and half the time.

# %%
sound.play(wide, 2 * 16_000)

# %% [markdown]
# ## 4. How loud is anger?
#
# Ears work by ratios: from 1 to 2 sounds like as big a step as from 2 to 4. The [decibel](GLOSSARY.md#decibel) (dB) counts ratios:
# 20 · log₁₀ of a ratio of *amplitudes*, or 10 · log₁₀ of a ratio of *powers* (power is amplitude squared, so both give the same number).

# %% tags=["nbval-check-output"]
for ratio in (2, 10, 100, 1000):
    amplitude, power = 20 * np.log10(ratio), 10 * np.log10(ratio)
    print(f"{ratio:4} times the amplitude: {amplitude:4.1f} dB      {ratio:4} times the power: {power:4.1f} dB")

# %% [markdown]
# The level of a recording is measured against full scale, an amplitude of 1, and written [dBFS](GLOSSARY.md#dbfs). It comes from the *mean square*, since a waveform's plain mean is about 0.


# %%
def level(y):
    """Level in dBFS: 10 log of the mean square, which is 20 log of the root mean square (RMS)."""
    return 10 * np.log10(np.mean(np.square(y)))


# %% [markdown]
# Every actor says both sentences neutrally, and in strong anger.
# **Before you run the cell:** how many dB lie between them? (6 dB is twice the amplitude, 20 dB ten times.)

# %%
said = utterances[
    (utterances.emotion == "neutral") | (utterances.emotion == "angry") & (utterances.intensity == "strong")
]
said = said.assign(level=[level(audio.trim(audio.load(path), 16_000)) for path in said.path])
lesson01_sampling.levels(said, f"strong anger and neutral, {len(said)} recordings, corpus: {corpus}")

# %% [markdown]
# About 20 dB (on real RAVDESS 23, on the synthetic corpus a few less): the angry waveform is roughly ten times as tall.
# It is a strong cue, and the most treacherous of all: step back from the microphone, and anger looks neutral.
# In RAVDESS's studio the distance was fixed. On a telephone it is not.


# %% tags=["exercise"]
# * Make a sound `db` decibels louder (or softer, where db is negative). Lesson 06 uses this to invent new training data.
def amplify(y, db):
    raise NotImplementedError("Return y at a level db decibels higher.")


check("01.3", amplify)


# %% tags=["solution", "nbval-check-output"]
# A level is 20 log10 of an amplitude, so an amplitude is 10 ** (level / 20); levels add, amplitudes multiply.
def amplify(y, db):
    return y * 10 ** (db / 20)


check("01.3", amplify)

# %% [markdown]
# ## 5. How finely must we measure?
#
# A sample is stored in a number of [bits](GLOSSARY.md#bit-depth): 16 bits make 65,536 steps from -1 to 1, 3 bits make eight. Rounding to the nearest step is *quantisation*.


# %%
def quantise(y, bits):
    step = 2 / 2**bits
    return np.clip((np.floor(y / step) + 0.5) * step, step / 2 - 1, 1 - step / 2)


lesson01_sampling.stairs(y, quantise(y, 3), sr, 3, sound.caption(angry))

# %% [markdown]
# What rounding adds is noise. How far the sound stands above it is the [signal-to-noise ratio](GLOSSARY.md#signal-to-noise-ratio), in dB.
# Three sounds are measured: a tone as loud as can be, the angry voice, and the same actor's neutral voice.
# **Before you run the cell:** which of the two voices comes through eight bits better?

# %%
neutral = utterances.loc[f"{corpus}/03-01-01-01-02-01-04"]
tone = np.sin(2 * np.pi * 997 * np.arange(16_000) / 16_000)
sounds = {"full-scale tone": tone, "angry voice": y, "neutral voice": audio.load(neutral.path, sr=None)}

# %% tags=["nbval-check-output"]
for bits in (12, 10, 8, 6):
    ratios = (f"{name} {level(s) - level(s - quantise(s, bits)):3.0f} dB" for name, s in sounds.items())
    print(f"{bits:2} bits:", ", ".join(ratios))

# %% [markdown]
# Each bit is worth 6 dB: half the step, half the noise. A quiet voice uses only the lowest steps, so it is left with fewer bits than a loud one.
# At eight bits the angry voice still stands 25 dB or more above the noise, and the neutral voice nearly drowns in it. Sixteen bits have room for both.

# %%
sound.play(quantise(sounds["neutral voice"], 8), sr)

# %% [markdown]
# Now the smallest depth there is: one bit, plus or minus. It is loud: turn the volume down. **Before you listen:** will you understand a word?

# %%
sound.play(quantise(y, 1), sr, normalise=False)

# %% [markdown]
# It is ugly, the pauses roar, and the words are there (Licklider & Pollack 1948). One bit keeps only *when* the wave crosses zero, so the ear must be after something else than the exact shape of the wave.
# It is after frequencies.
#
# ## 6. Which frequencies sound when?
#
# From here on everything is at 16 kHz, which `audio.load` gives by default, filter included. Cut out a [frame](GLOSSARY.md#frame) of 25 ms, in which a voice hardly changes. Fade it in and out with a [window](GLOSSARY.md#window), so that its cut edges do not click.
# Then the Fourier transform says how much of each frequency is in it.

# %%
from scipy.signal.windows import hann

y = audio.load(angry.path)
size, hop = 400, 160  # 25 ms and 10 ms at 16 kHz
window = hann(size, sym=False)
loudest = int(np.argmax(np.abs(y))) - size // 2
lesson01_sampling.one_frame(y[loudest : loudest + size], window, 16_000, sound.caption(angry))

# %% [markdown]
# The teeth of the comb are the [harmonics](GLOSSARY.md#harmonic): multiples of the rate at which the vocal folds open. Their spacing is the pitch; their heights are the vowel.
#
# Now slide on by a [hop](GLOSSARY.md#hop-length) of 10 ms and do it again, to the end. With the window above, three lines are the whole *short-time Fourier transform*:

# %% tags=["nbval-check-output"]
frames = np.lib.stride_tricks.sliding_window_view(y, size)[::hop] * window
power = np.abs(np.fft.rfft(frames)) ** 2
decibels = 10 * np.log10(power / power.max() + 1e-8)
print(f"{len(frames)} frames of {size} samples, {power.shape[1]} frequencies each, {16_000 / size:.0f} Hz apart")

# %%
import librosa

theirs = np.abs(librosa.stft(y, n_fft=size, hop_length=hop, center=False)) ** 2
print("librosa finds the same:", np.allclose(power.T, theirs, rtol=1e-3, atol=1e-4))

# %%
sound.spectrogram(y, 16_000, "A sentence in anger: where the bright bands bend, the pitch moves", sound.caption(angry))

# %% [markdown]
# Read it like a score. Stacked bright lines are vowels, one line per harmonic; blurs high up are *s* and *t*; dark gaps are pauses and closed lips.
#
# ## 7. How long should the window be?
#
# A long window sees many periods of a tone, and names its frequency well; but everything in it happens "at once". A short one knows *when*, not *what*.
# The product of the two uncertainties has a lower limit (Gabor 1946); no cleverness gets around it.

# %% tags=["nbval-check-output"]
for milliseconds in (5, 25, 100):
    spacing = 1000 / milliseconds
    print(f"{milliseconds:3} ms: {16 * milliseconds:4} samples at 16 kHz, one frequency every {spacing:3.0f} Hz")

# %% [markdown]
# To see it, we make a sound that is hard in both ways: two clicks 12 ms apart, and two tones 50 Hz apart.
# **Before you run the cell:** which of the three windows will show two clicks, and which two tones?

# %%
time = np.arange(4_800) / 16_000
hard = 0.1 * (np.sin(2 * np.pi * 1000 * time) + np.sin(2 * np.pi * 1050 * time))
hard[[2_400, 2_592]] += 8  # two clicks, 192 samples = 12 ms apart
views = {f"{milliseconds} ms": (hard, 16_000) for milliseconds in (5, 25, 100)}
title = "A short window tells the clicks apart, a long one the tones"
sound.spectrograms(views, title, window=[0.005, 0.025, 0.1], top=2000)

# %% [markdown]
# 5 ms: two clicks, one fat tone (its stripes are the two tones beating, 50 times a second). 100 ms: two tones, one fat click. 25 ms: neither. (The flares at the ends are the sound being switched on and off.)
#
# And on a voice? Half a second of a man's neutral voice, first through 5 ms, then through 50 ms.

# %%
man = utterances.loc[f"{corpus}/03-01-01-01-01-01-01"]
low = audio.trim(audio.load(man.path), 16_000)[4_000:12_000]
views = {"5 ms": (low, 16_000), "50 ms": (low, 16_000)}
title = "One voice, two views: claps of the vocal folds, or harmonics"
sound.spectrograms(views, title, sound.caption(man), window=[0.005, 0.05], top=4000)

# %% [markdown]
# Left, upright stripes: each is one clap of the vocal folds. Right, level stripes: the harmonics. It is the same voice.
# 25 ms with a hop of 10 ms is the usual bargain for speech; take a longer window when you want pitch, a shorter one when you want moments.
#
# ## 8. Why does the ear prefer mels?
#
# Two pairs of tones follow, each 100 Hz apart: 300 and 400 Hz, then 5000 and 5100 Hz. **Before you listen:** which pair is further apart to your ear?

# %%
tones = [np.sin(2 * np.pi * hz * np.arange(8_000) / 16_000) for hz in (300, 400, 5000, 5100)]
sound.play(np.concatenate(tones), 16_000)


# %% [markdown]
# The first is a fourth, the beginning of a song; the second is hardly a step. The [mel](GLOSSARY.md#mel) scale measures pitch as the ear does:
# from listeners who were asked for tones "half as high" (Stevens, Volkmann & Newman 1937). This formula is its most used form:


# %%
def mel(hz):
    return 2595 * np.log10(1 + hz / 700)


lesson01_sampling.mel_scale(mel)

# %% [markdown]
# So we bundle the frequencies: narrow bands low down, wide bands high up, each a triangle that overlaps its neighbours. Multiplying by a matrix of triangles does it.
# In decibels the result is the [log-mel spectrogram](GLOSSARY.md#log-mel-spectrogram), the picture that the networks of lesson 06 look at.

# %% tags=["nbval-check-output"]
triangles = librosa.filters.mel(sr=16_000, n_fft=size, n_mels=40, htk=True, norm=None)  # htk: the formula above
mel_power = power @ triangles.T
log_mel = 10 * np.log10(mel_power / mel_power.max() + 1e-8)
print(f"{power.shape} times {triangles.T.shape} gives {log_mel.shape}: frames, mel bands")

# %%
lesson01_sampling.two_views(decibels.T, log_mel.T, len(y) / 16_000, 8000, sound.caption(angry))

# %% [markdown]
# A fifth of the numbers, and the lower half of the picture, where the voice lives, now has most of the room.


# %% tags=["exercise"]
# *** Build the triangles yourself. `hz` are the frequencies of a spectrum, from 0 to the highest; return an array
# (bands, len(hz)). Its bands + 2 edges are equally spaced in mel; band k rises from 0 at edge k to 1 at edge k + 1 and
# falls to 0 at edge k + 2. Hint: np.interp draws a triangle, and it can also turn the function mel around.
def mel_filters(hz, bands):
    raise NotImplementedError("Return the triangles as an array of shape (bands, len(hz)).")


check("01.4", mel_filters)


# %% tags=["solution", "nbval-check-output"]
# The inverse of mel gives the edges in Hz; np.interp draws a triangle through (edge, 0), (edge, 1), (edge, 0).
def mel_filters(hz, bands):
    edges = 700 * (10 ** (np.linspace(0, mel(hz[-1]), bands + 2) / 2595) - 1)
    return np.array([np.interp(hz, edges[k : k + 3], [0, 1, 0]) for k in range(bands)])


check("01.4", mel_filters)

# %% [markdown]
# ## Common mistakes
#
# | Mistake | How you notice |
# |---|---|
# | Keeping every third sample without a filter | whistles and hiss that were not in the room; a model that fails on recordings from another rate |
# | Forgetting the rate, or assuming it | voices too high and too fast (or the reverse); every pitch wrong by the same factor |
# | `librosa.load(path)` without `sr=` | everything is at 22,050 Hz, silently; features do not match another program's |
# | Upsampling to "improve" a recording | the spectrogram is black above the old Nyquist frequency: nothing came back |
# | 20 log of a power, or 10 log of an amplitude | levels wrong by a factor of two; doubling gives 12 or 3 dB instead of 6 |
# | Comparing raw levels of two corpora | "anger" becomes the name of the closer microphone |
# | Taking log of zero | `-inf` in silent frames: add a floor, as section 6 does |
#
# ## What you can now do
#
# - [ ] say which frequencies a sample rate keeps, and where the others go
# - [ ] change a sample rate without aliases
# - [ ] convert between ratios and decibels in your head: 2 is 6 dB, 10 is 20 dB
# - [ ] compute a spectrogram from samples, and choose its window for a purpose
# - [ ] explain why speech models take log-mel spectrograms
#
# **Three questions to answer aloud**
#
# <details><summary>1. A file says 48 kHz, and its spectrogram is black above 8 kHz. What happened, and does it matter?</summary>
#
# Someone recorded (or stored) it at 16 kHz and upsampled it. Nothing above 8 kHz can be recovered. It matters when other files of the set were not treated so:
# a model can then learn the difference in recording instead of the emotion.
# </details>
#
# <details><summary>2. Why is 16 kHz enough for most speech models, when we hear up to 20 kHz?</summary>
#
# Nearly all of the energy and most of the information of speech lie below 8 kHz. Half the rate is half the memory and half the computing.
# What is lost is part of *s* and *f*, and some breath and sharpness of the voice.
# </details>
#
# <details><summary>3. You want to see how the pitch trembles in fear, six times a second. Which window do you choose?</summary>
#
# Long enough to separate the harmonics (at least two to four periods of the voice: 20 to 40 ms for 100 Hz), much shorter than one tremble (170 ms). 25 to 50 ms does both; 200 ms would smear the tremble away.
# </details>
#
# ## Where to read on
#
# - C. E. Shannon (1949), Communication in the presence of noise, *Proceedings of the IRE* 37, [doi:10.1109/JRPROC.1949.232969](https://doi.org/10.1109/JRPROC.1949.232969)
# - H. Nyquist (1928), Certain topics in telegraph transmission theory, *Transactions of the AIEE* 47, [doi:10.1109/T-AIEE.1928.5055024](https://doi.org/10.1109/T-AIEE.1928.5055024)
# - J. C. R. Licklider & I. Pollack (1948), Effects of differentiation, integration, and infinite peak clipping upon the intelligibility of speech, *JASA* 20, [doi:10.1121/1.1906346](https://doi.org/10.1121/1.1906346)
# - D. Gabor (1946), Theory of communication, *Journal of the IEE* 93, [doi:10.1049/ji-3-2.1946.0074](https://doi.org/10.1049/ji-3-2.1946.0074)
# - F. J. Harris (1978), On the use of windows for harmonic analysis with the discrete Fourier transform, *Proceedings of the IEEE* 66, [doi:10.1109/PROC.1978.10837](https://doi.org/10.1109/PROC.1978.10837)
# - S. S. Stevens, J. Volkmann & E. B. Newman (1937), A scale for the measurement of the psychological magnitude pitch, *JASA* 8, [doi:10.1121/1.1915893](https://doi.org/10.1121/1.1915893)
# - S. R. Livingstone & F. A. Russo (2018), The Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS), *PLoS ONE* 13, [doi:10.1371/journal.pone.0196391](https://doi.org/10.1371/journal.pone.0196391)
#
# No row for the leaderboard today: you trained nothing, and what you learnt decides whether later rows are worth reading.
#
# Next: [lesson 02](02_features.ipynb) boils these pictures down to numbers that a classifier can use.
