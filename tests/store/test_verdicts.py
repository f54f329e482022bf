"""What the index remembers of comparisons and of contents is what reading them says, and never another's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.documents import load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.base.ids import new_ulid
from promptvc.evidence.comparisons import ComparisonRecord
from promptvc.evidence.records import path, to_bytes
from promptvc.evidence.values import Score, VersionRef
from promptvc.git.objects import Objects
from promptvc.store.blame import parts_of
from promptvc.store.history import History
from promptvc.store.verdicts import Verdict, newest, verdicts_of
from promptvc.store.versions import Place, Resolver
from promptvc.store.wordings import Wording, Wordings
from tests.builders import Repo

NAME = "a/b"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def comparison(at: int, **more: object) -> ComparisonRecord:
    record = ComparisonRecord(
        id=new_ulid(NOON, b"%010d" % at),
        time=NOON,
        prompt=NAME,
        candidate=VersionRef(2, "c" * 40),
        baseline=VersionRef(1, "b" * 40),
        suite="5" * 40,
        model="offline",
        verdict="improvement",
        recommendation=None,
        score=Score(0.5, 0.75, 0.25, 0.1, 0.4, 0.9, 40),
        p=0.01,
        alpha=0.03,
    )
    return replace(record, **more)  # type: ignore[arg-type]


def asked(repo: Repo) -> list[Verdict]:
    opened = repo.repository()
    with Objects(opened) as objects, History(opened, repo.path / ".promptvc") as history:
        resolver = Resolver(opened, objects, history, Place("main", root=repo.path))
        return verdicts_of(resolver, NAME, resolver.head)


def test_a_remembered_verdict_is_the_one_that_was_read(repo: Repo) -> None:
    one = comparison(1, approach="few_shot", training=new_ulid(NOON, b"x" * 10))
    two = comparison(2, verdict="incomparable", score=None)
    repo.commit({path(record): to_bytes(record) for record in (one, two)})
    first = asked(repo)
    assert first == asked(repo)
    assert [(found.id, found.verdict, found.score) for found in first] == [
        (one.id, "improvement", one.score),
        (two.id, "incomparable", None),
    ]
    assert (first[0].approach, first[0].training) == ("few_shot", one.training)
    assert newest(first) == {first[0].key: first[1]}


def test_a_record_at_the_path_of_another_is_refused_also_when_it_is_remembered(repo: Repo) -> None:
    one, other = comparison(1), comparison(2)
    repo.commit({path(one): to_bytes(one)})
    asked(repo)
    repo.commit({path(other): to_bytes(one)})
    with pytest.raises(InvalidDocument, match="holds the record"):
        asked(repo)


TEXT = """\
version: 1
messages:
  - role: system
    content: |
      One.
      Two.
  - {role: user, content: "{{ q }}"}
rules:
  - text: First.
  - {text: Second., because: [X]}
examples:
  - input: {q: a}
    output: b
"""


@given(st.permutations(["First.", "Second.", "Third."]), st.booleans())
def test_a_remembered_wording_is_the_one_that_was_made(rules: list[str], cites: bool) -> None:
    lines = "".join(f"  - text: {text}\n" + "    because: [Y]\n" * cites for text in rules)
    document = load_yaml((TEXT.partition("rules:")[0] + f"rules:\n{lines}").encode(), file="x")
    made = Wording.of(document)
    again = Wording.of(load_yaml(TEXT.encode(), file="x"))
    assert made.rules.index(again.rules[0]) == rules.index("First.")
    assert made.messages == again.messages
    assert made.messages == tuple(
        (line, part[1])
        for line, part in sorted(parts_of(document).items())
        if part[0] == "messages" and part[1] is not None
    )


def test_what_is_remembered_comes_back(repo: Repo) -> None:
    repo.commit({"x": "1"})
    made = Wording.of(load_yaml(TEXT.encode(), file="x"))
    with History(repo.repository(), repo.path / ".promptvc") as history:
        wordings = Wordings(history)
        assert wordings.recall("a" * 40) is None
        wordings.remember({"a" * 40: made, "b" * 40: None, "c" * 40: Wording((), (), ())})
    with History(repo.repository(), repo.path / ".promptvc") as history:
        wordings = Wordings(history)
        assert wordings.recall("a" * 40) == (made,)
        assert wordings.recall("b" * 40) == (None,)
        assert wordings.recall("c" * 40) == (Wording((), (), ()),)
