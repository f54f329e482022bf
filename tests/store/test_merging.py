"""Laws of the three-way merge of prompts: nothing lost, nothing back from the dead, never a guess."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.documents import dump_yaml, load_yaml
from promptvc.prompts.marks import conflict_markers
from promptvc.prompts.model import load_prompt
from promptvc.store.matching import exact
from promptvc.store.merging.conflict import ABSENT, Conflict
from promptvc.store.merging.merge import merge_prompts

FILE = "prompts/a/b.yaml"
_WORDS = [f"rule number {n}: {'abcdefgh'[n]} {'ponmlkji'[n]} {'qrstuvwx'[n]}" for n in range(8)]

_EVENTS = [f"01JD3M8Z6VQW4N9T2X5KAB7CD{n}" for n in "EFG"]

rules = st.lists(
    st.builds(
        lambda text, because: {"text": text} | ({"because": because} if because else {}),
        st.sampled_from(_WORDS),
        st.lists(st.sampled_from(_EVENTS), unique=True, max_size=2),
    ),
    max_size=5,
)
examples = st.lists(
    st.builds(
        lambda text, output: {"input": {"m": text}, "output": output},
        st.sampled_from(["one two three", "four five six", "seven eight nine", "ten eleven twelve"]),
        st.sampled_from(["yes", "no"]),
    ),
    max_size=3,
)
lines = st.lists(st.sampled_from(["Route it.", "Be brief.", "Answer with a label.", "Ask.", ""]), max_size=6)
bodies = st.fixed_dictionaries(
    {"rules": rules, "examples": examples, "lines": lines},
    optional={
        "tags": st.lists(st.sampled_from("pqrs"), unique=True, max_size=3),
        "metadata": st.dictionaries(st.sampled_from("klmn"), st.integers(0, 2), max_size=3),
        "description": st.sampled_from(["short", "long: with a colon", "# no comment"]),
        "later": st.sampled_from([1, True, "1", None, [1, 2], {"x": [1]}]),
    },
)


def document(version: int, body: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in body.items() if key not in {"lines", "rules", "examples"}}
    content = "".join(line + "\n" for line in ["Start.", *body["lines"]])
    value: dict[str, Any] = {"name": "a/b", "version": version}
    value["messages"] = [
        {"role": "system", "content": content},
        {"role": "user", "content": "{{ m }}"},
    ]
    value |= {key: body[key] for key in ("rules", "examples") if body[key]}
    return value | copy.deepcopy(rest)


def text(version: int, body: dict[str, Any]) -> bytes:
    return dump_yaml(document(version, body)).encode()


def value_of(data: bytes) -> dict[str, Any]:
    value = load_yaml(data, file=FILE).value
    assert isinstance(value, dict)
    return value


@given(bodies, bodies)
def test_a_side_that_did_nothing_leaves_the_other_byte_for_byte(before: Any, after: Any) -> None:
    base, side = text(1, before), text(2, after) + b"# a comment of its own\n"
    for merged in (
        merge_prompts(base, base, side, file=FILE),
        merge_prompts(base, side, base, file=FILE),
        merge_prompts(base, side, side, file=FILE),
        merge_prompts(None, side, side, file=FILE),
    ):
        assert merged.data == side
        assert merged.conflicts == ()


@given(bodies, bodies, bodies)
def test_the_other_way_round_the_result_is_the_same_up_to_order(before: Any, ours: Any, theirs: Any) -> None:
    base, mine, other = text(1, before), text(2, ours), text(2, theirs)
    here = merge_prompts(base, mine, other, file=FILE)
    there = merge_prompts(base, other, mine, file=FILE)
    assert Counter(map(told, here.conflicts)) == Counter(map(mirrored, there.conflicts))
    if not here.conflicts:
        assert unordered(value_of(here.data)) == unordered(value_of(there.data))


def told(one: Conflict) -> str:
    return f"{kind(one)} {exact(one.base)} {exact(one.ours)} {exact(one.theirs)}"


def mirrored(one: Conflict) -> str:
    return f"{kind(one)} {exact(one.base)} {exact(one.theirs)} {exact(one.ours)}"


def kind(one: Conflict) -> str:
    return re.sub(r"\[\d+\]", "[]", one.name)


def unordered(value: Any) -> Any:
    """What a prompt says, without the order of its items; lines of a text that both added come in two orders too."""
    if isinstance(value, dict):
        return {key: unordered(each) for key, each in value.items() if key != "version"}
    return sorted(exact(unordered(each)) for each in value) if isinstance(value, list) else value


@given(bodies, bodies, bodies)
def test_no_item_is_lost_and_none_comes_back(before: Any, ours: Any, theirs: Any) -> None:
    merged = merge_prompts(text(1, before), text(2, ours), text(3, theirs), file=FILE)
    found = value_of(merged.data)
    for key, words in (("rules", "text"), ("examples", "input")):
        base, mine, other, result = (
            Counter(exact(item[words]) for item in side.get(key) or ())
            for side in (before, ours, theirs, found)
        )
        told = set(in_conflict(merged.conflicts, words))
        for item in {*mine, *other} - told:
            assert result[item] >= min(mine[item], other[item])
            if item not in base:
                assert result[item] >= max(mine[item], other[item])
        for item in {*base} - told:
            if mine[item] < base[item] and other[item] <= base[item]:
                assert result[item] <= other[item]
            if other[item] < base[item] and mine[item] <= base[item]:
                assert result[item] <= mine[item]


def in_conflict(conflicts: Iterable[Conflict], words: str) -> Iterator[str]:
    """The words of every item that a conflict speaks of."""
    forms = [form for one in conflicts for form in (one.base, one.ours, one.theirs)]
    items = [item for form in forms for item in (form if isinstance(form, list) else [form])]
    for form in items:
        yield exact(form[words] if isinstance(form, dict) and words in form else form)


@given(bodies, bodies, bodies)
def test_the_result_is_a_prompt_and_conflicts_are_marked_in_it(before: Any, ours: Any, theirs: Any) -> None:
    merged = merge_prompts(text(1, before), text(2, ours), text(2, theirs), file=FILE)
    load_prompt(merged.data, file=FILE)
    marks = conflict_markers(merged.data.decode())
    assert len(marks) == 2 * len(merged.conflicts)
    for one in merged.conflicts:
        assert one.name in merged.data.decode()


@given(bodies, bodies, bodies)
def test_what_both_changed_differently_is_never_taken_from_one(before: Any, ours: Any, theirs: Any) -> None:
    """Scalars and keys: in the result only where one side left the base as it was, or both agree."""
    merged = merge_prompts(text(1, before), text(2, ours), text(3, theirs), file=FILE)
    names = {one.path[0] for one in merged.conflicts}
    found = value_of(merged.data)
    for key in ("description", "later"):
        base, mine, other = (side.get(key, ABSENT) for side in (before, ours, theirs))
        if len({exact(base), exact(mine), exact(other)}) == 3:
            assert key in names
            assert exact(found.get(key, ABSENT)) == exact(mine)
        elif key not in names:
            wanted = mine if exact(other) == exact(base) else other
            assert exact(found.get(key, ABSENT)) == exact(wanted)


@given(bodies, bodies, bodies, st.integers(1, 5), st.integers(1, 5))
def test_a_number_never_stands_for_two_contents(
    before: Any, ours: Any, theirs: Any, one: int, two: int
) -> None:
    base, mine, other = text(1, before), text(one, ours), text(two, theirs)
    data = merge_prompts(base, mine, other, file=FILE).data
    if data not in {mine, other}:
        assert value_of(data)["version"] == max(one, two) + 1
    if mine != other and base not in {mine, other} and one == two:
        assert data not in {mine, other}


PROMPT = """\
# Ours to keep.
name: a/b
version: 3
description: Route it.
messages:
  - role: system
    content: |
      Route the message.
      Answer with a label.
      Be polite.
  - role: user
    content: "{{ m }}"
rules:
  - text: Never guess.
    because: [E1]
  # the second
  - text: 'Cards are fraud.'

# further down
examples:
  - input: {m: "hello"}
    output: greeting
output: {format: text}
tags: [a, b]
"""


def edited(*changes: tuple[str, str], version: int = 4, of: str = PROMPT) -> bytes:
    result = of.replace("version: 3", f"version: {version}")
    for old, new in changes:
        assert old in result, old
        result = result.replace(old, new)
    return result.encode()


CARDS = "  - text: 'Cards are fraud.'\n"


def test_both_add_at_the_same_place_ours_first_with_their_comments() -> None:
    ours = edited((CARDS, CARDS + "  # from us\n  - text: Ours.\n"))
    theirs = edited((CARDS, CARDS + "  # from them\n  - text: Theirs.\n    because: [E7]\n"))
    added = "  # from us\n  - text: Ours.\n  # from them\n  - text: Theirs.\n    because: [E7]\n"
    merged = merge_prompts(PROMPT.encode(), ours, theirs, file=FILE)
    assert merged.data == edited((CARDS, CARDS + added), version=5)
    assert merged.conflicts == ()


def test_both_add_the_same_rule_with_other_citations_once() -> None:
    ours = edited((CARDS, CARDS + "  - text: New.\n    because: [E7]\n"))
    theirs = edited((CARDS, CARDS + "  - text: New.\n    because: [E8]\n"))
    merged = merge_prompts(PROMPT.encode(), ours, theirs, file=FILE)
    found = value_of(merged.data)["rules"]
    assert [rule["text"] for rule in found] == ["Never guess.", "Cards are fraud.", "New."]
    assert found[2]["because"] == ["E7", "E8"]


def test_a_text_is_merged_by_lines_and_a_clash_keeps_ours() -> None:
    ours = edited(("Route the message.", "Route the customer's message."))
    theirs = edited(("Be polite.", "Be polite and brief."))
    content = value_of(merge_prompts(PROMPT.encode(), ours, theirs, file=FILE).data)["messages"][0]["content"]
    assert content == "Route the customer's message.\nAnswer with a label.\nBe polite and brief.\n"

    theirs = edited(("Route the message.", "Sort the message."), ("Be polite.", "Be kind."))
    merged = merge_prompts(PROMPT.encode(), ours, theirs, file=FILE)
    content = value_of(merged.data)["messages"][0]["content"]
    assert content == "Route the customer's message.\nAnswer with a label.\nBe kind.\n"
    (one,) = merged.conflicts
    assert (one.name, one.theirs) == ("messages[0].content", "Sort the message.\n")
    assert "#   Sort the message." in merged.data.decode()


@pytest.mark.parametrize(
    ("ours", "theirs", "names"),
    [
        (("Never guess.", "Do not guess."), ("Never guess.", "Never ever guess."), ["rules[0].text"]),
        ((CARDS, ""), ("Cards are", "Cards and loans are"), ["rules[1]"]),
        (("Cards are", "Cards and loans are"), (CARDS, ""), ["rules[1]"]),
        (("output: greeting", "output: hello"), ('{m: "hello"}', '{m: "hello there"}'), ["examples[0]"]),
        (("Route it.", "Ours."), ("Route it.", "Theirs."), ["description"]),
        (("[a, b]", "[a, b, c]"), ("[a, b]", "[b]"), []),
        (("{format: text}", "{format: json}"), ("tags: [a, b]\n", ""), []),
    ],
)
def test_what_overlaps_is_a_conflict(
    ours: tuple[str, str], theirs: tuple[str, str], names: list[str]
) -> None:
    merged = merge_prompts(PROMPT.encode(), edited(ours), edited(theirs), file=FILE)
    assert [one.name for one in merged.conflicts] == names
    mirror = merge_prompts(PROMPT.encode(), edited(theirs), edited(ours), file=FILE)
    assert [one.name for one in mirror.conflicts] == names
    assert "# Ours to keep." in merged.data.decode()


def test_an_order_is_kept_from_the_side_that_moved_and_two_orders_are_a_conflict() -> None:
    three = PROMPT.replace(CARDS, CARDS + "  - text: Third.\n")
    first = "  - text: Never guess.\n    because: [E1]\n"
    moved = edited((first, ""), ("  - text: Third.\n", "  - text: Third.\n" + first), of=three)
    other = edited(("[a, b]", "[a]"), of=three)
    for sides in ((moved, other), (other, moved)):
        merged = merge_prompts(three.encode(), *sides, file=FILE)
        assert merged.conflicts == ()
        texts = [rule["text"] for rule in value_of(merged.data)["rules"]]
        assert texts == ["Cards are fraud.", "Third.", "Never guess."]
    third = edited(("  - text: Third.\n", ""), (first, "  - text: Third.\n" + first), of=three)
    merged = merge_prompts(three.encode(), moved, third, file=FILE)
    assert [one.name for one in merged.conflicts] == ["rules"]


def test_two_messages_added_at_one_place_are_a_conflict() -> None:
    ours = edited(("  - role: user\n", "  - role: system\n    content: Ours.\n  - role: user\n"))
    theirs = edited(("  - role: user\n", "  - role: system\n    content: Theirs.\n  - role: user\n"))
    merged = merge_prompts(PROMPT.encode(), ours, theirs, file=FILE)
    assert [one.reason for one in merged.conflicts] == ["both sides added something here"]
    assert [each["content"] for each in value_of(merged.data)["messages"]][1:] == ["Ours.", "{{ m }}"]


def test_a_file_that_both_added_is_merged_without_a_base() -> None:
    merged = merge_prompts(
        None, edited((CARDS, "")), edited(("  - text: Never guess.\n    because: [E1]\n", "")), file=FILE
    )
    assert merged.conflicts == ()
    assert {rule["text"] for rule in value_of(merged.data)["rules"]} == {"Never guess.", "Cards are fraud."}
    assert value_of(merged.data)["version"] == 5


def test_a_side_that_has_it_all_with_the_higher_number_is_that_version() -> None:
    ours = edited(("[a, b]", "[a, b, c]"))
    theirs = edited(("[a, b]", "[a, b, c]"), ("Route it.", "Route."), version=5)
    assert merge_prompts(PROMPT.encode(), ours, theirs, file=FILE).data == theirs
    assert merge_prompts(PROMPT.encode(), theirs, ours, file=FILE).data == theirs


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (PROMPT.replace("rules:", "rules: &r").replace("tags: [a, b]", "tags: [a, b]\nagain: *r"), None),
        (PROMPT.replace("\n", "\r\n"), PROMPT.replace("\n", "\r\n")),
        ("\ufeff" + PROMPT, PROMPT),
        (PROMPT.removesuffix("\n"), PROMPT.removesuffix("\n")),
    ],
)
def test_odd_layouts_are_merged_or_a_conflict_but_never_damaged(ours: str, theirs: str | None) -> None:
    base = (ours if theirs is None else theirs).encode()
    mine = ours.replace("version: 3", "version: 4").replace("Never guess.", "Do not guess.").encode()
    other = base.replace(b"version: 3", b"version: 4").replace(
        b"- text: 'Cards are", b"- text: 'All cards are"
    )
    merged = merge_prompts(base, mine, other, file=FILE)
    found = value_of(merged.data)
    assert {rule["text"] for rule in found["rules"]} >= {"Do not guess."}
    if not merged.conflicts:
        assert {rule["text"] for rule in found["rules"]} == {"Do not guess.", "All cards are fraud."}
    assert merged.data.startswith("\ufeff".encode()) == ours.startswith("\ufeff")


def rules_of(*texts: str, version: int = 4) -> bytes:
    return text(version, {"rules": [{"text": each} for each in texts], "examples": [], "lines": []})


def test_what_they_removed_and_we_wrote_a_second_time_is_a_conflict() -> None:
    base, ours, theirs = rules_of("A.", "B.", version=3), rules_of("A.", "B.", "B."), rules_of("A.")
    assert len(merge_prompts(base, ours, theirs, file=FILE).conflicts) == 1
    assert len(merge_prompts(base, theirs, ours, file=FILE).conflicts) == 1


@pytest.mark.parametrize("texts", [("A.", "B.", "A."), ("A.", "A."), ("A.", "B.", "A.", "C.")])
def test_of_equal_items_none_is_lost_that_both_sides_have(texts: tuple[str, ...]) -> None:
    """Each side took another copy out, and so there would be none."""
    shorter = [list(each) for size in range(len(texts) + 1) for each in permutations(texts, size)]
    clean = 0
    for ours, theirs in product(shorter, shorter):
        merged = merge_prompts(rules_of(*texts, version=3), rules_of(*ours), rules_of(*theirs), file=FILE)
        if not merged.conflicts:
            found = [rule["text"] for rule in value_of(merged.data).get("rules") or ()]
            assert all(found.count(one) >= min(ours.count(one), theirs.count(one)) for one in texts)
            clean += 1
    assert clean


def test_copies_that_are_not_the_same_on_both_sides_are_left_to_a_person() -> None:
    base, ours, theirs = rules_of("A.", "B.", "A.", version=3), rules_of("A.", "B."), rules_of("B.", "A.")
    merged = merge_prompts(base, ours, theirs, file=FILE)
    assert [one.name for one in merged.conflicts] == ["rules"]
    assert [rule["text"] for rule in value_of(merged.data)["rules"]] == ["A.", "B."]


def test_an_item_that_would_stand_there_more_often_than_on_either_side_is_a_conflict() -> None:
    near, other = "Cards are money now.", "Greet everybody."
    base = rules_of(near, "Cards are fraud now.", other, version=3)
    ours = rules_of("Cards are fraud now.", "Cards are fraud now.", other)
    theirs = rules_of(near, "Cards are fraud now.", "Cards are fraud now.")
    merged = merge_prompts(base, ours, theirs, file=FILE)
    assert merged.conflicts


def test_a_variable_is_not_left_without_anything_to_stand_in_for_it() -> None:
    declared = PROMPT + "variables:\n  m:\n    default: hello\n    description: words\n"
    ours = edited(("    default: hello\n", "    default: hello\n    required: false\n"), of=declared)
    theirs = edited(("    default: hello\n", ""), of=declared)
    for sides in ((ours, theirs), (theirs, ours)):
        merged = merge_prompts(declared.encode(), *sides, file=FILE)
        assert [one.name for one in merged.conflicts] == ["variables.m"]
        load_prompt(merged.data.replace(b"[E1]", b"[]"), file=FILE)


def test_messages_are_not_all_removed() -> None:
    first = PROMPT[PROMPT.index("  - role: system") : PROMPT.index("  - role: user")]
    ours, theirs = edited((first, "")), edited(('  - role: user\n    content: "{{ m }}"\n', ""))
    merged = merge_prompts(PROMPT.encode(), ours, theirs, file=FILE)
    assert [one.name for one in merged.conflicts] == ["messages"]
    assert len(value_of(merged.data)["messages"]) == 1


def test_lines_that_merge_without_a_clash_and_say_something_else_are_not_taken() -> None:
    """For git two additions at two places; for us the same rule."""
    ours = edited(("rules:\n", "rules:\n  - text: New.\n"))
    theirs = edited((CARDS, CARDS + "  - text: New.\n"))
    merged = merge_prompts(PROMPT.encode(), ours, theirs, file=FILE)
    assert [rule["text"] for rule in value_of(merged.data)["rules"]].count("New.") == 1


def test_a_side_that_has_it_all_with_the_same_number_gets_another() -> None:
    ours = edited(("[a, b]", "[a, b, c]"))
    theirs = edited(("[a, b]", "[a, b, c]"), ("Route it.", "Route."))
    wanted = edited(("[a, b]", "[a, b, c]"), ("Route it.", "Route."), version=5)
    assert merge_prompts(PROMPT.encode(), ours, theirs, file=FILE).data == wanted
    assert merge_prompts(PROMPT.encode(), theirs, ours, file=FILE).data == wanted


def test_a_rule_that_both_worked_on_keeps_the_comment_above_it() -> None:
    cited = PROMPT.replace(CARDS, "  - text: 'Cards are fraud.'\n    because: [E2]\n    note: n\n")
    ours = edited(("Cards are fraud.", "Cards are card_fraud."), of=cited)
    theirs = edited(("[E2]", "[E2, E3]"), ("note: n", "note: m"), of=cited)
    merged = merge_prompts(cited.encode(), ours, theirs, file=FILE)
    assert merged.conflicts == ()
    added = "  - text: 'Cards are card_fraud.'\n    because: [E2, E3]\n    note: m\n"
    assert f"  # the second\n{added}" in merged.data.decode()


def test_the_ends_of_our_lines_hold_for_theirs() -> None:
    ours = edited(("Route it.", "Route."), of=PROMPT.replace("\n", "\r\n"))
    theirs = edited((CARDS, CARDS + "  # from them\n  - text: Theirs.\n"))
    merged = merge_prompts(PROMPT.encode(), ours, theirs, file=FILE)
    assert merged.conflicts == ()
    assert b"  # from them\r\n  - text: Theirs.\r\n" in merged.data
    assert merged.data.count(b"\n") == merged.data.count(b"\r\n")


def test_what_is_no_yaml_is_merged_by_lines_with_git_s_marks() -> None:
    base, ours, theirs = b"a: [\nx\ny\n", b"a: [\nours\ny\n", b"a: [\ntheirs\ny\n"
    merged = merge_prompts(base, ours, theirs, file=FILE)
    assert merged.data == b"a: [\n<<<<<<< ours\nours\n=======\ntheirs\n>>>>>>> theirs\ny\n"
    assert conflict_markers(merged.data.decode()) == (2, 6)
    assert len(merged.conflicts) == 1
    assert merge_prompts(base, b"a: [\nours\ny\n", b"a: [\nx\ny\nz\n", file=FILE).conflicts == ()


def test_marks_inside_a_value_are_words_of_the_prompt() -> None:
    inside = PROMPT.replace("      Be polite.", "      <<<<<<< HEAD\n      # <<<<<<< a\n      >>>>>>> b")
    assert conflict_markers(inside) == ()
    assert conflict_markers(inside + "# >>>>>>> theirs\n") == (inside.count("\n") + 1,)
    assert conflict_markers("<<<<<<< HEAD\n" + PROMPT + ">>>>>>> b\n") == (1, PROMPT.count("\n") + 2)


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_any_text_in_a_conflict_stays_a_comment(base: str, ours: str, theirs: str) -> None:
    sides = [dump_yaml({"name": "a/b", "version": 1, "x": each}).encode() for each in (base, ours, theirs)]
    merged = merge_prompts(*sides, file=FILE)
    found = value_of(merged.data)
    if merged.conflicts:
        assert found["x"] == ours
        assert conflict_markers(merged.data.decode())
