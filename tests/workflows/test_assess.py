"""`evaluate`: which suite judges, what may be saved, at which level, and what is said."""

from __future__ import annotations

import pytest

from promptvc.base.stats import alpha_at
from tests.builders import Repo
from tests.commands import cli_of
from tests.servers import Reply, Request, Server, answer, failure
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT, desk_suite

SUITE = f"evaluation/{DESK}.yaml"
MODEL = ("--model", "openai:test-model", "--repeat", "1")
UNCOUNTED = "by hand: this look is not counted in the ledger"


def prompt(version: int, instruction: str) -> str:
    """The desk's prompt with another instruction."""
    text = DESK_PROMPT.replace("version: 1", f"version: {version}")
    return text.replace("Answer with one label only", instruction)


@pytest.fixture
def branched(desk: Repo) -> Repo:
    """A branch whose commit has three cases, and main, checked out, with 45."""
    desk.git("switch", "-q", "-c", "fewer")
    desk.commit({DESK_FILE: prompt(2, "Answer by label"), SUITE: desk_suite(1)}, "Fewer")
    desk.git("switch", "-q", "main")
    return desk


def test_a_git_revision_is_judged_by_its_own_suite(branched: Repo) -> None:
    cli = cli_of(branched)

    def cases(reference: str) -> int:
        found: int = cli.json("evaluate", reference, codes=(0, 1))["cases"]
        return found

    assert cases(f"{DESK}@fewer") == 3
    assert cases(f"{DESK}@{branched.rev('fewer')}") == 3
    assert cases(DESK) == 45
    for named in ("v1", "latest"):
        assert cases(f"{DESK}@{named}") == 45
    # Versions are judged by the working tree's suite, committed or not.
    branched.write({SUITE: desk_suite(2)})
    for named in ("", "@v1", "@latest"):
        assert cases(f"{DESK}{named}") == 6
    assert cases(f"{DESK}@fewer") == 3


def test_an_environment_is_judged_by_the_working_trees_suite(shipped: Repo) -> None:
    shipped.write({SUITE: desk_suite(2)})
    assert cli_of(shipped).json("evaluate", f"{DESK}@production")["cases"] == 6


def test_a_revision_without_a_suite_says_so(branched: Repo) -> None:
    branched.git("switch", "-q", "fewer")
    branched.commit({SUITE: None}, "None")
    branched.git("switch", "-q", "main")
    said = cli_of(branched).fails(2, "evaluate", f"{DESK}@fewer")
    assert "has no suite in fewer" in said


def test_removed_and_new_cases_are_told(branched: Repo) -> None:
    cli = cli_of(branched)
    done = cli.json("evaluate", f"{DESK}@fewer", "--baseline", "v1", codes=(0, 1))
    assert len(done["comparison"]["removed"]) == 42
    assert "new since" not in cli("evaluate", f"{DESK}@fewer", "--baseline", "v1").err
    told = cli("evaluate", DESK, "--baseline", "fewer")
    assert "42 cases are new since the baseline" in told.out + told.err


def test_evidence_needs_a_suite_that_git_has(branched: Repo) -> None:
    cli = cli_of(branched)
    before = branched.rev("HEAD")
    branched.write({SUITE: desk_suite(2)})
    for reference in (DESK, f"{DESK}@v1"):
        said = cli.fails(2, "evaluate", reference, "--save")
        assert f"--save needs a committed suite, and {SUITE} has changes" in said
        assert f"hint: git add {SUITE} && git commit" in said
    assert branched.rev("HEAD") == before
    # What decides is its content, and a revision brings its own.
    assert cli.json("evaluate", f"{DESK}@fewer", "--save", codes=(0, 1))["commit"] == branched.rev("HEAD")
    branched.write({SUITE: "# A comment.\n" + desk_suite()})
    assert cli.json("evaluate", DESK, "--save", codes=(0, 1))["commit"] == branched.rev("HEAD")
    branched.commit({SUITE: desk_suite(2)}, "Six")
    assert cli.json("evaluate", DESK, "--save", codes=(0, 1))["cases"] == 6


def test_a_trained_candidate_is_compared_at_the_level_of_its_look(trained: Repo) -> None:
    cli = cli_of(trained)
    assert alpha_at(1) < 0.05
    branch = f"promptvc/{DESK}/v2"
    for candidate in (f"{DESK}@v2", f"{DESK}@{branch}"):
        done = cli.json("evaluate", candidate, "--baseline", "v1")
        assert done["comparison"]["alpha"] == pytest.approx(alpha_at(1))
    # The same content under another number, uncommitted, with other looks only for company.
    content = trained.show(f"{branch}:{DESK_FILE}").replace(b"version: 2", b"version: 7")
    trained.write({DESK_FILE: content})
    assert cli.json("evaluate", DESK, "--baseline", "v1")["comparison"]["alpha"] == alpha_at(1)
    said = cli("evaluate", DESK, "--baseline", "v1")
    assert "a trained candidate: compared at the level of its look, alpha 0.0304" in said.out + said.err


def test_a_saved_comparison_of_a_trained_candidate_has_its_looks_level(trained: Repo) -> None:
    done = cli_of(trained).json("evaluate", f"{DESK}@v2", "--baseline", "v1", "--save")
    assert f'"alpha": {alpha_at(1)!r}'[:20] in trained.show(f"HEAD:{done['evidence']}").decode()


def test_other_looks_by_hand_are_said_to_be_uncounted(trained: Repo) -> None:
    cli = cli_of(trained)
    trained.write({DESK_FILE: prompt(3, "Say one label only")})
    assert cli.json("evaluate", DESK, "--baseline", "v1", codes=(0, 1))["comparison"]["alpha"] == 0.05
    said = cli("evaluate", DESK, "--baseline", "v1")
    assert UNCOUNTED in said.out + said.err
    # Cases that no look has seen are nobody's hold-out.
    trained.write({SUITE: desk_suite(15, salt="unseen")})
    said = cli("evaluate", DESK, "--baseline", "v1")
    assert UNCOUNTED not in said.out + said.err
    assert UNCOUNTED not in cli("evaluate", DESK).err


def test_without_a_ledger_nothing_is_said_of_looks(desk: Repo) -> None:
    said = cli_of(desk)("evaluate", DESK, "--baseline", "v1")
    assert "ledger" not in said.out + said.err


def test_what_failed_is_shown_with_what_was_expected(desk: Repo) -> None:
    cli = cli_of(desk)
    done = cli.json("evaluate", DESK, codes=(0, 1))
    assert len(done["failing"]) == done["failed"] == 30
    told = cli("evaluate", DESK)
    lines = [line.strip() for line in told.out.splitlines()]
    failed = [line for line in lines if line.startswith("failed ")]
    assert len(failed) == 10
    assert failed[0].startswith(f"failed {done['failing'][0]}: answered ")
    assert failed[0].endswith(f", expected {done['failing'][0].split('-')[0]}")
    assert "and 20 more: --json lists them" in lines


def test_without_an_expected_answer_the_failed_assertion_is_shown(desk: Repo) -> None:
    case = "  - {id: long, vars: {question: hello there}, assert: [{type: contains, value: sesame}]}\n"
    desk.write({SUITE: "cases:\n" + case})
    (line,) = [line for line in cli_of(desk)("evaluate", DESK).out.splitlines() if "failed long" in line]
    assert "; contains: " in line
    assert "expected None" not in line


def test_of_the_changed_cases_the_broken_come_first_and_not_all(shipped: Repo) -> None:
    cli = cli_of(shipped)
    better = cli.ok("evaluate", DESK, "--baseline", "v1").splitlines()
    assert sum(line.startswith("fixed\t") for line in better) == 10
    assert "and 20 more: --json lists them" in better
    worse = cli("evaluate", f"{DESK}@v1", "--baseline", "v2").out.splitlines()
    assert sum(line.startswith("broken\t") for line in worse) == 20
    assert "and 10 more: --json lists them" in worse


def test_errors_are_one_line(small: Repo) -> None:
    def script(request: Request) -> Reply:
        return failure(400, "no such thing") if "mu" in request.text else answer("alpha")

    with Server(script) as server:
        done = cli_of(small).json("evaluate", DESK, *MODEL, codes=(0, 1), more=server.environ())
        said = cli_of(small)("evaluate", DESK, *MODEL, **server.environ())
    assert done["errored"] > 1
    assert len(done["failing"]) == done["errored"] + done["failed"]
    (line,) = [line for line in said.out.splitlines() if "no such thing" in line]
    assert line.strip().startswith(f"{done['errored']} cases errored; the first, ")


def test_too_small_a_budget_says_what_is_needed(small: Repo) -> None:
    cli = cli_of(small)
    arguments = ("evaluate", DESK, "--baseline", "v1", *MODEL)
    with Server(lambda _: answer("alpha")) as server:
        small.write({DESK_FILE: prompt(2, "Answer by label")})
        said = cli.fails(3, *arguments, "--max-calls", "5", **server.environ())
        assert "the 5 calls that are allowed are used up; 55 of 60 answers are missing" in said
        assert (
            "hint: the evaluation takes 60 answers: --max-calls 55 or more; those that are there are kept"
            in said
        )
        assert server.count == 5
        cli.json(*arguments, "--max-calls", "55", codes=(0, 1), more=server.environ())
        assert server.count == 60
    said = cli.fails(3, "evaluate", DESK, "--max-calls", "5")
    assert "--max-calls 30 or more" in said
    assert "kept" not in said


def test_a_budget_bounds_requests_whatever_the_server_says(small: Repo) -> None:
    with Server(lambda _: failure(500, "out of order", retry_after="0")) as server:
        said = cli_of(small).fails(3, "evaluate", DESK, *MODEL, "--max-calls", "3", **server.environ())
        assert server.count == 3
    assert "the 3 calls that are allowed are used up" in said
    assert "out of order" in said
