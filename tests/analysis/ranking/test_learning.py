from __future__ import annotations

import pytest

from promptvc.analysis.ranking.learning import learning_of
from promptvc.base.errors import Usage
from promptvc.base.feedback_settings import LearningSettings

SETTINGS = LearningSettings(enabled=True, learning_rate=0.2, decay_rate=0.05, min_samples=7)


def test_the_environment_comes_first() -> None:
    environ = {
        "PROMPTVC_LEARNING_ENABLED": "Off",
        "PROMPTVC_LEARNING_RATE": "1",
        "PROMPTVC_LEARNING_DECAY_RATE": "0",
        "PROMPTVC_LEARNING_MIN_SAMPLES": "3",
    }
    assert learning_of(SETTINGS, environ) == LearningSettings(False, 1.0, 0.0, 3)
    assert learning_of(SETTINGS, dict.fromkeys(environ, "")) == SETTINGS
    assert learning_of(SETTINGS, {"PROMPTVC_LEARNING_ENABLED": "1"}) == SETTINGS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("ENABLED", value) for value in ("2", "maybe")),
        *(("RATE", value) for value in ("0", "1.1", "nan", "fast", "-0.1")),
        *(("DECAY_RATE", value) for value in ("1", "-0.1", "inf")),
        *(("MIN_SAMPLES", value) for value in ("0", "1.5", "-3", "many", "\u0663", "1" * 30)),
    ],
)
def test_a_wrong_variable_is_one_clear_error(name: str, value: str) -> None:
    with pytest.raises(Usage) as caught:
        learning_of(SETTINGS, {f"PROMPTVC_LEARNING_{name}": value})
    assert f"PROMPTVC_LEARNING_{name} is {value!r}" in str(caught.value)
    assert caught.value.hint is not None
