"""Results read back from JSON lines (:mod:`promptvc.evaluation.reports.lines`), the parts of a run brought together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptvc.base.errors import InvalidDocument, NotFound, Usage
from promptvc.base.files import storage_errors
from promptvc.base.jsonl import parse_json
from promptvc.evaluation.reports.lines import BASELINE, CANDIDATE, FORMAT, KIND
from promptvc.evidence.fields import Fields
from promptvc.evidence.runs import CaseResult
from promptvc.evidence.values import VersionRef

_SAME = ("name", "version", "digest", "suite", "model", "repeats", "reducer", "of")


@dataclass(frozen=True, slots=True)
class Part:
    """One file of results: its header, whose ``value`` is what ``evaluate --json`` prints."""

    path: Path
    value: Mapping[str, Any]
    name: str
    candidate: VersionRef
    baseline: VersionRef | None
    suite: str
    model: str
    repeats: int
    reducer: str
    of: int

    def results(self) -> Iterator[tuple[str, CaseResult, int]]:
        """(side, result, line) of each line, as they stand in the file.

        Raises:
            InvalidDocument: with file and line: no result.
        """
        with storage_errors(self.path), self.path.open("rb") as stream:
            next(stream, None)
            for number, line in enumerate(stream, 2):
                value = parse_json(line, file=str(self.path), line=number)
                side = value.pop("side", None) if isinstance(value, dict) else None
                if side not in {CANDIDATE, BASELINE}:
                    raise InvalidDocument("no result of a side", file=str(self.path), line=number)
                yield side, CaseResult.read(Fields(value, file=str(self.path))), number


def read_parts(paths: Sequence[Path]) -> tuple[Part, ...]:
    """The headers of ``paths``, which must be parts of one run.

    Raises:
        NotFound: a file is not there.
        InvalidDocument: it holds no results.
        Usage: two of them are of different runs, with what differs.
    """
    parts = tuple(_part(path) for path in paths)
    first = parts[0]
    for part in parts[1:]:
        differs = [key for key in _SAME if part.value.get(key) != first.value.get(key)]
        if part.baseline != first.baseline:
            differs.append("baseline")
        if differs:
            raise Usage(
                f"{part.path} and {first.path} are not of one run: {', '.join(differs)} differ",
                hint="merge the shards of one commit, model and suite",
            )
    return parts


def _part(path: Path) -> Part:
    if not path.is_file():
        raise NotFound(f"there is no file {path}", hint="write it with evaluate --shard I/N -o FILE.jsonl")
    with storage_errors(path), path.open("rb") as stream:
        line = stream.readline()
    value = parse_json(line, file=str(path), line=1)
    if not isinstance(value, dict) or value.get("kind") != KIND:
        raise InvalidDocument(
            "holds no results", hint="write it with evaluate -o FILE.jsonl", file=str(path), line=1
        )
    if value.get("format") != FORMAT:
        raise InvalidDocument("written by another promptvc", hint="use one version for all", file=str(path))
    fields = Fields(dict(value), file=str(path))
    baseline = value.get("baseline")
    return Part(
        path=path,
        value=value,
        name=fields.text("name"),
        candidate=VersionRef(fields.optional("version", fields.integer), fields.text("digest")),
        baseline=VersionRef.read(Fields(baseline, file=str(path), key="baseline")) if baseline else None,
        suite=fields.text("suite"),
        model=fields.text("model"),
        repeats=fields.integer("repeats"),
        reducer=fields.text("reducer"),
        of=fields.integer("of"),
    )
