"""What people see: tables on a terminal, tab-separated cells when piped, colours only where they belong."""

from __future__ import annotations

import io
import json
import os
import pty
from pathlib import Path

import pytest

from promptvc.cli.ui import Ui
from tests.builders import Repo
from tests.commands import cli_of
from tests.worlds import DESK, DESK_FILE

TERMINAL = {"PROMPTVC_FORCE_TTY": "100"}
HOSTILE = "{{ question }} red \x1b[31mtext\x1b[0m \x9b2J bell\x07 back\x08 \u202eoverride {% for %} tab\tend"


def test_tables_have_headers_on_a_terminal_and_none_when_piped(shipped: Repo) -> None:
    cli = cli_of(shipped)
    for arguments, headers in (
        (("list",), "prompt version model runs in tags"),
        (("log", DESK), "version commit date author verdict score subject"),
        (("status",), "environment prompt runs latest held intact"),
        (("feedback", "list", DESK, "--limit", "3"), "time prompt kind score says"),
        (("train", DESK, "--history"), "time approach look verdict candidate reason"),
    ):
        shown, piped = cli.ok(*arguments, **TERMINAL).splitlines(), cli.ok(*arguments).splitlines()
        assert " ".join(shown[0].split()) == headers
        assert len(shown) == len(piped) + 1
        assert all("\t" not in line and len(line) <= 100 for line in shown)
        assert all(line.count("\t") >= 3 for line in piped)


def test_piped_cells_are_whole_where_a_terminal_cuts_them(shipped: Repo) -> None:
    cli = cli_of(shipped)
    long = "a very long remark " * 12
    cli.ok("feedback", "add", DESK, "--comment", long)
    arguments = ("feedback", "list", DESK, "--spooled", "--limit", "1")
    assert long in cli.ok(*arguments)
    assert "…" in cli.ok(*arguments, **TERMINAL)


def test_empty_tables_say_so_on_a_terminal_and_nothing_when_piped(desk: Repo) -> None:
    cli = cli_of(desk)
    assert cli.ok("status") == ""
    assert "nothing is deployed" in cli.ok("status", **TERMINAL)


def test_colours_need_a_real_terminal() -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    def printed(environ: dict[str, str], out: io.StringIO, monkey: pytest.MonkeyPatch) -> str:
        monkey.setattr("sys.stdout", out)
        ui = Ui.for_process(environ, as_json=False)
        ui.line("words", "good")
        return out.getvalue()

    with pytest.MonkeyPatch.context() as monkey:
        assert printed({}, Screen(), monkey) == "\x1b[32mwords\x1b[0m\n"
        assert printed({"NO_COLOR": "1"}, Screen(), monkey) == "words\n"
        assert printed({"TERM": "dumb"}, Screen(), monkey) == "words\n"
        assert printed({}, io.StringIO(), monkey) == "words\n"
        assert printed(TERMINAL, io.StringIO(), monkey) == "words\n"


def test_a_real_terminal_gets_colours_unless_it_wants_none(shipped: Repo) -> None:
    for more, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        master, slave = pty.openpty()
        done = cli_of(shipped).process("list", stdout=slave, more=more)
        os.close(slave)
        shown = os.read(master, 4096).decode()
        os.close(master)
        assert done.code == 0
        assert ("\x1b[1mprompt" in shown) is coloured
        assert DESK in shown


def test_no_escape_is_ever_written_to_a_pipe(shipped: Repo) -> None:
    cli = cli_of(shipped)
    for arguments in (
        ("list",),
        ("diff", f"{DESK}@v1", "@v2"),
        ("log", DESK),
        ("check",),
        ("evaluate", DESK),
        ("show", "nothing"),
        ("--help",),
    ):
        for more in ({}, TERMINAL):
            done = cli(*arguments, **more)
            assert "\x1b" not in done.out + done.err


def test_what_strangers_write_reaches_no_terminal_raw(desk: Repo) -> None:
    cli = cli_of(desk)
    given = ("--input", HOSTILE, "--output", HOSTILE, "--corrected", HOSTILE, "--comment", HOSTILE)
    assert cli("feedback", "add", DESK, *given).code == 0
    cli.ok("feedback", "commit")
    listings = [
        cli.ok("feedback", "list", DESK, "--limit", "1", *more, **tty)
        for more in ((), ("--json",))
        for tty in ({}, TERMINAL)
    ]
    for text in listings:
        assert not set(text) & {"\x1b", "\x9b", "\x07", "\x08"}
        assert "{{ question }}" in text
    assert "\u202e" not in listings[0]
    (event,) = json.loads(listings[2])
    assert event["corrected"] == HOSTILE


def test_words_of_other_scripts_are_printed_as_they_are(desk: Repo) -> None:
    cli = cli_of(desk)
    said = "\u3000全角\u3000caf\u00e9\u00a0! می\u200cخواهم 👩\u200d🚒"
    cli.ok("feedback", "add", DESK, "--comment", said)
    assert said in cli.ok("feedback", "list", DESK, "--spooled", "--limit", "1", **TERMINAL)


def test_columns_line_up_behind_wide_characters() -> None:
    out = io.StringIO()
    ui = Ui(out=out, err=out, terminal=True, width=40)
    ui.table(("a", "b"), [("日本", "x"), ("ab", "y"), ("e\u0301e", "z")])
    assert out.getvalue().splitlines() == ["a     b", "日本  x", "ab    y", "e\u0301e    z"]
    out.truncate(0)
    out.seek(0)
    ui.table(("a",), [("日" * 30,)])
    assert out.getvalue().splitlines()[1] == "日" * 19 + "…"


def test_json_survives_any_encoding() -> None:
    raw = io.BytesIO()
    ui = Ui(out=io.TextIOWrapper(raw, "ascii", write_through=True), err=io.StringIO(), as_json=True)
    value = {"a": "é\u2028\x9b\udcff日"}
    ui.json(value)
    assert json.loads(raw.getvalue()) == value


def test_one_error_one_line(desk: Repo) -> None:
    cli = cli_of(desk)
    desk.write({DESK_FILE: "name: [\nversion: 1\n"})
    said = cli.fails(2, "show", DESK)
    assert said.startswith(f"error: {DESK_FILE}:")


def test_show_prints_the_file_itself(desk: Repo) -> None:
    assert cli_of(desk).ok("show", DESK).encode() == desk.read(DESK_FILE)


def test_help_is_there_for_the_program_and_a_group(desk: Repo, tmp_path: Path) -> None:
    cli = cli_of(desk).at(tmp_path)
    assert "Commands:" in cli.ok()
    assert cli.ok() == cli.ok("--help") == cli.ok("-h")
    assert "Import feedback" in cli.ok("feedback", "--help")
    assert cli.ok("--version").startswith("promptvc ")
