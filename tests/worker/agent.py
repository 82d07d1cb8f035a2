# SPDX-License-Identifier: MIT
"""Plays the agent for tests of the worker: builds it, spawns it, hands over runs, reads answers."""

from __future__ import annotations

import array
import json
import os
import shutil
import socket
import struct
import subprocess
import sysconfig
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]

MIB = 1 << 20

# src/wire/frame.h, src/wire/messages.h
HEADER = struct.Struct("=BBHIQII")
RUN = struct.Struct("=QQIIQQII")
RESULT = struct.Struct("=IiQII")
READY, RUN_TYPE, ENDED, RESULT_TYPE, FAILURE = range(96, 101)
ZYGOTE = ["module", "spawn", "warmup", "zygote"]  # the files that testmodule.c stands in for
VERDICTS = ["ok", "error", "memory", "denied", "output"]

DEFAULT_POLICY: dict[str, Any] = {
    "mode": "restrict",
    "allowed_imports": [],
    "blocked_imports": ["os", "subprocess", "socket", "ctypes", "importlib"],
    "allowed_builtins": [],
    "blocked_builtins": ["eval", "exec", "open", "compile", "breakpoint"],
    "allowed_globals": [],
    "blocked_globals": [],
    "extra_globals": {},
}
FREE_POLICY: dict[str, Any] = {"mode": "restrict"}


def build(directory: Path) -> Path:
    """Compiles worker_test.so as meson compiles worker.so."""
    so = directory / "worker_test.so"
    sources = [s for s in (ROOT / "src" / "worker").glob("*.c") if s.stem not in ZYGOTE]
    sources += (ROOT / "src" / "base").glob("*.c")
    sources += (ROOT / "src" / "wire").glob("*.c")
    cc = os.environ.get("CC") or shutil.which("cc") or "gcc"
    subprocess.run(
        [cc, "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-g", "-fPIC", "-shared", "-Wall", "-Wextra"]
        + ["-fvisibility=hidden", "-U_FORTIFY_SOURCE", "-U_FILE_OFFSET_BITS"]
        + ["-DPy_LIMITED_API=0x03090000", "-isystem", sysconfig.get_path("include")]
        + [f"-I{ROOT / 'src'}", "-o", str(so), str(Path(__file__).with_name("testmodule.c"))]
        + [str(source) for source in sources],
        check=True,
    )
    return so


class Layout(NamedTuple):
    """Where things lie in a region."""

    request: int
    stdout: int
    stderr: int
    error: int
    result: int
    size: int


@dataclass
class Answer:
    """What a run left behind; @verdict None where the worker died without an answer."""

    verdict: str | None
    exit_code: int | None
    error: str | None
    json: str | None
    stdout: str
    stderr: str
    stdout_total: int
    status: int  # as from waitpid
    seconds: float  # from RUN to RESULT
    failure: str | None = None

    @property
    def result(self) -> Any:
        return None if self.json is None else json.loads(self.json)


@dataclass
class Zygote:
    python: str
    so: Path
    warm: bool = True
    import_us: tuple[int, int] = (0, 0)
    run_id: int = 0
    layout: Layout = field(init=False)
    control: socket.socket = field(init=False)
    process: subprocess.Popen[bytes] = field(init=False)
    fd1: Any = None

    def __post_init__(self) -> None:
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.process = subprocess.Popen(
            [
                self.python, "-I", str(Path(__file__).with_name("zygote.py")),
                str(self.so), str(theirs.fileno()), str(int(self.warm)),
            ],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self.fd1,
            stderr=self.fd1,
        )  # fmt: skip
        theirs.close()
        numbers = [int(number) for number in self.control.recv(256).split()]
        self.import_us = numbers[0], numbers[1]
        self.layout = Layout(*numbers[2:])

    def close(self) -> None:
        self.control.close()
        self.process.wait(10)

    def start(self) -> tuple[socket.socket, int]:
        """A worker that waits: its socket and its region."""
        self.run_id += 1
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        region = os.memfd_create("test", os.MFD_CLOEXEC)
        os.ftruncate(region, self.layout.size)
        socket.send_fds(self.control, [b"%d" % self.run_id], [theirs.fileno(), region])
        theirs.close()
        kind, payload = receive(ours, self.run_id)
        assert (kind, payload) == (READY, struct.pack("=QQ", 5, 0))
        return ours, region

    def run(
        self,
        code: str | bytes,
        input_text: str | bytes = b"",
        policy: dict[str, Any] | str | None = None,
        name: str = "program.py",
        output_bytes: int = 128 * 1024,
        result_bytes: int = MIB,
        timeout: float = 20,
    ) -> Answer:
        ours, region = self.start()
        text = policy if isinstance(policy, str) else json.dumps(policy or FREE_POLICY)
        parts = [p.encode() if isinstance(p, str) else p for p in (code, input_text, text, name)]
        os.pwrite(region, b"".join(parts), self.layout.request)
        run = RUN.pack(*map(len, parts), output_bytes, result_bytes, 0, 0)
        ours.settimeout(timeout)
        start = time.perf_counter()
        ours.send(HEADER.pack(RUN_TYPE, 0, 0, len(run), self.run_id, 0, 0) + run)
        fields, failure = None, None
        while fields is None and failure is None:
            kind, payload = receive(ours, self.run_id)
            if kind == ENDED:
                RESULT.unpack(payload)  # the same comes again, when atexit functions are through
            elif kind == RESULT_TYPE:
                fields = RESULT.unpack(payload)
            elif kind == FAILURE:
                failure = payload[8:].split(b"\0")[0].decode()
            else:
                break
        seconds = time.perf_counter() - start
        ours.close()
        status = int(self.control.recv(64))
        answer = read_answer(region, self.layout, fields, output_bytes)
        os.close(region)
        answer.status, answer.seconds = status, seconds
        answer.failure = failure
        return answer


def receive(ours: socket.socket, run_id: int) -> tuple[int, bytes]:
    message = ours.recv(65536)
    if not message:
        return 0, b""
    kind, flags, zero, length, stream, call, zero2 = HEADER.unpack_from(message)
    assert (flags, zero, call, zero2) == (0, 0, 0, 0)
    assert stream == run_id
    assert length == len(message) - HEADER.size
    return kind, message[HEADER.size :]


def read_answer(region: int, layout: Layout, fields: tuple[int, ...] | None, cap: int) -> Answer:
    totals = array.array("Q", os.pread(region, 16, 0))
    out, err = (
        os.pread(region, min(total, cap), offset).decode(errors="replace")
        for total, offset in zip(totals, (layout.stdout, layout.stderr), strict=True)
    )
    if fields is None:
        return Answer(None, None, None, None, out, err, totals[0], 0, 0)
    verdict, exit_code, result_size, error_size, zero = fields
    assert zero == 0
    error = os.pread(region, error_size, layout.error).decode() if error_size else None
    text = os.pread(region, result_size, layout.result).decode() if result_size else None
    return Answer(VERDICTS[verdict], exit_code, error, text, out, err, totals[0], 0, 0)
