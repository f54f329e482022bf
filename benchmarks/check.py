"""What checking 1,000 prompts costs, through the command line: CPU of the whole process with its git.

``python -m benchmarks.check [--folder FOLDER] [--runs N]``: 1,000 prompts of 20 rules each, all deployed. Once in a
repository of one commit, without ``.promptvc`` ("cold") and with it ("warm"); once with 20 versions of each, 20,000
commits, where a cold check first builds the history index, which has the limit that `log` has for it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.history import COLD_MS, SOURCE, cost, deploy_everything, report
from benchmarks.repositories import generate

CHECK_MS = 2000
PROMPTS, VERSIONS, FOLDERS = 1000, 20, 20


def copied(source: Path, path: Path) -> Path:
    """The same files in a repository of one commit."""
    if not path.exists():
        shutil.copytree(source, path, ignore=shutil.ignore_patterns(".git", ".promptvc"))
        who = ["-c", "user.name=Bench", "-c", "user.email=bench@example.org"]
        for command in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-q", "-m", "Start"]):
            subprocess.run(["git", *command], cwd=path, check=True)
    return path


def measure(path: Path, label: str, cold_limit: int, environ: dict[str, str], runs: int) -> bool:
    """Measure one repository; whether both limits are met."""
    command = ["-C", str(path), "check"]
    cold = []
    for _ in range(max(3, runs // 3)):
        shutil.rmtree(path / ".promptvc", ignore_errors=True)
        cold.append(cost(command, environ))
    met = report(f"{label}, cold", cold, cold_limit)
    return report(f"{label}, warm", [cost(command, environ) for _ in range(runs)], CHECK_MS) and met


def main() -> int:
    parser = argparse.ArgumentParser(description="measure check on 1,000 prompts")
    parser.add_argument("--folder", type=Path, help="keep the repositories here and use them again")
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        cache = {"PYTHONPATH": str(SOURCE), "PYTHONPYCACHEPREFIX": f"{scratch}/compiled"}
        environ = {
            key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"
        } | cache
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        long = folder / f"repository-{PROMPTS}-{VERSIONS}"
        if not long.exists():
            deploy_everything(generate(long, PROMPTS, VERSIONS, FOLDERS))
        (long / "promptvc.yaml").touch()
        short = copied(long, folder / f"repository-{PROMPTS}-once")
        cost(["-C", str(short), "check"], environ)  # compiles what it imports
        met = measure(short, f"{PROMPTS:,} prompts, 1 commit", CHECK_MS, environ, options.runs)
        commits = PROMPTS * VERSIONS
        met &= measure(long, f"{PROMPTS:,} prompts, {commits:,} commits", COLD_MS, environ, options.runs)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
