"""A Dask cluster on this machine, and a way to break it: for Lesson 11, which shows that the work goes on."""

import contextlib
import logging
import tempfile
import threading
import time
from concurrent.futures import Future


@contextlib.contextmanager
def local_cluster(workers=2):
    """A Dask cluster of so many processes on this machine, one thread each: quiet, and gone when the block ends.

    Used in Lesson 11.

    >>> with local_cluster(workers=1) as cluster:
    ...     cluster.scheduler_address.startswith("tcp://127.0.0.1")
    True
    """
    import dask
    from distributed import LocalCluster

    settings = {"n_workers": workers, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        quiet = {"logging.distributed": "critical", "distributed.worker.memory.terminate": False}
        with (
            dask.config.set(quiet),
            LocalCluster(**settings, silence_logs=logging.CRITICAL, local_directory=folder) as it,
        ):
            yield it


def kill_a_worker(cluster, as_soon_as, patience=600):
    """Kill one worker process of a `local_cluster` as soon as ``as_soon_as()`` is true; returns a Future at once.

    Its ``result()`` is True when the worker is dead, and False when that moment did not come in `patience` seconds.
    Used in Lesson 11.
    """
    deed = Future()
    deadline = time.monotonic() + patience
    threading.Thread(target=_kill, args=(cluster, as_soon_as, deadline, deed), daemon=True).start()
    return deed


def _kill(cluster, as_soon_as, deadline, deed):
    import psutil

    while not as_soon_as():
        if time.monotonic() > deadline:
            deed.set_result(False)
            return
        time.sleep(0.02)
    psutil.Process(cluster.workers[0].pid).kill()
    deed.set_result(True)
