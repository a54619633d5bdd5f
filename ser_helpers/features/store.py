"""A cache of arrays on disk that never stands in the way: if it cannot be read or written, work goes on without it."""

import contextlib
import io
import sqlite3
import time
import warnings

import numpy as np


class Store:
    """Arrays by key, in one SQLite file that several processes may use at once.

    What is put is written within a second, and whatever happens when the ``with`` block ends. The first failure (a
    full disk, a read-only folder, a damaged file) is reported in one warning; from then on the store holds nothing.

    Parameters
    ----------
    path : Path or None
        The file; it and its folder are made when missing. None makes a store that holds nothing.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
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
