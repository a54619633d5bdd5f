import os
import subprocess
import sys

import pytest

from ser_helpers import synthesis


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory):
    root = tmp_path_factory.mktemp("small")
    metadata = synthesis.build_corpus(root, actors=range(1, 5), progress=False)
    return root, metadata


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path))
    return tmp_path / "synthesis"


@pytest.fixture
def start_python():
    """Start scripts in processes of their own; what still runs at the end of the test is ended."""
    started = []

    def start(code, **variables):
        environment = {**os.environ, **variables}
        process = subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
