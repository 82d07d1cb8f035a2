# SPDX-License-Identifier: MIT
"""NativeEngine: what all engines over libspr have in common, wherever their runs take place."""

from __future__ import annotations

import contextlib
import json
import os
import weakref
from collections.abc import Generator, Iterable
from typing import Any, TypeVar

from .. import _spr
from .._programs import agent_path
from ..errors import AgentError, InterpreterError
from ..result import EngineStats, Isolation, RunnerResult, Truncated, Usage
from .completions import Arguments, Completions
from .owner import Owner
from .types import ExecutionOutcome, ExecutionRequest

_FOR_EVER_NS = 2**64 - 1
_COUNT_MAX = 2**32 - 1

Key = TypeVar("Key")


class NativeEngine(Owner):
    """Runs code through an engine of libspr. May be used from any number of threads and event loops
    and survives ``os.fork()``; cannot be pickled.

    Args:
        name: what it works with, for ``repr``.
        preload, max_concurrency, max_queue, acquire_timeout, standbys: see
            :class:`~safe_py_runner.LocalEngine`.
        native: what else libspr is to be told.

    Raises:
        TypeError: an argument of a wrong type.
        ValueError: a preload that is not the name of a module, a number out of range.
    """

    def __init__(
        self,
        name: str,
        *,
        preload: Iterable[str] = (),
        max_concurrency: int | None = None,
        max_queue: int | None = None,
        acquire_timeout: float | None = None,
        standbys: int | None = None,
        **native: Any,
    ) -> None:
        modules = preloads(preload)
        check_count("max_concurrency", max_concurrency, 1)
        check_count("max_queue", max_queue, 0)
        check_count("standbys", standbys, 0)
        self._name = name
        self._native = _spr.Engine(
            agent=agent_path(),
            preload=[module for module in modules if module != "auto"],
            preload_auto="auto" in modules,
            max_concurrency=max_concurrency or 0,
            max_queue=max_queue,
            acquire_timeout_ns=acquire_timeout_ns(acquire_timeout),
            standbys=standbys,
            **native,
        )
        self._max_concurrency = max_concurrency
        self._completions = Completions(self._native)
        self._finalizer = weakref.finalize(self, self._native.close)

    def execute(self, request: ExecutionRequest) -> ExecutionOutcome:
        """Run one request; blocks, other threads go on.

        Returns an outcome whose ``reply`` is the result; a failure of our own machinery is a reply
        with exit code 125. Raises as :func:`~safe_py_runner.run_code` does.
        """
        arguments = _arguments(request)
        try:
            report = self._native.run(*arguments)
        except (AgentError, InterpreterError, OSError) as error:
            return _outcome_from_error(error)
        return ExecutionOutcome.from_result(_result_from_report(report))

    async def aexecute(self, request: ExecutionRequest) -> ExecutionOutcome:
        """The same for asyncio: waits by the engine's descriptor, without a thread. Where the task
        that waits is cancelled, the run is killed."""
        arguments = _arguments(request)
        try:
            report = await self._completions.wait(arguments)
        except (AgentError, InterpreterError, OSError) as error:
            return _outcome_from_error(error)
        return ExecutionOutcome.from_result(_result_from_report(report))

    def execute_many(
        self,
        requests: Iterable[tuple[Key, ExecutionRequest]],
        max_concurrency: int | None = None,
    ) -> Generator[tuple[Key, ExecutionOutcome], None, None]:
        """Run pairs of a key and a request, several at a time, and yield the keys with their
        outcomes as they complete. See :func:`~safe_py_runner.run_many`."""
        limit = max_concurrency or self._max_concurrency or 4 * (os.cpu_count() or 1)
        if self._max_concurrency is not None:
            limit = min(limit, self._max_concurrency)
        jobs = ((key, _arguments(request)) for key, request in requests)
        with contextlib.closing(self._completions.stream(jobs, limit)) as reports:
            for key, report in reports:
                yield key, ExecutionOutcome.from_result(_result_from_report(report))

    def start(self) -> None:
        """Start agent and interpreter now instead of with the first run; blocks until warm.

        Raises:
            InterpreterError, AgentError: they do not start.
        """
        self._native.start()

    def stats(self) -> EngineStats:
        """What the runs of this engine came to, in all. Never blocks for long; any thread."""
        native = self._native.stats()
        times = {key: native.pop(key) for key in list(native) if key.endswith("_ns")}
        milliseconds = {f"{key.removesuffix('_ns')}_ms": ns / 1e6 for key, ns in times.items()}
        return EngineStats(**native, **milliseconds)


def preloads(preload: Iterable[str]) -> list[str]:
    if isinstance(preload, str):
        if preload != "auto":
            raise TypeError("preload must be a list of module names, or 'auto', not another string")
        return [preload]
    return list(preload)


def check_count(argument: str, value: int | None, least: int) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{argument} must be an int, not {type(value).__name__}")
    if not least <= value <= _COUNT_MAX:
        raise ValueError(f"{argument} must be at least {least}, not {value}")


def acquire_timeout_ns(seconds: float | None) -> int:
    if seconds is None:
        return _FOR_EVER_NS
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        raise TypeError(f"acquire_timeout must be a number, not {type(seconds).__name__}")
    if not seconds >= 0:
        raise ValueError(f"acquire_timeout must be at least 0 seconds, not {seconds}")
    return min(int(seconds * 1e9), _FOR_EVER_NS) if seconds < 1e10 else _FOR_EVER_NS


def _arguments(request: ExecutionRequest) -> Arguments:
    code = request.code.encode("utf-8", "surrogatepass")
    return code, _dump("input_data", request.input_data), native_policy(request)


def _outcome_from_error(error: Exception) -> ExecutionOutcome:
    words = error.strerror if isinstance(error, OSError) else None
    return ExecutionOutcome.from_result(
        RunnerResult(ok=False, exit_code=125, error=words or str(error), outcome="infra")
    )


def _dump(argument: str, value: Any) -> str:
    try:
        return json.dumps(value, default=str)
    except RecursionError:
        raise ValueError(f"{argument} is nested too deeply for JSON") from None
    except ValueError as error:
        raise ValueError(f"{argument} cannot become JSON: {error}") from None
    except TypeError as error:
        raise TypeError(f"{argument} cannot become JSON: {error}") from None


def native_policy(request: ExecutionRequest) -> _spr.Policy:
    fields = dict(request.policy)
    extra_globals = fields.pop("extra_globals", None) or {}
    if not isinstance(extra_globals, dict):
        raise TypeError(f"extra_globals must be a dict, not {type(extra_globals).__name__}")
    fields["timeout_seconds"] = request.timeout_seconds
    return _spr.Policy.from_json(
        _dump("policy", fields), extra_globals=_dump("extra_globals", extra_globals)
    )


def _result_from_report(report: _spr.Report) -> RunnerResult:
    result = RunnerResult(
        ok=report.ok,
        stdout=report.stdout,
        stderr=report.stderr,
        timed_out=report.timed_out,
        resource_exceeded=report.resource_exceeded,
        error=report.error,
        exit_code=report.exit_code,
        outcome=report.outcome,
        killed_by=report.killed_by,
        usage=Usage(
            wall_ms=report.wall_ns / 1e6,
            cpu_ms=(report.cpu_user_ns + report.cpu_system_ns) / 1e6,
            peak_memory_bytes=report.peak_memory_bytes,
            queue_wait_ms=report.queue_wait_ns / 1e6,
            cpu_user_ms=report.cpu_user_ns / 1e6,
            cpu_system_ms=report.cpu_system_ns / 1e6,
            bytes_in=report.bytes_in,
            bytes_out=report.bytes_out,
            standby=report.standby,
            page_faults=report.page_faults,
        ),
        truncated=Truncated(report.stdout_truncated, report.stderr_truncated),
        stdout_tail=report.stdout_tail,
        stderr_tail=report.stderr_tail,
        isolation=Isolation(report.isolation_level, report.layers, report.network, report.where),
        run_id=report.run_id,
    )
    if report.result_json is not None:
        _load_result(result, report.result_json)
    return result


def _load_result(result: RunnerResult, text: str) -> None:
    try:
        result.result = json.loads(text)
    except (RecursionError, ValueError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        result.ok, result.outcome, result.exit_code = False, "error", result.exit_code or 1
        result.error = result.error or f"the result cannot be loaded: {reason}"
