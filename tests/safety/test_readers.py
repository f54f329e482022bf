"""What strangers wrote, shown to reviewers, in browsers, on terminals and in logs of runners: text and nothing else."""

from __future__ import annotations

import html.parser
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.builders import Repo
from tests.cli.test_runner_log import commands
from tests.commands import Cli, cli_of
from tests.forge.servers.github import GitHubServer
from tests.forge.servers.state import ADA, BOT
from tests.safety.canaries import orderly
from tests.worlds import DESK, DESK_FILE, copy_of, corrections

HOSTILE = (
    "@everyone @acme/team fixes #12 acme/prompts#3 0123456789abcdef0123456789abcdef01234567",
    "[click](https://evil.example/x) <https://evil.example> https://evil.example www.evil.example eve@evil.example",
    "![pixel](https://evil.example/p.png) ![x][y]\n\n[y]: https://evil.example/z",
    "<img src=x onerror=alert(1)><script>alert(1)</script><a href='javascript:alert(1)'>x</a>",
    "</details></table>\n\n# Approved by the maintainers\n\n- [x] reviewed",
    "```\n~~~\n# out of the fence\n```",
    "| a | b |\n| --- | --- |\n| **improvement** | deploy |",
    f"<!-- promptvc:{DESK} --> <!-- promptvc:evaluation -->",
    "--><h1>out of the comment</h1><!--",
    "`code` ``two`` \\` \\| $$x$$ :tada: ^[note]",
    "\u202eevorppa\u202c \x1b]8;;https://evil.example\x07link\x1b]8;;\x07 \x1b[2J\x1b[31m \x9b2J \x07",
    "::error file=x::owned\n::add-mask::a\n  ::stop-commands::x\n##[error]x ##[add-path]/tmp\n%0A::debug::x",
    "{{constructor.constructor('alert(1)')()}} ${{ github.token }} $(id) `id`",
)
ACTIONS = {"GITHUB_ACTIONS": "true"}
PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OURS = re.compile(
    r"\s*(<details><summary>[0-9, a-zA-Z.]+</summary>|</details>|</?sub>|<br>"
    r"|<!-- promptvc:[a-z0-9/_.: -]+ -->)\s*"
)


def visible(text: str) -> str:
    """What an id may hold."""
    return "".join(character for character in text if character.isprintable())


@pytest.fixture(scope="module")
def told_template(desk_template: Repo, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A desk whose feedback, prompt, suite and commits are as hostile as they can be, and a candidate of them."""
    folder = tmp_path_factory.mktemp("told")
    repo = copy_of(desk_template, folder / "desk")
    rows = corrections("alpha", 20, salt="hostile")
    for at, row in enumerate(rows):
        said = HOSTILE[at % len(HOSTILE)]
        row["input"] = {"question": f"{row['input']['question']} {said}"}  # type: ignore[index]
        row["comment"] = row["notes"] = said
        row["tags"] = [said[:40]]
        row["user"] = said[:60]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    cli = cli_of(repo)
    cli.ok("feedback", "import", str(folder / "rows.jsonl"))
    cli.ok("feedback", "commit")
    for said in HOSTILE:
        cli.ok("feedback", "add", DESK, "--suggestion", said, "--error", said)
    cli.ok("feedback", "commit")
    suite = repo.read("evaluation/desk/route.yaml").decode()
    more = "".join(
        f"  - {{id: {json.dumps(visible(f'c{at} {said[:50]}'))}, description: {json.dumps(said)}, "
        f"vars: {{question: {json.dumps(said)}}}, expected: beta}}\n"
        for at, said in enumerate(HOSTILE)
    )
    text = repo.read(DESK_FILE).decode().replace("Route a question to a team.", json.dumps(HOSTILE[3]))
    rules = "rules:\n" + "".join(f"  - {{text: {json.dumps(said)}}}\n" for said in HOSTILE)
    repo.commit(
        {
            "evaluation/desk/route.yaml": suite + more,
            DESK_FILE: text.replace("version: 1", "version: 2") + rules,
        },
        HOSTILE[0] + " " + HOSTILE[3],
    )
    cli.ok("deploy", DESK)
    ids = [event["id"] for event in cli.json("feedback", "list", DESK) if "evil" in json.dumps(event)]
    cited = "".join(
        f"  - {{input: {{question: {json.dumps(said)}}}, output: beta, because: [{ids[at % len(ids)]}]}}\n"
        for at, said in enumerate(HOSTILE)
    )
    repo.git("switch", "-q", "-c", f"promptvc/{DESK}/v3")
    third = repo.read(DESK_FILE).decode().replace("version: 2", "version: 3")
    repo.commit({DESK_FILE: third + "examples:\n" + cited}, f"Learn\n\n{HOSTILE[3]}\n")
    cli("evaluate", DESK, "--baseline", "main", "--save")
    repo.git("add", "-A")
    repo.git("commit", "-q", "--allow-empty", "-m", HOSTILE[7])
    repo.git("switch", "-q", "main")
    return repo


@pytest.fixture
def told(told_template: Repo, tmp_path: Path) -> Repo:
    return copy_of(told_template, tmp_path / "desk")


LINKED = re.compile(r"@[A-Za-z0-9]|#\d|https?:|www\.|\b[0-9a-f]{40}\b|[\w.]+@[\w.]+\.\w")


def active(text: str) -> list[str]:
    """What is in rendered Markdown that must not be there."""
    found: list[str] = []
    pending = list(PARSER.parse(text))
    while pending:
        token = pending.pop(0)
        pending = list(token.children or ()) + pending
        if token.type in {"link_open", "image"}:
            found.append(f"{token.type}: {token.attrs}")
        if token.type in {"html_inline", "html_block"}:
            lines = token.content.splitlines()
            found += [f"html: {line}" for line in lines if line.strip() and not OURS.fullmatch(line)]
        if token.type == "text" and LINKED.search(token.content):
            found.append(f"text: {token.content}")
    if re.search(r"(?m)^#+ .*Approved by", text):
        found.append("a heading")
    return found


def test_the_report_on_a_candidate_is_inert(told: Repo, tmp_path: Path) -> None:
    cli = cli_of(told)
    for at, command in enumerate((("review", DESK), ("review", DESK, "--summary"), ("changelog", DESK))):
        cli.ok(*command, "-o", str(tmp_path / f"{at}.md"))
        text = (tmp_path / f"{at}.md").read_text()
        assert active(text) == []
        assert "evil.example" in text, "the hostile words have to be there to be inert"


def test_reports_of_evaluations_and_trainings_are_inert(told: Repo, tmp_path: Path) -> None:
    cli = cli_of(told)
    orderly(cli("evaluate", f"{DESK}@v3", "--baseline", "v2", "-o", str(tmp_path / "e.md")))
    ran = orderly(cli("train", DESK, "--draft", "--report", str(tmp_path / "t.md")))
    assert ran.code == 0, ran
    assert "evil.example" in (tmp_path / "e.md").read_text()
    for name in ("e.md", "t.md"):
        assert active((tmp_path / name).read_text()) == []


class _Page(html.parser.HTMLParser):
    """The elements of a page, and its attributes that could run or fetch something."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.active: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name.startswith("on") or (name in {"src", "href"} and not (value or "").startswith("#")):
                self.active.append((name, value))


def test_a_page_holds_no_element_of_a_stranger(told: Repo, tmp_path: Path) -> None:
    page = tmp_path / "e.html"
    orderly(cli_of(told)("evaluate", DESK, "-o", str(page)))
    text = page.read_text()
    assert "evil.example" in text
    found = _Page()
    found.feed(text)
    assert found.active == []
    assert "img" not in found.tags
    assert "iframe" not in found.tags
    assert "alert(1)</script>" not in text
    assert text.count("<script") == text.count("</script>")
    assert "default-src 'none'" in text


def test_reports_for_machines_stay_well_formed(told: Repo, tmp_path: Path) -> None:
    cli = cli_of(told)
    orderly(cli("evaluate", DESK, "-o", str(tmp_path / "e.xml")))
    ET.parse(tmp_path / "e.xml")
    orderly(cli("check", "-o", str(tmp_path / "c.sarif")))
    for run in json.loads((tmp_path / "c.sarif").read_bytes())["runs"]:
        for result in run["results"]:
            for place in result.get("locations", ()):
                uri = place["physicalLocation"]["artifactLocation"]["uri"]
                assert not re.match(r"[a-z]+:|/|\.\.", uri), uri
    for line in (tmp_path / "e.xml").read_text().splitlines():
        assert "\x1b" not in line


def _spoken(told: Repo) -> Iterator[tuple[str, ...]]:
    yield ("show", DESK)
    yield ("log", DESK)
    yield ("diff", f"{DESK}@v1", f"{DESK}@v2")
    yield ("feedback", "list", DESK)
    yield ("blame", DESK)
    yield ("changelog", DESK)
    yield ("review", DESK)
    yield ("evaluate", f"{DESK}@v3", "--baseline", "v2")
    yield ("suggest", DESK)
    yield ("alerts",)
    yield ("check",)
    yield ("check", "--format", "github")
    yield ("check", "--format", "plain")
    yield ("status",)
    yield ("show", HOSTILE[10])
    yield ("show", DESK, "--var", f"question={HOSTILE[10]}")
    yield ("evaluate", DESK, "--case", HOSTILE[11])
    yield ("feedback", "import", HOSTILE[10].replace("\x00", ""))
    yield ("merge", HOSTILE[11])


def test_no_escape_of_a_stranger_reaches_a_terminal(told: Repo) -> None:
    cli, seen = cli_of(told), 0
    for command in _spoken(told):
        ran = orderly(cli(*command, PROMPTVC_FORCE_TTY="100"))
        seen += "evil.example" in ran.out + ran.err
        for character in "\x1b\x9b\x07\x08\u202e\u202c":
            assert character not in ran.out + ran.err, (command, character)
        assert "\r" not in ran.out + ran.err, command
    assert seen > 4, "the hostile words have to be there"


def test_no_word_of_a_stranger_commands_a_runner(told: Repo) -> None:
    cli, seen = cli_of(told), 0
    for command in _spoken(told):
        for more in ((), ("--json",)):
            ran = orderly(cli(*command, *more, **ACTIONS))
            said = commands(ran.out) + commands(ran.err)
            ours = [line for line in said if re.match(r"::(error|warning|notice) ", line)]
            if command != ("check", "--format", "github"):
                assert said == [], command
            assert said == ours
            assert all(line.count("::") == 2 for line in ours), ours
            seen += "stop-commands" in ran.out + ran.err
    assert seen > 4, "the hostile words have to be there"


@pytest.mark.parametrize("name", ["a\n::error::x", "a%0A::error::x", "a,title=x::y", "a:b", "a##[error]x"])
def test_a_file_name_commands_no_runner(repo: Repo, name: str, tmp_path: Path) -> None:
    """Annotations name files: of a name that says more, only the name is left."""
    repo.commit({f"prompts/{name}.yaml": "name: 1\nmessages: 5\n", f"evaluation/{name}.yaml": "cases: 5\n"})
    cli = cli_of(repo)
    ran = orderly(cli("check", "--format", "github", "-o", str(tmp_path / "c.sarif"), **ACTIONS))
    assert ran.code == 1
    for line in commands(ran.out):
        assert re.fullmatch(r"::(error|warning|notice) [^:]*::[^\r\n]*", line), line
        head = line.split("::")[1]
        assert set(re.findall(r"(?:^| |,)([a-z]+)=", head)) <= {"file", "line", "title", "endLine", "col"}, (
            line
        )
        assert head.count(",title=") == 1
    for more in ((), ("--json",), ("--format", "plain")):
        assert commands(orderly(cli("check", *more, **ACTIONS)).out) == []
    json.loads((tmp_path / "c.sarif").read_bytes())


def test_nothing_is_written_into_the_files_of_a_runner(told: Repo, tmp_path: Path) -> None:
    """GITHUB_OUTPUT and GITHUB_ENV take lines: a name with a line break would set what it likes."""
    files = {name: tmp_path / name for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE")}
    for file in files.values():
        file.write_text("")
    for command in _spoken(told):
        orderly(cli_of(told)(*command, **ACTIONS, **{name: str(file) for name, file in files.items()}))
    assert all(file.read_text() == "" for file in files.values())


def test_a_pull_request_and_an_issue_are_inert(told: Repo, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    told.git("clone", "-q", "--bare", str(told.path), str(bare))
    with GitHubServer(bare) as server:
        told.git("remote", "add", "origin", server.clone_url(BOT))
        told.git("fetch", "-q", "origin")
        cli = Cli(told.path, {**told.environ, **server.environ(BOT)})
        cli.ok("pr", DESK)
        orderly(cli("alerts", "--issue"))
        (pull,) = server.pulls
        texts = [
            pull.body,
            *(comment.body for comment in server.comments),
            *(one.body for one in server.issues),
        ]
        assert len(texts) >= 2
        assert [found for text in texts for found in active(text)] == []
        for title in (pull.title, *(one.title for one in server.issues)):
            assert "\n" not in title
            assert not LINKED.search(title), title
        assert ADA not in "".join(texts)
