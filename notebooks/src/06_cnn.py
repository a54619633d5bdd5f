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
# # 06 · A CNN on spectrograms
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/ser-course/ser-course/blob/main/notebooks/06_cnn.ipynb)
#
# You will train a network that looks at speech as a picture, and it will know strangers better than lesson 04's network
# did, with fewer weights. Then you will try five popular improvements, and see how few survive a fair comparison.
#
# *90 minutes (5 of them computing) · builds on lessons 02 and 04 · if you know CNNs, skim sections 2 and 3*
#
# > **For the instructor.** Let people vote before section 7: which improvement helps most? What usually goes wrong: one
# > run with and one run without are compared, and the better one is believed. Ask for a second seed.

# %% [markdown]
# **What you will learn**
#
# - to read a convolutional network: kernels, strides, pooling, and how far one unit sees
# - to make more training speech from the same speech, without letting a copy into the test set
# - to treat rare emotions in four ways, and to judge them by UAR and not by accuracy
# - to cache long fits, and to tell where their time goes

# %% tags=["colab"]
# On Colab this installs the course; elsewhere it does nothing.
try:
    import ser_helpers
except ImportError:
    get_ipython().run_line_magic("pip", "install -q 'ser-helpers[course] @ git+https://github.com/ser-course/ser-course'")

# %%
from ser_helpers.course import banner, check

utterances = banner("06", corpus="ravdess", embedded_speakers=12)

# %% [markdown]
# ## 1. What does the network look at?
#
# So far we turned a recording into a list of averages. A [log-mel spectrogram](GLOSSARY.md#log-mel-spectrogram) keeps
# the order: 64 bands, one column every 10 ms. It is a picture, and there are networks that are good at pictures.

# %%
from ser_helpers import features

X = features.extract(utterances, "logmel")

# %% [markdown]
# One actor says one sentence in six ways. **Before you run the cell:** by what will you know *angry* from *sad*?

# %%
from ser_helpers.course.figures import lesson06_cnn
from ser_helpers.plots.sound import caption

same = utterances[(utterances.speaker == utterances.speaker.iloc[0]) & (utterances.intensity == "strong")]
takes = same[same.statement == same.statement.iloc[0]].drop_duplicates("emotion").query("emotion != 'surprised'")
where = f"{utterances.corpus.iloc[0]}: {takes.speaker.iloc[0]}, “{takes.text.iloc[0]}”"
pictures = {emotion: X[name] for name, emotion in takes.emotion.items()}
lesson06_cnn.pictures(pictures, "One sentence, six emotions, six pictures", where)

# %% [markdown]
# Anger is brightest, and bright up to high bands; calm and sad speech is dark there. Syllables follow each other faster
# or more slowly. All this is in the picture, and an average over time has lost the last of it.

# %% [markdown]
# The pictures are not equally wide, and a batch of pictures must be. Two transformers prepare them. `FrameScaler` brings
# each band to mean 0 and standard deviation 1, measured on the training set. `FixedFrames` averages pairs of frames and
# takes the middle 2.5 seconds; where there is less, it fills both sides with zeros, and zero now means "average".

# %%
import numpy as np

from ser_helpers.models import FixedFrames, FrameScaler

images = FixedFrames(125, step=2).fit_transform(FrameScaler().fit_transform(X))

# %%
lengths = X.map(len)
print(f"from {lengths.min()} to {lengths.max()} frames of 10 ms; as images: {images.shape}")

# %% [markdown]
# Many have written this step themselves. Here is how it stands in public code. It should cut long pictures to `width`
# frames, and fill up short ones with silence. Run it: how many shapes come out?

# %%
def same_width(spectrogram, width):
    if len(spectrogram) >= width:
        return spectrogram
    else:
        silence = np.full((width - len(spectrogram), spectrogram.shape[1]), -100.0)
        return np.concatenate([spectrogram, silence])


shapes = {same_width(spectrogram, 300).shape for spectrogram in X}
print(f"{len(shapes)} different shapes, such as {max(shapes)}")

# %% tags=["exercise"]
# * Bug hunt: make every spectrogram `width` frames long.
def same_width(spectrogram, width):
    raise NotImplementedError("Return the first `width` frames, with silence (-100 dB) after them where they are fewer.")


check("06.1", same_width)

# %% tags=["solution", "nbval-check-output"]
# Only the `else` branch did its work. Without branches: cut everything (which leaves short ones alone), then fill up.
def same_width(spectrogram, width):
    cut = spectrogram[:width]
    silence = np.full((width - len(cut), cut.shape[1]), -100.0)
    return np.concatenate([cut, silence])


check("06.1", same_width)

# %% [markdown]
# ## 2. What does a convolution do?
#
# A [convolution](GLOSSARY.md#convolution) slides a small table of weights, the [kernel](GLOSSARY.md#kernel), over the
# picture. Wherever it lies, it multiplies what is under it by its weights, and adds up. The kernel below has −1 on the
# left and +1 on the right. **Before you run the cell:** where will the result be large?

# %% tags=["nbval-check-output"]
from scipy.signal import correlate2d

sound = np.array([[0, 0, 0, 2, 2, 2, 2]] * 3)  # three bands, seven frames: a sound begins in frame 3
kernel = np.array([[-1, 0, 1]] * 3)
print(correlate2d(sound, kernel, mode="valid"))

# %% [markdown]
# It answers where a sound *begins*, in any frame, with nine weights. A dense layer would have to learn the same thing
# anew for every place. In a network nobody writes the kernels: they are learnt, 32 of them in our first layer.
#
# After a convolution comes [pooling](GLOSSARY.md#pooling): of every 2 × 2 cells keep the largest. The picture halves in
# both directions. What remains is *that* something was there, and about where.

# %%
lesson06_cnn.shrinking(X.iloc[0], subtitle=caption(utterances.iloc[0]))

# %% [markdown]
# So each later unit looks at a larger part of the picture. How large? That is its
# [receptive field](GLOSSARY.md#receptive-field). In the picture each block is one convolution of 3 × 3 and one pooling.

# %%
lesson06_cnn.receptive_field(X.iloc[0], subtitle=caption(utterances.iloc[0]))

# %% [markdown]
# ## 3. What is in the network?
#
# Three blocks with 32, 64 and 128 kernels, and pooling between them. In each block,
# [batch normalisation](GLOSSARY.md#batch-normalisation) keeps the numbers near mean 0 and standard deviation 1. The first
# convolution moves two cells at a time (its [stride](GLOSSARY.md#stride)): a quarter of the work.
#
# At the end, [global pooling](GLOSSARY.md#global-pooling) averages each of the 128 detectors over the whole picture:
# how *much* of it was there, no matter when.
#
# The first cell turned TensorFlow's faster convolutions (oneDNN) off, since their last digits differ between processors.
# Here they save a third of the time, so we turn them on before Keras is loaded. TensorFlow reports it; that is no error.

# %%
import os

os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"

import keras
from keras import layers


def block(filters, kernel=3, stride=1):
    return [
        layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False),
        layers.BatchNormalization(momentum=0.9),
        layers.ReLU(),
    ]


# %% [markdown]
# Around the blocks: a picture needs a channel (a photo has three, ours has one); pairs of bands are averaged, for half
# the work; and in training the picture is moved a little at every step (section 5). The
# [learning rate](GLOSSARY.md#learning-rate) sinks to zero within `steps` training steps: first large changes, then
# small ones.

# %%
from ser_helpers.models import SpecAugment


def network(input_shape, n_classes, steps=1440, shift=0.05, stripes=0, dropout=0.2, smoothing=0.1):
    before = [
        SpecAugment(bands=8, frames=15, stripes=stripes),
        layers.Reshape((*input_shape, 1)),
        layers.AveragePooling2D((1, 2)),
        layers.RandomTranslation(shift, shift, fill_mode="nearest", interpolation="nearest"),
    ]
    pool = layers.MaxPooling2D
    blocks = [*block(32, kernel=5, stride=2), pool(), *block(64), pool(), *block(128)]
    after = [layers.GlobalAveragePooling2D(), layers.Dropout(dropout), layers.Dense(n_classes, "softmax")]
    model = keras.Sequential([keras.Input(input_shape), *before, *blocks, *after])
    rate = keras.optimizers.schedules.CosineDecay(0.004, steps)
    model.compile(keras.optimizers.Adam(rate), keras.losses.CategoricalCrossentropy(label_smoothing=smoothing))
    return model


# %% [markdown]
# Four of its parts, `SpecAugment`, `RandomTranslation`, `Dropout` and `label_smoothing`, only matter in training.
# Sections 5 and 7 take them apart. **Guess first:** has it more weights than lesson 04's network, which had 169,177?

# %% tags=["nbval-check-output"]
print(f"{network((125, 64), 8).count_params():,} weights")

# %% [markdown]
# Fewer, though its input is forty times as large: 125 × 64 numbers instead of 193. A kernel's weights do not depend on
# the size of the picture. **Count along:** the second convolution has 3 × 3 × 32 × 64 = 18,432 of them.
#
# And how far does it see? Each convolution or pooling adds (kernel − 1) steps; each stride makes the steps longer.

# %% tags=["nbval-check-output"]
seen = step = 20  # ms: one frame of our images
for kernel, stride in [(5, 2), (2, 2), (3, 1), (2, 2), (3, 1)]:
    seen, step = seen + (kernel - 1) * step, step * stride
    print(f"kernel {kernel}, stride {stride}: one unit sees {seen} ms")

# %% [markdown]
# The last units see 0.7 seconds: three or four syllables.

# %% [markdown]
# ## 4. Does it know strangers?
#
# One [epoch](GLOSSARY.md#epoch) takes about a second. `progress=True` shows a bar with epoch, loss and UAR. `cache=True`
# stores every finished fit on disk, by network, data, settings and versions.
#
# On the embedded corpus we train with fewer epochs, folds, actors and seeds, so that the lesson takes about three minutes
# on two cores. Real speech gets all of them.

# %%
from ser_helpers import corpora

real = not corpora.card(utterances.corpus.iloc[0]).synthetic
epochs, folds, seeds = (40, 5, 5) if real else (12, 2, 3)

# %%
from functools import partial

from sklearn.pipeline import make_pipeline

from ser_helpers.models import KerasClassifier

train, test = corpora.split(utterances, "speaker", n_splits=5, seed=0)[0]
prepare = make_pipeline(FrameScaler(), FixedFrames(125, step=2))
short = KerasClassifier(network, epochs=3, cache=True, progress=True)
short = short.fit(prepare.fit_transform(X[train]), utterances.emotion[train])

# %% [markdown]
# Run that cell again: it is done at once, because the finished fit is read from disk. Change `epochs`, or a layer, and it
# trains anew.
#
# Where did the time go? Training steps, or waiting for data and book-keeping?

# %%
print(f"{short.overhead_:.0%} of the time was spent outside of training steps")

# %% [markdown]
# A small share: here all images fit into memory. When they do not, and every image is read from disk in its turn,
# this share is what to watch. At one half, a processor twice as fast would save a quarter of the time, not a half.
#
# Now the honest score: unseen actors, in five folds of 40 epochs (on the embedded corpus two folds of 12). **Write down
# your guess;** lesson 04's network scored about 0.37 on real RAVDESS and about 0.45 on the synthetic corpus. In full,
# this takes one to two minutes on two cores the first time.

# %%
from ser_helpers import plots
from ser_helpers.evaluation import compare, cross_validate, leaderboard

build = partial(network, steps=epochs * 36 if real else epochs * 12)  # of 32 recordings, with five and with two folds
cnn = make_pipeline(FrameScaler(), FixedFrames(125, step=2), KerasClassifier(build, epochs, cache=True))
honest = cross_validate(cnn, X, utterances, protocol="speaker", n_splits=folds, jobs=3, name="CNN", features="log-mel")
honest

# %%
plots.confusion(honest)

# %% [markdown]
# About 0.56 on real RAVDESS, and about 0.45 on the synthetic corpus with its shorter training, with little more than half
# of lesson 04's weights.
# A likely reason: the order in time is still there, and every kernel is used everywhere, so there is less to learn by
# heart.
#
# A confession: sizes, learning rate and number of epochs were chosen by trials on two of these five folds, so the score
# is a little too good. Lesson 05's nested search would cure that, for many times the computing.

# %% [markdown]
# ## 5. Can we make more speech out of the same speech?
#
# [Augmentation](GLOSSARY.md#augmentation) changes a recording so that the emotion stays and the samples do not: the
# same words in another room, by a slightly other voice. **Guess first:** which of these five could change the emotion?

# %%
from ser_helpers import audio
from ser_helpers.audio import Chain, Noise, Pitch, Reverb, Shift, Speed

example = utterances[utterances.emotion == "angry"].iloc[0]
y, sr = audio.load(example.path), 16000
five = {"noise": Noise(), "reverb": Reverb(), "speed": Speed(), "pitch": Pitch(), "shift": Shift()}
lesson06_cnn.augmented(y, sr, five, subtitle=caption(example))

# %% [markdown]
# Noise fills the dark places, most of all the quiet high bands. Reverberation smears every sound to the right. Speed
# stretches time and leaves pitch; pitch moves the stripes and leaves time; shift moves everything. Run the next cells
# to listen.

# %%
from ser_helpers.plots.sound import play

play(Noise(snr=10)(y, sr, seed=1), sr)

# %%
play(Reverb(seconds=0.8)(y, sr, seed=1), sr)

# %%
play(Speed(rate=1.1)(y, sr, seed=1), sr)

# %%
play(Pitch(semitones=2)(y, sr, seed=1), sr)

# %%
play(Shift(seconds=0.3)(y, sr, seed=1), sr)

# %% [markdown]
# Fast and high is how excited people speak: too much speed or pitch, and *sad* no longer sounds sad. Two semitones and
# ten per cent are less than the difference between two people.
#
# How loud is noise "at 10 dB"? The signal-to-noise ratio compares *powers*, mean squares: 10 dB is a tenth of the power.

# %% tags=["exercise"]
# ** Add noise at a given signal-to-noise ratio in dB, whatever the levels of `y` and `noise`.
def add_noise(y, noise, snr):
    raise NotImplementedError("Return y plus the noise, scaled so that the ratio of powers is snr dB.")


check("06.2", add_noise)

# %% tags=["solution", "nbval-check-output"]
# A factor on samples is the square root of a factor on powers: snr / 20 instead of snr / 10.
def add_noise(y, noise, snr):
    level = np.sqrt(np.mean(y**2) / np.mean(noise**2))
    return y + noise * level * 10 ** (-snr / 20)


check("06.2", add_noise)

# %% [markdown]
# Two more ways work on the picture, inside the network, and draw anew at every step. `RandomTranslation` moves it
# a little, by at most a twentieth: up or down is about what another voice does, left or right is a shift in time.
# [SpecAugment](GLOSSARY.md#specaugment) hides stripes, so that the network cannot rely on one band or one moment.

# %%
before = features.logmel(y, sr)
mean = before.mean(axis=0)
hide = SpecAugment(bands=12, frames=40, stripes=2, seed=3)
after = mean + keras.ops.convert_to_numpy(hide((before - mean)[None], training=True))[0]
lesson06_cnn.pictures({"before": before, "after": after}, "SpecAugment: what is hidden becomes the mean", caption(example))

# %% [markdown]
# Changing the recordings themselves takes one to two minutes the first time.

# %%
copy = features.extract(utterances, "logmel", augment=Chain(Noise(), Reverb(), Speed(), Pitch(), p=0.5))

# %% [markdown]
# Twice as much speech. Now it must be split. Here is how it stands in public code: augment, then shuffle, then split.

# %%
import pandas as pd
from sklearn.model_selection import train_test_split


def training_and_test(X, copy, test):
    return train_test_split(pd.concat([X, copy]), test_size=2 * len(test), random_state=0)


in_training, in_test = training_and_test(X, copy, utterances.index[::5])
print(f"{in_test.index.isin(in_training.index).mean():.0%} of the test set has a copy of itself in the training set")

# %% [markdown]
# The network has heard four out of five test recordings, with a little noise on them. The score will be splendid, and
# mean nothing.

# %% tags=["exercise"]
# ** Bug hunt: return the training and the test features. `test` lists the utterances to test on.
def training_and_test(X, copy, test):
    raise NotImplementedError("Return two tables: training utterances with their copies, and test utterances as recorded.")


check("06.3", training_and_test)

# %% tags=["solution", "nbval-check-output"]
# Split by name, then augment: nothing of a test utterance may be in training, and nobody speaks twice in the test set.
def training_and_test(X, copy, test):
    return pd.concat([X.drop(test), copy.drop(test)]), X.loc[test]


check("06.3", training_and_test)

# %% [markdown]
# `Augmented` does this inside of every fold: it takes from the copies only the utterances it is given for training.

# %% [markdown]
# Does it help? To save time we ask with two folds and 12 epochs (8 on the embedded corpus): half of the actors to learn
# from, the other half to test. `variant` is our pipeline with a changed network; `partial` fills in some of its
# parameters. With copies an epoch is twice as long, so it gets half as many epochs: all four make the same number of
# training steps.

# %%
from ser_helpers.models import Augmented

passes, steps = (12, 276) if real else (8, 96)


def variant(epochs=passes, **changes):
    fit = KerasClassifier(partial(network, steps=steps, **changes), epochs=epochs, cache=True)
    return make_pipeline(FrameScaler(), FixedFrames(125, step=2), fit)


def two_folds(model, name):
    return cross_validate(model, X, utterances, n_splits=2, jobs=2, name=name, features="log-mel")


# %%
tried = [
    two_folds(variant(shift=0), "no augmentation"),
    two_folds(variant(), "moved pictures"),
    two_folds(variant(stripes=1), "and SpecAugment"),
    two_folds(Augmented(variant(epochs=passes // 2), [copy]), "and changed copies"),
]

# %%
for result in tried:
    print(f"{result.name:<18} UAR {result.uar:.2f}, 95 % interval {result.interval[0]:.2f} to {result.interval[1]:.2f}")

# %%
compare(tried[0], tried[3])

# %% [markdown]
# It does not: on real RAVDESS the score falls with every step, from about 0.46 to 0.39. Augmentation makes the examples
# harder, and this training is short: a network that has not yet learned the plain ones gains nothing from harder ones.
# So augmentation needs longer training, and a measurement.

# %% [markdown]
# ## 6. What if some emotions are rare?
#
# RAVDESS has as much anger as calm. A call centre has not. Let us make RAVDESS unfair: of four emotions we keep one
# recording in eight.

# %%
rare = ["angry", "fearful", "disgust", "surprised"]
unbalanced = corpora.subsample(utterances, dict.fromkeys(rare, 1 / 8))
plots.counts(unbalanced)

# %% [markdown]
# Meet a model that knows the four frequent emotions perfectly, and has never heard of the other four. **Guess its
# score.**

# %% tags=["nbval-check-output"]
def score(truth, predicted):
    return np.mean(truth == predicted)


played = unbalanced.emotion.to_numpy()
deaf = np.where(np.isin(played, rare), "neutral", played)
print(f"score {score(played, deaf):.2f}")

# %% tags=["exercise"]
# ** Bug hunt: this score hides that half of the emotions are never recognised. Repair it.
def score(truth, predicted):
    raise NotImplementedError("Return the mean of the emotions' recalls, however frequent they are.")


check("06.4", score)

# %% tags=["solution", "nbval-check-output"]
# Accuracy counts recordings. UAR counts emotions: the recall of each, then their mean.
def score(truth, predicted):
    return np.mean([np.mean(predicted[truth == emotion] == emotion) for emotion in np.unique(truth)])


check("06.4", score)

# %% tags=["nbval-check-output"]
print(f"score {score(played, deaf):.2f}")

# %% [markdown]
# Four things people do about it:
#
# - **nothing**
# - **class weights**: an error on a rare emotion costs more, in inverse proportion to its frequency
# - **oversampling**: rare recordings come several times, until all emotions are equally frequent
# - **[focal loss](GLOSSARY.md#focal-loss)**: errors on *hard* examples cost more, for rare ones are often hard
#
# The focal loss is the cross-entropy −log p times (1 − p)^γ, where p is the probability of the right emotion: what the
# network is sure of hardly counts any more.

# %%
lesson06_cnn.focal_curves()

# %% [markdown]
# Keras has it. It is one line of arithmetic, and here is the proof:

# %% tags=["nbval-check-output"]
from keras import ops

p = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.4, 0.5, 0.1]], dtype="float32")
truth = np.eye(3, dtype="float32")
right = ops.sum(truth * p, axis=1)
by_hand = -ops.log(right) * (1 - right) ** 2
focal = keras.losses.CategoricalFocalCrossentropy(alpha=1, gamma=2)
print(f"by hand {float(ops.mean(by_hand)):.4f}, by Keras {float(focal(truth, p)):.4f}")

# %% [markdown]
# Ten trainings for each of the four: five seeds, two folds (three seeds on the embedded corpus). With a CNN this would take long; so we take a small dense
# network on the 88 numbers of [eGeMAPS](GLOSSARY.md#egemaps), which trains in a second. Oversampling sits in the
# pipeline (that of imbalanced-learn: scikit-learn's refuses samplers), so it repeats training recordings only.

# %%
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_sampling_pipeline
from sklearn.preprocessing import StandardScaler


def small(input_shape, n_classes, loss="categorical_crossentropy"):
    model = keras.Sequential([keras.Input(input_shape), layers.Dense(64, "relu"), layers.Dropout(0.5)])
    model.add(layers.Dense(n_classes, activation="softmax"))
    model.compile(keras.optimizers.Adam(0.002), loss)
    return model


def dense(build=small, **options):
    return KerasClassifier(build, epochs=20, batch_size=32, **options)


# %% [markdown]
# **Before you run the cell:** which will have the best UAR, and which the best
# [weighted F1](GLOSSARY.md#weighted-f1)? (Half a minute.)

# %%
from ser_helpers.evaluation import repeat

methods = {
    "nothing": [dense()],
    "class weights": [dense(class_weight="balanced")],
    "oversampling": [RandomOverSampler(), dense()],
    "focal loss": [dense(partial(small, loss=focal))],
}
functionals = features.extract(unbalanced, "egemaps")
runs = {
    name: repeat(
        make_sampling_pipeline(StandardScaler(), *steps), functionals, unbalanced, range(seeds), n_splits=2, jobs=2
    )
    for name, steps in methods.items()
}

# %%
plots.over_seeds(runs)

# %% [markdown]
# Read both halves. By UAR, weights and oversampling win clearly; by weighted F1, which like accuracy counts an emotion
# as often as it occurs, doing nothing is near the top, and class weights look like a loss. Both are right. The network
# that did nothing misses most of the rare emotions: whoever reads the right half alone would keep it, and the call
# centre would hear little anger.
#
# The focal loss does about nothing here. It looks at hard examples, and hard is not the same as rare.
#
# The bars are 95 % intervals *over seeds*: what luck in folds and training does. They say nothing about other people.

# %% [markdown]
# ## 7. Do dropout and label smoothing help?
#
# You met [dropout](GLOSSARY.md#dropout) in lesson 04: in training, silence a random share of the units.

# %%
lesson06_cnn.dropout(rate=0.2, title="In training, other units are silent at every step")

# %% [markdown]
# [Label smoothing](GLOSSARY.md#label-smoothing) changes the question. The target "sad, 100 %" can only be reached by
# ever larger numbers before the softmax. "Sad 91 %, everything else about 1 %" can be reached, and leaves room for
# doubt, which people who label speech have, too.

# %%
lesson06_cnn.smoothed_targets(epsilon=0.1)

# %% [markdown]
# Again no magic: (1 − ε) times the target, plus ε shared among all emotions. By hand and by Keras:

# %% tags=["nbval-check-output"]
softer = 0.9 * truth + 0.1 / 3
by_hand = -ops.sum(softer * ops.log(p), axis=1)
smoothed = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
print(f"by hand {float(ops.mean(by_hand)):.4f}, by Keras {float(smoothed(truth, p)):.4f}")

# %%
for name, changes in {"no dropout": {"dropout": 0}, "no smoothing": {"smoothing": 0}}.items():
    print(compare(tried[1], two_folds(variant(**changes), name)).verdict)

# %% [markdown]
# On real RAVDESS neither makes a clear difference. That is a result, and worth a line in a report. If you run ten such
# comparisons and report only the one that "helped", you report luck.

# %% [markdown]
# ## 8. What goes on the leaderboard?

# %%
leaderboard.add(honest, lesson="06")
leaderboard.show()

# %% [markdown]
# ## Common mistakes
#
# - **Pictures of different widths.** Symptom: `np.stack` complains, or worse: somebody resizes them, and slow speech
#   looks like fast speech.
# - **Padding with 0 before scaling.** Symptom: 0 dB is the loudest there is; the network learns the length of the recording.
# - **Augmented copies on both sides of the split.** Symptom: the score rises by far more than any paper reports.
# - **Augmenting the test set.** Symptom: there are more predictions than recordings.
# - **Accuracy on an unbalanced corpus.** Symptom: the best model never says the rare emotion.
# - **One run each.** Symptom: with another seed the other one wins.

# %% [markdown]
# ## What you can now do
#
# - [ ] build a CNN on spectrograms, count its weights, and say how far one unit sees
# - [ ] augment the training folds, and nothing else
# - [ ] choose between class weights, oversampling and focal loss by UAR, over seeds
# - [ ] cache a long fit, and tell whether it waits for its data
#
# **Three questions to answer aloud**
#
# <details><summary>1. Why has the CNN fewer weights than lesson 04's network, with forty times as many inputs?</summary>
# Because a kernel is used at every place of the picture: its weights are counted once. And global pooling leaves 128
# numbers for the last layer, whatever the size of the picture.
# </details>
#
# <details><summary>2. Your colleague adds noisy copies and gains 20 points. What do you ask?</summary>
# Was the corpus split before or after the copies were made? Are the test speakers new? Is the test set free of copies?
# </details>
#
# <details><summary>3. When is accuracy the right score, in spite of all?</summary>
# When every recording counts the same, and the test set has the same shares of emotions as the world it will be used in.
# Say so beside the number. When every *emotion* counts, take the UAR.
# </details>
#
# **Where to read on**
#
# - Park et al. (2019), SpecAugment: [10.21437/Interspeech.2019-2680](https://doi.org/10.21437/Interspeech.2019-2680)
# - Lin et al. (2017), focal loss: [10.1109/ICCV.2017.324](https://doi.org/10.1109/ICCV.2017.324)
# - Szegedy et al. (2016), label smoothing, section 7: [10.1109/CVPR.2016.308](https://doi.org/10.1109/CVPR.2016.308)
# - Ioffe & Szegedy (2015), batch normalisation: [proceedings.mlr.press/v37/ioffe15](https://proceedings.mlr.press/v37/ioffe15.html)
# - Lin, Chen & Yan (2014), Network in network, where global average pooling comes from: [arXiv:1312.4400](https://arxiv.org/abs/1312.4400)
#
# Next: lesson 07 reads the frames one after the other, learns where to look, and asks this CNN what it looked at.
