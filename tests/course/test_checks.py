"""Checkers must accept right answers, catch wrong ones with a hint, and never raise on a student's error."""

import pytest

from ser_helpers.course import check, checks
from ser_helpers.course.checks import exercises


@pytest.mark.parametrize("exercise", exercises().values(), ids=lambda exercise: exercise.id)
def test_every_checker_catches_its_wrong_answers_with_a_hint(exercise):
    assert exercise.wrong, "register at least one wrong answer"
    for answer in exercise.wrong:
        state, hint = exercise.verdict(answer)
        assert state == "not yet"
        assert len(hint) > 20, "a hint is a sentence"


@pytest.mark.parametrize("exercise", exercises().values(), ids=lambda exercise: exercise.id)
def test_every_checker_calls_an_unfinished_stub_to_do(exercise):
    def stub(*args, **kwargs):
        raise NotImplementedError("Return the answer.")

    assert exercise.verdict(stub) == ("to do", "Return the answer.")


def test_check_prints_one_line_per_state(capsys, monkeypatch):
    def checker(answer):
        if answer() != 42:
            raise checks.Hint("Six times seven, not six plus seven.")

    monkeypatch.setitem(checks._registry, "99.1", checks.Exercise("99.1", checker))
    check("99.1", lambda: 42)
    check("99.1", lambda: 13)
    check("99.1", lambda: 1 / 0)
    assert capsys.readouterr().out.splitlines() == [
        "✓ 99.1 correct",
        "✗ 99.1 not yet: Six times seven, not six plus seven.",
        "✗ 99.1 not yet: your answer raised ZeroDivisionError: division by zero",
    ]


@pytest.mark.parametrize("exercise", exercises().values(), ids=lambda exercise: exercise.id)
@pytest.mark.parametrize(("answer", "kind"), [(None, "NoneType"), (3, "int"), ([1, 2], "list")])
def test_what_a_function_returned_is_told_from_the_function(exercise, answer, kind):
    state, sentence = exercise.verdict(answer)
    assert state == "not yet"
    assert sentence == f"give the function itself, by its name and without parentheses, not a {kind}."


def test_an_unknown_exercise_is_named():
    with pytest.raises(ValueError, match=r"no exercise 77\.7"):
        check("77.7", None)


def test_an_exercise_cannot_be_registered_twice(monkeypatch):
    monkeypatch.setattr(checks, "_registry", {})
    checks.exercise("99.2")(lambda answer: None)
    with pytest.raises(ValueError, match="registered twice"):
        checks.exercise("99.2")(lambda answer: None)
