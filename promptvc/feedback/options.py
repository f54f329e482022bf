"""From what one person says at once, option by option, to the events that it makes: one for each kind of thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from promptvc.base.errors import InvalidDocument, Usage
from promptvc.base.jsonl import parse_json

_SCORES = ("rating", "stars", "thumbs", "effectiveness", "issues", "comment")
_SHARED = ("input", "output", "tags", "notes", "session", "user")


def shared_keys(values: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The keys that every event made of ``values`` gets, and remarks on how they were read."""
    shared: dict[str, Any] = {key: values[key] for key in _SHARED if key in values}
    remarks: tuple[str, ...] = ()
    if "tags" in shared:
        shared["tags"] = list(shared["tags"])
    if isinstance(given := shared.get("input"), str):
        shared["input"] = _input(given)
        if given.lstrip().startswith("{") and isinstance(shared["input"], str):
            remarks = ("the input begins with { and is no JSON object: it was taken as text",)
    context = {key: values[key] for key in ("framework", "model") if key in values}
    return shared | ({"context": context} if context else {}), remarks


def kinds_of(values: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The kinds of event that ``values`` make, with what is theirs alone.

    Raises:
        Usage: nothing that makes an event, or a correction without its input.
    """
    found: list[tuple[str, dict[str, Any]]] = []
    if "corrected" in values:
        if "input" not in values:
            raise Usage("a correction needs its input", hint="add --input, what the answer was for")
        found.append(("correction", {"corrected": values["corrected"]}))
    scores = {key: values[key] for key in _SCORES if key in values}
    if "issues" in scores:
        scores["issues"] = list(scores["issues"])
    if set(scores) - {"comment"} or (scores and not found):
        found.append(("rating", scores))
    elif scores:
        found[0][1].update(scores)
    if "suggestion" in values:
        found.append(("suggestion", {"comment": values["suggestion"]}))
    if "error" in values:
        found.append(("error", {"error": {"message": values["error"]}}))
    if not found:
        raise Usage(
            "an input and an output alone say nothing",
            hint="add what is to be said of them: --stars, --thumbs-up, --corrected, --comment, ...",
        )
    return found


def _input(given: str) -> Any:
    """A JSON object of variables where it is one, else the text itself."""
    if given.lstrip().startswith("{"):
        try:
            value = parse_json(given, file="--input")
        except InvalidDocument:
            return given
        return value if isinstance(value, dict) else given
    return given
