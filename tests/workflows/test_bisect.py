"""Bisection over a real history: what is asked, what is known already, and what git makes of a step."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping

import pytest

from tests.builders import Repo
from tests.commands import ROOT, Cli, cli_of
from tests.servers import Reply, Request, Server, answer, failure

NAME = "desk/greet"
FILE = "prompts/desk/greet.yaml"
MODEL = "openai:test-model"
SUITE = """\
cases:
  - id: hello
    vars: {question: hello}
    expected: "yes"
  - id: other
    vars: {question: other}
    expected: "yes"
"""


def prompt(version: int, *, model: str = MODEL, variable: str = "question", output: str = "yes") -> str:
    """Edition ``version``; offline models answer with ``output``."""
    return f"""\
name: {NAME}
version: {version}
model: {model}
variables:
  {variable}: {{description: what is asked, required: true}}
messages:
  - role: system
    content: "Edition {version}: answer with one label only: yes or no."
  - role: user
    content: "{{{{ {variable} }}}}"
examples:
  - input: {{{variable}: hello}}
    output: {output}
"""


def history(repo: Repo, versions: int, make: Callable[[int], str] = prompt) -> list[str]:
    """So many versions, each a commit; the suite comes with the last one."""
    commits = [repo.commit({FILE: make(1), "promptvc.yaml": "", ".gitignore": ".promptvc/\n"}, "Edition 1")]
    for version in range(2, versions + 1):
        more = {"evaluation/desk/greet.yaml": SUITE} if version == versions else {}
        commits.append(repo.commit({FILE: make(version), **more}, f"Edition {version}"))
    return commits


class Editions:
    """Answers "yes" as an edition does; counts what each was asked."""

    def __init__(self, right: Callable[[int, int], bool]) -> None:
        self.right = right
        self.asked: Counter[int] = Counter()

    def __call__(self, request: Request) -> Reply:
        number = edition(request)
        self.asked[number] += 1
        return answer("yes" if self.right(number, self.asked[number]) else "no")


def edition(request: Request) -> int:
    found = re.search(r"Edition (\d+)", request.body["messages"][0]["content"])
    assert found is not None
    return int(found[1])


def broken_from(first: int) -> Editions:
    return Editions(lambda number, _: number < first)


def test_the_version_that_broke_a_case_is_found_with_few_calls(repo: Repo) -> None:
    commits = history(repo, 16)
    with Server(broken_from(11)) as server:
        found = cli_of(repo).json("bisect", NAME, "--case", "hello", more=server.environ())
        assert found["first_bad"]["version"] == 11
        assert found["first_bad"]["commit"] == commits[10]
        assert found["first_bad"]["author"] == "Ada Author"
        assert found["first_bad"]["subject"] == "Edition 11"
        assert "equals" in found["first_bad"]["reason"]
        assert [change["path"] for change in found["first_bad"]["changes"]] == ["messages[0].content"]
        assert (found["last_good"]["version"], found["last_good"]["commit"]) == (10, commits[9])
        assert (found["name"], found["case"]) == (NAME, "hello")
        assert (found["skipped"], found["flaky"]) == ([], [])
        assert found["runs"]["fresh"] <= 5
        assert found["runs"] == {"evidence": 0, "cached": 0, "fresh": server.count // 3}
        before = server.count
        again = cli_of(repo).json("bisect", NAME, "--case", "hello", more=server.environ())
        assert server.count == before  # all from the cache
    assert again["first_bad"] == found["first_bad"]
    assert again["runs"] == {"evidence": 0, "cached": found["runs"]["fresh"], "fresh": 0}


def test_offline_versions_are_asked_once_each(repo: Repo) -> None:
    history(repo, 6, lambda v: prompt(v, model="offline", output="yes" if v < 5 else "no"))
    done = cli_of(repo)("bisect", NAME, "--case", "hello")
    assert done.code == 0, done
    assert f"v5 of {NAME} broke hello" in done.out
    assert "Ada Author" in done.out
    assert "v4" in done.out
    assert "hello -> yes" in done.out
    assert "by calls" in done.out


def test_evidence_narrows_the_search(repo: Repo) -> None:
    history(repo, 16)
    editions = broken_from(7)
    with Server(editions) as server:
        for version in (6, 7):
            done = cli_of(repo)("evaluate", f"{NAME}@v{version}", "--save", **server.environ())
            assert done.code in {0, 1}, done
    with Server(editions) as other:  # elsewhere, so nothing of the cache is of use
        found = cli_of(repo).json(
            "bisect", NAME, "--case", "hello", "--bad", "v7", "--good", "v6", more=other.environ()
        )
        assert other.count == 0
        assert found["first_bad"]["version"] == 7
        assert found["runs"] == {"evidence": 2, "cached": 0, "fresh": 0}
        found = cli_of(repo).json("bisect", NAME, "--case", "hello", more=other.environ())
        assert found["first_bad"]["version"] == 7
        assert found["runs"] == {"evidence": 2, "cached": 0, "fresh": 1}  # the newest has to fail
        assert set(editions.asked) <= {6, 7, 16}
        # Another question than the one that evidence is about.
        repo.write({"evaluation/desk/greet.yaml": SUITE.replace('"yes"', "'no'")})
        message = cli_of(repo).fails(2, "bisect", NAME, "--case", "hello", **other.environ())
        assert "passes on v16" in message


def test_answers_that_are_kept_narrow_the_search(repo: Repo) -> None:
    history(repo, 16)
    with Server(broken_from(7)) as server:
        for version in (6, 7):
            cli_of(repo)("evaluate", f"{NAME}@v{version}", **server.environ())
        before = server.count
        found = cli_of(repo).json("bisect", NAME, "--case", "hello", more=server.environ())
        assert found["first_bad"]["version"] == 7
        assert found["runs"] == {"evidence": 0, "cached": 2, "fresh": 1}
        assert server.count == before + 3


def test_repeats_that_disagree_are_asked_again_and_told_as_flaky(repo: Repo) -> None:
    history(repo, 4)
    # The third edition is right at first, and most often wrong after that.
    editions = Editions(lambda number, n: number < 3 or (number == 3 and n == 1))
    with Server(editions) as server:
        found = cli_of(repo).json("bisect", NAME, "--case", "hello", more=server.environ())
        assert found["first_bad"]["version"] == 3
        assert found["flaky"] == [3]
        assert editions.asked[3] == 6  # five of six are wrong: no nine could have another majority
        done = cli_of(repo)("bisect", NAME, "--case", "hello", **server.environ())
    assert "flaky" in done.out


def test_versions_that_cannot_be_rendered_are_skipped(repo: Repo) -> None:
    history(repo, 8, lambda v: prompt(v, variable="message" if v in {4, 5} else "question"))
    with Server(broken_from(5)) as server:
        found = cli_of(repo).json("bisect", NAME, "--case", "hello", more=server.environ())
        assert found["first_bad"]["version"] == 6
        assert found["last_good"]["version"] == 3
        assert [one["version"] for one in found["skipped"]] == [4, 5]
        assert all("question" in one["reason"] for one in found["skipped"])
        done = cli_of(repo)("bisect", NAME, "--case", "hello", **server.environ())
        assert "broke between v3 and v6" in done.out
        assert "v8 " not in cli_of(repo)("bisect", NAME, "--case", "hello", "--bad", "v7").out
        error = cli_of(repo).fails(2, "bisect", NAME, "--case", "hello", "--bad", "v5", **server.environ())
    assert "cannot be judged on v5" in error


@pytest.mark.parametrize(
    ("first", "arguments", "said"),
    [
        (99, (), "hello passes on v8: nothing broke it"),
        (1, (), "v1 fails too"),
        (3, ("--good", "v5"), "v5 fails too"),
        (3, ("--bad", "v2"), "hello passes on v2"),
        (3, ("--good", "v5", "--bad", "v5"), "not older"),
        (3, ("--good", "v9"), "no revision v9"),
    ],
)
def test_good_must_pass_and_bad_must_fail(
    repo: Repo, first: int, arguments: tuple[str, ...], said: str
) -> None:
    history(repo, 8)
    with Server(broken_from(first)) as server:
        error = cli_of(repo).fails(2, "bisect", NAME, "--case", "hello", *arguments, **server.environ())
    assert said in error


def test_what_is_not_there_is_named(repo: Repo) -> None:
    history(repo, 2)
    assert "did you mean hello?" in cli_of(repo).fails(2, "bisect", NAME, "--case", "helo")
    assert "did you mean" in cli_of(repo).fails(2, "bisect", "desk/gret", "--case", "hello")
    repo.write({"evaluation/desk/greet.yaml": None})
    assert "has no suite" in cli_of(repo).fails(2, "bisect", NAME, "--case", "hello")
    repo.write({"prompts/desk/draft.yaml": prompt(1).replace(NAME, "desk/draft")})
    error = cli_of(repo).fails(2, "bisect", "desk/draft", "--case", "hello")
    assert "no version of desk/draft is committed" in error


def test_a_revision_that_is_in_no_history_is_no_end(repo: Repo) -> None:
    history(repo, 3)
    repo.git("switch", "-q", "--orphan", "elsewhere")
    repo.commit({FILE: prompt(2).replace("Edition", "Number")}, "Another history")
    repo.git("switch", "-q", "main")
    error = cli_of(repo).fails(2, "bisect", NAME, "--case", "hello", "--good", "elsewhere")
    assert "is no version in its history" in error
    assert "not older" in cli_of(repo).fails(2, "bisect", NAME, "--case", "hello", "--good", f"{NAME}@v3")


def test_a_bound_on_calls_ends_it_and_the_next_one_goes_on(repo: Repo) -> None:
    history(repo, 16)
    with Server(broken_from(11)) as server:
        error = cli_of(repo).fails(
            3, "bisect", NAME, "--case", "hello", "--max-calls", "7", **server.environ()
        )
        assert "7 calls" in error
        assert server.count == 7
        found = cli_of(repo).json("bisect", NAME, "--case", "hello", more=server.environ())
        assert found["first_bad"]["version"] == 11
        assert server.count <= 15


def test_a_provider_that_fails_is_no_answer(repo: Repo) -> None:
    history(repo, 4)
    repo.write({"promptvc.yaml": "models: {attempts: 1}\n"})
    with Server(lambda _: failure(400, "no such thing")) as server:
        error = cli_of(repo).fails(3, "bisect", NAME, "--case", "hello", **server.environ())
    assert "no such thing" in error


def test_one_model_for_all_or_each_versions_own(repo: Repo) -> None:
    history(repo, 4, lambda v: prompt(v, model="openai:small" if v > 2 else MODEL))

    def script(request: Request) -> Reply:
        return answer("no" if request.body["model"] == "small" else "yes")

    with Server(script) as server:
        found = cli_of(repo).json("bisect", NAME, "--case", "hello", more=server.environ())
        assert found["first_bad"]["version"] == 3
        assert found["first_bad"]["changes"][0]["path"] == "model"
        error = cli_of(repo).fails(2, "bisect", NAME, "--case", "hello", "--model", MODEL, **server.environ())
        assert "passes on v4" in error


JUDGED = """\
cases:
  - id: hello
    vars: {question: hello}
    assert: [{type: llm-rubric, value: It agrees.}]
"""


def test_a_case_that_a_model_grades(repo: Repo) -> None:
    history(repo, 8)
    repo.commit({"evaluation/desk/greet.yaml": JUDGED}, "Ask a judge")

    def script(request: Request) -> Reply:
        if not request.body["model"].startswith("judge"):
            number = edition(request)
            return answer(f"yes, says {number}" if number < 3 else f"no, says {number}")
        agrees = "yes" in request.text.split("It agrees.")[0]
        return answer(json.dumps({"reason": "as asked", "pass": agrees, "score": float(agrees)}))

    with Server(script) as server:
        error = cli_of(repo).fails(2, "bisect", NAME, "--case", "hello", **server.environ())
        assert "--judge" in error
        assert server.count == 0
        done = cli_of(repo)("evaluate", f"{NAME}@v2", "--save", "--judge", "openai:judge", **server.environ())
        assert done.code == 0, done
        arguments = ("bisect", NAME, "--case", "hello", "--judge", "openai:judge")
        found = cli_of(repo).json(*arguments, more=server.environ())
        assert (found["first_bad"]["version"], found["last_good"]["version"]) == (3, 2)
        assert found["runs"]["evidence"] == 0  # another judge may have graded it
        assert found["runs"]["cached"] == 1
        before = server.count
        again = cli_of(repo).json(*arguments, more=server.environ())
        assert again["runs"]["fresh"] == 0
        assert server.count == before
        every = [f"{NAME}@v{version}" for version in range(1, 9)]
        cli_of(repo)("evaluate", *every, "--judge", "openai:judge", **server.environ())
        before = server.count
        other = cli_of(repo).json(*arguments[:-1], "openai:judge-2", more=server.environ())
        assert other["first_bad"]["version"] == 3
        assert other["runs"]["cached"] == 0  # the answers are kept, but not what this judge says of them
        assert other["runs"]["fresh"] <= 4
        assert other["runs"]["fresh"] <= server.count - before <= 3 * other["runs"]["fresh"]


def offline(version: int, first: int) -> str:
    return prompt(version, model="offline", output="yes" if version < first else "no")


def step(cli: Cli, **more: str) -> tuple[int, Mapping[str, object]]:
    done = cli("bisect", NAME, "--case", "hello", "--step", "--json", **more)
    return done.code, done.json


def test_a_step_judges_the_working_tree(repo: Repo) -> None:
    history(repo, 3, lambda v: offline(v, 3))
    cli = cli_of(repo)
    code, told = step(cli)
    assert (code, told["state"], told["version"]) == (1, "bad", 3)
    repo.write({FILE: offline(4, 9)})
    code, told = step(cli)
    assert (code, told["state"], told["version"]) == (0, "good", 4)
    repo.write({FILE: prompt(4, variable="message")})
    code, told = step(cli)
    assert (code, told["state"]) == (125, "skipped")
    repo.write({FILE: "name: [\n"})
    assert step(cli)[0] == 125
    repo.write({FILE: None})
    code, told = step(cli)
    assert (code, told["state"], told["version"]) == (125, "skipped", None)


def test_a_step_that_could_not_ask_is_no_bad_version(repo: Repo) -> None:
    history(repo, 2)
    with Server(lambda _: failure(401, "wrong key")) as server:
        code, told = step(cli_of(repo), **server.environ())
    assert code == 125
    assert "wrong key" in str(told["reason"])


def git_bisect(repo: Repo, good: str) -> str:
    """What `git bisect run` says, with HEAD as the bad commit."""
    command = [sys.executable, "-m", "promptvc", "bisect", NAME, "--case", "hello", "--step"]
    environ = dict(repo.environ) | {"PYTHONPATH": os.fspath(ROOT)}
    repo.git("bisect", "start", "HEAD", good)
    ran = subprocess.run(
        ["git", "bisect", "run", "sh", "-c", shlex.join(command)],
        cwd=repo.path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stdout + ran.stderr


def without_a_suite(repo: Repo, count: int, first: int) -> list[str]:
    """Versions, each a commit; of them only the working tree of the last has the case that is asked."""
    files = {"promptvc.yaml": "", ".gitignore": ".promptvc/\n"}
    return [
        repo.commit({FILE: offline(version, first), **files}, f"Edition {version}")
        for version in range(1, count + 1)
    ]


def test_git_bisect_run_finds_the_commit(repo: Repo) -> None:
    commits = without_a_suite(repo, 9, first=6)
    repo.commit({"evaluation/desk/greet.yaml": SUITE}, "A new case")
    said = git_bisect(repo, commits[0])
    assert f"{commits[5]} is the first bad commit" in said, said


def test_git_bisect_run_skips_what_cannot_be_judged(repo: Repo) -> None:
    commits = without_a_suite(repo, 4, first=9)
    nothing = repo.commit({FILE: None, "promptvc.yaml": None}, "No prompts at all")
    broken = repo.commit({FILE: "name: [\n", "promptvc.yaml": ""}, "No prompt")
    culprit = repo.commit({FILE: offline(6, 6)}, "Edition 6")
    repo.commit({FILE: offline(7, 6)}, "Edition 7")
    repo.commit({"evaluation/desk/greet.yaml": SUITE}, "A new case")
    said = git_bisect(repo, commits[0])
    assert "The first bad commit could be any of:" in said, said
    possible = said.partition("could be any of:")[2]
    assert set(re.findall(r"\b[0-9a-f]{40}\b", possible)) == {nothing, broken, culprit}
