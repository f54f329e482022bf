"""Checks against schemas: sentences for people, unknown keys, schemas of users, the memory of valid texts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from promptvc.base.documents import load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.base.memo import Memo
from promptvc.base.schemas import check_value, problems, unknown_keys, validate
from promptvc.base.slow_patterns import is_slow

WORD = "a word of letters, digits and _"
GOOD = "name: a/b\nversion: 1\nmessages:\n  - role: user\n    content: hi\n"


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        (GOOD.replace("1", "three"), 2, "`version` must be an integer, not 'three'", None),
        (GOOD.replace("1", "0"), 2, "`version` must be at least 1, not 0", None),
        (GOOD.replace("user", "usr"), 4, "`messages[0].role` must be one of system, user, assistant, not 'usr'",
         "did you mean `user`?"),
        (GOOD.replace("content", "contents"), 4, "`messages[0].content` is missing", "is `contents` meant?"),
        (GOOD.replace("hi", "12"), 5, "`messages[0].content` must be text, not 12", 'quote it: "12"'),
        (GOOD.replace("hi", "true"), 5, "`messages[0].content` must be text, not true", 'quote it: "true"'),
        (GOOD.replace("hi", "[a]"), 5, "`messages[0].content` must be text, not a list", None),
        (GOOD.replace("hi", ""), 5, "`messages[0].content` must be text, not empty", None),
        (GOOD + "rules: [{text: a, because: [x]}]", 6,
         "`rules[0].because[0]` must be the id of an event (26 characters, a ULID), not 'x'", None),
        (GOOD + "rules: yes", 6, "`rules` must be a list or empty, not 'yes'", None),
        (GOOD + "model: gpt-4", 6, "`model` must be provider:model or offline, not 'gpt-4'", None),
        (GOOD + "variables: {1a: {}}", 6,
         f"the name of `variables.1a` must be {WORD} that is not `rules` or `examples`, not '1a'", None),
        (GOOD + "examples: [{input: {}, output: x}]", 6, "`examples[0].input` must not be empty", None),
        ("- a", 1, "the document must be a mapping, not a list", None),
        ("name: a\nversion: 1\nmessages: []", 3, "`messages` must not be empty", None),
    ],
)  # fmt: skip
def test_problems_are_sentences_with_place(text: str, line: int, message: str, hint: str | None) -> None:
    document = load_yaml(text.encode(), file="p.yaml")
    first = problems(document.value, "prompt", document=document)[0]
    assert (first.message, first.line, first.hint) == (message, line, hint)
    with pytest.raises(InvalidDocument) as caught:
        validate(document, "prompt")
    assert (caught.value.message, caught.value.line, caught.value.file) == (message, line, "p.yaml")


def test_problems_come_in_the_order_of_the_text_and_are_bounded() -> None:
    many = GOOD + "tags:\n" + "".join(f"  - {number}\n" for number in range(100))
    document = load_yaml(many.replace("version: 1", "version: x").encode(), file="p.yaml")
    found = problems(document.value, "prompt", document=document)
    assert len(found) == 50
    assert [each.line for each in found] == sorted(each.line or 0 for each in found)
    assert problems(load_yaml(GOOD.encode(), file="p").value, "prompt") == []


def test_unknown_keys_are_listed_with_what_they_were_meant_to_be() -> None:
    text = GOOD + "rulez: []\nmetadata: {any: thing}\nrules:\n  - text: a\n    becuase: []\n"
    document = load_yaml(text.encode(), file="p.yaml")
    assert problems(document.value, "prompt", document=document) == []
    found = unknown_keys(document.value, "prompt", document=document)
    assert [(each.path, each.line, each.hint) for each in found] == [
        (("rulez",), 6, "did you mean `rules`?"),
        (("rules", 0, "becuase"), 10, "did you mean `because`?"),
    ]


@pytest.mark.parametrize(
    ("value", "schema", "words"),
    [
        ({"a": 1}, {"properties": {"a": {"type": "string"}}}, ["`a` must be text, not 1"]),
        ({}, {"required": ["b"]}, ["`b` is missing"]),
        ({"x": 1}, {"properties": {"y": {}}, "additionalProperties": False}, ["`x` is not a known key here"]),
        ("abc", {"anyOf": [{"type": "object"}, {"maxLength": 2, "type": "string"}]},
         ["the value must have a length of at most 2, not 3"]),
        ([1, 2, 2], {"uniqueItems": True}, ["non-unique"]),
        ("a", {"const": "b"}, ["the value must be 'b', not 'a'"]),
        (1, {"$ref": "http://example.com/schema.json"}, ["refers to 'http://example", "ever fetched"]),
        (1, {"$ref": "#/definitions/x"}, ["which is not in it"]),
        (1, {"$ref": "#"}, ["refers to itself without end"]),
        (1, {"type": "thing"}, ["the schema is not valid at `type`"]),
        ("a", {"pattern": "("}, ["the schema"]),
        ("a" * 40, {"pattern": "^(a+)+$"}, ["may never end"]),
        ({"a": 1}, {"patternProperties": {"(a*)*b": {}}}, ["may never end"]),
    ],
)  # fmt: skip
def test_schemas_of_users_are_applied_without_trusting_them(
    value: Any, schema: dict[str, Any], words: list[str]
) -> None:
    found = check_value(value, schema)
    assert len(found) == 1
    assert all(word in found[0] for word in words), found


def test_a_schema_elsewhere_is_never_fetched() -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named so in the base class
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = check_value(1, {"$ref": f"http://127.0.0.1:{server.server_port}/schema.json"})
        server.shutdown()
    assert asked == []
    assert "nothing is ever fetched" in found[0]


def test_a_valid_value_has_no_problems() -> None:
    assert check_value({"label": "a"}, {"properties": {"label": {"enum": ["a", "b"]}}}) == []
    assert check_value(1, {"$schema": "http://json-schema.org/draft-07/schema#", "type": "integer"}) == []


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+", "(a*)*b", "(a|aa)*", "(aa?)*", "([a-z]+)*x", "(a*b?)*", "((a+))+$", "(\\w+\\s*)*", "(\\d\\w|\\w)*",
     "(.*)*", "(a+){20,}", "(?:[a-z]+\\.?)*", "(\\s*\\w+)*"],
)  # fmt: skip
def test_patterns_that_may_never_end_are_known_by_their_shape(pattern: str) -> None:
    assert is_slow(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["^[a-z]+$", "([a-z]+-)*[a-z]+", "(\\d+,)*\\d+", "(ab|cd)*", "a{3}", "(a?){3}", "(", "\\d{4}-\\d{2}", "(.|\\n)*",
     "^(yes|no)$", "(?:[0-7]{2})+", '"([^"\\\\]|\\\\.)*"', "(\\w+\\s)*", "(a|ab)*"],
)  # fmt: skip
def test_ordinary_patterns_pass(pattern: str) -> None:
    assert not is_slow(pattern)


def test_a_memo_remembers_valid_texts_of_one_schema(tmp_path: Path) -> None:
    path = tmp_path / ".promptvc" / "validated"
    document = load_yaml(GOOD.encode(), file="p.yaml")
    validate(document, "prompt", memo=Memo(path))
    assert re.fullmatch(rb"[0-9a-f]{64}\n", path.read_bytes())
    digest = path.read_text().strip()
    assert Memo(path).knows(digest)
    validate(document, "prompt", memo=Memo(path))
    assert len(path.read_bytes()) == 65
    with pytest.raises(InvalidDocument):
        validate(load_yaml(b"a: 1", file="p.yaml"), "prompt", memo=Memo(path))
    assert len(path.read_bytes()) == 65
    with pytest.raises(InvalidDocument):
        validate(document, "event", memo=Memo(path))


def test_a_known_text_is_not_checked_again_and_jsonschema_not_imported(tmp_path: Path) -> None:
    path = tmp_path / "validated"
    document = load_yaml(GOOD.encode(), file="p.yaml")
    validate(document, "prompt", memo=Memo(path))
    program = (
        "import sys; from pathlib import Path\n"
        "from promptvc.prompts.model import load_prompt; from promptvc.base.memo import Memo\n"
        f"load_prompt({GOOD.encode()!r}, file='p.yaml', memo=Memo(Path({str(path)!r})))\n"
        "print([name for name in ('jsonschema', 'jinja2', 'referencing') if name in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_a_memo_survives_corruption_growth_and_a_disk_that_refuses(tmp_path: Path) -> None:
    path = tmp_path / "validated"
    good = "a" * 64
    path.write_bytes(b"\x00\xff torn" + good.encode()[:40] + b"\n" + good.encode() + b"\n" + b"b" * 63)
    memo = Memo(path)
    assert memo.knows(good)
    assert not memo.knows("b" * 64)
    memo.remember("c" * 64)
    assert Memo(path).knows("c" * 64) or Memo(path).knows(good)

    path.write_bytes(b"".join(b"%064x\n" % number for number in range(20_000)))
    Memo(path).remember("d" * 64)
    assert Memo(path).knows("d" * 64)
    assert path.stat().st_size <= 65 * 10_000
    assert not Memo(path).knows("0" * 64)

    blocked = Memo(tmp_path / "validated" / "inside-a-file")
    blocked.remember(good)
    assert blocked.knows(good)
    folder = tmp_path / "folder"
    folder.mkdir()
    Memo(folder).remember(good)


def test_processes_remember_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "validated"
    root = Path(__file__).parents[2]
    program = (
        "import sys; from pathlib import Path; from promptvc.base.memo import Memo\n"
        "memo = Memo(Path(sys.argv[1]))\n"
        "for number in range(500): memo.remember(f'{int(sys.argv[2]) * 1000 + number:064x}')"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(path), str(worker)], cwd=root)
        for worker in range(4)
    ]
    assert [each.wait() for each in running] == [0] * 4
    memo = Memo(path)
    assert all(memo.knows(f"{worker * 1000 + number:064x}") for worker in range(4) for number in range(500))
