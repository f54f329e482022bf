"""Hard inputs that a prompt failed, as a dataset that a suite can take in with one line.

``evaluation/<name>.adversarial.jsonl`` (docs/formats.md, Datasets); its line under `cases` is
``<last part of the name>.adversarial.jsonl``. Nobody reads it before a person has. Cases are marked ``split: train``:
they were made of what training saw, and are no hold-out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from promptvc.base.jsonl import canonical_json, parse_json
from promptvc.evaluation.cases.suite import Case
from promptvc.feedback.redact import CATEGORIES
from promptvc.training.approaches.adversarial.probe import Finding
from promptvc.training.approaches.adversarial.seeds import Mutant

_UNUSABLE = re.compile(rf"\{{\{{|\[(?:{'|'.join(CATEGORIES)})\]")
"""In an answer: a place for a variable, or where something was redacted."""


def path_of(name: str) -> str:
    """The dataset of the prompt ``name``, from the prompt root."""
    return f"evaluation/{name}.adversarial.jsonl"


def dataset_of(findings: Iterable[Finding], known: Sequence[Case], most: int) -> bytes:
    """The failed inputs of ``findings`` as JSON Lines; empty when none can be written.

    Args:
        known: cases that are there already; what asks the same is left out.
        most: cases of one family.
    """
    taken = {canonical_json(dict(case.vars)) for case in known}
    names = {case.id for case in known}
    lines: list[bytes] = []
    for finding in findings:
        left = most
        for mutant in finding.failed:
            key = canonical_json(dict(mutant.input))
            if not left or key in taken or mutant.case.id in names or not _tells(mutant):
                continue
            taken.add(key)
            left -= 1
            lines.append(_line(_document(mutant)))
    return b"".join(lines)


def joined(before: bytes | None, new: bytes, *, file: str) -> bytes:
    """``before`` as it is and the lines of ``new`` whose case it does not have.

    Raises:
        InvalidDocument: a line of ``before`` is no JSON.
    """
    if not before or not before.strip():
        return new
    rows = [
        parse_json(line, file=file, line=number)
        for number, line in enumerate(before.split(b"\n"), 1)
        if line.strip()
    ]
    known = {str(row.get("id")) for row in rows if isinstance(row, Mapping)}
    fresh = [line for line in new.splitlines(keepends=True) if json.loads(line)["id"] not in known]
    gap = b"" if before.endswith(b"\n") or not fresh else b"\n"
    return before + gap + b"".join(fresh)


def _tells(mutant: Mutant) -> bool:
    """Whether the case can fail where the prompt does, and a suite can hold it."""
    held = [str(each.value) for each in mutant.case.assertions] if mutant.graded else []
    if any(map(_UNUSABLE.search, [*held, str(mutant.case.expected or "")])):
        return False
    return mutant.graded or mutant.family.kind != "noise"


def _document(mutant: Mutant) -> dict[str, Any]:
    seed = mutant.seed
    source = f"the input of {', '.join(seed.because)}" if seed.because else f"the case {seed.case.id}"
    case: dict[str, Any] = {
        "id": mutant.case.id,
        "description": f"{mutant.family.name}: made from {source}",
        "vars": dict(mutant.input),
    }
    assertions = mutant.case.assertions
    if mutant.graded and seed.item is None:
        case |= {} if mutant.case.threshold is None else {"threshold": mutant.case.threshold}
    elif mutant.graded:
        case["expected"] = mutant.case.expected
        # How an answer is held against what is expected, the suite says.
        assertions = tuple(each for each in assertions if each not in seed.case.assertions)
    if assertions:
        case["assert"] = [each.to_json() for each in assertions]
    tags = {"tags": ["adversarial", mutant.family.name]}
    cluster = {"cluster": seed.user} if seed.user else {}
    return case | tags | cluster | {"split": "train", "metadata": {"because": list(seed.because)}}


def _line(document: Mapping[str, Any]) -> bytes:
    """For people to read: in ASCII where something could not be seen, or be taken for something else."""
    hidden = "homoglyphs" in document["tags"] or not all(
        text.replace("\n", "").replace("\t", "").isprintable()
        for text in document["vars"].values()
        if isinstance(text, str)
    )
    return json.dumps(document, ensure_ascii=hidden).encode() + b"\n"
