"""Formats by name, those of other packages, and texts that are made to be slow."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptvc.base.errors import InvalidDocument, NotFound
from promptvc.prompts.formats.format import Reader, Writer
from promptvc.prompts.formats.registry import READERS, WRITERS, added, reader, writer

MODULE = """\
from promptvc.prompts.formats.format import Imported, Read
from promptvc.prompts.model import Message, Prompt

class Shout:
    name = "shout"
    short = "texts in capitals"
    suffixes = (".shout",)

    def sniff(self, data, filename):
        return filename.endswith(".shout")

    def read(self, data, *, file):
        return Read((Imported(Prompt("import", 1, (Message("user", data.decode().lower()),))),))
"""


@pytest.mark.parametrize("name", READERS)
def test_a_reader_is_one(name: str) -> None:
    assert isinstance(READERS[name], Reader)
    assert READERS[name].name == name


@pytest.mark.parametrize("name", WRITERS)
def test_a_writer_is_one(name: str) -> None:
    assert isinstance(WRITERS[name], Writer)
    assert WRITERS[name].name == name


def test_a_package_adds_a_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shouting.py").write_text(MODULE)
    info = tmp_path / "shouting-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[promptvc.formats]\nshout = shouting:Shout\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "shout" in added()
    read = reader("shout").read(b"HELLO", file="a.shout")
    assert read.prompts[0].prompt.messages[0].content == "hello"
    with pytest.raises(NotFound):
        writer("shout")


def test_an_unknown_format_is_named() -> None:
    with pytest.raises(NotFound) as refused:
        reader("lang-chain")
    assert refused.value.hint == "did you mean langchain?"


@pytest.mark.parametrize("format_", sorted(set(READERS) - {"prompt-yml"}))
@pytest.mark.parametrize(
    "text",
    ["{{" * 200_000, "{%" * 200_000 + "}}", "![" * 200_000, " " * 400_000, "user" + " " * 400_000,
     "{{! " * 100_000 + "}}", "\\" * 400_000 + "{{x}}", "{{#if x}}" * 40, "---\n" * 100_000,
     "{{" + " " * 400_000 + "}}", "{" * 300_001 + "}"],
    ids=lambda text: f"{text[:8]!r}",
)  # fmt: skip
def test_no_text_takes_for_ever(format_: str, text: str) -> None:
    heads = {"prompty": "---\nname: a\ntemplate: mustache\n---\n", "dotprompt": "---\nmodel: a/b\n---\n"}
    name = f"a{READERS[format_].suffixes[0]}"
    for head in ("", heads.get(format_, "")):
        data = (head + text).encode()
        READERS[format_].sniff(data, name)
        try:
            READERS[format_].read(data, file=name)
        except InvalidDocument:
            continue
