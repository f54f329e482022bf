"""A ``.prompt.yml`` as the documents of ours that it stands for; their lines are its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from promptvc.base.memo import Memo
from promptvc.base.nodes import Document, Path
from promptvc.base.schemas import validate
from promptvc.prompts.formats.github.reading import Reading, read

SCHEMA = "prompt_yml"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Translated(Document):
    """What a document of theirs means, as a document of ours.

    Attributes:
        places: a path here -> the path in the text, for all that is below it too.
    """

    places: Mapping[Path, Path] = field(default_factory=dict)

    def line(self, *path: str | int) -> int:
        """The line (from 1) of their text that ``path`` came from, or the nearest to it that is known."""
        for length in range(len(path), 0, -1):
            theirs = self.places.get(path[:length])
            if theirs is not None:
                return Document.line(self, *theirs, *path[length:])
        return Document.line(self, *path)


def reading_of(document: Document, *, memo: Memo | None = None) -> Reading:
    """What a document of theirs means.

    Raises:
        InvalidDocument: it is not one, with file, line and key.
    """
    validate(document, SCHEMA, memo=memo)
    return read(document)


def prompt_document(document: Document, name: str, version: int, *, memo: Memo | None = None) -> Document:
    """The prompt, without what an import would keep: that is in the file itself.

    Raises:
        InvalidDocument: as :func:`reading_of`.
    """
    reading = reading_of(document, memo=memo)
    value = {key: item for key, item in reading.prompt.items() if key != "metadata"}
    return as_prompt(document, name, version, value, reading)


def as_prompt(
    document: Document, name: str, version: int, value: Mapping[str, Any], reading: Reading
) -> Document:
    """``value``, the prompt that ``reading`` found in ``document``, as a document of ours."""
    return _translated(document, {"name": name, "version": version, **value}, reading)


def suite_document(document: Document) -> Document | None:
    """The suite; None where the document has no test data.

    Raises:
        InvalidDocument: as :func:`reading_of`.
    """
    reading = reading_of(document)
    return None if reading.suite is None else _translated(document, reading.suite, reading)


def models_in(document: Document) -> set[str]:
    """The models that a document names, its own and those of its evaluators, as ``provider:name``.

    Raises:
        InvalidDocument: as :func:`reading_of`.
    """
    reading = reading_of(document)
    suite = reading.suite or {}
    cases = suite.get("cases", ())
    every = [
        *suite.get("default", {}).get("assert", ()),
        *(one for case in cases for one in case.get("assert", ())),
    ]
    named = {reading.prompt.get("model"), *(one.get("provider") for one in every)}
    return {model for model in named if isinstance(model, str)}


def _translated(document: Document, value: dict[str, Any], reading: Reading) -> Document:
    # Another text than the document's, so that a memo of valid texts never takes one for the other.
    text = f"# {SCHEMA}\n{document.text}"
    return Translated(document.file, text, document.root, value, document.marked, reading.places)
