# SPDX-License-Identifier: MIT
"""The audit log: a line for each run, and whatever is changed in it is found and named."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from safe_py_runner import AuditError, LocalEngine, RunnerPolicy, run_code, run_many

ROOT = Path(__file__).resolve().parents[2]
SPR = os.environ.get("SPR_BIN", str(ROOT / "build" / "spr"))
PYTHON = "/usr/bin/python3"
LINES = 10_000
CHAIN = '{"v": 1, "seq": %d, "previous": "%s", "time": "2026-01-01T00:00:00.000000Z", %s'
BODY = (
    '"event": "run", "run_id": %d, "code_sha256": "%s", "outcome": "ok", "exit_code": 0, '
    '"usage": {"wall_ms": 1.234}, "error": null, "violations": []'
)


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def verify(*logs: Path) -> subprocess.CompletedProcess[str]:
    command = [SPR, "audit", "verify", *map(str, logs)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def sealed(log: list[str], event: str) -> str:
    previous = log[-1][-66:-2] if log else "0" * 64
    text = CHAIN % (len(log), previous, event)
    return f'{text}, "hash": "{hashlib.sha256(text.encode()).hexdigest()}"}}'


@pytest.fixture(scope="module")
def long_log() -> bytes:
    """As the engine would write it; made here from what spr(1) says about the format."""
    log: list[str] = []
    log.append(sealed(log, '"event": "begin"'))
    while len(log) < LINES:
        log.append(sealed(log, BODY % (len(log), "ab" * 32)))
    return "".join(f"{line}\n" for line in log).encode()


def test_a_line_for_each_run(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    with LocalEngine(python=PYTHON, audit_log=log) as engine:
        run_code("result = input_data['x']", engine, {"x": 1})
        run_code("import os", engine)
        run_code("while True: pass", engine, policy=RunnerPolicy(timeout_seconds=0.2))
        run_code("raise ValueError('no\\nsecond line')", engine)
    head, ok, denied, timeout, error = lines(log)
    assert head["event"] == "begin" and head["seq"] == 0 and head["previous"] == "0" * 64
    assert [line["seq"] for line in lines(log)] == list(range(5))
    assert [line["outcome"] for line in (ok, denied, timeout, error)] == [
        "ok",
        "denied",
        "timeout",
        "error",
    ]
    assert ok["code_sha256"] == hashlib.sha256(b"result = input_data['x']").hexdigest()
    assert ok["input_sha256"] == hashlib.sha256(b'{"x": 1}').hexdigest()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", ok["time"])
    assert ok["error"] is None and ok["exit_code"] == 0 and ok["violations"] == []
    assert ok["usage"]["wall_ms"] > 0
    assert ok["isolation"]["level"] in ("kernel", "full") and ok["isolation"]["layers"]
    assert denied["violations"] == [{"kind": "import", "name": "os"}]
    assert timeout["killed_by"] == "timeout" and timeout["exit_code"] == 124
    assert timeout["policy_sha256"] != ok["policy_sha256"] == denied["policy_sha256"]
    assert error["error"] == "ValueError: no"
    checked = verify(log)
    assert checked.returncode == 0 and "ok: 5 lines, 4 runs" in checked.stdout


def test_engines_threads_and_forks_share_a_file(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"

    def work(engine: LocalEngine) -> None:
        for _ in run_many(["result = 1"] * 20, engine, max_concurrency=4):
            pass

    with (
        LocalEngine(python=PYTHON, audit_log=log) as one,
        LocalEngine(python=PYTHON, audit_log=str(log)) as two,
    ):
        threads = [threading.Thread(target=work, args=(engine,)) for engine in (one, one, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                work(one)
                status = 0
            finally:
                os._exit(status)
        work(one)
        assert os.waitpid(child, 0)[1] == 0
    checked = verify(log)
    assert checked.returncode == 0, checked.stdout
    assert "ok: 101 lines, 100 runs" in checked.stdout


def test_descriptor(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    with log.open("w+b") as file, LocalEngine(python=PYTHON, audit_log=file.fileno()) as engine:
        run_code("1", engine)
    assert len(lines(log)) == 2


def test_rotation(tmp_path: Path) -> None:
    log, old = tmp_path / "audit.log", tmp_path / "audit.log.1"
    with LocalEngine(python=PYTHON, audit_log=log) as engine:
        run_code("1", engine)
        log.rename(old)
        run_code("2", engine)
    assert lines(log)[0]["previous"] == lines(old)[-1]["hash"]
    assert "ok: 4 lines, 2 runs" in verify(old, log).stdout
    checked = verify(log, old)
    assert checked.returncode == 1 and checked.stdout.startswith(f"{old}:1: does not go on")


def test_no_log_no_run(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="cannot open the audit log '/nowhere/log'"):
        LocalEngine(python=PYTHON, audit_log="/nowhere/log")
    log = tmp_path / "logs" / "audit.log"
    log.parent.mkdir()
    with LocalEngine(python=PYTHON, audit_log=log) as engine:
        run_code("1", engine)
        log.rename(tmp_path / "audit.log")
        log.parent.rmdir()
        with pytest.raises(AuditError, match="cannot open the audit log"):
            run_code("2", engine)
        log.parent.mkdir()
        assert run_code("result = 3", engine).result == 3
    assert "ok: 4 lines, 2 runs" in verify(tmp_path / "audit.log", log).stdout


def test_command(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    command = [SPR, "run", "--python", PYTHON, "--audit", str(log), "-c"]
    for code in ("result = 1", "import subprocess"):
        subprocess.run([*command, code], capture_output=True, timeout=60)
    assert [line.get("outcome") for line in lines(log)] == [None, "ok", "denied"]
    assert verify(log).returncode == 0
    log.write_text(log.read_text().replace('"denied"', '"ok"    '))
    refused = subprocess.run([*command, "1"], capture_output=True, text=True, timeout=60)
    assert refused.returncode == 125 and "its last line was changed" in refused.stderr
    as_json = subprocess.run(
        [SPR, "audit", "verify", "--json", str(log)], capture_output=True, text=True, timeout=60
    )
    answer = json.loads(as_json.stdout)
    assert as_json.returncode == 1 and answer["ok"] is False and answer["n_faults"] == 1
    assert answer["faults"] == [f"{log}:3: was changed: its hash is another one"]


def positions(log: bytes) -> Iterator[tuple[str, int]]:
    """A byte of every member of some lines, of key and value, and of what stands between them."""
    for number in (0, 1, LINES // 2, LINES - 1):
        start = 0
        for _ in range(number):
            start = log.index(b"\n", start) + 1
        line = log[start : log.index(b"\n", start)]
        for member in re.finditer(rb'"(\w+)": ("[^"]*"|\[\]|\{[^}]*\}|[\w.]+)', line):
            for group in (1, 2):
                yield f"{number + 1}", start + member.start(group)
        yield f"{number + 1}", start
        yield f"{number + 1}", start + len(line) - 1


def test_any_byte(long_log: bytes, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_bytes(long_log)
    checked = verify(log)
    assert checked.returncode == 0 and f"ok: {LINES} lines" in checked.stdout
    chosen = list(positions(long_log))
    random.Random(1).shuffle(chosen)
    with log.open("r+b") as file:
        for line, at in chosen[:40]:
            file.seek(at)
            file.write(bytes([long_log[at] ^ 1]))
            file.flush()
            checked = verify(log)
            assert checked.returncode == 1
            assert checked.stdout.startswith(f"{log}:{line}: "), checked.stdout
            assert len(checked.stdout.splitlines()) == 1
            file.seek(at)
            file.write(long_log[at : at + 1])
            file.flush()
    assert verify(log).returncode == 0


def dropped(log: list[bytes], at: int) -> list[bytes]:
    return log[:at] + log[at + 1 :]


def swapped(log: list[bytes], at: int) -> list[bytes]:
    return [*log[:at], log[at + 1], log[at], *log[at + 2 :]]


def doubled(log: list[bytes], at: int) -> list[bytes]:
    return log[: at + 1] + log[at:]


@pytest.mark.parametrize(
    ("tamper", "at", "line"),
    [
        (dropped, 0, 1),
        (dropped, 1, 2),
        (dropped, 4321, 4322),
        (dropped, LINES - 2, LINES - 1),
        (swapped, 0, 1),
        (swapped, 777, 778),
        (swapped, LINES - 2, LINES - 1),
        (doubled, 5000, 5002),
    ],
)
def test_lines(
    long_log: bytes,
    tmp_path: Path,
    tamper: Callable[[list[bytes], int], list[bytes]],
    at: int,
    line: int,
) -> None:
    log = tmp_path / "audit.log"
    log.write_bytes(b"".join(tamper(long_log.splitlines(keepends=True), at)))
    checked = verify(log)
    assert checked.returncode == 1
    assert checked.stdout.startswith(f"{log}:{line}: "), checked.stdout


@pytest.mark.parametrize("cut", [1, 2, 100, 400])
def test_truncated_last_line(long_log: bytes, tmp_path: Path, cut: int) -> None:
    log = tmp_path / "audit.log"
    log.write_bytes(long_log[:-cut])
    checked = verify(log)
    assert checked.returncode == 1
    assert checked.stdout.startswith(f"{log}:{LINES}: is not whole"), checked.stdout
