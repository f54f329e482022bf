"""Files of a prompt root without what a person said: which kind of file loses what.

====================================  ================================================================
prompts and deployments               citations; rules and examples that rest on the person alone, or repeat them
suites and datasets                   citations; cases made from the person's events, or that repeat them
evidence and the ledger               what such items said, answers to such cases; figures stay
quarantines and baselines             entries of cases that are gone
curations                             citations; entries without any event left
reports                               ids, pseudonyms and words
====================================  ================================================================

Edits are surgical (:mod:`promptvc.prompts.edit`). What cannot be taken out of a file without a person's judgement,
such as words in the instructions of a prompt, is told and stays.
"""

from __future__ import annotations

import csv
import html
import json
import posixpath
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from promptvc.base.documents import load_yaml
from promptvc.base.errors import InputError
from promptvc.base.jsonl import parse_json
from promptvc.deployment.environments import FOLDER as DEPLOYMENTS
from promptvc.deployment.environments import RULES
from promptvc.evaluation.quarantine import SUFFIX as QUARANTINE
from promptvc.evidence import ledger, records
from promptvc.evidence.baselines import FOLDER as BASELINES
from promptvc.evidence.fields import document
from promptvc.feedback.forgetting import Traces, scrub, without
from promptvc.feedback.segments import prompt_of
from promptvc.prompts.edit import Edit, RemoveItem, ReplaceItem, edit
from promptvc.prompts.names import FOLDER as PROMPTS
from promptvc.training.exporting.curation import SUFFIX as CURATION

REPORTS = "reports/"
LEDGER = ("looks/", "trainings/")
BY_HAND = "edit it by hand"


@dataclass(frozen=True, slots=True)
class Clean:
    """A file without a person.

    Attributes:
        data: its content; None where nothing of it is left.
        removed: events, items, cases or entries that went; ``uncited``: that lost a citation only.
        cases: ids of the cases that went.
        left: what is in it still, and nobody but a person can take out.
    """

    data: bytes | None
    removed: int = 0
    uncited: int = 0
    cases: frozenset[str] = frozenset()
    left: tuple[str, ...] = ()


Cleaner = Callable[[str, bytes, Traces], Clean]


def is_cases(path: str) -> bool:
    """Whether a file holds cases: those are cleaned first, so that what is about them knows which went."""
    return _cleaner(path) in {_rows, _suite}


def is_suite(path: str) -> bool:
    """Whether a file may name other files of cases."""
    return _cleaner(path) is _suite


def cleaned(path: str, data: bytes, traces: Traces, gone: Collection[str] = ()) -> Clean:
    """A file without a person; with the very same content where it holds nothing of theirs.

    Args:
        path: from the prompt root, or from that of the ledger.
        gone: files of cases of which nothing was left; a suite no longer names them.
    """
    clean = _cleaner(path)
    try:
        found = _suite(path, data, traces, gone) if clean is _suite else clean(path, data, traces)
    except InputError as error:
        found = Clean(data, left=(f"{error.message}: {BY_HAND}",)) if _holds(data, traces) else Clean(data)
    return found


def _cleaner(path: str) -> Cleaner:
    name = posixpath.basename(path)
    if prompt_of(path) is not None:
        return _segment
    if path.startswith((f"{PROMPTS}/", f"{DEPLOYMENTS}/")) and name.endswith(".yaml"):
        return _prompt if name != RULES and not name.endswith(".rollout.yaml") else _text
    if path.startswith((records.FOLDER, *LEDGER)) and name.endswith(".json"):
        return _record
    if path.endswith(CURATION):
        return _curation
    if path.startswith("evaluation/"):
        if path.endswith(QUARANTINE):
            return _quarantine
        if path.startswith(BASELINES):
            return _baseline
        if name.endswith((".jsonl", ".csv")):
            return _rows
        if name.endswith((".yaml", ".yml")):
            return _suite
    return _report if path.startswith(REPORTS) else _text


def _segment(_: str, data: bytes, traces: Traces) -> Clean:
    lines = without(data, traces)
    return Clean(lines.data or None, lines.dropped, lines.changed)


def _prompt(path: str, data: bytes, traces: Traces) -> Clean:
    value = load_yaml(data, file=path).value
    if not isinstance(value, dict) or not traces.are_in(value):
        return Clean(data)
    edits: list[Edit] = []
    removed = uncited = 0
    for key in ("rules", "examples"):
        given = value.get(key)
        items = given if isinstance(given, list) else []
        for at in reversed(range(len(items))):
            fate = _fate(items[at], traces)
            if fate is None:
                edits.append(RemoveItem((key,), at))
                removed += 1
            elif fate:
                cites = items[at]["because"]
                edits += [RemoveItem((key, at, "because"), place) for place in reversed(range(len(cites)))
                          if cites[place] in traces.ids]  # fmt: skip
                uncited += 1
    new = edit(data, edits, file=path) if edits else data
    rest = load_yaml(new, file=path)
    left = tuple(
        f"line {rest.line(*where) or 1} ({'.'.join(map(str, where))}) holds what they said: {BY_HAND}"
        for where, text in _leaves(rest.value)
        if traces.are_in(text)
    )
    return Clean(new, removed, uncited, left=left)


def _fate(item: Any, traces: Traces) -> bool | None:
    """Of a rule or an example: None when it goes, True when it loses citations, False when it stays as it is."""
    if not isinstance(item, dict):
        return False
    cited = item.get("because")
    mine = [one for one in cited if one in traces.ids] if isinstance(cited, list) else []
    alone = bool(mine) and isinstance(cited, list) and len(mine) == len(cited)
    if alone or traces.are_in({key: each for key, each in item.items() if key != "because"}):
        return None
    return bool(mine)


def _suite(path: str, data: bytes, traces: Traces, gone: Collection[str] = ()) -> Clean:
    """A suite, or a dataset in YAML: a list of cases by itself."""
    value = load_yaml(data, file=path).value
    where: tuple[str, ...] = ("cases",) if isinstance(value, dict) else ()
    cases = value.get("cases") if isinstance(value, dict) else value
    if isinstance(cases, str):
        return Clean(None if _named(path, cases) in gone else data)
    if not isinstance(cases, list):
        return Clean(data)
    edits: list[Edit] = []
    going: list[Any] = []
    uncited = files = 0
    for at in reversed(range(len(cases))):
        case = cases[at]
        if isinstance(case, str) and _named(path, case) in gone:
            edits.append(RemoveItem(where, at))
            files += 1
        elif isinstance(case, dict):
            stays = _case(case, traces)
            if stays is None:
                edits.append(RemoveItem(where, at))
                going.append(case)
            elif stays != case:
                edits.append(ReplaceItem(where, at, stays))
                uncited += 1
    ids = frozenset(str(case["id"]) for case in going if "id" in case)
    if cases and len(going) + files == len(cases):
        return Clean(None, len(going), uncited, ids)
    new = edit(data, edits, file=path) if edits else data
    rest = load_yaml(new, file=path)
    left = tuple(
        f"line {rest.line(*at) or 1} holds what they said: {BY_HAND}"
        for at, text in _leaves(rest.value)
        if traces.are_in(text)
    )
    return Clean(new, len(going), uncited, ids, left)


def _named(path: str, name: str) -> str:
    """The file that a suite names, from the prompt root; a pattern is no file."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), name))


def _case(case: Mapping[str, Any], traces: Traces) -> dict[str, Any] | None:
    """A case without the person: None when it is made of their events, or repeats them."""
    metadata = case.get("metadata")
    cited = metadata.get("because") if isinstance(metadata, dict) else None
    mine = [one for one in cited if one in traces.ids] if isinstance(cited, list) else []
    others = isinstance(cited, list) and len(cited) > len(mine)
    if (mine or case.get("cluster") in traces.names) and not others:
        return None
    said = {key: each for key, each in case.items() if key not in {"metadata", "cluster", "description"}}
    if traces.are_in(said):
        return None
    if not traces.are_in(dict(case)):
        return dict(case)
    stays = {key: scrub(each, traces) for key, each in case.items() if key != "cluster"}
    if "cluster" in case and case["cluster"] not in traces.names:
        stays["cluster"] = case["cluster"]
    return stays


def _rows(path: str, data: bytes, traces: Traces) -> Clean:
    return _csv(data, traces) if path.endswith(".csv") else _json_lines(path, data, traces)


def _json_lines(path: str, data: bytes, traces: Traces) -> Clean:
    lines: list[bytes] = []
    ids: set[str] = set()
    removed = uncited = 0
    for number, line in enumerate(data.splitlines(keepends=True), 1):
        if not line.strip() or not _holds(line, traces):
            lines.append(line)
            continue
        case = parse_json(line.strip(), file=path, line=number)
        stays = _case(case, traces) if isinstance(case, dict) else None
        if stays is None:
            removed += 1
            ids |= {str(case["id"])} if isinstance(case, dict) and "id" in case else set()
        else:
            uncited += stays != case
            lines.append(line if stays == case else json.dumps(stays).encode() + b"\n")
    text = b"".join(lines)
    return Clean(text if text.strip() or not removed else None, removed, uncited, frozenset(ids))


def _csv(data: bytes, traces: Traces) -> Clean:
    """A row of a table goes as a whole: which cell rests on which event it does not say."""
    lines = data.decode("utf-8", "surrogateescape").splitlines(keepends=True)
    reader = csv.reader(lines)
    kept: list[str] = []
    removed, at, header = 0, 0, ""
    for cells in reader:
        row, at = "".join(lines[at : reader.line_num]), reader.line_num
        if not header:
            header = row
        elif any(map(traces.are_in, cells)):
            removed += 1
            continue
        kept.append(row)
    if removed and len(kept) == 1:
        return Clean(None, removed)
    return Clean("".join(kept).encode("utf-8", "surrogateescape") if removed else data, removed)


def _record(path: str, data: bytes, traces: Traces) -> Clean:
    """A record of evidence or of the ledger, in its own one text where it can still be read as one."""
    value = parse_json(data, file=path)
    clean = scrub(value, traces)
    if clean == value:
        return Clean(data)
    text = document(clean)
    try:
        if path.startswith(LEDGER):
            text = ledger.to_bytes(ledger.parse(text, file=path))
        else:
            text = records.to_bytes(records.parse(text, file=path))
    except InputError:
        return Clean(text, uncited=1, left=(f"can no longer be read as a record: {BY_HAND}",))
    return Clean(text, uncited=1)


def _curation(path: str, data: bytes, traces: Traces) -> Clean:
    entries = load_yaml(data, file=path).value or []
    edits: list[Edit] = []
    removed = uncited = 0
    for at in reversed(range(len(entries))):
        entry = entries[at]
        events = [one for one in entry["events"] if one not in traces.ids]
        if not events:
            edits.append(RemoveItem((), at))
            removed += 1
        elif traces.are_in(entry):
            edits.append(ReplaceItem((), at, scrub(entry, traces)))
            uncited += 1
    if removed and removed == len(entries):
        return Clean(None, removed)
    return Clean(edit(data, edits, file=path) if edits else data, removed, uncited)


def _quarantine(path: str, data: bytes, traces: Traces) -> Clean:
    entries = load_yaml(data, file=path).value or []
    going = [at for at, entry in enumerate(entries) if str(entry.get("case")) in traces.cases]
    if going and len(going) == len(entries):
        return Clean(None, len(going))
    edits = [RemoveItem((), at) for at in reversed(going)]
    return _told(path, edit(data, edits, file=path) if edits else data, traces, len(going))


def _baseline(path: str, data: bytes, traces: Traces) -> Clean:
    value = load_yaml(data, file=path).value
    failing = value.get("failing") if isinstance(value, dict) else None
    going = [at for at, case in enumerate(failing or ()) if str(case) in traces.cases]
    edits = [RemoveItem(("failing",), at) for at in reversed(going)]
    return _told(path, edit(data, edits, file=path) if edits else data, traces, len(going))


def _report(_: str, data: bytes, traces: Traces) -> Clean:
    """A report is written anew whenever somebody wants it; HTML and Markdown write a text with marks of their own."""
    text = data.decode("utf-8", "surrogateescape")
    new = traces.scrubbed(text)
    for said in traces.texts:
        for written in (html.escape(said), html.escape(said, quote=False), json.dumps(said)[1:-1]):
            new = new.replace(written, "[forgotten]")
    return Clean(new.encode("utf-8", "surrogateescape"), uncited=int(new != text))


def _text(path: str, data: bytes, traces: Traces) -> Clean:
    return _told(path, data, traces, 0)


def _told(_: str, data: bytes, traces: Traces, removed: int) -> Clean:
    left = (f"holds what they said, or names them: {BY_HAND}",) if _holds(data, traces) else ()
    return Clean(data, removed, left=left)


def _holds(data: bytes, traces: Traces) -> bool:
    text = data.decode("utf-8", "surrogateescape")
    if traces.are_in(text):
        return True
    # JSON writes some characters in a way of its own.
    return "\\" in text and any(
        written in text
        for said in traces.texts
        for written in (json.dumps(said)[1:-1], json.dumps(said, ensure_ascii=False)[1:-1])
    )


def _leaves(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """(path, text) of every text in a document."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*at, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _leaves(item, (*at, place))
