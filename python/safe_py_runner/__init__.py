# SPDX-License-Identifier: MIT
"""Run Python that a language model wrote, confined and fast.

Example::

    from safe_py_runner import LocalEngine, RunnerPolicy, run_code

    engine = LocalEngine(venv_dir="~/.cache/my-app/venv")
    answer = run_code("result = sum(numbers)", engine, input_data={"numbers": [1, 2, 3]})
    print(answer.result if answer.ok else answer.error)
"""

from ._spr import version as __version__
from .errors import (
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
from .execution.command_engine import CommandEngine
from .execution.docker_client import DockerError
from .execution.docker_engine import DockerEngine
from .execution.engine import ExecutionEngine
from .execution.local_engine import LocalEngine
from .policy import RunnerPolicy
from .result import EngineStats, Isolation, RunnerResult, Truncated, Usage
from .runner import Job, arun_code, run_code, run_many

__all__ = [
    "AgentError",
    "AuditError",
    "BusyError",
    "ClosedError",
    "CommandEngine",
    "DockerEngine",
    "DockerError",
    "EngineStats",
    "ExecutionEngine",
    "InterpreterError",
    "InvalidError",
    "Isolation",
    "Job",
    "LocalEngine",
    "PolicyError",
    "RunnerError",
    "RunnerPolicy",
    "RunnerResult",
    "Truncated",
    "Usage",
    "VenvError",
    "__version__",
    "arun_code",
    "run_code",
    "run_many",
]
