from __future__ import annotations

from typing import Any

import pytest

from promptvc.base.errors import Usage
from promptvc.feedback.options import kinds_of, shared_keys


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ({"stars": 2}, [("rating", {"stars": 2})]),
        ({"comment": "fine"}, [("rating", {"comment": "fine"})]),
        ({"stars": 2, "thumbs": "up"}, [("rating", {"stars": 2, "thumbs": "up"})]),
        (
            {"input": "a", "corrected": "b", "comment": "c"},
            [("correction", {"corrected": "b", "comment": "c"})],
        ),
        (
            {"input": "a", "corrected": "b", "comment": "c", "issues": ("x",)},
            [("correction", {"corrected": "b"}), ("rating", {"comment": "c", "issues": ["x"]})],
        ),
        (
            {"suggestion": "shorter", "error": "500"},
            [("suggestion", {"comment": "shorter"}), ("error", {"error": {"message": "500"}})],
        ),
    ],
)
def test_one_event_for_each_kind_of_thing(
    values: dict[str, Any], kinds: list[tuple[str, dict[str, Any]]]
) -> None:
    assert kinds_of(values) == kinds


def test_what_makes_no_event() -> None:
    with pytest.raises(Usage, match="a correction needs its input"):
        kinds_of({"corrected": "b"})
    with pytest.raises(Usage, match="say nothing"):
        kinds_of({"input": "a", "output": "b"})


@pytest.mark.parametrize(
    ("given", "kept", "remarks"),
    [
        ("plain words", "plain words", 0),
        ('{"question": "why?"}', {"question": "why?"}, 0),
        ('{"question": "why?"', '{"question": "why?"', 1),
        ("{{ name }}", "{{ name }}", 1),
        ("[1", "[1", 0),
        ({"question": "why?"}, {"question": "why?"}, 0),
    ],
)
def test_an_input_is_an_object_or_text(given: Any, kept: Any, remarks: int) -> None:
    shared, said = shared_keys({"input": given})
    assert shared == {"input": kept}
    assert len(said) == remarks
    assert all("taken as text" in remark for remark in said)
