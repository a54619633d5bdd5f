"""Correlations between the channels of a network over an utterance.

They stand apart from the networks so that means and deviations cached before stay valid.
"""

import torch


def correlate(states):
    """Correlations over the frames of (layers, frames, dims) between all pairs of dims, as (layers, pairs).

    The pairs come in the order of ``torch.triu_indices``. A channel that never changes has correlations of 0. Behind
    ``Encoder(pooling="correlation")``, Lesson 08.

    >>> x = torch.tensor([[[1.0, -1.0, 0.0], [2.0, -2.0, 0.0]]])
    >>> correlate(x).round(decimals=2).tolist()
    [[-1.0, 0.0, 0.0]]
    """
    deviations = states - states.mean(dim=1, keepdim=True)
    scaled = deviations / (states.std(dim=1, unbiased=False, keepdim=True) + 1e-5)
    first, second = torch.triu_indices(states.shape[2], states.shape[2], 1)
    return (scaled.transpose(1, 2) @ scaled / states.shape[1])[:, first, second]
