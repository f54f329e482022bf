"""Conflicts as comments: the file stays valid YAML that says what our side says, and shows what theirs does.

::

    # <<<<<<< rules[0].text: both sides changed it; ours stands below
    # ||||||| before
    #   Be kind.
    # =======
    #   Be brief and kind.
    # >>>>>>> theirs
    - text: Be brief.

Whoever resolves it edits the value and deletes the comment. ``check`` and ``commit`` refuse a file with such marks
(:func:`promptvc.prompts.marks.conflict_markers`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from promptvc.base.documents import Document, Node, load_yaml
from promptvc.base.emit import dump_yaml, scalar_text
from promptvc.base.errors import InvalidDocument
from promptvc.prompts.marks import SIZE
from promptvc.prompts.page import Page, Splice, spliced
from promptvc.store.matching import exact
from promptvc.store.merging.comments import COMMENTS
from promptvc.store.merging.conflict import ABSENT, Conflict


def marked(document: Document, conflicts: Sequence[Conflict], size: int = SIZE) -> str:
    """The text of ``document``, which holds our side, with every conflict marked near its place."""
    page = Page(document)
    splices = [_splice(page, one, max(size, SIZE)) for one in conflicts]
    text = spliced_in_order(document.text, splices)
    if _says(text, document):
        return text
    # Some layouts have no room for comments between their lines; the top of a file always has.
    blocks = [page.newline.join([*_block(one, max(size, SIZE)), ""]) for one in conflicts]
    return "".join(blocks) + document.text


def spliced_in_order(text: str, splices: Sequence[Splice]) -> str:
    """``text`` with insertions made; several at one place stand in the order given."""
    by_place: dict[int, str] = {}
    for one in splices:
        by_place[one.start] = by_place.get(one.start, "") + one.text
    return spliced(text, [Splice(at, at, inserted) for at, inserted in by_place.items()])


def _splice(page: Page, conflict: Conflict, size: int) -> Splice:
    start, column = _place(page, conflict)
    margin = " " * column
    lines = [f"{margin}{line}{page.newline}" for line in _block(conflict, size)]
    return Splice(start, start, "".join(lines))


def _place(page: Page, conflict: Conflict) -> tuple[int, int]:
    """Start of a line, and the column: above the item or the key that the conflict is about, or what is around it."""
    start, column = 0, 0
    node: Node | None = page.document.root
    for step in conflict.path[:2]:
        if node is None or node.style != "block" or node.alias is not None:
            break
        mark = _mark(page, node, step)
        if mark is None or not page.begins_line(mark):
            break
        start = page.line_start(mark)
        column = mark - start
        node = node.child(step)
    return start, column


def _mark(page: Page, node: Node, step: str | int) -> int | None:
    if node.kind == "mapping":
        return next((key.start for key, _ in node.pairs if key.data == step), None)
    if isinstance(step, int) and 0 <= step < len(node.items):
        return page.dash(node, step)
    return None


def _block(conflict: Conflict, size: int) -> list[str]:
    name, reason = _one_line(conflict.name), _one_line(conflict.reason)
    if conflict.path == COMMENTS or (conflict.ours is ABSENT and conflict.theirs is ABSENT):
        # This is about no value that stands in the file: what each side says is shown, if anything.
        sides = ["" if each is ABSENT else str(each) for each in (conflict.ours, conflict.theirs)]
        ours, theirs = ([f"#   {_one_line(line)}" for line in side.split("\n") if line] for side in sides)
        return [
            f"# {'<' * size} {name}: {reason}",
            *ours,
            f"# {'=' * size}",
            *theirs,
            f"# {'>' * size} theirs",
        ]
    stands = "we have it no more" if conflict.ours is ABSENT else "ours stands below"
    lines = [f"# {'<' * size} {name}: {reason}; {stands}"]
    if conflict.base is not ABSENT:
        lines += [f"# {'|' * size} before", *_shown(conflict.base)]
    lines += [f"# {'=' * size}", *_shown(conflict.theirs)]
    return [*lines, f"# {'>' * size} theirs"]


def _shown(value: Any) -> list[str]:
    if value is ABSENT:
        return ["#   (removed)"]
    if isinstance(value, str) and "\n" in value:
        return [f"#   {_one_line(line)}".rstrip() for line in value.removesuffix("\n").split("\n")]
    return [f"#   {line}".rstrip() for line in dump_yaml(value).removesuffix("\n").split("\n")]


def _one_line(text: str) -> str:
    """``text`` where it is harmless in a comment; else quoted and escaped."""
    return text if text.isprintable() else scalar_text(text)


def _says(text: str, document: Document) -> bool:
    """Whether ``text`` still says what the document does, and every mark is a comment."""
    try:
        value = load_yaml(text.encode(), file=document.file).value
    except InvalidDocument:
        return False
    return exact(value) == exact(document.value)
