from __future__ import annotations

import json
import re
import sys
from collections import Counter
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.base.errors import InputError, Usage
from promptvc.feedback import lookalikes, personal, secret_formats, telephones
from promptvc.feedback.pseudonyms import Key
from promptvc.feedback.redact import CATEGORIES, FINDERS, Redactor, redact

FOUND = [
    # e-mail
    ("write to bob@example.com.", "write to [email]."),
    ("bob.smith+tag@mail.example.co.uk, thanks", "[email], thanks"),
    ("mailto=bob@example.com&x=1", "mailto=[email]&x=1"),
    ("用户@例子.公司", "[email]"),
    ("name＠example．org", "[email]"),
    ("b\u200bob@exam\u00adple.com!", "[email]!"),
    ("bob (at) example (dot) com", "[email]"),
    ("bob@example.com-old", "[email]-old"),
    ("/find?mail=bob%40example.com&x=1", "/find?mail=[email]&x=1"),
    ("bob%2540example.com", "[email]"),
    ('write to "odd name"@example.org', "write to [email]"),
    ('"an \\"odd\\" name"@example.org', "[email]"),
    # cards, with test numbers that issuers publish
    ("card 4111 1111 1111 1111.", "card [card]."),
    ("4111-1111-1111-1111 2nd try", "[card] 2nd try"),
    ("5555555555554444, 378282246310005", "[card], [card]"),
    ("3782 822463 10005", "[card]"),
    ("12 4111 1111 1111 1111 99", "12 [card] 99"),
    ("4111\u00a01111\u200b 1111 1111", "[card]"),
    ("４１１１１１１１１１１１１１１１", "[card]"),
    ("٤١١١١١١١١١١١١١١١", "[card]"),
    # IBANs: the registry's examples
    ("DE89 3704 0044 0532 0130 00 PAY", "[iban] PAY"),
    ("gb82west12345698765432", "[iban]"),
    ("FR14 2004 1010 0505 0001 3M02 606", "[iban]"),
    # IP addresses
    ("from 10.0.0.1, 192.168.1.255:8080", "from [ip], [ip]:8080"),
    ("http://10.0.0.1/x", "http://[ip]/x"),
    ("10.0.0.1-10.0.0.9", "[ip]-[ip]"),
    ("2001:db8::1 and fe80::1.", "[ip] and [ip]."),
    ("[2001:0db8:85a3:0000:0000:8a2e:0370:7334]:443", "[[ip]]:443"),
    ("::ffff:10.0.0.1", "[ip]"),
    # telephone
    ("+49 30 1234567", "[phone]"),
    ("+49 (0) 30 123 4567 or +4930123456", "[phone] or [phone]"),
    ("+1-202-555-0143", "[phone]"),
    ("0049 30 1234567", "[phone]"),
    ("00 44 20 7946 0958", "[phone]"),
    ("+4915112345678 has a card's check digit", "[phone] has a card's check digit"),
    ("reach me under 0 30 / 90 18 20", "reach me under [phone]"),
    ("(555) 234-5678", "[phone]"),
    ("555-123-4567", "[phone]"),
    ("555‑123‑4567", "[phone]"),
    ("06 12 34 56 78", "[phone]"),
    ("06.12.34.56.78", "[phone]"),
    ("0171/1234567", "[phone]"),
    ("020 7946 0958", "[phone]"),
    ("call me at 5551234567", "call me at [phone]"),
    ("phone number is 030 1234567", "phone number is [phone]"),
    ("my number is 555 1234", "my number is [phone]"),
    # secrets
    ("AKIAIOSFODNN7EXAMPLE", "[secret]"),
    ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "[secret]"),
    ("github_pat_11ABCDEFG0abcdefghijkl_mnop", "[secret]"),
    ("glpat-abcdefghij0123456789", "[secret]"),
    ("sk-proj-abcDEF1234567890abcDEF1234567890", "[secret]"),
    ("sk-ant-api03-abcDEF1234567890abcDEF1234567890-AA", "[secret]"),
    ("sk_live_abcdefghijklmnop0123", "[secret]"),
    ("xoxb-123456789012-abcdefghijkl", "[secret]"),
    ("https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXX", "[secret]"),
    ("AIzaSyA1234567890abcdefghijklmnopqrstuv", "[secret]"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dBjftJeZ4CVP", "[secret]"),
    ("npm_abcdefghijklmnopqrstuvwxyz0123456789", "[secret]"),
    ("hf_abcdefghijklmnopqrstuvwxyz012345", "[secret]"),
    ("123456789:AAabcdefghijklmnopqrstuvwxyz0123456", "[secret]"),
    ("Authorization: Bearer abcdef0123456789abcdef==", "Authorization: Bearer [secret]"),
    ("password = hunter2", "password = [secret]"),
    ('{"api_key": "abcd efgh"}', '{"api_key": "[secret]"}'),
    ('{\\"password\\": \\"pa55word\\"}', '{\\"password\\": \\"[secret]"}'),
    ("DB_PASSWORD=s3cr3t!& more", "DB_PASSWORD=[secret] more"),
    ("?token=abcdef1&page=2", "?token=[secret]&page=2"),
    ("My password is hunter2.", "My password is [secret]."),
    ("postgres://user:pa55@host/x", "postgres://user:[secret]@host/x"),
    ("a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- b", "a [secret] b"),
]

KEPT = [
    "order 4512-3344-1111 and order 0123-456789 arrived",
    "order number is 302-555-1234",
    "ORD-2026-0012345 and #555-234-5678",
    "4111 1111 1111 1112 has the wrong check digit",
    "DE88370400440532013000 has the wrong check digits",
    "2026-11-20 10:30:45, 20.11.2026 10:30, 2026-11-20T10:30:00.123Z, 01-02-2026 0930",
    "$12,345,678.90 or 1.234.567,89 EUR or +10.000.000 or 4 000 000 000 000 000",
    "v1.2.3.4, version 10.0.1.2, nginx/1.2.3.4, 1.2.3.4.5, lodash@4.17.21, Chrome/120.0.6099.71",
    "01JD3M8Z6VQW4N9T2X5KAB7CDE 123e4567-e89b-12d3-a456-426614174000",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "open 08.30 12.45 17.10, or 9:30-17:45; 12::30, face::bad, std::vector<int>",
    "password: forgotten; Invalid token: authentication failed; max_tokens=1000, token: 42",
    "my password is wrong",
    "tracking 1Z999AA10123456784, ISBN 978-3-16-148410-0",
    "1700000000 1700000000000 +48.8566140",
    "the sk-folding-cube-animation-box class, @mentions and user@localhost",
    "bearer of good news and basic understanding of things",
    "aa:bb:cc:dd:ee:ff and 12:34:56:78:9a:bc:de:f0",
    "room 101, 3 items, 42 euros, 99.9 %, 10/12 cases",
    "[email] and [secret] stay",
    '100%40 off, he said "so" and "that"@ once',
    "Grüße aus Köln, 東京 😀",
    "",
]

PIECES = (
    [text for text, _ in FOUND]
    + KEPT
    + list("@.+-:/ =\"'[](),;\n\u200b")
    + ["a", "1", "é", "password", "phone "]
)
PIECES += [f"[{category}]" for category in CATEGORIES] + [
    "bearer ",
    "eyJ",
    "sk-",
    "0",
    "00",
    "1.",
    "::",
    "DE89",
]


@pytest.mark.parametrize(("text", "clean"), FOUND)
def test_found(text: str, clean: str) -> None:
    result, counted = redact(text)
    assert result == clean
    assert counted == Counter(re.findall(r"\[(\w+)\]", clean))


@pytest.mark.parametrize("text", KEPT)
def test_kept(text: str) -> None:
    assert redact(text) == (text, Counter())


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=8).map("".join))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    once, _ = redact(text)
    again, counted = redact(once)
    assert again == once
    assert not counted


@given(st.lists(st.sampled_from([text for text, _ in FOUND]), min_size=1, max_size=4))
def test_nothing_that_is_found_alone_survives_in_company(texts: list[str]) -> None:
    clean, counted = redact("\n\n".join(texts))
    assert clean == "\n\n".join(redact(text)[0] for text in texts)
    assert counted.total() == sum(redact(text)[1].total() for text in texts)


def test_a_private_key_without_an_end_reaches_to_the_end_of_the_text() -> None:
    assert redact("a -----BEGIN OPENSSH PRIVATE KEY-----\nMIIE\n\nb@c.de")[0] == "a [secret]"


def test_a_text_that_never_comes_clean_is_replaced_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(text: str) -> Any:
        yield 0, 1

    monkeypatch.setitem(FINDERS, "phone", endless)
    assert redact("abc1")[0] == "[secret]"


def test_half_a_surrogate_pair_is_no_character() -> None:
    assert redact(json.loads('"a\\ud83db"'))[0] == "a\ufffdb"
    assert redact("a😀b")[0] == "a😀b"


# -- events --------------------------------------------------------------------------------------------------

ULID = "01JD3M8Z6VQW4N9T2X5KAB7CDE"


def test_every_text_of_an_event_at_any_depth() -> None:
    mail = "bob@example.com"
    event = {
        "id": ULID,
        "time": "2026-11-20T10:30:00Z",
        "prompt": "support/triage",
        "kind": "error",
        "source": "human",
        "version": 3,
        "digest": "a" * 40,
        "input": {"message": mail, "deep": [{"er": [mail]}]},
        "output": mail,
        "corrected": mail,
        "comment": mail,
        "notes": mail,
        "error": {"type": "x", "message": mail},
        "context": {"model": "offline", mail: 1, "card": 4111111111111111, "ms": 1700000000000},
        "tags": ["ok", mail],
        "session": "555-234-5678",
        "unit": mail,
        "of their own": mail,
        "rating": 0.5,
        "latency_ms": 4111111111111111,
    }
    clean, counted = Redactor().event(event)
    assert clean == event | {
        "input": {"message": "[email]", "deep": [{"er": ["[email]"]}]},
        "output": "[email]",
        "corrected": "[email]",
        "comment": "[email]",
        "notes": "[email]",
        "error": {"type": "x", "message": "[email]"},
        "context": {"model": "offline", "[email]": 1, "card": "[card]", "ms": 1700000000000},
        "tags": ["ok", "[email]"],
        "session": "[phone]",
        "unit": "[email]",
        "of their own": "[email]",
    }
    assert counted == Counter(email=11, card=1, phone=1)
    assert event["notes"] == mail, "the caller's object is left alone"
    assert Redactor().event(clean) == (clean, Counter())


@pytest.mark.parametrize("key", ["password", "DB_PASSWORD", "apiKey", "access_token", "client-secret"])
def test_what_a_key_calls_a_secret(key: str) -> None:
    clean, counted = Redactor().event({key: "correct horse", "context": {key: "abc"}})
    assert clean == {key: "[secret]", "context": {key: "[secret]"}}
    assert counted == Counter(secret=2)
    assert Redactor().event(clean) == (clean, Counter())


@pytest.mark.parametrize("key", ["max_tokens", "token_count", "keyboard", "secretary"])
def test_what_only_looks_like_such_a_key(key: str) -> None:
    assert Redactor().event({key: "plain words"}) == ({key: "plain words"}, Counter())


def test_keys_that_become_equal_are_told_apart() -> None:
    clean, _ = Redactor().event({"context": {"a@x.org": 1, "b@x.org": 2}})
    assert clean == {"context": {"[email]": 1, "[email] 2": 2}}
    assert Redactor().event(clean)[0] == clean


def test_a_user_becomes_a_pseudonym_or_is_refused() -> None:
    clean, counted = Redactor(Key(b"k" * 16)).event({"user": "bob@example.com"})
    assert re.fullmatch(r"u-[0-9a-f]{8}-[0-9a-f]{32}", clean["user"])
    assert not counted
    assert Redactor().event(clean)[0] == clean
    with pytest.raises(Usage, match="no key"):
        Redactor().event({"user": "bob"})


def test_a_reviewer_becomes_the_pseudonym_that_a_user_has() -> None:
    redactor = Redactor(Key(b"k" * 16))
    clean, _ = redactor.event({"reviewer": "bob@example.com"})
    assert clean["reviewer"] == redactor.event({"user": "bob@example.com"})[0]["user"]
    assert Redactor().event(clean)[0] == clean
    with pytest.raises(Usage, match="names its reviewer, and there is no key"):
        Redactor().event({"reviewer": "bob"})


@pytest.mark.parametrize("key", ["session", "execution"])
@pytest.mark.parametrize(
    ("value", "clean"),
    [
        ("+49 30 1234567", "[phone]"),
        ("call 555-123-4567", "call [phone]"),
        ("4111 1111 1111 1111", "[card]"),
        ("4111111111111111", "[card]"),
        ("web/bob@example.com", "web/[email]"),
        *(
            (same, same)
            for same in (
                ULID,
                "s_ca7e9ba240",
                "da39a3ee5e6b4b0d3255bfef95601890afd80709",
                "s_4111111111111111",
                "a0000000-a000-a000-4111-111111111111",
                "55512345-1234-4567-8901-234567890123",
                "run-2026-11-20-0001",
                "20261120-103000-1234",
                "1700000000000",
            )
        ),
    ],
)
def test_a_session_that_is_a_number_to_call_or_to_charge(key: str, value: str, clean: str) -> None:
    assert Redactor().event({key: value})[0] == {key: clean}


def test_a_key_is_asked_for_when_the_first_user_is_met() -> None:
    asked = []

    def make() -> Key:
        asked.append(1)
        return Key(b"k" * 16)

    redactor = Redactor(make)
    redactor.event({"comment": "x"})
    assert not asked
    assert (
        redactor.event({"user": "bob"})
        == redactor.event({"user": "bob"})
        == Redactor(make()).event({"user": "bob"})
    )
    assert len(asked) == 2


@pytest.mark.parametrize("value", [{1, 2}, {1: "a"}, float("nan"), float("inf"), b"bytes", [object()]])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(InputError):
        Redactor().event({"context": {"x": value}})


def test_nesting_is_bounded() -> None:
    value: Any = "x"
    for _ in range(100):
        value = [value]
    with pytest.raises(InputError, match="nested deeper"):
        Redactor().event({"context": {"x": value}})


# -- linear work ---------------------------------------------------------------------------------------------


def patterns() -> list[re.Pattern[str]]:
    found = [secret.pattern for secret in secret_formats.FORMATS]
    for module in (personal, telephones, lookalikes, secret_formats):
        found += [value for value in vars(module).values() if isinstance(value, re.Pattern)]
    return found


def open_ended(pattern: Any) -> list[str]:
    """The repeats of a parsed pattern that can give characters back and have no bound, and nested ones."""
    parser = re._parser  # type: ignore[attr-defined]
    faults: list[str] = []

    def walk(items: Any, outer: int) -> None:
        for name, argument in items:
            kind = str(name)
            if kind in {"MAX_REPEAT", "MIN_REPEAT"}:
                _, most, inner = argument
                if most == parser.MAXREPEAT or outer * most > 600:
                    faults.append(
                        f"{kind} up to {outer * most if most != parser.MAXREPEAT else 'any number'}"
                    )
                walk(inner, outer * (int(most) if most != parser.MAXREPEAT else 1))
            elif kind == "POSSESSIVE_REPEAT":
                walk(argument[2], 1)
            elif kind == "SUBPATTERN":
                walk(argument[3], outer)
            elif kind == "BRANCH":
                for branch in argument[1]:
                    walk(branch, outer)
            elif kind in {"ASSERT", "ASSERT_NOT"}:
                walk(argument[1], 1)

    walk(parser.parse(pattern.pattern, pattern.flags), 1)
    return faults


@pytest.mark.parametrize("pattern", patterns(), ids=lambda pattern: pattern.pattern[:30])
def test_no_pattern_can_backtrack_without_bound(pattern: re.Pattern[str]) -> None:
    assert open_ended(pattern) == []


def test_the_check_of_patterns_would_notice() -> None:
    assert open_ended(re.compile("a+b"))
    assert open_ended(re.compile("(?:a{0,40}){0,40}"))
    assert not open_ended(re.compile("a++b{1,3}"))


HOSTILE = [
    *(
        "@",
        "a@",
        "a@a.",
        "a" * 60 + "@",
        "+1(0)",
        "+4930123456",
        "1 ",
        "1-",
        "4111 ",
        "4111111111111111 ",
        "1",
    ),
    *(
        "eyJ",
        "eyJa.",
        "eyJaaaaaaaa.",
        'password="',
        "password='",
        "password: ",
        "password",
        "token=a&",
        "://",
        "://:",
    ),
    *(
        "://a:",
        "://a:b",
        "-----BEGIN PRIVATE KEY-----",
        "sk-",
        "xoxb-",
        "::",
        "1:",
        "abcd:",
        "1.1.1.",
        "1.1.1.1 ",
    ),
    *(
        "DE89 ",
        "DE89",
        "00 1",
        "0012 ",
        "06 ",
        "(555) ",
        "555-",
        "a (at) ",
        "a(at)a.",
        "bearer ",
        "phone 1 ",
        "\u200b1",
    ),
    *("SG.aaaaaaaaaaaaaaaa.", "hvs.", "[email]", "é", "my password is ", "1(", "\u00ad"),
]


def calls(text: str) -> int:
    """How many Python and C functions one reading of ``text`` by every finder calls."""
    counted = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal counted
        counted += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        for find in FINDERS.values():
            list(find(text))
    finally:
        sys.setprofile(None)
    return counted


@pytest.mark.parametrize("piece", HOSTILE)
def test_twice_the_text_is_twice_the_work(piece: str) -> None:
    short, long = (calls(piece * (size // len(piece))) for size in (4_000, 8_000))
    assert long <= 2.2 * short + 50


@pytest.mark.parametrize(
    "piece", ["1", "a@", 'password="', "eyJaaaaaaaa.", "://a:", "sk-", "1.1.1.", "+1(0)"]
)
def test_a_megabyte_of_it_comes_to_an_end(piece: str) -> None:
    text, _ = redact(piece * (1024 * 1024 // len(piece)))
    assert redact(text) == (text, Counter())
