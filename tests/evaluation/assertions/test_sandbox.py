"""Code of a suite in its process: what it can say, what it cannot do, and that nothing of it is left."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from promptvc.base.errors import Unfinished
from promptvc.evaluation.assertions import sandbox_worker
from promptvc.evaluation.assertions.sandbox import Limits, Sandbox
from tests.commands import ROOT as PROJECT

LIMITS = Limits(cpu_s=1, wall_s=20)
LINUX = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in {"x86_64", "aarch64"},
    reason="elsewhere there is no filter of system calls",
)


MODULE = """\
from __future__ import annotations
from dataclasses import dataclass
LIMIT = 80
@dataclass
class Seen:
    size: int
def get_assert(output, context):
    return Seen(len(output)).size < LIMIT
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox(LIMITS, workers=2)
    yield made
    made.close()


def said(sandbox: Sandbox, code: str, output: str = "hello world", **context: Any) -> Any:
    return asyncio.run(sandbox.run(code, output, context))


def waits(fifo: Path) -> str:
    """Code that says through a pipe that it runs, and never ends."""
    return (
        "import os, time\n"
        f"held = os.open({str(fifo)!r}, os.O_WRONLY)\n"
        "os.write(held, b'x')\n"
        "time.sleep(1000000)\n"
        "return True"
    )


def fault(sandbox: Sandbox, code: str) -> str:
    """Why there is no answer; and that the next call gets one."""
    with pytest.raises(Unfinished) as error:
        said(sandbox, code)
    assert said(sandbox, "len(output)") == 11
    return error.value.message


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("len(output) < 80", True),
        ("  output == 'x'  ", False),
        ("len(output) / 22", 0.5),
        ("(\n  'hello' in output\n  and context['vars']['a'] == 1\n)", True),
        ("{'pass': True, 'score': 0.5, 'reason': 'ok'}", {"pass": True, "score": 0.5, "reason": "ok"}),
        ("import re\nreturn bool(re.match('h', output))", True),
        ("if 'world' in output:\n    return 1\nreturn 0", 1),
        ("return output.upper()", "HELLO WORLD"),
        (
            "words = output.split()\nreturn [w for w in words if all(c in output for c in w)]",
            ["hello", "world"],
        ),
        ("def get_assert(output, context):\n    return context['vars']['a']", 1),
        ("async def get_assert(output, context):\n    return True", True),
        (MODULE, True),
        ("json.loads('[1]')", [1]),
        ("print('x' * 100000)\nreturn True", True),
        ("import sys\nsys.stderr.write('x')\nreturn True", True),
        ("None", None),
    ],
)
def test_code_says_what_it_finds(sandbox: Sandbox, code: str, wanted: Any) -> None:
    assert said(sandbox, code, vars={"a": 1}) == wanted


def test_text_of_any_kind_arrives_as_it_is(sandbox: Sandbox) -> None:
    text = "Grüße \ud800 \x00 \u2028 {{ output }} ' \" \\ " + "x" * 200_000
    assert said(
        sandbox, "[len(output), output[:6], context['vars']['q'] == output]", text, vars={"q": text}
    ) == [
        len(text),
        text[:6],
        True,
    ]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("1/0", "raised ZeroDivisionError: division by zero (line 1)"),
        ("x = 1\nraise ValueError('no\\nwonder')\nreturn True", "raised ValueError: no (line 2)"),
        ("def f(:", "raised SyntaxError"),
        ("x = 1", "is no expression"),
        ("object()", "a value of the type object"),
        ("float('nan')", "raised ValueError"),
        ("import sys\nsys.exit(0)\nreturn True", "ended itself (exit 0)"),
        ("raise KeyboardInterrupt\nreturn True", "raised KeyboardInterrupt"),
        ("import os\nos._exit(0)\nreturn True", "ended without an answer"),
        ("import os\nos.closerange(0, 100)\nreturn True", "ended without an answer"),
        ("import os\nos.close(3)\nreturn True", "ended without an answer"),
        ("import os\nos.write(3, b'\\0\\0\\0\\2{}')\nos._exit(0)\nreturn True", "cannot be read"),
        ("import os\nos.write(3, b'\\xff' * 64)\nreturn True", "more than 1,048,576 bytes"),
        ("'x' * (2 << 20)", "more than 1,048,576 bytes"),
        ("import ctypes\nctypes.string_at(0)\nreturn True", "crashed (SIGSEGV)"),
        ("bytearray(3 << 30)", "more than 1,024 MiB of memory"),
        ("'x' * (3 << 30)", "more than 1,024 MiB of memory"),
        ("open('x', 'wb').write(b'1' * (4 << 20))", "File too large"),
        ("[open('/dev/null') for _ in range(1000)]", "Too many open files"),
        ("while True:\n    pass\nreturn True", "more than 1 s of processor time"),
        (
            "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass\nreturn True",
            "more than 1 s of processor time",
        ),
        (
            "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True:\n    pass\nreturn True",
            "more than 1 s of processor time",
        ),
        ("class E(Exception):\n    def __str__(self): return 1/0\nraise E\nreturn True", "raised E"),
        ("def f(): return f()\nreturn f()", "raised RecursionError"),
    ],
)
def test_whatever_goes_wrong_is_an_error_and_the_next_call_is_answered(
    sandbox: Sandbox, code: str, reason: str
) -> None:
    assert reason in fault(sandbox, code)


@LINUX
@pytest.mark.parametrize(
    "code",
    [
        "import os\nos.fork()\nreturn True",
        "import os\nos.execv('/bin/true', ['true'])\nreturn True",
        "import subprocess\nsubprocess.run(['true'])\nreturn True",
        "import socket\nsocket.socket()\nreturn True",
        "import os\nos.chroot('.')\nreturn True",
        "import os\nos.kill(os.getppid(), 9)\nreturn True",
        "import os\nos.killpg(os.getpgid(os.getppid()), 15)\nreturn True",
        "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (99, 99))\nreturn True",
    ],
)
def test_code_reaches_no_process_no_program_and_no_network(sandbox: Sandbox, code: str) -> None:
    assert "raised" in fault(sandbox, code)


@LINUX
def test_a_thread_is_no_process(sandbox: Sandbox) -> None:
    code = "import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()\nreturn True"
    assert said(sandbox, code) is True


def test_what_waits_for_ever_is_ended() -> None:
    quick = Sandbox(Limits(cpu_s=1, wall_s=0.3), workers=1)
    try:
        for code in (
            "import time\ntime.sleep(1000)\nreturn True",
            "import os, time\nos.closerange(4, 99)\ntime.sleep(1000)\nreturn True",
            "import threading\nthreading.Thread(target=threading.Event().wait).start()\nthreading.Event().wait()",
        ):
            with pytest.raises(Unfinished, match=r"did not end within 0\.3 s"):
                said(quick, code)
    finally:
        quick.close()


def test_code_sees_no_environment_and_an_empty_folder(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    fresh = Sandbox(LIMITS, workers=1)
    try:
        seen = said(fresh, "import os\nreturn [dict(os.environ), os.getcwd(), os.listdir()]")
        assert set(seen[0]) <= {"LC_CTYPE"}
        assert seen[1] != str(Path.cwd())
        assert seen[2] == []
        said(fresh, "open('kept', 'w').write('x')")
        assert said(fresh, "import os\nreturn os.listdir()") == []
    finally:
        fresh.close()
    assert not Path(seen[1]).parent.exists()


def test_code_has_none_of_our_descriptors(sandbox: Sandbox, tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w") as stream:
        os.set_inheritable(stream.fileno(), True)
        code = (
            "import os\n"
            "def open_(n):\n"
            "    try:\n        os.fstat(n)\n    except OSError:\n        return False\n    return True\n"
            "return [n for n in range(200) if open_(n)]"
        )
        fresh = Sandbox(LIMITS, workers=1)
        try:
            assert said(fresh, code) == [0, 1, 2, 3]
        finally:
            fresh.close()


def test_calls_do_not_see_one_another(sandbox: Sandbox) -> None:
    said(sandbox, "import json\njson.loads = lambda text: 'spoiled'\nglobals()['left'] = 1\nreturn True")
    assert said(sandbox, "[json.loads('1'), 'left' in globals()]") == [1, False]


def test_many_coroutines_share_few_processes(sandbox: Sandbox) -> None:
    async def all_of_them() -> list[Any]:
        calls = [sandbox.run("[context['n'], len(output)]", "x" * n, {"n": n}) for n in range(60)]
        return await asyncio.gather(*calls)

    assert asyncio.run(all_of_them()) == [[n, n] for n in range(60)]
    pids = {said(sandbox, "import os\nreturn os.getppid()") for _ in range(10)}
    assert len(pids) <= 2


def test_after_close_nothing_runs_and_nothing_is_left(tmp_path: Path) -> None:
    gone = Sandbox(Limits(cpu_s=1, wall_s=600), workers=2)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)

    def close() -> bytes:
        with fifo.open("rb") as stream:
            begun = stream.read(2)
            gone.close()
            return begun + stream.read()  # to the end: nobody holds it open any more

    async def closed_under_way() -> list[Any]:
        hanging = [gone.run(waits(fifo), "", {}) for _ in range(3)]
        closing = asyncio.get_running_loop().run_in_executor(None, close)
        outcomes = await asyncio.gather(*hanging, return_exceptions=True)
        assert await closing == b"xx"
        return outcomes

    outcomes = asyncio.run(closed_under_way())
    assert all(isinstance(each, Unfinished | asyncio.CancelledError) for each in outcomes), outcomes
    with pytest.raises(Unfinished, match="closed"):
        said(gone, "True")


def test_a_program_that_forgets_to_close_leaves_nothing_behind(tmp_path: Path) -> None:
    program = """
import asyncio
from promptvc.evaluation.assertions.sandbox import Sandbox
sandbox = Sandbox(workers=1)
print(asyncio.run(sandbox.run("import os\\nreturn [os.getppid(), os.path.dirname(os.getcwd())]", "", {})))
"""
    environ = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path), "PYTHONPATH": str(PROJECT)}
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, check=True)
    _, folder = json.loads(done.stdout.replace(b"'", b'"'))
    assert Path(folder).parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_is_an_error_and_a_new_one_is_started(sandbox: Sandbox) -> None:
    fresh = Sandbox(LIMITS, workers=1)
    try:
        pid = said(fresh, "import os\nreturn os.getppid()")
        os.kill(pid, 9)
        with pytest.raises(Unfinished, match="failed"):
            said(fresh, "True")
        assert said(fresh, "True") is True
    finally:
        fresh.close()


class Worker:
    """The script itself, on a system without the filter of system calls."""

    def __init__(self, folder: Path, limits: Limits, *, user: int | None = None) -> None:
        become = f"os.setgroups([]); os.setgid({user}); os.setuid({user})" if user else ""
        script = f"""
import os, platform, runpy, sys
platform.machine = lambda: "other"
sys.argv = ["worker", {limits.to_json()!r}]
worker = runpy.run_path({sandbox_worker.__file__!r})
{become}
worker["main"]()
"""
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", script], stdin=pipe, stdout=pipe, cwd=folder, env={}
        )

    def begin(self, code: str) -> None:
        assert self.process.stdin is not None
        request = json.dumps({"code": code, "output": "", "context": {}}).encode()
        self.process.stdin.write(struct.pack(">I", len(request)) + request)
        self.process.stdin.flush()

    def ask(self, code: str) -> Any:
        self.begin(code)
        assert self.process.stdout is not None
        size = struct.unpack(">I", self.process.stdout.read(4))[0]
        return json.loads(self.process.stdout.read(size))

    def leave(self) -> None:
        """What happens when its owner dies."""
        assert self.process.stdin is not None
        self.process.stdin.close()


ROOT = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can be two users")


@ROOT
def test_without_the_filter_what_escapes_root_is_found_and_killed(tmp_path: Path) -> None:
    worker = Worker(tmp_path, Limits(cpu_s=1, wall_s=60))
    code = """
import os, time
reader, writer = os.pipe()
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
        os.write(writer, os.getpid().to_bytes(4, "big"))
        time.sleep(1000000)
return [int.from_bytes(os.read(reader, 4), "big") for _ in range(6)]
"""
    with worker.process:
        pids = worker.ask(code)["value"]
        assert len(set(pids)) == 6
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        assert worker.ask("1 + 1") == {"value": 2}
        worker.leave()


@ROOT
def test_without_the_filter_a_user_starts_no_process() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, 65534, 65534)
        worker = Worker(Path(folder), Limits(cpu_s=1, wall_s=60), user=65534)
        with worker.process:
            assert "raised BlockingIOError" in worker.ask("import os\nreturn os.fork()")["error"]
            assert worker.ask("1 + 1") == {"value": 2}
            worker.leave()


def test_a_worker_whose_owner_dies_ends_with_its_child(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    worker = Worker(tmp_path, Limits(cpu_s=1, wall_s=600))
    with worker.process:
        worker.begin(waits(fifo))
        with fifo.open("rb") as stream:
            assert stream.read(1) == b"x"
            worker.leave()
            assert stream.read() == b""  # its child held it open
