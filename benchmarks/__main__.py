"""Every benchmark, one after the other: each prints its figures with their limits.

``python -m benchmarks``; exit code 1 if any limit was missed.
"""

from __future__ import annotations

import subprocess
import sys

ALL = (
    "commit",
    "history",
    "check",
    "feedback",
    "recording",
    "redaction",
    "evaluation",
    "training",
    "blame",
    "review",
    "merge",
    "ranking",
    "patterns",
    "engines",
    "importing",
    "storage",
    "routing",
    "year",
)


def main() -> int:
    """Run them all; how many missed a limit."""
    missed = []
    for name in ALL:
        print(f"\n== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode:
            missed.append(name)
    print(f"\nlimits missed in: {', '.join(missed) or 'none'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
