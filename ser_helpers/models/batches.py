"""Which recordings to compute together."""


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
