"""Checkers of Lesson 13: the diarisation error rate, the alert rule, precision and recall of alerts."""

import math

import numpy as np

from ser_helpers.course.checks import Hint, exercise


def _frames(text):
    return np.array([int(letter) for letter in text])


def _without_names(truth, heard):
    return np.sum(truth != heard) / np.sum(truth > 0)


def _swapped(heard):
    return np.where(heard > 0, 3 - heard, 0)


def _least(truth, heard, rate):
    return min(rate(truth, heard), rate(truth, _swapped(heard)))


def _named_by_first(truth, heard):
    agree = np.array_equal(truth[truth > 0][:1], heard[heard > 0][:1])
    return _without_names(truth, heard if agree else _swapped(heard))


def _named_one_by_one(truth, heard):
    names = heard.copy()
    for number in (1, 2):
        said = truth[(heard == number) & (truth > 0)]
        names[heard == number] = np.bincount(said).argmax() if len(said) else number
    return _without_names(truth, names)


@exercise(
    "13.1",
    wrong=[
        _without_names,
        _named_by_first,
        _named_one_by_one,
        lambda truth, heard: _least(truth, heard, lambda t, h: np.mean(t != h)),
        lambda truth, heard: _least(truth, heard, lambda t, h: np.sum((t != h) & (t > 0)) / np.sum(t > 0)),
        lambda truth, heard: _least(truth, heard, lambda t, h: np.sum((t != h) & (h > 0)) / np.sum(t > 0)),
        lambda truth, heard: _least(truth, heard, lambda t, h: np.sum(t != h) / max(np.sum(h > 0), 1)),
        lambda truth, heard: np.sum((truth > 0) != (heard > 0)) / np.sum(truth > 0),
        lambda truth, heard: 1 - _least(truth, heard, _without_names),
        lambda truth, heard: _least(truth, heard, lambda t, h: np.sum(t != h)),
        lambda truth, heard: None,
    ],
)
def error_rate(answer):
    """Missed, false alarm and confusion, over the time in which somebody speaks; names do not matter."""
    truth = _frames("1111002222")
    cases = {
        "1111002222": (0, "When all is right, the rate is 0; it is an error rate, not a share of right ones."),
        "1100002222": (0.25, "Two frames of speech were missed, of eight: 0.25. Divide by the frames of true speech."),
        "1111112222": (0.25, "Two silent frames were called speech, of eight frames of speech: 0.25. They count, too."),
        "1111001122": (0.25, "Two frames have the wrong speaker, of eight: 0.25. Both speak, but it is confusion."),
        "2222001111": (0, "Here 1 and 2 are swapped and all else is right: names do not count, so the rate is 0."),
        "2222220111": (0.375, "1 and 2 are swapped here: two false alarms and one missed frame, of eight: 0.375."),
        "0000000000": (1, "Nothing was heard: all eight frames of speech are missed, so the rate is 1."),
        "2111002222": (
            0.125,
            "Only the first frame has the wrong speaker. Try both ways of naming; keep the better one.",
        ),
        "1122000002": (
            0.625,
            "1 and 2 are different people: both cannot be the first one. Three missed, two confused.",
        ),
        "1212121212": (0.75, "Two false alarms, and four frames of eight with the wrong speaker, whichever way: 0.75."),
    }
    for heard, (wanted, hint) in cases.items():
        found = _something(answer(truth.copy(), _frames(heard)))
        if not np.isclose(found, wanted):
            raise Hint(f"{hint} Yours is {float(found):.3g} for truth 1111002222 and heard {heard}.")


SILENT = math.nan


def _run(levels, threshold, seconds, above=lambda held: held + 1, below=lambda held: max(held - 1, 0), silent=None):
    held = 0
    for second, level in enumerate(levels):
        if math.isnan(level):
            held = silent(held) if silent else held
        else:
            held = above(held) if level >= threshold else below(held)
        if held >= seconds:
            return second
    return None


@exercise(
    "13.2",
    wrong=[
        lambda levels, threshold, seconds: _run(levels, threshold, 1),
        lambda levels, threshold, seconds: _run(levels, threshold, seconds, below=lambda held: 0),
        lambda levels, threshold, seconds: _run(levels, threshold, seconds, below=lambda held: held),
        lambda levels, threshold, seconds: _run(levels, threshold, seconds, below=lambda held: held - 1),
        lambda levels, threshold, seconds: _run(levels, threshold, seconds, silent=lambda held: 0),
        lambda levels, threshold, seconds: _run(levels, threshold, seconds, silent=lambda held: max(held - 1, 0)),
        lambda levels, threshold, seconds: _run(levels, threshold, seconds, silent=lambda held: held + 1),
        lambda levels, threshold, seconds: _run(levels, threshold, seconds + 1),
        lambda levels, threshold, seconds: _run(levels, threshold + 1e-6, seconds),
        lambda levels, threshold, seconds: _run(levels, 0.5, 3),
        lambda levels, threshold, seconds: _run(levels, threshold, seconds) is not None,
        lambda levels, threshold, seconds: _run(levels, threshold, seconds) or None,
        lambda levels, threshold, seconds: -1 if _run(levels, threshold, seconds) is None else 2,
        lambda levels, threshold, seconds: None,
    ],
)
def first_alert(answer):
    """The second of the first alert: anger adds, calm speech takes off, silence does neither."""
    cases = [
        ([0.9, 0.9, 0.9], 0.5, 3, "Three angry seconds are enough when three are asked for."),
        ([0.1, 0.9, 0.1, 0.1], 0.5, 2, "One angry second is not two: it must persist."),
        ([0.9, 0.9, 0.1, 0.9, 0.9], 0.5, 3, "One calm second takes one off, no more: 1 2 1 2 3."),
        ([0.9, 0.1, 0.9, 0.1, 0.9], 0.5, 3, "Each calm second takes one off: 1 0 1 0 1 never reaches 3."),
        ([0.1, 0.1, 0.1, 0.9, 0.9], 0.5, 2, "A calm beginning is no credit: the sum never falls below 0."),
        ([0.9, 0.9, SILENT, SILENT, 0.9], 0.5, 3, "Silence (NaN) neither adds nor takes off."),
        ([SILENT, 0.9, SILENT, 0.9], 0.5, 2, "Silence (NaN) neither adds nor takes off."),
        ([0.5, 0.5], 0.5, 2, "At the threshold counts as above."),
        ([0.6, 0.6, 0.6, 0.6, 0.8, 0.8], 0.7, 2, "Use `threshold` and `seconds`: here they are 0.7 and 2."),
        ([0.9, 0.1], 0.5, 1, "The first second is number 0: an alert there is 0, not None."),
    ]
    for levels, threshold, seconds, hint in cases:
        wanted, found = _run(levels, threshold, seconds), answer(list(levels), threshold, seconds)
        if isinstance(found, bool | np.bool_):
            raise Hint("Return the number of the second, or None, not True or False.")
        if wanted is None and found == -1:
            raise Hint("Where the sum never reaches `seconds`, return None, not -1.")
        if found != wanted:
            raise Hint(
                f"{hint} For {levels} with threshold {threshold} and {seconds} s it is {wanted}, yours is {found}."
            )


def _right(alerts, anger, early=0, grace=10):
    return {
        call: [t for t in times if anger[call] and anger[call][0] - early <= t <= anger[call][1] + grace]
        for call, times in alerts.items()
    }


def _count(lists):
    return sum(len(times) for times in lists.values())


def _share(right, alerts, anger, recall=None, precision=None):
    met = sum(bool(times) for times in right.values()) if recall is None else recall
    good = _count(right) / _count(alerts) if precision is None else precision
    return good, met / sum(span is not None for span in anger.values())


@exercise(
    "13.3",
    wrong=[
        lambda alerts, anger: _share(_right(alerts, anger, grace=0), alerts, anger),
        lambda alerts, anger: _share(_right(alerts, anger, grace=8), alerts, anger),
        lambda alerts, anger: _share(_right(alerts, anger, grace=20), alerts, anger),
        lambda alerts, anger: _share(_right(alerts, anger, early=5), alerts, anger),
        lambda alerts, anger: _share(_right(alerts, anger, early=99), alerts, anger),
        lambda alerts, anger: _share(_right(alerts, anger, grace=999), alerts, anger),
        lambda alerts, anger: _share(_right(alerts, anger), alerts, anger, recall=_count(_right(alerts, anger))),
        lambda alerts, anger: _share(_right(alerts, anger), alerts, anger)[::-1],
        lambda alerts, anger: _share(
            _right(alerts, anger),
            alerts,
            anger,
            precision=sum(map(bool, _right(alerts, anger).values())) / sum(map(bool, alerts.values())),
        ),
        lambda alerts, anger: (
            _share(_right(alerts, anger), alerts, anger)[0],
            sum(map(bool, _right(alerts, anger).values())) / len(anger),
        ),
        lambda alerts, anger: _share(_right(alerts, anger), alerts, anger)[0],
        lambda alerts, anger: None,
    ],
)
def precision_recall(answer):
    """Which alerts are right, and which angry calls are found."""
    anger = {"a": (20.0, 40.0), "b": None, "c": (30.0, 60.0), "d": None, "e": (10.0, 20.0)}
    cases = [
        ({"a": [25.0], "b": [], "c": [], "d": [], "e": []}, "One alert, and it is right; of three angry calls, one."),
        (
            {"a": [25.0], "b": [30.0], "c": [50.0], "d": [], "e": []},
            "Three alerts, two of them right; two calls of three.",
        ),
        ({"a": [49.5], "b": [], "c": [50.0], "d": [], "e": []}, "An alert up to 10 s after the anger is right, too."),
        ({"a": [19.0], "b": [], "c": [50.0], "d": [], "e": []}, "An alert before the anger began is not right."),
        ({"a": [51.0], "b": [], "c": [50.0], "d": [], "e": []}, "An alert 11 s after the anger is too late."),
        (
            {"a": [22.0, 35.0], "b": [], "c": [50.0], "d": [10.0], "e": []},
            "Precision counts alerts (three of four); recall counts calls: two right alerts in one call find one call.",
        ),
    ]
    for alerts, hint in cases:
        wanted = _share(_right(alerts, anger), alerts, anger)
        found = _something(answer({call: list(times) for call, times in alerts.items()}, dict(anger)))
        if np.shape(found) != (2,):
            raise Hint("Return two numbers: precision, then recall.")
        if np.allclose(found, wanted):
            continue
        if np.allclose(found, wanted[::-1]):
            raise Hint("Precision comes first, then recall: yours are the other way round.")
        said = ", ".join(f"{value:.2f}" for value in wanted)
        raise Hint(f"{hint} Precision and recall should be {said}, yours are {found[0]:.2f}, {found[1]:.2f}.")


def _something(given):
    """What the student's function gives back, if anything."""
    if given is None:
        raise Hint("Your function gives nothing back: end it with `return`.")
    return given
