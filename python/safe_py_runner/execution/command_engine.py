# SPDX-License-Identifier: MIT
"""CommandEngine: runs behind any command that ends in a Python on a pipe."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from .native_engine import NativeEngine

__all__ = ["CommandEngine"]


class CommandEngine(NativeEngine):
    """Run code where a command leads to, in a container or on another machine.

    Nothing has to be installed there but CPython 3.9 or later: the agent goes over the pipe into
    memory. The command starts with the first run and again after it has ended; it has no terminal,
    so that it can ask nobody for a password. Both sides notice within 15 s that the way between
    them is cut, and a run that is overdue is not made to wait for that.

    Example::

        engine = CommandEngine(["ssh", "host", "python3"], shell_hop=True)
        engine = CommandEngine(["podman", "run", "-i", "--rm", "python:3.12-slim", "python3"])

    Args:
        argv: the command, the program by path or by name in PATH. What starts the agent is appended
            to it.
        shell_hop: whether a shell on the way splits the end of the command into words once more, as
            that of ssh(1) does; then what is appended is quoted.
        exclusive_tmp: where runs cannot have a /tmp of their own, each has all of that of the
            machine, one at a time, emptied between them: for a container that is there for these
            runs alone.
        startup_timeout: seconds until the agent and the interpreter must have answered.
        preload, max_concurrency, max_queue, acquire_timeout, standbys, audit_log: as for
            :class:`~safe_py_runner.LocalEngine`; the log is written here, not where the code runs.

    Raises:
        TypeError: an argument of a wrong type.
        ValueError: no command, a preload that is not the name of a module, a number out of range.
    """

    def __init__(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        shell_hop: bool = False,
        exclusive_tmp: bool = False,
        startup_timeout: float = 30.0,
        preload: Iterable[str] = (),
        max_concurrency: int | None = None,
        max_queue: int | None = None,
        acquire_timeout: float | None = None,
        standbys: int | None = None,
        audit_log: str | os.PathLike[str] | int | None = None,
    ) -> None:
        if isinstance(argv, (str, bytes)):
            raise TypeError(f"argv must be a list of words, not a {type(argv).__name__}")
        command = [os.fspath(word) for word in argv]
        if not command or not command[0]:
            raise ValueError("CommandEngine requires a command")
        if not startup_timeout > 0:
            raise ValueError(f"startup_timeout must be more than 0 seconds, not {startup_timeout}")
        super().__init__(
            f"argv={command!r}",
            command=command,
            shell_hop=shell_hop,
            exclusive_tmp=exclusive_tmp,
            startup_timeout_ns=int(startup_timeout * 1e9),
            preload=preload,
            max_concurrency=max_concurrency,
            max_queue=max_queue,
            acquire_timeout=acquire_timeout,
            standbys=standbys,
            audit_log=audit_log,
        )
