"""How the benchmarks measure: the fastest of three interleaved runs, after one that warms up."""

import time


def fastest(*works, clock=time.perf_counter):
    """The shortest of three times of each piece of work, in seconds, after one that loads libraries and processes."""
    rounds = [[seconds(work, clock) for work in works] for _ in range(4)]
    return [min(times) for times in zip(*rounds[1:], strict=True)]


def seconds(work, clock=time.perf_counter):
    """How long `work()` takes."""
    start = clock()
    work()
    return clock() - start
