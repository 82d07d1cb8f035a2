# SPDX-License-Identifier: MIT
"""The exceptions of safe_py_runner: one tree, rooted in RunnerError.

What happens to the code (an exception, a timeout, too much memory) is a result, never an exception.
These say that no run took place. RunnerError is a RuntimeError; InvalidError and PolicyError are
ValueErrors as well, since the caller can mend them.
"""

from ._spr import (
    AgentError,
    AuditError,
    BusyError,
    ClosedError,
    InterpreterError,
    InvalidError,
    PolicyError,
    RunnerError,
    VenvError,
)

__all__ = [
    "AgentError",
    "AuditError",
    "BusyError",
    "ClosedError",
    "InterpreterError",
    "InvalidError",
    "PolicyError",
    "RunnerError",
    "VenvError",
]
