"""JSON as promptvc writes and reads it: canonical bytes out, no duplicate keys and no NaN in."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from promptvc.base.errors import InvalidDocument


def canonical_json(value: Any) -> bytes:
    """The one way to write ``value``: sorted keys, no spaces, UTF-8. Digests are taken of this."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode("utf-8", "surrogatepass")


def parse_json(data: bytes | str, *, file: str, line: int | None = None) -> Any:
    """Read one JSON value.

    Args:
        file: named in errors.
        line: the line of ``file`` that ``data`` is, for JSONL; found from the error when not given.

    Raises:
        InvalidDocument: not UTF-8, not JSON, a key twice in one object, or NaN and its friends.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise InvalidDocument(f"not UTF-8: byte {error.start}", file=file, line=line) from error
    except json.JSONDecodeError as error:
        at = line if line is not None else error.lineno
        raise InvalidDocument(f"not JSON: {error.msg} at column {error.colno}", file=file, line=at) from error
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidDocument(f"not JSON: {reason}", file=file, line=line) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"the key {key!r} appears twice")
            seen.add(key)
    return result


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
