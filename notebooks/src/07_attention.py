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
# # 07 · Sequences and attention
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/ser-course/ser-course/blob/main/notebooks/07_attention.ipynb)
#
# You will train a network that reads speech frame by frame, and ask it where it listened. Then you will test the
# answers, and see that a convincing picture may have nothing to do with what the network has learnt.
#
# *80 minutes (3 of them computing) · builds on lessons 02 and 04 · if you know recurrent networks, skim section 2*
#
# > **For the instructor.** Sections 1 to 5 are one session, explanations (6 to 10) another. What usually goes wrong:
# > people read the attention curve as the reason for the decision. Section 10 is there for them; leave time for it.

# %% [markdown]
# **What you will learn**
#
# - to feed recordings of different lengths to a network, with padding that changes nothing
# - to write attention as a sum of five lines, and to train a BiLSTM and a GRU with it
# - to ask a model where it looked: attention, Grad-CAM, integrated gradients, SHAP, band occlusion
# - to test an explanation before you show it to anybody

# %% tags=["colab"]
# On Colab this installs the course; elsewhere it does nothing.
try:
    import ser_helpers
except ImportError:
    get_ipython().run_line_magic("pip", "install -q 'ser-helpers[course] @ git+https://github.com/ser-course/ser-course'")

# %%
from ser_helpers.course import banner, check

utterances = banner("07", corpus="ravdess", embedded_speakers=16)

# %% [markdown]
# ## 1. Does order matter?
#
# Every model so far got a summary: means over time. Here is one angry sentence, forwards and backwards.

# %%
from ser_helpers import audio
from ser_helpers.plots import sound

angry = utterances[(utterances.emotion == "angry") & (utterances.statement == "ravdess-1")].iloc[0]
y = audio.load(angry.path)
both = {"as spoken": (y, 16000), "backwards": (y[::-1], 16000)}
alt = "The waveform of a sentence, and its mirror image below."
sound.waveforms(both, "The same numbers in another order", sound.caption(angry), alt)

# %% [markdown]
# Run this cell to listen to the second one.

# %%
sound.play(y[::-1], 16000)

# %% [markdown]
# **Before you run the next cell:** we take the 20 [MFCC](GLOSSARY.md#mfcc) of every [frame](GLOSSARY.md#frame), turn the
# frames round, and take the mean. How much does the mean change?

# %% tags=["nbval-check-output"]
import numpy as np

from ser_helpers import features

frames = features.mfcc(y, 16000, n_mfcc=20)
print("frames × coefficients:", frames.shape)
print("the mean changes by", round(float(np.abs(frames.mean(axis=0) - frames[::-1].mean(axis=0)).max()), 2))

# %% [markdown]
# Not at all. A mean cannot tell a rising melody from a falling one, or a sentence that explodes at its end from one
# that calms down. To hear order, a model must read the frames one after the other.

# %% [markdown]
# ## 2. How does a network read?
#
# A [recurrent network](GLOSSARY.md#recurrent-network) takes one frame at a time and keeps a *state*, its notes so far.
# At each frame it rewrites the notes from the frame and the old notes, with the same weights every time. An
# [LSTM](GLOSSARY.md#lstm) decides with learnt gates what to keep, what to forget and what to write down. A
# [GRU](GLOSSARY.md#gru) does the same with fewer gates. *Bidirectional* means two readers: one from the left, one from
# the right.

# %%
from ser_helpers.course.figures import lesson07_attention

lesson07_attention.unrolled()

# %% [markdown]
# Our frames are 20 MFCC with their [deltas](GLOSSARY.md#delta) and the deltas' deltas: 60 numbers every 10 ms. A
# syllable lasts about 200 ms, so we average four neighbours: a fourth of the steps, a fourth of the time.

# %%
mfcc = features.extract(utterances, "mfcc", n_mfcc=20, deltas=True)


def average_four(frames):
    whole = len(frames) // 4 * 4
    return frames[:whole].reshape(-1, 4, frames.shape[1]).mean(axis=1)


X = mfcc.map(average_four)
X.map(len).describe()[["min", "mean", "max"]].round()

# %% [markdown]
# ## 3. What if recordings differ in length?
#
# A network trains on *batches*: one array of (utterances, frames, numbers). An array is a box, so short recordings are
# filled up with zero rows at the end: [padding](GLOSSARY.md#padding). The [mask](GLOSSARY.md#mask) remembers which
# frames are real.

# %%
lesson07_attention.batch(X[::180].map(len), subtitle=f"{utterances.corpus.iloc[0]}: eight utterances")

# %% [markdown]
# (PyTorch users know a relative: `pack_padded_sequence` sorts the rows by length and drops the zeros. Keras keeps the
# box and skips masked steps. The result is the same.)
#
# Everything that follows must use the mask. Begin with the smallest case, a mean.

# %% tags=["exercise"]
# * The mean over time of the frames that count.
# `frames` has the shape (batch, time, dims), `mask` (batch, time); hidden frames may hold anything.
def masked_mean(frames, mask):
    raise NotImplementedError("Return an array (batch, dims): for each utterance, the mean of the frames whose mask is True.")


check("07.1", masked_mean)

# %% tags=["solution", "nbval-check-output"]
# Zero the hidden frames, add up over time, and divide by the number of frames that count.
def masked_mean(frames, mask):
    heard = mask[..., None]
    return (frames * heard).sum(axis=1) / heard.sum(axis=1)


check("07.1", masked_mean)

# %% [markdown]
# ## 4. How does a network choose where to listen?
#
# The readers leave one vector of notes, h, per frame. We need one vector per utterance. The mean gives every frame the
# same weight, and a pause counts as much as a shout. [Attention](GLOSSARY.md#attention) lets the network learn the
# weights:
#
# 1. a score for each frame: v · tanh(W h + b), where W, b and v are learnt
# 2. [softmax](GLOSSARY.md#softmax) over time: the weights are positive and add up to 1
# 3. the weighted sum
#
# The line this lesson is about:

# %%
from keras import ops


def attend(h, W, b, v):
    scores = ops.squeeze(ops.tanh(h @ W + b) @ v, axis=-1)
    weights = ops.softmax(scores, axis=1)
    return ops.sum(weights[..., None] * h, axis=1)


# %% [markdown]
# The package has it as a Keras layer, which also uses the mask. On the same notes and with the same weights, the two
# agree:

# %% tags=["nbval-check-output"]
from ser_helpers.models import AttentionPooling

layer = AttentionPooling(units=32)
h = np.random.default_rng(0).normal(size=(8, 90, 96)).astype("float32")
pooled = layer(h)
difference = np.abs(ops.convert_to_numpy(attend(h, *layer.get_weights()) - pooled)).max()
print("notes", h.shape, "become", tuple(pooled.shape))
print("largest difference below 0.00001:", bool(difference < 1e-5))

# %% [markdown]
# And the mask? A hidden frame must get the weight 0, and the others must still add up to 1.

# %% tags=["exercise"]
# ** Attention weights from scores, in numpy. Both arrays have the shape (batch, time).
def attention_weights(scores, mask):
    raise NotImplementedError("Return weights (batch, time): 0 where the mask is False, and each row adds up to 1.")


check("07.2", attention_weights)

# %% tags=["solution", "nbval-check-output"]
# Softmax is exp divided by its sum. The exp of minus infinity is 0: the hidden frame is gone before we divide.
def attention_weights(scores, mask):
    powers = np.exp(np.where(mask, scores, -np.inf))
    return powers / powers.sum(axis=1, keepdims=True)


check("07.2", attention_weights)

# %% [markdown]
# ## 5. How well does it hear strangers?
#
# `Masking(0.0)` makes the mask: a frame of nothing but zeros does not count. The scaler before it sees to it that a
# real frame is never all zeros.

# %%
import keras
from keras.layers import GRU, LSTM, Bidirectional, Dense, Dropout, Masking


def network(input_shape, n_classes, cell=LSTM, mask=True):
    model = keras.Sequential([keras.Input(input_shape)])
    if mask:
        model.add(Masking(0.0))
    model.add(Bidirectional(cell(48, return_sequences=True)))
    model.add(AttentionPooling(32))
    model.add(Dropout(0.5))
    model.add(Dense(n_classes, activation="softmax"))
    model.compile(keras.optimizers.Adam(0.003), "categorical_crossentropy")
    return model


# %% [markdown]
# The scaler brings each of the 60 numbers to mean 0 and standard deviation 1 over all training frames.
# **Before you run the next cell:** the DNN on mean vectors reached a [UAR](GLOSSARY.md#uar) of about 0.37 on unseen
# RAVDESS actors (0.45 on the synthetic ones). Write down your guess for the BiLSTM. Real speech gets 12 epochs in five
# folds; the embedded corpus gets 8 epochs in two folds, so that the lesson takes about two minutes on two cores.

# %%
from sklearn.pipeline import make_pipeline

from ser_helpers import corpora
from ser_helpers.evaluation import cross_validate, leaderboard
from ser_helpers.models import FrameScaler, KerasClassifier

real = not corpora.card(utterances.corpus.iloc[0]).synthetic
epochs, folds, batch = (12, 5, 64) if real else (8, 2, 32)
options = {"n_splits": folds, "jobs": 2, "features": "MFCC + deltas"}
bilstm = make_pipeline(FrameScaler(), KerasClassifier(network, epochs, batch_size=batch, cache=True))
read = cross_validate(bilstm, X, utterances, name="BiLSTM + attention", **options)
read

# %%
from ser_helpers import plots

plots.confusion(read)

# %% [markdown]
# The GRU, which has three quarters of the weights:

# %%
from functools import partial

gru = make_pipeline(FrameScaler(), KerasClassifier(partial(network, cell=GRU), epochs, batch, cache=True))
shorter = cross_validate(gru, X, utterances, name="GRU + attention", **options)
plots.against(shorter, read)

# %% [markdown]
# The intervals overlap: 24 actors do not tell us which of the two is better. The GRU is the smaller one; if they tie,
# it wins. (Sizes and epochs were chosen by trials on two of these folds, so both scores are a little too good.)

# %% [markdown]
# ## 6. Does padding change a prediction?
#
# We train one network, with the actors of the first fold held out. Its twin has the same weights, but no mask. We ask
# both about the unseen actors, twice: as they are, and with 100 rows of zeros added, as if one recording in the batch
# lasted 4 s longer. **Guess first:** how many of the answers change?

# %%
from sklearn.base import clone

train, test = corpora.split(utterances, "speaker", n_splits=folds)[0]
reader = clone(bilstm).set_params(kerasclassifier__progress=True)
reader = reader.fit(X[train], utterances.emotion[train])

# %%
masked = reader[-1].model_
twin = network((None, 60), 8, mask=False)
twin.set_weights(masked.get_weights())
batch = keras.utils.pad_sequences(reader[0].transform(X[test]), dtype="float32", padding="post")
longer = np.pad(batch, ((0, 0), (0, 100), (0, 0)))
for name, net in {"with mask": masked, "without mask": twin}.items():
    before, after = (net.predict(rows, batch_size=64, verbose=0) for rows in (batch, longer))
    changed = (before.argmax(axis=1) != after.argmax(axis=1)).sum()
    print(f"{name:<12}: {changed} of {len(test)} answers change; largest move {np.abs(after - before).max():.6f}")

# %% [markdown]
# With the mask none changes. Here is the utterance that the twin changed its mind about most:

# %%
import pandas as pd

row, column = np.unravel_index((before - after).argmax(), before.shape)
moved, length = utterances.loc[test[row]], len(X[test[row]])
curves = pd.DataFrame(columns=["with mask", "without mask"], dtype=float)
for added in range(0, 201, 40):
    padded = np.pad(batch[[row], :length], ((0, 0), (0, added), (0, 0)))
    curves.loc[added] = [float(net(padded)[0, column]) for net in (masked, twin)]
lesson07_attention.under_padding(curves, reader.classes_[column], sound.caption(moved))

# %% [markdown]
# Without a mask, the same recording gets another answer when it stands in a batch beside a longer one. That is a bug
# you do not see in training: nothing crashes, only a few answers change, and the score depends on the batch size.

# %% [markdown]
# ## 7. Where does it listen?
#
# Of the angry utterances in the test set, we take the one the network is surest about, and lay its attention weights
# over the waveform. 1 is what every frame would get if all got the same.
# **Guess first:** will it listen to the beginning, the loudest word, or the pauses?

# %%
from ser_helpers.evaluation import explain

sure = pd.Series(reader.predict_proba(X[test])[:, list(reader.classes_).index("angry")], index=test)
chosen = utterances.loc[sure[utterances.emotion[test] == "angry"].idxmax()]
y = audio.load(chosen.path)
weights = explain.attention(reader, X[chosen.name])
plots.attention_over_waveform(weights, y, 16000, subtitle=sound.caption(chosen))

# %% [markdown]
# Run this cell to listen to the half second around the peak.

# %%
peak = int(weights.argmax() / len(weights) * len(y))
sound.play(y[max(0, peak - 4000) : peak + 4000], 16000)

# %% [markdown]
# A few frames get most of the attention, and the silence before and after gets next to none. So is the rest
# ignored? No: each note was written by readers who had walked through the *whole* sentence, and a note at 1 s may well
# speak about 2 s. The curve says which notes entered the sum. It does not say why the network decided, and other
# weights can give the same answer (Jain and Wallace, 2019).
#
# ## 8. What did a CNN see?
#
# A second model for comparison: the three blocks of lesson 06's [CNN](GLOSSARY.md#cnn) on the [log-mel
# spectrogram](GLOSSARY.md#log-mel-spectrogram), cut or filled up to 3 s. Half a minute of training, half of what lesson
# 06 gives it, is enough to have something to explain.

# %%
from keras import layers

from ser_helpers.models import FixedFrames


def block(filters, kernel=3, stride=1):
    convolution = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False)
    return [convolution, layers.BatchNormalization(), layers.ReLU()]


def cnn(input_shape, n_classes):
    pool = layers.MaxPooling2D
    begin = [layers.Reshape((*input_shape, 1)), layers.AveragePooling2D((1, 2)), layers.RandomTranslation(0, 0.05)]
    blocks = [*block(32, kernel=5, stride=2), pool(), *block(64), pool(), *block(128)]
    end = [layers.GlobalAveragePooling2D(), layers.Dense(n_classes, "softmax")]
    model = keras.Sequential([keras.Input(input_shape), *begin, *blocks, *end])
    rate = keras.optimizers.schedules.CosineDecay(0.004, decay_steps=540)
    model.compile(keras.optimizers.Adam(rate), "categorical_crossentropy")
    return model


# %%
logmel = features.extract(utterances, "logmel")
looker = make_pipeline(FrameScaler(), FixedFrames(150, step=2), KerasClassifier(cnn, epochs=15, cache=True, progress=True))
looker = looker.fit(logmel[train], utterances.emotion[train])

# %%
from ser_helpers.evaluation import uar

print(f"unseen actors of this fold: UAR {uar(utterances.emotion[test], looker.predict(logmel[test])):.2f}")

# %% [markdown]
# Three ways to ask it about one decision:
#
# - **[Grad-CAM](GLOSSARY.md#grad-cam)** adds up the last feature maps, each weighted by how much the label's score
#   rises with it.
# - **[Integrated gradients](GLOSSARY.md#integrated-gradients)** walk from a *baseline* (here the mean spectrogram) to
#   the example and add up the slope on the way: what did each number add to the probability?
# - **Band occlusion** never looks inside. It switches parts off at random, 500 times, and fits a linear model to what
#   happens. EmoLIME does this for emotions.

# %%
network_alone = looker[-1]
column = list(network_alone.classes_).index("sad")
sure = pd.Series(looker.predict_proba(logmel[test])[:, column], index=test)
chosen = utterances.loc[sure[utterances.emotion[test] == "sad"].idxmax()]
levels = explain.network_input(looker, logmel[chosen.name])

cam = explain.grad_cam(network_alone, levels, "sad")
gradients = explain.integrated_gradients(network_alone, levels, "sad", steps=100)
occlusion = explain.band_occlusion(network_alone, levels, "sad")

# %%
three = {"Grad-CAM": cam, "integrated gradients": gradients, "band occlusion": occlusion}
plots.maps(levels, three, 3.0, "Three explanations of one decision: “sad”", sound.caption(chosen))

# %% [markdown]
# Read each map by its own rules. Grad-CAM is coarse: the last maps have 18 × 4 cells, stretched over the picture. It
# shows reasons *for* the label only. Integrated gradients are as fine as the input, and noisy. Occlusion speaks of
# whole cells. Where all three point to the same place, look closely; where they differ, none of them is "the" reason.
#
# Integrated gradients make a promise that can be checked, *completeness*: all attributions together are the probability
# of the example minus that of the baseline.

# %%
p, p_baseline = network_alone.predict_proba(np.stack([levels, 0 * levels]))[:, column]
print(f"probability {p:.3f} - baseline {p_baseline:.3f} = {p - p_baseline:.3f}; attributions: {gradients.sum():.3f}")

# %% [markdown]
# And the linear model of band occlusion has an R², which says how far to trust it:

# %%
print(f"R² {occlusion.attrs['r2']:.2f}")

# %% tags=["exercise"]
# *** Your own occlusion over time. `probability` takes levels (frames, bands) and returns a number. Cut the frames into
# stretches of `width` (the last may be shorter); silence each in turn, by each band's quietest level.
def time_occlusion(probability, levels, width):
    raise NotImplementedError("Return a list: by how much the probability falls when each stretch is silenced.")


check("07.3", time_occlusion)

# %% tags=["solution", "nbval-check-output"]
# A copy for every stretch: the example itself stays as it is.
def time_occlusion(probability, levels, width):
    falls = []
    for start in range(0, len(levels), width):
        silenced = levels.copy()
        silenced[start : start + width] = levels.min(axis=0)
        falls.append(probability(levels) - probability(silenced))
    return falls


check("07.3", time_occlusion)

# %%
falls = time_occlusion(lambda levels: network_alone.predict_proba(levels[None])[0, column], levels, width=30)
print("the probability falls by", np.round(falls, 2), "in the five stretches of 0.6 s")

# %% [markdown]
# ## 9. Which features decide?
#
# For a table of features there is [SHAP](GLOSSARY.md#shap): it shares a model's score out among the features. For a
# linear model the share is short: *weight × (feature − its mean)*. Here is a logistic regression on the 88
# [eGeMAPS](GLOSSARY.md#egemaps) features, asked about the actors it does not know. (Of the embedded corpus we take every
# third utterance, to save time.)

# %%
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

known, unseen = (names if real else names[::3] for names in (train, test))
egemaps = features.extract(utterances.loc[known.append(unseen)], "egemaps")
linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
linear.fit(egemaps.loc[known], utterances.emotion[known])
shares = explain.shap_values(linear, egemaps.loc[unseen], "angry", background=egemaps.loc[known])
plots.beeswarm(shares, egemaps.loc[unseen], subtitle=f"{utterances.corpus.iloc[0]}: unseen actors, score of “angry”")

# %% [markdown]
# Each dot is one utterance. Dark dots on the right: a high value of the feature speaks for anger, a low one against it.
# Dark dots on the left: the other way round. Most of the strongest features describe the shape of the
# spectrum, or how loud the voice is.

# %% tags=["exercise"]
# ** Which features push hardest? `values` is a table of SHAP values; return the `n` names, strongest first.
def strongest(values, n):
    raise NotImplementedError("Return a list of the n features with the largest mean absolute SHAP value.")


check("07.4", strongest)

# %% tags=["solution", "nbval-check-output"]
# A push to the left is a push too: absolute values first, then the mean over utterances.
def strongest(values, n):
    return values.abs().mean().nlargest(n).index.tolist()


check("07.4", strongest)

# %%
for label in ("angry", "sad", "happy"):
    shares = explain.shap_values(linear, egemaps.loc[unseen], label, background=egemaps.loc[known])
    print(f"{label:<6}", "; ".join(explain.feature_words(name) for name in strongest(shares, 3)))

# %% [markdown]
# Many of the 88 features say almost the same (mean and median of the pitch). The model shares the weight among them as
# it happened to, and so does SHAP. Read groups of features, not single ones.

# %% [markdown]
# ## 10. Is it an explanation at all?
#
# A picture that looks right convinces us. So test it: shuffle the network's weights. Now it knows nothing. If the
# explanation stays the same, it was never about what the network had learnt (Adebayo et al., 2018).
#
# As a control we add a "method" that any eye would accept: it marks where the spectrogram is loud. **Which of the three
# will fail?**

# %%
def loudness(model, example):
    return example


methods = {"Grad-CAM": explain.grad_cam, "integrated gradients": explain.integrated_gradients, "the loud parts": loudness}
found = {name: explain.sanity(method, network_alone, levels, seeds=range(5)) for name, method in methods.items()}
lesson07_attention.sanity(found, sound.caption(chosen))

# %% [markdown]
# The loud parts stay exactly as they were, whatever the network knows: no explanation, though it looks like one. The
# other two change. That is the least we can ask of an explanation; it does not prove that they are right.
#
# **An explanation is about the model, not about the person.** "The model used the pitch at 1.2 s" is a statement about
# weights. "She was angry because of her pitch" does not follow, and neither does "she was angry".

# %% [markdown]
# ## 11. What goes on the leaderboard?

# %%
for result in (read, shorter):
    leaderboard.add(result, lesson="07")
leaderboard.show()

# %% [markdown]
# ## Common mistakes
#
# - **No mask.** Symptom: a prediction changes with the batch it stands in, or with the batch size.
# - **Softmax first, mask after.** Symptom: the weights of short recordings do not add up to 1.
# - **Padding before scaling.** Symptom: padded rows are no longer zero, and the mask finds none.
# - **Attention read as a reason.** Symptom: "the model decided because of this word", without an occlusion to test it.
# - **One pretty heat map.** Symptom: it was chosen from twenty, and nobody shuffled the weights.

# %% [markdown]
# ## What you can now do
#
# - [ ] train a recurrent network on recordings of any length
# - [ ] write masked attention by hand, and say what its weights mean and what they do not
# - [ ] choose between attention, Grad-CAM, integrated gradients, SHAP and occlusion
# - [ ] test an explanation with shuffled weights
#
# **Three questions to answer aloud**
#
# <details><summary>1. Why does a network without a mask still learn something?</summary>
# Most of each row is real, and padding looks the same in training and test. But the amount of padding then says how
# long the recording is compared with the longest one around it, and the network uses that.
# </details>
#
# <details><summary>2. Grad-CAM and integrated gradients mark different places. Which one is right?</summary>
# Perhaps both: they answer different questions. Grad-CAM says where the last layer found reasons, integrated gradients
# which numbers moved the probability away from the baseline. Change the baseline, and the second answer changes.
# </details>
#
# <details><summary>3. A customer asks why the system called her angry. What can you say?</summary>
# What the model reacted to, with a tested explanation, and how often the model is wrong. You cannot say what she felt.
# </details>
#
# **Where to read on**
#
# - Hochreiter & Schmidhuber (1997), LSTM: [10.1162/neco.1997.9.8.1735](https://doi.org/10.1162/neco.1997.9.8.1735)
# - Bahdanau, Cho & Bengio (2015), additive attention: [arXiv:1409.0473](https://arxiv.org/abs/1409.0473)
# - Mirsamadi, Barsoum & Zhang (2017), attention pooling for emotion:
#   [10.1109/ICASSP.2017.7952552](https://doi.org/10.1109/ICASSP.2017.7952552)
# - Selvaraju et al. (2017), Grad-CAM: [10.1109/ICCV.2017.74](https://doi.org/10.1109/ICCV.2017.74)
# - Sundararajan, Taly & Yan (2017), integrated gradients: [arXiv:1703.01365](https://arxiv.org/abs/1703.01365)
# - Lundberg & Lee (2017), SHAP: [arXiv:1705.07874](https://arxiv.org/abs/1705.07874)
# - Hjuler, Clemmensen & Das (2025), EmoLIME: [arXiv:2504.05368](https://arxiv.org/abs/2504.05368)
# - Adebayo et al. (2018), sanity checks: [arXiv:1810.03292](https://arxiv.org/abs/1810.03292)
# - Jain & Wallace (2019), attention is not explanation: [10.18653/v1/N19-1357](https://doi.org/10.18653/v1/N19-1357)
#
# Next: lesson 08 starts from a network that has already listened to thousands of hours.
