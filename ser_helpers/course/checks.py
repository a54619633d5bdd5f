"""Exercises that check themselves.

A checker calls the student's function and raises a :class:`Hint` if a result is wrong. Helpers compare the result with
the expected one and recognise typical mistakes by what they result in::

    @exercise("01.1")
    def alias_frequency(answer):
        mistake = (5000, "Nothing above half the sample rate survives sampling.")
        expect(answer(5000, 8000), 3000, "5000 Hz is as far above 4000 Hz as 3000 Hz is below.", mistake)

The checkers are in ``exercises/``, the wrong answers that they must catch in ``tests/course/wrong_answers/``.
"""

import copy
import importlib
import numbers
import pkgutil
import reprlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd


class Hint(Exception):
    """What a checker tells the student when an answer is wrong."""


@dataclass
class Exercise:
    """A registered checker."""

    id: str
    checker: callable
    may_return_none: bool = False

    def verdict(self, answer):
        """``("correct" | "to do" | "not yet", sentence)`` for an answer; never raises."""
        if not callable(answer):
            kind = type(answer).__name__
            return "not yet", f"Give the function itself, by its name and without parentheses, not a {kind}."
        result = None

        def call(*arguments):
            nonlocal result
            result = None
            result = answer(*copy.deepcopy(arguments))  # an answer that changes its input cannot spoil the next call
            if result is None and not self.may_return_none:
                raise Hint("Your function returns None: each way through it must end with `return` and a result.")
            return result

        try:
            self.checker(call)
        except NotImplementedError as task:
            return "to do", str(task)
        except Hint as hint:
            return "not yet", str(hint)
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            if result is None or isinstance(answer, type):  # the error is the student's, in the function or a method
                return "not yet", f"Your answer raised {said}"
            own = " ".join(reprlib.repr(result).split())  # a table has line breaks
            return "not yet", f"Your function returned {own}, which the check cannot use ({said})."
        return "correct", ""


_registry = {}


def exercise(id, may_return_none=False):
    """Register the decorated checker as exercise `id`; None is a wrong result unless `may_return_none`."""

    def register(checker):
        if id in _registry:
            raise ValueError(f"Exercise {id} is registered twice.")
        _registry[id] = Exercise(id, checker, may_return_none)
        return checker

    return register


def exercises(lesson=""):
    """The registered exercises by id, of all lessons or of one, such as ``"04"``."""
    for module in pkgutil.iter_modules([str(Path(__file__).with_name("exercises"))]):
        if module.name.startswith(f"lesson{lesson}"):
            importlib.import_module(f"{__package__}.exercises.{module.name}")
    return {id: known for id, known in sorted(_registry.items()) if id.startswith(lesson)}


def check(id, answer):
    """Print whether `answer`, a function or class, solves exercise `id`, such as ``"04.2"``; if not, with a hint.

    Raises ValueError if there is no such exercise. Used in every lesson.

    >>> check("04.1", lambda sizes: sum(sizes))
    ✗ 04.1 not yet: 3 inputs and 2 outputs have 3 × 2 weights and 2 biases, which makes 8. Yours gives 5.
    """
    known = exercises(str(id)[:2])
    if id not in known:
        others = f"this lesson has {', '.join(known)}" if known else "an id is like 04.2, lesson and number"
        raise ValueError(f"There is no exercise {id}: {others}.")
    state, sentence = known[id].verdict(answer)
    mark = {"correct": "✓", "not yet": "✗", "to do": "…"}[state]
    print(f"{mark} {id} {state}: {sentence}" if sentence else f"{mark} {id} {state}")


def expect(found, wanted, hint, *mistakes, rtol=1e-5):
    """Raise a Hint unless `found` is `wanted`, up to rounding.

    A mistake is ``(result, hint)``: its hint replaces the general one if `found` is that result. The student's own
    result follows: a number or word always, a short list only after the general hint.

    >>> expect(4 / 6, 0.5, "Three of six are right.", (4 / 6, "You counted one twice."))
    Traceback (most recent call last):
    ser_helpers.course.checks.Hint: You counted one twice. Yours gives 0.6667.
    """
    if not same(found, wanted, rtol):
        recognised = [specific for result, specific in mistakes if same(found, result)]
        own = "" if recognised and np.ndim(found) else show(found)
        hint = recognised[0] if recognised else hint
        raise Hint(f"{hint} Yours gives {own}." if 0 < len(own) <= 80 else hint)


def same(found, wanted, rtol=1e-5):
    """Whether two results (numbers, words, None, or arrays of them) have one shape and equal values, up to rounding."""
    try:
        return np.shape(found) == np.shape(wanted) and bool(np.allclose(found, wanted, rtol=rtol))
    except (TypeError, ValueError):  # words or None, or lists of different lengths
        return np.array_equal(found, wanted)


def show(value):
    """A result as text: numbers with up to four decimals, alone or in lists."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple | pd.Series):
        return f"[{', '.join(map(show, value))}]"
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return f"{round(float(value), 4) + 0.0:.12g}"  # + 0.0 turns -0.0 into 0.0
    return str(value) if isinstance(value, bool | np.bool_) else repr(value)


def as_array(found, shape, hint, *mistakes):
    """`found` as an array of floats of this shape, else a Hint; a mistake is ``(shape, hint)``."""
    try:
        found = np.asarray(found, dtype=float)
    except (TypeError, ValueError) as error:
        raise Hint(f"Return an array of numbers, not {reprlib.repr(found)}.") from error
    if found.shape != shape:
        hint = next((specific for wrong, specific in mistakes if found.shape == wrong), hint)
        raise Hint(f"{hint} The shape should be {shape}; yours is {found.shape}.")
    return found


def as_pair(found, names):
    """`found` if it is a pair, else a Hint that names the two parts, such as ``"(train, test)"``."""
    if not isinstance(found, tuple | list) or len(found) != 2:
        own = f"has {len(found)} parts" if isinstance(found, tuple | list) else f"is of type {type(found).__name__}"
        raise Hint(f"Return {names}, in this order; yours {own}.")
    return found


def as_utterances(found, table, names):
    """`found` as a pair of indexes without a common name, both from the index of `table`, else a Hint."""
    first, second = as_pair(found, names)
    if isinstance(first, pd.DataFrame) or isinstance(second, pd.DataFrame):
        raise Hint("These are tables; the task asks for names of utterances: the `index` of each.")
    first, second = pd.Index(list(first)), pd.Index(list(second))
    unknown = [name for name in (*first, *second) if name not in table.index]
    if unknown:
        raise Hint(f"{unknown[0]!r} is not the name of an utterance: return names from the index of the table.")
    common = first.intersection(second)
    if len(common):
        raise Hint(f"Utterances on both sides: {len(common)}, such as {common[0]!r}. Put each on one side only.")
    return first, second


def speakers_apart(table, first, second):
    """Raise a Hint if a speaker has utterances in both indexes."""
    common = sorted(set(table.speaker[first]) & set(table.speaker[second]))
    if common:
        number = f"{len(common)} of {table.speaker.nunique()}"
        raise Hint(f"Speakers on both sides: {number}, such as {common[0]!r}. Put each speaker on one side only.")
