"""Reading providers' exceptions, and keeping secrets out of what is said."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from promptvc.models.failures import classify, scrub

keys = st.text(string.ascii_letters + string.digits + "-_", min_size=6, max_size=60)


@given(st.text(max_size=200), keys, st.text(max_size=200))
def test_a_given_secret_is_never_said(before: str, key: str, after: str) -> None:
    assert key not in scrub(f"{before} {key} {after}", [key]) or key in "[secret]"


@given(st.sampled_from(["sk-", "sk-ant-api03-", "sk-proj-", "gsk_", "hf_", "lsv2_pt_", "xai-"]), keys)
def test_what_looks_like_a_key_is_never_said(prefix: str, key: str) -> None:
    assert key not in scrub(f"wrong key {prefix}{key}, sorry")


def test_other_forms_of_credentials() -> None:
    assert "abcdef123456" not in scrub("Authorization: Bearer abcdef123456")
    assert "hunter2" not in scrub("cannot reach https://me:hunter2@example.org/v1")


@given(st.text(max_size=2000))
def test_a_message_is_one_short_line(text: str) -> None:
    said = scrub(text)
    assert len(said) <= 300
    assert "\n" not in said


def test_a_timeout_deep_in_the_causes_is_a_timeout() -> None:
    outer = RuntimeError("request failed")
    outer.__cause__ = TimeoutError()
    failure = classify(outer)
    assert (failure.message, failure.again, failure.refusal) == ("no answer in time", True, False)


def test_a_refused_connection_is_no_timeout() -> None:
    class ConnectTimeoutException(TimeoutError):
        pass

    outer = ConnectTimeoutException("connect")
    outer.__cause__ = ConnectionRefusedError(111, "Connection refused")
    failure = classify(outer)
    assert failure.message.startswith("the connection failed")
    assert failure.again


class ConnectError(Exception):
    """As httpx names it."""


ConnectError.__name__ = "TransportError"


def test_what_was_handled_before_a_connection_failed_is_not_its_reason() -> None:
    try:
        try:
            try:
                raise RuntimeError("no running event loop")
            except RuntimeError:
                raise ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 9)")  # noqa: B904
        except OSError as error:
            raise OSError("All connection attempts failed") from error
    except OSError as error:
        outer = ConnectError("All connection attempts failed")
        outer.__cause__ = error
    said = classify(outer).message
    assert said.startswith("the connection failed: connection refused: ")
    assert "127.0.0.1" in said


def test_a_failure_at_each_of_several_addresses_is_found_in_the_group() -> None:
    outer = ConnectError("All connection attempts failed")
    outer.__cause__ = ExceptionGroup("all", [OSError(101, "unreachable"), ConnectionRefusedError(111, "no")])
    assert "connection refused" in classify(outer).message
    broken = ConnectError("peer closed the connection")
    broken.__cause__ = RuntimeError("no running event loop")
    assert classify(broken).message == "the connection failed: peer closed the connection"


def test_an_unknown_exception_is_one_calls_failure() -> None:
    failure = classify(ValueError("what is this?"))
    assert (failure.again, failure.refusal) == (False, False)
    assert "what is this?" in failure.message
