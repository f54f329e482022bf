"""Telling a webhook of alerts: over real HTTP on loopback, signed, tried again, never sent on to anywhere else."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from promptvc.base.errors import InputError, Unfinished
from promptvc.review.webhook import ADDRESS, SECRET, SIGNATURE, Webhook, post, read_webhook, signature

VALUE = {"text": "promptvc: 1 thing to act on", "alerts": [{"message": "grüße\ud800"}]}


@dataclass
class Receiver:
    """What came in, and what is answered: the statuses in turn, then 200."""

    statuses: list[int] = field(default_factory=list)
    location: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def receiving(statuses: Sequence[int] = (), location: str = "") -> Iterator[Receiver]:
    """A server on loopback."""
    receiver = Receiver(list(statuses), location)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            receiver.headers.append(dict(self.headers))
            receiver.paths.append(self.path)
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
            if receiver.location:
                self.send_header("Location", receiver.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815 - the name that the server calls

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook/secret-path"
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_it_is_sent_once_and_signed_over_the_bytes_that_arrive() -> None:
    with receiving() as receiver:
        post(Webhook(receiver.url, "s3cret"), VALUE, lambda _: None)
    [body], [headers] = receiver.bodies, receiver.headers
    assert json.loads(body.decode("utf-8", "surrogatepass")) == VALUE
    expected = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert headers[SIGNATURE] == f"sha256={expected}"
    assert headers["Content-Type"] == "application/json"
    assert receiver.paths == ["/hook/secret-path"]


def test_githubs_own_example_of_a_signature() -> None:
    # docs.github.com, "Validating webhook deliveries", testing values.
    assert signature("It's a Secret to Everybody", b"Hello, World!") == (
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    )


def test_without_a_secret_nothing_is_signed() -> None:
    with receiving() as receiver:
        post(Webhook(receiver.url), VALUE, lambda _: None)
    assert SIGNATURE not in receiver.headers[0]


def test_what_may_pass_is_tried_again_after_a_pause() -> None:
    pauses: list[float] = []
    with receiving([503, 429]) as receiver:
        post(Webhook(receiver.url), VALUE, pauses.append)
    assert len(receiver.bodies) == 3
    assert pauses == [1.0, 3.0]
    assert len(set(receiver.bodies)) == 1


def test_three_failures_are_one_error_that_names_the_host_alone() -> None:
    with receiving([500] * 9) as receiver, pytest.raises(Unfinished) as caught:
        post(Webhook(receiver.url, "s3cret"), VALUE, lambda _: None)
    assert len(receiver.bodies) == 3
    assert str(caught.value) == "127.0.0.1 did not take the alerts: HTTP 500"
    assert "secret" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_a_no_is_not_asked_again(status: int) -> None:
    with receiving([status]) as receiver, pytest.raises(Unfinished, match=f"HTTP {status}"):
        post(Webhook(receiver.url), VALUE, lambda _: None)
    assert len(receiver.bodies) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with receiving() as other, receiving([status], other.url) as receiver:
        with pytest.raises(Unfinished, match=f"HTTP {status}"):
            post(Webhook(receiver.url), VALUE, lambda _: None)
        assert other.bodies == []


def test_nobody_there_is_could_not_finish() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/x"
    with pytest.raises(Unfinished, match="ConnectionRefusedError"):
        post(Webhook(url), VALUE, lambda _: None)


def test_a_proxy_is_not_asked_on_the_way_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as proxy, receiving() as receiver:
        monkeypatch.setenv("http_proxy", proxy.url)
        post(Webhook(receiver.url), VALUE, lambda _: None)
        assert (len(proxy.bodies), len(receiver.bodies)) == (0, 1)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://example.org/hook",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://user:word@example.org/",
        "https://example.org:port/",
        "https://[::1/",
        "https://example.org/a b",
        "https://example.org/\r\nX: y",
        "//example.org",
        "example.org",
    ],
)
def test_an_address_that_is_neither_https_nor_here_is_refused(url: str) -> None:
    with pytest.raises(InputError) as caught:
        read_webhook({ADDRESS: url})
    assert not url or url not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://hooks.example.org/T0/B0", "http://localhost:9/x", "http://[::1]:9/x"]
)
def test_https_and_this_machine_are_fine(url: str) -> None:
    webhook = read_webhook({ADDRESS: f" {url} ", SECRET: "s"})
    assert (webhook.url, webhook.secret) == (url, "s")
    assert url not in repr(webhook)
    assert read_webhook({ADDRESS: url, SECRET: ""}).secret is None
