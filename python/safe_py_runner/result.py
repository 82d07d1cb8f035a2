# SPDX-License-Identifier: MIT
"""RunnerResult: what became of the code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["EngineStats", "Isolation", "RunnerResult", "Truncated", "Usage"]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a run cost, measured by the agent and the kernel, never by the code's own words.

    Attributes:
        wall_ms: milliseconds from the hand-over of the request to the end of the run.
        cpu_ms: milliseconds of processor time, user and system.
        peak_memory_bytes: anonymous and shared memory beyond the warm interpreter.
        queue_wait_ms: milliseconds for which the run waited for a free slot of its engine before.
        cpu_user_ms, cpu_system_ms: the two parts of ``cpu_ms``.
        bytes_in: code and input.
        bytes_out: the result's JSON and all that was written to the streams, kept or not.
        standby: whether a worker was ready when the run came.
        page_faults: of the run's process since it was made, as the kernel counted them; None where
            nobody asked it: for runs of less than a millisecond.
    """

    wall_ms: float = 0.0
    cpu_ms: float = 0.0
    peak_memory_bytes: int = 0
    queue_wait_ms: float = 0.0
    cpu_user_ms: float = 0.0
    cpu_system_ms: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0
    standby: bool = False
    page_faults: int | None = None


@dataclass(frozen=True, slots=True)
class EngineStats:
    """What the runs of an engine came to since it was made (in a forked child: since the fork).

    Attributes:
        runs: how many have completed.
        in_progress, waiting: how many are at the agent, and wait for their turn, now.
        failed: of ``runs``, those that ended in an error of ours and have no result.
        outcomes: of the others, how many had which outcome; those that there were.
        standby_hits, standby_misses: how many found a worker ready, and how many did not.
        wall_ms, cpu_user_ms, cpu_system_ms, queue_wait_ms, bytes_in, bytes_out: sums.
        peak_memory_bytes: the highest of all.
        page_faults: of the runs of which they are known.
    """

    runs: int = 0
    in_progress: int = 0
    waiting: int = 0
    failed: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    standby_hits: int = 0
    standby_misses: int = 0
    wall_ms: float = 0.0
    cpu_user_ms: float = 0.0
    cpu_system_ms: float = 0.0
    queue_wait_ms: float = 0.0
    peak_memory_bytes: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    page_faults: int = 0


@dataclass(frozen=True, slots=True)
class Truncated:
    """Which streams were longer than ``max_output_kb``; true when any was."""

    stdout: bool = False
    stderr: bool = False

    def __bool__(self) -> bool:
        return self.stdout or self.stderr


@dataclass(frozen=True, slots=True)
class Isolation:
    """What confined the run.

    Attributes:
        level: ``none``, ``process``, ``kernel`` or ``full``.
        layers: the names of what was applied and read back.
        network: ``none``, or ``host`` where the code could use the network of the host.
        where: ``host``: on this machine.
    """

    level: str = "none"
    layers: tuple[str, ...] = ()
    network: str = "none"
    where: str = "host"


@dataclass(slots=True)
class RunnerResult:
    """The answer of :func:`~safe_py_runner.run_code`.

    The first eight fields are those of the reference and make up equality and repr; the others come
    with defaults, so that a result of a custom engine may lack them.

    Attributes:
        result: the value of the global ``result``, through JSON.
        stdout, stderr: the first ``max_output_kb`` KiB of each stream.
        error: one line, ``ValueError: …``; None where ok.
        exit_code: 0 to 255; 2 memory, 124 timeout, 125 our failure.
        outcome: ``ok error timeout memory output denied crash cancelled infra``.
        killed_by: None, ``timeout``, ``memory``, ``signal``, ``cancel``, ``agent``, ``cpu``,
            ``processes`` or ``disk``.
        stdout_tail, stderr_tail: the end of a truncated stream.
        run_id: the run's number on its engine's connection; 0 where no run took place.
    """

    ok: bool
    result: Any = None
    stdout: str = ""
    stderr: str = ""
    timed_out: bool = False
    resource_exceeded: bool = False
    error: str | None = None
    exit_code: int = 0
    outcome: str = field(default="", compare=False, repr=False)
    killed_by: str | None = field(default=None, compare=False, repr=False)
    usage: Usage = field(default=Usage(), compare=False, repr=False)
    truncated: Truncated = field(default=Truncated(), compare=False, repr=False)
    stdout_tail: str = field(default="", compare=False, repr=False)
    stderr_tail: str = field(default="", compare=False, repr=False)
    isolation: Isolation = field(default=Isolation(), compare=False, repr=False)
    run_id: int = field(default=0, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.outcome:
            self.outcome = self._infer_outcome()

    def _infer_outcome(self) -> str:
        if self.ok:
            return "ok"
        if self.timed_out:
            return "timeout"
        if self.resource_exceeded:
            return "memory"
        return "infra" if self.exit_code == 125 else "error"
