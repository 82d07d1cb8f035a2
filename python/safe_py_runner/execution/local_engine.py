# SPDX-License-Identifier: MIT
"""LocalEngine: runs on this machine, in a venv of its own or with an existing interpreter."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import sysconfig
import weakref
from collections.abc import Callable, Generator, Iterable, Sequence
from types import TracebackType
from typing import Any, NoReturn, TypeVar

from .. import _spr
from .._programs import agent_path
from ..errors import AgentError, InterpreterError
from ..result import Isolation, RunnerResult, Truncated, Usage
from .completions import Arguments, Completions
from .config import validate_pinned_packages
from .types import ExecutionOutcome, ExecutionRequest

__all__ = ["LocalEngine"]

_logger = logging.getLogger("safe_py_runner")

_FOR_EVER_NS = 2**64 - 1
_COUNT_MAX = 2**32 - 1

Key = TypeVar("Key")


class LocalEngine:
    """Run code with a warm interpreter of this machine, confined.

    The venv is made and filled when the engine is created, once per set of packages; agent and
    interpreter start with the first run and serve all later ones. An engine may be used from any
    number of threads and event loops and survives ``os.fork()``; it cannot be pickled. It is closed
    by :meth:`close`, at the end of a ``with`` block, or at the latest with the process.

    Runs beyond ``max_concurrency`` wait in this process, first in, first out, whichever thread or
    task they come from. Their ``timeout_seconds`` count from their start, not from here.

    Args:
        venv_dir: directory of the venv; made when it does not exist.
        venv_manager: ``"uv"`` or ``"python"`` (``python -m venv``).
        packages: ``name==version`` or ``name[extra]==version``; wheels only.
        python: an existing interpreter: a path, a venv, or a name on PATH. With ``venv_dir``, the
            one to build the venv on; default: this one.
        preload: modules to import once, before any run; one that cannot be imported is an error.
            ``"auto"``, alone or as one of them: also those that the runs of this engine turn out to
            import.
        progress: receives a line per step of an installation; default: the logger
            ``safe_py_runner``, level INFO.
        max_concurrency: how many runs may be in progress at a time; default: as many as the agent
            takes, which depends on the descriptors it may have and is never exceeded.
        max_queue: how many more runs may wait for their turn; the next one raises
            :class:`~safe_py_runner.errors.BusyError`. Default 65536.
        acquire_timeout: how many seconds a run may wait for its turn, also while the interpreter
            starts; then its result has outcome ``infra`` and exit code 125. Default: for ever.
        standbys: how many workers are kept ready for each kind of run (limits and permissions make
            a kind), at most 4096; each takes about half a MB, more with large preloads. Default: as
            many as the runs of late would have needed. 0: each run waits for its worker.

    Raises:
        TypeError: neither ``venv_dir`` nor ``python``; an argument of a wrong type.
        ValueError: an empty ``venv_dir``, another manager, a package that is not pinned, a preload
            that is not the name of a module, a number out of range.
        VenvError: (a RuntimeError) the venv or its packages could not be made.
        InterpreterError: (a RuntimeError) no ``python`` of that name on PATH.
    """

    def __init__(
        self,
        *,
        venv_dir: str | os.PathLike[str] | None = None,
        venv_manager: str = "uv",
        packages: Sequence[str] | None = None,
        python: str | os.PathLike[str] | None = None,
        preload: Iterable[str] = (),
        progress: Callable[[str], object] | None = None,
        max_concurrency: int | None = None,
        max_queue: int | None = None,
        acquire_timeout: float | None = None,
        standbys: int | None = None,
    ) -> None:
        if venv_manager not in ("uv", "python"):
            raise ValueError(f"venv_manager must be 'uv' or 'python', not {venv_manager!r}")
        modules = _preloads(preload)
        _check_count("max_concurrency", max_concurrency, 1)
        _check_count("max_queue", max_queue, 0)
        _check_count("standbys", standbys, 0)
        acquire_timeout_ns = _acquire_timeout_ns(acquire_timeout)
        pinned = validate_pinned_packages(packages)
        interpreter = None if python is None else _find_interpreter(python)

        if venv_dir is None:
            if interpreter is None:
                raise TypeError("LocalEngine requires 'venv_dir' (or 'python')")
            if pinned:
                raise ValueError("packages require 'venv_dir'")
        else:
            interpreter = _spr.venv_ensure(
                _venv_path(venv_dir),
                manager=venv_manager,
                python=interpreter or sys.executable,
                packages=pinned,
                search_path=_search_path(),
                environment=_environment(),
                progress=progress or _logger.info,
            )

        self._python = interpreter
        self._native = _spr.Engine(
            python=interpreter,
            agent=agent_path(),
            preload=[module for module in modules if module != "auto"],
            preload_auto="auto" in modules,
            max_concurrency=max_concurrency or 0,
            max_queue=max_queue,
            acquire_timeout_ns=acquire_timeout_ns,
            standbys=standbys,
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

    def close(self) -> None:
        """End the runs in flight, the agent and all that it started. Any thread, twice too.

        Later runs raise :class:`~safe_py_runner.errors.ClosedError`.
        """
        self._finalizer()

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        finalizer = getattr(self, "_finalizer", None)  # none yet where __init__ raised
        if finalizer is None:
            return "<LocalEngine>"
        return f"<LocalEngine python={self._python!r}{'' if finalizer.alive else ', closed'}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a LocalEngine cannot be pickled or copied: it owns a running agent; "
            "make one in each process (after os.fork() it can be used as it is)"
        )


def _venv_path(venv_dir: str | os.PathLike[str]) -> str:
    path = os.fspath(venv_dir).strip()
    if not path:
        raise ValueError("LocalEngine requires a non-empty 'venv_dir'")
    return os.path.abspath(os.path.expanduser(path))


def _search_path() -> str:
    """PATH, and then where pip put the uv of an environment that is not activated."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), sysconfig.get_path("scripts")])


def _environment() -> list[bytes]:
    return [name + b"=" + value for name, value in os.environb.items()]


def _find_interpreter(python: str | os.PathLike[str]) -> str:
    """The absolute path of an interpreter. That none is there shows when it is started."""
    path = os.path.expanduser(os.fspath(python))
    if not path:
        raise ValueError("LocalEngine requires a non-empty 'python'")
    try:
        return _spr.find_interpreter(path, search_path=_search_path(), environment=_environment())
    except InterpreterError:
        if os.sep not in path:
            raise
        return os.path.abspath(path)


def _preloads(preload: Iterable[str]) -> list[str]:
    if isinstance(preload, str):
        if preload != "auto":
            raise TypeError("preload must be a list of module names, or 'auto', not another string")
        return [preload]
    return list(preload)


def _check_count(argument: str, value: int | None, least: int) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{argument} must be an int, not {type(value).__name__}")
    if not least <= value <= _COUNT_MAX:
        raise ValueError(f"{argument} must be at least {least}, not {value}")


def _acquire_timeout_ns(seconds: float | None) -> int:
    if seconds is None:
        return _FOR_EVER_NS
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        raise TypeError(f"acquire_timeout must be a number, not {type(seconds).__name__}")
    if not seconds >= 0:
        raise ValueError(f"acquire_timeout must be at least 0 seconds, not {seconds}")
    return min(int(seconds * 1e9), _FOR_EVER_NS) if seconds < 1e10 else _FOR_EVER_NS


def _arguments(request: ExecutionRequest) -> Arguments:
    code = request.code.encode("utf-8", "surrogatepass")
    return code, _dump("input_data", request.input_data), _native_policy(request)


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


def _native_policy(request: ExecutionRequest) -> _spr.Policy:
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
