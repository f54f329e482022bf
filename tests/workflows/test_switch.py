"""`promptvc import promptfoo` in real repositories: what is written, what is refused, what is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from promptvc.evaluation.cases.suite import load_suite
from promptvc.prompts.model import load_prompt
from tests.builders import Repo
from tests.commands import Cli, cli_of

CONFIGURATION = """\
description: Route messages
prompts: [file://prompts/route.txt]
providers: [openai:chat:gpt-4.1-mini, anthropic:messages:claude-x]
tests:
  - vars: {message: I was charged twice}
    assert: [{type: equals, value: billing}, {type: javascript, value: "output.length < 9"}]
  - vars: {message: Where is my box?}
    assert: [{type: python, value: file://checks/tone.py:polite}]
"""
FILES = {
    "old/promptfooconfig.yaml": CONFIGURATION,
    "old/prompts/route.txt": "Route this: {{message}}\n",
    "old/checks/tone.py": "def polite(output, context):\n    return True\n",
    "old/tests.csv": "message,__expected\nhi,greeting\nbye,contains: farewell\n",
    "prompts/.keep": "",
}


@pytest.fixture
def cli(repo: Repo) -> Cli:
    repo.commit(FILES, "Start")
    return cli_of(repo)


def load(cli: Cli, name: str) -> None:
    """What was written is valid by itself."""
    path = cli.where / f"prompts/{name}.yaml"
    load_prompt(path.read_bytes(), file=str(path), name=name)


def test_a_configuration_becomes_a_prompt_and_a_suite(cli: Cli) -> None:
    done = cli.json("import", "promptfoo", "old/promptfooconfig.yaml", "--name", "support/route")
    assert done["created"] == [
        "evaluation/support/route.checks/tone.py",
        "prompts/support/route.yaml",
        "evaluation/support/route.yaml",
    ]
    assert done["cases"] == 2
    assert [loss["path"] for loss in done["dropped"]] == [
        "providers[1]", "tests[0].assert[1]", "old/checks/tone.py",
    ]  # fmt: skip
    assert all(set(loss) == {"path", "what", "why"} for loss in done["dropped"])
    load(cli, "support/route")
    shown = cli.json("show", "support/route", "--var", "message=hi")
    assert shown["messages"] == [{"role": "user", "content": "Route this: hi"}]
    assert shown["prompt"]["model"] == "openai:gpt-4.1-mini"
    assert cli("check").code == 0


def test_the_terminal_lists_every_loss(cli: Cli) -> None:
    text = cli.ok("import", "promptfoo", "old/promptfooconfig.yaml", "--name", "route")
    assert "created prompts/route.yaml" in text
    assert "2 cases" in text
    assert "3 things dropped or changed:" in text
    assert "tests[0].assert[1]: javascript\n    JavaScript is not run" in text


def test_the_name_is_the_folder_s_where_the_file_has_none_of_its_own(cli: Cli) -> None:
    assert cli.json("import", "promptfoo", "old/promptfooconfig.yaml")["created"][1] == "prompts/old.yaml"


def test_a_dry_run_writes_nothing(cli: Cli, repo: Repo) -> None:
    before = repo.status()
    done = cli.json("import", "promptfoo", "old/promptfooconfig.yaml", "--dry-run")
    assert len(done["created"]) == 3
    assert repo.status() == before
    assert "would create prompts/old.yaml" in cli.ok(
        "import", "promptfoo", "old/promptfooconfig.yaml", "--dry-run"
    )


def test_nothing_is_written_over_without_force(cli: Cli, repo: Repo) -> None:
    repo.write({"evaluation/old.yaml": "mine\n"})
    said = cli.fails(2, "import", "promptfoo", "old/promptfooconfig.yaml")
    assert "evaluation/old.yaml is there already" in said
    assert "--force" in said
    assert repo.read("evaluation/old.yaml") == b"mine\n"
    assert not (repo.path / "prompts/old.yaml").exists()
    cli.ok("import", "promptfoo", "old/promptfooconfig.yaml", "--force")
    load_suite(repo.read("evaluation/old.yaml"), file="evaluation/old.yaml")


def test_a_second_import_of_a_committed_prompt_has_the_next_number(cli: Cli, repo: Repo) -> None:
    cli.ok("import", "promptfoo", "old/promptfooconfig.yaml")
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "Import")
    cli.ok("import", "promptfoo", "old/promptfooconfig.yaml", "--force")
    assert b"version: 2\n" in repo.read("prompts/old.yaml")


def test_several_prompts_share_their_tests_and_their_code(cli: Cli, repo: Repo) -> None:
    text = CONFIGURATION.replace(
        "[file://prompts/route.txt]", '["A {{message}}", {raw: "B {{message}}", label: Two!}]'
    )
    repo.write({"old/promptfooconfig.yaml": text})
    done = cli.json("import", "promptfoo", "old/promptfooconfig.yaml", "--name", "desk/route")
    assert set(done["created"]) == {
        "evaluation/desk/route.checks/tone.py",
        "prompts/desk/route/prompt-1.yaml",
        "prompts/desk/route/two.yaml",
        "evaluation/desk/route/prompt-1.yaml",
        "evaluation/desk/route/two.yaml",
    }
    assert b"file://../route.checks/tone.py:polite" in repo.read("evaluation/desk/route/two.yaml")
    assert cli("check").code == 0


def test_many_cases_go_to_a_file_of_their_own(cli: Cli, repo: Repo) -> None:
    rows = "".join(f"question {number},label {number}\n" for number in range(500))
    repo.write({"old/tests.csv": "message,__expected\n" + rows})
    text = CONFIGURATION[: CONFIGURATION.index("tests:")] + "tests: tests.csv\n"
    repo.write({"old/promptfooconfig.yaml": text})
    done = cli.json("import", "promptfoo", "old/promptfooconfig.yaml", "--name", "a/b")
    assert done["cases"] == 500
    assert done["created"] == ["prompts/a/b.yaml", "evaluation/a/b.cases.jsonl", "evaluation/a/b.yaml"]
    assert b"cases: [b.cases.jsonl]" in repo.read("evaluation/a/b.yaml")
    first = json.loads(repo.read("evaluation/a/b.cases.jsonl").splitlines()[0])
    assert first == {"vars": {"message": "question 0"}, "expected": "label 0"}


def test_a_csv_alone_is_a_suite(cli: Cli, repo: Repo) -> None:
    done = cli("import", "promptfoo", "old/tests.csv", "--name", "route")
    assert done.code == 0
    assert "there is no prompt route yet" in done.err
    suite = load_suite(repo.read("evaluation/route.yaml"), file="evaluation/route.yaml")
    assert [case.expected for case in suite.cases] == ["greeting", None]
    prompt = "name: route\nversion: 1\nmessages: [{role: user, content: '{{ text }}'}]\n"
    repo.write({"prompts/route.yaml": prompt})
    done = cli("import", "promptfoo", "old/tests.csv", "--name", "route", "--force")
    assert "route has no variable message" in done.err
    assert repo.read("prompts/route.yaml").decode() == prompt


def test_an_import_can_be_evaluated_offline(cli: Cli, repo: Repo) -> None:
    repo.write(
        {
            "old/promptfooconfig.yaml": """\
prompts: ["Answer yes or no: {{q}}"]
tests: [{vars: {q: a}, assert: [{type: contains-any, value: [yes, no]}]}]
"""
        }
    )
    cli.ok("import", "promptfoo", "old/promptfooconfig.yaml", "--name", "yes")
    done = cli.json("evaluate", "yes", codes=(0, 1))
    assert done["cases"] == 1
    assert done["errored"] == 0


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("promptfooconfig.js", "module.exports = {}", "no YAML, JSON or CSV"),
        ("promptfooconfig.yaml", "a: [", "not YAML"),
        ("promptfooconfig.yaml", "a: 1\n", "no configuration of promptfoo"),
        ("promptfooconfig.yaml", "prompts: [file://x.py]\n", "none of its prompts"),
        ("promptfooconfig.json", "{", "not JSON"),
        ("tests.csv", b"a,b\n\xff,1\n", "not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_one_clear_error(
    cli: Cli, repo: Repo, name: str, content: str | bytes, said: str
) -> None:
    repo.write({f"odd/{name}": content})
    assert said in cli.fails(2, "import", "promptfoo", f"odd/{name}")


def test_a_file_that_is_not_there_and_a_name_that_is_none(cli: Cli) -> None:
    assert "there is no file" in cli.fails(2, "import", "promptfoo", "gone.yaml")
    assert "cannot name a prompt" in cli.fails(
        2, "import", "promptfoo", "old/promptfooconfig.yaml", "--name", "A B"
    )


def test_a_link_out_of_the_folder_is_not_followed(cli: Cli, repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("the secret {{message}}")
    (repo.path / "old/prompts/link.txt").symlink_to(tmp_path / "secret.txt")
    text = CONFIGURATION.replace("route.txt]", "route.txt, file://prompts/link.txt]")
    repo.write({"old/promptfooconfig.yaml": text})
    done = cli.json("import", "promptfoo", "old/promptfooconfig.yaml", "--name", "x")
    assert "prompts/x.yaml" in done["created"]
    assert any("link.txt" in loss["what"] for loss in done["dropped"])


def test_the_group_shows_its_help(cli: Cli) -> None:
    assert "promptfoo" in cli.ok("import")
