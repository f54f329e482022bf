"""The changes of a candidate as Markdown: what was, what is, and right under it the words of the users behind it.

What is short stands in code spans. What has lines is a fenced diff, folded away; its fence is longer than any row of
backticks in it, so that nothing in it can end it. Nothing foreign stands anywhere else (:mod:`.spans` says why).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from promptvc.base.plain import one_line, written
from promptvc.base.spans import code, words
from promptvc.evaluation.reports.figures import counted
from promptvc.evaluation.reports.parts import Part
from promptvc.review.folded import Folded
from promptvc.review.report import Cited, Voice

VOICES_SHOWN = 3
WORDS_SHOWN = 300
EXAMPLES_SHOWN = 8
"""Above so many they are folded away: each is short, and all of them are more than a screen."""
LINES_SHOWN = 40
"""Of one diff; its longest row has so many lines of so many characters, and so always fits into a comment."""
LINE_SHOWN = 160

_MOST_LINES = 2000
"""Lines a side above which nothing is matched: comparing is quadratic, and texts come from strangers."""
_SHORT = 200
_TICKS = re.compile("`+")


def changes_parts(changes: Sequence[Cited], share: float, *, first: bool) -> Iterator[Part]:
    """Every change: what a prompt says first, then its examples, folded away where they are many.

    Args:
        share: of the room that is left when it is a part's turn.
        first: there is no other version.
    """
    if not changes:
        told = "This is the first version." if first else "Nothing but the version number."
        yield Part(f"\n#### What changes\n\n{told}\n", (), 0, share=share)
        return
    examples = [one for one in changes if one.change.path.startswith("examples")]
    others = [one for one in changes if not one.change.path.startswith("examples")]
    head = f"\n#### What changes, and because of whom ({len(changes):,})\n\n"
    if others:
        yield Part(head, (_row(one) for one in others), len(others), "change", share)
        head = "\n"
    if len(examples) > EXAMPLES_SHOWN:
        summary = counted(len(examples), "change") + " of examples"
        head += f"<details><summary>{summary}</summary>\n\n"
        yield Folded(head, (_row(one) for one in examples), len(examples), "change", share)
    elif examples:
        yield Part(head, (_row(one) for one in examples), len(examples), "change", share)


def plain_text(value: Any) -> str:
    """One side of a change in words: the text of a rule or a message, ``input → output`` of an example, else JSON."""
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            return str(value["text"])
        if "input" in value and "output" in value:
            return f"{_asked(value['input'])} → {written(value['output'])}"
        if isinstance(value.get("content"), str):
            return f"{value.get('role')}: {value['content']}"
    return written(value)


def _asked(given: Any) -> str:
    if isinstance(given, dict) and len(given) == 1:
        return written(next(iter(given.values())))
    return written(given)


def _row(cited: Cited) -> str:
    change = cited.change
    before, after = (None if side is None else plain_text(side) for side in (change.before, change.after))
    head = f"- **{change.kind}** {code(change.path)}"
    shown = [text for text in (before, after) if text is not None]
    if change.kind == "moved":
        text = f"{head}: {code(after or '', _SHORT)}\n"
    elif all("\n" not in text.strip() and len(text) <= _SHORT for text in shown):
        text = f"{head}: {' → '.join(code(one, _SHORT + 1) for one in shown)}\n"
    else:
        text = f"{head}:\n\n{_folded(before or '', after or '')}\n"
    return text + "".join(_voices(cited.voices, after or before or ""))


def _same(one: str, other: str) -> bool:
    """Whether two texts say the same, however an arrow is drawn."""
    return one.replace("->", "\u2192").split() == other.replace("->", "\u2192").split()


def _voices(voices: Sequence[Voice], told: str) -> Iterator[str]:
    """A line each; words that the change itself repeats are not told twice."""
    for voice in voices[:VOICES_SHOWN]:
        if voice.words is None:
            yield f"  - {code(voice.id)} is gone: forgotten, or archived elsewhere\n"
            continue
        said = [words(voice.kind or "event")]
        if voice.user is not None:
            said.append(f"by {code(voice.user)}")
        if voice.time is not None:
            said.append(f"on {voice.time:%Y-%m-%d}")
        quoted = "" if _same(voice.words, told) else f"{code(voice.words, WORDS_SHOWN)}, "
        yield f"  - {quoted}{' '.join(said)}, {code(voice.id)}\n"
    if len(voices) > VOICES_SHOWN:
        yield f"  - and {counted(len(voices) - VOICES_SHOWN, 'more event')}\n"


def _folded(before: str, after: str) -> str:
    """A diff by lines, in a block that is opened with a click; indented as the content of a list item."""
    lines = list(_diff(before.splitlines(), after.splitlines()))
    told = [sum(line.startswith(sign) for line in lines) for sign in "+-"]
    left = len(lines) - LINES_SHOWN
    shown = [_line(line) for line in lines[:LINES_SHOWN]]
    longest = max((len(found) for line in shown for found in _TICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    body = [
        f"<details><summary>{counted(told[0], 'line')} in, {counted(told[1], 'line')} out</summary>",
        "",
        f"{fence}diff",
        *shown,
        fence,
        *(["", f"{counted(left, 'more line')} not shown here."] if left > 0 else []),
        "",
        "</details>",
        "",
    ]
    return "\n".join(f"  {line}".rstrip() for line in body)


def _diff(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """Lines with ``+``, ``-`` or a blank in front; of what is the same only what is near."""
    if max(len(before), len(after)) > _MOST_LINES:
        yield from (f"-{line}" for line in before)
        yield from (f"+{line}" for line in after)
        return
    found = difflib.unified_diff(before, after, lineterm="", n=2)
    yield from (line for at, line in enumerate(found) if at > 1)  # the first two name files


def _line(line: str) -> str:
    sign, text = line[:1], line[1:]
    if sign == "@":
        return "@@"
    blank = min(len(text) - len(text.lstrip(" ")), 40)
    return sign + " " * blank + one_line(text, LINE_SHOWN)
