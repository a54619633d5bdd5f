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
# # 05 · Classical models
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/ser-course/ser-course/blob/main/notebooks/05_classical.ipynb)
#
# You will train five classical models in pipelines that cannot cheat, and beat the network of lesson 04 within seconds.
# Then one line that uses no label and no bigger model will add about ten points: it only asks who is speaking.
#
# *75 minutes (3 of them computing) · builds on lessons 02 to 04 · if you know scikit-learn, skim section 1*
#
# > **For the instructor.** Collect guesses before sections 2, 3 and 6. What usually goes wrong: people read
# > "speaker-normalised" as a free gift. Ask each time where the speaker's other utterances come from.

# %% [markdown]
# **What you will learn**
#
# - how SVMs, Gaussian mixtures, random forests and XGBoost decide, with a picture of each
# - to put everything that learns from data into the pipeline, and to see what happens otherwise
# - to choose settings without asking the test speakers: nested search
# - to measure a voice against itself, and to say when that is allowed
# - to find three bugs that circulate in public code

# %% tags=["colab"]
# On Colab this installs the course; elsewhere it does nothing.
try:
    import ser_helpers
except ImportError:
    get_ipython().run_line_magic("pip", "install -q 'ser-helpers[course] @ git+https://github.com/ser-course/ser-course'")

# %%
from ser_helpers.course import banner, check

utterances = banner("05", corpus="ravdess", embedded_speakers=16)

# %% [markdown]
# ## 1. How do they decide?
#
# Five models, from five families. None needs a graphics card, and each trains in seconds:
#
# | model | the label of a new utterance is | it likes |
# |---|---|---|
# | linear [SVM](GLOSSARY.md#svm) | the side of a straight border with the widest margin | scaled features, many of them |
# | SVM with an [RBF kernel](GLOSSARY.md#rbf-kernel) | a vote of the training utterances near the border, near ones first | scaled features |
# | [Gaussian mixtures](GLOSSARY.md#gaussian-mixture) | the class whose cloud of points is densest here | few features |
# | [random forest](GLOSSARY.md#random-forest) | the vote of hundreds of trees, each grown on random parts of the data | no preparation |
# | [XGBoost](GLOSSARY.md#xgboost) | the sum of hundreds of small trees, each mending the errors before it | no preparation |
#
# To see them decide, we give them three emotions and only two of [eGeMAPS](GLOSSARY.md#egemaps)' 88 features: the pitch,
# and the brightness, which says how strong a voice is above 1 kHz, compared with below.

# %%
from ser_helpers import features

egemaps = features.extract(utterances, "egemaps")

# %%
from sklearn.ensemble import RandomForestClassifier
from sklearn.svm import SVC, LinearSVC
from xgboost import XGBClassifier

from ser_helpers.models import GaussianMixtureClassifier, LabelEncoded

trees = XGBClassifier(n_estimators=100, max_depth=3, learning_rate=0.2, subsample=0.8, colsample_bytree=0.3, n_jobs=1)
five = {
    "linear SVM": LinearSVC(C=0.01),
    "RBF SVM": SVC(C=10),
    "Gaussian mixtures": GaussianMixtureClassifier(2, "full", reg_covar=1, random_state=0),
    "random forest": RandomForestClassifier(200, random_state=0),
    "XGBoost": LabelEncoded(trees),
}

# %% [markdown]
# Most of these numbers are common starting points, not the result of a search. `C` is the price of a training error.
# Each class has 2 clouds, and `reg_covar` makes them wider. Each small tree asks at most `max_depth` questions in a
# row. `LabelEncoded` is there because XGBoost takes no words, only 0, 1, 2, ...: it translates in both directions.
#
# Each model gets a scaler in front of it; trees do not need one, and it does them no harm. A
# [pipeline](GLOSSARY.md#pipeline) is both in one: `fit` fits the scaler, then the model; `predict` scales, then
# predicts. **Before you run the cell:** which models will draw straight lines, which curves, and which stairs?

# %%
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_helpers.course.figures import lesson05_classical

pipelines = {name: make_pipeline(StandardScaler(), model) for name, model in five.items()}
three = utterances[utterances.emotion.isin(["happy", "sad", "angry"])]
two = egemaps.loc[three.index, ["F0semitoneFrom27.5Hz_sma3nz_amean", "alphaRatioV_sma3nz_amean"]]
lesson05_classical.borders(pipelines, two.set_axis(["pitch", "brightness"], axis=1), three, ("semitones", "dB"))

# %% [markdown]
# The SVMs draw straight lines or smooth curves. The mixtures draw curves, too: where two clouds are equally dense. Trees
# ask for one feature at a time ("is the brightness above −14 dB?"), so their borders are stairs, and they make islands
# for single dots: training utterances learnt by heart. No picture is right or wrong; new speakers will tell.

# %% [markdown]
# The mixtures decide by Bayes' rule: the probability of a class *c* after hearing *x* is proportional to how frequent
# the class is (its *prior*), times how dense its cloud is at *x*:
#
# ```text
# p(c | x)  ∝  p(c) · p(x | c)
# ```
#
# Densities in 88 dimensions are so small that computers keep their logarithms, and products become sums.

# %% tags=["nbval-check-output"]
import numpy as np

names, counts = ["angry", "neutral"], np.array([192, 96])
log_density = np.log([0.02, 0.03])
log_joint = np.log(counts / counts.sum()) + log_density
posterior = np.exp(log_joint) / np.exp(log_joint).sum()
for name, density, probability in zip(names, np.exp(log_density), posterior, strict=True):
    print(f"{name:<8} density {density:.2f}, probability {probability:.2f}")

# %% [markdown]
# The neutral cloud is denser here, but RAVDESS has twice as many angry utterances: angry wins. Mind that these counts
# are a choice of those who made the corpus. In a real call, anger is not twice as frequent as a neutral voice.

# %% tags=["exercise"]
# * Decide by Bayes' rule. `densities`: a row per utterance, a column per class, the logarithm of the density.
# `counts`: how many training utterances each class has.
def bayes(densities, counts):
    raise NotImplementedError("Return for each utterance the column of the most probable class.")


check("05.1", bayes)

# %% tags=["solution", "nbval-check-output"]
# The logarithm of a product is a sum. Dividing the counts by their total would add the same to every column.
def bayes(densities, counts):
    return (densities + np.log(counts)).argmax(axis=1)


check("05.1", bayes)

# %% [markdown]
# ## 2. Which model is best?
#
# Now all 88 features, all eight emotions, and, as in lesson 04, actors that the model has not heard. **Write down your
# order first.** Lesson 04's network on the 193 features is at about 0.37 on real RAVDESS (0.45 on the synthetic
# corpus); guessing gives 0.125. This takes about ten seconds.

# %%
from ser_helpers import plots
from ser_helpers.evaluation import compare, cross_validate, leaderboard

results = {
    name: cross_validate(pipeline, egemaps, utterances, jobs=2, name=name, features="eGeMAPS")
    for name, pipeline in pipelines.items()
}
lesson05_classical.scores(results.values(), "The first three are hard to tell apart")

# %% [markdown]
# Four models are clearly above the network. The mixtures stay behind: they must describe how all 88 features of a class
# lie together, while the others look for its border only.
#
# Which of the four is best? Their intervals overlap, but that proves nothing: the same actors are hard for every model,
# so the scores rise and fall together. Lesson 04's `compare` asks for the *difference*, on the same actors.

# %%
for other in ("linear SVM", "random forest"):
    print(compare(results["XGBoost"], results[other]))

# %% [markdown]
# With 24 actors you cannot say that XGBoost beats a straight line. It seems to beat the forest, by about three points,
# though their intervals overlap in the picture. Do not read too much into it: five models make ten pairs, and among
# ten pairs one may look clear by luck.

# %% [markdown]
# ## 3. Or is it the features?
#
# Take the simplest model, the straight border, and change the features: the 193-d vector of lesson 04, eGeMAPS, and
# [ComParE](GLOSSARY.md#compare)'s 6373. (The first time, ComParE takes about a minute to extract.)
#
# One setting must follow the number of features: `C`, the price of a training error. A small `C` keeps the weights
# small. With 6373 weights it has to be far smaller: we take 0.0001. Section 5 asks who may *choose* such a number.
# **Guess first:** do 6373 features help, or drown the model?

# %%
vector193 = features.extract(utterances, "vector193")
compare2016 = features.extract(utterances, "compare")

# %%
more = {
    "linear SVM on 193": (LinearSVC(C=0.01), vector193, "linear SVM", "193-d vector"),
    "RBF SVM on 193": (SVC(C=10), vector193, "RBF SVM", "193-d vector"),
    "XGBoost on 193": (LabelEncoded(trees), vector193, "XGBoost", "193-d vector"),
    "linear SVM on ComParE": (LinearSVC(C=1e-4), compare2016, "linear SVM", "ComParE"),
}
for key, (model, X, name, kind) in more.items():
    pipeline = make_pipeline(StandardScaler(), model)
    results[key] = cross_validate(pipeline, X, utterances, jobs=2, name=name, features=kind)
lesson05_classical.scores(results.values(), "The features decide more than the model")

# %% [markdown]
# Each of the three models does better with eGeMAPS than with the 193-d vector, and ComParE with a straight border is
# ahead of all. Nobody can say what most of its 6373 numbers mean, but a linear model can give each a small weight. The
# straight border alone, on real RAVDESS: 0.37 with the 193-d vector, 0.50 with eGeMAPS, 0.58 with ComParE. (With a
# `C` ten times larger or smaller, ComParE loses up to four points: the choice matters, so who chooses matters.)
#
# With the same 193 numbers it is level with lesson 04's network. So it was not the SVM that beat the network in section
# 2: it was the features.

# %% [markdown]
# ## 4. Where does the scaler stand?
#
# Inside the pipeline, always. **A bug hunt:** this function is in many projects. It runs, and looks tidy.

# %%
def scale(X, train, test):
    scaled = (X - X.mean()) / X.std()
    return scaled.loc[train], scaled.loc[test]

# %% [markdown]
# The mean and the deviation come from *all* rows: the test set has told the training set where it lies.

# %% tags=["exercise"]
# * Repair it. `X` is a feature table; `train` and `test` are names of utterances.
def scale(X, train, test):
    raise NotImplementedError("Return the scaled training rows and the scaled test rows, scaled by training rows only.")


check("05.2", scale)

# %% tags=["solution", "nbval-check-output"]
# Whatever is computed from data is learnt: learn it from the training rows, apply it to both.
def scale(X, train, test):
    mean, deviation = X.loc[train].mean(), X.loc[train].std()
    scaled = (X - mean) / deviation
    return scaled.loc[train], scaled.loc[test]


check("05.2", scale)

# %% [markdown]
# How much does the bug raise the score? **Guess first.**

# %%
import pandas as pd

everything = pd.DataFrame(StandardScaler().fit_transform(egemaps), egemaps.index, egemaps.columns)
outside = cross_validate(SVC(C=10), everything, utterances, jobs=2)
print(f"scaler outside: UAR {outside.uar:.3f}, inside: {results['RBF SVM'].uar:.3f}")

# %% [markdown]
# Next to nothing. A mean over 1440 recordings hardly moves when 300 of them are left out. That is why the bug lives
# on: nobody notices it. But the same habit with a step that looks at *labels* is a disaster. Here are 5000 columns of
# pure noise for six actors. We let a selection keep the 50 that go best with the emotion, before the split and inside
# the pipeline:

# %%
from sklearn.feature_selection import SelectKBest

six = utterances[utterances.speaker.str[-2:] <= "06"]
noise = pd.DataFrame(np.random.default_rng(0).normal(size=(len(six), 5000)), six.index).add_prefix("noise ")
best = SelectKBest(k=50).set_output(transform="pandas")
picked = best.fit_transform(noise, six.emotion)

svm = pipelines["RBF SVM"]
before, inside = cross_validate(svm, picked, six), cross_validate(make_pipeline(best, svm), noise, six)
for when, result in [("before", before), ("inside", inside)]:
    low, high = result.interval
    print(f"selected {when}: UAR {result.uar:.2f}, 95 % interval {low:.2f} to {high:.2f}, chance 0.125")

# %% [markdown]
# Noise "recognises" emotions, at a score you might publish: the 50 columns were chosen because they fit the test
# actors, too. Inside the pipeline the interval holds chance: noise is noise. The rule costs nothing: everything with a
# `fit` goes into the pipeline.

# %% [markdown]
# ## 5. Who may choose the settings?
#
# An RBF SVM has two knobs: `C`, and `gamma`, which says how near "near" is. The tempting way: try all pairs, keep the
# one with the best score. But then the test actors have chosen, and are no strangers any more.
#
# In a [nested search](GLOSSARY.md#nested-search), each fold sets its test actors aside, splits the *other* actors
# again, and lets those choose. It is also speaker-disjoint inside: a setting for strangers must be chosen by strangers.

# %%
lesson05_classical.nested(utterances)

# %% [markdown]
# `SpeakerFolds` makes the inner folds; `GridSearchCV` is then a model like any other. scikit-learn's name for the UAR
# is `recall_macro`. **Count first:** six settings, three inner folds, five outer folds: how many trainings?

# %%
from sklearn.model_selection import GridSearchCV

from ser_helpers.models import SpeakerFolds

grid = {"svc__C": [1, 10, 100], "svc__gamma": [0.001, 0.01]}
search = GridSearchCV(svm, grid, cv=SpeakerFolds(utterances, n_splits=3), scoring="recall_macro")
print(search.cv)
print(f"{5 * (6 * 3 + 1)} trainings: 5 x (6 x 3), and 5 with the best setting")

# %%
searched = cross_validate(search, egemaps, utterances, jobs=2, name="RBF SVM, searched", features="eGeMAPS")
searched

# %% [markdown]
# The search gained nothing over section 2's starting point; that happens, and only an honest search tells you. Now the
# tempting way, to see what it claims: each of the six settings on all test actors, and the best is reported.

# %%
tempting = []
for C in grid["svc__C"]:
    for gamma in grid["svc__gamma"]:
        model = make_pipeline(StandardScaler(), SVC(C=C, gamma=gamma))
        tempting.append(cross_validate(model, egemaps, utterances, jobs=2).uar)
print(f"chosen by the test actors {max(tempting):.3f}, chosen by others {searched.uar:.3f}")

# %% [markdown]
# The first is higher because its setting was picked to suit these very actors. With six settings the gain is small: one
# point on the synthetic corpus, two or three on real RAVDESS. More settings make it larger, and so do fewer actors.
# Now another short cut: inner folds drawn at random, from the recordings of the actors that are allowed to choose.

# %%
from sklearn.model_selection import KFold

from ser_helpers import corpora

train, test = corpora.split(utterances, "speaker", n_splits=5)[0]
X_train, y_train = egemaps.loc[train], utterances.emotion[train]
X_test, y_test = egemaps.loc[test], utterances.emotion[test]
inner = {"speakers apart": SpeakerFolds(utterances), "random": KFold(3, shuffle=True, random_state=0)}
for name, folds in inner.items():
    promise = GridSearchCV(svm, grid, cv=folds, scoring="recall_macro").fit(X_train, y_train)
    print(f"inner folds {name}: UAR {promise.best_score_:.2f} promised, {promise.score(X_test, y_test):.2f} kept")

# %% [markdown]
# Random inner folds promise too much, as the random split of lesson 04 did: on real RAVDESS 0.65, of which 0.43 is
# kept; on the synthetic corpus 0.68 and 0.50. With speakers apart the promise is a sober one. (These are five test
# actors only, so what is kept varies by several points, up or down.)

# %% [markdown]
# ## 6. May a voice be measured against itself?
#
# Lesson 02 subtracted each speaker's own neutral, and had to know which utterances were neutral. There is a way without
# labels: subtract the mean of *all* utterances of the speaker, and divide by their spread. Look at the pitch of eight
# actors (odd numbers are men):

# %%
lesson05_classical.against_itself(egemaps, utterances, "F0semitoneFrom27.5Hz_sma3nz_amean", "pitch", "semitones above 27.5 Hz")

# %% [markdown]
# At the left, a man's happy voice lies below a woman's calm one. At the right this has nearly gone. We call it
# [speaker normalisation](GLOSSARY.md#speaker-normalisation). By hand it is two lines:

# %% tags=["nbval-check-output"]
from ser_helpers.models import SpeakerNormaliser

voices = egemaps.groupby(utterances.speaker)
by_hand = (egemaps - voices.transform("mean")) / voices.transform("std", ddof=0)
normaliser = SpeakerNormaliser(utterances.speaker)
print("the same by hand and by class:", np.allclose(by_hand, normaliser.fit_transform(egemaps)))

# %% [markdown]
# The class does it inside a pipeline, with the rows it is given: training actors by their training utterances, a test
# actor by their own test utterances. No label is used. **Before you run the cell:** what does it bring?

# %%
own = {
    "RBF SVM": (SVC(C=10), egemaps),
    "linear SVM on ComParE": (LinearSVC(C=1e-4), compare2016),
}
for key, (model, X) in own.items():
    pipeline = make_pipeline(normaliser, StandardScaler(), model)
    labels = dict(name=f"{results[key].name}, speaker-normalised", features=results[key].features)
    results[f"{key}, normalised"] = cross_validate(pipeline, X, utterances, jobs=2, **labels)

points = round(100 * (results["linear SVM on ComParE, normalised"].uar - results["linear SVM on ComParE"].uar))
lesson05_classical.scores(results.values(), f"Measuring each voice against itself adds {points} points to the best model")

# %%
compare(results["linear SVM on ComParE, normalised"], results["linear SVM on ComParE"])

# %% [markdown]
# About ten points: on real RAVDESS, ComParE rises from 0.58 to 0.67. Replacing one good model by another never brought
# as much.

# %% [markdown]
# **Is that allowed?** The score now answers another question: *how well does it work for a stranger when all their 60
# utterances, of all emotions, are there before we answer?*
#
# | situation | allowed? |
# |---|---|
# | a recorded call is analysed after it has ended | yes: all of the caller's speech is there |
# | a car or a phone that its owner has used for days | yes: their speech has been collected, without labels |
# | a live call, third minute | with the first two minutes only, if they are typical |
# | the first sentence of a stranger | no: there is nothing to compare it with |
#
# And one trap. An actor of RAVDESS plays every emotion, so the mean is a fair middle. A caller who is angry from the
# first word to the last has an *angry* middle. Let us keep only the angry utterances of the test actors:

# %%
plain = pipelines["RBF SVM"].fit(X_train, y_train)
normalised = make_pipeline(normaliser, StandardScaler(), SVC(C=10)).fit(X_train, y_train)

angry = utterances.loc[test].query("emotion == 'angry'").index
found = {
    "without normalisation": plain.predict(egemaps.loc[angry]),
    "normalised by all utterances": pd.Series(normalised.predict(X_test), test)[angry],
    "normalised by the angry ones only": normalised.predict(egemaps.loc[angry]),
}
for how, said in found.items():
    print(f"anger found, {how}: {(said == 'angry').mean():.0%}")

# %% [markdown]
# A speaker who is always angry is rarely predicted as angry: in 12 % of the cases on real RAVDESS, in 19 % on the
# synthetic corpus (a handful of actors, so these are rough). Measured against itself, such a voice is normal. That is why
# a normalised result carries the word in its name, on the leaderboard too.

# %% [markdown]
# ## 7. Positive, negative or neutral?
#
# Many products need only that. Lesson 03 grouped the words; surprise has no side and is dropped. We take every acted
# corpus that is on this machine, but never mix synthetic with real speech.

# %%
from ser_helpers.errors import CorpusMissing

tables = [utterances]
if not corpora.card(utterances.corpus.iloc[0]).synthetic:
    for name in corpora.available():
        try:
            if name != utterances.corpus.iloc[0] and corpora.card(name).speech == "acted":
                tables.append(corpora.load(name))
        except CorpusMissing:
            print(f"{name} is not on this machine (ser download {name})")
sides = corpora.harmonise(corpora.combine(tables), "polarity")
pd.crosstab(sides.corpus, sides.emotion, margins=True)

# %% [markdown]
# **A bug hunt.** Somebody has all file names in one list, sorts it, and cuts it:

# %% tags=["nbval-check-output"]
def hold_out(table):
    names = sorted(table.index)
    cut = int(0.8 * len(names))
    return names[:cut], names[cut:]


kept, cut_off = hold_out(utterances)
print("trained on:", *sorted(set(utterances.emotion[kept])))
print("tested on: ", *sorted(set(utterances.emotion[cut_off])))

# %%
careless = pipelines["RBF SVM"].fit(egemaps.loc[kept], utterances.emotion[kept])
right = careless.predict(egemaps.loc[cut_off]) == utterances.emotion[cut_off]
print(f"right: {right.mean():.0%}")

# %% [markdown]
# The names begin with the number of the emotion, so the list is sorted by emotion: the model is tested on a label that
# it has never met. Most people notice, shuffle the list, and are pleased with the score. **Why is that no repair?**

# %% tags=["exercise"]
# ** Repair it. `table` is an utterance table; a test set of about a fifth.
def hold_out(table):
    raise NotImplementedError("Return (train, test), names of utterances: whole speakers apart, every emotion in both.")


check("05.3", hold_out)

# %% tags=["solution", "nbval-check-output"]
# Shuffling puts every speaker on both sides (lesson 04). One of five speaker-disjoint folds holds a fifth.
def hold_out(table):
    return corpora.split(table, "speaker", n_splits=5)[0]


check("05.3", hold_out)

# %% [markdown]
# For features we borrow a network. An [embedding](GLOSSARY.md#embedding) is what a network trained on something else
# makes of a sound just before it answers. [VGGish](GLOSSARY.md#vggish) learnt to name the sounds of millions of videos:
# it turns each second into 128 numbers, and we take their mean. Without its weights, a stand-in of the same size: a
# cosine transform of each second's log-mel picture, which has learnt nothing from anybody.

# %%
kind = "vggish" if features.available("vggish") else "patchdct"
print("128-d embeddings:", "VGGish" if kind == "vggish" else "patchdct, no download (for VGGish: ser download vggish)")
embeddings = features.extract(sides, kind)

# %%
boosted = make_pipeline(StandardScaler(), LabelEncoded(trees))
unseen = cross_validate(boosted, embeddings, sides, jobs=2, name="XGBoost", features=kind)
unseen

# %% [markdown]
# About 0.5 with the stand-in, where chance is 0.33. Beside it we want the same model on the very voices it was trained
# on. No protocol offers that, so we fit and predict by hand. **Guess first:** what will the training matrix look like?

# %%
from dataclasses import replace

heard = []
for number, (known, _) in enumerate(corpora.split(sides, "speaker", n_splits=5), start=1):
    fitted = boosted.fit(embeddings.loc[known], sides.emotion[known])
    said = fitted.predict(embeddings.loc[known])
    heard.append(pd.DataFrame({"fold": number, "truth": sides.emotion[known], "predicted": said}))
seen = replace(unseen, predictions=pd.concat(heard), protocol="training voices")

title = f"Training voices: UAR {seen.uar:.2f}. Unseen speakers: {unseen.uar:.2f}"
plots.confusion_pair(seen, unseen, title=title)

# %% [markdown]
# On its own training voices it is nearly perfect; on strangers it leans to *negative*, which is six utterances in ten.
# So read the diagonal, not the accuracy. A training matrix alone, which some tutorials show, proves only that the
# trees are many. Chance is 0.33 here: lesson 04's warning about few classes holds.
#
# **A bug hunt: what do the columns mean?** Suppose you want the probabilities themselves:

# %%
eight = make_pipeline(StandardScaler(), LabelEncoded(trees)).fit(egemaps.loc[train], utterances.emotion[train])


def name_them(model, X):
    return np.array(corpora.EMOTIONS)[model.predict_proba(X).argmax(axis=1)]


named = name_them(eight, egemaps.loc[test]) == utterances.emotion[test]
print(f"right: {named.mean():.0%}, by predict: {eight.score(egemaps.loc[test], utterances.emotion[test]):.0%}")

# %% [markdown]
# More than half is lost, and there is no error message. `EMOTIONS` begins with neutral; the model's columns are in
# another order. Only calm and surprised have the same place in both, so these two come out right: such a score looks
# like a weak model, and not like a bug.

# %% tags=["exercise"]
# ** Repair it. It must also work for a model that has learnt three emotions only.
def name_them(model, X):
    raise NotImplementedError("Return the most probable word for each row of X, from model.predict_proba(X).")


check("05.4", name_them)

# %% tags=["solution", "nbval-check-output"]
# Every scikit-learn classifier says in `classes_` what its columns mean (sorted, so "angry" comes first).
def name_them(model, X):
    return model.classes_[model.predict_proba(X).argmax(axis=1)]


check("05.4", name_them)

# %% [markdown]
# ## 8. And all eight, with a network?
#
# The same embeddings, the corpus's own eight words, and a small network: one hidden layer. As in lesson 04,
# `steps_per_execution` changes nothing but speed.

# %%
import keras

from ser_helpers.models import KerasClassifier


def network(input_shape, n_classes):
    model = keras.Sequential([keras.Input(input_shape)])
    model.add(keras.layers.Dense(128, activation="relu"))
    model.add(keras.layers.Dropout(0.5))
    model.add(keras.layers.Dense(n_classes, activation="softmax"))
    model.compile("adam", "categorical_crossentropy", steps_per_execution=18)
    return model

# %% [markdown]
# Training five of them, one for each fold, takes about 20 seconds.

# %%
E = features.extract(utterances, kind)
net = make_pipeline(StandardScaler(), KerasClassifier(network, epochs=40, batch_size=64))
results["net"] = cross_validate(net, E, utterances, name="small Keras network", features=kind)
plots.confusion(results["net"])

# %% [markdown]
# Compare with section 2: numbers that were not made for voices have a hard time against 88 that voice scientists chose.
# Our stand-in reaches 0.37 on real RAVDESS and on the synthetic corpus alike. Lesson 08 meets embeddings that were made for speech.

# %% [markdown]
# ## 9. What stays when the notebook closes?
#
# First, rows on the leaderboard. **Before you read the score**, read the model's name: *speaker-normalised* rows have
# heard the test speakers, without labels. Compare them with each other only.

# %%
for result in [*results.values(), searched, unseen]:
    leaderboard.add(result, lesson="05")
leaderboard.show()

# %% [markdown]
# Second, the model itself: the best one that works for a stranger's first sentence. Fitted on all actors, it goes into
# one file in the folder `build`, together with labels, kind of features, sample rate and corpus. Such a file cannot run
# code when somebody opens it; a *pickle*, the usual way to save a Python model, can.

# %%
from ser_helpers import models, paths

final = make_pipeline(StandardScaler(), LinearSVC(C=1e-4)).fit(compare2016, utterances.emotion)
path = paths.build_home() / "compare-svm.ser"
models.save(final, path, X=compare2016, table=utterances)
loaded = models.load(path)
loaded

# %%
first = utterances.iloc[0]
print(f"{first.name} is {first.emotion}; the loaded model says {loaded.predict_audio(first.path)}")

# %% [markdown]
# (It has heard this recording in training, so this proves only that the file works.) A model meets the wrong features
# sooner or later. Ours says so:

# %%
from ser_helpers.errors import ModelError

try:
    loaded.predict(vector193)
except ModelError as refusal:
    print(refusal)

# %% [markdown]
# ## Common mistakes
#
# - **Feature selection before the split.** Symptom: noise scores above chance. Try it with noise.
# - **The test speakers choose the settings.** Symptom: the reported `C` is odd, and differs from paper to paper.
# - **Random inner folds.** Symptom: `best_score_` is far above the test score.
# - **Normalised by speaker, reported as if not.** Symptom: the live demo on one sentence falls far behind the paper.
# - **Columns of probabilities named by a list of one's own.** Symptom: right about two or three labels, and nearly always
#   wrong about the others.
# - **A sorted list cut in two.** Symptom: the test set has few labels, and their recall is zero.

# %% [markdown]
# ## What you can now do
#
# - [ ] say how five models decide, and recognise their borders
# - [ ] build a pipeline in which nothing has seen the test set
# - [ ] search settings with speakers apart, inside and outside
# - [ ] normalise by speaker, and say whether it was allowed
# - [ ] name columns of probabilities, and hold out speakers rather than ends of a list
#
# **Three questions to answer aloud**
#
# <details><summary>1. A colleague scales all data first "because it makes no difference". What do you answer?</summary>
#
# For a scaler and many recordings, the difference is small indeed. But the habit carries over to selection,
# oversampling and search, where the difference is the whole result. In the pipeline there is nothing to remember.
# </details>
#
# <details><summary>2. A call-centre product promises 0.67 from the first second on. Why do you doubt it?</summary>
#
# That score needs the caller's other utterances, of mixed emotions. In the first second there are none: ask for the
# score without normalisation, or for a curve over the minutes heard so far.
# </details>
#
# <details><summary>3. How can a straight border do so well with 6373 features and 1440 utterances?</summary>
#
# With more features than utterances, a straight border can already separate every training set; a curved one has little
# to add. What matters is *which* straight border: the small `C` keeps all weights small, so that no single feature
# decides.
# </details>
#
# **Where to read on**
#
# - Cortes & Vapnik (1995), support vectors: [10.1007/BF00994018](https://doi.org/10.1007/BF00994018)
# - Reynolds & Rose (1995), Gaussian mixtures for voices: [10.1109/89.365379](https://doi.org/10.1109/89.365379)
# - Breiman (2001), random forests: [10.1023/A:1010933404324](https://doi.org/10.1023/A:1010933404324)
# - Chen & Guestrin (2016), XGBoost: [10.1145/2939672.2939785](https://doi.org/10.1145/2939672.2939785)
# - Ambroise & McLachlan (2002), selection before the split: [10.1073/pnas.102102699](https://doi.org/10.1073/pnas.102102699)
# - Busso et al. (2013), voices measured against their own neutral speech, which is found without labels:
#   [10.1109/T-AFFC.2013.26](https://doi.org/10.1109/T-AFFC.2013.26)
# - Cawley & Talbot (2010), why searches must be nested:
#   [jmlr.org/papers/v11/cawley10a](https://jmlr.org/papers/v11/cawley10a.html)
# - Hershey et al. (2017), VGGish: [10.1109/ICASSP.2017.7952132](https://doi.org/10.1109/ICASSP.2017.7952132)
#
# Next: lesson 06 leaves summaries behind and looks at the whole spectrogram.
