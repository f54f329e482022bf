"""The hooks that `.pre-commit-hooks.yaml` offers: each runs offline, in a repository of prompts."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest

from promptvc.base.documents import load_yaml
from tests.builders import Repo
from tests.commands import ROOT, cli_of
from tests.worlds import DESK_FILE, DESK_PROMPT

FILE = ROOT / ".pre-commit-hooks.yaml"
HOOKS: list[dict[str, Any]] = load_yaml(FILE.read_bytes(), file=FILE.name).value


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook["id"]))
def test_a_hook_says_yes_and_no(hook: dict[str, Any], repo: Repo) -> None:
    program, *arguments = shlex.split(hook["entry"])
    assert (program, hook["language"], hook["pass_filenames"]) == ("promptvc", "python", False)
    cli = cli_of(repo)
    repo.commit({"promptvc.yaml": "{}\n", DESK_FILE: DESK_PROMPT})
    no_network = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    assert cli(*arguments, **no_network).code == 0
    mark = "# <<<<<<< description: both sides changed it\n# >>>>>>> theirs\n"
    repo.write({DESK_FILE: DESK_PROMPT.replace("description:", mark + "description:")})
    assert cli(*arguments, **no_network).code == 1
    assert mark.encode() in repo.read(DESK_FILE)
    repo.write({DESK_FILE: DESK_PROMPT.replace("messages:", "massages:")})
    assert cli(*arguments, **no_network).code == 1


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook["id"]))
def test_a_hook_is_for_our_files_wherever_the_prompts_lie(hook: dict[str, Any]) -> None:
    ours = ["prompts/a/b.yaml", "sub/prompts/a.yaml", "promptvc.yaml", "deployments/e/environment.yaml"]
    others = ["README.md", "src/myprompts/x.py", "docs/promptvc.yaml.md"]
    assert [path for path in (*ours, *others) if re.search(hook["files"], path)] == ours
