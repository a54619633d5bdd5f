"""Killing a worker at the right moment, tried on a process that is no worker."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from ser_helpers.course.cluster import kill_a_worker


@pytest.fixture
def sleeper():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def test_a_worker_dies_when_it_is_time_and_not_before(sleeper):
    asked = []

    def third_time():
        asked.append(sleeper.poll())
        return len(asked) == 3

    assert kill_a_worker(SimpleNamespace(workers={0: sleeper}), third_time).result(10)
    assert asked == [None, None, None]
    assert sleeper.wait(10) != 0


def test_without_its_moment_nobody_is_killed(sleeper):
    assert not kill_a_worker(SimpleNamespace(workers={0: sleeper}), lambda: False, patience=0).result(10)
    assert sleeper.poll() is None
