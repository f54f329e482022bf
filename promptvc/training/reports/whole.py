"""Everything as one JSON object."""

from __future__ import annotations

from collections.abc import Iterator

from promptvc.base.plain import dumps
from promptvc.training.reports.report import Report


def whole(report: Report) -> Iterator[str]:
    """One JSON object on one line."""
    yield dumps(report.to_json()) + "\n"
