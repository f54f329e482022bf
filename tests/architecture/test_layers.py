"""Imports point down, third-party libraries live in their homes, files stay small."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGE, Import, imports_of, module_of, python_files

BELOW: dict[str, set[str]] = {
    "base": set(),
    "git": {"base"},
    "prompts": {"base"},
    "models": {"base"},
    "feedback": {"base"},
    "evidence": {"base"},
    "forge": {"base"},
    "store": {"base", "git", "prompts", "evidence"},
    "evaluation": {"base", "prompts", "models", "evidence"},
    "analysis": {"base", "prompts", "feedback", "evidence"},
    "deployment": {"base", "prompts", "store", "evidence"},
    "training": {"base", "prompts", "models", "feedback", "evidence", "evaluation", "analysis"},
    "review": {"base", "prompts", "feedback", "evidence", "store", "evaluation", "forge"},
}
LOWER = set(BELOW)
VALUES = {  # modules of frozen types that the edges may name
    "promptvc.analysis.annotations.scales",
    "promptvc.analysis.calibration",
    "promptvc.analysis.reporting.formats",
    "promptvc.analysis.reporting.report",
    "promptvc.analysis.reporting.telling",
    "promptvc.store.diff",
    "promptvc.evaluation.compare",
    "promptvc.evaluation.assessed",
    "promptvc.evaluation.gate",
    "promptvc.evaluation.reports.formats",
    "promptvc.evaluation.reports.report",
    "promptvc.evaluation.reports.terminal",
    "promptvc.evaluation.sessions.estimate",
    "promptvc.training.exporting.formats",
    "promptvc.training.exporting.query",
    "promptvc.training.reports.formats",
    "promptvc.training.reports.report",
}
SHARED = {  # what stories may share: none of them tells one
    "promptvc.workflows.project",
    "promptvc.workflows.gathering",
    "promptvc.workflows.laid_out",
    "promptvc.workflows.answered",
    "promptvc.workflows.approved",
    "promptvc.workflows.archived",
    "promptvc.workflows.bringing",
    "promptvc.workflows.brought",
    "promptvc.workflows.changes",
    "promptvc.workflows.citing",
    "promptvc.workflows.concerns",
    "promptvc.workflows.credits",
    "promptvc.workflows.datasets",
    "promptvc.workflows.forget_archive",
    "promptvc.workflows.heeding",
    "promptvc.workflows.horizon",
    "promptvc.workflows.forget_files",
    "promptvc.workflows.forget_history",
    "promptvc.workflows.forget_plan",
    "promptvc.workflows.incoming",
    "promptvc.workflows.indexed",
    "promptvc.workflows.ranked",
    "promptvc.workflows.span",
    "promptvc.workflows.standing",
    "promptvc.workflows.delivering",
    "promptvc.workflows.landing",
    "promptvc.workflows.learning",
    "promptvc.workflows.looking",
    "promptvc.workflows.logged",
    "promptvc.workflows.meeting",
    "promptvc.workflows.ours",
    "promptvc.workflows.owning",
    "promptvc.workflows.proposal",
    "promptvc.workflows.quoted",
    "promptvc.workflows.upstream",
    "promptvc.workflows.waiting",
    "promptvc.workflows.ways",
    "promptvc.workflows.moves",
    "promptvc.workflows.suites",
    "promptvc.workflows.surroundings",
    "promptvc.workflows.voices",
    "promptvc.workflows.made",
    "promptvc.workflows.plans",
    "promptvc.workflows.autodeploy",
    "promptvc.workflows.shipping",
    "promptvc.workflows.sides",
    "promptvc.workflows.sifting",
    "promptvc.workflows.reviewing",
    "promptvc.workflows.running",
}
HOMES = {
    "git": {"promptvc.git.repo"},
    "yaml": {"promptvc.base.documents", "promptvc.base.yaml_nodes", "promptvc.base.yaml_text"},
    "jsonschema": {"promptvc.base.schemas"},
    "referencing": {"promptvc.base.schemas"},
    "deepdiff": {"promptvc.store.diff", "promptvc.store.nested"},
    "duckdb": {
        "promptvc.feedback.query.duck",
        "promptvc.feedback.query.parquet",
        "promptvc.feedback.query.parquet_writing",
    },
    "pyspark": {"promptvc.feedback.query.spark"},
    "gepa": {"promptvc.training.approaches.meta_prompt.evolution"},
    "git_filter_repo": {"promptvc.git.rewriting"},
    "github": {"promptvc.forge.github"},
    "gitlab": {"promptvc.forge.gitlab"},
    "requests": {"promptvc.forge.connection"},
    "langchain": {"promptvc.models.chat", "promptvc.models.embeddings"},
    "langchain_core": {"promptvc.models.chat", "promptvc.models.embeddings"},
    "openai": {"promptvc.models.chat"},
    "jinja2": {"promptvc.prompts.render", "promptvc.prompts.jinja"},
    "click": {"promptvc.cli"},
    "lightgbm": {"promptvc.analysis.ranking.learned"},
    "numpy": {"promptvc.models.minilm", "promptvc.models.dense", "promptvc.analysis.ranking.learned"},
    "safetensors": {"promptvc.models.minilm"},
    "tokenizers": {"promptvc.models.minilm"},
    "nltk": {"promptvc.evaluation.assertions.overlap"},
    "rapidfuzz": {"promptvc.evaluation.assertions.distance"},
    "rouge_score": {"promptvc.evaluation.assertions.overlap"},
    "sacrebleu": {"promptvc.evaluation.assertions.overlap"},
    "sqlglot": {"promptvc.evaluation.assertions.sql", "promptvc.feedback.query.dialects"},
}
MOST_LINES = 400


def allowed(importer: str, imported: str) -> bool:
    """Whether the design lets module ``importer`` import first-party module ``imported``."""
    if imported == "promptvc":
        return True
    source, target = importer.split("."), imported.split(".")
    if len(source) < 2 or source[1] in {"__main__", "library"}:
        return target[1] in LOWER | {"workflows", "cli", "library"}
    package, other = source[1], target[1]
    if package == other:
        return package != "workflows" or imported in SHARED
    if package == "workflows":
        return other in LOWER
    if package == "cli":
        return other in {"base", "workflows"} or imported in VALUES
    return other in BELOW[package]


def first_party(found: Import) -> bool:
    return found.module.split(".")[0] == "promptvc"


def problems(path: Path, text: str | None = None) -> list[str]:
    """Every breach in one file, as ``file:line: what``."""
    module = module_of(path)
    result = []
    for found in imports_of(path, text):
        where = f"{path.name}:{found.line}: {module} imports {found.module}"
        top = found.module.split(".")[0]
        if first_party(found):
            if found.in_function:
                result.append(f"{where} inside a function")
            if not allowed(module, found.module):
                result.append(f"{where}: not below it")
        elif top not in sys.stdlib_module_names:
            homes = HOMES.get(top)
            if homes is None:
                result.append(f"{where}: a library without a home")
            elif not any(module == home or module.startswith(home + ".") for home in homes):
                result.append(f"{where}: its home is {', '.join(sorted(homes))}")
    return result


@pytest.mark.parametrize("path", python_files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_file_keeps_to_its_layer(path: Path) -> None:
    assert problems(path) == []


@pytest.mark.parametrize(
    ("module", "text", "breach"),
    [
        ("base/new.py", "from promptvc.git.repo import Repository", "not below it"),
        ("prompts/new.py", "from promptvc.feedback.events import Event", "not below it"),
        ("training/new.py", "from promptvc.store.versions import Version", "not below it"),
        ("workflows/new.py", "from promptvc.workflows.improve import train", "not below it"),
        ("cli/new.py", "from promptvc.training.search.race import search", "not below it"),
        ("cli/new.py", "def f():\n    from promptvc.workflows.project import Project", "inside a function"),
        ("store/new.py", "import yaml", "its home is"),
        ("evaluation/new.py", "import pandas", "without a home"),
    ],
)
def test_a_breach_is_found(module: str, text: str, breach: str) -> None:
    assert any(breach in problem for problem in problems(PACKAGE / module, text))


@pytest.mark.parametrize("path", python_files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_file_is_read_in_minutes(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= MOST_LINES


def test_every_package_is_on_a_floor() -> None:
    packages = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert packages == LOWER | {"workflows", "cli", "library"}


def test_there_is_no_import_cycle() -> None:
    graph = {
        module_of(path): {found.module for found in imports_of(path) if first_party(found)}
        for path in python_files()
    }
    finished: set[str] = set()

    def walk(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, f"a cycle: {' -> '.join([*above, module])}"
        if module in finished:
            return
        for below in sorted(graph.get(module, ())):
            if below != "promptvc":
                walk(below, (*above, module))
        finished.add(module)

    for module in sorted(graph):
        if module != "promptvc":  # its names are loaded on first use
            walk(module, ())


def test_no_file_is_a_drawer() -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
    assert not [path for path in python_files() if path.stem in drawers]


def test_only_the_printer_prints() -> None:
    for path in python_files():
        if path == PACKAGE / "cli" / "ui.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            assert not (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
            ), f"{path}:{node.lineno} prints"
