# SPDX-License-Identifier: MIT
"""libspr: engines, policies, results and venvs. The contracts stand in include/spr/spr.h."""

from collections.abc import Callable, Iterable, Sequence
from os import PathLike
from typing import Any, final

version: str

class RunnerError(RuntimeError): ...
class InvalidError(RunnerError, ValueError): ...
class PolicyError(RunnerError, ValueError): ...
class InterpreterError(RunnerError): ...
class VenvError(RunnerError): ...
class AgentError(RunnerError): ...
class ClosedError(RunnerError): ...
class BusyError(RunnerError): ...
class AuditError(RunnerError): ...

@final
class Policy:
    @classmethod
    def from_file(cls, path: str | PathLike[str], /) -> Policy: ...
    @classmethod
    def from_preset(cls, name: str, /) -> Policy: ...
    @classmethod
    def from_json(
        cls,
        text: str,
        *,
        name: str = "policy",
        complete: bool = True,
        extra_globals: str | None = None,
    ) -> Policy: ...
    def to_json(self) -> str: ...

@final
class Report:
    ok: bool
    outcome: str
    timed_out: bool
    resource_exceeded: bool
    exit_code: int
    error: str | None
    killed_by: str | None
    result_json: str | None
    stdout: str
    stderr: str
    stdout_tail: str
    stderr_tail: str
    stdout_truncated: bool
    stderr_truncated: bool
    stdout_total: int
    stderr_total: int
    wall_ns: int
    queue_wait_ns: int
    cpu_user_ns: int
    cpu_system_ns: int
    peak_memory_bytes: int
    bytes_in: int
    bytes_out: int
    standby: bool
    page_faults: int | None
    isolation_level: str
    layers: tuple[str, ...]
    network: str
    where: str
    run_id: int

@final
class Engine:
    def __init__(
        self,
        *,
        python: str | PathLike[str] | None = None,
        venv: str | PathLike[str] | None = None,
        agent: str | PathLike[str] | None = None,
        preload: Iterable[str] = (),
        preload_auto: bool = False,
        startup_timeout_ns: int = 30_000_000_000,
        max_concurrency: int = 0,
        max_queue: int | None = None,
        acquire_timeout_ns: int = 0xFFFF_FFFF_FFFF_FFFF,
        standbys: int | None = None,
        command: Sequence[str | PathLike[str]] | None = None,
        shell_hop: bool = False,
        exclusive_tmp: bool = False,
        audit_log: str | PathLike[str] | int | None = None,
    ) -> None: ...
    def start(self) -> None: ...
    def close(self) -> None: ...
    def run(
        self,
        code: bytes,
        input_json: str | None = None,
        policy: Policy = ...,
        name: str | None = None,
    ) -> Report: ...
    def post(
        self,
        code: bytes,
        input_json: str | None = None,
        policy: Policy = ...,
        name: str | None = None,
    ) -> int: ...
    def cancel(self, run_id: int, /) -> None: ...
    def fileno(self) -> int: ...
    def dispatch(self) -> None: ...
    def pop(self) -> Report | None: ...
    def stats(self) -> dict[str, Any]: ...

def find_interpreter(
    name: str | PathLike[str], *, search_path: str, environment: list[bytes]
) -> str: ...
def venv_ensure(
    directory: str | PathLike[str],
    *,
    manager: str = "auto",
    python: str | PathLike[str] = ...,
    packages: Iterable[str] = (),
    search_path: str = ...,
    environment: list[bytes] = ...,
    progress: Callable[[str], object] | None = None,
) -> str: ...
