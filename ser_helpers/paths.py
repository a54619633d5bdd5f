"""The folders this package reads and writes, and how to write there safely.

=================  ======================================  ==================================================
variable           default                                 contents
=================  ======================================  ==================================================
SER_DATA_HOME      ``data/corpora`` in the project         real corpora, each in its publisher's own layout
SER_MODELS_HOME    the Hugging Face cache                  weights of pretrained networks
SER_CACHE_HOME     the user's cache folder                 synthetic speech, features, fitted models
SER_BUILD_HOME     ``build`` in the project                executed notebooks, reports, the leaderboard
=================  ======================================  ==================================================
"""

import contextlib
import ctypes
import glob
import os
import shutil
import sys
import tempfile
import uuid
from pathlib import Path

import platformdirs
from filelock import FileLock


def project_root():
    """The folder with ``pyproject.toml``, or the current folder if the package is installed elsewhere."""
    root = Path(__file__).resolve().parent.parent
    return root if (root / "pyproject.toml").is_file() else Path.cwd()


def registry():
    """The folder of corpus cards: in the project, or in ``share`` of the environment."""
    folder = project_root() / "data" / "registry"
    return folder if folder.is_dir() else Path(sys.prefix) / "share" / "ser_helpers" / "registry"


def data_home():
    """Folder of the real corpora (``SER_DATA_HOME``)."""
    return _folder("SER_DATA_HOME", project_root() / "data" / "corpora")


def models_home():
    """Folder of pretrained networks (``SER_MODELS_HOME``), by default the one the Hugging Face libraries share."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    hugging_face = os.environ.get("HF_HOME") or Path(base) / "huggingface"
    return _folder("SER_MODELS_HOME", Path(os.environ.get("HF_HUB_CACHE") or Path(hugging_face) / "hub").expanduser())


def cache_home():
    """Folder of what can be computed again: synthetic speech, features, fitted models (``SER_CACHE_HOME``)."""
    return _folder("SER_CACHE_HOME", Path(platformdirs.user_cache_dir("ser_helpers", appauthor=False)))


def build_home():
    """Folder of what a run of the course writes (``SER_BUILD_HOME``)."""
    return _folder("SER_BUILD_HOME", project_root() / "build")


def _folder(variable, default):
    value = os.environ.get(variable)
    return Path(value).expanduser().resolve() if value else default


def relative(path, folder):
    """`path` from `folder`, with slashes; None if they are on different drives."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return None


def lock(path):
    """A lock between processes for the file or folder `path`, for a ``with`` statement."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path.with_name(path.name + ".lock"))


def check_writable(folder):
    """Make `folder` if it is missing; OSError if nothing can be written there. Called before the first hour of work."""
    with atomic_file(Path(folder) / ".writable") as aside:
        aside.touch()
    (Path(folder) / ".writable").unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path):
    """Yield a temporary folder; it replaces `path` when the ``with`` block ends, and is removed if the block raises.

    On Linux the two are exchanged in one step: a process that is killed loses neither.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        yield temporary
        temporary.chmod(0o755)
        if not (path.exists() and _exchange(temporary, path)):
            if path.exists():
                shutil.rmtree(path)
            temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _exchange(one, other):
    """Whether two paths could be exchanged in one step, which not every system and file system can."""
    try:
        rename = ctypes.CDLL(None).renameat2  # see renameat2(2)
    except (AttributeError, OSError, TypeError):
        return False
    at_cwd, exchange = -100, 2
    return rename(at_cwd, os.fsencode(one), at_cwd, os.fsencode(other), exchange) == 0


@contextlib.contextmanager
def atomic_file(path):
    """Yield a temporary path; it replaces `path` when the ``with`` block ends, and is removed if the block raises."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def sweep(path):
    """Remove what processes that were killed while writing `path` left of it, for those who hold its `lock`."""
    path = Path(path)
    for abandoned in path.parent.glob(f".{glob.escape(path.name)}-{8 * '?'}*"):
        if abandoned.name[len(path.name) + 10 :] in ("", path.suffix):  # else it is of a path with a longer name
            shutil.rmtree(abandoned) if abandoned.is_dir() else abandoned.unlink()
