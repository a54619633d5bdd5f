"""Wrong answers to the exercises of lesson 11."""

from math import ceil

import numpy as np
import pandas as pd


def _lengths(timeline, emotion=None, weights=1):
    emotion = timeline.emotion if emotion is None else emotion
    return ((timeline.end - timeline.start) * weights).groupby(emotion).sum()


def _from_the_right(text, hour=60, number=float):
    return sum(number(part) * (60 * hour if k == 2 else 60**k) for k, part in enumerate(reversed(text.split(":"))))


def _always_hours(text):
    hours, minutes, seconds = text.replace(",", ".").split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)


def _comma_only(text):
    *start, last = text.split(":")
    whole, fraction = last.split(",")
    return _from_the_right(":".join([*start, whole])) + int(fraction) / 1000


def _runs(series, threshold, shortest, step, tail=True, extend=True):
    above, found, start = series > threshold, [], None
    for time, on in above.items():
        if on and start is None:
            start = time
        if not on and start is not None:
            found.append((start, time if extend else time - step))
            start = None
    if start is not None and tail:
        found.append((start, series.index[-1] + (step if extend else 0)))
    return [(start, end) for start, end in found if end - start >= shortest]


def _by_position(series, threshold, shortest, step):
    return _runs(series.set_axis(np.arange(len(series)) * step), threshold, shortest, step)


WRONG = {
    "11.1": [
        lambda timeline: timeline.emotion.value_counts(normalize=True),
        _lengths,
        lambda timeline: _lengths(timeline) / timeline.end.max(),
        lambda timeline: _lengths(timeline, timeline.emotion.fillna("none")) / 13,
        lambda timeline: 10 * _lengths(timeline),
        lambda timeline: (timeline.end - timeline.start) / timeline.end.max(),
        lambda timeline: _lengths(timeline, weights=timeline.speech) / 8.5,
        lambda timeline: {"happy": 0.6, "sad": 0.4},
        lambda timeline: pd.Series({"happy": 1.0, "sad": 0.0}) + pd.Series({"happy": -0.1, "sad": 0.1}),
        lambda timeline: _lengths(timeline) / 10,
    ],
    "11.2": [
        _always_hours,
        _from_the_right,
        lambda text: _from_the_right(text.replace(",", "."), number=lambda part: int(float(part))),
        lambda text: _from_the_right(text.replace(",", "."), hour=100),
        lambda text: _from_the_right(text.replace(",", "."), hour=0),
        _comma_only,
        lambda text: str(_from_the_right(text.replace(",", "."))),
    ],
    "11.3": [
        lambda curve, *options: [run for run in _runs(curve, *options) if run[0] > curve.index[0]],
        _by_position,
        lambda curve, *options: _runs(curve, *options) or [(0.0, 0.0)],
        lambda curve, threshold, shortest, step: _runs(curve, threshold, 0, step),
        lambda curve, *options: _runs(curve, *options, tail=False),
        lambda curve, *options: _runs(curve, *options, extend=False),
        lambda curve, threshold, shortest, step: _runs(curve, 0.75, shortest, step),
        lambda curve, threshold, shortest, step: _runs(curve, 0.5, shortest, step),
        lambda curve, threshold, shortest, step: _runs(curve, threshold, min(shortest, 0.5), step),
        lambda curve, threshold, shortest, step: [(curve.index[0], curve.index[-1])],
        lambda curve, threshold, shortest, step: list(curve.index[curve > threshold]),
        lambda curve, threshold, shortest, step: [(t, t + step) for t in curve.index[curve > threshold]],
        lambda curve, threshold, shortest, step: [],
    ],
    "11.4": [
        lambda hours, rate, cores, days: hours * rate / 3600 / cores / 24 / days,
        lambda hours, rate, cores, days: round(hours * rate / 3600 / cores / 24 / days),
        lambda hours, rate, cores, days: int(hours * rate / 3600 / cores / 24 / days) + 1,
        lambda hours, rate, cores, days: ceil(hours * rate / 3600 / 24 / days),
        lambda hours, rate, cores, days: ceil(hours * rate / cores / 24 / days),
        lambda hours, rate, cores, days: ceil(hours * rate / 3600 / cores / days),
        lambda hours, rate, cores, days: ceil(hours * rate / 3600 / cores / 24),
        lambda hours, rate, cores, days: ceil(hours / cores),
        lambda hours, rate, cores, days: min(2, ceil(hours * rate / 3600 / cores / 24 / days)),
    ],
}
