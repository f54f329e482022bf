"""Secrets in files that git keeps: found with their place, never told; placeholders are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.feedback.kept_secrets import secret_problems

# Made up here; split, so that no scanner of sources takes them for real ones.
SECRETS = [
    "AKIA" + "Q3EGRIZ7BWXPMLKT",
    "sk-" + "proj-8fKq2mZx91LwTbVn4RcY7dHs",
    "ghp_" + "q8Rk3TzW5yLmN7vXc2BdF9hJ4sGaP6eU1oIt",
    "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
    "postgres://app:" + "h7Gk2pQz" + "@db.internal/app",
    "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiI3In0.c2lnbmF0dXJl",
]
ASSIGNED = [
    ('password: "', "tR7#kq9Lw2Zp", '"'),
    ("api_key=", "9f8a7b6c5d4e3f2a1b0c", ""),
    ("client_secret: ", "Zx8Kq2LmW91TbVn4", ""),
]
NONE = [
    "api_key: YOUR_API_KEY_1234",
    "password: forgotten, lost or stolen",
    "secret: {{ secret_value_12 }}",
    "token: xxxxxxxxxxxx1234",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "max_tokens: 400",
    "api_key: ${OPENAI_API_KEY_2}",
    "account_access: login, password, personal data",
    "password = hunter",
    "key: 01JD3M8Z6VQW4N9T2X5KAB7CDE",
    "access_token: the-token-of-the-user",
    "token: sk-your-key-goes-here-0000",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_found_where_it_stands_and_nothing_of_it_is_told(secret: str) -> None:
    text = f"name: a\nmessages:\n  - ä {secret}\n"
    (problem,) = secret_problems("a.yaml", text.encode())
    assert (problem.rule, problem.severity, problem.line) == ("secret", "error", 3)
    assert problem.column is not None
    assert text.split("\n")[2][problem.column - 1 :][:4] in secret
    for start in range(len(secret) - 5):
        assert secret[start : start + 6] not in f"{problem.message}{problem.hint}"


@pytest.mark.parametrize(("before", "value", "after"), ASSIGNED)
def test_what_is_assigned_and_looks_random(before: str, value: str, after: str) -> None:
    (problem,) = secret_problems("a.yaml", f"{before}{value}{after}".encode())
    assert (problem.line, problem.column) == (1, len(before) + 1)
    assert f"{len(value)} characters" in problem.message


@pytest.mark.parametrize("line", NONE)
def test_what_is_no_secret(line: str) -> None:
    assert list(secret_problems("a.yaml", line.encode())) == []


@given(st.binary(max_size=200))
def test_any_bytes_can_be_read(data: bytes) -> None:
    list(secret_problems("a.yaml", data))


def test_as_many_as_can_be_told_are_told() -> None:
    text = "".join(f"a: {SECRETS[0]}\n" for _ in range(50))
    assert [one.line for one in secret_problems("a", text.encode())] == list(range(1, 21))
