# SPDX-License-Identifier: MIT
"""LocalEngine: runs on this machine, in a venv of its own or with an existing interpreter."""

from __future__ import annotations

import logging
import os
import sys
import sysconfig
from collections.abc import Callable, Iterable, Sequence

from .. import _spr
from ..errors import InterpreterError
from .config import validate_pinned_packages
from .native_engine import NativeEngine

__all__ = ["LocalEngine"]

_logger = logging.getLogger("safe_py_runner")


class LocalEngine(NativeEngine):
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
        audit_log: a file (made where there is none) or a descriptor, to which a line of JSON is
            added for each run before its result is given out; ``spr audit verify`` finds what was
            changed in it since. Engines and processes may share one file.

    Raises:
        TypeError: neither ``venv_dir`` nor ``python``; an argument of a wrong type.
        ValueError: an empty ``venv_dir``, another manager, a package that is not pinned, a preload
            that is not the name of a module, a number out of range.
        VenvError: (a RuntimeError) the venv or its packages could not be made.
        InterpreterError: (a RuntimeError) no ``python`` of that name on PATH.
        AuditError: (a RuntimeError) the audit log cannot be written; runs raise it, too.
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
        audit_log: str | os.PathLike[str] | int | None = None,
    ) -> None:
        if venv_manager not in ("uv", "python"):
            raise ValueError(f"venv_manager must be 'uv' or 'python', not {venv_manager!r}")
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

        super().__init__(
            f"python={interpreter!r}",
            python=interpreter,
            preload=preload,
            max_concurrency=max_concurrency,
            max_queue=max_queue,
            acquire_timeout=acquire_timeout,
            standbys=standbys,
            audit_log=audit_log,
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
