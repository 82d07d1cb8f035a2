# SPDX-License-Identifier: MIT
"""One engine, the runs of programs in it, and what is measured around them."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # tests

import leftovers  # noqa: E402
import safe_py_runner.execution.native_engine as native_engine  # noqa: E402
from processes import PATIENCE, wait_until  # noqa: E402
from safe_py_runner import CommandEngine, LocalEngine, RunnerPolicy, run_code  # noqa: E402

from . import outside  # noqa: E402
from .judge import Shot, was_refused  # noqa: E402
from .programs import Fields, Program  # noqa: E402

KNOWN_FIELDS = {each.name for each in fields(RunnerPolicy)}
CANARY = "result = sum(range(1000))"
QUIET_CANARIES = 15
# A canary is as fast as a quiet one: of some tries the best counts, for the machine has other users
CANARY_TRIES, CANARY_REST = 20, 0.05
STANDBYS = 16  # that an agent may keep for each kind of run (POOL_STANDBYS_MAX)
CANARY_FACTOR, CANARY_SLACK_MS, CANARY_MAX_MS = 3, 5 * PATIENCE, 1000 * PATIENCE


@contextmanager
def agent_of(path: str | None, without: tuple[str, ...]) -> Iterator[None]:
    """Engines made in this block start this agent, without these layers."""
    usual = native_engine.agent_path
    agent = path or usual()
    with tempfile.TemporaryDirectory(prefix="spr-escape.") as directory:
        if without:
            wrapper = Path(directory) / "agent"
            wrapper.write_text(f"#!/bin/sh\nexec '{agent}' --without {','.join(without)}\n")
            wrapper.chmod(0o755)
            os.chmod(directory, 0o755)
            agent = str(wrapper)
        native_engine.agent_path = lambda: agent
        try:
            yield
        finally:
            native_engine.agent_path = usual


def _status(pid: int, key: str) -> int:
    """KiB of a line of /proc/PID/status; 0 where the process is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(key)), 0)


def _cpu_seconds(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(text[11]) + int(text[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Supervisors:
    """What host and agent had used at one moment."""

    peak_kib: dict[str, int]
    resident_kib: dict[str, int]
    agent_cpu_seconds: float

    @classmethod
    def now(cls) -> Supervisors:
        pids = {k: v for k, v in leftovers.roles(os.getpid()).items() if k in ("host", "agent")}
        return cls(
            peak_kib={role: _status(pid, "VmHWM:") for role, pid in pids.items()},
            resident_kib={role: _status(pid, "VmRSS:") for role, pid in pids.items()},
            agent_cpu_seconds=_cpu_seconds(pids.get("agent", 0)),
        )


class Stand:
    """Use as a `with` block. `usual` are fields of every policy, beneath those of a program."""

    def __init__(self, interpreter: str, usual: Fields, command: Sequence[str] = ()) -> None:
        self._others = leftovers.family(os.getpid()).keys() - {os.getpid()}  # of other engines
        self.engine: LocalEngine | CommandEngine
        if command:
            self.engine = CommandEngine([*command, interpreter], shell_hop=command[0] == "ssh")
        else:
            self.engine = LocalEngine(python=interpreter)
        self.usual = usual
        self.layers: tuple[str, ...] = ()
        self.level = ""
        self.refusal: str | None = None
        self.unknown_fields: set[str] = set()
        self._quiet_ms = 0.0
        self._family: int = 0
        self._kinds: set[str] = set()  # of policies, of which the agent may keep standbys

    def __enter__(self) -> Stand:
        first = self.shoot(CANARY, {})
        if was_refused(first):
            self.refusal = first.error or first.result.error
            return self
        self.level = first.result.isolation.level
        self.layers = first.result.isolation.layers
        self._quiet_ms = median(self._canary_ms() for _ in range(QUIET_CANARIES))
        time.sleep(0.2)  # for what the agent prepares ahead
        self._family = len(leftovers.family(os.getpid(), self._others))
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.close()

    def shoot(self, code: str, policy: Fields, input_data: Any = None) -> Shot:
        known = {k: v for k, v in (self.usual | policy).items() if k in KNOWN_FIELDS}
        self._kinds.add(str(sorted(known.items())))
        self.unknown_fields |= (self.usual | policy).keys() - known.keys()
        begin = time.monotonic()
        try:
            result = run_code(code, self.engine, input_data, policy=RunnerPolicy(**known))
        except Exception as error:
            return Shot(time.monotonic() - begin, error=f"{type(error).__name__}: {error}")
        return Shot(time.monotonic() - begin, result)

    def run(self, program: Program, policy: Fields) -> Shot:
        """As often as its header says; the last run counts, of two at a time the first escape."""
        if "plant-canary" in program.harness:
            self.shoot("a = str(input_data)", {}, {"secret": outside.SECRET_OF_A_RUN})
        if program.at_the_same_time:
            with ThreadPoolExecutor(program.runs) as pool:
                shots = list(
                    pool.map(lambda _: self.shoot(program.source, policy), range(program.runs))
                )
            escaped = [s for s in shots if s.result and "ESCAPED:" in s.result.stdout]
            return (escaped or shots)[-1]
        shots = [self.shoot(program.source, policy) for _ in range(program.runs)]
        if "lines-differ" in program.harness:
            lines = [shot.result.stdout for shot in shots if shot.result]
            if len(set(lines)) < len(lines):
                shots[-1].complaints.append(f"the same in every run: {lines[0][:200]}")
        return shots[-1]

    def _canary_ms(self) -> float:
        shot = self.shoot(CANARY, {})
        fine = shot.result is not None and shot.result.result == sum(range(1000))
        return shot.seconds * 1e3 if fine else float("inf")

    def canary(self) -> tuple[float, list[str]]:
        """(milliseconds, complaints): whether the next run works, and as fast as ever."""
        limit = self._quiet_ms * CANARY_FACTOR + CANARY_SLACK_MS
        times = []
        for _ in range(CANARY_TRIES):
            times.append(self._canary_ms())
            if min(times) <= limit:
                break
            time.sleep(CANARY_REST)
        best, worst = min(times), max(times)
        if worst == float("inf"):
            return best, ["the next run does not work"]
        found = [] if worst <= CANARY_MAX_MS else [f"the next run took {worst:.0f} ms"]
        if best > limit:
            found.append(f"the next runs take {best:.1f} ms, {self._quiet_ms:.1f} ms when quiet")
        return best, found

    def orphans(self) -> list[str]:
        """More processes than there may be standbys; at the end, left() is strict."""
        most = self._family + STANDBYS * len(self._kinds)

        def settled() -> bool:
            return len(leftovers.family(os.getpid(), self._others)) <= most

        if wait_until(settled, 2):
            return []
        names = sorted(leftovers.family(os.getpid(), self._others).values())
        return [f"{len(names)} processes instead of {self._family}: {' '.join(names)}"]

    def left(self) -> list[str]:
        """Ends the engine: what of it is still there then."""
        self.engine.close()
        if wait_until(lambda: len(leftovers.family(os.getpid(), self._others)) == 1, 2):
            return []
        return [
            f"processes after the end: {sorted(leftovers.family(os.getpid(), self._others).values())}"
        ]
