"""What only GitHub does: bots without `GET /user`, drafts that a plan does not have, actions that may not open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from promptvc.base.errors import InputError, Refused
from promptvc.forge.forge import Forge, PullText, marked
from promptvc.forge.opening import open_forge
from tests.forge.conftest import Naps
from tests.forge.servers.github import GitHubServer
from tests.forge.servers.serving import Fault
from tests.forge.servers.state import ADA, BOT

DRAFT = PullText("A better prompt", "Why.", draft=True)


@pytest.fixture
def hub(bare: Path) -> Iterator[GitHubServer]:
    with GitHubServer(bare) as running:
        yield running


@pytest.fixture
def bot(hub: GitHubServer, naps: Naps) -> Forge:
    return open_forge(hub.clone_url(), hub.environ(BOT), patience=naps.patience())


def test_the_token_of_a_job_finds_its_own_comment(hub: GitHubServer, bot: Forge) -> None:
    bot.open_pull("topic", "main", DRAFT)
    theirs = hub.comment_as("ada", 1, marked("I am not the job", "mark"))
    bot.comment(1, "mark", "first")
    bot.comment(1, "mark", "second")
    assert [comment.author.login for comment in hub.comments] == ["ada", "github-actions[bot]"]
    assert theirs.edits == 0
    assert hub.count("GET /api/v3/user$") == 0
    assert hub.count("POST /api/graphql") == 1


def test_a_person_of_a_bots_name_is_not_the_bot(hub: GitHubServer, bot: Forge) -> None:
    hub.hosted.add("github-actions", "write")
    bot.open_pull("topic", "main", DRAFT)
    theirs = hub.comment_as("github-actions", 1, marked("I was here first", "mark"))
    bot.comment(1, "mark", "ours")
    assert (theirs.edits, len(hub.comments)) == (0, 2)


def test_a_plan_without_drafts(hub: GitHubServer, bot: Forge) -> None:
    hub.drafts = False
    pull = bot.open_pull("topic", "main", DRAFT)
    assert (pull.draft, pull.title) == (True, "A better prompt")
    assert (hub.pulls[0].title, hub.pulls[0].draft) == ("[draft] A better prompt", False)
    assert bot.open_pull("topic", "main", DRAFT) == pull
    before = hub.count("graphql")
    assert bot.update_pull(1, PullText("A better title", "Why.", draft=True)).title == "A better title"
    assert hub.count("graphql") == before  # it was refused before
    ready = bot.update_pull(1, PullText("A better prompt", "Why."))
    assert (ready.draft, hub.pulls[0].title) == (False, "A better prompt")
    assert bot.update_pull(1, DRAFT).draft
    assert hub.pulls[0].title == "[draft] A better prompt"


def test_actions_that_may_not_open(hub: GitHubServer, bot: Forge) -> None:
    hub.actions_may_open = False
    with pytest.raises(Refused, match="not permitted") as caught:
        bot.open_pull("topic", "main", DRAFT)
    assert "settings of the repository" in str(caught.value.hint)


def test_an_app_without_the_right(hub: GitHubServer, bot: Forge) -> None:
    bot.open_pull("topic", "main", DRAFT)
    hub.bot.rights = "read"
    with pytest.raises(Refused, match="not accessible by integration"):
        bot.comment(1, "mark", "x")


def test_two_label_makers_at_once(hub: GitHubServer, bot: Forge) -> None:
    """The label is made by somebody between our look and our making it."""
    bot.open_pull("topic", "main", DRAFT)
    hub.hosted.labels["promptvc"] = "ededed"
    hub.inject(Fault("GET .*/labels$", 200, []))
    bot.label(1, ["promptvc"])
    assert hub.pulls[0].labels == ["promptvc"]


def test_the_primary_limit(hub: GitHubServer, bot: Forge, naps: Naps) -> None:
    hub.left, hub.reset_at = 0, int(naps.now) + 20
    hub.faults.append(Fault("GET", 403, {"message": "API rate limit exceeded"}, times=0))

    def sleep(seconds: float) -> None:
        naps.slept.append(seconds)
        hub.left = 5000

    again = open_forge(
        hub.clone_url(),
        hub.environ(BOT),
        patience=naps.patience().__class__(4, 120.0, 20, lambda: naps.now, sleep),
    )
    assert again.default_branch() == "main"
    assert naps.slept == [21.0]


def test_enterprise_and_cloud_have_graphql_elsewhere(hub: GitHubServer, bot: Forge) -> None:
    bot.keep_issue("mark", "title", "x")
    assert [seen.path for seen in hub.requests if seen.method == "POST"] == [
        "/api/graphql",
        "/api/v3/repos/acme/prompts/issues",
    ]


def test_pull_requests_are_no_issues(hub: GitHubServer, bot: Forge) -> None:
    """GitHub lists both together."""
    bot.open_pull("topic", "main", PullText("t", marked("x", "mark")))
    note = bot.keep_issue("mark", "title", "x")
    assert note.number == 2


def test_one_branch_is_asked_for_with_its_owner(hub: GitHubServer, bot: Forge) -> None:
    """GitHub ignores a filter without the owner, and sends everything."""
    bot.find_pull("topic", "main")
    assert hub.requests[-1].params["head"] == "acme:topic"


def test_no_token(hub: GitHubServer) -> None:
    with pytest.raises(InputError, match="no token"):
        open_forge(hub.clone_url(), hub.environ(ADA) | {"GITHUB_TOKEN": ""})
