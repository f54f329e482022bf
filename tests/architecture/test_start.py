"""Start-up stays light: a command imports only what it needs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = [
    "git",
    "jsonschema",
    "deepdiff",
    "langchain",
    "langchain_core",
    "jinja2",
    "asyncio",
    "sqlite3",
    "yaml",
]
SHOW = "import json, sys; print(json.dumps(sorted(sys.modules)))"


def modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{SHOW}"], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_imports_no_heavy_library() -> None:
    code = "from promptvc.cli.main import run\ntry:\n    run(['--help'])\nexcept SystemExit:\n    pass"
    loaded = modules_after(code)
    assert "click" in loaded
    assert loaded.isdisjoint(HEAVY)
    assert not [name for name in loaded if name.startswith("promptvc.workflows")]


def test_importing_the_library_is_light() -> None:
    assert modules_after("import promptvc").isdisjoint([*HEAVY, "click"])


@pytest.mark.parametrize(
    "module",
    [
        "show",
        "log",
        "diff",
        "catalogue",
        "author",
        "feedback",
        "suggest",
        "train",
        "evaluate",
        "bisect",
        "deploy",
        "check",
        "start",
        "import_",
    ],
)
def test_loading_a_command_imports_no_heavy_library(module: str) -> None:
    loaded = modules_after(f"import promptvc.cli.{module}")
    assert loaded.isdisjoint(["git", "jsonschema", "deepdiff", "langchain", "langchain_core", "jinja2"])
