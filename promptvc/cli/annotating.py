"""The desk of a reviewer in a terminal: an answer is shown, questions are asked, the review is written."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import click

from promptvc.analysis.annotations.scales import Scale
from promptvc.base.errors import Usage
from promptvc.cli.ui import Ui
from promptvc.workflows import annotate as story
from promptvc.workflows.project import Project

_EDITOR = "e"


class Move(Enum):
    """Where to go instead of answering."""

    SKIP = "s"
    BACK = "b"
    QUIT = "q"


class _Moved(Exception):
    """The reviewer wants to be elsewhere."""

    def __init__(self, move: Move) -> None:
        super().__init__(move.value)
        self.move = move


_MOVES = {move.value: move for move in Move}


class Desk:
    """Works ``found``. What is answered is written before the next answer is shown; so killing it loses nothing."""

    def __init__(self, ui: Ui, project: Project, found: story.Queue, reviewer: str | None) -> None:
        self._ui, self._project, self._found, self._reviewer = ui, project, found, reviewer

    def work(self) -> None:
        """Until the queue is empty or the reviewer quits."""
        items, place, done = self._found.items, 0, 0
        while place < len(items):
            item = items[place]
            try:
                self._show(item, f"{place + 1} of {len(items)}")
                recorded = self._review(item)
            except _Moved as moved:
                if moved.move is Move.QUIT:
                    break
                if moved.move is Move.SKIP:
                    story.skip(self._project, item.id, self._reviewer)
                place = max(0, place - 1) if moved.move is Move.BACK else place + 1
                continue
            done += 1
            place += 1
            self._ui.line(f"recorded {recorded.id}", "good")
            self._ui.flush()
        left = self._found.total - place
        self._ui.line(f"{done:,} reviewed, {left:,} left" if items else "nothing waits for you")

    def _show(self, item: story.Item, where: str) -> None:
        ui, told = self._ui, item.to_json()
        ui.line()
        about = [told["prompt"], told["version"] and f"v{told['version']}", told["model"], told["id"]]
        ui.line(f"{where}  " + "  ".join(str(one) for one in about if one), "title")
        given = told["input"]
        if isinstance(given, Mapping):
            for name, value in given.items():
                self._text(name, str(value))
        elif given:
            self._text("input", given)
        self._text("output", told["output"] or "")
        for key in ("corrected", "comment"):
            if told[key]:
                self._text(f"the user: {key}", told[key])
        if told["score"] is not None:
            ui.line(f"the user's score: {told['score']:.2f}")
        for word in told["words"] or ():
            ui.line(f"a reviewer: {word}")
        ui.line("s skips, b goes back, q quits; enter alone answers nothing", "dim")
        ui.flush()

    def _text(self, title: str, text: str) -> None:
        self._ui.line(f"{title}:", "title")
        for line in text.splitlines():
            self._ui.line(f"  {line}")

    def _review(self, item: story.Item) -> story.Reviewed:
        """Ask until something is said that can be recorded."""
        while True:
            try:
                return story.review(self._project, item.waiting.event, self._word(item), self._reviewer)
            except Usage as error:
                self._ui.note(f"{error}: {error.hint}" if error.hint else str(error))

    def _word(self, item: story.Item) -> story.Word:
        scores = {name: text for name, scale in self._found.scales.items() if (text := self._score(scale))}
        approved = self._approved(item)
        corrected = self._corrected(item) if approved is False else None
        comment = self._ask("comment") or None
        return story.Word(scores, approved, None, corrected, comment)

    def _score(self, scale: Scale) -> str:
        while text := self._ask(f"{scale.name} ({scale.choices})", scale.labels):
            try:
                scale.parse(text)
            except Usage as error:
                self._ui.note(str(error))
            else:
                return text
        return ""

    def _approved(self, item: story.Item) -> bool | None:
        what = "the correction" if item.waiting.event.kind == "correction" else "the answer"
        while text := self._ask(f"approve or reject {what} (a or r)").lower():
            if text in {"a", "approve"}:
                return True
            if text in {"r", "reject"}:
                return False
            self._ui.note("a or r")
        return None

    def _corrected(self, item: story.Item) -> str | None:
        text = self._ask(f"what it should be, in a line ({_EDITOR} opens the editor)", literal=True)
        if text != _EDITOR:
            return text or None
        try:
            written = click.edit(item.waiting.event.output or "")
        except click.ClickException as error:
            self._ui.note(error.format_message())
            return self._corrected(item)
        return written.rstrip("\n") if written and written.strip() else None

    def _ask(self, question: str, choices: tuple[str, ...] = (), *, literal: bool = False) -> str:
        """One line from the reviewer; ``literal``: whatever it is, it is the answer.

        Raises:
            _Moved: they want to be elsewhere; a label of the same name comes first.
        """
        self._ui.note(question)  # labels are the repository's text, and click would print them as they are
        text = str(click.prompt(">", prompt_suffix=" ", default="", show_default=False, err=True)).strip()
        if not literal and text not in choices and (move := _MOVES.get(text.lower())):
            raise _Moved(move)
        return text
