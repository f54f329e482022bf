"""A forge on loopback: HTTP/1.1 by threads, faults on request, and the repository itself over smart HTTP."""

from __future__ import annotations

import base64
import gzip
import http.server
import json
import re
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests.forge.servers.state import Account, Comment, Hosted, Issue, Pull


@dataclass
class Seen:
    """One request as it came. ``params`` are the query's, the last value of each."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    query: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class Answer:
    """What is sent back: ``body`` becomes JSON unless it is bytes."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Fault:
    """What goes wrong with the next ``times`` requests whose ``METHOD /path`` the regular expression finds.

    ``carried_out``: the work is done before it goes wrong. ``drop``: the line is cut without an answer.
    """

    match: str = ""
    status: int = 502
    body: Any = field(default_factory=lambda: {"message": "Server Error"})
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int = 1
    carried_out: bool = False
    drop: bool = False


class Problem(Exception):
    """An error answer."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


Handler = Callable[[Any, Seen, Account | None], Answer]
Routes = list[tuple[str, str, Handler]]


class ForgeServer:
    """Serves one hosted repository from ``with`` to its end. A subclass speaks the dialect.

    ``pulls``, ``issues`` and ``comments`` are the live lists; ``requests`` is everything that was asked of the API;
    ``inject`` lets something go wrong.
    """

    routes: ClassVar[Routes] = []
    prefixes: ClassVar[tuple[str, ...]] = ("",)
    one_count: ClassVar[bool] = True

    def __init__(self, bare: Path, name: str = "acme/prompts") -> None:
        self.hosted = Hosted(bare, name, one_count=self.one_count)
        self.requests: list[Seen] = []
        self.faults: list[Fault] = []
        self.origin: str | None = None  # what it believes to be called; behind a proxy not what it is called
        self._lock = threading.RLock()
        self._sockets: set[socket.socket] = set()
        self._servers: list[tuple[socketserver.BaseServer, threading.Thread]] = []
        self._port = 0

    @property
    def url(self) -> str:
        """The forge's own address, without a final slash."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def api(self) -> str:
        """The base of its REST API."""
        return self.url

    def environ(self, token: str) -> dict[str, str]:
        """The variables that a CI job of this forge has, as far as a client needs them."""
        raise NotImplementedError

    def clone_url(self, token: str | None = None) -> str:
        """Where git clones from; with a token, also pushes to."""
        who = f"git:{token}@" if token else ""
        return f"http://{who}127.0.0.1:{self._port}/{self.hosted.name}.git"

    @property
    def pulls(self) -> list[Pull]:
        """All pull requests, brought up with their branches."""
        with self._lock:
            self.hosted.refresh()
            return self.hosted.pulls

    @property
    def issues(self) -> list[Issue]:
        """All issues."""
        return self.hosted.issues

    @property
    def comments(self) -> list[Comment]:
        """All comments."""
        return self.hosted.comments

    def merge(self, number: int, how: Literal["merge", "squash", "rebase"] = "merge") -> str:
        """Press the merge button; the new tip of the base.

        Raises:
            Conflict: it does not merge.
        """
        with self._lock:
            self.hosted.refresh()
            pull = self.hosted.pull(number)
            assert pull is not None
            assert pull.state == "open", pull
            return self.hosted.merge(pull, how, self.merge_message(pull, how))

    def merge_message(self, pull: Pull, how: str) -> str:
        """What the button writes."""
        if how == "squash":
            return f"{pull.title} (#{pull.number})"
        return f"Merge pull request #{pull.number} from {self.hosted.owner}/{pull.head}\n\n{pull.title}"

    def comment_as(self, login: str, number: int, body: str) -> Comment:
        """Somebody comments on a pull request."""
        return self.hosted.add_comment(number, "pull", self.hosted.accounts[login], body)

    def issue_as(self, login: str, title: str, body: str) -> Issue:
        """Somebody opens an issue."""
        return self.hosted.add_issue(title, body, self.hosted.accounts[login])

    def protect(self, *branches: str) -> None:
        """Refuse direct pushes to these branches."""
        self.hosted.protected = set(branches)
        self.hosted.git.protect(set(branches))

    def inject(self, fault: Fault) -> None:
        """Let something go wrong; faults apply in their order."""
        self.faults.append(fault)

    def count(self, pattern: str) -> int:
        """How many requests had a ``METHOD /path`` that the regular expression finds."""
        return sum(1 for seen in self.requests if re.search(pattern, str(seen)))

    def __enter__(self) -> Self:
        server = _Threads(("127.0.0.1", 0), self._handler())
        self._port = server.server_address[1]
        self._start(server)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server, thread in self._servers:
            server.shutdown()
            thread.join(30)
            for line in list(self._sockets):  # clients that keep a connection open would keep its thread
                line.shutdown(socket.SHUT_RDWR)
            server.server_close()
        self._servers = []

    def listen(self, path: Path) -> None:
        """Also answer on a unix socket, as ``gh config set http_unix_socket`` wants it."""
        self._start(_Unix(str(path), self._handler(disable_nagle_algorithm=False)))

    def _start(self, server: socketserver.BaseServer) -> None:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), name="forge", daemon=True)
        thread.start()
        self._servers.append((server, thread))

    def _handler(self, **more: Any) -> type[_Connection]:
        return type("Connection", (_Connection,), {"forge": self, **more})

    # What a request goes through.

    def token_of(self, headers: Mapping[str, str]) -> str | None:
        """The token that a request carries; Basic: the password, else the user."""
        given = headers.get("authorization", "")
        word, _, rest = given.partition(" ")
        if word.lower() in {"bearer", "token"}:
            return rest.strip()
        if word.lower() == "basic":
            user, _, password = base64.b64decode(rest).decode().partition(":")
            return password if password and password != "x-oauth-basic" else user
        return None

    def answer(self, seen: Seen) -> Answer | None:
        """The answer to one request; None: the line is cut."""
        with self._lock:
            self.hosted.refresh()
            fault = self._fault(seen)
            if fault is not None and not fault.carried_out:
                return None if fault.drop else Answer(fault.status, fault.body, dict(fault.headers))
            answer = self._git(seen) or self._api(seen)
            if fault is not None:
                return None if fault.drop else Answer(fault.status, fault.body, dict(fault.headers))
            return answer

    def _fault(self, seen: Seen) -> Fault | None:
        for fault in self.faults:
            if fault.times and re.search(fault.match, str(seen)):
                fault.times -= 1
                return fault
        return None

    def _git(self, seen: Seen) -> Answer | None:
        found = re.fullmatch(
            r"/(?P<name>.+?)(?:\.git)?/(?P<tail>info/refs|git-upload-pack|git-receive-pack|HEAD)", seen.path
        )
        if found is None:
            return None
        who = self.hosted.who(self.token_of(seen.headers))
        writes = "git-receive-pack" in (found["tail"], seen.params.get("service"))
        if found["name"] != self.hosted.name:
            return Answer(404, b"Not Found\n")
        if who is None and (writes or self.hosted.private):
            return Answer(401, b"Unauthorized\n", {"WWW-Authenticate": 'Basic realm="forge"'})
        if writes and (who is None or who.rights != "write"):
            return Answer(403, b"Permission denied\n")
        status, headers, content = self.hosted.git.serve(
            seen.method, found["tail"], seen.query, seen.headers, seen.body, who.login if who else None
        )
        return Answer(status, content, headers)

    def _api(self, seen: Seen) -> Answer:
        self.requests.append(seen)
        try:
            who = self.authenticate(seen)
            answer = self._route(seen, who)
        except Problem as problem:
            who, answer = None, Answer(problem.status, problem.body)
        self.decorate(seen, answer)
        return answer

    def authenticate(self, seen: Seen) -> Account | None:
        """Who asks.

        Raises:
            Problem: 401 for a token that nobody has.
        """
        token = self.token_of(seen.headers)
        who = self.hosted.who(token)
        if token and who is None:
            raise Problem(401, {"message": "Bad credentials"})
        return who

    def _route(self, seen: Seen, who: Account | None) -> Answer:
        for prefix in self.prefixes:
            if not seen.path.startswith(prefix + "/"):
                continue
            path = seen.path.removeprefix(prefix)
            for method, pattern, handler in self.routes:
                found = re.fullmatch(pattern, path)
                if found and method == seen.method:
                    groups = {key: unquote(value) for key, value in found.groupdict().items()}
                    return handler(
                        self, Seen(**{**vars(seen), "path": path, "params": {**seen.params, **groups}}), who
                    )
        raise Problem(404, {"message": "Not Found"})

    def decorate(self, seen: Seen, answer: Answer) -> None:
        """Add what the forge adds to every answer."""

    def page(self, seen: Seen, rows: list[Any], *, default: int, key: str = "per_page") -> Answer:
        """One page of ``rows``, with RFC 8288 links to the others. At most 100 (GitHub, GitLab) a page."""
        size = min(max(int(seen.params.get(key, default)), 1), self.most_a_page)
        number = max(int(seen.params.get("page", 1)), 1)
        last = max(1, -(-len(rows) // size))
        kept = {k: v for k, v in parse_qs(seen.query).items() if k != "page"}
        query = "&".join(f"{k}={v[-1]}" for k, v in kept.items())

        def link(page: int, rel: str) -> str:
            return f'<{self._origin(seen)}?{query}{"&" if query else ""}page={page}>; rel="{rel}"'

        links = []
        if number < last:
            links += [link(number + 1, "next"), link(last, "last")]
        if number > 1:
            links += [link(number - 1, "prev"), link(1, "first")]
        headers = {"Link": ", ".join(links)} if links else {}
        return Answer(200, rows[(number - 1) * size : number * size], headers)

    most_a_page: ClassVar[int] = 100

    def _origin(self, seen: Seen) -> str:
        host = self.origin or f"http://{seen.headers.get('host', '')}"
        return f"{host}{self.requests[-1].path}"


class _Threads(http.server.ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 64


class _Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = False


class _Connection(http.server.BaseHTTPRequestHandler):
    """One connection, kept alive."""

    forge: ClassVar[ForgeServer]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one write for head and body

    def setup(self) -> None:
        if self.request.family == socket.AF_UNIX:
            self.client_address = ("unix", 0)
        super().setup()
        self.forge._sockets.add(self.connection)

    def finish(self) -> None:
        self.forge._sockets.discard(self.connection)
        try:
            super().finish()
        except OSError:
            self.close_connection = True

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def _any(self) -> None:
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        data = self._body(headers)
        body: Any = data
        if "json" in headers.get("content-type", "") and data:
            body = json.loads(data)
        params = {key: values[-1] for key, values in parse_qs(url.query, keep_blank_values=True).items()}
        answer = self.forge.answer(Seen(self.command, url.path, params, headers, body, url.query))
        if answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        content = answer.body
        if not isinstance(content, bytes):
            answer.headers.setdefault("Content-Type", "application/json; charset=utf-8")
            content = b"" if answer.status == 204 else json.dumps(content).encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self.wfile.flush()

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            data = b"".join(parts)
        else:
            data = self.rfile.read(int(headers.get("content-length", 0)))
        if headers.get("content-encoding") == "gzip" and "git" not in headers.get("content-type", ""):
            data = gzip.decompress(data)
        return data

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = _any  # noqa: N815 - http.server's names
