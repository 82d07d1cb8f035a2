# SPDX-License-Identifier: MIT
"""Life inside a host program: threads, fork, signals, death."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from processes import agents, alive, wait_until
from safe_py_runner import ClosedError, LocalEngine, RunnerPolicy, RunnerResult, run_code

Run = Callable[..., RunnerResult]

PREAMBLE = """
import os, signal, sys, threading, time
from safe_py_runner import LocalEngine, RunnerPolicy, run_code

def say(*words):
    print(*words, flush=True)

engine = LocalEngine(python=sys.argv[1])
assert run_code("result = 1", engine).result == 1
"""


class Host:
    """A program of its own that uses the package; lines of its stdout are events."""

    def __init__(self, interpreter: str, program: str) -> None:
        before = agents()
        self.process = subprocess.Popen(
            [sys.executable, "-c", PREAMBLE + program, interpreter],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.first = self.line()
        self.agents = agents() - before

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(timeout=20)


# --- threads ---


def test_twenty_threads_at_once(engine: LocalEngine) -> None:
    """works from many threads at once; each gets its own answer"""
    with ThreadPoolExecutor(20) as pool:
        jobs = [pool.submit(run_code, f"result = {i} ** 2", engine) for i in range(200)]
        assert [job.result().result for job in jobs] == [i**2 for i in range(200)]


def test_waiting_releases_the_gil(engine: LocalEngine) -> None:
    """A run that sleeps stops neither other threads nor other runs."""
    event = threading.Event()

    def sleep() -> RunnerResult:
        return run_code("import time\ntime.sleep(0.5)\nresult = 1", engine)

    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(sleep)
        slow.add_done_callback(lambda _: event.set())
        assert run_code("result = 2", engine).result == 2
        assert not event.is_set()
        assert slow.result().result == 1


def test_results_pickle(run: Run) -> None:
    """picklable results, the extras too"""
    answer = run("print('x' * 3000)\nresult = {'a': [1.5, None]}", max_output_kb=1)
    again = pickle.loads(pickle.dumps(answer))
    assert again == answer
    assert (again.usage, again.isolation) == (answer.usage, answer.isolation)
    assert (again.run_id, again.stdout_tail) == (answer.run_id, answer.stdout_tail)


# --- closing ---


def test_close(interpreter: str) -> None:
    """engine.close() / context manager: the agent is gone, later runs say so"""
    before = agents()
    with LocalEngine(python=interpreter) as engine:
        assert run_code("result = 1", engine).ok
        mine = agents() - before
        assert mine
    engine.close()
    assert wait_until(lambda: not agents() & mine, 1)
    with pytest.raises(ClosedError):
        run_code("result = 1", engine)


def test_close_ends_runs_in_flight(interpreter: str) -> None:
    """A closed engine does not let its runs go on."""
    engine = LocalEngine(python=interpreter)
    assert run_code("result = 1", engine).ok
    timer = threading.Timer(0.2, engine.close)
    timer.start()
    before = time.monotonic()
    with pytest.raises(ClosedError):
        run_code("while True: pass", engine, policy=RunnerPolicy(timeout_seconds=30))
    assert time.monotonic() - before < 5
    timer.join()


ENDS = [("pass", 0), ("sys.exit(3)", 3), ("raise RuntimeError", 1), ("del engine", 0)]


@pytest.mark.parametrize(("code", "status"), ENDS)
def test_the_end_of_the_host_leaves_no_agent(code: str, status: int, interpreter: str) -> None:
    """Engines are closed with the interpreter."""
    program = f"say('up')\nsys.stdin.read()\nsys.stderr = open(os.devnull, 'w')\n{code}"
    host = Host(interpreter, program)
    assert host.agents
    assert host.end() == status
    assert wait_until(lambda: not agents() & host.agents, 1)


# --- fork ---


def test_both_sides_of_a_fork_go_on(interpreter: str) -> None:
    """survives fork() of the host (both sides go on), also while a run is in flight"""
    program = """
def slow():
    run_code("import time; time.sleep(0.5); result = 'slow'", engine, policy=RunnerPolicy())
    say("slow done")

thread = threading.Thread(target=slow)
thread.start()
threading.Event().wait(0.1)
pid = os.fork()
if pid == 0:
    answers = [run_code(f"result = {i}", engine).result for i in range(3)]
    os._exit(0 if answers == [0, 1, 2] else 1)
say("parent", run_code("result = 'p'", engine).result)
say("child", os.waitpid(pid, 0)[1])
thread.join()
say("again", run_code("result = 'q'", engine).result)
"""
    host = Host(interpreter, program)
    lines = sorted([host.first, *(host.line() for _ in range(3))])
    assert lines == ["again q", "child 0", "parent p", "slow done"]
    assert host.end() == 0


def test_multiprocessing(interpreter: str) -> None:
    """A pool of forked processes, each with its own agent on first use."""
    program = """
import multiprocessing

def work(n):
    return run_code(f"result = {n} + 1", engine).result

with multiprocessing.get_context("fork").Pool(3) as pool:
    say(pool.map(work, range(9)))
"""
    host = Host(interpreter, program)
    assert host.first == str(list(range(1, 10)))
    assert host.end() == 0
    assert wait_until(lambda: not agents() & host.agents, 1)


# --- signals ---


def test_ctrl_c(interpreter: str) -> None:
    """Ctrl-C in run_code raises KeyboardInterrupt within 200 ms and kills the run"""
    program = """
threading.Timer(0.2, say, ["running"]).start()
try:
    run_code("while True: pass", engine, policy=RunnerPolicy(timeout_seconds=60))
except KeyboardInterrupt:
    say("interrupted")
say(run_code("result = 'next'", engine).result)
"""
    host = Host(interpreter, program)
    assert host.first == "running"
    before = time.monotonic()
    host.process.send_signal(signal.SIGINT)
    assert host.line() == "interrupted"
    assert time.monotonic() - before < 0.2
    assert host.line() == "next"
    assert host.end() == 0


def test_other_signals_do_not_disturb(interpreter: str) -> None:
    """A handler that returns leaves the run as it is."""
    program = """
seen = []
signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))
threading.Timer(0.2, say, ["running"]).start()
answer = run_code("import time; time.sleep(0.6); result = 1", engine)
say(answer.result, seen)
"""
    host = Host(interpreter, program)
    host.process.send_signal(signal.SIGUSR1)
    assert host.line() == "1 [1]"
    assert host.end() == 0


@pytest.mark.parametrize("forked", [False, True])
def test_sigkill_of_the_host_leaves_no_agent(forked: bool, interpreter: str) -> None:
    """no agent 1 s after the host died by SIGKILL, also while its forked children live"""
    program = """
if FORKED and os.fork() == 0:
    sys.stdin.read()
    os._exit(0)
threading.Timer(0.3, say, ["running"]).start()
run_code("while True: pass", engine, policy=RunnerPolicy(timeout_seconds=60))
""".replace("FORKED", str(forked))
    host = Host(interpreter, program)
    assert host.agents
    host.process.kill()
    host.process.wait()
    assert wait_until(lambda: not agents() & host.agents, 1)
    assert host.process.stdin is not None
    host.process.stdin.close()


def test_run_dies_with_the_interrupted_wait(interpreter: str) -> None:
    """The worker of an interrupted run is gone, not only forgotten."""
    program = """
threading.Timer(0.3, say, ["running"]).start()
code = "import os; os.nice(14)\\nwhile True: pass"
try:
    run_code(code, engine, policy=RunnerPolicy(timeout_seconds=60, blocked_imports=[]))
except KeyboardInterrupt:
    say("interrupted")
"""
    from processes import niced

    host = Host(interpreter, program)
    assert wait_until(lambda: niced(14), 2)
    (worker,) = niced(14)
    os.kill(host.process.pid, signal.SIGINT)
    assert host.line() == "interrupted"
    assert wait_until(lambda: not alive(worker), 1)
    assert host.end() == 0
