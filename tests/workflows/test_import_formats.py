"""`import`, `convert` and `export --format` in real repositories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import promptvc
from promptvc.base.documents import load_yaml
from promptvc.evaluation.cases.suite import load_suite
from promptvc.prompts.model import load_prompt
from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.prompts.formats.documents import documents
from tests.worlds import DESK, desk_files

SUITE = """\
match: icontains
repeat: 2
guards: {safety: 0.02}
default:
  vars: {tone: kind}
  assert: [{type: latency, threshold: 2000, weight: 0, metric: fast}]
cases:
  - {id: a, vars: {question: "I {{ owe }} you"}, expected: beta, tags: [x]}
  - more.jsonl
  - id: b
    vars: {question: B}
    expected: x
    assert: [{type: regex, value: "{{ question }}", weight: 2}, {type: equals, value: "<{{ expected }}>"}]
  - {id: c, vars: {question: "file:///etc/passwd"}, expected: x}
  - id: d
    vars: {question: D}
    assert:
      - {type: python, value: "file://checks/tone.py:polite"}
      - {type: llm-rubric, value: is polite, provider: "openai:gpt-4o"}
      - {type: not-contains, value: "file://../secret"}
"""


@pytest.fixture
def cli(repo: Repo) -> Cli:
    files = {f"old/{name}": data for _, name, data in documents().values()}
    repo.commit({**files, "prompts/.keep": ""}, "Start")
    return cli_of(repo)


@pytest.mark.parametrize("what", documents())
def test_each_document_is_imported_and_is_valid(cli: Cli, what: str) -> None:
    format_, name, _ = documents()[what]
    done = cli.json("import", format_, f"old/{name}", "--name", "team/it")
    assert done["created"][0] == "prompts/team/it.yaml"
    for path in done["created"]:
        data = (cli.where / path).read_bytes()
        if path.startswith("prompts/"):
            load_prompt(data, file=path, name="team/it")
        else:
            load_suite(data, file=path)
            assert done["cases"] == 1
    problems = cli("check", "--json").json["problems"]
    assert not [one for one in problems if one["severity"] == "error"], problems


@pytest.mark.parametrize("what", documents())
def test_the_format_is_found_out(cli: Cli, what: str) -> None:
    format_, name, _ = documents()[what]
    done = cli("import", "auto", f"old/{name}", "--dry-run")
    assert done.code == 0, done
    assert f"it is {format_}" in done.err
    assert sorted(path.name for path in (cli.where / "prompts").iterdir()) == [".keep"]


def test_a_file_of_promptfoo_is_handed_on(cli: Cli) -> None:
    text = "prompts: ['Sort {{x}}']\ntests: [{vars: {x: a}, assert: [{type: equals, value: b}]}]\n"
    (cli.where / "promptfooconfig.yaml").write_text(text)
    done = cli.json("import", "auto", "promptfooconfig.yaml", "--name", "sorted")
    assert done["created"] == ["prompts/sorted.yaml", "evaluation/sorted.yaml"]


def test_what_fits_nothing_or_too_much_is_said(cli: Cli) -> None:
    (cli.where / "odd.bin").write_bytes(b"\x00\x01")
    assert "no format that is known" in cli("import", "auto", "odd.bin", "--json").error["message"]
    both = {"name": "a", "version": 1, "prompt": "x", "labels": [], "input": "y"}
    (cli.where / "both.json").write_text(json.dumps(both))
    refused = cli("import", "auto", "both.json", "--json")
    assert (refused.code, refused.error["message"]) == (
        2,
        f"{cli.where}/both.json could be langfuse or openai",
    )
    assert cli("import", "auto", "nowhere.json").code == 2


def test_names_are_taken_from_the_file_and_kept_apart(cli: Cli) -> None:
    lines: list[dict[str, Any]] = [
        {"name": name, "version": 1, "type": "text", "prompt": f"{name} {{{{x}}}}", "labels": []}
        for name in ("Movie Critic", "movie-critic", "a/b")
    ]
    (cli.where / "all.jsonl").write_text("\n".join(map(json.dumps, lines)))
    done = cli.json("import", "langfuse", "all.jsonl", "--name", "from/langfuse")
    assert done["created"] == [
        "prompts/from/langfuse/movie-critic.yaml",
        "prompts/from/langfuse/movie-critic-2.yaml",
        "prompts/from/langfuse/a/b.yaml",
    ]
    assert any("movie-critic-2" in loss["why"] for loss in done["dropped"])


@pytest.mark.parametrize(
    "name", ["../../out", "/etc/passwd", "a\\..\\..\\b", "..", ".git/hooks/x", "\u202e", "v3", "evidence"]
)
def test_a_hostile_name_stays_below_prompts(cli: Cli, name: str) -> None:
    value = {"name": name, "version": 1, "type": "text", "prompt": "x", "labels": []}
    (cli.where / "evil.json").write_text(json.dumps(value))
    done = cli("import", "langfuse", "evil.json", "--json")
    if done.code == 0:
        assert all(path.startswith("prompts/") and ".." not in path for path in done.json["created"])
    else:
        assert done.code == 2
    assert cli.where.joinpath(".git/hooks/x.yaml").exists() is False


def test_a_link_that_leads_out_is_never_written_through(cli: Cli, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (cli.where / "prompts/team").symlink_to(outside)
    refused = cli("import", "text", "old/sort.md", "--name", "team/x", "--force", "--json")
    assert refused.code == 2
    assert list(outside.iterdir()) == []


def test_what_is_there_is_kept_without_force(cli: Cli) -> None:
    cli.ok("import", "text", "old/sort.md", "--name", "sort", "--role", "system")
    assert b"role: system" in (cli.where / "prompts/sort.yaml").read_bytes()
    assert (
        "is there already"
        in cli("import", "text", "old/sort.md", "--name", "sort", "--json").error["message"]
    )
    cli.ok("import", "text", "old/sort.md", "--name", "sort", "--force")
    assert b"role: user" in (cli.where / "prompts/sort.yaml").read_bytes()
    assert cli("import", "prompty", "old/chat.prompty", "--role", "system").code == 2


def test_a_folder_is_imported_file_by_file(cli: Cli) -> None:
    done = cli.json("import", "prompty", "old", "--name", "their")
    assert done["created"][:2] == ["prompts/their/chat.yaml", "evaluation/their/chat.yaml"]
    assert "prompts/their/city.yaml" in done["created"]
    assert all(loss["path"].startswith(("chat.prompty: ", "city.prompty: ")) for loss in done["dropped"])
    assert "no .prompty file" in cli("import", "prompty", "prompts", "--json").error["message"]


def test_the_newest_version_is_imported_and_the_others_are_listed(cli: Cli) -> None:
    done = cli.json("import", "langfuse", "old/critic.json")
    assert done["created"] == ["prompts/movie/critic.yaml"]
    assert "v2." in (cli.where / "prompts/movie/critic.yaml").read_text()
    assert {
        "path": "movie/critic",
        "what": "version 1",
        "why": "the newest was imported: --all-versions commits each",
    } in (done["dropped"])


def test_all_versions_are_commits(cli: Cli, repo: Repo) -> None:
    done = cli.json("import", "langfuse", "old/critic.json", "--all-versions")
    assert not any("all-versions" in loss["why"] for loss in done["dropped"])
    log = cli.json("log", "movie/critic")
    assert [(entry["version"], entry["subject"]) for entry in log] == [
        (2, "Import movie/critic v2: langfuse version 2"),
        (1, "Import movie/critic v1: langfuse version 1"),
    ]
    body = repo.git("log", "-1", "--format=%B")
    assert "> Sharper" in body
    assert repo.git("log", "-1", "--format=%(trailers:key=Promptvc-Version,valueonly)").split() == ["2"]
    assert [line for line in repo.status() if "prompts/" in line] == []
    assert cli.json("show", "movie/critic")["version"] == 2


def test_an_unsaved_edit_is_not_written_over_by_all_versions(cli: Cli) -> None:
    (cli.where / "prompts/movie").mkdir()
    (cli.where / "prompts/movie/critic.yaml").write_text("mine")
    assert cli("import", "langfuse", "old/critic.json", "--all-versions").code == 2
    assert (cli.where / "prompts/movie/critic.yaml").read_text() == "mine"
    assert cli.json("log", "movie/critic") == []


@pytest.fixture
def shop(repo: Repo) -> Cli:
    rows = json.dumps({"vars": {"question": "M"}, "expected": "gamma"})
    more = {
        "evaluation/desk/route.yaml": SUITE,
        "evaluation/desk/more.jsonl": rows + "\n",
        "evaluation/desk/checks/tone.py": "def polite(output, context):\n    return True\n",
        "prompts/desk/route.yaml": PROMPT,
    }
    repo.commit(desk_files(**more), "Start")
    return cli_of(repo)


PROMPT = """\
name: desk/route
version: 1
model: openai:gpt-4o
variables:
  question: {description: the question}
  tone: {default: kind}
messages:
  - {role: system, content: "Be {{ tone }}."}
  - {role: user, content: "{{ question }}"}
rules: [{text: Never guess.}]
examples: [{input: {question: Q}, output: alpha}]
"""


def test_promptfoo_gets_the_suite_by_name(shop: Cli, tmp_path: Path) -> None:
    done = shop.json("export", str(tmp_path / "out"), DESK, "--format", "promptfoo")
    assert done["written"] == ["desk/route/checks/tone.py", "desk/route/promptfooconfig.yaml"]
    paths = [loss["path"].removeprefix(f"{DESK}: ") for loss in done["dropped"]]
    assert {"rules", "examples", "suite.guards", "suite.cases[3]", "suite.cases[4].assert[2]"} <= set(paths)
    written = load_yaml((tmp_path / "out/desk/route/promptfooconfig.yaml").read_bytes(), file="a").value
    assert written["tests"][0]["vars"] == {"question": "I {{ '{{' }} owe }} you"}, (
        "it fills in variables of variables"
    )
    back = shop.json(
        "import", "promptfoo", str(tmp_path / "out/desk/route/promptfooconfig.yaml"), "--name", "back/route"
    )
    assert back["cases"] == 4
    suite = load_suite(
        (shop.where / "evaluation/back/route.yaml").read_bytes(),
        file="evaluation/back/route.yaml",
        files=_Disk(shop.where),
    )
    kinds = [[(one.type, one.weight) for one in case.assertions] for case in suite.cases]
    assert kinds == [
        [("latency", 0), ("icontains", 1)],
        [("latency", 0), ("icontains", 1)],
        [("latency", 0), ("regex", 2), ("equals", 1)],
        [("latency", 0), ("python", 1), ("llm-rubric", 1)],
    ]
    assert suite.cases[2].assertions[2].value == "<x>"
    shown = shop.json("show", "back/route", "--var", "question=X", "--var", "tone=kind")["messages"]
    assert shown == shop.json("show", DESK, "--var", "question=X")["messages"]


class _Disk:
    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, path: str) -> bytes | None:
        place = self._root / path
        return place.read_bytes() if place.is_file() else None

    def list(self, folder: str) -> tuple[str, ...]:
        return tuple(sorted(path.name for path in (self._root / folder).iterdir()))


@pytest.mark.parametrize("format_", ["prompty", "dotprompt", "langchain", "openai", "langfuse", "mlflow"])
def test_what_is_exported_is_imported_alike(shop: Cli, tmp_path: Path, format_: str) -> None:
    done = shop.json("export", str(tmp_path / "out"), f"{DESK}@v1", "--format", format_)
    (path,) = done["written"]
    assert any("test cases" in loss["why"] for loss in done["dropped"])
    shop.ok("import", format_, str(tmp_path / "out" / path), "--name", "back/route")
    values = ["--var", "question=X"]
    back = shop.json(
        "show",
        "back/route",
        *values,
        *([] if format_ in {"prompty", "dotprompt", "langchain"} else ["--var", "tone=kind"]),
    )
    assert back["messages"] == shop.json("show", DESK, *values)["messages"]


def test_export_copies_as_before_and_says_what_is_lost(shop: Cli, tmp_path: Path) -> None:
    plain = shop.json("export", str(tmp_path / "copy"))
    assert (plain["written"], plain["dropped"]) == (["desk/route.yaml"], [])
    shop.ok("export", str(tmp_path / "copy"), "--format", "prompty")
    (tmp_path / "copy/desk/route.prompty").write_text("mine")
    assert (
        "would be replaced"
        in shop("export", str(tmp_path / "copy"), "--format", "prompty", "--json").error["message"]
    )
    assert "no place to export to" in shop("export", "prompts", "--format", "text", "--json").error["message"]
    assert "did you mean prompty" in shop("export", "out", "--format", "promty", "--json").error["hint"]


def test_export_copies_the_prompts_that_are_named_and_no_others(
    shop: Cli, repo: Repo, tmp_path: Path
) -> None:
    desk = repo.read(f"prompts/{DESK}.yaml")
    lie = "messages:  # theirs\n  - {role: user, content: '{{input}}'}\n"
    repo.commit(
        {
            "prompts/other.yaml": "name: other\nversion: 1\nmessages: [{role: user, content: o}]\n",
            "prompts/theirs.prompt.yml": lie,
        },
        "More",
    )
    repo.write({f"prompts/{DESK}.yaml": desk + b"# not committed\n"})
    done = shop.json("export", str(tmp_path / "copy"), DESK, "theirs")
    assert done["written"] == [f"{DESK}.yaml", "theirs.prompt.yml"]
    files = sorted(path for path in (tmp_path / "copy").rglob("*") if path.is_file())
    assert [path.name for path in files] == ["route.yaml", "theirs.prompt.yml"]
    assert (files[0].read_bytes(), files[1].read_text()) == (desk, lie)
    changed = desk.replace(b"version: 1", b"version: 2")
    repo.commit({f"prompts/{DESK}.yaml": changed}, "Two")
    twice = shop("export", str(tmp_path / "two"), f"{DESK}@v1", f"{DESK}@v2", "--json")
    assert (twice.code, "two versions" in twice.error["message"]) == (2, True)
    assert not (tmp_path / "two").exists()
    assert "NAME@live" in shop("export", "out", DESK, "--env", "live", "--json").error["hint"]
    assert "there is no" in shop("export", "out", "nobody", "--json").error["message"]


def test_a_prompt_that_cannot_be_said_stops_no_other(shop: Cli, repo: Repo, tmp_path: Path) -> None:
    jinja = PROMPT.replace("desk/route", "desk/loop").replace(
        "Be {{ tone }}.", "{% if tone %}Be {{ tone }}.{% endif %}"
    )
    repo.commit(
        {"prompts/desk/loop.yaml": jinja.replace("version: 1", "version: 1\ntemplate: jinja2")}, "Loop"
    )
    done = shop.json("export", str(tmp_path / "out"), "--format", "openai")
    assert done["written"] == ["desk/route.json"]
    assert any(loss["path"] == "desk/loop" and "not written" in loss["why"] for loss in done["dropped"])
    assert shop("convert", "desk/loop", "openai").code == 2
    assert shop("convert", "desk/loop", "langchain").code == 0


def test_convert_prints_one_file_as_it_is(shop: Cli, tmp_path: Path) -> None:
    done = shop("convert", f"{DESK}@v1", "prompty")
    assert done.out.startswith("---\nname: desk/route\n")
    assert "rules became text" in done.err
    value = shop.json("convert", DESK, "langchain")
    assert (value["name"], value["version"], value["format"]) == (DESK, 1, "langchain")
    assert list(value["files"]) == ["desk/route.json"]
    shop.ok("convert", DESK, "dotprompt", "-o", str(tmp_path / "one"))
    assert (tmp_path / "one/desk/route.prompt").is_file()


def test_the_library_does_the_same(shop: Cli, tmp_path: Path) -> None:
    with promptvc.open(shop.where, environ=shop.environ) as library:
        files = library.convert(DESK, "openai").files
        assert json.loads(files["desk/route.json"])["model"] == "gpt-4o"
        written = library.export_as(tmp_path / "out", "openai", references=(DESK,)).written
        done = library.import_prompts("openai", tmp_path / "out" / written[0], name="back")
    assert done.created == ("prompts/back.yaml",)
