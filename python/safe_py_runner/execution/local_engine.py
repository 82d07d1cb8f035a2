# SPDX-License-Identifier: MIT
"""LocalEngine: runs on this machine, in a venv of its own or with an existing interpreter."""

from __future__ import annotations

import json
import logging
import os
import sys
import sysconfig
import weakref
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, NoReturn

from .. import _spr
from .._programs import agent_path
from ..errors import AgentError, InterpreterError
from ..result import Isolation, RunnerResult, Truncated, Usage
from .config import validate_pinned_packages
from .types import ExecutionOutcome, ExecutionRequest

__all__ = ["LocalEngine"]

_logger = logging.getLogger("safe_py_runner")


class LocalEngine:
    """Run code with a warm interpreter of this machine, confined.

    The venv is made and filled when the engine is created, once per set of packages; agent and
    interpreter start with the first run and serve all later ones. An engine may be used from any
    number of threads and survives ``os.fork()``; it cannot be pickled. It is closed by
    :meth:`close`, at the end of a ``with`` block, or at the latest with the process.

    Args:
        venv_dir: directory of the venv; made when it does not exist.
        venv_manager: ``"uv"`` or ``"python"`` (``python -m venv``).
        packages: ``name==version`` or ``name[extra]==version``; wheels only.
        python: an existing interpreter: a path, a venv, or a name on PATH. With ``venv_dir``, the
            one to build the venv on; default: this one.
        preload: modules to import once, before any run.
        progress: receives a line per step of an installation; default: the logger
            ``safe_py_runner``, level INFO.

    Raises:
        TypeError: neither ``venv_dir`` nor ``python``.
        ValueError: an empty ``venv_dir``, another manager, a package that is not pinned.
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
    ) -> None:
        if venv_manager not in ("uv", "python"):
            raise ValueError(f"venv_manager must be 'uv' or 'python', not {venv_manager!r}")
        if isinstance(preload, str):
            raise TypeError("preload must be a list of module names, not a string")
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
        self._native = _spr.Engine(python=interpreter, agent=agent_path(), preload=preload)
        self._finalizer = weakref.finalize(self, self._native.close)

    def execute(self, request: ExecutionRequest) -> ExecutionOutcome:
        """Run one request; blocks, other threads go on.

        Returns an outcome whose ``reply`` is the result; a failure of our own machinery is a reply
        with exit code 125. Raises as :func:`~safe_py_runner.run_code` does.
        """
        code = request.code.encode("utf-8", "surrogatepass")
        input_json = _dump("input_data", request.input_data)
        policy = _native_policy(request)
        try:
            report = self._native.run(code, input_json, policy)
        except (AgentError, InterpreterError, OSError) as error:
            words = error.strerror if isinstance(error, OSError) else None
            result = RunnerResult(
                ok=False, exit_code=125, error=words or str(error), outcome="infra"
            )
        else:
            result = _result_from_report(report)
        return ExecutionOutcome.from_result(result)

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
