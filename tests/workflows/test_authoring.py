"""`commit`, `new`, `init`, `show`: prompts written by people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders import Repo
from tests.commands import cli_of
from tests.servers import Server, answer, failure
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT

EDITED = DESK_PROMPT.replace("one label only", "one label")


def test_a_commit_gives_the_next_number_and_changes_nothing_else(desk: Repo) -> None:
    desk.write({DESK_FILE: EDITED, "staged": "1", "loose": "2", "promptvc.yaml": "main: main\n"})
    desk.git("add", "staged")
    done = cli_of(desk).json("commit", DESK, "-m", "Shorter\n\nBecause of a reason.")
    assert done["version"] == 2
    assert desk.read(DESK_FILE).decode() == EDITED.replace("version: 1", "version: 2")
    assert desk.show(f"HEAD:{DESK_FILE}") == desk.read(DESK_FILE)
    assert desk.status() == [" M promptvc.yaml", "?? loose", "A  staged"]
    body = desk.git("log", "-1", "--format=%B")
    assert body.startswith(f"Edit {DESK} v2: Shorter\n")
    assert "Because of a reason." in body
    assert "Promptvc-Version: 2" in body


@pytest.mark.parametrize(
    ("text", "arguments", "code", "words"),
    [
        (DESK_PROMPT, ("-m", "x"), 1, "no changes"),
        (EDITED, ("-m", "  "), 2, "-m TEXT"),
        (EDITED.replace("version: 1", "version: 7"), ("-m", "x"), 1, "--renumber"),
        (EDITED.replace("version: 1", "version: 0"), ("-m", "x"), 2, "version"),
        (EDITED.replace("desk/route", "desk/other"), ("-m", "x"), 2, "desk/other"),
        (EDITED.replace("messages:", "massages:"), ("-m", "x"), 2, "messages"),
        (EDITED.replace("version: 1", "version: &v 1\nmetadata: {was: *v}"), ("-m", "x"), 2, "alias"),
        (EDITED, ("-m", "x", "--branch", "a..b"), 2, "a..b"),
        (None, ("-m", "x"), 2, "no prompt"),
    ],
)
def test_what_cannot_be_committed_leaves_the_file_as_it_was(
    desk: Repo, text: str | None, arguments: tuple[str, ...], code: int, words: str
) -> None:
    desk.write({DESK_FILE: text})
    refs, before = desk.git("for-each-ref"), desk.status()
    assert words in cli_of(desk).fails(code, "commit", DESK, *arguments)
    assert (desk.git("for-each-ref"), desk.status()) == (refs, before)
    if text is not None:
        assert desk.read(DESK_FILE).decode() == text


def test_a_hook_that_refuses_gives_the_file_its_old_number_back(desk: Repo) -> None:
    hook = desk.path / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)
    desk.write({DESK_FILE: EDITED})
    cli = cli_of(desk)
    assert "not today" in cli.fails(3, "commit", DESK, "-m", "x")
    assert desk.read(DESK_FILE).decode() == EDITED
    assert cli.json("commit", DESK, "-m", "x", "--no-verify")["version"] == 2


@pytest.mark.parametrize("refused", [False, True])
def test_an_edit_that_is_staged_is_committed(desk: Repo, refused: bool) -> None:
    desk.write({DESK_FILE: EDITED, "other": "1"})
    desk.git("add", "-A")
    before = desk.status()
    cli = cli_of(desk)
    if refused:
        desk.write({".git/hooks/commit-msg": "#!/bin/sh\nexit 1\n"})
        (desk.path / ".git/hooks/commit-msg").chmod(0o755)
        cli.fails(3, "commit", DESK, "-m", "x")
        assert (desk.read(DESK_FILE).decode(), desk.status()) == (EDITED, before)
        return
    assert cli.json("commit", DESK, "-m", "x")["version"] == 2
    assert desk.status() == ["A  other"]


def test_what_is_staged_and_edited_again_is_not_taken(desk: Repo) -> None:
    desk.write({DESK_FILE: EDITED})
    desk.git("add", "-A")
    desk.write({DESK_FILE: EDITED.replace("a team", "the team")})
    before = desk.status()
    assert "other changes staged" in cli_of(desk).fails(3, "commit", DESK, "-m", "x")
    assert desk.status() == before


def test_a_commit_says_what_check_would(desk: Repo) -> None:
    cli = cli_of(desk)
    text = DESK_PROMPT.replace("variables:\n", "variables:\n  extra: {required: true}\n")
    desk.write({DESK_FILE: text})
    done = cli("commit", DESK, "-m", "x")
    assert done.code == 0
    assert "the variable `extra` is never used" in done.err
    assert "evaluation/desk/route.yaml: case `alpha-0` lacks `extra`" in done.err


def test_four_processes_take_four_numbers(desk: Repo, tmp_path: Path) -> None:
    """Each in a worktree of its own, all to main: who comes late is told so, and loses nothing."""
    trees = []
    for at in range(4):
        place = tmp_path / f"tree{at}"
        desk.git("worktree", "add", "-q", "-b", f"own{at}", str(place))
        tree = Repo(place, desk.environ)
        tree.write({DESK_FILE: DESK_PROMPT.replace("one label", f"label {at}")})
        trees.append(tree)
    desk.git("checkout", "-q", "--detach")
    waiting, made = list(range(4)), []
    for _ in range(4):
        arguments = ("commit", DESK, "--renumber", "-m", "Edit", "--branch", "main", "--json")
        running = {at: cli_of(trees[at]).start(*arguments) for at in waiting}
        for at, process in running.items():
            out, err = process.communicate(timeout=120)
            text = trees[at].read(DESK_FILE).decode()
            if process.returncode == 0:
                made.append(json.loads(out)["version"])
                waiting.remove(at)
            else:
                assert process.returncode == 1, (out, err)
                assert b"somebody else changed desk/route on main meanwhile" in out + err
                assert text == DESK_PROMPT.replace("one label", f"label {at}")
        if not waiting:
            break
    assert sorted(made) == [2, 3, 4, 5]
    desk.git("checkout", "-q", "main")
    cli = cli_of(desk)
    said = {cli.json("show", f"{DESK}@v{number}")["prompt"]["messages"][0]["content"] for number in made}
    assert said == {f"Answer with label {at} only: alpha, beta or gamma." for at in range(4)}


def test_a_new_prompt_is_first_committed_as_version_one(desk: Repo) -> None:
    cli = cli_of(desk)
    cli.ok("new", "desk/fresh")
    desk.git("add", "prompts")
    said = cli.ok("commit", "desk/fresh", "-m", "New")
    assert said == f"committed desk/fresh v1 to main ({desk.rev('HEAD')[:10]})\n"
    assert desk.git("log", "-1", "--format=%s") == "Add desk/fresh v1: New"
    assert cli.json("log", "desk/fresh")[0]["version"] == 1


def test_two_branches_take_one_number_and_renumber_mends_it(desk: Repo) -> None:
    """The same number, in parts of the file that git merges without a conflict."""
    cli = cli_of(desk)
    desk.commit({"promptvc.yaml": "main: main\n"})
    for branch, old, new in (
        ("one", "description: the", "description: a"),
        ("two", "only: ", "always: "),
    ):
        desk.git("checkout", "-q", "-b", branch, "main")
        desk.write({DESK_FILE: DESK_PROMPT.replace(old, new)})
        assert cli.json("commit", DESK, "-m", branch)["version"] == 2
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-edit", "one")
    desk.git("merge", "-q", "--no-edit", "--no-ff", "two")
    (problem,) = cli.json("check", codes=(1,))["problems"]
    assert problem["rule"] == "version-reuse"
    assert cli.json("show", f"{DESK}@v2")["prompt"]["variables"]["question"]["description"] == "a question"
    done = cli.json("commit", DESK, "--renumber", "-m", "Both")
    assert done["version"] == 3
    both = cli.json("show", f"{DESK}@v3")["prompt"]
    assert both["variables"]["question"]["description"] == "a question"
    assert "always" in both["messages"][0]["content"]
    assert cli.json("check")["problems"] == []
    assert cli.json("deploy", DESK)["version"] == 3


def test_committing_to_another_branch(desk: Repo) -> None:
    cli = cli_of(desk)
    desk.write({DESK_FILE: EDITED})
    main = desk.rev("main")
    done = cli.json("commit", DESK, "-m", "Elsewhere", "--branch", "edits")
    assert (done["branch"], done["version"]) == ("edits", 2)
    assert desk.rev("main") == main == desk.rev("edits~1")
    assert desk.show(f"edits:{DESK_FILE}") == desk.read(DESK_FILE)


def test_init_twice_is_once(make_repo: object, repo: Repo) -> None:
    cli = cli_of(repo)
    assert cli.json("init")["created"]
    repo.write({".gitattributes": "mine -text\nprompts/** -text", "promptvc.yaml": "main: trunk\n"})
    assert cli.json("init")["created"] == [".gitattributes"]
    assert repo.read(".gitattributes").startswith(b"mine -text\nprompts/** -text\n")
    assert repo.read(".gitattributes").count(b"prompts/** -text") == 1
    assert repo.read("promptvc.yaml") == b"main: trunk\n"
    before = {path: path.read_bytes() for path in repo.path.glob("*") if path.is_file()}
    assert cli("init").out == "everything was there already\n"
    assert {path: path.read_bytes() for path in repo.path.glob("*") if path.is_file()} == before
    assert "parts/prompts" not in cli.ok("init", "parts")
    assert (repo.path / "parts/promptvc.yaml").is_file()


def test_init_keeps_bytes_as_they_are(repo: Repo) -> None:
    cli = cli_of(repo)
    cli.ok("init")
    cli.ok("new", "a/b")
    repo.write({"prompts/a/b.yaml": repo.read("prompts/a/b.yaml").replace(b"\n", b"\r\n")})
    repo.git("config", "core.autocrlf", "true")
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "x")
    assert repo.show("HEAD:prompts/a/b.yaml") == repo.read("prompts/a/b.yaml")
    assert cli.json("show", "a/b")["digest"] == cli.json("show", "a/b@HEAD")["digest"]


def test_new_prompts(desk: Repo, tmp_path: Path) -> None:
    cli = cli_of(desk)
    (tmp_path / "words.txt").write_text("Translate {{ text }} to {{ language }}.\nKeep names.")
    (tmp_path / "theirs.yaml").write_text(DESK_PROMPT.replace("version: 1", "version: 9"))
    cli.ok("new", "plain", "--type", "system")
    cli.ok("new", "from/words", "--from", str(tmp_path / "words.txt"), "--model", "openai:x")
    cli.ok("new", "from/theirs", "--from", str(tmp_path / "theirs.yaml"), "--type", "connector")
    shown = {name: cli.json("show", name)["prompt"] for name in ("plain", "from/words", "from/theirs")}
    assert shown["plain"]["type"] == "system"
    assert shown["from/words"]["model"] == "openai:x"
    assert set(shown["from/words"]["variables"]) == {"input", "language", "text"}
    assert shown["from/theirs"]["version"] == 1
    assert shown["from/theirs"]["type"] == "connector"
    assert shown["from/theirs"]["messages"] == cli.json("show", DESK)["prompt"]["messages"]
    problems = cli.json("check")["problems"]  # of the words, which put a stranger's text among instructions
    assert {(one["rule"], one["file"]) for one in problems} == {
        ("injection-prone", "prompts/from/words.yaml")
    }


def test_new_from_a_task_offline_takes_the_nearest_prompt(desk: Repo) -> None:
    cli = cli_of(desk)
    done = cli("new", "desk/near", "--task", "Route a question to the right team, with one label")
    assert (done.code, done.out) == (0, "created prompts/desk/near.yaml\n")
    assert "copied from desk/route" in done.err
    assert cli.json("show", "desk/near")["prompt"]["metadata"] == {"derived_from": "desk/route v1"}
    far = cli("new", "far", "--task", "Zzyzx!")
    assert "no prompt here is near" in far.err
    assert cli.json("check")["problems"] == []


def test_a_name_that_was_deleted_goes_on_counting(shipped: Repo) -> None:
    cli = cli_of(shipped)
    shipped.commit({DESK_FILE: None}, "Delete")
    cli.ok("new", DESK)
    assert cli.json("show", DESK)["version"] == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("Bad/Name",), "`bad/name` would do"),
        (("a.b",), "cannot name"),
        (("v3",), "cannot name"),
        (("evidence/x",), "cannot name"),
        (("../up",), "cannot name"),
        ((DESK,), "exists already"),
        (("x", "--from", "nothing.txt"), "nothing.txt"),
        (("x", "--from", "promptvc.yaml"), "promptvc.yaml"),
        (("x", "--from", "latin.txt"), "UTF-8"),
        (("x", "--from", "empty.txt"), "empty"),
        (("x", "--from", "promptvc.yaml", "--task", "y"), "do not go together"),
        (("x", "--type", "assistant"), "assistant"),
    ],
)
def test_what_cannot_be_new(desk: Repo, arguments: tuple[str, ...], words: str) -> None:
    desk.write({"latin.txt": b"caf\xe9", "empty.txt": " \n"})
    before = desk.status()
    assert words in cli_of(desk).fails(2, "new", *arguments)
    assert desk.status() == before


DRAFT = {
    "description": "Greets.",
    "system": "Greet the person in one sentence.",
    "user": "{{ person }}",
    "variables": {"person": "who it is"},
}


def test_a_provider_drafts_a_task(desk: Repo) -> None:
    cli = cli_of(desk)
    with Server(lambda _: answer(f"```json\n{json.dumps(DRAFT)}\n```")) as server:
        done = cli("new", "greet", "--task", "Greet people", "--model", "openai:test", **server.environ())
        assert done.code == 0, done
        assert server.requests[0].text == "Greet people"
    assert "read it first" in done.err
    shown = cli.json("show", "greet", "--var", "person=Ada")
    assert shown["messages"][-1] == {"role": "user", "content": "Ada"}
    assert cli.json("check")["problems"] == []


@pytest.mark.parametrize(
    "text",
    [
        "I would love to!",
        "[1, 2]",
        json.dumps(DRAFT | {"variables": ["person"]}),
        json.dumps(DRAFT | {"user": "{{ somebody }}"}),
        json.dumps({"system": "x"}),
        json.dumps(DRAFT | {"user": "{{ person"}),
        json.dumps(DRAFT | {"variables": {"per son": "x"}, "user": "{{ per son }}"}),
        "",
    ],
)
def test_a_draft_that_cannot_be_used(desk: Repo, text: str) -> None:
    with Server(lambda _: answer(text)) as server:
        arguments = ("new", "greet", "--task", "Greet", "--model", "openai:test")
        said = cli_of(desk).fails(3, *arguments, **server.environ())
    assert "openai:test" in said
    assert "hint: " in said
    assert desk.status() == []


def test_a_provider_that_refuses_to_draft(desk: Repo) -> None:
    with Server(lambda _: failure(401, "bad key", code="invalid_api_key")) as server:
        arguments = ("new", "greet", "--task", "Greet", "--model", "openai:test")
        assert "openai:test" in cli_of(desk).fails(3, *arguments, **server.environ())


def test_showing_with_variables(desk: Repo) -> None:
    cli = cli_of(desk)
    shown = cli.ok("show", DESK, "--var", "question=a=b {{ x }}\nline")
    assert shown.endswith("[user]\na=b {{ x }}\nline\n")
    assert "question" in cli.fails(2, "show", DESK, "--var", "other=1")
    assert "--var takes K=V" in cli.fails(2, "show", DESK, "--var", "question")
