"""A small year with three problems, and one without: counts, which are the facts of some 100,000 events."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from benchmarks.traffic import Plan, Planted, counted
from promptvc.analysis.reporting.periods import midnight
from promptvc.analysis.reporting.problems import Deployment
from promptvc.analysis.reporting.report import Asked, Report, make_report

PLANTED = (
    Planted("success", "team0/task00", 197, 0.3, tag="eu"),
    Planted("latency", "team1/task01", 120, 1.8, model="openai:large"),
    Planted("error", "team2/task02", 250, 0.08, error="Timeout", until=320),
)
SMALL = Plan(prompts=4, calls=90_000, rated=0.35, between=0.01)


def end_of(plan: Plan) -> datetime:
    return midnight(plan.start + timedelta(days=plan.days))


@pytest.fixture(scope="session")
def troubled() -> Report:
    """The weekly report at the end of the year with problems; the second version of one prompt came with its fall."""
    plan = Plan(prompts=4, calls=90_000, rated=0.35, between=0.01, planted=PLANTED)
    day = plan.start + timedelta(days=197)
    marks = (Deployment(day, "production", "team0/task00", 2, "c" * 40, "Deploy team0/task00 v2"),)
    return make_report(counted(plan), Asked("weekly", end_of(plan)), marks)


@pytest.fixture(scope="session")
def quiet() -> Report:
    """The monthly report at the end of the year without."""
    return make_report(counted(SMALL), Asked("monthly", end_of(SMALL)))
