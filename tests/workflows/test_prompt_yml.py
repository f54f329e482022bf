"""A repository of ``.prompt.yml`` files is used as it lies."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.conftest import MakeRepo
from tests.servers import Request, Server, answer
from tests.workflows.github_prompts import FILES, GRADED, NAMES, SUMMARIZE, TRIAGE

TRIAGE_FILE = "prompts/support/triage.prompt.yml"


@pytest.fixture
def github(repo: Repo) -> Repo:
    """The dozen, committed; nothing else is in the repository."""
    repo.commit(FILES, "Add prompts")
    return repo


@pytest.fixture
def cli(github: Repo) -> Cli:
    return cli_of(github)


def edited(text: str) -> str:
    return text.replace("one label only", "exactly one label")


class TestLooking:
    def test_all_are_listed_by_their_paths(self, cli: Cli) -> None:
        found = cli.json("list")
        assert [one["name"] for one in found] == NAMES
        assert {(one["version"], one["counted"]) for one in found} == {(1, "main")}

    def test_models_are_as_langchain_takes_them(self, cli: Cli) -> None:
        models = {one["name"]: one["model"] for one in cli.json("list")}
        assert models["support/triage"] == "openai:gpt-4o-mini"
        assert models["old"] == "openai:gpt-4o"
        assert models["translate_fr"] == "mistralai:mistral-small-2503"
        assert models["search"] == "xai:grok-3-mini"
        assert models["llama"] is None

    @pytest.mark.parametrize("name", NAMES)
    def test_each_is_shown_with_the_bytes_of_its_file(self, github: Repo, cli: Cli, name: str) -> None:
        shown = cli.json("show", name)
        assert shown["prompt"]["name"] == name
        assert shown["prompt"]["version"] == shown["version"] == 1
        path = next(path for path in FILES if github.rev(f"HEAD:{path}") == shown["digest"])
        assert cli.ok("show", name) == FILES[path]

    def test_show_renders(self, cli: Cli) -> None:
        messages = cli.json("show", "names", "--var", "rules_=be short", "--var", "examples_=none")[
            "messages"
        ]
        assert messages == [{"role": "user", "content": "Follow be short and look at none."}]
        assert "user_name" in cli.fails(2, "show", "persona", "--var", "input=hello")

    def test_output_and_parameters_come_over(self, cli: Cli) -> None:
        person = cli.json("show", "support/person")["prompt"]
        assert person["output"]["schema"]["required"] == ["name"]
        assert cli.json("show", "persona")["prompt"]["parameters"] == {
            "temperature": 0.7, "max_tokens": 300, "top_p": 0.9,
        }  # fmt: skip

    def test_diff_is_by_items(self, github: Repo, cli: Cli) -> None:
        github.write({TRIAGE_FILE: edited(TRIAGE)})
        found = cli.json("diff", "support/triage")
        assert [one["path"] for one in found["changes"]] == ["version", "messages[0].content"] or [
            one["path"] for one in found["changes"]
        ] == ["messages[0].content"]
        assert "+    content: " in cli.ok("diff", "support/triage", "--text")

    def test_nothing_is_written_into_the_repository(self, github: Repo, cli: Cli) -> None:
        for arguments in (
            ["list"],
            ["show", "few"],
            ["log", "few"],
            ["check"],
            ["evaluate", "few", "--model", "offline"],
        ):
            cli(*arguments)
        assert github.status() == []

    def test_a_subfolder_and_no_settings_are_enough(self, github: Repo, cli: Cli) -> None:
        assert [one["name"] for one in cli.at(github.path / "prompts" / "support").json("list")] == NAMES


class TestVersions:
    def test_contents_on_main_are_counted(self, github: Repo, cli: Cli) -> None:
        first = github.rev("HEAD")
        second = github.commit({TRIAGE_FILE: edited(TRIAGE)}, "Say it better")
        github.commit({TRIAGE_FILE: TRIAGE}, "Go back")
        third = github.commit({TRIAGE_FILE: TRIAGE + "# a comment\n"}, "Comment")
        log = cli.json("log", "support/triage")
        assert [(one["version"], one["commit"]) for one in log] == [(3, third), (2, second), (1, first)]
        assert "no version" in cli("log", "support/triage").err
        assert cli.json("show", "support/triage@v2")["digest"] == github.rev(f"{second}:{TRIAGE_FILE}")
        assert cli.json("show", "support/triage@HEAD~1")["version"] == 1
        assert cli.json("show", "support/triage@latest")["version"] == 3

    def test_an_edit_is_the_next_and_uncommitted(self, github: Repo, cli: Cli) -> None:
        github.write({TRIAGE_FILE: edited(TRIAGE)})
        shown = cli.json("show", "support/triage")
        assert (shown["version"], shown["counted"], shown["commit"]) == (2, "uncommitted", None)
        assert "not committed" in cli("show", "support/triage").err
        assert "v2 uncommitted" in cli.ok("list")
        assert "has no revision v2" in cli.fails(2, "show", "support/triage@v2")

    def test_a_branch_counts_on(self, github: Repo, cli: Cli) -> None:
        github.commit({"promptvc.yaml": "main: main\n"})
        github.git("switch", "-q", "-c", "idea")
        github.commit({TRIAGE_FILE: edited(TRIAGE)})
        shown = cli.json("show", "support/triage")
        assert (shown["version"], shown["counted"]) == (2, "branch")
        github.git("switch", "-q", "main")
        github.commit({TRIAGE_FILE: TRIAGE + "# meanwhile\n"})
        github.git("switch", "-q", "idea")
        assert cli.json("show", "support/triage")["version"] == 3

    def test_a_merge_is_one_version_credited_to_who_wrote_it(self, github: Repo, cli: Cli) -> None:
        github.git("switch", "-q", "-c", "idea")
        github.commit({TRIAGE_FILE: TRIAGE + "# draft\n"})
        wrote = github.commit({TRIAGE_FILE: edited(TRIAGE)})
        github.git("switch", "-q", "main")
        github.git("merge", "-q", "--no-ff", "--no-edit", "idea")
        log = cli.json("log", "support/triage")
        assert (log[0]["version"], log[0]["commit"]) == (2, wrote)
        assert len(log) == 2

    def test_a_shallow_clone_does_not_guess(self, github: Repo, tmp_path: Path) -> None:
        github.commit({TRIAGE_FILE: edited(TRIAGE)})
        github.git("clone", "-q", "--depth", "1", f"file://{github.path}", str(tmp_path / "shallow"))
        cli = cli_of(Repo(tmp_path / "shallow", github.environ))
        assert "git fetch --unshallow" in cli.fails(2, "show", "support/triage")
        assert {one["version"] for one in cli.json("list")} == {None}
        # No number stands in such a file, so that none can be used twice.
        assert not any("shallow" in one["message"] for one in cli.json("check")["problems"])

    def test_before_the_first_commit_all_are_the_first(self, repo: Repo) -> None:
        repo.write({TRIAGE_FILE: TRIAGE})
        shown = cli_of(repo).json("show", "support/triage")
        assert (shown["version"], shown["counted"]) == (1, "uncommitted")

    def test_a_bare_repository_reads_main(self, github: Repo, tmp_path: Path) -> None:
        github.git("clone", "-q", "--bare", str(github.path), str(tmp_path / "bare"))
        cli = cli_of(Repo(tmp_path / "bare", github.environ))
        assert [one["name"] for one in cli.json("list")] == NAMES
        assert cli.json("show", "support/triage")["version"] == 1


class TestPlaces:
    def test_without_prompts_there_they_count_everywhere(self, repo: Repo) -> None:
        repo.commit(
            {".github/prompts/Sum up.prompt.yml": SUMMARIZE, "top.prompt.yml": TRIAGE, "src/a.py": "1\n"}
        )
        repo.commit({"src/a.py": "2\n"})
        second = repo.commit({"top.prompt.yml": edited(TRIAGE)})
        cli = cli_of(repo)
        assert [one["name"] for one in cli.json("list")] == ["github/prompts/sum-up", "top"]
        assert cli.json("log", "top")[0]["commit"] == second
        assert cli.json("show", "github/prompts/sum-up@v1")["version"] == 1
        assert [one["name"] for one in cli.at(repo.path / "src").json("list")] == [
            "github/prompts/sum-up",
            "top",
        ]
        cli.ok("check")

    def test_ignored_files_are_no_prompts(self, repo: Repo) -> None:
        repo.commit({"top.prompt.yml": TRIAGE, ".gitignore": "node_modules/\n.promptvc/\n"})
        repo.write({"node_modules/x/y.prompt.yml": SUMMARIZE, "new.prompt.yml": SUMMARIZE})
        assert [one["name"] for one in cli_of(repo).json("list")] == ["new", "top"]

    def test_no_prompt_switches_another_off(self, repo: Repo) -> None:
        """A pull request that adds a prompt below `prompts/` hides nothing that lies elsewhere."""
        token = "ghp_" + "q8Rk3TzW5yLmN7vXc2BdF9hJ4sGaP6eU1oIt"
        repo.commit({"top.prompt.yml": TRIAGE, "docs/Sum up.prompt.yml": f"{SUMMARIZE}# {token}\n"})
        cli = cli_of(repo)
        before = cli.json("show", "top")["digest"]
        for path, text in (
            ("prompts/a.prompt.yml", TRIAGE),
            ("prompts/z.yaml", "name: z\nversion: 1\nmessages: [{role: user, content: Hi}]\n"),
        ):
            second = repo.commit({path: text})
            assert {one["name"] for one in cli.json("list")} >= {"top", "docs/sum-up"}
            found = cli.json("check", codes=(1,))["problems"]
            assert [(one["rule"], one["file"]) for one in found] == [("secret", "docs/Sum up.prompt.yml")]
        assert cli.json("show", "top")["digest"] == before
        assert cli.json("log", "top")[0]["version"] == 1
        third = repo.commit({"top.prompt.yml": edited(TRIAGE), "prompts/z.yaml": None})
        assert [one["commit"] for one in cli.json("log", "top")] == [third, repo.rev(f"{second}~2")]

    def test_what_was_converted_has_its_name_and_the_others_stay(self, repo: Repo) -> None:
        repo.commit({"top.prompt.yml": TRIAGE, "other.prompt.yml": "messages: 7\n"})
        cli = cli_of(repo)
        assert "delete" in cli("import", "prompt-yml", str(repo.path / "top.prompt.yml"), "--name", "top").err
        rules = {(one["rule"], one["file"]) for one in cli.json("check", codes=(1,))["problems"]}
        assert rules == {("name", "top.prompt.yml"), ("prompt", "other.prompt.yml")}
        (repo.path / "top.prompt.yml").unlink()
        assert [one["rule"] for one in cli.json("check", codes=(1,))["problems"]] == ["prompt"]

    def test_a_link_is_no_prompt_wherever_it_lies(self, repo: Repo) -> None:
        repo.commit({"top.prompt.yml": TRIAGE, "docs/x.txt": SUMMARIZE})
        (repo.path / "linked.prompt.yml").symlink_to("docs/x.txt")
        (problem,) = cli_of(repo).json("check", codes=(1,))["problems"]
        assert (problem["rule"], problem["file"]) == ("link", "linked.prompt.yml")

    def test_a_prompt_of_our_own_wins(self, desk: Repo) -> None:
        desk.commit({"prompts/desk/route.prompt.yml": TRIAGE})
        cli = cli_of(desk)
        assert cli.json("show", "desk/route")["prompt"]["variables"].keys() == {"question"}
        assert [one["name"] for one in cli.json("list")] == ["desk/route"]
        (problem,) = [one for one in cli.json("check", codes=(1,))["problems"] if one["rule"] == "name"]
        assert problem["file"] == "prompts/desk/route.prompt.yml"
        assert "prompts/desk/route.yaml" in problem["message"]

    def test_two_files_of_one_name_are_an_error(self, repo: Repo) -> None:
        repo.commit({"prompts/Sum up.prompt.yml": SUMMARIZE, "prompts/sum-up.prompt.yaml": SUMMARIZE})
        cli = cli_of(repo)
        assert "have one name" in cli.fails(2, "show", "sum-up")
        assert [one["rule"] for one in cli.json("check", codes=(1,))["problems"]] == ["name"]

    @pytest.mark.parametrize(
        "path", ["prompts/v3.prompt.yml", "prompts/latest.prompt.yml", "prompts/.prompt.yml"]
    )
    def test_a_path_without_a_name_is_told(self, repo: Repo, path: str) -> None:
        repo.commit({path: TRIAGE, "prompts/good.prompt.yml": TRIAGE})
        cli = cli_of(repo)
        assert [one["name"] for one in cli.json("list")] == ["good"]
        assert [(one["rule"], one["file"]) for one in cli.json("check", codes=(1,))["problems"]] == [
            ("name", path)
        ]

    def test_a_link_out_of_the_repository_is_not_read(self, repo: Repo, tmp_path: Path) -> None:
        (tmp_path / "secret.prompt.yml").write_text(TRIAGE)
        repo.commit({"prompts/a.prompt.yml": TRIAGE})
        (repo.path / "prompts" / "b.prompt.yml").symlink_to(tmp_path / "secret.prompt.yml")
        cli = cli_of(repo)
        assert "symbolic link" in cli.fails(2, "show", "b")
        assert "symbolic link" in cli.fails(2, "list")
        assert "link" in [one["rule"] for one in cli.json("check", codes=(1,))["problems"]]

    def test_an_unknown_name_is_said_to_be_one(self, cli: Cli) -> None:
        assert "did you mean support/triage" in cli.fails(2, "show", "support/triag")
        assert "`support/triage` would do" in cli.fails(2, "show", TRIAGE_FILE)


class TestEvaluating:
    def test_offline(self, cli: Cli) -> None:
        found = cli.json("evaluate", "support/triage", "--model", "offline", codes=(0, 1))
        assert (found["cases"], found["errored"]) == (2, 0)
        assert found["version"] == 1

    @pytest.mark.parametrize(
        "name",
        ["few", "names", "search", "support/person", "support/triage", "text-summarizer", "translate_fr"],
    )
    def test_every_one_with_test_data_runs_offline(self, cli: Cli, name: str) -> None:
        found = cli.json("evaluate", name, "--model", "offline", codes=(0, 1))
        assert found["errored"] == 0
        assert found["passed"] + found["failed"] == found["cases"] > 0

    @pytest.mark.parametrize(
        ("name", "said", "passes"),
        [
            ("support/triage", lambda request: request.text.partition(":")[0], True),
            ("support/triage", lambda request: "perhaps", False),
            ("text-summarizer", lambda request: "  summary - a fox.", True),
            ("text-summarizer", lambda request: "A fox: Summary - ", False),
            ("translate_fr", lambda request: "Bonjour.\n", True),
            ("translate_fr", lambda request: "Bonjour. Madame", False),
            ("search", lambda request: "flights OSLO", True),
            ("few", lambda request: "sad", True),
            ("few", lambda request: "Sad", False),
            ("names", lambda request: "ok", True),
        ],
    )
    def test_with_a_model(self, cli: Cli, name: str, said: Callable[[Request], str], passes: bool) -> None:
        with Server(lambda request: answer(said(request))) as server:
            done = cli("evaluate", name, "--model", "openai:gpt-4o-mini", "--json", **server.environ())
        found = json.loads(done.out)
        assert done.code == (0 if passes else 1), done
        assert found["errored"] == 0
        assert (found["passed"] == found["cases"]) is passes

    def test_the_model_of_the_file_is_asked_as_it_says(self, cli: Cli) -> None:
        with Server(lambda request: answer(request.text.partition(":")[0])) as server:
            cli.ok("evaluate", "support/triage", **server.environ())
        body = server.requests[0].body
        assert body["model"] == "gpt-4o-mini"
        assert body["messages"][-1]["content"].startswith("bug: ")

    def test_an_evaluator_that_asks_a_model_is_a_judge(self, cli: Cli) -> None:
        def script(request: Request) -> object:
            if request.body["model"] == "gpt-4o":
                assert "friendly explanation of rain" in json.dumps(request.body)
                return answer(json.dumps({"reason": "warm", "pass": True, "score": 1.0}))
            return answer("Water falls from clouds.")

        with Server(script) as server:  # type: ignore[arg-type]
            found = json.loads(cli("evaluate", "graded", "--json", **server.environ()).out)
        assert (found["passed"], found["errored"]) == (1, 0)

    def test_a_pull_request_calls_the_models_of_its_base(self, github: Repo, cli: Cli) -> None:
        base = github.rev("HEAD")
        with Server(lambda request: answer(request.text.partition(":")[0])) as server:
            environ = {**server.environ(), "PROMPTVC_BASE": base}
            cli.ok("evaluate", "support/triage", **environ)
            asked = server.count
            github.commit({TRIAGE_FILE: TRIAGE.replace("gpt-4o-mini", "o1-pro")})
            assert "openai:o1-pro" in cli("evaluate", "support/triage", **environ).err
            assert server.count == asked

    def test_versions_are_compared_on_the_same_cases(self, github: Repo, cli: Cli) -> None:
        github.write({TRIAGE_FILE: edited(TRIAGE) + '  - {input: "question: why?", expected: question}\n'})
        found = cli.json("evaluate", "support/triage", "--baseline", "v1", "--model", "offline", codes=(0, 1))
        assert found["cases"] == found["comparison"]["n"] == 3

    def test_what_changed_is_evaluated(self, github: Repo, cli: Cli) -> None:
        base = github.rev("HEAD")
        github.commit(
            {
                TRIAGE_FILE: edited(TRIAGE),
                "prompts/bare.prompt.yml": "messages: [{role: user, content: Hi}]\n",
            }
        )
        found = cli.json("evaluate", "--changed-since", base, "--model", "offline", codes=(0, 1))
        assert found["name"] == "support/triage"  # the other one has no test data

    def test_a_suite_beside_it_counts_instead(self, github: Repo, cli: Cli) -> None:
        github.write(
            {"evaluation/support/triage.yaml": 'cases: [{vars: {input: "bug: x"}, expected: bug}]\n'}
        )
        assert cli.json("evaluate", "support/triage", "--model", "offline", codes=(0, 1))["cases"] == 1

    def test_evidence_is_saved_of_what_is_committed(self, github: Repo, cli: Cli) -> None:
        cli.json("evaluate", "support/triage", "--model", "offline", "--save", codes=(0, 1))
        assert github.git("log", "-1", "--format=%s").startswith("Evaluate support/triage v1")
        github.write({TRIAGE_FILE: edited(TRIAGE)})
        assert "changes" in cli.fails(2, "evaluate", "support/triage", "--model", "offline", "--save")


class TestChecking:
    def test_what_means_nothing_is_told_with_its_line(self, cli: Cli) -> None:
        found = cli.json("check", codes=(0,))["problems"]
        told = {(one["rule"], one["file"].rpartition("/")[2], one["line"]) for one in found}
        assert ("unknown-key", "old.prompt.yml", 6) in told
        assert ("prompt-yml", "old.prompt.yml", 5) in told  # `{{ word }}` with blanks
        assert ("prompt-yml", "llama.prompt.yml", 2) in told
        assert ("prompt-yml", "persona.prompt.yml", 7) in told
        quiet = ("Summarizer.prompt.yml", "graded.prompt.yml")
        assert not [one for one in found if one["rule"] == "prompt-yml" and one["file"].endswith(quiet)]

    @pytest.mark.parametrize(
        ("text", "line", "word"),
        [
            ("messages:\n  - {role: user, content: hi}\n  - {role: tool, content: x}\n", 3, "role"),
            ("model: a/b\nmessages: []\n", 2, "messages"),
            (
                "messages: [{role: user, content: hi}]\nmodelParameters:\n  temperature: hot\n",
                3,
                "temperature",
            ),
            (
                "responseFormat: json_schema\njsonSchema: '{'\nmessages: [{role: user, content: hi}]\n",
                2,
                "jsonSchema",
            ),
            ("responseFormat: yaml\nmessages: [{role: user, content: hi}]\n", 1, "responseFormat"),
            ("messages: [{role: user, content: hi}]\ntestData: [1]\n", 2, "testData"),
            ("a: [\n", 2, ""),
            ("", 1, "empty"),
        ],
    )
    def test_a_broken_file_is_one_finding(self, repo: Repo, text: str, line: int, word: str) -> None:
        repo.commit({"prompts/a.prompt.yml": text, "prompts/good.prompt.yml": TRIAGE})
        cli = cli_of(repo)
        (problem,) = cli.json("check", codes=(1,))["problems"]
        assert (problem["rule"], problem["file"], problem["line"]) == ("prompt", "prompts/a.prompt.yml", line)
        assert word in problem["message"]
        assert [one["name"] for one in cli.json("list")] == ["a", "good"]
        assert "a.prompt.yml" in cli.fails(2, "show", "a", "--var", "x=1")

    def test_one_prompt_is_checked(self, cli: Cli) -> None:
        assert {one["file"] for one in cli.json("check", "old")["problems"]} == {"prompts/old.prompt.yml"}

    def test_a_secret_is_found(self, repo: Repo) -> None:
        key = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
        repo.commit({"prompts/a.prompt.yml": f"messages:\n  - role: user\n    content: use {key}\n"})
        assert "secret" in [one["rule"] for one in cli_of(repo).json("check", codes=(0, 1))["problems"]]

    def test_nothing_of_it_is_mended(self, repo: Repo) -> None:
        repo.commit({"prompts/a.prompt.yml": TRIAGE.replace("\n", "\r\n")})
        before = repo.read("prompts/a.prompt.yml")
        cli_of(repo)("check", "--fix")
        assert repo.read("prompts/a.prompt.yml") == before


class TestRefusing:
    @pytest.mark.parametrize(
        "arguments",
        [
            ["commit", "support/triage", "-m", "x"],
            ["train", "support/triage"],
            ["deploy", "support/triage"],
            ["deploy", "support/triage@v1"],
            ["blame", "support/triage"],
            ["why", "support/triage"],
            ["log", "--graph", "support/triage"],
            ["changelog", "support/triage"],
            ["review", "support/triage"],
            ["verify", "support/triage@v1"],
        ],
        ids=" ".join,
    )
    def test_what_writes_prompts_says_how_to_convert(
        self, github: Repo, cli: Cli, arguments: list[str]
    ) -> None:
        head = github.rev("HEAD")
        error = cli.fails(2, *arguments)
        assert f"promptvc import prompt-yml {TRIAGE_FILE} --name support/triage" in error
        assert github.rev("HEAD") == head
        assert github.status() == []

    def test_a_new_prompt_does_not_start_from_one_by_halves(self, github: Repo, cli: Cli) -> None:
        error = cli.fails(2, "new", "other", "--from", str(github.path / TRIAGE_FILE))
        assert "promptvc import prompt-yml" in error
        assert github.status() == []

    def test_a_hostile_path_is_quoted_in_the_hint(self, repo: Repo) -> None:
        repo.commit({"prompts/a $(id) b.prompt.yml": TRIAGE})
        assert "'prompts/a $(id) b.prompt.yml'" in cli_of(repo).fails(2, "deploy", "a-id-b")

    @pytest.mark.parametrize(
        "arguments",
        [
            ["train", "--due"], ["train", "--status"], ["status"], ["drift"], ["baseline", "approve", "support/triage"],
            ["dataset", "export", "support/triage"], ["suggest", "support/triage"], ["review", "support/triage"],
            ["merge", "nowhere"], ["rollback", "support/triage", "--reason", "x"], ["pr", "support/triage"],
            ["verify", "support/triage@v1"], ["trend", "support/triage"], ["flaky", "support/triage"],
            ["feedback", "add", "support/triage", "--thumbs-up"], ["feedback", "summary", "support/triage"],
            ["bisect", "support/triage", "--case", "x"], ["export", "out"], ["alerts"],
        ],
        ids=" ".join,
    )  # fmt: skip
    def test_no_command_ends_in_a_traceback(self, github: Repo, cli: Cli, arguments: list[str]) -> None:
        done = cli.at(github.path)(*arguments)
        assert done.code in {0, 1, 2, 3}
        assert "Traceback" not in done.err


class TestConverting:
    def test_there_and_back(self, github: Repo, tmp_path: Path, make_repo: MakeRepo) -> None:
        """Imported, exported on top of the originals: not a byte changes."""
        other = make_repo("other")
        other.commit({"promptvc.yaml": "", ".gitignore": ".promptvc/\n"})
        cli = cli_of(other)
        cli.ok("import", "prompt-yml", str(github.path / "prompts"))
        cli.ok("check")
        other.git("add", "-A")
        other.git("commit", "-q", "-m", "Import")
        shutil.copytree(github.path / "prompts", tmp_path / "out")
        names = {one["name"] for one in cli.json("list")}
        assert names == set(NAMES)
        for path in FILES:  # they are written under their names
            (tmp_path / "out" / path.removeprefix("prompts/")).unlink()
        texts = {}
        for name in names:
            path = next(
                path
                for path in FILES
                if cli_of(github).json("show", name)["digest"] == github.rev(f"HEAD:{path}")
            )
            target = tmp_path / "out" / f"{name}.prompt.yml"
            target.parent.mkdir(exist_ok=True)
            target.write_text(FILES[path])
            texts[target] = FILES[path]
        done = cli.json("export", str(tmp_path / "out"), "--format", "prompt-yml", "--force")
        assert len(done["written"]) == len(FILES)
        for target, text in texts.items():
            assert target.read_text() == text

    def test_an_edit_is_written_and_the_rest_stays(self, repo: Repo) -> None:
        repo.commit({"promptvc.yaml": "", "prompts/graded.prompt.yml": GRADED})
        cli = cli_of(repo)
        cli.ok("import", "prompt-yml", str(repo.path / "prompts" / "graded.prompt.yml"))
        file = repo.path / "prompts" / "graded.yaml"
        file.write_text(file.read_text().replace("to a child", "to a baker").replace("gpt-4.1-mini", "gpt-5"))
        found = cli.ok("convert", "graded", "prompt-yml")
        assert "Explain {{topic}} to a baker." in found
        assert "model: openai/gpt-5" in found
        assert "systemPrompt: You grade answers for children." in found

    def test_a_file_is_converted_as_it_lies(self, cli: Cli) -> None:
        assert cli.ok("convert", "few", "prompt-yml").startswith("name: Few shots\n")
        assert "jinja" not in cli.ok("convert", "few", "promptfoo")

    def test_all_are_exported_in_another_format(self, github: Repo, cli: Cli, tmp_path: Path) -> None:
        found = cli.json("export", str(tmp_path / "out"), "--format", "prompty")
        assert len(found["written"]) == len(FILES)

    def test_the_format_is_known_by_its_ending(self, github: Repo, cli: Cli) -> None:
        found = cli.json("import", "auto", str(github.path / TRIAGE_FILE), "--dry-run", "--name", "other")
        assert found["created"] == ["prompts/other.yaml", "evaluation/other.yaml"]

    def test_the_hint_of_a_refusal_does_what_it_says(self, github: Repo, cli: Cli) -> None:
        cli.ok("import", "prompt-yml", str(github.path / TRIAGE_FILE), "--name", "support/triage")
        (github.path / TRIAGE_FILE).unlink()
        github.git("add", "-A")
        github.git("commit", "-q", "-m", "Convert")
        assert cli.json("show", "support/triage")["counted"] is None
        cli.ok("check", "support/triage")

    def test_what_is_lost_on_the_way_there_and_back_is_listed(self, repo: Repo) -> None:
        text = f"# where it came from\nzone: 7\n{TRIAGE}# to be done\n"
        repo.commit({"promptvc.yaml": "", "triage.prompt.yml": text})
        cli = cli_of(repo)
        lying = cli.json("convert", "triage", "prompt-yml")
        comments = [one["path"] for one in lying["dropped"] if "comments" in one["why"]]
        assert comments == ["line 1", f"line {text.count(chr(10))}"]
        there = cli.json("import", "prompt-yml", str(repo.path / "triage.prompt.yml"), "--name", "mine")
        listed = {one["path"]: one["why"] for one in there["dropped"]}
        assert listed["line 1"] == "comments do not come over"
        assert "behind the others" in listed["zone"]
        file = repo.path / "prompts" / "mine.yaml"
        file.write_text(f"# ours\n{file.read_text()}")
        back = cli.json("convert", "mine", "prompt-yml")
        assert ("comments of prompts/mine.yaml", "line 1") in [
            (one["path"], one["what"]) for one in back["dropped"]
        ]
        assert "#" not in back["files"]["mine.prompt.yml"]

    def test_what_is_lost_again_and_again_is_one_line(self, repo: Repo, tmp_path: Path) -> None:
        cases = "".join(f"  - {{id: case-{number}, vars: {{}}, expected: hi}}\n" for number in range(12))
        prompt = "name: mine\nversion: 1\nmessages: [{role: user, content: Hi}]\n"
        repo.commit({"prompts/mine.yaml": prompt, "evaluation/mine.yaml": f"cases:\n{cases}"})
        cli = cli_of(repo)
        whole = cli.json("convert", "mine", "promptfoo")["dropped"]
        assert sum(one["path"].endswith("].id") for one in whole) == 12
        for arguments, name in (
            (("convert", "mine", "promptfoo"), ""),
            (("export", str(tmp_path / "out"), "--format", "promptfoo"), "mine: "),
        ):
            (line,) = [line for line in cli(*arguments).err.splitlines() if "].id" in line]
            assert f"{name}suite.cases[].id: 12 times, such as case-0: " in line
