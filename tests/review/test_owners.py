"""CODEOWNERS: the examples of each forge's documentation, lines that a forge skips, and git itself as the judge."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.forge.forge import KINDS, Kind
from promptvc.review.owners import MOST_BYTES, PLACES, Owners, owners_of
from promptvc.review.patterns import github_pattern, gitlab_pattern
from tests.builders import Repo
from tests.conftest import MakeRepo

GITHUB = """\
# This is a comment.
*       @global-owner1 @global-owner2
*.js    @js-owner #This is an inline comment.
*.go docs@example.com
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/* docs@example.com
apps/ @octocat
/docs/ @doctocat
/scripts/ @doctocat @octocat
**/logs @octocat
/apps/ @octocat
/apps/github
"""


def who(file: str, text: str, kind: Kind) -> list[str]:
    found = owners_of([file], text, kind)
    return [*found.users, *found.teams, *found.mails]


@pytest.mark.parametrize(
    ("file", "owners"),
    [
        ("README.md", ["global-owner1", "global-owner2"]),
        ("src/deep/a.js", ["js-owner"]),
        ("main.go", ["docs@example.com"]),
        ("notes.txt", ["octo-org/octocats"]),
        ("build/logs/today", ["octocat"]),  # `**/logs` comes later
        ("docs/getting-started.md", ["doctocat"]),  # `/docs/` comes later
        ("x/apps/a", ["octocat"]),
        ("scripts/run", ["doctocat", "octocat"]),
        ("deeply/nested/logs/a/b", ["octocat"]),
        ("apps/main.c", ["octocat"]),
        ("apps/github", []),
        ("apps/github/a/b", []),
    ],
)
def test_github_reads_it_as_its_documentation_says(file: str, owners: list[str]) -> None:
    assert who(file, GITHUB, "github") == owners


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("docs/*", ["docs/a.md"], ["docs/build/a.md", "x/docs/a.md"]),
        ("/a/b", ["a/b", "a/b/c"], ["x/a/b", "a/bc"]),
        ("a/b", ["a/b", "a/b/c"], ["x/a/b"]),
        ("name", ["name", "x/name", "name/y"], ["names", "xname"]),
        ("name/", ["name/y", "x/name/y/z"], ["name"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["a/xb", "ab"]),
        ("**", ["a", "a/b"], []),
        ("a/**", ["a/b", "a/b/c"], ["a", "ab"]),
        ("*.md", ["a.md", "x/a.md"], ["a.mdx"]),
        ("a?c", ["abc", "x/abc"], ["a/c", "abbc"]),
        (r"with\ blank.md", ["with blank.md"], ["with"]),
        ("a.b", ["a.b"], ["axb"]),
        ("A", ["A"], ["a"]),
        ("prompts/**/*.yaml", ["prompts/a.yaml", "prompts/x/a.yaml"], ["x/prompts/a.yaml"]),
    ],
)
def test_patterns_of_github(pattern: str, matching: list[str], other: list[str]) -> None:
    for file in matching:
        assert who(file, f"{pattern} @x", "github") == ["x"], file
    for file in other:
        assert who(file, f"{pattern} @x", "github") == [], file


@pytest.mark.parametrize(
    "line",
    [
        "!a @y",  # GitHub does not negate
        "[ab] @y",  # nor have ranges
        "\\#a @y",
        "a***b @y",
        "/ @y",
        "a not-an-owner",
        "a @y @bad!name",
        "a" * 501 + " @y",
        "#a @y",
        "   ",
        "@y",
    ],
)
def test_github_skips_what_it_cannot_read(line: str) -> None:
    assert who("a", f"a @x\n{line}\n", "github") == ["x"]


def test_where_the_documentation_says_the_file_lies() -> None:
    assert PLACES["github"] == (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
    assert PLACES["gitlab"] == ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
    assert PLACES["gitea"][2:] == (".gitea/CODEOWNERS", ".forgejo/CODEOWNERS")


GITLAB = """\
# Lines that start with a number sign are comments
* @default-owner
*.rb @ruby-owner
\\#file_with_pound.rb @owner-file-with-pound
LICENSE @legal janedoe@gitlab.com
README @group @group/with-nested/subgroup @@maintainer nobody
/docs/ @all-docs
/docs/* @root-docs
/docs/**/*.md @markdown-docs # @in-a-comment
lib/ @lib-owner
path\\ with\\ spaces/ @space-owner

[Documentation]
ee/docs/ @docs
README @docs

^[Database][2] @database-team @dba
model/db/
config/db/database-setup.md @docs-team

[DOCUMENTATION]
README @docs-again

[Ruby]
*.rb @ruby-devs
!/config/**/*.rb
"""


@pytest.mark.parametrize(
    ("file", "owners"),
    [
        ("a/b", ["default-owner"]),
        ("x/a.rb", ["ruby-devs", "ruby-owner"]),
        ("config/x/a.rb", ["ruby-owner"]),
        ("#file_with_pound.rb", ["owner-file-with-pound", "ruby-devs"]),
        ("LICENSE", ["legal", "janedoe@gitlab.com"]),
        ("README", ["docs-again", "group", "group/with-nested/subgroup"]),
        ("docs/a.txt", ["root-docs"]),
        ("docs/x/a.txt", ["all-docs"]),
        ("docs/x/a.md", ["in-a-comment", "markdown-docs"]),
        ("x/lib/y/z", ["lib-owner"]),
        ("path with spaces/a", ["space-owner"]),
        ("x/ee/docs/a", ["default-owner", "docs"]),
        ("model/db/a", ["database-team", "dba", "default-owner"]),
        ("config/db/database-setup.md", ["default-owner", "docs-team"]),
    ],
)
def test_gitlab_reads_sections_defaults_and_exclusions(file: str, owners: list[str]) -> None:
    assert who(file, GITLAB, "gitlab") == owners


def test_an_exclusion_of_gitlab_wins_wherever_it_stands() -> None:
    assert who("a", "!a\na @x\n", "gitlab") == []
    assert who("a", "[One]\n!a\na @x\n[Two]\na @y\n", "gitlab") == ["y"]


def test_a_path_of_gitlab_without_a_slash_at_its_end_is_a_file() -> None:
    assert who("docs/a", "/docs @x", "gitlab") == []
    assert who("docs", "/docs @x", "gitlab") == ["x"]


GITEA = r"""
.*\\.go @user1 @user2 # This is comment
frontend/src/.*\\.js @org1/team1 @org1/team2 user3
!frontend/src/.* @org1/team3 @user5
docs/(aws|google|azure)/[^/]*\\.(md|txt) @user8 @org1/team4
dir/with\#hashtag @user9
path\ with\ space @user10
broken( @nobody
(a+)+x @nobody
lonely
(?i)MAKEFILE @user11
"""


@pytest.mark.parametrize(
    ("file", "owners"),
    [
        ("frontend/src/a.js", ["user3", "org1/team1", "org1/team2"]),
        ("frontend/src/a.go", ["user1", "user2"]),
        ("docs/aws/a.md", ["user5", "user8", "org1/team3", "org1/team4"]),
        ("docs/aws/x/a.md", ["user5", "org1/team3"]),
        ("dir/with#hashtag", ["user5", "user9", "org1/team3"]),
        ("path with space", ["user10", "user5", "org1/team3"]),
        ("makefile", ["user11", "user5", "org1/team3"]),
        ("aaaax", ["user5", "org1/team3"]),
    ],
)
def test_gitea_reads_regular_expressions_and_takes_every_line_that_matches(
    file: str, owners: list[str]
) -> None:
    assert who(file, GITEA, "gitea") == owners


def test_the_owners_of_several_files_are_all_asked_and_each_once() -> None:
    text = "a @x @o/t\nb @x a@example.org\n"
    assert owners_of(["a", "b", "a"], text, "github") == Owners(("x",), ("o/t",), ("a@example.org",))
    assert owners_of([], text, "github") == Owners()


def test_a_file_that_github_would_not_load_names_nobody() -> None:
    text = "a @x\n" + "#" * MOST_BYTES
    assert owners_of(["a"], text, "github") == Owners()


PARTS = ["a", "b", "ab", "*", "a*", "*b", "?"]
FILES = [
    "a",
    "b",
    "ab",
    "a/a",
    "a/b",
    "b/a",
    "ab/a",
    "a/ab/b",
    "b/a/b",
    "a/b/a/b",
    "x/ab",
    "aXb",
    ".a",
    "a/.b",
]


def test_git_agrees_on_the_patterns_that_both_have(make_repo: MakeRepo, tmp_path: Path) -> None:
    """`git check-ignore` is the judge; only of what ends in `/*` GitHub says something else."""
    repo: Repo = make_repo()
    chance = random.Random(1)
    patterns: set[str] = set()
    while len(patterns) < 120:
        parts = chance.choices([*PARTS, "**"], k=chance.randint(1, 4))
        text = chance.choice(["", "/"]) + "/".join(parts) + chance.choice(["", "", "/"])
        if not text.endswith(("/*", "/**", "**/")) and "**/**" not in text:
            patterns.add(text)
    for pattern in sorted(patterns):
        (tmp_path / "ignore").write_text(f"{pattern}\n")
        listed = repo.git(
            "-c", f"core.excludesFile={tmp_path / 'ignore'}", "check-ignore", "--no-index", "--stdin",
            input="\n".join(FILES) + "\n", ok=(0, 1),
        )  # fmt: skip
        compiled = github_pattern(pattern)
        assert compiled is not None
        assert [file for file in FILES if compiled.fullmatch(file)] == listed.splitlines(), pattern


@given(st.text(max_size=60), st.sampled_from(KINDS))
def test_any_text_is_read_without_an_error_and_names_only_names(text: str, kind: Kind) -> None:
    found = owners_of(["prompts/a.yaml"], text, kind)
    for name in (*found.users, *found.teams):
        assert not set(name) & set(" \t\n@`<>[]()#!")


@given(st.lists(st.sampled_from([*PARTS, "**", ""]), min_size=1, max_size=5).map("/".join))
def test_what_a_pattern_of_gitlab_matches_below_the_root_it_matches_anywhere(pattern: str) -> None:
    if pattern.startswith("/"):
        return
    compiled = gitlab_pattern(pattern)
    for file in FILES:
        if compiled is not None and compiled.fullmatch(file):
            assert compiled.fullmatch(f"deep/er/{file}")
