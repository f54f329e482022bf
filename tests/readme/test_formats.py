"""The page on file formats: its examples load, and its tables list what the program knows, no more and no less."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from promptvc.base.config import Settings, load_settings
from promptvc.base.documents import load_yaml
from promptvc.base.errors import NotFound
from promptvc.cli.ui import Ui
from promptvc.deployment.environments import load_environment
from promptvc.deployment.holds import hold_path, load_hold
from promptvc.evaluation.assertions.assertion import NEGATION, Assertion
from promptvc.evaluation.assertions.registry import ASSERTIONS, problem
from promptvc.evaluation.cases.columns import KNOWN as KNOWN_COLUMNS
from promptvc.evaluation.cases.grammar import match_problem
from promptvc.evaluation.cases.suite import load_suite
from promptvc.evaluation.quarantine import load_quarantine
from promptvc.evaluation.reduce import OF_PASSES, OF_SCORES
from promptvc.evidence.baselines import load_baseline
from promptvc.feedback.archive import dump_manifest, load_manifest
from promptvc.feedback.columns import _DOWN, _UP, infer_kind, to_event
from promptvc.feedback.events import parse_event
from promptvc.feedback.fields import ALWAYS, ANY_OF, FIELDS, KINDS, REQUIRED, SINGLE
from promptvc.feedback.ingest import ImportOptions, import_file
from promptvc.feedback.pseudonyms import Key
from promptvc.feedback.query.tables import TABLES
from promptvc.feedback.redact import Redactor
from promptvc.models.providers import KNOWN
from promptvc.prompts.lint.templates import template_remarks
from promptvc.prompts.model import load_prompt
from promptvc.prompts.names import RESERVED
from promptvc.prompts.parameters import ALLOWED
from promptvc.training.parcels import MOST_BYTES, Offer
from promptvc.training.reservations import parse_reservation
from tests.evaluation.cases.folders import Folder
from tests.readme.shells import dead_links

ROOT = Path(__file__).resolve().parents[2]
FILE = "docs/formats.md"
PAGE = (ROOT / FILE).read_text("utf-8")
BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[a-z-]+) -->\n)?^```(?P<language>[a-z]*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
BLOCKS = [match.groupdict() for match in BLOCK.finditer(PAGE)]
DATA = [one for one in BLOCKS if one["language"] in {"yaml", "json", "csv"}]
CODE = re.compile(r"`([^`]+)`")


def prompt(data: bytes) -> None:
    assert template_remarks(load_prompt(data, file=FILE)) == []


def suite(data: bytes) -> None:
    rows = next(one["text"] for one in BLOCKS if one["mark"] == "dataset" and one["language"] == "json")
    files = Folder({"docs/triage.cases.jsonl": rows})
    assert list(load_suite(data, file=FILE, files=files).cases)


def dataset(data: bytes) -> None:
    name = "x.jsonl" if data.startswith(b"{") else "x.csv"
    found = load_suite(f"cases: {name}".encode(), file=FILE, files=Folder({f"docs/{name}": data}))
    assert len(list(found.cases)) == 2


def settings(data: bytes) -> None:
    assert load_settings(data, file=FILE) != Settings()


def environment(data: bytes) -> None:
    rules = load_environment("production", data)
    assert rules.promotes_from
    assert rules.requires_evidence
    assert rules.minimum_score
    assert rules.verdicts


def hold(data: bytes) -> None:
    assert load_hold(hold_path("production", "support/triage", 2), data).by


def quarantine(data: bytes) -> None:
    loaded = load_quarantine(data, file=FILE)
    assert all(entry.reason for entry in loaded.entries)
    assert {(one.since is None, one.until is None) for one in loaded.entries} == {
        (True, True),
        (False, False),
    }


def baseline(data: bytes) -> None:
    loaded = load_baseline("support/triage", data)
    assert None not in loaded.to_json().values()
    assert loaded.failing


def event(data: bytes) -> None:
    parsed = parse_event(json.loads(data))
    clean, found = Redactor(None).event(parsed.to_json())
    assert clean == parsed.to_json()
    assert not found


def archive(data: bytes) -> None:
    (part,) = load_manifest(data)
    assert part.sha256[:12] in part.name
    assert load_manifest(dump_manifest([part])) == (part,)


def reservation(data: bytes) -> None:
    loaded = parse_reservation(data, file=FILE)
    assert loaded.to_json() == json.loads(data)


def error(data: bytes) -> None:
    out = io.StringIO()
    Ui(out=out, err=io.StringIO(), as_json=True).error(
        NotFound("there is no prompt support/triag", hint="did you mean support/triage?")
    )
    assert json.loads(data) == json.loads(out.getvalue())


LOADERS: dict[str, Callable[[bytes], None]] = {
    one.__name__: one
    for one in (
        prompt,
        suite,
        dataset,
        quarantine,
        baseline,
        settings,
        environment,
        hold,
        event,
        archive,
        reservation,
        error,
    )
}


def test_every_example_says_what_it_is() -> None:
    marks = [one["mark"] for one in DATA]
    assert set(marks) == {*LOADERS, "csv"}
    assert PAGE.count("\n```") == 2 * len(BLOCKS)
    assert {one["language"] for one in BLOCKS} == {"yaml", "json", "csv", "sh"}


EXAMPLES = [
    pytest.param(one, id=f"{number}-{one['mark']}") for number, one in enumerate(DATA) if one["mark"] != "csv"
]


@pytest.mark.parametrize("block", EXAMPLES)
def test_an_example_loads(block: dict[str, str]) -> None:
    LOADERS[block["mark"]](block["text"].encode())


def test_the_imported_table_is_what_the_command_below_it_reads(tmp_path: Path) -> None:
    (table,) = (one["text"] for one in DATA if one["mark"] == "csv")
    (command,) = (one["text"] for one in BLOCKS if one["language"] == "sh")
    words = shlex.split(command)
    assert words[:3] == ["promptvc", "feedback", "import"]
    place = tmp_path / words[3]
    place.write_text(table, "utf-8")
    pairs = [words[at + 1].partition("=") for at, word in enumerate(words) if word == "--map"]
    options = ImportOptions(
        prompt=words[words.index("--prompt") + 1], columns={theirs: ours for theirs, _, ours in pairs}
    )
    result = import_file(place, options, redactor=Redactor(Key(b"k" * 32)))
    assert not result.stopped
    assert result.report.extra == ()
    first, second, third = result.events
    assert [first.score, second.score, third.score] == [0.0, 1.0, 1.0]
    assert first.input == {"message": "Nobody at home bought this box, but it was charged"}
    assert third.comment == "quick and right"
    assert {one.kind for one in result.events} == {"rating"}


def rows(mark: str) -> list[list[str]]:
    """The cells of the table below ``<!-- mark -->``, without its header."""
    lines = PAGE.split(f"<!-- {mark} -->\n", 1)[1].splitlines()
    table = lines[: lines.index("")]
    assert table[1].startswith("|---"), f"no table at {mark}"
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table[2:]]


def words_of(cells: Iterable[str]) -> list[str]:
    return [word for cell in cells for word in CODE.findall(cell)]


def keys_after(header: str) -> list[str]:
    """First cells of the first table below the line ``header``."""
    lines = PAGE.split(header, 1)[1].split("|---", 1)[1].splitlines()[1:]
    table = lines[: lines.index("")]
    return words_of(line.split("|")[1] for line in table)


def schema(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((ROOT / "promptvc" / "schemas" / f"{name}.json").read_text("utf-8"))
    return value


def leaves(properties: dict[str, Any]) -> list[str]:
    """Keys of a schema, dotted where a mapping names its keys."""
    found = []
    for key, content in properties.items():
        inner = content.get("properties")
        found += [f"{key}.{name}" for name in leaves(inner)] if inner else [key]
    return found


def test_the_assertions_are_those_that_there_are() -> None:
    table = {CODE.findall(name)[0]: (value, threshold) for name, value, threshold, _ in rows("assertions")}
    assert list(table) == list(ASSERTIONS)
    given: dict[str, Any] = {
        "required": "text",
        "a text": "text",
        "a list of texts": ["text"],
        "a pattern": "a+",
        "a JSON Schema, or none": {"type": "object"},
        "a text or a list of texts": ["text"],
        "a list of texts, or none": ["text"],
        "code, or a file with code": "True",
        "a number, or `{min, max}`": {"min": 1, "max": 3},
        "`{requiredElements: [root.child]}`, or none": {"requiredElements": ["root.child"]},
        "`{databaseType: MySQL}`, or none": {"databaseType": "MySQL"},
        "`stop`, `length`, `content_filter` or `tool_calls`": "length",
        "a list of tools, or none": [{"type": "function", "function": {"name": "find"}}],
    }
    for name, (value, threshold) in table.items():
        for prefix in ("", NEGATION):
            full = Assertion(
                prefix + name, value=given.get(value), threshold=1.0 if threshold == "required" else None
            )
            assert problem(full) is None
            without = problem(dataclasses.replace(full, value=None))
            assert (without is None) == (value == "-" or value.endswith("or none")), name
            if value == "-":
                assert problem(dataclasses.replace(full, value="text"))
            other = problem(dataclasses.replace(full, threshold=None if threshold == "required" else 1.0))
            assert (other is not None) == (threshold in {"-", "required"}), "the column `threshold` is wrong"


def test_the_settings_are_those_of_the_schema_with_their_defaults() -> None:
    table = {CODE.findall(key)[0]: default for key, default, _ in rows("settings-table")}
    assert list(table) == leaves(schema("settings")["properties"])
    for key, default in table.items():
        value: Any = Settings()
        for part in key.split("."):
            value = getattr(value, part)
        value = list(value) if isinstance(value, tuple) else value
        written = None if default == "-" else load_yaml(CODE.findall(default)[0].encode(), file=key).value
        assert (type(written), written) == (type(value), value), key


def test_the_keys_of_prompts_suites_and_environments_are_those_of_their_schemas() -> None:
    assert keys_after("\n## Prompt\n") == list(schema("prompt")["properties"])
    cases = schema("suite")
    assert keys_after("\n## Suite\n") == list(cases["properties"])
    assert keys_after("\n| key of a case | is |\n") == list(cases["$defs"]["case"]["properties"])
    assert keys_after("\n## Quarantine\n") == list(schema("quarantine")["items"]["properties"])
    assert set(keys_after("\n## Baselines\n")) == set(schema("baseline")["properties"])
    assert keys_after("\n## Environments\n") == leaves(schema("environment")["properties"])
    match = next(line for line in PAGE.splitlines() if line.startswith("| `match` |"))
    assert not any(map(match_problem, set(CODE.findall(match)) - {"match", "expected"}))
    reduce = next(line for line in PAGE.splitlines() if line.startswith("| `reduce` |"))
    named = [word.partition(":")[0] for word in CODE.findall(reduce)]
    assert named == ["reduce", "--reduce", *OF_SCORES, *OF_PASSES]


def test_the_keys_of_a_training_are_those_of_its_schema() -> None:
    listed = words_of(row[0] for row in rows("training-keys"))
    assert len(listed) == len(set(listed))
    # What was not used is one of the keys that a record may have besides.
    assert set(listed) - {"left_out"} == set(schema("ledger")["$defs"]["training"]["properties"])


def test_the_keys_of_a_look_and_of_a_parcel() -> None:
    listed = words_of(row[0] for row in rows("look-keys"))
    assert set(listed) == set(schema("ledger")["$defs"]["look"]["properties"])
    keys = words_of(row[0] for row in rows("parcel-keys"))
    offer = {f"offer.{one.name}" for one in dataclasses.fields(Offer)}
    assert set(keys) == {"record", "format", "training", "offer", *offer}
    assert f"at most {MOST_BYTES >> 20} MiB" in PAGE


def test_the_columns_of_datasets_are_those_that_are_read() -> None:
    listed = words_of(row[0] for row in rows("dataset-columns"))
    assert {name.rstrip("12").removesuffix("[]") for name in listed} == set(KNOWN_COLUMNS)


def test_parameters_and_reserved_names() -> None:
    listed = PAGE.split("<!-- parameters -->\n", 1)[1].split("\n\n", 1)[0]
    assert tuple(CODE.findall(listed)) == ALLOWED
    reserved = PAGE.split("may read like a version", 1)[1].split("\n\n", 1)[0]
    assert set(CODE.findall(reserved)) - {"v3"} == RESERVED


def test_the_kinds_and_keys_of_events() -> None:
    table = {
        CODE.findall(kind)[0]: (CODE.findall(needs), CODE.findall(one_of))
        for kind, needs, one_of in rows("kinds")
    }
    assert list(table) == list(KINDS)
    for kind, (needs, one_of) in table.items():
        assert tuple(needs) == (*REQUIRED.get(kind, ()), *SINGLE.get(kind, ()))
        assert {*one_of, "expired"} == {*ANY_OF.get(kind, ()), "expired"}
    listed = words_of(row[0] for row in rows("event-keys"))
    assert len(listed) == len(set(listed))
    assert set(listed) == set(FIELDS)
    assert set(ALWAYS) <= set(listed)


def test_the_keys_of_rollups_and_archives_and_the_columns_of_tables() -> None:
    keys = words_of(row[0] for row in rows("rollup-keys"))
    assert set(keys) == set(schema("event")["properties"]["rollup"]["properties"])
    listed = words_of(row[0] for row in rows("archive-keys"))
    assert listed == list(schema("archive")["properties"]["parts"]["items"]["properties"])
    tables = {CODE.findall(name)[0]: CODE.findall(columns) for name, columns, _ in rows("tables")}
    assert tables == {name: list(columns) for name, columns in TABLES.items()}


def test_how_a_kind_is_inferred() -> None:
    """Each row by itself, and a row before all that stand below it."""
    table = [(CODE.findall(keys), "one of" in keys, CODE.findall(kind)[0]) for keys, kind in rows("inferred")]
    below: dict[str, int] = {}
    for keys, one_of, kind in reversed(table):
        for group in [[key] for key in keys] if one_of else [keys]:
            value = dict.fromkeys(group, 1)
            assert infer_kind(value) == kind
            assert infer_kind(below | value) == kind
        below |= dict.fromkeys(keys, 1)
    assert infer_kind({"input": "a", "output": "b"}) is None
    assert len(table) == 10


def test_the_words_for_thumbs() -> None:
    assert [set(CODE.findall(words)) for words, _ in rows("thumbs")] == [_UP, _DOWN]
    for words, meant in rows("thumbs"):
        for word in CODE.findall(words):
            for spelled in (word, word.upper()):
                assert to_event({"thumbs": spelled}, {}, typed=False) == {"thumbs": meant}
    with pytest.raises(ValueError, match="thumbs"):
        to_event({"thumbs": "0"}, {}, typed=False)


def test_the_environment_variables_are_read_by_the_source() -> None:
    named = set(words_of(row[0] for row in rows("variables")))
    source = "".join(path.read_text("utf-8") for path in (ROOT / "promptvc").rglob("*.py"))
    for variable in named:
        assert f'"{variable}"' in source, variable
    assert named >= {word for one in KNOWN.values() for word in (*one.url_variables, *one.key_variables)}
    assert named >= set(re.findall(r'"(PROMPTVC_[A-Z_]+)"', source))


def test_links_lead_somewhere() -> None:
    assert dead_links(FILE) == []
