"""Laws of the diff: nothing for equals, every item once, one insertion is one change, both ways alike."""

from __future__ import annotations

import copy
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.prompts.model import load_prompt
from promptvc.store.diff import Change, diff_prompts, diff_values, unified_diff, words
from promptvc.store.matching import exact, match

text = st.text("ab c\n", max_size=8)
scalars = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from([0.0, 1.0]) | text
rules = st.builds(lambda words, because: {"text": words} | ({"because": because} if because else {}), text,
                  st.lists(st.sampled_from(["e1", "e2"]), max_size=1))  # fmt: skip
examples = st.builds(lambda given, output: {"input": {"message": given}, "output": output}, text, text)
messages = st.builds(lambda role, content: {"role": role, "content": content},
                     st.sampled_from(["system", "user"]), text)  # fmt: skip
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["p", "q", "r.s"]), inner, max_size=3)
    ),
    max_leaves=6,
)
prompts = st.fixed_dictionaries(
    {"name": st.just("triage"), "version": st.integers(1, 3)},
    optional={
        "rules": st.lists(rules, max_size=5),
        "examples": st.lists(examples, max_size=5),
        "messages": st.lists(messages, max_size=3),
        "tags": st.lists(st.sampled_from("xyz"), max_size=3),
        "parameters": st.dictionaries(st.sampled_from(["temperature", "stop"]), trees, max_size=2),
        "output": trees,
        "description": text,
    },
)
pairs = st.tuples(prompts, prompts)
MIRROR = {"added": "removed", "removed": "added", "changed": "changed", "moved": "moved"}


@given(prompts)
def test_equal_prompts_do_not_differ(prompt: dict[str, Any]) -> None:
    assert diff_values(prompt, copy.deepcopy(prompt)) == ()


@settings(max_examples=60)
@given(pairs)
def test_prompts_that_are_not_equal_differ(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    before, after = pair
    assert bool(diff_values(before, after)) == (exact(before) != exact(after))


@settings(max_examples=60)
@given(pairs)
def test_the_way_back_has_the_mirrored_changes(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    def counts(changes: tuple[Change, ...]) -> Counter[tuple[str, str]]:
        # Inside nested lists DeepDiff's way back may choose other elements; the items are ours.
        return Counter(
            (change.path.split("[")[0].split(".")[0], change.kind)
            for change in changes
            if change.path.startswith(("rules", "examples", "messages", "tags"))
        )

    there, back = counts(diff_values(*pair)), counts(diff_values(*reversed(pair)))
    assert back == Counter({(path, MIRROR[kind]): n for (path, kind), n in there.items()})


@given(st.lists(rules, max_size=6), st.lists(rules, max_size=6), st.booleans())
def test_every_item_is_matched_once_or_left_once(before: list[Any], after: list[Any], near: bool) -> None:
    found = match(before, after, (lambda item: exact(item["text"])) if near else None)
    matched = [*found.same, *found.moved, *found.changed]
    assert sorted([i for i, _ in matched] + list(found.removed)) == list(range(len(before)))
    assert sorted([j for _, j in matched] + list(found.added)) == list(range(len(after)))
    assert all(exact(before[i]) == exact(after[j]) for i, j in [*found.same, *found.moved])
    assert all(exact(before[i]) != exact(after[j]) for i, j in found.changed)
    assert [i for i, _ in found.same] == sorted(i for i, _ in found.same)
    assert [j for _, j in found.same] == sorted(j for _, j in found.same)


@given(st.lists(examples, max_size=8), examples, st.data())
def test_one_inserted_item_is_one_change(items: list[Any], item: Any, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(items)))
    longer = [*items[:place], item, *items[place:]]
    (change,) = diff_values({"examples": items}, {"examples": longer})
    assert (change.kind, change.before, change.after) == ("added", None, item)
    assert longer[int(change.path.removeprefix("examples[").rstrip("]"))] == item
    (back,) = diff_values({"examples": longer}, {"examples": items})
    assert (back.kind, back.before, back.after) == ("removed", item, None)


@given(st.lists(st.integers(0, 99).map(lambda n: {"text": f"rule number {n} {n * 7}"}), min_size=2, max_size=8,
                unique_by=lambda rule: rule["text"]), st.data())  # fmt: skip
def test_one_moved_item_is_one_change(items: list[Any], data: st.DataObject) -> None:
    start, end = data.draw(st.permutations(range(len(items))))[:2]
    moved = [item for index, item in enumerate(items) if index != start]
    moved.insert(end, items[start])
    (change,) = diff_values({"rules": items}, {"rules": moved})
    assert change.kind == "moved"
    assert change.before == change.after


def test_an_edited_rule_is_one_change() -> None:
    old = [{"text": "Answer with one label only."}, {"text": "A refund is billing."}]
    new = [{"text": "A refund is always billing."}, {"text": "Unknown charges are fraud."}, old[0]]
    found = diff_values({"rules": old}, {"rules": new})
    assert [(change.path, change.kind) for change in found] == [
        ("rules[0]", "changed"),
        ("rules[1]", "added"),
    ]


def test_an_example_keeps_its_identity_by_its_input() -> None:
    old = {"input": {"message": "m"}, "output": "billing"}
    new = {"input": {"message": "m"}, "output": "something entirely different with many words"}
    assert diff_values({"examples": [old]}, {"examples": [new]}) == (
        Change("examples[0]", "changed", old, new),
    )


def test_messages_of_different_roles_are_different_messages() -> None:
    user, system = {"role": "user", "content": "Hello you"}, {"role": "system", "content": "Hello you"}
    kinds = [change.kind for change in diff_values({"messages": [user]}, {"messages": [system]})]
    assert sorted(kinds) == ["added", "removed"]
    edited = user | {"content": "Hello you there"}
    assert diff_values({"messages": [user]}, {"messages": [edited]}) == (
        Change("messages[0].content", "changed", "Hello you", "Hello you there"),
    )


def test_nested_values_are_told_apart_by_their_paths() -> None:
    before = {
        "parameters": {"temperature": 0, "stop": ["a"]},
        "output": {"schema": {"p": {"type": "string"}}},
    }
    after = {
        "parameters": {"temperature": 0.5, "stop": ["a", "b"]},
        "output": {"schema": {"p": {"type": "number"}}},
    }
    assert diff_values(before, after) == (
        Change("parameters.temperature", "changed", 0, 0.5),
        Change("parameters.stop[1]", "added", None, "b"),
        Change("output.schema.p.type", "changed", "string", "number"),
    )


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, 1.0), (0, False), (None, ""), ("1", 1)])
def test_values_that_python_takes_for_equal(one: Any, other: Any) -> None:
    for before, after in ((one, other), ([one], [other]), ({"k": one}, {"k": other})):
        assert [change.kind for change in diff_values({"output": before}, {"output": after})] == ["changed"]


def test_prompts_are_compared_by_what_they_mean() -> None:
    text = b"name: a\nversion: 1\nmessages:\n  - {role: user, content: hi}\n"
    same = b"name: a\nversion: 1\ntype: user # the default\nmessages: [{role: user, content: 'hi'}]\n"
    before, after = load_prompt(text, file="a"), load_prompt(same, file="b")
    assert diff_prompts(before, after) == ()
    bumped = load_prompt(text.replace(b"version: 1", b"version: 2"), file="c")
    assert diff_prompts(before, bumped) == (Change("version", "changed", 1, 2),)


@given(st.text("ab .\nü", max_size=30), st.text("ab .\nü", max_size=30))
def test_words_make_both_texts_again(before: str, after: str) -> None:
    found = words(before, after)
    assert "".join(part.text for part in found if part.op != "+") == before
    assert "".join(part.text for part in found if part.op != "-") == after
    assert all(part.text for part in found)


@pytest.mark.parametrize("unit", ["word ", "line\n", "x" * 9 + "\n"])
def test_long_texts_are_compared_in_time(unit: str) -> None:
    before, after = unit * 30_000, unit * 20_000 + "new" + unit * 10_000
    found = words(before, after)
    assert "".join(part.text for part in found if part.op != "+") == before
    assert "".join(part.text for part in found if part.op != "-") == after


def test_many_rewritten_items() -> None:
    before = [{"text": f"old {index} {index * 13}"} for index in range(1500)]
    after = [{"text": f"new {index} {index * 17}"} for index in range(1500)]
    kinds = Counter(change.kind for change in diff_values({"rules": before}, {"rules": after}))
    assert kinds == {"removed": 1500, "added": 1500}
    shuffled = [before[-1], *before[1:-1], before[0]]
    assert {change.kind for change in diff_values({"rules": before}, {"rules": shuffled})} == {"moved"}


lines = st.lists(st.sampled_from(["a", "b", "c\r", "d\x0b\u2028e"]), max_size=8)


@settings(max_examples=25, deadline=None)
@given(lines, lines, st.booleans(), st.booleans())
def test_the_text_diff_is_one_that_git_can_apply(
    tmp_path_factory: pytest.TempPathFactory, one: list[str], other: list[str], end: bool, other_end: bool
) -> None:
    before = ("\n".join(one) + ("\n" if end and one else "")).encode()
    after = ("\n".join(other) + ("\n" if other_end and other else "")).encode()
    patch = unified_diff(before, after, "a/file", "b/file")
    assert bool(patch) == (before != after)
    if patch and before and after:
        folder: Path = tmp_path_factory.mktemp("patch")
        (folder / "file").write_bytes(before)
        subprocess.run(["git", "apply", "-"], cwd=folder, input=patch.encode(), check=True)
        assert (folder / "file").read_bytes() == after
