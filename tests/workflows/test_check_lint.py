"""`check` as a linter: settings, comments, --fix, and each format, through the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from promptvc.base.rules import RULES
from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT

EXPOSED = DESK_PROMPT.replace('"{{ question }}"', '"Tell me what {{ question }} means."')
TWICE = DESK_PROMPT + (
    "rules:\n  - text: Be brief.   # kept\n    because: [01JD3M8Z6VQW4N9T2X5KAB7CDE]\n  - text: Be brief.\n"
    "    because: [01JD3M8Z6VQW4N9T2X5KAB7CDF]\n"
)
KEY = "ghp_" + "q8Rk3TzW5yLmN7vXc2BdF9hJ4sGaP6eU1oIt"
SETTINGS = "evaluation: {success: 0.5}\n"


def found(cli: Cli, *arguments: str, **more: str) -> list[tuple[str, str, str, int | None]]:
    done = cli("check", *arguments, "--json", **more)
    problems: list[dict[str, Any]] = done.json["problems"]
    assert done.code == (1 if any(one["severity"] == "error" for one in problems) else 0)
    return [(one["rule"], one["severity"], one["file"], one["line"]) for one in problems]


@pytest.mark.parametrize(
    ("settings", "severity"),
    [("error", "error"), ("warning", "warning"), ("off", None)],
)
def test_settings_give_a_rule_its_severity(desk: Repo, settings: str, severity: str | None) -> None:
    desk.write({DESK_FILE: EXPOSED, "promptvc.yaml": f"check: {{rules: {{injection-prone: {settings}}}}}\n"})
    expected = [("injection-prone", severity, DESK_FILE, 12)] if severity else []
    assert found(cli_of(desk)) == expected


def test_what_guards_secrets_is_never_off_in_silence(desk: Repo) -> None:
    """No comment may hide it; settings may, and every run says so."""
    cli = cli_of(desk)
    settings = "check: {rules: {secret: off, derived: warning, deployment: error, crowded: off}}\n"
    desk.write({DESK_FILE: DESK_PROMPT + f"metadata: {{key: {KEY}}}\n", "promptvc.yaml": settings})
    value = cli.json("check")
    assert value["problems"] == []
    assert value["disabled"] == [
        {"rule": "secret", "severity": "off"},
        {"rule": "derived", "severity": "warning"},
    ]
    for form in ("text", "plain", "github", "sarif"):
        said = cli("check", "--format", form).err
        assert said.count("weakens") == 1
        assert "secret is off, derived is warning" in said
    assert cli.json("check", "--rule", "unused-variable")["disabled"] == []
    desk.write({"promptvc.yaml": "check: {rules: {crowded: off}}\n"})
    assert "weakens" not in cli("check").err
    assert cli.json("check", codes=(1,))["disabled"] == []


def test_names_are_about_these_prompts_and_rules_about_these_rules(desk: Repo) -> None:
    cli = cli_of(desk)
    everything = cli.ok("check")
    (desk.path / "prompts" / "away.yaml").symlink_to(desk.path / DESK_FILE)
    (desk.path / "prompts" / "else").symlink_to(desk.path)
    assert cli.ok("check", DESK) != everything, "it counts the files that it looks at"
    assert {one[2] for one in found(cli)} == {"prompts/away.yaml", "prompts/else"}
    assert found(cli, DESK) == []
    log = json.loads(cli("check", "--format", "sarif", "--rule", "link").out)["runs"][0]
    assert [one["id"] for one in log["tool"]["driver"]["rules"]] == ["link"]
    assert {one["ruleIndex"] for one in log["results"]} == {0}


def test_settings_trust_variables_bound_size_and_pass_over_files(desk: Repo) -> None:
    cli = cli_of(desk)
    desk.write({DESK_FILE: EXPOSED, "promptvc.yaml": "check: {trusted: [question]}\n"})
    assert found(cli) == []
    desk.write({"promptvc.yaml": "check: {max_characters: 20, trusted: [question]}\n"})
    assert found(cli) == [("oversize", "warning", DESK_FILE, 8)]
    desk.write({"promptvc.yaml": "check: {ignore: ['prompts/desk/*']}\n"})
    assert found(cli) == []


def test_a_rule_that_there_is_not_is_named_in_settings_and_arguments(desk: Repo) -> None:
    cli = cli_of(desk)
    desk.write({"promptvc.yaml": "check:\n  rules:\n    injection_prone: off\n"})
    (problem,) = cli.json("check", codes=(1,))["problems"]
    assert (problem["rule"], problem["file"], problem["line"]) == ("settings", "promptvc.yaml", 3)
    assert problem["hint"] == "did you mean injection-prone?"
    assert "did you mean secret?" in cli.fails(2, "check", "--rule", "secrets")


def test_one_rule_alone(desk: Repo) -> None:
    cli = cli_of(desk)
    desk.write({DESK_FILE: EXPOSED + "owner: me\n"})
    assert {one[0] for one in found(cli)} == {"injection-prone", "unknown-key"}
    assert [one[0] for one in found(cli, "--rule", "unknown-key")] == ["unknown-key"]
    assert [one[0] for one in found(cli, "--rule", "unknown-key", "--rule", "injection-prone")] != [
        "unknown-key"
    ]


def test_the_settings_of_the_base_count_where_ci_names_one(desk: Repo) -> None:
    """A pull request that turns a rule off does not turn it off for its own check."""
    cli = cli_of(desk)
    base = desk.rev("HEAD")
    off = "check: {rules: {injection-prone: off, secret: off}, ignore: ['*']}\n"
    desk.commit({DESK_FILE: EXPOSED.replace("version: 1", "version: 2") + f"# {KEY}\n", "promptvc.yaml": off})
    assert found(cli) == []
    assert {one[0] for one in found(cli, PROMPTVC_BASE=base)} == {"injection-prone", "secret"}
    desk.write({"promptvc.yaml": "nonsense: 1\n"})
    assert "settings" in {one[0] for one in found(cli, PROMPTVC_BASE=base)}


def test_a_comment_silences_a_rule_on_its_line(desk: Repo) -> None:
    cli = cli_of(desk)
    exposed = '    content: "Tell'
    desk.write(
        {DESK_FILE: EXPOSED.replace(exposed, f"    # promptvc: ignore[injection-prone] reviewed\n{exposed}")}
    )
    assert found(cli) == []
    desk.write({DESK_FILE: DESK_PROMPT + "# promptvc: ignore[injection-prone]\ntags: []\n"})
    assert found(cli) == [("unused-ignore", "warning", DESK_FILE, 13)]
    assert found(cli, "--rule", "leak") == []


def test_no_comment_silences_a_secret(desk: Repo) -> None:
    desk.write({DESK_FILE: DESK_PROMPT + f"metadata: {{a: {KEY}}} # promptvc: ignore[secret] no\n"})
    done = cli_of(desk)("check", "--json")
    assert {one["rule"] for one in done.json["problems"]} == {"secret", "refused-ignore"}
    for form in ("text", "plain", "github", "sarif", "json"):
        assert KEY not in cli_of(desk)("check", "--format", form).out


@pytest.mark.parametrize(
    "path", ["promptvc.yaml", "evaluation/desk/route.yaml", f"deployments/production/{DESK}.yaml", DESK_FILE]
)
def test_secrets_are_looked_for_in_all_that_people_write(desk: Repo, path: str) -> None:
    cli = cli_of(desk)
    cli.ok("deploy", DESK)
    desk.write({path: desk.read(path) + f"# {KEY}\n".encode()})
    assert ("secret", "error", path, desk.read(path).count(b"\n")) in found(cli)
    if path != "promptvc.yaml":
        assert any(one[0] == "secret" for one in found(cli, DESK))


@pytest.mark.parametrize("path", ["promptvc.yaml", "evaluation/desk/route.yaml", DESK_FILE])
def test_a_merge_that_was_not_resolved(desk: Repo, path: str) -> None:
    before = desk.read(path).decode()
    desk.write({path: f"{before}<<<<<<< HEAD\n# ours\n=======\n# theirs\n>>>>>>> side\n"})
    problems = found(cli_of(desk))
    assert ("conflict-markers", "error", path, before.count("\n") + 1) in problems
    assert path != DESK_FILE or len(problems) == 1


def test_fix_removes_what_is_said_twice_and_keeps_the_rest_byte_for_byte(desk: Repo) -> None:
    cli = cli_of(desk)
    desk.write({DESK_FILE: ("\ufeff" + TWICE).replace("\n", "\r\n")})
    assert {one[0] for one in found(cli)} == {"byte-order-mark", "line-ends", "duplicate-rule"}
    value = cli.json("check", "--fix")
    assert value["problems"] == []
    assert [(one["rule"], one["line"], one["fixable"]) for one in value["fixed"]] == [
        ("byte-order-mark", 1, True), ("line-ends", 1, True), ("duplicate-rule", 16, True)
    ]  # fmt: skip
    expected = TWICE[: TWICE.rindex("  - text: Be")].replace("CDE]", "CDE, 01JD3M8Z6VQW4N9T2X5KAB7CDF]")
    assert desk.read(DESK_FILE).decode() == expected
    assert cli.json("check", "--fix") == {"problems": [], "disabled": [], "fixed": []}
    assert cli.json("commit", DESK, "-m", "Say it once")["version"] == 2


def test_fix_leaves_alone_what_is_silenced_linked_not_named_or_not_asked_for(desk: Repo) -> None:
    cli = cli_of(desk)
    first, mark, second = TWICE.rpartition("  - text: Be")
    silenced = f"{first}  # promptvc: ignore[duplicate-rule] on purpose\n{mark}{second}"
    desk.write({DESK_FILE: silenced, "prompts/other.yaml": TWICE.replace(DESK, "other")})
    assert cli.json("check", "--fix", "--rule", "line-ends")["fixed"] == []
    assert cli.json("check", DESK, "--fix")["fixed"] == []
    assert desk.read(DESK_FILE).decode() == silenced
    desk.write({"kept.yaml": TWICE.replace(DESK, "linked")})
    (desk.path / "prompts/linked.yaml").symlink_to(desk.path / "kept.yaml")
    fixed = cli.json("check", "--fix", codes=(1,))["fixed"]
    assert [one["file"] for one in fixed] == ["prompts/other.yaml"]
    assert (desk.path / "prompts/linked.yaml").is_symlink()


def test_fix_tells_what_it_did_and_what_comes_next(desk: Repo) -> None:
    desk.write({DESK_FILE: TWICE})
    out = cli_of(desk).ok("check", "--fix")
    assert f"fixed: {DESK_FILE}:16: says the same as rule 1 [duplicate-rule]\n" in out
    assert "1 finding fixed in 1 file" in out
    assert "promptvc commit NAME gives each its own, and a plain git commit does not" in out


def test_a_bare_repository_has_nothing_to_fix(desk: Repo, make_repo: Any) -> None:
    bare = make_repo("bare", bare=True)
    desk.git("push", "-q", str(bare.path), "main")
    assert "bare repository" in cli_of(bare).fails(2, "check", "--fix")
    assert found(cli_of(bare)) == []


def test_plain_and_github_write_a_line_a_finding(desk: Repo) -> None:
    cli = cli_of(desk)
    desk.write({DESK_FILE: EXPOSED + "owner: me\n"})
    plain = cli.ok("check", "--format", "plain").splitlines()
    assert [line.split(": ")[:2] for line in plain] == [
        [f"{DESK_FILE}:12", "warning injection-prone"],
        [f"{DESK_FILE}:13", "warning unknown-key"],
    ]
    github = cli.ok("check", "--format", "github").splitlines()
    assert github[0].startswith(f"::warning file={DESK_FILE},line=12,title=promptvc injection-prone::")
    assert len(github) == 2


def test_sarif_names_files_from_the_top_of_the_repository(repo: Repo) -> None:
    repo.commit({"team a/promptvc.yaml": "", "team a/prompts/desk/route.yaml": EXPOSED})
    cli = cli_of(repo).at(repo.path / "team a")
    log = json.loads(cli.ok("check", "--format", "sarif"))
    (result,) = log["runs"][0]["results"]
    where = result["locations"][0]["physicalLocation"]
    assert where["artifactLocation"] == {"uri": "team%20a/prompts/desk/route.yaml", "uriBaseId": "%SRCROOT%"}
    assert where["region"] == {"startLine": 12}
    assert "file=team a/prompts/desk/route.yaml," in cli.ok("check", "--format", "github")


def test_a_file_has_the_format_of_its_name_and_the_findings_are_told_too(desk: Repo) -> None:
    cli = cli_of(desk)
    desk.write({DESK_FILE: EXPOSED})
    for name, begins in (
        ("out.sarif", b"{"),
        ("out.json", b'{\n  "problems"'),
        ("out.txt", DESK_FILE.encode()),
    ):
        place = desk.path / name
        assert "[injection-prone]" in cli.ok("check", "-o", str(place))
        assert place.read_bytes().startswith(begins)
    assert cli.json("check", "-o", str(desk.path / "again.sarif"))["problems"]
    assert "do not go together" in cli("check", "--json", "--format", "github").error["message"]


def test_the_rules_there_are(desk: Repo) -> None:
    cli = cli_of(desk)
    listed = cli.json("check", "--list-rules")["rules"]
    assert [one["id"] for one in listed] == list(RULES)
    assert set(listed[0]) == {"id", "severity", "summary", "reason", "fixable", "ignorable"}
    assert len(cli.ok("check", "--list-rules").splitlines()) == len(RULES)


def test_paths_of_a_name_with_a_colon_and_a_line_break_cannot_forge_a_line(desk: Repo) -> None:
    (desk.path / "prompts/a\n::error::b.yaml").write_text(DESK_PROMPT)
    done = cli_of(desk)("check", "--format", "github")
    assert done.code == 1
    assert all(line.startswith(("::error file=", "::warning file=")) for line in done.out.splitlines())
    assert len(cli_of(desk)("check", "--format", "plain").out.splitlines()) == len(done.out.splitlines())


@pytest.mark.parametrize(
    "path",
    [
        "evaluation/cases.csv",
        "evaluation/more.cases.jsonl",
        "prompts/sub/y.yml",
        "prompts/notes.md",
        f"feedback/{DESK}/notes.txt",
        "datasets/x/train.jsonl",
        f"evaluation/evidence/{DESK}/notes.json",
    ],
)
def test_a_secret_is_found_in_whatever_lies_among_our_files(desk: Repo, path: str) -> None:
    desk.write({path: f"id,input\na,use {KEY} please\n"})
    assert ("secret", "error", path, 2) in found(cli_of(desk))


def test_a_secret_is_found_in_a_segment_that_was_written_by_hand(desk: Repo) -> None:
    (path,) = desk.git("ls-files", "feedback").splitlines()
    event = json.loads(desk.read(path).splitlines()[0])
    event["comment"] = f"the token is {KEY}"
    desk.write({path: json.dumps(event) + "\n"})
    assert ("secret", "error", path, 1) in found(cli_of(desk))


def test_what_a_case_says_of_passwords_is_no_secret(desk: Repo) -> None:
    desk.write({"evaluation/cases.csv": "id,input\na,my password: hunter22!Xy9k is gone\n"})
    assert found(cli_of(desk)) == []
