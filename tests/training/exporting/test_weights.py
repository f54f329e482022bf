"""Class weights by hand."""

from __future__ import annotations

from promptvc.training.exporting.manifest import made_of
from promptvc.training.exporting.selection import figures
from promptvc.training.exporting.weights import are_labels, class_weights
from tests.training.exporting.events import chosen, event


def test_inverse_frequency() -> None:
    # 12 rows in 3 classes: an even share is 4. 4/8, 4/3, 4/1.
    assert class_weights({"b": 3, "a": 8, "c": 1}) == {"a": 0.5, "b": 1.333333, "c": 4.0}
    assert class_weights({"a": 5, "none": 0}) == {}


def test_weighted_counts_are_even() -> None:
    counts = {"a": 6, "b": 2}
    weights = class_weights(counts)
    assert [round(weights[name] * counts[name], 4) for name in "ab"] == [4.0, 4.0]


def test_answers_are_labels_when_they_repeat() -> None:
    assert are_labels({"yes": 9, "no": 1})
    assert not are_labels({"yes": 10})
    assert not are_labels({f"answer {at}": 1 for at in range(40)})


def test_the_weights_of_a_manifest() -> None:
    rows = [
        event(at, "correction", output="b" if at < 8 else "a", corrected="a" if at < 8 else "b")
        for at in range(10)
    ]
    rows.append(event(20, "rating", output="a", thumbs="up"))
    selection = chosen(*rows)
    made = made_of(selection, figures(selection))
    # Labels: 9 a and 2 b, even share 5.5. KTO: 11 wanted, 10 not, even share 10.5.
    assert made.weights["labels"] == {"a": 0.611111, "b": 2.75}
    assert made.weights["kto"] == {"desirable": 0.954545, "undesirable": 1.05}
    assert (made.total, made.kinds) == (11, {"correction": 10, "rating": 1})
