"""What an attack would touch if it worked: a folder outside of the repository, and words that must not come out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.commands import Cli, Ran

WORD = "canary-7f3a91-do-not-tell"
"""In every file that must not be read."""


@dataclass(frozen=True)
class Outside:
    """A folder beside the repository. ``unchanged`` fails the test where anything in it was touched."""

    path: Path
    before: dict[str, bytes]

    @classmethod
    def make(cls, path: Path) -> Outside:
        """A folder that holds the word as every kind of file that promptvc reads."""
        files = {
            "route.yaml": f"name: desk/route\nversion: 1\nmessages:\n  - {{role: user, content: {WORD}}}\n",
            "settings.yaml": f"main: {WORD}\n",
            "secret.txt": f"{WORD}\n",
            "rows.csv": f"question,__expected\n{WORD},alpha\n",
            "rows.jsonl": f'{{"vars": {{"question": "{WORD}"}}, "expected": "alpha"}}\n',
            "code.py": f"def get_assert(output, context):\n    return '{WORD}'\n",
            "desk/route.yaml": f"name: desk/route\nversion: 1\nmessages:\n  - {{role: user, content: {WORD}}}\n",
        }
        for name, text in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_text(text)
        return cls(path, contents(path))

    def unchanged(self) -> None:
        """Nothing was written here."""
        assert contents(self.path) == self.before


def contents(path: Path) -> dict[str, bytes]:
    """{path below: bytes} of a folder; links and folders as what they are."""
    found = {}
    for each in sorted(path.rglob("*")):
        kind = b"link" if each.is_symlink() else b"folder" if each.is_dir() else each.read_bytes()
        found[each.relative_to(path).as_posix()] = kind
    return found


def orderly(ran: Ran) -> Ran:
    """Fail unless the command ended as commands do: a known exit code, no traceback."""
    assert ran.code in {0, 1, 2, 3}, ran
    assert "Traceback" not in ran.err, ran
    return ran


def silent(ran: Ran, words: Iterable[str] = (WORD,)) -> Ran:
    """Fail where one of ``words`` came out."""
    for word in words:
        assert word not in ran.out + ran.err, ran
    return orderly(ran)


def run_all(
    cli: Cli, commands: Sequence[Sequence[str]], words: Iterable[str] = (WORD,), **more: str
) -> list[Ran]:
    """Run every command; none of them may tell one of ``words`` or fall over."""
    return [silent(cli(*command, **more), words) for command in commands]
