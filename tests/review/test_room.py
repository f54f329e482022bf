"""What is rendered for a forge leaves room for its mark, however long it is."""

from __future__ import annotations

import pytest

from promptvc.forge.forge import MOST_COMMENT
from promptvc.forge.marks import MOST_MARKER, is_untouched
from promptvc.forge.text import MOST_TITLE, checked_marked
from promptvc.review.alerts import Alert, alerts_markdown, alerts_title
from promptvc.review.markdown import candidate_markdown
from tests.review.makers import large_report


@pytest.mark.parametrize("widths", [range(1, 48), range(48, 96)], ids=["narrow", "wide"])
def test_a_comment_of_any_size_is_taken_with_its_mark(widths: range) -> None:
    """What is rendered for a comment fills its room nearly, and the longest mark fits below it all the same."""
    longest, fullest = "a" + "-" * (MOST_MARKER - 1), 0
    for width in widths:
        text = candidate_markdown(large_report(400, width))
        fullest = max(fullest, len(text.encode()))
        posted = checked_marked(text, longest, "t" * MOST_TITLE)
        assert len(posted.encode()) <= 65_536, width
        assert is_untouched(posted, longest)
    assert MOST_COMMENT - 1_000 < fullest <= MOST_COMMENT


def test_alerts_of_any_size_are_taken_with_their_mark() -> None:
    fullest = 0
    for width in range(1, 96):
        found = [Alert("held", "alert", f"{at} " + "x" * width, "one", "two") for at in range(1_500)]
        text = alerts_markdown(found, ["remark " + "y" * width] * 200)
        fullest = max(fullest, len(text.encode()))
        assert len(checked_marked(text, "alerts", alerts_title(found)).encode()) <= 65_536, width
    assert fullest <= MOST_COMMENT
