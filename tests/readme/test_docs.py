"""The generated pages are what the program says now, and the demo runs."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from tests.builders import isolated_environ

ROOT = Path(__file__).resolve().parents[2]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_what_help_prints() -> None:
    written = (ROOT / "docs" / "reference.md").read_text("utf-8")
    assert written == script("reference").reference(), "run `make docs`"


def test_the_picture_shows_what_a_terminal_shows(tmp_path: Path) -> None:
    """Line by line, but for what differs from run to run: ids, dates, who commits."""
    terminal = script("terminal")
    drawn = terminal.draw(terminal.session(isolated_environ(tmp_path)))

    def stable(picture: str) -> list[str]:
        lines = [re.sub(r"<[^>]+>", "", line) for line in picture.splitlines() if line.startswith("<text")]
        return [re.sub(r"[0-9a-f]{10}|\d{4}-\d\d-\d\d", "#", line) for line in lines]

    assert stable(drawn) == stable((ROOT / "docs" / "terminal.svg").read_text("utf-8")), "run `make docs`"


def test_the_demo_runs_the_loop_in_a_new_folder(tmp_path: Path) -> None:
    place = tmp_path / "demo"
    (tmp_path / "home").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "promptvc", "demo", str(place)],
        env=isolated_environ(tmp_path / "home") | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for line in ("$ promptvc train support/triage", "improvement: ", "$ promptvc rollback", "nothing wrong"):
        assert line in done.stdout
    again = subprocess.run(
        [sys.executable, "-m", "promptvc", "demo", str(place)],
        env=isolated_environ(tmp_path / "home") | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert again.returncode == 2
    assert "is not an empty folder" in again.stderr
