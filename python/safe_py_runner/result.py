# SPDX-License-Identifier: MIT
"""RunnerResult: what became of the code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Isolation", "RunnerResult", "Truncated", "Usage"]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a run cost, measured by the agent and the kernel, never by the code's own words.

    Attributes:
        wall_ms: milliseconds from the hand-over of the request to the end of the run.
        cpu_ms: milliseconds of processor time, user and system.
        peak_memory_bytes: anonymous and shared memory beyond the warm interpreter.
        queue_wait_ms: milliseconds for which the run waited for a free slot of its engine before.
    """

    wall_ms: float = 0.0
    cpu_ms: float = 0.0
    peak_memory_bytes: int = 0
    queue_wait_ms: float = 0.0


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
