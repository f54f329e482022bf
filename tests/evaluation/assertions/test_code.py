"""The python assertion: how code is named, read and checked, and what its answers mean."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from promptvc.base.errors import InputError, NotFound, Unfinished
from promptvc.evaluation.assertions.assertion import Answer, Assertion, Grade, JudgedGrader
from promptvc.evaluation.assertions.code import Python, code_of, graded, with_code
from promptvc.evaluation.assertions.registry import ASSERTIONS, needs, problem
from promptvc.evaluation.assertions.sandbox import Sandbox
from promptvc.models.messages import ChatMessage, Completion

FILES = {
    "evaluation/checks/tone.py": b"\xef\xbb\xbfdef get_assert(output, context):\n    return 'please' in output\n",
    "checks/shared.py": b"def polite(output, context):\n    return len(output) / 100\n",
    "evaluation/broken.py": b"\xff\xfe",
}


class CodeBench:
    """A bench that runs code and nothing else."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    async def run_code(self, code: str, output: str, context: Mapping[str, Any]) -> Any:
        return await self.sandbox.run(code, output, context)


def judged(assertion: Assertion, text: str = "please wait", **more: Any) -> Grade:
    sandbox = Sandbox(workers=1)
    grader = Python()
    assert grader.problem(assertion) is None
    try:
        answer = Answer(Completion(text, 1, 1, None, 1.0, "stop"), **more)
        return asyncio.run(grader.judge(answer, assertion, CodeBench(sandbox)))  # type: ignore[arg-type]
    finally:
        sandbox.close()


def test_it_is_a_judged_grader_that_needs_leave_to_run_code() -> None:
    assert isinstance(ASSERTIONS["python"], JudgedGrader)
    assert needs(Assertion("not-python", "True")) == {"code"}


@pytest.mark.parametrize(
    ("said", "threshold", "score", "passed"),
    [
        (True, None, 1, True),
        (False, None, 0, False),
        (True, 0.5, 1, True),
        (0.4, None, 0.4, True),
        (0, None, 0, False),
        (1, None, 1, True),
        (0.4, 0.5, 0.4, False),
        (0.5, 0.5, 0.5, True),
        ({"pass": True}, None, 1, True),
        ({"pass": False}, None, 0, False),
        ({"pass": False, "score": 0.9, "reason": "no"}, None, 0.9, False),
        ({"pass": True, "score": 0.3}, 0.5, 0.3, False),
        ({"pass": True, "score": 0}, None, 0, True),
        ({"score": 0.7}, 0.5, 0.7, True),
        ({"score": 0}, None, 0, False),
        ({"pass_": True, "score": 1}, None, 1, True),
    ],
)
def test_what_an_answer_means(said: Any, threshold: float | None, score: float, passed: bool) -> None:
    grade = graded(said, threshold)
    assert (grade.score, grade.passed, grade.error) == (score, passed, None)
    assert passed or grade.reason


@pytest.mark.parametrize(
    "said",
    [
        None,
        "true",
        [1],
        2,
        -0.1,
        {},
        {"reason": "x"},
        {"pass": "yes"},
        {"score": "1"},
        {"score": True},
        {"pass": 1},
        {"pass": True, "score": 7},
    ],
)
def test_any_other_answer_is_an_error_and_no_pass(said: Any) -> None:
    grade = graded(said, None)
    assert grade.error is not None
    assert not grade.passed
    assert graded(said, None).negated("python").error is not None


def test_a_reason_is_one_short_line() -> None:
    assert graded({"pass": False, "reason": "too\n  long " * 500}, None).reason.startswith(
        "too long too long"
    )
    assert len(graded({"pass": False, "reason": "x" * 5000}, None).reason) <= 500
    assert graded({"pass": True, "reason": "fine"}, None).reason == "fine"


def test_code_sees_variables_prompt_and_expectation() -> None:
    code = "context['vars']['tone'] == 'soft' and context['prompt'] == 'Be soft.' and context['expected'] == 'ok'"
    one = (ChatMessage("user", "Be soft."),)
    assert judged(Assertion("python", code), vars={"tone": "soft"}, messages=one, expected="ok").passed
    turns = (ChatMessage("system", "Be soft."), ChatMessage("user", "Hi"))
    code = "[t['role'] for t in json.loads(context['prompt'])] == ['system', 'user']"
    assert judged(Assertion("python", code), messages=turns).passed


def test_an_answer_is_data_that_code_reads() -> None:
    hostile = "'); import os; os._exit(0); ('{{ output }}"
    assert judged(Assertion("python", "len(output) > 10"), hostile).passed
    assert problem(Assertion("python", "{{ output }}")) is None
    assert not judged(Assertion("python", "'{{ tone }}' == 'soft'"), vars={"tone": "soft"}).passed


def test_a_fault_of_the_code_is_raised_for_the_grading_to_record() -> None:
    with pytest.raises(Unfinished, match="ZeroDivisionError"):
        judged(Assertion("python", "1/0"))


def test_a_file_s_text_takes_the_place_of_its_path() -> None:
    value = with_code("file://checks/tone.py", FILES.get, "evaluation")
    assert value["file"] == "evaluation/checks/tone.py"
    assert value["function"] == "get_assert"
    assert judged(Assertion("python", value)).passed
    assert not judged(Assertion("python", value), "wait").passed
    named = with_code(" file://../checks/shared.py:polite ", FILES.get, "evaluation")
    assert judged(Assertion("python", named, threshold=0.5), "x" * 60).passed
    assert code_of("file://../checks/shared.py:polite", FILES.get, "evaluation") == code_of(named)
    assert with_code("len(output) < 5", FILES.get) == "len(output) < 5"


@pytest.mark.parametrize(
    "value",
    [
        "file://../../secret.py",
        "file:///etc/passwd.py",
        "file://checks/../../../x.py",
        "file://..\\x.py",
        "file://",
        "file://a\0.py",
    ],
)
def test_no_path_leaves_the_prompt_root(value: str) -> None:
    with pytest.raises(InputError, match="leads out of the prompt root"):
        with_code(value, lambda path: pytest.fail(f"it read {path}"), "evaluation")


def test_a_file_that_is_missing_or_no_text_is_named() -> None:
    with pytest.raises(NotFound, match=r"there is no file evaluation/gone\.py"):
        with_code("file://gone.py", FILES.get, "evaluation")
    with pytest.raises(InputError, match=r"evaluation/broken\.py is not UTF-8"):
        with_code("file://broken.py", FILES.get, "evaluation")


def test_a_file_that_nobody_read_is_an_error_and_no_pass() -> None:
    assert "was not read" in str(judged(Assertion("python", "file://checks/tone.py")).error)


@pytest.mark.parametrize(
    ("value", "threshold", "reason"),
    [
        (None, None, "needs code"),
        ("  ", None, "needs code"),
        (7, None, "needs code"),
        (["True"], None, "needs code"),
        ({"code": "True"}, None, "needs code"),
        ({"file": "a.py", "function": "a b", "code": "1"}, None, "function"),
        ({"file": "a.py", "function": "f", "code": "def f(:"}, None, "a.py"),
        ("def f(:", None, "cannot be parsed"),
        ("x = 1\nreturn (", None, "line 2"),
        ("x" * 300_000, None, "characters"),
        ("(" * 5000, None, "cannot be parsed"),
        ("\0", None, "cannot be parsed"),
        ("file://checks/tone.js", None, "PATH.py"),
        ("file://checks/tone.py:a-b", None, "FUNCTION"),
        ("True", 1.5, "`threshold` from 0 to 1"),
    ],
)
def test_what_is_wrong_is_said_when_the_suite_is_loaded(
    value: Any, threshold: float | None, reason: str
) -> None:
    found = problem(Assertion("python", value, threshold))
    assert found is not None
    assert reason in found


def test_code_that_warns_when_parsed_is_no_problem() -> None:
    assert problem(Assertion("python", "'\\d' in output")) is None
    assert problem(Assertion("python", "if output is 'x':\n    return True\nreturn 0.5")) is None
