"""One suite with every assertion, evaluated as a user does: all hold, each fails by itself, each turned around."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from promptvc.evaluation.assertions.registry import ASSERT_SET, NAMES
from tests.builders import Repo
from tests.commands import cli_of
from tests.servers import Reply, Request, Server, answer, calling

GOOD, BAD, RIVAL = "openai:good", "openai:bad", "openai:rival"
FINE, POOR, OTHER = "a GOOD answer", "a poor one", "something else"
PROMPT = """\
name: desk
version: 1
variables: {question: {required: true}, context: {default: ""}}
messages: [{role: user, content: "{{ question }}"}]
"""
SETTINGS = "models: {prices: {'openai:good': {input: 1, output: 1}, 'openai:bad': {input: 1, output: 1}}}\n"
COMPANION = {"type": "rouge-n", "value": "one two three four", "threshold": 0.2}
"""What max-score compares by; it holds for every answer."""


@dataclass(frozen=True)
class Row:
    """An assertion, an answer of which it holds and one of which it does not; ``beside`` it stands in the case, too."""

    assertion: Mapping[str, Any] = field(default_factory=dict)
    good: str | Reply = FINE
    bad: str | Reply = POOR
    vars: Mapping[str, Any] = field(default_factory=dict)
    beside: tuple[Mapping[str, Any], ...] = ()


def of(value: Any = None, good: str | Reply = FINE, bad: str | Reply = POOR, **more: Any) -> Row:
    return Row((more if value is None else {"value": value, **more}), good, bad)


SENTENCE = "The second charge comes back within three days"
CONTEXT = {"context": "The shop is open. It is in Ulm."}
TOOLS = [{"type": "function", "function": {"name": "now", "parameters": {"type": "object"}}}]
ROWS: dict[str, Row] = {
    "equals": of(FINE),
    "contains": of("GOOD"),
    "icontains": of("good"),
    "contains-all": of(["a", "GOOD"]),
    "contains-any": of(["x y", "GOOD"]),
    "icontains-all": of(["A", "good"]),
    "icontains-any": of(["x y", "good"]),
    "starts-with": of("a GOOD"),
    "regex": of("G[O]{2}D"),
    "word-count": of({"min": 3, "max": 3}, bad="one"),
    "levenshtein": of(FINE, threshold=2),
    "is-json": of({"type": "object"}, '{"a": 1}', "[1]"),
    "contains-json": of({"required": ["a"]}, 'here: {"a": 1}', 'here: {"b": 1}'),
    "is-xml": of({"requiredElements": ["a.b"]}, "<a><b>x</b></a>", "<a/>"),
    "contains-xml": of({"requiredElements": ["a.b"]}, "so: <a><b>x</b></a>", "so: <a/>"),
    "is-html": of(None, "<p>so</p>", "no html"),
    "contains-html": of(None, "so: <p>yes</p>", "no html"),
    "is-sql": of({"allowedTables": ["orders"]}, "SELECT id FROM orders", "SELECT id FROM people"),
    "contains-sql": of(
        {"allowedTables": ["orders"]}, "so:\n```sql\nSELECT id FROM orders\n```\n", "```sql\nSELECT FROM\n```"
    ),
    "bleu": of(SENTENCE, SENTENCE),
    "gleu": of(SENTENCE, SENTENCE),
    "meteor": of(SENTENCE, SENTENCE),
    "rouge-n": of(SENTENCE, SENTENCE),
    "similar": of(SENTENCE, SENTENCE),
    "latency": of(threshold=600_000),
    "cost": of(None, answer(FINE), answer(FINE, tokens=(9_000_000, 0)), threshold=0.5),
    "finish-reason": of("stop", bad=answer(FINE, finish="length")),
    "is-valid-openai-tools-call": of(TOOLS, calling(("now", "{}")), calling(("later", "{}"))),
    "tool-call-f1": of(["now"], calling(("now", "{}")), calling(("later", "{}"))),
    "llm-rubric": of("is good"),
    "g-eval": of("is good"),
    "factuality": of("good it is"),
    "model-graded-closedqa": of("is good"),
    "answer-relevance": of(threshold=0.5),
    "context-faithfulness": Row({"threshold": 0.5}, vars=CONTEXT),
    "context-recall": Row({"value": "It is open.", "threshold": 0.5}, vars=CONTEXT),
    "context-relevance": Row({"threshold": 0.5}, vars=CONTEXT),
    "classifier": of("friendly"),
    "moderation": of(["violence"]),
    "is-refusal": of(),
    "python": of("'GOOD' in output"),
    "select-best": of("is good"),
    "max-score": Row({}, "one two three four", "one two", beside=(COMPANION,)),
    ASSERT_SET: Row(
        {"assert": [{"type": "contains", "value": "GOOD"}, {"type": "icontains", "value": "good"}]}
    ),
}
RIVALS = {"max-score": "one two three"}

# By what each judge prompt wants to be answered: what the judge says who likes the answer, and who does not.
VERDICTS: dict[str, tuple[Any, Any]] = {
    '"pass"': ({"reason": "r", "score": 1, "pass": True}, {"reason": "r", "score": 0, "pass": False}),
    '{"steps"': ({"steps": ["Read it."]}, {"steps": ["Read it."]}),
    '"score": 0 to 10': ({"reason": "r", "score": 10}, {"reason": "r", "score": 1}),
    '"category"': ({"reason": "r", "category": "C"}, {"reason": "r", "category": "D"}),
    '"verdict"': ({"reason": "r", "verdict": "Y"}, {"reason": "r", "verdict": "N"}),
    '{"question"': ({"question": "answer-relevance"}, {"question": "Do zebras sing?"}),
    '{"claims"': (
        {"claims": [{"claim": "c", "supported": True}]},
        {"claims": [{"claim": "c", "supported": False}]},
    ),
    '{"statements"': (
        {"statements": [{"statement": "s", "attributed": True}]},
        {"statements": [{"statement": "s", "attributed": False}]},
    ),
    '{"relevant"': ({"relevant": [1, 2]}, {"relevant": []}),
    '{"scores"': ({"scores": {"friendly": 0.9}}, {"scores": {"friendly": 0.1}}),
    '"flagged"': ({"reason": "r", "flagged": []}, {"reason": "r", "flagged": ["violence"]}),
    '"refusal"': ({"reason": "r", "refusal": True}, {"reason": "r", "refusal": False}),
}


def suite(*, negated: bool, in_time: bool = True) -> str:
    """A case for every assertion; ``in_time``: every answer is, else none."""
    cases = []
    for name, row in ROWS.items():
        asserted: dict[str, Any] = {"type": name, **row.assertion}
        if name == "latency" and not in_time:
            asserted["threshold"] = 0
        if negated and name == ASSERT_SET:
            members = asserted["assert"]
            asserted["assert"] = [{**member, "type": f"not-{member['type']}"} for member in members]
        elif negated:
            asserted["type"] = f"not-{name}"
        given: dict[str, Any] = {"question": name, **row.vars}
        cases.append({"id": name, "vars": given, "assert": [asserted, *row.beside]})
    return json.dumps({"cases": cases})


def play(request: Request) -> Reply:
    """The models that answer well, badly and as a rival, and the judges that are as kind."""
    model = request.body["model"]
    if model.startswith("judge"):
        return answer(json.dumps(verdict(request, kind=model == "judge-good")))
    row = ROWS[request.text]
    given = row.good if model == "good" else row.bad if model == "bad" else RIVALS.get(request.text, OTHER)
    return given if isinstance(given, Reply) else answer(given)


def verdict(request: Request, *, kind: bool) -> Any:
    asked = request.body["messages"][0]["content"]
    if '"best"' in asked:
        ranked = sorted(filter(request.text.__contains__, (FINE, POOR, OTHER)), key=request.text.index)
        return {"reason": "r", "best": 1 + [text == OTHER for text in ranked].index(not kind)}
    (found,) = [said for key, said in VERDICTS.items() if key in asked]
    return found[0] if kind else found[1]


def evaluated(desk: Repo, model: str, written: str) -> dict[str, dict[str, bool | None]]:
    """By case, whether each of its assertions holds for the answers of ``model``."""
    desk.write({"evaluation/desk.yaml": written})
    judge = "openai:judge-good" if model == GOOD else "openai:judge-bad"
    asking = ("--model", model, "--model", RIVAL, "--repeat", "1", "--judge", judge, "--allow-code")
    file = desk.path / "found.jsonl"
    with Server(play) as server:
        done = cli_of(desk)("evaluate", "desk", *asking, "-o", str(file), **server.environ())
    assert done.code in {0, 1}, done
    mine = desk.path / f"found-desk-v1-{model.replace(':', '-')}.jsonl"  # one file a model
    lines = mine.read_text(encoding="utf-8").splitlines()
    found: dict[str, dict[str, bool | None]] = {}
    for line in map(json.loads, lines[1:]):
        assert line["error"] is None, line
        grades = {grade["name"]: grade["passed"] for grade in line["grades"]}
        assert line["passed"] is all(grades.values()), line
        found[line["case"]] = grades
    return found


@pytest.fixture
def desk(repo: Repo) -> Repo:
    files = {"promptvc.yaml": SETTINGS, "prompts/desk.yaml": PROMPT, ".gitignore": ".promptvc/\nfound*\n"}
    repo.commit(files, "Start")
    return repo


def every(*, negated: bool, holds: bool) -> dict[str, dict[str, bool]]:
    """What is found where each assertion ``holds``, or none does; what stands beside one always holds."""
    found = {}
    for name, row in ROWS.items():
        graded = f"not-{name}" if negated and name != ASSERT_SET else name
        members = [member["type"] for member in row.assertion.get("assert", ())]
        alike = [graded, *(f"not-{member}" if negated else member for member in members)]
        found[name] = {**dict.fromkeys(alike, holds), **{str(one["type"]): True for one in row.beside}}
    return found


def test_there_is_a_case_for_every_assertion() -> None:
    assert set(ROWS) == set(NAMES)


@pytest.mark.parametrize("negated", [False, True])
def test_every_assertion_tells_a_good_answer_from_a_bad_one(desk: Repo, negated: bool) -> None:
    good = evaluated(desk, GOOD, suite(negated=negated))
    assert good == every(negated=negated, holds=not negated)
    bad = evaluated(desk, BAD, suite(negated=negated, in_time=False))
    assert bad == every(negated=negated, holds=negated)
