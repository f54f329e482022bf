"""Keys, tokens and where they go: from the environment, to the host they are for, and into nothing that is written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from promptvc.workflows.project import BASE
from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.forge.servers.gitea import GiteaServer
from tests.forge.servers.github import GitHubServer
from tests.forge.servers.gitlab import GitLabServer
from tests.forge.servers.serving import Fault, ForgeServer
from tests.forge.servers.state import ADA
from tests.review.test_webhook import receiving
from tests.safety.canaries import orderly, silent
from tests.servers import Reply, Request, Server, answer, failure
from tests.worlds import DESK, DESK_FILE, desk_files, desk_suite

KEY = "sk-canary-7f3a91d2c4b5a6978877665544332211"
ASKS = ("--max-calls", "9", "--repeat", "1")


def prompt(model: str = "openai:small", more: str = "") -> str:
    head = f"name: desk/route\nversion: 1\nmodel: {model}\n{more}"
    return head + 'messages:\n  - role: user\n    content: "{{ question }}"\n'


@pytest.fixture
def asking(repo: Repo) -> Repo:
    """A prompt with a provider's model and three cases."""
    repo.commit(
        desk_files(
            **{DESK_FILE: prompt(), "evaluation/desk/route.yaml": desk_suite(1), "promptvc.yaml": "{}\n"}
        )
    )
    return repo


@pytest.fixture
def mine() -> Iterator[Server]:
    """Where the user's key belongs."""
    with Server(lambda _: answer("alpha")) as server:
        yield server


@pytest.fixture
def theirs() -> Iterator[Server]:
    """An attacker's server, which must never be asked."""
    with Server(lambda _: answer("alpha")) as server:
        yield server


def keyed(server: Server) -> dict[str, str]:
    return server.environ() | {"OPENAI_API_KEY": KEY}


ENDPOINTS = (
    "base_url: {url}",
    "endpoint: {url}",
    "api_base: {url}",
    "parameters: {{base_url: {url}}}",
    "parameters: {{api_key: none, openai_api_base: {url}}}",
    "parameters: {{extra_headers: {{X: y}}, extra_body: {{}}}}",
    "parameters: {{model_kwargs: {{base_url: {url}}}}}",
    "parameters: {{http_client: x}}",
    "metadata: {{base_url: {url}}}",
)


@pytest.mark.parametrize("key", ENDPOINTS)
def test_no_prompt_names_an_endpoint(asking: Repo, mine: Server, theirs: Server, key: str) -> None:
    asking.write({DESK_FILE: prompt(more=key.format(url=theirs.url) + "\n")})
    done = orderly(cli_of(asking)("evaluate", DESK, *ASKS, **keyed(mine)))
    assert theirs.requests == []
    assert all("X" not in request.headers for request in mine.requests)
    if key.startswith("parameters"):
        assert (done.code, mine.requests) == (2, [])


@pytest.mark.parametrize(
    "settings",
    [
        "models: {{base_url: {url}}}",
        "models: {{endpoints: {{openai: {url}}}}}",
        "openai: {{base_url: {url}}}",
        "models: {{api_key: x}}",
        "env: {{OPENAI_BASE_URL: {url}}}",
        "model: 'openai:small@{url}'",
        "review: {{forge: github, url: {url}}}",
        "webhook: {url}",
    ],
)
def test_no_settings_name_an_endpoint(asking: Repo, mine: Server, theirs: Server, settings: str) -> None:
    asking.write({"promptvc.yaml": settings.format(url=theirs.url) + "\n"})
    for command in (("evaluate", DESK, *ASKS), ("alerts", "--webhook")):
        orderly(cli_of(asking)(*command, **keyed(mine)))
    assert theirs.requests == []


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("suite", "provider: {{id: 'openai:small', config: {{apiBaseUrl: {url}, apiKey: x}}}}\n"),
        ("suite", "defaultTest: {{options: {{provider: {url}}}}}\n"),
        ("assertion", "{{type: llm-rubric, value: good, provider: 'openai:chat@{url}'}}"),
        ("assertion", "{{type: llm-rubric, value: good, provider: '{url}/v1'}}"),
        ("assertion", "{{type: llm-rubric, value: good, config: {{base_url: {url}}}}}"),
    ],
)
def test_no_suite_names_an_endpoint(
    asking: Repo, mine: Server, theirs: Server, where: str, text: str
) -> None:
    said = text.format(url=theirs.url)
    more = said if where == "suite" else f"default: {{assert: [{said}]}}\n"
    asking.write({"evaluation/desk/route.yaml": desk_suite(1) + more})
    orderly(cli_of(asking)("evaluate", DESK, *ASKS, **keyed(mine)))
    assert theirs.requests == []


def test_no_imported_file_names_an_endpoint(
    asking: Repo, tmp_path: Path, mine: Server, theirs: Server
) -> None:
    """What another tool keeps of endpoints and keys is dropped, aloud, and what was imported asks where it should."""
    config = {
        "prompts": ["Hi {{question}}"],
        "providers": [
            {"id": "openai:chat:small", "config": {"apiBaseUrl": theirs.url, "apiKey": "sk-theirs"}}
        ],
        "tests": [{"vars": {"question": "x"}}],
    }
    (tmp_path / "promptfooconfig.yaml").write_text(json.dumps(config))
    prompty = (
        "---\nname: p\nmodel:\n  api: chat\n  configuration:\n    type: azure_openai\n"
        f"    azure_endpoint: {theirs.url}\n    api_key: sk-theirs\n---\nuser:\nHi\n"
    )
    (tmp_path / "a.prompty").write_text(prompty)
    cli = cli_of(asking)
    silent(cli("import", "promptfoo", str(tmp_path / "promptfooconfig.yaml"), "--name", "foo"), ["sk-theirs"])
    silent(cli("import", "prompty", str(tmp_path / "a.prompty"), "--name", "bar"), ["sk-theirs"])
    for path in (asking.path / "prompts").rglob("*.yaml"):
        text = path.read_text()
        assert "sk-theirs" not in text
        assert theirs.url not in text
    for name in ("foo", "bar"):
        orderly(cli("evaluate", name, *ASKS, **keyed(mine)))
    assert theirs.requests == []


def test_a_model_that_the_base_does_not_name_gets_no_key(asking: Repo, mine: Server) -> None:
    asking.commit({DESK_FILE: prompt("openai:dear").replace("version: 1", "version: 2")})
    asking.write({"promptvc.yaml": "models: {allow: ['*']}\n"})
    cli = Cli(asking.path, {**asking.environ, **keyed(mine), BASE: "HEAD~1"})
    assert "models.allow" in cli.fails(2, "evaluate", DESK, *ASKS)
    assert "models.allow" in cli.fails(2, "evaluate", DESK, *ASKS, "--model", "openai:dear")
    assert mine.requests == []


def test_settings_and_judges_are_the_bases(asking: Repo, mine: Server) -> None:
    """The pull request lowers the bar, names another judge, and gives the judge a prompt that always says yes."""
    judged = desk_suite(1) + "default: {assert: [{type: llm-rubric, value: is polite}]}\n"
    asking.commit(
        {
            "promptvc.yaml": "evaluation: {success: 1.0, judge: 'openai:judge'}\n",
            "evaluation/desk/route.yaml": judged,
        }
    )
    judge = (Path(__file__).parents[2] / "promptvc/judges/llm-rubric.yaml").read_text("utf-8")
    yes = judge.replace("name: judge/llm-rubric", "name: judges/yes").replace(
        "content: |", "content: |\n      ALWAYS-YES", 1
    )
    settings = "evaluation: {success: 0.0, judge: 'openai:small', judges: {llm-rubric: judges/yes}}\n"
    asking.commit({"promptvc.yaml": settings, "prompts/judges/yes.yaml": yes})
    cli = Cli(asking.path, {**asking.environ, **keyed(mine), BASE: "HEAD~1"})
    done = orderly(cli("evaluate", DESK, "--max-calls", "30", "--repeat", "1"))
    assert done.code != 0, done
    assert "ALWAYS-YES" not in json.dumps([request.body for request in mine.requests])
    judges = {request.body["model"] for request in mine.requests}
    assert "judge" in judges, done


@pytest.mark.parametrize("status", [301, 307])
@pytest.mark.parametrize("provider", ["openai", "anthropic", "ollama"])
def test_a_provider_that_sends_us_on_gets_no_key_to_another_host(
    asking: Repo, theirs: Server, provider: str, status: int
) -> None:
    headers = {"location": f"{theirs.url}/v1/chat/completions"}
    with Server(lambda _: Reply(status, b"", headers)) as first:
        variables = {
            "OPENAI_BASE_URL": first.url,
            "ANTHROPIC_BASE_URL": first.url.removesuffix("/v1"),
            "OLLAMA_HOST": first.url.removesuffix("/v1"),
            "OPENAI_API_KEY": KEY,
            "ANTHROPIC_API_KEY": KEY,
        }
        asking.write({DESK_FILE: prompt(f"{provider}:small")})
        done = silent(
            cli_of(asking)("evaluate", DESK, "--max-calls", "1", "--repeat", "1", **variables), [KEY]
        )
    assert done.code != 0
    assert theirs.requests == []


def test_a_provider_that_repeats_the_key_does_not_get_it_printed_or_kept(asking: Repo) -> None:
    """Errors of real providers quote the key that was wrong, whole or in part."""

    def script(request: Request) -> Reply:
        return failure(401, f"Incorrect API key provided: {request.headers['authorization']}")

    with Server(script) as server:
        cli = Cli(asking.path, {**asking.environ, **keyed(server)})
        for more in ((), ("--json",), ("--log",)):
            silent(cli("evaluate", DESK, *ASKS, *more), [KEY])
        silent(cli("train", DESK, "--max-calls", "400"), [KEY])
    nowhere(asking, KEY)


def nowhere(repo: Repo, secret: str) -> None:
    """No file of the repository has it, git's own included, nor any object."""
    for path in repo.path.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert secret.encode() not in path.read_bytes(), path
    objects = repo.git("cat-file", "--batch-all-objects", "--batch-check").splitlines()
    for line in objects:
        assert secret.encode() not in repo.show(line.split()[0]) if " blob " in line else True


def test_keys_are_in_no_cache_evidence_or_report(asking: Repo, mine: Server, tmp_path: Path) -> None:
    cli = Cli(asking.path, {**asking.environ, **keyed(mine), "GITHUB_TOKEN": f"{KEY}-forge"})
    for ending in ("md", "html", "json", "jsonl", "xml"):
        silent(cli("evaluate", DESK, *ASKS, "--save", "-o", str(tmp_path / f"report.{ending}")), [KEY])
    for report in tmp_path.glob("report*"):
        assert KEY.encode() not in report.read_bytes(), report
    assert mine.requests
    for request in mine.requests:
        held = {name for name, value in request.headers.items() if KEY in value}
        assert held == {"authorization"}
        assert KEY not in json.dumps(request.body)
        assert KEY not in request.path
    nowhere(asking, KEY)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="reads /proc")
def test_keys_are_in_no_argument_of_a_process(asking: Repo) -> None:
    """While a model is asked, the command lines of the whole family are read, as any user of the machine can."""
    seen: list[bytes] = []

    def script(_: Request) -> Reply:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(path.read_bytes())
            except OSError:
                continue
        return answer("alpha")

    with Server(script) as server:
        orderly(cli_of(asking).process("evaluate", DESK, *ASKS, more=keyed(server) | {"GITHUB_TOKEN": KEY}))
    assert any(b"promptvc" in line for line in seen)
    assert not [line for line in seen if KEY.encode() in line]


@pytest.fixture(params=[GitHubServer, GitLabServer, GiteaServer])
def hub(request: pytest.FixtureRequest, asking: Repo, tmp_path: Path) -> Iterator[ForgeServer]:
    """The remote of the repository, with pull request 1."""
    bare = Repo.create(tmp_path / "bare.git", asking.environ, bare=True)
    with request.param(bare.path) as running:
        asking.git("push", "-q", running.clone_url(ADA), "main", "main:topic")
        asking.git("remote", "add", "origin", running.clone_url())
        running.hosted.open_pull("topic", "main", "t", "b", running.hosted.accounts["ada"])
        yield running


def test_a_forge_that_sends_us_on_gets_no_token_to_another_host(
    asking: Repo, hub: ForgeServer, tmp_path: Path
) -> None:
    (tmp_path / "c.md").write_text("Hello\n")
    with receiving() as elsewhere:
        hub.faults.append(Fault(match=".*", status=307, headers={"Location": elsewhere.url}, times=99))
        cli = Cli(asking.path, {**asking.environ, **hub.environ(ADA)})
        done = silent(cli("forge", "comment", "1", str(tmp_path / "c.md"), "--marker", "x"), [ADA])
        assert done.code in {2, 3}
        assert elsewhere.paths == []


def test_a_token_goes_to_no_remote_that_it_is_not_for(asking: Repo, hub: ForgeServer, tmp_path: Path) -> None:
    """The same clone, with tokens of github.com and gitlab.com in the environment."""
    (tmp_path / "c.md").write_text("Hello\n")
    kind = type(hub).__name__.removesuffix("Server").lower()
    asking.write({"promptvc.yaml": f"review: {{forge: {kind}}}\n"})
    tokens = dict.fromkeys(("GITHUB_TOKEN", "GH_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN"), KEY)
    ran = cli_of(asking)("forge", "comment", "1", str(tmp_path / "c.md"), "--marker", "x", **tokens)
    assert "there is no token for 127.0.0.1" in silent(ran, [KEY]).err
    for request in hub.requests:
        assert KEY not in json.dumps(dict(request.headers))


def test_settings_name_no_remote_that_git_has_not(desk: Repo, theirs: Server, tmp_path: Path) -> None:
    """A URL, a program, an option, and a folder of the checkout whose hooks would run on a push into it."""
    bare = desk.path / "evil"
    desk.git("init", "-q", "--bare", str(bare))
    desk.git("push", "-q", str(bare), "main")
    hook = bare / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/pwned\n")
    hook.chmod(0o755)
    version = 1
    for remote in (
        "evil",
        "./evil",
        str(bare),
        f"file://{bare}",
        f"ext::sh -c touch% {tmp_path}/pwned",
        f"--upload-pack=touch {tmp_path}/pwned",
        f"{theirs.url}/x.git",
    ):
        version += 1
        text = re.sub(r"version: \d+", f"version: {version}", desk.read(DESK_FILE).decode())
        desk.commit({DESK_FILE: text, "promptvc.yaml": f"main: main\nremote: {json.dumps(remote)}\n"})
        cli = cli_of(desk)
        for command in (
            ("deploy", "--changed-since", "HEAD~1", "--push"),
            ("train", DESK, "--push", "--dry-run"),
            ("pr", DESK),
            ("list",),
        ):
            orderly(cli(*command))
        assert not (tmp_path / "pwned").exists(), remote
    assert theirs.requests == []
    assert not (bare / "refs/heads/promptvc").exists()


def test_a_webhook_comes_from_the_environment_over_tls_and_is_not_sent_on(desk: Repo) -> None:
    asking, cli = desk, cli_of(desk)
    with receiving() as trap:
        asking.write({"promptvc.yaml": f"review: {{webhook: '{trap.url}'}}\n"})
        orderly(cli("alerts", "--webhook"))
        asking.write({"promptvc.yaml": "{}\n"})
        for url in (
            "http://example.org/hook",
            "file:///etc/passwd",
            f"ftp://{trap.url[7:]}",
            "https://u:p@example.org/",
        ):
            silent(
                cli("alerts", "--webhook", PROMPTVC_WEBHOOK=url, PROMPTVC_WEBHOOK_SECRET=KEY), [KEY, "u:p"]
            )
        with receiving([302, 307, 308], location=trap.url) as first:
            done = cli("alerts", "--webhook", PROMPTVC_WEBHOOK=first.url, PROMPTVC_WEBHOOK_SECRET=KEY)
            silent(done, [KEY, "secret-path"])
            assert first.paths, "there is something to tell"
            assert all(KEY not in json.dumps(headers) for headers in first.headers)
        assert trap.paths == []
