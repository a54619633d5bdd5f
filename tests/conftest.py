import importlib.util
import os
import pickle
import subprocess
import sys

import hypothesis
import pytest

# Before anything imports NumPy, in this process and in those it starts: pytest's workers share the cores among them.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(variable, "1")

# What passed on one machine passes on the next; `pytest --hypothesis-profile=search` looks for new examples.
patient = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("steady", patient, derandomize=True)
hypothesis.settings.register_profile("search", patient)
hypothesis.settings.load_profile("steady")

LONGEST = [  # neighbours compute different things first: one that waits for the other's would keep no core busy
    "13_call_centre",
    "05_classical",
    "11_podcast",
    "04_dnn_baseline",
    "09_dimensions",
    "06_cnn",
    "08_encoders",
    "07_attention",
    "12_streaming",
    "10_fusion",
    "02_features",
    "00_welcome",
]
BACKENDS = "tensorflow", "torch"
SERVER = """
import linecache, os, pickle, sys, traceback

answers = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)  # what libraries print must not end up between the answers

import keras
import numpy as np
from keras import ops

while True:
    try:
        snippet, arrays = pickle.load(sys.stdin.buffer)
    except EOFError:  # the tests have ended
        os._exit(0)
    linecache.cache["snippet"] = len(snippet), None, snippet.splitlines(keepends=True), "snippet"  # for tracebacks
    space = {"np": np, "keras": keras, "ops": ops, "results": {}, **arrays}
    try:
        exec(compile(snippet, "snippet", "exec"), space)
        answer = {name: ops.convert_to_numpy(value) for name, value in space["results"].items()}
    except Exception:
        answer = traceback.format_exc()
    pickle.dump(answer, answers)
    answers.flush()
"""


def _hide_lazy_modules():
    """hypothesis asks every module for its file, and speechbrain's lazy ones would import what is not installed."""
    for module in list(sys.modules.values()):
        if type(module).__module__ == "speechbrain.utils.importutils":
            vars(module).setdefault("__file__", None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Long files first, so that no worker is left with one at the end."""
    _hide_lazy_modules()
    rank = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    _hide_lazy_modules()


class Backend:
    """A Python process on the CPU in which Keras computes with one backend; it ends with this one."""

    def __init__(self, name):
        settings = {"KERAS_BACKEND": name, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            env={**os.environ, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(self, snippet, arrays):
        pickle.dump((snippet, arrays), self.process.stdin)
        self.process.stdin.flush()
        try:
            answer = pickle.load(self.process.stdout)
        except EOFError:
            pytest.fail(f"The process of {self.name} ended with status {self.process.wait()}.")
        if isinstance(answer, str):
            pytest.fail(f"on {self.name}:\n{answer}")
        return answer

    def end(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()


@pytest.fixture(scope="session")
def backends():
    """The processes that were asked for so far, by backend."""
    running = {}
    yield running
    for backend in running.values():
        backend.end()


@pytest.fixture
def on_both_backends(backends):
    """Run a snippet of Python once on TensorFlow and once on torch, both on the CPU; two dicts of arrays.

    ``tensorflow, torch = on_both_backends("results['y'] = ops.relu(x)", x=array)``: the snippet sees `np`, `keras`,
    `ops` and the arrays it is given, and puts what it finds (arrays or tensors) into the dict `results`.
    """
    for name in BACKENDS:
        if not importlib.util.find_spec(name):
            pytest.skip(f"{name} is not installed")

    def run(snippet, **arrays):
        for name in BACKENDS:  # both start before either is waited for
            if name not in backends or backends[name].process.poll() is not None:
                backends[name] = Backend(name)
        return [backends[name].run(snippet, arrays) for name in BACKENDS]

    return run


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    """Makes (X, table): emotions shift the features, each speaker adds an offset, the rest is noise.

    All utterances are parts of one recording, no two of them alike.
    """
    import numpy as np
    import pandas as pd
    import soundfile as sf

    from ser_helpers import corpora

    path = tmp_path_factory.mktemp("toy") / "toy.wav"
    sf.write(path, np.arange(20_000, dtype=np.int16), 1000)

    def make(speakers=6, per_speaker=16, labels=("neutral", "happy", "sad", "angry"), noise=0.5, voice=0.2, seed=0):
        rng = np.random.default_rng(seed)
        n = speakers * per_speaker
        speaker = np.repeat(np.arange(speakers), per_speaker)
        emotion = np.tile(np.arange(len(labels)), n)[:n]
        centres = 2 * rng.standard_normal((len(labels), 5))
        X = centres[emotion] + voice * rng.standard_normal((speakers, 5))[speaker] + noise * rng.standard_normal((n, 5))
        index = pd.Index([f"toy/{k:03d}" for k in range(n)], name="utterance")
        columns = {
            "path": str(path),
            "start": np.arange(n) / 100,
            "end": np.arange(n) / 100 + 0.01,
            "corpus": "toy",
            "speaker": [f"toy-{s:02d}" for s in speaker],
            "gender": np.where(speaker % 2, "female", "male"),
            "statement": [f"toy-{k % 2}" for k in range(n)],
            "language": "en",
            "emotion": np.array(labels, dtype=object)[emotion],
            "arousal": X[:, 0] + 0.1 * rng.standard_normal(n),
        }
        table = pd.DataFrame(columns, index).reindex(columns=[*corpora.COLUMNS]).astype(corpora.COLUMNS)
        return pd.DataFrame(X, index, [f"f{k}" for k in range(5)]), table

    return make
