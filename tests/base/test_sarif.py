"""SARIF against the part of its schema that we write, and its escapes as laws."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from promptvc.base.findings import Problem
from promptvc.base.rules import RULES
from promptvc.base.sarif import FINGERPRINT, sarif

TEXT = {"type": "object", "additionalProperties": False, "required": ["text"],
        "properties": {"text": {"type": "string"}, "markdown": {"type": "string"}}}  # fmt: skip
URI = {
    "type": "string",
    "pattern": r"^(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*$",
}  # RFC 3986, a reference


def closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


NUMBER = {"type": "integer", "minimum": 1}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
ARTIFACT = closed([], uri=URI, uriBaseId={"type": "string"}, description=TEXT)
REGION = closed([], startLine=NUMBER, startColumn=NUMBER, endLine=NUMBER, endColumn=NUMBER)
DESCRIPTOR = closed(
    ["id"], id={"type": "string"}, name={"type": "string"}, shortDescription=TEXT, fullDescription=TEXT, help=TEXT,
    defaultConfiguration=closed([], level=LEVEL, enabled={"type": "boolean"}),
    properties={"type": "object", "properties": {"tags": {"type": "array", "uniqueItems": True}}},
)  # fmt: skip
RESULT = closed(
    ["message", "ruleId", "locations"], ruleId={"enum": [*RULES, "other"]}, message=TEXT, level=LEVEL,
    ruleIndex={"type": "integer", "minimum": 0, "exclusiveMaximum": len(RULES)},
    locations={
        "type": "array",
        "items": closed([], physicalLocation=closed(["artifactLocation"], artifactLocation=ARTIFACT, region=REGION)),
    },
    partialFingerprints={"type": "object", "additionalProperties": {"type": "string"}},
)  # fmt: skip
INVOCATION = closed(
    ["executionSuccessful"],
    executionSuccessful={"type": "boolean"},
    toolExecutionNotifications={
        "type": "array", "items": closed(["message"], message=TEXT, level=LEVEL, locations={"type": "array"}),
    },
)  # fmt: skip
# https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json: the objects that we
# write, with what it requires of them, and no property that it does not name.
SCHEMA = closed(
    ["version", "runs"],
    version={"enum": ["2.1.0"]},
    runs={
        "type": "array",
        "items": closed(
            ["tool", "results"],
            tool=closed(
                ["driver"],
                driver=closed(
                    ["name"], name={"type": "string"},
                    semanticVersion={"type": "string", "pattern": r"^[0-9]+\.[0-9]+\.[0-9]+$"},
                    rules={"type": "array", "uniqueItems": True, "items": DESCRIPTOR},
                ),
            ),
            columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            originalUriBaseIds={"type": "object", "additionalProperties": ARTIFACT},
            results={"type": "array", "items": RESULT, "maxItems": 25_000},
            invocations={"type": "array", "items": INVOCATION},
        ),
    },
    **{"$schema": {"type": "string", "format": "uri"}},
)  # fmt: skip

problems = st.builds(
    Problem,
    rule=st.sampled_from([*RULES, "other"]),
    severity=st.sampled_from(["error", "warning"]),
    file=st.text(min_size=1, max_size=20).map(lambda text: f"prompts/{text}"),
    line=st.none() | st.integers(1, 10**6),
    message=st.text(st.characters(), max_size=40),
    hint=st.none() | st.text(max_size=20),
    column=st.none() | st.integers(1, 500),
)


@given(
    st.lists(problems, max_size=6),
    st.sampled_from(["", "sub folder/"]),
    st.sampled_from(["1.2.3", "0.2.dev1", "1"]),
)
def test_every_log_keeps_the_schema_and_says_what_was_found(
    found: list[Problem], prefix: str, version: str
) -> None:
    log = json.loads(json.dumps(sarif(found, version=version, prefix=prefix), ensure_ascii=False).encode())
    Draft202012Validator(SCHEMA).validate(log)
    (run,) = log["runs"]
    assert len(run["results"]) == len(found)
    prints = [result["partialFingerprints"][FINGERPRINT] for result in run["results"]]
    assert len(set(prints)) == len(found)
    for problem, result in zip(found, run["results"], strict=True):
        assert result["level"] == problem.severity
        assert result["message"]["text"].startswith(problem.message)
        if "ruleIndex" in result:
            assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == problem.rule
        (location,) = result["locations"]
        where = location["physicalLocation"]
        assert unquote(where["artifactLocation"]["uri"]) == prefix + problem.file
        assert where["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]
        assert where["region"]["startLine"] == (problem.line or 1)
        assert where["region"].get("startColumn") == (problem.column if problem.line else None)


def test_a_fingerprint_stays_while_lines_move_and_goes_with_the_message() -> None:
    def prints(*found: Problem) -> list[str]:
        results = sarif(found, version="1.0.0")["runs"][0]["results"]
        return [result["partialFingerprints"][FINGERPRINT] for result in results]

    one = Problem("leak", "warning", "a", 1, "m")
    assert prints(one) == prints(Problem("leak", "error", "a", 7, "m", "hint"))
    assert prints(one) != prints(Problem("leak", "warning", "a", 1, "n"))
    assert prints(one, one)[0] == prints(one)[0]


def test_what_lies_outside_of_the_files_has_no_place_in_them() -> None:
    outside = [
        Problem("spool", "warning", "/home/a/spool", 3, "m"),
        Problem("leftover", "warning", ".git", None, "m"),
    ]
    assert [result["locations"] for result in sarif(outside, version="1.0.0")["runs"][0]["results"]] == [
        [],
        [],
    ]


def test_bytes_of_a_name_that_are_no_text_are_written_as_they_are() -> None:
    name = b"prompts/\xff.yaml".decode("utf-8", "surrogateescape")
    result = sarif([Problem("name", "error", name, None, f"{name} is no name")], version="1.0.0")["runs"][0][
        "results"
    ][0]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "prompts/%FF.yaml"
    json.dumps(result, ensure_ascii=False).encode()


def test_more_than_github_takes_are_cut_and_said_to_be() -> None:
    problems = [Problem("leak", "warning", f"prompts/p{at}.yaml", None, "x") for at in range(25_001)]
    log = sarif(problems, version="1.0.0")
    Draft202012Validator(SCHEMA).validate(log)
    (run,) = log["runs"]
    assert len(run["results"]) == 25_000
    (notice,) = run["invocations"][0]["toolExecutionNotifications"]
    assert "25,001 findings" in notice["message"]["text"]
    assert "invocations" not in sarif(problems[:25_000], version="1.0.0")["runs"][0]
