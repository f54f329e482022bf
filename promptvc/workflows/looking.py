"""Looking over a whole repository: what the settings, each prompt, its feedback and its history may have wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import PurePosixPath

from promptvc.base.config import FILE, Settings, load_settings
from promptvc.base.documents import Document, load_yaml
from promptvc.base.errors import InvalidDocument, NotFound
from promptvc.base.findings import Problem, problems_of
from promptvc.base.rules import RULES, nearest_rule
from promptvc.evaluation.cases.suite import read_github
from promptvc.feedback.archive import MANIFEST
from promptvc.feedback.checking import future_problems, misplaced, segment_problems, spool_problems
from promptvc.feedback.kept_secrets import secret_problems, token_problems
from promptvc.feedback.segments import FOLDER as FEEDBACK
from promptvc.feedback.segments import prompt_of
from promptvc.feedback.spool import Spool
from promptvc.git.commits import leftovers
from promptvc.prompts.lint.github import github_bytes, github_problems
from promptvc.prompts.lint.lint import problem_of, prompt_problems
from promptvc.prompts.lint.raw import conflict_remarks, raw_remarks
from promptvc.prompts.model import Prompt, read_prompt
from promptvc.prompts.names import check_name, foreign_name, is_foreign, name_of, nearest, path_of
from promptvc.store.checking import version_problems
from promptvc.workflows.archived import Archived, archived_parts
from promptvc.workflows.ours import FOLDERS, Ours
from promptvc.workflows.project import STATE, Project
from promptvc.workflows.surroundings import Surroundings

MOST_IN_A_FOLDER = 2000
"""Above this a flat folder makes every commit write a large tree object."""


class Looking:
    """One look. ``names``: only these prompts and what is about them.

    Attributes:
        ours: the files that are looked at.

    Raises:
        NotFound: a name that no file has.
    """

    def __init__(self, project: Project, names: frozenset[str]) -> None:
        self.project = project
        self.settings, self._unset = self._settings()
        self.ours = Ours(project)
        # A checkout of a merge result, as CI makes one, is detached: where it stands is what main will be.
        self.main = project.main_commit or project.resolver.head
        known = {name for name in map(name_of, (*self.ours.paths, *self.ours.links)) if name is not None}
        known |= set(project.resolver.foreign.names())
        for name in names:
            if name not in known:
                near = nearest(name, known)
                hint = f"did you mean {near}?" if near else "promptvc list shows the prompts there are"
                raise NotFound(f"there is no prompt {name}", hint=hint)
        self.names = names
        self.prompts: dict[str, Prompt] = {}

    def problems(self) -> Iterator[Problem]:
        """Every finding, at the rules' own severities."""
        around = Surroundings(self.project, self.ours, self.prompts, self.wanted)
        yield from self._unset
        yield from (one for one in self.ours.problems() if self._wanted_place(one.file))
        yield from self._prompts()
        yield from self._foreign()
        yield from around.problems()
        if self.main is not None:
            yield from version_problems(
                self.project.resolver, self.main, self.project.resolver.head, self.wanted
            )
        yield from around.deployments(self.main)
        yield from self._feedback()
        yield from self._kept()
        yield from self._derived()
        yield from self._leftovers()

    def wanted(self, name: str | None) -> bool:
        """Whether a prompt is to be looked at."""
        return not self.names or name in self.names

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

    def _prompts(self) -> Iterator[Problem]:
        folders: dict[str, int] = {}
        for path in self.ours.paths:
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
        raw = [problem_of(remark, path) for remark in raw_remarks(self.ours.read(path))]
        yield from raw
        documents: list[Document] = []
        unread = list(problems_of("prompt", path, self._load, path, None if faults else name, documents))
        if not any(one.rule == "conflict-markers" for one in raw):
            yield from unread  # or they would be told twice
        if name in self.prompts:
            yield from prompt_problems(documents[0], self.prompts[name], self.settings.check)

    def _load(self, path: str, name: str | None, into: list[Document]) -> None:
        document = load_yaml(self.ours.read(path), file=path)
        prompt = read_prompt(document, name=name)
        into.append(document)
        self.prompts.setdefault(name_of(path) or prompt.name, prompt)

    def _foreign(self) -> Iterator[Problem]:
        """Files of GitHub's format, which are used as they lie."""
        working = self.project.resolver.foreign.working
        for path in filter(is_foreign, self.ours.paths):
            name = foreign_name(path)
            if not self.wanted(name):
                continue
            named = () if name is None else (path_of(name), *working.get(name, ()))
            yield from github_bytes(path, self.ours.read(path), [each for each in named if each in self.ours])
            documents: list[Document] = []
            if name is not None:
                yield from problems_of("prompt", path, self._load, path, name, documents)
            for document in documents:
                yield from github_problems(document, self.settings.check)
                yield from problems_of("suite", path, read_github, document)

    def _feedback(self) -> Iterator[Problem]:
        segments = {}
        for path in self.ours.paths:
            if path.startswith(f"{FEEDBACK}/") and path.endswith(".jsonl"):
                if prompt_of(path) is None:
                    yield misplaced(path)
                elif self.wanted(prompt_of(path)):
                    segments[path] = self.ours.read(path)
        yield from segment_problems(segments)
        yield from future_problems(segments, self.project.clock())
        yield from self._archive()

    def _archive(self) -> Iterator[Problem]:
        """The list of archived feedback, and what of it is not here."""
        if MANIFEST not in self.ours:
            return
        found: list[Archived] = []
        yield from problems_of("archive", MANIFEST, self._load_archive, found)
        for part, reason in found[0].absent if found else ():
            if self.wanted(part.prompt):
                message = f"{part.events:,} events on {part.prompt} of {part.month} are not here: {reason}"
                yield Problem(
                    "archive-absent", "warning", MANIFEST, None, message, "they do not count meanwhile"
                )

    def _load_archive(self, into: list[Archived]) -> None:
        into.append(archived_parts(self.project, data=self.ours.read(MANIFEST)))

    def _kept(self) -> Iterator[Problem]:
        """Secrets in every file, and marks of a merge in what no other rule reads the bytes of.

        In what people write keys are also told by the name that they are assigned to. Cases, feedback and answers are
        texts of others, in which much looks like that; there a token has to have the format of an issuer.
        """
        clean: set[bytes] = set()  # a deployment is the copy of a prompt
        for path in self.ours.paths:
            if not self.wanted_file(path):
                continue
            data = self.ours.read(path)
            if data not in clean:
                search = secret_problems if path.endswith((".yaml", ".yml")) else token_problems
                found = list(search(path, data))
                yield from found
                if not found and path.endswith(".yaml"):
                    clean.add(data)
            if path.endswith(".yaml") and name_of(path) is None and not is_foreign(path):
                yield from (problem_of(remark, path) for remark in conflict_remarks(data))

    def wanted_file(self, path: str) -> bool:
        """Whether a file is about a prompt that is looked at; what is about none is looked at with all."""
        if not self.names:
            return True
        if is_foreign(path):
            return foreign_name(path) in self.names
        stem = path.removesuffix(".yaml")
        return any(stem.endswith(f"/{name}") or f"/{name}." in path for name in self.names)

    def _wanted_place(self, path: str) -> bool:
        """Whether what stands at ``path``, such as a link, hides a file about a prompt that is looked at, or is one."""
        if self.wanted_file(f"{path.removesuffix('.yml')}.yaml" if path.endswith(".yml") else path):
            return True
        places = (f"{folder}/{name}" for folder in FOLDERS for name in self.names)
        return any(place.startswith(f"{path}/") or place == path for place in places)

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
