"""`check`: anything wrong in the repository, each finding with a rule, a place and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

from promptvc.base.config import FILE, Settings
from promptvc.base.documents import load_yaml
from promptvc.base.errors import InputError, NotFound
from promptvc.base.findings import Problem, Severity, problems_of
from promptvc.base.schemas import unknown_keys
from promptvc.deployment.checking import DeploymentsCheck
from promptvc.deployment.environments import FOLDER as DEPLOYMENTS
from promptvc.evaluation.cases.suite import Suite, check_variables, load_suite
from promptvc.evaluation.checking import baseline_problems, quarantine_problems
from promptvc.evaluation.quarantine import prompt_of as quarantined_prompt
from promptvc.evidence.baselines import approved_prompt
from promptvc.evidence.records import Record, name_and_id, parse
from promptvc.feedback.cited import read_cited
from promptvc.feedback.segments import FOLDER as FEEDBACK
from promptvc.feedback.segments import prompt_of, read_segments
from promptvc.feedback.spool import Spool
from promptvc.git.commits import leftovers
from promptvc.git.objects import blob_id
from promptvc.prompts.lint import template_remarks
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.names import FOLDER as PROMPTS
from promptvc.prompts.names import check_name, name_of, nearest, path_of
from promptvc.store.listing import leads_out
from promptvc.store.numbering import owned_versions, reused_versions
from promptvc.training.data.leakage import find_leaks
from promptvc.training.exporting.checking import curation_problems, manifest_problems, orphaned
from promptvc.training.exporting.curation import FOLDER as DATASETS
from promptvc.training.exporting.curation import curated_dataset, load_curation
from promptvc.training.exporting.manifest import Manifest, dataset_name, dataset_path, load_manifest
from promptvc.workflows.project import STATE, Project

MOST_IN_A_FOLDER = 2000
"""Above this a flat folder makes every commit write a large tree object."""
MOST_LEAKS = 20
"""Cases of a suite that are named one by one because the prompt gives them away."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, errors first, and in how many files."""

    problems: tuple[Problem, ...]
    looked_at: int


def check(project: Project, names: Sequence[str] = ()) -> Report:
    """Look at the working tree (HEAD in a bare repository), and at main's history for versions and deployments.

    Args:
        names: only these prompts and what is about them.

    Raises:
        NotFound: a name that no file has.
    """
    return _Check(project, frozenset(names)).report()


class _Check:
    """One check under way."""

    def __init__(self, project: Project, names: frozenset[str]) -> None:
        self.project = project
        self.unset = list(problems_of("settings", FILE, lambda: project.settings))
        if self.unset:
            project.settings = Settings()  # everything else is looked at with the defaults
        # A checkout of a merge result, as CI makes one, is detached: where it stands is what main will be.
        self.main = project.main_commit or project.resolver.head
        self.links: list[str] = []
        self.files = self._files()
        known = {name for name in map(name_of, self.files) if name is not None}
        for name in names:
            if name not in known:
                near = nearest(name, known)
                hint = f"did you mean {near}?" if near else "promptvc list shows the prompts there are"
                raise NotFound(f"there is no prompt {name}", hint=hint)
        self.names = names
        self.prompts: dict[str, Prompt] = {}
        self.suites: dict[str, Suite] = {}
        self.records: dict[str, Record] = {}

    def report(self) -> Report:
        """Every finding, errors first, then by file and line."""
        found = [
            *self.unset,
            *self._links(),
            *self._prompts(),
            *self._suites(),
            *self._evidence(),
            *self._beside_suites(),
            *self._datasets(),
            *self._versions(),
            *self._deployments(),
            *self._feedback(),
            *self._derived(),
            *self._leftovers(),
        ]
        found.sort(key=lambda one: (not one.is_error, one.file, one.line or 0, one.rule))
        return Report(tuple(found), len(self.files))

    def _files(self) -> list[str]:
        """Paths from the prompt root of everything that is ours."""
        project = self.project
        folders = (PROMPTS, FEEDBACK, "evaluation", DEPLOYMENTS, DATASETS)
        if project.root is None:
            head = project.resolver.head
            paths = [path for folder in folders for path in (project.tree(head, folder) if head else {})]
            return sorted([*paths, *([FILE] if project.read(FILE) is not None else [])])
        places = [path for folder in folders for path in (project.root / folder).rglob("*")]
        files = []
        for place in [*places, project.root / FILE]:
            path = place.relative_to(project.root).as_posix()
            if place.is_symlink() and leads_out(project.root, place):
                self.links.append(path)
            elif place.is_file():
                files.append(path)
        return sorted(files)

    def _wanted(self, name: str | None) -> bool:
        return not self.names or name in self.names

    def _read(self, path: str) -> bytes:
        data = self.project.read(path)
        assert data is not None, f"{path} was there a moment ago"
        return data

    def _links(self) -> Iterator[Problem]:
        for path in self.links:
            message = "a symbolic link that leads out of the prompt root"
            yield Problem(
                "link", "error", path, None, message, "put the file itself there, or remove the link"
            )

    def _prompts(self) -> Iterator[Problem]:
        folders: dict[str, int] = {}
        for path in self.files:
            name = name_of(path)
            if name is None or not self._wanted(name):
                continue
            folder = str(PurePosixPath(path).parent)
            folders[folder] = folders.get(folder, 0) + 1
            yield from self._prompt(path, name)
        for folder, count in folders.items():
            if count > MOST_IN_A_FOLDER:
                message = f"{count} prompts in one folder make every commit slow"
                yield Problem(
                    "crowded", "warning", folder, None, message, "use names with slashes: team/name"
                )

    def _prompt(self, path: str, name: str) -> Iterator[Problem]:
        faults = list(problems_of("name", path, lambda: check_name(name)))
        yield from faults
        data = self._read(path)
        loaded: list[Prompt] = []
        expected = None if faults else name
        yield from problems_of(
            "prompt", path, lambda: loaded.append(load_prompt(data, file=path, name=expected))
        )
        if not loaded:
            return
        self.prompts[name] = loaded[0]
        document = load_yaml(data, file=path)
        for one in unknown_keys(document.value, "prompt", document=document):
            yield Problem("unknown-key", "warning", path, one.line, one.message, one.hint)
        for remark in template_remarks(loaded[0]):
            severity: Severity = "error" if remark.error else "warning"
            line = document.line(*remark.path)
            yield Problem("template", severity, path, line, remark.message, remark.hint)

    def _suites(self) -> Iterator[Problem]:
        named = [(path, _suite_name(path)) for path in self.files]
        found = [(path, name) for path, name in named if name is not None and self._wanted(name)]
        # Those of prompts first: what they take their cases from is no suite, whatever its name.
        for path, name in sorted(found, key=lambda pair: path_of(pair[1]) not in self.files):
            if any(path == dataset.path for suite in self.suites.values() for dataset in suite.datasets):
                continue
            yield from problems_of("suite", path, self._suite, path, name)
            if name in self.suites and name in self.prompts:
                yield from _leaks(self.suites[name], self.prompts[name])
            if name not in self.prompts and path_of(name) not in self.files:
                hint = "rename it to the prompt it is for, or delete it"
                yield Problem("suite", "warning", path, None, f"there is no prompt {name}", hint)

    def _suite(self, path: str, name: str) -> None:
        suite = load_suite(self._read(path), file=path, files=self.project.files())
        prompt = self.prompts.get(name)
        if prompt is not None:
            check_variables(suite, [one.name for one in prompt.variables if one.required])
        self.suites[name] = suite

    def _evidence(self) -> Iterator[Problem]:
        for path in self.files:
            owner = name_and_id(path)
            if owner is not None and self._wanted(owner[0]):
                yield from problems_of("evidence", path, self._record, path)

    def _record(self, path: str) -> None:
        self.records[path] = parse(self._read(path), file=path)

    def _beside_suites(self) -> Iterator[Problem]:
        """Quarantines and approved baselines; suites and evidence are read by now."""
        today = self.project.clock().date()
        for path in self.files:
            held, approved = quarantined_prompt(path), approved_prompt(path)
            if held is not None and self._wanted(held):
                suite = self.suites.get(held)
                cases = {case.id for case in suite.cases} if suite is not None else None
                yield from quarantine_problems(path, self._read(path), cases, today)
                if f"evaluation/{held}.yaml" not in self.files:
                    hint = "rename it to the suite it is for, or delete it"
                    yield Problem("quarantine", "warning", path, None, f"{held} has no suite", hint)
            if approved is not None and self._wanted(approved):
                yield from baseline_problems(path, approved, self._read(path), self.records)

    def _datasets(self) -> Iterator[Problem]:
        """Manifests, then curations, which are about the prompt of their manifest."""
        found: dict[str, Manifest] = {}
        prompts = {name for name in map(name_of, self.files) if name is not None}
        for path in self.files:
            name = dataset_name(path)
            if name is None:
                continue
            loaded: list[Manifest] = []
            yield from problems_of("dataset", path, self._manifest, path, name, loaded)
            for manifest in loaded:
                found[name] = manifest
                if self._wanted(manifest.prompt):
                    yield from manifest_problems(manifest, self._content(manifest.digest), prompts)
        for path in self.files:
            name = curated_dataset(path)
            if name is not None and name in found and self._wanted(found[name].prompt):
                yield from self._curation(path, found[name].prompt)
            elif name is not None and dataset_path(name) not in self.files:
                yield orphaned(path, name)

    def _manifest(self, path: str, name: str, loaded: list[Manifest]) -> None:
        loaded.append(load_manifest(check_name(name, what="dataset"), self._read(path), file=path))

    def _content(self, digest: str) -> bytes | None:
        with suppress(NotFound):
            return self.project.objects.blob(digest)
        return None

    def _curation(self, path: str, prompt: str) -> Iterator[Problem]:
        data = self._read(path)
        yield from problems_of("curation", path, lambda: load_curation(data, file=path))
        with suppress(InputError):
            curation = load_curation(data, file=path)
            ids = {event for entry in curation.entries for event in entry.events}
            segments = {each: self._read(each) for each in self.files if prompt_of(each) == prompt}
            yield from curation_problems(path, curation, read_cited(segments, ids).keys())

    def _versions(self) -> Iterator[Problem]:
        """Numbers that main's first-parent history gave to two contents, or that HEAD gives to another than main."""
        project, main = self.project, self.main
        if main is None:
            return
        if project.history.cut_off(main):
            message = "a shallow clone cannot tell whether a version number was used twice"
            yield Problem("version-reuse", "warning", PROMPTS, None, message, "git fetch --unshallow")
            return
        latest = project.resolver.tip_versions(main)
        for path in project.history.changed_files(PROMPTS, main):
            name = name_of(path)
            if name is None or not self._wanted(name):
                continue
            standing = latest.get(name, (None, ""))[1]
            for reuse in reused_versions(project.history, project.resolver.contents, path, main):
                if standing != reuse.change.blob:
                    continue  # mended: what stands has a number of its own, or is a finding of its own
                message = (
                    f"version {reuse.version} has two contents: {reuse.change.commit[:10]} took it again"
                )
                hint = f"give the later one a number of its own: promptvc commit {name} --renumber -m TEXT"
                yield Problem("version-reuse", "error", path, None, message, hint)
        head = project.resolver.head
        if head is not None and head != main:
            yield from self._taken(main, head)

    def _taken(self, main: str, head: str) -> Iterator[Problem]:
        """Versions of HEAD whose number main gave to another content: merging would use the number twice."""
        project = self.project
        standing = project.resolver.tip_versions(main)
        proposed = project.resolver.tip_versions(head)
        known = project.history.held(
            [(path_of(name), digest) for name, (_, digest) in proposed.items()], main
        )
        for name, (version, digest) in proposed.items():
            path = path_of(name)
            same = standing.get(name) == (version, digest)
            if version is None or same or not self._wanted(name) or (path_of(name), digest) in known:
                continue
            owner = owned_versions(project.history, project.resolver.contents, path, main).get(version)
            if owner is not None:
                message = f"version {version} is taken: main has it since {owner.change.commit[:10]}"
                hint = f"give this one a number of its own: promptvc commit {name} --renumber -m TEXT"
                yield Problem("version-reuse", "error", path, None, message, hint)

    def _deployments(self) -> Iterator[Problem]:
        algorithm = self.project.repository.object_format
        data = {path: self._read(path) for path in self.files if path.startswith(f"{DEPLOYMENTS}/")}
        digests = {path: blob_id(content, algorithm) for path, content in data.items()}
        resolver = self.project.resolver
        yield from DeploymentsCheck(resolver, self.main, data, digests, self._wanted).problems()

    def _feedback(self) -> Iterator[Problem]:
        segments = {}
        for path in self.files:
            if not path.startswith(f"{FEEDBACK}/") or not path.endswith(".jsonl"):
                continue
            if prompt_of(path) is None:
                hint = "feedback/NAME/YYYY/MM/ULID.jsonl; promptvc feedback import takes any file"
                yield Problem("segment", "error", path, None, "this is no segment's path", hint)
            elif self._wanted(prompt_of(path)):
                segments[path] = self._read(path)
        reading = read_segments(segments)
        for bad in reading.problems:
            yield Problem(
                "event", "error", bad.file, bad.line, bad.message, "segments are never edited by hand"
            )
        for clash in reading.conflicts:
            message = f"the event {clash.id} has two contents"
            file, line = clash.places[0] if clash.places else (FEEDBACK, None)
            yield Problem(
                "event-conflict", "error", file, line, message, "one of them was edited: restore it"
            )

    def _derived(self) -> Iterator[Problem]:
        """A committed index or cache: whoever made it could have it say anything about history and scores."""
        head = self.project.resolver.head
        if head is not None and self.project.tree(head, STATE):
            hint = f"git rm -r --cached {STATE} && git commit; until then it is not read"
            yield Problem("derived", "error", STATE, None, "derived files are committed", hint)

    def _leftovers(self) -> Iterator[Problem]:
        """What a crash may have left; the next commit mends what is ours."""
        for text in leftovers(self.project.repository):
            yield Problem(
                "leftover", "warning", ".git", None, text, "the next promptvc commit mends what is ours"
            )
        spool = Spool.of(self.project.repository.common_dir, self.project.environ)
        for torn in spool.read().problems:
            message = f"a torn line in the spool: {torn.message}"
            yield Problem("spool", "warning", torn.file, torn.line, message, "feedback commit sets it aside")
        for place in spool.set_aside():
            message = "lines that were no events were set aside here"
            yield Problem("spool", "warning", str(place), None, message, "look at them, then delete the file")


def _leaks(suite: Suite, prompt: Prompt) -> Iterator[Problem]:
    """Cases that the prompt's own examples give away."""
    try:
        leaks = find_leaks(suite.cases, prompt)
    except InputError:  # a template that is none, which is a finding of its own
        return
    for leak in leaks[:MOST_LEAKS]:
        how = "is" if leak.how == "exact" else "is nearly"
        message = f"the input of case `{leak.case}` {how} that of example {leak.example} of the prompt"
        hint = "a model can copy the answer: mark the case `split: train`, or take the example out"
        yield Problem("leak", "warning", leak.file or suite.file, leak.line, message, hint)
    more = len(leaks) - MOST_LEAKS
    if more > 0:
        cases = "1 more case repeats" if more == 1 else f"{more} more cases repeat"
        yield Problem("leak", "warning", suite.file, None, f"{cases} an example of the prompt", None)


def _suite_name(path: str) -> str | None:
    """The prompt whose suite ``path`` is."""
    if not path.startswith("evaluation/") or not path.endswith(".yaml"):
        return None
    name = path.removeprefix("evaluation/").removesuffix(".yaml")
    # A name has no dots: what has one is a dataset, a proposal or the like, named after the prompt.
    beside = "." in name.rsplit("/", 1)[-1]
    return None if beside or name.split("/")[0] in {"evidence", "baselines"} else name
