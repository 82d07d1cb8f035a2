# SPDX-License-Identifier: MIT
"""A host that lacks something: each want has a clear error, and when it is over the next run works.

Limits are set in a host program of its own. Soft ones bind only the host; hard ones also the agent
and the interpreter, which raise theirs as far as they may.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HOST = """
import os, resource, signal, sys, threading
from concurrent.futures import ThreadPoolExecutor
from safe_py_runner import LocalEngine, RunnerPolicy, run_code

def say(*words):
    print(*words, flush=True)

def attempt(engine, code="result = 1"):
    try:
        answer = run_code(code, engine)
    except (MemoryError, OSError) as error:
        return type(error).__name__
    return "fine" if answer.result == 1 else f"{answer.outcome}: {answer.error}"

engine = LocalEngine(python=sys.argv[1])
"""


def host(program: str, interpreter: str, *command: str) -> list[str]:
    """Runs a host program to its end: the lines that it said."""
    done = subprocess.run(
        [*command, sys.executable, "-c", HOST + program, interpreter],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


# --- descriptors ---


def test_32_descriptors_in_the_host(interpreter: str) -> None:
    """They are enough: for the engine, and for more runs at a time than that."""
    program = """
resource.setrlimit(resource.RLIMIT_NOFILE, (32, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
with ThreadPoolExecutor(40) as pool:
    say(*set(pool.map(lambda _: attempt(engine), range(80))))
"""
    assert host(program, interpreter) == ["fine"]


def test_no_descriptor_left_in_the_host(interpreter: str) -> None:
    program = """
held = []
def hold():
    try:
        while True: held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
hold()
say(attempt(engine))
for fd in held: os.close(fd)
held.clear()
say(attempt(engine))
hold()
say(attempt(engine))
"""
    cold, over, warm = host(program, interpreter)
    assert cold.startswith("infra: ")
    assert "Too many open files" in cold
    assert (over, warm) == ("fine", "fine")  # a warm engine needs none


@pytest.mark.parametrize("n", [8, 10, 14, 16, 24, 32, 40])
def test_too_few_descriptors_for_the_agent(n: int, interpreter: str) -> None:
    """The agent says so, or the zygote, which holds one for each path of the view."""
    program = f"resource.setrlimit(resource.RLIMIT_NOFILE, ({n}, {n}))\nsay(attempt(engine))"
    (answer,) = host(program, interpreter)
    assert answer.startswith(("infra: cannot ", "infra: spr-agent gave up: cannot "))
    assert "Too many open files" in answer


@pytest.mark.parametrize("n", [64, 100, 200])
def test_more_runs_than_an_agent_has_descriptors_for(n: int, interpreter: str) -> None:
    """They wait for their turn."""
    program = f"""
resource.setrlimit(resource.RLIMIT_NOFILE, ({n}, {n}))
code = "import time; time.sleep(0.02); result = 1"
with ThreadPoolExecutor(30) as pool:
    say(*set(pool.map(lambda _: attempt(engine, code), range(60))))
say(attempt(engine))
"""
    assert host(program, interpreter) == ["fine", "fine"]


# --- processes ---


def test_no_process_left(interpreter: str) -> None:
    if os.geteuid() == 0:
        pytest.skip("root has no limit of processes")
    program = """
held = []

def hold(spare):
    try:
        while True:
            pid = os.fork()
            if pid == 0:
                signal.pause()
            held.append(pid)
    except OSError:
        pass
    for _ in range(spare):
        free()

def free():
    os.kill(held[-1], signal.SIGKILL)
    os.waitpid(held.pop(), 0)

def count():
    mine = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{pid}").st_uid == os.getuid():
                mine += len(os.listdir(f"/proc/{pid}/task"))
        except OSError:
            pass
    return mine

limit = count() + 40
resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))
for spare in (0, 1, 2, 3, 4):
    hold(spare)
    say(attempt(engine))
    while held: free()
    say(attempt(engine))
    hold(0)
    say(attempt(engine))
    while held: free()
    say(attempt(engine))
    engine.close()
    engine = LocalEngine(python=sys.argv[1])
"""
    lines = host(program, interpreter)
    assert len(lines) == 20
    for at in range(0, len(lines), 4):
        cold, over, warm, again = lines[at : at + 4]
        assert cold == "fine" or cold.startswith(("infra: ", "BlockingIOError"))
        assert warm == "fine" or warm.startswith(("infra: ", "BlockingIOError"))
        assert (over, again) == ("fine", "fine")


# --- memory ---


@pytest.mark.parametrize("mib", [64, 300])
def test_too_little_address_space(mib: int, interpreter: str) -> None:
    size = mib << 20
    program = f"resource.setrlimit(resource.RLIMIT_AS, ({size}, {size}))\nsay(attempt(engine))"
    (answer,) = host(program, interpreter)
    assert answer == "MemoryError" or "Cannot allocate memory" in answer


def test_too_small_files(interpreter: str) -> None:
    """RLIMIT_FSIZE holds for memfds."""
    for size in (0, 4096, 100 << 20):
        program = (
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))\nsay(attempt(engine))"
        )
        (answer,) = host(program, interpreter)
        assert answer.startswith("infra: cannot ")
        assert "File too large" in answer


def test_memory_is_short_for_a_while(interpreter: str) -> None:
    program = """
hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
say(attempt(engine))
resource.setrlimit(resource.RLIMIT_DATA, (0, hard))
say(attempt(engine))
say(attempt(engine, "result = 1\\n" + "#" * 10_000_000))
resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))
say(attempt(engine))
"""
    before, short, large, after = host(program, interpreter)
    assert (before, after) == ("fine", "fine")
    assert short in ("fine", "MemoryError")
    assert large in ("fine", "MemoryError")


# --- disk ---


def test_full_disk_for_a_venv(interpreter: str, tmp_path: Path) -> None:
    """In a mount namespace, on a tmpfs that something else has filled."""
    unshare = ["unshare", "--user", "--map-root-user", "--mount"]
    if os.geteuid() == 0:
        unshare = ["unshare", "--mount"]
    if subprocess.run([*unshare, "true"], capture_output=True).returncode != 0:
        pytest.skip("no mount namespaces here")
    assert shutil.which("mount")
    program = f"""
import subprocess
from safe_py_runner import VenvError
place = {str(tmp_path)!r}
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "none", place], check=True)
with open(place + "/filler", "wb") as filler:
    filler.write(bytes((100 << 20) - (64 << 10)))
try:
    LocalEngine(venv_dir=place + "/venv")
except (OSError, VenvError) as error:
    say("error:", error)
say(sorted(os.listdir(place)) in (["filler"], ["filler", "venv"]))
os.unlink(place + "/filler")
say(attempt(LocalEngine(venv_dir=place + "/venv")))
"""
    error, clean, after = host(program, interpreter, *unshare)
    assert error.startswith("error: ")
    assert "No space left" in error or "ENOSPC" in error
    assert (clean, after) == ("True", "fine")
