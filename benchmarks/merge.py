"""What git's two drivers cost the processor for one file, the interpreter's start included.

``python -m benchmarks.merge [--rounds N] [--rules N]``. The file has rules, examples and a long system message; both
sides have changed all three, at the same places too. The figure is user and system time of the child, the median.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT_MS = 110.0


def prompt(version: int, rules: int, side: str) -> str:
    """A prompt of about 100 bytes a rule; ``side`` is what was changed and added, empty for the base."""
    lines = [
        f"    Step {n}: read what the customer says about subject {n} and name the team."
        for n in range(rules)
    ]
    if side:
        lines[3 if side == "ours" else -3] += f" As {side} says."
    head = ["name: bench/merge", f"version: {version}", "messages:", "  - role: system", "    content: |"]
    text = [
        *head,
        *(f"  {line}" for line in lines),
        "  - role: user",
        '    content: "{{ message }}"',
        "rules:",
    ]
    for n in range(rules):
        changed = " Now otherwise." if side and n == (5 if side == "ours" else rules - 5) else ""
        text += [f"  - text: Subject {n} belongs to team {n % 7}, never to another.{changed}"]
        text += [f"    because: [01JD3M8Z6VQW4N9T2X5KA{n:05d}]"]
    if side:
        text += [f"  - text: What {side} learned is about something else entirely."]
    text += ["examples:"]
    for n in range(rules // 2):
        text += [f'  - input: {{message: "Where is my parcel number {n}?"}}', f"    output: team-{n % 7}"]
    if side:
        text += [f'  - input: {{message: "A question of {side}"}}', f"    output: team-{side}"]
    return "\n".join(text) + "\n"


def cpu_ms(arguments: list[str], folder: Path) -> float:
    """User and system time of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-P", "-m", "promptvc.cli.drivers", *arguments]
    subprocess.run(command, cwd=folder, env=dict(os.environ), check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description="git's drivers for one prompt")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--rules", type=int, default=40)
    arguments = parser.parse_args()
    rules = arguments.rules
    taken: dict[str, list[float]] = {"merge driver": [], "diff driver": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "base").write_text(prompt(3, rules, ""))
        (folder / "theirs").write_text(prompt(4, rules, "theirs"))
        size = (folder / "base").stat().st_size
        for _ in range(arguments.rounds):
            (folder / "ours").write_text(prompt(4, rules, "ours"))
            words = ["merge-driver", "base", "ours", "theirs", "7", "prompts/bench/merge.yaml"]
            taken["merge driver"].append(cpu_ms(words, folder))
            taken["diff driver"].append(cpu_ms(["textconv", "1", "base"], folder))
        assert "version: 5\n" in (folder / "ours").read_text()
    print(f"one prompt of {rules} rules, {size / 1024:.0f} KiB")
    missed = False
    for way, times in taken.items():
        median = statistics.median(times)
        missed = missed or median > LIMIT_MS
        print(f"{way:14} {median:7.1f} ms CPU  (limit {LIMIT_MS:.0f})")
    print(f"limit: {'MISSED' if missed else 'kept'}")
    sys.exit(missed)


if __name__ == "__main__":
    main()
