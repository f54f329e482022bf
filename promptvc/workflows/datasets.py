"""Datasets as the working tree or a commit has them; shared by the stories that read them."""

from __future__ import annotations

import hashlib

from promptvc.base.errors import NotFound
from promptvc.feedback.segments import FOLDER as FEEDBACK
from promptvc.feedback.segments import prompt_of, read_segments
from promptvc.prompts.model import load_prompt
from promptvc.prompts.names import nearest, path_of
from promptvc.store.versions import Version
from promptvc.training.exporting.curation import FOLDER, Curation, curation_path, load_curation
from promptvc.training.exporting.manifest import Manifest, Origin, dataset_name, dataset_path, load_manifest
from promptvc.training.exporting.selection import Selection, Source, select
from promptvc.workflows.heeding import heeded
from promptvc.workflows.project import Project
from promptvc.workflows.suites import shelf


def standing_dataset(project: Project, name: str) -> Manifest | None:
    """The manifest of a dataset in the working tree; None when there is none."""
    data = project.read(dataset_path(name))
    return None if data is None else load_manifest(name, data, memo=project.memo)


def dataset_names(project: Project) -> list[str]:
    """The datasets of the working tree, sorted."""
    if project.root is None:
        head = project.resolver.head
        paths = list(project.tree(head, FOLDER)) if head else []
    else:
        places = (project.root / FOLDER).rglob("*.yaml")
        paths = [place.relative_to(project.root).as_posix() for place in places]
    return sorted(name for name in map(dataset_name, paths) if name is not None)


def unknown_dataset(project: Project, name: str) -> NotFound:
    """The error for a name that no dataset has."""
    near = nearest(name, dataset_names(project))
    hint = f"did you mean {near}?" if near else f"promptvc dataset create {name} --prompt NAME"
    return NotFound(f"there is no dataset {name}", hint=hint)


def curation_of(project: Project, name: str) -> Curation:
    """The curation that counts: the committed one, of HEAD."""
    path = curation_path(name)
    return load_curation(project.at(project.resolver.head, path), file=path, memo=project.memo)


def curation_here(project: Project, name: str) -> Curation:
    """The curation as the working tree has it: what was proposed, and not yet looked at."""
    path = curation_path(name)
    return load_curation(project.read(path), file=path, memo=project.memo)


def curation_remarks(project: Project, name: str) -> tuple[str, ...]:
    """What a reader should know when the two differ."""
    if curation_here(project, name).digest == curation_of(project, name).digest:
        return ()
    return (f"{curation_path(name)} has changes that do not count until they are committed",)


def selected(project: Project, manifest: Manifest, at: str | None) -> tuple[Selection, str, tuple[str, ...]]:
    """The dataset as a commit has it, which commit, and what is not as it was when the dataset was created."""
    commit = project.repository.resolve(at if at is not None else manifest.origin.commit)
    if commit is None and at is not None:
        raise NotFound(f"there is no revision {at}", hint="a commit, a tag or a branch of this repository")
    changes = []
    if commit is None:
        commit = project.resolver.head
        changes.append(f"its commit {manifest.origin.commit[:10]} is not here: the events of HEAD are read")
    if commit is None:
        raise NotFound(f"the commit {manifest.origin.commit[:10]} of the dataset is not here")
    try:
        data = project.objects.blob(manifest.digest)
    except NotFound:
        raise NotFound(
            f"{manifest.prompt} v{manifest.version} ({manifest.digest[:10]}) is not here",
            hint="fetch the branch that has it; `git fetch --unshallow` in a shallow clone",
        ) from None
    path = path_of(manifest.prompt)
    version = Version(manifest.prompt, manifest.version, manifest.digest, None, data, path)
    curation = curation_of(project, manifest.name)
    if curation.digest != manifest.curation:
        changes.append("the curation is another")
    origin = origin_of(project, manifest.prompt, commit)
    if origin.digest != manifest.origin.digest:
        changes.append(f"{origin.segments:,} segments of events instead of {manifest.origin.segments:,}")
    selection = select(source_of(project, version, commit), manifest.query, curation.dropped)
    total = sum(map(len, selection.splits.values()))
    if selection.digest != manifest.made.digest:
        changes.append(f"{total:,} records instead of {manifest.made.total:,}")
    return selection, commit, tuple(changes)


def source_of(project: Project, version: Version, commit: str) -> Source:
    """What a dataset is made of, as ``commit`` has it, rendered by ``version``."""
    segments = {
        path: project.objects.blob(blob) for path, blob in segments_of(project, version.name, commit).items()
    }
    suite = shelf(project, commit).suite(version.name)
    prompt = load_prompt(version.data, file=version.path, name=version.name, memo=project.memo)
    events = heeded(project, read_segments(segments).events)
    return Source(events, prompt, suite.cases if suite is not None else ())


def segments_of(project: Project, name: str, commit: str) -> dict[str, str]:
    """{path: blob id} of the segments of a prompt in ``commit``, sorted."""
    blobs = project.tree(commit, f"{FEEDBACK}/{name}")
    return {path: blob for path, blob in sorted(blobs.items()) if prompt_of(path) == name}


def origin_of(project: Project, name: str, commit: str) -> Origin:
    """Where events are from, as a manifest tells it."""
    segments = segments_of(project, name, commit)
    lines = "".join(f"{path} {blob}\n" for path, blob in segments.items())
    return Origin(commit, len(segments), hashlib.sha256(lines.encode()).hexdigest())
