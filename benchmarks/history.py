"""What looking at a large repository costs, through the command line: CPU of the whole process with its git.

``python -m benchmarks.history [--large] [--folder FOLDER]``: 1,000 prompts x 20 versions, with ``--large`` also
10,000 x 10. Every figure is the median of several runs; "cold" is the first run after ``.promptvc`` was deleted.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.repositories import generate, prompt_name
from promptvc.git.objects import Objects
from promptvc.git.repo import Repository

SOURCE = Path(__file__).resolve().parent.parent
HELP_MS, WARM_MS, COLD_MS = 60, 150, 4000


@dataclass(frozen=True, slots=True)
class Size:
    """A generated repository."""

    prompts: int
    versions: int
    folders: int

    @property
    def label(self) -> str:
        return f"{self.prompts:,} x {self.versions}"


def deploy_everything(repository: Repository) -> None:
    """One commit that deploys every prompt's latest version to production."""
    tip = repository.resolve("main")
    assert tip is not None
    with Objects(repository) as objects:
        files = objects.tree(tip, "prompts")
    lines = ["commit refs/heads/main\ncommitter Bench <b@example.org> 1800000000 +0000\ndata 6\nDeploy\n"]
    lines.append(f"from {tip}\n")
    lines += [
        f"M 100644 {blob} deployments/production/{path.partition('/')[2]}\n" for path, blob in files.items()
    ]
    repository.run("fast-import", "--quiet", input="".join(lines).encode())
    repository.run("reset", "-q", "--hard")


def cost(
    arguments: Sequence[str], environ: dict[str, str], program: Sequence[str] = ("-m", "promptvc")
) -> tuple[float, float]:
    """CPU and wall milliseconds of one command, with the git processes that it waits for."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *program, *arguments], env=environ, stdout=subprocess.DEVNULL, check=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu * 1000, wall * 1000


def report(what: str, figures: Sequence[tuple[float, float]], limit: float | None) -> bool:
    """Print the median; whether it is within the limit."""
    cpu = statistics.median(figure[0] for figure in figures)
    wall = statistics.median(figure[1] for figure in figures)
    within = limit is None or cpu <= limit
    stated = "" if limit is None else f"limit {limit:6.0f} ms   {'ok' if within else 'MISSED'}"
    print(f"{what:<34} {cpu:8.0f} ms CPU {wall:8.0f} ms wall   {stated}", flush=True)
    return within


def looks(size: Size) -> dict[str, list[str]]:
    """The commands that are measured."""
    name = prompt_name(size.prompts // 2, size.folders)
    old, new = f"{name}@v{size.versions - 1}", f"{name}@v{size.versions}"
    return {"log": ["log", name], "show": ["show", old], "diff": ["diff", old, new], "status": ["status"]}


def measure(size: Size, folder: Path, environ: dict[str, str], runs: int, *, limits: bool) -> bool:
    """Measure one repository; whether every limit is met."""
    path = folder / f"repository-{size.prompts}-{size.versions}"
    if not path.exists():
        deploy_everything(generate(path, size.prompts, size.versions, size.folders))
    (path / "promptvc.yaml").touch()
    met = True
    for name, arguments in looks(size).items():
        command = ["-C", str(path), *arguments]
        cold = []
        for _ in range(2):
            shutil.rmtree(path / ".promptvc", ignore_errors=True)
            cold.append(cost(command, environ))
        met &= report(f"{size.label}: {name}, cold", cold, COLD_MS if limits else None)
        cost(command, environ)
        warm = [cost(command, environ) for _ in range(runs)]
        met &= report(f"{size.label}: {name}, warm", warm, WARM_MS if limits else None)
    return met


def main() -> int:
    parser = argparse.ArgumentParser(description="measure log, show, diff and status on large repositories")
    parser.add_argument(
        "--large", action="store_true", help="also 10,000 prompts x 10 versions, to see the growth"
    )
    parser.add_argument("--folder", type=Path, help="keep the repositories here and use them again")
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        # Compiled modules are part of an installed program: they are kept, but not in the source folder.
        cache = {"PYTHONPATH": str(SOURCE), "PYTHONPYCACHEPREFIX": f"{scratch}/compiled"}
        environ = {
            key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"
        } | cache
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        cost(["--help"], environ)
        # What every command pays before its own first line: tells a slow machine from a slow promptvc.
        yardstick = [cost([], environ, ("-c", "import click")) for _ in range(options.runs)]
        report("yardstick: python importing click", yardstick, None)
        met = report("--help", [cost(["--help"], environ) for _ in range(options.runs)], HELP_MS)
        met &= measure(Size(1000, 20, 20), folder, environ, options.runs, limits=True)
        if options.large:
            measure(Size(10_000, 10, 100), folder, environ, options.runs, limits=False)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
