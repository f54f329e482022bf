"""JSON as promptvc writes and reads it: canonical bytes out, no duplicate keys and no NaN in."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from promptvc.base.errors import InvalidDocument


def canonical_json(value: Any) -> bytes:
    """The one way to write ``value``: sorted keys, no spaces, UTF-8. Digests are taken of this."""
    return _ENCODER.encode(value).encode("utf-8", "surrogatepass")


def parse_json(data: bytes | str, *, file: str, line: int | None = None) -> Any:
    """Read one JSON value.

    Args:
        file: named in errors.
        line: the line of ``file`` that ``data`` is, for JSONL; found from the error when not given.

    Raises:
        InvalidDocument: not UTF-8, not JSON, a key twice in one object, NaN and its friends, or 1e999.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        # Without the search for blanks around it, which most values have not.
        value, end = _DECODER.raw_decode(text) if text[:1] == "{" else (None, -1)
        return value if end == len(text) else _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise InvalidDocument(f"not UTF-8: byte {error.start}", file=file, line=line) from error
    except json.JSONDecodeError as error:
        at = line if line is not None else error.lineno
        raise InvalidDocument(
            f"not JSON: {error.msg.removesuffix(' at')} at column {error.colno}", file=file, line=at
        ) from error
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


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is too large a number")
    return number


# Made once: json.loads and json.dumps with arguments build these anew for every value.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
