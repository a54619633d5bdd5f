"""Checkers of Lesson 11: the pie of an episode, the times of a transcript, laughs from probabilities, and the bill."""

import math

import numpy as np
import pandas as pd

from ser_helpers.course.checks import Hint, exercise

TIMELINE = pd.DataFrame(
    {
        "start": [0.0, 3, 6, 9, 12],
        "end": [3.0, 6, 9, 12, 13],
        "speech": [1.0, 0.5, 0, 1, 1],
        "emotion": ["happy", "sad", None, "happy", "sad"],
    }
)


@exercise(
    "11.1",
    wrong=[
        lambda timeline: timeline.emotion.value_counts(normalize=True),
        lambda timeline: (timeline.end - timeline.start).groupby(timeline.emotion).sum(),
        lambda timeline: (timeline.end - timeline.start).groupby(timeline.emotion).sum() / timeline.end.max(),
        lambda timeline: timeline.emotion.value_counts(),
        lambda timeline: timeline.emotion.fillna("none").value_counts(normalize=True),
        lambda timeline: (timeline.end - timeline.start).groupby(timeline.emotion.fillna("none")).sum() / 13,
        lambda timeline: 100 * (timeline.end - timeline.start).groupby(timeline.emotion).sum() / 10,
        lambda timeline: (timeline.end - timeline.start) / timeline.end.max(),
        lambda timeline: ((timeline.end - timeline.start) * timeline.speech).groupby(timeline.emotion).sum() / 8.5,
        lambda timeline: {"happy": 0.6, "sad": 0.4},
        lambda timeline: None,
    ],
)
def pie(answer):
    """The share of each emotion in the time with speech."""
    found = _something(answer(TIMELINE.copy()))
    if not isinstance(found, pd.Series):
        raise Hint("Return a Series: one share per emotion, by its name.")
    found = found[found != 0]  # an emotion that does not occur may be named, too
    if len(set(found.index) - {"happy", "sad"}) == 1:
        raise Hint("Where nobody speaks there is no emotion: leave those windows out.")
    if set(found.index) != {"happy", "sad"}:
        raise Hint("One number per emotion is asked for: group the lengths by timeline.emotion, and add them up.")
    happy, total = float(found["happy"]), float(found.sum())
    if math.isclose(total, 100):
        raise Hint("These are percent: a share lies between 0 and 1.")
    if math.isclose(happy, 6) or math.isclose(happy, 2):
        raise Hint("These do not add up to 1 yet: divide by their sum.")
    if math.isclose(total, 10 / 13):
        raise Hint("The shares add up to less than 1: divide by the time with speech, not by the whole episode.")
    if math.isclose(happy, 0.5):
        raise Hint("You counted windows; the last window lasts 1 s and must count less. Add up end - start.")
    if math.isclose(happy, 6 / 8.5):
        raise Hint("You weighted each window by `speech`. Here a window with an emotion counts with its whole length.")
    if not (math.isclose(happy, 0.6) and math.isclose(total, 1)):
        raise Hint(f"In the test 'happy' lasts 6 s of 10 s with speech: 0.6. Yours is {happy:.2f}.")
    other = pd.DataFrame({"start": [0.0, 3], "end": [3.0, 6], "speech": 1.0, "emotion": ["angry", "angry"]})
    if not math.isclose(answer(other).get("angry", 0), 1):
        raise Hint("An episode that is angry throughout should give 1 for angry.")


TIMES = {
    "00:00:04,000": 4.0,
    "01:02:03,500": 3723.5,
    "00:01:02.250": 62.25,
    "02:05.750": 125.75,
    "10:00:00.000": 36000.0,
}


def _always_hours(text):
    hours, minutes, seconds = text.replace(",", ".").split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)


def _no_comma(text):
    return sum(float(part) * 60**k for k, part in enumerate(reversed(text.split(":"))))


def _whole(text):
    return sum(int(float(part.replace(",", "."))) * 60**k for k, part in enumerate(reversed(text.split(":"))))


def _forward(text):
    return sum(float(part.replace(",", ".")) * 60**k for k, part in enumerate(text.split(":")))


def _thousandths(text):
    return float(text.replace(",", "").replace(".", "").rpartition(":")[2])


def _no_hours(text):
    minutes, seconds = text.replace(",", ".").split(":")[-2:]
    return 60 * int(minutes) + float(seconds)


def _comma_only(text):
    hours, minutes, rest = text.split(":")
    whole, fraction = rest.split(",")
    return 3600 * int(hours) + 60 * int(minutes) + int(whole) + int(fraction) / 1000


def _hours_of_100(text):
    return sum(float(part) * 100**k for k, part in enumerate(reversed(text.replace(",", ".").split(":"))))


@exercise(
    "11.2",
    wrong=[
        _always_hours,
        _no_comma,
        _whole,
        _forward,
        _thousandths,
        _no_hours,
        _hours_of_100,
        _comma_only,
        lambda text: str(_no_comma(text.replace(",", "."))),
        lambda text: pd.Timedelta(seconds=_no_comma(text.replace(",", "."))),
        lambda text: None,
    ],
)
def seconds(answer):
    """The time of a subtitle in seconds."""
    for text, wanted in TIMES.items():
        try:
            found = _something(answer(text))
        except ValueError as error:
            if "," in text and "float" in str(error):
                raise Hint(f"{text} fails: Python's decimal mark is a point; replace the comma first.") from error
            if text.count(":") == 1:
                raise Hint(f"{text} fails: WebVTT may leave out the hours, so there may be two parts.") from error
            if "." in text:
                raise Hint(f"{text} fails: WebVTT writes a point before the fraction, and no comma.") from error
            raise
        if not hasattr(found, "__float__"):
            raise Hint(f"Return a number of seconds, not {found!r}.")
        if math.isclose(found, wanted):
            continue
        if found == int(wanted):
            raise Hint(f"{text} lost its fraction: it should be {wanted} s. Use float for the seconds.")
        if text.count(":") == 2 and math.isclose(found, wanted % 3600):
            raise Hint(f"{text} lost its hours: an hour has 3600 s.")
        raise Hint(f"{text} should be {wanted} s, and yours is {found:g} s. From the right: seconds, 60 s, 3600 s.")


STEP = 0.25  # seconds, which a computer can add up without rounding
PROBABILITIES = pd.Series([0.1, 0.9, 0.8, 0.2, 0.1, 0.9, 0.1, 0.1, 0.6, 0.9, 0.9], index=np.arange(11) * STEP)
WANTED = [(0.25, 0.75), (2.0, 2.75)]


def _runs(series, threshold=0.5, shortest=0.5, step=STEP, tail=True, extend=True):
    above, found, begin = series > threshold, [], None
    for time, on in above.items():
        if on and begin is None:
            begin = time
        if not on and begin is not None:
            found.append((begin, time if extend else time - step))
            begin = None
    if begin is not None and tail:
        found.append((begin, series.index[-1] + (step if extend else 0)))
    return [(start, end) for start, end in found if end - start >= shortest]


def _without_first(series, threshold, shortest, step):
    return [run for run in _runs(series, threshold, shortest, step) if run[0] > series.index[0]]


def _by_position(series, threshold, shortest, step):
    return _runs(series.set_axis(np.arange(len(series)) * step), threshold, shortest, step)


def _none_none(series, threshold, shortest, step):
    return _runs(series, threshold, shortest, step) or None


@exercise(
    "11.3",
    wrong=[
        _without_first,
        _by_position,
        _none_none,
        lambda series, threshold, shortest, step: _runs(series, threshold, 0),
        lambda series, threshold, shortest, step: _runs(series, threshold, shortest, tail=False),
        lambda series, threshold, shortest, step: _runs(series, threshold, shortest, extend=False),
        lambda series, threshold, shortest, step: _runs(series, 0.75, shortest),
        lambda series, threshold, shortest, step: _runs(series, threshold, 0.5),
        lambda series, threshold, shortest, step: [(series.index[0], series.index[-1])],
        lambda series, threshold, shortest, step: list(series.index[series > threshold]),
        lambda series, threshold, shortest, step: [(t, t + step) for t in series.index[series > threshold]],
        lambda series, threshold, shortest, step: [],
        lambda series, threshold, shortest, step: None,
    ],
)
def laughs(answer):
    """Laughs as (start, end) from a probability per frame."""
    found = _pairs(answer(PROBABILITIES.copy(), 0.5, 0.5, STEP))
    if _same(found, WANTED):
        longer = _pairs(answer(PROBABILITIES.copy(), 0.5, 0.6, STEP))
        if not _same(longer, WANTED[1:]):
            raise Hint("With shortest=0.6 only the laugh of 0.75 s remains: compare each length with `shortest`.")
        strict = _pairs(answer(PROBABILITIES.copy(), 0.75, 0.25, STEP))
        if not _same(strict, [(0.25, 0.75), (1.25, 1.5), (2.25, 2.75)]):
            raise Hint("With threshold=0.75 other frames are laughter: compare with `threshold`.")
        early = _pairs(answer(pd.Series([0.9, 0.9, 0.1], index=[10, 10.25, 10.5]), 0.5, 0.5, STEP))
        if _same(early, [(0.0, 0.5)]):
            raise Hint("A curve may begin at 10 s: take the times from its index, and do not count frames.")
        if not _same(early, [(10.0, 10.5)]):
            raise Hint(f"A laugh in the first two frames, from 10 to 10.5 s, comes out as {early}: begin it there.")
        if _pairs(answer(0 * PROBABILITIES, 0.5, 0.5, STEP)):
            raise Hint("Where the curve is 0 throughout, nobody laughs: return an empty list.")
        return
    if _same(found, _runs(PROBABILITIES, 0.75)):
        raise Hint("The test asks for threshold=0.5, and you found what is above 0.75: compare with `threshold`.")
    if not found:
        raise Hint("You found no laugh; there are two in the test, from 0.25 to 0.75 s and from 2 to 2.75 s.")
    if _same(found, _runs(PROBABILITIES, 0.5, 0)):
        raise Hint("One frame alone (at 1.25 s) is no laugh: leave out what is shorter than `shortest`.")
    if _same(found, WANTED[:1]):
        raise Hint("The laugh at the end is missing: it does not stop before the recording does. Close it there.")
    if _same(found, _runs(PROBABILITIES, 0.5, 0.5, extend=False)):
        raise Hint("A frame lasts `step` seconds: a laugh ends where its last frame ends, not where that one starts.")
    if len(found) == 1:
        raise Hint("You found one long laugh: between two laughs the probability falls below the threshold.")
    if len(found) == int((PROBABILITIES > 0.5).sum()):
        raise Hint("Frames that follow one another are one laugh: begin at the first, end at the last.")
    raise Hint(f"It should be {WANTED} for the test, and yours is {[tuple(np.round(pair, 2)) for pair in found]}.")


def _pairs(found):
    found = _something(found)
    try:
        pairs = [(float(start), float(end)) for start, end in found]
    except (TypeError, ValueError) as error:
        raise Hint("Return a list of pairs: (start, end) in seconds for each laugh.") from error
    return pairs


def _same(found, wanted):
    return len(found) == len(wanted) and np.allclose(found, wanted)


@exercise(
    "11.4",
    wrong=[
        lambda hours, rate, cores, days: hours * rate / 3600 / cores / 24 / days,
        lambda hours, rate, cores, days: round(hours * rate / 3600 / cores / 24 / days),
        lambda hours, rate, cores, days: int(hours * rate / 3600 / cores / 24 / days),
        lambda hours, rate, cores, days: int(hours * rate / 3600 / cores / 24 / days) + 1,
        lambda hours, rate, cores, days: math.ceil(hours * rate / 3600 / 24 / days),
        lambda hours, rate, cores, days: math.ceil(hours * rate / cores / 24 / days),
        lambda hours, rate, cores, days: math.ceil(hours * rate / 3600 / cores / days),
        lambda hours, rate, cores, days: math.ceil(hours * rate / 3600 / cores / 24),
        lambda hours, rate, cores, days: math.ceil(hours / rate / cores / 24 / days),
        lambda hours, rate, cores, days: None,
    ],
)
def machines(answer):
    """How many machines an archive needs to be ready in time."""
    found = _something(answer(100_000, 144.0, 16, 7))  # 4000 core hours: 250 machine hours: 1.49 machines
    if isinstance(found, float) and not found.is_integer():
        raise Hint(f"{found:.2f} machines cannot be rented: round up with math.ceil.")
    for wrong, hint in {
        1: "One machine would be late: round up, not down.",
        24: "A machine has several cores, and all of them work: divide by `cores`.",
        36: "A day has 24 hours, and a machine works through all of them.",
        11: "There are several days: divide by `days`.",
        5358: "`rate` is in seconds, and machines are counted in hours: divide by 3600.",
    }.items():
        if found == wrong:
            raise Hint(hint)
    if found != 2:
        raise Hint(f"100,000 h × 144 s / 3600 / 16 cores / 24 h / 7 days is 1.49: 2 machines. Yours is {found}.")
    exact = answer(2688, 3600.0, 16, 7)
    if exact != 1:
        raise Hint(f"2688 core hours on 16 cores are exactly 7 days: 1 machine. Yours is {exact}.")
    if answer(100_000, 36.0, 4, 1) != 11:
        raise Hint("For 100,000 h at 36 s, 4 cores and one day it should be 11 machines.")


def _something(given):
    """What the student's function gives back, if anything."""
    if given is None:
        raise Hint("Your function gives nothing back: end it with `return`.")
    return given
