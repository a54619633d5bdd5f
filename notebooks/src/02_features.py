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
# # 02 · Features
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/ser-course/ser-course/blob/main/notebooks/02_features.ipynb)
#
# You will turn a voice into 193 famous numbers, draw every one of them, and play a recording backwards to find out what
# they miss. At the end, sixteen numbers that you can name will do at least as well as the 193.
#
# *75 minutes · builds on lesson 01 · if you have worked with MFCCs, run sections 1 and 2 without reading them*
#
# > **For the instructor.** 30 minutes to the end of section 3, 45 for the rest; in a short workshop section 5 can go.
# > Let the room guess before the reversed clip is played. What usually goes wrong: `mean(axis=0)` in exercise 1, which
# > gives vectors of a different length for every clip.

# %% [markdown]
# **What you will learn**
#
# - what each block of the classic 193-d vector shows, and what its mean over time throws away
# - to measure how a voice moves (prosody), how the mouth shapes it (formants, deltas), and how rough or breathy it is
#   (voice quality)
# - to read the names of openSMILE's eGeMAPS and ComParE features
# - to compare a voice with its own neutral, so that you see emotion instead of anatomy

# %% tags=["colab"]
# On Colab this installs the course; elsewhere it does nothing.
try:
    import ser_helpers
except ImportError:
    get_ipython().run_line_magic(
        "pip", "install -q 'ser-helpers[course] @ git+https://github.com/ser-course/ser-course'"
    )

# %%
from ser_helpers.course import banner, check

utterances = banner("02", corpus="ravdess")

# %% [markdown]
# ## 1. What do the five pictures show?
#
# We take one [utterance](GLOSSARY.md#utterance): actor 12, a woman, says "Kids are talking by the door", very angrily.
# Later we compare it with the same sentence in her neutral voice. The classic recipe works at 22,050 Hz. Run the second
# cell to listen.

# %%
import numpy as np

from ser_helpers import audio
from ser_helpers.course.figures import lesson02_features
from ser_helpers.plots import sound
from ser_helpers.plots.style import colour

corpus = utterances.corpus.iloc[0]
angry = utterances.loc[f"{corpus}/03-01-05-02-01-01-12"]
neutral = utterances.loc[f"{corpus}/03-01-01-01-01-01-12"]
sr = 22050
y = audio.load(angry.path, sr)
sound.waveform(y, sr, "Anger comes in bursts", sound.caption(angry), colour=colour("angry"))

# %%
sound.play(y, sr)

# %% [markdown]
# **Mel, 128 numbers.** The [mel spectrogram](GLOSSARY.md#mel) of lesson 01: the power in 128 bands, each as wide as the
# ear's own resolution at that pitch. The bars at the right are what the recipe keeps: the mean of each row.

# %%
import librosa

seconds, who = len(y) / sr, sound.caption(angry)
mel = librosa.feature.melspectrogram(y=y, sr=sr)
lesson02_features.mel(mel, seconds, who)

# %% [markdown]
# Two things to see. The picture is in dB, but the recipe averages *power*: a few loud moments make the whole mean. And
# the bars are in dB too: a bar that is 20 dB shorter stands for a hundredth of the power. Nearly all the power of a
# voice lies below 4 kHz.

# %% [markdown]
# **MFCC, 40 numbers.** Neighbouring mel bands say nearly the same. [MFCC](GLOSSARY.md#mfcc) (mel-frequency cepstral
# coefficients) remove the repetition: take the logarithm, as the ear does, and describe each column by cosine waves,
# slow ones first. The first coefficient is the level, the second the balance of low and high, and so on to finer
# detail. That is two lines:

# %% tags=["nbval-check-output"]
from scipy.fft import dct

log_mel = librosa.power_to_db(mel)
mfcc = dct(log_mel, axis=0, norm="ortho")[:40]
print("same as librosa's:", np.allclose(mfcc, librosa.feature.mfcc(y=y, sr=sr, n_mfcc=40), atol=1e-3))

# %%
lesson02_features.cepstrum(log_mel[:, mel.sum(axis=0).argmax()], subtitle=f"the loudest frame of {who}")

# %% [markdown]
# Forty numbers redraw the spectrum almost whole. Three draw no more than a hill. Over time:

# %%
lesson02_features.mfcc(mfcc, seconds, who)

# %% [markdown]
# **Chroma, 12 numbers.** [Chroma](GLOSSARY.md#chroma) asks which of the twelve musical notes sound, in whatever octave.
# It was made for songs. In a voice it follows the pitch, but cannot tell 110 Hz from 220 Hz: both are an A.

# %%
spectrum = np.abs(librosa.stft(y))
chroma = librosa.feature.chroma_stft(S=spectrum, sr=sr)
lesson02_features.chroma(chroma, seconds, who)

# %% [markdown]
# Look at the pauses before and after: all notes at full strength! Each frame is divided by its own loudest note, so the
# faintest hiss counts as much as a shout. These frames enter the mean like all others. (Black frames are digital
# silence.)

# %% [markdown]
# **Spectral contrast, 7 numbers.** [Spectral contrast](GLOSSARY.md#spectral-contrast) compares, in seven bands, the
# peaks of the spectrum with the valleys between them. A clear voice has sharp [harmonics](GLOSSARY.md#harmonic) and
# deep valleys; breath fills the valleys up.

# %%
contrast = librosa.feature.spectral_contrast(S=spectrum, sr=sr)
lesson02_features.contrast(contrast, seconds, who)

# %% [markdown]
# The uppermost band stands out for a poor reason. The valley is the weakest fiftieth of the band, and the resampling
# filter has emptied the band's upper edge: this valley has no bottom. (The synthetic voice ends at 8 kHz anyway.)

# %% [markdown]
# **Tonnetz, 6 numbers.** The [tonnetz](GLOSSARY.md#tonnetz) ("net of tones") places each moment on a map of chords,
# with three pairs of coordinates: for fifths, minor thirds and major thirds. Only the part of the sound that sustains
# is used. But one voice sings no chords.
# **Before you run the cell:** what do you expect of the means?

# %%
tonnetz = librosa.feature.tonnetz(y=librosa.effects.harmonic(y), sr=sr)
lesson02_features.tonnetz(tonnetz, seconds, who)

# %% [markdown]
# The coordinates jump from frame to frame, and their means stay near zero. Chroma and tonnetz came along from music
# research. Whether they help with emotion is a question to ask, not to assume.

# %% [markdown]
# ## 2. How do pictures become 193 numbers?
#
# You have met all the lines. The recipe of countless projects puts them together and takes the mean of every row:

# %% tags=["nbval-check-output"]
def recipe(y, sr):
    spectrum = np.abs(librosa.stft(y))
    blocks = [
        librosa.feature.mfcc(y=y, sr=sr, n_mfcc=40),
        librosa.feature.chroma_stft(S=spectrum, sr=sr),
        librosa.feature.melspectrogram(y=y, sr=sr),
        librosa.feature.spectral_contrast(S=spectrum, sr=sr),
        librosa.feature.tonnetz(y=librosa.effects.harmonic(y), sr=sr),
    ]
    return np.concatenate([block.mean(axis=1) for block in blocks])


vector = recipe(y, sr)
print(mel.shape[0], "rows of mel become part of", vector.shape)

# %% [markdown]
# It works, and it is slow. Most of the time goes into the sustaining part for the tonnetz: two median filters in two
# dimensions that need only one. `features.vector193` gives the same numbers without the waste. Do not take our word for
# either half of that sentence:

# %% tags=["nbval-check-output"]
from ser_helpers import features

difference = np.abs(features.vector193(y, sr) - vector).max() / np.abs(vector).max()
print("equal to one part in 100,000:", bool(difference < 1e-5))

# %%
from time import process_time
from timeit import repeat

from threadpoolctl import threadpool_limits

with threadpool_limits(1):
    plain_time = min(repeat(lambda: recipe(y, sr), number=1, repeat=5, timer=process_time))
    fast_time = min(repeat(lambda: features.vector193(y, sr), number=1, repeat=5, timer=process_time))
print(f"On one core of this machine, the plain recipe takes {plain_time / fast_time:.1f} times as long.")

# %% [markdown]
# ## 3. What does the mean throw away?
#
# Run the cell to hear the angry sentence backwards: nobody would call it speech.
# **Before you run the one after it:** how many of the 193 numbers will change much?

# %%
backwards = y[::-1]
sound.play(backwards, sr)

# %% [markdown]
# "Much" needs a measure. We extract the vector for a third of the corpus, eight women and eight men who say everything
# once, and measure in [standard deviations](GLOSSARY.md#standard-deviation) over their recordings. This takes about ten
# seconds. For comparison, two other changes: one second of silence at the end, and the same sentence in her neutral
# voice.

# %%
few = utterances[(utterances.speaker.str[-2:] <= "16") & (utterances.repetition == 1)]
X193 = features.extract(few, "vector193")

after = {
    "played backwards": recipe(backwards, sr),
    "with 1 s of silence at the end": recipe(audio.pad(y, len(y) + sr), sr),
    "neutral instead of angry": X193.loc[neutral.name],
}
lesson02_features.changes(vector, after, X193.std(), who)

# %% [markdown]
# Backwards, the vector hardly moves; mel does not move at all. It moves far more when somebody leaves the recorder
# running for a second. A mean has no order: it cannot know a question from a statement, or a voice that rises from one
# that falls. It forgets how much each row varied, and how long the sentence took. And it counts silence as if it were
# speech: trim your clips, or all of them will differ for the wrong reason.

# %% tags=["exercise"]
# * Keep more than the mean. `frames` has one row per feature and one column per frame.
def mean_and_spread(frames):
    raise NotImplementedError("Return one array: the mean of every row, then the standard deviation of every row.")


check("02.1", mean_and_spread)

# %% tags=["solution", "nbval-check-output"]
# Time runs along axis 1. Averaging over axis 0 would mix the features, and give a vector as long as the clip.
def mean_and_spread(frames):
    return np.concatenate([frames.mean(axis=1), frames.std(axis=1)])


check("02.1", mean_and_spread)

# %% [markdown]
# The spread tells a lively voice from a flat one. But it has no order either. To keep the order, measure how a voice
# *moves*.

# %% [markdown]
# ## 4. How does the voice move?
#
# A voice is made in three places, and phoneticians sort features by them:
#
# | place | what it does | features |
# |---|---|---|
# | lungs and rhythm | push, pause, hurry | energy, speaking rate |
# | vocal folds | open and close 75 to 600 times a second | pitch (F0), jitter, shimmer, HNR |
# | mouth and throat | let some frequencies pass better | formants, MFCC, mel |
#
# [Prosody](GLOSSARY.md#prosody) is the movement of pitch, energy and tempo. Pitch is measured as [F0](GLOSSARY.md#f0):
# how many times a second the folds open. [Praat](GLOSSARY.md#praat), the phonetician's workbench, finds it by asking
# after what delay the sound repeats itself.

# %%
import parselmouth


def curves(y, sr):
    voice = parselmouth.Sound(y.astype(float), sr)
    pitch = voice.to_pitch_ac(time_step=0.01, pitch_floor=75, pitch_ceiling=600)
    energy = voice.to_intensity(minimum_pitch=50, time_step=0.01)
    return pitch.xs(), pitch.selected_array["frequency"], energy.xs(), energy.as_array()[0]


z = audio.load(neutral.path, sr)
moves = {"neutral": curves(z, sr), "angry": curves(y, sr)}
lesson02_features.contours(moves, who.replace("angry", "neutral and angry"))

# %% [markdown]
# Angry is higher and much louder. The gaps in the pitch are voiceless sounds like *k*, *t* and *s*: there the folds do
# not vibrate. A jump by a whole octave is mostly an error of the tracker: when every second cycle is weak, it hears
# half the pitch. Is there one in your picture?
#
# Why [semitones](GLOSSARY.md#semitone) and not Hz? We hear ratios. From 100 to 200 Hz is an octave, and so is 200 to
# 400: twelve semitones each. A man who rises by 50 Hz and a woman who rises by 100 Hz may do the same. The formula: 12
# · log₂(f / reference).

# %% tags=["nbval-check-output"]
for low, high in ((100, 200), (200, 400), (100, 150), (200, 250)):
    print(f"{low} to {high} Hz: {12 * np.log2(high / low):4.1f} semitones")

# %% [markdown]
# **A bug hunt.** This function is in many projects. Look at the number it prints, and at the curve above: was her
# neutral pitch ever so low?

# %%
def mean_pitch(f0):
    return f0.mean()


f0 = moves["neutral"][1]
print(f"{mean_pitch(f0):.0f} Hz")

# %% tags=["exercise"]
# ** Repair it. `f0` holds Hz, and 0 where there is no voice. What is the mean pitch of a recording without any voice?
def mean_pitch(f0):
    raise NotImplementedError("Return the mean pitch of the voiced frames, and NaN when no frame is voiced.")


check("02.2", mean_pitch)

# %% tags=["solution", "nbval-check-output"]
# The zeros are no pitches but "no pitch here": leave them out. Without voice there is no pitch, and NaN says so.
def mean_pitch(f0):
    voiced = f0[f0 > 0]
    return voiced.mean() if len(voiced) else np.nan


check("02.2", mean_pitch)

# %% [markdown]
# `features.prosody` measures sixteen such numbers: mean, spread, range and slope of pitch and energy, and the tempo. It
# finds syllables as peaks of energy in voiced frames: [speaking rate](GLOSSARY.md#speaking-rate) without any
# transcript.

# %%
import pandas as pd

pair = {"neutral": z, "angry": y, "angry, backwards": backwards}
measured = {name: features.prosody(clip, sr) for name, clip in pair.items()}
pd.DataFrame(measured, index=features.names("prosody")).round(1)

# %% [markdown]
# Compare the last two columns. Nearly all numbers agree, but the *slopes* change their sign: here is the order that the
# mean threw away.

# %% tags=["exercise"]
# *** Invent a number that knows the direction of time. `curve` is an array without gaps, such as the pitch of a vowel.
def direction(curve):
    raise NotImplementedError("Return a number above 0 for a rising curve; reversed, the curve must give its negative.")


check("02.3", direction)

# %% tags=["solution", "nbval-check-output"]
# One of many answers: the end against the beginning. The slope of a straight line (np.polyfit) is another.
def direction(curve):
    third = len(curve) // 3
    return curve[-third:].mean() - curve[:third].mean()


check("02.3", direction)

# %% [markdown]
# ## 5. How does the mouth move?
#
# Another way to keep the order: give each frame the slope of its neighbourhood. These are [deltas](GLOSSARY.md#delta);
# the slope of the slope is a delta-delta. Forty MFCC become 120 numbers per frame. Lesson 07 feeds them to a network
# that listens from beginning to end.

# %% tags=["nbval-check-output"]
moving = features.mfcc(y, sr, deltas=True)
print(moving.shape, "frames and numbers per frame")

# %%
lesson02_features.deltas(moving, subtitle=who)

# %% [markdown]
# The mean of a delta, however, is next to nothing: what goes up comes down. Deltas help models that see frames, not
# models that see means.
#
# What moves these coefficients is the mouth. It lets some frequencies pass better than others: the
# [formants](GLOSSARY.md#formant). F1 rises as the jaw opens, F2 as the tongue moves forward. Vowels differ by them.
# Praat fits a tube to each frame (Burg's method) and reads off its resonances.

# %%
voice = parselmouth.Sound(z.astype(float), sr)
pitch = voice.to_pitch_ac(pitch_floor=75, pitch_ceiling=600)
formants = voice.to_formant_burg(time_step=0.02, maximum_formant=5500)
times = [time for time in formants.xs() if pitch.get_value_at_time(time) > 0]
tracks = [[formants.get_value_at_time(number, time) for time in times] for number in (1, 2, 3)]
lesson02_features.formants(z, sr, times, tracks, sound.caption(neutral))

# %% [markdown]
# We took the neutral clip for a reason. At a high pitch the harmonics lie so far apart that the tracker takes *them*
# for formants. Loud and angry speech also opens the jaw, so F1 rises. Both happen at once: read formants of high voices
# with care.

# %% [markdown]
# ## 6. How rough is the voice?
#
# Look closer, at single cycles of the vocal folds in the loudest vowel. Praat marks where each begins.

# %%
from parselmouth.praat import call

marks = call([voice, pitch], "To PointProcess (cc)")
pulses = np.array([call(marks, "Get time from index", k + 1) for k in range(call(marks, "Get number of points"))])
loudest = moves["neutral"][2][moves["neutral"][3].argmax()]
eight = pulses[np.searchsorted(pulses, loudest) :][:8]
lesson02_features.cycles(z, sr, eight, sound.caption(neutral))

# %% [markdown]
# No two cycles are alike. The mean difference between neighbours, divided by the mean, is called
# [jitter](GLOSSARY.md#jitter) for their lengths and [shimmer](GLOSSARY.md#shimmer) for their heights.
# [HNR](GLOSSARY.md#hnr), the harmonics-to-noise ratio, compares what repeats with what does not, in dB.

# %%
lengths = np.diff(eight)
print(f"jitter of these cycles: {np.abs(np.diff(lengths)).mean() / lengths.mean():.1%}")

# %% [markdown]
# To hear what these words mean, we let a synthetic voice misbehave on purpose: as it is, then with irregular lengths,
# with irregular heights, and with breath. Run the cell to listen.

# %%
from ser_helpers.synthesis import say

wishes = {"as it is": {}, "uneven lengths": {"jitter": 4}, "uneven heights": {"shimmer": 3}, "breathy": {"breath": 12}}
voices = {name: say(1, actor=12, cues=cues) for name, cues in wishes.items()}
sound.play(np.concatenate([samples for samples, _ in voices.values()]), 16000)

# %% [markdown]
# **Guess first:** which of the four has the most jitter, the most shimmer, and the lowest HNR?

# %%
measured = {name: features.voice_quality(*clip) for name, clip in voices.items()}
quality = pd.DataFrame(measured, index=features.names("voice_quality")).T
quality[["jitter_local", "shimmer_local", "hnr_mean_db"]].round(3)

# %% tags=["nbval-check-output"]
print("most jitter: ", quality.jitter_local.idxmax())
print("most shimmer:", quality.shimmer_local.idxmax())
print("lowest HNR:  ", quality.hnr_mean_db.idxmin())

# %% [markdown]
# Each number finds its own fault, but not only its own: irregular cycles lower the HNR too, and breath raises shimmer.
# Noise in the room and a poor microphone do the same. Compare voice quality only between recordings made in the same
# way.

# %% [markdown]
# ## 7. What do the experts measure?
#
# In 2016 a group of voice scientists agreed on a short list, [eGeMAPS](GLOSSARY.md#egemaps): 88 numbers, few enough to
# know each by name. [ComParE](GLOSSARY.md#compare) takes the other way: everything, 6373 numbers, and let the model
# choose. [openSMILE](GLOSSARY.md#opensmile) computes both.

# %% tags=["nbval-check-output"]
names = pd.Series(features.names("egemaps"))
print(len(names), "in eGeMAPS,", len(features.names("compare")), "in ComParE")
print(names[[0, 15, 30, 34, 81]].to_string(index=False))

# %% [markdown]
# Read a name from left to right. `F0semitoneFrom27.5Hz` is a [low-level descriptor](GLOSSARY.md#low-level-descriptor),
# a curve over time: pitch in semitones above 27.5 Hz. `sma3`: smoothed over three frames. `nz`: only where it is not
# zero (they know our bug). `amean` is the [functional](GLOSSARY.md#functional): what becomes of the curve, here its
# arithmetic mean. `V` and `UV` mark voiced and unvoiced frames.

# %% tags=["nbval-check-output"]
families = {
    "pitch": ("F0",),
    "loudness": ("loudness_", "equivalentSound"),
    "tempo": ("loudnessPeaks", "VoicedSegments", "MeanVoiced", "MeanUnvoiced", "StddevVoiced", "StddevUnvoiced"),
    "voice quality": ("jitter", "shimmer", "HNR", "logRel"),
    "formants": ("F1", "F2", "F3"),
    "spectrum": ("mfcc", "spectralFlux", "alphaRatio", "hammarberg", "slope"),
}
for family, starts in families.items():
    print(f"{sum(names.str.startswith(starts)):3} {family}")

# %% [markdown]
# You have met all six families. ComParE has the same idea without restraint: 65 curves and their 65 deltas, each with
# dozens of functionals.

# %% tags=["nbval-check-output"]
everything = pd.Series(features.names("compare"))
curve = everything.str.extract(r"(.+_sma(?:_de)?(?:\[\d+\])?)_")[0]
print(curve.nunique(), "curves become", len(features.compare2016(y, sr)), "numbers")
print("one of them:", everything[everything.str.contains("audSpec_Rfilt_sma_de")].iloc[100])

# %% [markdown]
# The last one, word by word: from the second to the third quartile (`iqr2-3`) of the slope (`de`) of one auditory band.
# Nobody has an opinion about it. A linear model with 6373 weights may.

# %% [markdown]
# ## 8. Which emotion sounds how?
#
# Now the same recordings in eGeMAPS and in prosody. This takes about 20 seconds the first time.

# %%
egemaps = features.extract(few, "egemaps")
prosody = features.extract(few, "prosody")

# %%
from ser_helpers import plots

shown = pd.DataFrame(
    {
        "pitch": egemaps["F0semitoneFrom27.5Hz_sma3nz_amean"],
        "jitter": 100 * egemaps["jitterLocal_sma3nz_amean"],
        "brightness": egemaps["alphaRatioV_sma3nz_amean"],
        "articulation rate": prosody["articulation_rate_per_s"],
    }
)
usual = shown.pitch[few.emotion == "neutral"].groupby(few.gender).median()
title = f"Men and women differ by {usual.female - usual.male:.0f} semitones, and that hides the emotions"
plots.feature_by_emotion(shown, few, "pitch", unit="semitones above 27.5 Hz", title=title)

# %% [markdown]
# A box holds the middle half of the utterances, its line is the median. The boxes are tall and overlap: eight women and
# eight men are in each. A low angry voice and a high calm one meet in
# the middle. What matters is how far a voice is from *its own* neutral.

# %% tags=["exercise"]
# ** `values` is a Series by utterance; `table` is the utterance table, perhaps in another order.
def relative_to_neutral(values, table):
    raise NotImplementedError("Subtract from each utterance the mean of the same speaker's neutral utterances.")


check("02.4", relative_to_neutral)

# %% tags=["solution", "nbval-check-output"]
# One mean per speaker, over neutral only; `map` brings it back to every utterance. The index does the joining.
def relative_to_neutral(values, table):
    own = values[table.emotion == "neutral"].groupby(table.speaker).mean()
    return values - table.speaker.map(own)


check("02.4", relative_to_neutral)

# %%
plots.feature_by_emotion(shown, few, "pitch", relative_to_neutral=True, unit="semitones")

# %% [markdown]
# The same numbers, one subtraction later. Calm stays at the speaker's own pitch or a little below; sadness and disgust
# rise by one to three semitones; happiness, anger, fear and surprise by four to six. Pitch tells how *aroused* a voice
# is, and less about what arouses it.
#
# Two features at once tell more than one. [seaborn](https://seaborn.pydata.org) draws from a table and the names of its
# columns. Here is the density of three emotions over pitch and brightness; `new_figure` and `finish` add the course's
# style, a title, and a text that says what the picture shows.

# %%
import seaborn as sns

from ser_helpers.plots.style import EMOTION_COLOURS, finish, new_figure

own = pd.DataFrame({name: relative_to_neutral(shown[name], few) for name in ("pitch", "brightness")})
three = own.assign(emotion=few.emotion)[few.emotion.isin(["sad", "angry", "fearful"])]
fig, ax = new_figure()
sns.kdeplot(
    three, x="pitch", y="brightness", hue="emotion", palette=EMOTION_COLOURS, levels=[0.25, 0.5, 0.75], common_norm=False,
    ax=ax,
)
ax.set(xlabel="pitch (semitones from the speaker's own neutral)", ylabel="brightness (dB from the own neutral)")
middle = three.groupby("emotion").median().round(1)
finish(fig, "Sadness, anger and fear overlap in pitch and in brightness", f"Densities; medians: {middle.to_dict()}.")

# %% [markdown]
# A quarter of an emotion's utterances lie outside of its outer line. No line separates the three.
#
# **Before you run the next cell:** textbooks say that anger is fast and sadness slow. Is it so?

# %%
plots.feature_by_emotion(shown, few, "articulation rate", relative_to_neutral=True, unit="syllables per second")

# %% [markdown]
# Calm and disgust are slow; sadness is slow on the synthetic corpus and hardly so on real RAVDESS. But on both, angry
# actors are *not* faster than neutral ones, perhaps because strong anger stresses every word. (The synthetic corpus
# learnt its anger from RAVDESS.) Textbook profiles are a beginning; look at your own data.

# %%
plots.feature_by_emotion(shown, few, "brightness", relative_to_neutral=True, unit="dB")

# %% [markdown]
# Brightness is eGeMAPS's alpha ratio: the energy from 1 to 5 kHz over that below 1 kHz. A pressed, loud voice is
# bright, and anger leads. Now jitter:

# %%
plots.feature_by_emotion(shown, few, "jitter", relative_to_neutral=True, unit="percentage points")

# %% [markdown]
# Surprise stands out, perhaps because its pitch glides fast; the other boxes overlap. One feature is never enough.
# Fear and anger lie close together in pitch, and further apart in brightness. That is why we need a model.
#
# A warning: to subtract a speaker's neutral you must know which utterances are neutral. Ask for a calm first sentence,
# or do without (lesson 05 shows how).

# %% [markdown]
# ## 9. Which features serve best?
#
# The same [SVM](GLOSSARY.md#svm) on three feature sets, always tested on actors it has not heard (lessons 03 and 04 say
# why that matters). We read the [UAR](GLOSSARY.md#uar), the mean of the eight recalls. Guessing gives 0.125. **Write
# down your order first.**

# %%
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ser_helpers.evaluation import cross_validate, leaderboard

svm = make_pipeline(StandardScaler(), SVC(C=10))
for name, X in {"193-d vector": X193, "prosody": prosody, "eGeMAPS": egemaps}.items():
    result = cross_validate(svm, X, few, protocol="speaker", name="SVM, 16 actors", features=name)
    low, high = result.interval
    print(f"{result.corpus}: {X.shape[1]:3} numbers, {name:<12} UAR {result.uar:.2f} ({low:.2f} to {high:.2f})")
    leaderboard.add(result, lesson="02")

# %% [markdown]
# The brackets are 95 % intervals over actors. Sixteen numbers with a meaning do as well as the 193, or better. On real
# RAVDESS: about 0.37 for the 193, 0.38 for prosody and 0.43 for eGeMAPS; the synthetic corpus gives the same order.
# With 16 actors the intervals are wide: lesson 05 repeats this with all 24. The three rows are on your leaderboard:

# %%
leaderboard.show()

# %% [markdown]
# ## Common mistakes
#
# - **The mean over the wrong axis.** Symptom: vectors of different lengths, or an error as soon as two clips meet in
#   one table.
# - **Silence averaged in.** Symptom: the model finds out which recordings were cut generously.
# - **Unvoiced frames counted as 0 Hz.** Symptom: a mean pitch below the lowest voiced frame, lower the more *s* and *t*
#   a sentence has.
# - **Sample rates mixed.** Symptom: mel bands above half the lower rate are empty for one corpus only, and corpora are
#   easy to tell apart.
# - **Hz compared across people.** Symptom: "angry" becomes another word for "woman".
# - **Rows joined by position.** Symptom: chance level, and no error. Join by index.

# %% [markdown]
# ## What you can now do
#
# - [ ] name the five blocks of the 193-d vector, draw them, and say what their mean forgets
# - [ ] measure pitch, energy and tempo, and keep the direction of time
# - [ ] explain formants, jitter, shimmer and HNR with a picture
# - [ ] read the name of any openSMILE feature
# - [ ] show emotion relative to a speaker's own neutral
#
# **Three questions to answer aloud**
#
# <details><summary>1. A colleague's model tells questions from statements with the 193-d vector. Do you believe it?</summary>
#
# A question in English differs by its rise at the end. The vector has no order, so it cannot hear the rise. Perhaps the
# questions came from other speakers, or with longer pauses: ask what else differs.
# </details>
#
# <details><summary>2. Why do 16 numbers keep up with 193?</summary>
#
# Most of the 128 mel means say the same thing (how loud, and how bright), and many describe the speaker's anatomy. The
# sixteen measure what a speaker *does*: pitch, energy and tempo, with their movement. More numbers are not more
# knowledge.
# </details>
#
# <details><summary>3. Your recordings come from a noisy car. Which features do you trust?</summary>
#
# Pitch in semitones and tempo hold out longest. HNR, jitter, shimmer and spectral contrast measure the noise as well as
# the voice. Formants and MFCC change with the microphone and its distance.
# </details>
#
# **Where to read on**
#
# - Davis & Mermelstein (1980), MFCC: [10.1109/TASSP.1980.1163420](https://doi.org/10.1109/TASSP.1980.1163420)
# - McFee et al. (2015), librosa: [10.25080/Majora-7b98e3ed-003](https://doi.org/10.25080/Majora-7b98e3ed-003)
# - Harte, Sandler & Gasser (2006), tonnetz: [10.1145/1178723.1178727](https://doi.org/10.1145/1178723.1178727)
# - Jadoul, Thompson & de Boer (2018), Praat from Python:
#   [10.1016/j.wocn.2018.07.001](https://doi.org/10.1016/j.wocn.2018.07.001)
# - Eyben et al. (2016), eGeMAPS: [10.1109/TAFFC.2015.2457417](https://doi.org/10.1109/TAFFC.2015.2457417)
# - Schuller et al. (2016), ComParE: [10.21437/Interspeech.2016-129](https://doi.org/10.21437/Interspeech.2016-129)
# - Juslin & Laukka (2003), how emotions sound, in voices and in music:
#   [10.1037/0033-2909.129.5.770](https://doi.org/10.1037/0033-2909.129.5.770)
#
# Next: lesson 03 asks who decided what the recordings are called, and how to split them.
