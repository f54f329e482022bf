"""JUnit XML, which every CI system shows: one test suite a prompt, one test case a case.

A failed assertion is a ``failure``, a provider or a grader that failed is an ``error``, a case in quarantine is
``skipped``. Elements, their order and attributes are those that Jenkins' schema (junit-10.xsd) and pytest's own writer
have in common.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape, quoteattr

from promptvc.base.clock import format_time
from promptvc.base.plain import for_xml, one_line, written
from promptvc.evaluation.gate import named
from promptvc.evaluation.reduce import CaseScore
from promptvc.evaluation.reports.figures import share
from promptvc.evaluation.reports.kinds import errors_of, failures_of, kinds_of_row
from promptvc.evaluation.reports.report import Report, Row

_MESSAGE = 300


def junit(report: Report) -> Iterator[str]:
    """The document, a test case at a time. ``time`` is in seconds: of a case its mean latency, of all what it took."""
    outcomes = Counter(
        _outcome(score, case.id in report.quarantined)
        for case, score in zip(report.cases, report.candidate.scores, strict=True)
    )
    counts = {
        "tests": str(len(report.cases)),
        "failures": str(outcomes["failure"]),
        "errors": str(outcomes["error"]),
        "skipped": str(outcomes["skipped"]),
        "time": f"{max(0.0, (report.ended - report.started).total_seconds()):.3f}",
    }
    when = format_time(report.started)[:19]  # the schemas know no fractions and no zone
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f"<testsuites{_attributes({'name': 'promptvc', **counts})}>\n"
    yield f"<testsuite{_attributes({'name': report.name, **counts, 'timestamp': when})}>\n"
    yield _properties(_of_the_run(report))
    for row in report.rows():
        yield _case(report, row)
    yield "</testsuite>\n</testsuites>\n"


def _of_the_run(report: Report) -> Iterator[tuple[str, str]]:
    yield "version", report.candidate.label
    yield "digest", report.candidate.digest
    yield "model", report.candidate.model
    yield "suite", report.suite
    yield "repeats", str(report.repeats)
    yield "reducer", report.reducer
    yield "score", share(report.totals.score)
    if report.baseline is not None:
        yield "baseline", report.baseline.label
    if report.comparison is not None:
        yield "verdict", report.comparison.verdict
        yield "recommendation", report.comparison.recommendation
    if report.gate is not None:
        yield "gate", "open" if report.gate.open else "closed"
        yield "gate_reason", report.gate.reason
        for what, found in report.gate.apart:
            yield f"gate: {what}", f"{len(found):,} ({named(found)})"


def _case(report: Report, row: Row) -> str:
    attributes = {"name": row.case.id, "classname": report.name.replace("/", ".")}
    if row.score.latency_ms is not None:
        attributes["time"] = f"{row.score.latency_ms / 1000:.3f}"
    inner = _properties(_of_the_case(row)) + _verdict(row)
    return f"<testcase{_attributes(attributes)}>\n{inner}</testcase>\n"


def _of_the_case(row: Row) -> Iterator[tuple[str, str]]:
    yield "score", share(row.score.score)
    if row.before is not None:
        yield "score_before", share(row.before.score)
    yield "kinds", " ".join(kinds_of_row(row))
    for tag in row.case.tags:
        yield "tag", tag
    for name, value in row.score.metrics.items():
        yield f"metric:{name}", share(value)


def _verdict(row: Row) -> str:
    outcome = _outcome(row.score, row.quarantined is not None)
    if outcome == "skipped":
        return f"<skipped{_attributes({'message': row.quarantined or 'in quarantine'})}/>\n"
    if outcome == "error":
        said = errors_of(row.results) or (row.score.error or "no answer",)
        return _element("error", "error", said, row)
    if outcome == "failure":
        said = failures_of(row.results) or ("below its threshold",)
        return _element("failure", "assertion", said, row)
    return ""


def _element(name: str, kind: str, said: tuple[str, ...], row: Row) -> str:
    head = _attributes({"message": one_line(said[0], _MESSAGE), "type": kind})
    text = [*said]
    if row.case.expected is not None:
        text.append(f"expected: {written(row.case.expected)}")
    text += [
        f"answer {result.repeat + 1}: {result.output}"
        for result in row.results
        if result.output is not None and not result.passed
    ]
    # A carriage return that is not escaped is read as the end of a line.
    body = escape(for_xml("\n".join(text)), {"\r": "&#13;"})
    return f"<{name}{head}>{body}</{name}>\n"


def _outcome(score: CaseScore, quarantined: bool) -> str:  # noqa: FBT001 - one of the two things that decide
    if quarantined:
        return "skipped"
    if score.score is None:
        return "error"
    return "passed" if score.passed else "failure"


def _properties(pairs: Iterable[tuple[str, str]]) -> str:
    inner = "".join(f"<property{_attributes({'name': name, 'value': value})}/>" for name, value in pairs)
    return f"<properties>{inner}</properties>\n"


def _attributes(values: dict[str, str]) -> str:
    return "".join(f" {name}={quoteattr(for_xml(value))}" for name, value in values.items())
