"""What `check` finds in the files around prompts: suites, evidence, quarantines, baselines, datasets, deployments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from promptvc.base.errors import InputError, NotFound
from promptvc.base.findings import Problem, problems_of
from promptvc.deployment.checking import DeploymentsCheck
from promptvc.deployment.environments import FOLDER as DEPLOYMENTS
from promptvc.evaluation.cases.suite import Suite, check_variables, load_suite
from promptvc.evaluation.checking import baseline_problems, quarantine_problems
from promptvc.evaluation.quarantine import prompt_of as quarantined_prompt
from promptvc.evidence.baselines import approved_prompt
from promptvc.evidence.records import Record, name_and_id, parse
from promptvc.feedback.cited import read_cited
from promptvc.feedback.segments import prompt_of
from promptvc.git.objects import blob_id
from promptvc.prompts.model import Prompt
from promptvc.prompts.names import check_name, name_of, path_of
from promptvc.training.data.leakage import leak_problems
from promptvc.training.exporting.checking import curation_problems, manifest_problems, orphaned
from promptvc.training.exporting.curation import curated_dataset, load_curation
from promptvc.training.exporting.manifest import Manifest, dataset_name, dataset_path, load_manifest
from promptvc.workflows.ours import Ours, unread
from promptvc.workflows.project import Project


class Surroundings:
    """One look at them.

    Args:
        prompts: those that could be read, by name.
        wanted: whether a prompt is to be looked at.
    """

    def __init__(
        self,
        project: Project,
        ours: Ours,
        prompts: Mapping[str, Prompt],
        wanted: Callable[[str | None], bool],
    ) -> None:
        self._project = project
        self._ours = ours
        self._prompts = prompts
        self._wanted = wanted
        self._cases: set[str] = set()
        self._suites: dict[str, Suite] = {}
        self._records: dict[str, Record] = {}

    def problems(self) -> Iterator[Problem]:
        """Every finding about what prompts are judged by; deployments are for :meth:`deployments`."""
        yield from self._in_suites()
        yield from self._evidence()
        yield from self._beside_suites()
        yield from self._datasets()

    def deployments(self, main: str | None) -> Iterator[Problem]:
        """What is wrong with deployments, against the versions on ``main``, a commit."""
        algorithm = self._project.repository.object_format
        paths = [path for path in self._ours.paths if path.startswith(f"{DEPLOYMENTS}/")]
        data = {path: self._ours.read(path) for path in paths}
        digests = {path: blob_id(content, algorithm) for path, content in data.items()}
        yield from DeploymentsCheck(self._project.resolver, main, data, digests, self._wanted).problems()

    def _in_suites(self) -> Iterator[Problem]:
        named = [(path, _suite_name(path)) for path in self._ours.paths]
        found = [(path, name) for path, name in named if name is not None and self._wanted(name)]
        # Those of prompts first: what they take their cases from is no suite, whatever its name.
        for path, name in sorted(found, key=lambda pair: path_of(pair[1]) not in self._ours):
            if path in self._cases:
                continue
            yield from problems_of("suite", path, self._suite, path, name)
            if name in self._suites and name in self._prompts:
                yield from leak_problems(self._suites[name], self._prompts[name])
            if name not in self._prompts and path_of(name) not in self._ours:
                hint = "rename it to the prompt it is for, or delete it"
                yield Problem("suite", "warning", path, None, f"there is no prompt {name}", hint)
        for path in self._ours.paths:
            # Cases may end in .yml; what has the name of a prompt was meant to be its suite.
            meant = _suite_name(f"{path.removesuffix('.yml')}.yaml") if path.endswith(".yml") else None
            if meant in self._prompts and path not in self._cases:
                yield unread(path)

    def _suite(self, path: str, name: str) -> None:
        suite = load_suite(self._ours.read(path), file=path, files=self._project.files())
        prompt = self._prompts.get(name)
        if prompt is not None:
            check_variables(suite, [one.name for one in prompt.variables if one.required])
        self._suites[name] = suite
        self._cases.update(dataset.path for dataset in suite.datasets)

    def _evidence(self) -> Iterator[Problem]:
        for path in self._ours.paths:
            owner = name_and_id(path)
            if owner is not None and self._wanted(owner[0]):
                yield from problems_of("evidence", path, self._record, path)

    def _record(self, path: str) -> None:
        self._records[path] = parse(self._ours.read(path), file=path)

    def _beside_suites(self) -> Iterator[Problem]:
        """Quarantines and approved baselines; suites and evidence are read by now."""
        today = self._project.clock().date()
        for path in self._ours.paths:
            held, approved = quarantined_prompt(path), approved_prompt(path)
            if held is not None and self._wanted(held):
                suite = self._suites.get(held)
                cases = {case.id for case in suite.cases} if suite is not None else None
                yield from quarantine_problems(path, self._ours.read(path), cases, today)
                if f"evaluation/{held}.yaml" not in self._ours:
                    hint = "rename it to the suite it is for, or delete it"
                    yield Problem("quarantine", "warning", path, None, f"{held} has no suite", hint)
            if approved is not None and self._wanted(approved):
                yield from baseline_problems(path, approved, self._ours.read(path), self._records)

    def _datasets(self) -> Iterator[Problem]:
        """Manifests, then curations, which are about the prompt of their manifest."""
        found: dict[str, Manifest] = {}
        prompts = {name for name in map(name_of, self._ours.paths) if name is not None}
        for path in self._ours.paths:
            name = dataset_name(path)
            if name is None:
                continue
            loaded: list[Manifest] = []
            yield from problems_of("dataset", path, self._manifest, path, name, loaded)
            for manifest in loaded:
                found[name] = manifest
                if self._wanted(manifest.prompt):
                    yield from manifest_problems(manifest, self._content(manifest.digest), prompts)
        for path in self._ours.paths:
            name = curated_dataset(path)
            if name is not None and name in found and self._wanted(found[name].prompt):
                yield from self._curation(path, found[name].prompt)
            elif name is not None and dataset_path(name) not in self._ours:
                yield orphaned(path, name)

    def _manifest(self, path: str, name: str, loaded: list[Manifest]) -> None:
        loaded.append(load_manifest(check_name(name, what="dataset"), self._ours.read(path), file=path))

    def _content(self, digest: str) -> bytes | None:
        with suppress(NotFound):
            return self._project.objects.blob(digest)
        return None

    def _curation(self, path: str, prompt: str) -> Iterator[Problem]:
        data = self._ours.read(path)
        yield from problems_of("curation", path, lambda: load_curation(data, file=path))
        with suppress(InputError):
            curation = load_curation(data, file=path)
            ids = {event for entry in curation.entries for event in entry.events}
            segments = {each: self._ours.read(each) for each in self._ours.paths if prompt_of(each) == prompt}
            yield from curation_problems(path, curation, read_cited(segments, ids).keys())


def _suite_name(path: str) -> str | None:
    """The prompt whose suite ``path`` is."""
    if not path.startswith("evaluation/") or not path.endswith(".yaml"):
        return None
    name = path.removeprefix("evaluation/").removesuffix(".yaml")
    # A name has no dots: what has one is a dataset, a proposal or the like, named after the prompt.
    beside = "." in name.rsplit("/", 1)[-1]
    return None if beside or name.split("/")[0] in {"evidence", "baselines"} else name
