# SPDX-License-Identifier: MIT
"""What users of the reference meet, and users of this package must not. Docstrings name it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest
from processes import niced, wait_until
from safe_py_runner import LocalEngine, RunnerPolicy, RunnerResult, run_code

Run = Callable[..., RunnerResult]

FORGED = json.dumps({"ok": True, "result": "forged", "stdout": "", "stderr": "", "error": None})

FORGERIES = [
    f"print({FORGED!r})",
    f"import sys\nsys.__stdout__.write({FORGED!r})\nsys.__stdout__.flush()",
    f"import os\nos.write(1, {FORGED!r}.encode())",
    f"import os\nos.write(2, {FORGED!r}.encode())",
    f"import atexit\natexit.register(print, {FORGED!r})",
]


@pytest.mark.parametrize("code", FORGERIES)
@pytest.mark.parametrize("end", ["result = 'true'", "1 / 0"])
def test_a_printed_reply_is_only_output(code: str, end: str, free_run: Run) -> None:
    """Result and output share stdout, so the code can forge the reply."""
    answer = free_run(f"{code}\n{end}")
    assert "forged" in answer.stdout + answer.stderr
    assert answer.ok is (end != "1 / 0")
    assert answer.result == ("true" if answer.ok else None)


def test_a_reply_written_to_every_descriptor(free_run: Run) -> None:
    """Nor can it be forged by writing to whatever descriptor is open."""
    code = f"""
import os
for fd in range(3, 256):
    try:
        os.write(fd, {FORGED!r}.encode())
    except OSError:
        pass
os._exit(0)
"""
    answer = free_run(code)
    assert not answer.ok
    assert answer.result is None
    assert free_run("result = 1").result == 1


GRANDCHILD = """
import os, time

try:
    pid = os.fork()
except OSError as error:
    print("denied", error)
else:
    if pid == 0:
        os.setsid()
        if os.fork() == 0:
            os.nice({nice})
            while True:
                time.sleep(1)
        os._exit(0)
    os.waitpid(pid, 0)
while True:
    time.sleep(1)
"""


@pytest.mark.parametrize("end", ["timeout", "return"])
def test_grandchildren_die_with_the_run(end: str, engine: LocalEngine) -> None:
    """Grandchildren survive the timeout."""
    nice = 13
    answers: list[RunnerResult] = []
    code = GRANDCHILD.format(nice=nice)
    if end == "return":
        code = code.rpartition("while True:")[0] + "time.sleep(0.3)"

    def work() -> None:
        policy = RunnerPolicy(timeout_seconds=1, blocked_imports=[])
        answers.append(run_code(code, engine, policy=policy))

    before = niced(nice)
    thread = threading.Thread(target=work)
    thread.start()
    assert wait_until(lambda: niced(nice) - before or answers, 5)
    seen = niced(nice) - before
    thread.join()

    assert seen or "denied" in answers[0].stdout
    assert answers[0].timed_out is (end == "timeout")
    assert wait_until(lambda: not niced(nice) & seen, 1)


def test_tracebacks_have_source_lines(run: Run) -> None:
    """Tracebacks have no source lines."""
    answer = run("def f(x):\n    return 1 / x  # the culprit\n\nf(0)\n")
    assert "return 1 / x  # the culprit" in answer.stderr
    assert "line 2, in f" in answer.stderr
    assert "line 4, in <module>" in answer.stderr


def test_tracebacks_show_only_the_code(run: Run) -> None:
    """No frame of ours stands in a traceback."""
    answer = run("import json\njson.loads('{')")
    frames = [line for line in answer.stderr.splitlines() if line.startswith("  File ")]
    assert "line 2, in <module>" in frames[0]
    assert "safe_py_runner" not in answer.stderr


def test_a_timeout_has_a_traceback_or_output(run: Run) -> None:
    """all output is lost on a timeout"""
    answer = run("print('here', flush=True)\nwhile True: pass", timeout_seconds=0.3)
    assert answer.stdout == "here\n"


def test_runs_do_not_see_each_other(run: Run) -> None:
    """One warm interpreter, but no run finds another's traces."""
    run("import json, builtins\njson.x = builtins.y = 1\nglobals()['z'] = 1")
    answer = run(
        "import json, builtins\n"
        "result = [hasattr(json, 'x'), hasattr(builtins, 'y'), 'z' in globals()]"
    )
    assert answer.result == [False, False, False]


def test_runs_do_not_share_random_state(run: Run) -> None:
    """Children of one interpreter would draw the same numbers."""
    draws = {run("import random\nresult = random.random()").result for _ in range(5)}
    assert len(draws) == 5
