"""Code that a suite names: read from the tree of the suite, part of the case's digest, faults at their line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from promptvc.base.errors import InvalidDocument
from promptvc.evaluation.cases.suite import Suite, load_suite

TONE = b"def get_assert(output, context):\n    return 'please' in output\n"
SUITE = """\
default:
  assert: [{type: python, value: "file://../shared.py:short"}]
cases:
  - id: tone
    vars: {message: hi}
    assert:
      - {type: contains, value: x}
      - {type: not-python, value: "file://checks/tone.py"}
      - type: assert-set
        assert: [{type: python, value: "file://checks/tone.py"}, {type: python, value: "True"}]
  - rows.jsonl
"""
ROW = b'{"id": "row", "vars": {"message": "hi"}, "assert": [{"type": "python", "value": "file://checks/tone.py"}]}\n'


@dataclass
class Tree:
    """Files by their path from the prompt root."""

    files: Mapping[str, bytes]

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    def list(self, folder: str) -> Sequence[str]:
        return []


def suite(text: str = SUITE, **files: bytes) -> Suite:
    known = {
        "evaluation/checks/tone.py": TONE,
        "shared.py": b"def short(output, context):\n    return len(output) < 9\n",
        "evaluation/rows.jsonl": ROW,
    }
    changed = {name.replace("__", "/") + ".py": data for name, data in files.items()}
    return load_suite(text.encode(), file="evaluation/desk.yaml", files=Tree(known | changed))


def test_the_text_of_a_file_takes_its_path_s_place_everywhere() -> None:
    first, row = suite().cases
    tone = {"file": "evaluation/checks/tone.py", "function": "get_assert", "code": TONE.decode()}
    assert first.assertions[0].value["function"] == "short"
    assert first.assertions[2].value == tone
    assert first.assertions[3].members[0].value == tone
    assert first.assertions[3].members[1].value == "True"
    assert row.assertions[1].value == tone


def test_the_suite_says_which_files_it_runs() -> None:
    assert set(suite().code) == {"evaluation/checks/tone.py", "shared.py"}
    assert suite().code["evaluation/checks/tone.py"] == TONE


def test_a_change_of_the_code_changes_the_digests() -> None:
    before, after = suite(), suite(evaluation__checks__tone=TONE + b"# changed\n")
    assert before.digest != after.digest
    assert all(old.digest != new.digest for old, new in zip(before.cases, after.cases, strict=True))
    assert before.digest == suite(evaluation__other=b"1\n").digest


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("file://gone.py", "there is no file evaluation/gone.py"),
        ("file://../../out.py", "leads out of the prompt root"),
        ("file://checks/bad.py", "evaluation/checks/bad.py: invalid syntax (line 1)"),
        ("file://checks/latin.py", "evaluation/checks/latin.py is not UTF-8"),
    ],
)
def test_a_fault_is_told_with_its_line(value: str, reason: str) -> None:
    lines = ["cases:", "  - vars: {a: b}", "    assert:", "      - {type: is-json}"]
    text = "\n".join([*lines, f'      - {{type: python, value: "{value}"}}', ""])
    with pytest.raises(InvalidDocument) as error:
        suite(text, evaluation__checks__bad=b"def :\n", evaluation__checks__latin=b"'\xe9'\n")
    assert reason in error.value.message
    assert (error.value.file, error.value.line) == ("evaluation/desk.yaml", 5)


def test_a_fault_in_a_default_is_told_with_its_line() -> None:
    text = 'default:\n  assert:\n    - {type: python, value: "file://gone.py"}\ncases: [{vars: {a: b}}]\n'
    with pytest.raises(InvalidDocument) as error:
        suite(text)
    assert error.value.line == 3
