"""The python assertion: what a suite's own code says of an answer.

::

    - {type: python, value: "len(output) < 80"}                an expression
    - type: python                                             statements with a return
      value: |
        words = output.split()
        return {"pass": len(words) > 3, "score": min(1, len(words) / 10), "reason": "too short"}
    - {type: python, value: "file://checks/tone.py:polite"}    a function; get_assert where none is named

The code sees ``output`` (the answer's text) and ``context``: ``vars``, ``prompt`` (what was sent: the text of a lone
message, else the messages as JSON) and ``expected``. It answers with true or false; a number from 0 to 1, which passes
from the ``threshold`` on, or above 0 without one; or ``{pass, score, reason}``. Anything else is an error. Nothing is
inserted into code: an answer or a variable is data that it reads. The grammar is promptfoo's
(https://www.promptfoo.dev/docs/configuration/expected-outputs/python).

Where a suite is loaded, :class:`CodeFiles` puts a file's text in the place of its path, so that the digest of the case
covers the code, and what runs comes from the commit that the suite comes from.
"""

from __future__ import annotations

import ast
import json
import math
import posixpath
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from promptvc.base.errors import InputError, NotFound
from promptvc.evaluation.assertions.assertion import (
    Answer,
    Assertion,
    Bench,
    Grade,
    Requirement,
    Templates,
    share_threshold,
)

NAME = "python"
FILE = "file://"
ENTRY = "get_assert"
"""The function of a file that is called where none is named."""

MAX_CODE = 256 * 1024  # characters
_REASON = 500
_KEYS = frozenset({"file", "function", "code"})

Read = Callable[[str], bytes | None]
"""The bytes at a path from the prompt root; None where there is no such file."""


def with_code(value: Any, read: Read, folder: str = "") -> Any:
    """The value of a python assertion with its file's text in it: ``{file, function, code}``; others as they are.

    Args:
        read: looks in the tree that the suite comes from.
        folder: of the suite, from the prompt root; paths are relative to it.

    Raises:
        NotFound: there is no such file.
        InputError: the path leaves the prompt root, or the file is no text.
    """
    if not isinstance(value, str) or not value.strip().startswith(FILE):
        return value
    written = value.strip().removeprefix(FILE)
    path, function = _split(written)
    place = posixpath.normpath(posixpath.join(folder, path))
    if not path or posixpath.isabs(path) or place.split("/")[0] == ".." or "\\" in path or "\0" in path:
        raise InputError(
            f"`{value.strip()}` leads out of the prompt root",
            hint="keep the code beside the suite, and name it from there",
        )
    data = read(place)
    if data is None:
        raise NotFound(f"there is no file {place}, which `{value.strip()}` names")
    try:
        code = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{place} is not UTF-8") from None
    return {"file": place, "function": function or ENTRY, "code": code}


def code_of(value: Any, read: Read | None = None, folder: str = "") -> str:
    """What a sandbox runs for the value of a python assertion: an expression, statements, or a module.

    Raises:
        NotFound, InputError: as :func:`with_code`, which fills in a file's text.
    """
    found = with_code(value, read, folder) if read is not None else value
    if isinstance(found, str):
        return found
    code, function = str(found["code"]), str(found["function"])
    return code if function == ENTRY else f"{code}\n\n{ENTRY} = {function}\n"


class CodeFiles:
    """Fills in the code of one suite's assertions, each file read once.

    Attributes:
        found: the files that were read, by path from the prompt root.
    """

    def __init__(self, read: Read, folder: str) -> None:
        self.found: dict[str, bytes] = {}
        self._source = read
        self._folder = folder

    def filled(self, assertion: Assertion) -> Assertion:
        """The same with its file's text in it, and so its members.

        Raises:
            NotFound, InputError: as :func:`with_code`; code that cannot be parsed.
        """
        if assertion.members:
            return replace(assertion, members=tuple(map(self.filled, assertion.members)))
        if assertion.base != NAME:
            return assertion
        value = with_code(assertion.value, self._read, self._folder)
        if value is assertion.value:
            return assertion
        complete = replace(assertion, value=value)
        wrong = Python().problem(complete)
        if wrong:
            raise InputError(f"`{assertion.type}` {wrong}")
        return complete

    def _read(self, path: str) -> bytes | None:
        if path not in self.found:
            data = self._source(path)
            if data is None:
                return None
            self.found[path] = data
        return self.found[path]


@dataclass(frozen=True, slots=True)
class Python:
    """Python code decides. It runs by leave only, in a process with limits; what goes wrong there is an error."""

    templates: ClassVar[Templates] = "none"

    def problem(self, assertion: Assertion) -> str | None:
        """Code that can be parsed, and a threshold of at most 1."""
        wrong = share_threshold(assertion)
        if wrong:
            return wrong
        value = assertion.value
        if isinstance(value, Mapping):
            if set(value) != _KEYS or not all(isinstance(part, str) for part in value.values()):
                return "needs code or `file://PATH.py` as its `value`"
            if not value["function"].isidentifier():
                return f"names the function `{value['function']}`, which cannot be one"
            fault = _fault(value["code"])
            return f"cannot be parsed: {value['file']}: {fault}" if fault else None
        if not isinstance(value, str) or not value.strip():
            return "needs code or `file://PATH.py` as its `value`"
        if value.strip().startswith(FILE):
            path, function = _split(value.strip().removeprefix(FILE))
            named = not function or function.isidentifier()
            return (
                None
                if path.endswith(".py") and named
                else "needs `file://PATH.py` or `file://PATH.py:FUNCTION`"
            )
        fault = _fault(value)
        return f"cannot be parsed: {fault}" if fault else None

    def needs(self, assertion: Assertion) -> Requirement | None:  # noqa: ARG002 - the protocol's
        """Leave to run code."""
        return "code"

    async def judge(self, answer: Answer, assertion: Assertion, bench: Bench) -> Grade:
        """Run the code on one answer."""
        value = assertion.value
        if isinstance(value, str) and value.strip().startswith(FILE):
            return Grade.failed(f"`{value.strip()}` was not read when the suite was loaded")
        context = {"vars": dict(answer.vars), "prompt": _sent(answer), "expected": answer.expected}
        return graded(await bench.run_code(code_of(value), answer.text, context), assertion.threshold)


def graded(said: Any, threshold: float | None) -> Grade:
    """The grade that code's answer means: true or false, a number, or ``{pass, score, reason}``."""
    if isinstance(said, bool):
        return Grade.of(said, "the code says no")
    if isinstance(said, int | float):
        return _number(said, threshold, "")
    if isinstance(said, Mapping):
        return _mapping(said, threshold)
    what = "nothing" if said is None else f"a {type(said).__name__}"
    return Grade.failed(
        f"the code answered with {what}, not true, false, a number or {{pass, score, reason}}"
    )


def _number(score: float, threshold: float | None, reason: str) -> Grade:
    if not math.isfinite(score) or not 0 <= score <= 1:
        return Grade.failed(f"the code answered with the score {score:g}, which is not from 0 to 1")
    if threshold is not None:
        return Grade.reaching(score, threshold, reason)
    return Grade(
        score=float(score), passed=score > 0, reason=reason or ("" if score > 0 else "the score is 0")
    )


def _mapping(said: Mapping[str, Any], threshold: float | None) -> Grade:
    passed, score, reason = said.get("pass", said.get("pass_")), said.get("score"), said.get("reason", "")
    if (
        not isinstance(passed, bool | None)
        or isinstance(score, bool)
        or not isinstance(score, int | float | None)
    ):
        return Grade.failed("the code's `pass` must be true or false, and its `score` a number")
    if passed is None and score is None:
        return Grade.failed("the code answered with neither `pass` nor `score`")
    said_of_it = " ".join(str(reason or "").split())[:_REASON]
    if score is None:
        score = float(bool(passed))
    grade = _number(score, threshold, said_of_it)
    if grade.error is not None or passed is None:
        return grade
    holds = passed and (threshold is None or grade.passed)
    return Grade(score=grade.score, passed=holds, reason=said_of_it or ("" if holds else "the code says no"))


def _split(written: str) -> tuple[str, str]:
    path, colon, function = written.rpartition(":")
    return (path, function) if colon else (written, "")


def _fault(code: str) -> str | None:
    """Why code cannot be parsed; what it would do is not asked here."""
    if len(code) > MAX_CODE:
        return f"it has more than {MAX_CODE:,} characters"
    fault = ""
    for mode, text in (("eval", code.strip()), ("exec", code)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ast.parse(text, mode=mode)
        except SyntaxError as error:
            fault = f"{error.msg} (line {error.lineno})" if error.lineno else error.msg
        except (ValueError, RecursionError, MemoryError) as error:
            return str(error) or type(error).__name__
        else:
            return None
    return fault


def _sent(answer: Answer) -> str:
    if len(answer.messages) == 1:
        return answer.messages[0].content
    turns = [{"role": message.role, "content": message.content} for message in answer.messages]
    return json.dumps(turns, ensure_ascii=False)
