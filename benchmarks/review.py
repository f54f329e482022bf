"""What the report on a candidate costs where its comparison has 1,000 cases: CPU of this process and of its git.

``python -m benchmarks.review``: a repository with a suite of 1,000 cases, a saved run of each side with every answer, a
comparison in which half of the cases were fixed and half are broken, and a ledger. Measured is the report alone, from
the repository to Markdown: with the validation of earlier runs remembered, and without.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from promptvc.base.clock import utc_now
from promptvc.base.ids import derived_ulid
from promptvc.evidence.comparisons import ComparisonRecord, Pair
from promptvc.evidence.ledger import Events, Training
from promptvc.evidence.records import Record, RunRecord, path, to_bytes
from promptvc.evidence.runs import CaseResult, Totals
from promptvc.evidence.values import Score, Tokens, VersionRef
from promptvc.git.commits import CommitOptions, Plan, commit
from promptvc.git.objects import Objects, blob_id
from promptvc.git.repo import Repository
from promptvc.prompts.names import path_of
from promptvc.review.markdown import candidate_markdown
from promptvc.store.candidates import candidate_branch
from promptvc.store.ledgers import Ledgers
from promptvc.workflows.project import open_project
from promptvc.workflows.reviewing import tell_candidate

LIMIT_MS = 200
CASES = 1000
NAME = "support/triage"
WHEN = datetime(2026, 1, 1, tzinfo=UTC)
EVENT = derived_ulid(WHEN, b"cited", 0)
PROMPT = """\
name: support/triage
version: 1
variables:
  message: {description: what a customer wrote, required: true}
messages:
  - role: system
    content: Route the message to the team that can solve it.
  - role: user
    content: "{{ message }}"
"""


def question(at: int) -> str:
    """What case ``at`` asks."""
    return f"message number {at} of a customer who was charged twice and wants to know why that is so"


def suite() -> str:
    """The cases."""
    lines = ["cases:"]
    for at in range(CASES):
        lines += [f"  - id: case-{at}", f"    vars: {{message: {question(at)}}}", "    expected: billing"]
    return "\n".join(lines) + "\n"


def run_of(digest: str, version: int) -> RunRecord:
    """A run with every answer."""
    cases = [
        CaseResult(f"case-{at}", 1.0, passed=True, output=f"answer {at} of v{version} " * 6, latency_ms=1.0)
        for at in range(CASES)
    ]
    totals = Totals(1.0, CASES, CASES, 0, 0, Tokens(90_000, 9_000), 1.2, 400.0, 900.0)
    identifier = derived_ulid(WHEN, b"run", version)
    return RunRecord(identifier, NAME, version, digest, "s" * 64, "offline", WHEN, WHEN, cases, totals)


def records(before: VersionRef, after: VersionRef) -> list[Record]:
    """The comparison and the runs of both sides."""
    pairs = tuple(Pair(f"case-{at}", float(at % 2), float(1 - at % 2)) for at in range(CASES))
    made = ComparisonRecord(
        id=derived_ulid(WHEN, b"comparison", 0),
        time=WHEN,
        prompt=NAME,
        candidate=after,
        baseline=before,
        suite="s" * 64,
        model="offline",
        verdict="inconclusive",
        recommendation="test_more",
        score=Score(0.5, 0.5, 0.0, -0.1, 0.1, 0.95, CASES),
        p=0.5,
        alpha=0.05,
        pairs=pairs,
        fixed=tuple(pair.case for pair in pairs if pair.candidate),
        broken=tuple(pair.case for pair in pairs if pair.baseline),
        training=derived_ulid(WHEN, b"training", 0),
    )
    return [made, run_of(before.digest, 1), run_of(after.digest, 2)]


def build(folder: Path, environ: dict[str, str]) -> None:
    """The repository, with the candidate on its branch and its training in the ledger."""
    git = ["git", "-C", str(folder)]
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    for key, value in (("user.name", "Bench"), ("user.email", "bench@example.org"), ("gc.auto", "0")):
        subprocess.run([*git, "config", key, value], check=True)
    repository = Repository.discover(folder, environ)
    candidate = (
        PROMPT.replace("version: 1", "version: 2") + f"rules:\n  - text: Be brief.\n    because: [{EVENT}]\n"
    )
    before, after = (
        VersionRef(number, blob_id(text.encode(), repository.object_format))
        for number, text in enumerate((PROMPT, candidate), 1)
    )
    files = {path_of(NAME): PROMPT, f"evaluation/{NAME}.yaml": suite(), **events()}
    start = Plan({place: text.encode() for place, text in files.items()}, "Start")
    first = commit(repository, None, lambda _tip: start)
    subprocess.run([*git, "reset", "-q", "--hard"], check=True)
    made = {path(record): to_bytes(record) for record in records(before, after)}
    proposal = Plan({path_of(NAME): candidate.encode(), **made}, "Train support/triage v2")
    branch = CommitOptions(start=first.commit)
    commit(repository, candidate_branch(NAME, 2), lambda _tip: proposal, options=branch)
    with Objects(repository) as objects:
        Ledgers(repository, objects, "origin").record(
            Training(
                id=derived_ulid(WHEN, b"training", 0),
                time=WHEN,
                prompt=NAME,
                approach="meta_prompt",
                seed=0,
                model="offline",
                baseline=before,
                candidate=after,
                events=Events.of([EVENT]),
                promoted=False,
                reason="inconclusive",
                calls=1,
            )
        )


def events() -> dict[str, str]:
    """Feedback of which one is cited."""
    lines = [
        json.dumps(
            {
                "id": EVENT if at == 0 else derived_ulid(WHEN, b"event", at),
                "time": "2026-01-01T10:00:00Z",
                "prompt": NAME,
                "kind": "suggestion",
                "source": "human",
                "comment": f"remark number {at}: please be brief",
            }
        )
        for at in range(CASES)
    ]
    return {f"feedback/{NAME}/2026/01/{derived_ulid(WHEN, b'segment', 0)}.jsonl": "\n".join(lines) + "\n"}


def cpu_ms() -> float:
    """CPU milliseconds of this process and of the processes that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used) * 1000


def tell(folder: Path, environ: dict[str, str]) -> tuple[float, str]:
    """One report, and what it took."""
    before = cpu_ms()
    with open_project(folder, environ=environ, clock=utc_now) as project:
        text = candidate_markdown(tell_candidate(project, NAME))
    return cpu_ms() - before, text


def main() -> int:
    """Build, measure, print; 1 if the limit was missed."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "repository"
        environ = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "HOME": scratch}
        build(folder, environ)
        tell(folder, environ)  # what is imported when first used
        shutil.rmtree(folder / ".promptvc")
        cold, text = tell(folder, environ)
        warm = statistics.median(tell(folder, environ)[0] for _ in range(7))
        assert "#### Broken (500)" in text
        assert "#### Fixed (500)" in text
        within = warm <= LIMIT_MS
        stated = f"limit {LIMIT_MS} ms   {'ok' if within else 'MISSED'}"
        print(f"report on {CASES:,} cases, {len(text.encode()):,} bytes {warm:8.0f} ms CPU   {stated}")
        print(f"the same with nothing remembered        {cold:8.0f} ms CPU")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
