"""Faults and limits: what is waited for, what is said twice, and that nothing is made twice."""

from __future__ import annotations

import gzip

import pytest
import requests

from promptvc.base.errors import InputError, NotFound, Refused, Unfinished
from promptvc.forge import connection
from promptvc.forge.forge import Forge, PullText
from promptvc.forge.line import Trouble
from promptvc.forge.opening import open_forge
from tests.forge.conftest import Naps, Open, Server
from tests.forge.servers.serving import Fault
from tests.forge.servers.state import ADA

TEXT = PullText("A better prompt", "Why.")
GONE = [Fault("POST", drop=True), Fault("POST", status=502), Fault("POST", status=500)]


@pytest.mark.parametrize("carried_out", [True, False])
@pytest.mark.parametrize("fault", GONE, ids=["dropped", "502", "500"])
def test_nothing_is_made_twice(
    server: Server, forge: Forge, naps: Naps, fault: Fault, carried_out: bool
) -> None:
    """A lost answer to a request that makes something: it is looked for before it is made again."""

    def break_next() -> None:
        # Not GraphQL, which GitHub is asked by POST for whose token it is.
        match = "POST (?!.*graphql)"
        server.inject(Fault(match, fault.status, drop=fault.drop, carried_out=carried_out))

    break_next()
    pull = forge.open_pull("topic", "main", TEXT)
    break_next()
    forge.comment(pull.number, "mark", "text")
    break_next()
    forge.keep_issue("mark", "title", "text")
    assert (len(server.pulls), len(server.comments), len(server.issues)) == (1, 1, 1)
    assert naps.slept == [1.0, 1.0, 1.0]


def test_reading_and_updating_are_said_again(server: Server, forge: Forge, naps: Naps) -> None:
    forge.open_pull("topic", "main", TEXT)
    server.inject(Fault("GET", times=2))
    server.inject(Fault("PATCH|PUT", drop=True, carried_out=True))
    assert forge.update_pull(1, PullText("Other", "Why.")).title == "Other"
    assert naps.slept == [1.0, 2.0, 1.0]


def test_patience_ends(server: Server, forge: Forge, naps: Naps) -> None:
    server.inject(Fault("", status=503, times=100))
    with pytest.raises(Unfinished, match="503"):
        forge.default_branch()
    assert naps.slept == [1.0, 2.0, 4.0]
    assert server.faults[0].times == 96


def test_patience_ends_where_something_is_made(server: Server, forge: Forge) -> None:
    server.inject(Fault("POST .*(pulls|merge_requests)$", drop=True, times=100))
    with pytest.raises(Unfinished, match="cannot be reached"):
        forge.open_pull("topic", "main", TEXT)
    assert server.pulls == []


def test_nobody_listens(server: Server, naps: Naps) -> None:
    url, environ = server.clone_url(), server.environ(ADA)
    server.__exit__(None, None, None)
    with pytest.raises(Unfinished, match="cannot be reached"):
        open_forge(url, environ, patience=naps.patience()).default_branch()
    assert len(naps.slept) == 3


@pytest.mark.parametrize("status", [403, 429])
def test_a_limit_is_waited_for(server: Server, forge: Forge, naps: Naps, status: int) -> None:
    """Also by a request that makes something: one that met a limit was not carried out."""
    words = {"message": "You have exceeded a secondary rate limit."}
    for match in ("GET", "POST (?!.*graphql)"):
        server.inject(Fault(match, status, words, {"Retry-After": "7"}))
    forge.open_pull("topic", "main", TEXT)
    assert naps.slept == [7.0, 7.0]
    assert len(server.pulls) == 1


def test_a_secondary_limit_without_a_time_is_a_minute(server: Server, forge: Forge, naps: Naps) -> None:
    reset = {"X-RateLimit-Remaining": "4990", "X-RateLimit-Reset": "99999999999"}
    server.inject(Fault("GET", 403, {"message": "You have exceeded a secondary rate limit."}, reset))
    forge.default_branch()
    assert naps.slept == [60.0]


@pytest.mark.parametrize("name", ["X-RateLimit-Reset", "RateLimit-Reset"])
def test_the_reset_is_waited_for(server: Server, forge: Forge, naps: Naps, name: str) -> None:
    headers = {"X-RateLimit-Remaining": "0", name: str(int(naps.now) + 30)}
    server.inject(Fault("GET", 429, {"message": "Too Many Requests"}, headers))
    forge.default_branch()
    assert naps.slept == [31.0]


def test_a_long_limit_is_not_waited_for(server: Server, forge: Forge, naps: Naps) -> None:
    server.inject(Fault("GET", 429, {"message": "x"}, {"Retry-After": "3600"}, times=9))
    with pytest.raises(Unfinished, match="another 3600 seconds"):
        forge.default_branch()
    assert naps.slept == []


def test_many_short_limits_are_not_waited_for(server: Server, opened: Open, naps: Naps) -> None:
    server.inject(Fault("GET", 429, {"message": "x"}, {"Retry-After": "10"}, times=99))
    with pytest.raises(Unfinished, match="limits"):
        opened(most_wait_s=35.0).default_branch()
    assert naps.slept == [10.0, 10.0, 10.0]


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "5"}, 5.0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:01:40 GMT"}, 90.0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, 60.0),
        ({"RateLimit-Reset": "20"}, 11.0),
        ({"RateLimit-Reset": "never"}, 60.0),
        ({}, 60.0),
    ],
)
def test_how_long_a_limit_lasts(headers: dict[str, str], wait: float) -> None:
    assert Trouble(429, "", headers).wait_s(10.0) == wait


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_takes_the_token_along(
    server: Server,
    forge: Forge,
    tmp_path_factory: pytest.TempPathFactory,
    status: int,
    bare_elsewhere: Server,
) -> None:
    """To another host, and for requests that write."""
    where = {"Location": f"{bare_elsewhere.api}/user"}
    server.inject(Fault("", status, {"message": "Moved"}, where, times=99))
    with pytest.raises((NotFound, Unfinished, Refused)) as caught:
        forge.open_pull("topic", "main", TEXT)
    assert ADA not in str(caught.value)
    assert bare_elsewhere.requests == []


@pytest.mark.parametrize("body", [b"<html>", b"", b"null", b"[]", b'"x"', b'{"id": 1}'])
def test_answers_that_are_none(server: Server, forge: Forge, body: bytes) -> None:
    server.inject(Fault("", 200, body, times=99))
    with pytest.raises((Unfinished, InputError, NotFound, Refused)):
        forge.comment(1, "mark", "x")


def test_errors_that_are_no_json(server: Server, forge: Forge) -> None:
    server.inject(Fault("", 403, b"<html>" + ADA.encode(), {"Content-Type": "text/html"}, times=99))
    with pytest.raises(Refused) as caught:
        forge.default_branch()
    assert ADA not in str(caught.value)


def test_what_a_forge_says_is_cut_and_holds_no_token(server: Server, forge: Forge) -> None:
    words = f"no\n\x1b[31m {ADA} " + "x" * 10_000
    server.inject(Fault("", 422, {"message": words}, times=99))
    with pytest.raises(Refused) as caught:
        forge.default_branch()
    assert ADA not in str(caught.value)
    assert len(caught.value.message) < 500
    assert "\n" not in caught.value.message


def test_an_answer_without_an_end_is_not_read_to_it(
    server: Server, forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST_BYTES", 1 << 20)
    server.inject(Fault("", 200, b'"' + b"x" * (1 << 21) + b'"', times=99))
    with pytest.raises(Unfinished, match="more than 1 MiB"):
        forge.default_branch()


def test_what_is_packed_counts_as_it_unpacks(
    server: Server, forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST_BYTES", 1 << 20)
    bomb = gzip.compress(b'"' + b"x" * (1 << 24) + b'"')
    assert len(bomb) < 1 << 16
    server.inject(Fault("", 200, bomb, {"Content-Encoding": "gzip"}, times=99))
    with pytest.raises(Unfinished, match="more than 1 MiB"):
        forge.default_branch()


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://forge.example/api/v4/x", True),
        ("https://FORGE.example:443/api/v4/x", True),
        ("http://forge.example/api/v4/x", False),
        ("http://forge.example:443/api/v4/x", False),
        ("https://forge.example:8443/api/v4/x", False),
        ("https://forge.example.evil/api/v4/x", False),
        ("https://forge.example@evil/api/v4/x", False),
        ("//forge.example/x", False),
        ("https://forge.example:x/x", False),
    ],
)
def test_a_token_goes_by_the_scheme_and_port_of_the_api(
    url: str, fine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str | None] = []

    def send(session: requests.Session, request: requests.PreparedRequest, **_: object) -> requests.Response:
        sent.append(request.url)
        raise requests.ConnectionError

    monkeypatch.setattr(requests.Session, "send", send)
    session = connection.Session("https://forge.example/api/v4", {"PRIVATE-TOKEN": ADA}, 1.0)
    with pytest.raises(Trouble) as caught:
        session.request("GET", url)
    assert bool(sent) is fine
    assert (caught.value.status is None) is fine
