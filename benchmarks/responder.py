"""The offline responder behind an OpenAI-compatible server on loopback, so that other optimizers can ask it too.

``python -m benchmarks.responder`` prints its address and ends with its standard input. A client's name is the first
part of its path (``http://127.0.0.1:PORT/NAME/v1``); ``GET /NAME`` says how many answers it got. DSPy asks for an
answer between its own marks: what stands between them is what is asked and answered, so that its examples count as any
other's. Where it wants instructions it gets what the responder has to say, which is no instruction.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import textwrap
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from promptvc.models.messages import ChatMessage
from promptvc.models.offline import OfflineModel

Turns = list[dict[str, Any]]
Answer = Callable[[str, Turns], str]
"""From a client's name and the messages to what is answered."""

ROOT = Path(__file__).resolve().parents[1]
_FIELD = re.compile(r"^\[\[ ## (\w+) ## \]\]\n(.*?)(?=^\[\[ ## |\Z)", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"\[\[ ## (\w+) ## \]\]")
_TASK = "your objective is:"
_END = "\n\nRespond with the corresponding output fields"


@contextlib.contextmanager
def running() -> Iterator[str]:
    """The server's address, without a client's name; it ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.responder"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.communicate()


def answered(address: str, client: str) -> int:
    """How many answers a client got so far."""
    with urllib.request.urlopen(f"{address}/{client}", timeout=30) as reply:
        return int(json.load(reply))


@contextlib.contextmanager
def serving(answer: Answer, counts: Counter[str]) -> Iterator[str]:
    """The address of a server in this process that answers by ``answer`` and tells ``counts``."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        _Handler.answer, _Handler.counts = staticmethod(answer), counts
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


class _Responder:
    def __init__(self) -> None:
        self._model = OfflineModel()
        self._lock = threading.Lock()
        self.counts: Counter[str] = Counter()

    def answer(self, client: str, turns: Turns) -> str:
        messages = [ChatMessage(turn["role"], str(turn["content"])) for turn in turns]
        marked = any("[[ ## " in message.content for message in messages)
        if marked:
            messages = [ChatMessage(message.role, _plain(message)) for message in messages]
        with self._lock:
            self.counts[client] += 1
            text = self._model.answer(messages, {}).text
        if not marked:
            return text
        wanted = _MARK.findall(str(turns[-1]["content"]).rpartition(_END)[2])
        fields = [f"[[ ## {name} ## ]]\n{text}\n" for name in wanted if name != "completed"]
        return "\n".join((*fields, "[[ ## completed ## ]]"))


def _plain(message: ChatMessage) -> str:
    """What DSPy has put between its marks; of its instructions the task alone."""
    if message.role == "system":
        return textwrap.dedent(message.content.partition(_TASK)[2] or message.content).strip()
    found = [(name, text.partition(_END)[0].strip()) for name, text in _FIELD.findall(message.content)]
    return "\n".join(text for name, text in found if name != "completed") or message.content


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answer: ClassVar[Answer]
    counts: ClassVar[Counter[str]]

    def do_GET(self) -> None:
        self._reply(self.counts[self.path.strip("/")])

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = type(self).answer(self.path.split("/")[1], body["messages"])
        sizes = sum(len(str(turn["content"])) for turn in body["messages"]) // 4, len(text) // 4
        self._reply(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1767225600,
                "model": body["model"],
                "choices": [
                    {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
                ],
                "usage": {
                    "prompt_tokens": sizes[0],
                    "completion_tokens": sizes[1],
                    "total_tokens": sum(sizes),
                },
            }
        )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- named by the base class
        """Nothing is logged."""

    def _reply(self, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def main() -> None:
    """Serve until standard input ends."""
    responder = _Responder()
    with serving(responder.answer, responder.counts) as address:
        print(address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
