"""Evidence as files: ``evaluation/evidence/<name>/<ulid>.json``, written once and never edited."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from promptvc.base.errors import InvalidDocument
from promptvc.base.ids import is_ulid
from promptvc.evidence.approvals import ApprovalRecord
from promptvc.evidence.comparisons import ComparisonRecord
from promptvc.evidence.fields import Fields, document, long_document
from promptvc.evidence.runs import CaseResult, RunRecord, Totals
from promptvc.evidence.values import Guard, Score, Tokens, VersionRef

__all__ = [
    "ApprovalRecord",
    "CaseResult",
    "ComparisonRecord",
    "Guard",
    "Record",
    "RunRecord",
    "Score",
    "Tokens",
    "Totals",
    "VersionKey",
    "VersionRef",
    "folder",
    "index",
    "name_and_id",
    "parse",
    "path",
    "read_all",
    "to_bytes",
]

Record = RunRecord | ComparisonRecord | ApprovalRecord

FOLDER = "evaluation/evidence/"

_KINDS: dict[str, Callable[[Fields], Record]] = {
    RunRecord.kind: RunRecord.read,
    ComparisonRecord.kind: ComparisonRecord.read,
    ApprovalRecord.kind: ApprovalRecord.read,
}


@dataclass(frozen=True, slots=True)
class VersionKey:
    """What records cite: the prompt's name, the version and the digest of its bytes."""

    name: str
    version: int | None
    digest: str


def folder(name: str) -> str:
    """The folder of a prompt's records, with a final slash, from the prompt root.

    Records of a longer name (``support`` and ``support/triage``) lie below it too: see :func:`name_and_id`.
    """
    return f"{FOLDER}{name}/"


def path(record: Record) -> str:
    """Where a record is written, from the prompt root."""
    return f"{folder(record.prompt)}{record.id}.json"


def name_and_id(file: str) -> tuple[str, str] | None:
    """The prompt and the id that a path (from the prompt root) stands for; None if it is no record's path."""
    if not file.startswith(FOLDER) or not file.endswith(".json"):
        return None
    name, _, identifier = file[len(FOLDER) : -len(".json")].rpartition("/")
    return (name, identifier) if name and is_ulid(identifier) else None


def to_bytes(record: Record) -> bytes:
    """The one text of a record: indented, keys sorted, a final newline."""
    if isinstance(record, RunRecord):
        return long_document(record.head(), "cases", (case.to_json() for case in record.cases))
    return document(record.to_json())


def parse(data: bytes, *, file: str) -> Record:
    """Read one record. Keys it does not know are kept in ``extra``.

    Raises:
        InvalidDocument: not a record, or its content contradicts its path.
    """
    fields, read = Fields.parse(data, file=file, kinds=_KINDS)
    record = read(fields)
    # `file` may carry the prompt root or a revision in front, so only its end is compared.
    if is_ulid(file[-31:-5]) and not file.endswith(path(record)):
        raise InvalidDocument(f"holds the record {record.id} of {record.prompt}", file=file)
    return record


def read_all(files: Mapping[str, bytes], name: str | None = None) -> tuple[Record, ...]:
    """Every record among ``files`` (path from the prompt root -> content), oldest first.

    Args:
        name: only those of this prompt.
    """
    found = []
    for file, data in files.items():
        key = name_and_id(file)
        if key is not None and name in (None, key[0]):
            found.append(parse(data, file=file))
    return tuple(sorted(found, key=lambda record: (record.id, record.prompt)))


def index(records: Iterable[Record]) -> dict[VersionKey, ComparisonRecord]:
    """The newest comparison of each version that was a candidate."""
    newest: dict[VersionKey, ComparisonRecord] = {}
    for record in records:
        if not isinstance(record, ComparisonRecord):
            continue
        key = VersionKey(record.prompt, record.candidate.version, record.candidate.digest)
        if key not in newest or newest[key].id < record.id:
            newest[key] = record
    return newest
