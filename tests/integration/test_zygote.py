# SPDX-License-Identifier: MIT
"""What a run inherits from the zygote it was forked from, and what it must not."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from processes import niced, wait_until
from safe_py_runner import ClosedError, LocalEngine, RunnerPolicy, run_code

Value = Callable[..., Any]

FREE: dict[str, Any] = {"blocked_imports": [], "blocked_builtins": []}

CTYPES = """
import ctypes
make = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
"""

CFFI = """
try:
    import cffi
except ImportError:
    make = None  # not in this environment
else:
    from functools import partial
    make = partial(cffi.FFI().callback, "int(int)")
"""

THOUSAND = """
def thousand():
    return [make(lambda x, i=i: x + i) for i in range(1000)]

if make:
    for _ in range(3):  # what one round frees, the next one finds
        callbacks = thousand()
        assert sum(each(1) for each in callbacks) == 500500
        del callbacks, _
result = True
"""


@pytest.mark.parametrize("library", [CTYPES, CFFI], ids=["ctypes", "cffi"])
def test_a_thousand_callbacks(value: Value, library: str) -> None:
    assert value(library + THOUSAND, **FREE)


def test_a_thousand_callbacks_in_the_first_run(interpreter: str) -> None:
    with LocalEngine(python=interpreter) as engine:
        answer = run_code(CTYPES + THOUSAND, engine, policy=RunnerPolicy(**FREE))
    assert answer.ok, answer.error


def test_callbacks_of_both_libraries_at_once(value: Value) -> None:
    code = f"{CTYPES}{THOUSAND}\nkeep = thousand()\n{CFFI}{THOUSAND}"
    assert value(code, **FREE)


# --- what a fresh process would not have ---

# What code can see of the process that it is in, but for what it asks of a library.
STATE = """
import json, locale, os, signal, sys, threading

def mask():
    value = os.umask(0)
    os.umask(value)
    return value

def handler(number):
    try:
        return str(signal.getsignal(number))
    except ValueError:
        return "none"

timers = [signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF]
result = {
    "threads": threading.active_count(),
    "handlers": {number: handler(number).split(" at ")[0] for number in range(1, 65)},
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "wakeup": signal.set_wakeup_fd(-1),
    "alarm": signal.alarm(0),
    "timers": [signal.getitimer(each) for each in timers],
    "umask": mask(),
    "locale": [locale.setlocale(each) for each in range(6)],
    "encodings": [sys.getfilesystemencoding(), sys.getdefaultencoding(), sys.stdout.encoding],
    "limits": [sys.getrecursionlimit(), sys.getswitchinterval()],
    "hooks": [sys.gettrace() is None, sys.getprofile() is None, sys.excepthook is sys.__excepthook__],
}
"""


def test_state_is_that_of_a_fresh_process(value: Value, interpreter: str) -> None:
    done = subprocess.run(
        [interpreter, "-I", "-c", STATE + "json.dump(result, sys.stdout)"],
        env={"LANG": "C.UTF-8"},
        umask=0o022,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
    )
    assert value(STATE, **FREE) == json.loads(done.stdout)


def test_umask_is_not_the_hosts(interpreter: str) -> None:
    before = os.umask(0o077)
    try:
        with LocalEngine(python=interpreter) as engine:
            code = "import os\nresult = os.umask(0)"
            assert run_code(code, engine, policy=RunnerPolicy(**FREE)).result == 0o022
    finally:
        os.umask(before)


def test_descriptors(value: Value) -> None:
    """The standard streams, the worker's socket and its region."""
    code = """
import os
def there(fd):
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
result = [fd for fd in range(4096) if there(fd)]
"""
    assert value(code, **FREE) == [0, 1, 2, 3]


def test_one_thread(interpreter: str) -> None:
    """As the kernel counts them, of a worker that is running."""
    code = "import os, time\nos.nice(12)\ntime.sleep(60)"
    policy = RunnerPolicy(**FREE, timeout_seconds=60)

    def call() -> None:
        with suppress(ClosedError):
            run_code(code, engine, policy=policy)

    with LocalEngine(python=interpreter) as engine:
        caller = threading.Thread(target=call)
        caller.start()
        assert wait_until(lambda: niced(12), 20)
        threads = [len(os.listdir(f"/proc/{pid}/task")) for pid in niced(12)]
    caller.join()
    assert threads == [1]


# --- sequences of random numbers ---


@contextmanager
def environment(
    interpreter: str, place: Path, modules: dict[str, str], preload: list[str]
) -> Iterator[LocalEngine]:
    """An engine over a venv that has these modules."""
    subprocess.run([interpreter, "-m", "venv", "--without-pip", str(place)], check=True)
    packages = next(place.glob("lib/python3*/site-packages"))
    for name, text in modules.items():
        path = packages / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    with LocalEngine(python=str(place / "bin/python"), preload=preload) as engine:
        yield engine


NUMPY = {
    "numpy/__init__.py": "",
    "numpy/random.py": """
import random as _random
_state = _random.Random(1)
def seed():
    _state.seed()
def random():
    return _state.random()
""",
}


@pytest.mark.parametrize("module", ["random", "numpy.random"])
def test_no_two_runs_share_a_sequence(interpreter: str, tmp_path: Path, module: str) -> None:
    code = f"import {module} as module\nresult = [module.random() for _ in range(3)]"
    with environment(interpreter, tmp_path / "venv", NUMPY, [module]) as engine:
        answers = [run_code(code, engine).result for _ in range(4)]
    assert all(answers)
    assert len({tuple(answer) for answer in answers}) == 4


# --- threads ---


def test_preload_that_leaves_a_thread(interpreter: str, tmp_path: Path) -> None:
    modules = {
        "quiet.py": "",
        "busy.py": """
import threading, time
threading.Thread(target=time.sleep, args=[600], daemon=True).start()
""",
    }
    preload = ["quiet", "busy", "json"]
    with environment(interpreter, tmp_path / "venv", modules, preload) as engine:
        answer = run_code("result = 1", engine)
    assert answer.exit_code == 125
    assert answer.error == "'busy' leaves threads running when it is imported: do not preload it"


def test_preload_whose_thread_has_ended(interpreter: str, tmp_path: Path) -> None:
    modules = {
        "brief.py": """
import threading
thread = threading.Thread(target=int)
thread.start()
thread.join()
""",
    }
    with environment(interpreter, tmp_path / "venv", modules, ["brief"]) as engine:
        assert run_code("result = 1", engine).result == 1
