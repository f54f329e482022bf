"""The short ways past the search for secrets pass nothing that the search finds."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from promptvc.feedback import secret_formats
from promptvc.feedback.redact import FINDERS, _is_harmless, redact
from promptvc.feedback.secret_formats import _BY_MARKER, _NAMES, _SPOKEN_NAMES, find_secrets

PIECES = st.sampled_from(
    [
        *{marker for marker, _ in _BY_MARKER},
        *_NAMES,
        *_SPOKEN_NAMES,
        *(
            "AKIA",
            "ABCDEFGHIJKLMNOP",
            "xoxb-",
            "abcdefghij",
            "eyJabcdef",
            ".abcd",
            "sk-",
            "Bearer",
            "is",
            "was",
            "hunter2",
        ),
        *(
            "BEGIN",
            "END",
            "RSA",
            "PRIVATE KEY",
            "-----",
            "ann",
            "(at)",
            "[at]",
            "@",
            "example",
            "(dot)",
            ".org",
            "%40",
        ),
        *(
            " ",
            "  ",
            "=",
            ":",
            ":=",
            '"',
            "'",
            "/",
            "://",
            "user",
            "+49",
            "170",
            "1234567",
            "4111",
            "1111",
            "\n",
            "é",
        ),
    ]
)
TEXT = st.lists(PIECES, max_size=9).map("".join) | st.lists(PIECES, max_size=9).map(" ".join)


@settings(max_examples=300)
@given(TEXT)
@example("xoxb-abcdefghij")
@example("eyJabcdef.abcd")
@example("-----BEGIN RSA PRIVATE KEY----- a b")
def test_what_passes_holds_nothing(text: str) -> None:
    if _is_harmless(text):
        assert not [category for category, find in FINDERS.items() if any(find(text))]
        assert redact(text)[1].total() == 0


@settings(max_examples=300)
@given(TEXT)
@example("xapp-abcdefghij")
def test_a_text_without_long_words_holds_no_token(text: str) -> None:
    short = set(find_secrets(text))
    has_long = secret_formats._has_long
    secret_formats._has_long = lambda text: True
    try:
        assert set(find_secrets(text)) == short
    finally:
        secret_formats._has_long = has_long
