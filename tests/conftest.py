import importlib.util
import os
import subprocess
import sys

import hypothesis
import numpy as np
import pytest

# What passed on one machine passes on the next; `pytest --hypothesis-profile=search` looks for new examples.
patient = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("steady", patient, derandomize=True)
hypothesis.settings.register_profile("search", patient)
hypothesis.settings.load_profile("steady")

PROGRAM = """
import sys
import numpy as np
import keras
from keras import ops

results = {}
with np.load(sys.argv[1], allow_pickle=False) as file:
    globals().update(file)
exec(compile(open(sys.argv[2], encoding="utf-8").read(), "snippet", "exec"))
np.savez(sys.argv[3], **{name: ops.convert_to_numpy(value) for name, value in results.items()})
"""


def _hide_lazy_modules():
    """hypothesis asks every module for its file, and speechbrain's lazy ones would import what is not installed."""
    for module in list(sys.modules.values()):
        if type(module).__module__ == "speechbrain.utils.importutils":
            vars(module).setdefault("__file__", None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems():
    _hide_lazy_modules()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    _hide_lazy_modules()


@pytest.fixture
def on_both_backends(tmp_path):
    """Run a snippet of Python once on TensorFlow and once on torch, both on the CPU; two dicts of arrays.

    ``tensorflow, torch = on_both_backends("results['y'] = ops.relu(x)", x=array)``: the snippet sees `np`, `keras`,
    `ops` and the arrays it is given, and puts what it finds (arrays or tensors) into the dict `results`.
    """

    def run(snippet, **arrays):
        given, code = tmp_path / "given.npz", tmp_path / "snippet.py"
        np.savez(given, **arrays)
        code.write_text(snippet, encoding="utf-8")
        found = []
        for backend in ("tensorflow", "torch"):
            if not importlib.util.find_spec(backend):
                pytest.skip(f"{backend} is not installed")
            settings = {"KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
            written = tmp_path / f"{backend}.npz"
            done = subprocess.run(
                [sys.executable, "-c", PROGRAM, given, code, written],
                env={**os.environ, **settings},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"on {backend}:\n{done.stderr}"
            with np.load(written, allow_pickle=False) as file:
                found.append(dict(file))
        return found

    return run
