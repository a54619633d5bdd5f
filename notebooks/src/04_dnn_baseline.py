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
# # 04 · The DNN baseline
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/ser-course/ser-course/blob/main/notebooks/04_dnn_baseline.ipynb)
#
# You will train the network that most tutorials train, and get the score that most tutorials get.
# Then you will ask the same network about actors it has never heard, and see what that score was made of.
#
# *60 minutes (4 of them computing) · builds on lessons 02 and 03 · if you know Keras, skim section 1*
#
# > **For the instructor.** Let everybody write down a guess before section 4: the fall is the lesson. What usually
# > goes wrong: people "fix" the honest score by tuning on the test actors. Stop them, and ask who is left to test on.

# %% [markdown]
# **What you will learn**
#
# - to build the classic network on the 193 features, and to count its weights by hand
# - to read a confusion matrix, a learning curve and a 95 % interval
# - why a random split overstates the score, and how to show it
# - why "three emotions at 70 %" may be no better than "eight emotions at 60 %"

# %% tags=["colab"]
# On Colab this installs the course; elsewhere it does nothing.
try:
    import ser_helpers
except ImportError:
    get_ipython().run_line_magic("pip", "install -q 'ser-helpers[course] @ git+https://github.com/ser-course/ser-course'")

# %%
from ser_helpers.course import banner, check

utterances = banner("04", corpus="ravdess", embedded_speakers=24)

# %% [markdown]
# ## 1. What does everybody train?
#
# The classic recipe takes the mean [193-d vector](GLOSSARY.md#193-d-vector) of lesson 02: 40 MFCC, 12 chroma, 128 mel,
# 7 contrast and 6 tonnetz values for each recording. Extraction takes a minute or two the first time, and is then kept.

# %%
from ser_helpers import features

X = features.extract(utterances, "vector193")
print(X.shape)

# %% [markdown]
# The network has three hidden layers: 193 inputs → 386 → 193 → 97 → one output per emotion. In a *dense* layer each
# unit multiplies every input by a weight, adds them up, and adds one number of its own, the *bias*. A
# [ReLU](GLOSSARY.md#relu) sets negative sums to 0, and [dropout](GLOSSARY.md#dropout) silences a random fifth of the
# units at every step. The last layer, [softmax](GLOSSARY.md#softmax), turns eight numbers into eight probabilities.

# %%
import keras
from keras.layers import Dense, Dropout


def network(input_shape, n_classes):
    model = keras.Sequential([keras.Input(input_shape)])
    for units in (386, 193, 97):
        model.add(Dense(units, activation="relu"))
        model.add(Dropout(0.2))
    model.add(Dense(n_classes, activation="softmax"))
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"], steps_per_execution=63)
    return model


# %% [markdown]
# `categorical_crossentropy` is the loss ([cross-entropy](GLOSSARY.md#cross-entropy)): the surprise, −log p, at the probability p that the network gave to the right
# emotion. `steps_per_execution` changes nothing but speed: Keras runs 63 steps before it returns to Python.
#
# **Before you run the next cell:** how many weights does it have? More or fewer than the corpus has recordings?

# %%
print(f"{network((193,), 8).count_params():,} weights for {len(utterances):,} recordings")

# %% [markdown]
# More than a hundred weights for every recording. Such a network *can* learn each recording by heart; keep that in mind.

# %% tags=["exercise"]
# * Count the weights of a dense network by hand. `sizes` lists the inputs, the hidden layers and the outputs.
def count_weights(sizes):
    raise NotImplementedError("Return the number of weights and biases of dense layers with these sizes.")


check("04.1", count_weights)

# %% tags=["solution", "nbval-check-output"]
# Every unit has one weight for each unit before it, and one bias: (n_before + 1) x n.
def count_weights(sizes):
    return sum((before + 1) * units for before, units in zip(sizes, sizes[1:], strict=False))


check("04.1", count_weights)

# %% [markdown]
# ## 2. What score does everybody report?
#
# The usual protocol shuffles all recordings and tests on 30 % of them. Everything else is as in the tutorials: 200
# [epochs](GLOSSARY.md#epoch) (passes through the training data) in batches of 4 (the weights change after every four
# recordings). On the embedded corpus 40 epochs make the same point sooner. The scaler sits *inside* the pipeline, so
# it sees training data only.

# %%
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_helpers import corpora
from ser_helpers.models import KerasClassifier

real = not corpora.card(utterances.corpus.iloc[0]).synthetic
epochs, folds = (200, 5) if real else (40, 3)
dnn = make_pipeline(StandardScaler(), KerasClassifier(network, epochs=epochs, batch_size=4))

# %% [markdown]
# This takes about half a minute (ten seconds on the embedded corpus).

# %%
from ser_helpers import plots
from ser_helpers.evaluation import compare, cross_validate, leaderboard

labels = dict(name="Keras DNN", features="193-d vector")
leaky = cross_validate(dnn, X, utterances, protocol="random", n_splits=1, **labels)
leaky

# %% [markdown]
# Read the [UAR](GLOSSARY.md#uar) first: the mean of the eight recalls, so that every emotion counts the same.
# Guessing gives 0.125. On real RAVDESS this recipe scores about 0.6: the kind of number you meet in many blog posts.
#
# **Before you run the next cell:** which two emotions will it confuse? In a
# [confusion matrix](GLOSSARY.md#confusion-matrix), rows are what the actor played, columns what the network predicted. Each
# row adds up to 100 %; the diagonal holds the recalls, and their mean is the UAR.

# %%
plots.confusion(leaky)

# %% [markdown]
# ## 3. Does it understand, or remember?
#
# Let us watch the first 60 epochs of one training. We hold out five actors, and after every epoch ask twice: how well
# does the network do on the recordings it trains on, and how well on the five strangers? Watching is allowed; choosing
# an epoch by it is not.

# %%
train, test = corpora.split(utterances, "speaker", n_splits=5)[0]
scaler = StandardScaler().fit(X.loc[train])

watched = KerasClassifier(network, epochs=60, batch_size=4, progress=True).fit(
    scaler.transform(X.loc[train]),
    utterances.emotion[train],
    validation_data=(scaler.transform(X.loc[test]), utterances.emotion[test]),
)

# %%
plots.learning_curves(watched.history_, corpus=leaky.corpus, protocol="five actors held out")

# %% [markdown]
# On its own recordings the network becomes nearly perfect. On strangers (Keras calls them *validation*) it stops
# improving early, while its loss *grows*: it is wrong with more and more confidence. The distance between the curves is what it remembers rather than knows.

# %% [markdown]
# ## 4. Does the network know the emotion, or the actor?
#
# Now the honest question, to every actor in turn. Five folds (three on the embedded corpus); in each, nobody in the
# test set has been heard in training.
#
# **Before you run the cell:** write down your guess for the UAR. It takes about a minute and a half on two cores (half a
# minute on the embedded corpus): three networks at a time.

# %%
honest = cross_validate(dnn, X, utterances, protocol="speaker", n_splits=folds, jobs=3, **labels)
honest

# %%
points = round(100 * (leaky.uar - honest.uar))
plots.against(honest, leaky, title=f"Unseen actors cost {points} points of UAR")

# %% [markdown]
# On real RAVDESS the score falls from about 0.60 to about 0.37, on the synthetic corpus from about 0.69 to about 0.45.
# Same network, same features, same number of epochs. Only the question changed: *new recordings of people you know*, or
# *people you do not know*. A call centre, a car or a robot meets people it does not know.

# %% [markdown]
# ## 5. Why does the score fall?
#
# First suspect: the split. The audit of lesson 03 says what crosses from training to test.

# %% tags=["nbval-check-output"]
print("random: ", leaky.verdict)
print("speaker:", honest.verdict)

# %% [markdown]
# So in the random split every voice of the test set is known. Does that help? It does if the 193 numbers describe the
# voice. **Guess first:** can a linear model tell from the same vector *which of the 24 actors* is speaking?

# %%
from sklearn.linear_model import LogisticRegression

who = cross_validate(
    make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)),
    X,
    utterances,
    protocol="random",
    n_splits=1,
    target="speaker",
)
print(f"The right actor in {who.accuracy:.0%} of the cases; guessing gives {who.chance_level:.0%}.")

# %% [markdown]
# The vector is a fine description of *who* speaks (on real RAVDESS right in 97 % of the cases, on the synthetic corpus
# in about 67 %), though nobody asked it to be one. With known actors the network can first recognise the person and
# then recall how this person sounded when angry. With strangers the first step fails.

# %% [markdown]
# ## 6. How sure are we?
#
# 24 actors are few. Had RAVDESS hired 24 others, the score would be another one. The
# [bootstrap](GLOSSARY.md#bootstrap) imitates that: hire 24 actors *from ours, with repetition*, score, and do it 1000
# times. The middle 95 % of those scores is the interval. We draw people, not recordings: recordings of one person are alike.

# %%
import numpy as np

rng = np.random.default_rng(0)
by_actor = dict(list(honest.predictions.groupby(utterances.speaker[honest.predictions.index])))
correct = {actor: (rows.truth == rows.predicted).mean() for actor, rows in by_actor.items()}
actors = list(correct)
draws = [np.mean([correct[a] for a in rng.choice(actors, len(actors))]) for _ in range(1000)]
print(f"accuracy {honest.accuracy:.2f}, 95 % interval {np.quantile(draws, 0.025):.2f} to {np.quantile(draws, 0.975):.2f}")

# %% [markdown]
# The package does the same for the UAR: that is the interval in every result above, and on the leaderboard.
# Is the fall between the two protocols real, or luck? `compare` bootstraps the *difference* on the recordings that both
# results tested, and runs [McNemar's test](GLOSSARY.md#mcnemars-test) on the cases where only one of them was right.

# %%
compare(leaky, honest)

# %% [markdown]
# The interval of the difference does not hold zero: the fall is not luck. McNemar's *p* says how often luck alone would
# make such a difference. It counts recordings as if they were independent, and those of one person are not: so it looks
# surer than it is. Trust the interval, which draws actors.

# %% tags=["exercise"]
# ** Which three actors are hardest? Return their ids, hardest first. (`result.by("speaker")` is a table.)
def hardest_actors(result):
    raise NotImplementedError("Return the ids of the three speakers with the lowest UAR, hardest first.")


check("04.2", hardest_actors)

# %% tags=["solution", "nbval-check-output"]
# One row per actor with its UAR: take the three smallest.
def hardest_actors(result):
    return result.by("speaker").uar.nsmallest(3).index.tolist()


check("04.2", hardest_actors)

# %%
plots.speakers(honest)

# %% [markdown]
# The spread between people is wide. A mean over 24 actors says little about the next person who calls: when you report
# a score, report this spread too.

# %% [markdown]
# ## 7. Are three emotions easier?
#
# Many demos keep only three emotions and report a far higher score. Let us do that: angry, happy, sad; unseen actors.
# (Half a minute, or ten seconds on the embedded corpus.)

# %%
three = utterances[utterances.emotion.isin(["angry", "happy", "sad"])]
labels = dict(name="Keras DNN, 3 emotions", features="193-d vector")
easy = cross_validate(dnn, X, three, protocol="speaker", n_splits=folds, jobs=3, **labels)
easy

# %% [markdown]
# The number is much higher, but so is chance: 0.33 instead of 0.125. To compare, ask how far each score has come on the
# way from guessing (0) to perfect (1).

# %% tags=["exercise"]
# * Place a UAR on the way from chance (0) to perfect (1).
def above_chance(uar, n_classes):
    raise NotImplementedError("Return 0 for guessing, 1 for a perfect score, and a proportion in between.")


check("04.3", above_chance)

# %% tags=["solution", "nbval-check-output"]
# The way already gone, divided by the whole way. Below chance it is negative, and that is worth seeing.
def above_chance(uar, n_classes):
    chance = 1 / n_classes
    return (uar - chance) / (1 - chance)


check("04.3", above_chance)

# %%
for result in (leaky, honest, easy):
    n = len(result.labels)
    print(f"{n} emotions, {result.protocol:<7}: UAR {result.uar:.2f}, of the way from chance {above_chance(result.uar, n):.2f}")

# %% [markdown]
# Part of the gain is real, for three emotions are further apart; part of it is only a smaller set of wrong answers.
# Leave out the emotions that are hard to tell apart, and any model looks better.

# %%
plots.confusion(easy)

# %% [markdown]
# ## 8. What goes on the leaderboard?
#
# Three rows. **Before you read the score**, read *audit* and *chance*. The random row says "speakers cross": it is here
# as a warning, so never compare it with the others. A score with chance 0.33 is no rival of one with chance 0.125. If
# you ran lessons 00 and 02, find this network among their SVMs: who wins?

# %%
for result in (leaky, honest, easy):
    leaderboard.add(result, lesson="04")
leaderboard.show()

# %% [markdown]
# ## Common mistakes
#
# - **Random split of a corpus with few speakers.** Symptom: the score falls by a third or more when somebody
#   new speaks.
# - **Scaler fitted on everything.** Symptom: the score changes when you move `StandardScaler` into the pipeline.
# - **The best epoch picked on the test set.** Symptom: the reported epoch is odd ("epoch 137"), and differs for each fold.
# - **Accuracy without chance.** Symptom: the score rises when you drop a class.
# - **One split, no interval.** Symptom: another seed changes your conclusion.

# %% [markdown]
# ## What you can now do
#
# - [ ] build, count and train the classic network
# - [ ] name the protocol behind any published score, and say what it measures
# - [ ] show with an audit and an interval that a score is honest
# - [ ] compare scores with different numbers of classes
#
# **Three questions to answer aloud**
#
# <details><summary>1. Your colleague reports 92 % on RAVDESS. Which two things do you ask first?</summary>
# How was it split (are the test speakers new?), and how many emotions were kept (what is chance)? Then: how wide is the
# interval over speakers?
# </details>
#
# <details><summary>2. The network reaches 100 % on its training data. Is that bad?</summary>
# Not by itself: a large network can do so and still generalise. It says that the training score tells you nothing any more. Look at unseen
# speakers.
# </details>
#
# <details><summary>3. Why do we draw speakers and not recordings in the bootstrap?</summary>
# Recordings of one person resemble each other, so 1440 recordings are not 1440 independent witnesses. The question is
# how the score would change with other *people*.
# </details>
#
# **Where to read on**
#
# - Livingstone & Russo (2018), the RAVDESS: [10.1371/journal.pone.0196391](https://doi.org/10.1371/journal.pone.0196391)
# - Srivastava et al. (2014), Dropout: [jmlr.org/papers/v15/srivastava14a](https://jmlr.org/papers/v15/srivastava14a.html)
# - Efron (1979), the bootstrap: [10.1214/aos/1176344552](https://doi.org/10.1214/aos/1176344552)
# - Dietterich (1998), comparing classifiers, McNemar's test among them:
#   [10.1162/089976698300017197](https://doi.org/10.1162/089976698300017197)
#
# Next: lesson 05 beats this network with a support vector machine and better features, in seconds.
