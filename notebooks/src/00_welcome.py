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
# # 00 · Welcome
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/ser-course/ser-course/blob/main/notebooks/00_welcome.ipynb)
#
# You will go from a sound file to the name of an emotion in ten lines of code, judge the answer fairly, and say where such a program should not be used.
# You will have seen one sentence, without a single emotional word in it, carry eight emotions.
#
# *45 minutes · builds on Python and a first meeting with scikit-learn · skip nothing: the whole course stands on section 3*
#
# > **For the instructor.** 10 minutes of listening, 20 of code, 15 of discussion: section 6 needs the time. Run the lesson once beforehand, so that the measurements are in the cache. Students take the first score for "the accuracy of SER": ask each time on whose voices.

# %% [markdown]
# **What you will learn**
#
# - what speech emotion recognition (SER) is, and how it differs from sentiment analysis;
# - the problem in symbols, and the one condition that makes a score honest;
# - a complete recogniser in ten lines, its score, and what chance would score;
# - where it helps, where it harms, and what European law says.

# %% tags=["colab"]
# On Colab this installs the course; elsewhere it does nothing.
try:
    import ser_helpers
except ImportError:
    get_ipython().run_line_magic("pip", "install -q 'ser-helpers[course] @ git+https://github.com/ser-course/ser-course'")

# %%
from ser_helpers.course import banner, check

utterances = banner("00", corpus="ravdess")

# %% [markdown]
# ## 1. Can you hear it?
#
# One [utterance](GLOSSARY.md#utterance) is one stretch of speech by one person. Each row of the table is one; `emotion` is what its speaker was asked to act.

# %% tags=["nbval-check-output"]
corpus = utterances.corpus.iloc[0]
print(f"{len(utterances)} utterances, {utterances.speaker.nunique()} speakers, {utterances.text.nunique()} sentences")
print(utterances.emotion.value_counts(sort=False).to_string())

# %% [markdown]
# You now hear actor 12 say "Dogs are sitting by the door" eight times, once with each emotion, in mixed order. Run this cell to listen.
# **Before you go on:** write down your eight answers.

# %%
import numpy as np

from ser_helpers import audio
from ser_helpers.plots import sound

strongest = utterances[(utterances.intensity == "strong") | (utterances.emotion == "neutral")]
hers = strongest[(strongest.speaker == f"{corpus}-12") & strongest.text.str.startswith("Dogs")]
eight = hers[hers.repetition == 1].sample(frac=1, random_state=7)
sound.play(np.concatenate([audio.load(path) for path in eight.path]), 16_000)

# %% tags=["nbval-check-output"]
print(*eight.emotion, sep=", ")

# %% [markdown]
# How many did you get? Keep the number: it is the first thing to compare a program with. Here are two of the eight.

# %%
from ser_helpers.plots.style import colour

two = {label: (audio.load(eight.path[eight.emotion == label].iloc[0]), 16_000) for label in ("neutral", "angry")}
caption = sound.caption(eight.iloc[0]).replace(f" {eight.emotion.iloc[0]},", "")
sound.waveforms(two, "The same words by the same actor, with two emotions", caption, colours=[colour(k) for k in two])

# %% [markdown]
# Her angry wave is many times as tall. The words have not changed.
#
# ## 2. Is this not sentiment analysis?
#
# [Sentiment](GLOSSARY.md#sentiment) analysis reads *text* and asks whether its words are good or bad news. Its oldest form counts words, and fits in three lines:

# %% tags=["nbval-check-output"]
WORDS = {"great": 1, "love": 1, "thanks": 1, "late": -1, "terrible": -1, "hate": -1}


def sentiment(text):
    words = text.lower().replace("!", "").replace(".", "").split()
    scores = [WORDS[word] for word in words if word in WORDS]
    return sum(scores) / max(len(scores), 1)


for text in (*utterances.text.unique(), "I love this idea", "Thanks a lot", "Great! Late again."):
    print(f"{sentiment(text):+.1f}  {text}")

# %% [markdown]
# "Thanks a lot" is +1, whoever says it and however. A better model than ours knows more words and their order; it still has no voice.
#
# Now the voice. We measure 88 properties of each recording, a standard set called [eGeMAPS](GLOSSARY.md#egemaps) (lesson 02 opens it). The first time takes up to a minute.

# %%
from ser_helpers import features

X = features.extract(utterances, "egemaps")
X.iloc[:3, :4].T.round(2)

# %% [markdown]
# One of the 88 is the mean pitch, in [semitones](GLOSSARY.md#semitone) (twelve make an octave). Women's and men's voices differ in pitch whatever they feel, so we subtract each speaker's own neutral.
# **Before you run the cell:** which emotion will be highest? Which lowest?

# %%
from ser_helpers.course.figures import lesson00_welcome

pitch = X["F0semitoneFrom27.5Hz_sma3nz_amean"]
own = pitch[utterances.emotion == "neutral"].groupby(utterances.speaker).mean()
pitch = pitch - utterances.speaker.map(own)
said = utterances.text.map(sentiment)
lesson00_welcome.words_and_voice(said, pitch, utterances.emotion, f"corpus: {corpus}, {len(X)} utterances")

# %% [markdown]
# Dots are medians; each bar holds the middle half of the utterances. To a reader all utterances are alike. To a listener they are half an octave apart. Speech emotion recognition (SER) is about the right-hand side.
# It is not about what people *feel*, either: it hears what a voice *shows*, and here the voices are actors'. Pitch alone does not do it, though: fear, anger and surprise sit side by side.
#
# ## 3. What is the problem, exactly?
#
# - *U* is the set of utterances, *L* the set of labels, here eight emotions.
# - We are given the labels of some utterances, *V* ⊂ *U*, to learn from, and of others, *W* ⊂ *U*, to be judged on. They are disjoint: *V* ∩ *W* = ∅.
# - Learn from *V* a function *F* : *U* → *L* that gives the right label as often as possible *on W*.
#
# One condition more is easily forgotten: no *speaker* may be in both either. Otherwise *F* can learn how each person sounds in each emotion, and that is no use with a stranger.
# Lesson 04 measures what this mistake is worth.

# %% tags=["nbval-check-output"]
U, L = utterances, utterances.emotion.unique()
strangers = sorted(U.speaker.unique())[-2:]
V, W = U[~U.speaker.isin(strangers)], U[U.speaker.isin(strangers)]
print(f"|U| = {len(U)}, |L| = {len(L)}, |V| = {len(V)}, |W| = {len(W)}")
print("speakers in both V and W:", set(V.speaker) & set(W.speaker) or "none")


# %% tags=["exercise"]
# * Is this split fair? V and W are utterance tables (index: utterances; column: speaker).
def fair(V, W):
    raise NotImplementedError("Return True if V and W share no utterance and no speaker, and False otherwise.")


check("00.1", fair)


# %% tags=["solution", "nbval-check-output"]
# Every utterance has one speaker, so tables without a common speaker have no common utterance either.
def fair(V, W):
    return set(V.speaker).isdisjoint(W.speaker)


check("00.1", fair)

# %% [markdown]
# ## 4. Can ten lines do it?
#
# Measure, learn, listen to a stranger. A [support vector machine](GLOSSARY.md#svm) (SVM) draws the borders between the emotions; the scaler first brings all 88 measurements to the same range.

# %%
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ser_helpers import audio, features

X_V = features.extract(V, "egemaps").to_numpy()
F = make_pipeline(StandardScaler(), SVC(C=10))
F.fit(X_V, V.emotion)

file = W.path[W.emotion == "angry"].iloc[-1]  # a file F has not heard, by a speaker F has not heard
y = audio.load(file)
print(F.predict([features.egemaps(y, sr=16_000)])[0])

# %% [markdown]
# From a file to a label, in ten lines with the imports. The file was acted angry: was the answer right?
# Either way one answer says little, so try all files of the two strangers.

# %%
heard_as = F.predict(features.extract(W, "egemaps").to_numpy())
print(f"right: {np.mean(heard_as == W.emotion):.0%} of {len(W)} utterances by two strangers")

# %% [markdown]
# **Change something**, then run the two cells again: another file, `C=1`, or `RandomForestClassifier()` in place of `SVC` (first `from sklearn.ensemble import RandomForestClassifier`). The three steps stay the same in all lessons to come.
#
# ## 5. How good is that?
#
# Two strangers may be easy or hard ones. So everybody takes a turn: in each of five [folds](GLOSSARY.md#fold), the actors of one fifth are the strangers, and the model is trained anew on the others.

# %%
from ser_helpers.evaluation import cross_validate

F = make_pipeline(StandardScaler(), SVC(C=10))
result = cross_validate(F, X, utterances, protocol="speaker", name="SVM", features="eGeMAPS")
result

# %% [markdown]
# The score is the [UAR](GLOSSARY.md#uar), the unweighted average recall. The [recall](GLOSSARY.md#recall) of a label is the share of its utterances that were recognised; UAR is the plain mean over the labels.
# Guessing scores 1 / 8 = 0.125. On real RAVDESS our ten lines get 0.47, on the synthetic corpus about 0.6: far better than chance, and still wrong four or five times in ten.
# The interval says how far the score may move with other actors.
#
# Why not [accuracy](GLOSSARY.md#accuracy), the share of right answers? In MELD, dialogues of a television series, 47 % of the utterances are neutral. A program that always says "neutral" is then right half the time, and has heard nothing.


# %% tags=["exercise"]
# ** Write UAR yourself. `truth` and `predicted` are two lists of labels, one per utterance.
def uar(truth, predicted):
    raise NotImplementedError("Return the mean, over the labels in truth, of the share of each that is recognised.")


check("00.2", uar)


# %% tags=["solution", "nbval-check-output"]
# One recall per label that occurs in the truth, then their plain mean: rare labels count as much as frequent ones.
def uar(truth, predicted):
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    return np.mean([np.mean(predicted[truth == label] == label) for label in np.unique(truth)])


check("00.2", uar)

# %%
from ser_helpers import plots

plots.per_class_recall(result)

# %% [markdown]
# Read the bars with the dashed line of chance. Neutral is the hardest label of all: it is what is left when nothing is expressed, and it has only half as many examples. How does this compare with your own eight answers?
#
# ## 6. Where is it used, and where should it not be?
#
# | Where | What for | Ask first |
# |---|---|---|
# | call centres | find the calls that went wrong, and why | Do callers know? Agents' emotions are off limits in the EU (below) |
# | tutoring | notice frustration before a learner gives up | not in schools and universities in the EU; at home, with consent |
# | cars | notice rage or panic, and calm the dashboard | safety is a permitted reason; who else gets the data? |
# | health | follow a patient's mood between visits | a doctor decides; the patient agreed and can stop |
# | robots and games | answer in a fitting tone | mistakes must be harmless and easy to correct |
# | podcasts | find the lively minutes of an archive | recorded to be heard: the easiest case |
#
# **Where the evidence does not carry it.** *Lie detection:* in a controlled test of a commercial voice analyser, truth and deception were told apart at about chance level (Harnsberger et al. 2009).
# *Hiring, insurance, policing, exams:* nobody has shown that how you sound says who you are or what you will do. *Diagnosis from a clip:* a cue is not an illness.

# %% [markdown]
# **What the law says in the European Union.** The AI Act, Regulation (EU) 2024/1689, prohibits in Article 5(1)(f) AI systems "to infer emotions of a natural person in the areas of workplace and education institutions", except for medical or safety reasons. It has applied since 2 February 2025.
# Elsewhere, emotion recognition from biometric data such as the voice counts as high-risk (Annex III, point 1(c)), and people must be told that they are exposed to it (Article 50(3)).
# Recital 44 gives the reasons: limited reliability, lack of specificity, limited generalisability. You will measure all three in this course. (This is a summary for students, not legal advice.)
#
# **Consent.** A voice identifies its owner. Before you record or analyse anyone: do they know, did they agree to *this* purpose, can they withdraw, when is it deleted? RAVDESS's actors were recorded for publication, and its licence allows research, not business. Your colleagues in a meeting were not asked.
#
# **Talk about it** (5 minutes). A call centre wants to show each agent a live "frustration meter" of the *caller*. The same microphone hears the agent. What would you build, what would you refuse, and how would a caller learn of it?

# %% [markdown]
# ## 7. Who pays when it is wrong?
#
# One number hides people. The same result, actor by actor:

# %%
plots.speakers(result)

# %% [markdown]
# For the best-served actor the score is about twice as high as for the worst-served. Nobody chose that, and an average would never have shown it.

# %%
result.by("gender").round(2)

# %% [markdown]
# On real RAVDESS women's voices score 0.50 and men's 0.44, from twelve actors each: too few to blame gender, enough to ask. On the synthetic corpus the gap is as wide (0.63 and 0.55), though its recipe gives both the same emotions: the luck of twelve voices, or a measurement that works less well on low voices, is enough to make one.
# Age, accent, language, illness: RAVDESS holds 24 young North American actors, so it cannot even say. A group that is missing from the data is missing from the score. Lesson 14 returns to this.


# %% tags=["exercise"]
# ** How far apart are the best and the worst served group? `right` says for each utterance whether the answer was right
# (True or False), `group` to which group its speaker belongs. Both are Series by utterance, perhaps in different order.
def gap(right, group):
    raise NotImplementedError("Return the highest minus the lowest share of right answers over all groups.")


check("00.3", gap)


# %% tags=["solution", "nbval-check-output"]
# groupby joins the two Series by their index; the mean of True and False is a share.
def gap(right, group):
    share = right.groupby(group).mean()
    return share.max() - share.min()


check("00.3", gap)

# %% [markdown]
# ## 8. How did we get here?

# %%
lesson00_welcome.timeline()

# %% [markdown]
# Three threads to watch. Corpora moved from a few actors in a studio to real conversations, which are harder. Features moved from measurements chosen by experts to ones learned from unlabelled speech (part 3).
# And the question moved from "can it be done?" to "may it be done, and for whom does it fail?"
#
# Your row on the leaderboard, the first of many:

# %%
from ser_helpers.evaluation import leaderboard

leaderboard.add(result, lesson="00")
print(result.summary())

# %% [markdown]
# ## Common mistakes
#
# | Mistake | How you notice |
# |---|---|
# | The same speakers in training and test | a wonderful score that is gone with the first new voice; `result.verdict` names it |
# | Accuracy on unbalanced labels | a high score, and a recall near 0 for rare emotions |
# | Scaling before splitting | a slightly better score than you can repeat: the scaler has seen the test set. Keep it in the pipeline |
# | Joining features and labels by position | everything is near chance after somebody sorted a table. Join by index |
# | Saying "the person is angry" | you were asked how the actor *felt*, and you cannot know; say "sounds like what we labelled angry" |
# | Reporting a score without saying on whose voices | others cannot repeat it, and you cannot defend it |
#
# ## What you can now do
#
# - [ ] say what SER hears that sentiment analysis cannot
# - [ ] state the problem with *U*, *L*, *V*, *W* and *F*, and check a split for common speakers
# - [ ] build a recogniser in ten lines and give its UAR beside chance
# - [ ] name three uses you would defend, three you would refuse, and the article of the AI Act
#
# **Three questions to answer aloud**
#
# <details><summary>1. A vendor reports 95 % accuracy for emotion recognition. What do you ask?</summary>
#
# On whose voices (acted or natural, which language)? Were the test speakers unseen? How many emotions, how often does each occur, and what are UAR and chance? Who labelled them, and how often did the labellers agree? How does the score differ between groups?
# </details>
#
# <details><summary>2. Why must the speakers of V and W differ, when the utterances already do?</summary>
#
# Because a voice is easier to learn than an emotion. With known speakers the model can remember how each of them acts anger; the score then says how well it knows these people, not how well it will do with a stranger.
# </details>
#
# <details><summary>3. May a company in the EU analyse the emotions of its call-centre agents to train them better?</summary>
#
# As a rule no: inferring emotions of people at work is prohibited (Article 5(1)(f)), unless the reason is medical or one of safety. The Commission's guidelines, which do not bind the courts, leave one narrow door open: an agent's own training, if the personnel department never sees the results and they cannot affect the job. Coaching from what was said, or asking the agents, needs no such door.
# </details>
#
# ## Where to read on
#
# - B. W. Schuller (2018), Speech emotion recognition: two decades in a nutshell, benchmarks, and ongoing trends, *Communications of the ACM* 61, [doi:10.1145/3129340](https://doi.org/10.1145/3129340)
# - Regulation (EU) 2024/1689 (the AI Act), [eur-lex.europa.eu/eli/reg/2024/1689/oj](https://eur-lex.europa.eu/eli/reg/2024/1689/oj), and the European Commission's [guidelines on its prohibitions](https://digital-strategy.ec.europa.eu/en/library/commission-publishes-guidelines-prohibited-artificial-intelligence-ai-practices-defined-ai-act) (2025)
# - J. D. Harnsberger et al. (2009), Stress and deception in speech: evaluating layered voice analysis, *Journal of Forensic Sciences* 54, [doi:10.1111/j.1556-4029.2009.01026.x](https://doi.org/10.1111/j.1556-4029.2009.01026.x)
# - L. F. Barrett et al. (2019), Emotional expressions reconsidered, *Psychological Science in the Public Interest* 20, [doi:10.1177/1529100619832930](https://doi.org/10.1177/1529100619832930) (about faces; the argument holds for voices)
# - S. R. Livingstone & F. A. Russo (2018), RAVDESS, *PLoS ONE* 13, [doi:10.1371/journal.pone.0196391](https://doi.org/10.1371/journal.pone.0196391)
# - F. Eyben et al. (2016), The Geneva minimalistic acoustic parameter set (GeMAPS), *IEEE Transactions on Affective Computing* 7, [doi:10.1109/TAFFC.2015.2457417](https://doi.org/10.1109/TAFFC.2015.2457417)
#
# <details><summary>The papers of the timeline</summary>
#
# EmoDB: Burkhardt et al., [doi:10.21437/Interspeech.2005-446](https://doi.org/10.21437/Interspeech.2005-446).
# IEMOCAP: Busso et al., [doi:10.1007/s10579-008-9076-6](https://doi.org/10.1007/s10579-008-9076-6).
# The first challenge: Schuller, Steidl & Batliner, [doi:10.21437/Interspeech.2009-103](https://doi.org/10.21437/Interspeech.2009-103).
# openSMILE: Eyben, Wöllmer & Schuller, [doi:10.1145/1873951.1874246](https://doi.org/10.1145/1873951.1874246).
# Deep networks: Han, Yu & Tashev, [doi:10.21437/Interspeech.2014-57](https://doi.org/10.21437/Interspeech.2014-57).
# Attention: Mirsamadi, Barsoum & Zhang, [doi:10.1109/ICASSP.2017.7952552](https://doi.org/10.1109/ICASSP.2017.7952552).
# MSP-Podcast: Lotfian & Busso, [doi:10.1109/TAFFC.2017.2736999](https://doi.org/10.1109/TAFFC.2017.2736999).
# wav2vec 2.0: Baevski et al., [arXiv:2006.11477](https://arxiv.org/abs/2006.11477).
# Transformers and valence: Wagner et al., [doi:10.1109/TPAMI.2023.3263585](https://doi.org/10.1109/TPAMI.2023.3263585).
# </details>
#
# Next: [lesson 01](01_sampling.ipynb) opens the sound file.
