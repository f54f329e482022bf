"""The formats by name. A further one is a package with an entry point of the group ``promptvc.formats``.

The entry point is a class without arguments that has what :class:`Reader` asks for, or :class:`Writer`, or both.
"""

from __future__ import annotations

from importlib.metadata import entry_points

from promptvc.base.errors import NotFound
from promptvc.base.schema_messages import nearest_word
from promptvc.prompts.formats.format import Reader, Writer

GROUP = "promptvc.formats"

READERS: dict[str, Reader] = {}
WRITERS: dict[str, Writer] = {}


def reader(name: str) -> Reader:
    """The format ``name`` to import from.

    Raises:
        NotFound: there is none.
    """
    if name in READERS:
        return READERS[name]
    for point in entry_points(group=GROUP, name=name):
        made = point.load()()
        if isinstance(made, Reader):
            return made
    raise _unknown(name, tuple(READERS), "import from")


def writer(name: str) -> Writer:
    """The format ``name`` to export to.

    Raises:
        NotFound: there is none.
    """
    if name in WRITERS:
        return WRITERS[name]
    for point in entry_points(group=GROUP, name=name):
        made = point.load()()
        if isinstance(made, Writer):
            return made
    raise _unknown(name, tuple(WRITERS), "export to")


def added() -> tuple[str, ...]:
    """The names that entry points add."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)} - {*READERS, *WRITERS}))


def _unknown(name: str, known: tuple[str, ...], what: str) -> NotFound:
    near = nearest_word(name, known)
    hint = f"did you mean {near}?" if near else f"known: {', '.join(sorted(known))}"
    return NotFound(f"there is no format {name} to {what}", hint=hint)
