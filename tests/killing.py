# SPDX-License-Identifier: MIT
"""kill -9 of a part in mid-run: what the caller is told, when, and what is left of the run."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import leftovers
from processes import children, parent, stats, wait_until

VICTIMS = ("worker", "init", "zygote", "agent", "stub")
NICE = 11  # the mark of the runs that are killed here
# A thread and, where the run may start one, a process more, all busy; each in a session of its own
CODE = f"""
import os, threading
os.nice({NICE})
try:
    if os.fork() == 0:
        os.setsid()
except PermissionError:
    pass
def spin():
    while True: pass
threading.Thread(target=spin, daemon=True).start()
spin()
"""


@dataclass
class Blow:
    seconds: float  # from the kill to the answer
    answer: object  # a result, or the exception that was raised
    orphans: dict[int, str]  # what lived 200 ms later


def nice(pid: int) -> int | None:
    try:
        return os.getpriority(os.PRIO_PROCESS, pid)
    except OSError:
        return None


def busy(host: int) -> list[int]:
    return [pid for pid in leftovers.family(host) if nice(pid) == NICE]


def living(pids: set[int]) -> dict[int, str]:
    return {pid: comm for pid, comm, _ in stats() if pid in pids}


def lineage(host: int) -> dict[str, int]:
    """The processes that the run in progress hangs on; no init without namespaces."""
    run = busy(host)
    worker = next(pid for pid in run if parent(pid) not in run)
    zygote = parent(worker)
    agent = parent(zygote)
    found = {"worker": worker, "zygote": zygote, "agent": agent, "stub": parent(agent)}
    names = leftovers.family(agent)
    inits = [pid for pid in children(agent) if names.get(pid) == "spr-init"]
    if inits:
        found["init"] = inits[0]  # the oldest; younger ones are of standbys
    return found


def mortal(host: int, victim: str) -> set[int]:
    """All that must die with the victim."""
    line = lineage(host)
    dying = {*busy(host), line.get("init", 0)}
    if victim in ("zygote", "agent", "stub"):
        dying.add(line["zygote"])
    if victim in ("agent", "stub"):
        dying |= {line["agent"], line["stub"]}
    return dying


def strike(run: Callable[[str], object], victim: str, processes: bool) -> Blow | None:
    """Has `run` execute code that never ends, kills the victim, and waits for what `run` says.

    `processes` is whether `run` allows them.

    None where there is no such process; then the run is ended by way of the agent.
    """
    answers: list[object] = []
    host = os.getpid()

    def call() -> None:
        try:
            answers.append(run(CODE))
        except Exception as error:
            answers.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    assert wait_until(lambda: len(busy(host)) == 1 + processes or answers, 10)
    assert not answers, answers
    line = lineage(host)
    dying = mortal(host, victim)
    begin = time.monotonic()
    os.kill(line.get(victim, line["agent"]), signal.SIGKILL)
    thread.join()
    seconds = time.monotonic() - begin
    wait_until(lambda: not living(dying), max(0.0, 0.2 - seconds))
    return Blow(seconds, answers[0], living(dying)) if victim in line else None
