"""What an edit may reach: nothing that an alias repeats, since the change would show up elsewhere too."""

from __future__ import annotations

from typing import NoReturn

from promptvc.base.documents import Document, Node
from promptvc.base.errors import InputError
from promptvc.base.nodes import Path
from promptvc.base.schema_messages import key_text
from promptvc.prompts.page import Page, nodes_of


def check_reachable(document: Document, path: Path) -> None:
    """Refuse what stands inside an alias, or inside an anchor that an alias repeats elsewhere."""
    if not path:
        raise InputError("the document itself cannot be edited, only what is in it", file=document.file)
    used = {node.alias for node in nodes_of(document.root) if node.alias is not None}
    for depth in range(len(path) + 1):
        node = document.node(*path[:depth])
        if node is None:
            return
        _check_anchor(document, path[:depth], node, used)


def _check_anchor(document: Document, path: Path, node: Node, used: set[str]) -> None:
    reason = None
    if node.alias is not None:
        reason = f"is written as the alias *{node.alias}: an edit would change what the anchor stands for"
    elif node.anchor in used:
        reason = (
            f"carries the anchor &{node.anchor}, which is repeated elsewhere: an edit would change that too"
        )
    if reason:
        raise InputError(
            f"`{key_text(path)}` {reason}",
            hint="write the text out in place of the alias, or edit the file by hand",
            file=document.file,
            line=node.line,
        )


def check_unshared(page: Page, item: Node, path: Path) -> None:
    """Refuse to take away or replace ``item`` where something in it is repeated elsewhere."""
    if item.alias is not None:
        return
    used = {node.alias for node in nodes_of(page.document.root) if node.alias is not None}
    for node in nodes_of(item):
        if node.alias is None:
            _check_anchor(page.document, path, node, used)


def refuse(page: Page, path: Path, reason: str) -> NoReturn:
    """Raise what is wrong with ``path``, with its place in the file."""
    where = f"`{key_text(path)}`" if path else "the document"
    raise InputError(f"{where} {reason}", file=page.document.file, line=page.document.line(*path))
