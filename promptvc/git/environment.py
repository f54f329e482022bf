"""The environment that git runs in: what a surrounding hook set must not mislead us."""

from __future__ import annotations

from collections.abc import Mapping

# Who writes, how to reach a remote, and the user's configuration. Everything else that starts with GIT_ says
# where the repository, its index or its objects are; a surrounding hook or alias sets it for another purpose.
_KEPT = (
    "GIT_AUTHOR_",
    "GIT_COMMITTER_",
    "GIT_CONFIG_",
    "GIT_SSH",
    "GIT_SSL_",
    "GIT_HTTP_",
    "GIT_PROXY_",
    "GIT_ASKPASS",
    "GIT_ALLOW_PROTOCOL",
    "GIT_PROTOCOL",
    "GIT_EXEC_PATH",
    "GIT_CEILING_DIRECTORIES",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
)
_DETERMINISTIC = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


def kept_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` without the ``GIT_*`` variables that say where a repository is; for hooks and editors."""
    return {name: value for name, value in environ.items() if not name.startswith("GIT_") or _is_kept(name)}


def git_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The same, with answers in English, no optional locks, no prompts and literal paths."""
    return kept_environment(environ) | _DETERMINISTIC


def _is_kept(name: str) -> bool:
    return name.startswith(_KEPT)
