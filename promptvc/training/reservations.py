"""Trainings that are allowed for, before they begin: what goes from the job that reserves to the one that trains.

::

    {"record": "reservation", "format": 1, "run": "1234.1", "main": "<commit>",
     "trainings": [{"id": "<ulid>", "prompt": "support/triage", "trigger": "corrections" | null,
                    "models": ["offline"], "look": "<key>" | null}]}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from promptvc.evidence.fields import FORMAT, Fields, document


@dataclass(frozen=True, slots=True)
class Reserved:
    """One training that is allowed for.

    Attributes:
        id: the training's id, a ULID.
        main: the commit that it is to read.
        models: specs that it is to train for.
        trigger: what made it due; None: it was asked for.
        look: key of its look in the ledger; None: there is no hold-out to look at.
    """

    id: str
    prompt: str
    main: str
    models: tuple[str, ...]
    trigger: str | None = None
    look: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The object in the file; ``main`` is the file's."""
        return {
            "id": self.id,
            "prompt": self.prompt,
            "trigger": self.trigger,
            "models": list(self.models),
            "look": self.look,
        }


@dataclass(frozen=True, slots=True)
class Reservation:
    """What one run may train.

    Attributes:
        run: names the run and its attempt: another attempt is another look, and has to be reserved anew.
    """

    kind: ClassVar[str] = "reservation"

    run: str
    main: str
    trainings: tuple[Reserved, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it, and the file has it."""
        return {
            "record": self.kind,
            "format": FORMAT,
            "run": self.run,
            "main": self.main,
            "trainings": [one.to_json() for one in self.trainings],
        }

    def to_bytes(self) -> bytes:
        """The one text of a reservation."""
        return document(self.to_json())


def parse_reservation(data: bytes, *, file: str) -> Reservation:
    """Read a reservation.

    Raises:
        InvalidDocument: it is none.
    """
    fields, _ = Fields.parse(data, file=file, kinds={Reservation.kind: None})
    main = fields.text("main")

    def read(inner: Fields) -> Reserved:
        return Reserved(
            id=inner.ulid("id"),
            prompt=inner.text("prompt"),
            main=main,
            models=inner.texts("models"),
            trigger=inner.optional("trigger", inner.text),
            look=inner.optional("look", inner.text),
        )

    return Reservation(fields.text("run"), main, fields.many("trainings", read))
