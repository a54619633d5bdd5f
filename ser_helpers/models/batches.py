"""How recordings are computed: which together, and on how many cores."""

import contextlib


def by_length(lengths, budget):
    """Group recordings of like length, so that little of a batch is padding.

    Parameters
    ----------
    lengths : list of int
        Samples, or frames, of each recording.
    budget : float
        How much a batch may hold, padding included. A recording that alone holds more is a batch by itself.

    Returns
    -------
    list of list of int
        Positions in `lengths`, each once, from the longest recording to the shortest.

    Examples
    --------
    Behind ``Encoder``, Lesson 08.

    >>> by_length([10, 90, 12, 80], budget=180)
    [[1, 3], [2, 0]]
    """
    batches = []
    for number in sorted(range(len(lengths)), key=lambda number: -lengths[number]):
        if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= budget:
            batches[-1].append(number)
        else:
            batches.append([number])
    return batches


@contextlib.contextmanager
def one_core(wanted=True):
    """In the ``with`` block torch computes on one core, where `wanted`: more make a tiny network slower, up to tenfold.

    Behind ``Encoder``, Lesson 08.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1 if wanted else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
