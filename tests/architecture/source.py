"""The package's own source, read as text: what imports what, from where."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "promptvc"


@dataclass(frozen=True)
class Import:
    """One imported module, where it is imported, and whether that is inside a function."""

    module: str
    file: str
    line: int
    in_function: bool
    type_checking: bool


def python_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def module_of(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def imports_of(path: Path, text: str | None = None) -> list[Import]:
    tree = ast.parse(path.read_text("utf-8") if text is None else text)
    return list(_imports(tree, str(path), in_function=False, type_checking=False))


def _imports(node: ast.AST, file: str, *, in_function: bool, type_checking: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        function = in_function or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        checking = type_checking or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test))
        if isinstance(child, ast.Import):
            for name in child.names:
                yield Import(name.name, file, child.lineno, function, checking)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"{file}:{child.lineno}: imports are absolute"
            yield Import(child.module or "", file, child.lineno, function, checking)
        else:
            yield from _imports(child, file, in_function=function, type_checking=checking)
