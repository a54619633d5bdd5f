"""Work in processes of this machine, or on a Dask cluster: results as they come, whichever worker dies on the way."""

import itertools
import os
import threading
import time

import joblib

from ser_helpers.errors import ClusterError

PATIENCE = 30
"""Seconds to wait for a scheduler, and for its first worker."""

AHEAD = 2  # tasks per thread that are with the workers: none is idle, and few finished results wait for this process


def processes(jobs, **options):
    """A ``joblib.Parallel(jobs)`` whose processes end within a second after this one, even if it is killed.

    >>> processes(2)(joblib.delayed(abs)(number) for number in (1, -2))
    [1, 2]
    """
    return joblib.Parallel(jobs, **options, initializer=_end_with, initargs=(os.getpid(),))


def _end_with(parent):
    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def on_cluster(work, tasks, address, died):
    """Yield ``work(task)`` for each of the `tasks`, in any order, computed by the workers of a Dask cluster.

    The task of a lost worker is given to another one, and workers may join at any time. Raises ClusterError if nothing
    answers at the `address`, such as "tcp://10.0.0.5:8786", no worker comes, or the scheduler is lost; and whatever
    `work` raises. Behind ``features.extract`` and ``podcast.process``, Lesson 11.

    Parameters
    ----------
    work : callable
        Pickled with each task: a function of a module, or a ``functools.partial`` of one.
    tasks : iterable
        Taken one by one as workers become free.
    address : str
        Of the scheduler.
    died : callable
        ``died(task)`` is yielded for a task that was lost with several workers in turn.

    Examples
    --------
    >>> from ser_helpers.course.cluster import local_cluster
    >>> with local_cluster(workers=1) as cluster:
    ...     sorted(on_cluster(abs, [-2, 1, -3], cluster.scheduler_address, died=str))
    [1, 2, 3]
    """
    from distributed import CancelledError, Client, KilledWorker, as_completed
    from distributed.comm import CommClosedError

    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        problem = f"No Dask scheduler answers at {address}: start one with `dask scheduler` ({error})."
        raise ClusterError(problem) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            problem = f"has no worker: start some with `dask worker {address}`"
            raise ClusterError(f"The Dask scheduler at {address} {problem}.") from None
        tasks, task_of, finished = iter(tasks), {}, as_completed()

        def submit_more():
            room = AHEAD * max(1, sum(client.nthreads().values())) - len(task_of)
            for task in itertools.islice(tasks, max(room, 0)):
                future = client.submit(work, task, pure=False)
                task_of[future] = task
                finished.add(future)

        try:
            submit_more()
            for future in finished:
                task = task_of.pop(future)
                try:
                    result = future.result()
                except KilledWorker:
                    result = died(task)
                del future  # its result leaves the worker
                submit_more()
                yield result
        except (CancelledError, CommClosedError) as error:
            problem = f"The Dask scheduler at {address} was lost ({error}): start it and try again"
            raise ClusterError(f"{problem}; what is finished is kept.") from error
