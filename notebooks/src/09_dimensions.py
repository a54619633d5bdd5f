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
# # 09 · Valence, arousal, dominance
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/ser-course/ser-course/blob/main/notebooks/09_dimensions.ipynb)
#
# You will predict how pleasant, how excited and how strong a voice is, as numbers, and follow them through a
# conversation. And you will see one model that is worse than another by its squared error and better by its score, and
# a bug in a popular version of that score.
#
# *80 minutes (1 to 2 of them computing) · builds on lessons 03 to 05, and 08 for encoders · if you know the CCC, run
# sections 1 to 4, and read on from the bug hunt in section 4*
#
# > **For the instructor.** Sections 1 to 5 are one session. What usually goes wrong: people compare a squared error on
# > a scale from 1 to 5 with one on -1 to 1. Ask for the scale each time, before you ask for the score.

# %% [markdown]
# **What you will learn**
#
# - to place emotions on a plane, and to move between scales without an accident
# - to derive the CCC, to find the bug in its popular version, and to train with it
# - to use audEERING's published model, and to make it impossible to mix up its outputs
# - to follow a feeling through a conversation, and to say how well people agree about it

# %% tags=["colab"]
# On Colab this installs the course; elsewhere it does nothing.
try:
    import ser_helpers
except ImportError:
    get_ipython().run_line_magic("pip", "install -q 'ser-helpers[course] @ git+https://github.com/ser-course/ser-course'")

# %%
from ser_helpers.course import banner, check

utterances = banner("09", corpus="iemocap", embedded_speakers=10)

# %% [markdown]
# ## 1. Which word is it?
#
# [IEMOCAP](https://doi.org/10.1007/s10579-008-9076-6) holds conversations of ten actors. Its raters chose a word for
# each turn, and they also gave three numbers from 1 to 5: [valence](GLOSSARY.md#valence) (unpleasant to pleasant),
# [arousal](GLOSSARY.md#arousal) (calm to excited) and [dominance](GLOSSARY.md#dominance) (weak to strong).
#
# `xxx` means that the raters did not agree on a word. **Guess first:** for how many turns out of ten?

# %%
share = (utterances.emotion == "xxx").mean()
print(f"{len(utterances)} turns, {utterances.speaker.nunique()} speakers; no word for {share:.0%} of the turns")
print("turns without the three numbers:", int(utterances[["valence", "arousal", "dominance"]].isna().any(axis=1).sum()))

# %% [markdown]
# In the real IEMOCAP it is one turn in four. Every turn has its three numbers, also those without a word. Here are all
# of them. **Where would you put anger?**

# %%
from ser_helpers import plots

plots.plane(utterances)

# %% [markdown]
# Anger and excitement are both high on the plane: as much energy, opposite pleasure. Sadness lies opposite to
# excitement. "No agreement" lies in the middle, where words are hard to find. This plane is
# [Russell's](https://doi.org/10.1037/h0077714); the numbers on it are not an emotion's address, they are what some
# people heard.
#
# ## 2. Which scale is it?
#
# Everybody has a scale of their own: IEMOCAP 1 to 5, MSP-Podcast 1 to 7, a published model 0 to 1, the plane of a
# textbook -1 to 1. A wrong scale does not crash. It gives results that are a bit too good or too bad to be true.

# %% tags=["exercise"]
# * Bring ratings from 1 to 5 (an array) to the textbook's -1 to 1.
def to_plane(ratings):
    raise NotImplementedError("Return numbers from -1 to 1: 1 becomes -1, 3 becomes 0, 5 becomes 1.")


check("09.1", to_plane)

# %% tags=["solution", "nbval-check-output"]
# The ends of the questionnaire count, not the smallest and largest rating at hand: those change with the data.
def to_plane(ratings):
    return (ratings - 3) / 2


check("09.1", to_plane)

# %% [markdown]
# ## 3. What does a model score that does not listen?
#
# A *regression* predicts a number. Its usual error is the mean squared error, MSE. We ask it about a model that always
# says the mean of its training turns. Whole sessions are held out, so nobody in the test has been heard before.

# %%
from sklearn.dummy import DummyRegressor

from ser_helpers import features
from ser_helpers.evaluation import ccc, cross_validate, mse

egemaps = features.extract(utterances, "egemaps")

# %%
deaf = cross_validate(DummyRegressor(), egemaps, utterances, protocol="session", target="valence", name="the mean")
truth, said = deaf.predictions.truth, deaf.predictions.predicted
root = mse(truth, said) ** 0.5
print(f"squared error {mse(truth, said):.2f}: about {root:.1f} of the scale's 4 steps, without listening")

# %% [markdown]
# About one step off, on a scale of four steps. "Our model errs by about one step" sounds like a result, and this one is
# deaf. Correlation would unmask it: r is 1 when all dots lie on *any* rising line, and a model that always says the
# same has none. But correlation forgives too much. Below are four invented models of the arousal of the same 60 turns.
# **Which one would you want?**

# %%
from ser_helpers.course.figures import lesson09_dimensions

lesson09_dimensions.concordance()

# %% [markdown]
# The first three have the same correlation r. But a model that is always one step too high will see excitement
# everywhere, and a timid one will never see it. And look at the MSE: it prefers the deaf model to the one that is too
# high. We want a number that is 1 only when prediction and rating are *the same*.
#
# ## 4. How is the CCC built?
#
# Start from the squared error. For any two lists t and p it has three parts, with *cov* the covariance:
#
# ```text
# mean of (t − p)²  =  var(t) + var(p) − 2 cov(t, p) + (mean(t) − mean(p))²
# ```
#
# If p had nothing to do with t, cov would be 0, and the error would be what is left:
# `var(t) + var(p) + (mean(t) − mean(p))²`. Lin's [concordance correlation coefficient](GLOSSARY.md#ccc) (1989) asks
# which share of that error the model has removed:
#
# ```text
#                mean of (t − p)²                              2 cov(t, p)
# CCC  =  1 −  ─────────────────────  =  ─────────────────────────────────────────────────
#              the same if cov were 0      var(t)  +  var(p)  +  (mean(t) − mean(p))²
# ```
#
# 1 is perfect, 0 is what the deaf model gets, -1 is perfectly wrong. In Python:

# %% tags=["nbval-check-output"]
import numpy as np


def my_ccc(t, p):
    covariance = np.mean((t - t.mean()) * (p - p.mean()))
    return 2 * covariance / (t.var() + p.var() + (t.mean() - p.mean()) ** 2)


t = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
for name, p in {"the same": t, "1 too high": t + 1, "too timid": 3 + 0.3 * (t - 3), "upside down": 6 - t}.items():
    r = np.corrcoef(t, p)[0, 1]
    print(f"{name:<12} r {r:+.2f}   MSE {mse(t, p):5.2f}   CCC {my_ccc(t, p):+.2f}   package {ccc(t, p):+.2f}")

# %% [markdown]
# **A bug hunt.** The next function is in many projects, for PyTorch above all, where `torch.var` divides by n − 1 (as
# `ddof=1` does in numpy). We give it a *perfect* prediction, in batches of several sizes. **Before you run it:** what
# should it print?

# %% tags=["nbval-check-output"]
def popular_ccc(t, p):
    covariance = np.mean((t - t.mean()) * (p - p.mean()))
    return 2 * covariance / (np.var(t, ddof=1) + np.var(p, ddof=1) + (t.mean() - p.mean()) ** 2)


for size in (2, 4, 8, 16, 64):
    perfect = np.arange(float(size))
    print(f"{size:>3} turns: a perfect prediction scores {popular_ccc(perfect, perfect):.3f}")

# %% [markdown]
# With four turns, perfection scores 0.75. In a batch of 64 hardly anybody notices. The covariance is divided by n, the
# variances by n − 1: two kinds of moments in one fraction. As a score it makes small batches look worse than large
# ones. As a loss it never reaches 0, and it weighs an offset, (mean − mean)², too lightly beside the larger variances.

# %% tags=["exercise"]
# ** Mend it. Mind that dividing *everything* by n − 1 is not the same either: (mean − mean)² has no n.
def mended_ccc(t, p):
    raise NotImplementedError("Return the CCC with population moments: every mean divided by n.")


check("09.2", mended_ccc)

# %% tags=["solution", "nbval-check-output"]
# ddof=0 divides by n, as np.mean does. In PyTorch: torch.var(t, correction=0).
def mended_ccc(t, p):
    covariance = np.mean((t - t.mean()) * (p - p.mean()))
    return 2 * covariance / (np.var(t, ddof=0) + np.var(p, ddof=0) + (t.mean() - p.mean()) ** 2)


check("09.2", mended_ccc)

# %% [markdown]
# ## 5. Can a voice tell pleasure?
#
# Two regressions: *ridge* gives each feature a weight, keeps the weights small (the more so the larger `alpha` is) and
# adds up; an SVR is lesson 05's SVM for numbers. Both hear 88 [eGeMAPS](GLOSSARY.md#egemaps) features. Then ridge
# hears lesson 08's [embeddings](GLOSSARY.md#embedding). **Guess first:** which of the three dimensions is hardest?

# %%
from ser_helpers.pretrained import Encoder

encoder = Encoder("openai/whisper-base")
embeddings = features.extract(utterances, encoder)

# %%
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

results = {}
for target in ("valence", "arousal", "dominance"):
    for name, model, X, kind in [
        ("ridge", Ridge(alpha=100), egemaps, "eGeMAPS"),
        ("SVR", SVR(C=10), egemaps, "eGeMAPS"),
        ("ridge", Ridge(alpha=1000), embeddings, encoder.label),
    ]:
        settings = {"protocol": "session", "target": target, "name": name, "features": kind}
        result = cross_validate(make_pipeline(StandardScaler(), model), X, utterances, **settings)
        results[target, name, kind] = result
        print(f"{target:<10} {name:<6} CCC {result.ccc:.2f}, {result.interval[0]:.2f} to {result.interval[1]:.2f}  {kind}")

# %%
plots.predicted(results["valence", "SVR", "eGeMAPS"])

# %%
plots.predicted(results["arousal", "SVR", "eGeMAPS"])

# %% [markdown]
# Arousal is easy for all three. From the 88 features, valence and dominance are hard. (Keep dominance in mind until
# section 9: people find it hard, too.) On the embedded conversations valence is hard because they were *made* so: their
# voices carry the arousal, their words most of the valence. Whisper was trained to write words down: the real
# Whisper-base reaches a CCC of 0.60 for valence here, eGeMAPS 0.36.
#
# In real speech the same was *found*. On MSP-Podcast, audEERING's model of section 7 reaches .745 for arousal, .655 for
# dominance, .638 for valence ([Wagner et al., 2023](https://doi.org/10.1109/TPAMI.2023.3263585)). Older systems were
# much weaker on valence; the paper shows that the gain comes from words that the encoder has learnt to hear. Lesson 10
# gives the words to a model openly.
#
# If the last name in each group is an "untrained stand-in": see how far random weights get with arousal. Loudness and
# pitch survive almost any network. Always test an untrained encoder before you praise a trained one.
#
# **A trap.** The sessions share some sentences, the scripted ones above all. Does a model understand a sentence, or
# recognise it? We split the test turns: sentences that were said in training, too, and sentences that were new.

# %%
known = utterances.groupby("text").session.transform("nunique") > 1
for (target, name, kind), result in results.items():
    if target == "valence":
        t, p = result.predictions.truth, result.predictions.predicted
        print(f"{name:<6} known sentences {ccc(t[known], p[known]):.2f}, new {ccc(t[~known], p[~known]):.2f}  {kind}")

# %% [markdown]
# On the embedded conversations new sentences score lower with every model. Are the shared sentences just easier? We
# tried: take them out of the training, and the SVR falls on these same sentences from 0.45 to about 0.13. So it
# recognised them, by their length and melody, and knew their usual valence. Unseen speakers are not enough: ask for
# unseen sentences, too.
#
# Now look at the valence cloud again, and follow its line. Turns that were rated 1 are heard as 2.4, turns rated 5 as
# 3.5: the predictions stay near the middle. Why?
#
# ## 6. What does the loss ask for?
#
# A model that is unsure and is punished by the *square* of its error is wise to stay near the mean. So it becomes
# timid, the more so the less it knows. (The SVR is punished by the absolute error, as in the *mean absolute error*,
# MAE. That forgives large errors more, and makes timid, too.) If the CCC is what we want, we can train for it:

# %%
import keras
from keras import layers, ops


def ccc_loss(y_true, y_pred):
    t, p = y_true - ops.mean(y_true), y_pred - ops.mean(y_pred)
    apart = ops.mean(y_true) - ops.mean(y_pred)
    return 1 - 2 * ops.mean(t * p) / (ops.mean(t * t) + ops.mean(p * p) + apart**2)


# %% [markdown]
# These are the moments of a *batch*, so batches must not be small: we take 64. The package has the same loss as
# `models.ccc_loss`; it also takes several targets at once, and a batch in which the CCC is undefined.
#
# The network has one hidden layer. `AdamW` is Adam that also pulls all weights a little towards 0. `KerasRegressor` is
# lesson 04's `KerasClassifier` for numbers. It standardises the targets for training, and gives predictions on the
# scale from 1 to 5.

# %%
from functools import partial

from ser_helpers.models import KerasRegressor


def network(input_shape, n_targets, loss):
    model = keras.Sequential([keras.Input(input_shape)])
    model.add(layers.Dropout(0.25))
    model.add(layers.Dense(64, activation="tanh"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(n_targets))
    model.compile(keras.optimizers.AdamW(0.003, weight_decay=0.1), loss, steps_per_execution=8)
    return model


# %% [markdown]
# The same network, the same data, two losses. Ten fits, about a minute the first time.
# **Guess first:** which of the two will have the better MSE, and which the better CCC?

# %%
trained = {}
for name, loss in [("network, MSE loss", "mse"), ("network, CCC loss", ccc_loss)]:
    regressor = KerasRegressor(partial(network, loss=loss), epochs=20, batch_size=64, cache=True)
    settings = {"protocol": "session", "target": "valence", "name": name, "features": "eGeMAPS"}
    trained[name] = cross_validate(make_pipeline(StandardScaler(), regressor), egemaps, utterances, **settings)
lesson09_dimensions.two_losses(*trained.values())

# %%
from ser_helpers.evaluation import compare

compare(*reversed(trained.values()))

# %% [markdown]
# Worse by the squared error, better by the CCC: both at once, and no contradiction. The second network dares to say 1.5
# and 4.5. When it is wrong, it is wrong by more: its squared error is larger than the *deaf* model's 1.01.
#
# Which is right? It depends on who reads the number. If one number goes into a sum, such as the mean mood of a thousand
# calls like those in training, timid is fine. If somebody shall be alerted when a voice is *very* unpleasant, a model
# that never says "very" is useless. (Size and epochs were chosen by a few trials on these sessions, so both scores are
# a little too good. Arousal is easy to hear, so there the two losses differ little.)
#
# ## 7. Can somebody else's model do it?
#
# audEERING has published a wav2vec 2.0 that was fine-tuned on MSP-Podcast: real conversations, 1 to 7 mapped to 0 to 1.
# Its page on the hub shows how to call it with transformers, and what that prints for a second of silence:
# `[[0.546 0.606 0.404]]`. Three bare numbers, in the order **arousal, dominance, valence**. Everybody expects valence
# first. Nothing crashes when you mix them up: all three lie between 0 and 1.
#
# The order is written in the model's configuration, as `id2label`. So let the configuration name them. Write it for any
# number of outputs: the next model may have eleven.

# %% tags=["exercise"]
# ** Name the outputs. `outputs` is an array (turns, outputs); `labels` is the configuration's id2label,
# such as {"0": "arousal", "1": "dominance", "2": "valence"} (keys are text, in any order).
def named(outputs, labels):
    raise NotImplementedError("Return a DataFrame: the column called labels[str(k)] holds output number k.")


check("09.3", named)

# %% tags=["solution", "nbval-check-output"]
# Ask for output 0, 1, 2, ... by number: neither the order of the dict nor that of the text "10" < "2" can fool you.
import pandas as pd


def named(outputs, labels):
    return pd.DataFrame(outputs, columns=[labels[str(k)] for k in range(len(labels))])


check("09.3", named)

# %% [markdown]
# `DimensionalModel` does that for you, and refuses a model whose configuration does not say. `fit` only loads it, and
# `scale=(1, 5)` stretches its 0 to 1 to IEMOCAP's questionnaire. It hears the last session.
# The weights (0.7 GB, licence CC BY-NC-SA 4.0: research and teaching, no products) come with
# `ser download audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim`. Where they are missing, a tiny untrained network
# takes their place, and says so.

# %%
from ser_helpers.pretrained import DimensionalModel

last = utterances[utterances.session == utterances.session.max()]
published = DimensionalModel("audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim", scale=(1, 5)).fit()
heard = published.predict(last)
print(published.label)
heard.head(3).round(2)

# %%
for dimension in heard:
    print(f"{dimension:<10} CCC {ccc(last[dimension], heard[dimension]):.2f}")
print("arousal read as valence:", f"{ccc(last.valence, heard.arousal):.2f}")

# %% [markdown]
# If the first line above says "stand-in", these numbers are noise around 0, as they should be: an untrained network
# knows nothing. With the real weights, mind three things. The scale: its 0 to 1 was 1 to 7, and a 5 of 7 need not be
# what other raters call 3.7 of 5. The domain: podcasts are not your recordings. And IEMOCAP was never in its training,
# so here it is an honest test.
#
# ## 8. Where is this conversation going?
#
# A turn is short, and a prediction of it is noisy. In a conversation we want to know where things go. The usual answer
# is a rolling mean over a speaker's last turns.

# %% tags=["exercise"]
# *** A rolling mean over each speaker's own last turns. `table` has the columns dialogue, speaker, turn_end (seconds);
# `values` is a Series on its index; `turns` is the length of the window, this turn included. Look back only.
def over_turns(table, values, turns):
    raise NotImplementedError("Return a Series on the index of `values`; the first turns have shorter windows.")


check("09.4", over_turns)

# %% tags=["solution", "nbval-check-output"]
# Sort by time, and never leave the speaker or the dialogue. Afterwards, put the turns back into their order.
def over_turns(table, values, turns):
    spoken = table.sort_values("turn_end")
    own = values[spoken.index].groupby([spoken.dialogue, spoken.speaker])
    return own.rolling(turns, min_periods=1).mean().droplevel([0, 1])[values.index]


check("09.4", over_turns)

# %% [markdown]
# Every prediction of section 5 was made by a model that had not heard the session. So we may lay them over any
# conversation. We take the one in which the rated arousal moves most.

# %%
arousal = results["arousal", "SVR", "eGeMAPS"].predictions.predicted
moves = over_turns(utterances, utterances.arousal, 3).groupby(utterances.dialogue).std()
talk = utterances[utterances.dialogue == moves.idxmax()]
plots.trajectory({"rated": utterances.arousal, "heard": arousal}, talk, "arousal", turns=3)

# %% [markdown]
# Each speaker has a panel: dots are single turns, lines are means of three turns, grey as rated, orange as heard by the
# model. The lines tell a story that the dots hide. But a line is late by about half of its window: here, by one turn.
#
# What does a longer window buy, and what does it cost? We draw how far the line jumps from turn to turn, and its error:
# how far it is from the rating of the last turn. **Guess first:** which of the two curves falls?

# %%
lesson09_dimensions.window(arousal, utterances.arousal, utterances)

# %% [markdown]
# With a longer window the curve jumps less, so an alarm goes off less often by accident. But it says less about the
# turn that was just spoken. There is no right length: a supervisor who waits for an alarm and a researcher who compares
# episodes want different ones. Lesson 13 lets such a curve raise an alarm.
#
# ## 9. How good can it get?
#
# The ratings are not the truth; they are means over a few people who do not agree: three in the embedded conversations,
# mostly two in the real IEMOCAP. `corpora.ratings` takes them apart. **Guess first:** when one rater is judged by the
# others, as we judge a model, which CCC does a human get?

# %%
from ser_helpers import corpora
from ser_helpers.evaluation import rater_ceiling

ratings = corpora.ratings(utterances)
people = rater_ceiling(ratings, utterances)
plots.ceiling(people, [*results.values(), *trained.values()])

# %% [markdown]
# The black dots are people. Three lessons hide in this picture.
#
# - **Nobody reaches 1.** Where people agree little, a model cannot be asked for much.
# - **A model may reach a rater, or pass.** On the embedded conversations that happens for arousal and dominance. The
#   model is judged by the mean of *three* people, which is less noisy than any of them. "As good as a human" would be
#   the wrong sentence: it is as near to the mean of three humans as one human is to the mean of two.
# - **The gap shows where to work.** For valence people are ahead: they understand the words.

# %%
from ser_helpers.evaluation import leaderboard

for result in [*results.values(), *trained.values()]:
    leaderboard.add(result, lesson="09")
leaderboard.show()

# %% [markdown]
# ## Common mistakes
#
# - **MSE alone.** Symptom: a proud error, and a cloud of predictions that is flat.
# - **Sample variance in the CCC.** Symptom: a perfect prediction does not score 1, least of all in small batches.
# - **CCC per batch, then averaged.** Symptom: the score changes with the batch size. Collect all predictions first.
# - **CCC loss with tiny batches.** Symptom: the loss jumps about; with a batch of one it has no gradient at all.
# - **Outputs in the wrong order.** Symptom: shouting is heard as pleasant, and valence scores far lower than
#   the model's page says.
# - **The same sentences in training and test.** Symptom: valence falls when you score new sentences alone.
# - **Min–max scaling by the data.** Symptom: in every corpus the most extreme turns are exactly -1 and 1.
# - **A rolling mean over both speakers.** Symptom: one shouts, one stays calm, and the line shows neither.

# %% [markdown]
# ## What you can now do
#
# - [ ] read a plane of valence and arousal, and bring any scale to any other
# - [ ] write the CCC from memory, and find the version that mixes two kinds of variance
# - [ ] choose between MSE and CCC loss by what the numbers are for
# - [ ] use a published model without mixing up its outputs
# - [ ] draw a trajectory, and say what its window hides
#
# **Three questions to answer aloud**
#
# <details><summary>1. A paper reports a correlation of .8 for arousal. What do you ask?</summary>
# For the CCC, or for the cloud: a model with r = .8 may be always too high, or too timid. Then: on whose voices, and
# how well do the raters agree?
# </details>
#
# <details><summary>2. Why is a network trained by squared error timid about valence, but not about arousal?</summary>
# Where it is unsure, the mean is the cheapest answer. It hears arousal well, so it has no reason to hide; valence it
# can only guess, so it stays near the middle.
# </details>
#
# <details><summary>3. Your model scores CCC .75 and one rater scores .70. Is it better than people?</summary>
# No. It was judged by a mean of several raters, which has less noise than one. It imitates the average rater of this
# corpus well; a person also knows why the voice sounds as it does.
# </details>
#
# **Where to read on**
#
# - Russell (1980), the plane: [10.1037/h0077714](https://doi.org/10.1037/h0077714)
# - Lin (1989), the CCC: [10.2307/2532051](https://doi.org/10.2307/2532051)
# - Trigeorgis et al. (2016), training for it:
#   [10.1109/ICASSP.2016.7472669](https://doi.org/10.1109/ICASSP.2016.7472669)
# - Busso et al. (2008), IEMOCAP: [10.1007/s10579-008-9076-6](https://doi.org/10.1007/s10579-008-9076-6)
# - Lotfian & Busso (2019), MSP-Podcast: [10.1109/TAFFC.2017.2736999](https://doi.org/10.1109/TAFFC.2017.2736999)
# - Wagner et al. (2023), the model of section 7:
#   [10.1109/TPAMI.2023.3263585](https://doi.org/10.1109/TPAMI.2023.3263585)
#
# Next: lesson 10 gives the model the words, too.
