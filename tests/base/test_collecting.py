"""The collector looks less often for a while, and as often as before after that."""

from __future__ import annotations

import gc

import pytest

from promptvc.base.collecting import fewer_collections


def test_the_threshold_is_higher_inside_and_as_it_was_after() -> None:
    before = gc.get_threshold()

    @fewer_collections()
    def inside() -> int:
        return gc.get_threshold()[0]

    assert inside() > before[0]
    assert gc.get_threshold() == before
    with pytest.raises(ZeroDivisionError), fewer_collections():
        _ = 1 / 0
    assert gc.get_threshold() == before
