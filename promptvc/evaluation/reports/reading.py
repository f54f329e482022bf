"""Results read back from JSON lines (:mod:`promptvc.evaluation.reports.lines`), the parts of each run together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptvc.base.errors import InvalidDocument, NotFound, Usage
from promptvc.base.files import storage_errors
from promptvc.base.jsonl import parse_json
from promptvc.evaluation.reports.lines import BASELINE, CANDIDATE, EVALUATIONS, FORMAT, KIND
from promptvc.evidence.fields import Fields
from promptvc.evidence.runs import CaseResult
from promptvc.evidence.values import VersionRef

_SAME = ("version", "suite", "repeats", "reducer", "of", "judge")


@dataclass(frozen=True, slots=True)
class Part:
    """One file of results: its header, whose ``value`` is what ``evaluate --json`` prints.

    ``judge`` is the digest of the judge that the suite may ask, whether these cases took one or not.
    """

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
    judge: str

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


def read_parts(paths: Sequence[Path]) -> tuple[tuple[Part, ...], ...]:
    """The headers of ``paths``, by what was evaluated: name, content, model and baseline; in the order of the files.

    Files of runs that had nothing to evaluate are left out.

    Raises:
        NotFound: a file is not there.
        InvalidDocument: it holds no results.
        Usage: two of them are of different runs, with what differs.
    """
    found: dict[tuple[object, ...], list[Part]] = {}
    for path in paths:
        part = _part(path)
        if part is not None:
            found.setdefault((part.name, part.candidate.digest, part.model, part.baseline), []).append(part)
    for parts in found.values():
        _require_same(parts)
    return tuple(tuple(parts) for parts in found.values())


def _require_same(parts: Sequence[Part]) -> None:
    first = parts[0]
    judge = _judging_model(parts)
    for part in parts[1:]:
        differs = [key for key in _SAME if part.value.get(key) != first.value.get(key)]
        asked = part.value.get("judging")
        if "judge" not in differs and asked and asked["model"] != judge:
            differs.append("judge")
        if differs:
            raise Usage(
                f"{part.path} and {first.path} are not of one run: {', '.join(differs)} differ",
                hint="merge the shards of one commit, suite and judge",
            )


def _judging_model(parts: Sequence[Part]) -> str | None:
    """The model that judged the first part that was judged."""
    return next((part.value["judging"]["model"] for part in parts if part.value.get("judging")), None)


def _part(path: Path) -> Part | None:
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
    if value.get(EVALUATIONS) == 0:
        return None
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
        judge=fields.text("judge"),
    )
