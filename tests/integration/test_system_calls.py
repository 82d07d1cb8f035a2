# SPDX-License-Identifier: MIT
"""How many system calls one warm run costs, in the host and in the agent: a number that is held.

Each is about a tenth of a microsecond, or the switch to another process; what creeps in here shows
in no other test. A bound is what was counted, with a little room for wake-ups that come apart.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import processes
import pytest
from safe_py_runner import LocalEngine, run_code

SPR = os.environ.get(
    "SPR_BIN",
    str(Path(os.environ.get("SPR_BUILD", Path(__file__).resolve().parents[2] / "build")) / "spr"),
)
PYTHON = "/usr/bin/python3"
CODE = "result = 1"
FEW, MANY, WARM_UP = 50, 250, 30
MAX_HOST, MAX_AGENT, MAX_UNTIL_ANSWER = 6, 150, 20
PAUSE = 0.005  # in which a standby is made


def counted(table: str) -> dict[str, int]:
    """Calls by name, of what `strace -c` writes."""
    rows = re.findall(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", table, re.MULTILINE)
    return {name: int(calls) for calls, name in rows if name != "total"}


def host_calls(n_runs: int, place: Path) -> dict[str, int]:
    """Those of the thread of `spr bench` that runs the job; what it asks for else is the same."""
    bench = [SPR, "bench", "--python", PYTHON, "--code", CODE, "--only", "hit"]
    command = ["strace", "-c", "-o", str(place), *bench, "--runs", str(n_runs)]
    subprocess.run(command, check=True, capture_output=True, timeout=120 * processes.PATIENCE)
    return counted(place.read_text())


def per_run(calls: dict[str, float]) -> str:
    return ", ".join(
        f"{name} {n:.2f}" for name, n in sorted(calls.items(), key=lambda x: -x[1]) if n >= 0.01
    )


def test_host(tmp_path: Path) -> None:
    few, many = host_calls(FEW, tmp_path / "few"), host_calls(MANY, tmp_path / "many")
    calls = {name: (n - few.get(name, 0)) / (MANY - FEW) for name, n in many.items()}
    calls.pop("clock_nanosleep", None)  # the pauses between the runs
    print(f"host: {per_run(calls)}")
    assert 2 <= sum(calls.values()) <= MAX_HOST, per_run(calls)


def agents_of_this_process() -> set[int]:
    """Those that have an interpreter; other tests may have left their engines open."""
    found = set()
    for pid, comm, _ in processes.stats():
        if comm == "spr-zygote" and processes.parent(pid) in processes.agents():
            agent = ancestor = processes.parent(pid)
            while ancestor > 1 and ancestor != os.getpid():
                ancestor = processes.parent(ancestor)
            if ancestor == os.getpid():
                found.add(agent)
    return found


def traced(engine: LocalEngine, place: Path, *options: str) -> str:
    """What strace writes of the agent during MANY runs, each of which finds a standby."""
    others = agents_of_this_process()
    for _ in range(WARM_UP):
        assert run_code(CODE, engine).ok
    (agent,) = agents_of_this_process() - others
    command = ["strace", *options, "-o", str(place), "-p", str(agent)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        assert "attached" in tracer.stderr.readline()
        for _ in range(MANY):
            assert run_code(CODE, engine).ok
            time.sleep(PAUSE)
        tracer.send_signal(signal.SIGINT)
        tracer.communicate(timeout=30 * processes.PATIENCE)
    return place.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root traces an agent")
def test_agent(tmp_path: Path) -> None:
    """All of them: with what is tidied up and made anew when nobody waits."""
    with LocalEngine(python=PYTHON) as engine:
        table = traced(engine, tmp_path / "agent", "-c")
    calls = {name: n / MANY for name, n in counted(table).items()}
    print(f"agent: {per_run(calls)}")
    assert 2 <= sum(calls.values()) <= MAX_AGENT, per_run(calls)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root traces an agent")
def test_agent_until_the_answer(tmp_path: Path) -> None:
    """From the request's arrival on descriptor 0 until the answer is out on descriptor 1."""
    with LocalEngine(python=PYTHON) as engine:
        lines = traced(engine, tmp_path / "agent").splitlines()
    names = [line.partition("(")[0] + line.partition("(")[2][:2] for line in lines]
    paths, path = [], None
    for name in names:
        if name == "read0,":
            path = []
        if path is not None:
            path.append(name)
            if name == "write1,":
                paths.append(path)
                path = None
    print(f"until the answer: {sorted(Counter(map(len, paths)).items())}")
    assert len(paths) >= MANY * 0.9
    # traced, the agent is slow, and other work that was due comes in between: not always
    least = min(paths, key=len)
    assert 5 <= len(least) <= MAX_UNTIL_ANSWER, least
