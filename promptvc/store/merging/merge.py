"""Three-way merge of a prompt's file.

What the result says is decided on values (:mod:`values`); how it is written comes from the files: the merge of their
lines where that says it, else their entries and items put together (:mod:`layout`). The result is read again before
it is given out. A change of both sides that cannot be decided is a conflict, never a guess.
"""

from __future__ import annotations

from typing import Any

from promptvc.base.documents import Document, load_yaml
from promptvc.base.errors import InputError, InvalidDocument
from promptvc.prompts.marks import SIZE
from promptvc.prompts.model import read_prompt
from promptvc.prompts.render import Renderer
from promptvc.store.matching import exact
from promptvc.store.merging.comments import lost_comments
from promptvc.store.merging.conflict import ABSENT, Conflict, Merged
from promptvc.store.merging.layout import compose
from promptvc.store.merging.lines import clean, lines_of, merge_lines
from promptvc.store.merging.marks import marked
from promptvc.store.merging.pieces import Unwritable
from promptvc.store.merging.values import merge_documents

MOST_VERSION = 1_000_000_000


def merge_prompts(
    base: bytes | None, ours: bytes, theirs: bytes, *, file: str, marker_size: int = SIZE
) -> Merged:
    """Bring two contents of a prompt's file together.

    What only one side changed is taken byte for byte. A result that is neither side's has a version number of its own,
    one above both; which numbers other branches took is not known here.

    Args:
        base: what both began from; None where both added the file.
        file: named in errors.
        marker_size: characters of a conflict's marks, at least 7.
    """
    if theirs in {ours, base}:
        return Merged(ours)
    if ours == base:
        return Merged(theirs)
    sides = [_read(data, file) for data in (base, ours, theirs)]
    before, mine, other = sides
    if mine is None or other is None or (base is not None and before is None):
        return merge_texts(base, ours, theirs, marker_size=marker_size, reason="a side is not YAML")
    return _Merge(before, mine, other, marker_size).merged(ours, theirs)


def merge_texts(
    base: bytes | None,
    ours: bytes,
    theirs: bytes,
    *,
    marker_size: int = SIZE,
    reason: str = "both sides changed it",
) -> Merged:
    """Bring two texts together by lines, with git's own marks where they clash."""
    texts = [(data or b"").decode("utf-8", "surrogateescape") for data in (base, ours, theirs)]
    size = max(marker_size, SIZE)
    parts: list[str] = []
    stretches = merge_lines(*map(lines_of, texts))
    for one in stretches:
        if one.clash:
            parts += [
                f"{'<' * size} ours\n",
                _ended(one.lines),
                f"{'=' * size}\n",
                _ended(one.theirs),
                f"{'>' * size} theirs\n",
            ]
        else:
            parts += one.lines
    conflict = Conflict((), reason, ABSENT, ABSENT, ABSENT)
    data = "".join(parts).encode("utf-8", "surrogateescape")
    return Merged(data, () if clean(stretches) else (conflict,))


class _Merge:
    """One merge of three documents that can be read."""

    def __init__(self, base: Document | None, ours: Document, theirs: Document, marker_size: int) -> None:
        self.marker_size = marker_size
        self.numbers = _version(ours), _version(theirs)
        self.mark = "\ufeff" if ours.marked else ""
        self.number = None
        if self.numbers[0] is not None and self.numbers[1] is not None:
            self.number = min(max(self.numbers[0], self.numbers[1]) + 1, MOST_VERSION)
        # With the number that the result will have, the line of the version is no conflict of its own.
        self.base = None if base is None else self._numbered(base)
        self.ours, self.theirs = self._numbered(ours), self._numbered(theirs)

    def merged(self, ours: bytes, theirs: bytes) -> Merged:
        """The result; ``ours`` and ``theirs`` are the files as they are."""
        base = ABSENT if self.base is None else self.base.value
        found = merge_documents(base, self.ours.value, self.theirs.value)
        document = self._written(found.value)
        if document is None:
            reason = "its layout (an anchor, an alias, a tag, lists on one line) cannot be merged by items"
            whole = Conflict((), reason, ABSENT, self.ours.text, self.theirs.text)
            conflicts = (whole, *found.conflicts)
            return Merged(self._encoded(marked(self.ours, conflicts, self.marker_size)), conflicts)
        conflicts = (*found.conflicts, *lost_comments(self.base, self.ours, self.theirs, document))
        if not conflicts:
            conflicts = self._together(document, ours, theirs)
        if conflicts:
            text = marked(document, conflicts, self.marker_size)
            return Merged(self._encoded(text), conflicts)
        return Merged(self._as_a_side(document.text, ours, theirs) or self._encoded(document.text))

    def _written(self, value: dict[str, Any]) -> Document | None:
        """The text of ``value``: by lines where that says the same, so that all comments stay, else composed."""
        wanted = exact(value)
        if self.ours.text == self.theirs.text:
            return self.ours
        base = [] if self.base is None else lines_of(self.base.text)
        stretches = merge_lines(base, lines_of(self.ours.text), lines_of(self.theirs.text))
        if clean(stretches):
            found = self._says("".join(line for one in stretches for line in one.lines), wanted)
            if found is not None:
                return found
        try:
            for by_lines in (True, False):
                text = compose(self.base, self.ours, self.theirs, value, by_lines=by_lines)
                document = self._says(text, wanted)
                if document is not None:
                    return document
        except Unwritable:
            pass
        return None

    def _together(self, document: Document, ours: bytes, theirs: bytes) -> tuple[Conflict, ...]:
        """A conflict where the text is no prompt, or cannot be rendered, though each side by itself can."""
        file = self.ours.file
        fault = _fault(document)
        if fault is None or any(_fault(load_yaml(side, file=file)) is not None for side in (ours, theirs)):
            return ()
        reason = f"each side is a prompt, together they are none: {fault}"
        return (Conflict((), reason, ABSENT, ABSENT, ABSENT),)

    def _says(self, text: str, wanted: str) -> Document | None:
        try:
            document = load_yaml(text.encode(), file=self.ours.file)
        except InvalidDocument:
            return None
        return document if exact(document.value) == wanted else None

    def _as_a_side(self, text: str, ours: bytes, theirs: bytes) -> bytes | None:
        """The bytes of a side that has all of it, if its number is above the other's: it then *is* that version."""
        mine, other = self.numbers
        if mine is None or other is None:
            return None
        if text == self.ours.text and mine > other:
            return ours
        if text == self.theirs.text and other > mine:
            return theirs
        return None

    def _encoded(self, text: str) -> bytes:
        return (self.mark + text).encode()

    def _numbered(self, document: Document) -> Document:
        """The document with the result's number in its place."""
        node = document.node("version")
        if self.number is None or node is None or _version(document) is None:
            return document
        number = str(self.number)
        text = f"{document.text[: node.start]}{number}{document.text[node.end :]}"
        if len(text) != len(document.text):
            return load_yaml(text.encode(), file=document.file)
        # Everything else stands where it stood, so the tree need not be made anew; nobody else has it.
        node.data = document.value["version"] = self.number
        return Document(document.file, text, document.root, document.value)


def _read(data: bytes | None, file: str) -> Document | None:
    if data is None:
        return None
    try:
        document = load_yaml(data, file=file)
    except InvalidDocument:
        return None
    return document if isinstance(document.value, dict) else None


def _version(document: Document) -> int | None:
    """The number, where it stands there as a plain one."""
    node = document.node("version")
    if node is None or node.style or node.anchor or node.alias or node.tag or type(node.data) is not int:
        return None
    return node.data if node.data >= 1 else None


def _fault(document: Document) -> str | None:
    """Why a document is no prompt that could be rendered."""
    try:
        Renderer(read_prompt(document))
    except InputError as error:
        return error.message
    return None


def _ended(lines: tuple[str, ...]) -> str:
    text = "".join(lines)
    return text if not text or text.endswith("\n") else text + "\n"
