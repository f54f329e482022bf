"""The servers are what other tests build on: GitHub's own client finds them faithful, and git pushes and clones."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import Repo, isolated_environ
from tests.commands import Ran
from tests.forge.conftest import Server
from tests.forge.servers.github import GitHubServer
from tests.forge.servers.serving import Fault
from tests.forge.servers.state import ADA, EVE, RITA

GH = shutil.which("gh")


class Gh:
    """Debian's `gh` against the fake, over a unix socket, as if it were github.com."""

    def __init__(self, hub: GitHubServer, folder: Path) -> None:
        self.hub, self.folder = hub, folder
        hub.listen(folder / "sock")
        self.environ = isolated_environ(folder / "home") | {
            "GH_TOKEN": ADA,
            "GH_CONFIG_DIR": str(folder / "gh"),
            "GH_NO_UPDATE_NOTIFIER": "1",
        }
        assert self("config", "set", "http_unix_socket", str(folder / "sock")).code == 0

    def __call__(self, *arguments: str, token: str = ADA) -> Ran:
        done = subprocess.run(
            ["gh", *arguments],
            env=self.environ | {"GH_TOKEN": token},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def api(self, path: str, *arguments: str, method: str = "GET", token: str = ADA) -> Ran:
        return self("api", "-X", method, f"repos/acme/prompts/{path}", *arguments, token=token)


@pytest.fixture
def hub(bare: Path) -> Iterator[GitHubServer]:
    with GitHubServer(bare) as running:
        yield running


@pytest.fixture
def gh(hub: GitHubServer, tmp_path_factory: pytest.TempPathFactory) -> Gh:
    if GH is None:
        pytest.skip("gh is not installed: apt-get install gh")
    return Gh(hub, tmp_path_factory.mktemp("gh"))  # a short path: those of sockets are limited


PULL = ("-f", "title=A title", "-f", "body=Why.", "-f", "head=topic", "-f", "base=main")


def test_gh_opens_comments_and_merges(gh: Gh, hub: GitHubServer) -> None:
    assert gh.api("pulls", *PULL, "--jq", ".number", method="POST").out == "1\n"
    for at in range(35):
        assert gh.api("issues/1/comments", "-f", f"body=comment {at}", method="POST").code == 0
    listed = gh.api("issues/1/comments", "--paginate", "--jq", ".[].body").out.splitlines()
    assert listed == [f"comment {at}" for at in range(35)]
    assert len(gh.api("issues/1/comments", "--jq", ".[].body").out.splitlines()) == 30
    assert gh("label", "create", "promptvc", "-R", "acme/prompts").code == 0
    assert "already exists" in gh("label", "create", "promptvc", "-R", "acme/prompts").err
    assert gh.api("issues/1/labels", "-f", "labels[]=promptvc", method="POST").code == 0
    tip = hub.hosted.git.tip("topic")
    stale = gh.api("pulls/1/merge", "-f", f"sha={'0' * 40}", method="PUT")
    assert "409" in stale.err
    merged = gh.api("pulls/1/merge", "-f", f"sha={tip}", "-f", "merge_method=squash", method="PUT")
    assert json.loads(merged.out)["merged"] is True
    assert hub.hosted.git.git("log", "-1", "--format=%s %P", "main").startswith("A title (#1) ")
    assert gh.api("pulls/1", "--jq", ".state, .merged").out == "closed\ntrue\n"
    assert gh.api("issues", "-f", "state=all", "--jq", ".[].pull_request != null").out == "true\n"


def test_gh_is_refused_as_on_github(gh: Gh, hub: GitHubServer) -> None:
    assert (
        "invalid" in gh.api("pulls", "-f", "title=t", "-f", "head=none", "-f", "base=main", method="POST").out
    )
    assert gh.api("pulls", *PULL, method="POST").code == 0
    again = gh.api("pulls", *PULL, method="POST")
    assert "A pull request already exists for acme:topic" in again.out
    assert "422" in again.err
    long = gh.api("issues/1/comments", "-f", "body=" + "x" * 65537, method="POST")
    assert "is too long (maximum is 65536 characters)" in long.out
    assert "403" in gh.api("pulls/1", "-f", "title=t", method="PATCH", token=RITA).err
    assert "401" in gh.api("pulls", token="nobody-s").err
    hub.hosted.private = True
    assert "404" in gh.api("pulls", token=EVE).err
    hub.left = 0
    limited = gh.api("pulls")
    assert "API rate limit exceeded" in limited.err
    assert "403" in limited.err


def test_gh_turns_drafts(gh: Gh, hub: GitHubServer) -> None:
    assert gh.api("pulls", *PULL, "-F", "draft=true", method="POST").code == 0
    assert "still a draft" in gh.api("pulls/1/merge", method="PUT").out
    node = gh.api("pulls/1", "--jq", ".node_id").out.strip()
    call = f'markPullRequestReadyForReview(input: {{pullRequestId: "{node}"}})'
    query = f"mutation {{ {call} {{ pullRequest {{ isDraft }} }} }}"
    assert json.loads(gh("api", "graphql", "-f", f"query={query}").out)["data"]
    assert not hub.pulls[0].draft
    assert (
        gh("api", "graphql", "-f", "query=query { viewer { login } }", "--jq", ".data.viewer.login").out
        == "ada\n"
    )


def test_a_clash_does_not_merge(gh: Gh, hub: GitHubServer) -> None:
    for head in ("topic", "clash"):
        arguments = ("-f", "title=t", "-f", f"head={head}", "-f", "base=main")
        assert gh.api("pulls", *arguments, method="POST").code == 0
    assert gh.api("pulls/1/merge", method="PUT").code == 0
    for how in ("merge", "squash", "rebase"):
        assert "not mergeable" in gh.api("pulls/2/merge", "-f", f"merge_method={how}", method="PUT").out
    assert [pull.state for pull in hub.pulls] == ["closed", "open"]


# Smart HTTP, for all three.


@pytest.fixture
def work(server: Server, tmp_path: Path) -> Repo:
    environ = isolated_environ(tmp_path / "home")
    folder = Repo.create(tmp_path / "outer", environ)
    folder.git("clone", "-q", server.clone_url(ADA), str(tmp_path / "work"))
    return Repo(tmp_path / "work", environ)


def test_git_clones_and_pushes(server: Server, work: Repo) -> None:
    work.git("checkout", "-q", "-b", "new")
    tip = work.commit({"big.bin": bytes(range(256)) * 20_000, "c.txt": "x"})  # beyond one request of git's
    work.git("push", "-q", "origin", "new")
    assert server.hosted.git.tip("new") == tip
    # A compare-and-swap that loses.
    work.git("push", "-q", "--force-with-lease=new:" + "1" * 40, "origin", "main:new", ok=(1,))
    assert server.hosted.git.tip("new") == tip


@pytest.mark.parametrize("token", [RITA, EVE, "nobody-s", None])
def test_who_may_not_push(server: Server, work: Repo, token: str | None) -> None:
    more = {"GIT_TERMINAL_PROMPT": "0"}
    other = Repo(work.path, work.environ | more)
    other.git("push", "-q", server.clone_url(token), "main:new", ok=(1, 128))
    assert server.hosted.git.tip("new") is None


def test_a_private_repository_is_cloned_by_its_people_only(server: Server, work: Repo) -> None:
    server.hosted.private = True
    other = Repo(work.path, work.environ | {"GIT_TERMINAL_PROMPT": "0"})
    other.git("ls-remote", server.clone_url(), ok=(128,))
    assert "refs/heads/topic" in other.git("ls-remote", server.clone_url(ADA))


def test_a_protected_branch_takes_no_push_but_merges(server: Server, work: Repo) -> None:
    server.protect("main")
    work.commit({"x.txt": "x"})
    work.git("push", "-q", "origin", "main", ok=(1,))
    work.git("push", "-q", "origin", "main:free")
    pull = server.hosted.open_pull("free", "main", "t", "b", server.hosted.accounts["ada"])
    assert server.merge(pull.number) == server.hosted.git.tip("main")


def test_what_a_push_does_to_pull_requests(server: Server, work: Repo) -> None:
    ada = server.hosted.accounts["ada"]
    server.hosted.open_pull("topic", "main", "t", "b", ada)
    server.hosted.open_pull("other", "main", "t", "b", ada)
    work.git("push", "-q", "origin", "--delete", "topic")
    work.git("push", "-q", "origin", "origin/other:main")
    assert [(pull.state, pull.merged) for pull in server.pulls] == [("closed", False), ("closed", True)]


def test_a_fault_of_git(server: Server, work: Repo) -> None:
    server.inject(Fault("POST .*git-receive-pack", drop=True, carried_out=True))
    work.git("push", "-q", "origin", "main:new", ok=(1, 128))
    assert server.hosted.git.tip("new") == work.rev("main")
