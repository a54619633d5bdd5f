"""Where things live on this machine, and how to write there safely.

Four folders, each with an environment variable that overrides it:

=================  ======================================  ==================================================
variable           default                                 holds
=================  ======================================  ==================================================
SER_DATA_HOME      ``data/corpora`` in the project         real corpora, each in its publisher's own layout
SER_MODELS_HOME    the Hugging Face cache                  weights of pretrained networks
SER_CACHE_HOME     the user's cache folder                 the synthetic corpus and extracted features
SER_BUILD_HOME     ``build`` in the project                executed notebooks, reports, the leaderboard
=================  ======================================  ==================================================
"""

import contextlib
import os
import shutil
import sys
import tempfile
import uuid
from pathlib import Path

import platformdirs
from filelock import FileLock


def project_root():
    """The folder that holds ``pyproject.toml``, or the current folder when the package is installed elsewhere."""
    root = Path(__file__).resolve().parent.parent
    return root if (root / "pyproject.toml").is_file() else Path.cwd()


def registry():
    """The folder of corpus cards: in the project, or where an installed package puts them."""
    here = project_root() / "data" / "registry"
    return here if here.is_dir() else Path(sys.prefix) / "share" / "ser_helpers" / "registry"


def data_home():
    """Folder of the real corpora (``SER_DATA_HOME``)."""
    return _folder("SER_DATA_HOME", project_root() / "data" / "corpora")


def models_home():
    """Folder of pretrained networks (``SER_MODELS_HOME``), by default the one the Hugging Face libraries share."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    hugging_face = os.environ.get("HF_HOME") or Path(base) / "huggingface"
    return _folder("SER_MODELS_HOME", Path(os.environ.get("HF_HUB_CACHE") or Path(hugging_face) / "hub").expanduser())


def cache_home():
    """Folder of what can be made again: the synthetic corpus and extracted features (``SER_CACHE_HOME``)."""
    return _folder("SER_CACHE_HOME", Path(platformdirs.user_cache_dir("ser_helpers", appauthor=False)))


def build_home():
    """Folder of what a run of the course writes (``SER_BUILD_HOME``)."""
    return _folder("SER_BUILD_HOME", project_root() / "build")


def _folder(variable, default):
    value = os.environ.get(variable)
    return Path(value).expanduser().resolve() if value else default


def lock(path):
    """A lock between processes for the file or folder `path`; use it in a ``with`` statement.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, lock(Path(folder) / "table.csv"):
    ...     pass
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path.with_name(path.name + ".lock"))


@contextlib.contextmanager
def atomic_folder(path):
    """Build a folder aside and move it into place only when the ``with`` block ends well.

    Yields the temporary folder to write in. If the block raises, the temporary folder is removed and `path` is
    untouched: nothing half-done is ever seen. An existing `path` is replaced.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        yield aside
        aside.chmod(0o755)
        if path.exists():
            shutil.rmtree(path)
        aside.rename(path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def atomic_file(path):
    """Yield a temporary path beside `path`; it takes `path`'s place when the ``with`` block ends well."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
