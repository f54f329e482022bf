"""What a statement of SQL does to which tables and columns, as promptfoo's allow-lists name it.

An access is a text: ``select::null::orders`` for a table (kind, database, table), and ``select::orders::total`` for a
column (kind, table, column). ``null`` stands for what the statement does not say, ``(.*)`` for all columns: of
``SELECT *``, of DELETE, and of INSERT without a list of columns. Kinds are select, insert, update, delete, merge,
create, drop, alter and truncate: what is done to the table itself. Tables that are only read, also inside those, are
select.

The statement is a tree of sqlglot; it is only walked here, by the names of its nodes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

ALL_COLUMNS = "(.*)"
_SETS = frozenset({"union", "except", "intersect"})
_TARGETS = {  # by statement: what is done to the tables in which of its parts
    "insert": ("insert", {"this"}),
    "update": ("update", {"this"}),
    "delete": ("delete", {"this", "tables"}),
    "merge": ("merge", {"this"}),
    "create": ("create", {"this"}),
    "into": ("create", {"this"}),
    "drop": ("drop", {"this", "tables", "expressions"}),
    "alter": ("alter", {"this", "actions"}),
    "truncatetable": ("truncate", {"this", "expressions"}),
}
_KEEPS_KIND = frozenset({"table", "join", "schema", "alterrename"})  # their tables are targets when they are
_BY_OUTPUT = frozenset(
    {"order", "group", "having", "qualify"}
)  # clauses that may name a column of the result


@dataclass(frozen=True, slots=True)
class _Context:
    """What holds where a node stands: what is done to a table or column there, and the names that are no tables."""

    table_kind: str = "select"
    column_kind: str = "select"
    ctes: frozenset[str] = frozenset()
    outputs: frozenset[str] = frozenset()


@dataclass(slots=True)
class Accesses:
    """The accesses of a statement: :attr:`tables` and :attr:`columns`, texts as described above."""

    tables: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)


def accesses(statement: Any) -> Accesses:
    """All accesses of one statement. The walk needs no recursion, and meets each node once."""
    found = Accesses()
    names: defaultdict[str, set[str]] = defaultdict(set)  # tables by the names that columns call them
    used: set[tuple[str, str, str]] = set()
    stack: list[tuple[Any, _Context]] = [(statement, _Context())]
    while stack:
        node, context = stack.pop()
        if node.key == "table":
            _table(node, context, found, names)
        used.update(_columns(node, context))
        if node.key != "column":
            stack.extend(_children(node, context))
    for kind, table, column in used:
        for real in names.get(table.lower(), {table}) if table else {"null"}:
            found.columns.add(f"{kind}::{real}::{column}")
    return found


def _table(node: Any, context: _Context, found: Accesses, names: Mapping[str, set[str]]) -> None:
    inner = _key(node.this)
    name = (
        node.this.sql() if inner == "dot" else node.name or inner
    )  # of a function such as read_csv: its kind
    parts = [part for part in (node.text("catalog"), node.text("db")) if part]
    if parts or name.lower() not in context.ctes:
        found.tables.add(f"{context.table_kind}::{'.'.join(parts) or 'null'}::{name}")
    names[(node.alias or name).lower()].add(name)


def _columns(node: Any, context: _Context) -> Iterator[tuple[str, str, str]]:
    """The columns that a node itself names, as (kind, table as written, column)."""
    if node.key == "column":
        everything = _key(node.this) == "star"
        if everything or node.text("table") or node.name.lower() not in context.outputs:
            yield context.column_kind, node.text("table"), ALL_COLUMNS if everything else node.name
    elif node.key in {"select", "returning"}:
        if any(each.key == "star" for each in node.expressions):
            yield "select", "", ALL_COLUMNS
    elif node.key == "join":
        for each in node.args.get("using") or ():
            if each.key == "identifier":
                yield "select", "", each.name
    elif node.key == "delete":
        yield "delete", _target(node), ALL_COLUMNS
    elif node.key == "insert" and _key(node.this) != "tuple":  # a tuple: a branch of MERGE
        listed = node.this.expressions if _key(node.this) == "schema" else ()
        for each in listed:
            yield "insert", _target(node), each.name
        if not listed:
            yield "insert", _target(node), ALL_COLUMNS


def _target(node: Any) -> str:
    """The table that a statement changes, as its columns would call it."""
    target = node.this.this if _key(node.this) == "schema" else node.this
    return str(target.alias or target.name) if _key(target) == "table" else ""


def _key(part: Any) -> str:
    """The kind of a part of a tree; empty where the part is missing: sqlglot has None or False for that."""
    return str(getattr(part, "key", ""))


def _children(node: Any, context: _Context) -> Iterator[tuple[Any, _Context]]:
    ctes, within = _with(node, context)
    if within is not None:
        yield from ctes
        context = replace(context, ctes=context.ctes | within)
    kind, targets = _TARGETS.get(node.key, ("select", frozenset()))
    keeps = context.table_kind if node.key in _KEEPS_KIND else "select"
    plain = replace(context, table_kind="select", column_kind="select")
    if node.key == "select" or node.key in _SETS:
        plain = replace(plain, outputs=frozenset())
    for part, each in _nodes(node):
        if each.key == "with":
            continue
        inner = plain
        if part in targets:
            inner = replace(
                plain, table_kind=kind, column_kind="insert" if node.key == "insert" else "select"
            )
        elif keeps != "select":
            inner = replace(plain, table_kind=keeps)
        elif each.key in _BY_OUTPUT:
            inner = replace(plain, outputs=_outputs(node))
        elif each.key == "eq" and node.key in {"update", "onconflict"} and part == "expressions":
            yield each.this, replace(plain, column_kind="update")
            yield each.expression, plain
            continue
        elif node.key == "tuple":
            inner = replace(plain, column_kind=context.column_kind)
        elif context.outputs and node.key not in {"select", *_SETS}:
            inner = replace(plain, outputs=context.outputs)
        yield each, inner


def _nodes(node: Any) -> Iterator[tuple[str, Any]]:
    for part, value in node.args.items():
        for each in value if isinstance(value, list) else (value,):
            if hasattr(each, "args"):
                yield part, each


def _with(node: Any, context: _Context) -> tuple[list[tuple[Any, _Context]], frozenset[str] | None]:
    """The named queries before a statement, each with the names that it can use; and all their names.

    A query that is not recursive does not know its own name: there it is the table of that name.
    """
    found = next((each for _, each in _nodes(node) if each.key == "with"), None)
    if found is None:
        return [], None
    names = [each.alias.lower() for each in found.expressions]
    known = frozenset(names)
    ctes = []
    for at, each in enumerate(found.expressions):
        visible = known if found.args.get("recursive") else frozenset(names[:at])
        ctes.append((each, _Context(ctes=context.ctes | visible)))
    return ctes, known


def _outputs(node: Any) -> frozenset[str]:
    """The names that a query gives to columns of its result with AS; of a union, its first query's."""
    while node.key in _SETS or node.key == "subquery":
        node = node.this
    return frozenset(each.alias.lower() for each in node.expressions if each.key == "alias")
