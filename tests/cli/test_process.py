"""The command as a process: pipes that close, disks that are full, Ctrl-C, hooks around it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from tests.builders import Repo
from tests.commands import cli_of, events_in
from tests.servers import Reply, Request, Server, answer
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT, desk_suite

MODEL = "openai:test-model"
FULL = Path("/dev/full")


class Slow:
    """Answers the first so many requests; holds the others until it is told to answer all."""

    def __init__(self, answered: int) -> None:
        self.answered = answered
        self.held = threading.Event()
        self.open = False

    def __call__(self, request: Request) -> Reply:
        if self.open or request.number <= self.answered:
            return answer("alpha")
        self.held.set()
        return Reply(hang=True)


def interrupted(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """Press Ctrl-C, and once more: the first waits a while for the answers that are being paid for."""
    process.send_signal(signal.SIGINT)
    try:
        return process.communicate(timeout=1)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        return process.communicate(timeout=60)


def test_a_reader_that_has_gone_is_no_error(desk: Repo) -> None:
    long = "      " + "word " * 200 + "\n"
    desk.write({DESK_FILE: DESK_PROMPT.replace('content: "{{', "content: |\n" + long * 1000 + '      "{{')})
    for arguments in (("show", DESK), ("show", DESK, "--json"), ("diff", DESK, "--text")):
        with cli_of(desk).start(*arguments) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.read(4)
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait(60) == 0


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
def test_output_that_cannot_be_written_is_said(shipped: Repo) -> None:
    for arguments in (("show", DESK), ("list", "--json"), ("log", DESK), ("--help",)):
        with FULL.open("wb") as full:
            done = cli_of(shipped).process(*arguments, stdout=full)
        assert (done.code, done.err) == (3, "error: standard output: No space left on device\n")


def test_an_encoding_that_lacks_a_letter_is_no_error(shipped: Repo) -> None:
    cli = cli_of(shipped)
    cli.ok("feedback", "add", DESK, "--comment", "日本 café")
    listing = ("feedback", "list", DESK, "--spooled", "--limit", "1")
    more = {"PYTHONIOENCODING": "ascii"}
    assert "\\u65e5\\u672c caf\\xe9" in cli.process(*listing, more=more).out
    assert cli.process(*listing, "--json", more=more).json[0]["comment"] == "日本 café"


def test_ctrl_c_in_an_evaluation_keeps_what_was_paid_for(desk: Repo) -> None:
    slow = Slow(20)
    arguments = ("evaluate", DESK, "--model", MODEL, "--repeat", "1", "--json")
    with Server(slow) as server:
        with cli_of(desk).start(*arguments[:-1], more=server.environ()) as process:
            assert slow.held.wait(60)
            out, err = interrupted(process)
        assert process.returncode == 130
        assert out == b""
        first, hint = err.decode().splitlines()
        assert first.startswith("error: interrupted")
        assert hint.startswith("hint: run")
        slow.open, before = True, server.count
        done = cli_of(desk)(*arguments, **server.environ())
        assert done.code == 1
        assert done.json["passed"] == 15
        assert server.count - before == 45 - 20
        cli_of(desk)(*arguments, **server.environ())
        assert server.count - before == 45 - 20


def test_ctrl_c_in_a_training_keeps_what_was_paid_for(small: Repo) -> None:
    slow = Slow(20)
    arguments = ("train", DESK, "--models", MODEL, "--max-calls", "360", "--json")
    main = small.rev("main")
    with Server(slow) as server:
        with cli_of(small).start(*arguments, more=server.environ()) as process:
            assert slow.held.wait(60)
            out, err = interrupted(process)
        assert (process.returncode, err) == (130, b"")
        assert b'"kind": "interrupted"' in out
        assert small.rev("main") == main
        assert small.git("for-each-ref", "refs/heads/promptvc/desk") == ""
        assert "looks/" not in small.git("ls-tree", "-r", "promptvc/ledger", ok=(0, 128))
        assert small.status() == []
        # From here on the answer is always the same: what is asked again was not asked before.
        slow.open = True
        done = cli_of(small)(*arguments, **server.environ())
        assert done.code == 0, done
        assert "no improvement found" in done.json["reason"]
        asked = [str(request.body["messages"]) for request in server.requests]
        # As many may be under way as calls are allowed at once.
        assert len(asked) - done.json["calls"] in range(20, 20 + 33)


def test_what_a_surrounding_hook_sets_leads_nowhere_else(desk: Repo, make_repo: object) -> None:
    assert callable(make_repo)
    other: Repo = make_repo("other")
    other.commit({"a": "b"})
    more = {"GIT_DIR": str(other.path / ".git"), "GIT_INDEX_FILE": str(other.path / ".git/index")}
    before = other.git("for-each-ref"), other.status()
    done = cli_of(desk).process("deploy", DESK, "--json", more=more)
    assert done.code == 0, done
    assert done.json["commit"] == desk.rev("HEAD")
    assert (other.git("for-each-ref"), other.status()) == before


def test_c_works_before_and_after_the_command(shipped: Repo, tmp_path: Path) -> None:
    cli = cli_of(shipped).at(tmp_path)
    expected = cli_of(shipped).ok("list")
    for arguments in (
        ("-C", str(shipped.path), "list"),
        ("list", "-C", str(shipped.path)),
        ("-C", shipped.path.name, "list"),
        ("-C", str(shipped.path), "list", "-C", "prompts"),
    ):
        done = cli.process(*arguments)
        assert (done.code, done.out) == (0, expected)
    done = cli.process("list", "-C", "nowhere")
    assert (done.code, done.err.splitlines()[0]) == (2, "error: nowhere is not a folder")


def test_logs_are_json_lines_on_stderr_with_stable_names(desk: Repo) -> None:
    done = cli_of(desk).process("deploy", DESK, "--log", "--json")
    events = list(events_in(done.err))
    assert [event["event"] for event in events] == ["deployment.committed"]
    assert events[0]["commit"] == done.json["commit"]
    assert {"time", "event"} <= set(events[0])


def test_without_git_it_says_so(desk: Repo, tmp_path: Path) -> None:
    done = cli_of(desk).process("list", more={"PATH": str(tmp_path)})
    assert done.code == 3
    assert done.err == "error: git is not installed, or not on PATH\nhint: install git 2.38 or newer\n"


def test_a_suite_may_be_read_while_it_is_written(desk: Repo) -> None:
    """Commands that only read never wait for anybody: another process holds every lock."""
    holder = "import fcntl,sys; f=open(sys.argv[1],'w'); fcntl.flock(f, 2); print('held', flush=True); sys.stdin.read()"
    lock = desk.path / ".git/promptvc/commit.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    command = ["python3", "-c", holder, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for arguments in (("list",), ("log", DESK), ("status",), ("check",), ("feedback", "list", DESK)):
            assert cli_of(desk)(*arguments).code == 0
        process.communicate()


def test_the_desk_has_the_suite_that_the_counts_above_rely_on() -> None:
    assert desk_suite().count("- id:") == 45
