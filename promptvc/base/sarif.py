"""Findings as SARIF 2.1.0, which code scanning and editors read.

The format: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html. Files are named from the repository's
top, as relative URIs below ``%SRCROOT%``. GitHub shows no result without a region: what is about a whole file is put
on its first line. A finding keeps its fingerprint while lines move: it is of rule, file and message, and counted
where these repeat. GitHub's own ``primaryLocationLineHash`` is of the source; its upload action adds it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from promptvc.base.findings import Problem
from promptvc.base.rules import RULES, Rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
TOP = "%SRCROOT%"
MOST_RESULTS = 25_000
"""GitHub refuses a run with more: https://docs.github.com/en/code-security/code-scanning, "SARIF support", limits."""
FINGERPRINT = "promptvcFinding/v1"


def sarif(
    problems: Sequence[Problem], *, version: str, prefix: str = "", rules: Collection[str] = ()
) -> dict[str, Any]:
    """One SARIF log with one run; of more than 25,000 findings the first, and a notification that says so.

    Args:
        version: of promptvc.
        rules: those that were looked for, and are listed with those of the findings; empty: all.
        prefix: what leads from the repository's top to where the findings' paths begin: "" or with a final slash.
    """
    named = {*rules, *(one.rule for one in problems)} if rules else set(RULES)
    listed = [rule for name, rule in RULES.items() if name in named]
    driver = {
        "name": "promptvc",
        "semanticVersion": _semantic(version),
        "rules": [_descriptor(rule) for rule in listed],
    }
    run: dict[str, Any] = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {TOP: {"description": {"text": "the top of the repository"}}},
        "results": list(_results(problems[:MOST_RESULTS], prefix, listed)),
    }
    if len(problems) > MOST_RESULTS:
        run["invocations"] = [_cut(len(problems))]
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _cut(count: int) -> dict[str, Any]:
    text = (
        f"{count:,} findings, of which the first {MOST_RESULTS:,} are written here: promptvc check shows all"
    )
    return {
        "executionSuccessful": True,
        "toolExecutionNotifications": [{"level": "warning", "message": {"text": text}}],
    }


def _descriptor(rule: Rule) -> dict[str, Any]:
    found = {
        "id": rule.id,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": f"{rule.summary} {rule.reason}"},
        "defaultConfiguration": {"level": rule.severity},
        "help": {"text": f"{rule.reason}{' promptvc check --fix mends some of it.' if rule.fixable else ''}"},
    }
    return found | {"properties": {"tags": ["prompts" if rule.ignorable else "integrity"]}}


def _results(problems: Sequence[Problem], prefix: str, listed: Sequence[Rule]) -> Iterator[dict[str, Any]]:
    numbers = {rule.id: number for number, rule in enumerate(listed)}
    seen: Counter[tuple[str, str, str]] = Counter()
    for problem in problems:
        key = (problem.rule, prefix + problem.file, problem.message)
        seen[key] += 1
        text = f"{problem.message} ({problem.hint})" if problem.hint else problem.message
        yield {
            "ruleId": problem.rule,
            **({"ruleIndex": numbers[problem.rule]} if problem.rule in numbers else {}),
            "level": problem.severity,
            "message": {"text": _whole(text)},
            "locations": _locations(problem, prefix),
            "partialFingerprints": {FINGERPRINT: _digest((*key, str(seen[key])))},
        }


def _locations(problem: Problem, prefix: str) -> list[dict[str, Any]]:
    """Where it is; nowhere for what lies outside of the files that git keeps."""
    path = PurePosixPath(problem.file)
    if path.is_absolute() or path.parts[:1] == (".git",):
        return []
    uri = quote(prefix + problem.file, safe="/", errors="surrogateescape")
    region: dict[str, int] = {"startLine": problem.line or 1}
    if problem.line and problem.column:
        region["startColumn"] = problem.column
    return [{"physicalLocation": {"artifactLocation": {"uri": uri, "uriBaseId": TOP}, "region": region}}]


def _semantic(version: str) -> str:
    """``1.2.3`` of ``1.2.3.dev4``: what SARIF asks of it is three numbers."""
    numbers = [part for part in version.split(".") if part.isdigit()]
    return ".".join([*numbers, "0", "0", "0"][:3])


def _whole(text: str) -> str:
    """Half a surrogate pair is no character, and no JSON that everybody reads."""
    return text.encode("utf-8", "backslashreplace").decode()


def _digest(parts: tuple[str, ...]) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
