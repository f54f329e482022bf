"""What an import says: names that changed, links that it followed, where a fault is, and what is not installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from promptvc.prompts import jinja, templates
from tests.builders import Repo
from tests.commands import Cli, cli_of


@pytest.fixture
def cli(repo: Repo) -> Cli:
    repo.commit({"prompts/.keep": ""}, "Start")
    return cli_of(repo)


def langfuse(name: str) -> str:
    return json.dumps({"name": name, "version": 1, "type": "text", "prompt": "x", "labels": []})


def renamed(done: Any) -> list[tuple[str, str]]:
    return [(loss["what"], loss["why"]) for loss in done["dropped"] if "called" in loss["why"]]


def test_a_name_that_is_spelled_otherwise_here_is_listed(cli: Cli, repo: Repo) -> None:
    lie = "messages: [{role: user, content: hi}]\n"
    repo.write(
        {"old/Üml Name.prompt.yml": lie, "old/plain.prompt.yml": lie, "evil.json": langfuse("../../evil")}
    )
    done = cli.json("import", "prompt-yml", "old/Üml Name.prompt.yml")
    assert done["created"] == ["prompts/ml-name.yaml"]
    assert renamed(done) == [("Üml Name", "it is called ml-name here")]
    done = cli.json("import", "prompt-yml", "old", "--name", "their")
    assert renamed(done) == [("Üml Name", "it is called their/ml-name here")]
    done = cli.json("import", "langfuse", "evil.json")
    assert renamed(done) == [("../../evil", "it is called evil here")]
    asked = cli.json("import", "langfuse", "evil.json", "--name", "mine")
    assert renamed(asked) == [], "it was named by the person who asks"


def test_a_name_that_comes_over_as_it_is_needs_no_word(cli: Cli, repo: Repo) -> None:
    repo.write({"a.json": langfuse("support/triage"), "sort.txt": "Sort {{x}}"})
    assert renamed(cli.json("import", "langfuse", "a.json")) == []
    assert renamed(cli.json("import", "text", "sort.txt")) == []


def test_promptfoo_ids_and_files_are_names(cli: Cli, repo: Repo) -> None:
    text = """\
prompts:
  - {id: inline, raw: "A {{x}}"}
  - support.txt
  - {id: Second One, raw: "B {{x}}"}
  - {id: gone, label: kept, raw: "C {{x}}"}
tests: [{vars: {x: a}, assert: [{type: contains, value: b}]}]
"""
    repo.write({"pf/set.yaml": text, "pf/support.txt": "S {{x}}"})
    done = cli.json("import", "promptfoo", "pf/set.yaml", "--name", "set")
    made = [path for path in done["created"] if path.startswith("prompts/")]
    assert made == [f"prompts/set/{name}.yaml" for name in ("inline", "support", "second-one", "kept")]
    assert renamed(done) == [
        ("gone", "it is called kept there too, and a prompt here has one name"),
        ("Second One", "it is called second-one here"),
    ]
    repo.write({"pf/one.yaml": "prompts: [{id: lone, raw: 'A {{x}}'}]\ntests: []\n"})
    done = cli.json("import", "promptfoo", "pf/one.yaml")
    assert ("lone", "a prompt alone is called after the file, or by --name") in renamed(done)


@pytest.mark.parametrize("dry", [True, False])
def test_a_link_is_followed_and_said(cli: Cli, repo: Repo, tmp_path: Path, dry: bool) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "list.txt").write_text("Sort {{x}}")
    (outside / "set.yaml").write_text("prompts: ['A {{x}}']\ntests: []\n")
    (repo.path / "link.txt").symlink_to(outside / "list.txt")
    (repo.path / "folder").symlink_to(outside)
    more = ["--dry-run"] if dry else ["--force"]
    for file in ("link.txt", "folder/list.txt"):
        done = cli("import", "text", file, *more)
        assert done.code == 0
        assert f"{file} is a link: {outside / 'list.txt'} was read" in done.err
    done = cli("import", "promptfoo", "folder/set.yaml", *more)
    assert f"folder/set.yaml is a link: {outside / 'set.yaml'} was read" in done.err
    assert "is a link" not in cli("import", "text", str(outside / "list.txt"), *more).err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "there is no prompt in it"),
        ('{"messages": "x"}', "`messages` is no list"),
        ('[{"input": "a"}, {"messages": {"role": "user"}}]', "`messages` is no list ([1])"),
        ('{"messages": []}', "it has no message"),
    ],
)
def test_a_request_without_messages_is_one_clear_error(cli: Cli, repo: Repo, content: str, said: str) -> None:
    repo.write({"bad/b.json": content})
    refused = cli("import", "openai", "bad/b.json", "--json")
    assert (refused.code, said in refused.error["message"]) == (2, True), refused.error
    assert "empty file" not in refused.error["message"]


def test_an_error_names_the_path_as_it_was_given(cli: Cli, repo: Repo) -> None:
    repo.write({
        "bad/b.json": "{", "bad/p.yaml": "prompts: [", "bad/in/c.prompty": "---\na: [\n---\n", "bad/x.bin": b"\0\1",
    })  # fmt: skip
    for arguments, file in (
        (("openai", "bad/b.json"), "bad/b.json"),
        (("langfuse", "./bad/b.json"), "bad/b.json"),
        (("promptfoo", "bad/p.yaml"), "bad/p.yaml"),
        (("prompty", "bad"), "bad/in/c.prompty"),
        (("auto", "bad/x.bin"), "bad/x.bin"),
    ):
        said = cli.fails(2, "import", *arguments)
        assert said.startswith(f"error: {cli.where}/{file}"), said


@pytest.mark.parametrize(
    ("format_", "name", "text"),
    [
        ("dotprompt", "a.prompt", "{{#if x}}Hi {{x}}{{/if}}"),
        ("prompty", "a.prompty", "user:\n{% if x %}Hi {{ x }}{% endif %}\n"),
        ("promptfoo", "a.yaml", "prompts: ['{% if x %}Hi{% endif %}']\ntests: []\n"),
    ],
)
def test_without_jinja2_nothing_is_imported_as_something_else(
    cli: Cli, repo: Repo, monkeypatch: pytest.MonkeyPatch, format_: str, name: str, text: str
) -> None:
    repo.write({name: text})
    for module in ("jinja2", "jinja2.sandbox"):
        monkeypatch.setitem(sys.modules, module, None)
    jinja._environment.cache_clear()
    templates.compile_template.cache_clear()
    refused = cli("import", format_, name, "--name", "it", "--json")
    assert refused.code == 2
    assert "more than {{ name }}" in refused.error["message"]
    assert "template: jinja2" not in refused.error["message"]
    assert refused.error["hint"] == "pip install 'promptvc[jinja2]'"
    monkeypatch.undo()
    cli.ok("import", format_, name, "--name", "it")


def test_the_line_breaks_around_a_message_of_dotprompt_are_left_out(cli: Cli, repo: Repo) -> None:
    repo.write({"a.prompt": '{{role "system"}}\nBe kind.\n\n{{role "user"}}\n{{x}}\n'})
    done = cli.json("import", "dotprompt", "a.prompt")
    shown = cli.json("show", "a", "--var", "x=hi")["messages"]
    assert [each["content"] for each in shown] == ["Be kind.", "hi"]
    assert {"path": "template", "what": "line breaks", "why": "those around a message are left out"} in done[
        "dropped"
    ]
