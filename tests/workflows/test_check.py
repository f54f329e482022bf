"""`check`: every rule, provoked in a real repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT, desk_suite

HOLD = f"deployments/production/holds/{DESK}/v2.yaml"
DEPLOYED = f"deployments/production/{DESK}.yaml"


def problems(cli: Cli, *names: str) -> list[dict[str, Any]]:
    done = cli("check", *names, "--json")
    found: list[dict[str, Any]] = done.json["problems"]
    assert done.code == (1 if any(one["severity"] == "error" for one in found) else 0)
    return found


def rules(cli: Cli, *names: str) -> set[tuple[str, str]]:
    return {(one["rule"], one["severity"]) for one in problems(cli, *names)}


def segment(repo: Repo) -> str:
    (found,) = repo.git("ls-files", "feedback").splitlines()
    return found


@pytest.mark.parametrize(
    ("path", "text", "rule", "severity", "line"),
    [
        (DESK_FILE, DESK_PROMPT + "messages: []\n", "prompt", "error", 13),
        (DESK_FILE, "name: desk/route\nversion: 1\nmessages: 7\n", "prompt", "error", 3),
        (DESK_FILE, DESK_PROMPT.replace("desk/route", "desk/other"), "prompt", "error", 2),
        (DESK_FILE, DESK_PROMPT + "owner: me\n", "unknown-key", "warning", 13),
        (DESK_FILE, DESK_PROMPT.replace("beta or", "{{ beta }} or"), "undeclared-variable", "warning", None),
        ("prompts/Desk/Up.yaml", "name: Desk/Up\nversion: 1\nmessages: []\n", "name", "error", None),
        ("prompts/desk/latest.yaml", DESK_PROMPT, "name", "error", None),
        ("promptvc.yaml", "default_enviroment: x\n", "settings", "error", 1),
        ("evaluation/desk/route.yaml", "cases: [{id: a}]\n", "suite", "error", 1),
        ("evaluation/desk/route.yaml", desk_suite() + "  - {id: alpha-0, vars: {}}\n", "suite", "error", None),
        ("evaluation/desk/nobody.yaml", desk_suite(), "suite", "warning", None),
        ("evaluation/evidence/desk/route/01JD3M8Z6VQW4N9T2X5KAB7CDE.json", "{}", "evidence", "error", None),
        (f"feedback/{DESK}/2026/01/01JD3M8Z6VQW4N9T2X5KAB7CDE.jsonl", '{"id": 1}\n', "event", "error", 1),
        (f"feedback/{DESK}/mine.jsonl", "{}\n", "segment", "error", None),
        ("deployments/production/environment.yaml", "promotes_from: [a]\n", "environment", "error", 1),
        (DEPLOYED, DESK_PROMPT + "# by hand\n", "deployment", "error", None),
        (HOLD, "digest: 7\n", "hold", "error", None),
        (HOLD, f"digest: '{'0' * 40}'\nreason: x\n", "hold-dangling", "error", None),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong(
    desk: Repo, path: str, text: str, rule: str, severity: str, line: int | None
) -> None:
    cli = cli_of(desk)
    desk.write({path: text})
    found = [one for one in problems(cli) if one["rule"] == rule]
    assert found, problems(cli)
    assert found[0]["severity"] == severity
    assert found[0]["file"] == path
    if line is not None:
        assert found[0]["line"] == line
    said = cli("check").out
    assert f"{severity}: {path}" in said
    assert f"[{rule}]" in said


def test_a_version_number_used_twice_on_main(desk: Repo) -> None:
    cli = cli_of(desk)
    commit = desk.commit({DESK_FILE: DESK_PROMPT.replace("one label", "a label")})
    (problem,) = problems(cli)
    assert (problem["rule"], problem["severity"]) == ("version-reuse", "error")
    assert commit[:10] in problem["message"]
    desk.write({DESK_FILE: DESK_PROMPT.replace("one label", "a short label")})
    assert "\n1 error, 0 warnings in " in cli("check").out
    cli.ok("commit", DESK, "-m", "Shorter", "--renumber")
    assert rules(cli) == set()


def test_a_number_that_main_has_given_away_is_found_before_the_merge(trained: Repo) -> None:
    """Two branches take version 2: the check refuses the second, on its branch and on the merge result."""
    cli = cli_of(trained)
    trained.git("checkout", "-q", "-b", "mine")
    trained.write({DESK_FILE: DESK_PROMPT.replace("description: the", "description: a")})
    assert cli.json("commit", DESK, "-m", "Mine")["version"] == 3
    trained.commit({DESK_FILE: trained.read(DESK_FILE).replace(b"version: 3", b"version: 2")}, "by hand")
    trained.git("checkout", "-q", "main")
    trained.git("merge", "-q", "--no-edit", f"promptvc/{DESK}/v2")
    trained.commit({"promptvc.yaml": "main: main\nevaluation: {success: 0.5}\n"})
    assert rules(cli) == set()
    trained.git("checkout", "-q", "mine")
    trained.write({"promptvc.yaml": "main: main\n"})
    assert rules(cli) == {("version-reuse", "error")}
    trained.git("checkout", "-q", "promptvc.yaml")
    trained.git("checkout", "-q", "--detach", "main")
    trained.git("merge", "-q", "--no-edit", "mine")
    (problem,) = problems(cli)
    assert (problem["rule"], problem["severity"], problem["file"]) == ("version-reuse", "error", DESK_FILE)
    assert "--renumber" in problem["hint"]
    trained.git("checkout", "-q", "-b", "mended")
    assert cli.json("commit", DESK, "--renumber", "-m", "Renumber")["version"] in {3, 4}
    assert rules(cli) == set()


def test_a_version_edited_often_before_it_reaches_main_is_one_version(desk: Repo) -> None:
    cli = cli_of(desk)
    desk.commit({"promptvc.yaml": "main: main\n"})
    desk.git("checkout", "-q", "-b", "side")
    for words in ("a label", "a short label", "one word"):
        text = DESK_PROMPT.replace("version: 1", "version: 2").replace("one label", words)
        desk.commit({DESK_FILE: text})
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "--no-edit", "side")
    assert rules(cli) == set()


def test_holds_that_dangle_or_were_lifted_or_are_ignored(shipped: Repo) -> None:
    cli = cli_of(shipped)
    cli.ok("rollback", DESK, "--reason", "bad")
    assert rules(cli) == set()
    held = shipped.read(HOLD)
    shipped.write({DEPLOYED: shipped.read(DESK_FILE)})
    assert rules(cli) == {("hold-ignored", "error")}
    shipped.git("checkout", "-q", DEPLOYED)
    shipped.write({HOLD: held.replace(shipped.rev(f"HEAD:{DESK_FILE}").encode(), b"1" * 40)})
    assert rules(cli) == {("hold-dangling", "error")}
    shipped.commit({HOLD: None}, "Lift")
    assert rules(cli) == set()
    cli.ok("deploy", f"{DESK}@v2")
    assert rules(cli) == {("hold-lifted", "warning")}
    cli.ok("deploy", f"{DESK}@v1")
    assert rules(cli) == set()


@pytest.mark.parametrize(
    ("source", "words"),
    [("production", "from itself"), ("stagin", "did you mean staging?"), ("staging", None)],
)
def test_environments_that_promote_from_nowhere(shipped: Repo, source: str, words: str | None) -> None:
    cli = cli_of(shipped)
    cli.ok("deploy", DESK, "--env", "staging")
    shipped.write({"deployments/production/environment.yaml": f"promotes_from: {source}\n"})
    found = problems(cli)
    assert [(one["rule"], one["severity"]) for one in found] == [("environment", "warning")] * bool(words)
    assert not words or words in f"{found[0]['message']} {found[0]['hint']}"


def test_a_link_that_leads_out_is_not_read(desk: Repo, tmp_path: Path) -> None:
    cli = cli_of(desk)
    secret = tmp_path / "secret.yaml"
    secret.write_text(DESK_PROMPT.replace("desk/route", "link").replace("Route a", "Secret a"))
    (desk.path / "prompts/link.yaml").symlink_to(secret)
    (desk.path / "prompts/away").symlink_to(tmp_path)
    (problem,) = (one for one in problems(cli) if one["file"] == "prompts/link.yaml")
    assert (problem["rule"], problem["severity"]) == ("link", "error")
    for arguments in (("list",), ("show", "link"), ("show", "away/secret"), ("commit", "link", "-m", "x")):
        done = cli(*arguments)
        assert done.code == 2
        assert "leads out of the prompt root" in done.err
        assert "Secret" not in done.out
    (desk.path / "prompts/link.yaml").unlink()
    (desk.path / "prompts/away").unlink()
    (desk.path / "prompts/link.yaml").symlink_to(desk.path / DESK_FILE)
    assert DESK in cli.ok("list")
    assert rules(cli) == {("link", "error")}
    (desk.path / "promptvc.yaml").unlink()
    (desk.path / "promptvc.yaml").symlink_to(secret)
    assert "leads out" in cli.fails(2, "list")


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize(
    ("path", "target"),
    [
        (DEPLOYED, f"../../../prompts/{DESK}.yaml"),
        (f"evaluation/{DESK}.yaml", "../../notes/suite.yaml"),
        ("prompts/desk/z.yaml", "../../notes/z.txt"),
        ("prompts/desk/folder", "../../notes"),
        ("promptvc.yaml", "notes/settings.yaml"),
        ("prompts", "notes"),
    ],
)
def test_a_link_inside_of_the_root_has_no_versions_and_is_an_error(
    shipped: Repo, tmp_path: Path, path: str, target: str, committed: bool
) -> None:
    """Git keeps the path that it names: what it leads to could change without a version, a deployment or a gate."""
    cli = cli_of(shipped)
    notes: dict[str, str | bytes | None] = {
        "notes/z.txt": DESK_PROMPT.replace("desk/route", "desk/z"),
        "notes/suite.yaml": shipped.read(f"evaluation/{DESK}.yaml"),
        "notes/settings.yaml": "main: main\n",
    }
    shipped.commit(notes)
    place = shipped.path / path
    if place.is_dir():
        shipped.git("mv", path, "moved")
    place.unlink(missing_ok=True)
    place.symlink_to(target)
    if committed:
        shipped.git("add", "-A")
        shipped.git("commit", "-q", "-m", "Link")
    found = [one for one in problems(cli) if one["rule"] == "link"]
    assert [(one["severity"], one["file"]) for one in found] == [("error", path)]
    if committed and path != "promptvc.yaml":
        shipped.git("clone", "-q", "--bare", str(shipped.path), str(tmp_path / "bare"))
        bare = cli_of(Repo(tmp_path / "bare", shipped.environ))
        assert ("link", path) in {(one["rule"], one["file"]) for one in problems(bare)}
    if committed and path == DEPLOYED:
        said = cli.fails(2, "show", f"{DESK}@production")
        assert f"{DEPLOYED} is a symbolic link" in said


@pytest.mark.parametrize(
    ("path", "rule", "severity"),
    [
        ("prompts/desk/y.yml", "name", "warning"),
        (f"deployments/production/{DESK}.yml", "name", "warning"),
        (f"evaluation/{DESK}.yml", "name", "warning"),
        (f"deployments/production/{DESK}.candidate.yaml", "deployment", "error"),
        (f"deployments/production/{DESK}.rollout.yaml", "deployment", "error"),
        ("deployments/stray.yaml", "deployment", "error"),
        ("deployments/production/holds/v1.yaml", "hold", "error"),
    ],
)
def test_what_nothing_reads_is_told(desk: Repo, path: str, rule: str, severity: str) -> None:
    desk.write({path: DESK_PROMPT.replace("one label", "no label")})
    assert [(one["rule"], one["severity"], one["file"]) for one in problems(cli_of(desk))] == [
        (rule, severity, path)
    ]


def test_one_id_with_two_contents(desk: Repo) -> None:
    cli = cli_of(desk)
    first = desk.read(segment(desk)).splitlines()[0]
    event = json.loads(first)
    event["corrected"] = "gamma" if event["corrected"] != "gamma" else "beta"
    path = f"feedback/{DESK}/2026/01/01KDZ3TXG0ABCDEFGHJKMNPQRS.jsonl"
    desk.commit({path: first + b"\n"})
    assert rules(cli) == set()
    desk.commit({path: json.dumps(event) + "\n"})
    (problem,) = problems(cli)
    assert (problem["rule"], problem["severity"]) == ("event-conflict", "error")
    assert event["id"] in problem["message"]


def test_an_event_line_that_was_edited_or_cut(desk: Repo) -> None:
    path = segment(desk)
    lines = desk.read(path).splitlines(keepends=True)
    desk.write({path: b"".join([*lines[:3], lines[3][:40] + b"\n", *lines[4:]])})
    (problem,) = problems(cli_of(desk))
    assert (problem["rule"], problem["file"], problem["line"]) == ("event", path, 4)


def test_a_torn_line_in_the_spool_is_reported_and_costs_no_neighbour(desk: Repo) -> None:
    cli = cli_of(desk)
    cli.ok("feedback", "add", DESK, "--stars", "1")
    spool = desk.path / ".git/promptvc/spool"
    (current,) = spool.glob("*.jsonl")
    with current.open("ab") as file:
        file.write(b'{"id": "01KDZ3TXG0ABC')
    assert ("spool", "warning") in rules(cli)
    cli.ok("feedback", "add", DESK, "--stars", "2")
    assert cli.json("feedback", "commit")["events"] == 2
    (problem,) = problems(cli)
    assert (problem["rule"], problem["severity"]) == ("spool", "warning")
    Path(problem["file"]).unlink()
    assert rules(cli) == set()


def test_names_narrow_the_check(desk: Repo) -> None:
    cli = cli_of(desk)
    desk.write({"prompts/other.yaml": "name: [", "evaluation/other.yaml": "cases: 1\n"})
    assert rules(cli, DESK) == set()
    assert rules(cli, "other") == {("prompt", "error"), ("suite", "error")}
    assert "did you mean desk/route?" in cli.fails(2, "check", "desk/rout")


def test_a_crowded_folder_is_remarked_on(desk: Repo) -> None:
    text = DESK_PROMPT.replace("name: desk/route", "name: many/p{}")
    desk.write({f"prompts/many/p{at}.yaml": text.replace("p{}", f"p{at}") for at in range(2001)})
    assert ("crowded", "warning") in rules(cli_of(desk))


def test_many_faults_come_errors_first_and_by_file(desk: Repo) -> None:
    cli = cli_of(desk)
    desk.write({DESK_FILE: DESK_PROMPT + "zzz: 1\n", "promptvc.yaml": "nonsense: 1\n", "prompts/a.yaml": "["})
    found = problems(cli)
    assert [one["severity"] for one in found] == ["error", "error", "warning"]
    assert [one["file"] for one in found][:2] == ["prompts/a.yaml", "promptvc.yaml"]


def test_settings_that_cannot_be_read_stop_the_other_commands_with_one_line(desk: Repo) -> None:
    cli = cli_of(desk)
    desk.write({"promptvc.yaml": "evaluation:\n  margin: wide\n"})
    for arguments in (("list",), ("deploy", DESK), ("train", DESK), ("evaluate", DESK)):
        assert "promptvc.yaml:2" in cli.fails(2, *arguments)


def test_a_file_that_a_suite_takes_cases_from_is_no_suite(desk: Repo) -> None:
    desk.write(
        {
            f"evaluation/{DESK}.yaml": "cases: [data.yaml]\n",
            "evaluation/desk/data.yaml": "- {id: one, vars: {question: a}, expected: alpha}\n",
            "evaluation/desk/other.yaml": "- {id: one, vars: {question: a}, expected: alpha}\n",
        }
    )
    found = cli_of(desk).json("check", codes=(1,))["problems"]
    assert {one["file"] for one in found if one["rule"] == "suite"} == {"evaluation/desk/other.yaml"}
