"""`promptvc check`, run job by job: what a pull request is told, and what stays out of its reach."""

from __future__ import annotations

from tests.ci.conftest import World
from tests.ci.runner import installed
from tests.worlds import DESK_FILE, DESK_PROMPT

BETTER = DESK_PROMPT.replace("version: 1", "version: 2").replace("only:", "only, nothing else:")


def test_a_change_is_checked_and_evaluated_and_commented_once(world: World) -> None:
    number = world.propose("wording", {DESK_FILE: BETTER})
    run = world.checked(number).ok()
    assert run.results() == {
        "check": "success",
        "plan": "success",
        "evaluate": "skipped",
        "offline": "success",
        "report": "success",
        "promptvc": "success",
    }
    (comment,) = world.forge.comments
    assert (comment.author.login, comment.of) == ("github-actions[bot]", number)
    assert "`desk/route` v2 against v1" in comment.body
    assert comment.body.rstrip().endswith("<!-- promptvc:evaluation -->")
    assert "`desk/route` v2 against v1" in run.jobs["report"].summary
    assert "promptvc[github]==" in installed(world.actions, run, "report")
    world.checked(number).ok()
    assert len(world.forge.comments) == 1
