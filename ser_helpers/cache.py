"""Results computed once on a machine: files and folders, arrays by key, and the keys.

A key changes with everything that its content depends on. `version` finds the code: it follows the imports of a module
through the package.
"""

import ast
import contextlib
import functools
import hashlib
import importlib.metadata
import importlib.util
import io
import pickle
import sqlite3
import time
import warnings
from pathlib import Path

import numpy as np

import ser_helpers
from ser_helpers import paths, quick_mode
from ser_helpers.errors import ArchiveError, CacheError, SerError

PACKAGE = "ser_helpers"
_ROOT = Path(__file__).parent
_IGNORED = {f"{PACKAGE}.{name}" for name in ("cache", "errors", "paths", "quick_mode")}  # not what is in a result
_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_DATA = (".npz", ".toml", ".csv", ".yaml")


def cached(path, make, read, folder=False, shipped=None):
    """`read(path)`; if the path is missing or damaged, `make(temporary)` makes it first (Lesson 11).

    `path` is a file or, with `folder`, a folder. `make` writes to a temporary path, which then replaces `path`; `read`
    raises an exception of any kind if the content is missing or damaged. Simultaneous processes make it once, and an
    interrupted `make` leaves nothing half-done. `shipped` is the same result as a part of this package; it is read
    instead where it can be, which other versions of a library may prevent. Raises CacheError if nothing can be written.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "answer"
    ...     _ = path.write_bytes(b"garbage")
    ...     cached(path, lambda temporary: temporary.write_text("42"), lambda path: int(path.read_text()))
    42
    """
    for place in filter(None, (shipped, path)):
        with contextlib.suppress(Exception):
            return read(place)
    try:
        with paths.lock(path):
            with contextlib.suppress(Exception):  # another process has made it meanwhile
                return read(path)
            paths.sweep(path)
            writing = paths.atomic_folder(path) if folder else paths.atomic_file(path)
            with writing as temporary, quick_mode.off():  # the result outlives this run
                make(temporary)
    except SerError:
        raise
    except OSError as error:
        raise CacheError(
            f"Nothing can be written to {path.parent} ({error.strerror or error}): make room there or set"
            " SER_CACHE_HOME to another folder."
        ) from error
    return read(path)


def existing(folder):
    """The folder itself, FileNotFoundError if it is missing: a `read` for `cached`."""
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    return folder


def version(*parts, libraries=()):
    """A short hash of code and settings, 16 hexadecimal digits, for the key of what they make.

    A part that is the name of a module of this package stands for its code, the code of all modules of the package that
    it imports (at any depth, inside functions too) and the data files they name; comments and docstrings do not count.
    Of any other part, the ``repr`` counts. `libraries` are distributions whose installed versions count.

    >>> version("ser_helpers.audio.signal", 0) == version("ser_helpers.audio.signal", 1)
    False
    """
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        is_module = isinstance(part, str) and part.startswith(f"{PACKAGE}.")
        digest.update((_code_version(part) if is_module else repr(part)).encode() + b"\n")
    for library in libraries:
        digest.update(f"{library} {importlib.metadata.version(library)}\n".encode())
    return digest.hexdigest()


def hash_of(tools, settings):
    """A hash of the tools, by class and state, and of the settings; a file in the state counts by its content.

    >>> hash_of({"model": None}, {"weight": 1}) == hash_of({"model": None}, {"weight": 2})
    False
    """
    import joblib

    def state(tool):
        values = getattr(tool, "__dict__", {})
        return {name: content_hash(value) if isinstance(value, Path) else value for name, value in values.items()}

    described = {name: (type(tool).__qualname__, state(tool)) for name, tool in tools.items()}
    try:
        return joblib.hash((ser_helpers.__version__, described, settings))
    except pickle.PicklingError as error:
        reason = str(error.args[0] if error.args else error)
        raise ArchiveError(f"A model cannot be hashed ({reason}): define its functions in a module.") from error


def content_hash(path):
    """A hash of a file's content; None if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()[:32]
    except (OSError, TypeError):
        return None


@functools.cache
def _code_version(name):
    digest = hashlib.blake2b(digest_size=8)
    for module in sorted(imported_modules(name)):
        code, _, data = _parsed(module)
        digest.update(f"{module}\n{code}\n".encode())
        for file in data:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def imported_modules(name):
    """The module `name` and every module of this package that it imports, at any depth: a set of dotted names.

    Of a package that is imported as a whole, as in ``from ser_helpers import audio``, the modules that are used count.
    """
    modules, queue = set(), {name}
    while queue:
        module = queue.pop()
        modules.add(module)
        queue |= _parsed(module)[1] - modules
    return modules


@functools.cache
def _parsed(name):
    """(code without comments and docstrings, modules it imports, data files it names) of one module."""
    path = _file(name)
    text = path.read_text(encoding="utf-8")
    try:
        tree = ast.parse(text)
    except SystemError:  # Python 3.11 parsed something else at the same time (CPython issue 106905)
        tree = ast.parse(text)
    imports, data, packages = set(), set(), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                module = f"{base}.{alias.name}"
                if _exports(module) is not None:
                    packages[alias.asname or alias.name] = module
                elif base.startswith(PACKAGE):
                    imports.add(module if _file(module) else _source(base, alias.name))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(_DATA):
            data |= {file for file in [path.parent / node.value] if file.is_file()}
        elif isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body[0] = ast.Pass()
    for node in ast.walk(tree):  # of a package that is imported as a whole, the modules that are used
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in packages:
            imports.add(_source(packages[node.value.id], node.attr))
    return ast.unparse(tree), imports - _IGNORED - {PACKAGE}, sorted(data)


def _source(package, name):
    """The module that defines `name`, which is a sub-module of a package or one of the names that it exports."""
    if _file(f"{package}.{name}"):
        return f"{package}.{name}"
    submodule = (_exports(package) or {}).get(name)
    return f"{package}.{submodule}" if submodule else package


@functools.cache
def _exports(package):
    """Where a package's names come from, {name: sub-module}, as its lazy ``__init__`` says; None for other modules."""
    path = _file(package)
    if path is None or path.name != "__init__.py":
        return None
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "submod_attrs":
            exported = ast.literal_eval(node.value)
            return {name: submodule for submodule, names in exported.items() for name in names}
    return {}


@functools.cache
def _file(name):
    """The file of a module of this package, or None."""
    package, *parts = name.split(".")
    path = _ROOT.joinpath(*parts)
    if package != PACKAGE:
        return None
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if parts and file.is_file()), None)


class Store:
    """Arrays by key, in one SQLite file that several processes may use at once.

    Arrays are written within a second, and at the latest when the ``with`` block ends. The first failure (a full disk,
    a read-only folder, a damaged file) is reported in one warning; then the store is empty. The file and its
    folder are made if missing; a store whose path is None stays empty.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "store.sqlite") as store:
    ...     store.put("a", np.ones(2))
    ...     store.get("a"), store.get("b")
    (array([1., 1.]), None)
    """

    def __init__(self, path):
        self._path = path
        self._database = None
        self._unwritten = {}
        self._written_at = time.monotonic()

    def __enter__(self):
        with self._reporting():
            if self._path is None:
                return self
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(self._path, timeout=60)
            with self._database:
                self._database.execute("CREATE TABLE IF NOT EXISTS arrays (key TEXT PRIMARY KEY, array BLOB)")
        return self

    def __exit__(self, *exception):
        self._write()
        if self._database:
            self._database.close()

    def get(self, key):
        """The array put under `key`, or None."""
        if key in self._unwritten:
            return self._unwritten[key]
        with self._reporting():
            if self._database:
                row = self._database.execute("SELECT array FROM arrays WHERE key = ?", (key,)).fetchone()
                return np.load(io.BytesIO(row[0]), allow_pickle=False) if row else None

    def put(self, key, array):
        """Keep `array` under `key`."""
        self._unwritten[key] = array
        if time.monotonic() - self._written_at > 1:
            self._write()

    def _write(self):
        with self._reporting():
            if self._database:
                with self._database:
                    self._database.executemany(
                        "INSERT OR REPLACE INTO arrays VALUES (?, ?)",
                        ((key, _bytes(array)) for key, array in self._unwritten.items()),
                    )
        self._unwritten.clear()
        self._written_at = time.monotonic()

    @contextlib.contextmanager
    def _reporting(self):
        try:
            yield
        except (sqlite3.Error, OSError, EOFError, ValueError) as error:
            if self._database:
                self._database.close()
            self._database = None
            warnings.warn(f"Going on without the cache {self._path} ({error}); delete it or make room.", stacklevel=4)


def _bytes(array):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
