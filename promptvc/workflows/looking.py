"""Looking over a whole repository: every file of ours read once, and what each kind of file may have wrong with it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from promptvc.base.config import FILE, Settings, load_settings
from promptvc.base.documents import Document, load_yaml
from promptvc.base.errors import InputError, InvalidDocument, NotFound
from promptvc.base.files import storage_errors
from promptvc.base.findings import Problem, problems_of
from promptvc.base.rules import RULES, nearest_rule
from promptvc.deployment.checking import DeploymentsCheck
from promptvc.deployment.environments import FOLDER as DEPLOYMENTS
from promptvc.evaluation.cases.suite import Suite, check_variables, load_suite, read_github
from promptvc.evaluation.checking import baseline_problems, quarantine_problems
from promptvc.evaluation.quarantine import prompt_of as quarantined_prompt
from promptvc.evidence.baselines import approved_prompt
from promptvc.evidence.records import Record, name_and_id, parse
from promptvc.feedback.checking import misplaced, segment_problems, spool_problems
from promptvc.feedback.cited import read_cited
from promptvc.feedback.kept_secrets import secret_problems
from promptvc.feedback.segments import FOLDER as FEEDBACK
from promptvc.feedback.segments import prompt_of
from promptvc.feedback.spool import Spool
from promptvc.git.commits import leftovers
from promptvc.git.objects import blob_id
from promptvc.prompts.lint.github import github_aside, github_bytes, github_problems
from promptvc.prompts.lint.lint import problem_of, prompt_problems
from promptvc.prompts.lint.raw import conflict_remarks, raw_remarks
from promptvc.prompts.model import Prompt, read_prompt
from promptvc.prompts.names import FOLDER as PROMPTS
from promptvc.prompts.names import check_name, foreign_name, is_foreign, name_of, nearest, path_of
from promptvc.store.checking import version_problems
from promptvc.store.listing import is_nested, leads_out
from promptvc.training.data.leakage import leak_problems
from promptvc.training.exporting.checking import curation_problems, manifest_problems, orphaned
from promptvc.training.exporting.curation import FOLDER as DATASETS
from promptvc.training.exporting.curation import curated_dataset, load_curation
from promptvc.training.exporting.manifest import Manifest, dataset_name, dataset_path, load_manifest
from promptvc.workflows.project import STATE, Project

MOST_IN_A_FOLDER = 2000
"""Above this a flat folder makes every commit write a large tree object."""
_FOLDERS = (PROMPTS, FEEDBACK, "evaluation", DEPLOYMENTS, DATASETS)
_KEPT = ("evaluation/evidence/", f"{FEEDBACK}/")
"""Written by promptvc alone, which redacts what it writes: not searched for secrets."""


class Looking:
    """One look. ``names``: only these prompts and what is about them.

    Attributes:
        files: paths from the prompt root of everything that is ours.
        plain: those of them that are files of the working tree and no links.

    Raises:
        NotFound: a name that no file has.
    """

    def __init__(self, project: Project, names: frozenset[str]) -> None:
        self.project = project
        self.settings, self._unset = self._settings()
        self.links: list[str] = []
        self.nested: list[str] = []
        self.plain: set[str] = set()
        self.files = self._files()
        # A checkout of a merge result, as CI makes one, is detached: where it stands is what main will be.
        self.main = project.main_commit or project.resolver.head
        known = {name for name in map(name_of, self.files) if name is not None}
        known |= set(project.resolver.foreign.names())
        for name in names:
            if name not in known:
                near = nearest(name, known)
                hint = f"did you mean {near}?" if near else "promptvc list shows the prompts there are"
                raise NotFound(f"there is no prompt {name}", hint=hint)
        self.names = names
        self._there = frozenset(self.files)
        self._cases: set[str] = set()
        self.prompts: dict[str, Prompt] = {}
        self.suites: dict[str, Suite] = {}
        self.records: dict[str, Record] = {}
        self._data: dict[str, bytes] = {}

    def problems(self) -> Iterator[Problem]:
        """Every finding, at the rules' own severities."""
        yield from self._unset
        yield from self._links()
        yield from self._prompts()
        yield from self._foreign()
        yield from self._suites()
        yield from self._evidence()
        yield from self._beside_suites()
        yield from self._datasets()
        if self.main is not None:
            yield from version_problems(
                self.project.resolver, self.main, self.project.resolver.head, self.wanted
            )
        yield from self._deployments()
        yield from self._feedback()
        yield from self._kept()
        yield from self._derived()
        yield from self._leftovers()

    def wanted(self, name: str | None) -> bool:
        """Whether a prompt is to be looked at."""
        return not self.names or name in self.names

    def read(self, path: str) -> bytes:
        """The content of one of the files, which is read once."""
        data = self._data.get(path)
        if data is None:
            if path in self.plain and self.project.root is not None:
                place = self.project.root / path
                with storage_errors(place):
                    data = place.read_bytes()
            else:
                data = self.project.read(path)
            assert data is not None, f"{path} was there a moment ago"
            if path.endswith(".yaml"):
                self._data[path] = data
        return data

    def _settings(self) -> tuple[Settings, list[Problem]]:
        """What counts, and what is wrong with the file that lies here, which CI may not be asking."""
        project = self.project
        found = list(
            problems_of("settings", FILE, lambda: load_settings(project.read(FILE), memo=project.memo))
        )
        if project.base is None and found:
            project.settings = Settings()  # everything else is looked at with the defaults
        settings = project.settings
        for rule in settings.check.rules:
            if rule not in RULES:
                near = nearest_rule(rule)
                hint = f"did you mean {near}?" if near else "promptvc check --list-rules names them"
                line = self._line_of_rule(rule)
                message = f"`check.rules.{rule[:60]}` is no rule"
                found.append(Problem("settings", "error", FILE, line, message, hint))
        return settings, found

    def _line_of_rule(self, rule: str) -> int | None:
        with suppress(InvalidDocument):
            return load_yaml(self.project.read(FILE) or b"", file=FILE).line("check", "rules", rule)
        return None

    def _files(self) -> list[str]:
        root = self.project.root
        if root is None:
            head = self.project.resolver.head
            paths = [
                path for folder in _FOLDERS for path in (self.project.tree(head, folder) if head else {})
            ]
            return sorted([*paths, *([FILE] if self.project.read(FILE) is not None else [])])
        files = [path for folder in _FOLDERS for path in self._below(root, folder)]
        lying = [path for path in self.project.resolver.foreign.files if path not in self.plain]
        elsewhere = [path for each in lying for path in self._one(root, each) if each not in files]
        return sorted([*files, *elsewhere, *self._one(root, FILE)])

    def _below(self, root: Path, folder: str) -> Iterator[str]:
        pending = [*self._one(root, folder, folder=True)]
        while pending:
            here = pending.pop()
            with storage_errors(root / here), os.scandir(root / here) as entries:
                for entry in entries:
                    path = f"{here}/{entry.name}"
                    if entry.is_symlink():
                        yield from self._one(root, path)
                    elif entry.is_dir(follow_symlinks=False):
                        (self.nested if is_nested(Path(entry.path)) else pending).append(path)
                    elif entry.is_file(follow_symlinks=False):
                        self.plain.add(path)
                        yield path

    def _one(self, root: Path, path: str, *, folder: bool = False) -> Iterator[str]:
        """``path`` itself where it may be read; a link that leads out is remembered."""
        place = root / path
        if place.is_symlink() and leads_out(root, place):
            self.links.append(path)
        elif place.is_dir() if folder else place.is_file():
            if not folder and not place.is_symlink():
                self.plain.add(path)
            yield path

    def _links(self) -> Iterator[Problem]:
        out = "a symbolic link that leads out of the prompt root, or into git's own folder"
        own = "a repository of its own: nothing in it is read"
        for rule, paths, message in (("link", self.links, out), ("nested", self.nested, own)):
            for path in paths:
                yield Problem(rule, "error", path, None, message, "put the file itself there, or remove it")

    def _prompts(self) -> Iterator[Problem]:
        folders: dict[str, int] = {}
        for path in self.files:
            name = name_of(path)
            if name is None or not self.wanted(name):
                continue
            folder = str(PurePosixPath(path).parent)
            folders[folder] = folders.get(folder, 0) + 1
            yield from self._prompt(path, name)
        for folder, count in folders.items():
            if count > MOST_IN_A_FOLDER:
                message = f"{count} prompts in one folder make every commit slow"
                hint = "use names with slashes: team/name"
                yield Problem("crowded", "warning", folder, None, message, hint)

    def _prompt(self, path: str, name: str) -> Iterator[Problem]:
        faults = list(problems_of("name", path, check_name, name))
        yield from faults
        raw = [problem_of(remark, path) for remark in raw_remarks(self.read(path))]
        yield from raw
        documents: list[Document] = []
        unread = list(problems_of("prompt", path, self._load, path, None if faults else name, documents))
        if not any(one.rule == "conflict-markers" for one in raw):
            yield from unread  # or they would be told twice
        if name in self.prompts:
            yield from prompt_problems(documents[0], self.prompts[name], self.settings.check)

    def _load(self, path: str, name: str | None, into: list[Document]) -> None:
        document = load_yaml(self.read(path), file=path)
        prompt = read_prompt(document, name=name)
        into.append(document)
        self.prompts.setdefault(name_of(path) or prompt.name, prompt)

    def _foreign(self) -> Iterator[Problem]:
        """Files of GitHub's format, which are used as they lie."""
        for path in self.project.resolver.foreign.passed_over():
            if not self.names:
                yield github_aside(path)
        working = self.project.resolver.foreign.working
        for path in filter(is_foreign, self.files):
            name = foreign_name(path)
            if not self.wanted(name):
                continue
            named = () if name is None else (path_of(name), *working.get(name, ()))
            yield from github_bytes(path, self.read(path), [each for each in named if each in self._there])
            documents: list[Document] = []
            if name is not None:
                yield from problems_of("prompt", path, self._load, path, name, documents)
            for document in documents:
                yield from github_problems(document, self.settings.check)
                yield from problems_of("suite", path, read_github, document)

    def _suites(self) -> Iterator[Problem]:
        named = [(path, _suite_name(path)) for path in self.files]
        found = [(path, name) for path, name in named if name is not None and self.wanted(name)]
        # Those of prompts first: what they take their cases from is no suite, whatever its name.
        for path, name in sorted(found, key=lambda pair: path_of(pair[1]) not in self._there):
            if path in self._cases:
                continue
            yield from problems_of("suite", path, self._suite, path, name)
            if name in self.suites and name in self.prompts:
                yield from leak_problems(self.suites[name], self.prompts[name])
            if name not in self.prompts and path_of(name) not in self._there:
                hint = "rename it to the prompt it is for, or delete it"
                yield Problem("suite", "warning", path, None, f"there is no prompt {name}", hint)

    def _suite(self, path: str, name: str) -> None:
        suite = load_suite(self.read(path), file=path, files=self.project.files())
        prompt = self.prompts.get(name)
        if prompt is not None:
            check_variables(suite, [one.name for one in prompt.variables if one.required])
        self.suites[name] = suite
        self._cases.update(dataset.path for dataset in suite.datasets)

    def _evidence(self) -> Iterator[Problem]:
        for path in self.files:
            owner = name_and_id(path)
            if owner is not None and self.wanted(owner[0]):
                yield from problems_of("evidence", path, self._record, path)

    def _record(self, path: str) -> None:
        self.records[path] = parse(self.read(path), file=path)

    def _beside_suites(self) -> Iterator[Problem]:
        """Quarantines and approved baselines; suites and evidence are read by now."""
        today = self.project.clock().date()
        for path in self.files:
            held, approved = quarantined_prompt(path), approved_prompt(path)
            if held is not None and self.wanted(held):
                suite = self.suites.get(held)
                cases = {case.id for case in suite.cases} if suite is not None else None
                yield from quarantine_problems(path, self.read(path), cases, today)
                if f"evaluation/{held}.yaml" not in self._there:
                    hint = "rename it to the suite it is for, or delete it"
                    yield Problem("quarantine", "warning", path, None, f"{held} has no suite", hint)
            if approved is not None and self.wanted(approved):
                yield from baseline_problems(path, approved, self.read(path), self.records)

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
                if self.wanted(manifest.prompt):
                    yield from manifest_problems(manifest, self._content(manifest.digest), prompts)
        for path in self.files:
            name = curated_dataset(path)
            if name is not None and name in found and self.wanted(found[name].prompt):
                yield from self._curation(path, found[name].prompt)
            elif name is not None and dataset_path(name) not in self._there:
                yield orphaned(path, name)

    def _manifest(self, path: str, name: str, loaded: list[Manifest]) -> None:
        loaded.append(load_manifest(check_name(name, what="dataset"), self.read(path), file=path))

    def _content(self, digest: str) -> bytes | None:
        with suppress(NotFound):
            return self.project.objects.blob(digest)
        return None

    def _curation(self, path: str, prompt: str) -> Iterator[Problem]:
        data = self.read(path)
        yield from problems_of("curation", path, lambda: load_curation(data, file=path))
        with suppress(InputError):
            curation = load_curation(data, file=path)
            ids = {event for entry in curation.entries for event in entry.events}
            segments = {each: self.read(each) for each in self.files if prompt_of(each) == prompt}
            yield from curation_problems(path, curation, read_cited(segments, ids).keys())

    def _deployments(self) -> Iterator[Problem]:
        algorithm = self.project.repository.object_format
        data = {path: self.read(path) for path in self.files if path.startswith(f"{DEPLOYMENTS}/")}
        digests = {path: blob_id(content, algorithm) for path, content in data.items()}
        resolver = self.project.resolver
        yield from DeploymentsCheck(resolver, self.main, data, digests, self.wanted).problems()

    def _feedback(self) -> Iterator[Problem]:
        segments = {}
        for path in self.files:
            if path.startswith(f"{FEEDBACK}/") and path.endswith(".jsonl"):
                if prompt_of(path) is None:
                    yield misplaced(path)
                elif self.wanted(prompt_of(path)):
                    segments[path] = self.read(path)
        yield from segment_problems(segments)

    def _kept(self) -> Iterator[Problem]:
        """Secrets in everything that people write, and marks of a merge in what no other rule reads the bytes of."""
        for path in self.files:
            if (
                (path.endswith(".yaml") or is_foreign(path))
                and not path.startswith(_KEPT)
                and self.wanted_file(path)
            ):
                data = self.read(path)
                yield from secret_problems(path, data)
                if name_of(path) is None and not is_foreign(path):
                    yield from (problem_of(remark, path) for remark in conflict_remarks(data))

    def wanted_file(self, path: str) -> bool:
        """Whether a file is about a prompt that is looked at; what is about none is looked at with all."""
        if not self.names:
            return True
        if is_foreign(path):
            return foreign_name(path) in self.names
        stem = path.removesuffix(".yaml")
        return any(stem.endswith(f"/{name}") or f"/{name}." in path for name in self.names)

    def _derived(self) -> Iterator[Problem]:
        """A committed index or cache: whoever made it could have it say anything about history and scores."""
        head = self.project.resolver.head
        if head is not None and self.project.objects.has(head, self.project.top(STATE)):
            hint = f"git rm -r --cached {STATE} && git commit; until then it is not read"
            yield Problem("derived", "error", STATE, None, "derived files are committed", hint)

    def _leftovers(self) -> Iterator[Problem]:
        """What a crash may have left; the next commit mends what is ours."""
        for text in leftovers(self.project.repository):
            hint = "the next promptvc commit mends what is ours"
            yield Problem("leftover", "warning", ".git", None, text, hint)
        yield from spool_problems(Spool.of(self.project.repository.common_dir, self.project.environ))


def _suite_name(path: str) -> str | None:
    """The prompt whose suite ``path`` is."""
    if not path.startswith("evaluation/") or not path.endswith(".yaml"):
        return None
    name = path.removeprefix("evaluation/").removesuffix(".yaml")
    # A name has no dots: what has one is a dataset, a proposal or the like, named after the prompt.
    beside = "." in name.rsplit("/", 1)[-1]
    return None if beside or name.split("/")[0] in {"evidence", "baselines"} else name
