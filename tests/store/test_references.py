"""How people write versions."""

from __future__ import annotations

import pytest

from promptvc.base.errors import InputError
from promptvc.store.references import Reference, parse_reference


@pytest.mark.parametrize(
    ("text", "name", "revision", "version", "environment"),
    [
        ("triage", "triage", None, None, None),
        ("support/triage@v3", "support/triage", "v3", 3, "v3"),
        ("support/triage@3", "support/triage", "3", 3, "3"),
        ("triage@latest", "triage", "latest", None, "latest"),
        ("triage@production", "triage", "production", None, "production"),
        ("triage@HEAD~2", "triage", "HEAD~2", None, None),
        ("triage@main@{1}", "triage", "main@{1}", None, None),
        ("triage@v3.1", "triage", "v3.1", None, None),
        ("prompts:/support/triage@production", "support/triage", "production", None, "production"),
        ("prompts:/support/triage/3", "support/triage", "3", 3, "3"),
        ("prompts:/triage/12", "triage", "12", 12, "12"),
        ("prompts:/triage", "triage", None, None, None),
    ],
)
def test_a_reference(
    text: str, name: str, revision: str | None, version: int | None, environment: str | None
) -> None:
    found = parse_reference(text)
    assert found == Reference(name, revision)
    assert (found.version, found.environment) == (version, environment)
    assert parse_reference(str(found)) == found


@pytest.mark.parametrize("text", ["", "@v3", "triage@", "Triage", "../x@v1", "prompts:/", "a//b"])
def test_no_reference(text: str) -> None:
    with pytest.raises(InputError):
        parse_reference(text)
