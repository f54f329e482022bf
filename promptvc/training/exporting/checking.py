"""What is wrong with the files of a dataset: a manifest that contradicts itself, a curation of nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from promptvc.base.findings import Problem
from promptvc.training.exporting.curation import Curation
from promptvc.training.exporting.formats import FORMATS
from promptvc.training.exporting.manifest import Made, Manifest
from promptvc.training.exporting.query import SPLITS
from promptvc.training.exporting.selection import Selection

RULE = "dataset"


def manifest_problems(manifest: Manifest, content: bytes | None, known: Collection[str]) -> Iterator[Problem]:
    """Findings about a manifest that could be read.

    Args:
        content: of the version that it pins; None where that is not here.
        known: names of prompts.
    """
    made, path = manifest.made, manifest.path
    again = f"promptvc dataset create {manifest.name} --update writes it anew"
    for key, counts in (("kinds", made.kinds), ("splits", made.splits)):
        if sum(counts.values()) != made.total:
            message = f"`records.{key}` add up to {sum(counts.values())}, not to the {made.total} of `total`"
            yield Problem(RULE, "error", path, None, message, again)
    for name in FORMATS:
        if any(set(each.get(name, ())) != set(SPLITS) for each in (made.rows, made.digests)):
            message = f"`rows` or `digests` lack a split of `{name}`"
            yield Problem(RULE, "error", path, None, message, again)
    if content is None:
        message = f"{manifest.prompt} v{manifest.version} ({manifest.digest[:10]}) is not here"
        hint = "fetch the branch that has it, or pin another version: --update --prompt NAME@REV"
        yield Problem(RULE, "warning", path, None, message, hint)
    if manifest.prompt not in known:
        hint = "it can still be exported; delete it when nobody needs it"
        yield Problem(RULE, "warning", path, None, f"there is no prompt {manifest.prompt}", hint)


def miscounted(made: Made, selection: Selection, form: str, rows: Mapping[str, int]) -> Iterator[str]:
    """Numbers of a manifest that are not those of its own records; nothing where the records are others.

    Args:
        rows: that an export of ``form`` gave, by split; the other splits are not looked at.
    """
    if selection.digest != made.digest:
        return
    kinds = Counter(record.kind for record in selection.records)
    splits = {name: len(each) for name, each in selection.splits.items()}
    told = made.rows.get(form, {})
    numbers = [
        ("records.total", made.total, sum(splits.values())),
        *(
            (f"records.kinds.{name}", made.kinds.get(name, 0), kinds[name])
            for name in sorted({*kinds, *made.kinds})
        ),
        *((f"records.splits.{name}", made.splits.get(name, 0), count) for name, count in splits.items()),
        *((f"rows.{form}.{name}", told.get(name, 0), count) for name, count in rows.items()),
    ]
    for key, said, found in numbers:
        if said != found:
            yield f"`{key}` says {said:,}, and there are {found:,}"


def curation_problems(path: str, curation: Curation, events: Collection[str]) -> Iterator[Problem]:
    """Findings about a curation that could be read; ``events`` are the ids that are here of those it names."""
    for entry, event in curation.unknown(events):
        message = f"there is no event {event}"
        yield Problem("curation", "warning", path, entry.line, message, "remove it, or mend the id")


def orphaned(path: str, name: str) -> Problem:
    """The finding about a curation whose dataset is not there."""
    hint = "rename it to the dataset it is for, or delete it"
    return Problem("curation", "warning", path, None, f"there is no dataset {name}", hint)
