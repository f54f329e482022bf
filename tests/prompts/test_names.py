"""Names of prompts and environments."""

from __future__ import annotations

import pytest

from promptvc.base.errors import InputError
from promptvc.prompts.names import RESERVED, check_environment, check_name, name_of, nearest, path_of


@pytest.mark.parametrize(
    "name", ["a", "support/triage", "0", "a-b_c", "x/y/z", "v", "vv3", "v3a", "latest-news", "2026/11"]
)
def test_names_that_will_do(name: str) -> None:
    assert check_name(name) == name
    assert name_of(path_of(name)) == name


@pytest.mark.parametrize(
    "name",
    ["", "/", "a/", "/a", "a//b", "A", "a.b", "a b", "-a", "_a", "v3", "a/v3", "v3/a", "größe", "..", "a/../b", "a\n",
     "a" * 201, *sorted(RESERVED), *sorted(f"a/{word}" for word in RESERVED)],
)  # fmt: skip
def test_names_that_will_not(name: str) -> None:
    with pytest.raises(InputError, match="cannot name a prompt"):
        check_name(name)


def test_a_wrong_name_comes_with_one_that_would_do() -> None:
    with pytest.raises(InputError) as caught:
        check_name("Support Team/Triage.yaml")
    assert caught.value.hint == "`support-team/triage` would do"


@pytest.mark.parametrize("name", ["production", "staging-eu", "v", "canary2"])
def test_environments_that_will_do(name: str) -> None:
    assert check_environment(name) == name


@pytest.mark.parametrize("name", ["", "v3", "3", "latest", "a/b", "Prod", "a.b", "-x", "a\n"])
def test_environments_that_will_not(name: str) -> None:
    with pytest.raises(InputError, match="cannot name an environment"):
        check_environment(name)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("suport/triage", "support/triage"), ("triage", "support/triage"), ("Support/Triage", "support/triage"),
     ("prompts/support/triage.yaml", "support/triage"), ("answers", "billing/answer"),
     ("zebra", None), ("x" * 500, None)],
)  # fmt: skip
def test_the_nearest_name(wrong: str, right: str | None) -> None:
    assert nearest(wrong, ["billing/answer", "support/triage", "welcome"]) == right


@pytest.mark.parametrize("path", ["prompts/a.yml", "other/a.yaml", "prompts.yaml", "a.yaml"])
def test_paths_that_are_no_prompts(path: str) -> None:
    assert name_of(path) is None
