# SPDX-License-Identifier: MIT
"""What a guest must show: the programs `vm` and `docker` beside this run it in there.

usage: python guest_checks.py TITLE CHECK[=ARGUMENT]…

doctor=LEVEL     `spr doctor` names this level
run=LAYER        runs have the layer, and do their work
refused=WORDS    a run is refused as it stands, with these words
memory           a memory bomb ends by the limit, and its peak is told
processes=N      a fork bomb has fewer than N children
unit=PATTERN     unit tests whose names match
tests=FILE       pytest over a file
escape=PASS      a pass of tests/escape; all-without-g12 leaves a program out
"""

from __future__ import annotations

import fnmatch
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from safe_py_runner import LocalEngine, RunnerPolicy, RunnerResult, run_code

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from processes import PATIENCE  # noqa: E402

BUILD = Path(os.environ["SPR_BUILD"])
PYTHON = "/usr/bin/python3"
RUNS = 20
REFUSED = 126
MEMORY_MB, MAX_PROCESSES = 64, 16

MEMORY_BOMB = """
hold = []
while True:
    hold.append(bytearray(1 << 20))
"""
# Children that stay, until no more can be made; `result` is how many.
FORK_BOMB = """
import os, time
result = 0
try:
    while result < 10_000:
        if os.fork() == 0:
            time.sleep(1000)
        result += 1
except OSError:
    pass
"""


class Wrong(Exception):
    """The words for a check that has failed."""


def _wrong_unless(condition: object, words: str) -> None:
    if not condition:
        raise Wrong(words)


def _program(command: Sequence[object]) -> tuple[int, str]:
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def _run(code: str, **fields: object) -> RunnerResult:
    free = {"blocked_imports": [], "blocked_builtins": [], "timeout_seconds": 20 * PATIENCE}
    with LocalEngine(python=PYTHON) as engine:
        return run_code(code, engine, policy=RunnerPolicy(**(free | fields)))


def doctor(level: str) -> str:
    done = subprocess.run([BUILD / "spr", "doctor", "--json"], capture_output=True, text=True)
    answer = json.loads(done.stdout)
    states = {each["name"]: each["state"] for each in answer["layers"]}
    _wrong_unless(answer["level"] == level, f"level {answer['level']}, {states}")
    _wrong_unless("differs" not in states.values(), f"a run differs from the probe: {states}")
    missing = [name for name, state in states.items() if state == "missing"]
    return f"level {level}, Linux {answer['kernel']}, missing: {' '.join(missing) or 'none'}"


def run(layer: str) -> str:
    with LocalEngine(python=PYTHON) as engine:
        cold = run_code("result = 0", engine)
        begin = time.monotonic()
        results = [run_code(f"result = {n} * 7", engine) for n in range(RUNS)]
        seconds = time.monotonic() - begin
    _wrong_unless([each.result for each in results] == [n * 7 for n in range(RUNS)], str(results))
    layers = cold.isolation.layers
    _wrong_unless(all(each.isolation.layers == layers for each in results), "layers differ")
    _wrong_unless(layer in layers, f"layers: {' '.join(layers)}")
    return f"level {cold.isolation.level}, {seconds / RUNS * 1e3:.1f} ms each: {' '.join(layers)}"


def refused(words: str) -> str:
    status, output = _program([BUILD / "spr", "run", "--python", PYTHON, "-c", "result = 1"])
    _wrong_unless(status == REFUSED and words in output, f"exit status {status}: {output}")
    return output.strip()


def memory(_: str) -> str:
    result = _run(MEMORY_BOMB, memory_limit_mb=MEMORY_MB)
    peak = result.usage.peak_memory_bytes >> 20
    words = f"{result.outcome}, killed by {result.killed_by}, peak {peak} MiB of {MEMORY_MB} MiB"
    _wrong_unless(result.killed_by == "memory" or "MemoryError" in str(result.error), words)
    _wrong_unless(MEMORY_MB // 2 <= peak <= MEMORY_MB * 2, words)
    return words


def processes(bound: str) -> str:
    result = _run(FORK_BOMB, allow_processes=True, max_processes=MAX_PROCESSES)
    words = f"{result.result} children where {MAX_PROCESSES} processes are allowed, {result.error}"
    refused = result.ok and 0 < result.result < int(bound)
    _wrong_unless(refused or result.killed_by == "processes", words)
    return words


def unit(pattern: str) -> str:
    programs = [
        p for p in sorted((BUILD / "tests/unit").iterdir()) if fnmatch.fnmatch(p.name, pattern)
    ]
    _wrong_unless(programs, "no such unit test")
    for program in programs:
        status, output = _program([program])
        _wrong_unless(status == 0, f"{program.name}: exit status {status}\n{output[-3000:]}")
    return f"{len(programs)} programs"


def tests(file: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", TESTS / file]
    status, output = _program(command)
    _wrong_unless(status == 0, output)
    return output.splitlines()[-1]


def escape(name: str) -> str:
    name, _, excepted = name.partition("-without-")
    command = [sys.executable, TESTS / "escape/run_escapes.py", "--pass", name]
    command = [str(each) for each in (*command, "--except", excepted)]
    status = subprocess.run(command).returncode  # it says what it does while it does it
    _wrong_unless(status == 0, "see above")
    return "see above"


CHECKS: dict[str, Callable[[str], str]] = {
    each.__name__: each for each in (doctor, run, refused, memory, processes, unit, tests, escape)
}


def main() -> int:
    title, *wanted = sys.argv[1:]
    fine = True
    for each in wanted:
        name, _, argument = each.partition("=")
        try:
            verdict, words = "ok  ", CHECKS[name](argument)
        except Wrong as wrong:
            verdict, words = "FAIL", str(wrong)
        fine = fine and verdict == "ok  "
        print(f"{verdict} {title}: {each}: {words}", flush=True)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
