"""What is wrong with deployments: rules, copies that are no version, holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from promptvc.base.errors import InvalidDocument
from promptvc.base.findings import Problem, problems_of
from promptvc.deployment.environments import (
    FOLDER,
    RULES,
    Deployed,
    deployments,
    environment_names,
    load_environment,
)
from promptvc.deployment.holds import Hold, hold_paths, load_hold
from promptvc.prompts.names import check_environment, nearest, path_of
from promptvc.store.contents import read_version
from promptvc.store.numbering import owned_versions, owning
from promptvc.store.versions import Resolver


class DeploymentsCheck:
    """The environments of the working tree, against the versions on ``main`` (a commit).

    Args:
        data: the files of the folder of deployments, {path from the prompt root: content}; ``digests`` their ids.
        wanted: whether a prompt is to be looked at.
    """

    def __init__(
        self,
        resolver: Resolver,
        main: str | None,
        data: Mapping[str, bytes],
        digests: Mapping[str, str],
        wanted: Callable[[str | None], bool],
    ) -> None:
        self.resolver = resolver
        self.history = resolver.history
        self.main = main
        self.data = data
        self.wanted = wanted
        self.running = deployments(digests)
        self.environments = set(environment_names(data))
        self.cut_off = main is not None and self.history.cut_off(main)

    def problems(self) -> Iterator[Problem]:
        """Every finding."""
        for path in self.data:
            parts = path.split("/")
            if len(parts) == 3 and parts[2] == RULES:
                yield from self._rules(path, parts[1])
        yield from self._strays()
        yield from self._copies()
        yield from self._holds()
        yield from self._lifted()

    def _strays(self) -> Iterator[Problem]:
        """YAML files that look like something and are nothing: no copy, no hold at a hold's path, no rules."""
        known = {one.path for one in self.running} | set(hold_paths(self.data))
        for path in sorted(self.data.keys() - known):
            parts = path.split("/")
            if not path.endswith(".yaml") or (len(parts) == 3 and parts[2] == RULES):
                continue
            if len(parts) > 3 and parts[2] == "holds":
                hint = f"{FOLDER}/{parts[1]}/holds/NAME/vN.yaml; promptvc rollback writes it"
                yield Problem("hold", "error", path, None, "it holds nothing: this is no hold's path", hint)
            else:
                hint = "an environment runs ENV/NAME.yaml, which promptvc deploy writes; delete this one"
                message = (
                    "nothing runs this file: it is no deployment, no hold and no rules of an environment"
                )
                yield Problem("deployment", "error", path, None, message, hint)

    def _rules(self, path: str, environment: str) -> Iterator[Problem]:
        sources: list[str | None] = []

        def load() -> None:
            name = check_environment(environment)
            sources.append(load_environment(name, self.data[path]).promotes_from)

        yield from problems_of("environment", path, load)
        for source in sources:
            if source == environment:
                message = f"{environment} promotes from itself, so that nothing gets in"
                yield Problem("environment", "warning", path, None, message, "name the one before it")
            elif source is not None and source not in self.environments:
                near = nearest(source, self.environments - {environment})
                message = f"it promotes from {source}, and there is no such environment"
                hint = f"did you mean {near}?" if near else f"promptvc deploy NAME --env {source} makes it"
                yield Problem("environment", "warning", path, None, message, hint)

    def _copies(self) -> Iterator[Problem]:
        """Copies that are no version of main."""
        copies = {one: (path_of(one.name), one.digest) for one in self.running if self.wanted(one.name)}
        known = self._known(copies.values())
        owners = owning(self.history, self.resolver.contents, known, self.main) if self.main else set()
        for one, copy in copies.items():
            yield from problems_of("name", one.path, check_environment, one.environment)
            if copy in owners:
                continue
            if copy not in known and self.cut_off:
                message = f"a shallow clone cannot tell whether this is a version of {one.name} on main"
                yield Problem("deployment", "warning", one.path, None, message, "git fetch --unshallow")
                continue
            message = f"{one.environment} runs bytes that are no version of {one.name} on main"
            if copy in known:
                message = (
                    f"{one.environment} runs the content of {one.name} that does not own its version number"
                )
            yield Problem(
                "deployment", "error", one.path, None, message, self._remedy(one, known=copy in known)
            )

    def _remedy(self, one: Deployed, *, known: bool) -> str:
        """The command that puts the version there which the file says it is, or else the latest.

        Args:
            known: main had these bytes. Then the number that they say is another content's, and deploying it would be
                of words that nobody meant.
        """
        if known:
            return f"promptvc log {one.name} --graph shows which version has its words now: deploy that one"
        reference = one.name
        try:
            number = read_version(self.data[one.path], file=one.path)
        except InvalidDocument:
            number = 0
        if self.main is not None and not self.cut_off:
            owned = owned_versions(self.history, self.resolver.contents, path_of(one.name), self.main)
            reference = f"{one.name}@v{number}" if number in owned else one.name
        return f"promptvc deploy {reference} --env {one.environment}"

    def _known(self, files: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        return self.history.held(files, self.main) if self.main is not None else set()

    def _holds(self) -> Iterator[Problem]:
        """Holds of nothing, held versions that run all the same."""
        for path in hold_paths(self.data):
            loaded: list[Hold] = []
            yield from problems_of("hold", path, self._load_hold, path, loaded)
            for hold in loaded:
                if not self.wanted(hold.name):
                    continue
                if not self.cut_off and not self._known([(path_of(hold.name), hold.digest)]):
                    label = f"{hold.name} v{hold.version}"
                    message = f"it holds {label} with a digest that no version on main has"
                    hint = "delete it, or mend its digest"
                    yield Problem("hold-dangling", "error", path, None, message, hint)
                yield from self._ignored(hold)

    def _load_hold(self, path: str, into: list[Hold]) -> None:
        into.append(load_hold(path, self.data[path]))

    def _ignored(self, hold: Hold) -> Iterator[Problem]:
        one = self._running(hold)
        if one is not None:
            message = f"{hold.environment} runs {hold.name} v{hold.version}, which is held: {hold.reason}"
            yield Problem("hold-ignored", "error", one.path, None, message, "roll back, or lift the hold")

    def _lifted(self) -> Iterator[Problem]:
        """Holds that somebody deleted, while the environment runs what they held."""
        if self.main is None:
            return
        for path in hold_paths(self.history.changed_files(FOLDER, self.main)):
            if path in self.data:
                continue
            lifted, *before = self.history.changes(path, self.main)
            blob = next((change.blob for change in before if change.blob is not None), None)
            if lifted.blob is not None or blob is None:
                continue
            hold = self._past_hold(path, blob)
            if hold is not None and self.wanted(hold.name) and self._running(hold) is not None:
                message = (
                    f"{hold.environment} runs {hold.name} v{hold.version}, whose hold was lifted by "
                    f"{lifted.author} in {lifted.commit[:10]}"
                )
                yield Problem("hold-lifted", "warning", path, None, message)

    def _past_hold(self, path: str, blob: str) -> Hold | None:
        try:
            return load_hold(path, self.resolver.objects.blob(blob))
        except InvalidDocument:
            return None

    def _running(self, hold: Hold) -> Deployed | None:
        """The deployment that runs what ``hold`` is about."""
        about = hold.environment, hold.name, hold.digest
        return next((one for one in self.running if (one.environment, one.name, one.digest) == about), None)
