"""Checkers of lesson 12: a detector that drops no window, a ring buffer, weights as 8-bit integers."""

import tracemalloc

import numpy as np

from ser_helpers.course.checks import Hint, as_pair, exercise, expect, show

WINDOW, HOP = 6, 2


@exercise("12.1")
def every_window(answer):
    """Every window of every chunk, however the stream is cut."""
    for sizes, what in (
        ([WINDOW - 1], "For a chunk that is too short for a window"),
        ([WINDOW], "For a chunk of exactly one window"),
        ([WINDOW + 3 * HOP], "For a chunk that completes four windows"),
        ([1] * (WINDOW + HOP), "For chunks of one sample"),
        ([0, 3, 17, 0, 1, 9], "For uneven chunks"),
    ):
        windows = []

        def model(window, windows=windows):
            windows.append(np.asarray(window).tolist())
            return len(windows)

        detector = answer(model, WINDOW, HOP)
        if not hasattr(detector, "process_chunk"):
            raise Hint("Give the class itself: called with a model, a window and a hop, it has a method process_chunk.")
        stream = np.arange(sum(sizes), dtype=np.float32)
        results = [detector.process_chunk(chunk) for chunk in np.split(stream, np.cumsum(sizes))[: len(sizes)]]
        for result in results:
            if result is None:
                raise Hint(f"{what}, it returns None: a chunk that completes no window gets an empty list.")
            if not isinstance(result, list):
                raise Hint(f"{what}, it returns {result!r}: return a list, since a chunk may complete many windows.")
        wanted = [stream[start : start + WINDOW].tolist() for start in range(0, len(stream) - WINDOW + 1, HOP)]
        if windows != wanted:
            raise Hint(f"{what}, {_difference(windows, wanted, sizes)}")
        if [number for result in results for number in result] != list(range(1, len(wanted) + 1)):
            raise Hint(f"{what}, the model gets every window, but not every answer is in the list, in order.")


def _difference(windows, wanted, sizes):
    """How the windows that the model got differ from the wanted ones."""
    if not windows and max(sizes) < WINDOW:
        return "the model gets no window: what is left over must wait in the buffer for the next chunk."
    if not windows:
        return "the model gets no window: a window is complete with exactly as many samples, not with more."
    for number, (window, right) in enumerate(zip(windows, wanted, strict=False), 1):
        if window != right:
            return (
                f"window {number} should be samples {right[0]:.0f} to {right[-1]:.0f}, and it is {window[0]:.0f} to"
                f" {window[-1]:.0f}: move on by a hop and keep the rest for the next chunk."
            )
    why = "is there a `return` in the loop, or no loop?" if len(windows) == 1 else "check where the loop stops."
    return f"the model gets {len(windows)} of {len(wanted)} windows: {why}"


@exercise("12.2")
def ring(answer):
    """The last values of a stream, in memory that is allocated once."""
    for sizes in ([8], [3, 5, 3], [5, 5, 5], [1] * 19, [0, 8, 0, 2], [21], [2, 30, 1]):
        _check_last(answer(8), sizes)
    buffer = answer(8)
    buffer.write(np.ones(8, np.float32))
    before = buffer.last()
    buffer.write(np.zeros(3, np.float32))
    if not np.all(before == 1):
        raise Hint("The result of `last` changes with the next chunk: return a copy, not the memory itself.")
    _check_memory(answer(48000))


def _check_last(buffer, sizes):
    if not (hasattr(buffer, "write") and hasattr(buffer, "last")):
        raise Hint("Give the class itself: called with a capacity, it has the methods write(chunk) and last().")
    stream = np.arange(1, sum(sizes) + 1, dtype=np.float32)
    what = f"After chunks of {', '.join(map(str, sizes))} samples into a ring of 8"
    try:
        for chunk in np.split(stream, np.cumsum(sizes))[: len(sizes)]:
            buffer.write(chunk)
    except (ValueError, IndexError) as error:
        raise Hint(f"{what}, it fails ({error}): go on at the start when the end is reached.") from error
    found, wanted = np.asarray(buffer.last()), stream[-8:]
    if found.ndim != 1:
        raise Hint(f"{what}, last() should return an array of {len(wanted)} samples, not {show(found)}.")
    if sorted(found) == sorted(wanted):
        expect(found, wanted, f"{what}, the values are right, but in the wrong order: the oldest comes first.")
    expect(found, wanted, f"{what}, last() should return {show(wanted)}.")


def _check_memory(buffer):
    """The memory of a buffer of 48,000 samples must not grow, and writing must not copy it."""
    chunk, used = np.ones(480, np.float32), []
    tracemalloc.start()
    try:
        for _ in range(2):
            for _ in range(200):
                buffer.write(chunk)
            used.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.reset_peak()
        buffer.write(chunk)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    if used[1] - used[0] > 100_000:
        more = (used[1] - used[0]) / 1e6
        raise Hint(f"It is right, but grows by {more:.1f} MB in 6 s: a day of audio will not fit into memory.")
    if used[0] > 16 * 48000:
        raise Hint(f"It is right, but each sample takes {used[0] / 48000:.0f} bytes: keep them in a NumPy array.")
    if peak - used[1] > 100_000:
        raise Hint("It is right, but each chunk copies the whole buffer: write the chunk into place and move `next`.")


@exercise("12.3")
def quantise(answer):
    """Weights as 8-bit integers and a scale."""
    rng = np.random.default_rng(5)
    for what, weights in {
        "weights around zero": rng.normal(size=(6, 7)),
        "weights with a large negative one": np.append(rng.normal(size=20), -9.0),
        "small weights": 1e-4 * rng.normal(size=30),
    }.items():
        weights = weights.astype(np.float32)
        integers, scale = _integers_and_scale(answer(weights), weights.shape)
        largest = np.abs(weights).max()
        if scale > 1.01 * largest / 127:
            raise Hint(f"For {what} the scale is {scale:.2g}: the largest must become 127, so {largest / 127:.2g}.")
        back = scale * integers
        if np.any(np.sign(back) * np.sign(weights) < 0):
            raise Hint(f"For {what}, a weight changes its sign: 128 does not fit into an int8, so divide by 127.")
        if np.abs(back).max() < 0.95 * largest:
            raise Hint(f"For {what}, the largest weight is cut off: the scale depends on the largest *absolute* value.")
        if np.abs(back - weights).max() > 0.9 * largest / 127:
            raise Hint(f"For {what}, a weight moves by more than half a step: round first, since astype truncates.")
    with np.errstate(all="ignore"):
        _, scale = _integers_and_scale(answer(np.zeros(4, np.float32)), (4,))
    if not np.isfinite(scale) or scale <= 0:
        raise Hint(f"For a layer of zeros the scale is {scale}, and dividing by it fails: choose 1 there.")


def _integers_and_scale(found, shape):
    integers, scale = as_pair(found, "(integers, scale)")
    if np.ndim(scale) != 0:
        raise Hint("The scale is one number for the whole layer, and it comes second.")
    integers = np.asarray(integers)
    if integers.dtype != np.int8:
        raise Hint(f"Your integers are {integers.dtype}: only np.int8 takes 8 bits.")
    if integers.shape != shape:
        raise Hint(f"The integers keep the shape of the weights, {shape}; yours have {integers.shape}.")
    return integers.astype(float), float(scale)
