"""Whether git would convert a file between working tree and blob: line ends, filters (LFS), ``$Id$``, encodings.

Prompts and deployments are kept byte for byte (``-text``), so the usual answer is no, and it costs no process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from promptvc.git.preferences import Preferences
from promptvc.git.repo import Repository

_CONVERTING = (b"text", b"eol=", b"crlf", b"filter=", b"ident", b"working-tree-encoding=")
_ASKED = ("text", "crlf", "eol", "filter", "ident", "working-tree-encoding")
_OFF = {"unspecified", "unset"}


def attribute_files(paths: Iterable[str]) -> list[str]:
    """Every ``.gitattributes`` that could speak about the paths, top-relative."""
    folders = {parent for path in paths for parent in PurePosixPath(path).parents}
    return sorted(str(folder / ".gitattributes") for folder in folders)


def local_attributes(repository: Repository, preferences: Preferences, files: Iterable[str]) -> list[bytes]:
    """The attributes that are no part of a commit: the clone's, the user's, the machine's, the working tree's."""
    home = repository.environ.get("HOME", "")
    config = repository.environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
    named = preferences.values.get("core.attributesfile") or f"{config}/git/attributes"
    places = [
        repository.common_dir / "info" / "attributes",
        Path(named.replace("~", home, 1) if named.startswith("~/") else named),
        Path("/etc/gitattributes"),
    ]
    if repository.top is not None:
        places += [repository.top / file for file in files]
    return [text for text in map(_read, places) if text]


def may_convert(texts: Iterable[bytes], preferences: Preferences) -> bool:
    """Whether any attribute switches a conversion on, for any path; if not, no path is converted."""
    return _line_ends(preferences) or any(_mentions(text) for text in texts)


def converted_paths(
    repository: Repository, paths: Sequence[str], preferences: Preferences, env: Mapping[str, str]
) -> set[str]:
    """The paths that git converts, as ``git check-attr`` sees them from ``env``."""
    names = "\0".join(paths).encode("utf-8", "surrogateescape") + b"\0"
    answer = repository.run("check-attr", "-z", "--stdin", *_ASKED, input=names, env=env)
    fields = answer.decode("utf-8", "surrogateescape").split("\0")
    values: dict[str, dict[str, str]] = {}
    for path, name, value in zip(fields[::3], fields[1::3], fields[2::3], strict=False):
        values.setdefault(path, {})[name] = value
    line_ends = _line_ends(preferences)
    return {path for path, known in values.items() if _converts(known, line_ends=line_ends)}


def _line_ends(preferences: Preferences) -> bool:
    """Whether ``core.autocrlf`` speaks for files that no attribute speaks for."""
    return preferences.values.get("core.autocrlf", "false").lower() not in {"false", "no", "off", "0"}


def _converts(known: Mapping[str, str], *, line_ends: bool) -> bool:
    if known["filter"] not in _OFF or known["working-tree-encoding"] not in _OFF or known["ident"] == "set":
        return True
    if known["text"] != "unspecified":
        return known["text"] != "unset"
    if known["crlf"] != "unspecified":  # the old name of `text`
        return known["crlf"] != "unset"
    return known["eol"] != "unspecified" or line_ends


def _mentions(text: bytes) -> bool:
    lines = (line.split() for line in text.splitlines() if not line.lstrip().startswith(b"#"))
    return any(word.startswith(_CONVERTING) for words in lines for word in words[1:])


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
