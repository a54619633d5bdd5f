"""Checkers of lesson 11: the emotions of an episode, times in a transcript, laughter, the size of a cluster."""

import numpy as np
import pandas as pd

from ser_helpers.course.checks import Hint, exercise, expect, show


@exercise("11.1")
def emotion_shares(answer):
    """The share of each emotion in the time with speech."""
    columns = {
        "start": [0.0, 3, 6, 9, 12],
        "end": [3.0, 6, 9, 12, 13],
        "speech": [1.0, 0.5, 0, 1, 1],
        "emotion": ["happy", "sad", None, "happy", "sad"],
    }
    found = answer(pd.DataFrame(columns))
    if not isinstance(found, pd.Series):
        raise Hint("Return a Series: one share per emotion, with the emotion as its name.")
    found = found[found != 0]  # an emotion that does not occur may be named, too
    if len(set(found.index) - {"happy", "sad"}) == 1:
        raise Hint("Without speech there is no emotion: leave those windows out.")
    if set(found.index) != {"happy", "sad"}:
        raise Hint("One number per emotion is needed: group the lengths by timeline.emotion and add them up.")
    sums = "These do not add up to 1 yet: divide by their sum."
    expect(
        found[["happy", "sad"]],
        [0.6, 0.4],
        "'happy' lasts 6 s of 10 s with speech, 'sad' 4 s.",
        ([60, 40], "These are percentages: a share is between 0 and 1."),
        ([6, 4], sums),
        ([2, 2], sums),
        ([6 / 13, 4 / 13], "The shares add up to less than 1: divide by the time with speech, not by all time."),
        ([0.5, 0.5], "You counted windows, but the last one is only 1 s long: add up end - start."),
        ([6 / 8.5, 2.5 / 8.5], "You weighted windows by `speech`; here a window with an emotion counts in full."),
    )
    angry = pd.DataFrame({"start": [0.0, 3], "end": [3.0, 6], "speech": 1.0, "emotion": ["angry", "angry"]})
    expect(answer(angry).get("angry", 0), 1, "An episode that is angry throughout has a share of 1 for angry.")


@exercise("11.2")
def seconds(answer):
    """The time of a subtitle in seconds."""
    for text, wanted in {
        "00:00:04,000": 4.0,
        "01:02:03,500": 3723.5,
        "00:01:02.250": 62.25,
        "02:05.750": 125.75,
        "10:00:00.000": 36000.0,
    }.items():
        try:
            found = answer(text)
        except ValueError as error:
            if "," in text and "float" in str(error):
                raise Hint(f"{text} fails: Python's decimal mark is a point, so replace the comma first.") from error
            if text.count(":") == 1:
                raise Hint(f"{text} fails: WebVTT may leave out the hours, so there may be only two parts.") from error
            if "." in text:
                raise Hint(f"{text} fails: WebVTT has a point before the fraction, not a comma.") from error
            raise
        if not hasattr(found, "__float__"):
            raise Hint(f"Return a number of seconds, not {found!r}.")
        mistakes = [(int(wanted), f"{text} lost its fraction: use float for the seconds.")]
        if text.count(":") == 2:
            mistakes.append((wanted % 3600, f"{text} lost its hours: an hour has 3600 s."))
        expect(
            found,
            wanted,
            f"{text} is {wanted} s: from the right, seconds, minutes (60 s) and hours (3600 s).",
            *mistakes,
        )


STEP = 0.25  # seconds
CURVE = pd.Series([0.1, 0.9, 0.8, 0.2, 0.1, 0.9, 0.1, 0.1, 0.6, 0.9, 0.9], index=np.arange(11) * STEP)


@exercise("11.3")
def laughs(answer):
    """Laughs as (start, end) from a probability per frame."""

    def found(curve, threshold=0.5, shortest=0.5):
        pairs = answer(curve, threshold, shortest, STEP)
        try:
            return [(float(start), float(end)) for start, end in pairs]
        except (TypeError, ValueError) as error:
            raise Hint("Return a list of pairs: (start, end) in seconds for each laugh.") from error

    pairs = found(CURVE)
    if len(pairs) == int((CURVE > 0.5).sum()):
        raise Hint("Frames that follow one another are one laugh: begin at the first, end at the last.")
    if len(pairs) == 1 and pairs[0][1] - pairs[0][0] > 1:
        raise Hint(f"You found one long laugh, {show(pairs[0])}: between laughs, the curve is below the threshold.")
    expect(
        pairs,
        [(0.25, 0.75), (2.0, 2.75)],
        "The laughs are from 0.25 to 0.75 s and from 2 to 2.75 s.",
        ([(0.25, 0.75), (1.25, 1.5), (2.0, 2.75)], "One frame, at 1.25 s, is no laugh: drop what is below `shortest`."),
        ([(0.25, 0.75)], "The laugh at the end is missing: when the recording ends, so does the laugh."),
        ([(2.0, 2.5)], "A frame lasts `step` seconds: a laugh ends where its last frame ends, not where it starts."),
        ([(0.25, 0.75), (2.25, 2.75)], "With threshold=0.5 you found what is above 0.75: compare with `threshold`."),
    )
    hint = "With shortest=0.6, only the laugh of 0.75 s remains: compare lengths with `shortest`."
    expect(found(CURVE, shortest=0.6), [(2.0, 2.75)], hint)
    hint = "With threshold=0.75, fewer frames are laughter: compare with `threshold`."
    expect(found(CURVE, 0.75, 0.25), [(0.25, 0.75), (1.25, 1.5), (2.25, 2.75)], hint)
    expect(
        found(pd.Series([0.9, 0.9, 0.1], index=[10, 10.25, 10.5])),
        [(10.0, 10.5)],
        "A laugh in the first two frames, from 10 to 10.5 s, starts with the first.",
        ([(0.0, 0.5)], "A curve may begin at 10 s: take the times from its index instead of counting frames."),
    )
    if len(found(0 * CURVE)):
        raise Hint("A curve of zeros contains no laugh: return an empty list.")


@exercise("11.4")
def machines(answer):
    """How many machines an archive needs to be ready in time."""
    found = answer(100_000, 144.0, 16, 7)
    if isinstance(found, float) and not found.is_integer():
        raise Hint(f"{found:.2f} machines cannot be rented: round up with math.ceil.")
    expect(
        found,
        2,
        "100,000 h × 144 s / 3600 / 16 cores / 24 h / 7 days is 1.49, so 2 machines.",
        (1, "One machine would be late: round up, not down."),
        (24, "A machine has several cores, and all of them work: divide by `cores`."),
        (36, "A machine works 24 hours a day: divide by 24."),
        (11, "There are several days: divide by `days`."),
        (5358, "`rate` is in seconds, and machines are counted in hours: divide by 3600."),
    )
    expect(answer(2688, 3600.0, 16, 7), 1, "2688 core hours on 16 cores are exactly 7 days, so 1 machine.")
    expect(answer(100_000, 36.0, 4, 1), 11, "100,000 h at 36 s, with 4 cores and one day, need 11 machines.")
