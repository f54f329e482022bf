"""Assertions about XML: is-xml and contains-xml.

XML is checked by expat, which comes with Python. A document type that declares entities or attributes is refused: so
no entity can grow (the "billion laughs"). Nothing is ever fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from xml.parsers import expat

from promptvc.evaluation.assertions.assertion import Answer, Assertion, Grade, Templates, no_threshold, shown
from promptvc.evaluation.assertions.length import too_long
from promptvc.evaluation.assertions.tags import Mark, marks

_KEY = "requiredElements"
_CHUNK = 1 << 14  # bytes given to the parser at a time: it copies them, and may stop at the first
_Trie = dict[str, Any]


@dataclass(slots=True)
class _Reading:
    """One reading of one XML document, and which of the required elements it has."""

    required: _Trie
    missing: set[str]
    stack: list[_Trie] = field(default_factory=list)
    reason: str = ""
    place: int = 0
    """Where it is not well-formed, in bytes from its beginning."""

    def read(self, text: memoryview) -> bool:
        """Whether the text is one well-formed element or document; ``reason`` says why not."""
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.EntityDeclHandler = self._declared
        parser.AttlistDeclHandler = self._declared
        parser.UnparsedEntityDeclHandler = self._declared
        try:
            for at in range(0, len(text), _CHUNK):
                parser.Parse(text[at : at + _CHUNK])
            parser.Parse(b"", True)  # noqa: FBT003 - it takes no keywords
        except expat.ExpatError as error:
            self.place = parser.ErrorByteIndex
            self.reason = f"not well-formed: {error}"
            return False
        except ValueError:  # raised by _declared, through the parser
            self.place = parser.CurrentByteIndex
            self.reason = "its document type declares entities or attributes: refused"
            return False
        return True

    def _start(self, name: str, _: Mapping[str, str]) -> None:
        above = self.stack[-1] if self.stack else self.required
        here: _Trie = above.get(name, {})
        if "" in here:
            self.missing.discard(here[""])
        self.stack.append(here)

    def _end(self, _: str) -> None:
        self.stack.pop()

    def _declared(self, *_: object) -> None:
        raise ValueError("a declaration")


@dataclass(frozen=True, slots=True)
class Xml:
    """The answer is (or, not ``whole``, contains) well-formed XML, with the elements that ``value`` requires.

    ``value: {requiredElements: [root.child]}`` names elements by the path to them, from the root of the document, or of
    the outermost well-formed element in the text; several may be spread over several such elements.
    """

    whole: bool
    templates: ClassVar[Templates] = "none"

    def problem(self, assertion: Assertion) -> str | None:
        """No value, or a list of paths, and no threshold."""
        if assertion.value is None or assertion.threshold is not None:
            return no_threshold(assertion)
        value = assertion.value
        if not isinstance(value, Mapping) or set(value) != {_KEY}:
            return f"needs `{_KEY}` in its `value`, or no `value`"
        paths = value[_KEY]
        if not isinstance(paths, list | tuple) or not paths:
            return f"needs a list of elements as its `{_KEY}`"
        wrong = next((path for path in paths if not isinstance(path, str) or "" in path.split(".")), None)
        return None if wrong is None else f"needs elements like `root.child` in `{_KEY}`, not {wrong!r}"

    def grade(self, answer: Answer, assertion: Assertion) -> Grade:
        """1 or 0."""
        unread = too_long(answer)
        if unread is not None:
            return unread
        paths: list[str] = [] if assertion.value is None else list(assertion.value[_KEY])
        reading = _Reading(_trie(paths), set(paths))
        data = answer.text.strip().encode("utf-8", "surrogatepass")
        if self.whole:
            if not reading.read(memoryview(data)):
                return Grade.of(holds=False, reason=reading.reason)
        elif not _search(data, reading):
            return Grade.of(holds=False, reason="there is no well-formed element in it")
        missing = [path for path in paths if path in reading.missing]
        return Grade.of(not missing, f"it has no {', '.join(map(shown, missing))}")


def _trie(paths: list[str]) -> _Trie:
    root: _Trie = {}
    for path in paths:
        node = root
        for name in path.split("."):
            node = node.setdefault(name, {})
        node[""] = path
    return root


def _search(data: bytes, reading: _Reading) -> bool:
    """Whether there is a well-formed element; with required ones, the outermost are read until none is missing.

    Where an element is broken, so are all that the broken place lies in. Those before it are not, and those after it
    are tried: each byte is read twice at most.
    """
    view = memoryview(data)
    found = False
    read_to = 0  # end of the last well-formed element
    broken = -1  # the last broken place
    for start, end in sorted(_elements(data), key=lambda each: (each[0], -each[1])):
        if start < read_to or start <= broken < end:
            continue
        trial = _Reading(reading.required, set(reading.missing))
        if trial.read(view[start:end]):
            found, read_to, reading.missing = True, end, trial.missing
            if not reading.missing:
                break
        else:
            broken = start + max(0, trial.place)
    return found


def _elements(data: bytes) -> Iterator[tuple[int, int]]:
    """Where elements seem to begin and end: tags that match. Which of them are elements is for the parser to say."""
    stack: list[Mark] = []
    for mark in marks(data):
        if mark.kind == "empty":
            yield mark.start, mark.end
        elif mark.kind == "open":
            stack.append(mark)
        elif mark.kind == "close" and stack and stack[-1].name == mark.name:
            yield stack.pop().start, mark.end
