"""What comparisons found of each version, remembered in the index.

A record of a comparison holds every case. Which content it was about, and what was found by how much, is a line of it.
A record never changes under its id, so that line is read out once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from promptvc.evidence.records import ComparisonRecord, Score, VersionKey, folder, name_and_id, parse
from promptvc.store.versions import Resolver


@dataclass(frozen=True, slots=True)
class Verdict:
    """One comparison in short; see :class:`promptvc.evidence.comparisons.ComparisonRecord`."""

    id: str
    prompt: str
    version: int | None
    digest: str
    verdict: str
    approach: str | None
    training: str | None
    score: Score | None

    @property
    def key(self) -> VersionKey:
        """The candidate."""
        return VersionKey(self.prompt, self.version, self.digest)


def verdicts_of(resolver: Resolver, name: str, *commits: str | None) -> list[Verdict]:
    """The comparisons of ``name`` that any of ``commits`` has, oldest first.

    Raises:
        InvalidDocument: a record is none.
    """
    prefix = resolver.place.folder
    blobs: dict[str, str] = {}
    for commit in {one for one in commits if one is not None}:
        blobs |= resolver.objects.tree(commit, prefix + folder(name))
    known = _recall(resolver, blobs.values())
    fresh: dict[str, Verdict | None] = {}
    found = []
    for path, blob in sorted(blobs.items()):
        file = path.removeprefix(prefix)
        key = name_and_id(file)
        if key is None or key[0] != name:
            continue
        verdict = known.get(blob)
        # What was copied to the path of another record is for the reader of records to refuse.
        if blob not in known or (verdict is not None and (verdict.prompt, verdict.id) != key):
            verdict = fresh[blob] = _short(resolver.objects.blob(blob), file)
        if verdict is not None:
            found.append(verdict)
    _remember(resolver, fresh)
    return found


def newest(verdicts: Iterable[Verdict]) -> dict[VersionKey, Verdict]:
    """The newest of each candidate. ``verdicts`` come oldest first."""
    return {verdict.key: verdict for verdict in verdicts}


def _short(data: bytes, file: str) -> Verdict | None:
    record = parse(data, file=file)
    if not isinstance(record, ComparisonRecord):
        return None
    return Verdict(
        id=record.id,
        prompt=record.prompt,
        version=record.candidate.version,
        digest=record.candidate.digest,
        verdict=record.verdict,
        approach=record.approach,
        training=record.training,
        score=record.score,
    )


def _recall(resolver: Resolver, blobs: Iterable[str]) -> dict[str, Verdict | None]:
    index = resolver.history.index

    def look() -> dict[str, str | None]:
        query = "SELECT verdict FROM verdicts WHERE blob = ?"
        rows = ((one, index.connection.execute(query, (bytes.fromhex(one),)).fetchone()) for one in blobs)
        return {blob: row[0] for blob, row in rows if row is not None}

    return {blob: None if text is None else _decode(text) for blob, text in index.guarded(look).items()}


def _remember(resolver: Resolver, found: dict[str, Verdict | None]) -> None:
    index = resolver.history.index
    rows = [(bytes.fromhex(blob), None if one is None else _encode(one)) for blob, one in found.items()]

    def write() -> None:
        with index.transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO verdicts VALUES (?, ?)", rows)

    if rows:
        index.guarded(write)


def _encode(one: Verdict) -> str:
    score = None if one.score is None else list(one.score.to_json().values())
    head = (one.id, one.prompt, one.version, one.digest, one.verdict, one.approach, one.training)
    return json.dumps([*head, score])


def _decode(text: str) -> Verdict:
    one, prompt, version, digest, verdict, approach, training, score = json.loads(text)
    numbers = None if score is None else Score(*score)
    return Verdict(one, prompt, version, digest, verdict, approach, training, numbers)
