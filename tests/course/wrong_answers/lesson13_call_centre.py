"""Wrong answers to the exercises of lesson 13."""

import math

import numpy as np


def _errors(truth, found):
    return truth != found


def _rate(truth, found, errors=_errors, frames=lambda truth, found: np.sum(truth > 0)):
    """The error rate with the better naming."""
    namings = (found, np.where(found > 0, 3 - found, 0))
    return min(np.sum(errors(truth, naming)) / frames(truth, naming) for naming in namings)


def _named_by_first(truth, found):
    same = np.array_equal(truth[truth > 0][:1], found[found > 0][:1])
    return np.sum(truth != (found if same else np.where(found > 0, 3 - found, 0))) / np.sum(truth > 0)


def _named_one_by_one(truth, found):
    named = found.copy()
    for number in (1, 2):
        matched = truth[(found == number) & (truth > 0)]
        named[found == number] = np.bincount(matched).argmax() if len(matched) else number
    return np.sum(truth != named) / np.sum(truth > 0)


def _alert(levels, threshold, seconds, up=1, down=1, lowest=0, silent=lambda total: total):
    total = 0
    for second, level in enumerate(levels):
        if math.isnan(level):
            total = silent(total)
        else:
            total = total + up if level >= threshold else max(total - down, lowest)
        if total >= seconds:
            return second
    return None


def _scores(alerts, anger, early=0, grace=10, per_alert=True, per_call=True, calls=None):
    spans = {call: span for call, span in anger.items() if span}
    right = {call: [t for t in alerts[call] if a - early <= t <= b + grace] for call, (a, b) in spans.items()}
    count = [len if each else bool for each in (per_alert, not per_call)]
    precision = sum(map(count[0], right.values())) / sum(map(count[0], alerts.values()))
    return precision, sum(map(count[1], right.values())) / (calls or len(spans))


WRONG = {
    "13.1": [
        lambda truth, found: np.sum(truth != found) / np.sum(truth > 0),
        _named_by_first,
        _named_one_by_one,
        lambda truth, found: _rate(truth, found, frames=lambda truth, found: len(truth)),
        lambda truth, found: _rate(truth, found, errors=lambda truth, found: (truth != found) & (truth > 0)),
        lambda truth, found: np.sum((truth > 0) != (found > 0)) / np.sum(truth > 0),
        lambda truth, found: 1 - _rate(truth, found),
        lambda truth, found: min(_rate(truth, found), 0.5),
    ],
    "13.2": [
        lambda levels, threshold, seconds: _alert(levels, threshold, 1),
        lambda levels, threshold, seconds: _alert(levels, threshold, seconds, down=9),
        lambda levels, threshold, seconds: _alert(levels, threshold, seconds, lowest=-9),
        lambda levels, threshold, seconds: _alert(levels, threshold, seconds, silent=lambda total: 0),
        lambda levels, threshold, seconds: _alert(levels, threshold + 1e-6, seconds),
        lambda levels, threshold, seconds: _alert(levels, 0.5, seconds),
        lambda levels, threshold, seconds: _alert(levels, threshold, seconds) is not None,
        lambda levels, threshold, seconds: _alert(levels, threshold, seconds) or None,
        lambda levels, threshold, seconds: 2 if _alert(levels, threshold, seconds) is not None else -1,
        lambda levels, threshold, seconds: _alert(levels, threshold, seconds) or 2,
    ],
    "13.3": [
        lambda alerts, anger: _scores(alerts, anger, grace=0),
        lambda alerts, anger: _scores(alerts, anger, grace=20),
        lambda alerts, anger: _scores(alerts, anger, early=5),
        lambda alerts, anger: _scores(alerts, anger, per_call=False),
        lambda alerts, anger: _scores(alerts, anger, calls=len(anger)),
        lambda alerts, anger: _scores(alerts, anger)[::-1],
        lambda alerts, anger: _scores(alerts, anger)[0],
        lambda alerts, anger: (1.0, _scores(alerts, anger)[1]),
        lambda alerts, anger: dict(zip(("precision", "recall"), _scores(alerts, anger), strict=True)),
    ],
}
