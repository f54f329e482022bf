"""``python -m promptvc``."""

from __future__ import annotations

from promptvc.cli.main import run

if __name__ == "__main__":
    run()
