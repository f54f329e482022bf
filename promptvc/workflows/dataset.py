"""`dataset`: what feedback says of answers, as data for fine-tuning; the manifest is committed, rows are exported."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from promptvc.base.errors import InvalidDocument, Refused, Usage
from promptvc.base.files import write_atomic
from promptvc.base.outputs import write_output
from promptvc.git.commits import CommitOptions, Plan, maintain
from promptvc.git.commits import commit as git_commit
from promptvc.git.trailers import with_trailers
from promptvc.prompts.names import check_name, path_of
from promptvc.store.references import parse_reference
from promptvc.store.versions import Version
from promptvc.training.exporting.checking import miscounted
from promptvc.training.exporting.curation import (
    curation_path,
    load_curation,
    with_entries,
)
from promptvc.training.exporting.exported import (
    Created,
    CreateRequest,
    Export,
    Exported,
    ExportRequest,
    Proposed,
    Stats,
)
from promptvc.training.exporting.formats import FORMATS
from promptvc.training.exporting.manifest import (
    Manifest,
    dataset_path,
    load_manifest,
    made_of,
)
from promptvc.training.exporting.proposing import proposals
from promptvc.training.exporting.query import SPLITS, DatasetQuery
from promptvc.training.exporting.selection import Selection, figures, label_counts, select
from promptvc.training.exporting.weights import are_labels
from promptvc.workflows.datasets import (
    curation_here,
    curation_of,
    curation_remarks,
    dataset_names,
    origin_of,
    segments_of,
    selected,
    source_of,
    standing_dataset,
    unknown_dataset,
)
from promptvc.workflows.project import Project

__all__ = [
    "CreateRequest",
    "Created",
    "DatasetQuery",
    "Export",
    "ExportRequest",
    "Exported",
    "Manifest",
    "Proposed",
    "Stats",
    "create",
    "export_to",
    "finish",
    "list_all",
    "open_export",
    "propose",
    "show",
    "stats",
    "usual_query",
]

LARGE_SHARE = 0.2
"""A user with more of the records than this makes the splits lopsided."""


def usual_query(project: Project, **given: Any) -> DatasetQuery:
    """A query with the bars of ratings, and how far back training looks, of the settings; ``given`` are its fields.

    Raises:
        Usage: values that do not go together.
    """
    settings = project.settings
    usual = {
        "min_rating": settings.feedback.positive,
        "low": settings.feedback.negative,
        "days": settings.training.days,
    }
    return DatasetQuery(**usual | given)


def create(project: Project, request: CreateRequest) -> Created:
    """Commit the manifest of a dataset, made of what main has.

    Raises:
        NotFound: no such prompt, revision or dataset.
        Usage: the dataset is there already, nothing says of which prompt it is, or a query that cannot be.
        Refused: there is no record, or the branch has another curation.
    """
    name = check_name(request.name, what="dataset")
    known = standing_dataset(project, name)
    if known is None and request.update:
        raise unknown_dataset(project, name)
    if known is not None and not request.update:
        raise Usage(
            f"there is a dataset {name} already",
            hint=f"promptvc dataset create {name} --update, or choose another name",
        )
    main = project.need_main()
    version = _version(project, request, known)
    query = request.query or (known.query if known is not None else usual_query(project))
    curation = curation_of(project, name)
    selection = select(source_of(project, version, main), query, curation.dropped)
    made = made_of(selection, figures(selection))
    if not made.total:
        raise _no_record(project, version.name, main, selection)
    manifest = Manifest(
        name=name,
        prompt=version.name,
        version=version.version,
        digest=version.digest,
        query=query,
        origin=origin_of(project, version.name, main),
        made=made,
        by=project.actor(),
        time=project.clock(),
        curation=curation.digest,
    )
    standing: list[Manifest] = []

    def build(tip: str | None) -> Plan:
        if _digest_in(project, tip, name) != curation.digest:
            raise Refused(
                f"{curation_path(name)} is another on that branch",
                hint="commit the curation there, or create the dataset from there",
            )
        before = _manifest_in(project, tip, name)
        same = before is not None and _same(project, before, manifest)
        standing[:] = [before] if before is not None and same else []
        changes = {} if same else {project.top(manifest.path): manifest.to_bytes()}
        return Plan(changes, _message(manifest, update=known is not None))

    options = CommitOptions(start=project.main_commit if request.branch else None)
    done = git_commit(project.repository, request.branch, build, options=options)
    maintain(project.repository)
    project.log.event("dataset.created", name=name, records=made.total, commit=done.commit)
    return Created(
        standing[0] if standing else manifest,
        done.commit,
        done.branch,
        done.changed,
        _remarks(project, manifest, selection),
    )


def show(project: Project, name: str) -> Manifest:
    """The manifest of a dataset in the working tree.

    Raises:
        NotFound: there is none.
    """
    found = standing_dataset(project, check_name(name, what="dataset"))
    if found is None:
        raise unknown_dataset(project, name)
    return found


def list_all(project: Project) -> tuple[Manifest, ...]:
    """Every dataset of the working tree, by name."""
    return tuple(show(project, name) for name in dataset_names(project))


def stats(project: Project, name: str) -> Stats:
    """Figures of a dataset, from the events of its commit.

    Raises:
        NotFound: there is no such dataset, or its commit is not here.
    """
    selection = selected(project, show(project, name), None)[0]
    manifest = replace(show(project, name), made=made_of(selection, figures(selection)))
    records = list(selection.records)
    by_split = {split: label_counts(selection, split) for split in SPLITS}
    lengths = sorted(
        len(text) for counts in by_split.values() for text, count in counts.items() for _ in range(count)
    )
    return Stats(
        manifest=manifest,
        labels=by_split if are_labels(by_split["train"]) else None,
        lengths=(lengths[0], lengths[len(lengths) // 2], lengths[-1]) if lengths else None,
        reviewed=sum(record.reviewed for record in records),
        unsure=sum(record.confidence is None for record in records),
        largest_user=_largest_user(selection)[1],
    )


def open_export(project: Project, request: ExportRequest) -> Export:
    """Everything that an export needs; its rows are made while they are read.

    Raises:
        NotFound: there is no such dataset, no such revision, or the commit or the version is not here.
    """
    if request.format not in FORMATS or request.split not in {None, *SPLITS}:
        known = f"--format {'|'.join(FORMATS)} --split {'|'.join(SPLITS)}"
        raise Usage("there is no such format or split", hint=known)
    manifest = show(project, request.name)
    selection, commit, changes = selected(project, manifest, request.at)
    splits = SPLITS if request.split is None else (request.split,)
    return Export(
        manifest=manifest,
        selection=selection,
        form=FORMATS[request.format],
        splits=splits,
        commit=commit,
        changes=changes,
        remarks=curation_remarks(project, manifest.name),
        with_users=request.with_users,
    )


def finish(export: Export, digests: Mapping[str, str], rows: Mapping[str, int]) -> Exported:
    """What came of an export whose lines were all read: whether they are those that the manifest promises."""
    promised = export.manifest.made.digests.get(export.form.name, {})
    as_promised = all(promised.get(split) == digests[split] for split in export.splits)
    wrong = tuple(miscounted(export.manifest.made, export.selection, export.form.name, rows))
    same = as_promised and not wrong
    changes = (*export.changes, *wrong)
    if not changes:
        changes = ("the same events give other rows: another release of promptvc made it",)
    return Exported(
        name=export.manifest.name,
        format=export.form.name,
        commit=export.commit,
        rows=dict(rows),
        digests=dict(digests),
        reproduced=None if export.with_users else same,
        changed=() if same or export.with_users else changes,
        remarks=export.remarks,
    )


def export_to(project: Project, request: ExportRequest, place: Path) -> Exported:
    """Write the rows to a file; what was there is there as long as the new content is not whole.

    Raises:
        As :func:`open_export`.
        StorageError: the file cannot be written.
    """
    export = open_export(project, request)
    digests: dict[str, str] = {}
    rows: dict[str, int] = {}
    write_output(place, export.lines(digests, rows), make=True)
    return finish(export, digests, rows)


def propose(project: Project, name: str) -> Proposed:
    """Add what a person should look at to ``datasets/NAME.curation.yaml``; nothing counts until it is committed.

    What stands in the file stays byte for byte, and what it speaks of is not proposed again.

    Raises:
        NotFound: there is no such dataset.
        Usage: a bare repository.
        InvalidDocument: the curation cannot be read.
    """
    if project.root is None:
        raise Usage("there is no working tree to write to", hint="run it in a clone with files")
    manifest = show(project, name)
    curation = curation_here(project, name)
    selection = selected(project, manifest, None)[0]
    entries = curation.news(proposals(selection))
    path = curation_path(name)
    if entries:
        write_atomic(project.root / path, with_entries(project.read(path), entries, file=path))
    project.log.event("dataset.proposed", name=name, entries=len(entries))
    return Proposed(name, entries, path)


def _version(project: Project, request: CreateRequest, known: Manifest | None) -> Version:
    if request.prompt is None:
        if known is None:
            raise Usage("nothing says of which prompt", hint="--prompt NAME, or NAME@REV")
        data = project.objects.blob(known.digest)
        return Version(known.prompt, known.version, known.digest, None, data, path_of(known.prompt))
    wanted = parse_reference(request.prompt)
    if wanted.revision is None:
        wanted = replace(wanted, revision="latest")
    return project.resolver.resolve(wanted)


def _digest_in(project: Project, commit: str | None, name: str) -> str | None:
    path = curation_path(name)
    return load_curation(project.at(commit, path), file=path).digest


def _manifest_in(project: Project, commit: str | None, name: str) -> Manifest | None:
    """The manifest of a commit; nothing where it cannot be read, for this is how it is mended."""
    data = project.at(commit, dataset_path(name))
    with suppress(InvalidDocument):
        return load_manifest(name, data) if data is not None else None
    return None


def _same(project: Project, before: Manifest, now: Manifest) -> bool:
    """Whether ``now`` says nothing new: who, when and from which commit are not, as long as the old one is here."""
    if project.repository.resolve(before.origin.commit) is None:
        return False
    origin = replace(now.origin, commit=before.origin.commit)
    return replace(now, by=before.by, time=before.time, origin=origin) == before


def _no_record(project: Project, name: str, main: str, selection: Selection) -> Refused:
    """The error where a query gives nothing: what was left out, or that there is nothing to leave out."""
    counts = [f"{count:,} {reason}" for reason, count in selection.left_out.items() if count]
    said = "; ".join(counts) or "there are no corrections, demonstrations, ratings or selections on main"
    hint = "other filters may take some of it in"
    if not counts and not segments_of(project, name, main):
        head = project.resolver.head
        elsewhere = head is not None and segments_of(project, name, head)
        hint = (
            "its feedback is committed here and not on main: merge it first"
            if elsewhere
            else f"promptvc feedback add {name}, or feedback import; then promptvc feedback commit, on main"
        )
    elif not counts:
        hint = "give the right output with --corrected, or rate outputs: promptvc feedback add --help"
    return Refused(f"no event of {name} gives a record: {said}", hint=hint)


def _remarks(project: Project, manifest: Manifest, selection: Selection) -> tuple[str, ...]:
    remarks = [*curation_remarks(project, manifest.name)]
    if manifest.query.with_holdout:
        remarks.append("inputs of the hold-out are in it: an evaluation on them says nothing any more")
    head = project.resolver.head
    if head is not None and segments_of(project, manifest.prompt, head).keys() - segments_of(
        project, manifest.prompt, manifest.origin.commit
    ):
        remarks.append("events that are committed here and not on main are not in it")
    user, share = _largest_user(selection)
    if user and share > LARGE_SHARE and manifest.query.grouping == "user":
        remarks.append(
            f"one user gave {share:.0%} of the records, all in one split: --group input divides them"
        )
    return tuple(remarks)


def _largest_user(selection: Selection) -> tuple[bool, float]:
    """Whether users are known, and the share of the records that one of them gave."""
    counts: dict[str, int] = {}
    total = 0
    for record in selection.records:
        total += 1
        if record.owner is not None:
            counts[record.owner] = counts.get(record.owner, 0) + 1
    return bool(counts), max(counts.values(), default=0) / max(total, 1)


def _message(manifest: Manifest, *, update: bool) -> str:
    subject = (
        f"{'Update' if update else 'Create'} dataset {manifest.name}: {manifest.made.total} records of "
        f"{manifest.prompt} v{manifest.version}"
    )
    trailers = [
        ("Promptvc-Dataset", manifest.name),
        ("Promptvc-Prompt", manifest.prompt),
        ("Promptvc-Version", str(manifest.version)),
    ]
    return with_trailers(subject, "", trailers)
