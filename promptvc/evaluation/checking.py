"""What is wrong with the files beside suites: quarantines for cases there are not, baselines without their evidence."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date

from promptvc.base.findings import Problem, problems_of
from promptvc.evaluation.gate import cases_of
from promptvc.evaluation.quarantine import Quarantine, load_quarantine, near
from promptvc.evidence.baselines import Baseline, load_baseline
from promptvc.evidence.records import ComparisonRecord, Record, RunRecord, folder


def quarantine_problems(
    path: str, data: bytes, cases: Collection[str] | None, today: date
) -> Iterator[Problem]:
    """Findings about one quarantine.

    Args:
        cases: ids of the suite's cases; None where there is no suite that can be read.
    """
    loaded: list[Quarantine] = []
    yield from problems_of("quarantine", path, lambda: loaded.append(load_quarantine(data, file=path)))
    for quarantine in loaded:
        for entry in quarantine.unknown(cases) if cases is not None else ():
            meant = near(entry, cases or ())
            hint = f"did you mean `{meant}`?" if meant else "remove the entry"
            message = f"the suite has no case `{entry.case}`"
            yield Problem("quarantine", "warning", path, entry.line, message, hint)
        for entry in quarantine.expired(today):
            message = f"`{entry.case}` counts again: its quarantine ended with {entry.until}"
            yield Problem(
                "quarantine", "warning", path, entry.line, message, "remove the entry, or say why it stays"
            )


def baseline_problems(path: str, name: str, data: bytes, records: Mapping[str, Record]) -> Iterator[Problem]:
    """Findings about one approved baseline; ``records`` are those of the tree, by path."""
    loaded: list[Baseline] = []
    yield from problems_of("baseline", path, lambda: loaded.append(load_baseline(name, data, file=path)))
    for baseline in loaded:
        yield from _against(path, baseline, records.get(f"{folder(name)}{baseline.evidence}.json"))


def _against(path: str, baseline: Baseline, record: Record | None) -> Iterator[Problem]:
    again = f"promptvc baseline approve {baseline.name} writes it anew"
    if not isinstance(record, RunRecord | ComparisonRecord):
        message = f"its evidence {baseline.evidence} is not here"
        yield Problem("baseline", "error", path, None, message, again)
        return
    pin = record if isinstance(record, RunRecord) else record.candidate
    told = {
        "version": (baseline.version, pin.version),
        "digest": (baseline.digest, pin.digest),
        "suite": (baseline.suite, record.suite),
        "model": (baseline.model, record.model),
        "judge": (baseline.judge, record.judge),
        "datasets": (dict(baseline.datasets), dict(record.datasets)),
        "repeats": (baseline.repeats, record.repeats),
        "reducer": (baseline.reducer, record.reducer),
    }
    wrong = [f"`{key}`" for key, (said, found) in told.items() if said != found]
    if wrong:
        message = f"{', '.join(wrong)}: not as in the evidence {baseline.evidence}"
        yield Problem("baseline", "error", path, None, message, again)
    cases = {one.case for one in cases_of(record)}
    strangers = [case for case in baseline.failing if case not in cases]
    if strangers:
        message = f"`failing` names cases that its evidence has not: {', '.join(strangers[:3])}"
        yield Problem("baseline", "warning", path, None, message, "remove them")
