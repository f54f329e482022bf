"""A suite: the cases that a prompt has to answer and what is asserted of the answers, from `evaluation/<name>.yaml`.

::

    match: equals                   # how an answer is held against `expected`: an assertion that takes one text
    guards: {safety: 0.02}          # metrics that must not get worse by more than this
    repeat: 3                       # how often each case is asked, unless the command says
    reduce: mean                    # how repeats become one score
    default:                        # what every case starts from; a case's own vars win, its assertions are added
      assert: [{type: latency, threshold: 2000, weight: 0, metric: fast}]
    cases:
      - triage.cases.jsonl          # a file of cases, or a glob
      - id: double-charge
        vars: {message: I was charged twice}
        expected: billing           # the assertion {type: equals, value: billing}

Two cases with one id are an error, in whatever files they stand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from promptvc.base.documents import Document, load_yaml
from promptvc.base.errors import InputError, InvalidDocument
from promptvc.base.jsonl import canonical_json
from promptvc.base.memo import Memo
from promptvc.base.schemas import validate
from promptvc.evaluation.assertions.code import CodeFiles
from promptvc.evaluation.cases.case import EXPECTED, Case, Split
from promptvc.evaluation.cases.dataset import DatasetFile, Names, described, read_dataset
from promptvc.evaluation.cases.files import Files, is_glob, matching, resolved
from promptvc.evaluation.cases.grammar import InDocument, match_problem, meant, read_assertions
from promptvc.evaluation.cases.making import CaseMaker, coded
from promptvc.evaluation.cases.sequence import Joined, digest_of, ids_of, lacking_of, of_split
from promptvc.evaluation.reduce import parse_reducer
from promptvc.prompts.formats.github.documents import suite_document

__all__ = ["EXPECTED", "Case", "Split", "Suite", "check_variables", "digest_of", "load_suite", "read_github"]


@dataclass(frozen=True, slots=True)
class Suite:
    """The cases in the order of the file; those of datasets are made when they are asked for.

    Attributes:
        guards: margins by metric.
        repeat: how often each case is asked where the command does not say; None: the command's own default.
        reduce: the reducer's name where the command does not say.
        datasets: the files that gave cases, in their order.
        code: the files whose code its assertions run, by path from the prompt root.
        at_once: every case is graded from its answer alone; False also where nobody looked.
        generated: nobody wrote it: it was made from a prompt and its feedback, and is no evidence.
    """

    file: str
    cases: Sequence[Case]
    guards: Mapping[str, float] = field(default_factory=dict)
    description: str | None = None
    repeat: int | None = None
    reduce: str | None = None
    datasets: tuple[DatasetFile, ...] = ()
    code: Mapping[str, bytes] = field(default_factory=dict)
    generated: bool = False
    at_once: bool = False

    @property
    def digest(self) -> str:
        """SHA-256, as hex, of cases and guards; comments, layout and the order of the cases do not matter."""
        content = {"cases": digest_of(self.cases), "guards": dict(self.guards)}
        return hashlib.sha256(canonical_json(content)).hexdigest()

    def split(self, name: Split) -> Sequence[Case]:
        """The cases of one split."""
        return of_split(self.cases, name)

    def removed_since(self, older: Suite) -> tuple[str, ...]:
        """Ids of the cases that ``older`` has and this one has not, in its order."""
        here = set(ids_of(self.cases))
        return tuple(name for name in ids_of(older.cases) if name not in here)


def load_suite(data: bytes, *, file: str, files: Files | None = None, memo: Memo | None = None) -> Suite:
    """Read a suite.

    Args:
        file: its path from the prompt root, after ``REVISION:`` where it is not the working tree's.
        files: where datasets and code are read from: the same working tree or revision.

    Raises:
        InvalidDocument: with file, line and key: not YAML, not by the schema, an assertion that does not exist or is
            given what it does not take, two cases with one id, a case that asserts nothing, a dataset that is not
            there or is none.
    """
    return read_suite(load_yaml(data, file=file), files=files, memo=memo)


def read_suite(document: Document, *, files: Files | None = None, memo: Memo | None = None) -> Suite:
    """The same from a document that is read already.

    Raises:
        InvalidDocument: as :func:`load_suite`.
    """
    file = document.file
    validate(document, "suite", memo=memo)
    value: Mapping[str, Any] = document.value
    top = InDocument(document)
    match = _match(value, top)
    if "reduce" in value:
        try:
            parse_reducer(value["reduce"])
        except InputError as error:
            raise top.error(f"`reduce`: {error.message}", "reduce", hint=error.hint) from None
    default: Mapping[str, Any] = value.get("default", {})
    shared = read_assertions(default.get("assert", ()), top, "default", "assert")
    code = None if files is None else CodeFiles(files.read, _folder(file))
    if code is not None:
        shared = coded(shared, code, top, "default", "assert")
    maker = CaseMaker(default, match, shared, code)
    reading = _Reading(document, maker, files)
    cases = reading.cases(value["cases"])
    return Suite(
        file=file,
        cases=cases,
        guards=MappingProxyType(dict(value.get("guards", {}))),
        description=value.get("description"),
        repeat=value.get("repeat"),
        reduce=value.get("reduce"),
        datasets=tuple(reading.datasets),
        at_once=maker.at_once,
        code=MappingProxyType({} if code is None else code.found),
    )


def read_github(document: Document) -> Suite | None:
    """The suite in a file of GitHub's format: its test data and evaluators. None where it has no test data.

    Raises:
        InvalidDocument: with file and line.
    """
    translated = suite_document(document)
    return None if translated is None else read_suite(translated)


def check_variables(suite: Suite, required: Collection[str]) -> None:
    """Make sure, before anything is asked, that every case gives the prompt its ``required`` variables.

    Raises:
        InvalidDocument: at the first case that does not; the hint counts the others.
    """
    found = lacking_of(suite.cases, required)
    if found.first is None:
        return
    first, rest = suite.cases[found.first], found.count - 1
    names = [name for name in required if name not in first.vars]
    others = f" ({rest} more case{'s' if rest > 1 else ''} too)" if rest else ""
    raise InvalidDocument(
        f"case `{first.id}` lacks {', '.join(f'`{name}`' for name in names)}, which the prompt requires{others}",
        hint="give it under `vars`, or under `default.vars` for every case",
        file=first.file or suite.file,
        line=first.line,
    )


def _folder(file: str) -> str:
    """The folder, from the prompt root, of a suite that is named as :func:`load_suite` names it."""
    folder = str(PurePosixPath(file.rpartition(":")[2]).parent)
    return "" if folder == "." else folder


def _match(value: Mapping[str, Any], top: InDocument) -> str:
    name: str = value.get("match", "equals")
    wrong = match_problem(name)
    if wrong:
        raise top.error(f"`match` is `{name}`, which {wrong}", "match", hint=meant(name))
    return name


class _Reading:
    """One suite while it is read."""

    def __init__(self, document: Document, maker: CaseMaker, files: Files | None) -> None:
        self._document = document
        self._maker = maker
        self._files = files
        self._names = Names()
        before, colon, _ = document.file.rpartition(":")
        self._revision = before + colon
        self._folder = _folder(document.file)
        self.datasets: list[DatasetFile] = []

    def cases(self, written: str | Sequence[Any]) -> Sequence[Case]:
        """All cases: a tuple where the suite names no dataset."""
        if isinstance(written, str):
            parts = [*self._dataset(written, InDocument(self._document, "cases"))]
            return parts[0] if len(parts) == 1 else Joined(parts)
        parts, inline = [], list[Case]()
        for position, value in enumerate(written):
            place = InDocument(self._document, "cases", position)
            if isinstance(value, str):
                parts += [inline, *self._dataset(value, place)]
                inline = []
            else:
                name = self._maker.name(value, place)
                self._names.claim(name, place, self._document.file, derived="id" not in value)
                inline.append(self._maker.case(value, name, place))
        return Joined([part for part in (*parts, inline) if part]) if parts else tuple(inline)

    def _dataset(self, text: str, place: InDocument) -> Iterator[Sequence[Case]]:
        """The cases of every file that ``text`` names."""
        if self._files is None:
            raise place.error(f"{text!r} names a dataset, and there are no files to read here")
        try:
            path = resolved(text, self._folder)
        except ValueError as error:
            raise place.error(f"{text!r} {error}") from None
        paths = matching(path, self._files) if is_glob(path) else [path]
        if not paths:
            raise place.error(f"no file matches {text!r}", hint="it is relative to the suite's folder")
        for one in paths:
            data = self._files.read(one)
            if data is None:
                hint = "it is relative to the suite's folder, and has to be in the same revision"
                raise place.error(f"there is no file {one}", hint=hint)
            if any(known.path == one for known in self.datasets):
                raise place.error(f"{one} is named twice")
            cases = read_dataset(data, self._revision + one, self._maker, self._names)
            self.datasets.append(described(one, data, cases))
            yield cases
