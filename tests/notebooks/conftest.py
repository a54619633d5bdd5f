import os

import pytest

from ser_helpers import paths


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    """A lesson's kernel starts with its first cell and takes this environment along. SER_QUICK=0 runs it in full."""
    with pytest.MonkeyPatch.context() as patch:
        if item.path.suffix == ".ipynb":
            patch.setenv("SER_CORPUS", "synthetic")
            patch.setenv("SER_QUICK", os.environ.get("SER_QUICK", "1"))
            paths.build_home().mkdir(parents=True, exist_ok=True)
        return (yield)
