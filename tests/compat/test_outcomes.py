# SPDX-License-Identifier: MIT
"""How runs end, and what is kept of their output. Docstrings quote the contract."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from safe_py_runner import RunnerResult

Run = Callable[..., RunnerResult]

KIB = 1024


def test_ends(run: Run) -> None:
    """ends: True, 0, None"""
    answer = run("result = 1")
    assert (answer.ok, answer.exit_code, answer.error, answer.outcome) == (True, 0, None, "ok")


# `SystemExit: 2` … with exit codes as a shell would show them
EXITS = [
    ("", True, 0, None),
    ("0", True, 0, None),
    ("None", True, 0, None),
    ("False", True, 0, None),
    ("2", False, 2, "SystemExit: 2"),
    ("-1", False, 255, "SystemExit: -1"),
    ("True", False, 1, "SystemExit: True"),
    ("256", False, 1, "SystemExit: 256"),
    ("258", False, 2, "SystemExit: 258"),
    ("'stop now'", False, 1, "SystemExit: stop now"),
]


@pytest.mark.parametrize(("argument", "ok", "exit_code", "error"), EXITS)
def test_sys_exit(argument: str, ok: bool, exit_code: int, error: str | None, run: Run) -> None:
    """sys.exit(): the result is delivered for every SystemExit; 256 & 255, or 1 if that is 0"""
    answer = run(f"import sys\nresult = 'kept'\nprint('out')\nsys.exit({argument})")
    assert (answer.ok, answer.exit_code, answer.error) == (ok, exit_code, error)
    assert (answer.result, answer.stdout) == ("kept", "out\n")


def test_sys_exit_text_on_stderr(run: Run) -> None:
    """sys.exit("stop now"): the text also on stderr"""
    assert run("import sys\nsys.exit('stop now')").stderr == "stop now\n"


RAISES = [
    ("1 / 0", "ZeroDivisionError: division by zero"),
    ("raise ValueError('bad', 3)", "ValueError: ('bad', 3)"),
    ("raise BaseException('base')", "BaseException: base"),
    ("raise KeyboardInterrupt('stop')", "KeyboardInterrupt: stop"),
    ("class Mine(Exception): pass\nraise Mine('x')", "Mine: x"),
    ("{}['k']", "KeyError: 'k'"),
]


@pytest.mark.parametrize(("code", "error"), RAISES)
def test_raises(code: str, error: str, run: Run) -> None:
    """raises, BaseException and KeyboardInterrupt too: 1, `ZeroDivisionError: division by zero`"""
    answer = run(f"print('before')\n{code}")
    assert (answer.ok, answer.exit_code, answer.outcome) == (False, 1, "error")
    assert answer.error == error
    assert answer.stdout == "before\n"
    assert "Traceback (most recent call last)" in answer.stderr


@pytest.mark.parametrize("code", ["def", "x = (", "return 1", "  x = 1", "'\\x'"])
def test_does_not_compile(code: str, run: Run) -> None:
    """does not compile: 1, `SyntaxError: …`"""
    answer = run(code)
    assert (answer.ok, answer.exit_code) == (False, 1)
    assert answer.error is not None
    assert "Error: " in answer.error
    assert answer.error.split(":")[0] in ("SyntaxError", "IndentationError")


MEMORY = [
    pytest.param("x = bytearray(200 << 20)", id="one block"),
    pytest.param("x = []\nwhile True: x.append(bytearray(1 << 20))", id="many blocks"),
    pytest.param("raise MemoryError", id="raised"),
]


@pytest.mark.parametrize("code", MEMORY)
def test_exceeds_memory(code: str, run: Run) -> None:
    """exceeds memory: 2, `Memory limit exceeded`, resource_exceeded; a MemoryError too"""
    answer = run(code, memory_limit_mb=64, timeout_seconds=20)
    assert (answer.ok, answer.exit_code) == (False, 2)
    assert (answer.error, answer.resource_exceeded) == ("Memory limit exceeded", True)
    assert answer.outcome == "memory"
    assert not answer.timed_out


def test_a_caught_memory_error_is_no_outcome(run: Run) -> None:
    """a MemoryError that the code catches itself is no outcome"""
    answer = run("try:\n    raise MemoryError\nexcept MemoryError:\n    result = 'fine'")
    assert (answer.ok, answer.result, answer.resource_exceeded) == (True, "fine", False)


TIMEOUTS = [(0.25, "0.25s"), (1, "1s"), (1.0, "1s"), (0.5, "0.5s")]


@pytest.mark.parametrize(("seconds", "words"), TIMEOUTS)
def test_exceeds_time(seconds: float, words: str, run: Run) -> None:
    """exceeds time: 124, `Execution timed out after 5s`, timed_out; `after 0.25s` for fractions"""
    before = time.monotonic()
    answer = run("while True: pass", timeout_seconds=seconds)
    took = time.monotonic() - before

    assert (answer.ok, answer.exit_code, answer.timed_out) == (False, 124, True)
    assert answer.error == f"Execution timed out after {words}"
    assert (answer.outcome, answer.killed_by) == ("timeout", "timeout")
    assert seconds <= took < seconds + 1


def test_sleeping_past_the_deadline(run: Run) -> None:
    """A sleeping program costs no processor and ends as a busy one."""
    answer = run("import time\ntime.sleep(30)", timeout_seconds=0.3)
    assert answer.timed_out


def test_timeout_of_c_code(run: Run) -> None:
    """No byte code runs while this regular expression backtracks."""
    answer = run("import re\nre.match('(a+)+$', 'a' * 40 + 'b')", timeout_seconds=0.3)
    assert answer.timed_out


# --- output ---


def test_stdout_and_stderr_are_apart(run: Run) -> None:
    answer = run("import sys\nprint('out')\nprint('err', file=sys.stderr)")
    assert (answer.stdout, answer.stderr) == ("out\n", "err\n")
    assert not answer.truncated


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_the_first_kib_are_kept(stream: str, run: Run) -> None:
    """the *first* max_output_kb KiB each; a bounded tail beside it: stdout_tail, truncated"""
    code = f"import sys\nfor i in range(100000): print(i, file=sys.{stream})"
    whole = "".join(f"{i}\n" for i in range(100000))
    answer = run(code, max_output_kb=2)

    assert answer.ok
    assert getattr(answer, stream) == whole[: 2 * KIB]
    assert getattr(answer.truncated, stream)
    tail = getattr(answer, f"{stream}_tail")
    assert 0 < len(tail) <= 64 * KIB
    assert whole.endswith(tail)


def test_the_cap_counts_bytes_and_cuts_between_characters(run: Run) -> None:
    """ours counts bytes, cuts on a UTF-8 boundary"""
    answer = run("print('x' + '€' * 5000)", max_output_kb=1)
    assert answer.stdout == "x" + "€" * 341
    assert len(answer.stdout.encode()) <= KIB
    assert "\ufffd" not in answer.stdout + answer.stdout_tail


def test_output_at_the_cap_is_whole(run: Run) -> None:
    answer = run(f"print('x' * {KIB - 1})", max_output_kb=1)
    assert len(answer.stdout) == KIB
    assert not answer.truncated
    assert answer.stdout_tail == ""


def test_output_survives_a_timeout(run: Run) -> None:
    """fault: all output is lost on a timeout; ours keeps it"""
    answer = run("print('so far')\nprint('part', end='')\nwhile True: pass", timeout_seconds=0.3)
    assert answer.timed_out
    assert answer.stdout == "so far\npart"


def test_much_output_is_not_held_in_memory(run: Run) -> None:
    """fault: everything is held in memory first"""
    code = "line = 'x' * 1023\nfor _ in range(200 * 1024): print(line)"
    answer = run(code, memory_limit_mb=64, timeout_seconds=60)
    assert answer.ok
    assert len(answer.stdout) == 128 * KIB


def test_atexit_output_does_not_destroy_the_reply(run: Run) -> None:
    """fault: output of atexit functions destroys the reply"""
    answer = run("import atexit\natexit.register(print, 'bye')\nprint('hi')\nresult = 1")
    assert (answer.ok, answer.result, answer.stdout) == (True, 1, "hi\nbye\n")


def test_late_threads_do_not_destroy_the_reply(run: Run) -> None:
    """fault: output of late threads destroys the reply"""
    code = """
import threading, time

def late():
    time.sleep(0.1)
    print("late")

threading.Thread(target=late).start()
result = 1
"""
    answer = run(code)
    assert (answer.ok, answer.result, answer.stdout) == (True, 1, "late\n")


def test_bytes_that_are_no_utf8(free_run: Run) -> None:
    """stdout and stderr are text; what is no UTF-8 is replaced."""
    answer = free_run("import os\nos.write(1, b'a\\xffb')\nresult = 1")
    assert answer.ok
    assert answer.stdout == "a\ufffdb"


# --- extras ---


def test_usage_and_isolation(run: Run, where: str) -> None:
    """usage (wall_ms cpu_ms peak_memory_bytes), isolation (level, layers, network, where), run_id"""
    code = "x = bytearray(20 << 20)\nn = 0\nwhile n < 500000: n += 1"
    answer = run(code)
    assert answer.ok
    assert answer.usage.wall_ms > 0
    assert answer.usage.cpu_ms > 1
    assert answer.usage.peak_memory_bytes >= 16 << 20
    assert answer.isolation.level in ("process", "kernel", "full")
    assert "no_new_privs" in answer.isolation.layers
    assert (answer.isolation.network, answer.isolation.where) == ("none", where)
    assert run("").run_id != answer.run_id
