"""Checkers must accept correct answers, catch wrong ones with a hint, and never raise on a student's error."""

import ast
import contextlib
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ser_helpers import audio, corpora
from ser_helpers.course import check, checks, notebooks

SOURCES = sorted((Path(__file__).resolve().parents[2] / "notebooks" / "src").glob("[0-9][0-9]_*.py"))
WRONG = {}
for path in sorted((Path(__file__).parent / "wrong_answers").glob("lesson*.py")):
    WRONG |= runpy.run_path(str(path))["WRONG"]


def test_every_exercise_has_wrong_answers():
    assert WRONG.keys() == checks.exercises().keys()


@pytest.mark.parametrize("id", WRONG)
def test_each_wrong_answer_gets_a_hint_of_its_own(id):
    hints = []
    for answer in WRONG[id]:
        state, hint = checks.exercises(id[:2])[id].verdict(answer)
        assert state == "not yet"
        assert "answer raised" not in hint
        assert "the check cannot use" not in hint
        hints.append(hint.partition(" Yours gives ")[0])
    assert len(set(hints)) == len(hints) > 1


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_the_solutions_of_the_lesson_are_correct(source):
    """Solutions run with the functions that the lesson defines before them."""
    scope, verdicts = {"np": np, "pd": pd, "audio": audio, "corpora": corpora}, {}
    scope["check"] = lambda id, answer: verdicts.update({id: checks.exercises(id[:2])[id].verdict(answer)})
    for cell in notebooks.read(source).cells:
        if notebooks.has_tag(cell, "solution"):
            exec(cell.source, scope)
        elif cell.cell_type == "code":
            code = ast.parse(cell.source)
            code.body = [part for part in code.body if isinstance(part, ast.FunctionDef | ast.ClassDef)]
            with contextlib.suppress(NameError):  # a network, whose library is not imported here
                exec(compile(code, source.name, "exec"), scope)
    assert verdicts == dict.fromkeys(checks.exercises(source.name[:2]), ("correct", ""))


def unfinished(*args):
    raise NotImplementedError("Return the answer.")


@pytest.mark.parametrize("exercise", checks.exercises().values(), ids=lambda exercise: exercise.id)
def test_an_unfinished_answer_is_to_do_and_one_without_a_result_is_not_correct(exercise):
    assert exercise.verdict(unfinished) == ("to do", "Return the answer.")
    state, hint = exercise.verdict(lambda *args: None)
    assert state == "not yet"
    assert exercise.may_return_none or "`return`" in hint


def tens(answer):
    """A checker for the tests of `check` itself."""
    values = [1, 2]
    checks.expect(answer(values), [10, 20], "Multiply by ten.", ([11, 12], "You added ten."))
    checks.expect(answer(values)[1] / 20, 1, "Multiply by ten again.", (2, "Twice is too often."))


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (lambda values: [10 * value for value in values], "✓ 99.1 correct"),
        (lambda values: [10 * values.pop(0), 10 * values.pop(0)], "✓ 99.1 correct"),
        (lambda values: [11, 12], "✗ 99.1 not yet: You added ten."),
        (lambda values: [10, 20.00004], "✓ 99.1 correct"),
        (lambda values: [1, 2.5], "✗ 99.1 not yet: Multiply by ten. Yours gives [1, 2.5]."),
        (lambda values: 1 / 0, "✗ 99.1 not yet: Your answer raised ZeroDivisionError: division by zero"),
        (lambda values: None, "✗ 99.1 not yet: Your function returns None: "),
        ([10, 20], "✗ 99.1 not yet: Give the function itself, by its name and without parentheses, not a list."),
        (unfinished, "… 99.1 to do: Return the answer."),
    ],
)
def test_check_prints_one_line(answer, line, capsys, monkeypatch):
    monkeypatch.setitem(checks._registry, "99.1", checks.Exercise("99.1", tens))
    check("99.1", answer)
    printed = capsys.readouterr().out
    assert line in printed
    assert printed.count("\n") == 1


def test_a_result_that_cannot_be_checked_is_shown():
    def checker(answer):
        answer() + 1

    state, hint = checks.Exercise("99.1", checker).verdict(lambda: "ten")
    assert state == "not yet"
    assert hint.startswith("Your function returned 'ten', which the check cannot use (TypeError: ")


def test_an_error_in_a_method_is_the_students():
    class Ring:
        def last(self):
            return 1 / 0

    verdict = checks.Exercise("99.1", lambda answer: answer().last()).verdict(Ring)
    assert verdict == ("not yet", "Your answer raised ZeroDivisionError: division by zero")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1000.0, "1000"),
        (np.float32(1 / 3), "0.3333"),
        (-1e-9, "0"),
        (True, "True"),
        (None, "None"),
        ("sad", "'sad'"),
        (np.array([[1, np.nan]]), "[[1, nan]]"),
        (pd.Series([1.5, 2], list("ab")), "[1.5, 2]"),
        ([(0.25, "x"), ()], "[[0.25, 'x'], []]"),
    ],
)
def test_results_are_shown_short(value, text):
    assert checks.show(value) == text


@pytest.mark.parametrize(
    ("found", "wanted", "same"),
    [
        (0.1 + 0.2, 0.3, True),
        ([1, 2], (1, 2), True),
        ([1, 2], [[1, 2]], False),
        ([[1, 2], [3]], [1, 2], False),
        (["a", "b"], ["a", "b"], True),
        ("a", None, False),
        (None, None, True),
        ("1", 1, False),
    ],
)
def test_results_are_the_same_up_to_rounding(found, wanted, same):
    assert checks.same(found, wanted) is same


def test_an_unknown_exercise_is_named_with_those_of_its_lesson():
    with pytest.raises(ValueError, match=r"no exercise 04\.9: this lesson has 04\.1, 04\.2, 04\.3\.$"):
        check("04.9", None)
    with pytest.raises(ValueError, match=r"no exercise 4\.1: an id is like 04\.2"):
        check("4.1", None)


def test_an_exercise_cannot_be_registered_twice(monkeypatch):
    monkeypatch.setattr(checks, "_registry", {})
    checks.exercise("99.2")(lambda answer: None)
    with pytest.raises(ValueError, match="registered twice"):
        checks.exercise("99.2")(lambda answer: None)
