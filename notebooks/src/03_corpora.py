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
# # 03 · Corpora
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/ser-course/ser-course/blob/main/notebooks/03_corpora.ipynb)
#
# You will compare ten corpora, join four of them into one table, and cut it into training and test sets that share no
# speaker. You will see that a label is often a vote that some raters lost, and that a random split tests on speakers
# that were in the training.
#
# *60 minutes · builds on lesson 00 · if you have worked with speech corpora, run sections 1 to 4
# without reading them*
#
# > **For the instructor.** Collect the class's votes on the clip of section 1 on the board, and type them into the
# > table of section 5. What usually goes wrong: people take the label for the truth. Ask "who said so?" each time.

# %% [markdown]
# **What you will learn**
#
# - to read any corpus as one table with a row per utterance
# - to compare corpora: size, speakers, acted or natural, labels, licence
# - to make the labels of several corpora agree, and to say what that costs
# - to measure with a kappa how far raters agree, and to split and audit a corpus by speaker

# %% tags=["colab"]
# On Colab this installs the course; elsewhere it does nothing.
try:
    import ser_helpers
except ImportError:
    get_ipython().run_line_magic("pip", "install -q 'ser-helpers[course] @ git+https://github.com/ser-course/ser-course'")

# %%
from ser_helpers.course import banner, check

utterances = banner("03", corpus="ravdess")

# %% [markdown]
# ## 1. What does a corpus become?
#
# A [corpus](GLOSSARY.md#corpus) is a folder of recordings with a label for each. Every publisher packs it differently;
# here, each becomes the same kind of table: one row per [utterance](GLOSSARY.md#utterance).

# %%
utterances[["speaker", "gender", "text", "emotion", "intensity"]].sample(5, random_state=0)

# %% [markdown]
# In RAVDESS, all of this is in the file name: `03-01-05-02-01-02-12` is audio only (03), speech (01), angry (05), strong
# (02), the first sentence (01), spoken for the second time (02), by actor 12. The recording's path is in the table too.
#
# **Before you run the next cell:** 24 actors made 60 recordings each. Is every emotion there equally often?

# %% tags=["nbval-check-output"]
from ser_helpers import corpora

print(utterances.emotion.value_counts()[list(corpora.EMOTIONS)].to_string())

# %% [markdown]
# Neutral is half as frequent as the others: each other emotion was acted at two intensities, normal and strong, but
# there is no strong neutral.
#
# Now listen to one clip, and write down one word for what you hear. The answer comes in section 5. Run this cell to
# listen.

# %%
from ser_helpers import audio
from ser_helpers.plots.sound import play, waveform, waveforms

secret = utterances.iloc[708]
y = audio.load(secret.path, sr=16_000)
play(y, 16_000)

# %%
whose = f"{secret.corpus}: actor {secret.speaker[-2:]}"
waveform(y, 16_000, "Which emotion is this?", subtitle=f"{whose}, “{secret.text}”")

# %% [markdown]
# ## 2. Which corpora are there?
#
# You will find these ten in papers. Each has a card in the course's `data/registry`: the one source for the tables
# below, for downloads and for the README. A dash means that there is none, or that it is not published.

# %%
import numpy as np
import pandas as pd

pd.set_option("display.max_colwidth", None)
cards = corpora.cards()
cards = cards[~cards.synthetic]
about = ["title", "utterances", "speakers", "hours", "language", "speech", "dimensions"]
cards[about].astype(object).fillna("–")

# %%
from ser_helpers.course.figures import lesson03_corpora

lesson03_corpora.sizes(cards)

# %% [markdown]
# Each step to the right is ten times as much. Most [acted](GLOSSARY.md#acted-speech) corpora are small, with few
# speakers; the natural ones are large. That is why students start with actors, and why products should not.
#
# "Acted" has degrees. In RAVDESS, CREMA-D, TESS, SAVEE and EmoDB, actors say given sentences, and in RAVDESS song they
# sing them. In IEMOCAP, two actors play a scene together, partly improvised. MELD is a television comedy. In CMU-MOSEI,
# people give their opinion to a camera; MSP-Podcast has turns from podcasts, where nobody acts for researchers.

# %%
cards[["labels", "licence", "how"]]

# %% [markdown]
# `ser download ravdess` fetches a corpus; if a licence must be signed, the command says whom to ask. `corpora.load`
# reads all ten once they are on this machine. Read the licence before you train (the NC in CC BY-NC excludes commercial
# use), and ask what the speakers agreed to.

# %% [markdown]
# ## 3. Is your "happy" my "joy"?
#
# To compare two corpora, their labels must be the same. CMU-MOSEI has no label but an intensity from 0 to 3 for each
# of six emotions; that leaves nine sets of labels. **Before you run the cell:** how many ways are there to write
# "happy"?

# %%
lesson03_corpora.words(cards.drop("cmu-mosei"))

# %% [markdown]
# Four: happy, happiness, joy, hap. To [harmonise](GLOSSARY.md#harmonise) is to map each word to a common label. Such a
# *scheme* is data that you can read, and each line of it is a choice: TESS asked for a *pleasant* surprise; here it
# counts as surprised, like IEMOCAP's, which need not be pleasant. (`xxx` is IEMOCAP's word for "the raters did not
# agree"; its `exc`, excited, is dropped here, while most papers, and our scheme `iemocap4`, count it as happy.)

# %% tags=["nbval-check-output"]
print(corpora.WORDS["happy"])
print(corpora.SCHEMES["common"]["pleasant surprise"])
print(*corpora.SCHEMES["shared"])

# %% [markdown]
# `common` is the scheme of the figure; `shared` keeps the six labels that RAVDESS, CREMA-D, TESS and SAVEE all have.
# `harmonise` works on every table with a column `emotion`, so on the documented counts too:

# %%
counts = [(corpus, word, n) for corpus, known in cards.counts.items() for word, n in known.items()]
documented = pd.DataFrame(counts, columns=["corpus", "emotion", "utterances"])
common = corpora.harmonise(documented, "common").pivot_table("utterances", "corpus", "emotion", "sum")

common

# %% [markdown]
# Numbers of such different sizes are easier to read as shares. `sns.heatmap` draws any table of numbers; `new_figure` and
# `finish` give it the course's style, a title, and a text that says what the picture shows.

# %%
import seaborn as sns

from ser_helpers.plots.style import finish, new_figure

shares = 100 * common[[*corpora.EMOTIONS]].div(common.sum(axis=1), axis=0)
neutral = shares.loc["meld", "neutral"]
fig, ax = new_figure()
sns.heatmap(shares, annot=True, fmt=".0f", cmap="Blues", cbar_kws={"label": "% of the utterances"}, ax=ax)
ax.set(xlabel="emotion", ylabel="corpus")
ax.grid(False)
title = f"Most studio corpora are balanced; MELD is {neutral:.0f} % neutral"
finish(fig, title, f"Shares of each emotion in {len(shares)} corpora, as documented. {title}.")

# %% [markdown]
# A studio records the same number of each emotion. (EmoDB did, too, before it dropped what listeners did not
# recognise.) Conversation does not: even in a comedy nearly half of the utterances are neutral, and fear is rare. This
# is why the course reports [UAR](GLOSSARY.md#uar), where each label counts the same.
#
# The four corpora that tutorials join most often are TESS, SAVEE, RAVDESS and CREMA-D. All complete, they have:

# %% tags=["nbval-check-output"]
FOUR = ["tess", "savee", "ravdess", "crema-d"]
four = documented[documented.corpus.isin(FOUR)]
print(four.groupby("corpus").utterances.sum().to_string())
print(f"\ntogether: {four.utterances.sum():,}")
shared = corpora.harmonise(four, "shared")
print(f"with one of the six shared labels: {shared.utterances.sum():,}")

# %% [markdown]
# 12,162 utterances: check your own copy against this number. Which of them are on this machine?

# %%
from ser_helpers.errors import CorpusMissing

tables = [utterances]
for name in FOUR:
    try:
        if name != utterances.corpus.iloc[0]:
            tables.append(corpora.load(name))
    except CorpusMissing:
        print(f"{name} is not here; to get it: ser download {name}")

combined = corpora.harmonise(corpora.combine(tables), "shared")
pd.crosstab(combined.corpus, combined.emotion, margins=True)

# %% [markdown]
# The course works with any part of the four. But before you train on such a mixture, count speakers, not files: 2,800
# of the 12,162 utterances, nearly one in four, come from two women, the speakers of TESS. And a model that recognises
# the *studio* knows something about the label: with the `common` scheme, all calm is RAVDESS, and no surprise is
# CREMA-D.

# %% [markdown]
# ## 4. Which emotions are close?
#
# A list of eight words does not show which are close. Two maps do: a wheel, and a plane.

# %%
lesson03_corpora.feelings()

# %% [markdown]
# Plutchik's wheel has eight families at three intensities; opposites face each other. Corpora label six of the
# families, and mostly one intensity. Russell's plane has two axes: [valence](GLOSSARY.md#valence), from unpleasant to
# pleasant, and [arousal](GLOSSARY.md#arousal), from sleepy to excited. On it anger and fear are neighbours, and so are
# many of your model's mistakes. Lesson 09 returns to the plane.
#
# The plane's left and right make the coarsest scheme: positive, negative, neutral. The plane alone does not decide it:
# anger is close to the middle line, because it is more excited than unpleasant, and disgust is missing. Both count as
# negative. A surprise may be a gift or a crash, so the word alone has no side.

# %% tags=["exercise"]
# * Give each of MELD's seven words (neutral, joy, sadness, anger, fear, disgust, surprise) its side of the plane.
def polarity(word):
    raise NotImplementedError("Return 'positive', 'negative' or 'neutral', or None for the word that may be either.")


check("03.1", polarity)

# %% tags=["solution", "nbval-check-output"]
# A dictionary is a scheme: short, complete and open to objection. `get` returns None for a missing word.
def polarity(word):
    sides = {"neutral": "neutral", "joy": "positive"}
    sides |= dict.fromkeys(["sadness", "anger", "fear", "disgust"], "negative")
    return sides.get(word)


check("03.1", polarity)

# %% tags=["nbval-check-output"]
sides = corpora.harmonise(utterances, "polarity")
print(sides.emotion.value_counts().to_string())
print("dropped:", sides.attrs["dropped"])

# %% [markdown]
# The course's scheme drops surprise too, keeps TESS's pleasant one as positive, and calls calm neutral, although
# Russell's raters placed it on the pleasant side. Another author may choose differently, and get another score from the
# same model.
#
# The grouping changes chance: a model that always says "negative" is right in 768 of 1,248 cases, 62 %.

# %% [markdown]
# ## 5. Who decided the label?
#
# What did you write down in section 1? This is in the table:

# %%
print(f"{secret.name}: {secret.emotion}, {secret.intensity}")

# %% [markdown]
# Nobody asked the actor what she felt. The label is the emotion she was *told to act*. There are other ways to get one:
#
# | corpora | the label is | decided by |
# |---|---|---|
# | RAVDESS, CREMA-D, TESS, SAVEE | the instruction | the researcher, before the recording |
# | EmoDB | the instruction, if recognised | listeners: more than 80 % of them had to recognise it |
# | IEMOCAP, MELD | the majority | three raters, who watched the scene |
# | CMU-MOSEI | the mean intensity | crowd workers, who watched the video |
# | MSP-Podcast | the most frequent answer | five crowd workers or more, who listened |
#
# CREMA-D asked 2,443 people what they perceive. From the voice alone, they named the intended emotion in 41 % of the
# cases; from the face in 58 %; from both in 64 %. So a model that reaches 70 % from the voice does not perceive as people
# do: it has learnt to guess the instruction. Where the publisher's tables are on this machine, `corpora.load("crema-d")`
# has the votes of those who only listened, as shares: columns `votes_anger` and so on.

# %% [markdown]
# Now be the publisher. Three raters labelled eight clips (an invented example). Each clip gets the word that more than
# half of them chose: the [majority vote](GLOSSARY.md#majority-vote).

# %% tags=["nbval-check-output"]
from collections import Counter

answers = """angry angry angry / angry angry neutral / happy happy happy / happy neutral happy /
sad sad neutral / sad neutral neutral / neutral neutral neutral / happy sad angry"""
ratings = pd.DataFrame([line.split() for line in answers.split("/")], columns=["A", "B", "C"], index=range(1, 9))


def majority(words):
    word, votes = Counter(words).most_common(1)[0]
    return word if votes > len(words) / 2 else "no majority"


print(ratings.assign(majority=[majority(words) for words in ratings.to_numpy()]).to_string())

# %%
lesson03_corpora.votes(ratings)

# %% [markdown]
# A majority loses two things. Clip 8 has none and would be thrown away: in IEMOCAP that is a quarter of the corpus,
# 2,507 of 10,039 turns, and they are the difficult ones. And clips 1 and 2 both become "angry", though one rater
# perceived no anger in clip 2.
#
# A [soft label](GLOSSARY.md#soft-label) keeps the numbers in the bars: the network's target is "angry 0.67, neutral
# 0.33". Every loss that compares probabilities, such as cross-entropy, accepts it.

# %% [markdown]
# **More raters?** [Crowdsourcing](GLOSSARY.md#crowdsourcing) buys many quick answers instead of three careful ones.
# Many raters average out carelessness. They do not average out a shared error: if most people hear your disgust as
# anger, a thousand of them will agree on anger.
#
# **Another sense?** When raters watch the video, the label may rest on a smile that no microphone records. The
# dialogues of MELD were labelled twice: from the text alone the raters' agreement (the kappa of the next section) was
# 0.34, with sound and picture 0.43. Some corpora borrow more: a *face* model writes the labels from which a voice
# model learns (Albanie et al. 2018). Ask of every label: which sense does it come from, and does my model have that
# sense?

# %% [markdown]
# ## 6. How well do the raters agree?
#
# Count pairs: in how many pairs of raters did both choose the same word?

# %% tags=["nbval-check-output"]
from itertools import combinations


def agreement(words):
    pairs = list(combinations(words, 2))
    return sum(first == second for first, second in pairs) / len(pairs)


per_clip = [agreement(words) for words in ratings.to_numpy()]
observed = sum(per_clip) / len(per_clip)
print([round(share, 2) for share in per_clip], f"mean {observed:.2f}")

# %% [markdown]
# 0.54. But raters who throw dice agree now and then, too, and more often on a frequent word.
# [Fleiss' kappa](GLOSSARY.md#fleiss-kappa) measures how far they came from chance towards perfect agreement. With *n*
# raters, of whom *n_ij* gave clip *i* the label *j*:
#
# ```text
# observed = mean over the clips i of   sum over j of  n_ij (n_ij - 1)  /  (n (n - 1))
# chance   = sum over the labels j of   (share of label j among all ratings)²
# kappa    = (observed - chance) / (1 - chance)
# ```
#
# The first line is the share of agreeing pairs again, written with counts.

# %% tags=["nbval-check-output"]
used = pd.Series(ratings.to_numpy().ravel()).value_counts(normalize=True)
chance = (used**2).sum()
kappa = (observed - chance) / (1 - chance)
print(f"observed {observed:.2f}, chance {chance:.2f}, kappa {kappa:.2f}")

# %% [markdown]
# 0.38: our raters went 38 % of the way. That is usual for emotion (MELD reports 0.43), and no sign of bad raters:
# emotions are mixed, and three seconds are short.

# %% tags=["exercise"]
# ** Write Fleiss' kappa for any number of raters. `counts` is an array: a row per clip, a column per label, and in it the
# number of raters who chose the label. Every row has the same sum.
def fleiss_kappa(counts):
    raise NotImplementedError("Return Fleiss' kappa of a table of counts, after the three lines above.")


check("03.2", fleiss_kappa)

# %% tags=["solution", "nbval-check-output"]
# The three lines of the formula. The checker compares with a published table: ten items, fourteen raters, kappa 0.210.
def fleiss_kappa(counts):
    n = counts[0].sum()
    observed = ((counts * (counts - 1)).sum(axis=1) / (n * (n - 1))).mean()
    chance = ((counts.sum(axis=0) / counts.sum()) ** 2).sum()
    return (observed - chance) / (1 - chance)


check("03.2", fleiss_kappa)

# %% tags=["nbval-check-output"]
votes = ratings.apply(lambda row: row.value_counts(), axis=1).fillna(0)
print(f"pairs: {kappa:.4f}, counts: {fleiss_kappa(votes.to_numpy()):.4f}")

# %% [markdown]
# Two ways, one number. But what if a rater missed some clips? Kappa needs the same number of raters for each clip.
# [Krippendorff's alpha](GLOSSARY.md#krippendorffs-alpha) does not. It compares the disagreement within clips with the
# disagreement of any two ratings drawn from the whole pool. His own example has twelve items, at most four raters,
# gaps, and an alpha of 0.743:

# %% tags=["nbval-check-output"]
def krippendorff_alpha(rows):
    rows = [words for words in rows if len(words) > 1]
    pool = [word for words in rows for word in words]
    within = sum(len(words) * (1 - agreement(words)) for words in rows) / len(pool)
    return 1 - within / (1 - agreement(pool))


example = "111 2232 3333 3333 2222 1234 4444 1121 2222 555 11 3".split()
print(f"his example {krippendorff_alpha(example):.3f}, our raters {krippendorff_alpha(ratings.to_numpy()):.3f}")

# %% [markdown]
# His value exactly; and for our raters a little more than kappa, because few ratings are corrected for being few.

# %% [markdown]
# ## 7. What can acted speech not teach?
#
# Here is one actor being angry twice: "normal", and "strong". **Before you listen:** which would you hear in an
# office?

# %%
from ser_helpers.plots.style import colour

angry = utterances[(utterances.emotion == "angry") & (utterances.speaker == secret.speaker)]
pair = {row.intensity: (audio.load(row.path, sr=16_000), 16_000) for row in angry.itertuples()}
waveforms(
    pair, "Strong acted anger is much louder than normal anger", subtitle=f"{whose}, angry", colours=[colour("angry")] * 2
)

# %%
play(pair["normal"][0], 16_000, normalise=False)

# %%
play(pair["strong"][0], 16_000, normalise=False)

# %% [markdown]
# Acted speech is clear, balanced and legal to share, and the intended emotion is known: good for learning the methods.
# It cannot teach
#
# - **faintness**: raters find spontaneous clips less intense than posed ones (Juslin et al. 2018); at work, anger is
#   polite
# - **mixture and change**: one clip, one emotion, from the first sample to the last
# - **meaning**: everyone says the same sentences, so the words never help and never contradict the voice
# - **rarity**: real calls are mostly neutral; a balanced corpus is not
# - **other people**: RAVDESS is 24 professional actors with a North American accent; nobody in it is old
#
# So a score on acted speech says: *this model recognises how actors play emotions*. Say it that way.

# %% [markdown]
# ## 8. Which speakers are on both sides?
#
# To test a model, we keep part of the table away from training. **Before you run the cell:** when 30 % of the
# utterances are drawn at random, how many of the 24 actors have recordings on both sides?

# %%
splits = {protocol: corpora.split(utterances, protocol)[0] for protocol in ("random", "speaker")}
lesson03_corpora.sides(utterances, splits)

# %% [markdown]
# All of them. A model tested on the random split may have memorised each actor's anger. The speaker protocol holds out
# whole actors: it is [speaker-independent](GLOSSARY.md#speaker-independent). Lesson 04 measures the difference.
#
# Never trust a split because of its name. An [audit](GLOSSARY.md#audit) compares both sides: speakers, sentences, and
# recordings that are equal to the last sample.

# %% tags=["nbval-check-output"]
for protocol, (train, test) in splits.items():
    print(f"{protocol}: {len(train)} to train, {len(test)} to test")
    print(corpora.audit(utterances, train, test), end="\n\n")

# %% [markdown]
# The speaker split is clean, but both sentences are on both sides. They must be: RAVDESS has only two, and every actor
# says both. `protocol="statement"` trains on one sentence and tests on the other, but then the speakers are on both
# sides. To keep both apart, you must give up half of the corpus.
#
# Why should recordings be equal? Because real corpora are not clean. Let us load ours again, and read the loader's
# warnings.

# %%
import warnings

with warnings.catch_warnings(record=True) as notes:
    warnings.simplefilter("always")
    corpora.load(utterances.corpus.iloc[0])
print(*[note.message for note in notes] or ["The loader found nothing odd."], sep="\n")

# %% [markdown]
# On real RAVDESS: five files are stereo, though all others are mono, and two files of actor 07, the same sentence said
# for the first and the "second" time, are one recording, byte for byte. The synthetic corpus has no such duplicates. A
# random split puts them on both sides in four draws of ten; then the model is tested on a recording from its training.
# Add a duplicate, and the audit finds it by its samples:

# %% tags=["nbval-check-output"]
name = utterances.index[0]
twin = utterances.loc[[name]].rename({name: "twin"})
print(corpora.audit(pd.concat([utterances, twin]), [name], ["twin"]).verdict)

# %% tags=["exercise"]
# ** Hold out `n_test` whole speakers, drawn at random by `seed`. Return the names of the training utterances (from
# `table.index`), then those of the test utterances. `np.random.default_rng(seed).choice` draws.
def speaker_split(table, n_test, seed):
    raise NotImplementedError("Return the training and the test utterances, with n_test whole speakers in the test.")


check("03.3", speaker_split)

# %% tags=["solution", "nbval-check-output"]
# Draw speakers, not rows; then every row follows its speaker. `replace=False`: no speaker is drawn twice.
def speaker_split(table, n_test, seed):
    held_out = np.random.default_rng(seed).choice(table.speaker.unique(), n_test, replace=False)
    tested = table.speaker.isin(held_out)
    return table.index[~tested], table.index[tested]


check("03.3", speaker_split)

# %% tags=["nbval-check-output"]
train, test = speaker_split(utterances, n_test=5, seed=0)
print(f"{len(train)} to train, {len(test)} to test. {corpora.audit(utterances, train, test).verdict}")

# %% [markdown]
# Your own split, audited and clean. Add `corpora.audit` to every experiment: it takes a second.

# %% [markdown]
# ## Common mistakes
#
# - **Random split.** Symptom: the score falls by a third or more with new speakers.
# - **Files counted instead of speakers.** Symptom: near-perfect on the two women of TESS, poor on everyone else.
# - **Labels joined by spelling.** Symptom: your model has both a class "fear" and a class "fearful".
# - **Corpus and label tied together.** Symptom: near-perfect "calm"; it recognises RAVDESS's studio.
# - **No-majority clips dropped without a note.** Symptom: your test set is smaller than the card says, and too easy.
# - **A duplicated corpus.** Symptom: 2,880 RAVDESS files; a popular mirror contains the corpus twice.

# %% [markdown]
# ## What you can now do
#
# - [ ] read a corpus card, and say what its labels are made of
# - [ ] harmonise labels with a scheme, and name what it drops
# - [ ] compute Fleiss' kappa and Krippendorff's alpha, and explain a value near 0.4
# - [ ] split by speaker, and show with an audit that nothing crosses
#
# **Three questions to answer aloud**
#
# <details><summary>1. A paper reaches 95 % on TESS + SAVEE + RAVDESS + CREMA-D. What do you ask?</summary>
# How was it split: were the test speakers new? TESS has two speakers, so a random split tests the same two speakers and
# nearly the same sentences. How many labels were kept, and what is chance? How does each corpus score alone?
# </details>
#
# <details><summary>2. Raters of your call-centre corpus reach a kappa of 0.35. Do you throw the corpus away?</summary>
# No: that is usual for emotion. Keep all votes, train on soft labels, report the agreement, and compare your model
# with a single rater, not with 100 %.
# </details>
#
# <details><summary>3. Why is the sentence allowed to cross in the audit, but the speaker is not?</summary>
# Because of the question we ask. In most acted corpora everyone says the same sentences in every emotion, so the
# sentence does not give the label away; the voice may. For a claim about new sentences, they must be kept apart, too.
# </details>
#
# **Where to read on**
#
# - the corpora: `corpora.card("crema-d").citation`, and so on for all ten
# - Fleiss (1971), kappa for many raters: [10.1037/h0031619](https://doi.org/10.1037/h0031619)
# - Hayes & Krippendorff (2007), alpha: [10.1080/19312450709336664](https://doi.org/10.1080/19312450709336664)
# - Russell (1980), the circle: [10.1037/h0077714](https://doi.org/10.1037/h0077714); Plutchik (2001), the wheel:
#   [jstor.org/stable/27857503](https://www.jstor.org/stable/27857503)
# - Juslin, Laukka & Bänziger (2018), spontaneous and posed voices:
#   [10.1007/s10919-017-0268-x](https://doi.org/10.1007/s10919-017-0268-x)
# - Albanie et al. (2018), labels from faces: [10.1145/3240508.3240578](https://doi.org/10.1145/3240508.3240578)
#
# No row for the leaderboard today: you trained nothing.
#
# Next: lesson 04 trains the network of most tutorials, on a random split and on new voices.
