"""What a person should look at in a dataset before it trains a model.

Near-duplicates with one answer, of which the first stays; inputs with several right answers; answers far longer or
shorter than the others; labels that are rare; records of low confidence that nobody reviewed; answers with redacted
data. Nothing is taken out by itself: each is an entry for the curation, and only ``drop`` takes out.

Far is beyond three times the interquartile range from the quartiles of the answers' lengths (Tukey 1977, Exploratory
Data Analysis: "far out"), and a label is rare when it has less than a quarter of an even share.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from promptvc.feedback.redact import CATEGORIES
from promptvc.training.data.inputs import gathered
from promptvc.training.exporting.answers import by_input, right_answer
from promptvc.training.exporting.curation import DROP, Curated
from promptvc.training.exporting.query import SPLITS
from promptvc.training.exporting.records import Record
from promptvc.training.exporting.selection import Selection
from promptvc.training.exporting.weights import are_labels

REVIEW = "review"
LOW_CONFIDENCE = 0.5
FEWEST = 8
LEAST_SPREAD = 10
_PLACEHOLDER = re.compile(rf"\[(?:{'|'.join(CATEGORIES)})\]")


def proposals(selection: Selection) -> tuple[Curated, ...]:
    """Entries for the curation, by rule and then in the order of the records."""
    ordered = sorted(selection.records, key=lambda record: (record.time, record.id))
    said = [(record, right_answer(record, selection.query)) for record in ordered]
    right = [(record, text) for record, text in said if text is not None]
    return (
        *_near_duplicates(selection, right),
        *_conflicts(right),
        *_lengths(right),
        *_rare(right),
        *_unsure(ordered),
        *_redacted(right),
    )


def _near_duplicates(selection: Selection, right: Sequence[tuple[Record, str]]) -> Iterator[Curated]:
    """Of nearly equal inputs with one answer all but the first; of one input nothing: that is one row anyway."""
    side = {record.id: name for name in SPLITS for record in selection.splits[name]}
    by_answer: dict[tuple[str, str], list[Record]] = {}
    for record, text in right:
        by_answer.setdefault((side[record.id], text), []).append(record)
    found: list[tuple[Record, list[Record]]] = []
    for records in by_answer.values():
        forms = list(dict.fromkeys(record.form for record in records))
        roots = dict(zip(forms, gathered(forms), strict=True))
        first: dict[int, Record] = {}
        again: dict[int, list[Record]] = {}
        for record in records:
            root = roots[record.form]
            kept = first.setdefault(root, record)
            if record.form != kept.form:
                again.setdefault(root, []).append(record)
        found += [(first[root], others) for root, others in again.items()]
    for kept, others in sorted(found, key=lambda pair: pair[0].id):
        yield Curated(
            DROP, _ids(others), f"near_duplicate: nearly the input of {kept.id}, with the same answer"
        )


def _conflicts(right: Sequence[tuple[Record, str]]) -> Iterator[Curated]:
    answers = {record.id: text for record, text in right}
    for group in by_input(record for record, _ in right).values():
        texts = list(dict.fromkeys(answers[record.id] for record in group))
        if len(texts) > 1:
            yield Curated(REVIEW, _ids(group), f"conflict: {len(texts)} right answers to one input")


def _lengths(right: Sequence[tuple[Record, str]]) -> Iterator[Curated]:
    lengths = sorted(len(text) for _, text in right)
    if len(lengths) < FEWEST:
        return
    low, high = lengths[len(lengths) // 4], lengths[-(len(lengths) // 4) - 1]
    spread = max(high - low, LEAST_SPREAD)
    for record, text in right:
        if not low - 3 * spread <= len(text) <= high + 3 * spread:
            reason = f"length: {len(text):,} characters, where half of the answers have {low:,} to {high:,}"
            yield Curated(REVIEW, (record.id,), reason)


def _rare(right: Sequence[tuple[Record, str]]) -> Iterator[Curated]:
    by_label: dict[str, list[Record]] = {}
    for record, text in right:
        by_label.setdefault(text, []).append(record)
    if not are_labels({label: len(records) for label, records in by_label.items()}):
        return
    for label, records in sorted(by_label.items()):
        if 4 * len(by_label) * len(records) < len(right):
            reason = f"imbalance: {len(records):,} of {len(right):,} records say {label[:60]}"
            yield Curated(REVIEW, _ids(records), reason)


def _unsure(ordered: Sequence[Record]) -> Iterator[Curated]:
    for record in ordered:
        if record.confidence is not None and record.confidence < LOW_CONFIDENCE and not record.reviewed:
            yield Curated(
                REVIEW, (record.id,), f"low_confidence: {record.confidence:.3g}, and nobody reviewed it"
            )


def _redacted(right: Sequence[tuple[Record, str]]) -> Iterator[Curated]:
    for record, text in right:
        if _PLACEHOLDER.search(text):
            yield Curated(DROP, (record.id,), "redacted: the answer holds a placeholder in place of data")


def _ids(records: Sequence[Record]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(record.id for record in records))
