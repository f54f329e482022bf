"""Environments: the folders under ``deployments/`` and the rules that one may have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from promptvc.base.documents import load_yaml
from promptvc.base.memo import Memo
from promptvc.base.schemas import validate

FOLDER = "deployments"
RULES = "environment.yaml"
_NO_DEPLOYMENT = (".rollout.yaml", ".candidate.yaml")


@dataclass(frozen=True, slots=True)
class Environment:
    """The rules of one environment, as ``environment.yaml`` gives them.

    Attributes:
        promotes_from: the environment that must run a version before this one may.
        requires_evidence: whether a version without saved evidence is refused.
        minimum_score: the least score, 0..1, that a version's evidence must show; ``None`` for any.
        verdicts: the verdicts that pass; empty for all but `regression` and `incomparable`.
    """

    name: str
    promotes_from: str | None = None
    requires_evidence: bool = False
    minimum_score: float | None = None
    verdicts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Deployed:
    """One file that an environment runs: the prompt's name and the digest of its bytes."""

    environment: str
    name: str
    path: str
    digest: str


def deployed_path(environment: str, name: str) -> str:
    """Where ``environment`` keeps its copy of ``name``, from the prompt root."""
    return f"{FOLDER}/{environment}/{name}.yaml"


def rules_path(environment: str) -> str:
    """Where the rules of ``environment`` stand, from the prompt root."""
    return f"{FOLDER}/{environment}/{RULES}"


def load_environment(name: str, data: bytes | None, *, memo: Memo | None = None) -> Environment:
    """Read the rules of ``name``; an environment without a rules file has the default gates only.

    Raises:
        InvalidDocument: with the line and the key.
    """
    if data is None or not data.strip():
        return Environment(name)
    document = load_yaml(data, file=rules_path(name))
    validate(document, "environment", memo=memo)
    value = document.value or {}
    requires = value.get("requires", [])
    gates = value.get("gates", {})
    return Environment(
        name=name,
        promotes_from=value.get("promotes_from"),
        requires_evidence="evidence" in ([requires] if isinstance(requires, str) else requires),
        minimum_score=gates.get("minimum_score"),
        verdicts=frozenset(gates.get("verdicts", ())),
    )


def deployments(tree: Mapping[str, str]) -> list[Deployed]:
    """Every deployment in ``tree`` ({path from the prompt root: digest}), by environment and name."""
    found = [_deployed(path, digest) for path, digest in tree.items()]
    return sorted((one for one in found if one is not None), key=lambda one: (one.environment, one.name))


def environment_names(paths: Iterable[str]) -> list[str]:
    """The environments that ``paths`` (from the prompt root) speak of, sorted."""
    folders = (path.split("/") for path in paths if path.startswith(FOLDER + "/"))
    return sorted({parts[1] for parts in folders if len(parts) > 2})


def _deployed(path: str, digest: str) -> Deployed | None:
    parts = path.split("/")
    if len(parts) < 3 or parts[0] != FOLDER or not path.endswith(".yaml") or path.endswith(_NO_DEPLOYMENT):
        return None
    if parts[2:] == [RULES] or parts[2] == "holds":
        return None
    return Deployed(parts[1], "/".join(parts[2:]).removesuffix(".yaml"), path, digest)
