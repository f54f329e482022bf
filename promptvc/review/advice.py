"""The verdict on a candidate in one line, with a sign that nobody takes for another, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator

from promptvc.base.spans import code, words
from promptvc.evaluation.reports.figures import points, share
from promptvc.review.report import CandidateReport

NOT_MEASURED = "not measured"
NOT_COMPARED = "not compared"

_SIGNS = {
    "improvement": "✅",
    "regression": "❌",
    "equivalent": "➖",
    "inconclusive": "❔",
    "incomparable": "⚠️",
    NOT_COMPARED: "⚠️",
    NOT_MEASURED: "⚠️",
}


def label(report: CandidateReport) -> str:
    """The verdict in words; ``not measured`` and ``not compared`` where there is none."""
    word = report.verdict or (NOT_COMPARED if report.cases else NOT_MEASURED)
    return f"{word} (provisional)" if report.provisional else word


def sign(report: CandidateReport) -> str:
    """One sign for the verdict: a better score that must not be deployed is no good news."""
    if report.recommendation == "reject":
        return _SIGNS["regression"]
    word = report.verdict or (NOT_COMPARED if report.cases else NOT_MEASURED)
    if word == "improvement" and (report.recommendation not in {"deploy", None} or report.draft):
        return _SIGNS["incomparable"]
    return _SIGNS.get(word, _SIGNS["incomparable"])


def headline(report: CandidateReport) -> str:
    """The verdict in one line, for the title of a pull request: plain text, all of it promptvc's own.

    ``support/triage v4: +9.5 points (n=200), improvement``
    """
    which = f"{report.name} {report.candidate.label}"
    if report.score is not None:
        told = f"{label(report)}, {_held_back(report)}" if _held_back(report) else label(report)
        return f"{which}: {points(report.score.difference)} points (n={report.score.n}), {told}"
    if report.verdict is None and report.cases:
        return f"{which}: score {share(report.candidate.score)} (n={report.cases}), {NOT_COMPARED}"
    return f"{which}: {label(report)}"


def _held_back(report: CandidateReport) -> str | None:
    """What is recommended of a better one besides deploying it."""
    if report.verdict != "improvement" or report.recommendation in {"deploy", None}:
        return None
    return str(report.recommendation).replace("_", " ")


def advice(report: CandidateReport) -> Iterator[str]:
    """What to do next, a sentence each: merge, or why not."""
    name = f"{report.name}@v{report.candidate.version}"
    evaluate = code(f"promptvc evaluate {name} --baseline latest --save", 400)
    if report.on_main:
        yield f"It is on main already; {code(f'promptvc deploy {name}', 400)} brings it to an environment."
        return
    if report.current is False:
        yield (
            "Main has another version by now than the one that this was compared with: measure again before "
            f"merging, with {evaluate}."
        )
    yield from _by_verdict(report, evaluate)


def _by_verdict(report: CandidateReport, evaluate: str) -> Iterator[str]:
    match report.verdict, report.recommendation:
        case None, _:
            yield f"Measure it before merging: {evaluate}. Until then only the text can be judged."
        case "regression", _:
            yield "Do not merge: it is worse. Close the pull request, or change the prompt and measure again."
        case "incomparable", _:
            yield f"Do not merge on this evidence: the two sides could not be compared. Run {evaluate}."
        case _, "reject":
            yield "Do not merge: a guard got worse, or the score is too low."
        case "equivalent", _:
            yield "The scores give no reason to merge, and none against it: judge by the text."
        case "inconclusive", _:
            yield "Do not merge on the score: it may be chance. More cases or more feedback decide it."
        case "improvement", _ if report.draft:
            yield "A draft: better, but on too few independent cases to promise it. More cases decide it."
        case "improvement", "hold":
            reason = report.comparison.reason if report.comparison is not None else None
            why = f": {words(reason)}" if reason else ""
            yield f"Do not merge yet{why}. What lifts this is a comparison without it: {evaluate}."
        case "improvement", "test_more":
            yield "Better, but test it more before it is deployed; merging deploys nothing by itself."
        case _:
            yield (
                f"Merge it: this pull request, or {code(f'promptvc merge {report.branch}', 400)}."
                if (report.branch is not None)
                else "Merge it."
            )
    if report.provisional:
        yield "The verdict is provisional until the look is pushed to the ledger."
