"""Wrong answers to the exercises of lesson 07."""

import numpy as np


def _softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _falls(probability, levels, width, fill=None, sign=1, stop=None, copied=True):
    quiet, before, falls = levels.min(axis=0) if fill is None else fill, probability(levels), []
    for start in range(0, len(levels) if stop is None else stop, width):
        changed = levels.copy() if copied else levels
        changed[start : start + width] = quiet
        falls.append(sign * (before - probability(changed)))
    return falls


WRONG = {
    "07.1": [
        lambda frames, mask: frames.mean(axis=1),
        lambda frames, mask: frames[mask].mean(axis=0),
        lambda frames, mask: (frames * mask[..., None]).sum(axis=1),
        lambda frames, mask: frames.sum(axis=1) / mask.sum(axis=1, keepdims=True),
        lambda frames, mask: frames[:, 0],
    ],
    "07.2": [
        lambda scores, mask: _softmax(scores),
        lambda scores, mask: _softmax(scores * mask),
        lambda scores, mask: _softmax(scores) * mask,
        lambda scores, mask: scores * mask / (scores * mask).sum(axis=1, keepdims=True),
        lambda scores, mask: np.exp(scores) * mask / (np.exp(scores) * mask).sum(),
    ],
    "07.3": [
        lambda probability, levels, width: _falls(probability, levels, width, stop=len(levels) - 1),
        lambda probability, levels, width: _falls(probability, levels, width, fill=0.5),
        lambda probability, levels, width: _falls(probability, levels, width, sign=-1),
        lambda probability, levels, width: _falls(probability, levels, width, copied=False),
        lambda probability, levels, width: _falls(probability, levels, 2),
    ],
    "07.4": [
        lambda values, n: values.mean().nlargest(n).index.tolist(),
        lambda values, n: values.abs().mean().nlargest(n),
        lambda values, n: values.abs().mean().nlargest(n).index.tolist()[::-1],
        lambda values, n: values.abs().mean().nlargest(2).index.tolist(),
    ],
}
