"""Laws of evidence: what is written is read again, fits its schema, and says which file is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import promptvc.evidence
from promptvc.base.errors import InvalidDocument
from promptvc.base.ids import new_ulid
from promptvc.evidence import records
from promptvc.evidence.approvals import ApprovalRecord
from promptvc.evidence.comparisons import VERDICTS, ComparisonRecord, Pair
from promptvc.evidence.fields import document
from promptvc.evidence.runs import (
    OUTPUT_LIMIT,
    OUTPUTS_KEPT,
    CaseResult,
    GradeLine,
    RunRecord,
    Totals,
    evident,
)
from promptvc.evidence.values import Guard, Score, Tokens, VersionRef

SCHEMA = json.loads(
    (Path(promptvc.evidence.__file__).parents[1] / "schemas" / "evidence.json").read_text(encoding="utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.floats(-1, 1)
counts = st.integers(0, 10**6)
moments = st.integers(0, 10**9).map(lambda ms: NOON + timedelta(milliseconds=ms))
ids = st.builds(new_ulid, moments, st.binary(min_size=10, max_size=10))
names = st.sampled_from(["triage", "support/triage", "support/triage/deep"])
digests = st.integers(0, 5).map(lambda n: f"{n:040x}")
extras = st.dictionaries(texts.map(lambda key: f"x-{key}"), st.none() | counts | texts, max_size=2)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


versions = st.builds(VersionRef, maybe(st.integers(1, 9)), digests)
tokens = st.builds(Tokens, maybe(counts), maybe(counts))
scores = st.builds(Score, numbers, numbers, numbers, numbers, numbers, numbers, counts)
guards = st.builds(
    Guard,
    name=texts,
    holds=st.booleans(),
    difference=maybe(numbers),
    low=maybe(numbers),
    margin=maybe(numbers),
    baseline=maybe(numbers),
    candidate=maybe(numbers),
    extra=extras,
)
cases = st.builds(
    CaseResult,
    case=texts,
    score=maybe(numbers),
    passed=maybe(st.booleans()),
    repeat=counts,
    error=maybe(texts),
    output=maybe(texts),
    output_digest=maybe(digests),
    tokens=tokens,
    cost=maybe(numbers),
    latency_ms=maybe(numbers),
    metrics=st.dictionaries(texts, numbers, max_size=2),
    case_digest=maybe(digests),
    extra=extras,
)
lists = st.lists(texts, max_size=3).map(tuple)
by_name = st.dictionaries(texts, texts, max_size=2)
manners: dict[str, st.SearchStrategy[Any]] = {
    "reducer": st.sampled_from(["mean", "pass_k:2"]),
    "judge": maybe(digests),
    "datasets": by_name,
    "generated": st.booleans(),
    "quarantined": lists,
    "clusters": by_name,
}
totals = st.builds(
    Totals, maybe(numbers), counts, counts, counts, counts, tokens, maybe(numbers), maybe(numbers),
    maybe(numbers), extras,
)  # fmt: skip
runs = st.builds(
    RunRecord,
    id=ids,
    prompt=names,
    version=maybe(st.integers(1, 9)),
    digest=digests,
    suite=digests,
    model=texts,
    started=moments,
    ended=moments,
    cases=st.lists(cases, max_size=3).map(tuple),
    totals=totals,
    parameters=st.dictionaries(texts, numbers, max_size=2),
    repeats=counts,
    seed=maybe(counts),
    extra=extras,
    **manners,
)
flags = maybe(st.booleans())
pairs = st.builds(Pair, texts, maybe(numbers), maybe(numbers), flags, flags, maybe(digests))
comparisons = st.builds(
    ComparisonRecord,
    id=ids,
    time=moments,
    prompt=names,
    candidate=versions,
    baseline=versions,
    suite=digests,
    model=texts,
    verdict=st.sampled_from(VERDICTS),
    recommendation=maybe(texts),
    score=maybe(scores),
    p=maybe(numbers),
    alpha=numbers,
    pairs=st.lists(pairs, max_size=3).map(tuple),
    guards=st.lists(guards, max_size=2).map(tuple),
    fixed=lists,
    broken=lists,
    removed=lists,
    holdout=maybe(digests),
    look=maybe(st.integers(1, 9)),
    provisional=st.booleans(),
    approach=maybe(texts),
    training=maybe(ids),
    reason=maybe(texts),
    repeats=counts,
    seed=maybe(counts),
    extra=extras,
    **manners,
)
approvals = st.builds(
    ApprovalRecord, ids, moments, names, maybe(st.integers(1, 9)), digests, texts, texts, maybe(texts),
    maybe(texts), lists, extras,
)  # fmt: skip
any_record = runs | comparisons | approvals


@settings(max_examples=60)
@given(any_record)
def test_what_is_written_is_read_again_and_fits_the_schema(record: records.Record) -> None:
    data = records.to_bytes(record)
    assert records.parse(data, file=records.path(record)) == record
    assert records.to_bytes(records.parse(data, file="evidence.json")) == data
    VALIDATOR.validate(json.loads(data))
    assert data.endswith(b"}\n")
    assert records.name_and_id(records.path(record)) == (record.prompt, record.id)


@settings(max_examples=60)
@given(any_record, st.data())
def test_a_broken_record_names_its_file_and_key(record: records.Record, data: st.DataObject) -> None:
    value = json.loads(records.to_bytes(record))
    required = next(
        branch["required"]
        for branch in SCHEMA["$defs"].values()
        if branch.get("properties", {}).get("record", {}).get("const") == value["record"]
    )
    key = data.draw(st.sampled_from(required))
    if data.draw(st.booleans()):
        del value[key]
    else:
        value[key] = ["of", 1, "kind that no key has"]
    assert not VALIDATOR.is_valid(value)
    with pytest.raises(InvalidDocument, match=key) as caught:
        records.parse(json.dumps(value).encode(), file="some/where.json")
    assert caught.value.file == "some/where.json"


@settings(max_examples=40)
@given(st.lists(comparisons, max_size=8), st.randoms())
def test_the_index_holds_the_newest_comparison_of_each_version(
    found: list[ComparisonRecord], random: Any
) -> None:
    found = list({record.id: record for record in found}.values())
    shuffled = list(found)
    random.shuffle(shuffled)
    index = records.index(shuffled)
    assert index == records.index(found)
    assert {(key.name, key.digest) for key in index} == {(r.prompt, r.candidate.digest) for r in found}
    for record in found:
        key = records.VersionKey(record.prompt, record.candidate.version, record.candidate.digest)
        assert index[key].id >= record.id


def test_only_the_records_of_a_prompt_are_read() -> None:
    def approval(name: str, second: int) -> ApprovalRecord:
        time = NOON + timedelta(seconds=second)
        return ApprovalRecord(new_ulid(time), time, name, 1, "0" * 40, "Ada <ada@example.org>", "baseline")

    short, long = approval("support", 2), approval("support/triage", 1)
    files = {records.path(record): records.to_bytes(record) for record in (short, long)}
    files["evaluation/evidence/README.md"] = b"not a record"
    files["evaluation/evidence/support/notes.json"] = b"not a record either"
    assert records.read_all(files, "support") == (short,)
    assert records.read_all(files, "support/triage") == (long,)
    assert records.read_all(files) == (long, short)


def test_a_record_under_another_name_is_refused() -> None:
    record = ApprovalRecord(new_ulid(NOON), NOON, "triage", 1, "0" * 40, "Ada", "baseline")
    other = records.path(record).replace("triage", "billing")
    with pytest.raises(InvalidDocument, match="triage"):
        records.parse(records.to_bytes(record), file=other)
    assert records.parse(records.to_bytes(record), file=f"sub/folder/{records.path(record)}") == record


def test_a_newer_major_format_is_refused_with_the_way_out() -> None:
    record = ApprovalRecord(new_ulid(NOON), NOON, "triage", 1, "0" * 40, "Ada", "baseline")
    value = record.to_json() | {"format": 2}
    with pytest.raises(InvalidDocument, match="newer") as caught:
        records.parse(json.dumps(value).encode(), file="a.json")
    assert caught.value.hint is not None


def test_a_long_output_is_cut() -> None:
    case = CaseResult(case="a", score=1.0, passed=True, output="x" * (OUTPUT_LIMIT + 1))
    assert len(case.to_json()["output"]) == OUTPUT_LIMIT


@given(runs)
def test_a_run_is_written_case_by_case_as_it_would_be_in_one(run: RunRecord) -> None:
    assert records.to_bytes(run) == document(run.to_json())


def test_of_many_cases_only_those_that_tell_something_keep_their_outputs() -> None:
    passes = {"fine": (True, True), "flaky": (True, False), "wrong": (False, False), "lost": (True, None)}
    results = [
        CaseResult(
            case,
            None if passed is None else float(passed),
            passed,
            repeat,
            output=f"{case} {repeat}",
            output_digest="d",
            grades=(GradeLine("equals", 1.0, passed=True),),
        )
        for case, both in passes.items()
        for repeat, passed in enumerate(both)
    ]
    few, many = list(evident(results, OUTPUTS_KEPT)), list(evident(results, OUTPUTS_KEPT + 1))
    assert [one.output for one in few] == [one.output for one in results]
    assert {one.case for one in many if one.output is not None} == {"flaky", "wrong", "lost"}
    assert [one.output for one in many if one.case == "flaky"] == ["flaky 0", "flaky 1"]
    assert all(one.output_digest == "d" and not one.grades for one in (*few, *many))
    assert [replace(one, output=None) for one in few] == [replace(one, output=None) for one in many]


def test_a_record_from_before_the_manner_was_kept_stays_as_it_is() -> None:
    run = RunRecord(
        new_ulid(NOON), "triage", 1, "0" * 40, "5" * 64, "offline", NOON, NOON, (), Totals(None, 0, 0, 0, 0)
    )
    data = records.to_bytes(run)
    late = {"reducer", "judge", "datasets", "generated", "quarantined", "clusters"}
    assert not late & json.loads(data).keys()
    assert (run.reducer, run.judge, run.quarantined) == ("mean", None, ())


@pytest.mark.parametrize(
    ("key", "value"), [("datasets", {"cases.csv": 7}), ("quarantined", [1]), ("generated", "yes")]
)
def test_a_manner_of_the_wrong_kind_is_refused(key: str, value: object) -> None:
    run = RunRecord(
        new_ulid(NOON), "triage", 1, "0" * 40, "5" * 64, "offline", NOON, NOON, (), Totals(None, 0, 0, 0, 0)
    )
    with pytest.raises(InvalidDocument, match=key):
        records.parse(json.dumps(run.to_json() | {key: value}).encode(), file="a.json")
