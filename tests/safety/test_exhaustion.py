"""Files and patterns that were made to take for ever: they end, with a clear error. Else a test here would hang."""

from __future__ import annotations

import json
import threading

import pytest

from tests.builders import Repo
from tests.commands import cli_of
from tests.safety.canaries import orderly
from tests.servers import Reply, Server, answer
from tests.worlds import DESK, DESK_FILE, desk_files, desk_suite

LONG = "a" * 40_000 + "!"
PATTERNS = (
    "(a+)+$",
    "(a|a)*b",
    "(a|aa)+$",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    "(.*)(.*)(.*)(.*)(.*)[^a!]$",
    "a*a*a*a*a*a*b",
)


@pytest.fixture
def plain(repo: Repo) -> Repo:
    repo.commit(
        desk_files(**{"evaluation/desk/route.yaml": desk_suite(1), "promptvc.yaml": "main: main\n"}), "Start"
    )
    return repo


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_of_a_suite_ends(plain: Repo, pattern: str) -> None:
    """An answer that is long enough for the worst case: the grader is an error, never a pass."""
    case = {"id": "a", "vars": {"question": "x"}, "assert": [{"type": "regex", "value": pattern}]}
    text = plain.read(DESK_FILE).decode().replace("model: offline", "model: openai:small")
    plain.write({"evaluation/desk/route.yaml": json.dumps({"cases": [case]}), DESK_FILE: text})
    with Server(lambda _: answer(LONG)) as server:
        ran = orderly(
            cli_of(plain)("evaluate", DESK, "--max-calls", "3", "--repeat", "1", "--json", **server.environ())
        )
    assert ran.code != 0
    assert ran.json.get("passed", 0) == 0


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_of_a_schema_ends_or_is_refused(plain: Repo, pattern: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": pattern}}}
    case = {"id": "a", "vars": {"question": "x"}, "assert": [{"type": "is-json", "value": schema}]}
    text = plain.read(DESK_FILE).decode().replace("model: offline", "model: openai:small")
    plain.write({"evaluation/desk/route.yaml": json.dumps({"cases": [case]}), DESK_FILE: text})
    with Server(lambda _: answer(json.dumps({"a": "a" * 400 + "!"}))) as server:
        orderly(cli_of(plain)("evaluate", DESK, "--max-calls", "3", "--repeat", "1", **server.environ()))


def test_patterns_of_settings_and_owners_end(plain: Repo) -> None:
    stars = "*a" * 200 + "b"
    plain.commit(
        {
            "promptvc.yaml": f"main: main\nmodels: {{allow: ['{stars}']}}\ncheck: {{ignore: ['{stars}']}}\n",
            "CODEOWNERS": f"/{'**/' * 100}x @bob\n{'*' * 400} @bob\n{'a' * 5_000_000} @bob\n",
            f"prompts/{'a' * 100}.yaml": "name: 1\n",
        }
    )
    cli = cli_of(plain)
    for command in (
        ("check",),
        ("evaluate", DESK),
        ("evaluate", DESK, "--model", "openai:" + "a" * 5000),
        ("review", f"{DESK}@v1"),
    ):
        orderly(cli(*command))


@pytest.mark.parametrize(
    "path", [DESK_FILE, "evaluation/desk/route.yaml", "promptvc.yaml", "evaluation/desk/rows.jsonl"]
)
def test_a_huge_file_ends_in_a_clear_error(plain: Repo, path: str) -> None:
    if path.endswith("rows.jsonl"):
        plain.write({"evaluation/desk/route.yaml": "cases: [rows.jsonl]\n"})
    with (plain.path / path).open("wb") as file:
        file.truncate(2**26)  # sparse; a forge takes 100 MB
    cli = cli_of(plain)
    if path.endswith("rows.jsonl"):
        assert orderly(cli("evaluate", DESK)).code == 2
        return
    for command in (("show", DESK), ("evaluate", DESK)):
        ran = orderly(cli(*command))
        assert ran.code in {0, 2}


def test_a_hundred_thousand_lines_of_difference_are_compared(plain: Repo) -> None:
    text = plain.read(DESK_FILE).decode()
    lines = "".join(f"      line {n}\n" for n in range(100_000))
    other = "".join(f"      line {n * 7}\n" for n in range(100_000))
    for version, body in ((2, lines), (3, other)):
        plain.commit(
            {
                DESK_FILE: text.replace("version: 1", f"version: {version}").replace(
                    '"Answer with one label only: alpha, beta or gamma."', "|\n" + body
                )
            }
        )
    cli = cli_of(plain)
    for command in (("diff", f"{DESK}@v2", f"{DESK}@v3"), ("blame", DESK), ("changelog", DESK)):
        orderly(cli(*command))


def test_a_huge_answer_floods_no_report(plain: Repo) -> None:
    text = plain.read(DESK_FILE).decode().replace("model: offline", "model: openai:small")
    plain.write({DESK_FILE: text})
    body = answer("x" * 30_000_000).body
    with Server(lambda _: Reply(200, body)) as server:
        ran = orderly(
            cli_of(plain)("evaluate", DESK, "--max-calls", "3", "--repeat", "1", **server.environ())
        )
    assert len(ran.out) < 100_000


def test_a_tree_without_end_is_not_walked(plain: Repo) -> None:
    for at in ("prompts", "evaluation", "feedback"):
        place = plain.path / at / "loop"
        place.parent.mkdir(exist_ok=True)
        place.symlink_to("..")
        (plain.path / at / "self.yaml").symlink_to("self.yaml")
    deep = plain.path / "prompts" / "/".join(["d"] * 500)
    deep.mkdir(parents=True)
    cli = cli_of(plain)
    for command in (("list",), ("check",), ("evaluate", "run"), ("alerts",)):
        orderly(cli(*command))
    assert threading.active_count() < 50
