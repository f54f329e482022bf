"""Comments in a three-way merge: each that a side wrote, or both kept, is in the result, or there is a conflict."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.documents import load_yaml
from promptvc.prompts.marks import conflict_markers
from promptvc.store.merging.comments import COMMENTS, comments_of
from promptvc.store.merging.merge import merge_prompts

FILE = "prompts/a/b.yaml"
HEAD = """\
name: a/b
version: 3
# of the model
model: offline
messages:
- {role: user, content: "{{ m }}"}
"""
WORDS = ("Cards are fraud.", "Greet in German.", "Ask for the number.", "Name one team only.")


@dataclass(frozen=True)
class Line:
    """A rule with its comments, and how far its dash is indented."""

    text: str
    above: str = ""
    behind: str = ""

    def written(self, margin: str) -> str:
        above = f"{margin}# {self.above}\n" if self.above else ""
        behind = f" # {self.behind}" if self.behind else ""
        return f"{above}{margin}- text: {self.text}{behind}\n"


def written(lines: list[Line], margin: str = "", head: str = HEAD) -> bytes:
    rules = "rules:\n" + "".join(line.written(margin) for line in lines) if lines else ""
    return (head + rules + "tags: [a]\n").encode()


sides = st.sampled_from(["", "base note", "ours", "theirs"])
base_lines = st.lists(
    st.builds(Line, st.sampled_from(WORDS), st.sampled_from(["", "base note"]), st.sampled_from(["", "b"])),
    max_size=4,
)
edits = st.lists(
    st.tuples(
        st.sampled_from(["keep", "keep", "edit", "remove", "above", "behind", "bare"]),
        st.sampled_from(["new one", "new two", "new three"]),
    ),
    min_size=5,
    max_size=5,
)


def changed(lines: list[Line], steps: list[tuple[str, str]], side: str) -> list[Line]:
    result = []
    for line, (step, word) in zip([*lines, Line("Added at the end.")], steps, strict=False):
        if line.text.startswith("Added") and step == "keep":
            continue
        if step == "edit":
            result.append(Line(f"{line.text} Now {side}.", line.above, line.behind))
        elif step == "above":
            result.append(Line(line.text, f"{word} of {side}", line.behind))
        elif step == "behind":
            result.append(Line(line.text, line.above, f"{word} behind of {side}"))
        elif step == "bare":
            result.append(Line(line.text))
        elif step != "remove":
            result.append(line)
    return result


def comments(data: bytes) -> set[str]:
    return set(comments_of(load_yaml(data, file=FILE)))


@given(base_lines, edits, edits, st.sampled_from(["", "  "]), st.booleans())
def test_no_comment_is_lost_that_a_side_wrote_or_both_kept(
    lines: list[Line], one: list[tuple[str, str]], two: list[tuple[str, str]], margin: str, without: bool
) -> None:
    base, ours = written(lines), written(changed(lines, one, "ours")).replace(b"version: 3", b"version: 4")
    theirs = written(changed(lines, two, "theirs"), margin).replace(b"version: 3", b"version: 4")
    merged = merge_prompts(None if without else base, ours, theirs, file=FILE)
    mine, other, before = comments(ours), comments(theirs), set() if without else comments(base)
    wanted = (mine & other) | (mine - before) | (other - before)
    if not any(conflict.path == COMMENTS for conflict in merged.conflicts):
        assert wanted <= comments(merged.data)
    else:
        told = merged.data.decode()
        assert all(each in told for each in wanted)
    bare = [re.sub(rb" *#[^\n]*", b"", data) for data in (base, ours, theirs)]
    plain = merge_prompts(None if without else bare[0], bare[1], bare[2], file=FILE)
    assert said(merged.data) == said(plain.data)
    assert [each for each in merged.conflicts if each.path != COMMENTS] == list(plain.conflicts)


def said(data: bytes) -> Any:
    value = load_yaml(data, file=FILE).value
    return {key: each for key, each in value.items() if key != "version"}


RULES = [Line("one"), Line("two"), Line("three")]


@pytest.mark.parametrize("place", ["above", "behind"])
@pytest.mark.parametrize("ours_writes", [True, False])
@pytest.mark.parametrize("note", ["KEEP", "promptvc: ignore[duplicate-rule] legal wants it"])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_comment_at_one_rule_and_an_edit_of_another(
    place: str, ours_writes: bool, note: str, at: int
) -> None:
    commented = list(RULES)
    commented[at] = Line(RULES[at].text, **{place: note})
    edited = list(RULES)
    edited[(at + 1) % 3] = Line("something else")
    ours, theirs = written(commented), written(edited)
    if not ours_writes:
        ours, theirs = theirs, ours
    merged = merge_prompts(written(RULES), ours, theirs, file=FILE)
    wanted = list(commented)
    wanted[(at + 1) % 3] = Line("something else")
    assert merged.data == written(wanted).replace(b"version: 3", b"version: 4")
    assert merged.conflicts == ()


def test_a_comment_above_a_rule_that_they_edit_stays_above_it() -> None:
    ours = written([Line("one", above="KEEP"), *RULES[1:]])
    for margin in ("", "    "):
        theirs = written([Line("one", above=""), Line("two two", above=""), RULES[2]], margin)
        merged = merge_prompts(written(RULES), ours, theirs, file=FILE)
        assert merged.conflicts == ()
        assert b"# KEEP\n- text: one\n- text: two two\n- text: three\n" in merged.data
    theirs = written([Line("one one"), *RULES[1:]])
    merged = merge_prompts(written(RULES), ours, theirs, file=FILE)
    assert merged.conflicts == ()
    assert b"# KEEP\n- text: one one\n" in merged.data


def test_a_comment_at_the_very_words_that_the_other_side_changed_is_a_conflict_and_is_shown() -> None:
    ours = written([Line("one", behind="KEEP"), *RULES[1:]])
    theirs = written([Line("one one"), *RULES[1:]])
    for sides_ in ((ours, theirs), (theirs, ours)):
        merged = merge_prompts(written(RULES), *sides_, file=FILE)
        (one,) = merged.conflicts
        assert one.name == "comments"
        assert "#   # KEEP\n" in merged.data.decode()
        assert len(conflict_markers(merged.data.decode())) == 2
    assert (one.to_json()["ours"], one.to_json()["theirs"]) == (None, "# KEEP")


def test_what_one_side_took_away_stays_away() -> None:
    noted = [Line("one", above="old"), Line("two", above="old two"), Line("three")]
    ours = written([Line("one", above="old"), Line("two two", above="old two"), Line("three")])
    theirs = written([Line("one"), Line("two"), Line("three three")])
    merged = merge_prompts(written(noted), ours, theirs, file=FILE)
    assert merged.conflicts == ()
    assert b"old" not in merged.data


def test_above_the_first_rule_below_the_last_and_at_the_ends_of_the_file() -> None:
    rules = [Line("one"), Line("two")]
    ours = b"# top of ours\n" + written([Line("one ours"), Line("two", above="ours")]) + b"# end of ours\n"
    theirs = b"# top of theirs\n" + written([Line("one", above="first"), Line("two")]) + b"# end of theirs"
    merged = merge_prompts(written(rules), ours, theirs, file=FILE)
    assert merged.conflicts == ()
    text = merged.data.decode()
    assert text.startswith("# top of ours\n# top of theirs\nname: a/b\n")
    assert text.endswith("tags: [a]\n# end of ours\n# end of theirs\n")
    assert "rules:\n# first\n- text: one ours\n# ours\n- text: two\n" in text


@given(st.text("#'\"|>:-ab \n", max_size=30))
def test_what_stands_in_a_value_is_no_comment(text: str) -> None:
    document = HEAD + f"metadata: {{x: {text!r}}}\n" if "\n" not in text else HEAD
    try:
        read = load_yaml(document.encode(), file=FILE)
    except Exception:  # noqa: BLE001 - Python's quotes are not always YAML's
        return
    assert set(comments_of(read)) == {"# of the model"}


def test_comments_behind_the_sign_of_a_long_text_and_behind_keys_are_found() -> None:
    text = "a: | # one\n  # no comment\n  x\n# two\nb: # three\n- 'c # no' # four\n- >- # five\n  d\n"
    found = set(comments_of(load_yaml(text.encode(), file=FILE)))
    assert found == {"# one", "# two", "# three", "# four", "# five"}
