"""From a remote's address to a forge, and which token goes there."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.errors import InputError
from promptvc.forge.address import Address, find_address
from promptvc.forge.opening import open_forge
from promptvc.forge.tokens import find_token
from promptvc.forge.url import parse_remote

HUB, LAB, TEA = "https://api.github.com", "https://gitlab.com/api/v4", "https://codeberg.org/api/v1"
ACTIONS = {
    "GITHUB_SERVER_URL": "https://git.corp.example",
    "GITHUB_API_URL": "https://git.corp.example/api/v3",
}
RUNNER = {
    "CI_SERVER_URL": "https://lab.example:8443/gl",
    "CI_API_V4_URL": "https://lab.example:8443/gl/api/v4",
}


@pytest.mark.parametrize(
    ("url", "environ", "kind", "api", "name"),
    [
        ("https://github.com/acme/prompts.git", {}, "github", HUB, "acme/prompts"),
        ("https://github.com/acme/prompts", {}, "github", HUB, "acme/prompts"),
        ("https://ada:secret@github.com/acme/prompts.git/", {}, "github", HUB, "acme/prompts"),
        ("HTTPS://GitHub.com/acme/Prompts.git", {}, "github", HUB, "acme/Prompts"),
        ("git@github.com:acme/prompts.git", {}, "github", HUB, "acme/prompts"),
        ("github.com:acme/prompts", {}, "github", HUB, "acme/prompts"),
        ("git@github.com:/acme/prompts.git", {}, "github", HUB, "acme/prompts"),
        ("ssh://git@github.com/acme/prompts.git", {}, "github", HUB, "acme/prompts"),
        ("ssh://git@ssh.github.com:443/acme/prompts.git", {}, "github", HUB, "acme/prompts"),
        ("git://github.com/acme/prompts", {}, "github", HUB, "acme/prompts"),
        ("https://acme.ghe.com/acme/prompts", {}, "github", "https://api.acme.ghe.com", "acme/prompts"),
        ("https://git.corp.example/acme/prompts", ACTIONS, "github", "https://git.corp.example/api/v3", "acme/prompts"),
        ("git@git.corp.example:acme/prompts", ACTIONS, "github", "https://git.corp.example/api/v3", "acme/prompts"),
        (
            "git@git.corp.example:acme/prompts",
            {"GH_HOST": "git.corp.example"},
            "github",
            "https://git.corp.example/api/v3",
            "acme/prompts",
        ),
        ("https://gitlab.com/a/b/c/prompts.git", {}, "gitlab", LAB, "a/b/c/prompts"),
        ("git@gitlab.com:a/b/prompts.git", {}, "gitlab", LAB, "a/b/prompts"),
        ("ssh://git@altssh.gitlab.com:443/a/prompts", {}, "gitlab", LAB, "a/prompts"),
        (
            "https://gitlab.corp.example/a/b/prompts",
            {},
            "gitlab",
            "https://gitlab.corp.example/api/v4",
            "a/b/prompts",
        ),
        (
            "https://lab.example:8443/gl/a/b/prompts.git",
            RUNNER,
            "gitlab",
            "https://lab.example:8443/gl/api/v4",
            "a/b/prompts",
        ),
        ("ssh://git@lab.example:2222/a/prompts", RUNNER, "gitlab", "https://lab.example:8443/gl/api/v4", "a/prompts"),
        ("https://codeberg.org/acme/prompts", {}, "gitea", TEA, "acme/prompts"),
        (
            "https://host.example:3000/code/acme/prompts",
            {"GITEA_SERVER_URL": "https://host.example:3000/code"},
            "gitea",
            "https://host.example:3000/code/api/v1",
            "acme/prompts",
        ),
        (
            "https://host.example/acme/prompts",
            {"GITEA_ACTIONS": "true", "GITHUB_SERVER_URL": "https://host.example/"},
            "gitea",
            "https://host.example/api/v1",
            "acme/prompts",
        ),
        (
            "https://host.example/acme/prompts",
            {"CI_FORGE_URL": "https://host.example", "CI_FORGE_TYPE": "forgejo"},
            "gitea",
            "https://host.example/api/v1",
            "acme/prompts",
        ),
        ("http://127.0.0.1:3000/acme/prompts", {"GITEA_SERVER_URL": "http://127.0.0.1:3000"}, "gitea",
         "http://127.0.0.1:3000/api/v1", "acme/prompts"),
        ("git@[::1]:acme/prompts", {"GITEA_SERVER_URL": "http://[::1]:3000"}, "gitea", "http://[::1]:3000/api/v1",
         "acme/prompts"),
        (
            "https://github.com/acme/prompts",
            {"PROMPTVC_FORGE_URL": "https://proxy.example/hub/"},
            "github",
            "https://proxy.example/hub",
            "acme/prompts",
        ),
    ],
)  # fmt: skip
def test_an_address(url: str, environ: Mapping[str, str], kind: str, api: str, name: str) -> None:
    found = find_address(url, environ)
    assert (found.kind, found.api, found.name) == (kind, api, name)
    assert found.groups == tuple(name.split("/")[:-1])
    assert "secret" not in repr(found)


def test_what_the_settings_say_where_nothing_else_tells() -> None:
    found = find_address("https://host.example/sub/acme/prompts", {}, kind="gitea")
    assert (found.kind, found.api, found.name) == ("gitea", "https://host.example/sub/api/v1", "acme/prompts")
    assert (
        find_address("git@host.example:acme/prompts", {}, kind="gitlab").api == "https://host.example/api/v4"
    )


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("/srv/git/prompts.git", "a folder"),
        ("../prompts", "a folder"),
        ("C:\\git\\prompts", "a folder"),
        ("", "a folder"),
        ("file:///srv/git/prompts.git", "a file address"),
        ("ext::sh -c evil", "blanks"),
        ("https://github.com/acme", "owner and a name"),
        ("https://github.com", "owner and a name"),
        ("https://github.com/../../user", "owner and a name"),
        ("https://github.com/acme/..", "owner and a name"),
        ("https://github.com/acme/pro%2e%2e%2fmpts?x#y", "owner and a name"),
        ("https://github.com/acme/pro mpts", "blanks"),
        ("https://github.com/acme/prompts\n", None),
        ("https://github.com:x/acme/prompts", "port"),
        ("https:///acme/prompts", "no host"),
        ("https://host.example/acme/prompts", "nothing tells which kind"),
        ("git@work:acme/prompts", "nothing tells which kind"),
    ],
)
def test_no_address(url: str, words: str | None) -> None:
    if words is None:
        assert find_address(url, {}).name == "acme/prompts"
        return
    with pytest.raises(InputError, match=words):
        find_address(url, {})


def test_the_hint_names_the_setting() -> None:
    with pytest.raises(InputError) as caught:
        find_address("https://host.example/acme/prompts", {})
    assert "review: {forge:" in str(caught.value.hint)


def test_a_known_host_is_what_it_is() -> None:
    with pytest.raises(InputError, match=r"github\.com is github"):
        find_address("https://github.com/acme/prompts", {}, kind="gitea")


@pytest.mark.parametrize(
    ("url", "environ"),
    [
        ("http://host.example/acme/prompts", {}),
        ("http://host.example/acme/prompts", {"GITEA_SERVER_URL": "http://host.example"}),
        ("https://host.example/acme/prompts", {"PROMPTVC_FORGE_URL": "http://host.example/api/v1"}),
    ],
)
def test_no_token_over_plain_http(url: str, environ: Mapping[str, str]) -> None:
    with pytest.raises(InputError, match="plain http"):
        find_address(url, environ, kind="gitea")


@pytest.mark.parametrize(
    "api", ["ftp://host.example", "https://", "https://a:b@host.example", "https://h.example/?x=1"]
)
def test_no_address_of_an_api(api: str) -> None:
    with pytest.raises(InputError, match="API is none"):
        find_address("https://github.com/acme/prompts", {"PROMPTVC_FORGE_URL": api})


names = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,20}", fullmatch=True).filter(
    lambda text: not text.endswith(".git") and text.strip(".")
)
hosts = st.from_regex(r"[a-z][a-z0-9-]{0,10}[a-z0-9]\.example", fullmatch=True)
ports = st.none() | st.integers(1, 65535)


@given(host=hosts, path=st.lists(names, min_size=2, max_size=5), port=ports, git=st.booleans(), user=names)
def test_all_forms_of_an_address_are_one(
    host: str, path: list[str], port: int | None, git: bool, user: str
) -> None:
    place = "/".join(path) + (".git" if git else "")
    at = f"{host}:{port}" if port else host
    forms = [f"https://{at}/{place}", f"https://{user}:p--w@{at}/{place}/", f"ssh://{user}@{at}/{place}"]
    forms += [f"{user}@{host}:{place}", f"{host}:{place}", f"git+ssh://{at}/{place}"]
    for form in forms:
        remote = parse_remote(form)
        assert (remote.host, remote.path) == (host, "/".join(path))
        found = find_address(form, {}, kind="gitlab")
        assert found.name == "/".join(path)
        assert "p--w" not in repr(found)
    web = find_address(forms[0], {}, kind="gitlab")
    assert web.api == f"https://{host}{f':{port}' if port and port != 443 else ''}/api/v4"


@given(st.text(max_size=80))
def test_any_text_is_an_address_or_a_clear_error(text: str) -> None:
    try:
        found = find_address(text, {}, kind="gitea")
    except InputError:
        return
    assert found.api.startswith("https://")
    assert ".." not in found.name.split("/")
    assert len(found.groups) == 1


@given(
    st.dictionaries(
        st.sampled_from([*ACTIONS, *RUNNER, "GH_HOST", "PROMPTVC_FORGE_URL"]), st.text(max_size=40)
    )
)
def test_any_environment_is_read_or_a_clear_error(environ: dict[str, str]) -> None:
    try:
        found = find_address("https://github.com/acme/prompts", environ)
    except InputError:
        return
    assert found.kind == "github"


# Tokens.

FROM_HUB = find_address("https://github.com/acme/prompts", {})
CORP = find_address("https://git.corp.example/acme/prompts", ACTIONS)
UNKNOWN = find_address("https://evil.example/acme/prompts", {}, kind="github")
FROM_LAB = find_address("https://gitlab.com/acme/prompts", {})
OWN_LAB = find_address("https://lab.example:8443/gl/acme/prompts", RUNNER)
OWN_TEA = find_address("https://tea.example/acme/prompts", {}, kind="gitea")

CODEBERG = find_address("https://codeberg.org/acme/prompts", {})


@pytest.mark.parametrize(
    ("address", "environ", "variable"),
    [
        (FROM_HUB, {"GITHUB_TOKEN": "t"}, "GITHUB_TOKEN"),
        (FROM_HUB, {"GH_TOKEN": "t"}, "GH_TOKEN"),
        (FROM_HUB, {"GH_TOKEN": "a", "GITHUB_TOKEN": "t"}, "GITHUB_TOKEN"),
        (FROM_HUB, {"PROMPTVC_FORGE_TOKEN": "t", "GITHUB_TOKEN": "a"}, "PROMPTVC_FORGE_TOKEN"),
        (FROM_HUB, {"GITHUB_TOKEN": "t", "GITHUB_SERVER_URL": "https://github.com"}, "GITHUB_TOKEN"),
        (FROM_HUB, {"GITHUB_TOKEN": "t", **ACTIONS}, None),
        (FROM_HUB, {"GH_ENTERPRISE_TOKEN": "t"}, None),
        (FROM_HUB, {"GITLAB_TOKEN": "t", "GITEA_TOKEN": "t"}, None),
        (CORP, {"GITHUB_TOKEN": "t"}, None),
        (CORP, {"GITHUB_TOKEN": "t", **ACTIONS}, "GITHUB_TOKEN"),
        (CORP, {"GH_TOKEN": "t", **ACTIONS}, None),
        (CORP, {"GH_ENTERPRISE_TOKEN": "t"}, None),
        (CORP, {"GH_ENTERPRISE_TOKEN": "t", **ACTIONS}, "GH_ENTERPRISE_TOKEN"),
        (CORP, {"GH_ENTERPRISE_TOKEN": "t", "GH_HOST": "git.corp.example"}, "GH_ENTERPRISE_TOKEN"),
        (FROM_HUB, {"GH_ENTERPRISE_TOKEN": "t", "GITHUB_SERVER_URL": "https://github.com"}, None),
        (CORP, {"GH_ENTERPRISE_TOKEN": "t", "GH_HOST": "other.example"}, None),
        (UNKNOWN, {"GITHUB_TOKEN": "t"}, None),
        (UNKNOWN, {"GITHUB_TOKEN": "t", "GITHUB_SERVER_URL": "https://github.com"}, None),
        (UNKNOWN, {"GH_TOKEN": "t"}, None),
        (UNKNOWN, {"GH_ENTERPRISE_TOKEN": "t"}, None),
        (UNKNOWN, {"GITHUB_ENTERPRISE_TOKEN": "t", "GITHUB_SERVER_URL": "https://github.com"}, None),
        (UNKNOWN, {"PROMPTVC_FORGE_TOKEN": "t"}, "PROMPTVC_FORGE_TOKEN"),
        (FROM_LAB, {"GITLAB_TOKEN": "t"}, "GITLAB_TOKEN"),
        (FROM_LAB, {"GITLAB_TOKEN": "t", **RUNNER}, None),
        (OWN_LAB, {"GITLAB_TOKEN": "t"}, None),
        (OWN_LAB, {"GITLAB_TOKEN": "t", **RUNNER}, "GITLAB_TOKEN"),
        (OWN_LAB, {"GITLAB_TOKEN": "t", "GITLAB_HOST": "lab.example:8443"}, "GITLAB_TOKEN"),
        (OWN_TEA, {"GITEA_TOKEN": "t"}, None),
        (OWN_TEA, {"FORGEJO_TOKEN": "t"}, None),
        (OWN_TEA, {"GITEA_TOKEN": "t", "GITEA_SERVER_URL": "https://tea.example"}, "GITEA_TOKEN"),
        (OWN_TEA, {"FORGEJO_TOKEN": "t", "FORGEJO_SERVER_URL": "https://tea.example"}, "FORGEJO_TOKEN"),
        (OWN_TEA, {"GITEA_TOKEN": "t", "PROMPTVC_FORGE_URL": "https://tea.example/api/v1"}, "GITEA_TOKEN"),
        (
            OWN_TEA,
            {"FORGEJO_TOKEN": "t", "CI_FORGE_TYPE": "forgejo", "CI_FORGE_URL": "https://tea.example"},
            "FORGEJO_TOKEN",
        ),
        (
            OWN_TEA,
            {"GITEA_TOKEN": "t", "CI_FORGE_TYPE": "github", "CI_FORGE_URL": "https://tea.example"},
            None,
        ),
        (CODEBERG, {"FORGEJO_TOKEN": "t"}, "FORGEJO_TOKEN"),
        (CODEBERG, {"GITEA_TOKEN": "t", "GITEA_SERVER_URL": "https://tea.example"}, None),
        (OWN_TEA, {"GITEA_TOKEN": "t", "GITEA_SERVER_URL": "https://codeberg.org"}, None),
        (OWN_TEA, {"GITHUB_TOKEN": "t", "GITHUB_SERVER_URL": "https://tea.example"}, None),
        (
            OWN_TEA,
            {"GITHUB_TOKEN": "t", "GITHUB_SERVER_URL": "https://tea.example", "GITEA_ACTIONS": "true"},
            "GITHUB_TOKEN",
        ),
    ],
)
def test_a_token_goes_only_to_its_host(
    address: Address, environ: Mapping[str, str], variable: str | None
) -> None:
    if variable is None:
        with pytest.raises(InputError, match="there is no token") as caught:
            find_token(address, environ)
        assert "PROMPTVC_FORGE_TOKEN" in str(caught.value.hint)
        assert "CI_JOB_TOKEN" not in str(caught.value.hint), "it may neither comment nor open"
        return
    token = find_token(address, environ)
    assert (token.variable, token.value) == (variable, "t")
    assert "'t'" not in repr(token)


@pytest.mark.parametrize("kind", ["github", "gitlab", "gitea"])
@pytest.mark.parametrize("url", ["https://evil.example/acme/prompts", "git@gitea.evil.example:acme/prompts"])
def test_a_repository_names_no_host_to_a_token(url: str, kind: str) -> None:
    """Its settings say which kind of forge it is on, and nothing else that is set does."""
    address = find_address(url, {}, kind=kind)
    tokens = ("GITHUB_TOKEN", "GH_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GITLAB_TOKEN")
    with pytest.raises(InputError, match="there is no token"):
        find_token(address, dict.fromkeys((*tokens, "CI_JOB_TOKEN", "GITEA_TOKEN", "FORGEJO_TOKEN"), "t"))


@pytest.mark.parametrize(
    ("address", "variable", "named_by"),
    [
        (OWN_TEA, "GITEA_TOKEN", "GITEA_SERVER_URL=https://tea.example"),
        (OWN_TEA, "FORGEJO_TOKEN", "FORGEJO_SERVER_URL=https://tea.example"),
        (CORP, "GH_ENTERPRISE_TOKEN", "GH_HOST=https://git.corp.example"),
        (OWN_LAB, "GITLAB_TOKEN", "GITLAB_HOST=https://lab.example:8443"),
    ],
)
def test_what_names_the_host_of_a_token_is_told_and_helps(
    address: Address, variable: str, named_by: str
) -> None:
    with pytest.raises(InputError) as caught:
        find_token(address, {variable: "t"})
    assert named_by in str(caught.value.hint)
    name, _, url = named_by.partition("=")
    assert find_token(address, {variable: "t", name: url}).variable == variable


def test_another_base_of_the_api_is_another_host() -> None:
    environ = {"PROMPTVC_FORGE_URL": "https://proxy.example", "GITHUB_TOKEN": "t"}
    with pytest.raises(InputError, match="GITHUB_TOKEN is for"):
        open_forge("https://github.com/acme/prompts", environ)


@pytest.mark.parametrize("value", ["a\nb", "a b", "é", "a\x00b"])
def test_what_is_no_token(value: str) -> None:
    with pytest.raises(InputError, match="holds no token"):
        find_token(FROM_HUB, {"GITHUB_TOKEN": value})
