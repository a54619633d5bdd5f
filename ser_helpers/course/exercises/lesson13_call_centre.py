"""Checkers of lesson 13: the diarisation error rate, the alert rule, precision and recall of alerts."""

import math

import numpy as np

from ser_helpers.course.checks import Hint, as_array, exercise, expect


@exercise("13.1")
def error_rate(answer):
    """Missed speech, false alarms and confusion, over the time with speech, whatever the speakers are called."""
    truth = "1111002222"
    for found, wanted, hint in (
        ("1111002222", 0, "All is right, so the rate is 0: it counts errors, not correct frames."),
        ("1100002222", 0.25, "Two of eight frames of speech were missed: divide by the frames of true speech."),
        ("1111112222", 0.25, "Two frames of silence were called speech: these false alarms count, too."),
        ("1111001122", 0.25, "Two frames have the wrong speaker: both people speak, but that is confusion."),
        ("2222001111", 0, "1 and 2 are swapped, and all else is right: names do not count."),
        ("2222220111", 0.375, "1 and 2 are swapped, with two false alarms and one missed frame."),
        ("0000000000", 1, "No speech was found, so all eight frames are missed."),
        ("2111002222", 0.125, "Only the first frame has the wrong speaker: try both namings, keep the better one."),
        ("1122000002", 0.625, "Three frames are missed, two confused: 1 and 2 cannot both be the first speaker."),
        ("1212121212", 0.75, "Two false alarms, and four of eight frames with the wrong speaker, whatever the naming."),
    ):
        rate = answer(*(np.array([int(digit) for digit in text]) for text in (truth, found)))
        expect(rate, wanted, f"{hint} For the truth {truth} and the result {found}, the rate is {wanted}.")


@exercise("13.2", may_return_none=True)
def first_alert(answer):
    """The second of the first alert: anger adds one, calm speech subtracts one, silence does neither."""
    silent = math.nan
    for levels, threshold, seconds, wanted, hint in (
        ([0.9, 0.9, 0.9], 0.5, 3, 2, "Three angry seconds are enough if three are needed."),
        ([0.1, 0.9, 0.1, 0.1], 0.5, 2, None, "One angry second is not two: anger must persist."),
        ([0.9, 0.9, 0.1, 0.9, 0.9], 0.5, 3, 4, "One calm second subtracts one, no more: 1 2 1 2 3."),
        ([0.9, 0.1, 0.9, 0.1, 0.9], 0.5, 3, None, "Each calm second subtracts one: 1 0 1 0 1 never reaches 3."),
        ([0.1, 0.1, 0.1, 0.9, 0.9], 0.5, 2, 4, "A calm start is no credit: the sum never falls below 0."),
        ([0.9, 0.9, silent, silent, 0.9], 0.5, 3, 4, "Silence (NaN) does not change the sum: 1 2 2 2 3."),
        ([silent, 0.9, silent, 0.9], 0.5, 2, 3, "Silence (NaN) does not change the sum: 0 1 1 2."),
        ([0.5, 0.5], 0.5, 2, 1, "A level at the threshold counts as angry."),
        ([0.6, 0.6, 0.6, 0.6, 0.8, 0.8], 0.7, 2, 5, "Use `threshold` and `seconds`."),
        ([0.9, 0.1], 0.5, 1, 0, "The first second has the number 0: an alert in it is 0, not None."),
    ):
        found = answer(levels, threshold, seconds)
        if isinstance(found, bool | np.bool_):
            raise Hint(f"Return the number of the second, or None, not {found}.")
        if wanted is None and found == -1:
            raise Hint("If the sum never reaches `seconds`, return None, not -1.")
        expect(found, wanted, f"{hint} For {levels}, threshold={threshold} and seconds={seconds}, return {wanted}.")


@exercise("13.3")
def precision_recall(answer):
    """Which alerts are right, and which angry calls are found."""
    anger = {"a": (20.0, 40.0), "b": None, "c": (30.0, 60.0), "d": None, "e": (10.0, 20.0)}
    for alerts, wanted, hint in (
        ({"a": [25.0]}, (1, 1 / 3), "One alert, and it is right; one of three angry calls is found."),
        (
            {"a": [25.0], "b": [30.0], "c": [50.0]},
            (2 / 3, 2 / 3),
            "Two of three alerts are right, two of three calls found.",
        ),
        ({"a": [49.5], "c": [50.0]}, (1, 2 / 3), "An alert up to 10 s after the end of the anger is right, too."),
        ({"a": [19.0], "c": [50.0]}, (1 / 2, 1 / 3), "An alert before the anger begins is wrong."),
        ({"a": [51.0], "c": [50.0]}, (1 / 2, 1 / 3), "An alert 11 s after the end of the anger is too late."),
        (
            {"a": [22.0, 35.0], "c": [50.0], "d": [10.0]},
            (3 / 4, 2 / 3),
            "Precision counts alerts (three of four); recall counts calls: two right alerts in one call find one call.",
        ),
    ):
        found = answer({call: alerts.get(call, []) for call in anger}, anger)
        expect(
            as_array(found, (2,), "Return two numbers: precision, then recall."),
            wanted,
            f"{hint} For alerts at {alerts}, precision and recall are {wanted[0]:.2f} and {wanted[1]:.2f}.",
            (wanted[::-1], "Precision comes first, then recall."),
        )
