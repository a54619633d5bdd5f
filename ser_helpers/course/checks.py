"""Exercises that check themselves.

A checker is a function that takes the student's answer and raises :class:`Hint` when the answer is not right yet. It is
registered with the wrong answers it must catch, so that a test can hold every checker to its word::

    @exercise("01.1", wrong=[lambda sr: sr])
    def highest_frequency(answer):
        if answer(16_000) != 8_000:
            raise Hint("Half the sample rate: see the sampling theorem above.")
"""

import importlib
import pkgutil
from dataclasses import dataclass, field
from pathlib import Path


class Hint(Exception):
    """What a checker says when an answer is not right yet."""


@dataclass
class Exercise:
    """A registered checker."""

    id: str
    checker: callable
    wrong: list = field(default_factory=list)

    def verdict(self, answer):
        """``("correct" | "to do" | "not yet", sentence)`` for an answer; never raises."""
        try:
            self.checker(answer)
        except NotImplementedError as task:
            return "to do", str(task)
        except Hint as hint:
            return "not yet", str(hint)
        except Exception as error:  # whatever the student's code raises is for the student to read
            if not callable(answer):
                kind = type(answer).__name__
                return "not yet", f"give the function itself, by its name and without parentheses, not a {kind}."
            return "not yet", f"your answer raised {type(error).__name__}: {error}"
        return "correct", ""


_registry = {}


def exercise(id, wrong=()):
    """Register the decorated checker as exercise `id`, with the `wrong` answers it must catch."""

    def register(checker):
        if id in _registry:
            raise ValueError(f"Exercise {id} is registered twice.")
        _registry[id] = Exercise(id, checker, list(wrong))
        return checker

    return register


def exercises(lesson=""):
    """The registered exercises by id, of all lessons or of one, such as ``"04"``."""
    for module in pkgutil.iter_modules([str(Path(__file__).with_name("exercises"))]):
        if module.name.startswith(f"lesson{lesson}"):
            importlib.import_module(f"{__package__}.exercises.{module.name}")
    return {id: known for id, known in sorted(_registry.items()) if id.startswith(lesson)}


def check(id, answer):
    """Print whether `answer` solves exercise `id`, with a hint when it does not.

    Parameters
    ----------
    id : str
        Lesson and number, such as ``"04.2"``.
    answer : object
        Usually the function the exercise asks for.

    Notes
    -----
    Used in every lesson.

    >>> from ser_helpers.course.checks import Exercise, Hint
    >>> def checker(answer):
    ...     if answer(16_000) != 8_000:
    ...         raise Hint("Half the sample rate: see the sampling theorem.")
    >>> Exercise("01.9", checker).verdict(lambda sr: sr)
    ('not yet', 'Half the sample rate: see the sampling theorem.')
    """
    known = exercises()
    if id not in known:
        raise ValueError(f"There is no exercise {id}; this course has {', '.join(known)}.")
    state, sentence = known[id].verdict(answer)
    mark = {"correct": "✓", "not yet": "✗", "to do": "…"}[state]
    print(f"{mark} {id} {state}: {sentence}" if sentence else f"{mark} {id} {state}")
