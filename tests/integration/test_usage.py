# SPDX-License-Identifier: MIT
"""What a run cost, and what the runs of an engine cost in all."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from processes import wait_until
from safe_py_runner import LocalEngine, RunnerPolicy, run_code

ROOT = Path(__file__).resolve().parents[2]
SPR = os.environ.get("SPR_BIN", str(ROOT / "build" / "spr"))
PYTHON = "/usr/bin/python3"
FAULTS = "data = bytearray(40 << 20)\nfor i in range(0, len(data), 4096):\n    data[i] = 1\n"


def test_of_a_run() -> None:
    code = "print('abc')\nresult = [sum(range(300000))]"
    with LocalEngine(python=PYTHON) as engine:
        usage = run_code(code, engine, {"x": 1}).usage
    assert usage.bytes_in == len(code) + len('{"x": 1}')
    assert usage.bytes_out == len("abc\n") + len("[44999850000]")
    assert usage.cpu_ms > 1
    assert abs(usage.cpu_user_ms + usage.cpu_system_ms - usage.cpu_ms) < 0.01
    assert usage.standby is False  # the first one


def test_standby() -> None:
    with LocalEngine(python=PYTHON, standbys=2) as engine:
        engine.start()
        assert wait_until(lambda: run_code("1", engine).usage.standby, 10)
        stats = engine.stats()
        assert stats.standby_hits >= 1
        assert stats.standby_hits + stats.standby_misses == stats.runs


def test_page_faults() -> None:
    """A page that is written to for the first time is one."""
    with LocalEngine(python=PYTHON) as engine:
        few = run_code("result = 1", engine).usage.page_faults
        many = run_code(FAULTS, engine).usage.page_faults
        killed = run_code(
            FAULTS + "while True: pass", engine, policy=RunnerPolicy(timeout_seconds=0.5)
        ).usage.page_faults
    assert few is None or few < 5000  # a run of less than a millisecond is not looked at
    assert many is not None and killed is not None
    assert many > 10000 and killed > 10000


def test_of_an_engine() -> None:
    with LocalEngine(python=PYTHON) as engine:
        assert engine.stats().runs == 0
        run_code("print('abc')", engine)
        run_code("raise ValueError", engine)
        run_code("while True: pass", engine, policy=RunnerPolicy(timeout_seconds=0.2))
        stats = engine.stats()
        assert stats.runs == 3 and stats.in_progress == stats.waiting == stats.failed == 0
        assert stats.outcomes == {"ok": 1, "error": 1, "timeout": 1}
        assert stats.wall_ms > 200 and stats.cpu_user_ms > 50
        assert stats.bytes_out > 4 and stats.bytes_in > 40
        assert stats.peak_memory_bytes > 0
        child = os.fork()
        if child == 0:
            os._exit(0 if engine.stats().runs == 0 else 1)
        assert os.waitpid(child, 0)[1] == 0


def test_of_the_command() -> None:
    done = subprocess.run(
        [SPR, "run", "--python", PYTHON, "--json", "-c", "print(1)"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    usage = json.loads(done.stdout)["usage"]
    assert usage["bytes_in"] == len("print(1)") and usage["bytes_out"] == 2
    assert usage["cpu_ms"] > 0 and usage["standby"] is False
    failed = subprocess.run(
        [SPR, "run", "--python", "/nowhere", "--json", "-c", "1"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert json.loads(failed.stdout)["usage"].keys() == usage.keys()
