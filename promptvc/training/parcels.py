"""What a training made, in one file: from the job that may call models to the one that may write.

A job that has a provider's key must not be able to write, and one that can write should have no key. The first leaves
parcels, the second commits them. It takes nothing on trust: a parcel is checked against main and the ledger
(:func:`promptvc.workflows.publishing.publish`).

::

    {"record": "parcel", "format": 1,
     "training": {...},                              as it will stand in the ledger, without its candidate
     "offer": null | {"text": "...",                 the candidate's file, with the baseline's number in it
                      "files": {"path": "..."},      what goes with it, from the prompt root
                      "evidence": {...}}}            its comparison, without the candidate's number
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from promptvc.base.errors import InvalidDocument
from promptvc.evidence.comparisons import ComparisonRecord
from promptvc.evidence.fields import FORMAT, Fields, document
from promptvc.evidence.trainings import Training

MOST_BYTES = 32 * 1024 * 1024
"""Of one parcel; evidence of 100,000 cases has some 20 MB."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A candidate that is to be committed.

    Attributes:
        text: its file, with the baseline's number in it.
        files: lines of data that go with it, by path from the prompt root.
        evidence: its comparison; ``candidate`` has no number yet.
    """

    text: bytes
    evidence: ComparisonRecord
    files: Mapping[str, bytes] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The object in the file."""
        files = {path: data.decode("utf-8") for path, data in self.files.items()}
        return {"text": self.text.decode("utf-8"), "files": files, "evidence": self.evidence.to_json()}

    @classmethod
    def read(cls, fields: Fields) -> Offer:
        """The value that ``fields`` holds."""
        return cls(
            text=fields.text("text").encode("utf-8"),
            evidence=fields.one("evidence", ComparisonRecord.read),
            files={path: text.encode("utf-8") for path, text in fields.named_texts("files").items()},
        )


@dataclass(frozen=True, slots=True)
class Parcel:
    """A training that ended; ``offer`` is None where nothing is to be committed."""

    kind: ClassVar[str] = "parcel"

    training: Training
    offer: Offer | None = None

    @property
    def filename(self) -> str:
        """What its file is called: the training's id tells parcels apart."""
        return f"{self.training.id}.parcel.json"

    def to_bytes(self) -> bytes:
        """The one text of a parcel."""
        offer = self.offer.to_json() if self.offer is not None else None
        value = {"record": self.kind, "format": FORMAT, "training": self.training.to_json(), "offer": offer}
        return document(value)


def parse_parcel(data: bytes, *, file: str) -> Parcel:
    """Read one parcel.

    Raises:
        InvalidDocument: it is none.
    """
    fields, _ = Fields.parse(data, file=file, kinds={Parcel.kind: None})
    try:
        parcel = Parcel(fields.one("training", Training.read), fields.optional_one("offer", Offer.read))
        parcel.to_bytes().decode("utf-8")
    except UnicodeError as error:
        raise InvalidDocument("half of a surrogate pair is in it", file=file) from error
    return parcel
