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
# # 12 · Streaming
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/ser-course/ser-course/blob/main/notebooks/12_streaming.ipynb)
#
# You will build a detector that listens while somebody speaks, and says every second what it hears. And you will see a
# popular class that leaves four fifths of a call unheard without an error, and a test that catches all of its kind:
# live must equal offline, to the last bit.
#
# *70 minutes (1 of them computing) · builds on lessons 01, 04 and 06 · if you only want to use it, run all and read
# sections 5 to 7*
#
# > **For the instructor.** Give the two bug hunts ten minutes each, in pairs; the code is short enough to read aloud.
# > What usually goes wrong: people test some seconds, in chunks of one size, and both bugs hide.

# %% [markdown]
# **What you will learn**
#
# - to cut an endless stream into windows, however it arrives, in memory that does not grow
# - to ask for speech before you ask for emotion
# - to show something calm, and to say what the calm costs
# - to measure latency stage by stage, to make a model smaller, and to serve many calls at once

# %% tags=["colab"]
# On Colab this installs the course; elsewhere it does nothing.
try:
    import ser_helpers
except ImportError:
    get_ipython().run_line_magic("pip", "install -q 'ser-helpers[course] @ git+https://github.com/ser-course/ser-course'")

# %%
from ser_helpers.course import banner, check

utterances = banner("12", corpus="iemocap")

# %% [markdown]
# ## 1. What arrives?
#
# A microphone, a telephone line or a browser sends [chunks](GLOSSARY.md#chunk): a few samples, again and again. Nobody
# promises how many. Our model wants *windows* of 3 s, and we want an answer every second: the
# [hop](GLOSSARY.md#hop-length) is 1 s.

# %%
from ser_helpers.course.figures import lesson12_streaming
from ser_helpers.plots import sound

lesson12_streaming.windows()

# %% [markdown]
# A chunk ends where it likes, mostly in the middle of a window, and a long one may finish two windows at once. We need
# something to listen to. We take one speaker, and play forty turns with short pauses between them, as on a telephone
# whose other side we cannot hear.

# %%
speaker = utterances.speaker.unique()[3]
turns = utterances[utterances.speaker == speaker].sort_values(["dialogue", "turn_start"])[:40]
call, rated = lesson12_streaming.join(turns)
sound.play(call, 16000)

# %% [markdown]
# Run the cell above to listen. `rated` says what the raters heard, turn by turn, in four groups: angry (with
# frustrated), happy (with excited), neutral and sad. Now we cut the call as a bad network would:

# %% tags=["nbval-check-output"]
import numpy as np

rng = np.random.default_rng(0)
chunks = np.split(call, np.sort(rng.integers(0, len(call), 200)))
sizes = [len(chunk) / 16 for chunk in chunks]
print(f"{len(call) / 16000:.1f} s in {len(chunks)} chunks of {min(sizes):.1f} to {max(sizes):.0f} ms")

# %% [markdown]
# Some chunks last a millisecond, and some last seconds.
#
# ## 2. Where are the other answers?
#
# **A bug hunt.** You will meet classes like the next one. Read `process_chunk` aloud. As a model we take something that
# costs nothing, the level in dB, so that we see only the plumbing.


# %%
class PopularDetector:
    def __init__(self, model, window=48000, hop=16000):
        self.model, self.window, self.hop = model, window, hop
        self.buffer = np.zeros(0, np.float32)

    def process_chunk(self, chunk):
        self.buffer = np.concatenate([self.buffer, chunk])
        while len(self.buffer) >= self.window:
            window = self.buffer[: self.window]
            self.buffer = self.buffer[self.hop :]
            return self.model(window)
        return None


# %% [markdown]
# A minute of sound holds 58 windows of 3 s, one second apart. **Before you run this:** how many answers will there be
# with chunks of half a second, of one second, of five seconds?

# %% tags=["nbval-check-output"]
def level(window):
    return 10 * np.log10(np.mean(window**2) + 1e-9)


minute, runs = np.resize(call, 60 * 16000), {}
for seconds in (0.5, 1, 5):
    detector, waiting, answers = PopularDetector(level), [], 0
    times = np.arange(seconds, 60.1, seconds)
    for chunk in np.split(minute, (16000 * times[:-1]).astype(int)):
        answers += detector.process_chunk(chunk) is not None
        waiting.append(len(detector.buffer) / 16000)
    runs[f"chunks of {seconds} s"] = times, waiting
    print(f"chunks of {seconds} s: {answers} answers of 58, and {waiting[-1]:.0f} s still wait in the buffer")

# %% [markdown]
# No error, no warning. With small chunks all is well, and so every quick test passes. With chunks of five seconds it
# gives one answer per chunk, and keeps the rest.

# %%
lesson12_streaming.backlog({name: runs[name] for name in ("chunks of 1 s", "chunks of 5 s")})

# %% [markdown]
# When a chunk is done, less than a window should be left in the buffer: less than 3 s. Here it grows by 4 s with each
# chunk, so the answers speak of a past that is further and further away. After a call of ten minutes the supervisor
# would see the anger of minute two.

# %% tags=["exercise"]
# ** Mend it: `process_chunk` returns a list with the answers to all windows that the chunk completes.
class MendedDetector(PopularDetector):
    def process_chunk(self, chunk):
        raise NotImplementedError("Return a list; a chunk that completes no window gets an empty one.")


check("12.1", MendedDetector)

# %% tags=["solution", "nbval-check-output"]
# The loop was right; the `return` in it ended the loop after its first round. Collect, and return once, at the end.
class MendedDetector(PopularDetector):
    def process_chunk(self, chunk):
        self.buffer = np.concatenate([self.buffer, chunk])
        answers = []
        while len(self.buffer) >= self.window:
            answers.append(self.model(self.buffer[: self.window]))
            self.buffer = self.buffer[self.hop :]
        return answers


check("12.1", MendedDetector)

# %% [markdown]
# ## 3. Why does it get slower every minute?
#
# **Another bug hunt.** This buffer looks harmless, and its answers are right. **Guess first:** how much memory does one
# minute take, if a sample of 16 bits needs 2 bytes?


# %%
class ListBuffer:
    def __init__(self, capacity):
        self.capacity, self.samples = capacity, []

    def write(self, chunk):
        self.samples.extend(chunk)

    def last(self):
        return np.array(self.samples)[-self.capacity :]


# %%
for seconds in (15, 30, 60):
    (memory,), (milliseconds,) = lesson12_streaming.cost(ListBuffer, [seconds])
    print(f"after {seconds} s: {memory:5.1f} MB, and {milliseconds:5.1f} ms to find the last 3 s")

# %% [markdown]
# About 30 MB instead of 2. Two things go wrong. A Python list holds *objects*: each sample costs over 30 bytes. And it
# forgets nothing: each window begins by turning the whole call into an array, to keep its last 3 s. After an hour that
# is about 2 GB, and about a second of work for each window. Tests that last some seconds never see it.
#
# A [ring buffer](GLOSSARY.md#ring-buffer) mends both. It is one array, made once. New samples overwrite the oldest
# ones; at the end of the array, writing goes on at its beginning.

# %% tags=["exercise"]
# *** Write the ring. `write(chunk)` takes samples (n,), also more than fit; `last()` gives a copy of the last
# `capacity` samples, oldest first, once there are so many. Make the array once, and never another one in `write`.
class Ring:
    def __init__(self, capacity):
        self.values, self.next = np.zeros(capacity, np.float32), 0

    def write(self, chunk):
        raise NotImplementedError("Write the chunk from self.next on, wrap around, and move self.next.")

    def last(self):
        raise NotImplementedError("The oldest sample stands at self.next.")


check("12.2", Ring)

# %% tags=["solution", "nbval-check-output"]
# Only the last `capacity` samples of a long chunk matter. Two slices: up to the end, and from the beginning.
class Ring:
    def __init__(self, capacity):
        self.values, self.next = np.zeros(capacity, np.float32), 0

    def write(self, chunk):
        chunk = chunk[-len(self.values) :]
        first = chunk[: len(self.values) - self.next]
        self.values[self.next : self.next + len(first)] = first
        self.values[: len(chunk) - len(first)] = chunk[len(first) :]
        self.next = (self.next + len(chunk)) % len(self.values)

    def last(self):
        return np.concatenate([self.values[self.next :], self.values[: self.next]])


check("12.2", Ring)

# %%
lesson12_streaming.growth({"list": ListBuffer, "ring": Ring})

# %% [markdown]
# The ring is as large and as fast after a day as after three seconds. The package has it as `streaming.RingBuffer`.
#
# ## 4. Is anybody speaking?
#
# We take a ready model: [logistic regression](GLOSSARY.md#logistic-regression) on 95 numbers per window, trained on
# voices made by this package that are in none of its corpora. (If the banner says real speech: it has never heard a
# real voice, so in this lesson look at the machinery, and bring a model of lessons 05 to 08 for the emotions.) **Guess
# first:** what does it say of silence?

# %% tags=["nbval-check-output"]
from ser_helpers import models

model = models.window_model("linear")
print("The emotions it knows:", ", ".join(model.classes_))

# %%
import pandas as pd

quiet = {"silence": np.zeros(48000), "hiss": rng.normal(0, 0.01, 48000), "hum": np.sin(np.arange(48000) / 50)}
windows = np.array(list(quiet.values()), np.float32)
pd.DataFrame(model.predict_proba(windows), index=list(quiet), columns=model.classes_).round(2)

# %% [markdown]
# Silence is sad and hiss is angry, and the model is sure of both. A classifier must choose, and nobody has taught this
# one the answer "there is no voice". So we ask first: [voice activity detection](GLOSSARY.md#voice-activity-detection),
# VAD. The course uses [Silero VAD](https://github.com/snakers4/silero-vad), a network of 1 MB with a memory. It gives
# the probability of speech every 32 ms. `find_speech` joins these to segments: one begins above 0.5, and ends with a
# pause of 0.1 s.

# %%
from ser_helpers import audio

beginning = call[: 20 * 16000]
probabilities = audio.VoiceActivityDetector().feed(beginning)
segments = audio.find_speech(beginning, 16000)
lesson12_streaming.gate(beginning, 16000, probabilities, segments, utterances.corpus.iloc[0])

# %% [markdown]
# The network detects voices, not loudness: it finds the soft turns, and takes neither the hiss nor the hum for speech
# (try it). A television might deceive it: there are voices in it, too. A window of which less than a fifth is speech
# gets no emotion at all.
#
# ## 5. What do we show?
#
# `Detector` puts it together: ring, VAD, model. `feed` takes whatever arrives, and returns the predictions that are
# ready.

# %%
from ser_helpers.streaming import Detector, to_timeline

detector = Detector(model)
predictions = [one for chunk in chunks for one in detector.feed(chunk)] + detector.finish()
live = to_timeline(predictions, detector.classes_)
live.head(4).round(2)

# %% [markdown]
# A row is a window: the share of speech, what the model says, and what is shown. What is shown is already calmed, for
# the most probable emotion of each window alone jumps about. Two old ideas calm it:
#
# - **Smoothing.** Move towards each new window by only a part of the way, `weight`.
# - **[Hysteresis](GLOSSARY.md#hysteresis).** Show another emotion only when it is ahead by more than a `margin`. A
#   thermostat does the same, and so did [Schmitt's trigger](https://doi.org/10.1088/0950-7671/15/1/305) of 1938.

# %%
def shown(table, weight, margin):
    smoothed, now, emotions = None, None, []
    for new in table[model.classes_].to_numpy():
        if np.isnan(new).any():  # nobody speaks
            emotions.append(None)
            continue
        smoothed = new if smoothed is None else smoothed + weight * (new - smoothed)
        best = smoothed.argmax()
        if now is None or smoothed[best] - smoothed[now] > margin:
            now = best
        emotions.append(model.classes_[now])
    return table.assign(start=table.end - 1, emotion=emotions)


# %%
rows = {
    "rated": rated,
    "window by window": shown(live, weight=1, margin=0),
    "smoothed": shown(live, weight=0.5, margin=0),
    "with a margin": shown(live, weight=0.5, margin=0.1),
}
lesson12_streaming.strips(rows, utterances.corpus.iloc[0])

# %% [markdown]
# Each second has the colour of the window that ended then. The lower strips are calmer. Are they better? Compare them
# with the first strip: a change that did happen is shown later, and a short one never. In the synthetic call the mood
# changes every few seconds, and a window of 3 s often holds two. Calm is a choice about the *reader*, not about the
# truth; the price is delay. Choose `weight` and `margin` on other calls than those you report.
#
# And the hop? Half the hop doubles the work, and shows a change half a second earlier at most. The window stays 3 s
# long.
#
# ## 6. Where does the time go?
#
# [Latency](GLOSSARY.md#latency) is how long you wait for an answer. In a call centre half a second is fine; in a game a
# tenth is the limit. The detector measures each stage: *read* (convert, resample, store), *vad*, *features*, *model*.
# **Guess first:** which of them takes longest?

# %%
latency = {}
for name in ("linear", "cnn"):
    detector = Detector(models.window_model(name))
    for chunk in chunks:
        detector.feed(chunk)
    latency[name] = detector.latency
latency["linear"].round(1)

# %% [markdown]
# Milliseconds per window. p50 is the median. p95 is what the slowest twentieth of the windows exceeds, p99 the slowest
# hundredth. Ask for these, not for the mean: with a hundred windows in two minutes, every call meets p99
# ([Dean and Barroso, 2013](https://doi.org/10.1145/2408776.2408794)).

# %%
lesson12_streaming.budget(latency, ("a game", 100))

# %% [markdown]
# The linear model costs next to nothing. The time goes to its features and to the VAD, about as much to each: the VAD
# computes 31 frames a second. In the CNN it is the network that costs most; section 8 sees to that. An encoder as large
# as wav2vec 2.0 took us about 480 ms of one core for each window, and 160 ms after section 8's export and rounding to 8
# bits (`make bench`).
#
# Three delays are not in this picture. The resampler holds sound back: on average 20 ms at 44.1 kHz, and 60 ms at a
# telephone's 8 kHz. Smoothing shows a change some windows later. And the window itself: when somebody becomes angry
# *now*, the window that is full of it ends 3 s later.
#
# ## 7. Is it the same as offline?
#
# A model is chosen offline, on whole recordings, and used live. If the two differ, nobody knows how good the live one
# is. So we demand equality, not similarity. Here is the call as a sound card would send it: 44.1 kHz, stereo, 16 bits,
# in chunks of any size. `detect` analyses it as a whole, without ring and without chunks.

# %% tags=["nbval-check-output"]
from ser_helpers.streaming import detect

stereo = np.stack([audio.resample(call, 16000, 44100)] * 2, axis=1)
pcm = (32767 * np.clip(stereo, -1, 1)).astype(np.int16)
whole = detect(pcm, model, sr=44100)
for number in (3, 30, 3000):
    detector = Detector(model, sr=44100)
    cuts = np.sort(rng.integers(0, len(pcm), number))
    predictions = [one for chunk in np.split(pcm, cuts) for one in detector.feed(chunk)] + detector.finish()
    same = to_timeline(predictions, detector.classes_).equals(whole)
    print(f"{number + 1:>4} chunks: {len(predictions)} windows, the same to the last bit: {same}")

# %% [markdown]
# However the call was cut, not one bit differs. The bug of section 2 fails this test at once, and so do most bugs of
# streaming: a resampler that begins anew with each chunk, a VAD that forgets, a window that is one sample late. (Not
# that of section 3: its answers are right. A test of memory finds it.) The package's tests let a program invent the
# chunks, rates, channels and types, and look for a case that differs. That is [property-based
# testing](https://doi.org/10.1145/351240.351266).
#
# Real streams also break. Samples may be missing, and the connection may be lost:

# %%
detector = Detector(model)
predictions = detector.feed(call[: 8 * 16000]) + detector.lost(2.5) + detector.feed(call[8 * 16000 : 14 * 16000])
to_timeline(predictions, detector.classes_)[["start", "end", "speech", "emotion", "gap"]].round(2)

# %% [markdown]
# Sound is missing from 8 to 10.5 s. Five windows touch that hole, and none of them has an emotion: a window of which
# more than a tenth is missing gets none, and what was shown before is forgotten: better nothing than an old emotion
# with a new time. Send `feed(chunk, at=...)` the time of the sender's clock, and the detector finds lost seconds by
# itself, and drops those that came twice. `detector.health` counts both.

# %% [markdown]
# ## 8. Can it be smaller and faster?
#
# The network of section 6 was trained with Keras, and a server that runs it must load TensorFlow: hundreds of MB, for a
# network of 40,000 weights. [ONNX](GLOSSARY.md#onnx) is a file format for networks that many
# libraries write. [ONNX Runtime](https://onnxruntime.ai) does nothing but run such files. Is it still the same network?
# We ask 300 windows, each around one turn.

# %%
from ser_helpers.course.figures import lesson12_streaming

turns = utterances[utterances.emotion.isin(lesson12_streaming.FOUR)].sample(300, random_state=0)
windows, emotions = lesson12_streaming.around(turns)
cnn = models.window_model("cnn")
X = cnn.features(windows)
onnx = models.to_onnx(cnn.classifier_, X)
difference = np.abs(onnx.predict_proba(X) - cnn.classifier_.predict_proba(X)).max()
print(f"The largest difference of a probability: {difference:.0e}")

# %% [markdown]
# Equal up to rounding. (From PyTorch, `to_onnx` works as well, and `to_torchscript` gives PyTorch's own format.) Now we
# change the numbers themselves. A weight takes 32 bits. [Quantisation](GLOSSARY.md#quantisation) gives it 8: a whole
# number $q$ from -127 to 127, and one scale $s$ for the whole layer, so that $w \approx s \cdot q$. The scale must just
# reach the largest weight: $s = \max|w| / 127$.

# %% tags=["exercise"]
# ** Quantise: return the whole numbers (an int8 array of the same shape) and the scale. Zeros must work too.
def quantise(weights):
    raise NotImplementedError("Find the scale, divide, round, and convert to np.int8.")


check("12.3", quantise)

# %% tags=["solution", "nbval-check-output"]
# Round before you convert: `astype` cuts the fraction off. A layer of zeros may have any scale, but not 0.
def quantise(weights):
    scale = np.abs(weights).max() / 127 or 1.0
    return np.round(weights / scale).astype(np.int8), scale


check("12.3", quantise)

# %% [markdown]
# No weight moves by more than half a step, $s/2$. That is little for 8 bits, and much for 3:

# %%
lesson12_streaming.rounding(np.array(cnn.classifier_.model_.layers[1].kernel))

# %% [markdown]
# Three ways to make the network smaller. **INT8**: weights of 8 bits, and sums of whole numbers. **Half precision**: 16
# bits. [**Pruning**](GLOSSARY.md#pruning): set the smallest weights of each layer to zero. **Guess first:** which one
# is fastest on your computer, and which one costs most [UAR](GLOSSARY.md#uar)?

# %% tags=["score"]
versions = {
    "Keras": cnn.classifier_,
    "ONNX": onnx,
    "INT8, products": models.quantise(onnx),
    "INT8, all": models.quantise(onnx, ("MatMul", "Conv")),
    "half precision": models.to_float16(onnx),
    "20 % pruned": models.to_onnx(models.prune(cnn.classifier_, 0.2), X),
    "50 % pruned": models.to_onnx(models.prune(cnn.classifier_, 0.5), X),
}
sizes = models.compare_sizes(versions, X, emotions)
sizes.round(2)

# %%
lesson12_streaming.trade(sizes, utterances.corpus.iloc[0])

# %% [markdown]
# One window at a time, the network is many times faster without Keras, and as good. After that, *smaller* is not
# *faster*. (Two points of UAR more or less may be chance: 300 windows are few.)
#
# - A CPU has quick instructions for products of 8-bit matrices, but its 8-bit convolutions are slow: "INT8, all" takes
#   about three times as long as ONNX. So `quantise` leaves convolutions alone, and this network is nearly all
#   convolution.
# - Half precision costs no UAR and halves the file. A CPU converts back and forth; the gain is on a GPU.
# - Zeros are multiplied like any other number: pruning shrinks only the zipped file. And this network is small; it has
#   few weights to spare. With half of them gone it guesses. (Usually one trains on after pruning; we did not.)
#
# So what is INT8 good for? For large networks of matrix products. Here are the feed-forward layers of four of the
# twelve blocks of wav2vec 2.0, with random weights:

# %%
import torch


class Large(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.wide = torch.nn.ModuleList(torch.nn.Linear(768, 3072) for _ in range(4))
        self.narrow = torch.nn.ModuleList(torch.nn.Linear(3072, 768) for _ in range(4))
        self.last = torch.nn.Linear(768, 4)

    def forward(self, x):
        for wide, narrow in zip(self.wide, self.narrow, strict=True):
            x = x + narrow(torch.nn.functional.gelu(wide(x)))
        return self.last(x.mean(dim=1)).softmax(dim=-1)


# %%
torch.manual_seed(0)
frames = rng.normal(size=(10, 150, 768)).astype(np.float32)
large = models.to_onnx(Large(), frames, classes=model.classes_)
pair = {"ONNX": large, "INT8, products": models.quantise(large)}
models.compare_sizes(pair, frames, large.predict(frames)).drop(columns=["zipped_kB", "UAR"]).round(2)

# %% [markdown]
# A quarter of the size, and on our machine more than three times as fast: this is where INT8 earns its place. All of
# wav2vec 2.0 (base) we brought from 225 ms in PyTorch to 118 ms in ONNX and 75 ms with INT8, on two cores, and from 377
# MB to 121 MB (`make bench`; its convolutions stay as they were). Measure each step on people whom the model has never
# heard: a change that is small on average can be large for somebody's voice.
#
# ## 9. How many calls fit on one device?
#
# Each time we call a network there is a price that does not depend on how many windows we give it: Python, the library,
# and on a GPU the way there and back. A hundred telephone calls pay it a hundred times a second, unless their windows
# go together, in a [batch](GLOSSARY.md#batch). **Guess first:** how much longer do 32 windows take than one?

# %%
cost = lesson12_streaming.batch_cost(cnn.classifier_, X)
lesson12_streaming.batches(cost)

# %% [markdown]
# On our machine 32 windows take about a third longer than one, and not 32 times as long. But the windows of different
# telephone calls do not arrive together, so someone must wait. How long may they? A `Batcher` has two limits: a batch
# starts when it has `max_size` windows, or when its oldest window has waited for `max_wait` seconds. While one batch is
# computed the next one gathers: the busier it is, the larger the batches.

# %%
from ser_helpers.streaming import Batcher

with Batcher(cnn.classifier_, max_size=32, max_wait=0.02) as batcher:
    together = lesson12_streaming.rush(batcher.submit, X[:100])
alone = lesson12_streaming.rush_one_by_one(cnn.classifier_, X[:100])
lesson12_streaming.waiting({"one by one": alone, "in batches": together})

# %% [markdown]
# A hundred telephone calls hand in a window at the same moment. One by one, the last waits for all the others. In
# batches, the first waits longer than before, for its answer comes with 31 others, but nobody waits long. With a single
# call the price is `max_wait`: 20 ms of the 500 that a call centre has. If one caller sends something broken, only that
# caller gets the error.
#
# Lesson 13 serves many calls with it; `make bench` finds how many two cores carry.

# %% [markdown]
# ## Common mistakes
#
# - **`return` inside the loop.** Symptom: fewer answers than seconds, and only with large chunks.
# - **A buffer that only grows.** Symptom: the first minute is fine; after an hour each answer takes seconds.
# - **Resampling each chunk by itself.** Symptom: clicks at the seams, and scores that depend on the chunk size.
# - **No voice activity detection.** Symptom: silence has an emotion, always the same one.
# - **Mean latency.** Symptom: "20 ms" in the report, and users who complain. Report p95 and p99.
# - **The first window in the benchmark.** Symptom: a p99 of seconds: libraries load, graphs compile. Warm up first.
# - **Counting on the size.** Symptom: half of the weights are zero, and a call takes as long as before. Time it.
# - **Smoothing tuned on the test calls.** Symptom: a calm demo, and alarms all day in production.
# - **Padding a lost connection with the last sound.** Symptom: somebody is angry for as long as the line is down.

# %% [markdown]
# ## What you can now do
#
# - [ ] turn chunks of any size into windows, and prove that none is lost
# - [ ] write a ring buffer, and say why a list is not one
# - [ ] put voice activity detection before a model, and know what it takes for speech
# - [ ] trade calm against delay with two numbers
# - [ ] measure each stage, and report p50, p95 and p99
# - [ ] export a network, make it smaller, and say what that costs on voices it has never heard
# - [ ] compute many calls together, with a bound on how long one may wait
# - [ ] test that live equals offline
#
# **Three questions to answer aloud**
#
# <details><summary>1. Your live scores are lower than those of the paper, with the same model. What do you check first?</summary>
# Feed a recording of the test set through the live code and compare window by window with the offline result. If they
# are not equal, it is the plumbing: rate, scale, missing windows. If they are, it is the world: other microphones,
# other voices, windows instead of utterances.
# </details>
#
# <details><summary>2. A colleague halves the hop "to halve the latency". Is that right?</summary>
# No. The hop is how often an answer comes. A change is seen up to half a second earlier, the work doubles, and the
# window still needs its 3 s of the new emotion. Latency proper is the time from the end of a window to its answer.
# </details>
#
# <details><summary>3. Why must the VAD, the resampler and the smoother keep their state between chunks, but forget after a lost connection?</summary>
# Between chunks the sound goes on, and a chunk's end means nothing. After a loss the sound before has nothing to do
# with the sound after: keeping the state would mix two moments.
# </details>
#
# **Where to read on**
#
# - Sohn, Kim & Sung (1999), voice activity detection by statistics:
#   [10.1109/97.736233](https://doi.org/10.1109/97.736233)
# - Schmitt (1938), hysteresis in a circuit: [10.1088/0950-7671/15/1/305](https://doi.org/10.1088/0950-7671/15/1/305)
# - Dean & Barroso (2013), why the slowest answers count:
#   [10.1145/2408776.2408794](https://doi.org/10.1145/2408776.2408794)
# - Claessen & Hughes (2000), testing properties: [10.1145/351240.351266](https://doi.org/10.1145/351240.351266)
# - Jacob et al. (2018), whole numbers of 8 bits: [10.1109/CVPR.2018.00286](https://doi.org/10.1109/CVPR.2018.00286)
# - Silero VAD, code and models: [github.com/snakers4/silero-vad](https://github.com/snakers4/silero-vad)
#
# Next: lesson 13 listens to both sides of a telephone call, and raises an alarm.
