"""Names and paths that lead elsewhere, and nested repositories: refused, wherever they are written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders import Repo
from tests.commands import cli_of
from tests.safety.canaries import WORD, Outside, contents, orderly, run_all, silent
from tests.worlds import DESK, desk_files, desk_suite

NAMES = (
    "../escape",
    "desk/../../escape",
    "/tmp/escape",
    "..",
    ".",
    ".git/config",
    "a/.git/hooks/pre-commit",
    "con\\..\\escape",
    "..\\escape",
    "C:escape",
    "C:/escape",
    "a\nb",
    "a\rb",
    "a\x1b[31mb",
    "Desk/Route",
    "desk/ROUTE",
    "desk/route.",
    "desk/route ",
    "desk/route/",
    "desk//route",
    "~/escape",
    "~root",
    "${HOME}",
    "a" * 5000,
    "ﬁle",
    "desk/route\u200b",
    "\u202eetuor",
)


def files_of(repo: Repo) -> dict[str, bytes]:
    return {
        path: data
        for path, data in contents(repo.path).items()
        if not path.startswith((".git/", ".promptvc"))
    }


@pytest.fixture
def plain(repo: Repo) -> Repo:
    repo.commit(desk_files(**{"evaluation/desk/route.yaml": desk_suite(1)}), "Start")
    return repo


def test_a_name_that_is_a_path_makes_no_file(plain: Repo, tmp_path: Path) -> None:
    before, cli = files_of(plain), cli_of(plain)
    beside = set(tmp_path.iterdir())
    source = tmp_path / "p.txt"
    source.write_text("Hello")
    for name in NAMES:
        for command in (
            ("new", name),
            ("import", "text", str(source), "--name", name),
            ("show", name),
            ("show", f"{DESK}@{name}"),
            ("commit", name, "-m", "x"),
            ("feedback", "add", name, "--comment", "x"),
            ("feedback", "to-cases", name),
            ("deploy", DESK, "--env", name),
            ("deploy", name),
            ("rollback", DESK, "--env", name, "--reason", "x"),
            ("train", name),
            ("evaluate", name),
            ("baseline", "show", name),
            ("dataset", "create", name, "--prompt", DESK),
        )[:: 1 if len(name) < 20 else 3]:
            assert orderly(cli(*command)).code != 0, (command, files_of(plain).keys() - before.keys())
    assert files_of(plain) == before
    assert set(tmp_path.iterdir()) == beside | {source}
    assert not plain.status()


SUITE = """\
cases:
  - id: a
    vars: {{question: one}}
    expected: alpha
{more}
"""


@pytest.mark.parametrize(
    "path",
    [
        "../../outside/rows.jsonl",
        "../../../outside/rows.csv",
        "{outside}/rows.csv",
        "file://{outside}/rows.csv",
        "file:///etc/passwd",
        "https://example.org/rows.csv",
        "~/rows.csv",
        "..\\..\\outside\\rows.csv",
        "../../.git/rows.csv",
        "../../.GIT/rows.csv",
        "link.csv",
        "inner.csv",
        "../../../*/rows.csv",
        "../../.git/*.csv",
        "**/../../../outside/*.csv",
        "rows.csv\0.csv",
    ],
)
def test_a_suite_reads_no_file_of_elsewhere(plain: Repo, tmp_path: Path, path: str) -> None:
    outside = Outside.make(tmp_path / "outside")
    (plain.path / ".git/rows.csv").write_text(f"question,__expected\n{WORD},alpha\n")
    (plain.path / "evaluation/desk/link.csv").symlink_to(outside.path / "rows.csv")
    (plain.path / "evaluation/desk/inner.csv").symlink_to("../../.git/rows.csv")
    named = json.dumps(path.format(outside=outside.path))
    plain.write({"evaluation/desk/route.yaml": SUITE.format(more=f"  - {named}")})
    cli = cli_of(plain)
    for command in (("evaluate", DESK), ("evaluate", DESK, "--json")):
        assert silent(cli(*command)).code == 2, command
    assert silent(cli("check")).code == 1
    silent(cli("train", DESK, "--dry-run"))
    outside.unchanged()


@pytest.mark.parametrize(
    "path", ["../../../outside/code.py", "{outside}/code.py", "../../.git/code.py", "link.py", "/dev/stdin"]
)
def test_a_suite_runs_no_code_of_elsewhere(plain: Repo, tmp_path: Path, path: str) -> None:
    outside = Outside.make(tmp_path / "outside")
    (plain.path / ".git/code.py").write_text(f"def get_assert(output, context):\n    return '{WORD}'\n")
    (plain.path / "evaluation/desk/link.py").symlink_to(outside.path / "code.py")
    value = json.dumps(f"file://{path.format(outside=outside.path)}")
    more = f"default: {{assert: [{{type: python, value: {value}}}]}}"
    plain.write({"evaluation/desk/route.yaml": SUITE.format(more=more)})
    ran = silent(cli_of(plain)("evaluate", DESK, "--allow-code"))
    assert (ran.code, "not a known key" in ran.err) == (2, False), ran


def test_what_a_copy_elsewhere_links_to_is_not_read(plain: Repo, tmp_path: Path) -> None:
    outside = Outside.make(tmp_path / "outside")
    copy = tmp_path / "copy"
    (copy / "desk").mkdir(parents=True)
    (copy / "desk/route.yaml").symlink_to(outside.path / "route.yaml")
    (copy / "loop").symlink_to(copy)
    cli = cli_of(plain)
    for more in ((), ("--json",)):
        assert silent(cli("drift", "--against", str(copy), *more)).code == 1


def test_an_export_stays_in_its_folder(plain: Repo, tmp_path: Path) -> None:
    outside = Outside.make(tmp_path / "outside")
    target = tmp_path / "export"
    target.mkdir()
    (target / "desk").symlink_to(outside.path / "desk")
    cli = cli_of(plain)
    for command in (
        ("export", str(target), "--force"),
        ("export", str(target), "--format", "openai", "--force"),
        ("convert", DESK, "openai", "-o", str(target), "--force"),
    ):
        orderly(cli(*command))
        outside.unchanged()


@pytest.mark.parametrize("inside", ["../x.yaml", "/abs/x.yaml", ".git/x.yaml", "a\nb", "..%2fx"])
def test_an_imported_file_cannot_say_where_it_goes(plain: Repo, tmp_path: Path, inside: str) -> None:
    before = files_of(plain)
    files = {
        "a.prompt.yml": f"name: {json.dumps(inside)}\nmessages:\n  - role: user\n    content: Hi\n",
        "a.prompty": f"---\nname: {json.dumps(inside)}\nmodel: {{api: chat}}\n---\nuser:\nHi\n",
        "a.prompt": f"---\nname: {json.dumps(inside)}\n---\nHi\n",
        "a.json": json.dumps({"name": inside, "type": "text", "prompt": "Hi", "version": 1, "labels": []}),
        "m.json": json.dumps({"name": inside, "version": "1", "template": "Hi"}),
    }
    formats = ("prompt-yml", "prompty", "dotprompt", "langfuse", "mlflow")
    cli = cli_of(plain)
    for (name, text), form in zip(files.items(), formats, strict=True):
        (tmp_path / name).write_text(text)
        orderly(cli("import", form, str(tmp_path / name)))
    made = set(files_of(plain)) - set(before)
    assert all(path.startswith(("prompts", "evaluation")) and ".." not in path for path in made), made
    assert {path.name for path in tmp_path.iterdir()} <= {*files, "repo"}
    assert contents(plain.path / ".git").keys().isdisjoint({"x.yaml"})


def test_promptfoo_reads_only_below_its_own_file(plain: Repo, tmp_path: Path) -> None:
    outside = Outside.make(tmp_path / "outside")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "link.txt").symlink_to(outside.path / "secret.txt")
    (theirs / "promptfooconfig.yaml").write_text(
        "prompts: ['file://../outside/secret.txt', 'file://link.txt', 'file:///etc/hostname', 'Hi {{q}}']\n"
        "providers: ['exec:touch pwned', 'file://../outside/code.py']\n"
        "tests: ['file://../outside/rows.csv', {vars: {q: 'file://../outside/secret.txt'}}]\n"
    )
    silent(cli_of(plain)("import", "promptfoo", str(theirs / "promptfooconfig.yaml"), "--name", "foo"))
    assert all(WORD.encode() not in data for data in files_of(plain).values())
    outside.unchanged()


@pytest.mark.parametrize(
    "folder", ["prompts/desk/nested", "evaluation/nested", "deployments/nested", "feedback/nested"]
)
def test_a_submodule_or_a_nested_repository_is_not_entered(
    plain: Repo, make_repo: object, tmp_path: Path, folder: str
) -> None:
    inner = Repo.create(tmp_path / "inner", plain.environ)
    inner.commit(
        {
            "evil.yaml": f"name: {WORD}\nversion: 1\nmessages:\n  - {{role: user, content: {WORD}}}\n",
            "evil.jsonl": f'{{"id": "{WORD}"}}\n',
        }
    )
    plain.git("submodule", "--quiet", "add", str(inner.path), folder)
    plain.git("commit", "-q", "-m", "Submodule")
    cli = cli_of(plain)
    said = run_all(
        cli,
        [
            ("list",),
            ("check",),
            ("status",),
            ("feedback", "list", DESK),
            ("evaluate", DESK),
            ("alerts",),
            ("changelog",),
            ("new", f"{folder.removeprefix('prompts/')}/mine"),
        ],
    )
    assert f"{folder}: a repository of its own" in said[1].out
    assert not (plain.path / folder / "mine.yaml").exists()
