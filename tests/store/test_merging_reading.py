"""A merged prompt is read before it is called clean: the language of its templates, its variables, its examples."""

from __future__ import annotations

import pytest

from promptvc.base.documents import load_yaml
from promptvc.base.errors import InputError
from promptvc.prompts.marks import conflict_markers
from promptvc.prompts.model import load_prompt
from promptvc.prompts.render import Renderer
from promptvc.store.merging.merge import merge_prompts

FILE = "prompts/a/b.yaml"
PROMPT = """\
name: a/b
version: 3
messages:
- role: system
  content: |
    You are kind.
    You are brief.
    You never guess.
- role: user
  content: "{{ m }}"
"""


def edited(*changes: tuple[str, str], of: str = PROMPT) -> bytes:
    text = of.replace("version: 3", "version: 4")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text.encode()


JINJA = ("messages:", "template: jinja2\nmessages:")
SIGNS = ("    You never guess.\n", "    You never guess.\n    Write {% if %} literally.\n")


def test_a_template_language_of_one_side_and_words_of_the_other_are_a_conflict() -> None:
    ours, theirs = edited(JINJA), edited(SIGNS)
    for side in (ours, theirs):
        Renderer(load_prompt(side, file=FILE))
    for sides in ((ours, theirs), (theirs, ours)):
        merged = merge_prompts(PROMPT.encode(), *sides, file=FILE)
        assert [one.name for one in merged.conflicts] == ["template", "messages"]
        found, mine = (load_yaml(data, file=FILE).value for data in (merged.data, sides[0]))
        assert {key: found.get(key) for key in ("template", "messages")} == {
            key: mine.get(key) for key in ("template", "messages")
        }
        assert len(conflict_markers(merged.data.decode())) == 4
        assert "Write {% if %} literally." in merged.data.decode()


def test_a_template_language_that_is_taken_back_is_one_too() -> None:
    written = PROMPT.replace(*JINJA)
    ours, theirs = edited(("template: jinja2\n", ""), of=written), edited(SIGNS, of=written)
    merged = merge_prompts(written.encode(), ours, theirs, file=FILE)
    assert [one.name for one in merged.conflicts] == ["template", "messages"]
    assert "template" not in load_yaml(merged.data, file=FILE).value


def test_a_template_language_and_a_rule_or_the_same_words_are_none() -> None:
    ruled = edited(('"{{ m }}"\n', '"{{ m }}"\nrules:\n- text: Be {% kind %}.\n'))
    merged = merge_prompts(PROMPT.encode(), edited(JINJA), ruled, file=FILE)
    assert merged.conflicts == ()
    said = ("You are kind.", "You are very kind.")
    merged = merge_prompts(PROMPT.encode(), edited(JINJA, said), edited(said), file=FILE)
    assert merged.conflicts == ()
    named = edited(("messages:", "template: simple\nmessages:"))
    merged = merge_prompts(PROMPT.encode(), named, edited(SIGNS), file=FILE)
    assert merged.conflicts == ()


def test_two_prompts_of_one_name_in_two_languages_are_never_mixed() -> None:
    merged = merge_prompts(None, edited(JINJA), edited(SIGNS), file=FILE)
    assert [one.name for one in merged.conflicts] == ["template", "messages"]


def test_an_example_that_lacks_what_the_other_side_now_asks_for_is_a_conflict() -> None:
    ours = edited(('"{{ m }}"', '"{{ m }} {{ n }}"'))
    theirs = edited(('"{{ m }}"\n', '"{{ m }}"\nexamples:\n- input: {m: hello}\n  output: hi\n'))
    for sides in ((ours, theirs), (theirs, ours)):
        merged = merge_prompts(PROMPT.encode(), *sides, file=FILE)
        (one,) = merged.conflicts
        assert one.name == "the file"
        assert "has no `n`" in one.reason
        assert len(conflict_markers(merged.data.decode())) == 2
        assert "{{ n }}" in merged.data.decode()


def test_what_was_broken_before_is_not_for_a_merge_to_say() -> None:
    written = PROMPT.replace(*JINJA)
    ours = edited(("    You never guess.\n", "    You never guess.\n    {% endif %}\n"), of=written)
    merged = merge_prompts(written.encode(), ours, edited(("You are kind", "Be kind"), of=written), file=FILE)
    with pytest.raises(InputError):
        Renderer(load_prompt(ours, file=FILE))
    assert merged.conflicts == ()


def test_blocks_of_jinja_that_do_not_close_together_are_a_conflict() -> None:
    lines = [
        "{% if m %}",
        "You are kind.",
        "{% endif %}",
        "You are brief.",
        "{% if m %}",
        "No.",
        "{% endif %}",
    ]
    text = "".join(f"    {line}\n" for line in lines)
    written = PROMPT.replace(*JINJA).replace(
        "    You are kind.\n    You are brief.\n    You never guess.\n", text
    )
    # One wraps the first two blocks into one, the other takes the last away with its end.
    ours = edited(("    {% endif %}\n    You are brief.\n", "    You are brief.\n"), of=written)
    ours = ours.replace(b"    {% endif %}\n- role", b"    {% endif %}\n    {% endif %}\n- role")
    theirs = edited(("    {% if m %}\n    You are kind.\n", "    You are kind.\n"), of=written).replace(
        b"    You are kind.\n    {% endif %}\n", b"    You are kind.\n"
    )
    for side in (ours, theirs):
        Renderer(load_prompt(side, file=FILE))
    merged = merge_prompts(written.encode(), ours, theirs, file=FILE)
    assert merged.conflicts
    assert any("Jinja" in one.reason for one in merged.conflicts)
