"""The process that runs a suite's code, one child a call. A script of its own, with the standard library alone.

It reads frames from standard input and answers with frames on standard output: four bytes of length, then JSON. A
request is ``{code, output, context}``, an answer ``{value}`` or ``{error}``. :mod:`.sandbox` starts and ends it.

The child that runs the code has an empty environment, an empty folder, no descriptors but the one it answers on, and
limits on time, memory, files and processes. On Linux (x86-64, arm64) a system call filter takes away new processes,
programs, signals to others and sockets as well. It is killed with its group when it has answered or has used
its time; what escaped the group is adopted by this process and killed too.
"""

from __future__ import annotations

import ast
import contextlib
import ctypes
import gc
import inspect
import json
import os
import platform
import resource
import select
import shutil
import signal
import struct
import sys
import tempfile
import time
import types
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

_ENTRY = "get_assert"  # as in code.py, which is not imported here
_HEADER = struct.Struct(">I")
_NAME = "<assertion>"

# prctl(2)
_PARENT_DEATH, _NO_NEW_PRIVILEGES, _SUBREAPER, _SECCOMP, _FILTER = 1, 38, 36, 22, 2
# seccomp(2), bpf(2)
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT, _THIRD_ARGUMENT_AT = 0, 4, 16, 32
_X32 = 0x40000000
_THREAD = 0x00010000  # CLONE_THREAD

# (AUDIT_ARCH, clone, prlimit64, clone3, refused): fork, vfork, execve, execveat, kill, tkill, tgkill, rt_sigqueueinfo,
# rt_tgsigqueueinfo, pidfd_send_signal, pidfd_getfd, ptrace, process_vm_readv, process_vm_writev, socket, setrlimit,
# unshare, setns, io_uring_setup; and what root could do: mount, umount2, pivot_root, chroot, reboot, init_module,
# finit_module, bpf, kexec_load. From the kernel's tables of system calls.
_CALLS = {
    "x86_64": (0xC000003E, 56, 302, 435,
               (57, 58, 59, 322, 62, 200, 234, 129, 297, 424, 438, 101, 310, 311, 41, 160, 272, 308, 425,
                165, 166, 155, 161, 169, 175, 313, 321, 246)),
    "aarch64": (0xC00000B7, 220, 261, 435,
                (221, 281, 129, 130, 131, 138, 240, 424, 438, 117, 270, 271, 198, 164, 97, 268, 425,
                 40, 39, 41, 51, 142, 105, 273, 280, 104)),
}  # fmt: skip

_child = 0


class _NoAnswer(Exception):
    """The code is no assertion; what it is or does instead."""


def main() -> None:
    """Answer requests until standard input ends."""
    limits = json.loads(sys.argv[1])
    signal.signal(signal.SIGTERM, _stop)
    _prctl(_SUBREAPER, 1)
    warnings.simplefilter("ignore")
    gc.collect()
    gc.freeze()
    while True:
        request = _read_frame(0)
        if request is None:
            return
        _write_frame(1, _call(request, limits))


def _stop(*_: Any) -> NoReturn:
    """SIGTERM: leave nothing behind."""
    if _child:
        _kill_group(_child)
    os._exit(0)


def _call(request: bytes, limits: Mapping[str, float]) -> bytes:
    """Run one request in a child of its own, and say what came of it."""
    global _child  # noqa: PLW0603 - for the handler of SIGTERM
    folder = tempfile.mkdtemp(dir=".")
    reader, writer = os.pipe()
    _child = os.fork()
    if _child == 0:
        _run_child(request, writer, folder, limits)
    os.close(writer)
    try:
        answer, late = _answer(reader, limits)
    finally:
        os.close(reader)
        _kill_group(_child)  # before it is reaped: its number cannot belong to anybody else yet
        _, status, usage = os.wait4(_child, 0)
        _child = 0
        _kill_orphans()
        shutil.rmtree(folder, ignore_errors=True)
    if answer is not None:
        return answer
    used = usage.ru_utime + usage.ru_stime
    return json.dumps({"error": _death(status, used, late, limits)}).encode()


def _death(status: int, used: float, late: str | None, limits: Mapping[str, float]) -> str:
    if late is not None:
        return late
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU or (number == signal.SIGKILL and used >= limits["cpu_s"] - 0.1):
            return f"the code took more than {limits['cpu_s']:g} s of processor time"
        if number != signal.SIGKILL:  # that was most likely us: it had closed what it answers on
            return f"the code crashed ({signal.Signals(number).name})"
    return "the code ended without an answer"


def _answer(reader: int, limits: Mapping[str, float]) -> tuple[bytes | None, str | None]:
    """The child's frame, or None and why there is none, where that is known here."""
    until = time.monotonic() + limits["wall_s"]
    most = int(limits["answer_bytes"])
    data = b""
    while True:
        wait = until - time.monotonic()
        ready = select.select([reader, 0], [], [], wait)[0] if wait > 0 else []
        if not ready:
            return None, f"the code did not end within {limits['wall_s']:g} s"
        if 0 in ready:  # nobody writes while we work: whoever asked is gone
            _stop()
        part = os.read(reader, 65_536)
        data += part
        if len(data) >= _HEADER.size:
            size = _HEADER.unpack_from(data)[0]
            if size > most or len(data) > most + _HEADER.size:
                return None, f"the code answered with more than {most:,} bytes"
            if len(data) == size + _HEADER.size:
                return _checked(data[_HEADER.size :])
        if not part:
            return None, None


def _checked(frame: bytes) -> tuple[bytes | None, str | None]:
    """The code could write to the pipe itself: what came is looked at before it is passed on."""
    try:
        value = json.loads(frame)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict) and len(value) == 1 and {"value", "error"} & set(value):
        return frame, None
    return None, "the code's answer cannot be read"


def _run_child(request: bytes, writer: int, folder: str, limits: Mapping[str, float]) -> NoReturn:
    """In the child: give everything away, run the code, answer, end."""
    code = 1
    try:
        _prctl(_PARENT_DEATH, signal.SIGKILL)
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.chdir(folder)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        answer = os.dup2(writer, 3) if writer != 3 else 3
        os.closerange(4, 256)
        value = json.loads(request)
        _limit(limits)
        frame = _outcome(value, limits)
        _write_frame(answer, frame)
        code = 0
    finally:
        os._exit(code)


def _limit(limits: Mapping[str, float]) -> None:
    cpu = max(1, round(limits["cpu_s"]))
    memory = int(limits["memory_bytes"])
    files = int(limits["file_bytes"])
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    with contextlib.suppress(ValueError, OSError):  # not every system has it
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (files, files))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    if not _filter():
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))  # no threads then either


def _outcome(request: Mapping[str, Any], limits: Mapping[str, float]) -> bytes:
    try:
        value = _evaluate(request["code"], request["output"], request["context"])
        frame = json.dumps({"value": value}, allow_nan=False, default=_plain).encode()
    except MemoryError:
        error = f"the code took more than {int(limits['memory_bytes']) >> 20:,} MiB of memory"
    except _NoAnswer as fault:
        error = f"the code {fault}"
    except SystemExit as end:
        error = f"the code ended itself (exit {end.code})"
    except BaseException as raised:  # noqa: BLE001 - whatever code raises is its answer
        error = _told(raised)
    else:
        if len(frame) <= limits["answer_bytes"]:
            return frame
        error = f"the code answered with more than {int(limits['answer_bytes']):,} bytes"
    return json.dumps({"error": error}).encode()


def _told(raised: BaseException) -> str:
    try:
        text = str(raised).strip()
    except BaseException:  # noqa: BLE001 - an exception of the code's own
        text = ""
    line = None
    trace = raised.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _NAME:
            line = trace.tb_lineno
        trace = trace.tb_next
    where = f" (line {line})" if line else ""
    said = f": {text.splitlines()[0][:300]}" if text else ""
    return f"the code raised {type(raised).__name__}{said}{where}"


def _evaluate(code: str, output: str, context: Any) -> Any:
    """An expression's value; what a body of statements returns; what a module's ``get_assert`` returns."""
    try:
        expression = compile(code.strip(), _NAME, "eval")
    except SyntaxError:
        value = _statements(code, output, context)
    else:
        value = eval(expression, _names(output=output, context=context))  # noqa: S307 - what it is here for
    if inspect.iscoroutine(value):
        import asyncio  # takes as long to load as all the rest

        value = asyncio.run(value)
    return value


def _statements(code: str, output: str, context: Any) -> Any:
    tree = ast.parse(code, _NAME)
    names = _names()
    if any(isinstance(node, ast.Return) for node in _outside_functions(tree)):
        function = ast.parse("def body(output, context): pass").body[0]
        assert isinstance(function, ast.FunctionDef)
        function.body = tree.body
        tree.body = [function]
        entry = "body"
    else:
        entry = _ENTRY
    # Importable under its name, as dataclasses and pickling expect of the module of a class.
    module = types.ModuleType(names["__name__"])
    vars(module).update(names)
    sys.modules[module.__name__] = module
    exec(compile(tree, _NAME, "exec"), vars(module))  # noqa: S102 - what it is here for
    found = vars(module).get(entry)
    if not callable(found):
        raise _NoAnswer(f"is no expression, has no `return` and no function {_ENTRY}(output, context)")
    return found(output, context)


def _outside_functions(tree: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(tree):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield child
            yield from _outside_functions(child)


def _names(**more: Any) -> dict[str, Any]:
    return {"__name__": "assertion", "__builtins__": __builtins__, "json": json, **more}


def _plain(value: Any) -> Any:
    """numpy's numbers and truth values as Python's."""
    item = getattr(value, "item", None)
    if not callable(item):
        raise _NoAnswer(f"answered with a value of the type {type(value).__name__}")
    return item()


def _kill_group(leader: int) -> None:
    # Between fork and setsid it is no leader yet.
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(leader, signal.SIGKILL)


def _kill_orphans() -> None:
    """What left the group and lost its parent is ours (a subreaper's) now."""
    for _ in range(10_000):
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                for child in _children():
                    os.kill(child, signal.SIGKILL)
        except ChildProcessError:
            return
    os._exit(1)  # it breeds faster than it dies: better no sandbox than a slow one


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as listing:  # noqa: PTH123
            return [int(child) for child in listing.read().split()]
    except OSError:
        return []


def _prctl(option: int, argument: int, pointer: Any = None) -> bool:
    if sys.platform != "linux":
        return False
    nothing = ctypes.c_ulong(0)
    second = nothing if pointer is None else pointer
    said: int = ctypes.CDLL(None).prctl(option, ctypes.c_ulong(argument), second, nothing, nothing)
    return said == 0


def _filter() -> bool:
    """Take away processes, programs, signals and sockets; False where the system has no such filter."""
    calls = _CALLS.get(platform.machine())
    if sys.platform != "linux" or calls is None:
        return False
    steps = _program(*calls)
    data = b"".join(struct.pack("HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(data, len(data))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    program = Program(len(steps), ctypes.addressof(buffer))
    return _prctl(_NO_NEW_PRIVILEGES, 1) and _prctl(_SECCOMP, _FILTER, ctypes.byref(program))


def _program(
    architecture: int, clone: int, limit: int, clone3: int, refused: tuple[int, ...]
) -> list[tuple[int, int, int, int]]:
    """The filter as (code, steps to skip if true, if false, operand)."""
    deny, unknown, allow = _ERRNO | _EPERM, _ERRNO | _ENOSYS, _ALLOW
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT), (_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, deny),
    ]  # fmt: skip
    for number in refused:
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, deny)]
    # The C library falls back to clone, whose flags can be looked at: a thread ends with its process.
    steps += [(_EQUAL, 0, 1, clone3), (_RETURN, 0, 0, unknown)]
    steps += [
        (_EQUAL, 0, 4, clone), (_LOAD, 0, 0, _FIRST_ARGUMENT_AT), (_ANY_BIT, 0, 1, _THREAD),
        (_RETURN, 0, 0, allow), (_RETURN, 0, 0, deny),
    ]  # fmt: skip
    # Limits may be read (no new ones given), not changed: root could raise them.
    steps += [
        (_EQUAL, 0, 5, limit), (_LOAD, 0, 0, _THIRD_ARGUMENT_AT), (_EQUAL, 0, 2, 0),
        (_LOAD, 0, 0, _THIRD_ARGUMENT_AT + 4), (_EQUAL, 1, 0, 0), (_RETURN, 0, 0, deny),
    ]  # fmt: skip
    return [*steps, (_RETURN, 0, 0, allow)]


def _read_frame(descriptor: int) -> bytes | None:
    head = _read_exactly(descriptor, _HEADER.size)
    return None if head is None else _read_exactly(descriptor, _HEADER.unpack(head)[0])


def _read_exactly(descriptor: int, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        part = os.read(descriptor, min(size - len(data), 1 << 20))
        if not part:
            return None
        data += part
    return bytes(data)


def _write_frame(descriptor: int, data: bytes) -> None:
    rest = memoryview(_HEADER.pack(len(data)) + data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


if __name__ == "__main__":
    main()
