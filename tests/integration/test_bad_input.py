# SPDX-License-Identifier: MIT
"""Bad input: each has a clear error (or a plain result), and the next run works."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import agents, children, parent, wait_until
from safe_py_runner import LocalEngine, RunnerPolicy, RunnerResult, run_code

Run = Callable[..., RunnerResult]
MIB = 1 << 20
DEEP = 10_000


@pytest.fixture(autouse=True)
def _the_next_run_works(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "engine" in request.fixturenames:
        engine: LocalEngine = request.getfixturevalue("engine")
        answer = run_code("print('hi')\nresult = 6 * 7", engine)
        assert (answer.ok, answer.result, answer.stdout) == (True, 42, "hi\n"), answer.error


# --- code ---


@pytest.mark.parametrize("code", ["result = '\udc80'", "x = 1\0", "\0", "# \ud800"])
def test_code_with_invalid_utf8_or_nul(code: str, run: Run) -> None:
    answer = run(code)
    assert (answer.ok, answer.exit_code) == (False, 1)
    assert answer.error


def test_50_mb_of_code(engine: LocalEngine) -> None:
    with pytest.raises(ValueError, match="code"):
        run_code("x = 1\n" * (50 * MIB // 6), engine)


def test_10_mb_of_code(run: Run) -> None:
    answer = run("#" * (10 * MIB) + "\nresult = 1", timeout_seconds=20)
    assert answer.result == 1, answer.error


def test_deeply_nested_code(run: Run) -> None:
    answer = run("x = " + "(" * DEEP + ")" * DEEP)
    assert not answer.ok
    assert answer.error


# --- input ---


def circular() -> list[Any]:
    knot: list[Any] = []
    knot.append(knot)
    return knot


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def test_input_with_a_cycle(engine: LocalEngine) -> None:
    with pytest.raises(ValueError, match="input_data"):
        run_code("", engine, input_data=circular())


def test_input_nested_too_deeply(engine: LocalEngine) -> None:
    with pytest.raises(ValueError, match="input_data"):
        run_code("", engine, input_data=nested(200_000))


def test_64_mb_of_input(run: Run) -> None:
    answer = run("result = len(input_data)", "x" * (64 * MIB), memory_limit_mb=1024)
    assert answer.result == 64 * MIB, answer.error


def test_too_much_input(engine: LocalEngine) -> None:
    with pytest.raises(ValueError, match="input"):
        run_code("", engine, input_data="x" * (97 * MIB))


def test_nan_as_input(run: Run) -> None:
    answer = run("result = [x != x, x]", {"x": math.nan})
    assert answer.result[0] is True


def test_lone_surrogates_as_input(run: Run) -> None:
    assert run("result = [x, len(x)]", {"x": "a\ud800"}).result == ["a\ud800", 2]


# --- result ---


def test_result_nested_10_000_deep(run: Run) -> None:
    answer = run(f"result = []\nfor _ in range({DEEP}): result = [result]")
    assert not answer.ok
    assert answer.error


def test_result_of_200_mb(run: Run) -> None:
    answer = run(f"result = 'x' * ({200 * MIB})", memory_limit_mb=2048, timeout_seconds=30)
    assert not answer.ok
    assert answer.result is None
    assert answer.error


def test_result_with_a_cycle(run: Run) -> None:
    answer = run("result = []\nresult.append(result)")
    assert (answer.ok, answer.exit_code) == (False, 1)
    assert answer.error


def test_result_with_lone_surrogates(run: Run) -> None:
    assert run("result = ['\\ud800', '\\udfff x']").result == ["\ud800", "\udfff x"]


def test_result_whose_str_raises(run: Run) -> None:
    answer = run("class Bad:\n    def __str__(self): raise ValueError('no')\nresult = Bad()")
    assert not answer.ok
    assert answer.error


# --- output ---


def test_print_of_1_gib(run: Run) -> None:
    code = "line = 'x' * 1048575\nfor _ in range(1024): print(line)\nresult = 1"
    answer = run(code, timeout_seconds=60)
    assert answer.result == 1, answer.error
    assert len(answer.stdout) == 128 * 1024
    assert answer.truncated.stdout


def test_output_without_newline(run: Run) -> None:
    assert run("print('no newline', end='')").stdout == "no newline"
    answer = run("print('x' * 10_000_000, end='')")
    assert answer.stdout == "x" * (128 * 1024)


def test_print_of_lone_surrogates(run: Run) -> None:
    answer = run("print('\\ud800')\nresult = 1")
    assert answer.stdout or answer.error


# --- how to die ---

DEATHS = [
    ("import os\nos._exit(0)", None),
    ("import os\nos._exit(7)", None),
    ("import os\nos.abort()", "signal"),
    ("import faulthandler\nfaulthandler._sigsegv()", "signal"),
    ("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)", "signal"),
    ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "signal"),
    ("import signal, time\nsignal.alarm(1)\ntime.sleep(30)", "signal"),
    (
        "import signal, threading\n"
        "signal.pthread_kill(threading.main_thread().ident, signal.SIGTERM)",
        "signal",
    ),
]


@pytest.mark.parametrize(("code", "killed_by"), DEATHS)
def test_deaths(code: str, killed_by: str | None, free_run: Run) -> None:
    answer = free_run("print('before')\n" + code)
    assert (answer.ok, answer.outcome, answer.killed_by) == (False, "crash", killed_by)
    assert answer.error
    assert answer.exit_code != 0
    assert answer.stdout == "before\n"


def test_cpu_rlimit(free_run: Run) -> None:
    code = "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 2))\nwhile True: pass"
    answer = free_run(code, timeout_seconds=10)
    assert (answer.ok, answer.outcome, answer.killed_by) == (False, "crash", "signal")


OVERFLOWS = [
    "def f(): f()\nf()",
    "import sys\nsys.setrecursionlimit(10**8)\ndef f(): f()\nf()",
    "import sys\nsys.setrecursionlimit(10**8)\n"
    "class A:\n    def __eq__(s, o): return s == o\nA() == A()",
]


@pytest.mark.parametrize("code", OVERFLOWS)
def test_stack_overflow(code: str, run: Run) -> None:
    answer = run(code, timeout_seconds=20)
    assert not answer.ok
    assert answer.error


def test_closing_every_fd(free_run: Run) -> None:
    answer = free_run("import os\nprint('before')\nos.closerange(0, 4096)\nresult = 1")
    assert not answer.ok or answer.result == 1
    assert answer.ok or answer.error
    assert "before" in answer.stdout


def test_opening_every_fd(free_run: Run) -> None:
    answer = free_run("import os\nwhile True: os.dup(1)")
    assert answer.error is not None
    assert answer.error.startswith("OSError")


def test_threads_that_never_end(free_run: Run) -> None:
    code = "import threading\nthreading.Thread(target=threading.Event().wait).start()\nresult = 1"
    answer = free_run(code, timeout_seconds=0.5)
    assert answer.timed_out


def test_fork_bomb(free_run: Run) -> None:
    code = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    answer = free_run(code, timeout_seconds=1)
    assert not answer.ok


# --- interpreters ---


def test_a_venv_without_python(tmp_path: Path) -> None:
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    missing = tmp_path / "venv" / "bin" / "python"
    answer = run_code("result = 1", LocalEngine(python=missing))
    assert (answer.ok, answer.exit_code, answer.outcome) == (False, 125, "infra")
    assert answer.error is not None
    assert str(missing) in answer.error


@pytest.mark.parametrize(
    "program", ["/bin/true", "/bin/cat", "/etc/passwd", "/nonexistent", "/var"]
)
def test_an_interpreter_that_is_not_python(program: str) -> None:
    engine = LocalEngine(python=program)
    before = time.monotonic()
    answer = run_code("result = 1", engine)
    assert (answer.ok, answer.exit_code, answer.outcome) == (False, 125, "infra")
    assert answer.error is not None
    assert program in answer.error
    assert time.monotonic() - before < 35


# --- exhaustion ---


def test_no_memory_in_the_code(run: Run) -> None:
    answer = run("x = []\nwhile True: x.append(' ' * 1000000)", memory_limit_mb=32)
    assert (answer.error, answer.exit_code) == ("Memory limit exceeded", 2)


def test_full_disk_in_the_code(run: Run) -> None:
    code = """
import pathlib
with pathlib.Path("/tmp/big").open("wb") as f:
    while True:
        f.write(bytes(1 << 20))
"""
    answer = run(code, timeout_seconds=60, memory_limit_mb=4096)
    assert not answer.ok
    assert answer.error


HOST = """
import os, resource, sys
from safe_py_runner import LocalEngine, run_code

engine = LocalEngine(python=sys.argv[1])

def attempt():
    try:
        answer = run_code("result = 1", engine)
    except (MemoryError, OSError) as error:
        return type(error).__name__
    return answer.outcome if answer.error else answer.result

def limited(what, amount):
    soft, hard = resource.getrlimit(what)
    resource.setrlimit(what, (amount, hard))
    try:
        return attempt()
    finally:
        resource.setrlimit(what, (soft, hard))

"""

EXHAUSTIONS = [
    ("no fds, cold", "limited(resource.RLIMIT_NOFILE, 3)"),
    ("no fds, warm", "attempt() and limited(resource.RLIMIT_NOFILE, 3)"),
    ("no memory, cold", "limited(resource.RLIMIT_AS, 1 << 20)"),
    ("no file space, warm", "attempt() and limited(resource.RLIMIT_FSIZE, 0)"),
]


@pytest.mark.parametrize(("name", "expression"), EXHAUSTIONS)
def test_exhausted_host(name: str, expression: str, interpreter: str) -> None:
    """The run fails with words or succeeds all the same; when the want is over, the next works."""
    program = HOST + f"print({expression})\nprint(attempt())\n"
    done = subprocess.run(
        [sys.executable, "-c", program, interpreter], capture_output=True, text=True, timeout=60
    )
    first, second = done.stdout.split()
    assert first in ("infra", "MemoryError", "OSError", "1"), name
    assert second == "1", name


def test_full_disk_while_the_venv_is_made(tmp_path: Path) -> None:
    """A broken attempt raises; when there is room again, the next one repairs it."""
    program = """
import resource, sys
from safe_py_runner import LocalEngine, VenvError, run_code

_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
try:
    LocalEngine(venv_dir=sys.argv[1])
except (VenvError, OSError) as error:
    print(bool(str(error)))
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
print(run_code("result = 1", LocalEngine(venv_dir=sys.argv[1])).result)
"""
    command = [sys.executable, "-c", program, str(tmp_path / "venv")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["True", "1"], done.stderr


# --- murder ---


@pytest.mark.parametrize("victim", ["agent", "zygote"])
def test_kill_9_in_mid_run(victim: str, interpreter: str) -> None:
    """agent or zygote killed by kill -9 in mid-run: error within 1 s, next run works"""
    before = agents()
    answers: list[RunnerResult] = []
    with LocalEngine(python=interpreter) as engine:
        assert run_code("result = 1", engine).ok
        (agent,) = (pid for pid in agents() - before if parent(pid) == os.getpid())
        pid = agent if victim == "agent" else children(agent)[0]

        def work() -> None:
            policy = RunnerPolicy(timeout_seconds=30)
            answers.append(run_code("while True: pass", engine, policy=policy))

        thread = threading.Thread(target=work)
        thread.start()
        threading.Event().wait(0.2)
        os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: answers, 1)
        thread.join()

        assert not answers[0].ok
        assert answers[0].exit_code == 125
        assert answers[0].error
        assert run_code("result = 2", engine).result == 2
